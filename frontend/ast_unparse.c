/* ast_unparse.c -- source text from expressions, in canonical spacing.
 *
 * Messages quote what the user wrote in one line and one style: `a[:, None] + 1`. Brackets are put
 * where precedence needs them, not where they were written. Parsing the text again
 * gives an equal tree.
 */
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/ast.h"

/* Binding strength, loosest first; an operand of lower strength than its place needs is put in
 * brackets. */
typedef enum Level {
    LEVEL_TUPLE,
    LEVEL_NAMED,
    LEVEL_TEST, /* lambda, conditional */
    LEVEL_OR,
    LEVEL_AND,
    LEVEL_NOT,
    LEVEL_COMPARE,
    LEVEL_BITOR,
    LEVEL_BITXOR,
    LEVEL_BITAND,
    LEVEL_SHIFT,
    LEVEL_SUM,
    LEVEL_PRODUCT,
    LEVEL_UNARY,
    LEVEL_POWER,
    LEVEL_AWAIT,
    LEVEL_ATOM
} Level;

static const char *const unary_texts[] = {"+", "-", "~", "not"};
static const char *const binary_texts[] = {"+",  "-",  "*",  "@", "/", "//", "%",
                                           "**", "<<", ">>", "|", "^", "&"};
static const Level binary_levels[] = {LEVEL_SUM,     LEVEL_SUM,     LEVEL_PRODUCT, LEVEL_PRODUCT,
                                      LEVEL_PRODUCT, LEVEL_PRODUCT, LEVEL_PRODUCT, LEVEL_POWER,
                                      LEVEL_SHIFT,   LEVEL_SHIFT,   LEVEL_BITOR,   LEVEL_BITXOR,
                                      LEVEL_BITAND};
static const char *const compare_texts[] = {"==", "!=", "<",      "<=", ">",
                                            ">=", "is", "is not", "in", "not in"};

const char *ast_unary_text(UnaryOpKind op) {
    return unary_texts[op];
}

const char *ast_binary_text(BinOpKind op) {
    return binary_texts[op];
}

const char *ast_compare_text(CmpOpKind op) {
    return compare_texts[op];
}

static void put(const Expr *expr, StrBuf *out, Level needed);

static void put_list(const ExprList *list, StrBuf *out, Level needed) {
    for (size_t i = 0; i < list->len; i++) {
        if (i > 0)
            strbuf_puts(out, ", ");
        put(list->items[i], out, needed);
    }
}

/* ---- Literals ---- */

static void put_escaped(const char *text, size_t len, bool bytes, StrBuf *out) {
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '\'' || c == '\\')
            strbuf_printf(out, "\\%c", c);
        else if (c == '\n')
            strbuf_puts(out, "\\n");
        else if (c == '\t')
            strbuf_puts(out, "\\t");
        else if (c == '\r')
            strbuf_puts(out, "\\r");
        else if (c < 32 || c == 127 || (bytes && c > 127))
            strbuf_printf(out, "\\x%02x", c);
        else
            strbuf_putc(out, (char)c);
    }
}

/* The shortest decimal form that reads back as the same double, written as Python's repr does: with
 * an exponent only below 1e-4 and from 1e16 on. */
static void put_number(double number, StrBuf *out) {
    enum { MOST_DIGITS = 17, LOWEST = -4, HIGHEST = 16 };
    char text[40];
    int digits = 1;
    if (number > DBL_MAX) { /* a literal such as 1e999 */
        strbuf_puts(out, "1e999");
        return;
    }
    do
        snprintf(text, sizeof text, "%.*e", digits - 1, number);
    while (strtod(text, NULL) != number && digits++ < MOST_DIGITS);
    int exponent = atoi(strchr(text, 'e') + 1);
    if (exponent >= LOWEST && exponent < HIGHEST) {
        int decimals = digits - 1 - exponent;
        snprintf(text, sizeof text, "%.*f", decimals > 1 ? decimals : 1, number);
    }
    strbuf_puts(out, text);
}

