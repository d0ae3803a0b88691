/* cg_asm.c -- tl.inline_asm_elementwise: PTX text of the program, for each element or few.
 *
 * `pack` elements are processed by one copy of the text. Elements of fewer than 32 bits are packed
 * into 32-bit registers then, so that an operand takes max(1, pack * bits / 32) constraints, or
 * pack of them if its elements have 32 bits or more; likewise each result. Constraints are checked
 * before LLVM sees them, which ends the process over a bad one:
 *
 *     inline_asm "shl.b32 $0, $1, 3;", %x, constraints = "=r,r"
 */
#include <string.h>

#include "codegen/cg.h"

enum { MAX_ASM_REGISTERS = 64 };

/* One register of the text: the constraint that names it. */
typedef struct AsmRegister {
    char letter; /* r h l f d b */
    LLVMTypeRef type;
} AsmRegister;

typedef struct AsmPlan {
    const IrOp *op;
    unsigned pack;
    AsmRegister registers[MAX_ASM_REGISTERS]; /* of the results, then of the operands */
    unsigned count;
    const char *clobbers; /* ",~{memory}" and the like, or "" */
} AsmPlan;

static bool bad_asm(Cg *cg, const IrOp *op, const char *what) {
    diag_report(cg->diags, DIAG_CODEGEN_ASM, op->range, what);
    cg->failed = true;
    return false;
}

/* Elements of a type that share a register. */
static unsigned share(const AsmPlan *plan, const IrType *type) {
    unsigned bits = ir_bits(ir_elem(type));
    if (plan->pack == 1 || bits >= 32)
        return 1;
    unsigned fit = 32 / bits;
    return fit < plan->pack ? fit : plan->pack;
}

static unsigned registers_for(const AsmPlan *plan, const IrType *type) {
    return (plan->pack + share(plan, type) - 1) / share(plan, type);
}

static unsigned letter_bits(char letter) {
    switch (letter) {
    case 'b':
        return 1;
    case 'h':
        return 16;
    case 'r':
    case 'f':
        return 32;
    case 'l':
    case 'd':
        return 64;
    default:
        return 0;
    }
}

static LLVMTypeRef letter_type(const Cg *cg, char letter) {
    return letter == 'f'   ? cg->type.f32
           : letter == 'd' ? cg->type.f64
                           : cg_int_type(cg, letter_bits(letter));
}

/* One constraint, at `*at`; moves on behind its comma. */
static bool read_constraint(Cg *cg, AsmPlan *plan, const char **at, bool is_result) {
    const char *text = *at, *what = is_result ? "result" : "operand";
    size_t len = strcspn(text, ",");
    *at = text[len] == ',' ? text + len + 1 : text + len;
    if (len == 0)
        return bad_asm(cg, plan->op,
                       arena_printf(cg->arena,
                                    "there are fewer constraints than registers: %u "
                                    "for each result and operand, with pack = %u",
                                    plan->count, plan->pack));
    if ((text[0] == '=') != is_result)
        return bad_asm(
            cg, plan->op,
            arena_printf(cg->arena,
                         "constraint `%.*s` is %s a result, but stands for one of the %ss",
                         (int)len, text, is_result ? "not for" : "for", what));
    const char *letter = is_result ? text + 1 : text;
    if (len != (is_result ? 2u : 1u) || letter_bits(*letter) == 0)
        return bad_asm(cg, plan->op,
                       arena_printf(cg->arena, "unknown constraint `%.*s`", (int)len, text));
    plan->registers[plan->count++] =
        (AsmRegister){.letter = *letter, .type = letter_type(cg, *letter)};
    return true;
}

