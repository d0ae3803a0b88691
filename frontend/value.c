/* value.c -- objects, reference counts, the context, scopes, modules, functions in C.
 *
 * Every object hangs in a list of its context, so that what is still alive at the end (cycles such
 * as a function that its own scope holds) is freed there. Deallocation of deeply nested objects is
 * turned from recursion into a loop: beyond a depth, dead objects wait in a list.
 */
#include "frontend/value.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "frontend/value_types.h"

enum { DEALLOC_MAX_DEPTH = 100 };

/* ---- context ----------------------------------------------------------------------------------
 */

/* Three quarters of the stack that this thread may still use, at most 256 MB. */
static uintptr_t stack_floor(void) {
    struct rlimit limit;
    uintptr_t here = TK_FRAME_ADDRESS();
    uint64_t size = (uint64_t)8 << 20;
    if (here == 0)
        return 0;
    if (getrlimit(RLIMIT_STACK, &limit) == 0) {
        uint64_t most = (uint64_t)256 << 20;
        size = limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur > most ? most : limit.rlim_cur;
    }
    uintptr_t use = (uintptr_t)(size / 4 * 3);
    return here > use ? here - use : 0;
}

PyCtx *py_ctx_create(OomHandler *oom, Arena *arena, StrTab *names, SourceSet *sources,
                     Diags *diags) {
    PyCtx *py = ARENA_NEW(arena, PyCtx);
    py->oom = oom;
    py->arena = arena;
    py->names = names;
    py->sources = sources;
    py->diags = diags;
    py->exception = PY_NONE;
    py->scratch = arena_create(oom);
    arena_alloc(py->scratch, 1, 1); /* keeps its first block when everything else is reset */
    py->stack_low = stack_floor();
    return py;
}

void py_ctx_destroy(PyCtx *py) {
    if (py == NULL)
        return;
    py->destroying = true;
    while (py->objects != NULL) {
        PyObject *object = py->objects;
        if (object->type->dealloc != NULL)
            object->type->dealloc(py, object);
        else
            py_object_free(py, object);
    }
    arena_destroy(py->scratch);
    py->scratch = NULL;
}

bool py_stack_ok(PyCtx *py) {
    if (TK_LIKELY(TK_FRAME_ADDRESS() > py->stack_low))
        return true;
    py_raise(py, PYEXC_RecursionError, "maximum recursion depth exceeded");
    return false;
}

/* ---- objects ----------------------------------------------------------------------------------
 */

static void link_object(PyCtx *py, PyObject *object) {
    object->prev = NULL;
    object->next = py->objects;
    if (py->objects != NULL)
        py->objects->prev = object;
    py->objects = object;
}

static void unlink_object(PyCtx *py, PyObject *object) {
    if (object->prev != NULL)
        object->prev->next = object->next;
    else
        py->objects = object->next;
    if (object->next != NULL)
        object->next->prev = object->prev;
}

void *py_object_new(PyCtx *py, const PyType *type, size_t size) {
    PyObject *object = oom_malloc(py->oom, size);
    memset(object, 0, size);
    object->type = type;
    object->refs = 1;
    link_object(py, object);
    return object;
}

void py_object_free(PyCtx *py, PyObject *object) {
    unlink_object(py, object);
    free(object);
}

PyValue py_from_object(PyObject *object) {
    return (PyValue){.tag = PY_OBJECT_TAG, .u.o = object};
}

static void dealloc_object(PyCtx *py, PyObject *object) {
    if (object->type->dealloc != NULL)
        object->type->dealloc(py, object);
    else
        py_object_free(py, object);
}

static void release_object(PyCtx *py, PyObject *object) {
    if (py->dealloc_depth >= DEALLOC_MAX_DEPTH) {
        unlink_object(py, object);
        object->next = py->doomed;
        py->doomed = object;
        return;
    }
    py->dealloc_depth++;
    dealloc_object(py, object);
    py->dealloc_depth--;
    while (py->dealloc_depth == 0 && py->doomed != NULL) {
        PyObject *waiting = py->doomed;
        py->doomed = waiting->next;
        link_object(py, waiting);
        py->dealloc_depth++;
        dealloc_object(py, waiting);
        py->dealloc_depth--;
    }
}

void py_decref(PyCtx *py, PyValue v) {
    if (v.tag == PY_OBJECT_TAG && !py->destroying && --v.u.o->refs == 0)
        release_object(py, v.u.o);
}

void *py_as(PyValue v, const PyType *type) {
    return v.tag == PY_OBJECT_TAG && v.u.o->type == type ? v.u.o : NULL;
}

