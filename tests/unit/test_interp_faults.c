/* Tests of the checking device: what is a fault, where, and in which words. */
#include <criterion/criterion.h>
#include <stdlib.h>
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

/* ---- bounds
 * ----------------------------------------------------------------------------------------- */

#define HEAD(params) "kernel @k(" params ") num_warps = 4 num_stages = 3 {\n"

/* out[0] = x[i], for a view of 3 x 4 elements with row stride 8 from element 8 of 64. */
static const char load_one[] =
    HEAD("%x: ptr<f32>, %out: ptr<f32>, %i: i32") "    %p = addptr %x, %i : ptr<f32>\n"
                                                  "    %v = load %p : f32\n"
                                                  "    store %out, %v\n"
                                                  "    return\n"
                                                  "}\n";

static InterpStatus load_at(int32_t i, BoundsMode bounds, const char **text) {
    World w;
    world_open(&w);
    w.options.bounds = bounds;
    float data[64] = {0};
    InterpArg x = world_view(world_tensor(&w, DT_F32, 64, data), 8, 3, 4, 8, 1);
    InterpArg out = world_tensor(&w, DT_F32, 1, NULL);
    InterpStatus status = LAUNCH(&w, load_one, 1, x, out, world_scalar((uint32_t)i));
    *text = world_last_messages(&w);
    return status;
}

Test(interp, bounds_are_the_views_span) {
    const char *text;
    cr_assert_eq(load_at(0, BOUNDS_VIEW, &text), INTERP_OK);
    cr_assert_eq(load_at(5, BOUNDS_VIEW, &text), INTERP_OK); /* a gap between rows */
    cr_assert_eq(load_at(19, BOUNDS_VIEW, &text), INTERP_OK);
    cr_assert_eq(load_at(20, BOUNDS_VIEW, &text), INTERP_FAULT);
    HAS(text, "load past the end of `x`");
    HAS(text, "`x` is f32[3, 4] stride (8, 1): 12 elements, view of 80 bytes");
    HAS(text, "--bounds=allocation");
    cr_assert_eq(load_at(-1, BOUNDS_VIEW, &text), INTERP_FAULT);
    HAS(text, "load before the start of `x`");
    HAS(text, "it asked for element -1");
}

Test(interp, bounds_can_be_wider_or_narrower) {
    const char *text;
    cr_assert_eq(load_at(-8, BOUNDS_ALLOCATION, &text), INTERP_OK);
    cr_assert_eq(load_at(55, BOUNDS_ALLOCATION, &text), INTERP_OK);
    cr_assert_eq(load_at(56, BOUNDS_ALLOCATION, &text), INTERP_FAULT);
    cr_assert_eq(load_at(3, BOUNDS_ELEMENTS, &text), INTERP_OK);
    cr_assert_eq(load_at(11, BOUNDS_ELEMENTS, &text), INTERP_OK);
    cr_assert_eq(load_at(5, BOUNDS_ELEMENTS, &text), INTERP_FAULT);
    HAS(text, "load in a gap of `x`");
}

Test(interp, wild_addresses_never_crash) {
    World w;
    world_open(&w);
    float data[4] = {0};
    InterpArg out = world_tensor(&w, DT_F32, 4, data);
    for (int checks = 0; checks < 2; checks++) {
        w.options.checks = checks != 0;
        cr_assert_eq(LAUNCH(&w, load_one, 1, world_scalar(0), out, world_scalar(1)), INTERP_FAULT);
        HAS(world_messages(&w), "fault: load at an address where nothing is [TK9021]");
        cr_assert_eq(LAUNCH(&w, load_one, 1, out, out, world_scalar(0x7fffffff)), INTERP_FAULT);
    }
    world_close(&w);
}

