/* effects.c -- device_print, device_assert, assume. */
#include <string.h>

#include "ir/interp/program.h"
#include "support/numeric.h"

/* ---- assert and assume
 * ---------------------------------------------------------------------------- */

static bool exec_assert(Exec *exec, const Inst *inst) {
    const uint8_t *cond = slot(exec, inst->src[0]);
    const uint8_t *mask = inst->op->num_operands > 1 ? slot(exec, inst->src[1]) : NULL;
    size_t bad = 0, first = 0;
    for (size_t i = 0; i < inst->count; i++)
        if (!cond[i] && (mask == NULL || mask[i]) && bad++ == 0)
            first = i;
    if (bad == 0)
        return true;
    exec_fault(exec, inst, DIAG_RUN_ASSERT_FAILED, first, bad, inst->count);
    const char *message = ir_attr_str(inst->op, ATTR_MESSAGE);
    exec->fault.text = message != NULL && *message != '\0' ? message : "condition is false";
    return false;
}

static bool exec_assume(Exec *exec, const Inst *inst) {
    if (*(const uint8_t *)slot(exec, inst->src[0]))
        return true;
    return exec_fault(exec, inst, DIAG_RUN_ASSUME_BROKEN, 0, 1, 1);
}

/* ---- print
 * ---------------------------------------------------------------------------------------- */

static unsigned decimal_digits(int64_t below) {
    unsigned digits = 1;
    for (int64_t last = below - 1; last >= 10; last /= 10)
        digits++;
    return digits;
}

/* (i, j): each index as wide as the largest one of its dimension. */
static void print_index(StrBuf *out, const IrType *type, size_t element) {
    size_t index[IR_MAX_RANK];
    unsigned rank = ir_is_tile(type) ? type->rank : 0;
    for (unsigned d = rank; d > 0; d--) {
        index[d - 1] = element % (size_t)type->shape[d - 1];
        element /= (size_t)type->shape[d - 1];
    }
    strbuf_puts(out, "idx (");
    for (unsigned d = 0; d < rank; d++)
        strbuf_printf(out, "%s%*zu", d > 0 ? ", " : "", (int)decimal_digits(type->shape[d]),
                      index[d]);
    strbuf_puts(out, ")");
}

static double float_value(IrTypeKind kind, uint64_t bits) {
    switch ((int)kind) { /* float kinds only */
    case TY_F8E4M3:
        return (double)f8e4m3_to_f32((uint8_t)bits);
    case TY_F8E5M2:
        return (double)f8e5m2_to_f32((uint8_t)bits);
    case TY_F16:
        return (double)f16_to_f32((uint16_t)bits);
    case TY_BF16:
        return (double)bf16_to_f32((uint16_t)bits);
    case TY_F32:
        return (double)f32_from_bits((uint32_t)bits);
    default:
        return f64_from_bits(bits);
    }
}

static void print_value(StrBuf *out, const IrType *elem, uint64_t bits, bool hex, bool is_signed) {
    unsigned width = ir_bits(elem);
    if (elem->kind == TY_PTR)
        strbuf_printf(out, "0x%llx", (unsigned long long)ptr_address(bits));
    else if (hex)
        strbuf_printf(out, "0x%0*llx", (int)(width + 3) / 4, (unsigned long long)bits);
    else if (ir_is_float(elem))
        strbuf_printf(out, "%f", float_value(elem->kind, bits));
    else if (is_signed && width > 1)
        strbuf_printf(out, "%lld", (long long)((int64_t)(bits << (64 - width)) >> (64 - width)));
    else
        strbuf_printf(out, "%llu", (unsigned long long)bits);
}

static bool operand_is_signed(const IrOp *op, unsigned operand) {
    IrInts is_signed = ir_attr(op, ATTR_SIGNED)->u.ints;
    return operand >= is_signed.len || is_signed.items[operand] != 0;
}

static void print_pid(StrBuf *out, const Program *program) {
    strbuf_printf(out, "pid (%lld, %lld, %lld) ", (long long)program->pid[0],
                  (long long)program->pid[1], (long long)program->pid[2]);
}

static void print_operand(Exec *exec, const Inst *inst, unsigned operand) {
    const IrOp *op = inst->op;
    const IrType *type = ir_operand(op, operand)->type;
    const IrType *elem = ir_elem(type);
    const char *prefix = ir_attr_str(op, ATTR_MESSAGE);
    const uint8_t *data = slot(exec, inst->src[operand]);
    size_t n = (size_t)ir_numel(type), size = ir_elem_size(type);
    bool hex = ir_attr_int(op, ATTR_HEX) != 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = 0;
        memcpy(&bits, data + i * size, size);
        print_pid(exec->prints, exec->program);
        print_index(exec->prints, type, i);
        strbuf_printf(exec->prints, " %s: ", prefix != NULL ? prefix : "");
        if (op->num_operands > 1)
            strbuf_printf(exec->prints, "(operand %u) ", operand);
        print_value(exec->prints, elem, bits, hex, operand_is_signed(op, operand));
        strbuf_putc(exec->prints, '\n');
    }
}

static bool exec_print(Exec *exec, const Inst *inst) {
    const char *prefix = ir_attr_str(inst->op, ATTR_MESSAGE);
    for (unsigned i = 0; i < inst->op->num_operands; i++)
        print_operand(exec, inst, i);
    if (inst->op->num_operands == 0) {
        print_pid(exec->prints, exec->program);
        strbuf_printf(exec->prints, "%s\n", prefix != NULL ? prefix : "");
    }
    return true;
}

/* ---- choice
 * --------------------------------------------------------------------------------------- */

bool prepare_effect(Arena *arena, const IrOp *op, Inst *inst) {
    (void)arena;
    switch ((int)op->code) { /* every other op belongs to another file */
    case OP_Assert:
        inst->exec = exec_assert;
        return true;
    case OP_Assume:
        inst->exec = exec_assume;
        return true;
    case OP_Print:
        inst->exec = exec_print;
        return true;
    default:
        return false;
    }
}
