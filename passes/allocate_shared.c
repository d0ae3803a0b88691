/* allocate_shared.c -- where buffers lie in shared memory.
 *
 * In:     laid IR
 * Out:    every buffer has an offset; the kernel says how many bytes it needs (`shared`). Buffers
 *         that are alive at the same time do not overlap
 * Keeps:  everything else
 * Cost:   O(operations + buffers squared)
 * Why:    how many programs a multiprocessor runs at once depends on it, and there may be more to
 *         store, one after the other, than there is memory
 * Before:
 *     layout #0 = <64; reg i0; lane i1 i2 i3 i4 i5; warp . .>
 *     layout #1 = <64; off i0 i1 i2 i3 i4 i5>
 *     %o = arange 0, 64 : tile<64xi32, #0>
 *     %b = shared_alloc -1 : shared<64xi32, #1>
 *     shared_store %b, %o
 *     return
 * After:
 *     layout #0 = <64; reg i0; lane i1 i2 i3 i4 i5; warp . .>
 *     layout #1 = <64; off i0 i1 i2 i3 i4 i5>
 *     %o = arange 0, 64 : tile<64xi32, #0>
 *     %b = shared_alloc 0 : shared<64xi32, #1>
 *     shared_store %b, %o
 *     return
 * Not:    buffers of up to 1 KiB, as long as they are 8 KiB together, never share a place: one of
 *         their own costs nothing and saves the barrier before the next use of a shared one
 *         (tests/passes/allocate-shared/small.tkir)
 *
 * Algorithm: operations are numbered in the order of the text; a buffer lives from its shared_alloc
 * to its last use, or, if that stands in a deeper loop, to the loop's end; one that is copied into
 * in the background to the async_wait for all behind that. The largest buffer
 * first, each takes the lowest offset at which it meets no buffer that lives at the same time
 * (first fit; interval colouring with weights, as for registers or stack slots).
 */
#include <stdlib.h>

#include "ir/buffers.h"
#include "passes/allocate_shared.h"

enum { SMALL_BUFFER = 1024, SMALL_TOTAL = 8192, MAX_ALIGNMENT = 128, MIN_ALIGNMENT = 16 };

typedef struct Buffer {
    IrOp *alloc;
    int64_t size, alignment, offset;
    uint32_t from, to; /* the numbers of the first and last operation of its life */
    bool everywhere;   /* shares its place with nobody */
} Buffer;

typedef struct Allocator {
    PassContext *pc;
    VEC(Buffer) buffers;
    Map numbers;     /* IrOp * -> the number of the last operation in it, as a pointer */
    uint32_t number; /* of the operation at hand */
    int64_t small;   /* bytes of small buffers so far */
} Allocator;

static int64_t round_up(int64_t value, int64_t to) {
    return (value + to - 1) / to * to;
}

/* A power of two from 16 to 128, and no less than the size below that. */
static int64_t alignment_of(int64_t size) {
    int64_t alignment = MIN_ALIGNMENT;
    while (alignment < MAX_ALIGNMENT && alignment < size)
        alignment *= 2;
    return alignment;
}

/* ---- lives ----------------------------------------------------------------------------------- */

static void number_block(Allocator *a, IrBlock *block) {
    for (IrOp *op = block->first; op; op = op->next) {
        uint32_t own = a->number++;
        if (op->code == OP_SharedAlloc) {
            int64_t size = ir_buffer_total(op);
            Buffer buffer = {.alloc = op, .size = size, .from = own};
            buffer.alignment = alignment_of(size);
            vec_push(a->pc->scratch, &a->buffers, buffer);
        }
        for (unsigned r = 0; r < op->num_regions; r++)
            number_block(a, op->regions[r]);
        uint32_t *last = ARENA_NEW(a->pc->scratch, uint32_t);
        *last = a->number - 1;
        map_setn(&a->numbers, &op, sizeof op, last);
    }
}

/* The operation of `block` that is `op` or holds it. */
static const IrOp *within(const IrBlock *block, const IrOp *op) {
    while (op->block != block)
        op = op->block->parent;
    return op;
}

