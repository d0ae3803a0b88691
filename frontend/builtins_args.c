/* builtins_args.c -- what the arguments of builtins must be, and the messages if they are not.
 *
 * Each function takes the i-th argument of a call, checks it and gives it in the form that the
 * builtin works with. Example: call_shape accepts 64, (64,), [64, 32] and, for a `*shape`
 * parameter, x.reshape(64, 32); it wants constants, each at least 1.
 */
#include "frontend/builtins.h"

#include <string.h>

/* "`axis` of sum() must be a constexpr int, got int32". */
static Diag *refusal(Spec *s, const Call *call, unsigned i, SVal got, const char *wanted) {
    return SPEC_ERROR(s, DIAG_BUILTIN_ARGUMENT, call->ranges[i], call->builtin->params[i].name,
                      call_name(call), wanted, sv_type_name(s, got));
}

static bool refuse(Spec *s, const Call *call, unsigned i, SVal got, const char *wanted) {
    (void)refusal(s, call, i, got, wanted);
    return false;
}

/* ---- constants ------------------------------------------------------------------------------- */

bool const_int_item(Spec *s, SVal v, const char *what, SrcRange range, int64_t *out) {
    if (sv_is_error(v))
        return false;
    if (sv_is_const(v) && v.u.py.tag != PY_FLOAT_TAG && py_to_i64(v.u.py, out))
        return true;
    Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_NOT_CONSTEXPR, range, what, sv_type_name(s, v));
    if (sv_is_tensor(v))
        diag_help(d, "make it known at compile time: a number, or a parameter annotated "
                     "tl.constexpr");
    return false;
}

bool call_int(Spec *s, const Call *call, unsigned i, int64_t *out) {
    SVal v = call->args[i];
    if (sv_is_const(v) && v.u.py.tag != PY_FLOAT_TAG && py_to_i64(v.u.py, out))
        return true;
    return refuse(s, call, i, v, "a constexpr int");
}

bool call_bool(Spec *s, const Call *call, unsigned i, bool *out) {
    SVal v = call->args[i];
    if (v.kind != SV_CONST && v.kind != SV_TUPLE)
        return refuse(s, call, i, v, "a constexpr");
    int truth = spec_truth(s, v, call->ranges[i]);
    *out = truth == 1;
    return truth >= 0;
}

bool call_string(Spec *s, const Call *call, unsigned i, const char **out) {
    SVal v = call->args[i];
    *out = NULL;
    if (sv_is_none(v))
        return true;
    if (!sv_is_const(v) || !py_is_str(v.u.py))
        return refuse(s, call, i, v, "a string");
    *out = py_str_data(v.u.py, NULL);
    return true;
}

bool call_type(Spec *s, const Call *call, unsigned i, TlType *out) {
    SVal v = call->args[i];
    if (sv_is_const(v) && tl_type_from_value(v.u.py, out))
        return true;
    if (sv_is_const(v) && py_is_str(v.u.py)) {
        DType dtype = dtype_from_name(py_str_data(v.u.py, NULL));
        if (dtype != DT_COUNT) {
            *out = tl_type(dtype);
            return true;
        }
    }
    if (sv_is_const(v) && tl_unsupported_dtype(v.u.py)) {
        Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_FP8, call->ranges[i], tl_unsupported_dtype(v.u.py));
        diag_help(d, "the fp8 types are tl.float8e4nv and tl.float8e5");
        return false;
    }
    Diag *d = refusal(s, call, i, v, "a dtype");
    diag_help(d, "in kernels: tl.float32 and such, or ptr.dtype.element_ty");
    return false;
}

bool call_word(Spec *s, const Call *call, unsigned i, const char *what, const Word *words,
               size_t count, int *out) {
    const char *text;
    if (!call_string(s, call, i, &text))
        return false;
    if (!text || !*text)
        return true;
    for (size_t k = 0; k < count; k++) {
        if (str_eq(text, words[k].text)) {
            *out = words[k].value;
            return true;
        }
    }
    StrBuf list = STRBUF(s->arena);
    for (size_t k = 0; k < count; k++)
        strbuf_printf(&list, "%s\"%s\"", k > 0 ? ", " : "", words[k].text);
    Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_WORD, call->ranges[i], what, text);
    diag_help(d, "it is one of %s", strbuf_str(&list));
    return false;
}

