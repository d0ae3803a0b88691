/* soft_keywords.c -- words and brackets whose meaning is decided by what follows them.
 *
 * CPython's parser tries one reading and, if that fails, another. An LALR(1) parser cannot; but all
 * places where Python needs it can be told apart by looking at the tokens ahead:
 *
 *   match x:      the statement, if the line ends with `:` or if another operand follows the word
 *                 directly; else the name: match(x), match = 1, match.group(0)
 *   case p:       the keyword on the lines of a match block; else a name
 *   type X = int  the statement, if a name follows; else the name
 *   with (a, b):  brackets around items, if `:` follows the bracket and the inside can be items;
 *                 else around an expression: with (a, b) as c:   with (yield x):   with (a).b:
 *
 * The second of each gets the token kind of the keyword, or LPAR_WITH for the bracket.
 */
#include "frontend/scanner.h"

#include "parser.tab.h"

/* The token behind `index` at the same bracket level. */
static size_t next_at_level(const Token *tokens, size_t index) {
    switch (tokens[index].kind) {
    case TOK_LPAR:
    case TOK_LPAR_WITH:
    case TOK_LSQB:
    case TOK_LBRACE:
    case TOK_FIELD_OPEN:
        return tokens[index].match + 1;
    default:
        return index + 1;
    }
}

static size_t line_end(const Token *tokens, size_t index) {
    while (tokens[index].kind != TOK_NEWLINE && tokens[index].kind != TOK_END)
        index = next_at_level(tokens, index);
    return index;
}

static bool starts_line(const Token *tokens, size_t index) {
    if (index == 0)
        return true;
    int before = tokens[index - 1].kind;
    return before == TOK_NEWLINE || before == TOK_INDENT || before == TOK_DEDENT;
}

static bool is_operand_word(int kind) {
    switch (kind) {
    case TOK_NAME:
    case TOK_NUMBER:
    case TOK_STRING:
    case TOK_FSTRING_START:
    case TOK_NONE:
    case TOK_TRUE:
    case TOK_FALSE:
    case TOK_LAMBDA:
    case TOK_AWAIT:
    case TOK_TILDE:
        return true;
    default:
        return false;
    }
}

/* Makes keywords of the `case` words that start the lines of the block opened at `indent`. */
static void mark_cases(Parser *parser, size_t indent) {
    Token *tokens = parser->tokens.data;
    size_t index = indent + 1;
    while (index < tokens[indent].match) {
        const Token *token = &tokens[index];
        if (token->kind == TOK_NAME && token->hi - token->lo == 4 &&
            str_starts(parser->file->text + token->lo, "case"))
            tokens[index].kind = TOK_CASE;
        index = line_end(tokens, index) + 1;
        while (tokens[index].kind == TOK_INDENT)
            index = tokens[index].match + 1;
    }
}

static void resolve_match(Parser *parser, size_t index) {
    Token *tokens = parser->tokens.data;
    if (!starts_line(tokens, index) || tokens[index + 1].kind == TOK_COLON)
        return;
    size_t end = line_end(tokens, index);
    if (tokens[end - 1].kind != TOK_COLON && !is_operand_word(tokens[index + 1].kind))
        return;
    if (tokens[end + 1].kind != TOK_INDENT && tokens[end - 1].kind != TOK_COLON)
        return;
    tokens[index].kind = TOK_MATCH;
    if (tokens[end].kind == TOK_NEWLINE && tokens[end + 1].kind == TOK_INDENT)
        mark_cases(parser, end + 1);
}

static void resolve_type(Token *tokens, size_t index) {
    bool start = starts_line(tokens, index) || tokens[index - 1].kind == TOK_SEMI ||
                 tokens[index - 1].kind == TOK_COLON;
    if (!start || tokens[index + 1].kind != TOK_NAME)
        return;
    int after = tokens[index + 2].kind;
    if (after == TOK_ASSIGN || after == TOK_LSQB)
        tokens[index].kind = TOK_TYPE;
}

/* The `:` that ends the parameters of the lambda at `index`. */
static size_t lambda_colon(const Token *tokens, size_t index, size_t end) {
    size_t open = 0;
    for (; index < end; index = next_at_level(tokens, index)) {
        if (tokens[index].kind == TOK_LAMBDA)
            open++;
        else if (tokens[index].kind == TOK_COLON && --open == 0)
            break;
    }
    return index;
}

/* Can what is between the brackets be with-items? If not, it is one expression. */
static bool holds_with_items(const Token *tokens, size_t open) {
    size_t close = tokens[open].match;
    if (close == open + 1)
        return false;
    bool can_be_items = true;
    for (size_t i = open + 1; i < close; i = next_at_level(tokens, i)) {
        int kind = tokens[i].kind;
        if (kind == TOK_AS)
            return true;
        if (kind == TOK_LAMBDA) {
            i = lambda_colon(tokens, i, close);
            if (i >= close)
                break;
        } else if (kind == TOK_YIELD || kind == TOK_COLONEQUAL || kind == TOK_FOR ||
                   (kind == TOK_STAR && (tokens[i - 1].kind == TOK_COMMA || i - 1 == open))) {
            can_be_items = false;
        }
    }
    return can_be_items;
}

void soft_keywords_resolve(Scan *scan) {
    Parser *parser = scan->parser;
    Token *tokens = parser->tokens.data;
    for (size_t i = 0; i < scan->soft_words.len; i++) {
        size_t index = scan->soft_words.data[i];
        char letter = parser->file->text[tokens[index].lo];
        if (tokens[index].kind != TOK_NAME)
            continue;
        if (letter == 'm')
            resolve_match(parser, index);
        else if (letter == 't')
            resolve_type(tokens, index);
    }
    for (size_t i = 0; i < scan->with_words.len; i++) {
        size_t open = scan->with_words.data[i] + 1;
        if (tokens[open].kind == TOK_LPAR && tokens[tokens[open].match + 1].kind == TOK_COLON &&
            holds_with_items(tokens, open))
            tokens[open].kind = TOK_LPAR_WITH;
    }
}
