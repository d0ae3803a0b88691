/* cmd_lesson.c -- `tkc lesson`: lessons, exercises, hints, solutions, progress.
 *
 * Each word (list, start, ...) is a row of the table at the end. What a learner writes lies in the
 * current folder, lesson_01_2.tk of exercise 1.2, and is never overwritten but by `reset`, which
 * keeps the old file under the name lesson_01_2.tk~.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "support/io.h"
#include "support/str.h"
#include "tools/lesson.h"

enum { BAR_CELLS = 10, NAME_WIDTH = 28, NUM_HINTS = 3 };

/* What a word of `tkc lesson` is about: nothing, anything, a lesson, an exercise. */
typedef enum WordScope { OF_ANY, OF_LESSON, OF_EXERCISE } WordScope;

typedef struct Word {
    const char *name;
    WordScope scope;
    const OptionId
        options[6]; /* those that only `tkc lesson` has and that it takes, then OPTION_COUNT */
    SessionStatus (*function)(LessonContext *context, const Lesson *lesson,
                              const Exercise *exercise);
} Word;

static Diags *diags_of(const LessonContext *context) {
    return session_diags(context->command->session);
}

/* ---- progress ---------------------------------------------------------------------------------
 */

static void warn(const LessonContext *context, DiagId id, const char *what) {
    Diag *diag = diag_report(diags_of(context), id, SRC_NONE, what);
    if (id == DIAG_LESSON_PROGRESS) {
        diag_help(diag, "everything else works; $XDG_STATE_HOME names another folder");
    }
}

void lesson_report_progress(LessonContext *context) {
    Progress *progress = &context->progress;
    if (progress->problem != NULL) {
        warn(context, DIAG_LESSON_PROGRESS, progress->problem);
        progress->folder = NULL; /* said once */
    }
    if (progress->aside != NULL) {
        warn(context, DIAG_LESSON_PROGRESS_ASIDE, progress->aside);
    }
    progress->problem = NULL;
    progress->aside = NULL;
}

void lesson_remember(LessonContext *context, ProgressEntry entry) {
    progress_add(context->arena, &context->progress, entry);
    lesson_report_progress(context);
}

static ProgressEntry entry_of(const LessonContext *context, const Exercise *exercise) {
    return progress_of(&context->progress, exercise->lesson, exercise->number);
}

size_t lesson_num_solved(const LessonContext *context) {
    const Catalog *catalog = context->catalog;
    size_t count = 0;
    for (size_t i = 0; i < catalog->lessons.len; i++) {
        const Lesson *lesson = &catalog->lessons.data[i];
        for (size_t j = 0; j < lesson->exercises.len; j++) {
            count += entry_of(context, &lesson->exercises.data[j]).solved;
        }
    }
    return count;
}

const char *lesson_progress_bar(const LessonContext *context) {
    size_t done = lesson_num_solved(context), all = context->catalog->num_exercises;
    if (context->own_folder || all == 0) {
        return "";
    }
    int cells = (int)(done * BAR_CELLS / all);
    return arena_printf(context->arena, "[%.*s%.*s]  %zu of %zu done", cells, "##########",
                        BAR_CELLS - cells, "----------", done, all);
}

/* ---- finding lessons --------------------------------------------------------------------------
 */

const Exercise *lesson_next(const LessonContext *context, const Exercise *exercise) {
    const Catalog *catalog = context->catalog;
    const Exercise *first = NULL;
    for (size_t i = 0; i < catalog->lessons.len; i++) {
        const Lesson *lesson = &catalog->lessons.data[i];
        for (size_t j = 0; j < lesson->exercises.len; j++) {
            const Exercise *other = &lesson->exercises.data[j];
            bool later = other->lesson > exercise->lesson ||
                         (other->lesson == exercise->lesson && other->number > exercise->number);
            if (entry_of(context, other).solved || other == exercise) {
                continue;
            }
            if (later) {
                return other;
            }
            first = first != NULL ? first : other;
        }
    }
    return first;
}

