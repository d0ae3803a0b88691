/* compile.c -- turns the structured code of a kernel into a flat program.
 *
 * Operations become instructions in the order of the text; regions become jumps. Values computed
 * from constants alone are computed here, once; values computed from the kernel's arguments alone
 * are computed once a launch (an op is moved there only if it has no effect, cannot fault and is
 * cheap). Operations that change no bits (expand_dims, reshape ...) become no instruction: their
 * result is another name of the operand's slot.
 *
 *     for i = lo to hi step s iter(acc = init)      copy acc <- init
 *       ...                                         for_begin i, trips <- lo, hi, s
 *       yield next                            L:    for_test trips, else X
 *                                                   ...
 *                                                   copy acc <- next
 *                                                   for_next i, trips <- s; goto L
 *                                             X:    (the loop's result is acc's slot)
 */
#include <string.h>

#include "ir/interp/compile.h"

#define MAX_LASTING_BYTES (4u << 20) /* for constants, and for launch values */

/* ---- vregs and instructions --------------------------------------------------------------------
 */

static size_t slot_bytes(const IrType *type) {
    if (type->kind == TY_DESC)
        return sizeof(DescValue);
    if (ir_is_shared(type))
        return shared_view_size();
    return (size_t)ir_numel(type) * ir_elem_size(type);
}

static uint32_t new_vreg(Compiler *c, size_t size, VregLevel level) {
    Vreg vreg = {.level = level, .size = size, .first = UINT32_MAX};
    if (level != LEVEL_PROGRAM)
        c->level_bytes[level] += size;
    vec_push(c->arena, &c->vregs, vreg);
    return (uint32_t)(c->vregs.len - 1);
}

static void bind(Compiler *c, const IrValue *value, uint32_t vreg) {
    c->vreg_of[value->id] = vreg + 1;
}

static uint32_t vreg_of(const Compiler *c, const IrValue *value) {
    return c->vreg_of[value->id] - 1;
}

static uint32_t define_at(Compiler *c, const IrValue *value, VregLevel level) {
    size_t size = c->width > 0 ? c->width * ir_elem_size(value->type) : slot_bytes(value->type);
    uint32_t vreg = new_vreg(c, size, level);
    bind(c, value, vreg);
    return vreg;
}

static uint32_t define(Compiler *c, const IrValue *value) {
    return define_at(c, value, LEVEL_PROGRAM);
}

static uint32_t here(const Compiler *c) {
    return (uint32_t)c->code[LEVEL_PROGRAM].len;
}

/* The value of `vreg` is in use at instruction `at` of the body. */
static void touch(Compiler *c, uint32_t vreg, uint32_t at) {
    Vreg *v = &c->vregs.data[vreg];
    if (at < v->first)
        v->first = at;
    if (at > v->last)
        v->last = at;
}

static SlotRef *slot_list(Compiler *c, const uint32_t *vregs, size_t len, size_t min_len) {
    size_t total = len < min_len ? min_len : len;
    SlotRef *items = ARENA_ARRAY(c->arena, SlotRef, total);
    for (size_t i = 0; i < total; i++)
        items[i] = len > 0 ? vregs[i < len ? i : 0] : 0;
    if (len > 0) {
        SlotList list = {.items = items, .len = total};
        vec_push(c->arena, &c->lists, list);
    }
    return items;
}

/* Appends an instruction; operands beyond the last repeat the first, so that elementwise functions
 * may be handed three. */
static Inst *emit(Compiler *c, VregLevel level, const Inst *what, const uint32_t *dst,
                  size_t num_dst, const uint32_t *src, size_t num_src) {
    uint32_t at = (uint32_t)c->code[level].len;
    Inst inst = *what;
    inst.dst = slot_list(c, dst, num_dst, 1);
    inst.src = slot_list(c, src, num_src, 3);
    inst.loop = c->loop;
    if (level == LEVEL_PROGRAM) {
        for (size_t i = 0; i < num_dst; i++)
            touch(c, dst[i], at);
        for (size_t i = 0; i < num_src; i++)
            touch(c, src[i], at);
    }
    vec_push(c->arena, &c->code[level], inst);
    return &vec_last(&c->code[level]);
}

