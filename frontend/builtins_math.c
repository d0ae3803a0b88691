/* builtins_math.c -- elementwise functions: choices, minima, and the mathematics.
 *
 * The mathematical functions take fp32 and fp64 only, as in Triton: narrower floats are converted
 * by the program, so that it is seen where precision comes from. tl.minimum, tl.maximum and
 * tl.clamp make tensors of numbers first (a 0.0 is fp32) and compute bfloat16 as fp32. Example:
 * tl.maximum(x_fp16, 0.0) is fp32, tl.where(m, x_fp16, 0.0) is fp16.
 */
#include "frontend/builtins.h"

#include <string.h>

/* ---- one argument ---------------------------------------------------------------------------- */

/* "Expected dtype ['fp32', 'fp64'] but got fp16", with the conversion as advice. */
static bool check_dtype(Spec *s, const Call *call, unsigned i, SVal v, const char *expected,
                        bool fits) {
    if (fits)
        return true;
    Diag *d =
        SPEC_ERROR(s, DIAG_BUILTIN_EXPECTED_DTYPE, call->ranges[i], expected, tl_name(s, v.type));
    if (str_starts(expected, "['fp32'"))
        diag_help(d, "convert it first: x.to(tl.float32)");
    return false;
}

static const struct {
    const char *name;
    IrOpcode code;
    bool only_f32;
} float_functions[] = {
    {"exp", OP_Exp, false},   {"exp2", OP_Exp2, false},     {"log", OP_Log, false},
    {"log2", OP_Log2, false}, {"sin", OP_Sin, false},       {"cos", OP_Cos, false},
    {"sqrt", OP_Sqrt, false}, {"sqrt_rn", OP_SqrtRn, true}, {"rsqrt", OP_Rsqrt, false},
    {"erf", OP_Erf, false},   {"floor", OP_Floor, false},   {"ceil", OP_Ceil, false},
};

SVal builtin_float_unary(Spec *s, const Call *call) {
    SVal v;
    if (!call_tensor(s, call, 0, &v))
        return SVAL_ERROR;
    size_t i = 0;
    while (!str_eq(float_functions[i].name, call_name(call)))
        i++;
    bool only_f32 = float_functions[i].only_f32;
    bool fits = tl_is(v.type, DT_F32) || (!only_f32 && tl_is(v.type, DT_F64));
    if (!check_dtype(s, call, 0, v, only_f32 ? "['fp32']" : "['fp32', 'fp64']", fits))
        return SVAL_ERROR;
    return unary_value(s, float_functions[i].code, v);
}

SVal builtin_abs(Spec *s, const Call *call) {
    SVal v;
    PyValue number;
    if (sv_is_number(call->args[0]) && sv_to_py(s, call->args[0], &number)) {
        SVal zero = sv_int(0);
        SVal negative = spec_compare(s, CMP_LT, call->args[0], zero, call->range);
        bool flip = sv_is_const(negative) && negative.u.py.u.i;
        return flip ? spec_unary(s, UNARY_NEG, call->args[0], call->range) : call->args[0];
    }
    if (!call_tensor(s, call, 0, &v))
        return SVAL_ERROR;
    if (tl_is_float(v.type))
        return unary_value(s, OP_AbsF, v);
    if (tl_is_signed(v.type))
        return unary_value(s, OP_AbsI, v);
    bool fits = tl_is_int(v.type);
    return check_dtype(s, call, 0, v, "a number", fits) ? v : SVAL_ERROR;
}

/* ---- two and three arguments ----------------------------------------------------------------- */

SVal builtin_where(Spec *s, const Call *call) {
    SVal cond, x = call->args[1], y = call->args[2];
    if (!call_tensor(s, call, 0, &cond))
        return SVAL_ERROR;
    if (!tl_is_bool(cond.type)) {
        Diag *d = SPEC_WARNING(s, DIAG_BUILTIN_WHERE_CONDITION, call->ranges[0]);
        diag_label(d, "this is %s", sv_type_name(s, cond));
        cond = spec_cast(s, cond, tl_type(DT_BOOL), call->ranges[0]);
    }
    SrcRange both = range_join(call->ranges[1], call->ranges[2]);
    if (sv_is_error(cond) || !spec_unify(s, &x, &y, RULE_ALLOW_PTR, both))
        return SVAL_ERROR;
    if (sv_is_tile(cond) && (!spec_broadcast_pair(s, &cond, &x, call->range) ||
                             !spec_broadcast_pair(s, &x, &y, call->range)))
        return SVAL_ERROR;
    return sv_tensor(ir_select(&s->b, cond.u.ir, x.u.ir, y.u.ir), x.type);
}

