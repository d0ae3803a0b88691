/* Products on tensor cores mean what the interpreter says: kernels at the tile level, run as they
 * are by ir/interp, and as PTX by the emulator behind all passes, for targets with different
 * instructions. Operands are small whole numbers, so that every order of summation gives the same
 * bits. Products of whole instructions are checked to be computed as they should be: by dot_mma or
 * by dot_fma; for smaller ones the cost decides. */
#include <criterion/criterion.h>
#include <string.h>

#include "codegen/codegen.h"
#include "interp_world.h"
#include "passes/pass.h"
#include "runtime/emu/emu.h"
#include "support/numeric.h"

/* ---- kernels ----------------------------------------------------------------------------------
 */

typedef struct Element {
    const char *name;
    DType dtype;
} Element;

typedef struct Product {
    Element a, b, c;
    const char *attributes;
    bool on_cores; /* not by multiply-adds */
} Product;

static const Element f16 = {"f16", DT_F16}, bf16 = {"bf16", DT_BF16}, f32 = {"f32", DT_F32},
                     f64 = {"f64", DT_F64}, i8 = {"i8", DT_I8}, i32 = {"i32", DT_I32},
                     e4m3 = {"f8e4m3", DT_F8E4M3}, e5m2 = {"f8e5m2", DT_F8E5M2};

typedef struct Shape {
    int batch, m, n, k, num_warps; /* batch 0: two axes */
    bool turned_a, turned_b;       /* loaded as its transpose */
} Shape;

static const char *shape_text(Arena *arena, const Shape *shape, int rows, int columns) {
    return shape->batch > 0 ? arena_printf(arena, "%dx%dx%d", shape->batch, rows, columns)
                            : arena_printf(arena, "%dx%d", rows, columns);
}

static int64_t count_of(const Shape *shape, int rows, int columns) {
    return (int64_t)(shape->batch > 0 ? shape->batch : 1) * rows * columns;
}

/* Loads the parameter %p<i> as %x<i>, all of it. */
static void add_load(Arena *arena, StrBuf *text, int i, const char *type, const Shape *shape,
                     int rows, int columns, bool turned) {
    const char *stored =
        turned ? shape_text(arena, shape, columns, rows) : shape_text(arena, shape, rows, columns);
    int64_t count = count_of(shape, rows, columns);
    strbuf_printf(text,
                  "%%i%d = arange 0, %jd : tile<%jdxi32>\n"
                  "%%s%d = splat %%p%d : tile<%jdxptr<%s>>\n"
                  "%%a%d = addptr %%s%d, %%i%d : tile<%jdxptr<%s>>\n"
                  "%%q%d = reshape %%a%d : tile<%sxptr<%s>>\n"
                  "%%%c%d = load %%q%d : tile<%sx%s>\n",
                  i, (intmax_t)count, (intmax_t)count, i, i, (intmax_t)count, type, i, i, i,
                  (intmax_t)count, type, i, i, stored, type, turned ? 't' : 'x', i, i, stored,
                  type);
    if (turned)
        strbuf_printf(text, "%%x%d = permute %%t%d, order = [%s] : tile<%sx%s>\n", i, i,
                      shape->batch > 0 ? "0, 2, 1" : "1, 0",
                      shape_text(arena, shape, rows, columns), type);
}

static const char *kernel_text(Arena *arena, const Product *p, const Shape *shape) {
    StrBuf text = STRBUF(arena);
    const char *result = shape_text(arena, shape, shape->m, shape->n);
    strbuf_printf(&text,
                  "kernel @k(%%p0: ptr<%s> {divisibility = 16}, %%p1: ptr<%s> {divisibility = 16}, "
                  "%%p2: ptr<%s> {divisibility = 16}) num_warps = %d num_stages = 3 {\n",
                  p->a.name, p->b.name, p->c.name, shape->num_warps);
    add_load(arena, &text, 0, p->a.name, shape, shape->m, shape->k, shape->turned_a);
    add_load(arena, &text, 1, p->b.name, shape, shape->k, shape->n, shape->turned_b);
    add_load(arena, &text, 2, p->c.name, shape, shape->m, shape->n, false);
    strbuf_printf(&text, "%%r = dot %%x0, %%x1, %%x2%s : tile<%sx%s>\nstore %%q2, %%r\nreturn\n}\n",
                  p->attributes, result, p->c.name);
    return strbuf_str(&text);
}

/* ---- runs -------------------------------------------------------------------------------------
 */

static void fill(DType dtype, void *data, int64_t count, uint64_t seed) {
    for (int64_t i = 0; i < count; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        int64_t value = (int64_t)(seed >> 40) % 9 - 4;
        if (dtype == DT_I8 || dtype == DT_I32)
            dtype_store_i64(dtype, data, (size_t)i, value);
        else
            dtype_store_f64(dtype, data, (size_t)i, (double)value);
    }
}

static void show_and_fail(World *w, const char *text, const char *what) {
    diags_render(w->diags, &(DiagStyle){0}, stderr);
    fprintf(stderr, "%s\n", text);
    cr_assert(false, "%s", what);
}

static bool count_products(IrOp *op, void *data) {
    unsigned *counts = data;
    counts[0] += op->code == OP_DotMma;
    counts[1] += op->code == OP_DotFma;
    return true;
}

