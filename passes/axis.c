/* axis.c -- axis analysis: the walk, loops, hints and promises; see axis.h for what the facts mean.
 *
 * Algorithm: one pass over the operations in order (axis_elt.c and axis_shape.c have the rules).
 * Where values meet, at the ends of an `if` and the heads of loops, what holds for all of them
 * holds. A loop starts from what is known of its initial values and is walked until its yields take
 * nothing more away; facts only fall, so that ends, and what still falls after MAX_ROUNDS rounds is
 * given up, so that it ends soon. After every rule come the program's promises: hints on the value,
 * and `assume (n % 16 == 0)` on the kernel's outermost level, which holds wherever n is used.
 *
 *     %x: ptr<f32> {divisibility = 16}, %offs: contiguity = 512, divisibility = 512, constancy = 1
 *     %p = addptr (splat %x), %offs: contiguity = 512, divisibility = 16, constancy = 1
 *
 * After Triton's AxisInfo (lib/Analysis/AxisInfo.cpp), but divisibility is of the runs' first
 * elements strictly, and loops begin with the initial values instead of with the best there is.
 */
#include "passes/axis.h"

#include <inttypes.h>
#include <string.h>

#include "ir/names.h"
#include "passes/axis_rules.h"
#include "passes/rewrite.h"

enum { MAX_ROUNDS = 4, MAX_PROMISE_DEPTH = 16 };

struct AxisAnalysis {
    AxisInfo **infos; /* by value id; NULL: nothing known */
    uint32_t num_values;
};

typedef struct Walk {
    Arena *arena;
    AxisAnalysis *analysis;
    int64_t *promised; /* by value id: a power of two that divides it by some assume, or 0 */
} Walk;

#define ALL_ONE                                                                                    \
    { 1, 1, 1, 1, 1, 1, 1, 1 }
const AxisInfo axis_unknown = {
    .contiguity = ALL_ONE, .divisibility = ALL_ONE, .constancy = ALL_ONE};

/* ---- facts ----------------------------------------------------------------------------------- */

int64_t axis_power_of_two(int64_t value) {
    uint64_t bits = (uint64_t)value, lowest = bits & (~bits + 1);
    return lowest == 0 || lowest > (uint64_t)AXIS_MAX ? AXIS_MAX : (int64_t)lowest;
}

unsigned axis_rank(const IrType *type) {
    return ir_is_tile(type) ? type->rank : 1;
}

int64_t axis_size(const IrType *type, unsigned dim) {
    return ir_is_tile(type) ? type->shape[dim] : 1;
}

int64_t axis_unit(const IrType *type) {
    return ir_is_ptr(type) ? (int64_t)ir_elem_size(ir_elem(type)->elem) : 1;
}

AxisDim axis_dim(const AxisInfo *info, const IrType *type, unsigned dim) {
    return (AxisDim){.contiguity = info->contiguity[dim],
                     .divisibility = info->divisibility[dim],
                     .constancy = info->constancy[dim],
                     .unit = axis_unit(type)};
}

int64_t axis_divisibility_at(AxisDim x, int64_t run) {
    return run >= x.contiguity ? x.divisibility : axis_min(x.divisibility, run * x.unit);
}

/* A run of w-bit integers longer than 2^(w-1) would wrap. */
static int64_t longest_run(const IrType *type, unsigned dim) {
    int64_t run = axis_power_of_two(axis_size(type, dim));
    if (ir_is_float(type) || ir_elem(type)->kind == TY_DESC)
        return 1;
    unsigned bits = ir_bits(type);
    return ir_is_int(type) && bits < 32 ? axis_min(run, INT64_C(1) << (bits - 1)) : run;
}

void axis_set_dim(AxisInfo *info, const IrType *type, unsigned dim, AxisDim x) {
    int64_t run = axis_min(x.contiguity, longest_run(type, dim));
    x.unit = axis_unit(type);
    info->divisibility[dim] = axis_min(AXIS_MAX, axis_divisibility_at(x, run));
    info->contiguity[dim] = run;
    info->constancy[dim] = axis_min(x.constancy, axis_power_of_two(axis_size(type, dim)));
}

