/* Property test of axis and range analysis: every fact that they claim about a random kernel of
 * index arithmetic is compared with the numbers that the interpreter computes. */
#include <criterion/criterion.h>
#include <string.h>

#include "ir/interp/interp.h"
#include "ir/number.h"
#include "ir_random.h"
#include "passes/axis.h"
#include "passes/ranges.h"

enum { NUM_SEEDS = 400, NUM_OPS = 40, MAX_POOL = 128, MAX_SLOTS = 1 << 15, NUM_PROGRAMS = 3 };

typedef struct Observed { /* where a value's elements are stored, per program */
    const IrValue *value;
    int64_t first;
} Observed;

typedef struct World {
    OomHandler oom;
    Arena *arena;
    Diags *diags;
    IrModule *module;
    IrBuilder b;
    uint64_t state;
    IrValue *pool[MAX_POOL];
    unsigned pool_len;
    Observed observed[MAX_POOL];
    unsigned num_observed;
    int64_t num_slots;
} World;

static unsigned pick(World *w, unsigned below) {
    return (unsigned)(ir_random_next(&w->state) % below);
}

static const IrType *scalar(World *w, IrTypeKind kind) {
    return ir_type_scalar(w->module->ctx, kind);
}

static void keep(World *w, IrValue *value) {
    if (w->pool_len < MAX_POOL)
        w->pool[w->pool_len++] = value;
}

static IrValue *any(World *w) {
    return w->pool[pick(w, w->pool_len)];
}

static IrValue *random_constant(World *w, const IrType *type) {
    static const int64_t numbers[] = {0, 1, 2, 3, 4, 7, 8, 12, 15, 16, 32, 64, -1, -8, -16, -5};
    return ir_const_int(&w->b, type, numbers[pick(w, TK_COUNTOF(numbers))]);
}

/* A value of that type: from the pool, a splat of a scalar, or a constant. */
static IrValue *like(World *w, const IrType *type) {
    for (unsigned tries = 0; tries < 8; tries++) {
        IrValue *value = any(w);
        if (value->type == type)
            return value;
        if (ir_is_tile(type) && value->type == ir_elem(type))
            return ir_splat(&w->b, value, type->shape, type->rank);
    }
    return random_constant(w, type);
}

static IrValue *any_int(World *w) {
    for (;;) {
        IrValue *value = any(w);
        if (ir_is_int(value->type) && ir_bits(value->type) > 1)
            return value;
    }
}

/* ---- making operations ----------------------------------------------------------------------- */

static void make_arange(World *w) {
    static const int64_t sizes[] = {16, 64, 96, 2, 24};
    int64_t start = 4 * (int64_t)pick(w, 5) * (int64_t)pick(w, 5) - (pick(w, 4) == 0 ? 32 : 0);
    int64_t size = sizes[pick(w, TK_COUNTOF(sizes))];
    const IrType *type = ir_type_tile(w->module->ctx, scalar(w, TY_I32), &size, 1);
    IrOp *op = ir_build(&w->b, OP_Arange, NULL, 0, &type, 1);
    ir_set_int(op, ATTR_START, start);
    ir_set_int(op, ATTR_END, start + size);
    keep(w, ir_result(op, 0));
}

static void make_binary(World *w) {
    static const IrOpcode codes[] = {OP_AddI,  OP_AddI, OP_SubI,  OP_MulI,  OP_AndI,
                                     OP_OrI,   OP_XorI, OP_MinSI, OP_MaxSI, OP_MinUI,
                                     OP_MaxUI, OP_MulI, OP_AddI};
    IrValue *a = any_int(w), *b = pick(w, 3) ? like(w, a->type) : random_constant(w, a->type);
    keep(w, ir_binary(&w->b, codes[pick(w, TK_COUNTOF(codes))], a, b));
}

