/* build.c -- making and changing IR: modules, kernels, operations, use lists.
 *
 * An operation, its operand slots, results, attributes and region pointers are allocated together
 * in the module's arena and never freed one by one; erasing an operation unlinks it. Each operand
 * slot is a node of its value's use list, so that replacing a value is a walk over its uses.
 *
 *     IrBuilder b = {.module = m, .kernel = k, .block = k->body};
 *     IrValue *two = ir_const_int(&b, i32, 2);
 *     IrValue *x2 = ir_binary(&b, OP_MulI, x, two);
 */
#include "ir/ir.h"

#include <assert.h>
#include <string.h>

/* ---- modules and kernels ----------------------------------------------------------------------*/

IrModule *ir_module_create(IrContext *ctx, Arena *arena, SourceSet *sources) {
    IrModule *module = ARENA_NEW(arena, IrModule);
    module->ctx = ctx;
    module->arena = arena;
    module->sources = sources;
    return module;
}

static IrBlock *new_block(IrKernel *kernel, IrOp *parent) {
    IrBlock *block = ARENA_NEW(kernel->module->arena, IrBlock);
    block->parent = parent;
    block->kernel = kernel;
    return block;
}

IrKernel *ir_kernel_create(IrModule *module, Sym name, SrcRange range) {
    IrKernel *kernel = ARENA_NEW(module->arena, IrKernel);
    kernel->module = module;
    kernel->name = name;
    kernel->range = range;
    kernel->num_warps = IR_DEFAULT_NUM_WARPS;
    kernel->num_stages = IR_DEFAULT_NUM_STAGES;
    kernel->num_ctas = 1;
    kernel->fp_fusion = true;
    kernel->body = new_block(kernel, NULL);
    vec_push(module->arena, &module->kernels, kernel);
    return kernel;
}

static void init_value(IrKernel *kernel, IrValue *value, const IrType *type, unsigned index) {
    value->type = type;
    value->id = kernel->num_values++;
    value->index = index;
}

/* Appends an argument; the array doubles whenever its length is a power of two. */
static IrValue *block_add_arg(IrBlock *block, const IrType *type, Sym name) {
    Arena *arena = block->kernel->module->arena;
    unsigned len = block->num_args;
    if ((len & (len - 1)) == 0) {
        IrValue **grown = ARENA_ARRAY(arena, IrValue *, len == 0 ? 1 : (size_t)len * 2);
        if (len > 0)
            memcpy(grown, block->args, len * sizeof *grown);
        block->args = grown;
    }
    IrValue *arg = ARENA_NEW(arena, IrValue);
    init_value(block->kernel, arg, type, len);
    arg->block = block;
    arg->name = name;
    block->args[block->num_args++] = arg;
    return arg;
}

IrValue *ir_kernel_add_param(IrKernel *kernel, Sym name, const IrType *type, SrcRange range) {
    IrValue *value = block_add_arg(kernel->body, type, name);
    IrParam param = {.value = value, .name = name, .range = range};
    vec_push(kernel->module->arena, &kernel->params, param);
    return value;
}

IrValue *ir_block_add_arg(IrBuilder *b, IrBlock *block, const IrType *type, Sym name) {
    (void)b;
    return block_add_arg(block, type, name);
}

IrHints *ir_value_hints(IrModule *module, IrValue *value) {
    if (!value->hints)
        value->hints = ARENA_NEW(module->arena, IrHints);
    return value->hints;
}

/* ---- use lists --------------------------------------------------------------------------------*/

static void use_link(IrUse *use, IrValue *value) {
    use->value = value;
    use->prev = NULL;
    use->next = value ? value->uses : NULL;
    if (use->next)
        use->next->prev = use;
    if (value)
        value->uses = use;
}

static void use_unlink(IrUse *use) {
    if (!use->value)
        return;
    if (use->prev)
        use->prev->next = use->next;
    else
        use->value->uses = use->next;
    if (use->next)
        use->next->prev = use->prev;
    use->value = NULL;
    use->prev = use->next = NULL;
}

bool ir_has_uses(const IrValue *value) {
    return value->uses != NULL;
}

void ir_set_operand(IrOp *op, unsigned index, IrValue *value) {
    assert(index < op->num_operands);
    use_unlink(&op->operands[index]);
    use_link(&op->operands[index], value);
}

