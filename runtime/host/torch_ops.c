/* torch_ops.c -- the table of all operations, built from the .def files. */
#include "runtime/host/torch_internal.h"

/* The letters of the `where` column. */
enum {
    NONE = 0,
    F = OP_FUNCTION,
    M = OP_METHOD,
    FM = F | M,
    FMI = FM | OP_INPLACE,
    N = OP_NN,
    FN = F | N,
    FMN = FM | N,
    FMIN = FMI | N,
    C = OP_CUDA,
    FC = F | C,
    T = OP_TESTING
};

const TorchOp torch_ops[] = {
#define UNARY_FLOAT(name, where, expr, doc)                                                        \
    {#name, where, op_unary, UNARY_OP_##name, doc, {"input", "*", "out="}},
#define UNARY_BOTH(name, where, fexpr, iexpr, doc)                                                 \
    {#name, where, op_unary, UNARY_OP_##name, doc, {"input", "*", "inplace=", "out="}},
#define UNARY_TEST(name, where, fexpr, iexpr, doc)                                                 \
    {#name, where, op_unary, UNARY_OP_##name, doc, {"input", "*", "out="}},
#include "runtime/host/torch_unary.def"
#define BINARY(name, where, rule, fexpr, iexpr, doc)                                               \
    {#name, where, op_binary, BINARY_OP_##name, doc, {"input", "other", "*", "out="}},
#include "runtime/host/torch_binary.def"
#define TORCH_OP(name, where, impl, variant, doc, ...)                                             \
    {name, where, impl, variant, doc, {__VA_ARGS__}},
#include "runtime/host/torch_ops.def"
};
const size_t torch_num_ops = TK_COUNTOF(torch_ops);

/* Names of methods only, for suggestions. */
#define METHODS_NONE(name)
#define METHODS_F(name)
#define METHODS_N(name)
#define METHODS_FN(name)
#define METHODS_C(name)
#define METHODS_FC(name)
#define METHODS_T(name)
#define METHODS_M(name)    name,
#define METHODS_FM(name)   name,
#define METHODS_FMN(name)  name,
#define METHODS_FMI(name)  name, name "_",
#define METHODS_FMIN(name) name, name "_",
const char *const torch_tensor_attr_names[] = {
#define UNARY_FLOAT(name, where, expr, doc)        METHODS_##where(#name)
#define UNARY_BOTH(name, where, fexpr, iexpr, doc) METHODS_##where(#name)
#define UNARY_TEST(name, where, fexpr, iexpr, doc) METHODS_##where(#name)
#include "runtime/host/torch_unary.def"
#define BINARY(name, where, rule, fexpr, iexpr, doc) METHODS_##where(#name)
#include "runtime/host/torch_binary.def"
#define TORCH_OP(name, where, ...) METHODS_##where(name)
#include "runtime/host/torch_ops.def"
#define PROPERTY(name, get) name,
#include "runtime/host/torch_properties.def"
    NULL,
};
