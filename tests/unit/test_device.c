/* Test of the cpu device behind the interface that all devices share. */
#include <criterion/criterion.h>

#include "interp_world.h"
#include "runtime/device.h"

Test(device, the_cpu_device_runs_a_kernel) {
    World w;
    world_open(&w);
    Device *device = device_cpu_create(&w.oom);
    cr_assert_str_eq(device->ops->name, "cpu");
    MemAlloc *alloc = mem_alloc(device->space, 16, 4, MEM_UNWRITTEN);
    InterpArg out = {.kind = INTERP_VIEW};
    out.view = (MemView){.alloc = alloc, .dtype = DT_I32, .rank = 1, .shape = {4}, .strides = {1}};
    const IrKernel *ir =
        world_kernel(&w, "kernel @k(%out: ptr<i32>) num_warps = 4 num_stages = 3 {\n"
                         "    %pid = program_id 0 : i32\n"
                         "    %p = addptr %out, %pid : ptr<i32>\n"
                         "    store %p, %pid\n    return\n}\n");
    DeviceKernel *kernel = device->ops->compile(device, w.arena, ir, w.diags);
    cr_assert_not_null(kernel);
    DeviceLaunch launch = {.grid = {4, 1, 1}, .args = &out, .num_args = 1, .options = &w.options};
    cr_assert_eq(device->ops->launch(device, kernel, &launch, w.diags), DEVICE_OK);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(((const int32_t *)(const void *)alloc->data)[i], i);
    launch.grid[0] = 5;
    cr_assert_eq(device->ops->launch(device, kernel, &launch, w.diags), DEVICE_FAULT);
    device->ops->destroy(device);
    world_close(&w);
}
