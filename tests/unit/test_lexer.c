/* test_lexer.c -- tokens and their places: indentation, joined lines, strings, numbers.
 *
 * Texts are compared whole, so every line and column counts.
 */
#include <criterion/criterion.h>

#include "tests/unit/parse_world.h"

static void expect_tokens(const char *text, const char *tokens) {
    ParseWorld world;
    world_open(&world, text);
    cr_expect_str_eq(world_tokens(&world), tokens);
    cr_expect_eq(diags_len(world.diags), 0);
    world_close(&world);
}

static void expect_errors(const char *text, const char *errors) {
    ParseWorld world;
    world_open(&world, text);
    world_tokens(&world);
    cr_expect_str_eq(world_errors(&world), errors, "%s gives %s", text, world_errors(&world));
    world_close(&world);
}

Test(lexer, empty_texts) {
    expect_tokens("", "END 1:1-1:1\n");
    expect_tokens("\n  \n# comment\n\t\n", "END 5:1-5:1\n");
    expect_tokens("\xef\xbb\xbf", "END 1:1-1:1\n");
}

Test(lexer, no_newline_at_the_end) {
    expect_tokens("x", "NAME 1:1-1:2 x\nNEWLINE 1:2-1:2\nEND 1:2-1:2\n");
    expect_tokens("x # y", "NAME 1:1-1:2 x\nNEWLINE 1:6-1:6\nEND 1:6-1:6\n");
}

Test(lexer, blocks) {
    expect_tokens("if x:\n  y\n\n # comment\nz\n", "KEYWORD 1:1-1:3 if\n"
                                                   "NAME 1:4-1:5 x\n"
                                                   "OP 1:5-1:6 :\n"
                                                   "NEWLINE 1:6-2:1\n"
                                                   "INDENT 2:1-2:3\n"
                                                   "NAME 2:3-2:4 y\n"
                                                   "NEWLINE 2:4-3:1\n"
                                                   "DEDENT 5:1-5:1\n"
                                                   "NAME 5:1-5:2 z\n"
                                                   "NEWLINE 5:2-6:1\n"
                                                   "END 6:1-6:1\n");
}

Test(lexer, a_tab_reaches_the_next_multiple_of_eight) {
    expect_errors("if x:\n\ty\n\tz\n", "");
    expect_errors("if x:\n    \ty\n        z\n", "3:1 TK0108");
    expect_errors("if x:\n        y\n\tz\n", "3:1 TK0108");
    expect_errors("if x:\n\ty\n  z\n", "3:1 TK0107");
}

Test(lexer, brackets_and_backslashes_join_lines) {
    expect_tokens("(\n x\n)\n", "OP 1:1-1:2 (\nNAME 2:2-2:3 x\nOP 3:1-3:2 )\n"
                                "NEWLINE 3:2-4:1\nEND 4:1-4:1\n");
    expect_tokens("x \\\n  y\n", "NAME 1:1-1:2 x\nNAME 2:3-2:4 y\nNEWLINE 2:4-3:1\nEND 3:1-3:1\n");
    expect_errors("x \\ \ny\n", "1:3 TK0105");
    expect_errors("x \\", "1:3 TK0105");
}

Test(lexer, every_kind_of_line_end) {
    expect_tokens("x\r\ny\n", "NAME 1:1-1:2 x\nNEWLINE 1:2-2:1\nNAME 2:1-2:2 y\n"
                              "NEWLINE 2:2-3:1\nEND 3:1-3:1\n");
    expect_errors("if x:\r  y\rz\r", "");
}

Test(lexer, numbers) {
    static const char *const good[] = {"0",    "00",    "1_000", "0x_fF", "0o17",       "0B1_0",
                                       "1.",   ".5",    "1.5",   "1e10",  "1E-3",       "2j",
                                       "1.5J", "012.5", "012e1", "012j",  "1_0.0_1e1_0"};
    for (size_t i = 0; i < TK_COUNTOF(good); i++)
        expect_errors(good[i], "");
    static const char *const bad[] = {"1__0", "1_",  "0x",   "0xg", "0b2",  "0o8", "1e",
                                      "1e+",  "1_e", "1.5x", "1a",  "0_7x", "1jj", "0x1j"};
    for (size_t i = 0; i < TK_COUNTOF(bad); i++)
        expect_errors(bad[i], "1:1 TK0121");
    expect_errors("0777", "1:1 TK0122");
    expect_errors("1if 1else 2", "");
    expect_errors("0x1for x in y", "");
}

