/* observe.c -- tells the observer of a launch what a program accesses.
 *
 * Pointers name the kernel parameter that they come from, so an access is described without its
 * addresses: parameter and offset, the same in every run. What is masked off is told too, which
 * memory alone would not show.
 */
#include "ir/interp/access.h"

/* Where a lane points, as seen from the kernel's parameters. */
static InterpLane describe_lane(const Exec *exec, uint64_t ptr, bool active) {
    const Launch *launch = exec->launch;
    InterpLane lane = {.param = -1, .active = active};
    uint64_t tag = ptr_tag(ptr);
    if (tag == 0 || tag > launch->num_args)
        return lane;
    const MemView *view = &launch->args[tag - 1].view;
    uint64_t first = (uint64_t)(uintptr_t)view->alloc->data + view->offset;
    lane.param = (int)(tag - 1);
    lane.offset = (int64_t)(ptr_address(ptr) - (first & PTR_ADDRESS));
    return lane;
}

void access_observe(Exec *exec, const Inst *inst, AccessKind kind, const uint64_t *ptrs,
                    const uint8_t *mask, size_t n, size_t size) {
    const InterpObserver *observer = exec->launch->options->observer;
    if (observer == NULL)
        return;
    ArenaMark mark = arena_mark(exec->arena);
    InterpLane *lanes = ARENA_ARRAY(exec->arena, InterpLane, n);
    for (size_t i = 0; i < n; i++)
        lanes[i] = describe_lane(exec, ptrs[i], mask == NULL || mask[i] != 0);
    InterpAccess access = {
        .op = inst->op,
        .kind = kind,
        .program = exec->program->index,
        .pid = exec->program->pid,
        .size = size,
        .lanes = lanes,
        .num_lanes = n,
    };
    observer->access(observer->data, &access);
    arena_reset(exec->arena, mark);
}
