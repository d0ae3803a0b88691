/* cg_dot.c -- matrix products by multiply-adds, the operands in shared memory.
 *
 * Each thread computes the elements of the result that its layout gives it, in a loop over k: it
 * loads the rows of a and the columns of b that they need, each once, and multiplies. An operand is
 * read like any tile in a buffer (cg_shared.c), with a layout whose registers count k and then the
 * rows or columns: vectors of up to 16 bytes, along k or across it, whichever way the buffer lies.
 * The low bits of k are steps written out in the loop's body, whose addresses are immediates; the
 * loop counts the others, and adds (XOR) what they make.
 *
 * As in the interpreter: small types are widened to f32, whose products are exact; f32 is cut to
 * tf32 (the low 13 bits dropped), or split into parts whose products are added smallest first; an
 * f16 or bf16 accumulator is f32 inside and rounded once. Products of f32 are fused with their sum.
 */
#include "codegen/cg.h"

enum { MAX_PARTS = 3, MAX_STEPS_BITS = 3 };
enum { MAX_BODY = 512 }; /* multiply-adds in the loop's body */

/* One operand: as a tile whose registers count k first, then those of the result's registers whose
 * elements need different ones (layout_dot_operand). */
typedef struct Operand {
    const IrType *type;
    CgSharedSide side;
    uint32_t k_columns[LAYOUT_MAX_BITS]; /* bit of k -> offset, of the bits that the loop counts */
    unsigned k_bits, num_own;            /* num_own: elements that a thread needs in one step */
    unsigned *own_of;                    /* by register of the result */
    bool *needed;                        /* by own: not only for dead registers */
    LLVMValueRef *regs;                  /* of the tile: what was loaded */
    LLVMValueRef *parts; /* [step][own][MAX_PARTS]: as numbers, in the loop's body */
} Operand;

typedef struct Dot {
    const IrOp *op;
    const IrType *result;
    LLVMTypeRef acc;     /* what is accumulated */
    unsigned parts;      /* each f32 operand is a sum of so many */
    bool tf32;           /* parts are tf32; else bf16 */
    bool cut;            /* one part, in tf32 */
    unsigned steps_bits; /* log2 of the steps of k in the loop's body */
    int64_t k;
    Operand a, b;
} Dot;

static unsigned num_steps(const Dot *dot) {
    return 1u << dot->steps_bits;
}

/* ---- where operands lie ------------------------------------------------------------------------
 */

/* Which of the operand's elements of a step each register of the result needs. */
static void plan_own(Cg *cg, const Dot *dot, Operand *operand, bool second) {
    const Layout *layout = dot->result->layout;
    unsigned regs = cg_num_regs(dot->result), bits = 0,
             axis = dot->result->rank - (second ? 2u : 1u);
    uint32_t left_out = layout_axis_mask(layout, axis), place[LAYOUT_MAX_COLUMNS];
    for (unsigned i = 0; i < layout->nin[LL_REG]; i++)
        place[i] = (layout->col[i] & ~left_out) != 0 ? 1u << bits++ : 0;
    operand->num_own = 1u << bits;
    operand->own_of = ARENA_ARRAY(cg->arena, unsigned, regs);
    operand->needed = ARENA_ARRAY(cg->arena, bool, operand->num_own);
    for (unsigned r = 0; r < regs; r++) {
        for (unsigned i = 0; r >> i != 0; i++)
            operand->own_of[r] |= r >> i & 1 ? place[i] : 0;
        if (!cg_is_dead(dot->result, r))
            operand->needed[operand->own_of[r]] = true;
    }
}

static void plan_operand(Cg *cg, const Dot *dot, Operand *operand, bool second) {
    const IrValue *buffer = ir_operand(dot->op, second ? 1 : 0);
    unsigned k = dot->result->rank - (second ? 2u : 1u);
    operand->type = buffer->type;
    operand->k_bits = buffer->type->layout->nout[k];
    Layout tile = layout_dot_operand(dot->result->layout, second, operand->k_bits);
    operand->side = cg_shared_side(cg, buffer, &tile, false);
    plan_own(cg, dot, operand, second);
    CgSharedSide *side = &operand->side;
    for (unsigned i = dot->steps_bits; i < operand->k_bits; i++) {
        operand->k_columns[i] = side->plan.offsets.col[i];
        side->base_bits |= operand->k_columns[i];
        for (unsigned b = 0; b < side->plan.vector.bits; b++)
            if (side->plan.vector.reg_bit[b] == i)
                cg_shared_narrow(side, b);
    }
    operand->regs = ARENA_ARRAY(cg->arena, LLVMValueRef, layout_num_regs(&tile));
    operand->parts = ARENA_ARRAY(cg->arena, LLVMValueRef,
                                 ((size_t)MAX_PARTS << dot->steps_bits) * operand->num_own);
}

