/* draw.c -- `tkc draw`: runs a program and draws what one of its launches touches.
 *
 * The program runs on the cpu device until the launch that is asked for. That one is observed, or,
 * if lanes are wanted, run as the compiler lays it out for a GPU and observed so; then the program
 * ends. What it prints is not shown.
 */
#include "runtime/draw/picture.h"

#include <inttypes.h>
#include <string.h>

#include "runtime/compile.h"
#include "runtime/program.h"
#include "support/io.h"

typedef VEC(const char *) Names;

typedef struct DrawRequest {
    Session *session;
    const char *path;
    const DrawOptions *options;
    FILE *nowhere;
    uint64_t launches; /* of the kernel asked for, or of any */
    Names launched;    /* names of kernels, each once */
    bool found;        /* the launch was seen */
    bool failed;       /* and refused: reported */
    bool over;         /* what follows is not run */
    StrBuf text;
} DrawRequest;

/* ---- what can be wrong ----------------------------------------------------------------------- */

static void suggest(Diag *diag, const char *word, const Names *names) {
    const char *near = closest_word(word, names->data, names->len);
    if (near != NULL)
        diag_help(diag, "did you mean `%s`?", near);
}

static const char *join(Arena *arena, const Names *names) {
    StrBuf text = STRBUF(arena);
    for (size_t i = 0; i < names->len; i++)
        strbuf_printf(&text, "%s`%s`", i > 0 ? ", " : "", names->data[i]);
    return strbuf_str(&text);
}

static void report_no_launch(const DrawRequest *request, const char *file) {
    Session *session = request->session;
    const DrawOptions *options = request->options;
    const char *kernel = options->kernel;
    const char *what = kernel != NULL ? arena_printf(session->arena, "`%s`", kernel) : "a kernel";
    const char *why = arena_printf(session->arena, "`%s` does not launch %s", file, what);
    if (request->launches > 0)
        why = arena_printf(session->arena, "`%s` launches %s %" PRIu64 " time%s, not %" PRIu64,
                           file, what, request->launches, request->launches == 1 ? "" : "s",
                           options->launch);
    Diag *diag = diag_report(session->diags, DIAG_DRAW_NOTHING, SRC_NONE, why);
    if (request->launches == 0 && request->launched.len > 0) {
        diag_note(diag, SRC_NONE, "it launches %s", join(session->arena, &request->launched));
        suggest(diag, kernel, &request->launched);
    }
}

/* The parameter that --tensor names, -1: all; false: there is none such, reported. */
static bool find_tensor(DrawRequest *request, const IrKernel *kernel, const DeviceLaunch *launch,
                        int *param) {
    const char *wanted = request->options->tensor;
    Arena *arena = request->session->arena;
    Names names = {0};
    *param = -1;
    for (unsigned i = 0; i < launch->num_args; i++) {
        if (launch->args[i].kind == INTERP_SCALAR)
            continue;
        const char *name = kernel->params.data[i].name;
        vec_push(arena, &names, name);
        if (wanted != NULL && str_eq(name, wanted))
            *param = (int)i;
    }
    if (wanted == NULL || *param >= 0)
        return true;
    Diag *diag =
        diag_report(request->session->diags, DIAG_DRAW_TENSOR, SRC_NONE, kernel->name, wanted);
    diag_note(diag, SRC_NONE, "its tensors are %s", join(arena, &names));
    suggest(diag, wanted, &names);
    return false;
}

static const char *ids_text(Arena *arena, const int64_t ids[3], int count) {
    StrBuf text = STRBUF(arena);
    strbuf_printf(&text, "(%" PRId64, ids[0]);
    for (int d = 1; d < count; d++)
        strbuf_printf(&text, ", %" PRId64, ids[d]);
    strbuf_puts(&text, ")");
    return strbuf_str(&text);
}

static int grid_rank(const int64_t grid[3]) {
    return grid[2] > 1 ? 3 : grid[1] > 1 ? 2 : 1;
}

static const char *grid_text(Arena *arena, const int64_t grid[3]) {
    StrBuf text = STRBUF(arena);
    strbuf_printf(&text, "%" PRId64, grid[0]);
    for (int d = 1; d < grid_rank(grid); d++)
        strbuf_printf(&text, "x%" PRId64, grid[d]);
    return strbuf_str(&text);
}

/* The number of the program asked for, -1: all; false: there is none such, reported. */
static bool find_program(DrawRequest *request, const DeviceLaunch *launch, int64_t *program) {
    const DrawOptions *options = request->options;
    *program = -1;
    if (!options->one_program && !options->lanes)
        return true;
    Arena *arena = request->session->arena;
    int64_t number = 0;
    bool inside = true;
    for (int d = 2; d >= 0; d--) {
        inside &= options->program[d] >= 0 && options->program[d] < launch->grid[d];
        number = number * launch->grid[d] + options->program[d];
    }
    *program = number;
    if (!inside) {
        int count = grid_rank(launch->grid);
        count = options->program[2] > 0 ? 3 : options->program[1] > 0 && count < 2 ? 2 : count;
        Diag *diag =
            diag_report(request->session->diags, DIAG_DRAW_PROGRAM, SRC_NONE,
                        ids_text(arena, options->program, count), grid_text(arena, launch->grid));
        diag_note(diag, SRC_NONE, "ids count from 0");
    }
    return inside;
}

