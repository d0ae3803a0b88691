/* Tests of the cuda device over tests/cuda/stub_cuda.c, a libcuda.so.1 in host memory. CMake
 * defines STUB_CUDA_LIBRARY and STUB_OLD_LIBRARY. Each test is a process of its own. */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interp_world.h"
#include "runtime/cuda/cuda_internal.h"
#include "runtime/device.h"

/* ---- a device and kernels -------------------------------------------------------------------- */

typedef struct Gpu {
    World w;
    Device *device;
    DeviceCompiler compiler;
    const char *ptx; /* instead of the usual text */
    size_t shared;   /* of the kernels compiled from now on */
    unsigned compiled;
} Gpu;

/* "Compiles" a kernel to an entry of its name, which is all that the stub looks at. */
static bool compile_stub(void *data, Arena *arena, const IrKernel *kernel, Diags *diags,
                         DeviceCode *out) {
    (void)diags;
    Gpu *gpu = data;
    gpu->compiled++;
    const char *ptx =
        gpu->ptx != NULL
            ? gpu->ptx
            : arena_printf(arena, ".version 8.0\n.target sm_90a\n.entry %s() {}\n", kernel->name);
    *out = (DeviceCode){.ptx = ptx,
                        .ptx_len = strlen(ptx),
                        .entry = kernel->name,
                        .num_warps = (unsigned)kernel->num_warps,
                        .shared_bytes = gpu->shared};
    return true;
}

/* False: the device cannot be used, which is in the messages. */
static bool gpu_start(Gpu *gpu, const char *library, const char *settings) {
    setenv("STUB_CUDA", settings, 1);
    world_open(&gpu->w);
    gpu->compiler = (DeviceCompiler){gpu, compile_stub};
    CudaConfig config = {.compiler = &gpu->compiler, .library = library};
    gpu->device = device_cuda_create(&gpu->w.oom, gpu->w.diags, &config);
    return gpu->device != NULL;
}

static void gpu_open(Gpu *gpu, const char *settings) {
    bool started = gpu_start(gpu, STUB_CUDA_LIBRARY, settings);
    cr_assert(started, "%s", world_messages(&gpu->w));
    mem_space_destroy(gpu->w.space);
    gpu->w.space = gpu->device->space;
}

static void gpu_close(Gpu *gpu) {
    if (gpu->device != NULL) {
        gpu->device->ops->destroy(gpu->device);
        gpu->w.space = NULL;
    }
    world_close(&gpu->w);
}

static unsigned calls(const char *name) {
    void *library = dlopen(STUB_CUDA_LIBRARY, RTLD_NOW | RTLD_NOLOAD);
    unsigned (*count)(const char *name);
    cr_assert_not_null(library);
    void *address = dlsym(library, "stub_count");
    memcpy(&count, &address, sizeof count);
    dlclose(library);
    return count(name);
}

#define HEAD " num_warps = 4 num_stages = 3 {\n"
#define ADD                                                                                        \
    "kernel @add(%x: ptr<f32>, %y: ptr<f32>, %out: ptr<f32>, %n: i32)" HEAD                        \
    "    %a = load %x : f32\n    %b = load %y : f32\n    %s = addf %a, %b : f32\n"                 \
    "    store %out, %s\n    return\n}\n"
#define CHASE                                                                                      \
    "kernel @chase(%table: ptr<i64>, %n: i32)" HEAD "    %a = load %table : i64\n"                 \
    "    %p = inttoptr %a : ptr<i32>\n    store %p, %n\n    return\n}\n"
#define SHOW                                                                                       \
    "kernel @show(%out: ptr<i64>, %flag: i1, %h: i16, %d: desc<16x16xf32>)" HEAD                   \
    "    %c = const 1 : i64\n    store %out, %c\n    return\n}\n"
#define FAULT "kernel @fault()" HEAD "    return\n}\n"
#define OTHER "kernel @other()" HEAD "    return\n}\n"

