/* manager.c -- runs passes by their contracts in passes.def.
 *
 * For each pass of the pipeline and each kernel: check what the pass requires, run it, verify, and
 * keep count of time and changes. Example: passes_run(m, "fold,cse,dce", &options, diags, NULL).
 */
#include "passes/pass.h"

#include <string.h>
#include <time.h>

const PassInfo pass_infos[PASS_COUNT] = {
#define PASS(id, name, requires, establishes, preserves, function, summary)                        \
    [PASS_##id] = {name, requires, establishes, preserves, function, summary},
#include "passes/passes.def"
#undef PASS
};

PassId pass_from_name(const char *name, size_t len) {
    for (int id = 0; id < PASS_COUNT; id++) {
        if (strlen(pass_infos[id].name) == len && memcmp(pass_infos[id].name, name, len) == 0)
            return (PassId)id;
    }
    return PASS_COUNT;
}

/* One run of passes_run(). */
typedef struct Manager {
    IrModule *module;
    const PassOptions *options;
    Diags *diags;
    PassTimes *times;
    Arena *scratch;
    unsigned *properties; /* PROP_* of each kernel */
    IrKernel **before;    /* for options->check: copies of the kernels */
    bool *changed;        /* by the pass at work */
} Manager;

static double now_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static bool selects(const char *choice, const char *pass, bool changed) {
    if (!choice)
        return false;
    return strcmp(choice, "all") == 0 || strcmp(choice, pass) == 0 ||
           (strcmp(choice, "changed") == 0 && changed);
}

static void print_ir(const Manager *m, const char *when, const char *pass) {
    StrBuf text = STRBUF(m->scratch);
    ir_print_module(m->module, &m->options->print, &text);
    m->options->printer(m->options->printer_data, when, pass, strbuf_str(&text));
}

static bool broken(const Manager *m, const PassInfo *pass, const IrKernel *kernel,
                   const char *what) {
    diag_report(m->diags, DIAG_PASS_CONTRACT, kernel->range, pass->name, what);
    return false;
}

static const char *kernel_text(const Manager *m, const IrKernel *kernel) {
    StrBuf text = STRBUF(m->scratch);
    ir_print_kernel(kernel, NULL, &text);
    return strbuf_str(&text);
}

static IrKernel *copy_kernel(const Manager *m, const IrKernel *kernel) {
    IrModule *module = ir_module_create(m->module->ctx, m->scratch, m->module->sources);
    return ir_kernel_clone(module, kernel);
}

/* Verifies the module, and compares what the kernels do with what they did. */
static bool check_result(const Manager *m, const PassInfo *pass) {
    const char *when = arena_printf(m->module->arena, "after %s", pass->name);
    if (m->options->verify_each && !ir_verify(m->module, m->diags, when))
        return false;
    bool ok = true;
    for (size_t i = 0; i < m->module->kernels.len; i++) {
        if (m->before[i])
            ok &= m->options->check(m->options->check_data, pass, m->before[i],
                                    m->module->kernels.data[i], m->changed[i], m->diags);
    }
    return ok;
}

static bool run_on_kernel(Manager *m, PassId id, size_t index, bool *any_change) {
    const PassInfo *pass = &pass_infos[id];
    IrKernel *kernel = m->module->kernels.data[index];
    if (pass->requires & ~m->properties[index])
        return broken(m, pass, kernel, "what it requires was not established before it");
    const char *before = m->options->check_contracts ? kernel_text(m, kernel) : NULL;
    IrKernel *copy = m->options->check ? copy_kernel(m, kernel) : NULL;
    PassContext pc = {.module = m->module,
                      .scratch = m->scratch,
                      .diags = m->diags,
                      .target = m->options->target,
                      .stats = m->options->stats};
    double start = now_seconds();
    bool changed = pass->run(&pc, kernel);
    if (m->times) {
        m->times->seconds[id] += now_seconds() - start;
        m->times->runs[id]++;
        m->times->changes[id] += changed;
    }
    *any_change |= changed;
    if (pc.failed)
        return false;
    m->before[index] = copy;
    m->changed[index] = changed;
    if (changed)
        m->properties[index] &= pass->preserves | PROP_LAID; /* there is no way back */
    else if (before && strcmp(before, kernel_text(m, kernel)) != 0)
        return broken(m, pass, kernel, "it reported no change but changed the kernel");
    m->properties[index] |= pass->establishes;
    return true;
}

static bool run_pass(Manager *m, PassId id) {
    const char *name = pass_infos[id].name;
    bool changed = false;
    ArenaMark mark = arena_mark(m->scratch);
    if (selects(m->options->print_before, name, false))
        print_ir(m, "before", name);
    for (size_t i = 0; i < m->module->kernels.len; i++) {
        if (!run_on_kernel(m, id, i, &changed))
            return false;
    }
    if (selects(m->options->print_after, name, changed))
        print_ir(m, "after", name);
    bool ok = check_result(m, &pass_infos[id]);
    arena_reset(m->scratch, mark);
    return ok;
}

static bool unknown_pass(Diags *diags, const char *name) {
    const char *names[PASS_COUNT];
    for (int id = 0; id < PASS_COUNT; id++)
        names[id] = pass_infos[id].name;
    Diag *diag = diag_report(diags, DIAG_PASS_UNKNOWN, SRC_NONE, name);
    const char *near = closest_word(name, names, PASS_COUNT);
    if (near)
        diag_help(diag, "did you mean `%s`?", near);
    return false;
}

bool passes_run(IrModule *module, const char *pipeline, const PassOptions *options, Diags *diags,
                PassTimes *times) {
    Arena *scratch = arena_create(arena_oom(module->arena));
    Manager m = {.module = module, .options = options, .diags = diags, .times = times};
    m.scratch = scratch;
    m.properties = ARENA_ARRAY(scratch, unsigned, module->kernels.len);
    m.before = ARENA_ARRAY(scratch, IrKernel *, module->kernels.len);
    m.changed = ARENA_ARRAY(scratch, bool, module->kernels.len);
    for (size_t i = 0; i < module->kernels.len; i++)
        m.properties[i] = PROP_SSA | (module->kernels.data[i]->laid ? PROP_LAID : 0);
    bool ok = true;
    for (const char *at = pipeline; ok && *at;) {
        size_t len = strcspn(at, ",");
        PassId id = pass_from_name(at, len);
        if (id == PASS_COUNT && len > 0)
            ok = unknown_pass(diags, arena_strndup(module->arena, at, len));
        else if (len > 0)
            ok = run_pass(&m, id);
        if (id != PASS_COUNT && options->stop_after &&
            strcmp(options->stop_after, pass_infos[id].name) == 0)
            break;
        at += len + (at[len] == ',');
    }
    arena_destroy(scratch);
    return ok;
}

void passes_print_times(const PassTimes *times, FILE *out) {
    fprintf(out, "%-16s %10s %6s %8s\n", "pass", "ms", "runs", "changes");
    for (int id = 0; id < PASS_COUNT; id++) {
        if (times->runs[id] > 0)
            fprintf(out, "%-16s %10.3f %6u %8u\n", pass_infos[id].name, 1e3 * times->seconds[id],
                    times->runs[id], times->changes[id]);
    }
}
