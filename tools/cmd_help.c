/* cmd_help.c -- `tkc help [VERB|environment|builtins]` and `tkc --version`. */
#include "support/str.h"
#include "tools/commands.h"
#include "tools/help.h"
#include "version.h"

/* The choices of --format, in the order of options.def. */
enum { FORMAT_TEXT, FORMAT_MARKDOWN, FORMAT_MAN, FORMAT_BASH };

void cmd_version(FILE *out) {
    fprintf(out, "tkc %s\nbuild: %s, %s, %s\ndevices: cpu, emu, cuda\n", TKC_VERSION,
            TKC_BUILD_TYPE, TKC_COMPILER, TKC_SYSTEM);
}

static SessionStatus help_document(const Command *command, unsigned format) {
    if (format == FORMAT_MAN) {
        help_man_page(command->out);
    } else if (format == FORMAT_BASH) {
        help_bash_completion(command->out);
    } else {
        Diag *diag =
            diag_report(session_diags(command->session), DIAG_USAGE_VALUE, SRC_NONE,
                        option_infos[OPTION_FORMAT].name, command->options->values[OPTION_FORMAT]);
        diag_note(diag, SRC_NONE, "`tkc help` prints text, man or bash");
        return STATUS_USAGE;
    }
    return STATUS_OK;
}

SessionStatus cmd_help(const Command *command) {
    unsigned format = option_choice(command->options, OPTION_FORMAT);
    if (format != FORMAT_TEXT) {
        return help_document(command, format);
    }
    if (command->options->operands.len == 0) {
        help_overview(command->out);
        return STATUS_OK;
    }
    const char *topic = command->options->operands.data[0];
    VerbId verb = verb_from_name(topic);
    if (str_eq(topic, "environment")) {
        help_environment(command->out);
    } else if (str_eq(topic, "builtins")) {
        return session_print_builtins(command->session, command->out);
    } else if (verb != VERB_COUNT) {
        help_verb(verb, command->out);
    } else {
        report_unknown_verb(session_arena(command->session), session_diags(command->session),
                            topic);
        return STATUS_USAGE;
    }
    return STATUS_OK;
}
