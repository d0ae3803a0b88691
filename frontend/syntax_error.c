/* syntax_error.c -- the wording of syntax errors, and where parsing goes on after one.
 *
 * Wording. The parser knows which token kinds would have been right; listing thirty operators helps
 * nobody. So common slips are recognised first by the tokens around the error (table `slips`), then
 * an unfinished statement is named by its first word ("expected `:` after the condition of `if`"),
 * and only then the expected kinds are summarised in a few words.
 *
 * Recovery. The token array is well nested (layout.c). An error inside brackets is over at the
 * closing bracket, any other one at the end of the line; the cursor is moved there. So everything
 * behind it is parsed as if nothing had happened, and each bracket or line yields at most one
 * error.
 */
#include <string.h>

#include "frontend/ast_build.h"

#include "parser.tab.h"

typedef struct ErrorSite {
    Parser *parser;
    const bool *expected;
    const Token *tokens;
    size_t at;         /* the unexpected token */
    size_t line;       /* first token of its logical line */
    size_t open;       /* the bracket it is in; SIZE_MAX if none */
    SrcRange range;    /* what to underline */
    const char *found; /* its name in messages */
} ErrorSite;

static bool is_opener(int kind) {
    return kind == TOK_LPAR || kind == TOK_LPAR_WITH || kind == TOK_LSQB || kind == TOK_LBRACE ||
           kind == TOK_FIELD_OPEN;
}

static bool is_closer(int kind) {
    return kind == TOK_RPAR || kind == TOK_RSQB || kind == TOK_RBRACE || kind == TOK_FIELD_CLOSE;
}

static bool is_layout(int kind) {
    return kind == TOK_NEWLINE || kind == TOK_INDENT || kind == TOK_DEDENT || kind == TOK_END;
}

static bool is_keyword(int kind) {
    return kind >= TOK_AND && kind <= TOK_YIELD;
}

/* May the token start an operand? */
static bool starts_operand(int kind) {
    switch (kind) {
    case TOK_NAME:
    case TOK_NUMBER:
    case TOK_STRING:
    case TOK_FSTRING_START:
    case TOK_NONE:
    case TOK_TRUE:
    case TOK_FALSE:
    case TOK_ELLIPSIS:
    case TOK_LAMBDA:
    case TOK_LPAR:
    case TOK_LSQB:
    case TOK_LBRACE:
        return true;
    default:
        return false;
    }
}

static bool ends_operand(int kind) {
    return (starts_operand(kind) && !is_opener(kind) && kind != TOK_LAMBDA &&
            kind != TOK_FSTRING_START) ||
           is_closer(kind) || kind == TOK_FSTRING_END;
}

/* ---- Where are we? ---- */

/* Walks back to the bracket and the line start around token `at`. Once the bracket is found, the
 * way back to the line's previous error need not be walked again, so a line with many errors takes
 * time in proportion to its length. */
static void find_surroundings(ErrorSite *site) {
    Parser *parser = site->parser;
    size_t i = site->at;
    bool same_line = false;
    site->open = SIZE_MAX;
    while (i > 0 && !is_layout(site->tokens[i - 1].kind)) {
        if (site->open != SIZE_MAX && parser->num_syntax_errors > 0 && i <= parser->error_at &&
            i > parser->error_line) {
            same_line = true;
            break;
        }
        i--;
        if (is_closer(site->tokens[i].kind))
            i = site->tokens[i].match;
        else if (is_opener(site->tokens[i].kind) && site->open == SIZE_MAX)
            site->open = i;
    }
    site->line = same_line ? parser->error_line : i;
    parser->error_at = site->at;
    parser->error_line = site->line;
}

static const char *token_text(Parser *parser, const Token *token) {
    return arena_strndup(parser->arena, parser->file->text + token->lo, token->hi - token->lo);
}

static const char *quoted(Parser *parser, const Token *token) {
    return arena_printf(parser->arena, "`%.*s`", (int)(token->hi - token->lo),
                        parser->file->text + token->lo);
}

static const char *found_text(Parser *parser, const Token *token) {
    enum { LONGEST = 40 };
    if (token->hi - token->lo > LONGEST || token->hi == token->lo || is_layout(token->kind) ||
        token->kind == TOK_STRING || token->kind == TOK_FSTRING_START)
        return token_kind_text(token->kind);
    return quoted(parser, token);
}

/* ---- Common slips ---- */

static const Token *token_before(const ErrorSite *site) {
    return site->at > 0 ? &site->tokens[site->at - 1] : &site->tokens[site->at];
}

static bool token_is(const ErrorSite *site, const Token *token, const char *word) {
    return token->kind == TOK_NAME && token->hi - token->lo == strlen(word) &&
           str_starts(site->parser->file->text + token->lo, word);
}