static void make_shift(World *w) {
    static const IrOpcode codes[] = {OP_ShlI, OP_ShrSI, OP_ShrUI};
    IrValue *a = any_int(w), *by = ir_const_int(&w->b, a->type, pick(w, 6));
    keep(w, ir_binary(&w->b, codes[pick(w, 3)], a, by));
}

/* By a positive constant, or by %n or %m, which are positive too. */
static void make_division(World *w) {
    static const IrOpcode codes[] = {OP_DivSI, OP_DivUI, OP_RemSI, OP_RemUI};
    static const int64_t divisors[] = {1, 2, 4, 16, 64, 3, 12, 24};
    IrValue *a = any_int(w), *by = w->pool[pick(w, 2)];
    if (ir_elem(a->type) != by->type || pick(w, 2))
        by = ir_const_int(&w->b, a->type, divisors[pick(w, TK_COUNTOF(divisors))]);
    else if (ir_is_tile(a->type))
        by = ir_splat(&w->b, by, a->type->shape, a->type->rank);
    keep(w, ir_binary(&w->b, codes[pick(w, 4)], a, by));
}

static void make_compare(World *w) {
    IrValue *a = any_int(w), *b = like(w, a->type);
    IrValue *flag = ir_cmpi(&w->b, (INT_PRED_Enum)pick(w, INT_PRED_COUNT), a, b);
    keep(w, flag);
    IrValue *other = ir_binary(&w->b, OP_AddI, a, random_constant(w, a->type));
    keep(w, ir_select(&w->b, flag, a, pick(w, 2) ? other : like(w, a->type)));
}

static void make_cast(World *w) {
    static const IrTypeKind kinds[] = {TY_I8, TY_I16, TY_I32, TY_I64};
    IrValue *a = any(w);
    const IrType *to = scalar(w, kinds[pick(w, 4)]);
    if (!ir_is_int(a->type) || ir_bits(a->type) == ir_bits(to))
        return;
    IrOpcode wider = pick(w, 2) ? OP_ExtSI : OP_ExtUI;
    keep(w, ir_cast(&w->b, ir_bits(a->type) < ir_bits(to) ? wider : OP_TruncI, a, to));
}

static void make_broadcast(World *w, IrValue *a) {
    const IrType *type = a->type;
    if (!ir_is_tile(type) || ir_numel(type) > 256 || type->rank > 2)
        return;
    unsigned axis = pick(w, type->rank + 1);
    IrValue *column = ir_expand_dims(&w->b, a, axis);
    int64_t shape[IR_MAX_RANK];
    memcpy(shape, column->type->shape, sizeof shape);
    shape[axis] = pick(w, 2) ? 4 : 6;
    keep(w, column);
    if (ir_numel(type) <= 128)
        keep(w, ir_broadcast(&w->b, column, shape, column->type->rank));
}

static void make_shape(World *w) {
    IrValue *a = any(w);
    const IrType *type = a->type;
    unsigned choice = pick(w, 6);
    if (!ir_is_tile(type)) {
        keep(w, ir_splat(&w->b, a, (int64_t[]){pick(w, 2) ? 24 : 16}, 1));
    } else if (choice == 0 && ir_numel(type) % 8 == 0) {
        keep(w, ir_reshape(&w->b, a, (int64_t[]){ir_numel(type) / 8, 8}, 2));
    } else if (choice == 1 && ir_numel(type) % 8 == 0) {
        keep(w, ir_reshape(&w->b, a, (int64_t[]){4, ir_numel(type) / 8, 2}, 3));
    } else if (choice == 2 && type->rank == 2) {
        keep(w, ir_permute(&w->b, a, (unsigned[]){1, 0}));
    } else if (choice == 3 && ir_numel(type) <= 128 && type->rank < 3) {
        int64_t shape[IR_MAX_RANK];
        memcpy(shape, type->shape, sizeof shape);
        shape[type->rank] = 2;
        IrValue *both[] = {a, like(w, type)};
        const IrType *to = ir_type_tile(w->module->ctx, ir_elem(type), shape, type->rank + 1);
        IrValue *joined = ir_result(ir_build(&w->b, OP_Join, both, 2, &to, 1), 0);
        keep(w, joined);
        const IrType *halves[] = {type, type};
        keep(w, ir_result(ir_build(&w->b, OP_Split, &joined, 1, halves, 2), pick(w, 2)));
    } else if (choice == 4) {
        keep(w, ir_reshape(&w->b, a, (int64_t[]){ir_numel(type)}, 1));
    } else {
        make_broadcast(w, a);
    }
}

