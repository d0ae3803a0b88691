/* Files: whole or not at all, clear errors, nothing left behind. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/io.h"
#include "support/str.h"

static OomHandler oom;
static Arena *arena;
static char folder[64];

static void begin(void) {
    oom.fail_after = -1;
    if (setjmp(oom.jump)) {
        abort();
    }
    arena = arena_create(&oom);
    strcpy(folder, "/tmp/tkc-io-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        abort();
    }
}

static size_t count_files(void) {
    DIR *dir = opendir(folder);
    size_t count = 0;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    closedir(dir);
    return count;
}

static void end(void) {
    DIR *dir = opendir(folder);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        remove(arena_printf(arena, "%s/%s", folder, entry->d_name));
    }
    closedir(dir);
    rmdir(folder);
    arena_destroy(arena);
}

TestSuite(io, .init = begin, .fini = end);

static const char *at(const char *name) {
    return arena_printf(arena, "%s/%s", folder, name);
}

static void write_ok(const char *path, const char *text) {
    const char *error = NULL;
    cr_assert(io_write_file(arena, path, text, strlen(text), &error), "%s", error);
}

static void expect_content(const char *path, const char *text) {
    const char *error = NULL;
    size_t len = 0;
    char *data = io_read_file(arena, path, 1 << 20, &len, &error);
    cr_assert_not_null(data, "%s: %s", path, error);
    cr_assert_eq(len, strlen(text));
    cr_assert_str_eq(data, text);
}

Test(io, write_and_read) {
    write_ok(at("a"), "hello");
    expect_content(at("a"), "hello");
    write_ok(at("a"), "");
    expect_content(at("a"), "");
    cr_assert(io_exists(at("a")) && !io_is_dir(at("a")));
    cr_assert(io_is_dir(folder) && !io_exists(at("b")));
    cr_assert_eq(count_files(), 1);
}

Test(io, large_file) {
    size_t size = 300000, len = 0;
    char *data = arena_alloc(arena, size, 1);
    for (size_t i = 0; i < size; i++) {
        data[i] = (char)(i * 7 % 251);
    }
    const char *error = NULL;
    cr_assert(io_write_file(arena, at("big"), data, size, &error));
    char *back = io_read_file(arena, at("big"), size, &len, &error);
    cr_assert_eq(len, size);
    cr_assert_arr_eq(back, data, size);
    cr_assert_null(io_read_file(arena, at("big"), size - 1, &len, &error));
    cr_assert_str_eq(error, "larger than the limit of 299999 bytes");
}

Test(io, reading_what_cannot_be_read) {
    const char *error = NULL;
    size_t len = 0;
    cr_assert_null(io_read_file(arena, at("none"), 100, &len, &error));
    cr_assert_str_eq(error, strerror(ENOENT));
    cr_assert_null(io_read_file(arena, folder, 100, &len, &error));
    cr_assert_str_eq(error, strerror(EISDIR));
    cr_assert_null(io_read_file(arena, "/dev/zero", 100000, &len, &error));
    cr_assert_str_eq(error, "larger than the limit of 100000 bytes");
}

/* A pipe has no size and delivers in pieces. */
Test(io, reading_a_pipe) {
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], "from a pipe", 11), 11);
    close(ends[1]);
    cr_assert_neq(dup2(ends[0], STDIN_FILENO), -1);
    close(ends[0]);
    expect_content("-", "from a pipe");
}

Test(io, writing_what_cannot_be_written) {
    const char *error = NULL;
    cr_assert_not(io_write_file(arena, at("no/such/folder"), "x", 1, &error));
    cr_assert_str_eq(error, strerror(ENOENT));
    cr_assert_not(io_write_file(arena, folder, "x", 1, &error));
    cr_assert_str_eq(error, strerror(EISDIR));
    cr_assert_not(io_write_file(arena, "/dev/full", "x", 1, &error));
    cr_assert_str_eq(error, strerror(ENOSPC));
    write_ok("/dev/null", "x");
    cr_assert_eq(count_files(), 0);
}

/* /dev/stdout that leads to a file: written through the open descriptor's file, not replaced. */
Test(io, standard_output_is_not_replaced) {
    fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    int fd = open(at("out"), O_RDWR | O_CREAT, 0600);
    struct stat before, after;
    cr_assert_eq(fstat(fd, &before), 0);
    dup2(fd, STDOUT_FILENO);
    const char *error = NULL;
    bool dash = io_write_file(arena, "-", "dash", 4, &error);
    bool device = io_write_file(arena, "/dev/stdout", "DEV", 3, &error);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    cr_assert(dash && device, "%s", error);
    cr_assert_eq(stat(at("out"), &after), 0);
    cr_assert_eq(before.st_ino, after.st_ino);
    close(fd);
    expect_content(at("out"), "DEVh");
    cr_assert_eq(count_files(), 1);
}

