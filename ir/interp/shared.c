/* shared.c -- shared memory at the laid level, and whether threads may rely on what they find
 * there.
 *
 * A program instance is one thread here, so every order of its threads must be thought of: barriers
 * cut its run into phases, and of two accesses to one place in one phase, at least one of them a
 * store, both must come from the same warp. The layouts say which warps hold an element, and which
 * of them stores it. Buffers lie where their offsets say, on top of each other if need be, so that
 * an allocation that joins two living buffers shows: a place remembers which buffer was stored to
 * it last. Buffers without an offset yet lie behind one another.
 *
 *     shared_store %a, %x        place 0..255: buffer a, phase 1, warps 0..3
 *     shared_load %a             fault, unless each warp reads what itself has stored
 *     barrier                    phase 2
 *     shared_load %a             fine
 *
 * Copies in the background are groups: an element that one writes may be touched by nobody until
 * its thread has waited for the group, and by other threads until a barrier follows. What they
 * carry is there at once; that nobody relies on it is what is checked.
 *
 *     async_copy %p, %a, %yes    place 0..255: group 1
 *     async_commit               group 2 from here on
 *     async_wait 0               groups up to 1 have arrived
 *     barrier                    ... and everyone knows
 *     shared_load %a             fine
 *
 * This is the happens-before test of race detectors (Lamport 1978) where all clocks meet at every
 * barrier, so that one number is the whole vector clock.
 */
#include "ir/interp/shared.h"

#include <string.h>

#include "ir/buffers.h"
#include "ir/interp/access.h"
#include "support/bits.h"

#define MEMORY_OFFSET 64u /* of the bytes within the state */
#define MANY_WARPS    0xffu

/* Who touched a granule. */
typedef struct Cell {
    uint32_t stored_in, read_in; /* phases; 0: never */
    uint32_t readers;            /* warps, in the phase read_in */
    uint32_t group;              /* of copies: the one that wrote it last; 0: a store did */
    uint16_t buffer;             /* stored to it last */
    uint8_t writer;              /* warp, or MANY_WARPS */
    bool atomic;                 /* the last store */
} Cell;

typedef struct SharedState {
    uint32_t phase;
    uint32_t open;    /* the group of the next copy, from 1 on */
    uint32_t arrived; /* groups up to this one have been waited for ... */
    uint32_t known;   /* ... before the last barrier */
} SharedState;

/* The value of a shared_slot. */
typedef struct SharedView {
    SharedState *state;
    size_t base; /* of the stage behind the first one, in bytes */
} SharedView;

typedef struct Place {
    const IrOp *alloc;
    size_t base; /* in bytes */
} Place;

struct SharedPlan {
    VEC(Place) places; /* index: the buffer's number */
    size_t bytes;
    unsigned granule; /* bytes of a cell */
};

struct SharedBuffer {
    const SharedPlan *plan;
    const IrType *type;
    uint16_t number;
    unsigned granule;
    size_t count, size;  /* elements, bytes of one */
    const size_t *where; /* [count] the place of each element, in bytes; of the first stage */
    bool is_view;        /* the result of a shared_slot */
};

/* ---- the plan -------------------------------------------------------------------------------- */

typedef struct Planner {
    Arena *arena;
    SharedPlan *plan;
} Planner;

static bool plan_op(IrOp *op, void *data) {
    Planner *planner = data;
    SharedPlan *plan = planner->plan;
    if (op->code != OP_SharedAlloc)
        return true;
    const IrType *type = ir_result(op, 0)->type;
    int64_t offset = ir_attr_int(op, ATTR_OFFSET);
    unsigned size = (unsigned)ir_elem_size(type->elem);
    Place place = {.alloc = op, .base = (size_t)offset};
    size_t bytes = (size_t)ir_buffer_total(op);
    if (offset >= 0 && place.base + bytes > plan->bytes)
        plan->bytes = place.base + bytes;
    plan->granule = size < plan->granule ? size : plan->granule;
    while (offset > 0 && offset % plan->granule != 0)
        plan->granule /= 2;
    vec_push(planner->arena, &plan->places, place);
    return true;
}

