/* import.c -- import statements.
 *
 * A module is one that is built in (torch, triton, and the parts of Python's library that tkc has),
 * or a file of the program: looked for in the program's folder, then in the -I folders, as NAME.tk,
 * NAME.py or a folder NAME; or one that the options of the host name, such as tkc's lessons, which
 * are part of tkc: `triton_tutorials.lessons.LEVEL.NAME`.
 */
#include <string.h>

#include "frontend/parse.h"
#include "runtime/host/host_internal.h"
#include "runtime/host/triton.h"
#include "support/io.h"

/* ---- finding ----------------------------------------------------------------------------------
 */

typedef struct Found {
    const char *file;         /* NULL: a folder without __init__ */
    const HostModule *module; /* one of the options; then `file` is its path */
    bool package;
} Found;

static bool try_file(PyCtx *py, const char *stem, Found *found) {
    static const char *const endings[] = {".tk", ".py"};
    for (size_t i = 0; i < TK_COUNTOF(endings); i++) {
        const char *path = arena_printf(py->arena, "%s%s", stem, endings[i]);
        if (io_exists(path) && !io_is_dir(path)) {
            found->file = path;
            return true;
        }
    }
    return false;
}

static bool try_stem(PyCtx *py, const char *stem, Found *found) {
    found->package = false;
    if (try_file(py, stem, found))
        return true;
    if (!io_is_dir(stem))
        return false;
    found->package = true;
    found->file = NULL;
    try_file(py, arena_printf(py->arena, "%s/__init__", stem), found);
    return true;
}

static const char *with_slashes(PyCtx *py, const char *dotted) {
    char *path = arena_strdup(py->arena, dotted);
    for (char *c = path; *c != '\0'; c++)
        *c = *c == '.' ? '/' : *c;
    return path;
}

/* Among the modules of the options: the very one, or a package that one of them is in. */
static bool find_given(const HostOptions *options, const char *dotted, bool first, Found *found) {
    size_t len = strlen(dotted);
    for (size_t i = 0; i < options->num_modules; i++) {
        const HostModule *module = &options->modules[i];
        if (module->first != first || strncmp(module->name, dotted, len) != 0)
            continue;
        if (module->name[len] == '\0') {
            *found = (Found){.file = module->path, .module = module};
            return true;
        }
        if (module->name[len] == '.') {
            *found = (Found){.package = true};
            return true;
        }
    }
    return false;
}

static bool find_module(PyCtx *py, const char *dotted, Found *found) {
    const HostOptions *options = &py->host->options;
    const char *path = with_slashes(py, dotted);
    const char *base = py->host->program_dir;
    *found = (Found){0};
    if (find_given(options, dotted, true, found))
        return true;
    if (try_stem(py, base[0] == '\0' ? path : arena_printf(py->arena, "%s/%s", base, path), found))
        return true;
    for (size_t i = 0; i < options->num_import_dirs; i++) {
        if (try_stem(py, arena_printf(py->arena, "%s/%s", options->import_dirs[i], path), found))
            return true;
    }
    return find_given(options, dotted, false, found);
}

/* ---- loading ----------------------------------------------------------------------------------
 */

static void set_text(PyCtx *py, PyValue module, const char *name, const char *text) {
    py_module_set(py, module, name, py_str(py, text));
}

static PyValue new_module(PyCtx *py, const char *dotted, const Found *found) {
    PyValue module = py_module(py, dotted);
    PyEnv *env = py_module_env(module);
    const char *dot = strrchr(dotted, '.');
    env->outer = py_env_retain(py->host->builtins);
    if (found->file != NULL)
        set_text(py, module, "__file__", found->file);
    set_text(py, module, "__package__",
             found->package ? dotted
             : dot == NULL  ? ""
                            : arena_strndup(py->arena, dotted, (size_t)(dot - dotted)));
    return module;
}

/* The source of a module that was found; NULL with an exception. */
static const SrcFile *load_module(PyCtx *py, const Found *found, SrcRange range) {
    const HostModule *given = found->module;
    size_t len = given != NULL ? given->len : 0;
    const char *path = found->file, *error = NULL;
    const char *text = given != NULL ? given->text : NULL;
    if (text == NULL)
        text = io_read_file(py->arena, path, SRC_MAX_BYTES, &len, &error);
    if (text == NULL) {
        py_raise_at(py, PYEXC_ImportError, range, NULL, "cannot read '%s': %s", path, error);
        return NULL;
    }
    const SrcFile *file = sources_add(py->sources, path, text, len);
    if (file == NULL)
        py_raise_at(py, PYEXC_ImportError, range, NULL, "'%s' is too long", path);
    return file;
}