static void make_cat(World *w) {
    IrValue *a = any_int(w), *b = any_int(w);
    if (!ir_is_tile(a->type) || !ir_is_tile(b->type) || a->type->rank != 1 || b->type->rank != 1 ||
        a->type->elem != b->type->elem || ir_numel(a->type) + ir_numel(b->type) > 256)
        return;
    int64_t size = ir_numel(a->type) + ir_numel(b->type);
    const IrType *to = ir_type_tile(w->module->ctx, a->type->elem, &size, 1);
    keep(w, ir_result(ir_build(&w->b, OP_Cat, (IrValue *[]){a, b}, 2, &to, 1), 0));
}

/* Pointers into %out, 2 (the pool's third value) and what is made of them. */
static void make_pointer(World *w) {
    IrValue *offset = any_int(w), *pointer = any(w);
    if (!ir_is_ptr(pointer->type))
        pointer = w->pool[2];
    if (ir_bits(offset->type) < 32)
        return;
    if (!ir_is_tile(pointer->type) && ir_is_tile(offset->type))
        pointer = ir_splat(&w->b, pointer, offset->type->shape, offset->type->rank);
    if (!ir_same_shape(pointer->type, offset->type))
        return;
    keep(w, ir_addptr(&w->b, pointer, offset, false));
}

/* A loop that adds something to a value, sometimes swapping two of them. */
static void make_for(World *w) {
    const IrType *i32 = scalar(w, TY_I32);
    IrValue *a = any_int(w), *c = like(w, a->type), *by = like(w, a->type);
    const IrType *types[] = {a->type, a->type};
    IrValue *operands[] = {ir_const_int(&w->b, i32, 4 * (int64_t)pick(w, 3)),
                           ir_const_int(&w->b, i32, 24), ir_const_int(&w->b, i32, 8), a, c};
    IrOp *op = ir_build(&w->b, OP_For, operands, 5, types, 2);
    ir_block_add_arg(&w->b, op->regions[0], i32, NULL);
    IrValue *x = ir_block_add_arg(&w->b, op->regions[0], a->type, NULL);
    IrValue *y = ir_block_add_arg(&w->b, op->regions[0], a->type, NULL);
    IrBlock *outer = w->b.block;
    w->b.block = op->regions[0];
    IrValue *next[] = {ir_binary(&w->b, pick(w, 2) ? OP_AddI : OP_SubI, x, by), y};
    if (pick(w, 3) == 0) {
        next[1] = next[0];
        next[0] = y;
    }
    ir_build(&w->b, OP_Yield, next, 2, NULL, 0);
    w->b.block = outer;
    keep(w, ir_result(op, 0));
    keep(w, ir_result(op, 1));
}

static void make_if(World *w) {
    IrValue *a = any_int(w), *c = like(w, a->type);
    const IrType *i32 = scalar(w, TY_I32);
    IrValue *flag = ir_cmpi(&w->b, IPRED_SLT, like(w, i32), like(w, i32));
    IrOp *op = ir_build(&w->b, OP_If, &flag, 1, (const IrType *[]){a->type}, 1);
    IrBlock *outer = w->b.block;
    for (unsigned r = 0; r < 2; r++) {
        w->b.block = op->regions[r];
        ir_build(&w->b, OP_Yield, r == 0 ? &a : &c, 1, NULL, 0);
    }
    w->b.block = outer;
    keep(w, ir_result(op, 0));
}

