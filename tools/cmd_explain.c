/* cmd_explain.c -- `tkc explain [CODE]...`: the pages behind the codes of diagnostics.
 *
 * A code is spelled TK0217, tk217 or 217.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "support/str.h"
#include "tools/commands.h"

enum { FORMAT_TEXT, FORMAT_MARKDOWN };

/* The diagnostic whose code is spelled so; DIAG_COUNT if there is none. */
static DiagId diag_from_code(const char *code) {
    if (toupper((unsigned char)code[0]) == 'T' && toupper((unsigned char)code[1]) == 'K') {
        code += 2;
    }
    char *end;
    unsigned long number = strtoul(code, &end, 10);
    if (!isdigit((unsigned char)code[0]) || *end != '\0') {
        return DIAG_COUNT;
    }
    DiagId id = 0;
    while (id < DIAG_COUNT && diag_infos[id].code != number) {
        id++;
    }
    return id;
}

/* The row's text with its printf conversions shown as "...". */
static void put_text(FILE *out, const char *text) {
    for (const char *c = text; *c != '\0'; c++) {
        if (*c != '%') {
            putc(*c, out);
        } else if (c[1] == '%') {
            putc(*++c, out);
        } else {
            c += 1 + strcspn(c + 1, "diouxXeEfFgGaAcsp");
            fputs("...", out);
        }
    }
}

static const char *severity_word(Severity severity) {
    static const char *const words[] = {"note", "warning", "error", "fault", "internal error"};
    return words[severity];
}

static void put_page(FILE *out, DiagId id) {
    fprintf(out, "TK%04u: %s: ", diag_infos[id].code, severity_word(diag_infos[id].severity));
    put_text(out, diag_infos[id].text);
    fprintf(out, "\n\n%s", diag_infos[id].explain);
}

/* The next diagnostic by code after `code`; DIAG_COUNT at the end. */
static DiagId next_by_code(long code) {
    DiagId best = DIAG_COUNT;
    for (DiagId id = 0; id < DIAG_COUNT; id++) {
        if ((long)diag_infos[id].code > code &&
            (best == DIAG_COUNT || diag_infos[id].code < diag_infos[best].code)) {
            best = id;
        }
    }
    return best;
}

static void put_list(FILE *out) {
    for (DiagId id = next_by_code(-1); id != DIAG_COUNT; id = next_by_code(diag_infos[id].code)) {
        fprintf(out, "TK%04u  ", diag_infos[id].code);
        put_text(out, diag_infos[id].text);
        putc('\n', out);
    }
}

static void put_markdown(FILE *out) {
    fputs("<!-- Written by `tkc explain --format=markdown` from support/diags.def. -->\n"
          "# Diagnostics\n\nEvery diagnostic ends with its code; `tkc explain CODE` prints its "
          "page.\n",
          out);
    for (DiagId id = next_by_code(-1); id != DIAG_COUNT; id = next_by_code(diag_infos[id].code)) {
        fprintf(out, "\n## TK%04u (%s)\n\n`````text\n", diag_infos[id].code,
                severity_word(diag_infos[id].severity));
        put_text(out, diag_infos[id].text);
        fprintf(out, "\n\n%s`````\n", diag_infos[id].explain);
    }
}

SessionStatus cmd_explain(const Command *command) {
    const TextVec *codes = &command->options->operands;
    unsigned format = option_choice(command->options, OPTION_FORMAT);
    Diags *diags = session_diags(command->session);
    if (format > FORMAT_MARKDOWN) {
        Diag *diag =
            diag_report(diags, DIAG_USAGE_VALUE, SRC_NONE, option_infos[OPTION_FORMAT].name,
                        command->options->values[OPTION_FORMAT]);
        diag_note(diag, SRC_NONE, "`tkc explain` prints text or markdown");
        return STATUS_USAGE;
    }
    if (format == FORMAT_MARKDOWN) {
        put_markdown(command->out);
    } else if (codes->len == 0) {
        put_list(command->out);
    }
    bool ok = true;
    for (size_t i = 0; i < codes->len; i++) {
        DiagId id = diag_from_code(codes->data[i]);
        if (id == DIAG_COUNT) {
            diag_report(diags, DIAG_CODE_UNKNOWN, SRC_NONE, codes->data[i]);
            ok = false;
            continue;
        }
        fputs(i == 0 ? "" : "\n", command->out);
        put_page(command->out, id);
    }
    return ok ? STATUS_OK : STATUS_USAGE;
}
