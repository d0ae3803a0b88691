/* first_contact.c -- the cuda device on a real GPU, without the compiler: hand-written PTX.
 *
 * Checks a vector addition, a kernel that follows pointers in memory, events, and that a wild
 * access becomes a diagnostic; measures the host's cost of a launch and the memory bandwidth. Needs
 * the driver only. Prints what it finds; status 1 if something is wrong, 77 if there is no GPU.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/cuda/cuda_device.h"
#include "runtime/cuda/cuda_internal.h"

static const char add_ptx[] =
    ".version 7.8\n"
    ".target sm_80\n"
    ".address_size 64\n"
    ".visible .entry add(.param .u64 px, .param .u64 py, .param .u64 po, .param .u32 pn)\n"
    ".reqntid 128\n"
    "{\n"
    "    .reg .b32 %r<8>;\n"
    "    .reg .b64 %d<9>;\n"
    "    .reg .f32 %f<12>;\n"
    "    .reg .pred %p;\n"
    "    ld.param.u64 %d1, [px];\n"
    "    ld.param.u64 %d2, [py];\n"
    "    ld.param.u64 %d3, [po];\n"
    "    ld.param.u32 %r1, [pn];\n"
    "    mov.u32 %r2, %ctaid.x;\n"
    "    mov.u32 %r3, %tid.x;\n"
    "    shl.b32 %r2, %r2, 9;\n" /* 512 elements a block, 4 a thread */
    "    shl.b32 %r3, %r3, 2;\n"
    "    add.u32 %r4, %r2, %r3;\n"
    "    setp.ge.u32 %p, %r4, %r1;\n"
    "    @%p ret;\n"
    "    mul.wide.u32 %d4, %r4, 4;\n"
    "    add.u64 %d1, %d1, %d4;\n"
    "    add.u64 %d2, %d2, %d4;\n"
    "    add.u64 %d3, %d3, %d4;\n"
    "    ld.global.v4.f32 {%f0, %f1, %f2, %f3}, [%d1];\n"
    "    ld.global.v4.f32 {%f4, %f5, %f6, %f7}, [%d2];\n"
    "    add.f32 %f0, %f0, %f4;\n"
    "    add.f32 %f1, %f1, %f5;\n"
    "    add.f32 %f2, %f2, %f6;\n"
    "    add.f32 %f3, %f3, %f7;\n"
    "    st.global.v4.f32 [%d3], {%f0, %f1, %f2, %f3};\n"
    "    ret;\n"
    "}\n";

static const char chase_ptx[] = ".version 7.8\n"
                                ".target sm_80\n"
                                ".address_size 64\n"
                                ".visible .entry chase(.param .u64 table, .param .u32 value)\n"
                                "{\n"
                                "    .reg .b32 %r<3>;\n"
                                "    .reg .b64 %d<3>;\n"
                                "    ld.param.u64 %d1, [table];\n"
                                "    ld.param.u32 %r1, [value];\n"
                                "    ld.global.u64 %d2, [%d1];\n"
                                "    st.global.u32 [%d2], %r1;\n"
                                "    ret;\n"
                                "}\n";

#define HEAD " num_warps = 4 num_stages = 3 {\n"
/* What the runtime learns about the kernels: their parameters, and what they may write. */
static const char kernels_ir[] =
    "kernel @add(%x: ptr<f32>, %y: ptr<f32>, %out: ptr<f32>, %n: i32)" HEAD
    "    %a = load %x : f32\n    %b = load %y : f32\n    %s = addf %a, %b : f32\n"
    "    store %out, %s\n    return\n}\n"
    "kernel @chase(%table: ptr<i64>, %value: i32)" HEAD "    %a = load %table : i64\n"
    "    %p = inttoptr %a : ptr<i32>\n    store %p, %value\n    return\n}\n";

static bool hand_written(void *data, Arena *arena, const IrKernel *kernel, Diags *diags,
                         DeviceCode *out) {
    (void)data, (void)arena, (void)diags;
    bool add = str_eq(kernel->name, "add");
    *out = (DeviceCode){.ptx = add ? add_ptx : chase_ptx,
                        .ptx_len = add ? sizeof add_ptx - 1 : sizeof chase_ptx - 1,
                        .entry = kernel->name,
                        .num_warps = (unsigned)kernel->num_warps};
    return true;
}

/* ---- what the checks share ------------------------------------------------------------------- */

typedef struct Contact {
    OomHandler oom;
    Arena *arena;
    Diags *diags;
    Device *device;
    DeviceKernel *add, *chase;
    int failures;
} Contact;

static void check(Contact *c, bool holds, const char *what) {
    printf("%s: %s\n", holds ? "ok" : "WRONG", what);
    c->failures += !holds;
}

