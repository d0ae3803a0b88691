/* spec_signature.c -- signatures as text: Triton's ahead-of-time spelling.
 *
 * One item a parameter, separated by commas: a type ("i32", "*fp16", "*kfp32" for const pointers)
 * with an optional fact (":16" divisible by 16, ":1" equal to one), a constant for a constexpr
 * ("128", "1.5", "True", "None", "'mean'"), a tuple "(i32, 4)", or "tensordesc<fp16[64, 64]>".
 * Example: "*fp32:16, i32, 1024".
 */
#include "frontend/spec.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- to text --------------------------------------------------------------------------------- */

static void put_param(PyCtx *py, const SpecParam *p, StrBuf *out) {
    const char *type = dtype_infos[p->dtype].short_name;
    switch (p->kind) {
    case SPEC_CONSTEXPR:
        if (!py_repr(py, p->value, out))
            py_clear_exception(py);
        return;
    case SPEC_SCALAR:
        strbuf_puts(out, type);
        break;
    case SPEC_POINTER:
        strbuf_printf(out, "*%s%s", p->is_const ? "k" : "", type);
        break;
    case SPEC_DESC:
        strbuf_printf(out, "tensordesc<%s[", type);
        for (unsigned i = 0; i < p->rank; i++)
            strbuf_printf(out, "%s%lld", i > 0 ? ", " : "", (long long)p->block_shape[i]);
        strbuf_puts(out, "]>");
        break;
    case SPEC_TUPLE:
        strbuf_putc(out, '(');
        for (size_t i = 0; i < p->num_items; i++) {
            strbuf_puts(out, i > 0 ? ", " : "");
            put_param(py, &p->items[i], out);
        }
        strbuf_putc(out, ')');
        break;
    }
    if (p->divisible16)
        strbuf_puts(out, ":16");
}

void spec_signature_text(PyCtx *py, const SpecParam *params, size_t count, StrBuf *out) {
    for (size_t i = 0; i < count; i++) {
        strbuf_puts(out, i > 0 ? ", " : "");
        put_param(py, &params[i], out);
    }
}

/* ---- from text ------------------------------------------------------------------------------- */

typedef struct Reader {
    PyCtx *py;
    Arena *arena;
    const char *p;     /* what is left of the text */
    const char *error; /* the first mistake, or NULL */
} Reader;

static void skip(Reader *r) {
    while (*r->p == ' ')
        r->p++;
}

static bool take(Reader *r, char c) {
    skip(r);
    if (*r->p != c)
        return false;
    r->p++;
    return true;
}

static bool fail(Reader *r, const char *error) {
    if (!r->error)
        r->error = error;
    return false;
}

/* A word: letters, digits, and what numbers contain. */
static const char *take_word(Reader *r) {
    skip(r);
    size_t len = 0;
    while (isalnum((unsigned char)r->p[len]) || (r->p[len] != '\0' && strchr("_.+-", r->p[len])))
        len++;
    const char *word = arena_strndup(r->arena, r->p, len);
    r->p += len;
    return word;
}

static bool read_type(Reader *r, const char *word, DType *out) {
    *out = dtype_from_name(word);
    return *out != DT_COUNT || fail(r, "is no type");
}

/* ":16" or ":1" behind a type. */
static bool read_fact(Reader *r, SpecParam *param) {
    if (!take(r, ':'))
        return true;
    const char *word = take_word(r);
    if (str_eq(word, "16")) {
        param->divisible16 = true;
    } else if (str_eq(word, "1") && param->kind == SPEC_SCALAR) {
        *param = (SpecParam){.kind = SPEC_CONSTEXPR, .value = py_int(1)};
    } else {
        return fail(r, "has an unknown fact: only :16 and :1 exist");
    }
    return true;
}

static bool read_constant(Reader *r, const char *word, SpecParam *param) {
    param->kind = SPEC_CONSTEXPR;
    if (str_eq(word, "None")) {
        param->value = PY_NONE;
        return true;
    }
    if (str_eq(word, "True") || str_eq(word, "False")) {
        param->value = py_bool(str_eq(word, "True"));
        return true;
    }
    char *end;
    errno = 0;
    long long integer = strtoll(word, &end, 0);
    if (*word && !*end && errno == 0) {
        param->value = py_int(integer);
        return true;
    }
    double number = strtod(word, &end);
    if (*word && !*end) {
        param->value = py_float(number);
        return true;
    }
    if (str_starts(word, "tl.") && dtype_from_name(word + strlen("tl.")) != DT_COUNT) {
        param->value = py_dtype(dtype_from_name(word + strlen("tl.")));
        return true;
    }
    return fail(r, "is neither a type nor a constant");
}

