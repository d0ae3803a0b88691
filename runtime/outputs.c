/* outputs.c -- names the outputs of a build and writes them, all or none.
 *
 * In a folder an output is called after its kernel and kind; further specialisations of a kernel
 * are numbered in the order they were made, and if there are several targets the name says which:
 *
 *     add_kernel.tile   add_kernel.2.tile   softmax.tile   k.ast   add_kernel.sm_80.ptx
 */
#include "runtime/outputs.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/io.h"
#include "support/str.h"

static const char *ending_of(const Output *output) {
    return output->ending != NULL ? output->ending : emit_infos[output->kind].name;
}

void outputs_add(Outputs *outputs, const Output *output) {
    size_t same = 0;
    for (size_t i = 0; i < outputs->list.len; i++) {
        const Output *other = &outputs->list.data[i];
        same += str_eq(ending_of(other), ending_of(output)) && str_eq(other->name, output->name) &&
                (output->target == NULL || str_eq(other->target, output->target));
    }
    Arena *arena = session_arena(outputs->session);
    StrBuf name = STRBUF(arena);
    strbuf_puts(&name, output->name);
    if (same > 0) {
        strbuf_printf(&name, ".%zu", same + 1);
    }
    if (output->target != NULL) {
        strbuf_printf(&name, ".%s", output->target);
    }
    strbuf_printf(&name, ".%s", ending_of(output));
    vec_push(arena, &outputs->list, *output);
    vec_last(&outputs->list).file_name = strbuf_str(&name);
}

static SessionStatus report_several(const Outputs *outputs, const char *where) {
    Diag *diag = diag_report(session_diags(outputs->session), DIAG_OUTPUT_SEVERAL, SRC_NONE,
                             outputs->list.len, where);
    StrBuf names = STRBUF(session_arena(outputs->session));
    for (size_t i = 0; i < outputs->list.len; i++) {
        strbuf_printf(&names, "%s%s", i == 0 ? "" : ", ", outputs->list.data[i].file_name);
    }
    diag_note(diag, SRC_NONE, "they are %s", strbuf_str(&names));
    diag_help(diag, "write them to a folder: -o DIR/");
    return STATUS_USAGE;
}

static SessionStatus report_unwritable(const Outputs *outputs, const char *error) {
    diag_report(session_diags(outputs->session), DIAG_FILE_UNWRITABLE, SRC_NONE, error);
    return STATUS_FAILED;
}

/* Writes every output into `folder`, which is made if it is not there. */
static SessionStatus write_folder(Outputs *outputs, const char *folder) {
    Arena *arena = session_arena(outputs->session);
    bool made = mkdir(folder, 0777) == 0;
    if (!made && errno != EEXIST) {
        return report_unwritable(outputs, arena_printf(arena, "%s: %s", folder, strerror(errno)));
    }
    IoOutputs *files = io_outputs_create(arena);
    const char *error = NULL;
    bool ok = true;
    for (size_t i = 0; ok && i < outputs->list.len; i++) {
        const Output *output = &outputs->list.data[i];
        const char *slash = str_ends(folder, "/") ? "" : "/";
        const char *path = arena_printf(arena, "%s%s%s", folder, slash, output->file_name);
        ok = io_outputs_add(files, path, output->text, output->len, &error);
    }
    ok = ok && io_outputs_commit(files, &error);
    if (ok) {
        return STATUS_OK;
    }
    io_outputs_abort(files);
    if (made) {
        rmdir(folder);
    }
    return report_unwritable(outputs, error);
}

SessionStatus outputs_write(Outputs *outputs, const char *where) {
    bool standard = str_eq(where, "-");
    if (!standard && (str_ends(where, "/") || io_is_dir(where))) {
        return write_folder(outputs, where);
    }
    if (outputs->list.len != 1) {
        return report_several(outputs, where);
    }
    Arena *arena = session_arena(outputs->session);
    const Output *output = &outputs->list.data[0];
    if (standard && output->kind == EMIT_CUBIN && isatty(STDOUT_FILENO)) {
        Diag *diag = diag_report(session_diags(outputs->session), DIAG_OUTPUT_TERMINAL, SRC_NONE,
                                 emit_infos[output->kind].name);
        diag_help(diag, "write it to a file: -o %s", output->file_name);
        return STATUS_USAGE;
    }
    const char *error;
    if (!io_write_file(arena, where, output->text, output->len, &error)) {
        const char *shown = standard ? "standard output" : where;
        return report_unwritable(outputs, arena_printf(arena, "%s: %s", shown, error));
    }
    return STATUS_OK;
}
