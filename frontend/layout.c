/* layout.c -- from raw tokens to the token array: indentation, brackets, joined lines.
 *
 * Python's block structure is in its white space. This layer keeps a stack of indentation columns
 * and turns changes into INDENT and DEDENT tokens; inside brackets line ends mean nothing. The
 * rules are those of "Lexical analysis", chapter 2 of the Python reference.
 *
 * The array it leaves is always well nested, whatever the text: a bracket that is never closed is
 * reported and gets a synthetic closing token, an unexpected indentation is reported and gets no
 * INDENT. The grammar's error recovery relies on that.
 *
 * Where does an unclosed bracket end? Not at the end of the file: one forgotten `)` would hide
 * everything behind it. It ends before a line that starts with a word that no expression contains
 * (`def`, `return`, ...), or that starts with a name at the statement's own indentation although
 * the line before ends an operand, so that not even a forgotten operator explains it.
 */
#include <string.h>

#include "frontend/scanner.h"

#include "parser.tab.h"

static size_t add_token(Scan *scan, int kind, uint32_t lo, uint32_t hi) {
    Parser *parser = scan->parser;
    Token token = {.kind = kind,
                   .lo = lo,
                   .hi = hi,
                   .first_on_line = scan->fresh_line,
                   .suspect = scan->line_has_error};
    vec_push(parser->arena, &parser->tokens, token);
    return parser->tokens.len - 1;
}

static void add_synthetic(Scan *scan, int kind) {
    size_t index = add_token(scan, kind, scan->lo, scan->lo);
    scan->parser->tokens.data[index].synthetic = true;
}

static void link_tokens(Scan *scan, size_t open, size_t close) {
    Token *tokens = scan->parser->tokens.data;
    tokens[open].match = (uint32_t)close;
    tokens[close].match = (uint32_t)open;
}

/* ---- Indentation ---- */

void scan_indent_text(Scan *scan, const char *text) {
    for (uint32_t i = 0; i < scan->hi - scan->lo; i++) {
        if (text[i] == ' ') {
            scan->column++;
            scan->tab1_column++;
        } else if (text[i] == '\t') {
            scan->column = (scan->column / 8 + 1) * 8;
            scan->tab1_column++;
        } else { /* a form feed starts the line afresh */
            scan->column = scan->tab1_column = 0;
        }
    }
}

/* A backslash inside the indentation: the width before the first one counts, if there is any. */
void scan_indent_join(Scan *scan) {
    if (scan->joined_column == 0)
        scan->joined_column = scan->column;
    if (scan->hi == scan->len)
        SCAN_ERROR(scan, JOINED_LINE, parser_range(scan->parser, scan->lo, scan->hi),
                   "the end of the file");
}

static bool starts_compound(const Scan *scan, const Token *token) {
    const char *text = scan->text + token->lo;
    switch (token->kind) {
    case TOK_IF:
    case TOK_ELIF:
    case TOK_ELSE:
    case TOK_FOR:
    case TOK_WHILE:
    case TOK_WITH:
    case TOK_TRY:
    case TOK_EXCEPT:
    case TOK_FINALLY:
    case TOK_DEF:
    case TOK_CLASS:
    case TOK_ASYNC:
        return true;
    case TOK_NAME: /* not yet known to be keywords */
        return (token->hi - token->lo == 5 && str_starts(text, "match")) ||
               (token->hi - token->lo == 4 && str_starts(text, "case"));
    default:
        return false;
    }
}

/* Could the line that just ended have opened a block, colon or not? */
static bool block_expected(const Scan *scan) {
    const Token *tokens = scan->parser->tokens.data;
    size_t len = scan->parser->tokens.len;
    if (len < 2 || tokens[len - 1].kind != TOK_NEWLINE)
        return false;
    return tokens[len - 2].kind == TOK_COLON || starts_compound(scan, &tokens[scan->logical_line]);
}

static SrcRange indent_range(const Scan *scan) {
    return parser_range(scan->parser, scan->line_lo, scan->hi);
}

