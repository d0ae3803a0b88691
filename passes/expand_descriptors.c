/* expand_descriptors.c -- tensor descriptors become pointers, sizes and strides.
 *
 * In:     verified tile IR, level "tile"
 * Out:    the same without values of type desc<...>: a descriptor is its base, the size and the
 *         stride of each dimension (i64), and whether what lies outside reads as NaN (i1)
 * Keeps:  every element loaded and stored, and the order of all effects; not the check that a
 *         descriptor keeps the hardware's rules, but in kernels compiled for debugging
 * Cost:   O(operations)
 * Why:    only hardware with tensor memory units (sm_90) has descriptors; everywhere else the same
 *         elements are reached through pointers
 * Before:
 *     %one = const 1 : i64
 *     %d = make_desc %p, %x, %one : desc<16xi32>
 *     %t = desc_load %d, %y : tile<16xi32>
 *     return
 * After:
 *     %0 = arange 0, 16 : tile<16xi32>
 *     %1 = splat %y : tile<16xi32>
 *     %2 = addi %1, %0 : tile<16xi32>
 *     %c0_i32 = const 0 : tile<16xi32>
 *     %3 = cmpi sge, %2, %c0_i32 : tile<16xi1>
 *     %4 = splat %x : tile<16xi32>
 *     %5 = cmpi slt, %2, %4 : tile<16xi1>
 *     %6 = andi %3, %5 : tile<16xi1>
 *     %7 = splat %p : tile<16xptr<i32>>
 *     %8 = addptr %7, %2 : tile<16xptr<i32>>
 *     %t = load %8, %6 : tile<16xi32>
 *     return
 * Not:    a kernel without descriptors                (tests/passes/expand-descriptors/none.tkir)
 *
 * A parameter %d becomes the parameters %d, %d.shape.0 .., %d.stride.0 .., %d.pad_nan, in this
 * order and in its place; so do values that loops carry, branches yield and selects choose.
 *
 * Algorithm: the text is walked once, in order, with a table from each descriptor to its parts.
 * Operations that hand descriptors on are built anew with longer lists and take over the regions
 * of the old ones. Coordinates are computed in 32 bits where offset and size have 32: a coordinate
 * that wraps is negative, thus outside, as its true value is.
 */
#include <math.h>
#include <string.h>

#include "ir/number.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

typedef VEC(IrValue *) Values;
typedef VEC(const IrType *) Types;

typedef struct Expander {
    PassContext *pc;
    IrContext *ctx;
    IrValue ***parts; /* a descriptor's id -> its parts */
    VEC(IrOp *) dead; /* in the order of the text */
    VEC(IrOp *) made; /* for parts that perhaps nobody uses */
} Expander;

/* ---- parts ----------------------------------------------------------------------------------- */

/* Positions in a descriptor's list of parts. */
enum { PART_BASE = 0 };
static unsigned part_size(unsigned d) {
    return 1 + d;
}
static unsigned part_stride(const IrType *desc, unsigned d) {
    return 1 + desc->rank + d;
}
static unsigned part_pad_nan(const IrType *desc) {
    return 1 + 2 * desc->rank;
}
static unsigned num_parts(const IrType *desc) {
    return 2 + 2 * desc->rank;
}

static bool is_desc(const IrType *type) {
    return type->kind == TY_DESC;
}

static const IrType *part_type(const Expander *x, const IrType *desc, unsigned part) {
    if (part == PART_BASE)
        return ir_type_ptr(x->ctx, desc->elem);
    return ir_type_scalar(x->ctx, part == part_pad_nan(desc) ? TY_I1 : TY_I64);
}

/* The name of a part of a descriptor called `name`; NULL has none. */
static Sym part_name(const Expander *x, const IrType *desc, Sym name, unsigned part) {
    if (!name || part == PART_BASE)
        return name;
    Arena *arena = x->pc->scratch;
    const char *text;
    if (part == part_pad_nan(desc))
        text = arena_printf(arena, "%s.pad_nan", name);
    else if (part < part_stride(desc, 0))
        text = arena_printf(arena, "%s.shape.%u", name, part - part_size(0));
    else
        text = arena_printf(arena, "%s.stride.%u", name, part - part_stride(desc, 0));
    return strtab_sym(ir_names(x->ctx), text);
}

