/* fuse_reduce.c -- reduce several tiles of one shape together.
 *
 * In:     verified tile IR
 * Out:    of two reductions of one block, along one axis of tiles of one shape, neither of which
 *         needs the other, one is left, with the operands, the combining regions and the results of
 *         both; unless something that must stay between them needs the first
 * Keeps:  every number: the two regions stay apart, and fold in the same order
 * Cost:   O(operations * reductions)
 * Why:    a reduction across warps goes once through shared memory, with two barriers, whatever
 *         it reduces: mean and variance of layer norm, value and index, two rows' sums
 * Before:
 *     %t = splat %x : tile<64xi32>
 *     %u = splat %y : tile<64xi32>
 *     %s = reduce %t, axis = 0 : i32 (%a: i32, %b: i32) {
 *         %ab = addi %a, %b : i32
 *         yield %ab
 *     }
 *     %s2 = muli %s, %s : i32
 *     %m = reduce %u, axis = 0 : i32 (%a2: i32, %b2: i32) {
 *         %max = maxsi %a2, %b2 : i32
 *         yield %max
 *     }
 *     print "s", %s2, %m
 *     return
 * After:
 *     %t = splat %x : tile<64xi32>
 *     %u = splat %y : tile<64xi32>
 *     %s, %m = reduce %t, %u, axis = 0 : i32, i32 (%a: i32, %a2: i32, %b: i32, %b2: i32) {
 *         %ab = addi %a, %b : i32
 *         %max = maxsi %a2, %b2 : i32
 *         yield %ab, %max
 *     }
 *     %s2 = muli %s, %s : i32
 *     print "s", %s2, %m
 *     return
 * Not:    a sum of what was divided by the maximum (softmax), which needs it; reductions with a
 *         store of the first result between them             (tests/passes/fuse-reduce/not.tkir)
 *
 * Algorithm: from each reduction on, walk down the block and note what depends on it. At the first
 * like reduction that does not, move the noted operations behind it, and the first one to it. If
 * one of them has to stay (a store of the first result), move the second one up to the first
 * instead, with what makes its operands, if that is free to move.
 */
#include "passes/pass.h"
#include "passes/rewrite.h"

enum { MAX_OPERANDS = 8 };

typedef struct Search {
    const PassContext *pc;
    IrOp *first;
    uint8_t *depends;  /* by value id: on the results of `first` */
    VEC(IrOp *) users; /* what needs them and is free to move */
    bool is_stuck;     /* something needs them that is not */
    uint8_t *wanted;   /* by value id: for the operands of a second reduction */
    VEC(IrOp *) producers;
} Search;

static void note(Search *search, const IrOp *op) {
    for (unsigned i = 0; i < op->num_results; i++)
        search->depends[op->results[i].id] = 1;
}

static bool is_alike(const IrOp *a, const IrOp *b) {
    return b->code == OP_Reduce && a->num_operands + b->num_operands <= MAX_OPERANDS &&
           ir_attr_int(a, ATTR_AXIS) == ir_attr_int(b, ATTR_AXIS) &&
           ir_same_shape(ir_operand(a, 0)->type, ir_operand(b, 0)->type);
}

/* Whether `op` may be computed later than it is. */
static bool is_free_to_move(const IrOp *op) {
    return rewrite_is_removable(op) && !rewrite_can_fault(op);
}

static void want_operands(Search *search, const IrOp *op) {
    for (unsigned i = 0; i < op->num_operands; i++)
        search->wanted[ir_operand(op, i)->id] = 1;
    for (unsigned r = 0; r < op->num_regions; r++) {
        for (const IrOp *inner = op->regions[r]->first; inner; inner = inner->next)
            want_operands(search, inner);
    }
}

static bool is_wanted(const Search *search, const IrOp *op) {
    bool wanted = false;
    for (unsigned i = 0; i < op->num_results; i++)
        wanted |= search->wanted[op->results[i].id];
    return wanted;
}

/* Notes what stands between the two reductions and makes the operands of `second`, the last first.
 * False if one of it has to stay. */
static bool find_producers(Search *search, const IrOp *second) {
    Arena *scratch = search->pc->scratch;
    search->wanted = ARENA_ARRAY(scratch, uint8_t, second->block->kernel->num_values);
    search->producers.len = 0;
    want_operands(search, second);
    for (IrOp *op = second->prev; op != search->first; op = op->prev) {
        if (!is_wanted(search, op))
            continue;
        if (!is_free_to_move(op))
            return false;
        want_operands(search, op);
        vec_push(scratch, &search->producers, op);
    }
    return true;
}

