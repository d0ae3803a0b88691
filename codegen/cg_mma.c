/* cg_mma.c -- matrix products on tensor cores, all operands in registers.
 *
 * The tiles are fragments of one instruction (ir/mma.h), repeated in the thread's registers. For
 * each slice of k, each tile of the result that the warp has is added to: the 32-bit registers
 * of the instruction are packed from the elements that stand where its fragment says, looked up by
 * their coordinates, so that the order of a tile's registers does not matter. What lies beyond a
 * tile smaller than the instruction is zero, and dropped of the result. An operand that only this
 * product loads from shared memory is loaded here, a slice ahead of its use, so that two slices of
 * it are in registers and not all. Example, of f16:
 *
 *     mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {d0, d1, d2, d3}, {a0, a1, a2, a3},
 *         {b0, b1}, {c0, c1, c2, c3};
 */
#include "codegen/cg.h"
#include "ir/mma.h"

enum { MAX_WORDS = 8 }; /* registers of an operand of one instruction */

/* One operand: of the instruction, and of the whole. */
typedef struct Fragment {
    const IrType *type;
    unsigned row_axis, column_axis; /* of the tile: m and k, k and n, m and n */
    unsigned words, per_word;       /* registers of the instruction, elements in each */
    uint32_t row[MAX_WORDS * 4],
        column[MAX_WORDS * 4]; /* of each element, in a thread's registers */
    char letter;               /* of the constraint of a register */
    LLVMTypeRef word_type;
    const CgSharedSide
        *side;              /* where it is loaded from, slice by slice; NULL: it is in registers */
    LLVMValueRef *elements; /* by register of the tile; NULL: not loaded yet */
    LLVMValueRef *packed;   /* by register of the tile that is the first of a word; NULL: not yet */
} Fragment;

typedef struct Mma {
    const IrMma *info;
    Fragment of[MMA_OPERANDS];
    const char *text, *constraints;
    LLVMTypeRef result;
} Mma;

/* Where the tile of an instruction begins, in elements. */
typedef struct Place {
    uint32_t batch, m, n, k;
} Place;

/* ---- loads left to the product --------------------------------------------------------------- */

static bool begins_copies(const IrOp *op) {
    return op->code == OP_AsyncCopy || op->code == OP_AsyncCommit;
}

/* Whether what a load sees is still there behind `op`: it stores nothing, and threads do not meet
 * to let others do. A copy that begins has a buffer of which nobody reads by then. */
static bool keeps_buffers(const IrOp *op) {
    unsigned traits = ir_info(op)->traits;
    if (begins_copies(op))
        return true;
    return (traits & (IR_WRITES | IR_EFFECT)) == 0 &&
           (op->num_regions == 0 || (traits & IR_PURE) != 0);
}

bool cg_mma_loads(const IrOp *op) {
    if (op->code != OP_SharedLoad)
        return false;
    const IrUse *use = ir_result(op, 0)->uses;
    if (use == NULL || use->next != NULL || use->user->code != OP_DotMma ||
        use->user->block != op->block || use->index == MMA_C)
        return false;
    const IrOp *at = op->next;
    while (at != use->user && keeps_buffers(at))
        at = at->next;
    return at == use->user;
}

static bool loads_operands(const IrOp *op) {
    const IrValue *a = ir_operand(op, MMA_A), *b = ir_operand(op, MMA_B);
    return (a->def != NULL && cg_mma_loads(a->def)) || (b->def != NULL && cg_mma_loads(b->def));
}

bool cg_mma_delays(const IrOp *op) {
    if (!begins_copies(op))
        return false;
    while (op != NULL && op->code != OP_DotMma && keeps_buffers(op))
        op = op->next;
    return op != NULL && op->code == OP_DotMma && loads_operands(op);
}

static void begin_delayed(Cg *cg) {
    for (size_t i = 0; i < cg->delayed.len; i++)
        cg_op(cg, cg->delayed.data[i]);
    cg->delayed.len = 0;
}

