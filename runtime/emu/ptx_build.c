/* ptx_build.c -- the actions of the grammar: fills a PtxModule while a file is read.
 *
 * Registers become numbers here, since braces limit where their names mean something (inline
 * assembly opens a scope for its own). `%r<5>` is kept as one range: `%r3` is found by cutting the
 * digits off. Labels may be used before they are set, so they stay names until decode.c.
 *
 *     .reg .b32 %r<3>;        ranges: {"%r", first 0, count 3}
 *     { .reg .b32 t; ... }    a scope with a map of its own: t -> 3
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/emu/ptx_reader.h"
#include "support/numeric.h"

/* More registers or bytes than any program has. */
#define MAX_REGS  (1u << 20)
#define MAX_BYTES (UINT64_C(1) << 28)

/* ---- the file -------------------------------------------------------------------------------- */

void ptx_on_version(PtxReader *reader, const char *number) {
    char *rest = NULL;
    unsigned long major = strtoul(number, &rest, 10);
    unsigned long minor = *rest == '.' ? strtoul(rest + 1, NULL, 10) : 0;
    reader->module->version = (unsigned)(major * 10 + minor);
}

void ptx_on_target(PtxReader *reader, Sym target) {
    reader->module->target = target;
}

void ptx_on_address_size(PtxReader *reader, SrcRange range, uint64_t bits) {
    if (bits != 64)
        ptx_reader_malformed(reader, range, "addresses must have 64 bits");
}

void ptx_on_file(PtxReader *reader, SrcRange range, uint64_t number, Sym name) {
    PtxModule *module = reader->module;
    if (number > 0xffff) {
        ptx_reader_malformed(reader, range, "a file number that large");
        return;
    }
    while (module->files.len <= number)
        vec_push(reader->arena, &module->files, NULL);
    module->files.data[number] = name;
}

static unsigned position(uint64_t number) {
    return number > INT32_MAX ? 0 : (unsigned)number;
}

void ptx_on_loc(PtxReader *reader, uint64_t file, uint64_t line, uint64_t column) {
    PtxFunction *function = reader->function;
    PtxLoc loc = {.file = position(file), .line = position(line), .column = position(column)};
    /* Line 0: what belongs to no line of its own stays with the line before. */
    if (loc.line == 0)
        return;
    vec_push(reader->arena, &function->locs, loc);
    reader->loc = (unsigned)(function->locs.len - 1);
}

void ptx_on_inlined_at(PtxReader *reader, uint64_t file, uint64_t line, uint64_t column) {
    PtxLoc *loc = &vec_last(&reader->function->locs);
    loc->at_file = position(file);
    loc->at_line = position(line);
    loc->at_column = position(column);
}

/* ---- functions ------------------------------------------------------------------------------- */

void ptx_on_linkage(PtxReader *reader, Sym linkage) {
    reader->in_extern = reader->in_extern || str_eq(linkage, "extern");
}

/* The function's results were read before its name: they wait in a function without one. */
static PtxFunction *current_function(PtxReader *reader) {
    if (reader->function == NULL) {
        PtxFunction *function = ARENA_NEW(reader->arena, PtxFunction);
        map_init_str(&function->labels, reader->arena);
        vec_push(reader->arena, &function->locs, ((PtxLoc){0}));
        reader->function = function;
        reader->loc = 0;
        reader->ranges.len = 0;
    }
    return reader->function;
}

void ptx_on_function(PtxReader *reader, SrcRange range, bool is_entry, Sym name) {
    PtxFunction *function = current_function(reader);
    function->name = name;
    function->is_entry = is_entry;
    function->range = range;
}

void ptx_on_function_results(PtxReader *reader) {
    PtxFunction *function = current_function(reader);
    function->results = function->params;
    function->params = (PtxVars){0};
}

void ptx_on_block_size(PtxReader *reader, Sym directive, unsigned dim, uint64_t size) {
    PtxFunction *function = reader->function;
    unsigned *sizes = str_eq(directive, "reqntid") ? function->reqntid : function->maxntid;
    sizes[dim] = size > 1024 ? 1025 : (unsigned)size;
    for (unsigned d = dim + 1; d < 3; d++)
        sizes[d] = 1;
}

void ptx_on_body(PtxReader *reader) {
    reader->function->has_body = true;
    ptx_on_scope(reader, true);
}

void ptx_on_function_end(PtxReader *reader) {
    vec_push(reader->arena, &reader->module->functions, reader->function);
    reader->function = NULL;
    reader->scope = NULL;
    reader->in_extern = false;
}

