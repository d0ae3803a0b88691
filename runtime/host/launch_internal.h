/* launch_internal.h -- what the files of a launch share. */
#ifndef TKC_RUNTIME_HOST_LAUNCH_INTERNAL_H
#define TKC_RUNTIME_HOST_LAUNCH_INTERNAL_H

#include "runtime/host/host.h"
#include "runtime/host/launch.h"

/* One launch on its way. All values are borrowed from the call. */
typedef struct Launch {
    PyCtx *py;
    JitFn *fn;
    const PyArgs *args;
    PyValue *values;  /* one per parameter */
    SrcRange *ranges; /* where each was written; SRC_NONE for defaults */
    SpecOptions options;
    int64_t grid[3];
    SpecParam *params;
    VEC(InterpArg) device_args;
} Launch;

/* Matches arguments to parameters and launch options; TypeError or KeyError if they do not fit. */
bool launch_bind(Launch *launch);
/* Evaluates and checks the grid. */
bool launch_grid(Launch *launch, PyValue grid);
/* Describes the bound values: launch->params for the compiler, launch->device_args for the run. */
bool launch_describe(Launch *launch);

/* triton.tools.tensor_descriptor.TensorDescriptor (tensor_descriptor.c). */
typedef struct TensorDescriptor {
    PyObject base;
    PyValue tensor, shape, strides, block_shape; /* the last three are lists */
    PyValue padding;
} TensorDescriptor;
extern const PyType tensor_descriptor_type;
PyValue tensor_descriptor_class(PyCtx *py);

/* Runs a kernel over `grid` with the launch options that a variant of it was compiled with. */
PyValue launch_again(PyCtx *py, const Variant *variant, PyValue grid, const PyArgs *args);

/* What launch_run returns (compiled_kernel.c). Borrows the variant. */
PyValue compiled_kernel(PyCtx *py, const Variant *variant);

#endif
