/* ast_build.h -- constructors of tree nodes, called by the grammar's actions.
 *
 * All memory comes from the parser's arena. Lists grow by doubling at powers of two, so that a list
 * needs no capacity field; a list argument may be NULL for "a new list". Constructors that check
 * something say what; everything else is syntax_check.c's business. Every constructor of
 * expressions sets `depth`, and beyond PARSE_MAX_NESTING returns an EXPR_ERROR in place of the node
 * (reported once), so that whoever walks a tree may recurse.
 */
#ifndef TKC_FRONTEND_AST_BUILD_H
#define TKC_FRONTEND_AST_BUILD_H

#include "frontend/parser_state.h"
#include "support/map.h"

/* ---- What the grammar collects before a node can be made ---- */

typedef enum ParamKind {
    PARAM_PLAIN,
    PARAM_SLASH,
    PARAM_STAR,
    PARAM_VARARG,
    PARAM_KWARG
} ParamKind;
typedef struct ParamItem {
    ParamKind kind;
    Arg arg;
    SrcRange range; /* of the name or of the marker */
} ParamItem;
typedef struct ParamItems {
    Params params;
    bool saw_slash, saw_star, saw_default;
    bool bare_star; /* `*` alone, and no parameter behind it yet */
    SrcRange star_range;
} ParamItems;

typedef enum ArgKind {
    ARG_POSITIONAL,
    ARG_KEYWORD,
    ARG_STAR,
    ARG_DOUBLESTAR,
    ARG_GENERATOR /* a generator expression without brackets of its own */
} ArgKind;
typedef struct CallArgs {
    ExprList args;
    KeywordList keywords;
    Map *keyword_names; /* to the keyword's range; made once there are many */
    bool saw_keyword, saw_doublestar;
    Expr *generator;
    size_t count;
} CallArgs;

typedef struct DictItems {
    ExprList keys, values;
} DictItems;

typedef struct Elif {
    SrcRange header;
    Expr *test;
    StmtList *body;
} Elif;
typedef struct ElifList {
    Elif *items;
    size_t len;
} ElifList;

typedef struct Handler {
    ExceptHandler handler;
    bool is_star;
} Handler;

typedef struct HandlerList {
    ExceptHandlerList list;
    bool is_star;
} HandlerList;

typedef struct ClassPatternArgs {
    PatternList patterns;
    SymList names;
    PatternList values;
    Map named; /* names to patterns */
} ClassPatternArgs;
typedef struct MappingItems {
    ExprList keys;
    PatternList patterns;
    Sym rest;
} MappingItems;

/* ---- Lists (ast_lists.c) ---- */

/* Room for one more behind `len` items; returns the items, moved if need be. */
void *list_grow(Parser *parser, void *items, size_t len, size_t size, size_t align);

ExprList *expr_list(Parser *parser);
ExprList *expr_list_add(Parser *parser, ExprList *list, Expr *expr);
StmtList *stmt_list(Parser *parser);
StmtList *stmt_list_add(Parser *parser, StmtList *list, Stmt *stmt);
StmtList *stmt_list_append(Parser *parser, StmtList *list, const StmtList *more);
/* Adds the placeholder for a statement that could not be parsed. */
StmtList *add_error_stmt(Parser *parser, StmtList *list, SrcRange range);
SymList *sym_list_add(Parser *parser, SymList *list, Sym sym, SrcRange range);
AliasList *alias_list(Parser *parser);
Alias *import_alias(Parser *parser, Sym name, Sym asname, SrcRange range);
Alias *star_alias(Parser *parser, SrcRange range);
AliasList *alias_list_add(Parser *parser, AliasList *list, const Alias *alias);
/* a.b.c, collected from the left (NULL: nothing yet) and finished. */
StrBuf *dotted_name_add(Parser *parser, StrBuf *left, Sym right);
Sym dotted_name(Parser *parser, const StrBuf *text);
ElifList *elif_list_add(Parser *parser, ElifList *list, SrcRange header, Expr *test,
                        StmtList *body);
WithItem *with_item(Parser *parser, Expr *context, Expr *target);
WithItemList *with_items_add(Parser *parser, WithItemList *list, const WithItem *item);
/* Refuses a mixture of `except` and `except*`. */
HandlerList *handlers_add(Parser *parser, HandlerList *list, const Handler *handler);
TypeParam *type_param(Parser *parser, enum TypeParamKind kind, Sym name, Expr *bound,
                      SrcRange range);
TypeParamList *type_params_add(Parser *parser, TypeParamList *list, const TypeParam *param);
MatchCase *match_case(Parser *parser, Pattern *pattern, Expr *guard, const StmtList *body);
/* `item` may be NULL: it could not be parsed. */
MatchCaseList *cases_add(Parser *parser, MatchCaseList *list, const MatchCase *item);
/* Where the last case ends; `head` is the head of the statement, for when there is no case. */
uint32_t cases_end(const MatchCaseList *list, SrcRange head);
DictItems *dict_items_add(Parser *parser, DictItems *items, Expr *key, Expr *value);
ComprehensionList *comps_add(Parser *parser, ComprehensionList *list, Comprehension *clause);
PatternList *pattern_list_add(Parser *parser, PatternList *list, Pattern *pattern);
ClassPatternArgs *class_args_add(Parser *parser, ClassPatternArgs *args, SrcRange range, Sym name,
                                 Pattern *pattern);
