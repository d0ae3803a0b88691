/* driver.h -- the CUDA driver API, loaded when it is needed.
 *
 * A CudaDriver is a table of the functions of driver.def, found in libcuda.so.1 with dlopen: tkc
 * needs no CUDA header or library to build, and runs where there is none.
 *
 *     CudaDriver driver;
 *     if (cuda_driver_load(&driver, NULL, diags)) {
 *         int count;
 *         driver.device_count(&count);
 *         cuda_driver_unload(&driver);
 *     }
 */
#ifndef TKC_RUNTIME_CUDA_DRIVER_H
#define TKC_RUNTIME_CUDA_DRIVER_H

#include <stdbool.h>

#include "runtime/cuda/driver_types.h"
#include "support/diag.h"

enum CudaValue {
#define CUDA_VALUE(name, value) name = (value),
#include "runtime/cuda/driver.def"
};

typedef struct CudaDriver {
    void *library;
    int version; /* of the driver: 1000 * major + 10 * minor; 13000 is CUDA 13.0 */
#define CUDA_FN(symbol, field, parameters) CudaResult(*field) parameters;
#include "runtime/cuda/driver.def"
} CudaDriver;

/* Opens `library` (NULL: "libcuda.so.1"), finds the functions and calls cuInit. False: reported as
 * TK1000 (no driver), TK1001 (too old) or TK1002 (no device), and nothing stays open. */
bool cuda_driver_load(CudaDriver *driver, const char *library, Diags *diags);
void cuda_driver_unload(CudaDriver *driver);
/* "CUDA_ERROR_ILLEGAL_ADDRESS" and "an illegal memory access was encountered"; never NULL. */
const char *cuda_error_name(const CudaDriver *driver, CudaResult result);
const char *cuda_error_text(const CudaDriver *driver, CudaResult result);

#endif
