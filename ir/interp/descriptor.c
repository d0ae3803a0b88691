/* descriptor.c -- tensor descriptors: blocks of a tensor by coordinates.
 *
 * Every operation comes down to rows of a block: the leading coordinates are inside the shape or
 * the whole row is outside; the last coordinate is clipped. What is outside reads as the padding
 * and is not stored. A row is neighbours in memory, since the last stride is 1.
 */
#include <string.h>

#include "ir/interp/access.h"
#include "ir/interp/atomic.h"
#include "ir/interp/order.h"

typedef struct DescInfo {
    size_t size;       /* bytes of an element */
    uint64_t nan_bits; /* of the element type */
    unsigned rank;
    int64_t block[MEM_MAX_RANK];
    CombineFn combine; /* desc_reduce */
    size_t row_size;   /* gather, scatter: bytes of a row number */
} DescInfo;

/* What happens to the elements of a row. */
typedef enum RowAction { ROW_LOAD, ROW_STORE, ROW_REDUCE } RowAction;

typedef struct RowJob {
    Exec *exec;
    const Inst *inst;
    const DescInfo *info;
    const DescValue *desc;
    RowAction action;
    uint8_t *tile; /* all of the block's elements in row-major order */
    /* Not NULL: rows are only noted here, for the launch's observer. */
    uint64_t *ptrs;
    uint8_t *inside;
} RowJob;

const char *descriptor_rule_broken(const DescValue *desc, size_t size) {
    if (ptr_address(desc->base) % 16 != 0)
        return "the base address is no multiple of 16 bytes";
    if (desc->rank > 0 && desc->strides[desc->rank - 1] != 1)
        return "the last stride is not 1";
    for (unsigned d = 0; d + 1 < desc->rank; d++)
        if (desc->strides[d] * (int64_t)size % 16 != 0)
            return "a stride is no multiple of 16 bytes";
    for (unsigned d = 0; d < desc->rank; d++)
        if (desc->shape[d] < 0)
            return "a dimension of the shape is negative";
    return NULL;
}

static int64_t read_scalar(const Exec *exec, SlotRef ref, size_t size) {
    int32_t narrow;
    int64_t wide;
    if (size == 8) {
        memcpy(&wide, slot(exec, ref), sizeof wide);
        return wide;
    }
    memcpy(&narrow, slot(exec, ref), sizeof narrow);
    return narrow;
}

/* ---- make_desc
 * ---------------------------------------------------------------------------------------- */

static bool exec_make_desc(Exec *exec, const Inst *inst) {
    const IrType *type = ir_result(inst->op, 0)->type;
    DescValue desc = {.rank = type->rank};
    memcpy(&desc.base, slot(exec, inst->src[0]), sizeof desc.base);
    for (unsigned d = 0; d < desc.rank; d++) {
        const IrValue *shape = ir_operand(inst->op, 1 + d);
        desc.shape[d] = read_scalar(exec, inst->src[1 + d], ir_elem_size(shape->type));
        unsigned at = 1 + desc.rank + d;
        const IrValue *stride = at < inst->op->num_operands ? ir_operand(inst->op, at) : NULL;
        desc.strides[d] =
            stride != NULL ? read_scalar(exec, inst->src[at], ir_elem_size(stride->type)) : 1;
    }
    desc.pad_nan = ir_attr_int(inst->op, ATTR_PADDING) == PAD_NAN;
    const char *why = descriptor_rule_broken(&desc, ir_elem_size(type->elem));
    if (why != NULL && exec->launch->options->checks) {
        exec_fault(exec, inst, DIAG_RUN_DESCRIPTOR, 0, 1, 1);
        exec->fault.text = why;
        return false;
    }
    memcpy(slot(exec, inst->dst[0]), &desc, sizeof desc);
    return true;
}

/* ---- desc_size, desc_stride
 * --------------------------------------------------------------------------- */

