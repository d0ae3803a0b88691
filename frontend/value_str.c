/* value_str.c -- text: immutable UTF-8, indexed by code points.
 *
 * Text that is all ASCII (most is) has as many bytes as code points and is indexed directly;
 * other text is walked.
 */
#include <string.h>

#include "frontend/value_types.h"

static size_t count_points(const char *text, size_t len) {
    size_t points = 0;
    for (size_t i = 0; i < len; i++)
        points += ((unsigned char)text[i] & 0xC0) != 0x80;
    return points;
}

PyValue py_strn(PyCtx *py, const char *text, size_t len) {
    PyStr *s = py_object_new(py, &py_str_type, sizeof *s + len + 1);
    s->len = len;
    if (len > 0)
        memcpy(s->data, text, len);
    s->points = count_points(s->data, len);
    return py_from_object(&s->base);
}

PyValue py_str(PyCtx *py, const char *text) {
    return py_strn(py, text, strlen(text));
}

PyValue py_str_finish(PyCtx *py, StrBuf *buf, ArenaMark mark) {
    PyValue v = py_strn(py, strbuf_str(buf), buf->len);
    arena_reset(py->scratch, mark);
    return v;
}

PyValue py_char(PyCtx *py, PyValue point) {
    int64_t value;
    char utf8[4];
    if (!py_is_int(point) && point.tag != PY_BOOL_TAG)
        return py_raise(py, PYEXC_TypeError, "'%s' object cannot be interpreted as an integer",
                        py_type_name(point));
    if (!py_to_i64(point, &value) || value < 0 || value > 0x10FFFF)
        return py_raise(py, PYEXC_ValueError, "chr() arg not in range(0x110000)");
    return py_strn(py, utf8, utf8_put(utf8, (uint32_t)value));
}

bool py_is_str(PyValue v) {
    return py_as(v, &py_str_type) != NULL;
}

const char *py_str_data(PyValue v, size_t *len) {
    const PyStr *s = (const PyStr *)v.u.o;
    if (len != NULL)
        *len = s->len;
    return s->data;
}

size_t py_str_offset(const PyStr *s, size_t point) {
    if (s->points == s->len)
        return point;
    size_t offset = 0;
    while (point > 0 && offset < s->len) {
        offset++;
        while (offset < s->len && ((unsigned char)s->data[offset] & 0xC0) == 0x80)
            offset++;
        point--;
    }
    return offset;
}

static int64_t str_length(PyCtx *py, PyValue self) {
    (void)py;
    return (int64_t)((const PyStr *)self.u.o)->points;
}

static int str_truth(PyCtx *py, PyValue self) {
    (void)py;
    return ((const PyStr *)self.u.o)->len > 0;
}

static PyValue str_point(PyCtx *py, const PyStr *s, size_t point) {
    size_t lo = py_str_offset(s, point), hi = lo + 1;
    while (hi < s->len && ((unsigned char)s->data[hi] & 0xC0) == 0x80)
        hi++;
    return py_strn(py, s->data + lo, hi - lo);
}

static PyValue str_subscript(PyCtx *py, PyValue self, PyValue index) {
    const PyStr *s = (const PyStr *)self.u.o;
    int64_t start, step, count;
    if (py_as(index, &py_slice_type) == NULL) {
        int64_t i = py_seq_index(py, index, s->points, "string");
        return i < 0 ? PY_FAIL : str_point(py, s, (size_t)i);
    }
    if (!py_slice_indices(py, index, (int64_t)s->points, &start, &step, &count))
        return PY_FAIL;
    if (step == 1) {
        size_t lo = py_str_offset(s, (size_t)start);
        size_t hi = py_str_offset(s, (size_t)(start + count));
        return py_strn(py, s->data + lo, hi - lo);
    }
    ArenaMark mark = arena_mark(py->scratch);
    StrBuf buf = STRBUF(py->scratch);
    for (int64_t i = 0; i < count; i++) {
        PyValue c = str_point(py, s, (size_t)(start + i * step));
        strbuf_write(&buf, ((const PyStr *)c.u.o)->data, ((const PyStr *)c.u.o)->len);
        py_decref(py, c);
    }
    return py_str_finish(py, &buf, mark);
}

static int str_contains(PyCtx *py, PyValue self, PyValue item) {
    if (!py_is_str(item)) {
        py_raise(py, PYEXC_TypeError, "'in <string>' requires string as left operand, not %s",
                 py_type_name(item));
        return -1;
    }
    const PyStr *s = (const PyStr *)self.u.o, *part = (const PyStr *)item.u.o;
    for (size_t i = 0; i + part->len <= s->len; i++) {
        if (memcmp(s->data + i, part->data, part->len) == 0)
            return 1;
    }
    return 0;
}

static PyValue str_compare(PyCtx *py, CmpOpKind op, PyValue a, PyValue b, bool *handled) {
    (void)py;
    *handled = py_is_str(a) && py_is_str(b);
    if (!*handled)
        return PY_NONE;
    const PyStr *x = (const PyStr *)a.u.o, *y = (const PyStr *)b.u.o;
    size_t shorter = x->len < y->len ? x->len : y->len;
    int order = memcmp(x->data, y->data, shorter);
    if (order == 0)
        order = (x->len > y->len) - (x->len < y->len);
    return py_bool(op == CMP_EQ   ? order == 0
                   : op == CMP_NE ? order != 0
                   : op == CMP_LT ? order < 0
                   : op == CMP_LE ? order <= 0
                   : op == CMP_GT ? order > 0
                                  : order >= 0);
}

