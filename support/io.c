/* io.c -- files: read whole, write whole or not at all.
 *
 * A file is written to a temporary beside it, synced, and renamed over it: whoever reads the path
 * sees the old content or the new one, whatever fails. What is no regular file (a pipe,
 * /dev/stdout) cannot be replaced that way and is written directly.
 *
 *     out.ptx.tmp.4711  --fsync-->  rename  -->  out.ptx
 *
 * No descriptor is held across an allocation that may longjmp.
 */
#include "support/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/str.h"

enum { FIRST_READ = 1 << 16, NAME_TRIES = 100, MAX_LINKS = 40, MAX_PATH_BYTES = 4096 };

/* The text of an errno value, in the arena (strerror's own buffer may be shared). */
static const char *error_text(Arena *arena, int code) {
    char text[256];
    if (strerror_r(code, text, sizeof text) != 0) {
        return arena_printf(arena, "error %d", code);
    }
    return arena_strdup(arena, text);
}

/* read(2) until something comes, the file ends (0) or an error (-1). */
static ssize_t read_some(int fd, char *data, size_t len) {
    ssize_t got;
    do {
        got = read(fd, data, len);
    } while (got < 0 && errno == EINTR);
    return got;
}

/* Writes everything; returns 0 or an errno value. */
static int write_all(int fd, const char *data, size_t len) {
    while (len > 0) {
        ssize_t wrote = write(fd, data, len);
        if (wrote < 0 && errno != EINTR) {
            return errno;
        }
        if (wrote > 0) {
            data += wrote;
            len -= (size_t)wrote;
        }
    }
    return 0;
}

typedef enum ReadStatus { READ_OK, READ_FAILED, READ_TOO_LARGE, READ_NO_MEMORY } ReadStatus;

/* Reads to the end of `fd`; `hint` is the expected size. *data is NUL-terminated. */
static ReadStatus read_all(Arena *arena, int fd, size_t hint, size_t max_bytes, char **data,
                           size_t *len) {
    size_t cap =
        hint < FIRST_READ ? FIRST_READ : hint + 2; /* one to see the end, one for the NUL */
    char *buffer = arena_try_alloc(arena, cap, 1);
    size_t used = 0;
    while (buffer != NULL) {
        ssize_t got = read_some(fd, buffer + used, cap - used - 1);
        if (got < 0) {
            return READ_FAILED;
        }
        used += (size_t)got;
        if (used > max_bytes) {
            return READ_TOO_LARGE;
        }
        if (got == 0) {
            buffer[used] = '\0';
            *data = buffer;
            *len = used;
            return READ_OK;
        }
        if (used + 1 == cap) {
            char *bigger = arena_try_alloc(arena, cap * 2, 1);
            if (bigger != NULL) {
                memcpy(bigger, buffer, used);
            }
            buffer = bigger;
            cap *= 2;
        }
    }
    return READ_NO_MEMORY;
}

char *io_read_file(Arena *arena, const char *path, size_t max_bytes, size_t *len,
                   const char **error) {
    bool standard = str_eq(path, "-");
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct stat info = {0};
    if (fd < 0 || fstat(fd, &info) != 0) {
        int code = errno;
        if (fd >= 0 && !standard) {
            close(fd);
        }
        *error = error_text(arena, code);
        return NULL;
    }
    char *data = NULL;
    int code = S_ISDIR(info.st_mode) ? EISDIR : 0;
    ReadStatus status = READ_FAILED;
    if (code == 0) {
        size_t size = S_ISREG(info.st_mode) && info.st_size > 0 ? (size_t)info.st_size : 0;
        status =
            size > max_bytes ? READ_TOO_LARGE : read_all(arena, fd, size, max_bytes, &data, len);
        code = errno;
    }
    if (!standard) {
        close(fd);
    }
    switch (status) {
    case READ_OK:
        return data;
    case READ_FAILED:
        *error = error_text(arena, code);
        return NULL;
    case READ_TOO_LARGE:
        *error = arena_printf(arena, "larger than the limit of %zu bytes", max_bytes);
        return NULL;
    case READ_NO_MEMORY:
        break;
    }
    oom_raise(arena_oom(arena));
}

