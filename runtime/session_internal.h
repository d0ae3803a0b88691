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
    const char *temp_dir;    /* once session_temp_dir() was called; else NULL */
};

/* One function of a session: reports to session->diags and returns the status. `request` holds its
 * parameters. */
typedef SessionStatus (*SessionBody)(Session *session, void *request);
/* Calls `body`, survives running out of memory, removes temporary files, prints the diagnostics. A
 * failure with an internal error among them is STATUS_INTERNAL. */
SessionStatus session_guard(Session *session, SessionBody body, void *request);

/* A folder for temporary files, made when it is first asked for; it goes when the session's
 * function returns. NULL (reported) if it cannot be made. */
const char *session_temp_dir(Session *session);
/* The same; NULL without a report if there can be none. */
const char *session_try_temp_dir(Session *session);

/* Reads a program ("-": standard input) into the sources; NULL (reported) if it cannot be read. */
const SrcFile *session_load(Session *session, const char *path);
/* Parses it; NULL if it has syntax errors (reported). */
const Module *session_parse(Session *session, const SrcFile *file);

#endif
