/* torch_runtime.c -- what surrounds tensors: torch.cuda, events, contexts, limits of types.
 *
 * torch.cuda describes the device that tkc runs on. On devices whose launches are complete when
 * they return, synchronize() has nothing to wait for and events only read the clock.
 */
#include <float.h>
#include <math.h>
#include <time.h>

#include "runtime/host/host.h"
#include "runtime/host/launch.h"
#include "runtime/host/torch_internal.h"

/* ---- records: named values --------------------------------------------------------------------
 */

typedef struct Record {
    PyObject object;
    const char *title;
    PyValue fields; /* a dict */
} Record;

static void record_dealloc(PyCtx *py, PyObject *self) {
    py_decref(py, ((Record *)(void *)self)->fields);
    py_object_free(py, self);
}

static PyValue record_getattr(PyCtx *py, PyValue self, Sym name, bool *found) {
    const Record *record = (const Record *)(const void *)self.u.o;
    const PyValue key = py_str(py, name);
    PyValue value = PY_NONE;
    *found = py_dict_get(py, record->fields, key, &value);
    py_decref(py, key);
    return py_incref(value);
}

static bool record_repr(PyCtx *py, PyValue self, StrBuf *out) {
    const Record *record = (const Record *)(const void *)self.u.o;
    strbuf_puts(out, record->title);
    return py_repr(py, record->fields, out);
}

static const PyType record_type = {
    .name = "record",
    .dealloc = record_dealloc,
    .getattr = record_getattr,
    .repr = record_repr,
};

static Record *record_new(PyCtx *py, const char *title) {
    Record *record = py_object_new(py, &record_type, sizeof *record);
    record->title = title;
    record->fields = py_dict(py);
    return record;
}

/* Takes over `value`. */
static void record_set(PyCtx *py, Record *record, const char *name, PyValue value) {
    const PyValue key = py_str(py, name);
    py_dict_set(py, record->fields, key, value);
    py_decref(py, key);
    py_decref(py, value);
}

/* ---- limits of types --------------------------------------------------------------------------
 */

static const struct FloatLimits {
    double max, epsilon, least_normal;
} float_limits[DT_COUNT] = {
    [DT_F8E4M3] = {448, 0x1p-3, 0x1p-6},
    [DT_F8E5M2] = {57344, 0x1p-2, 0x1p-14},
    [DT_F16] = {65504, 0x1p-10, 0x1p-14},
    [DT_BF16] = {0x1.fep127, 0x1p-7, 0x1p-126},
    [DT_F32] = {(double)FLT_MAX, 0x1p-23, 0x1p-126},
    [DT_F64] = {DBL_MAX, DBL_EPSILON, DBL_MIN},
};

PyValue op_finfo(TorchCall *call) {
    DType dtype = DT_F32;
    if (!arg_dtype(call, 0, &dtype))
        return PY_FAIL;
    if (!dtype_is_float(dtype))
        return py_raise(call->py, PYEXC_TypeError,
                        "torch.finfo() requires a floating point input type. Use torch.iinfo to "
                        "handle '%s'",
                        dtype_infos[dtype].torch_name);
    const struct FloatLimits *limits = &float_limits[dtype];
    Record *record = record_new(call->py, "finfo");
    record_set(call->py, record, "bits", py_int(dtype_infos[dtype].bits));
    record_set(call->py, record, "max", py_float(limits->max));
    record_set(call->py, record, "min", py_float(-limits->max));
    record_set(call->py, record, "eps", py_float(limits->epsilon));
    record_set(call->py, record, "tiny", py_float(limits->least_normal));
    record_set(call->py, record, "smallest_normal", py_float(limits->least_normal));
    record_set(call->py, record, "dtype", py_str(call->py, dtype_infos[dtype].torch_name));
    return py_from_object(&record->object);
}

PyValue op_iinfo(TorchCall *call) {
    DType dtype;
    if (!arg_dtype(call, 0, &dtype))
        return PY_FAIL;
    if (dtype_is_float(dtype) || dtype == DT_BOOL)
        return py_raise(call->py, PYEXC_TypeError,
                        "torch.iinfo() requires an integer input type. Use torch.finfo to handle "
                        "'%s'",
                        dtype_infos[dtype].torch_name);
    const unsigned bits = dtype_infos[dtype].bits;
    const bool is_signed = dtype_is_signed(dtype);
    const uint64_t max = UINT64_MAX >> (64 - bits + is_signed);
    Record *record = record_new(call->py, "iinfo");
    record_set(call->py, record, "bits", py_int(bits));
    record_set(call->py, record, "max", py_uint(call->py, max));
    record_set(call->py, record, "min", py_int(is_signed ? -(int64_t)max - 1 : 0));
    record_set(call->py, record, "dtype", py_str(call->py, dtype_infos[dtype].torch_name));
    return py_from_object(&record->object);
}

/* ---- torch.cuda -------------------------------------------------------------------------------
 */

