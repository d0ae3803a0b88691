/* value_str_methods.c -- the methods of str, and format % args. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/value_types.h"

static const PyStr *text_of(PyValue v) {
    return py_as(v, &py_str_type);
}

/* The argument as str, or TypeError. */
static const PyStr *need_text(PyCtx *py, PyValue v, const char *method) {
    const PyStr *s = text_of(v);
    if (s == NULL)
        py_raise(py, PYEXC_TypeError, "%s() argument must be str, not %s", method, py_type_name(v));
    return s;
}

static bool int_arg(PyCtx *py, PyValue v, int64_t dflt, int64_t *out) {
    *out = dflt;
    if (py_failed(v) || v.tag == PY_NONE_TAG || py_to_i64(v, out))
        return true;
    py_raise(py, PYEXC_TypeError, "'%s' object cannot be interpreted as an integer",
             py_type_name(v));
    return false;
}

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}
static bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
static bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}
static bool is_alpha(char c) {
    return is_lower(c) || is_upper(c) || (unsigned char)c >= 0x80;
}
static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
static char to_lower(char c) {
    return is_upper(c) ? (char)(c - 'A' + 'a') : c;
}
static char to_upper(char c) {
    return is_lower(c) ? (char)(c - 'a' + 'A') : c;
}

/* First (or last) place of `part` in bytes [lo, hi) of `s`, or -1. */
static int64_t search(const PyStr *s, const PyStr *part, size_t lo, size_t hi, bool last) {
    if (hi < lo || hi - lo < part->len)
        return -1;
    size_t count = hi - lo - part->len + 1;
    for (size_t i = 0; i < count; i++) {
        size_t at = last ? hi - part->len - i : lo + i;
        if (memcmp(s->data + at, part->data, part->len) == 0)
            return (int64_t)at;
    }
    return -1;
}

/* ---- case -------------------------------------------------------------------------------------
 */

typedef char (*CharFn)(char c, char before);
static char char_lower(char c, char before) {
    (void)before;
    return to_lower(c);
}
static char char_upper(char c, char before) {
    (void)before;
    return to_upper(c);
}
static char char_swap(char c, char before) {
    (void)before;
    return is_upper(c) ? to_lower(c) : to_upper(c);
}
static char char_title(char c, char before) {
    return is_alpha(before) ? to_lower(c) : to_upper(c);
}

static PyValue mapped(PyCtx *py, PyValue self, CharFn fn) {
    const PyStr *s = text_of(self);
    PyValue result = py_strn(py, s->data, s->len);
    char *data = ((PyStr *)result.u.o)->data, before = ' ';
    for (size_t i = 0; i < s->len; i++) {
        data[i] = fn(data[i], before);
        before = data[i];
    }
    return result;
}

#define METHOD(name)                                                                               \
    static PyValue name(PyCtx *py, PyValue self, TK_UNUSED const PyValue *a,                       \
                        TK_UNUSED const PyArgs *args)

METHOD(str_lower) {
    return mapped(py, self, char_lower);
}
METHOD(str_upper) {
    return mapped(py, self, char_upper);
}
METHOD(str_swapcase) {
    return mapped(py, self, char_swap);
}
METHOD(str_title) {
    return mapped(py, self, char_title);
}
METHOD(str_capitalize) {
    PyValue result = mapped(py, self, char_lower);
    char *data = ((PyStr *)result.u.o)->data;
    data[0] = to_upper(data[0]);
    return result;
}

typedef bool (*TestFn)(char c);
static PyValue all_chars(PyValue self, TestFn test) {
    const PyStr *s = text_of(self);
    for (size_t i = 0; i < s->len; i++) {
        if (!test(s->data[i]))
            return py_bool(false);
    }
    return py_bool(s->len > 0);
}
static bool is_alnum(char c) {
    return is_alpha(c) || is_digit(c);
}
METHOD(str_isdigit) {
    (void)py;
    return all_chars(self, is_digit);
}
METHOD(str_isalpha) {
    (void)py;
    return all_chars(self, is_alpha);
}
METHOD(str_isalnum) {
    (void)py;
    return all_chars(self, is_alnum);
}
METHOD(str_isspace) {
    (void)py;
    return all_chars(self, is_space);
}
static PyValue cased(PyValue self, TestFn wanted, TestFn refused) {
    const PyStr *s = text_of(self);
    bool any = false;
    for (size_t i = 0; i < s->len; i++) {
        if (refused(s->data[i]))
            return py_bool(false);
        any = any || wanted(s->data[i]);
    }
    return py_bool(any);
}
METHOD(str_isupper) {
    (void)py;
    return cased(self, is_upper, is_lower);
}
METHOD(str_islower) {
    (void)py;
    return cased(self, is_lower, is_upper);
}
METHOD(str_isidentifier) {
    const PyStr *s = text_of(self);
    (void)py;
    bool good = s->len > 0 && !is_digit(s->data[0]);
    for (size_t i = 0; i < s->len; i++)
        good = good && (is_alnum(s->data[i]) || s->data[i] == '_');
    return py_bool(good);
}

