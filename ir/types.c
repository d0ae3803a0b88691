/* types.c -- the types of tile IR, interned: equal types are equal pointers.
 *
 * Every type is looked up by its bytes in one map per context, so comparing types is comparing
 * pointers, and a type costs memory once. Example: ir_type_tile(ctx, f32, {128, 64}, 2) returns the
 * same pointer however often it is asked for, and prints as tile<128x64xf32>.
 */
#include "ir/ir.h"

#include <assert.h>
#include <inttypes.h>

struct IrContext {
    Arena *arena;
    StrTab *names;
    Map types;   /* the bytes of an IrType -> the interned one */
    Map layouts; /* the bytes of a canonical layout -> the interned one */
    const IrType *scalars[TY_F64 + 1];
};

typedef struct ScalarInfo {
    const char *name;
    unsigned bits;
} ScalarInfo;

static const ScalarInfo scalar_infos[TY_F64 + 1] = {
    [TY_I1] = {"i1", 1},         [TY_I8] = {"i8", 8},    [TY_I16] = {"i16", 16},
    [TY_I32] = {"i32", 32},      [TY_I64] = {"i64", 64}, [TY_F8E4M3] = {"f8e4m3", 8},
    [TY_F8E5M2] = {"f8e5m2", 8}, [TY_F16] = {"f16", 16}, [TY_BF16] = {"bf16", 16},
    [TY_F32] = {"f32", 32},      [TY_F64] = {"f64", 64},
};

/* The map's key: an IrType without padding, so that equal types have equal bytes. */
typedef struct TypeKey {
    uint64_t kind, rank;
    const IrType *elem;
    int64_t shape[IR_MAX_RANK];
    const Layout *layout;
} TypeKey;

static const IrType *intern_laid(IrContext *ctx, IrTypeKind kind, const IrType *elem,
                                 const int64_t *shape, unsigned rank, const Layout *layout) {
    assert(rank <= IR_MAX_RANK);
    TypeKey key = {.kind = (uint64_t)kind, .rank = rank, .elem = elem, .layout = layout};
    for (unsigned i = 0; i < rank; i++)
        key.shape[i] = shape[i];
    IrType *type = map_getn(&ctx->types, &key, sizeof key);
    if (!type) {
        type = ARENA_NEW(ctx->arena, IrType);
        type->kind = kind;
        type->rank = rank;
        type->elem = elem;
        type->layout = layout;
        for (unsigned i = 0; i < rank; i++)
            type->shape[i] = shape[i];
        map_setn(&ctx->types, &key, sizeof key, type);
    }
    return type;
}

static const IrType *intern(IrContext *ctx, IrTypeKind kind, const IrType *elem,
                            const int64_t *shape, unsigned rank) {
    return intern_laid(ctx, kind, elem, shape, rank, NULL);
}

IrContext *ir_context_create(Arena *arena) {
    IrContext *ctx = ARENA_NEW(arena, IrContext);
    ctx->arena = arena;
    ctx->names = strtab_create(arena);
    map_init_str(&ctx->types, arena);
    map_init_str(&ctx->layouts, arena);
    for (int kind = TY_I1; kind <= TY_F64; kind++)
        ctx->scalars[kind] = intern(ctx, (IrTypeKind)kind, NULL, NULL, 0);
    return ctx;
}

StrTab *ir_names(IrContext *ctx) {
    return ctx->names;
}

const IrType *ir_type_scalar(IrContext *ctx, IrTypeKind kind) {
    assert(kind <= TY_F64);
    return ctx->scalars[kind];
}

const IrType *ir_type_ptr(IrContext *ctx, const IrType *elem) {
    return intern(ctx, TY_PTR, elem, NULL, 0);
}

const IrType *ir_type_tile(IrContext *ctx, const IrType *elem, const int64_t *shape,
                           unsigned rank) {
    return intern(ctx, TY_TILE, elem, shape, rank);
}

const IrType *ir_type_desc(IrContext *ctx, const IrType *elem, const int64_t *shape,
                           unsigned rank) {
    return intern(ctx, TY_DESC, elem, shape, rank);
}

