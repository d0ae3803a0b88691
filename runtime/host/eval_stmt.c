/* eval_stmt.c -- statements. A statement says how control goes on; FLOW_RAISE: an exception is
 * pending; FLOW_RETURN: frame->result is what is returned. */
#include "runtime/host/host_internal.h"

static int test_condition(PyCtx *py, Frame *frame, const Expr *test) {
    PyValue value = eval_expr(py, frame, test);
    if (py_failed(value))
        return -1;
    py->here = test->range;
    int truth = py_truth(py, value);
    py_decref(py, value);
    return truth;
}

static Flow exec_if(PyCtx *py, Frame *frame, const Stmt *stmt) {
    int truth = test_condition(py, frame, stmt->u.while_.test);
    if (truth < 0)
        return FLOW_RAISE;
    return exec_block(py, frame, truth == 1 ? &stmt->u.while_.body : &stmt->u.while_.orelse);
}

static Flow exec_while(PyCtx *py, Frame *frame, const Stmt *stmt) {
    while (true) {
        if (!host_go_on(py))
            return FLOW_RAISE;
        int truth = test_condition(py, frame, stmt->u.while_.test);
        if (truth < 0)
            return FLOW_RAISE;
        if (truth == 0)
            return exec_block(py, frame, &stmt->u.while_.orelse);
        Flow flow = exec_block(py, frame, &stmt->u.while_.body);
        if (flow == FLOW_BREAK)
            return FLOW_NEXT;
        if (flow == FLOW_RETURN || flow == FLOW_RAISE)
            return flow;
    }
}

static Flow exec_for(PyCtx *py, Frame *frame, const Stmt *stmt) {
    if (stmt->u.for_.is_async) {
        host_refuse(py, stmt->header, "`async for`", NULL);
        return FLOW_RAISE;
    }
    PyValue source = eval_expr(py, frame, stmt->u.for_.iter);
    if (py_failed(source))
        return FLOW_RAISE;
    py->here = stmt->u.for_.iter->range;
    PyValue iter = py_iter(py, source);
    py_decref(py, source);
    if (py_failed(iter))
        return FLOW_RAISE;
    Flow flow = FLOW_NEXT;
    while (true) {
        bool done;
        py->here = stmt->u.for_.iter->range;
        PyValue item = host_go_on(py) ? py_next(py, iter, &done) : PY_FAIL;
        if (py_failed(item)) {
            flow = FLOW_RAISE;
            break;
        }
        if (done) {
            flow = exec_block(py, frame, &stmt->u.for_.orelse);
            break;
        }
        bool ok = assign_target(py, frame, stmt->u.for_.target, item);
        py_decref(py, item);
        flow = ok ? exec_block(py, frame, &stmt->u.for_.body) : FLOW_RAISE;
        if (flow == FLOW_BREAK) {
            flow = FLOW_NEXT;
            break;
        }
        if (flow == FLOW_RETURN || flow == FLOW_RAISE)
            break;
    }
    py_decref(py, iter);
    return flow;
}

static Flow exec_assign(PyCtx *py, Frame *frame, const Stmt *stmt) {
    PyValue value = eval_expr(py, frame, stmt->u.assign.value);
    if (py_failed(value))
        return FLOW_RAISE;
    bool ok = true;
    for (size_t i = 0; i < stmt->u.assign.targets.len && ok; i++)
        ok = assign_target(py, frame, stmt->u.assign.targets.items[i], value);
    py_decref(py, value);
    return ok ? FLOW_NEXT : FLOW_RAISE;
}

/* In a class body (and a module), annotations are remembered: dataclasses read them. */
static void note_annotation(PyCtx *py, Frame *frame, const Expr *target) {
    PyValue annotations, key;
    Sym name = py->host->syms.__annotations__;
    if (!frame->is_class || target->kind != EXPR_NAME)
        return;
    if (!py_env_get_local(frame->env, name, &annotations)) {
        annotations = py_dict(py);
        py_env_set(py, frame->env, name, annotations);
        py_decref(py, annotations);
    }
    key = py_str(py, target->u.name.id);
    py_dict_set(py, annotations, key, PY_NONE);
    py_decref(py, key);
}

static Flow exec_ann_assign(PyCtx *py, Frame *frame, const Stmt *stmt) {
    note_annotation(py, frame, stmt->u.ann_assign.target);
    if (stmt->u.ann_assign.value == NULL)
        return FLOW_NEXT;
    PyValue value = eval_expr(py, frame, stmt->u.ann_assign.value);
    bool ok = !py_failed(value) && assign_target(py, frame, stmt->u.ann_assign.target, value);
    py_decref(py, value);
    return ok ? FLOW_NEXT : FLOW_RAISE;
}