MappingItems *mapping_add(Parser *parser, MappingItems *items, SrcRange range, Expr *key,
                          Pattern *pattern, Sym rest);
/* Check the order of parameters and arguments. */
ParamItem *param_item(Parser *parser, ParamKind kind, Sym name, Expr *annotation, Expr *default_,
                      SrcRange range, SrcRange name_range);
ParamItems *param_add(Parser *parser, ParamItems *items, const ParamItem *item);
ParamItems *end_params(Parser *parser, SrcRange range, ParamItems *items, bool trailing_comma);
CallArgs *arg_add(Parser *parser, CallArgs *args, ArgKind kind, Expr *name, Expr *value,
                  SrcRange range);
CallArgs *end_arguments(Parser *parser, CallArgs *args, bool trailing_comma);
CallArgs *check_bases(Parser *parser, CallArgs *args);

/* ---- Expressions (ast_build.c) ---- */

Expr *build_error(Parser *parser, SrcRange range);
Expr *build_name(Parser *parser, SrcRange range, Sym id);
Expr *build_constant(Parser *parser, SrcRange range, ConstKind kind);
Expr *build_attribute(Parser *parser, SrcRange range, Expr *value, Sym attr, SrcRange attr_range);
Expr *build_call(Parser *parser, SrcRange range, Expr *func, CallArgs *args);
Expr *build_subscript(Parser *parser, SrcRange range, Expr *value, Expr *index);
/* The index of a subscript that has no comma: a[*b] is a tuple all the same. */
Expr *build_index(Parser *parser, SrcRange range, Expr *index);
Expr *build_slice(Parser *parser, SrcRange range, Expr *lower, Expr *upper, Expr *step);
Expr *build_unary(Parser *parser, SrcRange range, UnaryOpKind op, Expr *operand);
Expr *build_binary(Parser *parser, SrcRange range, BinOpKind op, SrcRange op_range, Expr *left,
                   Expr *right);
Expr *build_compare(Parser *parser, SrcRange range, Expr *left, CmpOpKind op, Expr *right);
Expr *build_boolop(Parser *parser, SrcRange range, bool is_or, Expr *left, Expr *right);
Expr *build_named(Parser *parser, SrcRange range, Expr *target, Expr *value);
Expr *build_ifexp(Parser *parser, SrcRange range, Expr *body, Expr *test, Expr *orelse);
Expr *build_lambda(Parser *parser, SrcRange range, ParamItems *params, Expr *body);
/* AWAIT, YIELD, YIELD_FROM, STARRED; `word` is the keyword's or the star's range. */
Expr *build_wrap(Parser *parser, ExprKind kind, SrcRange word, SrcRange range, Expr *value);
/* LIST, SET, TUPLE; elts may be NULL. */
Expr *build_seq(Parser *parser, ExprKind kind, SrcRange range, ExprList *elts);
Expr *build_tuple(Parser *parser, SrcRange range, ExprList *elts, bool comma);
/* ( ... ): a tuple, or the expression itself with `parenthesized` set. */
Expr *build_paren(Parser *parser, SrcRange range, ExprList *elts, bool comma);
Expr *build_group(Parser *parser, Expr *inner);
Expr *build_dict(Parser *parser, SrcRange range, DictItems *items);
Expr *build_dict_comp(Parser *parser, SrcRange range, DictItems *items, ComprehensionList *clauses);
Expr *build_comp(Parser *parser, ExprKind kind, SrcRange range, Expr *elt, Expr *value,
                 ComprehensionList *clauses);
Comprehension *build_comp_clause(Parser *parser, Expr *target, Expr *iter, bool is_async);
Comprehension *comp_clause_if(Parser *parser, Comprehension *clause, Expr *test);
Expr *build_chain(Parser *parser, SrcRange range, Expr *first, Expr *second);
Expr *add_to_chain(Parser *parser, SrcRange range, Expr *chain, Expr *next);
/* Sets expr->depth to one more than the deepest child's so far. */
void expr_deepen(Expr *expr, const Expr *child);

/* ---- Literals (literal.c) ---- */

Expr *build_number(Parser *parser, SrcRange range);
/* One literal of a run of adjacent ones; decodes and checks its escapes. */
Expr *build_string_part(Parser *parser, SrcRange range);
Expr *build_fstring_text(Parser *parser, SrcRange range);
Expr *build_joined(Parser *parser, SrcRange range, ExprList *parts);
Expr *build_spec(Parser *parser, SrcRange range, ExprList *parts);
Expr *build_field(Parser *parser, SrcRange range, Expr *value, bool self_doc, SrcRange after,
                  char conversion, Expr *spec);
