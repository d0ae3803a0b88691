/* spec_type.c -- element types: numbers with signedness, pointers, and how messages spell them.
 *
 * The IR knows i32; the language knows int32 and uint32, and that a pointer points to one of them.
 * A TlType carries that next to every IR value. In Python expressions number types are dtypes
 * (tl.float32); pointer and block types are objects of the two PyTypes below, so that
 * `x.dtype == tl.pointer_type(tl.float16)` is an ordinary comparison.
 */
#include "frontend/spec.h"

#include <string.h>

TlType tl_pointer(Spec *s, TlType pointee, bool is_const) {
    TlType *copy = ARENA_NEW(s->arena, TlType);
    *copy = pointee;
    return (TlType){.pointee = copy, .is_const = is_const};
}

bool tl_same(TlType a, TlType b) {
    if (!a.pointee || !b.pointee)
        return !a.pointee && !b.pointee && a.dtype == b.dtype;
    return a.is_const == b.is_const && tl_same(*a.pointee, *b.pointee);
}

bool tl_is_float(TlType t) {
    return !t.pointee && dtype_is_float(t.dtype);
}

bool tl_is_int(TlType t) {
    return !t.pointee && dtype_is_int(t.dtype);
}

bool tl_is_bool(TlType t) {
    return tl_is(t, DT_BOOL);
}

bool tl_is_signed(TlType t) {
    return !t.pointee && dtype_is_signed(t.dtype);
}

bool tl_is_unsigned(TlType t) {
    return tl_is_int(t) && !dtype_is_signed(t.dtype);
}

unsigned tl_bits(TlType t) {
    return t.pointee ? 64 : t.dtype == DT_BOOL ? 1 : dtype_infos[t.dtype].bits;
}

static IrTypeKind ir_kind(DType dtype) {
    switch (dtype) {
    case DT_BOOL:
        return TY_I1;
    case DT_I8:
    case DT_U8:
        return TY_I8;
    case DT_I16:
    case DT_U16:
        return TY_I16;
    case DT_I32:
    case DT_U32:
        return TY_I32;
    case DT_I64:
    case DT_U64:
        return TY_I64;
    case DT_F8E4M3:
        return TY_F8E4M3;
    case DT_F8E5M2:
        return TY_F8E5M2;
    case DT_F16:
        return TY_F16;
    case DT_BF16:
        return TY_BF16;
    case DT_F32:
        return TY_F32;
    case DT_F64:
    case DT_COUNT:
        break;
    }
    return TY_F64;
}

const IrType *tl_to_ir(Spec *s, TlType t) {
    if (t.pointee)
        return ir_type_ptr(s->ctx, tl_to_ir(s, *t.pointee));
    return ir_type_scalar(s->ctx, ir_kind(t.dtype));
}

const IrType *sv_ir_type(Spec *s, SVal like, TlType elem) {
    return ir_type_with_elem(s->ctx, like.u.ir->type, tl_to_ir(s, elem));
}

/* ---- spelling -------------------------------------------------------------------------------- */

/* As Triton's str(dtype): integers by their long name, floats by the short one. */
static void put_type(TlType t, StrBuf *out) {
    if (t.pointee) {
        strbuf_puts(out, t.is_const ? "const_pointer<" : "pointer<");
        put_type(*t.pointee, out);
        strbuf_putc(out, '>');
    } else {
        const DTypeInfo *info = &dtype_infos[t.dtype];
        strbuf_puts(out, info->kind == KIND_FLOAT ? info->short_name : info->tl_name);
    }
}

static void put_block_type(TlType t, const int64_t *shape, unsigned rank, StrBuf *out) {
    strbuf_puts(out, "<[");
    for (unsigned i = 0; i < rank; i++)
        strbuf_printf(out, "%s'%lld'", i > 0 ? ", " : "", (long long)shape[i]);
    strbuf_puts(out, "], ");
    put_type(t, out);
    strbuf_putc(out, '>');
}

const char *tl_name(Spec *s, TlType t) {
    StrBuf out = STRBUF(s->arena);
    put_type(t, &out);
    return strbuf_str(&out);
}

const char *tl_code(Spec *s, TlType t) {
    if (!t.pointee)
        return arena_printf(s->arena, "tl.%s", dtype_infos[t.dtype].tl_name);
    return arena_printf(s->arena, "tl.pointer_type(%s)", tl_code(s, *t.pointee));
}

static void put_value_type(Spec *s, SVal v, StrBuf *out);

/* The types of all items, but of a long tuple (a tensor's tolist(), say) only of the first. */
static void put_tuple_type(Spec *s, SVal v, StrBuf *out) {
    enum { LONG = 16, SHOWN = 3 };
    size_t len = v.u.tuple.len, shown = len > LONG ? SHOWN : len;
    strbuf_putc(out, '(');
    for (size_t i = 0; i < shown; i++) {
        strbuf_puts(out, i > 0 ? ", " : "");
        put_value_type(s, v.u.tuple.items[i], out);
    }
    if (shown < len)
        strbuf_printf(out, ", ...: %zu items", len);
    strbuf_putc(out, ')');
}

