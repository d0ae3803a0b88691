/* specialise.c -- the entry: from a jit function and a signature to a verified IR module.
 *
 * Makes the kernel's IR parameters from the signature (constexprs become bindings, tuples are
 * flattened), visits the body, closes it with a return, and verifies. Example: for
 * add(x_ptr, n, BLOCK: tl.constexpr) and "*fp32:16, i32, 128" the kernel has the parameters
 * %x_ptr: ptr<f32> (divisible by 16) and %n: i32, and BLOCK is the constexpr 128.
 */
#include "frontend/spec.h"

#include <string.h>

#define DIVISIBLE 16

static void set_divisible(Spec *s, IrValue *value) {
    IrHints *hints = ARENA_NEW(s->module->arena, IrHints);
    hints->divisibility[0] = DIVISIBLE;
    value->hints = hints;
}

static SVal parameter_value(Spec *s, const SpecParam *param, Sym name, SrcRange range);

static SVal tuple_parameter(Spec *s, const SpecParam *param, Sym name, SrcRange range) {
    SVal *items = ARENA_ARRAY(s->arena, SVal, param->num_items);
    for (size_t i = 0; i < param->num_items; i++) {
        Sym item = spec_sym(s, arena_printf(s->arena, "%s.%zu", name, i));
        items[i] = parameter_value(s, &param->items[i], item, range);
    }
    return sv_tuple_like(s, param->value, items, param->num_items);
}

/* The value a parameter has in the body; adds IR parameters for what is known at run time only. */
static SVal parameter_value(Spec *s, const SpecParam *param, Sym name, SrcRange range) {
    TlType type = tl_type(param->dtype);
    const IrType *ir = NULL;
    switch (param->kind) {
    case SPEC_CONSTEXPR:
        return sv_borrowed(s, param->value, range);
    case SPEC_TUPLE:
        return tuple_parameter(s, param, name, range);
    case SPEC_SCALAR:
        ir = tl_to_ir(s, type);
        break;
    case SPEC_POINTER:
        type = tl_pointer(s, type, param->is_const);
        ir = tl_to_ir(s, type);
        break;
    case SPEC_DESC:
        ir = ir_type_desc(s->ctx, tl_to_ir(s, type), param->block_shape, param->rank);
        break;
    }
    IrValue *value = ir_kernel_add_param(s->kernel, name, ir, range);
    s->kernel->params.data[s->kernel->params.len - 1].is_const = param->is_const;
    if (param->divisible16)
        set_divisible(s, value);
    SVal v = sv_tensor(value, type);
    if (param->kind == SPEC_DESC)
        v.kind = SV_DESC;
    return v;
}

static bool refuse_parameters(Spec *s, const Params *params) {
    const Arg *bad = params->kwarg ? params->kwarg : params->vararg;
    if (!bad)
        return true;
    SPEC_ERROR(s, DIAG_KERNEL_UNSUPPORTED, bad->range,
               params->kwarg ? "**kwargs of a kernel" : "*args of a kernel");
    return false;
}

static void bind_parameters(Spec *s, const JitFn *fn, const SpecParam *params) {
    for (size_t i = 0; i < fn->num_params; i++) {
        const Arg *arg = spec_parameter(fn->def, i);
        Binding binding = {.name = arg->name, .where = arg->range};
        binding.value = parameter_value(s, &params[i], arg->name, arg->range);
        binding.constant = arg->annotation && params[i].kind == SPEC_CONSTEXPR &&
                           params[i].value.tag != PY_NONE_TAG;
        vec_push(s->arena, &s->frame->scope, binding);
    }
}

static void close_kernel(Spec *s, Flow flow) {
    (void)flow; /* a kernel returns nothing, on whatever path */
    s->b.range = s->frame->fn->stmt->range;
    ir_build(&s->b, OP_Return, NULL, 0, NULL, 0);
}

static void release(Spec *s) {
    for (size_t i = 0; i < s->kept.len; i++)
        py_decref(s->py, s->kept.data[i]);
    s->kept.len = 0;
}

static IrKernel *create_kernel(Spec *s, const JitFn *fn) {
    Sym name = strtab_sym(ir_names(s->ctx), fn->name);
    IrKernel *kernel = ir_kernel_create(s->module, name, fn->def->name_range);
    kernel->num_warps = s->options->num_warps;
    kernel->num_stages = s->options->num_stages;
    kernel->num_ctas = s->options->num_ctas;
    kernel->maxnreg = s->options->maxnreg;
    kernel->fp_fusion = s->options->fp_fusion;
    kernel->debug = s->options->debug;
    return kernel;
}

IrModule *specialise(PyCtx *py, IrContext *ctx, Arena *arena, const JitFn *fn,
                     const SpecParam *params, const SpecOptions *options) {
    Spec s = {.py = py, .ctx = ctx, .arena = arena, .diags = py->diags, .options = options};
    Frame frame = {.fn = fn};
    s.frame = &frame;
    s.module = ir_module_create(ctx, arena, py->sources);
    s.kernel = create_kernel(&s, fn);
    s.b = (IrBuilder){.module = s.module, .kernel = s.kernel, .block = s.kernel->body};
    s.b.range = fn->def->name_range;
    SrcRange here = py->here;
    if (refuse_parameters(&s, &fn->def->params)) {
        bind_parameters(&s, fn, params);
        close_kernel(&s, spec_block(&s, fn->def->body, 0));
    }
    py->here = here;
    release(&s);
    if (s.reported)
        return NULL;
    return ir_verify(s.module, py->diags, "specialisation") ? s.module : NULL;
}
