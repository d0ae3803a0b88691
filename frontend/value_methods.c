/* value_methods.c -- the methods of lists, tuples, dicts, sets and numbers, and sorting. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/value_types.h"

#define METHOD(name)                                                                               \
    static PyValue name(PyCtx *py, PyValue self, TK_UNUSED const PyValue *a,                       \
                        TK_UNUSED const PyArgs *args)

static PyList *list_of(PyValue v) {
    return (PyList *)v.u.o;
}

/* ---- sorting: a stable merge sort
 * ---------------------------------------------------------------- */

typedef struct SortItem {
    PyValue key, value;
} SortItem;

/* Is a < b? -1: failed. */
static int less(PyCtx *py, const SortItem *a, const SortItem *b) {
    PyValue result = py_compare(py, CMP_LT, a->key, b->key);
    int truth = py_failed(result) ? -1 : py_truth(py, result);
    py_decref(py, result);
    return truth;
}

static bool merge_sort(PyCtx *py, SortItem *items, SortItem *space, size_t len, bool reverse) {
    if (len < 2)
        return true;
    size_t half = len / 2;
    if (!merge_sort(py, items, space, half, reverse) ||
        !merge_sort(py, items + half, space, len - half, reverse))
        return false;
    size_t i = 0, j = half, k = 0;
    while (i < half && j < len) { /* the right one goes first only if it must: stable */
        int second = reverse ? less(py, &items[i], &items[j]) : less(py, &items[j], &items[i]);
        if (second < 0)
            return false;
        space[k++] = second == 1 ? items[j++] : items[i++];
    }
    while (i < half)
        space[k++] = items[i++];
    memcpy(items, space, k * sizeof *items);
    return true;
}

bool py_list_sort(PyCtx *py, PyList *list, PyValue key, bool reverse) {
    size_t len = list->len, keyed = 0;
    PyValue *taken = list->items; /* the list is empty while its items are compared */
    size_t cap = list->cap;
    bool ok = true;
    list->items = NULL;
    list->len = list->cap = 0;
    SortItem *items = oom_malloc(py->oom, (2 * len + 1) * sizeof *items);
    for (; keyed < len && ok; keyed++) {
        items[keyed].value = taken[keyed];
        items[keyed].key = key.tag == PY_NONE_TAG ? py_incref(taken[keyed])
                                                  : py_call_values(py, key, &taken[keyed], 1);
        ok = !py_failed(items[keyed].key);
    }
    ok = ok && merge_sort(py, items, items + len, len, reverse);
    for (size_t i = 0; i < keyed; i++) {
        if (ok)
            taken[i] = items[i].value;
    }
    for (size_t i = 0; i < keyed; i++)
        py_decref(py, items[i].key);
    free(items);
    for (size_t i = 0; i < list->len; i++)
        py_decref(py, list->items[i]);
    free(list->items);
    list->items = taken;
    list->len = len;
    list->cap = cap;
    return ok;
}

/* ---- lists and tuples --------------------------------------------------------------------------
 */

METHOD(list_append) {
    py_list_append(py, self, a[0]);
    return PY_NONE;
}
METHOD(list_extend) {
    PyValue more = py_list_of(py, a[0]);
    if (py_failed(more))
        return PY_FAIL;
    for (size_t i = 0; i < py_seq_len(more); i++)
        py_list_append(py, self, py_seq_item(more, i));
    py_decref(py, more);
    return PY_NONE;
}
METHOD(list_insert) {
    PyList *list = list_of(self);
    int64_t i;
    if (!py_to_i64(a[0], &i))
        return py_raise(py, PYEXC_TypeError, "'%s' object cannot be interpreted as an integer",
                        py_type_name(a[0]));
    if (i < 0)
        i = i + (int64_t)list->len < 0 ? 0 : i + (int64_t)list->len;
    py_list_insert(py, list, i > (int64_t)list->len ? list->len : (size_t)i, a[1]);
    return PY_NONE;
}
METHOD(list_pop) {
    PyList *list = list_of(self);
    if (list->len == 0)
        return py_raise(py, PYEXC_IndexError, "pop from empty list");
    int64_t i = py_failed(a[0]) ? (int64_t)list->len - 1 : py_seq_index(py, a[0], list->len, "pop");
    return i < 0 ? PY_FAIL : py_list_pop_at(py, list, (size_t)i);
}

