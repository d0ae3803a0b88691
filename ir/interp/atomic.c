/* atomic.c -- atomic read-modify-write and compare-and-swap, element by element.
 *
 * Kernels with atomics run in one thread, one program at a time until it waits (schedule.c), so an
 * atomic is a plain read and write; what makes it atomic is that races.c lets atomics of several
 * programs touch one element. Lanes take effect in row-major order.
 */
#include <string.h>

#include "ir/interp/access.h"
#include "ir/interp/atomic.h"
#include "ir/interp/order.h"
#include "support/numeric.h"

typedef struct AtomicInfo {
    size_t size;
    CombineFn combine;
    SEM_Enum sem;
    bool has_mask;
    bool reads; /* the old contents matter: all but an exchange whose result nobody uses */
} AtomicInfo;

/* ---- what the operations compute
 * ----------------------------------------------------------------- */

static uint64_t rmw_add(uint64_t a, uint64_t b) {
    return a + b;
}
static uint64_t rmw_and(uint64_t a, uint64_t b) {
    return a & b;
}
static uint64_t rmw_or(uint64_t a, uint64_t b) {
    return a | b;
}
static uint64_t rmw_xor(uint64_t a, uint64_t b) {
    return a ^ b;
}
static uint64_t rmw_xchg(uint64_t a, uint64_t b) {
    (void)a;
    return b;
}
/* Bit patterns are zero-extended, so unsigned order needs no width. */
static uint64_t rmw_umax(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}
static uint64_t rmw_umin(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}
#define SIGNED_RMW(bits)                                                                           \
    static uint64_t rmw_max_##bits(uint64_t a, uint64_t b) {                                       \
        return (int##bits##_t)a > (int##bits##_t)b ? a : b;                                        \
    }                                                                                              \
    static uint64_t rmw_min_##bits(uint64_t a, uint64_t b) {                                       \
        return (int##bits##_t)a < (int##bits##_t)b ? a : b;                                        \
    }
SIGNED_RMW(8)
SIGNED_RMW(16)
SIGNED_RMW(32)
SIGNED_RMW(64)

static uint64_t rmw_fadd_f16(uint64_t a, uint64_t b) {
    return f32_to_f16(f16_to_f32((uint16_t)a) + f16_to_f32((uint16_t)b));
}
static uint64_t rmw_fadd_bf16(uint64_t a, uint64_t b) {
    return f32_to_bf16(bf16_to_f32((uint16_t)a) + bf16_to_f32((uint16_t)b));
}
static uint64_t rmw_fadd_f32(uint64_t a, uint64_t b) {
    return f32_bits(f32_from_bits((uint32_t)a) + f32_from_bits((uint32_t)b));
}
static uint64_t rmw_fadd_f64(uint64_t a, uint64_t b) {
    return f64_bits(f64_from_bits(a) + f64_from_bits(b));
}
/* The larger and the smaller of two floats: a NaN loses, and -0 is less than +0, as it is where
 * hardware compares bit patterns. */
#define FLOAT_RMW(name, type, unpack, bits)                                                        \
    static uint64_t rmw_fmax_##name(uint64_t a, uint64_t b) {                                      \
        type x = unpack((bits)a), y = unpack((bits)b);                                             \
        return x > y || y != y || (x == y && a < b) ? a : b;                                       \
    }                                                                                              \
    static uint64_t rmw_fmin_##name(uint64_t a, uint64_t b) {                                      \
        type x = unpack((bits)a), y = unpack((bits)b);                                             \
        return x < y || y != y || (x == y && a > b) ? a : b;                                       \
    }
FLOAT_RMW(f16, float, f16_to_f32, uint16_t)
FLOAT_RMW(bf16, float, bf16_to_f32, uint16_t)
FLOAT_RMW(f32, float, f32_from_bits, uint32_t)
FLOAT_RMW(f64, double, f64_from_bits, uint64_t)