static bool read_string(Reader *r, char quote, SpecParam *param) {
    const char *close = strchr(r->p, quote);
    if (!close)
        return fail(r, "has no closing quote");
    param->kind = SPEC_CONSTEXPR;
    param->value = py_strn(r->py, r->p, (size_t)(close - r->p));
    r->p = close + 1;
    return true;
}

/* Behind "tensordesc<": dtype[64, 64]> */
static bool read_descriptor(Reader *r, SpecParam *param) {
    param->kind = SPEC_DESC;
    if (!read_type(r, take_word(r), &param->dtype) || !take(r, '['))
        return fail(r, "is no tensordesc<type[sizes]>");
    do {
        char *end;
        const char *word = take_word(r);
        long long size = strtoll(word, &end, 10);
        if (!*word || *end || size < 1 || param->rank == IR_MAX_RANK)
            return fail(r, "has a wrong block size");
        param->block_shape[param->rank++] = size;
    } while (take(r, ','));
    return (take(r, ']') && take(r, '>')) || fail(r, "is no tensordesc<type[sizes]>");
}

static bool read_param(Reader *r, SpecParam *param, unsigned depth);

static bool read_tuple(Reader *r, SpecParam *param, unsigned depth) {
    VEC(SpecParam) items = {0};
    param->kind = SPEC_TUPLE;
    while (!take(r, ')')) {
        SpecParam item = {0};
        if (!read_param(r, &item, depth + 1))
            return false;
        vec_push(r->arena, &items, item);
        if (!take(r, ',') && (skip(r), *r->p != ')'))
            return fail(r, "has no closing parenthesis");
    }
    param->items = items.data;
    param->num_items = items.len;
    return true;
}

static bool read_param(Reader *r, SpecParam *param, unsigned depth) {
    *param = (SpecParam){0};
    if (depth > 8)
        return fail(r, "is nested too deeply");
    if (take(r, '('))
        return read_tuple(r, param, depth);
    if (take(r, '\''))
        return read_string(r, '\'', param);
    if (take(r, '"'))
        return read_string(r, '"', param);
    if (take(r, '*')) {
        const char *word = take_word(r);
        param->kind = SPEC_POINTER;
        param->is_const = *word == 'k';
        return read_type(r, word + (param->is_const ? 1 : 0), &param->dtype) && read_fact(r, param);
    }
    const char *word = take_word(r);
    if (str_eq(word, "tensordesc") && take(r, '<'))
        return read_descriptor(r, param);
    if (dtype_from_name(word) == DT_COUNT)
        return read_constant(r, word, param);
    param->kind = SPEC_SCALAR;
    param->dtype = dtype_from_name(word);
    return read_fact(r, param);
}

static const char *item_text(Reader *r, const char *from) {
    while (*from == ' ')
        from++;
    size_t len = strcspn(from, ",");
    return arena_strndup(r->arena, from, len);
}

SpecParam *spec_parse_signature(PyCtx *py, Arena *arena, const JitFn *fn, const char *text) {
    Reader r = {.py = py, .arena = arena, .p = text};
    SpecParam *params = ARENA_ARRAY(arena, SpecParam, fn->num_params + 1);
    size_t count = 0;
    for (skip(&r); *r.p; skip(&r)) {
        const char *start = r.p;
        SpecParam extra, *param = count < fn->num_params ? &params[count] : &extra;
        if (!read_param(&r, param, 0) || !(take(&r, ',') || (skip(&r), *r.p == '\0'))) {
            SrcRange range = count < fn->num_params ? spec_parameter(fn->def, count)->range
                                                    : fn->def->name_range;
            Diag *d = diag_report(py->diags, DIAG_SIGNATURE_ITEM, range, item_text(&r, start),
                                  r.error ? r.error : "goes on where a comma should stand");
            diag_help(d, "items are types (i32, *fp16, :16 for divisible) and constants");
            return NULL;
        }
        count++;
    }
    for (; count < fn->num_params && !py_failed(fn->defaults[count]); count++)
        params[count] =
            (SpecParam){.kind = SPEC_CONSTEXPR, .value = py_unwrap_constexpr(fn->defaults[count])};
    if (count == fn->num_params)
        return params;
    Diag *d = diag_report(py->diags, DIAG_SIGNATURE_COUNT, fn->def->name_range, count, fn->name,
                          fn->num_params);
    if (count < fn->num_params)
        diag_note(d, spec_parameter(fn->def, count)->range, "nothing is given for `%s`",
                  spec_parameter(fn->def, count)->name);
    return NULL;
}
