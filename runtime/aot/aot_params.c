/* aot_params.c -- what specialisations know of their parameters, and what they have in common.
 *
 *     add(x_ptr, n, BLOCK: tl.constexpr)      x_ptr              n             BLOCK
 *     "*fp32:16, i32:16, 512"                 POINTER, 16        INTEGER, 16   CONSTANT 512
 *     "*fp32, 1, 512"                         POINTER            ONE           CONSTANT 512
 *     member of the arguments                 tkc_ptr x_ptr      int32_t n     none
 *
 * These two fit together: a launch with n == 1 may take the second, others the first if both are
 * divisible by 16.
 */
#include <string.h>

#include "runtime/aot/aot_internal.h"

enum { DIVISIBLE = 16 };

/* ---- from signatures ------------------------------------------------------------------------- */

typedef struct Flattening {
    PyCtx *py;
    Arena *arena;
    AotParams params;
} Flattening;

/* `name: tl.constexpr` */
static bool is_constexpr(const Arg *parameter) {
    const Expr *annotation = parameter->annotation;
    if (annotation == NULL)
        return false;
    if (annotation->kind == EXPR_ATTRIBUTE)
        return str_eq(annotation->u.attribute.attr, "constexpr");
    return annotation->kind == EXPR_NAME && str_eq(annotation->u.name.id, "constexpr");
}

static AotParam constant_param(PyValue value, bool is_declared) {
    AotParam param = {.kind = AOT_CONSTANT, .dtype = DT_I32};
    int64_t number;
    if (value.tag == PY_NONE_TAG && !is_declared) {
        param.kind = AOT_NULL;
    } else if (py_is_int(value) && py_to_i64(value, &number)) {
        param.kind = number == 1 && !is_declared ? AOT_ONE : AOT_CONSTANT;
        param.is_number = true;
        param.number = number;
    }
    return param;
}

static void flatten(Flattening *f, const SpecParam *spec, const char *name, bool is_declared) {
    AotParam param = {.dtype = spec->dtype, .divisible16 = spec->divisible16, .rank = spec->rank};
    switch (spec->kind) {
    case SPEC_TUPLE:
        for (size_t i = 0; i < spec->num_items; i++)
            flatten(f, &spec->items[i], arena_printf(f->arena, "%s.%zu", name, i), is_declared);
        return;
    case SPEC_CONSTEXPR:
        param = constant_param(spec->value, is_declared);
        break;
    case SPEC_SCALAR:
        param.kind = dtype_is_float(spec->dtype) ? AOT_FLOAT : AOT_INTEGER;
        break;
    case SPEC_POINTER:
        param.kind = AOT_POINTER;
        break;
    case SPEC_DESC:
        param.kind = AOT_DESCRIPTOR;
        break;
    }
    StrBuf text = STRBUF(f->arena);
    spec_signature_text(f->py, spec, 1, &text);
    param.name = name;
    param.text = strbuf_str(&text);
    vec_push(f->arena, &f->params, param);
}

/* ---- from the IR of a fused kernel ----------------------------------------------------------- */

static DType dtype_of(const IrType *type) {
    static const DType dtypes[] = {
        [TY_I1] = DT_BOOL,   [TY_I8] = DT_I8,         [TY_I16] = DT_I16,       [TY_I32] = DT_I32,
        [TY_I64] = DT_I64,   [TY_F8E4M3] = DT_F8E4M3, [TY_F8E5M2] = DT_F8E5M2, [TY_F16] = DT_F16,
        [TY_BF16] = DT_BF16, [TY_F32] = DT_F32,       [TY_F64] = DT_F64,
    };
    return type->kind <= TY_F64 ? dtypes[type->kind] : DT_I64;
}

static AotParam param_of_ir(Arena *arena, const IrParam *from) {
    const IrType *type = from->value->type;
    const IrHints *hints = from->value->hints;
    bool nested = type->kind == TY_PTR || type->kind == TY_DESC;
    AotParam param = {
        .name = from->name,
        .kind = type->kind == TY_PTR    ? AOT_POINTER
                : type->kind == TY_DESC ? AOT_DESCRIPTOR
                : ir_is_float(type)     ? AOT_FLOAT
                                        : AOT_INTEGER,
        .dtype = dtype_of(nested ? type->elem : type),
        .divisible16 =
            hints != NULL && hints->divisibility[0] % DIVISIBLE == 0 && hints->divisibility[0] > 0,
        .rank = type->kind == TY_DESC ? type->rank : 0,
    };
    StrBuf text = STRBUF(arena);
    ir_type_print(type, &text);
    param.text = arena_printf(arena, "%s%s", strbuf_str(&text), param.divisible16 ? ":16" : "");
    return param;
}

