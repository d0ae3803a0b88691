/* scanner.h -- the state behind lexer.l, and what its rules call in layout.c. */
#ifndef TKC_FRONTEND_SCANNER_H
#define TKC_FRONTEND_SCANNER_H

#include "frontend/parser_state.h"

/* Limits of CPython's tokenizer, kept so that both accept the same files. */
enum { MAX_BLOCKS = 100, MAX_BRACKETS = 200, MAX_FSTRINGS = 150 };

/* One open block. Two widths are kept, with tabs to multiples of 8 and with tabs as 1: when they
 * order two lines differently, the meaning depends on the tab width and the file is refused. */
typedef struct Indent {
    uint32_t column, tab1_column;
    uint32_t token; /* index of the INDENT token */
    bool silent;    /* an unexpected indentation, reported; has no INDENT token */
} Indent;

/* One open string. For f-strings it stays open while the parts in braces are scanned. */
typedef struct StringMode {
    uint32_t start; /* offset of the prefix */
    uint32_t part;  /* offset where the current piece of text starts */
    char quote;
    bool triple, raw, formatted, bytes;
    bool named_escape;   /* inside \N{...} */
    uint32_t spec_depth; /* how many format specifications are open */
    size_t brackets;     /* number of open brackets outside of the string */
} StringMode;

/* One open bracket. */
typedef struct Bracket {
    uint32_t token; /* its index */
    bool field;     /* the brace of an f-string field */
    bool in_spec;   /* a field whose format specification has begun */
} Bracket;

/* What the scanner does next; the rules of lexer.l switch their start condition to it. */
typedef enum ScanMode { SCAN_CODE, SCAN_LINE_START, SCAN_TEXT, SCAN_BAD_NUMBER } ScanMode;

typedef struct Scan {
    Parser *parser;
    const char *text;
    uint32_t len;
    uint32_t lo, hi; /* the current token */
    ScanMode mode;
    Indent indents[MAX_BLOCKS + 1];
    size_t num_indents; /* >= 1; indents[0] is column 0 */
    VEC(Bracket) brackets;
    VEC(StringMode) strings;
    VEC(uint32_t) soft_words;     /* tokens that may be soft keywords */
    VEC(uint32_t) with_words;     /* WITH tokens */
    uint32_t column, tab1_column; /* of the line being started */
    uint32_t joined_column;       /* column of a backslash within indentation; 0: none */
    uint32_t line_lo;             /* offset of the first byte of the physical line */
    bool line_has_tokens;         /* the logical line has begun */
    bool gave_up;                 /* nested beyond the limits: scanning ends */
    bool line_has_error;          /* in the logical line, so far */
    bool lost_text;      /* in the logical line, a string took everything to the line's end */
    bool fresh_line;     /* no token on this physical line yet */
    size_t logical_line; /* index of the first token of the logical line */
    uint32_t statement_column;
} Scan;

/* Reports an error in the current line; the tokens behind it become suspect. */
#define SCAN_ERROR(scan, name, ...)                                                                \
    ((scan)->line_has_error = true, PARSE_ERROR((scan)->parser, name, __VA_ARGS__))

/* Reports a limit and ends scanning. */
#define SCAN_GIVE_UP(scan, name, ...)                                                              \
    ((scan)->gave_up = true, PARSE_ERROR((scan)->parser, name, __VA_ARGS__))

/* Called by the rules of lexer.l; each reads scan->lo and scan->hi. */
void scan_token(Scan *scan, int kind);
void scan_open(Scan *scan, int kind);
void scan_close(Scan *scan, int kind);
void scan_close_down_to(Scan *scan, size_t num_brackets);
void scan_name(Scan *scan);
void scan_soft_word(Scan *scan);
void scan_number(Scan *scan);
void scan_bad_number(Scan *scan, const char *what);
void scan_newline(Scan *scan);
void scan_indent_text(Scan *scan, const char *text);
void scan_indent_join(Scan *scan);
void scan_line_start(Scan *scan);
void scan_join(Scan *scan);
void scan_stray(Scan *scan);
void scan_foreign(Scan *scan, int kind, const char *python);
/* In an f-string field: `:` `!` `}` at the field's own level have meanings of their own. */
bool scan_at_field_level(const Scan *scan);
void scan_field_colon(Scan *scan);
void scan_field_bang(Scan *scan);
/* Strings. Each of the text rules returns how many of the matched bytes it takes. */
void scan_string_start(Scan *scan, const char *prefix_and_quotes, uint32_t num_quotes);
uint32_t scan_text_quotes(Scan *scan, char quote, uint32_t count);
uint32_t scan_text_escape(Scan *scan, char second);
uint32_t scan_text_brace(Scan *scan, char brace, uint32_t count);
uint32_t scan_text_newline(Scan *scan, uint32_t count);
void scan_end(Scan *scan);

/* soft_keywords.c: decides which names are keywords, once all tokens are known. */
void soft_keywords_resolve(Scan *scan);

/* lexer.l: runs the rules over the whole text. */
void scan_run(Scan *scan);

#endif
