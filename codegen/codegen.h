/* codegen.h -- from laid tile IR to PTX text, through LLVM.
 *
 * The code of one thread: a tile value is the array of the elements that the thread holds by the
 * value's layout; everything else follows from that. LLVM 22 makes PTX of it. Calls are independent
 * of each other: any number of threads may generate code at once.
 *
 *     CodegenOptions options = {.target = "sm_90a", .line_info = true};
 *     CodegenOutput out;
 *     if (codegen_kernel(arena, kernel, &options, diags, &out))
 *         fwrite(out.ptx, 1, out.ptx_len, file);
 */
#ifndef TKC_CODEGEN_CODEGEN_H
#define TKC_CODEGEN_CODEGEN_H

#include "ir/ir.h"

typedef struct CodegenTarget {
    const char *name;    /* "sm_90a" */
    unsigned ptx;        /* the lowest PTX version that knows it, in tenths */
    size_t shared_limit; /* bytes of shared memory that a block can have */
    const char *cards;   /* for people */
} CodegenTarget;

/* The target called `name`, or NULL. */
const CodegenTarget *codegen_target(const char *name);
/* All of them, lowest first. */
const CodegenTarget *codegen_targets(size_t *count);
/* 90 of "sm_90a". */
unsigned codegen_target_arch(const CodegenTarget *target);
/* The same as codegen_target(), but reports an unknown one at `range`, naming those that exist. */
const CodegenTarget *codegen_require_target(const char *name, SrcRange range, Diags *diags);

typedef struct CodegenOptions {
    const char *target; /* one of targets.def */
    bool line_info;     /* .loc lines, so that tools and faults find the source line */
    bool comments;      /* source lines as comments in the PTX */
    bool quick;         /* do not let LLVM optimise before it selects instructions */
    bool keep_llvm;     /* fill in `llvm` and `llvm_optimised` */
} CodegenOptions;

/* One load, store or atomic of global memory as it was generated: for the summary of resources. */
typedef struct CodegenAccess {
    const IrOp *op;
    unsigned bytes; /* of one access of one thread */
    unsigned count; /* accesses of one thread */
    bool predicated;
} CodegenAccess;
typedef VEC(CodegenAccess) CodegenAccesses;

/* Everything is in the arena. */
typedef struct CodegenOutput {
    const char *ptx; /* ptx_len bytes and a NUL */
    size_t ptx_len;
    unsigned ptx_version; /* in tenths: the lowest that the code needs */
    const char *entry;    /* the name of the kernel in the PTX */
    const char *llvm, *llvm_optimised;
    CodegenAccesses accesses;
} CodegenOutput;

/* Generates the code of a kernel at the laid level, which ir_verify() must have passed. False if
 * that failed, which was reported: the program asks for something that no GPU or not this one has
 * (an error at the op's range), or tkc or LLVM has a bug (an internal error). */
bool codegen_kernel(Arena *arena, const IrKernel *kernel, const CodegenOptions *options,
                    Diags *diags, CodegenOutput *out);

/* The version of LLVM that is linked in: "22.1.8". */
const char *codegen_llvm_version(Arena *arena);

#endif
