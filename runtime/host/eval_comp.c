/* eval_comp.c -- comprehensions and generator expressions.
 *
 * All four are a walk through nested iterators that can be left and taken up again: one iterator a
 * `for` clause, advanced innermost first. A generator expression is that walk as an object; the
 * others run it to its end.
 */
#include <stdlib.h>

#include "runtime/host/host_internal.h"

typedef struct HostGenerator {
    PyObject base;
    const Expr *expr;
    PyEnv *env, *home, *globals; /* env: where the targets are bound */
    const SrcFile *file;
    PyClass *cls;
    PyValue *iters; /* one a clause; PY_FAIL: not open */
    bool started, done, running;
} HostGenerator;

static const ComprehensionList *clauses(const HostGenerator *gen) {
    return &gen->expr->u.comp.generators;
}

static void close_iters(PyCtx *py, HostGenerator *gen) {
    for (size_t i = 0; i < clauses(gen)->len; i++) {
        py_decref(py, gen->iters[i]);
        gen->iters[i] = PY_FAIL;
    }
    gen->done = true;
}

static void generator_dealloc(PyCtx *py, PyObject *self) {
    HostGenerator *gen = (HostGenerator *)self;
    close_iters(py, gen);
    free(gen->iters);
    py_env_release(py, gen->env);
    py_env_release(py, gen->home);
    py_env_release(py, gen->globals);
    py_object_free(py, self);
}

static Frame generator_frame(PyCtx *py, const HostGenerator *gen) {
    return (Frame){.env = gen->env,
                   .home = gen->home,
                   .globals = gen->globals,
                   .file = gen->file,
                   .cls = gen->cls,
                   .self = PY_NONE,
                   .result = PY_NONE,
                   .handling = PY_NONE,
                   .caller = py->host->frame};
}

/* Binds the item and asks the clause's conditions: 1 take it, 0 skip it, -1 failed. */
static int take_item(PyCtx *py, Frame *frame, const Comprehension *clause, PyValue item) {
    if (!assign_target(py, frame, clause->target, item))
        return -1;
    for (size_t i = 0; i < clause->ifs.len; i++) {
        PyValue test = eval_expr(py, frame, clause->ifs.items[i]);
        int truth = py_failed(test) ? -1 : py_truth(py, test);
        py_decref(py, test);
        if (truth <= 0)
            return truth;
    }
    return 1;
}

static bool open_iter(PyCtx *py, Frame *frame, const Comprehension *clause, PyValue *iter) {
    PyValue source = eval_expr(py, frame, clause->iter);
    if (py_failed(source))
        return false;
    py->here = clause->iter->range;
    *iter = py_iter(py, source);
    py_decref(py, source);
    return !py_failed(*iter);
}

/* Moves to the next combination of items: 1 there is one, 0 the end, -1 failed. */
static int advance(PyCtx *py, HostGenerator *gen, Frame *frame) {
    size_t last = clauses(gen)->len - 1, level = gen->started ? last : 0;
    gen->started = true;
    while (true) {
        const Comprehension *clause = &clauses(gen)->items[level];
        bool done;
        if (!host_go_on(py))
            return -1;
        py->here = clause->iter->range;
        PyValue item = py_next(py, gen->iters[level], &done);
        if (py_failed(item))
            return -1;
        if (done) {
            py_decref(py, gen->iters[level]);
            gen->iters[level] = PY_FAIL;
            if (level == 0)
                return 0;
            level--;
            continue;
        }
        int taken = take_item(py, frame, clause, item);
        py_decref(py, item);
        if (taken < 0)
            return -1;
        if (taken == 0)
            continue;
        if (level == last)
            return 1;
        level++;
        if (!open_iter(py, frame, &clauses(gen)->items[level], &gen->iters[level]))
            return -1;
    }
}

static PyValue generator_iter(PyCtx *py, PyValue self) {
    (void)py;
    return py_incref(self);
}

static PyValue generator_next(PyCtx *py, PyValue self, bool *done) {
    HostGenerator *gen = (HostGenerator *)self.u.o;
    if (gen->running)
        return py_raise(py, PYEXC_ValueError, "generator already executing");
    *done = gen->done;
    if (gen->done)
        return PY_NONE;
    Frame frame = generator_frame(py, gen);
    gen->running = true;
    int more = advance(py, gen, &frame);
    PyValue item = more == 1 ? eval_expr(py, &frame, gen->expr->u.comp.elt) : PY_NONE;
    gen->running = false;
    if (more != 1 || py_failed(item))
        close_iters(py, gen);
    *done = more == 0;
    return more < 0 ? PY_FAIL : item;
}

const PyType host_generator_type = {.name = "generator",
                                    .dealloc = generator_dealloc,
                                    .iter = generator_iter,
                                    .next = generator_next};

/* Opens the outermost iterator, in the scope around the comprehension. */
static PyValue new_generator(PyCtx *py, Frame *frame, const Expr *expr) {
    size_t count = expr->u.comp.generators.len;
    for (size_t i = 0; i < count; i++) {
        if (expr->u.comp.generators.items[i].is_async)
            return host_refuse(py, expr->range, "an asynchronous comprehension", NULL);
    }
    HostGenerator *gen = py_object_new(py, &host_generator_type, sizeof *gen);
    PyValue value = py_from_object(&gen->base);
    gen->expr = expr;
    gen->file = frame->file;
    gen->cls = frame->cls;
    gen->iters = oom_malloc(py->oom, count * sizeof *gen->iters);
    for (size_t i = 0; i < count; i++)
        gen->iters[i] = PY_FAIL;
    gen->env = py_env_create(py, frame->env);
    gen->home = py_env_retain(frame->home);
    gen->globals = py_env_retain(frame->globals);
    if (open_iter(py, frame, &expr->u.comp.generators.items[0], &gen->iters[0]))
        return value;
    py_decref(py, value);
    return PY_FAIL;
}

/* Adds the current combination's element to the list, set or dict that is being made. */
static bool add_element(PyCtx *py, Frame *frame, const Expr *expr, PyValue into) {
    PyValue elt = eval_expr(py, frame, expr->u.comp.elt);
    if (py_failed(elt))
        return false;
    bool ok = true;
    if (expr->kind == EXPR_DICTCOMP) {
        PyValue value = eval_expr(py, frame, expr->u.comp.value);
        py->here = expr->u.comp.elt->range;
        ok = !py_failed(value) && py_dict_set(py, into, elt, value);
        py_decref(py, value);
    } else if (expr->kind == EXPR_SETCOMP) {
        py->here = expr->u.comp.elt->range;
        ok = py_set_add(py, into, elt);
    } else {
        py_list_append(py, into, elt);
    }
    py_decref(py, elt);
    return ok;
}

PyValue eval_comprehension(PyCtx *py, Frame *frame, const Expr *expr) {
    PyValue generator = new_generator(py, frame, expr);
    if (py_failed(generator) || expr->kind == EXPR_GENERATOR)
        return generator;
    HostGenerator *gen = (HostGenerator *)generator.u.o;
    Frame inner = generator_frame(py, gen);
    inner.handling = frame->handling;
    PyValue result = expr->kind == EXPR_DICTCOMP  ? py_dict(py)
                     : expr->kind == EXPR_SETCOMP ? py_set(py, false)
                                                  : py_list(py, NULL, 0);
    int more = advance(py, gen, &inner);
    while (more == 1) {
        if (!add_element(py, &inner, expr, result))
            more = -1;
        else
            more = advance(py, gen, &inner);
    }
    py_decref(py, generator);
    if (more == 0)
        return result;
    py_decref(py, result);
    return PY_FAIL;
}
