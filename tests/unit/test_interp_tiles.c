/* Tests of operations on whole tiles: shapes, folds, dot, loops, descriptors, prints, libdevice. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "interp_world.h"
#include "support/numeric.h"

#define HAS(text, part) cr_assert_not_null(strstr(text, part), "no \"%s\" in:\n%s", part, text)

/* A kernel that loads a 4x8 tile %t of i32 from x, runs `body`, and stores %r, a tile of `count`
 * elements of type `elem`, flattened, to out. */
static const char *tile_kernel(World *w, const char *body, const char *elem, int count) {
    StrBuf text = STRBUF(w->arena);
    strbuf_printf(&text,
                  "kernel @k(%%x: ptr<i32>, %%out: ptr<%s>) num_warps = 4 num_stages = 3 {\n"
                  "    %%i = arange 0, 32 : tile<32xi32>\n"
                  "    %%xs = splat %%x : tile<32xptr<i32>>\n"
                  "    %%xp = addptr %%xs, %%i : tile<32xptr<i32>>\n"
                  "    %%flat = load %%xp : tile<32xi32>\n"
                  "    %%t = reshape %%flat : tile<4x8xi32>\n"
                  "%s"
                  "    %%o = arange 0, %d : tile<%dxi32>\n"
                  "    %%os = splat %%out : tile<%dxptr<%s>>\n"
                  "    %%op = addptr %%os, %%o : tile<%dxptr<%s>>\n"
                  "    store %%op, %%r\n    return\n}\n",
                  elem, body, count, count, count, elem, count, elem);
    return strbuf_str(&text);
}

/* Runs the body on 0 .. 31 and compares the result. */
static void expect_tile(const char *body, const int32_t *expected, int count) {
    World w;
    world_open(&w);
    int32_t in[32];
    for (int i = 0; i < 32; i++)
        in[i] = i;
    InterpArg x = world_tensor(&w, DT_I32, 32, in), out = world_tensor(&w, DT_I32, count, NULL);
    InterpStatus status = LAUNCH(&w, tile_kernel(&w, body, "i32", count), 1, x, out);
    cr_assert_eq(status, INTERP_OK, "%s", world_messages(&w));
    const int32_t *got = world_data(out);
    for (int i = 0; i < count; i++)
        cr_assert_eq(got[i], expected[i], "%s\nelement %d is %d, not %d", body, i, got[i],
                     expected[i]);
    world_close(&w);
}

Test(tiles, permute_join_split_cat) {
    int32_t turned[32], pairs[64], odd[16];
    for (int i = 0; i < 32; i++)
        turned[i] = (i % 4) * 8 + i / 4;
    expect_tile("    %p = permute %t, order = [1, 0] : tile<8x4xi32>\n"
                "    %r = reshape %p : tile<32xi32>\n",
                turned, 32);
    for (int i = 0; i < 64; i++)
        pairs[i] = i % 2 == 0 ? i / 2 : i / 2 * 2;
    expect_tile("    %d = addi %t, %t : tile<4x8xi32>\n"
                "    %j = join %t, %d : tile<4x8x2xi32>\n"
                "    %r = reshape %j : tile<64xi32>\n",
                pairs, 64);
    for (int i = 0; i < 16; i++)
        odd[i] = 2 * i + 1;
    expect_tile("    %v = reshape %t : tile<16x2xi32>\n"
                "    %a, %r = split %v : tile<16xi32>, tile<16xi32>\n",
                odd, 16);
    int32_t twice[64];
    for (int i = 0; i < 64; i++)
        twice[i] = i / 16 * 8 + i % 8;
    expect_tile("    %c = cat %t, %t, axis = 1 : tile<4x16xi32>\n"
                "    %r = reshape %c : tile<64xi32>\n",
                twice, 64);
}

Test(tiles, broadcast_gather_histogram) {
    int32_t rows[32], picked[32], counts[4] = {4, 4, 4, 4};
    for (int i = 0; i < 32; i++)
        rows[i] = i / 8;
    expect_tile("    %l = arange 0, 4 : tile<4xi32>\n"
                "    %e = expand_dims %l, axis = 1 : tile<4x1xi32>\n"
                "    %b = broadcast %e : tile<4x8xi32>\n"
                "    %r = reshape %b : tile<32xi32>\n",
                rows, 32);
    for (int i = 0; i < 32; i++)
        picked[i] = i / 8 * 8 + (7 - i % 8);
    expect_tile("    %c7 = const 7 : tile<4x8xi32>\n"
                "    %c8 = const 8 : tile<4x8xi32>\n"
                "    %b = remui %t, %c8 : tile<4x8xi32>\n"
                "    %rev = subi %c7, %b : tile<4x8xi32>\n"
                "    %g = gather %t, %rev, axis = 1 : tile<4x8xi32>\n"
                "    %r = reshape %g : tile<32xi32>\n",
                picked, 32);
    expect_tile("    %c = const 4 : tile<32xi32>\n"
                "    %d = divsi %flat, %c : tile<32xi32>\n"
                "    %r = histogram %d : tile<4xi32>\n",
                counts, 4);
}

