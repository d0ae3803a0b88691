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
 * now? Of itself, a warp has seen all before its current clock; of earlier blocks, all. */
static inline bool stamp_is_ordered(const Warp *warp, uint32_t stamp, uint32_t lane, uint32_t own) {
    uint32_t clock = stamp_clock(stamp), other = stamp_warp(stamp);
    return clock <= warp->seen[other] ||
           (other == warp->index && lane == own && clock != CLOCK_IN_FLIGHT);
}

/* Was it written in this block? */
static inline bool cell_is_written(const Cta *cta, const ShadowCell *cell) {
    return stamp_clock(cell->write) > cta->clock_base;
}
static inline bool cell_in_flight(const ShadowCell *cell) {
    return stamp_clock(cell->write) == CLOCK_IN_FLIGHT;
}

/* Who reads: what does not change from cell to cell. */
typedef struct CellReader {
    const uint32_t *seen;
    uint32_t now, own, pc; /* the stamp of lane 0 now; the warp; the instruction */
    uint32_t lane;         /* LANE_MANY: several */
} CellReader;
static inline CellReader cell_reader(const Warp *warp, const Inst *inst) {
    return (CellReader){.seen = warp->seen,
                        .now = stamp_of(warp, 0),
                        .own = warp->index,
                        .pc = (uint32_t)(inst - warp->code)};
}

/* Records a read; false: it races with the write that is there. */
static inline bool cell_read(CellReader reader, ShadowCell *cell) {
    uint32_t write = cell->write, writer = stamp_warp(write), clock = stamp_clock(write);
    if (clock > reader.seen[writer] &&
        (writer != reader.own || stamp_lane(write) % LANES != reader.lane ||
         clock == CLOCK_IN_FLIGHT))
        return false;
    uint32_t read = cell->read, stamp = reader.now | reader.lane;
    cell->read_pc = reader.pc;
    if ((read ^ reader.now) >> STAMP_LANE_BITS == 0) { /* of this warp at this time */
        cell->read = read == stamp ? stamp : reader.now | LANE_MANY;
        return true;
    }
    if (read == 0 || stamp_warp(read) != reader.own)
        cell->read_other = read;
    cell->read = stamp;
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
