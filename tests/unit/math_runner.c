/* math_runner.c -- computes a function of tile IR for many arguments, expanded for GPUs or not. */
#include "math_runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "passes/pass.h"

void math_runner_open(MathRunner *r) {
    *r = (MathRunner){.oom = {.fail_after = -1}};
    if (setjmp(r->oom.jump) != 0) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    r->arena = arena_create(&r->oom);
    r->sources = sources_create(r->arena);
    r->diags = diags_create(r->arena, r->sources);
}

void math_runner_close(MathRunner *r) {
    arena_destroy(r->arena);
}

size_t math_letter_size(char letter) {
    return letter == 'f' || letter == 'i' || letter == 'u' ? 4 : 8;
}

static const char *type_name(char letter) {
    return letter == 'f'                   ? "f32"
           : letter == 'd'                 ? "f64"
           : math_letter_size(letter) == 4 ? "i32"
                                           : "i64";
}

/* A kernel whose program i computes the elements from i * MATH_TILE. */
static const char *kernel_text(Arena *arena, const MathFunction *f) {
    StrBuf t = STRBUF(arena);
    size_t arity = strcspn(f->letters, ":");
    const char *result = type_name(f->letters[arity + 1]);
    strbuf_puts(&t, "kernel @k(");
    for (size_t i = 0; i < arity; i++)
        strbuf_printf(&t, "%%a%zu: ptr<%s>, ", i, type_name(f->letters[i]));
    strbuf_printf(&t, "%%out: ptr<%s>) num_warps = 4 num_stages = 3 {\n", result);
    strbuf_printf(&t, "%%pid = program_id 0 : i32\n%%size = const %d : i32\n", MATH_TILE);
    strbuf_puts(&t, "%start = muli %pid, %size : i32\n");
    strbuf_printf(&t, "%%first = splat %%start : tile<%dxi32>\n", MATH_TILE);
    strbuf_printf(&t, "%%lane = arange 0, %d : tile<%dxi32>\n", MATH_TILE, MATH_TILE);
    strbuf_printf(&t, "%%at = addi %%first, %%lane : tile<%dxi32>\n", MATH_TILE);
    for (size_t i = 0; i < arity; i++) {
        const char *type = type_name(f->letters[i]);
        strbuf_printf(&t, "%%b%zu = splat %%a%zu : tile<%dxptr<%s>>\n", i, i, MATH_TILE, type);
        strbuf_printf(&t, "%%p%zu = addptr %%b%zu, %%at : tile<%dxptr<%s>>\n", i, i, MATH_TILE,
                      type);
        strbuf_printf(&t, "%%x%zu = load %%p%zu : tile<%dx%s>\n", i, i, MATH_TILE, type);
    }
    if (f->is_op)
        strbuf_printf(&t, "%%r = %s %%x0", f->name);
    else
        strbuf_printf(&t, "%%r = libcall \"%s\", %%x0", f->name);
    for (size_t i = 1; i < arity; i++)
        strbuf_printf(&t, ", %%x%zu", i);
    strbuf_printf(&t, " : tile<%dx%s>\n", MATH_TILE, result);
    strbuf_printf(&t, "%%bo = splat %%out : tile<%dxptr<%s>>\n", MATH_TILE, result);
    strbuf_printf(&t, "%%po = addptr %%bo, %%at : tile<%dxptr<%s>>\n", MATH_TILE, result);
    strbuf_puts(&t, "store %po, %r\nreturn\n}\n");
    return strbuf_str(&t);
}

static bool count_op(IrOp *op, void *count) {
    bool on_tile = op->num_results == 1 && ir_is_tile(op->results[0].type);
    *(unsigned *)count += on_tile && op->code != OP_Const;
    return true;
}

static IrModule *make_module(MathRunner *r, const MathFunction *f, const char *pipeline,
                             unsigned *num_ops) {
    static const PassOptions options = {.verify_each = true};
    const char *text = kernel_text(r->arena, f);
    SrcFile *file = sources_add(r->sources, "math.tkir", text, strlen(text));
    IrModule *module = ir_parse(ir_context_create(r->arena), r->arena, r->diags, r->sources, file);
    if (!module || !ir_verify(module, r->diags, NULL))
        return NULL;
    if (pipeline && !passes_run(module, pipeline, &options, r->diags, NULL))
        return NULL;
    unsigned count = 0, others = 5 + 3 * (unsigned)strcspn(f->letters, ":"); /* loads, store ... */
    ir_walk(module->kernels.data[0]->body, count_op, &count);
    if (num_ops)
        *num_ops = count > others ? count - others : 0;
    return diags_count(r->diags, SEV_ERROR) == 0 ? module : NULL;
}

static InterpArg make_tensor(MemSpace *space, char letter, size_t count, const void *data) {
    DType type = letter == 'f'                   ? DT_F32
                 : letter == 'd'                 ? DT_F64
                 : math_letter_size(letter) == 4 ? DT_I32
                                                 : DT_I64;
    size_t size = math_letter_size(letter);
    MemAlloc *alloc = mem_alloc(space, count * size, (unsigned)size, MEM_ZEROED);
    InterpArg arg = {.kind = INTERP_VIEW, .view = {.alloc = alloc, .dtype = type, .rank = 1}};
    arg.view.shape[0] = (int64_t)count;
    arg.view.strides[0] = 1;
    if (data)
        memcpy(alloc->data, data, count * size);
    return arg;
}

bool math_run(MathRunner *r, const MathFunction *f, const char *pipeline, size_t count,
              const void *const args[MATH_MAX_ARGS], void *out, unsigned *num_ops) {
    IrModule *module = make_module(r, f, pipeline, num_ops);
    InterpKernel *kernel =
        module ? interp_compile(r->arena, module->kernels.data[0], r->diags) : NULL;
    bool ok = kernel != NULL;
    if (ok) {
        MemSpace *space = mem_space_create(&r->oom);
        unsigned arity = (unsigned)strcspn(f->letters, ":");
        InterpArg list[MATH_MAX_ARGS + 1];
        for (unsigned i = 0; i < arity; i++)
            list[i] = make_tensor(space, f->letters[i], count, args[i]);
        list[arity] = make_tensor(space, f->letters[arity + 1], count, NULL);
        InterpOptions options = {.print_out = stderr};
        int64_t grid[3] = {(int64_t)(count / MATH_TILE), 1, 1};
        ok = interp_launch(kernel, space, grid, list, arity + 1, &options, r->diags, SRC_NONE) ==
             INTERP_OK;
        memcpy(out, list[arity].view.alloc->data, count * math_letter_size(f->letters[arity + 1]));
        mem_space_destroy(space);
    }
    if (!ok) {
        fprintf(stderr, "%s %s:\n", f->name, f->letters);
        diags_render(r->diags, &(DiagStyle){0}, stderr);
        diags_truncate(r->diags, 0);
    }
    return ok;
}