int64_t axis_divisibility_all(const AxisInfo *info, const IrType *type) {
    int64_t all = 1;
    for (unsigned d = 0; d < axis_rank(type); d++)
        all = axis_max(all, axis_divisibility_at(axis_dim(info, type, d), 1));
    return all;
}

AxisInfo axis_uniform(const IrType *type, int64_t divisibility) {
    AxisInfo info = axis_unknown;
    AxisDim x = {.contiguity = 1, .divisibility = divisibility, .constancy = AXIS_MAX};
    for (unsigned d = 0; d < axis_rank(type); d++)
        axis_set_dim(&info, type, d, x);
    return info;
}

AxisInfo axis_meet(const AxisInfo *a, const AxisInfo *b, const IrType *type) {
    AxisInfo info = axis_unknown;
    for (unsigned d = 0; d < axis_rank(type); d++) {
        AxisDim x = axis_dim(a, type, d), y = axis_dim(b, type, d), both = x;
        both.contiguity = axis_min(x.contiguity, y.contiguity);
        both.divisibility = axis_min(axis_divisibility_at(x, both.contiguity),
                                     axis_divisibility_at(y, both.contiguity));
        both.constancy = axis_min(x.constancy, y.constancy);
        axis_set_dim(&info, type, d, both);
    }
    info.is_const = a->is_const && b->is_const && a->value == b->value;
    info.value = info.is_const ? a->value : 0;
    info.nonnegative = a->nonnegative && b->nonnegative;
    return info;
}

static bool equal(const AxisInfo *a, const AxisInfo *b) {
    return memcmp(a->contiguity, b->contiguity, sizeof a->contiguity) == 0 &&
           memcmp(a->divisibility, b->divisibility, sizeof a->divisibility) == 0 &&
           memcmp(a->constancy, b->constancy, sizeof a->constancy) == 0 &&
           a->is_const == b->is_const && a->value == b->value && a->nonnegative == b->nonnegative;
}

const AxisInfo *axis_info(const AxisAnalysis *analysis, const IrValue *value) {
    const AxisInfo *info = value->id < analysis->num_values ? analysis->infos[value->id] : NULL;
    return info ? info : &axis_unknown;
}

int64_t axis_aligned_run(const AxisInfo *info, const IrType *type, unsigned dim) {
    return axis_min(info->contiguity[dim], axis_max(1, info->divisibility[dim] / axis_unit(type)));
}

/* ---- promises -------------------------------------------------------------------------------- */

static int64_t hinted(int64_t fact, int64_t hint) {
    return hint > 0 ? axis_max(fact, axis_power_of_two(hint)) : fact;
}

/* A longer run keeps the divisibility of the shorter ones: its first element was one of theirs. */
static void apply_hints(const Walk *w, const IrValue *value, AxisInfo *info) {
    int64_t promised = value->id < w->analysis->num_values ? w->promised[value->id] : 0;
    info->divisibility[0] = hinted(info->divisibility[0], promised);
    const IrHints *hints = value->hints;
    for (unsigned d = 0; hints && d < axis_rank(value->type); d++) {
        AxisDim x = axis_dim(info, value->type, d);
        x.contiguity = hinted(x.contiguity, hints->contiguity[d]);
        x.divisibility = hinted(x.divisibility, hints->divisibility[d]);
        x.constancy = hinted(x.constancy, hints->constancy[d]);
        axis_set_dim(info, value->type, d, x);
    }
}

/* Sets what is known of `value`, promises included; true if that is news. */
static bool set_info(Walk *w, const IrValue *value, AxisInfo info) {
    apply_hints(w, value, &info);
    AxisInfo **slot = &w->analysis->infos[value->id];
    if (*slot && equal(*slot, &info))
        return false;
    if (!*slot)
        *slot = ARENA_NEW(w->arena, AxisInfo);
    **slot = info;
    return true;
}

static const AxisInfo *get(const Walk *w, const IrValue *value) {
    return axis_info(w->analysis, value);
}