SharedPlan *shared_plan(Arena *arena, const IrKernel *kernel) {
    SharedPlan *plan = ARENA_NEW(arena, SharedPlan);
    plan->granule = 8;
    Planner planner = {.arena = arena, .plan = plan};
    ir_walk(kernel->body, plan_op, &planner);
    for (size_t i = 0; i < plan->places.len; i++) {
        Place *place = &plan->places.data[i];
        if (ir_attr_int(place->alloc, ATTR_OFFSET) >= 0)
            continue;
        place->base = (plan->bytes + 15) / 16 * 16;
        plan->bytes = place->base + (size_t)ir_buffer_total(place->alloc);
    }
    plan->bytes = (plan->bytes + 15) / 16 * 16;
    return plan->places.len > 0 ? plan : NULL;
}

size_t shared_view_size(void) {
    return sizeof(SharedView);
}

size_t shared_state_size(const SharedPlan *plan) {
    return MEMORY_OFFSET + plan->bytes + plan->bytes / plan->granule * sizeof(Cell);
}

static uint8_t *memory_of(SharedState *state) {
    return (uint8_t *)state + MEMORY_OFFSET;
}

static Cell *cells_of(SharedState *state, const SharedPlan *plan) {
    return (Cell *)(void *)(memory_of(state) + plan->bytes);
}

bool exec_shared_begin(Exec *exec, const Inst *inst) {
    SharedState *state = slot(exec, inst->dst[0]);
    memset(state, 0, shared_state_size(inst->info));
    state->phase = state->open = 1;
    return true;
}

static void pass_barrier(SharedState *state) {
    state->phase++;
    state->known = state->arrived;
}

bool exec_shared_barrier(Exec *exec, const Inst *inst) {
    pass_barrier(slot(exec, inst->src[0]));
    return true;
}

bool exec_shared_commit(Exec *exec, const Inst *inst) {
    ((SharedState *)slot(exec, inst->src[0]))->open++;
    return true;
}

bool exec_shared_wait(Exec *exec, const Inst *inst) {
    SharedState *state = slot(exec, inst->src[0]);
    uint32_t pending = (uint32_t)ir_attr_int(inst->op, ATTR_PENDING), committed = state->open - 1;
    if (committed > pending && committed - pending > state->arrived)
        state->arrived = committed - pending;
    return true;
}

/* ---- layouts --------------------------------------------------------------------------------- */

/* The row-major number of an element word in a tile of that type; SIZE_MAX: padding. */
static size_t element_number(const IrType *type, uint32_t word) {
    size_t number = 0;
    for (unsigned a = 0; a < type->rank; a++) {
        int64_t at = layout_coord(type->layout, word, a);
        if (at >= type->shape[a])
            return SIZE_MAX;
        number = number * (size_t)type->shape[a] + (size_t)at;
    }
    return number;
}

/* For each element the set of warps that hold it; `owner`: the one that stores it. */
static const uint32_t *holders(Arena *arena, const IrType *tile, bool owner) {
    const Layout *layout = tile->layout;
    uint32_t *warps = ARENA_ARRAY(arena, uint32_t, (size_t)ir_numel(tile)), free[LL_NIN];
    layout_free(layout, free);
    for (uint32_t warp = 0; warp < 1u << layout->nin[LL_WARP]; warp++) {
        for (uint32_t lane = 0; lane < 1u << layout->nin[LL_LANE]; lane++) {
            bool owns = (lane & free[LL_LANE]) == 0 && (warp & free[LL_WARP]) == 0;
            for (uint32_t reg = 0; (owns || !owner) && reg < layout_num_regs(layout); reg++) {
                size_t at = element_number(tile, layout_element(layout, reg, lane, warp, 0));
                if (at != SIZE_MAX)
                    warps[at] |= 1u << warp;
            }
        }
    }
    return warps;
}

