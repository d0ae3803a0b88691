/* spec_cast.c -- conversions: numbers to tensors, between element types, and of shapes.
 *
 * A conversion between two element types is one or two IR operations chosen by the kinds of both
 * (docs/language.md, "Casts"). Conversions with a narrow float on one side and an integer or
 * another narrow float on the other go through fp32, as on the hardware. Example: fp16 -> int8 is
 * fpext to fp32, then fptosi.
 */
#include "frontend/spec.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ---- numbers --------------------------------------------------------------------------------- */

/* The type of a number that becomes a tensor by itself; false: an integer beyond 64 bits. */
static bool default_type(PyValue number, TlType *out) {
    uint64_t bits = 0;
    bool fits_i64 = false, fits_u64 = false;
    if (number.tag == PY_BOOL_TAG) {
        *out = tl_type(DT_BOOL);
        return true;
    }
    if (number.tag == PY_FLOAT_TAG) {
        double size = fabs(number.u.f);
        bool fits =
            !(size <= DBL_MAX) || size == 0 || ((double)FLT_MIN <= size && size <= (double)FLT_MAX);
        *out = tl_type(fits ? DT_F32 : DT_F64);
        return true;
    }
    if (!py_int_bits(number, &bits, &fits_i64, &fits_u64) || (!fits_i64 && !fits_u64))
        return false;
    int64_t value = (int64_t)bits;
    if (!fits_i64)
        *out = tl_type(DT_U64);
    else if (value >= INT32_MIN && value <= INT32_MAX)
        *out = tl_type(DT_I32);
    else
        *out = tl_type(value > 0 && value <= (int64_t)UINT32_MAX ? DT_U32 : DT_I64);
    return true;
}

static bool int_in_range(uint64_t bits, bool fits_i64, bool fits_u64, TlType type) {
    unsigned width = tl_bits(type);
    if (tl_is_unsigned(type))
        return fits_u64 && (width == 64 || bits >> width == 0);
    int64_t value = (int64_t)bits;
    int64_t half = width == 64 ? 0 : INT64_C(1) << (width - 1);
    return fits_i64 && (width == 64 || (value >= -half && value < half));
}

static const char *number_text(Spec *s, PyValue number) {
    StrBuf text = STRBUF(s->arena);
    if (!py_repr(s->py, number, &text))
        py_clear_exception(s->py);
    return strbuf_str(&text);
}

SVal spec_number(Spec *s, SVal number, TlType type, SrcRange range) {
    const IrType *ir = tl_to_ir(s, type);
    PyValue py = number.u.py;
    if (tl_is_float(type)) {
        double value = 0;
        if (!py_to_double(py, &value)) {
            SPEC_ERROR(s, DIAG_KERNEL_NUMBER_RANGE, range, number_text(s, py), tl_name(s, type));
            return SVAL_ERROR;
        }
        return sv_tensor(ir_const_float(&s->b, ir, value), type);
    }
    if (py.tag == PY_FLOAT_TAG) {
        SVal tensor = spec_to_tensor(s, number, range);
        return sv_is_error(tensor) ? tensor : spec_cast(s, tensor, type, range);
    }
    uint64_t bits = py.tag == PY_BOOL_TAG ? (uint64_t)py.u.i : 0;
    bool fits_i64 = true, fits_u64 = true;
    if (py.tag != PY_BOOL_TAG)
        py_int_bits(py, &bits, &fits_i64, &fits_u64);
    if (tl_is_ptr(type)) {
        const IrType *i64 = ir_type_scalar(s->ctx, TY_I64);
        IrValue *address = ir_const_bits(&s->b, i64, bits);
        return sv_tensor(ir_cast(&s->b, OP_IntToPtr, address, ir), type);
    }
    if (!int_in_range(bits, fits_i64, fits_u64, type)) {
        SPEC_ERROR(s, DIAG_KERNEL_NUMBER_RANGE, range, number_text(s, py), tl_name(s, type));
        return SVAL_ERROR;
    }
    return sv_tensor(ir_const_bits(&s->b, ir, bits), type);
}

