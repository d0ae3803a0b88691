/* emu_device.c -- the emu device: a compiler of PTX and the machine behind runtime/device.h.
 *
 * Tensors live in host memory, as on the cpu device, so that a read of memory nobody wrote is found
 * wherever it happens. A launch hands the kernel's parameters over as the PTX declares them: a
 * tensor descriptor is its base pointer, its sizes, its strides, its padding.
 *
 *     kernel @k(%p: ptr<f32>, %n: i32, %d: desc<16x16xf32>)      args: p view, n 1000, d view
 *     .entry k(.u64 p, .u32 n, .u64 d, .u64 sizes x 2, .u64 strides x 2, .u8 pad)
 */
#include "runtime/emu/emu_device.h"

#include <stdlib.h>

#include "runtime/emu/emu.h"
#include "runtime/emu/emu_profile.h"

struct DeviceKernel {
    EmuKernel *code;
    EmuCounters *counters;
    const char **names; /* of the IR's parameters */
    unsigned *ranks;    /* of those that are descriptors; else 0 */
    size_t shared_bytes;
    unsigned num_threads;
    unsigned first_barrier; /* its number among those of all kernels, from 1 */
    DeviceKernelInfo info;
    struct DeviceKernel *next; /* compiled later */
};

struct DeviceEvent {
    double cost;
};

typedef struct EmuDevice {
    Device base;
    OomHandler *oom;
    const DeviceCompiler *compiler;
    DeviceKernel *first, *last;
    double cost; /* of all launches so far */
    unsigned skip_barrier, num_barriers;
} EmuDevice;

/* The costs of thousands of issue slots are told as milliseconds. */
#define SLOTS_PER_MS 1000.0
enum { SECTOR_BYTES = 32 };

static bool emu_prepare(Device *device, Arena *arena, const IrKernel *kernel, Diags *diags,
                        DevicePrepared *prepared) {
    const DeviceCompiler *compiler = ((EmuDevice *)device)->compiler;
    return compiler->compile(compiler->data, arena, kernel, diags, &prepared->code);
}

static DeviceKernel *emu_finish(Device *device, Arena *arena, const IrKernel *kernel,
                                const DevicePrepared *prepared, Diags *diags) {
    EmuDevice *emu = (EmuDevice *)device;
    DeviceCode code = prepared->code;
    code.ptx = arena_strndup(arena, code.ptx, code.ptx_len);
    const char *name = arena_printf(arena, "%s.ptx", kernel->name);
    EmuModule *module = emu_module_load(arena, diags, code.ptx, code.ptx_len, name);
    EmuKernel *found = module != NULL ? emu_module_find(module, code.entry) : NULL;
    if (found == NULL)
        return NULL;
    DeviceKernel *made = ARENA_NEW(arena, DeviceKernel);
    made->code = found;
    made->counters = emu_counters_create(arena, found);
    made->shared_bytes = code.shared_bytes;
    made->num_threads = code.num_warps * 32;
    made->info = (DeviceKernelInfo){.shared_bytes = (int64_t)code.shared_bytes, .ptx = code.ptx};
    made->names = ARENA_ARRAY(arena, const char *, kernel->params.len + 1);
    made->ranks = ARENA_ARRAY(arena, unsigned, kernel->params.len + 1);
    for (size_t i = 0; i < kernel->params.len; i++) {
        const IrType *type = kernel->params.data[i].value->type;
        made->names[i] = kernel->params.data[i].name;
        made->ranks[i] = type->kind == TY_DESC ? type->rank : 0;
    }
    made->first_barrier = emu->num_barriers + 1;
    emu->num_barriers += emu_kernel_num_barriers(found);
    if (emu->last != NULL)
        emu->last->next = made;
    else
        emu->first = made;
    emu->last = made;
    return made;
}

static DeviceKernel *emu_compile(Device *device, Arena *arena, const IrKernel *kernel,
                                 Diags *diags) {
    DevicePrepared prepared = {0};
    if (!emu_prepare(device, arena, kernel, diags, &prepared))
        return NULL;
    return emu_finish(device, arena, kernel, &prepared, diags);
}

