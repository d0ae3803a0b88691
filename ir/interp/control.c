/* control.c -- the interpreter's loop, and the instructions that steer it.
 *
 * A program runs instruction by instruction until one returns false; exec->stop then says why:
 * done, waiting, faulted, cancelled. Everything a program knows is in its slots and its pc, so
 * stopping in the middle costs nothing.
 */
#include <string.h>

#include "ir/interp/program.h"

/* Trips of a polling loop after which another program gets its turn. */
#define POLLS_PER_TURN 64

void exec_run(Exec *exec) {
    Program *program = exec->program;
    const Inst *code = exec->kernel->body.insts;
    exec->stop = STOP_NONE;
    for (;;) {
        const Inst *inst = &code[program->pc++];
        if (!inst->exec(exec, inst))
            return;
    }
}

static bool stop(Exec *exec, StopReason reason) {
    exec->stop = reason;
    return false;
}

static int64_t read_index(const Exec *exec, SlotRef ref, size_t size) {
    if (size == 8) {
        int64_t wide;
        memcpy(&wide, slot(exec, ref), sizeof wide);
        return wide;
    }
    int32_t narrow;
    memcpy(&narrow, slot(exec, ref), sizeof narrow);
    return narrow;
}

bool exec_fault(Exec *exec, const Inst *inst, DiagId id, size_t lane, size_t bad, size_t lanes) {
    Fault *fault = &exec->fault;
    *fault = (Fault){.id = id, .inst = inst, .lane = lane, .bad = bad, .lanes = lanes};
    if (exec->program != NULL) {
        fault->rank = exec->program->rank;
        memcpy(fault->pid, exec->program->pid, sizeof fault->pid);
    }
    if (inst->loop >= 0) {
        const LoopInfo *loop = &exec->kernel->loops[inst->loop];
        fault->has_iteration = true;
        fault->iteration = read_index(exec, loop->index, loop->index_size);
        fault->iteration_name = loop->name;
    }
    return stop(exec, STOP_FAULT);
}

/* ---- values ------------------------------------------------------------------------------------
 */

bool exec_elementwise(Exec *exec, const Inst *inst) {
    inst->elt(slot(exec, inst->dst[0]), slot(exec, inst->src[0]), slot(exec, inst->src[1]),
              slot(exec, inst->src[2]), inst_count(exec, inst));
    return true;
}

static bool is_zero(const uint8_t *element, size_t size) {
    uint64_t bits = 0;
    memcpy(&bits, element, size);
    return bits == 0;
}

bool exec_divide(Exec *exec, const Inst *inst) {
    const uint8_t *divisor = slot(exec, inst->src[1]);
    size_t n = inst_count(exec, inst), bad = 0, first = 0;
    for (size_t i = 0; i < n; i++) {
        if (is_zero(divisor + i * inst->size, inst->size)) {
            first = bad == 0 ? i : first;
            bad++;
        }
    }
    if (bad > 0)
        return exec_fault(exec, inst, DIAG_RUN_DIVISION_BY_ZERO, first, bad, n);
    return exec_elementwise(exec, inst);
}

bool exec_copy(Exec *exec, const Inst *inst) {
    memcpy(slot(exec, inst->dst[0]), slot(exec, inst->src[0]), inst_count(exec, inst) * inst->size);
    return true;
}

bool exec_splat(Exec *exec, const Inst *inst) {
    size_t n = inst_count(exec, inst);
    const void *value = slot(exec, inst->src[0]);
    void *out = slot(exec, inst->dst[0]);
    switch (inst->size) {
    case 1:
        memset(out, *(const uint8_t *)value, n);
        break;
    case 2:
        for (size_t i = 0; i < n; i++)
            ((uint16_t *)out)[i] = *(const uint16_t *)value;
        break;
    case 4:
        for (size_t i = 0; i < n; i++)
            ((uint32_t *)out)[i] = *(const uint32_t *)value;
        break;
    default:
        for (size_t i = 0; i < n; i++)
            ((uint64_t *)out)[i] = *(const uint64_t *)value;
        break;
    }
    return true;
}

