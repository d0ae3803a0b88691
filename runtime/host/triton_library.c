/* triton_library.c -- the parts of `triton` written in Python (lib/), and what C lends them.
 *
 * A library file is evaluated as a module in which `_tkc` names the functions below. They are what
 * Python code cannot do: copy a tensor with its unwritten elements, compare results by the accuracy
 * of their type, report a fault.
 */
#include "frontend/parse.h"
#include "runtime/host/host_internal.h"
#include "runtime/host/triton_internal.h"

static PyValue lib_is_tensor(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    PyValue value;
    if (!py_bind_text(py, "is_tensor", args, "value", &value))
        return PY_FAIL;
    return py_bool(torch_is_tensor(value));
}

/* A tensor's copy; anything else itself. */
static PyValue lib_copy(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    PyValue value;
    if (!py_bind_text(py, "copy", args, "value", &value))
        return PY_FAIL;
    return torch_is_tensor(value) ? torch_clone_tensor(py, value) : py_incref(value);
}

/* Do two tensors hold the same numbers, as far as their type's accuracy goes? Elements that nobody
 * wrote are not looked at. */
static PyValue lib_agree(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    PyValue a[2];
    if (!py_bind_text(py, "agree", args, "actual expected", a))
        return PY_FAIL;
    MemView first, second;
    bool on_device;
    torch_tensor_view(a[0], &first, &on_device);
    torch_tensor_view(a[1], &second, &on_device);
    int64_t unwritten = mem_view_first_unwritten(&first);
    if (unwritten != mem_view_first_unwritten(&second))
        return py_bool(false);
    if (unwritten >= 0)
        return py_bool(true);
    int near = torch_all_near(py, a[0], a[1]);
    return near < 0 ? PY_FAIL : py_bool(near != 0);
}

static PyValue lib_report_disagreement(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    PyValue a[4];
    if (!py_bind_text(py, "report_disagreement", args, "kernel tensor config first", a))
        return PY_FAIL;
    const JitFn *fn = jit_from_value(a[0]);
    Diag *diag = diag_report(py->diags, DIAG_AUTOTUNE_DISAGREES, fn->def->name_range, fn->name,
                             py_str_data(a[1], NULL));
    diag_note(diag, SRC_NONE, "configuration: %s", py_str_data(a[2], NULL));
    diag_note(diag, SRC_NONE, "the first one: %s", py_str_data(a[3], NULL));
    diag_help(diag,
              "results must not depend on block sizes; look for a mask that one of them needs");
    return py_raise(py, PYEXC_KernelFault, "autotuned configurations of %s disagree", fn->name);
}

/* How the device is timed: "clock" (launches are complete when they return), "events" (the device
 * has its own clock and runs on while the host does), "counted" (its events tell what launches
 * cost, always the same). */
static PyValue lib_timing(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    if (!py_bind_text(py, "timing", args, "", NULL))
        return PY_FAIL;
    const DeviceOps *ops = launch_device(host_launch(py))->ops;
    if (ops->event_create == NULL)
        return py_str(py, "clock");
    return py_str(py, ops->synchronize != NULL ? "events" : "counted");
}

/* trying(True): what is launched from now on is only tried. What it was before. */
static PyValue lib_trying(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    PyValue value;
    if (!py_bind_text(py, "trying", args, "value", &value))
        return PY_FAIL;
    LaunchState *state = host_launch(py);
    bool before = state->trying;
    state->trying = py_truth(py, value) > 0;
    return py_bool(before);
}

static PyValue lib_flush_cache(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    if (!py_bind_text(py, "flush_cache", args, "", NULL))
        return PY_FAIL;
    Device *device = launch_device(host_launch(py));
    if (device->ops->flush_cache != NULL)
        device->ops->flush_cache(device);
    return PY_NONE;
}

/* The bytes of global memory that kernels have moved so far; None: the device does not count. */
static PyValue lib_bytes_moved(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    if (!py_bind_text(py, "bytes_moved", args, "", NULL))
        return PY_FAIL;
    const LaunchState *state = host_launch(py);
    const Device *device = state != NULL ? launch_device(state) : NULL;
    if (device == NULL || device->ops->bytes_moved == NULL)
        return PY_NONE;
    return py_int((int64_t)device->ops->bytes_moved(device));
}

