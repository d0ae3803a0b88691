/* value_seq.c -- tuples, lists, slices, ranges and the iterator over them. */
#include <stdlib.h>
#include <string.h>

#include "frontend/value_types.h"

/* ---- indices ----------------------------------------------------------------------------------
 */

int64_t py_seq_index(PyCtx *py, PyValue index, size_t len, const char *what) {
    int64_t i;
    index = py_unwrap_constexpr(index);
    if (!py_is_int(index) && index.tag != PY_BOOL_TAG) {
        if (strcmp(what, "string") == 0)
            py_raise(py, PYEXC_TypeError, "string indices must be integers, not '%s'",
                     py_type_name(index));
        else
            py_raise(py, PYEXC_TypeError, "%s indices must be integers or slices, not %s", what,
                     py_type_name(index));
        return -1;
    }
    if (!py_to_i64(index, &i)) {
        py_raise(py, PYEXC_IndexError, "cannot fit 'int' into an index-sized integer");
        return -1;
    }
    if (i < 0)
        i += (int64_t)len;
    if (i < 0 || i >= (int64_t)len) {
        py_raise(py, PYEXC_IndexError, "%s index out of range", what);
        return -1;
    }
    return i;
}

/* One bound of a slice as int64, clamped for integers beyond it. */
static bool slice_part(PyCtx *py, PyValue v, int64_t absent, int64_t *out) {
    v = py_unwrap_constexpr(v);
    if (v.tag == PY_NONE_TAG)
        *out = absent;
    else if (py_as(v, &py_bigint_type) != NULL)
        *out = py_int_sign(v) < 0 ? INT64_MIN / 2 : INT64_MAX / 2;
    else if (!py_to_i64(v, out)) {
        py_raise(py, PYEXC_TypeError, "slice indices must be integers or None");
        return false;
    }
    return true;
}

bool py_slice_indices(PyCtx *py, PyValue slice, int64_t len, int64_t *start, int64_t *step,
                      int64_t *count) {
    const PySlice *s = (const PySlice *)slice.u.o;
    int64_t stop;
    if (!slice_part(py, s->step, 1, step))
        return false;
    if (*step == 0) {
        py_raise(py, PYEXC_ValueError, "slice step cannot be zero");
        return false;
    }
    if (*step == INT64_MIN)
        *step = -INT64_MAX;
    bool back = *step < 0;
    int64_t lowest = back ? -1 : 0, highest = back ? len - 1 : len;
    if (!slice_part(py, s->lower, back ? INT64_MAX : 0, start) ||
        !slice_part(py, s->upper, back ? INT64_MIN : INT64_MAX, &stop))
        return false;
    int64_t *bounds[2] = {start, &stop};
    for (int i = 0; i < 2; i++) {
        bool absent = (i == 0 ? s->lower : s->upper).tag == PY_NONE_TAG;
        if (*bounds[i] < 0 && !absent)
            *bounds[i] += len;
        *bounds[i] = *bounds[i] < lowest ? lowest : *bounds[i] > highest ? highest : *bounds[i];
    }
    if (back)
        *count = stop < *start ? (*start - stop - 1) / -*step + 1 : 0;
    else
        *count = *start < stop ? (stop - *start - 1) / *step + 1 : 0;
    return true;
}

/* ---- slices -----------------------------------------------------------------------------------
 */

static void slice_dealloc(PyCtx *py, PyObject *self) {
    PySlice *s = (PySlice *)self;
    py_decref(py, s->lower);
    py_decref(py, s->upper);
    py_decref(py, s->step);
    py_object_free(py, self);
}

static PyValue slice_getattr(PyCtx *py, PyValue self, Sym name, bool *found) {
    const PySlice *s = (const PySlice *)self.u.o;
    (void)py;
    *found = true;
    if (strcmp(name, "start") == 0)
        return py_incref(s->lower);
    if (strcmp(name, "stop") == 0)
        return py_incref(s->upper);
    if (strcmp(name, "step") == 0)
        return py_incref(s->step);
    *found = false;
    return PY_NONE;
}

