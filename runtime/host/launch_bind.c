/* launch_bind.c -- the arguments and the grid of a launch.
 *
 * kernel[grid](x, y, n, BLOCK=128, num_warps=8): positional arguments go to the parameters in
 * order, keywords to parameters or to launch options (launch_options.def), what is missing to
 * defaults. The grid may be a function; it gets a dict of all bound arguments.
 */
#include <string.h>

#include "runtime/host/launch_internal.h"

/* ---- launch options -------------------------------------------------------------------------- */

typedef enum OptionKind { OPTION_INT, OPTION_BOOL, OPTION_IGNORED } OptionKind;
typedef enum OptionField {
    FIELD_,
    FIELD_num_warps,
    FIELD_num_stages,
    FIELD_num_ctas,
    FIELD_maxnreg,
    FIELD_fp_fusion,
    FIELD_debug,
    FIELD_sanitize_overflow
} OptionField;
static const struct {
    const char *keyword;
    OptionField field;
    OptionKind kind;
} option_rows[] = {
#define LAUNCH_OPTION(keyword, field, kind) {keyword, FIELD_##field, OPTION_##kind},
#include "runtime/host/launch_options.def"
#undef LAUNCH_OPTION
};

static void set_field(SpecOptions *options, OptionField field, int value) {
    switch (field) {
    case FIELD_:
        break;
    case FIELD_num_warps:
        options->num_warps = value;
        break;
    case FIELD_num_stages:
        options->num_stages = value;
        break;
    case FIELD_num_ctas:
        options->num_ctas = value;
        break;
    case FIELD_maxnreg:
        options->maxnreg = value;
        break;
    case FIELD_fp_fusion:
        options->fp_fusion = value != 0;
        break;
    case FIELD_debug:
        options->debug = value != 0;
        break;
    case FIELD_sanitize_overflow:
        options->sanitize_overflow = value != 0;
        break;
    }
}

/* Is `name` a launch option? Then sets it (false with an exception if its value is wrong). */
static bool take_option(Launch *launch, Sym name, PyValue value, SrcRange range, bool *is_option) {
    for (size_t i = 0; i < TK_COUNTOF(option_rows); i++) {
        if (strcmp(option_rows[i].keyword, name) != 0)
            continue;
        *is_option = true;
        if (option_rows[i].kind == OPTION_IGNORED || value.tag == PY_NONE_TAG)
            return true;
        if (option_rows[i].kind == OPTION_BOOL) {
            int truth = py_truth(launch->py, value);
            set_field(&launch->options, option_rows[i].field, truth);
            return truth >= 0;
        }
        int64_t number;
        bool small = py_to_i64(py_unwrap_constexpr(value), &number) && number > 0 && number <= 1024;
        bool power_wanted = option_rows[i].field == FIELD_num_warps;
        if (!small || (power_wanted && (number & (number - 1)) != 0)) {
            py_raise_at(launch->py, PYEXC_ValueError, range, NULL, "%s must be a %s", name,
                        power_wanted ? "power of two from 1 to 1024" : "number from 1 to 1024");
            return false;
        }
        set_field(&launch->options, option_rows[i].field, (int)number);
        return true;
    }
    *is_option = false;
    return true;
}

/* ---- arguments ------------------------------------------------------------------------------- */

static size_t find_param(const JitFn *fn, Sym name) {
    size_t i = 0;
    while (i < fn->num_params && jit_param(fn->def, i)->name != name)
        i++;
    return i;
}

/* A keyword that is neither parameter nor option, with the nearest that is. */
static bool refuse_keyword(Launch *launch, Sym name, SrcRange range) {
    PyCtx *py = launch->py;
    const JitFn *fn = launch->fn;
    ArenaMark mark = arena_mark(py->scratch);
    size_t count = 0;
    const char **words =
        ARENA_ARRAY(py->scratch, const char *, fn->num_params + TK_COUNTOF(option_rows));
    for (size_t i = 0; i < fn->num_params; i++)
        words[count++] = jit_param(fn->def, i)->name;
    for (size_t i = 0; i < TK_COUNTOF(option_rows); i++)
        words[count++] = option_rows[i].keyword;
    const char *near = closest_word(name, words, count);
    const char *help = near != NULL ? arena_printf(py->scratch, "did you mean `%s`?", near) : NULL;
    py_raise_at(py, PYEXC_KeyError, range, help,
                "Keyword argument %s was specified but unrecognised", name);
    arena_reset(py->scratch, mark);
    return false;
}

static bool bind_keyword(Launch *launch, size_t index) {
    const PyArgs *args = launch->args;
    Sym name = args->kw_names[index];
    SrcRange range = args->kw_ranges != NULL ? args->kw_ranges[index] : args->range;
    size_t param = find_param(launch->fn, name);
    if (param < launch->fn->num_params) {
        if (!py_failed(launch->values[param])) {
            py_raise_at(launch->py, PYEXC_TypeError, range, NULL,
                        "%s() got multiple values for argument '%s'", launch->fn->name, name);
            return false;
        }
        launch->values[param] = args->kw_values[index];
        launch->ranges[param] = range;
        return true;
    }
    bool is_option;
    if (!take_option(launch, name, args->kw_values[index], range, &is_option))
        return false;
    return is_option || refuse_keyword(launch, name, range);
}

