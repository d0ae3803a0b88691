/* help.h -- what options.def says, for people and as documents. */
#ifndef TKC_TOOLS_HELP_H
#define TKC_TOOLS_HELP_H

#include <stdio.h>

#include "tools/options.h"

void help_overview(FILE *out);
void help_verb(VerbId verb, FILE *out);
void help_environment(FILE *out);
void help_man_page(FILE *out);        /* docs/man/tkc.1, in mdoc */
void help_bash_completion(FILE *out); /* docs/completion/tkc.bash */
/* Prints `text` in lines of at most 80 columns, each indented by `indent`. The first line goes on
 * from `column`. */
void help_wrapped(FILE *out, size_t column, size_t indent, const char *text);
/* "-o, --output=FILE": how an option is written. */
void help_option_forms(FILE *out, OptionId id);

#endif
