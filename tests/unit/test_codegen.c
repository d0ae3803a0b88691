/* LLVM's ways of giving up: each is an error, after which the same process compiles on. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <string.h>

#include "codegen/codegen.h"
#include "codegen/llvm_text.h"

static const char good[] = "target triple = \"nvptx64-nvidia-cuda\"\n"
                           "define ptx_kernel void @good(ptr addrspace(1) %p) {\n"
                           "  store i32 7, ptr addrspace(1) %p\n"
                           "  ret void\n"
                           "}\n";
static const char bad_constraint[] =
    "target triple = \"nvptx64-nvidia-cuda\"\n"
    "define ptx_kernel void @bad() {\n"
    "  %x = call i32 asm sideeffect \"mov.u32 $0, 1;\", \"=X9\"()\n"
    "  ret void\n"
    "}\n";
/* Hopper's bulk copy, on a target that has none. */
static const char unselectable[] = "target triple = \"nvptx64-nvidia-cuda\"\n"
                                   "declare void @llvm.nvvm.cp.async.bulk.commit.group()\n"
                                   "define ptx_kernel void @bad() {\n"
                                   "  call void @llvm.nvvm.cp.async.bulk.commit.group()\n"
                                   "  ret void\n"
                                   "}\n";

static const char *compile(Arena *arena, const char *text, const char **error) {
    return llvm_text_to_ptx(arena, text, "sm_80", "+ptx70", error);
}

static void compiles_after(const char *bad, const char *expected) {
    OomHandler oom = {.fail_after = -1};
    Arena *arena = arena_create(&oom);
    for (int round = 0; round < 3; round++) {
        const char *error = NULL;
        cr_assert_null(compile(arena, bad, &error));
        cr_assert_not_null(error);
        cr_assert_not_null(strstr(error, expected), "%s", error);
        const char *ptx = compile(arena, good, &error);
        cr_assert_not_null(ptx, "%s", error != NULL ? error : "");
        cr_assert_not_null(strstr(ptx, ".visible .entry good("));
    }
    arena_destroy(arena);
}

Test(codegen, bad_constraint) {
    compiles_after(bad_constraint, "constraint");
}

Test(codegen, unselectable_intrinsic) {
    compiles_after(unselectable, "Cannot select");
}

Test(codegen, malformed_text) {
    compiles_after("define void @f( {", "expected");
}

/* Each thread has failures of its own. */
static void *compile_both(void *data) {
    (void)data;
    compiles_after(unselectable, "Cannot select");
    compiles_after(bad_constraint, "constraint");
    return NULL;
}

Test(codegen, threads) {
    pthread_t threads[4];
    for (size_t i = 0; i < TK_COUNTOF(threads); i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, compile_both, NULL), 0);
    for (size_t i = 0; i < TK_COUNTOF(threads); i++)
        pthread_join(threads[i], NULL);
}

/* Every row of targets.def is one that LLVM knows, with the PTX version beside it. */
Test(codegen, targets) {
    OomHandler oom = {.fail_after = -1};
    Arena *arena = arena_create(&oom);
    size_t count;
    const CodegenTarget *targets = codegen_targets(&count);
    for (size_t i = 0; i < count; i++) {
        const char *error = NULL;
        const char *features = arena_printf(arena, "+ptx%u", targets[i].ptx);
        const char *ptx = llvm_text_to_ptx(arena, good, targets[i].name, features, &error);
        cr_assert_not_null(ptx, "%s: %s", targets[i].name, error != NULL ? error : "");
        const char *version =
            arena_printf(arena, ".version %u.%u\n", targets[i].ptx / 10, targets[i].ptx % 10);
        cr_assert_not_null(strstr(ptx, version), "%s", targets[i].name);
        cr_assert_not_null(strstr(ptx, arena_printf(arena, ".target %s\n", targets[i].name)));
        cr_assert_eq(codegen_target(targets[i].name), &targets[i]);
    }
    cr_assert_null(codegen_target("sm_70"));
    arena_destroy(arena);
}
