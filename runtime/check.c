/* check.c -- `tkc check`: what is wrong with a program, without running it.
 *
 * Every kernel is compiled for one signature: the one given, or one told from its annotations and
 * the way it uses its parameters. A function that returns a value is called by kernels, not
 * launched, and what its parameters are is known only there; unless annotations such as "*fp32" say
 * that it is meant to be launched.
 */
#include "runtime/program.h"

typedef struct CheckRequest {
    const char *path, *kernel, *signature;
} CheckRequest;

static bool returns_value(StmtList body);

static bool statement_returns_value(const Stmt *stmt) {
    if (stmt->kind == STMT_RETURN) {
        return stmt->u.ret.value != NULL;
    }
    if (stmt->kind == STMT_IF || stmt->kind == STMT_WHILE) {
        return returns_value(stmt->u.while_.body) || returns_value(stmt->u.while_.orelse);
    }
    return stmt->kind == STMT_FOR &&
           (returns_value(stmt->u.for_.body) || returns_value(stmt->u.for_.orelse));
}

static bool returns_value(StmtList body) {
    for (size_t i = 0; i < body.len; i++) {
        if (statement_returns_value(body.items[i])) {
            return true;
        }
    }
    return false;
}

static bool has_signature(const Params *params) {
    for (size_t i = 0; i < params->args.len; i++) {
        const Expr *annotation = params->args.items[i].annotation;
        if (annotation != NULL && annotation->kind == EXPR_CONSTANT) {
            return true;
        }
    }
    return false;
}

static bool is_launched(const JitFn *fn) {
    return has_signature(&fn->def->params) || !returns_value(fn->def->body);
}

/* A static_assert that fails says that the constants guessed are not those the kernel is for. */
static bool guess_refused(const Diags *diags, size_t from) {
    for (size_t i = from; i < diags_len(diags); i++) {
        if (diags_at(diags, i)->id == DIAG_BUILTIN_STATIC_ASSERT) {
            return true;
        }
    }
    return false;
}

/* Compiles one kernel; what is wrong is reported. */
static void check_kernel(Program *program, const JitFn *fn, const char *signature) {
    Arena *arena = program->session->arena;
    Diags *diags = program->session->diags;
    size_t from = diags_len(diags);
    const SpecParam *params = signature != NULL
                                  ? spec_parse_signature(program->py, arena, fn, signature)
                                  : spec_infer_signature(program->py, arena, fn);
    if (params != NULL) {
        SpecOptions options = SPEC_OPTIONS_DEFAULT;
        specialise(program->py, ir_context_create(arena), arena, fn, params, &options);
    }
    if (signature == NULL && guess_refused(diags, from)) {
        diags_truncate(diags, from);
    }
}

static void check_kernels(Program *program, const CheckRequest *request) {
    JitVec kernels = program_kernels(program);
    if (request->kernel != NULL) {
        const JitFn *fn = program_find_kernel(program, &kernels, request->kernel);
        if (fn != NULL) {
            check_kernel(program, fn, request->signature);
        }
        return;
    }
    for (size_t i = 0; i < kernels.len; i++) {
        if (request->signature != NULL || is_launched(kernels.data[i])) {
            check_kernel(program, kernels.data[i], request->signature);
        }
    }
}

static SessionStatus check(Session *session, void *data) {
    const CheckRequest *request = data;
    const SrcFile *file = session_load(session, request->path);
    const Module *module = file == NULL ? NULL : session_parse(session, file);
    if (module == NULL) {
        return STATUS_FAILED;
    }
    const char *args[] = {request->path};
    ProgramOptions options = {.args = args, .num_args = 1, .out = session->options.err};
    program_open(session->program, session, module, &options);
    check_kernels(session->program, request);
    return diags_count(session->diags, SEV_ERROR) > 0 ? STATUS_FAILED : STATUS_OK;
}

SessionStatus session_check(Session *session, const char *path, const char *kernel,
                            const char *signature) {
    CheckRequest request = {path, kernel, signature};
    return session_guard(session, check, &request);
}
