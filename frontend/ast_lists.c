/* ast_lists.c -- the lists that the grammar collects, and the order rules of two of them.
 *
 * A list of n items has room for the next power of two, so growing needs no capacity field: when n
 * is 0 or a power of two the list is full. Example: the fifth element moves the list to room for 8.
 */
#include <string.h>

#include "frontend/ast_build.h"

void *list_grow(Parser *parser, void *items, size_t len, size_t size, size_t align) {
    if (len != 0 && (len & (len - 1)) != 0)
        return items;
    size_t capacity = len == 0 ? 1 : 2 * len;
    if (capacity > SIZE_MAX / size)
        oom_raise(arena_oom(parser->arena));
    void *bigger = arena_alloc(parser->arena, capacity * size, align);
    if (len > 0)
        memcpy(bigger, items, len * size);
    return bigger;
}

/* Appends `item` to a list {items, len}. */
#define LIST_ADD(parser, list, T, item)                                                            \
    ((list)->items = list_grow((parser), (list)->items, (list)->len, sizeof(T), _Alignof(T)),      \
     (list)->items[(list)->len++] = (item))
#define LIST_OR_NEW(parser, list, T)                                                               \
    do {                                                                                           \
        if (!(list))                                                                               \
            (list) = ARENA_NEW((parser)->arena, T);                                                \
    } while (0)

ExprList *expr_list(Parser *parser) {
    return ARENA_NEW(parser->arena, ExprList);
}

ExprList *expr_list_add(Parser *parser, ExprList *list, Expr *expr) {
    LIST_OR_NEW(parser, list, ExprList);
    LIST_ADD(parser, list, Expr *, expr);
    return list;
}

StmtList *stmt_list(Parser *parser) {
    return ARENA_NEW(parser->arena, StmtList);
}

StmtList *stmt_list_add(Parser *parser, StmtList *list, Stmt *stmt) {
    LIST_ADD(parser, list, Stmt *, stmt);
    return list;
}

StmtList *stmt_list_append(Parser *parser, StmtList *list, const StmtList *more) {
    for (size_t i = 0; i < more->len; i++)
        stmt_list_add(parser, list, more->items[i]);
    return list;
}

StmtList *add_error_stmt(Parser *parser, StmtList *list, SrcRange range) {
    return stmt_list_add(parser, list, build_stmt(parser, STMT_ERROR, range));
}

SymList *sym_list_add(Parser *parser, SymList *list, Sym sym, SrcRange range) {
    LIST_OR_NEW(parser, list, SymList);
    list->ranges = list_grow(parser, list->ranges, list->len, sizeof(SrcRange), _Alignof(SrcRange));
    list->ranges[list->len] = range;
    LIST_ADD(parser, list, Sym, sym);
    return list;
}

AliasList *alias_list(Parser *parser) {
    return ARENA_NEW(parser->arena, AliasList);
}

Alias *import_alias(Parser *parser, Sym name, Sym asname, SrcRange range) {
    Alias *alias = ARENA_NEW(parser->arena, Alias);
    *alias = (Alias){name, asname, range};
    return alias;
}

Alias *star_alias(Parser *parser, SrcRange range) {
    return import_alias(parser, strtab_sym(parser->names, "*"), NULL, range);
}

AliasList *alias_list_add(Parser *parser, AliasList *list, const Alias *alias) {
    LIST_OR_NEW(parser, list, AliasList);
    LIST_ADD(parser, list, Alias, *alias);
    return list;
}

StrBuf *dotted_name_add(Parser *parser, StrBuf *left, Sym right) {
    if (!left) {
        left = ARENA_NEW(parser->arena, StrBuf);
        *left = STRBUF(parser->arena);
    } else {
        strbuf_putc(left, '.');
    }
    strbuf_puts(left, right);
    return left;
}

Sym dotted_name(Parser *parser, const StrBuf *text) {
    return strtab_intern(parser->names, text->data, text->len);
}

