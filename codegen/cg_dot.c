/* cg_dot.c -- matrix products by multiply-adds, the operands in shared memory.
 *
 * Each thread computes the elements of the result that its layout gives it, in a loop over k: it
 * loads the rows of a and the columns of b that they need, each once, and multiplies. The offset of
 * an operand is the XOR of a part that the thread decides, one that the register decides, and one
 * that k decides. A few steps of k are written out in the loop's body, so that LLVM can load
 * neighbours together.
 *
 * As in the interpreter: small types are widened to f32, whose products are exact; f32 is cut to
 * tf32 (the low 13 bits dropped), or split into parts whose products are added smallest first; an
 * f16 or bf16 accumulator is f32 inside and rounded once. Products of f32 are fused with their sum.
 */
#include "codegen/cg.h"

enum { MAX_PARTS = 3, MAX_BODY = 256 }; /* multiply-adds in the loop's body */

/* One operand. */
typedef struct Operand {
    const IrType *type;
    LLVMValueRef buffer;
    uint32_t columns[LAYOUT_MAX_BITS]; /* element bit -> offset */
    unsigned k_shift, k_bits;          /* where k stands in the element word */
    LLVMValueRef thread;               /* the thread's part of the offset */
    uint32_t run_time_bits;            /* that the thread or k may set */
    uint32_t *keys;                    /* the registers' parts, each once */
    unsigned num_keys;
    unsigned *key_of;     /* by register of the result: index in keys */
    LLVMValueRef *loaded; /* [num_keys * MAX_PARTS] for the current k */
} Operand;

typedef struct Dot {
    const IrOp *op;
    const IrType *result;
    LLVMTypeRef acc; /* what is accumulated */
    unsigned parts;  /* each f32 operand is a sum of so many */
    bool tf32;       /* parts are tf32; else bf16 */
    bool cut;        /* one part, in tf32 */
    unsigned unroll; /* steps of k in the loop's body */
    int64_t k;
    Operand a, b;
} Dot;

/* ---- where operands lie ------------------------------------------------------------------------
 */

/* The element of an operand, at k = 0, that an element of the result needs. `own`: the operand's
 * axis that is not k; `of`: the result's. */
static uint32_t operand_word(const Dot *dot, const Operand *operand, uint32_t word, unsigned own,
                             unsigned of) {
    uint32_t coords[LAYOUT_MAX_RANK] = {0};
    for (unsigned d = 0; d + 2 < dot->result->rank; d++)
        coords[d] = layout_coord(dot->result->layout, word, d);
    coords[own] = layout_coord(dot->result->layout, word, of);
    return layout_word(operand->type->layout, coords);
}

static unsigned find_key(Operand *operand, uint32_t key) {
    for (unsigned i = 0; i < operand->num_keys; i++)
        if (operand->keys[i] == key)
            return i;
    operand->keys[operand->num_keys] = key;
    return operand->num_keys++;
}

/* `own`, `k`: the operand's axes; `of`: the result's axis that `own` is. */
static bool plan_operand(Cg *cg, const Dot *dot, Operand *operand, unsigned index, unsigned own,
                         unsigned k, unsigned of) {
    const Layout *layout = dot->result->layout;
    unsigned regs = cg_num_regs(dot->result);
    operand->type = ir_operand(dot->op, index)->type;
    operand->buffer = cg_reg(cg, ir_operand(dot->op, index), 0);
    if (!cg_shared_columns(cg, dot->op, operand->type->layout, operand->columns))
        return false;
    operand->k_shift = layout_axis_shift(operand->type->layout, k);
    operand->k_bits = operand->type->layout->nout[k];
    uint32_t threads[LAYOUT_MAX_COLUMNS];
    unsigned count = (unsigned)layout->nin[LL_LANE] + layout->nin[LL_WARP];
    for (unsigned i = 0; i < count; i++) {
        uint32_t word = layout_columns(layout, LL_LANE)[i];
        threads[i] = cg_offset_of(operand->columns, operand_word(dot, operand, word, own, of));
        operand->run_time_bits |= threads[i];
    }
    operand->thread = cg_thread_word(cg, threads, count);
    for (unsigned i = 0; i < operand->k_bits; i++)
        operand->run_time_bits |= operand->columns[operand->k_shift + i];
    operand->keys = ARENA_ARRAY(cg->arena, uint32_t, regs);
    operand->key_of = ARENA_ARRAY(cg->arena, unsigned, regs);
    operand->loaded = ARENA_ARRAY(cg->arena, LLVMValueRef, (size_t)regs * MAX_PARTS);
    for (unsigned r = 0; r < regs; r++) {
        uint32_t word = operand_word(dot, operand, layout_element(layout, r, 0, 0, 0), own, of);
        if (!cg_is_dead(dot->result, r))
            operand->key_of[r] = find_key(operand, cg_offset_of(operand->columns, word));
    }
    return true;
}

/* ---- operands as numbers -----------------------------------------------------------------------
 */

static LLVMValueRef cut_to_tf32(Cg *cg, LLVMValueRef value) {
    LLVMValueRef bits = LLVMBuildBitCast(cg->b, value, cg->type.i32, "");
    bits = LLVMBuildAnd(cg->b, bits, cg_i32(cg, 0xffffe000), "");
    return LLVMBuildBitCast(cg->b, bits, cg->type.f32, "");
}

/* Takes the leading part off *rest; infinity and NaN are in the first part only. */
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

