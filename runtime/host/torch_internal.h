/* torch_internal.h -- what the files of the torch module share.
 *
 * The way of a call: an attribute of the module or of a tensor is a TorchFunction; calling it binds
 * the arguments to the row of torch_ops.def (torch_call.c) and runs the row's implementation with a
 * TorchCall. Implementations read their arguments with the arg_...() functions, make result tensors
 * with tensor_new(), and hand elementwise work to elementwise_run() and reductions to
 * reduce_run(), which read and write any strided view in blocks of numbers.
 */
#ifndef TKC_RUNTIME_HOST_TORCH_INTERNAL_H
#define TKC_RUNTIME_HOST_TORCH_INTERNAL_H

#include "runtime/host/torch.h"
#include "support/map.h"

/* One element while it is computed with: integers and bools in 64 bits, floats in double. */
typedef union Num {
    double f;
    int64_t i;
} Num;

/* A tensor: a view of an allocation and the device it is on. */
typedef struct Tensor {
    PyObject object;
    MemView view;
    bool on_device;
} Tensor;

/* ---- state ----------------------------------------------------------------------------------- */

typedef struct Rng { /* Philox counter: see torch_random.c */
    uint64_t seed;
    uint64_t offset;
} Rng;

struct TorchState {
    OomHandler *oom;
    Arena *arena;            /* name tables */
    struct Device *executor; /* what kernels run on */
    MemSpace *device, *host; /* memory of tensors: the executor's, and that of cpu tensors */
    ThreadPool *pool;
    Rng rng;
    Map methods;              /* name -> TorchEntry, of tensors */
    PyValue dtypes[DT_COUNT]; /* the torch.dtype objects, PY_NONE until asked for */
    PyValue module;           /* torch, PY_NONE until asked for */
    size_t peak_bytes;        /* torch.cuda.max_memory_allocated() */
};

/* ---- operations ------------------------------------------------------------------------------ */

#define TORCH_MAX_ARGS 12

typedef struct TorchOp TorchOp;
typedef struct TorchCall {
    PyCtx *py;
    const TorchOp *op;
    PyValue arg[TORCH_MAX_ARGS]; /* borrowed; PY_FAIL where an optional one is absent */
    bool is_method;              /* arg[0] was not written among the arguments */
} TorchCall;
typedef PyValue (*TorchImpl)(TorchCall *call);

/* Where an operation can be found. */
enum {
    OP_FUNCTION = 1, /* torch.NAME */
    OP_METHOD = 2,   /* Tensor.NAME; the first parameter is the tensor */
    OP_INPLACE = 4,  /* Tensor.NAME_: the result is copied into the tensor */
    OP_NN = 8,       /* torch.nn.functional.NAME */
    OP_CUDA = 16,    /* torch.cuda.NAME */
    OP_TESTING = 32  /* torch.testing.NAME */
};

struct TorchOp {
    const char *name;
    unsigned where;
    TorchImpl impl;
    int variant; /* tells operations that share an implementation apart */
    const char *doc;
    /* As py_bind() takes them; "*shape" (and optional "*shape=") takes one sequence of integers or
     * all the rest of the positional arguments. */
    const char *params[TORCH_MAX_ARGS + 2];
};
extern const TorchOp torch_ops[];
extern const size_t torch_num_ops;
extern const char *const torch_tensor_attr_names[];

typedef struct TorchEntry { /* what a name of a tensor means */
    const TorchOp *op;
    bool inplace;
} TorchEntry;

/* An operation as a Python object; `self` is PY_FAIL for functions of a module. Takes a new
 * reference to self. */
PyValue torch_function(PyCtx *py, const TorchOp *op, bool inplace, PyValue self);
/* Calls an operation from C, by position. */
PyValue torch_call_by_name(PyCtx *py, const char *method, const PyValue *args, size_t num_args);

/* Has the optional argument been given, and is it not None? */
bool arg_given(const TorchCall *call, unsigned index);
/* Each raises TypeError with the argument's name and position when the type does not fit. Absent
 * optional arguments leave *out alone. */
