/* cg_dispatch.c -- which function lowers which operation: one table. */
#include "codegen/cg.h"

typedef struct Lowering {
    CgLower *whole;     /* lowers the operation, or */
    CgElement *element; /* computes one element of an elementwise one */
} Lowering;

/* Operations that are gone before code is generated have no row. */
static const Lowering lowerings[OP_COUNT] = {
    [OP_Const] = {.whole = cg_lower_const},
    [OP_Arange] = {.whole = cg_lower_arange},
    [OP_ProgramId] = {.whole = cg_lower_program},
    [OP_NumPrograms] = {.whole = cg_lower_program},
    [OP_AddI] = {.element = cg_int},
    [OP_SubI] = {.element = cg_int},
    [OP_MulI] = {.element = cg_int},
    [OP_DivSI] = {.element = cg_int},
    [OP_DivUI] = {.element = cg_int},
    [OP_RemSI] = {.element = cg_int},
    [OP_RemUI] = {.element = cg_int},
    [OP_AndI] = {.element = cg_int},
    [OP_OrI] = {.element = cg_int},
    [OP_XorI] = {.element = cg_int},
    [OP_ShlI] = {.element = cg_int},
    [OP_ShrSI] = {.element = cg_int},
    [OP_ShrUI] = {.element = cg_int},
    [OP_MinSI] = {.element = cg_int},
    [OP_MaxSI] = {.element = cg_int},
    [OP_MinUI] = {.element = cg_int},
    [OP_MaxUI] = {.element = cg_int},
    [OP_MulHiSI] = {.element = cg_int},
    [OP_MulHiUI] = {.element = cg_int},
    [OP_AbsI] = {.element = cg_int},
    [OP_CountLeadingZeros] = {.element = cg_int},
    [OP_PopCount] = {.element = cg_int},
    [OP_CmpI] = {.element = cg_cmpi},
    [OP_AddF] = {.element = cg_float},
    [OP_SubF] = {.element = cg_float},
    [OP_MulF] = {.element = cg_float},
    [OP_DivF] = {.element = cg_float},
    [OP_DivRnF] = {.element = cg_float},
    [OP_NegF] = {.element = cg_float},
    [OP_AbsF] = {.element = cg_float},
    [OP_Fma] = {.element = cg_float},
    [OP_MinNumF] = {.element = cg_float},
    [OP_MaxNumF] = {.element = cg_float},
    [OP_MinimumF] = {.element = cg_float},
    [OP_MaximumF] = {.element = cg_float},
    [OP_CmpF] = {.element = cg_cmpf},
    [OP_Exp2] = {.element = cg_float},
    [OP_Log2] = {.element = cg_float},
    [OP_Sqrt] = {.element = cg_float},
    [OP_SqrtRn] = {.element = cg_float},
    [OP_Rsqrt] = {.element = cg_float},
    [OP_Floor] = {.element = cg_float},
    [OP_Ceil] = {.element = cg_float},
    [OP_LibCall] = {.element = cg_libcall},
    [OP_Select] = {.element = cg_select},
    [OP_ExtSI] = {.element = cg_cast},
    [OP_ExtUI] = {.element = cg_cast},
    [OP_TruncI] = {.element = cg_cast},
    [OP_SIToFP] = {.element = cg_cast},
    [OP_UIToFP] = {.element = cg_cast},
    [OP_FPToSI] = {.element = cg_cast},
    [OP_FPToUI] = {.element = cg_cast},
    [OP_FPExt] = {.element = cg_cast},
    [OP_FPTrunc] = {.element = cg_cast},
    [OP_Bitcast] = {.element = cg_cast},
    [OP_IntToPtr] = {.element = cg_cast},
    [OP_PtrToInt] = {.element = cg_cast},
    [OP_Splat] = {.whole = cg_lower_splat},
    [OP_Unsplat] = {.whole = cg_lower_unsplat},
    [OP_Broadcast] = {.whole = cg_lower_relabel},
    [OP_ExpandDims] = {.whole = cg_lower_relabel},
    [OP_Reshape] = {.whole = cg_lower_relabel},
    [OP_Permute] = {.whole = cg_lower_relabel},
    [OP_Join] = {.whole = cg_lower_relabel},
    [OP_Cat] = {.whole = cg_lower_relabel},
    [OP_Split] = {.whole = cg_lower_split},
    [OP_AddPtr] = {.element = cg_addptr},
    [OP_Load] = {.whole = cg_lower_load},
    [OP_Store] = {.whole = cg_lower_store},
    [OP_AtomicRmw] = {.whole = cg_lower_rmw},
    [OP_AtomicCas] = {.whole = cg_lower_cas},
    [OP_ConvertLayout] = {.whole = cg_lower_convert},
    [OP_SharedAlloc] = {.whole = cg_lower_shared_alloc},
    [OP_SharedSlot] = {.whole = cg_lower_shared_slot},
    [OP_AsyncCopy] = {.whole = cg_lower_async_copy},
    [OP_AsyncCommit] = {.whole = cg_lower_async_commit},
    [OP_AsyncWait] = {.whole = cg_lower_async_wait},
    [OP_SharedStore] = {.whole = cg_lower_shared_store},
    [OP_SharedLoad] = {.whole = cg_lower_shared_load},
    [OP_SharedGather] = {.whole = cg_lower_shared_gather},
    [OP_SharedPick] = {.whole = cg_lower_shared_pick},
    [OP_SharedCount] = {.whole = cg_lower_shared_count},
    [OP_DotMma] = {.whole = cg_lower_mma},
    [OP_DotFma] = {.whole = cg_lower_dot},
    [OP_Reduce] = {.whole = cg_lower_reduce},
    [OP_Scan] = {.whole = cg_lower_scan},
    [OP_Barrier] = {.whole = cg_lower_barrier},
    [OP_Assert] = {.whole = cg_lower_assert},
    [OP_Print] = {.whole = cg_lower_print},
    [OP_Assume] = {.whole = cg_lower_assume},
    [OP_InlineAsm] = {.whole = cg_lower_asm},
    [OP_If] = {.whole = cg_lower_if},
    [OP_For] = {.whole = cg_lower_for},
    [OP_While] = {.whole = cg_lower_while},
    [OP_Return] = {.whole = cg_lower_return},
};

