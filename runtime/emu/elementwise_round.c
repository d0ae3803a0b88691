/* elementwise_round.c -- arithmetic of f32 and f64 rounded towards zero, down or up.
 *
 * The rounding mode of the host is changed for the lanes of one instruction and put back. This file
 * is compiled so that the compiler does not move arithmetic across that (-frounding-math); results
 * go through volatile variables besides.
 *
 *     add.rz.f32 %f3, %f1, %f2     mode FE_TOWARDZERO
 */
#include <fenv.h>
#include <math.h>

#include "runtime/emu/elementwise.h"

static const int host_modes[] = {FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};
enum { RZ, RM, RP };

static inline float flush_if(float x, bool ftz) {
    return ftz && fabsf(x) < 1.17549435e-38f ? copysignf(0.0f, x) : x;
}

/* Inst.mode: the rounding; Inst.data: not NULL: flush subnormals. */
#define DIRECTED(name, T, expr)                                                                    \
    static void name(Warp *warp, const Inst *inst, uint32_t mask) {                                \
        int before = fegetround();                                                                 \
        fesetround(host_modes[inst->mode]);                                                        \
        EACH_LANE(l, mask) {                                                                       \
            volatile CT_##T x = IN_##T(ROW_##T(warp, inst->a)[l]);                                 \
            volatile CT_##T y = IN_##T(ROW_##T(warp, inst->b)[l]);                                 \
            volatile CT_##T z = IN_##T(ROW_##T(warp, inst->c)[l]);                                 \
            volatile CT_##T out = (CT_##T)(expr);                                                  \
            (void)y;                                                                               \
            (void)z;                                                                               \
            ROW_##T(warp, inst->dst)[l] = IN_##T(out);                                             \
        }                                                                                          \
        fesetround(before);                                                                        \
    }
#define IN_f32(x) flush_if(x, inst->data != NULL)
#define IN_f64(x) (x)

/* Unused operands name row 0, which is as wide as any. */
DIRECTED(add_f32, f32, x + y)
DIRECTED(add_f64, f64, x + y)
DIRECTED(sub_f32, f32, x - y)
DIRECTED(sub_f64, f64, x - y)
DIRECTED(mul_f32, f32, x *y)
DIRECTED(mul_f64, f64, x *y)
DIRECTED(div_f32, f32, x / y)
DIRECTED(div_f64, f64, x / y)
DIRECTED(fma_f32, f32, fmaf(x, y, z))
DIRECTED(fma_f64, f64, fma(x, y, z))
DIRECTED(rcp_f32, f32, 1.0f / x)
DIRECTED(rcp_f64, f64, 1.0 / x)
DIRECTED(sqrt_f32, f32, sqrtf(x))
DIRECTED(sqrt_f64, f64, sqrt(x))

#define ROW(fn, op, mode_text, mode_, type_text, n, T, ftz)                                        \
    {.keys = op "." mode_text type_text,                                                           \
     .exec = fn,                                                                                   \
     .num_operands = n,                                                                            \
     .types = {PT_##T, PT_##T, PT_##T, PT_##T},                                                    \
     .mode = mode_,                                                                                \
     .data = ftz ? &flushes : NULL},
#define ROWS(op, name, n)                                                                          \
    ROW(name##_f32, op, "rz", RZ, ".f32", n, f32, false)                                           \
    ROW(name##_f32, op, "rm", RM, ".f32", n, f32, false)                                           \
    ROW(name##_f32, op, "rp", RP, ".f32", n, f32, false)                                           \
    ROW(name##_f32, op, "rz", RZ, ".ftz.f32", n, f32, true)                                        \
    ROW(name##_f32, op, "rm", RM, ".ftz.f32", n, f32, true)                                        \
    ROW(name##_f32, op, "rp", RP, ".ftz.f32", n, f32, true)                                        \
    ROW(name##_f64, op, "rz", RZ, ".f64", n, f64, false)                                           \
    ROW(name##_f64, op, "rm", RM, ".f64", n, f64, false)                                           \
    ROW(name##_f64, op, "rp", RP, ".f64", n, f64, false)

static const char flushes = 1;
static const EltOp ops[] = {ROWS("add", add, 3) ROWS("sub", sub, 3) ROWS("mul", mul, 3) ROWS(
    "div", div, 3) ROWS("fma", fma, 4) ROWS("rcp", rcp, 2) ROWS("sqrt", sqrt, 2)};

EltTable elt_round_table(void) {
    return (EltTable){ops, TK_COUNTOF(ops)};
}
