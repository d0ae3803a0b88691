/* cuda_internal.h -- what the files of the cuda device share. */
#ifndef TKC_RUNTIME_CUDA_CUDA_INTERNAL_H
#define TKC_RUNTIME_CUDA_CUDA_INTERNAL_H

#include "runtime/cuda/cuda_device.h"
#include "runtime/cuda/driver.h"

/* ---- device memory (pool.c) ------------------------------------------------------------------ */

#define POOL_NUM_CLASSES 12 /* small blocks: 512 bytes << class, up to 1 MiB */

typedef struct CudaAddresses {
    CudaPtr *items;
    size_t len, cap;
} CudaAddresses;

typedef struct CudaBlock { /* a large block, got from the driver */
    CudaPtr address;
    size_t size;
    bool used;
} CudaBlock;

typedef struct CudaPool {
    const CudaDriver *driver;
    CudaAddresses slabs; /* what small blocks are cut from */
    size_t slab_used;    /* bytes of the last slab */
    CudaAddresses free_small[POOL_NUM_CLASSES];
    CudaBlock *blocks; /* by address */
    size_t num_blocks, cap_blocks;
    size_t reserved; /* bytes got from the driver */
} CudaPool;

/* At least `size` bytes at a multiple of 512; 0 if the device has no more, even after what is kept
 * for later was given back. A block may be reused at once: all work is in one stream. */
CudaPtr cuda_pool_alloc(CudaPool *pool, size_t size);
void cuda_pool_free(CudaPool *pool, CudaPtr address, size_t size);
/* Gives the large blocks that nobody uses back to the driver. */
void cuda_pool_trim(CudaPool *pool);
void cuda_pool_destroy(CudaPool *pool); /* everything, also what is still used */

/* ---- the device ------------------------------------------------------------------------------ */

typedef struct CudaLaunchNote { /* for saying which launch went wrong */
    const char *kernel;
    SrcRange call;
} CudaLaunchNote;

typedef struct CudaDevice {
    Device base;
    OomHandler *oom;
    CudaDriver driver;
    CudaOrdinal device;
    CudaContext context; /* NULL: not retained */
    CudaStream stream;   /* everything is in this one, in order */
    CudaPool pool;
    const DeviceCompiler *compiler;
    const DeviceAssembler *assembler; /* or NULL */
    CudaModule *modules;              /* to be unloaded */
    size_t num_modules, cap_modules;
    CudaPtr flush_buffer; /* 0: not needed so far */
    CudaLaunchNote last;  /* the newest launch */
    size_t pending;       /* launches since the last time that all were known to be done */
    bool pending_differ;  /* they are of several kernels */
    CudaResult error;     /* what made the device unusable; CUDA_SUCCESS: nothing */
    const char *doing;    /* what was tried then, as "copying from the device" */
    bool reported;        /* the error was */
} CudaDevice;

static inline CudaDevice *cuda_device(Device *device) {
    return (CudaDevice *)device;
}

/* ---- errors (errors.c) ----------------------------------------------------------------------- */

/* True if `result` is success; else remembers it as what made the device unusable. */
bool cuda_check(CudaDevice *device, CudaResult result, const char *doing);
/* Reports the remembered error (the first time), or that the device is unusable because of it. */
DeviceStatus cuda_report(CudaDevice *device, Diags *diags, SrcRange here);
/* Reports an error of one call that leaves the device usable. */
void cuda_report_call(CudaDevice *device, Diags *diags, SrcRange here, CudaResult result,
                      const char *doing);
/* Do all later calls fail after this result? */
bool cuda_is_sticky(CudaResult result);

/* ---- code (module.c) ------------------------------------------------------------------------- */

/* The PTX, compiled for the device and loaded; NULL: reported at `range`. From any thread. */
CudaModule cuda_load_module(const CudaDevice *device, Arena *arena, const DeviceCode *code,
                            SrcRange range, Diags *diags);
/* The same of machine code; NULL if the driver cannot take it: nothing is reported. */
CudaModule cuda_load_machine_code(const CudaDevice *device, const char *cubin);
/* Keeps a module until the device is destroyed; its function `code->entry`, or NULL: reported. */
CudaFunction cuda_keep_module(CudaDevice *device, Arena *arena, CudaModule module,
                              const DeviceCode *code, SrcRange range, Diags *diags);

/* ---- kernels and launches (launch.c) --------------------------------------------------------- */

DeviceKernel *cuda_compile(Device *device, Arena *arena, const IrKernel *kernel, Diags *diags);
bool cuda_prepare(Device *device, Arena *arena, const IrKernel *kernel, Diags *diags,
                  DevicePrepared *prepared);
DeviceKernel *cuda_finish(Device *device, Arena *arena, const IrKernel *kernel,
                          const DevicePrepared *prepared, Diags *diags);
DeviceStatus cuda_launch(Device *device, DeviceKernel *kernel, const DeviceLaunch *launch,
                         Diags *diags);
void cuda_describe(const DeviceKernel *kernel, DeviceKernelInfo *info);
/* Waits for everything; false: something failed, remembered. */
bool cuda_wait(CudaDevice *device);

/* ---- memory (mirror.c) ----------------------------------------------------------------------- */

/* Attaches the device to its memory space. */
void cuda_attach(CudaDevice *device);
/* Brings the device's copy up to date; false: failed, remembered. */
bool cuda_upload(CudaDevice *device, MemAlloc *alloc);

#endif
