/* mirror.c -- tensors on the device: two copies of each allocation, brought in step when needed.
 *
 * Host operations of `torch` work on host memory; kernels work on device memory. Each allocation
 * has both (MemDevice in ir/interp/memory.h). A launch uploads what the host has changed since, and
 * marks as newer what the kernel may write; the host downloads before it reads. So a loop of
 * launches copies nothing, and memory that the host never touches is never committed there. This is
 * the protocol of caches with two owners (Archibald and Baer, "Cache Coherence Protocols", ACM TOCS
 * 1986), with an allocation as the line.
 *
 *     x = torch.zeros(n, device='cuda')    # both zero: device_stale, zeroed
 *     kernel[(g,)](x, n)                   # a memset, then host_stale
 *     kernel[(g,)](x, n)                   # nothing to copy
 *     x[0].item()                          # downloads
 */
#include "runtime/cuda/cuda_internal.h"

static uint64_t mirror_allocate(void *data, size_t size) {
    CudaDevice *device = data;
    return device->error == CUDA_SUCCESS ? cuda_pool_alloc(&device->pool, size) : 0;
}

static void mirror_release(void *data, uint64_t address, size_t size) {
    CudaDevice *device = data;
    cuda_pool_free(&device->pool, address, size);
}

/* Runs on whatever thread needs the memory first: each has its own notion of the context. */
static bool mirror_download(void *data, MemAlloc *alloc) {
    CudaDevice *device = data;
    static const char doing[] = "copying from the device";
    return device->error == CUDA_SUCCESS &&
           cuda_check(device, device->driver.context_set(device->context), doing) &&
           cuda_check(
               device,
               device->driver.download(alloc->data, alloc->address, alloc->size, device->stream),
               doing) &&
           cuda_wait(device);
}

static bool mirror_zero(void *data, MemAlloc *alloc) {
    CudaDevice *device = data;
    return device->error == CUDA_SUCCESS &&
           cuda_check(device, device->driver.fill(alloc->address, 0, alloc->size, device->stream),
                      "filling memory of the device");
}

static void mirror_report(void *data, Diags *diags, SrcRange range) {
    cuda_report(data, diags, range);
}

void cuda_attach(CudaDevice *device) {
    MemDevice hooks = {.device = device,
                       .allocate = mirror_allocate,
                       .release = mirror_release,
                       .download = mirror_download,
                       .zero = mirror_zero,
                       .report = mirror_report};
    mem_space_attach(device->base.space, &hooks);
}

bool cuda_upload(CudaDevice *device, MemAlloc *alloc) {
    const CudaDriver *driver = &device->driver;
    CudaResult result = CUDA_SUCCESS;
    if (alloc->size > 0 && alloc->zeroed)
        result = driver->fill(alloc->address, 0, alloc->size, device->stream);
    else if (alloc->size > 0)
        result = driver->upload(alloc->address, alloc->data, alloc->size, device->stream);
    if (!cuda_check(device, result, "copying to the device"))
        return false;
    atomic_store_explicit(&alloc->device_stale, false, memory_order_relaxed);
    return true;
}
