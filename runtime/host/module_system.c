/* module_system.c -- the modules sys, os and time, as far as host programs of kernels use them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/host/host_internal.h"
#include "support/io.h"

#define BUILTIN(name) static PyValue name(PyCtx *py, TK_UNUSED void *data, const PyArgs *args)

static const char *bound_text(PyCtx *py, const PyArgs *args, const char *function) {
    PyValue v;
    return py_bind_text(py, function, args, "path", &v) ? host_arg_text(py, v, function) : NULL;
}

/* ---- sys --------------------------------------------------------------------------------------
 */

BUILTIN(sys_exit) {
    PyValue code;
    if (!py_bind_text(py, "exit", args, "status=", &code))
        return PY_FAIL;
    PyValue tuple = py_tuple(py, &code, !py_failed(code));
    PyValue exception = py_exception_new(py, py_exc_class(py, PYEXC_SystemExit), tuple, py->here);
    py_decref(py, tuple);
    py_clear_exception(py);
    py->exception = exception;
    return PY_FAIL;
}

BUILTIN(sys_getrecursionlimit) {
    return py_bind_text(py, "getrecursionlimit", args, "", NULL) ? py_int(HOST_MAX_CALLS) : PY_FAIL;
}

/* sys.stdout.write(text): data says which of the two. */
static PyValue stream_write(PyCtx *py, void *data, const PyArgs *args) {
    PyValue v;
    FILE *file = data;
    if (!py_bind_text(py, "write", args, "text", &v) || host_arg_text(py, v, "write") == NULL)
        return PY_FAIL;
    size_t len;
    const char *text = py_str_data(v, &len);
    fwrite(text, 1, len, file);
    return py_int((int64_t)((const PyStr *)v.u.o)->points);
}

static PyValue stream_flush(PyCtx *py, void *data, const PyArgs *args) {
    if (!py_bind_text(py, "flush", args, "", NULL))
        return PY_FAIL;
    fflush(data);
    return PY_NONE;
}

static PyValue stream_isatty(PyCtx *py, void *data, const PyArgs *args) {
    (void)data;
    return py_bind_text(py, "isatty", args, "", NULL) ? py_bool(false) : PY_FAIL;
}

static PyValue stream(PyCtx *py, const char *name, FILE *file) {
    PyValue module = py_module(py, name);
    py_module_set(py, module, "write", py_builtin(py, "write", stream_write, file));
    py_module_set(py, module, "flush", py_builtin(py, "flush", stream_flush, file));
    py_module_set(py, module, "isatty", py_builtin(py, "isatty", stream_isatty, file));
    return module;
}

PyValue host_text_list(PyCtx *py, const char *const *items, size_t count) {
    PyValue list = py_list(py, NULL, 0);
    for (size_t i = 0; i < count; i++) {
        PyValue item = py_str(py, items[i]);
        py_list_append(py, list, item);
        py_decref(py, item);
    }
    return list;
}

PyValue module_sys(PyCtx *py) {
    static const BuiltinRow rows[] = {
        {"exit", sys_exit}, {"getrecursionlimit", sys_getrecursionlimit}, {NULL, NULL}};
    const HostOptions *options = &py->host->options;
    PyValue module = py_module(py, "sys");
    PyValue version[5] = {py_int(3), py_int(12), py_int(0), py_str(py, "final"), py_int(0)};
    module_add_functions(py, module, rows);
    py_module_set(py, module, "argv", host_text_list(py, options->args, options->num_args));
    py_module_set(py, module, "path",
                  host_text_list(py, options->import_dirs, options->num_import_dirs));
    py_module_set(py, module, "stdout", stream(py, "sys.stdout", options->out));
    py_module_set(py, module, "stderr", stream(py, "sys.stderr", options->err));
    py_module_set(py, module, "version_info", py_tuple_steal(py, version, 5));
    py_module_set(py, module, "version", py_str(py, "3.12 (tkc)"));
    py_module_set(py, module, "platform", py_str(py, "linux"));
    py_module_set(py, module, "byteorder", py_str(py, "little"));
    py_module_set(py, module, "maxsize", py_int(INT64_MAX));
    py_module_set(py, module, "modules", py_incref(py->host->modules));
    return module;
}