Tensor *arg_tensor(const TorchCall *call, unsigned index); /* borrowed; NULL: failed */
bool arg_int(const TorchCall *call, unsigned index, int64_t *out);
bool arg_real(const TorchCall *call, unsigned index, double *out);
bool arg_bool(const TorchCall *call, unsigned index, bool *out);
bool arg_dtype(const TorchCall *call, unsigned index, DType *out);
bool arg_device(const TorchCall *call, unsigned index, bool *on_device);
/* A string, NULL if absent. */
bool arg_str(const TorchCall *call, unsigned index, const char **out);
/* A shape or list of dimensions: one int or a sequence of at most MEM_MAX_RANK. */
typedef struct Dims {
    unsigned len;
    int64_t at[MEM_MAX_RANK];
} Dims;
bool arg_dims(const TorchCall *call, unsigned index, Dims *out);
/* A dimension in [-rank, rank), made non-negative; IndexError otherwise. */
bool arg_dim(const TorchCall *call, unsigned index, unsigned rank, unsigned *out);
bool torch_wrap_dim(PyCtx *py, int64_t dim, unsigned rank, unsigned *out);
/* The items of a list, tuple or torch.Size; false (nothing raised) if `v` is none of these. */
bool torch_sequence(PyValue v, size_t *len);
PyValue torch_sequence_item(PyValue v, size_t index); /* borrowed */
/* An index-like value: an int, or a 0-dimensional integer tensor. */
bool torch_to_index(PyCtx *py, PyValue v, int64_t *out);
/* A device: "cuda", "cuda:0", "cpu", torch.device(...), an int; raises RuntimeError. */
bool torch_to_device(PyCtx *py, PyValue v, bool *on_device);

PyValue torch_type_error(const TorchCall *call, unsigned index, const char *wanted);

/* ---- tensors --------------------------------------------------------------------------------- */

extern const PyType torch_tensor_type, torch_dtype_type, torch_device_type, torch_size_type,
    torch_function_type, torch_result_tuple_type, torch_event_type, torch_generator_type;

static inline PyValue tensor_value(Tensor *t) { /* hands the reference over */
    return t ? py_from_object(&t->object) : PY_FAIL;
}
Tensor *tensor_of(PyValue v);              /* NULL if it is no tensor */
void tensor_release(PyCtx *py, Tensor *t); /* NULL is fine */
/* New contiguous tensors. tensor_new: zeroed and written, for results of operations;
 * tensor_new_unwritten: as torch.empty. NULL: OutOfMemoryError (or too many dimensions) raised. */
Tensor *tensor_new(PyCtx *py, DType dtype, const Dims *shape, bool on_device);
Tensor *tensor_new_unwritten(PyCtx *py, DType dtype, const Dims *shape, bool on_device);
Tensor *tensor_new_like(PyCtx *py, const Tensor *t, DType dtype);
/* A 0-dimensional tensor. */
Tensor *tensor_new_scalar(PyCtx *py, DType dtype, Num value, bool on_device);
/* Another view of the same memory. */
Tensor *tensor_alias(PyCtx *py, const Tensor *t);
/* `t` itself (a new reference) if it is of that type and place, else a converted copy. */
Tensor *tensor_convert(PyCtx *py, Tensor *t, DType dtype, bool on_device);
Tensor *tensor_contiguous(PyCtx *py, Tensor *t); /* a new reference to t or to a copy */
Dims tensor_shape(const Tensor *t);
int64_t view_numel(const MemView *view);
bool view_is_contiguous(const MemView *view);
int64_t dims_numel(const Dims *shape);
void view_set_contiguous(MemView *view, const Dims *shape);
/* The one element of a tensor as a Python value. */
PyValue tensor_item(PyCtx *py, const Tensor *t);
PyValue num_to_value(PyCtx *py, DType dtype, Num value);
/* A Python number (bool, int, float) as an element of `dtype`; raises RuntimeError on overflow. */
bool num_from_value(PyCtx *py, PyValue v, DType dtype, Num *out);
/* "float", "long int": what PyTorch calls the type in messages ("Float", "Long"). */
const char *torch_scalar_name(DType dtype);
PyValue torch_size(PyCtx *py, const int64_t *dims, unsigned rank);
/* What max(dim=...), topk, sort return: a tuple with names. Takes over both references. */
PyValue torch_result(PyCtx *py, const char *function, Tensor *values, Tensor *indices);
PyValue torch_device(PyCtx *py, bool on_device, bool has_index); /* a torch.device */
PyValue torch_class(PyCtx *py, const PyType *instances);         /* torch.Tensor and the like */
PyValue torch_event(PyCtx *py);
PyValue torch_generator(PyCtx *py);
PyValue torch_context(PyCtx *py);                    /* a context that changes nothing */
PyValue torch_constant(PyCtx *py, const char *text); /* an object that prints as `text` */
void dims_print(const int64_t *dims, unsigned rank, StrBuf *out); /* [2, 3] */

