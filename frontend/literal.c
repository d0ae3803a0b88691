/* literal.c -- the values of number and string literals.
 *
 * Strings become UTF-8 text with their escapes decoded; f-strings become JOINEDSTR nodes whose
 * constant parts are decoded when the whole string is known, because only its prefix tells whether
 * they are raw. A lone surrogate (\ud800), which Python allows, is encoded like any other code
 * point of its size.
 */
#include <stdlib.h>
#include <string.h>

#include "frontend/ast_build.h"

/* ---- Numbers ---- */

static void set_text(Parser *parser, Expr *expr, ConstKind kind, const StrBuf *text) {
    expr->u.constant.kind = kind;
    expr->u.constant.text = text->len > 0 ? text->data : arena_strdup(parser->arena, "");
    expr->u.constant.text_len = text->len;
}

Expr *build_number(Parser *parser, SrcRange range) {
    Expr *expr = build_constant(parser, range, CONST_INT);
    char *digits = arena_alloc(parser->arena, range.hi - range.lo + 1, 1);
    size_t len = 0;
    bool is_float = false;
    bool hex = false;
    for (uint32_t i = range.lo; i < range.hi; i++) {
        char c = parser->file->text[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c | 0x20);
        hex = hex || c == 'x';
        is_float = is_float || (!hex && (c == '.' || c == 'e' || c == 'j'));
        if (c != '_')
            digits[len++] = c;
    }
    expr->u.constant.text = digits;
    expr->u.constant.text_len = len;
    if (is_float) {
        bool imaginary = digits[len - 1] == 'j';
        expr->u.constant.kind = imaginary ? CONST_COMPLEX : CONST_FLOAT;
        expr->u.constant.number = strtod(digits, NULL);
    }
    return expr;
}

/* ---- Escapes ---- */

typedef struct Decoder {
    Parser *parser;
    const char *text; /* the file's */
    uint32_t pos, end;
    bool raw, bytes;
    bool doubled_braces; /* {{ stands for { */
    StrBuf out;
} Decoder;

static void bad_escape(Decoder *decoder, uint32_t start, uint32_t end, const char *why) {
    PARSE_ERROR(decoder->parser, BAD_ESCAPE, parser_range(decoder->parser, start, end),
                (int)(end - start), decoder->text + start, why);
}

static int digit_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

static void put_code(Decoder *decoder, uint32_t code) {
    if (decoder->bytes) {
        strbuf_putc(&decoder->out, (char)(code & 0xff));
        return;
    }
    char encoded[4];
    strbuf_write(&decoder->out, encoded, utf8_put(encoded, code));
}

/* \xhh, \uhhhh, \Uhhhhhhhh: exactly `count` digits. */
static void decode_hex(Decoder *decoder, uint32_t start, unsigned count) {
    uint32_t code = 0;
    for (unsigned i = 0; i < count; i++) {
        int digit = decoder->pos < decoder->end ? digit_value(decoder->text[decoder->pos]) : 99;
        if (digit > 15) {
            bad_escape(decoder, start, decoder->pos, "it needs more hexadecimal digits");
            return;
        }
        code = code * 16 + (uint32_t)digit;
        decoder->pos++;
    }
    if (code > 0x10ffff)
        bad_escape(decoder, start, decoder->pos, "there is no such character");
    else
        put_code(decoder, code);
}

static void decode_octal(Decoder *decoder, char first) {
    uint32_t code = (uint32_t)(first - '0');
    for (unsigned i = 0; i < 2 && decoder->pos < decoder->end; i++) {
        char c = decoder->text[decoder->pos];
        if (c < '0' || c > '7')
            break;
        code = code * 8 + (uint32_t)(c - '0');
        decoder->pos++;
    }
    put_code(decoder, code);
}

