/* cuda_device.h -- the cuda device: a GPU behind runtime/device.h.
 *
 *     DeviceCompiler compiler = {.data = &codegen, .compile = codegen_compile};
 *     CudaConfig config = {.compiler = &compiler};
 *     Device *device = device_cuda_create(&oom, diags, &config);
 *     if (device == NULL)
 *         return STATUS_NO_DEVICE; // reported: no driver, too old, no such device
 */
#ifndef TKC_RUNTIME_CUDA_CUDA_DEVICE_H
#define TKC_RUNTIME_CUDA_CUDA_DEVICE_H

#include "runtime/device.h"

typedef struct CudaConfig {
    int ordinal;                    /* which GPU */
    const DeviceCompiler *compiler; /* makes the PTX; must outlive the device */
    /* For kernels that are compiled together, since the driver compiles one at a time; or NULL. */
    const DeviceAssembler *assembler;
    const char *library; /* NULL: libcuda.so.1 */
} CudaConfig;

/* NULL: it cannot be used, reported (TK1000 to TK1002). */
Device *device_cuda_create(OomHandler *oom, Diags *diags, const CudaConfig *config);
/* What `tkc doctor` says of device `ordinal` in one line, in `arena`; false: it cannot be used, and
 * the line says why. */
bool device_cuda_probe(Arena *arena, int ordinal, const char **line);

#endif