static DeviceKernel *compile(Gpu *gpu, const char *text) {
    return gpu->device->ops->compile(gpu->device, gpu->w.arena, world_kernel(&gpu->w, text),
                                     gpu->w.diags);
}

static DeviceStatus launch_grid(Gpu *gpu, DeviceKernel *kernel, const InterpArg *args,
                                unsigned num_args, int64_t x, int64_t y, int64_t z) {
    DeviceLaunch launch = {
        .grid = {x, y, z}, .args = args, .num_args = num_args, .options = &gpu->w.options};
    return gpu->device->ops->launch(gpu->device, kernel, &launch, gpu->w.diags);
}

#define RUN(gpu, kernel, ...)                                                                      \
    launch_grid(gpu, kernel, (InterpArg[]){__VA_ARGS__},                                           \
                sizeof((InterpArg[]){__VA_ARGS__}) / sizeof(InterpArg), 1, 1, 1)

static DeviceStatus synchronize(Gpu *gpu) {
    return gpu->device->ops->synchronize(gpu->device, gpu->w.diags, SRC_NONE);
}

static float *host_floats(InterpArg tensor) {
    cr_assert(mem_host_write(tensor.view.alloc));
    return world_data(tensor);
}

static void expect_message(Gpu *gpu, const char *text) {
    const char *messages = world_messages(&gpu->w);
    cr_expect(strstr(messages, text) != NULL, "no \"%s\" in:\n%s", text, messages);
}

/* ---- starting -------------------------------------------------------------------------------- */

Test(cuda_start, says_what_the_device_is) {
    Gpu gpu = {0};
    gpu_open(&gpu, "");
    cr_assert_str_eq(gpu.device->ops->name, "cuda");
    cr_assert_str_eq(gpu.device->props.name, "Stub GPU 0");
    cr_assert_eq(gpu.device->props.major, 9);
    cr_assert_eq(gpu.device->props.num_multiprocessors, 132);
    cr_assert_eq(gpu.device->props.shared_per_block_optin, 232448);
    gpu_close(&gpu);
}

Test(cuda_start, no_driver) {
    Gpu gpu = {0};
    cr_assert_not(gpu_start(&gpu, "libcuda-that-is-not-there.so.1", ""));
    const char *messages = world_messages(&gpu.w);
    cr_assert(strstr(messages, "TK1000") && strstr(messages, "libcuda-that-is-not-there.so.1") &&
                  strstr(messages, "--device=cpu"),
              "%s", messages);
    gpu_close(&gpu);
}

Test(cuda_start, driver_without_the_functions) {
    Gpu gpu = {0};
    cr_assert_not(gpu_start(&gpu, STUB_OLD_LIBRARY, ""));
    const char *messages = world_messages(&gpu.w);
    cr_assert(strstr(messages, "TK1001") && strstr(messages, "driver 11.4 is too old") &&
                  strstr(messages, "cuInit"),
              "%s", messages);
    gpu_close(&gpu);
}

Test(cuda_start, no_device) {
    Gpu gpu = {0};
    cr_assert_not(gpu_start(&gpu, STUB_CUDA_LIBRARY, "init=100"));
    expect_message(&gpu, "no CUDA-capable device is detected [TK1002]");
    gpu_close(&gpu);
    gpu = (Gpu){0};
    cr_assert_not(gpu_start(&gpu, STUB_CUDA_LIBRARY, "devices=0"));
    expect_message(&gpu, "the driver has 0");
    gpu_close(&gpu);
}

/* ---- launches and copies --------------------------------------------------------------------- */

