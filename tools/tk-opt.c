/* tk-opt.c -- runs passes over tile IR text.
 *
 *     tk-opt --passes=fold,cse,dce --print-after=changed kernel.tkir
 *
 * Reads .tkir (a file, or - for standard input), verifies it, runs the passes, and prints the
 * result on standard output; what the passes print in between goes to standard error, like
 * diagnostics. Exit status: 0 done, 1 the IR has errors, 2 usage, 70 a pass made bad IR.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "passes/axis.h"
#include "passes/exec_check.h"
#include "passes/fuse_kernels.h"
#include "passes/ranges.h"
#include "support/io.h"

enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2, STATUS_BUG = 70 };

static const char usage[] =
    "usage: tk-opt [option...] FILE|-\n"
    "  --passes=LIST           passes to run, separated by commas\n"
    "  --default-passes        the passes that tkc runs\n"
    "  --fuse-kernels[=DEAD,...] make one kernel of all, before the passes; parameters of one "
    "name\n"
    "                          are one, others do not overlap; nobody reads DEAD ones afterwards\n"
    "  --target=sm_NN          the GPU that passes may assume (none: no tensor cores)\n"
    "  --stop-after=PASS       run no pass after this one\n"
    "  --no-verify-each        verify only the input\n"
    "  --verify-each=exec      also run kernels before and after each pass, and compare\n"
    "  --exec-seed=N           data for these runs (1)\n"
    "  --print-before=PASS|all print the IR before a pass, on standard error\n"
    "  --print-after=PASS|all|changed\n"
    "  --time-passes           print a table of times, on standard error\n"
    "  --stats[=json]          print what the passes counted, on standard error\n"
    "  --print-axis            print what axis analysis knows in the end, on standard error\n"
    "  --print-ranges          print what range analysis knows in the end, on standard error\n"
    "  --no-locations          leave source locations out\n"
    "  --list-ops              print every operation's mnemonic and meaning\n"
    "  --list-passes           print every pass and what it does\n"
    "  --print-docs=INTRO      print docs/ir.md: the file INTRO, then the reference\n"
    "  --help                  print this\n";

typedef enum OptionId {
    OPT_PASSES = 1,
    OPT_DEFAULT,
    OPT_FUSE,
    OPT_TARGET,
    OPT_STOP_AFTER,
    OPT_NO_VERIFY,
    OPT_VERIFY,
    OPT_EXEC_SEED,
    OPT_BEFORE,
    OPT_AFTER,
    OPT_TIME,
    OPT_STATS,
    OPT_AXIS,
    OPT_RANGES,
    OPT_NO_LOCATIONS,
    OPT_LIST_OPS,
    OPT_LIST_PASSES,
    OPT_DOCS,
    OPT_HELP
} OptionId;

static const struct option long_options[] = {
    {"passes", required_argument, NULL, OPT_PASSES},
    {"default-passes", no_argument, NULL, OPT_DEFAULT},
    {"fuse-kernels", optional_argument, NULL, OPT_FUSE},
    {"target", required_argument, NULL, OPT_TARGET},
    {"stop-after", required_argument, NULL, OPT_STOP_AFTER},
    {"verify-each", optional_argument, NULL, OPT_VERIFY},
    {"no-verify-each", no_argument, NULL, OPT_NO_VERIFY},
    {"exec-seed", required_argument, NULL, OPT_EXEC_SEED},
    {"print-before", required_argument, NULL, OPT_BEFORE},
    {"print-after", required_argument, NULL, OPT_AFTER},
    {"time-passes", no_argument, NULL, OPT_TIME},
    {"stats", optional_argument, NULL, OPT_STATS},
    {"print-axis", no_argument, NULL, OPT_AXIS},
    {"print-ranges", no_argument, NULL, OPT_RANGES},
    {"no-locations", no_argument, NULL, OPT_NO_LOCATIONS},
    {"list-ops", no_argument, NULL, OPT_LIST_OPS},
    {"list-passes", no_argument, NULL, OPT_LIST_PASSES},
    {"print-docs", required_argument, NULL, OPT_DOCS},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

typedef struct Settings {
    const char *pipeline, *input, *docs_intro;
    OptionId action;  /* OPT_LIST_OPS, OPT_LIST_PASSES, OPT_DOCS, OPT_HELP; 0: run passes */
    const char *fuse; /* NULL: do not; else the dead parameters */
    bool locations, time, stats, stats_json, axis, ranges;
    PassOptions passes;
    ExecCheck exec;
} Settings;