ElifList *elif_list_add(Parser *parser, ElifList *list, SrcRange header, Expr *test,
                        StmtList *body) {
    Elif item = {header, test, body};
    LIST_OR_NEW(parser, list, ElifList);
    LIST_ADD(parser, list, Elif, item);
    return list;
}

WithItem *with_item(Parser *parser, Expr *context, Expr *target) {
    WithItem *item = ARENA_NEW(parser->arena, WithItem);
    *item = (WithItem){context, target};
    return item;
}

WithItemList *with_items_add(Parser *parser, WithItemList *list, const WithItem *item) {
    LIST_OR_NEW(parser, list, WithItemList);
    LIST_ADD(parser, list, WithItem, *item);
    return list;
}

TypeParam *type_param(Parser *parser, enum TypeParamKind kind, Sym name, Expr *bound,
                      SrcRange range) {
    TypeParam *param = ARENA_NEW(parser->arena, TypeParam);
    *param = (TypeParam){kind, name, bound, range};
    return param;
}

TypeParamList *type_params_add(Parser *parser, TypeParamList *list, const TypeParam *param) {
    LIST_OR_NEW(parser, list, TypeParamList);
    LIST_ADD(parser, list, TypeParam, *param);
    return list;
}

MatchCase *match_case(Parser *parser, Pattern *pattern, Expr *guard, const StmtList *body) {
    MatchCase *item = ARENA_NEW(parser->arena, MatchCase);
    *item = (MatchCase){pattern, guard, *body};
    return item;
}

MatchCaseList *cases_add(Parser *parser, MatchCaseList *list, const MatchCase *item) {
    LIST_OR_NEW(parser, list, MatchCaseList);
    if (item)
        LIST_ADD(parser, list, MatchCase, *item);
    return list;
}

uint32_t cases_end(const MatchCaseList *list, SrcRange head) {
    if (list->len == 0)
        return head.hi;
    const StmtList *body = &list->items[list->len - 1].body;
    return body->len > 0 ? body->items[body->len - 1]->range.hi
                         : list->items[list->len - 1].pattern->range.hi;
}

DictItems *dict_items_add(Parser *parser, DictItems *items, Expr *key, Expr *value) {
    LIST_OR_NEW(parser, items, DictItems);
    expr_list_add(parser, &items->keys, key);
    expr_list_add(parser, &items->values, value);
    return items;
}

ComprehensionList *comps_add(Parser *parser, ComprehensionList *list, Comprehension *clause) {
    LIST_OR_NEW(parser, list, ComprehensionList);
    LIST_ADD(parser, list, Comprehension, *clause);
    return list;
}

PatternList *pattern_list_add(Parser *parser, PatternList *list, Pattern *pattern) {
    LIST_OR_NEW(parser, list, PatternList);
    LIST_ADD(parser, list, Pattern *, pattern);
    return list;
}

ClassPatternArgs *class_args_add(Parser *parser, ClassPatternArgs *args, SrcRange range, Sym name,
                                 Pattern *pattern) {
    if (!args) {
        args = ARENA_NEW(parser->arena, ClassPatternArgs);
        map_init_ptr(&args->named, parser->arena);
    }
    if (name) {
        if (map_hasp(&args->named, name))
            PARSE_ERROR(parser, REPEATED_ATTRIBUTE, range, name);
        map_setp(&args->named, name, pattern);
        sym_list_add(parser, &args->names, name, range);
        pattern_list_add(parser, &args->values, pattern);
        return args;
    }
    if (args->names.len > 0)
        PARSE_ERROR(parser, ARGUMENT_ORDER, range, "positional patterns", "keyword patterns");
    pattern_list_add(parser, &args->patterns, pattern);
    return args;
}

MappingItems *mapping_add(Parser *parser, MappingItems *items, SrcRange range, Expr *key,
                          Pattern *pattern, Sym rest) {
    LIST_OR_NEW(parser, items, MappingItems);
    if (items->rest) {
        PARSE_ERROR(parser, BAD_PATTERN, range, "`**` must come last in a mapping pattern");
    } else if (rest) {
        items->rest = rest;
        if (str_eq(rest, "_"))
            PARSE_ERROR(parser, BAD_PATTERN, range, "`**_` says nothing: drop it");
    }
    if (key && key->kind == EXPR_NAME)
        PARSE_ERROR(parser, BAD_PATTERN, range, "a key must be a literal or a dotted name");
    if (key) {
        expr_list_add(parser, &items->keys, key);
        pattern_list_add(parser, &items->patterns, pattern);
    }
    return items;
}