/* The first exercise of a lesson that is not solved, else its first; NULL: it has none. */
static const Exercise *first_unsolved(const LessonContext *context, const Lesson *lesson) {
    for (size_t i = 0; i < lesson->exercises.len; i++) {
        if (!entry_of(context, &lesson->exercises.data[i]).solved) {
            return &lesson->exercises.data[i];
        }
    }
    return lesson->exercises.len > 0 ? &lesson->exercises.data[0] : NULL;
}

const EmbeddedFile *lesson_part(const LessonContext *context, const Exercise *exercise,
                                ExercisePart part) {
    if (exercise->parts[part] == NULL) {
        diag_report(diags_of(context), DIAG_LESSON_PART, SRC_NONE, exercise->id,
                    exercise_part_files[part]);
    }
    return exercise->parts[part];
}

/* Which lesson or exercise may have been meant by `text`? */
static void suggest_lesson(const LessonContext *context, Diag *diag, const char *text,
                           const Lesson *lesson) {
    const Catalog *catalog = context->catalog;
    if (lesson != NULL && lesson->exercises.len > 0) {
        diag_help(diag, "lesson %u has %zu exercise%s; the last is %s", lesson->number,
                  lesson->exercises.len, lesson->exercises.len == 1 ? "" : "s",
                  vec_last(&lesson->exercises).id);
    } else if (text[0] >= '0' && text[0] <= '9') {
        const Lesson *near = &catalog->lessons.data[0];
        for (size_t i = 0; i < catalog->lessons.len; i++) {
            long wanted = strtol(text, NULL, 10), number = (long)catalog->lessons.data[i].number;
            bool nearer = labs(number - wanted) < labs((long)near->number - wanted);
            near = nearer ? &catalog->lessons.data[i] : near;
        }
        diag_help(diag, "the nearest is lesson %u, %s", near->number, near->title);
    } else {
        VEC(const char *) slugs = {0};
        VEC(const Exercise *) exercises = {0};
        for (size_t i = 0; i < catalog->lessons.len; i++) {
            const Lesson *each = &catalog->lessons.data[i];
            for (size_t j = 0; j < each->exercises.len; j++) {
                vec_push(context->arena, &slugs, each->exercises.data[j].slug);
                vec_push(context->arena, &exercises, &each->exercises.data[j]);
            }
        }
        const char *near = closest_word(text, slugs.data, slugs.len);
        for (size_t i = 0; i < slugs.len && near != NULL; i++) {
            if (slugs.data[i] == near) {
                diag_help(diag, "did you mean `%s` (%s)?", exercises.data[i]->id, near);
            }
        }
    }
    diag_help(diag, "`tkc lesson list` shows all");
}

/* "2" or "2.1"; false (reported): there is no such lesson or exercise. */
static bool find_lesson(const LessonContext *context, const char *text, const Lesson **lesson,
                        const Exercise **exercise) {
    char *end;
    *lesson = NULL;
    *exercise = NULL;
    if (text[0] >= '1' && text[0] <= '9') {
        unsigned long number = strtoul(text, &end, 10);
        bool plain = *end == '\0', dotted = *end == '.' && end[1] >= '1' && end[1] <= '9';
        if ((plain || dotted) && number <= UINT32_MAX) {
            *lesson = catalog_lesson(context->catalog, (unsigned)number);
        }
        if (*lesson != NULL && plain) {
            return true;
        }
        if (*lesson != NULL) {
            number = strtoul(end + 1, &end, 10);
            *exercise = *end == '\0' && number <= UINT32_MAX
                            ? lesson_exercise(*lesson, (unsigned)number)
                            : NULL;
        }
        if (*exercise != NULL) {
            return true;
        }
    }
    Diag *diag = diag_report(diags_of(context), DIAG_LESSON_UNKNOWN, SRC_NONE, text);
    suggest_lesson(context, diag, text, *lesson);
    return false;
}

/* ---- list, read, code -------------------------------------------------------------------------
 */

static const char *state_of(const LessonContext *context, const Exercise *exercise) {
    for (size_t i = 0; i < context->progress.entries.len; i++) {
        const ProgressEntry *entry = &context->progress.entries.data[i];
        if (entry->lesson == exercise->lesson && entry->number == exercise->number) {
            return entry->solved ? "solved" : "started";
        }
    }
    return "";
}

