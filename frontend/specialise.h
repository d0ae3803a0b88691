/* specialise.h -- from a jit function and one launch's signature to tile IR.
 *
 * One walk over the syntax tree of the kernel: constexprs are folded with Python's rules, only the
 * taken branch of a constexpr `if` is visited, calls are inlined, control flow becomes SSA regions.
 * Semantics: docs/language.md.
 */
#ifndef TKC_FRONTEND_SPECIALISE_H
#define TKC_FRONTEND_SPECIALISE_H

#include "frontend/jit.h"
#include "ir/ir.h"

typedef enum SpecParamKind {
    SPEC_CONSTEXPR, /* value */
    SPEC_SCALAR,    /* dtype */
    SPEC_POINTER,   /* dtype: what it points to */
    SPEC_DESC,      /* dtype, rank, block_shape */
    SPEC_TUPLE      /* items */
} SpecParamKind;

typedef struct SpecParam {
    SpecParamKind kind;
    DType dtype;
    bool divisible16; /* SCALAR: the value; POINTER: the address; a fact the compiler may use */
    bool is_const;    /* POINTER: "*k.." */
    PyValue value;    /* CONSTEXPR: borrowed, must outlive the call */
    unsigned rank;
    int64_t block_shape[IR_MAX_RANK];
    struct SpecParam *items;
    size_t num_items;
} SpecParam;

typedef struct SpecOptions {
    int num_warps, num_stages, num_ctas, maxnreg;
    bool fp_fusion, debug, sanitize_overflow;
    int capability;  /* 90: what tl.target_info says */
    FILE *print_out; /* where static_print goes */
} SpecOptions;
#define SPEC_OPTIONS_DEFAULT                                                                       \
    ((SpecOptions){                                                                                \
        .num_warps = 4, .num_stages = 3, .num_ctas = 1, .fp_fusion = true, .capability = 90})

/* Compiles one specialisation. `params` has one entry per parameter of the function. The kernel's
 * IR parameters are the non-constexpr entries in order, tuples flattened. Reports every error it
 * can to py->diags and returns NULL if there was one. The result is verified IR. */
IrModule *specialise(PyCtx *py, IrContext *ctx, Arena *arena, const JitFn *fn,
                     const SpecParam *params, const SpecOptions *options);

/* "*fp32:16, i32, 1024": the text that identifies a specialisation (Triton's AOT spelling). */
void spec_signature_text(PyCtx *py, const SpecParam *params, size_t count, StrBuf *out);
/* Parses Triton's AOT spelling for `fn`; constants become constexprs. Reports mistakes with the
 * parameter they belong to; NULL then. The array has fn->num_params entries. */
SpecParam *spec_parse_signature(PyCtx *py, Arena *arena, const JitFn *fn, const char *text);
/* A signature for `tkc check`: from annotations, defaults, and how the parameters are used (a
 * parameter that is loaded from or stored through is a pointer, one in arange/shape a constexpr).
 * NULL (nothing reported) if it cannot tell. */
SpecParam *spec_infer_signature(PyCtx *py, Arena *arena, const JitFn *fn);

/* The modules `triton.language`, its `math`, `extra`, `target_info` parts (attributes are dtypes,
 * builtin functions, library functions); a new reference, the same object each time. */
PyValue spec_language_module(PyCtx *py);

#endif
