/* global.c -- global memory: bounds, alignment, what was written, and the sectors touched.
 *
 * Nearly all accesses of a warp are good and lie in one tensor, so the checks are made for the
 * warp as a whole: the lowest and the highest address, all low bits together. Only where that fails
 * is each lane looked at, to say which one is wrong.
 *
 * Memory is moved in sectors of 32 bytes. An access of a warp is one request; what counts is how
 * many sectors its lanes touch, against the fewest that could hold the bytes asked for (CUDA C++
 * Best Practices Guide, section 10.2.1):
 *
 *     32 lanes read neighbouring floats     4 sectors of 4
 *     32 lanes read every second float      8 sectors of 4
 *     32 lanes read one float               1 sector of 1
 */
#include "runtime/emu/machine.h"

enum { SECTOR_BITS = 5, SECTOR = 1 << SECTOR_BITS };

typedef struct Span {   /* the lanes of an access, without their tags */
    uint64_t at[LANES]; /* lanes that take no part repeat one that does */
    uint64_t lo, hi, low_bits;
    uint64_t tag;
    bool one_tag;
} Span;

static void span_of(Span *span, uint32_t mask, const uint64_t *addresses) {
    uint64_t first = addresses[first_lane(mask)];
    uint64_t lo = UINT64_MAX, hi = 0, bits = 0, tags = 0;
    for (unsigned l = 0; l < LANES; l++) {
        uint64_t address = mask >> l & 1 ? addresses[l] : first;
        tags |= address ^ first;
        uint64_t plain = address & ADDRESS_MASK;
        span->at[l] = plain;
        bits |= plain;
        lo = plain < lo ? plain : lo;
        hi = plain > hi ? plain : hi;
    }
    span->lo = lo;
    span->hi = hi;
    span->low_bits = bits;
    span->tag = first >> TAG_SHIFT;
    span->one_tag = tags >> TAG_SHIFT == 0;
}

/* What a tag stands for; NULL: nothing. */
static const Region *region_of(Worker *worker, uint64_t tag, uint64_t plain) {
    Launch *launch = worker->launch;
    if (tag == TAG_HOST) {
        Region *raw = &worker->raw;
        if (raw->alloc == NULL || plain < raw->lo || plain >= raw->hi) {
            MemAlloc *alloc = mem_find(launch->space, plain);
            *raw = (Region){.alloc = alloc};
            if (alloc == NULL)
                return NULL;
            raw->lo = (uint64_t)(uintptr_t)alloc->data;
            raw->hi = raw->lo + alloc->size;
        }
        return raw;
    }
    if (tag <= launch->what->num_args)
        return launch->args[tag - TAG_FIRST_ARG].alloc ? &launch->args[tag - TAG_FIRST_ARG] : NULL;
    const EmuModule *module = launch->kernel->module;
    if (tag >= TAG_FIRST_VAR && tag - TAG_FIRST_VAR < module->ptx->vars.len)
        return &module->vars[tag - TAG_FIRST_VAR];
    return NULL;
}

/* Is the address an element of the view (or inside one)? */
static bool is_element(const Region *region, uint64_t plain, unsigned size) {
    const MemView *view = region->view;
    int64_t bytes = (int64_t)dtype_size(view->dtype);
    int64_t at = (int64_t)plain - (int64_t)(uintptr_t)(view->alloc->data + view->offset);
    int64_t position = at / bytes;
    if (size > bytes) /* several elements: the first and the last one stand for them */
        return is_element(region, plain, (unsigned)bytes) &&
               is_element(region, plain + size - (unsigned)bytes, (unsigned)bytes);
    unsigned order[MEM_MAX_RANK];
    for (unsigned d = 0; d < view->rank; d++) { /* by descending stride */
        unsigned k = d;
        for (; k > 0 && view->strides[order[k - 1]] < view->strides[d]; k--)
            order[k] = order[k - 1];
        order[k] = d;
    }
    for (unsigned d = 0; d < view->rank; d++) {
        int64_t stride = view->strides[order[d]];
        if (stride == 0)
            continue;
        int64_t index = position / stride;
        index = index < view->shape[order[d]] ? index : view->shape[order[d]] - 1;
        position -= index * stride;
    }
    return position == 0;
}

