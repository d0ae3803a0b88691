/* llvm_text.c -- PTX from LLVM IR text, through the same steps that kernels take. */
#include <string.h>

#include <llvm-c/Core.h>

#include "codegen/llvm_text.h"
#include "codegen/llvm_unit.h"

const char *llvm_text_to_ptx(Arena *arena, const char *text, const char *cpu, const char *features,
                             const char **error) {
    LlvmEmission emission = {.cpu = cpu, .features = features, .optimise = true, .verify = true};
    LlvmUnit unit;
    const char *ptx = NULL;
    LLVMMemoryBufferRef buffer = NULL;
    if (llvm_unit_parse(&unit, "text", text, strlen(text)) && llvm_unit_optimise(&unit, &emission))
        buffer = llvm_unit_emit(&unit, &emission);
    if (buffer != NULL) {
        ptx = arena_strndup(arena, LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer));
        LLVMDisposeMemoryBuffer(buffer);
    }
    *error = unit.failed ? arena_strdup(arena, unit.error) : NULL;
    llvm_unit_close(&unit);
    return ptx;
}
