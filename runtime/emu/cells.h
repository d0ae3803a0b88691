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

/* Records an access of a lane; false: it races with the one that *conflict tells. */
bool cell_read(const Warp *warp, const Inst *inst, unsigned lane, ShadowCell *cell,
               CellConflict *conflict);
/* A write or an atomic operation. `same`: the bytes there are what will be written. */
bool cell_write(const Warp *warp, const Inst *inst, unsigned lane, ShadowCell *cell, EmuAccess kind,
                bool same, CellConflict *conflict);
/* Was it written in this block? */
bool cell_is_written(const Cta *cta, const ShadowCell *cell);
/* An asynchronous copy begins to write; `same`: nothing else can come to be there. Its lane has
 * waited for it. */
bool cell_copy_begins(const Warp *warp, const Inst *inst, unsigned lane, ShadowCell *cell,
                      bool same, CellConflict *conflict);
void cell_copy_ends(const Warp *warp, unsigned lane, ShadowCell *cell);
bool cell_in_flight(const ShadowCell *cell);
/* All that happened so far counts as ordered; the clocks begin again at 2. */
void cell_renumber(ShadowCell *cell, bool written);
/* Raises a fault of this kind for the race (or of the kind for copies in flight). */
Fault *cell_race(Warp *warp, const Inst *inst, DiagId id, uint32_t mask, unsigned lane,
                 EmuAccess kind, const CellConflict *conflict);

#endif
