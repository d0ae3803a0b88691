/* str.c -- interned names, string builders, spelling distance.
 *
 * Interning keeps one copy of each distinct text in a map, so that names compare by address.
 * The spelling distance is the usual dynamic programme over prefixes (Damerau 1964, Levenshtein
 * 1966, in the form that edits no part twice), three rows at a time:
 *
 *     edit_distance("arnage", "arange") == 1      (one swap of neighbours)
 */
#include "support/str.h"

#include <stdio.h>
#include <string.h>

#include "support/map.h"

struct StrTab {
    Map names; /* text -> nothing; the keys are the Syms */
};

StrTab *strtab_create(Arena *arena) {
    StrTab *tab = ARENA_NEW(arena, StrTab);
    map_init_str(&tab->names, arena);
    return tab;
}

Sym strtab_intern(StrTab *tab, const char *text, size_t len) {
    const MapEntry *entry = map_entryn(&tab->names, text, len);
    if (entry == NULL) {
        map_setn(&tab->names, text, len, NULL);
        entry = &tab->names.entries[tab->names.len - 1];
    }
    return entry->key;
}

Sym strtab_sym(StrTab *tab, const char *text) {
    return strtab_intern(tab, text, strlen(text));
}

/* Makes room for `extra` bytes and the NUL. */
static void strbuf_reserve(StrBuf *buf, size_t extra) {
    if (extra < buf->cap - buf->len) {
        return;
    }
    if (extra >= SIZE_MAX / 2 - buf->len) {
        oom_raise(arena_oom(buf->arena));
    }
    size_t cap = buf->cap < 32 ? 64 : buf->cap * 2;
    if (cap <= buf->len + extra) {
        cap = buf->len + extra + 1;
    }
    char *data = arena_array(buf->arena, cap, 1, 1);
    if (buf->len > 0) {
        memcpy(data, buf->data, buf->len);
    }
    buf->data = data;
    buf->cap = cap;
}

void strbuf_putc(StrBuf *buf, char c) {
    strbuf_write(buf, &c, 1);
}

void strbuf_puts(StrBuf *buf, const char *text) {
    strbuf_write(buf, text, strlen(text));
}

void strbuf_write(StrBuf *buf, const char *text, size_t len) {
    strbuf_reserve(buf, len);
    if (len > 0) {
        memcpy(buf->data + buf->len, text, len);
    }
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void strbuf_printf(StrBuf *buf, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    strbuf_vprintf(buf, fmt, args);
    va_end(args);
}

void strbuf_vprintf(StrBuf *buf, const char *fmt, va_list args) {
    va_list measure;
    va_copy(measure, args);
    int len = vsnprintf(NULL, 0, fmt, measure);
    va_end(measure);
    if (len < 0) {
        return;
    }
    strbuf_reserve(buf, (size_t)len);
    vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, args);
    buf->len += (size_t)len;
}

const char *strbuf_str(StrBuf *buf) {
    return buf->data == NULL ? "" : buf->data;
}

size_t json_char(const char *text, size_t len, size_t *pos, char out[JSON_CHAR_MAX]) {
    size_t start = *pos;
    int32_t c = utf8_next(text, len, pos);
    if (c < 0 || c == 0x7f || (c < 0x20 && c != '\n'))
        return (size_t)snprintf(out, JSON_CHAR_MAX, "\\u%04x", c < 0 ? 0xfffdu : (unsigned)c);
    if (c == '"' || c == '\\' || c == '\n') {
        out[0] = '\\';
        out[1] = c == '\n' ? 'n' : (char)c;
        return 2;
    }
    memcpy(out, text + start, *pos - start);
    return *pos - start;
}

void strbuf_put_json(StrBuf *buf, const char *text) {
    size_t len = strlen(text);
    strbuf_putc(buf, '"');
    for (size_t pos = 0; pos < len;) {
        char json[JSON_CHAR_MAX];
        size_t json_len = json_char(text, len, &pos, json);
        strbuf_write(buf, json, json_len);
    }
    strbuf_putc(buf, '"');
}

bool str_eq(const char *a, const char *b) {
    return strcmp(a, b) == 0;
}

bool str_starts(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *text, const char *suffix) {
    size_t text_len = strlen(text), suffix_len = strlen(suffix);
    return text_len >= suffix_len && memcmp(text + text_len - suffix_len, suffix, suffix_len) == 0;
}

/* Spreads every bit of `x` over the whole word; the constants are odd numbers with well mixed bits
 * (the golden ratio and a random one). */
static uint64_t mix(uint64_t x) {
    x *= UINT64_C(0x9e3779b97f4a7c15);
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    return x ^ (x >> 29);
}

uint64_t hash_bytes(const void *data, size_t len, uint64_t seed) {
    const unsigned char *bytes = data;
    uint64_t hash = mix(seed + len + 1);
    while (len >= 8) {
        uint64_t word;
        memcpy(&word, bytes, 8);
        hash = mix(hash ^ word);
        bytes += 8;
        len -= 8;
    }
    uint64_t tail = 0;
    for (size_t i = 0; i < len; i++) {
        tail |= (uint64_t)bytes[i] << (8 * i);
    }
    return mix(hash ^ tail);
}

static size_t min3(size_t a, size_t b, size_t c) {
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* The distance of a[0, na) and b[0, nb), both at most EDIT_MAX long. Row i of the table holds the
 * distances of the first i bytes of `a` from each prefix of `b`. */
static size_t distance_table(const char *a, size_t na, const char *b, size_t nb) {
    size_t rows[3][EDIT_MAX + 1];
    size_t *before_last = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= nb; j++) {
        before_last[j] = last[j] = j;
    }
    for (size_t i = 1; i <= na; i++) {
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t replaced = last[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = min3(last[j] + 1, row[j - 1] + 1, replaced);
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped && before_last[j - 2] + 1 < row[j]) {
                row[j] = before_last[j - 2] + 1;
            }
        }
        size_t *reused = before_last;
        before_last = last;
        last = row;
        row = reused;
    }
    return last[nb];
}

size_t edit_distance(const char *a, const char *b) {
    size_t na = strlen(a), nb = strlen(b);
    while (na > 0 && nb > 0 && a[0] == b[0]) {
        a++, b++, na--, nb--;
    }
    while (na > 0 && nb > 0 && a[na - 1] == b[nb - 1]) {
        na--, nb--;
    }
    if (na > EDIT_MAX || nb > EDIT_MAX) {
        return na > nb ? na : nb;
    }
    return distance_table(a, na, b, nb);
}

const char *closest_word(const char *word, const char *const *candidates, size_t count) {
    size_t best = strlen(word) / 3 + 1;
    const char *found = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t distance = edit_distance(word, candidates[i]);
        if (distance < best) {
            best = distance;
            found = candidates[i];
        }
    }
    return found;
}
