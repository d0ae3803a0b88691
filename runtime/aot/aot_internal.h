/* aot_internal.h -- what the files of aot/ share. */
#ifndef TKC_RUNTIME_AOT_AOT_INTERNAL_H
#define TKC_RUNTIME_AOT_AOT_INTERNAL_H

#include "runtime/aot/aot.h"
#include "runtime/session_internal.h"

/* What a specialisation knows of one of its parameters; items of tuples are parameters here. */
typedef enum AotParamKind {
    AOT_CONSTANT, /* part of the code */
    AOT_NULL,     /* None, where a pointer might be */
    AOT_ONE,      /* the integer 1, where others might be */
    AOT_POINTER,
    AOT_INTEGER, /* bool counts */
    AOT_FLOAT,
    AOT_DESCRIPTOR
} AotParamKind;

typedef struct AotParam {
    const char *name; /* as in the source; an item of a tuple: "shape.0" */
    const char *text; /* as in signatures: "*fp32:16", "512" */
    AotParamKind kind;
    DType dtype; /* POINTER: what it points to */
    bool divisible16;
    unsigned rank;  /* DESCRIPTOR */
    bool is_number; /* CONSTANT: an integer, `number` */
    int64_t number;
} AotParam;
typedef VEC(AotParam) AotParams;

/* The parameters of a specialisation: those of its function, or of a fused kernel. */
AotParams aot_params(PyCtx *py, Arena *arena, const AotSource *source);

typedef struct AotImage {
    const char *target;
    bool binary;
    const char *bytes;
    size_t len;
} AotImage;

typedef struct AotVariant {
    const JitFn *fn;
    const IrKernel *kernel;
    AotParams params;
    VEC(AotImage) images; /* the best first */
    const char *entry;
    int64_t shared_bytes;
} AotVariant;

/* One parameter of a kernel as all its specialisations see it. */
typedef struct AotField {
    const char *name; /* in C; NULL: it is no member of the arguments */
    AotParamKind kind;
    DType dtype;         /* INTEGER: the widest */
    bool may_be_null;    /* POINTER: some specialisation takes none */
    const AotParam *any; /* as one specialisation sees it: for what is the same in all */
} AotField;

/* One kernel of C: NAME.h and NAME.c. */
typedef struct AotKernel {
    const char *name, *upper; /* in C; upper: for macros */
    VEC(AotVariant *) variants;
    AotField *fields; /* one for each parameter, once all variants are in */
    size_t num_fields;
} AotKernel;

struct Aot {
    Session *session;
    AotOptions options;
    VEC(AotKernel *) kernels;
};

/* Makes kernel->fields, and puts the variants that ask for most first. */
void aot_make_fields(Arena *arena, AotKernel *kernel);
/* Are two variants one kernel in C? */
bool aot_fit_together(const AotVariant *a, const AotVariant *b);
/* `text` as a name in C: other characters are spelled out. */
const char *aot_c_name(Arena *arena, const char *text);
/* Puts the condition on which a variant refuses its i-th parameter, as C over `args`, and what it
 * says then, one call of `put` for each. */
typedef void (*AotPutRefusal)(void *data, const char *condition, const char *why);
void aot_refusals(Arena *arena, const AotKernel *kernel, const AotVariant *variant,
                  AotPutRefusal put, void *data);
/* "int32_t" */
const char *aot_c_type(AotParamKind kind, DType dtype);

/* The statements that compute the grid's sizes; NULL: reported. */
const char *aot_grid_code(Aot *aot, const AotKernel *kernel, const char *expression);

/* One word of a template. */
typedef struct AotWord {
    const char *name, *text;
} AotWord;

/* The two files. STATUS_FAILED: reported. */
SessionStatus aot_put_files(Aot *aot, const AotKernel *kernel, Outputs *outputs);

#endif
