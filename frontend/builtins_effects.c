/* builtins_effects.c -- hints, assertions, prints, inline assembly, and questions about the
 * machine.
 *
 * Hints are noted on the IR value itself: tl.multiple_of(p, 16) as a statement of its own is what
 * programs write. static_assert and static_print work while compiling; device_assert exists only in
 * kernels compiled with debug=True.
 */
#include "frontend/builtins.h"

#include <string.h>

/* ---- hints ----------------------------------------------------------------------------------- */

SVal builtin_hint(Spec *s, const Call *call) {
    SVal v = call->args[0];
    int64_t values[IR_MAX_RANK];
    unsigned count;
    if (!call_ints(s, call, 1, values, &count))
        return SVAL_ERROR;
    if (sv_is_number(v))
        return v;
    if (!call_tensor(s, call, 0, &v))
        return SVAL_ERROR;
    unsigned rank = sv_rank(v) > 0 ? sv_rank(v) : 1;
    if (count != rank) {
        Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_HINT_COUNT, call->ranges[1], call_name(call));
        diag_note(d, call->ranges[0], "this is %s, which takes %u", sv_type_name(s, v), rank);
        return SVAL_ERROR;
    }
    IrHints *hints = ir_value_hints(s->module, v.u.ir);
    int64_t *facts = hints->constancy;
    if (str_eq(call_name(call), "multiple_of"))
        facts = hints->divisibility;
    else if (str_eq(call_name(call), "max_contiguous"))
        facts = hints->contiguity;
    memcpy(facts, values, count * sizeof *values);
    return v;
}

/* Hints that nothing makes use of. */
SVal builtin_same(Spec *s, const Call *call) {
    (void)s;
    return call->args[0];
}

SVal builtin_assume(Spec *s, const Call *call) {
    SVal v = call->args[0];
    if (sv_is_const(v) && spec_truth(s, v, call->ranges[0]) != 0)
        return sv_none();
    v = spec_to_tensor(s, v, call->ranges[0]);
    IrValue *cond = sv_is_error(v) ? NULL : spec_condition(s, v, "tl.assume", call->ranges[0]);
    if (!cond)
        return SVAL_ERROR;
    ir_build(&s->b, OP_Assume, &cond, 1, NULL, 0);
    return sv_none();
}

SVal builtin_debug_barrier(Spec *s, const Call *call) {
    (void)call;
    ir_build(&s->b, OP_Barrier, NULL, 0, NULL, 0);
    return sv_none();
}

/* ---- assertions ------------------------------------------------------------------------------ */

/* A message given as a string or any compile-time value. */
static bool call_message(Spec *s, const Call *call, unsigned i, const char **out) {
    PyValue value;
    StrBuf text = STRBUF(s->arena);
    if (!sv_to_py(s, call->args[i], &value))
        return call_string(s, call, i, out);
    if (!py_str_of(s->py, value, &text)) {
        spec_exception(s, call->ranges[i]);
        return false;
    }
    *out = strbuf_str(&text);
    return true;
}

SVal builtin_static_assert(Spec *s, const Call *call) {
    SVal cond = call->args[0];
    const char *message;
    if (cond.kind != SV_CONST && cond.kind != SV_TUPLE) {
        Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_STATIC_CONDITION, call->ranges[0]);
        diag_label(d, "this is %s", sv_type_name(s, cond));
        diag_help(d, "use tl.device_assert for what is known at run time only");
        return SVAL_ERROR;
    }
    int truth = spec_truth(s, cond, call->ranges[0]);
    if (truth < 0 || !call_message(s, call, 1, &message))
        return SVAL_ERROR;
    if (truth)
        return sv_none();
    if (s->frame->fn->is_stdlib) /* the library's way to refuse an argument */
        SPEC_ERROR(s, DIAG_BUILTIN_LIBRARY, call->range, message);
    else
        SPEC_ERROR(s, DIAG_BUILTIN_STATIC_ASSERT, call->range, *message ? ": " : "", message);
    return SVAL_ERROR;
}

/* A condition or mask as int1: other integers are compared with 0. */
static bool call_boolean(Spec *s, const Call *call, unsigned i, SVal *out) {
    if (!call_tensor(s, call, i, out))
        return false;
    *out = spec_cast(s, *out, tl_type(DT_BOOL), call->ranges[i]);
    return !sv_is_error(*out);
}

