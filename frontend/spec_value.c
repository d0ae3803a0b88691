/* spec_value.c -- values of the specialiser's walk: making them, comparing them, taking them apart.
 *
 * Structures (tuples, block pointers, descriptors) are trees whose leaves are IR values. Control
 * flow works on the leaves: a loop carries exactly those that its body changes, an `if` yields
 * exactly those that its branches disagree on. sv_leaves lists them, sv_with_leaves puts others in
 * their places. Example: of the tuple (x, None, (y, 3)) the leaves are x and y.
 */
#include "frontend/spec.h"
#include "frontend/value_types.h"

#include <string.h>

bool sv_is_number(SVal v) {
    if (v.kind != SV_CONST)
        return false;
    PyTag tag = v.u.py.tag;
    return tag == PY_BOOL_TAG || tag == PY_FLOAT_TAG || py_is_int(v.u.py);
}

bool sv_is_tile(SVal v) {
    return v.kind == SV_TENSOR && ir_is_tile(v.u.ir->type);
}

bool sv_is_scalar(SVal v) {
    return v.kind == SV_TENSOR && !ir_is_tile(v.u.ir->type);
}

bool sv_is_opaque(SVal v) {
    return v.kind == SV_CONST && !sv_is_number(v);
}

SVal sv_none(void) {
    return (SVal){.kind = SV_CONST, .u.py = PY_NONE};
}

SVal sv_int(int64_t value) {
    return (SVal){.kind = SV_CONST, .u.py = py_int(value)};
}

SVal sv_bool(bool value) {
    return (SVal){.kind = SV_CONST, .u.py = py_bool(value)};
}

SVal sv_dtype(DType dtype) {
    return (SVal){.kind = SV_CONST, .u.py = py_dtype(dtype)};
}

SVal sv_tensor(IrValue *value, TlType type) {
    return (SVal){.kind = SV_TENSOR, .type = type, .u.ir = value};
}

SVal sv_tuple(Spec *s, const SVal *items, size_t len) {
    SVal v = {.kind = SV_TUPLE};
    v.u.tuple = (STuple){.items = ARENA_ARRAY(s->arena, SVal, len), .len = len};
    if (len > 0)
        memcpy(v.u.tuple.items, items, len * sizeof *items);
    return v;
}

SVal sv_tuple_like(Spec *s, PyValue like, const SVal *items, size_t len) {
    SVal v = sv_tuple(s, items, len);
    const PyTuple *tuple = py_as(like, &py_tuple_type);
    if (tuple && tuple->cls) {
        spec_keep(s, py_incref(like)); /* which keeps its class */
        v.u.tuple.cls = tuple->cls;
    }
    return v;
}

SVal sv_string(Spec *s, const char *text) {
    return (SVal){.kind = SV_CONST, .u.py = spec_keep(s, py_str(s->py, text))};
}

const SVal *sv_box(Spec *s, SVal v) {
    return arena_memdup(s->arena, &v, sizeof v, _Alignof(SVal));
}

PyValue spec_keep(Spec *s, PyValue owned) {
    if (owned.tag == PY_OBJECT_TAG)
        vec_push(s->arena, &s->kept, owned);
    return owned;
}

Sym spec_sym(Spec *s, const char *text) {
    return strtab_sym(s->py->names, text);
}

/* ---- Python values in and out ---------------------------------------------------------------- */

SVal sv_borrowed(Spec *s, PyValue value, SrcRange range) {
    if (py_failed(value))
        return spec_exception(s, range);
    value = py_unwrap_constexpr(value);
    if (!py_is_tuple(value) && !py_is_list(value)) {
        spec_keep(s, py_incref(value));
        return (SVal){.kind = SV_CONST, .u.py = value};
    }
    size_t len = py_seq_len(value);
    SVal *items = ARENA_ARRAY(s->arena, SVal, len);
    for (size_t i = 0; i < len; i++)
        items[i] = sv_borrowed(s, py_seq_item(value, i), range);
    return sv_tuple_like(s, value, items, len);
}

SVal sv_from_py(Spec *s, PyValue owned, SrcRange range) {
    SVal v = sv_borrowed(s, owned, range);
    if (!py_failed(owned))
        py_decref(s->py, owned);
    return v;
}

bool sv_to_py(Spec *s, SVal v, PyValue *out) {
    if (v.kind == SV_CONST) {
        *out = v.u.py;
        return true;
    }
    if (v.kind != SV_TUPLE)
        return false;
    size_t len = v.u.tuple.len;
    PyValue *items = ARENA_ARRAY(s->arena, PyValue, len);
    for (size_t i = 0; i < len; i++)
        if (!sv_to_py(s, v.u.tuple.items[i], &items[i]))
            return false;
    *out = spec_keep(s, py_tuple(s->py, items, len));
    if (v.u.tuple.cls) {
        ((PyTuple *)out->u.o)->cls = v.u.tuple.cls;
        v.u.tuple.cls->base.refs++;
    }
    return true;
}

/* ---- leaves ---------------------------------------------------------------------------------- */

static void tuple_leaves(Spec *s, const STuple *tuple, IrValues *out) {
    for (size_t i = 0; i < tuple->len; i++)
        sv_leaves(s, tuple->items[i], out);
}

