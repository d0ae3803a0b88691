/* source.c -- source files and positions in them.
 *
 * A file's line starts are found once when it is added; a position is then a binary search for the
 * line and a walk over the code points in front of it. Ranges stay byte offsets everywhere else.
 *
 *     "ab\ncd" : line_starts = {0, 3}; offset 4 is line 2, column 2
 */
#include "support/source.h"

#include <string.h>

#include "support/str.h"
#include "support/vec.h"

struct SourceSet {
    Arena *arena;
    VEC(SrcFile *) files;
};

SourceSet *sources_create(Arena *arena) {
    SourceSet *set = ARENA_NEW(arena, SourceSet);
    set->arena = arena;
    return set;
}

static void find_lines(Arena *arena, SrcFile *file) {
    size_t lines = 1;
    const char *end = file->text + file->len;
    for (const char *p = file->text; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++) {
        lines++;
    }
    file->line_starts = ARENA_ARRAY(arena, uint32_t, lines);
    file->num_lines = lines;
    size_t line = 1;
    for (const char *p = file->text; (p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++) {
        file->line_starts[line++] = (uint32_t)(p + 1 - file->text);
    }
}

SrcFile *sources_add(SourceSet *set, const char *name, const char *text, size_t len) {
    if (len > SRC_MAX_BYTES) {
        return NULL;
    }
    SrcFile *file = ARENA_NEW(set->arena, SrcFile);
    file->name = arena_strdup(set->arena, name);
    file->text = arena_strndup(set->arena, text, len);
    file->len = len;
    find_lines(set->arena, file);
    vec_push(set->arena, &set->files, file);
    file->id = (uint32_t)set->files.len;
    return file;
}

const SrcFile *sources_file(const SourceSet *set, uint32_t id) {
    return id == 0 || id > set->files.len ? NULL : set->files.data[id - 1];
}

const char *source_line(const SrcFile *file, uint32_t line, size_t *len, uint32_t *offset) {
    bool exists = line >= 1 && line <= file->num_lines;
    size_t start = exists ? file->line_starts[line - 1] : file->len;
    size_t end = exists && line < file->num_lines ? file->line_starts[line] - 1u : file->len;
    if (exists && line < file->num_lines && end > start && file->text[end - 1] == '\r') {
        end--;
    }
    if (start == 0 && end >= 3 && memcmp(file->text, "\xef\xbb\xbf", 3) == 0) {
        start = 3; /* a byte order mark is no part of the text */
    }
    *len = end - start;
    if (offset != NULL) {
        *offset = (uint32_t)start;
    }
    return file->text + start;
}

SrcPos source_pos(const SrcFile *file, uint32_t offset) {
    size_t at = offset < file->len ? offset : file->len;
    size_t low = 0, high = file->num_lines; /* line_starts[low] <= at < line_starts[high] */
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (file->line_starts[middle] <= at) {
            low = middle;
        } else {
            high = middle;
        }
    }
    uint32_t line = (uint32_t)low + 1, start;
    size_t len;
    source_line(file, line, &len, &start);
    uint32_t column = 1;
    for (size_t pos = start; pos < at;) {
        utf8_next(file->text, file->len, &pos);
        column += pos <= at; /* an offset inside a character has that character's column */
    }
    return (SrcPos){line, column};
}

SrcRange range_join(SrcRange a, SrcRange b) {
    if (range_is_none(a)) {
        return b;
    }
    if (range_is_none(b) || a.file != b.file) {
        return a;
    }
    return (SrcRange){a.file, a.lo < b.lo ? a.lo : b.lo, a.hi > b.hi ? a.hi : b.hi};
}
