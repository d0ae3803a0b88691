/* faults.c -- what a fault of the machine says, led back to the source line.
 *
 * Accesses to tensors are told in the words (and with the codes) of the checking interpreter, so
 * that a program's mistakes read the same on both devices:
 *
 *     add.tk:9:9: fault: load past the end of `x_ptr` [TK9001]
 *         9 |     x = tl.load(x_ptr + offs)
 *           |         ^~~~~~~~~~~~~~~~~~~~~ 24 of 32 lanes, program (3), thread 8
 *     note: `x_ptr` is f32[1000] stride (1): 1000 elements, view of 4000 bytes
 *     note: thread 8 asked for element 1000
 *     note: the instruction is `ld.global.f32`
 */
#include "runtime/emu/copies.h"
#include "runtime/emu/source_map.h"

typedef struct Writer {
    const Launch *launch;
    const Fault *fault;
    Arena *arena;
    Diag *diag;
} Writer;

Fault *fault_raise(Warp *warp, const Inst *inst, DiagId id, uint32_t lanes, uint32_t bad_lanes) {
    Fault *fault = &warp->cta->worker->fault;
    *fault = (Fault){
        .id = id, .inst = inst, .warp = warp->index, .lanes = lanes, .bad_lanes = bad_lanes};
    fault->lane = first_lane(bad_lanes != 0 ? bad_lanes : lanes != 0 ? lanes : 1);
    memcpy(fault->cta, warp->cta->id, sizeof fault->cta);
    warp->state = WARP_FAULTED;
    return fault;
}

bool fault_access(Warp *warp, const Inst *inst, DiagId id, uint32_t lanes, unsigned lane,
                  uint64_t address, EmuAccess kind, unsigned size) {
    Fault *fault = fault_raise(warp, inst, id, lanes, LANE_BIT(lane));
    fault->address = address;
    fault->access = kind;
    fault->size = size;
    return false;
}

/* ---- pieces of text -------------------------------------------------------------------------- */

static const char *list_text(Arena *arena, char open, const int64_t *items, unsigned n,
                             char close) {
    StrBuf out = STRBUF(arena);
    strbuf_putc(&out, open);
    for (unsigned i = 0; i < n; i++)
        strbuf_printf(&out, "%s%lld", i > 0 ? ", " : "", (long long)items[i]);
    strbuf_putc(&out, close);
    return strbuf_str(&out);
}

static const char *program_text(const Writer *w) {
    unsigned dims = 3;
    while (dims > 1 && w->launch->what->grid[dims - 1] == 1)
        dims--;
    return list_text(w->arena, '(', w->fault->cta, dims, ')');
}

static unsigned thread_of(const Writer *w) {
    return w->fault->warp * LANES + w->fault->lane;
}

static SrcRange range_of(const Writer *w, const Inst *inst) {
    const EmuKernel *kernel = w->launch->kernel;
    return source_range(diags_sources(w->launch->diags), kernel->module->ptx, kernel->function,
                        inst->ptx);
}

static const char *inst_text(const Writer *w, const Inst *inst) {
    const PtxFunction *function = w->launch->kernel->function;
    if (inst->ptx >= function->insts.len)
        return "the end of the kernel";
    return ptx_inst_text(w->arena, &function->insts.data[inst->ptx]);
}

static const char *name_text(const Writer *w) {
    const Region *region = w->fault->region;
    return region == NULL ? "memory" : region->name != NULL ? region->name : "allocation";
}

static const char *access_text(const Writer *w) {
    static const char *const names[] = {"load", "store", "atomic operation"};
    return names[w->fault->access];
}

/* ---- tensors --------------------------------------------------------------------------------- */

