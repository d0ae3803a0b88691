/* cg_cast.c -- conversions of one element.
 *
 * An integer that is to become bf16 or fp8 goes through f32, without being rounded twice: a large
 * one first has its low bits replaced by one bit that says whether any was set ("sticky"), which
 * leaves few enough bits for f32 to be exact and changes no later rounding, since every bound
 * between two roundings is a multiple of what was replaced.
 */
#include "codegen/cg.h"

static LLVMValueRef int_const(LLVMValueRef like, uint64_t value) {
    return LLVMConstInt(LLVMTypeOf(like), value, 0);
}

/* The low `bits` bits of an integer of magnitude 2^`from` or more become one sticky bit. */
static LLVMValueRef make_sticky(Cg *cg, LLVMValueRef a, bool is_signed, unsigned bits,
                                unsigned from) {
    LLVMBuilderRef b = cg->b;
    uint64_t low = ((uint64_t)1 << bits) - 1;
    LLVMValueRef rest = LLVMBuildAnd(b, a, int_const(a, low), "");
    LLVMValueRef lost = LLVMBuildICmp(b, LLVMIntNE, rest, int_const(a, 0), "");
    LLVMValueRef stick =
        LLVMBuildSelect(b, lost, int_const(a, (uint64_t)1 << (bits - 1)), int_const(a, 0), "");
    LLVMValueRef cut = LLVMBuildOr(b, LLVMBuildAnd(b, a, int_const(a, ~low), ""), stick, "");
    /* Large: above 2^from, or below -2^from, in one unsigned comparison. */
    uint64_t bound = (uint64_t)1 << from;
    LLVMValueRef shifted = is_signed ? LLVMBuildAdd(b, a, int_const(a, bound), "") : a;
    LLVMValueRef large =
        LLVMBuildICmp(b, LLVMIntUGT, shifted, int_const(a, is_signed ? 2 * bound : bound), "");
    return LLVMBuildSelect(b, large, cut, a, "");
}

static LLVMValueRef convert_int(Cg *cg, bool is_signed, LLVMValueRef a, LLVMTypeRef to) {
    return is_signed ? LLVMBuildSIToFP(cg->b, a, to, "") : LLVMBuildUIToFP(cg->b, a, to, "");
}

/* An f32 that rounds to the format as the integer itself would. */
static LLVMValueRef int_to_f32_for(Cg *cg, IrTypeKind to, bool is_signed, LLVMValueRef a) {
    unsigned width = LLVMGetIntTypeWidth(LLVMTypeOf(a));
    LLVMTypeRef f32 = cg->type.f32;
    if (width < 32)
        return convert_int(cg, is_signed, a, f32);
    if (width == 32)
        return convert_int(cg, is_signed, make_sticky(cg, a, is_signed, 9, 24), f32);
    if (to == TY_BF16) {
        LLVMValueRef exact = make_sticky(cg, a, is_signed, 12, 53);
        return cg_f64_to_f32_odd(cg, convert_int(cg, is_signed, exact, cg->type.f64));
    }
    /* fp8: whatever is beyond 2^17 saturates, so that a clamped integer does. */
    LLVMTypeRef type = LLVMTypeOf(a);
    LLVMValueRef high[] = {a, int_const(a, (uint64_t)1 << 20)};
    LLVMValueRef value = cg_intrinsic(cg, is_signed ? "llvm.smin" : "llvm.umin", &type, 1, high, 2);
    if (is_signed) {
        LLVMValueRef low[] = {value, int_const(a, ~(((uint64_t)1 << 20) - 1))};
        value = cg_intrinsic(cg, "llvm.smax", &type, 1, low, 2);
    }
    return convert_int(cg, is_signed, value, f32);
}

static LLVMValueRef int_to_float(Cg *cg, const IrOp *op, LLVMValueRef a) {
    bool is_signed = op->code == OP_SIToFP;
    const IrType *type = ir_result(op, 0)->type;
    IrTypeKind to = ir_elem(type)->kind;
    if (to == TY_F32 || to == TY_F64 || to == TY_F16)
        return convert_int(cg, is_signed, a, cg_type(cg, type));
    return cg_from_f32(cg, to, int_to_f32_for(cg, to, is_signed, a), true);
}

static LLVMValueRef float_to_int(Cg *cg, const IrOp *op, LLVMValueRef a) {
    IrTypeKind from = ir_elem(ir_operand(op, 0)->type)->kind;
    if (from < TY_F32)
        a = cg_to_f32(cg, from, a);
    bool is_signed = op->code == OP_FPToSI;
    if (ir_elem(ir_result(op, 0)->type)->kind == TY_I1) /* saturated: 0 and 1; 0 and -1 */
        return LLVMBuildFCmp(cg->b, is_signed ? LLVMRealOLE : LLVMRealOGE, a,
                             LLVMConstReal(LLVMTypeOf(a), is_signed ? -1.0 : 1.0), "");
    LLVMTypeRef types[] = {cg_type(cg, ir_result(op, 0)->type), LLVMTypeOf(a)};
    const char *name = is_signed ? "llvm.fptosi.sat" : "llvm.fptoui.sat";
    return cg_intrinsic(cg, name, types, 2, &a, 1);
}

