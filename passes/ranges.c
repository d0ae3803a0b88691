/* ranges.c -- integer ranges: the walk over a kernel, loops and promises; see ranges.h.
 *
 * Interval analysis over structured SSA (Cousot & Cousot, "Static determination of dynamic
 * properties of programs", 1976): one pass in order with the rules of range_rules.c; values that
 * meet take the hull of their intervals. A loop's index lies between its bounds; a value carried
 * around a loop starts at its initial interval and grows with what the body yields; a side that
 * still grows after MAX_ROUNDS rounds is opened to the end of the type, so that it ends soon.
 * `assume (n < 100)` on the kernel's outermost level narrows n everywhere. Example:
 *
 *     for %i = 0 to 100 step 10      %i: 0 .. 99
 *     %offs = %i + arange(0, 8)      %offs: 0 .. 106
 */
#include "passes/ranges.h"

#include <inttypes.h>

#include "ir/names.h"
#include "ir/number.h"
#include "passes/range_rules.h"
#include "passes/rewrite.h"

enum { MAX_ROUNDS = 2, MAX_DEPTH = 16 };

typedef struct Walk {
    Arena *arena;
    RangeAnalysis *analysis;
    Range **promised; /* by value id; NULL: nothing */
} Walk;

Range range_of_type(const IrType *type) {
    if (!ir_is_int(type))
        return (Range){INT64_MIN, INT64_MAX};
    unsigned bits = ir_bits(type);
    if (bits == 1)
        return (Range){0, 1};
    int64_t top = (int64_t)ir_bit_mask(bits - 1);
    return (Range){-top - 1, top};
}

Range range_of(const RangeAnalysis *ranges, const IrValue *value) {
    const Range *known = value->id < ranges->num_values ? ranges->known[value->id] : NULL;
    return known ? *known : range_of_type(value->type);
}

Range range_hull(Range a, Range b) {
    return (Range){a.lo < b.lo ? a.lo : b.lo, a.hi > b.hi ? a.hi : b.hi};
}

/* What both say; `a` if they have nothing in common (code that never runs). */
static Range overlap(Range a, Range b) {
    Range both = {a.lo > b.lo ? a.lo : b.lo, a.hi < b.hi ? a.hi : b.hi};
    return both.lo <= both.hi ? both : a;
}

/* True if that is news. */
static bool set_range(Walk *w, const IrValue *value, Range range) {
    const Range *promise = w->promised[value->id];
    if (promise)
        range = overlap(range, *promise);
    Range old = range_of(w->analysis, value);
    Range **slot = &w->analysis->known[value->id];
    if (*slot && old.lo == range.lo && old.hi == range.hi)
        return false;
    if (!*slot)
        *slot = ARENA_NEW(w->arena, Range);
    **slot = range;
    return true;
}

/* ---- promises -------------------------------------------------------------------------------- */

static void promise(Walk *w, const IrValue *value, Range range) {
    Range **slot = &w->promised[value->id];
    if (!*slot) {
        *slot = ARENA_NEW(w->arena, Range);
        **slot = range_of_type(value->type);
    }
    **slot = overlap(**slot, range);
}

/* value PRED constant, constants being on the right after fold. */
static void note_comparison(Walk *w, const IrOp *cmp) {
    const IrValue *a = ir_operand(cmp, 0), *b = ir_operand(cmp, 1);
    uint64_t bits;
    if (ir_is_tile(a->type) || !rewrite_constant(b, &bits))
        return;
    Range range = range_of_type(a->type);
    int64_t c = ir_sign_extend(bits, ir_bits(a->type));
    switch ((int)ir_attr_int(cmp, ATTR_INT_PRED)) {
    case IPRED_EQ:
        range = (Range){c, c};
        break;
    case IPRED_SLT:
        range.hi = c > range.lo ? c - 1 : range.hi;
        break;
    case IPRED_SLE:
        range.hi = c;
        break;
    case IPRED_SGT:
        range.lo = c < range.hi ? c + 1 : range.lo;
        break;
    case IPRED_SGE:
        range.lo = c;
        break;
    default:
        return;
    }
    promise(w, a, range);
}

