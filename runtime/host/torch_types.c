/* torch_types.c -- the small objects of the module: types of elements, devices, shapes, classes.
 *
 * torch.float32 is one object per program, so that `is` and dictionaries work. torch.Size holds a
 * tuple and behaves like it. torch.Tensor, torch.dtype, torch.device and torch.Size are classes
 * whose instances are the objects of these types.
 */
#include <string.h>

#include "runtime/host/torch_internal.h"

/* ---- torch.dtype ------------------------------------------------------------------------------
 */

typedef struct DTypeObject {
    PyObject object;
    DType dtype;
} DTypeObject;

PyValue torch_dtype(PyCtx *py, DType dtype) {
    PyValue *slot = &torch_state(py)->dtypes[dtype];
    if (slot->tag == PY_NONE_TAG) {
        DTypeObject *object = py_object_new(py, &torch_dtype_type, sizeof *object);
        object->dtype = dtype;
        *slot = py_from_object(&object->object);
    }
    return py_incref(*slot);
}

bool torch_as_dtype(PyValue value, DType *out) {
    value = py_unwrap_constexpr(value);
    const DTypeObject *object = py_as(value, &torch_dtype_type);
    if (object)
        *out = object->dtype;
    return object != NULL;
}

static PyValue dtype_getattr(PyCtx *py, PyValue self, Sym name, bool *found) {
    const DTypeObject *object = py_as(self, &torch_dtype_type);
    const DTypeInfo *info = &dtype_infos[object->dtype];
    (void)py;
    *found = true;
    if (str_eq(name, "itemsize"))
        return py_int((int64_t)dtype_size(object->dtype));
    if (str_eq(name, "is_floating_point"))
        return py_bool(info->kind == KIND_FLOAT);
    if (str_eq(name, "is_complex"))
        return py_bool(false);
    if (str_eq(name, "is_signed"))
        return py_bool(info->kind == KIND_FLOAT || info->kind == KIND_INT);
    *found = false;
    return PY_NONE;
}

static bool dtype_repr(PyCtx *py, PyValue self, StrBuf *out) {
    const DTypeObject *object = py_as(self, &torch_dtype_type);
    (void)py;
    strbuf_printf(out, "torch.%s", dtype_infos[object->dtype].torch_name);
    return true;
}

static const char *const dtype_attrs[] = {"itemsize", "is_floating_point", "is_complex",
                                          "is_signed", NULL};
const PyType torch_dtype_type = {
    .name = "dtype",
    .dealloc = py_object_free,
    .getattr = dtype_getattr,
    .attr_names = dtype_attrs,
    .repr = dtype_repr,
};

/* ---- torch.device -----------------------------------------------------------------------------
 */

typedef struct DeviceObject {
    PyObject object;
    bool on_device, has_index;
} DeviceObject;

PyValue torch_device(PyCtx *py, bool on_device, bool has_index) {
    DeviceObject *object = py_object_new(py, &torch_device_type, sizeof *object);
    object->on_device = on_device;
    object->has_index = has_index;
    return py_from_object(&object->object);
}

static bool device_from_text(PyCtx *py, const char *text, bool *on_device, bool *has_index) {
    const char *colon = strchr(text, ':');
    const size_t len = colon ? (size_t)(colon - text) : strlen(text);
    *has_index = colon != NULL;
    *on_device = len == 4 && memcmp(text, "cuda", 4) == 0;
    if (!*on_device && !(len == 3 && memcmp(text, "cpu", 3) == 0)) {
        py_raise(py, PYEXC_RuntimeError,
                 "Expected one of cpu, cuda device type at start of device string: %s", text);
        return false;
    }
    if (colon && !str_eq(colon, ":0")) {
        py_raise(py, PYEXC_RuntimeError,
                 "invalid device ordinal in '%s': this machine has the one device cuda:0", text);
        return false;
    }
    return true;
}

static bool device_parse(PyCtx *py, PyValue v, bool *on_device, bool *has_index) {
    const DeviceObject *object = py_as(v, &torch_device_type);
    int64_t index;
    v = py_unwrap_constexpr(v);
    if (object) {
        *on_device = object->on_device;
        *has_index = object->has_index;
        return true;
    }
    if (py_is_str(v))
        return device_from_text(py, py_str_data(v, NULL), on_device, has_index);
    if (v.tag == PY_BOOL_TAG || !py_to_i64(v, &index)) {
        py_raise(py, PYEXC_TypeError, "a device is a str, an int or a torch.device, not %s",
                 py_type_name(v));
        return false;
    }
    if (index != 0) {
        py_raise(py, PYEXC_RuntimeError, "invalid device ordinal %lld", (long long)index);
        return false;
    }
    *on_device = *has_index = true;
    return true;
}

