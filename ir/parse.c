/* parse.c -- tile IR text to IR: modules, kernels, types, hints, locations.
 *
 * Recursive descent over the tokens of lex.c; operations are in parse_op.c. After an error the
 * parser goes on at the next line (or behind the region that the line opens), so that one run
 * reports many errors; names that a broken line would have defined count as defined, so that their
 * uses are not reported too. Example: `kernel @f(%n: i32) num_warps = 4 { return }`.
 */
#include "ir/parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TYPE_DEPTH 16
#define MAX_ERRORS     100 /* enough to show what is wrong with a text */

/* ---- tokens ---------------------------------------------------------------------------------- */

void ir_advance(IrParser *p) {
    p->prev_hi = p->tok.hi;
    p->tok = ir_lex(&p->lexer);
}

bool ir_at_punct(const IrParser *p, char c) {
    return p->tok.kind == TOK_PUNCT && p->tok.text[0] == c;
}

bool ir_at_word(const IrParser *p, const char *word) {
    return p->tok.kind == TOK_WORD && strcmp(p->tok.text, word) == 0;
}

bool ir_accept_punct(IrParser *p, char c) {
    if (!ir_at_punct(p, c))
        return false;
    ir_advance(p);
    return true;
}

bool ir_accept_word(IrParser *p, const char *word) {
    if (!ir_at_word(p, word))
        return false;
    ir_advance(p);
    return true;
}

SrcRange ir_token_range(const IrParser *p) {
    return (SrcRange){p->file->id, p->tok.lo, p->tok.hi};
}

SrcRange ir_range_from(const IrParser *p, uint32_t lo) {
    return (SrcRange){p->file->id, lo, p->prev_hi > lo ? p->prev_hi : lo};
}

/* Counts an error; beyond the limit the rest of the text is not looked at. */
static void count_error(IrParser *p) {
    if (++p->num_errors >= MAX_ERRORS) {
        p->lexer.pos = p->lexer.len;
        ir_advance(p);
    }
}

bool ir_syntax_error(IrParser *p, const char *expected) {
    const char *text = p->file->text + p->tok.lo;
    int len = (int)(p->tok.hi - p->tok.lo < 40 ? p->tok.hi - p->tok.lo : 40);
    const char *found =
        p->tok.kind == TOK_END ? "the end" : arena_printf(p->arena, "`%.*s`", len, text);
    diag_report(p->diags, DIAG_IR_SYNTAX, ir_token_range(p), expected, found);
    count_error(p);
    return false;
}

bool ir_expect_punct(IrParser *p, char c) {
    return ir_accept_punct(p, c) || ir_syntax_error(p, arena_printf(p->arena, "`%c`", c));
}

bool ir_expect_word(IrParser *p, const char *word) {
    return ir_accept_word(p, word) || ir_syntax_error(p, arena_printf(p->arena, "`%s`", word));
}

bool ir_parse_int(IrParser *p, int64_t *value) {
    char *end = NULL;
    errno = 0;
    if (p->tok.kind == TOK_NUMBER)
        *value = strtoll(p->tok.text, &end, 10);
    if (!end || *end != '\0' || errno != 0)
        return ir_syntax_error(p, "an integer");
    ir_advance(p);
    return true;
}

bool ir_parse_int_list(IrParser *p, int64_t *items, size_t max, size_t *len) {
    *len = 0;
    if (!ir_expect_punct(p, '['))
        return false;
    while (!ir_at_punct(p, ']')) {
        if (*len > 0 && !ir_expect_punct(p, ','))
            return false;
        if (*len == max)
            return ir_syntax_error(p, "`]`");
        if (!ir_parse_int(p, &items[*len]))
            return false;
        ++*len;
    }
    ir_advance(p);
    return true;
}

/* ---- types ----------------------------------------------------------------------------------- */

bool ir_text_error(IrParser *p, DiagId id, const char *text) {
    diag_report(p->diags, id, ir_token_range(p), text);
    count_error(p);
    return false;
}

static bool bad_type(IrParser *p, const char *text) {
    return ir_text_error(p, DIAG_IR_BAD_TYPE, text);
}