static void list_lesson(const LessonContext *context, const Lesson *lesson) {
    FILE *out = context->command->out;
    fprintf(out, "lesson %u  %s (%s)\n", lesson->number, lesson->title, lesson->level);
    for (size_t i = 0; i < lesson->exercises.len; i++) {
        const Exercise *exercise = &lesson->exercises.data[i];
        const char *state = state_of(context, exercise);
        fprintf(out, "  %-5s ", exercise->id);
        fprintf(out, state[0] == '\0' ? "%.0s%s\n" : "%-8s %s\n", state, exercise->title);
    }
    fprintf(out, "its text: `tkc lesson read %u`; its program: `tkc lesson code %u`\n",
            lesson->number, lesson->number);
}

/* "   1  GPU fundamentals    1.1 solved  1.2 started  1.3" */
static void list_line(const LessonContext *context, const Lesson *lesson) {
    StrBuf line = STRBUF(context->arena);
    strbuf_printf(&line, "  %2u  %-*s", lesson->number, NAME_WIDTH, lesson->title);
    for (size_t i = 0; i < lesson->exercises.len; i++) {
        const Exercise *exercise = &lesson->exercises.data[i];
        const char *state = state_of(context, exercise);
        strbuf_printf(&line, "  %-12s", arena_printf(context->arena, "%s %s", exercise->id, state));
    }
    while (vec_last(&line) == ' ') {
        line.data[--line.len] = '\0';
    }
    fprintf(context->command->out, "%s\n", line.data);
}

static SessionStatus word_list(LessonContext *context, const Lesson *lesson,
                               const Exercise *exercise) {
    FILE *out = context->command->out;
    const char *bar = lesson_progress_bar(context), *level = "";
    (void)exercise;
    if (lesson != NULL) {
        list_lesson(context, lesson);
        return STATUS_OK;
    }
    fprintf(out, "%s%s", bar, bar[0] != '\0' ? "\n" : "");
    for (size_t i = 0; i < context->catalog->lessons.len; i++) {
        const Lesson *each = &context->catalog->lessons.data[i];
        if (!str_eq(level, each->level)) {
            level = each->level;
            fprintf(out, "%s\n", level);
        }
        list_line(context, each);
    }
    return STATUS_OK;
}

static SessionStatus word_read(LessonContext *context, const Lesson *lesson,
                               const Exercise *exercise) {
    const EmbeddedFile *file = lesson->text != NULL ? lesson->text : lesson->program;
    if (exercise != NULL) {
        file = lesson_part(context, exercise, EXERCISE_TASK);
    }
    if (file == NULL) {
        return STATUS_FAILED;
    }
    fwrite(file->text, 1, file->len, context->command->out);
    return STATUS_OK;
}

static SessionStatus word_code(LessonContext *context, const Lesson *lesson,
                               const Exercise *exercise) {
    const EmbeddedFile *file =
        exercise != NULL ? lesson_part(context, exercise, EXERCISE_START) : lesson->program;
    if (file == NULL) {
        return STATUS_FAILED;
    }
    fwrite(file->text, 1, file->len, context->command->out);
    return STATUS_OK;
}

/* ---- start, reset -----------------------------------------------------------------------------
 */

/* What the learner's file holds; NULL: there is none. */
static const char *read_own(const LessonContext *context, const Exercise *exercise, size_t *len) {
    const char *error;
    return io_exists(exercise->file)
               ? io_read_file(context->arena, exercise->file, SRC_MAX_BYTES, len, &error)
               : NULL;
}

/* Whether the learner's file is still what it began as. */
static bool is_unchanged(const EmbeddedFile *start, const char *own, size_t len) {
    return own != NULL && len == start->len && memcmp(own, start->text, len) == 0;
}

static bool write_own(const LessonContext *context, const char *path, const char *text,
                      size_t len) {
    const char *error;
    if (io_write_file(context->arena, path, text, len, &error)) {
        return true;
    }
    diag_report(diags_of(context), DIAG_FILE_UNWRITABLE, SRC_NONE,
                arena_printf(context->arena, "%s: %s", path, error));
    return false;
}

