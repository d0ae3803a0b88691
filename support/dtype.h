/* dtype.h -- element types with signedness, as the language sees them (the IR is signless). */
#ifndef TKC_SUPPORT_DTYPE_H
#define TKC_SUPPORT_DTYPE_H

#include <stdbool.h>
#include <stddef.h>

typedef enum DTypeKind { KIND_BOOL, KIND_INT, KIND_UINT, KIND_FLOAT } DTypeKind;

typedef enum DType {
#define DTYPE(name, tl, short_, torch, bits, kind) DT_##name,
#include "support/dtypes.def"
#undef DTYPE
    DT_COUNT
} DType;

typedef struct DTypeInfo {
    const char *tl_name;    /* "float32" */
    const char *short_name; /* "fp32" */
    const char *torch_name; /* "float32"; NULL if torch has none */
    unsigned bits;          /* in memory: bool takes 8 */
    DTypeKind kind;
} DTypeInfo;
extern const DTypeInfo dtype_infos[DT_COUNT];

static inline size_t dtype_size(DType t) {
    return dtype_infos[t].bits / 8;
}
static inline bool dtype_is_float(DType t) {
    return dtype_infos[t].kind == KIND_FLOAT;
}
static inline bool dtype_is_int(DType t) { /* bool counts */
    return dtype_infos[t].kind != KIND_FLOAT;
}
static inline bool dtype_is_signed(DType t) { /* signed integers only */
    return dtype_infos[t].kind == KIND_INT;
}
static inline bool dtype_is_fp8(DType t) {
    return t == DT_F8E4M3 || t == DT_F8E5M2;
}
/* By any of the three names; DT_COUNT if unknown. */
DType dtype_from_name(const char *name);

#endif
