/* builtins_shape.c -- shapes: broadcasting, reshaping, transposing, joining, gathering.
 *
 * Elements are numbered in row-major order; most functions here are one IR operation after checks
 * of the shapes. Example: tl.trans(x) of [64, 32] is `permute` with order [1, 0].
 */
#include "frontend/builtins.h"

#include <string.h>

static SVal shaped(SVal like, IrValue *value) {
    return sv_tensor(value, like.type);
}

/* ---- sizes ----------------------------------------------------------------------------------- */

SVal builtin_broadcast(Spec *s, const Call *call) {
    SVal pair[2];
    if (!call_tensor(s, call, 0, &pair[0]) || !call_tensor(s, call, 1, &pair[1]) ||
        !spec_broadcast_pair(s, &pair[0], &pair[1], call->range))
        return SVAL_ERROR;
    return sv_tuple(s, pair, 2);
}

SVal builtin_broadcast_to(Spec *s, const Call *call) {
    SVal v;
    int64_t shape[IR_MAX_RANK];
    unsigned rank;
    if (!call_tensor(s, call, 0, &v) || !call_shape(s, call, 1, shape, &rank))
        return SVAL_ERROR;
    return spec_broadcast_to(s, v, shape, rank, call->range);
}

static SVal inserted(Spec *s, SVal v, unsigned axis) {
    static const int64_t one[] = {1};
    return sv_is_tile(v) ? shaped(v, ir_expand_dims(&s->b, v.u.ir, axis)) : spec_fill(s, v, one, 1);
}

/* axis (one or several) counts in the result's dimensions. */
SVal builtin_expand_dims(Spec *s, const Call *call) {
    SVal v;
    int64_t axes[IR_MAX_RANK];
    unsigned count;
    if (!call_tensor(s, call, 0, &v) || !call_ints(s, call, 1, axes, &count))
        return SVAL_ERROR;
    int rank = (int)(sv_rank(v) + count);
    if (rank > IR_MAX_RANK) {
        SPEC_ERROR(s, DIAG_BUILTIN_RANK, call->ranges[1], (size_t)rank, IR_MAX_RANK);
        return SVAL_ERROR;
    }
    unsigned set = 0;
    for (unsigned i = 0; i < count; i++) {
        int64_t axis = axes[i] < 0 ? axes[i] + rank : axes[i];
        if (axis < 0 || axis >= rank) {
            SPEC_ERROR(s, DIAG_BUILTIN_AXIS, call->ranges[1], (long long)axes[i], -rank, rank);
            return SVAL_ERROR;
        }
        if (set & 1u << axis) {
            SPEC_ERROR(s, DIAG_BUILTIN_AXIS_TWICE, call->ranges[1], call_name(call));
            return SVAL_ERROR;
        }
        set |= 1u << axis;
    }
    for (unsigned axis = 0; axis < IR_MAX_RANK; axis++)
        if (set & 1u << axis)
            v = inserted(s, v, axis);
    return v;
}

/* Another shape with the same number of elements; rank 0 is the scalar. */
static SVal reshaped(Spec *s, SVal v, const int64_t *shape, unsigned rank) {
    if (!sv_is_tile(v))
        return rank == 0 ? v : spec_fill(s, v, shape, rank);
    if (rank == 0)
        return shaped(v, build_value(s, OP_Unsplat, &v.u.ir, 1, tl_to_ir(s, v.type)));
    return shaped(v, ir_reshape(&s->b, v.u.ir, shape, rank));
}

SVal builtin_squeeze(Spec *s, const Call *call) {
    SVal v;
    unsigned axis;
    if (!call_tile(s, call, 0, &v) || !call_axis(s, call, 1, sv_rank(v), &axis))
        return SVAL_ERROR;
    if (sv_shape(v)[axis] != 1) {
        SPEC_ERROR(s, DIAG_BUILTIN_SQUEEZE, call->ranges[1], axis, sv_type_name(s, v));
        return SVAL_ERROR;
    }
    int64_t shape[IR_MAX_RANK];
    unsigned rank = 0;
    for (unsigned i = 0; i < sv_rank(v); i++)
        if (i != axis)
            shape[rank++] = sv_shape(v)[i];
    return reshaped(s, v, shape, rank);
}

