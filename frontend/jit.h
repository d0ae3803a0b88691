/* jit.h -- @triton.jit functions as values: what the specialiser compiles and the host launches. */
#ifndef TKC_FRONTEND_JIT_H
#define TKC_FRONTEND_JIT_H

#include "frontend/value.h"

typedef struct JitFn {
    PyObject base;
    Sym name;
    const FunctionDef *def;
    const Stmt *stmt;
    const SrcFile *file;
    PyEnv *env; /* where its free names are looked up: enclosing functions, module, builtins */
    PyValue *defaults; /* one per parameter (positional ones, then keyword-only); PY_FAIL: none */
    size_t num_params;
    bool *no_specialize;           /* per parameter: do_not_specialize */
    bool *no_specialize_alignment; /* per parameter: do_not_specialize_on_alignment */
    bool noinline, debug;
    bool is_stdlib; /* library source in frontend/stdlib/ */
    void *host; /* runtime's cache of compiled variants; owned by runtime, freed by jit_host_free */
    void (*host_free)(PyCtx *py, void *host);
} JitFn;

extern const PyType py_jit_type;
/* A jit function from its definition; evaluates nothing (defaults are given, borrowed). */
PyValue jit_create(PyCtx *py, const Stmt *def, const SrcFile *file, PyEnv *env,
                   const PyValue *defaults, size_t num_params);
JitFn *jit_from_value(PyValue v); /* NULL if it is none */
/* The i-th parameter of a definition: positional-only, ordinary, then keyword-only ones. */
const Arg *jit_param(const FunctionDef *def, size_t index);
size_t jit_param_count(const FunctionDef *def);

#endif