Test(interp, reads_of_unwritten_memory) {
    World w;
    world_open(&w);
    InterpArg x = world_tensor(&w, DT_F32, 4, NULL), out = world_tensor(&w, DT_F32, 1, NULL);
    cr_assert_eq(LAUNCH(&w, load_one, 1, x, out, world_scalar(2)), INTERP_FAULT);
    const char *text = world_messages(&w);
    HAS(text, "test.tkir:3:5: fault: read of memory nobody wrote in `x` [TK9003]");
    HAS(text, "it asked for element 2");
    mem_mark_written(x.view.alloc, 8, 4);
    cr_assert_eq(LAUNCH(&w, load_one, 1, x, out, world_scalar(2)), INTERP_OK);
    w.options.checks = false;
    cr_assert_eq(LAUNCH(&w, load_one, 1, x, out, world_scalar(3)), INTERP_OK);
    world_close(&w);
}

/* ---- pointers and integers
 * ----------------------------------------------------------------------------- */

static const char through_integer[] =
    HEAD("%table: ptr<i64>, %out: ptr<f32>, %i: i32") "    %address = load %table : i64\n"
                                                      "    %base = inttoptr %address : ptr<f32>\n"
                                                      "    %p = addptr %base, %i : ptr<f32>\n"
                                                      "    %v = load %p : f32\n"
                                                      "    store %out, %v\n"
                                                      "    return\n"
                                                      "}\n";

Test(interp, a_pointer_from_an_integer_belongs_to_its_allocation) {
    World w;
    world_open(&w);
    float data[4] = {1, 2, 3, 4};
    InterpArg x = world_tensor(&w, DT_F32, 4, data), out = world_tensor(&w, DT_F32, 1, NULL);
    uint64_t address = (uint64_t)(uintptr_t)world_data(x);
    InterpArg table = world_tensor(&w, DT_I64, 1, &address);
    cr_assert_eq(LAUNCH(&w, through_integer, 1, table, out, world_scalar(3)), INTERP_OK);
    cr_assert_eq(*(const float *)world_data(out), 4.0f);
    cr_assert_eq(LAUNCH(&w, through_integer, 1, table, out, world_scalar(4)), INTERP_FAULT);
    HAS(world_messages(&w), "belongs to an allocation of 16 bytes");
    uint64_t odd = address + 1;
    InterpArg off = world_tensor(&w, DT_I64, 1, &odd);
    cr_assert_eq(LAUNCH(&w, through_integer, 1, off, out, world_scalar(0)), INTERP_FAULT);
    HAS(world_messages(&w), "misaligned load of `allocation` [TK9020]");
    world_close(&w);
}

/* ---- faults of computation
 * --------------------------------------------------------------------------- */

static const char compute[] =
    HEAD("%x: ptr<i32>, %out: ptr<i32>") "    %i = arange 0, 8 : tile<8xi32>\n"
                                         "    %ps = splat %x : tile<8xptr<i32>>\n"
                                         "    %p = addptr %ps, %i : tile<8xptr<i32>>\n"
                                         "    %v = load %p : tile<8xi32>\n"
                                         "    %c0 = const 0 : tile<8xi32>\n"
                                         "    %c5 = const 5 : tile<8xi32>\n"; /* the lines under
                                                                                 test follow */

static const char *fault_of(const char *line) {
    World w;
    world_open(&w);
    int32_t values[8] = {1, 2, 0, 4, 5, 0, 7, 8};
    InterpArg x = world_tensor(&w, DT_I32, 8, values), out = world_tensor(&w, DT_I32, 8, NULL);
    StrBuf kernel = STRBUF(w.arena);
    strbuf_puts(&kernel, compute);
    strbuf_puts(&kernel, line);
    strbuf_puts(&kernel, "    return\n}\n");
    cr_assert_eq(LAUNCH(&w, strbuf_str(&kernel), 1, x, out), INTERP_FAULT);
    return world_last_messages(&w);
}

Test(interp, faults_of_computation) {
    const char *text = fault_of("    %q = divsi %c5, %v : tile<8xi32>\n");
    HAS(text, "test.tkir:8:5: fault: integer division by zero [TK9031]");
    HAS(text, "2 of 8 lanes, program (0)");
    text = fault_of("    %ok = cmpi ne, %v, %c0 : tile<8xi1>\n    assert \"v is 0\", %ok\n");
    HAS(text, "device_assert failed: v is 0 [TK9030]");
    text = fault_of("    %g = gather %v, %v, axis = 0 : tile<8xi32>\n");
    HAS(text, "gather index is out of range [TK9034]");
    HAS(text, "1 of 8 lanes");
    text = fault_of("    %no = const false : i1\n    assume %no\n");
    HAS(text, "tl.assume does not hold [TK9032]");
}

