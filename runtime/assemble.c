/* assemble.c -- runs ptxas, nvdisasm and cuobjdump, and reads what they say.
 *
 * Files go to the session's temporary folder, which session_guard() removes however a session ends.
 * What ptxas says is read line by line (CUDA Binary Utilities; "PTX Compiler APIs" documents the
 * same log):
 *
 *     ptxas /tmp/k.ptx, line 70; error   : Unknown modifier '.foo'
 *     ptxas info    : Used 26 registers, used 0 barriers, 4096 bytes smem
 *     0 bytes stack frame, 16 bytes spill stores, 24 bytes spill loads
 *
 * A line of PTX belongs to the `.loc` directive above it, that to the operation of the laid kernel
 * which begins there, and so a complaint of ptxas to a range of the source.
 */
#include "runtime/assemble.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/session_internal.h"
#include "support/io.h"
#include "support/process.h"

enum { MAX_LOG_BYTES = 16 << 20, MAX_CUBIN_BYTES = 256 << 20, MAX_COMPLAINTS = 5 };

#define CUDA_BIN "/usr/local/cuda/bin"

/* ---- finding and running the programs ----------------------------------------------------------
 */

/* `own` if that is set, else what the folders have. */
static const char *find_program(Session *session, const char *own, const char *name) {
    const ToolPlaces *places = &session->options.tools;
    Arena *arena = session->arena;
    if (own != NULL)
        return program_exists(own) ? own : NULL;
    const char *path = arena_printf(arena, "%s:%s%s:%s", places->path != NULL ? places->path : "",
                                    places->cuda_home != NULL ? places->cuda_home : "",
                                    places->cuda_home != NULL ? "/bin" : "", CUDA_BIN);
    return program_find(arena, name, path);
}

const char *assembler_path(Session *session) {
    return find_program(session, session->options.tools.ptxas, "ptxas");
}

static const char *find_nvdisasm(Session *session) {
    return find_program(session, session->options.tools.nvdisasm, "nvdisasm");
}

/* If nvdisasm was named, nothing stands in for it. */
static const char *find_cuobjdump(Session *session) {
    bool named = session->options.tools.nvdisasm != NULL;
    return named ? NULL : find_program(session, NULL, "cuobjdump");
}

const char *disassembler_path(Session *session) {
    const char *nvdisasm = find_nvdisasm(session);
    return nvdisasm != NULL ? nvdisasm : find_cuobjdump(session);
}

static SessionStatus report_missing(Session *session, const char *name, const char *wanted_by,
                                    const char *variable, const char *own) {
    Diag *diag = diag_report(session->diags, DIAG_CODEGEN_TOOL_MISSING, SRC_NONE, name, wanted_by);
    if (own != NULL)
        diag_note(diag, SRC_NONE, "%s is `%s`, which is no program", variable, own);
    else
        diag_note(diag, SRC_NONE, "looked for in PATH, $CUDA_HOME/bin and %s", CUDA_BIN);
    diag_help(diag, "install the CUDA toolkit, or set %s to the program", variable);
    return STATUS_NO_DEVICE;
}

/* A path in the session's temporary folder; NULL (reported) if there can be none. */
static const char *temp_file(Session *session, const char *name) {
    const char *folder = session_temp_dir(session);
    return folder == NULL ? NULL : arena_printf(session->arena, "%s/%s", folder, name);
}

static SessionStatus report_failed(Session *session, const char *program, const char *why) {
    diag_report(session->diags, DIAG_CODEGEN_TOOL_FAILED, SRC_NONE, program, why);
    return STATUS_NO_DEVICE;
}

/* Runs a program to its end; STATUS_OK if it ended by itself, whatever its status. */
static SessionStatus run_program(Session *session, const char *const *args, const char *out,
                                 const char *err, ProcessEnd *end) {
    bool ran = process_run(session->arena, args, out, err, end);
    const volatile sig_atomic_t *cancel = session->options.cancel;
    if (cancel != NULL && *cancel != 0)
        return STATUS_INTERRUPTED;
    if (!ran)
        return report_failed(session, args[0], end->error);
    if (end->signal != 0)
        return report_failed(session, args[0],
                             arena_printf(session->arena, "signal %d ended it", end->signal));
    return STATUS_OK;
}

