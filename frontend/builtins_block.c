/* builtins_block.c -- block pointers: tl.make_block_ptr, tl.advance, and loads and stores of them.
 *
 * A block pointer is a compile-time structure: base, sizes, strides, offsets and the block's shape.
 * An access becomes ordinary pointers and, for the dimensions of boundary_check, a mask, all in 64
 * bits. Example: for a block of [4, 8] at offsets (i, j) of an M x N tensor,
 *
 *     rows = i + arange(0, 4), cols = j + arange(0, 8)
 *     pointers = base + rows[:, None] * strides[0] + cols[None, :] * strides[1]
 *     mask = (0 <= rows < M)[:, None] & (0 <= cols < N)[None, :]
 */
#include "frontend/builtins_memory.h"

#include <math.h>
#include <string.h>

/* ---- making and moving ----------------------------------------------------------------------- */

bool call_offsets(Spec *s, const Call *call, unsigned i, const char *of, STuple *out) {
    SVal v = call->args[i];
    size_t len = v.kind == SV_TUPLE ? v.u.tuple.len : 1;
    const SVal *items = v.kind == SV_TUPLE ? v.u.tuple.items : &v;
    for (size_t k = 0; k < len; k++) {
        if (sv_is_scalar(items[k]) && tl_is_int(items[k].type) && tl_bits(items[k].type) == 64) {
            Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_OFFSET_64, call->ranges[i], of,
                                 call->builtin->params[i].name);
            diag_help(d, "add .to(tl.int32), or use ordinary pointers");
            return false;
        }
    }
    return call_scalars(s, call, i, tl_type(DT_I32), out);
}

static bool check_order(Spec *s, const Call *call, unsigned i, SBlockPtr *block) {
    unsigned count, seen = 0;
    if (!call_ints(s, call, i, block->order, &count))
        return false;
    for (unsigned k = 0; k < count; k++)
        if (block->order[k] >= 0 && block->order[k] < count)
            seen |= 1u << block->order[k];
    if (count == block->rank && seen == (1u << count) - 1)
        return true;
    Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_ORDER, call->ranges[i]);
    diag_note(d, SRC_NONE, "the block has %u dimensions", block->rank);
    return false;
}

static bool same_lengths(Spec *s, const Call *call, const SBlockPtr *block) {
    if (block->shape.len == block->rank && block->strides.len == block->rank &&
        block->offsets.len == block->rank)
        return true;
    Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_BLOCK_LENGTHS, call->range);
    diag_note(d, SRC_NONE, "they have %zu, %zu, %zu and %u entries", block->shape.len,
              block->strides.len, block->offsets.len, block->rank);
    return false;
}

SVal builtin_make_block_ptr(Spec *s, const Call *call) {
    SBlockPtr *block = ARENA_NEW(s->arena, SBlockPtr);
    SVal base;
    if (!call_pointer(s, call, 0, &base))
        return SVAL_ERROR;
    if (sv_is_tile(base)) {
        SPEC_ERROR(s, DIAG_BUILTIN_BLOCK_BASE, call->ranges[0], sv_type_name(s, base));
        return SVAL_ERROR;
    }
    if (!call_scalars(s, call, 1, tl_type(DT_I64), &block->shape) ||
        !call_scalars(s, call, 2, tl_type(DT_I64), &block->strides) ||
        !call_offsets(s, call, 3, "Block pointers", &block->offsets) ||
        !call_shape(s, call, 4, block->block_shape, &block->rank) ||
        !same_lengths(s, call, block) || !check_order(s, call, 5, block))
        return SVAL_ERROR;
    if (tl_is_bool(*base.type.pointee)) /* booleans are bytes in memory */
        base = spec_cast(s, base, tl_pointer(s, tl_type(DT_I8), base.type.is_const), call->range);
    block->base = base;
    return (SVal){.kind = SV_BLOCKPTR, .u.block = block};
}

