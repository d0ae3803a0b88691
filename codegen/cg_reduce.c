/* cg_reduce.c -- reductions and scans inside a warp.
 *
 * A reduction combines, along its axis, first the registers of each thread, neighbours first, then
 * lanes by butterfly shuffles, after which every lane has the result (layouts.md, section 4c; the
 * bits of the axis in warps are gone: a pass took them through shared memory). A scan goes by the
 * steps of ir/layout_reduce.c: in step t each position whose bit t is set takes on its left what
 * the last position of the half before it holds.
 *
 * In a butterfly the lane with the axis bit clear is on the left. If the region is one commutative
 * operation, sides do not matter, and nothing is exchanged for that.
 *
 * Where an extent is no power of two, positions beyond it are skipped: a value travels with whether
 * it is valid, mostly a constant, so that for powers of two nothing of it is left.
 */
#include "codegen/cg.h"

enum { MAX_VALUES = 16 }; /* operands of one reduce or scan */

void cg_combine(Cg *cg, const IrOp *op, LLVMValueRef *args, LLVMValueRef *out) {
    const IrBlock *block = op->regions[0];
    for (unsigned i = 0; i < block->num_args; i++) {
        LLVMValueRef *regs = cg_new_regs(cg, block->args[i]->type);
        regs[0] = args[i];
        cg_define(cg, block->args[i], regs);
    }
    const IrOp *end = cg_block(cg, block);
    for (unsigned i = 0; i < op->num_results; i++)
        out[i] = cg_reg(cg, ir_operand(end, i), 0);
}

/* The region is one operation of its two arguments whose order does not matter. */
static bool is_commutative(const IrOp *op) {
    const IrBlock *block = op->regions[0];
    const IrOp *only = block->first;
    return op->num_operands == 1 && only != block->last && only->next == block->last &&
           (ir_info(only)->traits & IR_COMM) != 0 && only->num_operands == 2 &&
           ir_operand(only, 0)->block == block && ir_operand(only, 1)->block == block &&
           ir_operand(only, 0) != ir_operand(only, 1);
}

/* The values of one position, one for each operand, and whether it lies within the extent (an i1,
 * often constant). */
typedef struct Cell {
    LLVMValueRef values[MAX_VALUES], valid;
} Cell;

/* left := left with right on its right; an invalid side is left out. */
static void join_cells(Cg *cg, const IrOp *op, Cell *left, const Cell *right) {
    unsigned n = op->num_operands;
    if (cg_is_const(right->valid, 0))
        return;
    if (cg_is_const(left->valid, 0)) {
        *left = *right;
        return;
    }
    LLVMValueRef args[2 * MAX_VALUES], joined[MAX_VALUES];
    for (unsigned i = 0; i < n; i++) {
        args[i] = left->values[i];
        args[n + i] = right->values[i];
    }
    cg_combine(cg, op, args, joined);
    for (unsigned i = 0; i < n; i++) {
        if (!cg_is_const(right->valid, 1))
            joined[i] = LLVMBuildSelect(cg->b, right->valid, joined[i], left->values[i], "");
        if (!cg_is_const(left->valid, 1))
            joined[i] = LLVMBuildSelect(cg->b, left->valid, joined[i], right->values[i], "");
        left->values[i] = joined[i];
    }
    if (!cg_is_const(left->valid, 1))
        left->valid = LLVMBuildOr(cg->b, left->valid, right->valid, "");
}

static Cell read_cell(Cg *cg, const IrOp *op, unsigned reg) {
    Cell cell;
    for (unsigned i = 0; i < op->num_operands; i++)
        cell.values[i] = cg_reg(cg, ir_operand(op, i), reg);
    cell.valid =
        cg_within_axis(cg, ir_operand(op, 0)->type, reg, (unsigned)ir_attr_int(op, ATTR_AXIS));
    return cell;
}

/* ---- reduce ------------------------------------------------------------------------------------
 */

static void reduce_registers(Cg *cg, const IrOp *op, const LayoutReduce *plan, Cell *cells) {
    unsigned steps = layout_reduce_steps(plan);
    for (unsigned step = 0; step < steps; step++) {
        uint32_t pairs = layout_reduce_pairs(plan, step);
        for (uint32_t i = 0; i < pairs; i++) {
            uint32_t left, right;
            layout_reduce_pair(plan, step, i, &left, &right);
            join_cells(cg, op, &cells[left], &cells[right]);
        }
    }
}

static void exchange(LLVMBuilderRef b, LLVMValueRef swap, LLVMValueRef *x, LLVMValueRef *y) {
    LLVMValueRef first = LLVMBuildSelect(b, swap, *y, *x, "");
    *y = LLVMBuildSelect(b, swap, *x, *y, "");
    *x = first;
}

