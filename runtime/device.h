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
    DeviceStatus (*launch)(Device *device, DeviceKernel *kernel, const DeviceLaunch *launch,
                           Diags *diags);
    void (*destroy)(Device *device);
} DeviceOps;

struct Device { /* the head of each device's own structure */
    const DeviceOps *ops;
    MemSpace *space; /* where its tensors live */
};

/* The checking interpreter of tile IR. Frees what is still allocated when destroyed. */
Device *device_cpu_create(OomHandler *oom);

#endif