void ptx_on_scope(PtxReader *reader, bool opens) {
    if (!opens) {
        reader->scope = reader->scope->outer;
        return;
    }
    PtxScope *scope = ARENA_NEW(reader->arena, PtxScope);
    map_init_str(&scope->regs, reader->arena);
    scope->outer = reader->scope;
    reader->scope = scope;
}

/* ---- registers ------------------------------------------------------------------------------- */

void ptx_on_reg_type(PtxReader *reader, SrcRange range, Sym type) {
    reader->reg_type = ptx_type_from_text(type);
    if (reader->reg_type == PTX_TYPE_COUNT || ptx_types[reader->reg_type].bytes > 8)
        ptx_reader_malformed(reader, range, "registers of a type that the emulator does not have");
}

void ptx_on_reg(PtxReader *reader, SrcRange range, Sym name, bool ranged, uint64_t count) {
    PtxFunction *function = reader->function;
    if (reader->failed || count > MAX_REGS || function->regs.len + count > MAX_REGS) {
        ptx_reader_malformed(reader, range, "too many registers");
        return;
    }
    unsigned first = (unsigned)function->regs.len;
    PtxType type = reader->reg_type;
    if (ranged) {
        PtxRegRange set = {
            .prefix = name, .first = first, .count = (unsigned)count, .scope = reader->scope};
        vec_push(reader->arena, &reader->ranges, set);
    } else {
        map_set(&reader->scope->regs, name, (void *)(uintptr_t)(first + 1));
    }
    for (uint64_t i = 0; i < count; i++)
        vec_push(reader->arena, &function->regs, ((PtxReg){.name = name, .type = type}));
}

static bool in_range(const PtxRegRange *range, const PtxScope *scope, Sym name, unsigned *reg) {
    size_t prefix = strlen(range->prefix);
    if (range->scope != scope || strncmp(name, range->prefix, prefix) != 0)
        return false;
    const char *digits = name + prefix;
    size_t len = strspn(digits, "0123456789");
    if (len == 0 || len > 7 || digits[len] != '\0' || (digits[0] == '0' && len > 1))
        return false;
    unsigned long number = strtoul(digits, NULL, 10);
    *reg = range->first + (unsigned)number;
    return number < range->count;
}

static bool find_reg(const PtxReader *reader, Sym name, unsigned *reg) {
    for (const PtxScope *scope = reader->scope; scope != NULL; scope = scope->outer) {
        uintptr_t index = (uintptr_t)map_get(&scope->regs, name);
        if (index != 0) {
            *reg = (unsigned)index - 1;
            return true;
        }
        for (size_t i = reader->ranges.len; i > 0; i--)
            if (in_range(&reader->ranges.data[i - 1], scope, name, reg))
                return true;
    }
    return false;
}

/* ---- variables ------------------------------------------------------------------------------- */

static PtxSpace space_of(Sym text) {
    static const char *const names[] = {"global", "shared", "local", "const", "param"};
    for (unsigned i = 0; i < TK_COUNTOF(names); i++)
        if (str_eq(names[i], text))
            return (PtxSpace)i;
    return PTX_PARAM; /* .reg parameters of functions */
}

void ptx_on_var_space(PtxReader *reader, Sym space) {
    reader->var =
        (PtxVar){.space = space_of(space), .type = PTX_TYPE_COUNT, .is_extern = reader->in_extern};
}

void ptx_on_var_word(PtxReader *reader, SrcRange range, Sym word) {
    PtxType type = ptx_type_from_text(word);
    if (type != PTX_TYPE_COUNT)
        reader->var.type = type;
    else if (!str_eq(word, "attribute"))
        ptx_reader_malformed(reader, range, "a variable of a type that the emulator does not have");
}

void ptx_on_var_align(PtxReader *reader, SrcRange range, uint64_t align) {
    if (align == 0 || align > 4096 || (align & (align - 1)) != 0)
        ptx_reader_malformed(reader, range, "an alignment that is no power of two");
    else if (!reader->var.is_pointer) /* that of the pointer's target is a promise only */
        reader->var.align = (size_t)align;
}

void ptx_on_var_name(PtxReader *reader, SrcRange range, Sym name) {
    PtxVar *var = &reader->var;
    if (var->type == PTX_TYPE_COUNT) {
        ptx_reader_malformed(reader, range, "a variable without a type");
        return;
    }
    var->name = name;
    var->range = range;
    var->size = ptx_types[var->type].bytes;
    if (var->align == 0)
        var->align = var->size;
}