const SharedBuffer *shared_buffer(Arena *arena, const SharedPlan *plan, const IrValue *value) {
    const IrType *type = value->type;
    SharedBuffer *buffer = ARENA_NEW(arena, SharedBuffer);
    const IrOp *alloc = ir_buffer_alloc(value);
    size_t number = 0;
    while (number < plan->places.len && plan->places.data[number].alloc != alloc)
        number++;
    if (number == plan->places.len)
        return NULL;
    size_t count = (size_t)ir_numel(type), size = ir_elem_size(type->elem);
    size_t *where = ARENA_ARRAY(arena, size_t, count);
    for (uint32_t off = 0; off < 1u << type->layout->nin[LL_OFF]; off++) {
        size_t at = element_number(type, layout_apply(type->layout, off));
        if (at != SIZE_MAX)
            where[at] = plan->places.data[number].base + off * size;
    }
    *buffer = (SharedBuffer){.plan = plan, .number = (uint16_t)number, .count = count};
    buffer->type = type;
    buffer->size = size;
    buffer->where = where;
    buffer->granule = plan->granule;
    buffer->is_view = value->def != alloc;
    return buffer;
}

/* ---- who touches what ------------------------------------------------------------------------ */

/* An access of some warps to one element; `lane` is for the message. */
typedef struct Touch {
    Exec *exec;
    const Inst *inst;
    const SharedBuffer *buffer;
    SharedState *state;
    size_t base; /* of the stage */
    size_t lanes;
} Touch;

/* `memory`: the value of the buffer. */
static Touch begin_touch(Exec *exec, const Inst *inst, const SharedBuffer *buffer, SlotRef memory,
                         size_t lanes) {
    Touch t = {.exec = exec, .inst = inst, .buffer = buffer, .lanes = lanes};
    const SharedView *view = slot(exec, memory);
    t.state = buffer->is_view ? view->state : slot(exec, memory);
    t.base = buffer->is_view ? view->base : 0;
    if (exec->launch->options->implied_barriers)
        pass_barrier(t.state);
    return t;
}

static bool wrong(const Touch *t, size_t lane, const char *what) {
    exec_fault(t->exec, t->inst, DIAG_RUN_SHARED, lane, 1, t->lanes);
    t->exec->fault.text = what;
    return false;
}

static const char *read_cell(const Touch *t, Cell *cell, uint32_t warps) {
    uint32_t phase = t->state->phase;
    if (cell->stored_in == 0)
        return "an element is read that nobody stored";
    if (cell->buffer != t->buffer->number)
        return "an element is read that another buffer has overwritten";
    if (cell->group > t->state->arrived)
        return "an element is read that is still being copied: no async_wait lies between";
    if (cell->group > t->state->known)
        return "an element is read that was copied, and no barrier lies behind the async_wait";
    bool own = cell->writer != MANY_WARPS && warps == 1u << cell->writer;
    if (cell->stored_in == phase && !own)
        return "an element is read that another warp stored, and no barrier lies between";
    if (cell->read_in != phase)
        cell->readers = 0;
    cell->read_in = phase;
    cell->readers |= warps;
    return NULL;
}

static const char *store_cell(const Touch *t, Cell *cell, unsigned warp, bool atomic) {
    uint32_t phase = t->state->phase;
    if (cell->group > t->state->known)
        return "an element is stored where a copy may still be on its way: no async_wait and "
               "barrier lie between";
    bool again = cell->stored_in == phase && cell->writer != warp;
    if (again && !(atomic && cell->atomic))
        return "an element is stored where another warp stored, and no barrier lies between";
    if (cell->read_in == phase && (cell->readers & ~(1u << warp)) != 0)
        return "an element is stored where another warp read, and no barrier lies between";
    if (atomic && (cell->stored_in == 0 || cell->buffer != t->buffer->number))
        return "an element is counted up that nobody stored";
    cell->stored_in = phase;
    cell->buffer = t->buffer->number;
    cell->writer = again ? MANY_WARPS : (uint8_t)warp;
    cell->atomic = atomic;
    cell->group = 0;
    return NULL;
}