bool torch_to_device(PyCtx *py, PyValue v, bool *on_device) {
    bool has_index;
    return device_parse(py, v, on_device, &has_index);
}

static PyValue device_getattr(PyCtx *py, PyValue self, Sym name, bool *found) {
    const DeviceObject *object = py_as(self, &torch_device_type);
    *found = true;
    if (str_eq(name, "type"))
        return py_str(py, object->on_device ? "cuda" : "cpu");
    if (str_eq(name, "index"))
        return object->has_index ? py_int(0) : PY_NONE;
    *found = false;
    return PY_NONE;
}

static PyValue device_compare(PyCtx *py, CmpOpKind op, PyValue a, PyValue b, bool *handled) {
    const DeviceObject *x = py_as(a, &torch_device_type), *y = py_as(b, &torch_device_type);
    (void)py;
    *handled = x && y && (op == CMP_EQ || op == CMP_NE);
    if (!*handled)
        return PY_NONE;
    const bool equal = x->on_device == y->on_device && x->has_index == y->has_index;
    return py_bool(equal == (op == CMP_EQ));
}

static bool device_hash(PyCtx *py, PyValue self, uint64_t *out) {
    const DeviceObject *object = py_as(self, &torch_device_type);
    (void)py;
    *out = 2u * object->on_device + object->has_index;
    return true;
}

static bool device_repr(PyCtx *py, PyValue self, StrBuf *out) {
    const DeviceObject *object = py_as(self, &torch_device_type);
    (void)py;
    strbuf_printf(out, "device(type='%s'%s)", object->on_device ? "cuda" : "cpu",
                  object->has_index ? ", index=0" : "");
    return true;
}

static bool device_str(PyCtx *py, PyValue self, StrBuf *out) {
    const DeviceObject *object = py_as(self, &torch_device_type);
    (void)py;
    strbuf_printf(out, "%s%s", object->on_device ? "cuda" : "cpu", object->has_index ? ":0" : "");
    return true;
}

static const char *const device_attrs[] = {"type", "index", NULL};
const PyType torch_device_type = {
    .name = "device",
    .dealloc = py_object_free,
    .getattr = device_getattr,
    .attr_names = device_attrs,
    .compare = device_compare,
    .repr = device_repr,
    .str = device_str,
    .hash = device_hash,
};

/* ---- torch.Size and named results -------------------------------------------------------------
 */

/* A tuple by another name: a torch.Size, or what max(dim=...) and its kin return. */
typedef struct TupleObject {
    PyObject object;
    PyValue tuple;
    const char *function; /* results: the operation's name */
} TupleObject;

static const TupleObject *as_tuple_object(PyValue v) {
    const TupleObject *object = py_as(v, &torch_size_type);
    return object ? object : py_as(v, &torch_result_tuple_type);
}

/* Takes over the reference to `tuple`. */
static PyValue tuple_around(PyCtx *py, const PyType *type, PyValue tuple, const char *function) {
    TupleObject *object = py_object_new(py, type, sizeof *object);
    object->tuple = tuple;
    object->function = function;
    return py_from_object(&object->object);
}

static PyValue size_around(PyCtx *py, PyValue tuple) {
    return tuple_around(py, &torch_size_type, tuple, NULL);
}

PyValue torch_size(PyCtx *py, const int64_t *dims, unsigned rank) {
    PyValue items[MEM_MAX_RANK];
    for (unsigned d = 0; d < rank; d++)
        items[d] = py_int(dims[d]);
    return size_around(py, py_tuple(py, items, rank));
}

PyValue torch_result(PyCtx *py, const char *function, Tensor *values, Tensor *indices) {
    const PyValue items[2] = {tensor_value(values), tensor_value(indices)};
    const PyValue tuple = py_tuple(py, items, 2);
    py_decref(py, items[0]);
    py_decref(py, items[1]);
    return tuple_around(py, &torch_result_tuple_type, tuple, function);
}

bool torch_is_size(PyValue value) {
    return py_as(value, &torch_size_type) != NULL;
}

PyValue torch_size_tuple(PyValue value) {
    const TupleObject *object = as_tuple_object(value);
    return object ? object->tuple : value;
}

static void size_dealloc(PyCtx *py, PyObject *self) {
    py_decref(py, ((TupleObject *)(void *)self)->tuple);
    py_object_free(py, self);
}

