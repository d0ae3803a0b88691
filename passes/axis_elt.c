/* axis_elt.c -- axis facts through elementwise operations: arithmetic, comparisons, choices, casts.
 *
 * One rule an operation, for one dimension at a time. The reasoning behind most of them: let q be a
 * power of two, x begin a run of q consecutive numbers, and q divide x and y. Then
 *
 *     x / y, x % y, x & y, x < y
 *
 * cannot change (or wrap) inside the run, because every boundary is a multiple of q. A run that is
 * aligned in this sense also cannot hold the place where a number of w bits wraps, for q below
 * 2^(w-1). The lattice is that of Triton's AxisInfo (lib/Analysis/AxisInfo.cpp); where a division
 * needs the sign of its operand, the rule asks for it. Example: with n divisible by 16,
 *
 *     arange(0, 256) < n      is constant over runs of 16
 *     arange(0, 256) % n      consists of runs of 16 consecutive numbers
 */
#include "passes/axis_rules.h"

/* What a rule is given besides the dimension of each operand. */
typedef struct Elt {
    const IrOp *op;
    const AxisInfo *const *in;
    bool nonnegative; /* of the first operand */
    bool has_constant;
    int64_t constant; /* the second operand, if it is one */
    unsigned bits;    /* width of the first operand */
} Elt;

typedef AxisDim (*EltRule)(const Elt *e, const AxisDim *in);

static AxisDim dim(int64_t contiguity, int64_t divisibility, int64_t constancy) {
    return (AxisDim){.contiguity = contiguity,
                     .divisibility = axis_min(divisibility, AXIS_MAX),
                     .constancy = constancy,
                     .unit = 1};
}

static int64_t times(int64_t a, int64_t b) { /* both at most AXIS_MAX: no overflow */
    return axis_min(a * b, AXIS_MAX);
}

/* The longest runs of `x` that are consecutive and begin at a multiple of their length. */
static int64_t aligned(AxisDim x) {
    return axis_min(x.contiguity, axis_max(1, x.divisibility / x.unit));
}

/* Those of `x` over which `y` is constant and divisible by their length. */
static int64_t aligned_with(AxisDim x, AxisDim y) {
    int64_t run = axis_min(aligned(x), y.constancy);
    return axis_min(run, axis_divisibility_at(y, 1));
}

static bool is_power_of_two(int64_t x) {
    return x > 0 && (x & (x - 1)) == 0;
}

