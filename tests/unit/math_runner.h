/* math_runner.h -- computes a function of tile IR for many arguments, expanded for GPUs or not. */
#ifndef TKC_TESTS_MATH_RUNNER_H
#define TKC_TESTS_MATH_RUNNER_H

#include "ir/interp/interp.h"

typedef struct MathRunner {
    OomHandler oom;
    Arena *arena;
    SourceSet *sources;
    Diags *diags;
} MathRunner;

/* Ends the process with a message if memory runs out. */
void math_runner_open(MathRunner *r);
void math_runner_close(MathRunner *r);

/* One function: a libcall ("sin:f") or an operation of tile IR (is_op: "sin"). */
typedef struct MathFunction {
    const char *name;
    bool is_op;
    const char *letters; /* of arguments and result, as in libdevice.def: "ff:f" */
} MathFunction;

#define MATH_TILE     1024
#define MATH_MAX_ARGS 4

size_t math_letter_size(char letter);
/* out[i] = f(args[0][i], ...) for `count` elements, a multiple of MATH_TILE. `pipeline`: passes to
 * run first, or NULL. False, with a message on stderr, if that failed; `num_ops` (may be NULL): the
 * operations on tiles that are left. */
bool math_run(MathRunner *r, const MathFunction *f, const char *pipeline, size_t count,
              const void *const args[MATH_MAX_ARGS], void *out, unsigned *num_ops);

#endif
