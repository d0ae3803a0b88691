/* cmd_draw.c -- `tkc draw FILE` */
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "support/str.h"
#include "tools/commands.h"

/* Columns of a picture that goes to a file. */
enum { FILE_COLUMNS = 80 };

/* Reads --program=X,Y,Z; false: it is no list of ids, reported. */
static bool read_program(const Command *command, DrawOptions *draw) {
    const char *text = command->options->values[OPTION_PROGRAM];
    draw->one_program = text != NULL;
    if (text == NULL) {
        return true;
    }
    TextVec ids = split_words(session_arena(command->session), text, ',');
    bool ok = ids.len <= 3;
    for (size_t i = 0; i < ids.len && ok; i++) {
        char *end;
        errno = 0;
        draw->program[i] = strtoll(ids.data[i], &end, 10);
        ok = errno == 0 && ids.data[i][0] >= '0' && ids.data[i][0] <= '9' && *end == '\0';
    }
    if (!ok) {
        Diag *diag = diag_report(session_diags(command->session), DIAG_USAGE_VALUE, SRC_NONE,
                                 option_infos[OPTION_PROGRAM].name, text);
        diag_note(diag, SRC_NONE, "it is one to three ids, such as 3 or 1,2");
    }
    return ok;
}

/* The terminal that standard output is. */
static void look_at_terminal(const Command *command, DrawOptions *draw) {
    struct winsize size;
    bool terminal = isatty(STDOUT_FILENO) != 0;
    draw->width = FILE_COLUMNS;
    if (terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        draw->width = size.ws_col;
    }
    const char *term = getenv("TERM"), *none = getenv("NO_COLOR");
    unsigned choice = option_choice(command->options, OPTION_COLOR);
    bool wanted =
        terminal && term != NULL && !str_eq(term, "dumb") && (none == NULL || none[0] == '\0');
    draw->color = choice == 1 || (choice == 0 && wanted);
}

SessionStatus cmd_draw(const Command *command) {
    const Options *options = command->options;
    DrawOptions draw = {
        .kernel = options->values[OPTION_KERNEL],
        .launch = option_number(options, OPTION_LAUNCH, 1),
        .list = option_given(options, OPTION_LIST_LAUNCHES),
        .tensor = options->values[OPTION_TENSOR],
        .lanes = option_given(options, OPTION_LANES),
        .output = options->values[OPTION_OUTPUT],
    };
    look_at_terminal(command, &draw);
    if (draw.launch == 0) {
        Diag *diag = diag_report(session_diags(command->session), DIAG_USAGE_VALUE, SRC_NONE,
                                 option_infos[OPTION_LAUNCH].name, "0");
        diag_note(diag, SRC_NONE, "launches are counted from 1");
        return STATUS_USAGE;
    }
    if (!read_program(command, &draw)) {
        return STATUS_USAGE;
    }
    return session_draw(command->session, options->operands.data[0], &draw);
}
