/* fuse_fma.c -- contract a multiplication and the addition of its product into one fma.
 *
 * In:     verified tile IR
 * Out:    unless the kernel says `fp_fusion = false`: no addf or subf of f16, bf16, f32 or f64 has
 *         an operand that a mulf of the same block made
 * Keeps:  everything but one rounding: of the product
 * Cost:   O(operations)
 * Why:    half the instructions of polynomials and weighted sums; done here and not by the code
 *         generator, so that all devices round alike
 * Before:
 *     %a = sitofp %x : f32
 *     %b = sitofp %y : f32
 *     %ab = mulf %a, %b : f32
 *     %sum = addf %b, %ab : f32
 *     %difference = subf %sum, %ab : f32
 *     print "d", %difference
 *     return
 * After:
 *     %a = sitofp %x : f32
 *     %b = sitofp %y : f32
 *     %sum = fma %a, %b, %b : f32
 *     %0 = negf %a : f32
 *     %difference = fma %0, %b, %sum : f32
 *     print "d", %difference
 *     return
 * Not:    the combining regions of reduce and scan: lanes that fold a with b and b with a must
 *         agree bit for bit; products that went through a conversion; products of another block,
 *         which licm may just have moved there               (tests/passes/fuse-fma/not.tkir)
 *
 * Which product: the rule of LLVM's visitFADDForFMACombine and visitFSUBForFMACombine with
 * aggressive fusion, which is what Triton's kernels go through: a product may be contracted into
 * each of its sums, and is computed beside them only if something else needs it. Of two products in
 * one sum the one with fewer uses goes into the fma, the left one if they are equal:
 * a*b + c*d is fma(a, b, c*d). From the end of a block to its beginning, as there, so that the uses
 * are counted alike.
 */
#include "passes/pass.h"
#include "passes/rewrite.h"

/* The multiplication that made operand `index` of `op`, or NULL. */
static IrOp *product(const IrOp *op, unsigned index) {
    IrOp *def = ir_operand(op, index)->def;
    return def && def->code == OP_MulF && def->block == op->block ? def : NULL;
}

static unsigned count_uses(const IrOp *op) {
    unsigned count = 0;
    for (const IrUse *use = op->results[0].uses; use; use = use->next)
        count++;
    return count;
}

/* The product to contract `op` with, and which operand it is; NULL if there is none. */
static IrOp *choose(const IrOp *op, unsigned *index) {
    IrOp *left = product(op, 0), *right = product(op, 1);
    bool is_right = right && (!left || count_uses(left) > count_uses(right));
    *index = is_right ? 1 : 0;
    return is_right ? right : left;
}

static bool contract(IrOp *op) {
    unsigned index;
    const IrOp *mul = choose(op, &index);
    if (!mul)
        return false;
    IrBuilder b = rewrite_before(op);
    IrValue *factor = ir_operand(mul, 0), *addend = ir_operand(op, 1 - index);
    if (op->code == OP_SubF && index == 1)
        factor = ir_unary(&b, OP_NegF, factor);
    if (op->code == OP_SubF && index == 0)
        addend = ir_unary(&b, OP_NegF, addend);
    IrValue *operands[] = {factor, ir_operand(mul, 1), addend};
    IrOp *fma = ir_build(&b, OP_Fma, operands, 3, &op->results[0].type, 1);
    rewrite_replace(&op->results[0], &fma->results[0]);
    ir_op_erase(op);
    return true;
}

static bool is_sum(const IrOp *op) {
    if (op->code != OP_AddF && op->code != OP_SubF)
        return false;
    return ir_bits(op->results[0].type) > 8;
}

static bool contract_block(const PassContext *pc, IrBlock *block) {
    bool changed = false;
    IrOp *prev;
    for (IrOp *op = block->last; op; op = prev) {
        prev = op->prev;
        bool folds = op->code == OP_Reduce || op->code == OP_Scan;
        for (unsigned r = op->num_regions; !folds && r-- > 0;)
            changed |= contract_block(pc, op->regions[r]);
        if (is_sum(op) && contract(op)) {
            pass_count(pc, STAT_CONTRACTED, 1);
            changed = true;
        } else if (op->code == OP_MulF && !ir_has_uses(&op->results[0])) {
            ir_op_erase(op);
            changed = true;
        }
    }
    return changed;
}

bool pass_fuse_fma(PassContext *pc, IrKernel *kernel) {
    return kernel->fp_fusion && contract_block(pc, kernel->body);
}
