/* source_map.h -- from an instruction to the source program, by .loc directives. */
#ifndef TKC_RUNTIME_EMU_SOURCE_MAP_H
#define TKC_RUNTIME_EMU_SOURCE_MAP_H

#include "runtime/emu/ptx.h"

/* The source range of an instruction: what stands at its .loc, if the file is in the source set;
 * else the instruction's own text in the PTX. */
SrcRange source_range(SourceSet *sources, const PtxModule *module, const PtxFunction *function,
                      uint32_t inst);
/* The file of the source set that a .file number names, or NULL. */
const SrcFile *source_file(SourceSet *sources, const PtxModule *module, unsigned number);
/* The .loc to show for an instruction: where inlined code was called if its own file is not known.
 */
PtxLoc source_loc(SourceSet *sources, const PtxModule *module, const PtxFunction *function,
                  uint32_t inst);

#endif
