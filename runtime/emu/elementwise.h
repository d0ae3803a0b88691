/* elementwise.h -- instructions that compute each lane from the same lane of their operands.
 *
 * One row of a .def file is one function and the instructions that it executes:
 *
 *     ELT2(min_s32, "min.s32", s32, s32, s32, x < y ? x : y)
 *
 * says that `min.s32 d, a, b` sets each lane of d to that expression of x (from a) and y (from b).
 * A file that defines functions sets the macros below and includes its rows twice, for the
 * functions and for the table. decode.c finds a row by the instruction's whole text.
 */
#ifndef TKC_RUNTIME_EMU_ELEMENTWISE_H
#define TKC_RUNTIME_EMU_ELEMENTWISE_H

#include "runtime/emu/machine.h"

enum { ELT_MAX_OPERANDS = 5 };
typedef struct EltOp {
    const char *keys; /* texts of instructions, separated by blanks */
    InstExec exec;
    unsigned num_operands; /* with the result, the first */
    PtxType types[ELT_MAX_OPERANDS];
    uint8_t mode;
    const void *data;
} EltOp;

typedef struct EltTable {
    const EltOp *ops;
    size_t count;
} EltTable;
EltTable elt_int_table(void);
EltTable elt_bits_table(void);
EltTable elt_float_table(void);
EltTable elt_round_table(void);
EltTable elt_half_table(void);
EltTable elt_pred_table(void);

/* Type letters of rows: the C type, the row, the PTX type whose width the operand must have. */
#define CT_u16             uint16_t
#define CT_s16             int16_t
#define CT_u32             uint32_t
#define CT_s32             int32_t
#define CT_u64             uint64_t
#define CT_s64             int64_t
#define CT_f32             float
#define CT_f64             double
#define ROW_u16(warp, row) (row16(warp, row)->u)
#define ROW_s16(warp, row) (row16(warp, row)->s)
#define ROW_u32(warp, row) (row32(warp, row)->u)
#define ROW_s32(warp, row) (row32(warp, row)->s)
#define ROW_u64(warp, row) (row64(warp, row)->u)
#define ROW_s64(warp, row) (row64(warp, row)->s)
#define ROW_f32(warp, row) (row32(warp, row)->f)
#define ROW_f64(warp, row) (row64(warp, row)->f)
#define PT_u16             PTX_U16
#define PT_s16             PTX_S16
#define PT_u32             PTX_U32
#define PT_s32             PTX_S32
#define PT_u64             PTX_U64
#define PT_s64             PTX_S64
#define PT_f32             PTX_F32
#define PT_f64             PTX_F64

/* `body` for each lane l of the mask; the loop over all lanes is one that compilers vectorise. */
#define FOR_LANES(mask, body)                                                                      \
    do {                                                                                           \
        if ((mask) == ALL_LANES) {                                                                 \
            for (unsigned l = 0; l < LANES; l++)                                                   \
                body                                                                               \
        } else {                                                                                   \
            for (unsigned l = 0; l < LANES; l++)                                                   \
                if ((mask) >> l & 1)                                                               \
                    body                                                                           \
        }                                                                                          \
    } while (0)

#define SAME(x) (x)

/* The functions. IN and OUT: what is done to operands and result (flushing of subnormals). */
#define DEFINE_ELT1(name, D, A, IN, OUT, expr)                                                     \
    static void name(Warp *warp, const Inst *inst, uint32_t mask) {                                \
        CT_##D *d = ROW_##D(warp, inst->dst);                                                      \
        const CT_##A *a = ROW_##A(warp, inst->a);                                                  \
        FOR_LANES(mask, {                                                                          \
            CT_##A x = IN(a[l]);                                                                   \
            d[l] = (CT_##D)OUT(expr);                                                              \
        });                                                                                        \
    }
#define DEFINE_ELT2(name, D, A, B, IN, OUT, expr)                                                  \
    static void name(Warp *warp, const Inst *inst, uint32_t mask) {                                \
        CT_##D *d = ROW_##D(warp, inst->dst);                                                      \
        const CT_##A *a = ROW_##A(warp, inst->a);                                                  \
        const CT_##B *b = ROW_##B(warp, inst->b);                                                  \
        FOR_LANES(mask, {                                                                          \
            CT_##A x = IN(a[l]);                                                                   \
            CT_##B y = IN(b[l]);                                                                   \
            d[l] = (CT_##D)OUT(expr);                                                              \
        });                                                                                        \
    }
#define DEFINE_ELT3(name, D, A, B, C, IN, OUT, expr)                                               \
    static void name(Warp *warp, const Inst *inst, uint32_t mask) {                                \
        CT_##D *d = ROW_##D(warp, inst->dst);                                                      \
        const CT_##A *a = ROW_##A(warp, inst->a);                                                  \
        const CT_##B *b = ROW_##B(warp, inst->b);                                                  \
        const CT_##C *c = ROW_##C(warp, inst->c);                                                  \
        FOR_LANES(mask, {                                                                          \
            CT_##A x = IN(a[l]);                                                                   \
            CT_##B y = IN(b[l]);                                                                   \
            CT_##C z = IN(c[l]);                                                                   \
            d[l] = (CT_##D)OUT(expr);                                                              \
        });                                                                                        \
    }
#define DEFINE_ELT4(name, D, A, B, C, E, expr)                                                     \
    static void name(Warp *warp, const Inst *inst, uint32_t mask) {                                \
        CT_##D *d = ROW_##D(warp, inst->dst);                                                      \
        const CT_##A *a = ROW_##A(warp, inst->a);                                                  \
        const CT_##B *b = ROW_##B(warp, inst->b);                                                  \
        const CT_##C *c = ROW_##C(warp, inst->c);                                                  \
        const CT_##E *e = ROW_##E(warp, inst->d);                                                  \
        FOR_LANES(mask, {                                                                          \
            CT_##A x = a[l];                                                                       \
            CT_##B y = b[l];                                                                       \
            CT_##C z = c[l];                                                                       \
            CT_##E w = e[l];                                                                       \
            d[l] = (CT_##D)(expr);                                                                 \
        });                                                                                        \
    }

/* The rows of the table. */
#define ROW_ELT1(name, keys_, D, A)                                                                \
    {.keys = keys_, .exec = name, .num_operands = 2, .types = {PT_##D, PT_##A}},
#define ROW_ELT2(name, keys_, D, A, B)                                                             \
    {.keys = keys_, .exec = name, .num_operands = 3, .types = {PT_##D, PT_##A, PT_##B}},
#define ROW_ELT3(name, keys_, D, A, B, C)                                                          \
    {.keys = keys_, .exec = name, .num_operands = 4, .types = {PT_##D, PT_##A, PT_##B, PT_##C}},
#define ROW_ELT4(name, keys_, D, A, B, C, E)                                                       \
    {.keys = keys_,                                                                                \
     .exec = name,                                                                                 \
     .num_operands = 5,                                                                            \
     .types = {PT_##D, PT_##A, PT_##B, PT_##C, PT_##E}},

#endif
