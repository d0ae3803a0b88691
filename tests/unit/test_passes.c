/* Property tests of the passes on random IR: what they make is valid, and they reach an end. */
#include <criterion/criterion.h>
#include <string.h>

#include "ir_random.h"
#include "passes/pass.h"

static const PassOptions checked = {.verify_each = true, .check_contracts = true};

static const char *module_text(const IrModule *module) {
    StrBuf text = STRBUF(module->arena);
    ir_print_module(module, NULL, &text);
    return strbuf_str(&text);
}

/* The pipeline twice: the second time must change nothing. */
static void check_seed(const char *pipeline, bool any_bits, uint64_t seed) {
    OomHandler oom = {.fail_after = -1};
    cr_assert(setjmp(oom.jump) == 0);
    Arena *arena = arena_create(&oom);
    Diags *diags = diags_create(arena, sources_create(arena));
    IrModule *module = ir_module_create(ir_context_create(arena), arena, NULL);
    IrRandomOptions options = {
        .seed = seed, .num_ops = 50, .any_bits = any_bits, .only_executable = true};
    ir_random_kernel(module, &options);
    bool ok = passes_run(module, pipeline, &checked, diags, NULL);
    const char *once = module_text(module);
    ok = ok && passes_run(module, pipeline, &checked, diags, NULL);
    if (!ok)
        diags_render(diags, &(DiagStyle){0}, stderr);
    cr_assert(ok, "%s, seed %ju", pipeline, (uintmax_t)seed);
    cr_assert_str_eq(module_text(module), once, "%s, seed %ju", pipeline, (uintmax_t)seed);
    arena_destroy(arena);
}

static void check_pipeline(const char *pipeline, bool any_bits) {
    for (uint64_t seed = 1; seed <= 300; seed++)
        check_seed(pipeline, any_bits, seed);
}

Test(passes, fold_is_idempotent) {
    check_pipeline("fold", true);
}

Test(passes, cse_is_idempotent) {
    check_pipeline("cse", true);
}

Test(passes, dce_is_idempotent) {
    check_pipeline("dce", true);
}

Test(passes, licm_is_idempotent) {
    check_pipeline("licm", true);
}

Test(passes, sink_broadcast_is_idempotent) {
    check_pipeline("sink-broadcast", true);
}

Test(passes, fuse_loops_is_idempotent) {
    check_pipeline("fuse-loops", true);
}

Test(passes, fuse_fma_is_idempotent) {
    check_pipeline("fuse-fma", true);
}

Test(passes, the_default_pipeline_makes_valid_ir) {
    check_pipeline("fold,cse,fold,cse,fold,dce", false);
}

Test(passes, requirements_are_those_of_the_table) {
    for (int id = 0; id < PASS_COUNT; id++) {
        const PassInfo *pass = &pass_infos[id];
        cr_assert(pass->requires & PROP_SSA, "%s", pass->name);
        cr_assert(pass->preserves & PROP_SSA, "%s", pass->name);
        cr_assert_eq(pass_from_name(pass->name, strlen(pass->name)), (PassId)id);
    }
}
