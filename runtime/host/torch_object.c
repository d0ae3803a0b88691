/* torch_object.c -- tensors as Python objects: attributes, operators, iteration, conversions.
 *
 * Attributes that are values (x.shape, x.T) are a table here; those that are methods are the rows
 * of torch_ops.def. Operators map to the same operations: a + b is torch.add(a, b).
 */
#include <string.h>

#include "runtime/host/torch_internal.h"

/* ---- attributes -------------------------------------------------------------------------------
 */

static PyValue get_shape(PyCtx *py, Tensor *t) {
    return torch_size(py, t->view.shape, t->view.rank);
}
static PyValue get_dtype(PyCtx *py, Tensor *t) {
    return torch_dtype(py, t->view.dtype);
}
static PyValue get_device(PyCtx *py, Tensor *t) {
    return torch_device(py, t->on_device, t->on_device);
}
static PyValue get_ndim(PyCtx *py, Tensor *t) {
    (void)py;
    return py_int(t->view.rank);
}
static PyValue get_itemsize(PyCtx *py, Tensor *t) {
    (void)py;
    return py_int((int64_t)dtype_size(t->view.dtype));
}
static PyValue get_nbytes(PyCtx *py, Tensor *t) {
    (void)py;
    return py_int((int64_t)dtype_size(t->view.dtype) * view_numel(&t->view));
}
static PyValue get_is_cuda(PyCtx *py, Tensor *t) {
    (void)py;
    return py_bool(t->on_device);
}
static PyValue get_is_cpu(PyCtx *py, Tensor *t) {
    (void)py;
    return py_bool(!t->on_device);
}
static PyValue get_false(PyCtx *py, Tensor *t) {
    (void)py;
    (void)t;
    return py_bool(false);
}
static PyValue get_none(PyCtx *py, Tensor *t) {
    (void)py;
    (void)t;
    return PY_NONE;
}
static PyValue get_data(PyCtx *py, Tensor *t) {
    return tensor_value(tensor_alias(py, t));
}
static PyValue get_layout(PyCtx *py, Tensor *t) {
    bool found;
    (void)t;
    return py_getattr_opt(py, torch_state(py)->module, strtab_sym(py->names, "strided"), &found);
}
/* All dimensions in reverse order. */
static PyValue get_transposed(PyCtx *py, Tensor *t) {
    Tensor *out = tensor_alias(py, t);
    unsigned order[MEM_MAX_RANK];
    for (unsigned d = 0; d < t->view.rank; d++)
        order[d] = t->view.rank - 1 - d;
    view_permute(&out->view, order);
    return tensor_value(out);
}
/* The last two dimensions swapped. */
static PyValue get_matrix_transposed(PyCtx *py, Tensor *t) {
    unsigned order[MEM_MAX_RANK];
    const unsigned rank = t->view.rank;
    if (rank < 2)
        return py_raise(py, PYEXC_RuntimeError,
                        "tensor.mT is only supported on matrices or batches of matrices. Got %u-D "
                        "tensor.",
                        rank);
    for (unsigned d = 0; d < rank; d++)
        order[d] = d;
    order[rank - 1] = rank - 2;
    order[rank - 2] = rank - 1;
    Tensor *out = tensor_alias(py, t);
    view_permute(&out->view, order);
    return tensor_value(out);
}

static const struct {
    const char *name;
    PyValue (*get)(PyCtx *py, Tensor *t);
} properties[] = {
#define PROPERTY(name, get) {name, get},
#include "runtime/host/torch_properties.def"
};

static PyValue tensor_getattr(PyCtx *py, PyValue self, Sym name, bool *found) {
    *found = true;
    for (size_t i = 0; i < TK_COUNTOF(properties); i++)
        if (str_eq(properties[i].name, name))
            return properties[i].get(py, tensor_of(self));
    const TorchEntry *entry = map_get(&torch_state(py)->methods, name);
    *found = entry != NULL;
    return entry ? torch_function(py, entry->op, entry->inplace, self) : PY_NONE;
}

