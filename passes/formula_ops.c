/* formula_ops.c -- the operators and primitives of formulas, by table.
 *
 * Most are one operation of tile IR that exists for floats, for integers, or for both under two
 * names. Literals take the type of the first argument that has one. What is not in the table may
 * still be a call of the machine (ir/machine.def) by name and types. Example: fma(a, 2, -1) with
 * an f32 `a` is `fma %a, const 2.0, const -1.0 : f32`; rint(a) is `libcall "rint:f", %a`.
 */
#include "passes/formula_internal.h"

#include <string.h>

#include "ir/machine.h"

/* ---- one operation each ---------------------------------------------------------------------- */

#define NONE OP_COUNT

typedef struct Primitive {
    const char *name;
    unsigned arity;
    IrOpcode on_floats, on_ints;
} Primitive;

static const Primitive primitives[] = {
    {"+", 2, OP_AddF, OP_AddI},
    {"-", 2, OP_SubF, OP_SubI},
    {"*", 2, OP_MulF, OP_MulI},
    {"/", 2, OP_DivRnF, NONE},
    {"&", 2, NONE, OP_AndI},
    {"|", 2, NONE, OP_OrI},
    {"^", 2, NONE, OP_XorI},
    {"<<", 2, NONE, OP_ShlI},
    {">>", 2, NONE, OP_ShrSI},
    {"shr", 2, NONE, OP_ShrUI},
    {"fma", 3, OP_Fma, NONE},
    {"abs", 1, OP_AbsF, OP_AbsI},
    {"min", 2, OP_MinNumF, OP_MinSI},
    {"max", 2, OP_MaxNumF, OP_MaxSI},
    {"minimum", 2, OP_MinimumF, NONE},
    {"maximum", 2, OP_MaximumF, NONE},
    {"umin", 2, NONE, OP_MinUI},
    {"umax", 2, NONE, OP_MaxUI},
    {"mulhi", 2, NONE, OP_MulHiSI},
    {"umulhi", 2, NONE, OP_MulHiUI},
    {"clz", 1, NONE, OP_CountLeadingZeros},
    {"popc", 1, NONE, OP_PopCount},
    {"sqrt", 1, OP_SqrtRn, NONE},
    {"floor", 1, OP_Floor, NONE},
    {"ceil", 1, OP_Ceil, NONE},
    {"exp2_approx", 1, OP_Exp2, NONE},   /* f32: ex2.approx */
    {"rsqrt_approx", 1, OP_Rsqrt, NONE}, /* f32: rsqrt.approx */
};

typedef struct Comparison {
    const char *name;
    FLOAT_PRED_Enum on_floats; /* FLOAT_PRED_COUNT: none */
    INT_PRED_Enum on_ints;
} Comparison;

static const Comparison comparisons[] = {
    {"==", FPRED_OEQ, IPRED_EQ},          {"!=", FPRED_UNE, IPRED_NE}, {"<", FPRED_OLT, IPRED_SLT},
    {"<=", FPRED_OLE, IPRED_SLE},         {">", FPRED_OGT, IPRED_SGT}, {">=", FPRED_OGE, IPRED_SGE},
    {"ult", FLOAT_PRED_COUNT, IPRED_ULT},
};

/* ---- literals and types ---------------------------------------------------------------------- */

IrValue *formula_typed(IrBuilder *b, const FormulaValue *value, const IrType *type) {
    if (value->ir)
        return value->ir;
    return ir_is_float(type) ? ir_const_float(b, type, value->number)
                             : ir_const_bits(b, type, value->bits);
}

const IrType *formula_first_type(const FormulaValue *args, unsigned num_args, bool only_floats) {
    for (unsigned i = 0; i < num_args; i++) {
        if (args[i].ir && (!only_floats || ir_is_float(args[i].ir->type)))
            return args[i].ir->type;
    }
    return NULL;
}

/* Gives all arguments the type of the first that has one; false if they disagree. */
static bool unify(IrBuilder *b, const FormulaValue *args, unsigned num_args, IrValue **out) {
    const IrType *type = formula_first_type(args, num_args, false);
    for (unsigned i = 0; i < num_args; i++) {
        if (!type || (!args[i].ir && !ir_is_float(type) && !args[i].is_integer))
            return false;
        out[i] = formula_typed(b, &args[i], type);
        if (out[i]->type != type)
            return false;
    }
    return true;
}

static const IrType *scalar(IrBuilder *b, IrTypeKind kind) {
    return ir_type_scalar(b->module->ctx, kind);
}

/* ---- conversions ----------------------------------------------------------------------------- */

typedef struct Conversion {
    const char *name;
    IrTypeKind to;
    bool is_unsigned;
} Conversion;

