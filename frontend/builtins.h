/* builtins.h -- what the builtins_*.c files share.
 *
 * A builtin is a C function `SVal builtin_x(Spec *s, const Call *call)`: it takes its arguments
 * from call->args (in the order of its row in builtins.def, defaults filled in), checks them with
 * the call_* functions, builds IR at s->b and returns the result. Errors are reported at the
 * argument that is wrong, call->ranges[i], in Triton's words where Triton has any.
 */
#ifndef TKC_FRONTEND_BUILTINS_H
#define TKC_FRONTEND_BUILTINS_H

#include "frontend/spec.h"
#include "support/embedded.h"
#include "support/map.h"

/* The last part of the row's name: "load" for "tl.load"; what messages call the function. */
const char *builtin_short_name(const BuiltinRow *row);
static inline const char *call_name(const Call *call) {
    return builtin_short_name(call->builtin->row);
}

/* The tl module of a PyCtx and what was read of the library: made on first use, kept at PyCtx.tl.
 */
typedef struct TlModule {
    PyValue module;
    Map libraries; /* file name -> PyEnv of its functions */
} TlModule;
TlModule *tl_module(PyCtx *py);
/* The texts of frontend/stdlib; each file's name is without ".tk". */
extern const EmbeddedFile stdlib_files[];
extern const size_t stdlib_files_count;

/* tl.PropagateNan.NONE and .ALL */
enum { PROPAGATE_NAN_NONE = 0, PROPAGATE_NAN_ALL = 0xffff };

/* One of a few words: sets *out to its value; None and "" leave it. `what` begins Triton's message:
 * "Cache modifier .xy not supported". */
typedef struct Word {
    const char *text;
    int value;
} Word;
bool call_word(Spec *s, const Call *call, unsigned i, const char *what, const Word *words,
               size_t count, int *out);
/* A scalar tensor or number as a scalar of type `to`, for sizes, strides and offsets. */
bool call_scalar_int(Spec *s, SVal v, TlType to, const char *what, SrcRange range, SVal *out);
/* A tuple (or single value) of run-time integers, each converted to `to`. */
bool call_scalars(Spec *s, const Call *call, unsigned i, TlType to, STuple *out);
bool call_pointer(Spec *s, const Call *call, unsigned i, SVal *out); /* a pointer or tile of such */
bool call_desc(Spec *s, const Call *call, unsigned i, SVal *out);
bool call_block_pointer(Spec *s, const Call *call, unsigned i, SVal *out);
/* The int a shape or axis list's i-th item is; false and a message if it is no constexpr int. */
bool const_int_item(Spec *s, SVal v, const char *what, SrcRange range, int64_t *out);

/* "[128, 64]" of a shape, for messages. */
const char *shape_text(Spec *s, const int64_t *shape, unsigned rank);
/* A tile type with this shape (rank 0: the scalar). */
const IrType *tile_type(Spec *s, TlType elem, const int64_t *shape, unsigned rank);
/* The single result of an operation with these operands. */
IrValue *build_value(Spec *s, IrOpcode code, IrValue *const *operands, unsigned count,
                     const IrType *type);
/* Brings tensors to their common shape. */
bool broadcast_all(Spec *s, SVal *values, size_t count, SrcRange range);
SVal unary_value(Spec *s, IrOpcode code, SVal v);
SVal binary_value(Spec *s, IrOpcode code, SVal a, SVal b);

/* Every function of libdevice (builtins_libdevice.c); the row's doc holds its overloads. */
SVal builtin_libdevice(Spec *s, const Call *call);

/* The name of a dtype of other hardware (tl.float8e4b8), NULL if `v` is none. */
const char *tl_unsupported_dtype(PyValue v);
/* What builtin `row` gives when host code calls it; it raises for those of kernels only. */
PyValue builtin_host_call(PyCtx *py, const BuiltinRow *row, const PyArgs *args);

#endif
