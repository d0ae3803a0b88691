/* machine.h -- the calls of libdevice that are one instruction of an NVIDIA GPU (machine.def). */
#ifndef TKC_IR_MACHINE_H
#define TKC_IR_MACHINE_H

typedef struct IrMachineCall {
    const char *name;        /* with the overload: "add_rz:ff" */
    const char *intrinsic;   /* of LLVM; NULL: write `instruction` as inline assembly */
    const char *instruction; /* of PTX: "add.rz.f32" */
} IrMachineCall;

/* The row of a libcall's NAME attribute, overload included; NULL if it is none of the machine's. */
const IrMachineCall *ir_machine_call(const char *name);

#endif