/* By the width of an integer type. */
#define BY_WIDTH(fn)                                                                               \
    (kind <= TY_I8 ? fn##_8 : kind == TY_I16 ? fn##_16 : kind == TY_I32 ? fn##_32 : fn##_64)

CombineFn atomic_combine(RMW_Enum rmw, IrTypeKind kind) {
    static const CombineFn add[] = {[TY_F16] = rmw_fadd_f16,
                                    [TY_BF16] = rmw_fadd_bf16,
                                    [TY_F32] = rmw_fadd_f32,
                                    [TY_F64] = rmw_fadd_f64};
    static const CombineFn max[] = {[TY_F16] = rmw_fmax_f16,
                                    [TY_BF16] = rmw_fmax_bf16,
                                    [TY_F32] = rmw_fmax_f32,
                                    [TY_F64] = rmw_fmax_f64};
    static const CombineFn min[] = {[TY_F16] = rmw_fmin_f16,
                                    [TY_BF16] = rmw_fmin_bf16,
                                    [TY_F32] = rmw_fmin_f32,
                                    [TY_F64] = rmw_fmin_f64};
    if (kind > TY_F64)
        return rmw == RMW_XCHG ? rmw_xchg : NULL;
    switch (rmw) {
    case RMW_ADD:
        return rmw_add;
    case RMW_FADD:
        return add[kind];
    case RMW_AND:
        return rmw_and;
    case RMW_OR:
        return rmw_or;
    case RMW_XOR:
        return rmw_xor;
    case RMW_MAX:
        return BY_WIDTH(rmw_max);
    case RMW_MIN:
        return BY_WIDTH(rmw_min);
    case RMW_UMAX:
        return rmw_umax;
    case RMW_UMIN:
        return rmw_umin;
    case RMW_FMAX:
        return max[kind];
    case RMW_FMIN:
        return min[kind];
    case RMW_XCHG:
        return rmw_xchg;
    case RMW_COUNT:
        break;
    }
    return NULL;
}

/* ---- execution
 * ----------------------------------------------------------------------------------- */

static void note_order(Exec *exec, const AtomicInfo *info, uint64_t ptr, bool wrote) {
    Shadow *shadow = exec->launch->shadow;
    OrderClock *clock = shadow != NULL ? shadow_clock(shadow) : NULL;
    if (clock != NULL)
        order_atomic(clock, exec->program, ptr_address(ptr), info->sem, wrote);
}

static Span lane_span(const AtomicInfo *info, const uint64_t *ptrs, const uint8_t *mask,
                      size_t lane, size_t n) {
    Span span = {.ptr = ptrs[lane], .count = 1, .size = info->size, .lane = lane};
    span.kind = ACCESS_ATOMIC;
    span.reads = info->reads;
    span.lanes = ptrs;
    span.mask = mask;
    span.num_lanes = n;
    return span;
}

static bool exec_rmw(Exec *exec, const Inst *inst) {
    const AtomicInfo *info = inst->info;
    const uint64_t *ptrs = slot(exec, inst->src[0]);
    const uint8_t *values = slot(exec, inst->src[1]);
    const uint8_t *mask = info->has_mask ? slot(exec, inst->src[2]) : NULL;
    uint8_t *out = slot(exec, inst->dst[0]);
    size_t size = info->size;
    access_observe(exec, inst, ACCESS_ATOMIC, ptrs, mask, inst->count, size);
    for (size_t i = 0; i < inst->count; i++) {
        uint64_t old = 0, value = 0;
        if (mask == NULL || mask[i]) {
            Span span = lane_span(info, ptrs, mask, i, inst->count);
            uint8_t *bytes = access_span(exec, inst, &span);
            if (bytes == NULL)
                return false;
            memcpy(&old, bytes, size);
            memcpy(&value, values + i * size, size);
            value = info->combine(old, value);
            memcpy(bytes, &value, size);
            access_written(&span);
            note_order(exec, info, ptrs[i], true);
        }
        memcpy(out + i * size, &old, size);
    }
    return true;
}

static bool exec_cas(Exec *exec, const Inst *inst) {
    const AtomicInfo *info = inst->info;
    const uint64_t *ptrs = slot(exec, inst->src[0]);
    const uint8_t *expected = slot(exec, inst->src[1]), *values = slot(exec, inst->src[2]);
    uint8_t *out = slot(exec, inst->dst[0]);
    size_t size = info->size;
    access_observe(exec, inst, ACCESS_ATOMIC, ptrs, NULL, inst->count, size);
    for (size_t i = 0; i < inst->count; i++) {
        Span span = lane_span(info, ptrs, NULL, i, inst->count);
        uint8_t *bytes = access_span(exec, inst, &span);
        if (bytes == NULL)
            return false;
        uint64_t old = 0;
        memcpy(&old, bytes, size);
        bool equal = memcmp(bytes, expected + i * size, size) == 0;
        if (equal) {
            memcpy(bytes, values + i * size, size);
            access_written(&span);
        }
        note_order(exec, info, ptrs[i], equal);
        memcpy(out + i * size, &old, size);
    }
    return true;
}

bool prepare_atomic(Arena *arena, const IrOp *op, Inst *inst) {
    if (op->code != OP_AtomicRmw && op->code != OP_AtomicCas)
        return false;
    AtomicInfo *info = ARENA_NEW(arena, AtomicInfo);
    const IrType *elem = ir_elem(ir_operand(op, 0)->type)->elem;
    info->size = ir_elem_size(elem);
    info->sem = (SEM_Enum)ir_attr_int(op, ATTR_SEM);
    info->reads = true;
    inst->info = info;
    inst->exec = exec_cas;
    if (op->code == OP_AtomicCas)
        return true;
    RMW_Enum rmw = (RMW_Enum)ir_attr_int(op, ATTR_RMW);
    info->combine = atomic_combine(rmw, elem->kind);
    info->has_mask = op->num_operands > 2;
    info->reads = rmw != RMW_XCHG || ir_has_uses(ir_result(op, 0));
    inst->exec = exec_rmw;
    return info->combine != NULL;
}