void ptx_on_var_dim(PtxReader *reader, SrcRange range, bool sized, uint64_t size) {
    PtxVar *var = &reader->var;
    var->is_array = true;
    if (!sized)
        var->size = 0;
    else if (size > MAX_BYTES || (var->size > 0 && size > MAX_BYTES / var->size))
        ptx_reader_malformed(reader, range, "a variable of more than 256 MiB");
    else
        var->size *= (size_t)size;
}

static void put_bits(uint8_t *at, uint64_t bits, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(bits >> (8 * i));
}

void ptx_on_var_init(PtxReader *reader, SrcRange range, const PtxInitList *items) {
    PtxVar *var = &reader->var;
    if (reader->failed)
        return;
    unsigned bytes = ptx_types[var->type].bytes;
    if (var->is_array && var->size == 0)
        var->size = items->len * bytes;
    if (items->len * bytes > var->size) {
        ptx_reader_malformed(reader, range, "more initial values than the variable has elements");
        return;
    }
    var->init = arena_alloc(reader->arena, var->size + 1, 8);
    for (size_t i = 0; i < items->len; i++) {
        const PtxOperand *item = &items->data[i];
        if (item->kind == PTX_OP_NAME) {
            PtxReloc reloc = {
                .name = item->name, .offset = i * bytes, .addend = item->offset, .bytes = bytes};
            vec_push(reader->arena, &var->relocs, reloc);
        }
        put_bits(var->init + i * bytes, item->bits, bytes);
    }
}

void ptx_on_var_end(PtxReader *reader) {
    if (reader->failed)
        return;
    PtxVars *vars = reader->function != NULL ? &reader->function->vars : &reader->module->vars;
    vec_push(reader->arena, vars, reader->var);
}

void ptx_on_param_end(PtxReader *reader) {
    if (!reader->failed)
        vec_push(reader->arena, &current_function(reader)->params, reader->var);
}

/* ---- instructions ---------------------------------------------------------------------------- */

void ptx_on_label(PtxReader *reader, SrcRange range, Sym name) {
    PtxFunction *function = reader->function;
    if (map_has(&function->labels, name))
        ptx_reader_malformed(reader, range, "a label that is there already");
    map_set(&function->labels, name, (void *)(uintptr_t)(function->insts.len + 1));
}

void ptx_on_targets(PtxReader *reader, Sym name, const PtxNameList *labels) {
    PtxTargets targets = {.name = name, .labels = labels->data, .count = (unsigned)labels->len};
    vec_push(reader->arena, &reader->function->targets, targets);
}

void ptx_on_guard(PtxReader *reader, PtxInst *inst, SrcRange range, Sym name, bool negated) {
    inst->guarded = true;
    inst->guard_negated = negated;
    if (!find_reg(reader, name, &inst->guard) ||
        reader->function->regs.data[inst->guard].type != PTX_PRED)
        ptx_reader_malformed(reader, range, "a guard that is no predicate");
}

void ptx_on_inst(PtxReader *reader, SrcRange range, PtxInst *inst) {
    inst->range = range;
    inst->loc = reader->loc;
    vec_push(reader->arena, &reader->function->insts, *inst);
}

PtxOperand ptx_operand_name(PtxReader *reader, SrcRange range, Sym name, Sym component) {
    PtxOperand operand = {.kind = PTX_OP_NAME, .name = name, .range = range};
    if (component != NULL) {
        const char *text = arena_printf(reader->arena, "%s.%s", name, component);
        operand.name = strtab_sym(reader->module->names, text);
    } else if (reader->function != NULL && find_reg(reader, name, &operand.reg)) {
        operand.kind = PTX_OP_REG;
    }
    return operand;
}

PtxOperand ptx_operand_bits(PtxOperandKind kind, SrcRange range, uint64_t bits) {
    return (PtxOperand){.kind = kind, .bits = bits, .range = range};
}

PtxOperand ptx_operand_decimal(SrcRange range, const char *text, bool negative) {
    double value = strtod(text, NULL);
    return ptx_operand_bits(PTX_OP_F64, range, f64_bits(negative ? -value : value));
}

PtxOperand ptx_operand_group(PtxReader *reader, PtxOperandKind kind, SrcRange range,
                             const PtxOperandList *items) {
    (void)reader;
    return (PtxOperand){
        .kind = kind, .items = items->data, .num_items = (unsigned)items->len, .range = range};
}

PtxOperand ptx_operand_pair(PtxReader *reader, SrcRange range, PtxOperand a, PtxOperand b) {
    PtxOperand *items = ARENA_ARRAY(reader->arena, PtxOperand, 2);
    items[0] = a;
    items[1] = b;
    return (PtxOperand){.kind = PTX_OP_PAIR, .items = items, .num_items = 2, .range = range};
}