/* ---- jumps -------------------------------------------------------------------------------------
 */

bool exec_jump(Exec *exec, const Inst *inst) {
    exec->program->pc = inst->target;
    return true;
}

bool exec_branch_unless(Exec *exec, const Inst *inst) {
    if (!*(const uint8_t *)slot(exec, inst->src[0]))
        exec->program->pc = inst->target;
    return true;
}

/* Asked at every trip of a loop. */
static bool is_cancelled(Exec *exec) {
    const InterpOptions *options = exec->launch->options;
    if (options->max_trips > 0 && ++exec->trips > options->max_trips)
        return true;
    return options->cancel != NULL && *options->cancel != 0;
}

bool exec_back_edge(Exec *exec, const Inst *inst) {
    exec->program->pc = inst->target;
    return is_cancelled(exec) ? stop(exec, STOP_CANCEL) : true;
}

bool exec_poll_edge(Exec *exec, const Inst *inst) {
    exec->program->pc = inst->target;
    if (is_cancelled(exec))
        return stop(exec, STOP_CANCEL);
    if (exec->can_yield && ++exec->program->polls >= POLLS_PER_TURN) {
        exec->program->polls = 0;
        return stop(exec, STOP_YIELD);
    }
    return true;
}

/* src: from, to, step; dst: index, trips left. Counting trips, not comparing, keeps loops whose
 * bounds are near the type's ends from running for ever. */
bool exec_for_begin(Exec *exec, const Inst *inst) {
    size_t size = inst->size;
    int64_t from = read_index(exec, inst->src[0], size);
    int64_t to = read_index(exec, inst->src[1], size);
    int64_t step = read_index(exec, inst->src[2], size);
    bool is_unsigned = ir_attr_int(inst->op, ATTR_UNSIGNED) != 0;
    uint64_t distance = (uint64_t)to - (uint64_t)from, stride = (uint64_t)step;
    bool runs = from < to;
    if (is_unsigned) {
        uint64_t mask = size == 8 ? UINT64_MAX : UINT32_MAX;
        runs = ((uint64_t)from & mask) < ((uint64_t)to & mask);
        distance &= mask;
        stride &= mask;
    }
    if (is_unsigned ? stride == 0 : step <= 0)
        return exec_fault(exec, inst, DIAG_RUN_LOOP_STEP, 0, 1, 1);
    uint64_t trips = runs ? (distance - 1) / stride + 1 : 0;
    memcpy(slot(exec, inst->dst[0]), slot(exec, inst->src[0]), size);
    memcpy(slot(exec, inst->dst[1]), &trips, sizeof trips);
    return true;
}

bool exec_for_test(Exec *exec, const Inst *inst) {
    uint64_t trips;
    memcpy(&trips, slot(exec, inst->src[0]), sizeof trips);
    if (trips == 0)
        exec->program->pc = inst->target;
    return true;
}

/* src: step; dst: index, trips left. */
bool exec_for_next(Exec *exec, const Inst *inst) {
    uint64_t trips, index = 0, step = 0;
    memcpy(&trips, slot(exec, inst->dst[1]), sizeof trips);
    memcpy(&index, slot(exec, inst->dst[0]), inst->size);
    memcpy(&step, slot(exec, inst->src[0]), inst->size);
    trips--;
    index += step; /* the low bytes are right for either width */
    memcpy(slot(exec, inst->dst[1]), &trips, sizeof trips);
    memcpy(slot(exec, inst->dst[0]), &index, inst->size);
    return exec_back_edge(exec, inst);
}

bool exec_done(Exec *exec, const Inst *inst) {
    (void)inst;
    return stop(exec, STOP_DONE);
}

bool exec_end_region(Exec *exec, const Inst *inst) {
    (void)inst;
    return stop(exec, STOP_END);
}
