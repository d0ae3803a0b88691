/* copies.c -- cp.async: copies from global to shared memory that go on while the thread does.
 *
 * Such a copy writes its bytes at any time between the instruction and the end of the thread's wait
 * for it (cp.async.wait_group). Here it takes its bytes from global memory at once, and lands
 *
 *     with no seed       when its thread waits for it
 *     with another seed  as the adversary chooses, one after the other: at once, when its thread
 * waits, or in parts at barriers and other copies between the two
 *
 * A landed copy is the thread's own write at the time of the wait, so that other threads need a
 * barrier behind the wait; before that, nobody may read or write the bytes (cells.c). Copies of
 * the same bytes to one place may overlap: layouts that hold elements several times do that.
 *
 * Groups are counted by lane: a lane that waits for all but n groups waits for its copies that were
 * issued before its last n calls of commit_group.
 *
 *     cp.async.cg.shared.global [%r1], [%rd1], 16, %r2;      %r2 bytes, and zeros up to 16
 *     cp.async.commit_group; cp.async.wait_group 1;
 */
#include "runtime/emu/copies.h"

/* ---- landing --------------------------------------------------------------------------------- */

static void land(Warp *warp, AsyncCopy *copy, uint32_t lanes) {
    lanes &= ~copy->landed;
    EACH_LANE(lane, lanes)
    memcpy(warp->cta->shared + copy->to[lane], copy->data[lane], copy->inst->bytes);
    copy->landed |= lanes;
}

void copies_drift(Warp *warp) {
    Cta *cta = warp->cta;
    if (cta->worker->launch->options->seed == 0)
        return;
    for (size_t i = 0; i < warp->copies.len; i++) {
        AsyncCopy *copy = &warp->copies.data[i];
        if (copy->drifts)
            land(warp, copy, copy->open & (uint32_t)(emu_random(&cta->rng) >> 32));
    }
}

void copies_forget(Warp *warp) {
    warp->copies.len = 0;
    memset(warp->committed, 0, sizeof warp->committed);
}

/* ---- waiting --------------------------------------------------------------------------------- */

void copy_commit_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    (void)inst;
    copies_drift(warp);
    EACH_LANE(lane, mask)
    warp->committed[lane]++;
}

void copy_wait_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    bool checks = warp->cta->worker->launch->options->checks;
    bool all = inst->a == NO_ROW;
    size_t kept = 0;
    for (size_t i = 0; i < warp->copies.len; i++) {
        AsyncCopy *copy = &warp->copies.data[i];
        uint32_t done = 0;
        EACH_LANE(lane, copy->open & mask) {
            uint32_t since = warp->committed[lane] - copy->group[lane]; /* groups, with its own */
            bool over = all || since > row32(warp, inst->a)->u[lane];
            done |= over ? LANE_BIT(lane) : 0;
        }
        land(warp, copy, done);
        copy->open &= ~done;
        EACH_LANE(ended, checks ? done : 0)
        shared_copy_ends(warp, ended, copy->inst->bytes, copy->to[ended]);
        if (copy->open == 0)
            continue;
        if (kept != i)
            warp->copies.data[kept] = *copy;
        kept++;
    }
    warp->copies.len = kept;
    if (all)
        copy_commit_exec(warp, inst, mask);
}

/* ---- copying --------------------------------------------------------------------------------- */

static AsyncCopy *add_copy(Warp *warp) {
    vec_push(warp->cta->worker->arena, &warp->copies, (AsyncCopy){0});
    return &vec_last(&warp->copies);
}

