/* access.c -- every access to device memory, checked: bounds, alignment, written, races.
 *
 * Accesses come as spans of neighbouring elements, so that the common case, a contiguous tile, is
 * checked once and not element by element. What is found wrong stops the program with a fault;
 * when this run is not the one to report from (several threads, or a first try that ignores the
 * order that atomics give), it only asks for the launch to be run again, in order.
 */
#include "ir/interp/access.h"

#include <string.h>

static bool in_elements(const MemView *view, size_t offset) {
    size_t size = dtype_size(view->dtype);
    if (offset < view->offset)
        return false;
    size_t index = (offset - view->offset) / size;
    bool used[MEM_MAX_RANK] = {false};
    for (unsigned round = 0; round < view->rank; round++) { /* largest stride first */
        unsigned best = view->rank;
        for (unsigned d = 0; d < view->rank; d++)
            if (!used[d] && (best == view->rank || view->strides[d] > view->strides[best]))
                best = d;
        used[best] = true;
        size_t stride = (size_t)view->strides[best];
        if (stride == 0)
            continue;
        size_t position = index / stride;
        if (position >= (size_t)view->shape[best])
            position = (size_t)view->shape[best] - 1;
        index -= position * stride;
    }
    return index == 0;
}

static bool is_inside(const Exec *exec, const Region *region, uint64_t address, size_t size) {
    if (address < region->lo || address + size > region->hi)
        return false;
    if (exec->launch->options->bounds != BOUNDS_ELEMENTS || region->view == NULL ||
        !exec->launch->options->checks)
        return true;
    return in_elements(region->view, address - (uint64_t)(uintptr_t)region->alloc->data);
}

static bool span_is_inside(const Exec *exec, const Region *region, const Span *span) {
    uint64_t address = ptr_address(span->ptr);
    if (address < region->lo || address + span->count * span->size > region->hi)
        return false;
    if (exec->launch->options->bounds != BOUNDS_ELEMENTS || !exec->launch->options->checks)
        return true;
    for (size_t i = 0; i < span->count; i++)
        if (!is_inside(exec, region, address + i * span->size, span->size))
            return false;
    return true;
}

/* ---- faults ------------------------------------------------------------------------------------
 */

typedef bool (*LaneTest)(const Exec *exec, const Region *region, uint64_t address, size_t size);

static bool lane_is_outside(const Exec *exec, const Region *region, uint64_t address, size_t size) {
    return !is_inside(exec, region, address, size);
}

static bool lane_is_unwritten(const Exec *exec, const Region *region, uint64_t address,
                              size_t size) {
    return is_inside(exec, region, address, size) &&
           !mem_is_written(region->alloc, address - (uint64_t)(uintptr_t)region->alloc->data, size);
}

static bool lane_is_misaligned(const Exec *exec, const Region *region, uint64_t address,
                               size_t size) {
    (void)exec;
    (void)region;
    return address % size != 0;
}

/* Faults with the first lane of the access, in row-major order, that fails the test. */
static bool memory_fault(Exec *exec, const Inst *inst, const Span *span, const Region *region,
                         DiagId id, LaneTest is_bad) {
    if (!exec->launch->report) {
        exec->stop = STOP_REPLAY;
        return false;
    }
    size_t first = span->lane, bad = 0, lanes = span->count;
    uint64_t address = ptr_address(span->ptr);
    for (size_t i = 0; span->lanes == NULL && i < span->count; i++) {
        uint64_t at = ptr_address(span->ptr) + i * span->size;
        if (is_bad(exec, region, at, span->size) && bad++ == 0) {
            first = span->lane + i;
            address = at;
        }
    }
    for (size_t i = 0; span->lanes != NULL && i < span->num_lanes; i++) {
        bool active = span->mask == NULL || span->mask[i];
        if (!active || ptr_tag(span->lanes[i]) != ptr_tag(span->ptr))
            continue;
        if (is_bad(exec, region, ptr_address(span->lanes[i]), span->size) && bad++ == 0) {
            first = i;
            address = ptr_address(span->lanes[i]);
        }
        lanes = span->num_lanes;
    }
    exec_fault(exec, inst, id, first, bad, lanes);
    exec->fault.address = address;
    exec->fault.access_size = span->size;
    exec->fault.region = region;
    exec->fault.kind = (int)span->kind;
    return false;
}

static uint64_t read_bits(const uint8_t *bytes, size_t size) {
    uint64_t bits = 0;
    memcpy(&bits, bytes, size < sizeof bits ? size : sizeof bits);
    return bits;
}

static bool race_fault(Exec *exec, const Inst *inst, const Span *span, const Region *region,
                       const Conflict *conflict) {
    size_t offset = ptr_address(span->ptr) - (uint64_t)(uintptr_t)region->alloc->data;
    size_t element = conflict->offset > offset ? (conflict->offset - offset) / span->size : 0;
    bool write_write = span->kind != ACCESS_READ && conflict->other_wrote;
    DiagId id = write_write ? DIAG_RUN_RACE_WRITE : DIAG_RUN_RACE_READ;
    exec_fault(exec, inst, id, span->lane + element, 1,
               span->lanes != NULL ? span->num_lanes : span->count);
    Fault *fault = &exec->fault;
    fault->address = ptr_address(span->ptr) + element * span->size;
    fault->access_size = span->size;
    fault->region = region;
    fault->other = conflict->other;
    fault->other_wrote = conflict->other_wrote;
    fault->kind = (int)span->kind;
    fault->has_values = span->kind == ACCESS_WRITE && conflict->other_wrote;
    if (fault->has_values) {
        fault->old_bits =
            read_bits(region->alloc->data + offset + element * span->size, span->size);
        fault->new_bits = read_bits(span->values + element * span->size, span->size);
    }
    return false;
}

