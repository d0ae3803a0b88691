/* lay_out_access.c -- layouts that suit accesses of global memory.
 *
 * A warp is served best if neighbouring lanes access neighbouring vectors of up to 16 bytes. How
 * wide a vector may be follows from what the axis analysis knows of the pointers: how many
 * consecutive elements, how aligned, and over how many the mask is constant (layouts.md, section
 * 4(a)). Accesses of tiles of one shape share a layout, so that nothing moves between them; how
 * much a thread has side by side is then a compromise: a strided load next to a store of the result
 * has its lanes near each other, and the store is done in more instructions. Example: pointers to
 * f32, 16-byte aligned, contiguity 512, in a kernel of 4 warps: vectors of 4, `<512; reg i0 i1;
 * lane i2 i3 i4 i5 i6; warp i7 i8>`.
 */
#include <string.h>

#include "passes/lay_out.h"

enum { MAX_VECTOR_BYTES = 16, DEFAULT_VECTOR = 4 };

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* The largest power of two that divides `n`. */
static int64_t power_in(int64_t n) {
    return n & -n;
}

bool is_access(const IrOp *op) {
    switch ((int)op->code) {
    case OP_Load:
    case OP_Store:
    case OP_AtomicRmw:
    case OP_AtomicCas:
        return ir_is_tile(ir_operand(op, 0)->type);
    default:
        return false;
    }
}

static int64_t mask_constancy(const LayOut *lo, const IrOp *op, unsigned axis) {
    unsigned mask = op->code == OP_Load ? 1 : 2;
    if (op->code == OP_AtomicCas || op->num_operands <= mask)
        return MAX_VECTOR_BYTES;
    return axis_info(lo->axes, ir_operand(op, mask))->constancy[axis];
}

/* How many elements along `axis` one instruction of `op` may access: a power of two. */
static int64_t access_vector(const LayOut *lo, const IrOp *op, unsigned axis) {
    if (op->code == OP_AtomicRmw || op->code == OP_AtomicCas)
        return 1;
    const IrType *type = ir_operand(op, 0)->type;
    const AxisInfo *pointers = axis_info(lo->axes, ir_operand(op, 0));
    int64_t bytes = (int64_t)ir_elem_size(type->elem->elem);
    int64_t vector = smaller(MAX_VECTOR_BYTES / bytes, pointers->contiguity[axis]);
    vector = smaller(vector, pointers->divisibility[axis] / bytes);
    vector = smaller(vector, mask_constancy(lo, op, axis));
    vector = smaller(vector, power_in(type->shape[axis]));
    return vector < 1 ? 1 : vector;
}

/* The axes, that of the longest runs first; of equal ones the later, which is usually the inner. */
static void access_order(const LayOut *lo, const IrOp *op, unsigned *order) {
    const AxisInfo *info = axis_info(lo->axes, ir_operand(op, 0));
    unsigned rank = ir_operand(op, 0)->type->rank;
    for (unsigned i = 0; i < rank; i++) {
        unsigned axis = rank - 1 - i, at = i;
        while (at > 0 && info->contiguity[order[at - 1]] < info->contiguity[axis]) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = axis;
    }
}

static AccessGroup *find_group(const LayOut *lo, const IrType *type, const unsigned *order) {
    for (size_t i = 0; i < lo->groups.len; i++) {
        AccessGroup *group = &lo->groups.data[i];
        if (group->rank == type->rank &&
            memcmp(group->shape, type->shape, type->rank * sizeof *type->shape) == 0 &&
            (!order || memcmp(group->order, order, type->rank * sizeof *order) == 0))
            return group;
    }
    return NULL;
}

/* What a vector may be at most if every thread is to have one of the padded tile. */
static int64_t thread_share(const LayOut *lo, unsigned rank, const int64_t *shape) {
    int64_t padded = 1, share = 1;
    for (unsigned i = 0; i < rank; i++) {
        for (int64_t size = 1; size < shape[i]; size *= 2)
            padded *= 2;
    }
    while (2 * share * 32 * lo->kernel->num_warps <= padded)
        share *= 2;
    return share;
}

/* The loop begins where another one ends: it makes the trip that is left (mask_split.c). */
static bool is_last_trip(const IrOp *loop) {
    for (const IrUse *use = ir_operand(loop, 0)->uses; use; use = use->next) {
        if (use->user->code == OP_For && use->index == 1 && use->user->block == loop->block)
            return true;
    }
    return false;
}

