/* lesson_catalog.c -- finds lessons and exercises by the paths of their files.
 *
 * A path is read from left to right: "beginner/" the level, "lesson_01_" the lesson, then its
 * program or text, or "exercises/1_subtraction/" the exercise and the name of one of its parts.
 * Other files are left alone, so that a folder of lessons may hold more.
 */
#include "tools/lesson_catalog.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support/io.h"
#include "support/str.h"

enum { MAX_NUMBER = 9999, MAX_DEPTH = 4 };

const char *const exercise_part_files[EXERCISE_PARTS] = {
    [EXERCISE_TASK] = "task.md",         [EXERCISE_START] = "start.tk",
    [EXERCISE_CHECK] = "check.tk",       [EXERCISE_HINTS] = "hints.md",
    [EXERCISE_SOLUTION] = "solution.tk", [EXERCISE_REASON] = "solution.md"};

/* ---- texts ----------------------------------------------------------------------------------- */

const char *lesson_text(const EmbeddedFile *file) {
    return file == NULL ? NULL : (const char *)file->text;
}

/* The line `## name` in a text; NULL: there is none. */
static const char *find_heading(const char *text, const char *name) {
    size_t len = strlen(name);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, "## ", 3) == 0 && strncmp(line + 3, name, len) == 0 &&
            (line[len + 3] == '\n' || line[len + 3] == '\0')) {
            return line;
        }
    }
    return NULL;
}

/* Without the line ends around it, and with one behind it. */
static const char *trimmed(Arena *arena, const char *from, const char *to) {
    while (from < to && *from == '\n') {
        from++;
    }
    while (from < to && to[-1] == '\n') {
        to--;
    }
    return arena_printf(arena, "%.*s\n", (int)(to - from), from);
}

const char *lesson_section(Arena *arena, const EmbeddedFile *file, const char *name) {
    const char *text = lesson_text(file);
    const char *from = text == NULL ? NULL : find_heading(text, name);
    if (from == NULL) {
        return NULL;
    }
    from += strcspn(from, "\n");
    const char *to = strstr(from, "\n## ");
    return trimmed(arena, from, to == NULL ? from + strlen(from) : to);
}

const char *lesson_before_section(Arena *arena, const EmbeddedFile *file, const char *name) {
    const char *text = lesson_text(file);
    if (text == NULL) {
        return NULL;
    }
    const char *to = find_heading(text, name);
    return trimmed(arena, text, to == NULL ? text + strlen(text) : to);
}

/* What follows `prefix` at the beginning of the text, up to `end` or the end of the line; NULL: the
 * text begins otherwise. */
static const char *title_behind(Arena *arena, const EmbeddedFile *file, const char *prefix,
                                const char *end) {
    const char *text = lesson_text(file);
    if (text == NULL || !str_starts(text, prefix)) {
        return NULL;
    }
    text += strlen(prefix);
    size_t len = strcspn(text, "\n");
    const char *found = strstr(text, end);
    if (found != NULL && (size_t)(found - text) < len) {
        len = (size_t)(found - text);
    }
    return arena_strndup(arena, text, len);
}

/* ---- reading paths --------------------------------------------------------------------------- */

/* Digits at *text, which moves on; false: there are none, or too many. */
static bool take_number(const char **text, unsigned *number) {
    char *end;
    if (**text < '0' || **text > '9') {
        return false;
    }
    unsigned long value = strtoul(*text, &end, 10);
    *text = end;
    *number = (unsigned)value;
    return value >= 1 && value <= MAX_NUMBER;
}

static bool take_text(const char **text, const char *prefix) {
    if (!str_starts(*text, prefix)) {
        return false;
    }
    *text += strlen(prefix);
    return true;
}

static Lesson *add_lesson(Arena *arena, Catalog *catalog, unsigned number, const char *level) {
    for (size_t i = 0; i < catalog->lessons.len; i++) {
        if (catalog->lessons.data[i].number == number) {
            return &catalog->lessons.data[i];
        }
    }
    Lesson lesson = {.number = number, .level = level};
    vec_push(arena, &catalog->lessons, lesson);
    return &vec_last(&catalog->lessons);
}