static void print_dump(void *data, const char *when, const char *pass, const char *text) {
    fprintf(data, "// IR %s %s\n%s", when, pass, text);
}

/* False after a message if `name` is neither a pass nor `word`, nor "all". */
static bool is_pass_choice(const char *option, const char *name, const char *word) {
    if (pass_from_name(name, strlen(name)) != PASS_COUNT || strcmp(name, word) == 0 ||
        strcmp(name, "all") == 0)
        return true;
    fprintf(stderr, "tk-opt: --%s: no pass is called `%s`; see --list-passes\n", option, name);
    return false;
}

static bool complain_stats(const char *form) {
    fprintf(stderr, "tk-opt: --stats: `%s` is not a form; the only one with a name is json\n",
            form);
    return false;
}

static bool choose_verification(Settings *s, const char *how) {
    s->passes.verify_each = true;
    if (!how)
        return true;
    s->passes.check = exec_check;
    s->passes.check_data = &s->exec;
    if (strcmp(how, "exec") == 0)
        return true;
    fprintf(stderr, "tk-opt: --verify-each: `%s` is not a way; the only one with a name is exec\n",
            how);
    return false;
}

static bool read_seed(Settings *s, const char *text) {
    char *end;
    errno = 0;
    s->exec.seed = strtoull(text, &end, 10);
    if (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0)
        return true;
    fprintf(stderr, "tk-opt: --exec-seed: `%s` is not a number from 0 to 2^64 - 1\n", text);
    return false;
}

/* "sm_90", or "sm_90a". */
static bool read_target(Settings *s, const char *text) {
    unsigned arch = 0;
    const char *at = strncmp(text, "sm_", 3) == 0 ? text + 3 : "";
    for (; *at >= '0' && *at <= '9' && arch < 1000; at++)
        arch = 10 * arch + (unsigned)(*at - '0');
    s->passes.target.arch = arch;
    if (arch > 0 && (*at == '\0' || strcmp(at, "a") == 0))
        return true;
    fprintf(stderr, "tk-opt: --target: `%s` is not of the form sm_90 or sm_90a\n", text);
    return false;
}

static bool apply_option(Settings *s, OptionId id, const char *value) {
    switch (id) {
    case OPT_PASSES:
        s->pipeline = value;
        break;
    case OPT_DEFAULT:
        s->pipeline = PASS_DEFAULT_PIPELINE;
        break;
    case OPT_FUSE:
        s->fuse = value ? value : "";
        break;
    case OPT_TARGET:
        return read_target(s, value);
    case OPT_STOP_AFTER:
        s->passes.stop_after = value;
        return is_pass_choice("stop-after", value, "");
    case OPT_VERIFY:
        return choose_verification(s, value);
    case OPT_NO_VERIFY:
        s->passes.verify_each = false;
        break;
    case OPT_EXEC_SEED:
        return read_seed(s, value);
    case OPT_BEFORE:
        s->passes.print_before = value;
        return is_pass_choice("print-before", value, "");
    case OPT_AFTER:
        s->passes.print_after = value;
        return is_pass_choice("print-after", value, "changed");
    case OPT_TIME:
        s->time = true;
        break;
    case OPT_AXIS:
        s->axis = true;
        break;
    case OPT_RANGES:
        s->ranges = true;
        break;
    case OPT_STATS:
        s->stats = true;
        s->stats_json = value && strcmp(value, "json") == 0;
        return !value || s->stats_json || complain_stats(value);
    case OPT_NO_LOCATIONS:
        s->locations = false;
        break;
    case OPT_DOCS:
        s->docs_intro = value;
        s->action = id;
        break;
    case OPT_LIST_OPS:
    case OPT_LIST_PASSES:
    case OPT_HELP:
        s->action = id;
        break;
    }
    return true;
}

