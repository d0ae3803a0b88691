/* memory.c -- loads, stores, and moves between whole registers and their parts.
 *
 * A load of `.v4.f32` is one access of 16 bytes a lane; its four values go to four rows. Registers
 * may be wider than what is loaded: the value is extended by its type.
 *
 *     ld.global.v2.u8 {%rs1, %rs2}, [%rd1]      bytes 1, count 2, reg_bytes 2
 */
#include "runtime/emu/memory.h"

static void load_element(Warp *warp, const Inst *inst, uint32_t mask, unsigned element,
                         const uint64_t *host) {
    uint32_t row = inst->rows[element];
    size_t at = (size_t)element * inst->bytes;
    if (inst->bytes == 4 && inst->reg_bytes == 4) {
        uint32_t *d = row32(warp, row)->u;
        EACH_LANE(lane, mask)
        memcpy(&d[lane], (const uint8_t *)(uintptr_t)host[lane] + at, 4);
        return;
    }
    uint64_t values[LANES] = {0};
    EACH_LANE(lane, mask) {
        uint64_t bits = 0;
        memcpy(&bits, (const uint8_t *)(uintptr_t)host[lane] + at, inst->bytes);
        values[lane] = extend_bits(bits, inst->bytes, inst->is_signed);
    }
    row_store(warp, row, inst->reg_bytes, values, mask);
}

void load_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    uint64_t host[LANES];
    access_addresses(warp, inst, host);
    unsigned size = (unsigned)inst->bytes * inst->count;
    if (!access_lanes(warp, inst, mask, EMU_READ, size, host, NULL))
        return;
    for (unsigned i = 0; i < inst->count; i++)
        load_element(warp, inst, mask, i, host);
}

/* What the lanes store, the elements of a lane side by side. */
static void gather_data(const Warp *warp, const Inst *inst, uint32_t mask, StoreData *data) {
    for (unsigned i = 0; i < inst->count; i++) {
        size_t at = (size_t)i * inst->bytes;
        if (inst->bytes == 4 && inst->reg_bytes == 4) {
            const uint32_t *row = row32(warp, inst->rows[i])->u;
            for (unsigned l = 0; l < LANES; l++)
                memcpy(data[l] + at, &row[l], 4);
            continue;
        }
        uint64_t values[LANES];
        row_load(warp, inst->rows[i], inst->reg_bytes, false, values);
        EACH_LANE(lane, mask)
        memcpy(data[lane] + at, &values[lane], inst->bytes);
    }
}

void store_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    uint64_t host[LANES];
    StoreData data[LANES];
    unsigned size = (unsigned)inst->bytes * inst->count;
    access_addresses(warp, inst, host);
    gather_data(warp, inst, mask, data);
    if (!access_lanes(warp, inst, mask, EMU_WRITE, size, host, (const StoreData *)data))
        return;
    EACH_LANE(lane, mask)
    memcpy((uint8_t *)(uintptr_t)host[lane], data[lane], size);
}

void move_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    uint64_t values[LANES];
    row_load(warp, inst->a, inst->bytes, inst->is_signed, values);
    row_store(warp, inst->dst, inst->reg_bytes, values, mask);
}

void pack_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    uint64_t whole[LANES] = {0}, part[LANES];
    for (unsigned i = 0; i < inst->count; i++) {
        row_load(warp, inst->rows[i], inst->bytes, false, part);
        for (unsigned l = 0; l < LANES; l++)
            whole[l] |= part[l] << (8 * inst->bytes * i);
    }
    row_store(warp, inst->dst, inst->reg_bytes, whole, mask);
}

void unpack_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    uint64_t whole[LANES];
    row_load(warp, inst->a, inst->reg_bytes, false, whole);
    for (unsigned i = 0; i < inst->count; i++) {
        if (inst->rows[i] != NO_ROW)
            row_store(warp, inst->rows[i], inst->bytes, whole, mask);
        for (unsigned l = 0; l < LANES; l++)
            whole[l] = 8u * inst->bytes >= 64 ? 0 : whole[l] >> (8 * inst->bytes);
    }
}
