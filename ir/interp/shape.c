/* shape.c -- constants, positions, and operations that move elements around in tiles.
 *
 * Everything that is a fixed rearrangement (broadcast, permute, join, split, cat) is one strided
 * copy: the result is walked in row-major order and each of its dimensions has a step, in bytes,
 * in the operand. The innermost dimension is a loop by element size; where its step is the element
 * size, it is one memcpy.
 */
#include <string.h>

#include "ir/interp/program.h"

/* ---- constants and positions -------------------------------------------------------------------
 */

static bool exec_const(Exec *exec, const Inst *inst) {
    uint64_t bits = ir_attr(inst->op, ATTR_VALUE)->u.bits;
    uint8_t *out = slot(exec, inst->dst[0]);
    for (size_t i = 0; i < inst->count; i++) /* little-endian: the low bytes come first */
        memcpy(out + i * inst->size, &bits, inst->size);
    return true;
}

static bool exec_arange(Exec *exec, const Inst *inst) {
    int64_t start = ir_attr_int(inst->op, ATTR_START);
    uint8_t *out = slot(exec, inst->dst[0]);
    for (size_t i = 0; i < inst->count; i++) {
        int64_t value = start + (int64_t)i;
        memcpy(out + i * inst->size, &value, inst->size);
    }
    return true;
}

static bool exec_program_id(Exec *exec, const Inst *inst) {
    int32_t id = (int32_t)exec->program->pid[ir_attr_int(inst->op, ATTR_AXIS)];
    memcpy(slot(exec, inst->dst[0]), &id, sizeof id);
    return true;
}

static bool exec_num_programs(Exec *exec, const Inst *inst) {
    int32_t count = (int32_t)exec->launch->grid[ir_attr_int(inst->op, ATTR_AXIS)];
    memcpy(slot(exec, inst->dst[0]), &count, sizeof count);
    return true;
}

/* One condition for a whole tile. */
static bool exec_select_whole(Exec *exec, const Inst *inst) {
    bool cond = *(const uint8_t *)slot(exec, inst->src[0]) != 0;
    memcpy(slot(exec, inst->dst[0]), slot(exec, inst->src[cond ? 1 : 2]), inst->count * inst->size);
    return true;
}

/* ---- strided copies ----------------------------------------------------------------------------
 */

typedef struct Walk {
    unsigned rank;
    size_t shape[IR_MAX_RANK + 1];
    size_t dst_steps[IR_MAX_RANK + 1], src_steps[IR_MAX_RANK + 1]; /* bytes */
} Walk;

static void copy_row(uint8_t *dst, const uint8_t *src, size_t n, size_t dst_step, size_t src_step,
                     size_t size) {
    if (dst_step == size && src_step == size) {
        memcpy(dst, src, n * size);
        return;
    }
    switch (size) {
    case 1:
        for (size_t i = 0; i < n; i++)
            dst[i * dst_step] = src[i * src_step];
        break;
    case 2:
        for (size_t i = 0; i < n; i++)
            *(uint16_t *)(void *)(dst + i * dst_step) =
                *(const uint16_t *)(const void *)(src + i * src_step);
        break;
    case 4:
        for (size_t i = 0; i < n; i++)
            *(uint32_t *)(void *)(dst + i * dst_step) =
                *(const uint32_t *)(const void *)(src + i * src_step);
        break;
    default:
        for (size_t i = 0; i < n; i++)
            *(uint64_t *)(void *)(dst + i * dst_step) =
                *(const uint64_t *)(const void *)(src + i * src_step);
        break;
    }
}

static void walk_copy(const Walk *walk, uint8_t *dst, const uint8_t *src, size_t size) {
    unsigned inner = walk->rank - 1;
    size_t position[IR_MAX_RANK + 1] = {0};
    for (;;) {
        copy_row(dst, src, walk->shape[inner], walk->dst_steps[inner], walk->src_steps[inner],
                 size);
        unsigned d = inner;
        for (; d > 0; d--) {
            dst += walk->dst_steps[d - 1];
            src += walk->src_steps[d - 1];
            if (++position[d - 1] < walk->shape[d - 1])
                break;
            dst -= walk->dst_steps[d - 1] * walk->shape[d - 1];
            src -= walk->src_steps[d - 1] * walk->shape[d - 1];
            position[d - 1] = 0;
        }
        if (d == 0)
            return;
    }
}

/* Byte steps of a row-major tile. */
static void row_major_steps(const IrType *type, size_t *steps) {
    size_t step = ir_elem_size(type);
    for (unsigned d = type->rank; d > 0; d--) {
        steps[d - 1] = step;
        step *= (size_t)type->shape[d - 1];
    }
}