SVal builtin_advance(Spec *s, const Call *call) {
    SVal base;
    STuple by;
    if (!call_block_pointer(s, call, 0, &base) || !call_offsets(s, call, 1, "Block pointers", &by))
        return SVAL_ERROR;
    SBlockPtr *block = arena_memdup(s->arena, base.u.block, sizeof *block, _Alignof(SBlockPtr));
    if (by.len != block->rank) {
        SPEC_ERROR(s, DIAG_BUILTIN_OFFSET_COUNT, call->ranges[1], block->rank, by.len);
        return SVAL_ERROR;
    }
    STuple offsets = {.items = ARENA_ARRAY(s->arena, SVal, by.len), .len = by.len};
    for (size_t i = 0; i < by.len; i++)
        offsets.items[i] = binary_value(s, OP_AddI, block->offsets.items[i], by.items[i]);
    block->offsets = offsets;
    base.u.block = block;
    return base;
}

/* ---- pointers and masks ---------------------------------------------------------------------- */

static SVal spread(Spec *s, SVal scalar, SVal like) {
    return spec_fill(s, scalar, sv_shape(like), sv_rank(like));
}

static SVal compare(Spec *s, INT_PRED_Enum pred, SVal a, SVal b) {
    return sv_tensor(ir_cmpi(&s->b, pred, a.u.ir, b.u.ir), tl_type(DT_BOOL));
}

/* The indices of the block along dimension d, as an i64 tile of the block's rank. */
static SVal indices(Spec *s, const SBlockPtr *block, unsigned d) {
    TlType i64 = tl_type(DT_I64);
    int64_t size = block->block_shape[d];
    IrValue *range = build_value(s, OP_Arange, NULL, 0, tile_type(s, tl_type(DT_I32), &size, 1));
    ir_set_int(range->def, ATTR_END, size);
    SVal index = spec_cast(s, sv_tensor(range, tl_type(DT_I32)), i64, s->b.range);
    SVal first = spec_cast(s, block->offsets.items[d], i64, s->b.range);
    index = binary_value(s, OP_AddI, spread(s, first, index), index);
    for (unsigned k = 0; k < block->rank; k++)
        if (k != d)
            index.u.ir = ir_expand_dims(&s->b, index.u.ir, k);
    return index;
}

typedef struct BlockAccess {
    SVal pointers;
    SVal mask; /* None: all inside */
} BlockAccess;

/* a op b after broadcasting both. */
static SVal combine(Spec *s, IrOpcode code, SVal a, SVal b) {
    spec_broadcast_pair(s, &a, &b, s->b.range);
    return binary_value(s, code, a, b);
}

static BlockAccess block_access(Spec *s, const SBlockPtr *block, unsigned checked) {
    BlockAccess access = {.mask = sv_none()};
    SVal offsets = sv_none();
    TlType i64 = tl_type(DT_I64);
    for (unsigned d = 0; d < block->rank; d++) {
        SVal index = indices(s, block, d);
        SVal part = binary_value(s, OP_MulI, index, spread(s, block->strides.items[d], index));
        offsets = d == 0 ? part : combine(s, OP_AddI, offsets, part);
        if (!(checked & 1u << d))
            continue;
        SVal zero = sv_tensor(ir_const_int(&s->b, index.u.ir->type, 0), i64);
        SVal end = spread(s, block->shape.items[d], index);
        SVal inside = binary_value(s, OP_AndI, compare(s, IPRED_SGE, index, zero),
                                   compare(s, IPRED_SLT, index, end));
        access.mask = sv_is_none(access.mask) ? inside : combine(s, OP_AndI, access.mask, inside);
    }
    offsets = spec_broadcast_to(s, offsets, block->block_shape, block->rank, s->b.range);
    if (!sv_is_none(access.mask))
        access.mask =
            spec_broadcast_to(s, access.mask, block->block_shape, block->rank, s->b.range);
    SVal base = spread(s, block->base, offsets);
    access.pointers = sv_tensor(ir_addptr(&s->b, base.u.ir, offsets.u.ir, false), base.type);
    return access;
}

/* ---- accesses -------------------------------------------------------------------------------- */

/* The dimensions of boundary_check as a set of bits. */
static bool call_boundary(Spec *s, const Call *call, unsigned i, const SBlockPtr *block,
                          unsigned *out) {
    int64_t dims[IR_MAX_RANK];
    unsigned count;
    *out = 0;
    if (sv_is_none(call->args[i]))
        return true;
    if (!call_ints(s, call, i, dims, &count))
        return false;
    for (unsigned k = 0; k < count; k++) {
        if (dims[k] < 0 || dims[k] >= block->rank) {
            SPEC_ERROR(s, DIAG_BUILTIN_BOUNDARY_DIM, call->ranges[i], (long long)dims[k],
                       block->rank);
            return false;
        }
        *out |= 1u << dims[k];
    }
    return true;
}

