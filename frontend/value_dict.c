/* value_dict.c -- dicts and sets.
 *
 * Entries lie in an array in insertion order; an open-addressing table of indices finds them by
 * hash (the compact dict of CPython 3.6 and later). Removed entries leave a hole until the array
 * is packed when it grows.
 */
#include <stdlib.h>
#include <string.h>

#include "frontend/value_types.h"

#define SLOT_REMOVED UINT32_MAX

bool py_is_dict(PyValue v) {
    return py_as(v, &py_dict_type) != NULL;
}

bool py_is_set(PyValue v) {
    return py_as(v, &py_set_type) != NULL || py_as(v, &py_frozenset_type) != NULL;
}

PyDict *py_dict_or_set(PyValue v) {
    return py_is_dict(v) || py_is_set(v) ? (PyDict *)v.u.o : NULL;
}

static void dict_dealloc(PyCtx *py, PyObject *self) {
    PyDict *dict = (PyDict *)self;
    for (size_t i = 0; i < dict->len; i++) {
        py_decref(py, dict->entries[i].key);
        py_decref(py, dict->entries[i].value);
    }
    free(dict->entries);
    free(dict->slots);
    py_decref(py, dict->factory);
    py_object_free(py, self);
}

/* ---- the table --------------------------------------------------------------------------------
 */