bool io_exists(const char *path) {
    struct stat info;
    return stat(path, &info) == 0;
}

bool io_is_dir(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* Where a write goes to. */
typedef struct Target {
    const char *path;
    bool direct;   /* no temporary: standard output, devices, pipes */
    bool replaces; /* there is a file of mode `mode` */
    mode_t mode;
    int error; /* an errno value if it cannot be written */
} Target;

/* Follows symbolic links, so that the rename replaces what they point to. */
static const char *follow_links(Arena *arena, const char *path) {
    char target[MAX_PATH_BYTES];
    for (int links = 0; links < MAX_LINKS; links++) {
        ssize_t len = readlink(path, target, sizeof target);
        if (len <= 0 || (size_t)len == sizeof target) {
            break; /* no link, or one too long to follow */
        }
        const char *slash = strrchr(path, '/');
        int folder = target[0] == '/' || slash == NULL ? 0 : (int)(slash + 1 - path);
        path = arena_printf(arena, "%.*s%.*s", folder, path, (int)len, target);
    }
    return path;
}

/* Under /dev and /proc a name may lead to a regular file that somebody else has open. */
static bool must_write_directly(const char *path) {
    return str_eq(path, "-") || str_starts(path, "/dev/") || str_starts(path, "/proc/");
}

static Target find_target(Arena *arena, const char *path) {
    Target target = {.path = path};
    struct stat info;
    if (must_write_directly(path)) {
        target.direct = true;
        return target;
    }
    target.path = follow_links(arena, path);
    if (must_write_directly(target.path)) {
        target.direct = true;
        return target;
    }
    if (stat(target.path, &info) != 0) {
        return target; /* what is wrong with the path, if anything, shows when it is opened */
    }
    if (S_ISDIR(info.st_mode)) {
        target.error = EISDIR;
    } else if (!S_ISREG(info.st_mode)) {
        target.direct = true;
    } else {
        target.replaces = true;
        target.mode = info.st_mode & 07777;
    }
    return target;
}

/* Writes without a temporary; returns 0 or an errno value. */
static int write_direct(const char *path, const void *data, size_t len) {
    if (str_eq(path, "-")) {
        return write_all(STDOUT_FILENO, data, len);
    }
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return errno;
    }
    int code = write_all(fd, data, len);
    if (close(fd) != 0 && code == 0) {
        code = errno;
    }
    return code;
}

/* Writes to the open temporary and closes it; returns 0 or an errno value. */
static int finish_temporary(int fd, const Target *target, const void *data, size_t len) {
    int code = write_all(fd, data, len);
    if (code == 0 && target->replaces && fchmod(fd, target->mode) != 0) {
        code = errno;
    }
    if (code == 0 && fsync(fd) != 0 && errno != EINVAL) { /* EINVAL: nothing there to sync */
        code = errno;
    }
    if (close(fd) != 0 && code == 0) {
        code = errno;
    }
    return code;
}

/* A name beside `path` that nothing has yet. */
static char *free_name(Arena *arena, const char *path, const char *kind) {
    struct stat info;
    char *name = arena_printf(arena, "%s.%s.%ld", path, kind, (long)getpid());
    for (int i = 1; i < NAME_TRIES && lstat(name, &info) == 0; i++) {
        name = arena_printf(arena, "%s.%s.%ld.%d", path, kind, (long)getpid(), i);
    }
    return name;
}

/* Creates `temporary`, writes, syncs; returns 0 or an errno value (and there is no temporary). */
static int write_temporary(const char *temporary, const Target *target, const void *data,
                           size_t len) {
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) {
        return errno;
    }
    int code = finish_temporary(fd, target, data, len);
    if (code != 0) {
        unlink(temporary);
    }
    return code;
}

bool io_write_file(Arena *arena, const char *path, const void *data, size_t len,
                   const char **error) {
    Target target = find_target(arena, path);
    int code = target.error;
    if (code == 0 && target.direct) {
        code = write_direct(target.path, data, len);
    } else if (code == 0) {
        char *temporary = free_name(arena, target.path, "tmp");
        code = write_temporary(temporary, &target, data, len);
        if (code == 0 && rename(temporary, target.path) != 0) {
            code = errno;
            unlink(temporary);
        }
    }
    if (code != 0) {
        *error = error_text(arena, code);
    }
    return code == 0;
}

