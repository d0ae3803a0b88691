/* parse_op.c -- tile IR text to IR: operations and their regions.
 *
 * The head of an operation is read into a draft first, since the operands, the result types and
 * the attributes are all needed to build it; then it is built and its regions are read. Example:
 *
 *     %y = load %p, %m, volatile : tile<64xf32> {divisibility = 4} @3:9-30
 *
 * `for` and `while` have a notation of their own for what they carry: iter(%acc = %zero).
 */
#include "ir/number.h"
#include "ir/parse.h"

#include <ctype.h>
#include <string.h>

/* A block argument that the head of an operation names. */
typedef struct DraftArg {
    IrToken name;
    const IrType *type;
    IrHints hints;
    bool hinted;
} DraftArg;

typedef struct DraftType {
    const IrType *type;
    IrHints hints;
    bool hinted;
} DraftType;

typedef struct Draft {
    IrToken first; /* where the operation begins */
    IrOpcode code;
    VEC(IrToken) results;
    VEC(IrValue *) operands; /* NULL after an error */
    VEC(DraftType) types;
    VEC(DraftArg) args; /* of the first region */
    IrAttr attrs[IR_MAX_ATTRS];
    bool given[IR_MAX_ATTRS];
    IrToken constant; /* the VALUE attribute, read when the type is known */
} Draft;

static bool report(IrParser *p, DiagId id, const char *a, const char *b) {
    diag_report(p->diags, id, ir_token_range(p), a, b);
    p->num_errors++;
    return false;
}

/* ---- names ----------------------------------------------------------------------------------- */

/* The name that the printer would give this constant next, if that is what it has. */
static bool is_printer_made(IrParser *p, const char *name, const IrValue *value,
                            const char **base) {
    if (!value->def || value->def->code != OP_Const)
        return false;
    *base = ir_const_name(p->arena, value->type, ir_attr(value->def, ATTR_VALUE)->u.bits);
    return strcmp(ir_namer_peek(&p->namer, *base), name) == 0;
}

bool ir_define(IrParser *p, const IrToken *name, IrValue *value) {
    if (map_has(&p->values, name->text)) {
        SrcRange range = {p->file->id, name->lo, name->hi};
        diag_report(p->diags, DIAG_IR_REDEFINED, range, name->text);
        p->num_errors++;
        return false;
    }
    map_set(&p->values, name->text, value);
    const char *base = name->text;
    bool numbered = strspn(name->text, "0123456789") == strlen(name->text);
    if (!value || numbered)
        return true;
    if (!is_printer_made(p, name->text, value, &base)) {
        base = name->text;
        value->name = strtab_sym(ir_names(p->ctx), name->text);
    }
    ir_namer_take(&p->namer, base);
    return true;
}

static bool parse_operand(IrParser *p, Draft *draft) {
    if (p->tok.kind != TOK_VALUE)
        return ir_syntax_error(p, "a value such as `%x`");
    if (!map_has(&p->values, p->tok.text)) {
        Diag *diag = diag_report(p->diags, DIAG_IR_UNKNOWN_VALUE, ir_token_range(p), p->tok.text);
        VEC(const char *) names = {0};
        for (size_t i = 0; i < p->values.len; i++)
            vec_push(p->arena, &names, (const char *)p->values.entries[i].key);
        const char *near = closest_word(p->tok.text, names.data, names.len);
        if (near)
            diag_help(diag, "did you mean `%%%s`?", near);
        p->num_errors++;
    }
    IrValue *value = map_get(&p->values, p->tok.text);
    vec_push(p->arena, &draft->operands, value);
    ir_advance(p);
    return true;
}

/* ---- attributes ------------------------------------------------------------------------------ */

static bool parse_enum(IrParser *p, IrAttr *attr) {
    if (p->tok.kind != TOK_WORD)
        return ir_syntax_error(p, ir_attr_infos[attr->id].name);
    attr->u.i = ir_enum_value(attr->id, p->tok.text, strlen(p->tok.text));
    if (attr->u.i < 0)
        return report(p, DIAG_IR_BAD_ENUM, p->tok.text, ir_attr_infos[attr->id].name);
    ir_advance(p);
    return true;
}

static bool parse_bool(IrParser *p, IrAttr *attr) {
    attr->u.i = ir_at_word(p, "true");
    if (!attr->u.i && !ir_at_word(p, "false"))
        return ir_syntax_error(p, "`true` or `false`");
    ir_advance(p);
    return true;
}