static void tensor_dealloc(PyCtx *py, PyObject *self) {
    mem_release(((Tensor *)(void *)self)->view.alloc);
    py_object_free(py, self);
}

/* ---- operators --------------------------------------------------------------------------------
 */

static bool is_operand(PyValue v) {
    return tensor_of(v) || torch_is_number(v);
}

static PyValue tensor_binary(PyCtx *py, BinOpKind op, PyValue a, PyValue b, bool *handled) {
    static const BinaryOp operations[] = {
        [BIN_ADD] = BINARY_OP_add,
        [BIN_SUB] = BINARY_OP_sub,
        [BIN_MUL] = BINARY_OP_mul,
        [BIN_DIV] = BINARY_OP_div,
        [BIN_FLOORDIV] = BINARY_OP_floor_divide,
        [BIN_MOD] = BINARY_OP_remainder,
        [BIN_POW] = BINARY_OP_pow,
        [BIN_LSHIFT] = BINARY_OP_bitwise_left_shift,
        [BIN_RSHIFT] = BINARY_OP_bitwise_right_shift,
        [BIN_BITOR] = BINARY_OP_bitwise_or,
        [BIN_BITXOR] = BINARY_OP_bitwise_xor,
        [BIN_BITAND] = BINARY_OP_bitwise_and,
    };
    *handled = is_operand(a) && is_operand(b);
    if (!*handled)
        return PY_NONE;
    if (op != BIN_MATMUL)
        return torch_binary(py, operations[op], a, b);
    *handled = tensor_of(a) && tensor_of(b);
    return *handled ? tensor_value(tensor_matmul(py, tensor_of(a), tensor_of(b))) : PY_NONE;
}

PyValue torch_inplace_binary(PyCtx *py, BinOpKind op, PyValue self, PyValue other) {
    static const char *const methods[] = {
        [BIN_ADD] = "add_",
        [BIN_SUB] = "sub_",
        [BIN_MUL] = "mul_",
        [BIN_DIV] = "div_",
        [BIN_FLOORDIV] = "floor_divide_",
        [BIN_MOD] = "remainder_",
        [BIN_POW] = "pow_",
        [BIN_LSHIFT] = "bitwise_left_shift_",
        [BIN_RSHIFT] = "bitwise_right_shift_",
        [BIN_BITOR] = "bitwise_or_",
        [BIN_BITXOR] = "bitwise_xor_",
        [BIN_BITAND] = "bitwise_and_",
    };
    if (op == BIN_MATMUL || !is_operand(other)) /* no in-place form: x = x @ other */
        return py_binary(py, op, self, other);
    const PyValue args[2] = {self, other};
    return torch_call_by_name(py, methods[op], args, 2);
}

static PyValue tensor_compare(PyCtx *py, CmpOpKind op, PyValue a, PyValue b, bool *handled) {
    *handled = op <= CMP_GE && is_operand(a) && is_operand(b);
    if (!*handled)
        return PY_NONE;
    static const BinaryOp operations[] = {
        [CMP_EQ] = BINARY_OP_eq, [CMP_NE] = BINARY_OP_ne, [CMP_LT] = BINARY_OP_lt,
        [CMP_LE] = BINARY_OP_le, [CMP_GT] = BINARY_OP_gt, [CMP_GE] = BINARY_OP_ge,
    };
    return torch_binary(py, operations[op], a, b);
}

static PyValue tensor_unary(PyCtx *py, UnaryOpKind op, PyValue a, bool *handled) {
    static const UnaryOp operations[] = {
        [UNARY_POS] = UNARY_OP_positive,
        [UNARY_NEG] = UNARY_OP_neg,
        [UNARY_INVERT] = UNARY_OP_bitwise_not,
    };
    *handled = op != UNARY_NOT;
    return *handled ? torch_unary(py, operations[op], tensor_of(a), NULL) : PY_NONE;
}

/* ---- as a container ---------------------------------------------------------------------------
 */