static bool slice_repr(PyCtx *py, PyValue self, StrBuf *out) {
    const PySlice *s = (const PySlice *)self.u.o;
    strbuf_puts(out, "slice(");
    bool ok = py_repr(py, s->lower, out);
    strbuf_puts(out, ", ");
    ok = ok && py_repr(py, s->upper, out);
    strbuf_puts(out, ", ");
    ok = ok && py_repr(py, s->step, out);
    strbuf_putc(out, ')');
    return ok;
}

static PyValue slice_compare(PyCtx *py, CmpOpKind op, PyValue a, PyValue b, bool *handled) {
    const PySlice *x = py_as(a, &py_slice_type), *y = py_as(b, &py_slice_type);
    *handled = x != NULL && y != NULL && (op == CMP_EQ || op == CMP_NE);
    if (!*handled)
        return PY_NONE;
    int same = py_equal(py, x->lower, y->lower);
    same = same == 1 ? py_equal(py, x->upper, y->upper) : same;
    same = same == 1 ? py_equal(py, x->step, y->step) : same;
    return same < 0 ? PY_FAIL : py_bool((same == 1) == (op == CMP_EQ));
}

const PyType py_slice_type = {.name = "slice",
                              .dealloc = slice_dealloc,
                              .getattr = slice_getattr,
                              .compare = slice_compare,
                              .repr = slice_repr,
                              .unhashable = true};

PyValue py_slice(PyCtx *py, PyValue lower, PyValue upper, PyValue step) {
    PySlice *s = py_object_new(py, &py_slice_type, sizeof *s);
    s->lower = py_incref(lower);
    s->upper = py_incref(upper);
    s->step = py_incref(step);
    return py_from_object(&s->base);
}

/* ---- the iterator over tuples, lists and ranges -------------------------------------------------
 */

typedef struct SeqIter {
    PyObject base;
    PyValue source;
    int64_t index;
} SeqIter;

static void seq_iter_dealloc(PyCtx *py, PyObject *self) {
    py_decref(py, ((SeqIter *)self)->source);
    py_object_free(py, self);
}

static PyValue seq_iter_self(PyCtx *py, PyValue self) {
    (void)py;
    return py_incref(self);
}

static PyValue seq_iter_next(PyCtx *py, PyValue self, bool *done) {
    SeqIter *it = (SeqIter *)self.u.o;
    const PyRange *range = py_as(it->source, &py_range_type);
    int64_t len = range != NULL ? range->len : (int64_t)py_seq_len(it->source);
    (void)py;
    *done = it->index >= len;
    if (*done)
        return PY_NONE;
    int64_t i = it->index++;
    return range != NULL ? py_int(range->start + i * range->step)
                         : py_incref(py_seq_item(it->source, (size_t)i));
}

const PyType py_iter_type = {
    .name = "iterator", .dealloc = seq_iter_dealloc, .iter = seq_iter_self, .next = seq_iter_next};

static PyValue seq_iter(PyCtx *py, PyValue self) {
    SeqIter *it = py_object_new(py, &py_iter_type, sizeof *it);
    it->source = py_incref(self);
    return py_from_object(&it->base);
}

/* ---- what tuples and lists share ----------------------------------------------------------------
 */

bool py_is_tuple(PyValue v) {
    return py_as(v, &py_tuple_type) != NULL;
}

bool py_is_list(PyValue v) {
    return py_as(v, &py_list_type) != NULL;
}

size_t py_seq_len(PyValue v) {
    return py_is_tuple(v) ? ((const PyTuple *)v.u.o)->len : ((const PyList *)v.u.o)->len;
}

PyValue py_seq_item(PyValue v, size_t i) {
    return py_is_tuple(v) ? ((const PyTuple *)v.u.o)->items[i] : ((const PyList *)v.u.o)->items[i];
}

