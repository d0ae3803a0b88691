/* cg_control.c -- if, for and while become basic blocks; results and carried values, phis.
 *
 * A `for` is tested at its bottom, behind a guard. "Is there another trip" compares distances, not
 * positions, so that bounds near the ends of the type do not wrap: while index < to, to - index is
 * exact as an unsigned number, and the loop goes on iff it is greater than the step.
 *
 *         guard:  from < to ? loop : exit
 *         loop:   index = phi; carried = phi ...; body; to - index > step ? loop : exit
 *         exit:   results = phi
 *
 * Conditions are scalars, the same in every thread of the program.
 */
#include "codegen/cg.h"

/* ---- values that cross blocks ------------------------------------------------------------------
 */

static LLVMBasicBlockRef new_block(Cg *cg, const char *name) {
    return LLVMAppendBasicBlockInContext(cg->unit.context, cg->function, name);
}

static LLVMBasicBlockRef current(Cg *cg) {
    return LLVMGetInsertBlock(cg->b);
}

/* A phi for each register of a value, to be given its incoming values later. */
static void define_phis(Cg *cg, const IrValue *value) {
    LLVMValueRef *regs = cg_new_regs(cg, value->type);
    for (unsigned r = 0; r < cg_num_regs(value->type); r++)
        regs[r] = cg_is_dead(value->type, r) ? cg_poison(cg, value->type)
                                             : LLVMBuildPhi(cg->b, cg_type(cg, value->type), "");
    cg_define(cg, value, regs);
}

static void add_incoming(Cg *cg, const IrValue *phis, LLVMValueRef *values,
                         LLVMBasicBlockRef from) {
    LLVMValueRef *regs = cg_regs(cg, phis);
    for (unsigned r = 0; r < cg_num_regs(phis->type); r++)
        if (!cg_is_dead(phis->type, r))
            LLVMAddIncoming(regs[r], &values[r], &from, 1);
}

static void define_alias(Cg *cg, const IrValue *value, const IrValue *as) {
    cg_define(cg, value, cg_regs(cg, as));
}

/* ---- if ----------------------------------------------------------------------------------------
 */

/* A region up to its end; its yielded values flow into the op's results. */
static void lower_branch(Cg *cg, const IrOp *op, unsigned region, LLVMBasicBlockRef join,
                         LLVMValueRef ***yielded) {
    const IrOp *end = cg_block(cg, op->regions[region]);
    for (unsigned i = 0; i < op->num_results; i++)
        yielded[region][i] = cg_regs(cg, ir_operand(end, i));
    LLVMBuildBr(cg->b, join);
}

void cg_lower_if(Cg *cg, const IrOp *op) {
    LLVMBasicBlockRef blocks[2] = {new_block(cg, "then"), new_block(cg, "else")}, ends[2];
    LLVMBasicBlockRef join = new_block(cg, "join");
    LLVMValueRef **yielded[2];
    LLVMBuildCondBr(cg->b, cg_reg(cg, ir_operand(op, 0), 0), blocks[0], blocks[1]);
    for (unsigned region = 0; region < 2; region++) {
        yielded[region] = ARENA_ARRAY(cg->arena, LLVMValueRef *, op->num_results);
        LLVMPositionBuilderAtEnd(cg->b, blocks[region]);
        lower_branch(cg, op, region, join, yielded);
        ends[region] = current(cg);
    }
    LLVMMoveBasicBlockAfter(join, current(cg));
    LLVMPositionBuilderAtEnd(cg->b, join);
    for (unsigned i = 0; i < op->num_results; i++) {
        define_phis(cg, ir_result(op, i));
        for (unsigned region = 0; region < 2; region++)
            add_incoming(cg, ir_result(op, i), yielded[region][i], ends[region]);
    }
}

/* ---- for ---------------------------------------------------------------------------------------
 */

enum { FOR_FROM, FOR_TO, FOR_STEP, FOR_INITIAL }; /* operands */

