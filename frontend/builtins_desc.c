/* builtins_desc.c -- tensor descriptors: making them, and their load, store, gather, scatter and
 * atomics.
 *
 * A descriptor is an IR value (the tensor's base, sizes and strides, with the block's shape in the
 * type); the operations are IR operations of their own, which hardware has units for. The rules on
 * sizes and alignment are those of that hardware, as Triton checks them. Example:
 *
 *     d = tl.make_tensor_descriptor(p, [M, N], [N, 1], [64, 32])
 *     d.store([i, j], d.load([i, j]) * 2)
 */
#include "frontend/builtins_memory.h"

#include <string.h>

#define DESC_MAX_RANK 5

/* ---- making ---------------------------------------------------------------------------------- */

static bool check_counts(Spec *s, const Call *call, size_t shape, size_t strides, unsigned block) {
    if (shape < 1 || shape > DESC_MAX_RANK) {
        SPEC_ERROR(s, DIAG_BUILTIN_DESC_RANK, call->ranges[1], shape);
        return false;
    }
    if (strides != shape)
        SPEC_ERROR(s, DIAG_BUILTIN_DESC_COUNT, call->ranges[2], shape, "strides", strides);
    else if (block != shape)
        SPEC_ERROR(s, DIAG_BUILTIN_DESC_COUNT, call->ranges[3], shape, "block_shape entries",
                   (size_t)block);
    return strides == shape && block == shape;
}

/* The last stride is written as a 1; the block's last dimension has at least 16 bytes. */
static bool check_last_dimension(Spec *s, const Call *call, TlType elem, const int64_t *block,
                                 unsigned rank) {
    SVal strides = call->args[2];
    SVal last = strides.kind == SV_TUPLE ? strides.u.tuple.items[rank - 1] : strides;
    int64_t stride = 0;
    if (!sv_is_const(last) || !py_to_i64(last.u.py, &stride) || stride != 1) {
        Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_DESC_STRIDE, call->ranges[2], sv_type_name(s, last));
        diag_help(d,
                  "write the last stride as 1; a strided last dimension needs ordinary pointers");
        return false;
    }
    int64_t size = (int64_t)tl_bits(elem) / 8;
    if (block[rank - 1] * size >= 16)
        return true;
    Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_DESC_BYTES, call->ranges[3], (long long)block[rank - 1],
                         (long long)size, (long long)(block[rank - 1] * size));
    diag_help(d, "at least %lld elements", (long long)(16 / size));
    return false;
}

static SVal make_descriptor(Spec *s, SVal base, STuple shape, STuple strides, const int64_t *block,
                            int padding) {
    size_t rank = shape.len;
    IrValue *operands[1 + 2 * DESC_MAX_RANK] = {base.u.ir};
    for (size_t i = 0; i < rank; i++) {
        operands[1 + i] = shape.items[i].u.ir;
        operands[1 + rank + i] = strides.items[i].u.ir;
    }
    TlType elem = *base.type.pointee;
    const IrType *type = ir_type_desc(s->ctx, tl_to_ir(s, elem), block, (unsigned)rank);
    SVal v = {.kind = SV_DESC, .type = elem};
    v.u.ir = build_value(s, OP_MakeDesc, operands, (unsigned)(1 + 2 * rank), type);
    ir_set_int(v.u.ir->def, ATTR_PADDING, padding);
    return v;
}