Test(cuda_launch, computes_and_copies_only_what_changed) {
    Gpu gpu = {0};
    gpu_open(&gpu, "");
    InterpArg x = world_tensor(&gpu.w, DT_F32, 1000, NULL);
    InterpArg y = world_tensor(&gpu.w, DT_F32, 1000, NULL);
    InterpArg out = world_tensor(&gpu.w, DT_F32, 1000, NULL);
    for (int i = 0; i < 1000; i++) {
        host_floats(x)[i] = (float)i;
        host_floats(y)[i] = 0.5f;
    }
    DeviceKernel *add = compile(&gpu, ADD);
    cr_assert_not_null(add);
    for (int i = 0; i < 10; i++)
        cr_assert_eq(RUN(&gpu, add, x, y, out, world_scalar(1000)), DEVICE_OK);
    cr_assert_eq(calls("upload"), 2, "%u uploads: x and y once, the unwritten output never",
                 calls("upload"));
    cr_assert_eq(calls("download"), 0);
    cr_assert(mem_host_read(out.view.alloc));
    cr_assert(mem_host_read(x.view.alloc));
    cr_assert_eq(calls("download"), 1, "x is only read by the kernel");
    cr_assert_float_eq(((const float *)world_data(out))[999], 999.5f, 0);
    host_floats(x)[3] = 100;
    cr_assert_eq(RUN(&gpu, add, x, y, out, world_scalar(1000)), DEVICE_OK);
    cr_assert_eq(calls("upload"), 3, "x alone again");
    cr_assert(mem_host_read(out.view.alloc));
    cr_assert_float_eq(((const float *)world_data(out))[3], 100.5f, 0);
    gpu_close(&gpu);
}

Test(cuda_launch, a_write_to_part_of_what_the_device_has_keeps_the_rest) {
    Gpu gpu = {0};
    gpu_open(&gpu, "");
    InterpArg x = world_tensor(&gpu.w, DT_F32, 4, NULL),
              out = world_tensor(&gpu.w, DT_F32, 4, NULL);
    for (int i = 0; i < 4; i++)
        host_floats(x)[i] = 1;
    DeviceKernel *add = compile(&gpu, ADD);
    RUN(&gpu, add, x, x, out, world_scalar(4));
    host_floats(out)[0] = 10; /* downloads the others first */
    RUN(&gpu, add, out, out, x, world_scalar(4));
    cr_assert(mem_host_read(x.view.alloc));
    cr_assert_float_eq(host_floats(x)[0], 20, 0);
    cr_assert_float_eq(host_floats(x)[3], 4, 0);
    gpu_close(&gpu);
}

Test(cuda_launch, zeros_are_made_on_the_device) {
    Gpu gpu = {0};
    gpu_open(&gpu, "");
    InterpArg x = {.kind = INTERP_VIEW}, out = world_tensor(&gpu.w, DT_F32, 64, NULL);
    x.view = (MemView){.alloc = mem_alloc(gpu.device->space, 256, 4, MEM_ZEROED), .dtype = DT_F32};
    DeviceKernel *add = compile(&gpu, ADD);
    RUN(&gpu, add, x, x, out, world_scalar(64));
    cr_assert_eq(calls("fill"), 1);
    cr_assert_eq(calls("upload"), 0);
    cr_assert(mem_host_read(out.view.alloc));
    cr_assert_float_eq(((const float *)world_data(out))[63], 0, 0);
    gpu_close(&gpu);
}

Test(cuda_launch, pointers_out_of_memory_reach_every_tensor) {
    Gpu gpu = {0};
    gpu_open(&gpu, "");
    InterpArg a = world_tensor(&gpu.w, DT_I32, 1, NULL), b = world_tensor(&gpu.w, DT_I32, 1, NULL);
    InterpArg table = world_tensor(&gpu.w, DT_I64, 2, NULL);
    *(int *)(void *)host_floats(a) = 41;
    *(int *)(void *)host_floats(b) = 6;
    uint64_t addresses[] = {a.view.alloc->address, b.view.alloc->address};
    memcpy(host_floats(table), addresses, sizeof addresses);
    DeviceKernel *chase = compile(&gpu, CHASE);
    cr_assert_eq(RUN(&gpu, chase, table, world_scalar(2)), DEVICE_OK);
    cr_assert(mem_host_read(a.view.alloc) && mem_host_read(b.view.alloc));
    cr_assert_eq(*(int *)world_data(a), 42);
    cr_assert_eq(*(int *)world_data(b), 7);
    gpu_close(&gpu);
}

