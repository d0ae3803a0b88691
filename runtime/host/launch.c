/* launch.c -- compiles what a launch needs and has not been compiled yet, and runs it.
 *
 * A variant is found by the text of its signature, the launch options, and the identity of the
 * functions among its constants. Errors of the kernel's source become CompilationError exceptions
 * that carry their diagnostics; a fault that the device found ends the program.
 */
#include "runtime/host/launch.h"

#include <string.h>

#include "frontend/value_types.h"
#include "passes/pass.h"
#include "runtime/host/launch_internal.h"

LaunchState *launch_state_create(PyCtx *py, const LaunchConfig *config) {
    LaunchState *state = ARENA_NEW(py->arena, LaunchState);
    state->py = py;
    state->config = *config;
    state->ir = ir_context_create(py->arena);
    map_init_str(&state->variants, py->arena);
    return state;
}

/* A copy for as long as the context lives; constants get a reference more. */
static SpecParam *copy_params(PyCtx *py, const SpecParam *params, size_t count) {
    SpecParam *copy = arena_memdup(py->arena, params, count * sizeof *params, _Alignof(SpecParam));
    for (size_t i = 0; i < count; i++) {
        if (params[i].kind == SPEC_TUPLE)
            copy[i].items = copy_params(py, params[i].items, params[i].num_items);
        if (params[i].kind == SPEC_CONSTEXPR)
            py_incref(params[i].value);
    }
    return copy;
}

static void drop_params(PyCtx *py, const SpecParam *params, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (params[i].kind == SPEC_TUPLE)
            drop_params(py, params[i].items, params[i].num_items);
        if (params[i].kind == SPEC_CONSTEXPR)
            py_decref(py, params[i].value);
    }
}

void launch_state_destroy(LaunchState *state) {
    trace_drop(state);
    launch_forget_pending(state);
    for (size_t i = 0; i < state->known.len; i++) {
        const Variant *variant = state->known.data[i];
        if (variant->params != NULL)
            drop_params(state->py, variant->params, jit_from_value(variant->jit)->num_params);
        py_decref(state->py, variant->jit);
    }
}

size_t launch_num_variants(const LaunchState *state) {
    return state->order.len;
}

const Variant *launch_variant(const LaunchState *state, size_t index) {
    return state->order.data[index];
}

Device *launch_device(const LaunchState *state) {
    return state->config.device;
}

const LaunchConfig *launch_config(const LaunchState *state) {
    return &state->config;
}

bool launch_faulted(const LaunchState *state) {
    return state->faulted;
}

void launch_mark_faulted(LaunchState *state) {
    if (state != NULL)
        state->faulted = true;
}

/* ---- variants -------------------------------------------------------------------------------- */

/* Functions and other objects among the constants count by identity: two may print alike. */
static void put_identities(const SpecParam *params, size_t count, StrBuf *key) {
    for (size_t i = 0; i < count; i++) {
        PyValue value = params[i].value;
        if (params[i].kind == SPEC_TUPLE)
            put_identities(params[i].items, params[i].num_items, key);
        else if (params[i].kind == SPEC_CONSTEXPR && value.tag == PY_OBJECT_TAG &&
                 !py_is_str(value) && !py_is_int(value))
            strbuf_printf(key, "|%p", (void *)value.u.o);
    }
}

static const char *variant_key(const Launch *launch, const char *signature) {
    const SpecOptions *o = &launch->options;
    StrBuf key = STRBUF(launch->py->scratch);
    strbuf_printf(&key, "%p(%s) %d %d %d %d %d %d %d", (void *)launch->fn, signature, o->num_warps,
                  o->num_stages, o->num_ctas, o->maxnreg, o->fp_fusion, o->debug,
                  o->sanitize_overflow);
    put_identities(launch->params, launch->fn->num_params, &key);
    return strbuf_str(&key);
}

void launch_know(LaunchState *state, const char *key, Variant *variant, PyValue jit) {
    vec_reserve(state->py->arena, &state->known, 1);
    map_set(&state->variants, key, variant);
    variant->jit = py_incref(jit);
    vec_push(state->py->arena, &state->known, variant);
}

