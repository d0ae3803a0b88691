/* fold_eval.c -- the value of an operation whose operands are constants.
 *
 * Constant tiles hold one number, so an elementwise operation on them is evaluated once. Integers
 * wrap in their own width. Floats of every type are computed in double and rounded once: + - * /
 * and square root of numbers with p bits are correct that way if 53 >= 2 p + 2 (Figueroa, 1995),
 * which f32 and all narrower types fulfil; f64 is computed as it is. A result that is NaN is left
 * to the device, whose NaN it is. Example: addi 2147483647, 1 : i32 is -2147483648.
 */
#include "ir/number.h"
#include "passes/fold.h"
#include "passes/rewrite.h"

#include <math.h>

/* ---- integers -------------------------------------------------------------------------------- */

typedef struct IntArgs {
    uint64_t a, b; /* zero-extended */
    int64_t sa, sb;
    unsigned bits;
} IntArgs;

static uint64_t shift_left(const IntArgs *x) {
    return x->b >= x->bits ? 0 : x->a << x->b;
}

static uint64_t shift_right(const IntArgs *x) {
    return x->b >= x->bits ? 0 : x->a >> x->b;
}

static uint64_t shift_right_sign(const IntArgs *x) {
    uint64_t by = x->b >= x->bits ? x->bits - 1 : x->b;
    uint64_t sign_fill = x->sa < 0 ? ~(UINT64_MAX >> by) : 0;
    return ((uint64_t)x->sa >> by) | sign_fill;
}

/* High half of the product; 64-bit ones are put together from 32-bit halves. */
static uint64_t mul_high_unsigned(uint64_t a, uint64_t b, unsigned bits) {
    if (bits <= 32)
        return (a * b) >> bits;
    uint64_t a_lo = (uint32_t)a, a_hi = a >> 32, b_lo = (uint32_t)b, b_hi = b >> 32;
    uint64_t mid = a_hi * b_lo + ((a_lo * b_lo) >> 32);
    uint64_t mid2 = a_lo * b_hi + (uint32_t)mid;
    return a_hi * b_hi + (mid >> 32) + (mid2 >> 32);
}

static uint64_t mul_high_signed(const IntArgs *x) {
    if (x->bits <= 32)
        return (uint64_t)((x->sa * x->sb) >> x->bits);
    uint64_t high = mul_high_unsigned(x->a, x->b, x->bits);
    return high - (x->sa < 0 ? x->b : 0) - (x->sb < 0 ? x->a : 0);
}

static unsigned count_ones(uint64_t value) {
    unsigned ones = 0;
    for (; value; value &= value - 1)
        ones++;
    return ones;
}

static unsigned leading_zeros(uint64_t value, unsigned bits) {
    unsigned zeros = bits;
    for (; value; value >>= 1)
        zeros--;
    return zeros;
}

/* Division by zero is a fault, which must happen where the program says: not folded. */
static bool eval_division(IrOpcode code, const IntArgs *x, uint64_t *r) {
    if (x->b == 0)
        return false;
    if (code == OP_DivUI)
        *r = x->a / x->b;
    else if (code == OP_RemUI)
        *r = x->a % x->b;
    else if (x->sb == -1) /* the least value has no negative: wraps */
        *r = code == OP_DivSI ? 0 - x->a : 0;
    else
        *r = (uint64_t)(code == OP_DivSI ? x->sa / x->sb : x->sa % x->sb);
    return true;
}

static bool eval_int(IrOpcode code, const IntArgs *x, uint64_t *r) {
    switch ((int)code) {
#define FOLD(op, value)                                                                            \
    case OP_##op:                                                                                  \
        *r = (uint64_t)(value);                                                                    \
        return true;
        FOLD(AddI, x->a + x->b)
        FOLD(SubI, x->a - x->b)
        FOLD(MulI, x->a * x->b)
        FOLD(AndI, x->a & x->b)
        FOLD(OrI, x->a | x->b)
        FOLD(XorI, x->a ^ x->b)
        FOLD(ShlI, shift_left(x))
        FOLD(ShrSI, shift_right_sign(x))
        FOLD(ShrUI, shift_right(x))
        FOLD(MinSI, x->sa < x->sb ? x->sa : x->sb)
        FOLD(MaxSI, x->sa > x->sb ? x->sa : x->sb)
        FOLD(MinUI, x->a < x->b ? x->a : x->b)
        FOLD(MaxUI, x->a > x->b ? x->a : x->b)
        FOLD(MulHiSI, mul_high_signed(x))
        FOLD(MulHiUI, mul_high_unsigned(x->a, x->b, x->bits))
        FOLD(AbsI, x->sa < 0 ? 0 - x->a : x->a)
        FOLD(CountLeadingZeros, leading_zeros(x->a, x->bits))
        FOLD(PopCount, count_ones(x->a))
#undef FOLD
    case OP_DivSI:
    case OP_DivUI:
    case OP_RemSI:
    case OP_RemUI:
        return eval_division(code, x, r);
    default:
        return false;
    }
}