SVal builtin_device_assert(Spec *s, const Call *call) {
    SVal cond, mask = call->args[2];
    const char *message;
    if (!call_boolean(s, call, 0, &cond) || !call_message(s, call, 1, &message))
        return SVAL_ERROR;
    if (!s->options->debug)
        return sv_none();
    IrValue *operands[] = {cond.u.ir, NULL};
    if (!sv_is_none(mask)) {
        if (!call_boolean(s, call, 2, &mask) ||
            !spec_broadcast_pair(s, &cond, &mask, range_join(call->ranges[0], call->ranges[2])))
            return SVAL_ERROR;
        operands[0] = cond.u.ir;
        operands[1] = mask.u.ir;
    }
    IrOp *op = ir_build(&s->b, OP_Assert, operands, operands[1] ? 2 : 1, NULL, 0);
    ir_set_str(s->module, op, ATTR_MESSAGE, message);
    return sv_none();
}

/* ---- prints ---------------------------------------------------------------------------------- */

/* What static_print shows of a value: constants as print() does, tensors by their type. */
static bool put_static(Spec *s, SVal v, StrBuf *out) {
    PyValue value;
    if (!sv_to_py(s, v, &value)) {
        strbuf_puts(out, sv_type_name(s, v));
        return true;
    }
    return py_str_of(s->py, value, out);
}

SVal builtin_static_print(Spec *s, const Call *call) {
    STuple values = call->args[0].u.tuple;
    const char *sep, *end = "\n";
    if (!call_string(s, call, 1, &sep) || (call->given[2] && !call_string(s, call, 2, &end)))
        return SVAL_ERROR;
    StrBuf text = STRBUF(s->arena);
    for (size_t i = 0; i < values.len; i++) {
        strbuf_puts(&text, i > 0 && sep ? sep : "");
        if (!put_static(s, values.items[i], &text))
            return spec_exception(s, call->range);
    }
    strbuf_puts(&text, end ? end : "");
    if (s->dry == 0 && s->options->print_out)
        fputs(strbuf_str(&text), s->options->print_out);
    return sv_none();
}

/* `print` operation of the values, with `prefix` in front of each line. */
static SVal print_values(Spec *s, const Call *call, const char *prefix, const SVal *values,
                         size_t count, bool hex) {
    IrValue **operands = ARENA_ARRAY(s->arena, IrValue *, count);
    int64_t *is_signed = ARENA_ARRAY(s->arena, int64_t, count);
    for (size_t i = 0; i < count; i++) {
        SVal v = spec_to_tensor(s, values[i], call->range);
        if (sv_is_error(v))
            return v;
        operands[i] = v.u.ir;
        is_signed[i] = tl_is_signed(v.type);
    }
    IrOp *op = ir_build(&s->b, OP_Print, operands, (unsigned)count, NULL, 0);
    ir_set_str(s->module, op, ATTR_MESSAGE, prefix);
    ir_set_int(op, ATTR_HEX, hex);
    ir_set_ints(s->module, op, ATTR_SIGNED, is_signed, count);
    return sv_none();
}

SVal builtin_device_print(Spec *s, const Call *call) {
    const char *prefix;
    bool hex;
    if (!call_string(s, call, 0, &prefix) || !call_bool(s, call, 2, &hex))
        return SVAL_ERROR;
    STuple values = call->args[1].u.tuple;
    return print_values(s, call, prefix ? prefix : "", values.items, values.len, hex);
}

SVal builtin_print(Spec *s, const Call *call) {
    STuple values = call->args[0].u.tuple;
    bool hex;
    if (!call_bool(s, call, 1, &hex))
        return SVAL_ERROR;
    const char *prefix = "";
    bool has_prefix =
        values.len > 0 && sv_is_const(values.items[0]) && py_is_str(values.items[0].u.py);
    size_t first = has_prefix ? 1 : 0;
    if (has_prefix)
        prefix = py_str_data(values.items[0].u.py, NULL);
    return print_values(s, call, prefix, values.items + first, values.len - first, hex);
}

/* ---- inline assembly ------------------------------------------------------------------------- */

static IrOp *assembly(Spec *s, const char *text, const char *constraints, bool is_pure,
                      int64_t pack, IrValue *const *operands, unsigned count,
                      const IrType *const *types, unsigned num_types) {
    IrOp *op = ir_build(&s->b, OP_InlineAsm, operands, count, types, num_types);
    ir_set_str(s->module, op, ATTR_ASM, text);
    ir_set_str(s->module, op, ATTR_CONSTRAINTS, constraints);
    ir_set_int(op, ATTR_IS_PURE, is_pure);
    ir_set_int(op, ATTR_PACK, pack);
    return op;
}

