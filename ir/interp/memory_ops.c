/* memory_ops.c -- pointers, loads and stores of tiles.
 *
 * A tile of pointers is cut into runs of neighbours; a contiguous tile is one run, a tile with
 * contiguous rows one run a row. Each run is checked (access.c) and copied as a whole.
 */
#include <string.h>

#include "ir/interp/access.h"

/* ---- pointer arithmetic ------------------------------------------------------------------------
 */

typedef struct AddPtrInfo {
    unsigned shift; /* log2 of the element size */
} AddPtrInfo;

#define ADD_PTR(T)                                                                                 \
    static bool add_##T(Exec *exec, const Inst *inst) {                                            \
        const unsigned shift = ((const AddPtrInfo *)inst->info)->shift;                            \
        const uint64_t *restrict ptr = slot(exec, inst->src[0]);                                   \
        const T *restrict offset = slot(exec, inst->src[1]);                                       \
        uint64_t *restrict out = slot(exec, inst->dst[0]);                                         \
        for (size_t i = 0; i < inst->count; i++) {                                                 \
            uint64_t sum = ptr[i] + ((uint64_t)(int64_t)offset[i] << shift);                       \
            out[i] = (ptr[i] & ~PTR_ADDRESS) | (sum & PTR_ADDRESS);                                \
        }                                                                                          \
        return true;                                                                               \
    }
ADD_PTR(int8_t)
ADD_PTR(int16_t)
ADD_PTR(int32_t)
ADD_PTR(int64_t)
ADD_PTR(uint8_t)
ADD_PTR(uint16_t)
ADD_PTR(uint32_t)
ADD_PTR(uint64_t)

static bool prepare_addptr(Arena *arena, const IrOp *op, Inst *inst) {
    static const ExecFn signed_fns[] = {add_uint8_t, add_int8_t, add_int16_t, add_int32_t,
                                        add_int64_t};
    static const ExecFn unsigned_fns[] = {add_uint8_t, add_uint8_t, add_uint16_t, add_uint32_t,
                                          add_uint64_t};
    AddPtrInfo *info = ARENA_NEW(arena, AddPtrInfo);
    size_t size = ir_elem_size(ir_elem(ir_operand(op, 0)->type)->elem);
    while ((size_t)1 << info->shift < size)
        info->shift++;
    IrTypeKind kind = ir_elem(ir_operand(op, 1)->type)->kind;
    bool is_unsigned = ir_attr_int(op, ATTR_UNSIGNED) != 0;
    inst->exec = is_unsigned ? unsigned_fns[kind] : signed_fns[kind];
    inst->info = info;
    return true;
}

static bool exec_int_to_ptr(Exec *exec, const Inst *inst) {
    const uint64_t *in = slot(exec, inst->src[0]);
    uint64_t *out = slot(exec, inst->dst[0]);
    for (size_t i = 0; i < inst->count; i++)
        out[i] = launch_make_ptr(exec, in[i]);
    return true;
}

/* ---- load and store ----------------------------------------------------------------------------
 */

/* What a thread accesses at once, at the laid level: runs of neighbours along an axis. That one
 * thread holds each run is the verifier's to check. */
typedef struct VectorInfo {
    size_t width;      /* elements */
    size_t len, inner; /* the tile's shape along and inside the axis */
} VectorInfo;

struct MemoryInfo {
    size_t size; /* bytes of an element in memory */
    IrTypeKind kind;
    bool has_mask, has_other, is_volatile;
    const VectorInfo *vectors; /* laid level; NULL: single elements */
};

static void normalise(Exec *exec, IrTypeKind kind, void *data, size_t n) {
    if (kind == TY_I1) { /* any non-zero byte in memory is true */
        uint8_t *bytes = data;
        for (size_t i = 0; i < n; i++)
            bytes[i] = bytes[i] != 0;
    } else if (kind == TY_PTR) { /* memory holds plain addresses */
        uint64_t *ptrs = data;
        for (size_t i = 0; i < n; i++)
            ptrs[i] = launch_make_ptr(exec, ptrs[i]);
    }
}

