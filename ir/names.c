/* names.c -- the names that values have in the text of a kernel.
 *
 * A value keeps its name from the source, made unique by a suffix: %x, %x.1, %x.2. Constants that
 * the source does not name are called after their number: %c1024, %c0.5_f32, %true. The rest are
 * numbered: %0, %1. The parser uses the same rules in the same order to tell a name that the
 * printer made from one that the program gave; thus print, parse, print is the identity.
 */
#include "ir/names.h"

#include "ir/number.h"

#include <ctype.h>

void ir_namer_init(IrNamer *namer, Arena *arena) {
    *namer = (IrNamer){.arena = arena};
    map_init_str(&namer->used, arena);
}

static const char *next_name(IrNamer *namer, const char *base, uintptr_t *suffix) {
    *suffix = (uintptr_t)map_get(&namer->used, base);
    if (*suffix == 0)
        return base;
    for (;; ++*suffix) {
        const char *name = arena_printf(namer->arena, "%s.%ju", base, (uintmax_t)*suffix);
        if (!map_has(&namer->used, name))
            return name;
    }
}

const char *ir_namer_peek(IrNamer *namer, const char *base) {
    uintptr_t suffix;
    return next_name(namer, base, &suffix);
}

const char *ir_namer_take(IrNamer *namer, const char *base) {
    uintptr_t suffix;
    const char *name = next_name(namer, base, &suffix);
    map_set(&namer->used, base, (void *)(suffix + 1)); /* a suffix to go on from, not a pointer */
    if (name != base)
        map_set(&namer->used, name, (void *)(uintptr_t)1);
    return name;
}

const char *ir_const_name(Arena *arena, const IrType *type, uint64_t bits) {
    StrBuf buf = STRBUF(arena);
    const IrType *elem = ir_elem(type);
    if (elem->kind != TY_I1)
        strbuf_putc(&buf, 'c');
    ir_number_print(elem, bits, &buf);
    if (elem->kind <= TY_F64 && elem->kind != TY_I1 && !(elem->kind == TY_I32 && type == elem))
        strbuf_printf(&buf, "_%s", ir_scalar_name(elem->kind));
    return strbuf_str(&buf);
}

bool ir_is_name_char(char c) {
    unsigned char u = (unsigned char)c;
    return isalnum(u) || c == '_' || c == '.' || c == '+' || c == '-' || u >= 0x80;
}

/* A source name as the text can carry it: digits do not begin it, odd characters become _. */
static const char *printable(Arena *arena, Sym name) {
    StrBuf buf = STRBUF(arena);
    if (name[0] == '\0' || isdigit((unsigned char)name[0]))
        strbuf_putc(&buf, '_');
    for (const char *c = name; *c; c++)
        strbuf_putc(&buf, ir_is_name_char(*c) ? *c : '_');
    return strbuf_str(&buf);
}

typedef struct NameTable {
    IrNamer namer;
    const char **names;
} NameTable;

static void name_value(NameTable *table, const IrValue *value) {
    Arena *arena = table->namer.arena;
    const char *name;
    if (value->name)
        name = ir_namer_take(&table->namer, printable(arena, value->name));
    else if (value->def && value->def->code == OP_Const)
        name = ir_namer_take(&table->namer, ir_const_name(arena, value->type,
                                                          ir_attr(value->def, ATTR_VALUE)->u.bits));
    else
        name = arena_printf(arena, "%u", table->namer.num_unnamed++);
    table->names[value->id] = name;
}

static void name_block(NameTable *table, const IrBlock *block) {
    for (unsigned i = 0; i < block->num_args; i++)
        name_value(table, block->args[i]);
    for (const IrOp *op = block->first; op; op = op->next) {
        for (unsigned i = 0; i < op->num_results; i++)
            name_value(table, &op->results[i]);
        for (unsigned r = 0; r < op->num_regions; r++)
            name_block(table, op->regions[r]);
    }
}

const char **ir_name_values(const IrKernel *kernel, Arena *arena) {
    NameTable table = {.names = ARENA_ARRAY(arena, const char *, kernel->num_values)};
    ir_namer_init(&table.namer, arena);
    name_block(&table, kernel->body);
    return table.names;
}