/* ---- observing ------------------------------------------------------------------------------- */

static void observe(World *w, IrValue *out, IrValue *value) {
    int64_t numel = ir_numel(value->type), first = w->num_slots;
    const IrType *i64 = scalar(w, TY_I64), *i32 = scalar(w, TY_I32);
    if (first + numel > MAX_SLOTS)
        return;
    w->observed[w->num_observed++] = (Observed){value, first};
    w->num_slots += numel;
    IrValue *wide = value;
    if (ir_is_ptr(value->type))
        wide = ir_cast(&w->b, OP_PtrToInt, value, i64);
    else if (ir_bits(value->type) < 64)
        wide = ir_cast(&w->b, ir_bits(value->type) == 1 ? OP_ExtUI : OP_ExtSI, value, i64);
    if (!ir_is_tile(value->type)) {
        ir_store(&w->b, ir_addptr(&w->b, out, ir_const_int(&w->b, i32, first), false), wide, NULL);
        return;
    }
    wide = ir_reshape(&w->b, wide, &numel, 1);
    const IrType *type = ir_type_tile(w->module->ctx, i32, &numel, 1);
    IrOp *lanes = ir_build(&w->b, OP_Arange, NULL, 0, &type, 1);
    ir_set_int(lanes, ATTR_START, first);
    ir_set_int(lanes, ATTR_END, first + numel);
    IrValue *base = ir_splat(&w->b, out, &numel, 1);
    ir_store(&w->b, ir_addptr(&w->b, base, ir_result(lanes, 0), false), wide, NULL);
}

static IrKernel *random_kernel(World *w) {
    typedef void (*Maker)(World * w);
    static const Maker makers[] = {make_arange,   make_binary,  make_binary,  make_shift,
                                   make_division, make_compare, make_cast,    make_shape,
                                   make_shape,    make_cat,     make_pointer, make_for,
                                   make_if,       make_binary};
    StrTab *names = ir_names(w->module->ctx);
    IrKernel *kernel = ir_kernel_create(w->module, strtab_sym(names, "axis"), SRC_NONE);
    w->b = (IrBuilder){.module = w->module, .kernel = kernel, .block = kernel->body};
    const IrType *i32 = scalar(w, TY_I32);
    const IrType *pointer = ir_type_ptr(w->module->ctx, scalar(w, TY_I64));
    IrValue *out = ir_kernel_add_param(kernel, strtab_sym(names, "out"), pointer, SRC_NONE);
    ir_value_hints(w->module, out)->divisibility[0] = 64;
    keep(w, ir_kernel_add_param(kernel, strtab_sym(names, "n"), i32, SRC_NONE));
    ir_value_hints(w->module, w->pool[0])->divisibility[0] = 16;
    keep(w, ir_kernel_add_param(kernel, strtab_sym(names, "m"), i32, SRC_NONE));
    keep(w, out);
    IrValue *pid = ir_result(ir_build(&w->b, OP_ProgramId, NULL, 0, &i32, 1), 0);
    keep(w, pid);
    make_arange(w);
    for (int i = 0; i < NUM_OPS; i++)
        makers[pick(w, TK_COUNTOF(makers))](w);
    IrValue *mine = ir_binary(&w->b, OP_MulI, pid, ir_const_int(&w->b, i32, MAX_SLOTS));
    IrValue *base = ir_addptr(&w->b, out, mine, false);
    for (unsigned i = 0; i < w->pool_len; i++)
        observe(w, base, w->pool[i]);
    ir_build(&w->b, OP_Return, NULL, 0, NULL, 0);
    return kernel;
}