const IrType *ir_type_shared(IrContext *ctx, const IrType *elem, const int64_t *shape,
                             unsigned rank, const Layout *layout) {
    return intern_laid(ctx, TY_SHARED, elem, shape, rank, layout);
}

const Layout *ir_layout(IrContext *ctx, const Layout *layout) {
    Layout canonical = layout_canonical(layout);
    Layout *found = map_getn(&ctx->layouts, &canonical, sizeof canonical);
    if (!found) {
        found = arena_memdup(ctx->arena, &canonical, sizeof canonical, _Alignof(Layout));
        map_setn(&ctx->layouts, &canonical, sizeof canonical, found);
    }
    return found;
}

const IrType *ir_type_with_layout(IrContext *ctx, const IrType *type, const Layout *layout) {
    if (!ir_is_tile(type))
        return type;
    return intern_laid(ctx, TY_TILE, type->elem, type->shape, type->rank, layout);
}

const IrType *ir_type_with_elem(IrContext *ctx, const IrType *type, const IrType *elem) {
    if (!ir_is_tile(type))
        return elem;
    return intern_laid(ctx, TY_TILE, elem, type->shape, type->rank, type->layout);
}

const IrType *ir_type_import(IrContext *ctx, const IrType *type) {
    const IrType *elem = type->elem == NULL ? NULL : ir_type_import(ctx, type->elem);
    const Layout *layout = type->layout == NULL ? NULL : ir_layout(ctx, type->layout);
    return intern_laid(ctx, type->kind, elem, type->shape, type->rank, layout);
}

unsigned ir_bits(const IrType *t) {
    const IrType *elem = ir_elem(t);
    return elem->kind <= TY_F64 ? scalar_infos[elem->kind].bits : 64;
}

size_t ir_elem_size(const IrType *t) {
    return (ir_bits(t) + 7) / 8;
}

int64_t ir_numel(const IrType *t) {
    if (t->kind < TY_TILE)
        return 1;
    int64_t numel = 1;
    for (unsigned i = 0; i < t->rank; i++)
        numel *= t->shape[i];
    return numel;
}

bool ir_same_shape(const IrType *a, const IrType *b) {
    if (ir_is_tile(a) != ir_is_tile(b) || a->rank != b->rank)
        return false;
    for (unsigned i = 0; i < a->rank; i++) {
        if (a->shape[i] != b->shape[i])
            return false;
    }
    return true;
}

static bool is_power_of_two(int64_t n) {
    return (n & (n - 1)) == 0;
}

/* From the last dimension on, takes dimensions of either shape until their products agree; within
 * such a group only the first dimension, which has no neighbour above it, may be ragged. */
bool ir_reshape_is_relabeling(const IrType *from, const IrType *to) {
    unsigned i = from->rank, k = to->rank;
    while (i > 0 && k > 0) {
        int64_t a = from->shape[--i], b = to->shape[--k];
        bool ragged_a = !is_power_of_two(a), ragged_b = !is_power_of_two(b);
        while (a != b) {
            bool take_a = a < b;
            if ((take_a ? ragged_a : ragged_b) || (take_a ? i : k) == 0)
                return false;
            int64_t next = take_a ? from->shape[--i] : to->shape[--k];
            *(take_a ? &a : &b) *= next;
            *(take_a ? &ragged_a : &ragged_b) = !is_power_of_two(next);
        }
    }
    return true; /* what is left are dimensions of size 1 */
}

void ir_type_print(const IrType *t, StrBuf *out) {
    if (t->kind <= TY_F64) {
        strbuf_puts(out, scalar_infos[t->kind].name);
        return;
    }
    static const char *const words[] = {
        [TY_PTR] = "ptr<", [TY_TILE] = "tile<", [TY_DESC] = "desc<", [TY_SHARED] = "shared<"};
    strbuf_puts(out, words[t->kind]);
    for (unsigned i = 0; i < t->rank; i++)
        strbuf_printf(out, "%" PRId64 "x", t->shape[i]);
    ir_type_print(t->elem, out);
    if (t->layout) {
        strbuf_puts(out, ", ");
        layout_print(t->layout, out);
    }
    strbuf_putc(out, '>');
}

const char *ir_scalar_name(IrTypeKind kind) {
    assert(kind <= TY_F64);
    return scalar_infos[kind].name;
}