static bool is_condition(int kind) {
    return kind == TOK_IF || kind == TOK_ELIF || kind == TOK_WHILE || kind == TOK_ASSERT;
}

/* if x = 3: */
static bool slip_assign_in_condition(ErrorSite *site) {
    if (site->tokens[site->at].kind != TOK_ASSIGN || !is_condition(site->tokens[site->line].kind))
        return false;
    Diag *diag = PARSE_ERROR(site->parser, ASSIGN_IN_CONDITION, site->range);
    diag_help(diag, "to compare, write `==`");
    return true;
}

/* print x */
static bool slip_print(ErrorSite *site) {
    const Token *before = token_before(site);
    if (site->at != site->line + 1 || !starts_operand(site->tokens[site->at].kind) ||
        !(token_is(site, before, "print") || token_is(site, before, "exec")))
        return false;
    const char *name = token_text(site->parser, before);
    Diag *diag =
        PARSE_ERROR(site->parser, PRINT_STATEMENT, token_range(site->parser, before), name);
    diag_help(diag, "put the arguments into brackets: `%s(...)`", name);
    return true;
}

/* x++ and x-- */
static bool slip_increment(ErrorSite *site) {
    if (site->at < 2)
        return false;
    const Token *second = token_before(site);
    const Token *first = second - 1;
    if (second->kind != first->kind || second->lo != first->hi ||
        (second->kind != TOK_PLUS && second->kind != TOK_MINUS))
        return false;
    char sign = second->kind == TOK_PLUS ? '+' : '-';
    SrcRange range =
        range_join(token_range(site->parser, first), token_range(site->parser, second));
    diag_help(PARSE_ERROR(site->parser, INCREMENT, range, sign, sign), "write `x %c= 1`", sign);
    return true;
}

/* whlie x: */
static bool slip_keyword_typo(ErrorSite *site) {
    static const char *const words[] = {
        "assert",  "async", "await", "class",  "def",   "del",    "elif",  "else",  "except",
        "finally", "for",   "from",  "global", "if",    "import", "not",   "raise", "return",
        "try",     "while", "with",  "yield",  "match", "case",   "lambda"};
    const Token *before = token_before(site);
    if (site->at != site->line + 1 || before->kind != TOK_NAME ||
        !(starts_operand(site->tokens[site->at].kind) || is_keyword(site->tokens[site->at].kind)))
        return false;
    const char *name = token_text(site->parser, before);
    const char *near = closest_word(name, words, TK_COUNTOF(words));
    if (!near || str_eq(near, name))
        return false;
    Diag *diag =
        PARSE_ERROR(site->parser, UNEXPECTED, site->range, "the end of the line", site->found);
    diag_help(diag, "did you mean `%s` instead of `%s`?", near, name);
    return true;
}

/* def class(x): and lambda = 3 */
static bool slip_reserved_word(ErrorSite *site) {
    const Token *token = &site->tokens[site->at];
    if (token->kind == TOK_ASSIGN && site->at == site->line + 1 &&
        is_keyword(token_before(site)->kind)) {
        PARSE_ERROR(site->parser, RESERVED_WORD, token_range(site->parser, token_before(site)),
                    token_text(site->parser, token_before(site)));
        return true;
    }
    int after = site->tokens[site->at + 1].kind;
    if (!is_keyword(token->kind) || !site->expected[TOK_NAME] || site->expected[TOK_NUMBER])
        return false;
    if (after == TOK_NEWLINE && token->first_on_line)
        return false;
    PARSE_ERROR(site->parser, RESERVED_WORD, site->range, token_text(site->parser, token));
    return true;
}

/* else: without an if, except: without a try */
static bool slip_lonely_clause(ErrorSite *site) {
    int kind = site->tokens[site->at].kind;
    if (site->at != site->line)
        return false;
    if (kind == TOK_ELSE || kind == TOK_ELIF)
        PARSE_ERROR(site->parser, LONELY_CLAUSE, site->range, token_kind_text(kind),
                    kind == TOK_ELIF ? "`if`" : "`if`, `for`, `while` or `try`");
    else if (kind == TOK_EXCEPT || kind == TOK_FINALLY)
        PARSE_ERROR(site->parser, LONELY_CLAUSE, site->range, token_kind_text(kind), "`try`");
    else
        return false;
    return true;
}

/* f"{}" and f"{!r}" */
static bool slip_empty_field(ErrorSite *site) {
    if (site->open == SIZE_MAX || site->open + 1 != site->at ||
        site->tokens[site->open].kind != TOK_FIELD_OPEN)
        return false;
    int kind = site->tokens[site->at].kind;
    if (kind != TOK_FIELD_CLOSE && kind != TOK_BANG && kind != TOK_FIELD_COLON &&
        kind != TOK_ASSIGN)
        return false;
    SrcRange range = token_range(site->parser, &site->tokens[site->open]);
    diag_help(PARSE_ERROR(site->parser, FSTRING_EMPTY, range),
              "write `{{` for the character itself");
    return true;
}