SVal builtin_reshape(Spec *s, const Call *call) {
    SVal v;
    int64_t shape[IR_MAX_RANK], numel = 1;
    unsigned rank;
    if (!call_tensor(s, call, 0, &v) || !call_shape(s, call, 1, shape, &rank))
        return SVAL_ERROR;
    for (unsigned i = 0; i < rank; i++)
        numel *= shape[i];
    if (numel != ir_numel(v.u.ir->type)) {
        Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_RESHAPE, call->range, call_name(call));
        diag_note(d, SRC_NONE, "%s has %lld elements, %s has %lld", sv_type_name(s, v),
                  (long long)ir_numel(v.u.ir->type), shape_text(s, shape, rank), (long long)numel);
        return SVAL_ERROR;
    }
    return reshaped(s, v, shape, rank);
}

/* ---- order of dimensions --------------------------------------------------------------------- */

static bool check_permutation(Spec *s, const Call *call, const int64_t *dims, unsigned count,
                              unsigned rank, unsigned *order) {
    unsigned seen = 0;
    for (unsigned i = 0; i < count && count == rank; i++) {
        int64_t d = dims[i] < 0 ? dims[i] + rank : dims[i];
        if (d < 0 || d >= rank)
            break;
        order[i] = (unsigned)d;
        seen |= 1u << d;
    }
    if (count == rank && seen == (1u << rank) - 1)
        return true;
    if (count != rank)
        SPEC_ERROR(s, DIAG_BUILTIN_PERMUTE_COUNT, call->ranges[1], rank, count);
    else
        SPEC_ERROR(s, DIAG_BUILTIN_PERMUTATION, call->ranges[1], shape_text(s, dims, count));
    return false;
}

SVal builtin_permute(Spec *s, const Call *call) {
    SVal v;
    int64_t dims[IR_MAX_RANK];
    unsigned count, order[IR_MAX_RANK];
    if (!call_tensor(s, call, 0, &v) || !call_ints(s, call, 1, dims, &count))
        return SVAL_ERROR;
    unsigned rank = sv_rank(v);
    if (count == 0 && str_eq(call_name(call), "trans")) {
        if (rank < 2) {
            SPEC_ERROR(s, DIAG_BUILTIN_TRANS_RANK, call->ranges[0], rank);
            return SVAL_ERROR;
        }
        for (count = 0; count < rank; count++)
            dims[count] = count;
        dims[rank - 2] = rank - 1;
        dims[rank - 1] = rank - 2;
    }
    if (!check_permutation(s, call, dims, count, rank, order))
        return SVAL_ERROR;
    return rank == 0 ? v : shaped(v, ir_permute(&s->b, v.u.ir, order));
}

/* ---- putting together and taking apart ------------------------------------------------------- */

static bool same_elements(Spec *s, const Call *call, SVal a, SVal b) {
    if (tl_same(a.type, b.type))
        return true;
    Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_SAME_DTYPE, call->range, call_name(call),
                         tl_name(s, a.type), tl_name(s, b.type));
    diag_help(d, "convert one of them: b.to(a.dtype)");
    return false;
}

SVal builtin_join(Spec *s, const Call *call) {
    SVal a, b;
    if (!call_tensor(s, call, 0, &a) || !call_tensor(s, call, 1, &b) ||
        !same_elements(s, call, a, b) || !spec_broadcast_pair(s, &a, &b, call->range))
        return SVAL_ERROR;
    int64_t shape[IR_MAX_RANK];
    unsigned rank = sv_rank(a);
    if (rank == IR_MAX_RANK) {
        SPEC_ERROR(s, DIAG_BUILTIN_RANK, call->range, (size_t)rank + 1, IR_MAX_RANK);
        return SVAL_ERROR;
    }
    memcpy(shape, a.u.ir->type->shape, sizeof shape);
    shape[rank] = 2;
    if (!spec_check_shape(s, shape, rank + 1, call->range))
        return SVAL_ERROR;
    IrValue *operands[] = {a.u.ir, b.u.ir};
    return shaped(a, build_value(s, OP_Join, operands, 2, tile_type(s, a.type, shape, rank + 1)));
}

SVal builtin_split(Spec *s, const Call *call) {
    SVal v;
    if (!call_tile(s, call, 0, &v))
        return SVAL_ERROR;
    unsigned rank = sv_rank(v);
    if (sv_shape(v)[rank - 1] != 2) {
        Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_SPLIT, call->ranges[0], sv_type_name(s, v));
        diag_help(d, "reshape first: tl.reshape(x, (..., 2))");
        return SVAL_ERROR;
    }
    const IrType *half = tile_type(s, v.type, sv_shape(v), rank - 1);
    IrOp *op = ir_build(&s->b, OP_Split, &v.u.ir, 1, (const IrType *[]){half, half}, 2);
    SVal halves[] = {shaped(v, ir_result(op, 0)), shaped(v, ir_result(op, 1))};
    return sv_tuple(s, halves, 2);
}

