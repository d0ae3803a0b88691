/* emit.h -- texts of what a program becomes on its way: added to the outputs of a build. */
#ifndef TKC_RUNTIME_EMIT_H
#define TKC_RUNTIME_EMIT_H

#include "frontend/ast.h"
#include "ir/ir.h"
#include "passes/pass.h"
#include "runtime/outputs.h"

/* Parses a file, and adds its token stream and syntax tree if they were asked for. NULL if it has
 * syntax errors (reported). */
const Module *emit_file(Outputs *outputs, const BuildOptions *options, const SrcFile *file);
/* One specialised kernel: before and after the passes, and what is made of it for each target.
 * `module` is changed: the passes run on it. `before`: what was counted when it was made, or NULL.
 * Failures are reported. */
SessionStatus emit_kernel(Outputs *outputs, const BuildOptions *options, IrModule *module,
                          const PassStats *before);

#endif