Test(cuda_launch, parameters_follow_the_order_of_the_kernel) {
    Gpu gpu = {.shared = 60000};
    gpu_open(&gpu, "");
    InterpArg out = world_tensor(&gpu.w, DT_I64, 16, NULL);
    InterpArg desc = world_tensor(&gpu.w, DT_F32, 1024, NULL);
    desc.kind = INTERP_DESC;
    desc.view.offset = 64;
    desc.desc_shape[0] = 30, desc.desc_shape[1] = 31;
    desc.desc_strides[0] = 32, desc.desc_strides[1] = 1;
    DeviceKernel *show = compile(&gpu, SHOW);
    cr_assert_not_null(show, "%s", world_messages(&gpu.w));
    InterpArg args[] = {out, world_scalar(1), world_scalar(0xfffe), desc};
    cr_assert_eq(launch_grid(&gpu, show, args, 4, 7, 8, 9), DEVICE_OK);
    cr_assert(mem_host_read(out.view.alloc));
    const int64_t *seen = world_data(out);
    const int64_t expected[] = {
        7, 8, 9, 128, 60000, 1, -2, (int64_t)desc.view.alloc->address + 64, 30, 31, 32, 1};
    for (size_t i = 0; i < TK_COUNTOF(expected); i++)
        cr_expect_eq(seen[i], expected[i], "value %zu: %lld", i, (long long)seen[i]);
    DeviceKernelInfo info;
    gpu.device->ops->describe(show, &info);
    cr_assert_eq(info.registers, 32);
    cr_assert_eq(info.spills, 2);
    cr_assert_eq(info.shared_bytes, 60000);
    gpu_close(&gpu);
}

Test(cuda_launch, grids) {
    Gpu gpu = {0};
    gpu_open(&gpu, "");
    DeviceKernel *other = compile(&gpu, OTHER);
    cr_assert_eq(launch_grid(&gpu, other, NULL, 0, 0, 1, 1), DEVICE_OK);
    cr_assert_eq(launch_grid(&gpu, other, NULL, 0, 1, 0, 1 << 20), DEVICE_OK);
    cr_assert_eq(calls("launch"), 0);
    cr_assert_eq(launch_grid(&gpu, other, NULL, 0, INT32_MAX, 65535, 65535), DEVICE_OK);
    cr_assert_eq(launch_grid(&gpu, other, NULL, 0, 1, 65536, 1), DEVICE_REFUSED);
    expect_message(&gpu, "a grid of 1 x 65536 x 1 is more than a GPU takes [TK1005]");
    cr_assert_eq(launch_grid(&gpu, other, NULL, 0, INT64_C(1) << 31, 1, 1), DEVICE_REFUSED);
    expect_message(&gpu, "TK1005");
    cr_assert_eq(synchronize(&gpu), DEVICE_OK);
    gpu_close(&gpu);
}

Test(cuda_launch, events_tell_the_time_between_launches) {
    Gpu gpu = {0};
    gpu_open(&gpu, "");
    const DeviceOps *ops = gpu.device->ops;
    DeviceEvent *start = ops->event_create(gpu.device), *end = ops->event_create(gpu.device);
    ops->event_record(gpu.device, start);
    ops->flush_cache(gpu.device);
    ops->event_record(gpu.device, end);
    double ms = -1;
    cr_assert(ops->event_elapsed(gpu.device, start, end, &ms));
    cr_assert(ms > 0);
    cr_assert_eq(calls("fill"), 1);
    ops->event_destroy(gpu.device, start);
    ops->event_destroy(gpu.device, end);
    gpu_close(&gpu);
}

