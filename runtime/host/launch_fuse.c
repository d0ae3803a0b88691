/* launch_fuse.c -- tkc.fuse(...): several launches as one kernel.
 *
 *     tkc.fuse(lambda: square[grid](x, t, n, BLOCK=256),
 *              lambda: total[grid](t, out, n, BLOCK=256), temporaries=[t])
 *
 * Each function is called once and makes one launch, which is noted instead of run. The kernels,
 * compiled and optimised each by itself, are fused one after the other (passes/fuse_kernels.c); two
 * parameters are one if their arguments are equal, and pointers may meet if the tensors' spans do.
 * What is known of the arguments that way is the key under which the fused kernel is kept.
 */
#include <string.h>

#include "passes/fuse_kernels.h"
#include "runtime/host/host_internal.h"
#include "runtime/host/launch_internal.h"
#include "runtime/host/torch.h"
#include "runtime/host/triton_internal.h"

/* A launch that was noted. */
typedef struct Noted {
    JitFn *fn;
    const Variant *variant;
    int64_t grid[3];
    const InterpArg *args; /* their allocations are retained */
    size_t num_args;
    SrcRange range;
} Noted;

struct Collected {
    VEC(Noted) launches;
    size_t call;    /* which function is being called */
    Arena *scratch; /* not that of the context, which each launch resets */
};

/* ---- noting launches ------------------------------------------------------------------------- */

static void retain_args(const InterpArg *args, size_t count, void (*change)(MemAlloc *alloc)) {
    for (size_t i = 0; i < count; i++) {
        if (args[i].kind != INTERP_SCALAR)
            change(args[i].view.alloc);
    }
}

bool launch_collect(struct Collected *collected, const Launch *launch, const Variant *variant) {
    if (collected->launches.len > collected->call) {
        py_raise_at(launch->py, PYEXC_ValueError, launch->args->range,
                    "give tkc.fuse one function for each launch; launch an autotuned kernel "
                    "once before, so that it is tuned",
                    "function %zu of tkc.fuse makes more than one launch", collected->call + 1);
        return false;
    }
    Noted noted = {.fn = launch->fn, .variant = variant, .num_args = launch->device_args.len};
    noted.range = launch->args->range;
    memcpy(noted.grid, launch->grid, sizeof noted.grid);
    noted.args = arena_memdup(collected->scratch, launch->device_args.data,
                              noted.num_args * sizeof *noted.args, _Alignof(InterpArg));
    retain_args(noted.args, noted.num_args, mem_retain);
    vec_push(collected->scratch, &collected->launches, noted);
    return true;
}

static bool collect_one(PyCtx *py, struct Collected *collected, PyValue function) {
    LaunchState *state = host_launch(py);
    state->fusing = collected;
    PyValue result = py_call_values(py, function, NULL, 0);
    state->fusing = NULL;
    bool ok = !py_failed(result);
    py_decref(py, result);
    if (ok && collected->launches.len == collected->call) {
        py_raise(py, PYEXC_ValueError, "function %zu of tkc.fuse makes no launch",
                 collected->call + 1);
        return false;
    }
    collected->call++;
    return ok;
}

static bool same_grids(PyCtx *py, const struct Collected *collected) {
    const Noted *first = &collected->launches.data[0];
    for (size_t i = 1; i < collected->launches.len; i++) {
        const Noted *other = &collected->launches.data[i];
        if (memcmp(first->grid, other->grid, sizeof first->grid) == 0)
            continue;
        py_raise_at(py, PYEXC_ValueError, other->range, "launch them one after the other",
                    "launches of different grids cannot be fused: %s over (%lld, %lld, %lld), %s "
                    "over (%lld, %lld, %lld)",
                    first->fn->name, (long long)first->grid[0], (long long)first->grid[1],
                    (long long)first->grid[2], other->fn->name, (long long)other->grid[0],
                    (long long)other->grid[1], (long long)other->grid[2]);
        return false;
    }
    return true;
}

/* ---- what the arguments have in common ------------------------------------------------------- */

/* A parameter of the fused kernel so far: its argument, and a parameter that it comes from. */
typedef struct Joined {
    InterpArg arg;
    const IrParam *param;
} Joined;
typedef VEC(Joined) JoinedVec;

