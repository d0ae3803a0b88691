/* aot_text.c -- the texts NAME.h and NAME.c of a kernel.
 *
 * What is the same for all kernels stands in the templates beside this file (*.in), which are part
 * of the program; what differs is put in for the words between two @.
 */
#include <inttypes.h>
#include <string.h>

#include "codegen/codegen.h"
#include "runtime/aot/aot_internal.h"
#include "runtime/aot/aot_templates.h"
#include "runtime/cuda/driver.h"

enum { WARP_THREADS = 32, DEFAULT_SHARED = 49152, BYTES_A_LINE = 24 };

/* ---- templates ------------------------------------------------------------------------------- */

typedef struct Words {
    Arena *arena;
    VEC(AotWord) list;
} Words;

static void set_word(Words *words, const char *name, const char *text) {
    AotWord word = {name, text};
    vec_push(words->arena, &words->list, word);
}

static void set_number(Words *words, const char *name, int64_t number) {
    set_word(words, name, arena_printf(words->arena, "%" PRId64, number));
}

static const char *find_word(const Words *words, const char *name, size_t len) {
    for (size_t i = 0; i < words->list.len; i++) {
        const AotWord *word = &words->list.data[i];
        if (strlen(word->name) == len && memcmp(word->name, name, len) == 0)
            return word->text;
    }
    return "";
}

/* A template with its words put in; a line that holds nothing but an empty word goes. */
static const char *expand(const Words *words, const char *template_name) {
    size_t index = 0;
    while (!str_eq(aot_templates[index].name, template_name))
        index++;
    StrBuf text = STRBUF(words->arena);
    const char *from = (const char *)aot_templates[index].text;
    for (const char *at; (at = strchr(from, '@')) != NULL;) {
        size_t len = strcspn(at + 1, "@");
        const char *word = find_word(words, at + 1, len);
        bool alone = at > from && at[-1] == '\n' && at[len + 2] == '\n';
        strbuf_write(&text, from, (size_t)(at - from));
        strbuf_puts(&text, word);
        from = at + len + 2 + (alone && *word == '\0');
    }
    strbuf_puts(&text, from);
    return strbuf_str(&text);
}

/* The file's name without folders. */
static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static const char *source_name(const Aot *aot, const AotKernel *kernel) {
    SrcRange range = kernel->variants.data[0]->kernel->range;
    const SrcFile *file = sources_file(aot->session->sources, range.file);
    return file == NULL ? "a program" : base_name(file->name);
}

/* ---- words of both files --------------------------------------------------------------------- */

static const char *target_list(const Aot *aot, Arena *arena) {
    StrBuf text = STRBUF(arena);
    for (size_t i = 0; i < aot->options.num_targets; i++)
        strbuf_printf(&text, "%s%s", i > 0 ? ", " : "", aot->options.targets[i]);
    bool both = aot->options.embeds_ptx && aot->options.embeds_cubin;
    strbuf_printf(&text, " (%s)",
                  both                        ? "machine code and PTX"
                  : aot->options.embeds_cubin ? "machine code"
                                              : "PTX");
    return strbuf_str(&text);
}

static const char *signature_lines(const AotKernel *kernel, Arena *arena) {
    StrBuf text = STRBUF(arena);
    for (size_t v = 0; v < kernel->variants.len; v++) {
        const AotVariant *variant = kernel->variants.data[v];
        strbuf_printf(&text, "%s *     %zu: (", v > 0 ? "\n" : "", v + 1);
        for (size_t i = 0; i < variant->params.len; i++) {
            /* A string constant must neither end the comment nor begin one. */
            const char *param = variant->params.data[i].text;
            bool safe = strstr(param, "*/") == NULL && strstr(param, "/*") == NULL;
            strbuf_printf(&text, "%s%s", i > 0 ? ", " : "", safe ? param : "...");
        }
        strbuf_printf(&text, ") in %d warps, %" PRId64 " bytes of shared memory",
                      variant->kernel->num_warps, variant->shared_bytes);
    }
    return strbuf_str(&text);
}

static const char *status_enumerators(Arena *arena) {
    static const struct {
        const char *name, *text;
        int number;
    } rows[] = {
#define AOT_STATUS(name, number, text) {#name, text, number},
#include "runtime/aot/statuses.def"
#undef AOT_STATUS
    };
    StrBuf text = STRBUF(arena);
    for (size_t i = 0; i < TK_COUNTOF(rows); i++)
        strbuf_printf(&text, "%s    TKC_%-13s = %2d%s /* %s */", i > 0 ? "\n" : "", rows[i].name,
                      rows[i].number, i + 1 < TK_COUNTOF(rows) ? "," : " ", rows[i].text);
    return strbuf_str(&text);
}