static bool parse_string(IrParser *p, IrAttr *attr) {
    if (p->tok.kind != TOK_STRING)
        return ir_syntax_error(p, "a text in quotes");
    attr->u.str = p->tok.text[0] ? p->tok.text : NULL;
    ir_advance(p);
    return true;
}

static bool parse_ints(IrParser *p, IrAttr *attr) {
    enum { MAX_INTS = 256 };
    int64_t items[MAX_INTS];
    size_t len;
    if (!ir_parse_int_list(p, items, MAX_INTS, &len))
        return false;
    attr->u.ints.len = len;
    attr->u.ints.items =
        len ? arena_memdup(p->arena, items, len * sizeof *items, _Alignof(int64_t)) : NULL;
    return true;
}

/* A constant's number or word is only remembered: its type comes behind it. */
static bool parse_constant(IrParser *p, Draft *draft) {
    if (p->tok.kind != TOK_NUMBER && p->tok.kind != TOK_WORD)
        return ir_syntax_error(p, "a constant");
    draft->constant = p->tok;
    ir_advance(p);
    return true;
}

static bool parse_attr_value(IrParser *p, Draft *draft, unsigned slot) {
    IrAttr *attr = &draft->attrs[slot];
    attr->id = ir_op_infos[draft->code].attrs[slot];
    draft->given[slot] = true;
    IrAttrKind kind = ir_attr_infos[attr->id].kind;
    if (kind == ATTRKIND_VALUE)
        return parse_constant(p, draft);
    if (kind == ATTRKIND_INT)
        return ir_parse_int(p, &attr->u.i);
    if (kind == ATTRKIND_BOOL)
        return parse_bool(p, attr);
    if (kind == ATTRKIND_STR)
        return parse_string(p, attr);
    return kind == ATTRKIND_INTS ? parse_ints(p, attr) : parse_enum(p, attr);
}

/* `name = value`, or the bare name of a BOOL. */
static bool parse_named_attr(IrParser *p, Draft *draft) {
    const IrOpInfo *info = &ir_op_infos[draft->code];
    unsigned slot = 0;
    while (slot < info->num_attrs && !ir_at_word(p, ir_attr_infos[info->attrs[slot]].name))
        slot++;
    if (slot == info->num_attrs)
        return report(p, DIAG_IR_BAD_ATTRIBUTE, info->mnemonic, p->tok.text);
    ir_advance(p);
    if (ir_accept_punct(p, '='))
        return parse_attr_value(p, draft, slot);
    if (ir_attr_infos[info->attrs[slot]].kind != ATTRKIND_BOOL)
        return ir_syntax_error(p, "`=`");
    draft->attrs[slot] = (IrAttr){.id = info->attrs[slot], .u.i = 1};
    draft->given[slot] = true;
    return true;
}

/* ---- heads ----------------------------------------------------------------------------------- */

/* Attributes without names, operands and named attributes, with commas between them. */
static bool parse_items(IrParser *p, Draft *draft, bool any) {
    const IrOpInfo *info = &ir_op_infos[draft->code];
    for (unsigned slot = 0; slot < info->num_attrs; slot++) {
        IrAttrForm form = ir_attr_infos[info->attrs[slot]].form;
        if (form == FORM_EXTRA || (form != FORM_LEAD && info->operands[0] != '\0'))
            continue;
        if ((any && !ir_expect_punct(p, ',')) || !parse_attr_value(p, draft, slot))
            return false;
        any = true;
    }
    for (;; any = true) {
        bool starts_here =
            !p->tok.first_on_line && (p->tok.kind == TOK_VALUE || p->tok.kind == TOK_WORD);
        if (any ? !ir_accept_punct(p, ',') : !starts_here)
            return true;
        if (p->tok.kind == TOK_WORD ? !parse_named_attr(p, draft) : !parse_operand(p, draft))
            return false;
    }
}

/* `%arg {hints} = %operand`: the argument has the operand's type. */
static bool parse_carried(IrParser *p, Draft *draft) {
    DraftArg arg = {.name = p->tok};
    if (p->tok.kind != TOK_VALUE)
        return ir_syntax_error(p, "a carried value such as `%a = %init`");
    ir_advance(p);
    if (!ir_parse_hints(p, &arg.hints, &arg.hinted) || !ir_expect_punct(p, '=') ||
        !parse_operand(p, draft))
        return false;
    const IrValue *operand = vec_last(&draft->operands);
    arg.type = operand ? operand->type : ir_type_scalar(p->ctx, TY_I32);
    vec_push(p->arena, &draft->args, arg);
    return true;
}