/* The place of an item; -1 absent, -2 failed. */
static int64_t place_of(PyCtx *py, PyValue seq, PyValue item) {
    for (size_t i = 0; i < py_seq_len(seq); i++) {
        int same = py_equal(py, py_seq_item(seq, i), item);
        if (same != 0)
            return same < 0 ? -2 : (int64_t)i;
    }
    return -1;
}
METHOD(seq_index) {
    int64_t i = place_of(py, self, a[0]);
    if (i >= 0)
        return py_int(i);
    if (i == -1) {
        ArenaMark mark = arena_mark(py->scratch);
        StrBuf text = STRBUF(py->scratch);
        if (py_is_tuple(self))
            py_raise(py, PYEXC_ValueError, "tuple.index(x): x not in tuple");
        else if (py_repr(py, a[0], &text))
            py_raise(py, PYEXC_ValueError, "%s is not in list", strbuf_str(&text));
        arena_reset(py->scratch, mark);
    }
    return PY_FAIL;
}
METHOD(seq_count) {
    int64_t count = 0;
    for (size_t i = 0; i < py_seq_len(self); i++) {
        int same = py_equal(py, py_seq_item(self, i), a[0]);
        if (same < 0)
            return PY_FAIL;
        count += same;
    }
    return py_int(count);
}
METHOD(list_remove) {
    int64_t i = place_of(py, self, a[0]);
    if (i == -1)
        return py_raise(py, PYEXC_ValueError, "list.remove(x): x not in list");
    if (i < 0)
        return PY_FAIL;
    py_decref(py, py_list_pop_at(py, list_of(self), (size_t)i));
    return PY_NONE;
}
METHOD(list_clear) {
    PyList *list = list_of(self);
    PyValue *items = list->items;
    size_t len = list->len;
    list->items = NULL;
    list->len = list->cap = 0;
    for (size_t i = 0; i < len; i++)
        py_decref(py, items[i]);
    free(items);
    return PY_NONE;
}
METHOD(list_copy) {
    return py_list_of(py, self);
}
METHOD(list_reverse) {
    PyList *list = list_of(self);
    (void)py;
    for (size_t i = 0; i < list->len / 2; i++) {
        PyValue other = list->items[list->len - 1 - i];
        list->items[list->len - 1 - i] = list->items[i];
        list->items[i] = other;
    }
    return PY_NONE;
}
METHOD(list_sort) {
    int reverse = py_failed(a[1]) ? 0 : py_truth(py, a[1]);
    PyValue key = py_failed(a[0]) ? PY_NONE : a[0];
    return reverse >= 0 && py_list_sort(py, list_of(self), key, reverse == 1) ? PY_NONE : PY_FAIL;
}
METHOD(tuple_asdict) {
    const PyTuple *t = (const PyTuple *)self.u.o;
    if (t->cls == NULL)
        return py_raise(py, PYEXC_AttributeError, "'tuple' object has no attribute '_asdict'");
    PyValue dict = py_dict(py);
    for (size_t i = 0; i < t->len; i++) {
        PyValue key = py_str(py, t->cls->fields[i]);
        py_dict_set(py, dict, key, t->items[i]);
        py_decref(py, key);
    }
    return dict;
}
METHOD(tuple_replace) {
    const PyTuple *t = (const PyTuple *)self.u.o;
    if (t->cls == NULL || args->num_pos > 0)
        return py_raise(py, PYEXC_TypeError, "_replace() takes field names of a named tuple");
    PyValue fresh = py_tuple(py, t->items, t->len);
    PyTuple *made = (PyTuple *)fresh.u.o;
    made->cls = t->cls;
    made->cls->base.refs++;
    for (size_t k = 0; k < args->num_kw; k++) {
        size_t i = 0;
        while (i < t->len && t->cls->fields[i] != args->kw_names[k])
            i++;
        if (i == t->len) {
            py_decref(py, fresh);
            return py_raise(py, PYEXC_ValueError, "Got unexpected field names: ['%s']",
                            args->kw_names[k]);
        }
        PyValue old = made->items[i];
        made->items[i] = py_incref(args->kw_values[k]);
        py_decref(py, old);
    }
    return fresh;
}

