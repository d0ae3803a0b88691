/* shared.c -- shared memory: bounds, races, reads of what nobody wrote, banks.
 *
 * Banks: 32 banks of 4 bytes. A warp's access is served in phases of 32 lanes for up to 4 bytes a
 * lane, 16 lanes for 8 and 8 lanes for 16; a phase takes as many wavefronts as there are different
 * words in the bank with the most of them.
 *
 *     st.shared.f32 by 32 lanes, 128 bytes apart     all words in one bank: 32 wavefronts
 *     st.shared.f32 by 32 lanes, 132 bytes apart     one word in each bank: 1
 */
#include "runtime/emu/cells.h"

static bool unwritten(Warp *warp, const Inst *inst, uint32_t mask, unsigned lane, uint64_t offset) {
    fault_raise(warp, inst, DIAG_EMU_SHARED_UNWRITTEN, mask, LANE_BIT(lane))->address = offset;
    return false;
}

static bool race(Warp *warp, const Inst *inst, uint32_t mask, unsigned lane, EmuAccess kind,
                 const CellConflict *conflict, uint64_t offset) {
    cell_race(warp, inst, DIAG_EMU_SHARED_RACE, mask, lane, kind, conflict)->address = offset;
    return false;
}

/* The lane that has byte `at` of the row of a matrix whose address is a lane's (matrix.c). */
static unsigned matrix_lane(const Inst *inst, unsigned lane, unsigned at) {
    unsigned row = lane % 8, column = at / 2;
    return inst->flag ? 4 * column + row / 2 : 4 * row + column / 2;
}

static bool touch_read(Warp *warp, const Inst *inst, uint32_t mask, unsigned size,
                       const uint64_t *offsets) {
    Cta *cta = warp->cta;
    unsigned granule = cta->worker->launch->kernel->shared_granule, count = size / granule;
    uint32_t base = cta->clock_base;
    CellReader reader = cell_reader(warp, inst);
    for (unsigned lane = 0; lane < LANES; lane++) {
        if ((mask >> lane & 1) == 0)
            continue;
        unsigned first = lane; /* of those side by side that read the same */
        while (lane + 1 < LANES && (mask >> (lane + 1) & 1) != 0 &&
               offsets[lane + 1] == offsets[lane])
            lane++;
        ShadowCell *cells = &cta->cells[offsets[lane] / granule];
        reader.lane = inst->by_warp || lane > first ? LANE_MANY : lane;
        for (unsigned i = 0; i < count; i++) {
            uint64_t offset = offsets[lane] + (uint64_t)i * granule;
            if (stamp_clock(cells[i].write) <= base)
                return unwritten(warp, inst, mask, lane, offset);
            if (cell_read(reader, &cells[i]))
                continue;
            CellConflict conflict = cell_read_conflict(&cells[i]);
            unsigned shown = inst->by_warp ? matrix_lane(inst, lane, i * granule) : first;
            if (stamp_warp(conflict.stamp) == warp->index && stamp_lane(conflict.stamp) == shown)
                shown = inst->by_warp ? shown ^ 1 : lane; /* it is the others that race */
            return race(warp, inst, mask, shown, EMU_READ, &conflict, offset);
        }
    }
    return true;
}

static bool touch(Warp *warp, const Inst *inst, uint32_t mask, EmuAccess kind, unsigned size,
                  const uint64_t *offsets, const StoreData *data) {
    Cta *cta = warp->cta;
    unsigned granule = cta->worker->launch->kernel->shared_granule;
    CellConflict conflict;
    if (kind == EMU_READ)
        return touch_read(warp, inst, mask, size, offsets);
    EACH_LANE(lane, mask) {
        for (unsigned at = 0; at < size; at += granule) {
            uint64_t offset = offsets[lane] + at;
            ShadowCell *cell = &cta->cells[offset / granule];
            bool written = cell_is_written(cta, cell), stores = data != NULL && kind == EMU_WRITE;
            if (!written && kind == EMU_ATOMIC)
                return unwritten(warp, inst, mask, lane, offset);
            bool same = stores && written && !cell_in_flight(cell) &&
                        memcmp(cta->shared + offset, data[lane] + at, granule) == 0;
            unsigned writer = inst->by_warp ? matrix_lane(inst, lane, at) : lane;
            if (!cell_write(warp, inst, writer, cell, kind, same, &conflict))
                return race(warp, inst, mask, writer, kind, &conflict, offset);
            if (stores)
                memcpy(cta->shared + offset, data[lane] + at, granule);
        }
    }
    return true;
}