static size_t first_slot(const PyDict *dict, uint64_t hash) {
    return (size_t)((hash * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & (dict->num_slots - 1);
}

bool py_dict_find(PyCtx *py, PyDict *dict, PyValue key, size_t *entry, bool *found) {
    uint64_t hash;
    *found = false;
    if (!py_hash(py, key, &hash))
        return false;
    if (dict->num_slots == 0)
        return true;
    size_t slot = first_slot(dict, hash);
    for (; dict->slots[slot] != 0; slot = (slot + 1) & (dict->num_slots - 1)) {
        if (dict->slots[slot] == SLOT_REMOVED)
            continue;
        const PyDictEntry *e = &dict->entries[dict->slots[slot] - 1];
        if (e->hash != hash)
            continue;
        int same = py_equal(py, e->key, key);
        if (same < 0)
            return false;
        if (same == 1) {
            *entry = dict->slots[slot] - 1;
            *found = true;
            return true;
        }
    }
    return true;
}

static void dict_grow(PyCtx *py, PyDict *dict) {
    size_t cap = dict->count * 2 < 8 ? 8 : dict->count * 2, num_slots = 16, len = 0;
    while (num_slots < cap * 2)
        num_slots *= 2;
    uint32_t *slots = oom_malloc(py->oom, num_slots * sizeof *slots);
    memset(slots, 0, num_slots * sizeof *slots);
    for (size_t i = 0; i < dict->len; i++) {
        if (!py_failed(dict->entries[i].key))
            dict->entries[len++] = dict->entries[i];
    }
    free(dict->slots);
    dict->slots = slots;
    dict->num_slots = num_slots;
    dict->entries = oom_realloc(py->oom, dict->entries, cap * sizeof *dict->entries);
    dict->cap = cap;
    dict->len = len;
    for (size_t i = 0; i < len; i++) {
        size_t slot = first_slot(dict, dict->entries[i].hash);
        while (slots[slot] != 0)
            slot = (slot + 1) & (num_slots - 1);
        slots[slot] = (uint32_t)i + 1;
    }
}

/* Sets dict[key]; a key that is there keeps its place (and its first form). */
static bool dict_put(PyCtx *py, PyDict *dict, PyValue key, PyValue value) {
    size_t at;
    bool found;
    uint64_t hash;
    if (!py_dict_find(py, dict, key, &at, &found) || !py_hash(py, key, &hash))
        return false;
    if (found) {
        PyValue old = dict->entries[at].value;
        dict->entries[at].value = py_incref(value);
        py_decref(py, old);
        return true;
    }
    if (dict->len == dict->cap)
        dict_grow(py, dict);
    size_t slot = first_slot(dict, hash);
    while (dict->slots[slot] != 0 && dict->slots[slot] != SLOT_REMOVED)
        slot = (slot + 1) & (dict->num_slots - 1);
    dict->entries[dict->len] = (PyDictEntry){py_incref(key), py_incref(value), hash};
    dict->len++;
    dict->slots[slot] = (uint32_t)dict->len;
    dict->count++;
    return true;
}

bool py_dict_remove(PyCtx *py, PyDict *dict, PyValue key, PyValue *value, bool *found) {
    size_t at;
    if (!py_dict_find(py, dict, key, &at, found))
        return false;
    if (!*found)
        return true;
    PyDictEntry *e = &dict->entries[at];
    size_t slot = first_slot(dict, e->hash);
    while (dict->slots[slot] != at + 1)
        slot = (slot + 1) & (dict->num_slots - 1);
    dict->slots[slot] = SLOT_REMOVED;
    PyValue old = e->key;
    *value = e->value;
    e->key = PY_FAIL;
    e->value = PY_NONE;
    dict->count--;
    if (at + 1 == dict->len)
        dict->len--;
    if (dict->count == 0 || dict->len == dict->cap)
        dict_grow(py, dict);
    py_decref(py, old);
    return true;
}

void py_dict_clear(PyCtx *py, PyDict *dict) {
    PyDict old = *dict;
    dict->entries = NULL;
    dict->slots = NULL;
    dict->len = dict->cap = dict->count = dict->num_slots = 0;
    for (size_t i = 0; i < old.len; i++) {
        py_decref(py, old.entries[i].key);
        py_decref(py, old.entries[i].value);
    }
    free(old.entries);
    free(old.slots);
}

/* ---- dicts ------------------------------------------------------------------------------------
 */

PyValue py_dict(PyCtx *py) {
    PyDict *dict = py_object_new(py, &py_dict_type, sizeof *dict);
    dict->factory = PY_NONE;
    return py_from_object(&dict->base);
}

bool py_dict_set(PyCtx *py, PyValue dict, PyValue key, PyValue value) {
    return dict_put(py, (PyDict *)dict.u.o, key, value);
}

bool py_dict_get(PyCtx *py, PyValue v, PyValue key, PyValue *out) {
    PyDict *dict = (PyDict *)v.u.o;
    size_t at;
    bool found;
    if (!py_dict_find(py, dict, key, &at, &found))
        py_clear_exception(py);
    if (found)
        *out = dict->entries[at].value;
    return found;
}

bool py_dict_update(PyCtx *py, PyValue dict, PyValue other) {
    const PyDict *from = py_as(other, &py_dict_type);
    if (from != NULL) {
        for (size_t i = 0; i < from->len; i++) {
            const PyDictEntry e = from->entries[i];
            if (!py_failed(e.key) && !py_dict_set(py, dict, e.key, e.value))
                return false;
        }
        return true;
    }
    PyValue pairs = py_list_of(py, other);
    if (py_failed(pairs))
        return false;
    bool ok = true;
    for (size_t i = 0; i < py_seq_len(pairs) && ok; i++) {
        PyValue source = py_seq_item(pairs, i);
        bool iterable = source.tag == PY_OBJECT_TAG && source.u.o->type->iter != NULL;
        PyValue pair = iterable ? py_list_of(py, source)
                                : py_raise(py, PYEXC_TypeError,
                                           "cannot convert dictionary update sequence element "
                                           "#%zu to a sequence",
                                           i);
        ok = !py_failed(pair);
        if (ok && py_seq_len(pair) != 2) {
            py_raise(py, PYEXC_ValueError,
                     "dictionary update sequence element #%zu has length %zu; 2 is required", i,
                     py_seq_len(pair));
            ok = false;
        }
        ok = ok && py_dict_set(py, dict, py_seq_item(pair, 0), py_seq_item(pair, 1));
        py_decref(py, pair);
    }
    py_decref(py, pairs);
    return ok;
}

PyValue py_raise_key_error(PyCtx *py, PyValue key) {
    PyValue args = py_tuple(py, &key, 1);
    PyValue exception = py_exception_new(py, py_exc_class(py, PYEXC_KeyError), args, py->here);
    py_decref(py, args);
    py_clear_exception(py);
    py->exception = exception;
    return PY_FAIL;
}

static PyValue dict_subscript(PyCtx *py, PyValue self, PyValue key) {
    PyDict *dict = (PyDict *)self.u.o;
    size_t at;
    bool found;
    key = py_unwrap_constexpr(key);
    if (!py_dict_find(py, dict, key, &at, &found))
        return PY_FAIL;
    if (found)
        return py_incref(dict->entries[at].value);
    if (dict->factory.tag == PY_NONE_TAG)
        return py_raise_key_error(py, key);
    PyValue value = py_call_values(py, dict->factory, NULL, 0);
    if (!py_failed(value) && !dict_put(py, dict, key, value)) {
        py_decref(py, value);
        return PY_FAIL;
    }
    return value;
}

static int64_t dict_length(PyCtx *py, PyValue self) {
    (void)py;
    return (int64_t)((const PyDict *)self.u.o)->count;
}

static int dict_contains(PyCtx *py, PyValue self, PyValue item) {
    size_t at;
    bool found;
    if (!py_dict_find(py, (PyDict *)self.u.o, item, &at, &found))
        return -1;
    return found;
}

static PyValue dict_compare(PyCtx *py, CmpOpKind op, PyValue a, PyValue b, bool *handled) {
    const PyDict *x = py_as(a, &py_dict_type), *y = py_as(b, &py_dict_type);
    *handled = x != NULL && y != NULL && (op == CMP_EQ || op == CMP_NE);
    if (!*handled)
        return PY_NONE;
    bool same = x->count == y->count;
    for (size_t i = 0; i < x->len && same; i++) {
        PyValue other;
        if (py_failed(x->entries[i].key))
            continue;
        if (!py_dict_get(py, b, x->entries[i].key, &other)) {
            same = false;
            break;
        }
        int equal = py_stack_ok(py) ? py_equal(py, x->entries[i].value, other) : -1;
        if (equal < 0)
            return PY_FAIL;
        same = equal == 1;
    }
    return py_bool(same == (op == CMP_EQ));
}

static PyValue dict_binary(PyCtx *py, BinOpKind op, PyValue a, PyValue b, bool *handled) {
    *handled = op == BIN_BITOR && py_is_dict(a) && py_is_dict(b);
    if (!*handled)
        return PY_NONE;
    PyValue both = py_dict(py);
    if (py_dict_update(py, both, a) && py_dict_update(py, both, b))
        return both;
    py_decref(py, both);
    return PY_FAIL;
}

static bool dict_repr(PyCtx *py, PyValue self, StrBuf *out) {
    PyDict *dict = (PyDict *)self.u.o;
    bool ok = true, first = true;
    if (dict->busy) {
        strbuf_puts(out, "{...}");
        return true;
    }
    dict->busy = true;
    strbuf_putc(out, '{');
    for (size_t i = 0; i < dict->len && ok; i++) {
        if (py_failed(dict->entries[i].key))
            continue;
        strbuf_puts(out, first ? "" : ", ");
        first = false;
        ok = py_repr(py, dict->entries[i].key, out);
        strbuf_puts(out, ": ");
        ok = ok && py_repr(py, dict->entries[i].value, out);
    }
    strbuf_putc(out, '}');
    dict->busy = false;
    return ok;
}

/* ---- iteration, and the views keys(), values(), items()
 * ------------------------------------------ */

typedef struct DictIter { /* also the view, with index 0 */
    PyObject base;
    PyValue source;
    size_t index, count;
    int what; /* 0: keys, 1: values, 2: items */
} DictIter;

static void dict_iter_dealloc(PyCtx *py, PyObject *self) {
    py_decref(py, ((DictIter *)self)->source);
    py_object_free(py, self);
}

static PyValue dict_iter_self(PyCtx *py, PyValue self) {
    (void)py;
    return py_incref(self);
}

static PyValue dict_iter_next(PyCtx *py, PyValue self, bool *done) {
    DictIter *it = (DictIter *)self.u.o;
    const PyDict *dict = (const PyDict *)it->source.u.o;
    if (dict->count != it->count)
        return py_raise(py, PYEXC_RuntimeError, "%s changed size during iteration",
                        py_is_dict(it->source) ? "dictionary" : "Set");
    while (it->index < dict->len && py_failed(dict->entries[it->index].key))
        it->index++;
    *done = it->index >= dict->len;
    if (*done)
        return PY_NONE;
    const PyDictEntry *e = &dict->entries[it->index++];
    PyValue both[2] = {e->key, e->value};
    return it->what == 2 ? py_tuple(py, both, 2) : py_incref(both[it->what]);
}

static const PyType dict_iter_type = {.name = "dict_iterator",
                                      .dealloc = dict_iter_dealloc,
                                      .iter = dict_iter_self,
                                      .next = dict_iter_next};

static PyValue new_dict_iter(PyCtx *py, PyValue source, const PyType *type, int what) {
    DictIter *it = py_object_new(py, type, sizeof *it);
    it->source = py_incref(source);
    it->count = ((const PyDict *)source.u.o)->count;
    it->what = what;
    return py_from_object(&it->base);
}

static PyValue dict_iter(PyCtx *py, PyValue self) {
    return new_dict_iter(py, self, &dict_iter_type, 0);
}

static PyValue view_iter(PyCtx *py, PyValue self) {
    const DictIter *view = (const DictIter *)self.u.o;
    return new_dict_iter(py, view->source, &dict_iter_type, view->what);
}

static int64_t view_length(PyCtx *py, PyValue self) {
    return dict_length(py, ((const DictIter *)self.u.o)->source);
}

static bool view_repr(PyCtx *py, PyValue self, StrBuf *out) {
    static const char *const names[] = {"dict_keys", "dict_values", "dict_items"};
    PyValue items = py_list_of(py, self);
    if (py_failed(items))
        return false;
    strbuf_printf(out, "%s(", names[((const DictIter *)self.u.o)->what]);
    bool ok = py_repr(py, items, out);
    strbuf_putc(out, ')');
    py_decref(py, items);
    return ok;
}

static int view_contains(PyCtx *py, PyValue self, PyValue item) {
    const DictIter *view = (const DictIter *)self.u.o;
    if (view->what == 0)
        return dict_contains(py, view->source, item);
    PyValue items = py_list_of(py, self);
    int found = py_failed(items) ? -1 : py_contains(py, items, item);
    py_decref(py, items);
    return found;
}

/* keys() and items() are like sets: compare and combine them as such. */
static PyValue view_as_set(PyCtx *py, PyValue v) {
    if (py_as(v, &py_dict_view_type) == NULL)
        return py_incref(v);
    PyValue set = py_set(py, false), items = py_list_of(py, v);
    bool ok = !py_failed(items);
    for (size_t i = 0; ok && i < py_seq_len(items); i++)
        ok = py_set_add(py, set, py_seq_item(items, i));
    py_decref(py, items);
    if (ok)
        return set;
    py_decref(py, set);
    return PY_FAIL;
}

static PyValue view_compare(PyCtx *py, CmpOpKind op, PyValue a, PyValue b, bool *handled) {
    PyValue x = view_as_set(py, a), y = py_failed(x) ? PY_FAIL : view_as_set(py, b);
    *handled = py_failed(x) || py_failed(y) || (py_is_set(x) && py_is_set(y));
    PyValue result = py_failed(x) || py_failed(y) ? PY_FAIL
                     : *handled                   ? py_compare(py, op, x, y)
                                                  : PY_NONE;
    py_decref(py, x);
    py_decref(py, y);
    return result;
}

static PyValue view_binary(PyCtx *py, BinOpKind op, PyValue a, PyValue b, bool *handled) {
    PyValue x = view_as_set(py, a), y = py_failed(x) ? PY_FAIL : view_as_set(py, b);
    *handled = py_failed(x) || py_failed(y) || (py_is_set(x) && py_is_set(y));
    PyValue result = py_failed(x) || py_failed(y) ? PY_FAIL
                     : *handled                   ? py_binary(py, op, x, y)
                                                  : PY_NONE;
    py_decref(py, x);
    py_decref(py, y);
    return result;
}

const PyType py_dict_view_type = {.name = "dict_view",
                                  .dealloc = dict_iter_dealloc,
                                  .iter = view_iter,
                                  .length = view_length,
                                  .contains = view_contains,
                                  .compare = view_compare,
                                  .binary = view_binary,
                                  .repr = view_repr};

PyValue py_dict_view(PyCtx *py, PyValue dict, int what) {
    return new_dict_iter(py, dict, &py_dict_view_type, what);
}

const PyType py_dict_type = {.name = "dict",
                             .dealloc = dict_dealloc,
                             .subscript = dict_subscript,
                             .set_subscript = py_dict_set,
                             .iter = dict_iter,
                             .length = dict_length,
                             .binary = dict_binary,
                             .compare = dict_compare,
                             .contains = dict_contains,
                             .repr = dict_repr,
                             .unhashable = true,
                             .methods = py_dict_methods};

/* ---- sets -------------------------------------------------------------------------------------
 */

PyValue py_set(PyCtx *py, bool frozen) {
    PyDict *set = py_object_new(py, frozen ? &py_frozenset_type : &py_set_type, sizeof *set);
    set->factory = PY_NONE;
    return py_from_object(&set->base);
}

bool py_set_add(PyCtx *py, PyValue set, PyValue item) {
    return dict_put(py, (PyDict *)set.u.o, item, PY_NONE);
}

/* Adds those items of `from` to `out` whose being in `other` is `wanted`. */
static bool set_pick(PyCtx *py, PyValue from, PyValue other, int wanted, PyValue out) {
    const PyDict *set = (const PyDict *)from.u.o;
    for (size_t i = 0; i < set->len; i++) {
        PyValue key = set->entries[i].key;
        if (py_failed(key))
            continue;
        int in = dict_contains(py, other, key);
        if (in < 0 || (in == wanted && !py_set_add(py, out, key)))
            return false;
    }
    return true;
}

static PyValue set_binary(PyCtx *py, BinOpKind op, PyValue a, PyValue b, bool *handled) {
    bool known = op == BIN_BITOR || op == BIN_BITAND || op == BIN_SUB || op == BIN_BITXOR;
    *handled = known && py_is_set(a) && py_is_set(b);
    if (!*handled)
        return PY_NONE;
    PyValue out = py_set(py, py_as(a, &py_frozenset_type) != NULL);
    PyValue none = py_set(py, false);
    bool ok;
    if (op == BIN_BITOR)
        ok = set_pick(py, a, none, 0, out) && set_pick(py, b, none, 0, out);
    else if (op == BIN_BITAND)
        ok = set_pick(py, a, b, 1, out);
    else
        ok = set_pick(py, a, b, 0, out) && (op == BIN_SUB || set_pick(py, b, a, 0, out));
    py_decref(py, none);
    if (ok)
        return out;
    py_decref(py, out);
    return PY_FAIL;
}

/* Is every item of a in b? */
static int subset(PyCtx *py, PyValue a, PyValue b) {
    const PyDict *set = (const PyDict *)a.u.o;
    for (size_t i = 0; i < set->len; i++) {
        if (py_failed(set->entries[i].key))
            continue;
        int in = dict_contains(py, b, set->entries[i].key);
        if (in != 1)
            return in;
    }
    return 1;
}

static PyValue set_compare(PyCtx *py, CmpOpKind op, PyValue a, PyValue b, bool *handled) {
    *handled = py_is_set(a) && py_is_set(b);
    if (!*handled)
        return PY_NONE;
    if (op == CMP_GT || op == CMP_GE)
        return set_compare(py, op == CMP_GT ? CMP_LT : CMP_LE, b, a, handled);
    size_t m = ((const PyDict *)a.u.o)->count, n = ((const PyDict *)b.u.o)->count;
    bool sizes = op == CMP_LT ? m < n : op == CMP_LE ? m <= n : m == n;
    int in = sizes ? subset(py, a, b) : 0;
    return in < 0 ? PY_FAIL : py_bool((in == 1) == (op != CMP_NE));
}

static bool set_repr(PyCtx *py, PyValue self, StrBuf *out) {
    const PyDict *set = (const PyDict *)self.u.o;
    bool frozen = py_as(self, &py_frozenset_type) != NULL, first = true;
    if (set->count == 0) {
        strbuf_puts(out, frozen ? "frozenset()" : "set()");
        return true;
    }
    strbuf_puts(out, frozen ? "frozenset({" : "{");
    for (size_t i = 0; i < set->len; i++) {
        if (py_failed(set->entries[i].key))
            continue;
        strbuf_puts(out, first ? "" : ", ");
        first = false;
        if (!py_repr(py, set->entries[i].key, out))
            return false;
    }
    strbuf_puts(out, frozen ? "})" : "}");
    return true;
}

static bool frozenset_hash(PyCtx *py, PyValue self, uint64_t *out) {
    const PyDict *set = (const PyDict *)self.u.o;
    (void)py;
    *out = 1927868237 * (set->count + 1);
    for (size_t i = 0; i < set->len; i++) {
        if (!py_failed(set->entries[i].key))
            *out ^= set->entries[i].hash * UINT64_C(0x9E3779B97F4A7C15);
    }
    return true;
}

const PyType py_set_type = {.name = "set",
                            .dealloc = dict_dealloc,
                            .iter = dict_iter,
                            .length = dict_length,
                            .binary = set_binary,
                            .compare = set_compare,
                            .contains = dict_contains,
                            .repr = set_repr,
                            .unhashable = true,
                            .methods = py_set_methods};
const PyType py_frozenset_type = {.name = "frozenset",
                                  .dealloc = dict_dealloc,
                                  .iter = dict_iter,
                                  .length = dict_length,
                                  .binary = set_binary,
                                  .compare = set_compare,
                                  .contains = dict_contains,
                                  .repr = set_repr,
                                  .hash = frozenset_hash,
                                  .methods = py_frozenset_methods};
