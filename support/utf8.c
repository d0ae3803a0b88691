/* utf8.c -- decoding and encoding UTF-8, and how wide a character is on a terminal.
 *
 * Decoding follows the Unicode standard, table 3-7: sequences that are too long, surrogates and
 * values above U+10FFFF are invalid. Widths follow East Asian Width (UAX 11) and the general
 * categories Mn, Me and Cf, rounded to whole blocks where nothing else lives in them: that is
 * enough to keep carets under the right column.
 */
#include <stddef.h>

#include "support/str.h"

/* Length of the sequence a first byte announces and the payload bits of that byte; 0: not a first
 * byte. */
static size_t sequence_length(unsigned char first, uint32_t *payload) {
    if (first < 0x80) {
        *payload = first;
        return 1;
    }
    if (first >= 0xc2 && first < 0xe0) {
        *payload = first & 0x1fu;
        return 2;
    }
    if (first >= 0xe0 && first < 0xf0) {
        *payload = first & 0x0fu;
        return 3;
    }
    if (first >= 0xf0 && first < 0xf5) {
        *payload = first & 0x07u;
        return 4;
    }
    return 0;
}

int32_t utf8_next(const char *text, size_t len, size_t *pos) {
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t start = (*pos)++;
    uint32_t code_point = 0;
    size_t length = sequence_length((unsigned char)text[start], &code_point);
    if (length == 0 || length > len - start) {
        return -1;
    }
    for (size_t i = 1; i < length; i++) {
        unsigned char next = (unsigned char)text[start + i];
        if ((next & 0xc0u) != 0x80) {
            return -1;
        }
        code_point = code_point << 6 | (next & 0x3fu);
    }
    bool surrogate = code_point >= 0xd800 && code_point < 0xe000;
    if (code_point < least[length] || code_point > 0x10ffff || surrogate) {
        return -1;
    }
    *pos = start + length;
    return (int32_t)code_point;
}

size_t utf8_put(char out[4], uint32_t code_point) {
    if (code_point < 0x80) {
        out[0] = (char)code_point;
        return 1;
    }
    size_t length = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80u | (code_point & 0x3fu));
        code_point >>= 6;
    }
    static const unsigned char mark[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(mark[length] | code_point);
    return length;
}

typedef struct WidthRange {
    uint32_t first, last;
    int width;
} WidthRange;

