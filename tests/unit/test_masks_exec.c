/* Differential test of the mask passes: kernels with ragged edges, written at random, store the
 * same before and after, and nothing outside of tensors that are just as long as they say. */
#include <criterion/criterion.h>
#include <string.h>

#include "ir/interp/interp.h"
#include "ir_random.h"
#include "passes/pass.h"

enum { NUM_SEEDS = 600, MAX_SLOTS = 4096 };

typedef struct World {
    OomHandler oom;
    Arena *arena;
    Diags *diags;
    SourceSet *sources;
    IrModule *module;
    uint64_t state;
    /* the kernel */
    StrBuf text;
    int block, divisibility, programs, names;
    int64_t n, size; /* size: elements of the tensors */
    bool loop, by_number;
} World;

static int pick(World *w, int below) {
    return (int)(ir_random_next(&w->state) % (uint64_t)below);
}

/* ---- writing a kernel ------------------------------------------------------------------------ */

#define LINE(...) (strbuf_printf(&w->text, __VA_ARGS__), strbuf_putc(&w->text, '\n'))

/* A comparison of %offs with the end, in one of its spellings; its name. */
static const char *write_mask(World *w) {
    const char *name = arena_printf(w->arena, "%%mask%d", w->names++);
    int b = w->block, form = pick(w, w->by_number ? 6 : 5);
    switch (form) {
    case 0:
        LINE("%s = cmpi sgt, %%limit, %%offs : tile<%dxi1>", name, b);
        break;
    case 1:
        LINE("%s = cmpi sle, %%offs, %%last : tile<%dxi1>", name, b);
        break;
    case 2:
        LINE("%s.in = cmpi slt, %%offs, %%limit : tile<%dxi1>", name, b);
        LINE("%s.low = cmpi sge, %%offs, %%zero : tile<%dxi1>", name, b);
        LINE("%s = andi %s.in, %s.low : tile<%dxi1>", name, name, name, b);
        break;
    case 5:
        LINE("%s.left = subi %%n, %%start : i32", name);
        LINE("%s.lim = splat %s.left : tile<%dxi32>", name, name, b);
        LINE("%s = cmpi slt, %%lane, %s.lim : tile<%dxi1>", name, name, b);
        break;
    default:
        LINE("%s = cmpi slt, %%offs, %%limit : tile<%dxi1>", name, b);
    }
    return name;
}

/* Loads, adds up and stores one block that begins at %start; the new sum is %next. */
static void write_block(World *w) {
    int b = w->block;
    LINE("%%base = splat %%start : tile<%dxi32>", b);
    LINE("%%offs = addi %%base, %%lane : tile<%dxi32>", b);
    LINE("%%p = addptr %%px, %%offs : tile<%dxptr<i32>>", b);
    LINE("%%q = addptr %%po, %%offs : tile<%dxptr<i32>>", b);
    const char *mask = write_mask(w);
    LINE("%%v0 = load %%p, %s%s : tile<%dxi32>", mask, pick(w, 2) ? ", %seven" : "", b);
    if (pick(w, 2))
        LINE("%%v = select %s, %%v0, %s : tile<%dxi32>", pick(w, 3) ? mask : write_mask(w),
             pick(w, 2) ? "%seven" : "%base", b);
    else
        LINE("%%v = addi %%v0, %%base : tile<%dxi32>", b);
    LINE("%%next = addi %%acc, %%v : tile<%dxi32>", b);
    LINE("%%double = addi %%v, %%v : tile<%dxi32>", b);
    LINE("store %%q, %%double, %s", pick(w, 2) ? mask : write_mask(w));
}

static void write_loop(World *w) {
    int b = w->block;
    static const char *const froms[] = {"%c0", "%from", "%blk", "%c0"};
    const char *from = froms[pick(w, 4)];
    if (w->by_number) {
        bool round_up = w->n == INT32_MAX - 1 || pick(w, 2);
        LINE("%%c = const %d : i32", round_up ? b - 1 : pick(w, b + 1));
        LINE("%%padded = addi %%n, %%c : i32");
        LINE("%%trips = divsi %%padded, %%blk : i32");
        from = pick(w, 2) ? "%c0" : "%from";
    }
    LINE("%%sum = for %%i = %s to %s step %s iter(%%acc = %%zero) : tile<%dxi32> {", from,
         w->by_number ? "%trips" : "%n", w->by_number ? "%c1" : "%blk", b);
    LINE("%%start = muli %%i, %s : i32", w->by_number ? "%blk" : "%c1");
    write_block(w);
    LINE("yield %%next");
    LINE("}");
}

