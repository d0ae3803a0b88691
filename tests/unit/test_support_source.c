/* Lines, columns and ranges. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "support/source.h"

static OomHandler oom;
static Arena *arena;
static SourceSet *sources;

static void begin(void) {
    oom.fail_after = -1;
    if (setjmp(oom.jump)) {
        abort();
    }
    arena = arena_create(&oom);
    sources = sources_create(arena);
}

static void end(void) {
    arena_destroy(arena);
}

TestSuite(source, .init = begin, .fini = end);

static const SrcFile *add(const char *text) {
    return sources_add(sources, "t.tk", text, strlen(text));
}

static void expect_pos(const SrcFile *file, uint32_t offset, uint32_t line, uint32_t column) {
    SrcPos pos = source_pos(file, offset);
    cr_assert(pos.line == line && pos.column == column, "offset %u: got %u:%u, expected %u:%u",
              offset, pos.line, pos.column, line, column);
}

static void expect_line(const SrcFile *file, uint32_t line, const char *text) {
    size_t len;
    const char *got = source_line(file, line, &len, NULL);
    cr_assert(len == strlen(text) && memcmp(got, text, len) == 0, "line %u is `%.*s`", line,
              (int)len, got);
}

Test(source, lines_and_columns) {
    const SrcFile *file = add("ab\ncd\n");
    cr_assert_eq(file->num_lines, 3);
    expect_pos(file, 0, 1, 1);
    expect_pos(file, 2, 1, 3);
    expect_pos(file, 3, 2, 1);
    expect_pos(file, 5, 2, 3);
    expect_pos(file, 6, 3, 1);
    expect_pos(file, 1000, 3, 1);
    expect_line(file, 1, "ab");
    expect_line(file, 2, "cd");
    expect_line(file, 3, "");
    expect_line(file, 4, "");
    expect_line(file, 0, "");
}

Test(source, empty_file) {
    const SrcFile *file = add("");
    cr_assert_eq(file->num_lines, 1);
    expect_pos(file, 0, 1, 1);
    expect_pos(file, 5, 1, 1);
    expect_line(file, 1, "");
}

Test(source, columns_are_code_points) {
    const SrcFile *file = add("\tx\xc3\xa9y\xe6\xbc\xa2z\xff!");
    expect_pos(file, 1, 1, 2);  /* behind the tab */
    expect_pos(file, 2, 1, 3);  /* e acute */
    expect_pos(file, 3, 1, 3);  /* inside it */
    expect_pos(file, 4, 1, 4);  /* y */
    expect_pos(file, 8, 1, 6);  /* z */
    expect_pos(file, 10, 1, 8); /* behind a byte that is not UTF-8 */
}

Test(source, crlf_and_byte_order_mark) {
    const SrcFile *file = add("\xef\xbb\xbf"
                              "ab\r\ncd\r\n\r\nx");
    cr_assert_eq(file->num_lines, 4);
    expect_line(file, 1, "ab");
    expect_line(file, 2, "cd");
    expect_line(file, 3, "");
    expect_line(file, 4, "x");
    expect_pos(file, 3, 1, 1);
    expect_pos(file, 0, 1, 1);
    expect_pos(file, 4, 1, 2);
    expect_pos(file, 7, 2, 1);
}

Test(source, files_by_number) {
    const SrcFile *a = add("a"), *b = add("b");
    cr_assert_eq(sources_file(sources, a->id), a);
    cr_assert_eq(sources_file(sources, b->id), b);
    cr_assert_null(sources_file(sources, 0));
    cr_assert_null(sources_file(sources, 99));
}

Test(source, text_with_nul_bytes) {
    const SrcFile *file = sources_add(sources, "n", "a\0b\nc", 5);
    cr_assert_eq(file->num_lines, 2);
    expect_pos(file, 4, 2, 1);
    cr_assert_eq(file->text[5], '\0');
}

Test(source, too_long) {
    cr_assert_null(sources_add(sources, "big", "", (size_t)SRC_MAX_BYTES + 1));
}

Test(source, joining_ranges) {
    SrcRange a = {1, 10, 20}, b = {1, 5, 12}, other = {2, 0, 100};
    SrcRange joined = range_join(a, b);
    cr_assert(joined.file == 1 && joined.lo == 5 && joined.hi == 20);
    joined = range_join(SRC_NONE, b);
    cr_assert(joined.lo == 5 && joined.hi == 12);
    joined = range_join(a, SRC_NONE);
    cr_assert(joined.lo == 10 && joined.hi == 20);
    joined = range_join(a, other);
    cr_assert(joined.file == 1 && joined.hi == 20);
}
