/* parse_world.h -- what the tests of the scanner and the parser share. */
#ifndef TKC_TESTS_PARSE_WORLD_H
#define TKC_TESTS_PARSE_WORLD_H

#include "frontend/parse.h"

/* Everything that parsing one text needs, and its result. */
typedef struct ParseWorld {
    OomHandler oom;
    Arena *arena;
    StrTab *names;
    SourceSet *sources;
    Diags *diags;
    SrcFile *file;
    Module *module; /* after parse_text */
} ParseWorld;

/* Opens a world with the text as its only file. */
void world_open(ParseWorld *world, const char *text);
void world_close(ParseWorld *world);

/* Parses; the tree is in world->module. */
void world_parse(ParseWorld *world, const char *text);
/* "line:column TKnnnn" of each diagnostic, in the order of the text, joined by "; ". */
const char *world_errors(ParseWorld *world);
/* The tree, and the tokens, as text. */
const char *world_tree(ParseWorld *world);
const char *world_tokens(ParseWorld *world);

#endif