static Exercise *add_exercise(Arena *arena, Lesson *lesson, unsigned number, const char *slug) {
    for (size_t i = 0; i < lesson->exercises.len; i++) {
        if (lesson->exercises.data[i].number == number) {
            return &lesson->exercises.data[i];
        }
    }
    Exercise exercise = {
        .lesson = lesson->number,
        .number = number,
        .id = arena_printf(arena, "%u.%u", lesson->number, number),
        .slug = slug,
        .file = arena_printf(arena, "lesson_%02u_%u.tk", lesson->number, number),
    };
    vec_push(arena, &lesson->exercises, exercise);
    return &vec_last(&lesson->exercises);
}

/* "1_subtraction/start.tk" */
static void add_part(Arena *arena, Lesson *lesson, const char *path, const EmbeddedFile *file) {
    unsigned number;
    const char *slash = strchr(path, '/');
    if (slash == NULL || !take_number(&path, &number) || !take_text(&path, "_") || slash < path) {
        return;
    }
    for (ExercisePart part = 0; part < EXERCISE_PARTS; part++) {
        if (str_eq(slash + 1, exercise_part_files[part])) {
            const char *slug = arena_strndup(arena, path, (size_t)(slash - path));
            add_exercise(arena, lesson, number, slug)->parts[part] = file;
        }
    }
}

static void add_file(Arena *arena, Catalog *catalog, const EmbeddedFile *file) {
    const char *path = file->name, *slash = strchr(path, '/');
    unsigned number;
    if (str_eq(path, "checking.tk")) {
        catalog->library = file;
    }
    if (slash == NULL) {
        return;
    }
    const char *level = arena_strndup(arena, path, (size_t)(slash - path));
    path = slash + 1;
    if (!take_text(&path, "lesson_") || !take_number(&path, &number) || !take_text(&path, "_")) {
        return;
    }
    if (take_text(&path, "exercises/")) {
        add_part(arena, add_lesson(arena, catalog, number, level), path, file);
    } else if (strchr(path, '/') == NULL && str_ends(path, ".tk")) {
        add_lesson(arena, catalog, number, level)->program = file;
    } else if (strchr(path, '/') == NULL && str_ends(path, ".md")) {
        add_lesson(arena, catalog, number, level)->text = file;
    }
}

/* ---- making a catalog ------------------------------------------------------------------------ */

static int by_lesson(const void *a, const void *b) {
    unsigned first = ((const Lesson *)a)->number, second = ((const Lesson *)b)->number;
    return (first > second) - (first < second);
}

static int by_exercise(const void *a, const void *b) {
    unsigned first = ((const Exercise *)a)->number, second = ((const Exercise *)b)->number;
    return (first > second) - (first < second);
}

/* The lesson's title by its text `# Lesson 1: TITLE`, else by its program `"""Lesson 1: TITLE --`.
 */
static void name_lesson(Arena *arena, Lesson *lesson) {
    const char *prefix = arena_printf(arena, "# Lesson %u: ", lesson->number);
    lesson->title = title_behind(arena, lesson->text, prefix, "\n");
    if (lesson->title == NULL) {
        prefix = arena_printf(arena, "\"\"\"Lesson %u: ", lesson->number);
        lesson->title = title_behind(arena, lesson->program, prefix, " -- ");
    }
    if (lesson->title == NULL) {
        lesson->title = arena_printf(arena, "lesson %u", lesson->number);
    }
    for (size_t i = 0; i < lesson->exercises.len; i++) {
        Exercise *exercise = &lesson->exercises.data[i];
        prefix = arena_printf(arena, "# %s ", exercise->id);
        exercise->title = title_behind(arena, exercise->parts[EXERCISE_TASK], prefix, "\n");
        if (exercise->title == NULL) {
            exercise->title = exercise->slug;
        }
    }
}

static Catalog *make_catalog(Arena *arena, const char *root, const EmbeddedFile *files,
                             size_t count) {
    Catalog *catalog = ARENA_NEW(arena, Catalog);
    catalog->root = root;
    for (size_t i = 0; i < count; i++) {
        add_file(arena, catalog, &files[i]);
    }
    if (catalog->lessons.len > 0) {
        qsort(catalog->lessons.data, catalog->lessons.len, sizeof(Lesson), by_lesson);
    }
    for (size_t i = 0; i < catalog->lessons.len; i++) {
        Lesson *lesson = &catalog->lessons.data[i];
        if (lesson->exercises.len > 0) {
            qsort(lesson->exercises.data, lesson->exercises.len, sizeof(Exercise), by_exercise);
        }
        name_lesson(arena, lesson);
        catalog->num_exercises += lesson->exercises.len;
    }
    return catalog;
}

