/* syntax_target.c -- what can be assigned to, annotated and deleted.
 *
 * The grammar parses targets as expressions; here everything is refused that is no name, attribute,
 * subscript, or list or tuple of such.
 */
#include "frontend/syntax_check.h"

const char *expr_description(const Expr *expr) {
    switch (expr->kind) {
    case EXPR_BOOLOP:
    case EXPR_BINOP:
    case EXPR_UNARYOP:
        return "the result of an operator";
    case EXPR_NAMED:
        return "an assignment expression";
    case EXPR_LAMBDA:
        return "a lambda";
    case EXPR_IFEXP:
        return "a conditional expression";
    case EXPR_DICT:
        return "a dict";
    case EXPR_SET:
        return "a set";
    case EXPR_LISTCOMP:
    case EXPR_SETCOMP:
    case EXPR_DICTCOMP:
    case EXPR_GENERATOR:
        return "a comprehension";
    case EXPR_AWAIT:
        return "an `await` expression";
    case EXPR_YIELD:
    case EXPR_YIELD_FROM:
        return "a `yield` expression";
    case EXPR_COMPARE:
        return "a comparison";
    case EXPR_CALL:
        return "the result of a call";
    case EXPR_FORMATTED:
    case EXPR_JOINEDSTR:
        return "an f-string";
    case EXPR_CONSTANT:
        return "a constant";
    case EXPR_ATTRIBUTE:
        return "an attribute";
    case EXPR_SUBSCRIPT:
        return "a subscript";
    case EXPR_STARRED:
        return "a starred expression";
    case EXPR_NAME:
        return "a name";
    case EXPR_LIST:
        return "a list";
    case EXPR_TUPLE:
        return "a tuple";
    case EXPR_SLICE:
        return "a slice";
    case EXPR_ERROR:
        break;
    }
    return "this";
}

static void check_attribute_target(Checker *checker, const Expr *target) {
    check_expr(checker, target->u.attribute.value);
    if (target->u.attribute.attr == checker->debug_name)
        CHECK_ERROR(checker, BAD_TARGET, target->u.attribute.attr_range, "`__debug__`");
}

/* A name, an attribute or a subscript; false for anything else. */
static bool check_simple_target(Checker *checker, const Expr *target) {
    switch ((int)target->kind) {
    case EXPR_NAME:
        name_bind(checker, target->u.name.id, NAME_BOUND, target->range);
        return true;
    case EXPR_ATTRIBUTE:
        check_attribute_target(checker, target);
        return true;
    case EXPR_SUBSCRIPT:
        check_expr(checker, target->u.subscript.value);
        check_expr(checker, target->u.subscript.index);
        return true;
    case EXPR_ERROR:
        return true;
    default:
        return false;
    }
}

static void check_elements(Checker *checker, const ExprList *elts) {
    enum { MAX_BEFORE_STAR = 255 }; /* CPython's limit */
    const Expr *star = NULL;
    for (size_t i = 0; i < elts->len; i++) {
        const Expr *element = elts->items[i];
        if (element->kind != EXPR_STARRED) {
            check_target(checker, element);
            continue;
        }
        if (star)
            diag_note(CHECK_ERROR(checker, TWO_STARS, element->range), star->range,
                      "the first one is here");
        else if (i > MAX_BEFORE_STAR)
            CHECK_ERROR(checker, TWO_STARS, element->range);
        star = element;
        check_target(checker, element->u.wrap.value);
    }
}

void check_target(Checker *checker, const Expr *target) {
    if (check_simple_target(checker, target))
        return;
    if (target->kind == EXPR_TUPLE || target->kind == EXPR_LIST) {
        check_elements(checker, &target->u.seq.elts);
    } else if (target->kind == EXPR_STARRED) {
        diag_help(CHECK_ERROR(checker, STAR_TARGET, target->range),
                  "add a comma to make it a tuple");
    } else {
        Diag *diag = CHECK_ERROR(checker, BAD_TARGET, target->range, expr_description(target));
        if (target->kind == EXPR_COMPARE)
            diag_help(diag, "to compare, write `==`");
    }
}

void check_delete_target(Checker *checker, const Expr *target) {
    if (target->kind == EXPR_TUPLE || target->kind == EXPR_LIST) {
        for (size_t i = 0; i < target->u.seq.elts.len; i++)
            check_delete_target(checker, target->u.seq.elts.items[i]);
        return;
    }
    if (!check_simple_target(checker, target))
        CHECK_ERROR(checker, BAD_DELETE, target->range, expr_description(target));
}

void check_augmented_target(Checker *checker, const Expr *target) {
    if (!check_simple_target(checker, target))
        CHECK_ERROR(checker, BAD_AUGMENTED, target->range, expr_description(target));
}

void check_annotated_target(Checker *checker, const Expr *target, bool has_value) {
    if (target->kind == EXPR_NAME) {
        if (!target->parenthesized)
            name_annotate(checker, target->u.name.id, target->range);
        else if (has_value)
            name_bind(checker, target->u.name.id, NAME_BOUND, target->range);
        return;
    }
    if (!check_simple_target(checker, target))
        CHECK_ERROR(
            checker, BAD_ANNOTATION, target->range,
            arena_printf(checker->parser->arena, "%s cannot have one", expr_description(target)));
}
