/* cg_matrix.c -- ldmatrix and stmatrix: tiles whose layout is that of tensor cores.
 *
 * One instruction moves up to four matrices of 8 rows of 16 bytes; lane l supplies the address of
 * row l & 7 of matrix l >> 3, and holds 32 bits of each. Which elements those are, the plan says
 * (ir/layout_convert.h, SharedSide): the address of the instruction that begins with register
 * `first` is the XOR of a part that the lane decides, as always, and one that `first` decides.
 *
 * Example: f16, <16x16; reg j0 j3 i3; lane j1 j2 i0 i1 i2> in rows of 16: one ldmatrix.x4, whose
 * lanes 0 to 7 address rows 0 to 7, and 8 to 15 the same rows 16 bytes on.
 */
#include <string.h>

#include "codegen/cg.h"

void cg_matrix_columns(CgSharedSide *side, uint32_t *columns) {
    const SharedSide *plan = &side->plan;
    for (unsigned i = 0; i < plan->word_bits; i++)
        side->inside |= (uint32_t)1 << plan->word_reg[i];
    for (unsigned i = 0; i < plan->mat_bits; i++)
        side->inside |= (uint32_t)1 << plan->mat_reg[i];
    side->count = (unsigned)1 << (plan->word_bits + plan->mat_bits);
    memcpy(columns, plan->row, sizeof plan->row);
    for (unsigned i = 0; i < 2; i++)
        columns[3 + i] = i < plan->mat_bits ? plan->offsets.col[plan->mat_reg[i]] : 0;
}

unsigned cg_matrix_reg(const CgSharedSide *side, unsigned first, unsigned i) {
    const SharedSide *plan = &side->plan;
    unsigned reg = first;
    for (unsigned b = 0; b < plan->word_bits; b++)
        reg ^= (i >> b & 1) << plan->word_reg[b];
    for (unsigned b = 0; b < plan->mat_bits; b++)
        reg ^= (i >> (plan->word_bits + b) & 1) << plan->mat_reg[b];
    return reg;
}

void cg_load_matrix(Cg *cg, const CgSharedSide *side, LLVMValueRef address,
                    LLVMValueRef *elements) {
    unsigned count = 1u << side->plan.mat_bits, each = 1u << side->plan.word_bits;
    const char *name = arena_printf(cg->arena, "llvm.nvvm.ldmatrix.sync.aligned.m8n8.x%u%s.b16",
                                    count, side->plan.op == SHARED_MATRIX_TRANS ? ".trans" : "");
    LLVMTypeRef pointer = cg->type.shared;
    LLVMValueRef got = cg_intrinsic(cg, name, &pointer, 1, &address, 1);
    LLVMTypeRef word = cg_memory_type(cg, ir_elem(side->type));
    if (each > 1)
        word = LLVMVectorType(word, each);
    for (unsigned q = 0; q < count; q++) {
        LLVMValueRef value = count > 1 ? LLVMBuildExtractValue(cg->b, got, q, "") : got;
        value = LLVMBuildBitCast(cg->b, value, word, "");
        cg_unpack(cg, side->type, value, elements + q * each, each);
    }
}

void cg_store_matrix(Cg *cg, const CgSharedSide *side, LLVMValueRef address, LLVMValueRef predicate,
                     const LLVMValueRef *elements) {
    unsigned count = 1u << side->plan.mat_bits, each = 1u << side->plan.word_bits, args = 0;
    LLVMValueRef operands[6] = {address};
    StrBuf text = STRBUF(cg->arena), constraints = STRBUF(cg->arena);
    if (predicate != NULL)
        strbuf_printf(&text, "@$%u ", 1 + count);
    strbuf_printf(&text, "stmatrix.sync.aligned.m8n8.x%u%s.shared.b16 [$0], {", count,
                  side->plan.op == SHARED_MATRIX_TRANS ? ".trans" : "");
    strbuf_puts(&constraints, "r");
    for (args = 1; args <= count; args++) {
        strbuf_printf(&text, "%s$%u", args > 1 ? ", " : "", args);
        strbuf_puts(&constraints, ",r");
        LLVMValueRef word = cg_pack(cg, side->type, elements + (args - 1) * each, each);
        operands[args] = LLVMBuildBitCast(cg->b, word, cg->type.i32, "");
    }
    strbuf_puts(&text, "};");
    if (predicate != NULL) {
        strbuf_puts(&constraints, ",b");
        operands[args++] = predicate;
    }
    strbuf_puts(&constraints, ",~{memory}");
    cg_asm(cg, strbuf_str(&text), strbuf_str(&constraints), cg->type.none, operands, args, true);
}
