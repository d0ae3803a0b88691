/* expand_dots.c -- products that no tensor core computes, as several that it does.
 *
 * In:     verified tile IR
 * Out:    f32 operands of `tf32x3`, `bf16x3` and `bf16x6` are sums of parts that instructions take,
 *         fp8 is f16 where the target has no instruction for fp8, and an accumulator of bf16 is f32
 * Keeps:  every value: the parts' products are added in the order in which `dot` adds them
 * Cost:   O(operations)
 * Why:    the target's instructions (ir/mma.def) multiply f16, bf16, tf32, and few others
 * Before:
 *     %a = const 1.0 : tile<16x16xf8e5m2>
 *     %z = const 0.0 : tile<16x16xf32>
 *     %d = dot %a, %a, %z : tile<16x16xf32>
 *     print "d", %d
 *     return
 * After:
 *     %a = const 1.0 : tile<16x16xf8e5m2>
 *     %a.1 = fpext %a : tile<16x16xf16>
 *     %z = const 0.0 : tile<16x16xf32>
 *     %d = dot %a.1, %a.1, %z : tile<16x16xf32>
 *     print "d", %d
 *     return
 * Not:    what multiply-adds compute for less; f32 in ieee precision; any dot if no target is named
 *         (tests/passes/expand-dots/not.tkir)
 *
 * A part is made right behind the definition of what it is a part of: once, and outside of loops
 * where it can be. x = hi + lo: hi is x cut to tf32 or rounded to bf16, lo the rest, which the
 * instruction cuts by itself; infinity and NaN are in hi alone.
 */
#include "ir/mma.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

enum { MAX_PARTS = 3 };

/* What an operand becomes. */
typedef struct Parts {
    IrValue *of;
    IrTypeKind kind; /* of each part */
    unsigned count;
    IrValue *part[MAX_PARTS];
} Parts;

typedef struct Expander {
    PassContext *pc;
    IrKernel *kernel;
    VEC(Parts) made;
    bool changed;
} Expander;

static IrBuilder behind(const Expander *e, const IrValue *value) {
    IrBuilder b = {.module = e->kernel->module, .kernel = e->kernel};
    b.block = value->def ? value->def->block : value->block;
    b.before = value->def ? value->def->next : value->block->first;
    b.range = value->def ? value->def->range : SRC_NONE;
    return b;
}

static IrValue *cast(IrBuilder *b, IrOpcode code, IrValue *value, IrTypeKind kind) {
    return ir_cast(b, code, value, ir_type_scalar(b->module->ctx, kind));
}

/* ---- parts ----------------------------------------------------------------------------------- */

/* The leading part of `rest`, as f32. */
static IrValue *cut_to_tf32(IrBuilder *b, IrValue *rest) {
    IrValue *bits = cast(b, OP_Bitcast, rest, TY_I32);
    IrValue *mask = ir_const_int(b, bits->type, INT64_C(-0x2000));
    return cast(b, OP_Bitcast, ir_binary(b, OP_AndI, bits, mask), TY_F32);
}

/* What is left of `rest` without `part`; 0 if that is no number. */
static IrValue *subtract(IrBuilder *b, IrValue *rest, IrValue *part) {
    IrValue *left = ir_binary(b, OP_SubF, rest, part);
    IrValue *is_number = ir_cmpf(b, FPRED_OEQ, left, left);
    return ir_select(b, is_number, left, ir_const_bits(b, left->type, 0));
}

static void split(IrBuilder *b, Parts *parts) {
    IrValue *rest = parts->of;
    for (unsigned i = 0; i < parts->count; i++) {
        bool is_last = i + 1 == parts->count;
        if (parts->kind == TY_BF16)
            parts->part[i] = cast(b, OP_FPTrunc, rest, TY_BF16);
        else
            parts->part[i] = is_last ? rest : cut_to_tf32(b, rest);
        if (is_last)
            break;
        IrValue *part = parts->part[i];
        rest = subtract(b, rest, parts->kind == TY_BF16 ? cast(b, OP_FPExt, part, TY_F32) : part);
    }
}

