/* formula.c -- parses formulas and builds their IR as it goes.
 *
 * A set indexes its files once by the lines that begin with `def`. Using a definition binds its
 * parameters to values and walks its text by recursive descent: each operator or call builds its IR
 * at once (formula_ops.c), a call of another formula walks that one's text. There is no tree; a
 * formula is short, and few are used in a program. Example: with %x for x,
 *
 *     def sinh_small(x):
 *         return x + x * (x * x / 6)
 *
 * builds mulf, const, divrnf, mulf, addf.
 *
 * Grammar, loosest first, as in the kernel language: comparison, |, ^, &, << >>, + -, * /, unary -,
 * calls. A statement is `name, ... = expression` or `return expression, ...`.
 */
#include "passes/formula_internal.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/map.h"
#include "support/str.h"
#include "support/vec.h"

#define MAX_RESULTS 4
#define MAX_DEPTH   32 /* of calls: formulas do not recurse */

typedef struct Definition {
    const char *text; /* behind `def` */
    const char *file;
} Definition;

struct FormulaSet {
    Arena *arena;
    Map definitions; /* name -> Definition */
    const char *error;
};

FormulaSet *formula_set_create(Arena *arena, const EmbeddedFile *files, size_t count) {
    FormulaSet *set = ARENA_NEW(arena, FormulaSet);
    set->arena = arena;
    map_init_str(&set->definitions, arena);
    for (size_t i = 0; i < count; i++) {
        for (const char *at = (const char *)files[i].text; at && *at;) {
            if (strncmp(at, "def ", 4) == 0) {
                Definition *definition = ARENA_NEW(arena, Definition);
                *definition = (Definition){.text = at + 4, .file = files[i].name};
                map_setn(&set->definitions, at + 4, strcspn(at + 4, "("), definition);
            }
            at = strchr(at, '\n');
            at += at != NULL;
        }
    }
    return set;
}

const char *formula_error(const FormulaSet *set) {
    return set->error;
}

/* ---- tokens ---------------------------------------------------------------------------------- */

typedef enum TokenKind { TOKEN_END, TOKEN_NEWLINE, TOKEN_NAME, TOKEN_NUMBER, TOKEN_SIGN } TokenKind;

typedef struct Token {
    TokenKind kind;
    const char *text;
    size_t len;
} Token;

typedef struct Variable {
    const char *name;
    size_t len;
    FormulaValue value;
} Variable;

/* One use of one definition. */
typedef struct Walk {
    FormulaSet *set;
    IrBuilder *b;
    const Definition *definition;
    const char *at;
    unsigned parentheses, depth;
    Token token;
    VEC(Variable) variables;
    FormulaValue results[MAX_RESULTS]; /* of the call or return seen last */
    unsigned num_results;
    bool failed;
} Walk;

static void fail(Walk *w, const char *what) {
    if (!w->failed && !w->set->error)
        w->set->error = arena_printf(w->set->arena, "%s.math: %.*s: %s near `%.*s`",
                                     w->definition->file, (int)strcspn(w->definition->text, "("),
                                     w->definition->text, what, (int)w->token.len, w->token.text);
    w->failed = true;
}

static size_t name_length(const char *text) {
    size_t len = 0;
    while (isalnum((unsigned char)text[len]) || text[len] == '_')
        len++;
    return len;
}

/* Digits, a point, and exponents with their signs: 1 2.5 0x1.8p-3 1e-10 0x7ff00000. */
static size_t number_length(const char *text) {
    bool hex = text[0] == '0' && text[1] == 'x';
    size_t len = hex ? 2 : 0;
    for (;; len++) {
        char c = text[len];
        bool exponent = len > 0 && (hex ? text[len - 1] == 'p' : text[len - 1] == 'e');
        if (!isalnum((unsigned char)c) && c != '.' && !(exponent && (c == '-' || c == '+')))
            return len;
    }
}

static void next_token(Walk *w) {
    const char *at = w->at;
    while (*at == ' ' || *at == '#' || (*at == '\n' && w->parentheses > 0))
        at += *at == '#' ? strcspn(at, "\n") : 1;
    w->token = (Token){.kind = TOKEN_SIGN, .text = at, .len = 1};
    if (*at == '\0') {
        w->token = (Token){.kind = TOKEN_END, .text = at};
    } else if (*at == '\n') {
        w->token.kind = TOKEN_NEWLINE;
    } else if (isdigit((unsigned char)*at)) {
        w->token.kind = TOKEN_NUMBER;
        w->token.len = number_length(at);
    } else if (isalpha((unsigned char)*at) || *at == '_') {
        w->token.kind = TOKEN_NAME;
        w->token.len = name_length(at);
    } else if (strchr("<>=!", *at) && (at[1] == '=' || (at[1] == *at && *at != '='))) {
        w->token.len = 2;
    }
    w->parentheses += w->token.kind == TOKEN_SIGN && *at == '(';
    w->parentheses -= w->token.kind == TOKEN_SIGN && *at == ')' && w->parentheses > 0;
    w->at = at + w->token.len;
}