static bool bind_missing(Launch *launch) {
    const JitFn *fn = launch->fn;
    PyCtx *py = launch->py;
    ArenaMark mark = arena_mark(py->scratch);
    StrBuf missing = STRBUF(py->scratch);
    size_t count = 0;
    for (size_t i = 0; i < fn->num_params; i++) {
        if (!py_failed(launch->values[i]))
            continue;
        launch->values[i] = fn->defaults[i];
        launch->ranges[i] = SRC_NONE;
        if (py_failed(fn->defaults[i]))
            strbuf_printf(&missing, "%s'%s'", count++ > 0 ? ", " : "", jit_param(fn->def, i)->name);
    }
    if (count > 0)
        py_raise_at(py, PYEXC_TypeError, launch->args->range, NULL,
                    "%s() missing %zu required argument%s: %s", fn->name, count,
                    count == 1 ? "" : "s", strbuf_str(&missing));
    arena_reset(py->scratch, mark);
    return count == 0;
}

bool launch_bind(Launch *launch) {
    const PyArgs *args = launch->args;
    size_t count = launch->fn->num_params;
    if (args->num_pos > count) {
        SrcRange range = args->pos_ranges != NULL ? args->pos_ranges[count] : args->range;
        py_raise_at(launch->py, PYEXC_TypeError, range, NULL,
                    "%s() takes %zu arguments but %zu were given", launch->fn->name, count,
                    args->num_pos);
        return false;
    }
    launch->values = ARENA_ARRAY(launch->py->scratch, PyValue, count + 1);
    launch->ranges = ARENA_ARRAY(launch->py->scratch, SrcRange, count + 1);
    for (size_t i = 0; i < count; i++) {
        bool given = i < args->num_pos;
        launch->values[i] = given ? args->pos[i] : PY_FAIL;
        launch->ranges[i] = given && args->pos_ranges != NULL ? args->pos_ranges[i] : args->range;
    }
    for (size_t i = 0; i < args->num_kw; i++)
        if (!bind_keyword(launch, i))
            return false;
    return bind_missing(launch);
}

/* ---- grid ------------------------------------------------------------------------------------ */

static const int64_t grid_limits[3] = {2147483647, 65535, 65535};

static PyValue bound_arguments(Launch *launch) {
    PyCtx *py = launch->py;
    PyValue dict = py_dict(py);
    for (size_t i = 0; i < launch->fn->num_params; i++) {
        PyValue name = py_str(py, jit_param(launch->fn->def, i)->name);
        py_dict_set(py, dict, name, py_unwrap_constexpr(launch->values[i]));
        py_decref(py, name);
    }
    return dict;
}

static bool refuse_grid(Launch *launch, const char *help, const char *what) {
    py_raise_at(launch->py, PYEXC_TypeError, launch->args->range, help,
                "the grid of %s must be a tuple of 1 to 3 integers, not %s", launch->fn->name,
                what);
    return false;
}

static bool grid_dimension(Launch *launch, PyValue item, size_t axis) {
    PyCtx *py = launch->py;
    PyValue number = torch_is_tensor(item) ? torch_item(py, item) : py_incref(item);
    if (py_failed(number))
        return false;
    int64_t size = 0;
    bool is_int = py_is_int(number) || number.tag == PY_BOOL_TAG;
    bool fits = is_int && py_to_i64(number, &size);
    py_decref(py, number);
    if (!is_int) {
        py_raise_at(py, PYEXC_TypeError, launch->args->range,
                    "use integer division: triton.cdiv(n, BLOCK), or a // b",
                    "dimension %zu of the grid of %s is of type %s, not int", axis,
                    launch->fn->name, py_type_name(item));
        return false;
    }
    if (!fits || size < 0 || size > grid_limits[axis]) {
        py_raise_at(py, PYEXC_ValueError, launch->args->range, NULL,
                    "dimension %zu of the grid of %s is %s%lld; it must be from 0 to %lld", axis,
                    launch->fn->name, fits ? "" : "beyond ", (long long)size,
                    (long long)grid_limits[axis]);
        return false;
    }
    launch->grid[axis] = size;
    return true;
}

static bool grid_from_sequence(Launch *launch, PyValue grid) {
    PyValue sequence = torch_size_tuple(grid);
    if (py_is_int(sequence))
        return refuse_grid(launch, "write kernel[(n,)](...), with a comma", "an int");
    if (!py_is_tuple(sequence) && !py_is_list(sequence))
        return refuse_grid(launch, NULL, py_type_name(sequence));
    size_t rank = py_seq_len(sequence);
    if (rank < 1 || rank > 3)
        return refuse_grid(launch, NULL, rank == 0 ? "an empty one" : "one of more than 3");
    for (size_t axis = 0; axis < 3; axis++)
        launch->grid[axis] = 1;
    for (size_t axis = 0; axis < rank; axis++)
        if (!grid_dimension(launch, py_seq_item(sequence, axis), axis))
            return false;
    return true;
}

bool launch_grid(Launch *launch, PyValue grid) {
    bool is_plain = grid.tag != PY_OBJECT_TAG || py_is_tuple(grid) || py_is_list(grid) ||
                    torch_is_size(grid) || py_is_str(grid);
    if (is_plain)
        return grid_from_sequence(launch, grid);
    PyValue bound = bound_arguments(launch);
    PyValue computed = py_call_values(launch->py, grid, &bound, 1);
    py_decref(launch->py, bound);
    bool ok = !py_failed(computed) && grid_from_sequence(launch, computed);
    py_decref(launch->py, computed);
    return ok;
}