static bool exec_desc_size(Exec *exec, const Inst *inst) {
    const DescValue *desc = slot(exec, inst->src[0]);
    int32_t size = (int32_t)desc->shape[ir_attr_int(inst->op, ATTR_AXIS)];
    memcpy(slot(exec, inst->dst[0]), &size, sizeof size);
    return true;
}

static bool exec_desc_stride(Exec *exec, const Inst *inst) {
    const DescValue *desc = slot(exec, inst->src[0]);
    memcpy(slot(exec, inst->dst[0]), &desc->strides[ir_attr_int(inst->op, ATTR_AXIS)],
           sizeof desc->strides[0]);
    return true;
}

/* ---- rows
 * --------------------------------------------------------------------------------------------- */

static void pad(const RowJob *job, uint8_t *out, size_t count) {
    uint64_t bits = job->desc->pad_nan ? job->info->nan_bits : 0;
    for (size_t i = 0; i < count; i++)
        memcpy(out + i * job->info->size, &bits, job->info->size);
}

static bool reduce_row(const RowJob *job, uint8_t *bytes, const uint8_t *values, size_t count) {
    size_t size = job->info->size;
    for (size_t i = 0; i < count; i++) {
        uint64_t old = 0, value = 0;
        memcpy(&old, bytes + i * size, size);
        memcpy(&value, values + i * size, size);
        value = job->info->combine(old, value);
        memcpy(bytes + i * size, &value, size);
    }
    return true;
}

static AccessKind kind_of(RowAction action) {
    return action == ROW_LOAD ? ACCESS_READ : action == ROW_STORE ? ACCESS_WRITE : ACCESS_ATOMIC;
}

/* Where the elements of a row lie, and which of them inside the shape. */
static void note_row(const RowJob *job, const int64_t *index, size_t lane, size_t count) {
    const DescValue *desc = job->desc;
    unsigned last = desc->rank - 1;
    int64_t element = index[last];
    bool outside = false;
    for (unsigned d = 0; d < last; d++) {
        outside |= index[d] < 0 || index[d] >= desc->shape[d];
        element += index[d] * desc->strides[d];
    }
    for (size_t i = 0; i < count; i++) {
        int64_t at = index[last] + (int64_t)i;
        uint64_t offset = (uint64_t)(element + (int64_t)i) * job->info->size;
        job->ptrs[lane + i] = ptr_make(ptr_address(desc->base) + offset, ptr_tag(desc->base));
        job->inside[lane + i] = !outside && at >= 0 && at < desc->shape[last];
    }
}

/* `count` elements of the tile from `lane` on are those at `index` (all coordinates; the last one
 * is where the row begins). */
static bool do_row(const RowJob *job, const int64_t *index, size_t lane, size_t count) {
    if (job->ptrs != NULL) {
        note_row(job, index, lane, count);
        return true;
    }
    const DescValue *desc = job->desc;
    unsigned last = desc->rank - 1;
    size_t size = job->info->size;
    uint8_t *row = job->tile + lane * size;
    int64_t lo = index[last] < 0 ? -index[last] : 0;
    int64_t hi = desc->shape[last] - index[last];
    hi = hi > (int64_t)count ? (int64_t)count : hi;
    bool outside = lo >= hi;
    uint64_t element = (uint64_t)(index[last] + lo);
    for (unsigned d = 0; d < last; d++) {
        outside |= index[d] < 0 || index[d] >= desc->shape[d];
        element += (uint64_t)index[d] * (uint64_t)desc->strides[d];
    }
    if (outside)
        lo = hi = (int64_t)count;
    if (job->action == ROW_LOAD) {
        pad(job, row, (size_t)lo);
        pad(job, row + (size_t)hi * size, count - (size_t)hi);
    }
    if (lo == hi)
        return true;
    Span span = {.count = (size_t)(hi - lo), .size = size, .lane = lane + (size_t)lo};
    span.ptr = ptr_make(ptr_address(desc->base) + element * size, ptr_tag(desc->base));
    span.kind = kind_of(job->action);
    span.reads = job->action != ROW_STORE;
    span.values = row + (size_t)lo * size;
    uint8_t *bytes = access_span(job->exec, job->inst, &span);
    if (bytes == NULL)
        return false;
    if (job->action == ROW_LOAD) {
        memcpy(row + (size_t)lo * size, bytes, span.count * size);
        return true;
    }
    if (job->action == ROW_STORE)
        memcpy(bytes, span.values, span.count * size);
    else
        reduce_row(job, bytes, span.values, span.count);
    access_written(&span);
    return true;
}

