/* eval_try.c -- raise, try and with.
 *
 * A kernel fault ends the program: `except` does not see it (`finally` does), so that a program
 * cannot go on computing with what a faulty kernel left behind.
 */
#include "runtime/host/host_internal.h"

/* ---- raise ------------------------------------------------------------------------------------
 */

/* The exception object that `raise value` means; takes the reference over. */
static PyValue exception_from(PyCtx *py, PyValue value) {
    const PyClass *cls = py_as(value, &py_class_type);
    if (cls != NULL && cls->exc >= 0) {
        PyValue made = py_call_values(py, value, NULL, 0);
        py_decref(py, value);
        return made;
    }
    if (py_as(value, &py_exception_type) != NULL)
        return value;
    py_decref(py, value);
    return py_raise(py, PYEXC_TypeError, "exceptions must derive from BaseException");
}

/* The exception that this frame, or the nearest around it, is handling. */
static PyValue handled_exception(const Frame *frame) {
    while (frame != NULL && frame->handling.tag == PY_NONE_TAG)
        frame = frame->caller;
    return frame != NULL ? frame->handling : PY_NONE;
}

static void set_pending(PyCtx *py, PyValue exception) {
    py_clear_exception(py);
    py->exception = exception;
}

Flow exec_raise(PyCtx *py, Frame *frame, const Stmt *stmt) {
    if (stmt->u.raise.exc == NULL) {
        PyValue current = handled_exception(frame);
        if (current.tag == PY_NONE_TAG)
            py_raise(py, PYEXC_RuntimeError, "No active exception to reraise");
        else
            set_pending(py, py_incref(current));
        return FLOW_RAISE;
    }
    PyValue value = eval_expr(py, frame, stmt->u.raise.exc);
    py->here = stmt->u.raise.exc->range;
    PyValue exception = py_failed(value) ? PY_FAIL : exception_from(py, value);
    if (py_failed(exception))
        return FLOW_RAISE;
    if (stmt->u.raise.cause != NULL) {
        PyValue cause = eval_expr(py, frame, stmt->u.raise.cause);
        if (!py_failed(cause) && cause.tag != PY_NONE_TAG)
            cause = exception_from(py, cause);
        if (py_failed(cause)) {
            py_decref(py, exception);
            return FLOW_RAISE;
        }
        PyException *e = (PyException *)exception.u.o;
        py_decref(py, e->cause);
        e->cause = cause;
    }
    set_pending(py, exception);
    return FLOW_RAISE;
}

/* ---- try --------------------------------------------------------------------------------------
 */

/* Does `except type` catch it? -1: failed with another exception. */
static int catches(PyCtx *py, Frame *frame, const ExceptHandler *handler, const PyException *e) {
    if (handler->type == NULL)
        return 1;
    PyValue type = eval_expr(py, frame, handler->type);
    if (py_failed(type))
        return -1;
    py->here = handler->type->range;
    int found = 0;
    size_t count = py_is_tuple(type) ? py_seq_len(type) : 1;
    for (size_t i = 0; i < count && found == 0; i++) {
        const PyClass *cls = py_as(py_is_tuple(type) ? py_seq_item(type, i) : type, &py_class_type);
        if (cls == NULL || cls->exc < 0) {
            py_raise(py, PYEXC_TypeError,
                     "catching classes that do not inherit from "
                     "BaseException is not allowed");
            found = -1;
        } else {
            found = py_class_is_subclass(e->cls, cls);
        }
    }
    py_decref(py, type);
    return found;
}

static Flow run_handler(PyCtx *py, Frame *frame, const ExceptHandler *handler, PyValue exception) {
    PyValue outer = frame->handling;
    frame->handling = exception;
    Flow flow = FLOW_RAISE;
    if (handler->name == NULL || assign_name(py, frame, handler->name, exception))
        flow = exec_block(py, frame, &handler->body);
    frame->handling = outer;
    if (handler->name != NULL) { /* Python unbinds the name at the end */
        PyEnv *env = frame->scope != NULL && scope_kind(frame->scope, handler->name) == NAME_GLOBAL
                         ? frame->globals
                         : frame->env;
        py_env_delete(py, env, handler->name);
    }
    return flow;
}

