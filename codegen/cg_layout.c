/* cg_layout.c -- what a thread knows of a layout at run time: its coordinates and what it owns.
 *
 * The hardware word of an element is (register, lane, warp); the layout maps it linearly over GF(2)
 * to the element. So an element is the XOR of a part that depends on the register, a constant here,
 * and a part that depends on the thread, which is computed once, in the entry block, from the
 * thread's number: lane and warp are its low and high bits, and each run of columns that are
 * neighbouring unit vectors is one `(tid >> b & mask) << t` (layouts.md, "apply"). In a one-hot
 * layout the two parts have no bit in common, and the XOR is written `or disjoint`: LLVM then sees
 * a sum whose constant can become the immediate of an address.
 *
 * Example: <64; reg i0 i1; lane i2 i3 i4 i5 .>: the thread's part is (tid & 15) << 2, and register
 * 3 holds element ((tid & 15) << 2) | 3.
 */
#include "codegen/cg.h"

CgLayout *cg_layout(Cg *cg, const Layout *layout) {
    for (size_t i = 0; i < cg->layouts.len; i++)
        if (cg->layouts.data[i]->layout == layout)
            return cg->layouts.data[i];
    CgLayout *facts = ARENA_NEW(cg->arena, CgLayout);
    facts->layout = layout;
    layout_free(layout, facts->free);
    vec_push(cg->arena, &cg->layouts, facts);
    return facts;
}

static LLVMValueRef combine(LLVMBuilderRef b, LLVMValueRef x, LLVMValueRef y, bool disjoint) {
    if (cg_is_const(x, 0))
        return y;
    if (!disjoint)
        return LLVMBuildXor(b, x, y, "");
    LLVMValueRef sum = LLVMBuildOr(b, x, y, "");
    if (LLVMIsAInstruction(sum) != NULL)
        LLVMSetIsDisjoint(sum, 1);
    return sum;
}

/* (value >> from & (2^bits - 1)) moved to bit `to`. */
static LLVMValueRef field(Cg *cg, LLVMBuilderRef b, LLVMValueRef value, unsigned from,
                          unsigned bits, unsigned to) {
    if (from > 0)
        value = LLVMBuildLShr(b, value, cg_i32(cg, from), "");
    value = LLVMBuildAnd(b, value, cg_i32(cg, ((uint32_t)1 << bits) - 1), "");
    return to > 0 ? LLVMBuildShl(b, value, cg_i32(cg, to), "") : value;
}

static unsigned bit_index(uint32_t unit) {
    unsigned index = 0;
    while (unit >> index != 1)
        index++;
    return index;
}

LLVMValueRef cg_apply(Cg *cg, LLVMBuilderRef b, LLVMValueRef value, const uint32_t *columns,
                      unsigned count) {
    LLVMValueRef word = cg_i32(cg, 0);
    uint32_t seen = 0;
    for (unsigned i = 0, bits; i < count; i += bits) {
        uint32_t column = columns[i], covers = column;
        LLVMValueRef part;
        bits = 1;
        if (column == 0)
            continue;
        if ((column & (column - 1)) == 0) {
            while (i + bits < count && columns[i + bits] == column << bits)
                bits++;
            covers = column * (((uint32_t)1 << bits) - 1);
            part = field(cg, b, value, i, bits, bit_index(column));
        } else { /* several bits: all of them where the value's bit is set */
            LLVMValueRef all = LLVMBuildNeg(b, field(cg, b, value, i, 1, 0), "");
            part = LLVMBuildAnd(b, all, cg_i32(cg, column), "");
        }
        word = combine(b, word, part, (seen & covers) == 0);
        seen |= covers;
    }
    return word;
}

LLVMValueRef cg_thread_word(Cg *cg, const uint32_t *columns, unsigned count) {
    return cg_apply(cg, cg->entry, cg->tid, columns, count);
}

LLVMValueRef cg_thread_parity(Cg *cg, uint32_t mask) {
    LLVMValueRef bits = LLVMBuildAnd(cg->entry, cg->tid, cg_i32(cg, mask), "");
    if ((mask & (mask - 1)) != 0) {
        LLVMTypeRef type = cg->type.i32;
        LLVMValueRef count = cg_intrinsic_at(cg, cg->entry, "llvm.ctpop", &type, 1, &bits, 1);
        bits = LLVMBuildAnd(cg->entry, count, cg_i32(cg, 1), "");
    }
    return LLVMBuildICmp(cg->entry, LLVMIntNE, bits, cg_i32(cg, 0), "");
}

