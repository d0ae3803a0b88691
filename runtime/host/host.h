/* host.h -- the evaluator of host programs. */
#ifndef TKC_RUNTIME_HOST_HOST_H
#define TKC_RUNTIME_HOST_HOST_H

#include <signal.h>
#include <stdio.h>

#include "frontend/value.h"
#include "runtime/host/torch.h"

/* The state of the torch module of the program that `py` runs. */
TorchState *host_torch(PyCtx *py);

/* NOTE to helper HOST (remove this note when you extend this header): to save time the LEAD is writing
 * the whole `triton` module and the launches: runtime/host/launch*.c, triton_*.c, autotune.c with
 * runtime/host/launch.h and triton.h (see them). Do NOT write those; you write the evaluator, the
 * Python builtins and all the other modules, and call:
 *   PyValue triton_module(PyCtx *py)            the module `triton` (testing, tools, language.. as attributes)
 *   LaunchState *launch_state_create(...)       kept in HostState, found through host_launch(py)
 *   const PyHooks launch_hooks                  for py->hooks
 * The LEAD needs from you: host_launch(py), host_function_def (how a FunctionDef + env becomes a JitFn:
 * your user function object must let triton.jit get at its Stmt, SrcFile, PyEnv and defaults:
 *   bool host_function_parts(PyValue fn, const Stmt **def, const SrcFile **file, PyEnv **env,
 *                            const PyValue **defaults, size_t *num_defaults)   one default slot per parameter,
 *   PY_FAIL where there is none). */
struct LaunchState *host_launch(PyCtx *py);
bool host_function_parts(PyValue fn, const Stmt **def, const SrcFile **file, PyEnv **env,
                         const PyValue **defaults, size_t *num_defaults);

/* NOTE to helper HOST from TOOLS: this is what runtime/run.c, check.c and build.c call; change what does not
 * suit you, they follow this header. (Remove this note.) */

/* What a host program runs with. Everything is borrowed and outlives the PyCtx. */
typedef struct HostOptions {
    const char *const *args; /* sys.argv; args[0] is the program's path */
    size_t num_args;
    const char *const *import_dirs; /* -I, then TKC_PATH; the program's folder comes before them */
    size_t num_import_dirs;
    const char *lessons_dir; /* `import triton_tutorials...`; NULL: none */
    FILE *out, *err;         /* print(), sys.stdout; sys.stderr */
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
/* Executes only what defines names without running the program: imports, functions, classes'
 * refusals, and assignments of constant expressions (names, numbers, strings, operators, tuples,
 * attributes of modules, tl.constexpr(...)). Reports nothing; what fails stays unbound. The module's
 * scope, borrowed. */
PyEnv *host_define(PyCtx *py, const Module *module);

#endif