static PyValue size_getattr(PyCtx *py, PyValue self, Sym name, bool *found) {
    const TupleObject *object = py_as(self, &torch_size_type);
    if (str_eq(name, "numel")) {
        const TorchEntry *entry = map_get(&torch_state(py)->methods, "numel");
        *found = true;
        return torch_function(py, entry->op, false, self);
    }
    return py_getattr_opt(py, object->tuple, name, found);
}

static PyValue size_subscript(PyCtx *py, PyValue self, PyValue index) {
    const PyValue item = py_subscript(py, torch_size_tuple(self), index);
    return py_is_tuple(item) && torch_is_size(self) ? size_around(py, item) : item;
}

static PyValue size_iter(PyCtx *py, PyValue self) {
    return py_iter(py, torch_size_tuple(self));
}

static int64_t size_length(PyCtx *py, PyValue self) {
    (void)py;
    return (int64_t)py_seq_len(torch_size_tuple(self));
}

static int size_truth(PyCtx *py, PyValue self) {
    return size_length(py, self) > 0;
}

/* As tuples; what two shapes or a shape and a tuple add up to is a shape again. */
static PyValue size_binary(PyCtx *py, BinOpKind op, PyValue a, PyValue b, bool *handled) {
    a = torch_size_tuple(a);
    b = torch_size_tuple(b);
    *handled = op == BIN_ADD || op == BIN_MUL;
    if (!*handled)
        return PY_NONE;
    const PyValue result = py_binary(py, op, a, b);
    return py_is_tuple(result) ? size_around(py, result) : result;
}

static PyValue size_compare(PyCtx *py, CmpOpKind op, PyValue a, PyValue b, bool *handled) {
    a = torch_size_tuple(a);
    b = torch_size_tuple(b);
    *handled = py_is_tuple(a) && py_is_tuple(b);
    return *handled ? py_compare(py, op, a, b) : PY_NONE;
}

static int size_contains(PyCtx *py, PyValue self, PyValue item) {
    const PyValue found = py_compare(py, CMP_IN, item, torch_size_tuple(self));
    return py_failed(found) ? -1 : found.u.i != 0;
}

static bool size_hash(PyCtx *py, PyValue self, uint64_t *out) {
    return py_hash(py, torch_size_tuple(self), out);
}

static bool size_repr(PyCtx *py, PyValue self, StrBuf *out) {
    const PyValue tuple = torch_size_tuple(self);
    (void)py;
    strbuf_puts(out, "torch.Size([");
    for (size_t i = 0; i < py_seq_len(tuple); i++)
        strbuf_printf(out, "%s%lld", i > 0 ? ", " : "", (long long)py_seq_item(tuple, i).u.i);
    strbuf_puts(out, "])");
    return true;
}

static const char *const size_attrs[] = {"numel", "count", "index", NULL};
const PyType torch_size_type = {
    .name = "Size",
    .dealloc = size_dealloc,
    .getattr = size_getattr,
    .attr_names = size_attrs,
    .subscript = size_subscript,
    .iter = size_iter,
    .length = size_length,
    .truth = size_truth,
    .binary = size_binary,
    .compare = size_compare,
    .contains = size_contains,
    .repr = size_repr,
    .hash = size_hash,
};

static PyValue result_getattr(PyCtx *py, PyValue self, Sym name, bool *found) {
    const PyValue tuple = torch_size_tuple(self);
    *found = true;
    if (str_eq(name, "values"))
        return py_incref(py_seq_item(tuple, 0));
    if (str_eq(name, "indices"))
        return py_incref(py_seq_item(tuple, 1));
    return py_getattr_opt(py, tuple, name, found);
}

static bool result_repr(PyCtx *py, PyValue self, StrBuf *out) {
    const TupleObject *object = as_tuple_object(self);
    strbuf_printf(out, "torch.return_types.%s(\nvalues=", object->function);
    if (!py_repr(py, py_seq_item(object->tuple, 0), out))
        return false;
    strbuf_puts(out, ",\nindices=");
    if (!py_repr(py, py_seq_item(object->tuple, 1), out))
        return false;
    strbuf_putc(out, ')');
    return true;
}

static const char *const result_attrs[] = {"values", "indices", NULL};
const PyType torch_result_tuple_type = {
    .name = "return_types",
    .dealloc = size_dealloc,
    .getattr = result_getattr,
    .attr_names = result_attrs,
    .subscript = size_subscript,
    .iter = size_iter,
    .length = size_length,
    .truth = size_truth,
    .contains = size_contains,
    .repr = result_repr,
};