/* One kernel joining those before it; the arrays of FuseRequest. */
typedef struct Step {
    uint32_t *unique, *same_as;
    bool *overlap, *dead;
    size_t num_before, num_params;
} Step;

static const IrKernel *kernel_of(const Noted *noted) {
    return noted->variant->optimised->kernels.data[0];
}

static bool same_view(const MemView *a, const MemView *b) {
    size_t bytes = a->rank * sizeof(int64_t);
    return a->alloc == b->alloc && a->offset == b->offset && a->dtype == b->dtype &&
           a->rank == b->rank && memcmp(a->shape, b->shape, bytes) == 0 &&
           memcmp(a->strides, b->strides, bytes) == 0;
}

static bool same_hints(const IrValue *a, const IrValue *b) {
    static const IrHints unknown = {0};
    return memcmp(a->hints ? a->hints : &unknown, b->hints ? b->hints : &unknown, sizeof unknown) ==
           0;
}

static bool same_argument(const Joined *a, const InterpArg *arg, const IrParam *param) {
    if (a->arg.kind != arg->kind || a->param->value->type != param->value->type ||
        !same_hints(a->param->value, param->value))
        return false;
    if (arg->kind == INTERP_SCALAR)
        return a->arg.bits == arg->bits;
    size_t bytes = arg->view.rank * sizeof(int64_t);
    return same_view(&a->arg.view, &arg->view) &&
           (arg->kind == INTERP_VIEW ||
            (a->arg.desc_pad_nan == arg->desc_pad_nan &&
             memcmp(a->arg.desc_shape, arg->desc_shape, bytes) == 0 &&
             memcmp(a->arg.desc_strides, arg->desc_strides, bytes) == 0));
}

static bool spans_meet(const MemView *a, const MemView *b) {
    size_t a_low, a_high, b_low, b_high;
    mem_view_span(a, &a_low, &a_high);
    mem_view_span(b, &b_low, &b_high);
    return a->alloc == b->alloc && a_low < b_high && b_low < a_high;
}

static bool may_meet(const InterpArg *a, const InterpArg *b) {
    return a->kind != INTERP_SCALAR && b->kind != INTERP_SCALAR && spans_meet(&a->view, &b->view);
}

static Step plan_step(Arena *scratch, JoinedVec *joined, const Noted *noted) {
    Step step = {.num_before = joined->len, .num_params = noted->num_args};
    step.same_as = ARENA_ARRAY(scratch, uint32_t, step.num_params);
    step.unique = ARENA_ARRAY(scratch, uint32_t, step.num_before);
    for (uint32_t i = 0; i < step.num_before; i++) {
        const Joined *own = &joined->data[i];
        while (!same_argument(&joined->data[step.unique[i]], &own->arg, own->param))
            step.unique[i]++;
    }
    step.overlap = ARENA_ARRAY(scratch, bool, step.num_before *step.num_params);
    step.dead = ARENA_ARRAY(scratch, bool, step.num_before);
    for (size_t i = 0; i < step.num_params; i++) {
        const IrParam *param = &kernel_of(noted)->params.data[i];
        const InterpArg *arg = &noted->args[i];
        step.same_as[i] = FUSE_OWN;
        for (size_t k = 0; k < step.num_before; k++) {
            if (step.same_as[i] == FUSE_OWN && same_argument(&joined->data[k], arg, param))
                step.same_as[i] = (uint32_t)k;
            step.overlap[k * step.num_params + i] = may_meet(&joined->data[k].arg, arg);
        }
        Joined own = {*arg, param};
        if (step.same_as[i] == FUSE_OWN)
            vec_push(scratch, joined, own);
    }
    return step;
}

/* Whether parameter `index` leads to a temporary that no other one, and no later launch, does. */
static bool is_dead(const JoinedVec *joined, size_t index, const struct Collected *collected,
                    size_t step, const MemView *temporaries, size_t num_temporaries) {
    const InterpArg *arg = &joined->data[index].arg;
    bool temporary = false;
    for (size_t i = 0; arg->kind == INTERP_VIEW && i < num_temporaries; i++)
        temporary |= same_view(&arg->view, &temporaries[i]);
    for (size_t i = 0; temporary && i < joined->len; i++)
        temporary = i == index || !may_meet(arg, &joined->data[i].arg);
    for (size_t n = step + 1; temporary && n < collected->launches.len; n++) {
        const Noted *later = &collected->launches.data[n];
        for (size_t i = 0; temporary && i < later->num_args; i++)
            temporary = !may_meet(arg, &later->args[i]);
    }
    return temporary;
}

