/* predicates.c -- comparisons, logic of predicates, and selection by them.
 *
 * A predicate is a word with a bit a lane. A comparison first makes a byte of each lane, which
 * compilers vectorise, and then gathers the 32 bytes into bits with four multiplications.
 *
 *     setp.lt.and.s32 %p3|%p4, %r1, %r2, %p1     p3 = (r1 < r2) and p1, p4 = not (r1 < r2) and p1
 */
#include "runtime/emu/predicates.h"

#include <math.h>

#include "runtime/emu/elementwise.h"
#include "support/numeric.h"

const char *const test_kind_names[6] = {"finite",     "infinite", "number",
                                        "notanumber", "normal",   "subnormal"};

/* Byte i (0 or 1) of 32 becomes bit i. */
static uint32_t gather_bits(const uint8_t *bytes) {
    uint32_t bits = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t eight;
        memcpy(&eight, bytes + 8 * i, sizeof eight);
        bits |= (uint32_t)((eight * UINT64_C(0x0102040810204080)) >> 56) << (8 * i);
    }
    return bits;
}

#define COMPARE(name, T, IN, expr)                                                                 \
    static uint32_t name(const Warp *warp, uint32_t a, uint32_t b, uint32_t *high) {               \
        const CT_##T *left = ROW_##T(warp, a);                                                     \
        const CT_##T *right = ROW_##T(warp, b);                                                    \
        uint8_t bytes[LANES];                                                                      \
        for (unsigned l = 0; l < LANES; l++) {                                                     \
            CT_##T x = IN(left[l]), y = IN(right[l]);                                              \
            bytes[l] = (uint8_t)(expr);                                                            \
        }                                                                                          \
        *high = 0;                                                                                 \
        return gather_bits(bytes);                                                                 \
    }
