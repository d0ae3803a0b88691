/* verify_rules.c -- how result types follow from operands: one function for each rule of ops.def.
 *
 * The table at the end is made from ops.def; an operation whose row says OWN needs a function
 * own_NAME here, else this file does not compile. The functions see operands whose letters hold
 * (verify.c checked them). Example: own_Dot demands that [M, K] @ [K, N] + [M, N] gives [M, N].
 */
#include "ir/number.h"
#include "ir/verify.h"

#include <string.h>

static const IrType *type_of(const IrOp *op, unsigned operand) {
    return ir_operand(op, operand)->type;
}

static const IrType *result_type(const IrOp *op, unsigned result) {
    return op->results[result].type;
}

static void bad_result(Verifier *v, const IrOp *op, const char *wanted) {
    ir_violation(v, DIAG_IR_RESULTS, op, "the result is %s, not %s",
                 ir_type_text(v, result_type(op, 0)), wanted);
}

/* All of operand `i`'s type must be `type`. */
static bool want_operand(Verifier *v, const IrOp *op, unsigned i, const IrType *type) {
    if (type_of(op, i) == type)
        return true;
    ir_violation(v, DIAG_IR_OPERANDS, op, "operand %u is %s, not %s", i + 1,
                 ir_type_text(v, type_of(op, i)), ir_type_text(v, type));
    return false;
}

static void want_result(Verifier *v, const IrOp *op, const IrType *type) {
    if (result_type(op, 0) != type)
        bad_result(v, op, ir_type_text(v, type));
}

static bool want_same_shape(Verifier *v, const IrOp *op, unsigned i, const IrType *as) {
    if (ir_same_shape(type_of(op, i), as))
        return true;
    ir_violation(v, DIAG_IR_OPERANDS, op, "operand %u is %s: its shape is not that of %s", i + 1,
                 ir_type_text(v, type_of(op, i)), ir_type_text(v, as));
    return false;
}

/* Whether `type` is a tile (or, with rank 0, a scalar) of that shape and element type. */
static bool is_shaped(const IrType *type, const IrType *elem, const int64_t *shape, unsigned rank) {
    if (rank == 0)
        return type == elem;
    if (!ir_is_tile(type) || type->elem != elem || type->rank != rank)
        return false;
    return memcmp(type->shape, shape, rank * sizeof *shape) == 0;
}

/* The attribute must be in [lo, hi]. */
static bool want_range(Verifier *v, const IrOp *op, IrAttrId id, int64_t lo, int64_t hi) {
    int64_t value = ir_attr_int(op, id);
    if (value >= lo && value <= hi)
        return true;
    ir_violation(v, DIAG_IR_ATTRIBUTE, op, "`%s` is %jd, not in [%jd, %jd]", ir_attr_infos[id].name,
                 (intmax_t)value, (intmax_t)lo, (intmax_t)hi);
    return false;
}

/* ---- rules that many operations share -------------------------------------------------------- */

static void check_same(Verifier *v, const IrOp *op) {
    for (unsigned i = 0; i < op->num_operands; i++)
        want_operand(v, op, i, result_type(op, 0));
}

static void check_cmp(Verifier *v, const IrOp *op) {
    want_operand(v, op, 1, type_of(op, 0));
    if (ir_elem(result_type(op, 0))->kind != TY_I1 ||
        !ir_same_shape(result_type(op, 0), type_of(op, 0)))
        bad_result(v, op, "i1 of the operands' shape");
}

static void check_select(Verifier *v, const IrOp *op) {
    if (ir_is_tile(type_of(op, 0)))
        want_same_shape(v, op, 0, result_type(op, 0));
    want_operand(v, op, 1, result_type(op, 0));
    want_operand(v, op, 2, result_type(op, 0));
}

static void check_cast(Verifier *v, const IrOp *op) {
    const IrType *from = type_of(op, 0), *to = result_type(op, 0);
    unsigned from_bits = ir_bits(from), to_bits = ir_bits(to);
    if (!ir_same_shape(from, to)) {
        bad_result(v, op, "of the operand's shape");
        return;
    }
    bool ok = true;
    if (op->code == OP_ExtSI || op->code == OP_ExtUI || op->code == OP_FPExt)
        ok = to_bits > from_bits;
    else if (op->code == OP_TruncI)
        ok = to_bits < from_bits;
    else if (op->code == OP_FPTrunc)
        ok = to_bits < from_bits || (to_bits == from_bits && ir_elem(from) != ir_elem(to));
    else if (op->code == OP_Bitcast)
        ok = to_bits == from_bits && from->kind != TY_DESC && to->kind != TY_DESC;
    else if (op->code == OP_IntToPtr)
        ok = from_bits == 64;
    else if (op->code == OP_PtrToInt)
        ok = to_bits == 64;
    if (!ok)
        ir_violation(v, DIAG_IR_RESULTS, op, "cannot convert %s to %s", ir_type_text(v, from),
                     ir_type_text(v, to));
}