/* Where the tensor's first element is that nobody wrote, as a tuple of indices; None: none is. */
static PyValue lib_unwritten(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    PyValue value;
    if (!py_bind_text(py, "unwritten", args, "tensor", &value))
        return PY_FAIL;
    if (!torch_is_tensor(value))
        return py_raise(py, PYEXC_TypeError, "unwritten() takes a tensor, not %s",
                        py_type_name(value));
    return torch_first_unwritten(py, value);
}

/* Reports an exception that the program caught as if nobody had, with its place and the calls. */
static PyValue lib_report(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    PyValue value;
    if (!py_bind_text(py, "report", args, "exception", &value))
        return PY_FAIL;
    PyException *e = py_as(value, &py_exception_type);
    if (e == NULL)
        return py_raise(py, PYEXC_TypeError, "report() takes an exception, not %s",
                        py_type_name(value));
    host_report_exception(py, e);
    return PY_NONE;
}

static PyValue library_functions(PyCtx *py) {
    static const BuiltinRow rows[] = {{"is_tensor", lib_is_tensor},
                                      {"copy", lib_copy},
                                      {"agree", lib_agree},
                                      {"report_disagreement", lib_report_disagreement},
                                      {"timing", lib_timing},
                                      {"flush_cache", lib_flush_cache},
                                      {"trying", lib_trying},
                                      {"fuse", tkc_fuse},
                                      {"build", tkc_build},
                                      {"trace_begin", tkc_trace_begin},
                                      {"trace_end", tkc_trace_end},
                                      {"span_begin", tkc_span_begin},
                                      {"span_end", tkc_span_end},
                                      {"bytes_moved", lib_bytes_moved},
                                      {"report", lib_report},
                                      {"unwritten", lib_unwritten},
                                      {NULL, NULL}};
    PyValue module = py_module(py, "_tkc");
    module_add_functions(py, module, rows);
    host_library_functions(py, module);
    triton_tune_functions(py, module);
    triton_add_exception(py, module, "StaticAssertError", PYEXC_CompileTimeAssertionFailure);
    triton_add_exception(py, module, "CompilationError", PYEXC_CompilationError);
    triton_add_exception(py, module, "OutOfResources", PYEXC_OutOfResources);
    triton_add_exception(py, module, "PTXASError", PYEXC_PTXASError);
    py_module_set(py, module, "TensorDescriptor", tensor_descriptor_class(py));
    return module;
}

static PyValue evaluate(PyCtx *py, const EmbeddedFile *embedded, const char *module_name) {
    const char *path = arena_printf(py->arena, "<tkc>/%s.py", embedded->name);
    const SrcFile *file =
        sources_add(py->sources, path, (const char *)embedded->text, embedded->len);
    const Module *tree = parse_module(py->arena, py->names, py->diags, file);
    if (tree->has_errors) {
        diag_report(py->diags, DIAG_INTERNAL, SRC_NONE, "a library file does not parse");
        return py_raise(py, PYEXC_ImportError, "cannot read %s", path);
    }
    PyValue module = py_module(py, module_name);
    py_module_set(py, module, "_tkc", library_functions(py));
    py_module_set(py, module, "torch", torch_module(py));
    PyEnv *env = py_module_env(module);
    env->outer = py_env_retain(py->host->builtins);
    Frame frame = {.env = env,
                   .home = env,
                   .globals = env,
                   .file = file,
                   .self = PY_NONE,
                   .result = PY_NONE,
                   .handling = PY_NONE,
                   .caller = py->host->frame};
    bool defining = py->host->defining;
    py->host->defining = false;
    py->host->frame = &frame;
    Flow flow = exec_block(py, &frame, &tree->body);
    py->host->frame = frame.caller;
    py->host->defining = defining;
    if (flow != FLOW_RAISE)
        return module;
    py_decref(py, module);
    return PY_FAIL;
}

PyValue library_module(PyCtx *py, const char *name, const char *module_name) {
    for (size_t i = 0; i < host_library_count; i++)
        if (str_eq(host_library[i].name, name))
            return evaluate(py, &host_library[i], module_name);
    return py_raise(py, PYEXC_ImportError, "no library file %s", name);
}