/* ---- os ---------------------------------------------------------------------------------------
 */

BUILTIN(os_getenv) {
    PyValue a[2];
    const char *name, *value;
    if (!py_bind_text(py, "getenv", args, "key default=", a) ||
        (name = host_arg_text(py, a[0], "getenv")) == NULL)
        return PY_FAIL;
    value = getenv(name);
    if (value != NULL)
        return py_str(py, value);
    return py_failed(a[1]) ? PY_NONE : py_incref(a[1]);
}

BUILTIN(os_getcwd) {
    char path[4096];
    if (!py_bind_text(py, "getcwd", args, "", NULL))
        return PY_FAIL;
    if (getcwd(path, sizeof path) == NULL)
        return py_raise(py, PYEXC_OSError, "%s", strerror(errno));
    return py_str(py, path);
}

BUILTIN(os_cpu_count) {
    return py_bind_text(py, "cpu_count", args, "", NULL) ? py_int(sysconf(_SC_NPROCESSORS_ONLN))
                                                         : PY_FAIL;
}

BUILTIN(os_getpid) {
    return py_bind_text(py, "getpid", args, "", NULL) ? py_int(getpid()) : PY_FAIL;
}

BUILTIN(path_join) {
    ArenaMark mark = arena_mark(py->scratch);
    StrBuf path = STRBUF(py->scratch);
    for (size_t i = 0; i < args->num_pos; i++) {
        const char *part = host_arg_text(py, args->pos[i], "join");
        if (part == NULL)
            return PY_FAIL;
        if (part[0] == '/')
            path.len = 0;
        else if (path.len > 0 && path.data[path.len - 1] != '/')
            strbuf_putc(&path, '/');
        strbuf_puts(&path, part);
    }
    return py_str_finish(py, &path, mark);
}

BUILTIN(path_exists) {
    const char *path = bound_text(py, args, "exists");
    return path == NULL ? PY_FAIL : py_bool(io_exists(path));
}

BUILTIN(path_isfile) {
    const char *path = bound_text(py, args, "isfile");
    return path == NULL ? PY_FAIL : py_bool(io_exists(path) && !io_is_dir(path));
}

BUILTIN(path_isdir) {
    const char *path = bound_text(py, args, "isdir");
    return path == NULL ? PY_FAIL : py_bool(io_is_dir(path));
}

BUILTIN(path_basename) {
    const char *path = bound_text(py, args, "basename");
    if (path == NULL)
        return PY_FAIL;
    const char *slash = strrchr(path, '/');
    return py_str(py, slash != NULL ? slash + 1 : path);
}

BUILTIN(path_dirname) {
    const char *path = bound_text(py, args, "dirname");
    if (path == NULL)
        return PY_FAIL;
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path);
    return py_strn(py, path, len == 0 && slash != NULL ? 1 : len);
}

BUILTIN(path_splitext) {
    const char *path = bound_text(py, args, "splitext");
    if (path == NULL)
        return PY_FAIL;
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    const char *name = slash != NULL ? slash + 1 : path;
    size_t len = dot != NULL && dot > name ? (size_t)(dot - path) : strlen(path);
    PyValue both[2] = {py_strn(py, path, len), py_str(py, path + len)};
    return py_tuple_steal(py, both, 2);
}

/* An absolute path, without resolving links; realpath is the same here. */
BUILTIN(path_abspath) {
    char folder[4096];
    const char *path = bound_text(py, args, "abspath");
    if (path == NULL)
        return PY_FAIL;
    if (path[0] == '/')
        return py_str(py, path);
    if (getcwd(folder, sizeof folder) == NULL)
        return py_raise(py, PYEXC_OSError, "%s", strerror(errno));
    ArenaMark mark = arena_mark(py->scratch);
    StrBuf text = STRBUF(py->scratch);
    strbuf_printf(&text, "%s/%s", folder, path);
    return py_str_finish(py, &text, mark);
}

/* A copy of the environment: setting an entry changes nothing outside the program. */
static PyValue environment(PyCtx *py) {
    extern char **environ;
    PyValue dict = py_dict(py);
    for (char **entry = environ; entry != NULL && *entry != NULL; entry++) {
        size_t len = strcspn(*entry, "=");
        if ((*entry)[len] == '\0')
            continue;
        PyValue key = py_strn(py, *entry, len), value = py_str(py, *entry + len + 1);
        py_dict_set(py, dict, key, value);
        py_decref(py, key);
        py_decref(py, value);
    }
    return dict;
}

