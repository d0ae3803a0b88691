/* cg_int.c -- integer arithmetic, comparison and selection of one element.
 *
 * What LLVM leaves undefined and tile IR does not is written out: shifts by the width or more, and
 * division by zero (hardware's answer, all ones, and the dividend as the remainder; checking
 * devices report it) and of the least number by -1. A constant operand folds these away. i1 has a
 * table of its own: its arithmetic is modulo 2, and as a signed number 1 means -1.
 *
 * Example: shli %a, %b : i32 becomes select(%b < 32, shl %a, %b, 0).
 */
#include "codegen/cg.h"

static LLVMValueRef int_const(LLVMValueRef like, uint64_t value) {
    return LLVMConstInt(LLVMTypeOf(like), value, 0);
}

static LLVMValueRef equals(Cg *cg, LLVMValueRef a, uint64_t value) {
    return LLVMBuildICmp(cg->b, LLVMIntEQ, a, int_const(a, value), "");
}

/* ---- i1 ----------------------------------------------------------------------------------------
 */

static LLVMValueRef bit(Cg *cg, IrOpcode code, LLVMValueRef a, LLVMValueRef b) {
    switch ((int)code) { /* the integer operations; see elt_bit() of the interpreter */
    case OP_AddI:
    case OP_SubI:
    case OP_XorI:
        return LLVMBuildXor(cg->b, a, b, "");
    case OP_MulI:
    case OP_AndI:
    case OP_MaxSI:
    case OP_MinUI:
        return LLVMBuildAnd(cg->b, a, b, "");
    case OP_OrI:
    case OP_MinSI:
    case OP_MaxUI:
        return LLVMBuildOr(cg->b, a, b, "");
    case OP_ShlI: /* a shift by 1 leaves nothing */
    case OP_ShrUI:
        return LLVMBuildAnd(cg->b, a, LLVMBuildNot(cg->b, b, ""), "");
    case OP_CountLeadingZeros:
        return LLVMBuildNot(cg->b, a, "");
    case OP_RemSI:
    case OP_RemUI:
    case OP_MulHiSI:
    case OP_MulHiUI:
        return cg_bool(cg, false);
    default: /* x / 1, x >> s filling with the sign, |x|, the number of bits */
        return a;
    }
}

/* ---- wider -------------------------------------------------------------------------------------
 */

static LLVMValueRef divide(Cg *cg, IrOpcode code, LLVMValueRef a, LLVMValueRef b) {
    bool is_signed = code == OP_DivSI || code == OP_RemSI;
    bool quotient = code == OP_DivSI || code == OP_DivUI;
    uint64_t all = UINT64_MAX;
    LLVMValueRef zero = equals(cg, b, 0), special = zero, minus = NULL;
    if (is_signed) {
        minus = equals(cg, b, all);
        special = LLVMBuildOr(cg->b, zero, minus, "");
    }
    LLVMValueRef safe = LLVMBuildSelect(cg->b, special, int_const(b, 1), b, "");
    LLVMOpcode opcode = quotient    ? is_signed ? LLVMSDiv : LLVMUDiv
                        : is_signed ? LLVMSRem
                                    : LLVMURem;
    LLVMValueRef result = LLVMBuildBinOp(cg->b, opcode, a, safe, "");
    if (is_signed && quotient) /* a remainder by 1 is 0, as by -1 */
        result = LLVMBuildSelect(cg->b, minus, LLVMBuildNeg(cg->b, a, ""), result, "");
    return LLVMBuildSelect(cg->b, zero, quotient ? int_const(a, all) : a, result, "");
}

/* The instruction itself, which clamps its 32-bit count: LLVM 22 would cut a 64-bit count to its
 * low half before that (it takes select(b < 64, a << b, 0) for the instruction). */
static LLVMValueRef shift_64(Cg *cg, IrOpcode code, LLVMValueRef a, LLVMValueRef b) {
    LLVMTypeRef type = LLVMTypeOf(b);
    LLVMValueRef limits[] = {b, int_const(b, 64)};
    LLVMValueRef count = cg_intrinsic(cg, "llvm.umin", &type, 1, limits, 2);
    LLVMValueRef args[] = {a, LLVMBuildTrunc(cg->b, count, cg->type.i32, "")};
    const char *text = code == OP_ShlI ? "shl.b64 $0, $1, $2;" : "shr.u64 $0, $1, $2;";
    return cg_asm(cg, text, "=l,l,r", cg->type.i64, args, 2, false);
}

