/* convert.h -- cvt between any two types: see convert.c. */
#ifndef TKC_RUNTIME_EMU_CONVERT_H
#define TKC_RUNTIME_EMU_CONVERT_H

#include "runtime/emu/machine.h"

typedef enum Rounding {
    ROUND_NONE,
    ROUND_RN, /* to nearest, ties to even; .rni to an integer */
    ROUND_RNA,
    ROUND_RZ,
    ROUND_RM,
    ROUND_RP
} Rounding;

/* Inst.data of convert_exec; a: the source; b: the second source of packed results. */
typedef struct Conversion {
    PtxType to, from;
    Rounding rounding;
    bool to_integral; /* .rni and its kin between floats */
    bool ftz, saturate, relu;
    bool two_sources;              /* d = {a, b}: b in the low half */
    unsigned to_bytes, from_bytes; /* of the registers */
} Conversion;
void convert_exec(Warp *warp, const Inst *inst, uint32_t mask);

#endif