/* Combines with the lane that differs in one bit. */
static void reduce_lane_bit(Cg *cg, const IrOp *op, uint32_t bit, bool in_order, Cell *cell) {
    Cell other = *cell;
    LLVMValueRef lane = cg_i32(cg, bit);
    for (unsigned i = 0; i < op->num_operands; i++)
        other.values[i] = cg_shuffle(cg, SHUFFLE_XOR, cell->values[i], lane);
    if (LLVMIsConstant(cell->valid) == 0)
        other.valid = cg_shuffle(cg, SHUFFLE_XOR, cell->valid, lane);
    if (in_order) {
        LLVMValueRef is_right = cg_thread_parity(cg, bit);
        for (unsigned i = 0; i < op->num_operands; i++)
            exchange(cg->b, is_right, &cell->values[i], &other.values[i]);
        if (LLVMIsConstant(cell->valid) == 0)
            exchange(cg->b, is_right, &cell->valid, &other.valid);
    }
    join_cells(cg, op, cell, &other);
}

void cg_lower_reduce(Cg *cg, const IrOp *op) {
    const IrType *from = ir_operand(op, 0)->type, *to = ir_result(op, 0)->type;
    LayoutReduce plan;
    if (op->num_operands > MAX_VALUES ||
        !layout_reduce(from->layout, (unsigned)ir_attr_int(op, ATTR_AXIS), &plan) ||
        plan.masks[LL_WARP] != 0) {
        cg_internal(cg, op, "it does not stay inside warps");
        return;
    }
    Cell *cells = ARENA_ARRAY(cg->arena, Cell, plan.regs);
    for (unsigned r = 0; r < plan.regs; r++)
        cells[r] = read_cell(cg, op, r);
    reduce_registers(cg, op, &plan, cells);
    LLVMValueRef **regs = ARENA_ARRAY(cg->arena, LLVMValueRef *, op->num_results);
    for (unsigned i = 0; i < op->num_results; i++)
        regs[i] = cg_new_regs(cg, ir_result(op, i)->type);
    bool in_order = !is_commutative(op);
    for (unsigned r = 0; r < cg_num_regs(to); r++) {
        Cell cell = cells[layout_reduce_reg(&plan, r)];
        for (uint32_t bit = 1; bit < 32 && !cg_is_dead(to, r); bit <<= 1)
            if ((plan.masks[LL_LANE] & bit) != 0)
                reduce_lane_bit(cg, op, bit, in_order, &cell);
        for (unsigned i = 0; i < op->num_results; i++)
            regs[i][r] = cell.values[i];
    }
    for (unsigned i = 0; i < op->num_results; i++)
        cg_define(cg, ir_result(op, i), regs[i]);
}

/* ---- scan --------------------------------------------------------------------------------------
 */

typedef struct Scan {
    const IrOp *op;
    const IrType *type;
    unsigned axis, regs;
    bool reverse;
    LayoutScanStep step;
    unsigned t;
    LLVMValueRef lane;    /* of the source; NULL: the own one */
    Cell *cells, *before; /* by register: now, and before the step */
    Cell *moved;          /* by register of the source: its values, from the source's lane */
} Scan;

/* The source of an index in one in-dim; a reverse scan counts the axis from its end. */
static uint32_t source_index(const Scan *scan, LayoutDim dim, uint32_t index) {
    uint32_t bit = scan->step.bit[dim], low = scan->step.low[dim];
    return scan->reverse ? (index | bit) & ~low : (index & ~bit) | low;
}

static LLVMValueRef source_lane(Cg *cg, const Scan *scan) {
    uint32_t bit = scan->step.bit[LL_LANE], low = scan->step.low[LL_LANE];
    if ((bit | low) == 0)
        return NULL;
    LLVMValueRef lane = LLVMBuildAnd(cg->b, cg->tid, cg_i32(cg, 31), "");
    uint32_t set = scan->reverse ? bit : low, clear = scan->reverse ? low : bit;
    lane = LLVMBuildOr(cg->b, lane, cg_i32(cg, set), "");
    return LLVMBuildAnd(cg->b, lane, cg_i32(cg, ~clear), "");
}