AotParams aot_params(PyCtx *py, Arena *arena, const AotSource *source) {
    Flattening f = {.py = py, .arena = arena};
    if (source->fn == NULL) {
        for (size_t i = 0; i < source->kernel->params.len; i++)
            vec_push(arena, &f.params, param_of_ir(arena, &source->kernel->params.data[i]));
        return f.params;
    }
    for (size_t i = 0; i < source->fn->num_params; i++) {
        const Arg *parameter = jit_param(source->fn->def, i);
        flatten(&f, &source->params[i], parameter->name, is_constexpr(parameter));
    }
    return f.params;
}

/* ---- what fits together ---------------------------------------------------------------------- */

static bool is_integer(const AotParam *p) {
    return p->kind == AOT_INTEGER || p->kind == AOT_ONE;
}

static bool is_pointer(const AotParam *p) {
    return p->kind == AOT_POINTER || p->kind == AOT_NULL;
}

static bool params_fit(const AotParam *a, const AotParam *b) {
    if (!str_eq(a->name, b->name))
        return false;
    if (is_integer(a) && is_integer(b))
        return a->kind != b->kind || dtype_infos[a->dtype].kind == dtype_infos[b->dtype].kind;
    if (is_pointer(a) && is_pointer(b))
        return a->kind != b->kind || a->kind == AOT_NULL || a->dtype == b->dtype;
    return a->kind == b->kind && str_eq(a->text, b->text);
}

bool aot_fit_together(const AotVariant *a, const AotVariant *b) {
    if (a->fn != b->fn || a->kernel->num_warps != b->kernel->num_warps ||
        a->kernel->num_stages != b->kernel->num_stages || a->params.len != b->params.len ||
        !str_eq(a->kernel->name, b->kernel->name))
        return false;
    for (size_t i = 0; i < a->params.len; i++)
        if (!params_fit(&a->params.data[i], &b->params.data[i]))
            return false;
    return true;
}

/* ---- members of the arguments ---------------------------------------------------------------- */

const char *aot_c_type(AotParamKind kind, DType dtype) {
    static const char *const types[DT_COUNT] = {
        [DT_BOOL] = "uint8_t",   [DT_I8] = "int8_t",      [DT_I16] = "int16_t",
        [DT_I32] = "int32_t",    [DT_I64] = "int64_t",    [DT_U8] = "uint8_t",
        [DT_U16] = "uint16_t",   [DT_U32] = "uint32_t",   [DT_U64] = "uint64_t",
        [DT_F8E4M3] = "uint8_t", [DT_F8E5M2] = "uint8_t", [DT_F16] = "uint16_t",
        [DT_BF16] = "uint16_t",  [DT_F32] = "float",      [DT_F64] = "double",
    };
    return kind == AOT_POINTER || kind == AOT_DESCRIPTOR ? "tkc_ptr" : types[dtype];
}

bool aot_is_name(const char *text) {
    for (const char *c = text; *c != '\0'; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_';
        if (!letter && (c == text || *c < '0' || *c > '9'))
            return false;
    }
    return *text != '\0';
}

const char *aot_c_name(Arena *arena, const char *text) {
    StrBuf name = STRBUF(arena);
    for (const char *c = text; *c != '\0'; c++) {
        char one[2] = {*c, '\0'};
        if (*c == '.')
            strbuf_putc(&name, '_');
        else if (aot_is_name(one) || (c > text && *c >= '0' && *c <= '9'))
            strbuf_putc(&name, *c);
        else
            strbuf_printf(&name, "x%02x", (unsigned)(unsigned char)*c);
    }
    return strbuf_str(&name);
}

/* Words that are no names of members in C or C++. */
static bool is_keyword(const char *word) {
    static const char words[] =
        " NULL alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t "
        "char16_t "
        "char32_t class co_await co_return co_yield compl concept const const_cast consteval "
        "constexpr constinit continue decltype default delete do double dynamic_cast else enum "
        "explicit export extern false float for friend goto if inline int long mutable namespace "
        "new "
        "noexcept not not_eq nullptr operator or or_eq private protected public register "
        "reinterpret_cast requires restrict return short signed sizeof static static_assert "
        "static_cast struct switch template this thread_local throw true try typedef typeid "
        "typename "
        "union unsigned using virtual void volatile wchar_t while xor xor_eq ";
    const char *at = words;
    size_t len = strlen(word);
    while ((at = strstr(at + 1, word)) != NULL)
        if (at[-1] == ' ' && at[len] == ' ')
            return true;
    return false;
}

