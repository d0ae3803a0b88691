/* run.c -- `tkc run`: a program on a device. */
#include "runtime/emu/emu_device.h"
#include "runtime/program.h"

typedef struct RunRequest {
    const char *path;
    const char *text; /* NULL: it is in the file `path` */
    size_t len;
    ProgramOptions options;
} RunRequest;

static SessionStatus run(Session *session, void *data) {
    const RunRequest *request = data;
    const SrcFile *file = request->text != NULL ? sources_add(session->sources, request->path,
                                                              request->text, request->len)
                                                : session_load(session, request->path);
    const Module *module = file == NULL ? NULL : session_parse(session, file);
    if (module == NULL) {
        return STATUS_FAILED;
    }
    if (!program_open(session->program, session, module, &request->options)) {
        return STATUS_NO_DEVICE;
    }
    Device *device = session->program->open.device;
    if (session->options.device == DEVICE_EMU) {
        device_emu_skip_barrier(device, session->options.skip_barrier);
    }
    SessionStatus status = program_run(session->program);
    if (session->options.list_barriers && session->options.device == DEVICE_EMU) {
        device_emu_barriers(device, session->sources, session->options.err);
    }
    if (session->options.profile && session->options.device == DEVICE_EMU) {
        device_emu_profile(device, session->sources, session->options.profile_json,
                           session->options.err);
    }
    return status;
}

static SessionStatus start(Session *session, RunRequest *request, const char *const *args,
                           size_t num_args) {
    request->options = (ProgramOptions){
        .args = args,
        .num_args = num_args,
        .launches = true,
        .device = session->options.device,
        .out = session->options.out,
    };
    return session_guard(session, run, request);
}

SessionStatus session_run(Session *session, const char *path, const char *const *args,
                          size_t num_args) {
    RunRequest request = {.path = path};
    return start(session, &request, args, num_args);
}

SessionStatus session_run_text(Session *session, const char *name, const char *text, size_t len) {
    RunRequest request = {.path = name, .text = text, .len = len};
    return start(session, &request, &name, 1);
}