static bool do_block(const RowJob *job, const int64_t *origin) {
    const DescInfo *info = job->info;
    unsigned last = info->rank - 1;
    size_t count = (size_t)info->block[last], lane = 0;
    int64_t at[MEM_MAX_RANK] = {0}, index[MEM_MAX_RANK];
    for (;;) {
        for (unsigned d = 0; d <= last; d++)
            index[d] = origin[d] + at[d];
        if (!do_row(job, index, lane, count))
            return false;
        lane += count;
        unsigned d = last;
        for (; d > 0; d--) {
            if (++at[d - 1] < info->block[d - 1])
                break;
            at[d - 1] = 0;
        }
        if (d == 0)
            return true;
    }
}

/* ---- the operations
 * ------------------------------------------------------------------------------------ */

static RowJob job_for(Exec *exec, const Inst *inst, RowAction action, SlotRef tile) {
    RowJob job = {.exec = exec, .inst = inst, .info = inst->info, .action = action};
    job.desc = slot(exec, inst->src[0]);
    job.tile = slot(exec, tile);
    return job;
}

/* From here to end_notes() rows are noted, not carried out. */
static void begin_notes(RowJob *job) {
    job->ptrs = ARENA_ARRAY(job->exec->arena, uint64_t, job->inst->count);
    job->inside = ARENA_ARRAY(job->exec->arena, uint8_t, job->inst->count);
}

static void end_notes(RowJob *job) {
    access_observe(job->exec, job->inst, kind_of(job->action), job->ptrs, job->inside,
                   job->inst->count, job->info->size);
    job->ptrs = NULL;
}

static bool exec_block(Exec *exec, const Inst *inst, RowAction action, SlotRef tile,
                       unsigned first_offset) {
    RowJob job = job_for(exec, inst, action, tile);
    int64_t origin[MEM_MAX_RANK] = {0};
    for (unsigned d = 0; d < job.info->rank; d++) {
        size_t size = ir_elem_size(ir_operand(inst->op, first_offset + d)->type);
        origin[d] = read_scalar(exec, inst->src[first_offset + d], size);
    }
    if (access_is_observed(exec)) {
        ArenaMark mark = arena_mark(exec->arena);
        begin_notes(&job);
        do_block(&job, origin);
        end_notes(&job);
        arena_reset(exec->arena, mark);
    }
    return do_block(&job, origin);
}

static bool exec_desc_load(Exec *exec, const Inst *inst) {
    return exec_block(exec, inst, ROW_LOAD, inst->dst[0], 1);
}
static bool exec_desc_store(Exec *exec, const Inst *inst) {
    return exec_block(exec, inst, ROW_STORE, inst->src[1], 2);
}
static bool exec_desc_reduce(Exec *exec, const Inst *inst) {
    return exec_block(exec, inst, ROW_REDUCE, inst->src[1], 2);
}