/* ---- cutting ----------------------------------------------------------------------------------
 */

static PyValue stripped(PyCtx *py, PyValue self, PyValue chars, bool left, bool right) {
    const PyStr *s = text_of(self), *set = NULL;
    size_t lo = 0, hi = s->len;
    if (!py_failed(chars) && chars.tag != PY_NONE_TAG &&
        (set = need_text(py, chars, "strip")) == NULL)
        return PY_FAIL;
#define GONE(c)                                                                                    \
    (set == NULL ? is_space(c) : set->len > 0 && memchr(set->data, (c), set->len) != NULL)
    while (left && lo < hi && GONE(s->data[lo]))
        lo++;
    while (right && hi > lo && GONE(s->data[hi - 1]))
        hi--;
#undef GONE
    return py_strn(py, s->data + lo, hi - lo);
}
METHOD(str_strip) {
    return stripped(py, self, a[0], true, true);
}
METHOD(str_lstrip) {
    return stripped(py, self, a[0], true, false);
}
METHOD(str_rstrip) {
    return stripped(py, self, a[0], false, true);
}

static void append_part(PyCtx *py, PyValue list, const PyStr *s, size_t lo, size_t hi) {
    PyValue part = py_strn(py, s->data + lo, hi - lo);
    py_list_append(py, list, part);
    py_decref(py, part);
}

static PyValue split_spaces(PyCtx *py, const PyStr *s, int64_t max) {
    PyValue list = py_list(py, NULL, 0);
    size_t i = 0;
    while (true) {
        while (i < s->len && is_space(s->data[i]))
            i++;
        if (i >= s->len)
            return list;
        size_t lo = i;
        if (max == 0) {
            append_part(py, list, s, lo, s->len);
            return list;
        }
        while (i < s->len && !is_space(s->data[i]))
            i++;
        append_part(py, list, s, lo, i);
        max--;
    }
}

METHOD(str_split) {
    const PyStr *s = text_of(self), *sep;
    int64_t max;
    size_t lo = 0;
    if (!int_arg(py, a[1], -1, &max))
        return PY_FAIL;
    if (py_failed(a[0]) || a[0].tag == PY_NONE_TAG)
        return split_spaces(py, s, max);
    if ((sep = need_text(py, a[0], "split")) == NULL)
        return PY_FAIL;
    if (sep->len == 0)
        return py_raise(py, PYEXC_ValueError, "empty separator");
    PyValue list = py_list(py, NULL, 0);
    for (int64_t at; max != 0 && (at = search(s, sep, lo, s->len, false)) >= 0; max--) {
        append_part(py, list, s, lo, (size_t)at);
        lo = (size_t)at + sep->len;
    }
    append_part(py, list, s, lo, s->len);
    return list;
}

METHOD(str_rsplit) {
    const PyStr *s = text_of(self), *sep;
    int64_t max;
    size_t hi = s->len;
    if (!int_arg(py, a[1], -1, &max))
        return PY_FAIL;
    if (py_failed(a[0]) || a[0].tag == PY_NONE_TAG)
        return max < 0 ? split_spaces(py, s, max)
                       : py_raise(py, PYEXC_NotImplementedError,
                                  "rsplit() with a count needs a separator here");
    if ((sep = need_text(py, a[0], "rsplit")) == NULL)
        return PY_FAIL;
    if (sep->len == 0)
        return py_raise(py, PYEXC_ValueError, "empty separator");
    PyValue list = py_list(py, NULL, 0);
    for (int64_t at; max != 0 && (at = search(s, sep, 0, hi, true)) >= 0; max--) {
        PyValue part = py_strn(py, s->data + at + sep->len, hi - (size_t)at - sep->len);
        py_list_insert(py, (PyList *)list.u.o, 0, part);
        py_decref(py, part);
        hi = (size_t)at;
    }
    PyValue part = py_strn(py, s->data, hi);
    py_list_insert(py, (PyList *)list.u.o, 0, part);
    py_decref(py, part);
    return list;
}

