/* unicode_ident.c -- which characters identifiers are made of.
 *
 * Python takes Unicode's XID_Start and XID_Continue. The table of ranges is made by
 * unicode_ident.py; a binary search answers. Names are compared as written: Python's NFKC
 * normalisation, by which a full-width `x` is the plain `x`, is left out.
 */
#include "frontend/parser_state.h"

typedef struct IdentRange {
    uint32_t first, last;
    bool starts; /* else it only continues identifiers */
} IdentRange;

static const IdentRange ranges[] = {
#define RANGE(first, last, starts) {first, last, starts},
#include "frontend/unicode_ident.def"
#undef RANGE
};

static const IdentRange *find_range(uint32_t code_point) {
    size_t low = 0;
    size_t high = TK_COUNTOF(ranges);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (code_point < ranges[middle].first)
            high = middle;
        else if (code_point > ranges[middle].last)
            low = middle + 1;
        else
            return &ranges[middle];
    }
    return NULL;
}

static bool is_ascii_letter(uint32_t code_point) {
    uint32_t lower = code_point | 0x20;
    return code_point == '_' || (code_point < 128 && lower >= 'a' && lower <= 'z');
}

bool unicode_is_ident_start(uint32_t code_point) {
    const IdentRange *range = find_range(code_point);
    return is_ascii_letter(code_point) || (range && range->starts);
}

bool unicode_is_ident_continue(uint32_t code_point) {
    return is_ascii_letter(code_point) || (code_point >= '0' && code_point <= '9') ||
           find_range(code_point) != NULL;
}
