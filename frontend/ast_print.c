/* ast_print.c -- the tree as indented text, one node a line (tkc build --emit=ast).
 *
 *     Assign 3:1-3:10
 *       target:
 *         Name 3:1-3:2 x
 *       value:
 *         BinOp 3:5-3:10 +
 *           ...
 *
 * Kind names are those of CPython's `ast` module. Fields that are absent or empty are left out.
 */
#include "frontend/ast.h"

typedef struct AstPrinter {
    const SrcFile *file;
    StrBuf *out;
    unsigned depth;
} AstPrinter;

static void print_expr(AstPrinter *printer, const Expr *expr);
static void print_body(AstPrinter *printer, const char *field, const StmtList *body);

static void indent(const AstPrinter *printer) {
    for (unsigned i = 0; i < printer->depth; i++)
        strbuf_puts(printer->out, "  ");
}

static void print_head(const AstPrinter *printer, const char *kind, SrcRange range) {
    SrcPos start = source_pos(printer->file, range.lo);
    SrcPos end = source_pos(printer->file, range.hi);
    indent(printer);
    strbuf_printf(printer->out, "%s %u:%u-%u:%u", kind, start.line, start.column, end.line,
                  end.column);
}

static void end_line(const AstPrinter *printer) {
    strbuf_putc(printer->out, '\n');
}

static void print_word(const AstPrinter *printer, const char *word) {
    if (word)
        strbuf_printf(printer->out, " %s", word);
}

/* A line `name:` and what follows one level deeper. */
static void open_field(AstPrinter *printer, const char *field) {
    indent(printer);
    strbuf_printf(printer->out, "%s:\n", field);
    printer->depth++;
}

static void close_field(AstPrinter *printer) {
    printer->depth--;
}

static void print_field(AstPrinter *printer, const char *field, const Expr *expr) {
    if (!expr)
        return;
    open_field(printer, field);
    print_expr(printer, expr);
    close_field(printer);
}

static void print_list(AstPrinter *printer, const char *field, const ExprList *list) {
    if (list->len == 0)
        return;
    open_field(printer, field);
    for (size_t i = 0; i < list->len; i++)
        print_expr(printer, list->items[i]);
    close_field(printer);
}

/* ---- Parts ---- */

static void print_args(AstPrinter *printer, const char *field, const Arg *args, size_t len) {
    if (len == 0)
        return;
    open_field(printer, field);
    for (size_t i = 0; i < len; i++) {
        print_head(printer, "arg", args[i].range);
        print_word(printer, args[i].name);
        end_line(printer);
        printer->depth++;
        print_field(printer, "annotation", args[i].annotation);
        print_field(printer, "default", args[i].default_);
        printer->depth--;
    }
    close_field(printer);
}

static void print_params(AstPrinter *printer, const Params *params) {
    print_args(printer, "posonlyargs", params->posonly.items, params->posonly.len);
    print_args(printer, "args", params->args.items, params->args.len);
    print_args(printer, "vararg", params->vararg, params->vararg ? 1 : 0);
    print_args(printer, "kwonlyargs", params->kwonly.items, params->kwonly.len);
    print_args(printer, "kwarg", params->kwarg, params->kwarg ? 1 : 0);
}

static void print_keywords(AstPrinter *printer, const KeywordList *list) {
    if (list->len == 0)
        return;
    open_field(printer, "keywords");
    for (size_t i = 0; i < list->len; i++) {
        print_head(printer, "keyword", list->items[i].name_range);
        print_word(printer, list->items[i].name ? list->items[i].name : "**");
        end_line(printer);
        printer->depth++;
        print_expr(printer, list->items[i].value);
        printer->depth--;
    }
    close_field(printer);
}

static void print_type_params(AstPrinter *printer, const TypeParamList *list) {
    static const char *const kinds[] = {"TypeVar", "TypeVarTuple", "ParamSpec"};
    if (list->len == 0)
        return;
    open_field(printer, "type_params");
    for (size_t i = 0; i < list->len; i++) {
        print_head(printer, kinds[list->items[i].kind], list->items[i].range);
        print_word(printer, list->items[i].name);
        end_line(printer);
        printer->depth++;
        print_field(printer, "bound", list->items[i].bound);
        printer->depth--;
    }
    close_field(printer);
}

static void print_generators(AstPrinter *printer, const ComprehensionList *list) {
    for (size_t i = 0; i < list->len; i++) {
        open_field(printer, list->items[i].is_async ? "async generator" : "generator");
        print_field(printer, "target", list->items[i].target);
        print_field(printer, "iter", list->items[i].iter);
        print_list(printer, "ifs", &list->items[i].ifs);
        close_field(printer);
    }
}

