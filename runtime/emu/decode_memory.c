/* decode_memory.c -- loads, stores, atomic operations, moves and conversions.
 *
 *     ld.relaxed.gpu.global.L1::evict_first.v4.f32 {...}, [%rd1+16], %policy
 *
 * is a load of 4 elements of 4 bytes from global memory; cache hints change nothing here.
 */
#include "runtime/emu/control.h"
#include "runtime/emu/convert.h"
#include "runtime/emu/decode.h"
#include "runtime/emu/memory.h"
#include "runtime/emu/predicates.h"

/* What a memory instruction's modifiers say. */
typedef struct MemoryMods {
    AccessSpace space;
    bool is_param, ordered;
    unsigned count;
    PtxType type;
    int atomic; /* AtomicOp, or -1 */
} MemoryMods;

static const char hints[] =
    "ca cg cs lu cv nc wb wt weak cta cluster gpu sys unified noftz L1::evict_normal "
    "L1::evict_unchanged L1::evict_first L1::evict_last L1::no_allocate L2::cache_hint L2::64B "
    "L2::128B L2::256B L2::evict_first L2::evict_last L2::evict_normal level::eviction_priority";

static bool take_space(const char *mod, MemoryMods *mods) {
    static const struct {
        const char *text;
        AccessSpace space;
    } spaces[] = {{"global", SPACE_GLOBAL},
                  {"const", SPACE_GLOBAL},
                  {"shared", SPACE_SHARED},
                  {"shared::cta", SPACE_SHARED},
                  {"shared::cluster", SPACE_SHARED},
                  {"local", SPACE_LOCAL},
                  {"param", SPACE_PARAM},
                  {"param::entry", SPACE_PARAM},
                  {"param::func", SPACE_PARAM}};
    for (size_t i = 0; i < TK_COUNTOF(spaces); i++) {
        if (!str_eq(spaces[i].text, mod))
            continue;
        mods->space = spaces[i].space;
        mods->is_param = mods->space == SPACE_PARAM;
        return true;
    }
    return false;
}

static bool take_mod(const char *mod, bool atomics, MemoryMods *mods) {
    PtxType type = ptx_type_from_text(mod);
    int atomic = atomics ? atomic_find(mod) : -1;
    if (type != PTX_TYPE_COUNT) {
        mods->type = type;
    } else if (find_word("volatile relaxed acquire release acq_rel mmio", mod) >= 0) {
        mods->ordered = true;
    } else if (find_word("v2 v4 v8", mod) >= 0) {
        mods->count = (unsigned)(mod[1] - '0');
    } else if (atomic >= 0) {
        mods->atomic = atomic;
    } else {
        return take_space(mod, mods) || find_word(hints, mod) >= 0;
    }
    return true;
}

static bool take_mods(Decoder *d, bool atomics, MemoryMods *mods) {
    *mods = (MemoryMods){.space = SPACE_GENERIC, .count = 1, .type = PTX_TYPE_COUNT, .atomic = -1};
    for (unsigned i = 0; i < d->ptx->num_mods; i++)
        if (!take_mod(d->ptx->mods[i], atomics, mods))
            return unknown_instruction(d);
    if (mods->type == PTX_TYPE_COUNT || ptx_types[mods->type].bytes > 8 || mods->type == PTX_PRED)
        return unknown_instruction(d);
    Inst *inst = d->inst;
    inst->space = (uint8_t)mods->space;
    inst->type = (uint8_t)mods->type;
    inst->bytes = (uint8_t)ptx_types[mods->type].bytes;
    inst->count = (uint8_t)mods->count;
    inst->is_signed = ptx_types[mods->type].kind == PTX_IS_SIGNED;
    if (mods->count * inst->bytes > MAX_ACCESS)
        return unknown_instruction(d);
    bool to_global = mods->space == SPACE_GLOBAL || mods->space == SPACE_GENERIC;
    inst->ordered = mods->ordered && mods->atomic < 0;
    if (mods->ordered && to_global)
        d->kernel->communicates = true;
    if (to_global && inst->bytes < d->kernel->global_granule)
        d->kernel->global_granule = inst->bytes;
    if ((mods->space == SPACE_SHARED || mods->space == SPACE_GENERIC) &&
        inst->bytes < d->kernel->shared_granule)
        d->kernel->shared_granule = inst->bytes;
    return true;
}

