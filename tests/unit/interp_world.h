/* interp_world.h -- what the tests of the interpreter share: kernels from text, tensors, launches.
 */
#ifndef TKC_TESTS_INTERP_WORLD_H
#define TKC_TESTS_INTERP_WORLD_H

#include "ir/interp/interp.h"

typedef struct World {
    OomHandler oom;
    Arena *arena;
    SourceSet *sources;
    Diags *diags;
    MemSpace *space;
    ThreadPool *pool;
    InterpOptions options; /* checks on, one thread */
} World;

void world_open(World *w);
void world_close(World *w);
/* One, two ... threads for the launches that follow. */
void world_threads(World *w, unsigned threads);

/* A kernel from tile IR text; fails the test if it is not valid. */
const IrKernel *world_kernel(World *w, const char *text);

/* A contiguous tensor of `count` elements; `data` NULL: unwritten. */
InterpArg world_tensor(World *w, DType type, int64_t count, const void *data);
/* The same memory seen through a shape of two dimensions and strides, from element `offset`. */
InterpArg world_view(InterpArg base, int64_t offset, int64_t rows, int64_t cols, int64_t row_stride,
                     int64_t col_stride);
InterpArg world_scalar(uint64_t bits);
void *world_data(InterpArg tensor);

InterpStatus world_launch(World *w, const char *text, int64_t programs, const InterpArg *args,
                          unsigned num_args);
#define LAUNCH(w, text, programs, ...)                                                             \
    world_launch(w, text, programs, (InterpArg[]){__VA_ARGS__},                                    \
                 sizeof((InterpArg[]){__VA_ARGS__}) / sizeof(InterpArg))

/* All diagnostics as text, as a user would see them; and forgets them. */
const char *world_messages(World *w);
/* The same, then closes the world; the text lives until the next call. */
const char *world_last_messages(World *w);

#endif
