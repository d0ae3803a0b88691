/* session.h -- what the commands of tkc do, free of how a command line is written.
 *
 * A session reads one program and runs, checks or builds it. All state is in it: arenas, names,
 * sources, diagnostics. Its functions report to the diagnostics, print them to `err` before they
 * return, and return the status to exit with.
 */
#ifndef TKC_RUNTIME_SESSION_H
#define TKC_RUNTIME_SESSION_H

#include <signal.h>
#include <stdio.h>

#include "ir/interp/interp.h"
#include "support/diag.h"

typedef enum SessionStatus {
#define STATUS(name, number, meaning) STATUS_##name = (number),
#include "runtime/statuses.def"
#undef STATUS
} SessionStatus;

#define SESSION_DEFAULT_TARGET "sm_90a"

/* DEVICE_AUTO: a GPU if there is one, else the cpu device. */
typedef enum DeviceKind { DEVICE_CPU, DEVICE_EMU, DEVICE_CUDA, DEVICE_AUTO } DeviceKind;

/* How many outputs of a kind there are: one a file; one a specialised kernel; one a kernel and
 * target; one for all specialisations of a kernel. */
typedef enum EmitScope { EMIT_PER_FILE, EMIT_PER_KERNEL, EMIT_PER_TARGET, EMIT_PER_NAME } EmitScope;
/* What can be emitted; EmitSet is a set of them, bit 1 << EMIT_x. */
typedef enum EmitKind {
#define EMIT(name, kind, scope, meaning) EMIT_##name,
#include "runtime/emits.def"
#undef EMIT
    EMIT_COUNT
} EmitKind;
typedef unsigned EmitSet;
typedef struct EmitInfo {
    const char *name;
    EmitScope scope;
    const char *meaning;
} EmitInfo;
extern const EmitInfo emit_infos[EMIT_COUNT];

/* Where NVIDIA's programs are looked for; NULL: nowhere. */
typedef struct ToolPlaces {
    const char *ptxas, *nvdisasm; /* these very programs; then the folders do not count */
    const char *path;             /* folders, separated by colons: PATH */
    const char *cuda_home;        /* a CUDA toolkit, whose programs are in bin/ */
    const char *temp;             /* a folder for temporary files; NULL: /tmp */
} ToolPlaces;

/* Everything pointed to must outlive the session. */
typedef struct SessionOptions {
    DeviceKind device;
    BoundsMode bounds;
    bool checks;  /* false: the cpu device does not check */
    bool shuffle; /* run programs in the order that `seed` gives */
    uint64_t seed;
    unsigned skip_barrier;          /* for tests, on the emu device: see runtime/emu/emu_device.h */
    bool list_barriers;             /* for tests, on the emu device: name on `err` those executed */
    bool profile, profile_json;     /* the emu device tells what kernels did, on `err` */
    unsigned threads;               /* 0: one per processor */
    const char *const *import_dirs; /* searched after the program's folder */
    size_t num_import_dirs;
    const struct HostModule *modules; /* see runtime/host/host.h: programs may import them, too */
    size_t num_modules;
    const char *cache_dir; /* where compiled code is kept between runs, or NULL: nowhere */
    bool tune_cache;       /* results of autotuning are kept there, too */
    bool json;             /* diagnostics as JSON, one object a line */
    DiagStyle style;
    ToolPlaces tools;
    FILE *out, *err;
    const volatile sig_atomic_t *cancel; /* set: stop soon; may be NULL */
} SessionOptions;

/* What `tkc build` is to make. Texts may be NULL: the option was not given. */
typedef struct BuildOptions {
    EmitSet emits;
    const char *output; /* FILE, DIR/ or "-" */
    const char *kernel, *signature;
    int num_warps, num_stages; /* 0: not given */
    const char *print_before, *print_after;
    const char *passes;            /* instead of the usual ones: names separated by commas */
    const char *const *targets;    /* GPUs to generate code for, by the names of targets.def */
    size_t num_targets;            /* 0: SESSION_DEFAULT_TARGET */
    bool comments;                 /* source lines as comments in PTX */
    bool embeds_ptx, embeds_cubin; /* what the C of EMIT_C holds */
    const char *name, *grid;       /* for it; see runtime/aot/aot.h */
    bool stats;                    /* print what the passes counted to `err` */
    bool verbose;                  /* print what each kernel needs to `err` */
} BuildOptions;

/* What `tkc draw` is to draw. Texts may be NULL: the option was not given. */
typedef struct DrawOptions {
    const char *kernel; /* only its launches count */
    uint64_t launch;    /* the how-manieth one is drawn: 1, 2, ... */
    bool list;          /* list the launches, instead */
    const char *tensor; /* only this parameter */
    bool one_program;   /* what this program touches, instead of all */
    int64_t program[3];
    bool lanes;         /* who holds the elements that the program touches */
    const char *output; /* an SVG file, or "-"; NULL: text to standard output */
    size_t width;       /* of a terminal, in columns */
    bool color;
} DrawOptions;

typedef struct Session Session;

/* NULL if there is not even memory for an empty session. `options` is copied. */
Session *session_create(const SessionOptions *options);
void session_destroy(Session *session);
/* Where the caller's own errors go; printed by session_flush(). */
Diags *session_diags(Session *session);
Arena *session_arena(Session *session);
/* Prints what was reported and not printed yet. */
void session_flush(Session *session);

/* Runs the program in `path` ("-": standard input). args[0] is the program's name for sys.argv. */
SessionStatus session_run(Session *session, const char *path, const char *const *args,
                          size_t num_args);
/* Runs a program that is in no file; `name` is what diagnostics call it. */
SessionStatus session_run_text(Session *session, const char *name, const char *text, size_t len);
/* Reports what is wrong with a program without running it; `signature` may be NULL. */
SessionStatus session_check(Session *session, const char *path, const char *kernel,
                            const char *signature);
SessionStatus session_build(Session *session, const char *path, const BuildOptions *options);
/* Runs the program up to one of its launches and draws what that one touches (runtime/draw/). */
SessionStatus session_draw(Session *session, const char *path, const DrawOptions *options);
/* Prints docs/builtins.md: the functions that kernels may call. */
SessionStatus session_print_builtins(Session *session, FILE *out);

#endif