/* ---- races -------------------------------------------------------------------------------------
 */

/* Is what will be stored at the conflicting element what is there already? */
static bool writes_same_value(const Span *span, const Region *region, size_t offset, size_t at,
                              size_t granule) {
    if (span->kind != ACCESS_WRITE || at < offset)
        return false;
    size_t bytes = span->count * span->size - (at - offset);
    return memcmp(region->alloc->data + at, span->values + (at - offset),
                  granule < bytes ? granule : bytes) == 0;
}

static bool record(Exec *exec, const Inst *inst, const Span *span, const Region *region) {
    size_t offset = ptr_address(span->ptr) - (uint64_t)(uintptr_t)region->alloc->data;
    size_t at = offset, end = offset + span->count * span->size;
    size_t granule = shadow_granule(region->shadow);
    Conflict conflict;
    while (at < end && !shadow_touch(region->shadow, exec->arena, exec->program, at, end - at,
                                     span->kind, &conflict)) {
        if (!exec->launch->report) {
            exec->stop = STOP_REPLAY;
            return false;
        }
        bool same = conflict.other_wrote && !conflict.other_atomic &&
                    writes_same_value(span, region, offset, conflict.offset, granule);
        race_fault(exec, inst, span, region, &conflict);
        if (!same)
            return false;
        launch_warn_same_value(exec);
        exec->stop = STOP_NONE;
        at = conflict.offset + granule;
    }
    return true;
}

/* ---- the access --------------------------------------------------------------------------------
 */

static const Region *region_of(Exec *exec, const Inst *inst, const Span *span) {
    uint64_t tag = ptr_tag(span->ptr);
    if (tag != 0)
        return &exec->launch->regions[tag - 1];
    const Region *region = launch_find_region(exec, ptr_address(span->ptr));
    if (region == NULL) {
        exec_fault(exec, inst, DIAG_RUN_WILD_ADDRESS, span->lane, 1,
                   span->lanes != NULL ? span->num_lanes : span->count);
        exec->fault.address = ptr_address(span->ptr);
        exec->fault.access_size = span->size;
        exec->fault.kind = (int)span->kind;
    }
    return region;
}

uint8_t *access_span(Exec *exec, const Inst *inst, Span *span) {
    const Region *region = region_of(exec, inst, span);
    span->region = region;
    if (region == NULL)
        return NULL;
    uint64_t address = ptr_address(span->ptr);
    bool is_load = span->kind == ACCESS_READ;
    if (!span_is_inside(exec, region, span)) {
        memory_fault(exec, inst, span, region,
                     is_load ? DIAG_RUN_LOAD_OUTSIDE : DIAG_RUN_STORE_OUTSIDE, lane_is_outside);
        return NULL;
    }
    size_t offset = address - (uint64_t)(uintptr_t)region->alloc->data;
    uint8_t *bytes = region->alloc->data + offset;
    if (!exec->launch->options->checks)
        return bytes;
    if (address % span->size != 0) {
        memory_fault(exec, inst, span, region, DIAG_RUN_MISALIGNED, lane_is_misaligned);
        return NULL;
    }
    if (region->shadow != NULL && !span->untracked && !record(exec, inst, span, region))
        return NULL;
    if (span->reads && !mem_is_written(region->alloc, offset, span->count * span->size)) {
        memory_fault(exec, inst, span, region, DIAG_RUN_READ_UNWRITTEN, lane_is_unwritten);
        return NULL;
    }
    return bytes;
}

void access_written(const Span *span) {
    MemAlloc *alloc = span->region->alloc;
    mem_mark_written(alloc, ptr_address(span->ptr) - (uint64_t)(uintptr_t)alloc->data,
                     span->count * span->size);
}

static bool follows(const uint64_t *ptrs, const uint8_t *mask, size_t lane, uint64_t expected) {
    return ptrs[lane] == expected && (mask == NULL || mask[lane]);
}

size_t access_run_length(const uint64_t *ptrs, const uint8_t *mask, size_t at, size_t end,
                         size_t size) {
    enum { BLOCK = 64, SHORT = 8 };
    size_t len = 1;
    uint64_t base = ptrs[at] - at * size;
    while (at + len < end && len < SHORT && follows(ptrs, mask, at + len, base + (at + len) * size))
        len++;
    if (len < SHORT)
        return len;                   /* scattered lanes: do not look ahead far */
    while (at + len + BLOCK <= end) { /* whole blocks without branches */
        uint64_t differs = 0;
        for (size_t i = at + len; i < at + len + BLOCK; i++)
            differs |= ptrs[i] ^ (base + i * size);
        uint8_t all = 1;
        for (size_t i = at + len; mask != NULL && i < at + len + BLOCK; i++)
            all &= mask[i];
        if (differs != 0 || all == 0)
            break;
        len += BLOCK;
    }
    while (at + len < end && follows(ptrs, mask, at + len, base + (at + len) * size))
        len++;
    return len;
}
