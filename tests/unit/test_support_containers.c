/* Vectors, maps, interned strings, string builders, spelling, UTF-8. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/map.h"
#include "support/str.h"
#include "support/vec.h"

static OomHandler oom;
static Arena *arena;

static void begin(void) {
    oom.fail_after = -1;
    if (setjmp(oom.jump)) {
        abort();
    }
    arena = arena_create(&oom);
}

static void end(void) {
    arena_destroy(arena);
}

TestSuite(containers, .init = begin, .fini = end);

Test(containers, vec_push_pop_reserve) {
    VEC(int) v = {0};
    for (int i = 0; i < 1000; i++) {
        vec_push(arena, &v, i * i);
    }
    cr_assert_eq(v.len, 1000);
    for (int i = 0; i < 1000; i++) {
        cr_assert_eq(v.data[i], i * i);
    }
    cr_assert_eq(vec_last(&v), 999 * 999);
    cr_assert_eq(vec_pop(&v), 999 * 999);
    cr_assert_eq(v.len, 999);
    vec_reserve(arena, &v, 5000);
    cr_assert_geq(v.cap, 999 + 5000);
    cr_assert_eq(v.data[998], 998 * 998);
}

Test(containers, map_of_strings) {
    static int values[500];
    Map map;
    map_init_str(&map, arena);
    cr_assert_null(map_get(&map, "nothing"));
    cr_assert_not(map_remove(&map, "nothing"));
    for (int i = 0; i < 500; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        map_set(&map, key, &values[i]);
        memset(key, 'x', sizeof key); /* the map has its own copy */
    }
    cr_assert_eq(map.count, 500);
    for (int i = 0; i < 500; i++) {
        cr_assert_eq(map_get(&map, arena_printf(arena, "k%d", i)), &values[i]);
        cr_assert_str_eq(map.entries[i].key, arena_printf(arena, "k%d", i));
    }
    map_set(&map, "k7", NULL);
    cr_assert(map_has(&map, "k7"));
    cr_assert_null(map_get(&map, "k7"));
    cr_assert_eq(map.count, 500);
}

Test(containers, map_keeps_order_through_removal) {
    Map map;
    map_init_str(&map, arena);
    for (int round = 0; round < 2000; round++) {
        char key[16];
        snprintf(key, sizeof key, "%d", round);
        map_set(&map, key, &map);
        if (round >= 10) {
            snprintf(key, sizeof key, "%d", round - 10);
            cr_assert(map_remove(&map, key));
            cr_assert_not(map_has(&map, key));
        }
    }
    cr_assert_eq(map.count, 10);
    cr_assert_lt(map.len, 100, "dead entries are dropped");
    int expected = 1990;
    for (size_t i = 0; i < map.len; i++) {
        if (map.entries[i].live) {
            cr_assert_eq(atoi(map.entries[i].key), expected++);
        }
    }
    cr_assert_eq(expected, 2000);
    map_set(&map, "1995", &map);
    cr_assert(map_remove(&map, "1995"));
    map_set(&map, "1995", &map);
    cr_assert_eq(map_getn(&map, "1995", 4), &map);
    cr_assert_str_eq(map.entries[map.len - 1].key, "1995");
}

Test(containers, map_of_bytes_and_pointers) {
    static int objects[300];
    Map bytes, pointers;
    map_init_str(&bytes, arena);
    map_init_ptr(&pointers, arena);
    map_setn(&bytes, "a\0b", 3, &objects[0]);
    map_setn(&bytes, "a\0c", 3, &objects[1]);
    map_setn(&bytes, "", 0, &objects[2]);
    cr_assert_eq(map_getn(&bytes, "a\0b", 3), &objects[0]);
    cr_assert_eq(map_getn(&bytes, "a\0c", 3), &objects[1]);
    cr_assert_eq(map_get(&bytes, ""), &objects[2]);
    cr_assert_null(map_get(&bytes, "a"));
    for (int i = 0; i < 300; i++) {
        map_setp(&pointers, &objects[i], &objects[299 - i]);
    }
    map_setp(&pointers, NULL, &objects[5]);
    cr_assert_eq(map_getp(&pointers, &objects[17]), &objects[282]);
    cr_assert_eq(map_getp(&pointers, NULL), &objects[5]);
    cr_assert(map_removep(&pointers, &objects[17]));
    cr_assert_not(map_hasp(&pointers, &objects[17]));
    cr_assert(map_hasp(&pointers, &objects[18]));
}

Test(containers, interning) {
    StrTab *tab = strtab_create(arena);
    Sym a = strtab_sym(tab, "alpha");
    for (int i = 0; i < 1000; i++) {
        strtab_sym(tab, arena_printf(arena, "n%d", i));
    }
    cr_assert_eq(strtab_intern(tab, "alphabet", 5), a);
    cr_assert_neq(strtab_sym(tab, "alphabet"), a);
    cr_assert_str_eq(a, "alpha");
    cr_assert_eq(strtab_sym(tab, ""), strtab_intern(tab, "x", 0));
}