/* \N{NAME}. */
static void decode_named(Decoder *decoder, uint32_t start) {
    const char *text = decoder->text;
    uint32_t pos = decoder->pos;
    while (pos < decoder->end && text[pos] != '}')
        pos++;
    bool closed = decoder->pos < decoder->end && text[decoder->pos] == '{' && pos < decoder->end;
    if (!closed || pos == decoder->pos + 1) {
        bad_escape(decoder, start, decoder->pos, "the form is `\\N{NAME}`");
        return;
    }
    int32_t code = unicode_by_name(text + decoder->pos + 1, pos - decoder->pos - 1);
    decoder->pos = pos + 1;
    if (code < 0)
        bad_escape(decoder, start, decoder->pos, "tkc does not know a character of this name");
    else
        put_code(decoder, (uint32_t)code);
}

/* Simple escapes: \n and so on. 0 if there is none for the letter. */
static char simple_escape(char letter) {
    static const char letters[] = "\\'\"abfnrtv";
    static const char values[] = "\\'\"\a\b\f\n\r\t\v";
    const char *at = letter ? strchr(letters, letter) : NULL;
    return at ? values[at - letters] : '\0';
}

static void skip_line_end(Decoder *decoder, char first) {
    if (first == '\r' && decoder->pos < decoder->end && decoder->text[decoder->pos] == '\n')
        decoder->pos++;
}

/* The backslash is at pos - 1. */
static void decode_escape(Decoder *decoder) {
    uint32_t start = decoder->pos - 1;
    if (decoder->pos >= decoder->end) {
        strbuf_putc(&decoder->out, '\\');
        return;
    }
    char letter = decoder->text[decoder->pos++];
    char simple = simple_escape(letter);
    if (simple)
        strbuf_putc(&decoder->out, simple);
    else if (letter == '\n' || letter == '\r')
        skip_line_end(decoder, letter);
    else if (letter >= '0' && letter <= '7')
        decode_octal(decoder, letter);
    else if (letter == 'x')
        decode_hex(decoder, start, 2);
    else if (letter == 'u' && !decoder->bytes)
        decode_hex(decoder, start, 4);
    else if (letter == 'U' && !decoder->bytes)
        decode_hex(decoder, start, 8);
    else if (letter == 'N' && !decoder->bytes)
        decode_named(decoder, start);
    else { /* not an escape: both characters stay */
        strbuf_putc(&decoder->out, '\\');
        decoder->pos--;
    }
}

static void decode(Decoder *decoder) {
    while (decoder->pos < decoder->end) {
        char c = decoder->text[decoder->pos++];
        if (c == '\\' && !decoder->raw) {
            decode_escape(decoder);
        } else if (c == '\r') { /* every kind of line end is a newline */
            skip_line_end(decoder, c);
            strbuf_putc(&decoder->out, '\n');
        } else {
            strbuf_putc(&decoder->out, c);
            if ((c == '{' || c == '}') && decoder->doubled_braces)
                decoder->pos++;
        }
    }
}

/* ---- Literals ---- */

typedef struct LiteralShape {
    bool raw, bytes;
    uint32_t start, end; /* of the text between the quotes */
} LiteralShape;

static LiteralShape literal_shape(const Parser *parser, SrcRange range) {
    const char *text = parser->file->text;
    LiteralShape shape = {.start = range.lo, .end = range.hi};
    while (shape.start < range.hi && text[shape.start] != '"' && text[shape.start] != '\'') {
        char letter = (char)(text[shape.start++] | 0x20);
        shape.raw = shape.raw || letter == 'r';
        shape.bytes = shape.bytes || letter == 'b';
    }
    uint32_t len = range.hi - shape.start;
    uint32_t quotes = 1;
    if (len >= 3 && text[shape.start] == text[shape.start + 1] &&
        text[shape.start] == text[shape.start + 2])
        quotes = 3;
    if (len < 2 * quotes) /* unterminated; reported */
        shape.start = shape.end;
    else
        shape = (LiteralShape){shape.raw, shape.bytes, shape.start + quotes, range.hi - quotes};
    return shape;
}