#define ORDERED(T, IN, suffix)                                                                     \
    COMPARE(eq_##suffix, T, IN, x == y)                                                            \
    COMPARE(ne_##suffix, T, IN, x<y || x> y)                                                       \
    COMPARE(lt_##suffix, T, IN, x < y)                                                             \
    COMPARE(le_##suffix, T, IN, x <= y)                                                            \
    COMPARE(gt_##suffix, T, IN, x > y)                                                             \
    COMPARE(ge_##suffix, T, IN, x >= y)
#define UNORDERED(T, IN, suffix)                                                                   \
    ORDERED(T, IN, suffix)                                                                         \
    COMPARE(equ_##suffix, T, IN, !(x < y || x > y))                                                \
    COMPARE(neu_##suffix, T, IN, !(x == y))                                                        \
    COMPARE(ltu_##suffix, T, IN, !(x >= y))                                                        \
    COMPARE(leu_##suffix, T, IN, !(x > y))                                                         \
    COMPARE(gtu_##suffix, T, IN, !(x <= y))                                                        \
    COMPARE(geu_##suffix, T, IN, !(x < y))                                                         \
    COMPARE(num_##suffix, T, IN, x == x && y == y)                                                 \
    COMPARE(nan_##suffix, T, IN, x != x || y != y)

static inline float flush(float x) {
    return fabsf(x) < 1.17549435e-38f ? copysignf(0.0f, x) : x;
}

ORDERED(u16, SAME, u16)
ORDERED(s16, SAME, s16)
ORDERED(u32, SAME, u32)
ORDERED(s32, SAME, s32)
ORDERED(u64, SAME, u64)
ORDERED(s64, SAME, s64)
UNORDERED(f32, SAME, f32)
UNORDERED(f32, flush, ftz)
UNORDERED(f64, SAME, f64)

/* Small formats are compared as f32: their rows are widened and the f32 comparison is used on a
 * warp that consists of nothing but the two widened rows. */
typedef uint32_t (*CompareFn)(const Warp *warp, uint32_t a, uint32_t b, uint32_t *high);

static uint32_t compare_widened(const float *x, const float *y, CompareFn compare) {
    Row32 rows[2];
    memcpy(rows[0].f, x, sizeof rows[0]);
    memcpy(rows[1].f, y, sizeof rows[1]);
    Warp warp = {.rows = (uint8_t *)rows};
    uint32_t high;
    return compare(&warp, 0, sizeof(Row32), &high);
}

static uint32_t compare_small(const Warp *warp, uint32_t a, uint32_t b, uint32_t *high,
                              CompareFn compare, bool is_bf16, unsigned per_lane) {
    uint32_t result[2] = {0, 0};
    for (unsigned half = 0; half < per_lane; half++) {
        float x[LANES], y[LANES];
        for (unsigned l = 0; l < LANES; l++) {
            uint16_t left, right;
            memcpy(&left, warp->rows + a + (l * per_lane + half) * 2, 2);
            memcpy(&right, warp->rows + b + (l * per_lane + half) * 2, 2);
            x[l] = is_bf16 ? bf16_to_f32(left) : f16_to_f32(left);
            y[l] = is_bf16 ? bf16_to_f32(right) : f16_to_f32(right);
        }
        result[half] = compare_widened(x, y, compare);
    }
    *high = result[1];
    return result[0];
}

#define SMALL(op)                                                                                  \
    static uint32_t op##_f16(const Warp *w, uint32_t a, uint32_t b, uint32_t *high) {              \
        return compare_small(w, a, b, high, op##_f32, false, 1);                                   \
    }                                                                                              \
    static uint32_t op##_bf16(const Warp *w, uint32_t a, uint32_t b, uint32_t *high) {             \
        return compare_small(w, a, b, high, op##_f32, true, 1);                                    \
    }                                                                                              \
    static uint32_t op##_f16x2(const Warp *w, uint32_t a, uint32_t b, uint32_t *high) {            \
        return compare_small(w, a, b, high, op##_f32, false, 2);                                   \
    }                                                                                              \
    static uint32_t op##_bf16x2(const Warp *w, uint32_t a, uint32_t b, uint32_t *high) {           \
        return compare_small(w, a, b, high, op##_f32, true, 2);                                    \
    }
#define EACH_ORDERED(M)   M(eq) M(ne) M(lt) M(le) M(gt) M(ge)
#define EACH_UNORDERED(M) EACH_ORDERED(M) M(equ) M(neu) M(ltu) M(leu) M(gtu) M(geu) M(num) M(nan)
EACH_UNORDERED(SMALL)

static const Comparison comparisons[] = {
#define UNSIGNED_NAMES(T)                                                                          \
    {"lo." #T, lt_##T, PT_##T}, {"ls." #T, le_##T, PT_##T}, {"hi." #T, gt_##T, PT_##T},            \
        {"hs." #T, ge_##T, PT_##T},
#define INTS(op)                                                                                   \
    {#op ".u16", op##_u16, PTX_U16}, {#op ".s16", op##_s16, PTX_S16},                              \
        {#op ".u32", op##_u32, PTX_U32}, {#op ".s32", op##_s32, PTX_S32},                          \
        {#op ".u64", op##_u64, PTX_U64}, {#op ".s64", op##_s64, PTX_S64},
#define FLOATS(op)                                                                                 \
    {#op ".f32", op##_f32, PTX_F32}, {#op ".ftz.f32", op##_ftz, PTX_F32},                          \
        {#op ".f64", op##_f64, PTX_F64}, {#op ".f16", op##_f16, PTX_F16},                          \
        {#op ".bf16", op##_bf16, PTX_BF16}, {#op ".f16x2", op##_f16x2, PTX_F16X2},                 \
        {#op ".bf16x2", op##_bf16x2, PTX_BF16X2},
    /* clang-format off */
    EACH_ORDERED(INTS)
    EACH_UNORDERED(FLOATS)
    UNSIGNED_NAMES(u16) UNSIGNED_NAMES(u32) UNSIGNED_NAMES(u64)
    {"eq.b16", eq_u16, PTX_B16}, {"ne.b16", ne_u16, PTX_B16},
    {"eq.b32", eq_u32, PTX_B32}, {"ne.b32", ne_u32, PTX_B32},
    {"eq.b64", eq_u64, PTX_B64}, {"ne.b64", ne_u64, PTX_B64},
    /* clang-format on */
};

const Comparison *comparison_find(const char *comparison, const char *type, bool ftz) {
    size_t len = strlen(comparison);
    for (size_t i = 0; i < TK_COUNTOF(comparisons); i++) {
        const char *text = comparisons[i].text;
        if (strncmp(text, comparison, len) != 0 || text[len] != '.')
            continue;
        bool is_ftz = str_starts(text + len, ".ftz.");
        if (is_ftz == (ftz && str_eq(type, "f32")) && str_eq(text + len + (is_ftz ? 5 : 1), type))
            return &comparisons[i];
    }
    return NULL;
}

static uint32_t combine(const Warp *warp, const Inst *inst, uint32_t result) {
    uint32_t other =
        inst->mode == BOOL_NONE ? 0 : *row_pred(warp, inst->c) ^ (inst->flag ? ALL_LANES : 0);
    switch ((BoolOp)inst->mode) {
    case BOOL_AND:
        return result & other;
    case BOOL_OR:
        return result | other;
    case BOOL_XOR:
        return result ^ other;
    case BOOL_NONE:
        break;
    }
    return result;
}

static void write_pred(Warp *warp, uint32_t row, uint32_t bits, uint32_t mask) {
    uint32_t *at = row_pred(warp, row);
    *at = (*at & ~mask) | (bits & mask);
}

void setp_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    const Comparison *comparison = inst->data;
    uint32_t high;
    uint32_t result = comparison->compare(warp, inst->a, inst->b, &high);
    bool packed = ptx_types[comparison->type].kind == PTX_IS_PACKED;
    uint32_t first = combine(warp, inst, result);
    if (inst->dst2 != NO_ROW)
        write_pred(warp, inst->dst2, combine(warp, inst, packed ? high : ~result), mask);
    write_pred(warp, inst->dst, first, mask);
}

/* What true is in a type: all ones, or 1.0. */
static uint64_t true_value(PtxType type) {
    switch ((int)type) {
    case PTX_F32:
        return 0x3f800000u;
    case PTX_F16:
    case PTX_F16X2:
        return 0x3c00u;
    case PTX_BF16:
    case PTX_BF16X2:
        return 0x3f80u;
    default:
        return ptx_types[type].bytes == 2 ? 0xffffu : 0xffffffffu;
    }
}

void set_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    const Comparison *comparison = inst->data;
    uint32_t high;
    uint32_t low = comparison->compare(warp, inst->a, inst->b, &high);
    low = combine(warp, inst, low);
    high = combine(warp, inst, high);
    uint64_t yes = true_value((PtxType)inst->mode2), values[LANES];
    bool packed = ptx_types[comparison->type].kind == PTX_IS_PACKED;
    uint64_t half = packed ? yes & 0xffffu : yes;
    for (unsigned l = 0; l < LANES; l++) {
        values[l] = low >> l & 1 ? half : 0;
        if (packed && (high >> l & 1))
            values[l] |= half << 16;
    }
    row_store(warp, inst->dst, inst->reg_bytes, values, mask);
}

void testp_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    uint32_t bits = 0;
    bool is_f64 = inst->type == PTX_F64;
    EACH_LANE(lane, mask) {
        double value =
            is_f64 ? row64(warp, inst->a)->f[lane] : (double)row32(warp, inst->a)->f[lane];
        bool tiny = fabs(value) < (is_f64 ? 2.2250738585072014e-308 : 0x1p-126);
        const bool results[] = {isfinite(value) != 0, isinf(value) != 0,        !isnan(value),
                                isnan(value) != 0,    isfinite(value) && !tiny, tiny && value != 0};
        bits |= results[inst->mode] ? LANE_BIT(lane) : 0;
    }
    write_pred(warp, inst->dst, bits, mask);
}

/* ---- logic and selection --------------------------------------------------------------------- */

#define LOGIC(name, expr)                                                                          \
    static void name(Warp *warp, const Inst *inst, uint32_t mask) {                                \
        uint32_t x = *row_pred(warp, inst->a), y = *row_pred(warp, inst->b);                       \
        (void)y;                                                                                   \
        write_pred(warp, inst->dst, expr, mask);                                                   \
    }
LOGIC(pred_and, x &y)
LOGIC(pred_or, x | y)
LOGIC(pred_xor, x ^ y)
LOGIC(pred_not, ~x)
LOGIC(pred_mov, x)

#define SELECT(name, T)                                                                            \
    static void name(Warp *warp, const Inst *inst, uint32_t mask) {                                \
        CT_##T *d = ROW_##T(warp, inst->dst);                                                      \
        const CT_##T *a = ROW_##T(warp, inst->a), *b = ROW_##T(warp, inst->b);                     \
        uint32_t p = *row_pred(warp, inst->c);                                                     \
        FOR_LANES(mask, d[l] = p >> l & 1 ? a[l] : b[l];);                                         \
    }
SELECT(selp_16, u16)
SELECT(selp_32, u32)
SELECT(selp_64, u64)

#define CHOOSE(name, T, C)                                                                         \
    static void name(Warp *warp, const Inst *inst, uint32_t mask) {                                \
        CT_##T *d = ROW_##T(warp, inst->dst);                                                      \
        const CT_##T *a = ROW_##T(warp, inst->a), *b = ROW_##T(warp, inst->b);                     \
        const CT_##C *c = ROW_##C(warp, inst->c);                                                  \
        FOR_LANES(mask, d[l] = c[l] >= 0 ? a[l] : b[l];);                                          \
    }
CHOOSE(slct_32_s32, u32, s32)
CHOOSE(slct_64_s32, u64, s32)
CHOOSE(slct_32_f32, u32, f32)
CHOOSE(slct_64_f32, u64, f32)

#define KEYS(op, bits) op ".b" bits " " op ".u" bits " " op ".s" bits " " op ".f" bits
#define KEYS2(op, bits, other)                                                                     \
    op ".b" bits other " " op ".u" bits other " " op ".s" bits other " " op ".f" bits other
static const EltOp ops[] = {
    {.keys = "and.pred",
     .exec = pred_and,
     .num_operands = 3,
     .types = {PTX_PRED, PTX_PRED, PTX_PRED}},
    {.keys = "or.pred",
     .exec = pred_or,
     .num_operands = 3,
     .types = {PTX_PRED, PTX_PRED, PTX_PRED}},
    {.keys = "xor.pred",
     .exec = pred_xor,
     .num_operands = 3,
     .types = {PTX_PRED, PTX_PRED, PTX_PRED}},
    {.keys = "not.pred", .exec = pred_not, .num_operands = 2, .types = {PTX_PRED, PTX_PRED}},
    {.keys = "mov.pred", .exec = pred_mov, .num_operands = 2, .types = {PTX_PRED, PTX_PRED}},
    {.keys = KEYS("selp", "16") " selp.bf16",
     .exec = selp_16,
     .num_operands = 4,
     .types = {PTX_B16, PTX_B16, PTX_B16, PTX_PRED}},
    {.keys = KEYS("selp", "32"),
     .exec = selp_32,
     .num_operands = 4,
     .types = {PTX_B32, PTX_B32, PTX_B32, PTX_PRED}},
    {.keys = KEYS("selp", "64"),
     .exec = selp_64,
     .num_operands = 4,
     .types = {PTX_B64, PTX_B64, PTX_B64, PTX_PRED}},
    {.keys = KEYS2("slct", "32", ".s32"),
     .exec = slct_32_s32,
     .num_operands = 4,
     .types = {PTX_B32, PTX_B32, PTX_B32, PTX_S32}},
    {.keys = KEYS2("slct", "64", ".s32"),
     .exec = slct_64_s32,
     .num_operands = 4,
     .types = {PTX_B64, PTX_B64, PTX_B64, PTX_S32}},
    {.keys = KEYS2("slct", "32", ".f32"),
     .exec = slct_32_f32,
     .num_operands = 4,
     .types = {PTX_B32, PTX_B32, PTX_B32, PTX_F32}},
    {.keys = KEYS2("slct", "64", ".f32"),
     .exec = slct_64_f32,
     .num_operands = 4,
     .types = {PTX_B64, PTX_B64, PTX_B64, PTX_F32}},
};

EltTable elt_pred_table(void) {
    return (EltTable){ops, TK_COUNTOF(ops)};
}
