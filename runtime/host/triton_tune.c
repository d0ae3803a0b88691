/* triton_tune.c -- what C lends to autotuning (lib/triton.py): compiling many configurations at
 * once, results kept on disk, diagnostics.
 *
 * What was measured is kept in the compile cache's folder, one entry for each device, kernel and
 * key; its text is made and read in lib/triton.py. A kernel is told by its own source, that of the
 * jit functions it names, theirs, and so on, and by the constants that all these name: whatever the
 * compiler could look at. Names in comments count, too, which does no harm.
 *
 *     def silu(x): ...                       "def silu(x): ..."
 *     def k(x_ptr, BLOCK): silu(..) + BIAS   "def k(x_ptr, BLOCK): ..." "BIAS=2"
 */
#include <string.h>

#include "runtime/cache.h"
#include "runtime/host/host_internal.h"
#include "runtime/host/triton_internal.h"

/* ---- many at once ---------------------------------------------------------------------------- */

static PyValue lib_collect_begin(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    if (!py_bind_text(py, "collect_begin", args, "", NULL))
        return PY_FAIL;
    launch_collect_begin(host_launch(py));
    return PY_NONE;
}

static PyValue lib_collect_end(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    if (!py_bind_text(py, "collect_end", args, "", NULL))
        return PY_FAIL;
    launch_collect_end(host_launch(py));
    return PY_NONE;
}

/* ---- what a kernel is made of ---------------------------------------------------------------- */

typedef struct Source {
    PyCtx *py;
    StrBuf text;
    VEC(const JitFn *) seen;
} Source;

static void add_function(Source *source, const JitFn *fn);

/* True if the value is a function or constant that the code may depend on. */
static void add_value(Source *source, const char *name, PyValue value) {
    const JitFn *fn = jit_from_value(value);
    if (fn != NULL) {
        add_function(source, fn);
        return;
    }
    value = py_unwrap_constexpr(value);
    bool plain = value.tag != PY_OBJECT_TAG || py_is_str(value) || py_is_int(value);
    if (!plain)
        return;
    strbuf_printf(&source->text, "\n%s=", name);
    py_repr(source->py, value, &source->text);
}

static bool is_letter(char c) {
    return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0;
}

static size_t name_length(const char *text) {
    size_t len = 0;
    while (is_letter(text[len]) || (len > 0 && text[len] >= '0' && text[len] <= '9'))
        len++;
    return len;
}

/* Looks `a` or `a.b` of a function's text up; `a` must be a module for there to be a `b`. Its own
 * names are not those of the same spelling outside. */
static void add_name(Source *source, const JitFn *fn, const ScopeInfo *scope, const char *text,
                     size_t len) {
    PyCtx *py = source->py;
    PyValue value;
    Sym name = strtab_intern(py->names, text, len);
    if (scope_kind(scope, name) == NAME_LOCAL || !py_env_get(fn->env, name, &value))
        return;
    if (py_as(value, &py_module_type) != NULL && text[len] == '.') {
        size_t rest = name_length(text + len + 1);
        name = strtab_intern(py->names, text + len + 1, rest);
        if (rest == 0 || !py_env_get_local(py_module_env(value), name, &value))
            return;
    }
    add_value(source, name, value);
}

static void add_function(Source *source, const JitFn *fn) {
    for (size_t i = 0; i < source->seen.len; i++)
        if (source->seen.data[i] == fn)
            return;
    vec_push(source->py->scratch, &source->seen, fn);
    const char *text = fn->file->text + fn->stmt->range.lo;
    const char *end = fn->file->text + fn->stmt->range.hi;
    strbuf_write(&source->text, text, (size_t)(end - text));
    if (fn->is_stdlib)
        return;
    const ScopeInfo *scope =
        scope_of_function(source->py, &fn->def->params, &fn->def->body, NULL, fn->stmt);
    for (const char *at = text; at < end;) {
        size_t len = name_length(at);
        if (len > 0 && (at == fn->file->text || at[-1] != '.'))
            add_name(source, fn, scope, at, len);
        at += len > 0 ? len : 1;
    }
}

/* A text that changes whenever the code of the kernel may. */
static PyValue lib_kernel_hash(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    PyValue kernel;
    if (!py_bind_text(py, "kernel_hash", args, "kernel", &kernel))
        return PY_FAIL;
    ArenaMark mark = arena_mark(py->scratch);
    Source source = {.py = py, .text = STRBUF(py->scratch)};
    add_function(&source, jit_from_value(kernel));
    CachePart part = {strbuf_str(&source.text), source.text.len};
    CacheKey key = cache_key(&part, 1);
    arena_reset(py->scratch, mark);
    char hash[40];
    snprintf(hash, sizeof hash, "%016llx%016llx", (unsigned long long)key.high,
             (unsigned long long)key.low);
    return py_str(py, hash);
}

/* ---- results on disk ------------------------------------------------------------------------- */

static CacheKey tuned_key(const LaunchConfig *config, PyValue key) {
    size_t len;
    const char *text = py_str_data(key, &len);
    CachePart parts[] = {{"tuned", 5}, {config->salt, strlen(config->salt)}, {text, len}};
    return cache_key(parts, TK_COUNTOF(parts));
}

/* What kept() is asked for by a text that names device, kernel and key: the text that was kept for
 * it, or None. */