void ir_replace_uses(IrValue *old, IrValue *new_value) {
    assert(old != new_value);
    while (old->uses)
        ir_set_operand(old->uses->user, old->uses->index, new_value);
}

void ir_truncate_operands(IrOp *op, unsigned count) {
    while (op->num_operands > count)
        use_unlink(&op->operands[--op->num_operands]);
}

/* ---- operations -------------------------------------------------------------------------------*/

static void block_link(IrBlock *block, IrOp *op, IrOp *before) {
    assert(!before || before->block == block);
    op->block = block;
    op->next = before;
    op->prev = before ? before->prev : block->last;
    if (op->prev)
        op->prev->next = op;
    else
        block->first = op;
    if (before)
        before->prev = op;
    else
        block->last = op;
}

static void block_unlink(IrOp *op) {
    IrBlock *block = op->block;
    if (op->prev)
        op->prev->next = op->next;
    else
        block->first = op->next;
    if (op->next)
        op->next->prev = op->prev;
    else
        block->last = op->prev;
    op->prev = op->next = NULL;
    op->block = NULL;
}

static void init_attrs(Arena *arena, IrOp *op) {
    const IrOpInfo *info = ir_info(op);
    op->attrs = ARENA_ARRAY(arena, IrAttr, info->num_attrs);
    for (unsigned i = 0; i < info->num_attrs; i++) {
        const IrAttrInfo *attr = &ir_attr_infos[info->attrs[i]];
        op->attrs[i].id = info->attrs[i];
        if (attr->kind != ATTRKIND_VALUE && attr->kind != ATTRKIND_STR &&
            attr->kind != ATTRKIND_INTS)
            op->attrs[i].u.i = attr->dflt;
    }
}

IrOp *ir_build(IrBuilder *b, IrOpcode code, IrValue *const *operands, unsigned num_operands,
               const IrType *const *result_types, unsigned num_results) {
    Arena *arena = b->module->arena;
    IrOp *op = ARENA_NEW(arena, IrOp);
    op->code = code;
    op->range = b->range;
    op->num_operands = num_operands;
    op->num_results = num_results;
    op->num_regions = ir_op_infos[code].num_regions;
    op->operands = ARENA_ARRAY(arena, IrUse, num_operands);
    for (unsigned i = 0; i < num_operands; i++) {
        op->operands[i].user = op;
        op->operands[i].index = i;
        use_link(&op->operands[i], operands[i]);
    }
    op->results = ARENA_ARRAY(arena, IrValue, num_results);
    for (unsigned i = 0; i < num_results; i++) {
        init_value(b->kernel, &op->results[i], result_types[i], i);
        op->results[i].def = op;
    }
    init_attrs(arena, op);
    op->regions = ARENA_ARRAY(arena, IrBlock *, op->num_regions);
    for (unsigned i = 0; i < op->num_regions; i++)
        op->regions[i] = new_block(b->kernel, op);
    block_link(b->block, op, b->before);
    return op;
}

/* Drops the operands of `op` and of everything in its regions. */
static void drop_operands(IrOp *op) {
    for (unsigned i = 0; i < op->num_operands; i++)
        use_unlink(&op->operands[i]);
    for (unsigned r = 0; r < op->num_regions; r++) {
        for (IrOp *inner = op->regions[r]->first; inner; inner = inner->next)
            drop_operands(inner);
    }
}

void ir_op_erase(IrOp *op) {
    for (unsigned i = 0; i < op->num_results; i++)
        assert(!ir_has_uses(&op->results[i]));
    drop_operands(op);
    block_unlink(op);
}

void ir_op_move_before(IrOp *op, IrOp *before) {
    block_unlink(op);
    block_link(before->block, op, before);
}

/* ---- attributes -------------------------------------------------------------------------------*/

void ir_set_int(IrOp *op, IrAttrId id, int64_t value) {
    ir_attr(op, id)->u.i = value;
}

void ir_set_str(IrModule *module, IrOp *op, IrAttrId id, const char *text) {
    ir_attr(op, id)->u.str = text ? arena_strdup(module->arena, text) : NULL;
}

void ir_set_ints(IrModule *module, IrOp *op, IrAttrId id, const int64_t *items, size_t len) {
    IrInts ints = {.items = NULL, .len = len};
    if (len > 0)
        ints.items = arena_memdup(module->arena, items, len * sizeof *items, _Alignof(int64_t));
    ir_attr(op, id)->u.ints = ints;
}
