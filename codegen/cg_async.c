/* cg_async.c -- copies from global to shared memory in the background (cp.async).
 *
 * Each thread copies the elements that it owns by the layout of the pointers, as many at once as
 * are neighbours in both memories (ir/buffers.h). A condition of the whole tile is the
 * instruction's predicate. A mask, and the tile's true extents, make it read nothing and write
 * zeros: the size of what is read is 0 then.
 *
 *     async_copy %p, %slot, %more, %m, vector = 8
 *         @%p1 cp.async.cg.shared.global [%r1], [%rd1], 16, %r2;
 *
 * Copies of 16 bytes pass by L1 (`cg`) unless the program asks for `ca`; smaller ones cannot.
 */
#include "codegen/cg.h"
#include "ir/buffers.h"

void cg_lower_shared_slot(Cg *cg, const IrOp *op) {
    const IrValue *buffer = ir_operand(op, 0);
    LLVMValueRef stride = cg_i32(cg, (uint32_t)ir_buffer_stride(buffer->type));
    LLVMValueRef bytes = LLVMBuildMul(cg->b, cg_reg(cg, ir_operand(op, 1), 0), stride, "");
    LLVMValueRef *regs = ARENA_ARRAY(cg->arena, LLVMValueRef, 1);
    regs[0] = LLVMBuildGEP2(cg->b, cg->type.i8, cg_reg(cg, buffer, 0), &bytes, 1, "slot");
    cg_define(cg, ir_result(op, 0), regs);
}

/* ---- copies ------------------------------------------------------------------------------------
 */

typedef struct Copier {
    const IrOp *op;
    const IrType *ptrs;
    AsyncVector plan;
    LLVMValueRef predicate; /* NULL: always */
    CgAccess access;
    CgSharedSide side;
    CodegenAccess record;
} Copier;

static Copier begin_copy(Cg *cg, const IrOp *op) {
    const IrType *ptrs = ir_operand(op, 0)->type, *buffer = ir_operand(op, 1)->type;
    Copier c = {.op = op, .ptrs = ptrs, .access = {.space = SPACE_GLOBAL, .type = ptrs}};
    if (!ir_async_vector(ptrs, buffer, ir_attr_int(op, ATTR_VECTOR),
                         (unsigned)ir_attr_int(op, ATTR_ALONG), &c.plan))
        cg_internal(cg, op, "copies of %u bytes do not exist", c.plan.bytes);
    c.side = cg_shared_side(cg, ir_operand(op, 1), ptrs->layout, false);
    LLVMValueRef happens = cg_and(cg, cg_reg(cg, ir_operand(op, 2), 0), cg_owner(cg, ptrs));
    c.predicate = cg_is_const(happens, 1) ? NULL : happens;
    cg_access_hints(cg, &c.access, op);
    c.record = (CodegenAccess){.op = op, .bytes = c.plan.bytes};
    return c;
}

/* Bytes that are read; NULL: all. */
static LLVMValueRef bytes_read(Cg *cg, const Copier *c, unsigned first) {
    const IrValue *mask = c->op->num_operands > 3 ? ir_operand(c->op, 3) : NULL;
    if (cg_is_dead(c->ptrs, first))
        return cg_i32(cg, 0);
    LLVMValueRef within = cg_within(cg, c->ptrs, first);
    LLVMValueRef reads = cg_and(cg, mask ? cg_reg(cg, mask, first) : NULL, within);
    if (cg_is_const(reads, 1))
        return NULL;
    return LLVMBuildSelect(cg->b, reads, cg_i32(cg, c->plan.bytes), cg_i32(cg, 0), "");
}

/* The vector that begins with register `first`. */
static void copy_vector(Cg *cg, Copier *c, unsigned first) {
    LLVMValueRef from = LLVMConstNull(cg->type.global), args[5];
    if (!cg_is_dead(c->ptrs, first))
        from = cg_reg(cg, ir_operand(c->op, 0), first);
    LLVMValueRef size = bytes_read(cg, c, first);
    StrBuf text = STRBUF(cg->arena), constraints = STRBUF(cg->arena);
    unsigned count = 0;
    args[count++] = cg_shared_address(cg, &c->side, first);
    args[count++] = from;
    strbuf_puts(&constraints, "r,l");
    if (c->predicate != NULL) {
        strbuf_printf(&text, "@$%u ", count);
        args[count++] = c->predicate;
        strbuf_puts(&constraints, ",b");
    }
    bool bypass = c->plan.bytes == ASYNC_MAX_BYTES && c->access.cache != CACHE_CA;
    strbuf_printf(&text, "cp.async.%s.shared.global%s [$0], [$1], %u", bypass ? "cg" : "ca",
                  c->access.policy != NULL ? ".L2::cache_hint" : "", c->plan.bytes);
    if (size != NULL) {
        strbuf_printf(&text, ", $%u", count);
        args[count++] = size;
        strbuf_puts(&constraints, ",r");
    }
    if (c->access.policy != NULL) {
        strbuf_printf(&text, ", $%u", count);
        args[count++] = c->access.policy;
        strbuf_puts(&constraints, ",l");
    }
    strbuf_puts(&text, ";");
    strbuf_puts(&constraints, ",~{memory}");
    cg_asm(cg, strbuf_str(&text), strbuf_str(&constraints), cg->type.none, args, count, true);
    c->record.count++;
    c->record.predicated |= size != NULL;
}

/* The copies of the first trips, in front of a loop, are those of the loop. */
static bool is_recorded(const Cg *cg, const IrOp *op) {
    for (size_t i = 0; i < cg->accesses.len; i++) {
        const IrOp *other = cg->accesses.data[i].op;
        if (other->code == OP_AsyncCopy && other->range.lo == op->range.lo &&
            ir_buffer_alloc(ir_operand(other, 1)) == ir_buffer_alloc(ir_operand(op, 1)))
            return true;
    }
    return false;
}

void cg_lower_async_copy(Cg *cg, const IrOp *op) {
    Copier c = begin_copy(cg, op);
    for (unsigned r = 0; r < cg_num_regs(c.ptrs); r++)
        if ((r & c.plan.vector.mask) == 0)
            copy_vector(cg, &c, r);
    if (!is_recorded(cg, op))
        vec_push(cg->arena, &cg->accesses, c.record);
}

/* ---- groups ------------------------------------------------------------------------------------
 */

void cg_lower_async_commit(Cg *cg, const IrOp *op) {
    (void)op;
    cg_asm(cg, "cp.async.commit_group;", "~{memory}", cg->type.none, NULL, 0, true);
}

void cg_lower_async_wait(Cg *cg, const IrOp *op) {
    unsigned pending = (unsigned)ir_attr_int(op, ATTR_PENDING);
    const char *text = arena_printf(cg->arena, "cp.async.wait_group %u;", pending);
    cg_asm(cg, text, "~{memory}", cg->type.none, NULL, 0, true);
}