static Inst *emit_body(Compiler *c, ExecFn exec, const IrOp *op) {
    Inst inst = {.exec = exec, .op = op};
    return emit(c, LEVEL_PROGRAM, &inst, NULL, 0, NULL, 0);
}

static void emit_copy(Compiler *c, uint32_t dst, uint32_t src, const IrOp *op) {
    Inst inst = {.exec = exec_copy, .op = op, .count = 1, .size = c->vregs.data[dst].size};
    if (c->width > 0) {
        inst.count = COUNT_DYNAMIC;
        inst.size = c->vregs.data[dst].size / c->width;
    }
    emit(c, LEVEL_PROGRAM, &inst, &dst, 1, &src, 1);
}

static bool contains(const uint32_t *vregs, size_t len, uint32_t vreg) {
    for (size_t i = 0; i < len; i++)
        if (vregs[i] == vreg)
            return true;
    return false;
}

/* dst[i] <- src[i], all at once: a source that an earlier copy would overwrite is saved first. */
static void parallel_copy(Compiler *c, const uint32_t *dst, uint32_t *src, size_t n,
                          const IrOp *op) {
    for (size_t i = 1; i < n; i++) {
        if (src[i] == dst[i] || !contains(dst, i, src[i]))
            continue;
        uint32_t saved = new_vreg(c, c->vregs.data[src[i]].size, LEVEL_PROGRAM);
        emit_copy(c, saved, src[i], op);
        src[i] = saved;
    }
    for (size_t i = 0; i < n; i++)
        if (src[i] != dst[i])
            emit_copy(c, dst[i], src[i], op);
}

static uint32_t *operand_vregs(Compiler *c, const IrOp *op, unsigned from) {
    unsigned n = op->num_operands - from;
    uint32_t *vregs = ARENA_ARRAY(c->arena, uint32_t, n + 1u);
    for (unsigned i = 0; i < n; i++)
        vregs[i] = vreg_of(c, ir_operand(op, from + i));
    return vregs;
}

/* ---- where an op's result belongs --------------------------------------------------------------
 */

static bool is_movable(const IrOp *op) {
    if ((ir_info(op)->traits & (IR_PURE | IR_SCOPE)) != IR_PURE || op->num_results != 1)
        return false;
    switch ((int)op->code) { /* may fault, or is dear */
    case OP_DivSI:
    case OP_DivUI:
    case OP_RemSI:
    case OP_RemUI:
    case OP_Gather:
    case OP_Histogram:
    case OP_MakeDesc:
    case OP_Dot:
    case OP_DotMma:
    case OP_IntToPtr:
    case OP_ProgramId:
        return false;
    default:
        return true;
    }
}

static VregLevel level_of(const Compiler *c, const IrOp *op) {
    if (c->width > 0 || !is_movable(op))
        return LEVEL_PROGRAM;
    VregLevel level = op->code == OP_NumPrograms ? LEVEL_LAUNCH : LEVEL_CONST;
    for (unsigned i = 0; i < op->num_operands; i++) {
        VregLevel operand = c->vregs.data[vreg_of(c, ir_operand(op, i))].level;
        level = operand > level ? operand : level;
    }
    if (level != LEVEL_PROGRAM &&
        c->level_bytes[level] + slot_bytes(ir_result(op, 0)->type) > MAX_LASTING_BYTES)
        return LEVEL_PROGRAM;
    return level;
}

/* ---- plain ops ---------------------------------------------------------------------------------
 */