bool spec_number_type(Spec *s, SVal number, TlType *out, SrcRange range) {
    if (default_type(number.u.py, out))
        return true;
    SPEC_ERROR(s, DIAG_KERNEL_NONREPRESENTABLE, range, number_text(s, number.u.py));
    return false;
}

SVal spec_to_tensor(Spec *s, SVal v, SrcRange range) {
    if (v.kind == SV_TENSOR || v.kind == SV_ERROR)
        return v;
    TlType type;
    if (sv_is_number(v))
        return spec_number_type(s, v, &type, range) ? spec_number(s, v, type, range) : SVAL_ERROR;
    Diag *d = SPEC_ERROR(s, DIAG_KERNEL_NOT_A_TENSOR, range, sv_type_name(s, v));
    if (v.kind == SV_CONST && (py_is_str(v.u.py) || v.u.py.tag == PY_OBJECT_TAG))
        diag_help(d, "to name a compile-time value, annotate it: name: tl.constexpr = ...");
    return SVAL_ERROR;
}

SVal spec_decay(Spec *s, SVal v, SrcRange range) {
    if (sv_is_number(v))
        return spec_to_tensor(s, v, range);
    if (v.kind != SV_TUPLE)
        return v;
    SVal out = sv_tuple(s, v.u.tuple.items, v.u.tuple.len);
    out.u.tuple.cls = v.u.tuple.cls;
    for (size_t i = 0; i < out.u.tuple.len; i++) {
        out.u.tuple.items[i] = spec_decay(s, out.u.tuple.items[i], range);
        if (sv_is_error(out.u.tuple.items[i]))
            return SVAL_ERROR;
    }
    return out;
}

/* ---- shapes ---------------------------------------------------------------------------------- */

SVal spec_fill(Spec *s, SVal scalar, const int64_t *shape, unsigned rank) {
    if (rank == 0)
        return scalar;
    return sv_tensor(ir_splat(&s->b, scalar.u.ir, shape, rank), scalar.type);
}

/* Puts dimensions of size 1 in front until the rank is reached. */
static SVal pad_rank(Spec *s, SVal v, unsigned rank) {
    while (sv_rank(v) < rank)
        v.u.ir = ir_expand_dims(&s->b, v.u.ir, 0);
    return v;
}

static SVal widen(Spec *s, SVal v, const int64_t *shape, unsigned rank) {
    if (memcmp(sv_shape(v), shape, rank * sizeof *shape) == 0)
        return v;
    return sv_tensor(ir_broadcast(&s->b, v.u.ir, shape, rank), v.type);
}

bool spec_broadcast_pair(Spec *s, SVal *a, SVal *b, SrcRange range) {
    unsigned a_rank = sv_rank(*a), b_rank = sv_rank(*b);
    if (a_rank == 0 || b_rank == 0) {
        if (a_rank == 0)
            *a = spec_fill(s, *a, sv_shape(*b), b_rank);
        else
            *b = spec_fill(s, *b, sv_shape(*a), a_rank);
        return true;
    }
    unsigned rank = a_rank > b_rank ? a_rank : b_rank;
    SVal written[2] = {*a, *b};
    *a = pad_rank(s, *a, rank);
    *b = pad_rank(s, *b, rank);
    int64_t shape[IR_MAX_RANK];
    for (unsigned i = 0; i < rank; i++) {
        int64_t x = sv_shape(*a)[i], y = sv_shape(*b)[i];
        if (x != y && x != 1 && y != 1) {
            Diag *d = SPEC_ERROR(s, DIAG_KERNEL_SHAPES, range, i, (long long)x, (long long)y);
            diag_note(d, SRC_NONE, "the operands are %s and %s", sv_type_name(s, written[0]),
                      sv_type_name(s, written[1]));
            if (a_rank == b_rank && rank == 1)
                diag_help(d, "for every pair of elements, write x[:, None] and y[None, :]");
            return false;
        }
        shape[i] = x == 1 ? y : x;
    }
    if (!spec_check_shape(s, shape, rank, range))
        return false;
    *a = widen(s, *a, shape, rank);
    *b = widen(s, *b, shape, rank);
    return true;
}