static bool all_true(const uint8_t *mask, size_t n) {
    uint8_t all = 1;
    for (size_t i = 0; i < n; i++)
        all &= mask[i];
    return all != 0;
}

static void copy_elements(uint8_t *dst, const uint8_t *src, size_t count, size_t size) {
    if (count > 1) {
        memcpy(dst, src, count * size);
        return;
    }
    switch (size) { /* constant sizes become single moves */
    case 1:
        *dst = *src;
        break;
    case 2:
        memcpy(dst, src, 2);
        break;
    case 4:
        memcpy(dst, src, 4);
        break;
    default:
        memcpy(dst, src, 8);
        break;
    }
}

static bool no_vector(Exec *exec, const Inst *inst, size_t lane, const char *why) {
    exec_fault(exec, inst, DIAG_RUN_VECTOR, lane, 1, inst->count);
    exec->fault.text = why;
    return false;
}

/* Checks the run that begins at `first`. */
static bool is_vector(Exec *exec, const Inst *inst, const MemoryInfo *info, size_t first,
                      const uint64_t *ptrs, const uint8_t *mask) {
    const VectorInfo *vectors = info->vectors;
    for (size_t k = 1; k < vectors->width; k++) {
        size_t lane = first + k * vectors->inner;
        if (mask != NULL && mask[lane] != mask[first])
            return no_vector(exec, inst, lane, "the mask differs within one");
        if ((mask == NULL || mask[lane]) && ptrs[lane] != ptrs[first] + k * info->size)
            return no_vector(exec, inst, lane, "neighbours are not neighbours in memory");
    }
    bool active = mask == NULL || mask[first];
    if (active && ptr_address(ptrs[first]) % (vectors->width * info->size) != 0)
        return no_vector(exec, inst, first, "one is not aligned to its size");
    return true;
}

static bool check_vectors(Exec *exec, const Inst *inst, const MemoryInfo *info,
                          const uint64_t *ptrs, const uint8_t *mask) {
    const VectorInfo *vectors = info->vectors;
    if (vectors == NULL)
        return true;
    if (vectors->len % vectors->width != 0)
        return no_vector(exec, inst, 0, "the last one hangs over the edge of the tile");
    for (size_t i = 0; i < inst->count; i++) {
        bool begins = i / vectors->inner % vectors->width == 0;
        if (begins && !is_vector(exec, inst, info, i, ptrs, mask))
            return false;
    }
    return true;
}

bool memory_read(Exec *exec, const Inst *inst, const MemoryInfo *info, const uint64_t *ptrs,
                 const uint8_t *mask, const uint8_t *other, uint8_t *out) {
    size_t n = inst->count, size = info->size;
    access_observe(exec, inst, ACCESS_READ, ptrs, mask, n, size);
    if (mask != NULL && all_true(mask, n))
        mask = NULL;
    if (!check_vectors(exec, inst, info, ptrs, mask))
        return false;
    if (mask != NULL && other != NULL)
        memcpy(out, other, n * size);
    else if (mask != NULL)
        memset(out, 0, n * size);
    Span span = {.size = size, .kind = ACCESS_READ, .reads = true};
    span.untracked = info->is_volatile;
    span.lanes = ptrs;
    span.mask = mask;
    span.num_lanes = n;
    for (size_t at = 0; at < n; at += span.count) {
        span.count = 1;
        if (mask != NULL && !mask[at])
            continue;
        span.count = access_run_length(ptrs, mask, at, n, size);
        span.ptr = ptrs[at];
        span.lane = at;
        const uint8_t *bytes = access_span(exec, inst, &span);
        if (bytes == NULL)
            return false;
        copy_elements(out + at * size, bytes, span.count, size);
        normalise(exec, info->kind, out + at * size, span.count);
    }
    return true;
}

static bool exec_load(Exec *exec, const Inst *inst) {
    const MemoryInfo *info = inst->info;
    const uint8_t *mask = info->has_mask ? slot(exec, inst->src[1]) : NULL;
    const uint8_t *other = info->has_other ? slot(exec, inst->src[2]) : NULL;
    return memory_read(exec, inst, info, slot(exec, inst->src[0]), mask, other,
                       slot(exec, inst->dst[0]));
}

