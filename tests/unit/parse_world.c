/* parse_world.c -- what the tests of the scanner and the parser share.
 *
 * Example: world_parse(&world, "x = )\n"); world_errors(&world) is then "1:5 TK0114".
 */
#include "tests/unit/parse_world.h"

#include <stdlib.h>
#include <string.h>

void world_open(ParseWorld *world, const char *text) {
    memset(world, 0, sizeof *world);
    world->oom.fail_after = -1;
    world->arena = arena_create(&world->oom);
    world->names = strtab_create(world->arena);
    world->sources = sources_create(world->arena);
    world->diags = diags_create(world->arena, world->sources);
    world->file = sources_add(world->sources, "test.tk", text, strlen(text));
}

void world_close(ParseWorld *world) {
    arena_destroy(world->arena);
}

void world_parse(ParseWorld *world, const char *text) {
    world_open(world, text);
    world->module = parse_module(world->arena, world->names, world->diags, world->file);
}

static int by_place(const void *left, const void *right) {
    const Diag *a = *(const Diag *const *)left;
    const Diag *b = *(const Diag *const *)right;
    return (a->range.lo > b->range.lo) - (a->range.lo < b->range.lo);
}

const char *world_errors(ParseWorld *world) {
    StrBuf text = STRBUF(world->arena);
    size_t len = diags_len(world->diags);
    const Diag **sorted = ARENA_ARRAY(world->arena, const Diag *, len + 1);
    for (size_t i = 0; i < len; i++)
        sorted[i] = diags_at(world->diags, i);
    qsort(sorted, len, sizeof *sorted, by_place);
    for (size_t i = 0; i < len; i++) {
        SrcPos pos = source_pos(world->file, sorted[i]->range.lo);
        strbuf_printf(&text, "%s%u:%u TK%04u", i > 0 ? "; " : "", pos.line, pos.column,
                      diag_infos[sorted[i]->id].code);
    }
    return strbuf_str(&text);
}

const char *world_tree(ParseWorld *world) {
    StrBuf text = STRBUF(world->arena);
    ast_print(world->module, &text);
    return strbuf_str(&text);
}

const char *world_tokens(ParseWorld *world) {
    StrBuf text = STRBUF(world->arena);
    dump_tokens(world->arena, world->names, world->diags, world->file, &text);
    return strbuf_str(&text);
}
