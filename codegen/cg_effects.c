/* cg_effects.c -- barriers, device_print, device_assert, assume.
 *
 * Prints and failed assertions go through the two functions that every GPU's system has: vprintf,
 * with a format and a buffer of its arguments, and __assertfail, with text, file and line. Each
 * element is printed by the thread that owns it, in the format of the cpu device, a line each; the
 * order of lines between threads is the hardware's.
 *
 *     pid (0, 0, 0) idx ( 7) x = : 1.500000
 */
#include <string.h>

#include "codegen/cg.h"

void cg_lower_barrier(Cg *cg, const IrOp *op) {
    (void)op;
    LLVMValueRef id = cg_i32(cg, 0);
    cg_intrinsic(cg, "llvm.nvvm.barrier.cta.sync.aligned.all", NULL, 0, &id, 1);
}

void cg_lower_assume(Cg *cg, const IrOp *op) {
    LLVMValueRef condition = cg_reg(cg, ir_operand(op, 0), 0);
    cg_intrinsic(cg, "llvm.assume", NULL, 0, &condition, 1);
}

/* ---- functions of the system -------------------------------------------------------------------
 */

static LLVMValueRef system_function(Cg *cg, const char *name, LLVMTypeRef type) {
    LLVMValueRef function = LLVMGetNamedFunction(cg->unit.module, name);
    return function != NULL ? function : LLVMAddFunction(cg->unit.module, name, type);
}

/* A block for what only some threads do, and one where all go on; the builder stands in the
 * first. */
static LLVMBasicBlockRef begin_when(Cg *cg, LLVMValueRef condition, const char *name) {
    LLVMBasicBlockRef then = LLVMAppendBasicBlockInContext(cg->unit.context, cg->function, name);
    LLVMBasicBlockRef next = LLVMAppendBasicBlockInContext(cg->unit.context, cg->function, "next");
    LLVMBuildCondBr(cg->b, condition, then, next);
    LLVMPositionBuilderAtEnd(cg->b, then);
    return next;
}

static void end_when(Cg *cg, LLVMBasicBlockRef next) {
    LLVMBuildBr(cg->b, next);
    LLVMPositionBuilderAtEnd(cg->b, next);
}

/* ---- assert ------------------------------------------------------------------------------------
 */

static void call_assertfail(Cg *cg, const IrOp *op) {
    const char *message = ir_attr_str(op, ATTR_MESSAGE), *name = "<unknown>";
    uint32_t line = 0;
    const SourceSet *sources = cg->kernel->module->sources;
    const SrcFile *file = sources != NULL ? sources_file(sources, op->range.file) : NULL;
    if (file != NULL) {
        name = file->name;
        line = source_pos(file, op->range.lo).line;
    }
    if (message == NULL || *message == '\0')
        message = "condition is false";
    LLVMTypeRef types[] = {cg->type.generic, cg->type.generic, cg->type.i32, cg->type.generic,
                           cg->type.i64};
    LLVMTypeRef type = LLVMFunctionType(cg->type.none, types, 5, 0);
    LLVMValueRef args[] = {cg_string(cg, message), cg_string(cg, name), cg_i32(cg, line),
                           cg_string(cg, cg->kernel->name), cg_i64(cg, 1)};
    LLVMBuildCall2(cg->b, type, system_function(cg, "__assertfail", type), args, 5, "");
}

void cg_lower_assert(Cg *cg, const IrOp *op) {
    const IrType *type = ir_operand(op, 0)->type;
    LLVMValueRef fails = NULL;
    for (unsigned r = 0; r < cg_num_regs(type); r++) {
        if (cg_is_dead(type, r))
            continue;
        LLVMValueRef bad = LLVMBuildNot(cg->b, cg_reg(cg, ir_operand(op, 0), r), "");
        bad = cg_and(cg, cg_within(cg, type, r), bad);
        if (op->num_operands > 1)
            bad = cg_and(cg, bad, cg_reg(cg, ir_operand(op, 1), r));
        fails = fails == NULL ? bad : LLVMBuildOr(cg->b, fails, bad, "");
    }
    fails = cg_and(cg, fails, cg_owner(cg, type));
    LLVMBasicBlockRef next = begin_when(cg, fails, "failed");
    call_assertfail(cg, op);
    end_when(cg, next);
}

/* ---- print -------------------------------------------------------------------------------------
 */

/* A format and the arguments that it wants. */
typedef struct Format {
    StrBuf text;
    LLVMValueRef args[16];
    unsigned count;
} Format;

static void add_arg(Format *format, const char *conversion, LLVMValueRef value) {
    strbuf_puts(&format->text, conversion);
    format->args[format->count++] = value;
}

/* Text that stands for itself. */
static void add_text(Format *format, const char *text) {
    for (; text != NULL && *text != '\0'; text++) {
        if (*text == '%')
            strbuf_putc(&format->text, '%');
        strbuf_putc(&format->text, *text);
    }
}

static void add_pid(Cg *cg, Format *format) {
    static const char *const names[] = {"llvm.nvvm.read.ptx.sreg.ctaid.x",
                                        "llvm.nvvm.read.ptx.sreg.ctaid.y",
                                        "llvm.nvvm.read.ptx.sreg.ctaid.z"};
    for (unsigned axis = 0; axis < 3; axis++)
        add_arg(format, axis == 0 ? "pid (%d" : ", %d",
                cg_intrinsic(cg, names[axis], NULL, 0, NULL, 0));
    add_text(format, ") ");
}

