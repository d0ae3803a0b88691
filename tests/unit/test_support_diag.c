/* Diagnostics: what is kept, in what order, and exactly what is printed. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "support/diag.h"
#include "support/str.h"

static OomHandler oom;
static Arena *arena;
static SourceSet *sources;
static Diags *diags;

static void begin(void) {
    oom.fail_after = -1;
    if (setjmp(oom.jump)) {
        abort();
    }
    arena = arena_create(&oom);
    sources = sources_create(arena);
    diags = diags_create(arena, sources);
}

static void end(void) {
    arena_destroy(arena);
}

TestSuite(diag, .init = begin, .fini = end);

static const DiagStyle plain = {.color = false, .width = 0};

/* Adds a file; the range is where `part` stands in the text. */
static SrcRange in_file(const char *text, const char *part) {
    SrcFile *file = sources_add(sources, "t.tk", text, strlen(text));
    const char *found = strstr(file->text, part);
    cr_assert_not_null(found);
    uint32_t lo = (uint32_t)(found - file->text);
    return (SrcRange){file->id, lo, lo + (uint32_t)strlen(part)};
}

/* An error whose text is `text`. The row is "%s"; only its text matters here. */
static Diag *report(SrcRange range, const char *text) {
    Diag *diag = diag_report(diags, DIAG_INTERNAL, range, text);
    diag_set_severity(diag, SEV_ERROR);
    return diag;
}

static const char *rendered(const DiagStyle *style) {
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (style == NULL) {
        diags_render_json(diags, out);
    } else {
        diags_render(diags, style, out);
    }
    fclose(out);
    const char *copy = arena_strndup(arena, text, len);
    free(text);
    return copy;
}

Test(diag, the_whole_shape) {
    SrcRange range = in_file("x = 1\n    offs = arange(0, COLS)\n", "arange(0, COLS)");
    Diag *diag = report(range, "range of 100 elements is not a power of two");
    diag_label(diag, "COLS = %d", 100);
    diag_note(diag, SRC_NONE, "tiles live in power-of-two register layouts");
    diag_note(diag, (SrcRange){range.file, 0, 1}, "`%s` is bound here", "x");
    diag_help(diag, "use the next power of two and mask the tail\n+    offs = arange(0, 128)");
    cr_assert_str_eq(rendered(&plain),
                     "t.tk:2:12: error: range of 100 elements is not a power of two [TK0002]\n"
                     "    2 |     offs = arange(0, COLS)\n"
                     "      |            ^~~~~~~~~~~~~~~ COLS = 100\n"
                     "note: tiles live in power-of-two register layouts\n"
                     "t.tk:1:1: note: `x` is bound here\n"
                     "    1 | x = 1\n"
                     "      | ^\n"
                     "help: use the next power of two and mask the tail\n"
                     "    +    offs = arange(0, 128)\n");
}

Test(diag, severities) {
    static const char *const expected[] = {"note: x [TK0002]\n", "warning: x [TK0002]\n",
                                           "error: x [TK0002]\n", "fault: x [TK0002]\n",
                                           "internal error: x [TK0002]\n"};
    for (unsigned s = 0; s <= SEV_INTERNAL; s++) {
        diags_truncate(diags, 0);
        diag_set_severity(report(SRC_NONE, "x"), (Severity)s);
        cr_assert_str_eq(rendered(&plain), expected[s]);
        cr_assert_eq(diags_count(diags, (Severity)s), 1);
        cr_assert_eq(diags_count(diags, SEV_ERROR), s >= SEV_ERROR);
    }
}

Test(diag, tabs_are_expanded) {
    report(in_file("\tab\tcd", "cd"), "x");
    cr_assert_str_eq(rendered(&plain), "t.tk:1:5: error: x [TK0002]\n"
                                       "    1 |     ab  cd\n"
                                       "      |         ^~\n");
}

Test(diag, wide_and_combining_characters) {
    /* a Han character takes two columns, e with a combining acute takes one */
    report(in_file("\xe6\xbc\xa2 e\xcc\x81 = \xe6\xbc\xa2\xe6\xbc\xa2", "\xe6\xbc\xa2\xe6\xbc\xa2"),
           "x");
    cr_assert_str_eq(rendered(&plain), "t.tk:1:8: error: x [TK0002]\n"
                                       "    1 | \xe6\xbc\xa2 e\xcc\x81 = \xe6\xbc\xa2\xe6\xbc\xa2\n"
                                       "      |        ^~~~\n");
}