static bool no_masks(Spec *s, const Call *call, unsigned first, unsigned last) {
    for (unsigned i = first; i <= last; i++) {
        if (call->given[i] && !sv_is_none(call->args[i])) {
            Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_BLOCK_MASK, call->ranges[i], call_name(call));
            diag_help(d, "use boundary_check=(0, 1) and padding_option");
            return false;
        }
    }
    return true;
}

static const Word paddings[] = {{"zero", PAD_ZERO}, {"nan", PAD_NAN}};

bool call_padding(Spec *s, const Call *call, unsigned i, TlType elem, int *out) {
    *out = PAD_ZERO;
    if (!call_word(s, call, i, "Padding option", paddings, TK_COUNTOF(paddings), out))
        return false;
    if (*out != PAD_NAN || tl_is_float(elem))
        return true;
    SPEC_ERROR(s, DIAG_BUILTIN_NAN_PADDING, call->ranges[i], tl_name(s, elem));
    return false;
}

SVal block_load(Spec *s, const Call *call, const AccessHints *hints, bool is_volatile) {
    const SBlockPtr *block = call->args[0].u.block;
    TlType elem = *block->base.type.pointee;
    unsigned checked;
    int padding;
    if (!no_masks(s, call, 1, 2) || !call_boundary(s, call, 3, block, &checked) ||
        !call_padding(s, call, 4, elem, &padding))
        return SVAL_ERROR;
    BlockAccess access = block_access(s, block, checked);
    IrValue *mask = sv_is_none(access.mask) ? NULL : access.mask.u.ir, *other = NULL;
    if (mask && padding == PAD_NAN)
        other = ir_const_float(&s->b, sv_ir_type(s, access.pointers, elem), (double)NAN);
    IrValue *loaded = ir_load(&s->b, access.pointers.u.ir, mask, other);
    ir_set_int(loaded->def, ATTR_CACHE, hints->cache);
    ir_set_int(loaded->def, ATTR_EVICT, hints->evict);
    ir_set_int(loaded->def, ATTR_VOLATILE, is_volatile);
    return sv_tensor(loaded, elem);
}

/* The value to store, in the block's type and shape. */
static bool block_value(Spec *s, const Call *call, const SBlockPtr *block, SVal *value) {
    TlType elem = *block->base.type.pointee;
    *value = call->args[1];
    if (sv_is_number(*value))
        *value = store_number(s, *value, elem, call->ranges[1]);
    else if (!call_tensor(s, call, 1, value))
        return false;
    if (sv_is_error(*value))
        return false;
    bool fits = !sv_is_tile(*value) || (sv_rank(*value) == block->rank &&
                                        memcmp(sv_shape(*value), block->block_shape,
                                               block->rank * sizeof block->block_shape[0]) == 0);
    if (!fits) {
        SPEC_ERROR(s, DIAG_BUILTIN_BLOCK_SHAPE, call->ranges[1],
                   shape_text(s, block->block_shape, block->rank),
                   shape_text(s, sv_shape(*value), sv_rank(*value)));
        return false;
    }
    *value = spec_cast(s, *value, elem, call->ranges[1]);
    if (!sv_is_error(*value) && !sv_is_tile(*value))
        *value = spec_fill(s, *value, block->block_shape, block->rank);
    return !sv_is_error(*value);
}

SVal block_store(Spec *s, const Call *call, const AccessHints *hints) {
    const SBlockPtr *block = call->args[0].u.block;
    unsigned checked;
    SVal value;
    if (!no_masks(s, call, 2, 2) || !call_boundary(s, call, 3, block, &checked) ||
        !block_value(s, call, block, &value))
        return SVAL_ERROR;
    BlockAccess access = block_access(s, block, checked);
    IrOp *op = ir_store(&s->b, access.pointers.u.ir, value.u.ir,
                        sv_is_none(access.mask) ? NULL : access.mask.u.ir);
    ir_set_int(op, ATTR_CACHE, hints->cache);
    ir_set_int(op, ATTR_EVICT, hints->evict);
    return sv_none();
}