const PyMethodDef py_list_methods[] = {
    {"append", list_append, "object"},
    {"clear", list_clear, ""},
    {"copy", list_copy, ""},
    {"count", seq_count, "value"},
    {"extend", list_extend, "iterable"},
    {"index", seq_index, "value"},
    {"insert", list_insert, "index object"},
    {"pop", list_pop, "index="},
    {"remove", list_remove, "value"},
    {"reverse", list_reverse, ""},
    {"sort", list_sort, "* key= reverse="},
    {NULL, NULL, NULL},
};
const PyMethodDef py_tuple_methods[] = {
    {"_asdict", tuple_asdict, ""},
    {"_replace", tuple_replace, NULL},
    {"count", seq_count, "value"},
    {"index", seq_index, "value"},
    {NULL, NULL, NULL},
};

/* ---- dicts ------------------------------------------------------------------------------------
 */

METHOD(dict_get) {
    size_t at;
    bool found;
    PyDict *dict = (PyDict *)self.u.o;
    if (!py_dict_find(py, dict, a[0], &at, &found))
        return PY_FAIL;
    return found ? py_incref(dict->entries[at].value) : py_failed(a[1]) ? PY_NONE : py_incref(a[1]);
}
METHOD(dict_setdefault) {
    size_t at;
    bool found;
    PyDict *dict = (PyDict *)self.u.o;
    PyValue dflt = py_failed(a[1]) ? PY_NONE : a[1];
    if (!py_dict_find(py, dict, a[0], &at, &found))
        return PY_FAIL;
    if (found)
        return py_incref(dict->entries[at].value);
    return py_dict_set(py, self, a[0], dflt) ? py_incref(dflt) : PY_FAIL;
}
METHOD(dict_keys) {
    return py_dict_view(py, self, 0);
}
METHOD(dict_values) {
    return py_dict_view(py, self, 1);
}
METHOD(dict_items) {
    return py_dict_view(py, self, 2);
}
METHOD(dict_clear) {
    py_dict_clear(py, (PyDict *)self.u.o);
    return PY_NONE;
}
METHOD(dict_copy) {
    PyValue copy = py_dict(py);
    py_dict_update(py, copy, self);
    ((PyDict *)copy.u.o)->factory = py_incref(((PyDict *)self.u.o)->factory);
    return copy;
}
METHOD(dict_update) {
    if (args->num_pos > 1)
        return py_raise(py, PYEXC_TypeError, "update expected at most 1 argument, got %zu",
                        args->num_pos);
    if (args->num_pos == 1 && !py_dict_update(py, self, args->pos[0]))
        return PY_FAIL;
    for (size_t i = 0; i < args->num_kw; i++) {
        PyValue key = py_str(py, args->kw_names[i]);
        py_dict_set(py, self, key, args->kw_values[i]);
        py_decref(py, key);
    }
    return PY_NONE;
}
METHOD(dict_pop) {
    PyValue value;
    bool found;
    if (!py_dict_remove(py, (PyDict *)self.u.o, a[0], &value, &found))
        return PY_FAIL;
    if (found)
        return value;
    if (!py_failed(a[1]))
        return py_incref(a[1]);
    PyDict *dict = (PyDict *)self.u.o;
    PyValue factory = dict->factory;
    dict->factory = PY_NONE;
    value = py_subscript(py, self, a[0]); /* words the KeyError */
    dict->factory = factory;
    return value;
}
METHOD(dict_popitem) {
    PyDict *dict = (PyDict *)self.u.o;
    PyValue pair[2];
    bool found;
    size_t i = dict->len;
    while (i > 0 && py_failed(dict->entries[i - 1].key))
        i--;
    if (i == 0)
        return py_raise(py, PYEXC_KeyError, "popitem(): dictionary is empty");
    pair[0] = py_incref(dict->entries[i - 1].key);
    if (!py_dict_remove(py, dict, pair[0], &pair[1], &found))
        return PY_FAIL;
    return py_tuple_steal(py, pair, 2);
}

