/* builtins_python.c -- Python's own builtins in kernels: range, len, min, max, int, isinstance ...
 *
 * Of compile-time values they mean what they mean in Python; min and max of tensors are tl.minimum
 * and tl.maximum. Example: min(num_pid_m - first, GROUP_M) with a run-time first is a minsi.
 */
#include "frontend/builtins.h"
#include "frontend/value_types.h"

#include <string.h>

/* ---- ranges ---------------------------------------------------------------------------------- */

/* The scheduling hints of tl.range, arguments 3 to 8. */
static bool call_schedule(Spec *s, const Call *call, SRange *range) {
    bool ok = true;
    if (!sv_is_none(call->args[3]))
        ok = call_int(s, call, 3, &range->num_stages);
    if (ok && !sv_is_none(call->args[4]))
        ok = call_int(s, call, 4, &range->unroll);
    return ok && call_bool(s, call, 5, &range->no_multi_buffer) &&
           call_bool(s, call, 6, &range->flatten) &&
           call_bool(s, call, 7, &range->warp_specialize) && call_bool(s, call, 8, &range->no_licm);
}

SVal builtin_range(Spec *s, const Call *call) {
    SRange *range = ARENA_NEW(s->arena, SRange);
    bool one = sv_is_none(call->args[1]);
    range->from = one ? sv_int(0) : call->args[0];
    range->to = one ? call->args[0] : call->args[1];
    range->step = sv_is_none(call->args[2]) ? sv_int(1) : call->args[2];
    range->range = call->range;
    range->is_static = str_eq(call_name(call), "static_range");
    if (call->builtin->num_params > 3 && !call_schedule(s, call, range))
        return SVAL_ERROR;
    return (SVal){.kind = SV_RANGE, .u.range = range};
}

/* ---- sizes, smallest, largest ---------------------------------------------------------------- */

SVal builtin_len(Spec *s, const Call *call) {
    SVal v = call->args[0];
    if (v.kind == SV_TUPLE)
        return sv_int((int64_t)v.u.tuple.len);
    if (sv_is_tile(v))
        return sv_int(sv_shape(v)[0]);
    if (sv_is_const(v) && v.u.py.tag == PY_OBJECT_TAG) {
        int64_t len = py_len(s->py, v.u.py);
        return len < 0 ? spec_exception(s, call->range) : sv_int(len);
    }
    SPEC_ERROR(s, DIAG_BUILTIN_ARGUMENT, call->ranges[0], "x", "len", "a tuple, string or tile",
               sv_type_name(s, v));
    return SVAL_ERROR;
}

/* Of two values; constants stay constants. */
static SVal choose(Spec *s, const Call *call, bool is_min, SVal a, SVal b) {
    if (sv_is_const(a) && sv_is_const(b)) {
        SVal less = spec_compare(s, is_min ? CMP_LT : CMP_GT, b, a, call->range);
        int truth = sv_is_error(less) ? -1 : spec_truth(s, less, call->range);
        return truth < 0 ? SVAL_ERROR : truth ? b : a;
    }
    SArgs args = {.range = call->range, .num_pos = 2};
    SVal pos[] = {a, b};
    SrcRange ranges[] = {call->ranges[0], call->ranges[0]};
    args.pos = pos;
    args.pos_ranges = ranges;
    Call inner;
    const BuiltinRow *row = builtin_find(is_min ? "tl.minimum" : "tl.maximum");
    if (!spec_bind_builtin(s, row, NULL, &args, &inner))
        return SVAL_ERROR;
    return row->function(s, &inner);
}

SVal builtin_python_min_max(Spec *s, const Call *call) {
    STuple items = call->args[0].u.tuple;
    if (items.len == 1 && items.items[0].kind == SV_TUPLE)
        items = items.items[0].u.tuple;
    if (items.len == 0) {
        SPEC_ERROR(s, DIAG_BUILTIN_MISSING, call->range, call_name(call), "x");
        return SVAL_ERROR;
    }
    SVal best = items.items[0];
    for (size_t i = 1; i < items.len && !sv_is_error(best); i++)
        best = choose(s, call, str_eq(call_name(call), "min"), best, items.items[i]);
    return best;
}

/* ---- conversions of constants ---------------------------------------------------------------- */

static PyValue to_int(PyCtx *py, PyValue v) {
    size_t len;
    if (py_is_str(v)) {
        const char *text = py_str_data(v, &len);
        return py_int_parse(py, text, len, 10);
    }
    if (v.tag == PY_FLOAT_TAG)
        return py_int_from_double(py, v.u.f);
    if (v.tag == PY_BOOL_TAG)
        return py_int(v.u.i);
    return py_is_int(v)
               ? py_incref(v)
               : py_raise(py, PYEXC_TypeError, "int() wants a number, not %s", py_type_name(v));
}

static PyValue to_float(PyCtx *py, PyValue v) {
    size_t len;
    double number;
    if (py_is_str(v)) {
        const char *text = py_str_data(v, &len);
        return py_float_parse(py, text, len);
    }
    return py_to_double(v, &number)
               ? py_float(number)
               : py_raise(py, PYEXC_TypeError, "float() wants a number, not %s", py_type_name(v));
}

static PyValue to_bool(PyCtx *py, PyValue v) {
    int truth = py_truth(py, v);
    return truth < 0 ? PY_FAIL : py_bool(truth == 1);
}

static PyValue to_str(PyCtx *py, PyValue v) {
    StrBuf text = STRBUF(py->arena);
    return py_str_of(py, v, &text) ? py_strn(py, strbuf_str(&text), text.len) : PY_FAIL;
}

