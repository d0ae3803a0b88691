/* launch.c -- one launch: arguments, what is watched, and how often the grid is run.
 *
 * Most launches run once. Where something was found that needs a fixed order to be told the same
 * way every time, memory is put back as it was and the grid is run again:
 *
 *     no atomics        all threads, watching        a fault or race?    again: one thread,
 * reporting atomics that      one thread, any conflict     one?                again: one thread,
 * with the acquire, release  counts                                           order that atomics
 * give other atomics     one thread, reporting
 *
 * A launch in which nothing is wrong never needs the second run, and a wrong one is wrong in the
 * second run too: up to its first racing access a program does the same in any order.
 */
#include <pthread.h>
#include <string.h>

#include "ir/interp/launch.h"
#include "ir/interp/order.h"

/* Allocations that pointers from integers may point into: many, or of integer arguments only. */
#define EXTRA_REGIONS 4096u
#define FEW_REGIONS   16u

/* ---- regions
 * --------------------------------------------------------------------------------------------- */

static void region_bounds(Region *region, const InterpOptions *options) {
    const MemAlloc *alloc = region->alloc;
    uint64_t base = (uint64_t)(uintptr_t)alloc->data;
    region->lo = base;
    region->hi = base + alloc->size;
    if (region->view != NULL && options->checks && options->bounds != BOUNDS_ALLOCATION) {
        size_t lo, hi;
        mem_view_span(region->view, &lo, &hi);
        region->lo = base + lo;
        region->hi = base + hi;
    }
}

static unsigned finest_access(const Launch *launch, const MemAlloc *alloc) {
    unsigned finest = alloc->granule;
    const InterpKernel *kernel = launch->kernel;
    if ((kernel->casts_ptrs || kernel->stores_anywhere) && kernel->min_access < finest)
        finest = kernel->min_access;
    for (unsigned i = 0; i < launch->num_args; i++) {
        const InterpArg *arg = &launch->args[i];
        if (arg->kind != INTERP_SCALAR && arg->view.alloc == alloc &&
            dtype_size(arg->view.dtype) < finest)
            finest = (unsigned)dtype_size(arg->view.dtype);
    }
    return finest;
}

/* Does one of the marked arguments lie in the allocation? */
static bool is_marked(const Launch *launch, const MemAlloc *alloc, const bool *marks) {
    for (unsigned i = 0; i < launch->num_args; i++)
        if (marks[i] && launch->args[i].kind != INTERP_SCALAR &&
            launch->args[i].view.alloc == alloc)
            return true;
    return false;
}

static void region_init(Launch *launch, Region *region, MemAlloc *alloc, const MemView *view,
                        int param) {
    *region = (Region){.alloc = alloc, .view = view, .param = param};
    region_bounds(region, launch->options);
}

static void watch_region(Launch *launch, Arena *arena, Region *region) {
    const InterpKernel *kernel = launch->kernel;
    region->shadow = NULL;
    bool stored = kernel->stores_anywhere || is_marked(launch, region->alloc, kernel->stores_to);
    bool loaded = kernel->loads_anywhere || is_marked(launch, region->alloc, kernel->loads_from);
    if (launch->shadow != NULL && stored)
        region->shadow = shadow_track(launch->shadow, arena, region->alloc,
                                      finest_access(launch, region->alloc), loaded);
}

static const Region *known_region(const Launch *launch, uint32_t count, const MemAlloc *alloc) {
    for (uint32_t i = launch->num_args; i < count; i++)
        if (launch->regions[i].alloc == alloc)
            return &launch->regions[i];
    return NULL;
}

const Region *launch_find_region(Exec *exec, uint64_t address) {
    Launch *launch = exec->launch;
    const Region *last = exec->last_found;
    if (last != NULL && address >= last->lo && address < last->hi)
        return last;
    MemAlloc *alloc = mem_find(launch->space, address);
    if (alloc == NULL)
        return NULL;
    pthread_mutex_lock(&launch->lock);
    const Region *found = known_region(launch, launch->num_regions, alloc);
    if (found == NULL) {
        bool full = launch->num_regions == launch->max_regions;
        Region *region = full ? &exec->own_region : &launch->regions[launch->num_regions++];
        region_init(launch, region, alloc, NULL, -1);
        watch_region(launch, exec->arena, region);
        found = region;
    }
    pthread_mutex_unlock(&launch->lock);
    exec->last_found = found;
    return found;
}

