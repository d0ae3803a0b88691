/* process.h -- other programs: found in folders, run without a shell, what they print kept in
 * files; and a folder for such files.
 *
 *     const char *ptxas = program_find(arena, "ptxas", "/usr/local/cuda/bin:/usr/bin");
 *     const char *args[] = {ptxas, "--version", NULL};
 *     ProcessEnd end;
 *     if (process_run(arena, args, "/tmp/x/out", "/tmp/x/err", &end) && end.status == 0) ...
 */
#ifndef TKC_SUPPORT_PROCESS_H
#define TKC_SUPPORT_PROCESS_H

#include <stdbool.h>

#include "support/arena.h"

/* The path of the first executable file called `name` in the folders of `path`, which colons
 * separate; NULL if there is none. `path` may be NULL. */
const char *program_find(Arena *arena, const char *name, const char *path);
/* Is it a file that may be executed? */
bool program_exists(const char *path);

/* How a program ended. */
typedef struct ProcessEnd {
    int status;        /* its exit status; -1 if a signal ended it */
    int signal;        /* that signal, or 0 */
    const char *error; /* why it could not be run */
} ProcessEnd;

/* Runs args[0] (a path) with the NULL-terminated arguments and waits for its end. Standard input is
 * empty; standard output and error go to new files. False if it could not be run: end->error. */
bool process_run(Arena *arena, const char *const *args, const char *out_path, const char *err_path,
                 ProcessEnd *end);

/* Makes a folder of its own, which nobody else can read, in the folder `where`. NULL: *error. */
const char *temp_dir_create(Arena *arena, const char *where, const char **error);
/* Removes it and the files in it; NULL is fine. */
void temp_dir_remove(const char *path);

#endif
