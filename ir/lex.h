/* lex.h -- tokens of tile IR text; for lex.c and parse*.c only. */
#ifndef TKC_IR_LEX_H
#define TKC_IR_LEX_H

#include "support/source.h"

typedef enum IrTokenKind {
    TOK_END,
    TOK_WORD,     /* kernel, addi, f32 */
    TOK_VALUE,    /* %name; text is the name */
    TOK_SYMBOL,   /* @name or @"name"; text is the name */
    TOK_LOCATION, /* @3:5-20; text is what follows the @ */
    TOK_LAYOUT,   /* #0; text is what follows the # */
    TOK_NUMBER,   /* 12, -1.5e+10, 0x7fc0, 128x64xf32 */
    TOK_STRING,   /* text is the contents, escapes replaced */
    TOK_PUNCT,    /* one character */
    TOK_BAD
} IrTokenKind;

typedef struct IrToken {
    IrTokenKind kind;
    uint32_t lo, hi;    /* bytes of the file */
    const char *text;   /* NUL-terminated, in the arena */
    bool first_on_line; /* nothing but blanks before it on its line */
} IrToken;

typedef struct IrLexer {
    Arena *arena;
    const char *text;
    uint32_t len, pos;
    bool at_line_start;
} IrLexer;

/* The next token. Never fails: what is no token is a TOK_BAD of one character. */
IrToken ir_lex(IrLexer *lexer);

#endif