static const Conversion conversions[] = {
    {"f32", TY_F32, false}, {"f64", TY_F64, false}, {"i32", TY_I32, false}, {"i64", TY_I64, false},
    {"uf32", TY_F32, true}, {"uf64", TY_F64, true}, {"u32", TY_I32, true},  {"u64", TY_I64, true},
};

/* Between numbers; i1 counts as unsigned: true is 1. */
static IrValue *convert(IrBuilder *b, IrValue *a, IrTypeKind to, bool is_unsigned) {
    const IrType *from = ir_elem(a->type), *target = scalar(b, to);
    unsigned from_bits = ir_bits(from), to_bits = ir_bits(target);
    bool to_float = ir_is_float(target);
    is_unsigned |= from->kind == TY_I1;
    if (from == target)
        return a;
    IrOpcode code;
    if (ir_is_float(from) && to_float)
        code = from_bits < to_bits ? OP_FPExt : OP_FPTrunc;
    else if (ir_is_float(from))
        code = is_unsigned ? OP_FPToUI : OP_FPToSI;
    else if (to_float)
        code = is_unsigned ? OP_UIToFP : OP_SIToFP;
    else
        code = from_bits > to_bits ? OP_TruncI : is_unsigned ? OP_ExtUI : OP_ExtSI;
    return ir_cast(b, code, a, target);
}

/* The same bits as the other kind of number of that width. */
static IrValue *reinterpret(IrBuilder *b, IrValue *a) {
    bool wide = ir_bits(a->type) == 64;
    IrTypeKind to = ir_is_float(a->type) ? (wide ? TY_I64 : TY_I32) : (wide ? TY_F64 : TY_F32);
    return ir_cast(b, OP_Bitcast, a, scalar(b, to));
}

/* ---- primitives of their own ----------------------------------------------------------------- */

typedef IrValue *(*SpecialFunction)(IrBuilder *b, const FormulaValue *args, unsigned num_args);

static IrValue *build_where(IrBuilder *b, const FormulaValue *args, unsigned num_args) {
    IrValue *choices[2];
    if (num_args != 3 || !args[0].ir || !unify(b, args + 1, 2, choices))
        return NULL;
    return ir_select(b, args[0].ir, choices[0], choices[1]);
}

/* poly(x, c0, c1, ...) = c0 + x (c1 + x (...)), each step rounded once. */
static IrValue *build_poly(IrBuilder *b, const FormulaValue *args, unsigned num_args) {
    if (num_args < 3 || !args[0].ir)
        return NULL;
    IrValue *x = args[0].ir, *sum = formula_typed(b, &args[num_args - 1], x->type);
    for (unsigned i = num_args - 1; i-- > 1;) {
        IrValue *operands[] = {sum, x, formula_typed(b, &args[i], x->type)};
        sum = ir_result(ir_build(b, OP_Fma, operands, 3, &x->type, 1), 0);
    }
    return sum;
}

static IrValue *build_bits(IrBuilder *b, const FormulaValue *args, unsigned num_args) {
    return num_args == 1 && args[0].ir && ir_is_float(args[0].ir->type) ? reinterpret(b, args[0].ir)
                                                                        : NULL;
}

static IrValue *build_real(IrBuilder *b, const FormulaValue *args, unsigned num_args) {
    return num_args == 1 && args[0].ir && ir_is_int(args[0].ir->type) ? reinterpret(b, args[0].ir)
                                                                      : NULL;
}

/* like(a, x): the number `a` as a value of the type of `x`. */
static IrValue *build_like(IrBuilder *b, const FormulaValue *args, unsigned num_args) {
    if (num_args != 2 || !args[1].ir)
        return NULL;
    if (!args[0].ir)
        return formula_typed(b, &args[0], args[1].ir->type);
    return convert(b, args[0].ir, ir_elem(args[1].ir->type)->kind, false);
}

/* int_like(k, x): the literal `k` as an i32, or a tile of them, in the shape of `x`. */
static IrValue *build_int_like(IrBuilder *b, const FormulaValue *args, unsigned num_args) {
    if (num_args != 2 || args[0].ir || !args[1].ir)
        return NULL;
    const IrType *i32 = scalar(b, TY_I32);
    return formula_typed(b, &args[0], ir_type_with_elem(b->module->ctx, args[1].ir->type, i32));
}

/* neg(a), which the parser makes of -a. */
static IrValue *build_neg(IrBuilder *b, const FormulaValue *args, unsigned num_args) {
    if (num_args != 1 || !args[0].ir)
        return NULL;
    IrValue *a = args[0].ir;
    if (ir_is_float(a->type))
        return ir_unary(b, OP_NegF, a);
    return ir_binary(b, OP_SubI, ir_const_int(b, a->type, 0), a);
}