static const char *member_name(Arena *arena, const AotKernel *kernel, size_t index) {
    const char *name = aot_c_name(arena, kernel->variants.data[0]->params.data[index].name);
    if (is_keyword(name))
        name = arena_printf(arena, "%s_", name);
    for (size_t i = 0; i < index; i++)
        if (kernel->fields[i].name != NULL && str_eq(kernel->fields[i].name, name)) {
            name = arena_printf(arena, "%s_", name);
            i = (size_t)-1; /* from the start */
        }
    return name;
}

static AotField make_field(Arena *arena, const AotKernel *kernel, size_t index) {
    AotField field = {.kind = AOT_CONSTANT, .dtype = DT_BOOL};
    for (size_t v = 0; v < kernel->variants.len; v++) {
        const AotParam *param = &kernel->variants.data[v]->params.data[index];
        if (param->kind == AOT_NULL || param->kind == AOT_CONSTANT) {
            field.may_be_null |= param->kind == AOT_NULL;
            field.any = field.any == NULL ? param : field.any;
            continue;
        }
        bool first = field.kind == AOT_CONSTANT || field.kind == AOT_ONE;
        if (first || param->kind != AOT_ONE) {
            field.dtype = first || dtype_size(param->dtype) > dtype_size(field.dtype) ? param->dtype
                                                                                      : field.dtype;
            field.kind = param->kind;
            field.any = param;
        }
    }
    if (field.kind != AOT_CONSTANT)
        field.name = member_name(arena, kernel, index);
    if (field.kind == AOT_ONE) /* in all of them */
        field.kind = AOT_INTEGER;
    return field;
}

/* How much a variant wants to know of its arguments. */
static size_t demands(const AotVariant *variant) {
    size_t count = 0;
    for (size_t i = 0; i < variant->params.len; i++) {
        const AotParam *param = &variant->params.data[i];
        count += param->kind == AOT_NULL || param->kind == AOT_ONE ? 2 : param->divisible16;
    }
    return count;
}

void aot_make_fields(Arena *arena, AotKernel *kernel) {
    for (size_t i = 1; i < kernel->variants.len; i++) {
        AotVariant *variant = kernel->variants.data[i];
        size_t to = i;
        for (; to > 0 && demands(kernel->variants.data[to - 1]) < demands(variant); to--)
            kernel->variants.data[to] = kernel->variants.data[to - 1];
        kernel->variants.data[to] = variant;
    }
    kernel->num_fields = kernel->variants.data[0]->params.len;
    kernel->fields = ARENA_ARRAY(arena, AotField, kernel->num_fields + 1);
    for (size_t i = 0; i < kernel->num_fields; i++)
        kernel->fields[i] = make_field(arena, kernel, i);
}

/* ---- what a variant refuses ------------------------------------------------------------------ */

/* The condition on which a wide integer does not fit the variant's narrow one. */
static const char *overflow_condition(Arena *arena, const char *name, const AotField *field,
                                      const AotParam *param) {
    const char *type = aot_c_type(AOT_INTEGER, param->dtype);
    if (dtype_size(param->dtype) >= dtype_size(field->dtype))
        return NULL;
    return arena_printf(arena, "args->%s != (%s)args->%s", name, type, name);
}

void aot_refusals(Arena *arena, const AotKernel *kernel, const AotVariant *variant,
                  AotPutRefusal put, void *data) {
    for (size_t i = 0; i < kernel->num_fields; i++) {
        const AotField *field = &kernel->fields[i];
        const AotParam *param = &variant->params.data[i];
        const char *name = field->name;
        if (name == NULL)
            continue;
        if (param->kind == AOT_NULL)
            put(data, arena_printf(arena, "args->%s != 0", name),
                arena_printf(arena, "%s must be 0: there is no such tensor", name));
        if (param->kind == AOT_ONE)
            put(data, arena_printf(arena, "args->%s != 1", name),
                arena_printf(arena, "%s must be 1", name));
        if (param->kind == AOT_POINTER && field->may_be_null)
            put(data, arena_printf(arena, "args->%s == 0", name),
                arena_printf(arena, "%s must not be 0", name));
        const char *overflow =
            param->kind == AOT_INTEGER ? overflow_condition(arena, name, field, param) : NULL;
        if (overflow != NULL)
            put(data, overflow,
                arena_printf(arena, "%s must fit %zu bits", name, 8 * dtype_size(param->dtype)));
        if (param->divisible16 && (param->kind == AOT_POINTER || param->kind == AOT_INTEGER))
            put(data, arena_printf(arena, "args->%s %% %d != 0", name, DIVISIBLE),
                arena_printf(arena, "%s must be a multiple of %d", name, DIVISIBLE));
    }
}
