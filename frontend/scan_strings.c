/* scan_strings.c -- the inside of string literals, f-strings above all.
 *
 * Since Python 3.12 (PEP 701) an f-string is not one token: f"a{x!r:>{w}}b" becomes
 *
 *     FSTRING_START  FSTRING_TEXT "a"  FIELD_OPEN  NAME x  BANG  NAME r  FIELD_COLON
 *         FSTRING_TEXT ">"  FIELD_OPEN  NAME w  FIELD_CLOSE  FIELD_CLOSE  FSTRING_TEXT "b"
 *     FSTRING_END
 *
 * and the parts in braces are scanned like any code, strings with the same quotes included. A stack
 * of StringModes remembers which strings are open around the current position. Other strings become
 * one token; their escapes are decoded when the tree is built (literal.c).
 */
#include "frontend/scanner.h"

#include "parser.tab.h"

static void end_text_part(Scan *scan, const StringMode *string, uint32_t end) {
    if (end <= string->part)
        return;
    uint32_t lo = scan->lo;
    uint32_t hi = scan->hi;
    scan->lo = string->part;
    scan->hi = end;
    scan_token(scan, TOK_FSTRING_TEXT);
    scan->lo = lo;
    scan->hi = hi;
}

/* Takes the innermost string off the stack; its last byte is before scan->hi. */
static void end_string(Scan *scan) {
    StringMode string = vec_pop(&scan->strings);
    if (string.formatted) {
        end_text_part(scan, &string, scan->lo);
        scan_token(scan, TOK_FSTRING_END);
    } else {
        scan->lo = string.start;
        scan_token(scan, TOK_STRING);
    }
    scan->mode = SCAN_CODE;
}

/* Inside a field of a one-line f-string, a quote like the f-string's own usually starts a string of
 * its own. If no second one follows on the line, it must be the end of the f-string, and it is the
 * field that was never closed. */
static bool quote_ends_fstring(const Scan *scan, char quote) {
    const StringMode *string = &vec_last(&scan->strings);
    if (string->triple || string->quote != quote)
        return false;
    for (uint32_t i = scan->hi; i < scan->len; i++) {
        if (scan->text[i] == quote)
            return false;
        if (scan->text[i] == '\n' || scan->text[i] == '\r')
            break;
    }
    return true;
}

/* Reports the fields still open in the innermost string and closes them. */
static void close_open_fields(Scan *scan) {
    StringMode *string = &vec_last(&scan->strings);
    Parser *parser = scan->parser;
    SCAN_ERROR(scan, FSTRING_UNCLOSED,
               token_range(parser, &parser->tokens.data[vec_last(&scan->brackets).token]));
    scan_close_down_to(scan, string->brackets);
    string->spec_depth = 0;
    string->part = scan->lo;
}

void scan_string_start(Scan *scan, const char *text, uint32_t num_quotes) {
    StringMode string = {.start = scan->lo, .part = scan->hi, .triple = num_quotes == 3};
    for (; *text != '"' && *text != '\''; text++) {
        char letter = (char)(*text | 0x20);
        string.raw = string.raw || letter == 'r';
        string.bytes = string.bytes || letter == 'b';
        string.formatted = string.formatted || letter == 'f';
    }
    string.quote = *text;
    string.brackets = scan->brackets.len;
    if (scan->strings.len > 0 && num_quotes == 1 && scan->hi - scan->lo == 1 &&
        quote_ends_fstring(scan, string.quote)) {
        close_open_fields(scan);
        end_string(scan);
        return;
    }
    if (string.formatted)
        scan_token(scan, TOK_FSTRING_START);
    vec_push(scan->parser->arena, &scan->strings, string);
    scan->mode = SCAN_TEXT;
    if (scan->strings.len == MAX_FSTRINGS)
        SCAN_GIVE_UP(scan, TOO_MANY_FSTRINGS, parser_range(scan->parser, scan->lo, scan->hi),
                     (int)MAX_FSTRINGS);
    if (num_quotes == 2) { /* "": both quotes are matched already */
        uint32_t hi = scan->hi;
        vec_last(&scan->strings).part = scan->lo = hi - (string.formatted ? 1 : 0);
        end_string(scan);
    }
}

/* `count` equal quotes inside a string. */
uint32_t scan_text_quotes(Scan *scan, char quote, uint32_t count) {
    const StringMode *string = &vec_last(&scan->strings);
    if (string->quote != quote || (string->triple && count < 3))
        return count;
    uint32_t taken = string->triple ? 3 : 1;
    scan->hi = scan->lo + taken;
    if (string->spec_depth > 0)
        close_open_fields(scan);
    end_string(scan);
    return taken;
}

/* A backslash and the byte behind it. */
uint32_t scan_text_escape(Scan *scan, char second) {
    StringMode *string = &vec_last(&scan->strings);
    if (!string->formatted)
        return 2;
    if (second == '{' || second == '}') /* no escape: the brace keeps its meaning */
        return 1;
    if (second == 'N' && !string->raw && scan->text[scan->hi] == '{')
        string->named_escape = true;
    return 2;
}

/* One or two equal braces inside a string. */
uint32_t scan_text_brace(Scan *scan, char brace, uint32_t count) {
    StringMode *string = &vec_last(&scan->strings);
    if (!string->formatted)
        return count;
    if (string->named_escape) {
        string->named_escape = brace == '{';
        return 1;
    }
    if (count == 2 && string->spec_depth == 0) /* {{ and }} stand for single braces */
        return 2;
    scan->hi = scan->lo + 1;
    end_text_part(scan, string, scan->lo);
    if (brace == '{') {
        scan_open(scan, TOK_FIELD_OPEN);
        scan->mode = SCAN_CODE;
    } else if (string->spec_depth > 0) {
        scan_close(scan, TOK_RBRACE);
    } else {
        Diag *diag =
            SCAN_ERROR(scan, FSTRING_BRACE, parser_range(scan->parser, scan->lo, scan->hi));
        diag_help(diag, "write `}}` for the character itself");
        string->part = scan->hi;
    }
    return 1;
}

uint32_t scan_text_newline(Scan *scan, uint32_t count) {
    StringMode *string = &vec_last(&scan->strings);
    if (string->triple)
        return count;
    SrcRange range = parser_range(scan->parser, string->start, scan->lo);
    scan->hi = scan->lo;
    scan->lost_text = true;
    if (string->formatted && string->spec_depth > 0) {
        close_open_fields(scan);
    } else {
        Diag *diag = SCAN_ERROR(scan, UNTERMINATED_STRING, range, "string");
        diag_help(diag, "end it with `%c` on this line, or use `%c%c%c` for several lines",
                  string->quote, string->quote, string->quote, string->quote);
    }
    end_string(scan);
    return 0; /* the line ends all the same */
}

/* ---- Fields ---- */

bool scan_at_field_level(const Scan *scan) {
    return scan->brackets.len > 0 && vec_last(&scan->brackets).field;
}

/* `:` at the field's own level: the format specification is text again. */
void scan_field_colon(Scan *scan) {
    StringMode *string = &vec_last(&scan->strings);
    scan_token(scan, TOK_FIELD_COLON);
    vec_last(&scan->brackets).in_spec = true;
    string->spec_depth++;
    string->part = scan->hi;
    scan->mode = SCAN_TEXT;
}
