/* host.c -- a host program from its tree to its end.
 *
 * What nobody catches becomes a diagnostic where it was raised, with a note for every call that led
 * there, innermost first. host_define() is the cautious half of that: it binds the names that
 * kernels may refer to and runs nothing else.
 */
#include "runtime/host/host.h"

#include <stdlib.h>
#include <string.h>

#include "runtime/host/host_internal.h"
#include "runtime/host/launch.h"

/* ---- state ------------------------------------------------------------------------------------
 */

TorchState *host_torch(PyCtx *py) {
    return py->host->options.torch;
}

struct LaunchState *host_launch(PyCtx *py) {
    return py->host->options.launch;
}

/* The folder that a path lies in, "" if it names none. */
static const char *folder_of(Arena *arena, const char *path) {
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    if (slash == NULL)
        return "";
    return slash == path ? "/" : arena_strndup(arena, path, (size_t)(slash - path));
}

bool host_create(PyCtx *py, const HostOptions *options) {
    HostState *host = ARENA_NEW(py->arena, HostState);
    host->options = *options;
    py->host = host;
    py->hooks = &launch_hooks;
#define X(name) host->syms.name = strtab_sym(py->names, #name);
    HOST_SYMS(X)
#undef X
    map_init_ptr(&host->native_classes, py->arena);
    map_init_ptr(&host->scopes, py->arena);
    host->modules = py_dict(py);
    host->program_dir = folder_of(py->arena, options->num_args > 0 ? options->args[0] : NULL);
    builtins_install(py);
    return true;
}

void host_destroy(PyCtx *py) {
    if (py->host == NULL)
        return;
    py_clear_exception(py);
    py_decref(py, py->host->modules);
    py_env_release(py, py->host->builtins);
    py->host->modules = PY_NONE;
    py->host->builtins = NULL;
}

bool host_go_on(PyCtx *py) {
    const volatile sig_atomic_t *cancel = py->host->options.cancel;
    if (TK_LIKELY(cancel == NULL || *cancel == 0))
        return true;
    py_raise(py, PYEXC_KeyboardInterrupt, "interrupted");
    ((PyException *)py->exception.u.o)->reported = true;
    return false;
}

PyValue host_refuse(PyCtx *py, SrcRange range, const char *construct, const char *help) {
    py_raise_at(py, PYEXC_NotImplementedError, range, help, "%s is not supported in host programs",
                construct);
    ((PyException *)py->exception.u.o)->refused = true;
    return PY_FAIL;
}

/* ---- reporting --------------------------------------------------------------------------------
 */

static DiagId diag_for(const PyException *e) {
    switch (e->cls->exc) {
    case PYEXC_NameError:
    case PYEXC_UnboundLocalError:
        return DIAG_HOST_NAME;
    case PYEXC_ModuleNotFoundError:
    case PYEXC_ImportError:
        return DIAG_HOST_IMPORT;
    case PYEXC_AttributeError:
        return DIAG_HOST_ATTRIBUTE;
    case PYEXC_TypeError:
        return DIAG_HOST_TYPE;
    case PYEXC_AssertionError:
        return DIAG_HOST_ASSERT;
    case PYEXC_RecursionError:
        return DIAG_HOST_RECURSION;
    case PYEXC_NotImplementedError:
        return e->refused ? DIAG_HOST_REFUSED : DIAG_HOST_EXCEPTION;
    default:
        return DIAG_HOST_EXCEPTION;
    }
}

/* At most this many notes about calls; recursion would fill screens. */
enum { MAX_CALL_NOTES = 8 };

/* How many frames from `i` on are the same call: recursion. */
static size_t same_calls(const PyException *e, size_t i) {
    size_t count = 1;
    while (i + count < e->num_frames && e->frames[i + count].call.lo == e->frames[i].call.lo &&
           e->frames[i + count].call.file == e->frames[i].call.file)
        count++;
    return count;
}

static void note_frames(Diag *diag, const PyException *e) {
    size_t notes = 0;
    for (size_t i = 0; i < e->num_frames; notes++) {
        size_t count = same_calls(e, i);
        if (notes == MAX_CALL_NOTES) {
            diag_note(diag, SRC_NONE, "and %zu more calls", e->num_frames - i);
            return;
        }
        if (e->frames[i].function == NULL)
            diag_note(diag, e->frames[i].call, "imported from here");
        else if (count == 1)
            diag_note(diag, e->frames[i].call, "in `%s`, called from here", e->frames[i].function);
        else
            diag_note(diag, e->frames[i].call, "in `%s`, called from here %zu times",
                      e->frames[i].function, count);
        i += count;
    }
}

/* "ValueError: text"; the text alone could not be made if str() of the object fails. */
static const char *exception_text(PyCtx *py, PyException *e) {
    StrBuf text = STRBUF(py->arena), message = STRBUF(py->arena);
    if (!py_exception_message(py, e, &message))
        py_clear_exception(py);
    strbuf_puts(&text, e->cls->name);
    if (message.len > 0)
        strbuf_printf(&text, ": %s", strbuf_str(&message));
    return strbuf_str(&text);
}

