/* Differential test of the passes: a kernel computes the same before and after. */
#include <criterion/criterion.h>
#include <string.h>

#include "ir/interp/interp.h"
#include "ir_random.h"
#include "passes/pass.h"

enum { NUM_SEEDS = 150 };

typedef struct World {
    OomHandler oom;
    Arena *arena;
    Diags *diags;
    IrModule *module;
} World;

static void world_open(World *w) {
    *w = (World){.oom = {.fail_after = -1}};
    cr_assert(setjmp(w->oom.jump) == 0);
    w->arena = arena_create(&w->oom);
    w->diags = diags_create(w->arena, sources_create(w->arena));
    w->module = ir_module_create(ir_context_create(w->arena), w->arena, NULL);
}

static const char *kernel_text(World *w, const IrKernel *kernel) {
    StrBuf text = STRBUF(w->arena);
    ir_print_kernel(kernel, NULL, &text);
    return strbuf_str(&text);
}

/* Runs one program of the kernel; `slots` is what it stored. */
static void run(World *w, const IrKernel *kernel, uint32_t n, int64_t slots[IR_RANDOM_SLOTS]) {
    MemSpace *space = mem_space_create(&w->oom);
    MemAlloc *alloc = mem_alloc(space, IR_RANDOM_SLOTS * sizeof *slots, 8, MEM_ZEROED);
    MemView view = {.alloc = alloc, .dtype = DT_I64, .rank = 1};
    view.shape[0] = IR_RANDOM_SLOTS;
    view.strides[0] = 1;
    InterpArg args[] = {{.kind = INTERP_VIEW, .view = view},
                        {.kind = INTERP_SCALAR, .bits = n},
                        {.kind = INTERP_SCALAR, .bits = 0x3fc00000 /* 1.5f */}};
    InterpOptions options = {.checks = true, .print_out = stderr};
    InterpKernel *compiled = interp_compile(w->arena, kernel, w->diags);
    cr_assert_not_null(compiled);
    InterpStatus status =
        interp_launch(compiled, space, (int64_t[]){1, 1, 1}, args, 3, &options, w->diags, SRC_NONE);
    if (status != INTERP_OK)
        diags_render(w->diags, &(DiagStyle){0}, stderr);
    cr_assert_eq(status, INTERP_OK, "%s", kernel_text(w, kernel));
    memcpy(slots, alloc->data, IR_RANDOM_SLOTS * sizeof *slots);
    mem_release(alloc);
    mem_space_destroy(space);
}

static void compare(World *w, const char *pipeline, uint64_t seed, const char *before,
                    const int64_t *expected) {
    static const PassOptions options = {.verify_each = true, .check_contracts = true};
    IrModule *copy = ir_module_create(w->module->ctx, w->arena, NULL);
    IrKernel *kernel = ir_kernel_clone(copy, w->module->kernels.data[0]);
    bool ok = passes_run(copy, pipeline, &options, w->diags, NULL);
    if (!ok)
        diags_render(w->diags, &(DiagStyle){0}, stderr);
    cr_assert(ok, "%s, seed %ju", pipeline, (uintmax_t)seed);
    int64_t slots[IR_RANDOM_SLOTS];
    run(w, kernel, (uint32_t)seed, slots);
    for (int i = 0; i < IR_RANDOM_SLOTS; i++)
        cr_assert_eq(slots[i], expected[i], "%s, seed %ju: slot %d is %jx, not %jx\n%s%s", pipeline,
                     (uintmax_t)seed, i, (uintmax_t)slots[i], (uintmax_t)expected[i], before,
                     kernel_text(w, kernel));
}

static void check_seed(const char *pipeline, uint64_t seed) {
    World w;
    world_open(&w);
    IrRandomOptions options = {.seed = seed, .num_ops = 60, .only_executable = true};
    IrKernel *kernel = ir_random_kernel(w.module, &options);
    kernel->fp_fusion = false; /* contraction changes numbers: see exact_kernel() */
    int64_t expected[IR_RANDOM_SLOTS];
    run(&w, kernel, (uint32_t)seed, expected);
    compare(&w, pipeline, seed, kernel_text(&w, kernel), expected);
    arena_destroy(w.arena);
}