static void put_value_type(Spec *s, SVal v, StrBuf *out) {
    switch (v.kind) {
    case SV_TENSOR:
        if (sv_is_tile(v))
            put_block_type(v.type, sv_shape(v), sv_rank(v), out);
        else
            put_type(v.type, out);
        break;
    case SV_CONST: {
        if (sv_is_none(v)) {
            strbuf_puts(out, "None");
            break;
        }
        TlType type;
        if (tl_type_from_value(v.u.py, &type)) {
            strbuf_puts(out, tl_code(s, type));
            break;
        }
        strbuf_puts(out, "constexpr[");
        if (!py_repr(s->py, v.u.py, out))
            py_clear_exception(s->py);
        strbuf_putc(out, ']');
        break;
    }
    case SV_TUPLE:
        put_tuple_type(s, v, out);
        break;
    case SV_BLOCKPTR:
        strbuf_puts(out, "block pointer to ");
        put_block_type(*v.u.block->base.type.pointee, v.u.block->block_shape, v.u.block->rank, out);
        break;
    case SV_DESC:
        strbuf_puts(out, "tensor_descriptor");
        put_block_type(v.type, v.u.ir->type->shape, v.u.ir->type->rank, out);
        break;
    case SV_METHOD:
        strbuf_puts(out, "method");
        break;
    case SV_SLICE:
        strbuf_puts(out, "slice");
        break;
    case SV_RANGE:
        strbuf_puts(out, "range");
        break;
    case SV_GONE:
    case SV_ERROR:
        strbuf_puts(out, "unbound");
        break;
    }
}

const char *sv_type_name(Spec *s, SVal v) {
    StrBuf out = STRBUF(s->arena);
    put_value_type(s, v, &out);
    return strbuf_str(&out);
}

/* ---- types as Python values ------------------------------------------------------------------ */

#define MAX_POINTER_DEPTH 8

typedef struct TypeObject {
    PyObject base;
    TlType levels[MAX_POINTER_DEPTH]; /* the type, its pointee, ...: pointers point to the next */
    bool is_block;
    unsigned rank;
    int64_t shape[IR_MAX_RANK];
} TypeObject;

static void type_dealloc(PyCtx *py, PyObject *self) {
    py_object_free(py, self);
}

static bool type_repr(PyCtx *py, PyValue self, StrBuf *out);
static PyValue type_compare(PyCtx *py, CmpOpKind op, PyValue a, PyValue b, bool *handled);
static PyValue type_getattr(PyCtx *py, PyValue self, Sym name, bool *found);

static const PyType tl_type_type = {
    .name = "pointer_type",
    .dealloc = type_dealloc,
    .repr = type_repr,
    .compare = type_compare,
    .getattr = type_getattr,
};
static const PyType tl_block_type_type = {
    .name = "block_type",
    .dealloc = type_dealloc,
    .repr = type_repr,
    .compare = type_compare,
    .getattr = type_getattr,
};

static const TypeObject *as_type_object(PyValue v) {
    const TypeObject *object = py_as(v, &tl_type_type);
    return object ? object : py_as(v, &tl_block_type_type);
}

static bool type_repr(PyCtx *py, PyValue self, StrBuf *out) {
    (void)py;
    const TypeObject *object = as_type_object(self);
    if (object->is_block)
        put_block_type(object->levels[0], object->shape, object->rank, out);
    else
        put_type(object->levels[0], out);
    return true;
}

static PyValue type_compare(PyCtx *py, CmpOpKind op, PyValue a, PyValue b, bool *handled) {
    (void)py;
    *handled = op == CMP_EQ || op == CMP_NE;
    if (!*handled)
        return PY_NONE;
    const TypeObject *x = as_type_object(a), *y = as_type_object(b);
    bool same = x && y && x->is_block == y->is_block && x->rank == y->rank &&
                tl_same(x->levels[0], y->levels[0]) &&
                memcmp(x->shape, y->shape, x->rank * sizeof x->shape[0]) == 0;
    return py_bool(same == (op == CMP_EQ));
}

/* What host code and constexpr expressions ask a type object. */
static PyValue type_getattr(PyCtx *py, PyValue self, Sym name, bool *found) {
    const TypeObject *object = as_type_object(self);
    *found = true;
    if (str_eq(name, "element_ty"))
        return tl_type_value(py, object->is_block ? object->levels[0] : *object->levels[0].pointee);
    if (str_eq(name, "scalar"))
        return tl_type_value(py, object->levels[0]);
    if (str_eq(name, "primitive_bitwidth"))
        return py_int(tl_bits(object->levels[0]));
    if (str_eq(name, "shape") && object->is_block) {
        PyValue items[IR_MAX_RANK];
        for (unsigned i = 0; i < object->rank; i++)
            items[i] = py_int(object->shape[i]);
        return py_tuple(py, items, object->rank);
    }
    *found = false;
    return PY_NONE;
}

static TypeObject *new_type_object(PyCtx *py, const PyType *class, TlType t) {
    TypeObject *object = py_object_new(py, class, sizeof *object);
    for (unsigned i = 0; i < MAX_POINTER_DEPTH; i++) {
        object->levels[i] = t;
        if (!t.pointee || i + 1 == MAX_POINTER_DEPTH)
            break;
        object->levels[i].pointee = &object->levels[i + 1];
        t = *t.pointee;
    }
    return object;
}

PyValue tl_type_value(PyCtx *py, TlType t) {
    if (!t.pointee)
        return py_dtype(t.dtype);
    return py_from_object(&new_type_object(py, &tl_type_type, t)->base);
}

PyValue tl_block_type_value(PyCtx *py, TlType t, const int64_t *shape, unsigned rank) {
    TypeObject *object = new_type_object(py, &tl_block_type_type, t);
    object->is_block = true;
    object->rank = rank;
    memcpy(object->shape, shape, rank * sizeof *shape);
    return py_from_object(&object->base);
}

bool tl_type_from_value(PyValue v, TlType *out) {
    if (v.tag == PY_DTYPE_TAG) {
        *out = tl_type((DType)v.u.i);
        return true;
    }
    const TypeObject *object = py_as(v, &tl_type_type);
    if (object)
        *out = object->levels[0];
    return object != NULL;
}