bool shared_copy_begins(Warp *warp, const AsyncCopy *copy, uint32_t mask) {
    Cta *cta = warp->cta;
    const Inst *inst = copy->inst;
    unsigned granule = cta->worker->launch->kernel->shared_granule;
    CellConflict conflict;
    EACH_LANE(lane, mask) {
        for (unsigned at = 0; at < inst->bytes; at += granule) {
            uint32_t offset = copy->to[lane] + at;
            ShadowCell *cell = &cta->cells[offset / granule];
            const uint8_t *now = cell_in_flight(cell) ? cta->coming : cta->shared;
            bool same = cell_is_written(cta, cell) &&
                        memcmp(now + offset, copy->data[lane] + at, granule) == 0;
            if (!cell_copy_begins(warp, inst, lane, cell, same, &conflict))
                return race(warp, inst, mask, lane, EMU_WRITE, &conflict, offset);
        }
        memcpy(cta->coming + copy->to[lane], copy->data[lane], inst->bytes);
    }
    return true;
}

void shared_copy_ends(Warp *warp, unsigned lane, unsigned size, uint32_t offset) {
    unsigned granule = warp->cta->worker->launch->kernel->shared_granule;
    for (unsigned at = 0; at < size; at += granule)
        cell_copy_ends(warp, lane, &warp->cta->cells[(offset + at) / granule]);
}

/* Wavefronts of the lanes of one phase. Accesses of 2 and 4 words are aligned, so that they touch
 * either the same words or none in common: as if banks were as wide as they are. */
static unsigned phase_wavefronts(uint32_t lanes, unsigned words, const uint64_t *offsets) {
    uint32_t seen[LANES][LANES]; /* by bank: the words it serves */
    uint8_t count[LANES] = {0};
    unsigned most = 0, banks = LANES / words;
    uint64_t last = UINT64_MAX;
    EACH_LANE(lane, lanes) {
        uint64_t word = offsets[lane] / (4 * words);
        if (word == last)
            continue;
        last = word;
        unsigned bank = (unsigned)word & (banks - 1), k = 0;
        while (k < count[bank] && seen[bank][k] != (uint32_t)word)
            k++;
        if (k < count[bank])
            continue;
        seen[bank][k] = (uint32_t)word;
        count[bank]++;
        most = count[bank] > most ? count[bank] : most;
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

bool shared_place(Warp *warp, const Inst *inst, uint32_t mask, EmuAccess kind, unsigned size,
                  uint64_t *addresses) {
    const Launch *launch = warp->cta->worker->launch;
    EACH_LANE(lane, mask) {
        uint64_t offset = (addresses[lane] & ADDRESS_MASK) - WINDOW_START;
        uint64_t tag = addresses[lane] >> TAG_SHIFT;
        bool foreign = tag != 0 && tag != TAG_SHARED;
        if (foreign || offset > launch->shared_size || size > launch->shared_size - offset)
            return fault_access(warp, inst, DIAG_EMU_SHARED_OUTSIDE, mask, lane, addresses[lane],
                                kind, size);
        if (offset % size != 0)
            return fault_access(warp, inst, DIAG_EMU_MISALIGNED, mask, lane, addresses[lane], kind,
                                size);
        addresses[lane] = offset;
    }
    count_banks(counts_of(warp, inst), mask, size, addresses);
    return true;
}

bool shared_lanes(Warp *warp, const Inst *inst, uint32_t mask, EmuAccess kind, unsigned size,
                  uint64_t *addresses, const StoreData *data) {
    Cta *cta = warp->cta;
    if (!shared_place(warp, inst, mask, kind, size, addresses))
        return false;
    if (cta->worker->launch->options->checks &&
        !touch(warp, inst, mask, kind, size, addresses, data))
        return false;
    EACH_LANE(lane, mask)
    addresses[lane] += (uint64_t)(uintptr_t)cta->shared;
    return true;
}

/* ---- clocks ---------------------------------------------------------------------------------- */

/* The clocks are used up: all that happened so far counts as ordered, and they begin again. */
static void renumber(Cta *cta) {
    const Launch *launch = cta->worker->launch;
    size_t cells = launch->shared_size / launch->kernel->shared_granule;
    for (size_t i = 0; i < cells; i++) {
        ShadowCell *cell = &cta->cells[i];
        cell_renumber(cell, cell_is_written(cta, cell));
    }
    global_forget(cta);
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
    warp->seen[warp->index] = warp->clock++;
}

void shared_start(Cta *cta) {
    const Launch *launch = cta->worker->launch;
    uint32_t last = cta->clock_base;
    for (unsigned i = 0; i < cta->num_warps; i++)
        last = cta->warps[i].clock > last ? cta->warps[i].clock : last;
    bool in_flight = false; /* copies that nobody waited for */
    for (unsigned i = 0; i < cta->num_warps; i++)
        in_flight = in_flight || cta->warps[i].copies.len > 0;
    if (last > MAX_CLOCK / 2 || in_flight) {
        size_t cells = launch->shared_size / launch->kernel->shared_granule + 1;
        memset(cta->cells, 0, cells * sizeof(ShadowCell));
        last = 0;
    }
    cta->clock_base = last;
    global_forget(cta);
    for (unsigned i = 0; i < cta->num_warps; i++) {
        cta->warps[i].clock = last + 1;
        for (unsigned k = 0; k < cta->num_warps; k++)
            cta->warps[i].seen[k] = last;
    }
}