static EltFn elementwise(const IrOp *op) {
    if (op->num_operands == 0 || op->num_results != 1)
        return NULL;
    const IrType *operand = ir_operand(op, 0)->type;
    IrTypeKind kind = ir_elem(operand)->kind;
    if (op->code == OP_CmpI)
        return elt_cmpi((INT_PRED_Enum)ir_attr_int(op, ATTR_INT_PRED), kind);
    if (op->code == OP_CmpF)
        return elt_cmpf((FLOAT_PRED_Enum)ir_attr_int(op, ATTR_FLOAT_PRED), kind);
    if (op->code == OP_Select) {
        const IrType *chosen = ir_result(op, 0)->type;
        bool whole = chosen->kind == TY_DESC || ir_is_tile(operand) != ir_is_tile(chosen);
        return whole ? NULL : elt_select(ir_elem_size(chosen));
    }
    EltFn fn = elt_int(op->code, kind);
    if (fn == NULL)
        fn = elt_float(op->code, kind);
    return fn != NULL ? fn : elt_cast(op);
}

static bool divides(const IrOp *op) {
    return op->code == OP_DivSI || op->code == OP_DivUI || op->code == OP_RemSI ||
           op->code == OP_RemUI;
}

/* Ops whose result is the operand's bits in the same order. */
static bool is_renaming(const IrOp *op) {
    return op->code == OP_ExpandDims || op->code == OP_Reshape || op->code == OP_Unsplat ||
           op->code == OP_ConvertLayout ||
           (op->code == OP_Broadcast &&
            ir_numel(ir_operand(op, 0)->type) == ir_numel(ir_result(op, 0)->type));
}

static void refuse(Compiler *c, const IrOp *op, const char *why) {
    Diag *diag = diag_report(c->diags, DIAG_RUN_REFUSED, op->range, ir_info(op)->mnemonic);
    diag_label(diag, "%s", why);
    diag_help(diag, "run it on a device that has it: `--device=cuda`");
    c->failed = true;
}

static bool prepare(Compiler *c, const IrOp *op, Inst *inst) {
    EltFn fn = elementwise(op);
    if (fn != NULL) {
        inst->exec = divides(op) ? exec_divide : exec_elementwise;
        inst->elt = fn;
        return true;
    }
    size_t scratch = 0;
    bool known = prepare_shape(c->arena, op, inst) ||
                 prepare_memory(c->arena, op, inst, &scratch) ||
                 prepare_atomic(c->arena, op, inst) || prepare_descriptor(c->arena, op, inst) ||
                 prepare_dot(c->arena, c->shared, op, inst, &scratch) ||
                 prepare_effect(c->arena, op, inst) || prepare_libcall(c->arena, op, inst) ||
                 (c->shared != NULL && prepare_shared(c->arena, c->shared, op, inst, &scratch));
    if (scratch > c->out->scratch_size)
        c->out->scratch_size = scratch;
    return known;
}

static void note_features(Compiler *c, const IrOp *op) {
    InterpKernel *out = c->out;
    if (op->code == OP_AtomicRmw || op->code == OP_AtomicCas) {
        out->has_atomics = true;
        out->has_sync |= ir_attr_int(op, ATTR_SEM) != SEM_RELAXED;
    }
    out->has_atomics |= op->code == OP_DescReduce;
    out->has_volatile |= op->code == OP_Load && ir_attr_int(op, ATTR_VOLATILE) != 0;
    out->has_print |= op->code == OP_Print;
    if (op->code == OP_Load || op->code == OP_Store || op->code == OP_AsyncCopy) {
        unsigned size = (unsigned)ir_elem_size(ir_elem(ir_operand(op, 0)->type)->elem);
        out->min_access = size < out->min_access ? size : out->min_access;
    }
}

static void compile_plain(Compiler *c, const IrOp *op) {
    if (op->code == OP_Yield)
        return;
    if (is_renaming(op)) {
        bind(c, ir_result(op, 0), vreg_of(c, ir_operand(op, 0)));
        return;
    }
    const IrType *shaped = op->num_results > 0    ? ir_result(op, 0)->type
                           : op->num_operands > 0 ? ir_operand(op, 0)->type
                                                  : NULL;
    Inst inst = {.op = op};
    if (shaped != NULL) {
        bool is_desc = shaped->kind == TY_DESC;
        inst.count = is_desc ? 1 : (size_t)ir_numel(shaped);
        inst.size = is_desc ? sizeof(DescValue) : ir_elem_size(shaped);
    }
    if (!prepare(c, op, &inst)) {
        refuse(c, op, "the cpu device cannot execute this");
        return;
    }
    note_features(c, op);
    VregLevel level = level_of(c, op);
    uint32_t dst[2] = {0, 0};
    for (unsigned i = 0; i < op->num_results; i++)
        dst[i] = define_at(c, ir_result(op, i), level);
    uint32_t *src = operand_vregs(c, op, 0);
    if (c->width > 0)
        inst.count = COUNT_DYNAMIC;
    emit(c, level, &inst, dst, op->num_results, src, op->num_operands);
}

