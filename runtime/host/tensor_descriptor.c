/* tensor_descriptor.c -- triton.tools.tensor_descriptor.TensorDescriptor.
 *
 * TensorDescriptor(base, shape, strides, block_shape, padding="zero") and
 * TensorDescriptor.from_tensor(tensor, block_shape): a tensor and the shape of the blocks that a
 * kernel loads from it. The rules are the hardware's: 1 to 5 dimensions, the last stride 1, the
 * others and the base address multiples of 16 bytes.
 */
#include "runtime/host/launch_internal.h"

#define DESC_ALIGNMENT 16
#define DESC_MAX_RANK  5

static void descriptor_dealloc(PyCtx *py, PyObject *self) {
    TensorDescriptor *desc = (TensorDescriptor *)self;
    py_decref(py, desc->tensor);
    py_decref(py, desc->shape);
    py_decref(py, desc->strides);
    py_decref(py, desc->block_shape);
    py_decref(py, desc->padding);
    py_object_free(py, self);
}

static PyValue descriptor_getattr(PyCtx *py, PyValue self, Sym name, bool *found) {
    (void)py;
    const TensorDescriptor *desc = (const TensorDescriptor *)self.u.o;
    const struct {
        const char *name;
        PyValue value;
    } rows[] = {{"base", desc->tensor},
                {"shape", desc->shape},
                {"strides", desc->strides},
                {"block_shape", desc->block_shape},
                {"padding", desc->padding}};
    *found = true;
    for (size_t i = 0; i < TK_COUNTOF(rows); i++)
        if (str_eq(name, rows[i].name))
            return py_incref(rows[i].value);
    *found = false;
    return PY_NONE;
}

static bool descriptor_setattr(PyCtx *py, PyValue self, Sym name, PyValue value) {
    TensorDescriptor *desc = (TensorDescriptor *)self.u.o;
    if (!str_eq(name, "block_shape")) { /* autotune hooks set it for each configuration */
        py_raise(py, PYEXC_AttributeError, "cannot set attribute '%s' of a TensorDescriptor", name);
        return false;
    }
    PyValue list = py_list_of(py, value);
    if (py_failed(list))
        return false;
    py_decref(py, desc->block_shape);
    desc->block_shape = list;
    return true;
}

static const char *const descriptor_attrs[] = {"base",        "shape",   "strides",
                                               "block_shape", "padding", NULL};
const PyType tensor_descriptor_type = {.name = "TensorDescriptor",
                                       .dealloc = descriptor_dealloc,
                                       .getattr = descriptor_getattr,
                                       .setattr = descriptor_setattr,
                                       .attr_names = descriptor_attrs};

static bool check_rules(PyCtx *py, const TensorDescriptor *desc) {
    size_t rank = py_seq_len(desc->shape);
    MemView view;
    bool on_device;
    if (!torch_tensor_view(desc->tensor, &view, &on_device)) {
        py_raise(py, PYEXC_TypeError, "TensorDescriptor: base must be a tensor, not %s",
                 py_type_name(desc->tensor));
        return false;
    }
    const char *broken = NULL;
    int64_t element = (int64_t)dtype_size(view.dtype);
    if (rank < 1 || rank > DESC_MAX_RANK)
        broken = "a descriptor has 1 to 5 dimensions";
    else if (py_seq_len(desc->strides) != rank || py_seq_len(desc->block_shape) != rank)
        broken = "shape, strides and block_shape must have one length";
    else if ((view.alloc->address + view.offset) % DESC_ALIGNMENT != 0)
        broken = "the base address must be a multiple of 16 bytes";
    for (size_t i = 0; broken == NULL && i < rank; i++) {
        int64_t stride;
        if (!py_to_i64(py_seq_item(desc->strides, i), &stride))
            broken = "strides must be integers";
        else if (i + 1 == rank && stride != 1)
            broken = "the last stride must be 1";
        else if (i + 1 < rank && stride * element % DESC_ALIGNMENT != 0)
            broken = "strides but the last must be multiples of 16 bytes";
    }
    if (broken != NULL)
        py_raise(py, PYEXC_ValueError, "TensorDescriptor: %s", broken);
    return broken == NULL;
}

static PyValue make_descriptor(PyCtx *py, PyValue tensor, PyValue shape, PyValue strides,
                               PyValue block_shape, PyValue padding) {
    TensorDescriptor *desc = py_object_new(py, &tensor_descriptor_type, sizeof *desc);
    desc->tensor = py_incref(tensor);
    desc->shape = desc->strides = desc->block_shape = PY_NONE;
    desc->padding = py_failed(padding) ? py_str(py, "zero") : py_incref(padding);
    PyValue self = py_from_object(&desc->base);
    desc->shape = py_list_of(py, shape);
    desc->strides = py_failed(desc->shape) ? PY_FAIL : py_list_of(py, strides);
    desc->block_shape = py_failed(desc->strides) ? PY_FAIL : py_list_of(py, block_shape);
    if (!py_failed(desc->block_shape) && check_rules(py, desc))
        return self;
    py_decref(py, self);
    return PY_FAIL;
}

static PyValue construct(PyCtx *py, PyClass *cls, const PyArgs *args) {
    (void)cls;
    PyValue a[6];
    if (!py_bind_text(py, "TensorDescriptor", args,
                      "base shape strides block_shape padding= round_f32_to_tf32=", a))
        return PY_FAIL;
    return make_descriptor(py, a[0], a[1], a[2], a[3], a[4]);
}

static PyValue from_tensor(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    PyValue a[4];
    if (!py_bind_text(py, "TensorDescriptor.from_tensor", args,
                      "tensor block_shape padding= round_f32_to_tf32=", a))
        return PY_FAIL;
    PyValue shape = py_getattr(py, a[0], strtab_sym(py->names, "shape"));
    PyValue stride =
        py_failed(shape) ? PY_FAIL : py_getattr(py, a[0], strtab_sym(py->names, "stride"));
    PyValue strides = py_failed(stride) ? PY_FAIL : py_call_values(py, stride, NULL, 0);
    PyValue result =
        py_failed(strides) ? PY_FAIL : make_descriptor(py, a[0], shape, strides, a[1], a[2]);
    py_decref(py, shape);
    py_decref(py, stride);
    py_decref(py, strides);
    return result;
}

PyValue tensor_descriptor_class(PyCtx *py) {
    PyClass *cls = py_class_new(py, strtab_sym(py->names, "TensorDescriptor"), NULL);
    cls->native = &tensor_descriptor_type;
    cls->native_tag = PY_OBJECT_TAG;
    cls->construct = construct;
    cls->attrs = py_env_create(py, NULL);
    PyValue function = py_builtin(py, "from_tensor", from_tensor, NULL);
    py_env_set(py, cls->attrs, strtab_sym(py->names, "from_tensor"), function);
    py_decref(py, function);
    return py_from_object(&cls->base);
}
