/* aot_grid.c -- the grid of a launch, given as an expression, becomes C.
 *
 *     "n // 2, 4"    size[0] = compute('+', 0, compute('/', (int64_t)args->n, 2, &bad), &bad);
 *                    size[1] = compute('+', 0, 4, &bad);
 *
 * Known are integers, parameters that are integers, + - * // % and parentheses, cdiv (also
 * triton.cdiv), min and max. Integers have Python's meaning up to 62 bits; what is larger has no
 * grid.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/parse.h"
#include "runtime/aot/aot_internal.h"

enum { MAX_DIMENSIONS = 3 };

typedef struct GridText {
    Aot *aot;
    const AotKernel *kernel;
    StrBuf code;
} GridText;

static bool put_value(GridText *text, const Expr *expr);

static bool refuse(const GridText *text, const Expr *expr, const char *why) {
    Diag *diag = diag_report(text->aot->session->diags, DIAG_AOT_GRID, expr->range,
                             text->kernel->variants.data[0]->kernel->name, why);
    diag_help(diag, "it may consist of integers, parameters of the kernel that are integers, "
                    "+ - * // %%, cdiv(a, b), min(a, b) and max(a, b)");
    return false;
}

static bool put_compute(GridText *text, char operation, const Expr *left, const Expr *right) {
    strbuf_printf(&text->code, "compute('%c', ", operation);
    if (left == NULL)
        strbuf_puts(&text->code, "0");
    else if (!put_value(text, left))
        return false;
    strbuf_puts(&text->code, ", ");
    if (!put_value(text, right))
        return false;
    strbuf_puts(&text->code, ", &bad)");
    return true;
}

static bool put_name(GridText *text, const Expr *expr) {
    const AotKernel *kernel = text->kernel;
    for (size_t i = 0; i < kernel->num_fields; i++) {
        const AotField *field = &kernel->fields[i];
        if (!str_eq(field->any->name, expr->u.name.id))
            continue;
        if (field->kind == AOT_INTEGER)
            strbuf_printf(&text->code, "(int64_t)args->%s", field->name);
        else if (field->kind == AOT_CONSTANT && field->any->is_number)
            strbuf_printf(&text->code, "INT64_C(%" PRId64 ")", field->any->number);
        else
            return refuse(text, expr, "this parameter is no integer");
        return true;
    }
    return refuse(text, expr, "the kernel has no such parameter");
}

static bool put_integer(GridText *text, const Expr *expr) {
    char *end;
    errno = 0;
    const char *digits = expr->u.constant.text;
    bool octal = digits[0] == '0' && (digits[1] == 'o' || digits[1] == 'O');
    bool binary = digits[0] == '0' && (digits[1] == 'b' || digits[1] == 'B');
    int base = octal ? 8 : binary ? 2 : digits[0] == '0' && digits[1] != '\0' ? 16 : 10;
    long long number = strtoll(digits + (octal || binary ? 2 : 0), &end, base);
    if (errno != 0 || *end != '\0')
        return refuse(text, expr, "this integer is too large");
    strbuf_printf(&text->code, "INT64_C(%lld)", number);
    return true;
}

/* cdiv, triton.cdiv, min, max; '\0': none of them. */
static char function_letter(const Expr *function) {
    bool is_attribute = function->kind == EXPR_ATTRIBUTE &&
                        function->u.attribute.value->kind == EXPR_NAME &&
                        str_eq(function->u.attribute.value->u.name.id, "triton");
    if (!is_attribute && function->kind != EXPR_NAME)
        return '\0';
    const char *name = is_attribute ? function->u.attribute.attr : function->u.name.id;
    if (str_eq(name, "cdiv"))
        return 'c';
    if (is_attribute)
        return '\0';
    return str_eq(name, "min") ? 'm' : str_eq(name, "max") ? 'M' : '\0';
}

static char operator_letter(BinOpKind op) {
    switch ((int)op) {
    case BIN_ADD:
        return '+';
    case BIN_SUB:
        return '-';
    case BIN_MUL:
        return '*';
    case BIN_FLOORDIV:
        return '/';
    case BIN_MOD:
        return '%';
    default:
        return '\0';
    }
}

static bool put_value(GridText *text, const Expr *expr) {
    char letter;
    switch ((int)expr->kind) {
    case EXPR_NAME:
        return put_name(text, expr);
    case EXPR_CONSTANT:
        return expr->u.constant.kind == CONST_INT ? put_integer(text, expr)
                                                  : refuse(text, expr, "this is no integer");
    case EXPR_UNARYOP:
        if (expr->u.unaryop.op == UNARY_NEG)
            return put_compute(text, '-', NULL, expr->u.unaryop.operand);
        break;
    case EXPR_BINOP:
        letter = operator_letter(expr->u.binop.op);
        if (letter != '\0')
            return put_compute(text, letter, expr->u.binop.left, expr->u.binop.right);
        break;
    case EXPR_CALL:
        letter = function_letter(expr->u.call.func);
        if (letter != '\0' && expr->u.call.args.len == 2 && expr->u.call.keywords.len == 0)
            return put_compute(text, letter, expr->u.call.args.items[0],
                               expr->u.call.args.items[1]);
        break;
    default:
        break;
    }
    return refuse(text, expr, "this cannot be computed ahead of time");
}

/* The expression of a file that holds nothing else; NULL: reported. */
static const Expr *parse_expression(Session *session, const char *expression) {
    const SrcFile *file = sources_add(session->sources, "<grid>", expression, strlen(expression));
    size_t before = diags_len(session->diags);
    const Module *module = parse_module(session->arena, session->names, session->diags, file);
    if (diags_len(session->diags) > before)
        return NULL;
    if (module->body.len == 1 && module->body.items[0]->kind == STMT_EXPR)
        return module->body.items[0]->u.ret.value;
    diag_report(session->diags, DIAG_AOT_GRID, SRC_NONE, expression, "it is no expression");
    return NULL;
}

const char *aot_grid_code(Aot *aot, const AotKernel *kernel, const char *expression) {
    GridText text = {.aot = aot, .kernel = kernel, .code = STRBUF(aot->session->arena)};
    const Expr *expr = parse_expression(aot->session, expression);
    if (expr == NULL)
        return NULL;
    bool is_tuple = expr->kind == EXPR_TUPLE;
    size_t count = is_tuple ? expr->u.seq.elts.len : 1;
    if (count < 1 || count > MAX_DIMENSIONS) {
        refuse(&text, expr, "a grid has 1 to 3 dimensions");
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        strbuf_printf(&text.code, "%s        size[%zu] = ", i > 0 ? "\n" : "", i);
        /* Also of a plain value, so that `compute` is always used. */
        if (!put_compute(&text, '+', NULL, is_tuple ? expr->u.seq.elts.items[i] : expr))
            return NULL;
        strbuf_puts(&text.code, ";");
    }
    return strbuf_str(&text.code);
}