/* ---- constants and positions ----------------------------------------------------------------- */

static void own_Const(Verifier *v, const IrOp *op) {
    const IrType *type = result_type(op, 0);
    if (type->kind > TY_TILE)
        bad_result(v, op, "a number, a pointer or a tile of them");
    else if (ir_attr(op, ATTR_VALUE)->u.bits & ~ir_bit_mask(ir_bits(type)))
        ir_violation(v, DIAG_IR_ATTRIBUTE, op, "the value does not fit %s", ir_type_text(v, type));
}

static void own_Arange(Verifier *v, const IrOp *op) {
    const IrType *type = result_type(op, 0);
    int64_t start = ir_attr_int(op, ATTR_START);
    if (!want_range(v, op, ATTR_START, INT32_MIN, INT32_MAX) ||
        !want_range(v, op, ATTR_END, start + 1, (int64_t)INT32_MAX + 1))
        return;
    if (type->rank != 1 || type->elem->kind != TY_I32 ||
        type->shape[0] != ir_attr_int(op, ATTR_END) - start)
        bad_result(v, op, "a one-dimensional tile of end - start i32");
}

static void check_grid_axis(Verifier *v, const IrOp *op) {
    want_range(v, op, ATTR_AXIS, 0, 2);
    if (result_type(op, 0)->kind != TY_I32)
        bad_result(v, op, "i32");
}

static void own_ProgramId(Verifier *v, const IrOp *op) {
    check_grid_axis(v, op);
}

static void own_NumPrograms(Verifier *v, const IrOp *op) {
    check_grid_axis(v, op);
}

static void own_LibCall(Verifier *v, const IrOp *op) {
    static const char *const functions[] = {
#define LIBDEVICE(name, overloads, shape, function) name,
#include "ir/libdevice.def"
#undef LIBDEVICE
    };
    const char *name = ir_attr_str(op, ATTR_NAME);
    size_t len = name ? strcspn(name, ":") : 0;
    bool known = false;
    for (size_t i = 0; i < TK_COUNTOF(functions) && len > 0; i++)
        known |= strlen(functions[i]) == len && memcmp(functions[i], name, len) == 0;
    if (!known)
        ir_violation(v, DIAG_IR_ATTRIBUTE, op, "libdevice has no function `%s`", name ? name : "");
    for (unsigned i = 0; i < op->num_operands; i++)
        want_same_shape(v, op, i, result_type(op, 0));
}

/* ---- shapes ---------------------------------------------------------------------------------- */

static void own_Splat(Verifier *v, const IrOp *op) {
    if (result_type(op, 0)->elem != type_of(op, 0))
        bad_result(v, op, "a tile of the operand's type");
}

static void own_Unsplat(Verifier *v, const IrOp *op) {
    if (ir_numel(type_of(op, 0)) != 1)
        ir_violation(v, DIAG_IR_OPERANDS, op, "the tile has %jd elements, not one",
                     (intmax_t)ir_numel(type_of(op, 0)));
    want_result(v, op, type_of(op, 0)->elem);
}

static void own_Broadcast(Verifier *v, const IrOp *op) {
    const IrType *from = type_of(op, 0), *to = result_type(op, 0);
    bool ok = from->elem == to->elem && from->rank == to->rank;
    for (unsigned i = 0; ok && i < to->rank; i++)
        ok = from->shape[i] == to->shape[i] || from->shape[i] == 1;
    if (!ok)
        ir_violation(v, DIAG_IR_RESULTS, op, "cannot broadcast %s to %s", ir_type_text(v, from),
                     ir_type_text(v, to));
}

static void own_ExpandDims(Verifier *v, const IrOp *op) {
    const IrType *from = type_of(op, 0);
    if (!want_range(v, op, ATTR_AXIS, 0, from->rank))
        return;
    int64_t axis = ir_attr_int(op, ATTR_AXIS), shape[IR_MAX_RANK + 1];
    for (unsigned i = 0; i <= from->rank; i++)
        shape[i] = i < axis ? from->shape[i] : i == axis ? 1 : from->shape[i - 1];
    if (!is_shaped(result_type(op, 0), from->elem, shape, from->rank + 1))
        bad_result(v, op, "the operand with a dimension of size 1 at `axis`");
}

