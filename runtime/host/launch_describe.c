/* launch_describe.c -- what the compiler may know of a launch's arguments.
 *
 * Triton's specialisation: None, strings, types and functions are constants; the integer 1 is the
 * constant 1; other integers are i32, i64 or u64, whichever holds them first, and known to be
 * divisible by 16 or not; floats are fp32; tensors are pointers, known to be aligned to 16 bytes or
 * not; tuples are described item by item. Annotations with a type pin it.
 */
#include <string.h>

#include "frontend/value_types.h"
#include "runtime/host/launch_internal.h"
#include "support/numeric.h"

#define DIVISIBLE 16

/* The last word of an annotation: "constexpr" of tl.constexpr, "*fp16" of the string "*fp16". */
static const char *annotation_word(const Expr *annotation) {
    if (annotation == NULL)
        return NULL;
    if (annotation->kind == EXPR_ATTRIBUTE)
        return annotation->u.attribute.attr;
    if (annotation->kind == EXPR_NAME)
        return annotation->u.name.id;
    if (annotation->kind != EXPR_CONSTANT || annotation->u.constant.kind != CONST_STR)
        return NULL;
    const char *dot = strrchr(annotation->u.constant.text, '.');
    return dot != NULL ? dot + 1 : annotation->u.constant.text;
}

/* A type that an annotation pins: dtype, or the pointee of "*dtype". */
typedef struct Pinned {
    DType dtype; /* DT_COUNT: nothing is pinned */
    bool pointer, is_const;
} Pinned;

static Pinned pinned_type(const char *word) {
    Pinned pinned = {.dtype = DT_COUNT};
    if (word == NULL)
        return pinned;
    pinned.pointer = *word == '*';
    word += pinned.pointer ? 1 : 0;
    bool prefixed = pinned.pointer && *word == 'k';
    pinned.is_const = prefixed || str_eq(word, "const");
    pinned.dtype = dtype_from_name(word + (prefixed ? 1 : 0));
    return pinned;
}

typedef struct Describing { /* the parameter being described */
    Launch *launch;
    size_t index;
    SrcRange range;
    bool specialize, specialize_alignment;
} Describing;

static void add_device_arg(Launch *launch, const InterpArg *arg) {
    vec_push(launch->py->scratch, &launch->device_args, *arg);
}

static uint64_t scalar_bits(DType dtype, PyValue value) {
    uint64_t bits = 0;
    if (dtype_is_float(dtype)) {
        double number = 0;
        py_to_double(value, &number);
        dtype_store_f64(dtype, &bits, 0, number);
    } else if (dtype == DT_BOOL) {
        int64_t number = 1;
        bits = !py_to_i64(value, &number) || number != 0;
    } else {
        bool fits_i64, fits_u64;
        py_int_bits(value, &bits, &fits_i64, &fits_u64);
        if (dtype_size(dtype) < 8)
            bits &= (UINT64_C(1) << (8 * dtype_size(dtype))) - 1;
    }
    return bits;
}

static void describe_scalar(Launch *launch, SpecParam *param, DType dtype, PyValue value) {
    *param = (SpecParam){.kind = SPEC_SCALAR, .dtype = dtype};
    InterpArg arg = {.kind = INTERP_SCALAR, .bits = scalar_bits(dtype, value)};
    add_device_arg(launch, &arg);
}

static bool describe_int(const Describing *d, SpecParam *param, DType pinned, PyValue value) {
    Launch *launch = d->launch;
    uint64_t bits;
    bool fits_i64, fits_u64;
    py_int_bits(value, &bits, &fits_i64, &fits_u64);
    int64_t number = (int64_t)bits;
    if (!fits_i64 && !fits_u64) {
        py_raise_at(launch->py, PYEXC_OverflowError, d->range, NULL,
                    "argument `%s` of %s does not fit 64 bits",
                    jit_param(launch->fn->def, d->index)->name, launch->fn->name);
        return false;
    }
    if (d->specialize && pinned == DT_COUNT && fits_i64 && number == 1) {
        *param = (SpecParam){.kind = SPEC_CONSTEXPR, .value = py_int(1)};
        return true;
    }
    DType dtype = pinned;
    if (dtype == DT_COUNT)
        dtype = !fits_i64 ? DT_U64 : number >= INT32_MIN && number <= INT32_MAX ? DT_I32 : DT_I64;
    describe_scalar(launch, param, dtype, value);
    param->divisible16 = d->specialize && d->specialize_alignment && !dtype_is_float(dtype) &&
                         dtype != DT_BOOL && bits % DIVISIBLE == 0;
    return true;
}

static bool describe_tensor(const Describing *d, SpecParam *param, Pinned pinned, PyValue tensor) {
    Launch *launch = d->launch;
    InterpArg arg = {.kind = INTERP_VIEW};
    bool on_device = false;
    torch_tensor_view(tensor, &arg.view, &on_device);
    if (!on_device) {
        py_raise_at(launch->py, PYEXC_ValueError, d->range,
                    "make it with device='cuda', or move it there: x.to('cuda')",
                    "Pointer argument (at %zu) cannot be accessed from Triton (cpu tensor?)",
                    d->index);
        return false;
    }
    uint64_t address = arg.view.alloc->address + arg.view.offset;
    *param = (SpecParam){.kind = SPEC_POINTER,
                         .dtype = pinned.pointer ? pinned.dtype : arg.view.dtype,
                         .is_const = pinned.is_const,
                         .divisible16 =
                             d->specialize && d->specialize_alignment && address % DIVISIBLE == 0};
    add_device_arg(launch, &arg);
    return true;
}

