/* builtins.c -- the builtin functions: print, len, sum, sorted, isinstance and so on. */
#include <math.h>
#include <string.h>

#include "runtime/host/host_internal.h"

#define BUILTIN(name) static PyValue name(PyCtx *py, TK_UNUSED void *data, const PyArgs *args)

/* ---- printing ---------------------------------------------------------------------------------
 */

/* Writes to sys.stdout, sys.stderr, or whatever has a write method. */
static bool write_to(PyCtx *py, PyValue file, const char *text, size_t len) {
    if (py_failed(file) || file.tag == PY_NONE_TAG) {
        fwrite(text, 1, len, py->host->options.out);
        return true;
    }
    PyValue write = py_getattr(py, file, strtab_sym(py->names, "write"));
    if (py_failed(write))
        return false;
    PyValue value = py_strn(py, text, len);
    PyValue result = py_call_values(py, write, &value, 1);
    py_decref(py, write);
    py_decref(py, value);
    py_decref(py, result);
    return !py_failed(result);
}

BUILTIN(builtin_print) {
    PyValue a[4];
    PyArgs options = *args;
    options.num_pos = 0;
    if (!py_bind_text(py, "print", &options, "* sep= end= file= flush=", a))
        return PY_FAIL;
    for (int i = 0; i < 2; i++) {
        bool given = !py_failed(a[i]) && a[i].tag != PY_NONE_TAG;
        if (given && !py_is_str(a[i]))
            return py_raise(py, PYEXC_TypeError, "%s must be None or a string, not %s",
                            i == 0 ? "sep" : "end", py_type_name(a[i]));
        if (!given)
            a[i] = PY_FAIL;
    }
    ArenaMark mark = arena_mark(py->scratch);
    StrBuf text = STRBUF(py->scratch);
    bool ok = true;
    for (size_t i = 0; i < args->num_pos && ok; i++) {
        if (i > 0)
            strbuf_puts(&text, py_failed(a[0]) ? " " : py_str_data(a[0], NULL));
        ok = py_str_of(py, args->pos[i], &text);
    }
    strbuf_puts(&text, py_failed(a[1]) ? "\n" : py_str_data(a[1], NULL));
    ok = ok && write_to(py, a[2], strbuf_str(&text), text.len);
    arena_reset(py->scratch, mark);
    if (ok && !py_failed(a[3]) && py_truth(py, a[3]) == 1)
        fflush(py->host->options.out);
    return ok ? PY_NONE : PY_FAIL;
}

static PyValue text_of(PyCtx *py, PyValue v, bool (*write)(PyCtx *, PyValue, StrBuf *)) {
    ArenaMark mark = arena_mark(py->scratch);
    StrBuf text = STRBUF(py->scratch);
    if (write(py, v, &text))
        return py_str_finish(py, &text, mark);
    arena_reset(py->scratch, mark);
    return PY_FAIL;
}

BUILTIN(builtin_repr) {
    PyValue v;
    return py_bind_text(py, "repr", args, "object", &v) ? text_of(py, v, py_repr) : PY_FAIL;
}

BUILTIN(builtin_format) {
    PyValue a[2];
    size_t len = 0;
    if (!py_bind_text(py, "format", args, "value format_spec=", a))
        return PY_FAIL;
    const char *spec = py_failed(a[1]) ? "" : host_arg_text(py, a[1], "format");
    if (spec == NULL)
        return PY_FAIL;
    len = strlen(spec);
    ArenaMark mark = arena_mark(py->scratch);
    StrBuf text = STRBUF(py->scratch);
    if (py_format(py, a[0], spec, len, &text))
        return py_str_finish(py, &text, mark);
    arena_reset(py->scratch, mark);
    return PY_FAIL;
}

/* ---- numbers ----------------------------------------------------------------------------------
 */

static PyValue call_named(PyCtx *py, PyValue v, const char *method, const PyValue *extra,
                          size_t count, bool *found) {
    PyValue fn = py_getattr_opt(py, v, strtab_sym(py->names, method), found);
    if (!*found || py_failed(fn))
        return fn;
    PyValue result = py_call_values(py, fn, extra, count);
    py_decref(py, fn);
    return result;
}

BUILTIN(builtin_abs) {
    PyValue v;
    bool found;
    if (!py_bind_text(py, "abs", args, "x", &v))
        return PY_FAIL;
    v = py_unwrap_constexpr(v);
    if (v.tag == PY_FLOAT_TAG)
        return py_float(fabs(v.u.f));
    if (py_is_number(v))
        return py_int_sign(v) < 0 ? py_int_negate(py, v) : py_unary(py, UNARY_POS, v);
    PyValue result = call_named(py, v, torch_is_tensor(v) ? "abs" : "__abs__", NULL, 0, &found);
    if (found || py_failed(result))
        return result;
    return py_raise(py, PYEXC_TypeError, "bad operand type for abs(): '%s'", py_type_name(v));
}

