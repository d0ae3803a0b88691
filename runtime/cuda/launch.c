/* launch.c -- kernels made ready, and launched.
 *
 * A launch must cost the host little: 3 microseconds in all, of which the driver takes most. So all
 * that can be known before is in the DeviceKernel: one slot a parameter, with the place of its
 * value in a buffer of the kernel's, and the array of pointers to these places that
 * cuLaunchKernelEx wants. A launch fills the buffer in and calls the driver; it allocates nothing.
 *
 *     kernel @k(%p: ptr<f32>, %flag: i1, %d: desc<16x16xf32>)
 *     buffer:  p: 8 bytes | flag: 1 byte | d: base, 2 sizes, 2 strides, 8 bytes each
 *     pointers: 7 of them, in this order
 */
#include <string.h>

#include "runtime/cuda/cuda_internal.h"

#define DEFAULT_SHARED 49152 /* bytes of a block without asking for more */
#define WARP_THREADS   32

typedef struct ParamSlot {
    uint8_t *place; /* of the value in the buffer */
    uint8_t size;   /* bytes of a scalar */
    uint8_t rank;   /* of a descriptor */
    bool is_pointer;
    bool stored; /* the kernel may store through it */
} ParamSlot;

struct DeviceKernel {
    const char *name;
    CudaFunction function;
    unsigned threads, shared_bytes;
    unsigned num_params;
    ParamSlot *slots;                     /* [num_params] */
    void **pointers;                      /* to each value in the buffer */
    bool loads_anywhere, stores_anywhere; /* through pointers that come from memory */
    DeviceKernelInfo info;
};

bool cuda_wait(CudaDevice *device) {
    if (!cuda_check(device, device->driver.stream_wait(device->stream), "waiting for the device"))
        return false;
    device->pending = 0;
    device->pending_differ = false;
    return true;
}

/* ---- compiling ------------------------------------------------------------------------------- */

static unsigned num_values(const IrType *type) {
    return type->kind == TY_DESC ? 2 + 2 * type->rank : 1;
}

static void lay_out_parameters(DeviceKernel *made, Arena *arena, const IrKernel *kernel,
                               const InterpReach *reach) {
    unsigned values = 0;
    made->num_params = (unsigned)kernel->params.len;
    for (unsigned i = 0; i < made->num_params; i++)
        values += num_values(kernel->params.data[i].value->type);
    made->slots = ARENA_ARRAY(arena, ParamSlot, made->num_params + 1);
    made->pointers = ARENA_ARRAY(arena, void *, values + 1);
    uint64_t *buffer = ARENA_ARRAY(arena, uint64_t, values + 1);
    unsigned next = 0;
    for (unsigned i = 0; i < made->num_params; i++) {
        const IrType *type = kernel->params.data[i].value->type;
        bool descriptor = type->kind == TY_DESC;
        made->slots[i] = (ParamSlot){
            .place = (uint8_t *)&buffer[next],
            .size = descriptor ? 0 : (uint8_t)ir_elem_size(type),
            .rank = descriptor ? (uint8_t)type->rank : 0,
            .is_pointer = type->kind == TY_PTR,
            .stored = reach->stores_to[i],
        };
        for (unsigned v = 0; v < num_values(type); v++, next++)
            made->pointers[next] = &buffer[next];
    }
}

static int function_attribute(CudaDevice *device, CudaFunctionAttribute attribute,
                              CudaFunction function) {
    int value = 0;
    device->driver.function_attribute(&value, attribute, function);
    return value;
}

/* Registers and so on, and leave to use more shared memory than a block has by itself. */
static bool prepare_function(CudaDevice *device, DeviceKernel *made, const DeviceCode *code,
                             SrcRange range, Diags *diags) {
    CudaFunction function = made->function;
    int fixed = function_attribute(device, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, function);
    int local = function_attribute(device, CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES, function);
    made->info = (DeviceKernelInfo){
        .registers = function_attribute(device, CU_FUNC_ATTRIBUTE_NUM_REGS, function),
        .spills = local / 4,
        .shared_bytes = fixed + (int64_t)code->shared_bytes,
        .ptx = code->ptx,
    };
    if (made->info.shared_bytes > device->base.props.shared_per_block_optin) {
        diag_report(diags, DIAG_CUDA_SHARED, range, code->entry, (long long)made->info.shared_bytes,
                    (long long)device->base.props.shared_per_block_optin);
        return false;
    }
    if (code->shared_bytes + (size_t)fixed <= DEFAULT_SHARED)
        return true;
    CudaResult result = device->driver.function_set(
        function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, (int)code->shared_bytes);
    if (result != CUDA_SUCCESS)
        cuda_report_call(device, diags, range, result, "asking for shared memory");
    return result == CUDA_SUCCESS;
}