/* ---- plans ----------------------------------------------------------------------------------- */

static void word_of(const Cg *cg, IrTypeKind kind, Fragment *fragment) {
    fragment->letter = kind == TY_F64 ? 'd' : 'r';
    fragment->word_type = kind == TY_F64 ? cg->type.f64 : cg->type.i32;
}

static void plan_fragment(Cg *cg, const IrMma *info, const IrValue *value, IrMmaOperand which,
                          Fragment *fragment) {
    const int64_t sizes[MMA_OPERANDS][2] = {
        {info->m, info->k}, {info->k, info->n}, {info->m, info->n}};
    Layout one = ir_mma_fragment(info, which, 2, sizes[which], (IrMmaWarps){0});
    unsigned regs = (unsigned)layout_num_regs(&one), rank = value->type->rank;
    unsigned bytes = (unsigned)ir_elem_size(ir_elem(value->type));
    *fragment = (Fragment){.type = value->type, .row_axis = rank - 2, .column_axis = rank - 1};
    fragment->per_word = bytes < 4 ? 4 / bytes : 1;
    fragment->words = regs / fragment->per_word;
    word_of(cg, ir_elem(value->type)->kind, fragment);
    if (which == MMA_C && ir_elem(value->type)->kind == TY_F32) {
        fragment->letter = 'f';
        fragment->word_type = cg->type.f32;
    }
    for (uint32_t r = 0; r < regs; r++) {
        uint32_t word = layout_element(&one, r, 0, 0, 0);
        fragment->row[r] = layout_coord(&one, word, 0);
        fragment->column[r] = layout_coord(&one, word, 1);
    }
    fragment->packed = ARENA_ARRAY(cg->arena, LLVMValueRef, cg_num_regs(value->type));
    fragment->elements = cg_regs(cg, value);
}

/* Leaves the loads of an operand to the slices. */
static void plan_loads(Cg *cg, const IrValue *loaded, Fragment *fragment) {
    CgSharedSide *side = ARENA_NEW(cg->arena, CgSharedSide);
    *side = cg_shared_side_of(cg, ir_operand(loaded->def, 0), loaded->type->layout,
                              cg->arch >= LAYOUT_LDMATRIX_ARCH, loaded);
    fragment->side = side;
    fragment->elements = ARENA_ARRAY(cg->arena, LLVMValueRef, cg_num_regs(loaded->type));
}

static void plan_operand(Cg *cg, const IrMma *info, const IrValue *value, IrMmaOperand which,
                         Fragment *fragment) {
    plan_fragment(cg, info, value, which, fragment);
    if (which != MMA_C && value->def != NULL && cg_mma_loads(value->def))
        plan_loads(cg, value, fragment);
}

/* "=f,=f,=f,=f,r,r,r,r,r,r,f,f,f,f" and the text with its operands. */
static void plan_text(Cg *cg, Mma *mma) {
    static const IrMmaOperand order[] = {MMA_C, MMA_A, MMA_B, MMA_C};
    StrBuf text = STRBUF(cg->arena), constraints = STRBUF(cg->arena);
    strbuf_puts(&text, mma->info->text);
    for (unsigned i = 0, number = 0; i < TK_COUNTOF(order); i++) {
        const Fragment *fragment = &mma->of[order[i]];
        for (unsigned w = 0; w < fragment->words; w++, number++) {
            strbuf_printf(&text, "%s$%u", w > 0 ? ", " : i > 0 ? "}, {" : " {", number);
            strbuf_printf(&constraints, "%s%s%c", number > 0 ? "," : "", i == 0 ? "=" : "",
                          fragment->letter);
        }
    }
    strbuf_puts(&text, "};");
    mma->text = strbuf_str(&text);
    mma->constraints = strbuf_str(&constraints);
    LLVMTypeRef types[MAX_WORDS];
    const Fragment *c = &mma->of[MMA_C];
    for (unsigned w = 0; w < c->words; w++)
        types[w] = c->word_type;
    mma->result = LLVMStructTypeInContext(cg->unit.context, types, c->words, 0);
}