static bool parse_carried_list(IrParser *p, Draft *draft) {
    if (!ir_expect_punct(p, '('))
        return false;
    bool first = true;
    while (!ir_at_punct(p, ')')) {
        if (!first && !ir_expect_punct(p, ','))
            return false;
        if (!parse_carried(p, draft))
            return false;
        first = false;
    }
    ir_advance(p);
    return true;
}

static bool parse_for_head(IrParser *p, Draft *draft) {
    if (!parse_carried(p, draft) || !ir_expect_word(p, "to") || !parse_operand(p, draft) ||
        !ir_expect_word(p, "step") || !parse_operand(p, draft))
        return false;
    return !ir_accept_word(p, "iter") || parse_carried_list(p, draft);
}

static bool parse_result_types(IrParser *p, Draft *draft) {
    if (ir_accept_punct(p, ':')) {
        do {
            DraftType type;
            if (!ir_parse_type(p, &type.type) || !ir_parse_hints(p, &type.hints, &type.hinted))
                return false;
            vec_push(p->arena, &draft->types, type);
        } while (ir_accept_punct(p, ','));
    }
    if (draft->types.len == draft->results.len)
        return true;
    return ir_syntax_error(p, draft->types.len < draft->results.len ? "`:` and a type per result"
                                                                    : "a name per result type");
}

static bool parse_mnemonic(IrParser *p, Draft *draft) {
    if (p->tok.kind != TOK_WORD)
        return ir_syntax_error(p, "an operation");
    draft->code = ir_opcode_from_mnemonic(p->tok.text, strlen(p->tok.text));
    if (draft->code != OP_COUNT) {
        ir_advance(p);
        return true;
    }
    Diag *diag = diag_report(p->diags, DIAG_IR_UNKNOWN_OP, ir_token_range(p), p->tok.text);
    const char *mnemonics[OP_COUNT];
    for (int code = 0; code < OP_COUNT; code++)
        mnemonics[code] = ir_op_infos[code].mnemonic;
    const char *near = closest_word(p->tok.text, mnemonics, OP_COUNT);
    if (near)
        diag_help(diag, "did you mean `%s`?", near);
    p->num_errors++;
    return false;
}

static bool parse_head(IrParser *p, Draft *draft) {
    if (p->tok.kind == TOK_VALUE) {
        do {
            if (p->tok.kind != TOK_VALUE)
                return ir_syntax_error(p, "a result such as `%x`");
            vec_push(p->arena, &draft->results, p->tok);
            ir_advance(p);
        } while (ir_accept_punct(p, ','));
        if (!ir_expect_punct(p, '='))
            return false;
    }
    if (!parse_mnemonic(p, draft))
        return false;
    bool special = draft->code == OP_For || draft->code == OP_While;
    if (draft->code == OP_For && !parse_for_head(p, draft))
        return false;
    if (draft->code == OP_While && !parse_carried_list(p, draft))
        return false;
    return parse_items(p, draft, special) && parse_result_types(p, draft);
}

/* ---- building -------------------------------------------------------------------------------- */

static bool set_constant(IrParser *p, const Draft *draft, IrOp *op) {
    const IrToken *token = &draft->constant;
    if (op->num_results != 1)
        return ir_syntax_error(p, "one result");
    const IrType *elem = ir_elem(op->results[0].type);
    if (ir_number_parse(elem, token->text, &ir_attr(op, ATTR_VALUE)->u.bits))
        return true;
    StrBuf type = STRBUF(p->arena);
    ir_type_print(elem, &type);
    SrcRange range = {p->file->id, token->lo, token->hi};
    diag_report(p->diags, DIAG_IR_BAD_CONSTANT, range, token->text, strbuf_str(&type));
    p->num_errors++;
    return false;
}

/* Builds the operation and defines its results. */
static IrOp *build(IrParser *p, Draft *draft) {
    VEC(const IrType *) types = {0};
    for (size_t i = 0; i < draft->types.len; i++)
        vec_push(p->arena, &types, draft->types.data[i].type);
    IrOp *op = ir_build(&p->builder, draft->code, draft->operands.data,
                        (unsigned)draft->operands.len, types.data, (unsigned)types.len);
    for (unsigned i = 0; i < ir_info(op)->num_attrs; i++) {
        if (draft->given[i])
            op->attrs[i] = draft->attrs[i];
    }
    if (draft->code == OP_Const && !set_constant(p, draft, op))
        return NULL;
    for (unsigned i = 0; i < op->num_results; i++) {
        if (draft->types.data[i].hinted)
            *ir_value_hints(p->module, &op->results[i]) = draft->types.data[i].hints;
        ir_define(p, &draft->results.data[i], &op->results[i]);
    }
    return op;
}