static void note_condition(Walk *w, const IrValue *condition, unsigned depth) {
    const IrOp *op = condition->def;
    if (!op || depth > MAX_DEPTH)
        return;
    if (op->code == OP_CmpI)
        note_comparison(w, op);
    for (unsigned i = 0; op->code == OP_AndI && i < 2; i++)
        note_condition(w, ir_operand(op, i), depth + 1);
}

/* ---- the walk -------------------------------------------------------------------------------- */

static void walk_block(Walk *w, const IrBlock *block);

static Range get(const Walk *w, const IrValue *value) {
    return range_of(w->analysis, value);
}

static const IrValue *yielded(const IrBlock *block, unsigned i) {
    return ir_operand(block->last, i);
}

/* Lets `arg` take in what the next trip begins with; true if it grew. */
static bool grow(Walk *w, const IrValue *arg, Range next, unsigned round) {
    Range old = get(w, arg), hull = range_hull(old, next), all = range_of_type(arg->type);
    if (round >= MAX_ROUNDS && hull.lo < old.lo)
        hull.lo = all.lo;
    if (round >= MAX_ROUNDS && hull.hi > old.hi)
        hull.hi = all.hi;
    return set_range(w, arg, hull);
}

/* The body runs only while from <= index < to, for from, from + step, from + 2 step ... */
static Range index_range(const Walk *w, const IrOp *op) {
    Range from = get(w, ir_operand(op, 0)), to = get(w, ir_operand(op, 1));
    Range all = range_of_type(ir_operand(op, 0)->type);
    if (ir_attr_int(op, ATTR_UNSIGNED) && (from.lo < 0 || to.lo < 0))
        return all;
    Range step = get(w, ir_operand(op, 2));
    int64_t last = to.hi > all.lo ? to.hi - 1 : to.hi;
    if (last <= from.lo)
        return (Range){from.lo, from.lo};
    int64_t stride = axis_info(w->analysis->axis, op->regions[0]->args[0])->divisibility[0];
    if (from.lo >= 0 && from.lo == from.hi && step.lo == step.hi && step.lo > 0)
        last -= (last - from.lo) % step.lo;
    else if (last >= 0)
        last -= last % stride;
    return (Range){from.lo, last > from.lo ? last : from.lo};
}

static void walk_for(Walk *w, const IrOp *op) {
    const IrBlock *body = op->regions[0];
    set_range(w, body->args[0], index_range(w, op));
    for (unsigned i = 0; i < op->num_results; i++)
        set_range(w, body->args[i + 1], get(w, ir_operand(op, i + 3)));
    bool grew = true;
    for (unsigned round = 0; grew; round++) {
        walk_block(w, body);
        grew = false;
        for (unsigned i = 0; i < op->num_results; i++)
            grew |= grow(w, body->args[i + 1], get(w, yielded(body, i)), round);
    }
    for (unsigned i = 0; i < op->num_results; i++)
        set_range(w, &op->results[i], get(w, body->args[i + 1]));
}

static void walk_while(Walk *w, const IrOp *op) {
    const IrBlock *before = op->regions[0], *after = op->regions[1];
    for (unsigned i = 0; i < before->num_args; i++)
        set_range(w, before->args[i], get(w, ir_operand(op, i)));
    bool grew = true;
    for (unsigned round = 0; grew; round++) {
        walk_block(w, before);
        for (unsigned i = 0; i < after->num_args; i++)
            set_range(w, after->args[i], get(w, yielded(before, i + 1)));
        walk_block(w, after);
        grew = false;
        for (unsigned i = 0; i < before->num_args; i++)
            grew |= grow(w, before->args[i], get(w, yielded(after, i)), round);
    }
    for (unsigned i = 0; i < op->num_results; i++)
        set_range(w, &op->results[i], get(w, yielded(before, i + 1)));
}