Test(interp, iterations_are_named) {
    const char *text = fault_of("    %a = const 0 : i32\n    %b = const 9 : i32\n"
                                "    %s = const 1 : i32\n"
                                "    for %k = %a to %b step %s {\n"
                                "        %two = const 2 : i32\n"
                                "        %ok = cmpi slt, %k, %two : i1\n"
                                "        assert \"small\", %ok\n        yield\n    }\n");
    HAS(text, "program (0), iteration k=2");
}

Test(interp, nothing_runs_in_an_empty_grid) {
    World w;
    world_open(&w);
    InterpArg x = world_tensor(&w, DT_F32, 0, NULL), out = world_tensor(&w, DT_F32, 0, NULL);
    cr_assert_eq(LAUNCH(&w, load_one, 0, x, out, world_scalar(0)), INTERP_OK);
    cr_assert_eq(LAUNCH(&w, load_one, 1, x, out, world_scalar(0)), INTERP_FAULT);
    HAS(world_messages(&w), "`x` is f32[0] stride (1): 0 elements, view of 0 bytes");
    world_close(&w);
}

Test(interp, inline_asm_is_refused) {
    World w;
    world_open(&w);
    InterpStatus status = LAUNCH(&w,
                                 HEAD("%x: i32") "    %y = inline_asm \"mov.b32 $0, $1;\", %x, "
                                                 "constraints = \"=r,r\" : i32\n    return\n}\n",
                                 1, world_scalar(0));
    cr_assert_eq(status, INTERP_REFUSED);
    HAS(world_messages(&w), "error: the cpu device cannot run `inline_asm` [TK0790]");
    world_close(&w);
}

Test(interp, a_run_can_be_cancelled) {
    World w;
    world_open(&w);
    volatile sig_atomic_t cancel = 1;
    w.options.cancel = &cancel;
    cr_assert_eq(LAUNCH(&w,
                        HEAD("%x: i32") "    while () {\n        %t = const true : i1\n"
                                        "        condition %t\n    } do () {\n        yield\n"
                                        "    }\n    return\n}\n",
                        1, world_scalar(0)),
                 INTERP_CANCELLED);
    world_close(&w);
}

Test(interp, device_print_prints_an_element_a_line) {
    World w;
    world_open(&w);
    char *text = NULL;
    size_t len = 0;
    w.options.print_out = open_memstream(&text, &len);
    world_threads(&w, 2);
    InterpStatus status = LAUNCH(&w,
                                 HEAD("%x: i32") "    %pid = program_id 0 : i32\n"
                                                 "    %t = arange 9, 11 : tile<2xi32>\n"
                                                 "    print \"v\", %t, %pid\n"
                                                 "    print \"h\", %x, hex\n    return\n}\n",
                                 2, world_scalar(0xbeef));
    cr_assert_eq(status, INTERP_OK);
    fclose(w.options.print_out);
    cr_assert_str_eq(text, "pid (0, 0, 0) idx (0) v: (operand 0) 9\n"
                           "pid (0, 0, 0) idx (1) v: (operand 0) 10\n"
                           "pid (0, 0, 0) idx () v: (operand 1) 0\n"
                           "pid (0, 0, 0) idx () h: 0x0000beef\n"
                           "pid (1, 0, 0) idx (0) v: (operand 0) 9\n"
                           "pid (1, 0, 0) idx (1) v: (operand 0) 10\n"
                           "pid (1, 0, 0) idx () v: (operand 1) 1\n"
                           "pid (1, 0, 0) idx () h: 0x0000beef\n");
    free(text);
    world_close(&w);
}

/* ---- descriptors
 * -------------------------------------------------------------------------------------- */

static const char block_copy[] = HEAD(
    "%x: desc<4x8xf32>, %y: desc<4x8xf32>, %i: i32, %j: i32") "    %block = desc_load %x, %i, %j : "
                                                              "tile<4x8xf32>\n"
                                                              "    desc_store %y, %block, %i, %j\n"
                                                              "    return\n"
                                                              "}\n";