static Walk *walk_over(Arena *arena, const IrType *shaped) {
    Walk *walk = ARENA_NEW(arena, Walk);
    walk->rank = shaped->rank > 0 ? shaped->rank : 1;
    walk->shape[0] = 1;
    for (unsigned d = 0; d < shaped->rank; d++)
        walk->shape[d] = (size_t)shaped->shape[d];
    return walk;
}

static bool exec_walk(Exec *exec, const Inst *inst) {
    walk_copy(inst->info, slot(exec, inst->dst[0]), slot(exec, inst->src[0]), inst->size);
    return true;
}

static const Walk *broadcast_walk(Arena *arena, const IrType *from, const IrType *to) {
    Walk *walk = walk_over(arena, to);
    row_major_steps(to, walk->dst_steps);
    row_major_steps(from, walk->src_steps);
    for (unsigned d = 0; d < to->rank; d++)
        if (from->shape[d] == 1)
            walk->src_steps[d] = 0;
    return walk;
}

static const Walk *permute_walk(Arena *arena, const IrOp *op) {
    const IrType *from = ir_operand(op, 0)->type, *to = ir_result(op, 0)->type;
    Walk *walk = walk_over(arena, to);
    size_t steps[IR_MAX_RANK];
    row_major_steps(from, steps);
    row_major_steps(to, walk->dst_steps);
    const int64_t *order = ir_attr(op, ATTR_ORDER)->u.ints.items;
    for (unsigned d = 0; d < to->rank; d++)
        walk->src_steps[d] = steps[order[d]];
    return walk;
}

/* Join and split: `whole` has the elements of two tiles in pairs. */
static bool exec_join(Exec *exec, const Inst *inst) {
    uint8_t *out = slot(exec, inst->dst[0]);
    size_t n = inst->count / 2, size = inst->size;
    for (unsigned half = 0; half < 2; half++)
        copy_row(out + half * size, slot(exec, inst->src[half]), n, 2 * size, size, size);
    return true;
}

static bool exec_split(Exec *exec, const Inst *inst) {
    const uint8_t *in = slot(exec, inst->src[0]);
    for (unsigned half = 0; half < 2; half++)
        copy_row(slot(exec, inst->dst[half]), in + half * inst->size, inst->count, inst->size,
                 2 * inst->size, inst->size);
    return true;
}

typedef struct CatInfo {
    size_t outer, first, second; /* bytes of a row of either operand from the axis inwards */
} CatInfo;

static bool exec_cat(Exec *exec, const Inst *inst) {
    const CatInfo *cat = inst->info;
    uint8_t *out = slot(exec, inst->dst[0]);
    const uint8_t *a = slot(exec, inst->src[0]), *b = slot(exec, inst->src[1]);
    for (size_t o = 0; o < cat->outer; o++) {
        memcpy(out, a + o * cat->first, cat->first);
        memcpy(out + cat->first, b + o * cat->second, cat->second);
        out += cat->first + cat->second;
    }
    return true;
}

static const CatInfo *cat_info(Arena *arena, const IrOp *op) {
    CatInfo *cat = ARENA_NEW(arena, CatInfo);
    const IrType *a = ir_operand(op, 0)->type, *b = ir_operand(op, 1)->type;
    int64_t axis = ir_attr_int(op, ATTR_AXIS);
    *cat = (CatInfo){.outer = 1, .first = ir_elem_size(a), .second = ir_elem_size(a)};
    for (unsigned d = 0; d < a->rank; d++) {
        if (d < axis)
            cat->outer *= (size_t)a->shape[d];
        else {
            cat->first *= (size_t)a->shape[d];
            cat->second *= (size_t)b->shape[d];
        }
    }
    return cat;
}

/* ---- gather and histogram ----------------------------------------------------------------------
 */

static int64_t read_int(const uint8_t *data, size_t size) {
    int64_t wide;
    int32_t word;
    int16_t half;
    switch (size) {
    case 8:
        memcpy(&wide, data, sizeof wide);
        return wide;
    case 4:
        memcpy(&word, data, sizeof word);
        return word;
    case 2:
        memcpy(&half, data, sizeof half);
        return half;
    default:
        return (int8_t)*data;
    }
}

typedef struct GatherInfo {
    size_t outer, len, inner; /* of the source around the axis */
    size_t picks;             /* of the index along the axis */
    size_t index_size;
} GatherInfo;

