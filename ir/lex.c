/* lex.c -- tokens of tile IR text.
 *
 * Names of values may hold dots, signs and any byte above 127, since constants are called things
 * like %c-1.5_f32 and sources may use any alphabet. Line ends are not tokens; a token knows
 * whether it is the first of its line, which is where the parser goes on after an error.
 * Example: `%y = addi %x, %x : i32` is VALUE = WORD VALUE , VALUE : WORD.
 */
#include "ir/lex.h"

#include "ir/names.h"

#include <ctype.h>
#include <string.h>

static char peek(const IrLexer *lexer, uint32_t ahead) {
    uint64_t at = (uint64_t)lexer->pos + ahead;
    return at < lexer->len ? lexer->text[at] : '\0';
}

static void skip_blanks(IrLexer *lexer) {
    while (lexer->pos < lexer->len) {
        char c = lexer->text[lexer->pos];
        if (c == '\n') {
            lexer->at_line_start = true;
        } else if (c == '/' && peek(lexer, 1) == '/') {
            while (lexer->pos < lexer->len && lexer->text[lexer->pos] != '\n')
                lexer->pos++;
            continue;
        } else if (c != ' ' && c != '\t' && c != '\r') {
            return;
        }
        lexer->pos++;
    }
}

static void finish(const IrLexer *lexer, IrToken *token, uint32_t text_from) {
    token->hi = lexer->pos;
    token->text = arena_strndup(lexer->arena, lexer->text + text_from, lexer->pos - text_from);
}

static bool is_word_char(char c) {
    return isalnum((unsigned char)c) || c == '_' || c == '.';
}

static void lex_name(IrLexer *lexer) {
    while (lexer->pos < lexer->len && ir_is_name_char(lexer->text[lexer->pos]))
        lexer->pos++;
}

/* Digits, letters and dots; a sign behind an exponent's e, unless the number is hexadecimal. */
static void lex_number(IrLexer *lexer) {
    uint32_t start = lexer->pos++;
    bool hex = peek(lexer, 0) == 'x' && lexer->text[start] == '0';
    for (;;) {
        char c = peek(lexer, 0);
        bool exponent = !hex && (c == '+' || c == '-') && lexer->text[lexer->pos - 1] == 'e';
        if (!is_word_char(c) && !exponent)
            return;
        lexer->pos++;
    }
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One escape sequence behind its backslash; false if there is no such. */
static bool lex_escape(IrLexer *lexer, StrBuf *out) {
    char c = peek(lexer, 0);
    lexer->pos++;
    if (c == 'n') {
        strbuf_putc(out, '\n');
    } else if (c == 't') {
        strbuf_putc(out, '\t');
    } else if (c == '"' || c == '\\') {
        strbuf_putc(out, c);
    } else if (c == 'x') {
        int high = hex_digit(peek(lexer, 0)), low = high < 0 ? -1 : hex_digit(peek(lexer, 1));
        if (low < 0 || high + low == 0)
            return false;
        strbuf_putc(out, (char)(high * 16 + low));
        lexer->pos += 2;
    } else {
        return false;
    }
    return true;
}

/* A string in quotes, the first of which is at `pos`; an unfinished one is a TOK_BAD. */
static void lex_string(IrLexer *lexer, IrToken *token, IrTokenKind kind) {
    StrBuf text = STRBUF(lexer->arena);
    bool ok = true;
    lexer->pos++;
    for (;;) {
        char c = peek(lexer, 0);
        if (lexer->pos >= lexer->len || c == '\n') {
            ok = false;
            break;
        }
        lexer->pos++;
        if (c == '"')
            break;
        if (c == '\\')
            ok &= lex_escape(lexer, &text);
        else
            strbuf_putc(&text, c);
    }
    if (lexer->pos > lexer->len)
        lexer->pos = lexer->len;
    token->kind = ok ? kind : TOK_BAD;
    token->hi = lexer->pos;
    token->text = strbuf_str(&text);
}

static void lex_at(IrLexer *lexer, IrToken *token) {
    lexer->pos++;
    if (peek(lexer, 0) == '"') {
        lex_string(lexer, token, TOK_SYMBOL);
        return;
    }
    bool location = isdigit((unsigned char)peek(lexer, 0));
    token->kind = location ? TOK_LOCATION : TOK_SYMBOL;
    if (location) {
        while (isdigit((unsigned char)peek(lexer, 0)) || strchr("/:-", peek(lexer, 0))) {
            if (peek(lexer, 0) == '\0')
                break;
            lexer->pos++;
        }
    } else {
        lex_name(lexer);
    }
    finish(lexer, token, token->lo + 1);
}

IrToken ir_lex(IrLexer *lexer) {
    skip_blanks(lexer);
    IrToken token = {.kind = TOK_END, .lo = lexer->pos, .hi = lexer->pos, .text = "end of file"};
    token.first_on_line = lexer->at_line_start;
    lexer->at_line_start = false;
    if (lexer->pos >= lexer->len)
        return token;
    char c = lexer->text[lexer->pos], next = peek(lexer, 1);
    if (isalpha((unsigned char)c) || c == '_') {
        token.kind = TOK_WORD;
        while (is_word_char(peek(lexer, 0)))
            lexer->pos++;
        finish(lexer, &token, token.lo);
    } else if (isdigit((unsigned char)c) || (c == '-' && isalnum((unsigned char)next))) {
        token.kind = TOK_NUMBER;
        lex_number(lexer);
        finish(lexer, &token, token.lo);
    } else if (c == '%') {
        token.kind = TOK_VALUE;
        lexer->pos++;
        lex_name(lexer);
        finish(lexer, &token, token.lo + 1);
        if (token.text[0] == '\0')
            token.kind = TOK_BAD;
    } else if (c == '@') {
        lex_at(lexer, &token);
    } else if (c == '"') {
        lex_string(lexer, &token, TOK_STRING);
    } else if (c == '#' && is_word_char(next)) {
        token.kind = TOK_LAYOUT;
        lexer->pos++;
        while (is_word_char(peek(lexer, 0)))
            lexer->pos++;
        finish(lexer, &token, token.lo + 1);
    } else {
        token.kind = strchr("(){}[]<>,:=", c) && c ? TOK_PUNCT : TOK_BAD;
        lexer->pos++;
        finish(lexer, &token, token.lo);
    }
    return token;
}
