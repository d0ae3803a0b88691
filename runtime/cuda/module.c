/* module.c -- PTX text to a function on the device.
 *
 * The driver's linker compiles the PTX to machine code for this GPU (a cubin), which the cache
 * keeps: the driver takes 20 to 200 ms for a kernel, loading a cubin less than one. cuLink is used
 * instead of loading the PTX as a module because only it hands the cubin out. What its compiler
 * has to say comes as a log whose lines name lines of the PTX; `.loc` directives lead from there to
 * lines of the program.
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

static void report_jit(CudaDevice *device, Arena *arena, const DeviceCode *code, SrcRange range,
                       CudaResult result, const char *log, Diags *diags) {
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

/* What the driver's linker is to compile for: unless it is told, it takes the plain architecture of
 * the GPU, for which PTX of `.target sm_90a` does not fit. 0: what it takes by itself. */
static unsigned jit_target(const char *ptx) {
    const char *target = strstr(ptx, ".target sm_");
    if (target == NULL)
        return 0;
    char *end;
    unsigned long arch = strtoul(target + strlen(".target sm_"), &end, 10);
    return *end == 'a' ? (unsigned)arch + CU_COMPUTE_ACCELERATED_TARGET_BASE : 0;
}

/* Machine code of the PTX, in `arena`; NULL: *result says why, and the driver has written to `log`,
 * which has LOG_BYTES. */
static const void *make_cubin(CudaDevice *device, Arena *arena, const DeviceCode *code, char *log,
                              size_t *size, CudaResult *result) {
    const CudaDriver *driver = &device->driver;
    char *ptx = arena_memdup(arena, code->ptx, code->ptx_len + 1, 1);
    unsigned target = jit_target(code->ptx);
    CudaJitOption options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES,
                               CU_JIT_GENERATE_LINE_INFO, CU_JIT_TARGET};
    /* The driver reads integers out of the pointers' own bits. */
    void *values[] = {log, (void *)(uintptr_t)(LOG_BYTES - 1), (void *)(uintptr_t)1,
                      (void *)(uintptr_t)target};
    unsigned num_options = TK_COUNTOF(options) - (target == 0);
    CudaLink link = NULL;
    void *made = NULL, *cubin = NULL;
    *result = driver->link_create(num_options, options, values, &link);
    if (*result == CUDA_SUCCESS)
        *result = driver->link_add(link, CU_JIT_INPUT_PTX, ptx, code->ptx_len + 1, code->entry, 0,
                                   NULL, NULL);
    if (*result == CUDA_SUCCESS)
        *result = driver->link_complete(link, &made, size);
    if (*result == CUDA_SUCCESS)
        cubin = arena_try_alloc(arena, *size, 16);
    if (cubin != NULL)
        memcpy(cubin, made, *size);
    if (link != NULL)
        driver->link_destroy(link);
    if (*result == CUDA_SUCCESS && cubin == NULL)
        oom_raise(device->oom);
    return cubin;
}

/* ---- loading --------------------------------------------------------------------------------- */

/* Keeps the module for the end; false: no memory. */
static bool keep_module(CudaDevice *device, CudaModule module) {
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

/* Loads a cubin, or PTX. */
static CudaResult load_image(CudaDevice *device, const void *image, const char *entry,
                             CudaFunction *function) {
    CudaModule module;
    CudaResult result = device->driver.module_load(&module, image, 0, NULL, NULL);
    if (result != CUDA_SUCCESS)
        return result;
    if (!keep_module(device, module)) {
        device->driver.module_unload(module);
        oom_raise(device->oom);
    }
    return device->driver.module_function(function, module, entry);
}

/* Machine code depends on the PTX, the GPU and the driver's compiler. */
static CacheKey cubin_key(const CudaDevice *device, const DeviceCode *code) {
    int facts[] = {device->driver.version, device->base.props.major, device->base.props.minor};
    CachePart parts[] = {{"cubin", 5},
                         {facts, sizeof facts},
                         {code->entry, strlen(code->entry)},
                         {code->ptx, code->ptx_len}};
    return cache_key(parts, TK_COUNTOF(parts));
}

CudaFunction cuda_load_code(CudaDevice *device, Arena *arena, const DeviceCode *code,
                            SrcRange range, Diags *diags) {
    CudaFunction function = NULL;
    CacheKey key = cubin_key(device, code);
    size_t size;
    const void *cubin = cache_get(device->cache, arena, key, &size);
    if (cubin != NULL && load_image(device, cubin, code->entry, &function) == CUDA_SUCCESS)
        return function;
    char *log = ARENA_ARRAY(arena, char, LOG_BYTES);
    CudaResult result;
    cubin = make_cubin(device, arena, code, log, &size, &result);
    if (cubin != NULL)
        result = load_image(device, cubin, code->entry, &function);
    if (result == CUDA_SUCCESS) {
        cache_put(device->cache, key, arena_printf(arena, "%s.cubin", code->entry), cubin, size);
        return function;
    }
    /* The linker may refuse what the driver takes as a module; then there is nothing to keep. */
    if (load_image(device, code->ptx, code->entry, &function) == CUDA_SUCCESS)
        return function;
    report_jit(device, arena, code, range, result, log, diags);
    return NULL;
}
