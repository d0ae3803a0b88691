/* Generated code means what the interpreter says: the same kernel, run as tile IR by ir/interp and
 * as PTX by the emulator, on the same random and special values, gives the same bits (any NaN
 * equals any NaN; approximate functions may differ in the last places).
 *
 * A kernel is written once. `@0`, `@1` ... behind a type stand for its layout in the laid form;
 * lines that begin with `!` are in the laid form only, those with `?` in the other one only.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/codegen.h"
#include "interp_world.h"
#include "ir/layout_convert.h"
#include "runtime/emu/emu.h"
#include "support/numeric.h"

enum { COUNT = 512 }; /* elements of each tensor */

/* ---- values ------------------------------------------------------------------------------------
 */

typedef struct Kind {
    const char *name;
    DType dtype;
    unsigned bits;
    unsigned mantissa; /* explicit bits; 0: an integer */
} Kind;
static const Kind kinds[] = {
    {"i1", DT_BOOL, 1, 0},       {"i8", DT_I8, 8, 0},     {"i16", DT_I16, 16, 0},
    {"i32", DT_I32, 32, 0},      {"i64", DT_I64, 64, 0},  {"f8e4m3", DT_F8E4M3, 8, 3},
    {"f8e5m2", DT_F8E5M2, 8, 2}, {"f16", DT_F16, 16, 10}, {"bf16", DT_BF16, 16, 7},
    {"f32", DT_F32, 32, 23},     {"f64", DT_F64, 64, 52},
};
enum { I1, I8, I16, I32, I64, E4M3, E5M2, F16, BF16, F32, F64, NUM_KINDS };