/* The registers of a value, one or a vector of `count`; their width goes to reg_bytes. */
static bool take_rows(Decoder *d, const PtxOperand *operand, bool results) {
    Inst *inst = d->inst;
    const PtxOperand *items = operand->kind == PTX_OP_VECTOR ? operand->items : operand;
    unsigned count = operand->kind == PTX_OP_VECTOR ? operand->num_items : 1;
    if (count != inst->count)
        return wrong_operand(d, operand, "the vector does not have as many elements");
    uint32_t *rows = ARENA_ARRAY(d->arena, uint32_t, count);
    inst->reg_bytes = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned bytes;
        bool fine = results ? any_result(d, &items[i], &rows[i], &bytes)
                            : any_source(d, &items[i], (PtxType)inst->type, &rows[i], &bytes);
        if (!fine)
            return false;
        if (rows[i] == d->sink_row)
            continue;
        if (bytes < inst->bytes || bytes == 1)
            return wrong_operand(d, &items[i], "the register is too narrow for the type");
        if (inst->reg_bytes != 0 && inst->reg_bytes != bytes)
            return wrong_operand(d, &items[i], "the registers have different widths");
        inst->reg_bytes = (uint8_t)bytes;
    }
    if (inst->reg_bytes == 0)
        inst->reg_bytes = 8;
    inst->rows = rows;
    return true;
}

/* The row of [param0], an argument of a call; NO_ROW if the address is something else. */
static uint32_t call_argument(const Decoder *d, const PtxOperand *operand) {
    if (operand->kind != PTX_OP_ADDRESS || operand->num_items != 1 ||
        operand->items[0].kind != PTX_OP_NAME)
        return NO_ROW;
    const Placed *placed = find_var(d, operand->items[0].name);
    return placed == NULL || operand->items[0].offset != 0 ? NO_ROW : placed->row;
}

bool decode_ld(Decoder *d) {
    MemoryMods mods;
    Inst *inst = d->inst;
    if (!take_mods(d, false, &mods) || !need_operands(d, 2, 3) ||
        !take_rows(d, &d->ptx->operands[0], true))
        return false;
    uint32_t argument = mods.is_param ? call_argument(d, &d->ptx->operands[1]) : NO_ROW;
    if (argument != NO_ROW && mods.count == 1) {
        inst->exec = move_exec;
        inst->a = argument;
        inst->bytes = 8;
        inst->dst = inst->rows[0];
        return true;
    }
    inst->exec = load_exec;
    return address(d, &d->ptx->operands[1]);
}

bool decode_st(Decoder *d) {
    MemoryMods mods;
    Inst *inst = d->inst;
    if (!take_mods(d, false, &mods) || !need_operands(d, 2, 3) ||
        !take_rows(d, &d->ptx->operands[1], false))
        return false;
    uint32_t argument = mods.is_param ? call_argument(d, &d->ptx->operands[0]) : NO_ROW;
    if (argument != NO_ROW && mods.count == 1) {
        inst->exec = move_exec;
        inst->dst = argument;
        inst->a = inst->rows[0];
        inst->bytes = inst->reg_bytes;
        inst->reg_bytes = 8;
        return true;
    }
    inst->exec = store_exec;
    return address(d, &d->ptx->operands[0]);
}

/* Which types an operation takes (PTX ISA, section 9.7.13.5). */
static bool atomic_fits(int op, PtxType type) {
    static const char *const types[] = {
        [ATOMIC_ADD] = "u32 s32 u64 s64 f16 f16x2 bf16 bf16x2 f32 f64",
        [ATOMIC_AND] = "b32 b64",
        [ATOMIC_OR] = "b32 b64",
        [ATOMIC_XOR] = "b32 b64",
        [ATOMIC_EXCH] = "b32 b64 u32 u64 s32 s64 f32",
        [ATOMIC_CAS] = "b16 b32 b64 u32 u64 s32 s64",
        [ATOMIC_MIN] = "u32 s32 u64 s64 f16 f16x2 bf16 bf16x2",
        [ATOMIC_MAX] = "u32 s32 u64 s64 f16 f16x2 bf16 bf16x2",
        [ATOMIC_INC] = "u32",
        [ATOMIC_DEC] = "u32",
    };
    return op >= 0 && find_word(types[op], ptx_types[type].text) >= 0;
}

