/* mask_split.c -- split a loop so that only its last trip is masked.
 *
 * In:     verified tile IR
 * Out:    an innermost loop over blocks whose masks only the last block needs is two loops: one
 *         over the whole blocks, in which these masks are true, and the old one, which begins
 *         where the first ends
 * Keeps:  every number and every fault, the order of the trips, the index of each
 * Cost:   O(operations); the code of such a loop doubles
 * Why:    all but one trip need no compare, no predicate, and keep full vectors
 * Before:
 *     %c0 = const 0 : i32
 *     %c8 = const 8 : i32
 *     %lane = arange 0, 8 : tile<8xi32>
 *     %limit = splat %y : tile<8xi32>
 *     %ptrs = splat %p : tile<8xptr<i32>>
 *     for %i = %c0 to %y step %c8 {
 *         %start = splat %i : tile<8xi32>
 *         %offs = addi %start, %lane : tile<8xi32>
 *         %mask = cmpi slt, %offs, %limit : tile<8xi1>
 *         store %ptrs, %offs, %mask
 *         yield
 *     }
 *     return
 * After:
 *     %c0 = const 0 : i32
 *     %c8 = const 8 : i32
 *     %lane = arange 0, 8 : tile<8xi32>
 *     %limit = splat %y : tile<8xi32>
 *     %ptrs = splat %p : tile<8xptr<i32>>
 *     %0 = divsi %y, %c8 : i32
 *     %1 = muli %0, %c8 : i32
 *     for %i = %c0 to %1 step %c8 {
 *         %start = splat %i : tile<8xi32>
 *         %offs = addi %start, %lane : tile<8xi32>
 *         %true = const true : tile<8xi1>
 *         store %ptrs, %offs, %true
 *         yield
 *     }
 *     for %i.1 = %1 to %y step %c8 {
 *         %start.1 = splat %i.1 : tile<8xi32>
 *         %offs.1 = addi %start.1, %lane : tile<8xi32>
 *         %mask = cmpi slt, %offs.1, %limit : tile<8xi1>
 *         store %ptrs, %offs.1, %mask
 *         yield
 *     }
 *     return
 * Not:    loops around loops; loops with a dot, whose copies are made in the background with masks
 *         for nothing; masks by something else than the loop's end; blocks longer than the step;
 *         a loop that is such a last trip                   (tests/passes/mask-split/not.tkir)
 *
 * Algorithm: two forms of loop. `for i in range(a, n, B)` with i + [0, B) < n: whole blocks are
 * those below a + (n - a) / B * B. `for k in range(cdiv(n, B))` with k * B + [0, B) < n, or with
 * [0, B) < n - k * B: those below n / B. The middle is computed so that no sum wraps: n is raised
 * to a first, and n / B is cut to the trips that there are. (Loop splitting; index set splitting in
 * Allen and Kennedy, Optimizing Compilers for Modern Architectures, 5.6.)
 */
#include "ir/number.h"
#include "passes/pass.h"
#include "passes/ranges.h"
#include "passes/rewrite.h"

enum { MAX_BODY = 200, MAX_MASK_DEPTH = 8, MAX_MASKS = 16 };

typedef struct Split {
    const RangeAnalysis *ranges;
    IrOp *loop;
    int64_t step;
    /* the second form: trips = (n + c) / block */
    bool by_number;
    const IrValue *n;
    int64_t block;
    IrOp *masks[MAX_MASKS]; /* comparisons that are true in whole blocks */
    unsigned num_masks, num_ops;
    bool unsuitable;
} Split;

/* ---- which comparisons ----------------------------------------------------------------------- */

/* Whether `value` ends up as the mask of an access, alone or with others. */
static bool is_mask(const IrValue *value, unsigned depth) {
    for (const IrUse *use = value->uses; use && depth < MAX_MASK_DEPTH; use = use->next) {
        const IrOp *user = use->user;
        switch ((int)user->code) {
        case OP_Load:
            if (use->index == 1)
                return true;
            break;
        case OP_Store:
        case OP_AtomicRmw:
            if (use->index == 2)
                return true;
            break;
        case OP_AndI:
        case OP_Broadcast:
        case OP_ExpandDims:
        case OP_Splat:
            if (is_mask(&user->results[0], depth + 1))
                return true;
            break;
        default:
            break;
        }
    }
    return false;
}

static bool is_index(const Split *s, const IrValue *value) {
    return value == s->loop->regions[0]->args[0];
}

/* index * block */
static bool is_position(const Split *s, const IrValue *value) {
    uint64_t factor;
    const IrOp *op = value->def;
    return op && op->code == OP_MulI && is_index(s, ir_operand(op, 0)) &&
           rewrite_constant(ir_operand(op, 1), &factor) && factor == (uint64_t)s->block;
}

/* The same number: one value, or equal constants. */
static bool is_same(const IrValue *value, const IrValue *scalar) {
    uint64_t a, b;
    if (range_uniform(value) == scalar)
        return true;
    return rewrite_constant(value, &a) && rewrite_constant(scalar, &b) && a == b;
}

/* less < more (or <=, if not strict) in every element of a whole block. */
static bool holds_in_blocks(const Split *s, const IrValue *less, const IrValue *more, bool strict) {
    Range offset;
    const IrValue *start = range_split(s->ranges, less, &offset);
    int64_t most = (s->by_number ? s->block : s->step) - (strict ? 1 : 0);
    if (offset.hi > most)
        return false;
    if (!s->by_number)
        return start && is_index(s, start) && offset.lo >= 0 &&
               is_same(more, ir_operand(s->loop, 1));
    if (start && is_position(s, start))
        return offset.lo >= 0 && is_same(more, s->n);
    const IrValue *left = range_uniform(more);
    return !start && left && left->def && left->def->code == OP_SubI &&
           ir_operand(left->def, 0) == s->n && is_position(s, ir_operand(left->def, 1));
}