/* ---- regions --------------------------------------------------------------------------------- */

static void add_arg(IrParser *p, IrBlock *block, const DraftArg *arg) {
    IrValue *value = ir_block_add_arg(&p->builder, block, arg->type, NULL);
    if (arg->hinted)
        *ir_value_hints(p->module, value) = arg->hints;
    ir_define(p, &arg->name, value);
}

/* `(%l: f32, %r: f32)` */
static bool parse_typed_args(IrParser *p, IrBlock *block) {
    if (!ir_expect_punct(p, '('))
        return false;
    while (!ir_at_punct(p, ')')) {
        DraftArg arg = {0};
        if (block->num_args > 0 && !ir_expect_punct(p, ','))
            return false;
        arg.name = p->tok;
        if (p->tok.kind != TOK_VALUE)
            return ir_syntax_error(p, "an argument such as `%l: f32`");
        ir_advance(p);
        if (!ir_expect_punct(p, ':') || !ir_parse_type(p, &arg.type) ||
            !ir_parse_hints(p, &arg.hints, &arg.hinted))
            return false;
        add_arg(p, block, &arg);
    }
    ir_advance(p);
    return true;
}

static bool parse_body(IrParser *p, IrBlock *block) {
    if (!ir_expect_punct(p, '{'))
        return false;
    if (p->depth >= IR_MAX_NESTING) {
        diag_report(p->diags, DIAG_IR_NESTING, ir_token_range(p), IR_MAX_NESTING);
        p->num_errors++;
        p->lexer.pos = p->lexer.len; /* no use going on: the braces cannot be matched */
        ir_advance(p);
        return false;
    }
    IrBlock *outer = p->builder.block;
    p->builder.block = block;
    p->depth++;
    ir_parse_block(p);
    p->depth--;
    p->builder.block = outer;
    return ir_expect_punct(p, '}');
}

/* An `if` without `else` has a second region that yields nothing. */
static void make_empty_else(IrParser *p, IrOp *op) {
    IrBuilder inner = p->builder;
    inner.block = op->regions[1];
    inner.range = p->places ? SRC_NONE : op->range;
    ir_build(&inner, OP_Yield, NULL, 0, NULL, 0);
}

static bool parse_regions(IrParser *p, const Draft *draft, IrOp *op) {
    for (unsigned r = 0; r < op->num_regions; r++) {
        IrBlock *block = op->regions[r];
        bool args_in_head = r == 0 && (op->code == OP_For || op->code == OP_While);
        if (op->code == OP_If && r == 1 && !ir_accept_word(p, "else")) {
            make_empty_else(p, op);
            continue;
        }
        if (op->code == OP_While && r == 1 && !ir_expect_word(p, "do"))
            return false;
        for (size_t i = 0; args_in_head && i < draft->args.len; i++)
            add_arg(p, block, &draft->args.data[i]);
        if (!args_in_head && op->code != OP_If && !parse_typed_args(p, block))
            return false;
        if (!parse_body(p, block))
            return false;
    }
    return true;
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static bool parse_op(IrParser *p, Draft *draft) {
    SrcRange range;
    if (!parse_head(p, draft) || !ir_parse_location(p, ir_range_from(p, draft->first.lo), &range))
        return false;
    p->builder.range = range;
    IrOp *op = build(p, draft);
    return op && parse_regions(p, draft, op);
}

/* After an error: on to the next line, behind any region that this one opens. */
static void recover(IrParser *p, const Draft *draft) {
    for (size_t i = 0; i < draft->results.len; i++) {
        const char *name = draft->results.data[i].text;
        if (!map_has(&p->values, name))
            map_set(&p->values, name, NULL);
    }
    if (p->tok.lo == draft->first.lo && p->tok.kind != TOK_END)
        ir_advance(p);
    unsigned depth = 0;
    while (p->tok.kind != TOK_END && !(depth == 0 && p->tok.first_on_line)) {
        if (ir_at_punct(p, '{'))
            depth++;
        else if (ir_at_punct(p, '}') && depth > 0)
            depth--;
        else if (ir_at_punct(p, '}'))
            return; /* closes the region that we are in */
        ir_advance(p);
    }
}

void ir_parse_block(IrParser *p) {
    while (p->tok.kind != TOK_END && !ir_at_punct(p, '}') && !ir_at_word(p, "kernel")) {
        Draft draft = {.first = p->tok};
        if (!parse_op(p, &draft))
            recover(p, &draft);
    }
}