/* Loads what the threads' registers need of an operand at k + step. */
static void load_operand(Cg *cg, const Dot *dot, Operand *operand, LLVMValueRef k) {
    unsigned elem_bytes = (unsigned)ir_elem_size(ir_elem(operand->type));
    CgAccess access = {
        .space = SPACE_SHARED, .type = operand->type, .count = 1, .align = elem_bytes};
    LLVMValueRef part =
        cg_apply(cg, cg->b, k, operand->columns + operand->k_shift, operand->k_bits);
    LLVMValueRef base = LLVMBuildXor(cg->b, operand->thread, part, "");
    for (unsigned i = 0; i < operand->num_keys; i++) {
        uint32_t shared = operand->keys[i] & operand->run_time_bits;
        LLVMValueRef offset = base, element;
        if (shared != 0)
            offset = LLVMBuildXor(cg->b, base, cg_i32(cg, shared), "");
        LLVMValueRef ptr =
            cg_shared_at(cg, operand->buffer, elem_bytes, offset, operand->keys[i] & ~shared);
        cg_unpack(cg, operand->type, cg_load(cg, &access, ptr, NULL, NULL), &element, 1);
        widen(cg, dot, ir_elem(operand->type)->kind, element,
              operand->loaded + (size_t)i * MAX_PARTS);
    }
}

/* ---- the loop ----------------------------------------------------------------------------------
 */

static LLVMValueRef multiply_add(Cg *cg, const Dot *dot, LLVMValueRef a, LLVMValueRef b,
                                 LLVMValueRef c) {
    if (dot->acc == cg->type.i32)
        return LLVMBuildAdd(cg->b, LLVMBuildMul(cg->b, a, b, ""), c, "");
    LLVMTypeRef type = dot->acc;
    LLVMValueRef args[] = {a, b, c};
    return cg_intrinsic(cg, "llvm.fma", &type, 1, args, 3);
}

static void one_step(Cg *cg, Dot *dot, LLVMValueRef k, LLVMValueRef *acc) {
    load_operand(cg, dot, &dot->a, k);
    load_operand(cg, dot, &dot->b, k);
    for (unsigned r = 0; r < cg_num_regs(dot->result); r++) {
        if (cg_is_dead(dot->result, r))
            continue;
        const LLVMValueRef *a = dot->a.loaded + (size_t)dot->a.key_of[r] * MAX_PARTS;
        const LLVMValueRef *b = dot->b.loaded + (size_t)dot->b.key_of[r] * MAX_PARTS;
        for (unsigned order = dot->parts; order-- > 0;) /* small products first */
            for (unsigned p = order + 1; p-- > 0;)
                acc[r] = multiply_add(cg, dot, a[p], b[order - p], acc[r]);
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
    for (unsigned i = 0; i < dot->unroll; i++)
        one_step(cg, dot, LLVMBuildNUWAdd(cg->b, k, cg_i32(cg, i), ""), acc);
    LLVMValueRef next = LLVMBuildNUWAdd(cg->b, k, cg_i32(cg, dot->unroll), "");
    LLVMValueRef more = LLVMBuildICmp(cg->b, LLVMIntULT, next, cg_i32(cg, (uint32_t)dot->k), "");
    LLVMBuildCondBr(cg->b, more, loop, exit);
    LLVMAddIncoming(k, &next, &loop, 1);
    for (unsigned r = 0; r < regs; r++)
        if (!cg_is_dead(dot->result, r))
            LLVMAddIncoming(phis[r], &acc[r], &loop, 1);
    LLVMPositionBuilderAtEnd(cg->b, exit);
}

/* ---- the whole ---------------------------------------------------------------------------------
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

static bool plan_dot(Cg *cg, const IrOp *op, Dot *dot) {
    const IrType *result = ir_result(op, 0)->type;
    unsigned rank = result->rank, m = rank - 2, n = rank - 1;
    IrTypeKind kind = ir_elem(result)->kind;
    *dot = (Dot){.op = op, .result = result, .acc = cg->type.f32, .unroll = 4};
    if (kind == TY_F64)
        dot->acc = cg->type.f64;
    else if (kind == TY_I32)
        dot->acc = cg->type.i32;
    if (!plan_operand(cg, dot, &dot->a, 0, m, n, m) || !plan_operand(cg, dot, &dot->b, 1, n, m, n))
        return false;
    choose_precision(dot);
    dot->k = dot->a.type->shape[n];
    while (dot->k % dot->unroll != 0 ||
           (dot->unroll > 1 && cg_num_regs(result) * dot->unroll > MAX_BODY))
        dot->unroll /= 2;
    return true;
}

void cg_lower_dot(Cg *cg, const IrOp *op) {
    Dot dot;
    const IrType *type = ir_result(op, 0)->type;
    IrTypeKind kind = ir_elem(type)->kind;
    unsigned regs = cg_num_regs(type);
    bool widens = kind == TY_F16 || kind == TY_BF16;
    LLVMValueRef *acc = cg_new_regs(cg, type);
    if (!plan_dot(cg, op, &dot))
        return;
    for (unsigned r = 0; r < regs; r++) {
        acc[r] = cg_reg(cg, ir_operand(op, 2), r);
        if (widens && !cg_is_dead(type, r))
            acc[r] = cg_to_f32(cg, kind, acc[r]);
    }
    run_loop(cg, &dot, acc);
    for (unsigned r = 0; widens && r < regs; r++)
        if (!cg_is_dead(type, r))
            acc[r] = cg_from_f32(cg, kind, acc[r], false);
    cg_define(cg, ir_result(op, 0), acc);
}
