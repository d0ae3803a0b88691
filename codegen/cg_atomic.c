/* cg_atomic.c -- atomic read-modify-write and compare-and-swap of global memory.
 *
 * One instruction an element, under the predicate that its mask is set, it lies within the extents
 * and this thread owns it. What PTX has no instruction for is composed:
 * - The larger or smaller of two floats is that of their bit patterns: as signed numbers if the new
 *   value is not negative, else as unsigned ones, the other way round. A new value that is NaN
 * loses (it is replaced by the infinity that always loses). A NaN in memory stays.
 * - Adding bf16 before sm_90: a loop of compare-and-swap.
 *
 *     atomic_rmw fadd, %p, %x, sem = relaxed
 *         @%p1 atom.relaxed.gpu.global.add.f32 %r1, [%rd1], %r2;
 */
#include <math.h>
#include <string.h>

#include "codegen/cg.h"

typedef struct Atomic {
    const IrOp *op;
    const IrType *elem;
    unsigned bits;
    bool used; /* somebody looks at the old values */
} Atomic;

static Atomic begin_atomic(const IrOp *op) {
    Atomic atomic = {.op = op, .elem = ir_elem(ir_result(op, 0)->type)};
    atomic.bits = (unsigned)ir_elem_size(atomic.elem) * 8;
    atomic.used = ir_has_uses(ir_result(op, 0));
    return atomic;
}

/* ".relaxed.gpu.global" */
static const char *order_text(Cg *cg, const IrOp *op) {
    return arena_printf(cg->arena, ".%s.%s.global",
                        ir_enum_text(ATTR_SEM, ir_attr_int(op, ATTR_SEM)),
                        ir_enum_text(ATTR_SCOPE, ir_attr_int(op, ATTR_SCOPE)));
}

/* The register of an element as PTX wants it: integers and bit patterns by width, floats as they
 * are for arithmetic. */
static LLVMValueRef to_register(Cg *cg, const Atomic *atomic, LLVMValueRef value) {
    if (LLVMTypeOf(value) == cg->type.global)
        return LLVMBuildPtrToInt(cg->b, value, cg->type.i64, "");
    return LLVMBuildBitCast(cg->b, value, cg_int_type(cg, atomic->bits), "");
}

static LLVMValueRef from_register(Cg *cg, const Atomic *atomic, LLVMValueRef bits) {
    LLVMTypeRef type = cg_type(cg, atomic->elem);
    if (type == cg->type.global)
        return LLVMBuildIntToPtr(cg->b, bits, type, "");
    return LLVMBuildBitCast(cg->b, bits, type, "");
}

static const char *letter_of(unsigned bits) {
    return bits == 64 ? "l" : bits == 32 ? "r" : "h";
}

/* red, which returns nothing, is enough: nobody looks, and nothing is acquired. */
static bool may_reduce(const Atomic *atomic) {
    SEM_Enum sem = (SEM_Enum)ir_attr_int(atomic->op, ATTR_SEM);
    return !atomic->used && (sem == SEM_RELAXED || sem == SEM_RELEASE);
}

/* One instruction; its result is the old value, and 0 where the predicate is false. */
static LLVMValueRef one_atom(Cg *cg, const Atomic *atomic, const char *what, LLVMValueRef ptr,
                             LLVMValueRef predicate, LLVMValueRef value) {
    const char *letter = letter_of(atomic->bits), *order = order_text(cg, atomic->op);
    LLVMTypeRef type = LLVMTypeOf(value);
    LLVMValueRef zero = LLVMConstNull(type);
    bool always = cg_is_const(predicate, 1);
    if (may_reduce(atomic) && strncmp(what, "exch", 4) != 0) {
        LLVMValueRef args[] = {ptr, value, predicate};
        const char *text =
            arena_printf(cg->arena, "%sred%s.%s [$0], $1;", always ? "" : "@$2 ", order, what);
        const char *constraints =
            arena_printf(cg->arena, "l,%s%s,~{memory}", letter, always ? "" : ",b");
        cg_asm(cg, text, constraints, cg->type.none, args, always ? 2 : 3, true);
        return zero;
    }
    LLVMValueRef args[] = {ptr, value, predicate, zero};
    const char *text =
        arena_printf(cg->arena, "%satom%s.%s $0, [$1], $2;", always ? "" : "@$3 ", order, what);
    const char *constraints =
        arena_printf(cg->arena, "=%s,l,%s%s,~{memory}", letter, letter, always ? "" : ",b,0");
    return cg_asm(cg, text, constraints, type, args, always ? 2 : 4, true);
}

/* ---- floats by their bits ----------------------------------------------------------------------
 */