const char *py_type_name(PyValue v) {
    switch (v.tag) {
    case PY_NONE_TAG:
        return "NoneType";
    case PY_BOOL_TAG:
        return "bool";
    case PY_INT_TAG:
        return "int";
    case PY_FLOAT_TAG:
        return "float";
    case PY_DTYPE_TAG:
        return "dtype";
    case PY_ELLIPSIS_TAG:
        return "ellipsis";
    case PY_OBJECT_TAG: {
        const PyTuple *tuple = py_as(v, &py_tuple_type);
        const PyException *exception = py_as(v, &py_exception_type);
        if (tuple != NULL && tuple->cls != NULL)
            return tuple->cls->name;
        if (v.u.o->type->type_name != NULL)
            return v.u.o->type->type_name(v);
        return exception != NULL ? exception->cls->name : v.u.o->type->name;
    }
    case PY_FAIL_TAG:
    default:
        return "?";
    }
}

/* ---- scopes -----------------------------------------------------------------------------------
 */

static void env_dealloc(PyCtx *py, PyObject *self) {
    PyEnv *env = (PyEnv *)self;
    for (uint32_t i = 0; i < env->len; i++) {
        if (env->entries[i].name != NULL)
            py_decref(py, env->entries[i].value);
    }
    if (env->entries != env->first)
        free(env->entries);
    free(env->slots);
    if (env->outer != NULL)
        py_env_release(py, env->outer);
    py_object_free(py, self);
}

const PyType py_env_type = {.name = "scope", .dealloc = env_dealloc};

PyEnv *py_env_create(PyCtx *py, PyEnv *outer) {
    PyEnv *env = py_object_new(py, &py_env_type, sizeof *env);
    env->outer = outer != NULL ? py_env_retain(outer) : NULL;
    env->entries = env->first;
    env->cap = PY_ENV_INLINE;
    return env;
}

PyEnv *py_env_retain(PyEnv *env) {
    env->base.refs++;
    return env;
}

void py_env_release(PyCtx *py, PyEnv *env) {
    if (env != NULL)
        py_decref(py, py_from_object(&env->base));
}

static uint32_t env_slot(const PyEnv *env, Sym name) {
    uint64_t hash = (uint64_t)(uintptr_t)name * UINT64_C(0x9E3779B97F4A7C15);
    uint32_t slot = (uint32_t)(hash >> 32) & (env->num_slots - 1);
    while (env->slots[slot] != 0 && env->entries[env->slots[slot] - 1].name != name)
        slot = (slot + 1) & (env->num_slots - 1);
    return slot;
}

static PyEnvEntry *env_find(const PyEnv *env, Sym name) {
    if (env->slots != NULL) {
        uint32_t index = env->slots[env_slot(env, name)];
        return index == 0 ? NULL : &env->entries[index - 1];
    }
    for (uint32_t i = 0; i < env->len; i++) {
        if (env->entries[i].name == name)
            return &env->entries[i];
    }
    return NULL;
}

bool py_env_get_local(const PyEnv *env, Sym name, PyValue *out) {
    const PyEnvEntry *entry = env_find(env, name);
    if (entry == NULL)
        return false;
    *out = entry->value;
    return true;
}

bool py_env_get(const PyEnv *env, Sym name, PyValue *out) {
    for (; env != NULL; env = env->outer) {
        if (py_env_get_local(env, name, out))
            return true;
    }
    return false;
}

/* Packs the entries (dropping deleted ones) into enough room and indexes them anew. */
static void env_grow(PyCtx *py, PyEnv *env) {
    uint32_t live = 0, len = 0;
    for (uint32_t i = 0; i < env->len; i++)
        live += env->entries[i].name != NULL;
    uint32_t cap = live > env->cap / 2 ? env->cap * 2 : env->cap, num_slots = cap * 2;
    PyEnvEntry *entries = oom_malloc(py->oom, cap * sizeof *entries);
    uint32_t *slots = oom_malloc(py->oom, num_slots * sizeof *slots);
    memset(slots, 0, num_slots * sizeof *slots);
    for (uint32_t i = 0; i < env->len; i++) {
        if (env->entries[i].name != NULL)
            entries[len++] = env->entries[i];
    }
    if (env->entries != env->first)
        free(env->entries);
    free(env->slots);
    env->entries = entries;
    env->slots = slots;
    env->cap = cap;
    env->len = len;
    env->num_slots = num_slots;
    for (uint32_t i = 0; i < len; i++)
        slots[env_slot(env, entries[i].name)] = i + 1;
}

