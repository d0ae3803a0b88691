/* layout_random.h -- random layouts, for property tests. */
#ifndef TKC_TESTS_UNIT_LAYOUT_RANDOM_H
#define TKC_TESTS_UNIT_LAYOUT_RANDOM_H

#include "ir/layout.h"

typedef struct LayoutRandom {
    uint64_t state; /* the seed */
} LayoutRandom;

/* A number below `bound`. */
uint32_t layout_random_below(LayoutRandom *random, uint32_t bound);
void layout_random_shuffle(LayoutRandom *random, uint32_t *vectors, unsigned count);
/* Splits `bits` among `rank` axes. */
void layout_random_axes(LayoutRandom *random, unsigned bits, unsigned rank, uint8_t *axis_bits);

/* The unit vectors of the tile dealt to lanes, `warp_bits` warp bits and registers, with 0 to 4
 * zero columns (more if the tile is small). Mixed: lanes have random sums of register columns
 * added, warps of both. Not canonical. */
Layout layout_random(LayoutRandom *random, unsigned rank, const uint8_t *axis_bits,
                     unsigned warp_bits, bool mixed);
/* A layout that is reached from `layout` without crossing warps: its register and lane columns
 * dealt anew, some dropped and doubled. */
Layout layout_random_same_warps(LayoutRandom *random, const Layout *layout);
/* An invertible shared layout of any columns. */
Layout layout_random_shared(LayoutRandom *random, unsigned rank, const uint8_t *axis_bits);

/* The layout's text, in static storage good until eight more calls: for messages of tests. */
const char *layout_random_text(const Layout *layout);

#endif