static void note_view(const Writer *w) {
    const Region *region = w->fault->region;
    if (region == NULL)
        return;
    const MemView *view = region->view;
    if (view == NULL) {
        diag_note(w->diag, SRC_NONE, "it has %llu bytes",
                  (unsigned long long)(region->hi - region->lo));
        return;
    }
    const char *type = dtype_infos[view->dtype].short_name;
    int64_t numel = 1;
    for (unsigned d = 0; d < view->rank; d++)
        numel *= view->shape[d];
    size_t lo, hi;
    mem_view_span(view, &lo, &hi);
    diag_note(w->diag, SRC_NONE, "`%s` is %s%s%s stride %s: %lld elements, view of %zu bytes",
              name_text(w), str_starts(type, "fp") ? "f" : "",
              type + (str_starts(type, "fp") ? 2 : 0),
              list_text(w->arena, '[', view->shape, view->rank, ']'),
              list_text(w->arena, '(', view->strides, view->rank, ')'), (long long)numel, hi - lo);
}

/* " = row 3 * 96 + col 5" */
static const char *decomposed(const Writer *w, int64_t position) {
    const MemView *view = w->fault->region->view;
    if (view->rank != 2 || view->strides[1] != 1 || view->strides[0] < 1 || position < 0)
        return "";
    int64_t row = position / view->strides[0];
    const char *beyond = row < view->shape[0] ? ""
                                              : arena_printf(w->arena, "; there are %lld rows",
                                                             (long long)view->shape[0]);
    return arena_printf(w->arena, " = row %lld * %lld + col %lld%s", (long long)row,
                        (long long)view->strides[0], (long long)(position % view->strides[0]),
                        beyond);
}

static void note_element(const Writer *w) {
    const Fault *fault = w->fault;
    const Region *region = fault->region;
    if (region == NULL || region->view == NULL) {
        diag_note(w->diag, SRC_NONE, "thread %u asked for address 0x%llx", thread_of(w),
                  (unsigned long long)fault->address);
        return;
    }
    const MemView *view = region->view;
    int64_t size = (int64_t)dtype_size(view->dtype);
    int64_t distance =
        (int64_t)fault->address - (int64_t)(uintptr_t)(view->alloc->data + view->offset);
    int64_t position = distance / size - (distance % size < 0);
    if (distance % size != 0)
        diag_note(w->diag, SRC_NONE, "thread %u asked for byte %lld, %lld bytes into an element",
                  thread_of(w), (long long)distance, (long long)(distance - position * size));
    else if ((int64_t)fault->size > size)
        diag_note(w->diag, SRC_NONE, "thread %u asked for elements %lld to %lld%s", thread_of(w),
                  (long long)position, (long long)(position + (int64_t)fault->size / size - 1),
                  decomposed(w, position));
    else
        diag_note(w->diag, SRC_NONE, "thread %u asked for element %lld%s", thread_of(w),
                  (long long)position, decomposed(w, position));
}

static void report_outside(Writer *w) {
    const Region *region = w->fault->region;
    bool past = w->fault->address + w->fault->size > region->hi;
    const char *where = past                             ? "past the end of"
                        : w->fault->address < region->lo ? "before the start of"
                                                         : "in a gap of";
    w->diag = diag_report(w->launch->diags, w->fault->id, range_of(w, w->fault->inst), where,
                          name_text(w));
    note_view(w);
    note_element(w);
    diag_help(w->diag, "leave such lanes out: add a mask such as `mask=offs < n`");
}

static void report_tensor(Writer *w) {
    SrcRange range = range_of(w, w->fault->inst);
    if (w->fault->id == DIAG_RUN_READ_UNWRITTEN)
        w->diag = diag_report(w->launch->diags, w->fault->id, range, name_text(w));
    else
        w->diag = diag_report(w->launch->diags, w->fault->id, range, access_text(w), name_text(w));
    note_view(w);
    note_element(w);
    if (w->fault->id == DIAG_RUN_READ_UNWRITTEN)
        diag_help(w->diag, "create the tensor with `torch.zeros`, or write all of it first");
    else if (w->fault->id == DIAG_RUN_MISALIGNED)
        diag_help(w->diag, "an access of %zu bytes must lie at a multiple of %zu", w->fault->size,
                  w->fault->size);
    else
        diag_help(w->diag,
                  "addresses come from `tensor.data_ptr()`; the tensor must still be alive");
}

/* ---- the machine's own faults ---------------------------------------------------------------- */

