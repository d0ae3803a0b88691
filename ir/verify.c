/* verify.c -- checks that IR is well formed, and reports every violation at its source range.
 *
 * In order, for each operation: its links (block, uses), that its operands are defined where it
 * stands, the operand and result letters of its row in ops.def, then the row's rule
 * (verify_rules.c). A use is legal after its definition in the same block, or anywhere deeper in
 * such a place: with structured control flow this is dominance, found by one walk that keeps the
 * set of visible values. Example: using a value of an `if`'s region after the `if` is reported as
 * TK0424 at the user.
 */
#include "ir/verify.h"

#include <string.h>

void ir_violation(Verifier *v, DiagId id, const IrOp *op, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    const char *text = arena_vprintf(v->arena, fmt, args);
    va_end(args);
    v->ok = false;
    Diag *diag = diag_report(v->diags, id, op->range, ir_info(op)->mnemonic, v->when, text);
    if (v->internal)
        diag_set_severity(diag, SEV_INTERNAL);
    if (op->block && (v->internal || range_is_none(op->range))) {
        StrBuf line = STRBUF(v->arena);
        ir_print_op(op, &line);
        diag_note(diag, SRC_NONE, "in `%s`: %s", op->block->kernel->name, strbuf_str(&line));
    }
}

const char *ir_type_text(Verifier *v, const IrType *type) {
    StrBuf text = STRBUF(v->arena);
    ir_type_print(type, &text);
    return strbuf_str(&text);
}

/* ---- letters ----------------------------------------------------------------------------------*/

static bool is_scalar(const IrType *t) {
    return t->kind <= TY_PTR;
}

static bool letter_matches(char letter, const IrType *t) {
    switch (letter) {
    case 'a':
        return true;
    case 'n':
        return t->kind <= TY_TILE && (ir_is_int(t) || ir_is_float(t));
    case 'i':
        return t->kind <= TY_TILE && ir_is_int(t);
    case 'f':
        return t->kind <= TY_TILE && ir_is_float(t);
    case 'b':
        return t->kind <= TY_TILE && ir_elem(t)->kind == TY_I1;
    case 'p':
        return t->kind <= TY_TILE && ir_is_ptr(t);
    case 'x':
        return is_scalar(t);
    case 's':
        return t->kind == TY_I32 || t->kind == TY_I64;
    case 'c':
        return t->kind == TY_I1;
    case 't':
        return ir_is_tile(t);
    case 'd':
        return t->kind == TY_DESC;
    case 'm':
        return ir_is_shared(t);
    default:
        return false;
    }
}

static const char *letter_meaning(char letter) {
    switch (letter) {
    case 'n':
        return "a number";
    case 'i':
        return "an integer";
    case 'f':
        return "a float";
    case 'b':
        return "an i1";
    case 'p':
        return "a pointer";
    case 'x':
        return "a scalar";
    case 's':
        return "a scalar i32 or i64";
    case 'c':
        return "a scalar i1";
    case 't':
        return "a tile";
    case 'd':
        return "a tensor descriptor";
    case 'm':
        return "a buffer in shared memory";
    default:
        return "a value";
    }
}

static const IrType *slot_type(const IrOp *op, bool results, unsigned i) {
    return results ? op->results[i].type : ir_operand(op, i)->type;
}

/* Matches the operands (or results) against the row's letters; see ops.def. */
static bool check_letters(Verifier *v, const IrOp *op, bool results) {
    const char *letters = results ? ir_info(op)->results : ir_info(op)->operands;
    const char *what = results ? "result" : "operand";
    DiagId id = results ? DIAG_IR_RESULTS : DIAG_IR_OPERANDS;
    unsigned count = results ? op->num_results : op->num_operands;
    unsigned i = 0;
    bool ok = true;
    while (*letters) {
        char letter = *letters++;
        char repeat = *letters == '?' || *letters == '*' ? *letters++ : ' ';
        if (i >= count) {
            if (repeat == ' ') {
                ir_violation(v, id, op, "has %u %ss, more are needed", count, what);
                return false;
            }
            continue;
        }
        unsigned end = repeat == '*' ? count : i + 1;
        for (; i < end; i++) {
            const IrType *type = slot_type(op, results, i);
            if (!letter_matches(letter, type)) {
                ir_violation(v, id, op, "%s %u is %s, not %s", what, i + 1, ir_type_text(v, type),
                             letter_meaning(letter));
                ok = false;
            }
        }
    }
    if (i < count) {
        ir_violation(v, id, op, "has %u %ss, at most %u are allowed", count, what, i);
        return false;
    }
    return ok;
}

static void check_attrs(Verifier *v, const IrOp *op) {
    for (unsigned i = 0; i < ir_info(op)->num_attrs; i++) {
        const IrAttr *attr = &op->attrs[i];
        const IrAttrInfo *info = &ir_attr_infos[attr->id];
        if (attr->id != ir_info(op)->attrs[i])
            ir_violation(v, DIAG_IR_CORRUPT, op, "attribute %u is not `%s`", i + 1, info->name);
        else if (info->kind == ATTRKIND_BOOL && attr->u.i != 0 && attr->u.i != 1)
            ir_violation(v, DIAG_IR_ATTRIBUTE, op, "`%s` is neither true nor false", info->name);
        else if (info->kind > ATTRKIND_INTS && ir_enum_text(attr->id, attr->u.i)[0] == '<')
            ir_violation(v, DIAG_IR_ATTRIBUTE, op, "`%s` has no such value", info->name);
    }
}

