/* builtins_iter.c -- lazy iterators: enumerate, zip, map, filter, reversed, iter(f, sentinel). */
#include <string.h>

#include "runtime/host/host_internal.h"

typedef enum IterKind {
    ITER_ENUMERATE,
    ITER_ZIP,
    ITER_MAP,
    ITER_FILTER,
    ITER_REVERSED,
    ITER_CALL
} IterKind;

typedef struct HostIter {
    PyObject base;
    IterKind kind;
    PyValue fn;      /* map, filter, iter(f, x) */
    PyValue sources; /* a tuple of iterators; reversed: of the sequence */
    int64_t count;   /* enumerate: the number; reversed: items left */
    bool strict;     /* zip: lengths must agree */
} HostIter;

static void iter_dealloc(PyCtx *py, PyObject *self) {
    HostIter *it = (HostIter *)self;
    py_decref(py, it->fn);
    py_decref(py, it->sources);
    py_object_free(py, self);
}

static PyValue iter_self(PyCtx *py, PyValue self) {
    (void)py;
    return py_incref(self);
}

/* One item of each source as a tuple. */
static PyValue next_items(PyCtx *py, const HostIter *it, bool *done) {
    size_t count = py_seq_len(it->sources), taken = 0;
    PyValue result = PY_NONE;
    ArenaMark mark = arena_mark(py->scratch);
    PyValue *items = ARENA_ARRAY(py->scratch, PyValue, count + 1);
    *done = count == 0;
    for (; taken < count && !*done; taken++) {
        items[taken] = py_next(py, py_seq_item(it->sources, taken), done);
        if (py_failed(items[taken]) || *done)
            break;
    }
    bool failed = taken < count && py_failed(items[taken]);
    if (*done && it->strict && taken > 0) {
        py_raise(py, PYEXC_ValueError, "zip() argument %zu is shorter than argument 1", taken + 1);
        failed = true;
    }
    if (failed || *done) {
        for (size_t i = 0; i < taken; i++)
            py_decref(py, items[i]);
        result = failed ? PY_FAIL : PY_NONE;
    } else {
        result = py_tuple_steal(py, items, count);
    }
    arena_reset(py->scratch, mark);
    return result;
}

static PyValue next_mapped(PyCtx *py, const HostIter *it, bool *done) {
    PyValue items = next_items(py, it, done);
    if (*done || py_failed(items))
        return items;
    const PyTuple *tuple = (const PyTuple *)items.u.o;
    PyValue result = py_call_values(py, it->fn, tuple->items, tuple->len);
    py_decref(py, items);
    return result;
}

static PyValue next_filtered(PyCtx *py, const HostIter *it, bool *done) {
    while (true) {
        PyValue item = py_next(py, py_seq_item(it->sources, 0), done);
        if (*done || py_failed(item))
            return item;
        PyValue test =
            it->fn.tag == PY_NONE_TAG ? py_incref(item) : py_call_values(py, it->fn, &item, 1);
        int truth = py_failed(test) ? -1 : py_truth(py, test);
        py_decref(py, test);
        if (truth == 1)
            return item;
        py_decref(py, item);
        if (truth < 0)
            return PY_FAIL;
    }
}

static PyValue next_numbered(PyCtx *py, HostIter *it, bool *done) {
    PyValue pair[2] = {py_int(it->count), py_next(py, py_seq_item(it->sources, 0), done)};
    if (*done || py_failed(pair[1]))
        return pair[1];
    it->count++;
    return py_tuple_steal(py, pair, 2);
}

static PyValue next_called(PyCtx *py, const HostIter *it, bool *done) {
    PyValue value = py_call_values(py, it->fn, NULL, 0);
    int same = py_failed(value) ? -1 : py_equal(py, value, py_seq_item(it->sources, 0));
    if (same == 0)
        return value;
    py_decref(py, value);
    *done = same == 1;
    return same < 0 ? PY_FAIL : PY_NONE;
}

static PyValue iter_next(PyCtx *py, PyValue self, bool *done) {
    HostIter *it = (HostIter *)self.u.o;
    *done = false;
    if (!host_go_on(py))
        return PY_FAIL;
    switch (it->kind) {
    case ITER_ENUMERATE:
        return next_numbered(py, it, done);
    case ITER_ZIP:
        return next_items(py, it, done);
    case ITER_MAP:
        return next_mapped(py, it, done);
    case ITER_FILTER:
        return next_filtered(py, it, done);
    case ITER_CALL:
        return next_called(py, it, done);
    case ITER_REVERSED:
    default:
        *done = it->count == 0;
        if (*done)
            return PY_NONE;
        it->count--;
        return py_subscript(py, py_seq_item(it->sources, 0), py_int(it->count));
    }
}

static const PyType iter_type = {
    .name = "iterator", .dealloc = iter_dealloc, .iter = iter_self, .next = iter_next};

