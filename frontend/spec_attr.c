/* spec_attr.c -- attributes and subscripts: x.dtype, x.shape[0], x[:, None], dtype.is_floating().
 *
 * Everything an attribute tells is known at compile time, so the result is a constexpr (or a tuple
 * of them); the rest of the dotted names are methods, which builtins.def knows. Tiles are indexed
 * with `:` and None only. Example: for x of shape [64], x[:, None] is expand_dims(x, 1).
 */
#include "frontend/spec.h"

#include <string.h>

/* ---- types ----------------------------------------------------------------------------------- */

static bool is_standard_float(TlType t) {
    return tl_is_float(t) && tl_bits(t) >= 16;
}

static bool is_pointer(TlType t) {
    return tl_is_ptr(t);
}

static bool is_signed_or_bool(TlType t) {
    return tl_is_int(t);
}

static bool is_fp8(TlType t) {
    return !t.pointee && dtype_is_fp8(t.dtype);
}

/* dtype.is_int() and so on: by predicate, or equality with one dtype. */
static const struct {
    const char *name;
    bool (*holds)(TlType t);
    DType dtype;
} type_questions[] = {
    {"is_floating", tl_is_float, DT_COUNT},
    {"is_int", is_signed_or_bool, DT_COUNT},
    {"is_int_signed", tl_is_signed, DT_COUNT},
    {"is_int_unsigned", tl_is_unsigned, DT_COUNT},
    {"is_standard_floating", is_standard_float, DT_COUNT},
    {"is_fp8", is_fp8, DT_COUNT},
    {"is_ptr", is_pointer, DT_COUNT},
    {"is_bool", NULL, DT_BOOL},
    {"is_int1", NULL, DT_BOOL},
    {"is_int8", NULL, DT_I8},
    {"is_int16", NULL, DT_I16},
    {"is_int32", NULL, DT_I32},
    {"is_int64", NULL, DT_I64},
    {"is_uint8", NULL, DT_U8},
    {"is_uint16", NULL, DT_U16},
    {"is_uint32", NULL, DT_U32},
    {"is_uint64", NULL, DT_U64},
    {"is_fp8e4nv", NULL, DT_F8E4M3},
    {"is_fp8e5", NULL, DT_F8E5M2},
    {"is_fp16", NULL, DT_F16},
    {"is_bf16", NULL, DT_BF16},
    {"is_fp32", NULL, DT_F32},
    {"is_fp64", NULL, DT_F64},
};

static SVal known_method(Spec *s, SVal result) {
    SVal v = {.kind = SV_METHOD};
    v.u.method.self = sv_box(s, result);
    v.u.method.function = PY_NONE;
    return v;
}

/* Exponent of the smallest normal, bits of the fraction: dtype.fp_mantissa_width and kin. */
static int mantissa_width(TlType t) {
    switch ((int)t.dtype) {
    case DT_F8E4M3:
        return 3;
    case DT_F8E5M2:
        return 2;
    case DT_F16:
        return 10;
    case DT_BF16:
        return 7;
    case DT_F32:
        return 23;
    default:
        return 52;
    }
}

static SVal type_value(Spec *s, TlType t, SrcRange range) {
    return sv_from_py(s, tl_type_value(s->py, t), range);
}

static bool type_attribute(Spec *s, TlType t, const char *name, SrcRange range, SVal *out) {
    for (size_t i = 0; i < TK_COUNTOF(type_questions); i++) {
        if (!str_eq(name, type_questions[i].name))
            continue;
        bool yes = type_questions[i].holds ? type_questions[i].holds(t)
                                           : tl_is(t, type_questions[i].dtype);
        *out = known_method(s, sv_bool(yes));
        return true;
    }
    if (str_eq(name, "primitive_bitwidth") || (str_eq(name, "int_bitwidth") && tl_is_int(t)))
        *out = sv_int(tl_bits(t));
    else if (str_eq(name, "itemsize"))
        *out = sv_int(t.pointee ? 8 : (int64_t)dtype_size(t.dtype));
    else if (str_eq(name, "scalar"))
        *out = type_value(s, t, range);
    else if (str_eq(name, "element_ty") && t.pointee)
        *out = type_value(s, *t.pointee, range);
    else if (str_eq(name, "fp_mantissa_width") && tl_is_float(t))
        *out = sv_int(mantissa_width(t));
    else if (str_eq(name, "name"))
        *out = sv_string(s, tl_name(s, t));
    else if (str_eq(name, "is_block"))
        *out = known_method(s, sv_bool(false));
    else
        return false;
    return true;
}

