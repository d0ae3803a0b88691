/* cg_float.c -- floating-point arithmetic and comparison of one element.
 *
 * f32 and f64 compute in their own type, and so do + - * and fma of f16: one rounding each. bf16
 * and fp8, and division and roots of f16, are widened to f32, computed there and rounded back: f32
 * has more than twice their digits and two, so that rounding twice gives the same (Figueroa 1995).
 * No fast-math flag is ever set: nothing is contracted, reassociated or approximated but where the
 * operation says so (divf, sqrt, rsqrt, exp2, log2 of f32).
 */
#include <string.h>

#include "codegen/cg.h"
#include "ir/machine.h"

static LLVMValueRef call1(Cg *cg, const char *name, LLVMValueRef a) {
    LLVMTypeRef type = LLVMTypeOf(a);
    return cg_intrinsic(cg, name, &type, 1, &a, 1);
}

static LLVMValueRef call2(Cg *cg, const char *name, LLVMValueRef a, LLVMValueRef b) {
    LLVMTypeRef type = LLVMTypeOf(a);
    LLVMValueRef args[] = {a, b};
    return cg_intrinsic(cg, name, &type, 1, args, 2);
}

/* PTX has no min.NaN.f64. */
static LLVMValueRef nan_wins_f64(Cg *cg, const char *number, LLVMValueRef a, LLVMValueRef b) {
    LLVMValueRef unordered = LLVMBuildFCmp(cg->b, LLVMRealUNO, a, b, "");
    LLVMValueRef sum = LLVMBuildFAdd(cg->b, a, b, ""); /* a NaN if either is */
    return LLVMBuildSelect(cg->b, unordered, sum, call2(cg, number, a, b), "");
}

static LLVMValueRef extreme(Cg *cg, IrOpcode code, LLVMValueRef a, LLVMValueRef b) {
    bool is_max = code == OP_MaxNumF || code == OP_MaximumF;
    const char *number = is_max ? "llvm.maximumnum" : "llvm.minimumnum";
    if (code == OP_MinNumF || code == OP_MaxNumF)
        return call2(cg, number, a, b);
    if (LLVMTypeOf(a) == cg->type.f64)
        return nan_wins_f64(cg, number, a, b);
    return call2(cg, is_max ? "llvm.maximum" : "llvm.minimum", a, b);
}

/* An approximate instruction of f32; NULL if the operation is none. */
static const char *approximation(IrOpcode code) {
    switch ((int)code) { /* the operations that f32 approximates */
    case OP_Sqrt:
        return "llvm.nvvm.sqrt.approx.f";
    case OP_Rsqrt:
        return "llvm.nvvm.rsqrt.approx.f";
    case OP_Exp2:
        return "llvm.nvvm.ex2.approx";
    case OP_Log2:
        return "llvm.nvvm.lg2.approx.f";
    default:
        return NULL;
    }
}

static LLVMValueRef approximate(Cg *cg, const IrOp *op, LLVMValueRef a) {
    const char *name = approximation(op->code);
    if (op->code == OP_Exp2)
        return call1(cg, name, a);
    if (name != NULL)
        return cg_intrinsic(cg, name, NULL, 0, &a, 1);
    cg_internal(cg, op, "a function that expand-math leaves to no one");
    return a;
}

/* In a type that computes it with one rounding. */
static LLVMValueRef native(Cg *cg, const IrOp *op, LLVMValueRef *args) {
    LLVMValueRef a = args[0], b = args[1];
    bool is_f32 = LLVMTypeOf(a) == cg->type.f32;
    switch ((int)op->code) { /* the float operations */
    case OP_AddF:
        return LLVMBuildFAdd(cg->b, a, b, "");
    case OP_SubF:
        return LLVMBuildFSub(cg->b, a, b, "");
    case OP_MulF:
        return LLVMBuildFMul(cg->b, a, b, "");
    case OP_DivF:
        if (is_f32)
            return cg_intrinsic(cg, "llvm.nvvm.div.full", NULL, 0, args, 2);
        return LLVMBuildFDiv(cg->b, a, b, "");
    case OP_DivRnF:
        return LLVMBuildFDiv(cg->b, a, b, "");
    case OP_Fma: {
        LLVMTypeRef type = LLVMTypeOf(a);
        return cg_intrinsic(cg, "llvm.fma", &type, 1, args, 3);
    }
    case OP_MinNumF:
    case OP_MaxNumF:
    case OP_MinimumF:
    case OP_MaximumF:
        return extreme(cg, op->code, a, b);
    case OP_SqrtRn:
        return call1(cg, "llvm.sqrt", a);
    case OP_Sqrt:
        return is_f32 ? approximate(cg, op, a) : call1(cg, "llvm.sqrt", a);
    case OP_Floor:
        return call1(cg, "llvm.floor", a);
    case OP_Ceil:
        return call1(cg, "llvm.ceil", a);
    default:
        if (is_f32)
            return approximate(cg, op, a);
        if (op->code == OP_Rsqrt)
            return cg_intrinsic(cg, "llvm.nvvm.rsqrt.approx.d", NULL, 0, args, 1);
        cg_internal(cg, op, "a function of f64 that expand-math leaves to no one");
        return a;
    }
}

/* f16 has instructions for these; min and max since sm_80. */
static bool f16_is_native(IrOpcode code) {
    return code == OP_AddF || code == OP_SubF || code == OP_MulF || code == OP_Fma ||
           code == OP_MinNumF || code == OP_MaxNumF || code == OP_MinimumF || code == OP_MaximumF ||
           code == OP_Floor || code == OP_Ceil;
}

