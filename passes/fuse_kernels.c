/* fuse_kernels.c -- two launches of one grid as one kernel, the intermediate not going to memory.
 *
 * Between two launches every program waits for all others; in the fused kernel a program of the
 * second begins when its own program of the first is done. That is right if no program of the
 * second touches what *another* program of the first touches, one of them writing. For each pair of
 * accesses to overlapping memory this is proven so: the addresses are the same operations on the
 * same values (accesses.c), so program p of the one touches what program p of the other does; and
 * the side that stores, if the kernel has no race, stores there from program p alone. A kernel with
 * atomics may take turns instead of being free of races, so it proves nothing.
 *
 *     first:   x = load(x_ptr + offs, mask); store(t_ptr + offs, x * x, mask)
 *     second:  t = load(t_ptr + offs, mask); store(o_ptr + offs, t + 1, mask)
 *     fused:   x = load(x_ptr + offs, mask); store(t_ptr + offs, x * x, mask)
 *              store(o_ptr + offs, x * x + 1, mask)
 *
 * and without the store through t_ptr if nobody reads it. What goes on through memory is kept in
 * order by a barrier. Not: a load at other offsets than those of the store (a stencil, a
 * transposition, a sum of all): that needs the other programs' stores.
 *
 * Known otherwise as vertical fusion (Wang et al., Kernel Fusion: An Effective Method for Better
 * Power Efficiency on Multithreaded GPU, 2010); the proof by equal addresses is ours.
 */
#include "passes/fuse_kernels.h"

#include "passes/accesses.h"
#include "passes/rewrite.h"

typedef struct Fusion {
    PassContext pc;
    const FuseRequest *request;
    IrKernel *kernel;
    IrOp *border; /* a barrier: the first kernel is before it, the second behind it */
    MemAccesses first, second;
    bool first_takes_turns, second_takes_turns; /* has atomics */
    uint32_t *second_param; /* for each parameter of `kernel`: one of `second`, or FUSE_OWN */
    Matcher matcher;
} Fusion;

/* ---- one kernel of two ----------------------------------------------------------------------- */

static bool options_fit(const FuseRequest *request, Diags *diags) {
    const IrKernel *a = request->first, *b = request->second;
    if (a->num_ctas == b->num_ctas)
        return true;
    diag_report(diags, DIAG_FUSE_OPTIONS, b->range, a->name, b->name, a->num_ctas, b->num_ctas);
    return false;
}

static int larger(int a, int b) {
    return a > b ? a : b;
}