void sv_leaves(Spec *s, SVal v, IrValues *out) {
    switch (v.kind) {
    case SV_TENSOR:
    case SV_DESC:
        vec_push(s->arena, out, v.u.ir);
        break;
    case SV_TUPLE:
        tuple_leaves(s, &v.u.tuple, out);
        break;
    case SV_BLOCKPTR:
        sv_leaves(s, v.u.block->base, out);
        tuple_leaves(s, &v.u.block->shape, out);
        tuple_leaves(s, &v.u.block->strides, out);
        tuple_leaves(s, &v.u.block->offsets, out);
        break;
    case SV_METHOD:
        sv_leaves(s, *v.u.method.self, out);
        break;
    case SV_ERROR:
    case SV_CONST:
    case SV_SLICE:
    case SV_RANGE:
    case SV_GONE:
        break;
    }
}

static STuple tuple_with_leaves(Spec *s, STuple tuple, IrValue *const **next) {
    STuple out = tuple;
    out.items = ARENA_ARRAY(s->arena, SVal, tuple.len);
    for (size_t i = 0; i < tuple.len; i++)
        out.items[i] = sv_with_leaves(s, tuple.items[i], next);
    return out;
}

SVal sv_with_leaves(Spec *s, SVal v, IrValue *const **next) {
    switch (v.kind) {
    case SV_TENSOR:
    case SV_DESC:
        v.u.ir = *(*next)++;
        break;
    case SV_TUPLE:
        v.u.tuple = tuple_with_leaves(s, v.u.tuple, next);
        break;
    case SV_BLOCKPTR: {
        SBlockPtr *block = arena_memdup(s->arena, v.u.block, sizeof *block, _Alignof(SBlockPtr));
        block->base = sv_with_leaves(s, block->base, next);
        block->shape = tuple_with_leaves(s, block->shape, next);
        block->strides = tuple_with_leaves(s, block->strides, next);
        block->offsets = tuple_with_leaves(s, block->offsets, next);
        v.u.block = block;
        break;
    }
    case SV_METHOD:
        v.u.method.self = sv_box(s, sv_with_leaves(s, *v.u.method.self, next));
        break;
    case SV_ERROR:
    case SV_CONST:
    case SV_SLICE:
    case SV_RANGE:
    case SV_GONE:
        break;
    }
    return v;
}

/* ---- comparing ------------------------------------------------------------------------------- */

static bool same_tuple_form(Spec *s, const STuple *a, const STuple *b) {
    if (a->len != b->len || a->cls != b->cls)
        return false;
    for (size_t i = 0; i < a->len; i++)
        if (!sv_same_form(s, a->items[i], b->items[i]))
            return false;
    return true;
}

/* Equal compile-time values of one type: True is not 1 here, and 1 is not 1.0. */
static bool same_const(Spec *s, PyValue a, PyValue b) {
    if (a.tag != b.tag)
        return false;
    if (a.tag == PY_OBJECT_TAG && a.u.o == b.u.o)
        return true;
    if (a.tag == PY_OBJECT_TAG && a.u.o->type != b.u.o->type)
        return false;
    if (a.tag == PY_FLOAT_TAG)
        return memcmp(&a.u.f, &b.u.f, sizeof a.u.f) == 0;
    int equal = py_equal(s->py, a, b);
    if (equal < 0)
        py_clear_exception(s->py);
    return equal == 1;
}

static bool same_block_form(Spec *s, const SBlockPtr *a, const SBlockPtr *b) {
    size_t bytes = a->rank * sizeof a->order[0];
    return a->rank == b->rank && memcmp(a->block_shape, b->block_shape, bytes) == 0 &&
           memcmp(a->order, b->order, bytes) == 0 && sv_same_form(s, a->base, b->base) &&
           same_tuple_form(s, &a->shape, &b->shape) &&
           same_tuple_form(s, &a->strides, &b->strides) &&
           same_tuple_form(s, &a->offsets, &b->offsets);
}

bool sv_same_form(Spec *s, SVal a, SVal b) {
    if (a.kind != b.kind)
        return false;
    switch (a.kind) {
    case SV_TENSOR:
    case SV_DESC:
        return a.u.ir->type == b.u.ir->type && tl_same(a.type, b.type);
    case SV_CONST:
        return same_const(s, a.u.py, b.u.py);
    case SV_TUPLE:
        return same_tuple_form(s, &a.u.tuple, &b.u.tuple);
    case SV_BLOCKPTR:
        return same_block_form(s, a.u.block, b.u.block);
    case SV_METHOD:
        return same_const(s, a.u.method.function, b.u.method.function) &&
               sv_same_form(s, *a.u.method.self, *b.u.method.self);
    case SV_GONE:
        return a.u.gone == b.u.gone;
    case SV_RANGE:
        return a.u.range == b.u.range;
    case SV_ERROR:
    case SV_SLICE:
        break;
    }
    return true;
}

bool sv_identical(Spec *s, SVal a, SVal b) {
    if (!sv_same_form(s, a, b))
        return false;
    IrValues mine = {0}, theirs = {0};
    sv_leaves(s, a, &mine);
    sv_leaves(s, b, &theirs);
    return mine.len == theirs.len &&
           (mine.len == 0 || memcmp(mine.data, theirs.data, mine.len * sizeof *mine.data) == 0);
}