METHOD(str_splitlines) {
    const PyStr *s = text_of(self);
    PyValue list = py_list(py, NULL, 0);
    size_t lo = 0;
    for (size_t i = 0; i < s->len; i++) {
        if (s->data[i] != '\n' && s->data[i] != '\r')
            continue;
        append_part(py, list, s, lo, i);
        if (s->data[i] == '\r' && s->data[i + 1] == '\n')
            i++;
        lo = i + 1;
    }
    if (lo < s->len)
        append_part(py, list, s, lo, s->len);
    return list;
}

static PyValue parted(PyCtx *py, PyValue self, PyValue arg, bool last) {
    const PyStr *s = text_of(self), *sep = need_text(py, arg, "partition");
    if (sep == NULL)
        return PY_FAIL;
    if (sep->len == 0)
        return py_raise(py, PYEXC_ValueError, "empty separator");
    int64_t at = search(s, sep, 0, s->len, last);
    PyValue items[3];
    if (at < 0) {
        items[0] = last ? py_str(py, "") : py_incref(self);
        items[1] = py_str(py, "");
        items[2] = last ? py_incref(self) : py_str(py, "");
    } else {
        items[0] = py_strn(py, s->data, (size_t)at);
        items[1] = py_incref(arg);
        items[2] = py_strn(py, s->data + at + sep->len, s->len - (size_t)at - sep->len);
    }
    return py_tuple_steal(py, items, 3);
}
METHOD(str_partition) {
    return parted(py, self, a[0], false);
}
METHOD(str_rpartition) {
    return parted(py, self, a[0], true);
}

/* ---- searching --------------------------------------------------------------------------------
 */

/* Byte bounds from the optional code point bounds a[1] and a[2]. */
static bool bounds(PyCtx *py, const PyStr *s, const PyValue *a, size_t *lo, size_t *hi) {
    PyValue slice =
        py_slice(py, py_failed(a[1]) ? PY_NONE : a[1], py_failed(a[2]) ? PY_NONE : a[2], PY_NONE);
    int64_t start, step, count;
    bool ok = py_slice_indices(py, slice, (int64_t)s->points, &start, &step, &count);
    py_decref(py, slice);
    if (ok) {
        *lo = py_str_offset(s, (size_t)start);
        *hi = py_str_offset(s, (size_t)(start + count));
    }
    return ok;
}

/* The code point index of a found part, -1 if absent, -2 with an exception. */
static int64_t find_part(PyCtx *py, PyValue self, const PyValue *a, bool last) {
    const PyStr *s = text_of(self), *part = need_text(py, a[0], "find");
    size_t lo, hi;
    if (part == NULL || !bounds(py, s, a, &lo, &hi))
        return -2;
    int64_t at = search(s, part, lo, hi, last), points = 0;
    for (int64_t i = 0; i < at; i++)
        points += ((unsigned char)s->data[i] & 0xC0) != 0x80;
    return at < 0 ? -1 : points;
}
METHOD(str_find) {
    int64_t at = find_part(py, self, a, false);
    return at == -2 ? PY_FAIL : py_int(at);
}
METHOD(str_rfind) {
    int64_t at = find_part(py, self, a, true);
    return at == -2 ? PY_FAIL : py_int(at);
}
METHOD(str_index) {
    int64_t at = find_part(py, self, a, false);
    if (at == -1)
        return py_raise(py, PYEXC_ValueError, "substring not found");
    return at == -2 ? PY_FAIL : py_int(at);
}
METHOD(str_count) {
    const PyStr *s = text_of(self), *part = need_text(py, a[0], "count");
    size_t lo, hi;
    if (part == NULL || !bounds(py, s, a, &lo, &hi))
        return PY_FAIL;
    if (part->len == 0)
        return py_int((int64_t)s->points + 1);
    int64_t count = 0;
    for (int64_t at; (at = search(s, part, lo, hi, false)) >= 0; lo = (size_t)at + part->len)
        count++;
    return py_int(count);
}