static const struct {
    const char *name;
    SpecialFunction build;
} specials[] = {{"where", build_where},      {"poly", build_poly}, {"bits", build_bits},
                {"real", build_real},        {"like", build_like}, {"neg", build_neg},
                {"int_like", build_int_like}};

/* ---- finding the one that fits --------------------------------------------------------------- */

static bool is_named(const char *name, const char *text, size_t len) {
    return strncmp(name, text, len) == 0 && name[len] == '\0';
}

static PrimitiveStatus build_operation(IrBuilder *b, const Primitive *p, const FormulaValue *args,
                                       unsigned num_args, IrValue **result) {
    IrValue *values[3];
    if (num_args != p->arity || !unify(b, args, num_args, values))
        return PRIMITIVE_BAD;
    const IrType *type = values[0]->type;
    IrOpcode code = ir_is_float(type) ? p->on_floats : p->on_ints;
    if (code == NONE)
        return PRIMITIVE_BAD;
    *result = ir_result(ir_build(b, code, values, num_args, &type, 1), 0);
    return PRIMITIVE_OK;
}

static PrimitiveStatus build_comparison(IrBuilder *b, const Comparison *c, const FormulaValue *args,
                                        unsigned num_args, IrValue **result) {
    IrValue *values[2];
    if (num_args != 2 || !unify(b, args, 2, values))
        return PRIMITIVE_BAD;
    bool floats = ir_is_float(values[0]->type);
    if (floats && c->on_floats == FLOAT_PRED_COUNT)
        return PRIMITIVE_BAD;
    *result = floats ? ir_cmpf(b, c->on_floats, values[0], values[1])
                     : ir_cmpi(b, c->on_ints, values[0], values[1]);
    return PRIMITIVE_OK;
}

/* A libcall that stays: of the arguments' common type, which is the result's too. */
static PrimitiveStatus build_machine_call(IrBuilder *b, const char *name, size_t len,
                                          const FormulaValue *args, unsigned num_args,
                                          IrValue **result) {
    IrValue *values[FORMULA_MAX_ARGS];
    const IrType *type = formula_first_type(args, num_args, false);
    if (num_args < 1 || num_args > FORMULA_MAX_ARGS || !type)
        return PRIMITIVE_UNKNOWN;
    IrTypeKind kind = ir_elem(type)->kind;
    char letter = kind == TY_F32 ? 'f' : kind == TY_F64 ? 'd' : kind == TY_I32 ? 'i' : 'l';
    char full[32];
    if (len + 2 + num_args > sizeof full)
        return PRIMITIVE_UNKNOWN;
    memcpy(full, name, len);
    full[len] = ':';
    memset(full + len + 1, letter, num_args);
    full[len + 1 + num_args] = '\0';
    if (!ir_machine_call(full))
        return PRIMITIVE_UNKNOWN;
    if (!unify(b, args, num_args, values))
        return PRIMITIVE_BAD;
    IrOp *op = ir_build(b, OP_LibCall, values, num_args, &type, 1);
    ir_set_str(b->module, op, ATTR_NAME, full);
    *result = ir_result(op, 0);
    return PRIMITIVE_OK;
}

static PrimitiveStatus find_and_build(IrBuilder *b, const char *name, size_t len,
                                      const FormulaValue *args, unsigned num_args,
                                      IrValue **result) {
    for (size_t i = 0; i < TK_COUNTOF(primitives); i++) {
        if (is_named(primitives[i].name, name, len))
            return build_operation(b, &primitives[i], args, num_args, result);
    }
    for (size_t i = 0; i < TK_COUNTOF(comparisons); i++) {
        if (is_named(comparisons[i].name, name, len))
            return build_comparison(b, &comparisons[i], args, num_args, result);
    }
    for (size_t i = 0; i < TK_COUNTOF(conversions); i++) {
        if (!is_named(conversions[i].name, name, len))
            continue;
        if (num_args != 1 || !args[0].ir)
            return PRIMITIVE_BAD;
        *result = convert(b, args[0].ir, conversions[i].to, conversions[i].is_unsigned);
        return PRIMITIVE_OK;
    }
    for (size_t i = 0; i < TK_COUNTOF(specials); i++) {
        if (!is_named(specials[i].name, name, len))
            continue;
        *result = specials[i].build(b, args, num_args);
        return *result ? PRIMITIVE_OK : PRIMITIVE_BAD;
    }
    return build_machine_call(b, name, len, args, num_args, result);
}

PrimitiveStatus formula_primitive(IrBuilder *b, const char *name, size_t name_len,
                                  const FormulaValue *args, unsigned num_args,
                                  FormulaValue *result) {
    *result = (FormulaValue){0};
    return find_and_build(b, name, name_len, args, num_args, &result->ir);
}