static DiagId lane_fault(const Launch *launch, const Region *region, uint64_t plain, EmuAccess kind,
                         unsigned size) {
    if (region == NULL)
        return DIAG_RUN_WILD_ADDRESS;
    bool outside = plain < region->lo || plain > region->hi || size > region->hi - plain;
    if (outside && region->view == NULL && region->alloc != NULL)
        return DIAG_RUN_WILD_ADDRESS;
    if (!outside && launch->options->checks && launch->options->bounds == EMU_BOUNDS_ELEMENTS &&
        region->view != NULL)
        outside = !is_element(region, plain, size);
    if (outside)
        return kind == EMU_READ ? DIAG_RUN_LOAD_OUTSIDE : DIAG_RUN_STORE_OUTSIDE;
    return plain % size != 0 ? DIAG_RUN_MISALIGNED : DIAG_COUNT;
}

static bool raise_lane(Warp *warp, const Inst *inst, DiagId id, uint32_t mask, unsigned lane,
                       const Region *region, uint64_t plain, EmuAccess kind, unsigned size) {
    fault_access(warp, inst, id, mask, lane, plain, kind, size);
    warp->cta->worker->fault.region = region;
    return false;
}

/* Looks at each lane; true if all of them are fine after all. */
static bool check_lanes(Warp *warp, const Inst *inst, uint32_t mask, EmuAccess kind, unsigned size,
                        const uint64_t *addresses) {
    Worker *worker = warp->cta->worker;
    uint32_t bad = 0;
    DiagId first = DIAG_COUNT;
    EACH_LANE(lane, mask) {
        uint64_t plain = addresses[lane] & ADDRESS_MASK;
        const Region *region = region_of(worker, addresses[lane] >> TAG_SHIFT, plain);
        DiagId id = lane_fault(worker->launch, region, plain, kind, size);
        if (id == DIAG_COUNT || (first != DIAG_COUNT && id != first))
            continue;
        if (first == DIAG_COUNT)
            raise_lane(warp, inst, id, mask, lane, region, plain, kind, size);
        first = id;
        bad |= LANE_BIT(lane);
    }
    if (first != DIAG_COUNT)
        worker->fault.bad_lanes = bad;
    return first == DIAG_COUNT;
}

/* The lanes lie side by side, in order. */
static bool is_row(const Span *span, uint32_t mask, unsigned size) {
    if (mask != ALL_LANES)
        return false;
    uint64_t wrong = 0;
    for (unsigned l = 0; l < LANES; l++)
        wrong |= span->at[l] ^ (span->at[0] + l * size);
    return wrong == 0;
}

/* Reads must find what was written; writes leave a record. */
static bool track_written(Warp *warp, const Inst *inst, uint32_t mask, EmuAccess kind,
                          unsigned size, const Region *region, const Span *span, bool row) {
    MemAlloc *alloc = region->alloc;
    if (alloc == NULL || alloc->written == NULL)
        return true;
    uint64_t base = (uint64_t)(uintptr_t)alloc->data;
    bool checks = warp->cta->worker->launch->options->checks;
    if (row) {
        size_t offset = span->at[0] - base, len = (size_t)size * LANES;
        if (kind == EMU_WRITE)
            mem_mark_written(alloc, offset, len);
        if (kind == EMU_WRITE || mem_is_written(alloc, offset, len))
            return true;
    }
    uint32_t bad = 0;
    EACH_LANE(lane, mask) {
        size_t offset = span->at[lane] - base;
        if (kind != EMU_WRITE && checks && !mem_is_written(alloc, offset, size))
            bad |= LANE_BIT(lane);
        if (kind != EMU_READ)
            mem_mark_written(alloc, offset, size);
    }
    if (bad == 0)
        return true;
    unsigned lane = first_lane(bad);
    raise_lane(warp, inst, DIAG_RUN_READ_UNWRITTEN, mask, lane, region, span->at[lane], kind, size);
    warp->cta->worker->fault.bad_lanes = bad;
    return false;
}