static bool run_module(PyCtx *py, PyValue module, const Found *found, SrcRange range) {
    const SrcFile *file = load_module(py, found, range);
    if (file == NULL)
        return false;
    Module *tree = parse_module(py->arena, py->names, py->diags, file);
    if (tree->has_errors) {
        py_raise_at(py, PYEXC_SyntaxError, range, NULL, "'%s' has syntax errors", found->file);
        ((PyException *)py->exception.u.o)->reported = true;
        return false;
    }
    PyEnv *env = py_module_env(module);
    Frame frame = {.env = env,
                   .home = env,
                   .globals = env,
                   .file = file,
                   .self = PY_NONE,
                   .result = PY_NONE,
                   .handling = PY_NONE,
                   .caller = py->host->frame};
    bool ok = true;
    py->host->frame = &frame;
    if (py->host->defining) {
        scope_note_module(py, env, &tree->body);
        define_block(py, &frame, &tree->body);
    } else {
        ok = exec_block(py, &frame, &tree->body) != FLOW_RAISE;
    }
    py->host->frame = frame.caller;
    return ok;
}

static PyValue missing_module(PyCtx *py, const char *dotted, SrcRange range) {
    static const char *const names[] = {"torch",
                                        "triton",
                                        "math",
                                        "time",
                                        "sys",
                                        "os",
                                        "functools",
                                        "itertools",
                                        "collections",
                                        "typing",
                                        "dataclasses",
                                        "contextlib",
                                        "warnings",
                                        "operator",
                                        "torch.nn.functional",
                                        "triton.language",
                                        "triton.testing",
                                        "triton.language.extra",
                                        "triton.tools.tensor_descriptor"};
    ArenaMark mark = arena_mark(py->scratch);
    const char *near = closest_word(dotted, names, TK_COUNTOF(names));
    const char *help =
        near != NULL
            ? arena_printf(py->scratch, "did you mean `%s`?", near)
            : "tkc runs a subset of Python: there are torch, triton, math, time, sys, os, "
              "functools, itertools, collections, typing, dataclasses, contextlib, operator, "
              "warnings, and the .tk and .py files in the program's folder and the -I folders";
    py_raise_at(py, PYEXC_ModuleNotFoundError, range, help, "No module named '%s'", dotted);
    arena_reset(py->scratch, mark);
    return PY_FAIL;
}

/* One module whose parents were imported already; a new reference. */
static PyValue import_one(PyCtx *py, const char *dotted, SrcRange range) {
    HostState *host = py->host;
    PyValue key = py_str(py, dotted), module;
    if (py_dict_get(py, host->modules, key, &module)) {
        py_decref(py, key);
        return py_incref(module);
    }
    bool known;
    Found found;
    module = builtin_module(py, dotted, &known);
    if (!known && !py_failed(module))
        module = torch_import(py, dotted, &known);
    if (!known && !py_failed(module))
        module = triton_import(py, dotted, &known);
    if (known || py_failed(module)) {
        if (!py_failed(module))
            py_dict_set(py, host->modules, key, module);
        py_decref(py, key);
        return module;
    }
    if (!find_module(py, dotted, &found)) {
        py_decref(py, key);
        return missing_module(py, dotted, range);
    }
    module = new_module(py, dotted, &found);
    py_dict_set(py, host->modules, key, module); /* at once: modules may import each other */
    if (found.file != NULL && !run_module(py, module, &found, range)) {
        PyValue removed = PY_NONE, pending = py->exception;
        bool was;
        py->exception = PY_NONE;
        py_dict_remove(py, (PyDict *)host->modules.u.o, key, &removed, &was);
        py->exception = pending;
        host_note_call(py, range, NULL);
        py_decref(py, removed);
        py_decref(py, module);
        module = PY_FAIL;
    }
    py_decref(py, key);
    return module;
}

PyValue import_module(PyCtx *py, const char *dotted, SrcRange range) {
    PyValue parent = PY_NONE, module = PY_FAIL;
    for (const char *end = dotted; *end != '\0';) {
        end += *end == '.';
        const char *part = end;
        end += strcspn(end, ".");
        module = import_one(py, arena_strndup(py->arena, dotted, (size_t)(end - dotted)), range);
        if (!py_failed(module) && py_as(parent, &py_module_type) != NULL) {
            Sym name = strtab_intern(py->names, part, (size_t)(end - part));
            PyValue old;
            if (!py_env_get_local(py_module_env(parent), name, &old))
                py_env_set(py, py_module_env(parent), name, module);
        }
        py_decref(py, parent);
        parent = module;
        if (py_failed(module))
            return PY_FAIL;
    }
    return module;
}

/* ---- the statements ---------------------------------------------------------------------------
 */

