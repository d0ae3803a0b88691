/* faults.c -- what a fault says: the diagnostics of the checking device.
 *
 *     02_coalesce.tk:21:9: fault: load past the end of `x` [TK9001]
 *        21 |     v = load(x + row * stride + col, mask)
 *           |         ^~~~ 3 of 128 lanes, program (7, 0), iteration k=2
 *     note: `x` is f32[1000, 96] stride (96, 1): 96000 elements, view of 384000 bytes
 *     note: lane 125 asked for element 96003 = row 1000 * 96 + col 3
 *     note: mask is `col < 96`
 *     help: ...
 */
#include <string.h>

#include "ir/interp/launch.h"
#include "support/numeric.h"

typedef struct Writer { /* what every part of a message needs */
    const Launch *launch;
    const Fault *fault;
    Arena *arena;
    Diag *diag;
} Writer;

/* ---- pieces of text
 * --------------------------------------------------------------------------------- */

static const char *list_text(Arena *arena, const char *open, const int64_t *items, unsigned n,
                             const char *close) {
    StrBuf out = STRBUF(arena);
    strbuf_puts(&out, open);
    for (unsigned i = 0; i < n; i++)
        strbuf_printf(&out, "%s%lld", i > 0 ? ", " : "", (long long)items[i]);
    strbuf_puts(&out, close);
    return strbuf_str(&out);
}

/* (7, 0): as many ids as the grid has dimensions. */
static const char *pid_text(const Writer *w, const int64_t pid[3]) {
    unsigned dims = 3;
    while (dims > 1 && w->launch->grid[dims - 1] == 1)
        dims--;
    return list_text(w->arena, "(", pid, dims, ")");
}

static const char *other_pid_text(const Writer *w) {
    if (w->fault->other == RACES_NO_PROGRAM)
        return "another one";
    int64_t pid[3];
    launch_pid(w->launch, w->fault->other, pid);
    return pid_text(w, pid);
}

static const char *name_text(const Writer *w) {
    const Region *region = w->fault->region;
    if (region == NULL)
        return "memory";
    if (region->param < 0)
        return "allocation";
    return w->launch->kernel->ir->params.data[region->param].name;
}

/* f32, bf16, i64: as kernels' types are written in the messages. */
static const char *type_text(Arena *arena, DType type) {
    const char *name = dtype_infos[type].short_name;
    return str_starts(name, "fp") ? arena_printf(arena, "f%s", name + 2) : name;
}

static int64_t view_numel(const MemView *view) {
    int64_t n = 1;
    for (unsigned d = 0; d < view->rank; d++)
        n *= view->shape[d];
    return n;
}

/* The source text of a range, if it is short and on one line. */
static const char *source_text(const Writer *w, SrcRange range) {
    SourceSet *sources = diags_sources(w->launch->diags);
    const SrcFile *file =
        sources != NULL && !range_is_none(range) ? sources_file(sources, range.file) : NULL;
    if (file == NULL || range.hi <= range.lo || range.hi - range.lo > 80)
        return NULL;
    const char *text = arena_strndup(w->arena, file->text + range.lo, range.hi - range.lo);
    return strchr(text, '\n') == NULL ? text : NULL;
}

/* ---- where in the view
 * ------------------------------------------------------------------------------ */

static int64_t view_start(const Region *region) {
    return (int64_t)(uintptr_t)region->alloc->data + (int64_t)region->view->offset;
}

/* Coordinates of a linear position by the view's strides; the first may be out of range. */
static void coordinates(const MemView *view, int64_t position, int64_t *at) {
    for (unsigned d = 0; d < view->rank; d++) {
        int64_t stride = view->strides[d];
        if (stride == 0) {
            at[d] = 0;
            continue;
        }
        at[d] = position / stride;
        if (position % stride < 0)
            at[d]--;
        if (d > 0 && at[d] >= view->shape[d] && view->strides[d - 1] > stride)
            at[d] = view->shape[d] - 1;
        position -= at[d] * stride;
    }
}