static LLVMValueRef float_extreme(Cg *cg, const Atomic *atomic, LLVMValueRef ptr,
                                  LLVMValueRef predicate, LLVMValueRef value) {
    LLVMBuilderRef b = cg->b;
    bool is_max = ir_attr_int(atomic->op, ATTR_RMW) == RMW_FMAX;
    LLVMTypeRef type = LLVMTypeOf(value);
    double infinity = is_max ? -(double)INFINITY : (double)INFINITY;
    LLVMValueRef is_nan = LLVMBuildFCmp(b, LLVMRealUNO, value, value, "");
    value = LLVMBuildSelect(b, is_nan, LLVMConstReal(type, infinity), value, "");
    LLVMValueRef bits = to_register(cg, atomic, value);
    LLVMValueRef positive = LLVMBuildICmp(b, LLVMIntSGE, bits, LLVMConstNull(LLVMTypeOf(bits)), "");
    LLVMValueRef as_signed = cg_and(cg, predicate, positive);
    LLVMValueRef as_unsigned = cg_and(cg, predicate, LLVMBuildNot(b, positive, ""));
    const char *first = arena_printf(cg->arena, "%s.s%u", is_max ? "max" : "min", atomic->bits);
    const char *second = arena_printf(cg->arena, "%s.u%u", is_max ? "min" : "max", atomic->bits);
    LLVMValueRef x = one_atom(cg, atomic, first, ptr, as_signed, bits);
    LLVMValueRef y = one_atom(cg, atomic, second, ptr, as_unsigned, bits);
    return LLVMBuildSelect(b, positive, x, y, "");
}

/* ---- loops of compare-and-swap -----------------------------------------------------------------
 */

static LLVMValueRef cas(Cg *cg, const Atomic *atomic, LLVMValueRef ptr, LLVMValueRef predicate,
                        LLVMValueRef expected, LLVMValueRef value) {
    const char *letter = letter_of(atomic->bits);
    const char *order = order_text(cg, atomic->op);
    LLVMValueRef args[] = {ptr, expected, value, predicate, LLVMConstNull(LLVMTypeOf(value))};
    bool always = cg_is_const(predicate, 1);
    const char *text = arena_printf(cg->arena, "%satom%s.cas.b%u $0, [$1], $2, $3;",
                                    always ? "" : "@$4 ", order, atomic->bits);
    const char *constraints = arena_printf(cg->arena, "=%s,l,%s,%s%s,~{memory}", letter, letter,
                                           letter, always ? "" : ",b,0");
    return cg_asm(cg, text, constraints, LLVMTypeOf(value), args, always ? 3 : 5, true);
}

/* old = *ptr; do { seen = old; old = cas(ptr, seen, seen + value) } while (old != seen) */
static LLVMValueRef add_in_loop(Cg *cg, const Atomic *atomic, LLVMValueRef ptr,
                                LLVMValueRef predicate, LLVMValueRef value) {
    LLVMBuilderRef b = cg->b;
    LLVMContextRef context = cg->unit.context;
    LLVMTypeRef bits = cg_int_type(cg, atomic->bits);
    LLVMBasicBlockRef before = LLVMGetInsertBlock(b);
    LLVMBasicBlockRef first = LLVMAppendBasicBlockInContext(context, cg->function, "add");
    LLVMBasicBlockRef loop = LLVMAppendBasicBlockInContext(context, cg->function, "again");
    LLVMBasicBlockRef done = LLVMAppendBasicBlockInContext(context, cg->function, "added");
    LLVMBuildCondBr(b, predicate, first, done);
    LLVMPositionBuilderAtEnd(b, first);
    LLVMValueRef start = LLVMBuildLoad2(b, bits, ptr, "");
    LLVMSetVolatile(start, 1);
    LLVMBuildBr(b, loop);
    LLVMPositionBuilderAtEnd(b, loop);
    LLVMValueRef seen = LLVMBuildPhi(b, bits, "");
    IrTypeKind kind = atomic->elem->kind;
    LLVMValueRef sum = LLVMBuildFAdd(b, cg_to_f32(cg, kind, from_register(cg, atomic, seen)),
                                     cg_to_f32(cg, kind, value), "");
    LLVMValueRef next = to_register(cg, atomic, cg_from_f32(cg, kind, sum, false));
    LLVMValueRef old = cas(cg, atomic, ptr, cg_bool(cg, true), seen, next);
    LLVMAddIncoming(seen, &start, &first, 1);
    LLVMAddIncoming(seen, &old, &loop, 1);
    LLVMBuildCondBr(b, LLVMBuildICmp(b, LLVMIntEQ, old, seen, ""), done, loop);
    LLVMPositionBuilderAtEnd(b, done);
    LLVMValueRef result = LLVMBuildPhi(b, bits, ""), zero = LLVMConstNull(bits);
    LLVMAddIncoming(result, &zero, &before, 1);
    LLVMAddIncoming(result, &old, &loop, 1);
    return result;
}

/* ---- one element -------------------------------------------------------------------------------
 */