Test(diag, control_and_invalid_bytes_are_escaped) {
    report(in_file("a\x1b[2J\xff\x7f\xe2\x80\xae z", "z"), "text \x1b\xff");
    cr_assert_str_eq(rendered(&plain), "t.tk:1:10: error: text \\x1b\\xff [TK0002]\n"
                                       "    1 | a\\x1b[2J\\xff\\x7f\\u{202e} z\n"
                                       "      |                          ^\n");
}

Test(diag, empty_file_and_end_of_file) {
    SrcFile *empty = sources_add(sources, "empty.tk", "", 0);
    SrcFile *file = sources_add(sources, "a.tk", "ab\n", 3);
    SrcFile *unended = sources_add(sources, "b.tk", "ab", 2);
    report((SrcRange){empty->id, 0, 0}, "x");
    report((SrcRange){file->id, 3, 3}, "y");
    report((SrcRange){unended->id, 2, 2}, "z");
    cr_assert_str_eq(rendered(&plain), "empty.tk:1:1: error: x [TK0002]\n"
                                       "    1 |\n"
                                       "      | ^\n"
                                       "a.tk:2:1: error: y [TK0002]\n"
                                       "    2 |\n"
                                       "      | ^\n"
                                       "b.tk:1:3: error: z [TK0002]\n"
                                       "    1 | ab\n"
                                       "      |   ^\n");
}

Test(diag, ranges_out_of_bounds) {
    SrcFile *file = sources_add(sources, "a.tk", "ab", 2);
    report((SrcRange){file->id, 900, 1000}, "x");
    report((SrcRange){file->id, 1, 1000}, "y");
    report((SrcRange){77, 1, 2}, "no such file");
    cr_assert_str_eq(rendered(&plain), "a.tk:1:2: error: y [TK0002]\n"
                                       "    1 | ab\n"
                                       "      |  ^\n"
                                       "a.tk:1:3: error: x [TK0002]\n"
                                       "    1 | ab\n"
                                       "      |   ^\n"
                                       "error: no such file [TK0002]\n");
}

Test(diag, lines_end_with_crlf_or_go_on) {
    report(in_file("f(a,\r\n  b)\r\n", "f(a,\r\n  b)"), "x");
    cr_assert_str_eq(rendered(&plain), "t.tk:1:1: error: x [TK0002]\n"
                                       "    1 | f(a,\n"
                                       "      | ^~~~\n");
    diags_truncate(diags, 0);
    report(in_file("ab\r\ncd", "\r\n"), "y");
    cr_assert_str_eq(rendered(&plain), "t.tk:1:3: error: y [TK0002]\n"
                                       "    1 | ab\n"
                                       "      |   ^\n");
}

Test(diag, long_lines_are_cut) {
    const DiagStyle narrow = {.width = 40};
    const char *text = "0123456789abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    report(in_file(text, "cd"), "begin");
    report(in_file(text, "ABC"), "middle");
    report(in_file(text, "XYZ"), "end");
    cr_assert_str_eq(rendered(&narrow), "t.tk:1:13: error: begin [TK0002]\n"
                                        "    1 | 0123456789abcdefghijklmnopqrs...\n"
                                        "      |             ^~\n"
                                        "t.tk:1:47: error: middle [TK0002]\n"
                                        "    1 | ...z0123456789ABCDEFGHIJKLMNO...\n"
                                        "      |               ^~~\n"
                                        "t.tk:1:70: error: end [TK0002]\n"
                                        "    1 | ...789ABCDEFGHIJKLMNOPQRSTUVWXYZ\n"
                                        "      |                              ^~~\n");
}

/* However a line is cut, the carets stay under their text and nothing is wider than asked for. */
Test(diag, windows_of_every_width) {
    enum { LENGTH = 120 };
    char text[LENGTH + 1];
    for (int i = 0; i < LENGTH; i++) {
        text[i] = (char)('a' + i % 26);
    }
    text[LENGTH] = '\0';
    SrcFile *file = sources_add(sources, "w", text, LENGTH);
    for (unsigned width = 28; width < 140; width += 3) {
        for (uint32_t lo = 0; lo <= LENGTH; lo += 5) {
            diags_truncate(diags, 0);
            report((SrcRange){file->id, lo, lo + 1}, "x");
            const DiagStyle style = {.width = width};
            const char *line = strchr(rendered(&style), '\n') + 1;
            const char *carets = strchr(line, '\n') + 1;
            size_t line_length = strcspn(line, "\n"), caret = strcspn(carets, "^");
            cr_assert_leq(line_length, width);
            cr_assert_lt(caret, width);
            if (lo < LENGTH) {
                cr_assert_eq(line[caret], text[lo], "width %u, byte %u", width, lo);
            }
        }
    }
}

