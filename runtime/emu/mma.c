/* mma.c -- mma.sync: a warp multiplies two small matrices whose elements its registers hold.
 *
 * Where an element lies (PTX ISA, section 9.7.14.5; all shapes of mma.def follow one rule). With
 * g = lane / 4, t = lane % 4, and `pack` elements in a register:
 *
 *     A, register r, element e:   row g + 8 * (r % (m / 8)), column pack * (t + 4 * (r / (m / 8)))
 * + e B, register r, element e:   row pack * (t + 4 * r) + e, column g C and D, number i: row g + 8
 * * (i / 2), column 2 * t + i % 2
 *
 * Arithmetic: products are exact and are added to C in the order of k in double precision; the sum
 * is rounded once to the accumulator's type. (Hardware adds them in another order, with fewer bits,
 * and cuts off instead of rounding: results differ in the last bits.) Of tf32 operands the low 13
 * bits are ignored. Products of f64 are fused multiply-adds in the order of k. Integers are exact
 * and wrap, or stop at the ends of s32 with .satfinite.
 *
 *     mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {d0,...,d3}, {a0,...,a3}, {b0,b1},
 * {c0,...,c3}
 */
#include <math.h>

#include "runtime/emu/halves.h"
#include "runtime/emu/tensor.h"
#include "support/numeric.h"

typedef struct Product { /* rows one behind the other */
    double a[MMA_MAX_M * MMA_MAX_K], b[MMA_MAX_K * MMA_N], acc[MMA_MAX_M * MMA_N];
} Product;

bool whole_warp(Warp *warp, const Inst *inst, uint32_t mask) {
    if (mask == ALL_LANES)
        return true;
    Fault *fault = fault_raise(warp, inst, DIAG_EMU_SYNC_LANES, mask, ~mask);
    fault->other_wrote = true;
    fault->needs_all = true;
    return false;
}

/* ---- operands -------------------------------------------------------------------------------- */

/* Element e of the lanes of a register with 32 bits. */
static void take_element(PtxType type, const uint32_t *bits, unsigned e, double *out) {
    unsigned shift = e * 8 * ptx_types[type].bytes;
    switch ((int)type) {
    case PTX_F16:
        for (unsigned l = 0; l < LANES; l++)
            out[l] = (double)half_value(bits[l] >> shift & 0xffffu);
        break;
    case PTX_BF16:
        for (unsigned l = 0; l < LANES; l++)
            out[l] = (double)float_of(bits[l] >> shift << 16);
        break;
    case PTX_TF32:
        for (unsigned l = 0; l < LANES; l++)
            out[l] = (double)float_of(bits[l] & ~UINT32_C(0x1fff));
        break;
    case PTX_S8:
        for (unsigned l = 0; l < LANES; l++)
            out[l] = (double)(int8_t)(uint8_t)(bits[l] >> shift);
        break;
    case PTX_U8:
        for (unsigned l = 0; l < LANES; l++)
            out[l] = (double)(uint8_t)(bits[l] >> shift);
        break;
    case PTX_E4M3:
        for (unsigned l = 0; l < LANES; l++)
            out[l] = (double)e4m3_value(bits[l] >> shift);
        break;
    default: /* e5m2: the upper half of an f16 */
        for (unsigned l = 0; l < LANES; l++)
            out[l] = (double)half_value((bits[l] >> shift & 0xffu) << 8);
        break;
    }
}

/* The lanes' values of element e of a register. */
static const double *element_of(const Warp *warp, PtxType type, uint32_t row, unsigned e,
                                double *buffer) {
    if (type == PTX_F64)
        return row64(warp, row)->f;
    take_element(type, row32(warp, row)->u, e, buffer);
    return buffer;
}

static void gather(const Warp *warp, const MmaOp *op, Product *p) {
    double buffer[LANES];
    unsigned bands = op->m / 8, step = op->pack;
    for (unsigned r = 0; r < op->num_a; r++) {
        for (unsigned e = 0; e < op->pack; e++) {
            const double *values = element_of(warp, op->a_type, op->a[r], e, buffer);
            double *to = p->a + (size_t)MMA_MAX_K * 8 * (r % bands) + step * 4 * (r / bands) + e;
            for (unsigned g = 0; g < 8; g++, to += MMA_MAX_K, values += 4)
                for (unsigned t = 0; t < 4; t++)
                    to[t * step] = values[t];
        }
    }
    for (unsigned r = 0; r < op->num_b; r++) {
        for (unsigned e = 0; e < op->pack; e++) {
            const double *values = element_of(warp, op->b_type, op->b[r], e, buffer);
            for (unsigned t = 0; t < 4; t++) {
                double *to = p->b + (size_t)MMA_N * (step * (4 * r + t) + e);
                for (unsigned g = 0; g < MMA_N; g++)
                    to[g] = values[4 * g + t];
            }
        }
    }
}

