/* session_internal.h -- what the files of a session share. */
#ifndef TKC_RUNTIME_SESSION_INTERNAL_H
#define TKC_RUNTIME_SESSION_INTERNAL_H

#include "frontend/ast.h"
#include "runtime/session.h"

struct Program;

struct Session {
    OomHandler oom;
    SessionOptions options;
    Arena *arena;
    StrTab *names;
    SourceSet *sources;
    Diags *diags;
    struct Program *program; /* the one being run, checked or built */
};

/* One function of a session: reports to session->diags and returns the status. `request` holds its
 * parameters. */
typedef SessionStatus (*SessionBody)(Session *session, void *request);
/* Calls `body`, survives running out of memory, prints the diagnostics. */
SessionStatus session_guard(Session *session, SessionBody body, void *request);

/* Reads a program ("-": standard input) into the sources; NULL (reported) if it cannot be read. */
const SrcFile *session_load(Session *session, const char *path);
/* Parses it; NULL if it has syntax errors (reported). */
const Module *session_parse(Session *session, const SrcFile *file);

#endif