SVal builtin_add(Spec *s, const Call *call) {
    return spec_binary(s, BIN_ADD, call->args[0], call->args[1], call->range);
}

SVal builtin_sub(Spec *s, const Call *call) {
    return spec_binary(s, BIN_SUB, call->args[0], call->args[1], call->range);
}

SVal builtin_mul(Spec *s, const Call *call) {
    return spec_binary(s, BIN_MUL, call->args[0], call->args[1], call->range);
}

SVal builtin_logical_and(Spec *s, const Call *call) {
    return spec_logical(s, false, call->args[0], call->args[1], call->range);
}

SVal builtin_logical_or(Spec *s, const Call *call) {
    return spec_logical(s, true, call->args[0], call->args[1], call->range);
}

/* Argument `i` as a tensor, bfloat16 as fp32. */
static bool call_promoted(Spec *s, const Call *call, unsigned i, SVal *out) {
    if (!call_tensor(s, call, i, out))
        return false;
    if (tl_is(out->type, DT_BF16))
        *out = spec_cast(s, *out, tl_type(DT_F32), call->ranges[i]);
    return true;
}

/* Whether NaN wins over numbers; false: reported. */
static bool call_propagate_nan(Spec *s, const Call *call, unsigned i, bool *out) {
    int64_t value;
    if (!call_int(s, call, i, &value))
        return false;
    *out = value == PROPAGATE_NAN_ALL;
    return true;
}

static SVal min_or_max(Spec *s, bool is_min, bool nan, SVal x, SVal y) {
    IrOpcode code;
    if (tl_is_float(x.type) && nan)
        code = is_min ? OP_MinimumF : OP_MaximumF;
    else if (tl_is_float(x.type))
        code = is_min ? OP_MinNumF : OP_MaxNumF;
    else if (tl_is_signed(x.type))
        code = is_min ? OP_MinSI : OP_MaxSI;
    else
        code = is_min ? OP_MinUI : OP_MaxUI;
    return binary_value(s, code, x, y);
}

SVal builtin_min_max(Spec *s, const Call *call) {
    SVal x, y;
    bool nan;
    if (!call_promoted(s, call, 0, &x) || !call_promoted(s, call, 1, &y) ||
        !call_propagate_nan(s, call, 2, &nan) ||
        !spec_unify(s, &x, &y, RULE_ARITHMETIC, call->range))
        return SVAL_ERROR;
    return min_or_max(s, str_eq(call_name(call), "minimum"), nan, x, y);
}

/* Are the limits numbers -c and c? Triton clamps to those by one instruction, which makes a NaN c,
 * while otherwise it becomes the lower limit; this order of minimum and maximum does the same. */
static bool is_symmetric(const Call *call) {
    double low, high;
    return sv_is_number(call->args[1]) && sv_is_number(call->args[2]) &&
           py_to_double(call->args[1].u.py, &low) && py_to_double(call->args[2].u.py, &high) &&
           low == -high;
}

SVal builtin_clamp(Spec *s, const Call *call) {
    SVal x, low, high;
    bool nan;
    if (!call_promoted(s, call, 0, &x) || !call_promoted(s, call, 1, &low) ||
        !call_promoted(s, call, 2, &high) || !call_propagate_nan(s, call, 3, &nan) ||
        !spec_unify(s, &low, &high, RULE_ARITHMETIC, call->range) ||
        !spec_unify(s, &x, &low, RULE_ARITHMETIC, call->range) ||
        !spec_unify(s, &x, &high, RULE_ARITHMETIC, call->range) ||
        !spec_unify(s, &x, &low, RULE_ARITHMETIC, call->range))
        return SVAL_ERROR;
    if (!tl_is_float(x.type)) {
        Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_CLAMP, call->ranges[0], tl_name(s, x.type));
        diag_help(d, "use tl.minimum(tl.maximum(x, low), high)");
        return SVAL_ERROR;
    }
    if (!nan && !tl_is(x.type, DT_F64) && is_symmetric(call))
        return min_or_max(s, false, nan, min_or_max(s, true, nan, x, high), low);
    return min_or_max(s, true, nan, min_or_max(s, false, nan, x, low), high);
}