/* ---- classes ----------------------------------------------------------------------------------
 */

typedef PyValue (*Construct)(PyCtx *py, PyClass *cls, const PyArgs *args);

/* The one argument of a class that takes no more. */
static bool one_argument(PyCtx *py, const PyClass *cls, const PyArgs *args, const char *name,
                         PyValue *out) {
    const char *const names[] = {name, NULL};
    return py_bind(py, cls->name, args, names, out);
}

/* torch.device("cuda:0"), torch.device("cuda", 0), torch.device(0) */
static PyValue device_construct(PyCtx *py, PyClass *cls, const PyArgs *args) {
    static const char *const names[] = {"type", "index=", NULL};
    PyValue bound[2];
    bool on_device, has_index, ignored;
    if (!py_bind(py, cls->name, args, names, bound) ||
        !device_parse(py, bound[0], &on_device, &has_index))
        return PY_FAIL;
    if (!py_failed(bound[1]) && !device_parse(py, bound[1], &ignored, &has_index))
        return PY_FAIL;
    return torch_device(py, on_device, has_index);
}

static PyValue size_construct(PyCtx *py, PyClass *cls, const PyArgs *args) {
    PyValue items;
    if (!one_argument(py, cls, args, "sequence", &items))
        return PY_FAIL;
    const PyValue list = py_list_of(py, items);
    if (py_failed(list))
        return PY_FAIL;
    const size_t len = py_seq_len(list);
    PyValue dims[MEM_MAX_RANK];
    bool ok = len <= MEM_MAX_RANK;
    for (size_t i = 0; ok && i < len; i++) {
        dims[i] = py_seq_item(list, i);
        ok = dims[i].tag == PY_INT_TAG;
    }
    const PyValue size =
        ok ? size_around(py, py_tuple(py, dims, len))
           : py_raise(py, PYEXC_TypeError, "torch.Size() takes up to %d ints", MEM_MAX_RANK);
    py_decref(py, list);
    return size;
}

/* torch.Tensor([1, 2]): always float32 on the cpu. */
static PyValue tensor_construct(PyCtx *py, PyClass *cls, const PyArgs *args) {
    PyValue data;
    if (!one_argument(py, cls, args, "data", &data))
        return PY_FAIL;
    size_t len;
    if (!torch_sequence(data, &len))
        return py_raise(py, PYEXC_TypeError,
                        "torch.Tensor() takes a list of numbers here; use "
                        "torch.empty(size) or torch.tensor(data)");
    return torch_tensor_from_data(py, data, DT_F32, false);
}

static PyValue event_construct(PyCtx *py, PyClass *cls, const PyArgs *args) {
    static const char *const names[] = {"enable_timing=", "blocking=", "interprocess=", NULL};
    PyValue bound[3];
    return py_bind(py, cls->name, args, names, bound) ? torch_event(py) : PY_FAIL;
}

static PyValue generator_construct(PyCtx *py, PyClass *cls, const PyArgs *args) {
    static const char *const names[] = {"device=", NULL};
    PyValue device;
    return py_bind(py, cls->name, args, names, &device) ? torch_generator(py) : PY_FAIL;
}

PyValue torch_class(PyCtx *py, const PyType *instances) {
    static const struct {
        const PyType *type;
        Construct construct;
    } constructors[] = {
        {&torch_tensor_type, tensor_construct},
        {&torch_device_type, device_construct},
        {&torch_size_type, size_construct},
        {&torch_event_type, event_construct},
        {&torch_dtype_type, NULL},
        {&torch_generator_type, generator_construct},
    };
    PyClass *cls = py_class_new(py, strtab_sym(py->names, instances->name), NULL);
    cls->native = instances;
    for (size_t i = 0; i < TK_COUNTOF(constructors); i++)
        if (constructors[i].type == instances)
            cls->construct = constructors[i].construct;
    return py_from_object(&cls->base);
}

bool torch_isinstance(PyValue value, PyValue class_, bool *is) {
    static const PyType *const types[] = {&torch_tensor_type, &torch_dtype_type,
                                          &torch_device_type, &torch_size_type,
                                          &torch_event_type,  &torch_generator_type};
    const PyClass *cls = py_as(class_, &py_class_type);
    if (!cls)
        return false;
    if (torch_is_size(value) && cls->native == &py_tuple_type) {
        *is = true;
        return true;
    }
    for (size_t i = 0; i < TK_COUNTOF(types); i++)
        if (cls->native == types[i]) {
            *is = py_as(value, types[i]) != NULL;
            return true;
        }
    return false;
}
