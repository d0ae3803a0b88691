/* Tests of making and changing IR: types, use lists, attributes, and what the verifier sees of
 * broken links, which no text can express. */
#include <criterion/criterion.h>

#include "ir/ir.h"
#include "ir/number.h"

typedef struct World {
    OomHandler oom;
    Arena *arena;
    Diags *diags;
    IrModule *module;
    IrBuilder b;
    const IrType *i32, *f32;
    IrValue *x;
} World;

static void world_open(World *w) {
    *w = (World){.oom = {.fail_after = -1}};
    cr_assert(setjmp(w->oom.jump) == 0);
    w->arena = arena_create(&w->oom);
    w->diags = diags_create(w->arena, sources_create(w->arena));
    IrContext *ctx = ir_context_create(w->arena);
    w->module = ir_module_create(ctx, w->arena, NULL);
    w->i32 = ir_type_scalar(ctx, TY_I32);
    w->f32 = ir_type_scalar(ctx, TY_F32);
    IrKernel *kernel = ir_kernel_create(w->module, strtab_sym(ir_names(ctx), "k"), SRC_NONE);
    w->x = ir_kernel_add_param(kernel, strtab_sym(ir_names(ctx), "x"), w->i32, SRC_NONE);
    w->b = (IrBuilder){.module = w->module, .kernel = kernel, .block = kernel->body};
}

static bool verify(World *w) {
    return ir_verify(w->module, w->diags, NULL);
}

static void finish_kernel(World *w) {
    ir_build(&w->b, OP_Return, NULL, 0, NULL, 0);
}

static unsigned num_uses(const IrValue *value) {
    unsigned count = 0;
    for (const IrUse *use = value->uses; use; use = use->next)
        count++;
    return count;
}

Test(ir_build, equal_types_are_equal_pointers) {
    World w;
    world_open(&w);
    IrContext *ctx = w.module->ctx;
    int64_t shape[] = {128, 64}, other[] = {64, 128};
    const IrType *tile = ir_type_tile(ctx, w.f32, shape, 2);
    cr_assert_eq(tile, ir_type_tile(ctx, w.f32, shape, 2));
    cr_assert_neq(tile, ir_type_tile(ctx, w.f32, other, 2));
    cr_assert_neq(tile, ir_type_desc(ctx, w.f32, shape, 2));
    cr_assert_neq(tile, ir_type_tile(ctx, w.i32, shape, 2));
    cr_assert_eq(ir_type_ptr(ctx, w.f32), ir_type_ptr(ctx, w.f32));
    StrBuf text = STRBUF(w.arena);
    ir_type_print(ir_type_tile(ctx, ir_type_ptr(ctx, w.f32), shape, 2), &text);
    cr_assert_str_eq(strbuf_str(&text), "tile<128x64xptr<f32>>");
    arena_destroy(w.arena);
}

Test(ir_build, use_lists_follow_every_change) {
    World w;
    world_open(&w);
    IrValue *two = ir_const_int(&w.b, w.i32, 2);
    IrValue *y = ir_binary(&w.b, OP_MulI, w.x, two), *z = ir_binary(&w.b, OP_AddI, y, y);
    finish_kernel(&w);
    cr_assert(verify(&w));
    cr_assert_eq(num_uses(y), 2);
    ir_replace_uses(y, w.x);
    cr_assert_eq(num_uses(y), 0);
    cr_assert_eq(num_uses(w.x), 3);
    ir_op_erase(y->def);
    cr_assert_eq(num_uses(w.x), 2);
    cr_assert_eq(num_uses(two), 0);
    ir_set_operand(z->def, 1, two);
    ir_truncate_operands(z->def, 1);
    cr_assert_eq(num_uses(two), 0);
    cr_assert_not(verify(&w), "addi lacks an operand");
    arena_destroy(w.arena);
}

Test(ir_build, verifier_sees_broken_links) {
    World w;
    world_open(&w);
    IrValue *y = ir_binary(&w.b, OP_AddI, w.x, w.x);
    finish_kernel(&w);
    cr_assert(verify(&w));
    y->def->operands[0].index = 1;
    cr_assert_not(verify(&w));
    cr_assert_eq(diags_at(w.diags, 0)->id, DIAG_IR_CORRUPT); /* TK0425 */
    y->def->operands[0].index = 0;
    y->def->block = NULL;
    cr_assert_not(verify(&w));
    arena_destroy(w.arena);
}

Test(ir_build, verifier_sees_use_before_definition) {
    World w;
    world_open(&w);
    IrValue *y = ir_binary(&w.b, OP_AddI, w.x, w.x);
    IrValue *z = ir_binary(&w.b, OP_AddI, y, w.x);
    finish_kernel(&w);
    cr_assert(verify(&w));
    ir_op_move_before(z->def, y->def);
    cr_assert_not(verify(&w));
    cr_assert_eq(diags_at(w.diags, 0)->id, DIAG_IR_DOMINANCE);
    arena_destroy(w.arena);
}

Test(ir_build, every_number_reads_back_as_itself) {
    World w;
    world_open(&w);
    for (int kind = TY_I1; kind <= TY_F64; kind++) {
        const IrType *type = ir_type_scalar(w.module->ctx, (IrTypeKind)kind);
        uint64_t step = ir_bits(type) <= 16 ? 1 : ir_bit_mask(ir_bits(type)) / 4099;
        for (uint64_t i = 0; i < 65536 && i <= ir_bit_mask(ir_bits(type)) / step; i++) {
            uint64_t bits = i * step, back;
            ArenaMark mark = arena_mark(w.arena);
            StrBuf text = STRBUF(w.arena);
            ir_number_print(type, bits, &text);
            cr_assert(ir_number_parse(type, strbuf_str(&text), &back), "%s", strbuf_str(&text));
            cr_assert_eq(back, bits, "%s: %jx, not %jx", strbuf_str(&text), (uintmax_t)back,
                         (uintmax_t)bits);
            arena_reset(w.arena, mark);
        }
    }
    arena_destroy(w.arena);
}