static void check_ascii(Parser *parser, const LiteralShape *shape) {
    const char *text = parser->file->text;
    for (uint32_t i = shape->start; i < shape->end; i++) {
        if ((unsigned char)text[i] < 128)
            continue;
        size_t pos = i;
        utf8_next(text, shape->end, &pos);
        diag_help(PARSE_ERROR(parser, BYTES_NOT_ASCII, parser_range(parser, i, (uint32_t)pos)),
                  "write the bytes as `\\x..`");
        return;
    }
}

Expr *build_string_part(Parser *parser, SrcRange range) {
    LiteralShape shape = literal_shape(parser, range);
    Decoder decoder = {.parser = parser,
                       .text = parser->file->text,
                       .pos = shape.start,
                       .end = shape.end,
                       .raw = shape.raw,
                       .bytes = shape.bytes,
                       .out = STRBUF(parser->arena)};
    if (shape.bytes)
        check_ascii(parser, &shape);
    decode(&decoder);
    Expr *expr = build_constant(parser, range, CONST_STR);
    set_text(parser, expr, shape.bytes ? CONST_BYTES : CONST_STR, &decoder.out);
    return expr;
}

/* ---- f-strings ---- */

/* Decoded by decode_parts. */
Expr *build_fstring_text(Parser *parser, SrcRange range) {
    return build_constant(parser, range, CONST_STR);
}

static void decode_parts(Parser *parser, const ExprList *parts, bool raw, bool in_spec) {
    for (size_t i = 0; i < parts->len; i++) {
        Expr *part = parts->items[i];
        if (part->kind == EXPR_FORMATTED) {
            const Expr *spec = part->u.formatted.format_spec;
            if (spec)
                decode_parts(parser, &spec->u.joined.values, raw, true);
        } else if (part->kind == EXPR_CONSTANT) {
            Decoder decoder = {.parser = parser,
                               .text = parser->file->text,
                               .pos = part->range.lo,
                               .end = part->range.hi,
                               .raw = raw,
                               .doubled_braces = !in_spec,
                               .out = STRBUF(parser->arena)};
            decode(&decoder);
            set_text(parser, part, CONST_STR, &decoder.out);
        }
    }
}

static Expr *new_joined(Parser *parser, SrcRange range, const ExprList *parts) {
    Expr *expr = build_constant(parser, range, CONST_STR);
    expr->kind = EXPR_JOINEDSTR;
    expr->u.joined.values = *parts;
    for (size_t i = 0; i < parts->len; i++)
        expr_deepen(expr, parts->items[i]);
    return expr;
}

Expr *build_joined(Parser *parser, SrcRange range, ExprList *parts) {
    decode_parts(parser, parts, literal_shape(parser, range).raw, false);
    return new_joined(parser, range, parts);
}

Expr *build_spec(Parser *parser, SrcRange range, ExprList *parts) {
    for (size_t i = 0; i < parts->len; i++) {
        const Expr *part = parts->items[i];
        const Expr *spec = part->kind == EXPR_FORMATTED ? part->u.formatted.format_spec : NULL;
        for (size_t j = 0; spec && j < spec->u.joined.values.len; j++)
            if (spec->u.joined.values.items[j]->kind == EXPR_FORMATTED)
                PARSE_ERROR(parser, FSTRING_NESTING, part->range);
    }
    return new_joined(parser, range, parts);
}

Expr *build_field(Parser *parser, SrcRange range, Expr *value, bool self_doc, SrcRange after,
                  char conversion, Expr *spec) {
    Expr *expr = build_constant(parser, range, CONST_STR);
    const char *text = parser->file->text;
    expr->kind = EXPR_FORMATTED;
    memset(&expr->u, 0, sizeof expr->u);
    expr->u.formatted.value = value;
    expr->u.formatted.conversion = conversion;
    expr->u.formatted.format_spec = spec;
    if (self_doc) { /* all text up to `!`, `:` or `}`, blanks included */
        uint32_t end = after.lo;
        while (text[end] == ' ' || text[end] == '\t' || text[end] == '\n' || text[end] == '\r' ||
               text[end] == '\f')
            end++;
        expr->u.formatted.self_doc =
            strtab_intern(parser->names, text + range.lo + 1, end - range.lo - 1);
    }
    expr_deepen(expr, value);
    expr_deepen(expr, spec);
    return expr;
}

