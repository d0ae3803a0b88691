/* outputs.h -- what a build makes, kept until all of it is made, then written all or none. */
#ifndef TKC_RUNTIME_OUTPUTS_H
#define TKC_RUNTIME_OUTPUTS_H

#include "runtime/session.h"
#include "support/vec.h"

typedef struct Output {
    const char *name; /* of the kernel, or of the file without its folder and ending */
    EmitKind kind;
    const char *target; /* "sm_80"; NULL: the output's name does not say */
    const char *ending; /* of its name; NULL: the kind's name */
    const char *text;   /* or bytes: `len` of them */
    size_t len;
    const char *file_name; /* in a folder: NAME.KIND, NAME.2.TARGET.KIND; made by outputs_add() */
} Output;

typedef struct Outputs {
    Session *session;
    VEC(Output) list;
} Outputs;

/* Adds an output; its texts are kept, not copied. */
void outputs_add(Outputs *outputs, const Output *output);
/* Writes them to `where`: "-" (standard output), a folder (it is there, or ends in a slash), or a
 * file. More than one for standard output or a file is a usage error that lists them, and so is
 * machine code for a terminal. On failure nothing is left behind. */
SessionStatus outputs_write(Outputs *outputs, const char *where);

#endif