static bool compare_ints(int64_t pred, const IntArgs *x) {
    switch ((INT_PRED_Enum)pred) {
    case IPRED_EQ:
        return x->a == x->b;
    case IPRED_NE:
        return x->a != x->b;
    case IPRED_SLT:
        return x->sa < x->sb;
    case IPRED_SLE:
        return x->sa <= x->sb;
    case IPRED_SGT:
        return x->sa > x->sb;
    case IPRED_SGE:
        return x->sa >= x->sb;
    case IPRED_ULT:
        return x->a < x->b;
    case IPRED_ULE:
        return x->a <= x->b;
    case IPRED_UGT:
        return x->a > x->b;
    case IPRED_UGE:
        return x->a >= x->b;
    case INT_PRED_COUNT:
        break;
    }
    return false;
}

/* ---- floats ---------------------------------------------------------------------------------- */

/* Zeros are equal to the comparison but not to min and max: -0.0 is the smaller. */
static double smaller(double a, double b) {
    if (a == b)
        return signbit(a) ? a : b;
    return a < b ? a : b;
}

static double larger(double a, double b) {
    if (a == b)
        return signbit(a) ? b : a;
    return a > b ? a : b;
}

static bool eval_float(IrOpcode code, double a, double b, double *r) {
    switch ((int)code) {
#define FOLD(op, value)                                                                            \
    case OP_##op:                                                                                  \
        *r = (value);                                                                              \
        return true;
        FOLD(AddF, a + b)
        FOLD(SubF, a - b)
        FOLD(MulF, a * b)
        FOLD(DivF, a / b)
        FOLD(DivRnF, a / b)
        FOLD(RemF, fmod(a, b))
        FOLD(MinNumF, isnan(a) ? b : isnan(b) ? a : smaller(a, b))
        FOLD(MaxNumF, isnan(a) ? b : isnan(b) ? a : larger(a, b))
        FOLD(MinimumF, isnan(a) ? a : isnan(b) ? b : smaller(a, b))
        FOLD(MaximumF, isnan(a) ? a : isnan(b) ? b : larger(a, b))
        FOLD(Sqrt, sqrt(a))
        FOLD(SqrtRn, sqrt(a))
        FOLD(Floor, floor(a))
        FOLD(Ceil, ceil(a))
#undef FOLD
    default:
        return false;
    }
}

static bool compare_floats(int64_t pred, double a, double b) {
    switch ((FLOAT_PRED_Enum)pred) {
    case FPRED_OEQ:
        return a == b;
    case FPRED_UNE:
        return a != b;
    case FPRED_OLT:
        return a < b;
    case FPRED_OLE:
        return a <= b;
    case FPRED_OGT:
        return a > b;
    case FPRED_OGE:
        return a >= b;
    case FLOAT_PRED_COUNT:
        break;
    }
    return false;
}

/* ---- conversions ----------------------------------------------------------------------------- */

/* Nearest float to an integer, rounded once. Above 53 bits double would round first, so those
 * are folded only if they are exact in double. */
static bool int_to_float(IrTypeKind to, uint64_t bits, int64_t value, bool is_signed, uint64_t *r) {
    double number = is_signed ? (double)value : (double)bits;
    bool exact = is_signed ? value > -(INT64_C(1) << 53) && value < (INT64_C(1) << 53)
                           : bits < (UINT64_C(1) << 53);
    *r = ir_float_to_bits(to, number);
    return (exact || to == TY_F64) && isfinite(ir_float_from_bits(to, *r));
}