static bool exec_import_name(PyCtx *py, Frame *frame, const Alias *alias) {
    PyValue module = import_module(py, alias->name, alias->range);
    if (py_failed(module))
        return false;
    Sym bound = alias->asname;
    if (bound == NULL) { /* import a.b binds a */
        size_t len = strcspn(alias->name, ".");
        bound = strtab_intern(py->names, alias->name, len);
        if (alias->name[len] != '\0') {
            py_decref(py, module);
            module = import_module(py, bound, alias->range);
        }
    }
    bool ok = !py_failed(module) && assign_name(py, frame, bound, module);
    py_decref(py, module);
    return ok;
}

/* The absolute name of `from ..a import b`, or NULL with an exception. */
static const char *absolute_name(PyCtx *py, Frame *frame, const Stmt *stmt) {
    unsigned level = stmt->u.import_from.level;
    const char *name = stmt->u.import_from.module;
    PyValue package;
    if (level == 0)
        return name;
    if (!py_env_get_local(frame->globals, strtab_sym(py->names, "__package__"), &package) ||
        !py_is_str(package) || *py_str_data(package, NULL) == '\0') {
        py_raise(py, PYEXC_ImportError, "attempted relative import with no known parent package");
        return NULL;
    }
    size_t len = strlen(py_str_data(package, NULL));
    for (; level > 1 && len > 0; level--) {
        while (len > 0 && py_str_data(package, NULL)[len - 1] != '.')
            len--;
        len -= len > 0;
    }
    if (len == 0) {
        py_raise(py, PYEXC_ImportError, "attempted relative import beyond top-level package");
        return NULL;
    }
    return arena_printf(py->arena, "%.*s%s%s", (int)len, py_str_data(package, NULL),
                        name != NULL ? "." : "", name != NULL ? name : "");
}

/* Every public name of a module. */
static bool import_star(PyCtx *py, Frame *frame, PyValue module) {
    const PyEnv *env = py_module_env(module);
    for (uint32_t i = 0; i < env->len; i++) {
        PyEnvEntry entry = env->entries[i];
        if (entry.name != NULL && entry.name[0] != '_' &&
            !assign_name(py, frame, entry.name, entry.value))
            return false;
    }
    return true;
}

static bool import_from_name(PyCtx *py, Frame *frame, PyValue module, const char *dotted,
                             const Alias *alias) {
    bool found;
    PyValue value = py_getattr_opt(py, module, alias->name, &found);
    if (py_failed(value))
        return false;
    if (!found) { /* a module inside a package */
        Found file;
        const char *inner = arena_printf(py->arena, "%s.%s", dotted, alias->name);
        if (find_module(py, inner, &file)) {
            value = import_module(py, inner, alias->range);
        } else if (scope_binds_later(py, module, alias->name)) {
            return true; /* the name stays unknown */
        } else {
            ArenaMark mark = arena_mark(py->scratch);
            const char **names = NULL;
            size_t count = py_as(module, &py_module_type) != NULL
                               ? py_env_names(py_module_env(module), py->scratch, &names)
                               : 0;
            value = py_raise_at(py, PYEXC_ImportError, alias->range,
                                py_suggest(py, alias->name, names, count),
                                "cannot import name '%s' from '%s'", alias->name, dotted);
            arena_reset(py->scratch, mark);
        }
    }
    bool ok = !py_failed(value) &&
              assign_name(py, frame, alias->asname != NULL ? alias->asname : alias->name, value);
    py_decref(py, value);
    return ok;
}

static bool exec_import_from(PyCtx *py, Frame *frame, const Stmt *stmt) {
    const char *dotted = absolute_name(py, frame, stmt);
    if (dotted == NULL)
        return false;
    const AliasList *names = &stmt->u.import_from.names;
    PyValue module = import_module(py, dotted, stmt->range);
    bool ok = !py_failed(module);
    for (size_t i = 0; i < names->len && ok; i++) {
        if (strcmp(names->items[i].name, "*") == 0)
            ok = py_as(module, &py_module_type) == NULL || import_star(py, frame, module);
        else
            ok = import_from_name(py, frame, module, dotted, &names->items[i]);
    }
    py_decref(py, module);
    return ok;
}

Flow exec_import(PyCtx *py, Frame *frame, const Stmt *stmt) {
    bool ok = true;
    if (stmt->kind == STMT_IMPORT_FROM)
        return exec_import_from(py, frame, stmt) ? FLOW_NEXT : FLOW_RAISE;
    for (size_t i = 0; i < stmt->u.import.names.len && ok; i++)
        ok = exec_import_name(py, frame, &stmt->u.import.names.items[i]);
    return ok ? FLOW_NEXT : FLOW_RAISE;
}
