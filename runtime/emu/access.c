/* access.c -- where an address leads: to global, shared, local or parameter memory.
 *
 * Lanes of one generic access may lead to different spaces; each group is checked by its own rules.
 *
 *     ld.f32 %f1, [%rd1]    lanes 0-15: tag 2 (second argument), lanes 16-31: TAG_SHARED
 */
#include "runtime/emu/machine.h"

void access_addresses(const Warp *warp, const Inst *inst, uint64_t *addresses) {
    uint64_t offset = (uint64_t)inst->offset;
    if (inst->address_bytes == 4) {
        const uint32_t *base = row32(warp, inst->a)->u;
        for (unsigned l = 0; l < LANES; l++)
            addresses[l] = (uint32_t)(base[l] + (uint32_t)offset);
    } else {
        const uint64_t *base = row64(warp, inst->a)->u;
        for (unsigned l = 0; l < LANES; l++)
            addresses[l] = base[l] + offset;
    }
}

static bool local_lanes(Warp *warp, const Inst *inst, uint32_t mask, EmuAccess kind, unsigned size,
                        uint64_t *addresses) {
    size_t local = warp->cta->worker->launch->kernel->local_size;
    EACH_LANE(lane, mask) {
        uint64_t offset = (addresses[lane] & ADDRESS_MASK) - WINDOW_START;
        if (offset > local || size > local - offset)
            return fault_access(warp, inst, DIAG_EMU_LOCAL_OUTSIDE, mask, lane, addresses[lane],
                                kind, size);
        if (offset % size != 0)
            return fault_access(warp, inst, DIAG_EMU_MISALIGNED, mask, lane, addresses[lane], kind,
                                size);
        addresses[lane] = (uint64_t)(uintptr_t)(warp->local + lane * local + offset);
    }
    return true;
}

static bool param_lanes(Warp *warp, const Inst *inst, uint32_t mask, EmuAccess kind, unsigned size,
                        uint64_t *addresses) {
    const Launch *launch = warp->cta->worker->launch;
    size_t bytes = launch->kernel->param_bytes;
    EACH_LANE(lane, mask) {
        uint64_t offset = addresses[lane] & ADDRESS_MASK;
        if (kind != EMU_READ || offset > bytes || size > bytes - offset)
            return fault_access(warp, inst, DIAG_EMU_LOCAL_OUTSIDE, mask, lane, addresses[lane],
                                kind, size);
        addresses[lane] = (uint64_t)(uintptr_t)(launch->params + offset);
    }
    return true;
}

static AccessSpace space_of(uint64_t address) {
    switch (address >> TAG_SHIFT) {
    case TAG_SHARED:
        return SPACE_SHARED;
    case TAG_LOCAL:
        return SPACE_LOCAL;
    case TAG_PARAM:
        return SPACE_PARAM;
    default:
        return SPACE_GLOBAL;
    }
}

static bool in_space(Warp *warp, const Inst *inst, AccessSpace space, uint32_t mask, EmuAccess kind,
                     unsigned size, uint64_t *addresses, const StoreData *data) {
    switch (space) {
    case SPACE_SHARED:
        return shared_lanes(warp, inst, mask, kind, size, addresses, data);
    case SPACE_LOCAL:
        return local_lanes(warp, inst, mask, kind, size, addresses);
    case SPACE_PARAM:
        return param_lanes(warp, inst, mask, kind, size, addresses);
    case SPACE_GLOBAL:
    case SPACE_GENERIC:
        break;
    }
    return global_lanes(warp, inst, mask, kind, size, addresses, data);
}

bool access_lanes(Warp *warp, const Inst *inst, uint32_t mask, EmuAccess kind, unsigned size,
                  uint64_t *addresses, const StoreData *data) {
    if (inst->space != SPACE_GENERIC)
        return in_space(warp, inst, (AccessSpace)inst->space, mask, kind, size, addresses, data);
    uint32_t left = mask;
    while (left != 0) {
        AccessSpace space = space_of(addresses[first_lane(left)]);
        uint32_t group = 0;
        EACH_LANE(lane, left)
        group |= space_of(addresses[lane]) == space ? LANE_BIT(lane) : 0;
        left &= ~group;
        if (!in_space(warp, inst, space, group, kind, size, addresses, data))
            return false;
    }
    return true;
}

const uint8_t *access_peek(Warp *warp, unsigned lane, uint64_t address, size_t *available) {
    Launch *launch = warp->cta->worker->launch;
    uint64_t tag = address >> TAG_SHIFT, offset = (address & ADDRESS_MASK) - WINDOW_START;
    if (tag == TAG_LOCAL || tag == TAG_SHARED) {
        bool local = tag == TAG_LOCAL;
        size_t size = local ? launch->kernel->local_size : launch->shared_size;
        if (offset >= size)
            return NULL;
        *available = size - offset;
        return (local ? warp->local + lane * size : warp->cta->shared) + offset;
    }
    uint64_t plain = address & ADDRESS_MASK;
    const Region *region = NULL;
    if (tag >= TAG_FIRST_ARG && tag <= launch->what->num_args)
        region = &launch->args[tag - TAG_FIRST_ARG];
    else if (tag >= TAG_FIRST_VAR && tag - TAG_FIRST_VAR < launch->kernel->module->ptx->vars.len)
        region = &launch->kernel->module->vars[tag - TAG_FIRST_VAR];
    if (region == NULL || plain < region->lo || plain >= region->hi)
        return NULL;
    *available = region->hi - plain;
    return (const uint8_t *)(uintptr_t)plain;
}