/* The operation and type of PTX; NULL: there is no such instruction. */
static const char *atom_text(Cg *cg, const Atomic *atomic) {
    RMW_Enum rmw = (RMW_Enum)ir_attr_int(atomic->op, ATTR_RMW);
    static const char *const names[RMW_COUNT] = {
        [RMW_ADD] = "add.u",  [RMW_AND] = "and.b",  [RMW_OR] = "or.b",
        [RMW_XOR] = "xor.b",  [RMW_MAX] = "max.s",  [RMW_MIN] = "min.s",
        [RMW_UMAX] = "max.u", [RMW_UMIN] = "min.u", [RMW_XCHG] = "exch.b",
    };
    if (names[rmw] != NULL)
        return atomic->bits < 32 ? NULL : arena_printf(cg->arena, "%s%u", names[rmw], atomic->bits);
    switch ((int)atomic->elem->kind) { /* the float types */
    case TY_F16:
        return "add.noftz.f16";
    case TY_BF16:
        return "add.noftz.bf16";
    case TY_F32:
        return "add.f32";
    case TY_F64:
        return "add.f64";
    default:
        return NULL;
    }
}

static LLVMValueRef rmw_element(Cg *cg, const Atomic *atomic, LLVMValueRef ptr,
                                LLVMValueRef predicate, LLVMValueRef value) {
    RMW_Enum rmw = (RMW_Enum)ir_attr_int(atomic->op, ATTR_RMW);
    IrTypeKind kind = atomic->elem->kind;
    if ((rmw == RMW_FMAX || rmw == RMW_FMIN) && (kind == TY_F32 || kind == TY_F64))
        return float_extreme(cg, atomic, ptr, predicate, value);
    if (rmw == RMW_FADD && kind == TY_BF16 && cg->arch < 90)
        return add_in_loop(cg, atomic, ptr, predicate, value);
    const char *what = rmw == RMW_FMAX || rmw == RMW_FMIN ? NULL : atom_text(cg, atomic);
    LLVMValueRef bits = to_register(cg, atomic, value);
    if (what == NULL) {
        if (!cg->failed)
            cg_unsupported(cg, atomic->op, "GPUs have no atomic %s of %s",
                           ir_enum_text(ATTR_RMW, (int64_t)rmw), ir_scalar_name(kind));
        return LLVMConstNull(LLVMTypeOf(bits));
    }
    return one_atom(cg, atomic, what, ptr, predicate, bits);
}

static LLVMValueRef element_predicate(Cg *cg, const IrOp *op, const IrType *type, unsigned mask,
                                      unsigned reg) {
    LLVMValueRef predicate = cg_and(cg, cg_within(cg, type, reg), cg_owner(cg, type));
    if (op->num_operands > mask)
        predicate = cg_and(cg, predicate, cg_reg(cg, ir_operand(op, mask), reg));
    return predicate;
}

static void record(Cg *cg, const Atomic *atomic, unsigned count) {
    CodegenAccess access = {
        .op = atomic->op, .bytes = atomic->bits / 8, .count = count, .predicated = true};
    vec_push(cg->arena, &cg->accesses, access);
}

void cg_lower_rmw(Cg *cg, const IrOp *op) {
    Atomic atomic = begin_atomic(op);
    const IrType *type = ir_operand(op, 0)->type;
    LLVMValueRef *regs = cg_new_regs(cg, type);
    unsigned count = 0;
    for (unsigned r = 0; r < cg_num_regs(type); r++) {
        regs[r] = cg_poison(cg, atomic.elem);
        if (cg_is_dead(type, r))
            continue;
        LLVMValueRef predicate = element_predicate(cg, op, type, 2, r);
        LLVMValueRef old = rmw_element(cg, &atomic, cg_reg(cg, ir_operand(op, 0), r), predicate,
                                       cg_reg(cg, ir_operand(op, 1), r));
        regs[r] = from_register(cg, &atomic, old);
        count++;
    }
    record(cg, &atomic, count);
    cg_define(cg, ir_result(op, 0), regs);
}

void cg_lower_cas(Cg *cg, const IrOp *op) {
    Atomic atomic = begin_atomic(op);
    const IrType *type = ir_operand(op, 0)->type;
    LLVMValueRef *regs = cg_new_regs(cg, type);
    unsigned count = 0;
    if (atomic.bits < 16)
        cg_unsupported(cg, op, "GPUs have no compare-and-swap of %u bits", atomic.bits);
    for (unsigned r = 0; r < cg_num_regs(type); r++) {
        regs[r] = cg_poison(cg, atomic.elem);
        if (cg_is_dead(type, r) || atomic.bits < 16)
            continue;
        LLVMValueRef predicate = element_predicate(cg, op, type, 3, r);
        LLVMValueRef expected = to_register(cg, &atomic, cg_reg(cg, ir_operand(op, 1), r));
        LLVMValueRef value = to_register(cg, &atomic, cg_reg(cg, ir_operand(op, 2), r));
        LLVMValueRef ptr = cg_reg(cg, ir_operand(op, 0), r);
        regs[r] = from_register(cg, &atomic, cas(cg, &atomic, ptr, predicate, expected, value));
        count++;
    }
    record(cg, &atomic, count);
    cg_define(cg, ir_result(op, 0), regs);
}
