/* cg_shuffle.c -- values that travel between the lanes of a warp, by shfl.sync.
 *
 * A shuffle moves 32 bits. Narrower elements share one if several go the same way, else they are
 * widened; wider ones take two.
 */
#include "codegen/cg.h"

static LLVMValueRef shuffle_word(Cg *cg, CgShuffle kind, LLVMValueRef word, LLVMValueRef lane) {
    const char *name =
        kind == SHUFFLE_XOR ? "llvm.nvvm.shfl.sync.bfly.i32" : "llvm.nvvm.shfl.sync.idx.i32";
    LLVMValueRef args[] = {cg_i32(cg, UINT32_MAX), word, lane, cg_i32(cg, 31)};
    return cg_intrinsic(cg, name, NULL, 0, args, 4);
}

static unsigned width_of(const Cg *cg, LLVMTypeRef type) {
    if (type == cg->type.global || type == cg->type.f64)
        return 64;
    if (type == cg->type.f32)
        return 32;
    if (type == cg->type.f16 || type == cg->type.bf16)
        return 16;
    return LLVMGetIntTypeWidth(type);
}

static LLVMValueRef to_bits(Cg *cg, LLVMValueRef value, unsigned width) {
    if (LLVMTypeOf(value) == cg->type.global)
        return LLVMBuildPtrToInt(cg->b, value, cg->type.i64, "");
    return LLVMBuildBitCast(cg->b, value, cg_int_type(cg, width), "");
}

static LLVMValueRef from_bits(Cg *cg, LLVMValueRef bits, LLVMTypeRef type) {
    if (type == cg->type.global)
        return LLVMBuildIntToPtr(cg->b, bits, type, "");
    return LLVMBuildBitCast(cg->b, bits, type, "");
}

void cg_shuffle_packed(Cg *cg, LLVMValueRef *values, unsigned count, LLVMValueRef lane) {
    LLVMTypeRef type = LLVMTypeOf(values[0]), i32 = cg->type.i32;
    unsigned width = width_of(cg, type), place = width < 8 ? 8 : width;
    LLVMValueRef word = cg_i32(cg, 0);
    for (unsigned i = 0; i < count; i++) {
        LLVMValueRef part = LLVMBuildZExt(cg->b, to_bits(cg, values[i], width), i32, "");
        part = LLVMBuildShl(cg->b, part, cg_i32(cg, i * place), "");
        word = LLVMBuildOr(cg->b, word, part, "");
    }
    word = shuffle_word(cg, SHUFFLE_FROM, word, lane);
    for (unsigned i = 0; i < count; i++) {
        LLVMValueRef part = LLVMBuildLShr(cg->b, word, cg_i32(cg, i * place), "");
        part = LLVMBuildTrunc(cg->b, part, cg_int_type(cg, width), "");
        values[i] = from_bits(cg, part, type);
    }
}

LLVMValueRef cg_shuffle(Cg *cg, CgShuffle kind, LLVMValueRef value, LLVMValueRef lane) {
    LLVMBuilderRef b = cg->b;
    LLVMTypeRef type = LLVMTypeOf(value), i32 = cg->type.i32, i64 = cg->type.i64;
    unsigned width = width_of(cg, type);
    LLVMValueRef bits = to_bits(cg, value, width);
    if (width < 32) {
        LLVMValueRef wide = shuffle_word(cg, kind, LLVMBuildZExt(b, bits, i32, ""), lane);
        bits = LLVMBuildTrunc(b, wide, cg_int_type(cg, width), "");
    } else if (width == 32) {
        bits = shuffle_word(cg, kind, bits, lane);
    } else {
        LLVMValueRef half = cg_i64(cg, 32);
        LLVMValueRef low = shuffle_word(cg, kind, LLVMBuildTrunc(b, bits, i32, ""), lane);
        LLVMValueRef upper = LLVMBuildTrunc(b, LLVMBuildLShr(b, bits, half, ""), i32, "");
        LLVMValueRef high = shuffle_word(cg, kind, upper, lane);
        high = LLVMBuildShl(b, LLVMBuildZExt(b, high, i64, ""), half, "");
        bits = LLVMBuildOr(b, LLVMBuildZExt(b, low, i64, ""), high, "");
    }
    return from_bits(cg, bits, type);
}
