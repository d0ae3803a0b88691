/* launch_build.c -- tkc.build(...): launches become C that does the same without tkc.
 *
 *     tkc.build(lambda: add[grid](x, y, out, n, BLOCK=256), output="src/", targets=["sm_80"])
 *
 * Each function is called once; its launches are compiled and noted, not run. What is made of them
 * is runtime/aot's business, which this file reaches through LaunchConfig.builder. lib/tkc.py binds
 * the arguments.
 */
#include "runtime/host/host_internal.h"
#include "runtime/host/launch_internal.h"

typedef VEC(const char *) Texts;

struct Building {
    VEC(const Variant *) variants; /* each once */
    size_t launches;
    Arena *scratch;
};

void launch_note(struct Building *building, const Variant *variant) {
    building->launches++;
    for (size_t i = 0; i < building->variants.len; i++)
        if (building->variants.data[i] == variant)
            return;
    vec_push(building->scratch, &building->variants, variant);
}

/* Calls the functions; false with an exception. */
static bool note_launches(PyCtx *py, struct Building *building, PyValue functions) {
    LaunchState *state = host_launch(py);
    if (state->building != NULL || state->fusing != NULL) {
        py_raise(py, PYEXC_RuntimeError,
                 "tkc.build cannot be called by a function given to tkc.build or tkc.fuse");
        return false;
    }
    for (size_t i = 0; i < py_seq_len(functions); i++) {
        size_t before = building->launches;
        state->building = building;
        PyValue result = py_call_values(py, py_seq_item(functions, i), NULL, 0);
        state->building = NULL;
        if (py_failed(result))
            return false;
        py_decref(py, result);
        if (building->launches == before) {
            py_raise(py, PYEXC_ValueError, "function %zu of tkc.build makes no launch", i + 1);
            return false;
        }
    }
    return true;
}

/* Texts of a list; false with an exception. */
static bool read_texts(PyCtx *py, Arena *arena, PyValue list, Texts *out) {
    for (size_t i = 0; i < py_seq_len(list); i++) {
        const char *text = host_arg_text(py, py_seq_item(list, i), "tkc.build");
        if (text == NULL)
            return false;
        vec_push(arena, out, text);
    }
    return true;
}

/* A text or None; false with an exception. */
static bool read_text(PyCtx *py, PyValue value, const char **out) {
    *out = value.tag == PY_NONE_TAG ? NULL : host_arg_text(py, value, "tkc.build");
    return value.tag == PY_NONE_TAG || *out != NULL;
}

/* What the reports since `from` are for a program that catches them. */
static PyExc build_error(const Diags *diags, size_t from) {
    for (size_t i = from; i < diags_len(diags); i++) {
        DiagId id = diags_at(diags, i)->id;
        if (id == DIAG_FILE_UNWRITABLE || id == DIAG_CODEGEN_TOOL_MISSING)
            return PYEXC_OSError;
        if (id == DIAG_AOT_GRID || id == DIAG_AOT_SEVERAL || id == DIAG_CODEGEN_TARGET)
            return PYEXC_ValueError;
    }
    return PYEXC_CompilationError;
}

/* Asks the builder; the paths that it wrote. */
static PyValue run_builder(PyCtx *py, LaunchBuild *build) {
    const LaunchBuilder *builder = host_launch(py)->config.builder;
    size_t from = diags_len(py->diags);
    if (builder == NULL)
        return py_raise(py, PYEXC_RuntimeError, "nothing can be built here");
    if (!builder->build(builder->data, py, build))
        return py_raise_reports(py, build_error(py->diags, from), from);
    return host_text_list(py, build->paths, build->num_paths);
}

PyValue tkc_build(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    PyValue a[6];
    if (!py_bind_text(py, "build", args, "launches output name grid targets embed", a))
        return PY_FAIL;
    struct Building building = {.scratch = arena_create(arena_oom(py->arena))};
    Texts targets = {0};
    const char *output, *embed;
    LaunchBuild build = {.arena = building.scratch};
    bool ok = (output = host_arg_text(py, a[1], "tkc.build")) != NULL &&
              read_text(py, a[2], &build.name) && read_text(py, a[3], &build.grid) &&
              read_texts(py, building.scratch, a[4], &targets) &&
              (embed = host_arg_text(py, a[5], "tkc.build")) != NULL &&
              note_launches(py, &building, a[0]);
    PyValue paths = PY_FAIL;
    if (ok) {
        build.output = output;
        build.variants = building.variants.data;
        build.num_variants = building.variants.len;
        build.targets = targets.data;
        build.num_targets = targets.len;
        build.embeds_ptx = !str_eq(embed, "cubin");
        build.embeds_cubin = !str_eq(embed, "ptx");
        paths = run_builder(py, &build);
    }
    arena_destroy(building.scratch);
    return paths;
}
