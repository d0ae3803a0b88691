/* program.c -- what stands behind a program that runs, made and taken down in the right order:
 * device memory and threads, then the Python context on top of them, then the modules that hold
 * tensors and compiled kernels.
 */
#include "runtime/program.h"

#include <string.h>

#include "runtime/aot/aot.h"

static LaunchState *open_launches(Program *program, const ProgramOptions *options) {
    const SessionOptions *session = &program->session->options;
    LaunchConfig config = {
        .device = program->open.device,
        .watch = options->watch,
        .builder = &program->builder,
        .keep_tile = options->keep_tile,
        .out = options->out,
        .tuned = session->tune_cache ? program->open.cache : NULL,
        .salt = program->open.cached.salt,
        .interp =
            {
                .bounds = session->bounds,
                .checks = session->checks,
                .shuffle = session->shuffle,
                .seed = session->seed,
                .pool = program->pool,
                .print_out = options->out,
                .cancel = session->cancel,
            },
    };
    return launch_state_create(program->py, &config);
}

bool program_open(Program *program, Session *session, const Module *module,
                  const ProgramOptions *options) {
    *program = (Program){.session = session, .module = module};
    program->pool = threads_create(options->launches ? session->options.threads : 1);
    if (!devices_open(session, options->device, &program->open)) {
        return false;
    }
    program->torch = torch_state_create(&session->oom, program->open.device, program->pool);
    if (program->pool == NULL || program->torch == NULL) {
        oom_raise(&session->oom);
    }
    program->py = py_ctx_create(&session->oom, session->arena, session->names, session->sources,
                                session->diags);
    program->builder = aot_builder(session);
    if (options->launches) {
        program->launch = open_launches(program, options);
    }
    HostOptions host = {
        .args = options->args,
        .num_args = options->num_args,
        .import_dirs = session->options.import_dirs,
        .num_import_dirs = session->options.num_import_dirs,
        .modules = session->options.modules,
        .num_modules = session->options.num_modules,
        .out = options->out,
        .err = session->options.err,
        .cancel = session->options.cancel,
        .torch = program->torch,
        .launch = program->launch,
    };
    program->has_host = host_create(program->py, &host);
    if (!program->has_host) {
        oom_raise(&session->oom);
    }
    return true;
}

void program_close(Program *program) {
    if (program->has_host) {
        host_destroy(program->py);
    }
    if (program->launch != NULL) {
        launch_state_destroy(program->launch);
    }
    if (program->py != NULL) {
        py_ctx_destroy(program->py);
    }
    torch_state_destroy(program->torch);
    devices_close(&program->open);
    if (program->pool != NULL) {
        threads_destroy(program->pool);
    }
    *program = (Program){0};
}

SessionStatus program_run(Program *program) {
    int exit_status = 0;
    HostStatus status = host_run(program->py, program->module, &exit_status);
    if (status == HOST_OK || status == HOST_EXIT) {
        /* What launches that nobody waited for did wrong. */
        bool well = torch_synchronize(program->py);
        py_clear_exception(program->py);
        status = well ? status : HOST_FAULT;
    }
    if (status != HOST_CANCELLED && launch_faulted(program->launch)) {
        return STATUS_FAULT;
    }
    switch (status) {
    case HOST_OK:
        return STATUS_OK;
    case HOST_EXCEPTION:
        return STATUS_FAILED;
    case HOST_FAULT:
        return STATUS_FAULT;
    case HOST_EXIT:
        return (SessionStatus)(exit_status & 0xff);
    case HOST_CANCELLED:
        break;
    }
    return STATUS_INTERRUPTED;
}

/* The jit function that a name's value is, or that autotune or heuristics were put around. */
static const JitFn *kernel_behind(PyCtx *py, PyValue value) {
    const JitFn *fn = jit_from_value(value);
    if (fn != NULL || value.tag != PY_OBJECT_TAG) {
        return fn;
    }
    bool found;
    PyValue base = py_getattr_opt(py, value, strtab_sym(py->names, "base_fn"), &found);
    if (!py_failed(base)) {
        fn = jit_from_value(base);
        py_decref(py, base);
    }
    py_clear_exception(py);
    return fn;
}

JitVec program_kernels(Program *program) {
    Arena *arena = program->session->arena;
    JitVec kernels = {0};
    PyEnv *env = host_define(program->py, program->module);
    const char **names;
    size_t count = py_env_names(env, arena, &names);
    for (size_t i = 0; i < count; i++) {
        PyValue value;
        Sym name = strtab_sym(program->session->names, names[i]);
        if (!py_env_get_local(env, name, &value)) {
            continue;
        }
        const JitFn *fn = kernel_behind(program->py, value);
        if (fn != NULL && fn->file == program->module->file) {
            vec_push(arena, &kernels, fn);
        }
    }
    return kernels;
}

const JitFn *program_find_kernel(Program *program, const JitVec *kernels, const char *name) {
    Arena *arena = program->session->arena;
    VEC(const char *) names = {0};
    for (size_t i = 0; i < kernels->len; i++) {
        if (str_eq(kernels->data[i]->name, name)) {
            return kernels->data[i];
        }
        vec_push(arena, &names, kernels->data[i]->name);
    }
    Diag *diag = diag_report(program->session->diags, DIAG_KERNEL_UNKNOWN, SRC_NONE,
                             program->module->file->name, name);
    const char *near = closest_word(name, names.data, names.len);
    if (near != NULL) {
        diag_help(diag, "did you mean `%s`?", near);
    }
    return NULL;
}