/* Rows by number: `rows` and the operand behind it, the column, are operand numbers. */
static bool do_rows(const RowJob *job, unsigned rows) {
    Exec *exec = job->exec;
    const Inst *inst = job->inst;
    const IrType *numbers = ir_operand(inst->op, rows)->type;
    size_t n = (size_t)ir_numel(numbers), width = inst->count / (n > 0 ? n : 1);
    const uint8_t *items = slot(exec, inst->src[rows]);
    size_t column_size = ir_elem_size(ir_operand(inst->op, rows + 1)->type);
    int64_t index[MEM_MAX_RANK] = {0};
    index[1] = read_scalar(exec, inst->src[rows + 1], column_size);
    for (size_t i = 0; i < n; i++) {
        int32_t narrow = 0;
        if (job->info->row_size == 8) {
            memcpy(&index[0], items + i * 8, 8);
        } else {
            memcpy(&narrow, items + i * 4, 4);
            index[0] = narrow;
        }
        if (!do_row(job, index, i * width, width))
            return false;
    }
    return true;
}

static bool exec_rows(Exec *exec, const Inst *inst, RowAction action, SlotRef tile, unsigned rows) {
    RowJob job = job_for(exec, inst, action, tile);
    if (access_is_observed(exec)) {
        ArenaMark mark = arena_mark(exec->arena);
        begin_notes(&job);
        do_rows(&job, rows);
        end_notes(&job);
        arena_reset(exec->arena, mark);
    }
    return do_rows(&job, rows);
}

static bool exec_desc_gather(Exec *exec, const Inst *inst) {
    return exec_rows(exec, inst, ROW_LOAD, inst->dst[0], 1);
}
static bool exec_desc_scatter(Exec *exec, const Inst *inst) {
    return exec_rows(exec, inst, ROW_STORE, inst->src[1], 2);
}

/* ---- choice
 * -------------------------------------------------------------------------------------------- */

static uint64_t nan_of(IrTypeKind kind) {
    switch ((int)kind) { /* float kinds; integers have no NaN */
    case TY_F8E4M3:
    case TY_F8E5M2:
        return 0x7f;
    case TY_F16:
        return 0x7e00;
    case TY_BF16:
        return 0x7fc0;
    case TY_F32:
        return UINT32_C(0x7fc00000);
    case TY_F64:
        return UINT64_C(0x7ff8000000000000);
    default:
        return 0;
    }
}

static ExecFn exec_for(IrOpcode code) {
    switch ((int)code) { /* every other op belongs to another file */
    case OP_MakeDesc:
        return exec_make_desc;
    case OP_DescSize:
        return exec_desc_size;
    case OP_DescStride:
        return exec_desc_stride;
    case OP_DescLoad:
        return exec_desc_load;
    case OP_DescStore:
        return exec_desc_store;
    case OP_DescReduce:
        return exec_desc_reduce;
    case OP_DescGather:
        return exec_desc_gather;
    case OP_DescScatter:
        return exec_desc_scatter;
    default:
        return NULL;
    }
}

bool prepare_descriptor(Arena *arena, const IrOp *op, Inst *inst) {
    inst->exec = exec_for(op->code);
    if (inst->exec == NULL || op->code == OP_MakeDesc || op->code == OP_DescSize ||
        op->code == OP_DescStride)
        return inst->exec != NULL;
    const IrType *desc = ir_operand(op, 0)->type;
    bool loads = op->code == OP_DescLoad || op->code == OP_DescGather;
    DescInfo *info = ARENA_NEW(arena, DescInfo);
    info->size = ir_elem_size(desc->elem);
    info->nan_bits = nan_of(desc->elem->kind);
    info->rank = desc->rank;
    memcpy(info->block, desc->shape, sizeof info->block);
    if (op->code == OP_DescReduce)
        info->combine = atomic_combine((RMW_Enum)ir_attr_int(op, ATTR_RMW), desc->elem->kind);
    if (op->code == OP_DescGather || op->code == OP_DescScatter)
        info->row_size = ir_elem_size(ir_operand(op, loads ? 1 : 2)->type);
    inst->info = info;
    inst->count = (size_t)ir_numel(loads ? ir_result(op, 0)->type : ir_operand(op, 1)->type);
    return true;
}
