/* buffers.h -- buffers in shared memory: their stages, and copies into them in the background.
 *
 *     %buf = shared_alloc -1, stages = 3 : shared<64x32xf16, #1>
 *     %slot = shared_slot %buf, %i : shared<64x32xf16, #1>
 *     async_copy %ptrs, %slot, %more, %mask, vector = 8, along = 1
 */
#ifndef TKC_IR_BUFFERS_H
#define TKC_IR_BUFFERS_H

#include "ir/ir.h"
#include "ir/layout_access.h"

/* The shared_alloc that `buffer` is, or is a stage of; NULL: neither. */
IrOp *ir_buffer_alloc(const IrValue *buffer);
/* Bytes of one stage of a buffer of that type. */
int64_t ir_buffer_bytes(const IrType *type);
/* Bytes between two stages: as ir_buffer_bytes(), and a multiple of what the largest access wants.
 */
int64_t ir_buffer_stride(const IrType *type);
/* Bytes of all stages of a shared_alloc. */
int64_t ir_buffer_total(const IrOp *alloc);

enum { BUFFER_MAX_STAGES = 16 }; /* that a pass makes, whatever a program asks for */
enum { ASYNC_MIN_BYTES = 4, ASYNC_MAX_BYTES = 16 };

/* The registers that one asynchronous copy moves: neighbours in a thread, in global memory and in
 * the buffer. `bits`: as for LayoutVector. */
typedef struct AsyncVector {
    unsigned bits, bytes;
    LayoutVector vector;
} AsyncVector;

/* The widest copies from a tile of pointers to a buffer whose elements are known to be neighbours
 * in memory `vector` by `vector` along an axis. False if they are narrower than ASYNC_MIN_BYTES. */
bool ir_async_vector(const IrType *ptrs, const IrType *buffer, int64_t vector, unsigned along,
                     AsyncVector *out);

#endif
