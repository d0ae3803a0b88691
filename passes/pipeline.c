/* pipeline.c -- copy what a loop's trips will load into shared memory, some trips ahead.
 *
 * In:     laid IR whose conversions are written out, buffers without offsets
 * Out:    loops with loads that a dot waits for copy them in the background, num_stages - 1 trips
 *         ahead, into buffers of num_stages stages
 * Keeps:  every value; every trip loads what it did, but earlier than stores to other tensors
 * Cost:   O(loops * loads * operations)
 * Why:    memory answers after some 500 clocks, in which a trip does all its arithmetic; copies in
 *         the background take no registers and nobody waits for them
 * Before:
 *     layout #0 = <64x4; reg j0 j1; lane i0 i1 i2 i3 i4; warp i5 .>
 *     layout #1 = <64x4; off j0 j1 i0 i1 i2 i3 i4 i5>
 *     %c0 = const 0 : i32
 *     %c1 = const 1 : i32
 *     %zero = const 0 : tile<64x4xi32, #0>
 *     %sum = for %i = %c0 to %x step %c1 iter(%s = %zero), num_stages = 2 : tile<64x4xi32, #0> {
 *         %at = addptr %p, %i : ptr<i32>
 *         %ptrs = splat %at : tile<64x4xptr<i32>, #0>
 *         %v = load %ptrs, vector = 4, along = 1 : tile<64x4xi32, #0>
 *         %b = shared_alloc -1 : shared<64x4xi32, #1>
 *         shared_store %b, %v
 *         %w = shared_load %b : tile<64x4xi32, #0>
 *         %t = addi %s, %w : tile<64x4xi32, #0>
 *         yield %t
 *     }
 *     print "", %sum
 *     return
 * After:
 *     layout #0 = <64x4; reg j0 j1; lane i0 i1 i2 i3 i4; warp i5 .>
 *     layout #1 = <64x4; off j0 j1 i0 i1 i2 i3 i4 i5>
 *     %c0 = const 0 : i32
 *     %c1 = const 1 : i32
 *     %zero = const 0 : tile<64x4xi32, #0>
 *     %b = shared_alloc -1, stages = 2 : shared<64x4xi32, #1>
 *     %c0.1 = const 0 : i32
 *     %c1.1 = const 1 : i32
 *     %0 = cmpi slt, %c0, %x : i1
 *     %1 = subi %x, %c0 : i32
 *     %2 = select %0, %1, %c0.1 : i32
 *     %3 = subi %x, %2 : i32
 *     %4 = cmpi ne, %2, %c0.1 : i1
 *     %at = addptr %p, %3 : ptr<i32>
 *     %ptrs = splat %at : tile<64x4xptr<i32>, #0>
 *     %5 = shared_slot %b, %c0.1 : shared<64x4xi32, #1>
 *     async_copy %ptrs, %5, %4, vector = 4, along = 1
 *     async_commit
 *     %6 = maxui %2, %c1 : i32
 *     %7 = subi %6, %c1 : i32
 *     %sum, %8, %9 = for %i = %c0 to %x step %c1 iter(%s = %zero, %10 = %7, %11 = %c0.1),
 *             num_stages = 2 : tile<64x4xi32, #0>, i32, i32 {
 *         async_wait 0
 *         %12 = cmpi eq, %11, %c0.1 : i1
 *         %13 = subi %11, %c1.1 : i32
 *         %14 = select %12, %c1.1, %13 : i32
 *         %15 = subi %x, %10 : i32
 *         %16 = cmpi ne, %10, %c0.1 : i1
 *         %at.1 = addptr %p, %15 : ptr<i32>
 *         %ptrs.1 = splat %at.1 : tile<64x4xptr<i32>, #0>
 *         %17 = shared_slot %b, %14 : shared<64x4xi32, #1>
 *         async_copy %ptrs.1, %17, %16, vector = 4, along = 1
 *         async_commit
 *         %18 = maxui %10, %c1 : i32
 *         %19 = subi %18, %c1 : i32
 *         %20 = cmpi eq, %11, %c1.1 : i1
 *         %21 = addi %11, %c1.1 : i32
 *         %22 = select %20, %c0.1, %21 : i32
 *         %23 = shared_slot %b, %11 : shared<64x4xi32, #1>
 *         %w = shared_load %23 : tile<64x4xi32, #0>
 *         %t = addi %s, %w : tile<64x4xi32, #0>
 *         yield %t, %19, %22
 *     }
 *     async_wait 0
 *     print "", %sum
 *     return
 * Not:    loads whose addresses need another load of the loop, or from a tensor that the loop
 *         writes; loads narrower than 4 bytes, or masked-off elements that are not 0; loops around
 *         loops, loops with atomics that order memory (tests/passes/pipeline/not.tkir)
 *
 * Algorithm: what the addresses need is computed num_stages - 1 trips ahead, in copies of the
 * operations with carried values of their own: in front of the loop for the first trips, in each
 * trip for a later one. What only the loads needed goes. A trip waits until its own
 * copies have arrived; behind one barrier, which insert-barriers adds, everybody may read them, and
 * has read those of the trip before, whose stage the next copies take (software pipelining with
 * multiple buffers; Lam, Software Pipelining, 1988).
 */