/* ---- NAME.h ---------------------------------------------------------------------------------- */

static const char *field_lines(const AotKernel *kernel, Arena *arena) {
    StrBuf text = STRBUF(arena);
    for (size_t i = 0; i < kernel->num_fields; i++) {
        const AotField *field = &kernel->fields[i];
        if (field->name == NULL)
            continue;
        const char *type = aot_c_type(field->kind, field->dtype), *end = text.len > 0 ? "\n" : "";
        const char *element = dtype_infos[field->dtype].short_name;
        strbuf_printf(&text, "%s    %s %s;", end, type, field->name);
        if (field->kind == AOT_POINTER)
            strbuf_printf(&text, " /* to %s%s */", element, field->may_be_null ? "; or 0" : "");
        if (field->kind == AOT_FLOAT && dtype_size(field->dtype) < sizeof(float))
            strbuf_printf(&text, " /* the bits of a %s */", element);
        if (field->kind == AOT_DESCRIPTOR)
            strbuf_printf(&text,
                          " /* to %s */\n    int64_t %s_sizes[%u], %s_strides[%u]; /* in elements "
                          "*/\n    uint8_t %s_nan; /* what is outside reads as NaN, else as 0 */",
                          element, field->name, field->any->rank, field->name, field->any->rank,
                          field->name);
    }
    return text.len > 0 ? strbuf_str(&text) : "    int none; /* it has no arguments */";
}

/* "#define ADD_BLOCK 512" for constants that are integers. */
static const char *constant_lines(const AotKernel *kernel, Arena *arena) {
    StrBuf text = STRBUF(arena);
    for (size_t i = 0; i < kernel->num_fields; i++) {
        const AotField *field = &kernel->fields[i];
        if (field->kind != AOT_CONSTANT || !field->any->is_number)
            continue;
        if (text.len == 0)
            strbuf_puts(&text, "\n/* What is constant in it. */");
        const char *name = aot_c_name(arena, field->any->name);
        bool wide = field->any->number > INT32_MAX || field->any->number <= INT32_MIN;
        strbuf_printf(
            &text, wide ? "\n#define %s_%s INT64_C(%" PRId64 ")" : "\n#define %s_%s (%" PRId64 ")",
            kernel->upper, name, field->any->number);
    }
    return text.len > 0 ? arena_printf(arena, "%s\n", strbuf_str(&text)) : "";
}

static const char *example_lines(const AotKernel *kernel, Arena *arena, bool has_grid) {
    StrBuf text = STRBUF(arena);
    for (size_t i = 0; i < kernel->num_fields; i++)
        if (kernel->fields[i].name != NULL)
            strbuf_printf(&text, " *     args.%s = ...;\n", kernel->fields[i].name);
    if (has_grid)
        strbuf_printf(&text, " *     status = %s_run(&code, stream, &args);", kernel->name);
    else
        strbuf_printf(&text,
                      " *     tkc_grid grid = {...};\n"
                      " *     status = %s_launch(&code, stream, grid, &args);",
                      kernel->name);
    return strbuf_str(&text);
}

/* ---- NAME.c ---------------------------------------------------------------------------------- */

static void put_bytes(StrBuf *text, const AotImage *image) {
    for (size_t i = 0; i < image->len; i++) {
        strbuf_puts(text, i % BYTES_A_LINE == 0 ? "\n    " : "");
        strbuf_printf(text, "%u,", (unsigned)(unsigned char)image->bytes[i]);
    }
    strbuf_puts(text, "\n};\n\n");
}

static const char *image_arrays(const AotKernel *kernel, Arena *arena) {
    StrBuf text = STRBUF(arena);
    for (size_t v = 0; v < kernel->variants.len; v++)
        for (size_t i = 0; i < kernel->variants.data[v]->images.len; i++) {
            const AotImage *image = &kernel->variants.data[v]->images.data[i];
            strbuf_printf(&text, "/* %s for %s */\nstatic const unsigned char image_%zu_%zu[] = {",
                          image->binary ? "machine code" : "PTX", image->target, v, i);
            put_bytes(&text, image);
        }
    return strbuf_str(&text);
}