bool decode_atom(Decoder *d) {
    MemoryMods mods;
    Inst *inst = d->inst;
    bool returns = str_eq(d->ptx->opcode, "atom");
    if (!take_mods(d, true, &mods))
        return false;
    if (!atomic_fits(mods.atomic, mods.type) || (mods.count > 1 && mods.atomic == ATOMIC_CAS) ||
        mods.space == SPACE_LOCAL || mods.is_param || (returns && mods.count > 1))
        return unknown_instruction(d);
    unsigned first = returns ? 1 : 0, sources = mods.atomic == ATOMIC_CAS ? 2 : 1;
    const PtxOperand *operands = d->ptx->operands;
    if (!need_operands(d, first + 1 + sources, first + 2 + sources))
        return false;
    inst->exec = atomic_exec;
    inst->mode = (uint8_t)mods.atomic;
    inst->dst = NO_ROW;
    inst->reg_bytes = inst->bytes;
    if (mods.space != SPACE_SHARED)
        d->kernel->communicates = true;
    if ((returns && !result(d, &operands[0], mods.type, &inst->dst)) ||
        !address(d, &operands[first]))
        return false;
    if (mods.count > 1)
        return take_rows(d, &operands[first + 1], false);
    return source(d, &operands[first + 1], mods.type, &inst->b) &&
           (sources == 1 || source(d, &operands[first + 2], mods.type, &inst->c));
}

/* ---- mov ------------------------------------------------------------------------------------- */

static bool take_parts(Decoder *d, const PtxOperand *vector, unsigned whole, bool results) {
    Inst *inst = d->inst;
    inst->count = (uint8_t)vector->num_items;
    if (inst->count == 0 || whole % inst->count != 0 || whole / inst->count < 2)
        return wrong_operand(d, vector, "the parts do not make up the whole");
    inst->bytes = (uint8_t)(whole / inst->count);
    static const PtxType types[] = {[2] = PTX_B16, [4] = PTX_B32, [8] = PTX_B64};
    uint32_t *rows = ARENA_ARRAY(d->arena, uint32_t, inst->count);
    for (unsigned i = 0; i < inst->count; i++) {
        PtxType type = types[inst->bytes];
        bool fine = results ? result(d, &vector->items[i], type, &rows[i])
                            : source(d, &vector->items[i], type, &rows[i]);
        if (!fine)
            return false;
        if (rows[i] == d->sink_row)
            rows[i] = NO_ROW;
    }
    inst->rows = rows;
    return true;
}

bool decode_mov(Decoder *d) {
    Inst *inst = d->inst;
    const PtxInst *ptx = d->ptx;
    PtxType type = ptx->num_mods == 1 ? ptx_type_from_text(ptx->mods[0]) : PTX_TYPE_COUNT;
    if (type == PTX_TYPE_COUNT || ptx_types[type].bytes > 8 || ptx_types[type].bytes < 2)
        return unknown_instruction(d);
    if (!need_operands(d, 2, 2))
        return false;
    const PtxOperand *to = &ptx->operands[0], *from = &ptx->operands[1];
    inst->reg_bytes = (uint8_t)ptx_types[type].bytes;
    if (from->kind == PTX_OP_VECTOR) {
        inst->exec = pack_exec;
        return result(d, to, type, &inst->dst) && take_parts(d, from, inst->reg_bytes, false);
    }
    if (to->kind == PTX_OP_VECTOR) {
        inst->exec = unpack_exec;
        return source(d, from, type, &inst->a) && take_parts(d, to, inst->reg_bytes, true);
    }
    if (from->kind == PTX_OP_NAME && find_word("%clock %clock_hi %clock64 %globaltimer "
                                               "%globaltimer_lo %globaltimer_hi",
                                               from->name) >= 0) {
        inst->exec = clock_exec;
        return result(d, to, type, &inst->dst);
    }
    return decode_elementwise(d, false) ? !d->failed : unknown_instruction(d);
}

