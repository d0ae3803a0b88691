/* parser_state.h -- what the scanner, the token layer, the grammar and the tree builders share.
 *
 * Source text goes through four stages, one file each:
 *
 *     lexer.l      bytes -> raw tokens          (flex)
 *     layout.c     raw tokens -> Token array    (INDENT/DEDENT, brackets, f-strings, soft keywords)
 *     parser.y     Token array -> tree          (bison; its actions call ast_build.h)
 *     syntax_check.c   what a grammar cannot refuse
 *
 * The whole token array exists before the parser starts. That costs 20 bytes a token and buys three
 * things: words such as `match` are told apart by looking ahead, error messages can look around,
 * and recovery can jump to the closing bracket or to the end of the line.
 */
#ifndef TKC_FRONTEND_PARSER_STATE_H
#define TKC_FRONTEND_PARSER_STATE_H

#include "frontend/parse.h"

/* One token: bytes [lo, hi) of the file. */
typedef struct Token {
    int kind; /* TOK_... of parser.tab.h */
    uint32_t lo, hi;
    uint32_t match; /* brackets, INDENT and DEDENT: index of the partner; else 0 */
    bool first_on_line;
    bool synthetic; /* inserted by recovery; stands for no text */
    bool suspect;   /* an error was reported before it on its line; what follows is not news */
} Token;

typedef struct Parser {
    Arena *arena; /* where the tree goes */
    StrTab *names;
    Diags *diags;
    const SrcFile *file;
    VEC(Token) tokens;   /* ends with TOK_END, which is 0 */
    size_t cursor;       /* next token the grammar will be given */
    size_t current;      /* the one it was given last */
    size_t last_resync;  /* where recovery last stopped (so that it always makes progress) */
    bool resync_newline; /* hand out a NEWLINE before tokens[cursor] */
    size_t num_syntax_errors;
    size_t error_at, error_line; /* the last syntax error, and the first token of its line */
    bool has_errors;
    bool too_deep; /* the nesting limit was reported */
    Module *module;
} Parser;

/* The range of bytes [lo, hi) of the parser's file. */
static inline SrcRange parser_range(const Parser *parser, uint32_t lo, uint32_t hi) {
    return (SrcRange){parser->file->id, lo, hi};
}
static inline SrcRange token_range(const Parser *parser, const Token *token) {
    return (SrcRange){parser->file->id, token->lo, token->hi};
}

/* Reports a diagnostic and marks the tree as broken. */
#define PARSE_ERROR(parser, name, ...)                                                             \
    ((parser)->has_errors = true, diag_report((parser)->diags, DIAG_##name, __VA_ARGS__))

/* layout.c: fills parser->tokens. False if the text is not worth parsing (NUL bytes, not UTF-8,
 * brackets or blocks nested beyond the limits); that is reported. */
bool layout_run(Parser *parser);

/* syntax_error.c: words a syntax error at parser->current, where the token kinds marked in
 * `expected` would have been right, and moves the cursor to where parsing can go on. */
#define MAX_TOKEN_KINDS 512
void syntax_error_report(Parser *parser, const bool expected[MAX_TOKEN_KINDS]);
/* The nesting limit was passed at `range`; reported once a file. */
void report_too_deep(Parser *parser, SrcRange range);

/* syntax_check.c: what CPython's compiler refuses beyond its grammar. */
void syntax_check(Parser *parser, Module *module);

/* unicode_ident.c: may the code point start (continue) an identifier? */
bool unicode_is_ident_start(uint32_t code_point);
bool unicode_is_ident_continue(uint32_t code_point);
/* unicode_names.c: the code point called `name` in \N{name}, or -1. */
int32_t unicode_by_name(const char *name, size_t len);

#endif
