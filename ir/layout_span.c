/* layout_span.c -- an echelon basis over GF(2) with provenance, and what follows from it.
 *
 * Rows are indexed by their highest bit. Beside each row stands the set of inserted vectors whose
 * XOR it is, so that solving a system is reducing the right side. Two facts carry the layout code:
 *
 * - solve() uses only the first k inserted vectors whenever they suffice, because the rows they
 * left are an echelon basis of their span and each step of a reduction stays in it. So callers
 * insert registers before lanes before warps to prefer what is cheap to move.
 * - The sets recorded for dependent vectors are a basis of the kernel, and the highest bit of each
 * is a different, dependent vector.
 *
 * Source: Gaussian elimination; avoid() generalises the swizzling algorithm of arXiv 2505.23819
 * (section 5.4) to any two sides. Why avoid() is right: let a sum of the chosen vectors lie in u.
 * Its part from extend(u + v, within) is 0, being independent of u + v; so a sum of e ^ g lies in
 * u, hence the sum of its g lies in u and in v, that is in their intersection I; the g are
 * independent of I, so the sum is empty. For v likewise.
 *
 * Example: columns {1, 2, 3}. Inserting 3 finds it dependent: kernel = {0b111}. solve(3) = 0b011.
 */
#include "ir/layout_span.h"

#include "support/bits.h"

#include <assert.h>
#include <stddef.h>

void layout_span_init(LayoutSpan *span) {
    span->pivots = 0;
    span->count = span->rank = span->nullity = 0;
}

uint32_t layout_span_reduce(const LayoutSpan *span, uint32_t vector, uint64_t *combo) {
    uint64_t used = 0;
    while (vector != 0) {
        unsigned top = bits_top(vector);
        if (!(span->pivots >> top & 1))
            break;
        used ^= span->combo[top];
        vector ^= span->row[top];
    }
    if (combo)
        *combo = used;
    return vector;
}

bool layout_span_insert(LayoutSpan *span, uint32_t vector) {
    assert(span->count < LAYOUT_SPAN_MAX);
    uint64_t combo;
    uint32_t rest = layout_span_reduce(span, vector, &combo);
    combo ^= (uint64_t)1 << span->count++;
    if (rest == 0) {
        span->kernel[span->nullity++] = combo;
        return false;
    }
    unsigned top = bits_top(rest);
    span->pivots |= (uint32_t)1 << top;
    span->row[top] = rest;
    span->combo[top] = combo;
    span->rank++;
    return true;
}

void layout_span_insert_all(LayoutSpan *span, const uint32_t *vectors, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        layout_span_insert(span, vectors[i]);
}

bool layout_span_solve(const LayoutSpan *span, uint32_t vector, uint64_t *combo) {
    return layout_span_reduce(span, vector, combo) == 0;
}

bool layout_span_has(const LayoutSpan *span, uint32_t vector) {
    return layout_span_reduce(span, vector, NULL) == 0;
}

uint32_t layout_mul(const uint32_t *columns, uint64_t x) {
    uint32_t y = 0;
    for (; x != 0; x &= x - 1)
        y ^= columns[bits_low(x)];
    return y;
}

unsigned layout_rank(const uint32_t *columns, unsigned count) {
    LayoutSpan span;
    layout_span_init(&span);
    layout_span_insert_all(&span, columns, count);
    return span.rank;
}

void layout_vectors_add(LayoutVectors *list, uint32_t vector) {
    assert(list->count < LAYOUT_SPAN_MAX);
    list->at[list->count++] = vector;
}

void layout_vectors_append(LayoutVectors *list, const uint32_t *vectors, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        layout_vectors_add(list, vectors[i]);
}

void layout_extend(const LayoutVectors *base, const LayoutVectors *candidates, LayoutVectors *out) {
    LayoutSpan span;
    layout_span_init(&span);
    layout_span_insert_all(&span, base->at, base->count);
    for (unsigned i = 0; i < candidates->count; i++) {
        if (layout_span_insert(&span, candidates->at[i]))
            layout_vectors_add(out, candidates->at[i]);
    }
}

LayoutVectors layout_intersect(const LayoutVectors *a, const LayoutVectors *b) {
    LayoutSpan span;
    layout_span_init(&span);
    layout_span_insert_all(&span, a->at, a->count);
    layout_span_insert_all(&span, b->at, b->count);
    /* A sum of vectors of a and of b that is 0: its part from a is a vector of both. */
    LayoutVectors common = {0}, out = {0};
    uint64_t from_a = ((uint64_t)1 << a->count) - 1;
    for (unsigned i = 0; i < span.nullity; i++)
        layout_vectors_add(&common, layout_mul(a->at, span.kernel[i] & from_a));
    LayoutVectors none = {0};
    layout_extend(&none, &common, &out);
    return out;
}

bool layout_avoid(const LayoutVectors *u, const LayoutVectors *v, const LayoutVectors *within,
                  unsigned count, LayoutVectors *out) {
    LayoutVectors sum = *u, both = layout_intersect(u, v), only_u = {0}, only_v = {0};
    layout_vectors_append(&sum, v->at, v->count);
    out->count = 0;
    layout_extend(&sum, within, out);
    layout_extend(&both, u, &only_u);
    layout_extend(&both, v, &only_v);
    for (unsigned i = 0; i < only_u.count && i < only_v.count; i++)
        layout_vectors_add(out, only_u.at[i] ^ only_v.at[i]);
    if (count > out->count)
        return false;
    out->count = count;
    return true;
}

bool layout_left_quotient(const uint32_t *n, const uint32_t *m, unsigned count, unsigned bits,
                          uint32_t *g) {
    LayoutSpan span;
    layout_span_init(&span);
    uint32_t image[LAYOUT_SPAN_MAX] = {0}; /* what g makes of each inserted vector */
    for (unsigned i = 0; i < count; i++) {
        image[i] = n[i];
        if (!layout_span_insert(&span, m[i]) && layout_mul(n, span.kernel[span.nullity - 1]) != 0)
            return false;
    }
    for (unsigned b = 0; b < bits; b++) /* unit vectors complete m's image; g is 0 on them */
        layout_span_insert(&span, (uint32_t)1 << b);
    for (unsigned b = 0; b < bits; b++) {
        uint64_t combo = 0;
        layout_span_solve(&span, (uint32_t)1 << b, &combo);
        g[b] = layout_mul(image, combo);
    }
    return true;
}
