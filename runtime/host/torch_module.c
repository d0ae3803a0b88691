/* torch_module.c -- the state of the module, and the module object with its submodules.
 *
 * The functions come from torch_ops.def and lib/torch_more.py; here are the names that are values
 * (types, constants) and the submodules nn.functional, cuda, testing, backends and version.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/device.h"
#include "runtime/host/torch_internal.h"
#include "runtime/host/triton_internal.h"

/* ---- state ------------------------------------------------------------------------------------
 */

static void add_method(TorchState *state, const char *name, const TorchOp *op, bool inplace) {
    TorchEntry *entry = ARENA_NEW(state->arena, TorchEntry);
    *entry = (TorchEntry){.op = op, .inplace = inplace};
    map_set(&state->methods, name, entry);
}

TorchState *torch_state_create(OomHandler *oom, struct Device *device, ThreadPool *pool) {
    Arena *arena = arena_create(oom);
    TorchState *state = ARENA_NEW(arena, TorchState);
    *state = (TorchState){.oom = oom, .arena = arena, .executor = device, .pool = pool};
    state->device = device->space;
    state->host = mem_space_create(oom);
    state->module = PY_NONE;
    for (unsigned t = 0; t < DT_COUNT; t++)
        state->dtypes[t] = PY_NONE;
    rng_seed_default(&state->rng);
    map_init_str(&state->methods, arena);
    for (size_t i = 0; i < torch_num_ops; i++) {
        const TorchOp *op = &torch_ops[i];
        if (op->where & OP_METHOD)
            add_method(state, op->name, op, false);
        if (op->where & OP_INPLACE)
            add_method(state, arena_printf(arena, "%s_", op->name), op, true);
    }
    return state;
}

void torch_state_destroy(TorchState *state) {
    if (!state)
        return;
    mem_space_destroy(state->host);
    arena_destroy(state->arena);
}

/* ---- the module object ------------------------------------------------------------------------
 */

static const struct {
    const char *name;
    DType dtype;
} type_names[] = {
    {"float", DT_F32}, {"half", DT_F16}, {"double", DT_F64},
    {"long", DT_I64},  {"int", DT_I32},  {"short", DT_I16},
};

static PyValue exception_class(PyCtx *py, PyExc exc) {
    return py_incref(py_from_object(&py_exc_class(py, exc)->base));
}

static void add_values(PyCtx *py, PyValue torch) {
    for (unsigned t = 0; t < DT_COUNT; t++)
        if (dtype_infos[t].torch_name)
            py_module_set(py, torch, dtype_infos[t].torch_name, torch_dtype(py, (DType)t));
    for (size_t i = 0; i < TK_COUNTOF(type_names); i++)
        py_module_set(py, torch, type_names[i].name, torch_dtype(py, type_names[i].dtype));
    py_module_set(py, torch, "inf", py_float(INFINITY));
    py_module_set(py, torch, "nan", py_float(NAN));
    py_module_set(py, torch, "pi", py_float(3.14159265358979323846));
    py_module_set(py, torch, "e", py_float(2.71828182845904523536));
    py_module_set(py, torch, "Tensor", torch_class(py, &torch_tensor_type));
    py_module_set(py, torch, "dtype", torch_class(py, &torch_dtype_type));
    py_module_set(py, torch, "device", torch_class(py, &torch_device_type));
    py_module_set(py, torch, "Size", torch_class(py, &torch_size_type));
    py_module_set(py, torch, "Generator", torch_class(py, &torch_generator_type));
    py_module_set(py, torch, "strided", torch_constant(py, "torch.strided"));
    py_module_set(py, torch, "contiguous_format", torch_constant(py, "torch.contiguous_format"));
    py_module_set(py, torch, "preserve_format", torch_constant(py, "torch.preserve_format"));
    py_module_set(py, torch, "no_grad", torch_context(py));
    py_module_set(py, torch, "enable_grad", torch_context(py));
    py_module_set(py, torch, "inference_mode", torch_context(py));
    py_module_set(py, torch, "OutOfMemoryError", exception_class(py, PYEXC_OutOfMemoryError));
    py_module_set(py, torch, "__version__", py_str(py, "2.6.0+tkc"));
}

static void add_functions(PyCtx *py, PyValue module, unsigned where) {
    for (size_t i = 0; i < torch_num_ops; i++)
        if (torch_ops[i].where & where)
            py_module_set(py, module, torch_ops[i].name,
                          torch_function(py, &torch_ops[i], false, PY_FAIL));
}