static const char *verb_text(const Fault *fault) {
    return fault->access == EMU_READ        ? "reads"
           : fault->inst->exec == copy_exec ? "copies to"
                                            : "writes";
}

static void report_race(Writer *w) {
    const Fault *fault = w->fault;
    bool copied = fault->other_wrote && fault->other->exec == copy_exec;
    const char *did = copied ? "copied to" : fault->other_wrote ? "wrote" : "read";
    w->diag =
        diag_report(w->launch->diags, fault->id, range_of(w, fault->inst), thread_of(w),
                    verb_text(fault), (unsigned long long)fault->address, fault->other_thread, did);
    diag_note(w->diag, range_of(w, fault->other), "thread %u %s it here, with `%s`",
              fault->other_thread, did, inst_text(w, fault->other));
    if (copied)
        diag_note(w->diag, SRC_NONE,
                  "thread %u has waited for the copy, which orders nothing for other threads",
                  fault->other_thread);
    diag_help(w->diag, copied ? "put a barrier behind the wait" : "put a barrier between the two");
}

static void report_in_flight(Writer *w) {
    const Fault *fault = w->fault;
    w->diag =
        diag_report(w->launch->diags, fault->id, range_of(w, fault->inst), thread_of(w),
                    verb_text(fault), (unsigned long long)fault->address, fault->other_thread);
    diag_note(w->diag, range_of(w, fault->other), "thread %u copies to it here, with `%s`",
              fault->other_thread, inst_text(w, fault->other));
    diag_help(w->diag,
              "thread %u must wait for the copy, with `cp.async.wait_group`; for other "
              "threads, a barrier must follow",
              fault->other_thread);
}

static void report_global_race(Writer *w) {
    const Fault *fault = w->fault;
    const Region *region = fault->region;
    const char *place =
        arena_printf(w->arena, "address 0x%llx", (unsigned long long)fault->address);
    if (region != NULL && region->view != NULL) {
        const uint8_t *first = region->view->alloc->data + region->view->offset;
        int64_t distance = (int64_t)fault->address - (int64_t)(uintptr_t)first;
        place = arena_printf(w->arena, "element %lld of `%s`",
                             (long long)(distance / (int64_t)dtype_size(region->view->dtype)),
                             name_text(w));
    }
    w->diag = diag_report(w->launch->diags, fault->id, range_of(w, fault->inst), thread_of(w),
                          fault->access == EMU_READ ? "reads" : "writes", place,
                          fault->other_thread, fault->other_wrote ? "wrote" : "read");
    diag_note(w->diag, range_of(w, fault->other), "thread %u %s it here, with `%s`",
              fault->other_thread, fault->other_wrote ? "wrote" : "read",
              inst_text(w, fault->other));
    diag_help(w->diag, "put a barrier between the two");
}

static void report_window(Writer *w) {
    const Fault *fault = w->fault;
    unsigned long long offset = (fault->address & ADDRESS_MASK) - WINDOW_START;
    const char *where =
        fault->inst->space == SPACE_LOCAL || fault->address >> TAG_SHIFT == TAG_LOCAL ? "local"
                                                                                      : "shared";
    SrcRange range = range_of(w, fault->inst);
    if (fault->id == DIAG_EMU_MISALIGNED) {
        w->diag = diag_report(w->launch->diags, fault->id, range, access_text(w), where);
        diag_note(w->diag, SRC_NONE, "thread %u accesses %zu bytes at byte %lld", thread_of(w),
                  fault->size, (long long)offset);
        return;
    }
    w->diag = diag_report(w->launch->diags, fault->id, range, access_text(w));
    diag_note(w->diag, SRC_NONE, "thread %u accesses %zu bytes at byte %lld of %zu", thread_of(w),
              fault->size, (long long)offset,
              fault->id == DIAG_EMU_SHARED_OUTSIDE ? w->launch->shared_size
                                                   : w->launch->kernel->local_size);
}

static const char *lanes_text(const Writer *w, uint32_t lanes) {
    StrBuf out = STRBUF(w->arena);
    unsigned shown = 0, count = count_lanes(lanes);
    EACH_LANE(lane, lanes)
    if (shown++ < 4)
        strbuf_printf(&out, "%s%u", shown > 1 ? ", " : "", w->fault->warp * LANES + lane);
    if (count > 4)
        strbuf_printf(&out, " and %u more", count - 4);
    return strbuf_str(&out);
}

