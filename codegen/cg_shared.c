/* cg_shared.c -- buffers in shared memory.
 *
 * All buffers are parts of the one dynamic array that a launch gives a block; the passes have
 * assigned offsets. Where an element lies in its buffer, the buffer's layout says: composed with
 * the tile's, it maps each hardware word to an offset, the XOR of a part that the thread decides,
 * computed once, and one that the register decides, which is mostly an immediate. Neighbours in
 * registers and in the buffer move as vectors, and what tensor cores take as matrices
 * (ir/layout_convert.h, SharedSide; cg_matrix.c).
 *
 * A buffer has room for the padded tile, and all of it is stored (zeros, where no thread has a
 * value) so that nobody reads what nobody wrote; indices are cut to the padded extents.
 */
#include <string.h>

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

CgSharedSide cg_shared_side(Cg *cg, const IrValue *buffer, const Layout *tile, bool matrix) {
    return cg_shared_side_of(cg, buffer, tile, matrix, NULL);
}

CgSharedSide cg_shared_side_of(Cg *cg, const IrValue *buffer, const Layout *tile, bool matrix,
                               const IrValue *loaded) {
    CgSharedSide side = {.type = buffer->type, .buffer = cg_reg(cg, buffer, 0)};
    side.elem_bytes = (unsigned)ir_elem_size(ir_elem(side.type));
    side.plan = layout_shared_side(tile, side.type->layout, side.elem_bytes, matrix);
    const Layout *offsets = &side.plan.offsets;
    uint32_t columns[LAYOUT_MAX_COLUMNS];
    unsigned count = (unsigned)offsets->nin[LL_LANE] + offsets->nin[LL_WARP];
    memcpy(columns, layout_columns(offsets, LL_LANE), count * sizeof *columns);
    if (side.plan.op == SHARED_VECTOR) {
        side.inside = side.plan.vector.mask;
        side.count = (unsigned)1 << side.plan.vector.bits;
    } else {
        if (loaded != NULL)
            cg_matrix_choose(&side, loaded);
        cg_matrix_columns(&side, columns);
    }
    for (unsigned i = 0; i < count; i++)
        side.base_bits |= columns[i];
    side.base = cg_thread_word(cg, columns, count);
    return side;
}

void cg_shared_narrow(CgSharedSide *side, unsigned bits) {
    LayoutVector *vector = &side->plan.vector;
    for (unsigned i = bits; i < vector->bits; i++)
        vector->mask &= ~((uint32_t)1 << vector->reg_bit[i]);
    vector->bits = bits;
    side->inside = vector->mask;
    side->count = (unsigned)1 << bits;
}

static CgAccess side_access(const CgSharedSide *side) {
    return (CgAccess){.space = SPACE_SHARED,
                      .type = side->type,
                      .count = side->count,
                      .align = side->count * side->elem_bytes};
}

/* The address of the access that begins with register `first`. */
LLVMValueRef cg_shared_address(Cg *cg, const CgSharedSide *side, unsigned first) {
    uint32_t own = layout_element(&side->plan.offsets, first, 0, 0, 0);
    uint32_t shared = own & side->base_bits;
    LLVMValueRef offset = side->base;
    if (shared != 0)
        offset = LLVMBuildXor(cg->b, offset, cg_i32(cg, shared), "");
    return cg_shared_at(cg, side->buffer, side->elem_bytes, offset, own & ~shared);
}

/* Element `i` of the access that begins with register `first`. */
static unsigned side_reg(const CgSharedSide *side, unsigned first, unsigned i) {
    return side->plan.op == SHARED_VECTOR ? layout_vector_reg(&side->plan.vector, first, i)
                                          : cg_matrix_reg(side, first, i);
}

void cg_shared_load_at(Cg *cg, const CgSharedSide *side, unsigned first, LLVMValueRef *regs) {
    LLVMValueRef elements[CG_SHARED_MOST], address = cg_shared_address(cg, side, first);
    CgAccess access = side_access(side);
    if (side->plan.op == SHARED_VECTOR)
        cg_unpack(cg, side->type, cg_load(cg, &access, address, NULL, NULL), elements, side->count);
    else
        cg_load_matrix(cg, side, address, elements);
    for (unsigned i = 0; i < side->count; i++)
        regs[side_reg(side, first, i)] = elements[i];
}

static void store_at(Cg *cg, const CgSharedSide *side, unsigned first, const IrValue *value,
                     LLVMValueRef predicate) {
    const IrType *tile = value->type;
    LLVMValueRef elements[CG_SHARED_MOST], address = cg_shared_address(cg, side, first);
    CgAccess access = side_access(side);
    for (unsigned i = 0; i < side->count; i++) {
        unsigned reg = side_reg(side, first, i);
        elements[i] = cg_is_dead(tile, reg) ? cg_const(cg, tile, 0) : cg_reg(cg, value, reg);
    }
    if (cg_is_const(predicate, 1))
        predicate = NULL;
    if (side->plan.op == SHARED_VECTOR)
        cg_store(cg, &access, address, predicate, cg_pack(cg, side->type, elements, side->count));
    else
        cg_store_matrix(cg, side, address, predicate, elements);
}

void cg_lower_shared_store(Cg *cg, const IrOp *op) {
    const IrValue *buffer = ir_operand(op, 0), *value = ir_operand(op, 1);
    const IrValue *mask = op->num_operands > 2 ? ir_operand(op, 2) : NULL;
    const IrType *tile = value->type;
    bool matrix = mask == NULL && cg->arch >= LAYOUT_STMATRIX_ARCH;
    CgSharedSide side = cg_shared_side(cg, buffer, tile->layout, matrix);
    if (mask != NULL)
        cg_shared_narrow(&side, 0);
    LLVMValueRef owner = cg_owner(cg, tile);
    for (unsigned r = 0; r < cg_num_regs(tile); r++)
        if ((r & side.inside) == 0)
            store_at(cg, &side, r, value,
                     cg_and(cg, mask != NULL ? cg_reg(cg, mask, r) : NULL, owner));
}

void cg_lower_shared_load(Cg *cg, const IrOp *op) {
    const IrType *tile = ir_result(op, 0)->type;
    if (cg_mma_loads(op))
        return;
    bool matrix = cg->arch >= LAYOUT_LDMATRIX_ARCH;
    CgSharedSide side =
        cg_shared_side_of(cg, ir_operand(op, 0), tile->layout, matrix, ir_result(op, 0));
    LLVMValueRef *regs = cg_new_regs(cg, tile);
    for (unsigned r = 0; r < cg_num_regs(tile); r++)
        regs[r] = cg_poison(cg, tile);
    for (unsigned r = 0; r < cg_num_regs(tile); r++)
        if ((r & side.inside) == 0 && !cg_is_dead(tile, r))
            cg_shared_load_at(cg, &side, r, regs);
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