/* The task, and what to do now. */
static void put_task(const LessonContext *context, const Exercise *exercise) {
    FILE *out = context->command->out;
    const char *task =
        lesson_before_section(context->arena, exercise->parts[EXERCISE_TASK], "Unsolved");
    fprintf(out,
            "%s\n"
            "The program to change: %s, in this folder\n"
            "Check it:              tkc lesson check %s    (--watch: each time you save)\n"
            "A hint:                tkc lesson hint %s\n"
            "The lesson's text:     tkc lesson read %u\n",
            task != NULL ? task : "", exercise->file, exercise->id, exercise->id, exercise->lesson);
}

static SessionStatus word_start(LessonContext *context, const Lesson *lesson,
                                const Exercise *exercise) {
    (void)lesson;
    const EmbeddedFile *start = lesson_part(context, exercise, EXERCISE_START);
    if (start == NULL) {
        return STATUS_FAILED;
    }
    size_t len = 0;
    const char *own = read_own(context, exercise, &len);
    bool there = io_exists(exercise->file);
    bool same = is_unchanged(start, own, len);
    if (!there && !write_own(context, exercise->file, lesson_text(start), start->len)) {
        return STATUS_FAILED;
    }
    put_task(context, exercise);
    lesson_remember(context, entry_of(context, exercise));
    if (!there || same) {
        return STATUS_OK;
    }
    Diag *diag = diag_report(diags_of(context), DIAG_LESSON_CHANGED, SRC_NONE, exercise->file);
    diag_help(diag, "go on with it: `tkc lesson check %s`", exercise->id);
    diag_help(diag, "begin again: `tkc lesson reset %s`", exercise->id);
    return STATUS_FAILED;
}

static SessionStatus word_reset(LessonContext *context, const Lesson *lesson,
                                const Exercise *exercise) {
    (void)lesson;
    const EmbeddedFile *start = lesson_part(context, exercise, EXERCISE_START);
    if (start == NULL) {
        return STATUS_FAILED;
    }
    size_t len = 0;
    const char *own = read_own(context, exercise, &len);
    const char *kept = arena_printf(context->arena, "%s~", exercise->file);
    if (is_unchanged(start, own, len)) {
        fprintf(context->command->out, "%s is the starting program already\n", exercise->file);
        return STATUS_OK;
    }
    if ((own != NULL && !write_own(context, kept, own, len)) ||
        !write_own(context, exercise->file, lesson_text(start), start->len)) {
        return STATUS_FAILED;
    }
    fprintf(context->command->out, "%s is the starting program again", exercise->file);
    fprintf(context->command->out, own != NULL ? "; the old one is %s\n" : "%.0s\n", kept);
    return STATUS_OK;
}

/* ---- check ------------------------------------------------------------------------------------
 */

typedef VEC(const Exercise *) ExerciseVec;

/* The exercises of a lesson (NULL: of all) whose program there is. */
static ExerciseVec exercises_here(const LessonContext *context, const Lesson *lesson) {
    ExerciseVec found = {0};
    bool all = option_choice(context->command->options, OPTION_OF) != CHECK_FILE;
    for (size_t i = 0; i < context->catalog->lessons.len; i++) {
        const Lesson *each = &context->catalog->lessons.data[i];
        for (size_t j = 0; j < each->exercises.len && (lesson == NULL || lesson == each); j++) {
            if (all || io_exists(each->exercises.data[j].file)) {
                vec_push(context->arena, &found, &each->exercises.data[j]);
            }
        }
    }
    return found;
}

static SessionStatus number_missing(LessonContext *context, const char *words) {
    Diag *diag = diag_report(diags_of(context), DIAG_LESSON_NUMBER, SRC_NONE, words);
    diag_help(diag, "for example `tkc lesson %s 1`; `tkc lesson list` shows all", words);
    return STATUS_USAGE;
}

