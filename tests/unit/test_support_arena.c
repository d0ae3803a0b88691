/* Arenas: alignment, zeroing, marks, big objects, and what happens when memory runs out. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "support/arena.h"
#include "support/diag.h"
#include "support/map.h"
#include "support/str.h"

/* Sets up `oom` so that running out of memory fails the test. */
#define EXPECT_MEMORY(oom)                                                                         \
    do {                                                                                           \
        (oom).fail_after = -1;                                                                     \
        if (setjmp((oom).jump)) {                                                                  \
            cr_assert_fail("out of memory");                                                       \
        }                                                                                          \
    } while (0)

Test(arena, aligned_and_zeroed) {
    static OomHandler oom;
    EXPECT_MEMORY(oom);
    Arena *arena = arena_create(&oom);
    for (size_t align = 1; align <= 4096; align *= 2) {
        for (size_t size = 0; size < 70; size += 7) {
            unsigned char *object = arena_alloc(arena, size, align);
            cr_assert_eq((uintptr_t)object % align, 0);
            for (size_t i = 0; i < size; i++) {
                cr_assert_eq(object[i], 0);
            }
            memset(object, 0xff, size);
        }
    }
    arena_destroy(arena);
    arena_destroy(NULL);
}

Test(arena, objects_do_not_overlap) {
    static OomHandler oom;
    EXPECT_MEMORY(oom);
    Arena *arena = arena_create(&oom);
    enum { COUNT = 3000 };
    unsigned char *objects[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        size_t size = i % 100 == 99 ? 100000 : i % 50;
        objects[i] = arena_alloc(arena, size, 8);
        memset(objects[i], (int)(i % 251), size);
    }
    for (size_t i = 0; i < COUNT; i++) {
        size_t size = i % 100 == 99 ? 100000 : i % 50;
        for (size_t k = 0; k < size; k++) {
            cr_assert_eq(objects[i][k], i % 251);
        }
    }
    arena_destroy(arena);
}

Test(arena, reset_gives_zeroed_memory_again) {
    static OomHandler oom;
    EXPECT_MEMORY(oom);
    Arena *arena = arena_create(&oom);
    char *kept = arena_strdup(arena, "kept");
    ArenaMark mark = arena_mark(arena);
    size_t before = arena_bytes(arena);
    for (int round = 0; round < 3; round++) {
        for (size_t size = 1; size < 400000; size = size * 3 + 1) {
            unsigned char *object = arena_alloc(arena, size, 1);
            for (size_t i = 0; i < size; i++) {
                cr_assert_eq(object[i], 0);
            }
            memset(object, 0xee, size);
        }
        cr_assert_gt(arena_bytes(arena), before);
        arena_reset(arena, mark);
        cr_assert_eq(arena_bytes(arena), before);
    }
    cr_assert_str_eq(kept, "kept");
    arena_destroy(arena);
}

Test(arena, mark_of_an_empty_arena) {
    static OomHandler oom;
    EXPECT_MEMORY(oom);
    Arena *arena = arena_create(&oom);
    ArenaMark mark = arena_mark(arena);
    arena_alloc(arena, 10, 1);
    arena_alloc(arena, 1 << 20, 1);
    arena_reset(arena, mark);
    cr_assert_eq(arena_bytes(arena), 0);
    memset(arena_alloc(arena, 10, 1), 1, 10);
    arena_destroy(arena);
}

Test(arena, copies_and_printf) {
    static OomHandler oom;
    EXPECT_MEMORY(oom);
    Arena *arena = arena_create(&oom);
    cr_assert_str_eq(arena_strndup(arena, "abcdef", 3), "abc");
    cr_assert_str_eq(arena_strndup(arena, "", 0), "");
    cr_assert_str_eq(arena_printf(arena, "%s=%d", "x", 42), "x=42");
    char *long_text = arena_printf(arena, "%*d", 10000, 7);
    cr_assert_eq(strlen(long_text), 10000);
    int numbers[] = {1, 2, 3};
    int *copy = arena_memdup(arena, numbers, sizeof numbers, _Alignof(int));
    cr_assert_arr_eq(copy, numbers, sizeof numbers);
    int *array = ARENA_ARRAY(arena, int, 5);
    cr_assert_eq(array[4], 0);
    arena_destroy(arena);
}

Test(arena, impossible_sizes_are_out_of_memory) {
    static OomHandler oom;
    static Arena *arena;
    static volatile int caught;
    oom.fail_after = -1;
    if (setjmp(oom.jump) == 0) {
        arena = arena_create(&oom);
        arena_array(arena, SIZE_MAX / 2, 4, 4);
        cr_assert_fail("must not return");
    }
    caught++;
    if (setjmp(oom.jump) == 0) {
        arena_alloc(arena, SIZE_MAX - 8, 64);
        cr_assert_fail("must not return");
    }
    caught++;
    if (setjmp(oom.jump) == 0) {
        arena_alloc(arena, SIZE_MAX - 100, 1);
        cr_assert_fail("must not return");
    }
    cr_assert_null(arena_try_alloc(arena, SIZE_MAX - 100, 1));
    cr_assert_eq(caught, 2);
    arena_destroy(arena);
}

Test(arena, try_alloc_obeys_fault_injection) {
    static OomHandler oom;
    EXPECT_MEMORY(oom);
    Arena *arena = arena_create(&oom);
    oom.fail_after = 1;
    cr_assert_not_null(arena_try_alloc(arena, 1 << 20, 1));
    cr_assert_null(arena_try_alloc(arena, 1 << 20, 1));
    cr_assert_not_null(arena_try_alloc(arena, 1 << 20, 1), "only one request fails");
    arena_destroy(arena);
}

/* Uses every module that allocates. */
static void allocate_a_lot(Arena *arena) {
    Map map;
    map_init_str(&map, arena);
    StrBuf buf = STRBUF(arena);
    StrTab *names = strtab_create(arena);
    SourceSet *sources = sources_create(arena);
    SrcFile *file = sources_add(sources, "a.tk", "x\ny\n", 4);
    Diags *diags = diags_create(arena, sources);
    for (int i = 0; i < 600; i++) {
        const char *name = arena_printf(arena, "name%d", i);
        map_set(&map, name, &map);
        strtab_sym(names, name);
        strbuf_printf(&buf, "%s,", name);
        Diag *diag = diag_report(diags, DIAG_INTERNAL, (SrcRange){file->id, 0, 1}, name);
        diag_note(diag, SRC_NONE, "%s", name);
    }
    size_t len;
    diags_sorted(diags, &len);
}

/* Fails the n-th block request for n = 0, 1, ... until everything succeeds. */
Test(arena, every_allocation_may_fail) {
    static OomHandler oom;
    static Arena *arena;
    static volatile long failures;
    static volatile bool done;
    while (!done) {
        arena = NULL;
        oom.fail_after = failures;
        if (setjmp(oom.jump) == 0) {
            arena = arena_create(&oom);
            allocate_a_lot(arena);
            done = true;
        } else {
            failures = failures + 1;
        }
        arena_destroy(arena);
    }
    cr_assert_geq(failures, 5);
}

Test(arena, oom_realloc_keeps_the_content) {
    static OomHandler oom;
    EXPECT_MEMORY(oom);
    char *text = oom_malloc(&oom, 4);
    memcpy(text, "abc", 4);
    text = oom_realloc(&oom, text, 100000);
    cr_assert_str_eq(text, "abc");
    free(text);
    free(oom_malloc(&oom, 0));
}