static int64_t *run(World *w, const IrKernel *kernel) {
    MemSpace *space = mem_space_create(&w->oom);
    size_t count = (size_t)MAX_SLOTS * NUM_PROGRAMS;
    MemAlloc *alloc = mem_alloc(space, count * sizeof(int64_t), 8, MEM_ZEROED);
    MemView view = {.alloc = alloc, .dtype = DT_I64, .rank = 1};
    view.shape[0] = (int64_t)count;
    view.strides[0] = 1;
    InterpArg args[] = {{.kind = INTERP_VIEW, .view = view},
                        {.kind = INTERP_SCALAR, .bits = 48},
                        {.kind = INTERP_SCALAR, .bits = 37}};
    InterpOptions options = {.checks = true, .print_out = stderr};
    InterpKernel *compiled = interp_compile(w->arena, kernel, w->diags);
    cr_assert_not_null(compiled);
    InterpStatus status = interp_launch(compiled, space, (int64_t[]){NUM_PROGRAMS, 1, 1}, args, 3,
                                        &options, w->diags, SRC_NONE);
    if (status != INTERP_OK)
        diags_render(w->diags, &(DiagStyle){0}, stderr);
    cr_assert_eq(status, INTERP_OK);
    int64_t *slots = arena_memdup(w->arena, alloc->data, count * sizeof *slots, 8);
    mem_release(alloc);
    mem_space_destroy(space);
    return slots;
}

/* ---- checking -------------------------------------------------------------------------------- */

/* The elements of one value along one dimension. */
typedef struct Line {
    const int64_t *first;
    int64_t size, stride, unit;
    unsigned bits;
} Line;

static bool equal_mod(int64_t a, int64_t b, unsigned bits) {
    return (((uint64_t)a ^ (uint64_t)b) & ir_bit_mask(bits)) == 0;
}

/* What is wrong with a claim about `line`, or NULL. */
static const char *wrong(const Line *line, int64_t contiguity, int64_t divisibility,
                         int64_t constancy) {
    for (int64_t i = 0; i < line->size; i++) {
        int64_t x = line->first[i * line->stride];
        int64_t start = line->first[i / contiguity * contiguity * line->stride];
        int64_t same = line->first[i / constancy * constancy * line->stride];
        int64_t follows = (int64_t)((uint64_t)start + (uint64_t)(i % contiguity * line->unit));
        if (!equal_mod(x, follows, line->bits))
            return "contiguity";
        if ((start & (divisibility - 1) & (int64_t)ir_bit_mask(line->bits)) != 0)
            return "divisibility";
        if (x != same)
            return "constancy";
    }
    return NULL;
}

static const char *wrong_dim(const AxisInfo *info, const IrType *type, unsigned dim,
                             const int64_t *data) {
    int64_t stride = 1, size = ir_is_tile(type) ? type->shape[dim] : 1;
    for (unsigned d = dim + 1; ir_is_tile(type) && d < type->rank; d++)
        stride *= type->shape[d];
    for (int64_t i = 0; i < ir_numel(type); i++) {
        if (i / stride % size != 0)
            continue;
        Line line = {data + i, size, stride, 1, ir_is_ptr(type) ? 48 : ir_bits(type)};
        if (ir_is_ptr(type))
            line.unit = (int64_t)ir_elem_size(ir_elem(type)->elem);
        const char *claim =
            wrong(&line, info->contiguity[dim], info->divisibility[dim], info->constancy[dim]);
        if (claim)
            return claim;
    }
    return NULL;
}

/* Facts assume that positions do not wrap: a kernel in which one might have is left out. */
static bool may_wrap(const int64_t *data, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        if ((data[i] > 1 << 29 && data[i] < INT64_C(1) << 40) ||
            (data[i] < -(1 << 29) && data[i] > -(INT64_C(1) << 40)))
            return true;
    }
    return false;
}