static int least_limit(int a, int b) { /* 0: none */
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static void add_parameters(Fusion *f, IrCloner *cloner) {
    const FuseRequest *request = f->request;
    const IrKernel *second = request->second;
    for (size_t i = 0; i < second->params.len; i++) {
        const IrParam *param = &second->params.data[i];
        uint32_t same = request->same_as[i];
        if (same == FUSE_OWN) {
            same = (uint32_t)f->kernel->params.len;
            ir_kernel_add_param(f->kernel, param->name, param->value->type, param->range);
            IrParam *added = &f->kernel->params.data[same];
            added->is_const = param->is_const;
            added->value->name = param->value->name;
            if (param->value->hints)
                *ir_value_hints(f->kernel->module, added->value) = *param->value->hints;
        }
        f->kernel->params.data[same].is_const &= param->is_const;
        f->second_param[same] = (uint32_t)i;
        ir_clone_map(cloner, param->value, f->kernel->params.data[same].value);
    }
}

static void join_kernels(Fusion *f, IrModule *into) {
    const IrKernel *first = f->request->first, *second = f->request->second;
    Arena *scratch = f->pc.scratch;
    IrKernel *kernel = f->kernel = ir_kernel_clone(into, first);
    kernel->name = strtab_sym(ir_names(into->ctx),
                              arena_printf(scratch, "%s_and_%s", first->name, second->name));
    kernel->num_warps = larger(first->num_warps, second->num_warps);
    kernel->num_stages = larger(first->num_stages, second->num_stages);
    kernel->maxnreg = least_limit(first->maxnreg, second->maxnreg);
    kernel->debug |= second->debug;
    kernel->fp_fusion = false;
    size_t most = first->params.len + second->params.len;
    f->second_param = ARENA_ARRAY(scratch, uint32_t, most);
    for (size_t i = 0; i < most; i++)
        f->second_param[i] = FUSE_OWN;
    for (uint32_t i = 0; i < first->params.len; i++) {
        IrValue *value = kernel->params.data[i].value;
        if (f->request->unique[i] != i)
            ir_replace_uses(value, kernel->params.data[f->request->unique[i]].value);
    }
    IrBuilder b = rewrite_before(kernel->body->last);
    f->border = ir_build(&b, OP_Barrier, NULL, 0, NULL, 0);
    IrCloner cloner = ir_cloner(b, second, scratch);
    add_parameters(f, &cloner);
    for (const IrOp *op = second->body->first; op != second->body->last; op = op->next)
        ir_clone_op(&cloner, op);
}

/* ---- what may meet --------------------------------------------------------------------------- */

/* Whether what the parameter `a` leads to in the first kernel may overlap what `b` does in the
 * second. NULL is an unknown base. */
static bool may_meet(const Fusion *f, const IrValue *a, const IrValue *b) {
    size_t num_first = f->request->first->params.len, num_second = f->request->second->params.len;
    if (!a || !b || a->index >= num_first || f->second_param[b->index] == FUSE_OWN)
        return true;
    return f->request->overlap[a->index * num_second + f->second_param[b->index]];
}

/* MatchNoWrite: a load of both kernels gives both the same. */
static bool nothing_writes(void *data, const IrValue *base) {
    const Fusion *f = data;
    for (size_t i = 0; i < f->first.len; i++) {
        if (f->first.data[i].writes && may_meet(f, f->first.data[i].base, base))
            return false;
    }
    for (size_t i = 0; i < f->second.len; i++) {
        if (f->second.data[i].writes && may_meet(f, base, f->second.data[i].base))
            return false;
    }
    return true;
}

static void collect(Fusion *f) {
    MemAccesses all = {0};
    Arena *scratch = f->pc.scratch;
    IrBlock *body = f->kernel->body;
    accesses_in(body, scratch, &all);
    f->first = f->second = (MemAccesses){0};
    f->first_takes_turns = f->second_takes_turns = false;
    bool behind = false;
    const IrOp *top = body->first;
    for (size_t i = 0; i < all.len; i++) {
        const IrOp *at = all.data[i].op;
        while (at->block != body)
            at = at->block->parent;
        for (; top != at; top = top->next)
            behind |= top == f->border;
        vec_push(scratch, behind ? &f->second : &f->first, all.data[i]);
        *(behind ? &f->second_takes_turns : &f->first_takes_turns) |= all.data[i].is_atomic;
    }
}

/* ---- conflicts ------------------------------------------------------------------------------- */

/* Whether programs p and q of the two kernels cannot meet at these accesses unless p is q. */
static bool is_private(Fusion *f, const MemAccess *a, const MemAccess *b) {
    if (a->base != b->base || a->is_atomic || b->is_atomic)
        return false;
    matcher_reset(&f->matcher);
    if (!match_addresses(&f->matcher, a->op, b->op))
        return false;
    if (a->writes && !f->first_takes_turns && match_lanes(&f->matcher, b->op, a->op, false))
        return true;
    return b->writes && !f->second_takes_turns && match_lanes(&f->matcher, a->op, b->op, true);
}

static bool conflicts(const Fusion *f, const MemAccess *a, const MemAccess *b) {
    return (a->writes || b->writes) && may_meet(f, a->base, b->base);
}

static const char *param_name(const MemAccess *access) {
    return access->base->block->kernel->params.data[access->base->index].name;
}

static void report_conflict(Fusion *f, const MemAccess *a, const MemAccess *b) {
    const char *what = "load may read what other programs stored";
    if (a->is_atomic || b->is_atomic)
        what = "access meets atomics of other programs";
    else if (b->writes)
        what = a->writes ? "store may meet stores of other programs"
                         : "store may come before loads of other programs";
    Diag *diag = diag_report(f->pc.diags, DIAG_FUSE_CONFLICT, b->op->range, f->request->first->name,
                             f->request->second->name, what);
    diag_note(diag, a->op->range, "`%s` %s through `%s` here", f->request->first->name,
              a->writes ? "stores" : "loads", param_name(a));
    diag_help(diag,
              "launch the kernels one after the other, or let each program of `%s` use just "
              "the offsets and the mask that the same program of `%s` used",
              f->request->second->name, f->request->first->name);
}

static void report_unknown(Fusion *f, const MemAccess *access) {
    diag_report(f->pc.diags, DIAG_FUSE_UNKNOWN, access->op->range, f->request->first->name,
                f->request->second->name);
}

static bool check_conflicts(Fusion *f) {
    for (size_t i = 0; i < f->first.len; i++) {
        for (size_t k = 0; k < f->second.len; k++) {
            const MemAccess *a = &f->first.data[i], *b = &f->second.data[k];
            if (!conflicts(f, a, b) || is_private(f, a, b))
                continue;
            if (a->base && b->base)
                report_conflict(f, a, b);
            else
                report_unknown(f, a->base ? b : a);
            return false;
        }
    }
    return true;
}

/* ---- forwarding ------------------------------------------------------------------------------ */

/* IrVisitor: false at an operation that may write where the load `data` reads. */
typedef struct Watch {
    const Fusion *fusion;
    const IrValue *base;
    bool behind; /* looking at the second kernel */
} Watch;

static bool leaves_alone(IrOp *op, void *data) {
    const Watch *watch = data;
    MemAccess access;
    if (!access_of(op, &access) || !access.writes)
        return true;
    if (access.base == watch->base)
        return false;
    return watch->behind ? !may_meet(watch->fusion, watch->base, access.base)
                         : !may_meet(watch->fusion, access.base, watch->base);
}

static bool op_leaves_alone(IrOp *op, Watch *watch) {
    bool alone = leaves_alone(op, watch);
    for (unsigned r = 0; alone && r < op->num_regions; r++)
        alone = ir_walk(op->regions[r], leaves_alone, watch);
    return alone;
}

static bool has_repeats(const IrValue *pointers) {
    unsigned dims = varying_dims(pointers);
    for (unsigned i = 0; i < pointers->type->rank; i++) {
        if (pointers->type->shape[i] > 1 && !(dims & (1u << i)))
            return true;
    }
    return false;
}

/* The store of the first kernel whose value `load`, of the second, is sure to load. */
static IrOp *store_before(Fusion *f, const MemAccess *load) {
    IrOp *op = load->op;
    if (op->code != OP_Load || op->block != f->kernel->body || ir_attr_int(op, ATTR_VOLATILE) ||
        has_repeats(ir_operand(op, 0)))
        return NULL;
    Watch watch = {.fusion = f, .base = load->base, .behind = true};
    for (IrOp *at = op->prev; at; at = at->prev) {
        if (at == f->border)
            watch.behind = false;
        bool is_store = at->code == OP_Store && !watch.behind;
        matcher_reset(&f->matcher);
        if (is_store && match_addresses(&f->matcher, at, op) &&
            match_lanes(&f->matcher, op, at, false))
            return at;
        if (!op_leaves_alone(at, &watch))
            return NULL;
    }
    return NULL;
}

/* Makes `load` what was stored; the lanes that it leaves out are its `other`, or zeros. */
static bool forward(Fusion *f, const MemAccess *load) {
    IrOp *op = load->op, *store = store_before(f, load);
    if (!store)
        return false;
    IrValue *value = ir_operand(store, 1), *result = &op->results[0], *mask = access_mask(op);
    bool has_other = op->num_operands > 2;
    if (value->type != result->type || (mask && !has_other && ir_is_ptr(result->type)))
        return false;
    if (mask) {
        IrBuilder b = rewrite_before(op);
        IrValue *other = has_other ? ir_operand(op, 2) : ir_const_bits(&b, result->type, 0);
        value = ir_select(&b, mask, value, other);
    }
    rewrite_replace(result, value);
    rewrite_erase(op);
    pass_count(&f->pc, STAT_FORWARDED, 1);
    return true;
}

static void forward_loads(Fusion *f) {
    for (size_t i = 0; i < f->second.len; i++)
        forward(f, &f->second.data[i]);
}

/* ---- what is left ---------------------------------------------------------------------------- */

static bool is_read(const Fusion *f, const IrValue *base) {
    for (int side = 0; side < 2; side++) {
        const MemAccesses *list = side == 0 ? &f->first : &f->second;
        for (size_t i = 0; i < list->len; i++) {
            const MemAccess *access = &list->data[i];
            if (!access->reads)
                continue;
            bool meets = access->base == base ||
                         (side == 0 ? !access->base : may_meet(f, base, access->base));
            if (meets)
                return true;
        }
    }
    return false;
}

/* Erases the stores through parameters whose memory nobody reads any more. */
static void drop_dead_stores(Fusion *f) {
    for (int side = 0; side < 2; side++) {
        const MemAccesses *list = side == 0 ? &f->first : &f->second;
        for (size_t i = 0; i < list->len; i++) {
            const MemAccess *access = &list->data[i];
            bool is_plain = access->op->code == OP_Store || access->op->code == OP_DescStore;
            if (!is_plain || !access->base ||
                access->base->index >= f->request->first->params.len ||
                !f->request->dead[access->base->index] || is_read(f, access->base))
                continue;
            rewrite_erase(access->op);
            pass_count(&f->pc, STAT_STORES_DROPPED, 1);
        }
    }
}

/* The border stays a barrier if accesses on both sides of it still meet. */
static void drop_border(Fusion *f) {
    bool meet = false;
    for (size_t i = 0; i < f->first.len; i++) {
        for (size_t k = 0; k < f->second.len; k++)
            meet |= conflicts(f, &f->first.data[i], &f->second.data[k]);
    }
    if (!meet)
        ir_op_erase(f->border);
}

static bool fuse(Fusion *f, IrModule *into) {
    join_kernels(f, into);
    pass_cse(&f->pc, f->kernel);
    collect(f);
    f->matcher = matcher_create(f->kernel, f->pc.scratch, nothing_writes, f);
    if (!check_conflicts(f))
        return false;
    forward_loads(f);
    collect(f);
    drop_dead_stores(f);
    collect(f);
    drop_border(f);
    return true;
}

IrKernel *fuse_kernels(IrModule *into, const FuseRequest *request, Diags *diags, PassStats *stats) {
    if (!options_fit(request, diags))
        return NULL;
    Arena *scratch = arena_create(arena_oom(into->arena));
    Fusion f = {.request = request};
    f.pc = (PassContext){.module = into, .scratch = scratch, .diags = diags, .stats = stats};
    bool ok = fuse(&f, into);
    if (!ok)
        into->kernels.len--; /* the kernel that join_kernels() added */
    arena_destroy(scratch);
    return ok ? f.kernel : NULL;
}
