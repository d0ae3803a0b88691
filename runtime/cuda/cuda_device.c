/* cuda_device.c -- a GPU as a device: its context, its stream, events, what it is.
 *
 * The primary context of the GPU is retained, and everything runs in one stream of its own, in
 * order. Launches and copies to the device return at once; whoever looks at results waits. The
 * memory space of the device keeps two copies of every allocation (mirror.c).
 */
#include "runtime/cuda/cuda_device.h"

#include <stdlib.h>

#include "runtime/cuda/cuda_internal.h"

#define FLUSH_BYTES ((size_t)256 << 20) /* as triton.testing.do_bench clears: 5 times an L2 */

/* ---- what the device is ---------------------------------------------------------------------- */

static int attribute(const CudaDevice *device, CudaDeviceAttribute which) {
    int value = 0;
    device->driver.device_attribute(&value, which, device->device);
    return value;
}

static void read_props(CudaDevice *device) {
    DeviceProps *props = &device->base.props;
    size_t total = 0;
    device->driver.device_name(props->name, (int)sizeof props->name, device->device);
    device->driver.device_memory(&total, device->device);
    props->total_bytes = (int64_t)total;
    props->driver_version = device->driver.version;
    props->major = attribute(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
    props->minor = attribute(device, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
    props->num_multiprocessors = attribute(device, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
    props->warp_size = attribute(device, CU_DEVICE_ATTRIBUTE_WARP_SIZE);
    props->max_threads_per_multiprocessor =
        attribute(device, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR);
    props->registers_per_multiprocessor =
        attribute(device, CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR);
    props->shared_per_block = attribute(device, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK);
    props->shared_per_block_optin =
        attribute(device, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
    props->shared_per_multiprocessor =
        attribute(device, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR);
    props->l2_bytes = attribute(device, CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE);
    props->clock_khz = attribute(device, CU_DEVICE_ATTRIBUTE_CLOCK_RATE);
    props->memory_clock_khz = attribute(device, CU_DEVICE_ATTRIBUTE_MEMORY_CLOCK_RATE);
    props->memory_bus_bits = attribute(device, CU_DEVICE_ATTRIBUTE_GLOBAL_MEMORY_BUS_WIDTH);
}

/* ---- waiting and timing ---------------------------------------------------------------------- */

static DeviceStatus cuda_synchronize(Device *base, Diags *diags, SrcRange here) {
    CudaDevice *device = cuda_device(base);
    if (device->error == CUDA_SUCCESS && cuda_wait(device))
        return DEVICE_OK;
    return cuda_report(device, diags, here);
}

struct DeviceEvent {
    CudaEvent event;
};

static DeviceEvent *cuda_event_create(Device *base) {
    CudaDevice *device = cuda_device(base);
    DeviceEvent *event = oom_malloc(device->oom, sizeof *event);
    CudaResult result = device->driver.event_create(&event->event, CU_EVENT_DEFAULT);
    if (cuda_check(device, result, "making an event"))
        return event;
    free(event);
    return NULL;
}

static void cuda_event_record(Device *base, DeviceEvent *event) {
    CudaDevice *device = cuda_device(base);
    cuda_check(device, device->driver.event_record(event->event, device->stream),
               "recording an event");
}

static bool cuda_event_elapsed(Device *base, DeviceEvent *start, DeviceEvent *end, double *ms) {
    CudaDevice *device = cuda_device(base);
    const CudaDriver *driver = &device->driver;
    float elapsed = 0;
    bool done = cuda_check(device, driver->event_wait(end->event), "waiting for an event") &&
                cuda_check(device, driver->event_wait(start->event), "waiting for an event") &&
                cuda_check(device, driver->event_elapsed(&elapsed, start->event, end->event),
                           "reading the time between events");
    *ms = (double)elapsed;
    return done;
}

static void cuda_event_destroy(Device *base, DeviceEvent *event) {
    cuda_device(base)->driver.event_destroy(event->event);
    free(event);
}

/* Overwrites more memory than the L2 cache holds. */
static void cuda_flush_cache(Device *base) {
    CudaDevice *device = cuda_device(base);
    if (device->flush_buffer == 0)
        device->flush_buffer = cuda_pool_alloc(&device->pool, FLUSH_BYTES);
    if (device->flush_buffer != 0)
        cuda_check(device,
                   device->driver.fill(device->flush_buffer, 0, FLUSH_BYTES, device->stream),
                   "flushing the cache");
}

/* ---- beginning and end ----------------------------------------------------------------------- */

static void cuda_destroy(Device *base) {
    CudaDevice *device = cuda_device(base);
    const CudaDriver *driver = &device->driver;
    if (device->stream != NULL)
        driver->stream_wait(device->stream);
    mem_space_destroy(base->space);
    if (device->context != NULL) {
        for (size_t i = 0; i < device->num_modules; i++)
            driver->module_unload(device->modules[i]);
        cuda_pool_destroy(&device->pool);
        if (device->stream != NULL)
            driver->stream_destroy(device->stream);
        driver->context_release(device->device);
    }
    free(device->modules);
    cuda_driver_unload(&device->driver);
    free(device);
}

static const DeviceOps cuda_ops = {
    .name = "cuda",
    .compile = cuda_compile,
    .prepare = cuda_prepare,
    .finish = cuda_finish,
    .launch = cuda_launch,
    .destroy = cuda_destroy,
    .describe = cuda_describe,
    .synchronize = cuda_synchronize,
    .event_create = cuda_event_create,
    .event_record = cuda_event_record,
    .event_elapsed = cuda_event_elapsed,
    .event_destroy = cuda_event_destroy,
    .flush_cache = cuda_flush_cache,
};

/* Finds the GPU of that number; false: reported. */
static bool find_device(CudaDevice *device, int ordinal, Diags *diags) {
    int count = 0;
    CudaResult result = device->driver.device_count(&count);
    if (result == CUDA_SUCCESS && ordinal >= 0 && ordinal < count)
        result = device->driver.device_get(&device->device, ordinal);
    else if (result == CUDA_SUCCESS)
        result = count == 0 ? CUDA_ERROR_NO_DEVICE : CUDA_ERROR_INVALID_DEVICE;
    if (result == CUDA_SUCCESS)
        return true;
    Diag *diag =
        diag_report(diags, DIAG_CUDA_NO_DEVICE, SRC_NONE, device->driver.version / 1000,
                    device->driver.version % 1000 / 10, cuda_error_text(&device->driver, result));
    diag_note(diag, SRC_NONE, "device %d was asked for; the driver has %d", ordinal, count);
    diag_help(diag, "`--device=cpu` runs the program on the checking interpreter");
    return false;
}

static bool open_device(CudaDevice *device, const CudaConfig *config, Diags *diags) {
    const CudaDriver *driver = &device->driver;
    if (!cuda_driver_load(&device->driver, config->library, diags) ||
        !find_device(device, config->ordinal, diags))
        return false;
    read_props(device);
    CudaResult result = driver->context_retain(&device->context, device->device);
    const char *doing = "making a context";
    if (result != CUDA_SUCCESS)
        device->context = NULL;
    if (result == CUDA_SUCCESS)
        result = driver->context_set(device->context);
    if (result == CUDA_SUCCESS) {
        doing = "making a stream";
        result = driver->stream_create(&device->stream, CU_STREAM_NON_BLOCKING);
    }
    if (result != CUDA_SUCCESS)
        cuda_report_call(device, diags, SRC_NONE, result, doing);
    return result == CUDA_SUCCESS;
}

Device *device_cuda_create(OomHandler *oom, Diags *diags, const CudaConfig *config) {
    CudaDevice *device = oom_malloc(oom, sizeof *device);
    *device = (CudaDevice){
        .base = {.ops = &cuda_ops},
        .oom = oom,
        .compiler = config->compiler,
        .assembler = config->assembler,
    };
    device->pool.driver = &device->driver;
    device->base.space = mem_space_create(oom);
    cuda_attach(device);
    if (open_device(device, config, diags))
        return &device->base;
    cuda_destroy(&device->base);
    return NULL;
}

bool device_cuda_probe(Arena *arena, int ordinal, const char **line) {
    Diags *diags = diags_create(arena, NULL);
    CudaConfig config = {.ordinal = ordinal};
    Device *base = device_cuda_create(arena_oom(arena), diags, &config);
    if (base == NULL) {
        *line = diags_len(diags) > 0 ? diags_at(diags, 0)->text : "it does not start";
        return false;
    }
    const DeviceProps *props = &base->props;
    int version = cuda_device(base)->driver.version;
    *line =
        arena_printf(arena, "%s, sm_%d%d, %lld MiB, %d multiprocessors, driver CUDA %d.%d",
                     props->name, props->major, props->minor, (long long)(props->total_bytes >> 20),
                     props->num_multiprocessors, version / 1000, version % 1000 / 10);
    base->ops->destroy(base);
    return true;
}
