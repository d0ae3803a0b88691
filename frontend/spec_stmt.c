/* spec_stmt.c -- statements in sequence: assignments, return, and what kernels cannot have.
 *
 * A plain assignment of a compile-time number makes a tensor of it (Triton's rule: `x = 1` is an
 * int32 from then on); `x: tl.constexpr = 1` keeps it. What follows a return is not visited. After
 * a statement that returns on some paths only, the rest runs under the flag that says so
 * (spec_if.c).
 */
#include "frontend/spec.h"

/* ---- assignment ------------------------------------------------------------------------------ */

static void assign_name(Spec *s, const Expr *target, SVal value, bool constant, SrcRange where) {
    Sym name = target->u.name.id;
    const Binding *old = spec_find(&s->frame->scope, name);
    constant |= old && old->constant && old->value.kind == SV_GONE; /* declared before */
    if (old && constant && old->value.kind != SV_GONE) {
        Diag *d = SPEC_ERROR(s, DIAG_KERNEL_CONSTEXPR_REASSIGNED, target->range, name);
        diag_note(d, old->where, "`%s` is defined here", name);
        spec_bind(s, name, SVAL_ERROR, target->range);
        return;
    }
    if (!constant && !sv_is_error(value)) {
        bool opaque = value.kind == SV_CONST && py_is_str(value.u.py);
        if (opaque || value.kind == SV_RANGE || value.kind == SV_SLICE)
            value = spec_to_tensor(s, value, where); /* reports it */
        else
            value = spec_decay(s, value, where);
    }
    spec_bind(s, name, value, target->range);
    spec_find(&s->frame->scope, name)->constant = constant;
}

static void assign_tuple(Spec *s, const Expr *target, SVal value, bool constant, SrcRange where) {
    ExprList elts = target->u.seq.elts;
    bool fits = value.kind == SV_TUPLE && value.u.tuple.len == elts.len;
    if (!fits && !sv_is_error(value)) {
        if (value.kind == SV_TUPLE)
            SPEC_ERROR(s, DIAG_KERNEL_UNPACK, where, value.u.tuple.len, elts.len);
        else
            SPEC_ERROR(s, DIAG_KERNEL_NOT_ITERABLE, where, sv_type_name(s, value));
    }
    for (size_t i = 0; i < elts.len; i++)
        spec_assign(s, elts.items[i], fits ? value.u.tuple.items[i] : SVAL_ERROR, constant, where);
}

/* `x: tl.constexpr` without a value: the next assignment keeps what it is given. */
static void declare_constexpr(Spec *s, Sym name, SrcRange where) {
    Gone *gone = ARENA_NEW(s->arena, Gone);
    *gone = (Gone){.where = where, .why = "it is declared without a value", .because = where};
    spec_bind(s, name, (SVal){.kind = SV_GONE, .u.gone = gone}, where);
    spec_find(&s->frame->scope, name)->constant = true;
}

bool spec_is_constexpr_class(SVal v) {
    const BuiltinRow *row = sv_is_const(v) ? builtin_from_value(v.u.py) : NULL;
    return row && str_eq(row->name, "tl.constexpr");
}

void spec_assign(Spec *s, const Expr *target, SVal value, bool constant, SrcRange where) {
    switch ((int)target->kind) {
    case EXPR_NAME:
        assign_name(s, target, value, constant, where);
        break;
    case EXPR_TUPLE:
    case EXPR_LIST:
        assign_tuple(s, target, value, constant, where);
        break;
    case EXPR_SUBSCRIPT: {
        Diag *d = SPEC_ERROR(s, DIAG_KERNEL_STORE_TARGET, target->range, "__setitem__");
        diag_help(
            d,
            "write memory by tl.store(ptr + offsets, value); a tile by x = tl.where(mask, new, x)");
        break;
    }
    case EXPR_ATTRIBUTE:
        SPEC_ERROR(s, DIAG_KERNEL_STORE_TARGET, target->range, "Attribute assignment");
        break;
    case EXPR_STARRED:
        SPEC_ERROR(s, DIAG_KERNEL_UNSUPPORTED, target->range, "Starred");
        break;
    default: /* reported by the parser */
        break;
    }
}

