/* llvm_text.h -- PTX from LLVM IR text. For tests of how LLVM's failures are caught, which need IR
 * that no kernel leads to; without LLVM's own headers, which stay inside codegen/. */
#ifndef TKC_CODEGEN_LLVM_TEXT_H
#define TKC_CODEGEN_LLVM_TEXT_H

#include "support/arena.h"

/* PTX of a module in LLVM's textual form; `features` as in "+ptx80". NULL if LLVM refused: then
 * *error tells why. Both in the arena. */
const char *llvm_text_to_ptx(Arena *arena, const char *text, const char *cpu, const char *features,
                             const char **error);

#endif
