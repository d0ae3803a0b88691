/* spec_infer.c -- a signature for a kernel that nobody launches (`tkc check`).
 *
 * From annotations, defaults, and how each parameter is used: a parameter annotated tl.constexpr
 * (or used in a shape) is a constexpr, one inside the address of a load or store is a pointer,
 * others are integers. Which part of an address is the pointer is decided by names first
 * (`..._ptr`, `...Ptr`, a capital letter), then by being the leftmost term. Without a default a
 * constexpr gets a value that most kernels compile with: 64 for sizes, True for flags. Example: in
 * `tl.load(x_ptr + pid * BLOCK + offs, mask=offs < n)` x_ptr is *fp32 and n i32.
 */
#include "frontend/spec.h"

#include <ctype.h>
#include <string.h>

typedef struct Guess {
    const JitFn *fn;
    bool *is_pointer, *is_size;
    Sym *alias_name; /* local names that stand for a parameter's address: p = x_ptr + offs */
    size_t *alias_param;
    size_t num_aliases, max_aliases;
} Guess;

#define NO_PARAM ((size_t)-1)

static size_t find_param(const Guess *g, Sym name) {
    for (size_t i = 0; i < g->fn->num_params; i++)
        if (spec_parameter(g->fn->def, i)->name == name)
            return i;
    for (size_t i = g->num_aliases; i-- > 0;)
        if (g->alias_name[i] == name)
            return g->alias_param[i];
    return NO_PARAM;
}

/* "x_ptr", "ptr_x", "XPtr", "Ptrs": names that people give to pointers. */
static bool looks_like_pointer(const char *name) {
    return strstr(name, "ptr") || strstr(name, "Ptr") || strstr(name, "PTR") ||
           strstr(name, "pointer");
}

static bool looks_like_number(const char *name) {
    static const char *const words[] = {"stride", "n_", "num_", "size", "len", "eps",  "scale",
                                        "seed",   "N_", "NUM",  "dim",  "idx", "offs", "BLOCK"};
    for (size_t i = 0; i < TK_COUNTOF(words); i++)
        if (strstr(name, words[i]))
            return true;
    return false;
}

/* The parameter that is the base of an address expression. */
static size_t base_param(const Guess *g, const Expr *e) {
    if (e->kind == EXPR_NAME)
        return find_param(g, e->u.name.id);
    if (e->kind == EXPR_SUBSCRIPT)
        return base_param(g, e->u.subscript.value);
    if (e->kind != EXPR_BINOP || (e->u.binop.op != BIN_ADD && e->u.binop.op != BIN_SUB))
        return NO_PARAM;
    size_t left = base_param(g, e->u.binop.left);
    size_t right = base_param(g, e->u.binop.right);
    if (left == NO_PARAM || right == NO_PARAM)
        return left != NO_PARAM ? left : right;
    const char *name = spec_parameter(g->fn->def, left)->name;
    const char *other = spec_parameter(g->fn->def, right)->name;
    bool swap = (looks_like_pointer(other) && !looks_like_pointer(name)) ||
                (looks_like_number(name) && !looks_like_number(other));
    return swap ? right : left;
}

/* "labels", "block_table": what such pointers lead to are integers. */
static DType likely_element(const char *name) {
    static const char *const words[] = {"idx",     "index",  "indices", "_ids",   "label",
                                        "target",  "seqlen", "offset",  "length", "table",
                                        "mapping", "indptr", "lock",    "count"};
    for (size_t i = 0; i < TK_COUNTOF(words); i++)
        if (strstr(name, words[i]))
            return DT_I32;
    return DT_F32;
}

static const char *callee_name(const Expr *call) {
    const Expr *func = call->u.call.func;
    return func->kind == EXPR_ATTRIBUTE ? func->u.attribute.attr
           : func->kind == EXPR_NAME    ? func->u.name.id
                                        : "";
}

static void look_at(Guess *g, const Expr *e);

static void look_at_list(Guess *g, ExprList list) {
    for (size_t i = 0; i < list.len; i++)
        look_at(g, list.items[i]);
}

/* Parameters anywhere inside `e` are sizes. */
static void mark_sizes(Guess *g, const Expr *e) {
    if (e->kind == EXPR_NAME) {
        size_t i = find_param(g, e->u.name.id);
        if (i != NO_PARAM)
            g->is_size[i] = true;
    } else if (e->kind == EXPR_BINOP) {
        mark_sizes(g, e->u.binop.left);
        mark_sizes(g, e->u.binop.right);
    } else if (e->kind == EXPR_TUPLE || e->kind == EXPR_LIST) {
        for (size_t i = 0; i < e->u.seq.elts.len; i++)
            mark_sizes(g, e->u.seq.elts.items[i]);
    }
}