/* Makes the host's copy of the tensor's memory current before it is read; false: the device failed,
 * reported, KernelFault raised. */
bool tensor_fetch(PyCtx *py, const Tensor *t);
/* Reports why the device failed and raises KernelFault. */
PyValue raise_device_failure(PyCtx *py);
/* As tensor_fetch; also reports the fault TK9041 and raises KernelFault if an element was never
 * written. */
bool tensor_check_written(PyCtx *py, const Tensor *t, const char *operation);
/* Errors unless the tensors are on one device (0-dimensional cpu tensors may join any). */
bool tensors_same_device(PyCtx *py, Tensor *const *tensors, unsigned len, bool *on_device);

/* ---- views (torch_view.c) -------------------------------------------------------------------- */

/* The shapes broadcast together; false with RuntimeError raised. */
bool dims_broadcast(PyCtx *py, Dims *into, const Dims *other);
/* The view stretched to `shape` with strides of 0; false if it does not fit (nothing raised). */
bool view_expand(MemView *view, const Dims *shape);
PyValue raise_expand_error(PyCtx *py, const MemView *view, const Dims *target);
void view_permute(MemView *view, const unsigned *order);
void view_remove_dim(MemView *view, unsigned dim);
/* The same memory with another shape, if strides allow; false otherwise. */
bool view_reshape(MemView *view, const Dims *shape);
/* Fills in one -1; RuntimeError if the number of elements differs. */
bool dims_infer(PyCtx *py, Dims *shape, int64_t numel);
void view_narrow(MemView *view, unsigned dim, int64_t start, int64_t len, int64_t step);
Tensor *tensor_reshape(PyCtx *py, Tensor *t, const Dims *shape); /* a view or a copy */
PyValue torch_subscript(PyCtx *py, PyValue self, PyValue index);
bool torch_set_subscript(PyCtx *py, PyValue self, PyValue index, PyValue value);
Tensor *tensor_select(PyCtx *py, const Tensor *t, unsigned dim, int64_t index);

/* ---- strided blocks (torch_strided.c) -------------------------------------------------------- */

/* Elements [start, start + n) of the view in row-major order, as doubles or as integers. */
void view_load(const MemView *view, bool as_float, int64_t start, size_t n, Num *out);
void view_store(const MemView *view, bool as_float, int64_t start, size_t n, const Num *in);
/* Rounds (or wraps) block values to the nearest of `dtype`. */
void num_round(DType dtype, Num *values, size_t n);
/* Drops dimensions of size 1 and merges neighbours that all views run through in one go. */
void views_coalesce(MemView *const *views, unsigned len);
Num view_element(const MemView *view, int64_t index); /* as dtype_is_float(view->dtype) says */

#define ELEMENTWISE_MAX_IN 3
/* out[i] = kernel(in0[i], in1[i], ...), blocked and threaded. */
typedef void (*NumKernel)(const Num *const *in, Num *out, size_t n, const double *params);
typedef struct ElementwiseInput {
    MemView view;   /* of the output's shape */
    bool is_scalar; /* then `scalar` instead of a view */
    Num scalar;
    DType rounded; /* converted to this type before computing; DT_COUNT: as it is */
} ElementwiseInput;
typedef struct Elementwise {
    MemView out;
    bool in_float, out_float; /* which half of Num the kernel reads and writes */
    unsigned num_in;
    ElementwiseInput in[ELEMENTWISE_MAX_IN];
    NumKernel kernel;
    const double *params;
} Elementwise;
void elementwise_run(TorchState *state, Elementwise *work);
/* Copies and converts; the shapes are equal. */
void view_copy(TorchState *state, const MemView *dst, const MemView *src);
void view_fill(TorchState *state, const MemView *dst, Num value);

/* ---- elementwise operations (torch_elementwise.c) -------------------------------------------- */