const PyMethodDef py_dict_methods[] = {
    {"clear", dict_clear, ""},
    {"copy", dict_copy, ""},
    {"get", dict_get, "key default="},
    {"items", dict_items, ""},
    {"keys", dict_keys, ""},
    {"pop", dict_pop, "key default="},
    {"popitem", dict_popitem, ""},
    {"setdefault", dict_setdefault, "key default="},
    {"update", dict_update, NULL},
    {"values", dict_values, ""},
    {NULL, NULL, NULL},
};

/* ---- sets -------------------------------------------------------------------------------------
 */

METHOD(set_add) {
    return py_set_add(py, self, a[0]) ? PY_NONE : PY_FAIL;
}
static PyValue set_take(PyCtx *py, PyValue self, PyValue item, bool must) {
    PyValue value;
    bool found;
    if (!py_dict_remove(py, (PyDict *)self.u.o, item, &value, &found))
        return PY_FAIL;
    if (found || !must)
        return PY_NONE;
    return py_raise_key_error(py, item);
}
METHOD(set_discard) {
    return set_take(py, self, a[0], false);
}
METHOD(set_remove) {
    return set_take(py, self, a[0], true);
}
METHOD(set_clear) {
    py_dict_clear(py, (PyDict *)self.u.o);
    return PY_NONE;
}
METHOD(set_pop) {
    PyDict *set = (PyDict *)self.u.o;
    for (size_t i = 0; i < set->len; i++) {
        if (!py_failed(set->entries[i].key)) {
            PyValue item = py_incref(set->entries[i].key);
            py_decref(py, set_take(py, self, item, false));
            return item;
        }
    }
    return py_raise(py, PYEXC_KeyError, "pop from an empty set");
}