PyValue launch_error(const Launch *launch, size_t from, PyExc exc) {
    Diags *diags = launch->py->diags;
    if (diags_len(diags) > from && !range_is_none(launch->args->range)) {
        size_t count;
        Diag **taken = diags_take(diags, from, &count);
        diag_note(taken[0], launch->args->range, "`%s` is launched here", launch->fn->name);
        for (size_t i = 0; i < count; i++)
            diags_put(diags, taken[i]);
    }
    return py_raise_reports(launch->py, exc, from);
}

/* Autotune skips a configuration that fails a static_assert; other mistakes stop it. */
static PyExc refusal(const Diags *diags, size_t from) {
    for (size_t i = from; i < diags_len(diags); i++)
        if (diags_at(diags, i)->id == DIAG_BUILTIN_STATIC_ASSERT)
            return PYEXC_CompileTimeAssertionFailure;
    return PYEXC_CompilationError;
}

/* What the device refused: autotune goes on if it was for lack of something. */
static PyExc device_refusal(const Diags *diags, size_t from) {
    for (size_t i = from; i < diags_len(diags); i++) {
        DiagId id = diags_at(diags, i)->id;
        if (id == DIAG_CUDA_SHARED || id == DIAG_CUDA_RESOURCES || id == DIAG_CODEGEN_SHARED_MEMORY)
            return PYEXC_OutOfResources;
        if (id == DIAG_CUDA_JIT)
            return PYEXC_PTXASError;
    }
    return PYEXC_RuntimeError;
}

IrModule *launch_tile_copy(LaunchState *state, const IrModule *module) {
    IrModule *copy = ir_module_create(state->ir, state->py->arena, module->sources);
    for (size_t i = 0; i < module->kernels.len; i++)
        ir_kernel_clone(copy, module->kernels.data[i]);
    return copy;
}

/* One specialisation as the passes leave it, not compiled; NULL with an exception if the source
 * does not allow it. */
static Variant *make_variant(LaunchState *state, const Launch *launch, const char *signature) {
    PyCtx *py = state->py;
    size_t from = diags_len(py->diags);
    Variant *variant = ARENA_NEW(py->arena, Variant);
    variant->signature = arena_strdup(py->arena, signature);
    variant->options = launch->options;
    IrModule *module =
        specialise(py, state->ir, py->arena, launch->fn, launch->params, &launch->options);
    if (module == NULL) {
        launch_error(launch, from, refusal(py->diags, from));
        return NULL;
    }
    if (state->config.keep_tile)
        variant->tile = launch_tile_copy(state, module);
    PassOptions passes = {.verify_each = true};
    variant->optimised = module;
    if (passes_run(module, PASS_DEFAULT_PIPELINE, &passes, py->diags, NULL))
        return variant;
    launch_error(launch, from, PYEXC_RuntimeError);
    return NULL;
}

/* False with an exception if the device refuses it, or did before. */
static bool compile_variant(LaunchState *state, const Launch *launch, Variant *variant) {
    PyCtx *py = state->py;
    Device *device = state->config.device;
    size_t from = diags_len(py->diags);
    for (size_t i = 0; i < variant->num_refused; i++)
        diags_put(py->diags, diags_copy(py->diags, variant->refused[i]));
    if (variant->num_refused == 0)
        variant->code =
            device->ops->compile(device, py->arena, variant->optimised->kernels.data[0], py->diags);
    if (variant->code == NULL) {
        launch_error(launch, from, device_refusal(py->diags, from));
        return false;
    }
    vec_push(py->arena, &state->order, variant);
    return true;
}

static Variant *find_variant(LaunchState *state, const Launch *launch, bool compile_only) {
    PyCtx *py = state->py;
    StrBuf signature = STRBUF(py->scratch);
    spec_signature_text(py, launch->params, launch->fn->num_params, &signature);
    const char *key = variant_key(launch, strbuf_str(&signature));
    Variant *variant = map_get(&state->variants, key);
    if (variant != NULL && variant->code != NULL)
        return variant;
    bool is_new = variant == NULL;
    size_t event =
        state->trace == NULL ? SIZE_MAX : trace_begin(state->trace, "compile", launch->fn->name);
    if (is_new)
        variant = make_variant(state, launch, strbuf_str(&signature));
    bool ready = variant != NULL && ((compile_only && launch_leave(state, variant)) ||
                                     compile_variant(state, launch, variant));
    if (ready && is_new) {
        PyValue jit = {.tag = PY_OBJECT_TAG, .u.o = &launch->fn->base};
        variant->params = copy_params(py, launch->params, launch->fn->num_params);
        launch_know(state, key, variant, jit);
    }
    if (event != SIZE_MAX)
        trace_end(state->trace, event);
    return ready ? variant : NULL;
}

