/* emu_profile.h -- what a launch counted, by source line. */
#ifndef TKC_RUNTIME_EMU_EMU_PROFILE_H
#define TKC_RUNTIME_EMU_EMU_PROFILE_H

#include "runtime/emu/emu.h"
#include "support/str.h"

/* A table: one row a source line that was executed, with its text where the source is known. */
void emu_profile_text(SourceSet *sources, const EmuCounters *counters, StrBuf *out);
/* {"kernel": ..., "cost": ..., "total": {...}, "lines": [{"file":, "line":, ...}]} and a newline.
 */
void emu_profile_json(SourceSet *sources, const EmuCounters *counters, StrBuf *out);

#endif
