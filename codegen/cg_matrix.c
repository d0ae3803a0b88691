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

/* The register bit that holds bit `n` of an axis, and no other; false: no register does, or it is
 * inside of a word. */
static bool find_bit(const CgSharedSide *side, const Layout *tile, unsigned axis, unsigned n,
                     uint8_t *bit) {
    if (n >= tile->nout[axis])
        return false;
    for (unsigned i = 0; i < tile->nin[LL_REG]; i++) {
        *bit = (uint8_t)i;
        bool in_word = side->plan.word_bits > 0 && i == side->plan.word_reg[0];
        in_word |= side->plan.word_bits > 1 && i == side->plan.word_reg[1];
        if (tile->col[i] == layout_axis_bit(tile, axis, n))
            return !in_word && side->plan.offsets.col[i] != 0;
    }
    return false;
}

/* The operands are: rows and 16 bytes of k, then 8 rows on, then the next 16 bytes (a); the next 16
 * bytes first (b), then the next columns that the warp has. */
void cg_matrix_choose(CgSharedSide *side, const IrValue *loaded) {
    const Layout *tile = loaded->type->layout;
    const IrUse *use = loaded->uses;
    while (use != NULL && (use->user->code != OP_DotMma || use->index > 1))
        use = use->next;
    if (use == NULL || side->plan.mat_bits < 2)
        return;
    unsigned rank = tile->rank, row_bits = 3; /* log2 of the elements of k in 16 bytes */
    while (side->elem_bytes << row_bits > 16)
        row_bits--;
    while (side->elem_bytes << row_bits < 16)
        row_bits++;
    unsigned across = use->index == 0 ? rank - 2 : rank - 1;
    unsigned k = use->index == 0 ? rank - 1 : rank - 2, n = 3;
    uint8_t next_k, next_across;
    if (!find_bit(side, tile, k, row_bits, &next_k))
        return;
    while (n < tile->nout[across] && !find_bit(side, tile, across, n, &next_across))
        n++;
    if (n == tile->nout[across] && !find_bit(side, tile, k, row_bits + 1, &next_across))
        return;
    side->plan.mat_reg[0] = use->index == 0 ? next_across : next_k;
    side->plan.mat_reg[1] = use->index == 0 ? next_k : next_across;
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