/* ---- folds
 * ---------------------------------------------------------------------------------------- */

Test(tiles, reduce_along_either_axis) {
    int32_t sums[4], columns[8];
    for (int i = 0; i < 4; i++)
        sums[i] = 28 + 64 * i;
    for (int i = 0; i < 8; i++)
        columns[i] = 48 + 4 * i;
    expect_tile("    %r = reduce %t, axis = 1 : tile<4xi32> (%a: i32, %b: i32) {\n"
                "        %s = addi %a, %b : i32\n        yield %s\n    }\n",
                sums, 4);
    expect_tile("    %r = reduce %t, axis = 0 : tile<8xi32> (%a: i32, %b: i32) {\n"
                "        %s = addi %a, %b : i32\n        yield %s\n    }\n",
                columns, 8);
}

Test(tiles, reduce_with_constants_captures_and_branches) {
    int32_t expected[8];
    for (int i = 0; i < 8; i++)
        expected[i] = 48 + 4 * i + 3 * 1001;
    expect_tile("    %k = const 1000 : i32\n"
                "    %r = reduce %t, axis = 0 : tile<8xi32> (%a: i32, %b: i32) {\n"
                "        %one = const 1 : i32\n"
                "        %s = addi %a, %b : i32\n"
                "        %u = addi %s, %k : i32\n"
                "        %v = addi %u, %one : i32\n"
                "        yield %v\n    }\n",
                expected, 8);
    expect_tile("    %k = const 1000 : i32\n"
                "    %r = reduce %t, axis = 0 : tile<8xi32> (%a: i32, %b: i32) {\n"
                "        %one = const 1 : i32\n"
                "        %less = cmpi slt, %a, %b : i1\n"
                "        %s = if %less : i32 {\n"
                "            %p = addi %a, %b : i32\n            yield %p\n"
                "        } else {\n"
                "            %q = addi %b, %a : i32\n            yield %q\n        }\n"
                "        %u = addi %s, %k : i32\n"
                "        %v = addi %u, %one : i32\n"
                "        yield %v\n    }\n",
                expected, 8);
}

Test(tiles, argmax_ties_go_left) {
    int32_t expected[4] = {3, 3, 3, 3};
    expect_tile("    %c8 = const 8 : tile<4x8xi32>\n"
                "    %c3 = const 3 : tile<4x8xi32>\n"
                "    %col = remui %t, %c8 : tile<4x8xi32>\n"
                "    %key = minsi %col, %c3 : tile<4x8xi32>\n"
                "    %best, %r = reduce %key, %col, axis = 1 : tile<4xi32>, tile<4xi32> "
                "(%v: i32, %vi: i32, %w: i32, %wi: i32) {\n"
                "        %gt = cmpi sgt, %v, %w : i1\n"
                "        %eq = cmpi eq, %v, %w : i1\n"
                "        %lt = cmpi slt, %vi, %wi : i1\n"
                "        %tie = andi %eq, %lt : i1\n"
                "        %left = ori %gt, %tie : i1\n"
                "        %m = select %left, %v, %w : i32\n"
                "        %k = select %left, %vi, %wi : i32\n"
                "        yield %m, %k\n    }\n",
                expected, 4);
}

Test(tiles, scan_both_ways) {
    int32_t up[32], down[32];
    for (int r = 0; r < 4; r++) {
        for (int c = 0, sum = 0; c < 8; c++)
            up[r * 8 + c] = sum += r * 8 + c;
        for (int c = 7, sum = 0; c >= 0; c--)
            down[r * 8 + c] = sum += r * 8 + c;
    }
    expect_tile("    %s = scan %t, axis = 1 : tile<4x8xi32> (%a: i32, %b: i32) {\n"
                "        %p = addi %a, %b : i32\n        yield %p\n    }\n"
                "    %r = reshape %s : tile<32xi32>\n",
                up, 32);
    expect_tile("    %s = scan %t, axis = 1, reverse : tile<4x8xi32> (%a: i32, %b: i32) {\n"
                "        %p = addi %a, %b : i32\n        yield %p\n    }\n"
                "    %r = reshape %s : tile<32xi32>\n",
                down, 32);
}

/* ---- control
 * -------------------------------------------------------------------------------------- */