/* The next reduction to join `search->first` with; notes what has to move for that. */
static IrOp *find_partner(Search *search) {
    note(search, search->first);
    for (IrOp *op = search->first->next; op; op = op->next) {
        bool needs = rewrite_needs(op, search->depends);
        if (!needs && is_alike(search->first, op) && is_free_to_move(op) &&
            (!search->is_stuck || find_producers(search, op)))
            return op;
        if (!needs)
            continue;
        search->is_stuck |= !is_free_to_move(op);
        note(search, op);
        vec_push(search->pc->scratch, &search->users, op);
    }
    return NULL;
}

/* ---- merging --------------------------------------------------------------------------------- */

/* Moves the operations of `from`'s region before `yield`, and gives their arguments' uses to those
 * of `to`, of which `count` sides begin at `at`. */
static void move_region(IrOp *from, IrBlock *to, unsigned at, unsigned total, IrOp *yield) {
    IrBlock *region = from->regions[0];
    unsigned count = from->num_operands;
    for (unsigned i = 0; i < count; i++) {
        ir_replace_uses(region->args[i], to->args[at + i]);
        ir_replace_uses(region->args[count + i], to->args[total + at + i]);
    }
    while (region->first != region->last)
        ir_op_move_before(region->first, yield);
}

static void add_args(IrBuilder *b, IrBlock *to, const IrOp *first, const IrOp *second) {
    for (unsigned side = 0; side < 2; side++) {
        const IrOp *parts[] = {first, second};
        for (unsigned p = 0; p < 2; p++) {
            unsigned count = parts[p]->num_operands;
            for (unsigned i = 0; i < count; i++) {
                const IrValue *old = parts[p]->regions[0]->args[side * count + i];
                ir_block_add_arg(b, to, old->type, old->name);
            }
        }
    }
}

static IrOp *build_merged(IrBuilder *b, IrOp *first, IrOp *second) {
    unsigned n = first->num_operands, total = n + second->num_operands;
    IrValue *operands[MAX_OPERANDS], *yields[MAX_OPERANDS];
    const IrType *types[MAX_OPERANDS];
    for (unsigned i = 0; i < total; i++) {
        const IrOp *part = i < n ? first : second;
        unsigned k = i < n ? i : i - n;
        operands[i] = ir_operand(part, k);
        types[i] = part->results[k].type;
        yields[i] = ir_operand(part->regions[0]->last, k);
    }
    IrOp *merged = ir_build(b, OP_Reduce, operands, total, types, total);
    rewrite_copy_attrs(merged, first);
    IrBlock *region = merged->regions[0];
    add_args(b, region, first, second);
    IrBuilder inner = *b;
    inner.block = region;
    inner.before = NULL;
    IrOp *yield = ir_build(&inner, OP_Yield, yields, total, NULL, 0);
    move_region(first, region, 0, total, yield);
    move_region(second, region, n, total, yield);
    return merged;
}

static void merge(Search *search, IrOp *second) {
    IrOp *first = search->first;
    for (size_t i = search->is_stuck ? search->producers.len : 0; i-- > 0;)
        ir_op_move_before(search->producers.data[i], first);
    IrBuilder b = rewrite_before(search->is_stuck ? first : second);
    b.range = first->range;
    IrOp *merged = build_merged(&b, first, second);
    for (size_t i = 0; !search->is_stuck && i < search->users.len; i++)
        ir_op_move_before(search->users.data[i], second);
    for (unsigned i = 0; i < merged->num_results; i++) {
        unsigned n = first->num_results;
        rewrite_replace(i < n ? &first->results[i] : &second->results[i - n], &merged->results[i]);
    }
    ir_op_erase(first);
    ir_op_erase(second);
    pass_count(search->pc, STAT_REDUCES_JOINED, 1);
}

/* ---- the walk -------------------------------------------------------------------------------- */

/* Joins the reduction `op` with one behind it. True if both are gone, into a new one. */
static bool join(const PassContext *pc, IrOp *op) {
    if (op->code != OP_Reduce || !is_free_to_move(op))
        return false;
    Search search = {.pc = pc, .first = op};
    search.depends = ARENA_ARRAY(pc->scratch, uint8_t, op->block->kernel->num_values);
    IrOp *partner = find_partner(&search);
    if (partner)
        merge(&search, partner);
    return partner != NULL;
}

static bool join_in_block(const PassContext *pc, IrBlock *block) {
    bool changed = false;
    IrOp *next;
    for (IrOp *op = block->first; op; op = next) {
        next = op->next;
        for (unsigned r = 0; r < op->num_regions; r++)
            changed |= join_in_block(pc, op->regions[r]);
        ArenaMark mark = arena_mark(pc->scratch);
        IrOp *previous = op->prev;
        if (join(pc, op)) { /* what follows may have moved; the new one is still ahead */
            next = previous ? previous->next : block->first;
            changed = true;
        }
        arena_reset(pc->scratch, mark);
    }
    return changed;
}

bool pass_fuse_reduce(PassContext *pc, IrKernel *kernel) {
    return join_in_block(pc, kernel->body);
}