static PyValue str_repeat(PyCtx *py, const PyStr *s, PyValue count) {
    int64_t n = 0;
    py_to_i64(count, &n);
    if (n <= 0 || s->len == 0)
        return py_str(py, "");
    if (!py_to_i64(count, &n) || (uint64_t)n > ((uint64_t)1 << 30) / s->len)
        return py_raise(py, PYEXC_MemoryError, "the repeated string would be too long");
    PyStr *r = py_object_new(py, &py_str_type, sizeof *r + s->len * (size_t)n + 1);
    for (int64_t i = 0; i < n; i++)
        memcpy(r->data + (size_t)i * s->len, s->data, s->len);
    r->len = s->len * (size_t)n;
    r->points = s->points * (size_t)n;
    return py_from_object(&r->base);
}

PyValue py_str_binary(PyCtx *py, BinOpKind op, PyValue a, PyValue b, bool *handled) {
    *handled = true;
    if (op == BIN_ADD && py_is_str(a) && py_is_str(b)) {
        const PyStr *x = (const PyStr *)a.u.o, *y = (const PyStr *)b.u.o;
        PyStr *r = py_object_new(py, &py_str_type, sizeof *r + x->len + y->len + 1);
        memcpy(r->data, x->data, x->len);
        memcpy(r->data + x->len, y->data, y->len);
        r->len = x->len + y->len;
        r->points = x->points + y->points;
        return py_from_object(&r->base);
    }
    if (op == BIN_MUL && py_is_str(a) && (py_is_int(b) || b.tag == PY_BOOL_TAG))
        return str_repeat(py, (const PyStr *)a.u.o, b);
    if (op == BIN_MUL && py_is_str(b) && (py_is_int(a) || a.tag == PY_BOOL_TAG))
        return str_repeat(py, (const PyStr *)b.u.o, a);
    if (op == BIN_MOD && py_is_str(a))
        return py_str_percent(py, a, b);
    *handled = false;
    return PY_NONE;
}

static bool str_hash(PyCtx *py, PyValue self, uint64_t *out) {
    const PyStr *s = (const PyStr *)self.u.o;
    (void)py;
    *out = hash_bytes(s->data, s->len, 0);
    return true;
}

/* ---- repr -------------------------------------------------------------------------------------
 */

static void repr_byte(char c, char quote, StrBuf *out) {
    switch (c) {
    case '\n':
        strbuf_puts(out, "\\n");
        return;
    case '\r':
        strbuf_puts(out, "\\r");
        return;
    case '\t':
        strbuf_puts(out, "\\t");
        return;
    case '\\':
        strbuf_puts(out, "\\\\");
        return;
    default:
        if (c == quote)
            strbuf_putc(out, '\\');
        if ((unsigned char)c < 0x20 || c == 0x7F)
            strbuf_printf(out, "\\x%02x", (unsigned)(unsigned char)c);
        else
            strbuf_putc(out, c);
    }
}

bool py_str_repr(const char *data, size_t len, StrBuf *out) {
    bool single = len > 0 && memchr(data, '\'', len) != NULL;
    bool twice = len > 0 && memchr(data, '"', len) != NULL;
    char quote = single && !twice ? '"' : '\'';
    strbuf_putc(out, quote);
    for (size_t i = 0; i < len; i++)
        repr_byte(data[i], quote, out);
    strbuf_putc(out, quote);
    return true;
}

static bool str_repr(PyCtx *py, PyValue self, StrBuf *out) {
    (void)py;
    return py_str_repr(((const PyStr *)self.u.o)->data, ((const PyStr *)self.u.o)->len, out);
}

static bool str_str(PyCtx *py, PyValue self, StrBuf *out) {
    (void)py;
    strbuf_write(out, ((const PyStr *)self.u.o)->data, ((const PyStr *)self.u.o)->len);
    return true;
}

/* ---- iteration --------------------------------------------------------------------------------
 */

typedef struct StrIter {
    PyObject base;
    PyValue text;
    size_t offset;
} StrIter;

static void str_iter_dealloc(PyCtx *py, PyObject *self) {
    py_decref(py, ((StrIter *)self)->text);
    py_object_free(py, self);
}

static PyValue str_iter_self(PyCtx *py, PyValue self) {
    (void)py;
    return py_incref(self);
}

static PyValue str_iter_next(PyCtx *py, PyValue self, bool *done) {
    StrIter *it = (StrIter *)self.u.o;
    const PyStr *s = (const PyStr *)it->text.u.o;
    *done = it->offset >= s->len;
    if (*done)
        return PY_NONE;
    size_t lo = it->offset++;
    while (it->offset < s->len && ((unsigned char)s->data[it->offset] & 0xC0) == 0x80)
        it->offset++;
    return py_strn(py, s->data + lo, it->offset - lo);
}

static const PyType str_iter_type = {.name = "str_iterator",
                                     .dealloc = str_iter_dealloc,
                                     .iter = str_iter_self,
                                     .next = str_iter_next};

static PyValue str_iter(PyCtx *py, PyValue self) {
    StrIter *it = py_object_new(py, &str_iter_type, sizeof *it);
    it->text = py_incref(self);
    return py_from_object(&it->base);
}

const PyType py_str_type = {.name = "str",
                            .subscript = str_subscript,
                            .iter = str_iter,
                            .length = str_length,
                            .truth = str_truth,
                            .binary = py_str_binary,
                            .compare = str_compare,
                            .contains = str_contains,
                            .repr = str_repr,
                            .str = str_str,
                            .hash = str_hash,
                            .methods = py_str_methods};