static LLVMValueRef *part_at(const Operand *operand, unsigned step, unsigned own) {
    return operand->parts + ((size_t)step * operand->num_own + own) * MAX_PARTS;
}

/* ---- operands as numbers
 * -----------------------------------------------------------------------
 */

static LLVMValueRef cut_to_tf32(Cg *cg, LLVMValueRef value) {
    LLVMValueRef bits = LLVMBuildBitCast(cg->b, value, cg->type.i32, "");
    bits = LLVMBuildAnd(cg->b, bits, cg_i32(cg, 0xffffe000), "");
    return LLVMBuildBitCast(cg->b, bits, cg->type.f32, "");
}

/* Takes the leading part off *rest; infinity and NaN are in the first part
 * only. */
static LLVMValueRef take_part(Cg *cg, const Dot *dot, LLVMValueRef *rest) {
    LLVMBuilderRef b = cg->b;
    LLVMValueRef part = *rest;
    if (dot->tf32)
        part = cut_to_tf32(cg, part);
    else
        part = cg_to_f32(cg, TY_BF16, cg_from_f32(cg, TY_BF16, part, false));
    LLVMValueRef left = LLVMBuildFSub(b, *rest, part, "");
    LLVMValueRef number = LLVMBuildFCmp(b, LLVMRealORD, left, left, "");
    *rest = LLVMBuildSelect(b, number, left, LLVMConstReal(cg->type.f32, 0.0), "");
    return part;
}

static void widen(Cg *cg, const Dot *dot, IrTypeKind kind, LLVMValueRef value, LLVMValueRef *out) {
    if (dot->acc == cg->type.f64) {
        out[0] = value;
    } else if (dot->acc == cg->type.i32) {
        out[0] = LLVMTypeOf(value) == cg->type.i32 ? value
                                                   : LLVMBuildSExt(cg->b, value, cg->type.i32, "");
    } else {
        value = cg_to_f32(cg, kind, value);
        if (dot->parts == 1)
            out[0] = dot->cut ? cut_to_tf32(cg, value) : value;
        for (unsigned p = 0; dot->parts > 1 && p < dot->parts; p++)
            out[p] = take_part(cg, dot, &value);
    }
}

/* Loads what the thread's registers need of an operand in step `step` of the body, and what lies
 * beside it. `k`: the first step's, or NULL where there is no loop. */
static void load_operand(Cg *cg, const Dot *dot, Operand *operand, LLVMValueRef k, unsigned step) {
    CgSharedSide side = operand->side;
    if (k != NULL) {
        LLVMValueRef part = cg_apply(cg, cg->b, k, operand->k_columns, operand->k_bits);
        side.base = LLVMBuildXor(cg->b, side.base, part, "");
    }
    for (unsigned own = 0; own < operand->num_own; own++) {
        unsigned reg = step | own << operand->k_bits;
        if ((reg & side.inside) == 0 && operand->needed[own])
            cg_shared_load_at(cg, &side, reg, operand->regs);
        if (operand->needed[own])
            widen(cg, dot, ir_elem(operand->type)->kind, operand->regs[reg],
                  part_at(operand, step, own));
    }
}

/* ---- the loop
 * ----------------------------------------------------------------------------------
 */

static LLVMValueRef multiply_add(Cg *cg, const Dot *dot, LLVMValueRef a, LLVMValueRef b,
                                 LLVMValueRef c) {
    if (dot->acc == cg->type.i32)
        return LLVMBuildAdd(cg->b, LLVMBuildMul(cg->b, a, b, ""), c, "");
    LLVMTypeRef type = dot->acc;
    LLVMValueRef args[] = {a, b, c};
    return cg_intrinsic(cg, "llvm.fma", &type, 1, args, 3);
}

static void one_step(Cg *cg, const Dot *dot, unsigned step, LLVMValueRef *acc) {
    for (unsigned r = 0; r < cg_num_regs(dot->result); r++) {
        if (cg_is_dead(dot->result, r))
            continue;
        const LLVMValueRef *a = part_at(&dot->a, step, dot->a.own_of[r]);
        const LLVMValueRef *b = part_at(&dot->b, step, dot->b.own_of[r]);
        for (unsigned order = dot->parts; order-- > 0;) /* small products first */
            for (unsigned p = order + 1; p-- > 0;)
                acc[r] = multiply_add(cg, dot, a[p], b[order - p], acc[r]);
    }
}

/* The steps of one trip; what a step needs is loaded before the multiply-adds of the step before.
 */
static void run_steps(Cg *cg, Dot *dot, LLVMValueRef k, LLVMValueRef *acc) {
    for (unsigned step = 0; step <= num_steps(dot); step++) {
        if (step < num_steps(dot)) {
            load_operand(cg, dot, &dot->a, k, step);
            load_operand(cg, dot, &dot->b, k, step);
        }
        if (step > 0)
            one_step(cg, dot, step - 1, acc);
    }
}