/* What the hardware's rules promise of the parts: the base and the rows begin at multiples of 16
 * bytes. */
static void hint_part(const Expander *x, const IrType *desc, IrValue *value, unsigned part) {
    bool row = part >= part_stride(desc, 0) && part < part_stride(desc, desc->rank - 1);
    if (part != PART_BASE && !row)
        return;
    int64_t divisor = 16;
    if (row)
        divisor /= (int64_t)ir_elem_size(desc->elem);
    IrHints *hints = ir_value_hints(x->pc->module, value);
    if (hints->divisibility[0] < divisor)
        hints->divisibility[0] = divisor;
}

static IrValue **parts_of(const Expander *x, const IrValue *desc) {
    return x->parts[desc->id];
}

static IrValue **new_parts(Expander *x, const IrValue *desc) {
    IrValue **parts = ARENA_ARRAY(x->pc->scratch, IrValue *, num_parts(desc->type));
    x->parts[desc->id] = parts;
    return parts;
}

/* ---- scalars --------------------------------------------------------------------------------- */

static bool is_kind(const IrValue *value, IrTypeKind kind) {
    return ir_elem(value->type)->kind == kind;
}

static IrValue *to_i64(IrBuilder *b, IrValue *value) {
    if (is_kind(value, TY_I64))
        return value;
    return ir_cast(b, OP_ExtSI, value, ir_type_scalar(b->module->ctx, TY_I64));
}

/* The i32 that `value` was widened from, if it was. */
static IrValue *narrow(IrValue *value) {
    bool widened = value->def && value->def->code == OP_ExtSI;
    return widened && is_kind(ir_operand(value->def, 0), TY_I32) ? ir_operand(value->def, 0)
                                                                 : value;
}

/* ---- making, asking -------------------------------------------------------------------------- */

static void check(IrBuilder *b, IrValue *condition, const char *rule) {
    IrOp *op = ir_build(b, OP_Assert, &condition, 1, NULL, 0);
    ir_set_str(b->module, op, ATTR_MESSAGE, rule);
}

static void check_multiple(IrBuilder *b, IrValue *value, int64_t divisor, const char *rule) {
    IrValue *low = ir_binary(b, OP_AndI, value, ir_const_int(b, value->type, divisor - 1));
    check(b, ir_cmpi(b, IPRED_EQ, low, ir_const_int(b, value->type, 0)), rule);
}

/* The rules that the cpu device checks (ir/interp/descriptor.c), as assertions. */
static void check_rules(const Expander *x, IrBuilder *b, const IrType *desc,
                        IrValue *const *parts) {
    const IrType *i64 = ir_type_scalar(x->ctx, TY_I64);
    check_multiple(b, ir_cast(b, OP_PtrToInt, parts[PART_BASE], i64), 16,
                   "descriptor: the base address is no multiple of 16 bytes");
    IrValue *last = parts[part_stride(desc, desc->rank - 1)];
    check(b, ir_cmpi(b, IPRED_EQ, last, ir_const_int(b, i64, 1)),
          "descriptor: the last stride is not 1");
    for (unsigned d = 0; d + 1 < desc->rank; d++)
        check_multiple(b, parts[part_stride(desc, d)], 16 / (int64_t)ir_elem_size(desc->elem),
                       "descriptor: a stride is no multiple of 16 bytes");
    for (unsigned d = 0; d < desc->rank; d++)
        check(b, ir_cmpi(b, IPRED_SGE, parts[part_size(d)], ir_const_int(b, i64, 0)),
              "descriptor: a dimension of the shape is negative");
}