/* The arguments as the PTX has them. */
static EmuArg *spread_arguments(Arena *arena, const DeviceKernel *kernel,
                                const DeviceLaunch *launch, unsigned *count) {
    unsigned most = 0;
    for (unsigned i = 0; i < launch->num_args; i++)
        most += 2 + 2 * kernel->ranks[i];
    EmuArg *args = ARENA_ARRAY(arena, EmuArg, most + 1);
    unsigned at = 0;
    for (unsigned i = 0; i < launch->num_args; i++) {
        const InterpArg *arg = &launch->args[i];
        bool is_view = arg->kind != INTERP_SCALAR;
        args[at++] = (EmuArg){.bits = is_view ? 0 : arg->bits,
                              .view = is_view ? &arg->view : NULL,
                              .name = kernel->names[i]};
        for (unsigned d = 0; d < kernel->ranks[i]; d++)
            args[at++] = (EmuArg){.bits = (uint64_t)arg->desc_shape[d]};
        for (unsigned d = 0; d < kernel->ranks[i]; d++)
            args[at++] = (EmuArg){.bits = (uint64_t)arg->desc_strides[d]};
        if (kernel->ranks[i] > 0)
            args[at++] = (EmuArg){.bits = arg->desc_pad_nan};
    }
    *count = at;
    return args;
}

static EmuOptions machine_options(const InterpOptions *options) {
    static const EmuBounds bounds[] = {[BOUNDS_VIEW] = EMU_BOUNDS_VIEW,
                                       [BOUNDS_ALLOCATION] = EMU_BOUNDS_ALLOCATION,
                                       [BOUNDS_ELEMENTS] = EMU_BOUNDS_ELEMENTS};
    return (EmuOptions){.bounds = bounds[options->bounds],
                        .checks = options->checks,
                        .seed = options->shuffle ? options->seed : 0,
                        .pool = options->pool,
                        .print_out = options->print_out,
                        .cancel = options->cancel};
}

static DeviceStatus emu_device_launch(Device *device, DeviceKernel *kernel,
                                      const DeviceLaunch *launch, Diags *diags) {
    EmuDevice *emu = (EmuDevice *)device;
    for (unsigned d = 0; d < 3; d++)
        if (launch->grid[d] == 0)
            return DEVICE_OK; /* no programs: nothing happens, as on the cpu device */
    Arena *arena = diags_arena(diags);
    ArenaMark mark = arena_mark(arena);
    size_t reported = diags_len(diags);
    EmuOptions options = machine_options(launch->options);
    if (emu->skip_barrier >= kernel->first_barrier)
        options.skip_barrier = emu->skip_barrier - kernel->first_barrier + 1;
    EmuLaunch what = {.block = {kernel->num_threads, 1, 1},
                      .dynamic_shared = kernel->shared_bytes,
                      .options = &options,
                      .call = launch->call};
    for (unsigned d = 0; d < 3; d++)
        what.grid[d] = launch->grid[d];
    what.args = spread_arguments(arena, kernel, launch, &what.num_args);
    EmuCounters *counters = kernel->counters;
    EmuCounts before = emu_counters_total(counters);
    EmuStatus status = emu_launch(kernel->code, device->space, &what, diags, counters);
    EmuCounts after = emu_counters_total(counters);
    emu->cost += emu_cost(&after) - emu_cost(&before);
    if (diags_len(diags) == reported && diags_dropped(diags) == 0)
        arena_reset(arena, mark);
    switch (status) {
    case EMU_FAULT:
        return DEVICE_FAULT;
    case EMU_CANCELLED:
        return DEVICE_CANCELLED;
    case EMU_REFUSED:
        return DEVICE_REFUSED;
    case EMU_OK:
        break;
    }
    return DEVICE_OK;
}

static void emu_describe(const DeviceKernel *kernel, DeviceKernelInfo *info) {
    *info = kernel->info;
}

