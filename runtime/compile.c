/* compile.c -- from optimised tile IR to PTX.
 *
 * The passes of PASS_GPU_PIPELINE work on a copy, since a device that interprets may still need the
 * kernel as it is.
 */
#include "runtime/compile.h"

IrModule *compile_laid(Arena *arena, const IrKernel *kernel, const CompileOptions *options,
                       Diags *diags) {
    IrModule *module = ir_module_create(kernel->module->ctx, arena, kernel->module->sources);
    ir_kernel_clone(module, kernel);
    PassOptions passes = options->passes;
    const CodegenTarget *target = codegen_target(options->target);
    if (target != NULL)
        passes.target = (PassTarget){codegen_target_arch(target), target->shared_limit};
    bool passed = passes_run(module, PASS_GPU_PIPELINE, &passes, diags, NULL);
    return passed ? module : NULL;
}

bool compile_kernel(Arena *arena, const IrKernel *kernel, const CompileOptions *options,
                    Diags *diags, Compiled *out) {
    out->laid = compile_laid(arena, kernel, options, diags);
    if (!out->laid)
        return false;
    CodegenOptions codegen = {.target = options->target,
                              .line_info = options->line_info,
                              .comments = options->comments,
                              .keep_llvm = options->keep_llvm};
    return codegen_kernel(arena, out->laid->kernels.data[0], &codegen, diags, &out->code);
}

static bool compile_code(void *data, Arena *arena, const IrKernel *kernel, Diags *diags,
                         DeviceCode *out) {
    Compiled compiled;
    if (!compile_kernel(arena, kernel, data, diags, &compiled))
        return false;
    *out = (DeviceCode){.ptx = compiled.code.ptx,
                        .ptx_len = compiled.code.ptx_len,
                        .entry = compiled.code.entry,
                        .num_warps = (unsigned)kernel->num_warps,
                        .shared_bytes = (size_t)compiled.laid->kernels.data[0]->shared_bytes};
    return true;
}

DeviceCompiler compile_for_device(CompileOptions *options) {
    return (DeviceCompiler){.data = options, .compile = compile_code};
}