static void look_at_call(Guess *g, const Expr *e) {
    const char *name = callee_name(e);
    ExprList args = e->u.call.args;
    bool is_memory = str_eq(name, "load") || str_eq(name, "store") || str_starts(name, "atomic_") ||
                     str_eq(name, "make_block_ptr") || str_eq(name, "make_tensor_descriptor");
    bool is_shape = str_eq(name, "arange") || str_eq(name, "zeros") || str_eq(name, "full") ||
                    str_eq(name, "static_range");
    const Expr *first = args.len > 0 ? args.items[0] : NULL;
    for (size_t i = 0; i < e->u.call.keywords.len && !first; i++) {
        const Keyword *k = &e->u.call.keywords.items[i];
        if (k->name && (str_eq(k->name, "base") || str_eq(k->name, "pointer")))
            first = k->value;
    }
    size_t param = is_memory && first ? base_param(g, first) : NO_PARAM;
    if (param != NO_PARAM)
        g->is_pointer[param] = true;
    for (size_t i = 0; i < args.len && is_shape; i++)
        mark_sizes(g, args.items[i]);
    look_at(g, e->u.call.func);
    look_at_list(g, args);
    for (size_t i = 0; i < e->u.call.keywords.len; i++)
        look_at(g, e->u.call.keywords.items[i].value);
}

static void look_at(Guess *g, const Expr *e) {
    switch ((int)e->kind) {
    case EXPR_CALL:
        look_at_call(g, e);
        break;
    case EXPR_BINOP:
        look_at(g, e->u.binop.left);
        look_at(g, e->u.binop.right);
        break;
    case EXPR_COMPARE:
        look_at(g, e->u.compare.left);
        look_at_list(g, e->u.compare.comparators);
        break;
    case EXPR_BOOLOP:
        look_at_list(g, e->u.boolop.values);
        break;
    case EXPR_UNARYOP:
        look_at(g, e->u.unaryop.operand);
        break;
    case EXPR_IFEXP:
        look_at(g, e->u.ifexp.test);
        look_at(g, e->u.ifexp.body);
        look_at(g, e->u.ifexp.orelse);
        break;
    case EXPR_TUPLE:
    case EXPR_LIST:
        look_at_list(g, e->u.seq.elts);
        break;
    case EXPR_ATTRIBUTE:
        look_at(g, e->u.attribute.value);
        break;
    case EXPR_SUBSCRIPT:
        look_at(g, e->u.subscript.value);
        break;
    default:
        break;
    }
}

static void add_alias(Guess *g, const Expr *target, const Expr *value) {
    size_t param = value->kind == EXPR_CALL ? NO_PARAM : base_param(g, value);
    if (target->kind != EXPR_NAME || param == NO_PARAM || g->num_aliases == g->max_aliases)
        return;
    g->alias_name[g->num_aliases] = target->u.name.id;
    g->alias_param[g->num_aliases++] = param;
}

static void look_at_body(Guess *g, StmtList body) {
    for (size_t i = 0; i < body.len; i++) {
        const Stmt *stmt = body.items[i];
        switch ((int)stmt->kind) {
        case STMT_ASSIGN:
            add_alias(g, stmt->u.assign.targets.items[0], stmt->u.assign.value);
            look_at(g, stmt->u.assign.value);
            break;
        case STMT_AUG_ASSIGN:
            look_at(g, stmt->u.aug_assign.value);
            break;
        case STMT_ANN_ASSIGN:
            if (stmt->u.ann_assign.value)
                look_at(g, stmt->u.ann_assign.value);
            break;
        case STMT_EXPR:
        case STMT_RETURN:
            if (stmt->u.ret.value)
                look_at(g, stmt->u.ret.value);
            break;
        case STMT_FOR:
            look_at(g, stmt->u.for_.iter);
            look_at_body(g, stmt->u.for_.body);
            break;
        case STMT_WHILE:
        case STMT_IF:
            look_at(g, stmt->u.while_.test);
            look_at_body(g, stmt->u.while_.body);
            look_at_body(g, stmt->u.while_.orelse);
            break;
        default:
            break;
        }
    }
}