static bool exec_gather(Exec *exec, const Inst *inst) {
    const GatherInfo *info = inst->info;
    uint8_t *out = slot(exec, inst->dst[0]);
    const uint8_t *src = slot(exec, inst->src[0]), *index = slot(exec, inst->src[1]);
    size_t lane = 0, bad = 0, first = 0, size = inst->size;
    for (size_t o = 0; o < info->outer; o++) {
        for (size_t k = 0; k < info->picks; k++) {
            for (size_t i = 0; i < info->inner; i++, lane++) {
                int64_t pick = read_int(index + lane * info->index_size, info->index_size);
                if (pick < 0 || (size_t)pick >= info->len) {
                    first = bad++ == 0 ? lane : first;
                    continue;
                }
                size_t from = (o * info->len + (size_t)pick) * info->inner + i;
                memcpy(out + lane * size, src + from * size, size);
            }
        }
    }
    if (bad > 0)
        return exec_fault(exec, inst, DIAG_RUN_GATHER_RANGE, first, bad, lane);
    return true;
}

static const GatherInfo *gather_info(Arena *arena, const IrOp *op) {
    GatherInfo *info = ARENA_NEW(arena, GatherInfo);
    const IrType *src = ir_operand(op, 0)->type, *index = ir_operand(op, 1)->type;
    int64_t axis = ir_attr_int(op, ATTR_AXIS);
    *info = (GatherInfo){.outer = 1, .inner = 1, .index_size = ir_elem_size(index)};
    info->len = (size_t)src->shape[axis];
    info->picks = (size_t)index->shape[axis];
    for (unsigned d = 0; d < src->rank; d++) {
        if (d < axis)
            info->outer *= (size_t)src->shape[d];
        if (d > axis)
            info->inner *= (size_t)src->shape[d];
    }
    return info;
}

typedef struct HistogramInfo {
    size_t count, size; /* elements counted */
    bool masked;
} HistogramInfo;

/* Elements that are no bin are not counted (language.md 2.6). */
static bool exec_histogram(Exec *exec, const Inst *inst) {
    const HistogramInfo *info = inst->info;
    const uint8_t *in = slot(exec, inst->src[0]);
    const uint8_t *mask = info->masked ? slot(exec, inst->src[1]) : NULL;
    uint8_t *bins = slot(exec, inst->dst[0]);
    memset(bins, 0, inst->count * inst->size);
    for (size_t i = 0; i < info->count; i++) {
        int64_t bin = read_int(in + i * info->size, info->size);
        if ((mask != NULL && !mask[i]) || bin < 0 || (size_t)bin >= inst->count)
            continue;
        uint64_t seen = 0;
        memcpy(&seen, bins + (size_t)bin * inst->size, inst->size);
        seen++;
        memcpy(bins + (size_t)bin * inst->size, &seen, inst->size);
    }
    return true;
}

static const HistogramInfo *histogram_info(Arena *arena, const IrOp *op) {
    HistogramInfo *info = ARENA_NEW(arena, HistogramInfo);
    const IrType *in = ir_operand(op, 0)->type;
    *info = (HistogramInfo){.count = (size_t)ir_numel(in), .size = ir_elem_size(in)};
    info->masked = op->num_operands > 1;
    return info;
}

/* ---- choice ------------------------------------------------------------------------------------
 */

bool prepare_shape(Arena *arena, const IrOp *op, Inst *inst) {
    switch ((int)op->code) { /* every other op belongs to another file */
    case OP_Const:
        inst->exec = exec_const;
        return true;
    case OP_Arange:
        inst->exec = exec_arange;
        return true;
    case OP_ProgramId:
        inst->exec = exec_program_id;
        return true;
    case OP_NumPrograms:
        inst->exec = exec_num_programs;
        return true;
    case OP_Select:
        inst->exec = exec_select_whole;
        return true;
    case OP_Splat:
        inst->exec = exec_splat;
        return true;
    case OP_Broadcast:
        inst->exec = exec_walk;
        inst->info = broadcast_walk(arena, ir_operand(op, 0)->type, ir_result(op, 0)->type);
        return true;
    case OP_Permute:
        inst->exec = exec_walk;
        inst->info = permute_walk(arena, op);
        return true;
    case OP_Join:
        inst->exec = exec_join;
        return true;
    case OP_Split:
        inst->exec = exec_split;
        return true;
    case OP_Cat:
        inst->exec = exec_cat;
        inst->info = cat_info(arena, op);
        return true;
    case OP_Gather:
        inst->exec = exec_gather;
        inst->info = gather_info(arena, op);
        return true;
    case OP_Histogram:
        inst->exec = exec_histogram;
        inst->info = histogram_info(arena, op);
        return true;
    default:
        return false;
    }
}