uint64_t launch_make_ptr(Exec *exec, uint64_t address) {
    const Region *region = launch_find_region(exec, ptr_address(address));
    if (region == NULL || region == &exec->own_region)
        return ptr_address(address);
    return ptr_make(address, (uint64_t)(region - exec->launch->regions) + 1);
}

/* ---- arguments
 * -------------------------------------------------------------------------------------------- */

static bool bad_descriptor(Launch *launch, const IrParam *param, const char *why) {
    launch->fault = (Fault){.id = DIAG_RUN_DESCRIPTOR, .text = why};
    Diag *diag = diag_report(launch->diags, DIAG_RUN_DESCRIPTOR,
                             range_is_none(launch->call) ? param->range : launch->call, why);
    diag_note(diag, param->range, "it is passed as `%s`", param->name);
    return false;
}

static bool make_descriptor(Launch *launch, unsigned i, DescValue *desc) {
    const InterpArg *arg = &launch->args[i];
    const IrParam *param = &launch->kernel->ir->params.data[i];
    uint64_t base = (uint64_t)(uintptr_t)arg->view.alloc->data + arg->view.offset;
    *desc = (DescValue){.base = ptr_make(base, i + 1u),
                        .rank = param->value->type->rank,
                        .pad_nan = arg->desc_pad_nan};
    memcpy(desc->shape, arg->desc_shape, sizeof desc->shape);
    memcpy(desc->strides, arg->desc_strides, sizeof desc->strides);
    const char *why = descriptor_rule_broken(desc, ir_elem_size(param->value->type->elem));
    return why == NULL || !launch->options->checks || bad_descriptor(launch, param, why);
}

static bool bind_argument(Launch *launch, unsigned i) {
    const InterpArg *arg = &launch->args[i];
    const IrType *type = launch->kernel->ir->params.data[i].value->type;
    uint8_t *place = launch->slots + (launch->kernel->params[i] & ~(SlotRef)3);
    if (arg->kind == INTERP_SCALAR) {
        uint64_t bits = arg->bits; /* an address without a view gets its region when used */
        memcpy(place, &bits, ir_elem_size(type));
        return true;
    }
    region_init(launch, &launch->regions[i], arg->view.alloc, &arg->view, (int)i);
    if (arg->kind == INTERP_DESC) {
        DescValue desc;
        if (!make_descriptor(launch, i, &desc))
            return false;
        memcpy(place, &desc, sizeof desc);
        return true;
    }
    uint64_t address = (uint64_t)(uintptr_t)arg->view.alloc->data + arg->view.offset;
    uint64_t ptr = ptr_make(address, i + 1u);
    memcpy(place, &ptr, sizeof ptr);
    return true;
}

static bool bind_arguments(Launch *launch) {
    const InterpKernel *kernel = launch->kernel;
    launch->max_regions = launch->num_args + (kernel->makes_ptrs ? EXTRA_REGIONS : FEW_REGIONS);
    launch->regions = ARENA_ARRAY(launch->arena, Region, launch->max_regions);
    launch->num_regions = launch->num_args;
    launch->slots = arena_alloc(launch->arena, kernel->launch_size + 64, 64);
    for (unsigned i = 0; i < launch->num_args; i++)
        if (!bind_argument(launch, i))
            return false;
    Exec exec = {.kernel = kernel, .launch = launch};
    exec.base[BASE_CONST] = kernel->constants;
    exec.base[BASE_LAUNCH] = launch->slots;
    for (size_t i = 0; i < kernel->launch_setup.len; i++)
        kernel->launch_setup.insts[i].exec(&exec, &kernel->launch_setup.insts[i]);
    return true;
}

/* ---- runs
 * --------------------------------------------------------------------------------------------------
 */

/* Begins to watch anew. */
static void watch(Launch *launch, bool undo, bool ordered) {
    launch->num_regions = launch->num_args;
    launch->shadow = NULL;
    if (!launch->options->checks || launch->num_programs > RACES_MAX_PROGRAMS)
        return;
    launch->shadow = shadow_create(launch->arena, undo, ordered, launch->num_programs);
    for (unsigned i = 0; i < launch->num_args; i++)
        if (launch->regions[i].alloc != NULL)
            watch_region(launch, launch->arena, &launch->regions[i]);
}

static RunEnd run_in_order(Launch *launch, bool ordered) {
    launch->prints.len = 0;
    watch(launch, false, ordered);
    launch->report = true;
    return schedule_sequential(launch, true);
}