/* An int rounded to 10^-digits (digits < 0), ties to even. */
static PyValue round_int(PyCtx *py, PyValue v, int64_t digits) {
    PyValue unit = py_binary(py, BIN_POW, py_int(10), py_int(-digits));
    PyValue rest = py_failed(unit) ? PY_FAIL : py_binary(py, BIN_MOD, v, unit);
    PyValue low = py_failed(rest) ? PY_FAIL : py_binary(py, BIN_SUB, v, rest);
    PyValue twice = py_failed(low) ? PY_FAIL : py_binary(py, BIN_MUL, rest, py_int(2));
    PyValue steps = py_failed(twice) ? PY_FAIL : py_binary(py, BIN_FLOORDIV, low, unit);
    PyValue odd = py_failed(steps) ? PY_FAIL : py_binary(py, BIN_MOD, steps, py_int(2));
    PyValue result = PY_FAIL;
    if (!py_failed(odd)) {
        int order = py_num_compare(py, twice, unit);
        bool up = order > 0 || (order == 0 && py_truth(py, odd) == 1);
        result = up ? py_binary(py, BIN_ADD, low, unit) : py_incref(low);
    }
    PyValue used[] = {unit, rest, low, twice, steps, odd};
    for (size_t i = 0; i < TK_COUNTOF(used); i++)
        py_decref(py, used[i]);
    return result;
}

/* Decimal rounding of a float is exact in its decimal text: printf rounds the exact value. */
static PyValue round_float(PyCtx *py, double value, int64_t digits) {
    char text[400];
    if (!isfinite(value) || digits > 323)
        return py_float(value);
    if (digits < -308)
        return py_float(copysign(0.0, value));
    if (digits >= 0) {
        snprintf(text, sizeof text, "%.*f", (int)(digits > 60 ? 60 : digits), value);
        return py_float_parse(py, text, strlen(text));
    }
    double unit = pow(10.0, (double)-digits), scaled = value / unit;
    return py_float(rint(scaled) * unit);
}

BUILTIN(builtin_round) {
    PyValue a[2];
    int64_t digits = 0;
    bool found;
    if (!py_bind_text(py, "round", args, "number ndigits=", a))
        return PY_FAIL;
    PyValue v = py_unwrap_constexpr(a[0]);
    bool whole = py_failed(a[1]) || a[1].tag == PY_NONE_TAG;
    if (!whole && !host_arg_i64(py, a[1], "round", &digits))
        return PY_FAIL;
    if (v.tag == PY_FLOAT_TAG)
        return whole ? py_int_from_double(py, rint(v.u.f)) : round_float(py, v.u.f, digits);
    if (py_is_number(v))
        return digits >= 0 ? py_unary(py, UNARY_POS, v) : round_int(py, v, digits);
    PyValue result = call_named(py, v, torch_is_tensor(v) ? "round" : "__round__", NULL, 0, &found);
    if (found || py_failed(result))
        return result;
    return py_raise(py, PYEXC_TypeError, "type %s doesn't define __round__ method",
                    py_type_name(v));
}

BUILTIN(builtin_divmod) {
    PyValue a[2], both[2];
    if (!py_bind_text(py, "divmod", args, "x y", a))
        return PY_FAIL;
    both[0] = py_binary(py, BIN_FLOORDIV, a[0], a[1]);
    if (py_failed(both[0]))
        return PY_FAIL;
    both[1] = py_binary(py, BIN_MOD, a[0], a[1]);
    if (!py_failed(both[1]))
        return py_tuple_steal(py, both, 2);
    py_decref(py, both[0]);
    return PY_FAIL;
}

BUILTIN(builtin_pow) {
    PyValue a[3];
    if (!py_bind_text(py, "pow", args, "base exp mod=", a))
        return PY_FAIL;
    bool modular = !py_failed(a[2]) && a[2].tag != PY_NONE_TAG;
    return modular ? py_num_pow_mod(py, a[0], a[1], a[2]) : py_binary(py, BIN_POW, a[0], a[1]);
}