SVal builtin_make_descriptor(Spec *s, const Call *call) {
    SVal base;
    STuple shape, strides;
    int64_t block[IR_MAX_RANK];
    unsigned rank;
    int padding;
    if (!call_pointer(s, call, 0, &base))
        return SVAL_ERROR;
    if (sv_is_tile(base)) {
        SPEC_ERROR(s, DIAG_BUILTIN_BLOCK_BASE, call->ranges[0], sv_type_name(s, base));
        return SVAL_ERROR;
    }
    TlType elem = *base.type.pointee;
    if (!call_scalars(s, call, 1, tl_type(DT_I32), &shape) ||
        !call_scalars(s, call, 2, tl_type(DT_I64), &strides) ||
        !call_shape(s, call, 3, block, &rank) ||
        !check_counts(s, call, shape.len, strides.len, rank) ||
        !check_last_dimension(s, call, elem, block, rank) ||
        !call_padding(s, call, 4, elem, &padding))
        return SVAL_ERROR;
    return make_descriptor(s, base, shape, strides, block, padding);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

/* The offsets as int32 scalars behind the `fixed` operands in `operands`. */
static bool call_desc_offsets(Spec *s, const Call *call, unsigned i, SVal desc, IrValue **operands,
                              unsigned fixed) {
    STuple offsets;
    unsigned rank = desc.u.ir->type->rank;
    if (!call_offsets(s, call, i, "Tensor descriptors", &offsets))
        return false;
    if (offsets.len != rank) {
        SPEC_ERROR(s, DIAG_BUILTIN_OFFSET_COUNT, call->ranges[i], rank, offsets.len);
        return false;
    }
    for (unsigned k = 0; k < rank; k++)
        operands[fixed + k] = offsets.items[k].u.ir;
    return true;
}

SVal builtin_desc_load(Spec *s, const Call *call) {
    SVal desc;
    IrValue *operands[1 + DESC_MAX_RANK];
    AccessHints hints = {CACHE_NONE, EVICT_NORMAL};
    if (!call_desc(s, call, 0, &desc) || !call_desc_offsets(s, call, 1, desc, operands, 1) ||
        (call->builtin->num_params > 2 && !call_access_hints(s, call, 2, 3, false, &hints)))
        return SVAL_ERROR;
    const IrType *type = desc.u.ir->type;
    operands[0] = desc.u.ir;
    IrValue *loaded = build_value(s, OP_DescLoad, operands, 1 + type->rank,
                                  tile_type(s, desc.type, type->shape, type->rank));
    ir_set_int(loaded->def, ATTR_CACHE, hints.cache);
    ir_set_int(loaded->def, ATTR_EVICT, hints.evict);
    return sv_tensor(loaded, desc.type);
}

/* Argument `i` as a tile of this shape and the descriptor's type. */
static bool call_desc_value(Spec *s, const Call *call, unsigned i, TlType elem,
                            const int64_t *shape, unsigned rank, SVal *value) {
    if (!call_tile(s, call, i, value))
        return false;
    bool fits =
        sv_rank(*value) == rank && memcmp(sv_shape(*value), shape, rank * sizeof *shape) == 0;
    if (!fits) {
        SPEC_ERROR(s, DIAG_BUILTIN_BLOCK_SHAPE, call->ranges[i], shape_text(s, shape, rank),
                   shape_text(s, sv_shape(*value), sv_rank(*value)));
        return false;
    }
    *value = spec_cast(s, *value, elem, call->ranges[i]);
    return !sv_is_error(*value);
}

/* Stores and atomics: desc, offsets, value. The operation built, NULL if reported. */
static IrOp *write_block(Spec *s, const Call *call, IrOpcode code) {
    SVal desc, value;
    IrValue *operands[2 + DESC_MAX_RANK];
    if (!call_desc(s, call, 0, &desc) || !call_desc_offsets(s, call, 1, desc, operands, 2))
        return NULL;
    const IrType *type = desc.u.ir->type;
    if (!call_desc_value(s, call, 2, desc.type, type->shape, type->rank, &value))
        return NULL;
    operands[0] = desc.u.ir;
    operands[1] = value.u.ir;
    return ir_build(&s->b, code, operands, 2 + type->rank, NULL, 0);
}

SVal builtin_desc_store(Spec *s, const Call *call) {
    return write_block(s, call, OP_DescStore) ? sv_none() : SVAL_ERROR;
}

/* The atomics of descriptors know other types than those of pointers: fp16 extrema, no fp64. */
static bool desc_atomic_fits(const char *name, TlType type) {
    if (type.pointee)
        return false;
    bool is_add = str_eq(name, "atomic_add");
    bool is_extremum = str_eq(name, "atomic_min") || str_eq(name, "atomic_max");
    if (tl_is_int(type))
        return tl_bits(type) >= 32 && !(is_add && tl_is(type, DT_I64));
    if (tl_bits(type) == 16)
        return is_add || is_extremum;
    return is_add && tl_is(type, DT_F32);
}

SVal builtin_desc_atomic(Spec *s, const Call *call) {
    SVal desc;
    if (!call_desc(s, call, 0, &desc))
        return SVAL_ERROR;
    if (!desc_atomic_fits(call_name(call), desc.type)) {
        SPEC_ERROR(s, DIAG_BUILTIN_ATOMIC_TYPE, call->ranges[0], call_name(call),
                   tl_name(s, desc.type));
        return SVAL_ERROR;
    }
    IrOp *op = write_block(s, call, OP_DescReduce);
    if (!op)
        return SVAL_ERROR;
    ir_set_int(op, ATTR_RMW, atomic_rmw_code(call_name(call), desc.type));
    return sv_none();
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* The rows of a gather or scatter: an int32 tile; *columns the descriptor's block width. */
static bool call_rows(Spec *s, const Call *call, unsigned i, SVal desc, SVal *rows) {
    const IrType *type = desc.u.ir->type;
    if (type->rank != 2 || type->shape[0] != 1) {
        SPEC_ERROR(s, DIAG_BUILTIN_GATHER_DESC, call->ranges[0], sv_type_name(s, desc));
        return false;
    }
    if (!call_tile(s, call, i, rows))
        return false;
    if (sv_rank(*rows) != 1 || !tl_is_int(rows->type)) {
        SPEC_ERROR(s, DIAG_BUILTIN_ARGUMENT, call->ranges[i], "x_offsets", call_name(call),
                   "a one-dimensional tile of integers", sv_type_name(s, *rows));
        return false;
    }
    int64_t least = 32 / ((int64_t)tl_bits(desc.type) / 8);
    bool few_rows = sv_shape(*rows)[0] < 8, few_columns = type->shape[1] < least;
    if (few_rows || few_columns) {
        SPEC_ERROR(s, DIAG_BUILTIN_GATHER_SIZE, call->ranges[few_rows ? i : 0], call_name(call),
                   few_rows ? 8LL : (long long)least, few_rows ? "rows" : "columns");
        return false;
    }
    *rows = spec_cast(s, *rows, tl_type(DT_I32), call->ranges[i]);
    return !sv_is_error(*rows);
}

SVal builtin_desc_gather(Spec *s, const Call *call) {
    SVal desc, rows, column;
    if (!call_desc(s, call, 0, &desc) || !call_rows(s, call, 1, desc, &rows) ||
        !call_scalar_int(s, call->args[2], tl_type(DT_I32), "y_offset", call->ranges[2], &column))
        return SVAL_ERROR;
    int64_t shape[2] = {sv_shape(rows)[0], desc.u.ir->type->shape[1]};
    IrValue *operands[] = {desc.u.ir, rows.u.ir, column.u.ir};
    return sv_tensor(build_value(s, OP_DescGather, operands, 3, tile_type(s, desc.type, shape, 2)),
                     desc.type);
}

SVal builtin_desc_scatter(Spec *s, const Call *call) {
    SVal desc, value, rows, column;
    if (!call_desc(s, call, 0, &desc) || !call_rows(s, call, 2, desc, &rows) ||
        !call_scalar_int(s, call->args[3], tl_type(DT_I32), "y_offset", call->ranges[3], &column))
        return SVAL_ERROR;
    int64_t shape[2] = {sv_shape(rows)[0], desc.u.ir->type->shape[1]};
    if (!call_desc_value(s, call, 1, desc.type, shape, 2, &value))
        return SVAL_ERROR;
    IrValue *operands[] = {desc.u.ir, value.u.ir, rows.u.ir, column.u.ir};
    ir_build(&s->b, OP_DescScatter, operands, 4, NULL, 0);
    return sv_none();
}
