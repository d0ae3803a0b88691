/* cpu.c -- the cpu device: ir/interp behind the interface of runtime/device.h.
 *
 * Its memory space is host memory, so host operations work on tensors in place.
 */
#include <stdlib.h>

#include "runtime/device.h"

struct DeviceKernel {
    InterpKernel *code;
};

static DeviceKernel *cpu_compile(Device *device, Arena *arena, const IrKernel *kernel,
                                 Diags *diags) {
    (void)device;
    InterpKernel *code = interp_compile(arena, kernel, diags);
    if (code == NULL)
        return NULL;
    DeviceKernel *made = ARENA_NEW(arena, DeviceKernel);
    made->code = code;
    return made;
}

static DeviceStatus cpu_launch(Device *device, DeviceKernel *kernel, const DeviceLaunch *launch,
                               Diags *diags) {
    InterpStatus status = interp_launch(kernel->code, device->space, launch->grid, launch->args,
                                        launch->num_args, launch->options, diags, launch->call);
    switch (status) {
    case INTERP_FAULT:
        return DEVICE_FAULT;
    case INTERP_CANCELLED:
        return DEVICE_CANCELLED;
    case INTERP_REFUSED:
        return DEVICE_REFUSED;
    case INTERP_OK:
        break;
    }
    return DEVICE_OK;
}

static void cpu_destroy(Device *device) {
    mem_space_destroy(device->space);
    free(device);
}

Device *device_cpu_create(OomHandler *oom) {
    static const DeviceOps ops = {.name = "cpu",
                                  .checks = true,
                                  .compile = cpu_compile,
                                  .launch = cpu_launch,
                                  .destroy = cpu_destroy};
    Device *device = oom_malloc(oom, sizeof *device);
    *device = (Device){.ops = &ops, .space = mem_space_create(oom)};
    return device;
}
