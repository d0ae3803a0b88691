/* mask_elide.c -- decide the comparisons that can be decided, masks above all.
 *
 * In:     verified tile IR
 * Out:    a comparison of integers that ranges, loop bounds, branches, promises and divisibility
 *         decide for every element is a constant; fold then drops the masks made of it
 * Keeps:  every number and every fault, as long as what the program assumes is true; comparisons
 *         that an `assume` is made of, because the promise is lost without them
 * Cost:   O(operations), and for each comparison O(depth of regions + assumptions)
 * Why:    an access without a mask needs no predicate, and whole vectors of it are safe
 * Before:
 *     %zero = const 0 : i32
 *     %end = const 1024 : i32
 *     %step = const 8 : i32
 *     %lane = arange 0, 8 : tile<8xi32>
 *     %limit = const 1024 : tile<8xi32>
 *     %ptrs = splat %p : tile<8xptr<i32>>
 *     for %i = %zero to %end step %step {
 *         %start = splat %i : tile<8xi32>
 *         %offs = addi %start, %lane : tile<8xi32>
 *         %mask = cmpi slt, %offs, %limit : tile<8xi1>
 *         %at = addptr %ptrs, %offs : tile<8xptr<i32>>
 *         store %at, %lane, %mask
 *         yield
 *     }
 *     return
 * After:
 *     %zero = const 0 : i32
 *     %end = const 1024 : i32
 *     %step = const 8 : i32
 *     %lane = arange 0, 8 : tile<8xi32>
 *     %limit = const 1024 : tile<8xi32>
 *     %ptrs = splat %p : tile<8xptr<i32>>
 *     for %i = %zero to %end step %step {
 *         %start = splat %i : tile<8xi32>
 *         %offs = addi %start, %lane : tile<8xi32>
 *         %true = const true : tile<8xi1>
 *         %at = addptr %ptrs, %offs : tile<8xptr<i32>>
 *         store %at, %lane, %true
 *         yield
 *     }
 *     return
 * Not:    i + lane < n where nothing says that n is a multiple of the block; sums that may wrap;
 *         a promise made in another branch                (tests/passes/mask-elide/not.tkir)
 *
 * Algorithm: axis and range analysis once, then range_decide() for every comparison. An index
 * advances by the loop's step from a multiple of it, so it and the bound n are multiples of what
 * divides step, start and n; the last block then ends at n at the latest.
 */
#include "passes/pass.h"
#include "passes/ranges.h"
#include "passes/rewrite.h"

enum { MAX_DEPTH = 16 };

typedef struct Elision {
    PassContext *pc;
    const RangeAnalysis *ranges;
    bool changed;
} Elision;

/* Whether this use makes `value` part of an assume's condition. */
static bool is_promise(const IrUse *use, unsigned depth) {
    const IrOp *user = use->user;
    if (user->code == OP_Assume || depth > MAX_DEPTH)
        return true;
    if (user->code != OP_AndI && user->code != OP_OrI && user->code != OP_XorI)
        return false;
    for (const IrUse *next = user->results[0].uses; next; next = next->next) {
        if (is_promise(next, depth + 1))
            return true;
    }
    return false;
}

static void replace_use(Elision *e, IrUse *use, bool value) {
    IrBuilder b = rewrite_before(use->value->def);
    ir_set_operand(use->user, use->index, ir_const_int(&b, use->value->type, value));
    e->changed = true;
}

/* What is promised is known elsewhere, but not where it is promised; what is decided inside a
 * branch is decided for the uses there. */
static bool elide(IrOp *op, void *data) {
    Elision *e = data;
    bool value, used = false;
    if (op->code != OP_CmpI)
        return true;
    bool everywhere = range_decide(e->ranges, op, op->block, &value);
    IrUse *next;
    for (IrUse *use = op->results[0].uses; use; use = next) {
        next = use->next;
        bool decided = everywhere || (use->user->block != op->block &&
                                      range_decide(e->ranges, op, use->user->block, &value));
        if (!decided || is_promise(use, 0))
            continue;
        replace_use(e, use, value);
        used = true;
    }
    pass_count(e->pc, STAT_COMPARISONS_DECIDED, used);
    if (used && !ir_has_uses(&op->results[0]))
        ir_op_erase(op);
    return true;
}

bool pass_mask_elide(PassContext *pc, IrKernel *kernel) {
    const AxisAnalysis *axis = axis_analyse(pc->scratch, kernel);
    Elision e = {.pc = pc, .ranges = range_analyse(pc->scratch, kernel, axis)};
    ir_walk(kernel->body, elide, &e);
    return e.changed;
}
