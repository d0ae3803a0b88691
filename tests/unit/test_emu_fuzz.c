/* Test of the emulator with PTX that is broken: the tests' own files, changed at random, must be
 * read or refused, and what is read must run or fault, but never crash. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/emu/emu.h"
#include "support/io.h"

enum { VARIANTS = 60, MAX_CHANGES = 4 };

static uint64_t next_random(uint64_t *state) {
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static const char *const snippets[] = {
    "%r1",
    "%p1",
    "[%rd1]",
    "{",
    "}",
    ";",
    ".b64",
    ".v4",
    "0xffffffffffffffff",
    "-1",
    "bra",
    ".reg .b32 %q<9>;",
    "ret;",
    "@!%p1",
    ".shared",
    ".global",
    "smem",
    "%tid.x",
    "0f7f800000",
    "_",
    "|",
    "bar.sync 0;",
    "999999999999999999999",
    "\"",
    "/*",
    ".loc 1 1 1",
    ".local .b8 z[64];",
    "$L",
    ".param .u64 q",
    "(",
    ")",
    "cvt.rn.f16.f32",
};

/* One change of the text: a byte, a piece taken away, doubled or put in. The buffer has room. */
static size_t change(char *text, size_t len, uint64_t *rng) {
    size_t at = next_random(rng) % (len + 1), piece = next_random(rng) % 12;
    if (at + piece > len)
        piece = len - at;
    switch (next_random(rng) % 4) {
    case 0:
        if (at < len)
            text[at] = (char)next_random(rng);
        return len;
    case 1:
        memmove(text + at, text + at + piece, len - at - piece);
        return len - piece;
    case 2:
        memmove(text + at + piece, text + at, len - at);
        return len + piece;
    default: {
        const char *word = snippets[next_random(rng) % (sizeof snippets / sizeof snippets[0])];
        size_t size = strlen(word);
        memmove(text + at + size, text + at, len - at);
        memcpy(text + at, word, size);
        return len + size;
    }
    }
}

static void run_text(OomHandler *oom, const char *text, size_t len) {
    Arena *arena = arena_create(oom);
    SourceSet *sources = sources_create(arena);
    Diags *diags = diags_create(arena, sources);
    MemSpace *space = mem_space_create(oom);
    EmuModule *module = emu_module_load(arena, diags, text, len, "fuzz.ptx");
    cr_assert(module != NULL || diags_count(diags, SEV_ERROR) > 0);
    EmuKernel *kernel = module != NULL ? emu_module_first(module) : NULL;
    if (kernel != NULL) {
        MemAlloc *alloc = mem_alloc(space, 4096, 4, MEM_ZEROED);
        MemView view = {
            .alloc = alloc, .dtype = DT_F32, .rank = 1, .shape = {1024}, .strides = {1}};
        EmuArg args[16] = {0};
        unsigned count = emu_kernel_num_params(kernel);
        for (unsigned i = 0; i < count && i < 16; i++)
            args[i].view = emu_kernel_param_size(kernel, i) == 8 ? &view : NULL;
        EmuOptions options = {.checks = true, .max_steps = 20000, .seed = len % 3};
        EmuLaunch launch = {.grid = {2, 1, 1},
                            .args = args,
                            .num_args = count < 16 ? count : 16,
                            .options = &options};
        EmuStatus status = emu_launch(kernel, space, &launch, diags, NULL);
        cr_assert(status == EMU_OK || diags_len(diags) > 0);
    }
    mem_space_destroy(space);
    arena_destroy(arena);
}

static void fuzz_file(OomHandler *oom, Arena *arena, const char *path, uint64_t seed) {
    size_t len;
    const char *error;
    char *text = io_read_file(arena, path, 1 << 20, &len, &error);
    cr_assert_not_null(text, "%s", path);
    char *copy = arena_alloc(arena, len + 64 * MAX_CHANGES + 1, 1);
    for (unsigned variant = 0; variant < VARIANTS; variant++) {
        uint64_t rng = seed + variant;
        memcpy(copy, text, len);
        size_t now = len;
        for (uint64_t changes = next_random(&rng) % MAX_CHANGES + 1; changes > 0; changes--)
            now = change(copy, now, &rng);
        run_text(oom, copy, now);
    }
}

Test(emu_fuzz, broken_ptx_never_crashes) {
    OomHandler oom = {.fail_after = -1};
    Arena *arena = arena_create(&oom);
    DIR *folder = opendir(EMU_TESTS);
    cr_assert_not_null(folder);
    unsigned files = 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        size_t len = strlen(entry->d_name);
        if (len > 4 && strcmp(entry->d_name + len - 4, ".ptx") == 0)
            fuzz_file(&oom, arena, arena_printf(arena, "%s/%s", EMU_TESTS, entry->d_name), files++);
    }
    closedir(folder);
    cr_assert_gt(files, 20);
    arena_destroy(arena);
}

/* Loads a module while the n-th allocation fails; false: the jump was taken. */
static bool load_failing(const char *text, long n) {
    OomHandler oom = {.fail_after = -1};
    Arena *volatile arena = NULL;
    volatile bool loaded = false;
    if (setjmp(oom.jump) == 0) {
        arena = arena_create(&oom);
        Diags *diags = diags_create(arena, NULL);
        oom.fail_after = n;
        loaded = emu_module_load(arena, diags, text, strlen(text), "oom.ptx") != NULL;
    }
    arena_destroy(arena);
    return loaded;
}

Test(emu_fuzz, running_out_of_memory) {
    static const char text[] =
        ".version 8.0\n.target sm_90\n.address_size 64\n"
        ".visible .entry k()\n.reqntid 64\n{\n.reg .b32 %r<3>;\n.shared .b32 s[64];\n"
        "mov.u32 %r1, %tid.x;\nadd.u32 %r2, %r1, 5;\nbar.sync 0;\nret;\n}\n";
    cr_assert_not(load_failing(text, 0));
    long n = 1;
    while (n < 1000 && !load_failing(text, n))
        n++;
    cr_assert_lt(n, 1000);
}