static LLVMValueRef thread_coord(Cg *cg, const Layout *layout, unsigned axis) {
    CgLayout *facts = cg_layout(cg, layout);
    if (facts->coord[axis] == NULL) {
        uint32_t columns[LAYOUT_MAX_COLUMNS];
        unsigned count = layout->nin[LL_LANE] + layout->nin[LL_WARP];
        const uint32_t *from = layout_columns(layout, LL_LANE);
        for (unsigned i = 0; i < count; i++)
            columns[i] = layout_coord(layout, from[i], axis);
        facts->coord[axis] = cg_thread_word(cg, columns, count);
    }
    return facts->coord[axis];
}

/* The most that the threads' part of a coordinate can be. */
static uint32_t thread_coord_max(const Layout *layout, unsigned axis) {
    uint32_t bits = 0;
    const uint32_t *columns = layout_columns(layout, LL_LANE);
    for (unsigned i = 0; i < (unsigned)layout->nin[LL_LANE] + layout->nin[LL_WARP]; i++)
        bits |= layout_coord(layout, columns[i], axis);
    return bits;
}

static LLVMValueRef coord_at(Cg *cg, LLVMBuilderRef b, const IrType *type, unsigned reg,
                             unsigned axis) {
    uint32_t word = layout_element(type->layout, reg, 0, 0, 0);
    LLVMValueRef constant = cg_i32(cg, layout_coord(type->layout, word, axis));
    LLVMValueRef thread = thread_coord(cg, type->layout, axis);
    if (cg_is_const(constant, 0))
        return thread;
    return combine(b, thread, constant, true);
}

LLVMValueRef cg_coord(Cg *cg, const IrType *type, unsigned reg, unsigned axis) {
    return coord_at(cg, cg->b, type, reg, axis);
}

LLVMValueRef cg_owner(Cg *cg, const IrType *type) {
    if (!ir_is_tile(type))
        return LLVMBuildICmp(cg->entry, LLVMIntEQ, cg->tid, cg_i32(cg, 0), "first");
    CgLayout *facts = cg_layout(cg, type->layout);
    uint32_t mask = facts->free[LL_LANE] | facts->free[LL_WARP] << LAYOUT_LANE_BITS;
    if (mask == 0)
        return cg_bool(cg, true);
    if (facts->owner == NULL) {
        LLVMValueRef bits = LLVMBuildAnd(cg->entry, cg->tid, cg_i32(cg, mask), "");
        facts->owner = LLVMBuildICmp(cg->entry, LLVMIntEQ, bits, cg_i32(cg, 0), "owner");
    }
    return facts->owner;
}

static LLVMValueRef within_axis(Cg *cg, LLVMBuilderRef b, const IrType *type, unsigned reg,
                                unsigned axis) {
    uint32_t word = layout_element(type->layout, reg, 0, 0, 0);
    uint32_t own = layout_coord(type->layout, word, axis);
    uint64_t extent = (uint64_t)type->shape[axis];
    if (own >= extent)
        return cg_bool(cg, false);
    if ((own | thread_coord_max(type->layout, axis)) < extent)
        return cg_bool(cg, true);
    LLVMValueRef coord = coord_at(cg, b, type, reg, axis);
    return LLVMBuildICmp(b, LLVMIntULT, coord, cg_i32(cg, (uint32_t)extent), "within");
}

LLVMValueRef cg_within_axis(Cg *cg, const IrType *type, unsigned reg, unsigned axis) {
    return within_axis(cg, cg->b, type, reg, axis);
}

LLVMValueRef cg_within(Cg *cg, const IrType *type, unsigned reg) {
    LLVMValueRef within = cg_bool(cg, true);
    for (unsigned axis = 0; ir_is_tile(type) && axis < type->rank; axis++) {
        LLVMValueRef test = within_axis(cg, cg->entry, type, reg, axis);
        if (cg_is_const(within, 1))
            within = test;
        else if (!cg_is_const(test, 1))
            within = LLVMBuildAnd(cg->entry, within, test, "");
    }
    return within;
}

LLVMValueRef cg_and(Cg *cg, LLVMValueRef a, LLVMValueRef b) {
    if (a == NULL || cg_is_const(a, 1))
        return b == NULL ? cg_bool(cg, true) : b;
    if (b == NULL || cg_is_const(b, 1))
        return a;
    return LLVMBuildAnd(cg->b, a, b, "");
}
