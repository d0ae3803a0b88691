/* cg_shared.c -- buffers in shared memory.
 *
 * All buffers are parts of the one dynamic array that a launch gives a block; the passes have
 * assigned offsets. Where an element lies in its buffer, the buffer's layout says: composed with
 * the tile's, it maps each hardware word to an offset, the XOR of a part that the thread decides,
 * computed once, and one that the register decides, which is mostly an immediate. Neighbours in
 * registers and in the buffer move as vectors (ir/layout_convert.h, SharedSide).
 *
 * A buffer has room for the padded tile, and all of it is stored (zeros, where no thread has a
 * value) so that nobody reads what nobody wrote; indices are cut to the padded extents.
 */
#include "codegen/cg.h"

/* The array itself; its alignment is that of the largest unit that hardware knows. */
static LLVMValueRef shared_array(Cg *cg) {
    if (cg->shared == NULL) {
        cg->shared = LLVMAddGlobalInAddressSpace(cg->unit.module, LLVMArrayType2(cg->type.i8, 0),
                                                 "shared_memory", SPACE_SHARED);
        LLVMSetAlignment(cg->shared, 1024);
        LLVMSetLinkage(cg->shared, LLVMExternalLinkage);
    }
    return cg->shared;
}

LLVMValueRef cg_shared_at(Cg *cg, LLVMValueRef buffer, unsigned elem_bytes, LLVMValueRef offset,
                          uint32_t constant) {
    unsigned shift = 0;
    while (((unsigned)1 << shift) < elem_bytes)
        shift++;
    LLVMValueRef bytes = LLVMBuildShl(cg->b, offset, cg_i32(cg, shift), "");
    LLVMValueRef ptr = LLVMBuildGEP2(cg->b, cg->type.i8, buffer, &bytes, 1, "");
    if (constant == 0)
        return ptr;
    LLVMValueRef rest = cg_i32(cg, constant << shift);
    return LLVMBuildGEP2(cg->b, cg->type.i8, ptr, &rest, 1, "");
}

void cg_lower_shared_alloc(Cg *cg, const IrOp *op) {
    int64_t offset = ir_attr_int(op, ATTR_OFFSET);
    if (offset < 0) {
        cg_internal(cg, op, "no offset was assigned");
        offset = 0;
    }
    LLVMValueRef bytes = cg_i32(cg, (uint32_t)offset);
    LLVMValueRef *regs = ARENA_ARRAY(cg->arena, LLVMValueRef, 1);
    regs[0] = LLVMBuildGEP2(cg->entry, cg->type.i8, shared_array(cg), &bytes, 1, "");
    cg_define(cg, ir_result(op, 0), regs);
}

/* ---- whole tiles -------------------------------------------------------------------------------
 */

typedef struct Side {
    SharedSide plan;
    LLVMValueRef buffer, base; /* base: the thread's part of the offset */
    CgAccess access;
    unsigned elem_bytes;
} Side;

static Side begin_side(Cg *cg, const IrValue *buffer, const IrType *tile, bool vectors) {
    Side side = {.buffer = cg_reg(cg, buffer, 0)};
    side.elem_bytes = (unsigned)ir_elem_size(ir_elem(tile));
    side.plan = layout_shared_side(tile->layout, buffer->type->layout, side.elem_bytes, false);
    if (!vectors)
        side.plan.vector = (LayoutVector){.bits = 0};
    const Layout *offsets = &side.plan.offsets;
    side.base = cg_thread_word(cg, layout_columns(offsets, LL_LANE),
                               (unsigned)offsets->nin[LL_LANE] + offsets->nin[LL_WARP]);
    unsigned count = (unsigned)1 << side.plan.vector.bits;
    side.access = (CgAccess){
        .space = SPACE_SHARED, .type = tile, .count = count, .align = count * side.elem_bytes};
    return side;
}

/* The address of the access that begins with register `first`. */
static LLVMValueRef side_address(Cg *cg, const Side *side, unsigned first) {
    uint32_t own = layout_element(&side->plan.offsets, first, 0, 0, 0);
    uint32_t shared = own & side->plan.base_bits;
    LLVMValueRef offset = side->base;
    if (shared != 0)
        offset = LLVMBuildXor(cg->b, offset, cg_i32(cg, shared), "");
    return cg_shared_at(cg, side->buffer, side->elem_bytes, offset, own & ~shared);
}