PyValue module_os(PyCtx *py) {
    static const BuiltinRow rows[] = {{"getenv", os_getenv},
                                      {"getcwd", os_getcwd},
                                      {"cpu_count", os_cpu_count},
                                      {"getpid", os_getpid},
                                      {NULL, NULL}};
    static const BuiltinRow path_rows[] = {{"join", path_join},         {"exists", path_exists},
                                           {"isfile", path_isfile},     {"isdir", path_isdir},
                                           {"basename", path_basename}, {"dirname", path_dirname},
                                           {"splitext", path_splitext}, {"abspath", path_abspath},
                                           {"realpath", path_abspath},  {NULL, NULL}};
    PyValue module = py_module(py, "os"), path = py_module(py, "os.path");
    module_add_functions(py, module, rows);
    module_add_functions(py, path, path_rows);
    py_module_set(py, path, "sep", py_str(py, "/"));
    py_module_set(py, module, "path", path);
    py_module_set(py, module, "sep", py_str(py, "/"));
    py_module_set(py, module, "linesep", py_str(py, "\n"));
    py_module_set(py, module, "name", py_str(py, "posix"));
    py_module_set(py, module, "environ", environment(py));
    return module;
}

/* ---- time -------------------------------------------------------------------------------------
 */

static struct timespec clock_now(clockid_t clock) {
    struct timespec now = {0, 0};
    clock_gettime(clock, &now);
    return now;
}

static PyValue seconds(PyCtx *py, const PyArgs *args, const char *name, clockid_t clock) {
    struct timespec now = clock_now(clock);
    return py_bind_text(py, name, args, "", NULL)
               ? py_float((double)now.tv_sec + (double)now.tv_nsec * 1e-9)
               : PY_FAIL;
}
static PyValue nanoseconds(PyCtx *py, const PyArgs *args, const char *name, clockid_t clock) {
    struct timespec now = clock_now(clock);
    return py_bind_text(py, name, args, "", NULL)
               ? py_int((int64_t)now.tv_sec * 1000000000 + now.tv_nsec)
               : PY_FAIL;
}
BUILTIN(time_time) {
    return seconds(py, args, "time", CLOCK_REALTIME);
}
BUILTIN(time_perf_counter) {
    return seconds(py, args, "perf_counter", CLOCK_MONOTONIC);
}
BUILTIN(time_monotonic) {
    return seconds(py, args, "monotonic", CLOCK_MONOTONIC);
}
BUILTIN(time_process_time) {
    return seconds(py, args, "process_time", CLOCK_PROCESS_CPUTIME_ID);
}
BUILTIN(time_time_ns) {
    return nanoseconds(py, args, "time_ns", CLOCK_REALTIME);
}
BUILTIN(time_perf_counter_ns) {
    return nanoseconds(py, args, "perf_counter_ns", CLOCK_MONOTONIC);
}

/* Sleeps in short naps, so that Ctrl-C is noticed. */
BUILTIN(time_sleep) {
    PyValue v;
    double left;
    if (!py_bind_text(py, "sleep", args, "seconds", &v) || !host_arg_double(py, v, &left))
        return PY_FAIL;
    if (left < 0)
        return py_raise(py, PYEXC_ValueError, "sleep length must be non-negative");
    for (; left > 0; left -= 0.1) {
        double nap = left < 0.1 ? left : 0.1;
        struct timespec pause = {0, (long)(nap * 1e9)};
        if (!host_go_on(py))
            return PY_FAIL;
        nanosleep(&pause, NULL);
    }
    return PY_NONE;
}

PyValue module_time(PyCtx *py) {
    static const BuiltinRow rows[] = {
        {"time", time_time},           {"perf_counter", time_perf_counter},
        {"monotonic", time_monotonic}, {"process_time", time_process_time},
        {"time_ns", time_time_ns},     {"perf_counter_ns", time_perf_counter_ns},
        {"sleep", time_sleep},         {NULL, NULL}};
    PyValue module = py_module(py, "time");
    module_add_functions(py, module, rows);
    return module;
}
