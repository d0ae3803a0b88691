/* process.c -- other programs: found, run, waited for; temporary folders.
 *
 * posix_spawn instead of fork: the child shares nothing that could be left half done, and the
 * kernel need not copy the page tables of a process with LLVM in it. Output goes to files, not
 * through pipes: a child that prints much never waits for us. Interrupts reach the child as well,
 * being of the same process group, so that waiting for it ends.
 */
#include "support/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* ---- finding ----------------------------------------------------------------------------------
 */

bool program_exists(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

const char *program_find(Arena *arena, const char *name, const char *path) {
    while (path != NULL && *path != '\0') {
        size_t len = strcspn(path, ":");
        /* An empty folder means the current one to a shell; here it means nothing. */
        if (len > 0) {
            const char *file = arena_printf(arena, "%.*s/%s", (int)len, path, name);
            if (program_exists(file))
                return file;
        }
        path += len + (path[len] == ':');
    }
    return NULL;
}

/* ---- running ----------------------------------------------------------------------------------
 */

static int add_output(posix_spawn_file_actions_t *actions, int fd, const char *path) {
    return posix_spawn_file_actions_addopen(actions, fd, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
}

/* Signals that this process catches or ignores act as usual in the child. */
static int set_signals(posix_spawnattr_t *attributes) {
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGINT);
    sigaddset(&defaults, SIGPIPE);
    int code = posix_spawnattr_setsigdefault(attributes, &defaults);
    return code != 0 ? code : posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF);
}

/* Starts it; 0 or an errno value. */
static int start(const char *const *args, const char *out_path, const char *err_path,
                 pid_t *child) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int code = posix_spawn_file_actions_init(&actions);
    if (code != 0)
        return code;
    code = posix_spawnattr_init(&attributes);
    if (code == 0) {
        code = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        code = code != 0 ? code : add_output(&actions, STDOUT_FILENO, out_path);
        code = code != 0 ? code : add_output(&actions, STDERR_FILENO, err_path);
        code = code != 0 ? code : set_signals(&attributes);
        /* posix_spawn takes char *const *, but changes neither the array nor the texts. */
        union {
            const char *const *given;
            char *const *wanted;
        } argv = {.given = args};
        if (code == 0)
            code = posix_spawn(child, args[0], &actions, &attributes, argv.wanted, environ);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

bool process_run(Arena *arena, const char *const *args, const char *out_path, const char *err_path,
                 ProcessEnd *end) {
    *end = (ProcessEnd){.status = -1};
    pid_t child, ended;
    int status = 0, code = start(args, out_path, err_path, &child);
    if (code == 0) {
        do
            ended = waitpid(child, &status, 0);
        while (ended < 0 && errno == EINTR);
        code = ended < 0 ? errno : 0;
    }
    if (code != 0) {
        end->error = arena_strdup(arena, strerror(code));
        return false;
    }
    if (WIFEXITED(status))
        end->status = WEXITSTATUS(status);
    else
        end->signal = WTERMSIG(status);
    return true;
}

/* ---- temporary folders ------------------------------------------------------------------------
 */

const char *temp_dir_create(Arena *arena, const char *where, const char **error) {
    char *path = arena_printf(arena, "%s/tkc-XXXXXX", where);
    if (mkdtemp(path) != NULL)
        return path;
    *error = arena_printf(arena, "%s: %s", where, strerror(errno));
    return NULL;
}

/* Asks for no memory: this runs when there is none. */
void temp_dir_remove(const char *path) {
    DIR *folder = path != NULL ? opendir(path) : NULL;
    if (folder == NULL)
        return;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char file[PATH_MAX];
        int len = snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
        if (len > 0 && (size_t)len < sizeof file && entry->d_name[0] != '.')
            unlink(file);
    }
    closedir(folder);
    rmdir(path);
}