static PyValue in_base(PyCtx *py, const PyArgs *args, const char *name, const char *spec) {
    PyValue v;
    if (!py_bind_text(py, name, args, "number", &v))
        return PY_FAIL;
    v = py_unwrap_constexpr(v);
    if (!py_is_int(v) && v.tag != PY_BOOL_TAG)
        return py_raise(py, PYEXC_TypeError, "'%s' object cannot be interpreted as an integer",
                        py_type_name(v));
    ArenaMark mark = arena_mark(py->scratch);
    StrBuf text = STRBUF(py->scratch);
    if (py_format(py, v, spec, 2, &text))
        return py_str_finish(py, &text, mark);
    arena_reset(py->scratch, mark);
    return PY_FAIL;
}
BUILTIN(builtin_hex) {
    return in_base(py, args, "hex", "#x");
}
BUILTIN(builtin_oct) {
    return in_base(py, args, "oct", "#o");
}
BUILTIN(builtin_bin) {
    return in_base(py, args, "bin", "#b");
}

BUILTIN(builtin_chr) {
    PyValue v;
    return py_bind_text(py, "chr", args, "i", &v) ? py_char(py, v) : PY_FAIL;
}

BUILTIN(builtin_ord) {
    PyValue v;
    if (!py_bind_text(py, "ord", args, "c", &v))
        return PY_FAIL;
    size_t len, pos = 0;
    if (!py_is_str(v) || ((const PyStr *)v.u.o)->points != 1)
        return py_is_str(v)
                   ? py_raise(py, PYEXC_TypeError,
                              "ord() expected a character, but string of length %zu found",
                              ((const PyStr *)v.u.o)->points)
                   : py_raise(py, PYEXC_TypeError,
                              "ord() expected string of length 1, but %s found", py_type_name(v));
    const char *text = py_str_data(v, &len);
    return py_int(utf8_next(text, len, &pos));
}

/* ---- iterables --------------------------------------------------------------------------------
 */

BUILTIN(builtin_len) {
    PyValue v;
    if (!py_bind_text(py, "len", args, "obj", &v))
        return PY_FAIL;
    int64_t len = py_len(py, py_unwrap_constexpr(v));
    return len < 0 ? PY_FAIL : py_int(len);
}

BUILTIN(builtin_sum) {
    PyValue a[2];
    bool done;
    if (!py_bind_text(py, "sum", args, "iterable start=", a))
        return PY_FAIL;
    PyValue total = py_failed(a[1]) ? py_int(0) : py_incref(a[1]);
    if (py_is_str(total)) {
        py_decref(py, total);
        return py_raise(py, PYEXC_TypeError, "sum() can't sum strings [use ''.join(seq) instead]");
    }
    PyValue it = py_iter(py, a[0]);
    while (!py_failed(it) && !py_failed(total)) {
        PyValue item = py_next(py, it, &done);
        if (done)
            break;
        PyValue next = py_failed(item) ? PY_FAIL : py_binary(py, BIN_ADD, total, item);
        py_decref(py, item);
        py_decref(py, total);
        total = next;
    }
    if (py_failed(it)) {
        py_decref(py, total);
        return PY_FAIL;
    }
    py_decref(py, it);
    return total;
}

/* any() and all(): stops at the first item whose truth is `wanted`. */
static PyValue find_truth(PyCtx *py, const PyArgs *args, const char *name, int wanted) {
    PyValue iterable;
    bool done;
    if (!py_bind_text(py, name, args, "iterable", &iterable))
        return PY_FAIL;
    PyValue it = py_iter(py, iterable);
    int truth = py_failed(it) ? -1 : !wanted;
    while (truth == !wanted) {
        PyValue item = py_next(py, it, &done);
        if (done)
            break;
        truth = py_failed(item) ? -1 : py_truth(py, item);
        py_decref(py, item);
    }
    py_decref(py, it);
    return truth < 0 ? PY_FAIL : py_bool(truth == 1);
}
BUILTIN(builtin_any) {
    return find_truth(py, args, "any", 1);
}
BUILTIN(builtin_all) {
    return find_truth(py, args, "all", 0);
}

BUILTIN(builtin_sorted) {
    PyValue a[3];
    if (!py_bind_text(py, "sorted", args, "iterable * key= reverse=", a))
        return PY_FAIL;
    int reverse = py_failed(a[2]) ? 0 : py_truth(py, a[2]);
    PyValue list = reverse < 0 ? PY_FAIL : py_list_of(py, a[0]);
    if (py_failed(list) ||
        py_list_sort(py, (PyList *)list.u.o, py_failed(a[1]) ? PY_NONE : a[1], reverse == 1))
        return list;
    py_decref(py, list);
    return PY_FAIL;
}