/* The constraints of one value: as many as its elements take, each wide enough. */
static bool read_value(Cg *cg, AsmPlan *plan, const char **at, const IrType *type, bool is_result) {
    unsigned bits = ir_elem(type)->kind == TY_PTR ? 64 : ir_bits(ir_elem(type));
    for (unsigned i = 0; i < registers_for(plan, type); i++) {
        if (plan->count == MAX_ASM_REGISTERS)
            return bad_asm(cg, plan->op, "more than 64 registers");
        if (!read_constraint(cg, plan, at, is_result))
            return false;
        unsigned width = letter_bits(plan->registers[plan->count - 1].letter);
        if (width < bits * share(plan, type))
            return bad_asm(cg, plan->op,
                           arena_printf(cg->arena, "register %u has %u bits, its %s of %s needs %u",
                                        plan->count - 1, width, is_result ? "result" : "operand",
                                        ir_scalar_name(ir_elem(type)->kind),
                                        bits * share(plan, type)));
    }
    return true;
}

static bool plan_asm(Cg *cg, const IrOp *op, AsmPlan *plan) {
    *plan = (AsmPlan){.op = op, .pack = (unsigned)ir_attr_int(op, ATTR_PACK), .clobbers = ""};
    const char *at = ir_attr_str(op, ATTR_CONSTRAINTS);
    at = at != NULL ? at : "";
    for (unsigned i = 0; i < op->num_results; i++)
        if (!read_value(cg, plan, &at, ir_result(op, i)->type, true))
            return false;
    for (unsigned i = 0; i < op->num_operands; i++)
        if (!read_value(cg, plan, &at, ir_operand(op, i)->type, false))
            return false;
    if (*at != '\0' && strncmp(at, "~{memory}", 10) != 0)
        return bad_asm(cg, op,
                       arena_printf(cg->arena, "nothing is left for the constraint `%s`", at));
    plan->clobbers = *at != '\0' ? ",~{memory}" : "";
    return true;
}

/* ---- registers ---------------------------------------------------------------------------------
 */

static LLVMValueRef element_bits(Cg *cg, const IrType *type, LLVMValueRef value) {
    if (ir_elem(type)->kind == TY_PTR)
        return LLVMBuildPtrToInt(cg->b, value, cg->type.i64, "");
    return LLVMBuildBitCast(cg->b, value, cg_int_type(cg, ir_bits(ir_elem(type))), "");
}

/* `count` elements in one register, the first lowest. */
static LLVMValueRef pack_register(Cg *cg, const AsmRegister *reg, const IrType *type,
                                  const LLVMValueRef *elements, unsigned count) {
    unsigned width = letter_bits(reg->letter), bits = ir_bits(ir_elem(type));
    LLVMTypeRef wide = cg_int_type(cg, width);
    LLVMValueRef word = LLVMConstNull(wide);
    for (unsigned i = 0; i < count; i++) {
        LLVMValueRef part = element_bits(cg, type, elements[i]);
        part = LLVMBuildZExtOrBitCast(cg->b, part, wide, "");
        if (i > 0)
            part = LLVMBuildShl(cg->b, part, LLVMConstInt(wide, (uint64_t)i * bits, 0), "");
        word = LLVMBuildOr(cg->b, word, part, "");
    }
    return LLVMBuildBitCast(cg->b, word, reg->type, "");
}

static LLVMValueRef unpack_element(Cg *cg, const AsmRegister *reg, const IrType *type,
                                   LLVMValueRef value, unsigned place) {
    const IrType *elem = ir_elem(type);
    unsigned width = letter_bits(reg->letter), bits = ir_bits(elem);
    LLVMTypeRef wide = cg_int_type(cg, width);
    LLVMValueRef word = LLVMBuildBitCast(cg->b, value, wide, "");
    if (place > 0)
        word = LLVMBuildLShr(cg->b, word, LLVMConstInt(wide, (uint64_t)place * bits, 0), "");
    word = LLVMBuildTruncOrBitCast(cg->b, word, cg_int_type(cg, bits), "");
    if (elem->kind == TY_PTR)
        return LLVMBuildIntToPtr(cg->b, word, cg->type.global, "");
    return LLVMBuildBitCast(cg->b, word, cg_type(cg, elem), "");
}

/* ---- one copy ----------------------------------------------------------------------------------
 */

