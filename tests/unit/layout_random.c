/* layout_random.c -- see layout_random.h. */
#include "layout_random.h"

#include <stdio.h>
#include <string.h>

uint32_t layout_random_below(LayoutRandom *random, uint32_t bound) { /* splitmix64 */
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ z >> 31) % bound);
}

void layout_random_shuffle(LayoutRandom *random, uint32_t *vectors, unsigned count) {
    for (unsigned i = count; i > 1; i--) {
        unsigned j = layout_random_below(random, i);
        uint32_t swap = vectors[i - 1];
        vectors[i - 1] = vectors[j];
        vectors[j] = swap;
    }
}

void layout_random_axes(LayoutRandom *random, unsigned bits, unsigned rank, uint8_t *axis_bits) {
    memset(axis_bits, 0, rank);
    for (unsigned i = 0; i < bits; i++)
        axis_bits[layout_random_below(random, rank)]++;
}

Layout layout_random(LayoutRandom *random, unsigned rank, const uint8_t *axis_bits,
                     unsigned warp_bits, bool mixed) {
    static const unsigned spare[] = {0, 0, 1, 2, 4};
    Layout layout = layout_empty(LAYOUT_DISTRIBUTED, rank, axis_bits);
    unsigned bits = layout_bits(&layout), threads = LAYOUT_LANE_BITS + warp_bits;
    unsigned dealt = threads - spare[layout_random_below(random, 5)];
    if (dealt > bits)
        dealt = bits;
    uint32_t units[32], slots[32] = {0};
    for (unsigned b = 0; b < bits; b++)
        units[b] = (uint32_t)1 << b;
    layout_random_shuffle(random, units, bits);
    memcpy(slots, units, dealt * sizeof *slots);
    layout_random_shuffle(random, slots, threads);
    unsigned regs = bits - dealt;
    uint32_t below[64]; /* what may be added: registers, then lanes */
    memcpy(below, units + dealt, regs * sizeof *below);
    for (unsigned i = 0; mixed && i < threads; i++) {
        unsigned count = i < LAYOUT_LANE_BITS ? regs : regs + LAYOUT_LANE_BITS;
        if (i == LAYOUT_LANE_BITS)
            memcpy(below + regs, slots, LAYOUT_LANE_BITS * sizeof *below);
        slots[i] ^= layout_mul(below, layout_random_below(random, (uint32_t)1 << count));
    }
    layout_set(&layout, LL_REG, units + dealt, regs);
    layout_set(&layout, LL_LANE, slots, LAYOUT_LANE_BITS);
    layout_set(&layout, LL_WARP, slots + LAYOUT_LANE_BITS, warp_bits);
    return layout;
}

Layout layout_random_same_warps(LayoutRandom *random, const Layout *layout) {
    unsigned inside = layout->nin[LL_REG] + LAYOUT_LANE_BITS;
    for (;;) {
        uint32_t dealt[LAYOUT_MAX_COLUMNS], regs[LAYOUT_MAX_COLUMNS];
        unsigned count = 0;
        memcpy(dealt, layout->col, inside * sizeof *dealt);
        if (layout_random_below(random, 4) == 0) /* one column twice, one of them lost */
            dealt[layout_random_below(random, inside)] = dealt[layout_random_below(random, inside)];
        layout_random_shuffle(random, dealt, inside);
        for (unsigned i = LAYOUT_LANE_BITS; i < inside; i++)
            if (dealt[i] != 0)
                regs[count++] = dealt[i];
        Layout out = *layout;
        layout_set(&out, LL_REG, regs, count);
        layout_set(&out, LL_LANE, dealt, LAYOUT_LANE_BITS);
        if (layout_image_bits(&out) == layout_bits(&out) && layout_rank(regs, count) == count)
            return out;
    }
}

Layout layout_random_shared(LayoutRandom *random, unsigned rank, const uint8_t *axis_bits) {
    Layout layout = layout_empty(LAYOUT_SHARED, rank, axis_bits);
    unsigned bits = layout_bits(&layout);
    do {
        uint32_t columns[LAYOUT_MAX_COLUMNS];
        for (unsigned b = 0; b < bits; b++)
            columns[b] = layout_random_below(random, (uint32_t)1 << bits);
        layout_set(&layout, LL_OFF, columns, bits);
    } while (layout_image_bits(&layout) != bits);
    return layout;
}

const char *layout_random_text(const Layout *layout) {
    static char texts[8][1024];
    static unsigned next;
    char *text = texts[next++ % 8];
    OomHandler oom = {.fail_after = -1};
    if (setjmp(oom.jump) != 0)
        return "(out of memory)";
    Arena *arena = arena_create(&oom);
    StrBuf out = STRBUF(arena);
    layout_print(layout, &out);
    snprintf(text, sizeof texts[0], "%s", strbuf_str(&out));
    arena_destroy(arena);
    return text;
}