static PyValue same_kind(PyCtx *py, bool list, const PyValue *items, size_t len) {
    return list ? py_list(py, items, len) : py_tuple(py, items, len);
}

static PyValue seq_subscript(PyCtx *py, PyValue self, PyValue index) {
    bool list = py_is_list(self);
    size_t len = py_seq_len(self);
    int64_t start, step, count;
    if (py_as(index, &py_slice_type) == NULL) {
        int64_t i = py_seq_index(py, index, len, list ? "list" : "tuple");
        return i < 0 ? PY_FAIL : py_incref(py_seq_item(self, (size_t)i));
    }
    if (!py_slice_indices(py, index, (int64_t)len, &start, &step, &count))
        return PY_FAIL;
    ArenaMark mark = arena_mark(py->scratch);
    PyValue *items = ARENA_ARRAY(py->scratch, PyValue, (size_t)count + 1);
    for (int64_t i = 0; i < count; i++)
        items[i] = py_seq_item(self, (size_t)(start + i * step));
    PyValue result = same_kind(py, list, items, (size_t)count);
    arena_reset(py->scratch, mark);
    return result;
}

static int64_t seq_length(PyCtx *py, PyValue self) {
    (void)py;
    return (int64_t)py_seq_len(self);
}

static int seq_contains(PyCtx *py, PyValue self, PyValue item) {
    for (size_t i = 0; i < py_seq_len(self); i++) {
        PyValue other = py_incref(py_seq_item(self, i));
        int same = py_equal(py, other, item);
        py_decref(py, other);
        if (same != 0)
            return same;
    }
    return 0;
}

/* Order of the first items that differ, else of the lengths. */
static PyValue seq_compare(PyCtx *py, CmpOpKind op, PyValue a, PyValue b, bool *handled) {
    *handled = (py_is_tuple(a) && py_is_tuple(b)) || (py_is_list(a) && py_is_list(b));
    if (!*handled)
        return PY_NONE;
    size_t m = py_seq_len(a), n = py_seq_len(b);
    if (m != n && (op == CMP_EQ || op == CMP_NE))
        return py_bool(op == CMP_NE);
    if (!py_stack_ok(py))
        return PY_FAIL;
    for (size_t i = 0; i < py_seq_len(a) && i < py_seq_len(b); i++) {
        int same = py_equal(py, py_seq_item(a, i), py_seq_item(b, i));
        if (same < 0)
            return PY_FAIL;
        if (same == 0 && (op == CMP_EQ || op == CMP_NE))
            return py_bool(op == CMP_NE);
        if (same == 0)
            return py_compare(py, op, py_seq_item(a, i), py_seq_item(b, i));
    }
    return py_compare(py, op, py_int((int64_t)m), py_int((int64_t)n));
}

static PyValue seq_concat(PyCtx *py, PyValue a, PyValue b) {
    size_t m = py_seq_len(a), n = py_seq_len(b);
    ArenaMark mark = arena_mark(py->scratch);
    PyValue *items = ARENA_ARRAY(py->scratch, PyValue, m + n + 1);
    for (size_t i = 0; i < m + n; i++)
        items[i] = i < m ? py_seq_item(a, i) : py_seq_item(b, i - m);
    PyValue result = same_kind(py, py_is_list(a), items, m + n);
    arena_reset(py->scratch, mark);
    return result;
}

static PyValue seq_repeat(PyCtx *py, PyValue seq, PyValue count) {
    size_t len = py_seq_len(seq);
    int64_t n;
    bool fits = py_to_i64(count, &n);
    if (!fits)
        n = py_int_sign(count) < 0 ? 0 : INT64_MAX;
    if (n < 0 || len == 0)
        n = 0;
    if (len > 0 && (uint64_t)n > ((uint64_t)1 << 28) / len)
        return py_raise(py, PYEXC_MemoryError, "the repeated sequence would be too long");
    size_t total = len * (size_t)n;
    ArenaMark mark = arena_mark(py->scratch);
    PyValue *items = ARENA_ARRAY(py->scratch, PyValue, total + 1);
    for (size_t i = 0; i < total; i++)
        items[i] = py_seq_item(seq, i % len);
    PyValue result = same_kind(py, py_is_list(seq), items, total);
    arena_reset(py->scratch, mark);
    return result;
}