/* ---- accumulators ---------------------------------------------------------------------------- */

/* The accumulators of number i, a lane each, and back. */
static void load_acc(const Warp *warp, const MmaOp *op, unsigned i, double *out) {
    if (op->acc == PTX_F16) {
        take_element(PTX_F16, row32(warp, op->c[i / 2])->u, i % 2, out);
        return;
    }
    const uint32_t row = op->c[i];
    if (op->acc == PTX_F64)
        memcpy(out, row64(warp, row)->f, sizeof(Row64));
    else if (op->acc == PTX_F32)
        for (unsigned l = 0; l < LANES; l++)
            out[l] = (double)row32(warp, row)->f[l];
    else
        for (unsigned l = 0; l < LANES; l++)
            out[l] = (double)row32(warp, row)->s[l];
}

static uint32_t to_s32(double sum, bool saturates) {
    if (saturates)
        sum = sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum;
    return (uint32_t)(int64_t)sum;
}

static void store_acc(Warp *warp, const MmaOp *op, unsigned i, const double *in) {
    uint32_t row = op->d[op->acc == PTX_F16 ? i / 2 : i];
    unsigned shift = 16 * (i % 2);
    switch ((int)op->acc) {
    case PTX_F64:
        memcpy(row64(warp, row)->f, in, sizeof(Row64));
        break;
    case PTX_F32:
        for (unsigned l = 0; l < LANES; l++)
            row32(warp, row)->f[l] = (float)in[l];
        break;
    case PTX_S32:
        for (unsigned l = 0; l < LANES; l++)
            row32(warp, row)->u[l] = to_s32(in[l], op->saturates);
        break;
    default: { /* f16: the other half stays */
        uint32_t *d = row32(warp, row)->u, keep = ~(UINT32_C(0xffff) << shift);
        for (unsigned l = 0; l < LANES; l++)
            d[l] = (d[l] & keep) | (uint32_t)f64_to_f16(in[l]) << shift;
        break;
    }
    }
}

static void accumulators(Warp *warp, const MmaOp *op, Product *p, bool load) {
    double buffer[LANES];
    for (unsigned i = 0; i < op->m / 4; i++) {
        if (load)
            load_acc(warp, op, i, buffer);
        double *at = p->acc + (size_t)MMA_N * 8 * (i / 2) + i % 2;
        for (unsigned l = 0; l < LANES; l++, at += 2) { /* 4 lanes a row */
            if (load)
                *at = buffer[l];
            else
                buffer[l] = *at;
        }
        if (!load)
            store_acc(warp, op, i, buffer);
    }
}

/* ---- products -------------------------------------------------------------------------------- */

static void multiply(Product *p, unsigned m, unsigned k) {
    for (unsigned i = 0; i < m; i++) {
        const double *a = p->a + (size_t)MMA_MAX_K * i;
        double acc[MMA_N];
        memcpy(acc, p->acc + (size_t)MMA_N * i, sizeof acc);
        for (unsigned x = 0; x < k; x++)
            for (unsigned j = 0; j < MMA_N; j++)
                acc[j] += a[x] * p->b[MMA_N * x + j];
        memcpy(p->acc + (size_t)MMA_N * i, acc, sizeof acc);
    }
}

/* One function for processors with the instruction, where fma() is no call, and one for all. */
#define DEFINE_MULTIPLY_FUSED(name)                                                                \
    static void name(Product *p, unsigned m, unsigned k) {                                         \
        for (unsigned i = 0; i < m; i++) {                                                         \
            const double *a = p->a + (size_t)MMA_MAX_K * i;                                        \
            double *acc = p->acc + (size_t)MMA_N * i;                                              \
            for (unsigned x = 0; x < k; x++)                                                       \
                for (unsigned j = 0; j < MMA_N; j++)                                               \
                    acc[j] = fma(a[x], p->b[MMA_N * x + j], acc[j]);                               \
        }                                                                                          \
    }
TK_FMA_CODE DEFINE_MULTIPLY_FUSED(multiply_with_fma) DEFINE_MULTIPLY_FUSED(multiply_fused)

    void mma_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    const MmaOp *op = inst->data;
    if (!whole_warp(warp, inst, mask))
        return;
    Product p;
    gather(warp, op, &p);
    accumulators(warp, op, &p, true);
    if (op->acc == PTX_F64 && TK_HAS_FMA())
        multiply_with_fma(&p, op->m, op->k);
    else if (op->acc == PTX_F64)
        multiply_fused(&p, op->m, op->k);
    else
        multiply(&p, op->m, op->k);
    accumulators(warp, op, &p, false);
    EmuCounts *counts = counts_of(warp, inst);
    counts->mma_flop += op->flop;
    counts->mma_slots += op->slots;
}
