/* shared.c -- shared memory: bounds, races by happens-before, reads of what nobody wrote, banks.
 *
 * Every granule (the smallest access of the kernel) remembers who wrote it and who read it last, as
 * stamps: the warp, its clock at that time, the lane. A warp's clock ticks at every barrier it
 * passes, and barriers exchange clocks (`seen`), so an earlier access comes before the current one
 * if the current warp has seen a later clock of the other warp; within a warp, if its own clock has
 * ticked since (bar.warp.sync ticks it). That is FastTrack (Flanagan and Freund, PLDI 2009) with
 * warps as threads and at most two readers kept: the last ones of different warps.
 *
 *     warp 0: st.shared [a]     a: write = (clock 1, warp 0, lane 0)
 *     warp 1: ld.shared [a]     warp 1 has seen clock 0 of warp 0: a race
 *     both:   bar.sync 0        warp 1 has seen clock 1 of warp 0
 *     warp 1: ld.shared [a]     fine
 *
 * Two threads that write the same value into one granule do not count as a race: the result does
 * not depend on their order.
 *
 * Banks: 32 banks of 4 bytes. A warp's access is served in phases of 32 lanes for up to 4 bytes a
 * lane, 16 lanes for 8 and 8 lanes for 16; a phase takes as many wavefronts as there are different
 * words in the bank with the most of them.
 */
#include "runtime/emu/machine.h"

#define WARP_MASK ((1u << STAMP_WARP_BITS) - 1)
#define LANE_MASK ((1u << STAMP_LANE_BITS) - 1)

static uint32_t stamp_of(const Warp *warp, uint32_t lane) {
    return warp->clock << (STAMP_WARP_BITS + STAMP_LANE_BITS) | warp->index << STAMP_LANE_BITS |
           lane;
}
static uint32_t stamp_clock(uint32_t stamp) {
    return stamp >> (STAMP_WARP_BITS + STAMP_LANE_BITS);
}
static uint32_t stamp_warp(uint32_t stamp) {
    return stamp >> STAMP_LANE_BITS & WARP_MASK;
}
static uint32_t stamp_lane(uint32_t stamp) {
    return stamp & LANE_MASK;
}

/* Did the access of `stamp` happen before what `lane` of the warp does now? */
static bool is_ordered(const Warp *warp, uint32_t stamp, uint32_t lane, uint32_t own) {
    uint32_t clock = stamp_clock(stamp), other = stamp_warp(stamp);
    if (clock <= warp->cta->clock_base)
        return true;
    if (other == warp->index)
        return clock < warp->clock || lane == own;
    return clock <= warp->seen[other];
}

/* In stamps of writes, lanes from 32 on did an atomic operation. */
#define ATOMIC_LANES 32u

static bool race(Warp *warp, const Inst *inst, uint32_t mask, unsigned lane, uint32_t stamp,
                 uint32_t pc, bool wrote, uint64_t offset, EmuAccess kind) {
    Fault *fault = fault_raise(warp, inst, DIAG_EMU_SHARED_RACE, mask, LANE_BIT(lane));
    fault->other_thread = stamp_warp(stamp) * LANES + stamp_lane(stamp) % LANES;
    if (!wrote && stamp_lane(stamp) == LANE_MANY) /* several lanes read it: name one */
        fault->other_thread = stamp_warp(stamp) * LANES + (lane == 0 ? 1 : 0);
    fault->other = &warp->code[pc];
    fault->other_wrote = wrote;
    fault->address = offset;
    fault->access = kind;
    return false;
}

