/* module.c -- PTX text to a function on the device.
 *
 * The driver compiles the PTX to machine code for this GPU, and keeps that in a cache of its own.
 * (Its linker, cuLink, would hand the machine code out, so that it could be kept here; but it
 * compiles relocatable code, which takes more registers: 72 instead of 44 for a layer
 * normalisation, at a sixth of the speed.) It compiles one kernel at a time, whatever the number of
 * threads that ask; kernels that are wanted together are assembled by an assembler of the caller's,
 * if there is one. What the compiler has to say comes as a log whose lines
 * name lines of the PTX; `.loc` directives lead from there to lines of the program.
 *
 *     error: the driver cannot compile `add_kernel`: a PTX JIT compilation failed [TK1003]
 *     note: ptxas application ptx input, line 31; error : Unknown symbol 'foo'
 *     note: line 31 of the PTX comes from k.tk:9
 */
#include <stdlib.h>
#include <string.h>

#include "runtime/cuda/cuda_internal.h"
#include "support/str.h"

enum { LOG_BYTES = 16384, MAX_LOG_NOTES = 8 };

/* ---- from lines of PTX to lines of the program ----------------------------------------------- */

/* The text of line `number` (1 is the first) up to the end of the PTX; NULL if there is none. */
static const char *find_line(const char *ptx, unsigned long number) {
    for (; ptx != NULL && number > 1; number--) {
        ptx = strchr(ptx, '\n');
        ptx = ptx == NULL ? NULL : ptx + 1;
    }
    return ptx;
}

/* The name in `.file N "name"`, copied to `arena`; NULL if there is no such directive. */
static const char *file_name(Arena *arena, const char *ptx, unsigned long index) {
    const char *at = ptx;
    while ((at = strstr(at, ".file")) != NULL) {
        char *rest;
        at += strlen(".file");
        unsigned long number = strtoul(at, &rest, 10);
        if (rest != at && number == index && rest[0] != '\0' && rest[1] == '"') {
            const char *end = strchr(rest + 2, '"');
            return end == NULL ? NULL : arena_strndup(arena, rest + 2, (size_t)(end - rest - 2));
        }
    }
    return NULL;
}

/* Adds the program's line behind the nearest `.loc` at or above line `number`. */
static void note_source(Diag *diag, Arena *arena, const char *ptx, unsigned long number) {
    const char *last = NULL, *end = find_line(ptx, number + 1);
    for (const char *at = strstr(ptx, ".loc"); at != NULL && (end == NULL || at < end);
         at = strstr(at + 1, ".loc"))
        last = at;
    if (last == NULL)
        return;
    char *rest;
    unsigned long file = strtoul(last + strlen(".loc"), &rest, 10);
    unsigned long line = strtoul(rest, NULL, 10);
    const char *name = file_name(arena, ptx, file);
    if (name != NULL && line > 0)
        diag_note(diag, SRC_NONE, "line %lu of the PTX comes from %s:%lu", number, name, line);
}

/* One note a line of the log, as far as it is worth reading. */
static void note_log(Diag *diag, Arena *arena, const char *log, const char *ptx) {
    unsigned notes = 0;
    while (*log != '\0' && notes < MAX_LOG_NOTES) {
        size_t len = strcspn(log, "\n");
        const char *line = arena_strndup(arena, log, len);
        if (len > 0) {
            diag_note(diag, SRC_NONE, "%s", line);
            notes++;
            const char *number = strstr(line, "line ");
            if (number != NULL && notes == 1)
                note_source(diag, arena, ptx, strtoul(number + strlen("line "), NULL, 10));
        }
        log += len + (log[len] == '\n');
    }
}

/* ---- compiling ------------------------------------------------------------------------------- */

static void report_jit(const CudaDevice *device, Arena *arena, const DeviceCode *code,
                       SrcRange range, CudaResult result, const char *log, Diags *diags) {
    const char *text = cuda_error_text(&device->driver, result);
    if (result == CUDA_ERROR_UNSUPPORTED_PTX_VERSION) {
        const char *version = strstr(code->ptx, ".version ");
        size_t len = version == NULL ? 0 : strcspn(version, "\n");
        Diag *diag = diag_report(diags, DIAG_CUDA_DRIVER_OLD, range, device->driver.version / 1000,
                                 device->driver.version % 1000 / 10,
                                 "it does not know the version of PTX that the kernel is in");
        diag_note(diag, SRC_NONE, "the PTX of `%s` says `%s`", code->entry,
                  version == NULL ? "nothing" : arena_strndup(arena, version, len));
        diag_help(diag, "install a newer driver, or use --device=cpu");
        return;
    }
    Diag *diag = diag_report(diags, DIAG_CUDA_JIT, range, code->entry, text);
    note_log(diag, arena, log, code->ptx);
}

/* ---- loading --------------------------------------------------------------------------------- */

CudaModule cuda_load_module(const CudaDevice *device, Arena *arena, const DeviceCode *code,
                            SrcRange range, Diags *diags) {
    char *log = ARENA_ARRAY(arena, char, LOG_BYTES);
    CudaJitOption options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES,
                               CU_JIT_GENERATE_LINE_INFO};
    /* The driver reads integers out of the pointers' own bits. */
    void *values[] = {log, (void *)(uintptr_t)(LOG_BYTES - 1), (void *)(uintptr_t)1};
    CudaModule module = NULL;
    CudaResult result = device->driver.context_set(device->context); /* of this thread */
    if (result == CUDA_SUCCESS)
        result =
            device->driver.module_load(&module, code->ptx, TK_COUNTOF(options), options, values);
    if (result == CUDA_SUCCESS)
        return module;
    report_jit(device, arena, code, range, result, log, diags);
    return NULL;
}

CudaModule cuda_load_machine_code(const CudaDevice *device, const char *cubin) {
    CudaModule module = NULL;
    CudaResult result = device->driver.context_set(device->context); /* of this thread */
    if (result == CUDA_SUCCESS)
        result = device->driver.module_load(&module, cubin, 0, NULL, NULL);
    return result == CUDA_SUCCESS ? module : NULL;
}

/* False: no memory. */
static bool note_module(CudaDevice *device, CudaModule module) {
    if (device->num_modules == device->cap_modules) {
        size_t cap = device->cap_modules ? 2 * device->cap_modules : 16;
        CudaModule *grown = realloc(device->modules, cap * sizeof(CudaModule));
        if (grown == NULL)
            return false;
        device->modules = grown;
        device->cap_modules = cap;
    }
    device->modules[device->num_modules++] = module;
    return true;
}

CudaFunction cuda_keep_module(CudaDevice *device, Arena *arena, CudaModule module,
                              const DeviceCode *code, SrcRange range, Diags *diags) {
    if (!note_module(device, module)) {
        device->driver.module_unload(module);
        oom_raise(device->oom);
    }
    CudaFunction function = NULL;
    CudaResult result = device->driver.module_function(&function, module, code->entry);
    if (result == CUDA_SUCCESS)
        return function;
    report_jit(device, arena, code, range, result, "", diags);
    return NULL;
}
