/* accesses.c -- which memory operations touch, and when two of them touch the same.
 *
 * An address leads back, through sums and changes of shape, to one parameter of the kernel, or to
 * nothing known if it was itself loaded. Two addresses are the same if the same operations made
 * them from the same values: structural equality, in which the indices of two loops over one range
 * are equal, and so are values that the loops carry if they begin equal and go on equally (which is
 * proven by assuming it, as for recursive types: Amadio and Cardelli, Subtyping Recursive Types).
 *
 *     for %i = %lo to %hi step %s { store %p + %i, ... }
 *     for %j = %lo to %hi step %s { load %p + %j }        // the same addresses
 */
#include "passes/accesses.h"

#include "passes/rewrite.h"

enum { MAX_DEPTH = 200, MAX_STEPS = 2000 };

/* ---- bases ----------------------------------------------------------------------------------- */

/* The kernel's parameter that an address leads back to. Values that a loop carries have the base
 * that they begin with. `budget` ends searches that would take long. */
static const IrValue *base_of(const IrValue *value, unsigned *budget);

static const IrValue *common_base(const IrValue *a, const IrValue *b, unsigned *budget) {
    const IrValue *base = base_of(a, budget);
    return base && base == base_of(b, budget) ? base : NULL;
}

/* What a `for` carries in `index` (of its results): stepping it must not change its base. */
static const IrValue *carried_base(const IrOp *loop, unsigned index, unsigned *budget) {
    const IrValue *base = base_of(ir_operand(loop, 3 + index), budget);
    const IrValue *next = ir_operand(loop->regions[0]->last, index);
    const IrValue *arg = loop->regions[0]->args[1 + index];
    while (next != arg && next->def && next->def->code == OP_AddPtr)
        next = ir_operand(next->def, 0);
    return next == arg ? base : NULL;
}

static const IrValue *result_base(const IrValue *value, unsigned *budget) {
    const IrOp *op = value->def;
    switch ((int)op->code) {
    case OP_AddPtr:
    case OP_Splat:
    case OP_Unsplat:
    case OP_Broadcast:
    case OP_ExpandDims:
    case OP_Reshape:
    case OP_Permute:
    case OP_ConvertLayout:
    case OP_Bitcast:
    case OP_Split:
    case OP_MakeDesc:
        return base_of(ir_operand(op, 0), budget);
    case OP_Select:
        return common_base(ir_operand(op, 1), ir_operand(op, 2), budget);
    case OP_Join:
    case OP_Cat:
        return common_base(ir_operand(op, 0), ir_operand(op, 1), budget);
    case OP_If:
        return common_base(ir_operand(op->regions[0]->last, value->index),
                           ir_operand(op->regions[1]->last, value->index), budget);
    case OP_For:
        return carried_base(op, value->index, budget);
    default:
        return NULL;
    }
}

static const IrValue *base_of(const IrValue *value, unsigned *budget) {
    if (*budget == 0)
        return NULL;
    (*budget)--;
    if (value->def)
        return result_base(value, budget);
    const IrOp *parent = value->block->parent;
    if (!parent)
        return value;
    return parent->code == OP_For && value->index > 0
               ? carried_base(parent, value->index - 1, budget)
               : NULL;
}

static const IrValue *address_base(const IrValue *address) {
    unsigned budget = MAX_STEPS;
    return base_of(address, &budget);
}

/* ---- accesses -------------------------------------------------------------------------------- */

bool access_of(IrOp *op, MemAccess *access) {
    unsigned traits = ir_info(op)->traits;
    bool is_asm = op->code == OP_InlineAsm && !ir_attr_int(op, ATTR_IS_PURE);
    if (!is_asm && !(traits & (IR_READS | IR_WRITES)))
        return false;
    *access = (MemAccess){.op = op,
                          .base = is_asm ? NULL : address_base(ir_operand(op, 0)),
                          .reads = is_asm || (traits & IR_READS),
                          .writes = is_asm || (traits & IR_WRITES)};
    access->is_atomic =
        op->code == OP_AtomicRmw || op->code == OP_AtomicCas || op->code == OP_DescReduce;
    return true;
}

void accesses_in(IrBlock *block, Arena *arena, MemAccesses *list) {
    for (IrOp *op = block->first; op; op = op->next) {
        MemAccess access;
        if (access_of(op, &access))
            vec_push(arena, list, access);
        for (unsigned r = 0; r < op->num_regions; r++)
            accesses_in(op->regions[r], arena, list);
    }
}

