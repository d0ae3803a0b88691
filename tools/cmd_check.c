/* cmd_check.c -- `tkc check FILE` */
#include "tools/commands.h"

SessionStatus cmd_check(const Command *command) {
    const Options *options = command->options;
    return session_check(command->session, options->operands.data[0],
                         options->values[OPTION_KERNEL], options->values[OPTION_SIGNATURE]);
}