Test(lexer, strings) {
    expect_tokens("r'\\'' + B\"a\" ''", "STRING 1:1-1:6 r'\\''\nOP 1:7-1:8 +\n"
                                        "STRING 1:9-1:13 B\"a\"\nSTRING 1:14-1:16 ''\n"
                                        "NEWLINE 1:16-1:16\nEND 1:16-1:16\n");
    expect_tokens("'''a\n''b'''\n", "STRING 1:1-2:7 '''a\n''b'''\nNEWLINE 2:7-3:1\nEND 3:1-3:1\n");
    expect_errors("'a\\\nb'", "");
    expect_errors("'a\n'b'", "1:1 TK0120");
    expect_errors("x = '''a\n", "1:5 TK0120");
}

Test(lexer, f_strings_are_scanned_through) {
    expect_tokens("f'a{x!r:>{w}}b'", "FSTRING_START 1:1-1:3 f'\n"
                                     "FSTRING_TEXT 1:3-1:4 a\n"
                                     "OP 1:4-1:5 {\n"
                                     "NAME 1:5-1:6 x\n"
                                     "OP 1:6-1:7 !\n"
                                     "NAME 1:7-1:8 r\n"
                                     "OP 1:8-1:9 :\n"
                                     "FSTRING_TEXT 1:9-1:10 >\n"
                                     "OP 1:10-1:11 {\n"
                                     "NAME 1:11-1:12 w\n"
                                     "OP 1:12-1:13 }\n"
                                     "OP 1:13-1:14 }\n"
                                     "FSTRING_TEXT 1:14-1:15 b\n"
                                     "FSTRING_END 1:15-1:16 '\n"
                                     "NEWLINE 1:16-1:16\n"
                                     "END 1:16-1:16\n");
    expect_errors("f'{x['a']}'", "");
    expect_errors("f'{f'{f'{x}'}'}'", "");
    expect_errors("f'{{}}' rf'\\{x}' f'\\N{EM DASH}'", "");
    expect_errors("f'''{\nx # comment\n}'''", "");
    expect_errors("f'{x!=y} {x:=5} {{x}} {d[1:2]} {(lambda: 1)()}'", "");
    expect_errors("f'a}'", "1:4 TK0127");
    expect_errors("f'{x'", "1:3 TK0128");
}

Test(lexer, identifiers) {
    expect_errors("na\xc3\xafve = \xce\xb1\xce\xb2", "");
    expect_errors("x\xc2\xb2 = 1", "1:2 TK0103");
    expect_errors("\xe2\x82\xac = 1", "1:1 TK0103");
    /* columns count characters, not bytes */
    expect_tokens("\xce\xb1 b", "NAME 1:1-1:2 \xce\xb1\nNAME 1:3-1:4 b\n"
                                "NEWLINE 1:4-1:4\nEND 1:4-1:4\n");
}

Test(lexer, soft_keywords) {
    expect_tokens("match x:\n case y: pass\n",
                  "KEYWORD 1:1-1:6 match\nNAME 1:7-1:8 x\nOP 1:8-1:9 :\nNEWLINE 1:9-2:1\n"
                  "INDENT 2:1-2:2\nKEYWORD 2:2-2:6 case\nNAME 2:7-2:8 y\nOP 2:8-2:9 :\n"
                  "KEYWORD 2:10-2:14 pass\nNEWLINE 2:14-3:1\nDEDENT 3:1-3:1\nEND 3:1-3:1\n");
    expect_tokens("match(case)\n", "NAME 1:1-1:6 match\nOP 1:6-1:7 (\nNAME 1:7-1:11 case\n"
                                   "OP 1:11-1:12 )\nNEWLINE 1:12-2:1\nEND 2:1-2:1\n");
    expect_tokens("type x = y\n", "KEYWORD 1:1-1:5 type\nNAME 1:6-1:7 x\nOP 1:8-1:9 =\n"
                                  "NAME 1:10-1:11 y\nNEWLINE 1:11-2:1\nEND 2:1-2:1\n");
}