/* ---- running --------------------------------------------------------------------------------- */

/* Ends the program, as sys.exit() does. */
static void raise_exit(PyCtx *py) {
    PyValue none = py_tuple(py, NULL, 0);
    PyValue exception = py_exception_new(py, py_exc_class(py, PYEXC_SystemExit), none, py->here);
    py_decref(py, none);
    py_clear_exception(py);
    py->exception = exception;
}

bool launch_run_variant(LaunchState *state, const Launch *launch, const Variant *variant) {
    PyCtx *py = state->py;
    size_t from = diags_len(py->diags);
    Device *device = state->config.device;
    DeviceLaunch request = {.args = launch->device_args.data,
                            .num_args = (unsigned)launch->device_args.len,
                            .options = &state->config.interp,
                            .call = launch->args->range};
    memcpy(request.grid, launch->grid, sizeof request.grid);
    size_t event = state->trace != NULL ? trace_launch(state->trace, device, launch, variant) : 0;
    bool stop = false;
    const LaunchWatch *watch = state->trying ? NULL : state->config.watch;
    DeviceStatus status = watch != NULL
                              ? watch->launch(watch->data, variant, &request, py->diags, &stop)
                              : device->ops->launch(device, variant->code, &request, py->diags);
    if (state->trace != NULL)
        trace_launched(state->trace, device, event);
    switch (status) {
    case DEVICE_OK:
        if (stop)
            raise_exit(py);
        return !stop;
    case DEVICE_FAULT:
        state->faulted = true;
        py_raise(py, PYEXC_KernelFault, "the device found a fault in %s", launch->fn->name);
        return false;
    case DEVICE_CANCELLED:
        py_raise(py, PYEXC_KeyboardInterrupt, "interrupted");
        return false;
    case DEVICE_REFUSED:
        launch_error(launch, from, device_refusal(py->diags, from));
        return false;
    }
    return false;
}

static PyValue run_with(PyCtx *py, PyValue jit, const SpecOptions *options, PyValue grid,
                        const PyArgs *args, bool compile_only) {
    LaunchState *state = host_launch(py);
    ArenaMark mark = arena_mark(py->scratch);
    Launch launch = {.py = py, .fn = jit_from_value(jit), .args = args, .options = *options};
    launch.options.print_out = state->config.out;
    bool ok = launch_bind(&launch) && (compile_only || launch_grid(&launch, grid)) &&
              launch_describe(&launch);
    Variant *variant = ok ? find_variant(state, &launch, compile_only) : NULL;
    if (variant != NULL && !state->trying)
        variant->used = true;
    if (variant == NULL || compile_only)
        ok = variant != NULL;
    else if (state->fusing != NULL)
        ok = launch_collect(state->fusing, &launch, variant);
    else if (state->building != NULL && !state->trying) /* what autotuning tries does run */
        launch_note(state->building, variant);
    else
        ok = launch_run_variant(state, &launch, variant);
    arena_reset(py->scratch, mark);
    return ok ? compiled_kernel(py, variant) : PY_FAIL;
}

PyValue launch_run(PyCtx *py, PyValue jit, PyValue grid, const PyArgs *args, bool compile_only) {
    SpecOptions options = SPEC_OPTIONS_DEFAULT;
    options.debug = jit_from_value(jit)->debug;
    return run_with(py, jit, &options, grid, args, compile_only);
}

PyValue launch_again(PyCtx *py, const Variant *variant, PyValue grid, const PyArgs *args) {
    return run_with(py, variant->jit, &variant->options, grid, args, false);
}

/* ---- kernel[grid], kernel.run, kernel.warmup ------------------------------------------------- */

typedef struct Launcher { /* kernel[grid] */
    PyObject base;
    PyValue jit, grid;
} Launcher;

static void launcher_dealloc(PyCtx *py, PyObject *self) {
    Launcher *launcher = (Launcher *)self;
    py_decref(py, launcher->jit);
    py_decref(py, launcher->grid);
    py_object_free(py, self);
}