/* [a b] */
static bool slip_missing_comma(ErrorSite *site) {
    if (site->open == SIZE_MAX || !site->expected[TOK_COMMA] ||
        !starts_operand(site->tokens[site->at].kind) || !ends_operand(token_before(site)->kind))
        return false;
    int close = site->tokens[site->tokens[site->open].match].kind;
    const char *expected = arena_printf(site->parser->arena, "`,` or %s", token_kind_text(close));
    Diag *diag = PARSE_ERROR(site->parser, UNEXPECTED, site->range, expected, site->found);
    diag_help(diag, "is a comma missing in front of it?");
    return true;
}

/* a => b, a === b, a ? b : c and the like need no words of their own. */
static bool (*const slips[])(ErrorSite *) = {
    slip_assign_in_condition, slip_print,         slip_increment,   slip_lonely_clause,
    slip_keyword_typo,        slip_reserved_word, slip_empty_field, slip_missing_comma,
};

/* ---- Unfinished statements ---- */

/* What a `:` comes behind, by the first word of the statement. */
static const char *colon_place(int kind) {
    switch (kind) {
    case TOK_IF:
        return "the condition of `if`";
    case TOK_ELIF:
        return "the condition of `elif`";
    case TOK_WHILE:
        return "the condition of `while`";
    case TOK_FOR:
        return "the iterable of `for`";
    case TOK_WITH:
        return "the items of `with`";
    case TOK_DEF:
        return "the parameters of `def`";
    case TOK_CLASS:
        return "the head of `class`";
    case TOK_MATCH:
        return "the subject of `match`";
    case TOK_CASE:
        return "the pattern of `case`";
    case TOK_EXCEPT:
        return "`except`";
    case TOK_ELSE:
        return "`else`";
    case TOK_TRY:
        return "`try`";
    case TOK_FINALLY:
        return "`finally`";
    case TOK_ASYNC:
        return "the head of the statement";
    default:
        return NULL;
    }
}

/* What stands in for all kinds that start an expression, or continue one. */
static const char *operand_summary(const ErrorSite *site) {
    if (site->expected[TOK_NUMBER] && site->expected[TOK_LPAR])
        return "an expression";
    if (site->expected[TOK_NUMBER] && site->expected[TOK_STRING])
        return "a pattern";
    return site->expected[TOK_NAME] ? "a name" : NULL;
}

static void add_alternative(StrBuf *text, const char *what, const char *separator) {
    if (text->len > 0)
        strbuf_puts(text, separator);
    strbuf_puts(text, what);
}

/* Is the kind worth naming? What continues any expression is not, unless nothing else fits. */
static bool is_informative(const ErrorSite *site, int kind) {
    bool line_may_end = site->open == SIZE_MAX && site->expected[TOK_NEWLINE];
    bool for_needs_in = site->tokens[site->line].kind == TOK_FOR && site->expected[TOK_IN];
    if (kind == TOK_IN)
        return for_needs_in;
    if (kind == TOK_LPAR)
        return !site->expected[TOK_DOT];
    if (kind == TOK_COMMA || kind == TOK_COLON || kind == TOK_ASSIGN)
        return !line_may_end && !(for_needs_in && site->open == SIZE_MAX);
    return true;
}

/* The expected tokens in a few words: the structural ones, in the order of this list. */
static const char *expected_summary(const ErrorSite *site) {
    static const int structural[] = {TOK_COMMA,  TOK_RPAR,   TOK_RSQB,  TOK_RBRACE, TOK_FIELD_CLOSE,
                                     TOK_IN,     TOK_IMPORT, TOK_COLON, TOK_AS,     TOK_ASSIGN,
                                     TOK_LPAR,   TOK_ELSE,   TOK_DEF,   TOK_CLASS,  TOK_CASE,
                                     TOK_INDENT, TOK_NEWLINE};
    enum { MOST = 3 };
    const char *operand = operand_summary(site);
    const char *picked[MOST];
    size_t count = 0;
    if (operand)
        return operand;
    for (size_t i = 0; i < TK_COUNTOF(structural) && count < MOST; i++)
        if (site->expected[structural[i]] && is_informative(site, structural[i]))
            picked[count++] = token_kind_text(structural[i]);
    StrBuf text = STRBUF(site->parser->arena);
    for (size_t i = 0; i < count; i++)
        add_alternative(&text, picked[i], i + 1 == count ? " or " : ", ");
    return count > 0 ? text.data : "something else";
}