static const IrType *scalar_type(IrParser *p, const char *name) {
    for (int kind = TY_I1; kind <= TY_F64; kind++) {
        if (strcmp(ir_scalar_name((IrTypeKind)kind), name) == 0)
            return ir_type_scalar(p->ctx, (IrTypeKind)kind);
    }
    return NULL;
}

static bool parse_type(IrParser *p, unsigned depth, const IrType **type);

/* `ptr` has been seen: <T>. */
static bool parse_pointee(IrParser *p, unsigned depth, const IrType **type) {
    const IrType *elem;
    if (!ir_expect_punct(p, '<') || !parse_type(p, depth + 1, &elem))
        return false;
    if (elem->kind > TY_PTR)
        return bad_type(p, "a pointer to a tile");
    *type = ir_type_ptr(p->ctx, elem);
    return ir_expect_punct(p, '>');
}

/* The dimensions at the head of "128x64xf32"; *rest is what follows the last x. */
static bool parse_dims(const char *text, int64_t *shape, unsigned *rank, const char **rest) {
    int64_t numel = 1;
    *rank = 0;
    while (*text >= '0' && *text <= '9') {
        char *end;
        errno = 0;
        long long size = strtoll(text, &end, 10);
        if (*end != 'x' || errno != 0 || *rank == IR_MAX_RANK || size < 1 ||
            size > IR_MAX_TILE_NUMEL)
            return false;
        numel *= size;
        if (numel > IR_MAX_TILE_NUMEL)
            return false;
        shape[(*rank)++] = size;
        text = end + 1;
    }
    *rest = text;
    return *rank > 0;
}

/* The type of that kind with the parts read; a layout may follow in a tile, must in a buffer. */
static bool finish_shaped(IrParser *p, IrTypeKind kind, const IrType *elem, const int64_t *shape,
                          unsigned rank, const IrType **type) {
    const Layout *layout = NULL;
    LayoutKind wanted = kind == TY_SHARED ? LAYOUT_SHARED : LAYOUT_DISTRIBUTED;
    bool follows = kind == TY_SHARED || (kind == TY_TILE && ir_at_punct(p, ','));
    if (follows && (!ir_expect_punct(p, ',') || !ir_parse_layout(p, wanted, &layout)))
        return false;
    if (kind == TY_DESC)
        *type = ir_type_desc(p->ctx, elem, shape, rank);
    else if (kind == TY_SHARED)
        *type = ir_type_shared(p->ctx, elem, shape, rank, layout);
    else
        *type = ir_type_with_layout(p->ctx, ir_type_tile(p->ctx, elem, shape, rank), layout);
    return ir_expect_punct(p, '>');
}

/* `tile`, `desc` or `shared` has been seen: <128x64xT>. The dimensions and the T are one token. */
static bool parse_shaped(IrParser *p, IrTypeKind kind, unsigned depth, const IrType **type) {
    int64_t shape[IR_MAX_RANK] = {0};
    unsigned rank = 0;
    const char *rest = "";
    if (!ir_expect_punct(p, '<'))
        return false;
    if (p->tok.kind != TOK_NUMBER || !parse_dims(p->tok.text, shape, &rank, &rest))
        return bad_type(
            p,
            arena_printf(p->arena, "`%s` needs dimensions such as 64x, of at most 1048576 elements",
                         p->tok.text));
    const IrType *elem = scalar_type(p, rest);
    if (!elem && (strcmp(rest, "ptr") != 0 || kind == TY_DESC))
        return bad_type(p, arena_printf(p->arena, "`%s` has no element type", p->tok.text));
    ir_advance(p);
    if (!elem && !parse_pointee(p, depth + 1, &elem))
        return false;
    return finish_shaped(p, kind, elem, shape, rank, type);
}