static void add_index(Cg *cg, Format *format, const IrType *type, unsigned reg) {
    add_text(format, "idx (");
    unsigned rank = ir_is_tile(type) ? type->rank : 0;
    for (unsigned d = 0; d < rank; d++) {
        int digits = 1;
        for (int64_t last = type->shape[d] - 1; last >= 10; last /= 10)
            digits++;
        add_arg(format, arena_printf(cg->arena, "%s%%%dd", d > 0 ? ", " : "", digits),
                cg_coord(cg, type, reg, d));
    }
    add_text(format, ")");
}

static LLVMValueRef as_bits(Cg *cg, const IrType *elem, LLVMValueRef value) {
    if (elem->kind == TY_PTR)
        return LLVMBuildPtrToInt(cg->b, value, cg->type.i64, "");
    LLVMValueRef bits = LLVMBuildBitCast(cg->b, value, cg_int_type(cg, ir_bits(elem)), "");
    return ir_bits(elem) < 64 ? LLVMBuildZExt(cg->b, bits, cg->type.i64, "") : bits;
}

static void add_value(Cg *cg, Format *format, const IrOp *op, unsigned operand, unsigned reg) {
    const IrType *elem = ir_elem(ir_operand(op, operand)->type);
    LLVMValueRef value = cg_reg(cg, ir_operand(op, operand), reg);
    IrInts is_signed = ir_attr(op, ATTR_SIGNED)->u.ints;
    unsigned width = ir_bits(elem);
    if (elem->kind == TY_PTR) {
        add_arg(format, "0x%llx", as_bits(cg, elem, value));
    } else if (ir_attr_int(op, ATTR_HEX) != 0) {
        add_arg(format, arena_printf(cg->arena, "0x%%0%ullx", (width + 3) / 4),
                as_bits(cg, elem, value));
    } else if (ir_is_float(elem)) {
        if (elem->kind != TY_F64)
            value = LLVMBuildFPExt(cg->b, cg_to_f32(cg, elem->kind, value), cg->type.f64, "");
        add_arg(format, "%f", value);
    } else if (width > 1 && (operand >= is_signed.len || is_signed.items[operand] != 0)) {
        if (width < 64)
            value = LLVMBuildSExt(cg->b, value, cg->type.i64, "");
        add_arg(format, "%lld", value);
    } else {
        add_arg(format, "%llu", as_bits(cg, elem, value));
    }
}

/* The arguments lie one after the other, each aligned to its size. */
static void call_vprintf(Cg *cg, Format *format) {
    LLVMTypeRef fields[TK_COUNTOF(format->args)];
    for (unsigned i = 0; i < format->count; i++)
        fields[i] = LLVMTypeOf(format->args[i]);
    LLVMTypeRef type = LLVMStructTypeInContext(cg->unit.context, fields, format->count, 0);
    LLVMValueRef buffer = LLVMBuildAlloca(cg->entry, type, "");
    LLVMSetAlignment(buffer, 8);
    for (unsigned i = 0; i < format->count; i++) {
        LLVMValueRef place = LLVMBuildStructGEP2(cg->b, type, buffer, i, "");
        LLVMBuildStore(cg->b, format->args[i], place);
    }
    LLVMTypeRef types[] = {cg->type.generic, cg->type.generic};
    LLVMTypeRef function = LLVMFunctionType(cg->type.i32, types, 2, 0);
    LLVMValueRef args[] = {cg_string(cg, strbuf_str(&format->text)), buffer};
    LLVMBuildCall2(cg->b, function, system_function(cg, "vprintf", function), args, 2, "");
}

static void print_element(Cg *cg, const IrOp *op, unsigned operand, unsigned reg) {
    const IrType *type = ir_operand(op, operand)->type;
    LLVMValueRef prints = cg_and(cg, cg_within(cg, type, reg), cg_owner(cg, type));
    LLVMBasicBlockRef next = begin_when(cg, prints, "print");
    Format format = {.text = STRBUF(cg->arena)};
    add_pid(cg, &format);
    add_index(cg, &format, type, reg);
    add_text(&format, " ");
    add_text(&format, ir_attr_str(op, ATTR_MESSAGE));
    add_text(&format, ": ");
    if (op->num_operands > 1)
        add_text(&format, arena_printf(cg->arena, "(operand %u) ", operand));
    add_value(cg, &format, op, operand, reg);
    add_text(&format, "\n");
    call_vprintf(cg, &format);
    end_when(cg, next);
}

static void print_message(Cg *cg, const IrOp *op) {
    LLVMValueRef first = LLVMBuildICmp(cg->b, LLVMIntEQ, cg->tid, cg_i32(cg, 0), "");
    LLVMBasicBlockRef next = begin_when(cg, first, "print");
    Format format = {.text = STRBUF(cg->arena)};
    add_pid(cg, &format);
    add_text(&format, ir_attr_str(op, ATTR_MESSAGE));
    add_text(&format, "\n");
    call_vprintf(cg, &format);
    end_when(cg, next);
}

void cg_lower_print(Cg *cg, const IrOp *op) {
    if (op->num_operands == 0)
        print_message(cg, op);
    for (unsigned operand = 0; operand < op->num_operands; operand++) {
        const IrType *type = ir_operand(op, operand)->type;
        for (unsigned r = 0; r < cg_num_regs(type); r++)
            if (!cg_is_dead(type, r))
                print_element(cg, op, operand, r);
    }
}
