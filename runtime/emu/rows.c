/* rows.c -- rows of any width as 64-bit integers, for instructions that take registers of several
 * widths (ld, st, cvt, mov of vectors). */
#include "runtime/emu/machine.h"

void row_load(const Warp *warp, uint32_t row, unsigned bytes, bool is_signed, uint64_t *out) {
    switch (bytes) {
    case 2:
        for (unsigned l = 0; l < LANES; l++)
            out[l] = is_signed ? (uint64_t)(int64_t)row16(warp, row)->s[l] : row16(warp, row)->u[l];
        break;
    case 4:
        for (unsigned l = 0; l < LANES; l++)
            out[l] = is_signed ? (uint64_t)(int64_t)row32(warp, row)->s[l] : row32(warp, row)->u[l];
        break;
    default:
        memcpy(out, row64(warp, row), sizeof(Row64));
        break;
    }
}

void row_store(const Warp *warp, uint32_t row, unsigned bytes, const uint64_t *in, uint32_t mask) {
    for (unsigned l = 0; l < LANES && mask == ALL_LANES; l++) {
        if (bytes == 2)
            row16(warp, row)->u[l] = (uint16_t)in[l];
        else if (bytes == 4)
            row32(warp, row)->u[l] = (uint32_t)in[l];
        else
            row64(warp, row)->u[l] = in[l];
    }
    for (unsigned l = 0; l < LANES && mask != ALL_LANES; l++) {
        if ((mask >> l & 1) == 0)
            continue;
        if (bytes == 2)
            row16(warp, row)->u[l] = (uint16_t)in[l];
        else if (bytes == 4)
            row32(warp, row)->u[l] = (uint32_t)in[l];
        else
            row64(warp, row)->u[l] = in[l];
    }
}