HandlerList *handlers_add(Parser *parser, HandlerList *list, const Handler *handler) {
    LIST_OR_NEW(parser, list, HandlerList);
    LIST_ADD(parser, &list->list, ExceptHandler, handler->handler);
    if (list->list.len == 1)
        list->is_star = handler->is_star;
    else if (list->is_star != handler->is_star)
        PARSE_ERROR(parser, MIXED_EXCEPT, handler->handler.range);
    return list;
}

/* ---- Parameters ---- */

static void arg_list_add(Parser *parser, ArgList *list, Arg arg) {
    LIST_ADD(parser, list, Arg, arg);
}

static Arg *single_arg(Parser *parser, Arg arg) {
    Arg *copy = ARENA_NEW(parser->arena, Arg);
    *copy = arg;
    return copy;
}

static void add_plain(Parser *parser, ParamItems *items, const ParamItem *item) {
    items->bare_star = false;
    if (items->saw_star) {
        arg_list_add(parser, &items->params.kwonly, item->arg);
        return;
    }
    if (items->saw_default && !item->arg.default_)
        PARSE_ERROR(parser, DEFAULT_ORDER, item->range, item->arg.name);
    items->saw_default = items->saw_default || item->arg.default_;
    arg_list_add(parser, &items->params.args, item->arg);
}

static void add_slash(Parser *parser, ParamItems *items, const ParamItem *item) {
    if (items->saw_slash)
        PARSE_ERROR(parser, PARAM_ORDER, item->range, "`/` may appear only once");
    else if (items->saw_star)
        PARSE_ERROR(parser, PARAM_ORDER, item->range, "`/` must come before `*`");
    else if (items->params.args.len == 0)
        PARSE_ERROR(parser, PARAM_ORDER, item->range, "a parameter must come before `/`");
    items->saw_slash = true;
    items->params.posonly = items->params.args;
    items->params.args = (ArgList){0};
}

static void add_star(Parser *parser, ParamItems *items, const ParamItem *item) {
    if (items->saw_star)
        PARSE_ERROR(parser, PARAM_ORDER, item->range, "`*` may appear only once");
    items->saw_star = true;
    items->bare_star = item->kind == PARAM_STAR;
    items->star_range = item->range;
    if (item->kind == PARAM_VARARG)
        items->params.vararg = single_arg(parser, item->arg);
}

ParamItem *param_item(Parser *parser, ParamKind kind, Sym name, Expr *annotation, Expr *default_,
                      SrcRange range, SrcRange name_range) {
    ParamItem *item = ARENA_NEW(parser->arena, ParamItem);
    *item = (ParamItem){kind, {name, annotation, default_, range}, name_range};
    return item;
}

ParamItems *param_add(Parser *parser, ParamItems *items, const ParamItem *item) {
    LIST_OR_NEW(parser, items, ParamItems);
    if (items->params.kwarg)
        PARSE_ERROR(parser, PARAM_ORDER, item->range, "no parameter may follow `**`");
    switch (item->kind) {
    case PARAM_PLAIN:
        add_plain(parser, items, item);
        break;
    case PARAM_SLASH:
        add_slash(parser, items, item);
        break;
    case PARAM_STAR:
    case PARAM_VARARG:
        add_star(parser, items, item);
        break;
    case PARAM_KWARG:
        items->params.kwarg = single_arg(parser, item->arg);
        break;
    }
    return items;
}

ParamItems *end_params(Parser *parser, SrcRange range, ParamItems *items, bool trailing_comma) {
    (void)range;
    (void)trailing_comma;
    if (items->bare_star)
        PARSE_ERROR(parser, PARAM_ORDER, items->star_range,
                    "a parameter must come after `*` alone");
    return items;
}