/* ---- regions -----------------------------------------------------------------------------------
 */

static void compile_block(Compiler *c, const IrBlock *block);

static void patch(Compiler *c, size_t at) {
    c->code[LEVEL_PROGRAM].data[at].target = here(c);
}

static void close_loop(Compiler *c, uint32_t first) {
    LoopSpan span = {.first = first, .last = here(c) - 1};
    vec_push(c->arena, &c->spans, span);
}

static void compile_if(Compiler *c, const IrOp *op) {
    uint32_t *results = ARENA_ARRAY(c->arena, uint32_t, op->num_results + 1u);
    for (unsigned i = 0; i < op->num_results; i++)
        results[i] = define(c, ir_result(op, i));
    uint32_t cond = vreg_of(c, ir_operand(op, 0));
    Inst branch = {.exec = exec_branch_unless, .op = op};
    size_t to_else = here(c);
    emit(c, LEVEL_PROGRAM, &branch, NULL, 0, &cond, 1);
    compile_block(c, op->regions[0]);
    if (c->failed)
        return;
    parallel_copy(c, results, operand_vregs(c, op->regions[0]->last, 0), op->num_results, op);
    size_t to_end = here(c);
    emit_body(c, exec_jump, op);
    patch(c, to_else);
    compile_block(c, op->regions[1]);
    if (c->failed)
        return;
    parallel_copy(c, results, operand_vregs(c, op->regions[1]->last, 0), op->num_results, op);
    patch(c, to_end);
}

static void enter_loop(Compiler *c, uint32_t index, const IrValue *value) {
    LoopInfo info = {.index = index,
                     .index_size = ir_elem_size(value->type),
                     .name = value->name,
                     .outer = c->loop};
    vec_push(c->arena, &c->loops, info);
    c->loop = (int32_t)(c->loops.len - 1);
}

static void compile_for(Compiler *c, const IrOp *op) {
    const IrBlock *body = op->regions[0];
    unsigned n = op->num_results;
    uint32_t *carried = ARENA_ARRAY(c->arena, uint32_t, n + 1u);
    for (unsigned i = 0; i < n; i++)
        carried[i] = define(c, body->args[i + 1]);
    parallel_copy(c, carried, operand_vregs(c, op, 3), n, op);
    uint32_t state[2] = {define(c, body->args[0]), new_vreg(c, sizeof(uint64_t), LEVEL_PROGRAM)};
    uint32_t *bounds = operand_vregs(c, op, 0);
    Inst begin = {.exec = exec_for_begin, .op = op};
    begin.size = ir_elem_size(body->args[0]->type);
    emit(c, LEVEL_PROGRAM, &begin, state, 2, bounds, 3);
    uint32_t first = here(c);
    Inst test = {.exec = exec_for_test, .op = op};
    emit(c, LEVEL_PROGRAM, &test, NULL, 0, &state[1], 1);
    int32_t outer = c->loop;
    enter_loop(c, state[0], body->args[0]);
    compile_block(c, body);
    if (c->failed)
        return;
    parallel_copy(c, carried, operand_vregs(c, body->last, 0), n, op);
    c->loop = outer;
    Inst next = {.exec = exec_for_next, .op = op, .size = begin.size, .target = first};
    emit(c, LEVEL_PROGRAM, &next, state, 2, &bounds[2], 1);
    close_loop(c, first);
    patch(c, first);
    for (unsigned i = 0; i < n; i++)
        bind(c, ir_result(op, i), carried[i]);
}

