/* program.h -- a program in a session: its device memory, its threads, its Python context. */
#ifndef TKC_RUNTIME_PROGRAM_H
#define TKC_RUNTIME_PROGRAM_H

#include "frontend/jit.h"
#include "runtime/devices.h"
#include "runtime/host/host.h"
#include "runtime/host/launch.h"
#include "runtime/session_internal.h"

typedef struct Program {
    Session *session;
    const Module *module;
    ThreadPool *pool;
    OpenDevice open; /* kernels run on its device, tensors live in that one's memory */
    TorchState *torch;
    PyCtx *py;
    LaunchState *launch;   /* NULL: kernels are only compiled */
    LaunchBuilder builder; /* for tkc.build */
    bool has_host;
} Program;

/* What a program is opened for. */
typedef struct ProgramOptions {
    const char *const *args; /* sys.argv */
    size_t num_args;
    bool launches; /* false: nothing is run */
    DeviceKind device;
    bool keep_tile;           /* keep the IR of every specialisation launched */
    const LaunchWatch *watch; /* or NULL */
    FILE *out;                /* where the program prints */
} ProgramOptions;

/* Makes what the execution of a parsed program needs. False: the device cannot be used, reported.
 * `program` must be closed in any case, also when memory ran out in the middle. */
bool program_open(Program *program, Session *session, const Module *module,
                  const ProgramOptions *options);
void program_close(Program *program);
/* Runs it as __main__. */
SessionStatus program_run(Program *program);

typedef VEC(const JitFn *) JitVec;
/* The jit functions that the file defines at module level, without running it. */
JitVec program_kernels(Program *program);
/* The one of that name; NULL (reported, with a suggestion) if there is none. */
const JitFn *program_find_kernel(Program *program, const JitVec *kernels, const char *name);

#endif