static bool has_end(const PyStr *s, const PyStr *part, bool end) {
    return part->len <= s->len &&
           memcmp(s->data + (end ? s->len - part->len : 0), part->data, part->len) == 0;
}
static PyValue ends(PyCtx *py, PyValue self, PyValue part, bool end, const char *method) {
    bool tuple = py_is_tuple(part), any = false;
    for (size_t i = 0; i < (tuple ? py_seq_len(part) : 1); i++) {
        const PyStr *one = need_text(py, tuple ? py_seq_item(part, i) : part, method);
        if (one == NULL)
            return PY_FAIL;
        any = any || has_end(text_of(self), one, end);
    }
    return py_bool(any);
}
METHOD(str_startswith) {
    return ends(py, self, a[0], false, "startswith");
}
METHOD(str_endswith) {
    return ends(py, self, a[0], true, "endswith");
}
METHOD(str_removeprefix) {
    const PyStr *s = text_of(self), *part = need_text(py, a[0], "removeprefix");
    if (part == NULL)
        return PY_FAIL;
    size_t cut = has_end(s, part, false) ? part->len : 0;
    return py_strn(py, s->data + cut, s->len - cut);
}
METHOD(str_removesuffix) {
    const PyStr *s = text_of(self), *part = need_text(py, a[0], "removesuffix");
    if (part == NULL)
        return PY_FAIL;
    return py_strn(py, s->data, s->len - (has_end(s, part, true) ? part->len : 0));
}

/* ---- making -----------------------------------------------------------------------------------
 */

METHOD(str_replace) {
    const PyStr *s = text_of(self), *old = need_text(py, a[0], "replace");
    const PyStr *new_ = old == NULL ? NULL : need_text(py, a[1], "replace");
    int64_t max, at;
    size_t lo = 0;
    if (new_ == NULL || !int_arg(py, a[2], -1, &max))
        return PY_FAIL;
    ArenaMark mark = arena_mark(py->scratch);
    StrBuf buf = STRBUF(py->scratch);
    while (max != 0 && (at = search(s, old, lo, s->len, false)) >= 0) {
        size_t keep = old->len == 0 && (size_t)at < s->len; /* empty: between all characters */
        strbuf_write(&buf, s->data + lo, (size_t)at - lo);
        strbuf_write(&buf, new_->data, new_->len);
        strbuf_write(&buf, s->data + at, keep);
        lo = (size_t)at + old->len + keep;
        max--;
        if (old->len == 0 && keep == 0)
            break;
    }
    if (lo < s->len)
        strbuf_write(&buf, s->data + lo, s->len - lo);
    return py_str_finish(py, &buf, mark);
}

METHOD(str_join) {
    const PyStr *sep = text_of(self);
    PyValue items = py_list_of(py, a[0]);
    if (py_failed(items))
        return PY_FAIL;
    ArenaMark mark = arena_mark(py->scratch);
    StrBuf buf = STRBUF(py->scratch);
    for (size_t i = 0; i < py_seq_len(items); i++) {
        const PyStr *s = text_of(py_seq_item(items, i));
        if (s == NULL) {
            py_raise(py, PYEXC_TypeError, "sequence item %zu: expected str instance, %s found", i,
                     py_type_name(py_seq_item(items, i)));
            py_decref(py, items);
            arena_reset(py->scratch, mark);
            return PY_FAIL;
        }
        if (i > 0)
            strbuf_write(&buf, sep->data, sep->len);
        strbuf_write(&buf, s->data, s->len);
    }
    py_decref(py, items);
    return py_str_finish(py, &buf, mark);
}

