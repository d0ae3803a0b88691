/* tk_barriers.c -- is every barrier of a program's kernels needed?
 *
 *     tk-barriers list FILE        runs the program on the emulator and names its barriers on
 * stderr tk-barriers skip N FILE      runs it without barrier N; the exit status is that of tkc
 *
 * tests/emu/barriers.py does the one and then the other for each: a barrier without which nothing
 * goes wrong either is not needed, or is missed by the search for races.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/session.h"

int main(int argc, char **argv) {
    bool lists = argc == 3 && strcmp(argv[1], "list") == 0;
    bool skips = argc == 4 && strcmp(argv[1], "skip") == 0;
    if (!lists && !skips) {
        fputs("usage: tk-barriers list FILE | skip N FILE\n", stderr);
        return STATUS_USAGE;
    }
    SessionOptions options = {.device = DEVICE_EMU,
                              .checks = true,
                              .threads = 1,
                              .list_barriers = lists,
                              .skip_barrier = skips ? (unsigned)strtoul(argv[2], NULL, 10) : 0,
                              .out = stdout,
                              .err = stderr};
    Session *session = session_create(&options);
    if (session == NULL)
        return STATUS_FAILED;
    const char *path = argv[argc - 1];
    SessionStatus status = session_run(session, path, &path, 1);
    session_destroy(session);
    return status;
}
