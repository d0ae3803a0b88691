/* operands.c -- operands of PTX instructions become rows.
 *
 *     %r1        the row of the register
 *     5, 0f...   a row of that constant, shared by all who use it
 *     %tid.x     the row of the special register
 *     smem       a row of the variable's address
 */
#include "runtime/emu/decode.h"
#include "support/numeric.h"

uint32_t new_row(Decoder *d, unsigned bytes) {
    uint32_t size = bytes == 1 ? 8 : bytes * LANES;
    uint32_t align = size < 64 ? 8 : 64;
    uint32_t row = (d->next_row + align - 1) / align * align;
    d->next_row = row + size;
    return row;
}

uint32_t constant_row(Decoder *d, unsigned bytes, uint64_t bits) {
    if (bytes < 8 && bytes > 1)
        bits &= (UINT64_C(1) << (8 * bytes)) - 1;
    uint64_t key[2] = {bytes, bits};
    uintptr_t known = (uintptr_t)map_getn(&d->constants, key, sizeof key);
    if (known != 0)
        return (uint32_t)(known - 1);
    uint32_t row = new_row(d, bytes);
    RowInit init = {.row = row, .bytes = (uint8_t)bytes, .bits = bits};
    vec_push(d->arena, &d->inits, init);
    map_setn(&d->constants, key, sizeof key, (void *)((uintptr_t)row + 1));
    return row;
}

static bool report(Decoder *d, Diag *diag) {
    (void)diag;
    d->failed = true;
    return false;
}

bool unknown_instruction(Decoder *d) {
    return report(d, diag_report(d->diags, DIAG_EMU_UNKNOWN_INSTRUCTION, d->ptx->range,
                                 ptx_inst_text(d->arena, d->ptx)));
}

bool wrong_operand(Decoder *d, const PtxOperand *operand, const char *why) {
    SrcRange range = operand != NULL ? operand->range : d->ptx->range;
    return report(
        d, diag_report(d->diags, DIAG_EMU_OPERAND, range, ptx_inst_text(d->arena, d->ptx), why));
}

static bool unknown_name(Decoder *d, const PtxOperand *operand) {
    return report(d, diag_report(d->diags, DIAG_EMU_NAME, operand->range, operand->name));
}

bool need_operands(Decoder *d, unsigned least, unsigned most) {
    unsigned count = d->ptx->num_operands;
    if (count >= least && count <= most)
        return true;
    return wrong_operand(d, NULL, count < least ? "there are too few" : "there are too many");
}

const Placed *find_var(const Decoder *d, Sym name) {
    return map_get(&d->vars, name);
}

int find_word(const char *list, const char *word) {
    size_t len = strlen(word);
    for (int i = 0; *list != '\0'; i++) {
        size_t here = strcspn(list, " ");
        if (here == len && strncmp(list, word, len) == 0)
            return i;
        list += here;
        list += strspn(list, " ");
    }
    return -1;
}

/* ---- sources --------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    PtxType type;
} specials[SREG_COUNT] = {
#define SPECIAL(name, text, type) {text, PTX_##type},
#include "runtime/emu/specials.def"
#undef SPECIAL
};

static bool special_source(Decoder *d, const PtxOperand *operand, unsigned *bytes, uint32_t *row) {
    for (unsigned i = 0; i < SREG_COUNT; i++) {
        if (!str_eq(specials[i].text, operand->name))
            continue;
        uint32_t *known = &d->kernel->special_rows[i];
        *bytes = ptx_types[specials[i].type].bytes;
        if (*known == NO_ROW)
            *known = new_row(d, *bytes);
        *row = *known;
        return true;
    }
    return false;
}

/* A number as the bits of a type; false: it does not fit the type's kind. */
static bool number_bits(const PtxOperand *operand, PtxType type, uint64_t *bits) {
    bool is_float = ptx_types[type].kind == PTX_IS_FLOAT;
    unsigned bytes = ptx_types[type].bytes;
    *bits = operand->bits;
    if (operand->kind == PTX_OP_INT)
        return !is_float || bytes <= 2;
    if (operand->kind == PTX_OP_F32) {
        if (type == PTX_F64)
            *bits = f64_bits((double)f32_from_bits((uint32_t)operand->bits));
        return bytes >= 4;
    }
    if (bytes == 4)
        *bits = f32_bits((float)f64_from_bits(operand->bits));
    return bytes >= 4;
}

