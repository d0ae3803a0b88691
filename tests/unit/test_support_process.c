/* Other programs: found where they are, run to their end, their failures told; temporary folders.
 */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/io.h"
#include "support/process.h"
#include "support/str.h"

static OomHandler oom;
static Arena *arena;
static const char *folder;

static void begin(void) {
    oom.fail_after = -1;
    if (setjmp(oom.jump))
        abort();
    arena = arena_create(&oom);
    const char *error;
    folder = temp_dir_create(arena, "/tmp", &error);
    cr_assert_not_null(folder);
}

static void finish(void) {
    temp_dir_remove(folder);
    cr_expect_not(io_exists(folder));
    arena_destroy(arena);
}

TestSuite(process, .init = begin, .fini = finish);

static const char *in_folder(const char *name) {
    return arena_printf(arena, "%s/%s", folder, name);
}

static const char *content(const char *name) {
    const char *error;
    size_t len;
    const char *text = io_read_file(arena, in_folder(name), 1 << 20, &len, &error);
    return text != NULL ? text : error;
}

/* sh -c SCRIPT */
static ProcessEnd run_script(const char *script) {
    const char *args[] = {"/bin/sh", "-c", script, "name", "a b", NULL};
    ProcessEnd end;
    cr_assert(process_run(arena, args, in_folder("out"), in_folder("err"), &end));
    return end;
}

Test(process, output_and_status) {
    ProcessEnd end = run_script("echo \"<$1>\"; echo wrong >&2; exit 7");
    cr_expect_eq(end.status, 7);
    cr_expect_eq(end.signal, 0);
    cr_expect_str_eq(content("out"), "<a b>\n");
    cr_expect_str_eq(content("err"), "wrong\n");
}

Test(process, empty_input) {
    cr_expect_eq(run_script("read line").status, 1);
}

Test(process, signals) {
    ProcessEnd end = run_script("kill -TERM $$");
    cr_expect_eq(end.signal, SIGTERM);
    cr_expect_eq(end.status, -1);
}

Test(process, caught_signals_are_not_inherited) {
    signal(SIGINT, SIG_IGN);
    cr_expect_eq(run_script("kill -INT $$").signal, SIGINT);
}

Test(process, cannot_run) {
    const char *args[] = {"/nowhere/program", NULL};
    ProcessEnd end;
    cr_expect_not(process_run(arena, args, in_folder("out"), in_folder("err"), &end));
    cr_expect_str_eq(end.error, "No such file or directory");
    const char *shell[] = {"/bin/sh", "-c", "exit 0", NULL};
    cr_expect_not(process_run(arena, shell, "/nowhere/out", in_folder("err"), &end));
}

Test(process, find) {
    cr_expect_str_eq(program_find(arena, "sh", "/nowhere::/bin:/usr/bin"), "/bin/sh");
    cr_expect_null(program_find(arena, "sh", "/nowhere"));
    cr_expect_null(program_find(arena, "sh", ""));
    cr_expect_null(program_find(arena, "sh", NULL));
    cr_expect_null(program_find(arena, "bin", "/usr"), "a folder is no program");
    cr_expect_null(program_find(arena, "passwd", "/etc"), "nor is a file that cannot be executed");
}

Test(process, temporary_folders) {
    const char *error = NULL;
    const char *second = temp_dir_create(arena, folder, &error);
    cr_assert_not_null(second);
    cr_expect(str_starts(second, folder));
    cr_expect(io_write_file(arena, arena_printf(arena, "%s/file", second), "x", 1, &error));
    temp_dir_remove(second);
    cr_expect_not(io_exists(second));
    temp_dir_remove(NULL);
    cr_expect_null(temp_dir_create(arena, "/nowhere", &error));
    cr_expect_str_eq(error, "/nowhere: No such file or directory");
}