/* ---- tensors --------------------------------------------------------------------------------- */

static SVal shape_tuple(Spec *s, const int64_t *shape, unsigned rank) {
    SVal items[IR_MAX_RANK];
    for (unsigned i = 0; i < rank; i++)
        items[i] = sv_int(shape[i]);
    return sv_tuple(s, items, rank);
}

static SVal transposed(Spec *s, SVal v, SrcRange range) {
    static const unsigned order[] = {1, 0};
    if (sv_rank(v) != 2) {
        Diag *d = SPEC_ERROR(s, DIAG_KERNEL_TRANSPOSE, range, sv_type_name(s, v));
        diag_help(d, "use tl.permute(x, dims)");
        return SVAL_ERROR;
    }
    return sv_tensor(ir_permute(&s->b, v.u.ir, order), v.type);
}

static bool tensor_attribute(Spec *s, SVal v, const char *name, SrcRange range, SVal *out) {
    if (str_eq(name, "dtype"))
        *out = type_value(s, v.type, range);
    else if (str_eq(name, "type") && !sv_is_tile(v))
        *out = type_value(s, v.type, range);
    else if (str_eq(name, "type"))
        *out = sv_from_py(s, tl_block_type_value(s->py, v.type, sv_shape(v), sv_rank(v)), range);
    else if (str_eq(name, "shape"))
        *out = shape_tuple(s, sv_shape(v), sv_rank(v));
    else if (str_eq(name, "numel"))
        *out = sv_int(ir_numel(v.u.ir->type));
    else if (str_eq(name, "T"))
        *out = transposed(s, v, range);
    else
        return false;
    return true;
}

/* The sizes or strides of the tensor behind a descriptor. */
static SVal desc_parts(Spec *s, SVal v, IrOpcode code, DType dtype) {
    const IrType *type = tl_to_ir(s, tl_type(dtype));
    SVal items[IR_MAX_RANK];
    unsigned rank = v.u.ir->type->rank;
    for (unsigned i = 0; i < rank; i++) {
        IrOp *op = ir_build(&s->b, code, &v.u.ir, 1, &type, 1);
        ir_set_int(op, ATTR_AXIS, i);
        items[i] = sv_tensor(ir_result(op, 0), tl_type(dtype));
    }
    return sv_tuple(s, items, rank);
}

static bool desc_attribute(Spec *s, SVal v, const char *name, SrcRange range, SVal *out) {
    const IrType *type = v.u.ir->type;
    if (str_eq(name, "dtype"))
        *out = type_value(s, v.type, range);
    else if (str_eq(name, "type") || str_eq(name, "block_type"))
        *out = sv_from_py(s, tl_block_type_value(s->py, v.type, type->shape, type->rank), range);
    else if (str_eq(name, "block_shape"))
        *out = shape_tuple(s, type->shape, type->rank);
    else if (str_eq(name, "shape"))
        *out = desc_parts(s, v, OP_DescSize, DT_I32);
    else if (str_eq(name, "strides"))
        *out = desc_parts(s, v, OP_DescStride, DT_I64);
    else
        return false;
    return true;
}

static bool block_attribute(Spec *s, SVal v, const char *name, SrcRange range, SVal *out) {
    if (!str_eq(name, "dtype") && !str_eq(name, "type"))
        return false;
    *out = type_value(s, v.u.block->base.type, range);
    return true;
}

/* A field of a named tuple. */
static bool tuple_attribute(SVal v, Sym name, SVal *out) {
    const PyClass *cls = v.u.tuple.cls;
    for (size_t i = 0; cls && i < cls->num_fields && i < v.u.tuple.len; i++) {
        if (cls->fields[i] != name)
            continue;
        *out = v.u.tuple.items[i];
        return true;
    }
    return false;
}