static SessionStatus word_check(LessonContext *context, const Lesson *lesson,
                                const Exercise *exercise) {
    const Options *options = context->command->options;
    bool watch = option_given(options, OPTION_WATCH);
    if (lesson == NULL && (watch || !option_given(options, OPTION_ALL))) {
        return number_missing(context, watch ? "check --watch" : "check");
    }
    if (watch && exercise == NULL) {
        exercise = first_unsolved(context, lesson);
    }
    if (watch && exercise != NULL) {
        return lesson_watch(context, exercise);
    }
    if (exercise != NULL) {
        return lesson_check(context, &exercise, 1);
    }
    ExerciseVec here = exercises_here(context, lesson);
    if (here.len == 0) {
        Diag *diag = diag_report(
            diags_of(context), DIAG_LESSON_NO_FILE, SRC_NONE,
            lesson == NULL ? "lesson_NN_M.tk"
                           : arena_printf(context->arena, "lesson_%02u_M.tk", lesson->number));
        diag_help(diag, "`tkc lesson start %u` writes the first",
                  lesson == NULL ? 1 : lesson->number);
        return STATUS_FAILED;
    }
    return lesson_check(context, here.data, here.len);
}

/* ---- hint, solution ---------------------------------------------------------------------------
 */

static const char *hint_of(const LessonContext *context, const Exercise *exercise,
                           unsigned number) {
    return lesson_section(context->arena, exercise->parts[EXERCISE_HINTS],
                          arena_printf(context->arena, "%u", number));
}

static void put_hint(const LessonContext *context, const Exercise *exercise, unsigned number) {
    const char *text = hint_of(context, exercise, number);
    fprintf(context->command->out, "hint %u of %d for %s\n\n%s\n", number, NUM_HINTS, exercise->id,
            text != NULL ? text : "");
}

static SessionStatus word_hint(LessonContext *context, const Lesson *lesson,
                               const Exercise *exercise) {
    (void)lesson;
    if (lesson_part(context, exercise, EXERCISE_HINTS) == NULL) {
        return STATUS_FAILED;
    }
    ProgressEntry entry = entry_of(context, exercise);
    bool all = option_given(context->command->options, OPTION_ALL) || entry.hints >= NUM_HINTS;
    unsigned first = all ? 1 : entry.hints + 1, last = all ? NUM_HINTS : first;
    for (unsigned i = first; i <= last; i++) {
        put_hint(context, exercise, i);
    }
    if (last == NUM_HINTS) {
        fprintf(context->command->out, "no more hints; the solution: `tkc lesson solution %s`\n",
                exercise->id);
    } else {
        fprintf(context->command->out, "%u more: `tkc lesson hint %s` again\n", NUM_HINTS - last,
                exercise->id);
    }
    entry.hints = last;
    lesson_remember(context, entry);
    return STATUS_OK;
}

static SessionStatus word_solution(LessonContext *context, const Lesson *lesson,
                                   const Exercise *exercise) {
    (void)lesson;
    const EmbeddedFile *solution = lesson_part(context, exercise, EXERCISE_SOLUTION);
    if (solution == NULL) {
        return STATUS_FAILED;
    }
    ProgressEntry entry = entry_of(context, exercise);
    if (!entry.solved && entry.hints < NUM_HINTS &&
        !option_given(context->command->options, OPTION_ANYWAY)) {
        Diag *diag = diag_report(diags_of(context), DIAG_LESSON_EARLY, SRC_NONE, exercise->id);
        diag_note(diag, SRC_NONE, "hints shown so far: %u of %d", entry.hints, NUM_HINTS);
        diag_help(diag, "`tkc lesson hint %s` shows the next; `--anyway` shows the solution now",
                  exercise->id);
        return STATUS_FAILED;
    }
    fwrite(solution->text, 1, solution->len, context->command->out);
    const char *reason = lesson_text(exercise->parts[EXERCISE_REASON]);
    fprintf(context->command->out, "%s%s", reason != NULL ? "\n" : "",
            reason != NULL ? reason : "");
    return STATUS_OK;
}

/* ---- the command ------------------------------------------------------------------------------
 */

static const Word words[] = {
    {"list", OF_ANY, {OPTION_FOLDER, OPTION_COUNT}, word_list},
    {"read", OF_LESSON, {OPTION_FOLDER, OPTION_COUNT}, word_read},
    {"code", OF_LESSON, {OPTION_FOLDER, OPTION_COUNT}, word_code},
    {"start", OF_EXERCISE, {OPTION_FOLDER, OPTION_COUNT}, word_start},
    {"check",
     OF_ANY,
     {OPTION_FOLDER, OPTION_ALL, OPTION_WATCH, OPTION_OF, OPTION_DEVICE, OPTION_COUNT},
     word_check},
    {"hint", OF_EXERCISE, {OPTION_FOLDER, OPTION_ALL, OPTION_COUNT}, word_hint},
    {"solution", OF_EXERCISE, {OPTION_FOLDER, OPTION_ANYWAY, OPTION_COUNT}, word_solution},
    {"reset", OF_EXERCISE, {OPTION_FOLDER, OPTION_COUNT}, word_reset},
};