static PyValue launcher_call(PyCtx *py, PyValue self, const PyArgs *args) {
    const Launcher *launcher = (const Launcher *)self.u.o;
    return launch_run(py, launcher->jit, launcher->grid, args, false);
}

static const PyType launcher_type = {
    .name = "launcher", .dealloc = launcher_dealloc, .call = launcher_call};

static PyValue jit_subscript(PyCtx *py, PyValue jit, PyValue grid) {
    Launcher *launcher = py_object_new(py, &launcher_type, sizeof *launcher);
    launcher->jit = py_incref(jit);
    launcher->grid = py_incref(grid);
    return py_from_object(&launcher->base);
}

static PyValue jit_call(PyCtx *py, PyValue jit, const PyArgs *args) {
    return py_raise_at(py, PYEXC_RuntimeError, args->range,
                       "launch it over a grid of programs: kernel[(n,)](...)",
                       "Cannot call @triton.jit'd outside of the scope of a kernel: `%s`",
                       jit_from_value(jit)->name);
}

typedef struct BoundRun { /* kernel.run or kernel.warmup */
    PyObject base;
    PyValue jit;
    bool compile_only;
} BoundRun;

static void bound_run_dealloc(PyCtx *py, PyObject *self) {
    py_decref(py, ((BoundRun *)self)->jit);
    py_object_free(py, self);
}

/* run(*args, grid=..., warmup=False, **kwargs): takes its own keywords out of the kernel's. */
static PyValue bound_run_call(PyCtx *py, PyValue self, const PyArgs *args) {
    const BoundRun *run = (const BoundRun *)self.u.o;
    ArenaMark mark = arena_mark(py->scratch);
    PyArgs rest = *args;
    Sym *names = ARENA_ARRAY(py->scratch, Sym, args->num_kw + 1);
    PyValue *values = ARENA_ARRAY(py->scratch, PyValue, args->num_kw + 1);
    SrcRange *ranges = ARENA_ARRAY(py->scratch, SrcRange, args->num_kw + 1);
    rest.num_kw = 0;
    PyValue grid = PY_NONE;
    int compile_only = run->compile_only;
    for (size_t i = 0; i < args->num_kw; i++) {
        if (str_eq(args->kw_names[i], "grid")) {
            grid = args->kw_values[i];
        } else if (str_eq(args->kw_names[i], "warmup")) {
            compile_only = py_truth(py, args->kw_values[i]);
        } else {
            names[rest.num_kw] = args->kw_names[i];
            ranges[rest.num_kw] = args->kw_ranges != NULL ? args->kw_ranges[i] : args->range;
            values[rest.num_kw++] = args->kw_values[i];
        }
    }
    rest.kw_names = names;
    rest.kw_values = values;
    rest.kw_ranges = ranges;
    PyValue result =
        compile_only < 0 ? PY_FAIL : launch_run(py, run->jit, grid, &rest, compile_only != 0);
    arena_reset(py->scratch, mark);
    return result;
}

static const PyType bound_run_type = {
    .name = "method", .dealloc = bound_run_dealloc, .call = bound_run_call};

static PyValue bound_run(PyCtx *py, PyValue jit, bool compile_only) {
    BoundRun *run = py_object_new(py, &bound_run_type, sizeof *run);
    run->jit = py_incref(jit);
    run->compile_only = compile_only;
    return py_from_object(&run->base);
}

static PyValue parameter_names(PyCtx *py, const JitFn *fn) {
    PyValue list = py_list(py, NULL, 0);
    for (size_t i = 0; i < fn->num_params; i++) {
        PyValue name = py_str(py, jit_param(fn->def, i)->name);
        py_list_append(py, list, name);
        py_decref(py, name);
    }
    return list;
}

static PyValue jit_getattr(PyCtx *py, PyValue jit, Sym name, bool *found) {
    *found = true;
    if (str_eq(name, "run"))
        return bound_run(py, jit, false);
    if (str_eq(name, "warmup"))
        return bound_run(py, jit, true);
    if (str_eq(name, "arg_names") || str_eq(name, "params"))
        return parameter_names(py, jit_from_value(jit));
    if (str_eq(name, "fn"))
        return py_incref(jit);
    *found = false;
    return PY_NONE;
}

const PyHooks launch_hooks = {
    .jit_subscript = jit_subscript, .jit_call = jit_call, .jit_getattr = jit_getattr};