typedef enum UnaryOp {
#define UNARY_FLOAT(name, where, expr, doc)        UNARY_OP_##name,
#define UNARY_BOTH(name, where, fexpr, iexpr, doc) UNARY_OP_##name,
#define UNARY_TEST(name, where, fexpr, iexpr, doc) UNARY_OP_##name,
#include "runtime/host/torch_unary.def"
    UNARY_OP_COUNT
} UnaryOp;
typedef enum BinaryOp {
#define BINARY(name, where, rule, fexpr, iexpr, doc) BINARY_OP_##name,
#include "runtime/host/torch_binary.def"
    BINARY_OP_COUNT
} BinaryOp;
PyValue torch_unary(PyCtx *py, UnaryOp op, Tensor *input, const double *params);
/* Either operand may be a Python number. */
PyValue torch_binary(PyCtx *py, BinaryOp op, PyValue a, PyValue b);
/* PyTorch's promotion: tensors with dimensions, then 0-dimensional ones, then Python numbers. */
bool torch_result_type(PyCtx *py, const PyValue *operands, unsigned len, DType *out);
bool torch_promote(PyCtx *py, DType a, DType b, DType *out);
bool torch_is_number(PyValue v); /* a Python bool, int or float */

/* A tensor from nested lists, numbers or another tensor; DT_COUNT: the type is inferred. */
PyValue torch_tensor_from_data(PyCtx *py, PyValue data, DType dtype, bool on_device);

/* ---- shared by the files of operations ------------------------------------------------------- */

void rng_seed_default(Rng *rng);

/* PyTorch's matmul, which broadcasts batches and takes vectors. */
Tensor *tensor_matmul(PyCtx *py, Tensor *a, Tensor *b);

/* Reductions (torch_reduce.c): what one result knows while elements are folded in. */
typedef struct Accumulator {
    Num value;
    double extra;  /* sum of squared deviations, or of scaled exponentials */
    int64_t count; /* elements folded in */
    int64_t index; /* of `value` among the elements, for argmax and argmin */
} Accumulator;
typedef struct Reducer {
    void (*fold)(Accumulator *acc, const Num *values, size_t n, const double *params);
    void (*merge)(Accumulator *into, const Accumulator *from, const double *params);
    Num (*finish)(const Accumulator *acc, const double *params);
    Num initial;
    bool from_float, out_float; /* which half of Num fold() reads and finish() gives */
} Reducer;
/* Reduces the dimensions whose bit is set in `dims`. `values` (and `indices`, if its alloc is not
 * NULL) have the shape of the dimensions that are left. */
void reduce_run(TorchState *state, const Reducer *reducer, const MemView *in, unsigned dims,
                const double *params, const MemView *values, const MemView *indices);
typedef enum Reduce {
    REDUCE_SUM,
    REDUCE_MEAN,
    REDUCE_PROD,
    REDUCE_MAX,
    REDUCE_MIN,
    REDUCE_ANY,
    REDUCE_ALL,
    REDUCE_COUNT_NONZERO,
    REDUCE_VAR,
    REDUCE_STD,
    REDUCE_NORM,
    REDUCE_LOGSUMEXP,
    REDUCE_COUNT
} Reduce;
/* The dimensions an argument names as a bit mask: none or an empty tuple means all. */
bool arg_dim_mask(const TorchCall *call, unsigned index, unsigned rank, unsigned *mask);
/* The shape left after a reduction. */
Dims reduced_shape(const MemView *view, unsigned mask, bool keepdim);

bool tensor_repr(PyCtx *py, PyValue self, StrBuf *out);

typedef enum Fact {
    FACT_NUMEL,
    FACT_DIM,
    FACT_ELEMENT_SIZE,
    FACT_DATA_PTR,
    FACT_STORAGE_OFFSET,
    FACT_GET_DEVICE,
    FACT_IS_CONTIGUOUS,
    FACT_IS_FLOATING,
    FACT_IS_COMPLEX
} Fact;
typedef enum CudaFact {
    CUDA_IS_AVAILABLE,
    CUDA_NOTHING,
    CUDA_SYNCHRONIZE,
    CUDA_ZERO,
    CUDA_ONE,
    CUDA_ALLOCATED,
    CUDA_PEAK,
    CUDA_RESET_PEAK,
    CUDA_NAME,
    CUDA_CAPABILITY,
    CUDA_PROPERTIES
} CudaFact;

/* All implementations named by torch_ops.def. */
#define TORCH_OP(name, where, impl, ...) PyValue impl(TorchCall *call);
#include "runtime/host/torch_ops.def"
PyValue op_unary(TorchCall *call);
PyValue op_binary(TorchCall *call);

#endif
