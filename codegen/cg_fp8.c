/* cg_fp8.c -- the small formats to f32 and back.
 *
 * e5m2 is the upper half of f16. e4m3 is shifted to where f16 has its exponent and mantissa, which
 * gives the value divided by 2^8 (the biases differ by 8), exactly, subnormals included; one
 * multiplication puts that right.
 *
 * From f32, sm_89 and later have an instruction for the saturating conversions. Otherwise in
 * integers: a normal number rounds by adding half of the last place less one, plus the bit that
 * decides ties, to its bit pattern; a subnormal one by adding, as a float, the power of two whose
 * last place is that of the format's subnormals, so that the adder rounds. Both as in the
 * interpreter (support/numeric.c), bit for bit.
 */
#include "codegen/cg.h"

typedef struct Fp8Format {
    unsigned mantissa; /* explicit bits */
    unsigned bias;
    uint32_t largest;  /* code of the largest finite number */
    uint32_t overflow; /* code of what is beyond, when it does not saturate */
} Fp8Format;
static const Fp8Format e4m3 = {3, 7, 0x7e, 0x7f};
static const Fp8Format e5m2 = {2, 15, 0x7b, 0x7c};

static LLVMValueRef to_f16(Cg *cg, IrTypeKind from, LLVMValueRef value) {
    LLVMBuilderRef b = cg->b;
    LLVMTypeRef i16 = cg->type.i16;
    LLVMValueRef bits = LLVMBuildZExt(b, value, i16, "");
    LLVMValueRef eight = LLVMConstInt(i16, 8, 0);
    if (from == TY_F8E5M2)
        return LLVMBuildBitCast(b, LLVMBuildShl(b, bits, eight, ""), cg->type.f16, "");
    LLVMValueRef magnitude = LLVMBuildAnd(b, bits, LLVMConstInt(i16, 0x7f, 0), "");
    LLVMValueRef sign = LLVMBuildAnd(b, bits, LLVMConstInt(i16, 0x80, 0), "");
    LLVMValueRef moved = LLVMBuildOr(b, LLVMBuildShl(b, magnitude, LLVMConstInt(i16, 7, 0), ""),
                                     LLVMBuildShl(b, sign, eight, ""), "");
    LLVMValueRef small = LLVMBuildBitCast(b, moved, cg->type.f16, "");
    LLVMValueRef scaled = LLVMBuildFMul(b, small, LLVMConstReal(cg->type.f16, 256.0), "");
    LLVMValueRef is_nan = LLVMBuildICmp(b, LLVMIntEQ, magnitude, LLVMConstInt(i16, 0x7f, 0), "");
    LLVMValueRef nan = LLVMConstBitCast(LLVMConstInt(i16, 0x7e00, 0), cg->type.f16);
    return LLVMBuildSelect(b, is_nan, nan, scaled, "");
}

/* By moving the bits: of an fpext, LLVM 22 thinks that whatever has fewer digits than f16 fits into
 * f16, and computes trunc(ext(bf16) - x) there, where 65536 is infinite. */
static LLVMValueRef bf16_to_f32(Cg *cg, LLVMValueRef value) {
    LLVMValueRef bits = LLVMBuildBitCast(cg->b, value, cg->type.i16, "");
    bits = LLVMBuildZExt(cg->b, bits, cg->type.i32, "");
    return LLVMBuildBitCast(cg->b, LLVMBuildShl(cg->b, bits, cg_i32(cg, 16), ""), cg->type.f32, "");
}

LLVMValueRef cg_to_f32(Cg *cg, IrTypeKind from, LLVMValueRef value) {
    if (from == TY_F32)
        return value;
    if (from == TY_BF16)
        return bf16_to_f32(cg, value);
    if (from == TY_F8E4M3 || from == TY_F8E5M2)
        value = to_f16(cg, from, value);
    return LLVMBuildFPExt(cg->b, value, cg->type.f32, "");
}