static bool asks_others(IrOp *op, void *data) {
    (void)data;
    return !(op->code == OP_AtomicRmw || op->code == OP_AtomicCas ||
             (op->code == OP_Load && ir_attr_int(op, ATTR_VOLATILE) != 0));
}

static void compile_while(Compiler *c, const IrOp *op) {
    const IrBlock *before = op->regions[0], *after = op->regions[1];
    unsigned n = before->num_args, passed = op->num_results;
    uint32_t *carried = ARENA_ARRAY(c->arena, uint32_t, n + 1u);
    uint32_t *results = ARENA_ARRAY(c->arena, uint32_t, passed + 1u);
    for (unsigned i = 0; i < n; i++)
        carried[i] = define(c, before->args[i]);
    for (unsigned i = 0; i < passed; i++) {
        results[i] = define(c, ir_result(op, i));
        bind(c, after->args[i], results[i]);
    }
    parallel_copy(c, carried, operand_vregs(c, op, 0), n, op);
    uint32_t first = here(c);
    compile_block(c, before);
    if (c->failed)
        return;
    uint32_t cond = vreg_of(c, ir_operand(before->last, 0));
    parallel_copy(c, results, operand_vregs(c, before->last, 1), passed, op);
    size_t to_end = here(c);
    Inst branch = {.exec = exec_branch_unless, .op = op};
    emit(c, LEVEL_PROGRAM, &branch, NULL, 0, &cond, 1);
    compile_block(c, after);
    if (c->failed)
        return;
    parallel_copy(c, carried, operand_vregs(c, after->last, 0), n, op);
    bool polls =
        !ir_walk(op->regions[0], asks_others, NULL) || !ir_walk(op->regions[1], asks_others, NULL);
    emit_body(c, polls ? exec_poll_edge : exec_back_edge, op)->target = first;
    for (unsigned i = 0; i < n; i++)
        touch(c, carried[i], here(c) - 1);
    close_loop(c, first);
    patch(c, to_end);
}

/* ---- reduce and scan ---------------------------------------------------------------------------
 */

static bool runs_on_slices(const IrBlock *region) {
    for (const IrOp *op = region->first; op != NULL; op = op->next) {
        if (op->code == OP_Yield || op->code == OP_Const)
            continue;
        if (!(ir_info(op)->traits & IR_ELT) || op->num_results != 1)
            return false;
    }
    return true;
}

static void splat_into_region(Compiler *c, uint32_t from, const IrValue *value, const IrOp *op) {
    uint32_t to = define(c, value);
    Inst inst = {.exec = exec_splat, .op = op, .count = COUNT_DYNAMIC};
    inst.size = ir_elem_size(value->type);
    emit(c, LEVEL_PROGRAM, &inst, &to, 1, &from, 1);
}

/* A scalar from outside, or a constant, becomes a slice of copies; outer values get their old
 * slots back afterwards. */
typedef struct Outer {
    const IrValue *value;
    uint32_t vreg;
} Outer;
typedef VEC(Outer) OuterList;

static void capture(Compiler *c, const IrOp *op, const IrBlock *region, OuterList *outer) {
    for (unsigned i = 0; i < op->num_operands; i++) {
        const IrValue *value = ir_operand(op, i);
        const IrBlock *home = value->def != NULL ? value->def->block : value->block;
        bool seen = home == region;
        for (size_t k = 0; k < outer->len && !seen; k++)
            seen = outer->data[k].value == value;
        if (seen)
            continue;
        Outer entry = {.value = value, .vreg = vreg_of(c, value)};
        vec_push(c->arena, outer, entry);
        splat_into_region(c, entry.vreg, value, op);
    }
}