/* ---- Expressions ---- */

static const char *expr_kind_name(ExprKind kind) {
    static const char *const names[] = {
        [EXPR_BOOLOP] = "BoolOp",
        [EXPR_NAMED] = "NamedExpr",
        [EXPR_BINOP] = "BinOp",
        [EXPR_UNARYOP] = "UnaryOp",
        [EXPR_LAMBDA] = "Lambda",
        [EXPR_IFEXP] = "IfExp",
        [EXPR_DICT] = "Dict",
        [EXPR_SET] = "Set",
        [EXPR_LISTCOMP] = "ListComp",
        [EXPR_SETCOMP] = "SetComp",
        [EXPR_DICTCOMP] = "DictComp",
        [EXPR_GENERATOR] = "GeneratorExp",
        [EXPR_AWAIT] = "Await",
        [EXPR_YIELD] = "Yield",
        [EXPR_YIELD_FROM] = "YieldFrom",
        [EXPR_COMPARE] = "Compare",
        [EXPR_CALL] = "Call",
        [EXPR_FORMATTED] = "FormattedValue",
        [EXPR_JOINEDSTR] = "JoinedStr",
        [EXPR_CONSTANT] = "Constant",
        [EXPR_ATTRIBUTE] = "Attribute",
        [EXPR_SUBSCRIPT] = "Subscript",
        [EXPR_STARRED] = "Starred",
        [EXPR_NAME] = "Name",
        [EXPR_LIST] = "List",
        [EXPR_TUPLE] = "Tuple",
        [EXPR_SLICE] = "Slice",
        [EXPR_ERROR] = "Error",
    };
    return names[kind];
}

/* What stands behind the range on the node's own line. */
static void print_expr_words(const AstPrinter *printer, const Expr *expr) {
    if (expr->kind == EXPR_BOOLOP)
        print_word(printer, expr->u.boolop.is_or ? "or" : "and");
    else if (expr->kind == EXPR_BINOP)
        print_word(printer, ast_binary_text(expr->u.binop.op));
    else if (expr->kind == EXPR_UNARYOP)
        print_word(printer, ast_unary_text(expr->u.unaryop.op));
    else if (expr->kind == EXPR_ATTRIBUTE)
        print_word(printer, expr->u.attribute.attr);
    else if (expr->kind == EXPR_NAME)
        print_word(printer, expr->u.name.id);
    if (expr->kind == EXPR_COMPARE) {
        for (size_t i = 0; i < expr->u.compare.comparators.len; i++)
            print_word(printer, ast_compare_text(expr->u.compare.ops[i]));
    } else if (expr->kind == EXPR_CONSTANT) {
        strbuf_putc(printer->out, ' ');
        ast_unparse(expr, printer->out);
    } else if (expr->kind == EXPR_FORMATTED) {
        if (expr->u.formatted.conversion)
            strbuf_printf(printer->out, " !%c", expr->u.formatted.conversion);
        if (expr->u.formatted.self_doc)
            print_word(printer, "=");
    }
}

static void print_dict_items(AstPrinter *printer, const Expr *expr) {
    for (size_t i = 0; i < expr->u.dict.values.len; i++) {
        print_field(printer, "key", expr->u.dict.keys.items[i]);
        print_field(printer, expr->u.dict.keys.items[i] ? "value" : "**",
                    expr->u.dict.values.items[i]);
    }
}