/* ---- the picture ----------------------------------------------------------------------------- */

/* "add_kernel, launched at add.tk:17 over 4 programs". */
static const char *title_of(Session *session, const IrKernel *kernel, const DeviceLaunch *launch) {
    const SrcFile *file = sources_file(session->sources, launch->call.file);
    const char *place = "";
    if (file != NULL) {
        const char *slash = strrchr(file->name, '/');
        place = arena_printf(session->arena, ", launched at %s:%u",
                             slash != NULL ? slash + 1 : file->name,
                             source_pos(file, launch->call.lo).line);
    }
    bool one = launch->grid[0] * launch->grid[1] * launch->grid[2] == 1;
    return arena_printf(session->arena, "%s%s over %s program%s", kernel->name, place,
                        grid_text(session->arena, launch->grid), one ? "" : "s");
}

static const char *subtitle_of(const DrawRequest *request, const DeviceLaunch *launch) {
    const DrawOptions *options = request->options;
    Arena *arena = request->session->arena;
    if (!options->one_program && !options->lanes)
        return "which program touches which element";
    const char *ids = ids_text(arena, options->program, grid_rank(launch->grid));
    if (options->lanes)
        return arena_printf(arena,
                            "which lanes of program %s touch which element, as compiled "
                            "for " SESSION_DEFAULT_TARGET,
                            ids);
    return arena_printf(arena, "what program %s touches", ids);
}

static bool draw_recording(DrawRequest *request, const DeviceLaunch *launch,
                           const Recorder *recorder) {
    Session *session = request->session;
    if (recorder->too_big != NULL) {
        const Panel *panel = recorder->too_big;
        Diag *diag = diag_report(session->diags, DIAG_DRAW_TOO_BIG, SRC_NONE, panel->name,
                                 (long long)panel->rows, (long long)panel->cols);
        diag_note(diag, SRC_NONE, "at most %lld elements are recorded of a tensor",
                  (long long)RECORD_MAX_ELEMENTS);
        diag_help(diag, "draw a launch with smaller tensors, which looks the same");
        return false;
    }
    Picture picture = {
        .title = title_of(session, recorder->kernel, launch),
        .subtitle = subtitle_of(request, launch),
        .steps = recorder->program >= 0,
        .lanes = recorder->lanes,
    };
    memcpy(picture.grid, launch->grid, sizeof picture.grid);
    if (request->options->output != NULL) {
        picture_fill(&picture, recorder, &picture_svg_limits);
        picture_svg(&picture, &request->text);
    } else {
        picture_fill(&picture, recorder, &picture_text_limits);
        picture_text(&picture, request->options->width, request->options->color, &request->text);
    }
    return true;
}

/* The launch as it is carried out on a GPU, in the interpreter. */
static DeviceStatus launch_laid(DrawRequest *request, const IrKernel *kernel,
                                const DeviceLaunch *launch, Diags *diags) {
    Session *session = request->session;
    CompileOptions compile = {.target = SESSION_DEFAULT_TARGET};
    IrModule *laid = compile_laid(session->arena, kernel, &compile, diags);
    InterpKernel *code =
        laid == NULL ? NULL : interp_compile(session->arena, laid->kernels.data[0], diags);
    if (code == NULL)
        return DEVICE_REFUSED;
    InterpStatus status =
        interp_launch(code, session->program->open.device->space, launch->grid, launch->args,
                      launch->num_args, launch->options, diags, launch->call);
    return status == INTERP_OK          ? DEVICE_OK
           : status == INTERP_FAULT     ? DEVICE_FAULT
           : status == INTERP_CANCELLED ? DEVICE_CANCELLED
                                        : DEVICE_REFUSED;
}

/* Runs the launch, watching. */
static DeviceStatus observe(DrawRequest *request, const Variant *variant,
                            const DeviceLaunch *launch, Diags *diags) {
    Session *session = request->session;
    Device *device = session->program->open.device;
    const IrKernel *kernel = variant->optimised->kernels.data[0];
    Recorder recorder = {
        .arena = session->arena,
        .scratch = arena_create(&session->oom),
        .kernel = kernel,
        .args = launch->args,
        .grid = launch->grid,
        .lanes = request->options->lanes,
    };
    DeviceStatus status = DEVICE_OK;
    request->failed = !find_tensor(request, kernel, launch, &recorder.only_param) ||
                      !find_program(request, launch, &recorder.program);
    if (!request->failed) {
        InterpObserver observer = record_observer(&recorder);
        InterpOptions interp = *launch->options;
        interp.observer = &observer;
        DeviceLaunch observed = *launch;
        observed.options = &interp;
        status = recorder.lanes ? launch_laid(request, kernel, &observed, diags)
                                : device->ops->launch(device, variant->code, &observed, diags);
        request->failed = status == DEVICE_OK && !draw_recording(request, launch, &recorder);
    }
    arena_destroy(recorder.scratch);
    return status;
}