static void compile_slice_region(Compiler *c, const IrBlock *region) {
    OuterList outer = {0};
    for (const IrOp *op = region->first; op != NULL; op = op->next) {
        capture(c, op, region, &outer);
        if (op->code != OP_Const) {
            compile_plain(c, op);
            continue;
        }
        size_t width = c->width;
        c->width = 0;
        compile_plain(c, op);
        c->width = width;
        splat_into_region(c, vreg_of(c, ir_result(op, 0)), ir_result(op, 0), op);
    }
    for (size_t i = 0; i < outer.len; i++)
        bind(c, outer.data[i].value, outer.data[i].vreg);
}

static void split_shape(FoldInfo *fold, const IrType *type, int64_t axis) {
    fold->outer = fold->inner = 1;
    for (unsigned d = 0; d < type->rank; d++) {
        if (d < axis)
            fold->outer *= (size_t)type->shape[d];
        if (d > axis)
            fold->inner *= (size_t)type->shape[d];
    }
    fold->len = (size_t)type->shape[axis];
}

static size_t fold_width(const IrOp *op, const FoldInfo *fold) {
    size_t rest = fold->outer * fold->inner;
    size_t width = op->code == OP_Reduce ? fold->len / 2 * rest : rest;
    return fold->vector && width > 0 ? width : 1;
}

static void compile_fold(Compiler *c, const IrOp *op) {
    const IrBlock *region = op->regions[0];
    unsigned n = op->num_operands;
    FoldInfo *fold = ARENA_NEW(c->arena, FoldInfo);
    split_shape(fold, ir_operand(op, 0)->type, ir_attr_int(op, ATTR_AXIS));
    fold->num = n;
    fold->sizes = ARENA_ARRAY(c->arena, size_t, n);
    fold->vector = runs_on_slices(region);
    fold->reverse = op->code == OP_Scan && ir_attr_int(op, ATTR_REVERSE) != 0;
    size_t width = fold_width(op, fold);
    uint32_t *vregs = ARENA_ARRAY(c->arena, uint32_t, 5u * n);
    uint32_t *work = vregs, *left = vregs + n, *right = vregs + 2u * n, *results = vregs + 3u * n;
    for (unsigned i = 0; i < n; i++) {
        fold->sizes[i] = ir_elem_size(ir_operand(op, i)->type);
        work[i] = new_vreg(c, slot_bytes(ir_operand(op, i)->type), LEVEL_PROGRAM);
        left[i] = new_vreg(c, width * fold->sizes[i], LEVEL_PROGRAM);
        right[i] = new_vreg(c, width * fold->sizes[i], LEVEL_PROGRAM);
        bind(c, region->args[i], left[i]);
        bind(c, region->args[n + i], right[i]);
        results[i] = define(c, ir_result(op, i));
    }
    uint32_t first = here(c);
    Inst inst = {.exec = op->code == OP_Reduce ? exec_reduce : exec_scan, .op = op, .info = fold};
    emit(c, LEVEL_PROGRAM, &inst, results, n, operand_vregs(c, op, 0), n);
    fold->entry = here(c);
    size_t outer_width = c->width;
    c->width = fold->vector ? width : 0;
    if (fold->vector)
        compile_slice_region(c, region);
    else
        compile_block(c, region);
    c->width = outer_width;
    if (c->failed)
        return;
    uint32_t *yielded = operand_vregs(c, region->last, 0);
    emit_body(c, exec_end_region, op);
    /* The region runs many times within the one instruction: all it uses lives throughout. */
    for (unsigned i = 0; i < n; i++) {
        uint32_t used[] = {work[i], left[i], right[i], yielded[i], results[i]};
        for (size_t k = 0; k < TK_COUNTOF(used); k++) {
            touch(c, used[k], first);
            touch(c, used[k], here(c) - 1);
        }
    }
    close_loop(c, first);
    patch(c, first);
    fold->work = slot_list(c, work, n, n);
    fold->left = slot_list(c, left, n, n);
    fold->right = slot_list(c, right, n, n);
    fold->yielded = slot_list(c, yielded, n, n);
}

/* ---- the kernel --------------------------------------------------------------------------------
 */