static bool collect(IrOp *op, void *data) {
    Split *s = data;
    s->num_ops++;
    s->unsuitable |= op->code == OP_For || op->code == OP_While || op->code == OP_Dot;
    if (op->code != OP_CmpI || s->num_masks == MAX_MASKS || !is_mask(&op->results[0], 0))
        return !s->unsuitable;
    int pred = (int)ir_attr_int(op, ATTR_INT_PRED);
    bool swapped = pred == IPRED_SGT || pred == IPRED_SGE;
    bool ordered = swapped || pred == IPRED_SLT || pred == IPRED_SLE;
    bool strict = pred == IPRED_SLT || pred == IPRED_SGT;
    const IrValue *less = ir_operand(op, swapped), *more = ir_operand(op, !swapped);
    if (ordered && holds_in_blocks(s, less, more, strict))
        s->masks[s->num_masks++] = op;
    return true;
}

/* ---- which loops ----------------------------------------------------------------------------- */

/* A loop that begins where the one before it ends. */
static bool is_last_trip(const IrOp *loop) {
    for (const IrUse *use = ir_operand(loop, 0)->uses; use; use = use->next) {
        if (use->user->code == OP_For && use->index == 1 && use->user->block == loop->block)
            return true;
    }
    return false;
}

static bool can_split(Split *s) {
    const IrOp *loop = s->loop;
    uint64_t step;
    int64_t c;
    if (ir_attr_int(loop, ATTR_UNSIGNED) || ir_attr_int(loop, ATTR_FLATTEN) ||
        ir_attr_int(loop, ATTR_WARP_SPECIALIZE) || !rewrite_constant(ir_operand(loop, 2), &step) ||
        range_of(s->ranges, ir_operand(loop, 0)).lo < 0 || is_last_trip(loop))
        return false;
    s->step = ir_sign_extend(step, ir_bits(ir_operand(loop, 2)->type));
    s->by_number = s->step == 1 && range_quotient(ir_operand(loop, 1), &s->n, &c, &s->block) &&
                   c >= 0 && c <= s->block;
    if (s->step <= 0)
        return false;
    ir_walk(loop->regions[0], collect, s);
    return !s->unsuitable && s->num_masks > 0 && s->num_ops <= MAX_BODY;
}

/* ---- splitting ------------------------------------------------------------------------------- */

/* The end of the whole blocks, between the loop's start and its end if that is behind the start. */
static IrValue *build_middle(const Split *s) {
    IrBuilder b = rewrite_before(s->loop);
    IrValue *from = ir_operand(s->loop, 0), *to = ir_operand(s->loop, 1);
    const IrType *type = from->type;
    uint64_t start;
    bool from_zero = rewrite_constant(from, &start) && start == 0;
    if (s->by_number) {
        IrValue *n = ir_operand(to->def, 0); /* n, or a sum of it and constants */
        while (n != s->n)
            n = ir_operand(n->def, 0);
        IrValue *whole = ir_binary(&b, OP_DivSI, n, ir_const_int(&b, type, s->block));
        return ir_binary(&b, OP_MaxSI, ir_binary(&b, OP_MinSI, whole, to), from);
    }
    IrValue *step = ir_operand(s->loop, 2), *length = to;
    if (!from_zero)
        length = ir_binary(&b, OP_SubI, ir_binary(&b, OP_MaxSI, to, from), from);
    IrValue *whole = ir_binary(&b, OP_MulI, ir_binary(&b, OP_DivSI, length, step), step);
    return from_zero ? whole : ir_binary(&b, OP_AddI, from, whole);
}

static void split(PassContext *pc, const Split *s) {
    IrOp *rest = s->loop;
    IrValue *middle = build_middle(s);
    IrCloner cloner = ir_cloner(rewrite_before(rest), rest->block->kernel, pc->scratch);
    IrOp *main = ir_clone_op(&cloner, rest);
    ir_set_operand(main, 1, middle);
    for (unsigned i = 0; i < s->num_masks; i++) {
        IrValue *mask = ir_clone_value(&cloner, &s->masks[i]->results[0]);
        IrBuilder b = rewrite_before(mask->def);
        ir_replace_uses(mask, ir_const_int(&b, mask->type, 1));
        ir_op_erase(mask->def);
    }
    ir_set_operand(rest, 0, middle);
    if (ir_attr_int(rest, ATTR_NUM_STAGES) > 1) /* one trip is no pipeline */
        ir_set_int(rest, ATTR_NUM_STAGES, 1);
    for (unsigned i = 0; i < rest->num_results; i++)
        ir_set_operand(rest, 3 + i, &main->results[i]);
    pass_count(pc, STAT_LOOPS_SPLIT, 1);
}

typedef struct Loops {
    Arena *arena;
    VEC(IrOp *) found;
} Loops;

static bool find_loop(IrOp *op, void *data) {
    Loops *loops = data;
    if (op->code == OP_For)
        vec_push(loops->arena, &loops->found, op);
    return true;
}

bool pass_mask_split(PassContext *pc, IrKernel *kernel) {
    Loops loops = {.arena = pc->scratch};
    ir_walk(kernel->body, find_loop, &loops);
    if (loops.found.len == 0)
        return false;
    const AxisAnalysis *axis = axis_analyse(pc->scratch, kernel);
    const RangeAnalysis *ranges = range_analyse(pc->scratch, kernel, axis);
    bool changed = false;
    for (size_t i = 0; i < loops.found.len; i++) {
        Split s = {.ranges = ranges, .loop = loops.found.data[i]};
        if (!can_split(&s))
            continue;
        split(pc, &s);
        changed = true;
    }
    return changed;
}
