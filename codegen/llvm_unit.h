/* llvm_unit.h -- one LLVM module on its way to PTX text; LLVM's own ways of giving up are caught.
 *
 * Internal to codegen/. A unit has a context of its own, whose errors land in the unit; what LLVM
 * would end the process for (report_fatal_error: an instruction that cannot be selected, broken
 * inline assembly) comes back as a failed unit, whose context is then abandoned: its state is not
 * to be trusted, not even for freeing it.
 */
#ifndef TKC_CODEGEN_LLVM_UNIT_H
#define TKC_CODEGEN_LLVM_UNIT_H

#include <stdbool.h>
#include <stddef.h>

#include <llvm-c/Types.h>

typedef struct LlvmUnit {
    LLVMContextRef context;
    LLVMModuleRef module;
    bool failed;     /* LLVM reported an error: see `error` */
    bool abandoned;  /* in a way that leaves the context unusable */
    char error[512]; /* the first one */
} LlvmUnit;

/* What to emit for, and how. */
typedef struct LlvmEmission {
    const char *cpu;      /* "sm_90a" */
    const char *features; /* "+ptx80" */
    bool optimise;        /* run the middle end */
    bool verify;          /* check the module first */
} LlvmEmission;

/* An empty module for NVPTX. Close it when done. */
void llvm_unit_open(LlvmUnit *unit, const char *name);
/* A module from LLVM's textual form; false if that has errors (then unit->error tells). */
bool llvm_unit_parse(LlvmUnit *unit, const char *name, const char *text, size_t len);
/* Frees everything, unless LLVM gave up inside it. */
void llvm_unit_close(LlvmUnit *unit);

/* The module as text; free with LLVMDisposeMessage. */
char *llvm_unit_text(const LlvmUnit *unit);
/* Optimises the module. False: unit->error. */
bool llvm_unit_optimise(LlvmUnit *unit, const LlvmEmission *emission);
/* PTX text; dispose of the buffer with LLVMDisposeMemoryBuffer. NULL: unit->error. */
LLVMMemoryBufferRef llvm_unit_emit(LlvmUnit *unit, const LlvmEmission *emission);

#endif