static void indent_more(Scan *scan, uint32_t column, uint32_t tab1_column) {
    bool expected = block_expected(scan);
    bool unclear = tab1_column <= scan->indents[scan->num_indents - 1].tab1_column;
    if (!expected && !scan->line_has_error && !unclear)
        diag_help(PARSE_ERROR(scan->parser, UNEXPECTED_INDENT, indent_range(scan)),
                  "only the line after a `:` starts a deeper block");
    if (scan->num_indents == MAX_BLOCKS) {
        SCAN_GIVE_UP(scan, TOO_MANY_BLOCKS, indent_range(scan), (int)MAX_BLOCKS);
        return;
    }
    Indent indent = {column, tab1_column, 0, !expected};
    if (expected)
        indent.token = (uint32_t)add_token(scan, TOK_INDENT, scan->line_lo, scan->lo);
    scan->indents[scan->num_indents++] = indent;
}

static void indent_less(Scan *scan, uint32_t column) {
    while (scan->num_indents > 1 && column < scan->indents[scan->num_indents - 1].column) {
        const Indent *indent = &scan->indents[--scan->num_indents];
        if (!indent->silent)
            link_tokens(scan, indent->token, add_token(scan, TOK_DEDENT, scan->lo, scan->lo));
    }
    if (column != scan->indents[scan->num_indents - 1].column)
        diag_help(PARSE_ERROR(scan->parser, UNINDENT, indent_range(scan)),
                  "the line must start in the same column as an earlier line of its block");
}

/* The first token of a logical line: compare its column with the open blocks. */
static void indent_line(Scan *scan) {
    uint32_t column = scan->column;
    uint32_t tab1_column = scan->tab1_column;
    const Indent *top = &scan->indents[scan->num_indents - 1];
    bool unclear = (column == top->column && tab1_column != top->tab1_column) ||
                   (column > top->column && tab1_column <= top->tab1_column);
    if (column > top->column)
        indent_more(scan, column, tab1_column);
    else if (column < top->column)
        indent_less(scan, column);
    top = &scan->indents[scan->num_indents - 1];
    unclear = unclear || (column == top->column && tab1_column != top->tab1_column);
    if (unclear)
        diag_help(PARSE_ERROR(scan->parser, TABS_AND_SPACES, indent_range(scan)),
                  "indent with spaces only");
    scan->statement_column = column;
    scan->logical_line = scan->parser->tokens.len;
    scan->line_has_tokens = true;
    scan->line_has_error = false;
    scan->lost_text = false;
}

/* The first byte of a line that is no white space and no comment. */
void scan_line_start(Scan *scan) {
    scan->mode = SCAN_CODE;
    scan->fresh_line = true;
    if (scan->joined_column > 0)
        scan->column = scan->tab1_column = scan->joined_column;
    scan->joined_column = 0;
    if (scan->brackets.len == 0 && !scan->line_has_tokens)
        indent_line(scan);
}

void scan_newline(Scan *scan) {
    if (scan->brackets.len == 0 && scan->line_has_tokens) {
        add_token(scan, TOK_NEWLINE, scan->lo, scan->hi);
        scan->line_has_tokens = false;
    }
    scan->column = scan->tab1_column = 0;
    scan->joined_column = 0;
    scan->line_lo = scan->hi;
    scan->mode = SCAN_LINE_START;
}

/* A backslash at the end of a line. */
void scan_join(Scan *scan) {
    if (scan->hi == scan->len)
        SCAN_ERROR(scan, JOINED_LINE, parser_range(scan->parser, scan->lo, scan->hi),
                   "the end of the file");
}

/* ---- Brackets ---- */

static int closer_of(int open) {
    switch (open) {
    case TOK_LPAR:
        return TOK_RPAR;
    case TOK_LSQB:
        return TOK_RSQB;
    case TOK_FIELD_OPEN:
        return TOK_FIELD_CLOSE;
    default:
        return TOK_RBRACE;
    }
}

static char bracket_char(int kind) {
    switch (kind) {
    case TOK_LPAR:
        return '(';
    case TOK_RPAR:
        return ')';
    case TOK_LSQB:
        return '[';
    case TOK_RSQB:
        return ']';
    case TOK_LBRACE:
    case TOK_FIELD_OPEN:
        return '{';
    default:
        return '}';
    }
}

/* Number of brackets that were open where the innermost f-string field began, that one included. */
static size_t field_floor(const Scan *scan) {
    size_t len = scan->brackets.len;
    while (len > 0 && !scan->brackets.data[len - 1].field)
        len--;
    return len;
}

static void push_bracket(Scan *scan, int kind) {
    bool field = kind == TOK_FIELD_OPEN;
    Bracket bracket = {(uint32_t)add_token(scan, kind, scan->lo, scan->hi), field, false};
    scan->fresh_line = false;
    vec_push(scan->parser->arena, &scan->brackets, bracket);
    if (scan->brackets.len == MAX_BRACKETS + 1)
        SCAN_GIVE_UP(scan, TOO_MANY_BRACKETS, parser_range(scan->parser, scan->lo, scan->hi),
                     (int)MAX_BRACKETS);
}