static void report_plainly(ErrorSite *site) {
    int head = site->tokens[site->line].kind;
    const char *place = colon_place(head);
    if (site->open == SIZE_MAX && site->expected[TOK_COLON] && place) {
        PARSE_ERROR(site->parser, MISSING_COLON, site->range, place, site->found);
        return;
    }
    PARSE_ERROR(site->parser, UNEXPECTED, site->range, expected_summary(site), site->found);
}

/* ---- Entry points ---- */

/* Is it a clause (`else`, `except`) of a statement whose head was wrong? */
static bool clause_of_suspect(const ErrorSite *site) {
    const Token *tokens = site->tokens;
    if (site->at == 0 || site->at != site->line || tokens[site->at - 1].kind != TOK_DEDENT)
        return false;
    size_t head_end = tokens[site->at - 1].match - 1; /* the NEWLINE before the INDENT */
    while (head_end > 0 && !is_layout(tokens[head_end - 1].kind))
        head_end--;
    return tokens[head_end].suspect;
}

static void resynchronise(Parser *parser, const ErrorSite *site) {
    Token *tokens = parser->tokens.data;
    tokens[site->line].suspect = true;
    if (site->open != SIZE_MAX) {
        if (tokens[site->open].match != site->at)
            parser->cursor = tokens[site->open].match;
        return;
    }
    size_t end = site->at;
    while (!is_layout(tokens[end].kind))
        end = is_opener(tokens[end].kind) ? tokens[end].match + 1 : end + 1;
    if (tokens[site->at].kind == TOK_NEWLINE)
        return;
    if (tokens[end].kind == TOK_NEWLINE) {
        parser->cursor = end;
    } else if (parser->last_resync != site->at + 1) {
        parser->cursor = site->at; /* read again, behind a line end */
        parser->resync_newline = true;
        parser->last_resync = site->at + 1;
    }
}

void syntax_error_report(Parser *parser, const bool expected[MAX_TOKEN_KINDS]) {
    const Token *token = &parser->tokens.data[parser->current];
    ErrorSite site = {.parser = parser,
                      .expected = expected,
                      .tokens = parser->tokens.data,
                      .at = parser->current,
                      .range = token_range(parser, token),
                      .found = found_text(parser, token)};
    find_surroundings(&site);
    enum { MAX_WORDED = 1000 }; /* nobody reads more */
    bool unclosed = site.open != SIZE_MAX && site.tokens[site.tokens[site.open].match].synthetic;
    bool known = token->suspect || token->synthetic || unclosed || clause_of_suspect(&site);
    parser->has_errors = true;
    resynchronise(parser, &site);
    if ((known && diags_count(parser->diags, SEV_ERROR) > 0) ||
        parser->num_syntax_errors++ > MAX_WORDED)
        return;
    for (size_t i = 0; i < TK_COUNTOF(slips); i++)
        if (slips[i](&site))
            return;
    report_plainly(&site);
}

void report_too_deep(Parser *parser, SrcRange range) {
    parser->has_errors = true;
    if (parser->too_deep)
        return;
    parser->too_deep = true;
    PARSE_ERROR(parser, TOO_DEEP, range, PARSE_MAX_NESTING);
}

/* ---- Slips that the grammar accepts whole ---- */

StmtList *wrong_missing_block(Parser *parser, SrcRange colon) {
    const Token *token = &parser->tokens.data[parser->current];
    StmtList *body = stmt_list(parser);
    if (!token->suspect)
        PARSE_ERROR(parser, MISSING_BLOCK, colon);
    parser->has_errors = true;
    return stmt_list_add(parser, body, build_stmt(parser, STMT_ERROR, colon));
}

void wrong_missing_colon(Parser *parser, SrcRange newline) {
    size_t at = parser->current;
    const Token *tokens = parser->tokens.data;
    while (at > 0 && !(tokens[at].kind == TOK_NEWLINE && tokens[at].lo == newline.lo))
        at--;
    size_t line = at;
    while (line > 0 && !is_layout(tokens[line - 1].kind))
        line--;
    parser->has_errors = true;
    if (tokens[at].suspect || tokens[at].synthetic)
        return;
    const char *place = colon_place(tokens[line].kind);
    PARSE_ERROR(parser, MISSING_COLON, newline, place ? place : "the head of the statement",
                token_kind_text(TOK_NEWLINE));
}

void wrong_else_if(Parser *parser, SrcRange else_range, SrcRange if_range) {
    diag_help(PARSE_ERROR(parser, ELSE_IF, range_join(else_range, if_range)), "write `elif`");
}

void wrong_bare_try(Parser *parser, SrcRange range) {
    PARSE_ERROR(parser, BARE_TRY, range);
}

void wrong_except_types(Parser *parser, SrcRange range) {
    diag_help(PARSE_ERROR(parser, EXCEPT_TYPES, range), "put the types into brackets");
}
