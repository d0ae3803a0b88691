/* fuse_loops.c -- two neighbouring loops over one range become one.
 *
 * In:     verified tile IR
 * Out:    no `for` is followed by another one with the same bounds, step and attributes that does
 *         not need it, if neither loop writes what the other touches, and what stands between them
 *         is free to move
 * Keeps:  every number; loads of the loops change places with one another
 * Cost:   O(operations * loops)
 * Why:    a sum and a sum of squares in two loops read the row twice; in one loop cse leaves one of
 *         the two equal loads
 * Before:
 *     %s = for %i = %x to %y step %x iter(%a = %x) : i32 {
 *         %a2 = addi %a, %i : i32
 *         yield %a2
 *     }
 *     %t = for %j = %x to %y step %x iter(%b = %y) : i32 {
 *         %b2 = muli %b, %j : i32
 *         yield %b2
 *     }
 *     print "s", %s, %t
 *     return
 * After:
 *     %s, %t = for %i = %x to %y step %x iter(%a = %x, %b = %y) : i32, i32 {
 *         %a2 = addi %a, %i : i32
 *         %b2 = muli %b, %i : i32
 *         yield %a2, %b2
 *     }
 *     print "s", %s, %t
 *     return
 * Not:    a loop that needs the first one's result (variance after mean); a loop that stores and
 *         one that touches memory: two parameters may be one tensor; prints and asserts, whose
 *         order shows                                         (tests/passes/fuse-loops/not.tkir)
 *
 * Algorithm: from each loop on, walk down the block as far as operations are free to move, noting
 * what depends on the loop; the first loop that fits takes it in, and what was noted moves behind.
 * Known as loop fusion or jamming (Allen and Kennedy, Optimizing Compilers, 6.2); the dependence
 * test here is the coarsest that is right.
 */
#include "passes/accesses.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

typedef struct Search {
    const PassContext *pc;
    IrOp *first;
    uint8_t *depends; /* by value id: on the results of `first` */
    VEC(IrOp *) users;
} Search;

/* ---- which loops fit ------------------------------------------------------------------------- */

typedef struct Touches { /* what the operations of a loop do */
    bool reads, writes, shows;
} Touches;

static bool note_touches(IrOp *op, void *data) {
    Touches *touches = data;
    MemAccess access;
    if (access_of(op, &access)) {
        touches->reads |= access.reads;
        touches->writes |= access.writes;
    }
    touches->shows |= (ir_info(op)->traits & IR_EFFECT) && op->code != OP_Assume;
    return true;
}

static Touches touches_of(const IrOp *loop) {
    Touches touches = {0};
    ir_walk(loop->regions[0], note_touches, &touches);
    return touches;
}

static bool may_interleave(const IrOp *a, const IrOp *b) {
    Touches first = touches_of(a), second = touches_of(b);
    if (first.shows || second.shows)
        return false;
    return !(first.writes && (second.reads || second.writes)) && !(first.reads && second.writes);
}

static bool same_range(const IrOp *a, const IrOp *b) {
    if (b->code != OP_For || !rewrite_same_attrs(a, b))
        return false;
    for (unsigned i = 0; i < 3; i++) {
        if (ir_operand(a, i) != ir_operand(b, i))
            return false;
    }
    return true;
}

static void note_results(Search *search, const IrOp *op) {
    for (unsigned i = 0; i < op->num_results; i++)
        search->depends[op->results[i].id] = 1;
}

/* The next loop to take `search->first` in; notes what stands between and needs it. */
static IrOp *find_partner(Search *search) {
    note_results(search, search->first);
    for (IrOp *op = search->first->next; op; op = op->next) {
        bool needs = rewrite_needs(op, search->depends);
        if (!needs && same_range(search->first, op) && may_interleave(search->first, op))
            return op;
        if (!rewrite_is_removable(op) || rewrite_can_fault(op))
            return NULL;
        if (needs) {
            note_results(search, op);
            vec_push(search->pc->scratch, &search->users, op);
        }
    }
    return NULL;
}

/* ---- merging --------------------------------------------------------------------------------- */