static bool is_sign(const Walk *w, const char *sign) {
    return w->token.kind == TOKEN_SIGN && strlen(sign) == w->token.len &&
           memcmp(sign, w->token.text, w->token.len) == 0;
}

static bool accept(Walk *w, const char *sign) {
    if (!is_sign(w, sign))
        return false;
    next_token(w);
    return true;
}

static void expect(Walk *w, const char *sign) {
    if (!accept(w, sign))
        fail(w, arena_printf(w->set->arena, "expected `%s`", sign));
}

/* ---- calls ----------------------------------------------------------------------------------- */

static void walk_definition(Walk *w, const FormulaValue *args, unsigned num_args);

/* name_LETTERS, name_f or name_d, name. */
static const Definition *find_definition(const FormulaSet *set, const char *name, size_t len,
                                         const char *letters, const FormulaValue *args,
                                         unsigned num_args) {
    const char *key = arena_printf(set->arena, "%.*s_%s", (int)len, name, letters ? letters : "");
    const Definition *found = letters ? map_get(&set->definitions, key) : NULL;
    const IrType *real = formula_first_type(args, num_args, true);
    if (!found && real) {
        char letter = ir_bits(real) == 64 ? 'd' : 'f';
        key = arena_printf(set->arena, "%.*s_%c", (int)len, name, letter);
        found = map_get(&set->definitions, key);
    }
    return found ? found : map_getn(&set->definitions, name, len);
}

/* Builds the call of `name`; its results are in w->results. */
static void build_call(Walk *w, const char *name, size_t len, const FormulaValue *args,
                       unsigned num_args) {
    w->num_results = 1;
    PrimitiveStatus status = formula_primitive(w->b, name, len, args, num_args, &w->results[0]);
    if (status == PRIMITIVE_OK)
        return;
    if (status == PRIMITIVE_BAD) {
        fail(w,
             arena_printf(w->set->arena, "`%.*s` does not take these arguments", (int)len, name));
        return;
    }
    Walk inner = {.set = w->set, .b = w->b, .depth = w->depth + 1};
    inner.definition = find_definition(w->set, name, len, NULL, args, num_args);
    if (!inner.definition || inner.depth > MAX_DEPTH) {
        fail(w, arena_printf(w->set->arena, "no function `%.*s`", (int)len, name));
        return;
    }
    walk_definition(&inner, args, num_args);
    w->failed |= inner.failed;
    memcpy(w->results, inner.results, sizeof w->results);
    w->num_results = inner.num_results;
}

static FormulaValue build_operator(Walk *w, const char *sign, size_t len, FormulaValue a,
                                   FormulaValue b) {
    build_call(w, sign, len, (FormulaValue[]){a, b}, 2);
    return w->results[0];
}

/* ---- expressions ----------------------------------------------------------------------------- */

static FormulaValue parse_expression(Walk *w);

static FormulaValue parse_number(Walk *w) {
    FormulaValue value = {.number = strtod(w->token.text, NULL)};
    char *end;
    value.bits = strtoull(w->token.text, &end, 0);
    value.is_integer = end == w->token.text + w->token.len;
    next_token(w);
    return value;
}

static FormulaValue parse_call(Walk *w, const char *name, size_t len) {
    FormulaValue args[FORMULA_MAX_OPERANDS];
    unsigned num_args = 0;
    do {
        FormulaValue value = parse_expression(w);
        if (num_args == FORMULA_MAX_OPERANDS)
            fail(w, "too many arguments");
        else
            args[num_args++] = value;
    } while (!w->failed && accept(w, ","));
    expect(w, ")");
    if (!w->failed)
        build_call(w, name, len, args, num_args);
    return w->results[0];
}

static FormulaValue parse_name(Walk *w) {
    const char *name = w->token.text;
    size_t len = w->token.len;
    next_token(w);
    if (accept(w, "("))
        return parse_call(w, name, len);
    for (size_t i = w->variables.len; i-- > 0;) { /* the newest first */
        const Variable *v = &w->variables.data[i];
        if (v->len == len && memcmp(v->name, name, len) == 0)
            return v->value;
    }
    if (len == 3 && memcmp(name, "inf", len) == 0)
        return (FormulaValue){.number = INFINITY};
    if (len == 3 && memcmp(name, "nan", len) == 0)
        return (FormulaValue){.number = NAN};
    fail(w, "unknown name");
    return (FormulaValue){0};
}

static FormulaValue parse_operand(Walk *w) {
    if (accept(w, "-")) {
        FormulaValue value = parse_operand(w);
        if (!value.ir)
            return (FormulaValue){
                .number = -value.number, .bits = 0 - value.bits, .is_integer = value.is_integer};
        build_call(w, "neg", 3, &value, 1);
        return w->results[0];
    }
    if (w->token.kind == TOKEN_NUMBER)
        return parse_number(w);
    if (w->token.kind == TOKEN_NAME)
        return parse_name(w);
    expect(w, "(");
    FormulaValue value = w->failed ? (FormulaValue){0} : parse_expression(w);
    expect(w, ")");
    return value;
}

