/* layout_text.c -- layouts as text, and back.
 *
 *     layout = "<" extent {"x" extent} {";" in-dim column {column}} ">"
 *     in-dim = "reg" | "lane" | "warp" | "block" | "off"
 *     column = "." | bit {"+" bit}        bit = axis letter (i j k l m n) and bit number
 *
 * Extents are padded, powers of two. A tile without axes has no extents: `<; lane . . . . .>`.
 * In-dims stand in this order, those without bits are left out. Example:
 * `<64x64; off j0 j1 j2 j3 j4 j5 j3+i0 j4+i1 j5+i2 i3 i4 i5>`, a 16-bit tile in 128-byte rows under
 * the hardware's swizzle.
 */
#include "ir/layout.h"

#include "support/bits.h"

#include <inttypes.h>
#include <string.h>

static const char *const dim_names[LL_NIN] = {"reg", "lane", "warp", "block", "off"};
static const char axis_letters[] = "ijklmn";

static void print_column(const Layout *layout, uint32_t column, StrBuf *out) {
    if (column == 0) {
        strbuf_puts(out, " .");
        return;
    }
    char before = ' ';
    for (unsigned a = layout->rank; a-- > 0;) { /* the last axis has the lowest bits */
        for (uint32_t left = layout_coord(layout, column, a); left != 0; left &= left - 1) {
            strbuf_printf(out, "%c%c%u", before, axis_letters[a], bits_low(left));
            before = '+';
        }
    }
}

void layout_print(const Layout *layout, StrBuf *out) {
    strbuf_putc(out, '<');
    for (unsigned a = 0; a < layout->rank; a++)
        strbuf_printf(out, "%s%" PRIu64, a ? "x" : "", (uint64_t)1 << layout->nout[a]);
    for (unsigned k = 0; k < LL_NIN; k++) {
        if (layout->nin[k] == 0)
            continue;
        strbuf_printf(out, "; %s", dim_names[k]);
        const uint32_t *columns = layout_columns(layout, (LayoutDim)k);
        for (unsigned i = 0; i < layout->nin[k]; i++)
            print_column(layout, columns[i], out);
    }
    strbuf_putc(out, '>');
}

/* ---- reading ----------------------------------------------------------------------------------*/

typedef struct Reader {
    const char *at, *end;
    const char *error;
} Reader;

static bool fail(Reader *reader, const char *message) {
    if (!reader->error)
        reader->error = message;
    return false;
}

static void skip_spaces(Reader *reader) {
    while (reader->at < reader->end && *reader->at == ' ')
        reader->at++;
}

static char peek(const Reader *reader) {
    return reader->at < reader->end ? *reader->at : '\0';
}

static bool accept(Reader *reader, char c) {
    if (peek(reader) != c || c == '\0')
        return false;
    reader->at++;
    return true;
}

static bool read_number(Reader *reader, uint32_t *number) {
    const char *start = reader->at;
    *number = 0;
    while (peek(reader) >= '0' && peek(reader) <= '9' && *number <= 1u << LAYOUT_MAX_BITS)
        *number = *number * 10 + (uint32_t)(*reader->at++ - '0');
    return reader->at > start;
}

static bool read_shape(Reader *reader, Layout *layout) {
    uint8_t bits[LAYOUT_MAX_RANK] = {0};
    unsigned rank = 0, sum = 0;
    skip_spaces(reader);
    if (peek(reader) != ';' && peek(reader) != '>') {
        do {
            uint32_t extent;
            if (!read_number(reader, &extent))
                return fail(reader, "expected an extent");
            if (extent == 0 || !bits_at_most_one(extent) || extent > 1u << LAYOUT_MAX_BITS)
                return fail(reader, "an extent is a power of two up to 2^20");
            if (rank == LAYOUT_MAX_RANK)
                return fail(reader, "a layout has at most 6 axes");
            bits[rank++] = (uint8_t)bits_top(extent);
            sum += bits_top(extent);
        } while (accept(reader, 'x'));
    }
    if (sum > LAYOUT_MAX_BITS)
        return fail(reader, "a layout has at most 2^20 elements");
    *layout = layout_empty(LAYOUT_SHARED, rank, bits);
    return true;
}

static bool read_column(Reader *reader, const Layout *layout, uint32_t *column) {
    *column = 0;
    if (accept(reader, '.'))
        return true;
    do {
        const char *letter = peek(reader) ? strchr(axis_letters, peek(reader)) : NULL;
        uint32_t bit;
        if (!letter)
            return fail(reader, "expected a bit such as `i0`, or `.`");
        reader->at++;
        unsigned axis = (unsigned)(letter - axis_letters);
        if (!read_number(reader, &bit))
            return fail(reader, "expected the number of a bit");
        if (axis >= layout->rank || bit >= layout->nout[axis])
            return fail(reader, "the tile has no such bit");
        uint32_t word = layout_axis_bit(layout, axis, bit);
        if (*column & word)
            return fail(reader, "a bit occurs twice in a column");
        *column |= word;
    } while (accept(reader, '+'));
    return true;
}

/* The in-dim whose name is next, not before `from`; LL_NIN if there is none. */
static unsigned read_dim(Reader *reader, unsigned from) {
    const char *start = reader->at;
    while (peek(reader) >= 'a' && peek(reader) <= 'z')
        reader->at++;
    size_t len = (size_t)(reader->at - start);
    for (unsigned k = from; k < LL_NIN; k++)
        if (strlen(dim_names[k]) == len && memcmp(start, dim_names[k], len) == 0)
            return k;
    fail(reader, "expected `reg`, `lane`, `warp`, `block` or `off`, in this order");
    return LL_NIN;
}

static bool read_layout(Reader *reader, Layout *layout) {
    if (!accept(reader, '<'))
        return fail(reader, "a layout begins with `<`");
    if (!read_shape(reader, layout))
        return false;
    unsigned next = 0;
    for (skip_spaces(reader); accept(reader, ';'); skip_spaces(reader)) {
        skip_spaces(reader);
        unsigned dim = read_dim(reader, next);
        if (dim == LL_NIN)
            return false;
        next = dim + 1;
        for (skip_spaces(reader); peek(reader) != ';' && peek(reader) != '>'; skip_spaces(reader)) {
            uint32_t column;
            if (!read_column(reader, layout, &column))
                return false;
            if (layout->ncol == LAYOUT_MAX_COLUMNS)
                return fail(reader, "a layout has at most 40 columns");
            layout_push(layout, (LayoutDim)dim, column);
        }
        if (dim <= LL_WARP)
            layout->kind = LAYOUT_DISTRIBUTED;
    }
    if (!accept(reader, '>'))
        return fail(reader, "expected `;` or `>`");
    return reader->at == reader->end || fail(reader, "there is text after the layout");
}

bool layout_parse(const char *text, size_t len, Layout *layout, const char **error) {
    Reader reader = {text, text + len, NULL};
    if (read_layout(&reader, layout))
        reader.error = layout_check(layout);
    *error = reader.error;
    return reader.error == NULL;
}
