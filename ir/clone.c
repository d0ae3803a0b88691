/* clone.c -- copies of operations, of regions, of whole kernels.
 *
 * A cloner knows, for values of the kernel that it copies from, what stands for them in the copy;
 * values that it knows nothing of stand for themselves, so that operations can be copied within a
 * kernel. Example: to copy a loop's body behind the loop, ir_clone_map() its arguments to the
 * values they shall have, then ir_clone_op() each operation.
 */
#include "ir/ir.h"

IrCloner ir_cloner(IrBuilder builder, const IrKernel *from, Arena *arena) {
    IrCloner cloner = {.builder = builder, .num_values = from->num_values};
    cloner.values = ARENA_ARRAY(arena, IrValue *, from->num_values);
    return cloner;
}

void ir_clone_map(IrCloner *cloner, const IrValue *old, IrValue *copy) {
    cloner->values[old->id] = copy;
}

IrValue *ir_clone_value(const IrCloner *cloner, IrValue *old) {
    IrValue *copy = old->id < cloner->num_values ? cloner->values[old->id] : NULL;
    return copy ? copy : old;
}

static const IrType *copied_type(const IrCloner *cloner, const IrType *type) {
    return cloner->imports ? ir_type_import(cloner->builder.module->ctx, type) : type;
}

static void clone_result(IrCloner *cloner, const IrValue *old, IrValue *copy) {
    copy->name = old->name;
    if (old->hints)
        *ir_value_hints(cloner->builder.module, copy) = *old->hints;
    if (old->id < cloner->num_values)
        ir_clone_map(cloner, old, copy);
}

void ir_copy_attrs(IrModule *module, const IrOp *from, IrOp *to) {
    for (unsigned i = 0; i < ir_info(from)->num_attrs; i++) {
        const IrAttr *attr = &from->attrs[i];
        if (ir_attr_infos[attr->id].kind == ATTRKIND_STR)
            ir_set_str(module, to, attr->id, attr->u.str);
        else if (ir_attr_infos[attr->id].kind == ATTRKIND_INTS)
            ir_set_ints(module, to, attr->id, attr->u.ints.items, attr->u.ints.len);
        else
            to->attrs[i] = *attr;
    }
}

IrOp *ir_clone_op(IrCloner *cloner, const IrOp *old) {
    Arena *arena = cloner->builder.module->arena;
    IrValue **operands = ARENA_ARRAY(arena, IrValue *, old->num_operands);
    const IrType **types = ARENA_ARRAY(arena, const IrType *, old->num_results);
    for (unsigned i = 0; i < old->num_operands; i++)
        operands[i] = ir_clone_value(cloner, ir_operand(old, i));
    for (unsigned i = 0; i < old->num_results; i++)
        types[i] = copied_type(cloner, old->results[i].type);
    cloner->builder.range = old->range;
    IrOp *copy =
        ir_build(&cloner->builder, old->code, operands, old->num_operands, types, old->num_results);
    for (unsigned i = 0; i < old->num_results; i++)
        clone_result(cloner, &old->results[i], &copy->results[i]);
    ir_copy_attrs(cloner->builder.module, old, copy);
    for (unsigned r = 0; r < old->num_regions; r++)
        ir_clone_block(cloner, old->regions[r], copy->regions[r]);
    return copy;
}

void ir_clone_block(IrCloner *cloner, const IrBlock *old, IrBlock *copy) {
    IrBuilder outer = cloner->builder;
    cloner->builder.block = copy;
    cloner->builder.before = NULL;
    for (unsigned i = copy->num_args; i < old->num_args; i++) {
        const IrValue *arg = old->args[i];
        const IrType *type = copied_type(cloner, arg->type);
        clone_result(cloner, arg, ir_block_add_arg(&cloner->builder, copy, type, arg->name));
    }
    for (const IrOp *op = old->first; op; op = op->next)
        ir_clone_op(cloner, op);
    cloner->builder = outer;
}

IrKernel *ir_kernel_clone(IrModule *into, const IrKernel *kernel) {
    IrKernel *copy = ir_kernel_create(into, kernel->name, kernel->range);
    IrBuilder builder = {.module = into, .kernel = copy, .block = copy->body};
    IrCloner cloner = ir_cloner(builder, kernel, into->arena);
    cloner.imports = into->ctx != kernel->module->ctx;
    for (size_t i = 0; i < kernel->params.len; i++) {
        const IrParam *param = &kernel->params.data[i];
        const IrType *type = copied_type(&cloner, param->value->type);
        IrValue *value = ir_kernel_add_param(copy, param->name, type, param->range);
        clone_result(&cloner, param->value, value);
        copy->params.data[i].is_const = param->is_const;
    }
    copy->num_warps = kernel->num_warps;
    copy->num_stages = kernel->num_stages;
    copy->num_ctas = kernel->num_ctas;
    copy->maxnreg = kernel->maxnreg;
    copy->fp_fusion = kernel->fp_fusion;
    copy->debug = kernel->debug;
    copy->laid = kernel->laid;
    copy->shared_bytes = kernel->shared_bytes;
    ir_clone_block(&cloner, kernel->body, copy->body);
    return copy;
}