static const char *image_table(const AotKernel *kernel, Arena *arena) {
    StrBuf text = STRBUF(arena);
    for (size_t v = 0; v < kernel->variants.len; v++) {
        strbuf_printf(&text, "%s    {", v > 0 ? ",\n" : "");
        for (size_t i = 0; i < kernel->variants.data[v]->images.len; i++) {
            const AotImage *image = &kernel->variants.data[v]->images.data[i];
            unsigned arch = codegen_target_arch(codegen_target(image->target));
            strbuf_printf(&text, "%s{%u, %u, %d, %d, image_%zu_%zu}", i > 0 ? ",\n     " : "",
                          arch / 10, arch % 10, str_ends(image->target, "a"), image->binary, v, i);
        }
        strbuf_puts(&text, "}");
    }
    return strbuf_str(&text);
}

static const char *variant_table(const AotKernel *kernel, Arena *arena) {
    StrBuf text = STRBUF(arena);
    for (size_t v = 0; v < kernel->variants.len; v++) {
        const AotVariant *variant = kernel->variants.data[v];
        strbuf_printf(&text, "%s    {\"%s\", %d, %" PRId64 "}", v > 0 ? ",\n" : "", variant->entry,
                      variant->kernel->num_warps * WARP_THREADS, variant->shared_bytes);
    }
    return strbuf_str(&text);
}

static void put_refusal(void *data, const char *condition, const char *why) {
    strbuf_printf(data, "    if (%s)\n        return \"%s\";\n", condition, why);
}

static const char *refusal_functions(const AotKernel *kernel, Arena *arena) {
    StrBuf text = STRBUF(arena);
    for (size_t v = 0; v < kernel->variants.len; v++) {
        strbuf_printf(&text,
                      "static const char *refusal_%zu(const %s_args *args) {\n    (void)args;\n", v,
                      kernel->name);
        aot_refusals(arena, kernel, kernel->variants.data[v], put_refusal, &text);
        strbuf_puts(&text, "    return NULL;\n}\n\n");
    }
    return strbuf_str(&text);
}

static const char *choice_lines(const AotKernel *kernel, Arena *arena) {
    StrBuf text = STRBUF(arena);
    for (size_t v = 0; v < kernel->variants.len; v++)
        strbuf_printf(&text,
                      "%s    *why = refusal_%zu(args);\n    if (*why == NULL)\n        return %zu;",
                      v > 0 ? "\n" : "", v, v);
    return strbuf_str(&text);
}

/* One value that the entry gets: the next variable `v`, and its place in the array of values. */
static void put_value(StrBuf *text, StrBuf *places, unsigned *next, const char *type,
                      const char *value) {
    strbuf_printf(text, "        %s v%u = %s;\n", type, *next, value);
    strbuf_printf(places, "%s&v%u", *next > 0 ? ", " : "", *next);
    ++*next;
}

static void put_values(StrBuf *text, StrBuf *places, unsigned *next, const AotField *field,
                       const AotParam *param) {
    Arena *arena = text->arena;
    bool descriptor = param->kind == AOT_DESCRIPTOR;
    const char *type = aot_c_type(param->kind, param->dtype), *name = field->name;
    bool narrows = param->kind == AOT_INTEGER && param->dtype != field->dtype;
    put_value(text, places, next, type,
              narrows ? arena_printf(arena, "(%s)args->%s", type, name)
                      : arena_printf(arena, "args->%s", name));
    for (unsigned d = 0; descriptor && d < param->rank; d++)
        put_value(text, places, next, "int64_t",
                  arena_printf(arena, "args->%s_sizes[%u]", name, d));
    for (unsigned d = 0; descriptor && d < param->rank; d++)
        put_value(text, places, next, "int64_t",
                  arena_printf(arena, "args->%s_strides[%u]", name, d));
    if (descriptor)
        put_value(text, places, next, "uint8_t", arena_printf(arena, "args->%s_nan", name));
}

static const char *launch_cases(const AotKernel *kernel, Arena *arena) {
    StrBuf text = STRBUF(arena);
    for (size_t v = 0; v < kernel->variants.len; v++) {
        StrBuf places = STRBUF(arena);
        unsigned next = 0;
        strbuf_printf(&text, "%s    case %zu: {\n", v > 0 ? "\n" : "", v);
        for (size_t i = 0; i < kernel->num_fields; i++) {
            const AotParam *param = &kernel->variants.data[v]->params.data[i];
            if (param->kind >= AOT_POINTER)
                put_values(&text, &places, &next, &kernel->fields[i], param);
        }
        strbuf_printf(&text,
                      "        void *values[] = {%s};\n"
                      "        return start(code, %zu, stream, grid, values);\n    }",
                      next > 0 ? strbuf_str(&places) : "NULL", v);
    }
    return strbuf_str(&text);
}