/* The best of `items` by `op` (CMP_LT: the least); first among equals. */
static PyValue best_of(PyCtx *py, PyValue items, CmpOpKind op, PyValue key) {
    PyValue best = PY_NONE, best_key = PY_NONE;
    for (size_t i = 0; i < py_seq_len(items); i++) {
        PyValue item = py_seq_item(items, i);
        PyValue rank = key.tag == PY_NONE_TAG ? py_incref(item) : py_call_values(py, key, &item, 1);
        PyValue result = py_failed(rank) ? PY_FAIL
                         : i == 0        ? py_bool(true)
                                         : py_compare(py, op, rank, best_key);
        int better = py_failed(result) ? -1 : py_truth(py, result);
        py_decref(py, result);
        if (better < 0) {
            py_decref(py, rank);
            py_decref(py, best_key);
            return PY_FAIL;
        }
        if (better == 1) {
            py_decref(py, best_key);
            best_key = rank;
            best = item;
        } else {
            py_decref(py, rank);
        }
    }
    py_decref(py, best_key);
    return py_incref(best);
}

static PyValue extreme(PyCtx *py, const PyArgs *args, const char *name, CmpOpKind op) {
    PyValue a[2];
    PyArgs options = *args;
    options.num_pos = 0;
    if (!py_bind_text(py, name, &options, "* key= default=", a))
        return PY_FAIL;
    if (args->num_pos == 0)
        return py_raise(py, PYEXC_TypeError, "%s expected at least 1 argument, got 0", name);
    PyValue items =
        args->num_pos == 1 ? py_list_of(py, args->pos[0]) : py_list(py, args->pos, args->num_pos);
    if (py_failed(items))
        return PY_FAIL;
    PyValue result;
    if (py_seq_len(items) > 0)
        result = best_of(py, items, op, py_failed(a[0]) ? PY_NONE : a[0]);
    else if (!py_failed(a[1]))
        result = py_incref(a[1]);
    else
        result = py_raise(py, PYEXC_ValueError, "%s() arg is an empty sequence", name);
    py_decref(py, items);
    return result;
}
BUILTIN(builtin_min) {
    return extreme(py, args, "min", CMP_LT);
}
BUILTIN(builtin_max) {
    return extreme(py, args, "max", CMP_GT);
}

/* ---- objects ----------------------------------------------------------------------------------
 */

BUILTIN(builtin_isinstance) {
    PyValue a[2];
    if (!py_bind_text(py, "isinstance", args, "obj cls", a))
        return PY_FAIL;
    int is = host_isinstance(py, a[0], a[1], false);
    return is < 0 ? PY_FAIL : py_bool(is == 1);
}

BUILTIN(builtin_issubclass) {
    PyValue a[2];
    if (!py_bind_text(py, "issubclass", args, "cls of", a))
        return PY_FAIL;
    int is = host_isinstance(py, a[0], a[1], true);
    return is < 0 ? PY_FAIL : py_bool(is == 1);
}

static Sym name_arg(PyCtx *py, PyValue v, const char *function) {
    const char *text = host_arg_text(py, v, function);
    return text == NULL ? NULL : strtab_sym(py->names, text);
}

BUILTIN(builtin_getattr) {
    PyValue a[3];
    bool found;
    if (!py_bind_text(py, "getattr", args, "obj name default=", a))
        return PY_FAIL;
    Sym name = name_arg(py, a[1], "getattr");
    if (name == NULL)
        return PY_FAIL;
    if (py_failed(a[2]))
        return py_getattr(py, a[0], name);
    PyValue value = py_getattr_opt(py, a[0], name, &found);
    return found || py_failed(value) ? value : py_incref(a[2]);
}

BUILTIN(builtin_hasattr) {
    PyValue a[2];
    bool found;
    if (!py_bind_text(py, "hasattr", args, "obj name", a))
        return PY_FAIL;
    Sym name = name_arg(py, a[1], "hasattr");
    if (name == NULL)
        return PY_FAIL;
    PyValue value = py_getattr_opt(py, a[0], name, &found);
    py_decref(py, value);
    return py_failed(value) ? PY_FAIL : py_bool(found);
}

BUILTIN(builtin_setattr) {
    PyValue a[3];
    if (!py_bind_text(py, "setattr", args, "obj name value", a))
        return PY_FAIL;
    Sym name = name_arg(py, a[1], "setattr");
    return name != NULL && py_setattr(py, a[0], name, a[2]) ? PY_NONE : PY_FAIL;
}

