/* exec_check.h -- does a pass keep what a kernel computes? Runs it before and after on random data.
 *
 *     ExecCheck check = {.seed = 1, .rounds = 4};
 *     PassOptions options = {.verify_each = true, .check = exec_check, .check_data = &check};
 *     passes_run(module, "licm,dce", &options, diags, NULL);
 *
 * The library of this header is linked where the interpreter is wanted; the passes do not need it.
 */
#ifndef TKC_PASSES_EXEC_CHECK_H
#define TKC_PASSES_EXEC_CHECK_H

#include "passes/pass.h"

typedef struct ExecCheck {
    uint64_t seed;
    unsigned rounds;   /* sets of arguments and contents of memory that must run, at least 1 */
    unsigned compared; /* out: runs whose outcomes were compared */
    unsigned not_comparable; /* out: kernels that ran on no set: a warning each */
    bool has_barriers;       /* insert-barriers has run: races in shared memory are faults */
} ExecCheck;

/* A PassCheck (`data` is an ExecCheck): false, and an internal error reported, if some run of
 * `after` faults though `before` did not, or leaves other bytes in memory or prints other text.
 * Floats may differ by a little behind passes that may round differently. */
bool exec_check(void *data, const PassInfo *pass, const IrKernel *before, const IrKernel *after,
                bool changed, Diags *diags);

#endif