static PyValue lib_kept(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    PyValue key;
    if (!py_bind_text(py, "kept", args, "key", &key))
        return PY_FAIL;
    const LaunchConfig *config = launch_config(host_launch(py));
    ArenaMark mark = arena_mark(py->scratch);
    size_t len;
    const char *text = config->tuned == NULL
                           ? NULL
                           : cache_get(config->tuned, py->scratch, tuned_key(config, key), &len);
    PyValue result = text == NULL ? PY_NONE : py_str(py, text);
    arena_reset(py->scratch, mark);
    return result;
}

static PyValue lib_keep(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    PyValue a[3];
    if (!py_bind_text(py, "keep", args, "key name text", a))
        return PY_FAIL;
    const LaunchConfig *config = launch_config(host_launch(py));
    size_t len;
    const char *text = py_str_data(a[2], &len);
    if (config->tuned != NULL)
        cache_put(config->tuned, tuned_key(config, a[0]), py_str_data(a[1], NULL), text, len);
    return PY_NONE;
}

static PyValue lib_device(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    if (!py_bind_text(py, "device", args, "", NULL))
        return PY_FAIL;
    const DeviceProps *props = &launch_device(host_launch(py))->props;
    char text[512];
    snprintf(text, sizeof text, "%s sm_%d%d driver %d.%d", props->name, props->major, props->minor,
             props->driver_version / 1000, props->driver_version % 1000 / 10);
    return py_str(py, text);
}

/* ---- diagnostics ----------------------------------------------------------------------------- */

/* The first thing that an exception reports, or NULL. */
static const Diag *first_report(PyValue error) {
    const PyException *exception = py_as(error, &py_exception_type);
    return exception == NULL || exception->num_reports == 0 ? NULL : exception->reports[0];
}

/* Where it lies, if that says more than the kernel's name, which the message shows anyway: a
 * mistake in the kernel has a place of its own, what a device refuses has not. */
static SrcRange report_place(PyCtx *py, const JitFn *fn, PyValue error) {
    const Diag *diag = first_report(error);
    SrcRange range = diag == NULL ? SRC_NONE : diag->range;
    const SrcFile *file = sources_file(py->sources, range.file);
    bool inside = file != NULL && !str_starts(file->name, "<tkc>");
    bool is_name = range.file == fn->file->id && range.lo == fn->def->name_range.lo;
    return inside && !is_name ? range : SRC_NONE;
}

/* In one line: what was reported; for a failed assertion its message. */
static PyValue lib_reason(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    PyValue error;
    if (!py_bind_text(py, "reason", args, "error", &error))
        return PY_FAIL;
    const Diag *diag = first_report(error);
    ArenaMark mark = arena_mark(py->scratch);
    StrBuf text = STRBUF(py->scratch);
    if (diag != NULL)
        strbuf_puts(&text, diag->text);
    else
        py_str_of(py, error, &text);
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == '\n' || text.data[i] == '\t')
            text.data[i] = ' ';
    PyValue result = py_str(py, strbuf_str(&text));
    arena_reset(py->scratch, mark);
    return result;
}

static PyValue lib_warn_left_out(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    PyValue a[3];
    if (!py_bind_text(py, "warn_left_out", args, "kernel config error", a))
        return PY_FAIL;
    const JitFn *fn = jit_from_value(a[0]);
    Diag *diag = diag_report(py->diags, DIAG_AUTOTUNE_LEFT_OUT, fn->def->name_range,
                             py_str_data(a[1], NULL), fn->name);
    const Diag *why = first_report(a[2]);
    if (why != NULL)
        diag_note(diag, report_place(py, fn, a[2]), "%s", why->text);
    return PY_NONE;
}

/* `configs` and `reasons` are lists of texts, `errors` has an exception or None for each. */
static PyValue lib_raise_none_runs(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    PyValue a[4];
    if (!py_bind_text(py, "raise_none_runs", args, "kernel configs reasons errors", a))
        return PY_FAIL;
    const JitFn *fn = jit_from_value(a[0]);
    size_t from = diags_len(py->diags);
    Diag *diag = diag_report(py->diags, DIAG_AUTOTUNE_NONE, fn->def->name_range, fn->name);
    for (size_t i = 0; i < py_seq_len(a[1]); i++)
        diag_note(diag, report_place(py, fn, py_seq_item(a[3], i)), "%s: %s",
                  py_str_data(py_seq_item(a[1], i), NULL), py_str_data(py_seq_item(a[2], i), NULL));
    diag_help(diag, "add a configuration with smaller blocks, fewer stages or fewer warps");
    return py_raise_reports(py, PYEXC_RuntimeError, from);
}

void triton_tune_functions(PyCtx *py, PyValue module) {
    static const BuiltinRow rows[] = {{"collect_begin", lib_collect_begin},
                                      {"collect_end", lib_collect_end},
                                      {"kernel_hash", lib_kernel_hash},
                                      {"kept", lib_kept},
                                      {"keep", lib_keep},
                                      {"device", lib_device},
                                      {"reason", lib_reason},
                                      {"warn_left_out", lib_warn_left_out},
                                      {"raise_none_runs", lib_raise_none_runs},
                                      {NULL, NULL}};
    module_add_functions(py, module, rows);
}