static void emu_destroy(Device *device) {
    mem_space_destroy(device->space);
    free(device);
}

/* ---- events: what launches cost -------------------------------------------------------------- */

static DeviceEvent *emu_event_create(Device *device) {
    (void)device;
    return calloc(1, sizeof(DeviceEvent));
}

static void emu_event_record(Device *device, DeviceEvent *event) {
    event->cost = ((EmuDevice *)device)->cost;
}

static bool emu_event_elapsed(Device *device, DeviceEvent *start, DeviceEvent *end, double *ms) {
    (void)device;
    *ms = (end->cost - start->cost) / SLOTS_PER_MS;
    return true;
}

static void emu_event_destroy(Device *device, DeviceEvent *event) {
    (void)device;
    free(event);
}

static uint64_t emu_bytes_moved(const Device *device) {
    uint64_t sectors = 0;
    for (const DeviceKernel *kernel = ((const EmuDevice *)device)->first; kernel != NULL;
         kernel = kernel->next)
        sectors += emu_counters_total(kernel->counters).sectors;
    return sectors * SECTOR_BYTES;
}

Device *device_emu_create(OomHandler *oom, const DeviceCompiler *compiler) {
    static const DeviceOps ops = {.name = "emu",
                                  .checks = true,
                                  .compile = emu_compile,
                                  .prepare = emu_prepare,
                                  .finish = emu_finish,
                                  .launch = emu_device_launch,
                                  .destroy = emu_destroy,
                                  .describe = emu_describe,
                                  .event_create = emu_event_create,
                                  .event_record = emu_event_record,
                                  .event_elapsed = emu_event_elapsed,
                                  .event_destroy = emu_event_destroy,
                                  .bytes_moved = emu_bytes_moved};
    EmuDevice *emu = oom_malloc(oom, sizeof *emu);
    *emu = (EmuDevice){.oom = oom, .compiler = compiler};
    emu->base = (Device){
        .ops = &ops,
        .space = mem_space_create(oom),
        .props = {.name = "tkc emulator of PTX",
                  .major = 9,
                  .minor = 0,
                  .num_multiprocessors = 1,
                  .warp_size = 32,
                  .max_threads_per_multiprocessor = 2048,
                  .registers_per_multiprocessor = 65536,
                  .shared_per_block = 48 << 10,
                  .shared_per_block_optin = 227 << 10,
                  .shared_per_multiprocessor = 228 << 10},
    };
    return &emu->base;
}

void device_emu_skip_barrier(Device *device, unsigned number) {
    ((EmuDevice *)device)->skip_barrier = number;
}

void device_emu_barriers(const Device *device, SourceSet *sources, FILE *out) {
    const EmuDevice *emu = (const EmuDevice *)device;
    for (const DeviceKernel *kernel = emu->first; kernel != NULL; kernel = kernel->next) {
        for (unsigned i = 1; i <= emu_kernel_num_barriers(kernel->code); i++) {
            bool executed;
            SrcRange range =
                emu_kernel_barrier(kernel->code, i, sources, kernel->counters, &executed);
            const SrcFile *file = sources_file(sources, range.file);
            if (executed && file != NULL)
                fprintf(out, "barrier %u %s:%u\n", kernel->first_barrier + i - 1, file->name,
                        source_pos(file, range.lo).line);
        }
    }
}

void device_emu_profile(const Device *device, SourceSet *sources, bool json, FILE *out) {
    const EmuDevice *emu = (const EmuDevice *)device;
    Arena *arena = arena_create(emu->oom);
    for (const DeviceKernel *kernel = emu->first; kernel != NULL; kernel = kernel->next) {
        EmuCounts total = emu_counters_total(kernel->counters);
        if (total.warp_insts == 0)
            continue;
        StrBuf text = STRBUF(arena);
        if (json)
            emu_profile_json(sources, kernel->counters, &text);
        else
            emu_profile_text(sources, kernel->counters, &text);
        fputs(strbuf_str(&text), out);
    }
    arena_destroy(arena);
}