/* The bytes of the element at `where` after a read by `warps`, or (`stores`) a store by the only
 * one of them; NULL: a fault. */
static uint8_t *touch(const Touch *t, size_t where, uint32_t warps, bool stores, bool atomic,
                      size_t lane) {
    Cell *cells = cells_of(t->state, t->buffer->plan);
    unsigned granule = t->buffer->granule;
    where += t->base;
    for (size_t at = where; at < where + t->buffer->size; at += granule) {
        Cell *cell = &cells[at / granule];
        const char *what =
            stores ? store_cell(t, cell, bits_low(warps), atomic) : read_cell(t, cell, warps);
        if (what != NULL) {
            wrong(t, lane, what);
            return NULL;
        }
    }
    return memory_of(t->state) + where;
}

/* ---- the operations -------------------------------------------------------------------------- */

typedef struct SharedInfo {
    const SharedBuffer *buffer;
    const uint32_t *warps; /* of each element of the tile */
    size_t count;          /* elements of the tile */
    bool has_mask;
    size_t index_size; /* gather, count: bytes of an index */
    size_t len, inner; /* gather: the buffer's shape around and inside the axis */
    size_t picks;      /* gather: elements of the result along the axis */
} SharedInfo;

static Touch touch_of(Exec *exec, const Inst *inst, const SharedInfo *info) {
    return begin_touch(exec, inst, info->buffer, inst->src[0], info->count);
}

static bool exec_shared_slot(Exec *exec, const Inst *inst) {
    const SharedInfo *info = inst->info;
    SharedView *view = slot(exec, inst->dst[0]);
    const int32_t *stage = slot(exec, inst->src[1]);
    const IrOp *alloc = ir_buffer_alloc(ir_operand(inst->op, 0));
    Touch t = {.exec = exec, .inst = inst};
    if (*stage < 0 || *stage >= ir_attr_int(alloc, ATTR_STAGES))
        return wrong(&t, 0, "a stage is chosen that the buffer does not have");
    view->state = slot(exec, inst->src[0]);
    view->base = (size_t)*stage * (size_t)ir_buffer_stride(info->buffer->type);
    return true;
}

static bool exec_shared_store(Exec *exec, const Inst *inst) {
    const SharedInfo *info = inst->info;
    Touch t = touch_of(exec, inst, info);
    const uint8_t *values = slot(exec, inst->src[1]);
    const uint8_t *mask = info->has_mask ? slot(exec, inst->src[2]) : NULL;
    size_t size = info->buffer->size;
    for (size_t i = 0; i < info->count; i++) {
        if (mask != NULL && !mask[i])
            continue;
        uint8_t *bytes = touch(&t, info->buffer->where[i], info->warps[i], true, false, i);
        if (bytes == NULL)
            return false;
        memcpy(bytes, values + i * size, size);
    }
    return true;
}

static bool exec_shared_load(Exec *exec, const Inst *inst) {
    const SharedInfo *info = inst->info;
    Touch t = touch_of(exec, inst, info);
    uint8_t *out = slot(exec, inst->dst[0]);
    size_t size = info->buffer->size;
    for (size_t i = 0; i < info->count; i++) {
        const uint8_t *bytes = touch(&t, info->buffer->where[i], info->warps[i], false, false, i);
        if (bytes == NULL)
            return false;
        memcpy(out + i * size, bytes, size);
    }
    return true;
}

static int64_t read_index(const uint8_t *data, size_t size) {
    uint64_t bits = 0;
    memcpy(&bits, data, size); /* little-endian */
    unsigned unused = 64 - 8 * (unsigned)size;
    return (int64_t)(bits << unused) >> unused;
}

