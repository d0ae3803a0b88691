/* launch_trace.c -- tkc.trace("run.json"): when which kernel ran, for Perfetto and
 * chrome://tracing.
 *
 * The file is in Chrome's trace event format (JSON): complete events ("ph": "X") with start and
 * duration in microseconds since the trace began, in two rows:
 *
 *     host      what the program does: spans that it names (tkc.span), compiling, launching
 *     device    what the device does: kernels, with grid, warps and the bytes of their tensors
 *
 * A device that runs on while the host does is asked by its own events, at the end. Where launches
 * are complete when they return, a kernel's time is the launch's.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "runtime/host/host_internal.h"
#include "runtime/host/launch_internal.h"
#include "support/io.h"

enum { ROW_HOST = 1, ROW_DEVICE = 2 };

typedef struct TraceEvent {
    const char *name, *category;
    int row;
    double start, duration; /* microseconds; duration < 0: it has not ended */
    const Variant *variant; /* of kernels */
    int64_t grid[3];
    uint64_t bytes;
    SrcRange call;
    DeviceEvent *first, *last; /* around a kernel on a device that has a clock; or NULL */
} TraceEvent;

struct Trace {
    Arena *arena;
    double origin;     /* of the clock */
    DeviceEvent *base; /* of the device's clock; or NULL */
    VEC(TraceEvent) events;
};

static double now_us(void) {
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec * 1e-3;
}

static double since_start(const Trace *trace) {
    return now_us() - trace->origin;
}

/* Does the device run on while the host does? */
static bool has_clock(const Device *device) {
    return device->ops->synchronize != NULL && device->ops->event_create != NULL;
}

static DeviceEvent *mark_device(Device *device) {
    DeviceEvent *event = has_clock(device) ? device->ops->event_create(device) : NULL;
    if (event != NULL)
        device->ops->event_record(device, event);
    return event;
}

/* ---- recording ------------------------------------------------------------------------------- */

size_t trace_begin(Trace *trace, const char *category, const char *name) {
    TraceEvent event = {
        .name = arena_strdup(trace->arena, name),
        .category = category,
        .row = ROW_HOST,
        .start = since_start(trace),
        .duration = -1,
    };
    vec_push(trace->arena, &trace->events, event);
    return trace->events.len - 1;
}

void trace_end(Trace *trace, size_t index) {
    trace->events.data[index].duration = since_start(trace) - trace->events.data[index].start;
}

/* The bytes of the tensors that a launch was given, each once. */
static uint64_t argument_bytes(const Launch *launch) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < launch->device_args.len; i++) {
        const InterpArg *arg = &launch->device_args.data[i];
        bool again = arg->kind == INTERP_SCALAR;
        for (size_t j = 0; !again && j < i; j++) {
            const InterpArg *other = &launch->device_args.data[j];
            again = other->kind != INTERP_SCALAR && other->view.alloc == arg->view.alloc &&
                    other->view.offset == arg->view.offset;
        }
        size_t lo = 0, hi = 0;
        if (!again)
            mem_view_span(&arg->view, &lo, &hi);
        bytes += hi - lo;
    }
    return bytes;
}

size_t trace_launch(Trace *trace, Device *device, const Launch *launch, const Variant *variant) {
    TraceEvent kernel = {
        .name = variant->optimised->kernels.data[0]->name,
        .category = "kernel",
        .row = ROW_DEVICE,
        .duration = -1,
        .variant = variant,
        .bytes = argument_bytes(launch),
        .call = launch->args->range,
    };
    memcpy(kernel.grid, launch->grid, sizeof kernel.grid);
    kernel.start = since_start(trace);
    kernel.first = mark_device(device);
    vec_push(trace->arena, &trace->events, kernel);
    return trace->events.len - 1;
}

void trace_launched(Trace *trace, Device *device, size_t index) {
    TraceEvent *kernel = &trace->events.data[index];
    kernel->last = mark_device(device);
    kernel->duration = since_start(trace) - kernel->start;
    if (!has_clock(device))
        return;
    TraceEvent launch = {
        .name = arena_printf(trace->arena, "launch %s", kernel->name),
        .category = "launch",
        .row = ROW_HOST,
        .start = kernel->start,
        .duration = kernel->duration,
    };
    vec_push(trace->arena, &trace->events, launch);
}

/* ---- writing --------------------------------------------------------------------------------- */

/* Asks the device when its kernels ran. */
static void read_device_clock(const Trace *trace, Device *device) {
    for (size_t i = 0; i < trace->events.len; i++) {
        TraceEvent *event = &trace->events.data[i];
        double start = 0, duration = 0;
        if (trace->base == NULL || event->first == NULL || event->last == NULL)
            continue;
        if (device->ops->event_elapsed(device, trace->base, event->first, &start) &&
            device->ops->event_elapsed(device, event->first, event->last, &duration)) {
            event->start = start * 1e3;
            event->duration = duration * 1e3;
        }
    }
}

static void put_row(StrBuf *out, int row, const char *name) {
    strbuf_printf(
        out,
        "{\"ph\":\"M\",\"pid\":1,\"tid\":%d,\"name\":\"thread_name\",\"args\":{\"name\":", row);
    strbuf_put_json(out, name);
    strbuf_puts(out, "}},\n");
}