SVal builtin_python_number(Spec *s, const Call *call) {
    PyValue v, result;
    const char *name = call_name(call);
    TlType type;
    bool is_type = sv_is_const(call->args[0]) && tl_type_from_value(call->args[0].u.py, &type);
    if (is_type && str_eq(name, "str"))
        return sv_string(s, tl_name(s, type)); /* "int32", "fp16" */
    if (!sv_to_py(s, call->args[0], &v)) {
        Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_ARGUMENT, call->ranges[0], "x", name, "a constexpr",
                             sv_type_name(s, call->args[0]));
        if (!str_eq(name, "str"))
            diag_help(d, "convert a tensor by x.to(tl.%s)",
                      str_eq(name, "int")     ? "int32"
                      : str_eq(name, "float") ? "float32"
                                              : "int1");
        return SVAL_ERROR;
    }
    if (str_eq(name, "int"))
        result = to_int(s->py, v);
    else if (str_eq(name, "float"))
        result = to_float(s->py, v);
    else
        result = str_eq(name, "bool") ? to_bool(s->py, v) : to_str(s->py, v);
    return sv_from_py(s, result, call->range);
}

SVal builtin_tuple(Spec *s, const Call *call) {
    if (call->args[0].kind == SV_TUPLE)
        return call->args[0];
    SPEC_ERROR(s, DIAG_BUILTIN_ARGUMENT, call->ranges[0], call->builtin->params[0].name,
               call_name(call), "a tuple", sv_type_name(s, call->args[0]));
    return SVAL_ERROR;
}

SVal builtin_log2_of_constant(Spec *s, const Call *call) {
    int64_t n, log = 0;
    if (!call_int(s, call, 0, &n))
        return SVAL_ERROR;
    for (int64_t rest = n; rest > 1; rest >>= 1)
        log++;
    return sv_int(n == INT64_C(1) << log ? log : 0);
}

/* ---- classes and attributes ------------------------------------------------------------------ */

static bool is_pointer_value(SVal v) {
    TlType type;
    return sv_is_const(v) && v.u.py.tag == PY_OBJECT_TAG && tl_type_from_value(v.u.py, &type);
}

/* 1, 0, or -1: `cls` is no class that kernels know. */
static int is_instance(SVal v, SVal cls) {
    const BuiltinRow *row = sv_is_const(cls) ? builtin_from_value(cls.u.py) : NULL;
    const char *name = row ? row->name : sv_is_const(cls) ? py_callable_name(cls.u.py) : NULL;
    if (!name)
        return -1;
    if (str_eq(name, "tl.constexpr"))
        return sv_is_const(v);
    if (str_eq(name, "tl.tensor"))
        return sv_is_tensor(v);
    if (str_starts(name, "tl.tensor_descriptor"))
        return v.kind == SV_DESC;
    if (str_eq(name, "tl.tuple") || str_eq(name, "tuple") || str_eq(name, "list"))
        return v.kind == SV_TUPLE;
    if (str_eq(name, "tl.dtype"))
        return (sv_is_const(v) && v.u.py.tag == PY_DTYPE_TAG) || is_pointer_value(v);
    if (str_eq(name, "tl.pointer_type"))
        return is_pointer_value(v);
    if (str_eq(name, "int"))
        return sv_is_const(v) && (py_is_int(v.u.py) || v.u.py.tag == PY_BOOL_TAG);
    if (str_eq(name, "float"))
        return sv_is_const(v) && v.u.py.tag == PY_FLOAT_TAG;
    if (str_eq(name, "bool"))
        return sv_is_const(v) && v.u.py.tag == PY_BOOL_TAG;
    if (str_eq(name, "str"))
        return sv_is_const(v) && py_is_str(v.u.py);
    return -1;
}

SVal builtin_isinstance(Spec *s, const Call *call) {
    SVal classes = call->args[1];
    const SVal *items = classes.kind == SV_TUPLE ? classes.u.tuple.items : &classes;
    size_t count = classes.kind == SV_TUPLE ? classes.u.tuple.len : 1;
    for (size_t i = 0; i < count; i++) {
        int yes = is_instance(call->args[0], items[i]);
        if (yes < 0) {
            SPEC_ERROR(s, DIAG_BUILTIN_ARGUMENT, call->ranges[1], "cls", "isinstance",
                       "a class of triton.language or of Python", sv_type_name(s, items[i]));
            return SVAL_ERROR;
        }
        if (yes)
            return sv_bool(true);
    }
    return sv_bool(false);
}

/* The attribute `name` of args[0]; its messages are thrown away. */
static bool attribute(Spec *s, const Call *call, SVal *out) {
    const char *name;
    *out = SVAL_ERROR;
    if (!call_string(s, call, 1, &name) || !name)
        return false;
    size_t before = diags_len(s->py->diags);
    s->dry++;
    *out = spec_attribute(s, call->args[0], spec_sym(s, name), call->ranges[0], call->ranges[1]);
    s->dry--;
    diags_truncate(s->py->diags, before);
    return true;
}

SVal builtin_getattr(Spec *s, const Call *call) {
    SVal v;
    const char *name;
    if (!attribute(s, call, &v))
        return SVAL_ERROR;
    if (!sv_is_error(v))
        return v;
    if (call->given[2])
        return call->args[2];
    call_string(s, call, 1, &name);
    return spec_attribute(s, call->args[0], spec_sym(s, name), call->ranges[0], call->ranges[1]);
}

SVal builtin_hasattr(Spec *s, const Call *call) {
    SVal v;
    if (!attribute(s, call, &v))
        return SVAL_ERROR;
    return sv_bool(!sv_is_error(v));
}