char check_conversion(Parser *parser, SrcRange bang, SrcRange range, Sym name);
/* Joins adjacent literals; refuses bytes next to text. */
Expr *build_string(Parser *parser, SrcRange range, ExprList *parts);

/* ---- Statements (ast_build_stmt.c) ---- */

Stmt *build_stmt(Parser *parser, StmtKind kind, SrcRange range);
Stmt *build_value_stmt(Parser *parser, StmtKind kind, SrcRange range, Expr *value);
Stmt *build_delete(Parser *parser, SrcRange range, Expr *targets);
Stmt *build_raise(Parser *parser, SrcRange range, Expr *exc, Expr *cause);
Stmt *build_assert(Parser *parser, SrcRange range, Expr *test, Expr *message);
Stmt *build_scope(Parser *parser, StmtKind kind, SrcRange range, SymList *names);
Stmt *build_type_alias(Parser *parser, SrcRange range, SrcRange name_range, Sym name,
                       TypeParamList *params, Expr *value);
Stmt *build_assign(Parser *parser, SrcRange range, Expr *chain);
Stmt *build_aug_assign(Parser *parser, SrcRange range, Expr *target, BinOpKind op, Expr *value);
Stmt *build_ann_assign(Parser *parser, SrcRange range, Expr *target, Expr *annotation, Expr *value);
Stmt *build_import(Parser *parser, SrcRange range, AliasList *names);
Stmt *build_import_from(Parser *parser, SrcRange range, unsigned level, Sym module,
                        AliasList *names);
Stmt *build_if(Parser *parser, SrcRange range, SrcRange header, Expr *test, StmtList *body,
               ElifList *elifs, StmtList *orelse);
Stmt *build_while(Parser *parser, SrcRange range, SrcRange header, Expr *test, StmtList *body,
                  StmtList *orelse);
Stmt *build_for(Parser *parser, SrcRange range, SrcRange header, Expr *target, Expr *iter,
                StmtList *body, StmtList *orelse);
Stmt *build_with(Parser *parser, SrcRange range, SrcRange header, WithItemList *items,
                 StmtList *body, bool is_async);
Stmt *build_try(Parser *parser, SrcRange range, SrcRange header, StmtList *body,
                HandlerList *handlers, StmtList *orelse, StmtList *finalbody);
Handler *build_handler(Parser *parser, SrcRange range, bool is_star, Expr *type, Sym name,
                       StmtList *body);
Stmt *build_function(Parser *parser, SrcRange range, SrcRange header, Sym name, SrcRange name_range,
                     TypeParamList *type_params, ParamItems *params, Expr *returns, StmtList *body);
Stmt *build_class(Parser *parser, SrcRange range, SrcRange header, Sym name, SrcRange name_range,
                  TypeParamList *type_params, CallArgs *bases, StmtList *body);
Stmt *build_decorated(Parser *parser, Stmt *definition, ExprList *decorators);
Stmt *build_match(Parser *parser, SrcRange range, SrcRange header, Expr *subject,
                  MatchCaseList *cases);
/* From the colon to the end of the last statement. */
SrcRange block_range(SrcRange colon, const StmtList *body);

/* ---- Patterns (ast_build_pattern.c) ---- */

/* In brackets or bare: one pattern without a comma is just that pattern. */
Pattern *build_sequence(Parser *parser, SrcRange range, PatternList *items, bool comma);
Pattern *build_sequence_in(Parser *parser, SrcRange range, PatternList *items);
/* STAR and AS; the name `_` binds nothing. */
Pattern *build_capture(Parser *parser, PatternKind kind, SrcRange range, Pattern *inner, Sym name,
                       SrcRange name_range);
Pattern *build_or_pattern(Parser *parser, SrcRange range, Pattern *first);
Pattern *add_to_or_pattern(Parser *parser, SrcRange range, Pattern *alternatives, Pattern *next);
Pattern *end_or_pattern(Pattern *alternatives);
Pattern *build_value_pattern(Parser *parser, SrcRange range, Expr *value);
Pattern *build_name_pattern(Parser *parser, SrcRange range, Expr *name);
Pattern *build_class_pattern(Parser *parser, SrcRange range, Expr *name, ClassPatternArgs *args);
Pattern *build_mapping(Parser *parser, SrcRange range, MappingItems *items);
/* real +- imaginary, the parts of the right kinds. */
Expr *build_complex(Parser *parser, SrcRange range, BinOpKind op, SrcRange op_range, Expr *real,
                    Expr *imaginary);
/* Refuses f-strings in patterns. */
Expr *check_pattern_string(Parser *parser, Expr *string);

/* ---- Slips that the grammar accepts whole ("wrong" rules; syntax_error.c) ---- */

StmtList *wrong_missing_block(Parser *parser, SrcRange colon);
void wrong_missing_colon(Parser *parser, SrcRange newline);
void wrong_else_if(Parser *parser, SrcRange else_range, SrcRange if_range);
void wrong_bare_try(Parser *parser, SrcRange range);
void wrong_except_types(Parser *parser, SrcRange range);

#endif