bool any_source(Decoder *d, const PtxOperand *operand, PtxType type, uint32_t *row,
                unsigned *bytes) {
    *bytes = ptx_types[type].bytes;
    switch (operand->kind) {
    case PTX_OP_REG: {
        PtxType reg = d->function->regs.data[operand->reg].type;
        bool both = (reg == PTX_PRED) == (type == PTX_PRED);
        *bytes = ptx_types[reg].bytes;
        *row = d->reg_rows[operand->reg];
        return both || wrong_operand(d, operand, "a predicate and a number are not the same");
    }
    case PTX_OP_INT:
    case PTX_OP_F32:
    case PTX_OP_F64: {
        uint64_t bits;
        if (!number_bits(operand, type, &bits))
            return wrong_operand(d, operand, "a number of the wrong kind");
        if (*bytes == 1 && type != PTX_PRED)
            *bytes = 2;
        *row = constant_row(d, *bytes, bits);
        return true;
    }
    case PTX_OP_NAME: {
        if (special_source(d, operand, bytes, row))
            return true;
        const Placed *placed = find_var(d, operand->name);
        if (placed == NULL)
            return unknown_name(d, operand);
        if (placed->row != NO_ROW)
            return wrong_operand(d, operand, "an argument of a call has no address");
        *row = constant_row(d, *bytes, placed->address + (uint64_t)operand->offset);
        return true;
    }
    case PTX_OP_ADDRESS:
    case PTX_OP_VECTOR:
    case PTX_OP_PAIR:
    case PTX_OP_LIST:
        break;
    }
    return wrong_operand(d, operand, "a register or a number is needed here");
}

static const char *width_text(Decoder *d, PtxType type, unsigned bytes) {
    return arena_printf(d->arena, "a register of %u bits where .%s needs %u", 8 * bytes,
                        ptx_types[type].text, 8 * ptx_types[type].bytes);
}

bool source(Decoder *d, const PtxOperand *operand, PtxType type, uint32_t *row) {
    unsigned bytes;
    if (!any_source(d, operand, type, row, &bytes))
        return false;
    return bytes == ptx_types[type].bytes || wrong_operand(d, operand, width_text(d, type, bytes));
}

/* ---- results --------------------------------------------------------------------------------- */

bool any_result(Decoder *d, const PtxOperand *operand, uint32_t *row, unsigned *bytes) {
    if (operand->kind == PTX_OP_NAME && str_eq(operand->name, "_")) {
        *row = d->sink_row;
        *bytes = 8;
        return true;
    }
    if (operand->kind == PTX_OP_NAME && operand->name[0] == '%')
        return unknown_name(d, operand);
    if (operand->kind != PTX_OP_REG)
        return wrong_operand(d, operand, "the result must be a register");
    *row = d->reg_rows[operand->reg];
    *bytes = ptx_types[d->function->regs.data[operand->reg].type].bytes;
    return true;
}

bool result(Decoder *d, const PtxOperand *operand, PtxType type, uint32_t *row) {
    unsigned bytes;
    if (!any_result(d, operand, row, &bytes))
        return false;
    if (*row == d->sink_row || bytes == ptx_types[type].bytes)
        return true;
    return wrong_operand(d, operand, width_text(d, type, bytes));
}

bool result_pair(Decoder *d, const PtxOperand *operand, PtxType type, uint32_t *first,
                 PtxType second_type, uint32_t *second) {
    *second = NO_ROW;
    if (operand->kind != PTX_OP_PAIR)
        return result(d, operand, type, first);
    return result(d, &operand->items[0], type, first) &&
           result(d, &operand->items[1], second_type, second);
}

bool address(Decoder *d, const PtxOperand *operand) {
    Inst *inst = d->inst;
    if (operand->kind != PTX_OP_ADDRESS || operand->num_items != 1)
        return wrong_operand(d, operand, "an address in brackets is needed here");
    const PtxOperand *base = &operand->items[0];
    unsigned bytes;
    if (!any_source(d, base, PTX_U64, &inst->a, &bytes))
        return false;
    if (bytes != 4 && bytes != 8)
        return wrong_operand(d, base, "an address has 32 or 64 bits");
    inst->address_bytes = (uint8_t)bytes;
    inst->offset = base->kind == PTX_OP_REG ? base->offset : 0;
    return true;
}
