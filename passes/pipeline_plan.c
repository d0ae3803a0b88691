/* pipeline_plan.c -- which loads of a loop are copied ahead of their trips, and how far.
 *
 * A load can be copied ahead if hardware can copy it (ir/buffers.h), if its addresses follow from
 * the loop's index, from what the loop carries and from what it does not change, without another
 * load, and if nothing in the loop writes to the tensor. It should be if a dot waits for it, at
 * once or behind some elementwise operations, or if the loop asks for it by name.
 *
 *     for %k ... iter(%ptr = %a) {               %ptr and %next are computed ahead
 *         %x = load %ptr                         becomes a copy into %buf
 *         shared_store %buf, %x
 *         %acc.1 = dot_fma %buf, ...
 *         %next = addptr %ptr, %step
 */
#include "ir/buffers.h"
#include "passes/accesses.h"
#include "passes/allocate_shared.h"
#include "passes/pipeline.h"
#include "passes/rewrite.h"

enum { MAX_CHAIN = 8, MAX_USES = 500 };

/* ---- loops ----------------------------------------------------------------------------------- */

/* What a loop does besides computing. */
typedef struct Body {
    MemAccesses writes; /* to global memory */
    Arena *arena;
    bool unsuited; /* it holds loops, or orders memory */
} Body;

static bool look_at(IrOp *op, void *data) {
    Body *body = data;
    MemAccess access;
    switch ((int)op->code) {
    case OP_For:
    case OP_While:
    case OP_Barrier:
    case OP_AsyncCopy:
    case OP_AsyncCommit:
    case OP_AsyncWait:
        body->unsuited = true;
        break;
    case OP_Load:
        body->unsuited |= ir_attr_int(op, ATTR_VOLATILE) != 0;
        break;
    case OP_AtomicRmw:
    case OP_AtomicCas:
        body->unsuited |= ir_attr_int(op, ATTR_SEM) != SEM_RELAXED;
        break;
    default:
        break;
    }
    bool is_shared = op->num_operands > 0 && ir_is_shared(ir_operand(op, 0)->type);
    if (!is_shared && access_of(op, &access) && access.writes)
        vec_push(body->arena, &body->writes, access);
    return !body->unsuited;
}

static bool may_write(const Body *body, const IrValue *base) {
    for (size_t i = 0; i < body->writes.len; i++) {
        const IrValue *other = body->writes.data[i].base;
        if (!other || !base || other == base)
            return true;
    }
    return false;
}

/* ---- what waits for a load ------------------------------------------------------------------- */

static bool feeds_dot(const IrValue *value, unsigned depth, unsigned *budget);

static bool user_is_dot(const IrUse *use, unsigned depth, unsigned *budget) {
    const IrOp *user = use->user;
    switch ((int)user->code) {
    case OP_DotFma:
    case OP_DotMma:
        return use->index < 2;
    case OP_SharedStore:
        return use->index == 1 && feeds_dot(ir_operand(user, 0), depth + 1, budget);
    case OP_SharedLoad:
    case OP_ConvertLayout:
    case OP_Permute:
    case OP_Reshape:
    case OP_Broadcast:
    case OP_ExpandDims:
        return feeds_dot(&user->results[0], depth + 1, budget);
    default:
        return (ir_info(user)->traits & IR_ELT) && feeds_dot(&user->results[0], depth + 1, budget);
    }
}

/* Whether a dot multiplies the value, or what few operations make of it. */
static bool feeds_dot(const IrValue *value, unsigned depth, unsigned *budget) {
    for (const IrUse *use = value->uses; use && depth<MAX_CHAIN && * budget> 0; use = use->next) {
        (*budget)--;
        if (user_is_dot(use, depth, budget))
            return true;
    }
    return false;
}

/* ---- what addresses depend on ---------------------------------------------------------------- */

typedef struct Slice {
    const IrOp *loop;
    uint8_t *marks; /* by id */
    VEC(IrValue *) left;
    Arena *arena;
} Slice;

static void visit(Slice *s, IrValue *value) {
    if (s->marks[value->id] || !rewrite_is_inside(value, s->loop))
        return;
    s->marks[value->id] = 1;
    vec_push(s->arena, &s->left, value);
}

/* What a carried value is in the next trip. */
static IrValue *next_of(const IrOp *loop, const IrValue *arg) {
    return ir_operand(loop->regions[0]->last, arg->index - 1);
}

/* Marks what is needed to compute `load`'s addresses and mask in any trip; false: something that
 * cannot be computed ahead. */