static void close_synthetically(Scan *scan) {
    Bracket bracket = vec_pop(&scan->brackets);
    add_synthetic(scan, closer_of(scan->parser->tokens.data[bracket.token].kind));
    link_tokens(scan, bracket.token, scan->parser->tokens.len - 1);
}

void scan_close_down_to(Scan *scan, size_t num_brackets) {
    while (scan->brackets.len > num_brackets)
        close_synthetically(scan);
}

static void report_unclosed(Scan *scan, const Bracket *bracket) {
    const Token *open = &scan->parser->tokens.data[bracket->token];
    SCAN_ERROR(scan, UNCLOSED_BRACKET, token_range(scan->parser, open), bracket_char(open->kind));
}

static bool ends_operand(int kind) {
    switch (kind) {
    case TOK_NAME:
    case TOK_NUMBER:
    case TOK_STRING:
    case TOK_FSTRING_END:
    case TOK_RPAR:
    case TOK_RSQB:
    case TOK_RBRACE:
    case TOK_TRUE:
    case TOK_FALSE:
    case TOK_NONE:
    case TOK_ELLIPSIS:
        return true;
    default:
        return false;
    }
}

static bool statement_only(int kind) {
    switch (kind) {
    case TOK_ASSERT:
    case TOK_BREAK:
    case TOK_CLASS:
    case TOK_CONTINUE:
    case TOK_DEF:
    case TOK_DEL:
    case TOK_ELIF:
    case TOK_EXCEPT:
    case TOK_FINALLY:
    case TOK_GLOBAL:
    case TOK_IMPORT:
    case TOK_NONLOCAL:
    case TOK_PASS:
    case TOK_RAISE:
    case TOK_RETURN:
    case TOK_TRY:
    case TOK_WHILE:
    case TOK_WITH:
        return true;
    default:
        return false;
    }
}

/* A line starts inside brackets. If its first token shows that they should have been closed, ends
 * the statement here. */
static void end_unclosed(Scan *scan, int kind) {
    if (scan->brackets.len == 0 || !scan->fresh_line || field_floor(scan) > 0)
        return;
    bool operand = ends_operand(vec_last(&scan->parser->tokens).kind);
    bool outdented = scan->column <= scan->statement_column;
    bool swallowed = scan->lost_text && outdented; /* the closing one is in an unended string */
    if (!swallowed && !statement_only(kind) && !(kind == TOK_NAME && operand && outdented))
        return;
    if (!swallowed)
        report_unclosed(scan, &vec_last(&scan->brackets));
    scan_close_down_to(scan, 0);
    add_synthetic(scan, TOK_NEWLINE);
    indent_line(scan);
    scan->fresh_line = true;
}

void scan_open(Scan *scan, int kind) {
    push_bracket(scan, kind);
}

/* The closing brace of a field: the string's text goes on behind it. */
static void close_field(Scan *scan) {
    StringMode *string = &vec_last(&scan->strings);
    Bracket bracket = vec_pop(&scan->brackets);
    if (bracket.in_spec)
        string->spec_depth--;
    link_tokens(scan, bracket.token, add_token(scan, TOK_FIELD_CLOSE, scan->lo, scan->hi));
    string->part = scan->hi;
    scan->mode = SCAN_TEXT;
}

void scan_close(Scan *scan, int kind) {
    Parser *parser = scan->parser;
    SrcRange range = parser_range(parser, scan->lo, scan->hi);
    size_t floor = field_floor(scan);
    size_t len = scan->brackets.len;
    if (len > 0 && len == floor && kind == TOK_RBRACE) {
        close_field(scan);
        return;
    }
    size_t found = len;
    while (found > floor &&
           closer_of(parser->tokens.data[scan->brackets.data[found - 1].token].kind) != kind)
        found--;
    bool closes_field = found == floor && floor > 0 && kind == TOK_RBRACE;
    if (len == floor) { /* nothing to close */
        SCAN_ERROR(scan, UNMATCHED_CLOSER, range, bracket_char(kind));
        return;
    }
    if (found < len) { /* the innermost one is of another kind */
        const Token *open = &parser->tokens.data[vec_last(&scan->brackets).token];
        Diag *diag = SCAN_ERROR(scan, MISMATCHED_BRACKET, range, bracket_char(kind),
                                bracket_char(open->kind));
        diag_note(diag, token_range(parser, open), "`%c` was opened here",
                  bracket_char(open->kind));
        if (found == floor && !closes_field) { /* a slip: it stands for the right one */
            close_synthetically(scan);
            return;
        }
        scan_close_down_to(scan, found);
    }
    if (closes_field) {
        close_field(scan);
        return;
    }
    Bracket bracket = vec_pop(&scan->brackets);
    link_tokens(scan, bracket.token, add_token(scan, kind, scan->lo, scan->hi));
    scan->fresh_line = false;
}