static bool parse_type(IrParser *p, unsigned depth, const IrType **type) {
    if (depth > MAX_TYPE_DEPTH)
        return bad_type(p, "pointers nest too deep");
    if (p->tok.kind != TOK_WORD)
        return ir_syntax_error(p, "a type");
    if (ir_accept_word(p, "ptr"))
        return parse_pointee(p, depth, type);
    if (ir_accept_word(p, "tile"))
        return parse_shaped(p, TY_TILE, depth, type);
    if (ir_accept_word(p, "desc"))
        return parse_shaped(p, TY_DESC, depth, type);
    if (ir_accept_word(p, "shared"))
        return parse_shaped(p, TY_SHARED, depth, type);
    *type = scalar_type(p, p->tok.text);
    if (!*type)
        return bad_type(p, arena_printf(p->arena, "`%s`", p->tok.text));
    ir_advance(p);
    return true;
}

bool ir_parse_type(IrParser *p, const IrType **type) {
    return parse_type(p, 0, type);
}

/* ---- hints and locations --------------------------------------------------------------------- */

static int64_t *hint_field(IrHints *hints, const char *name) {
    if (strcmp(name, "divisibility") == 0)
        return hints->divisibility;
    if (strcmp(name, "contiguity") == 0)
        return hints->contiguity;
    return strcmp(name, "constancy") == 0 ? hints->constancy : NULL;
}

/* Hints and regions both begin with a brace; only hints go on with the name of one. */
static bool at_hints(const IrParser *p, IrHints *hints) {
    if (!ir_at_punct(p, '{'))
        return false;
    IrLexer ahead = p->lexer;
    IrToken next = ir_lex(&ahead);
    return next.kind == TOK_WORD && hint_field(hints, next.text);
}

bool ir_parse_hints(IrParser *p, IrHints *hints, bool *found) {
    *hints = (IrHints){0};
    *found = at_hints(p, hints);
    if (!*found)
        return true;
    ir_advance(p);
    do {
        int64_t *field = p->tok.kind == TOK_WORD ? hint_field(hints, p->tok.text) : NULL;
        if (!field)
            return ir_syntax_error(p, "`divisibility`, `contiguity` or `constancy`");
        ir_advance(p);
        if (!ir_expect_punct(p, '='))
            return false;
        size_t len;
        if (ir_at_punct(p, '[') ? !ir_parse_int_list(p, field, IR_MAX_RANK, &len)
                                : !ir_parse_int(p, &field[0]))
            return false;
    } while (ir_accept_punct(p, ','));
    return ir_expect_punct(p, '}');
}

/* The byte at a line and column of `file`: the inverse of source_pos(). */
static bool byte_at(const SrcFile *file, unsigned long line, unsigned long column, uint32_t *byte) {
    if (line < 1 || line > file->num_lines || column < 1)
        return false;
    size_t at = file->line_starts[line - 1];
    for (unsigned long i = 1; i < column; i++) {
        if (at >= file->len)
            return false;
        utf8_next(file->text, file->len, &at);
    }
    *byte = (uint32_t)at;
    return true;
}

/* Reads "2/3:5-4:20" (the file number and the second line may be missing). */
static bool read_place(const IrParser *p, const char *text, SrcRange *range) {
    unsigned long index = 1, numbers[4] = {0};
    char *end;
    numbers[0] = strtoul(text, &end, 10);
    if (*end == '/') {
        index = numbers[0];
        numbers[0] = strtoul(end + 1, &end, 10);
    }
    if (*end != ':')
        return false;
    numbers[1] = strtoul(end + 1, &end, 10);
    if (*end != '-')
        return false;
    numbers[2] = numbers[0];
    numbers[3] = strtoul(end + 1, &end, 10);
    if (*end == ':') {
        numbers[2] = numbers[3];
        numbers[3] = strtoul(end + 1, &end, 10);
    }
    if (*end != '\0' || index < 1 || (p->places && index > p->files.len))
        return false;
    if (!p->places)
        return true;
    const SrcFile *file = p->files.data[index - 1];
    range->file = file->id;
    return byte_at(file, numbers[0], numbers[1], &range->lo) &&
           byte_at(file, numbers[2], numbers[3], &range->hi) && range->lo <= range->hi;
}