/* What goes to memory for a tile of pointers: addresses without what they may touch. */
static const uint8_t *stripped(Exec *exec, const uint64_t *ptrs, size_t n) {
    uint64_t *plain = (uint64_t *)(void *)exec->scratch;
    for (size_t i = 0; i < n; i++)
        plain[i] = ptr_address(ptrs[i]);
    return exec->scratch;
}

static bool exec_store(Exec *exec, const Inst *inst) {
    const MemoryInfo *info = inst->info;
    const uint64_t *ptrs = slot(exec, inst->src[0]);
    const uint8_t *values = slot(exec, inst->src[1]);
    const uint8_t *mask = info->has_mask ? slot(exec, inst->src[2]) : NULL;
    size_t n = inst->count, size = info->size;
    if (info->kind == TY_PTR)
        values = stripped(exec, (const uint64_t *)(const void *)values, n);
    access_observe(exec, inst, ACCESS_WRITE, ptrs, mask, n, size);
    if (mask != NULL && all_true(mask, n))
        mask = NULL;
    if (!check_vectors(exec, inst, info, ptrs, mask))
        return false;
    Span span = {.size = size, .kind = ACCESS_WRITE};
    span.lanes = ptrs;
    span.mask = mask;
    span.num_lanes = n;
    for (size_t at = 0; at < n; at += span.count) {
        span.count = 1;
        if (mask != NULL && !mask[at])
            continue;
        span.count = access_run_length(ptrs, mask, at, n, size);
        span.ptr = ptrs[at];
        span.lane = at;
        span.values = values + at * size;
        uint8_t *bytes = access_span(exec, inst, &span);
        if (bytes == NULL)
            return false;
        copy_elements(bytes, values + at * size, span.count, size);
        access_written(&span);
    }
    return true;
}

static const VectorInfo *vector_info(Arena *arena, const IrOp *op) {
    const IrType *tile = ir_operand(op, 0)->type;
    int64_t width = ir_attr_int(op, ATTR_VECTOR), axis = ir_attr_int(op, ATTR_ALONG);
    if (width <= 1 || !ir_is_tile(tile))
        return NULL;
    VectorInfo *info = ARENA_NEW(arena, VectorInfo);
    *info = (VectorInfo){.width = (size_t)width, .len = (size_t)tile->shape[axis], .inner = 1};
    for (unsigned d = (unsigned)axis + 1; d < tile->rank; d++)
        info->inner *= (size_t)tile->shape[d];
    return info;
}

const MemoryInfo *memory_info(Arena *arena, const IrOp *op, unsigned mask_operand) {
    MemoryInfo *info = ARENA_NEW(arena, MemoryInfo);
    const IrType *elem = ir_elem(ir_operand(op, 0)->type)->elem;
    info->size = ir_elem_size(elem);
    info->kind = elem->kind;
    info->has_mask = op->num_operands > mask_operand;
    info->has_other = op->code == OP_Load && op->num_operands > 2;
    info->is_volatile = op->code == OP_Load && ir_attr_int(op, ATTR_VOLATILE) != 0;
    info->vectors = vector_info(arena, op);
    return info;
}

bool prepare_memory(Arena *arena, const IrOp *op, Inst *inst, size_t *scratch) {
    switch ((int)op->code) { /* every other op belongs to another file */
    case OP_AddPtr:
        return prepare_addptr(arena, op, inst);
    case OP_IntToPtr:
        inst->exec = exec_int_to_ptr;
        return true;
    case OP_Load:
        inst->exec = exec_load;
        inst->info = memory_info(arena, op, 1);
        return true;
    case OP_Store:
        inst->exec = exec_store;
        inst->info = memory_info(arena, op, 2);
        inst->count = (size_t)ir_numel(ir_operand(op, 0)->type);
        *scratch = inst->count * sizeof(uint64_t);
        return true;
    default:
        return false;
    }
}
