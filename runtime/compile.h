/* compile.h -- from optimised tile IR to PTX: the passes of the laid level, then codegen/.
 *
 *     CompileOptions options = {.target = "sm_90a", .line_info = true};
 *     Compiled compiled;
 *     if (compile_kernel(arena, kernel, &options, diags, &compiled))
 *         fputs(compiled.code.ptx, file);
 */
#ifndef TKC_RUNTIME_COMPILE_H
#define TKC_RUNTIME_COMPILE_H

#include "codegen/codegen.h"
#include "passes/pass.h"
#include "runtime/device.h"

typedef struct CompileOptions {
    const char *target; /* "sm_90a": one of codegen/targets.def */
    bool line_info;     /* .loc lines */
    bool comments;      /* source lines as comments in the PTX */
    bool keep_llvm;     /* fill in code.llvm and code.llvm_optimised */
    PassOptions passes; /* verification, printing and counting, as for other pipelines */
} CompileOptions;

typedef struct Compiled {
    IrModule *laid; /* the kernel at the laid level, as codegen got it */
    CodegenOutput code;
} Compiled;

/* Compiles a copy of `kernel`, which is at the tile level, behind PASS_DEFAULT_PIPELINE. False:
 * refused, reported. Everything is in the arena. */
bool compile_kernel(Arena *arena, const IrKernel *kernel, const CompileOptions *options,
                    Diags *diags, Compiled *out);
/* The first half of it: the passes. NULL: refused, reported. */
IrModule *compile_laid(Arena *arena, const IrKernel *kernel, const CompileOptions *options,
                       Diags *diags);

/* compile_kernel() as devices want it; `options` must outlive the result. */
DeviceCompiler compile_for_device(CompileOptions *options);

#endif