static void print_expr_fields(AstPrinter *printer, const Expr *expr) {
    switch (expr->kind) {
    case EXPR_BOOLOP:
        print_list(printer, "values", &expr->u.boolop.values);
        break;
    case EXPR_NAMED:
        print_field(printer, "target", expr->u.named.target);
        print_field(printer, "value", expr->u.named.value);
        break;
    case EXPR_BINOP:
        print_field(printer, "left", expr->u.binop.left);
        print_field(printer, "right", expr->u.binop.right);
        break;
    case EXPR_UNARYOP:
        print_field(printer, "operand", expr->u.unaryop.operand);
        break;
    case EXPR_LAMBDA:
        print_params(printer, &expr->u.lambda.params);
        print_field(printer, "body", expr->u.lambda.body);
        break;
    case EXPR_IFEXP:
        print_field(printer, "test", expr->u.ifexp.test);
        print_field(printer, "body", expr->u.ifexp.body);
        print_field(printer, "orelse", expr->u.ifexp.orelse);
        break;
    case EXPR_DICT:
        print_dict_items(printer, expr);
        break;
    case EXPR_SET:
    case EXPR_LIST:
    case EXPR_TUPLE:
        print_list(printer, "elts", &expr->u.seq.elts);
        break;
    case EXPR_LISTCOMP:
    case EXPR_SETCOMP:
    case EXPR_DICTCOMP:
    case EXPR_GENERATOR:
        print_field(printer, expr->u.comp.value ? "key" : "elt", expr->u.comp.elt);
        print_field(printer, "value", expr->u.comp.value);
        print_generators(printer, &expr->u.comp.generators);
        break;
    case EXPR_AWAIT:
    case EXPR_YIELD:
    case EXPR_YIELD_FROM:
    case EXPR_STARRED:
        print_field(printer, "value", expr->u.wrap.value);
        break;
    case EXPR_COMPARE:
        print_field(printer, "left", expr->u.compare.left);
        print_list(printer, "comparators", &expr->u.compare.comparators);
        break;
    case EXPR_CALL:
        print_field(printer, "func", expr->u.call.func);
        print_list(printer, "args", &expr->u.call.args);
        print_keywords(printer, &expr->u.call.keywords);
        break;
    case EXPR_FORMATTED:
        print_field(printer, "value", expr->u.formatted.value);
        print_field(printer, "format_spec", expr->u.formatted.format_spec);
        break;
    case EXPR_JOINEDSTR:
        print_list(printer, "values", &expr->u.joined.values);
        break;
    case EXPR_ATTRIBUTE:
        print_field(printer, "value", expr->u.attribute.value);
        break;
    case EXPR_SUBSCRIPT:
        print_field(printer, "value", expr->u.subscript.value);
        print_field(printer, "slice", expr->u.subscript.index);
        break;
    case EXPR_SLICE:
        print_field(printer, "lower", expr->u.slice.lower);
        print_field(printer, "upper", expr->u.slice.upper);
        print_field(printer, "step", expr->u.slice.step);
        break;
    case EXPR_CONSTANT:
    case EXPR_NAME:
    case EXPR_ERROR:
        break;
    }
}

static void print_expr(AstPrinter *printer, const Expr *expr) {
    print_head(printer, expr_kind_name(expr->kind), expr->range);
    print_expr_words(printer, expr);
    end_line(printer);
    printer->depth++;
    print_expr_fields(printer, expr);
    printer->depth--;
}

/* ---- Patterns ---- */

static void print_pattern(AstPrinter *printer, const Pattern *pattern);

static void print_patterns(AstPrinter *printer, const char *field, const PatternList *list) {
    if (list->len == 0)
        return;
    open_field(printer, field);
    for (size_t i = 0; i < list->len; i++)
        print_pattern(printer, list->items[i]);
    close_field(printer);
}

static void print_pattern(AstPrinter *printer, const Pattern *pattern) {
    static const char *const kinds[] = {
        [PATTERN_VALUE] = "MatchValue",
        [PATTERN_SINGLETON] = "MatchSingleton",
        [PATTERN_SEQUENCE] = "MatchSequence",
        [PATTERN_MAPPING] = "MatchMapping",
        [PATTERN_CLASS] = "MatchClass",
        [PATTERN_STAR] = "MatchStar",
        [PATTERN_AS] = "MatchAs",
        [PATTERN_OR] = "MatchOr",
    };
    print_head(printer, kinds[pattern->kind], pattern->range);
    print_word(printer, pattern->name);
    for (size_t i = 0; i < pattern->kwd_attrs.len; i++)
        print_word(printer, pattern->kwd_attrs.items[i]);
    end_line(printer);
    printer->depth++;
    print_field(printer, "value", pattern->value);
    print_list(printer, "keys", &pattern->keys);
    if (pattern->pattern)
        print_pattern(printer, pattern->pattern);
    print_patterns(printer, "patterns", &pattern->patterns);
    print_patterns(printer, "kwd_patterns", &pattern->kwd_patterns);
    printer->depth--;
}

/* ---- Statements ---- */