/* Devices that are no GPU answer as an H100 with as many processors as there are threads. */
static const DeviceProps imitated = {
    .major = 9,
    .minor = 0,
    .warp_size = 32,
    .max_threads_per_multiprocessor = 2048,
    .registers_per_multiprocessor = 65536,
    .shared_per_block = 49152,
    .shared_per_block_optin = 232448,
    .shared_per_multiprocessor = 233472,
    .l2_bytes = 52428800,
    .total_bytes = (int64_t)80 << 30,
};

static bool is_imitated(const TorchState *state) {
    return state->executor->props.name[0] == '\0';
}

static const DeviceProps *device_props(const TorchState *state) {
    return is_imitated(state) ? &imitated : &state->executor->props;
}

static PyValue device_name(PyCtx *py) {
    const TorchState *state = torch_state(py);
    const char *name = state->executor->props.name;
    if (is_imitated(state))
        name = arena_printf(py->scratch, "tkc %s", state->executor->ops->name);
    return py_str(py, name);
}

static PyValue device_properties(PyCtx *py) {
    const TorchState *state = torch_state(py);
    const DeviceProps *props = device_props(state);
    const int64_t processors =
        is_imitated(state) ? (int64_t)threads_count(state->pool) : props->num_multiprocessors;
    Record *record = record_new(py, "_CudaDeviceProperties");
    const struct {
        const char *name;
        int64_t value;
    } rows[] = {
        {"major", props->major},
        {"minor", props->minor},
        {"multi_processor_count", processors},
        {"warp_size", props->warp_size},
        {"max_threads_per_multi_processor", props->max_threads_per_multiprocessor},
        {"regs_per_multiprocessor", props->registers_per_multiprocessor},
        {"shared_memory_per_block", props->shared_per_block},
        {"shared_memory_per_block_optin", props->shared_per_block_optin},
        {"shared_memory_per_multiprocessor", props->shared_per_multiprocessor},
        {"L2_cache_size", props->l2_bytes},
        {"total_memory", props->total_bytes},
        {"clock_rate", props->clock_khz},
        {"memory_clock_rate", props->memory_clock_khz},
        {"memory_bus_width", props->memory_bus_bits},
    };
    record_set(py, record, "name", device_name(py));
    for (size_t i = 0; i < TK_COUNTOF(rows); i++)
        record_set(py, record, rows[i].name, py_int(rows[i].value));
    return py_from_object(&record->object);
}

bool torch_synchronize(PyCtx *py) {
    Device *device = torch_state(py)->executor;
    if (!device->ops->synchronize ||
        device->ops->synchronize(device, py->diags, py->here) == DEVICE_OK)
        return true;
    launch_mark_faulted(host_launch(py));
    py_raise(py, PYEXC_KernelFault, "the device failed");
    return false;
}

PyValue op_cuda(TorchCall *call) {
    PyCtx *py = call->py;
    TorchState *state = torch_state(py);
    bool on_device = true;
    const DeviceProps *props = device_props(state);
    const PyValue capability[2] = {py_int(props->major), py_int(props->minor)};
    const bool takes_device = call->op->params[0] != NULL;
    if (takes_device && !arg_device(call, 0, &on_device))
        return PY_FAIL;
    if (!on_device)
        return py_raise(py, PYEXC_ValueError, "Expected a cuda device, but got: cpu");
    switch ((CudaFact)call->op->variant) {
    case CUDA_IS_AVAILABLE:
        return py_bool(true);
    case CUDA_NOTHING:
        return PY_NONE;
    case CUDA_SYNCHRONIZE:
        return torch_synchronize(py) ? PY_NONE : PY_FAIL;
    case CUDA_ZERO:
        return py_int(0);
    case CUDA_ONE:
        return py_int(1);
    case CUDA_ALLOCATED:
        return py_int((int64_t)mem_bytes_in_use(state->device));
    case CUDA_PEAK:
        return py_int((int64_t)state->peak_bytes);
    case CUDA_RESET_PEAK:
        state->peak_bytes = mem_bytes_in_use(state->device);
        return PY_NONE;
    case CUDA_NAME:
        return device_name(py);
    case CUDA_CAPABILITY:
        return py_tuple(py, capability, 2);
    case CUDA_PROPERTIES:
        break;
    }
    return device_properties(py);
}

/* set_float32_matmul_precision and its kin: accepted, products are computed in double anyway. */
PyValue op_accepted(TorchCall *call) {
    (void)call;
    return PY_NONE;
}

/* ---- torch.cuda.Event -------------------------------------------------------------------------
 */

typedef struct Event {
    PyObject object;
    bool recorded;
    double milliseconds; /* of the clock */
    DeviceEvent *event;  /* the device's own; NULL: it has none, or nothing was recorded */
} Event;

static double clock_milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec * 1e-6;
}

PyValue torch_event(PyCtx *py) {
    Event *event = py_object_new(py, &torch_event_type, sizeof *event);
    return py_from_object(&event->object);
}

