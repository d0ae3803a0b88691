/* place.c -- from the addresses of a tile's lanes back to coordinates of a tensor.
 *
 * An element's offset tells its coordinates by the tensor's strides, the largest first. That is
 * not so for lanes that are masked off: behind the end of a row of a matrix comes the next row in
 * memory, but what the program meant is the place beyond the edge. So the tile is looked at as a
 * whole: if each step along one of its axes is a multiple of one of the tensor's strides, and if
 * that explains all active lanes, the others are placed by continuing the steps.
 *
 *     f32[37, 781] stride (781, 1), a tile of 1024 lanes from row 3 on, 781 of them active:
 *     lane 781 has the offset of [4, 0], and is placed at [3, 781]
 */
#include <string.h>

#include "runtime/draw/record.h"

/* The dimensions of a view from the largest stride to the smallest, without those that an index
 * cannot move along. */
typedef struct Order {
    unsigned dims[MEM_MAX_RANK], count;
} Order;

/* A dimension of one element whose stride is another one's, too: steps are the other one's. */
static bool is_idle(const MemView *view, unsigned dim) {
    for (unsigned d = 0; d < view->rank && view->shape[dim] <= 1; d++) {
        if (view->strides[d] == view->strides[dim] && (view->shape[d] > 1 || d > dim))
            return true;
    }
    return false;
}

static Order order_of(const MemView *view) {
    Order order = {.count = 0};
    for (unsigned d = 0; d < view->rank; d++) {
        if (view->strides[d] == 0 || is_idle(view, d))
            continue;
        unsigned at = order.count++;
        for (; at > 0 && view->strides[order.dims[at - 1]] < view->strides[d]; at--)
            order.dims[at] = order.dims[at - 1];
        order.dims[at] = d;
    }
    return order;
}

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

/* The coordinates of an offset in elements; only the first may leave the shape, where strides are
 * those of a tensor without gaps. */
static void decode(const MemView *view, const Order *order, int64_t position, int64_t *at) {
    memset(at, 0, MEM_MAX_RANK * sizeof *at);
    for (unsigned i = 0; i < order->count; i++) {
        unsigned d = order->dims[i];
        at[d] = floor_div(position, view->strides[d]);
        position -= at[d] * view->strides[d];
    }
}

const IrType *place_tile(const InterpAccess *access) {
    const IrOp *op = access->op;
    if (op == NULL)
        return NULL;
    for (unsigned i = 0; i < op->num_operands && i < 2; i++) {
        const IrType *type = ir_operand(op, i)->type;
        if (ir_is_tile(type) && (size_t)ir_numel(type) == access->num_lanes)
            return type;
    }
    if (op->num_results > 0 && ir_is_tile(ir_result(op, 0)->type) &&
        (size_t)ir_numel(ir_result(op, 0)->type) == access->num_lanes)
        return ir_result(op, 0)->type;
    return NULL;
}

/* A tile's steps, in elements and as moves along dimensions. */
typedef struct Steps {
    unsigned rank;
    int64_t extent[MEM_MAX_RANK];
    int64_t step[MEM_MAX_RANK];
    unsigned dim[MEM_MAX_RANK]; /* where the step goes along */
    int64_t move[MEM_MAX_RANK]; /* how far */
} Steps;

static int64_t position_of(const MemView *view, const InterpLane *lane) {
    return floor_div(lane->offset, (int64_t)dtype_size(view->dtype));
}

/* The tile's coordinate on `axis` of a lane. */
static int64_t tile_index(const Steps *steps, size_t lane, unsigned axis) {
    for (unsigned a = steps->rank; a > axis + 1; a--)
        lane /= (size_t)steps->extent[a - 1];
    return (int64_t)(lane % (size_t)steps->extent[axis]);
}

/* The dimension that a step moves along; false if there is none. */
static bool find_move(const MemView *view, const Order *order, Steps *steps, unsigned axis) {
    int64_t step = steps->step[axis];
    steps->dim[axis] = 0;
    steps->move[axis] = 0;
    for (unsigned i = 0; i < order->count && step != 0; i++) {
        unsigned d = order->dims[i];
        if (step % view->strides[d] == 0) {
            steps->dim[axis] = d;
            steps->move[axis] = step / view->strides[d];
            return true;
        }
    }
    return step == 0;
}

/* Fills in the steps; false unless they explain the offsets of all lanes. */
static bool find_steps(const MemView *view, const Order *order, const InterpAccess *access,
                       int param, Steps *steps) {
    const IrType *tile = place_tile(access);
    *steps = (Steps){.rank = 1, .extent = {(int64_t)access->num_lanes}};
    if (tile != NULL && tile->rank <= MEM_MAX_RANK) {
        steps->rank = tile->rank;
        memcpy(steps->extent, tile->shape, tile->rank * sizeof *tile->shape);
    }
    int64_t first = position_of(view, &access->lanes[0]);
    size_t stride = access->num_lanes;
    for (unsigned a = 0; a < steps->rank; a++) {
        stride /= (size_t)steps->extent[a];
        steps->step[a] =
            steps->extent[a] > 1 ? position_of(view, &access->lanes[stride]) - first : 0;
        if (!find_move(view, order, steps, a))
            return false;
    }
    for (size_t i = 0; i < access->num_lanes; i++) {
        int64_t expected = first;
        for (unsigned a = 0; a < steps->rank; a++)
            expected += tile_index(steps, i, a) * steps->step[a];
        if (access->lanes[i].param != param || position_of(view, &access->lanes[i]) != expected)
            return false;
    }
    return true;
}

static bool is_inside(const MemView *view, const int64_t *at) {
    for (unsigned d = 0; d < view->rank; d++) {
        if (at[d] < 0 || at[d] >= view->shape[d])
            return false;
    }
    return true;
}

/* Places all lanes from one that is known; false if an active lane ends up outside. */
static bool follow_steps(const MemView *view, const Order *order, const InterpAccess *access,
                         const Steps *steps, PlacedLane *out) {
    size_t known = 0;
    while (known < access->num_lanes && !access->lanes[known].active)
        known++;
    if (known == access->num_lanes)
        known = 0;
    int64_t base[MEM_MAX_RANK];
    decode(view, order, position_of(view, &access->lanes[known]), base);
    for (unsigned a = 0; a < steps->rank; a++)
        base[steps->dim[a]] -= tile_index(steps, known, a) * steps->move[a];
    for (size_t i = 0; i < access->num_lanes; i++) {
        memcpy(out[i].at, base, sizeof base);
        for (unsigned a = 0; a < steps->rank; a++)
            out[i].at[steps->dim[a]] += tile_index(steps, i, a) * steps->move[a];
        if (access->lanes[i].active && !is_inside(view, out[i].at))
            return false;
    }
    return true;
}

void place_lanes(const MemView *view, const InterpAccess *access, int param, PlacedLane *out) {
    Order order = order_of(view);
    Steps steps;
    if (find_steps(view, &order, access, param, &steps) &&
        follow_steps(view, &order, access, &steps, out))
        return;
    for (size_t i = 0; i < access->num_lanes; i++)
        decode(view, &order, position_of(view, &access->lanes[i]), out[i].at);
}