static void write_one_block(World *w) {
    bool guarded = pick(w, 3) == 0;
    LINE("%%start = muli %%pid, %%blk : i32");
    LINE("%%acc = const 1 : tile<%dxi32>", w->block);
    if (guarded) {
        LINE("%%guard = cmpi slt, %%start, %%n : i1");
        LINE("%%sum = if %%guard : tile<%dxi32> {", w->block);
        write_block(w);
        LINE("yield %%next");
        LINE("} else {");
        LINE("yield %%acc");
        LINE("}");
    } else {
        write_block(w);
    }
    /* without a use of the sum outside, accesses may go into a branch */
    if (!guarded)
        LINE("%%sum = addi %s, %%acc : tile<%dxi32>", pick(w, 2) ? "%next" : "%acc", w->block);
}

static void write_kernel(World *w) {
    static const int blocks[] = {8, 16, 32, 24, 4};
    static const int divisors[] = {1, 4, 8, 16, 24, 32};
    int b = w->block = blocks[pick(w, 5)];
    w->divisibility = divisors[pick(w, 6)];
    w->n = w->divisibility * (pick(w, 8) == 0 ? -1 : pick(w, 12));
    w->loop = pick(w, 3) > 0;
    w->by_number = w->loop && pick(w, 2);
    w->size = w->n > 0 ? w->n : 1;
    if (w->loop && pick(w, 6) == 0) { /* ends at which sums wrap: no trip is made */
        w->divisibility = 1;
        w->n = w->by_number && pick(w, 2) ? INT32_MAX - 1 : INT32_MIN + 1;
    }
    w->programs = w->loop ? 1 : (int)(w->n > 0 ? w->n / b : 0) + 2;
    StrBuf empty = STRBUF(w->arena);
    w->text = empty;
    LINE("kernel @k(%%x: ptr<i32>, %%out: ptr<i32>, %%sums: ptr<i32>, %%n: i32%s, %%f: i32) "
         "num_warps = 4 num_stages = 3 {",
         w->divisibility == 1 ? ""
                              : arena_printf(w->arena, " {divisibility = %d}", w->divisibility));
    LINE("%%c0 = const 0 : i32\n%%c1 = const 1 : i32\n%%blk = const %d : i32", b);
    LINE("%%pid = program_id 0 : i32\n%%lane = arange 0, %d : tile<%dxi32>", b, b);
    LINE("%%limit = splat %%n : tile<%dxi32>\n%%px = splat %%x : tile<%dxptr<i32>>", b, b);
    LINE("%%po = splat %%out : tile<%dxptr<i32>>\n%%zero = const 0 : tile<%dxi32>", b, b);
    LINE("%%seven = const 7 : tile<%dxi32>\n%%n1 = subi %%n, %%c1 : i32", b);
    LINE("%%last = splat %%n1 : tile<%dxi32>\n%%c31 = const 31 : i32", b);
    LINE("%%from = andi %%f, %%c31 : i32");
    if (w->n % b == 0 && pick(w, 2)) /* sometimes the program says so */
        LINE("%%rest = remsi %%n, %%blk : i32\n%%whole = cmpi eq, %%rest, %%c0 : i1\n"
             "assume %%whole");
    if (w->loop)
        write_loop(w);
    else
        write_one_block(w);
    LINE("%%mine = muli %%pid, %%blk : i32\n%%at = addptr %%sums, %%mine : ptr<i32>");
    LINE("%%pat = splat %%at : tile<%dxptr<i32>>", b);
    LINE("%%ps = addptr %%pat, %%lane : tile<%dxptr<i32>>\nstore %%ps, %%sum\nreturn\n}", b);
}

/* ---- running it ------------------------------------------------------------------------------ */

static MemView tensor(MemSpace *space, int64_t count) {
    MemView view = {.dtype = DT_I32, .rank = 1, .shape = {count}, .strides = {1}};
    view.alloc = mem_alloc(space, (size_t)count * sizeof(int32_t), 4, MEM_ZEROED);
    for (int64_t i = 0; i < count; i++)
        ((int32_t *)(void *)view.alloc->data)[i] = (int32_t)(i * 3 + 1);
    return view;
}