static bool touch_read(Warp *warp, const Inst *inst, uint32_t mask, unsigned lane, ShadowCell *cell,
                       uint64_t offset) {
    uint32_t write = cell->write;
    if (stamp_clock(write) <= warp->cta->clock_base) {
        fault_raise(warp, inst, DIAG_EMU_SHARED_UNWRITTEN, mask, LANE_BIT(lane))->address = offset;
        return false;
    }
    if (!is_ordered(warp, write, lane, stamp_lane(write) % LANES))
        return race(warp, inst, mask, lane, write, cell->write_pc, true, offset, EMU_READ);
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

/* `same`: the bytes there are what will be written. */
static bool touch_write(Warp *warp, const Inst *inst, uint32_t mask, unsigned lane,
                        ShadowCell *cell, uint64_t offset, EmuAccess kind, bool same) {
    uint32_t write = cell->write;
    bool both_atomic = kind == EMU_ATOMIC && stamp_lane(write) >= ATOMIC_LANES;
    if (!both_atomic && !same && !is_ordered(warp, write, lane, stamp_lane(write) % LANES))
        return race(warp, inst, mask, lane, write, cell->write_pc, true, offset, kind);
    const uint32_t reads[] = {cell->read, cell->read_other};
    for (unsigned i = 0; i < 2; i++)
        if (!same && !is_ordered(warp, reads[i], lane, stamp_lane(reads[i])))
            return race(warp, inst, mask, lane, reads[i], cell->read_pc, false, offset, kind);
    if (kind == EMU_ATOMIC && stamp_clock(write) <= warp->cta->clock_base) {
        fault_raise(warp, inst, DIAG_EMU_SHARED_UNWRITTEN, mask, LANE_BIT(lane))->address = offset;
        return false;
    }
    cell->write = stamp_of(warp, kind == EMU_ATOMIC ? lane + ATOMIC_LANES : lane);
    cell->write_pc = (uint32_t)(inst - warp->code);
    if (!same)
        cell->read = cell->read_other = 0;
    return true;
}

static bool touch(Warp *warp, const Inst *inst, uint32_t mask, EmuAccess kind, unsigned size,
                  const uint64_t *offsets, const StoreData *data) {
    Cta *cta = warp->cta;
    unsigned granule = cta->worker->launch->kernel->shared_granule;
    EACH_LANE(lane, mask) {
        uint64_t offset = offsets[lane];
        for (unsigned at = 0; at < size; at += granule) {
            ShadowCell *cell = &cta->cells[(offset + at) / granule];
            bool fine;
            if (kind == EMU_READ) {
                fine = touch_read(warp, inst, mask, lane, cell, offset + at);
            } else {
                bool written = stamp_clock(cell->write) > cta->clock_base;
                bool same = data != NULL && written && kind == EMU_WRITE &&
                            memcmp(cta->shared + offset + at, data[lane] + at, granule) == 0;
                fine = touch_write(warp, inst, mask, lane, cell, offset + at, kind, same);
                if (fine && data != NULL && kind == EMU_WRITE)
                    memcpy(cta->shared + offset + at, data[lane] + at, granule);
            }
            if (!fine)
                return false;
        }
    }
    return true;
}

/* Wavefronts of the lanes of one phase. */
static unsigned phase_wavefronts(uint32_t lanes, unsigned words, const uint64_t *offsets) {
    uint32_t seen[LANES][LANES]; /* by bank: the words it serves */
    uint8_t count[LANES] = {0};
    unsigned most = 0;
    EACH_LANE(lane, lanes) {
        for (unsigned i = 0; i < words; i++) {
            uint32_t word = (uint32_t)(offsets[lane] / 4) + i, bank = word % LANES;
            unsigned k = 0;
            while (k < count[bank] && seen[bank][k] != word)
                k++;
            if (k < count[bank])
                continue;
            seen[bank][k] = word;
            count[bank]++;
            most = count[bank] > most ? count[bank] : most;
        }
    }
    return most;
}

static bool lanes_in_a_row(uint32_t mask, unsigned size, const uint64_t *offsets) {
    if (mask != ALL_LANES)
        return false;
    uint64_t wrong = 0;
    for (unsigned l = 0; l < LANES; l++)
        wrong |= offsets[l] ^ (offsets[0] + l * size);
    return wrong == 0;
}

static void count_banks(EmuCounts *counts, uint32_t mask, unsigned size, const uint64_t *offsets) {
    unsigned words = size < 4 ? 1 : size / 4;
    unsigned lanes = LANES / words;
    if (lanes_in_a_row(mask, size, offsets)) {
        counts->wavefronts += words;
        counts->wavefronts_min += words;
        return;
    }
    uint32_t phase = lanes == LANES ? ALL_LANES : LANE_BIT(lanes) - 1;
    for (unsigned first = 0; first < LANES; first += lanes) {
        uint32_t in_phase = mask & phase << first;
        if (in_phase == 0)
            continue;
        counts->wavefronts += phase_wavefronts(in_phase, words, offsets);
        counts->wavefronts_min++;
    }
}

static bool bad_lane(Warp *warp, const Inst *inst, DiagId id, uint32_t mask, unsigned lane,
                     uint64_t address, EmuAccess kind, unsigned size) {
    Fault *fault = fault_raise(warp, inst, id, mask, LANE_BIT(lane));
    fault->address = address;
    fault->access = kind;
    fault->size = size;
    return false;
}

bool shared_lanes(Warp *warp, const Inst *inst, uint32_t mask, EmuAccess kind, unsigned size,
                  uint64_t *addresses, const StoreData *data) {
    Cta *cta = warp->cta;
    const Launch *launch = cta->worker->launch;
    uint64_t offsets[LANES] = {0};
    EACH_LANE(lane, mask) {
        uint64_t offset = (addresses[lane] & ADDRESS_MASK) - WINDOW_START;
        uint64_t tag = addresses[lane] >> TAG_SHIFT;
        bool foreign = tag != 0 && tag != TAG_SHARED;
        if (foreign || offset > launch->shared_size || size > launch->shared_size - offset)
            return bad_lane(warp, inst, DIAG_EMU_SHARED_OUTSIDE, mask, lane, addresses[lane], kind,
                            size);
        if (offset % size != 0)
            return bad_lane(warp, inst, DIAG_EMU_MISALIGNED, mask, lane, addresses[lane], kind,
                            size);
        offsets[lane] = offset;
        addresses[lane] = (uint64_t)(uintptr_t)(cta->shared + offset);
    }
    count_banks(counts_of(warp, inst), mask, size, offsets);
    return !launch->options->checks || touch(warp, inst, mask, kind, size, offsets, data);
}

/* ---- clocks ---------------------------------------------------------------------------------- */

/* The clocks are used up: all that happened so far counts as ordered, and they begin again. */
static void renumber(Cta *cta) {
    const Launch *launch = cta->worker->launch;
    size_t cells = launch->shared_size / launch->kernel->shared_granule;
    for (size_t i = 0; i < cells; i++) {
        ShadowCell *cell = &cta->cells[i];
        bool written = stamp_clock(cell->write) > cta->clock_base;
        cell->write = written ? UINT32_C(1) << (STAMP_WARP_BITS + STAMP_LANE_BITS) : 0;
        cell->read = cell->read_other = 0;
    }
    cta->clock_base = 0;
    for (unsigned i = 0; i < cta->num_warps; i++) {
        cta->warps[i].clock = 2;
        for (unsigned k = 0; k < cta->num_warps; k++)
            cta->warps[i].seen[k] = 1;
    }
    for (unsigned b = 0; b < MAX_BARRIERS; b++)
        for (unsigned k = 0; k < cta->num_warps; k++)
            cta->barriers[b].clocks[k] = cta->barriers[b].expected != 0 ? 1 : 0;
}

void shared_tick(Warp *warp) {
    if (warp->clock + 1 >= MAX_CLOCK)
        renumber(warp->cta);
    warp->clock++;
}

void shared_start(Cta *cta) {
    const Launch *launch = cta->worker->launch;
    uint32_t last = cta->clock_base;
    for (unsigned i = 0; i < cta->num_warps; i++)
        last = cta->warps[i].clock > last ? cta->warps[i].clock : last;
    if (last > MAX_CLOCK / 2) {
        size_t cells = launch->shared_size / launch->kernel->shared_granule + 1;
        memset(cta->cells, 0, cells * sizeof(ShadowCell));
        last = 0;
    }
    cta->clock_base = last;
    for (unsigned i = 0; i < cta->num_warps; i++) {
        cta->warps[i].clock = last + 1;
        for (unsigned k = 0; k < cta->num_warps; k++)
            cta->warps[i].seen[k] = last;
    }
}