/* A loop like `loop` that begins with `operands` (bounds first); its region has the arguments. */
static IrOp *build_loop(IrBuilder *b, Arena *scratch, const IrOp *first, const IrOp *second) {
    unsigned n = first->num_results, total = n + second->num_results;
    IrValue **operands = ARENA_ARRAY(scratch, IrValue *, 3 + total);
    const IrType **types = ARENA_ARRAY(scratch, const IrType *, total);
    for (unsigned i = 0; i < 3; i++)
        operands[i] = ir_operand(first, i);
    for (unsigned i = 0; i < total; i++) {
        operands[3 + i] = i < n ? ir_operand(first, 3 + i) : ir_operand(second, 3 + i - n);
        types[i] = operands[3 + i]->type;
    }
    IrOp *loop = ir_build(b, OP_For, operands, 3 + total, types, total);
    rewrite_copy_attrs(loop, first);
    IrBlock *from = first->regions[0], *behind = second->regions[0];
    for (unsigned i = 0; i < 1 + total; i++) {
        const IrValue *old = i <= n ? from->args[i] : behind->args[i - n];
        IrValue *arg = ir_block_add_arg(b, loop->regions[0], old->type, old->name);
        arg->hints = old->hints;
    }
    return loop;
}

/* Moves the operations of `from`'s region before `yield`; its carried arguments are those of `to`
 * from `at` on. */
static void move_region(const IrOp *from, IrBlock *to, unsigned at, IrOp *yield) {
    IrBlock *region = from->regions[0];
    rewrite_replace(region->args[0], to->args[0]);
    for (unsigned i = 1; i < region->num_args; i++)
        ir_replace_uses(region->args[i], to->args[at + i]);
    while (region->first != region->last)
        ir_op_move_before(region->first, yield);
}

static IrOp *build_yield(IrBuilder b, Arena *scratch, IrBlock *to, const IrOp *first,
                         const IrOp *second) {
    unsigned n = first->num_results, total = n + second->num_results;
    IrValue **values = ARENA_ARRAY(scratch, IrValue *, total);
    for (unsigned i = 0; i < total; i++)
        values[i] = i < n ? ir_operand(first->regions[0]->last, i)
                          : ir_operand(second->regions[0]->last, i - n);
    b.block = to;
    b.before = NULL;
    b.range = first->regions[0]->last->range;
    return ir_build(&b, OP_Yield, values, total, NULL, 0);
}

static void merge(Search *search, IrOp *second) {
    IrOp *first = search->first;
    Arena *scratch = search->pc->scratch;
    unsigned n = first->num_results;
    IrBuilder b = rewrite_before(second);
    b.range = first->range;
    IrOp *loop = build_loop(&b, scratch, first, second);
    IrBlock *body = loop->regions[0];
    IrOp *yield = build_yield(b, scratch, body, first, second);
    move_region(first, body, 0, yield);
    move_region(second, body, n, yield);
    for (size_t i = 0; i < search->users.len; i++)
        ir_op_move_before(search->users.data[i], second);
    for (unsigned i = 0; i < loop->num_results; i++)
        rewrite_replace(i < n ? &first->results[i] : &second->results[i - n], &loop->results[i]);
    ir_op_erase(first);
    ir_op_erase(second);
    pass_count(search->pc, STAT_LOOPS_JOINED, 1);
}

/* ---- the walk -------------------------------------------------------------------------------- */

static bool join(const PassContext *pc, IrOp *op) {
    if (op->code != OP_For)
        return false;
    Search search = {.pc = pc, .first = op};
    search.depends = ARENA_ARRAY(pc->scratch, uint8_t, op->block->kernel->num_values);
    IrOp *partner = find_partner(&search);
    if (partner)
        merge(&search, partner);
    return partner != NULL;
}

/* Outer loops first: their inner loops become neighbours then. */
static bool join_in_block(const PassContext *pc, IrBlock *block) {
    bool changed = false;
    IrOp *next;
    for (IrOp *op = block->first; op; op = next) {
        ArenaMark mark = arena_mark(pc->scratch);
        IrOp *previous = op->prev;
        bool joined = join(pc, op);
        arena_reset(pc->scratch, mark);
        if (joined) { /* what follows may have moved; the joined loop is still ahead */
            next = previous ? previous->next : block->first;
            changed = true;
            continue;
        }
        next = op->next;
        for (unsigned r = 0; r < op->num_regions; r++)
            changed |= join_in_block(pc, op->regions[r]);
    }
    return changed;
}

bool pass_fuse_loops(PassContext *pc, IrKernel *kernel) {
    return join_in_block(pc, kernel->body);
}
