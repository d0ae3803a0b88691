/* slots.c -- gives the values of a program their places in memory.
 *
 * Constants and launch values keep their places for good. A program's values live from the first
 * instruction that mentions them to the last; a value that is alive when a loop begins and
 * mentioned inside lives to the loop's end. Values whose lives do not overlap share memory: they
 * are placed in order of birth, each into the first gap among the living that fits (linear scan,
 * Poletto and Sarkar 1999, with bytes in place of registers). Small frames keep a tile's working
 * set in the cache, and keep programs cheap that wait.
 */
#include <stdlib.h>

#include "ir/interp/compile.h"

#define SLOT_ALIGN 64u

static size_t round_up(size_t size) {
    size_t align = size <= 8 ? 8 : SLOT_ALIGN;
    return (size + align - 1) / align * align;
}

typedef struct Placed { /* a living value, sorted by offset */
    size_t offset, end;
    uint32_t last;
} Placed;

static void extend_over_loops(Compiler *c) {
    for (size_t v = 0; v < c->vregs.len; v++) {
        Vreg *vreg = &c->vregs.data[v];
        if (vreg->level != LEVEL_PROGRAM)
            continue;
        for (size_t i = 0; i < c->spans.len; i++) { /* inner loops come before outer ones */
            const LoopSpan *span = &c->spans.data[i];
            if (vreg->first < span->first && vreg->last >= span->first && vreg->last < span->last)
                vreg->last = span->last;
        }
    }
}

/* Places a value among the living ones; returns its offset. */
static size_t place(Placed *living, size_t *count, size_t size, uint32_t last) {
    size_t offset = 0, at = 0;
    size_t align = size <= 8 ? 8 : SLOT_ALIGN;
    for (; at < *count; at++) {
        size_t aligned = (offset + align - 1) / align * align;
        if (aligned + size <= living[at].offset)
            break;
        offset = living[at].end;
    }
    offset = (offset + align - 1) / align * align;
    for (size_t i = *count; i > at; i--)
        living[i] = living[i - 1];
    living[at] = (Placed){.offset = offset, .end = offset + size, .last = last};
    (*count)++;
    return offset;
}

static size_t remove_dead(Placed *living, size_t count, uint32_t now) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (living[i].last >= now)
            living[kept++] = living[i];
    return kept;
}

typedef struct Birth {
    uint32_t first, vreg;
} Birth;
static int by_birth(const void *a, const void *b) {
    const Birth *x = a, *y = b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return x->vreg < y->vreg ? -1 : x->vreg > y->vreg;
}

static void place_program_values(Compiler *c) {
    size_t n = c->vregs.len, births = 0, count = 0, frame = 0;
    Birth *order = ARENA_ARRAY(c->arena, Birth, n);
    Placed *living = ARENA_ARRAY(c->arena, Placed, n + 1);
    for (size_t v = 0; v < n; v++)
        if (c->vregs.data[v].level == LEVEL_PROGRAM)
            order[births++] = (Birth){.first = c->vregs.data[v].first, .vreg = (uint32_t)v};
    qsort(order, births, sizeof *order, by_birth);
    for (size_t i = 0; i < births; i++) {
        Vreg *vreg = &c->vregs.data[order[i].vreg];
        count = remove_dead(living, count, vreg->first);
        size_t size = round_up(vreg->size);
        size_t offset = place(living, &count, size, vreg->last);
        vreg->ref = slot_ref(BASE_FRAME, offset);
        if (offset + size > frame)
            frame = offset + size;
    }
    c->out->frame_size = frame;
}

static void place_lasting_values(Compiler *c) {
    size_t used[2] = {0, 0};
    static const SlotBase bases[2] = {BASE_CONST, BASE_LAUNCH};
    for (size_t v = 0; v < c->vregs.len; v++) {
        Vreg *vreg = &c->vregs.data[v];
        if (vreg->level == LEVEL_PROGRAM)
            continue;
        size_t *top = &used[vreg->level];
        size_t size = round_up(vreg->size);
        if (size > 8)
            *top = (*top + SLOT_ALIGN - 1) / SLOT_ALIGN * SLOT_ALIGN;
        vreg->ref = slot_ref(bases[vreg->level], *top);
        *top += size;
    }
    c->level_bytes[LEVEL_CONST] = used[LEVEL_CONST];
    c->out->launch_size = used[LEVEL_LAUNCH];
}

void compile_assign_slots(Compiler *c) {
    extend_over_loops(c);
    place_program_values(c);
    place_lasting_values(c);
    for (size_t i = 0; i < c->lists.len; i++)
        for (size_t k = 0; k < c->lists.data[i].len; k++)
            c->lists.data[i].items[k] = c->vregs.data[c->lists.data[i].items[k]].ref;
    for (size_t i = 0; i < c->loops.len; i++)
        c->loops.data[i].index = c->vregs.data[c->loops.data[i].index].ref;
}
