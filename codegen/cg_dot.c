/* cg_dot.c -- matrix products by multiply-adds, the operands in shared memory.
 *
 * Each thread computes the elements of the result that its layout gives it, in
 * a loop over k: it loads the rows of a and the columns of b that they need,
 * each once, and multiplies. The offset of an operand is the XOR of a part that
 * the thread decides, one that the register decides, and one that k decides. A
 * few steps of k are written out in the loop's body. Neighbours in the buffer
 * that a thread needs, in one step or in several, are loaded together, up to 16
 * bytes.
 *
 * As in the interpreter: small types are widened to f32, whose products are
 * exact; f32 is cut to tf32 (the low 13 bits dropped), or split into parts
 * whose products are added smallest first; an f16 or bf16 accumulator is f32
 * inside and rounded once. Products of f32 are fused with their sum.
 */
#include "codegen/cg.h"

enum { MAX_PARTS = 3, MAX_UNROLL = 4 };
enum { MAX_BODY = 256 }; /* multiply-adds in the loop's body */

/* One operand. */
typedef struct Operand {
    const IrType *type;
    LLVMValueRef buffer;
    uint32_t columns[LAYOUT_MAX_BITS]; /* element bit -> offset */
    unsigned k_shift, k_bits;          /* where k stands in the element word */
    LLVMValueRef thread;               /* the thread's part of the offset */
    uint32_t thread_bits, k_bits_set;  /* the offset bits that the thread and k may set */
    uint32_t *keys;                    /* the registers' parts, each once */
    unsigned num_keys;
    unsigned *key_of;     /* by register of the result: index in keys */
    unsigned vector;      /* elements of a load: 1, or neighbours */
    bool along_k;         /* the neighbours are those of the next steps of k, else other
                             keys */
    LLVMValueRef *loaded; /* [MAX_UNROLL][keys][MAX_PARTS], in the loop's body */
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

/* ---- where operands lie
 * ------------------------------------------------------------------------
 */

/* The element of an operand, at k = 0, that an element of the result needs.
 * `own`: the operand's axis that is not k; `of`: the result's. */
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
        operand->thread_bits |= threads[i];
    }
    operand->thread = cg_thread_word(cg, threads, count);
    for (unsigned i = 0; i < operand->k_bits; i++)
        operand->k_bits_set |= operand->columns[operand->k_shift + i];
    operand->keys = ARENA_ARRAY(cg->arena, uint32_t, regs);
    operand->key_of = ARENA_ARRAY(cg->arena, unsigned, regs);
    operand->loaded = ARENA_ARRAY(cg->arena, LLVMValueRef, (size_t)MAX_UNROLL * regs * MAX_PARTS);
    for (unsigned r = 0; r < regs; r++) {
        uint32_t word = operand_word(dot, operand, layout_element(layout, r, 0, 0, 0), own, of);
        if (!cg_is_dead(dot->result, r))
            operand->key_of[r] = find_key(operand, cg_offset_of(operand->columns, word));
    }
    return true;
}

/* Steps k, k + 1 ... lie side by side, and nothing else decides the low bits of
 * the offset. */
static bool neighbours_along_k(const Operand *operand, unsigned count) {
    uint32_t low = count - 1, others = operand->thread_bits;
    for (unsigned i = 0; i < operand->num_keys; i++)
        others |= operand->keys[i];
    for (unsigned i = 0; i < operand->k_bits; i++) {
        uint32_t column = operand->columns[operand->k_shift + i];
        if (((uint32_t)1 << i) < count ? column != (uint32_t)1 << i : (column & low) != 0)
            return false;
    }
    return (others & low) == 0 && ((uint32_t)1 << operand->k_bits) >= count;
}

/* Only the registers decide the low bits, and they take on every value of them.
 */
static bool neighbours_among_keys(const Operand *operand, unsigned count) {
    uint32_t low = count - 1;
    if (((operand->thread_bits | operand->k_bits_set) & low) != 0)
        return false;
    for (unsigned i = 0; i < operand->num_keys; i++) {
        unsigned found = 0;
        for (unsigned j = 0; j < operand->num_keys; j++)
            found += (operand->keys[j] & ~low) == (operand->keys[i] & ~low);
        if (found != count)
            return false;
    }
    return true;
}