static bool load(const CudaDevice *device, Arena *arena, const IrKernel *kernel, Diags *diags,
                 DevicePrepared *prepared) {
    prepared->module = cuda_load_module(device, arena, &prepared->code, kernel->range, diags);
    return prepared->module != NULL;
}

bool cuda_prepare(Device *base, Arena *arena, const IrKernel *kernel, Diags *diags,
                  DevicePrepared *prepared) {
    const CudaDevice *device = cuda_device(base);
    const DeviceAssembler *assembler = device->assembler;
    DeviceCode *code = &prepared->code;
    const char *cubin = NULL;
    size_t len;
    if (!device->compiler->compile(device->compiler->data, arena, kernel, diags, code))
        return false;
    if (assembler != NULL && assembler->assemble != NULL)
        cubin = assembler->assemble(assembler->data, arena, code, &len);
    if (cubin != NULL)
        prepared->module = cuda_load_machine_code(device, cubin);
    return prepared->module != NULL || load(device, arena, kernel, diags, prepared);
}

DeviceKernel *cuda_finish(Device *base, Arena *arena, const IrKernel *kernel,
                          const DevicePrepared *prepared, Diags *diags) {
    CudaDevice *device = cuda_device(base);
    DeviceCode code = prepared->code;
    code.ptx = arena_strndup(arena, code.ptx, code.ptx_len);
    InterpReach reach = interp_reach(arena, kernel);
    DeviceKernel *made = ARENA_NEW(arena, DeviceKernel);
    lay_out_parameters(made, arena, kernel, &reach);
    made->name = kernel->name;
    made->loads_anywhere = reach.loads_anywhere;
    made->stores_anywhere = reach.stores_anywhere;
    made->threads = code.num_warps * WARP_THREADS;
    made->shared_bytes = (unsigned)code.shared_bytes;
    made->function = cuda_keep_module(device, arena, prepared->module, &code, kernel->range, diags);
    if (made->function == NULL || !prepare_function(device, made, &code, kernel->range, diags))
        return NULL;
    return made;
}

DeviceKernel *cuda_compile(Device *base, Arena *arena, const IrKernel *kernel, Diags *diags) {
    CudaDevice *device = cuda_device(base);
    DevicePrepared prepared = {0};
    if (device->error != CUDA_SUCCESS) {
        cuda_report(device, diags, kernel->range);
        return NULL;
    }
    const DeviceCompiler *compiler = device->compiler;
    if (!compiler->compile(compiler->data, arena, kernel, diags, &prepared.code) ||
        !load(device, arena, kernel, diags, &prepared))
        return NULL;
    return cuda_finish(base, arena, kernel, &prepared, diags);
}

void cuda_describe(const DeviceKernel *kernel, DeviceKernelInfo *info) {
    *info = kernel->info;
}

/* ---- memory ---------------------------------------------------------------------------------- */

static bool use_alloc(CudaDevice *device, MemAlloc *alloc, bool stored) {
    if (atomic_load_explicit(&alloc->device_stale, memory_order_relaxed) &&
        !cuda_upload(device, alloc))
        return false;
    if (stored)
        atomic_store_explicit(&alloc->host_stale, true, memory_order_relaxed);
    return true;
}

typedef struct UseAll {
    CudaDevice *device;
    bool stored, failed;
} UseAll;

static void use_each(void *data, MemAlloc *alloc) {
    UseAll *all = data;
    all->failed |= !use_alloc(all->device, alloc, all->stored);
}

