/* host.h -- the evaluator of host programs: Python's statements around the kernels.
 *
 * A tree walker over the syntax tree of frontend/ast.h with the values of frontend/value.h. The
 * language is a subset of Python 3.12 (docs/language.md); what it refuses it refuses by name.
 */
#ifndef TKC_RUNTIME_HOST_HOST_H
#define TKC_RUNTIME_HOST_HOST_H

#include <signal.h>
#include <stdio.h>

#include "frontend/value.h"
#include "runtime/host/torch.h"

/* A module that no search in folders finds. */
typedef struct HostModule {
    const char *name; /* "triton_tutorials.lessons.beginner.lesson_01_gpu_fundamentals" */
    const char *path; /* the file that it is, or what diagnostics call `text` */
    const char *text; /* NULL: read from the file */
    size_t len;
    bool first; /* it comes before all files; else it is for where none has this name */
} HostModule;

/* What a host program runs with. Everything is borrowed and outlives the PyCtx. */
typedef struct HostOptions {
    const char *const *args; /* sys.argv; args[0] is the program's path */
    size_t num_args;
    const char *const *import_dirs; /* -I, then TKC_PATH; the program's folder comes before them */
    size_t num_import_dirs;
    const HostModule *modules;
    size_t num_modules;
    FILE *out, *err;                     /* print(), sys.stdout; sys.stderr */
    const volatile sig_atomic_t *cancel; /* set: stop soon with HOST_CANCELLED; may be NULL */
    TorchState *torch;
    struct LaunchState *launch; /* NULL: launches are refused (check, build of one kernel) */
} HostOptions;

typedef enum HostStatus {
    HOST_OK,
    HOST_EXCEPTION, /* an exception nobody caught: reported, with the calls that led to it */
    HOST_FAULT,     /* a checking device found a fault: reported */
    HOST_EXIT,      /* sys.exit(): *exit_status */
    HOST_CANCELLED
} HostStatus;

/* Gives `py` a HostState; false if that fails (an exception is pending). host_destroy() frees it,
 * before py_ctx_destroy(). */
bool host_create(PyCtx *py, const HostOptions *options);
void host_destroy(PyCtx *py);
/* Runs a parsed program as __main__. */
HostStatus host_run(PyCtx *py, const Module *module, int *exit_status);
/* Executes only what defines names without running the program: imports, functions, classes, and
 * assignments of constant expressions (names, numbers, strings, operators, tuples, attributes of
 * modules, tl.constexpr(...)). Reports modules, and attributes of modules, that do not exist; what
 * else fails stays unbound. The module's scope, borrowed. */
PyEnv *host_define(PyCtx *py, const Module *module);

/* What the options named, for the modules torch and triton. */
TorchState *host_torch(PyCtx *py);
struct LaunchState *host_launch(PyCtx *py);
/* Takes a function written with `def` apart, for triton.jit: its statement, file and scope, and one
 * default (borrowed; PY_FAIL: none) per parameter, positional ones first. False: it is no such
 * function. */
bool host_function_parts(PyValue fn, const Stmt **def, const SrcFile **file, PyEnv **env,
                         const PyValue **defaults, size_t *num_defaults);

#endif
