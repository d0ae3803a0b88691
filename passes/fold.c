/* fold.c -- evaluate constants exactly and simplify by rules that hold for every bit pattern.
 *
 * In:     verified tile IR
 * Out:    no operation of constants that can be computed now; none that a rule of fold_rules.def,
 *         fold_shape.c or fold_control.c simplifies; constants of commutative operations are on
 *         the right
 * Keeps:  every number, every fault and every effect
 * Cost:   O(operations) a round; as many rounds as folding makes new things to fold
 * Why:    kernels are specialised on constants: masks, bounds and whole branches are known then
 * Before:
 *     %two = const 2 : i32
 *     %three = const 3 : i32
 *     %six = muli %two, %three : i32
 *     %zero = const 0 : i32
 *     %a = addi %zero, %x : i32
 *     %b = addi %six, %a : i32
 *     store %p, %b
 *     return
 * After:
 *     %six = const 6 : i32
 *     %b = addi %x, %six : i32
 *     store %p, %b
 *     return
 * Not:    x + 0.0, which is wrong for -0.0; a division by a constant zero, whose fault must be
 *         reported where it happens; results that are NaN    (tests/passes/fold/not.tkir)
 *
 * Algorithm: walk all operations in order, try the rules on each, replace and erase; repeat while
 * something changed. It ends because every rule but one leaves fewer operations, or fewer between a
 * value and what it is made of; moving a constant to the right happens once for an operation.
 */
#include "passes/fold.h"

#include "ir/number.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

/* ---- the rules of fold_rules.def ------------------------------------------------------------- */

typedef enum RuleWhen { B_ZERO, B_MINUS_ZERO, B_ONE, B_ONES, SAME, A_IS_OP } RuleWhen;
typedef enum RuleGives { A, B, ZERO, A_OF_A } RuleGives;
typedef struct Rule {
    IrOpcode code;
    RuleWhen when;
    RuleGives gives;
} Rule;

static const Rule rules[] = {
#define RULE(name, op, when, gives, exactness) {OP_##op, when, gives},
#include "passes/fold_rules.def"
#undef RULE
};

static uint64_t one_of(const IrType *elem) {
    return ir_is_float(elem) ? ir_float_to_bits(elem->kind, 1.0) : 1;
}

static bool holds(const Rule *rule, const IrOp *op) {
    const IrValue *a = ir_operand(op, 0);
    if (rule->when == A_IS_OP)
        return a->def && a->def->code == op->code;
    const IrValue *b = ir_operand(op, 1);
    if (rule->when == SAME)
        return a == b;
    uint64_t bits;
    if (!rewrite_constant(b, &bits))
        return false;
    const IrType *elem = ir_elem(b->type);
    uint64_t ones = ir_bit_mask(ir_bits(elem));
    switch (rule->when) {
    case B_ZERO:
        return bits == 0;
    case B_MINUS_ZERO:
        return bits == (ones ^ (ones >> 1));
    case B_ONE:
        return bits == one_of(elem);
    case B_ONES:
        return bits == ones;
    case SAME:
    case A_IS_OP:
        break;
    }
    return false;
}

static IrValue *fold_rule(IrOp *op) {
    for (size_t i = 0; i < TK_COUNTOF(rules); i++) {
        if (rules[i].code != op->code || !holds(&rules[i], op))
            continue;
        if (rules[i].gives == ZERO) {
            IrBuilder b = rewrite_before(op);
            return ir_const_bits(&b, op->results[0].type, 0);
        }
        IrValue *a = ir_operand(op, 0);
        return rules[i].gives == A   ? a
               : rules[i].gives == B ? ir_operand(op, 1)
                                     : ir_operand(a->def, 0);
    }
    return NULL;
}

static IrValue *fold_select(IrOp *op) {
    uint64_t condition;
    if (op->code != OP_Select)
        return NULL;
    if (rewrite_constant(ir_operand(op, 0), &condition))
        return ir_operand(op, condition & 1 ? 1 : 2);
    return ir_operand(op, 1) == ir_operand(op, 2) ? ir_operand(op, 1) : NULL;
}

/* ---- the walk -------------------------------------------------------------------------------- */

static bool is_constant(const IrValue *value) {
    uint64_t bits;
    return rewrite_constant(value, &bits);
}

/* Constants of commutative operations stand on the right, so that the rules look only there. */
static bool move_constant_right(IrOp *op) {
    if (!(ir_info(op)->traits & IR_COMM) || !is_constant(ir_operand(op, 0)) ||
        is_constant(ir_operand(op, 1)))
        return false;
    IrValue *a = ir_operand(op, 0), *b = ir_operand(op, 1);
    ir_set_operand(op, 0, b);
    ir_set_operand(op, 1, a);
    return true;
}

typedef IrValue *(*Folder)(IrOp *op);
static const Folder folders[] = {fold_constants, fold_rule, fold_select, fold_cast, fold_shape};

static bool fold_op(IrOp *op) {
    bool changed = move_constant_right(op);
    for (size_t i = 0; i < TK_COUNTOF(folders) && op->num_results == 1; i++) {
        IrValue *value = folders[i](op);
        if (value) {
            rewrite_replace(&op->results[0], value);
            rewrite_erase(op);
            return true;
        }
    }
    return fold_control(op) || changed;
}

static bool fold_block(const PassContext *pc, IrBlock *block) {
    bool changed = false;
    IrOp *next;
    for (IrOp *op = block->first; op; op = next) {
        next = op->next;
        for (unsigned r = 0; r < op->num_regions; r++)
            changed |= fold_block(pc, op->regions[r]);
        if (fold_op(op)) {
            pass_count(pc, STAT_FOLDED, 1);
            changed = true;
        }
    }
    return changed;
}

bool pass_fold(PassContext *pc, IrKernel *kernel) {
    bool changed = false;
    while (fold_block(pc, kernel->body))
        changed = true;
    return changed;
}
