/* triton_module.c -- the tree of modules under `triton`.
 *
 * `triton` is made once, when it is first imported: functions in C (jit, cdiv, next_power_of_2),
 * classes and functions from lib/triton.py, and the submodules as attributes. triton.testing is
 * evaluated only when somebody asks for it.
 */
#include <string.h>

#include "runtime/host/host_internal.h"
#include "runtime/host/triton_internal.h"

#define TRITON_VERSION "3.8.0"

static PyValue triton_cdiv(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    PyValue a[2];
    if (!py_bind_text(py, "triton.cdiv", args, "x y", a))
        return PY_FAIL;
    PyValue sum = py_binary(py, BIN_ADD, a[0], a[1]);
    PyValue less = py_failed(sum) ? PY_FAIL : py_binary(py, BIN_SUB, sum, py_int(1));
    PyValue result = py_failed(less) ? PY_FAIL : py_binary(py, BIN_FLOORDIV, less, a[1]);
    py_decref(py, sum);
    py_decref(py, less);
    return result;
}

static PyValue triton_next_power_of_2(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    PyValue value;
    if (!py_bind_text(py, "triton.next_power_of_2", args, "n", &value))
        return PY_FAIL;
    int64_t n;
    if (!py_to_i64(py_unwrap_constexpr(value), &n) || n > INT64_C(1) << 62)
        return py_raise(py, PYEXC_TypeError, "triton.next_power_of_2 takes an integer, not %s",
                        py_type_name(value));
    if (n <= 0) /* as its bit tricks on negative numbers give */
        return py_int(0);
    int64_t power = 1;
    while (power < n)
        power *= 2;
    return py_int(power);
}

static PyValue triton_set_allocator(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    PyValue function;
    return py_bind_text(py, "triton.set_allocator", args, "allocator", &function) ? PY_NONE
                                                                                  : PY_FAIL;
}

/* ---- @triton.constexpr_function ----------------------------------------------------------------
 */

/* A function whose calls in kernels are evaluated when they are compiled; elsewhere it is what it
 * wraps. */
typedef struct ConstexprFunction {
    PyObject base;
    PyValue fn;
} ConstexprFunction;

static void constexpr_function_dealloc(PyCtx *py, PyObject *self) {
    py_decref(py, ((ConstexprFunction *)self)->fn);
    py_object_free(py, self);
}

static PyValue constexpr_function_getattr(PyCtx *py, PyValue self, Sym name, bool *found) {
    const ConstexprFunction *function = (const ConstexprFunction *)self.u.o;
    *found = true;
    if (str_eq(name, "fn"))
        return py_incref(function->fn);
    return py_getattr_opt(py, function->fn, name, found);
}

static PyValue constexpr_function_call(PyCtx *py, PyValue self, const PyArgs *args) {
    return py_call(py, ((const ConstexprFunction *)self.u.o)->fn, args);
}

static bool constexpr_function_repr(PyCtx *py, PyValue self, StrBuf *out) {
    return py_repr(py, ((const ConstexprFunction *)self.u.o)->fn, out);
}

static const PyType constexpr_function_type = {.name = "ConstexprFunction",
                                               .dealloc = constexpr_function_dealloc,
                                               .getattr = constexpr_function_getattr,
                                               .call = constexpr_function_call,
                                               .repr = constexpr_function_repr};

static PyValue triton_constexpr_function(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    PyValue function;
    if (!py_bind_text(py, "triton.constexpr_function", args, "fn", &function))
        return PY_FAIL;
    ConstexprFunction *wrapper = py_object_new(py, &constexpr_function_type, sizeof *wrapper);
    wrapper->fn = py_incref(function);
    return py_from_object(&wrapper->base);
}

/* triton.reinterpret(tensor, dtype): the same memory as another type. */
static PyValue triton_reinterpret(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    PyValue a[2];
    if (!py_bind_text(py, "triton.reinterpret", args, "tensor dtype", a))
        return PY_FAIL;
    PyValue view = py_getattr(py, a[0], strtab_sym(py->names, "view"));
    PyValue dtype = a[1].tag == PY_DTYPE_TAG ? torch_dtype(py, (DType)a[1].u.i) : py_incref(a[1]);
    PyValue result = py_failed(view) ? PY_FAIL : py_call_values(py, view, &dtype, 1);
    py_decref(py, view);
    py_decref(py, dtype);
    return result;
}

void triton_add_exception(PyCtx *py, PyValue module, const char *name, PyExc exc) {
    PyClass *cls = py_exc_class(py, exc);
    cls->base.refs++;
    py_module_set(py, module, name, py_from_object(&cls->base));
}