/* x % c == 0 or x & (c - 1) == 0. */
static void note_multiple(Walk *w, const IrOp *remainder) {
    uint64_t c;
    if (remainder->num_operands != 2 || ir_is_tile(remainder->results[0].type) ||
        !rewrite_constant(ir_operand(remainder, 1), &c))
        return;
    int64_t divisor = 1;
    if (remainder->code == OP_RemSI || remainder->code == OP_RemUI)
        divisor = c != 0 ? axis_power_of_two((int64_t)c) : 1;
    else if (remainder->code == OP_AndI)
        divisor = axis_power_of_two((int64_t)~c);
    int64_t *promised = &w->promised[ir_operand(remainder, 0)->id];
    *promised = axis_max(*promised, divisor);
}

static void note_condition(Walk *w, const IrValue *condition, unsigned depth) {
    const IrOp *op = condition->def;
    uint64_t zero;
    if (!op || depth > MAX_PROMISE_DEPTH)
        return;
    if (op->code == OP_AndI) {
        note_condition(w, ir_operand(op, 0), depth + 1);
        note_condition(w, ir_operand(op, 1), depth + 1);
    } else if (op->code == OP_CmpI && ir_attr_int(op, ATTR_INT_PRED) == IPRED_EQ &&
               ir_operand(op, 0)->def && rewrite_constant(ir_operand(op, 1), &zero) && zero == 0) {
        note_multiple(w, ir_operand(op, 0)->def);
    }
}

/* ---- the walk -------------------------------------------------------------------------------- */

static void walk_block(Walk *w, const IrBlock *block);

static const IrValue *yielded(const IrBlock *block, unsigned i) {
    return ir_operand(block->last, i);
}

/* Lets `arg` hold for `next` too; true if something fell. */
static bool join_arg(Walk *w, const IrValue *arg, const IrValue *next, unsigned round) {
    AxisInfo met = axis_meet(get(w, arg), get(w, next), arg->type);
    if (!set_info(w, arg, met))
        return false;
    if (round >= MAX_ROUNDS)
        set_info(w, arg, axis_unknown);
    return true;
}

static void walk_for(Walk *w, const IrOp *op) {
    const IrBlock *body = op->regions[0];
    const AxisInfo *from = get(w, ir_operand(op, 0)), *step = get(w, ir_operand(op, 2));
    AxisInfo index = axis_unknown;
    index.divisibility[0] = axis_min(from->divisibility[0], step->divisibility[0]);
    index.nonnegative = from->nonnegative && step->nonnegative;
    set_info(w, body->args[0], index);
    for (unsigned i = 0; i < op->num_results; i++)
        set_info(w, body->args[i + 1], *get(w, ir_operand(op, i + 3)));
    bool fell = true;
    for (unsigned round = 0; fell; round++) {
        walk_block(w, body);
        fell = false;
        for (unsigned i = 0; i < op->num_results; i++)
            fell |= join_arg(w, body->args[i + 1], yielded(body, i), round);
    }
    for (unsigned i = 0; i < op->num_results; i++)
        set_info(w, &op->results[i], *get(w, body->args[i + 1]));
}

static void walk_while(Walk *w, const IrOp *op) {
    const IrBlock *before = op->regions[0], *after = op->regions[1];
    for (unsigned i = 0; i < before->num_args; i++)
        set_info(w, before->args[i], *get(w, ir_operand(op, i)));
    bool fell = true;
    for (unsigned round = 0; fell; round++) {
        walk_block(w, before);
        for (unsigned i = 0; i < after->num_args; i++)
            set_info(w, after->args[i], *get(w, yielded(before, i + 1)));
        walk_block(w, after);
        fell = false;
        for (unsigned i = 0; i < before->num_args; i++)
            fell |= join_arg(w, before->args[i], yielded(after, i), round);
    }
    for (unsigned i = 0; i < op->num_results; i++)
        set_info(w, &op->results[i], *get(w, yielded(before, i + 1)));
}

static void walk_if(Walk *w, const IrOp *op) {
    walk_block(w, op->regions[0]);
    walk_block(w, op->regions[1]);
    for (unsigned i = 0; i < op->num_results; i++) {
        const AxisInfo *a = get(w, yielded(op->regions[0], i));
        const AxisInfo *b = get(w, yielded(op->regions[1], i));
        set_info(w, &op->results[i], axis_meet(a, b, op->results[i].type));
    }
}