static void assign(Spec *s, const Stmt *stmt) {
    ExprList targets = stmt->u.assign.targets;
    SVal value = spec_expr(s, stmt->u.assign.value);
    if (targets.len > 1) {
        Diag *d = SPEC_ERROR(s, DIAG_KERNEL_UNSUPPORTED, stmt->range, "chained assignment");
        diag_help(d, "write one assignment for each name");
    }
    for (size_t i = 0; i < targets.len; i++)
        spec_assign(s, targets.items[i], targets.len > 1 ? SVAL_ERROR : value, false,
                    stmt->u.assign.value->range);
}

/* Does the annotation name tl.constexpr? */
static bool is_constexpr_annotation(Spec *s, const Expr *annotation) {
    size_t messages = diags_len(s->diags);
    s->dry++;
    SVal v = spec_expr(s, annotation);
    s->dry--;
    diags_truncate(s->diags, messages); /* other annotations mean nothing here */
    return spec_is_constexpr_class(v);
}

static void annotated_assign(Spec *s, const Stmt *stmt) {
    const Expr *target = stmt->u.ann_assign.target, *value = stmt->u.ann_assign.value;
    bool constant = is_constexpr_annotation(s, stmt->u.ann_assign.annotation);
    SVal v = value ? spec_expr(s, value) : sv_none();
    if (!value) {
        if (constant && target->kind == EXPR_NAME)
            declare_constexpr(s, target->u.name.id, target->range);
        return;
    }
    if (constant && (v.kind == SV_TENSOR || v.kind == SV_BLOCKPTR || v.kind == SV_DESC))
        constant = false; /* advisory where the value is known at run time only */
    spec_assign(s, target, v, constant, value->range);
}

static void augmented_assign(Spec *s, const Stmt *stmt) {
    const Expr *target = stmt->u.aug_assign.target;
    SVal old = SVAL_ERROR;
    if (target->kind == EXPR_NAME)
        old = spec_expr(s, target);
    SVal value = spec_expr(s, stmt->u.aug_assign.value);
    if (!sv_is_error(old) && !sv_is_error(value)) {
        spec_at(s, stmt->range);
        value = spec_binary(s, stmt->u.aug_assign.op, old, value, stmt->range);
    } else {
        value = SVAL_ERROR;
    }
    spec_assign(s, target, value, false, stmt->range);
}

/* ---- return ---------------------------------------------------------------------------------- */

