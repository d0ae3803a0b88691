/* builtins_reduce.c -- tl.reduce and tl.associative_scan: folding with a function of the program.
 *
 * The combine function is visited once, on scalars, and becomes the region of a `reduce` or `scan`
 * operation. Several tensors of one shape can be folded together; the function then takes the left
 * scalars, then the right ones, and returns as many. Example:
 *
 *     @triton.jit
 *     def pick(a, ia, b, ib): ...            # returns value, index
 *     v, i = tl.reduce((x, indices), 0, pick)
 */
#include "frontend/builtins.h"

#include <string.h>

typedef struct Fold {
    SVal *inputs;
    size_t count;
    bool is_tuple; /* the result is a tuple too */
    unsigned axis;
} Fold;

/* ---- arguments ------------------------------------------------------------------------------- */

static bool call_inputs(Spec *s, const Call *call, Fold *fold) {
    SVal v = call->args[0];
    fold->is_tuple = v.kind == SV_TUPLE;
    fold->count = fold->is_tuple ? v.u.tuple.len : 1;
    fold->inputs = ARENA_ARRAY(s->arena, SVal, fold->count);
    for (size_t i = 0; i < fold->count; i++) {
        SVal item = fold->is_tuple ? v.u.tuple.items[i] : v;
        bool fits = sv_is_tensor(item) || sv_is_number(item);
        if (!fits) {
            SPEC_ERROR(s, DIAG_BUILTIN_ARGUMENT, call->ranges[0], "input", call_name(call),
                       "a tile or a tuple of tiles", sv_type_name(s, item));
            return false;
        }
        fold->inputs[i] = spec_to_tensor(s, item, call->ranges[0]);
        if (sv_is_error(fold->inputs[i]))
            return false;
    }
    for (size_t i = 1; i < fold->count; i++) {
        if (ir_same_shape(fold->inputs[i].u.ir->type, fold->inputs[0].u.ir->type))
            continue;
        SPEC_ERROR(s, DIAG_BUILTIN_SAME_SHAPE, call->ranges[0], call_name(call),
                   sv_type_name(s, fold->inputs[0]), sv_type_name(s, fold->inputs[i]));
        return false;
    }
    return fold->count > 0;
}

/* All elements of each input in one dimension. */
static void flatten(Spec *s, Fold *fold) {
    int64_t numel = ir_numel(fold->inputs[0].u.ir->type);
    for (size_t i = 0; i < fold->count; i++) {
        SVal *v = &fold->inputs[i];
        if (!sv_is_tile(*v))
            *v = spec_fill(s, *v, &numel, 1);
        else if (sv_rank(*v) > 1)
            v->u.ir = ir_reshape(&s->b, v->u.ir, &numel, 1);
    }
    fold->axis = 0;
}

/* ---- the region ------------------------------------------------------------------------------ */

static bool combine_refused(Spec *s, const Call *call, SVal got, const Fold *fold) {
    StrBuf wanted = STRBUF(s->arena);
    for (size_t i = 0; i < fold->count; i++)
        strbuf_printf(&wanted, "%s%s", i > 0 ? ", " : "", tl_name(s, fold->inputs[i].type));
    SPEC_ERROR(s, DIAG_BUILTIN_COMBINE, call->ranges[2], sv_type_name(s, got), strbuf_str(&wanted));
    return false;
}

/* Ends the region with what the combine function returned. */
static bool yield_combined(Spec *s, const Call *call, const Fold *fold, SVal result) {
    if (sv_is_error(result))
        return false;
    const SVal *items = result.kind == SV_TUPLE ? result.u.tuple.items : &result;
    size_t count = result.kind == SV_TUPLE ? result.u.tuple.len : 1;
    IrValues values = {0};
    for (size_t i = 0; i < count; i++) {
        SVal v = sv_is_number(items[i]) ? spec_to_tensor(s, items[i], call->ranges[2]) : items[i];
        bool fits =
            count == fold->count && sv_is_scalar(v) && tl_same(v.type, fold->inputs[i].type);
        if (!fits)
            return combine_refused(s, call, result, fold);
        vec_push(s->arena, &values, v.u.ir);
    }
    if (count != fold->count)
        return combine_refused(s, call, result, fold);
    spec_yield(s, OP_Yield, &values);
    return true;
}

