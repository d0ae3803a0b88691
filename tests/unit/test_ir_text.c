/* Tests of the IR's text: printing, parsing and verifying random modules, and broken text. */
#include <criterion/criterion.h>
#include <string.h>

#include "ir/ir.h"
#include "ir_random.h"

typedef struct World {
    OomHandler oom;
    Arena *arena;
    SourceSet *sources;
    Diags *diags;
    IrContext *ctx;
} World;

static void world_open(World *w) {
    *w = (World){.oom = {.fail_after = -1}};
    cr_assert(setjmp(w->oom.jump) == 0);
    w->arena = arena_create(&w->oom);
    w->sources = sources_create(w->arena);
    w->diags = diags_create(w->arena, w->sources);
    w->ctx = ir_context_create(w->arena);
}

static void world_close(World *w) {
    arena_destroy(w->arena);
}

static const char *print(World *w, const IrModule *module, bool locations) {
    StrBuf out = STRBUF(w->arena);
    IrPrintOptions options = {.locations = locations};
    ir_print_module(module, &options, &out);
    return strbuf_str(&out);
}

static IrModule *parse(World *w, const char *text) {
    SrcFile *file = sources_add(w->sources, "test.tkir", text, strlen(text));
    return ir_parse(w->ctx, w->arena, w->diags, w->sources, file);
}

static void show_diags(World *w) {
    diags_render(w->diags, &(DiagStyle){0}, stderr);
}

static void check_round_trip(uint64_t seed, bool locations) {
    World w;
    world_open(&w);
    sources_add(w.sources, "a.tk", "line one\nline two is longer\n\nfour\n", 35);
    sources_add(w.sources, "dir/\"b\".tk", "short\nfile", 10);
    IrModule *module = ir_module_create(w.ctx, w.arena, w.sources);
    IrRandomOptions options = {
        .seed = seed, .num_ops = 40, .any_bits = true, .with_ranges = locations};
    ir_random_kernel(module, &options);
    bool valid = ir_verify(module, w.diags, NULL);
    const char *first = print(&w, module, locations);
    IrModule *again = parse(&w, first);
    if (!valid || !again)
        show_diags(&w);
    cr_assert(valid, "seed %ju: the generator made invalid IR", (uintmax_t)seed);
    cr_assert(again != NULL, "seed %ju does not parse:\n%s", (uintmax_t)seed, first);
    cr_assert(ir_verify(again, w.diags, NULL));
    cr_assert_str_eq(print(&w, again, locations), first, "seed %ju", (uintmax_t)seed);
    world_close(&w);
}

Test(ir_text, print_parse_print_is_the_identity) {
    for (uint64_t seed = 1; seed <= 300; seed++)
        check_round_trip(seed, false);
}

Test(ir_text, locations_survive) {
    for (uint64_t seed = 1; seed <= 300; seed++)
        check_round_trip(seed, true);
}

Test(ir_text, clones_print_alike) {
    for (uint64_t seed = 1; seed <= 100; seed++) {
        World w;
        world_open(&w);
        IrModule *module = ir_module_create(w.ctx, w.arena, NULL);
        IrModule *copy = ir_module_create(w.ctx, w.arena, NULL);
        ir_random_kernel(module, &(IrRandomOptions){.seed = seed, .num_ops = 40});
        ir_kernel_clone(copy, module->kernels.data[0]);
        cr_assert(ir_verify(copy, w.diags, NULL));
        cr_assert_str_eq(print(&w, copy, false), print(&w, module, false));
        world_close(&w);
    }
}

static bool types_are_of(IrOp *op, void *ctx) {
    for (unsigned i = 0; i < op->num_results; i++)
        if (ir_result(op, i)->type != ir_type_import(ctx, ir_result(op, i)->type))
            return false;
    return true;
}