/* ---- registers ------------------------------------------------------------------------------- */

/* The register of the tile for element `r` of the instruction's fragment at (row, column) of the
 * tile; false: it lies beyond. */
static bool find_reg(const Fragment *fragment, const Place *at, uint32_t row, uint32_t column,
                     uint32_t *reg) {
    const Layout *layout = fragment->type->layout;
    uint32_t coords[LAYOUT_MAX_RANK] = {at->batch};
    coords[fragment->row_axis] = row;
    coords[fragment->column_axis] = column;
    if (row >> layout->nout[fragment->row_axis] || column >> layout->nout[fragment->column_axis])
        return false;
    return layout_find_reg(layout, layout_word(layout, coords), reg);
}

/* The first corner of the instruction's tile, in an operand. */
static void corner(IrMmaOperand which, const Place *at, uint32_t *row, uint32_t *column) {
    *row = which == MMA_B ? at->k : at->m;
    *column = which == MMA_A ? at->k : at->n;
}

/* The element in a register of the tile, loaded if it is not yet. */
static LLVMValueRef element_at(Cg *cg, const Fragment *fragment, uint32_t reg) {
    if (fragment->elements[reg] == NULL)
        cg_shared_load_at(cg, fragment->side, reg & ~fragment->side->inside, fragment->elements);
    return fragment->elements[reg];
}

static LLVMValueRef pack_word(Cg *cg, const Fragment *fragment, const LLVMValueRef *elements) {
    LLVMValueRef packed = cg_pack(cg, fragment->type, elements, fragment->per_word);
    return LLVMBuildBitCast(cg->b, packed, fragment->word_type, "");
}

/* Register `w` of the instruction; zero beyond the tile. Made once for each place in the tile. */
static LLVMValueRef word_at(Cg *cg, Fragment *fragment, IrMmaOperand which, const Place *at,
                            unsigned w) {
    uint32_t row, column, reg = 0, first = w * fragment->per_word;
    LLVMValueRef elements[4];
    corner(which, at, &row, &column);
    if (!find_reg(fragment, at, row + fragment->row[first], column + fragment->column[first], &reg))
        return LLVMConstNull(fragment->word_type);
    if (fragment->packed[reg] != NULL)
        return fragment->packed[reg];
    for (uint32_t e = 0; e < fragment->per_word; e++) {
        uint32_t other = reg;
        find_reg(fragment, at, row + fragment->row[first + e], column + fragment->column[first + e],
                 &other);
        elements[e] = element_at(cg, fragment, other);
    }
    fragment->packed[reg] = pack_word(cg, fragment, elements);
    return fragment->packed[reg];
}

/* Sets the accumulator's register `w`; what lies beyond the tile is dropped. */
static void set_word(Fragment *c, const Place *at, unsigned w, LLVMValueRef value) {
    uint32_t reg, first = w * c->per_word;
    if (find_reg(c, at, at->m + c->row[first], at->n + c->column[first], &reg))
        c->packed[reg] = value;
}

/* The elements of the result, out of its words. */
static LLVMValueRef *unpack_result(Cg *cg, const Mma *mma, const IrType *type) {
    const Fragment *c = &mma->of[MMA_C];
    LLVMValueRef *regs = cg_new_regs(cg, type), elements[4];
    LLVMTypeRef pair = LLVMVectorType(cg_memory_type(cg, type), c->per_word);
    for (uint32_t r = 0; r < cg_num_regs(type); r++) {
        if (c->packed[r] == NULL)
            continue; /* in the word of another */
        LLVMValueRef word = c->packed[r];
        if (c->per_word == 1) {
            regs[r] = LLVMBuildBitCast(cg->b, word, cg_type(cg, type), "");
            continue;
        }
        cg_unpack(cg, type, LLVMBuildBitCast(cg->b, word, pair, ""), elements, c->per_word);
        regs[r] = elements[0];
        for (unsigned e = 1; e < c->per_word; e++) /* a column of 1 has no neighbours in its word */
            if (r + e < cg_num_regs(type) && c->packed[r + e] == NULL)
                regs[r + e] = elements[e];
    }
    return regs;
}

