/* ir_random.c -- random but valid tile IR, for property tests.
 *
 * A pool holds the values that are visible; each step picks an operation and operands of a fitting
 * type from the pool and adds the result. Regions get a pool that begins as a copy of the outer
 * one.
 */
#include "ir_random.h"

#include "ir/number.h"

enum { NUM_SHAPES = 4, MAX_POOL = 512 };

typedef struct Pool {
    IrValue *items[MAX_POOL];
    unsigned len;
} Pool;

typedef struct Generator {
    IrBuilder b;
    const IrRandomOptions *options;
    uint64_t state;
    unsigned depth;
    Pool *pool;
} Generator;

uint64_t ir_random_next(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static unsigned pick(Generator *g, unsigned below) {
    return (unsigned)(ir_random_next(&g->state) % below);
}

static void add(Generator *g, IrValue *value) {
    static const char *const names[] = {"x", "acc", "x.1", "offs", "c1024", "größe", "true"};
    if (pick(g, 2))
        value->name = strtab_sym(ir_names(g->b.module->ctx), names[pick(g, 7)]);
    if (pick(g, 8) == 0)
        ir_value_hints(g->b.module, value)->divisibility[0] = 1 << pick(g, 6);
    if (g->pool->len < MAX_POOL)
        g->pool->items[g->pool->len++] = value;
}

static void set_range(Generator *g) {
    const SrcFile *file =
        g->options->with_ranges ? sources_file(g->b.module->sources, 1 + pick(g, 2)) : NULL;
    g->b.range = SRC_NONE;
    if (!file || pick(g, 8) == 0)
        return;
    /* ASCII in the test's sources: any two bytes in order are a range */
    uint32_t lo = pick(g, (unsigned)file->len), hi = lo + pick(g, (unsigned)(file->len - lo) + 1);
    g->b.range = (SrcRange){file->id, lo, hi};
}

static const IrType *scalar(Generator *g, IrTypeKind kind) {
    return ir_type_scalar(g->b.module->ctx, kind);
}

static const IrType *random_type(Generator *g) {
    static const int64_t shapes[NUM_SHAPES][2] = {{8, 0}, {4, 2}, {1, 8}, {2, 4}};
    const IrType *elem = scalar(g, (IrTypeKind)pick(g, TY_F64 + 1));
    unsigned shape = pick(g, 2 * NUM_SHAPES);
    if (shape >= NUM_SHAPES)
        return elem;
    return ir_type_tile(g->b.module->ctx, elem, shapes[shape], shapes[shape][1] ? 2 : 1);
}

static IrValue *random_constant(Generator *g, const IrType *type) {
    const IrType *elem = ir_elem(type);
    uint64_t bits = ir_random_next(&g->state) & ir_bit_mask(ir_bits(elem));
    if (ir_is_float(elem) && (!g->options->any_bits || pick(g, 2)))
        bits = ir_float_to_bits(elem->kind, (double)((int)pick(g, 9) - 4) / 2);
    else if (ir_is_int(elem) && pick(g, 2))
        bits = (uint64_t)((int64_t)pick(g, 5) - 2);
    return ir_const_bits(&g->b, type, bits);
}

/* A visible value of that type: from the pool if there is one, else a new constant. */
static IrValue *value_of(Generator *g, const IrType *type) {
    unsigned start = g->pool->len ? pick(g, g->pool->len) : 0;
    for (unsigned i = 0; i < g->pool->len && pick(g, 6) != 0; i++) {
        IrValue *value = g->pool->items[(start + i) % g->pool->len];
        if (value->type == type)
            return value;
    }
    IrValue *constant = random_constant(g, type);
    add(g, constant);
    return constant;
}

/* ---- operations ------------------------------------------------------------------------------ */

static void make_binary(Generator *g, const IrType *type) {
    static const IrOpcode ints[] = {OP_AddI,  OP_SubI,  OP_MulI,  OP_AndI,    OP_OrI,
                                    OP_XorI,  OP_ShlI,  OP_ShrSI, OP_ShrUI,   OP_MinSI,
                                    OP_MaxSI, OP_MinUI, OP_MaxUI, OP_MulHiSI, OP_MulHiUI};
    static const IrOpcode floats[] = {OP_AddF,    OP_SubF,    OP_MulF,     OP_DivRnF,
                                      OP_MinNumF, OP_MaxNumF, OP_MinimumF, OP_MaximumF};
    IrOpcode code =
        ir_is_float(type) ? floats[pick(g, TK_COUNTOF(floats))] : ints[pick(g, TK_COUNTOF(ints))];
    IrValue *a = value_of(g, type);
    add(g, ir_binary(&g->b, code, a, value_of(g, type)));
}

static void make_unary(Generator *g, const IrType *type) {
    static const IrOpcode ints[] = {OP_AbsI, OP_CountLeadingZeros, OP_PopCount};
    static const IrOpcode floats[] = {OP_NegF, OP_AbsF, OP_Floor, OP_Ceil};
    IrOpcode code = ir_is_float(type) ? floats[pick(g, 4)] : ints[pick(g, 3)];
    add(g, ir_unary(&g->b, code, value_of(g, type)));
}

static void make_compare(Generator *g, const IrType *type) {
    IrValue *a = value_of(g, type), *b = value_of(g, type);
    if (ir_is_float(type))
        add(g, ir_cmpf(&g->b, (FLOAT_PRED_Enum)pick(g, FLOAT_PRED_COUNT), a, b));
    else
        add(g, ir_cmpi(&g->b, (INT_PRED_Enum)pick(g, INT_PRED_COUNT), a, b));
}

static void make_select(Generator *g, const IrType *type) {
    IrValue *condition = value_of(g, scalar(g, TY_I1)), *a = value_of(g, type);
    add(g, ir_select(&g->b, condition, a, value_of(g, type)));
}

static void make_cast(Generator *g, const IrType *type) {
    IrTypeKind to = (IrTypeKind)pick(g, TY_F64 + 1);
    const IrType *elem = scalar(g, to);
    unsigned from_bits = ir_bits(type), to_bits = ir_bits(elem);
    bool from_float = ir_is_float(type), to_float = ir_is_float(elem), sign = pick(g, 2);
    IrOpcode code;
    if (from_float && to_float) {
        if (from_bits == to_bits)
            return;
        code = to_bits > from_bits ? OP_FPExt : OP_FPTrunc;
    } else if (from_float) {
        code = sign ? OP_FPToSI : OP_FPToUI;
    } else if (to_float) {
        code = sign ? OP_SIToFP : OP_UIToFP;
    } else if (from_bits == to_bits) {
        return;
    } else {
        code = to_bits < from_bits ? OP_TruncI : sign ? OP_ExtSI : OP_ExtUI;
    }
    add(g, ir_cast(&g->b, code, value_of(g, type), elem));
}

static void make_shape(Generator *g, const IrType *type) {
    IrValue *a = value_of(g, type);
    static const int64_t eight[] = {8}, square[] = {2, 4}, wide[] = {1, 4, 2};
    if (!ir_is_tile(type)) {
        add(g, ir_splat(&g->b, a, eight, 1));
        return;
    }
    switch (pick(g, 5)) {
    case 0:
        add(g, ir_reshape(&g->b, a, square, 2));
        break;
    case 1:
        add(g, ir_reshape(&g->b, a, wide, 3));
        break;
    case 2:
        add(g, ir_expand_dims(&g->b, a, pick(g, type->rank + 1)));
        break;
    case 3:
        if (type->rank == 2)
            add(g, ir_permute(&g->b, a, (unsigned[]){1, 0}));
        break;
    default:
        if (type->rank == 2 && type->shape[0] == 1)
            add(g, ir_broadcast(&g->b, a, (int64_t[]){4, type->shape[1]}, 2));
        else
            add(g, ir_reshape(&g->b, a, eight, 1));
    }
}

/* ---- regions --------------------------------------------------------------------------------- */

static void fill(Generator *g, unsigned num_ops);

static void build_yield(Generator *g, IrValue *const *values, unsigned count) {
    set_range(g);
    ir_build(&g->b, OP_Yield, values, count, NULL, 0);
}

/* Fills a region of `op` that yields a value of `type`. */
static void fill_region(Generator *g, IrBlock *block, const IrType *type) {
    Pool inner = *g->pool, *outer = g->pool;
    IrBlock *outer_block = g->b.block;
    g->b.block = block;
    g->pool = &inner;
    g->depth++;
    for (unsigned i = 0; i < block->num_args; i++)
        add(g, block->args[i]);
    fill(g, 1 + pick(g, 6));
    IrValue *value = value_of(g, type);
    build_yield(g, &value, 1);
    g->depth--;
    g->pool = outer;
    g->b.block = outer_block;
}

static void make_if(Generator *g, const IrType *type) {
    IrValue *condition = value_of(g, scalar(g, TY_I1));
    IrOp *op = ir_build(&g->b, OP_If, &condition, 1, &type, 1);
    fill_region(g, op->regions[0], type);
    fill_region(g, op->regions[1], type);
    add(g, ir_result(op, 0));
}

static void make_for(Generator *g, const IrType *type) {
    const IrType *i32 = scalar(g, TY_I32);
    IrValue *operands[] = {ir_const_int(&g->b, i32, (int64_t)pick(g, 3)),
                           ir_const_int(&g->b, i32, (int64_t)pick(g, 5)),
                           ir_const_int(&g->b, i32, 1 + (int64_t)pick(g, 2)), value_of(g, type)};
    IrOp *op = ir_build(&g->b, OP_For, operands, 4, &type, 1);
    ir_block_add_arg(&g->b, op->regions[0], i32, NULL);
    ir_block_add_arg(&g->b, op->regions[0], type, NULL);
    ir_set_int(op, ATTR_NUM_STAGES, pick(g, 4));
    fill_region(g, op->regions[0], type);
    add(g, ir_result(op, 0));
}

static void fill(Generator *g, unsigned num_ops) {
    typedef void (*Maker)(Generator * g, const IrType *type);
    static const Maker makers[] = {make_binary,  make_binary, make_binary, make_unary,
                                   make_compare, make_select, make_cast,   make_cast,
                                   make_shape,   make_if,     make_for};
    for (unsigned i = 0; i < num_ops; i++) {
        unsigned maker = pick(g, g->depth < 3 ? TK_COUNTOF(makers) : TK_COUNTOF(makers) - 2);
        set_range(g);
        makers[maker](g, random_type(g));
    }
}

/* ---- kernels --------------------------------------------------------------------------------- */

/* Stores the bits of up to IR_RANDOM_SLOTS / 8 integers and floats of the pool. */
static void store_results(Generator *g, IrValue *out) {
    const IrType *i64 = scalar(g, TY_I64), *i32 = scalar(g, TY_I32);
    for (unsigned i = 0, slot = 0; i < g->pool->len && slot < IR_RANDOM_SLOTS; i++) {
        IrValue *value = g->pool->items[g->pool->len - 1 - i];
        if (ir_is_tile(value->type) || ir_is_ptr(value->type))
            continue;
        unsigned bits = ir_bits(value->type);
        if (ir_is_float(value->type)) {
            static const IrTypeKind kinds[] = {TY_I8, TY_I16, TY_I32, TY_I64};
            unsigned log = bits == 8 ? 0 : bits == 16 ? 1 : bits == 32 ? 2 : 3;
            const IrType *as = scalar(g, kinds[log]);
            /* which of two NaNs an operation passes on is open: all count as 0 */
            IrValue *number = ir_cmpf(&g->b, FPRED_OEQ, value, value);
            IrValue *pattern = ir_cast(&g->b, OP_Bitcast, value, as);
            value = ir_select(&g->b, number, pattern, ir_const_int(&g->b, as, 0));
        }
        if (bits < 64)
            value = ir_cast(&g->b, OP_ExtUI, value, i64);
        IrValue *at = ir_addptr(&g->b, out, ir_const_int(&g->b, i32, slot++), false);
        ir_store(&g->b, at, value, NULL);
    }
}

IrKernel *ir_random_kernel(IrModule *module, const IrRandomOptions *options) {
    Pool pool = {.len = 0};
    Generator g = {.options = options, .state = options->seed, .pool = &pool};
    Sym name = strtab_sym(ir_names(module->ctx), "random");
    IrKernel *kernel = ir_kernel_create(module, name, SRC_NONE);
    g.b = (IrBuilder){.module = module, .kernel = kernel, .block = kernel->body};
    StrTab *names = ir_names(module->ctx);
    const IrType *pointer = ir_type_ptr(module->ctx, scalar(&g, TY_I64));
    IrValue *out = ir_kernel_add_param(kernel, strtab_sym(names, "out"), pointer, SRC_NONE);
    pool.items[pool.len++] =
        ir_kernel_add_param(kernel, strtab_sym(names, "n"), scalar(&g, TY_I32), SRC_NONE);
    pool.items[pool.len++] =
        ir_kernel_add_param(kernel, strtab_sym(names, "x"), scalar(&g, TY_F32), SRC_NONE);
    fill(&g, options->num_ops);
    if (options->only_executable)
        store_results(&g, out);
    ir_build(&g.b, OP_Return, NULL, 0, NULL, 0);
    return kernel;
}