PyValue py_seq_binary(PyCtx *py, BinOpKind op, PyValue a, PyValue b, bool *handled) {
    PyValue x = py_unwrap_constexpr(a), y = py_unwrap_constexpr(b);
    bool seq_a = py_is_tuple(x) || py_is_list(x), seq_b = py_is_tuple(y) || py_is_list(y);
    *handled = true;
    if (op == BIN_ADD && seq_a && seq_b && py_is_list(x) == py_is_list(y))
        return seq_concat(py, x, y);
    if (op == BIN_MUL && seq_a && (py_is_int(y) || y.tag == PY_BOOL_TAG))
        return seq_repeat(py, x, y);
    if (op == BIN_MUL && seq_b && (py_is_int(x) || x.tag == PY_BOOL_TAG))
        return seq_repeat(py, y, x);
    *handled = false;
    return PY_NONE;
}

static bool repr_items(PyCtx *py, PyValue self, StrBuf *out) {
    for (size_t i = 0; i < py_seq_len(self); i++) {
        if (i > 0)
            strbuf_puts(out, ", ");
        if (!py_repr(py, py_seq_item(self, i), out))
            return false;
    }
    return true;
}

/* ---- tuples -----------------------------------------------------------------------------------
 */

static void tuple_dealloc(PyCtx *py, PyObject *self) {
    PyTuple *t = (PyTuple *)self;
    for (size_t i = 0; i < t->len; i++)
        py_decref(py, t->items[i]);
    if (t->cls != NULL)
        py_decref(py, py_from_object(&t->cls->base));
    py_object_free(py, self);
}

static PyValue tuple_getattr(PyCtx *py, PyValue self, Sym name, bool *found) {
    const PyTuple *t = (const PyTuple *)self.u.o;
    PyValue value;
    *found = t->cls != NULL;
    if (t->cls == NULL)
        return PY_NONE;
    for (size_t i = 0; i < t->cls->num_fields; i++) {
        if (t->cls->fields[i] == name)
            return py_incref(t->items[i]);
    }
    if (strcmp(name, "_fields") == 0)
        return py_class_fields(py, t->cls);
    if (py_class_get(t->cls, name, &value))
        return py_class_bind_attr(py, value, self, t->cls);
    *found = false;
    return PY_NONE;
}

static bool tuple_repr(PyCtx *py, PyValue self, StrBuf *out) {
    PyTuple *t = (PyTuple *)self.u.o;
    bool ok = true;
    if (t->cls != NULL) {
        strbuf_printf(out, "%s(", t->cls->name);
        for (size_t i = 0; i < t->len && ok; i++) {
            strbuf_printf(out, "%s%s=", i > 0 ? ", " : "", t->cls->fields[i]);
            ok = py_repr(py, t->items[i], out);
        }
        strbuf_putc(out, ')');
        return ok;
    }
    if (t->busy) {
        strbuf_puts(out, "(...)");
        return true;
    }
    t->busy = true;
    strbuf_putc(out, '(');
    ok = repr_items(py, self, out);
    strbuf_puts(out, t->len == 1 ? ",)" : ")");
    t->busy = false;
    return ok;
}

static bool tuple_hash(PyCtx *py, PyValue self, uint64_t *out) {
    const PyTuple *t = (const PyTuple *)self.u.o;
    uint64_t hash = UINT64_C(2870177450012600261);
    for (size_t i = 0; i < t->len; i++) {
        uint64_t item;
        if (!py_hash(py, t->items[i], &item))
            return false;
        hash = (hash ^ item) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 29;
    }
    *out = hash;
    return true;
}