static const char *stmt_kind_name(const Stmt *stmt) {
    static const char *const names[] = {
        [STMT_FUNCTION_DEF] = "FunctionDef",
        [STMT_CLASS_DEF] = "ClassDef",
        [STMT_RETURN] = "Return",
        [STMT_DELETE] = "Delete",
        [STMT_ASSIGN] = "Assign",
        [STMT_TYPE_ALIAS] = "TypeAlias",
        [STMT_AUG_ASSIGN] = "AugAssign",
        [STMT_ANN_ASSIGN] = "AnnAssign",
        [STMT_FOR] = "For",
        [STMT_WHILE] = "While",
        [STMT_IF] = "If",
        [STMT_WITH] = "With",
        [STMT_MATCH] = "Match",
        [STMT_RAISE] = "Raise",
        [STMT_TRY] = "Try",
        [STMT_ASSERT] = "Assert",
        [STMT_IMPORT] = "Import",
        [STMT_IMPORT_FROM] = "ImportFrom",
        [STMT_GLOBAL] = "Global",
        [STMT_NONLOCAL] = "Nonlocal",
        [STMT_EXPR] = "Expr",
        [STMT_PASS] = "Pass",
        [STMT_BREAK] = "Break",
        [STMT_CONTINUE] = "Continue",
        [STMT_ERROR] = "Error",
    };
    if (stmt->kind == STMT_FUNCTION_DEF && stmt->u.function.is_async)
        return "AsyncFunctionDef";
    if (stmt->kind == STMT_FOR && stmt->u.for_.is_async)
        return "AsyncFor";
    if (stmt->kind == STMT_WITH && stmt->u.with.is_async)
        return "AsyncWith";
    if (stmt->kind == STMT_TRY && stmt->u.try_.is_star)
        return "TryStar";
    return names[stmt->kind];
}

static void print_aliases(const AstPrinter *printer, const AliasList *list) {
    for (size_t i = 0; i < list->len; i++) {
        print_word(printer, list->items[i].name);
        if (list->items[i].asname)
            strbuf_printf(printer->out, " as %s", list->items[i].asname);
    }
}

static void print_import_from(const AstPrinter *printer, const Stmt *stmt) {
    strbuf_putc(printer->out, ' ');
    for (unsigned i = 0; i < stmt->u.import_from.level; i++)
        strbuf_putc(printer->out, '.');
    if (stmt->u.import_from.module)
        strbuf_puts(printer->out, stmt->u.import_from.module);
    strbuf_putc(printer->out, ':');
    print_aliases(printer, &stmt->u.import_from.names);
}

static void print_stmt_words(const AstPrinter *printer, const Stmt *stmt) {
    if (stmt->kind == STMT_FUNCTION_DEF)
        print_word(printer, stmt->u.function.name);
    else if (stmt->kind == STMT_CLASS_DEF)
        print_word(printer, stmt->u.class_def.name);
    else if (stmt->kind == STMT_AUG_ASSIGN)
        strbuf_printf(printer->out, " %s=", ast_binary_text(stmt->u.aug_assign.op));
    else if (stmt->kind == STMT_IMPORT)
        print_aliases(printer, &stmt->u.import.names);
    else if (stmt->kind == STMT_IMPORT_FROM)
        print_import_from(printer, stmt);
    else if (stmt->kind == STMT_GLOBAL || stmt->kind == STMT_NONLOCAL)
        for (size_t i = 0; i < stmt->u.scope.names.len; i++)
            print_word(printer, stmt->u.scope.names.items[i]);
}

static void print_try(AstPrinter *printer, const Stmt *stmt) {
    print_body(printer, "body", &stmt->u.try_.body);
    for (size_t i = 0; i < stmt->u.try_.handlers.len; i++) {
        const ExceptHandler *handler = &stmt->u.try_.handlers.items[i];
        print_head(printer, "ExceptHandler", handler->range);
        print_word(printer, handler->name);
        end_line(printer);
        printer->depth++;
        print_field(printer, "type", handler->type);
        print_body(printer, "body", &handler->body);
        printer->depth--;
    }
    print_body(printer, "orelse", &stmt->u.try_.orelse);
    print_body(printer, "finalbody", &stmt->u.try_.finalbody);
}

static void print_with(AstPrinter *printer, const Stmt *stmt) {
    for (size_t i = 0; i < stmt->u.with.items.len; i++) {
        print_field(printer, "context", stmt->u.with.items.items[i].context);
        print_field(printer, "target", stmt->u.with.items.items[i].target);
    }
    print_body(printer, "body", &stmt->u.with.body);
}

static void print_match(AstPrinter *printer, const Stmt *stmt) {
    print_field(printer, "subject", stmt->u.match.subject);
    for (size_t i = 0; i < stmt->u.match.cases.len; i++) {
        const MatchCase *item = &stmt->u.match.cases.items[i];
        open_field(printer, "case");
        print_pattern(printer, item->pattern);
        print_field(printer, "guard", item->guard);
        print_body(printer, "body", &item->body);
        close_field(printer);
    }
}

