/* bits.h -- positions and counts of set bits.
 *
 * All take 64 bits; smaller unsigned integers widen to the same answer.
 */
#ifndef TKC_SUPPORT_BITS_H
#define TKC_SUPPORT_BITS_H

#include <stdbool.h>
#include <stdint.h>

#include "support/compat.h"

/* The position of the highest set bit; `x` is not 0. */
static inline unsigned bits_top(uint64_t x) {
#ifdef TK_CLZ64
    return 63u - (unsigned)TK_CLZ64(x);
#else
    unsigned at = 0;
    while (x >>= 1)
        at++;
    return at;
#endif
}

/* The position of the lowest set bit; `x` is not 0. */
static inline unsigned bits_low(uint64_t x) {
    return bits_top(x & (~x + 1));
}

/* How many bits are set. */
static inline unsigned bits_count(uint64_t x) {
    unsigned count = 0;
    for (; x != 0; x &= x - 1)
        count++;
    return count;
}

/* 0 and the powers of two: at most one bit is set. */
static inline bool bits_at_most_one(uint64_t x) {
    return (x & (x - 1)) == 0;
}

/* The least n with 1 << n >= x (0 for x <= 1). */
static inline unsigned bits_ceil_log2(uint64_t x) {
    return x <= 1 ? 0 : bits_top(x - 1) + 1;
}

#endif
