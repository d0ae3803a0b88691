/* parse.c -- the front end's entry points: source text to tree, and the token dump.
 *
 * The stages are described in parser_state.h.
 */
#include "frontend/parse.h"

#include "frontend/parser_state.h"
#include "parser.tab.h"

static Parser *parser_create(Arena *arena, StrTab *names, Diags *diags, const SrcFile *file) {
    Parser *parser = ARENA_NEW(arena, Parser);
    parser->arena = arena;
    parser->names = names;
    parser->diags = diags;
    parser->file = file;
    parser->module = ARENA_NEW(arena, Module);
    parser->module->file = file;
    return parser;
}

Module *parse_module(Arena *arena, StrTab *names, Diags *diags, const SrcFile *file) {
    Parser *parser = parser_create(arena, names, diags, file);
    if (layout_run(parser) && tkc_yyparse(parser) == 0)
        syntax_check(parser, parser->module);
    parser->module->has_errors = parser->has_errors;
    return parser->module;
}

void dump_tokens(Arena *arena, StrTab *names, Diags *diags, const SrcFile *file, StrBuf *out) {
    Parser *parser = parser_create(arena, names, diags, file);
    if (!layout_run(parser))
        return;
    for (size_t i = 0; i < parser->tokens.len; i++) {
        const Token *token = &parser->tokens.data[i];
        SrcPos start = source_pos(file, token->lo);
        SrcPos end = source_pos(file, token->hi);
        strbuf_printf(out, "%u:%u-%u:%u %s", start.line, start.column, end.line, end.column,
                      token_kind_text(token->kind));
        if (token->hi > token->lo && token->kind != TOK_NEWLINE) {
            strbuf_putc(out, ' ');
            strbuf_write(out, file->text + token->lo, token->hi - token->lo);
        }
        strbuf_putc(out, '\n');
    }
}