/* ---- links ------------------------------------------------------------------------------------*/

static bool use_is_listed(const IrUse *use) {
    const IrUse *before = use->prev, *after = use->next;
    return (before ? before->next == use : use->value->uses == use) &&
           (!after || after->prev == use);
}

/* False if the operands cannot be looked at. */
static bool check_links(Verifier *v, const IrOp *op, const IrBlock *block) {
    bool ok = true;
    if (op->block != block)
        ir_violation(v, DIAG_IR_CORRUPT, op, "does not know the block that it stands in");
    if (op->next ? op->next->prev != op : block->last != op)
        ir_violation(v, DIAG_IR_CORRUPT, op, "the list of the block's operations is broken");
    for (unsigned i = 0; i < op->num_operands; i++) {
        const IrUse *use = &op->operands[i];
        if (!use->value) {
            ir_violation(v, DIAG_IR_CORRUPT, op, "operand %u is missing", i + 1);
            ok = false;
        } else if (use->user != op || use->index != i || !use_is_listed(use)) {
            ir_violation(v, DIAG_IR_CORRUPT, op, "operand %u is not in its value's list of uses",
                         i + 1);
        }
    }
    for (unsigned i = 0; i < op->num_results; i++) {
        const IrValue *result = &op->results[i];
        if (result->def != op || result->index != i)
            ir_violation(v, DIAG_IR_CORRUPT, op, "result %u does not know its operation", i + 1);
    }
    return ok;
}

/* ---- the walk ---------------------------------------------------------------------------------*/

/* Values visible at the current point, by id. */
typedef struct Scope {
    const IrValue **visible;
    uint32_t len;
} Scope;

static void show(Scope *scope, const IrValue *value) {
    if (value->id < scope->len)
        scope->visible[value->id] = value;
}

static void hide(Scope *scope, const IrValue *value) {
    if (value->id < scope->len)
        scope->visible[value->id] = NULL;
}

static void check_visible(Verifier *v, const Scope *scope, const IrOp *op) {
    for (unsigned i = 0; i < op->num_operands; i++) {
        const IrValue *value = ir_operand(op, i);
        if (value->id >= scope->len || scope->visible[value->id] != value)
            ir_violation(v, DIAG_IR_DOMINANCE, op, "operand %u is not defined where it is used",
                         i + 1);
    }
}

static bool is_terminator(const IrOp *op) {
    return (ir_info(op)->traits & IR_TERM) != 0;
}

static IrOpcode expected_terminator(const IrBlock *block) {
    if (!block->parent)
        return OP_Return;
    if (block->parent->code == OP_While && block == block->parent->regions[0])
        return OP_Condition;
    return OP_Yield;
}

static void check_block(Verifier *v, Scope *scope, const IrBlock *block);

static void check_op(Verifier *v, Scope *scope, const IrOp *op, const IrBlock *block) {
    if (!check_links(v, op, block))
        return;
    if (is_terminator(op) && op->next)
        ir_violation(v, DIAG_IR_REGION, op, "ends a region, yet operations follow it");
    check_visible(v, scope, op);
    check_attrs(v, op);
    bool letters_ok = check_letters(v, op, false);
    letters_ok &= check_letters(v, op, true);
    for (unsigned r = 0; r < op->num_regions; r++)
        check_block(v, scope, op->regions[r]);
    if (letters_ok) {
        ir_check_rule(v, op);
        ir_check_level(v, op);
    }
}

/* The block's last operation must be the terminator that its place asks for. */
static void check_end(Verifier *v, const IrBlock *block) {
    IrOpcode wanted = expected_terminator(block);
    const char *word = ir_op_infos[wanted].mnemonic;
    if (block->last && block->last->code == wanted)
        return;
    if (block->last && is_terminator(block->last)) {
        ir_violation(v, DIAG_IR_REGION, block->last, "this region must end in `%s`", word);
    } else if (block->last || block->parent) {
        const IrOp *place = block->last ? block->last : block->parent;
        ir_violation(v, DIAG_IR_REGION, place, "the region does not end in `%s`", word);
    } else {
        v->ok = false;
        diag_report(v->diags, DIAG_IR_REGION, block->kernel->range, "kernel", v->when,
                    "the body does not end in `return`");
    }
}

static void check_block(Verifier *v, Scope *scope, const IrBlock *block) {
    for (unsigned i = 0; i < block->num_args; i++)
        show(scope, block->args[i]);
    for (const IrOp *op = block->first; op; op = op->next) {
        check_op(v, scope, op, block);
        for (unsigned i = 0; i < op->num_results; i++)
            show(scope, &op->results[i]);
    }
    check_end(v, block);
    for (const IrOp *op = block->first; op; op = op->next) {
        for (unsigned i = 0; i < op->num_results; i++)
            hide(scope, &op->results[i]);
    }
    for (unsigned i = 0; i < block->num_args; i++)
        hide(scope, block->args[i]);
}

bool ir_verify(const IrModule *module, Diags *diags, const char *when) {
    Arena *arena = diags_arena(diags);
    Verifier v = {.diags = diags, .internal = when != NULL, .ok = true, .arena = arena};
    v.when = when ? arena_printf(arena, " %s", when) : "";
    for (size_t i = 0; i < module->kernels.len; i++) {
        const IrKernel *kernel = module->kernels.data[i];
        v.kernel = kernel;
        Scope scope = {.len = kernel->num_values};
        scope.visible = ARENA_ARRAY(arena, const IrValue *, kernel->num_values);
        check_block(&v, &scope, kernel->body);
    }
    return v.ok;
}