static void put_constant(const Expr *expr, StrBuf *out) {
    switch (expr->u.constant.kind) {
    case CONST_NONE:
        strbuf_puts(out, "None");
        break;
    case CONST_TRUE:
        strbuf_puts(out, "True");
        break;
    case CONST_FALSE:
        strbuf_puts(out, "False");
        break;
    case CONST_ELLIPSIS:
        strbuf_puts(out, "...");
        break;
    case CONST_INT:
        strbuf_write(out, expr->u.constant.text, expr->u.constant.text_len);
        break;
    case CONST_FLOAT:
        put_number(expr->u.constant.number, out);
        break;
    case CONST_COMPLEX:
        put_number(expr->u.constant.number, out);
        strbuf_putc(out, 'j');
        break;
    case CONST_STR:
    case CONST_BYTES:
        strbuf_puts(out, expr->u.constant.kind == CONST_BYTES ? "b'" : "'");
        put_escaped(expr->u.constant.text, expr->u.constant.text_len,
                    expr->u.constant.kind == CONST_BYTES, out);
        strbuf_putc(out, '\'');
        break;
    }
}

static void put_joined_parts(const ExprList *parts, bool in_spec, StrBuf *out);

static void put_field(const Expr *expr, StrBuf *out) {
    StrBuf value = STRBUF(out->arena);
    strbuf_putc(out, '{');
    if (expr->u.formatted.self_doc) {
        strbuf_puts(out, expr->u.formatted.self_doc);
    } else {
        put(expr->u.formatted.value, &value, LEVEL_OR);
        if (value.data[0] == '{') /* `{{` would be a brace */
            strbuf_putc(out, ' ');
        strbuf_puts(out, value.data);
    }
    if (expr->u.formatted.conversion)
        strbuf_printf(out, "!%c", expr->u.formatted.conversion);
    if (expr->u.formatted.format_spec) {
        strbuf_putc(out, ':');
        put_joined_parts(&expr->u.formatted.format_spec->u.joined.values, true, out);
    }
    strbuf_putc(out, '}');
}

static void put_joined_parts(const ExprList *parts, bool in_spec, StrBuf *out) {
    for (size_t i = 0; i < parts->len; i++) {
        const Expr *part = parts->items[i];
        if (part->kind == EXPR_FORMATTED) {
            put_field(part, out);
            continue;
        }
        if (part->kind != EXPR_CONSTANT)
            continue;
        for (size_t j = 0; j < part->u.constant.text_len; j++) {
            char c = part->u.constant.text[j];
            put_escaped(&c, 1, false, out);
            if ((c == '{' || c == '}') && !in_spec)
                strbuf_putc(out, c);
        }
    }
}

/* ---- Calls, parameters, comprehensions ---- */

static void put_separator(bool *first, StrBuf *out) {
    if (!*first)
        strbuf_puts(out, ", ");
    *first = false;
}

static void put_call(const Expr *expr, StrBuf *out) {
    bool first = true;
    put(expr->u.call.func, out, LEVEL_ATOM);
    if (expr->u.call.args.len == 1 && expr->u.call.keywords.len == 0 &&
        expr->u.call.args.items[0]->kind == EXPR_GENERATOR) {
        put(expr->u.call.args.items[0], out, LEVEL_ATOM);
        return;
    }
    strbuf_putc(out, '(');
    for (size_t i = 0; i < expr->u.call.args.len; i++) {
        put_separator(&first, out);
        put(expr->u.call.args.items[i], out, LEVEL_NAMED);
    }
    for (size_t i = 0; i < expr->u.call.keywords.len; i++) {
        const Keyword *keyword = &expr->u.call.keywords.items[i];
        put_separator(&first, out);
        if (keyword->name)
            strbuf_printf(out, "%s=", keyword->name);
        else
            strbuf_puts(out, "**");
        put(keyword->value, out, LEVEL_TEST);
    }
    strbuf_putc(out, ')');
}