static SVal unknown(Spec *s, SVal base, Sym name, SrcRange range) {
    static const char *const own[] = {
        "dtype",    "type",   "shape",      "numel", "T", "element_ty", "primitive_bitwidth",
        "itemsize", "scalar", "block_shape"};
    const char *what = sv_type_name(s, base);
    if (base.kind == SV_CONST && py_as(base.u.py, &py_module_type))
        what = arena_printf(s->arena, "module %s", py_module_name(base.u.py));
    Diag *d = SPEC_ERROR(s, DIAG_KERNEL_ATTRIBUTE, range, what, name);
    const char **methods = NULL;
    size_t count = builtin_method_names(s, base.kind, &methods);
    VEC(const char *) words = {0};
    if (base.kind == SV_CONST && py_as(base.u.py, &py_module_type)) {
        const char **names = NULL;
        size_t members = py_env_names(py_module_env(base.u.py), s->arena, &names);
        for (size_t i = 0; i < members; i++)
            vec_push(s->arena, &words, names[i]);
    }
    for (size_t i = 0; i < TK_COUNTOF(own); i++)
        vec_push(s->arena, &words, own[i]);
    for (size_t i = 0; i < TK_COUNTOF(type_questions) && sv_is_const(base); i++)
        vec_push(s->arena, &words, type_questions[i].name);
    for (size_t i = 0; i < count; i++)
        vec_push(s->arena, &words, methods[i]);
    const PyClass *cls = base.kind == SV_TUPLE ? base.u.tuple.cls : NULL;
    for (size_t i = 0; cls && i < cls->num_fields; i++)
        vec_push(s->arena, &words, cls->fields[i]);
    const char *near = closest_word(name, words.data, words.len);
    if (builtin_find(arena_printf(s->arena, "libdevice.%s", name)))
        diag_help(d,
                  "it is in libdevice: `from triton.language.extra import libdevice`, then "
                  "libdevice.%s(x)",
                  name);
    else if (near)
        diag_help(d, "did you mean `%s`?", near);
    return SVAL_ERROR;
}

/* An attribute of a compile-time value: of a type, a module, a function ... */
static SVal const_attribute(Spec *s, SVal base, Sym name, SrcRange range) {
    SVal out;
    TlType type;
    if (tl_type_from_value(base.u.py, &type) && type_attribute(s, type, name, range, &out))
        return out;
    if (str_eq(name, "value"))
        return base;
    bool found = false;
    PyValue value = py_getattr_opt(s->py, base.u.py, name, &found);
    return found || py_failed(value) ? sv_from_py(s, value, range) : unknown(s, base, name, range);
}

SVal spec_attribute(Spec *s, SVal base, Sym name, SrcRange base_range, SrcRange range) {
    SVal out = SVAL_ERROR;
    (void)base_range;
    if (base.kind == SV_CONST && !sv_is_number(base))
        return const_attribute(s, base, name, range);
    if (base.kind == SV_TENSOR && tensor_attribute(s, base, name, range, &out))
        return out;
    if (base.kind == SV_TUPLE && tuple_attribute(base, name, &out))
        return out;
    if (base.kind == SV_DESC && desc_attribute(s, base, name, range, &out))
        return out;
    if (base.kind == SV_BLOCKPTR && block_attribute(s, base, name, range, &out))
        return out;
    SKind kind = base.kind == SV_CONST ? SV_TENSOR : base.kind; /* (2).to(tl.int64) */
    const BuiltinRow *row = builtin_method(kind, name);
    if (row) {
        SVal method = {.kind = SV_METHOD};
        method.u.method.self = sv_box(s, base);
        method.u.method.function = spec_keep(s, builtin_value(s->py, row));
        return method;
    }
    if (base.kind == SV_CONST && str_eq(name, "value"))
        return base;
    if (base.kind == SV_CONST &&
        tensor_attribute(s, spec_to_tensor(s, base, range), name, range, &out))
        return out;
    return unknown(s, base, name, range);
}

/* ---- subscripts ------------------------------------------------------------------------------ */

static bool is_full_slice(SVal v) {
    return v.kind == SV_SLICE && sv_is_none(*v.u.slice.lower) && sv_is_none(*v.u.slice.upper) &&
           sv_is_none(*v.u.slice.step);
}

static SVal index_refused(Spec *s, SVal base, SrcRange range) {
    Diag *d = SPEC_ERROR(s, DIAG_KERNEL_INDEX, range, sv_type_name(s, base));
    if (sv_is_tensor(base) && tl_is_ptr(base.type)) {
        diag_help(d, "a pointer is no array: read memory by tl.load(ptr + offsets)");
        return SVAL_ERROR;
    }
    diag_note(d, SRC_NONE, "a tile is indexed with `:` and None only, to add dimensions of size 1");
    diag_help(d, "to pick elements, mask and reduce, or use tl.gather");
    return SVAL_ERROR;
}