IrValue *access_mask(const IrOp *op) {
    unsigned index = op->code == OP_Load ? 1 : op->code == OP_Store ? 2 : op->num_operands;
    return index < op->num_operands ? ir_operand(op, index) : NULL;
}

/* ---- equal values ---------------------------------------------------------------------------- */

Matcher matcher_create(const IrKernel *kernel, Arena *scratch, MatchNoWrite no_write, void *data) {
    Matcher m = {.scratch = scratch, .no_write = no_write, .data = data};
    m.equal = ARENA_ARRAY(scratch, const IrValue *, kernel->num_values);
    return m;
}

static void assume(Matcher *m, const IrValue *a, const IrValue *b) {
    m->equal[a->id] = b;
    vec_push(m->scratch, &m->trail, a->id);
}

static void forget_since(Matcher *m, size_t mark, size_t loops) {
    while (m->trail.len > mark)
        m->equal[m->trail.data[--m->trail.len]] = NULL;
    m->loops.len = loops;
}

void matcher_reset(Matcher *m) {
    forget_since(m, 0, 0);
}

static bool same_ranges(Matcher *m, const IrOp *a, const IrOp *b) {
    if (a->code != OP_For || b->code != OP_For)
        return false;
    bool same = ir_attr_int(a, ATTR_UNSIGNED) == ir_attr_int(b, ATTR_UNSIGNED);
    for (unsigned i = 0; same && i < 3; i++)
        same = match_values(m, ir_operand(a, i), ir_operand(b, i));
    return same;
}

/* Each loop corresponds to one other: else i, j and k, k would count as the same places. */
bool match_loops(Matcher *m, const IrOp *a, const IrOp *b) {
    for (size_t i = 0; i < m->loops.len; i++) {
        const LoopPair *pair = &m->loops.data[i];
        if (pair->a == a || pair->b == b)
            return pair->a == a && pair->b == b;
    }
    size_t mark = m->trail.len, loops = m->loops.len;
    if (same_ranges(m, a, b)) {
        LoopPair pair = {a, b};
        vec_push(m->scratch, &m->loops, pair);
        return true;
    }
    forget_since(m, mark, loops);
    return false;
}

/* Arguments of loops: the indices, or what two loops carry alike. */
static bool match_args(Matcher *m, const IrValue *a, const IrValue *b) {
    const IrOp *first = a->block->parent, *second = b->block->parent;
    if (!first || !second || a->index != b->index || first == second ||
        !match_loops(m, first, second))
        return false;
    if (a->index == 0)
        return true;
    assume(m, a, b);
    unsigned carried = a->index - 1;
    return match_values(m, ir_operand(first, 3 + carried), ir_operand(second, 3 + carried)) &&
           match_values(m, ir_operand(a->block->last, carried),
                        ir_operand(b->block->last, carried));
}

/* Whether `op` is a load that gives the same at every time, because nothing writes there. */
static bool loads_constants(const Matcher *m, const IrOp *op) {
    if (op->code != OP_Load || ir_attr_int(op, ATTR_VOLATILE))
        return false;
    const IrValue *base = address_base(ir_operand(op, 0));
    return base && m->no_write(m->data, base);
}

static bool match_operands(Matcher *m, const IrOp *a, const IrOp *b) {
    if (a->num_operands != b->num_operands || !rewrite_same_attrs(a, b))
        return false;
    for (unsigned i = 0; i < a->num_operands; i++) {
        if (!match_values(m, ir_operand(a, i), ir_operand(b, i)))
            return false;
    }
    return true;
}

static bool match_results(Matcher *m, const IrValue *a, const IrValue *b) {
    const IrOp *first = a->def, *second = b->def;
    if (first == second || first->code != second->code || a->index != b->index)
        return false;
    if (first->code == OP_For)
        return match_args(m, first->regions[0]->args[1 + a->index],
                          second->regions[0]->args[1 + b->index]);
    bool is_pure = (ir_info(first)->traits & IR_PURE) && first->num_regions == 0;
    return (is_pure || loads_constants(m, first)) && match_operands(m, first, second);
}

bool match_values(Matcher *m, const IrValue *a, const IrValue *b) {
    if (a == b || m->equal[a->id] == b)
        return true;
    if (a->type != b->type || m->depth == MAX_DEPTH || !a->def != !b->def)
        return false;
    size_t mark = m->trail.len, loops = m->loops.len;
    m->depth++;
    bool same = a->def ? match_results(m, a, b) : match_args(m, a, b);
    m->depth--;
    if (same)
        assume(m, a, b);
    else
        forget_since(m, mark, loops);
    return same;
}

