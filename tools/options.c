/* options.c -- parses a command line by the tables of options.def.
 *
 * The first operand is the verb. Options may stand anywhere, also before the verb and between
 * operands; which options exist depends on the verb, so the verb is looked for first. Forms:
 * --name, --name=value, --name value, -x, -xvalue, -x value. `--` ends the options; `-` is an
 * operand. An option given twice counts the last time, except for lists. The value of a switch is
 * never the next word: `--profile k.tk` has the operand k.tk.
 *
 *     tkc run -I lib --seed=7 k.tk 1024 -- --verbose
 *     verb RUN, import-dir [lib], seed 7, operands k.tk 1024 --verbose
 */
#include "tools/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "support/str.h"

#define MANY OPERANDS_MANY
const VerbInfo verb_infos[VERB_COUNT] = {
#define VERB(name, text, operands, min, max, summary, description)                                 \
    [VERB_##name] = {text, operands, min, max, summary, description},
#include "tools/options.def"
};
#undef MANY

#define ON(verb) (1u << VERB_##verb)
#define ON_ALL   ((1u << VERB_COUNT) - 1)
const OptionInfo option_infos[OPTION_COUNT] = {
#define OPTION(name, verbs, text, letter, metavar, kind, help)                                     \
    [OPTION_##name] = {verbs, text, letter, metavar, OPTION_##kind, help},
#include "tools/options.def"
};
#undef ON
#undef ON_ALL

const ExampleInfo example_infos[] = {
#define EXAMPLE(verb, command, meaning) {VERB_##verb, command, meaning},
#include "tools/options.def"
};
const size_t num_examples = TK_COUNTOF(example_infos);

const EnvironmentInfo environment_infos[] = {
#define ENVIRONMENT(name, meaning) {name, meaning},
#include "tools/options.def"
};
const size_t num_environment = TK_COUNTOF(environment_infos);

/* A command line being parsed. */
typedef struct OptionParser {
    Arena *arena;
    Diags *diags;
    const char *const *args;
    size_t num_args, next;
    Options *options;
} OptionParser;

TextVec split_words(Arena *arena, const char *text, char separator) {
    TextVec words = {0};
    for (;;) {
        const char *end = strchr(text, separator);
        size_t len = end == NULL ? strlen(text) : (size_t)(end - text);
        vec_push(arena, &words, arena_strndup(arena, text, len));
        if (end == NULL) {
            return words;
        }
        text = end + 1;
    }
}

VerbId verb_from_name(const char *name) {
    VerbId verb = 0;
    while (verb < VERB_COUNT && !str_eq(verb_infos[verb].name, name)) {
        verb++;
    }
    return verb;
}

static void suggest(Diag *diag, const char *prefix, const char *word, const TextVec *candidates) {
    const char *near = closest_word(word, candidates->data, candidates->len);
    if (near != NULL) {
        diag_help(diag, "did you mean `%s%s`?", prefix, near);
    }
}

void report_unknown_verb(Arena *arena, Diags *diags, const char *name) {
    TextVec names = {0};
    for (VerbId verb = 0; verb < VERB_COUNT; verb++) {
        vec_push(arena, &names, verb_infos[verb].name);
    }
    Diag *diag = diag_report(diags, DIAG_USAGE_VERB, SRC_NONE, name);
    suggest(diag, "", name, &names);
    diag_help(diag, "`tkc help` lists the commands");
}

/* The option behind the dashes, OPTION_COUNT if this verb has none of that name. */
static OptionId find_option(VerbId verb, const char *name, size_t len) {
    OptionId id = 0;
    while (id < OPTION_COUNT &&
           !(verb_has_option(verb, id) && strlen(option_infos[id].name) == len &&
             memcmp(option_infos[id].name, name, len) == 0)) {
        id++;
    }
    return id;
}

static OptionId find_letter(VerbId verb, char letter) {
    OptionId id = 0;
    while (id < OPTION_COUNT && !(verb_has_option(verb, id) && option_infos[id].letter == letter)) {
        id++;
    }
    return id;
}

static bool is_option(const char *arg) {
    return arg[0] == '-' && arg[1] != '\0';
}

static void report_unknown_option(OptionParser *parser, const char *name, size_t len) {
    VerbId verb = parser->options->verb;
    const char *shown = arena_strndup(parser->arena, name, len);
    Diag *diag =
        diag_report(parser->diags, DIAG_USAGE_OPTION, SRC_NONE, verb_infos[verb].name, shown);
    TextVec names = {0};
    for (OptionId id = 0; id < OPTION_COUNT; id++) {
        if (verb_has_option(verb, id)) {
            vec_push(parser->arena, &names, option_infos[id].name);
        }
    }
    suggest(diag, "--", shown + strspn(shown, "-"), &names);
    if (verb == VERB_RUN && parser->options->operands.len > 0) {
        diag_help(diag, "arguments of the program that begin with a dash are written after `--`");
    }
    diag_help(diag, "`tkc %s --help` lists the options", verb_infos[verb].name);
}

static bool is_number(const char *text) {
    char *end;
    errno = 0;
    strtoull(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0;
}

/* Is `value` one that the option takes? Reports it if not. */
static bool check_value(OptionParser *parser, OptionId id, const char *value) {
    const OptionInfo *info = &option_infos[id];
    if (info->kind == OPTION_NUMBER && !is_number(value)) {
        Diag *diag = diag_report(parser->diags, DIAG_USAGE_VALUE, SRC_NONE, info->name, value);
        diag_note(diag, SRC_NONE, "it takes a whole number");
        return false;
    }
    if (info->kind == OPTION_CHOICE || info->kind == OPTION_SWITCH) {
        TextVec choices = split_words(parser->arena, info->metavar, '|');
        for (size_t i = 0; i < choices.len; i++) {
            if (str_eq(choices.data[i], value)) {
                return true;
            }
        }
        Diag *diag = diag_report(parser->diags, DIAG_USAGE_VALUE, SRC_NONE, info->name, value);
        diag_note(diag, SRC_NONE, "it takes one of %s", info->metavar);
        suggest(diag, "", value, &choices);
        return false;
    }
    return true;
}

/* Takes an option; `value` is what was attached to it, or NULL. */
static bool take_option(OptionParser *parser, OptionId id, const char *value) {
    const OptionInfo *info = &option_infos[id];
    if (info->kind == OPTION_FLAG) {
        if (value != NULL) {
            diag_report(parser->diags, DIAG_USAGE_VALUE_UNWANTED, SRC_NONE, info->name);
            return false;
        }
        parser->options->values[id] = "";
        return true;
    }
    if (value == NULL && info->kind == OPTION_SWITCH) {
        value = split_words(parser->arena, info->metavar, '|').data[0];
    } else if (value == NULL && parser->next < parser->num_args) {
        value = parser->args[parser->next++];
    }
    if (value == NULL) {
        Diag *diag = diag_report(parser->diags, DIAG_USAGE_VALUE_MISSING, SRC_NONE, info->name);
        diag_help(diag, "write --%s=%s", info->name, info->metavar);
        return false;
    }
    if (!check_value(parser, id, value)) {
        return false;
    }
    parser->options->values[id] = value;
    if (info->kind == OPTION_LIST) {
        vec_push(parser->arena, &parser->options->lists[id], value);
    }
    return true;
}

/* --name, --name=value, -x, -xvalue */
static bool parse_option(OptionParser *parser, const char *arg) {
    VerbId verb = parser->options->verb;
    if (arg[1] != '-') {
        OptionId id = find_letter(verb, arg[1]);
        if (id != OPTION_COUNT) {
            return take_option(parser, id, arg[2] == '\0' ? NULL : arg + 2);
        }
        report_unknown_option(parser, arg, strlen(arg));
        return false;
    }
    size_t len = strcspn(arg + 2, "=");
    OptionId id = find_option(verb, arg + 2, len);
    if (id == OPTION_COUNT) {
        report_unknown_option(parser, arg, len + 2);
        return false;
    }
    return take_option(parser, id, arg[len + 2] == '=' ? arg + len + 3 : NULL);
}

/* Does the option that `arg` spells take the next argument for its value, with any verb? */
static bool takes_next(const char *arg) {
    for (OptionId id = 0; id < OPTION_COUNT; id++) {
        const OptionInfo *info = &option_infos[id];
        bool is_this =
            arg[1] == '-' ? str_eq(arg + 2, info->name) : arg[1] == info->letter && arg[2] == '\0';
        if (is_this && info->kind != OPTION_FLAG) {
            return true;
        }
    }
    return false;
}

/* Finds the verb: the first argument that is no option and no option's value. Its index, or
 * num_args. */
static size_t find_verb(const OptionParser *parser) {
    size_t i = 0;
    while (i < parser->num_args && is_option(parser->args[i])) {
        i += takes_next(parser->args[i]) ? 2 : 1;
    }
    return i < parser->num_args ? i : parser->num_args;
}

static bool check_operands(OptionParser *parser) {
    const Options *options = parser->options;
    const VerbInfo *verb = &verb_infos[options->verb];
    if (option_given(options, OPTION_SHOW_HELP) || option_given(options, OPTION_VERSION)) {
        return true;
    }
    if (options->operands.len < verb->min_operands) {
        Diag *diag = diag_report(parser->diags, DIAG_USAGE_OPERAND_MISSING, SRC_NONE, verb->name);
        diag_help(diag, "tkc %s [OPTION]... %s", verb->name, verb->operands);
        return false;
    }
    if (options->operands.len > verb->max_operands) {
        diag_report(parser->diags, DIAG_USAGE_OPERAND_EXTRA, SRC_NONE, verb->name,
                    options->operands.data[verb->max_operands]);
        return false;
    }
    return true;
}

bool options_parse(Arena *arena, Diags *diags, const char *const *args, size_t num_args,
                   Options *options) {
    OptionParser parser = {arena, diags, args, num_args, 0, options};
    *options = (Options){.verb = VERB_HELP};
    size_t verb_at = find_verb(&parser);
    if (verb_at < num_args) {
        options->verb = verb_from_name(args[verb_at]);
        if (options->verb == VERB_COUNT) {
            report_unknown_verb(arena, diags, args[verb_at]);
            return false;
        }
    }
    bool ok = true, ended = false;
    while (parser.next < num_args) {
        size_t at = parser.next++;
        if (at == verb_at) {
            continue;
        }
        if (!ended && str_eq(args[at], "--")) {
            ended = true;
        } else if (!ended && is_option(args[at])) {
            ok = parse_option(&parser, args[at]) && ok;
        } else {
            vec_push(arena, &options->operands, args[at]);
        }
    }
    return ok && check_operands(&parser);
}

uint64_t option_number(const Options *options, OptionId id, uint64_t otherwise) {
    return options->values[id] == NULL ? otherwise : strtoull(options->values[id], NULL, 10);
}

unsigned option_choice(const Options *options, OptionId id) {
    if (options->values[id] == NULL) {
        return 0;
    }
    size_t len = strlen(options->values[id]);
    unsigned index = 0;
    for (const char *word = option_infos[id].metavar;; index++) {
        size_t word_len = strcspn(word, "|");
        if (word[word_len] == '\0' ||
            (word_len == len && memcmp(word, options->values[id], len) == 0)) {
            return index;
        }
        word += word_len + 1;
    }
}