/* Copies the public names of a module evaluated from lib/ into `module`. */
static void adopt_names(PyCtx *py, PyValue module, PyValue library) {
    const char **names;
    PyEnv *env = py_module_env(library);
    size_t count = py_env_names(env, py->scratch, &names);
    for (size_t i = 0; i < count; i++) {
        PyValue value;
        Sym name = strtab_sym(py->names, names[i]);
        if (name[0] != '_' && py_env_get_local(env, name, &value) && !str_eq(name, "torch"))
            py_env_set(py, py_module_env(module), name, value);
    }
}

static PyValue tools_module(PyCtx *py) {
    PyValue descriptor = py_module(py, "triton.tools.tensor_descriptor");
    py_module_set(py, descriptor, "TensorDescriptor", tensor_descriptor_class(py));
    PyValue tools = py_module(py, "triton.tools");
    py_module_set(py, tools, "tensor_descriptor", descriptor);
    return tools;
}

static PyValue errors_module(PyCtx *py, const char *name) {
    PyValue errors = py_module(py, name);
    triton_add_exception(py, errors, "CompilationError", PYEXC_CompilationError);
    triton_add_exception(py, errors, "CompileTimeAssertionFailure",
                         PYEXC_CompileTimeAssertionFailure);
    triton_add_exception(py, errors, "OutOfResources", PYEXC_OutOfResources);
    triton_add_exception(py, errors, "PTXASError", PYEXC_PTXASError);
    return errors;
}

static PyValue compiler_module(PyCtx *py) {
    PyValue compiler = errors_module(py, "triton.compiler");
    py_module_set(py, compiler, "errors", errors_module(py, "triton.compiler.errors"));
    return compiler;
}

/* False with an exception if lib/triton.py or lib/runtime.py fails. */
static bool add_library(PyCtx *py, PyValue triton) {
    PyValue library = library_module(py, "triton", "triton");
    PyValue runtime =
        py_failed(library) ? PY_FAIL : library_module(py, "runtime", "triton.runtime");
    if (py_failed(runtime)) {
        py_decref(py, library);
        return false;
    }
    adopt_names(py, triton, library);
    adopt_names(py, runtime, library);
    py_module_set(py, runtime, "errors", errors_module(py, "triton.runtime.errors"));
    py_module_set(py, triton, "runtime", runtime);
    py_decref(py, library);
    return true;
}

static PyValue make_triton(PyCtx *py) {
    static const BuiltinRow rows[] = {{"jit", triton_jit},
                                      {"cdiv", triton_cdiv},
                                      {"next_power_of_2", triton_next_power_of_2},
                                      {"set_allocator", triton_set_allocator},
                                      {"constexpr_function", triton_constexpr_function},
                                      {"reinterpret", triton_reinterpret},
                                      {NULL, NULL}};
    PyValue triton = py_module(py, "triton");
    module_add_functions(py, triton, rows);
    py_module_set(py, triton, "__version__", py_str(py, TRITON_VERSION));
    py_module_set(py, triton, "language", spec_language_module(py));
    py_module_set(py, triton, "tools", tools_module(py));
    py_module_set(py, triton, "compiler", compiler_module(py));
    triton_add_exception(py, triton, "CompilationError", PYEXC_CompilationError);
    triton_add_exception(py, triton, "OutOfResources", PYEXC_OutOfResources);
    ArenaMark mark = arena_mark(py->scratch);
    bool ok = add_library(py, triton);
    PyValue testing = ok ? library_module(py, "testing", "triton.testing") : PY_FAIL;
    arena_reset(py->scratch, mark);
    if (py_failed(testing)) {
        py_decref(py, triton);
        return PY_FAIL;
    }
    py_module_set(py, triton, "testing", testing);
    return triton;
}

/* The module `triton`, borrowed; made on first use and kept among the imported modules. */
static PyValue triton_root(PyCtx *py) {
    PyValue key = py_str(py, "triton");
    PyValue triton;
    if (!py_dict_get(py, py->host->modules, key, &triton)) {
        triton = make_triton(py);
        if (!py_failed(triton)) {
            py_dict_set(py, py->host->modules, key, triton);
            py_decref(py, triton);
        }
    }
    py_decref(py, key);
    return triton;
}

PyValue triton_import(PyCtx *py, const char *name, bool *found) {
    *found = str_eq(name, "triton") || str_starts(name, "triton.");
    if (!*found)
        return PY_NONE;
    PyValue module = py_incref(triton_root(py));
    const char *rest = name + strlen("triton");
    while (!py_failed(module) && *rest == '.') {
        size_t len = strcspn(++rest, ".");
        bool has;
        PyValue inner = py_getattr_opt(py, module, strtab_intern(py->names, rest, len), &has);
        py_decref(py, module);
        module = inner;
        rest += len;
        *found = has && (py_failed(module) || py_as(module, &py_module_type) != NULL);
        if (!*found) {
            py_decref(py, module);
            return PY_NONE;
        }
    }
    return module;
}