/* What the kernel leaves in its outputs, appended to `slots`; how many numbers. */
static size_t run(World *w, const IrKernel *kernel, const char *what, int32_t *slots) {
    MemSpace *space = mem_space_create(&w->oom);
    MemView views[] = {tensor(space, w->size), tensor(space, w->size),
                       tensor(space, (int64_t)w->programs * w->block)};
    InterpArg args[] = {{.kind = INTERP_VIEW, .view = views[0]},
                        {.kind = INTERP_VIEW, .view = views[1]},
                        {.kind = INTERP_VIEW, .view = views[2]},
                        {.kind = INTERP_SCALAR, .bits = (uint32_t)w->n},
                        {.kind = INTERP_SCALAR, .bits = 5}};
    InterpOptions options = {.checks = true, .print_out = stderr};
    InterpKernel *compiled = interp_compile(w->arena, kernel, w->diags);
    cr_assert_not_null(compiled);
    InterpStatus status = interp_launch(compiled, space, (int64_t[]){w->programs, 1, 1}, args, 5,
                                        &options, w->diags, SRC_NONE);
    StrBuf text = STRBUF(w->arena);
    ir_print_kernel(kernel, NULL, &text);
    if (status != INTERP_OK)
        diags_render(w->diags, &(DiagStyle){0}, stderr);
    cr_assert_eq(status, INTERP_OK, "%s, n = %jd:\n%s", what, (intmax_t)w->n, strbuf_str(&text));
    size_t count = 0;
    for (int i = 1; i < 3; i++) {
        size_t size = (size_t)views[i].shape[0];
        cr_assert_leq(count + size, MAX_SLOTS);
        memcpy(slots + count, views[i].alloc->data, size * sizeof *slots);
        count += size;
    }
    for (int i = 0; i < 3; i++)
        mem_release(views[i].alloc);
    mem_space_destroy(space);
    return count;
}

static void compare(World *w, const char *pipeline, uint64_t seed, const int32_t *expected,
                    size_t count, PassStats *stats) {
    PassOptions options = {.verify_each = true, .check_contracts = true, .stats = stats};
    IrModule *copy = ir_module_create(w->module->ctx, w->arena, NULL);
    IrKernel *kernel = ir_kernel_clone(copy, w->module->kernels.data[0]);
    bool ok = passes_run(copy, pipeline, &options, w->diags, NULL);
    if (!ok)
        diags_render(w->diags, &(DiagStyle){0}, stderr);
    cr_assert(ok, "%s, seed %ju", pipeline, (uintmax_t)seed);
    int32_t slots[MAX_SLOTS];
    run(w, kernel, pipeline, slots);
    StrBuf text = STRBUF(w->arena);
    ir_print_kernel(kernel, NULL, &text);
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(slots[i], expected[i], "%s, seed %ju, n = %jd: number %zu is %d, not %d\n%s%s",
                     pipeline, (uintmax_t)seed, (intmax_t)w->n, i, slots[i], expected[i],
                     strbuf_str(&w->text), strbuf_str(&text));
}

static void check_seed(uint64_t seed, PassStats *stats) {
    static const char *const pipelines[] = {
        "mask-elide",
        "mask-split",
        "mask-uniform",
        "mask-other",
        "mask-elide,fold,mask-uniform,fold,cse,mask-branch",
        "mask-elide,fold,mask-split,fold,mask-uniform,fold,cse,mask-branch,mask-other,fold,cse,dce",
    };
    World world = {.oom = {.fail_after = -1}, .state = seed}, *w = &world;
    cr_assert(setjmp(w->oom.jump) == 0);
    w->arena = arena_create(&w->oom);
    w->sources = sources_create(w->arena);
    w->diags = diags_create(w->arena, w->sources);
    write_kernel(w);
    const char *text = strbuf_str(&w->text);
    const SrcFile *file = sources_add(w->sources, "masks.tkir", text, strlen(text));
    w->module = ir_parse(ir_context_create(w->arena), w->arena, w->diags, w->sources, file);
    bool valid = w->module && ir_verify(w->module, w->diags, NULL);
    if (!valid)
        diags_render(w->diags, &(DiagStyle){0}, stderr);
    cr_assert(valid);
    int32_t expected[MAX_SLOTS];
    size_t count = run(w, w->module->kernels.data[0], "before", expected);
    for (size_t i = 0; i < TK_COUNTOF(pipelines); i++)
        compare(w, pipelines[i], seed, expected, count, stats);
    arena_destroy(w->arena);
}

Test(masks_exec, mask_passes_keep_every_result) {
    PassStats stats = {0};
    for (uint64_t seed = 1; seed <= NUM_SEEDS; seed++)
        check_seed(seed, &stats);
    cr_assert_gt(stats.counts[STAT_COMPARISONS_DECIDED], NUM_SEEDS);
    cr_assert_gt(stats.counts[STAT_LOOPS_SPLIT], NUM_SEEDS / 4);
    cr_assert_gt(stats.counts[STAT_MASKS_UNIFORM], NUM_SEEDS / 4);
    cr_assert_gt(stats.counts[STAT_BRANCHES], NUM_SEEDS / 50);
    cr_assert_gt(stats.counts[STAT_SELECTS_DROPPED], NUM_SEEDS / 4);
}