static void report_barrier(Writer *w) {
    const Fault *fault = w->fault;
    const char *why;
    if (fault->bad_lanes != 0)
        why = arena_printf(w->arena, "threads %s of the same warp do not reach it",
                           lanes_text(w, fault->bad_lanes));
    else
        why =
            arena_printf(w->arena, "thread %u has ended without reaching it", fault->other_thread);
    w->diag = diag_report(w->launch->diags, fault->id, range_of(w, fault->inst), why);
    diag_help(w->diag, "all threads must pass the same barriers: keep them out of branches that "
                       "only some take");
}

static void report_sync_lanes(Writer *w) {
    const Fault *fault = w->fault;
    w->diag = diag_report(w->launch->diags, fault->id, range_of(w, fault->inst),
                          inst_text(w, fault->inst));
    diag_note(w->diag, SRC_NONE,
              fault->needs_all ? "it needs all 32 threads of a warp, and these are elsewhere, have "
                                 "ended or never were: %s"
              : fault->other_wrote ? "it names threads that are elsewhere or have ended: %s"
                                   : "threads take part that it does not name: %s",
              lanes_text(w, fault->bad_lanes));
}

static void report_number(Writer *w) {
    w->diag = diag_report(w->launch->diags, w->fault->id, range_of(w, w->fault->inst),
                          (unsigned long long)w->fault->address);
}

static void report_text(Writer *w) {
    w->diag = diag_report(w->launch->diags, w->fault->id, range_of(w, w->fault->inst),
                          w->fault->text != NULL ? w->fault->text : "");
}

static void report_by_kind(Writer *w) {
    switch ((int)w->fault->id) { /* the diagnostics of this device */
    case DIAG_RUN_LOAD_OUTSIDE:
    case DIAG_RUN_STORE_OUTSIDE:
        report_outside(w);
        break;
    case DIAG_RUN_READ_UNWRITTEN:
    case DIAG_RUN_MISALIGNED:
    case DIAG_RUN_WILD_ADDRESS:
        report_tensor(w);
        break;
    case DIAG_EMU_SHARED_RACE:
        report_race(w);
        break;
    case DIAG_EMU_COPY_IN_FLIGHT:
        report_in_flight(w);
        break;
    case DIAG_EMU_GLOBAL_RACE:
        report_global_race(w);
        break;
    case DIAG_EMU_SHARED_OUTSIDE:
    case DIAG_EMU_LOCAL_OUTSIDE:
    case DIAG_EMU_MISALIGNED:
        report_window(w);
        break;
    case DIAG_EMU_BARRIER_DIVERGENT:
        report_barrier(w);
        break;
    case DIAG_EMU_SYNC_LANES:
        report_sync_lanes(w);
        break;
    case DIAG_RUN_ASSERT_FAILED:
    case DIAG_EMU_TRAP:
        report_text(w);
        break;
    default:
        report_number(w);
        break;
    }
}

void fault_tell(const Launch *launch, const Fault *fault) {
    Writer writer = {.launch = launch, .fault = fault, .arena = launch->arena};
    report_by_kind(&writer);
    StrBuf label = STRBUF(writer.arena);
    unsigned bad = count_lanes(fault->bad_lanes), all = count_lanes(fault->lanes);
    if (fault->bad_lanes != 0 && all > 1 && (fault->bad_lanes & ~fault->lanes) == 0)
        strbuf_printf(&label, "%u of %u lanes, ", bad, all);
    strbuf_printf(&label, "program %s, thread %u", program_text(&writer), thread_of(&writer));
    diag_label(writer.diag, "%s", strbuf_str(&label));
    diag_note(writer.diag, SRC_NONE, "the instruction is `%s`", inst_text(&writer, fault->inst));
    if (launch->options->seed != 0)
        diag_help(writer.diag, "replay this schedule with `--seed=%llu`",
                  (unsigned long long)launch->options->seed);
}
