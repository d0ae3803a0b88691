/* commands.h -- the commands of tkc: one function a verb. */
#ifndef TKC_TOOLS_COMMANDS_H
#define TKC_TOOLS_COMMANDS_H

#include "runtime/session.h"
#include "tools/options.h"

/* What a command is given. */
typedef struct Command {
    const Options *options;
    Session *session;
    const SessionOptions *session_options;
    const char *state_dir; /* where progress is kept, or NULL: nowhere */
    FILE *out, *err;
} Command;

SessionStatus cmd_run(const Command *command);
SessionStatus cmd_check(const Command *command);
SessionStatus cmd_build(const Command *command);
SessionStatus cmd_draw(const Command *command);
SessionStatus cmd_doctor(const Command *command);
SessionStatus cmd_cache(const Command *command);
SessionStatus cmd_lesson(const Command *command);
SessionStatus cmd_explain(const Command *command);
SessionStatus cmd_help(const Command *command);
void cmd_version(FILE *out);

#endif