static void plan_vector(const Dot *dot, Operand *operand) {
    unsigned most = 16 / (unsigned)ir_elem_size(ir_elem(operand->type));
    operand->vector = most < dot->unroll ? most : dot->unroll;
    while (operand->vector > 1 && !neighbours_along_k(operand, operand->vector))
        operand->vector /= 2;
    operand->along_k = operand->vector > 1;
    if (operand->along_k)
        return;
    operand->vector = most;
    while (operand->vector > 1 && !neighbours_among_keys(operand, operand->vector))
        operand->vector /= 2;
}

static LLVMValueRef *loaded_at(const Operand *operand, unsigned step, unsigned key) {
    return operand->loaded + ((size_t)step * operand->num_keys + key) * MAX_PARTS;
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

/* Loads what the thread's registers need of an operand in step `step` of the
 * body, and what lies beside it. */
static void load_operand(Cg *cg, const Dot *dot, Operand *operand, LLVMValueRef k, unsigned step) {
    unsigned elem_bytes = (unsigned)ir_elem_size(ir_elem(operand->type)), count = operand->vector;
    CgAccess access = {
        .space = SPACE_SHARED, .type = operand->type, .count = count, .align = count * elem_bytes};
    if (operand->along_k && step % count != 0)
        return; /* loaded with an earlier step */
    LLVMValueRef part =
        cg_apply(cg, cg->b, k, operand->columns + operand->k_shift, operand->k_bits);
    LLVMValueRef base = LLVMBuildXor(cg->b, operand->thread, part, "");
    for (unsigned i = 0; i < operand->num_keys; i++) {
        uint32_t key = operand->keys[i];
        LLVMValueRef offset = base, elements[16];
        if (!operand->along_k && (key & (count - 1)) != 0)
            continue; /* loaded with an earlier key */
        uint32_t shared = key & (operand->thread_bits | operand->k_bits_set);
        if (shared != 0)
            offset = LLVMBuildXor(cg->b, base, cg_i32(cg, shared), "");
        LLVMValueRef ptr = cg_shared_at(cg, operand->buffer, elem_bytes, offset, key & ~shared);
        cg_unpack(cg, operand->type, cg_load(cg, &access, ptr, NULL, NULL), elements, count);
        for (unsigned e = 0; e < count; e++)
            widen(cg, dot, ir_elem(operand->type)->kind, elements[e],
                  operand->along_k ? loaded_at(operand, step + e, i)
                                   : loaded_at(operand, step, find_key(operand, key | e)));
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

static void one_step(Cg *cg, Dot *dot, LLVMValueRef k, unsigned step, LLVMValueRef *acc) {
    load_operand(cg, dot, &dot->a, k, step);
    load_operand(cg, dot, &dot->b, k, step);
    for (unsigned r = 0; r < cg_num_regs(dot->result); r++) {
        if (cg_is_dead(dot->result, r))
            continue;
        const LLVMValueRef *a = loaded_at(&dot->a, step, dot->a.key_of[r]);
        const LLVMValueRef *b = loaded_at(&dot->b, step, dot->b.key_of[r]);
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
        one_step(cg, dot, LLVMBuildNUWAdd(cg->b, k, cg_i32(cg, i), ""), i, acc);
    LLVMValueRef next = LLVMBuildNUWAdd(cg->b, k, cg_i32(cg, dot->unroll), "");
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

static bool plan_dot(Cg *cg, const IrOp *op, Dot *dot) {
    const IrType *result = ir_result(op, 0)->type;
    unsigned rank = result->rank, m = rank - 2, n = rank - 1;
    IrTypeKind kind = ir_elem(result)->kind;
    *dot = (Dot){.op = op, .result = result, .acc = cg->type.f32, .unroll = MAX_UNROLL};
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
    plan_vector(dot, &dot->a);
    plan_vector(dot, &dot->b);
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