/* The copy has nothing of the first context but names, and that one is left as it was. */
Test(ir_text, clones_move_to_other_contexts) {
    for (uint64_t seed = 1; seed <= 100; seed++) {
        World w, other;
        world_open(&w);
        world_open(&other);
        IrModule *module = ir_module_create(w.ctx, w.arena, NULL);
        IrModule *copy = ir_module_create(other.ctx, other.arena, NULL);
        ir_random_kernel(module, &(IrRandomOptions){.seed = seed, .num_ops = 40});
        size_t before = arena_bytes(w.arena);
        IrKernel *kernel = ir_kernel_clone(copy, module->kernels.data[0]);
        cr_assert_eq(arena_bytes(w.arena), before);
        cr_assert(ir_verify(copy, other.diags, NULL));
        cr_assert(ir_walk(kernel->body, types_are_of, other.ctx));
        for (unsigned i = 0; i < kernel->body->num_args; i++) {
            const IrType *type = kernel->body->args[i]->type;
            cr_assert_eq(type, ir_type_import(other.ctx, type));
        }
        cr_assert_str_eq(print(&other, copy, false), print(&w, module, false));
        world_close(&other);
        world_close(&w);
    }
}

/* Whatever the text is, the parser ends, and IR that it accepts can be verified and printed. */
static void check_survives(const char *text, size_t len) {
    World w;
    world_open(&w);
    SrcFile *file = sources_add(w.sources, "fuzz.tkir", text, len);
    IrModule *module = ir_parse(w.ctx, w.arena, w.diags, w.sources, file);
    if (module && ir_verify(module, w.diags, NULL)) {
        const char *first = print(&w, module, false);
        IrModule *again = parse(&w, first);
        cr_assert(again != NULL, "accepted, printed, refused:\n%s", first);
        cr_assert_str_eq(print(&w, again, false), first);
    } else {
        cr_assert(diags_count(w.diags, SEV_ERROR) > 0);
    }
    world_close(&w);
}

static char *random_text(World *w, uint64_t seed) {
    IrModule *module = ir_module_create(w->ctx, w->arena, NULL);
    ir_random_kernel(module, &(IrRandomOptions){.seed = seed, .num_ops = 15, .any_bits = true});
    return arena_strdup(w->arena, print(w, module, false));
}

Test(ir_text, truncated_text_is_refused_cleanly) {
    World w;
    world_open(&w);
    char *text = random_text(&w, 7);
    for (size_t len = 0; len < strlen(text); len += 3) {
        if (len > 0)
            check_survives(text, len);
    }
    world_close(&w);
}

Test(ir_text, mutated_text_never_crashes) {
    static const char junk[] = "%@{}[]()<>,:=\"\\-0x19ae._ \n/\t\x80\xff#kernel";
    uint64_t state = 42;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        World w;
        world_open(&w);
        char *text = random_text(&w, seed);
        size_t len = strlen(text);
        for (int round = 0; round < 20; round++) {
            char *mutant = arena_strndup(w.arena, text, len);
            for (uint64_t edits = 1 + ir_random_next(&state) % 4; edits > 0; edits--) {
                size_t at = ir_random_next(&state) % len, from = ir_random_next(&state) % len;
                size_t count = ir_random_next(&state) % 12;
                count = at + count > len ? len - at : count;
                count = from + count > len ? len - from : count;
                if (ir_random_next(&state) % 2)
                    memmove(mutant + at, text + from, count);
                else
                    mutant[at] = junk[ir_random_next(&state) % (sizeof junk - 1)];
            }
            check_survives(mutant, len);
        }
        world_close(&w);
    }
}

Test(ir_text, deep_nesting_is_refused) {
    World w;
    world_open(&w);
    StrBuf text = STRBUF(w.arena);
    strbuf_puts(&text, "kernel @deep(%c: i1) {\n");
    for (int i = 0; i < 20000; i++)
        strbuf_puts(&text, "if %c {\n");
    cr_assert_null(parse(&w, strbuf_str(&text)));
    cr_assert_eq(diags_at(w.diags, 0)->id, DIAG_IR_NESTING);
    world_close(&w);
}

Test(ir_text, names_of_constants_belong_to_the_printer) {
    World w;
    world_open(&w);
    IrModule *module = parse(&w, "kernel @k() {\n %c5 = const 5 : i32\n %c6 = const 5 : i32\n"
                                 " %c5.1 = const 5 : i32\n %7 = const 5 : i32\n return\n}\n");
    cr_assert_not_null(module);
    const IrOp *op = module->kernels.data[0]->body->first;
    cr_assert_null(op->results[0].name);
    cr_assert_str_eq(op->next->results[0].name, "c6");
    cr_assert_null(op->next->next->results[0].name);
    cr_assert_null(op->next->next->next->results[0].name);
    world_close(&w);
}