static bool read_numbers(PyValue list, int64_t *out, unsigned rank) {
    for (unsigned i = 0; i < rank; i++)
        if (!py_to_i64(py_seq_item(list, i), &out[i]))
            return false;
    return true;
}

static bool describe_descriptor(const Describing *d, SpecParam *param,
                                const TensorDescriptor *desc) {
    InterpArg arg = {.kind = INTERP_DESC};
    bool on_device = false;
    torch_tensor_view(desc->tensor, &arg.view, &on_device);
    unsigned rank = (unsigned)py_seq_len(desc->block_shape);
    *param = (SpecParam){.kind = SPEC_DESC, .dtype = arg.view.dtype, .rank = rank};
    bool ok = on_device && read_numbers(desc->shape, arg.desc_shape, rank) &&
              read_numbers(desc->strides, arg.desc_strides, rank) &&
              read_numbers(desc->block_shape, param->block_shape, rank);
    if (!ok) {
        py_raise_at(d->launch->py, PYEXC_ValueError, d->range, NULL,
                    "the tensor descriptor must be of a tensor on the device, with integers as "
                    "shape, strides and block shape");
        return false;
    }
    arg.desc_pad_nan = str_eq(py_str_data(desc->padding, NULL), "nan");
    add_device_arg(d->launch, &arg);
    return true;
}

static bool describe_value(const Describing *d, SpecParam *param, const char *word, PyValue value);

static bool describe_tuple(const Describing *d, SpecParam *param, PyValue tuple) {
    size_t len = py_seq_len(tuple);
    *param = (SpecParam){.kind = SPEC_TUPLE,
                         .value = tuple,
                         .items = ARENA_ARRAY(d->launch->py->scratch, SpecParam, len + 1),
                         .num_items = len};
    for (size_t i = 0; i < len; i++)
        if (!describe_value(d, &param->items[i], NULL, py_seq_item(tuple, i)))
            return false;
    return true;
}

static bool describe_value(const Describing *d, SpecParam *param, const char *word, PyValue value) {
    bool constant =
        (word != NULL && str_eq(word, "constexpr")) || py_as(value, &py_constexpr_type) != NULL;
    value = py_unwrap_constexpr(value);
    Pinned pinned = pinned_type(word);
    *param = (SpecParam){.kind = SPEC_CONSTEXPR, .value = value};
    DType as_torch;
    if (torch_as_dtype(value, &as_torch)) {
        param->value = py_dtype(as_torch);
        return true;
    }
    if (constant) {
        if (!torch_is_tensor(value))
            return true;
        py_raise_at(d->launch->py, PYEXC_TypeError, d->range,
                    "a constexpr is part of the compiled kernel; pass a number, or drop the "
                    "annotation to pass a pointer",
                    "parameter `%s` is a constexpr and cannot be a tensor",
                    jit_param(d->launch->fn->def, d->index)->name);
        return false;
    }
    if (torch_is_tensor(value))
        return describe_tensor(d, param, pinned, value);
    const TensorDescriptor *desc = py_as(value, &tensor_descriptor_type);
    if (desc != NULL)
        return describe_descriptor(d, param, desc);
    if (py_is_tuple(torch_size_tuple(value)) || py_is_list(value))
        return describe_tuple(d, param, torch_size_tuple(value));
    DType number = pinned.pointer ? DT_COUNT : pinned.dtype;
    if (value.tag == PY_BOOL_TAG) {
        describe_scalar(d->launch, param, number == DT_COUNT ? DT_BOOL : number, value);
        return true;
    }
    if (value.tag == PY_FLOAT_TAG) {
        bool keep = number != DT_COUNT && dtype_is_float(number);
        describe_scalar(d->launch, param, keep ? number : DT_F32, value);
        return true;
    }
    return !py_is_int(value) || describe_int(d, param, number, value);
}

/* None, strings, types, functions become constants; a list or dict, say, is a mistake. */
static bool is_constant_kind(PyValue value) {
    return value.tag != PY_OBJECT_TAG || py_is_str(value) || py_is_int(value) ||
           jit_from_value(value) != NULL || py_callable_name(value) != NULL ||
           !(py_as(value, &py_dict_type) || py_as(value, &py_set_type) ||
             py_as(value, &py_module_type));
}

bool launch_describe(Launch *launch) {
    const JitFn *fn = launch->fn;
    launch->params = ARENA_ARRAY(launch->py->scratch, SpecParam, fn->num_params + 1);
    for (size_t i = 0; i < fn->num_params; i++) {
        SrcRange range = range_is_none(launch->ranges[i]) ? launch->args->range : launch->ranges[i];
        Describing d = {launch, i, range, !fn->no_specialize[i], !fn->no_specialize_alignment[i]};
        const Arg *parameter = jit_param(fn->def, i);
        if (!describe_value(&d, &launch->params[i], annotation_word(parameter->annotation),
                            launch->values[i]))
            return false;
        if (launch->params[i].kind == SPEC_CONSTEXPR && !is_constant_kind(launch->values[i])) {
            py_raise_at(launch->py, PYEXC_TypeError, range, NULL,
                        "failed to specialize argument `%s` of type: %s", parameter->name,
                        py_type_name(launch->values[i]));
            return false;
        }
    }
    return true;
}
