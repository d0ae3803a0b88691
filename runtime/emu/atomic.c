/* atomic.c -- atom and red, in global and in shared memory.
 *
 * A kernel with atomic operations on global memory runs on one thread, block by block (launch.c),
 * so that its result does not depend on the number of threads; plain code is atomic enough. Lanes
 * of a warp go in ascending order.
 *
 *     atom.global.add.f32 %f1, [%rd1], %f2       red.global.add.s32 [%rd1], 1
 */
#include <math.h>

#include "runtime/emu/memory.h"
#include "support/numeric.h"

int atomic_find(const char *name) {
    static const char *const names[] = {"add", "and", "or",  "xor", "exch",
                                        "cas", "min", "max", "inc", "dec"};
    for (unsigned i = 0; i < TK_COUNTOF(names); i++)
        if (str_eq(names[i], name))
            return (int)i;
    return -1;
}

static uint16_t add_half(uint16_t x, uint16_t y, bool is_bf16) {
    if (is_bf16)
        return f64_to_bf16((double)bf16_to_f32(x) + (double)bf16_to_f32(y));
    return f64_to_f16((double)f16_to_f32(x) + (double)f16_to_f32(y));
}

static double pick(double x, double y, bool smaller) {
    if (isnan(x) || isnan(y))
        return isnan(x) ? y : x;
    return (x < y) == smaller ? x : y;
}

static uint16_t combine_half(AtomicOp op, uint16_t x, uint16_t y, bool is_bf16) {
    if (op == ATOMIC_ADD)
        return add_half(x, y, is_bf16);
    double a = (double)(is_bf16 ? bf16_to_f32(x) : f16_to_f32(x));
    double b = (double)(is_bf16 ? bf16_to_f32(y) : f16_to_f32(y));
    double result = pick(a, b, op == ATOMIC_MIN);
    return is_bf16 ? f64_to_bf16(result) : f64_to_f16(result);
}

static uint64_t combine_float(AtomicOp op, PtxType type, uint64_t old, uint64_t b) {
    bool is_bf16 = type == PTX_BF16 || type == PTX_BF16X2;
    if (type == PTX_F32) {
        float x = f32_from_bits((uint32_t)old), y = f32_from_bits((uint32_t)b);
        float sum = op == ATOMIC_ADD ? x + y : (float)pick((double)x, (double)y, op == ATOMIC_MIN);
        return f32_bits(sum);
    }
    if (type == PTX_F64) {
        double x = f64_from_bits(old), y = f64_from_bits(b);
        return f64_bits(op == ATOMIC_ADD ? x + y : pick(x, y, op == ATOMIC_MIN));
    }
    uint64_t low = combine_half(op, (uint16_t)old, (uint16_t)b, is_bf16);
    if (ptx_types[type].kind != PTX_IS_PACKED)
        return low;
    return low | (uint64_t)combine_half(op, (uint16_t)(old >> 16), (uint16_t)(b >> 16), is_bf16)
                     << 16;
}

static bool less(PtxType type, uint64_t x, uint64_t y) {
    if (type == PTX_S32)
        return (int32_t)x < (int32_t)y;
    return ptx_types[type].kind == PTX_IS_SIGNED ? (int64_t)x < (int64_t)y : x < y;
}

uint64_t atomic_result(AtomicOp op, PtxType type, uint64_t old, uint64_t b, uint64_t c) {
    PtxKind kind = ptx_types[type].kind;
    bool is_float = kind == PTX_IS_FLOAT || kind == PTX_IS_PACKED;
    if (is_float && (op == ATOMIC_ADD || op == ATOMIC_MIN || op == ATOMIC_MAX))
        return combine_float(op, type, old, b);
    switch (op) {
    case ATOMIC_ADD:
        return old + b;
    case ATOMIC_AND:
        return old & b;
    case ATOMIC_OR:
        return old | b;
    case ATOMIC_XOR:
        return old ^ b;
    case ATOMIC_EXCH:
        return b;
    case ATOMIC_CAS:
        return old == b ? c : old;
    case ATOMIC_MIN:
        return less(type, b, old) ? b : old;
    case ATOMIC_MAX:
        return less(type, old, b) ? b : old;
    case ATOMIC_INC:
        return old >= b ? 0 : old + 1;
    case ATOMIC_DEC:
        break;
    }
    return old == 0 || old > b ? b : old - 1;
}

/* One element of each lane. */
static void combine_lanes(Warp *warp, const Inst *inst, uint32_t mask, const uint64_t *host,
                          unsigned element, uint32_t operand) {
    uint64_t b[LANES], c[LANES] = {0}, old[LANES] = {0};
    row_load(warp, operand, inst->reg_bytes, false, b);
    if (inst->mode == ATOMIC_CAS)
        row_load(warp, inst->c, inst->reg_bytes, false, c);
    EACH_LANE(lane, mask) {
        uint8_t *at = (uint8_t *)(uintptr_t)host[lane] + (size_t)element * inst->bytes;
        memcpy(&old[lane], at, inst->bytes);
        uint64_t now =
            atomic_result((AtomicOp)inst->mode, (PtxType)inst->type, old[lane], b[lane], c[lane]);
        memcpy(at, &now, inst->bytes);
    }
    if (inst->dst != NO_ROW)
        row_store(warp, inst->dst, inst->reg_bytes, old, mask);
}

void atomic_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    uint64_t host[LANES];
    access_addresses(warp, inst, host);
    unsigned size = (unsigned)inst->bytes * inst->count;
    if (!access_lanes(warp, inst, mask, EMU_ATOMIC, size, host, NULL))
        return;
    counts_of(warp, inst)->atomics += count_lanes(mask);
    for (unsigned i = 0; i < inst->count; i++)
        combine_lanes(warp, inst, mask, host, i, inst->count > 1 ? inst->rows[i] : inst->b);
}
