/* ir_random.h -- random but valid tile IR, for property tests. */
#ifndef TKC_TESTS_UNIT_IR_RANDOM_H
#define TKC_TESTS_UNIT_IR_RANDOM_H

#include "ir/ir.h"

typedef struct IrRandomOptions {
    uint64_t seed;
    unsigned num_ops;     /* about so many operations a kernel */
    bool any_bits;        /* constants of any bit pattern, signalling NaNs too */
    bool with_ranges;     /* give operations random ranges in the sources of the module */
    bool only_executable; /* nothing that faults or that depends on the device; parameters are
                             %out: ptr<i64>, %n: i32, %x: f32; results are stored to %out */
} IrRandomOptions;

/* Number of i64 elements that an executable kernel may store to. */
#define IR_RANDOM_SLOTS 64

/* Adds a kernel to `module`. */
IrKernel *ir_random_kernel(IrModule *module, const IrRandomOptions *options);
uint64_t ir_random_next(uint64_t *state); /* splitmix64 */

#endif