static void put_args(const ArgList *list, bool *first, StrBuf *out) {
    for (size_t i = 0; i < list->len; i++) {
        put_separator(first, out);
        strbuf_puts(out, list->items[i].name);
        if (list->items[i].default_) {
            strbuf_putc(out, '=');
            put(list->items[i].default_, out, LEVEL_TEST);
        }
    }
}

static void put_lambda(const Expr *expr, StrBuf *out) {
    const Params *params = &expr->u.lambda.params;
    StrBuf text = STRBUF(out->arena);
    bool first = true;
    put_args(&params->posonly, &first, &text);
    if (params->posonly.len > 0)
        strbuf_puts(&text, ", /");
    put_args(&params->args, &first, &text);
    if (params->vararg || params->kwonly.len > 0) {
        put_separator(&first, &text);
        strbuf_printf(&text, "*%s", params->vararg ? params->vararg->name : "");
    }
    put_args(&params->kwonly, &first, &text);
    if (params->kwarg) {
        put_separator(&first, &text);
        strbuf_printf(&text, "**%s", params->kwarg->name);
    }
    strbuf_printf(out, "lambda%s%s: ", text.len > 0 ? " " : "", strbuf_str(&text));
    put(expr->u.lambda.body, out, LEVEL_TEST);
}

static void put_comp(const Expr *expr, const char *brackets, StrBuf *out) {
    strbuf_putc(out, brackets[0]);
    put(expr->u.comp.elt, out, LEVEL_NAMED);
    if (expr->u.comp.value) {
        strbuf_puts(out, ": ");
        put(expr->u.comp.value, out, LEVEL_TEST);
    }
    for (size_t i = 0; i < expr->u.comp.generators.len; i++) {
        const Comprehension *clause = &expr->u.comp.generators.items[i];
        strbuf_puts(out, clause->is_async ? " async for " : " for ");
        put(clause->target, out, LEVEL_TUPLE);
        strbuf_puts(out, " in ");
        put(clause->iter, out, LEVEL_OR);
        for (size_t j = 0; j < clause->ifs.len; j++) {
            strbuf_puts(out, " if ");
            put(clause->ifs.items[j], out, LEVEL_OR);
        }
    }
    strbuf_putc(out, brackets[1]);
}

static void put_dict(const Expr *expr, StrBuf *out) {
    strbuf_putc(out, '{');
    for (size_t i = 0; i < expr->u.dict.values.len; i++) {
        const Expr *key = expr->u.dict.keys.items[i];
        if (i > 0)
            strbuf_puts(out, ", ");
        if (key) {
            put(key, out, LEVEL_TEST);
            strbuf_puts(out, ": ");
        } else {
            strbuf_puts(out, "**");
        }
        put(expr->u.dict.values.items[i], out, key ? LEVEL_TEST : LEVEL_BITOR);
    }
    strbuf_putc(out, '}');
}

/* ---- Operators ---- */

static void put_binary(const Expr *expr, StrBuf *out) {
    Level level = binary_levels[expr->u.binop.op];
    bool power = expr->u.binop.op == BIN_POW; /* binds to the right, and looser than a sign there */
    put(expr->u.binop.left, out, power ? LEVEL_AWAIT : level);
    strbuf_printf(out, power ? "%s" : " %s ", binary_texts[expr->u.binop.op]);
    put(expr->u.binop.right, out, power ? LEVEL_UNARY : (Level)(level + 1));
}

static void put_boolop(const Expr *expr, StrBuf *out) {
    Level level = expr->u.boolop.is_or ? LEVEL_OR : LEVEL_AND;
    for (size_t i = 0; i < expr->u.boolop.values.len; i++) {
        if (i > 0)
            strbuf_puts(out, expr->u.boolop.is_or ? " or " : " and ");
        put(expr->u.boolop.values.items[i], out, (Level)(level + 1));
    }
}