/* ---- the product ----------------------------------------------------------------------------- */

static void one_instruction(Cg *cg, Mma *mma, const Place *at) {
    static const IrMmaOperand order[] = {MMA_A, MMA_B, MMA_C};
    LLVMValueRef args[3 * MAX_WORDS];
    unsigned count = 0;
    for (unsigned i = 0; i < TK_COUNTOF(order); i++)
        for (unsigned w = 0; w < mma->of[order[i]].words; w++)
            args[count++] = word_at(cg, &mma->of[order[i]], order[i], at, w);
    LLVMValueRef got = cg_asm_warp(cg, mma->text, mma->constraints, mma->result, args, count);
    for (unsigned w = 0; w < mma->of[MMA_C].words; w++)
        set_word(&mma->of[MMA_C], at, w, LLVMBuildExtractValue(cg->b, got, w, ""));
}

typedef void TileFunction(Cg *cg, Mma *mma, const Place *at);

/* Makes the registers of both operands, loading what is not loaded yet. */
static void load_operands(Cg *cg, Mma *mma, const Place *at) {
    for (unsigned i = MMA_A; i <= MMA_B; i++)
        for (unsigned w = 0; w < mma->of[i].words; w++)
            word_at(cg, &mma->of[i], (IrMmaOperand)i, at, w);
}

/* Does something for all tiles of the result that a warp has, for one slice of k. */
static void each_tile(Cg *cg, Mma *mma, uint32_t k, TileFunction *function) {
    const Fragment *c = &mma->of[MMA_C];
    const Layout *layout = c->type->layout;
    for (uint32_t r = 0; r < cg_num_regs(c->type); r++) {
        uint32_t word = layout_element(layout, r, 0, 0, 0);
        Place at = {.k = k};
        at.batch = c->row_axis > 0 ? layout_coord(layout, word, 0) : 0;
        at.m = layout_coord(layout, word, c->row_axis);
        at.n = layout_coord(layout, word, c->column_axis);
        if (at.m % mma->info->m == 0 && at.n % mma->info->n == 0)
            function(cg, mma, &at);
    }
}

void cg_lower_mma(Cg *cg, const IrOp *op) {
    Mma mma = {.info = ir_mma_of(op)};
    if (mma.info == NULL) {
        cg_internal(cg, op, "its layouts are no fragments");
        return;
    }
    if (mma.info->arch > cg->arch) {
        cg_unsupported(cg, op, "%s is there from sm_%u on", mma.info->text, mma.info->arch);
        return;
    }
    cg_need_ptx(cg, mma.info->ptx);
    if (mma.info->acc == TY_F64) /* ptxas spills registers of doubles, for more blocks */
        cg_take_registers(cg);
    for (unsigned i = 0; i < MMA_OPERANDS; i++)
        plan_operand(cg, mma.info, ir_operand(op, i), (IrMmaOperand)i, &mma.of[i]);
    plan_text(cg, &mma);
    const IrType *a = ir_operand(op, 0)->type;
    uint32_t depth = (uint32_t)a->shape[a->rank - 1], step = mma.info->k;
    each_tile(cg, &mma, 0, load_operands);
    for (uint32_t k = 0; k < depth; k += step) {
        if (k + step < depth)
            each_tile(cg, &mma, k + step, load_operands);
        begin_delayed(cg);
        each_tile(cg, &mma, k, one_instruction);
    }
    cg_define(cg, ir_result(op, 0), unpack_result(cg, &mma, ir_result(op, 0)->type));
}
