/* unroll.c -- do as many trips of a loop at once as `tl.range(loop_unroll_factor=...)` asks for.
 *
 * In:     verified tile IR
 * Out:    a `for` with `unroll = N` and a constant step has become one whose trips do N of the old
 *         ones, and one behind it for the trips that are left; neither has `unroll`
 * Keeps:  every number, fault and effect, and their order
 * Cost:   O(operations * N)
 * Why:    the program asks for it: less counting and branching, more loads in flight
 * Before:
 *     %one = const 1 : i32
 *     for %i = %x to %y step %one, unroll = 2 {
 *         store %p, %i
 *         yield
 *     }
 *     return
 * After:
 *     %one = const 1 : i32
 *     %0 = subi %y, %x : i32
 *     %1 = cmpi slt, %x, %y : i1
 *     %c0 = const 0 : i32
 *     %2 = select %1, %0, %c0 : i32
 *     %c2 = const 2 : i32
 *     %3 = divui %2, %c2 : i32
 *     %4 = muli %3, %c2 : i32
 *     %5 = addi %x, %4 : i32
 *     for %i = %x to %5 step %c2 {
 *         store %p, %i
 *         %c1 = const 1 : i32
 *         %6 = addi %i, %c1 : i32
 *         store %p, %6
 *         yield
 *     }
 *     for %i.1 = %5 to %y step %one {
 *         store %p, %i.1
 *         yield
 *     }
 *     return
 * Not:    loops whose step is not known, or would not fit its type N-fold; loops that would become
 *         huge                                                   (tests/passes/unroll/not.tkir)
 *
 * Algorithm: the distance to run, counted unsigned so that it cannot overflow, is cut to a multiple
 * of N steps; the body is copied N times into the new loop. The old loop begins where that ends.
 */
#include "ir/number.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

enum { MAX_COPIES = 64, MAX_OPS = 16384 };

static bool count_op(IrOp *op, void *data) {
    (void)op;
    unsigned *count = data;
    return ++*count < MAX_OPS;
}

static bool is_small(const IrOp *loop, int64_t copies) {
    unsigned count = 0;
    ir_walk(loop->regions[0], count_op, &count);
    return copies <= MAX_COPIES && count * (unsigned)copies < MAX_OPS;
}

/* The step of all copies together; 0 if it is not known or does not fit. */
static int64_t wide_step(const IrOp *loop, int64_t copies) {
    uint64_t bits;
    if (!rewrite_constant(ir_operand(loop, 2), &bits))
        return 0;
    unsigned width = ir_bits(ir_operand(loop, 2)->type);
    int64_t step = ir_sign_extend(bits, width);
    int64_t most = width == 32 ? INT32_MAX : INT64_MAX;
    return step > 0 && step <= most / copies ? step * copies : 0;
}

/* Where the trips that are left begin. */
static IrValue *build_middle(IrBuilder *b, const IrOp *loop, IrValue **step, int64_t wide) {
    IrValue *from = ir_operand(loop, 0), *to = ir_operand(loop, 1);
    bool is_unsigned = ir_attr_int(loop, ATTR_UNSIGNED) != 0;
    IrValue *distance = ir_binary(b, OP_SubI, to, from);
    IrValue *runs = ir_cmpi(b, is_unsigned ? IPRED_ULT : IPRED_SLT, from, to);
    distance = ir_select(b, runs, distance, ir_const_int(b, from->type, 0));
    *step = ir_const_int(b, from->type, wide);
    IrValue *groups = ir_binary(b, OP_DivUI, distance, *step);
    return ir_binary(b, OP_AddI, from, ir_binary(b, OP_MulI, groups, *step));
}

/* Copies the body of `loop` to the end of `to`, whose carried values are `carried`, and puts what
 * it yields there. */
static void copy_body(const PassContext *pc, const IrOp *loop, IrBuilder b, IrValue *index,
                      IrValue **carried) {
    const IrBlock *body = loop->regions[0];
    IrCloner cloner = ir_cloner(b, b.kernel, pc->scratch);
    ir_clone_map(&cloner, body->args[0], index);
    for (unsigned i = 1; i < body->num_args; i++)
        ir_clone_map(&cloner, body->args[i], carried[i - 1]);
    for (const IrOp *op = body->first; op != body->last; op = op->next)
        ir_clone_op(&cloner, op);
    for (unsigned i = 0; i < loop->num_results; i++)
        carried[i] = ir_clone_value(&cloner, ir_operand(body->last, i));
}

static void fill_loop(const PassContext *pc, const IrOp *loop, IrOp *wide, int64_t copies,
                      int64_t step) {
    const IrBlock *body = loop->regions[0];
    IrBuilder b = rewrite_before(wide);
    b.block = wide->regions[0];
    b.before = NULL;
    IrValue **carried = ARENA_ARRAY(pc->scratch, IrValue *, loop->num_results);
    for (unsigned i = 0; i < body->num_args; i++) {
        IrValue *arg = ir_block_add_arg(&b, b.block, body->args[i]->type, body->args[i]->name);
        if (i > 0)
            carried[i - 1] = arg;
    }
    IrValue *index = b.block->args[0];
    for (int64_t copy = 0; copy < copies; copy++) {
        b.range = loop->range;
        IrValue *at = index;
        if (copy > 0)
            at = ir_binary(&b, OP_AddI, index, ir_const_int(&b, index->type, copy * step));
        copy_body(pc, loop, b, at, carried);
    }
    b.range = body->last->range;
    ir_build(&b, OP_Yield, carried, loop->num_results, NULL, 0);
}

static bool unroll(const PassContext *pc, IrOp *loop) {
    int64_t copies = ir_attr_int(loop, ATTR_UNROLL);
    int64_t step = copies > 1 && is_small(loop, copies) ? wide_step(loop, copies) : 0;
    if (step == 0)
        return false;
    IrBuilder b = rewrite_before(loop);
    unsigned count = loop->num_operands;
    IrValue **operands = ARENA_ARRAY(pc->scratch, IrValue *, count);
    const IrType **types = ARENA_ARRAY(pc->scratch, const IrType *, loop->num_results);
    for (unsigned i = 0; i < count; i++)
        operands[i] = ir_operand(loop, i);
    for (unsigned i = 0; i < loop->num_results; i++)
        types[i] = loop->results[i].type;
    IrValue *middle = operands[1] = build_middle(&b, loop, &operands[2], step);
    IrOp *wide = ir_build(&b, OP_For, operands, count, types, loop->num_results);
    ir_set_int(loop, ATTR_UNROLL, 0);
    rewrite_copy_attrs(wide, loop);
    fill_loop(pc, loop, wide, copies, step / copies);
    ir_set_operand(loop, 0, middle);
    for (unsigned i = 0; i < loop->num_results; i++)
        ir_set_operand(loop, 3 + i, &wide->results[i]);
    pass_count(pc, STAT_UNROLLED, 1);
    return true;
}

/* Inner loops first, so that their copies are unrolled already. */
static bool unroll_in_block(const PassContext *pc, IrBlock *block) {
    bool changed = false;
    for (IrOp *op = block->first; op; op = op->next) {
        for (unsigned r = 0; r < op->num_regions; r++)
            changed |= unroll_in_block(pc, op->regions[r]);
        if (op->code == OP_For)
            changed |= unroll(pc, op);
    }
    return changed;
}

bool pass_unroll(PassContext *pc, IrKernel *kernel) {
    return unroll_in_block(pc, kernel->body);
}