/* A file that a program wrote; NULL (reported) if it did not. */
static const char *read_result(Session *session, const char *program, const char *path, size_t max,
                               size_t *len) {
    const char *error;
    const char *data = io_read_file(session->arena, path, max, len, &error);
    if (data == NULL)
        report_failed(session, program, arena_printf(session->arena, "no result: %s", error));
    return data;
}

/* ---- complaints --------------------------------------------------------------------------------
 */

/* Where a line of PTX comes from: what the `.loc` above it says. line 0: nothing above it. */
typedef struct PtxOrigin {
    unsigned file, line, column; /* file: the number of a `.file` directive */
    const char *text;            /* the line of PTX itself */
    size_t text_len;
} PtxOrigin;

static PtxOrigin find_origin(const char *ptx, unsigned long wanted) {
    PtxOrigin origin = {0};
    for (unsigned long number = 1; *ptx != '\0'; number++) {
        size_t len = strcspn(ptx, "\n");
        const char *word = ptx + strspn(ptx, " \t");
        if (str_starts(word, ".loc")) {
            char *rest;
            origin.file = (unsigned)strtoul(word + strlen(".loc"), &rest, 10);
            origin.line = (unsigned)strtoul(rest, &rest, 10);
            origin.column = (unsigned)strtoul(rest, NULL, 10);
        }
        if (number == wanted) {
            origin.text = word;
            origin.text_len = len - (size_t)(word - ptx);
            return origin;
        }
        ptx += len + (ptx[len] == '\n');
    }
    return origin;
}

/* The source that `.file NUMBER "NAME"` names; NULL: none of this session's. */
static const SrcFile *find_file(const Session *session, const char *ptx, unsigned number) {
    const SrcFile *file;
    for (uint32_t id = 1; (file = sources_file(session->sources, id)) != NULL; id++) {
        const char *directive =
            arena_printf(session->arena, ".file\t%u \"%s\"", number, file->name);
        if (strstr(ptx, directive) != NULL)
            return file;
    }
    return NULL;
}

typedef struct OpSearch {
    const SrcFile *file;
    const PtxOrigin *origin;
    SrcRange found;
} OpSearch;

static bool match_op(IrOp *op, void *data) {
    OpSearch *search = data;
    if (op->range.file != search->file->id)
        return true;
    SrcPos pos = source_pos(search->file, op->range.lo);
    if (pos.line != search->origin->line || pos.column != search->origin->column)
        return true;
    search->found = op->range;
    return false;
}

/* The range of the operation that a line of PTX was made from; the kernel's if it is not known. */
static SrcRange find_range(const Session *session, const Compiled *compiled,
                           const PtxOrigin *origin) {
    const IrKernel *kernel = compiled->laid->kernels.data[0];
    OpSearch search = {.file = find_file(session, compiled->code.ptx, origin->file),
                       .origin = origin,
                       .found = kernel->range};
    if (origin->line > 0 && search.file != NULL)
        ir_walk(kernel->body, match_op, &search);
    return search.found;
}

/* `ptxas FILE, line N; error   : TEXT`: N and TEXT; false if the line is something else. */
static bool read_complaint(const char *line, size_t len, unsigned long *number, const char **text) {
    static const char word[] = ", line ";
    char *rest = NULL;
    for (const char *at = line; at + sizeof word < line + len && rest == NULL; at++)
        if (str_starts(at, word))
            *number = strtoul(at + strlen(word), &rest, 10);
    if (rest == NULL || *rest != ';')
        return false;
    const char *colon = memchr(rest, ':', (size_t)(line + len - rest));
    *text = colon == NULL ? NULL : colon + 1 + strspn(colon + 1, " ");
    return colon != NULL;
}