void cg_lower_shared_store(Cg *cg, const IrOp *op) {
    const IrType *tile = ir_operand(op, 1)->type;
    bool masked = op->num_operands > 2;
    Side side = begin_side(cg, ir_operand(op, 0), tile, !masked);
    LLVMValueRef owner = cg_owner(cg, tile);
    for (unsigned r = 0; r < cg_num_regs(tile); r++) {
        LLVMValueRef elements[16];
        if ((r & side.plan.vector.mask) != 0)
            continue;
        for (unsigned i = 0; i < side.access.count; i++) {
            unsigned reg = layout_vector_reg(&side.plan.vector, r, i);
            elements[i] =
                cg_is_dead(tile, reg) ? cg_const(cg, tile, 0) : cg_reg(cg, ir_operand(op, 1), reg);
        }
        LLVMValueRef predicate =
            cg_and(cg, masked ? cg_reg(cg, ir_operand(op, 2), r) : NULL, owner);
        LLVMValueRef value = cg_pack(cg, tile, elements, side.access.count);
        cg_store(cg, &side.access, side_address(cg, &side, r),
                 cg_is_const(predicate, 1) ? NULL : predicate, value);
    }
}

void cg_lower_shared_load(Cg *cg, const IrOp *op) {
    const IrType *tile = ir_result(op, 0)->type;
    Side side = begin_side(cg, ir_operand(op, 0), tile, true);
    LLVMValueRef *regs = cg_new_regs(cg, tile);
    for (unsigned r = 0; r < cg_num_regs(tile); r++)
        regs[r] = cg_poison(cg, tile);
    for (unsigned r = 0; r < cg_num_regs(tile); r++) {
        LLVMValueRef elements[16];
        if ((r & side.plan.vector.mask) != 0 || cg_is_dead(tile, r))
            continue;
        LLVMValueRef got = cg_load(cg, &side.access, side_address(cg, &side, r), NULL, NULL);
        cg_unpack(cg, tile, got, elements, side.access.count);
        for (unsigned i = 0; i < side.access.count; i++)
            regs[layout_vector_reg(&side.plan.vector, r, i)] = elements[i];
    }
    cg_define(cg, ir_result(op, 0), regs);
}

/* ---- single elements ---------------------------------------------------------------------------
 */

LLVMValueRef cg_index32(Cg *cg, LLVMValueRef index) {
    unsigned width = LLVMGetIntTypeWidth(LLVMTypeOf(index));
    if (width == 32)
        return index;
    return width > 32 ? LLVMBuildTrunc(cg->b, index, cg->type.i32, "")
                      : LLVMBuildZExt(cg->b, index, cg->type.i32, "");
}

bool cg_shared_columns(Cg *cg, const IrOp *op, const Layout *shared, uint32_t *columns) {
    Layout inverse;
    if (!layout_invert(shared, &inverse)) {
        cg_internal(cg, op, "the buffer's layout is not invertible");
        return false;
    }
    for (unsigned i = 0; i < layout_bits(shared); i++)
        columns[i] = inverse.col[i];
    return true;
}

uint32_t cg_offset_of(const uint32_t *columns, uint32_t word) {
    uint32_t offset = 0;
    for (unsigned i = 0; word >> i != 0; i++)
        offset ^= word >> i & 1 ? columns[i] : 0;
    return offset;
}

/* The place of an element in a gather's buffer, the gathered axis left out. */
static uint32_t place_beside(const IrOp *op, const uint32_t *columns, uint32_t word) {
    const IrType *tile = ir_result(op, 0)->type, *buffer = ir_operand(op, 0)->type;
    uint32_t coords[LAYOUT_MAX_RANK];
    for (unsigned d = 0; d < tile->rank; d++)
        coords[d] = layout_coord(tile->layout, word, d);
    coords[ir_attr_int(op, ATTR_AXIS)] = 0;
    return cg_offset_of(columns, layout_word(buffer->layout, coords));
}

/* Elements of a buffer chosen by a tile of indices. */
typedef struct Picker {
    const IrOp *op;
    const uint32_t *columns; /* of the buffer: what each bit of an element's number adds */
    LLVMValueRef base;       /* gather: the thread's part of the offset */
} Picker;
typedef LLVMValueRef PickOffset(Cg *cg, const Picker *picker, unsigned reg, LLVMValueRef index);

/* Loads each element of the result from the offset (in elements) that `offset` computes of the
 * index that its register of operand 1 holds. */
static void load_picked(Cg *cg, const Picker *picker, PickOffset *offset) {
    const IrOp *op = picker->op;
    const IrType *tile = ir_result(op, 0)->type;
    CgAccess access = {.space = SPACE_SHARED, .type = tile, .count = 1};
    access.align = (unsigned)ir_elem_size(ir_elem(tile));
    LLVMValueRef *regs = cg_new_regs(cg, tile);
    for (unsigned r = 0; r < cg_num_regs(tile); r++) {
        regs[r] = cg_poison(cg, tile);
        if (cg_is_dead(tile, r))
            continue;
        LLVMValueRef index = cg_index32(cg, cg_reg(cg, ir_operand(op, 1), r));
        LLVMValueRef at = offset(cg, picker, r, index);
        LLVMValueRef ptr = cg_shared_at(cg, cg_reg(cg, ir_operand(op, 0), 0), access.align, at, 0);
        cg_unpack(cg, tile, cg_load(cg, &access, ptr, NULL, NULL), &regs[r], 1);
    }
    cg_define(cg, ir_result(op, 0), regs);
}

