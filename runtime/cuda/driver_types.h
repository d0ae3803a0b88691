/* driver_types.h -- the types of the CUDA driver API that tkc uses, written down here.
 *
 * tkc builds without the CUDA toolkit, so it cannot include cuda.h. Handles are opaque pointers,
 * enumerations are ints with the values of driver.def; tests/cuda/check_driver.c holds sizes,
 * offsets, values and prototypes against cuda.h where the toolkit is installed.
 */
#ifndef TKC_RUNTIME_CUDA_DRIVER_TYPES_H
#define TKC_RUNTIME_CUDA_DRIVER_TYPES_H

#include <stddef.h>

typedef int CudaResult;             /* CUresult: 0 is success */
typedef int CudaOrdinal;            /* CUdevice */
typedef unsigned long long CudaPtr; /* CUdeviceptr */

typedef struct CUctx_st *CudaContext;
typedef struct CUmod_st *CudaModule;
typedef struct CUfunc_st *CudaFunction;
typedef struct CUstream_st *CudaStream;
typedef struct CUevent_st *CudaEvent;

typedef int CudaDeviceAttribute;   /* CUdevice_attribute */
typedef int CudaFunctionAttribute; /* CUfunction_attribute */
typedef int CudaJitOption;         /* CUjit_option */

typedef struct CudaLaunchConfig { /* CUlaunchConfig */
    unsigned grid_x, grid_y, grid_z;
    unsigned block_x, block_y, block_z;
    unsigned shared_bytes; /* dynamic shared memory of a block */
    CudaStream stream;
    void *attributes; /* CUlaunchAttribute array: tkc passes none */
    unsigned num_attributes;
} CudaLaunchConfig;

#endif