static void lower_trips(Cg *cg, const IrOp *op, LLVMBasicBlockRef guard, LLVMBasicBlockRef exit) {
    const IrBlock *body = op->regions[0];
    LLVMBasicBlockRef loop = current(cg);
    for (unsigned i = 0; i < body->num_args; i++)
        define_phis(cg, body->args[i]);
    add_incoming(cg, body->args[0], cg_regs(cg, ir_operand(op, FOR_FROM)), guard);
    for (unsigned i = 0; i < op->num_results; i++)
        add_incoming(cg, body->args[i + 1], cg_regs(cg, ir_operand(op, FOR_INITIAL + i)), guard);
    const IrOp *end = cg_block(cg, body);
    LLVMValueRef index = cg_reg(cg, body->args[0], 0);
    LLVMValueRef to = cg_reg(cg, ir_operand(op, FOR_TO), 0);
    LLVMValueRef step = cg_reg(cg, ir_operand(op, FOR_STEP), 0);
    LLVMValueRef left = LLVMBuildSub(cg->b, to, index, "left");
    LLVMValueRef more = LLVMBuildICmp(cg->b, LLVMIntUGT, left, step, "more");
    LLVMValueRef next = LLVMBuildAdd(cg->b, index, step, "next");
    LLVMBasicBlockRef last = current(cg);
    LLVMBuildCondBr(cg->b, more, loop, exit);
    add_incoming(cg, body->args[0], &next, last);
    for (unsigned i = 0; i < op->num_results; i++)
        add_incoming(cg, body->args[i + 1], cg_regs(cg, ir_operand(end, i)), last);
    LLVMMoveBasicBlockAfter(exit, last);
    LLVMPositionBuilderAtEnd(cg->b, exit);
    for (unsigned i = 0; i < op->num_results; i++) {
        define_phis(cg, ir_result(op, i));
        add_incoming(cg, ir_result(op, i), cg_regs(cg, ir_operand(op, FOR_INITIAL + i)), guard);
        add_incoming(cg, ir_result(op, i), cg_regs(cg, ir_operand(end, i)), last);
    }
}

void cg_lower_for(Cg *cg, const IrOp *op) {
    LLVMBasicBlockRef loop = new_block(cg, "loop"), exit = new_block(cg, "exit");
    LLVMIntPredicate below = ir_attr_int(op, ATTR_UNSIGNED) != 0 ? LLVMIntULT : LLVMIntSLT;
    LLVMValueRef runs = LLVMBuildICmp(cg->b, below, cg_reg(cg, ir_operand(op, FOR_FROM), 0),
                                      cg_reg(cg, ir_operand(op, FOR_TO), 0), "runs");
    LLVMBasicBlockRef guard = current(cg);
    LLVMBuildCondBr(cg->b, runs, loop, exit);
    LLVMPositionBuilderAtEnd(cg->b, loop);
    lower_trips(cg, op, guard, exit);
}

/* ---- while -------------------------------------------------------------------------------------
 */

void cg_lower_while(Cg *cg, const IrOp *op) {
    const IrBlock *before = op->regions[0], *body = op->regions[1];
    LLVMBasicBlockRef guard = current(cg), test = new_block(cg, "test");
    LLVMBasicBlockRef loop = new_block(cg, "body"), exit = new_block(cg, "exit");
    LLVMBuildBr(cg->b, test);
    LLVMPositionBuilderAtEnd(cg->b, test);
    for (unsigned i = 0; i < before->num_args; i++)
        define_phis(cg, before->args[i]);
    for (unsigned i = 0; i < before->num_args; i++)
        add_incoming(cg, before->args[i], cg_regs(cg, ir_operand(op, i)), guard);
    const IrOp *condition = cg_block(cg, before);
    LLVMBuildCondBr(cg->b, cg_reg(cg, ir_operand(condition, 0), 0), loop, exit);
    LLVMMoveBasicBlockAfter(loop, current(cg));
    LLVMPositionBuilderAtEnd(cg->b, loop);
    for (unsigned i = 0; i < body->num_args; i++)
        define_alias(cg, body->args[i], ir_operand(condition, i + 1));
    const IrOp *end = cg_block(cg, body);
    LLVMBasicBlockRef last = current(cg);
    LLVMBuildBr(cg->b, test);
    for (unsigned i = 0; i < before->num_args; i++)
        add_incoming(cg, before->args[i], cg_regs(cg, ir_operand(end, i)), last);
    LLVMMoveBasicBlockAfter(exit, last);
    LLVMPositionBuilderAtEnd(cg->b, exit);
    for (unsigned i = 0; i < op->num_results; i++)
        define_alias(cg, ir_result(op, i), ir_operand(condition, i + 1));
}

/* ---- return ------------------------------------------------------------------------------------
 */

void cg_lower_return(Cg *cg, const IrOp *op) {
    (void)op;
    LLVMBuildRetVoid(cg->b);
}
