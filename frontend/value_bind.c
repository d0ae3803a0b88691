/* value_bind.c -- a call's arguments against the parameters of a function written in C. */
#include <string.h>

#include "frontend/value_types.h"

typedef struct Formal {
    Sym name;
    bool optional, kw_only;
} Formal;

static bool too_many(PyCtx *py, const char *function, const PyArgs *args, size_t most,
                     size_t least) {
    SrcRange at = args->pos_ranges != NULL ? args->pos_ranges[most] : args->range;
    const char *s = most == 1 ? "" : "s";
    if (most == least)
        py_raise_at(py, PYEXC_TypeError, at, NULL,
                    "%s() takes %zu positional argument%s but %zu %s given", function, most, s,
                    args->num_pos, args->num_pos == 1 ? "was" : "were");
    else
        py_raise_at(py, PYEXC_TypeError, at, NULL,
                    "%s() takes from %zu to %zu positional arguments but %zu were given", function,
                    least, most, args->num_pos);
    return false;
}

static bool unexpected_keyword(PyCtx *py, const char *function, const PyArgs *args, size_t k,
                               const Formal *formals, size_t count) {
    const char *names[PY_BIND_MAX];
    for (size_t i = 0; i < count; i++)
        names[i] = formals[i].name;
    ArenaMark mark = arena_mark(py->scratch);
    py_raise_at(py, PYEXC_TypeError, args->kw_ranges != NULL ? args->kw_ranges[k] : args->range,
                py_suggest(py, args->kw_names[k], names, count),
                "%s() got an unexpected keyword argument '%s'", function, args->kw_names[k]);
    arena_reset(py->scratch, mark);
    return false;
}

static bool bind(PyCtx *py, const char *function, const PyArgs *args, const Formal *formals,
                 size_t count, PyValue *out) {
    size_t most = 0, least = 0;
    for (size_t i = 0; i < count; i++) {
        out[i] = PY_FAIL;
        most += !formals[i].kw_only;
        least += !formals[i].kw_only && !formals[i].optional;
    }
    if (args->num_pos > most)
        return too_many(py, function, args, most, least);
    for (size_t i = 0; i < args->num_pos; i++)
        out[i] = args->pos[i];
    for (size_t k = 0; k < args->num_kw; k++) {
        size_t i = 0;
        while (i < count && strcmp(formals[i].name, args->kw_names[k]) != 0)
            i++;
        if (i == count)
            return unexpected_keyword(py, function, args, k, formals, count);
        if (!py_failed(out[i])) {
            py_raise_at(py, PYEXC_TypeError,
                        args->kw_ranges != NULL ? args->kw_ranges[k] : args->range, NULL,
                        "%s() got multiple values for argument '%s'", function, formals[i].name);
            return false;
        }
        out[i] = args->kw_values[k];
    }
    for (size_t i = 0; i < count; i++) {
        if (py_failed(out[i]) && !formals[i].optional) {
            py_raise_at(py, PYEXC_TypeError, args->range, NULL,
                        "%s() missing required argument: '%s'", function, formals[i].name);
            return false;
        }
    }
    return true;
}

/* "b=" -> name b, optional. */
static Formal formal(PyCtx *py, const char *text, size_t len, bool kw_only) {
    bool optional = len > 0 && text[len - 1] == '=';
    return (Formal){strtab_intern(py->names, text, optional ? len - 1 : len), optional, kw_only};
}

bool py_bind(PyCtx *py, const char *function, const PyArgs *args, const char *const *names,
             PyValue *out) {
    ArenaMark mark = arena_mark(py->scratch);
    size_t count = 0, n = 0;
    bool kw_only = false;
    while (names[n] != NULL)
        n++;
    Formal *formals = ARENA_ARRAY(py->scratch, Formal, n + 1);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], "*") == 0)
            kw_only = true;
        else
            formals[count++] = formal(py, names[i], strlen(names[i]), kw_only);
    }
    bool ok = bind(py, function, args, formals, count, out);
    arena_reset(py->scratch, mark);
    return ok;
}

bool py_bind_text(PyCtx *py, const char *function, const PyArgs *args, const char *names,
                  PyValue *out) {
    Formal formals[PY_BIND_MAX];
    size_t count = 0;
    bool kw_only = false;
    while (*names != '\0' && count < PY_BIND_MAX) {
        size_t len = strcspn(names, " ");
        if (len == 1 && *names == '*')
            kw_only = true;
        else if (len > 0)
            formals[count++] = formal(py, names, len, kw_only);
        names += len;
        names += *names == ' ';
    }
    return bind(py, function, args, formals, count, out);
}