/* How often `op` is done, taking every loop to make a few trips. */
static int64_t times_done(const IrOp *op) {
    enum { TRIPS = 16, MOST = 256 };
    int64_t times = 1;
    for (const IrOp *around = op->block->parent; around; around = around->block->parent) {
        bool is_loop = around->code == OP_For || around->code == OP_While;
        if (is_loop && !(around->code == OP_For && is_last_trip(around)) && times < MOST)
            times *= TRIPS;
    }
    return times;
}

static bool note_access(IrOp *op, void *data) {
    LayOut *lo = data;
    if (!is_access(op))
        return true;
    unsigned order[IR_MAX_RANK];
    access_order(lo, op, order);
    const IrType *type = ir_operand(op, 0)->type;
    GroupMember member = {.vector = access_vector(lo, op, order[0]),
                          .bytes = (int64_t)ir_elem_size(type->elem->elem),
                          .weight = times_done(op)};
    if (op->code == OP_Load || op->code == OP_Store) { /* cut to the layout's runs later */
        ir_set_int(op, ATTR_VECTOR, member.vector);
        ir_set_int(op, ATTR_ALONG, order[0]);
    }
    AccessGroup *group = find_group(lo, type, order);
    if (!group) {
        AccessGroup made = {.rank = type->rank};
        memcpy(made.shape, type->shape, sizeof made.shape);
        memcpy(made.order, order, type->rank * sizeof *order);
        vec_push(lo->arena, &lo->groups, made);
        group = &vec_last(&lo->groups);
    }
    vec_push(lo->arena, &group->members, member);
    return true;
}

/* What the members cost for every MAX_SPREAD elements of each thread of a warp, if a thread has
 * `vector` side by side: an instruction counts as much as two sectors of 32 bytes. Where a thread
 * has more elements than one instruction of it accesses, the lanes of an instruction are that much
 * farther apart, so that each touches as many more sectors, up to one a lane. */
static int64_t spread_cost(const AccessGroup *group, int64_t vector) {
    enum { MAX_SPREAD = 16, LANES = 32, SECTOR = 32, PER_INSTRUCTION = 2 };
    int64_t cost = 0;
    for (size_t i = 0; i < group->members.len; i++) {
        const GroupMember *member = &group->members.data[i];
        int64_t width = smaller(vector, member->vector);
        int64_t sectors = smaller(vector * member->bytes * LANES / SECTOR, LANES);
        int64_t least = width * member->bytes * LANES / SECTOR;
        sectors = sectors > least ? sectors : least;
        cost += member->weight * (MAX_SPREAD / width) * (PER_INSTRUCTION + sectors);
    }
    return cost;
}

/* How many elements a thread had best have side by side: a power of two up to `most`. */
static int64_t best_vector(const AccessGroup *group, int64_t most) {
    int64_t best = 1;
    for (int64_t vector = 2; vector <= most && vector <= MAX_VECTOR_BYTES; vector *= 2) {
        if (spread_cost(group, vector) <= spread_cost(group, best))
            best = vector;
    }
    return best;
}

static const Layout *coalesced(const LayOut *lo, unsigned rank, const int64_t *shape,
                               const unsigned *order, int64_t vector) {
    Layout layout =
        layout_coalesced(rank, shape, order, (uint32_t)vector, (uint32_t)lo->kernel->num_warps);
    return ir_layout(lo->ctx, &layout);
}

void find_access_groups(LayOut *lo) {
    ir_walk(lo->kernel->body, note_access, lo);
    for (size_t i = 0; i < lo->groups.len; i++) {
        AccessGroup *g = &lo->groups.data[i];
        int64_t vector = best_vector(g, thread_share(lo, g->rank, g->shape));
        g->layout = coalesced(lo, g->rank, g->shape, g->order, vector);
    }
}

bool is_anchor(const LayOut *lo, const IrOp *op) {
    return is_access(op) &&
           ir_numel(ir_operand(op, 0)->type) >= 32 * (int64_t)lo->kernel->num_warps;
}

const Layout *access_layout(const LayOut *lo, const IrOp *op) {
    unsigned order[IR_MAX_RANK];
    access_order(lo, op, order);
    return find_group(lo, ir_operand(op, 0)->type, order)->layout;
}

const Layout *default_layout(LayOut *lo, const IrType *type) {
    const AccessGroup *group = find_group(lo, type, NULL);
    if (group)
        return group->layout;
    return coalesced(lo, type->rank, type->shape, NULL,
                     smaller(thread_share(lo, type->rank, type->shape), DEFAULT_VECTOR));
}
