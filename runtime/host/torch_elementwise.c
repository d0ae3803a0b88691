/* torch_elementwise.c -- operations of one or two operands, element by element.
 *
 * The kernels are generated from torch_unary.def and torch_binary.def: one for doubles and one for
 * 64-bit integers each. An operation promotes its operands' types (torch_promote.c), broadcasts
 * their shapes, and runs the kernel over blocks (torch_strided.c):
 *
 *     int32[4, 1] / int32[3]   promoted int32, division: float32;  result float32[4, 3]
 */
#include <math.h>

#include "runtime/host/torch_internal.h"
#include "support/numeric.h"

/* ---- scalar helpers of the kernels ------------------------------------------------------------
 */

static double sigmoid(double x) {
    return 1.0 / (1.0 + exp(-x));
}
static double softplus(double x) {
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

/* Wraps around as two's complement does. */
#define WRAP(a, op, b) ((int64_t)((uint64_t)(a)op(uint64_t)(b)))

static double python_mod(double a, double b) {
    const double r = fmod(a, b);
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
/* As Python and PyTorch: from fmod, so that (a // b) * b + a % b is a. */
static double floor_div(double a, double b) {
    if (b == 0)
        return a / b;
    const double mod = fmod(a, b);
    double quotient = (a - mod) / b;
    if (mod != 0 && (b < 0) != (mod < 0))
        quotient -= 1;
    if (quotient == 0)
        return copysign(0, a / b);
    const double floored = floor(quotient);
    return quotient - floored > 0.5 ? floored + 1 : floored;
}
/* Divisors of 0 were refused before. -1 is apart: INT64_MIN / -1 overflows. */
static int64_t trunc_div_i(int64_t a, int64_t b) {
    if (b == 0)
        return 0;
    return b == -1 ? WRAP(0, -, a) : a / b;
}
static int64_t trunc_mod_i(int64_t a, int64_t b) {
    return b == 0 || b == -1 ? 0 : a % b;
}
static int64_t floor_div_i(int64_t a, int64_t b) {
    const int64_t rest = trunc_mod_i(a, b);
    return trunc_div_i(a, b) - (rest != 0 && (rest < 0) != (b < 0));
}
static int64_t python_mod_i(int64_t a, int64_t b) {
    const int64_t rest = trunc_mod_i(a, b);
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
/* Negative exponents give 0 but for bases of 1 and -1, as in PyTorch. */
static int64_t pow_i(int64_t base, int64_t exponent) {
    if (exponent < 0)
        return base == 1 ? 1 : base == -1 ? (exponent % 2 != 0 ? -1 : 1) : 0;
    uint64_t result = 1, power = (uint64_t)base;
    for (; exponent != 0; exponent >>= 1, power *= power)
        if (exponent & 1)
            result *= power;
    return (int64_t)result;
}
static int64_t shift_left(int64_t a, int64_t b) {
    return b < 0 || b > 63 ? 0 : (int64_t)((uint64_t)a << b);
}
static int64_t shift_right(int64_t a, int64_t b) {
    if (b < 0 || b > 63)
        b = 63;
    return a < 0 ? ~(~a >> b) : a >> b;
}

/* ---- kernels ----------------------------------------------------------------------------------
 */

#define UNARY_KERNEL(name, field, ctype, expr)                                                     \
    static void name(const Num *const *in, Num *out, size_t n, const double *p) {                  \
        (void)p;                                                                                   \
        for (size_t i = 0; i < n; i++) {                                                           \
            const ctype x = in[0][i].field;                                                        \
            (void)x;                                                                               \
            out[i].field = (ctype)(expr);                                                          \
        }                                                                                          \
    }
#define UNARY_FLOAT(name, where, expr, doc) UNARY_KERNEL(unary_f_##name, f, double, expr)
#define UNARY_BOTH(name, where, fexpr, iexpr, doc)                                                 \
    UNARY_KERNEL(unary_f_##name, f, double, fexpr) UNARY_KERNEL(unary_i_##name, i, int64_t, iexpr)
#define UNARY_TEST(name, where, fexpr, iexpr, doc) UNARY_BOTH(name, where, fexpr, iexpr, doc)
#include "runtime/host/torch_unary.def"

#define BINARY_KERNEL(name, field, ctype, expr)                                                    \
    static void name(const Num *const *in, Num *out, size_t n, const double *p) {                  \
        (void)p;                                                                                   \
        for (size_t i = 0; i < n; i++) {                                                           \
            const ctype a = in[0][i].field, b = in[1][i].field;                                    \
            (void)a;                                                                               \
            (void)b;                                                                               \
            out[i].field = (ctype)(expr);                                                          \
        }                                                                                          \
    }
#define BINARY(name, where, rule, fexpr, iexpr, doc)                                               \
    BINARY_KERNEL(binary_f_##name, f, double, fexpr)                                               \
    BINARY_KERNEL(binary_i_##name, i, int64_t, iexpr)
#include "runtime/host/torch_binary.def"

typedef enum Rule { RULE_SAME, RULE_FLOAT, RULE_TEST, RULE_BITS, RULE_LOGIC } Rule;
typedef struct Kernels {
    const char *name;
    Rule rule;
    NumKernel floats, integers; /* integers NULL: they become float32 */
} Kernels;

static const Kernels unary_kernels[UNARY_OP_COUNT] = {
#define UNARY_FLOAT(name, where, expr, doc)                                                        \
    [UNARY_OP_##name] = {#name, RULE_FLOAT, unary_f_##name, NULL},
#define UNARY_BOTH(name, where, fexpr, iexpr, doc)                                                 \
    [UNARY_OP_##name] = {#name, RULE_SAME, unary_f_##name, unary_i_##name},
#define UNARY_TEST(name, where, fexpr, iexpr, doc)                                                 \
    [UNARY_OP_##name] = {#name, RULE_TEST, unary_f_##name, unary_i_##name},
#include "runtime/host/torch_unary.def"
};
static const Kernels binary_kernels[BINARY_OP_COUNT] = {
#define BINARY(name, where, rule, fexpr, iexpr, doc)                                               \
    [BINARY_OP_##name] = {#name, RULE_##rule, binary_f_##name, binary_i_##name},
#include "runtime/host/torch_binary.def"
};

/* ---- types ------------------------------------------------------------------------------------
 */

static PyValue not_implemented(PyCtx *py, const char *name, DType dtype) {
    return py_raise(py, PYEXC_RuntimeError, "\"%s\" not implemented for '%s'", name,
                    torch_scalar_name(dtype));
}

/* 8-bit floats only store numbers, and unsigned words lack an order, as in PyTorch. */
static bool supports(PyCtx *py, const char *name, Rule rule, DType dtype) {
    bool ok = true;
    if (dtype_is_fp8(dtype))
        ok = rule == RULE_TEST;
    else if (rule == RULE_BITS)
        ok = !dtype_is_float(dtype);
    if (!ok)
        not_implemented(py, name, dtype);
    return ok;
}

/* The type computed in (`common`, changed if integers become floats) and the result's. */
static DType apply_rule(Rule rule, DType *common) {
    switch (rule) {
    case RULE_FLOAT:
        if (!dtype_is_float(*common))
            *common = DT_F32;
        return *common;
    case RULE_TEST:
    case RULE_LOGIC:
        return DT_BOOL;
    case RULE_SAME:
    case RULE_BITS:
        break;
    }
    return *common;
}

/* ---- one operand ------------------------------------------------------------------------------
 */

PyValue torch_unary(PyCtx *py, UnaryOp op, Tensor *input, const double *params) {
    const Kernels *kernels = &unary_kernels[op];
    DType common = input->view.dtype;
    if (!supports(py, kernels->name, kernels->rule, common) ||
        !tensor_check_written(py, input, kernels->name))
        return PY_FAIL;
    if (common == DT_BOOL && op == UNARY_OP_neg)
        return py_raise(py, PYEXC_RuntimeError,
                        "Negation, the `-` operator, on a bool tensor is not supported. If you are "
                        "trying to invert a mask, use the `~` or `logical_not()` operator "
                        "instead.");
    if (op == UNARY_OP_bitwise_not && dtype_is_float(common))
        return not_implemented(py, kernels->name, common);
    if (op == UNARY_OP_bitwise_not && common == DT_BOOL)
        op = UNARY_OP_logical_not, kernels = &unary_kernels[op];
    const DType result = apply_rule(kernels->rule, &common);
    Tensor *out = tensor_new_like(py, input, result);
    if (!out)
        return PY_FAIL;
    const bool is_float = dtype_is_float(common);
    Elementwise work = {
        .out = out->view,
        .in_float = is_float,
        .out_float = is_float,
        .num_in = 1,
        .in = {{.view = input->view, .rounded = common == input->view.dtype ? DT_COUNT : common}},
        .kernel = is_float ? kernels->floats : kernels->integers,
        .params = params,
    };
    elementwise_run(torch_state(py), &work);
    return tensor_value(out);
}

PyValue op_unary(TorchCall *call) {
    Tensor *input = arg_tensor(call, 0);
    return input ? torch_unary(call->py, (UnaryOp)call->op->variant, input, NULL) : PY_FAIL;
}

/* ---- two operands -----------------------------------------------------------------------------
 */

/* The shape and place of the result. */
static bool common_place(PyCtx *py, const PyValue *operands, unsigned len, Dims *shape,
                         bool *on_device) {
    Tensor *tensors[ELEMENTWISE_MAX_IN];
    unsigned count = 0;
    *shape = (Dims){.len = 0};
    for (unsigned k = 0; k < len; k++) {
        Tensor *t = tensor_of(operands[k]);
        if (!t)
            continue;
        const Dims dims = tensor_shape(t);
        tensors[count++] = t;
        if (!dims_broadcast(py, shape, &dims))
            return false;
    }
    return tensors_same_device(py, tensors, count, on_device);
}

/* Half types compute with numbers rounded to float32, as PyTorch does; others round to themselves.
 */
static bool set_number(PyCtx *py, ElementwiseInput *in, PyValue v, DType common, Rule rule) {
    DType dtype = common;
    if ((common == DT_F16 || common == DT_BF16) && rule != RULE_TEST)
        dtype = DT_F32;
    in->is_scalar = true;
    if (!num_from_value(py, py_unwrap_constexpr(v), dtype, &in->scalar))
        return false;
    num_round(dtype, &in->scalar, 1);
    return true;
}

static bool set_operand(PyCtx *py, ElementwiseInput *in, PyValue v, DType common, Rule rule,
                        const Dims *shape, const char *name) {
    Tensor *t = tensor_of(v);
    in->rounded = DT_COUNT;
    if (!t)
        return set_number(py, in, v, common, rule);
    if (!tensor_check_written(py, t, name))
        return false;
    in->view = t->view;
    if (t->view.dtype != common)
        in->rounded = common;
    return view_expand(&in->view, shape);
}

/* Integer division by zero is an error, as in PyTorch. */
static bool check_divisor(PyCtx *py, BinaryOp op, const ElementwiseInput *divisor) {
    if (op != BINARY_OP_floor_divide && op != BINARY_OP_trunc_divide && op != BINARY_OP_remainder &&
        op != BINARY_OP_fmod)
        return true;
    const int64_t count = divisor->is_scalar ? 1 : view_numel(&divisor->view);
    Num block[256] = {divisor->scalar};
    for (int64_t at = 0; at < count; at += 256) {
        const size_t n = count - at < 256 ? (size_t)(count - at) : 256;
        if (!divisor->is_scalar)
            view_load(&divisor->view, false, at, n, block);
        for (size_t i = 0; i < n; i++)
            if (block[i].i == 0) {
                py_raise(py, PYEXC_RuntimeError, "ZeroDivisionError");
                return false;
            }
    }
    return true;
}

static bool check_negative_power(PyCtx *py, BinaryOp op, PyValue exponent) {
    int64_t value;
    if (op != BINARY_OP_pow || tensor_of(exponent) || !py_to_i64(exponent, &value) || value >= 0)
        return true;
    py_raise(py, PYEXC_RuntimeError, "Integers to negative integer powers are not allowed.");
    return false;
}

PyValue torch_binary(PyCtx *py, BinaryOp op, PyValue a, PyValue b) {
    const Kernels *kernels = &binary_kernels[op];
    const PyValue operands[2] = {a, b};
    Elementwise work = {.num_in = 2};
    DType common;
    Dims shape;
    bool on_device;
    if (!torch_result_type(py, operands, 2, &common) ||
        !common_place(py, operands, 2, &shape, &on_device) ||
        !supports(py, kernels->name, kernels->rule, common))
        return PY_FAIL;
    if (op == BINARY_OP_sub && common == DT_BOOL)
        return py_raise(py, PYEXC_RuntimeError,
                        "Subtraction, the `-` operator, with two bool tensors is not supported. "
                        "Use the `^` or `logical_xor()` operator instead.");
    const DType result = apply_rule(kernels->rule, &common);
    const bool is_float = dtype_is_float(common);
    for (unsigned k = 0; k < 2; k++)
        if (!set_operand(py, &work.in[k], operands[k], common, kernels->rule, &shape,
                         kernels->name))
            return PY_FAIL;
    if (!is_float && (!check_divisor(py, op, &work.in[1]) || !check_negative_power(py, op, b)))
        return PY_FAIL;
    Tensor *out = tensor_new(py, result, &shape, on_device);
    if (!out)
        return PY_FAIL;
    work.out = out->view;
    work.in_float = work.out_float = is_float;
    work.kernel = is_float ? kernels->floats : kernels->integers;
    elementwise_run(torch_state(py), &work);
    return tensor_value(out);
}

static bool arg_operand(const TorchCall *call, unsigned index) {
    if (tensor_of(call->arg[index]) || torch_is_number(call->arg[index]))
        return true;
    torch_type_error(call, index, "Tensor");
    return false;
}

PyValue op_binary(TorchCall *call) {
    if (!arg_operand(call, 0) || !arg_operand(call, 1))
        return PY_FAIL;
    return torch_binary(call->py, (BinaryOp)call->op->variant, call->arg[0], call->arg[1]);
}

/* add(a, b, alpha=1) and sub: a + alpha * b. */
PyValue op_add(TorchCall *call) {
    PyCtx *py = call->py;
    if (!arg_operand(call, 0) || !arg_operand(call, 1))
        return PY_FAIL;
    PyValue other = py_incref(call->arg[1]);
    if (arg_given(call, 2)) {
        py_decref(py, other);
        other = torch_is_number(call->arg[1])
                    ? py_binary(py, BIN_MUL, call->arg[1], call->arg[2])
                    : torch_binary(py, BINARY_OP_mul, call->arg[1], call->arg[2]);
        if (py_failed(other))
            return PY_FAIL;
    }
    const PyValue result = torch_binary(py, (BinaryOp)call->op->variant, call->arg[0], other);
    py_decref(py, other);
    return result;
}

/* div(a, b, rounding_mode=None | "floor" | "trunc"). */
PyValue op_div(TorchCall *call) {
    const char *mode = NULL;
    BinaryOp op = BINARY_OP_div;
    if (!arg_operand(call, 0) || !arg_operand(call, 1) || !arg_str(call, 2, &mode))
        return PY_FAIL;
    if (mode && str_eq(mode, "floor"))
        op = BINARY_OP_floor_divide;
    else if (mode && str_eq(mode, "trunc"))
        op = BINARY_OP_trunc_divide;
    else if (mode)
        return py_raise(call->py, PYEXC_RuntimeError,
                        "div expected rounding_mode to be one of None, 'trunc', or 'floor' but "
                        "found '%s'",
                        mode);
    return torch_binary(call->py, op, call->arg[0], call->arg[1]);
}

PyValue op_round(TorchCall *call) {
    Tensor *input = arg_tensor(call, 0);
    int64_t decimals = 0;
    if (!input || !arg_int(call, 1, &decimals))
        return PY_FAIL;
    if (decimals == 0)
        return torch_unary(call->py, UNARY_OP_round_even, input, NULL);
    const double params[1] = {pow(10, (double)decimals)};
    return torch_unary(call->py, UNARY_OP_round_decimals, input, params);
}

PyValue op_gelu(TorchCall *call) {
    Tensor *input = arg_tensor(call, 0);
    const char *approximate = "none";
    if (!input || !arg_str(call, 1, &approximate))
        return PY_FAIL;
    if (str_eq(approximate, "tanh"))
        return torch_unary(call->py, UNARY_OP_gelu_tanh, input, NULL);
    if (!str_eq(approximate, "none"))
        return py_raise(call->py, PYEXC_RuntimeError,
                        "approximate argument must be either none or tanh.");
    return torch_unary(call->py, UNARY_OP_gelu_erf, input, NULL);
}

/* leaky_relu, elu, softplus: one operand and one or two parameters with defaults. */
PyValue op_unary_params(TorchCall *call) {
    Tensor *input = arg_tensor(call, 0);
    double params[2] = {1, 20};
    if (call->op->variant == UNARY_OP_leaky)
        params[0] = 0.01;
    if (!input || !arg_real(call, 1, &params[0]))
        return PY_FAIL;
    if (call->op->variant == UNARY_OP_softplus_of && !arg_real(call, 2, &params[1]))
        return PY_FAIL;
    if (!dtype_is_float(input->view.dtype))
        return not_implemented(call->py, call->op->name, input->view.dtype);
    return torch_unary(call->py, (UnaryOp)call->op->variant, input, params);
}

/* ---- three operands ---------------------------------------------------------------------------
 */

static void kernel_where_f(const Num *const *in, Num *out, size_t n, const double *p) {
    (void)p;
    for (size_t i = 0; i < n; i++)
        out[i].f = in[0][i].f != 0 ? in[1][i].f : in[2][i].f;
}
static void kernel_where_i(const Num *const *in, Num *out, size_t n, const double *p) {
    (void)p;
    for (size_t i = 0; i < n; i++)
        out[i].i = in[0][i].i != 0 ? in[1][i].i : in[2][i].i;
}

/* condition ? a : b, where a and b may be numbers; `dtype` is the result's type. */
static PyValue torch_select(PyCtx *py, PyValue condition, PyValue a, PyValue b, DType dtype,
                            const char *name) {
    const PyValue operands[3] = {condition, a, b};
    Elementwise work = {.num_in = 3};
    Dims shape;
    bool on_device;
    if (!common_place(py, operands, 3, &shape, &on_device))
        return PY_FAIL;
    for (unsigned k = 0; k < 3; k++)
        if (!set_operand(py, &work.in[k], operands[k], k == 0 ? DT_BOOL : dtype, RULE_TEST, &shape,
                         name))
            return PY_FAIL;
    Tensor *out = tensor_new(py, dtype, &shape, on_device);
    if (!out)
        return PY_FAIL;
    work.out = out->view;
    work.in_float = work.out_float = dtype_is_float(dtype);
    work.kernel = work.in_float ? kernel_where_f : kernel_where_i;
    elementwise_run(torch_state(py), &work);
    return tensor_value(out);
}

PyValue op_where(TorchCall *call) {
    PyCtx *py = call->py;
    DType dtype;
    Tensor *condition = arg_tensor(call, 0);
    if (!condition)
        return PY_FAIL;
    if (!arg_given(call, 1))
        return torch_call_by_name(py, "nonzero", (const PyValue[]){call->arg[0], py_bool(true)}, 2);
    if (!arg_operand(call, 1) || !arg_operand(call, 2) ||
        !torch_result_type(py, &call->arg[1], 2, &dtype))
        return PY_FAIL;
    if (condition->view.dtype != DT_BOOL)
        return py_raise(py, PYEXC_RuntimeError,
                        "where expected condition to be a boolean tensor, but got a tensor with "
                        "dtype %s",
                        torch_scalar_name(condition->view.dtype));
    return torch_select(py, call->arg[0], call->arg[1], call->arg[2], dtype, "where");
}

PyValue op_masked_fill(TorchCall *call) {
    PyCtx *py = call->py;
    Tensor *input = arg_tensor(call, 0), *mask = input ? arg_tensor(call, 1) : NULL;
    if (!mask || !arg_operand(call, 2))
        return PY_FAIL;
    if (mask->view.dtype != DT_BOOL)
        return py_raise(py, PYEXC_RuntimeError,
                        "masked_fill_ only supports boolean masks, but got "
                        "mask with dtype %s",
                        torch_scalar_name(mask->view.dtype));
    return torch_select(py, call->arg[1], call->arg[2], call->arg[0], input->view.dtype,
                        "masked_fill");
}

/* clamp(x, min=None, max=None): bounds are numbers or tensors. */
PyValue op_clamp(TorchCall *call) {
    PyCtx *py = call->py;
    Tensor *input = arg_tensor(call, 0);
    if (!input)
        return PY_FAIL;
    if (!arg_given(call, 1) && !arg_given(call, 2))
        return py_raise(py, PYEXC_RuntimeError,
                        "torch.clamp: At least one of 'min' or 'max' must not be None");
    PyValue result = py_incref(call->arg[0]);
    static const BinaryOp steps[2] = {BINARY_OP_maximum, BINARY_OP_minimum};
    for (unsigned k = 0; k < 2; k++) {
        if (!arg_given(call, k + 1))
            continue;
        const PyValue next = arg_operand(call, k + 1)
                                 ? torch_binary(py, steps[k], result, call->arg[k + 1])
                                 : PY_FAIL;
        py_decref(py, result);
        if (py_failed(next))
            return PY_FAIL;
        result = next;
    }
    return result;
}
