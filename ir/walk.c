/* walk.c -- visiting all operations of a kernel, and copying a kernel.
 *
 * Both go outside in, in the order of the text, so that a value is met before its uses. Example:
 * counting loads is ir_walk(kernel->body, count_loads, &count) with a visitor of three lines.
 */
#include "ir/ir.h"

bool ir_walk(IrBlock *block, IrVisitor visit, void *data) {
    IrOp *next;
    for (IrOp *op = block->first; op; op = next) {
        next = op->next; /* the visitor may erase `op` */
        if (!visit(op, data))
            return false;
        if (!op->block)
            continue;
        for (unsigned r = 0; r < op->num_regions; r++) {
            if (!ir_walk(op->regions[r], visit, data))
                return false;
        }
    }
    return true;
}

/* ---- copying ----------------------------------------------------------------------------------*/

typedef struct Cloner {
    IrBuilder builder;
    IrValue **values; /* the old value's id -> the copy */
} Cloner;

static void clone_value(Cloner *cloner, const IrValue *old, IrValue *copy) {
    copy->name = old->name;
    if (old->hints)
        *ir_value_hints(cloner->builder.module, copy) = *old->hints;
    cloner->values[old->id] = copy;
}

static void clone_attrs(Cloner *cloner, const IrOp *old, IrOp *copy) {
    IrModule *module = cloner->builder.module;
    for (unsigned i = 0; i < ir_info(old)->num_attrs; i++) {
        const IrAttr *attr = &old->attrs[i];
        if (ir_attr_infos[attr->id].kind == ATTRKIND_STR)
            ir_set_str(module, copy, attr->id, attr->u.str);
        else if (ir_attr_infos[attr->id].kind == ATTRKIND_INTS)
            ir_set_ints(module, copy, attr->id, attr->u.ints.items, attr->u.ints.len);
        else
            copy->attrs[i] = *attr;
    }
}

static void clone_block(Cloner *cloner, const IrBlock *old, IrBlock *copy);

static void clone_op(Cloner *cloner, const IrOp *old) {
    Arena *arena = cloner->builder.module->arena;
    IrValue **operands = ARENA_ARRAY(arena, IrValue *, old->num_operands);
    const IrType **types = ARENA_ARRAY(arena, const IrType *, old->num_results);
    for (unsigned i = 0; i < old->num_operands; i++)
        operands[i] = cloner->values[ir_operand(old, i)->id];
    for (unsigned i = 0; i < old->num_results; i++)
        types[i] = old->results[i].type;
    cloner->builder.range = old->range;
    IrOp *copy =
        ir_build(&cloner->builder, old->code, operands, old->num_operands, types, old->num_results);
    for (unsigned i = 0; i < old->num_results; i++)
        clone_value(cloner, &old->results[i], &copy->results[i]);
    clone_attrs(cloner, old, copy);
    for (unsigned r = 0; r < old->num_regions; r++)
        clone_block(cloner, old->regions[r], copy->regions[r]);
}

static void clone_block(Cloner *cloner, const IrBlock *old, IrBlock *copy) {
    IrBlock *outer = cloner->builder.block;
    cloner->builder.block = copy;
    for (unsigned i = copy->num_args; i < old->num_args; i++) {
        const IrValue *arg = old->args[i];
        clone_value(cloner, arg, ir_block_add_arg(&cloner->builder, copy, arg->type, arg->name));
    }
    for (const IrOp *op = old->first; op; op = op->next)
        clone_op(cloner, op);
    cloner->builder.block = outer;
}

IrKernel *ir_kernel_clone(IrModule *into, const IrKernel *kernel) {
    IrKernel *copy = ir_kernel_create(into, kernel->name, kernel->range);
    Cloner cloner = {
        .builder = {.module = into, .kernel = copy, .block = copy->body},
        .values = ARENA_ARRAY(into->arena, IrValue *, kernel->num_values),
    };
    for (size_t i = 0; i < kernel->params.len; i++) {
        const IrParam *param = &kernel->params.data[i];
        IrValue *value = ir_kernel_add_param(copy, param->name, param->value->type, param->range);
        clone_value(&cloner, param->value, value);
        copy->params.data[i].is_const = param->is_const;
    }
    copy->num_warps = kernel->num_warps;
    copy->num_stages = kernel->num_stages;
    copy->num_ctas = kernel->num_ctas;
    copy->maxnreg = kernel->maxnreg;
    copy->fp_fusion = kernel->fp_fusion;
    copy->debug = kernel->debug;
    clone_block(&cloner, kernel->body, copy->body);
    return copy;
}