/* The product of two fp8 numbers is exact in f64, and so is its sum with a third: at most 48 bits
 * lie between the highest and the lowest. So the one rounding is the last. */
static LLVMValueRef fma_fp8(Cg *cg, IrTypeKind kind, LLVMValueRef *args) {
    LLVMValueRef wide[3];
    for (unsigned i = 0; i < 3; i++)
        wide[i] = LLVMBuildFPExt(cg->b, cg_to_f32(cg, kind, args[i]), cg->type.f64, "");
    LLVMValueRef product = LLVMBuildFMul(cg->b, wide[0], wide[1], "");
    LLVMValueRef sum = LLVMBuildFAdd(cg->b, product, wide[2], "");
    return cg_from_f32(cg, kind, cg_f64_to_f32_odd(cg, sum), false);
}

static LLVMValueRef widened(Cg *cg, const IrOp *op, IrTypeKind kind, LLVMValueRef *args) {
    LLVMValueRef wide[3] = {NULL, NULL, NULL};
    for (unsigned i = 0; i < op->num_operands; i++)
        wide[i] = cg_to_f32(cg, kind, args[i]);
    LLVMValueRef result;
    if (op->code == OP_DivF)
        result = LLVMBuildFDiv(cg->b, wide[0], wide[1], "");
    else if (op->code == OP_Sqrt)
        result = call1(cg, "llvm.sqrt", wide[0]);
    else
        result = native(cg, op, wide);
    return cg_from_f32(cg, kind, result, false);
}

static LLVMValueRef change_sign(Cg *cg, IrOpcode code, IrTypeKind kind, LLVMValueRef a) {
    if (kind == TY_F8E4M3 || kind == TY_F8E5M2) {
        LLVMValueRef sign = LLVMConstInt(cg->type.i8, 0x80, 0);
        LLVMValueRef rest = LLVMConstInt(cg->type.i8, 0x7f, 0);
        return code == OP_NegF ? LLVMBuildXor(cg->b, a, sign, "")
                               : LLVMBuildAnd(cg->b, a, rest, "");
    }
    return code == OP_NegF ? LLVMBuildFNeg(cg->b, a, "") : call1(cg, "llvm.fabs", a);
}

LLVMValueRef cg_float(Cg *cg, const IrOp *op, LLVMValueRef *args) {
    IrTypeKind kind = ir_elem(ir_result(op, 0)->type)->kind;
    if (op->code == OP_NegF || op->code == OP_AbsF)
        return change_sign(cg, op->code, kind, args[0]);
    if (kind == TY_F32 || kind == TY_F64 || (kind == TY_F16 && f16_is_native(op->code)))
        return native(cg, op, args);
    if (op->code == OP_Fma && kind == TY_BF16)
        return native(cg, op, args); /* fma.rn.bf16 */
    if (op->code == OP_Fma)
        return fma_fp8(cg, kind, args);
    return widened(cg, op, kind, args);
}

LLVMValueRef cg_cmpf(Cg *cg, const IrOp *op, LLVMValueRef *args) {
    static const LLVMRealPredicate predicates[FLOAT_PRED_COUNT] = {
        [FPRED_OEQ] = LLVMRealOEQ, [FPRED_UNE] = LLVMRealUNE, [FPRED_OLT] = LLVMRealOLT,
        [FPRED_OLE] = LLVMRealOLE, [FPRED_OGT] = LLVMRealOGT, [FPRED_OGE] = LLVMRealOGE,
    };
    IrTypeKind kind = ir_elem(ir_operand(op, 0)->type)->kind;
    LLVMValueRef a = args[0], b = args[1];
    if (kind < TY_F32 && kind != TY_F16) {
        a = cg_to_f32(cg, kind, a);
        b = cg_to_f32(cg, kind, b);
    }
    return LLVMBuildFCmp(cg->b, predicates[ir_attr_int(op, ATTR_FLOAT_PRED)], a, b, "");
}

/* A call that ir/machine.def lists: one intrinsic, or one instruction that has none. */
LLVMValueRef cg_libcall(Cg *cg, const IrOp *op, LLVMValueRef *args) {
    const char *name = ir_attr_str(op, ATTR_NAME);
    const IrMachineCall *row = ir_machine_call(name);
    if (row == NULL) {
        cg_unsupported(cg, op, "`%s` has no expansion for GPUs yet", name);
        return cg_poison(cg, ir_result(op, 0)->type);
    }
    if (strcmp(name, "byte_perm:iii") == 0) /* prmt would copy signs */
        args[2] = LLVMBuildAnd(cg->b, args[2], cg_i32(cg, 0x7777), "");
    if (row->intrinsic == NULL) {
        const char *text = arena_printf(cg->arena, "%s $0, $1;", row->instruction);
        return cg_asm(cg, text, "=f,f", cg->type.f32, args, op->num_operands, false);
    }
    LLVMTypeRef type = LLVMTypeOf(args[0]);
    unsigned id = LLVMLookupIntrinsicID(row->intrinsic, strlen(row->intrinsic));
    unsigned overloads = LLVMIntrinsicIsOverloaded(id) ? 1 : 0;
    return cg_intrinsic(cg, row->intrinsic, &type, overloads, args, op->num_operands);
}
