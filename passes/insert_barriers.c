/* insert_barriers.c -- barriers where threads must see what others stored.
 *
 * In:     laid IR whose buffers have offsets
 * Out:    between two accesses of which one writes, of memory that may be the same and by threads
 *         that may differ, all threads of the program meet
 * Keeps:  everything else
 * Cost:   O(operations * accesses since the last barrier), twice for each level of loops
 * Why:    tile IR runs one operation after the other; threads do not
 * Before:
 *     layout #0 = <64; reg i0; lane i1 i2 i3 i4 i5; warp . .>
 *     layout #1 = <64; off i0 i1 i2 i3 i4 i5>
 *     %o = arange 0, 64 : tile<64xi32, #0>
 *     %b = shared_alloc 0 : shared<64xi32, #1>
 *     shared_store %b, %o
 *     %z = shared_gather %b, %o, axis = 0 : tile<64xi32, #0>
 *     %q = splat %p : tile<64xptr<i32>, #0>
 *     store %q, %z
 *     return
 * After:
 *     layout #0 = <64; reg i0; lane i1 i2 i3 i4 i5; warp . .>
 *     layout #1 = <64; off i0 i1 i2 i3 i4 i5>
 *     %o = arange 0, 64 : tile<64xi32, #0>
 *     %b = shared_alloc 0 : shared<64xi32, #1>
 *     shared_store %b, %o
 *     barrier
 *     %z = shared_gather %b, %o, axis = 0 : tile<64xi32, #0>
 *     %q = splat %p : tile<64xptr<i32>, #0>
 *     store %q, %z
 *     return
 * Not:    between accesses of different bytes, of different tensors, or of the same elements by the
 *         thread that holds them (tests/passes/insert-barriers/needless.tkir)
 *
 * Algorithm: a forward data-flow analysis whose fact is the set of accesses since the last barrier
 * (union where paths meet); an operation that conflicts with one of them gets a barrier in front of
 * it, which empties the set. A loop's body is walked again with what its end adds to its beginning
 * until nothing is added. Buffers conflict by the bytes that they occupy. Global memory conflicts
 * by the parameter that a pointer comes from: the program stores through %p and loads through %p
 * what another of its threads stored. Two parameters count as different tensors. A thread needs no
 * barrier towards itself: a tile stored and loaded through the very same pointers in one trip.
 * A copy in the background counts from the async_wait on by which it has arrived; before that no
 * barrier helps, and nobody touches the stage (pipeline.c).
 */
#include "ir/buffers.h"
#include "passes/accesses.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

/* An access since the last barrier. */
typedef struct Pending {
    IrOp *op;
    bool carried; /* from an earlier trip of a loop around here */
    int commits;  /* of a copy on its way: async_commits since; else ARRIVED */
} Pending;

enum { ARRIVED = -1, MAX_COMMITS = 64 };

typedef struct PendingSet {
    VEC(Pending) items;
} PendingSet;

typedef struct Inserter {
    PassContext *pc;
    unsigned inserted;
} Inserter;

/* ---- what an operation accesses ---------------------------------------------------------------
 */

typedef struct Access {
    bool shared, reads, writes, atomic;
    int64_t lo, hi;       /* shared: bytes */
    const IrValue *place; /* global: the pointer */
    const IrValue *base;  /* global: the parameter that the pointer comes from, or NULL: unknown */
} Access;

/* Operand `i` is a buffer: sets its bytes. */
static bool shared_access(const IrOp *op, unsigned i, Access *access) {
    const IrValue *buffer = i < op->num_operands ? ir_operand(op, i) : NULL;
    if (!buffer || !ir_is_shared(buffer->type) || op->code == OP_SharedSlot)
        return false;
    const IrOp *alloc = ir_buffer_alloc(buffer);
    int64_t offset = ir_attr_int(alloc, ATTR_OFFSET);
    unsigned traits = ir_info(op)->traits;
    *access = (Access){.shared = true, .lo = offset, .hi = offset + ir_buffer_total(alloc)};
    access->writes = (traits & IR_WRITES) != 0 || op->code == OP_AsyncCopy;
    access->reads = (traits & IR_READS) != 0 && op->code != OP_AsyncCopy;
    access->atomic = op->code == OP_SharedCount;
    return true;
}

/* The i-th access of `op`; false if it has no more. Only dot_fma and async_copy have two. */
static bool nth_access(IrOp *op, unsigned i, Access *access) {
    MemAccess memory;
    if (shared_access(op, i, access))
        return true;
    if (i > 0 || op->code == OP_SharedSlot || !access_of(op, &memory))
        return false;
    *access = (Access){.reads = memory.reads, .writes = memory.writes, .atomic = memory.is_atomic};
    access->place = op->num_operands > 0 ? ir_operand(op, 0) : NULL;
    access->base = memory.base;
    return true;
}

/* ---- conflicts ------------------------------------------------------------------------------- */

/* Each element of the tile is held by one thread only. */
static bool has_one_holder(const IrType *type) {
    if (!ir_is_tile(type))
        return false;
    uint32_t masks[LL_NIN];
    layout_free(type->layout, masks);
    return (masks[LL_LANE] | masks[LL_WARP] | masks[LL_BLOCK]) == 0;
}