static void put_compare(const Expr *expr, StrBuf *out) {
    put(expr->u.compare.left, out, LEVEL_BITOR);
    for (size_t i = 0; i < expr->u.compare.comparators.len; i++) {
        strbuf_printf(out, " %s ", compare_texts[expr->u.compare.ops[i]]);
        put(expr->u.compare.comparators.items[i], out, LEVEL_BITOR);
    }
}

static void put_slice(const Expr *expr, StrBuf *out) {
    if (expr->u.slice.lower)
        put(expr->u.slice.lower, out, LEVEL_TEST);
    strbuf_putc(out, ':');
    if (expr->u.slice.upper)
        put(expr->u.slice.upper, out, LEVEL_TEST);
    if (expr->u.slice.step) {
        strbuf_putc(out, ':');
        put(expr->u.slice.step, out, LEVEL_TEST);
    }
}

static void put_wrapped(const Expr *expr, const char *word, Level needed, StrBuf *out) {
    strbuf_puts(out, word);
    if (!expr->u.wrap.value)
        return;
    if (expr->kind != EXPR_STARRED)
        strbuf_putc(out, ' ');
    put(expr->u.wrap.value, out, needed);
}

static Level level_of(const Expr *expr) {
    switch (expr->kind) {
    case EXPR_TUPLE:
    case EXPR_YIELD:
    case EXPR_YIELD_FROM:
        return LEVEL_TUPLE;
    case EXPR_NAMED:
        return LEVEL_NAMED;
    case EXPR_STARRED:
    case EXPR_SLICE:
        return LEVEL_ATOM; /* only where the grammar has them; brackets would not help */
    case EXPR_LAMBDA:
    case EXPR_IFEXP:
        return LEVEL_TEST;
    case EXPR_BOOLOP:
        return expr->u.boolop.is_or ? LEVEL_OR : LEVEL_AND;
    case EXPR_COMPARE:
        return LEVEL_COMPARE;
    case EXPR_BINOP:
        return binary_levels[expr->u.binop.op];
    case EXPR_UNARYOP:
        return expr->u.unaryop.op == UNARY_NOT ? LEVEL_NOT : LEVEL_UNARY;
    case EXPR_AWAIT:
        return LEVEL_AWAIT;
    case EXPR_DICT:
    case EXPR_SET:
    case EXPR_LISTCOMP:
    case EXPR_SETCOMP:
    case EXPR_DICTCOMP:
    case EXPR_GENERATOR:
    case EXPR_CALL:
    case EXPR_FORMATTED:
    case EXPR_JOINEDSTR:
    case EXPR_CONSTANT:
    case EXPR_ATTRIBUTE:
    case EXPR_SUBSCRIPT:
    case EXPR_NAME:
    case EXPR_LIST:
    case EXPR_ERROR:
        break;
    }
    return LEVEL_ATOM;
}

static void put_tuple(const Expr *expr, StrBuf *out) {
    put_list(&expr->u.seq.elts, out, LEVEL_NAMED);
    if (expr->u.seq.elts.len == 1)
        strbuf_putc(out, ',');
}

static void put_in(const Expr *expr, char open, char close, StrBuf *out) {
    strbuf_putc(out, open);
    put_list(&expr->u.seq.elts, out, LEVEL_NAMED);
    strbuf_putc(out, close);
}

static void put_value(const Expr *expr, StrBuf *out, Level needed) {
    bool integer = expr->kind == EXPR_CONSTANT && expr->u.constant.kind == CONST_INT;
    if (integer && needed == LEVEL_ATOM) /* 1.real would be a number */
        strbuf_putc(out, '(');
    put(expr, out, needed);
    if (integer && needed == LEVEL_ATOM)
        strbuf_putc(out, ')');
}