/* ---- equal places ---------------------------------------------------------------------------- */

bool match_addresses(Matcher *m, const IrOp *a, const IrOp *b) {
    bool plain_a = a->code == OP_Load || a->code == OP_Store;
    bool plain_b = b->code == OP_Load || b->code == OP_Store;
    if (plain_a && plain_b)
        return match_values(m, ir_operand(a, 0), ir_operand(b, 0));
    if ((a->code != OP_DescLoad && a->code != OP_DescStore) ||
        (b->code != OP_DescLoad && b->code != OP_DescStore))
        return false;
    /* descriptor, [value,] offsets.. */
    unsigned from_a = a->code == OP_DescStore ? 2 : 1, from_b = b->code == OP_DescStore ? 2 : 1;
    if (!match_values(m, ir_operand(a, 0), ir_operand(b, 0)) ||
        a->num_operands - from_a != b->num_operands - from_b)
        return false;
    for (unsigned i = 0; from_a + i < a->num_operands; i++) {
        if (!match_values(m, ir_operand(a, from_a + i), ir_operand(b, from_b + i)))
            return false;
    }
    return true;
}

static bool implies(Matcher *m, const IrValue *inner, const IrValue *outer, bool inner_first) {
    if (inner_first ? match_values(m, inner, outer) : match_values(m, outer, inner))
        return true;
    return inner->def && inner->def->code == OP_AndI &&
           (implies(m, ir_operand(inner->def, 0), outer, inner_first) ||
            implies(m, ir_operand(inner->def, 1), outer, inner_first));
}

/* Whether a scope around the one access, which may keep it from happening, is around the other. */
static bool match_scopes(Matcher *m, const IrBlock *inner, const IrBlock *outer, bool inner_first) {
    while (outer->parent && inner->parent) {
        const IrOp *in = inner->parent, *out = outer->parent;
        bool same = in == out;
        if (!same && in->code == OP_If && out->code == OP_If &&
            (inner == in->regions[0]) == (outer == out->regions[0])) {
            const IrValue *a = ir_operand(in, 0), *b = ir_operand(out, 0);
            same = inner_first ? match_values(m, a, b) : match_values(m, b, a);
        }
        if (!same)
            same = inner_first ? match_loops(m, in, out) : match_loops(m, out, in);
        if (same)
            outer = out->block; /* else: a scope of the inner one only, which restricts it more */
        inner = in->block;
    }
    return !outer->parent;
}

bool match_lanes(Matcher *m, const IrOp *inner, const IrOp *outer, bool inner_first) {
    const IrValue *inner_mask = access_mask(inner), *outer_mask = access_mask(outer);
    if (outer_mask && !(inner_mask && implies(m, inner_mask, outer_mask, inner_first)))
        return false;
    return match_scopes(m, inner->block, outer->block, inner_first);
}

/* ---- repeated elements ----------------------------------------------------------------------- */

static unsigned varying(const IrValue *value, unsigned *budget);

static unsigned varying_in_operands(const IrOp *op, unsigned *budget) {
    unsigned dims = 0;
    for (unsigned i = 0; i < op->num_operands; i++)
        dims |= varying(ir_operand(op, i), budget);
    return dims;
}

static unsigned varying(const IrValue *value, unsigned *budget) {
    const IrOp *op = value->def;
    unsigned all = (1u << value->type->rank) - 1;
    if (!ir_is_tile(value->type))
        return 0;
    if (!op || *budget == 0)
        return all;
    (*budget)--;
    if (op->code == OP_Const || op->code == OP_Splat)
        return 0;
    if (op->code == OP_Broadcast) {
        unsigned dims = varying(ir_operand(op, 0), budget);
        for (unsigned i = 0; i < value->type->rank; i++) {
            if (ir_operand(op, 0)->type->shape[i] == 1)
                dims &= ~(1u << i);
        }
        return dims;
    }
    if (op->code == OP_ExpandDims) {
        unsigned dims = varying(ir_operand(op, 0), budget);
        unsigned low = (1u << ir_attr_int(op, ATTR_AXIS)) - 1;
        return (dims & low) | (dims & ~low) << 1;
    }
    return ir_info(op)->traits & IR_ELT ? varying_in_operands(op, budget) : all;
}

unsigned varying_dims(const IrValue *value) {
    unsigned budget = MAX_STEPS;
    return varying(value, &budget);
}
