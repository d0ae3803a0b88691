/* cells.c -- races by happens-before.
 *
 * Every place (as large as the kernel's smallest access) remembers who wrote it and who read it
 * last, as stamps: the warp, its clock at that time, the lane. A warp's clock ticks at every
 * barrier it passes, and barriers exchange clocks (`seen`), so an earlier access comes before the
 * current one if the current warp has seen a later clock of the other warp; within a warp, if its
 * own clock has ticked since (bar.warp.sync ticks it). That is FastTrack (Flanagan and Freund, PLDI
 * 2009) with warps as threads and at most two readers kept: the last ones of different warps.
 *
 *     warp 0: st.shared [a]     a: write = (clock 1, warp 0, lane 0)
 *     warp 1: ld.shared [a]     warp 1 has seen clock 0 of warp 0: a race
 *     both:   bar.sync 0        warp 1 has seen clock 1 of warp 0
 *     warp 1: ld.shared [a]     fine
 *
 * Two threads that write the same value into one place do not count as a race: the result does not
 * depend on their order.
 *
 * What an asynchronous copy writes has a clock that nobody has seen, until the copy's thread waits
 * for it: then it counts as written by that thread at that time.
 */
#include "runtime/emu/cells.h"

/* In stamps of writes, lanes from 32 on did an atomic operation. */
#define ATOMIC_LANES 32u

Fault *cell_race(Warp *warp, const Inst *inst, DiagId id, uint32_t mask, unsigned lane,
                 EmuAccess kind, const CellConflict *conflict) {
    uint32_t stamp = conflict->stamp;
    if (conflict->wrote && stamp_clock(stamp) == CLOCK_IN_FLIGHT)
        id = DIAG_EMU_COPY_IN_FLIGHT;
    Fault *fault = fault_raise(warp, inst, id, mask, LANE_BIT(lane));
    fault->other_thread = stamp_warp(stamp) * LANES + stamp_lane(stamp) % LANES;
    if (!conflict->wrote && stamp_lane(stamp) == LANE_MANY) /* several lanes read it: name one */
        fault->other_thread = stamp_warp(stamp) * LANES + (lane == 0 ? 1 : 0);
    fault->other = &warp->code[conflict->pc];
    fault->other_wrote = conflict->wrote;
    fault->access = kind;
    return fault;
}

void cell_renumber(ShadowCell *cell, bool written) {
    if (!cell_in_flight(cell))
        cell->write = written ? UINT32_C(1) << STAMP_CLOCK_SHIFT : 0;
    cell->read = cell->read_other = 0;
}

static bool conflicts(CellConflict *conflict, uint32_t stamp, uint32_t pc, bool wrote) {
    *conflict = (CellConflict){.stamp = stamp, .pc = pc, .wrote = wrote};
    return false;
}

CellConflict cell_read_conflict(const ShadowCell *cell) {
    return (CellConflict){.stamp = cell->write, .pc = cell->write_pc, .wrote = true};
}

bool cell_write(const Warp *warp, const Inst *inst, unsigned lane, ShadowCell *cell, EmuAccess kind,
                bool same, CellConflict *conflict) {
    uint32_t write = cell->write;
    bool both_atomic = kind == EMU_ATOMIC && stamp_lane(write) >= ATOMIC_LANES;
    if (!both_atomic && !same && !stamp_is_ordered(warp, write, lane, stamp_lane(write) % LANES))
        return conflicts(conflict, write, cell->write_pc, true);
    const uint32_t reads[] = {cell->read, cell->read_other};
    for (unsigned i = 0; i < 2; i++)
        if (!same && !stamp_is_ordered(warp, reads[i], lane, stamp_lane(reads[i])))
            return conflicts(conflict, reads[i], cell->read_pc, false);
    cell->write = stamp_of(warp, kind == EMU_ATOMIC ? lane + ATOMIC_LANES : lane);
    cell->write_pc = (uint32_t)(inst - warp->code);
    if (!same)
        cell->read = cell->read_other = 0;
    return true;
}

static uint32_t stamp_in_flight(const Warp *warp, unsigned lane) {
    return CLOCK_IN_FLIGHT << STAMP_CLOCK_SHIFT | warp->index << STAMP_LANE_BITS | lane;
}

bool cell_copy_begins(const Warp *warp, const Inst *inst, unsigned lane, ShadowCell *cell,
                      bool same, CellConflict *conflict) {
    if (!cell_write(warp, inst, lane, cell, EMU_WRITE, same, conflict))
        return false;
    cell->write = stamp_in_flight(warp, lane);
    return true;
}

void cell_copy_ends(const Warp *warp, unsigned lane, ShadowCell *cell) {
    if (cell->write == stamp_in_flight(warp, lane))
        cell->write = stamp_of(warp, lane);
}