/* ---- tensors --------------------------------------------------------------------------------- */

bool call_tensor(Spec *s, const Call *call, unsigned i, SVal *out) {
    SVal v = call->args[i];
    if (!sv_is_tensor(v) && !sv_is_number(v))
        return refuse(s, call, i, v, "a tensor");
    *out = spec_to_tensor(s, v, call->ranges[i]);
    return !sv_is_error(*out);
}

bool call_tile(Spec *s, const Call *call, unsigned i, SVal *out) {
    if (!call_tensor(s, call, i, out))
        return false;
    if (sv_is_tile(*out))
        return true;
    return refuse(s, call, i, call->args[i], "a tile, not a scalar");
}

bool call_pointer(Spec *s, const Call *call, unsigned i, SVal *out) {
    SVal v = call->args[i];
    *out = v;
    if (sv_is_tensor(v) && tl_is_ptr(v.type))
        return true;
    Diag *d =
        SPEC_ERROR(s, DIAG_BUILTIN_PTR_TYPE, call->ranges[i], sv_type_name(s, v), call_name(call));
    if (v.kind == SV_DESC)
        diag_help(d, "a tensor descriptor has methods of its own: desc.%s(offsets, ...)",
                  call_name(call));
    else
        diag_note(d, SRC_NONE, "the first argument is a pointer, or a tile of pointers");
    return false;
}

bool call_desc(Spec *s, const Call *call, unsigned i, SVal *out) {
    *out = call->args[i];
    return out->kind == SV_DESC || refuse(s, call, i, *out, "a tensor descriptor");
}

bool call_block_pointer(Spec *s, const Call *call, unsigned i, SVal *out) {
    *out = call->args[i];
    return out->kind == SV_BLOCKPTR || refuse(s, call, i, *out, "a block pointer");
}

bool call_scalar_int(Spec *s, SVal v, TlType to, const char *what, SrcRange range, SVal *out) {
    if (sv_is_error(v))
        return false;
    bool whole = sv_is_number(v) && v.u.py.tag != PY_FLOAT_TAG;
    if (whole)
        *out = spec_number(s, v, to, range);
    else if (sv_is_scalar(v) && tl_is_int(v.type))
        *out = spec_cast(s, v, to, range);
    else
        SPEC_ERROR(s, DIAG_BUILTIN_SCALAR_INT, range, what, sv_type_name(s, v));
    return (whole || (sv_is_scalar(v) && tl_is_int(v.type))) && !sv_is_error(*out);
}

bool call_scalars(Spec *s, const Call *call, unsigned i, TlType to, STuple *out) {
    SVal v = call->args[i];
    const SVal *items = v.kind == SV_TUPLE ? v.u.tuple.items : &v;
    out->len = v.kind == SV_TUPLE ? v.u.tuple.len : 1;
    out->items = ARENA_ARRAY(s->arena, SVal, out->len);
    for (size_t k = 0; k < out->len; k++) {
        if (!call_scalar_int(s, items[k], to, call->builtin->params[i].name, call->ranges[i],
                             &out->items[k]))
            return false;
    }
    return true;
}

/* ---- shapes and axes ------------------------------------------------------------------------- */

/* The items of a tuple argument; f((4, 4)) and f(4, 4) are the same for a `*shape` parameter. */
static const SVal *tuple_items(const Call *call, unsigned i, size_t *len) {
    const SVal *v = &call->args[i];
    bool packed = call->builtin->params[i].is_var && v->kind == SV_TUPLE && v->u.tuple.len == 1;
    if (packed && v->u.tuple.items[0].kind == SV_TUPLE)
        v = &v->u.tuple.items[0];
    *len = v->kind == SV_TUPLE ? v->u.tuple.len : 1;
    return v->kind == SV_TUPLE ? v->u.tuple.items : v;
}

