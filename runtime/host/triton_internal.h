/* triton_internal.h -- what the files of the module `triton` share. */
#ifndef TKC_RUNTIME_HOST_TRITON_INTERNAL_H
#define TKC_RUNTIME_HOST_TRITON_INTERNAL_H

#include "runtime/host/launch_internal.h"
#include "runtime/host/triton.h"
#include "support/embedded.h"

extern const EmbeddedFile host_library[];
extern const size_t host_library_count;

/* Evaluates runtime/host/lib/NAME.py as a module called `module_name`, with `_tkc` and `torch`
 * bound; PY_FAIL with an exception if that fails. */
PyValue library_module(PyCtx *py, const char *name, const char *module_name);
/* Adds to the module `_tkc` what autotuning needs (triton_tune.c). */
void triton_tune_functions(PyCtx *py, PyValue module);
/* Binds the class of an exception in a module. */
void triton_add_exception(PyCtx *py, PyValue module, const char *name, PyExc exc);
/* triton.jit. */
PyValue triton_jit(PyCtx *py, void *data, const PyArgs *args);

#endif
