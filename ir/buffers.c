/* buffers.c -- buffers in shared memory: their stages, and copies into them in the background.
 *
 * Hardware copies 4, 8 or 16 bytes at once. So many elements must be neighbours three times: along
 * an axis in global memory (the access's `vector`), in registers of the layout that says which
 * thread copies what, and in the buffer. Example: rows of 64 f16 of which each thread copies eight,
 * into a row-major buffer: 16 bytes; into a column-major one: 2, which hardware cannot.
 */
#include "ir/buffers.h"

#include "ir/layout_convert.h"

enum { STAGE_ALIGNMENT = 16 };

IrOp *ir_buffer_alloc(const IrValue *buffer) {
    IrOp *op = buffer->def;
    if (op && op->code == OP_SharedSlot)
        op = ir_operand(op, 0)->def;
    return op && op->code == OP_SharedAlloc ? op : NULL;
}

int64_t ir_buffer_bytes(const IrType *type) {
    return (int64_t)ir_elem_size(type) << layout_bits(type->layout);
}

int64_t ir_buffer_stride(const IrType *type) {
    int64_t bytes = ir_buffer_bytes(type); /* a power of two */
    return bytes < STAGE_ALIGNMENT ? STAGE_ALIGNMENT : bytes;
}

int64_t ir_buffer_total(const IrOp *alloc) {
    const IrType *type = alloc->results[0].type;
    int64_t stages = ir_attr_int(alloc, ATTR_STAGES);
    return (stages - 1) * ir_buffer_stride(type) + ir_buffer_bytes(type);
}

/* log2 of the elements along an axis that are neighbours in global memory, come in whole groups
 * within the true extent, and fit one copy. */
static unsigned global_bits(const IrType *ptrs, int64_t vector, unsigned along) {
    int64_t size = (int64_t)ir_elem_size(ptrs->elem->elem);
    unsigned bits = 0;
    while ((INT64_C(2) << bits) <= vector && ptrs->shape[along] % (INT64_C(2) << bits) == 0 &&
           (size << (bits + 1)) <= ASYNC_MAX_BYTES)
        bits++;
    return bits;
}

bool ir_async_vector(const IrType *ptrs, const IrType *buffer, int64_t vector, unsigned along,
                     AsyncVector *out) {
    unsigned size = (unsigned)ir_elem_size(buffer);
    unsigned bits = global_bits(ptrs, vector, along);
    unsigned held = layout_axis_run_bits(ptrs->layout, along);
    bits = held < bits ? held : bits;
    LayoutVector run = layout_vector(ptrs->layout, along, bits);
    SharedSide side = layout_shared_side(ptrs->layout, buffer->layout, size, false);
    unsigned same = 0;
    while (same < bits && same < side.vector.bits && side.vector.reg_bit[same] == run.reg_bit[same])
        same++;
    *out = (AsyncVector){.bits = same, .bytes = size << same};
    out->vector = layout_vector(ptrs->layout, along, same);
    return out->bytes >= ASYNC_MIN_BYTES;
}