static Flow exec_assert(PyCtx *py, Frame *frame, const Stmt *stmt) {
    int truth = test_condition(py, frame, stmt->u.assert_.test);
    if (truth != 0)
        return truth < 0 ? FLOW_RAISE : FLOW_NEXT;
    PyValue message = PY_NONE;
    if (stmt->u.assert_.msg != NULL) {
        message = eval_expr(py, frame, stmt->u.assert_.msg);
        if (py_failed(message))
            return FLOW_RAISE;
    }
    PyValue args = py_tuple(py, &message, stmt->u.assert_.msg != NULL);
    PyValue exception = py_exception_new(py, py_exc_class(py, PYEXC_AssertionError), args,
                                         stmt->u.assert_.test->range);
    py_decref(py, message);
    py_decref(py, args);
    py_clear_exception(py);
    py->exception = exception;
    return FLOW_RAISE;
}

static Flow exec_return(PyCtx *py, Frame *frame, const Stmt *stmt) {
    PyValue value = stmt->u.ret.value != NULL ? eval_expr(py, frame, stmt->u.ret.value) : PY_NONE;
    if (py_failed(value))
        return FLOW_RAISE;
    PyValue old = frame->result; /* of a return that a `finally` overrides */
    frame->result = value;
    py_decref(py, old);
    return FLOW_RETURN;
}

static Flow exec_delete(PyCtx *py, Frame *frame, const Stmt *stmt) {
    for (size_t i = 0; i < stmt->u.del.targets.len; i++) {
        if (!delete_target(py, frame, stmt->u.del.targets.items[i]))
            return FLOW_RAISE;
    }
    return FLOW_NEXT;
}

static Flow flow_of(bool ok) {
    return ok ? FLOW_NEXT : FLOW_RAISE;
}

static Flow refuse(PyCtx *py, const Stmt *stmt, const char *construct, const char *help) {
    host_refuse(py, stmt->header, construct, help);
    return FLOW_RAISE;
}

Flow exec_stmt(PyCtx *py, Frame *frame, const Stmt *stmt) {
    PyValue value;
    py->here = stmt->range;
    switch (stmt->kind) {
    case STMT_EXPR:
        value = eval_expr(py, frame, stmt->u.ret.value);
        py_decref(py, value);
        return flow_of(!py_failed(value));
    case STMT_ASSIGN:
        return exec_assign(py, frame, stmt);
    case STMT_AUG_ASSIGN:
        return flow_of(augmented_assign(py, frame, stmt));
    case STMT_ANN_ASSIGN:
        return exec_ann_assign(py, frame, stmt);
    case STMT_IF:
        return exec_if(py, frame, stmt);
    case STMT_FOR:
        return exec_for(py, frame, stmt);
    case STMT_WHILE:
        return exec_while(py, frame, stmt);
    case STMT_RETURN:
        return exec_return(py, frame, stmt);
    case STMT_FUNCTION_DEF:
        return flow_of(exec_function(py, frame, stmt));
    case STMT_CLASS_DEF:
        return flow_of(exec_class(py, frame, stmt));
    case STMT_DELETE:
        return exec_delete(py, frame, stmt);
    case STMT_WITH:
        return exec_with(py, frame, stmt, 0);
    case STMT_RAISE:
        return exec_raise(py, frame, stmt);
    case STMT_TRY:
        return exec_try(py, frame, stmt);
    case STMT_ASSERT:
        return exec_assert(py, frame, stmt);
    case STMT_IMPORT:
    case STMT_IMPORT_FROM:
        return exec_import(py, frame, stmt);
    case STMT_PASS:
    case STMT_GLOBAL:
    case STMT_NONLOCAL:
        return FLOW_NEXT;
    case STMT_BREAK:
        return FLOW_BREAK;
    case STMT_CONTINUE:
        return FLOW_CONTINUE;
    case STMT_MATCH:
        return refuse(py, stmt, "`match`", "write it as if / elif / else");
    case STMT_TYPE_ALIAS:
        return refuse(py, stmt, "a `type` statement", NULL);
    case STMT_ERROR:
    default:
        py_raise(py, PYEXC_SyntaxError, "invalid syntax");
        return FLOW_RAISE;
    }
}

Flow exec_block(PyCtx *py, Frame *frame, const StmtList *block) {
    if (!py_stack_ok(py))
        return FLOW_RAISE;
    for (size_t i = 0; i < block->len; i++) {
        Flow flow = exec_stmt(py, frame, block->items[i]);
        if (flow != FLOW_NEXT)
            return flow;
    }
    return FLOW_NEXT;
}
