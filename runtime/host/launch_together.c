/* launch_together.c -- many specialisations compiled at once, for autotuning.
 *
 * Specialising evaluates host values, so it is done where it always is, one after the other; it is
 * the short part. While launches are collected, kernel.warmup() leaves the rest, the code generator
 * and the driver's compiler, for later. Then all that was left is done on as many threads as there
 * are, each kernel a copy in an arena and an IrContext of its own, so that the threads share
 * nothing that is written. What the device keeps of a kernel is made behind that in the order of
 * the calls, so that neither diagnostics nor numbering depend on the threads.
 *
 *     launch_collect_begin(state);
 *     ...kernel.warmup(x, n, BLOCK=64); kernel.warmup(x, n, BLOCK=128);
 *     launch_collect_end(state);         both are compiled, or know why they cannot be
 */
#include <string.h>

#include "runtime/host/launch_internal.h"

typedef enum PendingEnd {
    PENDING_LEFT,
    PENDING_MADE,
    PENDING_REFUSED,
    PENDING_NO_MEMORY
} PendingEnd;

struct Pending {
    Variant *variant;
    OomHandler oom; /* of the thread that works on it: it must not jump into another one's frames */
    Arena *arena;
    Diags *diags;
    DevicePrepared prepared;
    PendingEnd end;
};

bool launch_leave(LaunchState *state, Variant *variant) {
    if (state->collecting == 0 || state->config.device->ops->prepare == NULL)
        return false;
    if (variant->left || variant->num_refused > 0)
        return true;
    variant->left = true;
    Pending *pending = ARENA_NEW(state->py->arena, Pending);
    pending->variant = variant;
    vec_push(state->py->arena, &state->pending, pending);
    return true;
}

void launch_collect_begin(LaunchState *state) {
    state->collecting++;
}

static void prepare(LaunchState *state, Pending *pending) {
    pending->oom.fail_after = -1;
    if (setjmp(pending->oom.jump) != 0) {
        pending->end = PENDING_NO_MEMORY;
        return;
    }
    Device *device = state->config.device;
    const IrModule *from = pending->variant->optimised;
    pending->arena = arena_create(&pending->oom);
    pending->diags = diags_create(pending->arena, from->sources);
    IrModule *module =
        ir_module_create(ir_context_create(pending->arena), pending->arena, from->sources);
    const IrKernel *kernel = ir_kernel_clone(module, from->kernels.data[0]);
    bool made =
        device->ops->prepare(device, pending->arena, kernel, pending->diags, &pending->prepared);
    pending->end = made ? PENDING_MADE : PENDING_REFUSED;
}

static void prepare_some(void *data, int64_t begin, int64_t end, unsigned worker) {
    LaunchState *state = data;
    const volatile sig_atomic_t *cancel = state->config.interp.cancel;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        Pending *pending = state->pending.data[i];
        if (pending->variant->code == NULL && (cancel == NULL || *cancel == 0))
            prepare(state, pending);
    }
}

static void finish(LaunchState *state, Pending *pending) {
    PyCtx *py = state->py;
    Device *device = state->config.device;
    Variant *variant = pending->variant;
    size_t from = diags_len(py->diags);
    variant->left = false;
    if (variant->code != NULL) /* launched in between */
        return;
    if (pending->end == PENDING_MADE)
        variant->code = device->ops->finish(device, py->arena, variant->optimised->kernels.data[0],
                                            &pending->prepared, py->diags);
    for (size_t i = 0; pending->diags != NULL && i < diags_len(pending->diags); i++)
        diags_put(py->diags, diags_copy(py->diags, diags_at(pending->diags, i)));
    if (variant->code != NULL)
        vec_push(py->arena, &state->order, variant);
    else if (pending->end != PENDING_LEFT)
        variant->refused = diags_take(py->diags, from, &variant->num_refused);
}

void launch_forget_pending(LaunchState *state) {
    for (size_t i = 0; i < state->pending.len; i++) {
        arena_destroy(state->pending.data[i]->arena);
        state->pending.data[i]->arena = NULL;
    }
    state->pending.len = 0;
}

void launch_collect_end(LaunchState *state) {
    if (--state->collecting > 0 || state->pending.len == 0)
        return;
    ThreadPool *pool = state->config.interp.pool;
    int64_t count = (int64_t)state->pending.len;
    size_t event = state->trace == NULL ? 0 : trace_begin(state->trace, "compile", "many at once");
    if (pool != NULL)
        threads_for(pool, count, 1, prepare_some, state);
    else
        prepare_some(state, 0, count, 0);
    for (int64_t i = 0; i < count; i++)
        if (state->pending.data[i]->end == PENDING_NO_MEMORY)
            oom_raise(arena_oom(state->py->arena));
    for (int64_t i = 0; i < count; i++)
        finish(state, state->pending.data[i]);
    launch_forget_pending(state);
    if (state->trace != NULL)
        trace_end(state->trace, event);
}