static const char *element_text(const Writer *w) {
    const Fault *fault = w->fault;
    const Region *region = fault->region;
    if (region == NULL || region->view == NULL)
        return arena_printf(w->arena, "the element at address 0x%llx",
                            (unsigned long long)fault->address);
    int64_t size = (int64_t)dtype_size(region->view->dtype);
    int64_t position = ((int64_t)fault->address - view_start(region)) / size;
    int64_t at[MEM_MAX_RANK];
    coordinates(region->view, position, at);
    return arena_printf(w->arena, "%s%s", name_text(w),
                        list_text(w->arena, "[", at, region->view->rank, "]"));
}

static void note_view(const Writer *w) {
    const Region *region = w->fault->region;
    if (region == NULL)
        return;
    if (region->view == NULL) {
        diag_note(w->diag, SRC_NONE,
                  "the pointer was made from an integer: it belongs to an allocation of %zu bytes",
                  region->alloc->size);
        return;
    }
    const MemView *view = region->view;
    size_t lo, hi;
    mem_view_span(view, &lo, &hi);
    diag_note(w->diag, SRC_NONE, "`%s` is %s%s stride %s: %lld elements, view of %zu bytes",
              name_text(w), type_text(w->arena, view->dtype),
              list_text(w->arena, "[", view->shape, view->rank, "]"),
              list_text(w->arena, "(", view->strides, view->rank, ")"), (long long)view_numel(view),
              hi - lo);
}

/* The lane as an index into the tile, and what it asked for. */
static const char *lane_text(const Writer *w, const IrType *tile) {
    size_t lane = w->fault->lane;
    if (!ir_is_tile(tile) || tile->rank < 2)
        return arena_printf(w->arena, "lane %zu", lane);
    int64_t at[IR_MAX_RANK];
    for (unsigned d = tile->rank; d > 0; d--) {
        at[d - 1] = (int64_t)(lane % (size_t)tile->shape[d - 1]);
        lane /= (size_t)tile->shape[d - 1];
    }
    return arena_printf(w->arena, "lane %s", list_text(w->arena, "(", at, tile->rank, ")"));
}

static const char *beyond(const Writer *w, int64_t row) {
    int64_t rows = w->fault->region->view->shape[0];
    return row < rows ? "" : arena_printf(w->arena, "; there are %lld rows", (long long)rows);
}

/* " = row 1000 * 96 + col 3" for what a view of two dimensions makes of a position. */
static const char *decomposed(const Writer *w, int64_t position) {
    const MemView *view = w->fault->region->view;
    if (view->rank < 2 || position < 0)
        return "";
    int64_t at[MEM_MAX_RANK];
    coordinates(view, position, at);
    if (view->rank == 2 && view->strides[1] == 1)
        return arena_printf(w->arena, " = row %lld * %lld + col %lld%s", (long long)at[0],
                            (long long)view->strides[0], (long long)at[1], beyond(w, at[0]));
    return arena_printf(w->arena, " = index %s", list_text(w->arena, "[", at, view->rank, "]"));
}

static const IrType *accessed_type(const Writer *w) {
    const IrOp *op = w->fault->inst->op;
    bool is_load = op->code == OP_Load || op->code == OP_DescLoad || op->code == OP_DescGather;
    if (is_load)
        return ir_result(op, 0)->type;
    return ir_operand(op, op->code == OP_DescStore || op->code == OP_DescReduce ||
                                  op->code == OP_DescScatter
                              ? 1
                              : 0)
        ->type;
}

static void note_lane(const Writer *w) {
    const Fault *fault = w->fault;
    const Region *region = fault->region;
    const IrType *tile = accessed_type(w);
    const char *who = ir_is_tile(tile) ? lane_text(w, tile) : "it";
    if (region == NULL || region->view == NULL) {
        diag_note(w->diag, SRC_NONE, "%s asked for address 0x%llx", who,
                  (unsigned long long)fault->address);
        return;
    }
    int64_t size = (int64_t)dtype_size(region->view->dtype);
    int64_t distance = (int64_t)fault->address - view_start(region);
    int64_t position = distance / size - (distance % size < 0);
    if (distance % size != 0)
        diag_note(w->diag, SRC_NONE, "%s asked for byte %lld, %lld bytes into an element", who,
                  (long long)distance, (long long)(distance - position * size));
    else
        diag_note(w->diag, SRC_NONE, "%s asked for element %lld%s", who, (long long)position,
                  decomposed(w, position));
}