/* The last word of an annotation: "constexpr" of tl.constexpr; a string's text. */
static const char *annotation_word(const Expr *annotation) {
    if (!annotation)
        return "";
    if (annotation->kind == EXPR_ATTRIBUTE)
        return annotation->u.attribute.attr;
    if (annotation->kind == EXPR_NAME)
        return annotation->u.name.id;
    if (annotation->kind == EXPR_CONSTANT && annotation->u.constant.kind == CONST_STR)
        return annotation->u.constant.text;
    return "";
}

static PyValue likely_constexpr(const char *name, bool is_size) {
    static const char *const flags[] = {"IS_",  "HAS_", "USE_",   "is_",
                                        "has_", "use_", "CAUSAL", "ALLOW"};
    for (size_t i = 0; i < TK_COUNTOF(flags) && !is_size; i++)
        if (strstr(name, flags[i]))
            return py_bool(true);
    return py_int(64);
}

static bool is_constexpr_name(const char *name) {
    bool letters = false;
    for (const char *p = name; *p; p++) {
        if (islower((unsigned char)*p))
            return false;
        letters |= isupper((unsigned char)*p) != 0;
    }
    return letters && strlen(name) > 1;
}

static SpecParam guess_param(const Guess *g, size_t i) {
    const Arg *arg = spec_parameter(g->fn->def, i);
    const char *word = annotation_word(arg->annotation);
    PyValue value = g->fn->defaults ? g->fn->defaults[i] : PY_FAIL;
    bool has_default = !py_failed(value);
    bool is_const = str_eq(word, "const") || str_starts(word, "*k");
    DType pointee = *word == '*' ? dtype_from_name(word + (is_const ? 2 : 1)) : DT_COUNT;
    if (pointee != DT_COUNT)
        return (SpecParam){.kind = SPEC_POINTER, .dtype = pointee, .is_const = is_const};
    if (dtype_from_name(word) != DT_COUNT)
        return (SpecParam){.kind = SPEC_SCALAR, .dtype = dtype_from_name(word)};
    bool is_constexpr = str_eq(word, "constexpr") || g->is_size[i] ||
                        (is_constexpr_name(arg->name) && !g->is_pointer[i] && has_default);
    if (is_constexpr || has_default) {
        if (!has_default)
            value = likely_constexpr(arg->name, g->is_size[i]);
        return (SpecParam){.kind = SPEC_CONSTEXPR, .value = py_unwrap_constexpr(value)};
    }
    if (g->is_pointer[i] || is_const || looks_like_pointer(arg->name))
        return (SpecParam){
            .kind = SPEC_POINTER, .dtype = likely_element(arg->name), .is_const = is_const};
    bool is_float = strstr(arg->name, "eps") || strstr(arg->name, "scale") ||
                    strstr(arg->name, "alpha") || strstr(arg->name, "beta") ||
                    strstr(arg->name, "lr");
    return (SpecParam){.kind = SPEC_SCALAR, .dtype = is_float ? DT_F32 : DT_I32};
}

/* ---- trying ---------------------------------------------------------------------------------- */

/* Mistakes that a wrong guess makes: a number where a pointer should be, a float for an index. */
static bool may_be_the_guess(DiagId id) {
    switch ((int)id) {
    case DIAG_KERNEL_OPERANDS:
    case DIAG_KERNEL_UNEXPECTED_TYPE:
    case DIAG_KERNEL_LOOP_BOUNDS:
    case DIAG_KERNEL_NOT_A_TENSOR:
    case DIAG_BUILTIN_ARGUMENT:
    case DIAG_BUILTIN_NOT_CONSTEXPR:
    case DIAG_BUILTIN_PTR_TYPE:
        return true;
    default:
        return false;
    }
}

typedef struct Score {
    size_t guesses, errors; /* errors that may come from a wrong guess, and all */
    uint32_t first;         /* where the first of all is */
} Score;

/* Compiles for these parameters and throws everything away but the number of errors. */
static Score score(PyCtx *py, const JitFn *fn, const SpecParam *params) {
    Score out = {.first = UINT32_MAX};
    size_t before = diags_len(py->diags);
    Arena *arena = arena_create(py->oom);
    SpecOptions options = SPEC_OPTIONS_DEFAULT;
    specialise(py, ir_context_create(arena), arena, fn, params, &options);
    for (size_t i = before; i < diags_len(py->diags); i++) {
        const Diag *d = diags_at(py->diags, i);
        if (d->severity < SEV_ERROR)
            continue;
        out.errors++;
        out.guesses += may_be_the_guess(d->id);
        out.first = d->range.lo < out.first ? d->range.lo : out.first;
    }
    diags_truncate(py->diags, before);
    arena_destroy(arena);
    return out;
}