static void walk_if(Walk *w, const IrOp *op) {
    walk_block(w, op->regions[0]);
    walk_block(w, op->regions[1]);
    for (unsigned i = 0; i < op->num_results; i++)
        set_range(
            w, &op->results[i],
            range_hull(get(w, yielded(op->regions[0], i)), get(w, yielded(op->regions[1], i))));
}

static void walk_op(Walk *w, const IrOp *op) {
    Range in[RANGE_MAX_OPERANDS];
    for (unsigned i = 0; i < op->num_operands && i < RANGE_MAX_OPERANDS; i++)
        in[i] = get(w, ir_operand(op, i));
    for (unsigned i = 0; i < op->num_results; i++) {
        const IrType *type = op->results[i].type;
        bool known =
            ir_is_int(type) && op->num_regions == 0 && op->num_operands <= RANGE_MAX_OPERANDS;
        if (known)
            set_range(w, &op->results[i], range_rule(op, in));
    }
}

static void walk_block(Walk *w, const IrBlock *block) {
    for (const IrOp *op = block->first; op; op = op->next) {
        switch ((int)op->code) {
        case OP_For:
            walk_for(w, op);
            break;
        case OP_While:
            walk_while(w, op);
            break;
        case OP_If:
            walk_if(w, op);
            break;
        default:
            walk_op(w, op);
        }
    }
}

static bool collect_assume(IrOp *op, void *data) {
    Walk *w = data;
    if (op->code != OP_Assume)
        return true;
    vec_push(w->arena, &w->analysis->assumes, op);
    if (op->block->parent == NULL)
        note_condition(w, ir_operand(op, 0), 0);
    return true;
}

const RangeAnalysis *range_analyse(Arena *arena, const IrKernel *kernel, const AxisAnalysis *axis) {
    RangeAnalysis *analysis = ARENA_NEW(arena, RangeAnalysis);
    *analysis = (RangeAnalysis){.axis = axis, .kernel = kernel, .num_values = kernel->num_values};
    analysis->known = ARENA_ARRAY(arena, Range *, kernel->num_values);
    Walk w = {.arena = arena, .analysis = analysis};
    w.promised = ARENA_ARRAY(arena, Range *, kernel->num_values);
    ir_walk(kernel->body, collect_assume, &w);
    for (size_t i = 0; i < kernel->params.len; i++) {
        const IrValue *value = kernel->params.data[i].value;
        set_range(&w, value, range_of_type(value->type));
    }
    walk_block(&w, kernel->body);
    return analysis;
}

/* ---- text ------------------------------------------------------------------------------------ */

typedef struct Printing {
    const RangeAnalysis *ranges;
    const char **names;
    StrBuf *out;
} Printing;

static void print_value(const Printing *p, const IrValue *value) {
    Range range = range_of(p->ranges, value), all = range_of_type(value->type);
    if (range.lo != all.lo || range.hi != all.hi)
        strbuf_printf(p->out, "%%%s: %" PRId64 " .. %" PRId64 "\n", p->names[value->id], range.lo,
                      range.hi);
}

static bool print_op(IrOp *op, void *data) {
    for (unsigned i = 0; i < op->num_results; i++)
        print_value(data, &op->results[i]);
    for (unsigned r = 0; r < op->num_regions; r++) {
        for (unsigned i = 0; i < op->regions[r]->num_args; i++)
            print_value(data, op->regions[r]->args[i]);
    }
    return true;
}

void range_print(const RangeAnalysis *ranges, const IrKernel *kernel, StrBuf *out) {
    Printing p = {ranges, ir_name_values(kernel, kernel->module->arena), out};
    for (size_t i = 0; i < kernel->params.len; i++)
        print_value(&p, kernel->params.data[i].value);
    ir_walk(kernel->body, print_op, &p);
}
