/* stub_cuda.c -- a libcuda.so.1 for tests: the functions of driver.def over host memory.
 *
 * Device memory is host memory at other addresses. Code is the PTX text;
 * entries whose names are in the table below are run in C, others do nothing. Like the real thing,
 * launches report a kernel's fault only at a later call, after which everything fails.
 *
 * The environment variable STUB_CUDA sets what goes wrong: words such as "init=100,memory=1000000".
 *     init=N        cuInit answers N               devices=N    there are N (default 1)
 *     version=N     of the driver (default 13000)  memory=N     bytes of the device (default 1 GiB)
 *     jit=N         its compiler answers N
 *     launch=N     launches answer N
 *     major=N       of the compute capability (default 9)
 *     fault=N       what the kernel @fault leads to (default 700)
 *     shared=N      bytes of shared memory that a block can have (default 232448)
 *     threads=N     launches of more threads a block find too few registers
 *     jitthreads=N  its compiler refuses kernels of N threads a block
 *     together=N    its compiler waits until N kernels are being compiled, at most 20 s
 *     clock=1       events tell a time that only launches move on: by cost1=N for those of one
 * warp, cost2=N for those of two, and so on, in microseconds (default 100) jitter=N      every N-th
 * launch costs 50 times as much stub_count("upload") tells how often a function was called.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "runtime/cuda/driver_types.h"
#include "support/compat.h"

#define EXPORT __attribute__((visibility("default")))

enum StubValue {
#define CUDA_VALUE(name, value) name = (value),
#include "runtime/cuda/driver.def"
};
#define CUDA_FN(symbol, field, parameters) EXPORT CudaResult symbol parameters;
#include "runtime/cuda/driver.def"

/* ---- what is counted, what goes wrong -------------------------------------------------------- */

enum StubCall {
#define CUDA_FN(symbol, field, parameters) CALL_##field,
#include "runtime/cuda/driver.def"
    CALL_COUNT
};
static const char *const call_names[CALL_COUNT] = {
#define CUDA_FN(symbol, field, parameters) #field,
#include "runtime/cuda/driver.def"
};
static atomic_uint counts[CALL_COUNT];
enum { FLUSH_BYTES = 1 << 28 }; /* what the cuda device overwrites to flush caches */
static CudaResult sticky;       /* what every call answers from now on */
static CudaResult pending;      /* what the next wait will find */
static size_t memory_used;

EXPORT unsigned stub_count(const char *name);
unsigned stub_count(const char *name) {
    for (unsigned i = 0; i < CALL_COUNT; i++)
        if (strcmp(call_names[i], name) == 0)
            return counts[i];
    return ~0u;
}

static long long setting(const char *name, long long otherwise) {
    const char *at = getenv("STUB_CUDA");
    size_t len = strlen(name);
    for (; at != NULL && *at != '\0'; at = strchr(at, ','), at = at == NULL ? NULL : at + 1)
        if (strncmp(at, name, len) == 0 && at[len] == '=')
            return strtoll(at + len + 1, NULL, 0);
    return otherwise;
}