static Flow handle(PyCtx *py, Frame *frame, const Stmt *stmt) {
    PyValue exception = py->exception;
    const PyException *e = (const PyException *)exception.u.o;
    if (e->reported)
        return FLOW_RAISE;
    py->exception = PY_NONE;
    for (size_t i = 0; i < stmt->u.try_.handlers.len; i++) {
        const ExceptHandler *handler = &stmt->u.try_.handlers.items[i];
        int caught = catches(py, frame, handler, e);
        if (caught == 0)
            continue;
        Flow flow = caught == 1 ? run_handler(py, frame, handler, exception) : FLOW_RAISE;
        py_decref(py, exception);
        return flow;
    }
    py->exception = exception;
    return FLOW_RAISE;
}

Flow exec_try(PyCtx *py, Frame *frame, const Stmt *stmt) {
    if (stmt->u.try_.is_star) {
        host_refuse(py, stmt->header, "`except*`", NULL);
        return FLOW_RAISE;
    }
    Flow flow = exec_block(py, frame, &stmt->u.try_.body);
    if (flow == FLOW_RAISE)
        flow = handle(py, frame, stmt);
    else if (flow == FLOW_NEXT)
        flow = exec_block(py, frame, &stmt->u.try_.orelse);
    if (stmt->u.try_.finalbody.len == 0)
        return flow;
    PyValue pending = py->exception;
    py->exception = PY_NONE;
    Flow last = exec_block(py, frame, &stmt->u.try_.finalbody);
    if (last != FLOW_NEXT) { /* return, break or an exception of its own: it wins */
        py_decref(py, pending);
        return last;
    }
    py->exception = pending;
    return flow;
}

/* ---- with -------------------------------------------------------------------------------------
 */

static PyValue context_method(PyCtx *py, PyValue context, Sym name, const Expr *expr) {
    bool found;
    PyValue method = py_getattr_opt(py, context, name, &found);
    if (!found && !py_failed(method))
        return py_raise_at(py, PYEXC_TypeError, expr->range, NULL,
                           "'%s' object does not support the context manager protocol",
                           py_type_name(context));
    return method;
}

/* Calls __exit__; after an exception, a true result swallows it. */
static Flow leave_context(PyCtx *py, PyValue exit_method, Flow flow) {
    PyValue pending = py->exception;
    PyValue args[3] = {PY_NONE, PY_NONE, PY_NONE};
    py->exception = PY_NONE;
    if (flow == FLOW_RAISE) {
        args[0] = py_from_object(&((PyException *)pending.u.o)->cls->base);
        args[1] = pending;
    }
    PyValue result = py_call_values(py, exit_method, args, 3);
    if (py_failed(result)) {
        py_decref(py, pending);
        return FLOW_RAISE;
    }
    int swallow = flow == FLOW_RAISE ? py_truth(py, result) : 0;
    py_decref(py, result);
    if (swallow == 1 && !((const PyException *)pending.u.o)->reported) {
        py_decref(py, pending);
        return FLOW_NEXT;
    }
    py_clear_exception(py);
    py->exception = pending;
    return flow;
}

Flow exec_with(PyCtx *py, Frame *frame, const Stmt *stmt, size_t at) {
    if (stmt->u.with.is_async) {
        host_refuse(py, stmt->header, "`async with`", NULL);
        return FLOW_RAISE;
    }
    if (at == stmt->u.with.items.len)
        return exec_block(py, frame, &stmt->u.with.body);
    const WithItem *item = &stmt->u.with.items.items[at];
    PyValue context = eval_expr(py, frame, item->context);
    if (py_failed(context))
        return FLOW_RAISE;
    py->here = item->context->range;
    PyValue enter = context_method(py, context, py->host->syms.__enter__, item->context);
    PyValue leave = py_failed(enter)
                        ? PY_FAIL
                        : context_method(py, context, py->host->syms.__exit__, item->context);
    PyValue value = py_failed(leave) ? PY_FAIL : py_call_values(py, enter, NULL, 0);
    py_decref(py, context);
    py_decref(py, enter);
    Flow flow = FLOW_RAISE;
    if (!py_failed(value)) {
        if (item->target == NULL || assign_target(py, frame, item->target, value))
            flow = exec_with(py, frame, stmt, at + 1);
        py_decref(py, value);
        flow = leave_context(py, leave, flow);
    }
    py_decref(py, leave);
    return flow;
}