static const Word *find_word(const Command *command) {
    const TextVec *operands = &command->options->operands;
    const char *name = operands->len == 0 ? "list" : operands->data[0];
    const char *names[TK_COUNTOF(words)];
    for (size_t i = 0; i < TK_COUNTOF(words); i++) {
        names[i] = words[i].name;
        if (str_eq(name, words[i].name)) {
            return &words[i];
        }
    }
    Diag *diag = diag_report(session_diags(command->session), DIAG_LESSON_WORD, SRC_NONE, name);
    const char *near = closest_word(name, names, TK_COUNTOF(names));
    if (near != NULL) {
        diag_help(diag, "did you mean `tkc lesson %s`?", near);
    }
    diag_help(diag, "`tkc lesson --help` lists what it can");
    return NULL;
}

/* Reports an option that this word does not take. */
static bool check_options(const Command *command, const Word *word) {
    static const OptionId limited[] = {OPTION_ALL, OPTION_WATCH, OPTION_OF, OPTION_DEVICE,
                                       OPTION_ANYWAY};
    Arena *arena = session_arena(command->session);
    bool ok = true;
    for (size_t i = 0; i < TK_COUNTOF(limited); i++) {
        bool taken = !option_given(command->options, limited[i]);
        for (size_t j = 0; word->options[j] != OPTION_COUNT; j++) {
            taken |= word->options[j] == limited[i];
        }
        if (!taken) {
            diag_report(session_diags(command->session), DIAG_USAGE_OPTION, SRC_NONE,
                        arena_printf(arena, "lesson %s", word->name),
                        arena_printf(arena, "--%s", option_infos[limited[i]].name));
        }
        ok &= taken;
    }
    return ok;
}

/* Finds the lessons and the progress; false (reported): the folder cannot be read. */
static bool open_context(LessonContext *context) {
    const Command *command = context->command;
    const char *folder = command->options->values[OPTION_FOLDER], *error;
    context->own_folder = folder != NULL;
    context->catalog = folder == NULL ? catalog_embedded(context->arena)
                                      : catalog_from_folder(context->arena, folder, &error);
    if (context->catalog == NULL) {
        diag_report(session_diags(command->session), DIAG_FILE_UNREADABLE, SRC_NONE, folder, error);
        return false;
    }
    if (context->catalog->lessons.len == 0) {
        diag_report(session_diags(command->session), DIAG_LESSON_FOLDER, SRC_NONE, folder);
        return false;
    }
    context->progress = progress_read(context->arena, folder == NULL ? command->state_dir : NULL);
    return true;
}

SessionStatus cmd_lesson(const Command *command) {
    const TextVec *operands = &command->options->operands;
    LessonContext context = {.command = command, .arena = session_arena(command->session)};
    const Word *word = find_word(command);
    if (word == NULL || !check_options(command, word)) {
        return STATUS_USAGE;
    }
    if (!open_context(&context)) {
        return STATUS_FAILED;
    }
    const Lesson *lesson = NULL;
    const Exercise *exercise = NULL;
    if (operands->len > 1 && !find_lesson(&context, operands->data[1], &lesson, &exercise)) {
        return STATUS_USAGE;
    }
    if (lesson == NULL && word->scope != OF_ANY) {
        return number_missing(&context, word->name);
    }
    if (exercise == NULL && word->scope == OF_EXERCISE) {
        exercise = first_unsolved(&context, lesson);
        if (exercise == NULL) {
            diag_report(session_diags(command->session), DIAG_LESSON_UNKNOWN, SRC_NONE,
                        arena_printf(context.arena, "%u.1", lesson->number));
            return STATUS_FAILED;
        }
    }
    SessionStatus status = word->function(&context, lesson, exercise);
    lesson_report_progress(&context);
    return status;
}
