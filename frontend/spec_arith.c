/* spec_arith.c -- operators on tensors: promotion, then one IR operation.
 *
 * The rules are Triton's (docs/language.md, "Implicit promotion"). A number written at the operator
 * adopts the tensor's type if its kind (bool < int < float) is not higher; two tensors join by the
 * table in join_types(). Division and remainder of integers truncate as in C. If both operands are
 * compile-time values Python's rules hold instead. Example: x_fp16 * 0.5 is fp16, but with
 * `s = 0.5` (a tensor since the assignment) x_fp16 * s is fp32.
 */
#include "frontend/spec.h"

/* The type that an operand has at the operator: a number's is the one it would get as a tensor. */
static const char *operand_type(Spec *s, SVal v) {
    TlType type;
    if (sv_is_number(v) && spec_number_type(s, v, &type, SRC_NONE))
        return tl_name(s, type);
    return sv_type_name(s, v);
}

static bool is_float_operand(SVal v) {
    return v.kind == SV_CONST ? v.u.py.tag == PY_FLOAT_TAG : sv_is_tensor(v) && tl_is_float(v.type);
}

static SVal operands_refused(Spec *s, SVal a, SVal b, SrcRange range) {
    Diag *d = SPEC_ERROR(s, DIAG_KERNEL_OPERANDS, range, operand_type(s, a), operand_type(s, b));
    bool pointer = (sv_is_tensor(a) && tl_is_ptr(a.type)) || (sv_is_tensor(b) && tl_is_ptr(b.type));
    if (pointer && (is_float_operand(a) || is_float_operand(b)))
        diag_help(d, "offsets count elements: make them integers, with // or .to(tl.int64)");
    else if (a.kind == SV_TUPLE || b.kind == SV_TUPLE)
        diag_help(d, "a tuple or list is no tile: take an item of it, or pass a tensor instead");
    return SVAL_ERROR;
}

/* ---- promotion ------------------------------------------------------------------------------- */

TlType spec_promote_ints(TlType a, TlType b) {
    if (tl_is_signed(a) == tl_is_signed(b))
        return tl_bits(a) > tl_bits(b) ? a : b;
    if (tl_is_unsigned(a))
        return tl_bits(a) >= tl_bits(b) ? a : b;
    return tl_bits(b) >= tl_bits(a) ? b : a;
}

/* The kinds of numbers in the order bool < int < float. */
static int kind_rank(TlType t) {
    return tl_is_float(t) ? 2 : tl_is_bool(t) ? 0 : 1;
}

static bool is_fp8(TlType t) {
    return !t.pointee && dtype_is_fp8(t.dtype);
}

/* The type in which two tensors meet; false and a message if there is none. */
static bool join_types(Spec *s, TlType a, TlType b, bool div_or_mod, SrcRange range, TlType *out) {
    *out = tl_type(DT_F32);
    if (tl_is(a, DT_F64) || tl_is(b, DT_F64)) {
        *out = tl_type(DT_F64);
        return true;
    }
    if (tl_is(a, DT_F32) || tl_is(b, DT_F32))
        return true;
    if (div_or_mod && (tl_is_float(a) || tl_is_float(b)))
        return true;
    if (tl_is(a, DT_F16) || tl_is(b, DT_F16)) {
        *out = tl_type(DT_F16);
        return true;
    }
    if (tl_is(a, DT_BF16) || tl_is(b, DT_BF16)) {
        if (tl_same(a, b))
            *out = a;
        return true;
    }
    if (is_fp8(a) && is_fp8(b)) {
        *out = tl_same(a, b) ? a : tl_type(DT_F16);
        return true;
    }
    if (!tl_is_int(a) || !tl_is_int(b)) {
        Diag *d = SPEC_ERROR(s, DIAG_KERNEL_UNEXPECTED_TYPES, range, tl_name(s, a), tl_name(s, b));
        diag_help(d, "cast one of them first: x.to(tl.float32)");
        return false;
    }
    if (div_or_mod && tl_is_signed(a) != tl_is_signed(b)) {
        Diag *d = SPEC_ERROR(s, DIAG_KERNEL_MIXED_DIVISION, range, tl_name(s, a), tl_name(s, b));
        diag_help(d, "cast them to the same signedness");
        return false;
    }
    *out = spec_promote_ints(a, b);
    return true;
}