#define ENTER(field)                                                                               \
    do {                                                                                           \
        counts[CALL_##field]++;                                                                    \
        if (sticky != CUDA_SUCCESS)                                                                \
            return sticky;                                                                         \
    } while (0)

static CudaResult wait_for_all(void) {
    if (pending != CUDA_SUCCESS)
        sticky = pending;
    return sticky;
}

/* ---- devices --------------------------------------------------------------------------------- */

CudaResult cuInit(unsigned flags) {
    (void)flags;
    ENTER(init);
    return (CudaResult)setting("init", 0);
}

CudaResult cuDriverGetVersion(int *version) {
    ENTER(driver_version);
    *version = (int)setting("version", 13000);
    return CUDA_SUCCESS;
}

static const struct {
    CudaResult result;
    const char *name, *text;
} error_texts[] = {
    {CUDA_ERROR_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {CUDA_ERROR_NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {CUDA_ERROR_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {CUDA_ERROR_INVALID_PTX, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {CUDA_ERROR_UNSUPPORTED_PTX_VERSION, "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
     "the provided PTX was compiled with an unsupported toolchain."},
    {CUDA_ERROR_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS",
     "an illegal memory access was encountered"},
    {CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES",
     "too many resources requested for launch"},
    {CUDA_ERROR_ASSERT, "CUDA_ERROR_ASSERT", "device-side assert triggered"},
    {CUDA_ERROR_MISALIGNED_ADDRESS, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
};

static CudaResult error_string(CudaResult result, bool name, const char **text) {
    for (size_t i = 0; i < TK_COUNTOF(error_texts); i++) {
        if (error_texts[i].result == result) {
            *text = name ? error_texts[i].name : error_texts[i].text;
            return CUDA_SUCCESS;
        }
    }
    *text = NULL;
    return CUDA_ERROR_INVALID_VALUE;
}

CudaResult cuGetErrorName(CudaResult error, const char **text) {
    return error_string(error, true, text);
}

CudaResult cuGetErrorString(CudaResult error, const char **text) {
    return error_string(error, false, text);
}

CudaResult cuDeviceGetCount(int *count) {
    ENTER(device_count);
    *count = (int)setting("devices", 1);
    return CUDA_SUCCESS;
}

CudaResult cuDeviceGet(CudaOrdinal *device, int ordinal) {
    ENTER(device_get);
    *device = ordinal;
    return CUDA_SUCCESS;
}

CudaResult cuDeviceGetName(char *name, int len, CudaOrdinal device) {
    ENTER(device_name);
    snprintf(name, (size_t)len, "Stub GPU %d", device);
    return CUDA_SUCCESS;
}

CudaResult cuDeviceGetAttribute(int *value, CudaDeviceAttribute attribute, CudaOrdinal device) {
    (void)device;
    ENTER(device_attribute);
    static const struct {
        CudaDeviceAttribute attribute;
        int value;
    } values[] = {
        {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK, 49152},
        {CU_DEVICE_ATTRIBUTE_WARP_SIZE, 32},
        {CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 132},
        {CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE, 52428800},
        {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_MULTIPROCESSOR, 2048},
        {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 9},
        {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, 0},
        {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR, 233472},
        {CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_MULTIPROCESSOR, 65536},
        {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, 232448},
    };
    *value = 0;
    for (size_t i = 0; i < TK_COUNTOF(values); i++)
        if (values[i].attribute == attribute)
            *value = values[i].value;
    if (attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
        *value = (int)setting("major", *value);
    if (attribute == CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)
        *value = (int)setting("shared", *value);
    return CUDA_SUCCESS;
}

CudaResult cuDeviceTotalMem_v2(size_t *bytes, CudaOrdinal device) {
    (void)device;
    ENTER(device_memory);
    *bytes = (size_t)setting("memory", 1 << 30);
    return CUDA_SUCCESS;
}

CudaResult cuDevicePrimaryCtxRetain(CudaContext *context, CudaOrdinal device) {
    (void)device;
    ENTER(context_retain);
    *context = (CudaContext)(void *)&memory_used;
    return CUDA_SUCCESS;
}

CudaResult cuDevicePrimaryCtxRelease_v2(CudaOrdinal device) {
    (void)device;
    ENTER(context_release);
    return CUDA_SUCCESS;
}

CudaResult cuCtxSetCurrent(CudaContext context) {
    ENTER(context_set);
    return context == (CudaContext)(void *)&memory_used ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

/* ---- memory ---------------------------------------------------------------------------------- */

typedef struct Block { /* in front of what cuMemAlloc hands out */
    size_t size;
    unsigned char pad[504];
} Block;

CudaResult cuMemAlloc_v2(CudaPtr *address, size_t bytes) {
    ENTER(mem_alloc);
    if (bytes > (size_t)setting("memory", 1 << 30) - memory_used)
        return CUDA_ERROR_OUT_OF_MEMORY;
    Block *block = aligned_alloc(512, (bytes + sizeof(Block) + 511) / 512 * 512);
    if (block == NULL)
        return CUDA_ERROR_OUT_OF_MEMORY;
    block->size = bytes;
    if (bytes < FLUSH_BYTES)
        memset(block + 1, 0xee, bytes);
    memory_used += bytes;
    *address = (CudaPtr)(size_t)(block + 1);
    return CUDA_SUCCESS;
}

static void *at(CudaPtr address) {
    return (void *)(size_t)address;
}

CudaResult cuMemFree_v2(CudaPtr address) {
    counts[CALL_mem_free]++;
    Block *block = (Block *)at(address) - 1;
    memory_used -= block->size;
    free(block);
    return sticky;
}

CudaResult cuMemGetInfo_v2(size_t *available, size_t *total) {
    ENTER(mem_info);
    *total = (size_t)setting("memory", 1 << 30);
    *available = *total - memory_used;
    return CUDA_SUCCESS;
}

CudaResult cuMemcpyHtoDAsync_v2(CudaPtr to, const void *from, size_t bytes, CudaStream stream) {
    (void)stream;
    ENTER(upload);
    memcpy(at(to), from, bytes);
    return CUDA_SUCCESS;
}

CudaResult cuMemcpyDtoHAsync_v2(void *to, CudaPtr from, size_t bytes, CudaStream stream) {
    (void)stream;
    ENTER(download);
    memcpy(to, at(from), bytes);
    return CUDA_SUCCESS;
}

CudaResult cuMemsetD8Async(CudaPtr to, unsigned char byte, size_t bytes, CudaStream stream) {
    (void)stream;
    ENTER(fill);
    if (setting("clock", 0) == 0 ||
        bytes < FLUSH_BYTES) /* where time is planned, so is the cache's state */
        memset(at(to), byte, bytes);
    return CUDA_SUCCESS;
}

/* ---- code ------------------------------------------------------------------------------------ */

struct CUmod_st {
    char *text;
};
/* A function's entry and its launch configuration. */
struct CUfunc_st {
    char name[64];
    int shared;
    struct CUfunc_st *next;
};
static CudaFunction functions;

/* What a compiler says of the mistake that it knows, with the line. */
static void write_log(const char *ptx, const char *bad, unsigned num_options,
                      const CudaJitOption *options, void *const *values) {
    char *log = NULL;
    size_t size = 0;
    unsigned line = 1;
    for (unsigned i = 0; i < num_options; i++) {
        if (options[i] == CU_JIT_ERROR_LOG_BUFFER)
            log = values[i];
        if (options[i] == CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES)
            size = (size_t)values[i];
    }
    for (const char *c = ptx; c < bad; c++)
        line += *c == '\n';
    if (log != NULL)
        snprintf(log, size,
                 "ptxas application ptx input, line %u; error   : Not a name of any known "
                 "instruction: 'bad_instruction'\nptxas fatal   : Ptx assembly aborted due to "
                 "errors\n",
                 line);
}

/* False: fewer than `wanted` threads came here. */
static bool wait_together(unsigned wanted) {
    static atomic_uint stub_waiting;
    static const struct timespec moment = {.tv_nsec = 1000000};
    atomic_fetch_add(&stub_waiting, 1);
    for (int ms = 0; ms < 20000; ms++) {
        if (atomic_load(&stub_waiting) >= wanted)
            return true;
        nanosleep(&moment, NULL);
    }
    return false;
}

static bool has_threads(const char *ptx, int threads) {
    const char *at = strstr(ptx, ".reqntid ");
    return threads > 0 && at != NULL && atoi(at + strlen(".reqntid ")) == threads;
}

CudaResult cuModuleLoadDataEx(CudaModule *module, const void *image, unsigned num_options,
                              CudaJitOption *options, void **values) {
    ENTER(module_load);
    const char *text = image;
    bool machine_code = strncmp(text, "\177ELF", 4) == 0; /* what a stand-in for ptxas made */
    CudaResult injected = (CudaResult)setting("jit", 0);
    text += machine_code ? 4 : 0;
    const char *bad = strstr(text, "bad_instruction");
    if (injected != CUDA_SUCCESS && !machine_code)
        return injected;
    if (strncmp(text, ".version", strlen(".version")) != 0)
        return CUDA_ERROR_INVALID_IMAGE;
    if (!wait_together((unsigned)setting("together", 1)))
        return CUDA_ERROR_LAUNCH_TIMEOUT;
    if (has_threads(text, (int)setting("jitthreads", 0)))
        return CUDA_ERROR_INVALID_PTX;
    if (bad != NULL) {
        write_log(text, bad, num_options, options, values);
        return CUDA_ERROR_INVALID_PTX;
    }
    *module = malloc(sizeof **module);
    (*module)->text = malloc(strlen(text) + 1);
    memcpy((*module)->text, text, strlen(text) + 1);
    return CUDA_SUCCESS;
}

CudaResult cuModuleUnload(CudaModule module) {
    counts[CALL_module_unload]++;
    free(module->text);
    free(module);
    return CUDA_SUCCESS;
}

CudaResult cuModuleGetFunction(CudaFunction *function, CudaModule module, const char *name) {
    ENTER(module_function);
    char entry[96];
    snprintf(entry, sizeof entry, ".entry %s(", name);
    if (strstr(module->text, entry) == NULL)
        return CUDA_ERROR_NOT_FOUND;
    *function = calloc(1, sizeof **function);
    snprintf((*function)->name, sizeof(*function)->name, "%s", name);
    (*function)->shared = 49152;
    (*function)->next = functions;
    functions = *function; /* so that they count as reachable */
    return CUDA_SUCCESS;
}

CudaResult cuFuncGetAttribute(int *value, CudaFunctionAttribute attribute, CudaFunction function) {
    (void)function;
    ENTER(function_attribute);
    *value = attribute == CU_FUNC_ATTRIBUTE_NUM_REGS           ? 32
             : attribute == CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES ? 8
                                                               : 0;
    return CUDA_SUCCESS;
}

CudaResult cuFuncSetAttribute(CudaFunction function, CudaFunctionAttribute attribute, int value) {
    ENTER(function_set);
    if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES)
        return CUDA_ERROR_INVALID_VALUE;
    function->shared = value;
    return CUDA_SUCCESS;
}

/* ---- kernels --------------------------------------------------------------------------------- */

#define PARAM(type, index) (*(type *)parameters[index])

static void run_add(const CudaLaunchConfig *config, void **parameters) {
    (void)config;
    const float *x = at(PARAM(CudaPtr, 0)), *y = at(PARAM(CudaPtr, 1));
    float *out = at(PARAM(CudaPtr, 2));
    for (int i = 0; i < PARAM(int, 3); i++)
        out[i] = x[i] + y[i];
}

/* Adds 1 to the int behind each address in a table. */
static void run_chase(const CudaLaunchConfig *config, void **parameters) {
    (void)config;
    const CudaPtr *table = at(PARAM(CudaPtr, 0));
    for (int i = 0; i < PARAM(int, 1); i++)
        ++*(int *)at(table[i]);
}

/* Writes how it was called: grid, threads, shared memory, then the parameters as numbers. */
static void run_show(const CudaLaunchConfig *config, void **parameters) {
    long long *out = at(PARAM(CudaPtr, 0));
    long long seen[] = {config->grid_x,       config->grid_y,
                        config->grid_z,       config->block_x,
                        config->shared_bytes, PARAM(unsigned char, 1),
                        PARAM(short, 2),      (long long)PARAM(CudaPtr, 3),
                        PARAM(long long, 4),  PARAM(long long, 5),
                        PARAM(long long, 6),  PARAM(long long, 7)};
    memcpy(out, seen, sizeof seen);
}

static void run_fault(const CudaLaunchConfig *config, void **parameters) {
    (void)config, (void)parameters;
    pending = (CudaResult)setting("fault", CUDA_ERROR_ILLEGAL_ADDRESS);
}

static const struct {
    const char *name;
    void (*run)(const CudaLaunchConfig *config, void **parameters);
} kernels[] = {{"add", run_add}, {"chase", run_chase}, {"show", run_show}, {"fault", run_fault}};

static long long stub_clock; /* microseconds */

static void pass_time(unsigned warps) {
    static unsigned stub_launches;
    char name[16];
    snprintf(name, sizeof name, "cost%u", warps);
    long long cost = setting(name, 100), jitter = setting("jitter", 0);
    stub_clock += jitter > 0 && ++stub_launches % jitter == 0 ? 50 * cost : cost;
}

CudaResult cuLaunchKernelEx(const CudaLaunchConfig *config, CudaFunction function,
                            void **parameters, void **extra) {
    (void)extra;
    ENTER(launch);
    if (setting("launch", 0) != 0)
        return (CudaResult)setting("launch", 0);
    if (config->block_x > setting("threads", 1024))
        return CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES;
    pass_time(config->block_x / 32);
    if (config->shared_bytes > (unsigned)function->shared || config->grid_x == 0)
        return CUDA_ERROR_INVALID_VALUE;
    for (size_t i = 0; i < TK_COUNTOF(kernels); i++)
        if (strcmp(kernels[i].name, function->name) == 0)
            kernels[i].run(config, parameters);
    return CUDA_SUCCESS;
}

/* ---- streams and events ---------------------------------------------------------------------- */

CudaResult cuStreamCreate(CudaStream *stream, unsigned flags) {
    (void)flags;
    ENTER(stream_create);
    *stream = (CudaStream)(void *)&memory_used;
    return CUDA_SUCCESS;
}

CudaResult cuStreamDestroy_v2(CudaStream stream) {
    (void)stream;
    ENTER(stream_destroy);
    return CUDA_SUCCESS;
}

CudaResult cuStreamSynchronize(CudaStream stream) {
    (void)stream;
    ENTER(stream_wait);
    return wait_for_all();
}

struct CUevent_st {
    struct timespec when;
    long long clock;
};

CudaResult cuEventCreate(CudaEvent *event, unsigned flags) {
    (void)flags;
    ENTER(event_create);
    *event = calloc(1, sizeof **event);
    return CUDA_SUCCESS;
}

CudaResult cuEventDestroy_v2(CudaEvent event) {
    counts[CALL_event_destroy]++;
    free(event);
    return CUDA_SUCCESS;
}

CudaResult cuEventRecord(CudaEvent event, CudaStream stream) {
    (void)stream;
    ENTER(event_record);
    clock_gettime(CLOCK_MONOTONIC, &event->when);
    event->clock = stub_clock;
    return CUDA_SUCCESS;
}

CudaResult cuEventSynchronize(CudaEvent event) {
    (void)event;
    ENTER(event_wait);
    return wait_for_all();
}

CudaResult cuEventElapsedTime(float *milliseconds, CudaEvent start, CudaEvent end) {
    ENTER(event_elapsed);
    if (setting("clock", 0) != 0) {
        *milliseconds = (float)(end->clock - start->clock) * 1e-3f;
        return CUDA_SUCCESS;
    }
    *milliseconds = (float)(end->when.tv_sec - start->when.tv_sec) * 1e3f +
                    (float)(end->when.tv_nsec - start->when.tv_nsec) * 1e-6f;
    return CUDA_SUCCESS;
}