Test(diag, a_line_of_a_megabyte) {
    size_t len = 1 << 20;
    char *text = arena_alloc(arena, len, 1);
    memset(text, 'x', len);
    SrcFile *file = sources_add(sources, "big.tk", text, len);
    for (uint32_t i = 0; i < 10; i++) {
        report((SrcRange){file->id, i * 100000 + 7, (uint32_t)len}, "x");
    }
    const DiagStyle narrow = {.width = 80};
    cr_assert_lt(strlen(rendered(&narrow)), 10 * 250);
    cr_assert_gt(strlen(rendered(&plain)), 10 * len);
}

/* Whatever bytes a file holds and wherever a range points: nothing unprintable gets out. */
Test(diag, any_bytes_any_range) {
    enum { LENGTH = 200 };
    uint32_t random = 12345;
    for (int round = 0; round < 400; round++) {
        ArenaMark mark = arena_mark(arena);
        SourceSet *some = sources_create(arena);
        Diags *list = diags_create(arena, some);
        char text[LENGTH + 1] = {0};
        for (size_t i = 0; i < LENGTH; i++) {
            random = random * 1664525u + 1013904223u;
            text[i] = (char)(random >> 24);
        }
        SrcFile *file = sources_add(some, text, text, LENGTH);
        SrcRange range = {file->id, random % 250, (random >> 8) % 250};
        Diag *diag = diag_report(list, DIAG_INTERNAL, range, "x");
        diag_note(diag, range, "%.*s", LENGTH, text);
        const DiagStyle style = {.width = random >> 20 & 127u};
        char *printed = NULL;
        size_t len = 0;
        FILE *out = open_memstream(&printed, &len);
        diags_render(list, &style, out);
        diags_render_json(list, out);
        fclose(out);
        for (size_t i = 0; i < len;) {
            cr_assert(printed[i] == '\n' || ((unsigned char)printed[i] >= 0x20));
            cr_assert_geq(utf8_next(printed, len, &i), 0);
        }
        free(printed);
        arena_reset(arena, mark);
    }
}

Test(diag, colors) {
    const DiagStyle color = {.color = true};
    Diag *diag = report(in_file("abc", "b"), "x");
    diag_help(diag, "y");
    cr_assert_str_eq(rendered(&color),
                     "\x1b[1mt.tk:1:2: \x1b[0m\x1b[1;31merror: \x1b[0m\x1b[1mx\x1b[0m [TK0002]\n"
                     "    1 | abc\n"
                     "      |  \x1b[1;31m^\x1b[0m\n"
                     "\x1b[1;32mhelp: \x1b[0my\n");
}

Test(diag, sorted_and_once) {
    SrcFile *a = sources_add(sources, "a", "abc", 3), *b = sources_add(sources, "b", "abc", 3);
    report(SRC_NONE, "last");
    report((SrcRange){b->id, 0, 1}, "fourth");
    report((SrcRange){a->id, 1, 2}, "second");
    report((SrcRange){a->id, 0, 1}, "first");
    report((SrcRange){a->id, 1, 2}, "third");
    report((SrcRange){a->id, 1, 2}, "second");
    size_t len;
    const Diag **sorted = diags_sorted(diags, &len);
    static const char *const expected[] = {"first", "second", "third", "fourth", "last"};
    cr_assert_eq(len, TK_COUNTOF(expected));
    for (size_t i = 0; i < len; i++) {
        cr_assert_str_eq(sorted[i]->text, expected[i]);
    }
    cr_assert_eq(diags_len(diags), 6);
    cr_assert_str_eq(diags_at(diags, 0)->text, "last");
}

