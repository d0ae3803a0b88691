/* Launches what lesson 11 builds: relu(a @ b + bias) from C, checked against sums in double on the
 * host.
 *
 * With an argument it prints what it launches over tests/cuda/stub_aot.c, which computes nothing.
 */
#include <cuda.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "production.h"
#include "production_f16.h"

enum { M = 70, N = 150, K = 90 }; /* no multiples of anything */

static void check(const char *what, tkc_status status) {
    if (status != TKC_OK) {
        fprintf(stderr, "%s: %d %s\n", what, status, production_status_string(status));
        exit(1);
    }
}

static CUdeviceptr upload(const void *from, size_t bytes) {
    CUdeviceptr address = 0;
    check("memory", cuMemAlloc(&address, bytes));
    check("copy", cuMemcpyHtoD(address, from, bytes));
    return address;
}

static float a[M * K], b[K * N], bias[N], out[M * N];

static unsigned count_wrong(int with_bias) {
    unsigned wrong = 0;
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++) {
            double sum = with_bias ? bias[j] : 0;
            for (int k = 0; k < K; k++)
                sum += (double)a[i * K + k] * b[k * N + j];
            sum = sum < 0 ? 0 : sum;
            wrong += !(fabs(out[i * N + j] - sum) <= 1e-6 * fabs(sum) + 1e-9);
        }
    return wrong;
}

static production_args make_args(void) {
    production_args args;
    memset(&args, 0, sizeof args);
    args.a_ptr = upload(a, sizeof a);
    args.b_ptr = upload(b, sizeof b);
    args.out_ptr = upload(out, sizeof out);
    args.M = M;
    args.N = N;
    args.K = K;
    args.stride_am = K;
    args.stride_bk = N;
    args.stride_ak = args.stride_bn = 1;
    return args;
}

/* A launch of the float16 kernel, whose sizes and strides are multiples of 16: it takes large
 * tiles. */
static void launch_half(CUdeviceptr anywhere) {
    production_f16_code code;
    production_f16_args args;
    memset(&args, 0, sizeof args);
    args.a_ptr = args.b_ptr = args.out_ptr = anywhere;
    args.M = args.stride_am = args.stride_bk = args.K = 16;
    args.N = 256;
    args.stride_ak = args.stride_bn = 1;
    check("load", production_f16_load(&code));
    check("launch", production_f16_run(&code, NULL, &args));
    check("unload", production_f16_unload(&code));
}

int main(int argc, char **argv) {
    int shows = argc > 1 && strcmp(argv[1], "show") == 0;
    CUdevice device;
    CUcontext context;
    production_code code;
    for (int i = 0; i < M * K; i++)
        a[i] = (float)(rand() % 2001 - 1000) / 1000;
    for (int i = 0; i < K * N; i++)
        b[i] = (float)(rand() % 2001 - 1000) / 1000;
    for (int i = 0; i < N; i++)
        bias[i] = (float)(i - N / 2) / 10;
    check("driver", cuInit(0));
    check("device", cuDeviceGet(&device, 0));
    check("context", cuDevicePrimaryCtxRetain(&context, device));
    check("context", cuCtxSetCurrent(context));
    check("load", production_load(&code));
    production_args args = make_args();
    unsigned wrong = 0;
    for (int with_bias = 0; with_bias < 2; with_bias++) {
        args.bias_ptr = with_bias ? upload(bias, sizeof bias) : 0;
        check("launch", production_run(&code, NULL, &args));
        check("kernel", cuCtxSynchronize());
        check("copy", cuMemcpyDtoH(out, args.out_ptr, sizeof out));
        wrong += shows ? 0 : count_wrong(with_bias);
    }
    if (shows)
        launch_half(args.out_ptr);
    args.a_ptr += 4;
    if (production_run(&code, NULL, &args) == TKC_BAD_ARGUMENTS)
        printf("refused: %s\n", production_check(&args));
    check("unload", production_unload(&code));
    printf("%u of %d wrong\n", wrong, 2 * M * N);
    return wrong > 0;
}
