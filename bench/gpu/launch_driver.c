/* launch_driver.c -- what one launch of an empty kernel costs the host if nothing is around the
 * driver: the least that launch.tk can show. Not part of the build; it needs the CUDA toolkit:
 *
 *     cc -O2 -I/usr/local/cuda/include bench/gpu/launch_driver.c -lcuda -o /tmp/launch_driver
 */
#include <cuda.h>
#include <stdio.h>
#include <time.h>

static const char ptx[] = ".version 8.0\n.target sm_80\n.address_size 64\n"
                          ".visible .entry k(.param .u64 a, .param .u32 n) { ret; }\n";

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(void) {
    enum { ROUNDS = 40, LAUNCHES = 500 };
    CUdevice device;
    CUcontext context;
    CUmodule module;
    CUfunction kernel;
    CUstream stream;
    CUdeviceptr memory = 0;
    unsigned n = 128;
    void *arguments[] = {&memory, &n};
    if (cuInit(0) != CUDA_SUCCESS || cuDeviceGet(&device, 0) != CUDA_SUCCESS ||
        cuDevicePrimaryCtxRetain(&context, device) != CUDA_SUCCESS ||
        cuCtxSetCurrent(context) != CUDA_SUCCESS ||
        cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING) != CUDA_SUCCESS ||
        cuModuleLoadData(&module, ptx) != CUDA_SUCCESS ||
        cuModuleGetFunction(&kernel, module, "k") != CUDA_SUCCESS) {
        fputs("no GPU that can be used\n", stderr);
        return 1;
    }
    CUlaunchConfig config = {.gridDimX = 1, .gridDimY = 1, .gridDimZ = 1, .blockDimX = 128};
    config.blockDimY = config.blockDimZ = 1;
    config.hStream = stream;
    double best = 1;
    for (int round = 0; round < ROUNDS; round++) {
        cuStreamSynchronize(stream);
        double start = seconds();
        for (int i = 0; i < LAUNCHES; i++)
            cuLaunchKernelEx(&config, kernel, arguments, NULL);
        double each = (seconds() - start) / LAUNCHES;
        best = each < best ? each : best;
    }
    printf("cuLaunchKernelEx: %.2f us\n", 1e6 * best);
    return 0;
}