Test(containers, string_builder) {
    StrBuf buf = STRBUF(arena);
    cr_assert_str_eq(strbuf_str(&buf), "");
    for (int i = 0; i < 1000; i++) {
        strbuf_printf(&buf, "%d", i % 10);
        strbuf_putc(&buf, ',');
    }
    cr_assert_eq(buf.len, 2000);
    cr_assert(str_starts(strbuf_str(&buf), "0,1,2,"));
    cr_assert(str_ends(strbuf_str(&buf), "8,9,"));
    strbuf_printf(&buf, "%*d", 5000, 1);
    cr_assert_eq(strlen(strbuf_str(&buf)), 7000);
    strbuf_puts(&buf, "");
    strbuf_write(&buf, "a\0b", 3);
    cr_assert_eq(buf.len, 7003);
    cr_assert_not(str_ends("b", "ab"));
    cr_assert_not(str_starts("a", "ab"));
}

Test(containers, hash_depends_on_every_byte) {
    char text[40] = "0123456789012345678901234567890123456789";
    uint64_t whole = hash_bytes(text, sizeof text, 0);
    cr_assert_eq(whole, hash_bytes(text, sizeof text, 0));
    cr_assert_neq(whole, hash_bytes(text, sizeof text, 1));
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] ^= 1;
        cr_assert_neq(hash_bytes(text, sizeof text, 0), whole);
        text[i] ^= 1;
        cr_assert_neq(hash_bytes(text, i, 0), whole);
    }
    cr_assert_neq(hash_bytes("\0", 1, 0), hash_bytes("", 0, 0));
}

Test(containers, spelling) {
    cr_assert_eq(edit_distance("", ""), 0);
    cr_assert_eq(edit_distance("abc", ""), 3);
    cr_assert_eq(edit_distance("arnage", "arange"), 1);
    cr_assert_eq(edit_distance("kitten", "sitting"), 3);
    cr_assert_eq(edit_distance("ca", "abc"), 3); /* no part is edited twice */
    cr_assert_eq(edit_distance("program_id", "programid"), 1);
    char longer[201];
    memset(longer, 'a', 200);
    longer[200] = '\0';
    cr_assert_eq(edit_distance(longer, "b"), 200);
    cr_assert_eq(edit_distance(longer, longer), 0);
    const char *names[] = {"load", "store", "mask", "other"};
    cr_assert_str_eq(closest_word("maskk", names, 4), "mask");
    cr_assert_str_eq(closest_word("stroe", names, 4), "store");
    cr_assert_null(closest_word("ma", names, 4));
    cr_assert_null(closest_word("zebra", names, 4));
    cr_assert_null(closest_word("", names, 4));
    const char *tied[] = {"cat", "bat"};
    cr_assert_eq(closest_word("rat", tied, 2), tied[0]);
}

/* Every code point comes back from its encoding, and no prefix of it decodes. */
Test(containers, utf8_round_trip) {
    for (uint32_t c = 0; c <= 0x110000; c += c < 0x3000 ? 1 : 37) {
        char text[4];
        size_t len = utf8_put(text, c), pos = 0;
        bool valid = c <= 0x10ffff && (c < 0xd800 || c >= 0xe000);
        int32_t decoded = utf8_next(text, len, &pos);
        cr_assert_eq(decoded, valid ? (int32_t)c : -1, "U+%X", c);
        cr_assert_eq(pos, valid ? len : 1);
        pos = 0;
        if (len > 1) {
            cr_assert_eq(utf8_next(text, len - 1, &pos), -1);
            cr_assert_eq(pos, 1);
        }
    }
}

Test(containers, utf8_rejects_what_is_too_long) {
    static const char *const bad[] = {
        "\xc0\x80",         "\xc1\xbf", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xed\xa0\x80",
        "\xf4\x90\x80\x80", "\xff",     "\x80",         "\xe2\x28\xa1"};
    for (size_t i = 0; i < TK_COUNTOF(bad); i++) {
        size_t pos = 0;
        cr_assert_eq(utf8_next(bad[i], strlen(bad[i]), &pos), -1);
        cr_assert_eq(pos, 1);
    }
}

Test(containers, utf8_widths) {
    cr_assert_eq(utf8_width('a'), 1);
    cr_assert_eq(utf8_width('\n'), 0);
    cr_assert_eq(utf8_width(0xe9), 1);    /* e acute */
    cr_assert_eq(utf8_width(0x301), 0);   /* combining acute */
    cr_assert_eq(utf8_width(0x6f22), 2);  /* a Han character */
    cr_assert_eq(utf8_width(0xac00), 2);  /* a Hangul syllable */
    cr_assert_eq(utf8_width(0xff21), 2);  /* full-width A */
    cr_assert_eq(utf8_width(0xff71), 1);  /* half-width katakana */
    cr_assert_eq(utf8_width(0x1f600), 2); /* a face */
    cr_assert_eq(utf8_width(0x20000), 2);
    cr_assert_eq(utf8_width(0x10ffff), 1);
}