static bool exec_shared_gather(Exec *exec, const Inst *inst) {
    const SharedInfo *info = inst->info;
    Touch t = touch_of(exec, inst, info);
    const uint8_t *index = slot(exec, inst->src[1]);
    uint8_t *out = slot(exec, inst->dst[0]);
    size_t size = info->buffer->size;
    for (size_t i = 0; i < info->count; i++) {
        int64_t pick = read_index(index + i * info->index_size, info->index_size);
        if (pick < 0 || (size_t)pick >= info->len)
            return exec_fault(exec, inst, DIAG_RUN_GATHER_RANGE, i, 1, info->count);
        size_t outer = i / info->inner / info->picks;
        size_t from = (outer * info->len + (size_t)pick) * info->inner + i % info->inner;
        const uint8_t *bytes =
            touch(&t, info->buffer->where[from], info->warps[i], false, false, i);
        if (bytes == NULL)
            return false;
        memcpy(out + i * size, bytes, size);
    }
    return true;
}

/* Elements by their numbers in the padded shape. */
static bool exec_shared_pick(Exec *exec, const Inst *inst) {
    const SharedInfo *info = inst->info;
    Touch t = touch_of(exec, inst, info);
    const uint32_t *index = slot(exec, inst->src[1]);
    uint8_t *out = slot(exec, inst->dst[0]);
    uint32_t end = 1u << layout_bits(info->buffer->type->layout);
    for (size_t i = 0; i < info->count; i++) {
        size_t at = index[i] < end ? element_number(info->buffer->type, index[i]) : SIZE_MAX;
        if (at == SIZE_MAX)
            return wrong(&t, i, "an element is picked that the buffer does not have");
        const uint8_t *bytes = touch(&t, info->buffer->where[at], info->warps[i], false, false, i);
        if (bytes == NULL)
            return false;
        memcpy(out + i * info->buffer->size, bytes, info->buffer->size);
    }
    return true;
}

static bool exec_shared_count(Exec *exec, const Inst *inst) {
    const SharedInfo *info = inst->info;
    Touch t = touch_of(exec, inst, info);
    const uint8_t *index = slot(exec, inst->src[1]);
    const uint8_t *mask = info->has_mask ? slot(exec, inst->src[2]) : NULL;
    for (size_t i = 0; i < info->count; i++) {
        int64_t bin = read_index(index + i * info->index_size, info->index_size);
        bool counts = bin >= 0 && (size_t)bin < info->buffer->count;
        if (!counts || (mask != NULL && !mask[i]))
            continue;
        uint8_t *bytes = touch(&t, info->buffer->where[bin], info->warps[i], true, true, i);
        if (bytes == NULL)
            return false;
        uint32_t seen;
        memcpy(&seen, bytes, sizeof seen);
        seen++;
        memcpy(bytes, &seen, sizeof seen);
    }
    return true;
}

bool shared_read_all(Exec *exec, const Inst *inst, const SharedBuffer *buffer, SlotRef memory,
                     uint8_t *out) {
    Touch t = begin_touch(exec, inst, buffer, memory, buffer->count);
    for (size_t i = 0; i < buffer->count; i++) {
        const uint8_t *bytes = touch(&t, buffer->where[i], UINT32_MAX, false, false, i);
        if (bytes == NULL)
            return false;
        memcpy(out + i * buffer->size, bytes, buffer->size);
    }
    return true;
}

/* ---- copies in the background ------------------------------------------------------------------
 */

typedef struct CopyInfo {
    SharedInfo shared;
    const MemoryInfo *memory;
} CopyInfo;

static void join_group(const Touch *t, size_t where) {
    Cell *cells = cells_of(t->state, t->buffer->plan);
    unsigned granule = t->buffer->granule;
    where += t->base;
    for (size_t at = where; at < where + t->buffer->size; at += granule)
        cells[at / granule].group = t->state->open;
}