/* ---- cvt ------------------------------------------------------------------------------------- */

static bool take_rounding(const char *mod, Conversion *c) {
    static const char *const words[] = {[ROUND_RN] = "rn rni",
                                        [ROUND_RNA] = "rna",
                                        [ROUND_RZ] = "rz rzi",
                                        [ROUND_RM] = "rm rmi",
                                        [ROUND_RP] = "rp rpi"};
    for (unsigned i = ROUND_RN; i <= ROUND_RP; i++) {
        if (find_word(words[i], mod) < 0)
            continue;
        c->rounding = (Rounding)i;
        c->to_integral = c->to_integral || (strlen(mod) == 3 && i != ROUND_RNA);
        return true;
    }
    return false;
}

/* Conversions between these are there (besides all among integers, f16, bf16, f32 and f64). */
static bool conversion_exists(const Conversion *c) {
    bool small_to = c->to == PTX_E4M3X2 || c->to == PTX_E5M2X2;
    bool small_from = c->from == PTX_E4M3X2 || c->from == PTX_E5M2X2;
    if (small_to)
        return c->saturate && (c->two_sources ? c->from == PTX_F32 : c->from == PTX_F16X2);
    if (small_from)
        return c->to == PTX_F16X2 && !c->two_sources;
    if (c->to == PTX_F16X2 || c->to == PTX_BF16X2)
        return c->two_sources && c->from == PTX_F32;
    if (c->to == PTX_TF32)
        return c->from == PTX_F32 && c->rounding != ROUND_NONE;
    bool packed = ptx_types[c->from].kind == PTX_IS_PACKED;
    bool small = ptx_types[c->to].kind == PTX_IS_FLOAT && ptx_types[c->to].bytes == 1;
    bool upwards = c->rounding == ROUND_RM || c->rounding == ROUND_RP;
    bool half = c->to == PTX_F16 || c->to == PTX_BF16;
    return !packed && !small && c->to != PTX_PRED && c->from != PTX_PRED && c->from != PTX_TF32 &&
           !(half && upwards && !c->to_integral) && ptx_types[c->to].bytes <= 8 &&
           ptx_types[c->from].bytes <= 8;
}

static bool take_conversion(Decoder *d, Conversion *c) {
    const PtxInst *ptx = d->ptx;
    c->to = c->from = PTX_TYPE_COUNT;
    for (unsigned i = 0; i < ptx->num_mods; i++) {
        const char *mod = ptx->mods[i];
        PtxType type = ptx_type_from_text(mod);
        if (type != PTX_TYPE_COUNT) {
            if (c->to == PTX_TYPE_COUNT)
                c->to = type;
            else
                c->from = type;
        } else if (str_eq(mod, "ftz")) {
            c->ftz = true;
        } else if (str_eq(mod, "sat") || str_eq(mod, "satfinite")) {
            c->saturate = true;
        } else if (str_eq(mod, "relu")) {
            c->relu = true;
        } else if (!take_rounding(mod, c)) {
            return unknown_instruction(d);
        }
    }
    if (c->from == PTX_TYPE_COUNT || c->to == PTX_TYPE_COUNT)
        return unknown_instruction(d);
    return true;
}

static bool wide_enough(Decoder *d, const PtxOperand *operand, PtxType type, unsigned bytes) {
    if (bytes >= ptx_types[type].bytes)
        return true;
    return wrong_operand(d, operand, "the register is too narrow for the type");
}