SVal builtin_cat(Spec *s, const Call *call) {
    SVal a, b;
    unsigned axis;
    if (!call_tile(s, call, 0, &a) || !call_tile(s, call, 1, &b) ||
        !call_axis(s, call, 3, sv_rank(a), &axis) || !same_elements(s, call, a, b))
        return SVAL_ERROR;
    int64_t shape[IR_MAX_RANK];
    unsigned rank = sv_rank(a);
    memcpy(shape, a.u.ir->type->shape, sizeof shape);
    bool fits = sv_rank(b) == rank && memcmp(shape, sv_shape(b), rank * sizeof *shape) == 0;
    if (!fits) {
        SPEC_ERROR(s, DIAG_BUILTIN_SAME_SHAPE, call->range, "cat", sv_type_name(s, a),
                   sv_type_name(s, b));
        return SVAL_ERROR;
    }
    shape[axis] *= 2;
    if (!spec_check_shape(s, shape, rank, call->range))
        return SVAL_ERROR;
    IrValue *operands[] = {a.u.ir, b.u.ir};
    IrValue *value = build_value(s, OP_Cat, operands, 2, tile_type(s, a.type, shape, rank));
    ir_set_int(value->def, ATTR_AXIS, axis);
    return shaped(a, value);
}

/* ---- picking and counting -------------------------------------------------------------------- */

SVal builtin_gather(Spec *s, const Call *call) {
    SVal v, index;
    unsigned axis;
    if (!call_tile(s, call, 0, &v) || !call_tile(s, call, 1, &index) ||
        !call_axis(s, call, 2, sv_rank(v), &axis))
        return SVAL_ERROR;
    if (!tl_is_int(index.type)) {
        SPEC_ERROR(s, DIAG_BUILTIN_ARGUMENT, call->ranges[1], "index", "gather",
                   "a tile of integers", sv_type_name(s, index));
        return SVAL_ERROR;
    }
    bool fits = sv_rank(index) == sv_rank(v);
    for (unsigned i = 0; fits && i < sv_rank(v); i++)
        fits = i == axis || sv_shape(v)[i] == sv_shape(index)[i];
    if (!fits) {
        Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_GATHER_SHAPE, call->ranges[1], axis);
        diag_note(d, call->ranges[0], "the source is %s", sv_type_name(s, v));
        diag_note(d, call->ranges[1], "the index is %s", sv_type_name(s, index));
        return SVAL_ERROR;
    }
    IrValue *operands[] = {v.u.ir, index.u.ir};
    IrValue *value = build_value(s, OP_Gather, operands, 2, sv_ir_type(s, index, v.type));
    ir_set_int(value->def, ATTR_AXIS, axis);
    return shaped(v, value);
}

SVal builtin_histogram(Spec *s, const Call *call) {
    SVal v, mask = call->args[2];
    int64_t bins;
    if (!call_tile(s, call, 0, &v) || !call_int(s, call, 1, &bins) ||
        !spec_check_shape(s, &bins, 1, call->ranges[1]))
        return SVAL_ERROR;
    if (sv_rank(v) != 1 || !tl_is_int(v.type) || tl_bits(v.type) != 32) {
        SPEC_ERROR(s, DIAG_BUILTIN_ARGUMENT, call->ranges[0], "input", "histogram",
                   "a one-dimensional tile of 32-bit integers", sv_type_name(s, v));
        return SVAL_ERROR;
    }
    IrValue *operands[] = {v.u.ir, NULL};
    if (!sv_is_none(mask)) {
        if (!call_tensor(s, call, 2, &mask))
            return SVAL_ERROR;
        mask = spec_cast(s, mask, tl_type(DT_BOOL), call->ranges[2]);
        mask = spec_broadcast_to(s, mask, sv_shape(v), 1, call->ranges[2]);
        if (sv_is_error(mask))
            return SVAL_ERROR;
        operands[1] = mask.u.ir;
    }
    TlType i32 = tl_type(DT_I32);
    return sv_tensor(
        build_value(s, OP_Histogram, operands, operands[1] ? 2 : 1, tile_type(s, i32, &bins, 1)),
        i32);
}