/* Fills in the kernel's buffer; brings the memory behind the arguments up to date. */
static bool bind_arguments(CudaDevice *device, DeviceKernel *kernel, const InterpArg *args) {
    bool any_load = kernel->loads_anywhere, any_store = kernel->stores_anywhere;
    for (unsigned i = 0; i < kernel->num_params; i++) {
        const ParamSlot *slot = &kernel->slots[i];
        const InterpArg *arg = &args[i];
        if (arg->kind == INTERP_SCALAR) {
            memcpy(slot->place, &arg->bits, slot->size);
            if (slot->is_pointer && arg->bits != 0) { /* an address as a number */
                any_load = true;
                any_store |= slot->stored;
            }
            continue;
        }
        uint64_t address = arg->view.alloc->address + arg->view.offset;
        memcpy(slot->place, &address, sizeof address);
        size_t bytes = slot->rank * sizeof(int64_t);
        memcpy(slot->place + sizeof address, arg->desc_shape, bytes);
        memcpy(slot->place + sizeof address + bytes, arg->desc_strides, bytes);
        if (slot->rank > 0)
            slot->place[sizeof address + 2 * bytes] = arg->desc_pad_nan;
        if (!use_alloc(device, arg->view.alloc, slot->stored))
            return false;
    }
    if (!any_load && !any_store)
        return true;
    UseAll all = {.device = device, .stored = any_store};
    mem_each(device->base.space, use_each, &all);
    return !all.failed;
}

/* ---- launching ------------------------------------------------------------------------------- */

/* 1: run it; 0: nothing to run; -1: too large, reported. */
static int check_grid(const DeviceLaunch *launch, Diags *diags) {
    static const int64_t most[3] = {INT32_MAX, 65535, 65535};
    bool empty = false, fits = true;
    for (int d = 0; d < 3; d++) {
        empty |= launch->grid[d] <= 0;
        fits &= launch->grid[d] <= most[d];
    }
    if (empty || fits)
        return !empty;
    Diag *diag = diag_report(diags, DIAG_CUDA_GRID, launch->call, (long long)launch->grid[0],
                             (long long)launch->grid[1], (long long)launch->grid[2]);
    diag_note(diag, SRC_NONE, "a GPU takes 2147483647 x 65535 x 65535 programs");
    diag_help(diag, "put the long dimension first, or let each program do more in a loop");
    return -1;
}

static void note_launch(CudaDevice *device, const DeviceKernel *kernel, SrcRange call) {
    device->pending_differ |= device->pending > 0 && device->last.kernel != kernel->name;
    device->last = (CudaLaunchNote){.kernel = kernel->name, .call = call};
    device->pending++;
}

DeviceStatus cuda_launch(Device *base, DeviceKernel *kernel, const DeviceLaunch *launch,
                         Diags *diags) {
    CudaDevice *device = cuda_device(base);
    if (device->error != CUDA_SUCCESS)
        return cuda_report(device, diags, launch->call);
    int run = check_grid(launch, diags);
    if (run <= 0)
        return run == 0 ? DEVICE_OK : DEVICE_REFUSED;
    if (!bind_arguments(device, kernel, launch->args))
        return cuda_report(device, diags, launch->call);
    CudaLaunchConfig config = {
        .grid_x = (unsigned)launch->grid[0],
        .grid_y = (unsigned)launch->grid[1],
        .grid_z = (unsigned)launch->grid[2],
        .block_x = kernel->threads,
        .block_y = 1,
        .block_z = 1,
        .shared_bytes = kernel->shared_bytes,
        .stream = device->stream,
    };
    note_launch(device, kernel, launch->call);
    CudaResult result = device->driver.launch(&config, kernel->function, kernel->pointers, NULL);
    if (result == CUDA_SUCCESS)
        return DEVICE_OK;
    if (cuda_is_sticky(result)) {
        cuda_check(device, result, "launching");
        return cuda_report(device, diags, launch->call);
    }
    device->pending--;
    if (result == CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES) {
        diag_report(diags, DIAG_CUDA_RESOURCES, launch->call, kernel->name,
                    cuda_error_text(&device->driver, result));
        return DEVICE_REFUSED;
    }
    const char *doing = arena_printf(diags_arena(diags), "launching `%s`", kernel->name);
    cuda_report_call(device, diags, launch->call, result, doing);
    return DEVICE_REFUSED;
}