static InterpArg descriptor(InterpArg tensor, int64_t rows, int64_t cols, int64_t stride) {
    tensor.kind = INTERP_DESC;
    tensor.desc_shape[0] = rows;
    tensor.desc_shape[1] = cols;
    tensor.desc_strides[0] = stride;
    tensor.desc_strides[1] = 1;
    return tensor;
}

Test(interp, descriptors_clip_blocks) {
    World w;
    world_open(&w);
    float data[6 * 12];
    for (int i = 0; i < 72; i++)
        data[i] = (float)i;
    InterpArg x = world_tensor(&w, DT_F32, 72, data), y = world_tensor(&w, DT_F32, 72, data);
    memset(world_data(y), 0, sizeof data);
    InterpStatus status = LAUNCH(&w, block_copy, 1, descriptor(x, 6, 10, 12),
                                 descriptor(y, 6, 10, 12), world_scalar(3), world_scalar(5));
    cr_assert_eq(status, INTERP_OK, "%s", world_messages(&w));
    const float *out = world_data(y);
    for (int i = 0; i < 72; i++) {
        bool copied = i / 12 >= 3 && i % 12 >= 5 && i % 12 < 10;
        cr_assert_eq(out[i], copied ? (float)i : 0.0f, "element %d", i);
    }
    status = LAUNCH(&w, block_copy, 1, descriptor(x, 6, 10, 11), descriptor(y, 6, 10, 12),
                    world_scalar(0), world_scalar(0));
    cr_assert_eq(status, INTERP_FAULT);
    HAS(world_messages(&w), "a stride is no multiple of 16 bytes [TK9035]");
    status = LAUNCH(&w, block_copy, 1, descriptor(x, 7, 10, 12), descriptor(y, 6, 10, 12),
                    world_scalar(4), world_scalar(0));
    cr_assert_eq(status, INTERP_FAULT);
    HAS(world_messages(&w), "load past the end of `x`");
    world_close(&w);
}

Test(interp, a_grid_too_large_to_number_is_refused) {
    World w;
    world_open(&w);
    InterpKernel *kernel = interp_compile(
        w.arena, world_kernel(&w, "kernel @k() num_warps = 4 num_stages = 3 {\n    return\n}\n"),
        w.diags);
    int64_t grid[3] = {INT64_MAX / 2, 3, 1};
    cr_assert_eq(interp_launch(kernel, w.space, grid, NULL, 0, &w.options, w.diags, SRC_NONE),
                 INTERP_REFUSED);
    HAS(world_messages(&w), "has too many programs [TK0791]");
    world_close(&w);
}

/* Compiles and launches with the n-th allocation failing; true if there was no n-th one. */
static bool launch_with_failure(World *w, long n, const IrKernel *ir, const InterpArg *args) {
    OomHandler small = {.fail_after = n};
    Arena *volatile arena = NULL;
    volatile bool finished = false;
    if (setjmp(small.jump) == 0) {
        arena = arena_create(&small);
        InterpKernel *kernel = interp_compile(arena, ir, w->diags);
        int64_t grid[3] = {16, 1, 1};
        InterpStatus status =
            interp_launch(kernel, w->space, grid, args, 4, &w->options, w->diags, SRC_NONE);
        cr_assert_eq(status, INTERP_OK);
        finished = true;
    }
    arena_destroy(arena);
    return finished;
}

Test(interp, running_out_of_memory_is_survived) {
    bool finished = false;
    for (long n = 0; !finished; n++) {
        World w;
        world_open(&w);
        float a[N];
        fill(a, 1.0f);
        InterpArg args[] = {world_tensor(&w, DT_F32, N, a), world_tensor(&w, DT_F32, N, a),
                            world_tensor(&w, DT_F32, N, NULL), world_scalar(N)};
        finished = launch_with_failure(&w, n, world_kernel(&w, vector_add), args);
        world_close(&w);
        cr_assert_lt(n, 1000);
    }
}
