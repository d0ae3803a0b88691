/* libdevice.h -- which function of libdevice.def a libcall names. */
#ifndef TKC_IR_LIBDEVICE_H
#define TKC_IR_LIBDEVICE_H

#include "ir/ir.h"

typedef struct IrLibdeviceCall {
    size_t row;          /* in libdevice.def */
    const char *name;    /* of the function */
    const char *letters; /* the overload in its row: arguments, `:`, result; more may follow */
    unsigned arity;
    char result; /* letter of the result's type */
} IrLibdeviceCall;

/* The function and overload of a libcall: the one its name spells ("mulhi:uu"), else the first that
 * fits its types. False if there is none, or if `op` is no libcall. */
bool ir_libdevice_resolve(const IrOp *op, IrLibdeviceCall *call);

#endif