/* How many bytes each lane takes from global memory. False: more than it copies. */
static bool source_sizes(Warp *warp, const Inst *inst, uint32_t mask, uint32_t *sizes) {
    const CopyOp *op = inst->data;
    uint32_t too_many = 0;
    for (unsigned l = 0; l < LANES; l++) {
        sizes[l] = op->size == NO_ROW ? inst->bytes : row32(warp, op->size)->u[l];
        too_many |= sizes[l] > inst->bytes ? LANE_BIT(l) : 0;
    }
    if (op->ignore != NO_ROW) {
        uint32_t ignored = *row_pred(warp, op->ignore) ^ (op->ignore_negated ? ALL_LANES : 0);
        EACH_LANE(lane, ignored)
        sizes[lane] = 0;
    }
    if ((too_many & mask) == 0)
        return true;
    fault_raise(warp, inst, DIAG_EMU_COPY_SIZE, mask, too_many & mask)->address =
        sizes[first_lane(too_many & mask)];
    return false;
}

/* Reads `piece` bytes behind the first `at` of those lanes' sources. */
static bool take_piece(Warp *warp, const Inst *inst, uint32_t lanes, unsigned at, unsigned piece,
                       const uint64_t *sources, AsyncCopy *copy) {
    uint64_t host[LANES];
    for (unsigned l = 0; l < LANES; l++)
        host[l] = sources[l] + at;
    if (!global_lanes(warp, inst, lanes, EMU_READ, piece, host, NULL))
        return false;
    EACH_LANE(lane, lanes)
    memcpy(copy->data[lane] + at, (const uint8_t *)(uintptr_t)host[lane], piece);
    return true;
}

/* The bytes of all lanes. Sizes that are no power of two are read in pieces, the largest first, so
 * that each piece is aligned if the whole is. */
static bool take_bytes(Warp *warp, const Inst *inst, uint32_t mask, const uint32_t *sizes,
                       AsyncCopy *copy) {
    const CopyOp *op = inst->data;
    uint64_t sources[LANES];
    Inst address = {
        .a = op->source, .address_bytes = op->source_bytes, .offset = op->source_offset};
    access_addresses(warp, &address, sources);
    uint32_t wrong = 0;
    EACH_LANE(lane, mask)
    wrong |= (sources[lane] & (inst->bytes - 1u)) != 0 && sizes[lane] > 0 ? LANE_BIT(lane) : 0;
    if (wrong != 0) {
        unsigned lane = first_lane(wrong);
        return global_lanes(warp, inst, LANE_BIT(lane), EMU_READ, inst->bytes, sources, NULL);
    }
    uint32_t left = mask;
    while (left != 0) {
        uint32_t size = sizes[first_lane(left)], group = 0;
        EACH_LANE(lane, left)
        group |= sizes[lane] == size ? LANE_BIT(lane) : 0;
        left &= ~group;
        unsigned at = 0;
        for (unsigned piece = 16; piece > 0; piece /= 2) {
            if ((size & piece) == 0)
                continue;
            if (!take_piece(warp, inst, group, at, piece, sources, copy))
                return false;
            at += piece;
        }
    }
    return true;
}

/* When it lands. */
static void begin(Warp *warp, AsyncCopy *copy) {
    Cta *cta = warp->cta;
    if (cta->worker->launch->options->seed == 0)
        return;
    uint64_t choice = emu_random(&cta->rng) % 3;
    copy->drifts = choice == 1;
    if (choice == 2)
        land(warp, copy, copy->open);
}

void copy_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    const Launch *launch = warp->cta->worker->launch;
    uint32_t sizes[LANES];
    uint64_t to[LANES];
    copies_drift(warp);
    if (!source_sizes(warp, inst, mask, sizes))
        return;
    AsyncCopy *copy = add_copy(warp);
    memset(copy, 0, sizeof *copy);
    copy->inst = inst;
    if (!take_bytes(warp, inst, mask, sizes, copy))
        return;
    access_addresses(warp, inst, to);
    if (!shared_place(warp, inst, mask, EMU_WRITE, inst->bytes, to))
        return;
    EACH_LANE(lane, mask) {
        copy->to[lane] = (uint32_t)to[lane];
        copy->group[lane] = warp->committed[lane];
    }
    if (launch->options->checks && !shared_copy_begins(warp, copy, mask))
        return;
    copy->open = mask;
    counts_of(warp, inst)->async_bytes += (uint64_t)inst->bytes * count_lanes(mask);
    begin(warp, copy);
}
