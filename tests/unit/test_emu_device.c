/* Test of the emu device behind the interface that all devices share, with a compiler that knows
 * one kernel by heart. */
#include <criterion/criterion.h>

#include "interp_world.h"
#include "runtime/emu/emu_device.h"

static const char *const ir_text =
    "kernel @k(%out: ptr<i32>, %d: desc<4xi32>, %flag: i1) num_warps = 1 num_stages = 3 {\n"
    "    return\n}\n";

/* out[tid] = size + stride + d[tid] + flag, in block 0; the padding is not looked at */
static const char *const ptx_text =
    ".version 8.0\n.target sm_90a\n.address_size 64\n"
    ".visible .entry k(.param .u64 out, .param .u64 base, .param .u64 size,\n"
    "    .param .u64 stride, .param .u8 pad, .param .u8 flag)\n"
    ".reqntid 32\n{\n"
    "    .reg .pred %p<2>;\n    .reg .b16 %rs<2>;\n    .reg .b32 %r<9>;\n    .reg .b64 %rd<9>;\n"
    "    ld.param.u64 %rd1, [out];\n    ld.param.u64 %rd2, [base];\n"
    "    ld.param.u32 %r1, [size];\n    ld.param.u32 %r2, [stride];\n"
    "    ld.param.u8 %rs1, [flag];\n    cvt.u32.u16 %r3, %rs1;\n"
    "    mov.u32 %r4, %tid.x;\n    setp.ge.u32 %p1, %r4, 4;\n    @%p1 ret;\n"
    "    mul.wide.u32 %rd3, %r4, 4;\n    add.u64 %rd4, %rd2, %rd3;\n"
    "    ld.global.u32 %r5, [%rd4];\n    add.u32 %r5, %r5, %r1;\n    add.u32 %r5, %r5, %r2;\n"
    "    add.u32 %r5, %r5, %r3;\n    add.u64 %rd5, %rd1, %rd3;\n"
    "    st.global.u32 [%rd5], %r5;\n    ret;\n}\n";

static bool by_heart(void *data, Arena *arena, const IrKernel *kernel, Diags *diags,
                     DeviceCode *out) {
    (void)data;
    (void)arena;
    (void)diags;
    *out = (DeviceCode){
        .ptx = ptx_text, .ptx_len = strlen(ptx_text), .entry = kernel->name, .num_warps = 1};
    return true;
}

static MemView view_of(Device *device, int64_t count, MemInit init) {
    MemAlloc *alloc = mem_alloc(device->space, (size_t)count * 4, 4, init);
    return (MemView){.alloc = alloc, .dtype = DT_I32, .rank = 1, .shape = {count}, .strides = {1}};
}

Test(emu_device, runs_a_kernel_with_a_descriptor) {
    World w;
    world_open(&w);
    DeviceCompiler compiler = {.compile = by_heart};
    Device *device = device_emu_create(&w.oom, &compiler);
    cr_assert_str_eq(device->ops->name, "emu");
    DeviceKernel *kernel =
        device->ops->compile(device, w.arena, world_kernel(&w, ir_text), w.diags);
    cr_assert_not_null(kernel);
    InterpArg args[] = {
        {.kind = INTERP_VIEW, .view = view_of(device, 4, MEM_UNWRITTEN)},
        {.kind = INTERP_DESC,
         .view = view_of(device, 4, MEM_ZEROED),
         .desc_shape = {100},
         .desc_strides = {1000}},
        {.kind = INTERP_SCALAR, .bits = 1},
    };
    DeviceLaunch launch = {.grid = {1, 1, 1}, .args = args, .num_args = 3, .options = &w.options};
    DeviceEvent *start = device->ops->event_create(device),
                *end = device->ops->event_create(device);
    device->ops->event_record(device, start);
    cr_assert_eq(device->ops->launch(device, kernel, &launch, w.diags), DEVICE_OK);
    device->ops->event_record(device, end);
    double ms = 0;
    cr_assert(device->ops->event_elapsed(device, start, end, &ms));
    cr_assert_gt(ms, 0.0);
    device->ops->event_destroy(device, start);
    device->ops->event_destroy(device, end);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(((const int32_t *)(const void *)args[0].view.alloc->data)[i], 1101);
    args[0].view.shape[0] = 3;
    cr_assert_eq(device->ops->launch(device, kernel, &launch, w.diags), DEVICE_FAULT);
    cr_assert_eq(diags_at(w.diags, 0)->id, DIAG_RUN_STORE_OUTSIDE);
    launch.grid[0] = 0;
    cr_assert_eq(device->ops->launch(device, kernel, &launch, w.diags), DEVICE_OK);
    device->ops->destroy(device);
    world_close(&w);
}