BUILTIN(builtin_callable) {
    PyValue v, method;
    if (!py_bind_text(py, "callable", args, "obj", &v))
        return PY_FAIL;
    const HostInstance *instance = py_as(v, &host_instance_type);
    if (instance != NULL)
        return py_bool(py_class_get(instance->cls, py->host->syms.__call__, &method));
    return py_bool(v.tag == PY_OBJECT_TAG && v.u.o->type->call != NULL);
}

BUILTIN(builtin_id) {
    PyValue v;
    if (!py_bind_text(py, "id", args, "obj", &v))
        return PY_FAIL;
    return v.tag == PY_OBJECT_TAG ? py_uint(py, (uint64_t)(uintptr_t)v.u.o) : py_int(v.u.i);
}

BUILTIN(builtin_hash) {
    PyValue v;
    uint64_t hash;
    if (!py_bind_text(py, "hash", args, "obj", &v) || !py_hash(py, v, &hash))
        return PY_FAIL;
    return py_int((int64_t)hash);
}

static PyValue refused(PyCtx *py, void *data, const PyArgs *args) {
    return host_refuse(py, args->range, arena_printf(py->arena, "`%s()`", (const char *)data),
                       NULL);
}

BUILTIN(builtin_globals) {
    if (!py_bind_text(py, "globals", args, "", NULL))
        return PY_FAIL;
    PyValue dict = py_dict(py);
    const PyEnv *env = py->host->frame->globals;
    for (uint32_t i = 0; i < env->len; i++) {
        if (env->entries[i].name == NULL)
            continue;
        PyValue key = py_str(py, env->entries[i].name);
        py_dict_set(py, dict, key, env->entries[i].value);
        py_decref(py, key);
    }
    return dict;
}

/* ---- installing -------------------------------------------------------------------------------
 */

void builtins_add(PyCtx *py, PyEnv *env, const BuiltinRow *rows) {
    for (; rows->name != NULL; rows++) {
        PyValue fn = py_builtin(py, rows->name, rows->fn, NULL);
        py_env_set(py, env, strtab_sym(py->names, rows->name), fn);
        py_decref(py, fn);
    }
}

void module_add_functions(PyCtx *py, PyValue module, const BuiltinRow *rows) {
    builtins_add(py, py_module_env(module), rows);
}

void builtins_install(PyCtx *py) {
    static const BuiltinRow rows[] = {
        {"abs", builtin_abs},
        {"all", builtin_all},
        {"any", builtin_any},
        {"bin", builtin_bin},
        {"callable", builtin_callable},
        {"chr", builtin_chr},
        {"divmod", builtin_divmod},
        {"format", builtin_format},
        {"getattr", builtin_getattr},
        {"globals", builtin_globals},
        {"hasattr", builtin_hasattr},
        {"hash", builtin_hash},
        {"hex", builtin_hex},
        {"id", builtin_id},
        {"isinstance", builtin_isinstance},
        {"issubclass", builtin_issubclass},
        {"len", builtin_len},
        {"max", builtin_max},
        {"min", builtin_min},
        {"oct", builtin_oct},
        {"ord", builtin_ord},
        {"pow", builtin_pow},
        {"print", builtin_print},
        {"repr", builtin_repr},
        {"round", builtin_round},
        {"setattr", builtin_setattr},
        {"sorted", builtin_sorted},
        {"sum", builtin_sum},
        {NULL, NULL},
    };
    /* Python has them; saying so is better than "name 'open' is not defined". */
    static const char refused_names[][12] = {
        "open",  "input",     "eval",    "exec",       "compile", "vars",       "dir",  "locals",
        "bytes", "bytearray", "complex", "memoryview", "delattr", "breakpoint", "ascii"};
    PyEnv *env = py_env_create(py, NULL);
    py->host->builtins = env;
    builtins_add(py, env, rows);
    builtins_add_classes(py, env);
    builtins_add_iterators(py, env);
    for (size_t i = 0; i < TK_COUNTOF(refused_names); i++) {
        char *name = arena_strdup(py->arena, refused_names[i]);
        PyValue fn = py_builtin(py, name, refused, name);
        py_env_set(py, env, strtab_sym(py->names, name), fn);
        py_decref(py, fn);
    }
    PyClass *none = py_class_new(py, strtab_sym(py->names, "NotImplementedType"), NULL);
    py_env_set(py, env, strtab_sym(py->names, "NotImplemented"), py_from_object(&none->base));
    py_decref(py, py_from_object(&none->base));
    py_env_set(py, env, strtab_sym(py->names, "Ellipsis"), PY_ELLIPSIS);
}