void py_env_set(PyCtx *py, PyEnv *env, Sym name, PyValue value) {
    PyEnvEntry *entry = env_find(env, name);
    py_incref(value);
    if (entry != NULL) {
        PyValue old = entry->value;
        entry->value = value;
        py_decref(py, old);
        return;
    }
    if (env->len == env->cap)
        env_grow(py, env);
    env->entries[env->len] = (PyEnvEntry){name, value};
    env->len++;
    if (env->slots != NULL)
        env->slots[env_slot(env, name)] = env->len;
}

bool py_env_delete(PyCtx *py, PyEnv *env, Sym name) {
    PyEnvEntry *entry = env_find(env, name);
    if (entry == NULL)
        return false;
    PyValue old = entry->value;
    entry->name = NULL; /* its slot stays taken, so that searches go on behind it */
    py_decref(py, old);
    return true;
}

PyEnv *py_env_outer(const PyEnv *env) {
    return env->outer;
}

size_t py_env_names(const PyEnv *env, Arena *arena, const char ***names) {
    size_t total = 0, count = 0;
    for (const PyEnv *e = env; e != NULL; e = e->outer)
        total += e->len;
    *names = ARENA_ARRAY(arena, const char *, total + 1);
    for (const PyEnv *e = env; e != NULL; e = e->outer) {
        for (uint32_t i = 0; i < e->len; i++) {
            if (e->entries[i].name != NULL)
                (*names)[count++] = e->entries[i].name;
        }
    }
    return count;
}

/* ---- modules ----------------------------------------------------------------------------------
 */

static void module_dealloc(PyCtx *py, PyObject *self) {
    py_env_release(py, ((PyModule *)self)->env);
    py_object_free(py, self);
}

static PyValue module_getattr(PyCtx *py, PyValue self, Sym name, bool *found) {
    PyValue value;
    (void)py;
    *found = py_env_get_local(((PyModule *)self.u.o)->env, name, &value);
    return *found ? py_incref(value) : PY_NONE;
}

static bool module_setattr(PyCtx *py, PyValue self, Sym name, PyValue value) {
    py_env_set(py, ((PyModule *)self.u.o)->env, name, value);
    return true;
}

static bool module_repr(PyCtx *py, PyValue self, StrBuf *out) {
    (void)py;
    strbuf_printf(out, "<module '%s'>", ((PyModule *)self.u.o)->name);
    return true;
}

const PyType py_module_type = {.name = "module",
                               .dealloc = module_dealloc,
                               .getattr = module_getattr,
                               .setattr = module_setattr,
                               .repr = module_repr};

PyValue py_module(PyCtx *py, const char *name) {
    PyModule *module = py_object_new(py, &py_module_type, sizeof *module);
    module->name = strtab_sym(py->names, name);
    module->env = py_env_create(py, NULL);
    PyValue text = py_str(py, name);
    py_env_set(py, module->env, strtab_sym(py->names, "__name__"), text);
    py_decref(py, text);
    return py_from_object(&module->base);
}

void py_module_set(PyCtx *py, PyValue module, const char *name, PyValue value) {
    py_env_set(py, ((PyModule *)module.u.o)->env, strtab_sym(py->names, name), value);
    py_decref(py, value);
}

PyEnv *py_module_env(PyValue module) {
    return ((PyModule *)module.u.o)->env;
}

const char *py_module_name(PyValue module) {
    return ((PyModule *)module.u.o)->name;
}

/* ---- constexpr --------------------------------------------------------------------------------
 */

static void constexpr_dealloc(PyCtx *py, PyObject *self) {
    py_decref(py, ((PyConstexpr *)self)->value);
    py_object_free(py, self);
}

static PyValue constexpr_getattr(PyCtx *py, PyValue self, Sym name, bool *found) {
    (void)py;
    *found = strcmp(name, "value") == 0;
    return *found ? py_incref(((PyConstexpr *)self.u.o)->value) : PY_NONE;
}

static bool constexpr_repr(PyCtx *py, PyValue self, StrBuf *out) {
    strbuf_puts(out, "constexpr[");
    bool ok = py_repr(py, ((PyConstexpr *)self.u.o)->value, out);
    strbuf_putc(out, ']');
    return ok;
}

/* Operators on constexprs work on what they hold. */
static PyValue constexpr_binary(PyCtx *py, BinOpKind op, PyValue a, PyValue b, bool *handled) {
    *handled = true;
    return py_binary(py, op, py_unwrap_constexpr(a), py_unwrap_constexpr(b));
}

static PyValue constexpr_compare(PyCtx *py, CmpOpKind op, PyValue a, PyValue b, bool *handled) {
    *handled = true;
    return py_compare(py, op, py_unwrap_constexpr(a), py_unwrap_constexpr(b));
}