#include "passes/pipeline.h"
#include "passes/rewrite.h"

/* Constants, made once in front of the loop. */
typedef struct Numbers {
    IrValue *none;              /* 0 of the index's type */
    IrValue *zero, *one, *last; /* i32: 0, 1, the number of the last stage */
} Numbers;

/* The values that a chain of trips ahead carries. */
typedef struct Chain {
    const PipelinePlan *plan;
    Numbers numbers;
    IrBuilder b;
    IrValue *left;     /* of the range, from the trip's index to the end, or 0: no trip */
    IrValue **carried; /* by number of the loop's carried values; NULL: not needed */
} Chain;

static const IrBlock *body_of(const PipelinePlan *plan) {
    return plan->loop->regions[0];
}

static bool is_ahead(const PipelinePlan *plan, unsigned carried) {
    return plan->ahead[body_of(plan)->args[1 + carried]->id] != 0;
}

static bool is_kept(const PipelinePlan *plan, unsigned carried) {
    return plan->needed[body_of(plan)->args[1 + carried]->id] != 0;
}

static bool is_computed_ahead(const PipelinePlan *plan, const IrOp *op) {
    return op->num_results == 1 && op->results[0].id < plan->num_values &&
           plan->ahead[op->results[0].id] != 0;
}

static Numbers build_numbers(IrBuilder *b, const PipelinePlan *plan) {
    const IrType *index = body_of(plan)->args[0]->type;
    const IrType *i32 = ir_type_scalar(plan->pc->module->ctx, TY_I32);
    Numbers made = {.zero = ir_const_int(b, i32, 0), .one = ir_const_int(b, i32, 1)};
    made.last = plan->stages > 2 ? ir_const_int(b, i32, plan->stages - 1) : made.one;
    made.none = index == i32 ? made.zero : ir_const_int(b, index, 0);
    return made;
}

/* ---- copies of one trip ---------------------------------------------------------------------- */

static void build_copy(IrBuilder *b, const IrCloner *cloner, const PipelinedLoad *pipelined,
                       IrValue *stage, IrValue *happens) {
    const IrOp *load = pipelined->load;
    IrValue *buffer = &pipelined->alloc->results[0];
    b->range = load->range;
    IrValue *slot_of[] = {buffer, stage};
    IrOp *slot = ir_build(b, OP_SharedSlot, slot_of, 2, &buffer->type, 1);
    IrValue *operands[4] = {ir_clone_value(cloner, ir_operand(load, 0)), &slot->results[0],
                            happens};
    unsigned count = 3;
    if (load->num_operands > 1)
        operands[count++] = ir_clone_value(cloner, ir_operand(load, 1));
    IrOp *copy = ir_build(b, OP_AsyncCopy, operands, count, NULL, 0);
    static const IrAttrId attrs[] = {ATTR_CACHE, ATTR_EVICT, ATTR_VECTOR, ATTR_ALONG};
    for (size_t i = 0; i < TK_COUNTOF(attrs); i++)
        ir_set_int(copy, attrs[i], ir_attr_int(load, attrs[i]));
}

