/* cmd_doctor.c -- `tkc doctor`: what this machine and this tkc can do. */
#include <unistd.h>

#include "codegen/codegen.h"
#include "runtime/assemble.h"
#include "runtime/cuda/cuda_device.h"
#include "support/io.h"
#include "tools/commands.h"
#include "tools/lesson_catalog.h"

static void put_folder(FILE *out, const char *what, const char *folder) {
    fprintf(out, "%s: %s%s\n", what, folder, io_is_dir(folder) ? "" : " (not there)");
}

static void put_program(FILE *out, const char *what, const char *path) {
    fprintf(out, "%s: %s\n", what, path != NULL ? path : "not found; PTX does not need it");
}

static void put_targets(FILE *out, Arena *arena) {
    size_t count;
    const CodegenTarget *targets = codegen_targets(&count);
    fprintf(out, "LLVM: %s\ntargets:", codegen_llvm_version(arena));
    for (size_t i = 0; i < count; i++) {
        fprintf(out, " %s", targets[i].name);
    }
    putc('\n', out);
}

SessionStatus cmd_doctor(const Command *command) {
    FILE *out = command->out;
    const SessionOptions *options = command->session_options;
    cmd_version(out);
    fprintf(out, "processors: %ld\n", sysconf(_SC_NPROCESSORS_ONLN));
    fprintf(out, "memory: %ld MiB\n",
            sysconf(_SC_PHYS_PAGES) / 1024 * (sysconf(_SC_PAGESIZE) / 1024));
    const char *gpu;
    bool has_gpu = device_cuda_probe(session_arena(command->session), 0, &gpu);
    fprintf(out,
            "device cpu: ready (checking interpreter%s)\n"
            "device emu: ready (executes the PTX, counts memory accesses)\n"
            "device cuda: %s%s%s\n",
            has_gpu ? "" : "; the default", has_gpu ? "ready (" : "", gpu,
            has_gpu ? "; the default)" : "");
    put_program(out, "ptxas (--emit=cubin)", assembler_path(command->session));
    put_program(out, "nvdisasm or cuobjdump (--emit=sass)", disassembler_path(command->session));
    put_targets(out, session_arena(command->session));
    if (options->cache_dir != NULL) {
        put_folder(out, "compiled code", options->cache_dir);
    }
    for (size_t i = 0; i < options->num_import_dirs; i++) {
        put_folder(out, "import folder", options->import_dirs[i]);
    }
    const Catalog *lessons = catalog_embedded(session_arena(command->session));
    fprintf(out, "lessons: %zu, with %zu exercises (`tkc lesson`)\n", lessons->lessons.len,
            lessons->num_exercises);
    return STATUS_OK;
}
