/* help.c -- `tkc help`: what options.def says, for people.
 *
 *     Usage: tkc check [OPTION]... FILE
 *
 *     Report what is wrong with a program, without running it.
 *     ...
 *       -I, --import-dir=DIR  look for imported modules in DIR, after the program's folder
 */
#include "tools/help.h"

#include <ctype.h>
#include <string.h>

#include "runtime/session.h"

enum { WIDTH = 80, NAME_COLUMN = 2, HELP_COLUMN = 26 };

static void put_spaces(FILE *out, size_t count) {
    fprintf(out, "%*s", (int)count, "");
}

void help_wrapped(FILE *out, size_t column, size_t indent, const char *text) {
    if (column < indent) {
        put_spaces(out, indent - column);
        column = indent;
    }
    for (bool first = true; *text != '\0'; first = false) {
        size_t len = strcspn(text, " ");
        if (!first && column + 1 + len > WIDTH) {
            putc('\n', out);
            put_spaces(out, indent);
            column = indent;
        } else if (!first) {
            putc(' ', out);
            column++;
        }
        fwrite(text, 1, len, out);
        column += len;
        text += len;
        text += strspn(text, " ");
    }
    putc('\n', out);
}

/* A row "  NAME   text", the text on a line of its own if the name is long. */
static void put_row(FILE *out, const char *name, const char *text) {
    size_t column = NAME_COLUMN + strlen(name);
    put_spaces(out, NAME_COLUMN);
    fputs(name, out);
    if (column + 2 > HELP_COLUMN) {
        putc('\n', out);
        column = 0;
    }
    help_wrapped(out, column, HELP_COLUMN, text);
}

/* The forms of an option into `form`: "-o, --output=FILE". */
static void option_forms(OptionId id, char *form, size_t size) {
    const OptionInfo *info = &option_infos[id];
    char letter[8] = "";
    if (info->letter != 0) {
        snprintf(letter, sizeof letter, "-%c, ", info->letter);
    }
    bool flag = info->kind == OPTION_FLAG;
    bool optional = info->kind == OPTION_SWITCH;
    snprintf(form, size, "%s--%s%s%s%s", letter, info->name,
             flag       ? ""
             : optional ? "[="
                        : "=",
             flag ? "" : info->metavar, optional ? "]" : "");
}

void help_option_forms(FILE *out, OptionId id) {
    char form[128];
    option_forms(id, form, sizeof form);
    fputs(form, out);
}

/* A summary as a sentence: "run a program" is printed "Run a program." */
static void put_sentence(FILE *out, const char *text) {
    fprintf(out, "%c%s.\n", toupper((unsigned char)text[0]), text + 1);
}

void help_overview(FILE *out) {
    fputs("Usage: tkc VERB [OPTION]... [OPERAND]...\n\n"
          "tkc compiles and runs tile kernels.\n\nExamples:\n",
          out);
    for (size_t i = 0; i < num_examples; i++) {
        if (i == 0 || example_infos[i].verb != example_infos[i - 1].verb) {
            put_row(out, example_infos[i].command, example_infos[i].meaning);
        }
    }
    fputs("\nVerbs:\n", out);
    for (VerbId verb = 0; verb < VERB_COUNT; verb++) {
        put_row(out, verb_infos[verb].name, verb_infos[verb].summary);
    }
    fputs("\nExit status:\n", out);
#define STATUS(name, number, meaning) put_row(out, #number, meaning);
#include "runtime/statuses.def"
#undef STATUS
    fputs("\n`tkc help VERB` shows a verb's options, `tkc help environment` the variables.\n", out);
}

void help_verb(VerbId verb, FILE *out) {
    const VerbInfo *info = &verb_infos[verb];
    fprintf(out, "Usage: tkc %s [OPTION]...%s%s\n\n", info->name,
            info->operands[0] == '\0' ? "" : " ", info->operands);
    put_sentence(out, info->summary);
    putc('\n', out);
    for (size_t i = 0, shown = 0; i < num_examples; i++) {
        if (example_infos[i].verb == verb) {
            fputs(shown++ == 0 ? "Examples:\n" : "", out);
            put_row(out, example_infos[i].command, example_infos[i].meaning);
        }
    }
    putc('\n', out);
    help_wrapped(out, 0, 0, info->description);
    fputs("\nOptions:\n", out);
    for (OptionId id = 0; id < OPTION_COUNT; id++) {
        if (verb_has_option(verb, id)) {
            char form[128];
            option_forms(id, form, sizeof form);
            put_row(out, form, option_infos[id].help);
        }
    }
}

void help_environment(FILE *out) {
    fputs("Environment variables (options count more than variables):\n", out);
    for (size_t i = 0; i < num_environment; i++) {
        put_row(out, environment_infos[i].name, environment_infos[i].meaning);
    }
}