static bool check_program(World *w, const AxisAnalysis *axis, const int64_t *slots,
                          const char *text, int64_t *num_facts) {
    for (unsigned i = 0; i < w->num_observed; i++) {
        const IrValue *value = w->observed[i].value;
        const int64_t *data = slots + w->observed[i].first;
        const AxisInfo *info = axis_info(axis, value);
        unsigned rank = ir_is_tile(value->type) ? value->type->rank : 1;
        for (unsigned d = 0; d < rank; d++) {
            const char *claim = wrong_dim(info, value->type, d, data);
            *num_facts +=
                (info->contiguity[d] > 1) + (info->divisibility[d] > 1) + (info->constancy[d] > 1);
            cr_assert_null(claim, "value %u, dimension %u: wrong %s\n%s", i, d, claim, text);
        }
        cr_assert(!info->is_const || data[0] == info->value ||
                      (data[0] == 1 && ir_bits(value->type) == 1),
                  "value %u is no constant\n%s", i, text);
    }
    return true;
}

/* Ranges hold whatever wraps. */
static void check_ranges(World *w, const RangeAnalysis *ranges, const int64_t *slots,
                         const char *text, int64_t *num_decided) {
    for (unsigned i = 0; i < w->num_observed; i++) {
        const IrValue *value = w->observed[i].value;
        if (ir_is_ptr(value->type))
            continue;
        Range range = range_of(ranges, value);
        const IrOp *def = value->def;
        bool truth = false;
        bool decided = def && def->code == OP_CmpI && range_decide(ranges, def, def->block, &truth);
        *num_decided += decided;
        for (int64_t k = 0; k < ir_numel(value->type); k++) {
            int64_t x = slots[w->observed[i].first + k];
            cr_assert(x >= range.lo && x <= range.hi, "value %u: %jd is not in its range\n%s", i,
                      (intmax_t)x, text);
            cr_assert(!decided || x == truth, "value %u is decided wrongly\n%s", i, text);
        }
    }
}

static bool check_seed(uint64_t seed, int64_t *num_facts, int64_t *num_decided) {
    World *w = calloc(1, sizeof *w);
    w->oom.fail_after = -1;
    cr_assert(setjmp(w->oom.jump) == 0);
    w->arena = arena_create(&w->oom);
    w->diags = diags_create(w->arena, sources_create(w->arena));
    w->module = ir_module_create(ir_context_create(w->arena), w->arena, NULL);
    w->state = seed;
    const IrKernel *kernel = random_kernel(w);
    if (!ir_verify(w->module, w->diags, NULL))
        diags_render(w->diags, &(DiagStyle){0}, stderr);
    cr_assert_eq(diags_count(w->diags, SEV_INTERNAL), 0);
    const AxisAnalysis *axis = axis_analyse(w->arena, kernel);
    StrBuf text = STRBUF(w->arena);
    ir_print_kernel(kernel, NULL, &text);
    axis_print(axis, kernel, &text);
    const RangeAnalysis *ranges = range_analyse(w->arena, kernel, axis);
    range_print(ranges, kernel, &text);
    const int64_t *slots = run(w, kernel);
    bool checked = false;
    for (int64_t program = 0; program < NUM_PROGRAMS; program++) {
        check_ranges(w, ranges, slots + program * MAX_SLOTS, strbuf_str(&text), num_decided);
        if (may_wrap(slots + program * MAX_SLOTS, w->num_slots))
            continue;
        checked |=
            check_program(w, axis, slots + program * MAX_SLOTS, strbuf_str(&text), num_facts);
    }
    arena_destroy(w->arena);
    free(w);
    return checked;
}

Test(axis, what_it_claims_is_so) {
    int checked = 0;
    int64_t num_facts = 0, num_decided = 0;
    for (uint64_t seed = 1; seed <= NUM_SEEDS; seed++)
        checked += check_seed(seed, &num_facts, &num_decided);
    cr_assert_gt(checked, NUM_SEEDS / 2);
    cr_assert_gt(num_facts, 50 * checked);
    cr_assert_gt(num_decided, NUM_SEEDS / 4);
}
