/* Calls what `tkc build --emit=c` made of kernels of aot.tk, over tests/cuda/stub_aot.c; also C++.
 */
#include <stdio.h>
#include <string.h>

#include "cuda.h"
#include "product.h"
#include "scale.h"

static void show(const char *what, tkc_status status) {
    printf("%s: %d %s\n", what, status, scale_status_string(status));
}

static scale_args usual_args(void) {
    scale_args args;
    args.x_ptr = 0x1122334455667700u;
    args.bias_ptr = 0x100;
    args.out_ptr = 0x200;
    args.n = 64;
    args.factor = 2.0f;
    args.stride = 1;
    args.flag = 1;
    args.default_ = -2;
    args.tail_0 = 7;
    args.tail_1 = (int64_t)1 << 40;
    return args;
}

/* Every specialisation once, by what fits. */
static void launch_all(const scale_code *code) {
    tkc_stream stream = (tkc_stream)(uintptr_t)0xabc;
    tkc_grid grid = {4, 3, 2}, none = {0, 1, 1}, wide = {1, 65536, 1};
    scale_args args = usual_args();
    show("all known", scale_launch(code, stream, grid, &args));
    args.bias_ptr = 0;
    show("no bias", scale_launch(code, stream, grid, &args));
    args.bias_ptr = 0x100;
    args.n = 63;
    show("odd n", scale_launch(code, stream, grid, &args));
    args.stride = -1;
    show("stride", scale_run(code, stream, &args));
    args.stride = 3;
    show("negative", scale_run(code, stream, &args));
    args.n = 64;
    show("empty", scale_launch(code, stream, none, &args));
    show("wide", scale_launch(code, stream, wide, &args));
    args.out_ptr = 0x204;
    show("alignment", scale_launch(code, stream, grid, &args));
    printf("check: %s\n", scale_check(&args));
    show("no arguments", scale_launch(code, stream, grid, NULL));
    args = usual_args();
    printf("check: %s\n", scale_check(&args) == NULL ? "fits" : "does not fit");
}

static void use_scale(CUcontext other) {
    scale_code code;
    tkc_grid grid = {1, 1, 1};
    scale_args args = usual_args();
    show("load", scale_load(&code));
    launch_all(&code);
    cuCtxSetCurrent(other);
    show("other context", scale_launch(&code, NULL, grid, &args));
    show("other context", scale_unload(&code));
    cuCtxSetCurrent(NULL);
    show("no context", scale_unload(&code));
}

int main(int argc, char **argv) {
    CUcontext first, second;
    scale_code code;
    tkc_grid grid = {1, 1, 1};
    scale_args args = usual_args();
    product_code big;
    (void)argc;
    memset(&code, 0, sizeof code);
    show("too early", scale_launch(&code, NULL, grid, &args));
    show("too early", scale_unload(&code));
    cuDevicePrimaryCtxRetain(&first, 0);
    cuDevicePrimaryCtxRetain(&second, 1);
    show("no context", scale_load(&code));
    cuCtxSetCurrent(first);
    if (strcmp(argv[1], "scale") == 0)
        use_scale(second);
    cuCtxSetCurrent(first);
    if (strcmp(argv[1], "product") == 0) {
        product_args tiles = {0x100, 0x200};
        show("load", product_load(&big));
        show("launch", product_launch(&big, NULL, grid, &tiles));
        show("unload", product_unload(&big));
        show("unload", product_unload(&big));
    }
    return 0;
}