static int64_t tensor_length(PyCtx *py, PyValue self) {
    const Tensor *t = tensor_of(self);
    if (t->view.rank > 0)
        return t->view.shape[0];
    py_raise(py, PYEXC_TypeError, "len() of a 0-d tensor");
    return -1;
}

typedef struct TensorIter {
    PyObject object;
    PyValue tensor;
    int64_t at;
} TensorIter;

static void iter_dealloc(PyCtx *py, PyObject *self) {
    py_decref(py, ((TensorIter *)(void *)self)->tensor);
    py_object_free(py, self);
}

static PyValue iter_self(PyCtx *py, PyValue self) {
    (void)py;
    return py_incref(self);
}

static PyValue iter_next(PyCtx *py, PyValue self, bool *done) {
    TensorIter *iter = (TensorIter *)(void *)self.u.o;
    const Tensor *t = tensor_of(iter->tensor);
    *done = iter->at >= t->view.shape[0];
    return *done ? PY_NONE : tensor_value(tensor_select(py, t, 0, iter->at++));
}

static const PyType tensor_iter_type = {
    .name = "tensor_iterator",
    .dealloc = iter_dealloc,
    .iter = iter_self,
    .next = iter_next,
};

static PyValue tensor_iter(PyCtx *py, PyValue self) {
    if (tensor_of(self)->view.rank == 0)
        return py_raise(py, PYEXC_TypeError, "iteration over a 0-d tensor");
    TensorIter *iter = py_object_new(py, &tensor_iter_type, sizeof *iter);
    iter->tensor = py_incref(self);
    iter->at = 0;
    return py_from_object(&iter->object);
}

static int tensor_truth(PyCtx *py, PyValue self) {
    const Tensor *t = tensor_of(self);
    const int64_t count = view_numel(&t->view);
    if (count != 1) {
        py_raise(py, PYEXC_RuntimeError, "Boolean value of Tensor with %s is ambiguous",
                 count == 0 ? "no values" : "more than one value");
        return -1;
    }
    const PyValue item = tensor_item(py, t);
    return py_failed(item) ? -1 : py_truth(py, item);
}

static int tensor_contains(PyCtx *py, PyValue self, PyValue item) {
    if (!is_operand(item)) {
        py_raise(py, PYEXC_RuntimeError,
                 "Tensor.__contains__ only supports Tensor or scalar, but you passed in a %s.",
                 py_type_name(item));
        return -1;
    }
    const PyValue equal = torch_binary(py, BINARY_OP_eq, self, item);
    if (py_failed(equal))
        return -1;
    const PyValue any = torch_call_by_name(py, "any", &equal, 1);
    const int result = py_failed(any) ? -1 : tensor_truth(py, any);
    py_decref(py, equal);
    py_decref(py, any);
    return result;
}

PyValue torch_item(PyCtx *py, PyValue tensor) {
    return tensor_item(py, tensor_of(tensor));
}

static bool tensor_format(PyCtx *py, PyValue self, const char *spec, size_t len, StrBuf *out) {
    const Tensor *t = tensor_of(self);
    if (t->view.rank == 0) {
        const PyValue item = tensor_item(py, t);
        return !py_failed(item) && py_format(py, item, spec, len, out);
    }
    if (len == 0)
        return tensor_repr(py, self, out);
    py_raise(py, PYEXC_TypeError, "unsupported format string passed to Tensor.__format__");
    return false;
}

const PyType torch_tensor_type = {
    .name = "Tensor",
    .dealloc = tensor_dealloc,
    .getattr = tensor_getattr,
    .attr_names = torch_tensor_attr_names,
    .subscript = torch_subscript,
    .set_subscript = torch_set_subscript,
    .iter = tensor_iter,
    .length = tensor_length,
    .truth = tensor_truth,
    .binary = tensor_binary,
    .compare = tensor_compare,
    .unary = tensor_unary,
    .contains = tensor_contains,
    .repr = tensor_repr,
    .format = tensor_format,
};
