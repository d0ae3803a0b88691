/* builtins_libdevice.c -- functions of libdevice, by table.
 *
 * The row of a function holds its overloads as letters (ir/libdevice.def). The overload whose types
 * are those of the arguments is taken; if there is none the arguments are promoted to a common type
 * first, as operators do. Example: libdevice.pow(x_f32, 2) is the overload fp32, int32;
 * libdevice.pow(x_f64, 2.0) promotes to fp64, fp64.
 */
#include "frontend/builtins.h"

#include <string.h>

#define MAX_ARGS 4

/* One overload: types of the arguments and of the result. */
typedef struct Overload {
    DType args[MAX_ARGS], result;
    size_t num_args;
    char letters[MAX_ARGS + 1];
} Overload;

static DType letter_dtype(char letter) {
    switch (letter) {
    case 'f':
        return DT_F32;
    case 'd':
        return DT_F64;
    case 'i':
        return DT_I32;
    case 'u':
        return DT_U32;
    case 'l':
        return DT_I64;
    default:
        return DT_U64;
    }
}

/* Reads the overload at *text ("ff:f dd:d") and moves on; false at the end. */
static bool next_overload(const char **text, Overload *out) {
    const char *t = *text + strspn(*text, " ");
    if (!*t)
        return false;
    *out = (Overload){0};
    for (; *t != ':'; t++) {
        out->letters[out->num_args] = *t;
        out->args[out->num_args++] = letter_dtype(*t);
    }
    out->result = letter_dtype(t[1]);
    *text = t + 2;
    return true;
}

static bool find_overload(const char *text, const SVal *args, size_t count, Overload *out) {
    while (next_overload(&text, out)) {
        bool same = out->num_args == count;
        for (size_t i = 0; same && i < count; i++)
            same = tl_is(args[i].type, out->args[i]);
        if (same)
            return true;
    }
    return false;
}

/* Is there another overload with the same widths, so that only signedness tells them apart? */
static bool is_ambiguous(const char *text, const Overload *chosen) {
    Overload other;
    while (next_overload(&text, &other)) {
        if (other.num_args != chosen->num_args || str_eq(other.letters, chosen->letters))
            continue;
        bool same = true;
        for (size_t i = 0; i < other.num_args; i++)
            same &= dtype_is_float(other.args[i]) == dtype_is_float(chosen->args[i]) &&
                    dtype_size(other.args[i]) == dtype_size(chosen->args[i]);
        if (same)
            return true;
    }
    return false;
}

/* These give 0 or 1 as an int32 in libdevice, and a boolean in Triton. */
static bool is_question(const char *name) {
    static const char *const names[] = {"isnan", "isinf", "finitef", "isfinited", "signbit"};
    for (size_t i = 0; i < TK_COUNTOF(names); i++)
        if (str_eq(name, names[i]))
            return true;
    return false;
}

static SVal no_overload(Spec *s, const Call *call, const SVal *args, size_t count) {
    StrBuf got = STRBUF(s->arena), wanted = STRBUF(s->arena);
    for (size_t i = 0; i < count; i++)
        strbuf_printf(&got, "%s%s", i > 0 ? ", " : "", tl_name(s, args[i].type));
    const char *text = call->builtin->row->doc;
    Overload overload;
    while (next_overload(&text, &overload)) {
        strbuf_puts(&wanted, wanted.len > 0 ? ", (" : "(");
        for (size_t i = 0; i < overload.num_args; i++)
            strbuf_printf(&wanted, "%s%s", i > 0 ? ", " : "",
                          tl_name(s, tl_type(overload.args[i])));
        strbuf_putc(&wanted, ')');
    }
    Diag *d =
        SPEC_ERROR(s, DIAG_BUILTIN_LIBDEVICE, call->range, strbuf_str(&wanted), strbuf_str(&got));
    if (count > 0 && tl_is_float(args[0].type) && tl_bits(args[0].type) < 32)
        diag_help(d, "convert it first: x.to(tl.float32)");
    return SVAL_ERROR;
}

/* Brings all arguments to one element type. */
static bool promote_all(Spec *s, SVal *args, size_t count, SrcRange range) {
    for (int round = 0; round < 2; round++)
        for (size_t i = 1; i < count; i++)
            if (!spec_unify(s, &args[0], &args[i], RULE_ARITHMETIC, range))
                return false;
    return true;
}

SVal builtin_libdevice(Spec *s, const Call *call) {
    const BuiltinRow *row = call->builtin->row;
    STuple given = call->args[0].u.tuple;
    SVal args[MAX_ARGS];
    Overload overload;
    const char *text = row->doc;
    next_overload(&text, &overload);
    if (given.len != overload.num_args) {
        SPEC_ERROR(s, DIAG_BUILTIN_TOO_MANY, call->range, call_name(call),
                   (unsigned)overload.num_args, given.len);
        return SVAL_ERROR;
    }
    size_t count = given.len;
    for (size_t i = 0; i < count; i++) {
        args[i] = spec_to_tensor(s, given.items[i], call->ranges[0]);
        if (sv_is_error(args[i]))
            return SVAL_ERROR;
    }
    if (!broadcast_all(s, args, count, call->range))
        return SVAL_ERROR;
    if (!find_overload(row->doc, args, count, &overload)) {
        SVal before[MAX_ARGS];
        memcpy(before, args, sizeof before);
        if (!promote_all(s, args, count, call->range))
            return SVAL_ERROR;
        if (!find_overload(row->doc, args, count, &overload))
            return no_overload(s, call, before, count);
    }
    IrValue *operands[MAX_ARGS];
    for (size_t i = 0; i < count; i++)
        operands[i] = args[i].u.ir;
    TlType type = tl_type(overload.result);
    IrValue *value =
        build_value(s, OP_LibCall, operands, (unsigned)count, sv_ir_type(s, args[0], type));
    StrBuf name = STRBUF(s->arena);
    strbuf_puts(&name, call_name(call));
    if (is_ambiguous(row->doc, &overload))
        strbuf_printf(&name, ":%s", overload.letters);
    ir_set_str(s->module, value->def, ATTR_NAME, strbuf_str(&name));
    SVal result = sv_tensor(value, type);
    return is_question(call_name(call)) ? spec_cast(s, result, tl_type(DT_BOOL), call->range)
                                        : result;
}