/* acc += a @ b */
static void run_loop(Cg *cg, Dot *dot, LLVMValueRef *acc) {
    LLVMContextRef context = cg->unit.context;
    unsigned regs = cg_num_regs(dot->result);
    LLVMBasicBlockRef before = LLVMGetInsertBlock(cg->b);
    LLVMBasicBlockRef loop = LLVMAppendBasicBlockInContext(context, cg->function, "dot");
    LLVMBasicBlockRef exit = LLVMAppendBasicBlockInContext(context, cg->function, "dot_end");
    LLVMBuildBr(cg->b, loop);
    LLVMPositionBuilderAtEnd(cg->b, loop);
    LLVMValueRef k = LLVMBuildPhi(cg->b, cg->type.i32, "k"), zero = cg_i32(cg, 0);
    LLVMAddIncoming(k, &zero, &before, 1);
    LLVMValueRef *phis = ARENA_ARRAY(cg->arena, LLVMValueRef, regs);
    for (unsigned r = 0; r < regs; r++) {
        if (cg_is_dead(dot->result, r))
            continue;
        phis[r] = LLVMBuildPhi(cg->b, dot->acc, "");
        LLVMAddIncoming(phis[r], &acc[r], &before, 1);
        acc[r] = phis[r];
    }
    run_steps(cg, dot, k, acc);
    LLVMValueRef next = LLVMBuildNUWAdd(cg->b, k, cg_i32(cg, num_steps(dot)), "");
    LLVMValueRef more = LLVMBuildICmp(cg->b, LLVMIntULT, next, cg_i32(cg, (uint32_t)dot->k), "");
    LLVMBuildCondBr(cg->b, more, loop, exit);
    LLVMAddIncoming(k, &next, &loop, 1);
    for (unsigned r = 0; r < regs; r++)
        if (!cg_is_dead(dot->result, r))
            LLVMAddIncoming(phis[r], &acc[r], &loop, 1);
    LLVMPositionBuilderAtEnd(cg->b, exit);
}

/* ---- the whole
 * ---------------------------------------------------------------------------------
 */

static void choose_precision(Dot *dot) {
    dot->parts = 1;
    if (ir_elem(dot->a.type)->kind != TY_F32)
        return; /* products of smaller types are exact in f32 */
    switch ((PRECISION_Enum)ir_attr_int(dot->op, ATTR_PRECISION)) {
    case PREC_TF32:
        dot->cut = true;
        break;
    case PREC_TF32X3:
        dot->parts = 2;
        dot->tf32 = true;
        break;
    case PREC_BF16X3:
        dot->parts = 2;
        break;
    case PREC_BF16X6:
        dot->parts = 3;
        break;
    case PREC_IEEE:
    case PRECISION_COUNT:
        break;
    }
}

/* As many steps in the body as divide k and keep it short; of more than 8, ptxas loads too much
 * ahead and runs out of registers. */
static void choose_steps(Dot *dot) {
    unsigned regs = cg_num_regs(dot->result);
    while (dot->steps_bits < MAX_STEPS_BITS && dot->k % (2 << dot->steps_bits) == 0 &&
           (regs << dot->steps_bits) * 2 <= MAX_BODY)
        dot->steps_bits++;
}

static void plan_dot(Cg *cg, const IrOp *op, Dot *dot) {
    const IrType *result = ir_result(op, 0)->type;
    IrTypeKind kind = ir_elem(result)->kind;
    *dot = (Dot){.op = op, .result = result, .acc = cg->type.f32};
    if (kind == TY_F64)
        dot->acc = cg->type.f64;
    else if (kind == TY_I32)
        dot->acc = cg->type.i32;
    dot->k = ir_operand(op, 0)->type->shape[result->rank - 1];
    choose_steps(dot);
    plan_operand(cg, dot, &dot->a, false);
    plan_operand(cg, dot, &dot->b, true);
    choose_precision(dot);
}

void cg_lower_dot(Cg *cg, const IrOp *op) {
    Dot dot;
    const IrType *type = ir_result(op, 0)->type;
    IrTypeKind kind = ir_elem(type)->kind;
    unsigned regs = cg_num_regs(type);
    bool widens = kind == TY_F16 || kind == TY_BF16;
    LLVMValueRef *acc = cg_new_regs(cg, type);
    plan_dot(cg, op, &dot);
    for (unsigned r = 0; r < regs; r++) {
        acc[r] = cg_reg(cg, ir_operand(op, 2), r);
        if (widens && !cg_is_dead(type, r))
            acc[r] = cg_to_f32(cg, kind, acc[r]);
    }
    if (dot.k == num_steps(&dot))
        run_steps(cg, &dot, NULL, acc);
    else
        run_loop(cg, &dot, acc);
    for (unsigned r = 0; widens && r < regs; r++)
        if (!cg_is_dead(type, r))
            acc[r] = cg_from_f32(cg, kind, acc[r], false);
    cg_define(cg, ir_result(op, 0), acc);
}