static PyValue as_set(PyCtx *py, PyValue iterable, bool frozen) {
    PyValue items = py_list_of(py, iterable);
    if (py_failed(items))
        return PY_FAIL;
    PyValue set = py_set(py, frozen);
    for (size_t i = 0; i < py_seq_len(items); i++) {
        if (!py_set_add(py, set, py_seq_item(items, i))) {
            py_decref(py, set);
            set = PY_FAIL;
            break;
        }
    }
    py_decref(py, items);
    return set;
}
static PyValue set_with(PyCtx *py, BinOpKind op, PyValue self, PyValue iterable) {
    PyValue other = as_set(py, iterable, false);
    if (py_failed(other))
        return PY_FAIL;
    PyValue result = py_binary(py, op, self, other);
    py_decref(py, other);
    return result;
}
static PyValue set_test(PyCtx *py, CmpOpKind op, PyValue self, PyValue iterable) {
    PyValue other = as_set(py, iterable, false);
    if (py_failed(other))
        return PY_FAIL;
    PyValue result = py_compare(py, op, self, other);
    py_decref(py, other);
    return result;
}
METHOD(set_union) {
    PyValue result = as_set(py, self, py_as(self, &py_frozenset_type) != NULL);
    for (size_t i = 0; i < args->num_pos && !py_failed(result); i++) {
        PyValue next = set_with(py, BIN_BITOR, result, args->pos[i]);
        py_decref(py, result);
        result = next;
    }
    return result;
}
METHOD(set_intersection) {
    return set_with(py, BIN_BITAND, self, a[0]);
}
METHOD(set_difference) {
    return set_with(py, BIN_SUB, self, a[0]);
}
METHOD(set_symmetric_difference) {
    return set_with(py, BIN_BITXOR, self, a[0]);
}
METHOD(set_issubset) {
    return set_test(py, CMP_LE, self, a[0]);
}
METHOD(set_issuperset) {
    return set_test(py, CMP_GE, self, a[0]);
}
METHOD(set_isdisjoint) {
    PyValue both = set_with(py, BIN_BITAND, self, a[0]);
    if (py_failed(both))
        return PY_FAIL;
    bool none = ((const PyDict *)both.u.o)->count == 0;
    py_decref(py, both);
    return py_bool(none);
}
METHOD(set_update) {
    for (size_t i = 0; i < args->num_pos; i++) {
        PyValue items = py_list_of(py, args->pos[i]);
        bool ok = !py_failed(items);
        for (size_t k = 0; ok && k < py_seq_len(items); k++)
            ok = py_set_add(py, self, py_seq_item(items, k));
        py_decref(py, items);
        if (!ok)
            return PY_FAIL;
    }
    return PY_NONE;
}
METHOD(set_copy) {
    return as_set(py, self, py_as(self, &py_frozenset_type) != NULL);
}

#define SET_QUERIES                                                                                \
    {"copy", set_copy, ""}, {"difference", set_difference, "other"},                               \
        {"intersection", set_intersection, "other"}, {"isdisjoint", set_isdisjoint, "other"},      \
        {"issubset", set_issubset, "other"}, {"issuperset", set_issuperset, "other"},              \
        {"symmetric_difference", set_symmetric_difference, "other"}, {"union", set_union, NULL},
const PyMethodDef py_set_methods[] = {
    {"add", set_add, "item"},      {"clear", set_clear, ""},       {"discard", set_discard, "item"},
    {"pop", set_pop, ""},          {"remove", set_remove, "item"}, {"update", set_update, NULL},
    SET_QUERIES{NULL, NULL, NULL},
};
const PyMethodDef py_frozenset_methods[] = {SET_QUERIES{NULL, NULL, NULL}};

/* ---- numbers ----------------------------------------------------------------------------------
 */

METHOD(int_bit_length) {
    return py_int(py_int_bit_length(py, self));
}
METHOD(int_bit_count) {
    if (self.tag == PY_OBJECT_TAG)
        return py_raise(py, PYEXC_NotImplementedError, "bit_count() of so large an integer");
    uint64_t bits = self.u.i < 0 ? 0 - (uint64_t)self.u.i : (uint64_t)self.u.i;
    int64_t count = 0;
    for (; bits != 0; bits &= bits - 1)
        count++;
    return py_int(count);
}
METHOD(int_is_integer) {
    (void)py;
    (void)self;
    return py_bool(true);
}
METHOD(int_self) {
    (void)py;
    return py_incref(self);
}
METHOD(float_is_integer) {
    (void)py;
    return py_bool(isfinite(self.u.f) && floor(self.u.f) == self.u.f);
}
METHOD(float_hex) {
    char text[40];
    snprintf(text, sizeof text, "%a", self.u.f);
    return py_str(py, text);
}

const PyMethodDef py_int_methods[] = {
    {"__index__", int_self, ""},        {"bit_count", int_bit_count, ""},
    {"bit_length", int_bit_length, ""}, {"conjugate", int_self, ""},
    {"is_integer", int_is_integer, ""}, {NULL, NULL, NULL},
};
const PyMethodDef py_float_methods[] = {
    {"conjugate", int_self, ""},
    {"hex", float_hex, ""},
    {"is_integer", float_is_integer, ""},
    {NULL, NULL, NULL},
};