/* The parts of `value`, made when they are first asked for. */
static const Parts *parts_of(Expander *e, IrValue *value, IrTypeKind kind, unsigned count) {
    for (size_t i = 0; i < e->made.len; i++) {
        const Parts *parts = &e->made.data[i];
        if (parts->of == value && parts->kind == kind && parts->count == count)
            return parts;
    }
    Parts parts = {.of = value, .kind = kind, .count = count};
    IrBuilder b = behind(e, value);
    if (count == 1)
        parts.part[0] = cast(&b, OP_FPExt, value, kind);
    else
        split(&b, &parts);
    if (count == 1)
        parts.part[0]->name = value->name;
    vec_push(e->pc->scratch, &e->made, parts);
    return &vec_last(&e->made);
}

/* ---- products -------------------------------------------------------------------------------- */

/* What a product becomes: operands of `kind` in `parts` parts, 0 if it stays. */
typedef struct Plan {
    IrTypeKind kind;
    unsigned parts;
    bool wide_acc; /* f32 instead of bf16 */
} Plan;

static bool is_fp8(IrTypeKind kind) {
    return kind == TY_F8E4M3 || kind == TY_F8E5M2;
}

static Plan plan_of(IrProduct *p) {
    Plan plan = {.kind = p->a, .wide_acc = p->acc == TY_BF16};
    if (is_fp8(p->a) && is_fp8(p->b))
        plan = (Plan){TY_F16, 1, plan.wide_acc};
    else if (p->a == TY_F32 && p->precision == PREC_TF32X3)
        plan = (Plan){TY_F32, 2, plan.wide_acc};
    else if (p->a == TY_F32 && p->precision == PREC_BF16X3)
        plan = (Plan){TY_BF16, 2, plan.wide_acc};
    else if (p->a == TY_F32 && p->precision == PREC_BF16X6)
        plan = (Plan){TY_BF16, 3, plan.wide_acc};
    if (plan.wide_acc)
        p->acc = TY_F32;
    if (plan.parts > 0) {
        p->a = p->b = plan.kind;
        p->precision = PREC_TF32;
    }
    return plan;
}

static IrValue *build_dot(IrBuilder *b, IrValue *x, IrValue *y, IrValue *acc) {
    IrValue *operands[] = {x, y, acc};
    return &ir_build(b, OP_Dot, operands, 3, &acc->type, 1)->results[0];
}

static void expand(Expander *e, IrOp *op, const Plan *plan) {
    Parts a = {.part = {ir_operand(op, 0)}}, c = {.part = {ir_operand(op, 1)}};
    if (plan->parts > 0) {
        a = *parts_of(e, ir_operand(op, 0), plan->kind, plan->parts);
        c = *parts_of(e, ir_operand(op, 1), plan->kind, plan->parts);
    }
    IrBuilder b = rewrite_before(op);
    IrValue *sum = ir_operand(op, 2);
    if (plan->wide_acc)
        sum = cast(&b, OP_FPExt, sum, TY_F32);
    unsigned orders = plan->parts > 0 ? plan->parts : 1;
    for (unsigned order = orders; order-- > 0;) /* small products first */
        for (unsigned i = order + 1; i-- > 0;)
            sum = build_dot(&b, a.part[i], c.part[order - i], sum);
    if (plan->wide_acc)
        sum = cast(&b, OP_FPTrunc, sum, TY_BF16);
    rewrite_replace(&op->results[0], sum);
    ir_op_erase(op);
    e->changed = true;
    pass_count(e->pc, STAT_DOTS_EXPANDED, 1);
}

static bool visit(IrOp *op, void *data) {
    Expander *e = data;
    if (op->code != OP_Dot)
        return true;
    const char *why;
    unsigned arch = e->pc->target.arch, num_warps = (unsigned)e->kernel->num_warps;
    IrProduct product = ir_product(op);
    if (ir_mma_choose(&product, arch, num_warps, &why))
        return true;
    Plan plan = plan_of(&product);
    if ((plan.parts > 0 || plan.wide_acc) && ir_mma_choose(&product, arch, num_warps, &why))
        expand(e, op, &plan);
    return true;
}

bool pass_expand_dots(PassContext *pc, IrKernel *kernel) {
    Expander e = {.pc = pc, .kernel = kernel};
    ir_walk(kernel->body, visit, &e);
    return e.changed;
}