/* Operators by how tightly they bind, loosest first. */
static const char *const levels[][7] = {
    {"==", "!=", "<", "<=", ">", ">="}, {"|"}, {"^"}, {"&"}, {"<<", ">>"}, {"+", "-"}, {"*", "/"},
};

static FormulaValue parse_level(Walk *w, size_t level) {
    if (level == TK_COUNTOF(levels))
        return parse_operand(w);
    FormulaValue left = parse_level(w, level + 1);
    for (unsigned i = 0; !w->failed && levels[level][i];) {
        const char *sign = levels[level][i];
        if (!accept(w, sign)) {
            i++;
            continue;
        }
        FormulaValue right = parse_level(w, level + 1);
        if (!w->failed)
            left = build_operator(w, sign, strlen(sign), left, right);
        i = 0;
    }
    return left;
}

static FormulaValue parse_expression(Walk *w) {
    return parse_level(w, 0);
}

/* ---- statements ------------------------------------------------------------------------------ */

static bool is_word(const Walk *w, const char *word) {
    return w->token.kind == TOKEN_NAME && strlen(word) == w->token.len &&
           memcmp(word, w->token.text, w->token.len) == 0;
}

static void bind(Walk *w, const Token *name, const FormulaValue *value) {
    Variable variable = {.name = name->text, .len = name->len, .value = *value};
    vec_push(w->set->arena, &w->variables, variable);
}

/* name, ... = expression: several names take the several results of a call. */
static void parse_assignment(Walk *w) {
    Token names[MAX_RESULTS];
    unsigned count = 0;
    do {
        if (w->token.kind != TOKEN_NAME || count == MAX_RESULTS)
            fail(w, "expected a name");
        else
            names[count++] = w->token;
        next_token(w);
    } while (!w->failed && accept(w, ","));
    expect(w, "=");
    if (w->failed)
        return;
    FormulaValue value = parse_expression(w);
    if (count > 1 && count != w->num_results)
        fail(w, "as many results as names are needed");
    for (unsigned i = 0; !w->failed && i < count; i++)
        bind(w, &names[i], count == 1 ? &value : &w->results[i]);
}

static void parse_return(Walk *w) {
    FormulaValue values[MAX_RESULTS] = {0};
    unsigned count = 0;
    do {
        FormulaValue value = parse_expression(w);
        if (count == MAX_RESULTS)
            fail(w, "too many results");
        else
            values[count++] = value;
    } while (!w->failed && accept(w, ","));
    memcpy(w->results, values, sizeof values);
    w->num_results = count;
}

static void parse_parameters(Walk *w, const FormulaValue *args, unsigned num_args) {
    unsigned count = 0;
    next_token(w); /* the definition's name */
    next_token(w);
    expect(w, "(");
    do {
        if (count < num_args && w->token.kind == TOKEN_NAME)
            bind(w, &w->token, &args[count]);
        else
            fail(w, "as many arguments as parameters are needed");
        count++;
        next_token(w);
    } while (!w->failed && accept(w, ","));
    if (count != num_args)
        fail(w, "as many arguments as parameters are needed");
    expect(w, ")");
    expect(w, ":");
}

static void walk_definition(Walk *w, const FormulaValue *args, unsigned num_args) {
    w->at = w->definition->text;
    parse_parameters(w, args, num_args);
    while (!w->failed) {
        if (w->token.kind == TOKEN_NEWLINE) {
            next_token(w);
        } else if (is_word(w, "return")) {
            next_token(w);
            parse_return(w);
            if (w->token.kind != TOKEN_NEWLINE && w->token.kind != TOKEN_END)
                fail(w, "expected the end of the line");
            return;
        } else if (w->token.kind == TOKEN_END || is_word(w, "def")) {
            fail(w, "there is no return");
        } else {
            parse_assignment(w);
        }
    }
}

IrValue *formula_build(FormulaSet *set, IrBuilder *b, const char *name, const char *letters,
                       IrValue *const *args, unsigned num_args) {
    FormulaValue values[FORMULA_MAX_ARGS] = {0};
    set->error = NULL;
    for (unsigned i = 0; i < num_args && i < FORMULA_MAX_ARGS; i++)
        values[i].ir = args[i];
    Walk w = {.set = set, .b = b};
    w.definition = find_definition(set, name, strlen(name), letters, values, num_args);
    if (!w.definition)
        return NULL;
    walk_definition(&w, values, num_args);
    if (w.failed)
        return NULL;
    const IrType *type = formula_first_type(values, num_args, false);
    return w.results[0].ir ? w.results[0].ir : formula_typed(b, &w.results[0], type);
}
