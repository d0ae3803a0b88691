/* decode.c -- a kernel becomes an array of instructions for the machine.
 *
 * An instruction is looked for by its whole text among the elementwise ones (`add.rn.ftz.f32`);
 * what has more to it than that has a handler by its opcode, which reads the modifiers one by one
 * and refuses those that it does not know.
 */
#include "runtime/emu/decode.h"

#include "runtime/emu/control.h"
#include "runtime/emu/elementwise.h"
#include "support/numeric.h"

#define MAX_LOCAL (512u << 10) /* bytes of a thread */

static const Handler handlers[] = {
    {"ld", decode_ld},
    {"ldu", decode_ld},
    {"st", decode_st},
    {"atom", decode_atom},
    {"red", decode_atom},
    {"mov", decode_mov},
    {"cvt", decode_cvt},
    {"setp", decode_setp},
    {"set", decode_set},
    {"testp", decode_testp},
    {"add", decode_carry},
    {"addc", decode_carry},
    {"sub", decode_carry},
    {"subc", decode_carry},
    {"mad", decode_carry},
    {"madc", decode_carry},
    {"lop3", decode_lop3},
    {"isspacep", decode_isspacep},
    {"bra", decode_bra},
    {"brx", decode_brx},
    {"ret", decode_exit},
    {"exit", decode_exit},
    {"trap", decode_trap},
    {"call", decode_call},
    {"bar", decode_bar},
    {"barrier", decode_bar},
    {"shfl", decode_shfl},
    {"vote", decode_vote},
    {"match", decode_match},
    {"activemask", decode_activemask},
    {"redux", decode_redux},
    {"elect", decode_elect},
    {"mma", decode_mma},
    {"ldmatrix", decode_ldmatrix},
    {"stmatrix", decode_stmatrix},
    {"cp", decode_cp},
    {"createpolicy", decode_createpolicy},
    {"membar", decode_nothing},
    {"fence", decode_nothing},
    {"nanosleep", decode_nothing},
    {"prefetch", decode_nothing},
    {"prefetchu", decode_nothing},
    {"discard", decode_nothing},
    {"applypriority", decode_nothing},
    {"griddepcontrol", decode_nothing},
    {"setmaxnreg", decode_nothing},
    {"pmevent", decode_nothing},
};

const Handler *find_handler(const char *opcode) {
    for (size_t i = 0; i < TK_COUNTOF(handlers); i++)
        if (str_eq(handlers[i].opcode, opcode))
            return &handlers[i];
    return NULL;
}

/* ---- elementwise instructions ---------------------------------------------------------------- */

static void add_table(Arena *arena, Map *map, EltTable table) {
    for (size_t i = 0; i < table.count; i++) {
        const EltOp *op = &table.ops[i];
        for (const char *key = op->keys; *key != '\0';) {
            size_t len = strcspn(key, " ");
            map_setn(map, key, len, arena_memdup(arena, &op, sizeof op, _Alignof(const EltOp *)));
            key += len + strspn(key + len, " ");
        }
    }
}

Map *decode_tables(Arena *arena) {
    Map *map = ARENA_NEW(arena, Map);
    map_init_str(map, arena);
    add_table(arena, map, elt_int_table());
    add_table(arena, map, elt_bits_table());
    add_table(arena, map, elt_float_table());
    add_table(arena, map, elt_round_table());
    add_table(arena, map, elt_half_table());
    add_table(arena, map, elt_pred_table());
    return map;
}

/* Do the registers have the widths of the types? (cvt and mov take others, too.) */
static bool fits(const Decoder *d, const EltOp *op) {
    if (d->ptx->num_operands != op->num_operands)
        return false;
    for (unsigned i = 0; i < op->num_operands; i++) {
        const PtxOperand *operand = &d->ptx->operands[i];
        if (operand->kind == PTX_OP_VECTOR)
            return false;
        if (operand->kind == PTX_OP_NAME && strncmp(operand->name, "%clock", 6) == 0)
            return false;
        if (operand->kind == PTX_OP_NAME && strncmp(operand->name, "%globaltimer", 12) == 0)
            return false;
        if (operand->kind != PTX_OP_REG)
            continue;
        PtxType reg = d->function->regs.data[operand->reg].type;
        if (ptx_types[reg].bytes != ptx_types[op->types[i]].bytes)
            return false;
    }
    return true;
}