/* Sorted; what lies between the ranges is one column wide. */
static const WidthRange width_ranges[] = {
    {0x0300, 0x036f, 0},   {0x0483, 0x0489, 0},   {0x0591, 0x05bd, 0},   {0x0610, 0x061a, 0},
    {0x064b, 0x065f, 0},   {0x06d6, 0x06dc, 0},   {0x0730, 0x074a, 0},   {0x0900, 0x0902, 0},
    {0x093c, 0x093c, 0},   {0x0941, 0x0948, 0},   {0x094d, 0x094d, 0},   {0x0e31, 0x0e31, 0},
    {0x0e34, 0x0e3a, 0},   {0x0e47, 0x0e4e, 0},   {0x1100, 0x115f, 2},   {0x1160, 0x11ff, 0},
    {0x1ab0, 0x1aff, 0},   {0x1dc0, 0x1dff, 0},   {0x200b, 0x200f, 0},   {0x2060, 0x2064, 0},
    {0x20d0, 0x20f0, 0},   {0x231a, 0x231b, 2},   {0x2329, 0x232a, 2},   {0x23e9, 0x23ec, 2},
    {0x23f0, 0x23f0, 2},   {0x23f3, 0x23f3, 2},   {0x25fd, 0x25fe, 2},   {0x2614, 0x2615, 2},
    {0x2648, 0x2653, 2},   {0x267f, 0x267f, 2},   {0x2693, 0x2693, 2},   {0x26a1, 0x26a1, 2},
    {0x26aa, 0x26ab, 2},   {0x26bd, 0x26be, 2},   {0x26c4, 0x26c5, 2},   {0x26ce, 0x26ce, 2},
    {0x26d4, 0x26d4, 2},   {0x26ea, 0x26ea, 2},   {0x26f2, 0x26f3, 2},   {0x26f5, 0x26f5, 2},
    {0x26fa, 0x26fa, 2},   {0x26fd, 0x26fd, 2},   {0x2705, 0x2705, 2},   {0x270a, 0x270b, 2},
    {0x2728, 0x2728, 2},   {0x274c, 0x274c, 2},   {0x274e, 0x274e, 2},   {0x2753, 0x2755, 2},
    {0x2757, 0x2757, 2},   {0x2795, 0x2797, 2},   {0x27b0, 0x27b0, 2},   {0x27bf, 0x27bf, 2},
    {0x2b1b, 0x2b1c, 2},   {0x2b50, 0x2b50, 2},   {0x2b55, 0x2b55, 2},   {0x2e80, 0x3029, 2},
    {0x302a, 0x302d, 0},   {0x302e, 0x303e, 2},   {0x3041, 0x3098, 2},   {0x3099, 0x309a, 0},
    {0x309b, 0x4dbf, 2},   {0x4e00, 0xa4cf, 2},   {0xa960, 0xa97f, 2},   {0xac00, 0xd7a3, 2},
    {0xf900, 0xfaff, 2},   {0xfe00, 0xfe0f, 0},   {0xfe10, 0xfe19, 2},   {0xfe20, 0xfe2f, 0},
    {0xfe30, 0xfe6f, 2},   {0xfeff, 0xfeff, 0},   {0xff00, 0xff60, 2},   {0xffe0, 0xffe6, 2},
    {0x1f004, 0x1f004, 2}, {0x1f0cf, 0x1f0cf, 2}, {0x1f18e, 0x1f18e, 2}, {0x1f191, 0x1f19a, 2},
    {0x1f200, 0x1f320, 2}, {0x1f32d, 0x1f335, 2}, {0x1f337, 0x1f37c, 2}, {0x1f37e, 0x1f393, 2},
    {0x1f3a0, 0x1f3ca, 2}, {0x1f3cf, 0x1f3d3, 2}, {0x1f3e0, 0x1f3f0, 2}, {0x1f3f4, 0x1f3f4, 2},
    {0x1f3f8, 0x1f43e, 2}, {0x1f440, 0x1f440, 2}, {0x1f442, 0x1f4fc, 2}, {0x1f4ff, 0x1f53d, 2},
    {0x1f54b, 0x1f54e, 2}, {0x1f550, 0x1f567, 2}, {0x1f57a, 0x1f57a, 2}, {0x1f595, 0x1f596, 2},
    {0x1f5a4, 0x1f5a4, 2}, {0x1f5fb, 0x1f64f, 2}, {0x1f680, 0x1f6c5, 2}, {0x1f6cc, 0x1f6cc, 2},
    {0x1f6d0, 0x1f6d2, 2}, {0x1f6d5, 0x1f6df, 2}, {0x1f6eb, 0x1f6ec, 2}, {0x1f6f4, 0x1f6fc, 2},
    {0x1f7e0, 0x1f7eb, 2}, {0x1f90c, 0x1f93a, 2}, {0x1f93c, 0x1f945, 2}, {0x1f947, 0x1f9ff, 2},
    {0x1fa70, 0x1faff, 2}, {0x20000, 0x3fffd, 2}, {0xe0000, 0xe0fff, 0},
};

int utf8_width(uint32_t code_point) {
    if (code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0)) {
        return 0; /* control characters */
    }
    size_t low = 0, high = TK_COUNTOF(width_ranges);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (code_point > width_ranges[middle].last) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool found = low < TK_COUNTOF(width_ranges) && code_point >= width_ranges[low].first;
    return found ? width_ranges[low].width : 1;
}
