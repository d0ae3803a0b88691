/* device.h -- one interface for whatever runs kernels.
 *
 * A device takes a kernel's tile IR, makes it ready (compile), and runs it over a grid (launch).
 * Tensors live in the device's memory space. Devices differ in what `compile` does and where the
 * kernel runs, not in how they are asked; what a launch finds wrong is reported to the Diags given.
 *
 *     Device *device = device_cpu_create(&oom);
 *     DeviceKernel *kernel = device->ops->compile(device, arena, ir, diags);
 *     if (kernel != NULL)
 *         device->ops->launch(device, kernel, &launch, diags);
 *     device->ops->destroy(device);
 */
#ifndef TKC_RUNTIME_DEVICE_H
#define TKC_RUNTIME_DEVICE_H

#include "ir/interp/interp.h"

typedef struct Device Device;
typedef struct DeviceKernel DeviceKernel; /* each device's own; lives in the arena of `compile` */
typedef struct DeviceEvent DeviceEvent;

/* What a device is, as torch.cuda.get_device_properties() tells it. */
typedef struct DeviceProps {
    char name[256];
    int major, minor; /* compute capability */
    int num_multiprocessors, warp_size;
    int max_threads_per_multiprocessor, registers_per_multiprocessor;
    int64_t shared_per_block, shared_per_block_optin, shared_per_multiprocessor; /* bytes */
    int64_t l2_bytes, total_bytes;
    int clock_khz, memory_clock_khz, memory_bus_bits; /* 0: not known */
    int driver_version;                               /* 13000 is CUDA 13.0; 0: none */
} DeviceProps;

/* What the compiler made of a kernel; empty where a device has no such thing. */
typedef struct DeviceKernelInfo {
    int registers, spills; /* of a thread: 32-bit registers, and those kept in memory */
    int64_t shared_bytes;  /* of a block */
    const char *ptx;       /* or NULL */
} DeviceKernelInfo;

/* One kernel as PTX text, and how it is launched: `num_warps` * 32 threads a block. Parameters of
 * the entry follow those of the IR in order: pointers and scalars by their size (i1: one byte); a
 * tensor descriptor as its base pointer, `rank` i64 sizes, `rank` i64 strides, and one byte:
 * whether what lies outside reads as NaN. */
typedef struct DeviceCode {
    const char *ptx; /* NUL-terminated, of ptx_len bytes */
    size_t ptx_len;
    const char *entry;
    unsigned num_warps;
    size_t shared_bytes; /* dynamic shared memory of a block */
} DeviceCode;

/* What the long part of compiling a kernel made. */
typedef struct DevicePrepared {
    DeviceCode code;
    void *module; /* the device's own; or NULL */
} DevicePrepared;

typedef enum DeviceStatus {
    DEVICE_OK,
    DEVICE_FAULT,     /* the kernel did something wrong; reported */
    DEVICE_CANCELLED, /* options->cancel was set */
    DEVICE_REFUSED    /* the device cannot do this; reported */
} DeviceStatus;

typedef struct DeviceLaunch {
    int64_t grid[3];
    const InterpArg *args; /* one per kernel parameter */
    unsigned num_args;
    const InterpOptions *options; /* checks, order of programs, threads, where prints go */
    SrcRange call;                /* the launch in the host program, or SRC_NONE */
} DeviceLaunch;

typedef struct DeviceOps {
    const char *name; /* as in --device=NAME */
    bool checks;      /* it finds faults; results may be used as a reference */
    /* NULL: refused, reported with the op's range. */
    DeviceKernel *(*compile)(Device *device, Arena *arena, const IrKernel *kernel, Diags *diags);
    /* The same in two steps, for many kernels at once; NULL where compiling is short. `prepare`
     * does what takes long. It may be called from any thread, from several at a time if each has an
     * arena, diagnostics and a context of IR types of its own. `finish` makes the kernel; it is
     * called from the thread of all other calls, once for all that was prepared, and keeps nothing
     * of the arena that *prepared lies in. */
    bool (*prepare)(Device *device, Arena *arena, const IrKernel *kernel, Diags *diags,
                    DevicePrepared *prepared);
    DeviceKernel *(*finish)(Device *device, Arena *arena, const IrKernel *kernel,
                            const DevicePrepared *prepared, Diags *diags);
    DeviceStatus (*launch)(Device *device, DeviceKernel *kernel, const DeviceLaunch *launch,
                           Diags *diags);
    void (*destroy)(Device *device);
    /* NULL: there is nothing to tell. */
    void (*describe)(const DeviceKernel *kernel, DeviceKernelInfo *info);
    /* For devices whose launches are still running when they return; NULL: they are complete.
     * synchronize waits for all launches so far and reports what went wrong in them. Events mark
     * moments between launches; event_elapsed waits for both, false: the device failed. */
    DeviceStatus (*synchronize)(Device *device, Diags *diags, SrcRange here);
    DeviceEvent *(*event_create)(Device *device); /* NULL: failed */
    void (*event_record)(Device *device, DeviceEvent *event);
    bool (*event_elapsed)(Device *device, DeviceEvent *start, DeviceEvent *end, double *ms);
    void (*event_destroy)(Device *device, DeviceEvent *event);
    /* Makes the next kernel find nothing of its data in the caches; NULL: no such thing. */
    void (*flush_cache)(Device *device);
    /* The bytes of global memory that all kernels so far have moved, in whole sectors; NULL: the
     * device does not count them. */
    uint64_t (*bytes_moved)(const Device *device);
} DeviceOps;

struct Device { /* the head of each device's own structure */
    const DeviceOps *ops;
    MemSpace *space; /* where its tensors live */
    DeviceProps props;
};

/* Makes DeviceCode of tile IR; false: refused, reported. What *out points to lives in `arena`. */
typedef struct DeviceCompiler {
    void *data;
    bool (*compile)(void *data, Arena *arena, const IrKernel *kernel, Diags *diags,
                    DeviceCode *out);
} DeviceCompiler;

/* Makes machine code of PTX where several kernels are wanted at once: from any thread. NULL: it
 * cannot, and the driver is to compile the PTX. What it returns, `*len` bytes, lies in `arena`. */
typedef struct DeviceAssembler {
    void *data;
    const char *(*assemble)(void *data, Arena *arena, const DeviceCode *code,
                            size_t *len); /* NULL: never */
} DeviceAssembler;

/* The checking interpreter of tile IR. Frees what is still allocated when destroyed. */
Device *device_cpu_create(OomHandler *oom);

#endif