static void check_pipeline(const char *pipeline) {
    for (uint64_t seed = 1; seed <= NUM_SEEDS; seed++)
        check_seed(pipeline, seed);
}

Test(passes_exec, fold_keeps_every_result) {
    check_pipeline("fold");
}

Test(passes_exec, cse_keeps_every_result) {
    check_pipeline("cse");
}

Test(passes_exec, dce_keeps_every_result) {
    check_pipeline("dce");
}

Test(passes_exec, licm_keeps_every_result) {
    check_pipeline("licm");
}

Test(passes_exec, sink_broadcast_keeps_every_result) {
    check_pipeline("sink-broadcast");
}

Test(passes_exec, the_default_pipeline_keeps_every_result) {
    check_pipeline(PASS_DEFAULT_PIPELINE);
}

/* ---- contraction ----------------------------------------------------------------------------- */

enum { NUM_EXACT = 24 };

/* Sums and products of small integers as f64: exact, so that contraction must not show. Each value
 * is stored. `bounds` are the values' largest magnitudes. */
static IrKernel *exact_kernel(World *w, uint64_t seed) {
    IrContext *ctx = w->module->ctx;
    const IrType *f64 = ir_type_scalar(ctx, TY_F64), *i64 = ir_type_scalar(ctx, TY_I64);
    const IrType *i32 = ir_type_scalar(ctx, TY_I32), *f32 = ir_type_scalar(ctx, TY_F32);
    IrKernel *kernel = ir_kernel_create(w->module, strtab_sym(ir_names(ctx), "exact"), SRC_NONE);
    IrValue *out = ir_kernel_add_param(kernel, strtab_sym(ir_names(ctx), "out"),
                                       ir_type_ptr(ctx, i64), SRC_NONE);
    ir_kernel_add_param(kernel, strtab_sym(ir_names(ctx), "n"), i32, SRC_NONE);
    ir_kernel_add_param(kernel, strtab_sym(ir_names(ctx), "x"), f32, SRC_NONE);
    IrBuilder b = {.module = w->module, .kernel = kernel, .block = kernel->body};
    IrValue *values[NUM_EXACT];
    double bounds[NUM_EXACT];
    for (unsigned i = 0; i < NUM_EXACT; i++) {
        static const IrOpcode codes[] = {OP_MulF, OP_MulF, OP_AddF, OP_SubF};
        IrOpcode code = codes[ir_random_next(&seed) % 4];
        unsigned x = (unsigned)(ir_random_next(&seed) % (i + 1)), y = (unsigned)(seed % (i + 1));
        if (i < 4 || x == i || y == i || bounds[x] * bounds[y] > 0x1p48) {
            values[i] = ir_const_float(&b, f64, (double)(ir_random_next(&seed) % 7) - 3);
            bounds[i] = 3;
        } else {
            values[i] = ir_binary(&b, code, values[x], values[y]);
            bounds[i] = code == OP_MulF ? bounds[x] * bounds[y] : bounds[x] + bounds[y];
        }
    }
    for (unsigned i = 0; i < NUM_EXACT; i += 1 + (unsigned)(ir_random_next(&seed) % 3)) {
        IrValue *at = ir_addptr(&b, out, ir_const_int(&b, i32, i), false);
        ir_store(&b, at, ir_cast(&b, OP_Bitcast, values[i], i64), NULL);
    }
    ir_build(&b, OP_Return, NULL, 0, NULL, 0);
    return kernel;
}

Test(passes_exec, fuse_fma_keeps_exact_sums) {
    unsigned contracted = 0;
    for (uint64_t seed = 1; seed <= NUM_SEEDS; seed++) {
        World w;
        world_open(&w);
        IrKernel *kernel = exact_kernel(&w, seed);
        int64_t expected[IR_RANDOM_SLOTS];
        run(&w, kernel, 0, expected);
        compare(&w, "fuse-fma", seed, kernel_text(&w, kernel), expected);
        PassStats stats = {0};
        PassOptions options = {.stats = &stats};
        cr_assert(passes_run(w.module, "fuse-fma", &options, w.diags, NULL));
        contracted += (unsigned)stats.counts[STAT_CONTRACTED];
        arena_destroy(w.arena);
    }
    cr_assert_gt(contracted, 5 * NUM_SEEDS / 10);
}