bool call_ints(Spec *s, const Call *call, unsigned i, int64_t *out, unsigned *count) {
    size_t len;
    const SVal *items = tuple_items(call, i, &len);
    if (len > IR_MAX_RANK) {
        SPEC_ERROR(s, DIAG_BUILTIN_RANK, call->ranges[i], len, IR_MAX_RANK);
        return false;
    }
    *count = (unsigned)len;
    for (size_t k = 0; k < len; k++) {
        StrBuf what = STRBUF(s->arena);
        if (str_eq(call->builtin->params[i].name, "shape"))
            strbuf_printf(&what, "Shape element %zu", k);
        else
            strbuf_printf(&what, "element %zu of `%s`", k, call->builtin->params[i].name);
        if (!const_int_item(s, items[k], strbuf_str(&what), call->ranges[i], &out[k]))
            return false;
    }
    return true;
}

bool call_shape(Spec *s, const Call *call, unsigned i, int64_t *shape, unsigned *rank) {
    return call_ints(s, call, i, shape, rank) && spec_check_shape(s, shape, *rank, call->ranges[i]);
}

bool spec_check_shape(Spec *s, const int64_t *shape, unsigned rank, SrcRange range) {
    int64_t numel = 1;
    for (unsigned i = 0; i < rank; i++) {
        if (shape[i] <= 0) {
            Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_SHAPE_POSITIVE, range, i);
            diag_label(d, "it is %lld", (long long)shape[i]);
            return false;
        }
        if (numel > IR_MAX_TILE_NUMEL || shape[i] > INT64_C(1) << 40) {
            numel = shape[i];
            break;
        }
        numel *= shape[i];
    }
    if (numel <= IR_MAX_TILE_NUMEL)
        return true;
    Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_NUMEL, range, (long long)numel, IR_MAX_TILE_NUMEL);
    diag_help(d, "use smaller blocks: a larger grid, or a loop over parts");
    return false;
}

bool call_axis(Spec *s, const Call *call, unsigned i, unsigned rank, unsigned *out) {
    int64_t axis;
    if (!call_int(s, call, i, &axis))
        return false;
    if (axis >= -(int64_t)rank && axis < (int64_t)rank) {
        *out = (unsigned)(axis < 0 ? axis + rank : axis);
        return true;
    }
    SPEC_ERROR(s, DIAG_BUILTIN_AXIS, call->ranges[i], (long long)axis, -(int)rank, (int)rank);
    return false;
}

const JitFn *call_function(Spec *s, const Call *call, unsigned i) {
    const JitFn *fn = spec_jit(s, call->args[i], call->ranges[i]);
    if (!fn)
        refuse(s, call, i, call->args[i], "a @triton.jit function");
    return fn;
}

/* ---- small helpers --------------------------------------------------------------------------- */

const char *shape_text(Spec *s, const int64_t *shape, unsigned rank) {
    StrBuf text = STRBUF(s->arena);
    strbuf_putc(&text, '[');
    for (unsigned i = 0; i < rank; i++)
        strbuf_printf(&text, "%s%lld", i > 0 ? ", " : "", (long long)shape[i]);
    strbuf_putc(&text, ']');
    return strbuf_str(&text);
}

const IrType *tile_type(Spec *s, TlType elem, const int64_t *shape, unsigned rank) {
    const IrType *ir = tl_to_ir(s, elem);
    return rank == 0 ? ir : ir_type_tile(s->ctx, ir, shape, rank);
}

IrValue *build_value(Spec *s, IrOpcode code, IrValue *const *operands, unsigned count,
                     const IrType *type) {
    return ir_result(ir_build(&s->b, code, operands, count, &type, 1), 0);
}

SVal unary_value(Spec *s, IrOpcode code, SVal v) {
    return sv_tensor(ir_unary(&s->b, code, v.u.ir), v.type);
}

SVal binary_value(Spec *s, IrOpcode code, SVal a, SVal b) {
    return sv_tensor(ir_binary(&s->b, code, a.u.ir, b.u.ir), a.type);
}