static bool conflict_in_memory(const Pending *pending, const Access *a, const IrOp *op,
                               const Access *b) {
    if (a->base && b->base && a->base != b->base)
        return false;
    if (pending->op == op && !a->reads) /* a store, and itself in another trip */
        return false;
    bool same_threads = a->place && a->place == b->place && has_one_holder(a->place->type);
    return !(same_threads && !pending->carried);
}

static bool conflict(const Pending *pending, IrOp *op) {
    Access a, b;
    if (pending->commits != ARRIVED)
        return false;
    for (unsigned i = 0; i < 2 && nth_access(pending->op, i, &a); i++) {
        for (unsigned k = 0; k < 2 && nth_access(op, k, &b); k++) {
            if ((!a.writes && !b.writes) || (a.atomic && b.atomic) || a.shared != b.shared)
                continue;
            if (a.shared ? a.lo < b.hi && b.lo < a.hi : conflict_in_memory(pending, &a, op, &b))
                return true;
        }
    }
    return false;
}

/* ---- the analysis ---------------------------------------------------------------------------- */

static bool add(Inserter *in, PendingSet *set, Pending pending) {
    for (size_t i = 0; i < set->items.len; i++) {
        const Pending *other = &set->items.data[i];
        if (other->op == pending.op && other->carried == pending.carried &&
            other->commits == pending.commits)
            return false;
    }
    vec_push(in->pc->scratch, &set->items, pending);
    return true;
}

static PendingSet copy(Inserter *in, const PendingSet *set) {
    PendingSet made = {0};
    for (size_t i = 0; i < set->items.len; i++)
        vec_push(in->pc->scratch, &made.items, set->items.data[i]);
    return made;
}

/* Adds `from` to `to`; true if that is anything new. */
static bool join(Inserter *in, PendingSet *to, const PendingSet *from, bool carry) {
    bool grown = false;
    for (size_t i = 0; i < from->items.len; i++) {
        Pending pending = from->items.data[i];
        pending.carried |= carry;
        grown |= add(in, to, pending);
    }
    return grown;
}

/* All threads have met: what is left is still on its way. */
static void forget(PendingSet *set) {
    size_t left = 0;
    for (size_t i = 0; i < set->items.len; i++) {
        if (set->items.data[i].commits != ARRIVED)
            set->items.data[left++] = set->items.data[i];
    }
    set->items.len = left;
}

static void commit(PendingSet *set) {
    for (size_t i = 0; i < set->items.len; i++) {
        Pending *pending = &set->items.data[i];
        pending->commits += pending->commits != ARRIVED && pending->commits < MAX_COMMITS;
    }
}

/* Groups arrive in order: those of copies with more commits behind them than may be on their way.
 */
static void wait_for_copies(PendingSet *set, int64_t pending) {
    for (size_t i = 0; i < set->items.len; i++) {
        if (set->items.data[i].commits > pending)
            set->items.data[i].commits = ARRIVED;
    }
}

static void visit_block(Inserter *in, IrBlock *block, PendingSet *set);

static void visit_if(Inserter *in, IrOp *op, PendingSet *set) {
    PendingSet other = copy(in, set);
    visit_block(in, op->regions[0], set);
    visit_block(in, op->regions[1], &other);
    join(in, set, &other, false);
}

/* `set`: before the loop, and behind it. A `for` may be left before its body, a `while` behind its
 * first region. */
static void visit_loop(Inserter *in, IrOp *op, PendingSet *set) {
    PendingSet entry = copy(in, set);
    for (;;) {
        PendingSet state = copy(in, &entry);
        visit_block(in, op->regions[0], &state);
        *set = op->code == OP_While ? copy(in, &state) : copy(in, &entry);
        if (op->code == OP_While)
            visit_block(in, op->regions[1], &state);
        else
            join(in, set, &state, false);
        if (!join(in, &entry, &state, true))
            return;
    }
}

static void visit_op(Inserter *in, IrOp *op, PendingSet *set) {
    Access access;
    if (op->code == OP_Barrier) {
        forget(set);
    } else if (op->code == OP_AsyncCommit) {
        commit(set);
    } else if (op->code == OP_AsyncWait) {
        wait_for_copies(set, ir_attr_int(op, ATTR_PENDING));
    } else if (op->code == OP_If) {
        visit_if(in, op, set);
    } else if (op->code == OP_For || op->code == OP_While) {
        visit_loop(in, op, set);
    } else if (nth_access(op, 0, &access)) {
        bool conflicts = false;
        for (size_t i = 0; i < set->items.len && !conflicts; i++)
            conflicts = conflict(&set->items.data[i], op);
        if (conflicts) {
            IrBuilder b = rewrite_before(op);
            ir_build(&b, OP_Barrier, NULL, 0, NULL, 0);
            in->inserted++;
            forget(set);
        }
        add(in, set, (Pending){op, false, op->code == OP_AsyncCopy ? 0 : ARRIVED});
    }
}

static void visit_block(Inserter *in, IrBlock *block, PendingSet *set) {
    for (IrOp *op = block->first; op; op = op->next)
        visit_op(in, op, set);
}

bool pass_insert_barriers(PassContext *pc, IrKernel *kernel) {
    Inserter in = {.pc = pc};
    PendingSet set = {0};
    visit_block(&in, kernel->body, &set);
    pass_count(pc, STAT_BARRIERS, in.inserted);
    return in.inserted > 0;
}