/* ---- the fused kernel ------------------------------------------------------------------------ */

typedef struct Plan {
    const struct Collected *collected;
    Step *steps; /* [launches - 1] */
    JoinedVec joined;
} Plan;

static Plan make_plan(const struct Collected *collected, const MemView *temporaries,
                      size_t num_temporaries) {
    Arena *scratch = collected->scratch;
    Plan plan = {.collected = collected};
    plan.steps = ARENA_ARRAY(scratch, Step, collected->launches.len);
    const Noted *first = &collected->launches.data[0];
    for (size_t i = 0; i < first->num_args; i++) {
        Joined own = {first->args[i], &kernel_of(first)->params.data[i]};
        vec_push(scratch, &plan.joined, own);
    }
    for (size_t n = 1; n < collected->launches.len; n++) {
        Step *step = &plan.steps[n - 1];
        *step = plan_step(scratch, &plan.joined, &collected->launches.data[n]);
        for (size_t i = 0; i < step->num_before; i++)
            step->dead[i] = is_dead(&plan.joined, i, collected, n, temporaries, num_temporaries);
    }
    return plan;
}

static const char *plan_key(const Plan *plan) {
    StrBuf key = STRBUF(plan->collected->scratch);
    strbuf_printf(&key, "fuse %p", (const void *)plan->collected->launches.data[0].variant);
    for (size_t n = 1; n < plan->collected->launches.len; n++) {
        const Step *step = &plan->steps[n - 1];
        strbuf_printf(&key, "|%p", (const void *)plan->collected->launches.data[n].variant);
        for (size_t i = 0; i < step->num_before; i++)
            strbuf_printf(&key, " %u", step->unique[i]);
        for (size_t i = 0; i < step->num_params; i++)
            strbuf_printf(&key, " %u", step->same_as[i]);
        for (size_t i = 0; i < step->num_before * step->num_params; i++)
            strbuf_puts(&key, step->overlap[i] ? "+" : "-");
        for (size_t i = 0; i < step->num_before; i++)
            strbuf_puts(&key, step->dead[i] ? "+" : "-");
    }
    return strbuf_str(&key);
}

/* The module of the fused kernel; NULL after a diagnostic. */
static IrModule *fuse_all(LaunchState *state, const Plan *plan, PassStats *stats) {
    PyCtx *py = state->py;
    const Noted *launches = plan->collected->launches.data;
    IrModule *module = launches[0].variant->optimised;
    for (size_t n = 1; n < plan->collected->launches.len; n++) {
        const Step *step = &plan->steps[n - 1];
        FuseRequest request = {.first = module->kernels.data[0],
                               .second = kernel_of(&launches[n]),
                               .unique = step->unique,
                               .same_as = step->same_as,
                               .overlap = step->overlap,
                               .dead = step->dead};
        IrModule *into = ir_module_create(state->ir, py->arena, module->sources);
        if (fuse_kernels(into, &request, py->diags, stats) == NULL)
            return NULL;
        module = into;
    }
    PassOptions passes = {.verify_each = true};
    return passes_run(module, PASS_FUSED_PIPELINE, &passes, py->diags, NULL) ? module : NULL;
}

static Variant *compile_fused(LaunchState *state, const Plan *plan, const char *key) {
    PyCtx *py = state->py;
    const Noted *first = &plan->collected->launches.data[0];
    Variant *variant = ARENA_NEW(py->arena, Variant);
    variant->signature = first->variant->signature;
    variant->options = first->variant->options;
    PassStats *stats = ARENA_NEW(py->arena, PassStats);
    variant->fused = stats;
    variant->used = true;
    variant->optimised = fuse_all(state, plan, stats);
    if (variant->optimised == NULL)
        return NULL;
    if (state->config.keep_tile)
        variant->tile = launch_tile_copy(state, variant->optimised);
    Device *device = state->config.device;
    variant->code =
        device->ops->compile(device, py->arena, variant->optimised->kernels.data[0], py->diags);
    if (variant->code == NULL)
        return NULL;
    launch_know(state, key, variant, first->variant->jit);
    vec_push(py->arena, &state->order, variant);
    return variant;
}

