/* value_template.c -- "{}".format(...) and "%d" % ...: templates filled in by value_format.c. */
#include <stdlib.h>
#include <string.h>

#include "frontend/value_types.h"

/* ---- str.format -------------------------------------------------------------------------------
 */

typedef struct Template {
    const PyArgs *args;
    size_t next; /* the number of the next {} */
} Template;

static bool whole_number(const char *text, size_t len) {
    return len > 0 && strspn(text, "0123456789") >= len;
}

/* The argument that a field's first name means; borrowed. */
static bool field_argument(PyCtx *py, Template *t, const char *name, size_t len, PyValue *out) {
    if (len == 0 || whole_number(name, len)) {
        size_t i = len == 0 ? t->next++ : (size_t)strtoul(name, NULL, 10);
        if (i >= t->args->num_pos) {
            py_raise(py, PYEXC_IndexError,
                     "Replacement index %zu out of range for positional args tuple", i);
            return false;
        }
        *out = t->args->pos[i];
        return true;
    }
    for (size_t k = 0; k < t->args->num_kw; k++) {
        if (strncmp(t->args->kw_names[k], name, len) == 0 && t->args->kw_names[k][len] == '\0') {
            *out = t->args->kw_values[k];
            return true;
        }
    }
    py_raise(py, PYEXC_KeyError, "%.*s", (int)len, name);
    return false;
}

/* name.attr[item]...; a new reference. */
static PyValue field_value(PyCtx *py, Template *t, const char *text, size_t len) {
    PyValue value;
    size_t at = strcspn(text, ".[:!}");
    if (at > len)
        at = len;
    if (!field_argument(py, t, text, at, &value))
        return PY_FAIL;
    value = py_incref(value);
    while (at < len && !py_failed(value)) {
        bool item = text[at] == '[';
        size_t lo = ++at;
        while (at < len && (item ? text[at] != ']' : text[at] != '.' && text[at] != '['))
            at++;
        PyValue inner;
        if (item) {
            PyValue key = whole_number(text + lo, at - lo) ? py_int(strtol(text + lo, NULL, 10))
                                                           : py_strn(py, text + lo, at - lo);
            inner = py_subscript(py, value, key);
            py_decref(py, key);
            at += at < len;
        } else {
            inner = py_getattr(py, value, strtab_intern(py->names, text + lo, at - lo));
        }
        py_decref(py, value);
        value = inner;
    }
    return value;
}

static bool fill(PyCtx *py, Template *t, const char *text, size_t len, unsigned depth, StrBuf *out);

/* One {field!conversion:spec}, the text between the braces. */
static bool fill_field(PyCtx *py, Template *t, const char *text, size_t len, unsigned depth,
                       StrBuf *out) {
    size_t name = 0, colon;
    unsigned bracket = 0;
    while (name < len && (bracket > 0 || (text[name] != '!' && text[name] != ':'))) {
        bracket = text[name] == '[' ? 1 : text[name] == ']' ? 0 : bracket;
        name++;
    }
    char conversion = name + 1 < len && text[name] == '!' ? text[name + 1] : '\0';
    colon = conversion != '\0' ? name + 2 : name;
    PyValue value = field_value(py, t, text, name);
    if (py_failed(value))
        return false;
    StrBuf spec = STRBUF(py->scratch);
    bool ok = colon >= len || fill(py, t, text + colon + 1, len - colon - 1, depth + 1, &spec);
    if (ok && conversion != '\0') {
        StrBuf converted = STRBUF(py->scratch);
        ok = conversion == 's' ? py_str_of(py, value, &converted) : py_repr(py, value, &converted);
        py_decref(py, value);
        value = ok ? py_strn(py, strbuf_str(&converted), converted.len) : PY_NONE;
    }
    ok = ok && py_format(py, value, strbuf_str(&spec), spec.len, out);
    py_decref(py, value);
    return ok;
}

static bool fill(PyCtx *py, Template *t, const char *text, size_t len, unsigned depth,
                 StrBuf *out) {
    if (depth > 2) {
        py_raise(py, PYEXC_ValueError, "Max string recursion exceeded");
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        bool doubled = i + 1 < len && text[i + 1] == text[i];
        if ((text[i] != '{' && text[i] != '}') || doubled) {
            strbuf_putc(out, text[i]);
            i += (text[i] == '{' || text[i] == '}') && doubled;
            continue;
        }
        size_t end = i + 1;
        unsigned open = 1;
        for (; end < len; end++) {
            open += text[end] == '{';
            open -= text[end] == '}';
            if (open == 0)
                break;
        }
        if (text[i] == '}' || end == len) {
            py_raise(py, PYEXC_ValueError, "Single '%c' encountered in format string", text[i]);
            return false;
        }
        if (!fill_field(py, t, text + i + 1, end - i - 1, depth, out))
            return false;
        i = end;
    }
    return true;
}

PyValue py_str_format(PyCtx *py, PyValue self, const PyValue *a, const PyArgs *args) {
    Template t = {.args = args};
    ArenaMark mark = arena_mark(py->scratch);
    StrBuf buf = STRBUF(py->scratch);
    size_t len;
    const char *text = py_str_data(self, &len);
    (void)a;
    if (fill(py, &t, text, len, 0, &buf))
        return py_str_finish(py, &buf, mark);
    arena_reset(py->scratch, mark);
    return PY_FAIL;
}