/* The code of a magnitude (bits of a finite f32 or infinity, no sign), rounded to nearest even. */
static LLVMValueRef round_code(Cg *cg, const Fp8Format *f, LLVMValueRef magnitude) {
    LLVMBuilderRef b = cg->b;
    unsigned shift = 23 - f->mantissa;
    uint32_t rebias = (127 - f->bias) << 23;
    LLVMValueRef tie =
        LLVMBuildAnd(b, LLVMBuildLShr(b, magnitude, cg_i32(cg, shift), ""), cg_i32(cg, 1), "");
    uint32_t half = ((uint32_t)1 << (shift - 1)) - 1 - rebias;
    LLVMValueRef sum = LLVMBuildAdd(b, LLVMBuildAdd(b, magnitude, cg_i32(cg, half), ""), tie, "");
    LLVMValueRef normal = LLVMBuildLShr(b, sum, cg_i32(cg, shift), "");
    /* 2^(23 + exponent of the last place of subnormals) */
    uint32_t power = (127 + 23 + 1 - f->bias - f->mantissa) << 23;
    LLVMValueRef magic = LLVMConstBitCast(cg_i32(cg, power), cg->type.f32);
    LLVMValueRef as_float = LLVMBuildBitCast(b, magnitude, cg->type.f32, "");
    LLVMValueRef rounded = LLVMBuildFAdd(b, as_float, magic, "");
    LLVMValueRef small =
        LLVMBuildSub(b, LLVMBuildBitCast(b, rounded, cg->type.i32, ""), cg_i32(cg, power), "");
    LLVMValueRef is_small =
        LLVMBuildICmp(b, LLVMIntULT, magnitude, cg_i32(cg, rebias + ((uint32_t)1 << 23)), "");
    return LLVMBuildSelect(b, is_small, small, normal, "");
}

static LLVMValueRef to_fp8_in_integers(Cg *cg, const Fp8Format *f, LLVMValueRef value,
                                       bool saturate) {
    LLVMBuilderRef b = cg->b;
    LLVMValueRef bits = LLVMBuildBitCast(b, value, cg->type.i32, "");
    LLVMValueRef magnitude = LLVMBuildAnd(b, bits, cg_i32(cg, 0x7fffffff), "");
    LLVMValueRef code = round_code(cg, f, magnitude);
    LLVMValueRef too_large = LLVMBuildICmp(b, LLVMIntUGT, code, cg_i32(cg, f->largest), "");
    LLVMValueRef beyond = cg_i32(cg, saturate ? f->largest : f->overflow);
    code = LLVMBuildSelect(b, too_large, beyond, code, "");
    LLVMValueRef is_nan = LLVMBuildICmp(b, LLVMIntUGT, magnitude, cg_i32(cg, 0x7f800000), "");
    code = LLVMBuildSelect(b, is_nan, cg_i32(cg, 0x7f), code, "");
    LLVMValueRef sign =
        LLVMBuildAnd(b, LLVMBuildLShr(b, bits, cg_i32(cg, 24), ""), cg_i32(cg, 0x80), "");
    return LLVMBuildTrunc(b, LLVMBuildOr(b, code, sign, ""), cg->type.i8, "");
}

static LLVMValueRef to_fp8_by_instruction(Cg *cg, IrTypeKind to, LLVMValueRef value) {
    cg_need_ptx(cg, cg->arch >= 90 ? 78 : 81);
    LLVMValueRef args[] = {LLVMConstReal(cg->type.f32, 0.0), value}; /* the upper one, the lower */
    const char *name = to == TY_F8E4M3 ? "llvm.nvvm.ff.to.e4m3x2.rn" : "llvm.nvvm.ff.to.e5m2x2.rn";
    LLVMValueRef pair = cg_intrinsic(cg, name, NULL, 0, args, 2);
    return LLVMBuildTrunc(cg->b, pair, cg->type.i8, "");
}

LLVMValueRef cg_from_f32(Cg *cg, IrTypeKind to, LLVMValueRef value, bool saturate) {
    switch ((int)to) { /* the float types */
    case TY_F8E4M3:
    case TY_F8E5M2:
        if (saturate && cg->arch >= 89)
            return to_fp8_by_instruction(cg, to, value);
        return to_fp8_in_integers(cg, to == TY_F8E4M3 ? &e4m3 : &e5m2, value, saturate);
    case TY_F16:
        return LLVMBuildFPTrunc(cg->b, value, cg->type.f16, "");
    case TY_BF16:
        return LLVMBuildFPTrunc(cg->b, value, cg->type.bf16, "");
    case TY_F64:
        return LLVMBuildFPExt(cg->b, value, cg->type.f64, "");
    default:
        return value;
    }
}

LLVMValueRef cg_f64_to_f32_odd(Cg *cg, LLVMValueRef value) {
    LLVMBuilderRef b = cg->b;
    LLVMValueRef cut = cg_intrinsic(cg, "llvm.nvvm.d2f.rz", NULL, 0, &value, 1);
    LLVMValueRef back = LLVMBuildFPExt(b, cut, cg->type.f64, "");
    LLVMValueRef lost = LLVMBuildFCmp(b, LLVMRealUNE, back, value, "");
    LLVMValueRef bits = LLVMBuildBitCast(b, cut, cg->type.i32, "");
    bits = LLVMBuildOr(b, bits, LLVMBuildZExt(b, lost, cg->type.i32, ""), "");
    return LLVMBuildBitCast(b, bits, cg->type.f32, "");
}
