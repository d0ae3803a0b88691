/* triton.h -- the built-in module `triton`. */
#ifndef TKC_RUNTIME_HOST_TRITON_H
#define TKC_RUNTIME_HOST_TRITON_H

#include "frontend/value.h"

/* The module that `import NAME` names: "triton", "triton.language", "triton.testing" ...; a new
 * reference. *found false (and PY_NONE) if there is none; PY_FAIL with an exception if making it
 * failed. */
PyValue triton_import(PyCtx *py, const char *name, bool *found);

#endif
