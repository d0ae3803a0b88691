/* expand_math.c -- replace mathematical functions by the instructions of a GPU.
 *
 * In:     verified tile IR
 * Out:    no operation that math.def gives a formula for, no such operation on floats narrower than
 *         f32, and no libcall but those of ir/machine.def, each with its overload in its name
 * Keeps:  every result within the bounds of docs/math.md
 * Cost:   O(operations) if there is nothing to expand, else the length of the formulas used
 * Why:    GPUs compute few functions, most of them roughly; NVIDIA's libdevice is not needed
 * Before:
 *     %b = libcall "brev", %x : i32
 *     %m = libcall "rhadd:uu", %b, %y : i32
 *     store %p, %m
 *     return
 * After:
 *     %b = libcall "brev:i", %x : i32
 *     %0 = ori %b, %y : i32
 *     %1 = xori %b, %y : i32
 *     %c1 = const 1 : i32
 *     %2 = shrui %1, %c1 : i32
 *     %m = subi %0, %2 : i32
 *     store %p, %m
 *     return
 * Not:    exp2 of f32, which is ex2.approx; functions of the machine; floats of 8 bits
 *                                                            (tests/passes/expand-math/ops.tkir)
 *
 * The formulas are text in passes/math (formula.c). They hold only if no multiplication and
 * addition of theirs is contracted into one: this pass runs after contraction, and code generation
 * must round each operation by itself.
 */
#include "ir/libdevice.h"
#include "ir/machine.h"
#include "passes/formula.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

#include <string.h>

typedef struct Expansion {
    IrOpcode code;
    const char *on_f32, *on_f64;
} Expansion;

static const Expansion expansions[] = {
#define EXPAND(op, on_f32, on_f64) {OP_##op, on_f32, on_f64},
#include "passes/math.def"
#undef EXPAND
};

/* One run of the pass. */
typedef struct Expander {
    PassContext *pc;
    FormulaSet *formulas; /* made when the first is needed */
    bool changed;
} Expander;

static void refuse(Expander *e, const IrOp *op, const char *name) {
    diag_report(e->pc->diags, DIAG_MATH_UNAVAILABLE, op->range, name);
    e->pc->failed = true;
}

static void report_bad_formula(Expander *e, const IrOp *op) {
    diag_report(e->pc->diags, DIAG_INTERNAL, op->range, formula_error(e->formulas));
    e->pc->failed = true;
}

/* Puts the formula `name` of the op's operands into its place. */
static void expand(Expander *e, IrOp *op, const char *name, const char *letters) {
    IrValue *args[FORMULA_MAX_ARGS];
    for (unsigned i = 0; i < op->num_operands && i < FORMULA_MAX_ARGS; i++)
        args[i] = ir_operand(op, i);
    if (!e->formulas)
        e->formulas = formula_set_create(e->pc->scratch, formula_files, formula_files_count);
    IrBuilder b = rewrite_before(op);
    const IrOp *previous = op->prev;
    IrValue *value = formula_build(e->formulas, &b, name, letters, args, op->num_operands);
    e->changed |= value || op->prev != previous;
    if (value) {
        rewrite_replace(&op->results[0], value);
        ir_op_erase(op);
    } else if (formula_error(e->formulas)) {
        report_bad_formula(e, op);
    } else {
        refuse(e, op, name);
    }
}

/* An operation on narrow floats becomes one on f32 between conversions. */
static IrOp *widen(Expander *e, IrOp *op) {
    IrBuilder b = rewrite_before(op);
    const IrType *f32 = ir_type_scalar(e->pc->module->ctx, TY_F32);
    const IrType *narrow = ir_elem(op->results[0].type), *wide;
    IrValue *args[2];
    for (unsigned i = 0; i < op->num_operands; i++)
        args[i] = ir_cast(&b, OP_FPExt, ir_operand(op, i), f32);
    wide = args[0]->type;
    IrOp *wide_op = ir_build(&b, op->code, args, op->num_operands, &wide, 1);
    rewrite_replace(&op->results[0], ir_cast(&b, OP_FPTrunc, ir_result(wide_op, 0), narrow));
    ir_op_erase(op);
    e->changed = true;
    return wide_op;
}

static void expand_libcall(Expander *e, IrOp *op) {
    IrLibdeviceCall call;
    if (!ir_libdevice_resolve(op, &call)) {
        refuse(e, op, ir_attr_str(op, ATTR_NAME));
        return;
    }
    const char *letters = arena_strndup(e->pc->scratch, call.letters, call.arity);
    const char *full = arena_printf(e->pc->scratch, "%s:%s", call.name, letters);
    if (!ir_machine_call(full)) {
        expand(e, op, call.name, letters);
    } else if (strcmp(full, ir_attr_str(op, ATTR_NAME)) != 0) {
        ir_set_str(e->pc->module, op, ATTR_NAME, full);
        e->changed = true;
    }
}

static const Expansion *find_expansion(IrOpcode code) {
    for (size_t i = 0; i < TK_COUNTOF(expansions); i++) {
        if (expansions[i].code == code)
            return &expansions[i];
    }
    return NULL;
}

static void expand_op(Expander *e, IrOp *op) {
    if (op->code == OP_LibCall) {
        expand_libcall(e, op);
        return;
    }
    const Expansion *expansion = find_expansion(op->code);
    if (!expansion)
        return;
    IrTypeKind kind = ir_elem(op->results[0].type)->kind;
    if (kind == TY_F8E4M3 ||
        kind == TY_F8E5M2) /* their conversions saturate, arithmetic does not */
        return;
    if (kind != TY_F32 && kind != TY_F64)
        op = widen(e, op);
    const char *name = kind == TY_F64 ? expansion->on_f64 : expansion->on_f32;
    if (name)
        expand(e, op, name, NULL);
}

static void expand_block(Expander *e, IrBlock *block) {
    IrOp *next;
    for (IrOp *op = block->first; op; op = next) {
        next = op->next;
        for (unsigned r = 0; r < op->num_regions; r++)
            expand_block(e, op->regions[r]);
        expand_op(e, op);
    }
}

bool pass_expand_math(PassContext *pc, IrKernel *kernel) {
    Expander e = {.pc = pc};
    expand_block(&e, kernel->body);
    return e.changed;
}
