/* test_torch.c -- the C interface of the torch module: views, copies, comparisons, memory.
 *
 * What programs see of torch is tested by tests/run/torch.
 */
#include <criterion/criterion.h>

#include "runtime/device.h"
#include "runtime/host/host.h"
#include "runtime/host/torch.h"

typedef struct World {
    OomHandler oom;
    Arena *arena;
    Device *device;
    ThreadPool *pool;
    TorchState *torch;
    PyCtx *py;
    Diags *diags;
} World;

static void world_create(World *w) {
    w->oom.fail_after = -1;
    w->arena = arena_create(&w->oom);
    w->device = device_cpu_create(&w->oom);
    w->pool = threads_create(2);
    w->torch = torch_state_create(&w->oom, w->device, w->pool);
    SourceSet *sources = sources_create(w->arena);
    w->diags = diags_create(w->arena, sources);
    w->py = py_ctx_create(&w->oom, w->arena, strtab_create(w->arena), sources, w->diags);
    const HostOptions options = {.torch = w->torch, .out = stdout, .err = stderr};
    cr_assert(host_create(w->py, &options));
}

static void world_destroy(World *w) {
    host_destroy(w->py);
    py_ctx_destroy(w->py);
    cr_expect_eq(mem_bytes_in_use(w->device->space), 0, "tensors leak");
    torch_state_destroy(w->torch);
    threads_destroy(w->pool);
    w->device->ops->destroy(w->device);
    arena_destroy(w->arena);
}

/* torch.NAME(size, device="cuda") */
static PyValue make(World *w, const char *name, int64_t rows, int64_t columns) {
    const PyValue torch = torch_module(w->py);
    const PyValue function = py_getattr(w->py, torch, strtab_sym(w->py->names, name));
    const PyValue size[2] = {py_int(rows), py_int(columns)};
    const PyValue shape = py_tuple(w->py, size, 2), device = py_str(w->py, "cuda");
    const Sym keyword = strtab_sym(w->py->names, "device");
    const PyArgs args = {
        .pos = &shape, .num_pos = 1, .kw_names = &keyword, .kw_values = &device, .num_kw = 1};
    const PyValue tensor = py_call(w->py, function, &args);
    py_decref(w->py, device);
    py_decref(w->py, shape);
    py_decref(w->py, function);
    py_decref(w->py, torch);
    cr_assert(torch_is_tensor(tensor));
    return tensor;
}

static float *elements(PyValue tensor) {
    MemView view;
    bool on_device;
    cr_assert(torch_tensor_view(tensor, &view, &on_device));
    return (float *)(void *)(view.alloc->data + view.offset);
}

Test(torch, view_of_a_tensor) {
    World w = {0};
    world_create(&w);
    const PyValue x = make(&w, "zeros", 3, 5);
    MemView view;
    bool on_device;
    cr_assert(torch_tensor_view(x, &view, &on_device));
    cr_expect(on_device);
    cr_expect_eq(view.dtype, DT_F32);
    cr_expect_eq(view.rank, 2u);
    cr_expect_eq(view.shape[0], 3);
    cr_expect_eq(view.strides[0], 5);
    cr_expect_eq(view.strides[1], 1);
    cr_expect_eq(mem_bytes_in_use(w.device->space), 60);
    view.rank = 1; /* the first column */
    view.strides[0] = 5;
    const PyValue column = torch_tensor_from_view(w.py, &view, true);
    elements(x)[5] = 2;
    const PyValue item = py_subscript(w.py, column, py_int(1));
    const PyValue number = torch_item(w.py, item);
    cr_expect_eq(number.tag, PY_FLOAT_TAG);
    cr_expect_eq(number.u.f, 2);
    py_decref(w.py, item);
    py_decref(w.py, x); /* the column keeps the memory */
    cr_expect_eq(mem_bytes_in_use(w.device->space), 60);
    py_decref(w.py, column);
    cr_expect_eq(mem_bytes_in_use(w.device->space), 0);
    cr_expect_not(torch_tensor_view(py_int(1), &view, &on_device));
    world_destroy(&w);
}

Test(torch, clones_keep_what_is_unwritten) {
    World w = {0};
    world_create(&w);
    const PyValue x = make(&w, "empty", 2, 2);
    MemView view;
    bool on_device;
    torch_tensor_view(x, &view, &on_device);
    elements(x)[0] = 7;
    mem_mark_written(view.alloc, 0, 4);
    const PyValue copy = torch_clone_tensor(w.py, x);
    cr_assert(torch_is_tensor(copy));
    cr_expect_eq(elements(copy)[0], 7.0f);
    torch_tensor_view(copy, &view, &on_device);
    cr_expect_eq(mem_view_first_unwritten(&view), 1);
    cr_expect_eq(diags_count(w.diags, SEV_FAULT), 0u);
    cr_expect_eq(torch_all_near(w.py, x, copy), -1, "comparing reads");
    cr_expect_eq(diags_count(w.diags, SEV_FAULT), 1u);
    py_clear_exception(w.py);
    py_decref(w.py, copy);
    py_decref(w.py, x);
    world_destroy(&w);
}

Test(torch, copies_and_comparisons) {
    World w = {0};
    world_create(&w);
    const PyValue x = make(&w, "ones", 4, 4), y = make(&w, "zeros", 4, 4),
                  row = make(&w, "ones", 1, 4), other = make(&w, "ones", 4, 3);
    cr_expect_eq(torch_all_near(w.py, x, y), 0);
    cr_expect(torch_copy_into(w.py, y, row)); /* broadcasts */
    cr_expect_eq(torch_all_near(w.py, x, y), 1);
    elements(y)[3] = 1.00001f;
    cr_expect_eq(torch_all_near(w.py, x, y), 1, "within the tolerance of float32");
    elements(y)[3] = 1.001f;
    cr_expect_eq(torch_all_near(w.py, x, y), 0);
    cr_expect_eq(torch_all_near(w.py, x, other), 0, "another shape");
    cr_expect_not(torch_copy_into(w.py, other, x));
    py_clear_exception(w.py);
    const PyValue same = torch_inplace_binary(w.py, BIN_MUL, x, py_int(3));
    cr_expect_eq(same.u.o, x.u.o);
    cr_expect_eq(elements(x)[15], 3.0f);
    py_decref(w.py, same);
    py_decref(w.py, x);
    py_decref(w.py, y);
    py_decref(w.py, row);
    py_decref(w.py, other);
    world_destroy(&w);
}

Test(torch, imports_and_types) {
    World w = {0};
    world_create(&w);
    bool found;
    static const char *const names[] = {"torch", "torch.nn.functional", "torch.cuda",
                                        "torch.testing", "torch.version"};
    for (size_t i = 0; i < TK_COUNTOF(names); i++) {
        const PyValue module = torch_import(w.py, names[i], &found);
        cr_expect(found, "%s", names[i]);
        py_decref(w.py, module);
    }
    torch_import(w.py, "torch.zeros", &found);
    cr_expect_not(found, "a function is no module");
    torch_import(w.py, "torchvision", &found);
    cr_expect_not(found);
    DType dtype;
    const PyValue half = torch_dtype(w.py, DT_F16);
    cr_expect(torch_as_dtype(half, &dtype));
    cr_expect_eq(dtype, DT_F16);
    cr_expect_not(torch_as_dtype(py_dtype(DT_F16), &dtype), "tl.float16 is another object");
    py_decref(w.py, half);
    world_destroy(&w);
}