static LLVMValueRef shift(Cg *cg, IrOpcode code, LLVMValueRef a, LLVMValueRef b) {
    unsigned width = LLVMGetIntTypeWidth(LLVMTypeOf(a));
    if (code == OP_ShrSI) {
        LLVMTypeRef type = LLVMTypeOf(a);
        LLVMValueRef args[] = {b, int_const(b, width - 1)};
        return LLVMBuildAShr(cg->b, a, cg_intrinsic(cg, "llvm.umin", &type, 1, args, 2), "");
    }
    if (width == 64 && !LLVMIsConstant(b))
        return shift_64(cg, code, a, b);
    LLVMValueRef within = LLVMBuildICmp(cg->b, LLVMIntULT, b, int_const(b, width), "");
    LLVMValueRef shifted =
        code == OP_ShlI ? LLVMBuildShl(cg->b, a, b, "") : LLVMBuildLShr(cg->b, a, b, "");
    return LLVMBuildSelect(cg->b, within, shifted, int_const(a, 0), "");
}

static LLVMValueRef high_product(Cg *cg, bool is_signed, LLVMValueRef a, LLVMValueRef b) {
    LLVMTypeRef narrow = LLVMTypeOf(a);
    unsigned width = LLVMGetIntTypeWidth(narrow);
    LLVMTypeRef wide = cg_int_type(cg, 2 * width);
    LLVMOpcode extend = is_signed ? LLVMSExt : LLVMZExt;
    LLVMValueRef x = LLVMBuildCast(cg->b, extend, a, wide, "");
    LLVMValueRef y = LLVMBuildCast(cg->b, extend, b, wide, "");
    LLVMValueRef product = LLVMBuildMul(cg->b, x, y, "");
    LLVMValueRef high = LLVMBuildLShr(cg->b, product, LLVMConstInt(wide, width, 0), "");
    return LLVMBuildTrunc(cg->b, high, narrow, "");
}

static LLVMValueRef two(Cg *cg, const char *name, LLVMValueRef a, LLVMValueRef b) {
    LLVMTypeRef type = LLVMTypeOf(a);
    LLVMValueRef args[] = {a, b};
    return cg_intrinsic(cg, name, &type, 1, args, 2);
}

LLVMValueRef cg_int(Cg *cg, const IrOp *op, LLVMValueRef *args) {
    LLVMValueRef a = args[0], b = args[1];
    if (LLVMTypeOf(a) == cg->type.i1)
        return bit(cg, op->code, a, b);
    switch ((int)op->code) { /* the integer operations */
    case OP_AddI:
        return LLVMBuildAdd(cg->b, a, b, "");
    case OP_SubI:
        return LLVMBuildSub(cg->b, a, b, "");
    case OP_MulI:
        return LLVMBuildMul(cg->b, a, b, "");
    case OP_AndI:
        return LLVMBuildAnd(cg->b, a, b, "");
    case OP_OrI:
        return LLVMBuildOr(cg->b, a, b, "");
    case OP_XorI:
        return LLVMBuildXor(cg->b, a, b, "");
    case OP_MinSI:
        return two(cg, "llvm.smin", a, b);
    case OP_MaxSI:
        return two(cg, "llvm.smax", a, b);
    case OP_MinUI:
        return two(cg, "llvm.umin", a, b);
    case OP_MaxUI:
        return two(cg, "llvm.umax", a, b);
    case OP_MulHiSI:
    case OP_MulHiUI:
        return high_product(cg, op->code == OP_MulHiSI, a, b);
    case OP_AbsI:
        return two(cg, "llvm.abs", a, cg_bool(cg, false));
    case OP_CountLeadingZeros:
        return two(cg, "llvm.ctlz", a, cg_bool(cg, false));
    case OP_PopCount: {
        LLVMTypeRef type = LLVMTypeOf(a);
        return cg_intrinsic(cg, "llvm.ctpop", &type, 1, args, 1);
    }
    case OP_ShlI:
    case OP_ShrSI:
    case OP_ShrUI:
        return shift(cg, op->code, a, b);
    default:
        return divide(cg, op->code, a, b);
    }
}

LLVMValueRef cg_cmpi(Cg *cg, const IrOp *op, LLVMValueRef *args) {
    static const LLVMIntPredicate predicates[INT_PRED_COUNT] = {
        [IPRED_EQ] = LLVMIntEQ,   [IPRED_NE] = LLVMIntNE,   [IPRED_SLT] = LLVMIntSLT,
        [IPRED_SLE] = LLVMIntSLE, [IPRED_SGT] = LLVMIntSGT, [IPRED_SGE] = LLVMIntSGE,
        [IPRED_ULT] = LLVMIntULT, [IPRED_ULE] = LLVMIntULE, [IPRED_UGT] = LLVMIntUGT,
        [IPRED_UGE] = LLVMIntUGE,
    };
    return LLVMBuildICmp(cg->b, predicates[ir_attr_int(op, ATTR_INT_PRED)], args[0], args[1], "");
}

LLVMValueRef cg_select(Cg *cg, const IrOp *op, LLVMValueRef *args) {
    (void)op;
    return LLVMBuildSelect(cg->b, args[0], args[1], args[2], "");
}
