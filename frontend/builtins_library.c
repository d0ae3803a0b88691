/* builtins_library.c -- the part of tl that is written in the kernel language itself.
 *
 * The files of frontend/stdlib are compiled into the program as text. A file is parsed when one of
 * its functions is first needed; its functions are jit functions that see one another, `tl` and
 * `triton`. Example: the row LIBRARY("tl.sum", "reduce", ...) is the function `sum` of
 * frontend/stdlib/reduce.tk.
 */
#include "frontend/builtins.h"
#include "frontend/parse.h"

#include <string.h>

/* ---- default values of parameters ------------------------------------------------------------ */

/* The value of a default: a constant, a negative number, or a dotted name such as tl.float32. */
static PyValue default_of(PyCtx *py, const PyEnv *env, const Expr *e) {
    PyValue value = PY_NONE;
    switch ((int)e->kind) {
    case EXPR_CONSTANT:
        return py_const(py, e);
    case EXPR_NAME:
        py_env_get(env, e->u.name.id, &value);
        return py_incref(value);
    case EXPR_ATTRIBUTE:
        value = default_of(py, env, e->u.attribute.value);
        if (!py_failed(value)) {
            PyValue base = value;
            value = py_getattr(py, base, e->u.attribute.attr);
            py_decref(py, base);
        }
        return value;
    case EXPR_UNARYOP:
        value = default_of(py, env, e->u.unaryop.operand);
        return py_failed(value) ? value : py_unary(py, e->u.unaryop.op, value);
    default:
        return py_raise(py, PYEXC_TypeError, "this default is not supported in the library");
    }
}

static PyValue define(PyCtx *py, const SrcFile *file, PyEnv *env, const Stmt *def) {
    ArgList params = def->u.function.params.args;
    PyValue *defaults = ARENA_ARRAY(py->arena, PyValue, params.len);
    for (size_t i = 0; i < params.len; i++) {
        const Expr *e = params.items[i].default_;
        defaults[i] = e ? default_of(py, env, e) : PY_FAIL;
        if (e && py_failed(defaults[i]))
            return PY_FAIL;
    }
    PyValue fn = jit_create(py, def, file, env, defaults, params.len);
    for (size_t i = 0; i < params.len; i++)
        if (!py_failed(defaults[i]))
            py_decref(py, defaults[i]);
    JitFn *jit = jit_from_value(fn);
    if (jit)
        jit->is_stdlib = true;
    return fn;
}

/* ---- files ----------------------------------------------------------------------------------- */

static const EmbeddedFile *find_file(const char *name) {
    for (size_t i = 0; i < stdlib_files_count; i++)
        if (str_eq(stdlib_files[i].name, name))
            return &stdlib_files[i];
    return NULL;
}

static PyEnv *read_file(PyCtx *py, TlModule *tl, const EmbeddedFile *source) {
    StrBuf path = STRBUF(py->arena);
    strbuf_printf(&path, "frontend/stdlib/%s.tk", source->name);
    const SrcFile *file =
        sources_add(py->sources, strbuf_str(&path), (const char *)source->text, source->len);
    Module *module = parse_module(py->arena, py->names, py->diags, file);
    PyEnv *env = py_env_create(py, NULL);
    py_env_set(py, env, strtab_sym(py->names, "tl"), tl->module);
    for (size_t i = 0; i < module->body.len; i++) {
        const Stmt *stmt = module->body.items[i];
        if (stmt->kind != STMT_FUNCTION_DEF)
            continue;
        PyValue fn = define(py, file, env, stmt);
        if (py_failed(fn))
            continue;
        py_env_set(py, env, stmt->u.function.name, fn);
        py_decref(py, fn);
    }
    map_set(&tl->libraries, source->name, env);
    return env;
}

const JitFn *spec_library(PyCtx *py, const BuiltinRow *row) {
    TlModule *tl = tl_module(py);
    PyEnv *env = map_get(&tl->libraries, row->library);
    const EmbeddedFile *source = find_file(row->library);
    if (!env && source)
        env = read_file(py, tl, source);
    PyValue fn;
    if (!env || !py_env_get(env, strtab_sym(py->names, builtin_short_name(row)), &fn)) {
        diag_report(py->diags, DIAG_INTERNAL, SRC_NONE, "a library function is missing");
        return NULL;
    }
    return jit_from_value(fn);
}
