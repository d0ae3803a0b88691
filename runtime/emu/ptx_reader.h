/* ptx_reader.h -- what ptx_lexer.l, ptx_parser.y and ptx_build.c share while a file is read.
 *
 * The grammar calls the functions of ptx_build.c, which fill the module. After the first error
 * nothing more is reported: PTX is written by programs, and one mistake is enough to know.
 */
#ifndef TKC_RUNTIME_EMU_PTX_READER_H
#define TKC_RUNTIME_EMU_PTX_READER_H

#include "runtime/emu/ptx.h"

/* A list in the making: operands, names or numbers. */
typedef VEC(PtxOperand) PtxOperandList;
typedef VEC(Sym) PtxNameList;
typedef PtxOperandList PtxInitList;

typedef struct PtxScope { /* the registers declared between two braces */
    Map regs;             /* name -> index + 1, as a pointer */
    struct PtxScope *outer;
} PtxScope;

/* %r<5> declares %r0 to %r4. */
typedef struct PtxRegRange {
    Sym prefix;
    unsigned first, count;
    PtxScope *scope;
} PtxRegRange;

typedef struct PtxReader {
    Arena *arena;
    Diags *diags;
    PtxModule *module;
    void *scanner;
    uint32_t file_id, offset; /* of the text in the source set; how far the scanner is */
    bool failed;
    /* the function being read */
    PtxFunction *function;
    PtxScope *scope;
    VEC(PtxRegRange) ranges;
    unsigned loc;
    /* the declaration being read */
    PtxVar var;
    PtxType reg_type;
    bool in_extern;
} PtxReader;

/* Between the grammar and the scanner. */
void ptx_scan_open(PtxReader *reader, const char *text, size_t len);

/* Reports that the file is not PTX; the first call counts. */
void ptx_reader_malformed(PtxReader *reader, SrcRange range, const char *what);
int ptx_reader_stray(PtxReader *reader, SrcRange range);
Sym ptx_reader_word(PtxReader *reader, const char *text, size_t len);
uint64_t ptx_reader_integer(PtxReader *reader, SrcRange range, const char *text);
uint64_t ptx_reader_hex(const char *digits);

/* Called by the actions of the grammar. */
void ptx_on_version(PtxReader *reader, const char *number);
void ptx_on_target(PtxReader *reader, Sym target);
void ptx_on_address_size(PtxReader *reader, SrcRange range, uint64_t bits);
void ptx_on_file(PtxReader *reader, SrcRange range, uint64_t number, Sym name);
void ptx_on_loc(PtxReader *reader, uint64_t file, uint64_t line, uint64_t column);
void ptx_on_inlined_at(PtxReader *reader, uint64_t file, uint64_t line, uint64_t column);

void ptx_on_linkage(PtxReader *reader, Sym linkage);
void ptx_on_function(PtxReader *reader, SrcRange range, bool is_entry, Sym name);
void ptx_on_function_results(PtxReader *reader); /* the parameters so far are results */
void ptx_on_block_size(PtxReader *reader, Sym directive, unsigned dim, uint64_t size);
void ptx_on_body(PtxReader *reader);
void ptx_on_function_end(PtxReader *reader);
void ptx_on_scope(PtxReader *reader, bool opens);

void ptx_on_reg_type(PtxReader *reader, SrcRange range, Sym type);
void ptx_on_reg(PtxReader *reader, SrcRange range, Sym name, bool ranged, uint64_t count);
void ptx_on_var_space(PtxReader *reader, Sym space);
void ptx_on_var_word(PtxReader *reader, SrcRange range, Sym word); /* its type, .v2 */
void ptx_on_var_align(PtxReader *reader, SrcRange range, uint64_t align);
void ptx_on_var_name(PtxReader *reader, SrcRange range, Sym name);
void ptx_on_var_dim(PtxReader *reader, SrcRange range, bool sized, uint64_t size);
void ptx_on_var_init(PtxReader *reader, SrcRange range, const PtxInitList *items);
void ptx_on_var_end(PtxReader *reader);   /* of a variable in the module or a body */
void ptx_on_param_end(PtxReader *reader); /* of a parameter in a function's head */

void ptx_on_label(PtxReader *reader, SrcRange range, Sym name);
void ptx_on_targets(PtxReader *reader, Sym name, const PtxNameList *labels);
void ptx_on_guard(PtxReader *reader, PtxInst *inst, SrcRange range, Sym name, bool negated);
void ptx_on_inst(PtxReader *reader, SrcRange range, PtxInst *inst);

PtxOperand ptx_operand_name(PtxReader *reader, SrcRange range, Sym name, Sym component);
PtxOperand ptx_operand_bits(PtxOperandKind kind, SrcRange range, uint64_t bits);
PtxOperand ptx_operand_decimal(SrcRange range, const char *text, bool negative);
PtxOperand ptx_operand_group(PtxReader *reader, PtxOperandKind kind, SrcRange range,
                             const PtxOperandList *items);
PtxOperand ptx_operand_pair(PtxReader *reader, SrcRange range, PtxOperand a, PtxOperand b);

#endif