static bool computation_type(Spec *s, TlType a, bool a_number, TlType b, bool b_number,
                             bool div_or_mod, SrcRange range, TlType *out) {
    if (a_number != b_number) {
        TlType number = a_number ? a : b, tensor = a_number ? b : a;
        if (kind_rank(number) <= kind_rank(tensor)) {
            bool widen = div_or_mod && tl_is_float(tensor) && tl_bits(tensor) < 32;
            *out = widen ? tl_type(DT_F32) : tensor;
            return true;
        }
    }
    return join_types(s, a, b, div_or_mod, range, out);
}

/* May a value of type `a` meet one of type `b`, if `a` is a pointer? */
static bool pointer_fits(TlType a, TlType b, bool allowed) {
    if (!tl_is_ptr(a))
        return true;
    return allowed && !(tl_is_ptr(b) && !tl_same(a, b)) && !tl_is_float(b);
}

static bool is_negative(SVal number) {
    double value = 0;
    return py_to_double(number.u.py, &value) && value < 0;
}

/* An operand: what was written, and the element type it would have alone. */
typedef struct Operand {
    SVal value;
    TlType type;
    bool is_number;
} Operand;

static bool make_operand(Spec *s, SVal v, SrcRange range, Operand *out) {
    *out = (Operand){.value = v, .is_number = sv_is_number(v)};
    if (out->is_number)
        return spec_number_type(s, v, &out->type, range);
    out->type = v.type;
    return true;
}

static SVal as_type(Spec *s, const Operand *operand, TlType type, SrcRange range) {
    return operand->is_number ? spec_number(s, operand->value, type, range)
                              : spec_cast(s, operand->value, type, range);
}

static bool negative_meets_unsigned(Spec *s, const Operand *o, TlType type, SrcRange range) {
    if (!tl_is_unsigned(type) || !o->is_number || !is_negative(o->value))
        return false;
    Diag *d = SPEC_ERROR(s, DIAG_KERNEL_NEGATIVE_UNSIGNED, range, tl_name(s, type));
    diag_help(d, "cast the tensor to a signed type first");
    return true;
}

bool spec_unify(Spec *s, SVal *a, SVal *b, unsigned rules, SrcRange range) {
    bool fits = (sv_is_number(*a) || sv_is_tensor(*a)) && (sv_is_number(*b) || sv_is_tensor(*b));
    if (!fits) {
        operands_refused(s, *a, *b, range);
        return false;
    }
    Operand x, y;
    if (!make_operand(s, *a, range, &x) || !make_operand(s, *b, range, &y))
        return false;
    bool allow_ptr = (rules & RULE_ALLOW_PTR) != 0;
    if (!pointer_fits(x.type, y.type, allow_ptr) || !pointer_fits(y.type, x.type, allow_ptr)) {
        operands_refused(s, *a, *b, range);
        return false;
    }
    TlType x_type = x.type, y_type = y.type;
    if (!(rules & RULE_NO_PROMOTION) && !tl_is_ptr(x.type) && !tl_is_ptr(y.type)) {
        if (!computation_type(s, x.type, x.is_number, y.type, y.is_number,
                              (rules & RULE_DIV_OR_MOD) != 0, range, &x_type))
            return false;
        y_type = x_type;
        if (negative_meets_unsigned(s, &x, x_type, range) ||
            negative_meets_unsigned(s, &y, y_type, range))
            return false;
    }
    *a = as_type(s, &x, x_type, range);
    *b = as_type(s, &y, y_type, range);
    return !sv_is_error(*a) && !sv_is_error(*b) && spec_broadcast_pair(s, a, b, range);
}

/* ---- operators ------------------------------------------------------------------------------- */

static SVal built(Spec *s, IrOpcode code, SVal a, SVal b) {
    return sv_tensor(ir_binary(&s->b, code, a.u.ir, b.u.ir), a.type);
}

static SVal negated(Spec *s, SVal v) {
    SVal zero = sv_tensor(ir_const_bits(&s->b, v.u.ir->type, 0), v.type);
    return built(s, tl_is_float(v.type) ? OP_SubF : OP_SubI, zero, v);
}

static SVal offset_pointer(Spec *s, SVal pointer, SVal offset) {
    bool is_unsigned = tl_is_unsigned(offset.type) && tl_bits(offset.type) < 64;
    IrValue *moved = ir_addptr(&s->b, pointer.u.ir, offset.u.ir, is_unsigned);
    return sv_tensor(moved, pointer.type);
}