static void walk_op(Walk *w, const IrOp *op) {
    const AxisInfo *in[AXIS_MAX_OPERANDS];
    if (op->num_results == 0 || op->num_regions > 0 || op->num_operands > AXIS_MAX_OPERANDS)
        return; /* nothing known of reduce, scan and what takes lists of values */
    for (unsigned i = 0; i < op->num_operands; i++)
        in[i] = get(w, ir_operand(op, i));
    bool elementwise = (ir_info(op)->traits & IR_ELT) != 0;
    AxisInfo info = elementwise ? axis_elementwise(op, in) : axis_shape(op, in);
    for (unsigned i = 0; i < op->num_results; i++)
        set_info(w, &op->results[i], info);
}

static void walk_block(Walk *w, const IrBlock *block) {
    for (const IrOp *op = block->first; op; op = op->next) {
        switch ((int)op->code) {
        case OP_For:
            walk_for(w, op);
            break;
        case OP_While:
            walk_while(w, op);
            break;
        case OP_If:
            walk_if(w, op);
            break;
        default:
            walk_op(w, op);
        }
    }
}

/* A tensor's elements are aligned to their size. */
static AxisInfo parameter_info(const IrType *type) {
    AxisInfo info = axis_unknown;
    if (type->kind == TY_PTR)
        info.divisibility[0] = axis_unit(type);
    return info;
}

const AxisAnalysis *axis_analyse(Arena *arena, const IrKernel *kernel) {
    AxisAnalysis *analysis = ARENA_NEW(arena, AxisAnalysis);
    analysis->num_values = kernel->num_values;
    analysis->infos = ARENA_ARRAY(arena, AxisInfo *, kernel->num_values);
    Walk w = {.arena = arena, .analysis = analysis};
    w.promised = ARENA_ARRAY(arena, int64_t, kernel->num_values);
    for (const IrOp *op = kernel->body->first; op; op = op->next) {
        if (op->code == OP_Assume)
            note_condition(&w, ir_operand(op, 0), 0);
    }
    for (size_t i = 0; i < kernel->params.len; i++) {
        const IrValue *value = kernel->params.data[i].value;
        set_info(&w, value, parameter_info(value->type));
    }
    walk_block(&w, kernel->body);
    return analysis;
}

/* ---- text ------------------------------------------------------------------------------------ */

static void print_fact(StrBuf *out, const char *name, const int64_t *values, unsigned rank) {
    strbuf_printf(out, "%s = %s", name, rank > 1 ? "[" : "");
    for (unsigned d = 0; d < rank; d++)
        strbuf_printf(out, "%s%" PRId64, d > 0 ? ", " : "", values[d]);
    strbuf_puts(out, rank > 1 ? "]" : "");
}

static void print_value(const AxisAnalysis *analysis, const IrValue *value, const char **names,
                        StrBuf *out) {
    const AxisInfo *info = axis_info(analysis, value);
    unsigned rank = axis_rank(value->type);
    AxisInfo facts = *info;
    facts.nonnegative = false;
    if (equal(&facts, &axis_unknown))
        return;
    strbuf_printf(out, "%%%s: ", names[value->id]);
    print_fact(out, "contiguity", info->contiguity, rank);
    print_fact(out, ", divisibility", info->divisibility, rank);
    print_fact(out, ", constancy", info->constancy, rank);
    if (info->is_const)
        strbuf_printf(out, ", value = %" PRId64, info->value);
    strbuf_putc(out, '\n');
}

typedef struct Printing {
    const AxisAnalysis *analysis;
    const char **names;
    StrBuf *out;
} Printing;

static bool print_op(IrOp *op, void *data) {
    Printing *p = data;
    for (unsigned i = 0; i < op->num_results; i++)
        print_value(p->analysis, &op->results[i], p->names, p->out);
    for (unsigned r = 0; r < op->num_regions; r++) {
        for (unsigned i = 0; i < op->regions[r]->num_args; i++)
            print_value(p->analysis, op->regions[r]->args[i], p->names, p->out);
    }
    return true;
}

void axis_print(const AxisAnalysis *analysis, const IrKernel *kernel, StrBuf *out) {
    Printing p = {analysis, ir_name_values(kernel, kernel->module->arena), out};
    for (size_t i = 0; i < kernel->params.len; i++)
        print_value(analysis, kernel->params.data[i].value, p.names, out);
    ir_walk(kernel->body, print_op, &p);
}
