/* unicode_names.c -- characters by name, for \N{NAME} in string literals.
 *
 * Unicode has over 30,000 names; a program that computes on tiles writes a handful. The table holds
 * those that mathematics and typesetting use most; other names are refused with a diagnostic, and
 * \u or the character itself always works.
 */
#include <string.h>

#include "frontend/parser_state.h"

typedef struct NamedCharacter {
    const char *name;
    int32_t code;
} NamedCharacter;

static const NamedCharacter characters[] = {
    {"NO-BREAK SPACE", 0x00a0},
    {"DEGREE SIGN", 0x00b0},
    {"PLUS-MINUS SIGN", 0x00b1},
    {"SUPERSCRIPT TWO", 0x00b2},
    {"MICRO SIGN", 0x00b5},
    {"MIDDLE DOT", 0x00b7},
    {"MULTIPLICATION SIGN", 0x00d7},
    {"DIVISION SIGN", 0x00f7},
    {"GREEK SMALL LETTER ALPHA", 0x03b1},
    {"GREEK SMALL LETTER BETA", 0x03b2},
    {"GREEK SMALL LETTER GAMMA", 0x03b3},
    {"GREEK SMALL LETTER DELTA", 0x03b4},
    {"GREEK SMALL LETTER EPSILON", 0x03b5},
    {"GREEK SMALL LETTER LAMDA", 0x03bb},
    {"GREEK SMALL LETTER MU", 0x03bc},
    {"GREEK SMALL LETTER PI", 0x03c0},
    {"GREEK SMALL LETTER SIGMA", 0x03c3},
    {"GREEK CAPITAL LETTER DELTA", 0x0394},
    {"GREEK CAPITAL LETTER SIGMA", 0x03a3},
    {"EN DASH", 0x2013},
    {"EM DASH", 0x2014},
    {"LEFT SINGLE QUOTATION MARK", 0x2018},
    {"RIGHT SINGLE QUOTATION MARK", 0x2019},
    {"LEFT DOUBLE QUOTATION MARK", 0x201c},
    {"RIGHT DOUBLE QUOTATION MARK", 0x201d},
    {"BULLET", 0x2022},
    {"HORIZONTAL ELLIPSIS", 0x2026},
    {"EURO SIGN", 0x20ac},
    {"LEFTWARDS ARROW", 0x2190},
    {"RIGHTWARDS ARROW", 0x2192},
    {"PARTIAL DIFFERENTIAL", 0x2202},
    {"N-ARY SUMMATION", 0x2211},
    {"SQUARE ROOT", 0x221a},
    {"INFINITY", 0x221e},
    {"INTEGRAL", 0x222b},
    {"ALMOST EQUAL TO", 0x2248},
    {"NOT EQUAL TO", 0x2260},
    {"LESS-THAN OR EQUAL TO", 0x2264},
    {"GREATER-THAN OR EQUAL TO", 0x2265},
    {"CHECK MARK", 0x2713},
    {"SNOWMAN", 0x2603},
};

static bool same_name(const char *name, const char *text, size_t len) {
    if (strlen(name) != len)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        if (c != name[i])
            return false;
    }
    return true;
}

int32_t unicode_by_name(const char *name, size_t len) {
    for (size_t i = 0; i < TK_COUNTOF(characters); i++)
        if (same_name(characters[i].name, name, len))
            return characters[i].code;
    return -1;
}
