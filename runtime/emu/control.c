/* control.c -- the paths of a warp: branches both ways, meeting again, ends of threads.
 *
 * A warp runs one path at a time: a program counter and the lanes on it. Where lanes part, the
 * paths not taken yet wait on a stack, below them the lanes that have arrived where all meet again:
 * at the immediate post-dominator of the branch (Fung et al., "Dynamic Warp Formation and
 * Scheduling for Efficient GPU Control Flow", MICRO 2007, section 2).
 *
 *     @p bra ELSE    stack: [meet at JOIN: all] [ELSE until JOIN: lanes with p]   runs: the others
 */
#include "runtime/emu/control.h"

void warp_start(Warp *warp, uint32_t members) {
    warp->pc = 0;
    warp->reconv = NO_PC;
    warp->active = warp->live = warp->members = members;
    warp->paths.len = 0;
    warp->state = members == 0 ? WARP_DONE : WARP_RUNS;
    warp->waiting = NULL;
}

static void push_path(Warp *warp, Path path) {
    vec_push(warp->cta->worker->arena, &warp->paths, path);
}

/* The path on top of the stack runs on; paths that have no lanes left, or that are where they wait
 * already, are dropped. */
static void next_path(Warp *warp) {
    while (warp->paths.len > 0) {
        Path path = vec_pop(&warp->paths);
        path.lanes &= warp->live;
        if (path.lanes == 0 || path.pc == path.reconv)
            continue;
        warp->pc = path.pc;
        warp->reconv = path.reconv;
        warp->active = path.lanes;
        return;
    }
    warp->active = 0;
    warp->state = WARP_DONE;
}

void warp_reconverge(Warp *warp) {
    next_path(warp);
}

void warp_exit_lanes(Warp *warp, uint32_t lanes) {
    warp->live &= ~lanes;
    warp->active &= ~lanes;
    if (warp->active == 0)
        next_path(warp);
}

/* The lanes that run meet at `reconv`: what they were to do next waits there. */
static void open_meeting(Warp *warp, uint32_t reconv) {
    if (reconv != NO_PC && reconv != warp->reconv)
        push_path(warp, (Path){.pc = reconv, .reconv = warp->reconv, .lanes = warp->active});
}

void branch_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    if (mask == warp->active) {
        warp->pc = inst->target;
        return;
    }
    counts_of(warp, inst)->divergent++;
    uint32_t reconv = inst->reconv == NO_PC ? warp->reconv : inst->reconv;
    open_meeting(warp, inst->reconv);
    push_path(warp, (Path){.pc = inst->target, .reconv = reconv, .lanes = mask});
    warp->active &= ~mask;
    warp->reconv = reconv;
}

void branch_table_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    const BranchTable *table = inst->data;
    const uint32_t *index = row32(warp, inst->a)->u;
    uint32_t left = mask;
    uint32_t targets[LANES], groups[LANES], num_groups = 0;
    while (left != 0) {
        uint32_t number = index[first_lane(left)], group = 0;
        EACH_LANE(lane, left)
        group |= index[lane] == number ? LANE_BIT(lane) : 0;
        left &= ~group;
        if (number >= table->count) {
            fault_raise(warp, inst, DIAG_EMU_BRANCH_TABLE, mask, group)->address = number;
            return;
        }
        targets[num_groups] = table->targets[number];
        groups[num_groups++] = group;
    }
    if (num_groups == 1 && mask == warp->active) {
        warp->pc = targets[0];
        return;
    }
    counts_of(warp, inst)->divergent++;
    uint32_t reconv = inst->reconv == NO_PC ? warp->reconv : inst->reconv;
    uint32_t rest = warp->active & ~mask, next = warp->pc;
    open_meeting(warp, inst->reconv);
    for (uint32_t i = num_groups; i > 0; i--)
        push_path(warp, (Path){.pc = targets[i - 1], .reconv = reconv, .lanes = groups[i - 1]});
    if (rest != 0)
        push_path(warp, (Path){.pc = next, .reconv = reconv, .lanes = rest});
    next_path(warp);
}

void exit_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    (void)inst;
    warp_exit_lanes(warp, mask);
}

void trap_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    fault_raise(warp, inst, DIAG_EMU_TRAP, mask, mask);
}

void nothing_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    (void)warp;
    (void)inst;
    (void)mask;
}