/* Computes the addresses of the chain's trip, copies into the stage, and moves the chain on. */
static void build_trip(Chain *chain, IrValue *stage) {
    const PipelinePlan *plan = chain->plan;
    const IrBlock *body = body_of(plan);
    const IrValue *index = body->args[0];
    IrBuilder *b = &chain->b;
    IrCloner cloner = ir_cloner(*b, plan->kernel, plan->pc->scratch);
    if (plan->ahead[index->id])
        ir_clone_map(&cloner, index, ir_binary(b, OP_SubI, ir_operand(plan->loop, 1), chain->left));
    for (unsigned i = 0; i < plan->loop->num_results; i++) {
        if (chain->carried[i])
            ir_clone_map(&cloner, body->args[1 + i], chain->carried[i]);
    }
    IrValue *happens = ir_cmpi(b, IPRED_NE, chain->left, chain->numbers.none);
    for (const IrOp *op = body->first; op != body->last; op = op->next) {
        if (is_computed_ahead(plan, op))
            ir_clone_op(&cloner, op);
    }
    for (size_t i = 0; i < plan->loads.len; i++)
        build_copy(b, &cloner, &plan->loads.data[i], stage, happens);
    b->range = plan->loop->range;
    ir_build(b, OP_AsyncCommit, NULL, 0, NULL, 0);
    for (unsigned i = 0; i < plan->loop->num_results; i++) {
        if (chain->carried[i])
            chain->carried[i] = ir_clone_value(&cloner, ir_operand(body->last, i));
    }
    IrValue *step = ir_operand(plan->loop, 2);
    IrValue *reach = ir_binary(b, OP_MaxUI, chain->left, step);
    chain->left = ir_binary(b, OP_SubI, reach, step);
}

/* The chain of the loop's first trip. */
static Chain begin_chain(const PipelinePlan *plan) {
    const IrOp *loop = plan->loop;
    Chain chain = {.plan = plan, .b = rewrite_before(plan->loop)};
    chain.numbers = build_numbers(&chain.b, plan);
    IrValue *from = ir_operand(loop, 0), *to = ir_operand(loop, 1);
    INT_PRED_Enum below = ir_attr_int(loop, ATTR_UNSIGNED) ? IPRED_ULT : IPRED_SLT;
    IrValue *runs = ir_cmpi(&chain.b, below, from, to);
    IrValue *distance = ir_binary(&chain.b, OP_SubI, to, from);
    chain.left = ir_select(&chain.b, runs, distance, chain.numbers.none);
    chain.carried = ARENA_ARRAY(plan->pc->scratch, IrValue *, loop->num_results);
    for (unsigned i = 0; i < loop->num_results; i++) {
        if (is_ahead(plan, i))
            chain.carried[i] = ir_operand(loop, 3 + i);
    }
    return chain;
}

/* ---- the loop -------------------------------------------------------------------------------- */

/* The loop that takes the old one's place carries what trips still need of the old one's values,
 * then what the chain carries and what is left of its range, then the stage that the trip reads. */
static IrOp *build_loop(const PipelinePlan *plan, const Chain *chain) {
    const IrOp *old = plan->loop;
    IrBuilder b = rewrite_before(plan->loop);
    unsigned most = 3 + 2 * old->num_results + 2, count = 0;
    IrValue **operands = ARENA_ARRAY(plan->pc->scratch, IrValue *, most);
    const IrType **types = ARENA_ARRAY(plan->pc->scratch, const IrType *, most);
    for (; count < 3; count++)
        operands[count] = ir_operand(old, count);
    for (unsigned i = 0; i < old->num_results; i++) {
        if (is_kept(plan, i))
            operands[count++] = ir_operand(old, 3 + i);
    }
    for (unsigned i = 0; i < old->num_results; i++) {
        if (chain->carried[i])
            operands[count++] = chain->carried[i];
    }
    operands[count++] = chain->left;
    operands[count++] = chain->numbers.zero;
    for (unsigned i = 3; i < count; i++)
        types[i] = operands[i]->type;
    IrOp *made = ir_build(&b, OP_For, operands, count, types + 3, count - 3);
    rewrite_copy_attrs(made, old);
    return made;
}

static IrValue *copy_arg(const PipelinePlan *plan, IrBuilder *b, const IrValue *old) {
    IrValue *arg = ir_block_add_arg(b, b->block, old->type, old->name);
    if (old->hints)
        *ir_value_hints(plan->pc->module, arg) = *old->hints;
    return arg;
}