static void own_Reshape(Verifier *v, const IrOp *op) {
    const IrType *from = type_of(op, 0), *to = result_type(op, 0);
    if (from->elem != to->elem || ir_numel(from) != ir_numel(to))
        ir_violation(v, DIAG_IR_RESULTS, op, "cannot reshape %s to %s", ir_type_text(v, from),
                     ir_type_text(v, to));
}

static void own_Permute(Verifier *v, const IrOp *op) {
    const IrType *from = type_of(op, 0);
    IrInts order = ir_attr(op, ATTR_ORDER)->u.ints;
    int64_t shape[IR_MAX_RANK];
    unsigned seen = 0;
    bool ok = order.len == from->rank;
    for (unsigned i = 0; ok && i < from->rank; i++) {
        ok = order.items[i] >= 0 && order.items[i] < from->rank;
        if (ok) {
            seen |= 1u << order.items[i];
            shape[i] = from->shape[order.items[i]];
        }
    }
    if (!ok || seen != (1u << from->rank) - 1)
        ir_violation(v, DIAG_IR_ATTRIBUTE, op, "`order` does not name every dimension once");
    else if (!is_shaped(result_type(op, 0), from->elem, shape, from->rank))
        bad_result(v, op, "the operand with its dimensions in that order");
}

/* Whether `pair` is `half` with a last dimension of size 2. */
static bool is_pair_of(const IrType *pair, const IrType *half) {
    int64_t shape[IR_MAX_RANK + 1];
    memcpy(shape, half->shape, sizeof half->shape);
    unsigned rank = ir_is_tile(half) ? half->rank : 0;
    shape[rank] = 2;
    return is_shaped(pair, ir_elem(half), shape, rank + 1);
}

static void own_Join(Verifier *v, const IrOp *op) {
    if (want_operand(v, op, 1, type_of(op, 0)) && !is_pair_of(result_type(op, 0), type_of(op, 0)))
        bad_result(v, op, "the operands' type with a last dimension of size 2");
}

static void own_Split(Verifier *v, const IrOp *op) {
    if (!is_pair_of(type_of(op, 0), result_type(op, 0)) || result_type(op, 1) != result_type(op, 0))
        bad_result(v, op, "the operand's type without its last dimension of size 2");
}

static void own_Cat(Verifier *v, const IrOp *op) {
    const IrType *a = type_of(op, 0), *b = type_of(op, 1);
    if (!want_range(v, op, ATTR_AXIS, 0, (int64_t)a->rank - 1))
        return;
    int64_t axis = ir_attr_int(op, ATTR_AXIS), shape[IR_MAX_RANK];
    bool ok = a->elem == b->elem && a->rank == b->rank;
    for (unsigned i = 0; ok && i < a->rank; i++) {
        ok = i == axis || a->shape[i] == b->shape[i];
        shape[i] = i == axis ? a->shape[i] + b->shape[i] : a->shape[i];
    }
    if (!ok)
        ir_violation(v, DIAG_IR_OPERANDS, op, "cannot put %s behind %s", ir_type_text(v, b),
                     ir_type_text(v, a));
    else if (!is_shaped(result_type(op, 0), a->elem, shape, a->rank))
        bad_result(v, op, "the operands one behind the other along `axis`");
}

/* Of `gather` and `shared_gather`: a tile or a buffer, indexed along `axis`. */
static void check_gather(Verifier *v, const IrOp *op) {
    const IrType *a = type_of(op, 0), *index = type_of(op, 1);
    if (!want_range(v, op, ATTR_AXIS, 0, (int64_t)a->rank - 1))
        return;
    bool ok = a->rank == index->rank && ir_is_int(index);
    for (unsigned i = 0; ok && i < a->rank; i++)
        ok = i == ir_attr_int(op, ATTR_AXIS) || a->shape[i] == index->shape[i];
    if (!ok)
        ir_violation(v, DIAG_IR_OPERANDS, op, "cannot index %s by %s", ir_type_text(v, a),
                     ir_type_text(v, index));
    else if (!is_shaped(result_type(op, 0), a->elem, index->shape, index->rank))
        bad_result(v, op, "the first operand's elements in the second's shape");
}

static void own_Gather(Verifier *v, const IrOp *op) {
    check_gather(v, op);
}