static bool all_floats(Spec *s, const Call *call, SVal v) {
    if (tl_is_float(v.type))
        return true;
    SPEC_ERROR(s, DIAG_BUILTIN_FLOATS, call->range, call_name(call), tl_name(s, v.type));
    return false;
}

SVal builtin_fma(Spec *s, const Call *call) {
    SVal x = call->args[0], y = call->args[1], z = call->args[2];
    SrcRange range = call->range;
    if (!spec_unify(s, &x, &y, RULE_ARITHMETIC, range) ||
        !spec_unify(s, &x, &z, RULE_ARITHMETIC, range) ||
        !spec_unify(s, &x, &y, RULE_ARITHMETIC, range) || !all_floats(s, call, x))
        return SVAL_ERROR;
    IrValue *operands[] = {x.u.ir, y.u.ir, z.u.ir};
    return sv_tensor(build_value(s, OP_Fma, operands, 3, x.u.ir->type), x.type);
}

SVal builtin_fdiv(Spec *s, const Call *call) {
    SVal x, y;
    bool ieee;
    if (!call_tensor(s, call, 0, &x) || !call_tensor(s, call, 1, &y) ||
        !call_bool(s, call, 2, &ieee) || !all_floats(s, call, x) || !all_floats(s, call, y) ||
        !spec_unify(s, &x, &y, RULE_DIV_OR_MOD, call->range))
        return SVAL_ERROR;
    return binary_value(s, ieee ? OP_DivRnF : OP_DivF, x, y);
}

SVal builtin_div_rn(Spec *s, const Call *call) {
    SVal x, y;
    if (!call_tensor(s, call, 0, &x) || !call_tensor(s, call, 1, &y))
        return SVAL_ERROR;
    for (unsigned i = 0; i < 2; i++) {
        SVal v = i == 0 ? x : y;
        if (!check_dtype(s, call, i, v, "['fp32']", tl_is(v.type, DT_F32)))
            return SVAL_ERROR;
    }
    if (!spec_unify(s, &x, &y, RULE_ARITHMETIC, call->range))
        return SVAL_ERROR;
    return binary_value(s, OP_DivRnF, x, y);
}

SVal builtin_umulhi(Spec *s, const Call *call) {
    SVal x = call->args[0], y = call->args[1];
    if (!spec_unify(s, &x, &y, RULE_ARITHMETIC, call->range))
        return SVAL_ERROR;
    bool fits = tl_is_int(x.type) && tl_bits(x.type) >= 32;
    if (!check_dtype(s, call, 0, x, "['int32', 'int64', 'uint32', 'uint64']", fits))
        return SVAL_ERROR;
    return binary_value(s, OP_MulHiUI, x, y);
}

/* ---- functions of the program on each element ------------------------------------------------ */

/* Brings all tensors to one shape. */
bool broadcast_all(Spec *s, SVal *values, size_t count, SrcRange range) {
    for (int round = 0; round < 2; round++)
        for (size_t i = 1; i < count; i++)
            if (!spec_broadcast_pair(s, &values[round == 0 ? 0 : i], &values[round == 0 ? i : 0],
                                     range))
                return false;
    return true;
}

SVal builtin_map_elementwise(Spec *s, const Call *call) {
    const JitFn *fn = call_function(s, call, 0);
    STuple args = call->args[1].u.tuple;
    if (!fn)
        return SVAL_ERROR;
    SVal *values = ARENA_ARRAY(s->arena, SVal, args.len);
    for (size_t i = 0; i < args.len; i++) {
        values[i] = spec_to_tensor(s, args.items[i], call->ranges[1]);
        if (sv_is_error(values[i]))
            return SVAL_ERROR;
    }
    if (!broadcast_all(s, values, args.len, call->ranges[1]))
        return SVAL_ERROR;
    return spec_call_values(s, fn, values, args.len, call->range);
}