static void print_definition(AstPrinter *printer, const Stmt *stmt) {
    if (stmt->kind == STMT_FUNCTION_DEF) {
        const FunctionDef *function = &stmt->u.function;
        print_list(printer, "decorator_list", &function->decorators);
        print_type_params(printer, &function->type_params);
        print_params(printer, &function->params);
        print_field(printer, "returns", function->returns);
        print_body(printer, "body", &function->body);
        return;
    }
    print_list(printer, "decorator_list", &stmt->u.class_def.decorators);
    print_type_params(printer, &stmt->u.class_def.type_params);
    print_list(printer, "bases", &stmt->u.class_def.bases);
    print_keywords(printer, &stmt->u.class_def.keywords);
    print_body(printer, "body", &stmt->u.class_def.body);
}

static void print_loop(AstPrinter *printer, const Stmt *stmt) {
    print_field(printer, "target", stmt->u.for_.target);
    print_field(printer, "iter", stmt->u.for_.iter);
    print_body(printer, "body", &stmt->u.for_.body);
    print_body(printer, "orelse", &stmt->u.for_.orelse);
}

static void print_conditional(AstPrinter *printer, const Stmt *stmt) {
    print_field(printer, "test", stmt->u.while_.test);
    print_body(printer, "body", &stmt->u.while_.body);
    print_body(printer, "orelse", &stmt->u.while_.orelse);
}

static void print_assignment(AstPrinter *printer, const Stmt *stmt) {
    if (stmt->kind == STMT_ASSIGN) {
        print_list(printer, "targets", &stmt->u.assign.targets);
        print_field(printer, "value", stmt->u.assign.value);
    } else if (stmt->kind == STMT_AUG_ASSIGN) {
        print_field(printer, "target", stmt->u.aug_assign.target);
        print_field(printer, "value", stmt->u.aug_assign.value);
    } else {
        print_field(printer, "target", stmt->u.ann_assign.target);
        print_field(printer, "annotation", stmt->u.ann_assign.annotation);
        print_field(printer, "value", stmt->u.ann_assign.value);
    }
}

static void print_stmt_fields(AstPrinter *printer, const Stmt *stmt) {
    switch (stmt->kind) {
    case STMT_FUNCTION_DEF:
    case STMT_CLASS_DEF:
        print_definition(printer, stmt);
        break;
    case STMT_RETURN:
    case STMT_EXPR:
        print_field(printer, "value", stmt->u.ret.value);
        break;
    case STMT_DELETE:
        print_list(printer, "targets", &stmt->u.del.targets);
        break;
    case STMT_ASSIGN:
    case STMT_AUG_ASSIGN:
    case STMT_ANN_ASSIGN:
        print_assignment(printer, stmt);
        break;
    case STMT_TYPE_ALIAS:
        print_field(printer, "name", stmt->u.type_alias.name);
        print_type_params(printer, &stmt->u.type_alias.type_params);
        print_field(printer, "value", stmt->u.type_alias.value);
        break;
    case STMT_FOR:
        print_loop(printer, stmt);
        break;
    case STMT_WHILE:
    case STMT_IF:
        print_conditional(printer, stmt);
        break;
    case STMT_WITH:
        print_with(printer, stmt);
        break;
    case STMT_MATCH:
        print_match(printer, stmt);
        break;
    case STMT_TRY:
        print_try(printer, stmt);
        break;
    case STMT_RAISE:
        print_field(printer, "exc", stmt->u.raise.exc);
        print_field(printer, "cause", stmt->u.raise.cause);
        break;
    case STMT_ASSERT:
        print_field(printer, "test", stmt->u.assert_.test);
        print_field(printer, "msg", stmt->u.assert_.msg);
        break;
    case STMT_IMPORT:
    case STMT_IMPORT_FROM:
    case STMT_GLOBAL:
    case STMT_NONLOCAL:
    case STMT_PASS:
    case STMT_BREAK:
    case STMT_CONTINUE:
    case STMT_ERROR:
        break;
    }
}

static void print_body(AstPrinter *printer, const char *field, const StmtList *body) {
    if (body->len == 0)
        return;
    open_field(printer, field);
    for (size_t i = 0; i < body->len; i++) {
        const Stmt *stmt = body->items[i];
        print_head(printer, stmt_kind_name(stmt), stmt->range);
        print_stmt_words(printer, stmt);
        end_line(printer);
        printer->depth++;
        print_stmt_fields(printer, stmt);
        printer->depth--;
    }
    close_field(printer);
}

void ast_print(const Module *module, StrBuf *out) {
    AstPrinter printer = {module->file, out, 0};
    print_body(&printer, "body", &module->body);
}