/* Notes it if tkc.build asks. */
static bool run_or_note(LaunchState *state, const Launch *launch, const Variant *variant) {
    if (state->building == NULL)
        return launch_run_variant(state, launch, variant);
    launch_note(state->building, variant);
    return true;
}

static bool run_fused(PyCtx *py, const Plan *plan, const PyArgs *args) {
    LaunchState *state = host_launch(py);
    const Noted *first = &plan->collected->launches.data[0];
    Launch launch = {.py = py, .fn = first->fn, .args = args};
    memcpy(launch.grid, first->grid, sizeof launch.grid);
    if (plan->collected->launches.len == 1) {
        for (size_t i = 0; i < first->num_args; i++)
            vec_push(py->scratch, &launch.device_args, first->args[i]);
        return run_or_note(state, &launch, first->variant);
    }
    for (size_t i = 0; i < plan->joined.len; i++)
        vec_push(py->scratch, &launch.device_args, plan->joined.data[i].arg);
    const char *key = plan_key(plan);
    size_t from = diags_len(py->diags);
    Variant *variant = map_get(&state->variants, key);
    if (variant == NULL)
        variant = compile_fused(state, plan, key);
    if (variant != NULL)
        return run_or_note(state, &launch, variant);
    launch_error(&launch, from, PYEXC_CompilationError);
    return false;
}

/* ---- tkc.fuse -------------------------------------------------------------------------------- */

/* The tensors of `temporaries`; false with an exception. */
static bool read_temporaries(PyCtx *py, PyValue value, MemView **views, size_t *count) {
    PyValue list = py_list_of(py, value);
    if (py_failed(list))
        return false;
    *count = py_seq_len(list);
    *views = ARENA_ARRAY(py->scratch, MemView, *count + 1);
    bool ok = true;
    for (size_t i = 0; ok && i < *count; i++) {
        bool on_device = false;
        PyValue tensor = py_seq_item(list, i);
        ok = torch_is_tensor(tensor) && torch_tensor_view(tensor, &(*views)[i], &on_device);
    }
    if (!ok && py->exception.tag == PY_NONE_TAG)
        py_raise(py, PYEXC_TypeError, "the temporaries of tkc.fuse are tensors");
    py_decref(py, list); /* the caller's sequence keeps the tensors */
    return ok;
}

static bool collect_all(PyCtx *py, struct Collected *collected, const PyArgs *args) {
    if (host_launch(py)->fusing != NULL) {
        py_raise(py, PYEXC_RuntimeError,
                 "tkc.fuse cannot be called by a function given to tkc.fuse");
        return false;
    }
    if (args->num_pos == 0) {
        py_raise(py, PYEXC_TypeError, "tkc.fuse takes functions that make a launch each");
        return false;
    }
    for (size_t i = 0; i < args->num_pos; i++) {
        if (!collect_one(py, collected, args->pos[i]))
            return false;
    }
    return same_grids(py, collected);
}

/* fuse(*functions, temporaries=()) */
PyValue tkc_fuse(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    ArenaMark mark = arena_mark(py->scratch);
    MemView *temporaries = NULL;
    size_t num_temporaries = 0;
    bool ok = true;
    for (size_t i = 0; ok && i < args->num_kw; i++) {
        if (str_eq(args->kw_names[i], "temporaries"))
            ok = read_temporaries(py, args->kw_values[i], &temporaries, &num_temporaries);
        else
            ok = !py_failed(py_raise(py, PYEXC_TypeError,
                                     "tkc.fuse() got an unexpected keyword argument '%s'",
                                     args->kw_names[i]));
    }
    struct Collected collected = {.scratch = arena_create(arena_oom(py->arena))};
    ok = ok && collect_all(py, &collected, args);
    if (ok) {
        Plan plan = make_plan(&collected, temporaries, num_temporaries);
        ok = run_fused(py, &plan, args);
    }
    for (size_t i = 0; i < collected.launches.len; i++)
        retain_args(collected.launches.data[i].args, collected.launches.data[i].num_args,
                    mem_release);
    arena_destroy(collected.scratch);
    arena_reset(py->scratch, mark);
    return ok ? PY_NONE : PY_FAIL;
}
