/* torch.h -- the built-in module `torch`: host tensors with the names and semantics of PyTorch.
 *
 * Tensors of device 'cuda' live in the MemSpace of the device that the program runs on; tensors of
 * device 'cpu' live in a MemSpace of their own, which kernels cannot reach. Reference operations
 * compute in double precision (integers in 64 bits) and round once to the result's type: they never
 * use the compiler under test. Reading an element that nobody wrote is a fault (TK9041).
 *
 * The operations themselves are rows of torch_ops.def; torch_internal.h is what the files of this
 * module share. Everything here follows the conventions of frontend/value.h.
 */
#ifndef TKC_RUNTIME_HOST_TORCH_H
#define TKC_RUNTIME_HOST_TORCH_H

#include "frontend/value.h"
#include "ir/interp/memory.h"
#include "support/threads.h"

struct Device; /* runtime/device.h */

/* What the module keeps between calls: memory, threads, the random generator. One per PyCtx; it
 * must outlive the PyCtx, whose last objects give their memory back to it. */
typedef struct TorchState TorchState;
/* `device` and `pool` are borrowed. If memory runs out, `oom` is told. */
TorchState *torch_state_create(OomHandler *oom, struct Device *device, ThreadPool *pool);
void torch_state_destroy(TorchState *state); /* NULL is fine */
/* The state of this host program: what runtime/host keeps for us (host_torch() in host.h). */
TorchState *torch_state(PyCtx *py);

/* The module object `torch`, with its submodules as attributes. A new reference. */
PyValue torch_module(PyCtx *py);
/* The module that `import NAME` names: "torch", "torch.nn.functional", "torch.cuda" ...;
 * *found false (and PY_NONE) if there is none. */
PyValue torch_import(PyCtx *py, const char *name, bool *found);

/* ---- tensors --------------------------------------------------------------------------------- */

bool torch_is_tensor(PyValue value);
/* The memory behind a tensor (borrowed) and where it lives; false if `value` is no tensor. */
bool torch_tensor_view(PyValue value, MemView *view, bool *on_device);
/* A tensor over existing memory; keeps a reference of its own to view->alloc. */
PyValue torch_tensor_from_view(PyCtx *py, const MemView *view, bool on_device);
/* A copy in new memory of the same shape, strides and device. Elements that nobody wrote stay
 * unwritten in the copy. */
PyValue torch_clone_tensor(PyCtx *py, PyValue tensor);
/* Where the first element is that nobody wrote, a tuple of indices; None: none is. */
PyValue torch_first_unwritten(PyCtx *py, PyValue tensor);
/* dst.copy_(src): broadcasts and converts. Unwritten elements of a source of the same shape, type
 * and strides stay unwritten; otherwise reading them is a fault. */
bool torch_copy_into(PyCtx *py, PyValue dst, PyValue src);
/* Are these the same results but for rounding? All elements are as close as
 * torch.testing.assert_close demands by default for the type, or as close, compared with the
 * largest one: a sum of large terms that happens to be small has the errors of the terms. -1:
 * failed with an exception pending. */
int torch_all_near(PyCtx *py, PyValue actual, PyValue expected);
/* The one element of a tensor as an int, float or bool: for float(x), int(x), math.sqrt(x). */
PyValue torch_item(PyCtx *py, PyValue tensor);
/* `self OP= other` of a tensor (x += 1 changes x in place). A new reference to self, or PY_FAIL. */
PyValue torch_inplace_binary(PyCtx *py, BinOpKind op, PyValue self, PyValue other);

/* ---- other objects of the module ------------------------------------------------------------- */

/* torch.float32 and the like: is `value` one, and which? */
bool torch_as_dtype(PyValue value, DType *out);
PyValue torch_dtype(PyCtx *py, DType dtype); /* a new reference */
/* x.shape: prints as torch.Size([2, 3]) and otherwise behaves like a tuple. */
bool torch_is_size(PyValue value);
/* The tuple inside a torch.Size, borrowed; `value` itself if it is no torch.Size. */
PyValue torch_size_tuple(PyValue value);

/* isinstance() for what this module knows: torch.Tensor, torch.dtype, torch.device, torch.Size and
 * their instances, and that a torch.Size is a tuple. False: decide without it. */
bool torch_isinstance(PyValue value, PyValue class_, bool *is);

/* The text of docs/torch.md. */
void torch_describe(StrBuf *out);

/* ---- the device ------------------------------------------------------------------------------ */

/* Waits for all launches so far; false: one of them failed, reported, KernelFault raised. */
bool torch_synchronize(PyCtx *py);

#endif