Catalog *catalog_embedded(Arena *arena) {
    return make_catalog(arena, "<tkc>/lessons", lesson_files, lesson_files_count);
}

typedef VEC(const char *) NameVec;
typedef VEC(EmbeddedFile) FileVec;

/* What a folder holds, in no order; NULL error: fine. No descriptor is open when it returns. */
static NameVec names_in(Arena *arena, const char *folder, const char **error) {
    NameVec names = {0};
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        *error = arena_printf(arena, "%s: %s", folder, strerror(errno));
        return names;
    }
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (entry->d_name[0] != '.') {
            vec_push(arena, &names, arena_strdup(arena, entry->d_name));
        }
    }
    closedir(dir);
    return names;
}

static void read_below(Arena *arena, const char *root, const char *below, int depth, FileVec *files,
                       const char **error) {
    NameVec names = names_in(arena, arena_printf(arena, "%s/%s", root, below), error);
    for (size_t i = 0; i < names.len && *error == NULL; i++) {
        const char *path =
            arena_printf(arena, "%s%s%s", below, below[0] == '\0' ? "" : "/", names.data[i]);
        const char *full = arena_printf(arena, "%s/%s", root, path);
        EmbeddedFile file = {.name = path};
        if (io_is_dir(full)) {
            if (depth < MAX_DEPTH) {
                read_below(arena, root, path, depth + 1, files, error);
            }
        } else if (str_ends(path, ".tk") || str_ends(path, ".md")) {
            file.text =
                (const unsigned char *)io_read_file(arena, full, SRC_MAX_BYTES, &file.len, error);
            if (file.text == NULL) {
                *error = arena_printf(arena, "%s: %s", full, *error);
                return;
            }
            vec_push(arena, files, file);
        }
    }
}

Catalog *catalog_from_folder(Arena *arena, const char *folder, const char **error) {
    FileVec files = {0};
    *error = NULL;
    read_below(arena, folder, "", 1, &files, error);
    return *error != NULL ? NULL : make_catalog(arena, folder, files.data, files.len);
}

/* ---- using it -------------------------------------------------------------------------------- */

const Lesson *catalog_lesson(const Catalog *catalog, unsigned number) {
    for (size_t i = 0; i < catalog->lessons.len; i++) {
        if (catalog->lessons.data[i].number == number) {
            return &catalog->lessons.data[i];
        }
    }
    return NULL;
}

const Exercise *lesson_exercise(const Lesson *lesson, unsigned number) {
    for (size_t i = 0; i < lesson->exercises.len; i++) {
        if (lesson->exercises.data[i].number == number) {
            return &lesson->exercises.data[i];
        }
    }
    return NULL;
}

/* "triton_tutorials.lessons.beginner.lesson_01_gpu_fundamentals" of "beginner/lesson_01_...tk" */
static const char *module_name(Arena *arena, const EmbeddedFile *program) {
    char *name = arena_printf(arena, "triton_tutorials.lessons.%.*s",
                              (int)(strlen(program->name) - strlen(".tk")), program->name);
    *strchr(name, '/') = '.';
    return name;
}

static HostModule module_of(Arena *arena, const Catalog *catalog, const char *name,
                            const EmbeddedFile *file) {
    return (HostModule){.name = name,
                        .path = arena_printf(arena, "%s/%s", catalog->root, file->name),
                        .text = lesson_text(file),
                        .len = file->len};
}

const HostModule *catalog_modules(Arena *arena, const Catalog *catalog, size_t *count) {
    VEC(HostModule) modules = {0};
    for (size_t i = 0; i < catalog->lessons.len; i++) {
        const EmbeddedFile *program = catalog->lessons.data[i].program;
        if (program != NULL) {
            vec_push(arena, &modules,
                     module_of(arena, catalog, module_name(arena, program), program));
        }
    }
    if (catalog->library != NULL) {
        vec_push(arena, &modules, module_of(arena, catalog, "checking", catalog->library));
    }
    *count = modules.len;
    return modules.data;
}