static PyValue constexpr_unary(PyCtx *py, UnaryOpKind op, PyValue a, bool *handled) {
    *handled = true;
    return py_unary(py, op, py_unwrap_constexpr(a));
}

static int constexpr_truth(PyCtx *py, PyValue self) {
    return py_truth(py, py_unwrap_constexpr(self));
}

static bool constexpr_hash(PyCtx *py, PyValue self, uint64_t *out) {
    return py_hash(py, py_unwrap_constexpr(self), out);
}

const PyType py_constexpr_type = {.name = "constexpr",
                                  .dealloc = constexpr_dealloc,
                                  .getattr = constexpr_getattr,
                                  .repr = constexpr_repr,
                                  .binary = constexpr_binary,
                                  .compare = constexpr_compare,
                                  .unary = constexpr_unary,
                                  .truth = constexpr_truth,
                                  .hash = constexpr_hash};

PyValue py_constexpr(PyCtx *py, PyValue value) {
    PyConstexpr *c = py_object_new(py, &py_constexpr_type, sizeof *c);
    c->value = py_incref(py_unwrap_constexpr(value));
    return py_from_object(&c->base);
}

PyValue py_unwrap_constexpr(PyValue v) {
    const PyConstexpr *c = py_as(v, &py_constexpr_type);
    return c != NULL ? c->value : v;
}

/* ---- functions and methods in C ---------------------------------------------------------------
 */

static PyValue builtin_call(PyCtx *py, PyValue self, const PyArgs *args) {
    const PyBuiltin *builtin = (const PyBuiltin *)self.u.o;
    return builtin->fn(py, builtin->data, args);
}

static PyValue builtin_getattr(PyCtx *py, PyValue self, Sym name, bool *found) {
    *found = strcmp(name, "__name__") == 0;
    return *found ? py_str(py, ((const PyBuiltin *)self.u.o)->name) : PY_NONE;
}

static bool builtin_repr(PyCtx *py, PyValue self, StrBuf *out) {
    (void)py;
    strbuf_printf(out, "<built-in function %s>", ((const PyBuiltin *)self.u.o)->name);
    return true;
}

const PyType py_builtin_type = {.name = "builtin_function_or_method",
                                .getattr = builtin_getattr,
                                .call = builtin_call,
                                .repr = builtin_repr};

PyValue py_builtin(PyCtx *py, const char *name, PyBuiltinFn fn, void *data) {
    PyBuiltin *builtin = py_object_new(py, &py_builtin_type, sizeof *builtin);
    builtin->name = strtab_sym(py->names, name);
    builtin->fn = fn;
    builtin->data = data;
    return py_from_object(&builtin->base);
}

static void method_dealloc(PyCtx *py, PyObject *self) {
    py_decref(py, ((PyMethod *)self)->self);
    py_object_free(py, self);
}

static PyValue method_call(PyCtx *py, PyValue self, const PyArgs *args) {
    const PyMethod *method = (const PyMethod *)self.u.o;
    PyValue bound[PY_BIND_MAX];
    if (method->def->params != NULL &&
        !py_bind_text(py, method->def->name, args, method->def->params, bound))
        return PY_FAIL;
    return method->def->fn(py, method->self, bound, args);
}

static bool method_repr(PyCtx *py, PyValue self, StrBuf *out) {
    const PyMethod *method = (const PyMethod *)self.u.o;
    (void)py;
    strbuf_printf(out, "<built-in method %s of %s object>", method->def->name,
                  py_type_name(method->self));
    return true;
}

const PyType py_method_type = {.name = "builtin_function_or_method",
                               .dealloc = method_dealloc,
                               .call = method_call,
                               .repr = method_repr};

PyValue py_method_bind(PyCtx *py, PyValue self, const PyMethodDef *def) {
    PyMethod *method = py_object_new(py, &py_method_type, sizeof *method);
    method->self = py_incref(self);
    method->def = def;
    return py_from_object(&method->base);
}

const PyMethodDef *py_method_find(const PyMethodDef *table, Sym name) {
    for (const PyMethodDef *def = table; def != NULL && def->name != NULL; def++) {
        if (def->name[0] == name[0] && strcmp(def->name, name) == 0)
            return def;
    }
    return NULL;
}

char *py_heap_strdup(PyCtx *py, const char *text) {
    size_t size = strlen(text) + 1;
    char *copy = oom_malloc(py->oom, size);
    memcpy(copy, text, size);
    return copy;
}

const char *py_suggest(PyCtx *py, const char *word, const char *const *names, size_t count) {
    const char *near = closest_word(word, names, count);
    return near == NULL ? NULL : arena_printf(py->scratch, "did you mean `%s`?", near);
}
