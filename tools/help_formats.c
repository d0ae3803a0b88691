/* help_formats.c -- the man page and the shell completion, grown from options.def.
 *
 * The man page is mdoc(7): a macro a line, text lines between them. In text a backslash begins an
 * escape and a dot or an apostrophe at the beginning of a line a macro; put_roff() writes neither.
 */
#include <string.h>

#include "runtime/session.h"
#include "tools/help.h"

static void put_roff(FILE *out, const char *text) {
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\\') {
            fputs("\\e", out);
        } else if (*c == '-') {
            fputs("\\-", out);
        } else if ((*c == '.' || *c == '\'') && c == text) {
            fprintf(out, "\\&%c", *c);
        } else {
            putc(*c, out);
        }
    }
}

static void put_line(FILE *out, const char *text) {
    put_roff(out, text);
    putc('\n', out);
}

/* The first line of a list item in bold. */
static void put_item(FILE *out, const char *text) {
    fputs(".It Sy \"", out);
    put_roff(out, text);
    fputs("\"\n", out);
}

static void put_verb(FILE *out, VerbId verb) {
    const VerbInfo *info = &verb_infos[verb];
    fprintf(out, ".Ss tkc %s", info->name);
    if (info->operands[0] != '\0') {
        fprintf(out, " \"%s\"", info->operands);
    }
    fputs("\n", out);
    put_line(out, info->description);
    fputs("Its options are:\n.Bl -tag -width Ds\n", out);
    for (OptionId id = 0; id < OPTION_COUNT; id++) {
        if (verb_has_option(verb, id) && option_infos[id].verbs != (1u << VERB_COUNT) - 1) {
            fputs(".It Sy ", out);
            help_option_forms(out, id);
            putc('\n', out);
            put_line(out, option_infos[id].help);
        }
    }
    fputs(".El\n", out);
}

static void put_common_options(FILE *out) {
    fputs(".Ss Options of every verb\n.Bl -tag -width Ds\n", out);
    for (OptionId id = 0; id < OPTION_COUNT; id++) {
        if (option_infos[id].verbs == (1u << VERB_COUNT) - 1) {
            fputs(".It Sy ", out);
            help_option_forms(out, id);
            putc('\n', out);
            put_line(out, option_infos[id].help);
        }
    }
    fputs(".El\n", out);
}

void help_man_page(FILE *out) {
    fputs(".\\\" Written by `tkc help --format=man` from tools/options.def.\n"
          ".Dd $Mdocdate$\n.Dt TKC 1\n.Os\n"
          ".Sh NAME\n.Nm tkc\n.Nd compile and run tile kernels\n"
          ".Sh SYNOPSIS\n.Nm\n.Ar verb\n.Op Ar option ...\n.Op Ar operand ...\n"
          ".Sh DESCRIPTION\n.Nm\ncompiles tile kernels, GPU kernels written per block of data in\n"
          "the language of Triton, and runs the programs that launch them.\n"
          "Options and operands may come in any order.\nAn operand\n.Sq \\-\nis standard input;\n"
          ".Sq \\-\\-\nends the options.\n",
          out);
    for (VerbId verb = 0; verb < VERB_COUNT; verb++) {
        put_verb(out, verb);
    }
    put_common_options(out);
    fputs(".Sh ENVIRONMENT\n.Bl -tag -width Ds\n", out);
    for (size_t i = 0; i < num_environment; i++) {
        put_item(out, environment_infos[i].name);
        put_line(out, environment_infos[i].meaning);
    }
    fputs(".El\n.Sh EXIT STATUS\n.Bl -tag -width Ds\n", out);
#define STATUS(name, number, meaning)                                                              \
    put_item(out, #number);                                                                        \
    put_line(out, meaning);
#include "runtime/statuses.def"
#undef STATUS
    fputs(".El\n.Sh EXAMPLES\n.Bl -tag -width Ds\n", out);
    for (size_t i = 0; i < num_examples; i++) {
        put_item(out, example_infos[i].command);
        put_line(out, example_infos[i].meaning);
    }
    fputs(".El\n", out);
}

/* The words that complete an option: --name, or --name=choice for each choice. */
static void put_completions(FILE *out, OptionId id) {
    const OptionInfo *info = &option_infos[id];
    if (info->kind == OPTION_SWITCH) {
        fprintf(out, " --%s", info->name);
    }
    if (info->kind != OPTION_CHOICE && info->kind != OPTION_SWITCH) {
        fprintf(out, " --%s%s", info->name, info->kind == OPTION_FLAG ? "" : "=");
        return;
    }
    for (const char *word = info->metavar; *word != '\0';) {
        size_t len = strcspn(word, "|");
        fprintf(out, " --%s=%.*s", info->name, (int)len, word);
        word += len + (word[len] == '|');
    }
}

void help_bash_completion(FILE *out) {
    fputs("# Completion of tkc for bash; written by `tkc help --format=bash` from "
          "tools/options.def.\n"
          "_tkc() {\n"
          "    local current=$2 words\n"
          "    COMP_WORDBREAKS=${COMP_WORDBREAKS//=/}\n"
          "    case ${COMP_WORDS[1]} in\n",
          out);
    for (VerbId verb = 0; verb < VERB_COUNT; verb++) {
        fprintf(out, "    %s) words='", verb_infos[verb].name);
        for (OptionId id = 0; id < OPTION_COUNT; id++) {
            if (verb_has_option(verb, id)) {
                put_completions(out, id);
            }
        }
        fputs("' ;;\n", out);
    }
    fputs("    *) words=''\n    esac\n    if [[ $COMP_CWORD -eq 1 ]]; then\n        words='", out);
    for (VerbId verb = 0; verb < VERB_COUNT; verb++) {
        fprintf(out, "%s%s", verb == 0 ? "" : " ", verb_infos[verb].name);
    }
    fputs(" --help --version'\n    fi\n"
          "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
          "    if [[ $COMP_CWORD -gt 1 && $current != -* ]]; then\n"
          "        mapfile -t -O \"${#COMPREPLY[@]}\" COMPREPLY < <(compgen -f -- \"$current\")\n"
          "    fi\n"
          "}\n"
          "complete -o filenames -o nospace -F _tkc tkc\n",
          out);
}
