/* layout_span.h -- linear algebra over GF(2) on columns of bits.
 *
 * A vector is a uint32_t; a linear map is an array of columns, the images of its input bits. The
 * echelon basis remembers how each of its rows was made from the vectors inserted, and that makes
 * nearly every operation on layouts a few lines (docs/layouts.md).
 */
#ifndef TKC_IR_LAYOUT_SPAN_H
#define TKC_IR_LAYOUT_SPAN_H

#include <stdbool.h>
#include <stdint.h>

#define LAYOUT_SPAN_MAX 64 /* vectors that may be inserted into one span */

/* The span of the vectors inserted so far. Sets of inserted vectors are masks: bit i is the i-th
 * vector inserted, counting from 0, dependent ones included. */
typedef struct LayoutSpan {
    uint32_t pivots;    /* bit t: row[t] exists; its highest set bit is t */
    uint32_t row[32];   /* the echelon basis; entries outside `pivots` are undefined */
    uint64_t combo[32]; /* the set of inserted vectors whose XOR is row[t] */
    unsigned count;     /* vectors inserted */
    unsigned rank;      /* bits set in `pivots` */
    unsigned nullity;   /* count - rank */
    /* A basis of the kernel of the map with the inserted vectors as columns. The highest bit of
     * each entry is a vector that depended on those before it; these bits are all different. */
    uint64_t kernel[LAYOUT_SPAN_MAX];
} LayoutSpan;

void layout_span_init(LayoutSpan *span);
/* Inserts a vector; true if it was independent of those before. At most LAYOUT_SPAN_MAX calls. */
bool layout_span_insert(LayoutSpan *span, uint32_t vector);
/* Inserts each of `count` vectors. */
void layout_span_insert_all(LayoutSpan *span, const uint32_t *vectors, unsigned count);
/* What remains of `vector` after the rows that apply are XORed out: 0 iff it lies in the span.
 * Stores the set of inserted vectors XORed out in *combo unless it is NULL. */
uint32_t layout_span_reduce(const LayoutSpan *span, uint32_t vector, uint64_t *combo);
/* The set of inserted vectors whose XOR is `vector`; false if there is none. If the first k
 * inserted vectors suffice, only those are used: the order of insertion is an order of preference.
 */
bool layout_span_solve(const LayoutSpan *span, uint32_t vector, uint64_t *combo);
bool layout_span_has(const LayoutSpan *span, uint32_t vector);

/* The XOR of the columns of the bits set in `x`. */
uint32_t layout_mul(const uint32_t *columns, uint64_t x);
unsigned layout_rank(const uint32_t *columns, unsigned count);

/* A list of vectors on the stack. */
typedef struct LayoutVectors {
    unsigned count;
    uint32_t at[LAYOUT_SPAN_MAX];
} LayoutVectors;

void layout_vectors_add(LayoutVectors *list, uint32_t vector);
void layout_vectors_append(LayoutVectors *list, const uint32_t *vectors, unsigned count);

/* extend: appends to `out` those of `candidates`, in order, that raise the rank of `base` and of
 * the ones taken before. `out` may be `base`'s list only if it is not `candidates` too. */
void layout_extend(const LayoutVectors *base, const LayoutVectors *candidates, LayoutVectors *out);
/* intersect: a basis of span(a) & span(b). Unit vectors common to both come out as themselves. */
LayoutVectors layout_intersect(const LayoutVectors *a, const LayoutVectors *b);
/* avoid: `count` independent vectors of span(within) whose span meets span(u) and span(v) only in
 * 0; u and v lie in span(within). False if there are none, which is so exactly if count > dim
 * span(within) - max(dim span(u), dim span(v)). */
bool layout_avoid(const LayoutVectors *u, const LayoutVectors *v, const LayoutVectors *within,
                  unsigned count, LayoutVectors *out);
/* left_quotient: g with g(m(x)) = n(x) for all x, zero on a complement of the image of m; m and n
 * have `count` columns, and g gets `bits` columns, one for each bit of m's results. False if there
 * is none: m is 0 somewhere where n is not. */
bool layout_left_quotient(const uint32_t *n, const uint32_t *m, unsigned count, unsigned bits,
                          uint32_t *g);

#endif