const PyType py_tuple_type = {.name = "tuple",
                              .dealloc = tuple_dealloc,
                              .getattr = tuple_getattr,
                              .subscript = seq_subscript,
                              .iter = seq_iter,
                              .length = seq_length,
                              .binary = py_seq_binary,
                              .compare = seq_compare,
                              .contains = seq_contains,
                              .repr = tuple_repr,
                              .hash = tuple_hash,
                              .methods = py_tuple_methods};

PyValue py_tuple_steal(PyCtx *py, PyValue *items, size_t len) {
    PyTuple *t = py_object_new(py, &py_tuple_type, sizeof *t + len * sizeof *items);
    t->len = len;
    if (len > 0)
        memcpy(t->items, items, len * sizeof *items);
    return py_from_object(&t->base);
}

PyValue py_tuple(PyCtx *py, const PyValue *items, size_t len) {
    PyTuple *t = py_object_new(py, &py_tuple_type, sizeof *t + len * sizeof *items);
    t->len = len;
    for (size_t i = 0; i < len; i++)
        t->items[i] = py_incref(items[i]);
    return py_from_object(&t->base);
}

/* ---- lists ------------------------------------------------------------------------------------
 */

static void list_dealloc(PyCtx *py, PyObject *self) {
    PyList *list = (PyList *)self;
    for (size_t i = 0; i < list->len; i++)
        py_decref(py, list->items[i]);
    free(list->items);
    py_object_free(py, self);
}

static bool list_set_subscript(PyCtx *py, PyValue self, PyValue index, PyValue value) {
    PyList *list = (PyList *)self.u.o;
    if (py_as(index, &py_slice_type) != NULL)
        return py_list_set_slice(py, list, index, value);
    int64_t i = py_seq_index(py, index, list->len, "list assignment");
    if (i < 0)
        return false;
    PyValue old = list->items[i];
    list->items[i] = py_incref(value);
    py_decref(py, old);
    return true;
}

static bool list_repr(PyCtx *py, PyValue self, StrBuf *out) {
    PyList *list = (PyList *)self.u.o;
    if (list->busy) {
        strbuf_puts(out, "[...]");
        return true;
    }
    list->busy = true;
    strbuf_putc(out, '[');
    bool ok = repr_items(py, self, out);
    strbuf_putc(out, ']');
    list->busy = false;
    return ok;
}

const PyType py_list_type = {.name = "list",
                             .dealloc = list_dealloc,
                             .subscript = seq_subscript,
                             .set_subscript = list_set_subscript,
                             .iter = seq_iter,
                             .length = seq_length,
                             .binary = py_seq_binary,
                             .compare = seq_compare,
                             .contains = seq_contains,
                             .repr = list_repr,
                             .unhashable = true,
                             .methods = py_list_methods};

static void list_reserve(PyCtx *py, PyList *list, size_t len) {
    if (len <= list->cap)
        return;
    size_t cap = list->cap * 2 < 4 ? 4 : list->cap * 2;
    if (cap < len)
        cap = len;
    list->items = oom_realloc(py->oom, list->items, cap * sizeof *list->items);
    list->cap = cap;
}

PyValue py_list(PyCtx *py, const PyValue *items, size_t len) {
    PyList *list = py_object_new(py, &py_list_type, sizeof *list);
    list_reserve(py, list, len);
    for (size_t i = 0; i < len; i++)
        list->items[i] = py_incref(items[i]);
    list->len = len;
    return py_from_object(&list->base);
}

bool py_list_append(PyCtx *py, PyValue v, PyValue item) {
    PyList *list = (PyList *)v.u.o;
    list_reserve(py, list, list->len + 1);
    list->items[list->len++] = py_incref(item);
    return true;
}

bool py_list_insert(PyCtx *py, PyList *list, size_t at, PyValue item) {
    list_reserve(py, list, list->len + 1);
    memmove(list->items + at + 1, list->items + at, (list->len - at) * sizeof *list->items);
    list->items[at] = py_incref(item);
    list->len++;
    return true;
}

