/* source.h -- source files, byte ranges in them, and how a person counts lines and columns. */
#ifndef TKC_SUPPORT_SOURCE_H
#define TKC_SUPPORT_SOURCE_H

#include <stdbool.h>

#include "support/arena.h"

/* Bytes [lo, hi) of file number `file` (an index into a SourceSet; 0 means "no place"). */
typedef struct SrcRange {
    uint32_t file, lo, hi;
} SrcRange;
#define SRC_NONE ((SrcRange){0, 0, 0})

typedef struct SrcFile {
    uint32_t id;
    const char *name; /* as the user spelled it; "<stdin>" for standard input */
    const char *text; /* len bytes and a NUL behind them */
    size_t len;
    uint32_t *line_starts; /* byte offset of each line's first byte */
    size_t num_lines;
} SrcFile;

typedef struct SourceSet SourceSet;
SourceSet *sources_create(Arena *arena);
/* Adds a file (text copied into the arena). NULL if it is longer than SRC_MAX_BYTES (256 MiB). */
#define SRC_MAX_BYTES (256u << 20)
SrcFile *sources_add(SourceSet *set, const char *name, const char *text, size_t len);
/* The file a range lies in, or NULL for SRC_NONE. */
const SrcFile *sources_file(const SourceSet *set, uint32_t id);

/* 1-based line and column; columns count code points, a tab counts as one; so does each byte that
 * is not UTF-8; a byte order mark at the start counts as none. Offsets behind the end mean the end.
 */
typedef struct SrcPos {
    uint32_t line, column;
} SrcPos;
SrcPos source_pos(const SrcFile *file, uint32_t offset);
/* The bytes of a 1-based line without its "\n" or "\r\n" (and without a byte order mark); *offset,
 * if not NULL, is set to where in the file they begin. Lines behind the last one are empty. */
const char *source_line(const SrcFile *file, uint32_t line, size_t *len, uint32_t *offset);
/* The smallest range that covers both (b's file must be a's; an empty one yields the other). */
SrcRange range_join(SrcRange a, SrcRange b);
static inline bool range_is_none(SrcRange r) {
    return r.file == 0;
}

#endif