static SVal add(Spec *s, BinOpKind op, SVal a, SVal b, SrcRange range) {
    if (!spec_unify(s, &a, &b, RULE_ALLOW_PTR, range))
        return SVAL_ERROR;
    if (tl_is_ptr(a.type) && tl_is_ptr(b.type)) {
        if (op == BIN_ADD)
            SPEC_ERROR(s, DIAG_KERNEL_ADD_POINTERS, range);
        else
            operands_refused(s, a, b, range);
        return SVAL_ERROR;
    }
    if (op == BIN_ADD && tl_is_ptr(b.type))
        return offset_pointer(s, b, a);
    if (tl_is_ptr(a.type))
        return offset_pointer(s, a, op == BIN_ADD ? b : negated(s, b));
    if (tl_is_ptr(b.type))
        return operands_refused(s, a, b, range);
    bool is_float = tl_is_float(a.type);
    if (op == BIN_ADD)
        return built(s, is_float ? OP_AddF : OP_AddI, a, b);
    return built(s, is_float ? OP_SubF : OP_SubI, a, b);
}

static SVal multiply(Spec *s, SVal a, SVal b, SrcRange range) {
    if (!spec_unify(s, &a, &b, RULE_ARITHMETIC, range))
        return SVAL_ERROR;
    return built(s, tl_is_float(a.type) ? OP_MulF : OP_MulI, a, b);
}

static SVal divide(Spec *s, SVal a, SVal b, SrcRange range) {
    if (!spec_unify(s, &a, &b, RULE_DIV_OR_MOD, range))
        return SVAL_ERROR;
    if (tl_is_int(a.type)) {
        a = spec_cast(s, a, tl_type(DT_F32), range);
        b = spec_cast(s, b, tl_type(DT_F32), range);
    }
    return built(s, OP_DivF, a, b);
}

static SVal floor_divide(Spec *s, SVal a, SVal b, SrcRange range) {
    if (!spec_unify(s, &a, &b, RULE_DIV_OR_MOD, range))
        return SVAL_ERROR;
    if (!tl_is_int(a.type)) {
        Diag *d = SPEC_ERROR(s, DIAG_KERNEL_UNEXPECTED_TYPE, range, "//", tl_name(s, a.type));
        diag_help(d, "use tl.floor(a / b)");
        return SVAL_ERROR;
    }
    return built(s, tl_is_signed(a.type) ? OP_DivSI : OP_DivUI, a, b);
}

static SVal remainder_of(Spec *s, SVal a, SVal b, SrcRange range) {
    if (!spec_unify(s, &a, &b, RULE_DIV_OR_MOD, range))
        return SVAL_ERROR;
    if (tl_is_float(a.type))
        return built(s, OP_RemF, a, b);
    return built(s, tl_is_signed(a.type) ? OP_RemSI : OP_RemUI, a, b);
}

/* & | ^ << >>: integers only. */
static SVal bitwise(Spec *s, BinOpKind op, SVal a, SVal b, SrcRange range) {
    SVal left = a, right = b;
    bool left_signed = sv_is_number(a) || (sv_is_tensor(a) && tl_is_signed(a.type));
    if (!spec_unify(s, &a, &b, RULE_ARITHMETIC, range))
        return SVAL_ERROR;
    if (!tl_is_int(a.type) || !tl_is_int(b.type)) {
        Diag *d = SPEC_ERROR(s, DIAG_KERNEL_OPERANDS, range, sv_type_name(s, left),
                             sv_type_name(s, right));
        diag_note(d, SRC_NONE, "`%s` works on integers and booleans", ast_binary_text(op));
        return SVAL_ERROR;
    }
    switch ((int)op) {
    case BIN_BITAND:
        return built(s, OP_AndI, a, b);
    case BIN_BITOR:
        return built(s, OP_OrI, a, b);
    case BIN_BITXOR:
        return built(s, OP_XorI, a, b);
    case BIN_LSHIFT:
        return built(s, OP_ShlI, a, b);
    default:
        return built(s, left_signed ? OP_ShrSI : OP_ShrUI, a, b);
    }
}