/* ---- what goes wrong ------------------------------------------------------------------------- */

Test(cuda_errors, a_fault_names_the_kernel_and_is_the_end) {
    Gpu gpu = {0};
    gpu_open(&gpu, "");
    DeviceKernel *fault = compile(&gpu, FAULT);
    cr_assert_eq(launch_grid(&gpu, fault, NULL, 0, 1, 1, 1), DEVICE_OK);
    cr_assert_eq(synchronize(&gpu), DEVICE_FAULT);
    expect_message(&gpu, "the GPU stopped `fault`: an illegal memory access was encountered "
                         "[TK1004]");
    cr_assert_eq(launch_grid(&gpu, fault, NULL, 0, 1, 1, 1), DEVICE_FAULT);
    expect_message(&gpu, "the GPU cannot be used any more in this run [TK1008]");
    cr_assert_null(mem_alloc(gpu.device->space, 8, 8, MEM_ZEROED));
    gpu_close(&gpu);
}

Test(cuda_errors, a_fault_among_many_launches) {
    Gpu gpu = {0};
    gpu_open(&gpu, "fault=716");
    DeviceKernel *fault = compile(&gpu, FAULT), *other = compile(&gpu, OTHER);
    launch_grid(&gpu, fault, NULL, 0, 1, 1, 1);
    launch_grid(&gpu, other, NULL, 0, 1, 1, 1);
    cr_assert_eq(synchronize(&gpu), DEVICE_FAULT);
    const char *messages = world_messages(&gpu.w);
    cr_assert(strstr(messages, "`a kernel`: misaligned address") &&
                  strstr(messages, "one of the last 2 launches") &&
                  strstr(messages, "CUDA_LAUNCH_BLOCKING=1"),
              "%s", messages);
    gpu_close(&gpu);
}

Test(cuda_errors, a_download_finds_the_fault) {
    Gpu gpu = {0};
    gpu_open(&gpu, "");
    InterpArg out = world_tensor(&gpu.w, DT_F32, 4, NULL);
    DeviceKernel *add = compile(&gpu, ADD), *fault = compile(&gpu, FAULT);
    RUN(&gpu, add, out, out, out, world_scalar(0));
    launch_grid(&gpu, fault, NULL, 0, 1, 1, 1);
    cr_assert_eq(mem_space_failures(gpu.device->space), 0);
    cr_assert_not(mem_host_read(out.view.alloc));
    cr_assert_eq(mem_space_failures(gpu.device->space), 1);
    mem_space_report(gpu.device->space, gpu.w.diags, SRC_NONE);
    expect_message(&gpu, "TK1004");
    gpu_close(&gpu);
}

Test(cuda_errors, a_refused_launch_leaves_the_device_usable) {
    Gpu gpu = {0};
    gpu_open(&gpu, "launch=701");
    DeviceKernel *other = compile(&gpu, OTHER);
    cr_assert_eq(launch_grid(&gpu, other, NULL, 0, 1, 1, 1), DEVICE_REFUSED);
    expect_message(&gpu, "`other` cannot be launched: too many resources requested for launch "
                         "[TK1009]");
    setenv("STUB_CUDA", "launch=2", 1);
    cr_assert_eq(launch_grid(&gpu, other, NULL, 0, 1, 1, 1), DEVICE_REFUSED);
    expect_message(&gpu, "failed at launching `other`: out of memory [TK1007]");
    setenv("STUB_CUDA", "", 1);
    cr_assert_eq(launch_grid(&gpu, other, NULL, 0, 1, 1, 1), DEVICE_OK);
    gpu_close(&gpu);
}