static uint64_t next_random(uint64_t *state) {
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *state;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static uint64_t random_bits(const Kind *kind, uint64_t *state) {
    uint64_t r = next_random(state), mask = UINT64_MAX >> (64 - kind->bits);
    uint64_t sign = (uint64_t)1 << (kind->bits - 1);
    uint64_t small = next_random(state) % 17;
    switch (next_random(state) % 8) {
    case 0:
        return (r & 1 ? small : 0 - small) & mask; /* near zero, or the least subnormals */
    case 1:
        return (sign - small) & mask;
    case 2: /* a float near one; an integer that is small or large */
        if (kind->mantissa == 0)
            return r >> (r % kind->bits) & mask;
        return (((sign >> 1) - ((uint64_t)1 << kind->mantissa)) + (r & 0xff)) & mask;
    case 3: /* around infinity and NaN */
        if (kind->mantissa == 0)
            return r & mask;
        return ((r & sign) | ((sign - ((uint64_t)1 << kind->mantissa)) - 2 + small % 4)) & mask;
    default:
        return r & mask;
    }
}

static void fill(const Kind *kind, void *data, uint64_t seed) {
    for (size_t i = 0; i < COUNT; i++) {
        uint64_t bits = random_bits(kind, &seed);
        memcpy((uint8_t *)data + i * dtype_size(kind->dtype), &bits, dtype_size(kind->dtype));
    }
}

/* Whole numbers from -4 to 4: sums of products of a few hundred are exact in every type that dot
 * accumulates in. */
static void fill_small(const Kind *kind, void *data, uint64_t seed) {
    for (size_t i = 0; i < COUNT; i++) {
        int64_t value = (int64_t)(next_random(&seed) % 9) - 4;
        if (kind->mantissa == 0)
            dtype_store_i64(kind->dtype, data, i, value);
        else
            dtype_store_f64(kind->dtype, data, i, (double)value);
    }
}

/* ---- one kernel in both forms ------------------------------------------------------------------
 */

static const char *form(Arena *arena, const char *text, const char *const *layouts, bool laid) {
    StrBuf out = STRBUF(arena);
    for (unsigned i = 0; laid && layouts[i] != NULL; i++)
        strbuf_printf(&out, "layout #%u = %s\n", i, layouts[i]);
    for (const char *line = text; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        bool keep = *line == '!' ? laid : *line == '?' ? !laid : true;
        size_t skip = *line == '!' || *line == '?' ? 1 : 0;
        for (size_t i = skip; keep && i < len; i++) {
            if (line[i] == '@' && line[i + 1] >= '0' && line[i + 1] <= '9') {
                if (laid)
                    strbuf_printf(&out, ", #%c", line[i + 1]);
                i++;
            } else {
                strbuf_putc(&out, line[i]);
            }
        }
        strbuf_putc(&out, '\n');
        line += len + (line[len] == '\n' ? 1 : 0);
    }
    return strbuf_str(&out);
}

static void show_and_fail(World *w, const char *text, const char *what) {
    diags_render(w->diags, &(DiagStyle){0}, stderr);
    fprintf(stderr, "%s\n", text);
    cr_assert(false, "%s", what);
}

static void run_emulated(World *w, const char *text, const char *target, const InterpArg *args,
                         unsigned num_args) {
    const IrKernel *kernel = world_kernel(w, text);
    CodegenOutput out;
    if (!codegen_kernel(w->arena, kernel, &(CodegenOptions){.target = target}, w->diags, &out))
        show_and_fail(w, text, "no code");
    EmuModule *module = emu_module_load(w->arena, w->diags, out.ptx, out.ptx_len, "test.ptx");
    if (module == NULL)
        show_and_fail(w, out.ptx, "the emulator does not read it");
    EmuArg emu_args[4];
    for (unsigned i = 0; i < num_args; i++)
        emu_args[i] = (EmuArg){.view = &args[i].view, .name = "p"};
    EmuOptions options = {.checks = true, .print_out = stdout};
    EmuLaunch launch = {.grid = {1, 1, 1},
                        .dynamic_shared = (size_t)kernel->shared_bytes,
                        .args = emu_args,
                        .num_args = num_args,
                        .options = &options};
    EmuKernel *entry = emu_module_first(module);
    if (emu_launch(entry, w->space, &launch, w->diags, NULL) != EMU_OK)
        show_and_fail(w, out.ptx, "the emulator found a fault");
}

/* ---- comparison --------------------------------------------------------------------------------
 */

static bool is_nan(const Kind *kind, uint64_t bits) {
    if (kind->mantissa == 0)
        return false;
    uint64_t magnitude = bits & (UINT64_MAX >> (65 - kind->bits));
    if (kind == &kinds[E4M3])
        return magnitude == 0x7f;
    uint64_t infinity = (((uint64_t)1 << (kind->bits - 1 - kind->mantissa)) - 1) << kind->mantissa;
    return magnitude > infinity;
}

static bool agree(const Kind *kind, uint64_t a, uint64_t b, uint64_t ulps) {
    if (a == b || (is_nan(kind, a) && is_nan(kind, b)))
        return true;
    uint64_t difference = a > b ? a - b : b - a;
    return kind->mantissa != 0 && !is_nan(kind, a) && !is_nan(kind, b) && difference <= ulps;
}

/* Runs `text` in both forms on tensors of the kinds; compares the last one. */
static void compare_filled(void (*filler)(const Kind *, void *, uint64_t), const char *text,
                           const char *const *layouts, const Kind *const *tensors,
                           unsigned num_tensors, uint64_t ulps) {
    static const char *const targets[] = {"sm_80", "sm_90a"};
    const Kind *result = tensors[num_tensors - 1];
    size_t size = dtype_size(result->dtype);
    World w;
    world_open(&w);
    InterpArg args[4];
    uint8_t data[COUNT * 8] = {0}, expected[COUNT * 8];
    for (unsigned i = 0; i < num_tensors; i++) {
        filler(tensors[i], data, 17 * i + strlen(text));
        args[i] = world_tensor(&w, tensors[i]->dtype, COUNT, data);
    }
    memcpy(data, world_data(args[num_tensors - 1]), COUNT * size);
    const char *plain = form(w.arena, text, layouts, false);
    if (world_launch(&w, plain, 1, args, num_tensors) != INTERP_OK)
        show_and_fail(&w, plain, "the interpreter found a fault");
    memcpy(expected, world_data(args[num_tensors - 1]), COUNT * size);
    const char *laid = form(w.arena, text, layouts, true);
    for (size_t t = 0; t < TK_COUNTOF(targets); t++) {
        uint8_t *actual = world_data(args[num_tensors - 1]);
        memcpy(actual, data, COUNT * size);
        run_emulated(&w, laid, targets[t], args, num_tensors);
        for (size_t i = 0; i < COUNT; i++) {
            uint64_t a = 0, b = 0;
            memcpy(&a, expected + i * size, size);
            memcpy(&b, actual + i * size, size);
            cr_assert(agree(result, a, b, ulps), "%s\n%s: element %zu is %llx, expected %llx", laid,
                      targets[t], i, (unsigned long long)b, (unsigned long long)a);
        }
    }
    world_close(&w);
}

static void compare(const char *text, const char *const *layouts, const Kind *const *tensors,
                    unsigned num_tensors, uint64_t ulps) {
    compare_filled(fill, text, layouts, tensors, num_tensors, ulps);
}

/* ---- elementwise -------------------------------------------------------------------------------
 */

static const char *const flat[] = {"<512; reg i0 i1; lane i2 i3 i4 i5 i6; warp i7 i8>", NULL};

/* The lines in `body` make %r of %x0 and %x1, of the kinds `a`, `b`; %r is of the kind `r`. */
static void elementwise(const char *body, int a, int b, int r, uint64_t ulps) {
    char text[4096];
    const char *ka = kinds[a].name, *kb = kinds[b].name, *kr = kinds[r].name;
    snprintf(text, sizeof text,
             "kernel @k(%%p0: ptr<%s>, %%p1: ptr<%s>, %%p2: ptr<%s>) num_warps = 4 num_stages = 3\n"
             "! laid\n"
             "{\n"
             "%%i = arange 0, 512 : tile<512xi32@0>\n"
             "%%s0 = splat %%p0 : tile<512xptr<%s>@0>\n"
             "%%a0 = addptr %%s0, %%i : tile<512xptr<%s>@0>\n"
             "!%%x0 = load %%a0, vector = 4 : tile<512x%s@0>\n"
             "?%%x0 = load %%a0 : tile<512x%s>\n"
             "%%s1 = splat %%p1 : tile<512xptr<%s>@0>\n"
             "%%a1 = addptr %%s1, %%i : tile<512xptr<%s>@0>\n"
             "%%x1 = load %%a1 : tile<512x%s@0>\n"
             "%s"
             "%%s2 = splat %%p2 : tile<512xptr<%s>@0>\n"
             "%%a2 = addptr %%s2, %%i : tile<512xptr<%s>@0>\n"
             "store %%a2, %%r\n"
             "return\n"
             "}\n",
             ka, kb, kr, ka, ka, ka, ka, kb, kb, kb, body, kr, kr);
    const Kind *tensors[] = {&kinds[a], &kinds[b], &kinds[r]};
    compare(text, flat, tensors, 3, ulps);
}

/* %r = OP %x0[, %x1[, %x0]] in one type. */
static void same_type(const char *op, unsigned operands, int first, int last, uint64_t ulps) {
    static const char *const lists[] = {"%x0", "%x0, %x1", "%x0, %x1, %x0"};
    for (int k = first; k <= last; k++) {
        char body[256];
        snprintf(body, sizeof body, "%%r = %s %s : tile<512x%s@0>\n", op, lists[operands - 1],
                 kinds[k].name);
        elementwise(body, k, k, k, ulps);
    }
}

Test(codegen_exec, integers) {
    static const char *const binary[] = {"addi",  "subi",  "muli",  "andi",   "ori",
                                         "xori",  "shli",  "shrsi", "shrui",  "minsi",
                                         "maxsi", "minui", "maxui", "mulhsi", "mulhui"};
    for (size_t i = 0; i < TK_COUNTOF(binary); i++)
        same_type(binary[i], 2, I1, I64, 0);
    same_type("absi", 1, I1, I64, 0);
    same_type("ctlz", 1, I1, I64, 0);
    same_type("ctpop", 1, I1, I64, 0);
}

Test(codegen_exec, shifts_near_the_width) {
    static const char *const shifts[] = {"shli", "shrsi", "shrui"};
    for (size_t i = 0; i < TK_COUNTOF(shifts); i++) {
        for (int k = I8; k <= I64; k++) {
            char body[512];
            const char *t = kinds[k].name;
            snprintf(body, sizeof body,
                     "%%c = const 127 : tile<512x%s@0>\n%%y = andi %%x1, %%c : tile<512x%s@0>\n"
                     "%%r = %s %%x0, %%y : tile<512x%s@0>\n",
                     t, t, shifts[i], t);
            elementwise(body, k, k, k, 0);
        }
    }
}

Test(codegen_exec, division) {
    static const char *const ops[] = {"divsi", "divui", "remsi", "remui"};
    for (size_t i = 0; i < TK_COUNTOF(ops); i++) {
        for (int k = I1; k <= I64; k++) {
            char body[512];
            const char *t = kinds[k].name; /* an odd divisor is not 0; -1 is among them */
            snprintf(body, sizeof body,
                     "%%c = const %s : tile<512x%s@0>\n%%y = ori %%x1, %%c : tile<512x%s@0>\n"
                     "%%r = %s %%x0, %%y : tile<512x%s@0>\n",
                     k == I1 ? "true" : "1", t, t, ops[i], t);
            elementwise(body, k, k, k, 0);
        }
    }
}

Test(codegen_exec, comparisons) {
    static const char *const ints[] = {"eq",  "ne",  "slt", "sle", "sgt",
                                       "sge", "ult", "ule", "ugt", "uge"};
    static const char *const floats[] = {"oeq", "une", "olt", "ole", "ogt", "oge"};
    char body[512];
    for (int k = I1; k <= F64; k++) {
        bool is_int = k <= I64;
        for (size_t i = 0; i < (is_int ? TK_COUNTOF(ints) : TK_COUNTOF(floats)); i++) {
            snprintf(body, sizeof body,
                     "%%c = %s %s, %%x0, %%x1 : tile<512xi1@0>\n"
                     "%%r = select %%c, %%x0, %%x1 : tile<512x%s@0>\n",
                     is_int ? "cmpi" : "cmpf", is_int ? ints[i] : floats[i], kinds[k].name);
            elementwise(body, k, k, k, 0);
        }
    }
}

Test(codegen_exec, floats) {
    static const char *const binary[] = {"addf",    "subf",    "mulf",     "divrnf",
                                         "minnumf", "maxnumf", "minimumf", "maximumf"};
    for (size_t i = 0; i < TK_COUNTOF(binary); i++)
        same_type(binary[i], 2, E4M3, F64, 0);
    static const char *const unary[] = {"negf", "absf", "sqrtrn", "floor", "ceil"};
    for (size_t i = 0; i < TK_COUNTOF(unary); i++)
        same_type(unary[i], 1, E4M3, F64, 0);
    same_type("fma", 3, E4M3, F64, 0);
}

Test(codegen_exec, approximations) {
    same_type("divf", 2, E4M3, BF16, 0); /* small types: exact */
    same_type("divf", 2, F32, F64, 2);
    same_type("sqrt", 1, E4M3, F64, 1);
}

Test(codegen_exec, conversions) {
    char body[256];
    for (int from = I1; from <= F64; from++) {
        for (int to = I1; to <= F64; to++) {
            const char *ops[2] = {NULL, NULL};
            bool from_int = from <= I64, to_int = to <= I64;
            if (from_int && to_int && from != to) {
                ops[0] = from < to ? "extsi" : "trunci";
                ops[1] = from < to ? "extui" : NULL;
            } else if (from_int && !to_int) {
                ops[0] = "sitofp", ops[1] = "uitofp";
            } else if (!from_int && to_int) {
                ops[0] = "fptosi", ops[1] = "fptoui";
            } else if (!from_int && kinds[from].bits < kinds[to].bits) {
                ops[0] = "fpext";
            } else if (!from_int && kinds[from].bits > kinds[to].bits) {
                ops[0] = "fptrunc";
            }
            for (unsigned i = 0; i < 2 && ops[i] != NULL; i++) {
                snprintf(body, sizeof body, "%%r = %s %%x0 : tile<512x%s@0>\n", ops[i],
                         kinds[to].name);
                elementwise(body, from, from, to, 0);
            }
            if (ops[0] != NULL && strcmp(ops[0], "fptrunc") == 0) {
                snprintf(body, sizeof body, "%%r = fptrunc %%x0, rounding = rtz : tile<512x%s@0>\n",
                         kinds[to].name);
                elementwise(body, from, from, to, 0);
            }
        }
    }
}

/* ---- between threads ---------------------------------------------------------------------------
 */

/* Deals the 9 bits of 512 elements to registers, lanes and warps; the rest are duplicates. */
static void deal(uint64_t *state, unsigned order[9]) {
    for (unsigned i = 0; i < 9; i++)
        order[i] = i;
    for (unsigned i = 8; i > 0; i--) {
        unsigned j = (unsigned)(next_random(state) % (i + 1)), swap = order[i];
        order[i] = order[j];
        order[j] = swap;
    }
}

/* The first `regs` of `order` to registers, the next to lanes, the last `warps` to warps. */
static const char *layout_text(Arena *arena, const unsigned *order, unsigned warps,
                               unsigned lane_gap) {
    unsigned lanes = lane_gap < 5 ? 4 : 5, regs = 9 - lanes - warps, at = 0;
    StrBuf out = STRBUF(arena);
    strbuf_puts(&out, "<512; reg");
    for (unsigned i = 0; i < regs; i++)
        strbuf_printf(&out, " i%u", order[at++]);
    strbuf_puts(&out, "; lane");
    for (unsigned i = 0; i < 5; i++) {
        if (i == lane_gap)
            strbuf_puts(&out, " .");
        else
            strbuf_printf(&out, " i%u", order[at++]);
    }
    strbuf_puts(&out, "; warp");
    for (unsigned i = 0; i < 2; i++) {
        if (i >= warps)
            strbuf_puts(&out, " .");
        else
            strbuf_printf(&out, " i%u", order[at++]);
    }
    strbuf_puts(&out, ">");
    return strbuf_str(&out);
}

/* Loads in layout 0, does the lines of `body` from %x to %r in layout 1, stores. */
static void between(const char *body, const char *const *layouts, int kind, const char *shared) {
    char text[4096];
    const char *t = kinds[kind].name;
    snprintf(text, sizeof text,
             "kernel @k(%%p0: ptr<%s>, %%p1: ptr<%s>) num_warps = 4 num_stages = 3\n"
             "! laid %s\n"
             "{\n"
             "%%i = arange 0, 512 : tile<512xi32@0>\n"
             "%%s0 = splat %%p0 : tile<512xptr<%s>@0>\n"
             "%%a0 = addptr %%s0, %%i : tile<512xptr<%s>@0>\n"
             "%%x = load %%a0 : tile<512x%s@0>\n"
             "%s"
             "%%j = arange 0, 512 : tile<512xi32@1>\n"
             "%%s1 = splat %%p1 : tile<512xptr<%s>@1>\n"
             "%%a1 = addptr %%s1, %%j : tile<512xptr<%s>@1>\n"
             "store %%a1, %%r\n"
             "return\n"
             "}\n",
             t, t, shared, t, t, t, body, t, t);
    const Kind *tensors[] = {&kinds[kind], &kinds[kind]};
    compare(text, layouts, tensors, 2, 0);
}

Test(codegen_exec, conversions_of_layouts) {
    static const int some[] = {I8, I32, F16, F64, I1};
    OomHandler oom = {.fail_after = -1};
    Arena *arena = arena_create(&oom);
    uint64_t state = 1;
    for (unsigned round = 0; round < 40; round++) {
        unsigned from[9], to[9], warps = round % 3, kind = (unsigned)some[round % 5];
        deal(&state, from);
        memcpy(to, from, sizeof to); /* the warps keep theirs */
        for (unsigned i = 8 - warps; i > 0; i--) {
            unsigned j = (unsigned)(next_random(&state) % (i + 1)), swap = to[i];
            to[i] = to[j];
            to[j] = swap;
        }
        const char *layouts[] = {
            layout_text(arena, from, warps, (unsigned)(next_random(&state) % 10)),
            layout_text(arena, to, warps, (unsigned)(next_random(&state) % 10)), NULL};
        char body[256];
        snprintf(body, sizeof body,
                 "!%%r = convert_layout %%x : tile<512x%s, #1>\n"
                 "?%%r = bitcast %%x : tile<512x%s>\n",
                 kinds[kind].name, kinds[kind].name);
        between(body, layouts, (int)kind, "");
    }
    arena_destroy(arena);
}

/* Stores a tile of layout #0 into a buffer of layout #2 and loads it as #1. */
static void through_buffer(const char *const *layouts, int kind) {
    char body[512];
    const char *t = kinds[kind].name;
    snprintf(body, sizeof body,
             "!%%b = shared_alloc 128 : shared<512x%s, #2>\n"
             "!shared_store %%b, %%x\n"
             "!barrier\n"
             "!%%r = shared_load %%b : tile<512x%s, #1>\n"
             "?%%r = bitcast %%x : tile<512x%s>\n",
             t, t, t);
    between(body, layouts, kind, "shared = 8192");
}

Test(codegen_exec, shared_memory) {
    static const int some[] = {I8, I32, F16, F64, I1};
    static const char *const buffers[] = {"<512; off i0 i1 i2 i3 i4 i5 i6 i7 i8>",
                                          "<512; off i0 i1 i2 i3 i4 i3+i5 i4+i6 i7 i8>",
                                          "<512; off i8 i7 i6 i5 i4 i3 i2 i1 i0>"};
    OomHandler oom = {.fail_after = -1};
    Arena *arena = arena_create(&oom);
    uint64_t state = 2;
    for (unsigned round = 0; round < 30; round++) {
        unsigned from[9], to[9], kind = (unsigned)some[round % 5];
        deal(&state, from);
        deal(&state, to);
        const char *layouts[] = {
            layout_text(arena, from, round % 3, (unsigned)(next_random(&state) % 10)),
            layout_text(arena, to, round / 2 % 3, (unsigned)(next_random(&state) % 10)),
            buffers[round % 3], NULL};
        through_buffer(layouts, (int)kind);
    }
    arena_destroy(arena);
}

static Layout parsed(const char *text) {
    Layout layout;
    const char *error;
    cr_assert(layout_parse(text, strlen(text), &layout, &error), "%s", error);
    return layout;
}

/* Tiles of 512 elements in and out of the layouts of tensor cores, by ldmatrix and stmatrix. */
Test(codegen_exec, matrices) {
    static const struct {
        int kind;
        const char *memory, *fragment, *buffer;
    } cases[] = {
        /* a 16x32 operand, all warps alike; two instructions of four matrices */
        {F16, "<512; reg i0 i1; lane i2 i3 i4 i5 i6; warp i7 i8>",
         "<512; reg i0 i3 i4 i8; lane i1 i2 i5 i6 i7; warp . .>",
         "<512; off i0 i1 i2 i3 i4 i8 i3+i5 i4+i6 i7>"},
        /* a matrix a warp, then two */
        {BF16, "<512; reg i0 i1; lane i2 i3 i4 i5 i6; warp i7 i8>",
         "<512; reg i0 i3; lane i1 i2 i5 i6 i7; warp i4 i8>",
         "<512; off i0 i1 i2 i3 i4 i8 i5 i6 i7>"},
        /* transposed: neighbours in memory go to different lanes */
        {F16, "<512; reg i0 i1 i2; lane i3 i4 i5 i6 i7; warp i8 .>",
         "<512; reg i5 i3 i4 i8; lane i6 i7 i0 i1 i2; warp . .>",
         "<512; off i0 i1 i2 i3 i4 i8 i3+i5 i4+i6 i7>"},
        {I16, "<512; reg i0 i1 i2; lane i3 i4 i5 i6 i7; warp i8 .>",
         "<512; reg i5 i3; lane i6 i7 i0 i1 i2; warp i4 i8>",
         "<512; off i0 i1 i2 i3 i4 i5 i6 i7 i8>"},
        {F32, "<512; reg i0 i1; lane i2 i3 i4 i5 i6; warp i7 i8>",
         "<512; reg i2 i3 i7 i8; lane i0 i1 i4 i5 i6; warp . .>",
         "<512; off i0 i1 i2 i3 i7 i8 i2+i4 i3+i5 i6>"},
        {I8, "<512; reg i0 i1; lane i2 i3 i4 i5 i6; warp i7 i8>",
         "<512; reg i0 i1 i4 i8; lane i2 i3 i5 i6 i7; warp . .>",
         "<512; off i0 i1 i2 i3 i4 i8 i4+i5 i6 i7>"},
    };
    for (size_t n = 0; n < 2 * TK_COUNTOF(cases); n++) {
        bool back = n % 2 == 1;
        Layout fragment = parsed(cases[n / 2].fragment), buffer = parsed(cases[n / 2].buffer);
        unsigned size = (unsigned)dtype_size(kinds[cases[n / 2].kind].dtype);
        cr_assert_neq(layout_shared_side(&fragment, &buffer, size, true).op, SHARED_VECTOR);
        const char *layouts[] = {back ? cases[n / 2].fragment : cases[n / 2].memory,
                                 back ? cases[n / 2].memory : cases[n / 2].fragment,
                                 cases[n / 2].buffer, NULL};
        through_buffer(layouts, cases[n / 2].kind);
    }
}

/* Each layout holds the axis in registers and lanes only. */
static const char *const row_layouts[] = {"<8x64; reg j0 j4 i0; lane j1 j2 j3 j5 i1; warp i2 .>",
                                          "<8; reg i0; lane . . . . i1; warp i2 .>",
                                          "<8x1; reg i0; lane . . . . i1; warp i2 .>", NULL};

static void fold_rows(const char *fold, int kind) {
    char text[4096];
    const char *t = kinds[kind].name;
    snprintf(text, sizeof text,
             "kernel @k(%%p0: ptr<%s>, %%p1: ptr<%s>) num_warps = 4 num_stages = 3\n"
             "! laid\n"
             "{\n"
             "!%%j = arange 0, 64 : tile<64xi32, #3>\n"
             "?%%j = arange 0, 64 : tile<64xi32>\n"
             "!%%j2 = expand_dims %%j, axis = 0 : tile<1x64xi32, #4>\n"
             "?%%j2 = expand_dims %%j, axis = 0 : tile<1x64xi32>\n"
             "%%j3 = broadcast %%j2 : tile<8x64xi32@0>\n"
             "%%i = arange 0, 8 : tile<8xi32@1>\n"
             "%%i2 = expand_dims %%i, axis = 1 : tile<8x1xi32@2>\n"
             "%%c64 = const 64 : tile<8x1xi32@2>\n"
             "%%i3 = muli %%i2, %%c64 : tile<8x1xi32@2>\n"
             "%%i4 = broadcast %%i3 : tile<8x64xi32@0>\n"
             "%%o = addi %%i4, %%j3 : tile<8x64xi32@0>\n"
             "%%s0 = splat %%p0 : tile<8x64xptr<%s>@0>\n"
             "%%a0 = addptr %%s0, %%o : tile<8x64xptr<%s>@0>\n"
             "%%x = load %%a0 : tile<8x64x%s@0>\n"
             "%%s1 = splat %%p1 : tile<8x64xptr<%s>@0>\n"
             "%%a1 = addptr %%s1, %%o : tile<8x64xptr<%s>@0>\n"
             "%s"
             "store %%a1, %%r\n"
             "return\n"
             "}\n",
             t, t, t, t, t, t, t, fold);
    const char *layouts[] = {row_layouts[0],
                             row_layouts[1],
                             row_layouts[2],
                             "<64; reg i0 i4; lane i1 i2 i3 i5 .; warp . .>",
                             "<1x64; reg j0 j4; lane j1 j2 j3 j5 .; warp . .>",
                             NULL};
    const Kind *tensors[] = {&kinds[kind], &kinds[kind]};
    compare(text, layouts, tensors, 2, 0);
}

Test(codegen_exec, folds) {
    static const char *const ops[] = {"addi", "maxsi", "xori"};
    char fold[1024];
    for (int k = I8; k <= I64; k++) {
        const char *t = kinds[k].name;
        for (size_t i = 0; i < TK_COUNTOF(ops); i++) {
            for (unsigned reverse = 0; reverse < 2; reverse++) {
                snprintf(fold, sizeof fold,
                         "%%r = scan %%x, axis = 1%s : tile<8x64x%s@0> (%%l: %s, %%q: %s) {\n"
                         "%%m = %s %%l, %%q : %s\nyield %%m\n}\n",
                         reverse ? ", reverse" : "", t, t, t, ops[i], t);
                fold_rows(fold, k);
            }
            snprintf(fold, sizeof fold,
                     "%%s = reduce %%x, axis = 1 : tile<8x%s@1> (%%l: %s, %%q: %s) {\n"
                     "%%m = %s %%l, %%q : %s\nyield %%m\n}\n"
                     "%%s2 = expand_dims %%s, axis = 1 : tile<8x1x%s@2>\n"
                     "%%r = broadcast %%s2 : tile<8x64x%s@0>\n",
                     t, t, t, ops[i], t, t, t);
            fold_rows(fold, k);
        }
        /* Not commutative: the last element of all, the first of all. */
        snprintf(fold, sizeof fold,
                 "%%s = reduce %%x, axis = 1 : tile<8x%s@1> (%%l: %s, %%q: %s) {\nyield %%q\n}\n"
                 "%%s2 = expand_dims %%s, axis = 1 : tile<8x1x%s@2>\n"
                 "%%r = broadcast %%s2 : tile<8x64x%s@0>\n",
                 t, t, t, t, t);
        fold_rows(fold, k);
        snprintf(fold, sizeof fold,
                 "%%r = scan %%x, axis = 1 : tile<8x64x%s@0> (%%l: %s, %%q: %s) {\nyield %%l\n}\n",
                 t, t, t);
        fold_rows(fold, k);
    }
}

/* c += a @ b, the operands in buffers of the layouts `a` and `b`. */
static void product(const char *precision, int operand, int result, const char *a, const char *b) {
    char text[8192];
    const char *t = kinds[operand].name, *u = kinds[result].name;
    int len = snprintf(
        text, sizeof text,
        "kernel @k(%%p0: ptr<%s>, %%p1: ptr<%s>, %%p2: ptr<%s>) num_warps = 4 num_stages = 3\n"
        "! laid shared = 8192\n"
        "{\n"
        "!%%j = arange 0, 16 : tile<16xi32, #3>\n"
        "?%%j = arange 0, 16 : tile<16xi32>\n"
        "!%%j2 = expand_dims %%j, axis = 0 : tile<1x16xi32, #4>\n"
        "?%%j2 = expand_dims %%j, axis = 0 : tile<1x16xi32>\n"
        "%%j3 = broadcast %%j2 : tile<16x16xi32@0>\n"
        "!%%i = arange 0, 16 : tile<16xi32, #5>\n"
        "?%%i = arange 0, 16 : tile<16xi32>\n"
        "!%%i2 = expand_dims %%i, axis = 1 : tile<16x1xi32, #6>\n"
        "?%%i2 = expand_dims %%i, axis = 1 : tile<16x1xi32>\n"
        "%%i3 = broadcast %%i2 : tile<16x16xi32@0>\n"
        "%%c16 = const 16 : tile<16x16xi32@0>\n"
        "%%i4 = muli %%i3, %%c16 : tile<16x16xi32@0>\n"
        "%%o = addi %%i4, %%j3 : tile<16x16xi32@0>\n",
        t, t, u);
    for (int i = 0; i < 3; i++) {
        const char *k = i < 2 ? t : u;
        len += snprintf(text + len, sizeof text - (size_t)len,
                        "%%s%d = splat %%p%d : tile<16x16xptr<%s>@0>\n"
                        "%%a%d = addptr %%s%d, %%o : tile<16x16xptr<%s>@0>\n"
                        "%%x%d = load %%a%d : tile<16x16x%s@0>\n",
                        i, i, k, i, i, k, i, i, k);
    }
    snprintf(text + len, sizeof text - (size_t)len,
             "!%%ab = shared_alloc 0 : shared<16x16x%s, #1>\n"
             "!%%bb = shared_alloc 4096 : shared<16x16x%s, #2>\n"
             "!shared_store %%ab, %%x0\n"
             "!shared_store %%bb, %%x1\n"
             "!barrier\n"
             "!%%r = dot_fma %%ab, %%bb, %%x2, precision = %s : tile<16x16x%s, #0>\n"
             "?%%r = dot %%x0, %%x1, %%x2, precision = %s : tile<16x16x%s>\n"
             "store %%a2, %%r\n"
             "return\n"
             "}\n",
             t, t, precision, u, precision, u);
    const char *layouts[] = {"<16x16; reg j0; lane j1 j2 j3 i0 i1; warp i2 i3>",
                             a,
                             b,
                             "<16; reg i0; lane i1 i2 i3 . .; warp . .>",
                             "<1x16; reg j0; lane j1 j2 j3 . .; warp . .>",
                             "<16; lane . . . i0 i1; warp i2 i3>",
                             "<16x1; lane . . . i0 i1; warp i2 i3>",
                             NULL};
    const Kind *tensors[] = {&kinds[operand], &kinds[operand], &kinds[result]};
    compare_filled(fill_small, text, layouts, tensors, 3, 0);
}

Test(codegen_exec, products) {
    static const char *const buffers[] = {"<16x16; off j0 j1 j2 j3 i0 i1 i2 i3>",
                                          "<16x16; off i0 i1 i2 i3 j0 j1 j2 j3>",
                                          "<16x16; off j0 j1 j2 j3 j2+i0 j3+i1 i2 i3>"};
    static const struct {
        const char *precision;
        int operand, result;
    } rows[] = {{"ieee", F32, F32},   {"tf32", F32, F32},   {"tf32x3", F32, F32},
                {"bf16x3", F32, F32}, {"bf16x6", F32, F32}, {"ieee", F16, F32},
                {"ieee", F16, F16},   {"ieee", BF16, F32},  {"ieee", E4M3, F32},
                {"ieee", E5M2, F32},  {"ieee", I8, I32},    {"ieee", F64, F64}};
    for (size_t i = 0; i < TK_COUNTOF(rows); i++)
        for (size_t k = 0; k < 9; k++)
            product(rows[i].precision, rows[i].operand, rows[i].result, buffers[k % 3],
                    buffers[k / 3]);
}

/* 96 elements in a layout for 128: those beyond are neither loaded nor folded nor stored. */
Test(codegen_exec, ragged) {
    static const char *const shapes[] = {"<128; reg i0 i6; lane i1 i2 i3 i4 i5; warp . .>",
                                         "<128; reg i0 i1; lane i2 i3 i4 i5 i6; warp . .>",
                                         "<128; reg i6 i5 i0; lane i4 . i3 i2 i1; warp . .>"};
    static const char *const folds[] = {
        "%r = scan %x, axis = 0 : tile<96xi32@0> (%l: i32, %q: i32) {\n"
        "%m = addi %l, %q : i32\nyield %m\n}\n",
        "%r = scan %x, axis = 0, reverse : tile<96xi32@0> (%l: i32, %q: i32) {\n"
        "%m = maxsi %l, %q : i32\nyield %m\n}\n",
        "%s = reduce %x, axis = 0 : i32 (%l: i32, %q: i32) {\n"
        "%m = maxsi %l, %q : i32\nyield %m\n}\n%r = splat %s : tile<96xi32@0>\n"};
    for (size_t i = 0; i < TK_COUNTOF(shapes) * TK_COUNTOF(folds); i++) {
        char text[2048];
        snprintf(text, sizeof text,
                 "kernel @k(%%p0: ptr<i32>, %%p1: ptr<i32>) num_warps = 4 num_stages = 3\n"
                 "! laid\n"
                 "{\n"
                 "%%i = arange 0, 96 : tile<96xi32@0>\n"
                 "%%s0 = splat %%p0 : tile<96xptr<i32>@0>\n"
                 "%%a0 = addptr %%s0, %%i : tile<96xptr<i32>@0>\n"
                 "!%%x = load %%a0, vector = 2 : tile<96xi32, #0>\n"
                 "?%%x = load %%a0 : tile<96xi32>\n"
                 "%%s1 = splat %%p1 : tile<96xptr<i32>@0>\n"
                 "%%a1 = addptr %%s1, %%i : tile<96xptr<i32>@0>\n"
                 "%s"
                 "!store %%a1, %%r, vector = 2\n"
                 "?store %%a1, %%r\n"
                 "return\n"
                 "}\n",
                 folds[i % TK_COUNTOF(folds)]);
        const char *layouts[] = {shapes[i / TK_COUNTOF(folds)], NULL};
        const Kind *tensors[] = {&kinds[I32], &kinds[I32]};
        compare(text, layouts, tensors, 2, 0);
    }
}

/* Elements picked from a buffer by index, along either axis; and counted. */
Test(codegen_exec, single_elements) {
    static const char *const buffers[] = {"<512; off i0 i1 i2 i3 i4 i5 i6 i7 i8>",
                                          "<512; off i0 i1 i2 i3 i4 i3+i5 i4+i6 i7 i8>"};
    for (size_t i = 0; i < TK_COUNTOF(buffers); i++) {
        const char *layouts[] = {"<512; reg i0 i6 i7; lane i1 . i2 i3 i4; warp i5 i8>",
                                 "<512; reg i0 i6 i7; lane i1 . i2 i3 i4; warp i5 i8>",
                                 buffers[i],
                                 "<16; off i0 i1 i2 i3>",
                                 "<16; lane i0 i1 i2 i3 .; warp . .>",
                                 NULL};
        between("%mask = const 511 : tile<512xi32@0>\n"
                "%index = andi %x, %mask : tile<512xi32@0>\n"
                "!%b = shared_alloc 0 : shared<512xi32, #2>\n"
                "!shared_store %b, %x\n"
                "!barrier\n"
                "!%r = shared_gather %b, %index, axis = 0 : tile<512xi32, #1>\n"
                "?%r = gather %x, %index, axis = 0 : tile<512xi32>\n",
                layouts, I32, "shared = 2048");
        between("%mask = const 31 : tile<512xi32@0>\n"
                "%index = andi %x, %mask : tile<512xi32@0>\n"
                "!%bins = shared_alloc 0 : shared<16xi32, #3>\n"
                "!%zero = const 0 : tile<16xi32, #4>\n"
                "!shared_store %bins, %zero\n"
                "!barrier\n"
                "!shared_count %bins, %index\n"
                "!barrier\n"
                "!%h = shared_load %bins : tile<16xi32, #4>\n"
                "?%h = histogram %index : tile<16xi32>\n"
                "%sum = reduce %h, axis = 0 : i32 (%l: i32, %q: i32) {\n"
                "%thrice = const 3 : i32\n"
                "%m = muli %l, %thrice : i32\n%n = addi %m, %q : i32\n"
                "%o = maxsi %l, %q : i32\nyield %o\n}\n"
                "%r = splat %sum : tile<512xi32@1>\n",
                layouts, I32, "shared = 64");
    }
}

/* Every element is written once, though lanes and warps hold duplicates. */
Test(codegen_exec, atomics) {
    static const char *const ops[] = {"add", "and",  "or",   "xor", "max",
                                      "min", "umax", "umin", "xchg"};
    static const char *const layouts[] = {"<512; reg i0 i6 i7; lane i1 . i2 i3 i4; warp i5 i8>",
                                          "<512; reg i0 i6 i7; lane i1 . i2 i3 i4; warp i5 i8>",
                                          NULL};
    char body[512];
    for (size_t i = 0; i < TK_COUNTOF(ops); i++) {
        for (int k = I32; k <= I64; k++) {
            const char *t = kinds[k].name;
            snprintf(body, sizeof body,
                     "%%s9 = splat %%p1 : tile<512xptr<%s>@0>\n"
                     "%%a9 = addptr %%s9, %%i : tile<512xptr<%s>@0>\n"
                     "%%old = atomic_rmw %s, %%a9, %%x, sem = relaxed : tile<512x%s@0>\n"
                     "barrier\n"
                     "%%new = load %%a9 : tile<512x%s@0>\n"
                     "%%r = bitcast %%new : tile<512x%s@0>\n",
                     t, t, ops[i], t, t, t);
            between(body, layouts, k, "");
        }
    }
}
