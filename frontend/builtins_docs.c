/* builtins_docs.c -- docs/builtins.md, printed from the table of builtins.
 *
 * The parameters of library functions are read from their sources. A row gives
 *
 *     ### `tl.sum(input, axis=None, keep_dims=False, dtype=None)`
 *     sum; integers narrower than 32 bits sum as 32 bits. Also `x.sum(...)`.
 */
#include "frontend/builtins_docs.h"
#include "frontend/builtins.h"

#include <string.h>

/* The headings, each in front of the row that begins its part. */
static const struct {
    const char *first_row, *heading;
} parts[] = {
    {"tl.program_id", "The grid"},
    {"tl.arange", "Creation and conversion"},
    {"tl.load", "Memory"},
    {"tl.make_block_ptr", "Block pointers and tensor descriptors"},
    {"tl.broadcast", "Shapes"},
    {"tl.where", "Elementwise"},
    {"tl.dot", "Matrix products"},
    {"tl.reduce", "Reductions and scans"},
    {"tl.philox", "Random numbers"},
    {"tl.multiple_of", "Hints"},
    {"tl.range", "Loops"},
    {"tl.static_assert", "Messages and assertions"},
    {"tl.target_info.current_target", "The machine"},
    {"tl._log2", "Helpers of Triton's own library"},
    {"range", "Python's builtins"},
    {"libdevice.exp", "libdevice"},
};

/* "input, axis=None" of a library function, from its source. */
static void put_library_parameters(PyCtx *py, const BuiltinRow *row, FILE *out) {
    const JitFn *fn = spec_library(py, row);
    if (!fn)
        return;
    ArgList args = fn->def->params.args;
    for (size_t i = 0; i < args.len; i++) {
        StrBuf text = STRBUF(py->arena);
        if (args.items[i].default_)
            ast_unparse(args.items[i].default_, &text);
        fprintf(out, "%s%s%s%s", i > 0 ? ", " : "", args.items[i].name, text.len > 0 ? "=" : "",
                strbuf_str(&text));
    }
}

/* The parameters of a method: without the object, which stands in front of the dot. */
static const char *method_parameters(const BuiltinRow *row) {
    const char *rest = strchr(row->params, ',');
    return rest ? rest + 2 : "";
}

static void put_row(PyCtx *py, const BuiltinRow *row, FILE *out) {
    const char *name = row->name;
    bool of_tensor = str_starts(name, "tensor.");
    fprintf(out, "- `%s%s", of_tensor ? "x" : "", of_tensor ? strchr(name, '.') : name);
    if (row->function != builtin_class) {
        fputc('(', out);
        if (row->library)
            put_library_parameters(py, row, out);
        else if (of_tensor || str_starts(name, "desc.") || str_starts(name, "block."))
            fputs(method_parameters(row), out);
        else
            fputs(row->params, out);
        fputc(')', out);
    }
    fprintf(out, "`: %s.%s\n", row->doc, row->is_method ? " Also a method of tensors." : "");
}

/* A function of libdevice: its name, and its overloads "ff:f dd:d" as they are. */
static void put_libdevice_row(const BuiltinRow *row, FILE *out) {
    fprintf(out, "| `%s` | `%s` |\n", builtin_short_name(row), row->doc);
}

static void put_heading(const BuiltinRow *row, FILE *out) {
    for (size_t i = 0; i < TK_COUNTOF(parts); i++)
        if (str_eq(parts[i].first_row, row->name))
            fprintf(out, "\n## %s\n\n", parts[i].heading);
    if (str_eq(row->name, "libdevice.exp"))
        fputs(
            "`from triton.language.extra import libdevice`. Each function works elementwise on "
            "the\n"
            "types of its overloads, arguments before the colon, result behind it: `f` fp32, `d`\n"
            "fp64, `i` int32, `u` uint32, `l` int64, `L` uint64. Other types are promoted to a\n"
            "common one first; fp16 and bf16 are converted by the program. `isnan`, `isinf`,\n"
            "`finitef`, `isfinited` and `signbit` give int1.\n\n| function | overloads "
            "|\n|---|---|\n",
            out);
}

void builtins_print_docs(PyCtx *py, FILE *out) {
    fputs("# Functions of kernels\n\n"
          "What `import triton.language as tl` gives to kernels. Parameters with a default may be\n"
          "left out; `*name` takes any number of arguments. Names that begin with `desc.` and "
          "`block.`\n"
          "are methods of tensor descriptors and block pointers. This page is printed by\n"
          "`tkc help builtins` from `frontend/builtins.def`, `frontend/stdlib` and "
          "`ir/libdevice.def`.\n",
          out);
    for (size_t i = 0; i < builtin_count; i++) {
        put_heading(&builtin_rows[i], out);
        if (str_starts(builtin_rows[i].name, "libdevice."))
            put_libdevice_row(&builtin_rows[i], out);
        else
            put_row(py, &builtin_rows[i], out);
    }
}