/* ---- floats to floats --------------------------------------------------------------------------
 */

/* fp8 toward zero: the nearest, saturated, and one code less where that is larger in magnitude. */
static LLVMValueRef to_fp8_toward_zero(Cg *cg, IrTypeKind to, LLVMValueRef value) {
    LLVMBuilderRef b = cg->b;
    LLVMTypeRef f32 = cg->type.f32;
    LLVMValueRef nearest = cg_from_f32(cg, to, value, true);
    LLVMValueRef back = cg_to_f32(cg, to, nearest);
    LLVMValueRef found = cg_intrinsic(cg, "llvm.fabs", &f32, 1, &back, 1);
    LLVMValueRef wanted = cg_intrinsic(cg, "llvm.fabs", &f32, 1, &value, 1);
    LLVMValueRef above = LLVMBuildFCmp(b, LLVMRealOGT, found, wanted, "");
    return LLVMBuildSub(b, nearest, LLVMBuildZExt(b, above, cg->type.i8, ""), "");
}

static LLVMValueRef toward_zero(Cg *cg, IrTypeKind to, LLVMValueRef value) {
    if (LLVMTypeOf(value) == cg->type.f64)
        value = cg_intrinsic(cg, "llvm.nvvm.d2f.rz", NULL, 0, &value, 1);
    if (to == TY_F32)
        return value;
    if (to == TY_F8E4M3 || to == TY_F8E5M2)
        return to_fp8_toward_zero(cg, to, value);
    const char *text = to == TY_F16 ? "cvt.rz.f16.f32 $0, $1;" : "cvt.rz.bf16.f32 $0, $1;";
    LLVMValueRef bits = cg_asm(cg, text, "=h,f", cg->type.i16, &value, 1, false);
    return LLVMBuildBitCast(cg->b, bits, to == TY_F16 ? cg->type.f16 : cg->type.bf16, "");
}

static LLVMValueRef float_to_float(Cg *cg, const IrOp *op, LLVMValueRef a) {
    IrTypeKind from = ir_elem(ir_operand(op, 0)->type)->kind;
    const IrType *type = ir_result(op, 0)->type;
    IrTypeKind to = ir_elem(type)->kind;
    if (from == to)
        return a;
    bool narrows = op->code == OP_FPTrunc;
    if (from != TY_F64)
        a = cg_to_f32(cg, from, a);
    if (narrows && ir_attr_int(op, ATTR_ROUNDING) == ROUND_RTZ)
        return toward_zero(cg, to, a);
    if (from == TY_F64 && to < TY_F16)
        return cg_from_f32(cg, to, cg_f64_to_f32_odd(cg, a), true);
    if (from == TY_F64) /* one rounding, whatever the target */
        return LLVMBuildFPTrunc(cg->b, a, cg_type(cg, type), "");
    return cg_from_f32(cg, to, a, true);
}

/* ---- dispatch ----------------------------------------------------------------------------------
 */

static LLVMValueRef bitcast(Cg *cg, const IrOp *op, LLVMValueRef a) {
    LLVMTypeRef to = cg_type(cg, ir_result(op, 0)->type);
    return LLVMTypeOf(a) == to ? a : LLVMBuildBitCast(cg->b, a, to, "");
}

LLVMValueRef cg_cast(Cg *cg, const IrOp *op, LLVMValueRef *args) {
    LLVMValueRef a = args[0];
    LLVMTypeRef to = cg_type(cg, ir_result(op, 0)->type);
    switch ((int)op->code) { /* the conversions */
    case OP_ExtSI:
        return LLVMBuildSExt(cg->b, a, to, "");
    case OP_ExtUI:
        return LLVMBuildZExt(cg->b, a, to, "");
    case OP_TruncI:
        return LLVMBuildTrunc(cg->b, a, to, "");
    case OP_SIToFP:
    case OP_UIToFP:
        return int_to_float(cg, op, a);
    case OP_FPToSI:
    case OP_FPToUI:
        return float_to_int(cg, op, a);
    case OP_FPExt:
    case OP_FPTrunc:
        return float_to_float(cg, op, a);
    case OP_IntToPtr:
        return LLVMBuildIntToPtr(cg->b, a, to, "");
    case OP_PtrToInt:
        return LLVMBuildPtrToInt(cg->b, a, to, "");
    default:
        return bitcast(cg, op, a);
    }
}