static bool exec_async_copy(Exec *exec, const Inst *inst) {
    const CopyInfo *info = inst->info;
    const SharedBuffer *buffer = info->shared.buffer;
    const uint8_t *happens = slot(exec, inst->src[2]);
    const uint8_t *mask = info->shared.has_mask ? slot(exec, inst->src[3]) : NULL;
    uint8_t *values = exec->scratch;
    if (!*happens)
        return true;
    if (!memory_read(exec, inst, info->memory, slot(exec, inst->src[0]), mask, NULL, values))
        return false;
    Touch t = begin_touch(exec, inst, buffer, inst->src[1], buffer->count);
    for (size_t i = 0; i < buffer->count; i++) {
        uint8_t *bytes = touch(&t, buffer->where[i], info->shared.warps[i], true, false, i);
        if (bytes == NULL)
            return false;
        memcpy(bytes, values + i * buffer->size, buffer->size);
        join_group(&t, buffer->where[i]);
    }
    return true;
}

static bool prepare_copy(Arena *arena, const SharedPlan *plan, const IrOp *op, Inst *inst,
                         size_t *scratch) {
    CopyInfo *info = ARENA_NEW(arena, CopyInfo);
    const IrType *ptrs = ir_operand(op, 0)->type;
    info->shared.buffer = shared_buffer(arena, plan, ir_operand(op, 1));
    info->shared.warps = holders(arena, ptrs, true);
    info->shared.has_mask = op->num_operands > 3;
    info->memory = memory_info(arena, op, 3);
    inst->exec = exec_async_copy;
    inst->info = info;
    inst->count = (size_t)ir_numel(ptrs);
    *scratch = inst->count * ir_elem_size(ir_elem(ptrs)->elem);
    return info->shared.buffer != NULL;
}

/* ---- choice ---------------------------------------------------------------------------------- */

static ExecFn exec_for(IrOpcode code) {
    switch ((int)code) { /* every other op belongs to another file */
    case OP_SharedSlot:
        return exec_shared_slot;
    case OP_SharedStore:
        return exec_shared_store;
    case OP_SharedLoad:
        return exec_shared_load;
    case OP_SharedGather:
        return exec_shared_gather;
    case OP_SharedPick:
        return exec_shared_pick;
    case OP_SharedCount:
        return exec_shared_count;
    default:
        return NULL;
    }
}

static void describe_gather(SharedInfo *info, const IrOp *op) {
    const IrType *from = ir_operand(op, 0)->type;
    int64_t axis = ir_attr_int(op, ATTR_AXIS);
    info->len = (size_t)from->shape[axis];
    info->picks = (size_t)ir_result(op, 0)->type->shape[axis];
    info->inner = 1;
    for (unsigned d = (unsigned)axis + 1; d < from->rank; d++)
        info->inner *= (size_t)from->shape[d];
}

bool prepare_shared(Arena *arena, const SharedPlan *plan, const IrOp *op, Inst *inst,
                    size_t *scratch) {
    if (op->code == OP_AsyncCopy)
        return prepare_copy(arena, plan, op, inst, scratch);
    inst->exec = exec_for(op->code);
    if (inst->exec == NULL)
        return false;
    SharedInfo *info = ARENA_NEW(arena, SharedInfo);
    bool stores = op->code == OP_SharedStore || op->code == OP_SharedCount;
    info->buffer = shared_buffer(arena, plan, ir_operand(op, 0));
    inst->info = info;
    if (op->code == OP_SharedSlot)
        return info->buffer != NULL;
    const IrType *tile = stores ? ir_operand(op, 1)->type : ir_result(op, 0)->type;
    info->warps = holders(arena, tile, stores);
    info->count = (size_t)ir_numel(tile);
    info->has_mask = op->num_operands > 2;
    if (op->code == OP_SharedGather || op->code == OP_SharedCount)
        info->index_size = ir_elem_size(ir_operand(op, 1)->type);
    if (op->code == OP_SharedGather)
        describe_gather(info, op);
    return info->buffer != NULL;
}
