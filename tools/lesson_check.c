/* lesson_check.c -- runs the checks of exercises and says what came of them.
 *
 * A check is a program, check.tk, which imports the learner's file as `exercise` and checking.tk as
 * `checking`. It runs in a session of its own, first on the cpu device, whose faults are told most
 * plainly, then, if all is right there, on the emulator, which executes what the compiler made.
 * What it prints is kept and shown when it has ended:
 *
 *     lesson 1.1  Subtraction                    [----------]  0 of 36 done
 *       length 0            ok     exact
 *       length 64           ok     exact
 *     2 of 2 checks passed on cpu
 *     2 of 2 checks passed on emu                what was the same on cpu is left out
 *
 * A check has passed if its status is 0 and its last line says so: a program that ends itself in
 * the middle has not.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "support/io.h"
#include "support/str.h"
#include "tools/lesson.h"

enum { WATCH_WAIT_NS = 200 * 1000 * 1000, TITLE_WIDTH = 38 };

/* What a program printed. */
typedef struct Output {
    FILE *file;
    char *text;
    size_t len;
} Output;

/* How a check ended. */
typedef struct CheckRun {
    SessionStatus status;
    Output out, err;
} CheckRun;

static void output_open(const LessonContext *context, Output *output) {
    output->file = open_memstream(&output->text, &output->len);
    if (output->file == NULL) {
        oom_raise(arena_oom(context->arena));
    }
}

static void output_close(Output *output) {
    if (output->file != NULL) {
        fclose(output->file);
        output->file = NULL;
    }
}

static void run_free(CheckRun *run) {
    output_close(&run->out);
    output_close(&run->err);
    free(run->out.text);
    free(run->err.text);
}

/* ---- running ----------------------------------------------------------------------------------
 */

/* The modules that the check may import: `exercise` before all, and the lessons'. */
static void set_modules(const LessonContext *context, const Exercise *exercise,
                        const EmbeddedFile *program, SessionOptions *options) {
    size_t count, all = options->num_modules;
    const HostModule *own = catalog_modules(context->arena, context->catalog, &count);
    HostModule *modules = ARENA_ARRAY(context->arena, HostModule, count + all + 1);
    modules[0] = (HostModule){
        .name = "exercise",
        .path = exercise->file,
        .text = lesson_text(program),
        .len = program != NULL ? program->len : 0,
        .first = true,
    };
    for (size_t i = 0; i < count + all; i++) {
        modules[i + 1] = i < count ? own[i] : options->modules[i - count];
        modules[i + 1].first = str_eq(modules[i + 1].name, "checking");
    }
    options->modules = modules;
    options->num_modules = count + all + 1;
}

/* Runs the check on one device. `program`: instead of the learner's file; or NULL. */
static void run_check(const LessonContext *context, const Exercise *exercise,
                      const EmbeddedFile *program, DeviceKind device, CheckRun *run) {
    const EmbeddedFile *check = exercise->parts[EXERCISE_CHECK];
    SessionOptions options = *context->command->session_options;
    *run = (CheckRun){.status = STATUS_FAILED};
    set_modules(context, exercise, program, &options);
    options.device = device;
    const char *name = arena_printf(context->arena, "%.*s.check.tk",
                                    (int)(strlen(exercise->file) - strlen(".tk")), exercise->file);
    output_open(context, &run->out);
    output_open(context, &run->err);
    options.out = run->out.file;
    options.err = run->err.file;
    Session *session = session_create(&options);
    if (session == NULL) {
        run_free(run);
        oom_raise(arena_oom(context->arena));
    }
    run->status = session_run_text(session, name, lesson_text(check), check->len);
    session_flush(session);
    session_destroy(session);
    output_close(&run->out);
    output_close(&run->err);
}

/* ---- telling ----------------------------------------------------------------------------------
 */

/* Where the last line of a text begins: "N of M checks passed"; NULL: it says something else. */
static const char *last_line(const CheckRun *run) {
    static const char *const words[] = {" of ", " checks passed\n"};
    const char *line = run->out.text;
    for (const char *end = strchr(line, '\n'); end != NULL && end[1] != '\0';
         end = strchr(line, '\n')) {
        line = end + 1;
    }
    const char *at = line;
    for (size_t i = 0; i < TK_COUNTOF(words); i++) {
        size_t digits = strspn(at, "0123456789");
        if (digits == 0 || !str_starts(at + digits, words[i])) {
            return NULL;
        }
        at += digits + strlen(words[i]);
    }
    return line;
}

