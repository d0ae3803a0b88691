/* global_races.c -- races of a block's threads in global memory.
 *
 * What one thread of a block stores and another one loads must be ordered by a barrier, in global
 * memory as in shared. Cells are kept for the lines of 64 bytes touched since all of the block's
 * warps last met at a barrier, found by a hash table: what was before that is ordered. (Races
 * between blocks are found by the cpu device; volatile and ordered accesses are left out.)
 *
 *     st.global [p + 4 * tid]; ld.global [p + 4 * (tid ^ 32)]      a race, without bar.sync between
 */
#include "runtime/emu/cells.h"

enum { LINE = 64, FIRST_LINES = 256, MOST_LINES = 1 << 14 };

struct GlobalLine {
    uint64_t place;
    uint32_t generation; /* of the block; others are free */
    uint32_t first;      /* of its cells */
};

void global_forget(Cta *cta) {
    cta->generation++;
    cta->num_lines = 0;
}

static unsigned cells_a_line(const Cta *cta) {
    return LINE / cta->worker->launch->kernel->global_granule;
}

static GlobalLine *slot_of(const Cta *cta, uint64_t place) {
    uint64_t mask = 2 * (uint64_t)cta->cap_lines - 1; /* half of the slots are free */
    uint64_t slot = (place * UINT64_C(0x9e3779b97f4a7c15)) >> 20 & mask;
    for (;; slot = (slot + 1) & mask) {
        GlobalLine *line = &cta->lines[slot];
        if (line->generation != cta->generation || line->place == place)
            return line;
    }
}

static void grow(Cta *cta) {
    GlobalLine *old = cta->lines;
    ShadowCell *cells = cta->line_cells;
    unsigned old_cap = cta->cap_lines, width = cells_a_line(cta);
    Arena *arena = cta->worker->arena;
    cta->cap_lines = old_cap == 0 ? FIRST_LINES : 2 * old_cap;
    cta->lines = ARENA_ARRAY(arena, GlobalLine, 2 * (size_t)cta->cap_lines);
    cta->line_cells = ARENA_ARRAY(arena, ShadowCell, (size_t)cta->cap_lines * width);
    if (cells != NULL)
        memcpy(cta->line_cells, cells, (size_t)old_cap * width * sizeof *cells);
    for (size_t i = 0; i < 2 * (size_t)old_cap; i++)
        if (old[i].generation == cta->generation)
            *slot_of(cta, old[i].place) = old[i];
}

/* The cells of a line. */
static ShadowCell *cells_of(Cta *cta, uint64_t place) {
    if (cta->num_lines == cta->cap_lines) {
        if (cta->cap_lines < MOST_LINES)
            grow(cta);
        else
            global_forget(cta);
    }
    GlobalLine *line = slot_of(cta, place);
    if (line->generation != cta->generation) {
        unsigned width = cells_a_line(cta);
        uint32_t first = cta->num_lines++ * width;
        *line = (GlobalLine){.place = place, .generation = cta->generation, .first = first};
        memset(&cta->line_cells[first], 0, width * sizeof(ShadowCell));
    }
    return &cta->line_cells[line->first];
}

/* An access to one cell, `at` bytes into what the lane asked for; false: *conflict tells. */
static bool touch(Warp *warp, const Inst *inst, EmuAccess kind, unsigned lane, ShadowCell *cell,
                  uint8_t *bytes, const uint8_t *data, CellConflict *conflict) {
    if (kind == EMU_READ) {
        CellReader reader = cell_reader(warp, inst);
        reader.lane = lane;
        if (cell_read(reader, cell))
            return true;
        *conflict = cell_read_conflict(cell);
        return false;
    }
    unsigned granule = warp->cta->worker->launch->kernel->global_granule;
    bool same = data != NULL && memcmp(bytes, data, granule) == 0;
    if (!cell_write(warp, inst, lane, cell, kind, same, conflict))
        return false;
    if (data != NULL) /* so that the next lane finds it there */
        memcpy(bytes, data, granule);
    return true;
}

bool global_track(Warp *warp, const Inst *inst, uint32_t mask, EmuAccess kind, unsigned size,
                  const uint64_t *host, const StoreData *data, const Region *region) {
    Cta *cta = warp->cta;
    unsigned granule = cta->worker->launch->kernel->global_granule;
    uint64_t place = UINT64_MAX;
    ShadowCell *cells = NULL;
    bool stores = data != NULL && kind == EMU_WRITE;
    EACH_LANE(lane, mask) {
        if (host[lane] / LINE != place) {
            place = host[lane] / LINE;
            cells = cells_of(cta, place);
        }
        ShadowCell *cell = &cells[host[lane] % LINE / granule];
        for (unsigned at = 0; at < size; at += granule, cell++) {
            CellConflict conflict;
            uint64_t address = host[lane] + at;
            if (touch(warp, inst, kind, lane, cell, (uint8_t *)(uintptr_t)address,
                      stores ? data[lane] + at : NULL, &conflict))
                continue;
            Fault *fault = cell_race(warp, inst, DIAG_EMU_GLOBAL_RACE, mask, lane, kind, &conflict);
            fault->address = address;
            fault->region = region;
            return false;
        }
    }
    return true;
}