static void own_Histogram(Verifier *v, const IrOp *op) {
    if (!ir_is_int(type_of(op, 0)) || type_of(op, 0)->rank != 1)
        ir_violation(v, DIAG_IR_OPERANDS, op, "operand 1 is %s, not a one-dimensional integer tile",
                     ir_type_text(v, type_of(op, 0)));
    if (op->num_operands > 1)
        want_same_shape(v, op, 1, type_of(op, 0));
    if (!ir_is_int(result_type(op, 0)) || result_type(op, 0)->rank != 1)
        bad_result(v, op, "a one-dimensional integer tile");
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* Operand `i` must hold, for each pointer of operand 0, what that points to. */
static bool want_pointees(Verifier *v, const IrOp *op, unsigned i) {
    const IrType *pointer = type_of(op, 0), *type = type_of(op, i);
    if (ir_same_shape(type, pointer) && ir_elem(type) == ir_elem(pointer)->elem)
        return true;
    ir_violation(v, DIAG_IR_OPERANDS, op, "operand %u is %s, which %s does not point to", i + 1,
                 ir_type_text(v, type), ir_type_text(v, pointer));
    return false;
}

static void want_pointee_result(Verifier *v, const IrOp *op) {
    const IrType *pointer = type_of(op, 0), *type = result_type(op, 0);
    if (!ir_same_shape(type, pointer) || ir_elem(type) != ir_elem(pointer)->elem)
        ir_violation(v, DIAG_IR_RESULTS, op, "the result is %s, which %s does not point to",
                     ir_type_text(v, type), ir_type_text(v, pointer));
}

static void own_AddPtr(Verifier *v, const IrOp *op) {
    want_same_shape(v, op, 1, type_of(op, 0));
    want_result(v, op, type_of(op, 0));
}

/* `vector` elements, a power of two, of `along` a dimension of the tile. */
static void check_vector(Verifier *v, const IrOp *op) {
    int64_t vector = ir_attr_int(op, ATTR_VECTOR);
    if (want_range(v, op, ATTR_VECTOR, 1, 16) && (vector & (vector - 1)) != 0)
        ir_violation(v, DIAG_IR_ATTRIBUTE, op, "`vector` is %jd, no power of two",
                     (intmax_t)vector);
    int64_t rank = type_of(op, 0)->rank;
    want_range(v, op, ATTR_ALONG, 0, rank > 0 ? rank - 1 : 0);
}

static void own_Load(Verifier *v, const IrOp *op) {
    check_vector(v, op);
    want_pointee_result(v, op);
    if (op->num_operands > 1)
        want_same_shape(v, op, 1, type_of(op, 0));
    if (op->num_operands > 2)
        want_pointees(v, op, 2);
}

static void own_Store(Verifier *v, const IrOp *op) {
    check_vector(v, op);
    want_pointees(v, op, 1);
    if (op->num_operands > 2)
        want_same_shape(v, op, 2, type_of(op, 0));
}

/* Integer forms of read-modify-write want integers, float forms floats; an exchange takes both. */
static void check_rmw(Verifier *v, const IrOp *op, const IrType *value) {
    int64_t rmw = ir_attr_int(op, ATTR_RMW);
    bool float_form = rmw == RMW_FADD || rmw == RMW_FMAX || rmw == RMW_FMIN;
    if (rmw != RMW_XCHG && (float_form ? !ir_is_float(value) : !ir_is_int(value)))
        ir_violation(v, DIAG_IR_OPERANDS, op, "`%s` does not work on %s",
                     ir_enum_text(ATTR_RMW, rmw), ir_type_text(v, value));
}

static void own_AtomicRmw(Verifier *v, const IrOp *op) {
    if (want_pointees(v, op, 1))
        check_rmw(v, op, type_of(op, 1));
    if (op->num_operands > 2)
        want_same_shape(v, op, 2, type_of(op, 0));
    want_pointee_result(v, op);
}

static void own_AtomicCas(Verifier *v, const IrOp *op) {
    want_pointees(v, op, 1);
    want_pointees(v, op, 2);
    want_pointee_result(v, op);
}

static void own_MakeDesc(Verifier *v, const IrOp *op) {
    const IrType *base = type_of(op, 0), *desc = result_type(op, 0);
    if (ir_is_tile(base))
        ir_violation(v, DIAG_IR_OPERANDS, op, "the base is a tile of pointers, not a pointer");
    else if (desc->elem != base->elem)
        bad_result(v, op, "a descriptor of what the base points to");
    if (op->num_operands != 1 + 2 * desc->rank)
        ir_violation(v, DIAG_IR_OPERANDS, op, "has %u sizes and strides for %u dimensions",
                     op->num_operands - 1, desc->rank);
}

static void check_desc_axis(Verifier *v, const IrOp *op, IrTypeKind kind, const char *name) {
    want_range(v, op, ATTR_AXIS, 0, (int64_t)type_of(op, 0)->rank - 1);
    if (result_type(op, 0)->kind != kind)
        bad_result(v, op, name);
}

static void own_DescSize(Verifier *v, const IrOp *op) {
    check_desc_axis(v, op, TY_I32, "i32");
}

static void own_DescStride(Verifier *v, const IrOp *op) {
    check_desc_axis(v, op, TY_I64, "i64");
}

static void want_offsets(Verifier *v, const IrOp *op, unsigned others) {
    unsigned rank = type_of(op, 0)->rank;
    if (op->num_operands != others + rank)
        ir_violation(v, DIAG_IR_OPERANDS, op, "has %u offsets for %u dimensions",
                     op->num_operands - others, rank);
}

static void own_DescLoad(Verifier *v, const IrOp *op) {
    const IrType *desc = type_of(op, 0);
    want_offsets(v, op, 1);
    if (!is_shaped(result_type(op, 0), desc->elem, desc->shape, desc->rank))
        bad_result(v, op, "the descriptor's block");
}

static bool want_block(Verifier *v, const IrOp *op, unsigned operand) {
    const IrType *desc = type_of(op, 0);
    bool ok = is_shaped(type_of(op, operand), desc->elem, desc->shape, desc->rank);
    if (!ok)
        ir_violation(v, DIAG_IR_OPERANDS, op, "operand %u is %s, not a block of %s", operand + 1,
                     ir_type_text(v, type_of(op, operand)), ir_type_text(v, desc));
    return ok;
}

static void own_DescStore(Verifier *v, const IrOp *op) {
    want_offsets(v, op, 2);
    want_block(v, op, 1);
}

static void own_DescReduce(Verifier *v, const IrOp *op) {
    want_offsets(v, op, 2);
    if (want_block(v, op, 1))
        check_rmw(v, op, type_of(op, 1));
}

/* Rows of a two-dimensional descriptor, chosen by the integers of operand `rows`. */
static void check_rows(Verifier *v, const IrOp *op, unsigned rows, const IrType *block) {
    const IrType *desc = type_of(op, 0), *index = type_of(op, rows);
    if (desc->rank != 2 || index->rank != 1 || !ir_is_int(index)) {
        ir_violation(v, DIAG_IR_OPERANDS, op, "cannot choose rows of %s by %s",
                     ir_type_text(v, desc), ir_type_text(v, index));
        return;
    }
    int64_t shape[2] = {index->shape[0], desc->shape[1]};
    if (!is_shaped(block, desc->elem, shape, 2))
        ir_violation(v, DIAG_IR_RESULTS, op, "the rows are %s, not %jd rows of %jd",
                     ir_type_text(v, block), (intmax_t)shape[0], (intmax_t)shape[1]);
}

static void own_DescGather(Verifier *v, const IrOp *op) {
    check_rows(v, op, 1, result_type(op, 0));
}

static void own_DescScatter(Verifier *v, const IrOp *op) {
    check_rows(v, op, 2, type_of(op, 1));
}

/* ---- linear algebra -------------------------------------------------------------------------- */

/* Of `dot` and its kin, whose operands are tiles or buffers of the same shapes. */
static void check_dot(Verifier *v, const IrOp *op) {
    const IrType *a = type_of(op, 0), *b = type_of(op, 1), *c = type_of(op, 2);
    want_result(v, op, c);
    unsigned rank = a->rank;
    bool ok = (rank == 2 || rank == 3) && b->rank == rank && c->rank == rank;
    if (ok && rank == 3)
        ok = a->shape[0] == b->shape[0] && a->shape[0] == c->shape[0];
    ok = ok && a->shape[rank - 1] == b->shape[rank - 2] &&
         c->shape[rank - 2] == a->shape[rank - 2] && c->shape[rank - 1] == b->shape[rank - 1];
    bool floats = ir_is_float(a) && ir_is_float(b) && ir_is_float(c);
    bool ints = ir_is_int(a) && ir_elem(a) == ir_elem(b) && ir_is_int(c);
    if (!ok || (!floats && !ints) || ir_bits(a) != ir_bits(b))
        ir_violation(v, DIAG_IR_OPERANDS, op, "cannot multiply %s by %s into %s",
                     ir_type_text(v, a), ir_type_text(v, b), ir_type_text(v, c));
    want_range(v, op, ATTR_IMPRECISE_ACC, 0, INT32_MAX);
}

static void own_Dot(Verifier *v, const IrOp *op) {
    check_dot(v, op);
}

static void own_DotMma(Verifier *v, const IrOp *op) {
    check_dot(v, op);
    if (ir_elem(type_of(op, 0))->kind == TY_F32 && ir_attr_int(op, ATTR_PRECISION) != PREC_TF32)
        ir_violation(v, DIAG_IR_ATTRIBUTE, op, "tensor cores multiply f32 in tf32 only");
}

static void own_DotFma(Verifier *v, const IrOp *op) {
    check_dot(v, op);
}

/* ---- layouts and shared memory --------------------------------------------------------------- */

static void own_ConvertLayout(Verifier *v, const IrOp *op) {
    if (result_type(op, 0)->elem != type_of(op, 0)->elem)
        bad_result(v, op, "a tile of the operand's elements");
    else
        want_same_shape(v, op, 0, result_type(op, 0));
}

static void own_SharedAlloc(Verifier *v, const IrOp *op) {
    want_range(v, op, ATTR_OFFSET, -1, INT32_MAX);
    if (!want_range(v, op, ATTR_STAGES, 1, 1024) || ir_attr_int(op, ATTR_STAGES) == 1)
        return;
    for (const IrUse *use = op->results[0].uses; use; use = use->next) {
        if (use->user->code != OP_SharedSlot)
            ir_violation(v, DIAG_IR_OPERANDS, use->user, "operand %u has stages, none is chosen",
                         use->index + 1);
    }
}

static void own_SharedSlot(Verifier *v, const IrOp *op) {
    const IrOp *alloc = ir_operand(op, 0)->def;
    want_result(v, op, type_of(op, 0));
    if (type_of(op, 1)->kind != TY_I32)
        ir_violation(v, DIAG_IR_OPERANDS, op, "operand 2 is %s, not i32",
                     ir_type_text(v, type_of(op, 1)));
    if (!alloc || alloc->code != OP_SharedAlloc)
        ir_violation(v, DIAG_IR_OPERANDS, op, "operand 1 is not the result of a shared_alloc");
}

/* Operand or result `tile` must hold what the buffer, operand 0, holds. */
static void want_contents(Verifier *v, const IrOp *op, const IrType *tile) {
    const IrType *buffer = type_of(op, 0);
    if (!is_shaped(tile, buffer->elem, buffer->shape, buffer->rank))
        ir_violation(v, DIAG_IR_OPERANDS, op, "%s does not hold what %s holds",
                     ir_type_text(v, tile), ir_type_text(v, buffer));
}

static void own_SharedStore(Verifier *v, const IrOp *op) {
    want_contents(v, op, type_of(op, 1));
    if (op->num_operands > 2)
        want_same_shape(v, op, 2, type_of(op, 1));
}

static void own_SharedLoad(Verifier *v, const IrOp *op) {
    want_contents(v, op, result_type(op, 0));
}

static void own_AsyncCopy(Verifier *v, const IrOp *op) {
    const IrType *ptrs = type_of(op, 0), *buffer = type_of(op, 1);
    if (ir_elem(ptrs)->elem != buffer->elem ||
        !is_shaped(ptrs, ir_elem(ptrs), buffer->shape, buffer->rank)) {
        ir_violation(v, DIAG_IR_OPERANDS, op, "%s does not lead to what %s holds",
                     ir_type_text(v, ptrs), ir_type_text(v, buffer));
        return;
    }
    if (ir_is_ptr(buffer) || buffer->elem->kind == TY_I1)
        ir_violation(v, DIAG_IR_OPERANDS, op, "%s does not hold numbers", ir_type_text(v, buffer));
    check_vector(v, op);
    if (op->num_operands > 3)
        want_same_shape(v, op, 3, ptrs);
}

static void own_AsyncWait(Verifier *v, const IrOp *op) {
    want_range(v, op, ATTR_PENDING, 0, 1024);
}

static void own_SharedGather(Verifier *v, const IrOp *op) {
    check_gather(v, op);
}

static void own_SharedPick(Verifier *v, const IrOp *op) {
    const IrType *index = type_of(op, 1);
    if (!ir_is_tile(index) || ir_bits(index) != 32)
        ir_violation(v, DIAG_IR_OPERANDS, op, "operand 2 is %s, not a tile of i32",
                     ir_type_text(v, index));
    else if (!is_shaped(result_type(op, 0), ir_elem(type_of(op, 0)), index->shape, index->rank))
        bad_result(v, op, "the buffer's elements in the second operand's shape");
}

static void own_SharedCount(Verifier *v, const IrOp *op) {
    const IrType *buffer = type_of(op, 0), *index = type_of(op, 1);
    if (buffer->rank != 1 || ir_elem(buffer)->kind != TY_I32 || !ir_is_int(index))
        ir_violation(v, DIAG_IR_OPERANDS, op, "cannot count %s in %s", ir_type_text(v, index),
                     ir_type_text(v, buffer));
    if (op->num_operands > 2)
        want_same_shape(v, op, 2, index);
}

/* ---- regions --------------------------------------------------------------------------------- */

/* The values that `last`, a terminator, hands on from operand `first` must have these types. */
static void check_handed_on(Verifier *v, const IrOp *op, const IrOp *last, unsigned first,
                            const IrType *const *types, unsigned count) {
    IrOpcode wanted = first == 0 ? OP_Yield : OP_Condition;
    if (!last || last->code != wanted || last->num_operands < first)
        return; /* reported already */
    const char *mnemonic = ir_info(op)->mnemonic;
    if (last->num_operands - first != count) {
        ir_violation(v, DIAG_IR_REGION, last, "hands on %u values, but this `%s` needs %u",
                     last->num_operands - first, mnemonic, count);
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        const IrType *type = type_of(last, first + i);
        if (type != types[i])
            ir_violation(v, DIAG_IR_REGION, last, "value %u is %s, but this `%s` needs %s", i + 1,
                         ir_type_text(v, type), mnemonic, ir_type_text(v, types[i]));
    }
}

static void check_args(Verifier *v, const IrOp *op, const IrBlock *block,
                       const IrType *const *types, unsigned count) {
    if (block->num_args != count) {
        ir_violation(v, DIAG_IR_REGION, op, "a region has %u arguments, not %u", block->num_args,
                     count);
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        if (block->args[i]->type != types[i])
            ir_violation(v, DIAG_IR_REGION, op, "region argument %u is %s, not %s", i + 1,
                         ir_type_text(v, block->args[i]->type), ir_type_text(v, types[i]));
    }
}

/* The types of the results, or of the operands from `first` on. */
static const IrType **result_types(Verifier *v, const IrOp *op) {
    const IrType **types = ARENA_ARRAY(v->arena, const IrType *, op->num_results);
    for (unsigned i = 0; i < op->num_results; i++)
        types[i] = result_type(op, i);
    return types;
}

static const IrType **operand_types(Verifier *v, const IrOp *op, unsigned first) {
    const IrType **types = ARENA_ARRAY(v->arena, const IrType *, op->num_operands);
    for (unsigned i = first; i < op->num_operands; i++)
        types[i - first] = type_of(op, i);
    return types;
}

static void own_If(Verifier *v, const IrOp *op) {
    const IrType **types = result_types(v, op);
    for (unsigned r = 0; r < 2; r++) {
        check_args(v, op, op->regions[r], NULL, 0);
        check_handed_on(v, op, op->regions[r]->last, 0, types, op->num_results);
    }
}

/* Results and operands (from `first` on) must have the same types. */
static void check_carried_results(Verifier *v, const IrOp *op, unsigned first) {
    unsigned carried = op->num_operands - first;
    if (op->num_results != carried)
        ir_violation(v, DIAG_IR_RESULTS, op, "has %u results for %u carried values",
                     op->num_results, carried);
    for (unsigned i = 0; i < carried && i < op->num_results; i++) {
        if (result_type(op, i) != type_of(op, first + i))
            ir_violation(v, DIAG_IR_RESULTS, op, "result %u is %s, but begins as %s", i + 1,
                         ir_type_text(v, result_type(op, i)),
                         ir_type_text(v, type_of(op, first + i)));
    }
}

static void own_For(Verifier *v, const IrOp *op) {
    want_operand(v, op, 1, type_of(op, 0));
    want_operand(v, op, 2, type_of(op, 0));
    want_range(v, op, ATTR_NUM_STAGES, 0, INT32_MAX);
    want_range(v, op, ATTR_UNROLL, 0, INT32_MAX);
    check_carried_results(v, op, 3);
    const IrType **types = operand_types(v, op, 2); /* the step's type is the index's */
    check_args(v, op, op->regions[0], types, op->num_operands - 2);
    check_handed_on(v, op, op->regions[0]->last, 0, types + 1, op->num_operands - 3);
}

static void own_While(Verifier *v, const IrOp *op) {
    const IrType **carried = operand_types(v, op, 0), **passed = result_types(v, op);
    check_args(v, op, op->regions[0], carried, op->num_operands);
    check_handed_on(v, op, op->regions[0]->last, 1, passed, op->num_results);
    check_args(v, op, op->regions[1], passed, op->num_results);
    check_handed_on(v, op, op->regions[1]->last, 0, carried, op->num_operands);
}

/* What reduce and scan share: tiles of one shape, and region(l.., r..) on their elements. */
static bool check_fold(Verifier *v, const IrOp *op) {
    unsigned count = op->num_operands;
    if (count == 0 || op->num_results != count) {
        ir_violation(v, DIAG_IR_RESULTS, op, "has %u results for %u operands", op->num_results,
                     count);
        return false;
    }
    if (!want_range(v, op, ATTR_AXIS, 0, (int64_t)type_of(op, 0)->rank - 1))
        return false;
    const IrType **elems = ARENA_ARRAY(v->arena, const IrType *, 2 * (size_t)count);
    bool ok = true;
    for (unsigned i = 0; i < count; i++) {
        ok &= want_same_shape(v, op, i, type_of(op, 0));
        elems[i] = elems[count + i] = ir_elem(type_of(op, i));
    }
    check_args(v, op, op->regions[0], elems, 2 * count);
    check_handed_on(v, op, op->regions[0]->last, 0, elems, count);
    return ok;
}

static void own_Reduce(Verifier *v, const IrOp *op) {
    if (!check_fold(v, op))
        return;
    const IrType *from = type_of(op, 0);
    int64_t axis = ir_attr_int(op, ATTR_AXIS), shape[IR_MAX_RANK];
    for (unsigned i = 0, out = 0; i < from->rank; i++) {
        if (i != axis)
            shape[out++] = from->shape[i];
    }
    for (unsigned i = 0; i < op->num_results; i++) {
        if (!is_shaped(result_type(op, i), ir_elem(type_of(op, i)), shape, from->rank - 1))
            ir_violation(v, DIAG_IR_RESULTS, op, "result %u is %s, not operand %u without `axis`",
                         i + 1, ir_type_text(v, result_type(op, i)), i + 1);
    }
}

static void own_Scan(Verifier *v, const IrOp *op) {
    if (check_fold(v, op))
        check_carried_results(v, op, 0);
}

/* Where terminators stand is checked with their block, what they hand on with the operation whose
 * region they end. */
static void check_nothing_more(Verifier *v, const IrOp *op) {
    (void)v, (void)op;
}

/* ---- effects --------------------------------------------------------------------------------- */

static void own_Barrier(Verifier *v, const IrOp *op) {
    if (op->block->parent && ir_info(op->block->parent)->traits & IR_PURE)
        ir_violation(v, DIAG_IR_REGION, op, "stands in a region that must be pure");
}

static void own_Assert(Verifier *v, const IrOp *op) {
    if (op->num_operands > 1)
        want_same_shape(v, op, 1, type_of(op, 0));
}

static void own_Print(Verifier *v, const IrOp *op) {
    if (ir_attr(op, ATTR_SIGNED)->u.ints.len > op->num_operands)
        ir_violation(v, DIAG_IR_ATTRIBUTE, op, "`signed` has more entries than there are values");
}

static void own_InlineAsm(Verifier *v, const IrOp *op) {
    want_range(v, op, ATTR_PACK, 1, 16);
    for (unsigned i = 1; i < op->num_operands; i++)
        want_same_shape(v, op, i, type_of(op, 0));
    for (unsigned i = 0; i < op->num_results && op->num_operands > 0; i++) {
        if (!ir_same_shape(result_type(op, i), type_of(op, 0)))
            ir_violation(v, DIAG_IR_RESULTS, op, "result %u has not the operands' shape", i + 1);
    }
}

/* ---- dispatch -------------------------------------------------------------------------------- */

typedef void (*Rule)(Verifier *v, const IrOp *op);

/* Their letters say it all. */
#define own_Yield       check_nothing_more
#define own_Condition   check_nothing_more
#define own_Return      check_nothing_more
#define own_Assume      check_nothing_more
#define own_AsyncCommit check_nothing_more

#define RULE_OF_SAME(name)   check_same
#define RULE_OF_CMP(name)    check_cmp
#define RULE_OF_SELECT(name) check_select
#define RULE_OF_CAST(name)   check_cast
#define RULE_OF_OWN(name)    own_##name

static const Rule rules[OP_COUNT] = {
#define OP(name, mnemonic, operands, results, attrs, regions, traits, rule, meaning)               \
    [OP_##name] = RULE_OF_##rule(name),
#include "ir/ops.def"
#undef OP
};

void ir_check_rule(Verifier *v, const IrOp *op) {
    rules[op->code](v, op);
}
