/* Tests of the checking device: what is a fault, where, and in which words. */
#include <criterion/criterion.h>
#include <string.h>

#include "interp_world.h"

#define HAS(text, part) cr_assert_not_null(strstr(text, part), "no \"%s\" in:\n%s", part, text)

/* Each program adds 64 neighbouring elements. */
static const char vector_add[] = "kernel @add(%x: ptr<f32>, %y: ptr<f32>, %out: ptr<f32>, %n: i32) "
                                 "num_warps = 4 num_stages = 3 {\n"
                                 "    %pid = program_id 0 : i32\n"
                                 "    %c64 = const 64 : i32\n"
                                 "    %base = muli %pid, %c64 : i32\n"
                                 "    %lane = arange 0, 64 : tile<64xi32>\n"
                                 "    %bases = splat %base : tile<64xi32>\n"
                                 "    %offs = addi %bases, %lane : tile<64xi32>\n"
                                 "    %ns = splat %n : tile<64xi32>\n"
                                 "    %mask = cmpi slt, %offs, %ns : tile<64xi1>\n"
                                 "    %xs = splat %x : tile<64xptr<f32>>\n"
                                 "    %xp = addptr %xs, %offs : tile<64xptr<f32>>\n"
                                 "    %a = load %xp, %mask : tile<64xf32>\n"
                                 "    %ys = splat %y : tile<64xptr<f32>>\n"
                                 "    %yp = addptr %ys, %offs : tile<64xptr<f32>>\n"
                                 "    %b = load %yp, %mask : tile<64xf32>\n"
                                 "    %sum = addf %a, %b : tile<64xf32>\n"
                                 "    %os = splat %out : tile<64xptr<f32>>\n"
                                 "    %op = addptr %os, %offs : tile<64xptr<f32>>\n"
                                 "    store %op, %sum, %mask\n"
                                 "    return\n"
                                 "}\n";

enum { N = 1000 };

static void fill(float *values, float step) {
    for (int i = 0; i < N; i++)
        values[i] = (float)i * step;
}

Test(interp, adds_vectors_on_any_number_of_threads) {
    for (unsigned threads = 1; threads <= 3; threads++) {
        World w;
        world_open(&w);
        world_threads(&w, threads);
        float a[N], b[N];
        fill(a, 0.5f);
        fill(b, 2.0f);
        InterpArg x = world_tensor(&w, DT_F32, N, a), y = world_tensor(&w, DT_F32, N, b);
        InterpArg out = world_tensor(&w, DT_F32, N, NULL);
        InterpStatus status = LAUNCH(&w, vector_add, 16, x, y, out, world_scalar(N));
        cr_assert_eq(status, INTERP_OK, "%s", world_messages(&w));
        const float *sum = world_data(out);
        for (int i = 0; i < N; i++)
            cr_assert_eq(sum[i], a[i] + b[i]);
        cr_assert_eq(mem_view_first_unwritten(&out.view), -1);
        world_close(&w);
    }
}

Test(interp, finds_a_load_past_the_end) {
    for (unsigned threads = 1; threads <= 3; threads++) {
        World w;
        world_open(&w);
        world_threads(&w, threads);
        float a[N];
        fill(a, 1.0f);
        InterpArg x = world_tensor(&w, DT_F32, N, a), y = world_tensor(&w, DT_F32, N, a);
        InterpArg out = world_tensor(&w, DT_F32, N, NULL);
        InterpStatus status = LAUNCH(&w, vector_add, 16, x, y, out, world_scalar(2000));
        cr_assert_eq(status, INTERP_FAULT);
        const char *text = world_messages(&w);
        HAS(text, "test.tkir:12:5: fault: load past the end of `x` [TK9001]");
        HAS(text, "24 of 64 lanes, program (15)");
        HAS(text, "`x` is f32[1000] stride (1): 1000 elements, view of 4000 bytes");
        HAS(text, "lane 40 asked for element 1000");
        world_close(&w);
    }
}