/* Is the line of `len` bytes one of the text's? */
static bool has_line(const char *text, const char *line, size_t len) {
    while (*text != '\0') {
        size_t other = strcspn(text, "\n");
        if (other == len && memcmp(text, line, len) == 0) {
            return true;
        }
        text += other + (text[other] == '\n');
    }
    return false;
}

/* Prints what the check printed, less the lines that `known` (may be NULL) has. */
static void show(const LessonContext *context, const CheckRun *run, const char *known,
                 const char *device) {
    FILE *out = context->command->out;
    const char *last = last_line(run);
    for (const char *line = run->out.text; *line != '\0' && line != last;) {
        size_t len = strcspn(line, "\n");
        if (known == NULL || !has_line(known, line, len)) {
            fprintf(out, "%.*s\n", (int)len, line);
        }
        line += len + (line[len] == '\n');
    }
    if (last != NULL) {
        fprintf(out, "%.*s on %s\n", (int)strcspn(last, "\n"), last, device);
    }
    fflush(out);
    fwrite(run->err.text, 1, run->err.len, context->command->err);
    fflush(context->command->err);
}

/* The status that the check counts with: what a program chose itself is a failure. */
static SessionStatus judge(const LessonContext *context, const Exercise *exercise,
                           const CheckRun *run) {
    bool ended = last_line(run) == NULL && run->err.len == 0;
    switch (run->status) {
    case STATUS_FAULT:
    case STATUS_NO_DEVICE:
    case STATUS_INTERNAL:
    case STATUS_INTERRUPTED:
        return run->status;
    case STATUS_OK:
    case STATUS_FAILED:
    case STATUS_USAGE:
        break;
    }
    if (ended) {
        Diag *diag = diag_report(session_diags(context->command->session), DIAG_LESSON_ENDED,
                                 SRC_NONE, exercise->id);
        diag_note(diag, SRC_NONE,
                  "`%s` must not end the program: sys.exit() outside of "
                  "`if __name__ == \"__main__\":`?",
                  exercise->file);
        session_flush(context->command->session);
    }
    return run->status == STATUS_OK && last_line(run) != NULL ? STATUS_OK : STATUS_FAILED;
}

static void put_header(const LessonContext *context, const Exercise *exercise) {
    FILE *out = context->command->out;
    const char *bar = lesson_progress_bar(context);
    if (bar[0] == '\0' || lesson_num_solved(context) == 0) {
        fprintf(out, "lesson %-4s %s\n", exercise->id, exercise->title);
    } else {
        fprintf(out, "lesson %-4s %-*s %s\n", exercise->id, TITLE_WIDTH, exercise->title, bar);
    }
    fflush(out);
}

static CheckedProgram checked_program(const LessonContext *context) {
    return (CheckedProgram)option_choice(context->command->options, OPTION_OF);
}

/* Says what is next when a check has ended; remembers an exercise that is solved. */
static void conclude(LessonContext *context, const Exercise *exercise, SessionStatus status) {
    FILE *out = context->command->out;
    if (checked_program(context) != CHECK_FILE || status == STATUS_INTERRUPTED) {
        return;
    }
    if (status != STATUS_OK) {
        fprintf(out, "not solved yet; `tkc lesson hint %s` helps\n", exercise->id);
        return;
    }
    if (option_given(context->command->options, OPTION_DEVICE)) {
        fprintf(out,
                "right there; without --device it is checked on cpu and emu, and then counts\n");
        return;
    }
    ProgressEntry entry = progress_of(&context->progress, exercise->lesson, exercise->number);
    bool already = entry.solved;
    entry.solved = true;
    lesson_remember(context, entry);
    const char *bar = lesson_progress_bar(context);
    if (!already && bar[0] != '\0') {
        fprintf(out, "%-*s %s\n", TITLE_WIDTH + 12,
                arena_printf(context->arena, "%s is solved", exercise->id), bar);
    } else {
        fprintf(out, "%s is solved\n", exercise->id);
    }
    const Exercise *next = lesson_next(context, exercise);
    fprintf(out, "why it is right: `tkc lesson solution %s`", exercise->id);
    if (next != NULL) {
        fprintf(out, "; next: `tkc lesson start %s`", next->id);
    }
    putc('\n', out);
}

/* ---- checking ---------------------------------------------------------------------------------
 */

/* What the check is to look at, in *program (NULL: the learner's file); false: it is not there. */
static bool find_program(const LessonContext *context, const Exercise *exercise,
                         const EmbeddedFile **program) {
    CheckedProgram which = checked_program(context);
    *program = NULL;
    if (lesson_part(context, exercise, EXERCISE_CHECK) == NULL) {
        return false;
    }
    if (which != CHECK_FILE) {
        *program = lesson_part(context, exercise,
                               which == CHECK_START ? EXERCISE_START : EXERCISE_SOLUTION);
        return *program != NULL;
    }
    if (io_exists(exercise->file)) {
        return true;
    }
    Diag *diag = diag_report(session_diags(context->command->session), DIAG_LESSON_NO_FILE,
                             SRC_NONE, exercise->file);
    diag_help(diag, "`tkc lesson start %s` writes it", exercise->id);
    return false;
}