SVal spec_broadcast_to(Spec *s, SVal v, const int64_t *shape, unsigned rank, SrcRange range) {
    unsigned own = sv_rank(v);
    if (own == 0)
        return spec_fill(s, v, shape, rank);
    bool fits = own == rank;
    for (unsigned i = 0; i < rank && fits; i++)
        fits = sv_shape(v)[i] == shape[i] || sv_shape(v)[i] == 1;
    if (fits)
        return widen(s, v, shape, rank);
    const IrType *wanted = ir_type_tile(s->ctx, tl_to_ir(s, v.type), shape, rank);
    SVal target = sv_tensor(NULL, v.type);
    IrValue model = {.type = wanted};
    target.u.ir = &model;
    SPEC_ERROR(s, DIAG_KERNEL_BROADCAST_TO, range, sv_type_name(s, v), sv_type_name(s, target));
    return SVAL_ERROR;
}

/* ---- element types --------------------------------------------------------------------------- */

static SVal converted(Spec *s, IrOpcode code, SVal v, TlType to) {
    return sv_tensor(ir_cast(&s->b, code, v.u.ir, tl_to_ir(s, to)), to);
}

static SVal not_zero(Spec *s, SVal v) {
    SVal zero = sv_tensor(ir_const_bits(&s->b, v.u.ir->type, 0), v.type);
    IrValue *result = tl_is_float(v.type) ? ir_cmpf(&s->b, FPRED_UNE, v.u.ir, zero.u.ir)
                                          : ir_cmpi(&s->b, IPRED_NE, v.u.ir, zero.u.ir);
    return sv_tensor(result, tl_type(DT_BOOL));
}

static SVal int_to_int(Spec *s, SVal v, TlType to) {
    if (tl_is_bool(to))
        return not_zero(s, v);
    unsigned from_bits = tl_bits(v.type), to_bits = tl_bits(to);
    if (from_bits == to_bits)
        return sv_tensor(v.u.ir, to);
    if (from_bits > to_bits)
        return converted(s, OP_TruncI, v, to);
    return converted(s, tl_is_signed(v.type) ? OP_ExtSI : OP_ExtUI, v, to);
}

static SVal float_to_float(Spec *s, SVal v, TlType to, ROUNDING_Enum rounding) {
    unsigned from_bits = tl_bits(v.type), to_bits = tl_bits(to);
    bool narrow_pair = from_bits == to_bits || (from_bits == 8 && tl_is(to, DT_BF16));
    if (narrow_pair) /* two formats of which neither holds the other */
        v = converted(s, OP_FPExt, v, tl_type(DT_F32));
    if (tl_bits(v.type) < to_bits)
        return converted(s, OP_FPExt, v, to);
    SVal result = converted(s, OP_FPTrunc, v, to);
    ir_set_int(result.u.ir->def, ATTR_ROUNDING, rounding);
    return result;
}

static SVal float_to_int(Spec *s, SVal v, TlType to) {
    if (tl_is_bool(to))
        return not_zero(s, v);
    if (tl_bits(v.type) < 32)
        v = converted(s, OP_FPExt, v, tl_type(DT_F32));
    return converted(s, tl_is_signed(to) ? OP_FPToSI : OP_FPToUI, v, to);
}

