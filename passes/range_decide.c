/* range_decide.c -- which comparisons hold where they stand.
 *
 * Everything comes down to one question: how large can a - b be? Ranges answer it for any two
 * values; for two scalars so do the conditions under which the comparison is executed at all:
 *
 *     the index of a loop around it      from <= i, i < to
 *     the condition of an `if` around it, or its opposite
 *     what the program assumes in a block around it
 *
 * A bound from these is rounded down to what divides both a and b: i < n, both multiples of 64,
 * means i - n <= -64. Two shapes of loop need a step of arithmetic: a bound n - c, and a bound
 * (n + c) / B for an index that is multiplied by B (`for k in range(cdiv(n, B)): ... k * B`).
 *
 * A tile is compared as scalar + offset: x = i + [0, 63] against n. Sums wrap; but if 0 <= offset
 * and i + offset < n holds for whole numbers, then i + offset lies between i and n, and has not
 * wrapped. The same goes for n - offset on the right.
 */
#include "ir/number.h"
#include "passes/range_rules.h"
#include "passes/rewrite.h"

enum { MAX_DEPTH = 16, MAX_TERMS = 8 };
#define MAX_TERM (INT64_C(1) << 31)

/* ---- scalars and offsets --------------------------------------------------------------------- */

const IrValue *range_uniform(const IrValue *value) {
    while (ir_is_tile(value->type)) {
        const IrOp *def = value->def;
        if (!def)
            return NULL;
        switch ((int)def->code) {
        case OP_Splat:
        case OP_Broadcast:
        case OP_ExpandDims:
        case OP_Reshape:
        case OP_Permute:
            value = ir_operand(def, 0);
            break;
        default:
            return NULL;
        }
    }
    return value;
}

/* Through what rearranges elements but does not change them. */
static const IrValue *elements(const IrValue *value) {
    while (value->def && ir_is_tile(value->type)) {
        int code = (int)value->def->code;
        if (code != OP_Broadcast && code != OP_ExpandDims && code != OP_Reshape &&
            code != OP_Permute)
            break;
        value = ir_operand(value->def, 0);
    }
    return value;
}

const IrValue *range_split(const RangeAnalysis *ranges, const IrValue *value, Range *offset) {
    *offset = (Range){0, 0};
    const IrValue *scalar = range_uniform(value);
    if (scalar)
        return scalar;
    const IrValue *sum = elements(value);
    if (sum->def && sum->def->code == OP_AddI) {
        for (unsigned i = 0; i < 2; i++) {
            scalar = range_uniform(ir_operand(sum->def, i));
            if (scalar) {
                *offset = range_of(ranges, ir_operand(sum->def, 1 - i));
                return scalar;
            }
        }
    }
    *offset = range_of(ranges, value);
    return NULL;
}

/* ---- what conditions say --------------------------------------------------------------------- */

/* The question: the least bound found so far of a - b, both scalars of one type. */
typedef struct Query {
    const RangeAnalysis *ranges;
    const IrValue *a, *b;
    bool found;
    int64_t bound;
} Query;

static void found(Query *q, int64_t bound) {
    if (!q->found || bound < q->bound)
        q->bound = bound;
    q->found = true;
}

/* value = base + c, spelled as a sum or difference with a constant that is not too large. */
static bool is_sum(const IrValue *value, const IrValue **base, int64_t *c) {
    const IrOp *op = value->def;
    uint64_t bits;
    if (!op || (op->code != OP_AddI && op->code != OP_SubI) ||
        !rewrite_constant(ir_operand(op, 1), &bits))
        return false;
    *base = ir_operand(op, 0);
    *c = ir_sign_extend(bits, ir_bits(value->type));
    if (*c < -MAX_TERM || *c > MAX_TERM)
        return false;
    *c = op->code == OP_SubI ? -*c : *c;
    return true;
}

/* The constant of `value` = other + constant, if no sum on the way can wrap. */
static bool is_offset_of(const Query *q, const IrValue *value, const IrValue *other,
                         int64_t *constant) {
    Range all = range_of_type(value->type);
    const IrValue *base;
    int64_t c;
    *constant = 0;
    for (unsigned terms = 0; terms < MAX_TERMS && value != other; terms++) {
        if (!is_sum(value, &base, &c))
            return false;
        Range range = range_of(q->ranges, base);
        if (c >= 0 ? range.hi > all.hi - c : range.lo < all.lo - c)
            return false;
        *constant += c;
        value = base;
    }
    return value == other;
}