/* One diagnostic for all that ptxas says is wrong, at the source of the first complaint. */
static SessionStatus report_complaints(Session *session, const AssembleJob *job, const char *log) {
    const Compiled *compiled = job->compiled;
    Diag *diag = NULL;
    unsigned count = 0;
    const char *all = log;
    for (size_t len; *log != '\0'; log += len + (log[len] == '\n')) {
        unsigned long number = 0;
        const char *text = "";
        len = strcspn(log, "\n");
        if (!read_complaint(log, len, &number, &text) || count++ >= MAX_COMPLAINTS)
            continue;
        PtxOrigin origin = find_origin(compiled->code.ptx, number);
        SrcRange range = find_range(session, compiled, &origin);
        if (diag == NULL)
            diag = diag_report(session->diags, DIAG_CODEGEN_PTXAS, range, compiled->code.entry,
                               job->target);
        diag_note(diag, range, "PTX line %lu: %.*s: %.*s", number, (int)(log + len - text), text,
                  (int)origin.text_len, origin.text == NULL ? "" : origin.text);
    }
    if (diag == NULL) {
        diag =
            diag_report(session->diags, DIAG_CODEGEN_PTXAS, compiled->laid->kernels.data[0]->range,
                        compiled->code.entry, job->target);
        diag_note(diag, SRC_NONE, "%.*s", (int)strcspn(all, "\n"), all);
    }
    if (count > MAX_COMPLAINTS)
        diag_note(diag, SRC_NONE, "and %u more", count - MAX_COMPLAINTS);
    diag_help(diag, "--emit=ptx shows the PTX");
    return STATUS_FAILED;
}

/* ---- ptxas -------------------------------------------------------------------------------------
 */

/* The number in front of `word` in the log, as in "26 registers"; 0 if the word is not there. */
static unsigned number_before(const char *log, const char *word) {
    const char *at = strstr(log, word);
    if (at == NULL)
        return 0;
    const char *digits = at;
    while (digits > log && digits[-1] >= '0' && digits[-1] <= '9')
        digits--;
    return (unsigned)strtoul(digits, NULL, 10);
}

SessionStatus assemble(Session *session, const AssembleJob *job, Assembled *out) {
    Arena *arena = session->arena;
    *out = (Assembled){0};
    const char *ptxas = assembler_path(session);
    if (ptxas == NULL)
        return report_missing(session, "ptxas", job->wanted_by, "TKC_PTXAS",
                              session->options.tools.ptxas);
    const char *ptx = temp_file(session, "kernel.ptx"), *error;
    if (ptx == NULL)
        return STATUS_FAILED;
    const char *cubin = temp_file(session, "kernel.cubin");
    const char *said = temp_file(session, "ptxas.out"), *wrong = temp_file(session, "ptxas.err");
    const CodegenOutput *code = &job->compiled->code;
    if (!io_write_file(arena, ptx, code->ptx, code->ptx_len, &error)) {
        diag_report(session->diags, DIAG_FILE_UNWRITABLE, SRC_NONE,
                    arena_printf(arena, "%s: %s", ptx, error));
        return STATUS_FAILED;
    }
    const char *arch = arena_printf(arena, "-arch=%s", job->target);
    const char *args[] = {ptxas, "-v", "-lineinfo", arch, "-o", cubin, ptx, NULL};
    ProcessEnd end;
    SessionStatus status = run_program(session, args, said, wrong, &end);
    if (status != STATUS_OK)
        return status;
    size_t said_len, wrong_len;
    const char *info = read_result(session, ptxas, said, MAX_LOG_BYTES, &said_len);
    const char *log = read_result(session, ptxas, wrong, MAX_LOG_BYTES, &wrong_len);
    if (info == NULL || log == NULL)
        return STATUS_NO_DEVICE;
    log = arena_printf(arena, "%s%s", log, info);
    if (end.status != 0)
        return report_complaints(session, job, log);
    out->registers = number_before(log, " registers");
    out->spill_store_bytes = number_before(log, " bytes spill stores");
    out->spill_load_bytes = number_before(log, " bytes spill loads");
    out->cubin = read_result(session, ptxas, cubin, MAX_CUBIN_BYTES, &out->cubin_len);
    return out->cubin != NULL ? STATUS_OK : STATUS_NO_DEVICE;
}