/* What one trip of the new loop works with. */
typedef struct Trip {
    const PipelinePlan *plan;
    IrBlock *body;
    IrValue **kept; /* by number of the old loop's carried values: the argument, or NULL */
    Chain chain;    /* arguments, and behind build_trip() what the next trip gets */
    IrValue *stage; /* that is read */
    IrOp *wait, *yield;
    uint8_t *slots; /* by id: what the trip reads from */
} Trip;

static Trip begin_trip(const PipelinePlan *plan, IrOp *made, const Chain *before) {
    const IrBlock *old = body_of(plan);
    unsigned count = plan->loop->num_results;
    Trip trip = {.plan = plan, .body = made->regions[0], .chain = *before};
    IrBuilder *b = &trip.chain.b;
    *b = rewrite_before(made);
    b->block = trip.body;
    b->before = NULL;
    trip.kept = ARENA_ARRAY(plan->pc->scratch, IrValue *, count);
    trip.chain.carried = ARENA_ARRAY(plan->pc->scratch, IrValue *, count);
    copy_arg(plan, b, old->args[0]);
    for (unsigned i = 0; i < count; i++) {
        if (is_kept(plan, i))
            trip.kept[i] = copy_arg(plan, b, old->args[1 + i]);
    }
    for (unsigned i = 0; i < count; i++) {
        if (before->carried[i])
            trip.chain.carried[i] = copy_arg(plan, b, old->args[1 + i]);
    }
    trip.chain.left = ir_block_add_arg(b, trip.body, before->left->type, NULL);
    trip.stage = ir_block_add_arg(b, trip.body, before->numbers.zero->type, NULL);
    return trip;
}

/* The stage before (`code` is SubI) or behind (AddI) the one that is read, in the ring of them. */
static IrValue *beside(Trip *trip, IrOpcode code) {
    const Numbers *n = &trip->chain.numbers;
    IrBuilder *b = &trip->chain.b;
    IrValue *end = code == OP_SubI ? n->zero : n->last,
            *wrapped = code == OP_SubI ? n->last : n->zero;
    IrValue *wraps = ir_cmpi(b, IPRED_EQ, trip->stage, end);
    return ir_select(b, wraps, wrapped, ir_binary(b, code, trip->stage, n->one));
}

/* A trip's own copies have arrived; those of a later one begin, into the stage that the trip before
 * has read. Then what the trip yields. */
static void build_copies(Trip *trip) {
    IrBuilder *b = &trip->chain.b;
    trip->wait = ir_build(b, OP_AsyncWait, NULL, 0, NULL, 0);
    ir_set_int(trip->wait, ATTR_PENDING, (int64_t)trip->plan->stages - 2);
    build_trip(&trip->chain, beside(trip, OP_SubI));
    unsigned count = trip->plan->loop->num_results, used = 0;
    IrValue *next = beside(trip, OP_AddI);
    IrValue **values = ARENA_ARRAY(trip->plan->pc->scratch, IrValue *, 2 * count + 2);
    for (unsigned i = 0; i < count; i++) {
        if (trip->kept[i])
            values[used++] = ir_operand(body_of(trip->plan)->last, i);
    }
    for (unsigned i = 0; i < count; i++) {
        if (trip->chain.carried[i])
            values[used++] = trip->chain.carried[i];
    }
    values[used++] = trip->chain.left;
    values[used++] = next;
    b->range = body_of(trip->plan)->last->range;
    trip->yield = ir_build(b, OP_Yield, values, used, NULL, 0);
}

/* Reads take what the copies have brought, instead of what the load did. `slot`: from where. */
static void redirect(const PipelinedLoad *pipelined, IrValue *slot) {
    IrOp *load = pipelined->load, *read = pipelined->read;
    for (IrUse *use = pipelined->alloc->results[0].uses, *next; use; use = next) {
        next = use->next;
        if (use->user->code != OP_SharedSlot)
            ir_set_operand(use->user, use->index, slot);
    }
    if (pipelined->store)
        ir_op_erase(pipelined->store);
    IrBuilder b = rewrite_before(load);
    if (!read && ir_has_uses(&load->results[0]))
        read = ir_build(&b, OP_SharedLoad, &slot, 1, &load->results[0].type, 1);
    if (read)
        rewrite_replace(&load->results[0], &read->results[0]);
    ir_op_erase(load);
}

