/* dtype.c -- the table of element types, made from dtypes.def.
 *
 *     dtype_from_name("fp16") == dtype_from_name("float16") == DT_F16
 */
#include "support/dtype.h"

#include "support/str.h"

const DTypeInfo dtype_infos[DT_COUNT] = {
#define DTYPE(name, tl, short_, torch, bits, kind) [DT_##name] = {tl, short_, torch, bits, kind},
#include "support/dtypes.def"
#undef DTYPE
};

DType dtype_from_name(const char *name) {
    for (unsigned t = 0; t < DT_COUNT; t++) {
        const DTypeInfo *info = &dtype_infos[t];
        if (str_eq(name, info->tl_name) || str_eq(name, info->short_name) ||
            (info->torch_name != NULL && str_eq(name, info->torch_name))) {
            return (DType)t;
        }
    }
    return DT_COUNT;
}
