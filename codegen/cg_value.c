/* cg_value.c -- LLVM's types and values for those of tile IR, and calls of intrinsics and PTX. */
#include <string.h>

#include "codegen/cg.h"

/* ---- types -------------------------------------------------------------------------------------
 */

void cg_init_types(Cg *cg) {
    LLVMContextRef c = cg->unit.context;
    cg->type = (CgTypes){.none = LLVMVoidTypeInContext(c),
                         .i1 = LLVMInt1TypeInContext(c),
                         .i8 = LLVMInt8TypeInContext(c),
                         .i16 = LLVMInt16TypeInContext(c),
                         .i32 = LLVMInt32TypeInContext(c),
                         .i64 = LLVMInt64TypeInContext(c),
                         .f16 = LLVMHalfTypeInContext(c),
                         .bf16 = LLVMBFloatTypeInContext(c),
                         .f32 = LLVMFloatTypeInContext(c),
                         .f64 = LLVMDoubleTypeInContext(c),
                         .global = LLVMPointerTypeInContext(c, SPACE_GLOBAL),
                         .shared = LLVMPointerTypeInContext(c, SPACE_SHARED),
                         .generic = LLVMPointerTypeInContext(c, 0)};
}

LLVMTypeRef cg_type(const Cg *cg, const IrType *type) {
    const CgTypes *t = &cg->type;
    switch (ir_elem(type)->kind) {
    case TY_I1:
        return t->i1;
    case TY_I8:
    case TY_F8E4M3:
    case TY_F8E5M2:
        return t->i8;
    case TY_I16:
        return t->i16;
    case TY_I32:
        return t->i32;
    case TY_I64:
        return t->i64;
    case TY_F16:
        return t->f16;
    case TY_BF16:
        return t->bf16;
    case TY_F32:
        return t->f32;
    case TY_F64:
        return t->f64;
    case TY_PTR:
    case TY_TILE: /* elements are scalars or pointers */
    case TY_DESC: /* expanded before */
    case TY_SHARED:
        break;
    }
    return t->global;
}

LLVMTypeRef cg_memory_type(const Cg *cg, const IrType *type) {
    return ir_elem(type)->kind == TY_I1 ? cg->type.i8 : cg_type(cg, type);
}

LLVMTypeRef cg_int_type(const Cg *cg, unsigned bits) {
    return LLVMIntTypeInContext(cg->unit.context, bits);
}

/* ---- registers ---------------------------------------------------------------------------------
 */

unsigned cg_num_regs(const IrType *type) {
    return ir_is_tile(type) ? layout_num_regs(type->layout) : 1;
}

bool cg_is_dead(const IrType *type, unsigned reg) {
    return ir_is_tile(type) && layout_reg_is_dead(type->layout, type->shape, reg);
}

LLVMValueRef *cg_new_regs(Cg *cg, const IrType *type) {
    return ARENA_ARRAY(cg->arena, LLVMValueRef, cg_num_regs(type));
}

void cg_define(Cg *cg, const IrValue *value, LLVMValueRef *regs) {
    cg->values[value->id] = regs;
}

LLVMValueRef *cg_regs(const Cg *cg, const IrValue *value) {
    return cg->values[value->id];
}

LLVMValueRef cg_reg(const Cg *cg, const IrValue *value, unsigned reg) {
    return cg->values[value->id][ir_is_tile(value->type) ? reg : 0];
}

/* ---- constants ---------------------------------------------------------------------------------
 */

LLVMValueRef cg_poison(const Cg *cg, const IrType *type) {
    return LLVMGetPoison(cg_type(cg, type));
}

LLVMValueRef cg_const(const Cg *cg, const IrType *type, uint64_t bits) {
    const IrType *elem = ir_elem(type);
    LLVMTypeRef llvm_type = cg_type(cg, elem);
    if (elem->kind == TY_PTR)
        return LLVMConstIntToPtr(cg_i64(cg, bits), llvm_type);
    LLVMValueRef number = LLVMConstInt(cg_int_type(cg, ir_bits(elem)), bits, 0);
    return LLVMTypeOf(number) == llvm_type ? number : LLVMConstBitCast(number, llvm_type);
}

LLVMValueRef cg_i32(const Cg *cg, uint32_t value) {
    return LLVMConstInt(cg->type.i32, value, 0);
}

LLVMValueRef cg_i64(const Cg *cg, uint64_t value) {
    return LLVMConstInt(cg->type.i64, value, 0);
}

LLVMValueRef cg_bool(const Cg *cg, bool value) {
    return LLVMConstInt(cg->type.i1, value, 0);
}

