/* decode_flow.c -- branches, calls, barriers, exchanges between lanes, and odds and ends. */
#include "runtime/emu/control.h"
#include "runtime/emu/decode.h"
#include "runtime/emu/memory.h"

static bool only_mods(Decoder *d, const char *allowed) {
    for (unsigned i = 0; i < d->ptx->num_mods; i++)
        if (find_word(allowed, d->ptx->mods[i]) < 0)
            return unknown_instruction(d);
    return true;
}

/* ---- branches -------------------------------------------------------------------------------- */

static bool label(Decoder *d, const PtxOperand *operand, Sym name, uint32_t *target) {
    int64_t found = name != NULL ? ptx_label(d->function, name) : -1;
    *target = (uint32_t)found;
    if (found >= 0)
        return true;
    diag_report(d->diags, DIAG_EMU_NAME, operand->range, name != NULL ? name : "this label");
    d->failed = true;
    return false;
}

bool decode_bra(Decoder *d) {
    d->inst->exec = branch_exec;
    d->inst->flag = d->ptx->guarded;
    const PtxOperand *target = d->ptx->operands;
    return only_mods(d, "uni") && need_operands(d, 1, 1) &&
           label(d, target, target->kind == PTX_OP_NAME ? target->name : NULL, &d->inst->target);
}

bool decode_brx(Decoder *d) {
    Inst *inst = d->inst;
    inst->flag = d->ptx->guarded;
    if (!only_mods(d, "idx uni") || !need_operands(d, 2, 2) ||
        !source(d, &d->ptx->operands[0], PTX_U32, &inst->a))
        return false;
    const PtxOperand *list = &d->ptx->operands[1];
    for (size_t i = 0; i < d->function->targets.len; i++) {
        const PtxTargets *targets = &d->function->targets.data[i];
        if (list->kind != PTX_OP_NAME || !str_eq(targets->name, list->name))
            continue;
        BranchTable *table =
            arena_alloc(d->arena, sizeof *table + targets->count * sizeof table->targets[0],
                        _Alignof(BranchTable));
        table->count = targets->count;
        for (unsigned k = 0; k < targets->count; k++)
            if (!label(d, list, targets->labels[k], &table->targets[k]))
                return false;
        inst->data = table;
        inst->exec = branch_table_exec;
        return true;
    }
    return label(d, list, list->name, &inst->target) && unknown_instruction(d);
}

bool decode_exit(Decoder *d) {
    d->inst->exec = exit_exec;
    d->inst->flag = d->ptx->guarded;
    d->inst->mode = str_eq(d->ptx->opcode, "ret");
    return only_mods(d, "uni") && need_operands(d, 0, 0);
}

bool decode_trap(Decoder *d) {
    d->inst->exec = trap_exec;
    return only_mods(d, "") && need_operands(d, 0, 0);
}

/* ---- calls ----------------------------------------------------------------------------------- */

static bool argument(Decoder *d, const PtxOperand *list, unsigned index, uint32_t *row) {
    const Placed *placed = NULL;
    if (list->kind == PTX_OP_LIST && index < list->num_items &&
        list->items[index].kind == PTX_OP_NAME)
        placed = find_var(d, list->items[index].name);
    if (placed == NULL || placed->row == NO_ROW)
        return wrong_operand(d, list, "an argument of the call is missing");
    *row = placed->row;
    return true;
}

bool decode_call(Decoder *d) {
    Inst *inst = d->inst;
    const PtxOperand *operands = d->ptx->operands;
    unsigned count = d->ptx->num_operands;
    if (!only_mods(d, "uni") || !need_operands(d, 1, 4))
        return false;
    unsigned at = operands[0].kind == PTX_OP_LIST ? 1 : 0;
    if (at + 1 >= count || operands[at].kind != PTX_OP_NAME)
        return unknown_instruction(d);
    const char *name = operands[at].name;
    const PtxOperand *args = &operands[at + 1];
    inst->dst = NO_ROW;
    if (str_eq(name, "vprintf")) {
        inst->exec = print_exec;
        return argument(d, args, 0, &inst->a) && argument(d, args, 1, &inst->b);
    }
    if (str_eq(name, "__assertfail")) {
        inst->exec = assert_exec;
        return argument(d, args, 0, &inst->a) && argument(d, args, 1, &inst->b);
    }
    diag_report(d->diags, DIAG_EMU_UNKNOWN_INSTRUCTION, operands[at].range,
                arena_printf(d->arena, "call %s", name));
    d->failed = true;
    return false;
}

/* ---- barriers -------------------------------------------------------------------------------- */

static bool barrier_operands(Decoder *d, unsigned at) {
    Inst *inst = d->inst;
    const PtxOperand *operands = d->ptx->operands;
    unsigned left = d->ptx->num_operands - at - (inst->mode >= BAR_RED_POPC ? 1 : 0);
    inst->b = NO_ROW;
    return source(d, &operands[at], PTX_U32, &inst->a) &&
           (left < 2 || source(d, &operands[at + 1], PTX_U32, &inst->b));
}