bool ir_parse_location(IrParser *p, SrcRange otherwise, SrcRange *range) {
    *range = p->places ? SRC_NONE : otherwise;
    if (p->tok.kind != TOK_LOCATION)
        return true;
    if (!read_place(p, p->tok.text, range)) {
        diag_report(p->diags, DIAG_IR_BAD_LOCATION, ir_token_range(p), p->tok.text);
        count_error(p);
        return false;
    }
    ir_advance(p);
    return true;
}

/* ---- kernels --------------------------------------------------------------------------------- */

static bool parse_param(IrParser *p, IrKernel *kernel) {
    IrToken name = p->tok;
    if (name.kind != TOK_VALUE)
        return ir_syntax_error(p, "a parameter such as `%x: i32`");
    ir_advance(p);
    if (!ir_expect_punct(p, ':'))
        return false;
    bool is_const = ir_accept_word(p, "const");
    const IrType *type;
    IrHints hints;
    bool hinted;
    if (!ir_parse_type(p, &type) || !ir_parse_hints(p, &hints, &hinted))
        return false;
    SrcRange range;
    if (!ir_parse_location(p, ir_range_from(p, name.lo), &range))
        return false;
    IrValue *value = ir_kernel_add_param(kernel, NULL, type, range);
    if (hinted)
        *ir_value_hints(p->module, value) = hints;
    IrParam *param = &kernel->params.data[kernel->params.len - 1];
    param->is_const = is_const;
    bool defined = ir_define(p, &name, value);
    param->name = value->name ? value->name : strtab_sym(ir_names(p->ctx), name.text);
    return defined;
}

static bool parse_params(IrParser *p, IrKernel *kernel) {
    if (!ir_expect_punct(p, '('))
        return false;
    while (!ir_at_punct(p, ')')) {
        if (kernel->params.len > 0 && !ir_expect_punct(p, ','))
            return false;
        if (!parse_param(p, kernel))
            return false;
    }
    ir_advance(p);
    return true;
}

static bool parse_int_setting(IrParser *p, const char *name, int *field, int64_t lo, bool *found) {
    *found = ir_accept_word(p, name);
    if (!*found)
        return true;
    int64_t value;
    if (!ir_expect_punct(p, '='))
        return false;
    if (p->tok.kind == TOK_NUMBER &&
        (strtoll(p->tok.text, NULL, 10) < lo || strtoll(p->tok.text, NULL, 10) > 1024))
        return ir_syntax_error(p, arena_printf(p->arena, "a number from %d to 1024", (int)lo));
    if (!ir_parse_int(p, &value))
        return false;
    *field = (int)value;
    return true;
}

static bool parse_bool_setting(IrParser *p, const char *name, bool *field, bool *found) {
    *found = ir_accept_word(p, name);
    if (!*found)
        return true;
    if (!ir_expect_punct(p, '='))
        return false;
    *field = ir_at_word(p, "true");
    if (!ir_at_word(p, "true") && !ir_at_word(p, "false"))
        return ir_syntax_error(p, "`true` or `false`");
    ir_advance(p);
    return true;
}

/* `laid shared = 4096`, both optional, behind the other settings. */
static bool parse_laid(IrParser *p, IrKernel *kernel) {
    kernel->laid = ir_accept_word(p, "laid");
    if (!ir_accept_word(p, "shared"))
        return true;
    return ir_expect_punct(p, '=') && ir_parse_int(p, &kernel->shared_bytes);
}

static bool parse_settings(IrParser *p, IrKernel *k) {
    bool found[6] = {true};
    while (found[0] || found[1] || found[2] || found[3] || found[4] || found[5]) {
        if (!parse_int_setting(p, "num_warps", &k->num_warps, 1, &found[0]) ||
            !parse_int_setting(p, "num_stages", &k->num_stages, 0, &found[1]) ||
            !parse_int_setting(p, "num_ctas", &k->num_ctas, 1, &found[2]) ||
            !parse_int_setting(p, "maxnreg", &k->maxnreg, 0, &found[3]) ||
            !parse_bool_setting(p, "fp_fusion", &k->fp_fusion, &found[4]) ||
            !parse_bool_setting(p, "debug", &k->debug, &found[5]))
            return false;
    }
    return true;
}

