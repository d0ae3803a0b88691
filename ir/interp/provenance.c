/* provenance.c -- which kernel arguments a pointer may come from, found before the kernel runs.
 *
 * Sets of arguments flow from operands to results and around loops until nothing changes. What no
 * store can reach need not be watched for races, which spares the inputs of most kernels all
 * shadow memory; and a message about a race can name the other access, if only one is possible.
 */
#include "ir/interp/compile.h"

typedef struct Tracer {
    size_t num_params, words; /* one bit a parameter, and one for "anything" */
    uint64_t *sets;           /* [num_values][words] */
    bool changed;
} Tracer;

static bool carries_pointer(const IrType *type) {
    return ir_is_ptr(type) || type->kind == TY_DESC ||
           (ir_is_shared(type) && ir_is_ptr(type->elem));
}

static uint64_t *set_of(Tracer *t, const IrValue *value) {
    return t->sets + (size_t)value->id * t->words;
}

static void flow(Tracer *t, const IrValue *from, const IrValue *to) {
    if (!carries_pointer(from->type) || !carries_pointer(to->type))
        return;
    const uint64_t *src = set_of(t, from);
    uint64_t *dst = set_of(t, to);
    for (size_t w = 0; w < t->words; w++) {
        uint64_t joined = dst[w] | src[w];
        t->changed |= joined != dst[w];
        dst[w] = joined;
    }
}

static void add(Tracer *t, const IrValue *value, size_t bit) {
    uint64_t *set = set_of(t, value);
    uint64_t mask = UINT64_C(1) << (bit % 64);
    t->changed |= (set[bit / 64] & mask) == 0;
    set[bit / 64] |= mask;
}

static bool has(Tracer *t, const IrValue *value, size_t bit) {
    return (set_of(t, value)[bit / 64] >> (bit % 64) & 1) != 0;
}

static void flow_yields(Tracer *t, const IrBlock *region, unsigned skip, const IrOp *op) {
    for (unsigned i = 0; i < op->num_results && i + skip < region->last->num_operands; i++)
        flow(t, ir_operand(region->last, i + skip), ir_result(op, i));
}

static void flow_loop(Tracer *t, const IrOp *op) {
    bool is_for = op->code == OP_For;
    const IrBlock *head = op->regions[0];
    const IrBlock *tail = is_for ? head : op->regions[1];
    unsigned inits = is_for ? 3 : 0, index = is_for ? 1 : 0;
    for (unsigned i = 0; i + index < head->num_args; i++) {
        flow(t, ir_operand(op, i + inits), head->args[i + index]);
        flow(t, ir_operand(tail->last, i), head->args[i + index]);
    }
    flow_yields(t, head, is_for ? 0 : 1, op);
    for (unsigned i = 0; i < op->num_results; i++) {
        if (is_for)
            flow(t, head->args[i + 1], ir_result(op, i));
        else
            flow(t, ir_result(op, i), tail->args[i]);
    }
}

static bool flow_op(IrOp *op, void *data) {
    Tracer *t = data;
    if (op->code == OP_For || op->code == OP_While) {
        flow_loop(t, op);
    } else if (op->code == OP_If) {
        flow_yields(t, op->regions[0], 0, op);
        flow_yields(t, op->regions[1], 0, op);
    } else if (op->code == OP_SharedStore) {
        flow(t, ir_operand(op, 1), ir_operand(op, 0));
    } else if (op->code == OP_SharedSlot) {
        flow(t, ir_operand(op, 0), ir_result(op, 0));
        flow(t, ir_result(op, 0), ir_operand(op, 0));
    } else if (op->num_results > 0 && carries_pointer(ir_result(op, 0)->type)) {
        for (unsigned r = 0; r < op->num_results; r++) {
            if (op->code == OP_IntToPtr || op->code == OP_Load || op->num_regions > 0)
                add(t, ir_result(op, r), t->num_params);
            for (unsigned i = 0; op->code != OP_Load && i < op->num_operands; i++)
                flow(t, ir_operand(op, i), ir_result(op, r));
        }
    }
    return true;
}

typedef struct Collector {
    Tracer *tracer;
    InterpKernel *out;
} Collector;

static bool collect_op(IrOp *op, void *data) {
    Collector *collector = data;
    InterpKernel *out = collector->out;
    unsigned traits = ir_info(op)->traits;
    out->makes_ptrs |= op->num_results > 0 && ir_is_ptr(ir_result(op, 0)->type) &&
                       (op->code == OP_IntToPtr || op->code == OP_Load);
    out->casts_ptrs |= op->code == OP_Bitcast && ir_is_ptr(ir_result(op, 0)->type);
    if (!(traits & (IR_READS | IR_WRITES)) || ir_is_shared(ir_operand(op, 0)->type))
        return true;
    MemoryOp memory = {
        .op = op, .reads = (traits & IR_READS) != 0, .writes = (traits & IR_WRITES) != 0};
    const IrValue *ptr = ir_operand(op, 0);
    Tracer *t = collector->tracer;
    bool anywhere = has(t, ptr, t->num_params);
    out->stores_anywhere |= memory.writes && anywhere;
    out->loads_anywhere |= memory.reads && anywhere;
    memory.params = ARENA_ARRAY(out->arena, bool, t->num_params + 1);
    for (size_t p = 0; p < t->num_params; p++) {
        memory.params[p] = has(t, ptr, p);
        out->stores_to[p] |= memory.writes && memory.params[p];
        out->loads_from[p] |= memory.reads && memory.params[p];
    }
    vec_push(out->arena, &out->memory_ops, memory);
    return true;
}

void compile_trace_pointers(Compiler *c) {
    Tracer tracer = {.num_params = c->ir->params.len};
    tracer.words = tracer.num_params / 64 + 1;
    tracer.sets = ARENA_ARRAY(c->arena, uint64_t, c->ir->num_values * tracer.words + 1);
    for (size_t p = 0; p < tracer.num_params; p++) {
        const IrValue *value = c->ir->params.data[p].value;
        if (carries_pointer(value->type))
            add(&tracer, value, p);
    }
    do {
        tracer.changed = false;
        ir_walk(c->ir->body, flow_op, &tracer);
    } while (tracer.changed);
    c->out->stores_to = ARENA_ARRAY(c->arena, bool, tracer.num_params + 1);
    c->out->loads_from = ARENA_ARRAY(c->arena, bool, tracer.num_params + 1);
    Collector collector = {.tracer = &tracer, .out = c->out};
    ir_walk(c->ir->body, collect_op, &collector);
}

static bool note_inline_asm(IrOp *op, void *data) {
    bool *found = data;
    *found |= op->code == OP_InlineAsm && ir_attr_int(op, ATTR_IS_PURE) == 0;
    return true;
}

InterpReach interp_reach(Arena *arena, const IrKernel *kernel) {
    InterpKernel *found = ARENA_NEW(arena, InterpKernel);
    found->arena = arena;
    Compiler compiler = {.arena = arena, .ir = kernel, .out = found};
    compile_trace_pointers(&compiler);
    bool assembly = false;
    ir_walk(kernel->body, note_inline_asm, &assembly);
    return (InterpReach){.stores_to = found->stores_to,
                         .loads_from = found->loads_from,
                         .stores_anywhere = found->stores_anywhere || assembly,
                         .loads_anywhere = found->loads_anywhere || assembly};
}