/* Of tkc's own statuses and of the driver's results. */
static const char *status_cases(Arena *arena) {
    static const struct {
        const char *name, *prefix, *text;
    } rows[] = {
#define AOT_STATUS(name, number, text) {#name, "TKC_", text},
#include "runtime/aot/statuses.def"
#undef AOT_STATUS
    };
    static const struct {
        const char *name;
        int number;
    } values[] = {
#define CUDA_VALUE(name, number) {#name, number},
#include "runtime/cuda/driver.def"
    };
    StrBuf text = STRBUF(arena);
    for (size_t i = 0; i < TK_COUNTOF(rows); i++)
        strbuf_printf(&text, "%s    case %s%s:\n        return \"%s\";", i > 0 ? "\n" : "",
                      rows[i].prefix, rows[i].name, rows[i].text);
    for (size_t i = 0; i < TK_COUNTOF(values); i++)
        if (str_starts(values[i].name, "CUDA_ERROR_"))
            strbuf_printf(&text, "\n    case %d:\n        return \"%s\";", values[i].number,
                          values[i].name);
    return strbuf_str(&text);
}

static void set_driver_words(Words *words) {
    static const struct {
        const char *name;
        int number;
    } values[] = {
#define CUDA_VALUE(name, number) {#name, number},
#include "runtime/cuda/driver.def"
    };
    for (size_t i = 0; i < TK_COUNTOF(values); i++)
        set_number(words, values[i].name, values[i].number);
    set_number(words, "DEFAULT_SHARED", DEFAULT_SHARED);
}

/* ---- the files ------------------------------------------------------------------------------- */

static void set_words(Words *words, const Aot *aot, const AotKernel *kernel) {
    Arena *arena = words->arena;
    set_word(words, "name", kernel->name);
    set_word(words, "upper", kernel->upper);
    set_word(words, "kernel", kernel->variants.data[0]->kernel->name);
    set_word(words, "file", source_name(aot, kernel));
    set_word(words, "targets", target_list(aot, arena));
    set_word(words, "signatures", signature_lines(kernel, arena));
    set_word(words, "example", example_lines(kernel, arena, aot->options.grid != NULL));
    set_word(words, "statuses", status_enumerators(arena));
    set_word(words, "constants", constant_lines(kernel, arena));
    set_word(words, "fields", field_lines(kernel, arena));
    set_number(words, "num_variants", (int64_t)kernel->variants.len);
    set_number(words, "num_images", (int64_t)kernel->variants.data[0]->images.len);
    set_word(words, "images", image_arrays(kernel, arena));
    set_word(words, "image_table", image_table(kernel, arena));
    set_word(words, "variant_table", variant_table(kernel, arena));
    set_word(words, "refusals", refusal_functions(kernel, arena));
    set_word(words, "choices", choice_lines(kernel, arena));
    set_word(words, "launches", launch_cases(kernel, arena));
    set_word(words, "status_texts", status_cases(arena));
    set_driver_words(words);
}

static void put_file(const AotKernel *kernel, Outputs *outputs, const char *ending,
                     const char *text) {
    Output output = {.name = kernel->name, .kind = EMIT_C, .ending = ending, .text = text};
    output.len = strlen(text);
    outputs_add(outputs, &output);
}

SessionStatus aot_put_files(Aot *aot, const AotKernel *kernel, Outputs *outputs) {
    Words words = {.arena = aot->session->arena};
    const char *grid_header = "", *grid_source = "";
    set_words(&words, aot, kernel);
    if (aot->options.grid != NULL) {
        const char *code = aot_grid_code(aot, kernel, aot->options.grid);
        if (code == NULL)
            return STATUS_FAILED;
        set_word(&words, "dimensions", code);
        set_word(&words, "expression", aot->options.grid);
        grid_header = expand(&words, "grid_header");
        grid_source = expand(&words, "grid_source");
    }
    Words header = words, source = words;
    set_word(&header, "grid", grid_header);
    put_file(kernel, outputs, "h", expand(&header, "header"));
    set_word(&source, "grid", grid_source);
    put_file(kernel, outputs, "c", expand(&source, "source"));
    return STATUS_OK;
}
