/* ast_build_pattern.c -- constructors of `match` patterns.
 *
 * While alternatives are collected (a | b | c) there is always a PATTERN_OR node; end_or_pattern
 * takes it away again if only one alternative came.
 */
#include "frontend/ast_build.h"

static Pattern *new_pattern(Parser *parser, PatternKind kind, SrcRange range) {
    Pattern *pattern = ARENA_NEW(parser->arena, Pattern);
    pattern->kind = kind;
    pattern->range = range;
    return pattern;
}

static void bad_pattern(Parser *parser, SrcRange range, const char *what) {
    PARSE_ERROR(parser, BAD_PATTERN, range, what);
}

Pattern *build_sequence(Parser *parser, SrcRange range, PatternList *items, bool comma) {
    if (items && items->len == 1 && !comma) {
        if (items->items[0]->kind == PATTERN_STAR)
            bad_pattern(parser, items->items[0]->range, "`*` needs a sequence around it");
        return items->items[0];
    }
    return build_sequence_in(parser, range, items);
}

Pattern *build_sequence_in(Parser *parser, SrcRange range, PatternList *items) {
    Pattern *pattern = new_pattern(parser, PATTERN_SEQUENCE, range);
    if (items)
        pattern->patterns = *items;
    return pattern;
}

Pattern *build_capture(Parser *parser, PatternKind kind, SrcRange range, Pattern *inner, Sym name,
                       SrcRange name_range) {
    Pattern *pattern = new_pattern(parser, kind, range);
    bool wildcard = str_eq(name, "_");
    if (wildcard && inner)
        bad_pattern(parser, name_range, "`_` cannot be the name behind `as`");
    pattern->name = wildcard ? NULL : name;
    pattern->pattern = inner;
    return pattern;
}

Pattern *build_or_pattern(Parser *parser, SrcRange range, Pattern *first) {
    Pattern *pattern = new_pattern(parser, PATTERN_OR, range);
    pattern_list_add(parser, &pattern->patterns, first);
    return pattern;
}

Pattern *add_to_or_pattern(Parser *parser, SrcRange range, Pattern *alternatives, Pattern *next) {
    pattern_list_add(parser, &alternatives->patterns, next);
    alternatives->range = range;
    return alternatives;
}

Pattern *end_or_pattern(Pattern *alternatives) {
    return alternatives->patterns.len == 1 ? alternatives->patterns.items[0] : alternatives;
}

Pattern *build_value_pattern(Parser *parser, SrcRange range, Expr *value) {
    Pattern *pattern = new_pattern(parser, PATTERN_VALUE, range);
    pattern->value = value;
    if (value->kind == EXPR_CONSTANT &&
        (value->u.constant.kind == CONST_NONE || value->u.constant.kind == CONST_TRUE ||
         value->u.constant.kind == CONST_FALSE))
        pattern->kind = PATTERN_SINGLETON;
    return pattern;
}

Pattern *build_name_pattern(Parser *parser, SrcRange range, Expr *name) {
    if (name->kind == EXPR_NAME)
        return build_capture(parser, PATTERN_AS, range, NULL, name->u.name.id, range);
    return build_value_pattern(parser, range, name);
}

Pattern *build_class_pattern(Parser *parser, SrcRange range, Expr *name, ClassPatternArgs *args) {
    Pattern *pattern = new_pattern(parser, PATTERN_CLASS, range);
    pattern->value = name;
    if (args) {
        pattern->patterns = args->patterns;
        pattern->kwd_attrs = args->names;
        pattern->kwd_patterns = args->values;
    }
    return pattern;
}

Pattern *build_mapping(Parser *parser, SrcRange range, MappingItems *items) {
    Pattern *pattern = new_pattern(parser, PATTERN_MAPPING, range);
    if (items) {
        pattern->keys = items->keys;
        pattern->patterns = items->patterns;
        pattern->name = items->rest;
    }
    return pattern;
}

static bool is_imaginary(const Expr *number) {
    if (number->kind == EXPR_UNARYOP)
        number = number->u.unaryop.operand;
    return number->kind == EXPR_CONSTANT && number->u.constant.kind == CONST_COMPLEX;
}

Expr *build_complex(Parser *parser, SrcRange range, BinOpKind op, SrcRange op_range, Expr *real,
                    Expr *imaginary) {
    if (is_imaginary(real))
        bad_pattern(parser, real->range, "a complex number starts with its real part");
    else if (!is_imaginary(imaginary))
        bad_pattern(parser, imaginary->range, "only an imaginary number can be added in a pattern");
    return build_binary(parser, range, op, op_range, real, imaginary);
}

Expr *check_pattern_string(Parser *parser, Expr *string) {
    if (string->kind == EXPR_JOINEDSTR)
        bad_pattern(parser, string->range, "an f-string cannot be a pattern");
    return string;
}
