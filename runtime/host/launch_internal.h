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

struct Collected;               /* launches that tkc.fuse takes together (launch_fuse.c) */
struct Building;                /* launches that tkc.build makes C of (launch_build.c) */
typedef struct Pending Pending; /* a specialisation to be compiled later (launch_together.c) */
struct LaunchState {
    PyCtx *py;
    LaunchConfig config;
    IrContext *ir;
    Map variants;         /* key text -> Variant */
    VEC(Variant *) known; /* all in `variants` */
    VEC(Variant *) order; /* those compiled */
    unsigned collecting;  /* > 0: kernel.warmup() leaves compiling for later */
    VEC(Pending *) pending;
    struct Collected *fusing;  /* tkc.fuse is collecting launches; or NULL */
    struct Building *building; /* tkc.build is; or NULL */
    struct Trace *trace;       /* tkc.trace is recording; or NULL */
    bool trying; /* autotuning tries configurations: what it launches does not count as used */
    bool faulted;
};

/* Matches arguments to parameters and launch options; TypeError or KeyError if they do not fit. */
bool launch_bind(Launch *launch);
/* Evaluates and checks the grid. */
bool launch_grid(Launch *launch, PyValue grid);
/* Describes the bound values: launch->params for the compiler, launch->device_args for the run. */
bool launch_describe(Launch *launch);

/* Runs a variant over launch->grid with launch->device_args; false with an exception. */
bool launch_run_variant(LaunchState *state, const Launch *launch, const Variant *variant);
/* Raises what was reported since `from`, with a note that says where the launch is. */
PyValue launch_error(const Launch *launch, size_t from, PyExc exc);
/* Has a variant under `key` from now on. */
void launch_know(LaunchState *state, const char *key, Variant *variant, PyValue jit);

/* Between begin and end, which nest, kernel.warmup() specialises only; the last end compiles what
 * was left, on all threads at once. What could not be compiled says so when it is launched. */
void launch_collect_begin(LaunchState *state);
void launch_collect_end(LaunchState *state);
/* Leaves compiling for later; false: that is not wanted now. */
bool launch_leave(LaunchState *state, Variant *variant);
void launch_forget_pending(LaunchState *state);
IrModule *launch_tile_copy(LaunchState *state, const IrModule *module);
/* Notes a launch instead of running it; false with an exception. */
bool launch_collect(struct Collected *collected, const Launch *launch, const Variant *variant);

void launch_note(struct Building *building, const Variant *variant);

/* What tkc.trace records (launch_trace.c). */
typedef struct Trace Trace;
/* Something that the host does: its number for trace_end. */
size_t trace_begin(Trace *trace, const char *category, const char *name);
void trace_end(Trace *trace, size_t index);
/* Around a launch: before it, and behind it. */
size_t trace_launch(Trace *trace, Device *device, const Launch *launch, const Variant *variant);
void trace_launched(Trace *trace, Device *device, size_t index);
/* Ends it without a file; does nothing if none is recorded. */
void trace_drop(LaunchState *state);

/* The functions of the module tkc as lib/tkc.py calls them. */
PyValue tkc_fuse(PyCtx *py, void *data, const PyArgs *args);
PyValue tkc_build(PyCtx *py, void *data, const PyArgs *args);
PyValue tkc_trace_begin(PyCtx *py, void *data, const PyArgs *args);
PyValue tkc_trace_end(PyCtx *py, void *data, const PyArgs *args);
PyValue tkc_span_begin(PyCtx *py, void *data, const PyArgs *args);
PyValue tkc_span_end(PyCtx *py, void *data, const PyArgs *args);

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
