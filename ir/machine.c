/* machine.c -- finds a row of machine.def.
 *
 * Asked once a libcall when code is generated, so a walk over some seventy names is quick enough.
 * Example: ir_machine_call("rint:f")->intrinsic is "llvm.rint.f32"; ir_machine_call("tan:f") is
 * NULL.
 */
#include "ir/machine.h"

#include <stddef.h>
#include <string.h>

#include "support/compat.h"

static const IrMachineCall rows[] = {
#define MACHINE(name, intrinsic, instruction) {name, intrinsic, instruction},
#include "ir/machine.def"
};

const IrMachineCall *ir_machine_call(const char *name) {
    for (size_t i = 0; i < TK_COUNTOF(rows); i++) {
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    }
    return NULL;
}