PyValue py_list_pop_at(PyCtx *py, PyList *list, size_t at) {
    PyValue item = list->items[at];
    (void)py;
    memmove(list->items + at, list->items + at + 1, (list->len - at - 1) * sizeof *list->items);
    list->len--;
    return item;
}

PyValue py_list_of(PyCtx *py, PyValue iterable) {
    if (py_is_tuple(iterable))
        return py_list(py, ((const PyTuple *)iterable.u.o)->items, py_seq_len(iterable));
    if (py_is_list(iterable))
        return py_list(py, ((const PyList *)iterable.u.o)->items, py_seq_len(iterable));
    PyValue it = py_iter(py, iterable);
    if (py_failed(it))
        return PY_FAIL;
    PyValue list = py_list(py, NULL, 0);
    for (bool done = false; !done;) {
        PyValue item = py_next(py, it, &done);
        if (py_failed(item)) {
            py_decref(py, list);
            py_decref(py, it);
            return PY_FAIL;
        }
        if (!done)
            py_list_append(py, list, item);
        py_decref(py, item);
    }
    py_decref(py, it);
    return list;
}

/* list[a:b] = items, and list[a:b:c] = as many items as there are places. */
bool py_list_set_slice(PyCtx *py, PyList *list, PyValue slice, PyValue value) {
    int64_t start, step, count;
    PyValue fresh = py_list_of(py, value);
    if (py_failed(fresh))
        return false;
    PyList *from = (PyList *)fresh.u.o;
    if (!py_slice_indices(py, slice, (int64_t)list->len, &start, &step, &count)) {
        py_decref(py, fresh);
        return false;
    }
    if (step != 1) {
        bool fits = (int64_t)from->len == count;
        if (!fits)
            py_raise(py, PYEXC_ValueError,
                     "attempt to assign sequence of size %zu to extended slice of size %lld",
                     from->len, (long long)count);
        for (int64_t i = 0; fits && i < count; i++) { /* swapped: `fresh` drops the old ones */
            PyValue old = list->items[start + i * step];
            list->items[start + i * step] = from->items[i];
            from->items[i] = old;
        }
        py_decref(py, fresh);
        return fits;
    }
    size_t at = (size_t)start, gone = (size_t)count, rest = list->len - at - gone;
    PyValue old = py_list(py, list->items + at, gone);
    for (size_t i = 0; i < gone; i++)
        py_decref(py, list->items[at + i]);
    list_reserve(py, list, at + from->len + rest);
    memmove(list->items + at + from->len, list->items + at + gone, rest * sizeof *list->items);
    for (size_t i = 0; i < from->len; i++)
        list->items[at + i] = py_incref(from->items[i]);
    list->len = at + from->len + rest;
    py_decref(py, old);
    py_decref(py, fresh);
    return true;
}

bool py_list_del_slice(PyCtx *py, PyList *list, PyValue slice) {
    int64_t start, step, count;
    if (!py_slice_indices(py, slice, (int64_t)list->len, &start, &step, &count))
        return false;
    if (step < 0) { /* the same places from the lowest on */
        start += (count - 1) * step;
        step = -step;
    }
    PyValue gone = py_list(py, NULL, 0);
    size_t kept = 0;
    for (size_t i = 0; i < list->len; i++) {
        int64_t at = (int64_t)i - start;
        if (at >= 0 && at % step == 0 && at / step < count)
            py_list_append(py, gone, list->items[i]);
        else
            list->items[kept++] = list->items[i];
    }
    list->len = kept;
    for (size_t i = 0; i < py_seq_len(gone); i++) /* the list's own references */
        py_decref(py, py_seq_item(gone, i));
    py_decref(py, gone);
    return true;
}

/* ---- ranges -----------------------------------------------------------------------------------
 */

