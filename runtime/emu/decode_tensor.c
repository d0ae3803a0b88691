/* decode_tensor.c -- mma, ldmatrix, stmatrix and cp.async.
 *
 *     mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32     a row of mma.def and an accumulator
 */
#include "runtime/emu/copies.h"
#include "runtime/emu/decode.h"
#include "runtime/emu/tensor.h"

/* ---- mma ------------------------------------------------------------------------------------- */

typedef struct MmaShape {
    const char *text;
    unsigned m, k;
    const char *types, *accs;
    unsigned flop_a_slot;
} MmaShape;

static const MmaShape shapes[] = {
#define MMA(text, m, k, types, accs, flop_a_slot) {text, m, k, types, accs, flop_a_slot},
#include "runtime/emu/mma.def"
#undef MMA
};

/* The shape, types of D, A, B and C, as they stand. */
typedef struct MmaText {
    const char *shape;
    const char *types[4];
    unsigned num_types;
    bool saturates;
} MmaText;

static bool take_mma_text(Decoder *d, MmaText *text) {
    *text = (MmaText){0};
    for (unsigned i = 0; i < d->ptx->num_mods; i++) {
        const char *mod = d->ptx->mods[i];
        if (find_word("sync aligned row col", mod) >= 0)
            continue;
        if (str_eq(mod, "satfinite"))
            text->saturates = true;
        else if (i == 2)
            text->shape = mod;
        else if (text->num_types < 4 && ptx_type_from_text(mod) != PTX_TYPE_COUNT)
            text->types[text->num_types++] = mod;
        else
            return unknown_instruction(d);
    }
    bool whole = ptx_has_mod(d->ptx, "sync") && ptx_has_mod(d->ptx, "aligned") &&
                 ptx_has_mod(d->ptx, "row") && ptx_has_mod(d->ptx, "col");
    return (whole && text->shape != NULL && text->num_types == 4) || unknown_instruction(d);
}

static const MmaShape *find_shape(const MmaText *text) {
    for (size_t i = 0; i < TK_COUNTOF(shapes); i++) {
        const MmaShape *shape = &shapes[i];
        if (str_eq(shape->text, text->shape) && find_word(shape->types, text->types[1]) >= 0 &&
            find_word(shape->types, text->types[2]) >= 0 &&
            find_word(shape->accs, text->types[0]) >= 0 && str_eq(text->types[0], text->types[3]) &&
            (!text->saturates || str_eq(text->types[0], "s32")))
            return shape;
    }
    return NULL;
}

/* The registers of a fragment: `count` of a type's width, one alone with or without braces. */
static bool take_fragment(Decoder *d, const PtxOperand *operand, PtxType type, unsigned count,
                          bool results, uint32_t *rows) {
    const PtxOperand *items = operand->kind == PTX_OP_VECTOR ? operand->items : operand;
    if ((operand->kind == PTX_OP_VECTOR ? operand->num_items : 1) != count)
        return wrong_operand(d, operand,
                             arena_printf(d->arena, "%u registers are needed here", count));
    for (unsigned i = 0; i < count; i++)
        if (!(results ? result(d, &items[i], type, &rows[i])
                      : source(d, &items[i], type, &rows[i])))
            return false;
    return true;
}

static MmaOp *new_mma(Decoder *d, const MmaShape *shape, const MmaText *text) {
    MmaOp *op = ARENA_NEW(d->arena, MmaOp);
    op->m = shape->m;
    op->k = shape->k;
    op->acc = ptx_type_from_text(text->types[0]);
    op->a_type = ptx_type_from_text(text->types[1]);
    op->b_type = ptx_type_from_text(text->types[2]);
    op->saturates = text->saturates;
    op->flop = 2 * op->m * MMA_N * op->k;
    op->slots = op->flop / shape->flop_a_slot;
    unsigned reg_bytes = op->acc == PTX_F64 ? 8 : 4;
    op->pack = reg_bytes / ptx_types[op->a_type].bytes;
    op->num_b = op->k / (4 * op->pack);
    op->num_a = op->m / 8 * op->num_b;
    op->num_acc = op->m / 4 / (op->acc == PTX_F16 ? 2 : 1);
    return op;
}

bool decode_mma(Decoder *d) {
    MmaText text;
    if (!take_mma_text(d, &text))
        return false;
    const MmaShape *shape = find_shape(&text);
    if (shape == NULL)
        return unknown_instruction(d);
    if (!need_operands(d, 4, 4))
        return false;
    MmaOp *op = new_mma(d, shape, &text);
    PtxType reg = op->acc == PTX_F64 ? PTX_F64 : PTX_B32;
    const PtxOperand *operands = d->ptx->operands;
    d->inst->exec = mma_exec;
    d->inst->data = op;
    return take_fragment(d, &operands[0], reg, op->num_acc, true, op->d) &&
           take_fragment(d, &operands[1], reg, op->num_a, false, op->a) &&
           take_fragment(d, &operands[2], reg, op->num_b, false, op->b) &&
           take_fragment(d, &operands[3], reg, op->num_acc, false, op->c);
}

/* ---- ldmatrix, stmatrix ---------------------------------------------------------------------- */

static void use_granule(Decoder *d, unsigned bytes) {
    if (bytes < d->kernel->shared_granule)
        d->kernel->shared_granule = bytes;
}

