/* decode.h -- from PTX instructions to what the machine executes: state and helpers of decoding. */
#ifndef TKC_RUNTIME_EMU_DECODE_H
#define TKC_RUNTIME_EMU_DECODE_H

#include "runtime/emu/machine.h"

typedef struct Placed { /* where a variable lies */
    const PtxVar *var;
    uint64_t address; /* what its name stands for */
    uint32_t row;     /* of a call's argument; else NO_ROW */
} Placed;

typedef struct Decoder {
    Arena *arena;
    Diags *diags;
    EmuModule *module;
    EmuKernel *kernel;
    const PtxFunction *function;
    const Map *elementwise; /* text -> const EltOp */
    const PtxInst *ptx;     /* being decoded, and what it becomes */
    Inst *inst;
    bool failed;
    uint32_t *reg_rows;
    uint32_t next_row, carry_row, sink_row;
    Map constants; /* width and bits -> row + 1 */
    VEC(RowInit) inits;
    Map vars; /* name -> Placed */
} Decoder;

/* Decodes one instruction; false: reported. */
typedef bool (*DecodeFn)(Decoder *d);
typedef struct Handler {
    const char *opcode;
    DecodeFn decode;
} Handler;
/* Handlers by opcode; NULL: none. */
const Handler *find_handler(const char *opcode);

/* decode.c */
bool decode_kernel(EmuModule *module, EmuKernel *kernel, const Map *elementwise, Diags *diags);
Map *decode_tables(Arena *arena);
bool decode_elementwise(Decoder *d, bool must_fit);

/* operands.c: each returns false after reporting what is wrong. */
uint32_t new_row(Decoder *d, unsigned bytes);
uint32_t constant_row(Decoder *d, unsigned bytes, uint64_t bits); /* bytes 1: a predicate */
bool unknown_instruction(Decoder *d);
bool wrong_operand(Decoder *d, const PtxOperand *operand, const char *why);
bool need_operands(Decoder *d, unsigned least, unsigned most);
/* A source or result of a type's width. */
bool source(Decoder *d, const PtxOperand *operand, PtxType type, uint32_t *row);
bool result(Decoder *d, const PtxOperand *operand, PtxType type, uint32_t *row);
/* One of any width of 2, 4 or 8 bytes, which is returned. */
bool any_source(Decoder *d, const PtxOperand *operand, PtxType type, uint32_t *row,
                unsigned *bytes);
bool any_result(Decoder *d, const PtxOperand *operand, uint32_t *row, unsigned *bytes);
/* [register + offset], [variable + offset] or [number] -> inst->a, address_bytes, offset. */
bool address(Decoder *d, const PtxOperand *operand);
/* d or d|p; *second is NO_ROW without a second one. */
bool result_pair(Decoder *d, const PtxOperand *operand, PtxType type, uint32_t *first,
                 PtxType second_type, uint32_t *second);
const Placed *find_var(const Decoder *d, Sym name);
/* Index of the modifier in a blank-separated list, or -1. */
int find_word(const char *list, const char *word);

/* flow.c: the immediate post-dominator of each instruction (NO_PC: none), an array in `arena`. */
uint32_t *post_dominators(Arena *arena, const Inst *code, size_t count);

/* decode_memory.c, decode_flow.c: handlers. */
bool decode_ld(Decoder *d);
bool decode_st(Decoder *d);
bool decode_atom(Decoder *d);
bool decode_mov(Decoder *d);
bool decode_cvt(Decoder *d);
bool decode_setp(Decoder *d);
bool decode_set(Decoder *d);
bool decode_testp(Decoder *d);
bool decode_carry(Decoder *d);
bool decode_lop3(Decoder *d);
bool decode_isspacep(Decoder *d);
bool decode_nothing(Decoder *d);
bool decode_createpolicy(Decoder *d);
bool decode_bra(Decoder *d);
bool decode_brx(Decoder *d);
bool decode_exit(Decoder *d);
bool decode_trap(Decoder *d);
bool decode_call(Decoder *d);
bool decode_bar(Decoder *d);
bool decode_shfl(Decoder *d);
bool decode_vote(Decoder *d);
bool decode_match(Decoder *d);
bool decode_activemask(Decoder *d);
bool decode_redux(Decoder *d);
bool decode_elect(Decoder *d);
/* decode_tensor.c */
bool decode_mma(Decoder *d);
bool decode_ldmatrix(Decoder *d);
bool decode_stmatrix(Decoder *d);
bool decode_cp(Decoder *d);

#endif