void host_report_exception(PyCtx *py, PyException *e) {
    for (size_t i = 0; i < e->num_reports; i++) /* a kernel's own messages say more */
        diags_put(py->diags, e->reports[i]);
    if (e->num_reports > 0)
        return;
    Diag *diag = diag_report(py->diags, diag_for(e), e->range, exception_text(py, e));
    note_frames(diag, e);
    for (PyException *cause = py_as(e->cause, &py_exception_type); cause != NULL;
         cause = py_as(cause->cause, &py_exception_type))
        diag_note(diag, cause->range, "caused by %s", exception_text(py, cause));
    if (e->help != NULL)
        diag_help(diag, "%s", e->help);
}

/* sys.exit(): None is 0, an int is itself, anything else is printed and means 1. */
static HostStatus exit_program(PyCtx *py, PyException *e, int *exit_status) {
    PyValue code = py_seq_len(e->args) > 0 ? py_seq_item(e->args, 0) : PY_NONE;
    int64_t number = 0;
    StrBuf text = STRBUF(py->arena);
    if (code.tag != PY_NONE_TAG && !py_to_i64(code, &number)) {
        number = 1;
        fflush(py->host->options.out);
        if (py_str_of(py, code, &text))
            fprintf(py->host->options.err, "%s\n", strbuf_str(&text));
    }
    *exit_status = (int)(number & 0xFF);
    return HOST_EXIT;
}

HostStatus host_report(PyCtx *py, int *exit_status) {
    PyValue exception = py->exception;
    PyException *e = py_as(exception, &py_exception_type);
    HostStatus status = HOST_EXCEPTION;
    py->exception = PY_NONE;
    if (e == NULL)
        return HOST_EXCEPTION;
    if (e->cls->exc == PYEXC_SystemExit)
        status = exit_program(py, e, exit_status);
    else if (e->cls->exc == PYEXC_KeyboardInterrupt)
        status = HOST_CANCELLED;
    else if (e->cls->exc == PYEXC_KernelFault)
        status = HOST_FAULT;
    else if (!e->reported)
        host_report_exception(py, e);
    py_decref(py, exception);
    return status;
}

/* ---- running ----------------------------------------------------------------------------------
 */

/* The scope of a program: __name__ and __file__, and the builtins around it. */
static PyValue main_module(PyCtx *py, const Module *module) {
    PyValue main = py_module(py, "__main__"), key = py_str(py, "__main__");
    PyEnv *env = py_module_env(main);
    env->outer = py_env_retain(py->host->builtins);
    py_module_set(py, main, "__file__", py_str(py, module->file->name));
    py_module_set(py, main, "__doc__", PY_NONE);
    py_dict_set(py, py->host->modules, key, main);
    py_decref(py, key);
    return main;
}

static Frame module_frame(PyEnv *env, const Module *module) {
    return (Frame){.env = env,
                   .home = env,
                   .globals = env,
                   .file = module->file,
                   .self = PY_NONE,
                   .result = PY_NONE,
                   .handling = PY_NONE};
}

HostStatus host_run(PyCtx *py, const Module *module, int *exit_status) {
    PyValue main = main_module(py, module);
    Frame frame = module_frame(py_module_env(main), module);
    *exit_status = 0;
    py->host->frame = &frame;
    Flow flow = exec_block(py, &frame, &module->body);
    HostStatus status = flow == FLOW_RAISE ? host_report(py, exit_status) : HOST_OK;
    py->host->frame = NULL;
    py_decref(py, main);
    fflush(py->host->options.out);
    return status;
}

/* ---- defining ---------------------------------------------------------------------------------
 */

static bool is_plain(const Expr *expr);

static bool all_plain(const ExprList *list) {
    for (size_t i = 0; i < list->len; i++) {
        if (list->items[i] != NULL && !is_plain(list->items[i]))
            return false;
    }
    return true;
}

/* May host_define() evaluate it? Calls only of the language's own names (tl.constexpr, ...). */
static bool is_plain_call(const Expr *expr) {
    static const char *const allowed[] = {"constexpr", "namedtuple", "jit",   "dtype",
                                          "partial",   "TypeVar",    "tuple", "range"};
    const Expr *func = expr->u.call.func;
    Sym name = func->kind == EXPR_ATTRIBUTE ? func->u.attribute.attr
               : func->kind == EXPR_NAME    ? func->u.name.id
                                            : NULL;
    for (size_t i = 0; i < expr->u.call.keywords.len; i++) {
        if (!is_plain(expr->u.call.keywords.items[i].value))
            return false;
    }
    for (size_t i = 0; i < TK_COUNTOF(allowed); i++) {
        if (name != NULL && strcmp(name, allowed[i]) == 0)
            return all_plain(&expr->u.call.args);
    }
    return false;
}