enum { MAX_ELEMENT_OPERANDS = 4 };

/* The first register that holds the same as register `r` because of the value's constancy, such as
 * that of a mask that ends at a multiple of 16; `r` itself if that is all that is known. */
static uint32_t first_alike(const IrValue *value, uint32_t r) {
    const IrType *type = value->type;
    if (!value->hints || !ir_is_tile(type))
        return r;
    uint32_t word = layout_element(type->layout, r, 0, 0, 0), first;
    for (unsigned d = 0; d < type->rank; d++) {
        int64_t constancy = value->hints->constancy[d];
        for (unsigned n = 0; n < type->layout->nout[d] && constancy % (INT64_C(2) << n) == 0; n++)
            word &= constancy > 0 ? ~layout_axis_bit(type->layout, d, n) : UINT32_MAX;
    }
    return layout_find_reg(type->layout, word, &first) ? first : r;
}

void cg_elementwise(Cg *cg, const IrOp *op, CgElement *element) {
    const IrType *type = ir_result(op, 0)->type;
    LLVMValueRef *regs = cg_new_regs(cg, type);
    for (unsigned r = 0; r < cg_num_regs(type); r++) {
        LLVMValueRef args[MAX_ELEMENT_OPERANDS] = {NULL, NULL, NULL, NULL};
        if (cg_is_dead(type, r)) {
            regs[r] = cg_poison(cg, type);
            continue;
        }
        uint32_t alike = first_alike(ir_result(op, 0), r);
        if (alike < r) {
            regs[r] = regs[alike];
            continue;
        }
        for (unsigned i = 0; i < op->num_operands && i < MAX_ELEMENT_OPERANDS; i++)
            args[i] = cg_reg(cg, ir_operand(op, i), r);
        regs[r] = element(cg, op, args);
    }
    cg_define(cg, ir_result(op, 0), regs);
}

/* So that translation can go on after something was reported: results that nobody defined. */
static void define_missing(Cg *cg, const IrOp *op) {
    for (unsigned i = 0; i < op->num_results; i++) {
        const IrValue *result = ir_result(op, i);
        if (cg_regs(cg, result) != NULL)
            continue;
        LLVMValueRef *regs = cg_new_regs(cg, result->type);
        for (unsigned r = 0; r < cg_num_regs(result->type); r++)
            regs[r] = cg_poison(cg, result->type);
        cg_define(cg, result, regs);
    }
}

void cg_op(Cg *cg, const IrOp *op) {
    const Lowering *lowering = &lowerings[op->code];
    cg_debug_at(cg, op->range);
    if (lowering->whole != NULL) {
        lowering->whole(cg, op);
        if (cg->failed)
            define_missing(cg, op);
    } else if (lowering->element != NULL) {
        cg_elementwise(cg, op, lowering->element);
    } else {
        cg_internal(cg, op, "no pass has replaced it");
        define_missing(cg, op);
    }
}

IrOp *cg_block(Cg *cg, const IrBlock *block) {
    for (const IrOp *op = block->first; op != block->last; op = op->next) {
        if (cg_mma_delays(op))
            vec_push(cg->arena, &cg->delayed, op);
        else
            cg_op(cg, op);
    }
    return block->last;
}