static const IrValue *mask_of(const IrOp *op) {
    unsigned operand = op->code == OP_Load ? 1 : 2;
    bool may = op->code == OP_Load || op->code == OP_Store || op->code == OP_AtomicRmw;
    return may && op->num_operands > operand ? ir_operand(op, operand) : NULL;
}

static void note_mask(const Writer *w) {
    const IrValue *mask = mask_of(w->fault->inst->op);
    if (mask == NULL)
        return;
    /* Widening a mask to the tile's shape is not what the user wrote. */
    const IrOp *op = mask->def;
    while (op != NULL && (op->code == OP_Broadcast || op->code == OP_Splat))
        op = ir_operand(op, 0)->def;
    const char *text = op != NULL ? source_text(w, op->range) : NULL;
    if (text != NULL)
        diag_note(w->diag, op->range, "mask is `%s`: it holds there", text);
    else if (mask->name != NULL)
        diag_note(w->diag, SRC_NONE, "mask is `%s`: it holds there", mask->name);
}

/* So far before a tensor that an overflow is likelier than a wrong index. */
#define WRAPPED_BYTES (UINT64_C(1) << 24)

static void help_bounds(const Writer *w) {
    const Fault *fault = w->fault;
    const Region *region = fault->region;
    const IrOp *op = fault->inst->op;
    if (mask_of(op) != NULL)
        diag_help(w->diag, "let the mask leave such lanes out");
    else if (op->code == OP_Load || op->code == OP_Store || op->code == OP_AtomicRmw)
        diag_help(w->diag, "leave such lanes out: add a mask such as `mask=offs < n`");
    if (region->lo > fault->address && region->lo - fault->address >= WRAPPED_BYTES)
        diag_help(w->diag, "if a product of 32-bit integers wrapped around, convert a factor "
                           "first: .to(tl.int64)");
    uint64_t base = (uint64_t)(uintptr_t)region->alloc->data;
    bool in_alloc =
        fault->address >= base && fault->address + fault->access_size <= base + region->alloc->size;
    if (region->view != NULL && in_alloc)
        diag_help(w->diag,
                  "the address belongs to the tensor's storage: if the kernel means to reach "
                  "beyond the view, run with `--bounds=allocation`");
}

/* ---- one function a kind
 * ------------------------------------------------------------------------------ */

static Diag *begin(const Writer *w, const char *a, const char *b) {
    return diag_report(w->launch->diags, w->fault->id, w->fault->inst->op->range, a, b);
}

static void report_outside(Writer *w) {
    const Region *region = w->fault->region;
    const char *where = w->fault->address >= region->hi  ? "past the end of"
                        : w->fault->address < region->lo ? "before the start of"
                                                         : "in a gap of";
    w->diag = begin(w, where, name_text(w));
    note_view(w);
    note_lane(w);
    note_mask(w);
    help_bounds(w);
}

static void report_unwritten(Writer *w) {
    w->diag = begin(w, name_text(w), NULL);
    note_view(w);
    note_lane(w);
    diag_help(w->diag, "create the tensor with `torch.zeros`, or write all of it first");
}

static void report_misaligned(Writer *w) {
    bool is_load = w->fault->kind == (int)ACCESS_READ;
    w->diag = begin(w, is_load ? "load" : "store", name_text(w));
    note_view(w);
    note_lane(w);
    diag_help(w->diag, "an element of %zu bytes must lie at a multiple of %zu",
              w->fault->access_size, w->fault->access_size);
}

static void report_wild(Writer *w) {
    bool is_load = w->fault->kind == (int)ACCESS_READ;
    w->diag = begin(w, is_load ? "load" : "store", NULL);
    diag_note(w->diag, SRC_NONE, "lane %zu asked for address 0x%llx, where no tensor lives",
              w->fault->lane, (unsigned long long)w->fault->address);
    diag_help(w->diag, "addresses come from `tensor.data_ptr()`; the tensor must still be alive");
}

