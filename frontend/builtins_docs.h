/* builtins_docs.h -- the functions of kernels as a document. */
#ifndef TKC_FRONTEND_BUILTINS_DOCS_H
#define TKC_FRONTEND_BUILTINS_DOCS_H

#include "frontend/value.h"

/* docs/builtins.md */
void builtins_print_docs(PyCtx *py, FILE *out);

#endif
