/* lesson_progress.h -- what the learner has done, kept between runs.
 *
 * One small text file, $XDG_STATE_HOME/tkc/lessons:
 *
 *     tkc lessons 1
 *     1.1 solved 2          exercise 1.1 is solved; two hints were shown
 *     1.2 started 0
 *
 * It is replaced as a whole and changed under a lock, so that several terminals at once lose
 * nothing. Without it everything works, and nothing is remembered.
 */
#ifndef TKC_TOOLS_LESSON_PROGRESS_H
#define TKC_TOOLS_LESSON_PROGRESS_H

#include <stdbool.h>

#include "support/vec.h"

typedef struct ProgressEntry {
    unsigned lesson, number;
    bool solved;
    unsigned hints; /* shown so far */
} ProgressEntry;

typedef struct Progress {
    const char *folder; /* NULL: nothing is kept */
    VEC(ProgressEntry) entries;
    const char *problem; /* why it cannot be read or kept; NULL: it can */
    const char *aside;   /* where a file was moved that could not be understood; or NULL */
} Progress;

/* The usual folder: `xdg`/tkc ($XDG_STATE_HOME) or `home`/.local/state/tkc, the first that is
 * neither NULL nor empty; NULL: none is. */
const char *progress_folder(Arena *arena, const char *xdg, const char *home);
/* Reads what is kept in the folder (NULL: nothing is). */
Progress progress_read(Arena *arena, const char *folder);
/* The exercise's entry; one of zeros if there is none. */
ProgressEntry progress_of(const Progress *progress, unsigned lesson, unsigned number);
/* Reads again what is kept, adds this to it and keeps that: `entry` is solved if one of the two is,
 * and hints are the more of the two. */
void progress_add(Arena *arena, Progress *progress, ProgressEntry entry);

#endif
