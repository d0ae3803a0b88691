/* str.h -- interned names, string builders, small text helpers. */
#ifndef TKC_SUPPORT_STR_H
#define TKC_SUPPORT_STR_H

#include <stdbool.h>

#include "support/arena.h"

/* An interned, NUL-terminated string: equal text means equal pointer (within one StrTab). */
typedef const char *Sym;

typedef struct StrTab StrTab;
StrTab *strtab_create(Arena *arena);
Sym strtab_intern(StrTab *tab, const char *text, size_t len);
Sym strtab_sym(StrTab *tab, const char *text); /* NUL-terminated */

/* A growable byte string in an arena; `data` is always NUL-terminated once something was added. */
typedef struct StrBuf {
    Arena *arena;
    char *data;
    size_t len, cap;
} StrBuf;
#define STRBUF(arena_) ((StrBuf){.arena = (arena_)})
void strbuf_putc(StrBuf *buf, char c);
void strbuf_puts(StrBuf *buf, const char *text);
void strbuf_write(StrBuf *buf, const char *text, size_t len);
void strbuf_printf(StrBuf *buf, const char *fmt, ...) TK_PRINTF(2, 3);
void strbuf_vprintf(StrBuf *buf, const char *fmt, va_list args) TK_PRINTF(2, 0);
/* The text so far ("" if empty). */
const char *strbuf_str(StrBuf *buf);

/* As a JSON string, in quotes. */
void strbuf_put_json(StrBuf *buf, const char *text);
/* The next code point of a text at *pos (which moves on) as it stands in a JSON string: its length
 * in `out`. Bytes that are not UTF-8 become U+FFFD. */
#define JSON_CHAR_MAX 8
size_t json_char(const char *text, size_t len, size_t *pos, char out[JSON_CHAR_MAX]);

bool str_eq(const char *a, const char *b);
bool str_starts(const char *text, const char *prefix);
bool str_ends(const char *text, const char *suffix);
uint64_t hash_bytes(const void *data, size_t len, uint64_t seed);

/* Spelling: the number of single-byte insertions, deletions, replacements and swaps of neighbours
 * that turn one word into the other (Damerau-Levenshtein, no part edited twice). Words that still
 * differ in more than EDIT_MAX bytes without their common ends count as different in every byte. */
#define EDIT_MAX 64
size_t edit_distance(const char *a, const char *b);
/* The best of `count` candidates for `word` if it is near enough to be worth a "did you mean" (at
 * most a third of the length of `word` away), NULL if none is. Ties go to the earlier candidate. */
const char *closest_word(const char *word, const char *const *candidates, size_t count);

/* UTF-8: decodes one code point at *pos (advances it); returns -1 for an invalid sequence and
 * advances one byte. utf8_width: terminal columns (0, 1 or 2). */
int32_t utf8_next(const char *text, size_t len, size_t *pos);
size_t utf8_put(char out[4], uint32_t code_point);
int utf8_width(uint32_t code_point);

#endif