static void extend(const Allocator *a, Buffer *buffer, const IrOp *op) {
    const uint32_t *last = map_getn(&a->numbers, &op, sizeof op);
    buffer->to = *last > buffer->to ? *last : buffer->to;
}

/* The buffer lives while `value`, it or one of its stages, is used. */
static void add_uses(const Allocator *a, Buffer *buffer, const IrValue *value) {
    for (const IrUse *use = value->uses; use; use = use->next) {
        const IrOp *op = within(buffer->alloc->block, use->user);
        extend(a, buffer, op);
        while (op && use->user->code == OP_AsyncCopy &&
               (op->code != OP_AsyncWait || ir_attr_int(op, ATTR_PENDING) > 0))
            op = op->next;
        if (op)
            extend(a, buffer, op);
        if (use->user->code == OP_SharedSlot)
            add_uses(a, buffer, &use->user->results[0]);
    }
}

static void find_lives(Allocator *a) {
    for (size_t i = 0; i < a->buffers.len; i++) {
        Buffer *buffer = &a->buffers.data[i];
        buffer->to = buffer->from;
        add_uses(a, buffer, &buffer->alloc->results[0]);
        if (buffer->size <= SMALL_BUFFER && a->small + buffer->size <= SMALL_TOTAL) {
            buffer->everywhere = true;
            a->small += round_up(buffer->size, buffer->alignment);
        }
    }
}

/* ---- places ---------------------------------------------------------------------------------- */

static int by_size(const void *left, const void *right) {
    const Buffer *a = *(Buffer *const *)left, *b = *(Buffer *const *)right;
    if (a->size != b->size)
        return a->size > b->size ? -1 : 1;
    return a->from < b->from ? -1 : a->from > b->from;
}

static bool live_together(const Buffer *a, const Buffer *b) {
    return a->everywhere || b->everywhere || (a->from <= b->to && b->from <= a->to);
}

/* The lowest offset at which `buffer` meets none of the first `count` of `placed`. */
static int64_t first_fit(Buffer *const *placed, size_t count, const Buffer *buffer) {
    int64_t offset = 0;
    for (size_t i = 0; i < count; i++) {
        const Buffer *other = placed[i];
        if (!live_together(other, buffer) || other->offset + other->size <= offset ||
            offset + buffer->size <= other->offset)
            continue;
        offset = round_up(other->offset + other->size, buffer->alignment);
        i = (size_t)-1; /* look at all again from there */
    }
    return offset;
}

static int64_t place(Allocator *a) {
    Buffer **order = ARENA_ARRAY(a->pc->scratch, Buffer *, a->buffers.len + 1);
    for (size_t i = 0; i < a->buffers.len; i++)
        order[i] = &a->buffers.data[i];
    qsort(order, a->buffers.len, sizeof *order, by_size);
    int64_t total = 0;
    for (size_t i = 0; i < a->buffers.len; i++) {
        order[i]->offset = first_fit(order, i, order[i]);
        int64_t end = order[i]->offset + order[i]->size;
        total = end > total ? end : total;
    }
    return round_up(total, MIN_ALIGNMENT);
}

/* Returns the bytes of all buffers. */
static int64_t allocate(Allocator *a, PassContext *pc, IrKernel *kernel) {
    *a = (Allocator){.pc = pc};
    map_init_str(&a->numbers, pc->scratch);
    number_block(a, kernel->body);
    find_lives(a);
    return place(a);
}

int64_t allocate_shared_bytes(PassContext *pc, IrKernel *kernel) {
    Allocator a;
    return allocate(&a, pc, kernel);
}

bool pass_allocate_shared(PassContext *pc, IrKernel *kernel) {
    Allocator a;
    int64_t bytes = allocate(&a, pc, kernel);
    if (a.buffers.len == 0)
        return false;
    kernel->shared_bytes = bytes;
    for (size_t i = 0; i < a.buffers.len; i++)
        ir_set_int(a.buffers.data[i].alloc, ATTR_OFFSET, a.buffers.data[i].offset);
    pass_count(pc, STAT_BUFFERS, a.buffers.len);
    pass_count(pc, STAT_SHARED_BYTES, (uint64_t)kernel->shared_bytes);
    return true;
}
