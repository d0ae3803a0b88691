/* matrix.c -- ldmatrix and stmatrix: matrices of 8 x 8 elements of 16 bits between shared memory
 * and registers.
 *
 * A matrix is 8 rows of 16 bytes, each anywhere: lane 8 * i + r has the address of row r of matrix
 * i. Lane l gets two neighbours of row l / 4 in its register, columns 2 * (l % 4) and the next;
 * with .trans, of column l / 4 the rows 2 * (l % 4) and the next.
 *
 *     ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r1, %r2, %r3, %r4}, [%r5]     512 bytes
 *
 * A row is read by four lanes together, so that what one lane of the warp wrote there needs a
 * barrier (bar.warp.sync at least) even if it is the lane that has the address.
 */
#include "runtime/emu/tensor.h"

enum { ROW_BYTES = 16 };

/* The lanes whose addresses count. */
static uint32_t rows_mask(const Inst *inst) {
    return ALL_LANES >> (LANES - 8 * inst->count);
}

static uint32_t half_at(uint64_t row, unsigned column) {
    uint16_t bits;
    memcpy(&bits, (const uint8_t *)(uintptr_t)row + 2 * (size_t)column, sizeof bits);
    return bits;
}

void load_matrix_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    uint64_t host[LANES];
    if (!whole_warp(warp, inst, mask))
        return;
    access_addresses(warp, inst, host);
    if (!access_lanes(warp, inst, rows_mask(inst), EMU_READ, ROW_BYTES, host, NULL))
        return;
    for (unsigned i = 0; i < inst->count; i++) {
        uint32_t *d = row32(warp, inst->rows[i])->u;
        const uint64_t *rows = &host[(size_t)8 * i];
        for (unsigned l = 0; l < LANES; l++) {
            unsigned g = l / 4, t = 2 * (l % 4);
            if (inst->flag)
                d[l] = half_at(rows[t], g) | half_at(rows[t + 1], g) << 16;
            else
                memcpy(&d[l], (const uint8_t *)(uintptr_t)rows[g] + 2 * (size_t)t, sizeof d[l]);
        }
    }
}

void store_matrix_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    uint64_t host[LANES];
    StoreData data[LANES];
    if (!whole_warp(warp, inst, mask))
        return;
    for (unsigned i = 0; i < inst->count; i++) {
        const uint32_t *from = row32(warp, inst->rows[i])->u;
        for (unsigned r = 0; r < 8; r++) {
            for (unsigned c = 0; c < 8; c++) {
                unsigned lane = inst->flag ? 4 * c + r / 2 : 4 * r + c / 2;
                uint16_t bits = (uint16_t)(from[lane] >> 16 * (inst->flag ? r % 2 : c % 2));
                memcpy(data[8 * i + r] + 2 * (size_t)c, &bits, sizeof bits);
            }
        }
    }
    access_addresses(warp, inst, host);
    uint32_t rows = rows_mask(inst);
    if (!access_lanes(warp, inst, rows, EMU_WRITE, ROW_BYTES, host, (const StoreData *)data))
        return;
    EACH_LANE(lane, rows)
    memcpy((uint8_t *)(uintptr_t)host[lane], data[lane], ROW_BYTES);
}
