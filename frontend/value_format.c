/* value_format.c -- the format mini-language of f-strings, format() and str.format.
 *
 * [[fill]align][sign][#][0][width][grouping][.precision][type]. Numbers are turned into sign,
 * prefix, digits and rest first; grouping and padding then work on those parts, so that f"{-5:06d}"
 * and f"{1234567:,}" come from the same place.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "frontend/value_types.h"

enum { MAX_WIDTH = 1 << 24 };

typedef struct Spec {
    char fill[5]; /* one code point */
    char align;   /* < > ^ = or 0 */
    char sign;    /* + - space or 0 */
    bool alternate, zero;
    int width, precision; /* -1: not given */
    char group;           /* , _ or 0 */
    char type;            /* or 0 */
} Spec;

static bool is_align(char c) {
    return c == '<' || c == '>' || c == '^' || c == '=';
}

/* A run of digits; -1 if there is none; too large: MAX_WIDTH. */
static int spec_number(const char *text, size_t len, size_t *at) {
    int value = -1;
    for (; *at < len && text[*at] >= '0' && text[*at] <= '9'; ++*at) {
        value = (value < 0 ? 0 : value) * 10 + (text[*at] - '0');
        if (value > MAX_WIDTH)
            value = MAX_WIDTH;
    }
    return value;
}

static bool invalid_spec(PyCtx *py, PyValue v, const char *text, size_t len) {
    py_raise(py, PYEXC_ValueError, "Invalid format specifier '%.*s' for object of type '%s'",
             (int)len, text, py_type_name(v));
    return false;
}

static bool parse_spec(PyCtx *py, PyValue v, const char *text, size_t len, Spec *spec) {
    size_t at = 0, point = 0;
    *spec = (Spec){.fill = " ", .width = -1, .precision = -1};
    if (len > 0)
        utf8_next(text, len, &point);
    if (len > point && point <= 4 && is_align(text[point])) {
        memset(spec->fill, 0, sizeof spec->fill);
        memcpy(spec->fill, text, point);
        spec->align = text[point];
        at = point + 1;
    } else if (len > 0 && is_align(text[0])) {
        spec->align = text[0];
        at = 1;
    }
    if (at < len && (text[at] == '+' || text[at] == '-' || text[at] == ' '))
        spec->sign = text[at++];
    if (at < len && text[at] == '#') {
        spec->alternate = true;
        at++;
    }
    if (at < len && text[at] == '0') {
        spec->zero = true;
        at++;
    }
    spec->width = spec_number(text, len, &at);
    if (at < len && (text[at] == ',' || text[at] == '_'))
        spec->group = text[at++];
    if (at < len && text[at] == '.') {
        at++;
        spec->precision = spec_number(text, len, &at);
        if (spec->precision < 0) {
            py_raise(py, PYEXC_ValueError, "Format specifier missing precision");
            return false;
        }
    }
    if (at < len)
        spec->type = text[at++];
    if (at < len)
        return invalid_spec(py, v, text, len);
    return true;
}

static void put_fill(const Spec *spec, int64_t count, StrBuf *out) {
    for (int64_t i = 0; i < count; i++)
        strbuf_puts(out, spec->fill);
}

/* `text` (of `points` code points) padded to the width. */
static void pad(const Spec *spec, char dflt, const char *text, size_t len, size_t points,
                StrBuf *out) {
    int64_t missing = spec->width - (int64_t)points;
    char align = spec->align != 0 ? spec->align : dflt;
    int64_t left = missing <= 0 ? 0 : align == '>' ? missing : align == '^' ? missing / 2 : 0;
    put_fill(spec, left, out);
    strbuf_write(out, text, len);
    put_fill(spec, missing - left, out);
}

static bool unknown_code(PyCtx *py, PyValue v, char type) {
    py_raise(py, PYEXC_ValueError, "Unknown format code '%c' for object of type '%s'", type,
             py_type_name(v));
    return false;
}

