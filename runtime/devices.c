/* devices.c -- opens the device that kernels run on.
 *
 * The cpu device interprets tile IR; the others run PTX, which comes from the compiler of
 * runtime/compile.h by way of the compile cache. Code is generated for what the device is: for the
 * emulator, the oldest target that it knows.
 */
#include "runtime/devices.h"

#include <inttypes.h>
#include <sys/stat.h>

#include "runtime/cuda/cuda_device.h"
#include "runtime/emu/emu_device.h"
#include "version.h"

#define EMU_TARGET "sm_80"

/* ---- the compiler ---------------------------------------------------------------------------- */

/* The best target of codegen/ for a GPU of that compute capability, or NULL. */
static const char *target_of(const DeviceProps *props) {
    unsigned wanted = (unsigned)(props->major * 10 + props->minor);
    size_t count;
    const CodegenTarget *targets = codegen_targets(&count);
    const char *best = NULL;
    for (size_t i = 0; i < count; i++) {
        unsigned arch = codegen_target_arch(&targets[i]);
        bool specific = !str_eq(targets[i].name, "") && str_ends(targets[i].name, "a");
        if (specific ? arch == wanted : arch <= wanted)
            best = targets[i].name;
    }
    return best;
}

static void set_target(Session *session, OpenDevice *open, const char *target) {
    open->compile.target = target;
    struct stat self = {0};
    stat("/proc/self/exe", &self); /* builds of one version differ, too */
    open->cached.salt =
        arena_printf(session->arena, "%s tkc %s %" PRIdMAX ".%09ld %" PRIdMAX " LLVM %s", target,
                     TKC_VERSION, (intmax_t)self.st_mtim.tv_sec, self.st_mtim.tv_nsec,
                     (intmax_t)self.st_size, codegen_llvm_version(session->arena));
}

static void make_compiler(Session *session, OpenDevice *open) {
    open->compile = (CompileOptions){.target = EMU_TARGET, .line_info = true};
#ifndef NDEBUG
    open->compile.passes.verify_each = true;
#endif
    open->cache = cache_open(session->arena, session->options.cache_dir, CACHE_MAX_BYTES);
    open->cached =
        (CachedCompiler){.inner = compile_for_device(&open->compile), .cache = open->cache};
    set_target(session, open, EMU_TARGET);
    open->compiler = compiler_cached(&open->cached);
}

/* ---- devices --------------------------------------------------------------------------------- */

static bool open_cuda(Session *session, OpenDevice *open) {
    make_compiler(session, open);
    CudaConfig config = {.compiler = &open->compiler, .assembler = &open->assembler};
    open->device = device_cuda_create(&session->oom, session->diags, &config);
    if (open->device == NULL)
        return false;
    const char *target = target_of(&open->device->props);
    if (target == NULL) {
        Diag *diag =
            diag_report(session->diags, DIAG_DEVICE_OLD, SRC_NONE, open->device->props.name,
                        open->device->props.major, open->device->props.minor);
        diag_help(diag, "`--device=cpu` runs the program on the checking interpreter");
        return false;
    }
    set_target(session, open, target);
    open->assembler = parallel_assembler(session, target, &open->assemblers);
    return true;
}

/* A GPU if there is one; why there is none does not matter here. */
static bool open_if_there(Session *session, OpenDevice *open) {
    size_t reported = diags_len(session->diags);
    if (open_cuda(session, open))
        return true;
    diags_truncate(session->diags, reported);
    devices_close(open);
    return false;
}

bool devices_open(Session *session, DeviceKind kind, OpenDevice *open) {
    *open = (OpenDevice){0};
    switch (kind) {
    case DEVICE_AUTO:
        if (open_if_there(session, open))
            return true;
        open->device = device_cpu_create(&session->oom);
        return true;
    case DEVICE_CPU:
        open->device = device_cpu_create(&session->oom);
        return true;
    case DEVICE_EMU:
        make_compiler(session, open);
        open->device = device_emu_create(&session->oom, &open->compiler);
        return true;
    case DEVICE_CUDA:
        return open_cuda(session, open);
    }
    return false;
}

void devices_close(OpenDevice *open) {
    if (open->device != NULL)
        open->device->ops->destroy(open->device);
    *open = (OpenDevice){0};
}