static void event_dealloc(PyCtx *py, PyObject *self) {
    Event *event = (Event *)(void *)self;
    Device *device = torch_state(py)->executor;
    if (event->event)
        device->ops->event_destroy(device, event->event);
    py_object_free(py, self);
}

static PyValue event_record(PyCtx *py, Event *event) {
    Device *device = torch_state(py)->executor;
    event->recorded = true;
    if (!device->ops->event_create) {
        event->milliseconds = clock_milliseconds();
        return PY_NONE;
    }
    if (!event->event)
        event->event = device->ops->event_create(device);
    if (!event->event)
        return torch_synchronize(py) ? PY_NONE : PY_FAIL;
    device->ops->event_record(device, event->event);
    return PY_NONE;
}

static PyValue event_elapsed(PyCtx *py, const Event *start, const Event *end) {
    Device *device = torch_state(py)->executor;
    double elapsed = end->milliseconds - start->milliseconds;
    if (!start->recorded || !end->recorded)
        return py_raise(py, PYEXC_RuntimeError,
                        "Both events must be recorded before calculating elapsed time.");
    if (start->event && end->event &&
        !device->ops->event_elapsed(device, start->event, end->event, &elapsed))
        return torch_synchronize(py) ? PY_NONE : PY_FAIL;
    return py_float(elapsed);
}

typedef enum EventOp { EVENT_RECORD, EVENT_SYNCHRONIZE, EVENT_ELAPSED } EventOp;

/* The methods of an event: the tensor argument of the row is the event. */
static PyValue op_event(TorchCall *call) {
    PyCtx *py = call->py;
    Event *event = py_as(call->arg[0], &torch_event_type);
    switch ((EventOp)call->op->variant) {
    case EVENT_RECORD:
        return event_record(py, event);
    case EVENT_SYNCHRONIZE:
        return torch_synchronize(py) ? PY_NONE : PY_FAIL;
    case EVENT_ELAPSED:
        break;
    }
    const Event *end = py_as(call->arg[1], &torch_event_type);
    return end ? event_elapsed(py, event, end) : torch_type_error(call, 1, "Event");
}

static const TorchOp event_ops[] = {
    {"record", 0, op_event, EVENT_RECORD, "marks this moment", {"event", "stream=", NULL}},
    {"synchronize", 0, op_event, EVENT_SYNCHRONIZE, "waits for the device", {"event", NULL}},
    {"elapsed_time",
     0,
     op_event,
     EVENT_ELAPSED,
     "milliseconds until another event",
     {"event", "end_event", NULL}},
};

static PyValue event_getattr(PyCtx *py, PyValue self, Sym name, bool *found) {
    *found = true;
    for (size_t i = 0; i < TK_COUNTOF(event_ops); i++)
        if (str_eq(event_ops[i].name, name))
            return torch_function(py, &event_ops[i], false, self);
    *found = false;
    return PY_NONE;
}

static const char *const event_attrs[] = {"record", "synchronize", "elapsed_time", NULL};
const PyType torch_event_type = {
    .name = "Event",
    .dealloc = event_dealloc,
    .getattr = event_getattr,
    .attr_names = event_attrs,
};

/* ---- contexts and constants -------------------------------------------------------------------
 */

static PyValue context_enter(PyCtx *py, void *data, const PyArgs *args) {
    (void)py;
    (void)data;
    (void)args;
    return PY_NONE;
}

static PyValue context_getattr(PyCtx *py, PyValue self, Sym name, bool *found) {
    (void)self;
    *found = str_eq(name, "__enter__") || str_eq(name, "__exit__");
    return *found ? py_builtin(py, name, context_enter, NULL) : PY_NONE;
}

/* torch.no_grad() is a context, @torch.no_grad() and @torch.no_grad decorate: all change nothing.
 */
static PyValue context_call(PyCtx *py, PyValue self, const PyArgs *args) {
    (void)py;
    const bool decorates = args->num_pos == 1 && args->pos[0].tag == PY_OBJECT_TAG;
    return py_incref(decorates ? args->pos[0] : self);
}

static const char *const context_attrs[] = {"__enter__", "__exit__", NULL};
static const PyType context_type = {
    .name = "context",
    .dealloc = py_object_free,
    .getattr = context_getattr,
    .attr_names = context_attrs,
    .call = context_call,
};

PyValue torch_context(PyCtx *py) {
    PyObject *context = py_object_new(py, &context_type, sizeof *context);
    return py_from_object(context);
}

typedef struct Constant {
    PyObject object;
    const char *text;
} Constant;

static bool constant_repr(PyCtx *py, PyValue self, StrBuf *out) {
    (void)py;
    strbuf_puts(out, ((const Constant *)(const void *)self.u.o)->text);
    return true;
}

static const PyType constant_type = {
    .name = "constant",
    .dealloc = py_object_free,
    .repr = constant_repr,
};

PyValue torch_constant(PyCtx *py, const char *text) {
    Constant *constant = py_object_new(py, &constant_type, sizeof *constant);
    constant->text = text;
    return py_from_object(&constant->object);
}
