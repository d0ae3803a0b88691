/* cmd_run.c -- `tkc run FILE [ARGUMENT]...` */
#include "tools/commands.h"

SessionStatus cmd_run(const Command *command) {
    const TextVec *operands = &command->options->operands;
    if (command->session_options->device != DEVICE_CPU) {
        Diag *diag = diag_report(session_diags(command->session), DIAG_DEVICE_MISSING, SRC_NONE,
                                 command->options->values[OPTION_DEVICE]);
        diag_help(diag, "`--device=cpu` runs the program on the checking interpreter");
        return STATUS_NO_DEVICE;
    }
    return session_run(command->session, operands->data[0], operands->data, operands->len);
}