/* ---- Arguments ---- */

static void add_positional(Parser *parser, CallArgs *args, ArgKind kind, Expr *value,
                           SrcRange range) {
    if (args->saw_doublestar)
        PARSE_ERROR(parser, ARGUMENT_ORDER, range,
                    kind == ARG_STAR ? "`*` arguments" : "positional arguments", "`**` arguments");
    else if (args->saw_keyword && kind != ARG_STAR)
        PARSE_ERROR(parser, ARGUMENT_ORDER, range, "positional arguments", "keyword arguments");
    if (kind == ARG_GENERATOR)
        args->generator = value;
    expr_list_add(parser, &args->args, value);
}

/* Remembers a keyword's name; returns where the same name was given before, or NULL. */
static const SrcRange *remember_keyword(Parser *parser, CallArgs *args, const Keyword *keyword) {
    enum { MANY = 8 }; /* fewer are compared one by one */
    size_t len = args->keywords.len;
    if (len == MANY && !args->keyword_names) {
        args->keyword_names = ARENA_NEW(parser->arena, Map);
        map_init_ptr(args->keyword_names, parser->arena);
        for (size_t i = 0; i < len; i++)
            if (args->keywords.items[i].name)
                map_setp(args->keyword_names, args->keywords.items[i].name,
                         arena_memdup(parser->arena, &args->keywords.items[i].name_range,
                                      sizeof(SrcRange), _Alignof(SrcRange)));
    }
    if (args->keyword_names) {
        const SrcRange *before = map_getp(args->keyword_names, keyword->name);
        if (!before)
            map_setp(args->keyword_names, keyword->name,
                     arena_memdup(parser->arena, &keyword->name_range, sizeof(SrcRange),
                                  _Alignof(SrcRange)));
        return before;
    }
    for (size_t i = 0; i < len; i++)
        if (args->keywords.items[i].name == keyword->name)
            return &args->keywords.items[i].name_range;
    return NULL;
}

static void name_keyword(Parser *parser, CallArgs *args, Keyword *keyword, const Expr *name) {
    keyword->name_range = name->range;
    if (name->kind != EXPR_NAME || name->parenthesized) {
        keyword->name = strtab_sym(parser->names, "?");
        if (name->kind != EXPR_ERROR)
            diag_help(PARSE_ERROR(parser, BAD_KEYWORD, name->range),
                      "a keyword argument is `name=value`; to compare, write `==`");
        return;
    }
    keyword->name = name->u.name.id;
    const SrcRange *before = remember_keyword(parser, args, keyword);
    if (before)
        diag_note(PARSE_ERROR(parser, REPEATED_KEYWORD, name->range, keyword->name), *before,
                  "first given here");
}

static void add_keyword(Parser *parser, CallArgs *args, Expr *name, Expr *value, SrcRange range) {
    Keyword keyword = {NULL, range, value};
    if (name) {
        args->saw_keyword = true;
        name_keyword(parser, args, &keyword, name);
    } else {
        args->saw_doublestar = true;
    }
    LIST_ADD(parser, &args->keywords, Keyword, keyword);
}

CallArgs *arg_add(Parser *parser, CallArgs *args, ArgKind kind, Expr *name, Expr *value,
                  SrcRange range) {
    LIST_OR_NEW(parser, args, CallArgs);
    args->count++;
    if (kind == ARG_KEYWORD || kind == ARG_DOUBLESTAR)
        add_keyword(parser, args, name, value, range);
    else
        add_positional(parser, args, kind, value, range);
    return args;
}

CallArgs *end_arguments(Parser *parser, CallArgs *args, bool trailing_comma) {
    if (args->generator && (args->count > 1 || trailing_comma))
        diag_help(PARSE_ERROR(parser, BARE_GENERATOR, args->generator->range),
                  "put brackets around it");
    return args;
}

CallArgs *check_bases(Parser *parser, CallArgs *args) {
    if (args && args->generator && args->count == 1)
        PARSE_ERROR(parser, BARE_GENERATOR, args->generator->range);
    return args;
}
