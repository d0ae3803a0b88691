/* range_rules.c -- intervals through the operations that make integers.
 *
 * A sum, difference or product whose bounds do not fit the type has wrapped for some operands: then
 * nothing is known. Bounds are computed in 64 bits; of i64 only those small enough not to overflow
 * are. Example: i32 [0, 1000] * [512, 512] is [0, 512000]; [0, 2^31 - 2] * [512, 512] is any i32.
 */
#include "passes/range_rules.h"

#include "ir/number.h"

#define SMALL    (INT64_C(1) << 31) /* products of two fit 64 bits */
#define MAX_GRID INT64_C(0x7fffffff)

typedef struct Rule {
    const IrOp *op;
    Range all; /* of the result's type */
    unsigned bits;
} Rule;

static int64_t least(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t greatest(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static bool is_nonnegative(Range r) {
    return r.lo >= 0;
}

/* The interval if the type holds it, else all. */
static Range fit(const Rule *rule, int64_t lo, int64_t hi) {
    bool fits = lo >= rule->all.lo && hi <= rule->all.hi;
    return fits ? (Range){lo, hi} : rule->all;
}

static bool fits_within(Range r, int64_t bound) {
    return r.lo >= -bound && r.hi <= bound;
}

static bool is_single(Range r) {
    return r.lo == r.hi;
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

static Range rule_add(const Rule *rule, const Range *in) {
    if (!fits_within(in[0], INT64_MAX / 4) || !fits_within(in[1], INT64_MAX / 4))
        return rule->all;
    return fit(rule, in[0].lo + in[1].lo, in[0].hi + in[1].hi);
}

static Range rule_sub(const Rule *rule, const Range *in) {
    if (!fits_within(in[0], INT64_MAX / 4) || !fits_within(in[1], INT64_MAX / 4))
        return rule->all;
    return fit(rule, in[0].lo - in[1].hi, in[0].hi - in[1].lo);
}

static Range products(const Rule *rule, Range a, Range b) {
    if (!fits_within(a, SMALL) || !fits_within(b, SMALL))
        return rule->all;
    int64_t p = a.lo * b.lo, q = a.lo * b.hi, r = a.hi * b.lo, s = a.hi * b.hi;
    return fit(rule, least(least(p, q), least(r, s)), greatest(greatest(p, q), greatest(r, s)));
}

static Range rule_mul(const Rule *rule, const Range *in) {
    return products(rule, in[0], in[1]);
}

static Range rule_divsi(const Rule *rule, const Range *in) {
    Range a = in[0], b = in[1];
    if (b.lo > 0) { /* monotone in a; in b by the sign of a */
        return (Range){a.lo < 0 ? a.lo / b.lo : a.lo / b.hi, a.hi < 0 ? a.hi / b.hi : a.hi / b.lo};
    }
    if (a.lo == rule->all.lo) /* the least number divided by -1 */
        return rule->all;
    int64_t most = greatest(-a.lo, a.hi);
    return (Range){-most, most};
}

static Range rule_divui(const Rule *rule, const Range *in) {
    bool is_signed = is_nonnegative(in[0]) && in[1].lo > 0;
    return is_signed ? rule_divsi(rule, in) : rule->all;
}

/* The sign of a, and smaller than either. */
static Range rule_remsi(const Rule *rule, const Range *in) {
    Range a = in[0], b = in[1];
    Range r = {a.lo < 0 ? a.lo : 0, a.hi > 0 ? a.hi : 0};
    if (b.lo > 0) {
        r.lo = greatest(r.lo, -(b.hi - 1));
        r.hi = least(r.hi, b.hi - 1);
    }
    (void)rule;
    return r;
}

static Range rule_remui(const Rule *rule, const Range *in) {
    Range r = rule->all;
    if (in[1].lo > 0)
        r = (Range){0, in[1].hi - 1};
    if (is_nonnegative(in[0]))
        r = (Range){0, least(r.hi, in[0].hi)};
    return r;
}

static Range rule_abs(const Rule *rule, const Range *in) {
    if (in[0].lo == rule->all.lo)
        return rule->all;
    int64_t most = greatest(-in[0].lo, in[0].hi);
    return (Range){greatest(0, greatest(in[0].lo, -in[0].hi)), most};
}

/* ---- bits ------------------------------------------------------------------------------------ */

static Range rule_and(const Rule *rule, const Range *in) {
    if (!is_nonnegative(in[0]) && !is_nonnegative(in[1]))
        return rule->all;
    int64_t most = INT64_MAX;
    for (int i = 0; i < 2; i++)
        most = is_nonnegative(in[i]) ? least(most, in[i].hi) : most;
    return (Range){0, most};
}

static Range rule_or(const Rule *rule, const Range *in) { /* xor too */
    if (!is_nonnegative(in[0]) || !is_nonnegative(in[1]))
        return rule->all;
    uint64_t most = (uint64_t)greatest(in[0].hi, in[1].hi);
    for (unsigned shift = 1; shift < 64; shift *= 2) /* ones below the highest one */
        most |= most >> shift;
    return (Range){0, (int64_t)most};
}

static Range rule_shl(const Rule *rule, const Range *in) {
    if (!is_single(in[1]) || in[1].lo < 0 || in[1].lo >= least(rule->bits, 31))
        return rule->all;
    int64_t factor = INT64_C(1) << in[1].lo;
    return products(rule, in[0], (Range){factor, factor});
}

/* Division rounding down: a shift of a negative number is left to the compiler's host. */
static int64_t shift_down(int64_t x, int64_t amount) {
    return x >= 0 ? x >> amount : -((-(x + 1)) >> amount) - 1;
}

static Range rule_shrsi(const Rule *rule, const Range *in) {
    if (in[1].lo < 0 || in[1].hi >= rule->bits)
        return (Range){least(in[0].lo, is_nonnegative(in[0]) ? 0 : -1), greatest(in[0].hi, 0)};
    Range a = in[0], by = in[1];
    return (Range){shift_down(a.lo, a.lo < 0 ? by.lo : by.hi),
                   shift_down(a.hi, a.hi < 0 ? by.hi : by.lo)};
}

static Range rule_shrui(const Rule *rule, const Range *in) {
    if (is_nonnegative(in[0])) {
        bool known = in[1].lo >= 0 && in[1].hi < rule->bits;
        return known ? rule_shrsi(rule, in) : (Range){0, in[0].hi};
    }
    if (!is_single(in[1]) || in[1].lo <= 0 || in[1].lo >= rule->bits)
        return rule->all;
    return (Range){0, (int64_t)(ir_bit_mask(rule->bits) >> in[1].lo)};
}

static Range rule_count(const Rule *rule, const Range *in) { /* ctlz, ctpop */
    (void)in;
    return fit(rule, 0, rule->bits);
}

/* ---- choices and casts ----------------------------------------------------------------------- */

static Range rule_min(const Rule *rule, const Range *in) {
    (void)rule;
    return (Range){least(in[0].lo, in[1].lo), least(in[0].hi, in[1].hi)};
}

static Range rule_max(const Rule *rule, const Range *in) {
    (void)rule;
    return (Range){greatest(in[0].lo, in[1].lo), greatest(in[0].hi, in[1].hi)};
}

/* One of the two; unsigned order is signed order where neither is negative. */
static Range rule_min_unsigned(const Rule *rule, const Range *in) {
    bool is_signed = is_nonnegative(in[0]) && is_nonnegative(in[1]);
    return is_signed ? rule_min(rule, in) : range_hull(in[0], in[1]);
}

static Range rule_max_unsigned(const Rule *rule, const Range *in) {
    bool is_signed = is_nonnegative(in[0]) && is_nonnegative(in[1]);
    return is_signed ? rule_max(rule, in) : range_hull(in[0], in[1]);
}

static Range rule_select(const Rule *rule, const Range *in) {
    (void)rule;
    return range_hull(in[1], in[2]);
}

static Range rule_extsi(const Rule *rule, const Range *in) {
    bool from_bit = ir_bits(ir_operand(rule->op, 0)->type) == 1; /* true is -1 */
    return from_bit ? (Range){-in[0].hi, -in[0].lo} : in[0];
}

static Range rule_extui(const Rule *rule, const Range *in) {
    if (is_nonnegative(in[0]))
        return in[0];
    return fit(rule, 0, (int64_t)ir_bit_mask(ir_bits(ir_operand(rule->op, 0)->type)));
}

static Range rule_trunc(const Rule *rule, const Range *in) {
    return fit(rule, in[0].lo, in[0].hi);
}

/* ---- making and arranging -------------------------------------------------------------------- */

static Range rule_const(const Rule *rule, const Range *in) {
    (void)in;
    uint64_t bits = ir_attr(rule->op, ATTR_VALUE)->u.bits;
    int64_t value = rule->bits == 1 ? (int64_t)(bits & 1) : ir_sign_extend(bits, rule->bits);
    return (Range){value, value};
}

static Range rule_arange(const Rule *rule, const Range *in) {
    (void)in;
    return fit(rule, ir_attr_int(rule->op, ATTR_START), ir_attr_int(rule->op, ATTR_END) - 1);
}

static Range rule_program_id(const Rule *rule, const Range *in) {
    (void)rule, (void)in;
    return (Range){0, MAX_GRID - 1};
}

static Range rule_num_programs(const Rule *rule, const Range *in) {
    (void)rule, (void)in;
    return (Range){1, MAX_GRID};
}

static Range rule_same(const Rule *rule, const Range *in) { /* the first operand's elements */
    (void)rule;
    return in[0];
}

static Range rule_both(const Rule *rule, const Range *in) { /* both operands' elements */
    (void)rule;
    return range_hull(in[0], in[1]);
}

static Range rule_histogram(const Rule *rule, const Range *in) {
    (void)in;
    return fit(rule, 0, ir_numel(ir_operand(rule->op, 0)->type));
}

static bool is_arithmetic(const IrOp *op) {
    bool is_logic =
        op->code == OP_AndI || op->code == OP_OrI || op->code == OP_XorI || op->code == OP_Select;
    return (ir_info(op)->traits & IR_ELT) && !is_logic;
}

Range range_rule(const IrOp *op, const Range *in) {
    typedef Range (*RuleFunction)(const Rule *rule, const Range *in);
    static const RuleFunction rules[OP_COUNT] = {
        [OP_AddI] = rule_add,
        [OP_SubI] = rule_sub,
        [OP_MulI] = rule_mul,
        [OP_DivSI] = rule_divsi,
        [OP_DivUI] = rule_divui,
        [OP_RemSI] = rule_remsi,
        [OP_RemUI] = rule_remui,
        [OP_AbsI] = rule_abs,
        [OP_AndI] = rule_and,
        [OP_OrI] = rule_or,
        [OP_XorI] = rule_or,
        [OP_ShlI] = rule_shl,
        [OP_ShrSI] = rule_shrsi,
        [OP_ShrUI] = rule_shrui,
        [OP_CountLeadingZeros] = rule_count,
        [OP_PopCount] = rule_count,
        [OP_MinSI] = rule_min,
        [OP_MaxSI] = rule_max,
        [OP_MinUI] = rule_min_unsigned,
        [OP_MaxUI] = rule_max_unsigned,
        [OP_Select] = rule_select,
        [OP_ExtSI] = rule_extsi,
        [OP_ExtUI] = rule_extui,
        [OP_TruncI] = rule_trunc,
        [OP_Const] = rule_const,
        [OP_Arange] = rule_arange,
        [OP_ProgramId] = rule_program_id,
        [OP_NumPrograms] = rule_num_programs,
        [OP_Splat] = rule_same,
        [OP_Unsplat] = rule_same,
        [OP_Broadcast] = rule_same,
        [OP_ExpandDims] = rule_same,
        [OP_Reshape] = rule_same,
        [OP_Permute] = rule_same,
        [OP_Split] = rule_same,
        [OP_ConvertLayout] = rule_same,
        [OP_Gather] = rule_same,
        [OP_Join] = rule_both,
        [OP_Cat] = rule_both,
        [OP_Histogram] = rule_histogram,
    };
    const IrType *type = op->results[0].type;
    Rule rule = {.op = op, .all = range_of_type(type), .bits = ir_bits(type)};
    if (rule.bits == 1 && is_arithmetic(op)) /* true is -1 there */
        return rule.all;
    return rules[op->code] ? rules[op->code](&rule, in) : rule.all;
}