static SVal index_tensor(Spec *s, SVal base, SVal index, SrcRange range) {
    const SVal *items = index.kind == SV_TUPLE ? index.u.tuple.items : &index;
    size_t len = index.kind == SV_TUPLE ? index.u.tuple.len : 1;
    SVal result = base;
    for (size_t i = 0; i < len; i++) {
        if (is_full_slice(items[i]) && i < sv_rank(result))
            continue;
        if (!sv_is_none(items[i]) || i > sv_rank(result) || sv_rank(result) == IR_MAX_RANK)
            return index_refused(s, base, range);
        if (sv_is_tile(result)) {
            result.u.ir = ir_expand_dims(&s->b, result.u.ir, (unsigned)i);
        } else {
            static const int64_t one[] = {1};
            result = spec_fill(s, result, one, 1);
        }
    }
    return result;
}

/* One bound of a slice of a tuple, clipped as Python does. */
static bool slice_bound(SVal v, int64_t len, int64_t absent, int64_t low, int64_t high,
                        int64_t *out) {
    *out = absent;
    if (sv_is_none(v))
        return true;
    if (!sv_is_const(v) || !py_to_i64(v.u.py, out))
        return false;
    if (*out < 0)
        *out += len;
    *out = *out < low ? low : *out > high ? high : *out;
    return true;
}

static SVal slice_tuple(Spec *s, SVal base, SVal slice, SrcRange range) {
    int64_t len = (int64_t)base.u.tuple.len, step = 1, from, to;
    SVal step_value = *slice.u.slice.step;
    bool ok = sv_is_none(step_value) ||
              (sv_is_const(step_value) && py_to_i64(step_value.u.py, &step) && step != 0);
    bool down = step < 0;
    ok = ok && slice_bound(*slice.u.slice.lower, len, down ? len - 1 : 0, down ? -1 : 0,
                           down ? len - 1 : len, &from);
    ok = ok && slice_bound(*slice.u.slice.upper, len, down ? -1 : len, down ? -1 : 0,
                           down ? len - 1 : len, &to);
    if (!ok) {
        SPEC_ERROR(s, DIAG_KERNEL_TUPLE_INDEX, range);
        return SVAL_ERROR;
    }
    SVal *items = ARENA_ARRAY(s->arena, SVal, base.u.tuple.len);
    size_t count = 0;
    for (int64_t i = from; down ? i > to : i < to; i += step)
        items[count++] = base.u.tuple.items[i];
    return sv_tuple(s, items, count);
}

static SVal index_tuple(Spec *s, SVal base, SVal index, SrcRange range) {
    if (index.kind == SV_SLICE)
        return slice_tuple(s, base, index, range);
    int64_t i = 0, len = (int64_t)base.u.tuple.len;
    if (!sv_is_const(index) || !py_to_i64(index.u.py, &i)) {
        Diag *d = SPEC_ERROR(s, DIAG_KERNEL_TUPLE_INDEX, range);
        diag_label(d, "the index is %s", sv_type_name(s, index));
        return SVAL_ERROR;
    }
    if (i < -len || i >= len) {
        Diag *d = SPEC_ERROR(s, DIAG_KERNEL_TUPLE_RANGE, range, (long long)i, (long long)len);
        if (len == 0)
            diag_help(d, "numbers and pointers have no shape: pass a tensor's sizes as arguments");
        return SVAL_ERROR;
    }
    return base.u.tuple.items[i < 0 ? i + len : i];
}

SVal spec_subscript(Spec *s, SVal base, SVal index, SrcRange base_range, SrcRange range) {
    (void)base_range;
    PyValue object, key;
    if (base.kind == SV_TUPLE)
        return index_tuple(s, base, index, range);
    if (base.kind == SV_TENSOR)
        return index_tensor(s, base, index, range);
    if (sv_is_number(base))
        return index_tensor(s, spec_to_tensor(s, base, range), index, range);
    if (base.kind == SV_CONST && index.kind != SV_SLICE && sv_to_py(s, base, &object) &&
        sv_to_py(s, index, &key))
        return sv_from_py(s, py_subscript(s->py, object, key), range);
    return index_refused(s, base, range);
}