/* How many different numbers there are. */
static unsigned count_distinct(const uint64_t *numbers) {
    enum { SLOTS = 128 };
    uint64_t table[SLOTS];
    bool used[SLOTS] = {false};
    unsigned distinct = 0;
    for (unsigned l = 0; l < LANES; l++) {
        uint64_t slot = (numbers[l] * UINT64_C(0x9e3779b97f4a7c15)) >> 57;
        while (used[slot] && table[slot] != numbers[l])
            slot = (slot + 1) % SLOTS;
        distinct += !used[slot];
        used[slot] = true;
        table[slot] = numbers[l];
    }
    return distinct;
}

static unsigned count_steps(const uint64_t *at, unsigned shift, bool *ascending) {
    unsigned steps = 1;
    uint64_t descents = 0;
    for (unsigned l = 1; l < LANES; l++) {
        steps += at[l] >> shift != at[l - 1] >> shift;
        descents |= (uint64_t)(at[l] < at[l - 1]);
    }
    *ascending = descents == 0;
    return steps;
}

static void count_request(EmuCounts *counts, const Span *span, unsigned size, bool row) {
    counts->requests++;
    if (row) {
        uint64_t end = span->at[0] + (uint64_t)size * LANES - 1;
        counts->sectors += (end >> SECTOR_BITS) - (span->at[0] >> SECTOR_BITS) + 1;
        counts->sectors_min += size;
        return;
    }
    bool ascending;
    unsigned sectors = count_steps(span->at, SECTOR_BITS, &ascending);
    unsigned places = count_steps(span->at, 0, &ascending);
    if (!ascending) {
        uint64_t numbers[LANES];
        places = count_distinct(span->at);
        for (unsigned l = 0; l < LANES; l++)
            numbers[l] = span->at[l] >> SECTOR_BITS;
        sectors = count_distinct(numbers);
    }
    counts->sectors += sectors;
    counts->sectors_min += (places * size + SECTOR - 1) / SECTOR;
}

bool global_lanes(Warp *warp, const Inst *inst, uint32_t mask, EmuAccess kind, unsigned size,
                  uint64_t *addresses, const StoreData *data) {
    Worker *worker = warp->cta->worker;
    const EmuOptions *options = worker->launch->options;
    Span span;
    span_of(&span, mask, addresses);
    const Region *region = region_of(worker, span.tag, span.lo);
    bool fine = span.one_tag && region != NULL && span.lo >= region->lo && span.hi < region->hi &&
                size <= region->hi - span.hi && (span.low_bits & (size - 1)) == 0 &&
                (options->bounds != EMU_BOUNDS_ELEMENTS || !options->checks);
    if (!fine && !check_lanes(warp, inst, mask, kind, size, addresses))
        return false;
    bool row = is_row(&span, mask, size);
    count_request(counts_of(warp, inst), &span, size, row);
    if (span.one_tag) {
        if (!track_written(warp, inst, mask, kind, size, region, &span, row))
            return false;
    } else {
        EACH_LANE(lane, mask) { /* pointers of several tensors in one access */
            uint64_t tag = addresses[lane] >> TAG_SHIFT;
            const Region *own = region_of(worker, tag, span.at[lane]);
            if (!track_written(warp, inst, LANE_BIT(lane), kind, size, own, &span, false))
                return false;
        }
    }
    EACH_LANE(lane, mask)
    addresses[lane] = span.at[lane];
    bool tracks = options->checks && !inst->ordered && worker->launch->num_threads > 1;
    return !tracks || global_track(warp, inst, mask, kind, size, addresses, data,
                                   span.one_tag ? region : NULL);
}