/* The index replaces the coordinate on the axis; the others are those of the element itself. */
static LLVMValueRef gather_offset(Cg *cg, const Picker *picker, unsigned reg, LLVMValueRef index) {
    const Layout *tile = ir_result(picker->op, 0)->type->layout;
    const Layout *buffer = ir_operand(picker->op, 0)->type->layout;
    unsigned axis = (unsigned)ir_attr_int(picker->op, ATTR_AXIS);
    uint32_t own = place_beside(picker->op, picker->columns, layout_element(tile, reg, 0, 0, 0));
    LLVMValueRef offset = cg_apply(
        cg, cg->b, index, picker->columns + layout_axis_shift(buffer, axis), buffer->nout[axis]);
    offset = LLVMBuildXor(cg->b, offset, picker->base, "");
    return LLVMBuildXor(cg->b, offset, cg_i32(cg, own), "");
}

void cg_lower_shared_gather(Cg *cg, const IrOp *op) {
    const IrType *tile = ir_result(op, 0)->type, *buffer = ir_operand(op, 0)->type;
    uint32_t columns[LAYOUT_MAX_BITS], threads[LAYOUT_MAX_COLUMNS];
    if (!cg_shared_columns(cg, op, buffer->layout, columns))
        return;
    const uint32_t *thread_bits = layout_columns(tile->layout, LL_LANE);
    unsigned count = (unsigned)tile->layout->nin[LL_LANE] + tile->layout->nin[LL_WARP];
    for (unsigned i = 0; i < count; i++)
        threads[i] = place_beside(op, columns, thread_bits[i]);
    Picker picker = {op, columns, cg_thread_word(cg, threads, count)};
    load_picked(cg, &picker, gather_offset);
}

static LLVMValueRef numbered_offset(Cg *cg, const Picker *picker, unsigned reg,
                                    LLVMValueRef index) {
    (void)reg;
    unsigned bits = layout_bits(ir_operand(picker->op, 0)->type->layout);
    return cg_apply(cg, cg->b, index, picker->columns, bits);
}

/* Element by element at the place that its number in the padded shape gives. */
void cg_lower_shared_pick(Cg *cg, const IrOp *op) {
    uint32_t columns[LAYOUT_MAX_BITS];
    if (!cg_shared_columns(cg, op, ir_operand(op, 0)->type->layout, columns))
        return;
    Picker picker = {op, columns, NULL};
    load_picked(cg, &picker, numbered_offset);
}

void cg_lower_shared_count(Cg *cg, const IrOp *op) {
    const IrType *index_type = ir_operand(op, 1)->type, *buffer = ir_operand(op, 0)->type;
    uint32_t columns[LAYOUT_MAX_BITS];
    if (!cg_shared_columns(cg, op, buffer->layout, columns))
        return;
    LLVMValueRef owner = cg_owner(cg, index_type);
    for (unsigned r = 0; r < cg_num_regs(index_type); r++) {
        if (cg_is_dead(index_type, r))
            continue;
        LLVMValueRef index = cg_reg(cg, ir_operand(op, 1), r);
        LLVMValueRef wide = LLVMBuildSExtOrBitCast(cg->b, index, cg->type.i64, "");
        LLVMValueRef counts = cg_and(cg, cg_within(cg, index_type, r), owner);
        if (op->num_operands > 2)
            counts = cg_and(cg, counts, cg_reg(cg, ir_operand(op, 2), r));
        LLVMValueRef limit = cg_i64(cg, (uint64_t)buffer->shape[0]);
        counts = cg_and(cg, counts, LLVMBuildICmp(cg->b, LLVMIntULT, wide, limit, ""));
        LLVMValueRef offset =
            cg_apply(cg, cg->b, cg_index32(cg, index), columns, buffer->layout->nout[0]);
        LLVMValueRef ptr = cg_shared_at(cg, cg_reg(cg, ir_operand(op, 0), 0), 4, offset, 0);
        LLVMValueRef args[] = {ptr, counts};
        cg_asm(cg, "@$1 red.shared.add.u32 [$0], 1;", "r,b,~{memory}", cg->type.none, args, 2,
               true);
    }
}
