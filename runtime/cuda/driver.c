/* driver.c -- finds the CUDA driver and the functions of driver.def in it.
 *
 * What: dlopen of libcuda.so.1, dlsym of each row, cuInit. Why: the one binary of tkc runs on
 * machines with and without a GPU. How: the table's fields have the prototypes of the rows, so that
 * calls are checked by the C compiler; a missing function means a driver older than CUDA 11.8, from
 * which cuLaunchKernelEx dates.
 *
 *     tkc run --device=cuda k.tk
 *     error: the CUDA driver cannot be loaded: libcuda.so.1: cannot open shared object file
 * [TK1000]
 */
#include "runtime/cuda/driver.h"

#include <dlfcn.h>
#include <string.h>

#define DRIVER_LIBRARY "libcuda.so.1"
#define CPU_ADVICE     "`--device=cpu` runs the program on the checking interpreter"

typedef struct Symbol {
    const char *name;
    size_t offset; /* of the field in CudaDriver */
} Symbol;

static const Symbol symbols[] = {
#define CUDA_FN(symbol, field, parameters) {#symbol, offsetof(CudaDriver, field)},
#include "runtime/cuda/driver.def"
};

/* The name of the first function that is missing, or NULL. POSIX lets a pointer to a function be
 * copied out of a void *, C only as bytes. */
static const char *find_functions(CudaDriver *driver) {
    for (size_t i = 0; i < TK_COUNTOF(symbols); i++) {
        void *address = dlsym(driver->library, symbols[i].name);
        if (address == NULL)
            return symbols[i].name;
        memcpy((char *)driver + symbols[i].offset, &address, sizeof address);
    }
    return NULL;
}

/* The version is asked for without the table: an old driver lacks other functions, not this one. */
static int library_version(void *library) {
    CudaResult (*get)(int *version);
    void *address = dlsym(library, "cuDriverGetVersion");
    int version = 0;
    if (address != NULL) {
        memcpy(&get, &address, sizeof get);
        get(&version);
    }
    return version;
}

static bool refuse_old(CudaDriver *driver, const char *missing, Diags *diags) {
    Diag *diag = diag_report(diags, DIAG_CUDA_DRIVER_OLD, SRC_NONE, driver->version / 1000,
                             driver->version % 1000 / 10, "tkc needs 11.8 or newer");
    diag_note(diag, SRC_NONE, "it has no function %s", missing);
    diag_help(diag, CPU_ADVICE);
    cuda_driver_unload(driver);
    return false;
}

static bool refuse_no_device(CudaDriver *driver, CudaResult result, Diags *diags) {
    Diag *diag = diag_report(diags, DIAG_CUDA_NO_DEVICE, SRC_NONE, driver->version / 1000,
                             driver->version % 1000 / 10, cuda_error_text(driver, result));
    diag_help(diag, CPU_ADVICE);
    cuda_driver_unload(driver);
    return false;
}

bool cuda_driver_load(CudaDriver *driver, const char *library, Diags *diags) {
    *driver = (CudaDriver){0};
    driver->library = dlopen(library == NULL ? DRIVER_LIBRARY : library, RTLD_NOW | RTLD_LOCAL);
    if (driver->library == NULL) {
        Diag *diag = diag_report(diags, DIAG_CUDA_NO_DRIVER, SRC_NONE, dlerror());
        diag_help(diag, CPU_ADVICE);
        return false;
    }
    driver->version = library_version(driver->library);
    const char *missing = find_functions(driver);
    if (missing != NULL)
        return refuse_old(driver, missing, diags);
    CudaResult result = driver->init(0);
    return result == CUDA_SUCCESS || refuse_no_device(driver, result, diags);
}

/* The library stays loaded: once cuInit ran it has threads of its own that must find their code. */
void cuda_driver_unload(CudaDriver *driver) {
    *driver = (CudaDriver){0};
}

const char *cuda_error_name(const CudaDriver *driver, CudaResult result) {
    const char *text = NULL;
    driver->error_name(result, &text);
    return text == NULL ? "an unknown error" : text;
}

const char *cuda_error_text(const CudaDriver *driver, CudaResult result) {
    const char *text = NULL;
    driver->error_string(result, &text);
    return text == NULL ? cuda_error_name(driver, result) : text;
}