/* sync.aligned.m8n8.x4.trans.shared.b16: how many matrices; false: something else, reported. */
static bool take_matrix_mods(Decoder *d) {
    static const char known[] = "sync aligned m8n8 x1 x2 x4 trans shared shared::cta b16";
    static const char *const needed[] = {"sync", "aligned", "m8n8", "b16"};
    Inst *inst = d->inst;
    for (unsigned i = 0; i < d->ptx->num_mods; i++) {
        const char *mod = d->ptx->mods[i];
        if (find_word(known, mod) < 0)
            return unknown_instruction(d);
        if (find_word("x1 x2 x4", mod) >= 0)
            inst->count = (uint8_t)(mod[1] - '0');
    }
    for (size_t i = 0; i < TK_COUNTOF(needed); i++)
        if (!ptx_has_mod(d->ptx, needed[i]))
            return unknown_instruction(d);
    inst->flag = ptx_has_mod(d->ptx, "trans");
    inst->space = SPACE_SHARED;
    inst->by_warp = true;
    inst->bytes = 16;
    return inst->count != 0 || unknown_instruction(d);
}

static bool decode_matrix(Decoder *d, bool loads) {
    if (!take_matrix_mods(d) || !need_operands(d, 2, 2))
        return false;
    Inst *inst = d->inst;
    uint32_t *rows = ARENA_ARRAY(d->arena, uint32_t, inst->count);
    inst->rows = rows;
    inst->exec = loads ? load_matrix_exec : store_matrix_exec;
    /* Four lanes write a row, 4 bytes each, or eight of them 2 bytes each. */
    use_granule(d, loads ? 16 : inst->flag ? 2 : 4);
    return take_fragment(d, &d->ptx->operands[loads ? 0 : 1], PTX_B32, inst->count, loads, rows) &&
           address(d, &d->ptx->operands[loads ? 1 : 0]);
}

bool decode_ldmatrix(Decoder *d) {
    return decode_matrix(d, true);
}

bool decode_stmatrix(Decoder *d) {
    return decode_matrix(d, false);
}

/* ---- cp.async -------------------------------------------------------------------------------- */

/* What may stand behind the size: how many bytes are copied or which lanes copy none, then a cache
 * policy, which changes nothing. */
static bool take_copy_rest(Decoder *d, CopyOp *op) {
    const PtxOperand *operands = d->ptx->operands;
    unsigned last = d->ptx->num_operands - (ptx_has_mod(d->ptx, "L2::cache_hint") ? 1 : 0);
    uint32_t policy;
    op->size = op->ignore = NO_ROW;
    if (last < d->ptx->num_operands && !source(d, &operands[last], PTX_B64, &policy))
        return false;
    if (last <= 3)
        return last == 3 || need_operands(d, 4, 5);
    if (last > 4)
        return need_operands(d, 3, 4);
    const PtxOperand *rest = &operands[3];
    if (rest->kind == PTX_OP_REG && d->function->regs.data[rest->reg].type == PTX_PRED) {
        op->ignore_negated = rest->negated;
        return source(d, rest, PTX_PRED, &op->ignore);
    }
    return source(d, rest, PTX_U32, &op->size);
}

/* cp.async.cg.shared.global. */
static bool decode_copy(Decoder *d) {
    static const char known[] = "async ca cg shared shared::cta shared::cluster global "
                                "L2::cache_hint L2::64B L2::128B L2::256B";
    Inst *inst = d->inst;
    for (unsigned i = 0; i < d->ptx->num_mods; i++)
        if (find_word(known, d->ptx->mods[i]) < 0)
            return unknown_instruction(d);
    if (ptx_has_mod(d->ptx, "ca") == ptx_has_mod(d->ptx, "cg") || !ptx_has_mod(d->ptx, "global"))
        return unknown_instruction(d);
    if (!need_operands(d, 3, 5))
        return false;
    const PtxOperand *operands = d->ptx->operands;
    uint64_t size = operands[2].kind == PTX_OP_INT ? operands[2].bits : 0;
    if (size != 16 && (ptx_has_mod(d->ptx, "cg") || (size != 4 && size != 8)))
        return wrong_operand(d, &operands[2], "such a copy does not have this size");
    CopyOp *op = ARENA_NEW(d->arena, CopyOp);
    if (!address(d, &operands[1]))
        return false;
    *op = (CopyOp){
        .source = inst->a, .source_bytes = inst->address_bytes, .source_offset = inst->offset};
    inst->exec = copy_exec;
    inst->data = op;
    inst->space = SPACE_SHARED;
    inst->bytes = (uint8_t)size;
    use_granule(d, inst->bytes);
    if (inst->bytes < d->kernel->global_granule)
        d->kernel->global_granule = inst->bytes;
    d->kernel->copies = true;
    return take_copy_rest(d, op) && address(d, &operands[0]);
}

bool decode_cp(Decoder *d) {
    Inst *inst = d->inst;
    const PtxInst *ptx = d->ptx;
    if (ptx->num_mods < 2 || !str_eq(ptx->mods[0], "async"))
        return unknown_instruction(d);
    int kind = find_word("commit_group wait_group wait_all", ptx->mods[1]);
    if (kind < 0)
        return decode_copy(d);
    if (ptx->num_mods != 2)
        return unknown_instruction(d);
    inst->exec = kind == 0 ? copy_commit_exec : copy_wait_exec;
    inst->a = NO_ROW;
    if (kind != 1)
        return need_operands(d, 0, 0);
    return need_operands(d, 1, 1) && source(d, &ptx->operands[0], PTX_U32, &inst->a);
}