static bool format_text(PyCtx *py, PyValue v, const Spec *spec, StrBuf *out) {
    const PyStr *s = (const PyStr *)v.u.o;
    if (spec->type != 0 && spec->type != 's')
        return unknown_code(py, v, spec->type);
    if (spec->sign != 0) {
        py_raise(py, PYEXC_ValueError, "Sign not allowed in string format specifier");
        return false;
    }
    if (spec->align == '=') {
        py_raise(py, PYEXC_ValueError, "'=' alignment not allowed in string format specifier");
        return false;
    }
    size_t points = s->points, len = s->len;
    if (spec->precision >= 0 && (size_t)spec->precision < points) {
        points = (size_t)spec->precision;
        len = py_str_offset(s, points);
    }
    Spec padded = *spec;
    if (spec->zero && spec->align == 0)
        strcpy(padded.fill, "0");
    pad(&padded, '<', s->data, len, points, out);
    return true;
}

/* Puts sign, prefix, digits (grouped) and the rest together and pads them. */
static void put_number(PyCtx *py, const Spec *spec, bool negative, const char *prefix,
                       const char *digits, size_t num_digits, const char *rest, StrBuf *out) {
    int every = spec->group == '_' && spec->type != 0 && strchr("bxXo", spec->type) ? 4 : 3;
    char sign[2] = {negative                                 ? '-'
                    : spec->sign == '+' || spec->sign == ' ' ? spec->sign
                                                             : '\0',
                    '\0'};
    bool zeros = spec->zero && spec->align == 0;
    size_t around = strlen(sign) + strlen(prefix) + strlen(rest);
    size_t total = num_digits; /* digits with zeros in front */
    size_t seps = spec->group != 0 ? (total - 1) / (size_t)every : 0;
    if (zeros || (spec->align == '=' && spec->fill[0] == '0')) {
        while ((int64_t)(around + total + seps) < spec->width) {
            total++;
            seps = spec->group != 0 ? (total - 1) / (size_t)every : 0;
        }
    }
    StrBuf body = STRBUF(py->scratch);
    for (size_t i = 0; i < total; i++) {
        size_t left = total - i;
        strbuf_putc(&body, i < total - num_digits ? '0' : digits[i - (total - num_digits)]);
        if (spec->group != 0 && left > 1 && (left - 1) % (size_t)every == 0)
            strbuf_putc(&body, spec->group);
    }
    int64_t missing = spec->width - (int64_t)(around + body.len);
    char align = spec->align != 0 ? spec->align : '>';
    int64_t left = missing <= 0 ? 0 : align == '>' ? missing : align == '^' ? missing / 2 : 0;
    put_fill(spec, left, out);
    strbuf_puts(out, sign);
    strbuf_puts(out, prefix);
    if (align == '=')
        put_fill(spec, missing, out);
    strbuf_write(out, strbuf_str(&body), body.len);
    strbuf_puts(out, rest);
    if (align != '=')
        put_fill(spec, missing - left, out);
}

static bool format_int(PyCtx *py, PyValue v, const Spec *spec, StrBuf *out) {
    int base = 10;
    if (spec->type == 'b' || spec->type == 'o')
        base = spec->type == 'b' ? 2 : 8;
    else if (spec->type == 'x' || spec->type == 'X')
        base = 16;
    const char *prefix = base == 2 ? "0b" : base == 8 ? "0o" : spec->type == 'X' ? "0X" : "0x";
    if (spec->precision >= 0) {
        py_raise(py, PYEXC_ValueError, "Precision not allowed in integer format specifier");
        return false;
    }
    if (spec->group == ',' && base != 10) {
        py_raise(py, PYEXC_ValueError, "Cannot specify ',' with '%c'.", spec->type);
        return false;
    }
    if (spec->type == 'c') {
        int64_t point;
        char utf8[4];
        if (!py_to_i64(v, &point) || point < 0 || point > 0x10FFFF) {
            py_raise(py, PYEXC_OverflowError, "%%c arg not in range(0x110000)");
            return false;
        }
        pad(spec, '<', utf8, utf8_put(utf8, (uint32_t)point), 1, out);
        return true;
    }
    StrBuf digits = STRBUF(py->scratch);
    if (!py_int_digits(py, v, base, &digits))
        return false;
    bool negative = digits.data[0] == '-';
    char *text = digits.data + negative;
    for (char *c = text; spec->type == 'X' && *c != '\0'; c++) {
        if (*c >= 'a' && *c <= 'f')
            *c = (char)(*c - 'a' + 'A');
    }
    put_number(py, spec, negative, spec->alternate && base != 10 ? prefix : "", text,
               digits.len - negative, "", out);
    return true;
}

