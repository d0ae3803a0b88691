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

/* The kinds of Python's own tokenizer, with keywords told from names. */
static const char *token_class(int kind) {
    switch (kind) {
    case TOK_END:
        return "END";
    case TOK_NEWLINE:
        return "NEWLINE";
    case TOK_INDENT:
        return "INDENT";
    case TOK_DEDENT:
        return "DEDENT";
    case TOK_NAME:
        return "NAME";
    case TOK_NUMBER:
        return "NUMBER";
    case TOK_STRING:
        return "STRING";
    case TOK_FSTRING_START:
        return "FSTRING_START";
    case TOK_FSTRING_TEXT:
        return "FSTRING_TEXT";
    case TOK_FSTRING_END:
        return "FSTRING_END";
    default:
        return kind >= TOK_AND && kind <= TOK_YIELD ? "KEYWORD" : "OP";
    }
}

static bool has_text(const Token *token) {
    return token->hi > token->lo && token->kind != TOK_NEWLINE && token->kind != TOK_INDENT;
}

void dump_tokens(Arena *arena, StrTab *names, Diags *diags, const SrcFile *file, StrBuf *out) {
    Parser *parser = parser_create(arena, names, diags, file);
    if (!layout_run(parser))
        return;
    for (size_t i = 0; i < parser->tokens.len; i++) {
        const Token *token = &parser->tokens.data[i];
        SrcPos start = source_pos(file, token->lo);
        SrcPos end = source_pos(file, token->hi);
        strbuf_printf(out, "%s %u:%u-%u:%u", token_class(token->kind), start.line, start.column,
                      end.line, end.column);
        if (has_text(token)) {
            strbuf_putc(out, ' ');
            strbuf_write(out, file->text + token->lo, token->hi - token->lo);
        }
        strbuf_putc(out, '\n');
    }
}