/* Checks on the devices in turn, up to the first where something is wrong. */
static SessionStatus check_devices(const LessonContext *context, const Exercise *exercise,
                                   const EmbeddedFile *program) {
    static const char *const names[] = {"cpu", "emu", "cuda"};
    bool chosen = option_given(context->command->options, OPTION_DEVICE);
    DeviceKind only = (DeviceKind)option_choice(context->command->options, OPTION_DEVICE);
    DeviceKind devices[] = {chosen ? only : DEVICE_CPU, DEVICE_EMU};
    CheckRun runs[TK_COUNTOF(devices)] = {0};
    SessionStatus status = STATUS_OK;
    for (size_t i = 0; i < (chosen ? 1 : TK_COUNTOF(devices)) && status == STATUS_OK; i++) {
        run_check(context, exercise, program, devices[i], &runs[i]);
        show(context, &runs[i], i > 0 ? runs[0].out.text : NULL, names[devices[i]]);
        status = judge(context, exercise, &runs[i]);
    }
    for (size_t i = 0; i < TK_COUNTOF(runs); i++) {
        run_free(&runs[i]);
    }
    return status;
}

static SessionStatus check_one(LessonContext *context, const Exercise *exercise) {
    const EmbeddedFile *program;
    if (!find_program(context, exercise, &program)) {
        return STATUS_FAILED;
    }
    put_header(context, exercise);
    SessionStatus status = check_devices(context, exercise, program);
    conclude(context, exercise, status);
    fflush(context->command->out);
    return status;
}

SessionStatus lesson_check(LessonContext *context, const Exercise *const *exercises, size_t count) {
    SessionStatus result = STATUS_OK;
    size_t right = 0;
    for (size_t i = 0; i < count && result != STATUS_INTERRUPTED; i++) {
        if (i > 0) {
            putc('\n', context->command->out);
        }
        SessionStatus status = check_one(context, exercises[i]);
        right += status == STATUS_OK;
        result = result == STATUS_OK || status == STATUS_INTERRUPTED ? status : result;
    }
    if (count > 1) {
        fprintf(context->command->out, "\n%zu of %zu exercises are right\n", right, count);
    }
    return result;
}

/* ---- watching ---------------------------------------------------------------------------------
 */

/* What changes when a file is saved, also by an editor that writes another one and renames it. */
typedef struct FileMark {
    bool there;
    ino_t inode;
    off_t size;
    struct timespec changed;
} FileMark;

static FileMark mark_of(const char *path) {
    struct stat info;
    if (stat(path, &info) != 0) {
        return (FileMark){0};
    }
    return (FileMark){true, info.st_ino, info.st_size, info.st_mtim};
}

static bool same_mark(FileMark a, FileMark b) {
    return a.there == b.there && a.inode == b.inode && a.size == b.size &&
           a.changed.tv_sec == b.changed.tv_sec && a.changed.tv_nsec == b.changed.tv_nsec;
}

/* Waits until the file is there, is not as it was checked, and stays so for a moment. False: the
 * user wants to stop. */
static bool wait_for_save(const LessonContext *context, const char *path, FileMark *checked) {
    const volatile sig_atomic_t *cancel = context->command->session_options->cancel;
    FileMark before = *checked;
    for (;;) {
        nanosleep(&(struct timespec){.tv_nsec = WATCH_WAIT_NS}, NULL);
        if (*cancel != 0) {
            return false;
        }
        FileMark now = mark_of(path);
        if (now.there && !same_mark(now, *checked) && same_mark(now, before)) {
            *checked = now;
            return true;
        }
        before = now;
    }
}

SessionStatus lesson_watch(LessonContext *context, const Exercise *exercise) {
    FILE *out = context->command->out;
    FileMark checked = mark_of(exercise->file);
    SessionStatus status = lesson_check(context, &exercise, 1);
    if (!checked.there) {
        return status;
    }
    while (status != STATUS_INTERRUPTED) {
        session_flush(context->command->session);
        fprintf(out, "\nwatching %s; Ctrl-C ends\n", exercise->file);
        fflush(out);
        if (!wait_for_save(context, exercise->file, &checked)) {
            return STATUS_INTERRUPTED;
        }
        putc('\n', out);
        status = lesson_check(context, &exercise, 1);
    }
    return status;
}
