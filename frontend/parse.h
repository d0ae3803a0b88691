/* parse.h -- from source text to syntax tree. */
#ifndef TKC_FRONTEND_PARSE_H
#define TKC_FRONTEND_PARSE_H

#include "frontend/ast.h"
#include "support/diag.h"

/* Greatest depth of an expression's tree, and of nested statements (an `elif` counts as nested); a
 * diagnostic beyond it. Brackets and blocks have Python's own limits besides: 200 and 100 deep. */
#define PARSE_MAX_NESTING 1000

/* Parses `file`. Reports every syntax error it finds (statement- and bracket-level recovery) and
 * always returns a tree; module->has_errors tells whether it is whole. Reentrant. */
Module *parse_module(Arena *arena, StrTab *names, Diags *diags, const SrcFile *file);
/* The token stream as text, one token a line: KIND, line:column range, text. */
void dump_tokens(Arena *arena, StrTab *names, Diags *diags, const SrcFile *file, StrBuf *out);

#endif
