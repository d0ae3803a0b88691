/* pass.h -- passes over tile IR, and the manager that runs them by their contracts.
 *
 * A pass is one row of passes.def and one function that changes a kernel and says whether it did.
 * The manager checks what the row promises: the pass runs only if what it requires holds, the IR is
 * verified after it, and one that says "nothing changed" must leave the printed IR as it was.
 */
#ifndef TKC_PASSES_PASS_H
#define TKC_PASSES_PASS_H

#include "ir/ir.h"

typedef enum PassId {
#define PASS(id, name, requires, establishes, preserves, function, summary) PASS_##id,
#include "passes/passes.def"
#undef PASS
    PASS_COUNT
} PassId;

/* What passes count; the rows of stats.def. */
typedef enum StatId {
#define STAT(id, pass, event) STAT_##id,
#include "passes/stats.def"
    STAT_COUNT
} StatId;

typedef struct StatInfo {
    PassId pass;       /* PASS_COUNT: none, but `who` */
    const char *who;   /* or NULL */
    const char *event; /* "operations simplified" */
} StatInfo;
extern const StatInfo stat_infos[STAT_COUNT];

typedef struct PassStats {
    uint64_t counts[STAT_COUNT];
} PassStats;

/* What may be known about a kernel between passes; the columns of passes.def. */
enum PassProperties {
    PROP_SSA = 1,       /* verified */
    PROP_CANONICAL = 2, /* fold finds nothing to do */
    PROP_UNIQUE = 4,    /* cse finds nothing to do */
    PROP_LIVE = 8,      /* dce finds nothing to do */
    PROP_LAID = 16,     /* at the laid level */
    PROP_ALL = 31
};

/* The GPU that code is made for, as far as passes ask. */
typedef struct PassTarget {
    unsigned arch;       /* 90 of "sm_90a"; 0: none in particular, without tensor cores */
    size_t shared_limit; /* bytes of shared memory that a block can have; 0: no limit */
} PassTarget;

typedef struct PassContext {
    IrModule *module;
    Arena *scratch; /* memory that dies after the pass */
    Diags *diags;
    PassTarget target;
    PassStats *stats; /* or NULL: use pass_count() */
    bool failed;      /* set by a pass that reported why it cannot go on with this kernel */
} PassContext;

/* Counts an event of the running pass, `times` times. */
void pass_count(const PassContext *pc, StatId stat, uint64_t times);

typedef bool (*PassFunction)(PassContext *pc, IrKernel *kernel);

typedef struct PassInfo {
    const char *name;
    unsigned requires, establishes, preserves; /* PROP_* */
    PassFunction run;
    const char *summary;
} PassInfo;
extern const PassInfo pass_infos[PASS_COUNT];

#define PASS(id, name, requires, establishes, preserves, function, summary)                        \
    bool function(PassContext *pc, IrKernel *kernel);
#include "passes/passes.def"
#undef PASS

/* What every program goes through between --emit=tile and --emit=tile-opt. */
#define PASS_DEFAULT_PIPELINE "fold,cse,sink-broadcast,fold,cse,licm,fuse-dot,fuse-fma,dce"

/* Behind it for devices that run PTX: from the tile level to what codegen/ takes. */
#define PASS_GPU_PIPELINE                                                                          \
    "expand-descriptors,fuse-loops,fold,cse,mask-elide,fold,mask-split,mask-uniform,unroll,fold,"  \
    "cse,mask-branch,mask-other,fuse-reduce,expand-dots,expand-math,fold,cse,dce,lay-out,cse,dce," \
    "lower-folds,lower-shared,lower-conversions,dce,pipeline,cse,"                                 \
    "allocate-shared,insert-barriers"

/* PASS_COUNT if there is no such pass. */
PassId pass_from_name(const char *name, size_t len);

/* Gets the module's text whenever PassOptions asks for it; `when` is "before" or "after". */
typedef void (*PassPrinter)(void *data, const char *when, const char *pass, const char *text);

/* Looks at a kernel before and after a pass, which may have changed nothing; false: reported, stop.
 */
typedef bool (*PassCheck)(void *data, const PassInfo *pass, const IrKernel *before,
                          const IrKernel *after, bool changed, Diags *diags);

typedef struct PassOptions {
    PassTarget target;
    bool verify_each;         /* run the verifier after every pass */
    bool check_contracts;     /* compare the printed IR around a pass that reports no change */
    const char *print_before; /* a pass's name, "all", or NULL */
    const char *print_after;  /* a pass's name, "all", "changed" (only if it was), or NULL */
    const char *stop_after;   /* the last pass to run, or NULL */
    IrPrintOptions print;
    PassPrinter printer; /* needed if anything is to be printed */
    void *printer_data;
    PassStats *stats; /* added to, or NULL */
    PassCheck check;  /* run behind the verifier, or NULL */
    void *check_data;
} PassOptions;

typedef struct PassTimes {
    double seconds[PASS_COUNT];
    unsigned runs[PASS_COUNT];    /* kernels it ran on */
    unsigned changes[PASS_COUNT]; /* of these, those it changed */
} PassTimes;

/* Runs a comma-separated list of passes on every kernel. False if a name is unknown, a contract is
 * broken, the IR is not valid afterwards, or a pass cannot go on; each is reported. `times` (may be
 * NULL) is added to. */
bool passes_run(IrModule *module, const char *pipeline, const PassOptions *options, Diags *diags,
                PassTimes *times);
void passes_print_times(const PassTimes *times, FILE *out);
/* Prints the counts that are not zero: aligned lines, or one line of JSON that names the kernel. */
void passes_print_stats(const PassStats *stats, FILE *out);
void passes_print_stats_json(const PassStats *stats, const char *kernel, FILE *out);

#endif