static bool is_plain(const Expr *expr) {
    switch (expr->kind) {
    case EXPR_CONSTANT:
    case EXPR_NAME:
    case EXPR_LAMBDA:
        return true;
    case EXPR_BINOP:
        return is_plain(expr->u.binop.left) && is_plain(expr->u.binop.right);
    case EXPR_UNARYOP:
        return is_plain(expr->u.unaryop.operand);
    case EXPR_BOOLOP:
        return all_plain(&expr->u.boolop.values);
    case EXPR_IFEXP:
        return is_plain(expr->u.ifexp.test) && is_plain(expr->u.ifexp.body) &&
               is_plain(expr->u.ifexp.orelse);
    case EXPR_COMPARE:
        return is_plain(expr->u.compare.left) && all_plain(&expr->u.compare.comparators);
    case EXPR_TUPLE:
    case EXPR_LIST:
        return all_plain(&expr->u.seq.elts);
    case EXPR_DICT:
        return all_plain(&expr->u.dict.keys) && all_plain(&expr->u.dict.values);
    case EXPR_ATTRIBUTE:
        return is_plain(expr->u.attribute.value);
    case EXPR_SUBSCRIPT:
        return is_plain(expr->u.subscript.value) && is_plain(expr->u.subscript.index);
    case EXPR_CALL:
        return is_plain_call(expr);
    case EXPR_NAMED:
    case EXPR_SET:
    case EXPR_LISTCOMP:
    case EXPR_SETCOMP:
    case EXPR_DICTCOMP:
    case EXPR_GENERATOR:
    case EXPR_AWAIT:
    case EXPR_YIELD:
    case EXPR_YIELD_FROM:
    case EXPR_FORMATTED:
    case EXPR_JOINEDSTR:
    case EXPR_STARRED:
    case EXPR_SLICE:
    case EXPR_ERROR:
    default:
        return false;
    }
}

static bool defines(const Stmt *stmt) {
    if (stmt->kind == STMT_ASSIGN)
        return is_plain(stmt->u.assign.value);
    if (stmt->kind == STMT_ANN_ASSIGN)
        return stmt->u.ann_assign.value != NULL && is_plain(stmt->u.ann_assign.value);
    return stmt->kind == STMT_IMPORT || stmt->kind == STMT_IMPORT_FROM ||
           stmt->kind == STMT_FUNCTION_DEF || stmt->kind == STMT_CLASS_DEF;
}

/* The definition with its innermost decorator only: @triton.jit without the autotune around it. */
static const Stmt *without_outer_decorators(PyCtx *py, const Stmt *stmt) {
    Stmt *bare = arena_memdup(py->arena, stmt, sizeof *stmt, _Alignof(Stmt));
    ExprList *decorators = &bare->u.function.decorators;
    decorators->items += decorators->len - 1;
    decorators->len = 1;
    return bare;
}

/* What is wrong in the program whatever it does: modules and attributes of modules that do not
 * exist. A name that is not bound may only be one whose definition was not executed. */
static bool is_certain(const PyCtx *py, const Stmt *stmt) {
    const PyException *e = py_as(py->exception, &py_exception_type);
    bool import = stmt->kind == STMT_IMPORT || stmt->kind == STMT_IMPORT_FROM;
    return e != NULL && !py->host->doubtful && (import || e->cls->exc == PYEXC_AttributeError);
}

/* Executes one definition; its failure is reported if it is certain. */
static void define_stmt(PyCtx *py, Frame *frame, const Stmt *stmt) {
    size_t reported = diags_len(py->diags);
    py->host->doubtful = false;
    Flow flow = exec_stmt(py, frame, stmt);
    diags_truncate(py->diags, reported);
    if (flow != FLOW_RAISE)
        return;
    if (is_certain(py, stmt)) {
        int exit_status;
        host_report(py, &exit_status);
        return;
    }
    py_clear_exception(py);
    if (stmt->kind == STMT_FUNCTION_DEF && stmt->u.function.decorators.len > 1)
        define_stmt(py, frame, without_outer_decorators(py, stmt));
}

void define_block(PyCtx *py, Frame *frame, const StmtList *block) {
    for (size_t i = 0; i < block->len; i++) {
        const Stmt *stmt = block->items[i];
        if (stmt->kind == STMT_TRY) { /* try: import a; except ImportError: a = None */
            size_t reported = diags_len(py->diags);
            define_block(py, frame, &stmt->u.try_.body);
            diags_truncate(py->diags, reported);
            continue;
        }
        if (!defines(stmt))
            continue;
        define_stmt(py, frame, stmt);
    }
}

PyEnv *host_define(PyCtx *py, const Module *module) {
    PyValue main = main_module(py, module);
    PyEnv *env = py_module_env(main);
    Frame frame = module_frame(env, module);
    py->host->defining = true;
    py->host->frame = &frame;
    define_block(py, &frame, &module->body);
    py->host->frame = NULL;
    py->host->defining = false;
    py_decref(py, main); /* the table of modules keeps it */
    return env;
}
