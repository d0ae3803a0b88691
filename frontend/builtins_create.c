/* builtins_create.c -- making values: positions in the grid, ranges, constants, conversions; and
 * the types as values.
 *
 * Example: tl.full((64,), 0, tl.float32) is a `const` filling a tile, tl.arange(0, 64) an `arange`.
 */
#include "frontend/builtins.h"

#include <string.h>

/* ---- the grid -------------------------------------------------------------------------------- */

SVal builtin_program_id(Spec *s, const Call *call) {
    int64_t axis;
    if (!call_int(s, call, 0, &axis))
        return SVAL_ERROR;
    if (axis < 0 || axis > 2) {
        SPEC_ERROR(s, DIAG_BUILTIN_GRID_AXIS, call->ranges[0], call_name(call), (long long)axis);
        return SVAL_ERROR;
    }
    IrOpcode code = str_eq(call_name(call), "program_id") ? OP_ProgramId : OP_NumPrograms;
    IrValue *value = build_value(s, code, NULL, 0, tl_to_ir(s, tl_type(DT_I32)));
    ir_set_int(value->def, ATTR_AXIS, axis);
    return sv_tensor(value, tl_type(DT_I32));
}

/* ---- ranges and constants -------------------------------------------------------------------- */

SVal builtin_arange(Spec *s, const Call *call) {
    int64_t start, end;
    if (!const_int_item(s, call->args[0], "arange's `start`", call->ranges[0], &start) ||
        !const_int_item(s, call->args[1], "arange's `end`", call->ranges[1], &end))
        return SVAL_ERROR;
    SrcRange both = range_join(call->ranges[0], call->ranges[1]);
    if (start < INT32_MIN || start > INT32_MAX || end < INT32_MIN || end > INT32_MAX) {
        SPEC_ERROR(s, DIAG_BUILTIN_ARANGE_INT32, both);
        return SVAL_ERROR;
    }
    if (end <= start) {
        SPEC_ERROR(s, DIAG_BUILTIN_ARANGE_EMPTY, both);
        return SVAL_ERROR;
    }
    int64_t size = end - start;
    if (!spec_check_shape(s, &size, 1, both))
        return SVAL_ERROR;
    TlType i32 = tl_type(DT_I32);
    IrValue *value = build_value(s, OP_Arange, NULL, 0, tile_type(s, i32, &size, 1));
    ir_set_int(value->def, ATTR_START, start);
    ir_set_int(value->def, ATTR_END, end);
    return sv_tensor(value, i32);
}

/* A tile of `shape` (argument 0) filled with a scalar. */
static SVal filled(Spec *s, const Call *call, SVal value) {
    int64_t shape[IR_MAX_RANK];
    unsigned rank;
    if (sv_is_error(value) || !call_shape(s, call, 0, shape, &rank))
        return SVAL_ERROR;
    return rank == 0 ? value : spec_fill(s, value, shape, rank);
}

SVal builtin_full(Spec *s, const Call *call) {
    TlType type;
    SVal value = call->args[1];
    if (sv_is_none(call->args[2]) && !sv_is_tensor(value)) {
        SPEC_ERROR(s, DIAG_BUILTIN_FULL_DTYPE, call->range);
        return SVAL_ERROR;
    }
    type = value.type;
    if (!sv_is_none(call->args[2]) && !call_type(s, call, 2, &type))
        return SVAL_ERROR;
    if (sv_is_number(value))
        return filled(s, call, spec_number(s, value, type, call->ranges[1]));
    if (!call_tensor(s, call, 1, &value))
        return SVAL_ERROR;
    if (!sv_is_tile(value))
        return filled(s, call, spec_cast(s, value, type, call->ranges[1]));
    SPEC_ERROR(s, DIAG_BUILTIN_ARGUMENT, call->ranges[1], "value", "full", "a scalar",
               sv_type_name(s, value));
    return SVAL_ERROR;
}

SVal builtin_zeros(Spec *s, const Call *call) {
    TlType type;
    if (!call_type(s, call, 1, &type))
        return SVAL_ERROR;
    return filled(s, call, spec_number(s, sv_int(0), type, call->range));
}

/* ---- conversions ----------------------------------------------------------------------------- */

SVal builtin_cast(Spec *s, const Call *call) {
    SVal v;
    TlType to;
    const char *rounding;
    bool bitcast;
    if (!call_tensor(s, call, 0, &v) || !call_type(s, call, 1, &to) ||
        !call_string(s, call, 2, &rounding) || !call_bool(s, call, 3, &bitcast))
        return SVAL_ERROR;
    SrcRange range = call->range;
    if (bitcast)
        return spec_bitcast(s, v, to, range);
    return rounding ? spec_cast_rounding(s, v, to, rounding, call->ranges[2])
                    : spec_cast(s, v, to, range);
}

SVal builtin_to_tensor(Spec *s, const Call *call) {
    return spec_to_tensor(s, call->args[0], call->ranges[0]);
}

