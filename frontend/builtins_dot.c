/* builtins_dot.c -- tl.dot.
 *
 * Operands are 2-D, or 3-D with a batch dimension in front; more dimensions are flattened into it.
 * The result type follows from the operands: int8 gives int32, fp64 fp64, fp32 and bf16 fp32, fp16
 * and fp8 what out_dtype or the accumulator says (fp32 by default). Example:
 * tl.dot(a, b, acc) of fp16 [64, 32] and [32, 64] with an fp32 accumulator is one `dot`.
 */
#include "frontend/builtins.h"

#include <string.h>

typedef struct DotShape {
    unsigned rank;
    int64_t m, n, k;
    int64_t result[IR_MAX_RANK];
} DotShape;

static bool is_fp8(TlType t) {
    return !t.pointee && dtype_is_fp8(t.dtype);
}

/* ---- operands -------------------------------------------------------------------------------- */

static bool check_operand_types(Spec *s, const Call *call, SVal a, SVal b) {
    if (is_fp8(a.type) && is_fp8(b.type))
        return true;
    for (unsigned i = 0; i < 2; i++) {
        TlType t = i == 0 ? a.type : b.type;
        bool fits = tl_is(t, DT_I8) || (tl_is_float(t) && !is_fp8(t)) || is_fp8(t);
        if (fits)
            continue;
        Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_DOT_TYPE, call->ranges[i], i == 0 ? "lhs" : "rhs",
                             tl_name(s, t));
        if (tl_is_int(t))
            diag_help(d, "of integers only int8 is supported; or convert to a float type");
        return false;
    }
    if (tl_same(a.type, b.type))
        return true;
    Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_DOT_SAME, range_join(call->ranges[0], call->ranges[1]),
                         tl_name(s, a.type), tl_name(s, b.type));
    diag_note(d, call->ranges[0], "this is %s", sv_type_name(s, a));
    diag_note(d, call->ranges[1], "this is %s", sv_type_name(s, b));
    diag_help(d, "convert one of them: b.to(a.dtype)");
    return false;
}

static Diag *shape_error(Spec *s, const Call *call, DiagId id, SVal a, SVal b) {
    Diag *d =
        SPEC_ERROR(s, id, range_join(call->ranges[0], call->ranges[1]),
                   shape_text(s, sv_shape(a), sv_rank(a)), shape_text(s, sv_shape(b), sv_rank(b)));
    diag_note(d, call->ranges[0], "this is %s", sv_type_name(s, a));
    diag_note(d, call->ranges[1], "this is %s", sv_type_name(s, b));
    return d;
}

static bool check_inner(Spec *s, const Call *call, SVal a, SVal b, DotShape *shape) {
    unsigned r = shape->rank;
    const int64_t *x = sv_shape(a), *y = sv_shape(b);
    bool batches = memcmp(x, y, (r - 2) * sizeof *x) == 0;
    if (x[r - 1] == y[r - 2] && batches)
        return true;
    Diag *d = shape_error(s, call, DIAG_BUILTIN_DOT_SHAPES, a, b);
    if (!batches)
        diag_help(d, "the batch dimensions in front must be equal");
    else if (x[r - 1] == y[r - 1])
        diag_help(d, "transpose the second operand: tl.dot(a, tl.trans(b))");
    else if (x[r - 2] == y[r - 2])
        diag_help(d, "transpose the first operand: tl.dot(tl.trans(a), b)");
    return false;
}

/* Hardware multiplies blocks of at least 16 x 16 bytes or so along K. */
static bool check_sizes(Spec *s, const Call *call, SVal a, SVal b, const DotShape *shape) {
    unsigned bits = tl_bits(a.type);
    long long least = bits >= 64 ? 4 : bits == 32 ? 8 : bits == 16 ? 16 : 32;
    if (shape->k >= least)
        return true;
    Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_DOT_SIZE, range_join(call->ranges[0], call->ranges[1]), 1,
                         1, least);
    diag_note(d, call->ranges[0], "this is %s", sv_type_name(s, a));
    diag_note(d, call->ranges[1], "this is %s", sv_type_name(s, b));
    diag_help(d, "use a larger block along K, padded with zeros");
    return false;
}

static bool check_shapes(Spec *s, const Call *call, SVal a, SVal b, DotShape *shape) {
    unsigned r = shape->rank = sv_rank(a);
    if (r < 2 || r != sv_rank(b)) {
        Diag *d = shape_error(s, call, DIAG_BUILTIN_DOT_RANK, a, b);
        diag_help(d, "add dimensions: x[None, :] is a row, x[:, None] a column");
        return false;
    }
    if (!check_inner(s, call, a, b, shape))
        return false;
    memcpy(shape->result, sv_shape(a), r * sizeof shape->result[0]);
    shape->m = sv_shape(a)[r - 2];
    shape->k = sv_shape(a)[r - 1];
    shape->n = shape->result[r - 1] = sv_shape(b)[r - 1];
    return check_sizes(s, call, a, b, shape) && spec_check_shape(s, shape->result, r, call->range);
}

/* ---- the result's type and the accumulator --------------------------------------------------- */