static PyValue range_subscript(PyCtx *py, PyValue self, PyValue index) {
    const PyRange *r = (const PyRange *)self.u.o;
    int64_t start, step, count;
    if (py_as(index, &py_slice_type) == NULL) {
        int64_t i = py_seq_index(py, index, (size_t)r->len, "range object");
        return i < 0 ? PY_FAIL : py_int(r->start + i * r->step);
    }
    if (!py_slice_indices(py, index, r->len, &start, &step, &count))
        return PY_FAIL;
    return py_range(py, r->start + start * r->step, r->start + (start + count * step) * r->step,
                    r->step * step);
}

static int64_t range_length(PyCtx *py, PyValue self) {
    (void)py;
    return ((const PyRange *)self.u.o)->len;
}

static int range_contains(PyCtx *py, PyValue self, PyValue item) {
    const PyRange *r = (const PyRange *)self.u.o;
    int64_t i;
    double f;
    (void)py;
    if (item.tag == PY_FLOAT_TAG && py_to_double(item, &f) && f == (double)(int64_t)f)
        item = py_int((int64_t)f);
    if (!py_to_i64(item, &i) || r->len == 0)
        return 0;
    int64_t last = r->start + (r->len - 1) * r->step;
    int64_t lo = r->step > 0 ? r->start : last, hi = r->step > 0 ? last : r->start;
    return i >= lo && i <= hi && (i - r->start) % r->step == 0;
}

static bool range_repr(PyCtx *py, PyValue self, StrBuf *out) {
    const PyRange *r = (const PyRange *)self.u.o;
    (void)py;
    strbuf_printf(out, "range(%lld, %lld", (long long)r->start, (long long)r->stop);
    if (r->step != 1)
        strbuf_printf(out, ", %lld", (long long)r->step);
    strbuf_putc(out, ')');
    return true;
}

static PyValue range_compare(PyCtx *py, CmpOpKind op, PyValue a, PyValue b, bool *handled) {
    const PyRange *x = py_as(a, &py_range_type), *y = py_as(b, &py_range_type);
    (void)py;
    *handled = x != NULL && y != NULL && (op == CMP_EQ || op == CMP_NE);
    if (!*handled)
        return PY_NONE;
    bool same = x->len == y->len && (x->len == 0 || x->start == y->start) &&
                (x->len <= 1 || x->step == y->step);
    return py_bool(same == (op == CMP_EQ));
}

static PyValue range_getattr(PyCtx *py, PyValue self, Sym name, bool *found) {
    const PyRange *r = (const PyRange *)self.u.o;
    (void)py;
    *found = true;
    if (strcmp(name, "start") == 0)
        return py_int(r->start);
    if (strcmp(name, "stop") == 0)
        return py_int(r->stop);
    if (strcmp(name, "step") == 0)
        return py_int(r->step);
    *found = false;
    return PY_NONE;
}

const PyType py_range_type = {.name = "range",
                              .getattr = range_getattr,
                              .subscript = range_subscript,
                              .iter = seq_iter,
                              .length = range_length,
                              .compare = range_compare,
                              .contains = range_contains,
                              .repr = range_repr};

PyValue py_range(PyCtx *py, int64_t start, int64_t stop, int64_t step) {
    if (step == 0)
        return py_raise(py, PYEXC_ValueError, "range() arg 3 must not be zero");
    uint64_t span = step > 0 ? (uint64_t)stop - (uint64_t)start : (uint64_t)start - (uint64_t)stop;
    uint64_t stride = step > 0 ? (uint64_t)step : 0 - (uint64_t)step;
    bool empty = step > 0 ? start >= stop : start <= stop;
    uint64_t len = empty ? 0 : (span - 1) / stride + 1;
    if (len > INT64_MAX)
        return py_raise(py, PYEXC_OverflowError, "range() has too many items");
    PyRange *r = py_object_new(py, &py_range_type, sizeof *r);
    r->start = start;
    r->stop = stop;
    r->step = step;
    r->len = (int64_t)len;
    return py_from_object(&r->base);
}