bool decode_cvt(Decoder *d) {
    Inst *inst = d->inst;
    Conversion *c = ARENA_NEW(d->arena, Conversion);
    if (!take_conversion(d, c) || !need_operands(d, 2, 3))
        return false;
    const PtxOperand *operands = d->ptx->operands;
    c->two_sources = d->ptx->num_operands == 3;
    if (!conversion_exists(c))
        return unknown_instruction(d);
    inst->exec = convert_exec;
    inst->data = c;
    unsigned again;
    if (!any_result(d, &operands[0], &inst->dst, &c->to_bytes) ||
        !wide_enough(d, &operands[0], c->to, c->to_bytes) ||
        !any_source(d, &operands[1], c->from, &inst->a, &c->from_bytes) ||
        !wide_enough(d, &operands[1], c->from, c->from_bytes))
        return false;
    if (!c->two_sources)
        return true;
    return any_source(d, &operands[2], c->from, &inst->b, &again) &&
           (again == c->from_bytes ||
            wrong_operand(d, &operands[2], "the sources differ in width"));
}

/* ---- setp, set, testp ------------------------------------------------------------------------ */

/* The comparison and what it is combined with: lt.and.ftz.s32. */
static bool take_comparison(Decoder *d, bool has_result_type, PtxType *result_type) {
    const PtxInst *ptx = d->ptx;
    Inst *inst = d->inst;
    const char *comparison = NULL, *type = NULL;
    bool ftz = false;
    *result_type = PTX_PRED;
    for (unsigned i = 0; i < ptx->num_mods; i++) {
        const char *mod = ptx->mods[i];
        int combine = find_word("and or xor", mod);
        if (combine >= 0 && comparison != NULL) {
            inst->mode = (uint8_t)(BOOL_AND + combine);
        } else if (str_eq(mod, "ftz")) {
            ftz = true;
        } else if (ptx_type_from_text(mod) != PTX_TYPE_COUNT) {
            if (has_result_type && *result_type == PTX_PRED)
                *result_type = ptx_type_from_text(mod);
            else
                type = mod;
        } else {
            comparison = mod;
        }
    }
    if (comparison == NULL || type == NULL)
        return unknown_instruction(d);
    const Comparison *found = comparison_find(comparison, type, ftz);
    inst->data = found;
    return found != NULL || unknown_instruction(d);
}

static bool take_compared(Decoder *d) {
    Inst *inst = d->inst;
    const Comparison *comparison = inst->data;
    const PtxOperand *operands = d->ptx->operands;
    unsigned count = inst->mode == BOOL_NONE ? 3 : 4;
    if (!need_operands(d, count, count) || !source(d, &operands[1], comparison->type, &inst->a) ||
        !source(d, &operands[2], comparison->type, &inst->b))
        return false;
    if (count == 3)
        return true;
    inst->flag = operands[3].negated;
    return source(d, &operands[3], PTX_PRED, &inst->c);
}

bool decode_setp(Decoder *d) {
    Inst *inst = d->inst;
    PtxType type;
    inst->exec = setp_exec;
    return take_comparison(d, false, &type) && take_compared(d) &&
           result_pair(d, &d->ptx->operands[0], PTX_PRED, &inst->dst, PTX_PRED, &inst->dst2);
}

bool decode_set(Decoder *d) {
    Inst *inst = d->inst;
    PtxType type;
    inst->exec = set_exec;
    if (!take_comparison(d, true, &type) || !take_compared(d))
        return false;
    inst->mode2 = (uint8_t)type;
    inst->reg_bytes = (uint8_t)ptx_types[type].bytes;
    if (inst->reg_bytes != 2 && inst->reg_bytes != 4)
        return unknown_instruction(d);
    return result(d, &d->ptx->operands[0], type, &inst->dst);
}

bool decode_testp(Decoder *d) {
    Inst *inst = d->inst;
    const PtxInst *ptx = d->ptx;
    if (ptx->num_mods != 2)
        return unknown_instruction(d);
    PtxType type = ptx_type_from_text(ptx->mods[1]);
    for (unsigned i = 0; i < TK_COUNTOF(test_kind_names); i++) {
        if (!str_eq(ptx->mods[0], test_kind_names[i]) || (type != PTX_F32 && type != PTX_F64))
            continue;
        inst->exec = testp_exec;
        inst->mode = (uint8_t)i;
        inst->type = (uint8_t)type;
        return need_operands(d, 2, 2) && result(d, &ptx->operands[0], PTX_PRED, &inst->dst) &&
               source(d, &ptx->operands[1], type, &inst->a);
    }
    return unknown_instruction(d);
}