static RunEnd run_grid(Launch *launch) {
    const InterpKernel *kernel = launch->kernel;
    ThreadPool *pool = launch->options->pool;
    unsigned threads = pool != NULL ? threads_count(pool) : 1;
    bool seen = kernel->has_atomics || kernel->has_volatile || kernel->has_print;
    bool watched = launch->options->checks && launch->num_programs <= RACES_MAX_PROGRAMS;
    RunEnd end;
    if (launch->options->observer != NULL) /* one run, so that each access is told once */
        return run_in_order(launch, kernel->has_sync && watched);
    if (!seen && threads > 1 && launch->num_programs > 1) {
        watch(launch, true, false);
        launch->report = !watched;
        end = schedule_parallel(launch, threads);
    } else if (kernel->has_sync && watched) {
        watch(launch, true, false);
        launch->report = false;
        end = schedule_sequential(launch, false);
        if (end == RUN_REPLAY || end == RUN_FAULT) {
            shadow_undo(launch->shadow);
            end = RUN_REPLAY;
        }
    } else {
        return run_in_order(launch, false);
    }
    return end == RUN_REPLAY ? run_in_order(launch, kernel->has_sync) : end;
}

void launch_flush_prints(Launch *launch) {
    FILE *out = launch->options->print_out;
    if (out != NULL && launch->prints.len > 0)
        fwrite(launch->prints.data, 1, launch->prints.len, out);
    launch->prints.len = 0;
}

void launch_warn_same_value(Exec *exec) {
    Launch *launch = exec->launch;
    if (!launch->warned_same_value) {
        exec->fault.id = DIAG_RUN_RACE_SAME_VALUE;
        fault_report(launch, &exec->fault);
        launch->warned_same_value = true;
    }
}

static InterpStatus run_launch(Launch *launch) {
    if (!bind_arguments(launch))
        return INTERP_FAULT;
    RunEnd end = run_grid(launch);
    if (end != RUN_OOM)
        launch_flush_prints(launch);
    switch (end) {
    case RUN_CANCEL:
        return INTERP_CANCELLED;
    case RUN_FAULT:
        fault_report(launch, &launch->fault);
        return INTERP_FAULT;
    case RUN_OK:
    case RUN_REPLAY:
    case RUN_OOM:
        break;
    }
    if (end == RUN_OOM)
        launch->out_of_memory = true;
    return INTERP_OK;
}

/* Runs in an arena of its own, whose memory is given back if there is not enough (false). */
static bool run_guarded(Launch *launch, OomHandler *own, InterpStatus *status) {
    if (setjmp(own->jump))
        return false;
    launch->arena = arena_create(own);
    launch->prints = STRBUF(launch->arena);
    *status = run_launch(launch);
    return !launch->out_of_memory;
}

/* x * y * z programs; false: more than can be numbered. */
static bool count_programs(const int64_t grid[3], uint64_t *count) {
    *count = 1;
    for (int d = 0; d < 3; d++) {
        if (grid[d] <= 0) {
            *count = 0;
            return true;
        }
    }
    for (int d = 0; d < 3; d++) {
        if ((uint64_t)grid[d] > (uint64_t)INT64_MAX / *count)
            return false;
        *count *= (uint64_t)grid[d];
    }
    return true;
}

InterpStatus interp_launch(InterpKernel *kernel, MemSpace *space, const int64_t grid[3],
                           const InterpArg *args, unsigned num_args, const InterpOptions *options,
                           Diags *diags, SrcRange call) {
    OomHandler *oom = arena_oom(kernel->arena);
    Launch launch = {.kernel = kernel,
                     .space = space,
                     .options = options,
                     .args = args,
                     .num_args = num_args,
                     .diags = diags,
                     .call = call};
    memcpy(launch.grid, grid, sizeof launch.grid);
    if (!count_programs(grid, &launch.num_programs)) {
        diag_report(diags, DIAG_RUN_GRID_TOO_LARGE, call, (long long)grid[0], (long long)grid[1],
                    (long long)grid[2]);
        return INTERP_REFUSED;
    }
    if (launch.num_programs == 0)
        return INTERP_OK;
    pthread_mutex_init(&launch.lock, NULL);
    OomHandler own = {.fail_after = oom->fail_after};
    InterpStatus status = INTERP_OK;
    bool enough = run_guarded(&launch, &own, &status);
    oom->fail_after = own.fail_after;
    arena_destroy(launch.arena);
    pthread_mutex_destroy(&launch.lock);
    if (!enough)
        oom_raise(oom);
    return status;
}
