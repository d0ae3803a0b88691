/* spec_diag.c -- messages of the specialiser: where they point and what they add.
 *
 * An error inside a jit function that was called gets a note per call ("in `f`, called from here");
 * an error inside library code points to the user's call instead, because that is what the user can
 * change. Example: tl.softmax(p) of a pointer fails within softmax, and is reported at
 * `tl.softmax(p)`.
 */
#include "frontend/spec.h"

#include <string.h>

static bool is_library_frame(const Frame *frame) {
    return frame && frame->fn->is_stdlib;
}

SrcRange spec_at(Spec *s, SrcRange range) {
    SrcRange old = s->b.range;
    if (is_library_frame(s->frame))
        return old; /* set by the call that entered the library */
    s->b.range = range;
    return old;
}

/* A place in a library function as one of its caller: the argument, if just a parameter stands
 * there, else the call. So a wrong axis of tl.sum(x, axis=2) is reported at the 2. */
static SrcRange callers_place(const Frame *frame, SrcRange place) {
    const SrcFile *file = frame->fn->file;
    for (size_t i = 0; i < frame->fn->num_params && place.file == file->id; i++) {
        const Arg *param = spec_parameter(frame->fn->def, i);
        size_t len = strlen(param->name);
        bool stands_there =
            place.hi - place.lo == len && memcmp(file->text + place.lo, param->name, len) == 0;
        SrcRange argument = frame->arg_ranges[i];
        bool given = memcmp(&argument, &param->range, sizeof argument) != 0;
        if (stands_there && given)
            return argument;
    }
    return frame->call;
}

static Diag *add_calls(Spec *s, Diag *diag) {
    const Frame *frame = s->frame;
    if (is_library_frame(frame)) {
        const Frame *outermost = frame;
        while (is_library_frame(outermost->caller))
            outermost = outermost->caller;
        if (outermost->caller) { /* the check of the library itself has no user's call */
            SrcRange place = diag->range;
            for (const Frame *f = s->frame; f != outermost->caller; f = f->caller)
                place = callers_place(f, place);
            diag->range = place;
            diag_note(diag, SRC_NONE, "found in the library function `%s`", outermost->fn->name);
        }
        frame = outermost->caller ? outermost->caller : outermost;
    }
    for (; frame && frame->caller; frame = frame->caller)
        diag_note(diag, frame->call, "in `%s`, called from here", frame->fn->name);
    return diag;
}

Diag *spec_blame(Spec *s, Diag *diag) {
    s->errors++;
    if (s->dry == 0)
        s->reported = true;
    return add_calls(s, diag);
}

Diag *spec_warn(Spec *s, Diag *diag) {
    return add_calls(s, diag);
}

SVal spec_exception(Spec *s, SrcRange range) {
    PyCtx *py = s->py;
    PyValue exception = py_incref(py->exception);
    py_clear_exception(py);
    StrBuf text = STRBUF(s->arena);
    if (!py_str_of(py, exception, &text))
        py_clear_exception(py);
    SPEC_ERROR(s, DIAG_KERNEL_PYTHON, range, py_type_name(exception), strbuf_str(&text));
    py_decref(py, exception);
    return SVAL_ERROR;
}
