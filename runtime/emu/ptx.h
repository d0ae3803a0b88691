/* ptx.h -- a PTX file as it is written: declarations, and functions as arrays of instructions.
 *
 * What the reader (ptx_parser.y, ptx_build.c) makes and decode.c turns into something that runs.
 * Opcodes and modifiers are still words here; registers are numbers, labels are instruction
 * numbers. Nothing of it depends on the machine that executes it.
 *
 *     Arena *arena = ...;
 *     PtxModule *module = ptx_read(arena, diags, text, len, "add.ptx");   // NULL: reported
 */
#ifndef TKC_RUNTIME_EMU_PTX_H
#define TKC_RUNTIME_EMU_PTX_H

#include "support/diag.h"
#include "support/map.h"
#include "support/str.h"

typedef enum PtxType {
#define PTX_TYPE(name, text, bytes, kind) PTX_##name,
#include "runtime/emu/ptx_types.def"
#undef PTX_TYPE
    PTX_TYPE_COUNT
} PtxType;

typedef enum PtxKind {
    PTX_IS_PRED,
    PTX_IS_BITS,
    PTX_IS_UNSIGNED,
    PTX_IS_SIGNED,
    PTX_IS_FLOAT,
    PTX_IS_PACKED
} PtxKind;

typedef struct PtxTypeInfo {
    const char *text;
    unsigned bytes;
    PtxKind kind;
} PtxTypeInfo;
extern const PtxTypeInfo ptx_types[PTX_TYPE_COUNT];
/* By its name without the dot; PTX_TYPE_COUNT if it is none. */
PtxType ptx_type_from_text(const char *text);

typedef enum PtxSpace { PTX_GLOBAL, PTX_SHARED, PTX_LOCAL, PTX_CONST, PTX_PARAM } PtxSpace;

/* One place in the source program that PTX was made from (a .loc directive). */
typedef struct PtxLoc {
    unsigned file, line, column;          /* file 0: none */
    unsigned at_file, at_line, at_column; /* where it was inlined; at_file 0: nowhere */
} PtxLoc;

typedef enum PtxOperandKind {
    PTX_OP_REG,     /* reg; `component` for %v.x is not supported */
    PTX_OP_NAME,    /* name: a variable, a label, a special register such as %tid.x, `_` */
    PTX_OP_INT,     /* bits: a 64-bit integer, sign-extended */
    PTX_OP_F32,     /* bits: 0fXXXXXXXX */
    PTX_OP_F64,     /* bits: 0dXXXXXXXXXXXXXXXX, or a decimal number */
    PTX_OP_ADDRESS, /* [items[0] + offset], or [items[0], items[1]...] of tensor copies */
    PTX_OP_VECTOR,  /* {items...} */
    PTX_OP_PAIR,    /* items[0] | items[1] */
    PTX_OP_LIST     /* (items...), of calls */
} PtxOperandKind;

typedef struct PtxOperand {
    PtxOperandKind kind;
    bool negated; /* !%p */
    unsigned reg;
    Sym name;
    uint64_t bits;
    int64_t offset;
    struct PtxOperand *items;
    unsigned num_items;
    SrcRange range;
} PtxOperand;

typedef struct PtxInst {
    Sym opcode;
    Sym *mods; /* without their dots */
    unsigned num_mods;
    PtxOperand *operands;
    unsigned num_operands;
    bool guarded, guard_negated;
    unsigned guard; /* register */
    unsigned loc;   /* index into PtxFunction.locs; 0: none */
    SrcRange range;
} PtxInst;

typedef struct PtxReloc { /* the address of a variable inside of initial data */
    Sym name;
    size_t offset;
    int64_t addend;
    unsigned bytes;
} PtxReloc;

typedef struct PtxVar {
    Sym name;
    PtxSpace space;
    PtxType type;
    size_t align, size; /* bytes; size 0: as large as the launch says (.extern .shared x[]) */
    bool is_extern, is_array, is_pointer;
    uint8_t *init; /* `size` bytes, or NULL */
    VEC(PtxReloc) relocs;
    SrcRange range;
} PtxVar;
typedef VEC(PtxVar) PtxVars;

typedef struct PtxReg {
    Sym name;
    PtxType type;
} PtxReg;

typedef struct PtxTargets { /* NAME: .branchtargets L1, L2, ...; */
    Sym name;
    Sym *labels;
    unsigned count;
} PtxTargets;

typedef struct PtxFunction {
    Sym name;
    bool is_entry, has_body;
    PtxVars params, results;
    PtxVars vars; /* .local, .shared and .param variables of the body */
    VEC(PtxReg) regs;
    VEC(PtxInst) insts;
    VEC(PtxLoc) locs; /* [0] is no place */
    Map labels;       /* name -> instruction index + 1, as a pointer */
    VEC(PtxTargets) targets;
    unsigned reqntid[3], maxntid[3]; /* 0: not given */
    SrcRange range;
} PtxFunction;

typedef struct PtxModule {
    Arena *arena;
    StrTab *names;
    const SrcFile *file; /* the PTX text */
    const char *name;
    unsigned version;        /* 10 * major + minor */
    Sym target;              /* "sm_90a" */
    VEC(const char *) files; /* by their number in .file; NULL: no such number */
    PtxVars vars;
    VEC(PtxFunction *) functions;
} PtxModule;

/* Reads a whole file. NULL: it is no PTX that the reader knows, reported to `diags` (whose source
 * set, if it has one, gets the text as a file called `name`). */
PtxModule *ptx_read(Arena *arena, Diags *diags, const char *text, size_t len, const char *name);
/* Index of the instruction behind a label, or -1. */
int64_t ptx_label(const PtxFunction *function, Sym name);
/* The instruction as written: "add.s32". */
const char *ptx_inst_text(Arena *arena, const PtxInst *inst);
/* Puts `inst`'s instruction text apart: does it have the modifier? */
bool ptx_has_mod(const PtxInst *inst, const char *mod);

#endif
