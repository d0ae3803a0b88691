/* parse.h -- what the two halves of the IR parser share; for parse.c and parse_op.c only. */
#ifndef TKC_IR_PARSE_H
#define TKC_IR_PARSE_H

#include "ir/lex.h"
#include "ir/names.h"

#define IR_MAX_NESTING 200

typedef struct IrParser {
    IrContext *ctx;
    Arena *arena;
    Diags *diags;
    SourceSet *sources;
    const SrcFile *file;
    IrModule *module;
    IrLexer lexer;
    IrToken tok;                /* the current token */
    uint32_t prev_hi;           /* where the one before ended */
    VEC(const SrcFile *) files; /* of the `source` lines; a NULL: not found */
    bool places;                /* locations are kept: every file of the list was found */
    Map layouts;                /* of the `layout` lines: name -> interned Layout */
    IrBuilder builder;
    Map values;    /* names of the current kernel -> IrValue, or NULL after an error */
    IrNamer namer; /* tells names that the printer made from those of the source */
    unsigned depth;
    size_t num_errors;
} IrParser;

/* Tokens. The functions that return bool report what is wrong and return false. */
void ir_advance(IrParser *p);
bool ir_at_punct(const IrParser *p, char c);
bool ir_at_word(const IrParser *p, const char *word);
bool ir_accept_punct(IrParser *p, char c);
bool ir_accept_word(IrParser *p, const char *word);
bool ir_expect_punct(IrParser *p, char c);
bool ir_expect_word(IrParser *p, const char *word);
bool ir_syntax_error(IrParser *p, const char *expected);
/* The range, in the text, of the current token; or from byte `lo` to the last token taken. */
SrcRange ir_token_range(const IrParser *p);
SrcRange ir_range_from(const IrParser *p, uint32_t lo);
bool ir_parse_int(IrParser *p, int64_t *value);
/* `[1, 2]`, at most `max` numbers. */
bool ir_parse_int_list(IrParser *p, int64_t *items, size_t max, size_t *len);

bool ir_parse_type(IrParser *p, const IrType **type);
/* `#name` or `<64; reg i0 ...>`: an interned layout of that kind. */
bool ir_parse_layout(IrParser *p, LayoutKind kind, const Layout **layout);
/* The `layout #name = <...>` lines at the top of the text; false after an error. */
bool ir_parse_layout_lines(IrParser *p);
/* Reports an error of the text at the current token and counts it; returns false. */
bool ir_text_error(IrParser *p, DiagId id, const char *text);
/* `{divisibility = 16}` if it is there: hints->... are set and *found is true. */
bool ir_parse_hints(IrParser *p, IrHints *hints, bool *found);
/* A location if it is there, else `otherwise` (or no place, in a text with locations). */
bool ir_parse_location(IrParser *p, SrcRange otherwise, SrcRange *range);
/* Enters a name; reports it if it is taken. The value may be NULL. */
bool ir_define(IrParser *p, const IrToken *name, IrValue *value);
/* Operations, into the builder's block, up to the closing brace, which is not taken. */
void ir_parse_block(IrParser *p);

#endif
