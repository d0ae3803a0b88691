/* session.c -- one use of the compiler: its memory, its diagnostics, its input.
 *
 * A session lives in one arena, so that ending it frees everything. When memory runs out, the
 * allocator longjmps to session_guard(), which says so and lets the caller end in good order.
 */
#include <stdlib.h>
#include <string.h>

#include "frontend/builtins_docs.h"
#include "frontend/parse.h"
#include "runtime/program.h"
#include "support/io.h"
#include "support/process.h"

const EmitInfo emit_infos[EMIT_COUNT] = {
#define EMIT(name, kind, scope, meaning) [EMIT_##name] = {kind, EMIT_PER_##scope, meaning},
#include "runtime/emits.def"
#undef EMIT
};

/* Makes what every session has; false if memory runs out. */
static bool open_session(Session *session) {
    if (setjmp(session->oom.jump) != 0) {
        return false;
    }
    session->arena = arena_create(&session->oom);
    session->names = strtab_create(session->arena);
    session->sources = sources_create(session->arena);
    session->diags = diags_create(session->arena, session->sources);
    session->program = ARENA_NEW(session->arena, Program);
    return true;
}

Session *session_create(const SessionOptions *options) {
    Session *session = malloc(sizeof *session);
    if (session == NULL) {
        return NULL;
    }
    *session = (Session){.oom = {.fail_after = -1}, .options = *options};
    if (!open_session(session)) {
        session_destroy(session);
        return NULL;
    }
    return session;
}

void session_destroy(Session *session) {
    if (session != NULL) {
        if (session->program != NULL) {
            program_close(session->program);
        }
        arena_destroy(session->arena);
        free(session);
    }
}

Diags *session_diags(Session *session) {
    return session->diags;
}

Arena *session_arena(Session *session) {
    return session->arena;
}

/* Memory is gone: says so without asking for any. */
static void print_out_of_memory(const Session *session) {
    const DiagInfo *info = &diag_infos[DIAG_OUT_OF_MEMORY];
    if (session->options.json) {
        fprintf(session->options.err,
                "{\"code\":\"TK%04u\",\"severity\":\"error\",\"text\":\"%s\"}\n", info->code,
                info->text);
    } else {
        fprintf(session->options.err, "error: %s [TK%04u]\n", info->text, info->code);
    }
}

static void print_diags(Session *session) {
    if (diags_len(session->diags) == 0) {
        return;
    }
    fflush(session->options.out);
    if (session->options.json) {
        diags_render_json(session->diags, session->options.err);
    } else {
        diags_render(session->diags, &session->options.style, session->options.err);
    }
    diags_truncate(session->diags, 0);
}

void session_flush(Session *session) {
    if (setjmp(session->oom.jump) != 0) {
        print_out_of_memory(session);
        return;
    }
    print_diags(session);
}

static void remove_temp_dir(Session *session) {
    temp_dir_remove(session->temp_dir);
    session->temp_dir = NULL;
}

/* NULL: *error says why. */
static const char *make_temp_dir(Session *session, const char **error) {
    const char *given = session->options.tools.temp;
    if (session->temp_dir == NULL)
        session->temp_dir = temp_dir_create(session->arena, given != NULL ? given : "/tmp", error);
    return session->temp_dir;
}

const char *session_temp_dir(Session *session) {
    const char *error;
    if (make_temp_dir(session, &error) == NULL)
        diag_report(session->diags, DIAG_FILE_UNWRITABLE, SRC_NONE, error);
    return session->temp_dir;
}

const char *session_try_temp_dir(Session *session) {
    const char *error;
    return make_temp_dir(session, &error);
}

SessionStatus session_guard(Session *session, SessionBody body, void *request) {
    if (setjmp(session->oom.jump) != 0) {
        remove_temp_dir(session);
        print_out_of_memory(session);
        return STATUS_FAILED;
    }
    SessionStatus status = body(session, request);
    remove_temp_dir(session);
    if (status == STATUS_FAILED && diags_count(session->diags, SEV_INTERNAL) > 0) {
        status = STATUS_INTERNAL;
    }
    print_diags(session);
    return status;
}

const SrcFile *session_load(Session *session, const char *path) {
    const char *error;
    size_t len;
    const char *text = io_read_file(session->arena, path, SRC_MAX_BYTES, &len, &error);
    if (text == NULL) {
        diag_report(session->diags, DIAG_FILE_UNREADABLE, SRC_NONE, path, error);
        return NULL;
    }
    return sources_add(session->sources, str_eq(path, "-") ? "<stdin>" : path, text, len);
}

const Module *session_parse(Session *session, const SrcFile *file) {
    const Module *module = parse_module(session->arena, session->names, session->diags, file);
    return module->has_errors || diags_count(session->diags, SEV_ERROR) > 0 ? NULL : module;
}

static SessionStatus print_builtins(Session *session, void *request) {
    PyCtx *py = session->program->py = py_ctx_create(&session->oom, session->arena, session->names,
                                                     session->sources, session->diags);
    builtins_print_docs(py, request);
    return STATUS_OK;
}

SessionStatus session_print_builtins(Session *session, FILE *out) {
    return session_guard(session, print_builtins, out);
}
