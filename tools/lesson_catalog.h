/* lesson_catalog.h -- the lessons and their exercises: which there are, and their files.
 *
 * They are found by the paths of the files, below the folder lessons/:
 *
 *     beginner/lesson_01_gpu_fundamentals.tk                     the program of lesson 1
 *     beginner/lesson_01_gpu_fundamentals.md                     its text
 *     beginner/lesson_01_exercises/1_subtraction/start.tk        a file of exercise 1.1
 *     checking.tk                                                what checks import
 */
#ifndef TKC_TOOLS_LESSON_CATALOG_H
#define TKC_TOOLS_LESSON_CATALOG_H

#include <stdbool.h>

#include "runtime/host/host.h"
#include "support/embedded.h"

/* The lessons that are part of this program (CMake makes the table). */
extern const EmbeddedFile lesson_files[];
extern const size_t lesson_files_count;

typedef enum ExercisePart {
    EXERCISE_TASK,
    EXERCISE_START,
    EXERCISE_CHECK,
    EXERCISE_HINTS,
    EXERCISE_SOLUTION,
    EXERCISE_REASON,
    EXERCISE_PARTS
} ExercisePart;
/* Their files' names: "task.md" and so on. */
extern const char *const exercise_part_files[EXERCISE_PARTS];

typedef struct Exercise {
    unsigned lesson, number;                   /* of 1.2: 1 and 2 */
    const char *id;                            /* "1.2" */
    const char *slug;                          /* "multiplication" */
    const char *title;                         /* the task's, or the slug */
    const char *file;                          /* where the learner writes: "lesson_01_2.tk" */
    const EmbeddedFile *parts[EXERCISE_PARTS]; /* NULL: not there */
} Exercise;

typedef struct Lesson {
    unsigned number;
    const char *level, *title;
    const EmbeddedFile *program, *text; /* NULL: not there */
    VEC(Exercise) exercises;            /* by number */
} Lesson;

typedef struct Catalog {
    const char *root;            /* what the paths are below, for people */
    VEC(Lesson) lessons;         /* by number */
    size_t num_exercises;        /* of all lessons */
    const EmbeddedFile *library; /* checking.tk */
} Catalog;

/* Of the lessons in this program. */
Catalog *catalog_embedded(Arena *arena);
/* Of those below a folder; NULL: *error says why. */
Catalog *catalog_from_folder(Arena *arena, const char *folder, const char **error);

/* NULL: there is none of that number. */
const Lesson *catalog_lesson(const Catalog *catalog, unsigned number);
const Exercise *lesson_exercise(const Lesson *lesson, unsigned number);

/* What programs may import: triton_tutorials.lessons.LEVEL.NAME, and checking. */
const HostModule *catalog_modules(Arena *arena, const Catalog *catalog, size_t *count);

/* A file's text up to its end, or NULL where `file` is NULL. */
const char *lesson_text(const EmbeddedFile *file);
/* The text below the heading `## name`, up to the next one; NULL: there is none. Blank lines around
 * it are left out. */
const char *lesson_section(Arena *arena, const EmbeddedFile *file, const char *name);
/* What stands before the first such heading of that name, or all of it. */
const char *lesson_before_section(Arena *arena, const EmbeddedFile *file, const char *name);

#endif
