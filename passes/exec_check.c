/* exec_check.c -- runs a kernel before and after a pass, on the same random data.
 *
 * Arguments are made from the kernel's parameters: pointers get a buffer of random elements and
 * point to its second quarter, so that small negative offsets are inside; integers are small, and
 * multiples of what their hints promise; floats are multiples of 1/8, so that sums of a few of them
 * are exact in every order. Now and then memory holds NaNs, infinities or arbitrary integers. The
 * grid has a few programs along each axis that the kernel asks for.
 *
 * A kernel may be undefined on such data: if it faults before the pass, nothing can be said, and
 * another attempt is made with other, in the end smaller, numbers. The method is differential
 * testing (W. M. McKeeman, Differential Testing for Software, 1998), with the interpreter as the
 * one implementation and the pass as the difference. Example: an `addi %x, %y` that a pass made
 * `subi %x, %y` shows as the first element that was stored through it.
 *
 * Parameters that are descriptors may have become their parts in between:
 * passes/expand_descriptors.c says in which order.
 */
#include "passes/exec_check.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "ir/interp/interp.h"
#include "ir/number.h"

enum {
    BUFFER_ELEMENTS = 1 << 16,
    BUFFER_ORIGIN = 1 << 14, /* where the pointer points */
    ATTEMPTS_PER_ROUND = 4,
    MAX_PRINTED = 1 << 20,
    MAX_TRIPS = 1 << 16 /* of loops; on random data some never end */
};

/* ---- random numbers -------------------------------------------------------------------------- */

/* splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). */
static uint64_t next_random(uint64_t *state) {
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t below(uint64_t *state, uint64_t limit) {
    return next_random(state) % limit;
}

/* ---- arguments ------------------------------------------------------------------------------- */

/* One attempt: what its numbers are like. */
typedef struct Attempt {
    uint64_t seed;
    int64_t limit;       /* of integers */
    bool special_floats; /* NaN, infinities, -0 and tiny numbers in memory */
    bool any_integers;   /* of all bits in memory */
    bool one_program;
} Attempt;

static Attempt attempt_number(uint64_t seed, unsigned number) {
    static const int64_t limits[] = {100, 17, 64, 5, 33, 9, 2, 16};
    return (Attempt){.seed = seed + UINT64_C(0x51ed270b) * number,
                     .limit = limits[number % 8],
                     .special_floats = number % 4 == 1,
                     .any_integers = number % 8 == 2,
                     .one_program = number % 4 == 3};
}

static uint64_t random_float(uint64_t *state, IrTypeKind kind, bool special) {
    static const double specials[] = {(double)NAN, (double)INFINITY, -(double)INFINITY,
                                      -0.0,        0x1p-130,         1e30};
    double value = (double)((int64_t)below(state, 65) - 32) / 8;
    if (special && below(state, 8) == 0)
        value = specials[below(state, TK_COUNTOF(specials))];
    return ir_float_to_bits(kind, value);
}

static uint64_t random_element(uint64_t *state, const IrType *type, const Attempt *attempt) {
    if (ir_is_float(type))
        return random_float(state, type->kind, attempt->special_floats);
    uint64_t bits = next_random(state);
    if (!attempt->any_integers)
        bits = (bits >> 8) % 64;
    return bits & ir_bit_mask(ir_bits(type));
}

static uint64_t random_scalar(uint64_t *state, const IrValue *param, const Attempt *attempt) {
    const IrType *type = param->type;
    if (ir_is_float(type))
        return random_float(state, type->kind, false);
    if (type->kind == TY_I1)
        return below(state, 2);
    int64_t value = (int64_t)below(state, (uint64_t)attempt->limit + 1);
    if (type->kind != TY_I8 && below(state, 16) == 0)
        value = -value;
    int64_t divisor = param->hints ? param->hints->divisibility[0] : 0;
    if (divisor > 1) /* the hint is a promise; rounds up so that not all become 0 */
        value = (value + divisor - 1) / divisor * divisor;
    return (uint64_t)value & ir_bit_mask(ir_bits(type));
}

/* What a kernel is run with. */
typedef struct Arguments {
    InterpArg *args;
    unsigned num;
    int64_t grid[3];
} Arguments;

static DType memory_dtype(const IrType *elem) {
    static const DType types[] = {
        [TY_I1] = DT_BOOL,   [TY_I8] = DT_I8,         [TY_I16] = DT_I16,       [TY_I32] = DT_I32,
        [TY_I64] = DT_I64,   [TY_F8E4M3] = DT_F8E4M3, [TY_F8E5M2] = DT_F8E5M2, [TY_F16] = DT_F16,
        [TY_BF16] = DT_BF16, [TY_F32] = DT_F32,       [TY_F64] = DT_F64,
    };
    return types[elem->kind];
}

/* Bytes that a pointer is a multiple of, and a tensor of at least as many elements begins at. */
static size_t alignment(const IrValue *param) {
    if (param->type->kind == TY_DESC)
        return 16;
    return param->hints ? (size_t)param->hints->divisibility[0] : 0;
}

/* A tensor of random elements, no better aligned than promised. */
static bool random_view(MemSpace *space, uint64_t *state, const IrValue *param,
                        const Attempt *attempt, MemView *view) {
    const IrType *elem = param->type->elem;
    size_t size = ir_elem_size(elem), step = 1;
    while (step * size < alignment(param))
        step *= 2;
    size_t origin = BUFFER_ORIGIN + below(state, 16) * step;
    MemAlloc *alloc = mem_alloc(space, BUFFER_ELEMENTS * size, (unsigned)size, MEM_ZEROED);
    if (!alloc)
        return false;
    for (size_t i = 0; i < BUFFER_ELEMENTS; i++) {
        uint64_t bits = random_element(state, elem, attempt);
        memcpy(alloc->data + i * size, &bits, size); /* little-endian */
    }
    *view = (MemView){.alloc = alloc, .offset = origin * size, .rank = 1};
    view->dtype = memory_dtype(elem);
    view->shape[0] = (int64_t)(BUFFER_ELEMENTS - origin);
    view->strides[0] = 1;
    return true;
}

/* A row-major tensor somewhat larger than the descriptor's block, whose rows begin at multiples of
 * 16 bytes. */
static void random_descriptor(uint64_t *state, const IrType *type, InterpArg *arg) {
    int64_t stride = 1;
    for (unsigned d = type->rank; d-- > 0;) {
        arg->desc_shape[d] = 1 + (int64_t)below(state, 2 * (uint64_t)type->shape[d] + 3);
        arg->desc_strides[d] = stride;
        int64_t unit = 16 / (int64_t)ir_elem_size(type->elem);
        stride = (stride * arg->desc_shape[d] + unit - 1) / unit * unit;
    }
    arg->desc_pad_nan = below(state, 2);
}

static bool random_argument(MemSpace *space, uint64_t *state, const IrValue *param,
                            const Attempt *attempt, InterpArg *arg) {
    const IrType *type = param->type;
    if (type->kind != TY_PTR && type->kind != TY_DESC) {
        *arg = (InterpArg){.kind = INTERP_SCALAR, .bits = random_scalar(state, param, attempt)};
        return true;
    }
    *arg = (InterpArg){.kind = type->kind == TY_DESC ? INTERP_DESC : INTERP_VIEW};
    if (type->kind == TY_DESC)
        random_descriptor(state, type, arg);
    return random_view(space, state, param, attempt, &arg->view);
}

static bool find_axes(IrOp *op, void *data) {
    bool *axes = data;
    if (op->code == OP_ProgramId || op->code == OP_NumPrograms)
        axes[ir_attr_int(op, ATTR_AXIS)] = true;
    return true;
}

static bool random_arguments(Arena *arena, MemSpace *space, const IrKernel *kernel,
                             const Attempt *attempt, Arguments *out) {
    uint64_t state = attempt->seed;
    out->num = (unsigned)kernel->params.len;
    out->args = ARENA_ARRAY(arena, InterpArg, out->num);
    for (unsigned i = 0; i < out->num; i++) {
        const IrValue *param = kernel->params.data[i].value;
        if (!random_argument(space, &state, param, attempt, &out->args[i]))
            return false;
    }
    bool axes[3] = {false};
    ir_walk(kernel->body, find_axes, axes);
    for (unsigned d = 0; d < 3; d++)
        out->grid[d] = !axes[d] || attempt->one_program ? 1 : d == 0 ? 3 : 2;
    return true;
}

/* The arguments for a kernel whose descriptors may have become their parts. */
static Arguments fit_arguments(Arena *arena, const IrKernel *before, const IrKernel *kernel,
                               const Arguments *given) {
    Arguments fitted = *given;
    if (kernel->params.len == given->num)
        return fitted;
    fitted.num = (unsigned)kernel->params.len;
    fitted.args = ARENA_ARRAY(arena, InterpArg, fitted.num);
    unsigned at = 0;
    for (unsigned i = 0; i < given->num; i++) {
        InterpArg arg = given->args[i];
        bool is_desc = arg.kind == INTERP_DESC;
        unsigned rank = is_desc ? before->params.data[i].value->type->rank : 0;
        if (at + (is_desc ? 2 + 2 * rank : 1) > fitted.num)
            break;
        arg.kind = is_desc ? INTERP_VIEW : arg.kind;
        fitted.args[at++] = arg;
        for (unsigned d = 0; d < rank; d++)
            fitted.args[at++] = (InterpArg){.bits = (uint64_t)arg.desc_shape[d]};
        for (unsigned d = 0; d < rank; d++)
            fitted.args[at++] = (InterpArg){.bits = (uint64_t)arg.desc_strides[d]};
        if (is_desc)
            fitted.args[at++] = (InterpArg){.bits = arg.desc_pad_nan};
    }
    return fitted;
}

/* ---- runs ------------------------------------------------------------------------------------ */

/* What a run left behind. */
typedef struct Outcome {
    InterpStatus status;
    const char *problem; /* the first thing reported */
    uint8_t **memory;    /* [num args] copies of the buffers, NULL for other arguments */
    const char *printed;
} Outcome;

static const char *read_back(Arena *arena, FILE *file) {
    char *text = arena_alloc(arena, MAX_PRINTED + 1, 1);
    rewind(file);
    text[fread(text, 1, MAX_PRINTED, file)] = '\0';
    return text;
}

/* `kernel` is `before`, or what became of it. */
static Outcome run_kernel(Arena *arena, MemSpace *space, const IrKernel *before,
                          const IrKernel *kernel, const Arguments *given, bool has_barriers) {
    Outcome outcome = {.status = INTERP_REFUSED, .printed = ""};
    Diags *diags = diags_create(arena, sources_create(arena));
    InterpKernel *compiled = interp_compile(arena, kernel, diags);
    Arguments fitted = fit_arguments(arena, before, kernel, given);
    FILE *prints = tmpfile();
    InterpOptions options = {.checks = true, .print_out = prints, .max_trips = MAX_TRIPS};
    options.implied_barriers = !has_barriers;
    if (compiled)
        outcome.status = interp_launch(compiled, space, fitted.grid, fitted.args, fitted.num,
                                       &options, diags, SRC_NONE);
    if (diags_len(diags) > 0)
        outcome.problem = diags_at(diags, 0)->text;
    if (prints) {
        outcome.printed = read_back(arena, prints);
        fclose(prints);
    }
    outcome.memory = ARENA_ARRAY(arena, uint8_t *, given->num);
    for (unsigned i = 0; i < given->num; i++) {
        const MemAlloc *alloc = given->args[i].view.alloc;
        if (alloc)
            outcome.memory[i] = arena_memdup(arena, alloc->data, alloc->size, 8);
    }
    return outcome;
}

/* ---- comparing ------------------------------------------------------------------------------- */

static bool may_round_differently(const PassInfo *pass) {
    static const char *const names[] = {"fuse-fma", "fuse-dot", "expand-math", "lower-folds",
                                        "lower-shared"};
    for (size_t i = 0; i < TK_COUNTOF(names); i++) {
        if (str_eq(pass->name, names[i]))
            return true;
    }
    return false;
}

static bool same_element(const IrType *elem, uint64_t a, uint64_t b, bool rounds) {
    if (a == b || !ir_is_float(elem))
        return a == b;
    double x = ir_float_from_bits(elem->kind, a), y = ir_float_from_bits(elem->kind, b);
    if (isnan(x) || isnan(y) || !rounds)
        return isnan(x) && isnan(y);
    double unit = ir_bits(elem) <= 16 ? 0x1p-5 : 0x1p-10;
    return fabs(x - y) <= unit * fmax(1, fmax(fabs(x), fabs(y)));
}

/* The first element in which two copies of a buffer differ; BUFFER_ELEMENTS: none. */
static size_t first_difference(const IrType *elem, const uint8_t *a, const uint8_t *b,
                               bool rounds) {
    size_t size = ir_elem_size(elem);
    for (size_t i = 0; i < BUFFER_ELEMENTS; i++) {
        uint64_t x = 0, y = 0;
        memcpy(&x, a + i * size, size);
        memcpy(&y, b + i * size, size);
        if (!same_element(elem, x, y, rounds))
            return i;
    }
    return BUFFER_ELEMENTS;
}

/* What differs, in words; NULL: nothing. */
static const char *difference(Arena *arena, const IrKernel *kernel, const Arguments *args,
                              const Outcome *before, const Outcome *after, bool rounds) {
    if (after->status != INTERP_OK)
        return arena_printf(arena, "it faults: %s", after->problem ? after->problem : "unknown");
    for (unsigned i = 0; i < kernel->params.len; i++) {
        if (!before->memory[i])
            continue;
        const IrType *elem = kernel->params.data[i].value->type->elem;
        size_t at = first_difference(elem, before->memory[i], after->memory[i], rounds);
        if (at == BUFFER_ELEMENTS)
            continue;
        size_t size = ir_elem_size(elem);
        uint64_t x = 0, y = 0;
        memcpy(&x, before->memory[i] + at * size, size);
        memcpy(&y, after->memory[i] + at * size, size);
        int64_t number = (int64_t)at - (int64_t)(args->args[i].view.offset / size);
        return arena_printf(arena, "element %" PRId64 " of `%s` is 0x%" PRIx64 ", not 0x%" PRIx64,
                            number, kernel->params.data[i].name, y, x);
    }
    if (!rounds && strcmp(before->printed, after->printed) != 0)
        return "it prints something else";
    return NULL;
}

/* ---- kernels that can be launched ------------------------------------------------------------ */

/* A tile as a parameter, which only texts of IR have, becomes a pointer from which the tile is
 * loaded; of a tile of pointers, the elements' addresses follow each other. */
static void load_tile_param(IrBuilder *b, unsigned i) {
    IrContext *ctx = b->module->ctx;
    IrParam *param = &b->kernel->params.data[i];
    IrValue *tile = param->value;
    const IrType *elem = ir_elem(tile->type);
    int64_t numel = ir_numel(tile->type);
    bool pointers = elem->kind == TY_PTR;
    IrValue *base =
        ir_block_add_arg(b, b->block, pointers ? elem : ir_type_ptr(ctx, elem), param->name);
    b->block->args[i] = param->value = base;
    base->index = i;
    b->block->num_args--;
    const IrType *steps_type = ir_type_tile(ctx, ir_type_scalar(ctx, TY_I32), &numel, 1);
    IrValue *steps = ir_result(ir_build(b, OP_Arange, NULL, 0, &steps_type, 1), 0);
    ir_set_int(steps->def, ATTR_END, numel);
    IrValue *value = ir_addptr(b, ir_splat(b, base, &numel, 1), steps, false);
    if (!pointers)
        value = ir_load(b, value, NULL, NULL);
    value = ir_reshape(b, value, tile->type->shape, tile->type->rank);
    ir_replace_uses(tile, value);
}

/* A copy whose parameters are scalars, pointers and descriptors. */
static IrKernel *launchable(Arena *arena, const IrKernel *kernel) {
    IrModule *module = ir_module_create(kernel->module->ctx, arena, kernel->module->sources);
    IrKernel *copy = ir_kernel_clone(module, kernel);
    IrBuilder b = {.module = module, .kernel = copy, .block = copy->body};
    b.before = copy->body->first;
    for (unsigned i = 0; i < copy->params.len; i++) {
        if (ir_is_tile(copy->params.data[i].value->type))
            load_tile_param(&b, i);
    }
    return copy;
}

static bool has_odd_params(const IrKernel *kernel) {
    for (size_t i = 0; i < kernel->params.len; i++) {
        const IrType *type = kernel->params.data[i].value->type;
        if (type->kind == TY_PTR && type->elem->kind == TY_PTR)
            return true;
    }
    return false;
}

/* ---- the check ------------------------------------------------------------------------------- */

typedef enum AttemptEnd { ATTEMPT_SAME, ATTEMPT_OTHER, ATTEMPT_UNDEFINED } AttemptEnd;

/* The kernels to compare: [0] before, [1] after the pass. */
typedef struct Pair {
    const IrKernel *kernels[2];
    bool has_barriers[2];
    bool rounds;
} Pair;

/* *what: the difference, or why the kernel is not defined on the data. */
static AttemptEnd try_once(Arena *arena, const Pair *pair, const Attempt *attempt,
                           const char **what) {
    MemSpace *space = mem_space_create(arena_oom(arena));
    const IrKernel *before = pair->kernels[0];
    Arguments args;
    Outcome outcomes[2];
    AttemptEnd end = ATTEMPT_UNDEFINED;
    *what = "out of memory";
    for (unsigned i = 0; i < 2; i++) { /* each run begins with memory of its own */
        if (!random_arguments(arena, space, before, attempt, &args))
            break;
        outcomes[i] =
            run_kernel(arena, space, before, pair->kernels[i], &args, pair->has_barriers[i]);
        *what = outcomes[i].problem;
        if (outcomes[0].status != INTERP_OK)
            break;
        if (i == 1) {
            *what = difference(arena, before, &args, &outcomes[0], &outcomes[1], pair->rounds);
            end = *what ? ATTEMPT_OTHER : ATTEMPT_SAME;
        }
    }
    mem_space_destroy(space);
    return end;
}

static bool report_difference(Diags *diags, const PassInfo *pass, const IrKernel *kernel,
                              const char *what, uint64_t seed) {
    Diag *d = diag_report(diags, DIAG_PASS_RESULT, kernel->range, pass->name, kernel->name, what);
    diag_note(d, SRC_NONE, "found on random data with --exec-seed=%" PRIu64, seed);
    return false;
}

/* Attempts until enough runs could be compared. */
static bool compare(Arena *arena, ExecCheck *check, const PassInfo *pass, const Pair *pair,
                    Diags *diags) {
    const IrKernel *before = pair->kernels[0];
    const char *what = "a pointer to pointers";
    unsigned attempts = has_odd_params(before) ? 0 : check->rounds * ATTEMPTS_PER_ROUND;
    unsigned same = 0;
    bool ok = true;
    for (unsigned i = 0; ok && i < attempts && same < check->rounds; i++) {
        ArenaMark mark = arena_mark(arena);
        Attempt attempt = attempt_number(check->seed, i);
        attempt.special_floats &= !pair->rounds; /* huge sums would cancel */
        AttemptEnd end = try_once(arena, pair, &attempt, &what);
        same += end == ATTEMPT_SAME;
        ok = end != ATTEMPT_OTHER || report_difference(diags, pass, before, what, check->seed);
        if (i + 1 < attempts)
            arena_reset(arena, mark);
    }
    check->compared += same;
    if (ok && same == 0) {
        check->not_comparable++;
        diag_report(diags, DIAG_PASS_NOT_COMPARED, before->range, before->name, what ? what : "");
    }
    return ok;
}

bool exec_check(void *data, const PassInfo *pass, const IrKernel *before, const IrKernel *after,
                bool changed, Diags *diags) {
    ExecCheck *check = data;
    bool inserts = str_eq(pass->name, "insert-barriers");
    bool had_barriers = check->has_barriers && !inserts;
    check->has_barriers |= inserts;
    if (!changed && !inserts) /* to insert none may be wrong, too */
        return true;
    Arena *arena = arena_create(arena_oom(before->module->arena));
    Pair pair = {.kernels = {launchable(arena, before), launchable(arena, after)},
                 .has_barriers = {had_barriers, check->has_barriers},
                 .rounds = may_round_differently(pass)};
    bool ok = compare(arena, check, pass, &pair, diags);
    arena_destroy(arena);
    return ok;
}