/* ---- "%5.2f" % x ------------------------------------------------------------------------------
 */

/* %[flags][width][.precision]type becomes a spec of the mini-language. Advances *at behind it. */
static bool percent_spec(PyCtx *py, const char *text, size_t len, size_t *at, StrBuf *spec,
                         char *type) {
    bool left = false, zero = false;
    char sign = '\0';
    size_t start = *at;
    for (; *at < len && strchr("-+ #0", text[*at]) != NULL; ++*at) {
        left = left || text[*at] == '-';
        zero = zero || text[*at] == '0';
        if (text[*at] == '+' || (text[*at] == ' ' && sign == '\0'))
            sign = text[*at];
    }
    size_t number = *at + strspn(text + *at, "0123456789.");
    size_t width = *at;
    *type = number < len ? text[number] : '\0';
    if (*type == '\0' || strchr("diouxXeEfFgGcrsa%", *type) == NULL) {
        py_raise(py, PYEXC_ValueError, "unsupported format character '%c' at index %zu", *type,
                 number);
        return false;
    }
    if (strchr("sra", *type) == NULL || left)
        strbuf_puts(spec, left ? "<" : ">");
    else
        strbuf_puts(spec, ">");
    if (zero && !left && strchr("sra", *type) == NULL)
        strbuf_str(spec), spec->len = 0; /* zeros replace the alignment */
    if (sign != '\0')
        strbuf_putc(spec, sign);
    if (memchr(text + start, '#', *at - start) != NULL)
        strbuf_putc(spec, '#');
    if (zero && !left && strchr("sra", *type) == NULL)
        strbuf_putc(spec, '0');
    bool whole = strchr("diu", *type) != NULL; /* a precision of %d would pad with zeros */
    size_t keep = whole ? strspn(text + width, "0123456789") : number - width;
    strbuf_write(spec, text + width, keep);
    if (strchr("sra", *type) == NULL)
        strbuf_putc(spec, whole ? 'd' : *type);
    *at = number + 1;
    return true;
}

static bool percent_value(PyCtx *py, PyValue value, char type, StrBuf *spec, StrBuf *out) {
    PyValue shown = py_incref(value);
    if (strchr("sra", type) != NULL) {
        StrBuf text = STRBUF(py->scratch);
        if (type == 's' ? !py_str_of(py, value, &text) : !py_repr(py, value, &text))
            return false;
        py_decref(py, shown);
        shown = py_strn(py, strbuf_str(&text), text.len);
    } else if (strchr("diu", type) != NULL && value.tag == PY_FLOAT_TAG) {
        shown = py_int_from_double(py, value.u.f);
    }
    const PyStr *letter = type == 'c' ? py_as(value, &py_str_type) : NULL;
    if (letter != NULL && letter->points == 1) {
        spec->len--; /* the type letter: text is formatted as text */
        bool done = py_format(py, value, strbuf_str(spec), spec->len, out);
        py_decref(py, shown);
        return done;
    }
    if (!py_failed(shown) && strchr("sra", type) == NULL && !py_is_number(shown)) {
        py_raise(py, PYEXC_TypeError, "%%%c format: a real number is required, not %s", type,
                 py_type_name(shown));
        py_decref(py, shown);
        return false;
    }
    bool ok = !py_failed(shown) && py_format(py, shown, strbuf_str(spec), spec->len, out);
    py_decref(py, shown);
    return ok;
}

static bool percent(PyCtx *py, const char *text, size_t len, PyValue args, StrBuf *out) {
    bool tuple = py_is_tuple(args);
    size_t next = 0, count = tuple ? py_seq_len(args) : 1;
    for (size_t i = 0; i < len;) {
        char type;
        StrBuf spec = STRBUF(py->scratch);
        PyValue value;
        if (text[i] != '%') {
            strbuf_putc(out, text[i++]);
            continue;
        }
        i++;
        bool named = i < len && text[i] == '(' && py_is_dict(args);
        if (named) {
            size_t close = i + strcspn(text + i, ")");
            PyValue key = py_strn(py, text + i + 1, close - i - 1);
            value = py_subscript(py, args, key);
            py_decref(py, key);
            i = close + 1;
            if (py_failed(value))
                return false;
            py_decref(py, value); /* the dict keeps it */
        }
        if (!percent_spec(py, text, len, &i, &spec, &type))
            return false;
        if (type == '%') {
            strbuf_putc(out, '%');
            continue;
        }
        if (!named && next >= count) {
            py_raise(py, PYEXC_TypeError, "not enough arguments for format string");
            return false;
        }
        if (!named)
            value = tuple ? py_seq_item(args, next) : args;
        next++;
        if (!percent_value(py, value, type, &spec, out))
            return false;
    }
    if (next < count && !py_is_dict(args)) {
        py_raise(py, PYEXC_TypeError, "not all arguments converted during string formatting");
        return false;
    }
    return true;
}

PyValue py_str_percent(PyCtx *py, PyValue format, PyValue args) {
    ArenaMark mark = arena_mark(py->scratch);
    StrBuf buf = STRBUF(py->scratch);
    size_t len;
    const char *text = py_str_data(format, &len);
    if (percent(py, text, len, args, &buf))
        return py_str_finish(py, &buf, mark);
    arena_reset(py->scratch, mark);
    return PY_FAIL;
}