/* ---- Other tokens ---- */

void scan_token(Scan *scan, int kind) {
    if (TK_UNLIKELY(scan->fresh_line))
        end_unclosed(scan, kind);
    size_t index = add_token(scan, kind, scan->lo, scan->hi);
    scan->fresh_line = false;
    if (kind == TOK_WITH)
        vec_push(scan->parser->arena, &scan->with_words, (uint32_t)index);
}

void scan_soft_word(Scan *scan) {
    scan_token(scan, TOK_NAME);
    vec_push(scan->parser->arena, &scan->soft_words, (uint32_t)(scan->parser->tokens.len - 1));
}

void scan_name(Scan *scan) {
    size_t pos = scan->lo;
    while (pos < scan->hi) {
        size_t start = pos;
        if ((unsigned char)scan->text[pos] < 128) { /* the scanner's rule has checked it */
            pos++;
            continue;
        }
        uint32_t code = (uint32_t)utf8_next(scan->text, scan->hi, &pos);
        if (start == scan->lo ? unicode_is_ident_start(code) : unicode_is_ident_continue(code))
            continue;
        SCAN_ERROR(scan, BAD_CHARACTER, parser_range(scan->parser, (uint32_t)start, (uint32_t)pos),
                   code);
        break;
    }
    scan_token(scan, TOK_NAME);
}

/* A character that starts no token. */
void scan_stray(Scan *scan) {
    unsigned char byte = (unsigned char)scan->text[scan->lo];
    SrcRange range = parser_range(scan->parser, scan->lo, scan->hi);
    if (byte == '\\')
        SCAN_ERROR(scan, JOINED_LINE, range,
                   scan->hi == scan->len ? "the end of the file" : "more text");
    else
        SCAN_ERROR(scan, BAD_CHARACTER, range, (unsigned)byte);
}

/* An operator of another language; taken for Python's. */
void scan_foreign(Scan *scan, int kind, const char *python) {
    Diag *diag = SCAN_ERROR(scan, FOREIGN_OPERATOR, parser_range(scan->parser, scan->lo, scan->hi),
                            (int)(scan->hi - scan->lo), scan->text + scan->lo);
    diag_help(diag, "write `%s`", python);
    scan_token(scan, kind);
}

/* ---- Numbers ---- */

/* May a number be followed by this without a space? Only by an operator spelled as a word. */
static bool number_may_end_at(const char *text) {
    static const char *const words[] = {"and", "else", "for", "if", "in", "is", "not", "or"};
    unsigned char c = (unsigned char)*text;
    if (!(c == '_' || c >= 128 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
          (c >= 'A' && c <= 'Z')))
        return true;
    for (size_t i = 0; i < TK_COUNTOF(words); i++)
        if (str_starts(text, words[i]))
            return true;
    return false;
}

static const char *number_kind(const char *text) {
    switch (text[0] == '0' ? text[1] | 0x20 : 0) {
    case 'x':
        return "hexadecimal";
    case 'o':
        return "octal";
    case 'b':
        return "binary";
    default:
        return "decimal";
    }
}

static bool is_plain_integer(const char *text, uint32_t len) {
    for (uint32_t i = 0; i < len; i++)
        if (!((text[i] >= '0' && text[i] <= '9') || text[i] == '_'))
            return false;
    return true;
}

void scan_bad_number(Scan *scan, const char *what) {
    uint32_t end = scan->hi;
    while (number_may_end_at(scan->text + end) == false)
        end++;
    SCAN_ERROR(scan, BAD_NUMBER, parser_range(scan->parser, scan->lo, end), what);
    scan_token(scan, TOK_NUMBER);
    scan->mode = SCAN_BAD_NUMBER;
}