/* What a parameter might be instead of what was guessed. */
static size_t alternatives(const SpecParam *p, bool pinned, SpecParam out[4]) {
    static const SpecParam pointer = {.kind = SPEC_POINTER, .dtype = DT_F32};
    static const SpecParam indices = {.kind = SPEC_POINTER, .dtype = DT_I32};
    static const SpecParam number = {.kind = SPEC_SCALAR, .dtype = DT_I32};
    static const SpecParam real = {.kind = SPEC_SCALAR, .dtype = DT_F32};
    SpecParam size = {.kind = SPEC_CONSTEXPR, .value = py_int(64)};
    SpecParam dtype = {.kind = SPEC_CONSTEXPR, .value = py_dtype(DT_F32)};
    SpecParam none = {.kind = SPEC_CONSTEXPR, .value = PY_NONE};
    size_t count = 0;
    if (p->kind == SPEC_POINTER) {
        out[count++] = p->dtype == DT_F32 ? indices : pointer;
        out[count++] = number;
    } else if (p->kind == SPEC_SCALAR) {
        out[count++] = pointer;
        out[count++] = p->dtype == DT_F32 ? number : real;
        out[count++] = indices;
        out[count++] = size;
    } else if (p->kind == SPEC_CONSTEXPR) {
        out[count++] = dtype;
        out[count++] = p->value.tag == PY_NONE_TAG ? size : none;
        if (!pinned)
            out[count++] = pointer;
    }
    return count;
}

#define MAX_TRIALS 200

/* Fewer errors that a guess may have made, and none before the first one there was: that would only
 * hide those behind it. */
static bool is_better(Score now, Score best) {
    return now.guesses < best.guesses && now.errors < best.errors && now.first >= best.first;
}

/* May the parameter be changed? What has an annotation or a default keeps it. */
static bool is_open(const JitFn *fn, size_t i, bool *pinned) {
    const char *word = annotation_word(spec_parameter(fn->def, i)->annotation);
    *pinned = str_eq(word, "constexpr");
    return (*word == '\0' || *pinned) && !(fn->defaults && !py_failed(fn->defaults[i]));
}

/* Makes the change of one parameter that is best, of all that are better; false: none is. The first
 * that is better would not do: a pointer taken for a number hides the mistakes behind it. */
static bool improve(PyCtx *py, const JitFn *fn, SpecParam *params, Score *best, size_t *trials) {
    size_t changed = fn->num_params;
    SpecParam to = {.kind = SPEC_SCALAR};
    for (size_t i = 0; i < fn->num_params && best->guesses > 0; i++) {
        bool pinned;
        if (!is_open(fn, i, &pinned))
            continue;
        SpecParam kept = params[i], other[4];
        size_t count = alternatives(&kept, pinned, other);
        for (size_t k = 0; k < count && *trials < MAX_TRIALS; k++, ++*trials) {
            params[i] = other[k];
            Score now = score(py, fn, params);
            if (is_better(now, *best)) {
                *best = now;
                changed = i;
                to = other[k];
            }
        }
        params[i] = kept;
    }
    if (changed < fn->num_params)
        params[changed] = to;
    return changed < fn->num_params;
}

static void refine(PyCtx *py, const JitFn *fn, SpecParam *params) {
    Score best = score(py, fn, params);
    size_t trials = 0;
    while (best.guesses > 0 && improve(py, fn, params, &best, &trials))
        ;
}

SpecParam *spec_infer_signature(PyCtx *py, Arena *arena, const JitFn *fn) {
    if (fn->def->params.vararg || fn->def->params.kwarg)
        return NULL;
    Guess g = {.fn = fn, .max_aliases = 256};
    g.is_pointer = ARENA_ARRAY(arena, bool, fn->num_params + 1);
    g.is_size = ARENA_ARRAY(arena, bool, fn->num_params + 1);
    g.alias_name = ARENA_ARRAY(arena, Sym, g.max_aliases);
    g.alias_param = ARENA_ARRAY(arena, size_t, g.max_aliases);
    look_at_body(&g, fn->def->body);
    SpecParam *params = ARENA_ARRAY(arena, SpecParam, fn->num_params + 1);
    for (size_t i = 0; i < fn->num_params; i++)
        params[i] = guess_param(&g, i);
    refine(py, fn, params);
    return params;
}