Test(io, mode_and_links_are_kept) {
    write_ok(at("script"), "old");
    cr_assert_eq(chmod(at("script"), 0751), 0);
    cr_assert_eq(symlink("script", at("link")), 0);
    write_ok(at("link"), "new");
    struct stat info;
    cr_assert_eq(lstat(at("link"), &info), 0);
    cr_assert(S_ISLNK(info.st_mode));
    cr_assert_eq(stat(at("script"), &info), 0);
    cr_assert_eq(info.st_mode & 07777, 0751);
    expect_content(at("script"), "new");
    cr_assert_eq(symlink("fresh", at("dangling")), 0);
    write_ok(at("dangling"), "made");
    expect_content(at("fresh"), "made");
    cr_assert_eq(symlink("circle", at("circle")), 0);
    const char *error = NULL;
    cr_assert_not(io_write_file(arena, at("circle/x"), "x", 1, &error));
    cr_assert_eq(count_files(), 5);
}

Test(io, outputs_appear_together) {
    const char *error = NULL;
    write_ok(at("a"), "old");
    IoOutputs *outs = io_outputs_create(arena);
    cr_assert(io_outputs_add(outs, at("a"), "new a", 5, &error));
    cr_assert(io_outputs_add(outs, at("b"), "new b", 5, &error));
    cr_assert_not(io_exists(at("b")));
    expect_content(at("a"), "old");
    cr_assert(io_outputs_commit(outs, &error));
    expect_content(at("a"), "new a");
    expect_content(at("b"), "new b");
    cr_assert_eq(count_files(), 2);
    io_outputs_abort(outs);
    cr_assert_eq(count_files(), 2);
}

Test(io, outputs_aborted) {
    const char *error = NULL;
    IoOutputs *outs = io_outputs_create(arena);
    cr_assert(io_outputs_add(outs, at("a"), "a", 1, &error));
    cr_assert(io_outputs_add(outs, at("b"), "b", 1, &error));
    cr_assert_eq(count_files(), 2);
    cr_assert_not(io_outputs_add(outs, at("no/c"), "c", 1, &error));
    cr_assert_str_eq(error, arena_printf(arena, "%s: %s", at("no/c"), strerror(ENOENT)));
    io_outputs_abort(outs);
    cr_assert_eq(count_files(), 0);
    io_outputs_cleanup_on_signal(outs);
}

/* The second rename fails (a folder stands there by then): the first is taken back. */
Test(io, outputs_commit_fails_half_way) {
    const char *error = NULL;
    write_ok(at("a"), "old");
    for (int replaced = 0; replaced < 2; replaced++) {
        const char *first = replaced ? at("a") : at("b");
        IoOutputs *outs = io_outputs_create(arena);
        cr_assert(io_outputs_add(outs, at("blocked"), "x", 1, &error));
        cr_assert(io_outputs_add(outs, first, "new", 3, &error));
        cr_assert_eq(mkdir(at("blocked"), 0700), 0);
        cr_assert_not(io_outputs_commit(outs, &error));
        cr_assert_str_eq(error, arena_printf(arena, "%s: %s", at("blocked"), strerror(EISDIR)));
        io_outputs_abort(outs);
        cr_assert_eq(rmdir(at("blocked")), 0);
        cr_assert_eq(count_files(), 1);
        expect_content(at("a"), "old");
    }
}

Test(io, outputs_to_a_full_device) {
    const char *error = NULL;
    IoOutputs *outs = io_outputs_create(arena);
    cr_assert(io_outputs_add(outs, at("a"), "a", 1, &error));
    cr_assert(io_outputs_add(outs, "/dev/full", "x", 1, &error));
    cr_assert_not(io_outputs_commit(outs, &error));
    cr_assert_str_eq(error, arena_printf(arena, "/dev/full: %s", strerror(ENOSPC)));
    io_outputs_abort(outs);
    cr_assert_eq(count_files(), 0);
}

/* Descriptors stay closed however an allocation fails. */
Test(io, out_of_memory_leaks_no_descriptor) {
    static volatile long failures;
    static volatile bool done;
    static int lowest;
    static Arena *scratch;
    write_ok(at("a"), "text");
    const char *path = at("a");
    lowest = dup(0);
    close(lowest);
    while (!done) {
        scratch = NULL;
        oom.fail_after = failures;
        if (setjmp(oom.jump) == 0) {
            const char *error = NULL;
            size_t len = 0;
            scratch = arena_create(&oom);
            io_read_file(scratch, path, 1000000, &len, &error);
            io_write_file(scratch, path, "text", 4, &error);
            oom.fail_after = -1;
            done = true;
        } else {
            failures = failures + 1;
        }
        arena_destroy(scratch);
        int fd = dup(0);
        close(fd);
        cr_assert_eq(fd, lowest);
    }
    cr_assert_geq(failures, 2);
}
