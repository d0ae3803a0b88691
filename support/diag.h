/* diag.h -- diagnostics: stable codes, ranges, notes, helps; collected, sorted, rendered.
 *
 * Every message has one row in diags.def (through the diags_*.def file of its area): code,
 * severity, primary text with printf conversions, and the page `tkc explain` prints. Style of the
 * primary text: one line, lower case, no full stop, names the user's thing in backquotes, no C
 * function names; the cause and the cure go into notes and helps.
 *
 *     Diag *d = diag_report(diags, DIAG_NAME_UNKNOWN, range, name);
 *     diag_label(d, "not found in this scope");
 *     diag_note(d, other_range, "`%s` is bound here, in a branch that may not run", name);
 *     diag_help(d, "did you mean `%s`?", near);
 */
#ifndef TKC_SUPPORT_DIAG_H
#define TKC_SUPPORT_DIAG_H

#include <stdio.h>

#include "support/source.h"
#include "support/vec.h"

typedef enum Severity { SEV_NOTE, SEV_WARNING, SEV_ERROR, SEV_FAULT, SEV_INTERNAL } Severity;

typedef enum DiagId {
#define DIAG(code, severity, name, text, explain) DIAG_##name,
#include "support/diags.def"
#undef DIAG
    DIAG_COUNT
} DiagId;

typedef struct DiagInfo {
    unsigned code; /* printed as TK%04u */
    Severity severity;
    const char *name;    /* the row's name */
    const char *text;    /* printf format of the primary text */
    const char *explain; /* the page of `tkc explain TKnnnn`, plain text with kernel examples */
} DiagInfo;
extern const DiagInfo diag_infos[DIAG_COUNT];

/* PART_RELATED: a note that has a place of its own. */
typedef enum DiagPartKind { PART_NOTE, PART_HELP, PART_RELATED } DiagPartKind;
typedef struct DiagPart {
    DiagPartKind kind;
    SrcRange range; /* SRC_NONE: text only */
    const char *text;
} DiagPart;

typedef struct Diag {
    DiagId id;
    Severity severity;
    SrcRange range;
    const char *text;  /* formatted primary text */
    const char *label; /* short text behind the carets, or NULL */
    VEC(DiagPart) parts;
    struct Diags *owner;
    size_t order; /* how many were kept before it: breaks ties when sorting */
} Diag;

typedef struct Diags Diags;
Diags *diags_create(Arena *arena, SourceSet *sources);
/* Reports a diagnostic; the arguments are those of the row's text. Never returns NULL: beyond the
 * limit (diags_set_limit, default 50 errors and as many warnings) it returns a dummy that is not
 * kept. Thread-safe: no. */
Diag *diag_report(Diags *diags, DiagId id, SrcRange range, ...);
void diag_label(Diag *diag, const char *fmt, ...) TK_PRINTF(2, 3);
void diag_note(Diag *diag, SrcRange range, const char *fmt, ...) TK_PRINTF(3, 4);
void diag_help(Diag *diag, const char *fmt, ...) TK_PRINTF(2, 3);
void diag_set_severity(Diag *diag, Severity severity);

size_t diags_count(const Diags *diags, Severity at_least);
size_t diags_len(const Diags *diags);
const Diag *diags_at(const Diags *diags, size_t index);
void diags_set_limit(Diags *diags, size_t max_errors); /* 0: no limit */
/* How many were not kept because of the limit. */
size_t diags_dropped(const Diags *diags);
/* Those kept, sorted by file and position (those without a place last), equal ones once; an array
 * in the arena, its length in *len. */
const Diag **diags_sorted(Diags *diags, size_t *len);
/* Drops what was reported after the first `len` (speculative work). */
void diags_truncate(Diags *diags, size_t len);
/* Takes back what was reported after the first `from`: the array (in the arena) of *count
 * diagnostics, which diags_put() reports again. For errors that a program may catch. */
Diag **diags_take(Diags *diags, size_t from, size_t *count);
void diags_put(Diags *diags, Diag *diag);
/* A copy of `diag`, which may belong to others, that lives in the arena; diags_put() reports it. */
Diag *diags_copy(Diags *diags, const Diag *diag);

typedef struct DiagStyle {
    bool color;
    unsigned width; /* terminal columns; 0: no limit */
} DiagStyle;
/* "error", "internal error" and so on, as printed. */
const char *severity_name(Severity severity);
/* Renders one diagnostic or all of them (sorted by file, then position; equal ones once). */
void diag_render(const Diag *diag, const DiagStyle *style, FILE *out);
void diags_render(Diags *diags, const DiagStyle *style, FILE *out);
/* As JSON, one object a line. */
void diags_render_json(Diags *diags, FILE *out);
SourceSet *diags_sources(Diags *diags);
Arena *diags_arena(Diags *diags);

#endif