static void expand_make(Expander *x, IrOp *op) {
    IrBuilder b = rewrite_before(op);
    IrValue *result = ir_result(op, 0), **parts = new_parts(x, result);
    const IrType *desc = result->type;
    parts[PART_BASE] = ir_operand(op, 0);
    for (unsigned i = 1; i <= 2 * desc->rank; i++) {
        IrValue *given = ir_operand(op, i);
        parts[i] = to_i64(&b, given);
        if (parts[i] == given)
            continue;
        hint_part(x, desc, parts[i], i);
        vec_push(x->pc->scratch, &x->made, parts[i]->def);
    }
    bool nan = ir_attr_int(op, ATTR_PADDING) == PAD_NAN;
    IrValue *pad_nan = ir_const_int(&b, ir_type_scalar(x->ctx, TY_I1), nan);
    parts[part_pad_nan(desc)] = pad_nan;
    vec_push(x->pc->scratch, &x->made, pad_nan->def);
    if (op->block->kernel->debug)
        check_rules(x, &b, desc, parts);
}

static void expand_question(const Expander *x, IrOp *op) {
    IrValue *desc = ir_operand(op, 0);
    unsigned axis = (unsigned)ir_attr_int(op, ATTR_AXIS);
    bool size = op->code == OP_DescSize;
    IrValue *answer = parts_of(x, desc)[size ? part_size(axis) : part_stride(desc->type, axis)];
    if (size)
        answer = narrow(answer);
    if (size && is_kind(answer, TY_I64)) {
        IrBuilder b = rewrite_before(op);
        answer = ir_cast(&b, OP_TruncI, answer, ir_type_scalar(x->ctx, TY_I32));
    }
    rewrite_replace(ir_result(op, 0), answer);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

/* The elements of a block: pointers, and which of them are inside. Both grow dimension by
 * dimension: after d of them, all further ones have size 1. */
typedef struct Elements {
    IrBuilder *b;
    const IrType *desc;
    IrValue *const *parts;
    unsigned done; /* dimensions */
    int64_t shape[IR_MAX_RANK];
    IrValue *ptrs, *mask; /* NULL: no dimension yet */
} Elements;

static Elements elements_of(const Expander *x, IrBuilder *b, const IrValue *desc) {
    Elements e = {.b = b, .desc = desc->type, .parts = parts_of(x, desc)};
    for (unsigned d = 0; d < IR_MAX_RANK; d++)
        e.shape[d] = 1;
    return e;
}

/* A one-dimensional tile along dimension `d` of the block. */
static IrValue *along(const Elements *e, IrValue *tile, unsigned d) {
    for (unsigned i = 0; i < e->desc->rank; i++) {
        if (i != d)
            tile = ir_expand_dims(e->b, tile, i);
    }
    return tile;
}

static IrValue *spread(const Elements *e, IrValue *tile) {
    bool whole = memcmp(tile->type->shape, e->shape, e->desc->rank * sizeof e->shape[0]) == 0;
    return whole ? tile : ir_broadcast(e->b, tile, e->shape, e->desc->rank);
}

/* The coordinates offset, offset + 1, ... along dimension `d`. */
static IrValue *coordinates(const Elements *e, unsigned d, IrValue *offset, int64_t count) {
    IrContext *ctx = e->b->module->ctx;
    const IrType *type = ir_type_tile(ctx, ir_type_scalar(ctx, TY_I32), &count, 1);
    IrValue *steps = ir_result(ir_build(e->b, OP_Arange, NULL, 0, &type, 1), 0);
    ir_set_int(steps->def, ATTR_END, count);
    if (is_kind(offset, TY_I64) || is_kind(narrow(e->parts[part_size(d)]), TY_I64)) {
        steps = to_i64(e->b, steps);
        offset = to_i64(e->b, offset);
    }
    return ir_binary(e->b, OP_AddI, ir_splat(e->b, offset, &count, 1), steps);
}

static IrValue *are_inside(const Elements *e, IrValue *index, IrValue *size) {
    IrBuilder *b = e->b;
    size = narrow(size);
    if (is_kind(index, TY_I64))
        size = to_i64(b, size);
    IrValue *low = ir_cmpi(b, IPRED_SGE, index, ir_const_int(b, index->type, 0));
    IrValue *limit = ir_splat(b, size, index->type->shape, 1);
    return ir_binary(b, OP_AndI, low, ir_cmpi(b, IPRED_SLT, index, limit));
}

/* Adds the next dimension, whose elements have the coordinates `index` (a one-dimensional tile). */
static void add_dimension(Elements *e, IrValue *index) {
    IrBuilder *b = e->b;
    unsigned d = e->done++;
    IrValue *size = e->parts[part_size(d)], *stride = e->parts[part_stride(e->desc, d)];
    if (is_kind(narrow(size), TY_I64))
        index = to_i64(b, index);
    else if (ir_bits(index->type) < 32)
        index = ir_cast(b, OP_ExtSI, index, ir_type_scalar(b->module->ctx, TY_I32));
    IrValue *inside = along(e, are_inside(e, index, size), d), *steps = index;
    if (d + 1 < e->desc->rank) { /* the last stride is 1 */
        steps = to_i64(b, index);
        steps = ir_binary(b, OP_MulI, steps, ir_splat(b, stride, index->type->shape, 1));
    }
    steps = along(e, steps, d);
    e->shape[d] = index->type->shape[0];
    e->ptrs =
        d == 0 ? ir_splat(b, e->parts[PART_BASE], e->shape, e->desc->rank) : spread(e, e->ptrs);
    e->ptrs = ir_addptr(b, e->ptrs, spread(e, steps), false);
    inside = spread(e, inside);
    e->mask = d == 0 ? inside : ir_binary(b, OP_AndI, spread(e, e->mask), inside);
}

/* The block of `op`'s descriptor at the offsets from operand `first` on. */
static Elements block_at(const Expander *x, IrBuilder *b, const IrOp *op, unsigned first) {
    Elements e = elements_of(x, b, ir_operand(op, 0));
    for (unsigned d = 0; d < e.desc->rank; d++)
        add_dimension(&e, coordinates(&e, d, ir_operand(op, first + d), e.desc->shape[d]));
    return e;
}

/* The rows that operand `rows` numbers, from the column in the operand behind it on. */
static Elements rows_at(const Expander *x, IrBuilder *b, const IrOp *op, unsigned rows) {
    Elements e = elements_of(x, b, ir_operand(op, 0));
    add_dimension(&e, ir_operand(op, rows));
    add_dimension(&e, coordinates(&e, 1, ir_operand(op, rows + 1), e.desc->shape[1]));
    return e;
}

/* ---- accesses -------------------------------------------------------------------------------- */

/* What masked-off elements load; NULL: zeros. */
static IrValue *padding(const Elements *e) {
    if (!ir_is_float(e->desc->elem))
        return NULL;
    IrValue *pad_nan = e->parts[part_pad_nan(e->desc)];
    IrBuilder *b = e->b;
    uint64_t known;
    bool constant = rewrite_constant(pad_nan, &known);
    if (constant && !known)
        return NULL;
    uint64_t nan = ir_float_to_bits(e->desc->elem->kind, (double)NAN);
    IrValue *other = ir_const_bits(b, e->desc->elem, nan);
    if (!constant)
        other = ir_select(b, pad_nan, other, ir_const_bits(b, e->desc->elem, 0));
    return ir_splat(b, other, e->shape, e->desc->rank);
}

static void expand_load(const Expander *x, IrOp *op) {
    IrBuilder b = rewrite_before(op);
    bool gather = op->code == OP_DescGather;
    Elements e = gather ? rows_at(x, &b, op, 1) : block_at(x, &b, op, 1);
    IrValue *loaded = ir_load(&b, e.ptrs, e.mask, padding(&e));
    if (!gather) {
        ir_set_int(loaded->def, ATTR_CACHE, ir_attr_int(op, ATTR_CACHE));
        ir_set_int(loaded->def, ATTR_EVICT, ir_attr_int(op, ATTR_EVICT));
    }
    rewrite_replace(ir_result(op, 0), loaded);
}

static void expand_store(const Expander *x, IrOp *op) {
    IrBuilder b = rewrite_before(op);
    Elements e = op->code == OP_DescScatter ? rows_at(x, &b, op, 2) : block_at(x, &b, op, 2);
    IrValue *value = ir_operand(op, 1);
    if (op->code != OP_DescReduce) {
        ir_store(&b, e.ptrs, value, e.mask);
        return;
    }
    IrValue *operands[] = {e.ptrs, value, e.mask};
    IrOp *atomic = ir_build(&b, OP_AtomicRmw, operands, 3, &value->type, 1);
    ir_set_int(atomic, ATTR_RMW, ir_attr_int(op, ATTR_RMW));
    ir_set_int(atomic, ATTR_SEM, SEM_RELAXED);
}

/* ---- descriptors that are handed on ---------------------------------------------------------- */

static void expand_select(Expander *x, IrOp *op) {
    IrBuilder b = rewrite_before(op);
    const IrValue *result = ir_result(op, 0);
    IrValue *const *yes = parts_of(x, ir_operand(op, 1));
    IrValue *const *no = parts_of(x, ir_operand(op, 2));
    IrValue **parts = new_parts(x, result);
    for (unsigned k = 0; k < num_parts(result->type); k++) {
        parts[k] = yes[k];
        if (yes[k] == no[k])
            continue;
        parts[k] = ir_select(&b, ir_operand(op, 0), yes[k], no[k]);
        parts[k]->name = part_name(x, result->type, result->name, k);
        vec_push(x->pc->scratch, &x->made, parts[k]->def);
    }
}

/* Replaces descriptors among the arguments of a block by their parts. */
static void expand_args(Expander *x, IrBlock *block) {
    IrBuilder b = {.module = x->pc->module, .kernel = block->kernel, .block = block};
    Values args = {0};
    unsigned before = block->num_args;
    for (unsigned i = 0; i < before; i++) {
        IrValue *arg = block->args[i];
        if (!is_desc(arg->type)) {
            vec_push(x->pc->scratch, &args, arg);
            continue;
        }
        IrValue **parts = new_parts(x, arg);
        for (unsigned k = 0; k < num_parts(arg->type); k++) {
            parts[k] = ir_block_add_arg(&b, block, part_type(x, arg->type, k),
                                        part_name(x, arg->type, arg->name, k));
            hint_part(x, arg->type, parts[k], k);
            vec_push(x->pc->scratch, &args, parts[k]);
        }
    }
    if (block->num_args == before)
        return;
    block->num_args = (unsigned)args.len; /* fewer than there is room for */
    for (unsigned i = 0; i < block->num_args; i++) {
        block->args[i] = args.data[i];
        args.data[i]->index = i;
    }
}

static Values expanded_operands(const Expander *x, const IrOp *op) {
    Values values = {0};
    for (unsigned i = 0; i < op->num_operands; i++) {
        IrValue *value = ir_operand(op, i);
        unsigned count = is_desc(value->type) ? num_parts(value->type) : 1;
        for (unsigned k = 0; k < count; k++)
            vec_push(x->pc->scratch, &values, is_desc(value->type) ? parts_of(x, value)[k] : value);
    }
    return values;
}

static Types expanded_results(const Expander *x, const IrOp *op) {
    Types types = {0};
    for (unsigned i = 0; i < op->num_results; i++) {
        const IrType *type = op->results[i].type;
        unsigned count = is_desc(type) ? num_parts(type) : 1;
        for (unsigned k = 0; k < count; k++)
            vec_push(x->pc->scratch, &types, is_desc(type) ? part_type(x, type, k) : type);
    }
    return types;
}

/* Lets the results of `op` mean those of `longer`. */
static void hand_over_results(Expander *x, IrOp *op, IrOp *longer) {
    unsigned next = 0;
    for (unsigned i = 0; i < op->num_results; i++) {
        IrValue *old = &op->results[i];
        if (!is_desc(old->type)) {
            rewrite_replace(old, &longer->results[next++]);
            continue;
        }
        IrValue **parts = new_parts(x, old);
        for (unsigned k = 0; k < num_parts(old->type); k++) {
            parts[k] = &longer->results[next++];
            parts[k]->name = part_name(x, old->type, old->name, k);
        }
    }
}

static bool hands_on(const IrOp *op) {
    bool any = false;
    for (unsigned i = 0; i < op->num_operands; i++)
        any |= is_desc(ir_operand(op, i)->type);
    for (unsigned i = 0; i < op->num_results; i++)
        any |= is_desc(op->results[i].type);
    return any;
}

/* Builds `op` anew with the parts in place of descriptors; its regions move over. */
static IrOp *expand_lists(Expander *x, IrOp *op) {
    Values operands = expanded_operands(x, op);
    Types types = expanded_results(x, op);
    IrBuilder b = rewrite_before(op);
    IrOp *longer = ir_build(&b, op->code, operands.data, (unsigned)operands.len, types.data,
                            (unsigned)types.len);
    memcpy(longer->attrs, op->attrs, ir_info(op)->num_attrs * sizeof *op->attrs);
    for (unsigned r = 0; r < op->num_regions; r++) {
        longer->regions[r] = op->regions[r];
        longer->regions[r]->parent = longer;
    }
    op->num_regions = 0;
    hand_over_results(x, op, longer);
    return longer;
}

/* ---- the pass -------------------------------------------------------------------------------- */

/* Expands an operation that has to do with descriptors; what takes its place in the walk. */
static IrOp *expand_op(Expander *x, IrOp *op) {
    IrOp *place = op;
    switch ((int)op->code) {
    case OP_MakeDesc:
        expand_make(x, op);
        break;
    case OP_DescSize:
    case OP_DescStride:
        expand_question(x, op);
        break;
    case OP_DescLoad:
    case OP_DescGather:
        expand_load(x, op);
        pass_count(x->pc, STAT_DESC_EXPANDED, 1);
        break;
    case OP_DescStore:
    case OP_DescReduce:
    case OP_DescScatter:
        expand_store(x, op);
        pass_count(x->pc, STAT_DESC_EXPANDED, 1);
        break;
    case OP_Select:
        expand_select(x, op);
        break;
    default:
        place = expand_lists(x, op);
        break;
    }
    vec_push(x->pc->scratch, &x->dead, op);
    return place;
}

static void expand_block(Expander *x, IrBlock *block) {
    expand_args(x, block);
    IrOp *next;
    for (IrOp *op = block->first; op; op = next) {
        next = op->next;
        if (hands_on(op))
            op = expand_op(x, op);
        for (unsigned r = 0; r < op->num_regions; r++)
            expand_block(x, op->regions[r]);
    }
}

static void expand_params(Expander *x, IrKernel *kernel) {
    VEC(IrParam) old = {kernel->params.data, kernel->params.len, kernel->params.cap};
    memset(&kernel->params, 0, sizeof kernel->params);
    for (size_t i = 0; i < old.len; i++) {
        IrParam param = old.data[i];
        const IrType *type = param.value->type;
        IrValue **parts = is_desc(type) ? parts_of(x, param.value) : &param.value;
        for (unsigned k = 0; k < (is_desc(type) ? num_parts(type) : 1); k++) {
            IrParam part = param;
            part.value = parts[k];
            part.name = is_desc(type) ? part_name(x, type, param.name, k) : param.name;
            vec_push(x->pc->module->arena, &kernel->params, part);
        }
    }
}

static void clean_up(Expander *x) {
    while (x->dead.len > 0) {
        IrOp *op = vec_pop(&x->dead);
        if (op->block) /* else it went with the last one that used it */
            rewrite_erase(op);
    }
    while (x->made.len > 0) {
        IrOp *op = vec_pop(&x->made);
        if (op->block && !ir_has_uses(&op->results[0]))
            rewrite_erase(op);
    }
}

bool pass_expand_descriptors(PassContext *pc, IrKernel *kernel) {
    Expander x = {.pc = pc, .ctx = pc->module->ctx};
    x.parts = ARENA_ARRAY(pc->scratch, IrValue **, kernel->num_values);
    unsigned params = kernel->body->num_args;
    expand_block(&x, kernel->body);
    bool changed = x.dead.len > 0 || kernel->body->num_args != params;
    if (changed)
        expand_params(&x, kernel);
    clean_up(&x);
    return changed;
}