void print_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    const uint64_t *format = row64(warp, inst->a)->u, *args = row64(warp, inst->b)->u;
    EACH_LANE(lane, mask) {
        if (!format_print(warp, inst, lane, format[lane], args[lane]))
            return;
        if (inst->dst != NO_ROW)
            row32(warp, inst->dst)->u[lane] = 0;
    }
}

void assert_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    unsigned lane = first_lane(mask);
    const char *text = format_string(warp, inst, lane, row64(warp, inst->a)->u[lane]);
    if (text != NULL)
        fault_raise(warp, inst, DIAG_RUN_ASSERT_FAILED, warp->active, mask)->text = text;
}

void clock_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    uint64_t values[LANES];
    for (unsigned l = 0; l < LANES; l++)
        values[l] = warp->cta->steps;
    row_store(warp, inst->dst, inst->reg_bytes, values, mask);
}

void is_space_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    static const uint64_t tags[] = {
        [SPACE_SHARED] = TAG_SHARED, [SPACE_LOCAL] = TAG_LOCAL, [SPACE_PARAM] = TAG_PARAM};
    uint32_t bits = 0;
    EACH_LANE(lane, mask) {
        uint64_t tag = row64(warp, inst->a)->u[lane] >> TAG_SHIFT;
        bool global = tag < TAG_SHARED;
        bool is = inst->mode == SPACE_GLOBAL ? global : tag == tags[inst->mode];
        bits |= is ? LANE_BIT(lane) : 0;
    }
    uint32_t *dst = row_pred(warp, inst->dst);
    *dst = (*dst & ~mask) | bits;
}

/* One lane of an addition with carry: `carry` is read and set. */
static uint64_t carry_one(CarryOp op, unsigned bits, uint64_t x, uint64_t y, uint64_t z,
                          bool *carry) {
    uint64_t ones = UINT64_MAX >> (64 - bits);
    bool in = *carry, subtracts = op == CARRY_SUB || op == CARRY_SUBC;
    if (op == CARRY_ADD || op == CARRY_SUB || op == CARRY_MAD_LO || op == CARRY_MAD_HI)
        in = false;
    if (op == CARRY_MAD_LO || op == CARRY_MADC_LO) {
        x = x * y & ones;
        y = z;
    } else if (op == CARRY_MAD_HI || op == CARRY_MADC_HI) {
        x = x * y >> 32;
        y = z;
    }
    if (subtracts) {
        *carry = x < y || (x == y && in);
        return (x - y - in) & ones;
    }
    uint64_t sum = (x + y) & ones;
    uint64_t all = (sum + in) & ones;
    *carry = sum < x || all < sum;
    return all;
}

void carry_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    uint64_t x[LANES], y[LANES], z[LANES] = {0}, out[LANES] = {0};
    row_load(warp, inst->a, inst->reg_bytes, false, x);
    row_load(warp, inst->b, inst->reg_bytes, false, y);
    if (inst->mode >= CARRY_MAD_LO)
        row_load(warp, inst->d, inst->reg_bytes, false, z);
    uint32_t *carries = row_pred(warp, inst->c);
    EACH_LANE(lane, mask) {
        bool carry = *carries >> lane & 1;
        out[lane] =
            carry_one((CarryOp)inst->mode, 8 * inst->reg_bytes, x[lane], y[lane], z[lane], &carry);
        if (inst->flag)
            *carries = (*carries & ~LANE_BIT(lane)) | (carry ? LANE_BIT(lane) : 0);
    }
    row_store(warp, inst->dst, inst->reg_bytes, out, mask);
}

void lop3_exec(Warp *warp, const Inst *inst, uint32_t mask) {
    const uint32_t *x = row32(warp, inst->a)->u, *y = row32(warp, inst->b)->u;
    const uint32_t *z = row32(warp, inst->c)->u;
    uint32_t *d = row32(warp, inst->dst)->u, out[LANES] = {0};
    for (unsigned i = 0; i < 8; i++) {
        if ((inst->mode >> i & 1) == 0)
            continue;
        uint32_t a = i & 4 ? 0 : ALL_LANES, b = i & 2 ? 0 : ALL_LANES, c = i & 1 ? 0 : ALL_LANES;
        for (unsigned l = 0; l < LANES; l++)
            out[l] |= (x[l] ^ a) & (y[l] ^ b) & (z[l] ^ c);
    }
    EACH_LANE(lane, mask)
    d[lane] = out[lane];
}