/* A submodule, also bound in its parent; borrowed. */
static PyValue add_submodule(PyCtx *py, PyValue parent, const char *name, unsigned where) {
    const char *full = arena_printf(py->arena, "%s.%s", py_module_name(parent), name);
    const PyValue module = py_module(py, full);
    add_functions(py, module, where);
    py_module_set(py, parent, name, module);
    return module;
}

static void add_submodules(PyCtx *py, PyValue torch) {
    add_submodule(py, add_submodule(py, torch, "nn", 0), "functional", OP_NN);
    const PyValue cuda = add_submodule(py, torch, "cuda", OP_CUDA);
    py_module_set(py, cuda, "Event", torch_class(py, &torch_event_type));
    py_module_set(py, cuda, "device", torch_context(py));
    py_module_set(py, cuda, "OutOfMemoryError", exception_class(py, PYEXC_OutOfMemoryError));
    add_submodule(py, torch, "testing", OP_TESTING);
    add_submodule(py, torch, "autograd", 0);
    const PyValue version = add_submodule(py, torch, "version", 0);
    py_module_set(py, version, "cuda", py_str(py, "12.8"));
    py_module_set(py, version, "hip", PY_NONE);
    py_module_set(py, version, "__version__", py_str(py, "2.6.0+tkc"));
    const PyValue backends = add_submodule(py, torch, "backends", 0);
    const PyValue backend = add_submodule(py, backends, "cuda", 0);
    py_module_set(py, add_submodule(py, backend, "matmul", 0), "allow_tf32", py_bool(false));
    py_module_set(py, add_submodule(py, backends, "cudnn", 0), "allow_tf32", py_bool(false));
}

/* Adds the functions in list `list` of the library file to a module. */
static void add_library_list(PyCtx *py, PyValue library, const char *list, PyValue module) {
    const PyValue functions = py_getattr(py, library, strtab_sym(py->names, list));
    for (size_t i = 0; !py_failed(functions) && i < py_seq_len(functions); i++) {
        const PyValue function = py_seq_item(functions, i);
        const PyValue name = py_getattr(py, function, strtab_sym(py->names, "__name__"));
        if (!py_failed(name))
            py_module_set(py, module, py_str_data(name, NULL), py_incref(function));
        py_decref(py, name);
    }
    py_decref(py, functions);
}

/* The functions written in Python (lib/torch_more.py); a session without an evaluator has none. */
static bool add_library(PyCtx *py, PyValue torch) {
    bool found;
    if (!py->host)
        return true;
    const PyValue library = library_module(py, "torch_more", "torch");
    const PyValue functional = torch_import(py, "torch.nn.functional", &found);
    const PyValue autograd = torch_import(py, "torch.autograd", &found);
    if (!py_failed(library)) {
        add_library_list(py, library, "IN_TORCH", torch);
        add_library_list(py, library, "IN_FUNCTIONAL", functional);
        add_library_list(py, library, "IN_AUTOGRAD", autograd);
    }
    py_decref(py, library);
    py_decref(py, autograd);
    py_decref(py, functional);
    return !py_failed(library);
}

PyValue torch_module(PyCtx *py) {
    TorchState *state = torch_state(py);
    if (state->module.tag == PY_NONE_TAG) {
        state->module = py_module(py, "torch");
        add_functions(py, state->module, OP_FUNCTION);
        add_values(py, state->module);
        add_submodules(py, state->module);
        if (!add_library(py, state->module))
            return PY_FAIL;
    }
    return py_incref(state->module);
}

PyValue torch_import(PyCtx *py, const char *name, bool *found) {
    const size_t root = strcspn(name, ".");
    *found = root == 5 && memcmp(name, "torch", 5) == 0;
    if (!*found)
        return PY_NONE;
    PyValue module = torch_module(py);
    for (const char *rest = name + root; *rest == '.' && *found;) {
        const char *part = rest + 1;
        const size_t len = strcspn(part, ".");
        PyValue next = PY_NONE;
        *found =
            py_env_get_local(py_module_env(module), strtab_intern(py->names, part, len), &next) &&
            py_as(next, &py_module_type);
        if (*found)
            py_incref(next);
        py_decref(py, module);
        module = *found ? next : PY_NONE;
        rest = part + len;
    }
    return module;
}
