/* cmd_run.c -- `tkc run FILE [ARGUMENT]...` */
#include "tools/commands.h"

SessionStatus cmd_run(const Command *command) {
    const TextVec *operands = &command->options->operands;
    if (command->session_options->profile && command->session_options->device != DEVICE_EMU) {
        diag_report(session_diags(command->session), DIAG_USAGE_TOGETHER, SRC_NONE, "profile",
                    "device=emu");
        return STATUS_USAGE;
    }
    return session_run(command->session, operands->data[0], operands->data, operands->len);
}