bool decode_elementwise(Decoder *d, bool must_fit) {
    const char *text = ptx_inst_text(d->arena, d->ptx);
    const EltOp *const *found = map_get(d->elementwise, text);
    if (found == NULL || (must_fit && !fits(d, *found)))
        return false;
    const EltOp *op = *found;
    Inst *inst = d->inst;
    inst->exec = op->exec;
    inst->mode = op->mode;
    inst->data = op->data;
    if (!need_operands(d, op->num_operands, op->num_operands) ||
        !result(d, &d->ptx->operands[0], op->types[0], &inst->dst))
        return true; /* found, but wrong: reported */
    uint32_t *const rows[] = {&inst->a, &inst->b, &inst->c, &inst->d};
    for (unsigned i = 1; i < op->num_operands; i++)
        if (!source(d, &d->ptx->operands[i], op->types[i], rows[i - 1]))
            return true;
    return true;
}

/* ---- variables ------------------------------------------------------------------------------- */

static void place(Decoder *d, const PtxVar *var, uint64_t at, uint32_t row) {
    Placed *placed = ARENA_NEW(d->arena, Placed);
    *placed = (Placed){.var = var, .address = at, .row = row};
    map_set(&d->vars, var->name, placed);
}

static size_t align_up(size_t size, size_t align) {
    return (size + align - 1) / align * align;
}

/* Static variables of shared memory come first, the dynamic one (all of .extern) behind them. */
static void place_shared(Decoder *d, const PtxVars *vars, bool dynamic) {
    EmuKernel *kernel = d->kernel;
    for (size_t i = 0; i < vars->len; i++) {
        const PtxVar *var = &vars->data[i];
        if (var->space != PTX_SHARED || (var->size == 0) != dynamic)
            continue;
        kernel->shared_size = align_up(kernel->shared_size, var->align);
        place(d, var, WINDOW_START + kernel->shared_size, NO_ROW);
        kernel->shared_size += var->size;
    }
}

static void place_body(Decoder *d) {
    EmuKernel *kernel = d->kernel;
    const PtxVars *vars = &d->function->vars;
    for (size_t i = 0; i < vars->len; i++) {
        const PtxVar *var = &vars->data[i];
        if (var->space == PTX_LOCAL) {
            kernel->local_size = align_up(kernel->local_size, var->align);
            place(d, var, WINDOW_START + kernel->local_size, NO_ROW);
            kernel->local_size += var->size;
        } else if (var->space == PTX_PARAM && find_var(d, var->name) == NULL) {
            place(d, var, 0, new_row(d, 8)); /* an argument of a call; its name comes again */
        }
    }
    kernel->local_size = align_up(kernel->local_size, 16);
}

static void place_params(Decoder *d) {
    EmuKernel *kernel = d->kernel;
    const PtxVars *params = &d->function->params;
    kernel->param_offsets = ARENA_ARRAY(d->arena, size_t, params->len + 1);
    for (size_t i = 0; i < params->len; i++) {
        const PtxVar *var = &params->data[i];
        kernel->param_bytes = align_up(kernel->param_bytes, var->align);
        kernel->param_offsets[i] = kernel->param_bytes;
        place(d, var, kernel->param_bytes, NO_ROW);
        kernel->param_bytes += var->size;
    }
}

