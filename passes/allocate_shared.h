/* allocate_shared.h -- how much shared memory a kernel will need. */
#ifndef TKC_PASSES_ALLOCATE_SHARED_H
#define TKC_PASSES_ALLOCATE_SHARED_H

#include "passes/pass.h"

/* The bytes that the pass allocate-shared would give to the kernel as it is. */
int64_t allocate_shared_bytes(PassContext *pc, IrKernel *kernel);

#endif
