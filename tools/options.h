/* options.h -- a parsed command line of tkc, and the tables it is parsed by. */
#ifndef TKC_TOOLS_OPTIONS_H
#define TKC_TOOLS_OPTIONS_H

#include "support/diag.h"

typedef enum VerbId {
#define VERB(name, text, operands, min, max, summary, description) VERB_##name,
#include "tools/options.def"
    VERB_COUNT /* no verb: the command line is for tkc itself */
} VerbId;

typedef enum OptionId {
#define OPTION(name, verbs, text, letter, metavar, kind, help) OPTION_##name,
#include "tools/options.def"
    OPTION_COUNT
} OptionId;

typedef enum OptionKind {
    OPTION_FLAG,
    OPTION_SWITCH, /* a flag that may name one of several words: --name or --name=word */
    OPTION_TEXT,
    OPTION_NUMBER,
    OPTION_CHOICE,
    OPTION_LIST
} OptionKind;

#define OPERANDS_MANY SIZE_MAX
typedef struct VerbInfo {
    const char *name;
    const char *operands; /* "FILE [ARGUMENT]..." */
    size_t min_operands, max_operands;
    const char *summary, *description;
} VerbInfo;
extern const VerbInfo verb_infos[VERB_COUNT];

typedef struct OptionInfo {
    unsigned verbs; /* bit 1 << VerbId */
    const char *name;
    char letter;         /* 0: none */
    const char *metavar; /* NULL: a flag */
    OptionKind kind;
    const char *help;
} OptionInfo;
extern const OptionInfo option_infos[OPTION_COUNT];

typedef struct ExampleInfo {
    VerbId verb;
    const char *command, *meaning;
} ExampleInfo;
extern const ExampleInfo example_infos[];
extern const size_t num_examples;

typedef struct EnvironmentInfo {
    const char *name, *meaning;
} EnvironmentInfo;
extern const EnvironmentInfo environment_infos[];
extern const size_t num_environment;

typedef VEC(const char *) TextVec;

typedef struct Options {
    VerbId verb;
    const char *values[OPTION_COUNT]; /* the last value given, "" for flags; NULL: not given */
    TextVec lists[OPTION_COUNT];      /* LIST options: all values */
    TextVec operands;
} Options;

/* Parses the arguments behind the program's name. Reports mistakes and returns false. */
bool options_parse(Arena *arena, Diags *diags, const char *const *args, size_t num_args,
                   Options *options);
/* The verb of that name, VERB_COUNT if there is none. */
VerbId verb_from_name(const char *name);
/* Reports an unknown verb, with a suggestion. */
void report_unknown_verb(Arena *arena, Diags *diags, const char *name);
/* The value of a NUMBER option (checked while parsing), or `otherwise` if it was not given. */
uint64_t option_number(const Options *options, OptionId id, uint64_t otherwise);
/* Which of a CHOICE or SWITCH option's words was given: 0, 1, ...; 0 if it was not given. */
unsigned option_choice(const Options *options, OptionId id);
static inline bool option_given(const Options *options, OptionId id) {
    return options->values[id] != NULL;
}
static inline bool verb_has_option(VerbId verb, OptionId id) {
    return (option_infos[id].verbs & (1u << verb)) != 0;
}
/* Splits "a|b|c" or "a,b,c" at `separator`; empty pieces are kept. */
TextVec split_words(Arena *arena, const char *text, char separator);

#endif
