/* reference.c -- the reference of all operations, in Markdown, from ops.def.
 *
 * ops.def is read as one list in which groups and operations follow one another as they do there.
 * The output is the second part of docs/ir.md; a test compares them, so that it is never stale.
 */
#include "ir/ir.h"

#include <inttypes.h>
#include <string.h>

/* A group (title set) or an operation. */
typedef struct Entry {
    const char *title, *example;
    IrOpcode code;
    const char *traits;
} Entry;

static const Entry entries[] = {
#define OP_GROUP(title, example) {title, example, OP_COUNT, NULL},
#define OP(name, mnemonic, operands, results, attrs, regions, traits, rule, meaning)               \
    {NULL, NULL, OP_##name, #traits},
#include "ir/ops.def"
#undef OP
};

static const char *const letters[] = {
    "a any value", "n number",  "i integer",    "f float",
    "b i1",        "p pointer", "x scalar",     "s scalar i32 or i64",
    "c scalar i1", "t tile",    "d descriptor", "m buffer"};

/* "pb?a?" as "pointer, [i1], [any value]". */
static void print_letters(const char *text, StrBuf *out) {
    if (*text == '\0')
        strbuf_puts(out, "none");
    for (bool first = true; *text; first = false) {
        const char *name = "";
        for (size_t i = 0; i < TK_COUNTOF(letters); i++) {
            if (letters[i][0] == *text)
                name = letters[i] + 2;
        }
        char repeat = text[1] == '?' || text[1] == '*' ? text[1] : ' ';
        strbuf_puts(out, first ? "" : ", ");
        strbuf_printf(out, repeat == '?' ? "[%s]" : repeat == '*' ? "%s..." : "%s", name);
        text += repeat == ' ' ? 1 : 2;
    }
}

static void print_enum_values(IrAttrId id, StrBuf *out) {
    for (int64_t value = 0; ir_enum_text(id, value)[0] != '<'; value++)
        strbuf_printf(out, "%s%s", value == 0 ? "" : " ", ir_enum_text(id, value));
}

static void print_attr(IrAttrId id, StrBuf *out) {
    static const char *const kinds[] = {[ATTRKIND_VALUE] = "constant",
                                        [ATTRKIND_INT] = "integer",
                                        [ATTRKIND_BOOL] = "true or false",
                                        [ATTRKIND_STR] = "text",
                                        [ATTRKIND_INTS] = "list of integers"};
    const IrAttrInfo *info = &ir_attr_infos[id];
    strbuf_printf(out, "`%s` (", info->name);
    if (info->kind <= ATTRKIND_INTS)
        strbuf_puts(out, kinds[info->kind]);
    else
        print_enum_values(id, out);
    if (info->form == FORM_NAMED && info->kind > ATTRKIND_INTS)
        strbuf_printf(out, "; default %s", ir_enum_text(id, info->dflt));
    else if (info->form >= FORM_NAMED && info->kind == ATTRKIND_INT)
        strbuf_printf(out, "; default %" PRId64, info->dflt);
    strbuf_putc(out, ')');
}

/* Text in a table's cell: a bar would end it. */
static void print_cell(const char *text, StrBuf *out) {
    for (; *text; text++) {
        if (*text == '|')
            strbuf_putc(out, '\\');
        strbuf_putc(out, *text);
    }
}

/* "PURE | ELT" without the bars. */
static void print_traits(const char *text, StrBuf *out) {
    for (; *text; text++) {
        if (*text == '|')
            text += 2; /* and the blank behind it */
        strbuf_putc(out, *text);
    }
}

/* Rules that many operations share; the others are in the meaning. */
static const char *const rule_texts[] = {[RULE_SAME] = " (all of one type)",
                                         [RULE_CMP] = " (operands of one type)",
                                         [RULE_SELECT] = " (of the last two's type)",
                                         [RULE_CAST] = " (of the same shape)",
                                         [RULE_OWN] = ""};

static void print_op(const Entry *entry, StrBuf *out) {
    const IrOpInfo *info = &ir_op_infos[entry->code];
    strbuf_printf(out, "| `%s` | ", info->mnemonic);
    print_letters(info->operands, out);
    strbuf_puts(out, " | ");
    print_letters(info->results, out);
    strbuf_printf(out, "%s | ", rule_texts[info->rule]);
    print_cell(info->meaning, out);
    for (unsigned i = 0; i < info->num_attrs; i++) {
        strbuf_puts(out, i == 0 ? "; with " : ", ");
        print_attr(info->attrs[i], out);
    }
    strbuf_puts(out, " | ");
    print_traits(entry->traits, out);
    strbuf_puts(out, " |\n");
}

void ir_print_reference(StrBuf *out) {
    for (size_t i = 0; i < TK_COUNTOF(entries); i++) {
        if (!entries[i].title) {
            print_op(&entries[i], out);
            continue;
        }
        strbuf_printf(out, "%s### %s\n\n```\n%s```\n\n", i == 0 ? "" : "\n", entries[i].title,
                      entries[i].example);
        strbuf_puts(out, "| Operation | Operands | Results | Meaning | Traits |\n"
                         "|---|---|---|---|---|\n");
    }
}
