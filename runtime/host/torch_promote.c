/* torch_promote.c -- which type an operation of mixed operands computes in.
 *
 * PyTorch's rule has three ranks of operands: tensors with dimensions, 0-dimensional tensors, and
 * Python numbers. A lower rank changes the result's type only if it is of a higher category
 * (bool < integer < float) than all higher ranks:
 *
 *     int32[3] + 5       -> int32        int32[3] + 2.5        -> float32
 *     float16[3] + 2.5   -> float16      float16[3] + float64[] -> float16
 */
#include "runtime/host/torch_internal.h"

static int category(DType t) {
    return dtype_is_float(t) ? 2 : t == DT_BOOL ? 0 : 1;
}

/* Integers of the sizes that PyTorch promotes. */
static bool is_barebones(DType t) {
    return t == DT_U16 || t == DT_U32 || t == DT_U64;
}

static PyValue promotion_error(PyCtx *py, DType a, DType b) {
    return py_raise(py, PYEXC_RuntimeError,
                    "promotion between torch.%s and torch.%s is not supported: convert one with "
                    ".to()",
                    dtype_infos[a].torch_name, dtype_infos[b].torch_name);
}

static DType promote_integers(DType a, DType b) {
    if (a == DT_U8 || b == DT_U8) {
        const DType other = a == DT_U8 ? b : a;
        return other == DT_I8 ? DT_I16 : other;
    }
    return dtype_size(a) >= dtype_size(b) ? a : b;
}

bool torch_promote(PyCtx *py, DType a, DType b, DType *out) {
    const int ca = category(a), cb = category(b);
    if (a == b) {
        *out = a;
    } else if (ca != cb) {
        *out = ca > cb ? a : b;
    } else if (ca == 1) {
        if (is_barebones(a) || is_barebones(b)) {
            promotion_error(py, a, b);
            return false;
        }
        *out = promote_integers(a, b);
    } else if (dtype_is_fp8(a) || dtype_is_fp8(b)) {
        promotion_error(py, a, b);
        return false;
    } else if (dtype_size(a) == dtype_size(b)) { /* float16 and bfloat16 */
        *out = DT_F32;
    } else {
        *out = dtype_size(a) > dtype_size(b) ? a : b;
    }
    return true;
}

bool torch_is_number(PyValue v) {
    v = py_unwrap_constexpr(v);
    return v.tag == PY_BOOL_TAG || v.tag == PY_FLOAT_TAG || py_is_int(v);
}

/* DT_COUNT stands for "no operand of this rank". */
static bool combine(PyCtx *py, DType high, DType low, DType *out) {
    if (high == DT_COUNT || low == DT_COUNT) {
        *out = high == DT_COUNT ? low : high;
        return true;
    }
    if (category(high) >= category(low)) {
        *out = high;
        return true;
    }
    return torch_promote(py, high, low, out);
}

bool torch_result_type(PyCtx *py, const PyValue *operands, unsigned len, DType *out) {
    DType ranks[3] = {DT_COUNT, DT_COUNT, DT_COUNT}; /* dimensioned, 0-dimensional, numbers */
    for (unsigned i = 0; i < len; i++) {
        const Tensor *t = tensor_of(operands[i]);
        const PyValue v = py_unwrap_constexpr(operands[i]);
        const unsigned rank = !t ? 2 : t->view.rank > 0 ? 0 : 1;
        DType dtype = DT_I64;
        if (t)
            dtype = t->view.dtype;
        else if (v.tag == PY_FLOAT_TAG)
            dtype = DT_F32;
        else if (v.tag == PY_BOOL_TAG)
            dtype = DT_BOOL;
        if (ranks[rank] == DT_COUNT)
            ranks[rank] = dtype;
        else if (!torch_promote(py, ranks[rank], dtype, &ranks[rank]))
            return false;
    }
    DType low;
    return combine(py, ranks[1], ranks[2], &low) && combine(py, ranks[0], low, out);
}