bool cg_is_const(LLVMValueRef value, uint64_t bits) {
    return LLVMIsAConstantInt(value) != NULL && LLVMConstIntGetZExtValue(value) == bits;
}

LLVMValueRef cg_string(Cg *cg, const char *text) {
    size_t len = strlen(text);
    LLVMValueRef data = LLVMConstStringInContext2(cg->unit.context, text, len, 0);
    const char *name = arena_printf(cg->arena, "text%u", cg->num_strings++);
    LLVMValueRef global =
        LLVMAddGlobalInAddressSpace(cg->unit.module, LLVMTypeOf(data), name, SPACE_GLOBAL);
    LLVMSetInitializer(global, data);
    LLVMSetGlobalConstant(global, 1);
    LLVMSetLinkage(global, LLVMPrivateLinkage);
    LLVMSetAlignment(global, 1);
    return LLVMConstAddrSpaceCast(global, cg->type.generic);
}

/* ---- calls -------------------------------------------------------------------------------------
 */

LLVMValueRef cg_intrinsic_at(Cg *cg, LLVMBuilderRef b, const char *name, const LLVMTypeRef *types,
                             unsigned num_types, LLVMValueRef *args, unsigned num_args) {
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    LLVMTypeRef overloads[2] = {NULL, NULL};
    for (unsigned i = 0; i < num_types; i++)
        overloads[i] = types[i];
    LLVMValueRef function = LLVMGetIntrinsicDeclaration(cg->unit.module, id, overloads, num_types);
    LLVMTypeRef type = LLVMIntrinsicGetType(cg->unit.context, id, overloads, num_types);
    return LLVMBuildCall2(b, type, function, args, num_args, "");
}

LLVMValueRef cg_intrinsic(Cg *cg, const char *name, const LLVMTypeRef *types, unsigned num_types,
                          LLVMValueRef *args, unsigned num_args) {
    return cg_intrinsic_at(cg, cg->b, name, types, num_types, args, num_args);
}

static void add_call_attribute(Cg *cg, LLVMValueRef call, const char *name) {
    unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));
    LLVMAttributeRef attribute = LLVMCreateEnumAttribute(cg->unit.context, kind, 0);
    LLVMAddCallSiteAttribute(call, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, attribute);
}

LLVMValueRef cg_asm(Cg *cg, const char *text, const char *constraints, LLVMTypeRef result,
                    LLVMValueRef *args, unsigned num_args, bool effects) {
    LLVMTypeRef *types = ARENA_ARRAY(cg->arena, LLVMTypeRef, num_args);
    for (unsigned i = 0; i < num_args; i++)
        types[i] = LLVMTypeOf(args[i]);
    LLVMTypeRef type = LLVMFunctionType(result, types, num_args, 0);
    LLVMValueRef code = LLVMGetInlineAsm(type, text, strlen(text), constraints, strlen(constraints),
                                         effects, 0, LLVMInlineAsmDialectATT, 0);
    LLVMValueRef call = LLVMBuildCall2(cg->b, type, code, args, num_args, "");
    add_call_attribute(cg, call, "nounwind");
    return call;
}

LLVMValueRef cg_asm_warp(Cg *cg, const char *text, const char *constraints, LLVMTypeRef result,
                         LLVMValueRef *args, unsigned num_args) {
    LLVMValueRef call = cg_asm(cg, text, constraints, result, args, num_args, false);
    add_call_attribute(cg, call, "convergent");
    return call;
}

/* ---- reports -----------------------------------------------------------------------------------
 */

void cg_need_ptx(Cg *cg, unsigned version) {
    if (cg->ptx < version)
        cg->ptx = version;
}

void cg_unsupported(Cg *cg, const IrOp *op, const char *why, ...) {
    va_list args;
    va_start(args, why);
    const char *text = arena_vprintf(cg->arena, why, args);
    va_end(args);
    Diag *diag = diag_report(cg->diags, DIAG_CODEGEN_UNSUPPORTED, op->range, ir_info(op)->mnemonic,
                             cg->target->name);
    diag_note(diag, SRC_NONE, "%s", text);
    cg->failed = true;
}

void cg_internal(Cg *cg, const IrOp *op, const char *what, ...) {
    va_list args;
    va_start(args, what);
    const char *text = arena_vprintf(cg->arena, what, args);
    va_end(args);
    diag_report(
        cg->diags, DIAG_INTERNAL, op->range,
        arena_printf(cg->arena, "code generation of `%s`: %s", ir_info(op)->mnemonic, text));
    cg->failed = true;
}
