/* parse_layout.c -- tile IR text to IR: the layouts that types of the laid level refer to.
 *
 * Layouts stand in lines at the top of the text, so that types stay short:
 *
 *     layout #0 = <64x64; reg j0 j1; lane j2 j3 j4 j5 i0; warp i1 i2>
 *     ... tile<64x64xf32, #0>
 *
 * A type may also hold its layout written out. The text between the angle brackets is not made of
 * tokens of the IR; layout.c reads it (docs/layouts.md).
 */
#include "ir/parse.h"

#include <string.h>

/* `<...>`: the current token is the opening bracket. */
static bool parse_written_out(IrParser *p, Layout *layout) {
    const char *text = p->file->text + p->tok.lo;
    const char *end = memchr(text, '>', p->lexer.len - p->tok.lo);
    if (!end)
        return ir_text_error(p, DIAG_IR_BAD_LAYOUT, "the text ends before its `>`");
    size_t len = (size_t)(end - text) + 1;
    const char *error = NULL;
    if (!layout_parse(text, len, layout, &error))
        return ir_text_error(p, DIAG_IR_BAD_LAYOUT, error);
    p->lexer.pos = p->tok.lo + (uint32_t)len;
    ir_advance(p);
    return true;
}

bool ir_parse_layout(IrParser *p, LayoutKind kind, const Layout **layout) {
    if (p->tok.kind == TOK_LAYOUT) {
        *layout = map_get(&p->layouts, p->tok.text);
        if (!*layout)
            return ir_text_error(p, DIAG_IR_BAD_LAYOUT,
                                 "no `layout` line at the top of the text has this name");
    } else if (ir_at_punct(p, '<')) {
        Layout read;
        if (!parse_written_out(p, &read))
            return false;
        *layout = ir_layout(p->ctx, &read);
    } else {
        return ir_syntax_error(p, "a layout such as `#0`");
    }
    if ((*layout)->kind != kind)
        return ir_text_error(p, DIAG_IR_BAD_LAYOUT,
                             kind == LAYOUT_SHARED ? "a buffer needs a layout of offsets (`off`)"
                                                   : "a tile needs a layout over threads");
    if (p->tok.kind == TOK_LAYOUT)
        ir_advance(p);
    return true;
}

bool ir_parse_layout_lines(IrParser *p) {
    while (ir_accept_word(p, "layout")) {
        IrToken name = p->tok;
        if (name.kind != TOK_LAYOUT)
            return ir_syntax_error(p, "a layout's name such as `#0`");
        ir_advance(p);
        Layout layout;
        if (!ir_expect_punct(p, '='))
            return false;
        if (!ir_at_punct(p, '<'))
            return ir_syntax_error(p, "a layout such as `<64; reg i0 ...>`");
        if (!parse_written_out(p, &layout))
            return false;
        const Layout *interned = ir_layout(p->ctx, &layout);
        map_set(&p->layouts, name.text, arena_memdup(p->arena, interned, sizeof layout, 4));
    }
    return true;
}