static void print_diags(Contact *c) {
    diags_render(c->diags, &(DiagStyle){.width = 120}, stdout);
    diags_truncate(c->diags, 0);
}

static InterpArg tensor(Contact *c, DType type, int64_t count, MemInit init) {
    size_t size = dtype_size(type);
    InterpArg arg = {.kind = INTERP_VIEW};
    arg.view =
        (MemView){.alloc = mem_alloc(c->device->space, (size_t)count * size, (unsigned)size, init),
                  .dtype = type,
                  .rank = 1,
                  .shape = {count},
                  .strides = {1}};
    if (arg.view.alloc == NULL) {
        printf("WRONG: out of memory\n");
        exit(1);
    }
    return arg;
}

static DeviceStatus launch(Contact *c, DeviceKernel *kernel, int64_t blocks, const InterpArg *args,
                           unsigned num_args) {
    DeviceLaunch request = {.grid = {blocks, 1, 1}, .args = args, .num_args = num_args};
    return c->device->ops->launch(c->device, kernel, &request, c->diags);
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- the checks ------------------------------------------------------------------------------ */

static void check_add(Contact *c) {
    int64_t n = 1 << 20;
    InterpArg x = tensor(c, DT_F32, n, MEM_UNWRITTEN), y = tensor(c, DT_F32, n, MEM_ZEROED);
    InterpArg out = tensor(c, DT_F32, n, MEM_UNWRITTEN);
    InterpArg args[] = {x, y, out, {.kind = INTERP_SCALAR, .bits = (uint64_t)n}};
    mem_host_write(x.view.alloc);
    float *values = (float *)(void *)x.view.alloc->data;
    for (int64_t i = 0; i < n; i++)
        values[i] = (float)i;
    check(c, launch(c, c->add, n / 512, args, 4) == DEVICE_OK, "a launch");
    args[1] = out; /* x + out -> y */
    args[2] = y;
    launch(c, c->add, n / 512, args, 4);
    bool same = mem_host_read(y.view.alloc);
    const float *sums = (const float *)(const void *)y.view.alloc->data;
    for (int64_t i = 0; i < n; i++)
        same &= sums[i] == 2 * (float)i;
    check(c, same, "2^20 sums");
}

static void check_chase(Contact *c) {
    InterpArg target = tensor(c, DT_I32, 1, MEM_ZEROED), table = tensor(c, DT_I64, 1, MEM_ZEROED);
    mem_host_write(table.view.alloc);
    memcpy(table.view.alloc->data, &target.view.alloc->address, sizeof(uint64_t));
    InterpArg args[] = {table, {.kind = INTERP_SCALAR, .bits = 42}};
    launch(c, c->chase, 1, args, 2);
    bool read = mem_host_read(target.view.alloc);
    check(c, read && *(const int *)(const void *)target.view.alloc->data == 42,
          "a store through a pointer from memory");
}

static void measure_launches(Contact *c) {
    enum { LAUNCHES = 20000, BATCH = 500 };
    InterpArg x = tensor(c, DT_F32, 512, MEM_ZEROED);
    InterpArg args[] = {x, x, x, {.kind = INTERP_SCALAR, .bits = 512}};
    double best = 1;
    for (int batch = 0; batch < LAUNCHES / BATCH; batch++) {
        c->device->ops->synchronize(c->device, c->diags, SRC_NONE);
        double start = seconds();
        for (int i = 0; i < BATCH; i++)
            launch(c, c->add, 1, args, 4);
        double each = (seconds() - start) / BATCH;
        best = each < best ? each : best;
    }
    printf("launch: %.2f us of the host (best of %d batches of %d)\n", best * 1e6, LAUNCHES / BATCH,
           BATCH);
}

/* The same of the driver alone, with an empty kernel: the least that a launch can cost. */
static void measure_driver(Contact *c) {
    enum { BATCHES = 40, BATCH = 500 };
    static const char ptx[] = ".version 8.0\n.target sm_80\n.address_size 64\n"
                              ".visible .entry empty() { ret; }\n";
    CudaDevice *device = cuda_device(c->device);
    const CudaDriver *driver = &device->driver;
    CudaModule module;
    CudaFunction empty;
    if (driver->module_load(&module, ptx, 0, NULL, NULL) != CUDA_SUCCESS)
        return;
    CudaLaunchConfig config = {
        .grid_x = 1, .grid_y = 1, .grid_z = 1, .block_x = 128, .block_y = 1, .block_z = 1};
    config.stream = device->stream;
    double best = 1;
    bool found = driver->module_function(&empty, module, "empty") == CUDA_SUCCESS;
    for (int batch = 0; found && batch < BATCHES; batch++) {
        driver->stream_wait(device->stream);
        double start = seconds();
        for (int i = 0; i < BATCH; i++)
            driver->launch(&config, empty, NULL, NULL);
        double each = (seconds() - start) / BATCH;
        best = each < best ? each : best;
    }
    driver->stream_wait(device->stream);
    driver->module_unload(module);
    printf("cuLaunchKernelEx alone: %.2f us\n", best * 1e6);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void measure_bandwidth(Contact *c) {
    enum { RUNS = 50 };
    const DeviceOps *ops = c->device->ops;
    int64_t n = 1 << 27;
    InterpArg args[] = {tensor(c, DT_F32, n, MEM_ZEROED),
                        tensor(c, DT_F32, n, MEM_ZEROED),
                        tensor(c, DT_F32, n, MEM_UNWRITTEN),
                        {.kind = INTERP_SCALAR, .bits = (uint64_t)n}};
    DeviceEvent *start = ops->event_create(c->device), *end = ops->event_create(c->device);
    double ms[RUNS];
    bool timed = start != NULL && end != NULL;
    for (int i = 0; i < RUNS && timed; i++) {
        ops->flush_cache(c->device);
        ops->event_record(c->device, start);
        launch(c, c->add, n / 512, args, 4);
        ops->event_record(c->device, end);
        timed = ops->event_elapsed(c->device, start, end, &ms[i]);
    }
    check(c, timed, "events");
    if (timed) {
        qsort(ms, RUNS, sizeof *ms, by_value);
        printf("vector add of 2^27 float32: %.4f ms (median), %.0f GB/s\n", ms[RUNS / 2],
               12.0 * (double)n / ms[RUNS / 2] * 1e-6);
        ops->event_destroy(c->device, start);
        ops->event_destroy(c->device, end);
    }
}

/* Last: the context is of no use afterwards. */
static void check_fault(Contact *c) {
    InterpArg table = tensor(c, DT_I64, 1, MEM_ZEROED);
    mem_host_write(table.view.alloc);
    memset(table.view.alloc->data, 0x11, 8); /* an address where nothing is */
    InterpArg args[] = {table, {.kind = INTERP_SCALAR, .bits = 1}};
    launch(c, c->chase, 1, args, 2);
    DeviceStatus status = c->device->ops->synchronize(c->device, c->diags, SRC_NONE);
    check(c, status == DEVICE_FAULT, "a wild access is a fault; the message is:");
    print_diags(c);
    check(c, launch(c, c->chase, 1, args, 2) == DEVICE_FAULT, "later launches say so:");
    print_diags(c);
}

static bool open_contact(Contact *c, const DeviceCompiler *compiler) {
    *c = (Contact){.oom = {.fail_after = -1}};
    c->arena = arena_create(&c->oom);
    SourceSet *sources = sources_create(c->arena);
    c->diags = diags_create(c->arena, sources);
    CudaConfig config = {.compiler = compiler};
    c->device = device_cuda_create(&c->oom, c->diags, &config);
    if (c->device == NULL)
        return false;
    const SrcFile *file = sources_add(sources, "kernels.tkir", kernels_ir, strlen(kernels_ir));
    IrModule *module = ir_parse(ir_context_create(c->arena), c->arena, c->diags, sources, file);
    const DeviceOps *ops = c->device->ops;
    double start = seconds();
    c->add = ops->compile(c->device, c->arena, module->kernels.data[0], c->diags);
    printf("driver's compiler: %.1f ms\n", 1e3 * (seconds() - start));
    c->chase = ops->compile(c->device, c->arena, module->kernels.data[1], c->diags);
    return true;
}

int main(void) {
    Contact c;
    DeviceCompiler compiler = {.compile = hand_written};
    if (!open_contact(&c, &compiler)) {
        print_diags(&c);
        printf("SKIPPED: no GPU\n");
        arena_destroy(c.arena);
        return 77;
    }
    const DeviceProps *props = &c.device->props;
    printf("%s, sm_%d%d, %lld MiB\n", props->name, props->major, props->minor,
           (long long)(props->total_bytes >> 20));
    check(&c, c.add != NULL && c.chase != NULL, "the kernels are loaded");
    print_diags(&c);
    if (c.add != NULL && c.chase != NULL) {
        DeviceKernelInfo info;
        c.device->ops->describe(c.add, &info);
        printf("add: %d registers, %d spilled\n", info.registers, info.spills);
        check_add(&c);
        check_chase(&c);
        measure_launches(&c);
        measure_driver(&c);
        measure_bandwidth(&c);
        check_fault(&c);
    }
    c.device->ops->destroy(c.device);
    arena_destroy(c.arena);
    printf("%s\n", c.failures == 0 ? "all is well" : "something is wrong");
    return c.failures == 0 ? 0 : 1;
}