/* i1: what a reverse scan takes lies within the extent. (In a forward one it comes before.) */
static LLVMValueRef source_valid(Cg *cg, const Scan *scan, unsigned reg) {
    int64_t extent = scan->type->shape[scan->axis];
    if (!scan->reverse || (extent & (extent - 1)) == 0)
        return cg_bool(cg, true);
    uint32_t bit = (uint32_t)1 << scan->t;
    LLVMValueRef coord = cg_coord(cg, scan->type, reg, scan->axis);
    LLVMValueRef from = LLVMBuildOr(cg->b, coord, cg_i32(cg, bit), "");
    from = LLVMBuildAnd(cg->b, from, cg_i32(cg, ~(bit - 1)), "");
    return LLVMBuildICmp(cg->b, LLVMIntULT, from, cg_i32(cg, (uint32_t)extent), "");
}

/* Whether register `reg` takes part in the step: i1, constant if its register bits decide. */
static LLVMValueRef is_concerned(Cg *cg, const Scan *scan, unsigned reg) {
    uint32_t in_reg = scan->step.bit[LL_REG], in_lane = scan->step.bit[LL_LANE];
    if (in_reg != 0)
        return cg_bool(cg, ((reg & in_reg) != 0) != scan->reverse);
    LLVMValueRef set = cg_thread_parity(cg, in_lane);
    return scan->reverse ? LLVMBuildNot(cg->b, set, "") : set;
}

/* What a register of the source's lane holds; moved only once in a step. */
static const Cell *source_cell(Cg *cg, Scan *scan, unsigned reg) {
    if (scan->lane == NULL)
        return &scan->before[reg];
    Cell *moved = &scan->moved[reg];
    for (unsigned i = 0; i < scan->op->num_operands && moved->valid == NULL; i++)
        moved->values[i] = cg_shuffle(cg, SHUFFLE_FROM, scan->before[reg].values[i], scan->lane);
    moved->valid = scan->before[reg].valid;
    return moved;
}

static void scan_register(Cg *cg, Scan *scan, unsigned reg) {
    const IrOp *op = scan->op;
    unsigned n = op->num_operands, source = source_index(scan, LL_REG, reg);
    LLVMValueRef concerned = is_concerned(cg, scan, reg);
    if (cg_is_const(concerned, 0) || cg_is_dead(scan->type, reg) || cg_is_dead(scan->type, source))
        return;
    const Cell *from = source_cell(cg, scan, source), *old = &scan->before[reg];
    LLVMValueRef args[2 * MAX_VALUES], joined[MAX_VALUES];
    for (unsigned i = 0; i < n; i++) {
        args[i] = from->values[i];
        args[n + i] = old->values[i];
    }
    concerned = cg_and(cg, concerned, source_valid(cg, scan, reg));
    cg_combine(cg, op, args, joined);
    for (unsigned i = 0; i < n; i++) {
        if (!cg_is_const(concerned, 1))
            joined[i] = LLVMBuildSelect(cg->b, concerned, joined[i], old->values[i], "");
        scan->cells[reg].values[i] = joined[i];
    }
}

static void scan_step(Cg *cg, Scan *scan) {
    scan->lane = source_lane(cg, scan);
    for (unsigned r = 0; r < scan->regs; r++) {
        scan->before[r] = scan->cells[r];
        scan->moved[r].valid = NULL;
    }
    for (unsigned r = 0; r < scan->regs; r++)
        scan_register(cg, scan, r);
}

void cg_lower_scan(Cg *cg, const IrOp *op) {
    Scan scan = {.op = op,
                 .type = ir_operand(op, 0)->type,
                 .axis = (unsigned)ir_attr_int(op, ATTR_AXIS),
                 .reverse = ir_attr_int(op, ATTR_REVERSE) != 0};
    scan.regs = cg_num_regs(scan.type);
    scan.cells = ARENA_ARRAY(cg->arena, Cell, scan.regs);
    scan.before = ARENA_ARRAY(cg->arena, Cell, scan.regs);
    scan.moved = ARENA_ARRAY(cg->arena, Cell, scan.regs);
    for (unsigned r = 0; r < scan.regs && op->num_operands <= MAX_VALUES; r++)
        scan.cells[r] = read_cell(cg, op, r);
    for (scan.t = 0; scan.t < scan.type->layout->nout[scan.axis]; scan.t++) {
        scan.step = layout_scan_step(scan.type->layout, scan.axis, scan.t);
        if (op->num_operands > MAX_VALUES ||
            (scan.step.bit[LL_WARP] | scan.step.low[LL_WARP]) != 0) {
            cg_internal(cg, op, "it does not stay inside warps");
            return;
        }
        scan_step(cg, &scan);
    }
    for (unsigned i = 0; i < op->num_results; i++) {
        LLVMValueRef *regs = cg_new_regs(cg, ir_result(op, i)->type);
        for (unsigned r = 0; r < scan.regs; r++)
            regs[r] = scan.cells[r].values[i];
        cg_define(cg, ir_result(op, i), regs);
    }
}