static bool read_settings(int argc, char **argv, Settings *s) {
    *s = (Settings){.pipeline = "", .locations = true, .exec = {.seed = 1, .rounds = 4}};
    s->passes = (PassOptions){.verify_each = true,
                              .check_contracts = true,
                              .printer = print_dump,
                              .printer_data = stderr};
    int id;
    while ((id = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (id == '?' || !apply_option(s, (OptionId)id, optarg))
            return false;
    }
    if (s->action == 0 && optind != argc - 1) {
        fprintf(stderr, "tk-opt: give one file, or - for standard input\n%s", usage);
        return false;
    }
    s->input = s->action == 0 ? argv[optind] : NULL;
    return true;
}

/* ---- actions without IR ---------------------------------------------------------------------- */

static int print_docs(Arena *arena, const char *intro) {
    size_t len;
    const char *error;
    const char *text = io_read_file(arena, intro, 1u << 20, &len, &error);
    if (!text) {
        fprintf(stderr, "tk-opt: %s: %s\n", intro, error);
        return STATUS_FAILED;
    }
    StrBuf out = STRBUF(arena);
    ir_print_reference(&out);
    printf("%s\n%s", text, strbuf_str(&out));
    return STATUS_OK;
}

static int run_action(Arena *arena, const Settings *s) {
    if (s->action == OPT_DOCS)
        return print_docs(arena, s->docs_intro);
    if (s->action == OPT_HELP)
        fputs(usage, stdout);
    for (int code = 0; s->action == OPT_LIST_OPS && code < OP_COUNT; code++)
        printf("%-14s %s\n", ir_op_infos[code].mnemonic, ir_op_infos[code].meaning);
    for (int id = 0; s->action == OPT_LIST_PASSES && id < PASS_COUNT; id++)
        printf("%-14s %s\n", pass_infos[id].name, pass_infos[id].summary);
    return STATUS_OK;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Adds the files that the text's locations refer to: as named, or next to the text. */
static void add_sources(Arena *arena, SourceSet *sources, const SrcFile *file) {
    const char *const *names;
    size_t count = ir_text_sources(arena, file, &names);
    const char *slash = strrchr(file->name, '/');
    int folder = slash ? (int)(slash - file->name) + 1 : 0;
    for (size_t i = 0; i < count; i++) {
        size_t len;
        const char *error;
        const char *beside = arena_printf(arena, "%.*s%s", folder, file->name, names[i]);
        const char *text = io_read_file(arena, names[i], SRC_MAX_BYTES, &len, &error);
        if (!text)
            text = io_read_file(arena, beside, SRC_MAX_BYTES, &len, &error);
        if (text)
            sources_add(sources, names[i], text, len);
    }
}

static IrModule *read_module(Arena *arena, const Settings *s, SourceSet *sources, Diags *diags) {
    size_t len;
    const char *error;
    const char *text = io_read_file(arena, s->input, SRC_MAX_BYTES, &len, &error);
    if (!text) {
        fprintf(stderr, "tk-opt: %s: %s\n", s->input, error);
        return NULL;
    }
    const char *name = strcmp(s->input, "-") == 0 ? "<stdin>" : s->input;
    const SrcFile *file = sources_add(sources, name, text, len);
    add_sources(arena, sources, file);
    IrModule *module = ir_parse(ir_context_create(arena), arena, diags, sources, file);
    return module && ir_verify(module, diags, NULL) ? module : NULL;
}

/* ---- fusing ---------------------------------------------------------------------------------- */

static bool is_listed(const char *list, const char *name) {
    size_t len = strlen(name);
    for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',') {
        if (strcspn(at, ",") == len && memcmp(at, name, len) == 0)
            return true;
    }
    return false;
}

static uint32_t find_param(const IrKernel *kernel, const IrParam *param) {
    for (size_t i = 0; i < kernel->params.len; i++) {
        const IrParam *other = &kernel->params.data[i];
        if (other->name == param->name && other->value->type == param->value->type)
            return (uint32_t)i;
    }
    return FUSE_OWN;
}

static IrKernel *fuse_two(Arena *arena, IrModule *into, const IrKernel *first,
                          const IrKernel *second, const Settings *s, bool last, Diags *diags) {
    size_t num_first = first->params.len, num_second = second->params.len;
    uint32_t *same_as = ARENA_ARRAY(arena, uint32_t, num_second);
    bool *overlap = ARENA_ARRAY(arena, bool, num_first *num_second);
    bool *dead = ARENA_ARRAY(arena, bool, num_first);
    uint32_t *unique = ARENA_ARRAY(arena, uint32_t, num_first);
    for (size_t i = 0; i < num_second; i++) {
        same_as[i] = find_param(first, &second->params.data[i]);
        if (same_as[i] != FUSE_OWN)
            overlap[same_as[i] * num_second + i] = true;
    }
    for (size_t i = 0; i < num_first; i++) {
        unique[i] = (uint32_t)i;
        dead[i] = last && is_listed(s->fuse, first->params.data[i].name);
    }
    FuseRequest request = {first, second, unique, same_as, overlap, dead};
    return fuse_kernels(into, &request, diags, s->passes.stats);
}

/* The module with one kernel instead of all; NULL after a diagnostic. */
static IrModule *fuse_all(Arena *arena, const IrModule *module, const Settings *s, Diags *diags) {
    IrModule *into = NULL;
    const IrKernel *fused = module->kernels.len > 0 ? module->kernels.data[0] : NULL;
    for (size_t i = 1; fused && i < module->kernels.len; i++) {
        into = ir_module_create(module->ctx, arena, module->sources);
        bool last = i + 1 == module->kernels.len;
        fused = fuse_two(arena, into, fused, module->kernels.data[i], s, last, diags);
    }
    return fused ? into : NULL;
}

static int finish(Diags *diags) {
    DiagStyle style = {0};
    diags_render(diags, &style, stderr);
    return diags_count(diags, SEV_INTERNAL) > 0 ? STATUS_BUG : STATUS_FAILED;
}

/* What the analyses know of the result. */
static void print_facts(Arena *arena, const Settings *s, const IrModule *module) {
    StrBuf text = STRBUF(arena);
    for (size_t i = 0; i < module->kernels.len; i++) {
        const IrKernel *kernel = module->kernels.data[i];
        const AxisAnalysis *axis = axis_analyse(arena, kernel);
        if (s->axis)
            axis_print(axis, kernel, &text);
        if (s->ranges)
            range_print(range_analyse(arena, kernel, axis), kernel, &text);
    }
    fputs(strbuf_str(&text), stderr);
}

static void print_tables(const Settings *s, const IrModule *module, const PassTimes *times,
                         const PassStats *stats) {
    if (s->time)
        passes_print_times(times, stderr);
    if (s->stats_json)
        passes_print_stats_json(stats, module->kernels.len > 0 ? module->kernels.data[0]->name : "",
                                stderr);
    else if (s->stats)
        passes_print_stats(stats, stderr);
    if (s->passes.check)
        fprintf(stderr, "tk-opt: %u runs compared\n", s->exec.compared);
}

static int optimise(Arena *arena, Settings *s) {
    SourceSet *sources = sources_create(arena);
    Diags *diags = diags_create(arena, sources);
    IrModule *module = read_module(arena, s, sources, diags);
    if (!module)
        return finish(diags);
    s->passes.print.locations = s->locations;
    PassTimes times = {0};
    PassStats stats = {0};
    s->passes.stats = &stats;
    if (s->fuse && module->kernels.len > 1) {
        module = fuse_all(arena, module, s, diags);
        if (!module || !ir_verify(module, diags, "after fusing"))
            return finish(diags);
    }
    bool ok = passes_run(module, s->pipeline, &s->passes, diags, &times);
    print_tables(s, module, &times, &stats);
    if (!ok)
        return finish(diags);
    if (s->axis || s->ranges)
        print_facts(arena, s, module);
    diags_render(diags, &(DiagStyle){0}, stderr); /* warnings */
    StrBuf text = STRBUF(arena);
    ir_print_module(module, &s->passes.print, &text);
    fputs(strbuf_str(&text), stdout);
    return STATUS_OK;
}

int main(int argc, char **argv) {
    Settings settings;
    if (!read_settings(argc, argv, &settings))
        return STATUS_USAGE;
    OomHandler oom = {.fail_after = -1};
    if (setjmp(oom.jump)) {
        fputs("tk-opt: out of memory\n", stderr);
        return STATUS_FAILED;
    }
    Arena *arena = arena_create(&oom);
    int status = settings.action != 0 ? run_action(arena, &settings) : optimise(arena, &settings);
    arena_destroy(arena);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fputs("tk-opt: cannot write standard output\n", stderr);
        return STATUS_FAILED;
    }
    return status;
}
