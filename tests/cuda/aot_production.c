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

enum { HALF_M = 16, HALF_N = 256, HALF_K = 16 };
static uint16_t half_a[HALF_M * HALF_K], half_b[HALF_K * HALF_N], half_out[HALF_M * HALF_N];

static double half_value(uint16_t bits) {
    int exponent = (bits >> 10) & 31, fraction = bits & 1023;
    double size = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
    return (bits & 0x8000) != 0 ? -size : size;
}

static void fill_half(uint16_t *to, size_t count) {
    static const uint16_t values[] = {0xc000, 0xbc00, 0, 0x3c00, 0x4000}; /* -2 ... 2 */
    for (size_t i = 0; i < count; i++)
        to[i] = values[rand() % 5];
}

/* The float16 kernel, on integers, so that nothing is rounded. Sizes and strides are multiples of
 * 16: it takes the kernel of large tiles. */
static unsigned try_half(int shows) {
    production_f16_code code;
    production_f16_args args;
    unsigned wrong = 0;
    fill_half(half_a, HALF_M * HALF_K);
    fill_half(half_b, HALF_K * HALF_N);
    memset(&args, 0, sizeof args);
    args.a_ptr = upload(half_a, sizeof half_a);
    args.b_ptr = upload(half_b, sizeof half_b);
    args.out_ptr = upload(half_out, sizeof half_out);
    args.M = HALF_M;
    args.N = args.stride_bk = HALF_N;
    args.K = args.stride_am = HALF_K;
    args.stride_ak = args.stride_bn = 1;
    check("load", production_f16_load(&code));
    check("launch", production_f16_run(&code, NULL, &args));
    check("kernel", cuCtxSynchronize());
    check("copy", cuMemcpyDtoH(half_out, args.out_ptr, sizeof half_out));
    check("unload", production_f16_unload(&code));
    for (int i = 0; !shows && i < HALF_M; i++)
        for (int j = 0; j < HALF_N; j++) {
            double sum = 0;
            for (int k = 0; k < HALF_K; k++)
                sum += half_value(half_a[i * HALF_K + k]) * half_value(half_b[k * HALF_N + j]);
            wrong += half_value(half_out[i * HALF_N + j]) != (sum < 0 ? 0 : sum);
        }
    return wrong;
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
    wrong += try_half(shows);
    args.a_ptr += 4;
    if (production_run(&code, NULL, &args) == TKC_BAD_ARGUMENTS)
        printf("refused: %s\n", production_check(&args));
    check("unload", production_unload(&code));
    printf("%u of %d wrong\n", wrong, 2 * M * N + HALF_M * HALF_N);
    return wrong > 0;
}
