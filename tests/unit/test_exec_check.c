/* Unit tests of exec_check(): a pass that changes what a kernel computes is found, one that keeps
 * it is not. The pass is played by two kernels. */
#include <criterion/criterion.h>
#include <string.h>

#include "passes/exec_check.h"

static const char head[] = "kernel @k(%p: ptr<f32>, %q: ptr<i32>, %n: i32, %x: f32) num_warps = 4 "
                           "num_stages = 3 {\n";

typedef struct World {
    OomHandler oom;
    Arena *arena;
    SourceSet *sources;
    IrContext *ctx;
    Diags *diags;
} World;

static const IrKernel *parse(World *w, const char *body) {
    StrBuf text = STRBUF(w->arena);
    strbuf_printf(&text, "%s%sreturn\n}\n", head, body);
    const SrcFile *file = sources_add(w->sources, "k.tkir", strbuf_str(&text), text.len);
    IrModule *module = ir_parse(w->ctx, w->arena, w->diags, w->sources, file);
    cr_assert_not_null(module, "%s", body);
    cr_assert(ir_verify(module, w->diags, NULL), "%s", body);
    return module->kernels.data[0];
}

/* The first message about the change from `before` to `after` as if by `pass`; NULL: none. */
static const char *message(World *w, const char *pass, const char *before, const char *after) {
    *w = (World){.oom = {.fail_after = -1}};
    cr_assert(setjmp(w->oom.jump) == 0);
    w->arena = arena_create(&w->oom);
    w->sources = sources_create(w->arena);
    w->ctx = ir_context_create(w->arena);
    w->diags = diags_create(w->arena, w->sources);
    ExecCheck check = {.seed = 7, .rounds = 4};
    const PassInfo *info = &pass_infos[pass_from_name(pass, strlen(pass))];
    bool same = exec_check(&check, info, parse(w, before), parse(w, after), true, w->diags);
    const char *text = diags_len(w->diags) > 0 ? diags_at(w->diags, 0)->text : NULL;
    cr_assert(same == (text == NULL));
    cr_assert(!same || check.compared == 4);
    return text;
}

static void check_found(const char *pass, const char *before, const char *after,
                        const char *expected) {
    World w;
    const char *text = message(&w, pass, before, after);
    cr_assert_not_null(text, "not found: %s", after);
    cr_assert_not_null(strstr(text, expected), "%s", text);
    cr_assert_eq(diag_infos[diags_at(w.diags, 0)->id].code, 432, "TK0432");
    arena_destroy(w.arena);
}

static void check_same(const char *pass, const char *before, const char *after) {
    World w;
    const char *text = message(&w, pass, before, after);
    cr_assert_null(text, "%s", text);
    arena_destroy(w.arena);
}

Test(exec_check, finds_another_value) {
    check_found("fold", "%a = addi %n, %n : i32\nstore %q, %a\n",
                "%a = muli %n, %n : i32\nstore %q, %a\n", "element 0 of `q` is 0x");
    check_found("fold", "store %p, %x\n", "%a = negf %x : f32\nstore %p, %a\n", "of `p`");
}

Test(exec_check, finds_a_store_too_many_and_one_too_few) {
    check_found("dce", "store %q, %n\n", "", "element 0 of `q`");
    check_found("dce", "", "%i = const 9 : i32\n%a = addptr %q, %i : ptr<i32>\nstore %a, %i\n",
                "element 9 of `q` is 0x9");
}

Test(exec_check, finds_a_new_fault) {
    check_found("licm", "store %q, %n\n",
                "%far = const 1000000 : i32\n%a = addptr %q, %far : ptr<i32>\n"
                "%v = load %a : i32\nstore %q, %n\n",
                "it faults: load past the end of `q`");
}

Test(exec_check, finds_another_text) {
    check_found("cse", "print \"n\", %n\n", "print \"m\", %n\n", "it prints something else");
}

Test(exec_check, accepts_another_way) {
    check_same("fold", "%a = addi %n, %n : i32\nstore %q, %a\n",
               "%two = const 2 : i32\n%a = muli %two, %n : i32\nstore %q, %a\n");
    check_same("fold", "%a = load %p : f32\n%b = addf %a, %x : f32\nstore %p, %b\n",
               "%a = load %p : f32\n%b = addf %x, %a : f32\nstore %p, %b\n");
}

#define LOAD_TILE                                                                                  \
    "%i = arange 0, 64 : tile<64xi32>\n%b = splat %p : tile<64xptr<f32>>\n"                        \
    "%a = addptr %b, %i : tile<64xptr<f32>>\n%v = load %a : tile<64xf32>\n"
#define STORE_TILE "store %a, %w\n"

Test(exec_check, finds_what_only_infinities_show) {
    check_found("fold", LOAD_TILE "%w = subf %v, %v : tile<64xf32>\n" STORE_TILE,
                LOAD_TILE "%w = const 0.0 : tile<64xf32>\n" STORE_TILE, "of `p`");
}

/* x / 3 and x * (1 / 3) differ in the last bit for some x. */
Test(exec_check, lets_floats_differ_behind_passes_that_round) {
    static const char before[] = LOAD_TILE "%c = const 3.0 : tile<64xf32>\n"
                                           "%w = divrnf %v, %c : tile<64xf32>\n" STORE_TILE;
    static const char after[] = LOAD_TILE "%c = const 0.333333343 : tile<64xf32>\n"
                                          "%w = mulf %v, %c : tile<64xf32>\n" STORE_TILE;
    check_same("fuse-fma", before, after);
    check_found("fold", before, after, "of `p`");
}
