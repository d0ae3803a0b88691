/* builtins_bind.c -- the arguments of a call of a builtin, put in the order of its parameters.
 *
 * The parameter list of a row of builtins.def is text, in Python's form; it is read anew for each
 * call (a few dozen characters). Binding follows Python: positional ones first, then keywords; what
 * does not fit is reported in Python's words, a misspelt keyword with a "did you mean". Example:
 *
 *     tl.load(p, maskk=m)     error: load() got an unexpected keyword argument 'maskk'
 *                             help: did you mean `mask`?
 */
#include "frontend/builtins.h"

#include <stdlib.h>
#include <string.h>

/* ---- parameter lists ------------------------------------------------------------------------- */

/* The value of a default as builtins.def writes them. */
static SVal default_value(Spec *s, const char *text, size_t len) {
    if (len == 4 && memcmp(text, "None", len) == 0)
        return sv_none();
    if (len == 4 && memcmp(text, "True", len) == 0)
        return sv_bool(true);
    if (len == 5 && memcmp(text, "False", len) == 0)
        return sv_bool(false);
    if (len == 2 && memcmp(text, "()", len) == 0)
        return sv_tuple(s, NULL, 0);
    if (*text == '"') {
        return sv_from_py(s, py_strn(s->py, text + 1, len - 2), SRC_NONE);
    }
    return sv_int(strtoll(text, NULL, 10));
}

/* The length of one parameter: up to a comma outside of quotes. */
static size_t parameter_length(const char *text) {
    size_t len = 0;
    bool quoted = false;
    for (; text[len] && (quoted || text[len] != ','); len++)
        quoted ^= text[len] == '"';
    return len;
}

static void parse_parameters(Spec *s, const BuiltinRow *row, Builtin *out) {
    const char *text = row->params;
    *out = (Builtin){.row = row};
    while (*text) {
        size_t len = parameter_length(text);
        BuiltinParam *param = &out->params[out->num_params++];
        param->is_var = *text == '*';
        const char *name = text + (param->is_var ? 1 : 0);
        size_t name_len = strcspn(name, "=,");
        param->name = strtab_intern(s->py->names, name, name_len);
        param->default_ = SVAL_ERROR;
        if (name[name_len] == '=')
            param->default_ =
                default_value(s, name + name_len + 1, len - name_len - 1 - (param->is_var ? 1 : 0));
        if (param->is_var)
            param->default_ = sv_tuple(s, NULL, 0);
        text += len;
        text += strspn(text, ", ");
    }
}

/* ---- binding --------------------------------------------------------------------------------- */

typedef struct Binder {
    Spec *s;
    const Builtin *builtin;
    const SVal *self;
    const SArgs *args;
    Call *call;
} Binder;

static void set_argument(Call *call, unsigned i, SVal value, SrcRange range) {
    call->args[i] = value;
    call->ranges[i] = range;
    call->given[i] = true;
}

static bool too_many(Binder *b, size_t given, unsigned most) {
    Diag *d = SPEC_ERROR(b->s, DIAG_BUILTIN_TOO_MANY, b->args->range,
                         builtin_short_name(b->builtin->row), most, given);
    diag_note(d, SRC_NONE, "its parameters are: %s", b->builtin->row->params);
    return false;
}

/* The values from `from` on as the tuple of a `*name` parameter. */
static void bind_rest(Binder *b, unsigned param, const SVal *values, const SrcRange *ranges,
                      size_t from, size_t count) {
    SrcRange range = from < count ? range_join(ranges[from], ranges[count - 1]) : b->args->range;
    SVal rest = sv_tuple(b->s, values + from, count - from);
    if (from < count)
        set_argument(b->call, param, rest, range);
}

static bool bind_positional(Binder *b) {
    const SArgs *args = b->args;
    size_t extra = b->self ? 1 : 0, count = args->num_pos + extra;
    SVal *values = ARENA_ARRAY(b->s->arena, SVal, count);
    SrcRange *ranges = ARENA_ARRAY(b->s->arena, SrcRange, count);
    if (b->self) {
        values[0] = *b->self;
        ranges[0] = args->range;
    }
    for (size_t i = 0; i < args->num_pos; i++) {
        values[i + extra] = args->pos[i];
        ranges[i + extra] = args->pos_ranges[i];
    }
    for (unsigned i = 0; i < b->builtin->num_params; i++) {
        if (b->builtin->params[i].is_var) {
            bind_rest(b, i, values, ranges, i < count ? i : count, count);
            return true;
        }
        if (i < count)
            set_argument(b->call, i, values[i], ranges[i]);
    }
    return count <= b->builtin->num_params || too_many(b, count, b->builtin->num_params);
}

static bool unknown_keyword(Binder *b, size_t k) {
    const char *words[BUILTIN_MAX_PARAMS];
    Sym name = b->args->names[k];
    for (unsigned i = 0; i < b->builtin->num_params; i++)
        words[i] = b->builtin->params[i].name;
    Diag *d = SPEC_ERROR(b->s, DIAG_BUILTIN_KEYWORD, b->args->name_ranges[k],
                         builtin_short_name(b->builtin->row), name);
    const char *near = closest_word(name, words, b->builtin->num_params);
    if (near)
        diag_help(d, "did you mean `%s`?", near);
    else
        diag_note(d, SRC_NONE, "its parameters are: %s", b->builtin->row->params);
    return false;
}

static bool bind_keywords(Binder *b) {
    bool ok = true;
    for (size_t k = 0; k < b->args->num_names; k++) {
        unsigned i = 0;
        while (i < b->builtin->num_params && b->builtin->params[i].name != b->args->names[k])
            i++;
        if (i == b->builtin->num_params) {
            ok = unknown_keyword(b, k);
        } else if (b->call->given[i]) {
            SPEC_ERROR(b->s, DIAG_BUILTIN_TWICE, b->args->name_ranges[k],
                       builtin_short_name(b->builtin->row), b->args->names[k]);
            ok = false;
        } else {
            set_argument(b->call, i, b->args->values[k], b->args->value_ranges[k]);
        }
    }
    return ok;
}

static bool fill_defaults(Binder *b) {
    for (unsigned i = 0; i < b->builtin->num_params; i++) {
        const BuiltinParam *param = &b->builtin->params[i];
        if (b->call->given[i])
            continue;
        if (sv_is_error(param->default_)) {
            Diag *d = SPEC_ERROR(b->s, DIAG_BUILTIN_MISSING, b->args->range,
                                 builtin_short_name(b->builtin->row), param->name);
            diag_note(d, SRC_NONE, "its parameters are: %s", b->builtin->row->params);
            return false;
        }
        b->call->args[i] = param->default_;
        b->call->ranges[i] = b->args->range;
    }
    return true;
}

bool spec_bind_builtin(Spec *s, const BuiltinRow *row, const SVal *self, const SArgs *args,
                       Call *call) {
    Builtin *builtin = ARENA_NEW(s->arena, Builtin);
    parse_parameters(s, row, builtin);
    *call = (Call){.builtin = builtin, .range = args->range};
    Binder binder = {s, builtin, self, args, call};
    bool ok = bind_positional(&binder);
    ok = bind_keywords(&binder) && ok;
    return ok && fill_defaults(&binder);
}