/* The sum may be spelled with several constants: cdiv(n, B) is (n + B - 1) / B. */
bool range_quotient(const IrValue *value, const IrValue **n, int64_t *c, int64_t *divisor) {
    const IrOp *div = value->def;
    uint64_t bits;
    if (!div || div->code != OP_DivSI || !rewrite_constant(ir_operand(div, 1), &bits))
        return false;
    *divisor = ir_sign_extend(bits, ir_bits(value->type));
    *c = 0;
    *n = ir_operand(div, 0);
    int64_t term;
    for (unsigned terms = 0; terms < MAX_TERMS && is_sum(*n, n, &term); terms++)
        *c += term;
    return *divisor > 0;
}

/* i < (b + c) / B with i >= 0 makes i * B <= b + c - B: of sums n + c that wrap none is positive
 * (0 <= c), and i * B <= b has not wrapped (c <= B). */
static void use_quotient(Query *q, const IrValue *index, const IrValue *quotient) {
    const IrOp *product = q->a->def;
    const IrValue *n;
    uint64_t factor;
    int64_t c, divisor;
    if (!product || product->code != OP_MulI || ir_operand(product, 0) != index ||
        !rewrite_constant(ir_operand(product, 1), &factor) ||
        !range_quotient(quotient, &n, &c, &divisor))
        return;
    if (n == q->b && factor == (uint64_t)divisor && c >= 0 && c <= divisor &&
        range_of(q->ranges, index).lo >= 0)
        found(q, c - divisor);
}

/* l - r <= bound is a fact. */
static void use_difference(Query *q, const IrValue *l, const IrValue *r, int64_t bound,
                           unsigned depth) {
    int64_t left, right;
    if (depth > MAX_DEPTH || l->type != q->a->type)
        return;
    if (is_offset_of(q, l, q->a, &left) && is_offset_of(q, r, q->b, &right))
        found(q, bound - left + right); /* (a + left) - (b + right) <= bound */
    if (bound < 0)
        use_quotient(q, l, r);
    if (r->def && r->def->code == OP_MinSI) { /* at most either */
        use_difference(q, l, ir_operand(r->def, 0), bound, depth + 1);
        use_difference(q, l, ir_operand(r->def, 1), bound, depth + 1);
    }
}

static void use_comparison(Query *q, const IrOp *cmp, bool holds) {
    const IrValue *a = ir_operand(cmp, 0), *b = ir_operand(cmp, 1);
    if (ir_is_tile(a->type) || ir_bits(a->type) < 8)
        return;
    int pred = (int)ir_attr_int(cmp, ATTR_INT_PRED);
    bool is_unsigned = pred >= IPRED_ULT;
    if (is_unsigned && (range_of(q->ranges, a).lo < 0 || range_of(q->ranges, b).lo < 0))
        return;
    switch (pred) {
    case IPRED_EQ:
    case IPRED_NE:
        if ((pred == IPRED_EQ) == holds) {
            use_difference(q, a, b, 0, 0);
            use_difference(q, b, a, 0, 0);
        }
        return;
    case IPRED_SLT:
    case IPRED_ULT:
        use_difference(q, holds ? a : b, holds ? b : a, holds ? -1 : 0, 0);
        return;
    case IPRED_SLE:
    case IPRED_ULE:
        use_difference(q, holds ? a : b, holds ? b : a, holds ? 0 : -1, 0);
        return;
    case IPRED_SGT:
    case IPRED_UGT:
        use_difference(q, holds ? b : a, holds ? a : b, holds ? -1 : 0, 0);
        return;
    default: /* sge, uge */
        use_difference(q, holds ? b : a, holds ? a : b, holds ? 0 : -1, 0);
    }
}

static void use_condition(Query *q, const IrValue *condition, bool holds, unsigned depth) {
    const IrOp *op = condition->def;
    uint64_t bits;
    if (!op || depth > MAX_DEPTH)
        return;
    if (op->code == OP_CmpI)
        use_comparison(q, op, holds);
    else if (op->code == OP_XorI && rewrite_constant(ir_operand(op, 1), &bits) && (bits & 1))
        use_condition(q, ir_operand(op, 0), !holds, depth + 1);
    else if ((op->code == OP_AndI && holds) || (op->code == OP_OrI && !holds)) {
        use_condition(q, ir_operand(op, 0), holds, depth + 1);
        use_condition(q, ir_operand(op, 1), holds, depth + 1);
    }
}

static void use_loop(Query *q, const IrOp *loop) {
    const IrValue *index = loop->regions[0]->args[0];
    const IrValue *from = ir_operand(loop, 0), *to = ir_operand(loop, 1);
    bool is_signed = !ir_attr_int(loop, ATTR_UNSIGNED) ||
                     (range_of(q->ranges, from).lo >= 0 && range_of(q->ranges, to).lo >= 0);
    if (!is_signed)
        return;
    use_difference(q, index, to, -1, 0);
    use_difference(q, from, index, 0, 0);
}