/* Toward zero, saturating; NaN gives 0. */
static uint64_t float_to_int(double value, unsigned bits, bool is_signed) {
    if (isnan(value))
        return 0;
    double limit = ldexp(1.0, (int)(is_signed ? bits - 1 : bits)); /* the first one too large */
    uint64_t most = ir_bit_mask(bits) >> (is_signed ? 1 : 0);
    if (value >= limit)
        return most;
    if (!is_signed)
        return value <= 0 ? 0 : (uint64_t)value;
    return value < -limit ? most + 1 : (uint64_t)(int64_t)value;
}

/* Narrowing to fp8 and toward zero is left to the device. */
static bool convert_float(const IrOp *op, IrTypeKind from, IrTypeKind to, uint64_t a, uint64_t *r) {
    if (to == TY_F8E4M3 || to == TY_F8E5M2)
        return false;
    if (op->code == OP_FPTrunc && ir_attr_int(op, ATTR_ROUNDING) != ROUND_RTNE)
        return false;
    *r = ir_float_to_bits(to, ir_float_from_bits(from, a));
    return !ir_float_is_nan(to, *r);
}

static bool eval_cast(const IrOp *op, const IrType *from, const IrType *to, uint64_t a,
                      uint64_t *r) {
    unsigned from_bits = ir_bits(from), to_bits = ir_bits(to);
    int64_t sa = ir_is_float(from) ? 0 : ir_sign_extend(a, from_bits);
    switch ((int)op->code) {
    case OP_ExtSI:
        *r = (uint64_t)sa;
        return true;
    case OP_ExtUI:
    case OP_TruncI:
    case OP_Bitcast:
        *r = a;
        return true;
    case OP_SIToFP:
        return int_to_float(to->kind, a, sa, true, r);
    case OP_UIToFP:
        return int_to_float(to->kind, a, sa, false, r);
    case OP_FPToSI:
        *r = float_to_int(ir_float_from_bits(from->kind, a), to_bits, true);
        return true;
    case OP_FPToUI:
        *r = float_to_int(ir_float_from_bits(from->kind, a), to_bits, false);
        return true;
    case OP_FPExt:
    case OP_FPTrunc:
        return convert_float(op, from->kind, to->kind, a, r);
    default:
        return false;
    }
}

/* ---- operations ------------------------------------------------------------------------------ */

static bool eval_sign(IrOpcode code, unsigned bits, uint64_t a, uint64_t *r) {
    uint64_t sign = UINT64_C(1) << (bits - 1);
    if (code != OP_NegF && code != OP_AbsF)
        return false;
    *r = code == OP_NegF ? a ^ sign : a & ~sign;
    return true;
}

static bool eval_floats(const IrOp *op, const IrType *elem, uint64_t a, uint64_t b, uint64_t *r) {
    double x = ir_float_from_bits(elem->kind, a), y = ir_float_from_bits(elem->kind, b), z;
    if (op->code == OP_CmpF) {
        *r = compare_floats(ir_attr_int(op, ATTR_FLOAT_PRED), x, y);
        return true;
    }
    if (!eval_float(op->code, x, y, &z))
        return false;
    *r = ir_float_to_bits(elem->kind, z);
    return !ir_float_is_nan(elem->kind, *r);
}

static bool eval(const IrOp *op, uint64_t a, uint64_t b, uint64_t *r) {
    const IrType *from = ir_elem(ir_operand(op, 0)->type), *to = ir_elem(op->results[0].type);
    if (ir_info(op)->rule == RULE_CAST)
        return eval_cast(op, from, to, a, r);
    if (ir_is_float(from))
        return eval_sign(op->code, ir_bits(from), a, r) || eval_floats(op, from, a, b, r);
    if (!ir_is_int(from))
        return false;
    unsigned bits = ir_bits(from);
    IntArgs x = {a, b, ir_sign_extend(a, bits), ir_sign_extend(b, bits), bits};
    if (op->code == OP_CmpI) {
        *r = compare_ints(ir_attr_int(op, ATTR_INT_PRED), &x);
        return true;
    }
    return eval_int(op->code, &x, r);
}

IrValue *fold_constants(IrOp *op) {
    uint64_t args[2] = {0, 0}, result;
    if (!(ir_info(op)->traits & IR_ELT) || op->num_operands < 1 || op->num_operands > 2)
        return NULL;
    for (unsigned i = 0; i < op->num_operands; i++) {
        if (!rewrite_constant(ir_operand(op, i), &args[i]))
            return NULL;
    }
    if (!eval(op, args[0], args[1], &result))
        return NULL;
    IrBuilder b = rewrite_before(op);
    return ir_const_bits(&b, op->results[0].type, result);
}