/* What is known of a kernel's launch. */
static void put_kernel_args(StrBuf *out, const Trace *trace, PyCtx *py, const TraceEvent *event) {
    const IrKernel *kernel = event->variant->optimised->kernels.data[0];
    const SrcFile *file = sources_file(py->sources, event->call.file);
    strbuf_printf(out,
                  ",\"args\":{\"grid\":[%" PRId64 ",%" PRId64 ",%" PRId64
                  "],\"warps\":%d,\"bytes\":%" PRIu64 ",\"signature\":",
                  event->grid[0], event->grid[1], event->grid[2], kernel->num_warps, event->bytes);
    strbuf_put_json(out, event->variant->signature);
    if (file != NULL) {
        unsigned line = source_pos(file, event->call.lo).line;
        strbuf_puts(out, ",\"launched at\":");
        strbuf_put_json(out, arena_printf(trace->arena, "%s:%u", file->name, line));
    }
    strbuf_puts(out, "}");
}

static const char *trace_text(Trace *trace, PyCtx *py, const Device *device, size_t *len) {
    StrBuf out = STRBUF(trace->arena);
    strbuf_puts(
        &out, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n"
              "{\"ph\":\"M\",\"pid\":1,\"name\":\"process_name\",\"args\":{\"name\":\"tkc\"}},\n");
    put_row(&out, ROW_HOST, "host");
    put_row(&out, ROW_DEVICE, arena_printf(trace->arena, "device %s", device->ops->name));
    for (size_t i = 0; i < trace->events.len; i++) {
        const TraceEvent *event = &trace->events.data[i];
        double duration =
            event->duration >= 0 ? event->duration : since_start(trace) - event->start;
        strbuf_puts(&out, "{\"ph\":\"X\",\"pid\":1,\"name\":");
        strbuf_put_json(&out, event->name);
        strbuf_printf(&out, ",\"cat\":\"%s\",\"tid\":%d,\"ts\":%.3f,\"dur\":%.3f", event->category,
                      event->row, event->start, duration);
        if (event->variant != NULL)
            put_kernel_args(&out, trace, py, event);
        strbuf_puts(&out, "},\n");
    }
    strbuf_printf(
        &out, "{\"ph\":\"i\",\"pid\":1,\"tid\":%d,\"name\":\"end\",\"s\":\"g\",\"ts\":%.3f}\n]}\n",
        ROW_HOST, since_start(trace));
    *len = out.len;
    return strbuf_str(&out);
}

void trace_drop(LaunchState *state) {
    Trace *trace = state->trace;
    if (trace == NULL)
        return;
    Device *device = state->config.device;
    state->trace = NULL;
    for (size_t i = 0; i < trace->events.len; i++) {
        if (trace->events.data[i].first != NULL)
            device->ops->event_destroy(device, trace->events.data[i].first);
        if (trace->events.data[i].last != NULL)
            device->ops->event_destroy(device, trace->events.data[i].last);
    }
    if (trace->base != NULL)
        device->ops->event_destroy(device, trace->base);
    arena_destroy(trace->arena);
}

/* ---- what lib/tkc.py calls ------------------------------------------------------------------- */

PyValue tkc_trace_begin(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    LaunchState *state = host_launch(py);
    if (!py_bind_text(py, "trace", args, "", NULL))
        return PY_FAIL;
    if (state->trace != NULL)
        return py_raise(py, PYEXC_RuntimeError, "a trace is being recorded already");
    if (!torch_synchronize(py)) /* so that the clocks of host and device begin at one moment */
        return PY_FAIL;
    Arena *arena = arena_create(arena_oom(py->arena));
    state->trace = ARENA_NEW(arena, Trace);
    state->trace->arena = arena;
    state->trace->base = mark_device(state->config.device);
    state->trace->origin = now_us();
    return PY_NONE;
}

PyValue tkc_trace_end(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    PyValue a;
    LaunchState *state = host_launch(py);
    const char *path, *error;
    if (!py_bind_text(py, "trace", args, "path", &a) ||
        (path = host_arg_text(py, a, "tkc.trace")) == NULL)
        return PY_FAIL;
    size_t len;
    read_device_clock(state->trace, state->config.device);
    const char *text = trace_text(state->trace, py, state->config.device, &len);
    bool ok = io_write_file(state->trace->arena, path, text, len, &error);
    PyValue result = ok ? PY_NONE : py_raise(py, PYEXC_OSError, "%s: %s", path, error);
    trace_drop(state);
    return result;
}

/* The span's number; None: nothing is recorded. */
PyValue tkc_span_begin(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    PyValue a;
    Trace *trace = host_launch(py)->trace;
    const char *name;
    if (!py_bind_text(py, "span", args, "name", &a) ||
        (name = host_arg_text(py, a, "tkc.span")) == NULL)
        return PY_FAIL;
    return trace == NULL ? PY_NONE : py_int((int64_t)trace_begin(trace, "span", name));
}

PyValue tkc_span_end(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    PyValue a;
    int64_t index = -1;
    Trace *trace = host_launch(py)->trace;
    if (!py_bind_text(py, "span", args, "span", &a))
        return PY_FAIL;
    if (trace != NULL && py_to_i64(a, &index) && index >= 0 && (size_t)index < trace->events.len)
        trace_end(trace, (size_t)index);
    return PY_NONE;
}