static bool fill_region(Spec *s, const Call *call, const Fold *fold, IrBlock *region,
                        const JitFn *fn) {
    size_t n = fold->count;
    SVal *scalars = ARENA_ARRAY(s->arena, SVal, 2 * n);
    for (size_t i = 0; i < 2 * n; i++) {
        TlType type = fold->inputs[i % n].type;
        scalars[i] = sv_tensor(ir_block_add_arg(&s->b, region, tl_to_ir(s, type), NULL), type);
    }
    Place old = spec_enter(s, region);
    SVal result = spec_call_values(s, fn, scalars, 2 * n, call->ranges[2]);
    bool ok = yield_combined(s, call, fold, result);
    spec_leave(s, old);
    return ok;
}

/* The operation with results of these types; NULL: reported. */
static IrOp *build_fold(Spec *s, const Call *call, const Fold *fold, IrOpcode code,
                        const IrType *const *types) {
    const JitFn *fn = call_function(s, call, 2);
    if (!fn)
        return NULL;
    IrValue **operands = ARENA_ARRAY(s->arena, IrValue *, fold->count);
    for (size_t i = 0; i < fold->count; i++)
        operands[i] = fold->inputs[i].u.ir;
    unsigned count = (unsigned)fold->count;
    IrOp *op = ir_build(&s->b, code, operands, count, types, count);
    ir_set_int(op, ATTR_AXIS, fold->axis);
    return fill_region(s, call, fold, op->regions[0], fn) ? op : NULL;
}

static SVal fold_results(Spec *s, const Fold *fold, const SVal *results) {
    return fold->is_tuple ? sv_tuple(s, results, fold->count) : results[0];
}

/* ---- the functions --------------------------------------------------------------------------- */

/* A result with the dropped dimensions as dimensions of size 1 again. */
static SVal keep_dimensions(Spec *s, SVal v, unsigned axis, unsigned rank, bool all) {
    static const int64_t ones[IR_MAX_RANK] = {1, 1, 1, 1, 1, 1, 1, 1};
    if (all || !sv_is_tile(v))
        return spec_fill(s, v, ones, rank);
    return sv_tensor(ir_expand_dims(&s->b, v.u.ir, axis), v.type);
}

SVal builtin_reduce(Spec *s, const Call *call) {
    Fold fold;
    bool keep_dims, all = sv_is_none(call->args[1]);
    if (!call_inputs(s, call, &fold) || !call_bool(s, call, 3, &keep_dims))
        return SVAL_ERROR;
    unsigned rank = sv_rank(fold.inputs[0]);
    if (all)
        flatten(s, &fold);
    else if (!call_axis(s, call, 1, rank, &fold.axis))
        return SVAL_ERROR;
    int64_t shape[IR_MAX_RANK];
    unsigned out = 0;
    for (unsigned i = 0; i < sv_rank(fold.inputs[0]); i++)
        if (i != fold.axis)
            shape[out++] = sv_shape(fold.inputs[0])[i];
    const IrType **types = ARENA_ARRAY(s->arena, const IrType *, fold.count);
    for (size_t i = 0; i < fold.count; i++)
        types[i] = tile_type(s, fold.inputs[i].type, shape, out);
    IrOp *op = build_fold(s, call, &fold, OP_Reduce, types);
    if (!op)
        return SVAL_ERROR;
    SVal *results = ARENA_ARRAY(s->arena, SVal, fold.count);
    for (size_t i = 0; i < fold.count; i++) {
        results[i] = sv_tensor(ir_result(op, (unsigned)i), fold.inputs[i].type);
        if (keep_dims && rank > 0)
            results[i] = keep_dimensions(s, results[i], fold.axis, rank, all);
    }
    return fold_results(s, &fold, results);
}

SVal builtin_scan(Spec *s, const Call *call) {
    Fold fold;
    bool reverse;
    if (!call_inputs(s, call, &fold) || !call_bool(s, call, 3, &reverse) ||
        !call_axis(s, call, 1, sv_rank(fold.inputs[0]), &fold.axis))
        return SVAL_ERROR;
    const IrType **types = ARENA_ARRAY(s->arena, const IrType *, fold.count);
    for (size_t i = 0; i < fold.count; i++)
        types[i] = fold.inputs[i].u.ir->type;
    IrOp *op = build_fold(s, call, &fold, OP_Scan, types);
    if (!op)
        return SVAL_ERROR;
    ir_set_int(op, ATTR_REVERSE, reverse);
    SVal *results = ARENA_ARRAY(s->arena, SVal, fold.count);
    for (size_t i = 0; i < fold.count; i++)
        results[i] = sv_tensor(ir_result(op, (unsigned)i), fold.inputs[i].type);
    return fold_results(s, &fold, results);
}
