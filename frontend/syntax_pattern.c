/* syntax_pattern.c -- `match` patterns: what they bind, and which cases can never be reached.
 *
 * Alternatives (a | b) must bind the same names; a pattern binds a name at most once; a pattern
 * that always matches (a bare name, `_`) can only be the last case, or the last alternative.
 */
#include <string.h>

#include "frontend/syntax_check.h"

typedef VEC(Sym) Bindings;

static bool is_among(const Bindings *bindings, size_t from, Sym name) {
    for (size_t i = from; i < bindings->len; i++)
        if (bindings->data[i] == name)
            return true;
    return false;
}

static void bind_capture(Checker *checker, Bindings *bindings, Sym name, SrcRange range) {
    if (!name)
        return;
    if (is_among(bindings, 0, name))
        CHECK_ERROR(checker, REPEATED_CAPTURE, range, name);
    vec_push(checker->parser->arena, bindings, name);
    name_bind(checker, name, NAME_BOUND, range);
}

static void check_pattern(Checker *checker, const Pattern *pattern, Bindings *bindings,
                          bool may_match_all);

static void check_parts(Checker *checker, const PatternList *parts, Bindings *bindings) {
    for (size_t i = 0; i < parts->len; i++)
        check_pattern(checker, parts->items[i], bindings, true);
}

static void check_sequence(Checker *checker, const Pattern *pattern, Bindings *bindings) {
    const Pattern *star = NULL;
    for (size_t i = 0; i < pattern->patterns.len; i++) {
        const Pattern *part = pattern->patterns.items[i];
        if (part->kind == PATTERN_STAR && star)
            CHECK_ERROR(checker, TWO_STARS, part->range);
        if (part->kind == PATTERN_STAR)
            star = part;
    }
    check_parts(checker, &pattern->patterns, bindings);
}

static bool same_constant(const Expr *a, const Expr *b) {
    return a->kind == EXPR_CONSTANT && b->kind == EXPR_CONSTANT &&
           a->u.constant.kind == b->u.constant.kind &&
           a->u.constant.text_len == b->u.constant.text_len &&
           (a->u.constant.text_len == 0 ||
            memcmp(a->u.constant.text, b->u.constant.text, a->u.constant.text_len) == 0) &&
           memcmp(&a->u.constant.number, &b->u.constant.number, sizeof(double)) == 0;
}

static void check_mapping(Checker *checker, const Pattern *pattern, Bindings *bindings) {
    for (size_t i = 0; i < pattern->keys.len; i++) {
        check_expr(checker, pattern->keys.items[i]);
        for (size_t j = 0; j < i; j++)
            if (same_constant(pattern->keys.items[i], pattern->keys.items[j]))
                CHECK_ERROR(checker, BAD_PATTERN, pattern->keys.items[i]->range,
                            "the same key appears twice");
    }
    check_parts(checker, &pattern->patterns, bindings);
    bind_capture(checker, bindings, pattern->name, pattern->range);
}

/* Each alternative starts from the bindings before the whole. */
static void check_alternatives(Checker *checker, const Pattern *pattern, Bindings *bindings,
                               bool may_match_all) {
    size_t before = bindings->len;
    size_t first_count = 0;
    Bindings first = {0};
    for (size_t i = 0; i < pattern->patterns.len; i++) {
        const Pattern *part = pattern->patterns.items[i];
        bindings->len = before;
        check_pattern(checker, part, bindings, may_match_all && i + 1 == pattern->patterns.len);
        if (i == 0) {
            first_count = bindings->len - before;
            for (size_t j = before; j < bindings->len; j++)
                vec_push(checker->parser->arena, &first, bindings->data[j]);
            continue;
        }
        bool same = bindings->len - before == first_count;
        for (size_t j = 0; j < first.len; j++)
            same = same && is_among(bindings, before, first.data[j]);
        if (!same)
            CHECK_ERROR(checker, ALTERNATIVE_NAMES, part->range);
    }
}

static void check_capture(Checker *checker, const Pattern *pattern, Bindings *bindings,
                          bool may_match_all) {
    if (pattern->pattern)
        check_pattern(checker, pattern->pattern, bindings, may_match_all);
    else if (!may_match_all)
        CHECK_ERROR(checker, UNREACHABLE_CASE, pattern->range, pattern->name ? pattern->name : "_");
    bind_capture(checker, bindings, pattern->name, pattern->range);
}

static void check_pattern(Checker *checker, const Pattern *pattern, Bindings *bindings,
                          bool may_match_all) {
    switch (pattern->kind) {
    case PATTERN_VALUE:
    case PATTERN_SINGLETON:
        check_expr(checker, pattern->value);
        break;
    case PATTERN_SEQUENCE:
        check_sequence(checker, pattern, bindings);
        break;
    case PATTERN_MAPPING:
        check_mapping(checker, pattern, bindings);
        break;
    case PATTERN_CLASS:
        check_expr(checker, pattern->value);
        check_parts(checker, &pattern->patterns, bindings);
        check_parts(checker, &pattern->kwd_patterns, bindings);
        break;
    case PATTERN_STAR:
        bind_capture(checker, bindings, pattern->name, pattern->range);
        break;
    case PATTERN_AS:
        check_capture(checker, pattern, bindings, may_match_all);
        break;
    case PATTERN_OR:
        check_alternatives(checker, pattern, bindings, may_match_all);
        break;
    }
}

void check_cases(Checker *checker, const MatchCaseList *cases) {
    for (size_t i = 0; i < cases->len; i++) {
        const MatchCase *item = &cases->items[i];
        Bindings bindings = {0};
        check_pattern(checker, item->pattern, &bindings,
                      item->guard != NULL || i + 1 == cases->len);
        check_expr(checker, item->guard);
        check_body(checker, &item->body);
    }
}
