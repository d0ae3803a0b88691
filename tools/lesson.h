/* lesson.h -- what the files of `tkc lesson` share. */
#ifndef TKC_TOOLS_LESSON_H
#define TKC_TOOLS_LESSON_H

#include "tools/commands.h"
#include "tools/lesson_catalog.h"
#include "tools/lesson_progress.h"

/* Which program a check looks at: the choices of --of. */
typedef enum CheckedProgram { CHECK_FILE, CHECK_SOLUTION, CHECK_START } CheckedProgram;

typedef struct LessonContext {
    const Command *command;
    Arena *arena;
    const Catalog *catalog;
    bool own_folder; /* the lessons are those of --folder: no progress is kept */
    Progress progress;
} LessonContext;

/* Adds to the progress; the first time that it cannot be kept, says so. */
void lesson_remember(LessonContext *context, ProgressEntry entry);
/* Reports what is wrong with the file of progress, if something is. */
void lesson_report_progress(LessonContext *context);
size_t lesson_num_solved(const LessonContext *context);
/* "[##--------]  8 of 36 done"; "" where no progress is kept. */
const char *lesson_progress_bar(const LessonContext *context);
/* The exercise to do after this one: the next that is not solved; NULL: all are. */
const Exercise *lesson_next(const LessonContext *context, const Exercise *exercise);
/* A part of an exercise; NULL (reported): the exercise has none. */
const EmbeddedFile *lesson_part(const LessonContext *context, const Exercise *exercise,
                                ExercisePart part);

/* Checks one exercise, or several and says how many are right. */
SessionStatus lesson_check(LessonContext *context, const Exercise *const *exercises, size_t count);
/* Checks one each time its file is saved, until Ctrl-C. */
SessionStatus lesson_watch(LessonContext *context, const Exercise *exercise);

#endif
