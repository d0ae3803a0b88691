/* syntax_pattern.c -- `match` patterns: what they bind, and which cases can never be reached.
 *
 * Alternatives (a | b) must bind the same names; a pattern binds a name at most once; a pattern
 * that always matches (a bare name, `_`) can only be the last case, or the last alternative.
 */
#include "frontend/syntax_check.h"

/* The names bound so far. `places` maps a name to its last place in `names`, and is not cleared
 * when alternatives take names back: a place counts only while it still holds the name. */
typedef struct Bindings {
    VEC(Sym) names;
    Map places; /* Sym to size_t */
} Bindings;

static bool is_among(const Bindings *bindings, size_t from, Sym name) {
    const size_t *place = map_getp(&bindings->places, name);
    return place && *place >= from && *place < bindings->names.len &&
           bindings->names.data[*place] == name;
}

static void add_name(Checker *checker, Bindings *bindings, Sym name) {
    size_t *place = ARENA_NEW(checker->parser->arena, size_t);
    *place = bindings->names.len;
    map_setp(&bindings->places, name, place);
    vec_push(checker->parser->arena, &bindings->names, name);
}

static void bind_capture(Checker *checker, Bindings *bindings, Sym name, SrcRange range) {
    if (!name)
        return;
    if (is_among(bindings, 0, name))
        CHECK_ERROR(checker, REPEATED_CAPTURE, range, name);
    add_name(checker, bindings, name);
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

/* Constants with equal bytes here are equal keys. */
static const char *key_bytes(Checker *checker, const Expr *key, size_t *len) {
    StrBuf text = STRBUF(checker->parser->arena);
    strbuf_printf(&text, "%d:", (int)key->u.constant.kind);
    if (key->u.constant.text_len > 0)
        strbuf_write(&text, key->u.constant.text, key->u.constant.text_len);
    *len = text.len;
    return text.data;
}

static void check_mapping(Checker *checker, const Pattern *pattern, Bindings *bindings) {
    Map seen;
    map_init_str(&seen, checker->parser->arena);
    for (size_t i = 0; i < pattern->keys.len; i++) {
        const Expr *key = pattern->keys.items[i];
        size_t len = 0;
        check_expr(checker, key);
        if (key->kind != EXPR_CONSTANT)
            continue;
        const char *bytes = key_bytes(checker, key, &len);
        if (map_getn(&seen, bytes, len))
            CHECK_ERROR(checker, BAD_PATTERN, key->range, "the same key appears twice");
        map_setn(&seen, bytes, len, checker);
    }
    check_parts(checker, &pattern->patterns, bindings);
    bind_capture(checker, bindings, pattern->name, pattern->range);
}

/* Each alternative starts from the bindings before the whole. */
static void check_alternatives(Checker *checker, const Pattern *pattern, Bindings *bindings,
                               bool may_match_all) {
    size_t before = bindings->names.len;
    VEC(Sym) first = {0};
    for (size_t i = 0; i < pattern->patterns.len; i++) {
        const Pattern *part = pattern->patterns.items[i];
        bindings->names.len = before;
        check_pattern(checker, part, bindings, may_match_all && i + 1 == pattern->patterns.len);
        if (i == 0) {
            for (size_t j = before; j < bindings->names.len; j++)
                vec_push(checker->parser->arena, &first, bindings->names.data[j]);
            continue;
        }
        bool same = bindings->names.len - before == first.len;
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
        map_init_ptr(&bindings.places, checker->parser->arena);
        check_pattern(checker, item->pattern, &bindings,
                      item->guard != NULL || i + 1 == cases->len);
        check_expr(checker, item->guard);
        check_body(checker, &item->body);
    }
}
