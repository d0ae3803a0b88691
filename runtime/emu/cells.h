/* cells.h -- who touched a place of memory last, and whether that comes before what happens now.
 *
 * Shared memory has a cell for each granule (shared.c); of global memory those that a block touches
 * between two barriers have one (global_races.c).
 */
#ifndef TKC_RUNTIME_EMU_CELLS_H
#define TKC_RUNTIME_EMU_CELLS_H

#include "runtime/emu/machine.h"

typedef struct CellConflict { /* the other access */
    uint32_t stamp, pc;
    bool wrote;
} CellConflict;

#define STAMP_CLOCK_SHIFT (STAMP_WARP_BITS + STAMP_LANE_BITS)
static inline uint32_t stamp_of(const Warp *warp, uint32_t lane) {
    return warp->clock << STAMP_CLOCK_SHIFT | warp->index << STAMP_LANE_BITS | lane;
}
static inline uint32_t stamp_clock(uint32_t stamp) {
    return stamp >> STAMP_CLOCK_SHIFT;
}
static inline uint32_t stamp_warp(uint32_t stamp) {
    return stamp >> STAMP_LANE_BITS & ((1u << STAMP_WARP_BITS) - 1);
}
static inline uint32_t stamp_lane(uint32_t stamp) {
    return stamp & ((1u << STAMP_LANE_BITS) - 1);
}

/* Did the access of `stamp` by lane `own` of its warp happen before what `lane` of the warp does
 * now? */
static inline bool stamp_is_ordered(const Warp *warp, uint32_t stamp, uint32_t lane, uint32_t own) {
    uint32_t clock = stamp_clock(stamp), other = stamp_warp(stamp);
    if (clock <= warp->cta->clock_base)
        return true;
    if (other == warp->index)
        return clock < warp->clock || (lane == own && clock != CLOCK_IN_FLIGHT);
    return clock <= warp->seen[other];
}

/* Was it written in this block? */
static inline bool cell_is_written(const Cta *cta, const ShadowCell *cell) {
    return stamp_clock(cell->write) > cta->clock_base;
}
static inline bool cell_in_flight(const ShadowCell *cell) {
    return stamp_clock(cell->write) == CLOCK_IN_FLIGHT;
}

/* Records a read by a lane (LANE_MANY: by several); false: it races with the write that is there.
 */
static inline bool cell_read(const Warp *warp, const Inst *inst, unsigned lane, ShadowCell *cell) {
    uint32_t write = cell->write;
    if (!stamp_is_ordered(warp, write, lane, stamp_lane(write) % LANES))
        return false;
    uint32_t read = cell->read, stamp = stamp_of(warp, lane);
    if (read != 0 && stamp_warp(read) == warp->index) {
        bool same_time = stamp_clock(read) == warp->clock;
        cell->read = same_time && stamp_lane(read) != lane ? stamp_of(warp, LANE_MANY) : stamp;
    } else {
        cell->read_other = read;
        cell->read = stamp;
    }
    cell->read_pc = (uint32_t)(inst - warp->code);
    return true;
}
/* The write that a read races with. */
CellConflict cell_read_conflict(const ShadowCell *cell);
/* A write or an atomic operation. `same`: the bytes there are what will be written. */
bool cell_write(const Warp *warp, const Inst *inst, unsigned lane, ShadowCell *cell, EmuAccess kind,
                bool same, CellConflict *conflict);
/* An asynchronous copy begins to write; `same`: nothing else can come to be there. Its lane has
 * waited for it. */
bool cell_copy_begins(const Warp *warp, const Inst *inst, unsigned lane, ShadowCell *cell,
                      bool same, CellConflict *conflict);
void cell_copy_ends(const Warp *warp, unsigned lane, ShadowCell *cell);
/* All that happened so far counts as ordered; the clocks begin again at 2. */
void cell_renumber(ShadowCell *cell, bool written);
/* Raises a fault of this kind for the race (or of the kind for copies in flight). */
Fault *cell_race(Warp *warp, const Inst *inst, DiagId id, uint32_t mask, unsigned lane,
                 EmuAccess kind, const CellConflict *conflict);

#endif