/* One file of a set. */
typedef struct Output {
    struct Output *next; /* the one added before */
    Target target;
    const char *temporary;
    const char *backup; /* a second link to the file replaced, while committing; or NULL */
    const void *data;   /* kept for direct targets */
    size_t len;
    atomic_bool pending; /* the temporary may exist */
    bool renamed;
} Output;

struct IoOutputs {
    Arena *arena;
    Output *_Atomic newest;
};

IoOutputs *io_outputs_create(Arena *arena) {
    IoOutputs *outs = ARENA_NEW(arena, IoOutputs);
    outs->arena = arena;
    return outs;
}

static bool output_failed(const IoOutputs *outs, const char *path, int code, const char **error) {
    *error = arena_printf(outs->arena, "%s: %s", path, error_text(outs->arena, code));
    return false;
}

bool io_outputs_add(IoOutputs *outs, const char *path, const void *data, size_t len,
                    const char **error) {
    Output *output = ARENA_NEW(outs->arena, Output);
    output->target = find_target(outs->arena, arena_strdup(outs->arena, path));
    output->next = outs->newest;
    if (output->target.error != 0) {
        return output_failed(outs, path, output->target.error, error);
    }
    if (output->target.direct) {
        output->data = arena_memdup(outs->arena, data, len, 1);
        output->len = len;
        outs->newest = output;
        return true;
    }
    output->temporary = free_name(outs->arena, output->target.path, "tmp");
    if (output->target.replaces) {
        output->backup = free_name(outs->arena, output->target.path, "old");
    }
    outs->newest = output; /* first known to the signal handler, then made */
    output->pending = true;
    int code = write_temporary(output->temporary, &output->target, data, len);
    if (code != 0) {
        output->pending = false;
        return output_failed(outs, path, code, error);
    }
    return true;
}

/* Takes back the renames done so far. */
static void undo_renames(IoOutputs *outs) {
    for (Output *output = outs->newest; output != NULL; output = output->next) {
        if (!output->renamed) {
            continue;
        }
        output->renamed = false;
        if (output->backup != NULL) {
            rename(output->backup, output->target.path);
        } else if (!output->target.replaces) {
            unlink(output->target.path);
        }
    }
}

/* Moves one temporary to its place; returns 0 or an errno value. */
static int rename_output(Output *output) {
    if (output->backup != NULL && link(output->target.path, output->backup) != 0) {
        output->backup = NULL; /* not every file system has links: then there is no way back */
    }
    if (rename(output->temporary, output->target.path) != 0) {
        int code = errno;
        if (output->backup != NULL) {
            unlink(output->backup);
        }
        return code;
    }
    output->pending = false;
    output->renamed = true;
    return 0;
}

bool io_outputs_commit(IoOutputs *outs, const char **error) {
    int code = 0;
    const Output *failed = NULL;
    for (Output *output = outs->newest; output != NULL && code == 0; output = output->next) {
        if (output->target.direct) {
            code = write_direct(output->target.path, output->data, output->len);
            failed = output;
        }
    }
    for (Output *output = outs->newest; output != NULL && code == 0; output = output->next) {
        if (!output->target.direct) {
            code = rename_output(output);
            failed = output;
        }
    }
    if (code != 0) {
        undo_renames(outs);
        return output_failed(outs, failed->target.path, code, error);
    }
    for (Output *output = outs->newest; output != NULL; output = output->next) {
        if (output->renamed && output->backup != NULL) {
            unlink(output->backup);
        }
    }
    outs->newest = NULL;
    return true;
}

void io_outputs_cleanup_on_signal(const IoOutputs *outs) {
    for (const Output *output = outs->newest; output != NULL; output = output->next) {
        if (output->pending) {
            unlink(output->temporary);
        }
    }
}

void io_outputs_abort(IoOutputs *outs) {
    io_outputs_cleanup_on_signal(outs);
    outs->newest = NULL;
}