static bool mark_addresses(Slice *s, const IrOp *load) {
    const IrBlock *body = s->loop->regions[0];
    for (unsigned i = 0; i < load->num_operands && i < 2; i++)
        visit(s, ir_operand(load, i));
    while (s->left.len > 0) {
        const IrValue *value = s->left.data[--s->left.len];
        const IrOp *def = value->def;
        if (!def && value->block != body)
            return false;
        if (!def) {
            if (value->index > 0)
                visit(s, next_of(s->loop, value));
            continue;
        }
        if (def->block != body || !(ir_info(def)->traits & IR_PURE) || def->num_regions > 0 ||
            rewrite_can_fault(def))
            return false;
        for (unsigned i = 0; i < def->num_operands; i++)
            visit(s, ir_operand(def, i));
    }
    return true;
}

/* ---- loads ----------------------------------------------------------------------------------- */

/* The layout of a buffer of its own: neighbours of a vector are neighbours there. */
static const IrType *own_buffer_type(IrContext *ctx, const IrOp *load) {
    const IrType *tile = load->results[0].type;
    unsigned order[IR_MAX_RANK], count = 0, along = (unsigned)ir_attr_int(load, ATTR_ALONG);
    order[count++] = along;
    for (unsigned d = tile->rank; d-- > 0;) {
        if (d != along)
            order[count++] = d;
    }
    Layout plain = layout_plain(tile->rank, tile->shape, order);
    return ir_type_shared(ctx, tile->elem, tile->shape, tile->rank, ir_layout(ctx, &plain));
}

static bool can_copy(const IrOp *load, const IrType *buffer) {
    AsyncVector vector;
    return ir_async_vector(ir_operand(load, 0)->type, buffer, ir_attr_int(load, ATTR_VECTOR),
                           (unsigned)ir_attr_int(load, ATTR_ALONG), &vector);
}

static bool masked_off_is_zero(const IrOp *load) {
    uint64_t bits;
    return load->num_operands < 3 || (rewrite_constant(ir_operand(load, 2), &bits) && bits == 0);
}

static bool is_plain_load(const IrOp *op) {
    if (op->code != OP_Load || !ir_is_tile(op->results[0].type))
        return false;
    IrTypeKind kind = op->results[0].type->elem->kind;
    int64_t cache = ir_attr_int(op, ATTR_CACHE);
    return kind != TY_I1 && kind != TY_PTR && masked_off_is_zero(op) &&
           (cache == CACHE_NONE || cache == CACHE_CA || cache == CACHE_CG);
}

/* Whether `store` is all that is stored to a buffer that lives in one trip only. */
static bool fills_buffer(const IrOp *store, const IrBlock *body) {
    const IrOp *alloc = ir_operand(store, 0)->def;
    if (store->block != body || store->num_operands > 2 || !alloc ||
        alloc->code != OP_SharedAlloc || alloc->block != body)
        return false;
    for (const IrUse *use = alloc->results[0].uses; use; use = use->next) {
        if (use->user != store && (ir_info(use->user)->traits & (IR_WRITES | IR_EFFECT)))
            return false;
    }
    return true;
}

/* The buffer that the load's value is stored to and that copies can fill. */
static void find_buffer(PipelinedLoad *pipelined, const IrBlock *body) {
    const IrOp *load = pipelined->load;
    for (const IrUse *use = load->results[0].uses; use; use = use->next) {
        IrOp *store = use->user;
        if (store->code != OP_SharedStore || use->index != 1 || !fills_buffer(store, body) ||
            !can_copy(load, ir_operand(store, 0)->type))
            continue;
        pipelined->store = store;
        pipelined->alloc = ir_operand(store, 0)->def;
        return;
    }
}

static void consider(PipelinePlan *plan, const Body *body, IrOp *load, bool asked) {
    PipelinedLoad pipelined = {.load = load};
    MemAccess access;
    unsigned budget = MAX_USES;
    if (!is_plain_load(load) || !ir_has_uses(&load->results[0]) || !access_of(load, &access) ||
        may_write(body, access.base) || !(asked || feeds_dot(&load->results[0], 0, &budget)))
        return;
    find_buffer(&pipelined, load->block);
    if (!pipelined.store && !can_copy(load, own_buffer_type(plan->pc->module->ctx, load)))
        return;
    uint32_t count = plan->kernel->num_values;
    Slice slice = {.loop = plan->loop, .arena = plan->pc->scratch};
    slice.marks = ARENA_ARRAY(plan->pc->scratch, uint8_t, count);
    if (!mark_addresses(&slice, load))
        return;
    for (uint32_t i = 0; i < count; i++)
        plan->ahead[i] |= slice.marks[i];
    vec_push(plan->pc->scratch, &plan->loads, pipelined);
}

/* ---- what else the trip needs ---------------------------------------------------------------- */

static bool is_replaced(const PipelinePlan *plan, const IrOp *op) {
    for (size_t i = 0; i < plan->loads.len; i++) {
        if (plan->loads.data[i].load == op || plan->loads.data[i].store == op)
            return true;
    }
    return false;
}