/* `sources` are iterables; their iterators are taken, or for reversed they themselves. */
static PyValue new_iter(PyCtx *py, IterKind kind, PyValue fn, const PyValue *sources,
                        size_t count) {
    ArenaMark mark = arena_mark(py->scratch);
    PyValue *iters = ARENA_ARRAY(py->scratch, PyValue, count + 1), result = PY_FAIL;
    size_t made = 0;
    bool direct = kind == ITER_REVERSED || kind == ITER_CALL;
    for (; made < count; made++) {
        iters[made] = direct ? py_incref(sources[made]) : py_iter(py, sources[made]);
        if (py_failed(iters[made]))
            break;
    }
    if (made == count) {
        HostIter *it = py_object_new(py, &iter_type, sizeof *it);
        it->kind = kind;
        it->fn = py_incref(fn);
        it->sources = py_tuple_steal(py, iters, count);
        result = py_from_object(&it->base);
    } else {
        for (size_t i = 0; i < made; i++)
            py_decref(py, iters[i]);
    }
    arena_reset(py->scratch, mark);
    return result;
}

static PyValue builtin_enumerate(PyCtx *py, void *data, const PyArgs *args) {
    PyValue a[2];
    int64_t start = 0;
    (void)data;
    if (!py_bind_text(py, "enumerate", args, "iterable start=", a) ||
        (!py_failed(a[1]) && !host_arg_i64(py, a[1], "enumerate", &start)))
        return PY_FAIL;
    PyValue it = new_iter(py, ITER_ENUMERATE, PY_NONE, a, 1);
    if (!py_failed(it))
        ((HostIter *)it.u.o)->count = start;
    return it;
}

static PyValue builtin_zip(PyCtx *py, void *data, const PyArgs *args) {
    int strict = 0;
    (void)data;
    for (size_t i = 0; i < args->num_kw; i++) {
        if (strcmp(args->kw_names[i], "strict") != 0)
            return py_raise(py, PYEXC_TypeError, "zip() got an unexpected keyword argument '%s'",
                            args->kw_names[i]);
        strict = py_truth(py, args->kw_values[i]);
    }
    if (strict < 0)
        return PY_FAIL;
    PyValue it = new_iter(py, ITER_ZIP, PY_NONE, args->pos, args->num_pos);
    if (!py_failed(it))
        ((HostIter *)it.u.o)->strict = strict == 1;
    return it;
}

static PyValue builtin_map(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    if (args->num_pos < 2 || args->num_kw > 0)
        return py_raise(py, PYEXC_TypeError, "map() must have at least two arguments.");
    return new_iter(py, ITER_MAP, args->pos[0], args->pos + 1, args->num_pos - 1);
}

static PyValue builtin_filter(PyCtx *py, void *data, const PyArgs *args) {
    PyValue a[2];
    (void)data;
    if (!py_bind_text(py, "filter", args, "function iterable", a))
        return PY_FAIL;
    return new_iter(py, ITER_FILTER, a[0], a + 1, 1);
}

static PyValue builtin_reversed(PyCtx *py, void *data, const PyArgs *args) {
    PyValue a;
    (void)data;
    if (!py_bind_text(py, "reversed", args, "sequence", &a))
        return PY_FAIL;
    bool listed = py_is_dict(a) || py_as(a, &py_dict_view_type) != NULL;
    PyValue source = listed ? py_list_of(py, a) : py_incref(a);
    if (py_failed(source))
        return PY_FAIL;
    if (source.tag != PY_OBJECT_TAG || source.u.o->type->length == NULL ||
        source.u.o->type->subscript == NULL) {
        py_decref(py, source);
        return py_raise(py, PYEXC_TypeError, "'%s' object is not reversible", py_type_name(a));
    }
    int64_t len = py_len(py, source);
    PyValue it = len < 0 ? PY_FAIL : new_iter(py, ITER_REVERSED, PY_NONE, &source, 1);
    if (!py_failed(it))
        ((HostIter *)it.u.o)->count = len;
    py_decref(py, source);
    return it;
}

static PyValue builtin_iter(PyCtx *py, void *data, const PyArgs *args) {
    PyValue a[2];
    (void)data;
    if (!py_bind_text(py, "iter", args, "object sentinel=", a))
        return PY_FAIL;
    return py_failed(a[1]) ? py_iter(py, a[0]) : new_iter(py, ITER_CALL, a[0], a + 1, 1);
}

static PyValue builtin_next(PyCtx *py, void *data, const PyArgs *args) {
    PyValue a[2];
    bool done;
    (void)data;
    if (!py_bind_text(py, "next", args, "iterator default=", a))
        return PY_FAIL;
    PyValue item = py_next(py, a[0], &done);
    if (!done)
        return item;
    return py_failed(a[1]) ? py_raise(py, PYEXC_StopIteration, "%s", "") : py_incref(a[1]);
}

void builtins_add_iterators(PyCtx *py, PyEnv *env) {
    static const BuiltinRow rows[] = {{"enumerate", builtin_enumerate},
                                      {"filter", builtin_filter},
                                      {"iter", builtin_iter},
                                      {"map", builtin_map},
                                      {"next", builtin_next},
                                      {"reversed", builtin_reversed},
                                      {"zip", builtin_zip},
                                      {NULL, NULL}};
    builtins_add(py, env, rows);
}