static SVal from_pointer(Spec *s, SVal v, TlType to, SrcRange range) {
    if (tl_is_ptr(to))
        return converted(s, OP_Bitcast, v, to);
    if (!tl_is_int(to) || (tl_bits(to) != 64 && !tl_is_bool(to))) {
        Diag *d = SPEC_ERROR(s, DIAG_KERNEL_CAST, range, sv_type_name(s, v), tl_name(s, to));
        diag_help(d, "a pointer converts to tl.int64, tl.uint64 or another pointer type");
        return SVAL_ERROR;
    }
    SVal address = converted(s, OP_PtrToInt, v, tl_type(DT_I64));
    return tl_is_bool(to) ? not_zero(s, address) : sv_tensor(address.u.ir, to);
}

static SVal to_pointer(Spec *s, SVal v, TlType to, SrcRange range) {
    if (!tl_is_int(v.type)) {
        Diag *d = SPEC_ERROR(s, DIAG_KERNEL_CAST, range, sv_type_name(s, v), tl_name(s, to));
        diag_help(d, "the type of what it points to is ptr.dtype.element_ty");
        return SVAL_ERROR;
    }
    return converted(s, OP_IntToPtr, int_to_int(s, v, tl_type(DT_I64)), to);
}

static SVal convert(Spec *s, SVal v, TlType to, ROUNDING_Enum rounding, SrcRange range) {
    if (tl_same(v.type, to))
        return v;
    if (tl_is_ptr(v.type))
        return from_pointer(s, v, to, range);
    if (tl_is_ptr(to))
        return to_pointer(s, v, to, range);
    if (tl_is_float(v.type))
        return tl_is_float(to) ? float_to_float(s, v, to, rounding) : float_to_int(s, v, to);
    if (tl_is_int(to))
        return int_to_int(s, v, to);
    if (tl_bits(to) == 8) /* no instruction makes fp8 of integers */
        return float_to_float(s, convert(s, v, tl_type(DT_F32), rounding, range), to, rounding);
    return converted(s, tl_is_signed(v.type) ? OP_SIToFP : OP_UIToFP, v, to);
}

SVal spec_cast(Spec *s, SVal v, TlType to, SrcRange range) {
    return spec_cast_rounding(s, v, to, NULL, range);
}

SVal spec_cast_rounding(Spec *s, SVal v, TlType to, const char *rounding, SrcRange range) {
    if (sv_is_number(v))
        v = spec_to_tensor(s, v, range);
    if (sv_is_error(v))
        return v;
    ROUNDING_Enum mode = ROUND_RTNE;
    if (rounding && !tl_same(v.type, to)) {
        int64_t value = ir_enum_value(ATTR_ROUNDING, rounding, strlen(rounding));
        if (value < 0) {
            SPEC_ERROR(s, DIAG_KERNEL_CHOICE, range, "fp_downcast_rounding", rounding,
                       "\"rtne\", \"rtz\"");
            return SVAL_ERROR;
        }
        mode = (ROUNDING_Enum)value;
        if (!tl_is_float(v.type) || !tl_is_float(to) || tl_bits(to) >= tl_bits(v.type)) {
            SPEC_ERROR(s, DIAG_KERNEL_ROUNDING, range, tl_name(s, v.type), tl_name(s, to));
            return SVAL_ERROR;
        }
    }
    return convert(s, v, to, mode, range);
}

SVal spec_bitcast(Spec *s, SVal v, TlType to, SrcRange range) {
    if (sv_is_number(v))
        v = spec_to_tensor(s, v, range);
    if (sv_is_error(v) || tl_same(v.type, to))
        return v;
    if (tl_is_ptr(v.type) || tl_is_ptr(to))
        return spec_cast(s, v, to, range);
    if (tl_bits(v.type) != tl_bits(to)) {
        SPEC_ERROR(s, DIAG_KERNEL_BITCAST_SIZE, range, tl_bits(v.type), tl_bits(to));
        return SVAL_ERROR;
    }
    if (tl_to_ir(s, v.type) == tl_to_ir(s, to))
        return sv_tensor(v.u.ir, to);
    return converted(s, OP_Bitcast, v, to);
}
