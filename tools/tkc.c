/* tkc.c -- the command: reads the command line and the environment, makes a session, calls the
 * verb's function, and ends with its status.
 *
 * Signals: SIGINT and SIGPIPE set a flag that everything long-running looks at, so that temporaries
 * are removed on the way out; a second SIGINT ends the process at once. After SIGPIPE the process
 * ends as if it had not caught it. This file holds the one mutable global of tkc: that flag.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "runtime/cache.h"
#include "support/io.h"
#include "support/str.h"
#include "tools/commands.h"
#include "tools/help.h"
#include "tools/lesson_catalog.h"
#include "tools/lesson_progress.h"

static volatile sig_atomic_t caught_signal;

static void on_signal(int number) {
    if (caught_signal != 0 && number == SIGINT) {
        _exit(STATUS_INTERRUPTED);
    }
    caught_signal = number;
}

static void catch_signals(void) {
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGPIPE, &action, NULL);
}

static SessionStatus (*const verb_functions[VERB_COUNT])(const Command *) = {
    [VERB_RUN] = cmd_run,         [VERB_CHECK] = cmd_check, [VERB_BUILD] = cmd_build,
    [VERB_DRAW] = cmd_draw,       [VERB_CACHE] = cmd_cache, [VERB_DOCTOR] = cmd_doctor,
    [VERB_EXPLAIN] = cmd_explain, [VERB_HELP] = cmd_help,   [VERB_LESSON] = cmd_lesson,
};

/* An environment variable; NULL if it is unset or empty. */
static const char *environment(const char *name) {
    const char *value = getenv(name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

/* Columns of diagnostics that go to a file: wide, but a line of a binary file does not fill it. */
enum { FILE_WIDTH = 200 };

/* Colour and width for standard error. `choice`: 0 auto, 1 always, 2 never. */
static DiagStyle diag_style(unsigned choice) {
    const char *term = environment("TERM");
    const char *force = environment("CLICOLOR_FORCE");
    bool terminal = isatty(STDERR_FILENO) != 0;
    DiagStyle style = {.color = choice == 1, .width = FILE_WIDTH};
    if (choice == 0 && environment("NO_COLOR") == NULL) {
        bool forced = force != NULL && !str_eq(force, "0");
        style.color = forced || (terminal && term != NULL && !str_eq(term, "dumb"));
    }
    struct winsize size;
    if (terminal && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        style.width = size.ws_col;
    }
    return style;
}

static void add_import_dirs(Arena *arena, const Options *options, SessionOptions *session) {
    TextVec folders = options->lists[OPTION_IMPORT_DIR];
    const char *path = environment("TKC_PATH");
    TextVec more = path == NULL ? (TextVec){0} : split_words(arena, path, ':');
    for (size_t i = 0; i < more.len; i++) {
        if (more.data[i][0] != '\0') {
            vec_push(arena, &folders, more.data[i]);
        }
    }
    session->import_dirs = folders.data;
    session->num_import_dirs = folders.len;
}

static bool wants_tune_cache(void) {
    const char *set = environment("TKC_TUNE_CACHE");
    return set == NULL || !(str_eq(set, "0") || str_eq(set, "off") || str_eq(set, "none"));
}

static SessionOptions session_options(Arena *arena, const Options *options) {
    SessionOptions session = {
        .device = option_given(options, OPTION_DEVICE)
                      ? (DeviceKind)option_choice(options, OPTION_DEVICE)
                      : DEVICE_AUTO,
        .bounds = (BoundsMode)option_choice(options, OPTION_BOUNDS),
        .checks = !option_given(options, OPTION_NO_CHECKS),
        .shuffle = option_given(options, OPTION_SEED),
        .seed = option_number(options, OPTION_SEED, 0),
        .profile = option_given(options, OPTION_PROFILE),
        .profile_json = option_choice(options, OPTION_PROFILE) == 1,
        .cache_dir = cache_folder(arena, environment("TKC_CACHE_DIR"),
                                  environment("XDG_CACHE_HOME"), environment("HOME")),
        .tune_cache = !option_given(options, OPTION_NO_TUNE_CACHE) && wants_tune_cache(),
        .json = option_choice(options, OPTION_DIAGNOSTICS) == 1,
        .style = diag_style(option_choice(options, OPTION_COLOR)),
        .tools =
            {
                .ptxas = environment("TKC_PTXAS"),
                .nvdisasm = environment("TKC_NVDISASM"),
                .path = environment("PATH"),
                .cuda_home = environment("CUDA_HOME"),
                .temp = environment("TMPDIR"),
            },
        .out = stdout,
        .err = stderr,
        .cancel = &caught_signal,
    };
    uint64_t threads = option_number(options, OPTION_THREADS, 0);
    session.threads = threads > UINT_MAX ? UINT_MAX : (unsigned)threads;
    add_import_dirs(arena, options, &session);
    session.modules = catalog_modules(arena, catalog_embedded(arena), &session.num_modules);
    return session;
}

/* Writes what is left in standard output; a failure to is an error of the command. */
static SessionStatus flush_output(Diags *diags, SessionStatus status) {
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return status;
    }
    if (caught_signal != SIGPIPE) {
        const char *reason = errno == 0 ? "an earlier write failed" : strerror(errno);
        diag_report(diags, DIAG_FILE_UNWRITABLE, SRC_NONE,
                    arena_printf(diags_arena(diags), "standard output: %s", reason));
    }
    return status == STATUS_OK ? STATUS_FAILED : status;
}

static SessionStatus run_verb(const Options *options, const SessionOptions *session_options,
                              Session *session) {
    Command command = {
        .options = options,
        .session = session,
        .session_options = session_options,
        .state_dir = progress_folder(session_arena(session), environment("XDG_STATE_HOME"),
                                     environment("HOME")),
        .out = stdout,
        .err = stderr,
    };
    if (option_given(options, OPTION_VERSION)) {
        cmd_version(stdout);
    } else if (option_given(options, OPTION_SHOW_HELP)) {
        if (options->verb == VERB_HELP) {
            help_overview(stdout);
        } else {
            help_verb(options->verb, stdout);
        }
    } else {
        return verb_functions[options->verb](&command);
    }
    return STATUS_OK;
}

/* Everything but the end of the process. `arena` holds the parsed command line. */
static SessionStatus tkc_main(Arena *arena, const char *const *args, size_t num_args) {
    if (num_args == 0) {
        help_overview(stderr);
        return STATUS_USAGE;
    }
    Options options;
    SourceSet *sources = sources_create(arena);
    Diags *usage = diags_create(arena, sources);
    if (!options_parse(arena, usage, args, num_args, &options)) {
        DiagStyle style = diag_style(option_choice(&options, OPTION_COLOR));
        if (option_choice(&options, OPTION_DIAGNOSTICS) == 1) {
            diags_render_json(usage, stderr);
        } else {
            diags_render(usage, &style, stderr);
        }
        return STATUS_USAGE;
    }
    SessionOptions settings = session_options(arena, &options);
    Session *session = session_create(&settings);
    if (session == NULL) {
        fputs("error: out of memory [TK0001]\n", stderr);
        return STATUS_FAILED;
    }
    SessionStatus status = run_verb(&options, &settings, session);
    status = flush_output(session_diags(session), status);
    session_flush(session);
    session_destroy(session);
    return status;
}

int main(int argc, char **argv) {
    OomHandler oom = {.fail_after = -1};
    Arena *volatile arena = NULL;
    volatile SessionStatus status = STATUS_FAILED;
    catch_signals();
    if (setjmp(oom.jump) != 0) {
        fputs("error: out of memory [TK0001]\n", stderr);
    } else {
        arena = arena_create(&oom);
        const char *const *args = (const char *const *)(argv + (argc > 0));
        status = tkc_main(arena, args, argc > 0 ? (size_t)argc - 1 : 0);
    }
    arena_destroy(arena);
    if (caught_signal == SIGPIPE) {
        signal(SIGPIPE, SIG_DFL);
        raise(SIGPIPE);
    }
    return (int)(caught_signal == SIGINT ? STATUS_INTERRUPTED : status);
}