Test(diag, limit) {
    diags_set_limit(diags, 3);
    for (int i = 0; i < 10; i++) {
        Diag *diag = diag_report(diags, DIAG_INTERNAL, SRC_NONE, arena_printf(arena, "e%d", i));
        diag_label(diag, "label");
        diag_note(diag, SRC_NONE, "note");
        diag_help(diag, "help");
        diag_set_severity(diag, SEV_FAULT);
    }
    cr_assert_eq(diags_len(diags), 3);
    cr_assert_eq(diags_dropped(diags), 7);
    cr_assert_eq(diags_count(diags, SEV_NOTE), 3);
    cr_assert(str_ends(rendered(&plain), "help: help\nnote: 7 more not shown\n"));
    diags_set_limit(diags, 0);
    report(SRC_NONE, "kept");
    cr_assert_eq(diags_len(diags), 4);
}

Test(diag, truncate_forgets) {
    report(SRC_NONE, "kept");
    size_t len = diags_len(diags);
    report(SRC_NONE, "dropped");
    diag_set_severity(report(SRC_NONE, "dropped too"), SEV_WARNING);
    diags_truncate(diags, len);
    cr_assert_eq(diags_count(diags, SEV_NOTE), 1);
    cr_assert_str_eq(rendered(&plain), "error: kept [TK0002]\n");
}

Test(diag, copies_outlive_what_they_are_of) {
    SrcRange range = in_file("x = 1\n", "x");
    Arena *other = arena_create(&oom);
    Diag *diag = diag_report(diags_create(other, sources), DIAG_INTERNAL, range, "found elsewhere");
    diag_label(diag, "here");
    diag_note(diag, range, "a note");
    diag_help(diag, "a help");
    Diag *copy = diags_copy(diags, diag);
    arena_destroy(other);
    cr_assert_eq(diags_len(diags), 0);
    diags_put(diags, copy);
    diag_note(copy, SRC_NONE, "added to the copy");
    cr_assert_str_eq(rendered(&plain), "t.tk:1:1: internal error: found elsewhere [TK0002]\n"
                                       "    1 | x = 1\n"
                                       "      | ^ here\n"
                                       "t.tk:1:1: note: a note\n"
                                       "    1 | x = 1\n"
                                       "      | ^\n"
                                       "help: a help\n"
                                       "note: added to the copy\n");
}

Test(diag, json) {
    Diag *diag = report(in_file("ab\ncd\n", "b\nc"), "say \"hi\"\\\n\x01\xff \xc3\xa9");
    diag_label(diag, "here");
    diag_note(diag, (SrcRange){diag->range.file, 0, 1}, "there");
    diag_help(diag, "do");
    report(SRC_NONE, "nowhere");
    const char *none = "\"file\":null,\"line\":null,\"column\":null,\"end_line\":null,"
                       "\"end_column\":null,\"lo\":null,\"hi\":null";
    const char *expected = arena_printf(
        arena,
        "{\"code\":\"TK0002\",\"severity\":\"error\",\"file\":\"t.tk\",\"line\":1,\"column\":2,"
        "\"end_line\":2,\"end_column\":2,\"lo\":1,\"hi\":4,"
        "\"text\":\"say \\\"hi\\\"\\\\\\n\\u0001\\ufffd \xc3\xa9\",\"label\":\"here\",\"parts\":["
        "{\"kind\":\"related\",\"file\":\"t.tk\",\"line\":1,\"column\":1,\"end_line\":1,"
        "\"end_column\":2,\"lo\":0,\"hi\":1,\"text\":\"there\"},"
        "{\"kind\":\"help\",%s,\"text\":\"do\"}]}\n"
        "{\"code\":\"TK0002\",\"severity\":\"error\",%s,\"text\":\"nowhere\",\"label\":null,"
        "\"parts\":[]}\n",
        none, none);
    cr_assert_str_eq(rendered(NULL), expected);
}

Test(diag, rows_are_well_formed) {
    for (unsigned i = 0; i < DIAG_COUNT; i++) {
        const DiagInfo *info = &diag_infos[i];
        cr_assert(info->code > 0 && info->code < 10000, "%s", info->name);
        cr_assert_null(strchr(info->text, '\n'), "%s: one line", info->name);
        cr_assert_neq(info->text[0], '\0');
        cr_assert_neq(info->text[strlen(info->text) - 1], '.', "%s: no full stop", info->name);
        cr_assert_gt(strlen(info->explain), 20, "%s: a page", info->name);
        cr_assert(str_ends(info->explain, "\n"), "%s: the page ends its last line", info->name);
        for (unsigned k = 0; k < i; k++) {
            cr_assert_neq(diag_infos[k].code, info->code, "%s and %s", info->name,
                          diag_infos[k].name);
        }
    }
}