static SVal tensor_binary(Spec *s, BinOpKind op, SVal a, SVal b, SrcRange range) {
    switch (op) {
    case BIN_ADD:
    case BIN_SUB:
        return add(s, op, a, b, range);
    case BIN_MUL:
        return multiply(s, a, b, range);
    case BIN_DIV:
        return divide(s, a, b, range);
    case BIN_FLOORDIV:
        return floor_divide(s, a, b, range);
    case BIN_MOD:
        return remainder_of(s, a, b, range);
    case BIN_BITAND:
    case BIN_BITOR:
    case BIN_BITXOR:
    case BIN_LSHIFT:
    case BIN_RSHIFT:
        return bitwise(s, op, a, b, range);
    case BIN_MATMUL:
    case BIN_POW:
        break;
    }
    Diag *d = SPEC_ERROR(s, DIAG_KERNEL_OPERATOR, range, ast_binary_text(op), sv_type_name(s, a),
                         sv_type_name(s, b));
    if (op == BIN_MATMUL)
        diag_help(d, "use tl.dot(a, b)");
    else
        diag_help(d, "multiply, or use tl.exp2(b * tl.log2(a)) or libdevice.pow(a, b)");
    return SVAL_ERROR;
}

/* Tuples of any values: concatenation and repetition; *handled false for others. */
static SVal tuple_binary(Spec *s, BinOpKind op, SVal a, SVal b, bool *handled) {
    int64_t times = 0;
    *handled = true;
    if (op == BIN_ADD && a.kind == SV_TUPLE && b.kind == SV_TUPLE) {
        size_t n = a.u.tuple.len, m = b.u.tuple.len;
        SVal *items = ARENA_ARRAY(s->arena, SVal, n + m);
        for (size_t i = 0; i < n + m; i++)
            items[i] = i < n ? a.u.tuple.items[i] : b.u.tuple.items[i - n];
        return sv_tuple(s, items, n + m);
    }
    if (op == BIN_MUL && b.kind == SV_TUPLE) {
        SVal swap = a;
        a = b;
        b = swap;
    }
    if (op == BIN_MUL && a.kind == SV_TUPLE && sv_is_const(b) && py_to_i64(b.u.py, &times) &&
        times <= 1024) {
        size_t n = a.u.tuple.len, total = times > 0 ? n * (size_t)times : 0;
        SVal *items = ARENA_ARRAY(s->arena, SVal, total);
        for (size_t i = 0; i < total; i++)
            items[i] = a.u.tuple.items[i % n];
        return sv_tuple(s, items, total);
    }
    *handled = false;
    return SVAL_ERROR;
}

SVal spec_binary(Spec *s, BinOpKind op, SVal a, SVal b, SrcRange range) {
    PyValue x, y;
    bool handled;
    SVal tuple = tuple_binary(s, op, a, b, &handled);
    if (handled)
        return tuple;
    if (sv_to_py(s, a, &x) && sv_to_py(s, b, &y))
        return sv_from_py(s, py_binary(s->py, op, x, y), range);
    return tensor_binary(s, op, a, b, range);
}

/* ---- unary operators ------------------------------------------------------------------------- */

static SVal inverted(Spec *s, SVal v) {
    SVal ones = sv_tensor(ir_const_int(&s->b, v.u.ir->type, -1), v.type);
    return built(s, OP_XorI, v, ones);
}

/* Operands of and/or/not must be booleans; Triton says so through its bitcast. */
static SVal to_boolean(Spec *s, SVal v, SrcRange range) {
    if (tl_is_bool(v.type))
        return v;
    Diag *d = SPEC_ERROR(s, DIAG_KERNEL_BITCAST_SIZE, range, tl_bits(v.type), 1u);
    diag_note(d, SRC_NONE, "`and`, `or` and `not` take booleans, this is %s", sv_type_name(s, v));
    diag_help(d, "compare first: x != 0");
    return SVAL_ERROR;
}

SVal spec_unary(Spec *s, UnaryOpKind op, SVal a, SrcRange range) {
    static const char *const names[] = {"plus", "minus", "invert", "not"};
    PyValue x;
    if (sv_to_py(s, a, &x))
        return sv_from_py(s, py_unary(s->py, op, x), range);
    bool is_tensor = sv_is_tensor(a);
    if (is_tensor && op == UNARY_NOT) {
        SVal condition = to_boolean(s, a, range);
        return sv_is_error(condition) ? condition : inverted(s, condition);
    }
    bool fits = is_tensor && !tl_is_ptr(a.type) && (op != UNARY_INVERT || tl_is_int(a.type));
    if (!fits) {
        SPEC_ERROR(s, DIAG_KERNEL_UNARY, range, names[op], sv_type_name(s, a));
        return SVAL_ERROR;
    }
    if (op == UNARY_POS)
        return a;
    return op == UNARY_NEG ? negated(s, a) : inverted(s, a);
}