static void place_all(Decoder *d) {
    const PtxVars *globals = &d->module->ptx->vars;
    for (size_t i = 0; i < globals->len; i++) {
        const PtxVar *var = &globals->data[i];
        if (var->space == PTX_GLOBAL || var->space == PTX_CONST)
            place(d, var, d->module->vars[i].lo | (uint64_t)(TAG_FIRST_VAR + i) << TAG_SHIFT,
                  NO_ROW);
    }
    place_shared(d, globals, false);
    place_shared(d, &d->function->vars, false);
    d->kernel->shared_size = align_up(d->kernel->shared_size, 16);
    place_shared(d, globals, true);
    place_params(d);
    place_body(d);
}

/* ---- kernels --------------------------------------------------------------------------------- */

static bool decode_inst(Decoder *d) {
    const Handler *handler = find_handler(d->ptx->opcode);
    bool any_width =
        handler != NULL && (handler->decode == decode_mov || handler->decode == decode_cvt);
    if (decode_elementwise(d, any_width))
        return !d->failed;
    return handler != NULL ? handler->decode(d) : unknown_instruction(d);
}

static bool decode_code(Decoder *d) {
    EmuKernel *kernel = d->kernel;
    size_t count = d->function->insts.len;
    kernel->code_len = count + 1;
    kernel->code = ARENA_ARRAY(d->arena, Inst, kernel->code_len);
    for (size_t i = 0; i < kernel->code_len; i++) {
        Inst *inst = &kernel->code[i];
        *inst = (Inst){.guard = kernel->true_row,
                       .ptx = (uint32_t)i,
                       .reconv = NO_PC,
                       .dst2 = NO_ROW,
                       .exec = exit_exec,
                       .mode = 1};
        if (i == count)
            break;
        inst->mode = 0;
        d->ptx = &d->function->insts.data[i];
        d->inst = inst;
        if (d->ptx->guarded) {
            inst->guard = d->reg_rows[d->ptx->guard];
            inst->guard_flip = d->ptx->guard_negated ? ALL_LANES : 0;
        }
        if (!decode_inst(d))
            return false;
    }
    return true;
}

static void find_meetings(EmuKernel *kernel, Arena *arena) {
    uint32_t *meetings = post_dominators(arena, kernel->code, kernel->code_len);
    for (size_t i = 0; i < kernel->code_len; i++) {
        Inst *inst = &kernel->code[i];
        if (inst->exec == branch_exec || inst->exec == branch_table_exec)
            inst->reconv = meetings[i];
    }
}

bool decode_kernel(EmuModule *module, EmuKernel *kernel, const Map *elementwise, Diags *diags) {
    Decoder *d = ARENA_NEW(module->arena, Decoder);
    *d = (Decoder){.arena = module->arena,
                   .diags = diags,
                   .module = module,
                   .kernel = kernel,
                   .function = kernel->function,
                   .elementwise = elementwise};
    map_init_str(&d->constants, d->arena);
    map_init_str(&d->vars, d->arena);
    new_row(d, 8); /* row 0: operands that an instruction does not have */
    d->sink_row = new_row(d, 8);
    d->carry_row = new_row(d, 1);
    kernel->true_row = constant_row(d, 1, 1);
    kernel->shared_granule = kernel->global_granule = 16;
    for (unsigned i = 0; i < SREG_COUNT; i++)
        kernel->special_rows[i] = NO_ROW;
    const PtxFunction *function = kernel->function;
    d->reg_rows = ARENA_ARRAY(d->arena, uint32_t, function->regs.len + 1);
    for (size_t i = 0; i < function->regs.len; i++)
        d->reg_rows[i] = new_row(d, ptx_types[function->regs.data[i].type].bytes);
    place_all(d);
    if (kernel->local_size > MAX_LOCAL) {
        diag_report(diags, DIAG_EMU_MALFORMED, function->range,
                    "a thread has at most 512 KiB of local memory");
        return false;
    }
    if (!decode_code(d))
        return false;
    find_meetings(kernel, d->arena);
    kernel->inits = d->inits.data;
    kernel->num_inits = d->inits.len;
    kernel->row_bytes = new_row(d, 8);
    return true;
}