Test(cuda_errors, what_the_drivers_compiler_says) {
    Gpu gpu = {0};
    gpu_open(&gpu, "");
    gpu.ptx = ".version 8.0\n.entry other() {\n.file 1 \"a.tk\"\n.loc 1 3 1\nret;\n.loc 1 9 5\n"
              "bad_instruction;\n.loc 1 11 5\n}\n";
    cr_assert_null(compile(&gpu, OTHER));
    const char *messages = world_messages(&gpu.w);
    cr_assert(strstr(messages, "the driver cannot compile `other`: a PTX JIT compilation failed "
                               "[TK1003]") &&
                  strstr(messages, "Not a name of any known instruction") &&
                  strstr(messages, "line 7 of the PTX comes from a.tk:9"),
              "%s", messages);
    gpu_close(&gpu);
}

Test(cuda_errors, ptx_newer_than_the_driver) {
    Gpu gpu = {0};
    gpu_open(&gpu, "jit=222,version=12020");
    cr_assert_null(compile(&gpu, OTHER));
    const char *messages = world_messages(&gpu.w);
    cr_assert(strstr(messages, "the CUDA driver 12.2 is too old") &&
                  strstr(messages, "the PTX of `other` says `.version 8.0`"),
              "%s", messages);
    gpu_close(&gpu);
}

Test(cuda_errors, more_shared_memory_than_there_is) {
    Gpu gpu = {.shared = 232449};
    gpu_open(&gpu, "");
    cr_assert_null(compile(&gpu, OTHER));
    expect_message(&gpu, "`other` needs 232449 bytes of shared memory; a block of this GPU has at "
                         "most 232448 [TK1006]");
    gpu_close(&gpu);
}

/* ---- device memory --------------------------------------------------------------------------- */

#define MIB ((size_t)1 << 20)

Test(cuda_memory, freed_blocks_are_used_again) {
    Gpu gpu = {0};
    gpu_open(&gpu, "");
    MemSpace *space = gpu.device->space;
    MemAlloc *small = mem_alloc(space, 1000, 4, MEM_UNWRITTEN);
    MemAlloc *large = mem_alloc(space, 10 * MIB, 4, MEM_UNWRITTEN);
    uint64_t small_address = small->address, large_address = large->address;
    cr_assert_eq(small_address % 256, 0);
    unsigned before = calls("mem_alloc");
    mem_release(small);
    mem_release(large);
    small = mem_alloc(space, 600, 4, MEM_UNWRITTEN);
    large = mem_alloc(space, 9 * MIB, 4, MEM_UNWRITTEN);
    MemAlloc *other = mem_alloc(space, 600, 4, MEM_UNWRITTEN);
    cr_assert_eq(small->address, small_address);
    cr_assert_eq(large->address, large_address);
    cr_assert_neq(other->address, small_address);
    cr_assert_eq(calls("mem_alloc"), before);
    cr_assert_eq(calls("mem_free"), 0);
    mem_release(mem_alloc(space, 0, 1, MEM_ZEROED));
    gpu_close(&gpu);
}

Test(cuda_memory, what_is_kept_goes_back_before_memory_is_out) {
    Gpu gpu = {0};
    gpu_open(&gpu, "memory=104857600"); /* 100 MiB */
    MemSpace *space = gpu.device->space;
    mem_release(mem_alloc(space, 60 * MIB, 4, MEM_UNWRITTEN));
    MemAlloc *more = mem_alloc(space, 80 * MIB, 4, MEM_UNWRITTEN);
    cr_assert_not_null(more);
    cr_assert_eq(calls("mem_free"), 1);
    cr_assert_null(mem_alloc(space, 30 * MIB, 4, MEM_UNWRITTEN));
    mem_release(more);
    cr_assert_not_null(mem_alloc(space, 30 * MIB, 4, MEM_UNWRITTEN));
    cr_assert_null(mem_alloc(space, SIZE_MAX / 4, 4, MEM_UNWRITTEN));
    gpu_close(&gpu);
    /* Refused: 80 MiB once, 30 twice and once; the giant already by the host. */
    cr_assert_eq(calls("mem_alloc") - calls("mem_free"), 4, "a block leaks");
}