static void need_operands(Slice *s, const IrOp *op) {
    for (unsigned i = 0; i < op->num_operands; i++)
        visit(s, ir_operand(op, i));
    for (unsigned r = 0; r < op->num_regions; r++) {
        for (const IrOp *inner = op->regions[r]->first; inner; inner = inner->next)
            need_operands(s, inner);
    }
}

/* Marks every value that the trip itself needs once the copies have replaced the loads. */
static void mark_needed(PipelinePlan *plan) {
    const IrBlock *body = plan->loop->regions[0];
    Slice s = {.loop = plan->loop, .marks = plan->needed, .arena = plan->pc->scratch};
    for (const IrOp *op = body->first; op != body->last; op = op->next) {
        if ((!(ir_info(op)->traits & IR_PURE) || op->num_regions > 0) && !is_replaced(plan, op))
            need_operands(&s, op);
    }
    for (unsigned i = 0; i < plan->loop->num_results; i++) {
        if (ir_has_uses(&plan->loop->results[i]))
            visit(&s, body->args[1 + i]);
    }
    while (s.left.len > 0) {
        const IrValue *value = s.left.data[--s.left.len];
        if (!value->def && value->block == body && value->index > 0)
            visit(&s, next_of(plan->loop, value));
        else if (value->def && !is_replaced(plan, value->def))
            need_operands(&s, value->def);
    }
}

/* ---- buffers --------------------------------------------------------------------------------- */

static void hoist_buffer(PipelinePlan *plan, PipelinedLoad *pipelined) {
    const IrValue *value = &pipelined->load->results[0];
    IrBuilder b = rewrite_before(plan->loop);
    if (pipelined->store) {
        ir_op_move_before(pipelined->alloc, plan->loop);
    } else {
        b.range = pipelined->load->range;
        const IrType *type = own_buffer_type(b.module->ctx, pipelined->load);
        pipelined->alloc = ir_build(&b, OP_SharedAlloc, NULL, 0, &type, 1);
    }
    IrValue *buffer = &pipelined->alloc->results[0];
    if (!buffer->name)
        buffer->name = value->name;
    b = rewrite_before(pipelined->load);
    if (!pipelined->store)
        pipelined->read = ir_build(&b, OP_SharedLoad, &buffer, 1, &value->type, 1);
}

static void put_back_buffer(PipelinedLoad *pipelined) {
    ir_set_int(pipelined->alloc, ATTR_STAGES, 1);
    if (pipelined->store) {
        ir_op_move_before(pipelined->alloc, pipelined->store);
        return;
    }
    ir_op_erase(pipelined->read);
    ir_op_erase(pipelined->alloc);
}

/* Gives the buffers as many stages, at most plan->stages, as fit the target's memory. */
static bool fit_stages(PipelinePlan *plan) {
    int64_t limit = (int64_t)plan->pc->target.shared_limit;
    for (; plan->stages >= 2; plan->stages--) {
        for (size_t i = 0; i < plan->loads.len; i++)
            ir_set_int(plan->loads.data[i].alloc, ATTR_STAGES, plan->stages);
        if (limit == 0 || allocate_shared_bytes(plan->pc, plan->kernel) <= limit)
            return true;
    }
    return false;
}

/* ---- the plan -------------------------------------------------------------------------------- */

bool pipeline_plan(PassContext *pc, IrKernel *kernel, IrOp *loop, PipelinePlan *plan) {
    int64_t own = ir_attr_int(loop, ATTR_NUM_STAGES), wanted = own > 0 ? own : kernel->num_stages;
    *plan = (PipelinePlan){.pc = pc, .kernel = kernel, .loop = loop};
    plan->stages = (unsigned)(wanted < BUFFER_MAX_STAGES ? wanted : BUFFER_MAX_STAGES);
    plan->num_values = kernel->num_values;
    plan->ahead = ARENA_ARRAY(pc->scratch, uint8_t, plan->num_values);
    plan->needed = ARENA_ARRAY(pc->scratch, uint8_t, plan->num_values);
    Body body = {.arena = pc->scratch};
    if (plan->stages < 2 || !ir_walk(loop->regions[0], look_at, &body))
        return false;
    for (IrOp *op = loop->regions[0]->first; op; op = op->next)
        consider(plan, &body, op, own > 0);
    if (plan->loads.len == 0)
        return false;
    mark_needed(plan);
    for (size_t i = 0; i < plan->loads.len; i++)
        hoist_buffer(plan, &plan->loads.data[i]);
    if (fit_stages(plan))
        return true;
    for (size_t i = plan->loads.len; i-- > 0;)
        put_back_buffer(&plan->loads.data[i]);
    return false;
}