/* Everything that must hold for `block` to be executed. A block runs as a whole: what it assumes
 * anywhere holds everywhere in it. */
static void use_surroundings(Query *q, const IrBlock *block) {
    for (; block; block = block->parent ? block->parent->block : NULL) {
        for (size_t i = 0; i < q->ranges->assumes.len; i++) {
            const IrOp *op = q->ranges->assumes.data[i];
            if (op->block == block)
                use_condition(q, ir_operand(op, 0), true, 0);
        }
        const IrOp *parent = block->parent;
        if (parent && parent->code == OP_For)
            use_loop(q, parent);
        if (parent && parent->code == OP_If)
            use_condition(q, ir_operand(parent, 0), block == parent->regions[0], 0);
    }
}

/* ---- deciding -------------------------------------------------------------------------------- */

/* a - b, as far as 64 bits go. */
static int64_t difference(int64_t a, int64_t b) {
    if (b < 0 && a > INT64_MAX + b)
        return INT64_MAX;
    if (b > 0 && a < INT64_MIN + b)
        return INT64_MIN;
    return a - b;
}

static int64_t round_down(int64_t x, int64_t multiple) {
    int64_t rest = x % multiple;
    return rest < 0 ? x - rest - multiple : x - rest;
}

/* The most that the scalar a - b can be at `block`, in whole numbers. */
static int64_t most_scalar(const RangeAnalysis *ranges, const IrBlock *block, const IrValue *a,
                           const IrValue *b) {
    if (a == b)
        return 0;
    Query q = {.ranges = ranges, .a = a, .b = b};
    found(&q, difference(range_of(ranges, a).hi, range_of(ranges, b).lo));
    use_surroundings(&q, block);
    int64_t both = axis_info(ranges->axis, a)->divisibility[0];
    if (axis_info(ranges->axis, b)->divisibility[0] < both)
        both = axis_info(ranges->axis, b)->divisibility[0];
    return q.bound > -(INT64_C(1) << 40) ? round_down(q.bound, both) : q.bound;
}

/* The least that a scalar can be; of a difference of two (not wrapping) that needs conditions. */
static int64_t least_scalar(const RangeAnalysis *ranges, const IrBlock *block,
                            const IrValue *value) {
    int64_t least = range_of(ranges, value).lo;
    const IrOp *op = value->def;
    if (!op || op->code != OP_SubI || range_of(ranges, ir_operand(op, 1)).lo < 0)
        return least;
    int64_t most = most_scalar(ranges, block, ir_operand(op, 1), ir_operand(op, 0));
    if (most <= 0 && -most > least) /* then a - b >= 0, and at most a */
        least = -most;
    return least;
}

/* The most that x - y can be for any two elements; INT64_MAX if that cannot be said. */
static int64_t most(const RangeAnalysis *ranges, const IrBlock *block, const IrValue *x,
                    const IrValue *y) {
    int64_t bound = difference(range_of(ranges, x).hi, range_of(ranges, y).lo);
    Range above, below;
    const IrValue *a = range_split(ranges, x, &above), *b = range_split(ranges, y, &below);
    if (!a && b && below.lo == 0 && below.hi == 0) {
        int64_t other = difference(above.hi, least_scalar(ranges, block, b));
        return other < bound ? other : bound;
    }
    if (!a || !b || above.lo < 0 || below.hi > 0)
        return bound;
    int64_t other = difference(most_scalar(ranges, block, a, b), difference(below.lo, above.hi));
    return other < bound ? other : bound;
}

bool range_decide(const RangeAnalysis *ranges, const IrOp *cmp, const IrBlock *block, bool *value) {
    const IrValue *x = ir_operand(cmp, 0), *y = ir_operand(cmp, 1);
    int pred = (int)ir_attr_int(cmp, ATTR_INT_PRED);
    if (ir_bits(x->type) == 1)
        return false;
    bool is_unsigned = pred >= IPRED_ULT;
    if (is_unsigned && (range_of(ranges, x).lo < 0 || range_of(ranges, y).lo < 0))
        return false;
    bool swapped = pred == IPRED_SGT || pred == IPRED_SGE || pred == IPRED_UGT || pred == IPRED_UGE;
    bool strict = pred == IPRED_SLT || pred == IPRED_SGT || pred == IPRED_ULT || pred == IPRED_UGT;
    const IrValue *less = swapped ? y : x, *more = swapped ? x : y;
    int64_t up = most(ranges, block, less, more), down = most(ranges, block, more, less);
    if (pred == IPRED_EQ || pred == IPRED_NE) {
        *value = pred == IPRED_NE;
        return up < 0 || down < 0;
    }
    *value = strict ? up < 0 : up <= 0;
    return *value || (strict ? down <= 0 : down < 0);
}
