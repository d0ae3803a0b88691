/* launch.h -- kernel[grid](...): from a call on the host to a grid of programs on a device.
 *
 * A launch binds its arguments to the kernel's parameters, describes each by what the compiler may
 * know of it (the specialisation), compiles what was not compiled before, and runs the grid.
 */
#ifndef TKC_RUNTIME_HOST_LAUNCH_H
#define TKC_RUNTIME_HOST_LAUNCH_H

#include "frontend/specialise.h"
#include "runtime/cache.h"
#include "runtime/device.h"

struct Variant;
/* What tkc.build(...) asks for. */
typedef struct LaunchBuild {
    const struct Variant *const *variants; /* what the functions launched, in order */
    size_t num_variants;
    const char *output;      /* a folder */
    const char *name, *grid; /* or NULL */
    const char *const *targets;
    size_t num_targets; /* 0: the usual one */
    bool embeds_ptx, embeds_cubin;
    Arena *arena;       /* for `paths` */
    const char **paths; /* set by the builder: the files that it wrote */
    size_t num_paths;
} LaunchBuild;
typedef struct LaunchBuilder {
    void *data;
    bool (*build)(void *data, PyCtx *py, LaunchBuild *build); /* false: reported */
} LaunchBuilder;

/* Somebody who runs launches in the device's stead, or has them observed. */
typedef struct LaunchWatch {
    void *data;
    /* *stop: the program ends here, as by sys.exit(). */
    DeviceStatus (*launch)(void *data, const struct Variant *variant, const DeviceLaunch *launch,
                           Diags *diags, bool *stop);
} LaunchWatch;

typedef struct LaunchConfig {
    Device *device;
    const LaunchWatch *watch;     /* NULL: nobody; it does not see what autotuning tries */
    const LaunchBuilder *builder; /* NULL: tkc.build is refused */
    InterpOptions interp;
    bool keep_tile;   /* keep the IR as the specialiser made it, for tkc build */
    FILE *out;        /* where static_print goes */
    Cache *tuned;     /* where results of autotuning are kept, or NULL */
    const char *salt; /* what they depend on besides device, kernel and key: this tkc */
} LaunchConfig;

/* One distinct specialisation of a kernel. */
typedef struct Variant {
    PyValue jit;             /* the JITFunction, counted */
    const char *signature;   /* "*fp32:16, i32, 1024" */
    const SpecParam *params; /* the same, one a parameter; constants are counted; NULL: fused */
    bool used;               /* launched, not only tried by autotuning */
    SpecOptions options;
    IrModule *tile;                /* before the passes; NULL unless LaunchConfig.keep_tile */
    IrModule *optimised;           /* after them */
    DeviceKernel *code;            /* NULL: not compiled yet, or refused */
    bool left;                     /* to be compiled later (launch_together.c) */
    Diag **refused;                /* why it cannot be compiled */
    size_t num_refused;            /* 0: it can, as far as is known */
    const struct PassStats *fused; /* what fusing counted; NULL unless tkc.fuse made this */
} Variant;

typedef struct LaunchState LaunchState;
/* One per host program; `config` is copied, what it points to must outlive the state. */
LaunchState *launch_state_create(PyCtx *py, const LaunchConfig *config);
/* Before the PyCtx is destroyed. */
void launch_state_destroy(LaunchState *state);
/* What was compiled so far, in the order of first use. */
size_t launch_num_variants(const LaunchState *state);
const Variant *launch_variant(const LaunchState *state, size_t index);
Device *launch_device(const LaunchState *state);
const LaunchConfig *launch_config(const LaunchState *state);
/* A device found a fault: the program's exit status is 3 whatever it catches. */
bool launch_faulted(const LaunchState *state);
/* It was found elsewhere than at a launch. NULL is fine. */
void launch_mark_faulted(LaunchState *state);

/* For PyCtx.hooks: kernel[grid], kernel(...), kernel.attribute. */
extern const PyHooks launch_hooks;

/* Runs `jit` over `grid` (a tuple, or a function of the bound arguments); with `compile_only` it
 * stops after compiling (kernel.warmup). A compiled-kernel object, or PY_FAIL. */
PyValue launch_run(PyCtx *py, PyValue jit, PyValue grid, const PyArgs *args, bool compile_only);

#endif
