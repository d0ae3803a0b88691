/* mask_uniform.c -- compute masks that are equal in every element once, as scalars.
 *
 * In:     verified tile IR
 * Out:    a comparison of tiles that axis analysis finds constant over the whole tile is the
 *         comparison of the first elements, and a splat; logic on such masks is logic on scalars
 * Keeps:  every number, on the assumptions of axis analysis
 * Cost:   O(operations)
 * Why:    a mask that is one bit needs no registers of its own; mask-branch can branch on it
 * Before:
 *     %c8 = const 8 : i32
 *     %start = muli %x, %c8 : i32
 *     %n = muli %y, %c8 : i32
 *     %base = splat %start : tile<8xi32>
 *     %lane = arange 0, 8 : tile<8xi32>
 *     %offs = addi %base, %lane : tile<8xi32>
 *     %limit = splat %n : tile<8xi32>
 *     %mask = cmpi slt, %offs, %limit : tile<8xi1>
 *     %ptrs = splat %p : tile<8xptr<i32>>
 *     store %ptrs, %lane, %mask
 *     return
 * After:
 *     %c8 = const 8 : i32
 *     %start = muli %x, %c8 : i32
 *     %n = muli %y, %c8 : i32
 *     %lane = arange 0, 8 : tile<8xi32>
 *     %c0 = const 0 : i32
 *     %0 = addi %start, %c0 : i32
 *     %1 = cmpi slt, %0, %n : i1
 *     %mask = splat %1 : tile<8xi1>
 *     %ptrs = splat %p : tile<8xptr<i32>>
 *     store %ptrs, %lane, %mask
 *     return
 * Not:    masks constant over parts of the tile, which keep their vectors as they are; `<=`, which
 *         differs in the first element of a block; tiles whose size is no power of two
 *                                                        (tests/passes/mask-uniform/not.tkir)
 *
 * Algorithm: a walk in order. start + [0, 8) < n, all multiples of 8, means start < n: the axis
 * analysis says so by a constancy as long as the tile. The first element of a tile follows from
 * those of what it is made of.
 */
#include "passes/axis.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

enum { MAX_OPERATIONS = 16, MAX_OPERANDS = 3 };

typedef struct Uniform {
    PassContext *pc;
    const AxisAnalysis *axis;
    bool changed;
} Uniform;

/* ---- the first element ----------------------------------------------------------------------- */

static bool is_view(const IrOp *op) { /* its first element is its operand's */
    return op->code == OP_Splat || op->code == OP_Broadcast || op->code == OP_ExpandDims ||
           op->code == OP_Reshape || op->code == OP_Permute;
}

static bool is_computed(const IrOp *op) {
    unsigned traits = IR_PURE | IR_ELT;
    return (ir_info(op)->traits & traits) == traits && ir_is_int(op->results[0].type) &&
           op->num_operands <= MAX_OPERANDS;
}

/* Whether the first element of `value` can be computed in at most *budget operations. */
static bool has_first(const IrValue *value, unsigned *budget) {
    const IrOp *op = value->def;
    if (!ir_is_tile(value->type))
        return true;
    if (!op || !ir_is_int(value->type) || *budget == 0)
        return false;
    if (is_view(op))
        return has_first(ir_operand(op, 0), budget);
    --*budget;
    if (op->code == OP_Const || op->code == OP_Arange)
        return true;
    for (unsigned i = 0; i < op->num_operands; i++) {
        if (!is_computed(op) || !has_first(ir_operand(op, i), budget))
            return false;
    }
    return is_computed(op);
}

static IrValue *first_of(IrBuilder *b, IrValue *value) {
    IrOp *op = value->def;
    if (!ir_is_tile(value->type))
        return value;
    if (is_view(op))
        return first_of(b, ir_operand(op, 0));
    const IrType *type = ir_elem(value->type);
    if (op->code == OP_Const)
        return ir_const_bits(b, type, ir_attr(op, ATTR_VALUE)->u.bits);
    if (op->code == OP_Arange)
        return ir_const_int(b, type, ir_attr_int(op, ATTR_START));
    IrValue *operands[MAX_OPERANDS];
    for (unsigned i = 0; i < op->num_operands; i++)
        operands[i] = first_of(b, ir_operand(op, i));
    IrOp *scalar = ir_build(b, op->code, operands, op->num_operands, &type, 1);
    ir_copy_attrs(b->module, op, scalar);
    return ir_result(scalar, 0);
}

/* ---- masks ----------------------------------------------------------------------------------- */

static bool is_splat(const IrValue *value) {
    while (value->def && ir_is_tile(value->type) && is_view(value->def))
        value = ir_operand(value->def, 0);
    return !ir_is_tile(value->type) || (value->def && value->def->code == OP_Const);
}

static bool is_constant_over_tile(const Uniform *u, const IrOp *op) {
    const IrType *type = op->results[0].type;
    const AxisInfo *info = axis_info(u->axis, &op->results[0]);
    bool whole = true, splats = true;
    for (unsigned d = 0; d < type->rank; d++)
        whole &= info->constancy[d] == type->shape[d];
    for (unsigned i = 0; i < op->num_operands; i++)
        splats &= is_splat(ir_operand(op, i));
    return splats || (whole && op->code == OP_CmpI);
}

static bool make_scalar(IrOp *op, void *data) {
    Uniform *u = data;
    unsigned budget = MAX_OPERATIONS;
    bool is_mask =
        op->code == OP_CmpI || op->code == OP_AndI || op->code == OP_OrI || op->code == OP_XorI;
    if (!is_mask || !ir_is_tile(op->results[0].type) || ir_bits(op->results[0].type) != 1 ||
        !is_constant_over_tile(u, op) || !has_first(&op->results[0], &budget))
        return true;
    IrBuilder b = rewrite_before(op);
    const IrType *type = op->results[0].type;
    IrValue *mask = ir_splat(&b, first_of(&b, &op->results[0]), type->shape, type->rank);
    rewrite_replace(&op->results[0], mask);
    rewrite_erase(op);
    pass_count(u->pc, STAT_MASKS_UNIFORM, 1);
    u->changed = true;
    return true;
}

bool pass_mask_uniform(PassContext *pc, IrKernel *kernel) {
    Uniform u = {.pc = pc, .axis = axis_analyse(pc->scratch, kernel)};
    ir_walk(kernel->body, make_scalar, &u);
    return u.changed;
}
