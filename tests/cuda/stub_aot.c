/* stub_aot.c -- a libcuda.so.1 for programs made of `tkc build --emit=c`: it prints what they ask
 * for.
 *
 * Modules are the PTX text, or a cubin, which is told by its first byte. A launch prints its entry,
 * grid, threads, shared memory and stream, and the bytes of every parameter: how many they are, the
 * PTX says. A kernel `add` is carried out: out = x + y.
 *
 * The environment variable STUB_AOT sets what is different: words such as "major=8,launch=701".
 *     major=N, minor=N    the compute capability (default 9.0)
 *     shared=N            bytes of shared memory that a block can have (default 232448)
 *     init=N, ptx=N, cubin=N, function=N, attribute=N, launch=N, unload=N    what these calls
 * answer
 */
#include <cuda.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CUmod_st {
    const char *text; /* PTX, or NULL */
};
struct CUfunc_st {
    char name[96];
    unsigned char sizes[32]; /* of its parameters */
    unsigned num_params;
    struct CUfunc_st *next;
};
struct CUctx_st {
    int device;
};
static struct CUctx_st contexts[2] = {{0}, {1}};
static _Thread_local CUcontext current;
static CUfunction functions; /* so that they count as reachable */

static long setting(const char *name, long otherwise) {
    const char *at = getenv("STUB_AOT");
    size_t len = strlen(name);
    for (; at != NULL && *at != '\0'; at = strchr(at, ','), at = at == NULL ? NULL : at + 1)
        if (strncmp(at, name, len) == 0 && at[len] == '=')
            return strtol(at + len + 1, NULL, 0);
    return otherwise;
}

static CUresult answer(const char *name) {
    return (CUresult)setting(name, CUDA_SUCCESS);
}

/* ---- devices and contexts -------------------------------------------------------------------- */

CUresult cuInit(unsigned flags) {
    (void)flags;
    return answer("init");
}

CUresult cuDeviceGet(CUdevice *device, int ordinal) {
    *device = ordinal;
    return ordinal < 2 ? CUDA_SUCCESS : (CUresult)101;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
    *context = &contexts[device];
    return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
    (void)device;
    return CUDA_SUCCESS;
}

CUresult cuCtxSetCurrent(CUcontext context) {
    current = context;
    return CUDA_SUCCESS;
}

CUresult cuCtxGetCurrent(CUcontext *context) {
    *context = current;
    return CUDA_SUCCESS;
}

CUresult cuCtxGetDevice(CUdevice *device) {
    *device = current->device;
    return CUDA_SUCCESS;
}

CUresult cuCtxSynchronize(void) {
    return CUDA_SUCCESS;
}

CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice device) {
    (void)device;
    *value = -1;
    if (attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)
        *value = (int)setting("major", 9);
    if (attribute == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)
        *value = (int)setting("minor", 0);
    if (attribute == CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)
        *value = (int)setting("shared", 232448);
    return *value < 0 ? (CUresult)1 : CUDA_SUCCESS;
}

/* ---- memory ---------------------------------------------------------------------------------- */

CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
    *address = (CUdeviceptr)(uintptr_t)aligned_alloc(256, (bytes + 255) / 256 * 256);
    return *address != 0 ? CUDA_SUCCESS : (CUresult)2;
}

CUresult cuMemFree_v2(CUdeviceptr address) {
    free((void *)(uintptr_t)address);
    return CUDA_SUCCESS;
}

CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes) {
    memcpy((void *)(uintptr_t)to, from, bytes);
    return CUDA_SUCCESS;
}

CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes) {
    memcpy(to, (const void *)(uintptr_t)from, bytes);
    return CUDA_SUCCESS;
}

/* ---- code ------------------------------------------------------------------------------------ */

CUresult cuModuleLoadData(CUmodule *module, const void *image) {
    const char *text = image;
    int is_ptx = strncmp(text, ".version", strlen(".version")) == 0;
    const char *target = is_ptx ? strstr(text, ".target ") : NULL;
    CUresult result = answer(is_ptx ? "ptx" : "cubin");
    if (!is_ptx && memcmp(text, "\177ELF", 4) != 0)
        return (CUresult)200;
    printf("load %.*s: %d\n", target == NULL ? 5 : (int)strcspn(target + 8, "\n"),
           target == NULL ? "cubin" : target + 8, (int)result);
    if (result != CUDA_SUCCESS)
        return result;
    *module = malloc(sizeof **module);
    (*module)->text = is_ptx ? text : NULL;
    return CUDA_SUCCESS;
}

CUresult cuModuleUnload(CUmodule module) {
    puts("unload");
    free(module);
    return answer("unload");
}

/* The sizes in ".param .u64 .ptr .global .align 16 add_param_0," up to the closing parenthesis. */
static void read_params(CUfunction function, const char *at) {
    const char *end = strchr(at, ')');
    while ((at = strstr(at, ".param .")) != NULL && at < end && function->num_params < 32) {
        long bits = strtol(at + strlen(".param .") + 1, NULL, 10);
        function->sizes[function->num_params++] = (unsigned char)(bits / 8);
        at++;
    }
}

CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
    char entry[128];
    if (answer("function") != CUDA_SUCCESS)
        return answer("function");
    snprintf(entry, sizeof entry, ".entry %s(", name);
    const char *at = module->text == NULL ? NULL : strstr(module->text, entry);
    if (module->text != NULL && at == NULL)
        return (CUresult)500;
    *function = calloc(1, sizeof **function);
    snprintf((*function)->name, sizeof(*function)->name, "%s", name);
    if (at != NULL)
        read_params(*function, at);
    (*function)->next = functions;
    functions = *function;
    return CUDA_SUCCESS;
}

CUresult cuFuncSetAttribute(CUfunction function, CUfunction_attribute attribute, int value) {
    printf("attribute %d of %s: %d\n", (int)attribute, function->name, value);
    return answer("attribute");
}

/* ---- launches -------------------------------------------------------------------------------- */

static void run_add(void **parameters) {
    const float *x = (const float *)(uintptr_t) * (CUdeviceptr *)parameters[0];
    const float *y = (const float *)(uintptr_t) * (CUdeviceptr *)parameters[1];
    float *out = (float *)(uintptr_t) * (CUdeviceptr *)parameters[2];
    for (int i = 0; i < *(int *)parameters[3]; i++)
        out[i] = x[i] + y[i];
}

CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z,
                        unsigned block_x, unsigned block_y, unsigned block_z, unsigned shared_bytes,
                        CUstream stream, void **parameters, void **extra) {
    (void)extra;
    if (answer("launch") != CUDA_SUCCESS)
        return answer("launch");
    if (strcmp(function->name, "add") == 0) {
        run_add(parameters);
        return CUDA_SUCCESS;
    }
    printf("launch %s grid %u %u %u block %u %u %u shared %u stream %llx\n", function->name, grid_x,
           grid_y, grid_z, block_x, block_y, block_z, shared_bytes,
           (unsigned long long)(uintptr_t)stream);
    for (unsigned i = 0; i < function->num_params; i++) {
        printf("  %u:", i);
        for (unsigned b = 0; b < function->sizes[i]; b++)
            printf(" %02x", ((const unsigned char *)parameters[i])[b]);
        puts("");
    }
    return CUDA_SUCCESS;
}