/* One program instance is one thread here: a barrier matters to shared memory alone. */
static void compile_sync(Compiler *c, const IrOp *op) {
    Inst inst = {.exec = exec_shared_barrier, .op = op};
    if (op->code != OP_Barrier)
        inst.exec = op->code == OP_AsyncCommit ? exec_shared_commit : exec_shared_wait;
    if (c->shared != NULL)
        emit(c, LEVEL_PROGRAM, &inst, NULL, 0, &c->shared_vreg, 1);
}

static void begin_shared(Compiler *c) {
    c->shared = shared_plan(c->arena, c->ir);
    if (c->shared == NULL)
        return;
    c->shared_vreg = new_vreg(c, shared_state_size(c->shared), LEVEL_PROGRAM);
    Inst inst = {.exec = exec_shared_begin, .info = c->shared};
    emit(c, LEVEL_PROGRAM, &inst, &c->shared_vreg, 1, NULL, 0);
}

static void compile_op(Compiler *c, const IrOp *op) {
    switch ((int)op->code) { /* ops with regions, and those that end the kernel */
    case OP_If:
        compile_if(c, op);
        break;
    case OP_For:
        compile_for(c, op);
        break;
    case OP_While:
        compile_while(c, op);
        break;
    case OP_Reduce:
    case OP_Scan:
        compile_fold(c, op);
        break;
    case OP_Return:
        emit_body(c, exec_done, op);
        break;
    case OP_Condition:
        break; /* compile_while reads it */
    case OP_Barrier:
    case OP_AsyncCommit:
    case OP_AsyncWait:
        compile_sync(c, op);
        break;
    case OP_SharedAlloc:
        bind(c, ir_result(op, 0), c->shared_vreg);
        break;
    case OP_InlineAsm:
        refuse(c, op, "the cpu device does not execute PTX");
        break;
    default:
        compile_plain(c, op);
        break;
    }
}

static void compile_block(Compiler *c, const IrBlock *block) {
    for (const IrOp *op = block->first; op != NULL && !c->failed; op = op->next)
        compile_op(c, op);
}

static void define_params(Compiler *c) {
    size_t n = c->ir->params.len;
    uint32_t *vregs = ARENA_ARRAY(c->arena, uint32_t, n + 1);
    for (size_t i = 0; i < n; i++)
        vregs[i] = define_at(c, c->ir->params.data[i].value, LEVEL_LAUNCH);
    c->out->params = slot_list(c, vregs, n, 1);
}

/* Computes the constants: their instructions need no launch. */
static void run_setup(Compiler *c, const InstList *code) {
    Exec exec = {.kernel = c->out};
    exec.base[BASE_CONST] = c->out->constants;
    for (size_t i = 0; i < code->len; i++)
        code->data[i].exec(&exec, &code->data[i]);
}

InterpKernel *interp_compile(Arena *arena, const IrKernel *kernel, Diags *diags) {
    Compiler c = {.arena = arena, .ir = kernel, .diags = diags, .loop = -1};
    c.out = ARENA_NEW(arena, InterpKernel);
    *c.out = (InterpKernel){.ir = kernel, .arena = arena, .min_access = 8};
    c.vreg_of = ARENA_ARRAY(arena, uint32_t, kernel->num_values + 1u);
    define_params(&c);
    begin_shared(&c);
    compile_block(&c, kernel->body);
    if (c.failed)
        return NULL;
    if (c.shared != NULL)
        touch(&c, c.shared_vreg, here(&c));
    emit_body(&c, exec_done, NULL);
    compile_trace_pointers(&c);
    compile_assign_slots(&c);
    c.out->loops = c.loops.data;
    c.out->body = (Code){.insts = c.code[LEVEL_PROGRAM].data, .len = c.code[LEVEL_PROGRAM].len};
    c.out->launch_setup =
        (Code){.insts = c.code[LEVEL_LAUNCH].data, .len = c.code[LEVEL_LAUNCH].len};
    c.out->constants = arena_alloc(arena, c.level_bytes[LEVEL_CONST] + 64, 64);
    run_setup(&c, &c.code[LEVEL_CONST]);
    return c.out;
}
