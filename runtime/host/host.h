/* host.h -- the evaluator of host programs. */
#ifndef TKC_RUNTIME_HOST_HOST_H
#define TKC_RUNTIME_HOST_HOST_H

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

#endif