/* ---- loops and reductions -------------------------------------------------------------------- */

/* What random IR does not have: reductions, loops side by side, loops to unroll. */
static const char loops_text[] =
    "kernel @loops(%out: ptr<i64>, %n: i32, %x: f32) num_warps = 4 num_stages = 3 {\n"
    "    %zero = const 0 : i32\n"
    "    %three = const 3 : i32\n"
    "    %lane = arange 0, 16 : tile<16xi32>\n"
    "    %s = for %i = %zero to %n step %three iter(%a = %zero), unroll = 4 : i32 {\n"
    "        %b = for %k = %i to %n step %three iter(%c = %a), unroll = 2 : i32 {\n"
    "            %seven = const 7 : i32\n"
    "            %d = muli %c, %seven : i32\n"
    "            %e = addi %d, %k : i32\n"
    "            yield %e\n"
    "        }\n"
    "        yield %b\n"
    "    }\n"
    "    %t, %u = for %j = %zero to %n step %three iter(%f = %n, %g = %zero), unroll = 4 : i32, "
    "i32 {\n"
    "        %h = xori %f, %j : i32\n"
    "        %js = splat %j : tile<16xi32>\n"
    "        %tile = muli %lane, %js : tile<16xi32>\n"
    "        %sum = reduce %tile, axis = 0 : i32 (%l: i32, %r: i32) {\n"
    "            %lr = addi %l, %r : i32\n"
    "            yield %lr\n"
    "        }\n"
    "        %twice = addi %sum, %g : i32\n"
    "        %xor = xori %tile, %lane : tile<16xi32>\n"
    "        %max = reduce %xor, axis = 0 : i32 (%l2: i32, %r2: i32) {\n"
    "            %lr2 = maxsi %l2, %r2 : i32\n"
    "            yield %lr2\n"
    "        }\n"
    "        %both = muli %twice, %max : i32\n"
    "        yield %h, %both\n"
    "    }\n"
    "    %st = muli %s, %t : i32\n"
    "    %wide = extsi %st : i64\n"
    "    store %out, %wide\n"
    "    %one = const 1 : i32\n"
    "    %next = addptr %out, %one : ptr<i64>\n"
    "    %wide2 = extsi %u : i64\n"
    "    store %next, %wide2\n"
    "    return\n"
    "}\n";

static uint64_t check_loops(const char *pipeline, StatId event) {
    uint64_t fired = 0;
    for (uint32_t n = 0; n < 40; n++) {
        World w;
        world_open(&w);
        SourceSet *sources = sources_create(w.arena);
        const SrcFile *file = sources_add(sources, "loops.tkir", loops_text, sizeof loops_text - 1);
        w.module = ir_parse(w.module->ctx, w.arena, w.diags, sources, file);
        cr_assert_not_null(w.module);
        const IrKernel *kernel = w.module->kernels.data[0];
        int64_t expected[IR_RANDOM_SLOTS];
        run(&w, kernel, n, expected);
        compare(&w, pipeline, n, kernel_text(&w, kernel), expected);
        PassStats stats = {0};
        PassOptions options = {.stats = &stats};
        cr_assert(passes_run(w.module, pipeline, &options, w.diags, NULL));
        fired += stats.counts[event];
        arena_destroy(w.arena);
    }
    return fired;
}

Test(passes_exec, fuse_reduce_keeps_every_result) {
    cr_assert_eq(check_loops("fuse-reduce", STAT_REDUCES_JOINED), 40);
}

Test(passes_exec, fuse_loops_keeps_every_result) {
    cr_assert_eq(check_loops("fuse-loops", STAT_LOOPS_JOINED), 40);
}

Test(passes_exec, unroll_keeps_every_result) {
    cr_assert_eq(check_loops("unroll", STAT_UNROLLED), 3 * 40);
}

Test(passes_exec, all_of_them_keep_every_result) {
    cr_assert_eq(check_loops("fuse-loops,unroll,fuse-reduce,fold,cse,licm,dce", STAT_LOOPS_JOINED),
                 40);
}