/* The elements of an operand that the copy for registers first .. first + pack - 1 takes. */
static unsigned pack_operand(Cg *cg, const AsmPlan *plan, const IrValue *operand, unsigned first,
                             const AsmRegister *regs, LLVMValueRef *out) {
    unsigned total = cg_num_regs(operand->type), per = share(plan, operand->type), used = 0;
    LLVMValueRef elements[16];
    for (unsigned i = 0; i < plan->pack; i += per, used++) {
        for (unsigned k = 0; k < per; k++) {
            unsigned reg = first + i + k;
            elements[k] = reg < total && !cg_is_dead(operand->type, reg)
                              ? cg_reg(cg, operand, reg)
                              : cg_const(cg, operand->type, 0);
        }
        out[used] = pack_register(cg, &regs[used], operand->type, elements, per);
    }
    return used;
}

static LLVMTypeRef result_type(Cg *cg, const AsmPlan *plan, unsigned count) {
    LLVMTypeRef types[MAX_ASM_REGISTERS];
    for (unsigned i = 0; i < count; i++)
        types[i] = plan->registers[i].type;
    if (count == 0)
        return cg->type.none;
    return count == 1 ? types[0] : LLVMStructTypeInContext(cg->unit.context, types, count, 0);
}

static const char *constraint_text(Cg *cg, const AsmPlan *plan, unsigned results) {
    StrBuf text = STRBUF(cg->arena);
    for (unsigned i = 0; i < plan->count; i++)
        strbuf_printf(&text, "%s%s%c", i > 0 ? "," : "", i < results ? "=" : "",
                      plan->registers[i].letter);
    strbuf_puts(&text, plan->clobbers);
    return strbuf_str(&text);
}

static void one_copy(Cg *cg, const AsmPlan *plan, unsigned first, LLVMValueRef **regs) {
    const IrOp *op = plan->op;
    LLVMValueRef args[MAX_ASM_REGISTERS];
    unsigned results = 0, count = 0;
    for (unsigned i = 0; i < op->num_results; i++)
        results += registers_for(plan, ir_result(op, i)->type);
    for (unsigned i = 0; i < op->num_operands; i++)
        count += pack_operand(cg, plan, ir_operand(op, i), first, &plan->registers[results + count],
                              args + count);
    bool effects = ir_attr_int(op, ATTR_IS_PURE) == 0;
    LLVMValueRef got = cg_asm(cg, ir_attr_str(op, ATTR_ASM), constraint_text(cg, plan, results),
                              result_type(cg, plan, results), args, count, effects);
    unsigned at = 0;
    for (unsigned i = 0; i < op->num_results; i++) {
        const IrType *type = ir_result(op, i)->type;
        unsigned per = share(plan, type), total = cg_num_regs(type);
        for (unsigned k = 0; k < plan->pack; k++) {
            unsigned place = at + k / per;
            if (first + k >= total)
                continue;
            LLVMValueRef value = results > 1 ? LLVMBuildExtractValue(cg->b, got, place, "") : got;
            regs[i][first + k] = unpack_element(cg, &plan->registers[place], type, value, k % per);
        }
        at += registers_for(plan, type);
    }
}

void cg_lower_asm(Cg *cg, const IrOp *op) {
    AsmPlan plan;
    LLVMValueRef **regs = ARENA_ARRAY(cg->arena, LLVMValueRef *, op->num_results);
    for (unsigned i = 0; i < op->num_results; i++) {
        const IrType *type = ir_result(op, i)->type;
        regs[i] = cg_new_regs(cg, type);
        for (unsigned r = 0; r < cg_num_regs(type); r++)
            regs[i][r] = cg_poison(cg, type);
        cg_define(cg, ir_result(op, i), regs[i]);
    }
    if (!plan_asm(cg, op, &plan))
        return;
    const IrType *type = op->num_operands > 0  ? ir_operand(op, 0)->type
                         : op->num_results > 0 ? ir_result(op, 0)->type
                                               : NULL;
    unsigned total = type != NULL ? cg_num_regs(type) : 1;
    for (unsigned r = 0; r < total; r += plan.pack)
        one_copy(cg, &plan, r, regs);
}