static bool barrier_reduction(Decoder *d) {
    Inst *inst = d->inst;
    const PtxOperand *operands = d->ptx->operands;
    if (!need_operands(d, 3, 4))
        return false;
    PtxType type = inst->mode == BAR_RED_POPC ? PTX_U32 : PTX_PRED;
    const PtxOperand *last = &operands[d->ptx->num_operands - 1];
    inst->flag = last->negated;
    return result(d, &operands[0], type, &inst->dst) && source(d, last, PTX_PRED, &inst->c) &&
           barrier_operands(d, 1);
}

bool decode_bar(Decoder *d) {
    Inst *inst = d->inst;
    inst->target = ++d->kernel->num_barriers;
    inst->exec = barrier_exec;
    if (ptx_has_mod(d->ptx, "warp")) {
        inst->exec = warp_sync_exec;
        return only_mods(d, "warp sync") && need_operands(d, 1, 1) &&
               source(d, &d->ptx->operands[0], PTX_U32, &inst->a);
    }
    if (ptx_has_mod(d->ptx, "red")) {
        inst->mode = ptx_has_mod(d->ptx, "popc")  ? BAR_RED_POPC
                     : ptx_has_mod(d->ptx, "and") ? BAR_RED_AND
                                                  : BAR_RED_OR;
        return only_mods(d, "cta red popc and or aligned u32 pred") && barrier_reduction(d);
    }
    inst->mode = ptx_has_mod(d->ptx, "arrive") ? BAR_ARRIVE : BAR_SYNC;
    return only_mods(d, "cta sync arrive aligned") &&
           need_operands(d, inst->mode == BAR_ARRIVE ? 2 : 1, 2) && barrier_operands(d, 0);
}

/* ---- lanes ----------------------------------------------------------------------------------- */

bool decode_shfl(Decoder *d) {
    Inst *inst = d->inst;
    const PtxOperand *operands = d->ptx->operands;
    static const char modes[] = "up down bfly idx";
    if (!only_mods(d, "sync up down bfly idx b32") || d->ptx->num_mods != 3 ||
        find_word(modes, d->ptx->mods[1]) < 0)
        return d->failed ? false : unknown_instruction(d);
    inst->exec = shuffle_exec;
    inst->mode = (uint8_t)find_word(modes, d->ptx->mods[1]);
    return need_operands(d, 5, 5) &&
           result_pair(d, &operands[0], PTX_B32, &inst->dst, PTX_PRED, &inst->dst2) &&
           source(d, &operands[1], PTX_B32, &inst->a) &&
           source(d, &operands[2], PTX_B32, &inst->b) &&
           source(d, &operands[3], PTX_B32, &inst->c) && source(d, &operands[4], PTX_B32, &inst->d);
}

bool decode_vote(Decoder *d) {
    Inst *inst = d->inst;
    const PtxOperand *operands = d->ptx->operands;
    static const char modes[] = "all any uni ballot";
    if (!only_mods(d, "sync all any uni ballot pred b32") || d->ptx->num_mods != 3 ||
        find_word(modes, d->ptx->mods[1]) < 0)
        return d->failed ? false : unknown_instruction(d);
    inst->exec = vote_exec;
    inst->mode = (uint8_t)find_word(modes, d->ptx->mods[1]);
    if (!need_operands(d, 3, 3))
        return false;
    inst->flag = operands[1].negated;
    return result(d, &operands[0], inst->mode == VOTE_BALLOT ? PTX_B32 : PTX_PRED, &inst->dst) &&
           source(d, &operands[1], PTX_PRED, &inst->a) &&
           source(d, &operands[2], PTX_B32, &inst->b);
}

bool decode_match(Decoder *d) {
    Inst *inst = d->inst;
    const PtxOperand *operands = d->ptx->operands;
    if (!only_mods(d, "any all sync b32 b64"))
        return false;
    PtxType type = ptx_has_mod(d->ptx, "b64") ? PTX_B64 : PTX_B32;
    inst->exec = match_exec;
    inst->flag = ptx_has_mod(d->ptx, "all");
    inst->reg_bytes = (uint8_t)ptx_types[type].bytes;
    return need_operands(d, 3, 3) &&
           result_pair(d, &operands[0], PTX_B32, &inst->dst, PTX_PRED, &inst->dst2) &&
           source(d, &operands[1], type, &inst->a) && source(d, &operands[2], PTX_B32, &inst->b);
}

bool decode_activemask(Decoder *d) {
    d->inst->exec = active_mask_exec;
    return only_mods(d, "b32") && need_operands(d, 1, 1) &&
           result(d, &d->ptx->operands[0], PTX_B32, &d->inst->dst);
}

bool decode_redux(Decoder *d) {
    Inst *inst = d->inst;
    const PtxOperand *operands = d->ptx->operands;
    if (!only_mods(d, "sync add min max and or xor u32 s32 b32") || d->ptx->num_mods != 3)
        return d->failed ? false : unknown_instruction(d);
    inst->exec = redux_exec;
    int op = atomic_find(d->ptx->mods[1]);
    inst->mode = (uint8_t)op;
    inst->type = (uint8_t)ptx_type_from_text(d->ptx->mods[2]);
    if (op < 0)
        return unknown_instruction(d);
    return need_operands(d, 3, 3) && result(d, &operands[0], PTX_B32, &inst->dst) &&
           source(d, &operands[1], PTX_B32, &inst->a) && source(d, &operands[2], PTX_B32, &inst->b);
}

