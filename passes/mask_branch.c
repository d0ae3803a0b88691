/* mask_branch.c -- branch around accesses that all have one and the same scalar mask.
 *
 * In:     verified tile IR; after mask-uniform and cse, masks that are equal are one value
 * Out:    a run of accesses of tiles under a mask that is a splat of one condition stands in an
 *         `if` of that condition, without masks, if nothing behind the run needs its results
 * Keeps:  every number; every fault but those of arithmetic on masked-off zeros, which is not done
 * Cost:   O(operations)
 * Why:    whether a block is inside the tensor is asked once, not once an access and element: no
 *         access has a predicate, and programs outside do nothing
 * Before:
 *     %ptrs = splat %p : tile<8xptr<i32>>
 *     %mask = splat %c : tile<8xi1>
 *     %v = load %ptrs, %mask : tile<8xi32>
 *     %sum = addi %v, %v : tile<8xi32>
 *     store %ptrs, %sum, %mask
 *     return
 * After:
 *     %ptrs = splat %p : tile<8xptr<i32>>
 *     %mask = splat %c : tile<8xi1>
 *     if %c {
 *         %v = load %ptrs : tile<8xi32>
 *         %sum = addi %v, %v : tile<8xi32>
 *         store %ptrs, %sum
 *         yield
 *     }
 *     return
 * Not:    runs whose results are used behind them, where the masked-off value counts; a single
 *         scalar access; accesses between which others stand (tests/passes/mask-branch/not.tkir)
 *
 * Algorithm: from the first access under a condition go on as long as operations are pure or under
 * the same condition; the run ends with the last access. What depends on the run's loads moves into
 * the branch, the rest of the pure operations stays in front of it.
 */
#include "passes/pass.h"
#include "passes/rewrite.h"

typedef struct Run {
    IrOp *first, *last; /* accesses */
    IrValue *condition;
    bool has_tile;
} Run;

/* The operand that is the mask of an access, or -1. */
static int mask_index(const IrOp *op) {
    int index = op->code == OP_Load ? 1 : op->code == OP_Store || op->code == OP_AtomicRmw ? 2 : -1;
    return index >= 0 && op->num_operands > (unsigned)index ? index : -1;
}

/* The condition of which the access's mask is a splat, or NULL. */
static IrValue *condition_of(const IrOp *op) {
    int index = mask_index(op);
    if (index < 0)
        return NULL;
    IrValue *mask = ir_operand(op, (unsigned)index);
    while (ir_is_tile(mask->type)) {
        const IrOp *def = mask->def;
        if (!def || (def->code != OP_Splat && def->code != OP_Broadcast))
            return NULL;
        mask = ir_operand(def, 0);
    }
    bool is_const = mask->def && mask->def->code == OP_Const;
    return is_const ? NULL : mask;
}

static bool find_run(IrOp *op, Run *run) {
    *run = (Run){.first = op, .last = op, .condition = condition_of(op)};
    if (!run->condition)
        return false;
    for (; op; op = op->next) {
        if (condition_of(op) == run->condition) {
            run->last = op;
            run->has_tile |= ir_is_tile(ir_operand(op, 0)->type);
        } else if (!(ir_info(op)->traits & IR_PURE) || op->num_regions > 0) {
            break;
        }
    }
    return run->has_tile;
}

/* ---- what moves ------------------------------------------------------------------------------ */

static bool is_marked(const bool *marks, uint32_t count, const IrValue *value) {
    return value->id < count && marks[value->id];
}

/* Marks the results of what must be in the branch. */
static void mark_run(const Run *run, bool *marks, uint32_t count) {
    for (const IrOp *op = run->first;; op = op->next) {
        bool moves = condition_of(op) == run->condition;
        for (unsigned i = 0; i < op->num_operands; i++)
            moves |= is_marked(marks, count, ir_operand(op, i));
        for (unsigned i = 0; moves && i < op->num_results; i++)
            marks[op->results[i].id] = true;
        if (op == run->last)
            return;
    }
}

/* Whether nobody outside the run uses a marked result. */
static bool is_closed(Arena *scratch, const Run *run, const bool *marks, uint32_t count) {
    Map inside;
    map_init_ptr(&inside, scratch);
    for (IrOp *op = run->first; op != run->last; op = op->next)
        map_setp(&inside, op, op);
    map_setp(&inside, run->last, run->last);
    for (const IrOp *op = run->first;; op = op->next) {
        for (unsigned i = 0; i < op->num_results; i++) {
            if (!is_marked(marks, count, &op->results[i]))
                continue;
            for (const IrUse *use = op->results[i].uses; use; use = use->next) {
                if (!map_hasp(&inside, use->user))
                    return false;
            }
        }
        if (op == run->last)
            return true;
    }
}

static bool moves(const Run *run, const IrOp *op, const bool *marks, uint32_t count) {
    return condition_of(op) == run->condition ||
           (op->num_results > 0 && is_marked(marks, count, &op->results[0]));
}

static IrOp *build_branch(const Run *run) {
    IrBuilder b = rewrite_before(run->first);
    IrValue *condition = run->condition;
    IrOp *branch = ir_build(&b, OP_If, &condition, 1, NULL, 0);
    for (unsigned r = 0; r < 2; r++) {
        b.block = branch->regions[r];
        b.before = NULL;
        ir_build(&b, OP_Yield, NULL, 0, NULL, 0);
    }
    return branch;
}

/* What stays moves in front of the branch. */
static IrOp *move_run(const Run *run, const bool *marks, uint32_t count) {
    IrOp *branch = build_branch(run), *yield = branch->regions[0]->last, *next;
    for (IrOp *op = run->first;; op = next) {
        next = op->next;
        bool is_last = op == run->last;
        if (moves(run, op, marks, count)) {
            ir_op_move_before(op, yield);
            if (mask_index(op) >= 0)
                ir_truncate_operands(op, (unsigned)mask_index(op));
        } else {
            ir_op_move_before(op, branch);
        }
        if (is_last)
            return branch;
    }
}

/* ---- the pass -------------------------------------------------------------------------------- */

static bool branch_block(PassContext *pc, IrBlock *block) {
    bool changed = false;
    for (IrOp *op = block->first; op; op = op->next) {
        for (unsigned r = 0; r < op->num_regions; r++)
            changed |= branch_block(pc, op->regions[r]);
        Run run;
        if (!find_run(op, &run))
            continue;
        uint32_t count = block->kernel->num_values;
        bool *marks = ARENA_ARRAY(pc->scratch, bool, count);
        mark_run(&run, marks, count);
        if (is_closed(pc->scratch, &run, marks, count)) {
            op = move_run(&run, marks, count);
            pass_count(pc, STAT_BRANCHES, 1);
            changed = true;
        } else {
            op = run.last;
        }
    }
    return changed;
}

bool pass_mask_branch(PassContext *pc, IrKernel *kernel) {
    return branch_block(pc, kernel->body);
}