static void run_emulated(World *w, const IrKernel *tile, const char *text, const char *target,
                         const InterpArg *args, bool on_cores, bool is_small) {
    IrModule *module = ir_module_create(tile->module->ctx, w->arena, NULL);
    IrKernel *kernel = ir_kernel_clone(module, tile);
    PassOptions passes = {.verify_each = true};
    const CodegenTarget *known = codegen_target(target);
    passes.target = (PassTarget){codegen_target_arch(known), known->shared_limit};
    if (!passes_run(module, PASS_GPU_PIPELINE, &passes, w->diags, NULL))
        show_and_fail(w, text, "the passes failed");
    unsigned counts[2] = {0, 0};
    ir_walk(kernel->body, count_products, counts);
    bool right = on_cores ? counts[0] > 0 && counts[1] == 0 : counts[1] > 0;
    cr_assert(right || is_small, "%s\n%s: %u times dot_mma, %u times dot_fma", text, target,
              counts[0], counts[1]);
    CodegenOutput out;
    if (!codegen_kernel(w->arena, kernel, &(CodegenOptions){.target = target}, w->diags, &out))
        show_and_fail(w, text, "no code");
    EmuModule *code = emu_module_load(w->arena, w->diags, out.ptx, out.ptx_len, "test.ptx");
    if (code == NULL)
        show_and_fail(w, out.ptx, "the emulator does not read it");
    EmuArg emu_args[3];
    for (unsigned i = 0; i < 3; i++)
        emu_args[i] = (EmuArg){.view = &args[i].view, .name = "p"};
    EmuOptions options = {.checks = true, .print_out = stdout};
    EmuLaunch launch = {.grid = {1, 1, 1},
                        .dynamic_shared = (size_t)kernel->shared_bytes,
                        .args = emu_args,
                        .num_args = 3,
                        .options = &options};
    if (emu_launch(emu_module_first(code), w->space, &launch, w->diags, NULL) != EMU_OK)
        show_and_fail(w, out.ptx, "the emulator found a fault");
}

static void compare(const Product *p, const Shape *shape) {
    static const char *const targets[] = {"sm_80", "sm_89", "sm_90a"};
    World w;
    world_open(&w);
    const int64_t counts[] = {count_of(shape, shape->m, shape->k),
                              count_of(shape, shape->k, shape->n),
                              count_of(shape, shape->m, shape->n)};
    const DType types[] = {p->a.dtype, p->b.dtype, p->c.dtype};
    InterpArg args[3];
    for (unsigned i = 0; i < 3; i++) {
        void *data = arena_alloc(w.arena, (size_t)counts[i] * dtype_size(types[i]), 8);
        fill(types[i], data, counts[i], i + 1);
        args[i] = world_tensor(&w, types[i], counts[i], data);
    }
    size_t bytes = (size_t)counts[2] * dtype_size(types[2]);
    void *before = arena_alloc(w.arena, bytes, 8), *expected = arena_alloc(w.arena, bytes, 8);
    memcpy(before, world_data(args[2]), bytes);
    const char *text = kernel_text(w.arena, p, shape);
    const IrKernel *kernel = world_kernel(&w, text);
    if (world_launch(&w, text, 1, args, 3) != INTERP_OK)
        show_and_fail(&w, text, "the interpreter found a fault");
    memcpy(expected, world_data(args[2]), bytes);
    for (size_t t = 0; t < TK_COUNTOF(targets); t++) {
        memcpy(world_data(args[2]), before, bytes);
        run_emulated(&w, kernel, text, targets[t], args, p->on_cores,
                     shape->m < 16 || shape->n < 8);
        cr_assert(memcmp(world_data(args[2]), expected, bytes) == 0, "%s\n%s: other numbers", text,
                  targets[t]);
    }
    world_close(&w);
}

/* ---- tests ------------------------------------------------------------------------------------
 */

static void compare_all(const Shape *shapes, size_t num_shapes) {
    const Product products[] = {
        {f16, f16, f32, "", true},
        {f16, f16, f16, "", true},
        {bf16, bf16, f32, "", true},
        {bf16, bf16, bf16, "", true},
        {f32, f32, f32, "", true},
        {f32, f32, f32, ", precision = tf32x3", true},
        {f32, f32, f32, ", precision = bf16x3", true},
        {f32, f32, f32, ", precision = bf16x6", true},
        {f32, f32, f32, ", precision = ieee", false},
        {i8, i8, i32, "", true},
        {e4m3, e4m3, f32, "", true},
        {e4m3, e5m2, f32, "", true},
        {e5m2, e4m3, f32, ", max_num_imprecise_acc = 32", true},
        {e5m2, e5m2, f16, "", true},
        {f64, f64, f64, "", true},
    };
    for (size_t i = 0; i < TK_COUNTOF(products); i++)
        for (size_t k = 0; k < num_shapes; k++)
            compare(&products[i], &shapes[k]);
}

Test(mma_exec, whole_tiles) {
    const Shape shapes[] = {{0, 16, 16, 32, 1, false, false}, {0, 32, 64, 32, 8, false, false}};
    compare_all(shapes, TK_COUNTOF(shapes));
}

Test(mma_exec, transposed_operands) {
    const Shape shapes[] = {{0, 64, 32, 32, 4, true, false},
                            {0, 64, 32, 32, 4, false, true},
                            {2, 16, 32, 32, 4, true, true}};
    compare_all(shapes, TK_COUNTOF(shapes));
}

Test(mma_exec, batches) {
    const Shape shapes[] = {{4, 16, 16, 32, 2, false, false}, {2, 16, 16, 32, 8, false, false}};
    compare_all(shapes, TK_COUNTOF(shapes));
}

/* Smaller than an instruction, along each axis. */
Test(mma_exec, small_tiles) {
    const Shape shapes[] = {{0, 8, 32, 32, 2, false, false},
                            {0, 1, 64, 32, 4, false, false},
                            {0, 32, 2, 32, 1, false, false},
                            {0, 16, 16, 16, 1, false, false}};
    compare_all(shapes, TK_COUNTOF(shapes));
}
