/* lesson_progress.c -- the file that remembers which exercises are solved.
 *
 * Changing it is: lock lessons.lock, read, change, write beside it and rename over it, unlock.
 * Reading takes no lock, since the file is always whole. A file that cannot be understood (another
 * version, damaged) is moved aside before a new one is written.
 */
#include "tools/lesson_progress.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "support/io.h"
#include "support/str.h"

#define FIRST_LINE "tkc lessons 1\n"
enum { MAX_FILE = 1 << 20, LOCK_TRIES = 250, LOCK_WAIT_NS = 20 * 1000 * 1000, ASIDE_TRIES = 100 };

const char *progress_folder(Arena *arena, const char *xdg, const char *home) {
    if (xdg != NULL && xdg[0] == '/') { /* the specification says to ignore relative ones */
        return arena_printf(arena, "%s/tkc", xdg);
    }
    return home == NULL || home[0] == '\0' ? NULL
                                           : arena_printf(arena, "%s/.local/state/tkc", home);
}

static const char *file_in(Arena *arena, const Progress *progress, const char *name) {
    return arena_printf(arena, "%s/%s", progress->folder, name);
}

static ProgressEntry *find_entry(const Progress *progress, unsigned lesson, unsigned number) {
    for (size_t i = 0; i < progress->entries.len; i++) {
        ProgressEntry *entry = &progress->entries.data[i];
        if (entry->lesson == lesson && entry->number == number) {
            return entry;
        }
    }
    return NULL;
}

ProgressEntry progress_of(const Progress *progress, unsigned lesson, unsigned number) {
    const ProgressEntry *entry = find_entry(progress, lesson, number);
    return entry != NULL ? *entry : (ProgressEntry){.lesson = lesson, .number = number};
}

/* Adds an entry, or makes one of the two for the same exercise. */
static void merge(Arena *arena, Progress *progress, ProgressEntry entry) {
    ProgressEntry *old = find_entry(progress, entry.lesson, entry.number);
    if (old == NULL) {
        vec_push(arena, &progress->entries, entry);
        return;
    }
    old->solved |= entry.solved;
    old->hints = entry.hints > old->hints ? entry.hints : old->hints;
}

/* Digits at *text, which moves on, and `behind` after them. */
static bool take_number(const char **text, char behind, unsigned *number) {
    char *end;
    if (**text < '0' || **text > '9') {
        return false;
    }
    *number = (unsigned)strtoul(*text, &end, 10);
    if (*end != behind) {
        return false;
    }
    *text = end + 1;
    return true;
}

/* Takes the file's text apart; false: it is no such text. */
static bool parse(Arena *arena, Progress *progress, const char *text, size_t len) {
    if (strlen(text) != len || !str_starts(text, FIRST_LINE)) {
        return false;
    }
    text += strlen(FIRST_LINE);
    while (*text != '\0') {
        ProgressEntry entry = {0};
        if (!take_number(&text, '.', &entry.lesson) || !take_number(&text, ' ', &entry.number)) {
            return false;
        }
        entry.solved = str_starts(text, "solved ");
        if (!entry.solved && !str_starts(text, "started ")) {
            return false;
        }
        text += strcspn(text, " ") + 1;
        if (!take_number(&text, '\n', &entry.hints)) {
            return false;
        }
        merge(arena, progress, entry);
    }
    return true;
}

/* Reads the file; false: there is one that cannot be understood. */
static bool load(Arena *arena, Progress *progress) {
    const char *path = file_in(arena, progress, "lessons"), *error = NULL;
    size_t len;
    progress->entries.len = 0;
    if (!io_exists(path)) {
        return true;
    }
    const char *text = io_read_file(arena, path, MAX_FILE, &len, &error);
    if (text == NULL) {
        progress->problem = arena_printf(arena, "%s: %s", path, error);
        return true;
    }
    if (!parse(arena, progress, text, len)) {
        progress->entries.len = 0;
        progress->problem = arena_printf(arena, "%s: not a file of this tkc's lessons", path);
        return false;
    }
    return true;
}

Progress progress_read(Arena *arena, const char *folder) {
    Progress progress = {.folder = folder};
    if (folder != NULL) {
        load(arena, &progress);
    }
    return progress;
}

/* Makes the folder and those above it. */
static bool make_folders(Arena *arena, const char *folder) {
    for (const char *slash = strchr(folder + 1, '/');; slash = strchr(slash + 1, '/')) {
        size_t len = slash == NULL ? strlen(folder) : (size_t)(slash - folder);
        if (mkdir(arena_strndup(arena, folder, len), 0700) != 0 && errno != EEXIST) {
            return io_is_dir(folder);
        }
        if (slash == NULL) {
            return true;
        }
    }
}

/* Waits some seconds for the lock; -1: errno. The descriptor holds it. */
static int lock(const char *path) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    for (int tries = 0; fd >= 0; tries++) {
        struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        if (fcntl(fd, F_SETLK, &whole) == 0) {
            return fd;
        }
        int code = errno;
        if ((code != EAGAIN && code != EACCES && code != EINTR) || tries == LOCK_TRIES) {
            close(fd);
            errno = code;
            return -1;
        }
        nanosleep(&(struct timespec){.tv_nsec = LOCK_WAIT_NS}, NULL);
    }
    return -1;
}

/* Moves a file that cannot be understood to a name that is free. */
static void move_aside(Arena *arena, Progress *progress) {
    const char *path = file_in(arena, progress, "lessons");
    const char *aside = file_in(arena, progress, "lessons.unreadable");
    for (int i = 2; i < ASIDE_TRIES && io_exists(aside); i++) {
        aside = arena_printf(arena, "%s.unreadable.%d", path, i);
    }
    if (rename(path, aside) == 0) {
        progress->problem = NULL;
        progress->aside = aside;
    } else {
        progress->problem = arena_printf(arena, "%s: %s", path, strerror(errno));
    }
}

static void store(Arena *arena, Progress *progress) {
    StrBuf text = STRBUF(arena);
    const char *path = file_in(arena, progress, "lessons"), *error = NULL;
    strbuf_puts(&text, FIRST_LINE);
    for (size_t i = 0; i < progress->entries.len; i++) {
        const ProgressEntry *entry = &progress->entries.data[i];
        strbuf_printf(&text, "%u.%u %s %u\n", entry->lesson, entry->number,
                      entry->solved ? "solved" : "started", entry->hints);
    }
    if (!io_write_file(arena, path, text.data, text.len, &error)) {
        progress->problem = arena_printf(arena, "%s: %s", path, error);
    }
}

void progress_add(Arena *arena, Progress *progress, ProgressEntry entry) {
    if (progress->folder == NULL) {
        merge(arena, progress, entry);
        return;
    }
    progress->problem = NULL;
    const char *path = file_in(arena, progress, "lessons.lock");
    int fd = make_folders(arena, progress->folder) ? lock(path) : -1;
    if (fd < 0) {
        progress->problem = arena_printf(arena, "%s: %s", path, strerror(errno));
        merge(arena, progress, entry);
        return;
    }
    if (!load(arena, progress)) {
        move_aside(arena, progress);
    }
    merge(arena, progress, entry);
    if (progress->problem == NULL) {
        store(arena, progress);
    }
    close(fd); /* lets the lock go */
}