static void check_kernel_name(IrParser *p, Sym name, SrcRange range) {
    for (size_t i = 0; i < p->module->kernels.len; i++) {
        if (p->module->kernels.data[i]->name == name) {
            diag_report(p->diags, DIAG_IR_DUPLICATE_KERNEL, range, name);
            count_error(p);
        }
    }
}

static bool parse_kernel(IrParser *p) {
    uint32_t lo = p->tok.lo;
    if (!ir_expect_word(p, "kernel"))
        return false;
    if (p->tok.kind != TOK_SYMBOL || p->tok.text[0] == '\0')
        return ir_syntax_error(p, "a kernel's name such as `@add`");
    Sym name = strtab_sym(ir_names(p->ctx), p->tok.text);
    check_kernel_name(p, name, ir_token_range(p));
    ir_advance(p);
    IrKernel *kernel = ir_kernel_create(p->module, name, SRC_NONE);
    p->builder = (IrBuilder){.module = p->module, .kernel = kernel, .block = kernel->body};
    map_init_str(&p->values, p->arena);
    ir_namer_init(&p->namer, p->arena);
    if (!parse_params(p, kernel) || !parse_settings(p, kernel) || !parse_laid(p, kernel) ||
        !ir_parse_location(p, ir_range_from(p, lo), &kernel->range) || !ir_expect_punct(p, '{'))
        return false;
    ir_parse_block(p);
    return ir_expect_punct(p, '}');
}

/* ---- modules --------------------------------------------------------------------------------- */

static const SrcFile *find_source(const SourceSet *sources, const char *name) {
    const SrcFile *file = NULL;
    for (uint32_t id = 1; (file = sources_file(sources, id)) != NULL; id++) {
        if (strcmp(file->name, name) == 0)
            return file;
    }
    return NULL;
}

/* The `source "name"` lines at the top of the text. */
static void parse_sources(IrParser *p) {
    bool all_found = true;
    while (ir_accept_word(p, "source")) {
        if (p->tok.kind != TOK_STRING) {
            ir_syntax_error(p, "a file's name in quotes");
            return;
        }
        const SrcFile *file = find_source(p->sources, p->tok.text);
        all_found &= file != NULL;
        vec_push(p->arena, &p->files, file);
        ir_advance(p);
    }
    p->places = all_found && p->files.len > 0;
    if (p->places)
        p->module->sources = p->sources;
}

size_t ir_text_sources(Arena *arena, const SrcFile *file, const char *const **names) {
    VEC(const char *) found = {0};
    IrLexer lexer = {
        .arena = arena, .text = file->text, .len = (uint32_t)file->len, .at_line_start = true};
    for (;;) {
        IrToken word = ir_lex(&lexer);
        if (word.kind != TOK_WORD || strcmp(word.text, "source") != 0)
            break;
        IrToken name = ir_lex(&lexer);
        if (name.kind != TOK_STRING)
            break;
        vec_push(arena, &found, name.text);
    }
    *names = found.data;
    return found.len;
}

/* After an error outside of a kernel's body: on to the next line that begins with `kernel`. */
static void skip_to_kernel(IrParser *p) {
    while (p->tok.kind != TOK_END && !(p->tok.first_on_line && ir_at_word(p, "kernel")))
        ir_advance(p);
}

IrModule *ir_parse(IrContext *ctx, Arena *arena, Diags *diags, SourceSet *sources,
                   const SrcFile *file) {
    IrParser p = {.ctx = ctx, .arena = arena, .diags = diags, .sources = sources, .file = file};
    p.module = ir_module_create(ctx, arena, NULL);
    p.lexer = (IrLexer){
        .arena = arena, .text = file->text, .len = (uint32_t)file->len, .at_line_start = true};
    ir_advance(&p);
    parse_sources(&p);
    map_init_str(&p.layouts, arena);
    if (!ir_parse_layout_lines(&p))
        skip_to_kernel(&p);
    while (p.tok.kind != TOK_END) {
        uint32_t lo = p.tok.lo;
        if (parse_kernel(&p))
            continue;
        if (p.tok.lo == lo)
            ir_advance(&p);
        skip_to_kernel(&p);
    }
    return p.num_errors == 0 ? p.module : NULL;
}