/* 2^amount, as far as facts go. */
static int64_t power(int64_t amount) {
    return amount >= 30 ? AXIS_MAX : INT64_C(1) << amount;
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

static AxisDim add_dim(AxisDim a, AxisDim b) {
    int64_t run =
        axis_max(axis_min(a.contiguity, b.constancy), axis_min(a.constancy, b.contiguity));
    return dim(run, axis_min(axis_divisibility_at(a, run), axis_divisibility_at(b, run)),
               axis_min(a.constancy, b.constancy));
}

static AxisDim rule_add(const Elt *e, const AxisDim *in) {
    (void)e;
    return add_dim(in[0], in[1]);
}

static AxisDim rule_addptr(const Elt *e, const AxisDim *in) {
    (void)e;
    AxisDim bytes = in[1];
    bytes.divisibility = times(bytes.divisibility, in[0].unit);
    bytes.unit = in[0].unit;
    return add_dim(in[0], bytes);
}

static AxisDim rule_sub(const Elt *e, const AxisDim *in) {
    (void)e;
    int64_t run = axis_min(in[0].contiguity, in[1].constancy);
    return dim(run, axis_min(axis_divisibility_at(in[0], run), axis_divisibility_at(in[1], run)),
               axis_min(in[0].constancy, in[1].constancy));
}

static AxisDim rule_mul(const Elt *e, const AxisDim *in) {
    if (e->has_constant && e->constant == 1)
        return in[0];
    return dim(1, times(axis_divisibility_at(in[0], 1), axis_divisibility_at(in[1], 1)),
               axis_min(in[0].constancy, in[1].constancy));
}

/* `x` rounded down and divided by the power of two `divisor`. */
static int64_t quotient_divisibility(AxisDim x, int64_t divisor) {
    bool whole_runs = x.contiguity <= divisor && x.divisibility >= divisor;
    return whole_runs ? x.divisibility / divisor : 1;
}

/* A signed division rounds toward zero, so that runs of negative numbers straddle its steps. */
static AxisDim divide_dim(const Elt *e, const AxisDim *in, bool rounds_down) {
    if (e->has_constant && e->constant == 1)
        return in[0];
    int64_t same = axis_min(in[0].constancy, in[1].constancy);
    if (rounds_down)
        same = axis_max(same, aligned_with(in[0], in[1]));
    int64_t divisibility = 1;
    if (e->has_constant && is_power_of_two(e->constant) && (rounds_down || in[0].contiguity == 1))
        divisibility = quotient_divisibility(in[0], axis_min(e->constant, AXIS_MAX * 2));
    return dim(1, divisibility, same);
}

static AxisDim rule_divsi(const Elt *e, const AxisDim *in) {
    return divide_dim(e, in, e->nonnegative);
}

static AxisDim rule_divui(const Elt *e, const AxisDim *in) {
    return divide_dim(e, in, true);
}

static AxisDim remainder_dim(const AxisDim *in, bool rounds_down) {
    int64_t run = rounds_down ? aligned_with(in[0], in[1]) : 1;
    return dim(run, axis_min(axis_divisibility_at(in[0], run), axis_divisibility_at(in[1], run)),
               axis_min(in[0].constancy, in[1].constancy));
}

static AxisDim rule_remsi(const Elt *e, const AxisDim *in) {
    return remainder_dim(in, e->nonnegative);
}

static AxisDim rule_remui(const Elt *e, const AxisDim *in) {
    (void)e;
    return remainder_dim(in, true);
}

static AxisDim rule_least(const Elt *e, const AxisDim *in) { /* min, max: one of the two */
    (void)e;
    return dim(1, axis_min(axis_divisibility_at(in[0], 1), axis_divisibility_at(in[1], 1)),
               axis_min(in[0].constancy, in[1].constancy));
}

static AxisDim rule_abs(const Elt *e, const AxisDim *in) {
    (void)e;
    return dim(1, axis_divisibility_at(in[0], 1), in[0].constancy);
}

/* ---- bits ------------------------------------------------------------------------------------ */

/* Low bits that a constant mask keeps leave runs as they are; low bits that it clears make them
 * equal. */
static AxisDim rule_and(const Elt *e, const AxisDim *in) {
    AxisDim a = in[0];
    int64_t same = axis_min(a.constancy, in[1].constancy);
    int64_t both = axis_max(axis_divisibility_at(a, 1), axis_divisibility_at(in[1], 1));
    if (!e->has_constant)
        return dim(1, both, same);
    int64_t cleared = axis_power_of_two(e->constant);
    if (cleared > 1) {
        same = axis_max(same, axis_min(aligned(a), cleared));
        return dim(1, axis_max(both, a.contiguity <= cleared ? a.divisibility : 1), same);
    }
    int64_t run = axis_min(aligned(a), axis_power_of_two(~e->constant));
    return dim(run, run > 1 ? axis_divisibility_at(a, run) : both, same);
}

/* Where one operand has runs and the other zero bits, or and xor are additions. */
static AxisDim rule_or(const Elt *e, const AxisDim *in) {
    (void)e;
    int64_t run = axis_max(aligned_with(in[0], in[1]), aligned_with(in[1], in[0]));
    return dim(run, axis_min(axis_divisibility_at(in[0], run), axis_divisibility_at(in[1], run)),
               axis_min(in[0].constancy, in[1].constancy));
}

static AxisDim rule_shl(const Elt *e, const AxisDim *in) {
    if (e->has_constant && e->constant == 0)
        return in[0];
    bool known = e->has_constant && e->constant > 0;
    return dim(1, times(axis_divisibility_at(in[0], 1), known ? power(e->constant) : 1),
               axis_min(in[0].constancy, in[1].constancy));
}

static AxisDim rule_shr(const Elt *e, const AxisDim *in) { /* rounds down, signed or not */
    if (!e->has_constant || e->constant < 0)
        return dim(1, 1, axis_min(in[0].constancy, in[1].constancy));
    if (e->constant == 0)
        return in[0];
    int64_t divisor = power(axis_min(e->constant, e->bits - 1));
    int64_t same = axis_max(in[0].constancy, axis_min(aligned(in[0]), divisor));
    return dim(1, quotient_divisibility(in[0], divisor), same);
}

/* ---- comparisons and choices ----------------------------------------------------------------- */

static AxisDim rule_cmp(const Elt *e, const AxisDim *in) {
    int64_t same = axis_min(in[0].constancy, in[1].constancy);
    switch ((INT_PRED_Enum)ir_attr_int(e->op, ATTR_INT_PRED)) {
    case IPRED_SLT:
    case IPRED_SGE:
    case IPRED_ULT:
    case IPRED_UGE:
        same = axis_max(same, aligned_with(in[0], in[1]));
        break;
    case IPRED_SLE:
    case IPRED_SGT:
    case IPRED_ULE:
    case IPRED_UGT:
        same = axis_max(same, aligned_with(in[1], in[0]));
        break;
    case IPRED_EQ: /* true at one element of a run at most: constant only where both are */
    case IPRED_NE:
    case INT_PRED_COUNT:
        break;
    }
    return dim(1, 1, same);
}

static AxisDim rule_select(const Elt *e, const AxisDim *in) {
    int64_t choice = in[0].constancy;
    if (!ir_is_tile(ir_operand(e->op, 0)->type)) /* one choice for the whole tile */
        choice = AXIS_MAX;
    int64_t run = axis_min(choice, axis_min(in[1].contiguity, in[2].contiguity));
    return dim(run, axis_min(axis_divisibility_at(in[1], run), axis_divisibility_at(in[2], run)),
               axis_min(choice, axis_min(in[1].constancy, in[2].constancy)));
}

/* ---- casts ----------------------------------------------------------------------------------- */

static AxisDim rule_same(const Elt *e, const AxisDim *in) {
    (void)e;
    return in[0];
}

/* Where the narrow numbers wrap, the wide ones jump: only aligned runs are safe from that. Signed
 * 32-bit positions are taken not to wrap. */
static AxisDim rule_extend(const Elt *e, const AxisDim *in) {
    if (e->bits >= 32 && (e->nonnegative || e->op->code == OP_ExtSI))
        return in[0];
    int64_t run = aligned(in[0]);
    return dim(run, axis_divisibility_at(in[0], run), in[0].constancy);
}

/* Elements of other sizes: only the addresses themselves are the same. */
static AxisDim rule_pointer_cast(const Elt *e, const AxisDim *in) {
    const IrType *to = e->op->results[0].type;
    if (!ir_is_ptr(to) && !ir_is_ptr(ir_operand(e->op, 0)->type))
        return dim(1, 1, in[0].constancy);
    if (axis_unit(to) == in[0].unit)
        return in[0];
    return dim(1, axis_divisibility_at(in[0], 1), in[0].constancy);
}

static const EltRule rules[OP_COUNT] = {
    [OP_AddI] = rule_add,
    [OP_SubI] = rule_sub,
    [OP_MulI] = rule_mul,
    [OP_DivSI] = rule_divsi,
    [OP_DivUI] = rule_divui,
    [OP_RemSI] = rule_remsi,
    [OP_RemUI] = rule_remui,
    [OP_AndI] = rule_and,
    [OP_OrI] = rule_or,
    [OP_XorI] = rule_or,
    [OP_ShlI] = rule_shl,
    [OP_ShrSI] = rule_shr,
    [OP_ShrUI] = rule_shr,
    [OP_MinSI] = rule_least,
    [OP_MaxSI] = rule_least,
    [OP_MinUI] = rule_least,
    [OP_MaxUI] = rule_least,
    [OP_AbsI] = rule_abs,
    [OP_CmpI] = rule_cmp,
    [OP_Select] = rule_select,
    [OP_ExtSI] = rule_extend,
    [OP_ExtUI] = rule_extend,
    [OP_TruncI] = rule_same,
    [OP_AddPtr] = rule_addptr,
    [OP_Bitcast] = rule_pointer_cast,
    [OP_PtrToInt] = rule_pointer_cast,
    [OP_IntToPtr] = rule_pointer_cast,
};

/* Equal operands give equal results, whatever the operation. */
static AxisDim rule_default(unsigned num_operands, const AxisDim *in) {
    int64_t same = AXIS_MAX;
    for (unsigned i = 0; i < num_operands; i++)
        same = axis_min(same, in[i].constancy);
    return dim(1, 1, same);
}

/* ---- the sign -------------------------------------------------------------------------------- */

static bool result_nonnegative(const IrOp *op, const AxisInfo *const *in) {
    bool wide = ir_bits(op->results[0].type) >= 32; /* positions are assumed to fit these only */
    switch ((int)op->code) {
    case OP_AddI:
    case OP_MulI:
        return wide && in[0]->nonnegative && in[1]->nonnegative;
    case OP_ShlI:
        return wide && in[0]->nonnegative;
    case OP_OrI:
    case OP_XorI:
    case OP_MinSI:
    case OP_MinUI:
    case OP_MaxUI:
        return in[0]->nonnegative && in[1]->nonnegative;
    case OP_AndI:
    case OP_MaxSI:
        return in[0]->nonnegative || in[1]->nonnegative;
    case OP_DivSI:
    case OP_DivUI:
    case OP_RemSI:
    case OP_RemUI:
    case OP_ShrSI:
    case OP_ShrUI:
    case OP_ExtSI:
        return in[0]->nonnegative;
    case OP_Select:
        return in[1]->nonnegative && in[2]->nonnegative;
    case OP_ExtUI:
        return true;
    default:
        return false;
    }
}

/* Casts are the only elementwise operations of constants that fold leaves to hints and shapes. */
static bool result_constant(const IrOp *op, const AxisInfo *const *in, int64_t *value) {
    if (op->code != OP_ExtSI || !in[0]->is_const)
        return false;
    *value = in[0]->value;
    return true;
}

AxisInfo axis_elementwise(const IrOp *op, const AxisInfo *const *in) {
    AxisInfo out = axis_unknown;
    const IrType *type = op->results[0].type;
    if (op->num_operands == 0)
        return out;
    Elt e = {.op = op, .in = in, .bits = ir_bits(ir_operand(op, 0)->type)};
    e.nonnegative = in[0]->nonnegative;
    e.has_constant = op->num_operands > 1 && in[1]->is_const;
    e.constant = e.has_constant ? in[1]->value : 0;
    for (unsigned d = 0; d < axis_rank(type); d++) {
        AxisDim dims[AXIS_MAX_OPERANDS];
        for (unsigned i = 0; i < op->num_operands; i++)
            dims[i] = axis_dim(in[i], ir_operand(op, i)->type, d);
        EltRule rule = rules[op->code];
        axis_set_dim(&out, type, d, rule ? rule(&e, dims) : rule_default(op->num_operands, dims));
    }
    out.nonnegative = result_nonnegative(op, in);
    out.is_const = result_constant(op, in, &out.value);
    return out;
}