static Flow return_statement(Spec *s, const Stmt *stmt) {
    SVal value = stmt->u.ret.value ? spec_expr(s, stmt->u.ret.value) : sv_none();
    if (s->frame->loop) {
        Diag *d = SPEC_ERROR(s, DIAG_KERNEL_RETURN_IN_LOOP, stmt->range);
        diag_note(d, s->frame->loop->header, "inside this loop");
        diag_help(d, "keep a flag in a variable and test it, or mask the work");
        return FLOW_NEXT;
    }
    if (!s->frame->caller && !sv_is_none(value) && !sv_is_error(value)) {
        Diag *d = SPEC_ERROR(s, DIAG_KERNEL_RETURNS_VALUE, stmt->range, s->frame->fn->name);
        diag_help(d, "store the result through a pointer");
        value = sv_none();
    }
    return (Flow){.kind = FLOW_RETURNED, .result = value, .where = stmt->range};
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void assert_statement(Spec *s, const Stmt *stmt) {
    SVal test = spec_expr(s, stmt->u.assert_.test);
    SVal message = stmt->u.assert_.msg ? spec_expr(s, stmt->u.assert_.msg) : sv_string(s, "");
    if (sv_is_error(test) || sv_is_error(message))
        return;
    const BuiltinRow *row = builtin_find("tl.device_assert");
    if (!row)
        return;
    SVal pos[] = {test, message};
    SrcRange ranges[] = {stmt->u.assert_.test->range, stmt->range};
    SArgs args = {.pos = pos, .pos_ranges = ranges, .num_pos = 2, .range = stmt->range};
    spec_call(s, sv_from_py(s, builtin_value(s->py, row), stmt->range), &args, stmt->range);
}

/* The node name and advice of statements that kernels cannot have. */
static const struct {
    StmtKind kind;
    const char *node, *help;
} unsupported_statements[] = {
    {STMT_BREAK, "Break", "put the condition into the loop: `while` with a flag, or mask the work"},
    {STMT_CONTINUE, "Continue", "put the rest of the body under an `if`"},
    {STMT_CLASS_DEF, "ClassDef", NULL},
    {STMT_DELETE, "Delete", NULL},
    {STMT_TYPE_ALIAS, "TypeAlias", NULL},
    {STMT_WITH, "With", NULL},
    {STMT_MATCH, "Match", "use if / elif / else"},
    {STMT_RAISE, "Raise", "use tl.static_assert(False, \"...\") or tl.device_assert"},
    {STMT_TRY, "Try", NULL},
    {STMT_IMPORT, "Import", "import at the top of the file"},
    {STMT_IMPORT_FROM, "ImportFrom", "import at the top of the file"},
    {STMT_GLOBAL, "Global", NULL},
    {STMT_NONLOCAL, "Nonlocal", NULL},
};

static void unsupported_statement(Spec *s, const Stmt *stmt) {
    if (stmt->kind == STMT_FUNCTION_DEF) {
        Diag *d = SPEC_ERROR(s, DIAG_KERNEL_NESTED_FUNCTION, stmt->u.function.name_range);
        diag_help(d, "move `%s` to the top of the file and mark it @triton.jit",
                  stmt->u.function.name);
        return;
    }
    for (size_t i = 0; i < TK_COUNTOF(unsupported_statements); i++) {
        if (unsupported_statements[i].kind != stmt->kind)
            continue;
        Diag *d =
            SPEC_ERROR(s, DIAG_KERNEL_UNSUPPORTED, stmt->header, unsupported_statements[i].node);
        if (unsupported_statements[i].help)
            diag_help(d, "%s", unsupported_statements[i].help);
    }
}

static Flow statement(Spec *s, const Stmt *stmt) {
    switch ((int)stmt->kind) {
    case STMT_ASSIGN:
        assign(s, stmt);
        break;
    case STMT_AUG_ASSIGN:
        augmented_assign(s, stmt);
        break;
    case STMT_ANN_ASSIGN:
        annotated_assign(s, stmt);
        break;
    case STMT_EXPR:
        spec_expr(s, stmt->u.ret.value);
        break;
    case STMT_ASSERT:
        assert_statement(s, stmt);
        break;
    case STMT_RETURN:
        return return_statement(s, stmt);
    case STMT_FOR:
        return spec_for(s, stmt);
    case STMT_WHILE:
        return spec_while(s, stmt);
    case STMT_PASS:
    case STMT_ERROR:
        break;
    default:
        unsupported_statement(s, stmt);
        break;
    }
    return FLOW_NEXT;
}

typedef struct Rest {
    StmtList body;
    size_t from;
} Rest;

static Flow rest_of_block(Spec *s, void *data) {
    const Rest *rest = data;
    return spec_block(s, rest->body, rest->from);
}

/* The end of a function's body returns None; other lists just end. */
static Flow end_of_block(Spec *s, StmtList body, Flow flow) {
    if (body.items != s->frame->fn->def->body.items || flow.kind == FLOW_RETURNED)
        return flow;
    return (Flow){.kind = FLOW_RETURNED, .result = sv_none()};
}

Flow spec_block(Spec *s, StmtList body, size_t from) {
    for (size_t i = from; i < body.len; i++) {
        const Stmt *stmt = body.items[i];
        bool took_rest = false;
        spec_at(s, stmt->header);
        Flow flow =
            stmt->kind == STMT_IF ? spec_if(s, stmt, body, i + 1, &took_rest) : statement(s, stmt);
        if (flow.kind == FLOW_RETURNED || took_rest)
            return flow;
        bool is_last = i + 1 == body.len;
        if (flow.kind == FLOW_MAYBE && is_last && sv_is_none(flow.result))
            return end_of_block(s, body, flow);
        if (flow.kind == FLOW_MAYBE) {
            Rest rest = {body, i + 1};
            return spec_guarded(s, flow, rest_of_block, &rest, stmt->header);
        }
    }
    return end_of_block(s, body, FLOW_NEXT);
}