char check_conversion(Parser *parser, SrcRange bang, SrcRange range, Sym name) {
    bool known = str_eq(name, "r") || str_eq(name, "s") || str_eq(name, "a");
    if (!known || bang.hi != range.lo) {
        diag_help(PARSE_ERROR(parser, FSTRING_CONVERSION, range_join(bang, range)),
                  "`!r`, `!s` and `!a` are the conversions");
        return 0;
    }
    return name[0];
}

/* ---- Adjacent literals ---- */

/* The parts of a run of literals of which some are f-strings; neighbouring constants become one. */
typedef struct PartJoiner {
    Parser *parser;
    ExprList *out;
    StrBuf text; /* of the constants since the last field */
    SrcRange range;
} PartJoiner;

static void flush_text(PartJoiner *joiner) {
    if (joiner->text.len == 0)
        return;
    Expr *constant = build_constant(joiner->parser, joiner->range, CONST_STR);
    set_text(joiner->parser, constant, CONST_STR, &joiner->text);
    expr_list_add(joiner->parser, joiner->out, constant);
    joiner->text = STRBUF(joiner->parser->arena);
}

static void join_part(PartJoiner *joiner, Expr *part) {
    if (part->kind != EXPR_CONSTANT) {
        flush_text(joiner);
        expr_list_add(joiner->parser, joiner->out, part);
        return;
    }
    joiner->range = joiner->text.len > 0 ? range_join(joiner->range, part->range) : part->range;
    strbuf_write(&joiner->text, part->u.constant.text, part->u.constant.text_len);
}

static Expr *join_formatted(Parser *parser, SrcRange range, const ExprList *parts) {
    PartJoiner joiner = {parser, expr_list(parser), STRBUF(parser->arena), range};
    for (size_t i = 0; i < parts->len; i++) {
        Expr *part = parts->items[i];
        if (part->kind != EXPR_JOINEDSTR) {
            join_part(&joiner, part);
            continue;
        }
        for (size_t j = 0; j < part->u.joined.values.len; j++)
            join_part(&joiner, part->u.joined.values.items[j]);
    }
    flush_text(&joiner);
    return new_joined(parser, range, joiner.out);
}

static Expr *join_constants(Parser *parser, SrcRange range, const ExprList *parts) {
    StrBuf text = STRBUF(parser->arena);
    for (size_t i = 0; i < parts->len; i++)
        strbuf_write(&text, parts->items[i]->u.constant.text, parts->items[i]->u.constant.text_len);
    Expr *expr = build_constant(parser, range, CONST_STR);
    set_text(parser, expr, parts->items[0]->u.constant.kind, &text);
    return expr;
}

static bool is_bytes(const Expr *part) {
    return part->kind == EXPR_CONSTANT && part->u.constant.kind == CONST_BYTES;
}

Expr *build_string(Parser *parser, SrcRange range, ExprList *parts) {
    bool formatted = false;
    for (size_t i = 0; i < parts->len; i++) {
        formatted = formatted || parts->items[i]->kind == EXPR_JOINEDSTR;
        if (is_bytes(parts->items[i]) != is_bytes(parts->items[0])) {
            PARSE_ERROR(parser, BYTES_AND_TEXT, parts->items[i]->range);
            return build_error(parser, range);
        }
    }
    if (formatted)
        return join_formatted(parser, range, parts);
    return parts->len == 1 ? parts->items[0] : join_constants(parser, range, parts);
}