Test(tiles, loops_carry_and_swap) {
    int32_t fibonacci[1] = {55};
    expect_tile("    %c0 = const 0 : i32\n    %c1 = const 1 : i32\n    %c10 = const 10 : i32\n"
                "    %a, %b = for %k = %c0 to %c10 step %c1 iter(%p = %c0, %q = %c1) : i32, i32 {\n"
                "        %s = addi %p, %q : i32\n        yield %q, %s\n    }\n"
                "    %r = splat %a : tile<1xi32>\n",
                fibonacci, 1);
    int32_t collatz[1] = {111};
    expect_tile("    %c0 = const 0 : i32\n    %c1 = const 1 : i32\n    %c3 = const 3 : i32\n"
                "    %c27 = const 27 : i32\n"
                "    %n, %steps = while (%m = %c27, %s = %c0) : i32, i32 {\n"
                "        %more = cmpi ne, %m, %c1 : i1\n        condition %more, %m, %s\n"
                "    } do (%m.1: i32, %s.1: i32) {\n"
                "        %odd = andi %m.1, %c1 : i32\n"
                "        %is_odd = cmpi ne, %odd, %c0 : i1\n"
                "        %next = if %is_odd : i32 {\n"
                "            %t3 = muli %m.1, %c3 : i32\n            %u = addi %t3, %c1 : i32\n"
                "            yield %u\n        } else {\n"
                "            %h = shrui %m.1, %c1 : i32\n            yield %h\n        }\n"
                "        %s.2 = addi %s.1, %c1 : i32\n        yield %next, %s.2\n    }\n"
                "    %r = splat %steps : tile<1xi32>\n",
                collatz, 1);
}

Test(tiles, loop_with_a_step_of_zero_is_a_fault) {
    World w;
    world_open(&w);
    int32_t zero[32] = {0};
    InterpArg x = world_tensor(&w, DT_I32, 32, zero), out = world_tensor(&w, DT_I32, 1, NULL);
    const char *body = "    %c0 = const 0 : i32\n    %c9 = const 9 : i32\n"
                       "    %step = load %x : i32\n"
                       "    for %k = %c0 to %c9 step %step {\n        yield\n    }\n"
                       "    %r = const 0 : tile<1xi32>\n";
    cr_assert_eq(LAUNCH(&w, tile_kernel(&w, body, "i32", 1), 1, x, out), INTERP_FAULT);
    HAS(world_messages(&w), "loop step is not positive [TK9033]");
    world_close(&w);
}

/* ---- dot
 * ------------------------------------------------------------------------------------------ */

/* r = a @ b + c for 16x16 tiles; `type` and `acc` are the element types' names. */
static const char *dot_kernel(World *w, const char *type, const char *acc, const char *attrs) {
    StrBuf text = STRBUF(w->arena);
    strbuf_printf(&text,
                  "kernel @k(%%a: ptr<%s>, %%b: ptr<%s>, %%c: ptr<%s>, %%out: ptr<%s>) "
                  "num_warps = 4 num_stages = 3 {\n    %%i = arange 0, 256 : tile<256xi32>\n",
                  type, type, acc, acc);
    static const char *const names[] = {"a", "b", "c", "out"};
    for (size_t k = 0; k < 4; k++) {
        const char *elem = k < 2 ? type : acc;
        strbuf_printf(&text,
                      "    %%%ss = splat %%%s : tile<256xptr<%s>>\n"
                      "    %%%sp = addptr %%%ss, %%i : tile<256xptr<%s>>\n",
                      names[k], names[k], elem, names[k], names[k], elem);
        if (k < 3)
            strbuf_printf(&text,
                          "    %%%sf = load %%%sp : tile<256x%s>\n"
                          "    %%%st = reshape %%%sf : tile<16x16x%s>\n",
                          names[k], names[k], elem, names[k], names[k], elem);
    }
    strbuf_printf(&text,
                  "    %%d = dot %%at, %%bt, %%ct%s : tile<16x16x%s>\n"
                  "    %%f = reshape %%d : tile<256x%s>\n"
                  "    store %%outp, %%f\n    return\n}\n",
                  attrs, acc, acc);
    return strbuf_str(&text);
}