SVal builtin_item(Spec *s, const Call *call) {
    SVal v;
    if (!call_tensor(s, call, 0, &v))
        return SVAL_ERROR;
    if (!sv_is_tile(v))
        return v;
    if (ir_numel(v.u.ir->type) != 1) {
        SPEC_ERROR(s, DIAG_BUILTIN_ITEM, call->range, sv_type_name(s, v));
        return SVAL_ERROR;
    }
    return sv_tensor(build_value(s, OP_Unsplat, &v.u.ir, 1, tl_to_ir(s, v.type)), v.type);
}

/* ---- constants and types as values ----------------------------------------------------------- */

SVal builtin_constexpr(Spec *s, const Call *call) {
    SVal v = call->args[0];
    if (v.kind == SV_CONST || v.kind == SV_TUPLE)
        return v;
    SPEC_ERROR(s, DIAG_BUILTIN_NOT_CONSTEXPR, call->ranges[0], "the value of tl.constexpr",
               sv_type_name(s, v));
    return SVAL_ERROR;
}

/* Classes are for isinstance and annotations. */
SVal builtin_class(Spec *s, const Call *call) {
    SPEC_ERROR(s, DIAG_BUILTIN_REFUSED, call->range, call->builtin->row->name);
    return SVAL_ERROR;
}

SVal builtin_dtype(Spec *s, const Call *call) {
    TlType type;
    if (!call_type(s, call, 0, &type))
        return SVAL_ERROR;
    return sv_from_py(s, tl_type_value(s->py, type), call->range);
}

SVal builtin_pointer_type(Spec *s, const Call *call) {
    TlType elem;
    bool is_const;
    if (!call_type(s, call, 0, &elem) || !call_bool(s, call, 2, &is_const))
        return SVAL_ERROR;
    return sv_from_py(s, tl_type_value(s->py, tl_pointer(s, elem, is_const)), call->range);
}

SVal builtin_block_type(Spec *s, const Call *call) {
    TlType elem;
    int64_t shape[IR_MAX_RANK];
    unsigned rank;
    if (!call_type(s, call, 0, &elem) || !call_shape(s, call, 1, shape, &rank))
        return SVAL_ERROR;
    return sv_from_py(s, tl_block_type_value(s->py, elem, shape, rank), call->range);
}

SVal builtin_get_int_dtype(Spec *s, const Call *call) {
    static const DType dtypes[2][5] = {{DT_BOOL, DT_U8, DT_U16, DT_U32, DT_U64},
                                       {DT_BOOL, DT_I8, DT_I16, DT_I32, DT_I64}};
    static const int64_t widths[] = {1, 8, 16, 32, 64};
    int64_t width;
    bool is_signed;
    if (!call_int(s, call, 0, &width) || !call_bool(s, call, 1, &is_signed))
        return SVAL_ERROR;
    for (size_t i = 0; i < TK_COUNTOF(widths); i++)
        if (widths[i] == width)
            return sv_dtype(dtypes[is_signed][i]);
    SPEC_ERROR(s, DIAG_BUILTIN_INT_WIDTH, call->ranges[0], (long long)width);
    return SVAL_ERROR;
}

/* ---- calls from host code -------------------------------------------------------------------- */

static PyValue host_pointer_type(PyCtx *py, PyValue elem) {
    TlType type;
    if (!tl_type_from_value(elem, &type))
        return py_raise(py, PYEXC_TypeError, "pointer_type() wants a dtype, not %s",
                        py_type_name(elem));
    return tl_type_value(py, (TlType){.pointee = &type});
}

static PyValue host_dtype(PyCtx *py, PyValue name) {
    DType dtype = py_is_str(name) ? dtype_from_name(py_str_data(name, NULL)) : DT_COUNT;
    if (dtype == DT_COUNT)
        return py_raise(py, PYEXC_ValueError, "dtype() wants the name of a dtype");
    return py_dtype(dtype);
}

PyValue builtin_host_call(PyCtx *py, const BuiltinRow *row, const PyArgs *args) {
    bool one = args->num_pos == 1 && args->num_kw == 0;
    if (one && str_eq(row->name, "tl.constexpr"))
        return py_constexpr(py, args->pos[0]);
    if (one && str_eq(row->name, "tl.dtype"))
        return host_dtype(py, args->pos[0]);
    if (args->num_pos >= 1 && str_eq(row->name, "tl.pointer_type"))
        return host_pointer_type(py, args->pos[0]);
    if (str_starts(row->name, "tl.target_info.is_"))
        return py_bool(str_eq(row->name, "tl.target_info.is_cuda"));
    return py_raise_at(py, PYEXC_ValueError, args->range,
                       "functions of triton.language work in @triton.jit functions only",
                       "Did you forget to add @triton.jit ? (`%s` was called outside of a kernel)",
                       row->name);
}