static bool format_float(PyCtx *py, PyValue v, double value, const Spec *spec, StrBuf *out) {
    char type = spec->type, fmt[8] = "%.*f";
    int precision = spec->precision < 0 ? 6 : spec->precision;
    if (type != 0 && strchr("eEfFgG%n", type) == NULL)
        return unknown_code(py, v, type);
    if (precision > 1000) {
        py_raise(py, PYEXC_ValueError, "precision too big");
        return false;
    }
    bool negative = signbit(value) && !isnan(value);
    value = fabs(value) * (type == '%' ? 100.0 : 1.0);
    StrBuf text = STRBUF(py->scratch);
    if (isnan(value) || isinf(value)) {
        bool upper = type == 'E' || type == 'F' || type == 'G';
        strbuf_puts(&text, isnan(value) ? (upper ? "NAN" : "nan") : (upper ? "INF" : "inf"));
    } else if (type == 0) {
        if (spec->precision < 0)
            py_float_repr(value, &text);
        else
            py_float_general(value, spec->precision, &text);
    } else {
        const char *flag = spec->alternate ? "#" : "";
        char letter = type == '%' ? 'f' : type == 'n' ? 'g' : type;
        snprintf(fmt, sizeof fmt, "%%%s.*%c", flag, letter);
        TK_ALLOW_FORMAT_VARIABLE_BEGIN
        strbuf_printf(&text, fmt, precision, value);
        TK_ALLOW_FORMAT_VARIABLE_END
    }
    if (type == '%')
        strbuf_putc(&text, '%');
    const char *whole = strbuf_str(&text);
    size_t digits = strspn(whole, "0123456789");
    Spec plain = *spec;
    if (digits == 0) { /* inf, nan: letters are not grouped */
        plain.group = 0;
        digits = text.len;
    }
    put_number(py, &plain, negative, "", whole, digits, whole + digits, out);
    return true;
}

bool py_format(PyCtx *py, PyValue v, const char *text, size_t len, StrBuf *out) {
    Spec spec;
    double value;
    v = py_unwrap_constexpr(v);
    if (v.tag == PY_OBJECT_TAG && v.u.o->type->format != NULL)
        return v.u.o->type->format(py, v, text, len, out);
    if (len == 0)
        return py_str_of(py, v, out);
    if (!py_is_number(v) && !py_is_str(v)) {
        py_raise(py, PYEXC_TypeError, "unsupported format string passed to %s.__format__",
                 py_type_name(v));
        return false;
    }
    if (!parse_spec(py, v, text, len, &spec))
        return false;
    if (py_is_str(v))
        return format_text(py, v, &spec, out);
    bool float_type = spec.type != 0 && strchr("eEfFgG%", spec.type) != NULL;
    if (v.tag == PY_FLOAT_TAG || float_type) {
        if (v.tag == PY_FLOAT_TAG)
            value = v.u.f;
        else if (!py_int_to_double(py, v, &value))
            return false;
        return format_float(py, v, value, &spec, out);
    }
    if (spec.type != 0 && strchr("bcdoxXn", spec.type) == NULL)
        return unknown_code(py, v, spec.type);
    return format_int(py, v, &spec, out);
}