/* What is wrong with the PTX, the driver will say: it gets it if this fails. */
static const char *assemble_beside(void *data, Arena *arena, const DeviceCode *code, size_t *len) {
    ParallelAssembler *assembler = data;
    if (assembler->folder == NULL)
        return NULL;
    unsigned number = atomic_fetch_add(&assembler->files, 1);
    const char *stem = arena_printf(arena, "%s/together%u", assembler->folder, number), *error;
    const char *ptx = arena_printf(arena, "%s.ptx", stem);
    const char *cubin = arena_printf(arena, "%s.cubin", stem);
    const char *args[] = {assembler->ptxas,
                          "-lineinfo",
                          arena_printf(arena, "-arch=%s", assembler->target),
                          "-o",
                          cubin,
                          ptx,
                          NULL};
    ProcessEnd end;
    if (!io_write_file(arena, ptx, code->ptx, code->ptx_len, &error) ||
        !process_run(arena, args, arena_printf(arena, "%s.out", stem),
                     arena_printf(arena, "%s.err", stem), &end) ||
        end.status != 0)
        return NULL;
    return io_read_file(arena, cubin, MAX_CUBIN_BYTES, len, &error);
}

DeviceAssembler parallel_assembler(Session *session, const char *target,
                                   ParallelAssembler *assembler) {
    *assembler = (ParallelAssembler){.ptxas = assembler_path(session), .target = target};
    if (assembler->ptxas != NULL)
        assembler->folder = session_try_temp_dir(session);
    return (DeviceAssembler){.data = assembler, .assemble = assemble_beside};
}

/* ---- nvdisasm, cuobjdump -----------------------------------------------------------------------
 */

SessionStatus disassemble(Session *session, const Assembled *assembled, const char **sass,
                          size_t *len) {
    Arena *arena = session->arena;
    const char *nvdisasm = find_nvdisasm(session), *cuobjdump = find_cuobjdump(session);
    if (nvdisasm == NULL && cuobjdump == NULL)
        return report_missing(session, "nvdisasm", "--emit=sass", "TKC_NVDISASM",
                              session->options.tools.nvdisasm);
    const char *cubin = temp_file(session, "sass.cubin"), *error;
    if (cubin == NULL)
        return STATUS_FAILED;
    if (!io_write_file(arena, cubin, assembled->cubin, assembled->cubin_len, &error)) {
        diag_report(session->diags, DIAG_FILE_UNWRITABLE, SRC_NONE,
                    arena_printf(arena, "%s: %s", cubin, error));
        return STATUS_FAILED;
    }
    const char *out = temp_file(session, "sass.out"), *err = temp_file(session, "sass.err");
    const char *with_lines[] = {nvdisasm, "-c", "-g", cubin, NULL};
    const char *plain[] = {cuobjdump, "-sass", cubin, NULL};
    const char *const *args = nvdisasm != NULL ? with_lines : plain;
    ProcessEnd end;
    SessionStatus status = run_program(session, args, out, err, &end);
    if (status != STATUS_OK)
        return status;
    if (end.status != 0) {
        size_t said;
        const char *log = read_result(session, args[0], err, MAX_LOG_BYTES, &said);
        return report_failed(session, args[0],
                             arena_printf(arena, "exit status %d: %.*s", end.status,
                                          log == NULL ? 0 : (int)strcspn(log, "\n"), log));
    }
    *sass = read_result(session, args[0], out, MAX_CUBIN_BYTES, len);
    return *sass != NULL ? STATUS_OK : STATUS_NO_DEVICE;
}
