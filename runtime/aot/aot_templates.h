/* aot_templates.h -- the files *.in of this folder, as CMake puts them into the program. */
#ifndef TKC_RUNTIME_AOT_AOT_TEMPLATES_H
#define TKC_RUNTIME_AOT_AOT_TEMPLATES_H

#include "support/embedded.h"

extern const EmbeddedFile aot_templates[];
extern const size_t aot_templates_count;

#endif
