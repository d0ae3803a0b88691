/* compiled_kernel.c -- what a launch or kernel.warmup() returns: the compiled variant to look into
 * and to launch again, as compiled[grid](...).
 *
 * .asm["ttir"] is the tile IR after the passes, .asm["ptx"] the PTX where there is one. Registers
 * and shared memory are a GPU's; on the cpu device n_regs and n_spills are 0 and metadata.shared is
 * the largest tile in bytes.
 */
#include "runtime/host/launch_internal.h"

typedef struct CompiledKernel {
    PyObject base;
    const Variant *variant; /* lives as long as the context */
} CompiledKernel;

/* False: the device tells nothing of its code. */
static bool describe(PyCtx *py, const Variant *variant, DeviceKernelInfo *info) {
    const Device *device = launch_device(host_launch(py));
    *info = (DeviceKernelInfo){0};
    if (device->ops->describe == NULL || variant->code == NULL)
        return false;
    device->ops->describe(variant->code, info);
    return true;
}

static bool note_largest_tile(IrOp *op, void *data) {
    int64_t *largest = data;
    for (unsigned i = 0; i < op->num_results; i++) {
        const IrType *type = ir_result(op, i)->type;
        int64_t bytes = ir_is_tile(type) ? ir_numel(type) * (int64_t)ir_elem_size(type) : 0;
        if (bytes > *largest)
            *largest = bytes;
    }
    return true;
}

/* Adds a text to what is shown as .asm. */
static void add_text(PyCtx *py, PyValue dict, const char *name, const char *text) {
    PyValue key = py_str(py, name), value = py_str(py, text);
    py_dict_set(py, dict, key, value);
    py_decref(py, key);
    py_decref(py, value);
}

static PyValue assembly(PyCtx *py, const Variant *variant) {
    ArenaMark mark = arena_mark(py->scratch);
    StrBuf text = STRBUF(py->scratch);
    DeviceKernelInfo info;
    PyValue dict = py_dict(py);
    ir_print_module(variant->optimised, &(IrPrintOptions){.locations = false}, &text);
    add_text(py, dict, "ttir", strbuf_str(&text));
    if (describe(py, variant, &info) && info.ptx != NULL)
        add_text(py, dict, "ptx", info.ptx);
    arena_reset(py->scratch, mark);
    return dict;
}

static PyValue metadata(PyCtx *py, const Variant *variant) {
    DeviceKernelInfo info;
    if (!describe(py, variant, &info))
        ir_walk(variant->optimised->kernels.data[0]->body, note_largest_tile, &info.shared_bytes);
    PyValue module = py_module(py, "metadata");
    py_module_set(py, module, "name", py_str(py, jit_from_value(variant->jit)->name));
    py_module_set(py, module, "num_warps", py_int(variant->options.num_warps));
    py_module_set(py, module, "num_stages", py_int(variant->options.num_stages));
    py_module_set(py, module, "num_ctas", py_int(variant->options.num_ctas));
    py_module_set(py, module, "shared", py_int(info.shared_bytes));
    return module;
}

/* What one thread of the kernel takes. */
static PyValue registers(PyCtx *py, const Variant *variant, bool spilled) {
    DeviceKernelInfo info;
    describe(py, variant, &info);
    return py_int(spilled ? info.spills : info.registers);
}

/* The names of the parameters that the kernel may store through; of all, if it stores through
 * pointers that it has from memory. */
static PyValue stored_parameters(PyCtx *py, const Variant *variant) {
    const IrKernel *kernel = variant->optimised->kernels.data[0];
    ArenaMark mark = arena_mark(py->scratch);
    InterpReach reach = interp_reach(py->scratch, kernel);
    PyValue list = py_list(py, NULL, 0);
    for (size_t i = 0; i < kernel->params.len; i++) {
        if (!reach.stores_to[i] && !reach.stores_anywhere)
            continue;
        PyValue name = py_str(py, kernel->params.data[i].name);
        py_list_append(py, list, name);
        py_decref(py, name);
    }
    arena_reset(py->scratch, mark);
    return list;
}

static PyValue compiled_getattr(PyCtx *py, PyValue self, Sym name, bool *found) {
    const Variant *variant = ((const CompiledKernel *)self.u.o)->variant;
    *found = true;
    if (str_eq(name, "asm"))
        return assembly(py, variant);
    if (str_eq(name, "metadata"))
        return metadata(py, variant);
    if (str_eq(name, "name"))
        return py_str(py, jit_from_value(variant->jit)->name);
    if (str_eq(name, "n_regs") || str_eq(name, "n_spills"))
        return registers(py, variant, str_eq(name, "n_spills"));
    if (str_eq(name, "_stored"))
        return stored_parameters(py, variant);
    *found = false;
    return PY_NONE;
}

/* Triton loads the code onto the device with this; here it is loaded already. */
static PyValue init_handles(PyCtx *py, PyValue self, const PyValue *a, const PyArgs *args) {
    (void)py, (void)self, (void)a, (void)args;
    return PY_NONE;
}
static const PyMethodDef compiled_methods[] = {{"_init_handles", init_handles, ""},
                                               {NULL, NULL, NULL}};

typedef struct CompiledLauncher { /* compiled[grid] */
    PyObject base;
    const Variant *variant;
    PyValue grid;
} CompiledLauncher;

static void compiled_launcher_dealloc(PyCtx *py, PyObject *self) {
    py_decref(py, ((CompiledLauncher *)self)->grid);
    py_object_free(py, self);
}

static PyValue compiled_launcher_call(PyCtx *py, PyValue self, const PyArgs *args) {
    const CompiledLauncher *launcher = (const CompiledLauncher *)self.u.o;
    return launch_again(py, launcher->variant, launcher->grid, args);
}

static const PyType compiled_launcher_type = {
    .name = "launcher", .dealloc = compiled_launcher_dealloc, .call = compiled_launcher_call};

static PyValue compiled_subscript(PyCtx *py, PyValue self, PyValue grid) {
    CompiledLauncher *launcher = py_object_new(py, &compiled_launcher_type, sizeof *launcher);
    launcher->variant = ((const CompiledKernel *)self.u.o)->variant;
    launcher->grid = py_incref(grid);
    return py_from_object(&launcher->base);
}

static void compiled_dealloc(PyCtx *py, PyObject *self) {
    py_object_free(py, self);
}

static const char *const compiled_attrs[] = {"asm", "metadata", "name", "n_regs", "n_spills", NULL};
static const PyType compiled_kernel_type = {.name = "CompiledKernel",
                                            .dealloc = compiled_dealloc,
                                            .getattr = compiled_getattr,
                                            .subscript = compiled_subscript,
                                            .methods = compiled_methods,
                                            .attr_names = compiled_attrs};

PyValue compiled_kernel(PyCtx *py, const Variant *variant) {
    CompiledKernel *kernel = py_object_new(py, &compiled_kernel_type, sizeof *kernel);
    kernel->variant = variant;
    return py_from_object(&kernel->base);
}
