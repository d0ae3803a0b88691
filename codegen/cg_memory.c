/* cg_memory.c -- loads and stores of global memory, as wide as the layout allows.
 *
 * The passes have found, for each load and store, `vector` elements that neighbour one another
 * along the axis `along`: the layout has them in registers of one thread, their addresses are
 * consecutive and aligned, their mask is one. Each such group is one access of up to 16 bytes.
 *
 * The predicate of an access is its mask, and that its elements lie within the true extents; a
 * store's, besides, that the thread owns them: several may hold the same.
 *
 *     load %p, %m, vector = 4        @%p1 ld.global.v4.b32 {%r1, %r2, %r3, %r4}, [%rd1];
 *
 * Cache operators and eviction priorities as in Triton: `evict` names the priority in L1, and gives
 * L2 a policy made by createpolicy (PTX ISA, "Cache Eviction Priority Hints").
 */
#include "codegen/cg.h"

enum { MAX_ACCESS = 16 }; /* bytes */

LLVMValueRef cg_addptr(Cg *cg, const IrOp *op, LLVMValueRef *args) {
    const IrType *pointee = ir_elem(ir_operand(op, 0)->type)->elem;
    bool is_unsigned = ir_attr_int(op, ATTR_UNSIGNED) != 0;
    LLVMValueRef offset = args[1];
    if (LLVMTypeOf(offset) == cg->type.i1)
        is_unsigned = true;
    if (LLVMTypeOf(offset) != cg->type.i64)
        offset = is_unsigned ? LLVMBuildZExt(cg->b, offset, cg->type.i64, "")
                             : LLVMBuildSExt(cg->b, offset, cg->type.i64, "");
    return LLVMBuildGEP2(cg->b, cg_memory_type(cg, pointee), args[0], &offset, 1, "");
}

/* ---- groups ------------------------------------------------------------------------------------
 */

typedef struct Group {
    const IrOp *op;
    LayoutVector vector;
    CgAccess access;
    CodegenAccess record;
} Group;

/* Elements along an axis come in whole groups of at most so many within the true extent. */
static unsigned whole_groups(int64_t extent, unsigned width) {
    while (extent % width != 0)
        width /= 2;
    return width;
}

static void plan_vector(Cg *cg, const IrOp *op, const IrType *type, Group *group) {
    unsigned width = (unsigned)ir_attr_int(op, ATTR_VECTOR), bits = 0;
    unsigned axis = (unsigned)ir_attr_int(op, ATTR_ALONG);
    group->access.count = 1;
    if (!ir_is_tile(type) || width <= 1)
        return;
    width = whole_groups(type->shape[axis], width);
    while (width * ir_elem_size(ir_elem(type)) > MAX_ACCESS)
        width /= 2;
    while ((unsigned)1 << bits < width)
        bits++;
    if (bits > layout_axis_run_bits(type->layout, axis)) {
        cg_internal(cg, op, "the layout does not hold vectors of %u", width);
        return;
    }
    group->vector = layout_vector(type->layout, axis, bits);
    group->access.count = width;
}

static Group begin_group(Cg *cg, const IrOp *op, const IrType *type) {
    Group group = {.op = op, .access = {.space = SPACE_GLOBAL, .type = type}};
    plan_vector(cg, op, type, &group);
    group.access.align = group.access.count * (unsigned)ir_elem_size(ir_elem(type));
    cg_access_hints(cg, &group.access, op);
    group.record = (CodegenAccess){.op = op, .bytes = group.access.align};
    return group;
}

/* The predicate of an access, NULL if it always happens; counts it. */
static LLVMValueRef finish_predicate(Group *group, LLVMValueRef predicate) {
    bool always = cg_is_const(predicate, 1);
    group->record.count++;
    group->record.predicated |= !always;
    return always ? NULL : predicate;
}

static LLVMValueRef mask_of(const Cg *cg, const Group *group, unsigned operand, unsigned reg) {
    return group->op->num_operands > operand ? cg_reg(cg, ir_operand(group->op, operand), reg)
                                             : NULL;
}

/* ---- load --------------------------------------------------------------------------------------
 */

static void load_group(Cg *cg, Group *group, unsigned first, LLVMValueRef *regs) {
    const IrOp *op = group->op;
    const IrType *type = group->access.type;
    unsigned count = group->access.count;
    LLVMValueRef elements[MAX_ACCESS], otherwise = NULL;
    LLVMValueRef within = cg_within(cg, type, first);
    LLVMValueRef predicate =
        finish_predicate(group, cg_and(cg, mask_of(cg, group, 1, first), within));
    if (predicate != NULL) {
        for (unsigned i = 0; i < count; i++) {
            unsigned reg = layout_vector_reg(&group->vector, first, i);
            elements[i] =
                op->num_operands > 2 ? cg_reg(cg, ir_operand(op, 2), reg) : cg_const(cg, type, 0);
        }
        otherwise = cg_pack(cg, type, elements, count);
    }
    LLVMValueRef ptr = cg_reg(cg, ir_operand(op, 0), first);
    LLVMValueRef got = cg_load(cg, &group->access, ptr, predicate, otherwise);
    cg_unpack(cg, type, got, elements, count);
    for (unsigned i = 0; i < count; i++)
        regs[layout_vector_reg(&group->vector, first, i)] = elements[i];
}

void cg_lower_load(Cg *cg, const IrOp *op) {
    const IrType *type = ir_result(op, 0)->type;
    Group group = begin_group(cg, op, type);
    LLVMValueRef *regs = cg_new_regs(cg, type);
    for (unsigned r = 0; r < cg_num_regs(type); r++) {
        if (cg_is_dead(type, r))
            regs[r] = cg_poison(cg, type);
        else if ((r & group.vector.mask) == 0)
            load_group(cg, &group, r, regs);
    }
    vec_push(cg->arena, &cg->accesses, group.record);
    cg_define(cg, ir_result(op, 0), regs);
}

/* ---- store -------------------------------------------------------------------------------------
 */

static void store_group(Cg *cg, Group *group, unsigned first) {
    const IrOp *op = group->op;
    const IrType *type = group->access.type;
    LLVMValueRef elements[MAX_ACCESS];
    LLVMValueRef concerned = cg_and(cg, cg_within(cg, type, first), cg_owner(cg, type));
    LLVMValueRef predicate =
        finish_predicate(group, cg_and(cg, mask_of(cg, group, 2, first), concerned));
    for (unsigned i = 0; i < group->access.count; i++)
        elements[i] = cg_reg(cg, ir_operand(op, 1), layout_vector_reg(&group->vector, first, i));
    LLVMValueRef value = cg_pack(cg, type, elements, group->access.count);
    cg_store(cg, &group->access, cg_reg(cg, ir_operand(op, 0), first), predicate, value);
}

void cg_lower_store(Cg *cg, const IrOp *op) {
    const IrType *type = ir_operand(op, 1)->type;
    Group group = begin_group(cg, op, type);
    for (unsigned r = 0; r < cg_num_regs(type); r++)
        if (!cg_is_dead(type, r) && (r & group.vector.mask) == 0)
            store_group(cg, &group, r);
    vec_push(cg->arena, &cg->accesses, group.record);
}
