/* cmd_run.c -- `tkc run FILE [ARGUMENT]...` */
#include "tools/commands.h"

SessionStatus cmd_run(const Command *command) {
    const TextVec *operands = &command->options->operands;
    return session_run(command->session, operands->data[0], operands->data, operands->len);
}