static void put_bare(const Expr *expr, StrBuf *out) {
    switch (expr->kind) {
    case EXPR_BOOLOP:
        put_boolop(expr, out);
        break;
    case EXPR_NAMED:
        put(expr->u.named.target, out, LEVEL_ATOM);
        strbuf_puts(out, " := ");
        put(expr->u.named.value, out, LEVEL_TEST);
        break;
    case EXPR_BINOP:
        put_binary(expr, out);
        break;
    case EXPR_UNARYOP:
        strbuf_puts(out, unary_texts[expr->u.unaryop.op]);
        if (expr->u.unaryop.op == UNARY_NOT)
            strbuf_putc(out, ' ');
        put(expr->u.unaryop.operand, out,
            expr->u.unaryop.op == UNARY_NOT ? LEVEL_NOT : LEVEL_UNARY);
        break;
    case EXPR_LAMBDA:
        put_lambda(expr, out);
        break;
    case EXPR_IFEXP:
        put(expr->u.ifexp.body, out, LEVEL_OR);
        strbuf_puts(out, " if ");
        put(expr->u.ifexp.test, out, LEVEL_OR);
        strbuf_puts(out, " else ");
        put(expr->u.ifexp.orelse, out, LEVEL_TEST);
        break;
    case EXPR_DICT:
        put_dict(expr, out);
        break;
    case EXPR_SET:
        put_in(expr, '{', '}', out);
        break;
    case EXPR_LIST:
        put_in(expr, '[', ']', out);
        break;
    case EXPR_TUPLE:
        put_tuple(expr, out);
        break;
    case EXPR_LISTCOMP:
        put_comp(expr, "[]", out);
        break;
    case EXPR_SETCOMP:
    case EXPR_DICTCOMP:
        put_comp(expr, "{}", out);
        break;
    case EXPR_GENERATOR:
        put_comp(expr, "()", out);
        break;
    case EXPR_AWAIT:
        put_wrapped(expr, "await", LEVEL_ATOM, out);
        break;
    case EXPR_YIELD:
        put_wrapped(expr, "yield", LEVEL_TUPLE, out);
        break;
    case EXPR_YIELD_FROM:
        put_wrapped(expr, "yield from", LEVEL_TEST, out);
        break;
    case EXPR_STARRED:
        put_wrapped(expr, "*", LEVEL_BITOR, out);
        break;
    case EXPR_COMPARE:
        put_compare(expr, out);
        break;
    case EXPR_CALL:
        put_call(expr, out);
        break;
    case EXPR_FORMATTED:
        put_field(expr, out);
        break;
    case EXPR_JOINEDSTR:
        strbuf_puts(out, "f'");
        put_joined_parts(&expr->u.joined.values, false, out);
        strbuf_putc(out, '\'');
        break;
    case EXPR_CONSTANT:
        put_constant(expr, out);
        break;
    case EXPR_ATTRIBUTE:
        put_value(expr->u.attribute.value, out, LEVEL_ATOM);
        strbuf_printf(out, ".%s", expr->u.attribute.attr);
        break;
    case EXPR_SUBSCRIPT:
        put(expr->u.subscript.value, out, LEVEL_ATOM);
        strbuf_putc(out, '[');
        put(expr->u.subscript.index, out, LEVEL_TUPLE);
        strbuf_putc(out, ']');
        break;
    case EXPR_NAME:
        strbuf_puts(out, expr->u.name.id);
        break;
    case EXPR_SLICE:
        put_slice(expr, out);
        break;
    case EXPR_ERROR:
        strbuf_puts(out, "<error>");
        break;
    }
}

static void put(const Expr *expr, StrBuf *out, Level needed) {
    bool empty_tuple = expr->kind == EXPR_TUPLE && expr->u.seq.elts.len == 0;
    bool brackets = level_of(expr) < needed || empty_tuple;
    if (brackets)
        strbuf_putc(out, '(');
    put_bare(expr, out);
    if (brackets)
        strbuf_putc(out, ')');
}

void ast_unparse(const Expr *expr, StrBuf *out) {
    put(expr, out, LEVEL_TUPLE);
}
