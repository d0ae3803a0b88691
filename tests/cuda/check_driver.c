/* check_driver.c -- compiles only if runtime/cuda/driver.def and driver_types.h agree with cuda.h.
 *
 * Prototypes are compared by assigning each function of cuda.h to a pointer of the row's type, with
 * our names for the types standing for cuda.h's. Versioned names (cuMemAlloc_v2) are declared by
 * cuda.h through macros; the older ones only for the driver's own files, hence the first line.
 */
#define __CUDA_API_VERSION_INTERNAL
#include <cuda.h>

#include "runtime/cuda/driver_types.h"

/* ---- values ---------------------------------------------------------------------------------- */

#define CUDA_VALUE(name, value) _Static_assert((int)name == (value), #name);
#include "runtime/cuda/driver.def"

/* ---- types ----------------------------------------------------------------------------------- */

_Static_assert(sizeof(CudaResult) == sizeof(CUresult), "CUresult");
_Static_assert(sizeof(CudaOrdinal) == sizeof(CUdevice), "CUdevice");
_Static_assert(sizeof(CudaPtr) == sizeof(CUdeviceptr), "CUdeviceptr");
_Static_assert(sizeof(CudaDeviceAttribute) == sizeof(CUdevice_attribute), "CUdevice_attribute");
_Static_assert(sizeof(CudaFunctionAttribute) == sizeof(CUfunction_attribute), "function attribute");
_Static_assert(sizeof(CudaJitOption) == sizeof(CUjit_option), "CUjit_option");

#define SAME_FIELD(ours, theirs)                                                                   \
    _Static_assert(offsetof(CudaLaunchConfig, ours) == offsetof(CUlaunchConfig, theirs), #ours);   \
    _Static_assert(sizeof(((CudaLaunchConfig *)0)->ours) == sizeof(((CUlaunchConfig *)0)->theirs), \
                   #ours);
SAME_FIELD(grid_x, gridDimX)
SAME_FIELD(grid_y, gridDimY)
SAME_FIELD(grid_z, gridDimZ)
SAME_FIELD(block_x, blockDimX)
SAME_FIELD(block_y, blockDimY)
SAME_FIELD(block_z, blockDimZ)
SAME_FIELD(shared_bytes, sharedMemBytes)
SAME_FIELD(stream, hStream)
SAME_FIELD(attributes, attrs)
SAME_FIELD(num_attributes, numAttrs)
_Static_assert(sizeof(CudaLaunchConfig) == sizeof(CUlaunchConfig), "CUlaunchConfig");

/* ---- prototypes ------------------------------------------------------------------------------ */

#define CudaResult            CUresult
#define CudaOrdinal           CUdevice
#define CudaPtr               CUdeviceptr
#define CudaContext           CUcontext
#define CudaModule            CUmodule
#define CudaFunction          CUfunction
#define CudaStream            CUstream
#define CudaEvent             CUevent
#define CudaDeviceAttribute   CUdevice_attribute
#define CudaFunctionAttribute CUfunction_attribute
#define CudaJitOption         CUjit_option
#define CudaLaunchConfig      CUlaunchConfig

#define CUDA_FN(symbol, field, parameters) CUresult(*const check_##symbol) parameters = symbol;
#include "runtime/cuda/driver.def"