/* A decimal integer: leading zeros and absurd lengths are refused. */
static void check_plain_integer(Scan *scan, const char *text, uint32_t len) {
    enum { MAX_DIGITS = 4300 }; /* Python's limit for converting from decimal */
    SrcRange range = parser_range(scan->parser, scan->lo, scan->hi);
    uint32_t digits = 0;
    bool nonzero = false;
    for (uint32_t i = 0; i < len; i++) {
        digits += text[i] != '_';
        nonzero = nonzero || (text[i] != '_' && text[i] != '0');
    }
    if (text[0] == '0' && nonzero) {
        Diag *diag = PARSE_ERROR(scan->parser, LEADING_ZEROS, range);
        diag_help(diag, "drop the zeros, or write octal numbers as `0o...`");
    } else if (digits > MAX_DIGITS) {
        PARSE_ERROR(scan->parser, LONG_NUMBER, range, digits, (int)MAX_DIGITS);
    }
}

void scan_number(Scan *scan) {
    const char *text = scan->text + scan->lo;
    uint32_t len = scan->hi - scan->lo;
    scan->mode = SCAN_CODE;
    if (!number_may_end_at(scan->text + scan->hi)) {
        scan_bad_number(scan, text[len - 1] == 'j' || text[len - 1] == 'J' ? "imaginary"
                                                                           : number_kind(text));
        return;
    }
    if (is_plain_integer(text, len))
        check_plain_integer(scan, text, len);
    scan_token(scan, TOK_NUMBER);
}

/* ---- The end, and the whole ---- */

/* Unwinds what is still open at the end of the text. */
void scan_end(Scan *scan) {
    Parser *parser = scan->parser;
    scan->lo = scan->hi = scan->len;
    while (scan->strings.len > 0) {
        StringMode string = vec_pop(&scan->strings);
        PARSE_ERROR(parser, UNTERMINATED_STRING,
                    parser_range(parser, string.start, string.start + (string.triple ? 3 : 1)),
                    string.triple ? "triple-quoted string" : "string");
        scan_close_down_to(scan, string.brackets);
        add_synthetic(scan, string.formatted ? TOK_FSTRING_END : TOK_STRING);
    }
    if (scan->brackets.len > 0)
        report_unclosed(scan, &vec_last(&scan->brackets));
    scan_close_down_to(scan, 0);
    if (scan->line_has_tokens)
        add_synthetic(scan, TOK_NEWLINE);
    while (scan->num_indents > 1) {
        const Indent *indent = &scan->indents[--scan->num_indents];
        if (!indent->silent)
            link_tokens(scan, indent->token, add_token(scan, TOK_DEDENT, scan->lo, scan->lo));
    }
    add_token(scan, TOK_END, scan->lo, scan->lo);
}

/* Refuses what is no text: NUL bytes and bytes that are not UTF-8. */
static bool check_encoding(Parser *parser) {
    const SrcFile *file = parser->file;
    size_t pos = 0;
    while (pos < file->len) {
        size_t start = pos;
        unsigned char byte = (unsigned char)file->text[pos];
        if (byte == 0) {
            SrcRange range = parser_range(parser, (uint32_t)pos, (uint32_t)pos + 1);
            diag_help(PARSE_ERROR(parser, NUL_BYTE, range), "is this a binary file?");
            return false;
        }
        if (byte < 128) {
            pos++;
            continue;
        }
        if (utf8_next(file->text, file->len, &pos) < 0) {
            SrcRange range = parser_range(parser, (uint32_t)start, (uint32_t)start + 1);
            diag_help(PARSE_ERROR(parser, NOT_UTF8, range, (unsigned)byte),
                      "save the file in the encoding UTF-8");
            return false;
        }
    }
    return true;
}

bool layout_run(Parser *parser) {
    const SrcFile *file = parser->file;
    if (!check_encoding(parser))
        return false;
    Scan *scan = ARENA_NEW(parser->arena, Scan);
    scan->parser = parser;
    scan->text = file->text;
    scan->len = (uint32_t)file->len;
    scan->num_indents = 1;
    scan->mode = SCAN_LINE_START;
    if (file->len >= 3 && memcmp(file->text, "\xef\xbb\xbf", 3) == 0) /* byte order mark */
        scan->lo = scan->hi = scan->line_lo = 3;
    vec_reserve(parser->arena, &parser->tokens, file->len / 5 + 16);
    scan_run(scan);
    if (scan->gave_up)
        return false;
    soft_keywords_resolve(scan);
    return true;
}