SVal spec_logical(Spec *s, bool is_or, SVal a, SVal b, SrcRange range) {
    a = spec_to_tensor(s, a, range);
    b = spec_to_tensor(s, b, range);
    if (sv_is_error(a) || sv_is_error(b))
        return SVAL_ERROR;
    a = to_boolean(s, a, range);
    b = sv_is_error(a) ? a : to_boolean(s, b, range);
    if (sv_is_error(a) || sv_is_error(b))
        return SVAL_ERROR;
    if (sv_is_tile(a) || sv_is_tile(b)) {
        Diag *d = SPEC_WARNING(s, DIAG_KERNEL_LOGICAL_TILE, range, is_or ? "or" : "and");
        diag_help(d, "write `a %s b`", is_or ? "|" : "&");
    }
    if (!spec_broadcast_pair(s, &a, &b, range))
        return SVAL_ERROR;
    return built(s, is_or ? OP_OrI : OP_AndI, a, b);
}

/* ---- comparisons ----------------------------------------------------------------------------- */

static const struct {
    INT_PRED_Enum is_signed, is_unsigned;
    FLOAT_PRED_Enum is_float;
} predicates[] = {
    [CMP_EQ] = {IPRED_EQ, IPRED_EQ, FPRED_OEQ},   [CMP_NE] = {IPRED_NE, IPRED_NE, FPRED_UNE},
    [CMP_LT] = {IPRED_SLT, IPRED_ULT, FPRED_OLT}, [CMP_LE] = {IPRED_SLE, IPRED_ULE, FPRED_OLE},
    [CMP_GT] = {IPRED_SGT, IPRED_UGT, FPRED_OGT}, [CMP_GE] = {IPRED_SGE, IPRED_UGE, FPRED_OGE},
};

/* `is` and `is not`: compile-time identity; a tensor is never None. */
static SVal identity(Spec *s, CmpOpKind op, SVal a, SVal b, SrcRange range) {
    PyValue x, y;
    if (sv_to_py(s, a, &x) && sv_to_py(s, b, &y))
        return sv_from_py(s, py_compare(s->py, op, x, y), range);
    return sv_bool(op == CMP_IS_NOT);
}

static SVal tuples_equal(Spec *s, CmpOpKind op, SVal a, SVal b) {
    return sv_bool(sv_identical(s, a, b) == (op == CMP_EQ));
}

SVal spec_compare(Spec *s, CmpOpKind op, SVal a, SVal b, SrcRange range) {
    if (op == CMP_IN || op == CMP_NOT_IN) {
        Diag *d = SPEC_ERROR(s, DIAG_KERNEL_UNSUPPORTED, range, op == CMP_IN ? "In" : "NotIn");
        diag_help(d, "compare with each value: (x == a) or (x == b)");
        return SVAL_ERROR;
    }
    if (op == CMP_IS || op == CMP_IS_NOT)
        return identity(s, op, a, b, range);
    PyValue x, y;
    if (sv_to_py(s, a, &x) && sv_to_py(s, b, &y))
        return sv_from_py(s, py_compare(s->py, op, x, y), range);
    bool is_equality = op == CMP_EQ || op == CMP_NE;
    if (is_equality && a.kind == SV_TUPLE && b.kind == SV_TUPLE)
        return tuples_equal(s, op, a, b);
    if (is_equality && (sv_is_opaque(a) || sv_is_opaque(b)))
        return sv_bool(op == CMP_NE); /* a tensor against None, a string, a type */
    if (!spec_unify(s, &a, &b, RULE_ARITHMETIC, range))
        return SVAL_ERROR;
    if (tl_is_float(a.type))
        return sv_tensor(ir_cmpf(&s->b, predicates[op].is_float, a.u.ir, b.u.ir), tl_type(DT_BOOL));
    INT_PRED_Enum pred =
        tl_is_signed(a.type) ? predicates[op].is_signed : predicates[op].is_unsigned;
    return sv_tensor(ir_cmpi(&s->b, pred, a.u.ir, b.u.ir), tl_type(DT_BOOL));
}