bool decode_elect(Decoder *d) {
    Inst *inst = d->inst;
    const PtxOperand *operands = d->ptx->operands;
    inst->exec = elect_exec;
    return only_mods(d, "sync") && need_operands(d, 2, 2) &&
           (operands[0].kind == PTX_OP_PAIR ||
            wrong_operand(d, &operands[0], "a lane and a predicate are needed here")) &&
           result_pair(d, &operands[0], PTX_B32, &inst->dst, PTX_PRED, &inst->dst2) &&
           source(d, &operands[1], PTX_B32, &inst->a);
}

/* ---- odds and ends --------------------------------------------------------------------------- */

bool decode_nothing(Decoder *d) {
    d->inst->exec = nothing_exec;
    return true;
}

/* A cache policy is a number that nobody looks at. */
bool decode_createpolicy(Decoder *d) {
    d->inst->exec = nothing_exec;
    uint32_t row;
    return need_operands(d, 1, 5) && result(d, &d->ptx->operands[0], PTX_B64, &row);
}

bool decode_isspacep(Decoder *d) {
    static const char spaces[] = "generic global shared local param shared::cta const";
    Inst *inst = d->inst;
    int space = d->ptx->num_mods == 1 ? find_word(spaces, d->ptx->mods[0]) : -1;
    if (space < 1)
        return unknown_instruction(d);
    inst->exec = is_space_exec;
    inst->mode = (uint8_t)(space == 5 ? SPACE_SHARED : space == 6 ? SPACE_GLOBAL : space);
    return need_operands(d, 2, 2) && result(d, &d->ptx->operands[0], PTX_PRED, &inst->dst) &&
           source(d, &d->ptx->operands[1], PTX_U64, &inst->a);
}

bool decode_lop3(Decoder *d) {
    Inst *inst = d->inst;
    const PtxOperand *operands = d->ptx->operands;
    if (!only_mods(d, "b32") || !need_operands(d, 5, 5))
        return false;
    if (operands[4].kind != PTX_OP_INT || operands[4].bits > 255)
        return wrong_operand(d, &operands[4], "the truth table is a number from 0 to 255");
    inst->exec = lop3_exec;
    inst->mode = (uint8_t)operands[4].bits;
    return result(d, &operands[0], PTX_B32, &inst->dst) &&
           source(d, &operands[1], PTX_B32, &inst->a) &&
           source(d, &operands[2], PTX_B32, &inst->b) && source(d, &operands[3], PTX_B32, &inst->c);
}

/* add.cc, addc, madc.hi.cc: arithmetic with the carry. */
static int carry_op(const PtxInst *ptx) {
    static const char *const names[] = {
        [CARRY_ADD] = "add",   [CARRY_ADDC] = "addc",  [CARRY_SUB] = "sub",
        [CARRY_SUBC] = "subc", [CARRY_MAD_LO] = "mad", [CARRY_MADC_LO] = "madc"};
    for (int op = CARRY_ADD; op <= CARRY_MADC_LO; op++)
        if (str_eq(names[op], ptx->opcode))
            return op >= CARRY_MAD_LO && ptx_has_mod(ptx, "hi") ? op + 2 : op;
    return -1;
}

bool decode_carry(Decoder *d) {
    Inst *inst = d->inst;
    const PtxInst *ptx = d->ptx;
    int op = carry_op(ptx);
    bool multiplies = op >= CARRY_MAD_LO;
    PtxType type =
        ptx->num_mods > 0 ? ptx_type_from_text(ptx->mods[ptx->num_mods - 1]) : PTX_TYPE_COUNT;
    bool known =
        type == PTX_U32 || type == PTX_S32 || (!multiplies && (type == PTX_U64 || type == PTX_S64));
    inst->flag = ptx_has_mod(ptx, "cc");
    bool uses =
        str_eq(ptx->opcode, "addc") || str_eq(ptx->opcode, "subc") || str_eq(ptx->opcode, "madc");
    if (!only_mods(d, "cc lo hi u32 s32 u64 s64"))
        return false;
    if (!known || !(inst->flag || uses) || (multiplies && type == PTX_S32 && op >= CARRY_MAD_HI))
        return unknown_instruction(d);
    inst->exec = carry_exec;
    inst->mode = (uint8_t)op;
    inst->reg_bytes = (uint8_t)ptx_types[type].bytes;
    inst->c = d->carry_row;
    const PtxOperand *operands = ptx->operands;
    unsigned count = multiplies ? 4 : 3;
    return need_operands(d, count, count) && result(d, &operands[0], type, &inst->dst) &&
           source(d, &operands[1], type, &inst->a) && source(d, &operands[2], type, &inst->b) &&
           (!multiplies || source(d, &operands[3], type, &inst->d));
}