static PyValue justified(PyCtx *py, PyValue self, const PyValue *a, char align) {
    const PyStr *s = text_of(self), *fill = NULL;
    int64_t width;
    if (!int_arg(py, a[0], 0, &width))
        return PY_FAIL;
    if (!py_failed(a[1]) && ((fill = need_text(py, a[1], "ljust")) == NULL || fill->points != 1))
        return py_raise(py, PYEXC_TypeError,
                        "The fill character must be exactly one character long");
    if (width > 1 << 24)
        return py_raise(py, PYEXC_MemoryError, "the padded string would be too long");
    ArenaMark mark = arena_mark(py->scratch);
    StrBuf buf = STRBUF(py->scratch);
    int64_t missing = width > (int64_t)s->points ? width - (int64_t)s->points : 0;
    int64_t left = align == '>' ? missing : align == '<' ? 0 : missing / 2 + (missing & width & 1);
    for (int64_t i = 0; i < left; i++)
        strbuf_puts(&buf, fill != NULL ? fill->data : " ");
    strbuf_write(&buf, s->data, s->len);
    for (int64_t i = left; i < missing; i++)
        strbuf_puts(&buf, fill != NULL ? fill->data : " ");
    return py_str_finish(py, &buf, mark);
}
METHOD(str_ljust) {
    return justified(py, self, a, '<');
}
METHOD(str_rjust) {
    return justified(py, self, a, '>');
}
METHOD(str_center) {
    return justified(py, self, a, '^');
}
METHOD(str_zfill) {
    const PyStr *s = text_of(self);
    int64_t width;
    if (!int_arg(py, a[0], 0, &width))
        return PY_FAIL;
    ArenaMark mark = arena_mark(py->scratch);
    StrBuf buf = STRBUF(py->scratch);
    size_t sign = s->len > 0 && (s->data[0] == '-' || s->data[0] == '+');
    strbuf_write(&buf, s->data, sign);
    for (int64_t i = (int64_t)s->points; i < width && i < 1 << 24; i++)
        strbuf_putc(&buf, '0');
    strbuf_write(&buf, s->data + sign, s->len - sign);
    return py_str_finish(py, &buf, mark);
}
METHOD(str_expandtabs) {
    const PyStr *s = text_of(self);
    int64_t width, column = 0;
    if (!int_arg(py, a[0], 8, &width))
        return PY_FAIL;
    ArenaMark mark = arena_mark(py->scratch);
    StrBuf buf = STRBUF(py->scratch);
    for (size_t i = 0; i < s->len; i++) {
        if (s->data[i] != '\t') {
            strbuf_putc(&buf, s->data[i]);
            column = s->data[i] == '\n' ? 0 : column + 1;
            continue;
        }
        for (int64_t n = width > 0 ? width - column % width : 0; n > 0; n--, column++)
            strbuf_putc(&buf, ' ');
    }
    return py_str_finish(py, &buf, mark);
}

const PyMethodDef py_str_methods[] = {
    {"capitalize", str_capitalize, ""},
    {"casefold", str_lower, ""},
    {"center", str_center, "width fillchar="},
    {"count", str_count, "sub start= end="},
    {"endswith", str_endswith, "suffix"},
    {"expandtabs", str_expandtabs, "tabsize="},
    {"find", str_find, "sub start= end="},
    {"format", py_str_format, NULL},
    {"index", str_index, "sub start= end="},
    {"isalnum", str_isalnum, ""},
    {"isalpha", str_isalpha, ""},
    {"isdecimal", str_isdigit, ""},
    {"isdigit", str_isdigit, ""},
    {"isidentifier", str_isidentifier, ""},
    {"islower", str_islower, ""},
    {"isnumeric", str_isdigit, ""},
    {"isspace", str_isspace, ""},
    {"isupper", str_isupper, ""},
    {"join", str_join, "iterable"},
    {"ljust", str_ljust, "width fillchar="},
    {"lower", str_lower, ""},
    {"lstrip", str_lstrip, "chars="},
    {"partition", str_partition, "sep"},
    {"removeprefix", str_removeprefix, "prefix"},
    {"removesuffix", str_removesuffix, "suffix"},
    {"replace", str_replace, "old new count="},
    {"rfind", str_rfind, "sub start= end="},
    {"rjust", str_rjust, "width fillchar="},
    {"rpartition", str_rpartition, "sep"},
    {"rsplit", str_rsplit, "sep= maxsplit="},
    {"rstrip", str_rstrip, "chars="},
    {"split", str_split, "sep= maxsplit="},
    {"splitlines", str_splitlines, ""},
    {"startswith", str_startswith, "prefix"},
    {"strip", str_strip, "chars="},
    {"swapcase", str_swapcase, ""},
    {"title", str_title, ""},
    {"upper", str_upper, ""},
    {"zfill", str_zfill, "width"},
    {NULL, NULL, NULL},
};