static void note_other_access(const Writer *w) {
    const Fault *fault = w->fault;
    const InterpKernel *kernel = w->launch->kernel;
    const MemoryOp *only = NULL;
    size_t candidates = 0;
    for (size_t i = 0; i < kernel->memory_ops.len; i++) {
        const MemoryOp *memory = &kernel->memory_ops.data[i];
        int param = fault->region->param;
        if (memory->writes == fault->other_wrote && param >= 0 && memory->params[param]) {
            only = memory;
            candidates++;
        }
    }
    if (candidates != 1)
        return;
    if (only->op == fault->inst->op)
        diag_note(w->diag, SRC_NONE, "both come from this statement");
    else
        diag_note(w->diag, only->op->range, "the other access is here");
}

static const char *value_text(const Writer *w, uint64_t bits) {
    const Region *region = w->fault->region;
    if (region->view == NULL || dtype_size(region->view->dtype) != w->fault->access_size)
        return arena_printf(w->arena, "0x%llx", (unsigned long long)bits);
    DType type = region->view->dtype;
    if (dtype_is_float(type))
        return arena_printf(w->arena, "%.9g", dtype_load_f64(type, &bits, 0));
    return arena_printf(w->arena, "%lld", (long long)dtype_load_i64(type, &bits, 0));
}

static void finish_race(Writer *w) {
    note_view(w);
    if (w->fault->has_values && w->fault->old_bits != w->fault->new_bits)
        diag_note(w->diag, SRC_NONE, "one leaves %s, the other %s",
                  value_text(w, w->fault->old_bits), value_text(w, w->fault->new_bits));
    note_other_access(w);
}

static void report_race_write(Writer *w) {
    w->diag = diag_report(w->launch->diags, w->fault->id, w->fault->inst->op->range,
                          other_pid_text(w), pid_text(w, w->fault->pid), element_text(w));
    finish_race(w);
    if (w->fault->id == DIAG_RUN_RACE_WRITE)
        diag_help(w->diag, "combine the values with an atomic, or let one program write");
}

static void report_race_read(Writer *w) {
    bool reads = w->fault->kind == (int)ACCESS_READ;
    w->diag = diag_report(w->launch->diags, w->fault->id, w->fault->inst->op->range,
                          pid_text(w, w->fault->pid), reads ? "reads" : "writes", element_text(w),
                          other_pid_text(w), reads ? "wrote" : "read");
    finish_race(w);
    diag_help(w->diag, "write to another tensor, use two launches, or order the programs with "
                       "atomics that release and acquire");
}

static void report_plain(Writer *w) {
    w->diag = begin(w, w->fault->text != NULL ? w->fault->text : "", NULL);
}

static void note_lanes(const Writer *w) {
    const Fault *fault = w->fault;
    StrBuf out = STRBUF(w->arena);
    if (fault->lanes > 1)
        strbuf_printf(&out, "%zu of %zu lanes, ", fault->bad, fault->lanes);
    strbuf_printf(&out, "program %s", pid_text(w, fault->pid));
    if (fault->has_iteration)
        strbuf_printf(&out, ", iteration %s%s%lld",
                      fault->iteration_name != NULL ? fault->iteration_name : "",
                      fault->iteration_name != NULL ? "=" : "", (long long)fault->iteration);
    diag_label(w->diag, "%s", strbuf_str(&out));
}

void fault_report(const Launch *launch, const Fault *fault) {
    Writer writer = {.launch = launch, .fault = fault, .arena = launch->arena};
    switch ((int)fault->id) { /* the diagnostics of this device */
    case DIAG_RUN_LOAD_OUTSIDE:
    case DIAG_RUN_STORE_OUTSIDE:
        report_outside(&writer);
        break;
    case DIAG_RUN_READ_UNWRITTEN:
        report_unwritten(&writer);
        break;
    case DIAG_RUN_MISALIGNED:
        report_misaligned(&writer);
        break;
    case DIAG_RUN_WILD_ADDRESS:
        report_wild(&writer);
        break;
    case DIAG_RUN_RACE_WRITE:
    case DIAG_RUN_RACE_SAME_VALUE:
        report_race_write(&writer);
        break;
    case DIAG_RUN_RACE_READ:
        report_race_read(&writer);
        break;
    default:
        report_plain(&writer);
        break;
    }
    note_lanes(&writer);
    if (launch->options->shuffle)
        diag_help(writer.diag, "replay this order of programs with `--seed=%llu`",
                  (unsigned long long)launch->options->seed);
}
