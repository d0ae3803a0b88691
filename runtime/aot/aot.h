/* aot.h -- kernels compiled ahead of time, as C that launches them: NAME.h and NAME.c.
 *
 *     AotOptions options = {.targets = targets, .num_targets = 2, .embeds_ptx = true};
 *     Aot *aot = aot_create(session, &options);
 *     AotSource source = {.kernel = kernel, .fn = fn, .params = params};
 *     if (aot_add(aot, py, &source) == STATUS_OK && aot_write(aot, &outputs) == STATUS_OK)
 *         outputs_write(&outputs, "out/");
 *
 * Specialisations of one kernel that differ only in what they know of their arguments (divisible by
 * 16, equal to 1, no pointer) are dispatched behind one function NAME_launch. Those that differ in
 * constants, types or launch options are kernels of their own: NAME, NAME_2, and so on.
 * docs/aot.md tells what the C looks like from outside.
 */
#ifndef TKC_RUNTIME_AOT_AOT_H
#define TKC_RUNTIME_AOT_AOT_H

#include "frontend/specialise.h"
#include "runtime/host/launch.h"
#include "runtime/outputs.h"

typedef struct AotOptions {
    const char *const *targets; /* by the names of targets.def */
    size_t num_targets;         /* 0: SESSION_DEFAULT_TARGET */
    bool embeds_ptx, embeds_cubin;
    const char *name; /* instead of the kernel's; then there may be one only; or NULL */
    const char *grid; /* an expression: "cdiv(n, BLOCK), 2"; or NULL */
} AotOptions;

/* One specialisation. Everything must outlive the Aot. */
typedef struct AotSource {
    const IrKernel *kernel;  /* behind the passes of the tile level */
    const JitFn *fn;         /* NULL: the kernel is fused of several */
    const SpecParam *params; /* one for each parameter of fn */
} AotSource;

typedef struct Aot Aot;
Aot *aot_create(Session *session, const AotOptions *options);
/* Compiles it for every target. Failures are reported. */
SessionStatus aot_add(Aot *aot, PyCtx *py, const AotSource *source);
/* Adds NAME.h and NAME.c of every kernel to the outputs. */
SessionStatus aot_write(Aot *aot, Outputs *outputs);
/* For LaunchConfig: builds what a program asks for by tkc.build. */
LaunchBuilder aot_builder(Session *session);
/* May C functions be called so? */
bool aot_is_name(const char *text);

#endif