static bool result_type(Spec *s, const Call *call, TlType a, TlType *out) {
    SVal acc = call->args[2];
    TlType wanted = tl_type(DT_F32);
    bool given = !sv_is_none(call->args[6]);
    if (given && !call_type(s, call, 6, &wanted))
        return false;
    if (!given && sv_is_tensor(acc))
        wanted = acc.type;
    if (tl_is_int(a)) {
        *out = tl_type(DT_I32);
        return true;
    }
    if (tl_is(wanted, DT_BF16)) {
        unsigned at = given ? 6 : 2;
        Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_DOT_BF16, call->ranges[at]);
        diag_help(d, "accumulate in fp32 and convert at the end: acc.to(tl.bfloat16)");
        return false;
    }
    bool narrow = tl_is(a, DT_F16) || is_fp8(a);
    if (tl_is(a, DT_F64))
        *out = a;
    else
        *out = tl_type(narrow && tl_is(wanted, DT_F16) ? DT_F16 : DT_F32);
    return true;
}

static bool call_accumulator(Spec *s, const Call *call, TlType type, const DotShape *shape,
                             SVal *acc) {
    *acc = call->args[2];
    const IrType *wanted = tile_type(s, type, shape->result, shape->rank);
    if (sv_is_none(*acc)) {
        *acc = sv_tensor(ir_const_bits(&s->b, wanted, 0), type);
        return true;
    }
    if (sv_is_number(*acc)) {
        *acc = spec_number(s, *acc, type, call->ranges[2]);
        if (!sv_is_error(*acc))
            *acc = spec_fill(s, *acc, shape->result, shape->rank);
        return !sv_is_error(*acc);
    }
    if (!call_tile(s, call, 2, acc))
        return false;
    if (acc->u.ir->type == wanted && tl_same(acc->type, type))
        return true;
    SVal model = sv_tensor(ir_const_bits(&s->b, wanted, 0), type);
    Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_DOT_ACC, call->ranges[2], sv_type_name(s, *acc),
                         sv_type_name(s, model));
    diag_help(d, "make it with tl.zeros(%s, dtype=tl.%s)",
              shape_text(s, shape->result, shape->rank), dtype_infos[type.dtype].tl_name);
    return false;
}

/* ---- precision ------------------------------------------------------------------------------- */

static const Word precisions[] = {{"tf32", PREC_TF32},
                                  {"tf32x3", PREC_TF32X3},
                                  {"ieee", PREC_IEEE},
                                  {"bf16x3", PREC_BF16X3},
                                  {"bf16x6", PREC_BF16X6}};

static bool call_precision(Spec *s, const Call *call, int *out) {
    *out = PREC_TF32;
    bool has_tf32 = !sv_is_none(call->args[4]), tf32 = true;
    if (has_tf32 && !sv_is_none(call->args[3])) {
        SPEC_ERROR(s, DIAG_BUILTIN_DOT_PRECISION, call->ranges[4]);
        return false;
    }
    if (has_tf32 && !call_bool(s, call, 4, &tf32))
        return false;
    if (!tf32)
        *out = PREC_IEEE;
    return call_word(s, call, 3, "Input precision", precisions, TK_COUNTOF(precisions), out);
}

static bool call_imprecise(Spec *s, const Call *call, TlType a, const DotShape *shape,
                           int64_t *out) {
    *out = 0;
    if (sv_is_none(call->args[5]))
        return true;
    if (!call_int(s, call, 5, out))
        return false;
    if (!is_fp8(a))
        *out = 0;
    if (*out >= 0 && *out <= shape->k)
        return true;
    SPEC_ERROR(s, DIAG_BUILTIN_DOT_IMPRECISE, call->ranges[5], (long long)*out,
               (long long)shape->k);
    return false;
}

/* ---- the function ---------------------------------------------------------------------------- */

/* A tile with all but the last two dimensions as one; tiles of rank 2 and 3 stay. */
static IrValue *with_one_batch(Spec *s, IrValue *v) {
    const IrType *type = v->type;
    if (type->rank <= 3)
        return v;
    int64_t shape[3] = {1, type->shape[type->rank - 2], type->shape[type->rank - 1]};
    for (unsigned i = 0; i + 2 < type->rank; i++)
        shape[0] *= type->shape[i];
    return ir_reshape(&s->b, v, shape, 3);
}

SVal builtin_dot(Spec *s, const Call *call) {
    SVal a, b, acc;
    DotShape shape;
    TlType type;
    int precision;
    int64_t imprecise;
    if (!call_tile(s, call, 0, &a) || !call_tile(s, call, 1, &b) ||
        !check_operand_types(s, call, a, b) || !check_shapes(s, call, a, b, &shape) ||
        !result_type(s, call, a.type, &type) || !call_accumulator(s, call, type, &shape, &acc) ||
        !call_precision(s, call, &precision) ||
        !call_imprecise(s, call, a.type, &shape, &imprecise))
        return SVAL_ERROR;
    IrValue *operands[] = {with_one_batch(s, a.u.ir), with_one_batch(s, b.u.ir),
                           with_one_batch(s, acc.u.ir)};
    IrValue *value = build_value(s, OP_Dot, operands, 3, operands[2]->type);
    ir_set_int(value->def, ATTR_PRECISION, precision);
    ir_set_int(value->def, ATTR_IMPRECISE_ACC, imprecise);
    if (shape.rank > 3)
        value = ir_reshape(&s->b, value, shape.result, shape.rank);
    return sv_tensor(value, type);
}
