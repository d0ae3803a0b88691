/* vec.h -- growable arrays that live in an arena.
 *
 *     VEC(int) v = {0};
 *     vec_push(arena, &v, 42);
 *     for (size_t i = 0; i < v.len; i++) use(v.data[i]);
 *
 * Growing copies to a new arena block (the old one is wasted until the arena dies), so the total
 * waste is at most the final size. Name a vector type with `typedef VEC(T) TVec;` to pass it on.
 */
#ifndef TKC_SUPPORT_VEC_H
#define TKC_SUPPORT_VEC_H

#include "support/arena.h"

#define VEC(T)                                                                                     \
    struct {                                                                                       \
        T *data;                                                                                   \
        size_t len, cap;                                                                           \
    }

/* Makes room for one more element and appends `x` (evaluated after growing). */
#define vec_push(arena, v, x)                                                                      \
    ((v)->data = vec_grow_((arena), (v)->data, (v)->len, &(v)->cap, 1, sizeof *(v)->data),         \
     (v)->data[(v)->len++] = (x))
/* Makes room for `n` more elements. */
#define vec_reserve(arena, v, n)                                                                   \
    ((v)->data = vec_grow_((arena), (v)->data, (v)->len, &(v)->cap, (n), sizeof *(v)->data))
#define vec_pop(v)  ((v)->data[--(v)->len])
#define vec_last(v) ((v)->data[(v)->len - 1])

/* Implementation of the macros above. */
void *vec_grow_(Arena *arena, void *data, size_t len, size_t *cap, size_t extra, size_t size);

#endif
