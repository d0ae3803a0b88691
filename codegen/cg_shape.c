/* cg_shape.c -- positions, and the operations that only rename elements: no code, or next to none.
 *
 * A relabeling (reshape, permute, broadcast ...) moves nothing between threads: the layouts of
 * operand and result are such that a thread's result elements are among its operand elements. So
 * each result register *is* an operand register: take the element that the result register holds in
 * thread 0, undo the relabeling on its coordinates, and look up the register of the operand that
 * holds that element there (layout_find_reg); since the layouts are linear and agree on threads,
 * what is right in thread 0 is right in all.
 *
 * Example: %c = expand_dims %a, axis = 1, %a: <4; reg i0 i1; ...>: register 2 of %c is element (2,
 * 0), element 2 of %a, register 2 of %a.
 */
#include "codegen/cg.h"

void cg_lower_const(Cg *cg, const IrOp *op) {
    const IrValue *result = ir_result(op, 0);
    LLVMValueRef *regs = cg_new_regs(cg, result->type);
    LLVMValueRef value = cg_const(cg, result->type, ir_attr(op, ATTR_VALUE)->u.bits);
    for (unsigned r = 0; r < cg_num_regs(result->type); r++)
        regs[r] = value;
    cg_define(cg, result, regs);
}

void cg_lower_program(Cg *cg, const IrOp *op) {
    static const char *const ids[] = {"llvm.nvvm.read.ptx.sreg.ctaid.x",
                                      "llvm.nvvm.read.ptx.sreg.ctaid.y",
                                      "llvm.nvvm.read.ptx.sreg.ctaid.z"};
    static const char *const counts[] = {"llvm.nvvm.read.ptx.sreg.nctaid.x",
                                         "llvm.nvvm.read.ptx.sreg.nctaid.y",
                                         "llvm.nvvm.read.ptx.sreg.nctaid.z"};
    const char *const *names = op->code == OP_ProgramId ? ids : counts;
    LLVMValueRef *regs = cg_new_regs(cg, ir_result(op, 0)->type);
    regs[0] = cg_intrinsic(cg, names[ir_attr_int(op, ATTR_AXIS)], NULL, 0, NULL, 0);
    cg_define(cg, ir_result(op, 0), regs);
}

void cg_lower_arange(Cg *cg, const IrOp *op) {
    const IrType *type = ir_result(op, 0)->type;
    LLVMValueRef *regs = cg_new_regs(cg, type);
    uint32_t start = (uint32_t)ir_attr_int(op, ATTR_START);
    for (unsigned r = 0; r < cg_num_regs(type); r++) {
        regs[r] = cg_coord(cg, type, r, 0);
        if (start != 0)
            regs[r] = LLVMBuildNSWAdd(cg->b, regs[r], cg_i32(cg, start), "");
    }
    cg_define(cg, ir_result(op, 0), regs);
}

void cg_lower_splat(Cg *cg, const IrOp *op) {
    const IrType *type = ir_result(op, 0)->type;
    LLVMValueRef *regs = cg_new_regs(cg, type);
    for (unsigned r = 0; r < cg_num_regs(type); r++)
        regs[r] = cg_reg(cg, ir_operand(op, 0), 0);
    cg_define(cg, ir_result(op, 0), regs);
}

void cg_lower_unsplat(Cg *cg, const IrOp *op) {
    LLVMValueRef *regs = cg_new_regs(cg, ir_result(op, 0)->type);
    regs[0] = cg_reg(cg, ir_operand(op, 0), 0);
    cg_define(cg, ir_result(op, 0), regs);
}

/* ---- relabelings -------------------------------------------------------------------------------
 */

typedef struct Place {
    unsigned operand;                /* which operand */
    uint32_t coord[LAYOUT_MAX_RANK]; /* the element in it */
} Place;

static void take_axis_out(Place *place, unsigned rank, unsigned axis) {
    for (unsigned d = axis; d + 1 < rank; d++)
        place->coord[d] = place->coord[d + 1];
}

/* From the element of the result (in place->coord) to that of the operand. */
static void undo_relabeling(const IrOp *op, Place *place) {
    const IrType *from = ir_operand(op, 0)->type, *to = ir_result(op, 0)->type;
    switch ((int)op->code) { /* the relabelings */
    case OP_ExpandDims:
        take_axis_out(place, to->rank, (unsigned)ir_attr_int(op, ATTR_AXIS));
        break;
    case OP_Broadcast:
        for (unsigned d = 0; d < from->rank; d++)
            if (from->shape[d] == 1)
                place->coord[d] = 0;
        break;
    case OP_Permute: {
        Place result = *place;
        IrInts order = ir_attr(op, ATTR_ORDER)->u.ints;
        for (unsigned d = 0; d < to->rank; d++)
            place->coord[order.items[d]] = result.coord[d];
        break;
    }
    case OP_Join:
        place->operand = place->coord[to->rank - 1];
        break;
    case OP_Cat: {
        unsigned axis = (unsigned)ir_attr_int(op, ATTR_AXIS);
        uint32_t first = (uint32_t)from->shape[axis];
        if (place->coord[axis] >= first) {
            place->operand = 1;
            place->coord[axis] -= first;
        }
        break;
    }
    default:
        break;
    }
}

static LLVMValueRef relabeled(Cg *cg, const IrOp *op, unsigned reg) {
    const IrType *from = ir_operand(op, 0)->type, *to = ir_result(op, 0)->type;
    uint32_t word = layout_element(to->layout, reg, 0, 0, 0);
    Place place = {.operand = 0};
    if (op->code != OP_Reshape) { /* which keeps the word, since it is row-major */
        for (unsigned d = 0; d < to->rank; d++)
            place.coord[d] = layout_coord(to->layout, word, d);
        undo_relabeling(op, &place);
        word = layout_word(from->layout, place.coord);
    }
    uint32_t source;
    if (!layout_find_reg(from->layout, word, &source)) {
        cg_internal(cg, op, "register %u of the result is in no register of the operand", reg);
        source = 0;
    }
    return cg_reg(cg, ir_operand(op, place.operand), source);
}

void cg_lower_relabel(Cg *cg, const IrOp *op) {
    const IrType *type = ir_result(op, 0)->type;
    LLVMValueRef *regs = cg_new_regs(cg, type);
    for (unsigned r = 0; r < cg_num_regs(type); r++)
        regs[r] = cg_is_dead(type, r) ? cg_poison(cg, type) : relabeled(cg, op, r);
    cg_define(cg, ir_result(op, 0), regs);
}

void cg_lower_split(Cg *cg, const IrOp *op) {
    const IrType *from = ir_operand(op, 0)->type, *to = ir_result(op, 0)->type;
    for (unsigned half = 0; half < 2; half++) {
        LLVMValueRef *regs = cg_new_regs(cg, to);
        for (unsigned r = 0; r < cg_num_regs(to); r++) {
            uint32_t word = layout_element(to->layout, r, 0, 0, 0) << 1 | half, source = 0;
            if (!layout_find_reg(from->layout, word, &source))
                cg_internal(cg, op, "register %u of half %u is in no register", r, half);
            regs[r] = cg_reg(cg, ir_operand(op, 0), source);
        }
        cg_define(cg, ir_result(op, half), regs);
    }
}
