/* assemble.h -- from PTX to machine code, by NVIDIA's own programs where they are installed.
 *
 * ptxas makes a cubin of PTX; nvdisasm or cuobjdump shows its instructions (SASS). tkc needs none
 * of them to run kernels: the driver compiles PTX. They are looked for as SessionOptions.tools
 * says.
 *
 *     Assembled made;
 *     SessionStatus status = assemble(session, &job, &made);
 *     if (status == STATUS_OK)
 *         fwrite(made.cubin, 1, made.cubin_len, file);
 */
#ifndef TKC_RUNTIME_ASSEMBLE_H
#define TKC_RUNTIME_ASSEMBLE_H

#include <stdatomic.h>

#include "runtime/compile.h"
#include "runtime/session.h"

typedef struct AssembleJob {
    const Compiled *compiled;
    const char *target;
    const char *wanted_by; /* what asked for it, for messages: "--emit=cubin" */
} AssembleJob;

/* What ptxas made and what it said about it; texts are in the session's arena. */
typedef struct Assembled {
    const char *cubin; /* an ELF file: bytes, not text */
    size_t cubin_len;
    unsigned registers; /* of one thread */
    unsigned spill_store_bytes, spill_load_bytes;
} Assembled;

/* Where ptxas is, and what shows machine code; NULL: there is none. */
const char *assembler_path(Session *session);
const char *disassembler_path(Session *session);
/* STATUS_NO_DEVICE: there is none, or it cannot be run; STATUS_FAILED: it refused the PTX, each
 * complaint led back to the source; both reported. */
SessionStatus assemble(Session *session, const AssembleJob *job, Assembled *out);
/* An assembler of several kernels at once: a ptxas for each. */
typedef struct ParallelAssembler {
    const char *ptxas, *target; /* ptxas: or NULL */
    const char *folder;         /* for files, which goes with the session; or NULL */
    atomic_uint files;          /* so far */
} ParallelAssembler;
/* Without ptxas, or without a place for its files, it assembles nothing. `assembler` must outlive
 * the result. */
DeviceAssembler parallel_assembler(Session *session, const char *target,
                                   ParallelAssembler *assembler);

/* The instructions of a cubin as text, `*len` bytes. */
SessionStatus disassemble(Session *session, const Assembled *assembled, const char **sass,
                          size_t *len);

#endif