static void redirect_all(Trip *trip) {
    const PipelinePlan *plan = trip->plan;
    size_t count = plan->loads.len;
    IrValue **slots = ARENA_ARRAY(plan->pc->scratch, IrValue *, count);
    IrBuilder b = rewrite_before(trip->yield);
    for (size_t i = 0; i < count; i++) {
        IrValue *buffer = &plan->loads.data[i].alloc->results[0],
                *operands[] = {buffer, trip->stage};
        b.range = plan->loads.data[i].load->range;
        slots[i] = &ir_build(&b, OP_SharedSlot, operands, 2, &buffer->type, 1)->results[0];
        redirect(&plan->loads.data[i], slots[i]);
    }
    trip->slots = ARENA_ARRAY(plan->pc->scratch, uint8_t, plan->kernel->num_values);
    for (size_t i = 0; i < count; i++)
        trip->slots[slots[i]->id] = 1;
}

static bool is_dead(const IrOp *op) {
    bool used = false;
    for (unsigned i = 0; i < op->num_results; i++)
        used |= ir_has_uses(&op->results[i]);
    return !used && (ir_info(op)->traits & IR_PURE) && op->num_regions == 0;
}

/* Moves what is left of the old loop's body into the new one, without what only loads needed. The
 * trip waits for its copies as late as it can, so that stores to other buffers share the barrier.
 */
static void move_body(const Trip *trip) {
    IrBlock *old = trip->plan->loop->regions[0];
    ir_replace_uses(old->args[0], trip->body->args[0]);
    for (unsigned i = 0; i < trip->plan->loop->num_results; i++) {
        if (trip->kept[i])
            ir_replace_uses(old->args[1 + i], trip->kept[i]);
    }
    ir_truncate_operands(old->last, 0);
    for (IrOp *op = old->last->prev, *before; op; op = before) {
        before = op->prev;
        if (is_dead(op))
            ir_op_erase(op);
    }
    IrOp *behind = trip->wait;
    while (old->first != old->last) {
        if (rewrite_needs(old->first, trip->slots))
            behind = trip->yield;
        ir_op_move_before(old->first, behind);
    }
}

static void replace_loop(const Trip *trip, const IrOp *made) {
    IrOp *old = trip->plan->loop;
    for (unsigned i = 0, k = 0; i < old->num_results; i++) {
        if (trip->kept[i])
            rewrite_replace(&old->results[i], &made->results[k++]);
    }
    ir_op_erase(old);
}

static void pipeline(const PipelinePlan *plan) {
    Chain chain = begin_chain(plan);
    const Numbers *n = &chain.numbers;
    for (unsigned s = 0; s + 1 < plan->stages; s++)
        build_trip(&chain, s == 0   ? n->zero
                           : s == 1 ? n->one
                                    : ir_const_int(&chain.b, n->zero->type, s));
    IrOp *made = build_loop(plan, &chain);
    ir_build(&chain.b, OP_AsyncWait, NULL, 0, NULL, 0);
    Trip trip = begin_trip(plan, made, &chain);
    build_copies(&trip);
    redirect_all(&trip);
    move_body(&trip);
    replace_loop(&trip, made);
    pass_count(plan->pc, STAT_PIPELINED, 1);
    pass_count(plan->pc, STAT_ASYNC_COPIES, plan->loads.len);
}

/* ---- the pass -------------------------------------------------------------------------------- */

/* Loops around loops are not pipelined: inner ones first, or not, does not matter. */
static bool pipeline_in_block(PassContext *pc, IrKernel *kernel, IrBlock *block) {
    bool changed = false;
    for (IrOp *op = block->first, *next; op; op = next) {
        PipelinePlan plan;
        next = op->next;
        if (op->code == OP_For && pipeline_plan(pc, kernel, op, &plan)) {
            pipeline(&plan);
            changed = true;
            continue;
        }
        for (unsigned r = 0; r < op->num_regions; r++)
            changed |= pipeline_in_block(pc, kernel, op->regions[r]);
    }
    return changed;
}

bool pass_pipeline(PassContext *pc, IrKernel *kernel) {
    return pipeline_in_block(pc, kernel, kernel->body);
}