/* "2  add_kernel over 4 programs: x_ptr f32[1000], n 1000". */
static void list_launch(DrawRequest *request, const IrKernel *kernel, const DeviceLaunch *launch) {
    Arena *arena = request->session->arena;
    StrBuf *out = &request->text;
    strbuf_printf(out, "%" PRIu64 "  %s", request->launches,
                  title_of(request->session, kernel, launch));
    const char *before = ":";
    for (unsigned i = 0; i < launch->num_args; i++) {
        if (launch->args[i].kind == INTERP_SCALAR)
            continue;
        strbuf_printf(out, "%s %s %s", before, kernel->params.data[i].name,
                      picture_shape(arena, &launch->args[i].view));
        before = ",";
    }
    strbuf_putc(out, '\n');
}

static void note_name(DrawRequest *request, const char *name) {
    for (size_t i = 0; i < request->launched.len; i++) {
        if (str_eq(request->launched.data[i], name))
            return;
    }
    vec_push(request->session->arena, &request->launched, name);
}

static DeviceStatus watch_launch(void *data, const Variant *variant, const DeviceLaunch *launch,
                                 Diags *diags, bool *stop) {
    DrawRequest *request = data;
    const DrawOptions *options = request->options;
    Device *device = request->session->program->open.device;
    const char *name = variant->optimised->kernels.data[0]->name;
    *stop = request->found;
    if (request->found) /* the program went on after it was stopped */
        return DEVICE_OK;
    bool empty = launch->grid[0] <= 0 || launch->grid[1] <= 0 || launch->grid[2] <= 0;
    if (!empty)
        note_name(request, name);
    bool counts = !empty && (options->kernel == NULL || str_eq(options->kernel, name));
    request->launches += counts;
    if (counts && options->list)
        list_launch(request, variant->optimised->kernels.data[0], launch);
    if (!counts || options->list || request->launches != options->launch)
        return device->ops->launch(device, variant->code, launch, diags);
    request->found = *stop = true;
    return observe(request, variant, launch, diags);
}

/* ---- the session's function ------------------------------------------------------------------ */

static SessionStatus write_picture(DrawRequest *request) {
    Session *session = request->session;
    const char *output = request->options->output, *error;
    if (output == NULL)
        output = "-";
    if (str_eq(output, "-")) {
        fwrite(request->text.data, 1, request->text.len, session->options.out);
        return STATUS_OK;
    }
    if (io_write_file(session->arena, output, request->text.data, request->text.len, &error))
        return STATUS_OK;
    diag_report(session->diags, DIAG_FILE_UNWRITABLE, SRC_NONE,
                arena_printf(session->arena, "%s: %s", output, error));
    return STATUS_FAILED;
}

static SessionStatus draw(Session *session, void *data) {
    DrawRequest *request = data;
    const SrcFile *file = session_load(session, request->path);
    const Module *module = file == NULL ? NULL : session_parse(session, file);
    if (module == NULL)
        return STATUS_FAILED;
    LaunchWatch watch = {.data = request, .launch = watch_launch};
    ProgramOptions options = {
        .args = &request->path,
        .num_args = 1,
        .launches = true,
        .device = DEVICE_CPU,
        .watch = &watch,
        .out = request->nowhere != NULL ? request->nowhere : session->options.err,
    };
    if (!program_open(session->program, session, module, &options))
        return STATUS_NO_DEVICE;
    SessionStatus status = program_run(session->program);
    if (request->found && status != STATUS_FAULT && status != STATUS_INTERRUPTED)
        return request->failed ? STATUS_FAILED : write_picture(request);
    if (status == STATUS_OK && request->options->list && request->launches > 0)
        return write_picture(request);
    if (status == STATUS_OK || (!request->found && status == STATUS_FAILED &&
                                diags_count(session->diags, SEV_ERROR) == 0)) {
        report_no_launch(request, file->name);
        return STATUS_FAILED;
    }
    return status;
}

SessionStatus session_draw(Session *session, const char *path, const DrawOptions *options) {
    DrawRequest request = {.session = session, .path = path, .options = options};
    request.text = STRBUF(session->arena);
    request.nowhere = fopen("/dev/null", "w");
    SessionStatus status = session_guard(session, draw, &request);
    if (request.nowhere != NULL)
        fclose(request.nowhere);
    return status;
}