/* The dtype argument: one type or a tuple of them. */
static bool call_types(Spec *s, const Call *call, unsigned i, TlType **types, size_t *count) {
    SVal v = call->args[i];
    *count = v.kind == SV_TUPLE ? v.u.tuple.len : 1;
    *types = ARENA_ARRAY(s->arena, TlType, *count);
    for (size_t k = 0; k < *count; k++) {
        Call one = *call;
        one.args[i] = v.kind == SV_TUPLE ? v.u.tuple.items[k] : v;
        if (!call_type(s, &one, i, &(*types)[k]))
            return false;
    }
    return true;
}

SVal builtin_inline_asm(Spec *s, const Call *call) {
    const char *text, *constraints;
    SVal list = call->args[2];
    TlType *types;
    size_t num_types, count = list.kind == SV_TUPLE ? list.u.tuple.len : 1;
    bool is_pure;
    int64_t pack;
    if (!call_string(s, call, 0, &text) || !call_string(s, call, 1, &constraints) ||
        !call_types(s, call, 3, &types, &num_types) || !call_bool(s, call, 4, &is_pure) ||
        !call_int(s, call, 5, &pack))
        return SVAL_ERROR;
    SVal *args = ARENA_ARRAY(s->arena, SVal, count);
    IrValue **operands = ARENA_ARRAY(s->arena, IrValue *, count);
    for (size_t i = 0; i < count; i++) {
        SVal item = list.kind == SV_TUPLE ? list.u.tuple.items[i] : list;
        args[i] = spec_to_tensor(s, item, call->ranges[2]);
        if (sv_is_error(args[i]))
            return SVAL_ERROR;
    }
    if (!broadcast_all(s, args, count, call->ranges[2]))
        return SVAL_ERROR;
    for (size_t i = 0; i < count; i++)
        operands[i] = args[i].u.ir;
    const IrType **results = ARENA_ARRAY(s->arena, const IrType *, num_types);
    for (size_t i = 0; i < num_types; i++)
        results[i] = count > 0 ? sv_ir_type(s, args[0], types[i]) : tl_to_ir(s, types[i]);
    IrOp *op = assembly(s, text ? text : "", constraints ? constraints : "", is_pure, pack,
                        operands, (unsigned)count, results, (unsigned)num_types);
    SVal *values = ARENA_ARRAY(s->arena, SVal, num_types);
    for (size_t i = 0; i < num_types; i++)
        values[i] = sv_tensor(ir_result(op, (unsigned)i), types[i]);
    return call->args[3].kind == SV_TUPLE ? sv_tuple(s, values, num_types) : values[0];
}

/* ---- the machine ----------------------------------------------------------------------------- */

SVal builtin_target(Spec *s, const Call *call) {
    (void)s;
    if (str_eq(call_name(call), "current_target"))
        return sv_none();
    return sv_bool(str_eq(call_name(call), "is_cuda"));
}

SVal builtin_capability_geq(Spec *s, const Call *call) {
    int64_t major, minor;
    if (!call_int(s, call, 0, &major) || !call_int(s, call, 1, &minor))
        return SVAL_ERROR;
    int64_t own_major = s->options->capability / 10, own_minor = s->options->capability % 10;
    return sv_bool(own_major > major || (own_major == major && own_minor >= minor));
}

SVal builtin_num_threads(Spec *s, const Call *call) {
    int warps = s->options->num_warps;
    return sv_int(str_eq(call_name(call), "num_warps") ? warps : 32 * warps);
}

/* A special register, read by an instruction of the GPU. */
SVal builtin_special_register(Spec *s, const Call *call) {
    bool is_timer = str_eq(call_name(call), "globaltimer");
    TlType type = tl_type(is_timer ? DT_I64 : DT_I32);
    const IrType *ir = tl_to_ir(s, type);
    IrOp *op = assembly(s, is_timer ? "mov.u64 $0, %globaltimer;" : "mov.u32 $0, %smid;",
                        is_timer ? "=l" : "=r", false, 1, NULL, 0, &ir, 1);
    return sv_tensor(ir_result(op, 0), type);
}

SVal builtin_grid_dependency(Spec *s, const Call *call) {
    bool is_wait = str_eq(call_name(call), "gdc_wait");
    assembly(s, is_wait ? "griddepcontrol.wait;" : "griddepcontrol.launch_dependents;", "", false,
             1, NULL, 0, NULL, 0);
    return sv_none();
}