static double dot_error(const char *attrs, bool tf32_reference) {
    World w;
    world_open(&w);
    float a[256], b[256], c[256];
    srand(1);
    for (int i = 0; i < 256; i++) {
        a[i] = (float)rand() / (float)RAND_MAX - 0.5f;
        b[i] = (float)rand() / (float)RAND_MAX - 0.5f;
        c[i] = (float)(i % 2);
    }
    InterpArg x = world_tensor(&w, DT_F32, 256, a), y = world_tensor(&w, DT_F32, 256, b);
    InterpArg z = world_tensor(&w, DT_F32, 256, c), out = world_tensor(&w, DT_F32, 256, NULL);
    InterpStatus status = LAUNCH(&w, dot_kernel(&w, "f32", "f32", attrs), 1, x, y, z, out);
    cr_assert_eq(status, INTERP_OK, "%s", world_messages(&w));
    const float *got = world_data(out);
    double worst = 0;
    for (int i = 0; i < 16; i++) {
        for (int j = 0; j < 16; j++) {
            double sum = 0;
            for (int k = 0; k < 16; k++) {
                float p = a[i * 16 + k], q = b[k * 16 + j];
                sum += tf32_reference ? (double)f32_to_tf32_trunc(p) * (double)f32_to_tf32_trunc(q)
                                      : (double)p * (double)q;
            }
            double error = fabs((double)got[i * 16 + j] - (double)c[i * 16 + j] - sum);
            worst = error > worst ? error : worst;
        }
    }
    world_close(&w);
    return worst;
}

Test(tiles, dot_in_every_precision) {
    double f32_noise = 5 * 0x1p-24 * 16; /* of 16 sums below 5 */
    cr_assert_lt(dot_error(", precision = ieee", false), f32_noise);
    cr_assert_lt(dot_error("", true), f32_noise);
    cr_assert_gt(dot_error("", false), 2 * f32_noise);
    cr_assert_lt(dot_error(", precision = tf32x3", false), f32_noise);
    cr_assert_lt(dot_error(", precision = bf16x3", false), f32_noise + 16 * 0x1p-16);
    cr_assert_lt(dot_error(", precision = bf16x6", false), f32_noise);
}

Test(tiles, dot_of_bytes_and_doubles_is_exact) {
    World w;
    world_open(&w);
    int8_t a[256], b[256];
    int32_t c[256];
    double da[256], db[256], dc[256];
    for (int i = 0; i < 256; i++) {
        a[i] = (int8_t)(i * 37);
        b[i] = (int8_t)(i * 11 - 100);
        c[i] = i * 1000003;
        da[i] = a[i];
        db[i] = b[i];
        dc[i] = c[i];
    }
    InterpArg out = world_tensor(&w, DT_I32, 256, NULL), real = world_tensor(&w, DT_F64, 256, NULL);
    InterpStatus status =
        LAUNCH(&w, dot_kernel(&w, "i8", "i32", ""), 1, world_tensor(&w, DT_I8, 256, a),
               world_tensor(&w, DT_I8, 256, b), world_tensor(&w, DT_I32, 256, c), out);
    cr_assert_eq(status, INTERP_OK, "%s", world_messages(&w));
    status = LAUNCH(&w, dot_kernel(&w, "f64", "f64", ""), 1, world_tensor(&w, DT_F64, 256, da),
                    world_tensor(&w, DT_F64, 256, db), world_tensor(&w, DT_F64, 256, dc), real);
    cr_assert_eq(status, INTERP_OK, "%s", world_messages(&w));
    for (int i = 0; i < 256; i++) {
        int32_t sum = c[i];
        for (int k = 0; k < 16; k++)
            sum += a[i / 16 * 16 + k] * b[k * 16 + i % 16];
        cr_assert_eq(((const int32_t *)world_data(out))[i], sum);
        cr_assert_eq(((const double *)world_data(real))[i], (double)sum);
    }
    world_close(&w);
}

Test(tiles, dot_of_halves_rounds_once) {
    World w;
    world_open(&w);
    uint16_t a[256], b[256], c[256];
    for (int i = 0; i < 256; i++) {
        a[i] = f32_to_f16((float)(i % 7) * 0.125f);
        b[i] = f32_to_f16((float)(i % 5) * 3.0f);
        c[i] = f32_to_f16(1000.0f);
    }
    InterpArg out = world_tensor(&w, DT_F16, 256, NULL);
    InterpStatus status =
        LAUNCH(&w, dot_kernel(&w, "f16", "f16", ""), 1, world_tensor(&w, DT_F16, 256, a),
               world_tensor(&w, DT_F16, 256, b), world_tensor(&w, DT_F16, 256, c), out);
    cr_assert_eq(status, INTERP_OK, "%s", world_messages(&w));
    for (int i = 0; i < 256; i++) {
        float sum = 1000.0f;
        for (int k = 0; k < 16; k++)
            sum += f16_to_f32(a[i / 16 * 16 + k]) * f16_to_f32(b[k * 16 + i % 16]);
        cr_assert_eq(((const uint16_t *)world_data(out))[i], f32_to_f16(sum));
    }
    world_close(&w);
}
