/* global_races.c -- races of a block's threads in global memory.
 *
 * What one thread of a block stores and another one loads must be ordered by a barrier, in global
 * memory as in shared. Cells are kept in a hash table of the block, for the places touched since
 * all of its warps last met at a barrier: what was before that is ordered. (Races between blocks
 * are found by the cpu device; volatile and ordered accesses are left out.)
 *
 *     st.global [p + 4 * tid]; ld.global [p + 4 * (tid ^ 32)]      a race, without bar.sync between
 */
#include "runtime/emu/cells.h"

enum { MOST_ENTRIES = 1 << 17 };

struct GlobalCell {
    uint64_t place;
    uint32_t generation; /* of the block; others are free */
    ShadowCell cell;
};

void global_forget(Cta *cta) {
    cta->generation++;
    cta->num_global = 0;
}

static GlobalCell *slot_of(const Cta *cta, uint64_t place) {
    uint64_t mask = cta->cap_global - 1;
    uint64_t slot = (place * UINT64_C(0x9e3779b97f4a7c15)) >> 20 & mask;
    for (;; slot = (slot + 1) & mask) {
        GlobalCell *entry = &cta->global[slot];
        if (entry->generation != cta->generation || entry->place == place)
            return entry;
    }
}

static void grow(Cta *cta) {
    GlobalCell *old = cta->global;
    size_t old_cap = cta->cap_global;
    cta->cap_global = old_cap == 0 ? 1024 : 2 * old_cap;
    cta->global = ARENA_ARRAY(cta->worker->arena, GlobalCell, cta->cap_global);
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].generation == cta->generation)
            *slot_of(cta, old[i].place) = old[i];
}

static ShadowCell *cell_of(Cta *cta, uint64_t place) {
    if (2 * cta->num_global >= cta->cap_global) {
        if (cta->cap_global < MOST_ENTRIES)
            grow(cta);
        else
            global_forget(cta);
    }
    GlobalCell *entry = slot_of(cta, place);
    if (entry->generation != cta->generation) {
        *entry = (GlobalCell){.place = place, .generation = cta->generation};
        cta->num_global++;
    }
    return &entry->cell;
}

bool global_track(Warp *warp, const Inst *inst, uint32_t mask, EmuAccess kind, unsigned size,
                  const uint64_t *host, const StoreData *data, const Region *region) {
    Cta *cta = warp->cta;
    unsigned granule = cta->worker->launch->kernel->global_granule;
    CellConflict conflict;
    EACH_LANE(lane, mask) {
        for (unsigned at = 0; at < size; at += granule) {
            uint64_t address = host[lane] + at;
            ShadowCell *cell = cell_of(cta, address / granule);
            bool fine;
            if (kind == EMU_READ) {
                fine = cell_read(warp, inst, lane, cell);
                if (!fine)
                    conflict = cell_read_conflict(cell);
            } else {
                uint8_t *bytes = (uint8_t *)(uintptr_t)address;
                bool stores = data != NULL && kind == EMU_WRITE;
                bool same = stores && memcmp(bytes, data[lane] + at, granule) == 0;
                fine = cell_write(warp, inst, lane, cell, kind, same, &conflict);
                if (fine && stores) /* so that the next lane finds it there */
                    memcpy(bytes, data[lane] + at, granule);
            }
            if (!fine) {
                Fault *fault =
                    cell_race(warp, inst, DIAG_EMU_GLOBAL_RACE, mask, lane, kind, &conflict);
                fault->address = address;
                fault->region = region;
                return false;
            }
        }
    }
    return true;
}
