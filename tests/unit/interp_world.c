/* interp_world.c -- what the tests of the interpreter share. */
#include "interp_world.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

void world_open(World *w) {
    *w = (World){.oom = {.fail_after = -1}};
    cr_assert(setjmp(w->oom.jump) == 0, "out of memory");
    w->arena = arena_create(&w->oom);
    w->sources = sources_create(w->arena);
    w->diags = diags_create(w->arena, w->sources);
    w->space = mem_space_create(&w->oom);
    w->options = (InterpOptions){.checks = true, .print_out = stdout};
}

void world_close(World *w) {
    threads_destroy(w->pool);
    mem_space_destroy(w->space);
    arena_destroy(w->arena);
}

void world_threads(World *w, unsigned threads) {
    threads_destroy(w->pool);
    w->pool = threads > 1 ? threads_create(threads) : NULL;
    w->options.pool = w->pool;
}

const IrKernel *world_kernel(World *w, const char *text) {
    SrcFile *file = sources_add(w->sources, "test.tkir", text, strlen(text));
    IrContext *ctx = ir_context_create(w->arena);
    IrModule *module = ir_parse(ctx, w->arena, w->diags, w->sources, file);
    bool ok = module != NULL && ir_verify(module, w->diags, NULL);
    if (!ok)
        diags_render(w->diags, &(DiagStyle){0}, stderr);
    cr_assert(ok, "the kernel is not valid");
    return module->kernels.data[0];
}

InterpArg world_tensor(World *w, DType type, int64_t count, const void *data) {
    size_t size = dtype_size(type);
    MemAlloc *alloc = mem_alloc(w->space, (size_t)count * size, (unsigned)size, MEM_UNWRITTEN);
    cr_assert_not_null(alloc);
    InterpArg arg = {.kind = INTERP_VIEW};
    arg.view = (MemView){.alloc = alloc, .dtype = type, .rank = 1};
    arg.view.shape[0] = count;
    arg.view.strides[0] = 1;
    if (data != NULL) {
        memcpy(alloc->data, data, alloc->size);
        mem_mark_written(alloc, 0, alloc->size);
    }
    return arg;
}

InterpArg world_view(InterpArg base, int64_t offset, int64_t rows, int64_t cols, int64_t row_stride,
                     int64_t col_stride) {
    base.view.offset += (size_t)offset * dtype_size(base.view.dtype);
    base.view.rank = 2;
    base.view.shape[0] = rows;
    base.view.shape[1] = cols;
    base.view.strides[0] = row_stride;
    base.view.strides[1] = col_stride;
    return base;
}

InterpArg world_scalar(uint64_t bits) {
    return (InterpArg){.kind = INTERP_SCALAR, .bits = bits};
}

void *world_data(InterpArg tensor) {
    return tensor.view.alloc->data + tensor.view.offset;
}

InterpStatus world_launch(World *w, const char *text, int64_t programs, const InterpArg *args,
                          unsigned num_args) {
    InterpKernel *kernel = interp_compile(w->arena, world_kernel(w, text), w->diags);
    if (kernel == NULL)
        return INTERP_REFUSED;
    int64_t grid[3] = {programs, 1, 1};
    return interp_launch(kernel, w->space, grid, args, num_args, &w->options, w->diags, SRC_NONE);
}

const char *world_messages(World *w) {
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    cr_assert_not_null(out);
    diags_render(w->diags, &(DiagStyle){0}, out);
    fclose(out);
    const char *copy = arena_strndup(w->arena, text, len);
    free(text);
    diags_truncate(w->diags, 0);
    return copy;
}

const char *world_last_messages(World *w) {
    static char last[16384];
    strncpy(last, world_messages(w), sizeof last - 1);
    world_close(w);
    return last;
}
