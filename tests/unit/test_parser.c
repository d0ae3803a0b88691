/* test_parser.c -- trees, their text, errors and where parsing goes on, memory that runs out. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/unit/parse_world.h"

static void expect_tree(const char *text, const char *tree) {
    ParseWorld world;
    world_parse(&world, text);
    cr_expect_str_eq(world_errors(&world), "");
    cr_expect_str_eq(world_tree(&world), tree);
    world_close(&world);
}

static void expect_errors(const char *text, const char *errors) {
    ParseWorld world;
    world_parse(&world, text);
    cr_expect_str_eq(world_errors(&world), errors, "%s gives %s", text, world_errors(&world));
    cr_expect_eq(world.module->has_errors, errors[0] != '\0');
    world_close(&world);
}

Test(parser, places_of_nodes) {
    expect_tree("x[0] = (a + b) * -c ** 2\n", "body:\n"
                                              "  Assign 1:1-1:25\n"
                                              "    targets:\n"
                                              "      Subscript 1:1-1:5\n"
                                              "        value:\n"
                                              "          Name 1:1-1:2 x\n"
                                              "        slice:\n"
                                              "          Constant 1:3-1:4 0\n"
                                              "    value:\n"
                                              "      BinOp 1:8-1:25 *\n"
                                              "        left:\n"
                                              "          BinOp 1:9-1:14 +\n"
                                              "            left:\n"
                                              "              Name 1:9-1:10 a\n"
                                              "            right:\n"
                                              "              Name 1:13-1:14 b\n"
                                              "        right:\n"
                                              "          UnaryOp 1:18-1:25 -\n"
                                              "            operand:\n"
                                              "              BinOp 1:19-1:25 **\n"
                                              "                left:\n"
                                              "                  Name 1:19-1:20 c\n"
                                              "                right:\n"
                                              "                  Constant 1:24-1:25 2\n");
}

Test(parser, statements_end_with_their_last_statement) {
    expect_tree("if x:\n  pass\nelif y: z\n\nw\n", "body:\n"
                                                   "  If 1:1-3:10\n"
                                                   "    test:\n"
                                                   "      Name 1:4-1:5 x\n"
                                                   "    body:\n"
                                                   "      Pass 2:3-2:7\n"
                                                   "    orelse:\n"
                                                   "      If 3:1-3:10\n"
                                                   "        test:\n"
                                                   "          Name 3:6-3:7 y\n"
                                                   "        body:\n"
                                                   "          Expr 3:9-3:10\n"
                                                   "            value:\n"
                                                   "              Name 3:9-3:10 z\n"
                                                   "  Expr 5:1-5:2\n"
                                                   "    value:\n"
                                                   "      Name 5:1-5:2 w\n");
}

/* Parses an expression, prints it, and does it again: the second text must be the first. */
static void expect_unparse(const char *text, const char *expected) {
    ParseWorld first;
    ParseWorld second;
    world_parse(&first, text);
    cr_assert_eq(first.module->body.len, 1, "%s", text);
    StrBuf out = STRBUF(first.arena);
    ast_unparse(first.module->body.items[0]->u.ret.value, &out);
    cr_expect_str_eq(out.data, expected);
    world_parse(&second, out.data);
    cr_assert_eq(diags_len(second.diags), 0, "%s", out.data);
    StrBuf again = STRBUF(second.arena);
    ast_unparse(second.module->body.items[0]->u.ret.value, &again);
    cr_expect_str_eq(again.data, out.data);
    world_close(&first);
    world_close(&second);
}

Test(parser, expressions_as_text) {
    expect_unparse("a[ : ,None]+ 1", "a[:, None] + 1");
    expect_unparse("((a))*(b+c)", "a * (b + c)");
    expect_unparse("a-(b-c)-d", "a - (b - c) - d");
    expect_unparse("(a**b)**-c", "(a**b)**-c");
    expect_unparse("-(a**b)", "-a**b");
    expect_unparse("(-a)**b", "(-a)**b");
    expect_unparse("not (a and b) or c", "not (a and b) or c");
    expect_unparse("a<b<=c", "a < b <= c");
    expect_unparse("(a<b)<c", "(a < b) < c");
    expect_unparse("f(x,*y,k=1,**z)", "f(x, *y, k=1, **z)");
    expect_unparse("f(x for x in y if z)", "f(x for x in y if z)");
    expect_unparse("lambda a,/,b=1,*c,d,**e:(a,b)", "lambda a, /, b=1, *c, d, **e: (a, b)");
    expect_unparse("(a if b else c)if d else e", "(a if b else c) if d else e");
    expect_unparse("{1:2,**x}", "{1: 2, **x}");
    expect_unparse("()", "()");
    expect_unparse("(a,)", "a,");
    expect_unparse("[(a,b),c]", "[(a, b), c]");
    expect_unparse("[x:=1]", "[x := 1]");
    expect_unparse("1 .real", "(1).real");
    expect_unparse("'a\\n\\'' \"b\"", "'a\\n\\'b'");
    expect_unparse("b'\\xff'", "b'\\xff'");
    expect_unparse("f'{x!r:>{w}}{{'", "f'{x!r:>{w}}{{'");
    expect_unparse("1e3+0.1+1_0+0XF", "1000.0 + 0.1 + 10 + 0xf");
    expect_unparse("a[1:2,::3,...]", "a[1:2, ::3, ...]");
}

Test(parser, a_run_reports_many_errors) {
    expect_errors("x = (1 2)\ny = [3 4, (5 6)]\nz w\nv = 1\n",
                  "1:8 TK0135; 2:8 TK0135; 3:3 TK0135");
    expect_errors("if x\n  y z\nelse\n  w v\n", "1:5 TK0136; 2:5 TK0135; 3:5 TK0136; 4:5 TK0135");
    expect_errors("def f(a b):\n  return c d\nx y\n", "1:9 TK0135; 2:12 TK0135; 3:3 TK0135");
    expect_errors("def f(x) 3:\n  return x\nbreak\n", "1:10 TK0136; 3:1 TK0167");
    expect_errors("x = (1,\ndef f():\n  return\n", "1:5 TK0112");
    expect_errors("@f\n", "2:1 TK0135");
    expect_errors("if x:\n  @f\ny\n", "3:1 TK0135");
    expect_errors("for x in y:\n", "1:11 TK0137");
    expect_errors("x=1\nelse:\n  y\n", "2:1 TK0142");
}

Test(parser, syntax_of_python_3_12) {
    expect_errors("def f[T: int, *Ts, **P](x: T) -> T: pass\nclass C[T](B): pass\n", "");
    expect_errors("type X[T] = list[T]\ntype = 1\ntype(x)\n", "");
    expect_errors("def f[T, T](): pass\n", "1:10 TK0173");
    expect_errors("type X = (yield)\n", "1:11 TK0166");
    expect_errors("x = f'{a['b']} {f'{c}'} {\"\\n\".join(d)}'\n", "");
}

Test(parser, recovery_leaves_a_whole_tree) {
    ParseWorld world;
    world_parse(&world, "x = (1 2)\ny z\ndef f():\n    return 1\n");
    cr_assert_eq(world.module->body.len, 3);
    cr_expect_eq(world.module->body.items[0]->kind, STMT_ASSIGN);
    cr_expect_eq(world.module->body.items[0]->u.assign.value->kind, EXPR_ERROR);
    cr_expect_eq(world.module->body.items[1]->kind, STMT_ERROR);
    cr_expect_eq(world.module->body.items[2]->kind, STMT_FUNCTION_DEF);
    world_close(&world);
}

Test(parser, names_are_interned_and_values_decoded) {
    ParseWorld world;
    world_parse(&world, "'a\\0b' '\\u03b1\\x41'\n");
    const Expr *string = world.module->body.items[0]->u.ret.value;
    cr_assert_eq(string->u.constant.kind, CONST_STR);
    cr_expect_eq(string->u.constant.text_len, 6);
    cr_expect_eq(memcmp(string->u.constant.text,
                        "a\0b\xce\xb1"
                        "A",
                        6),
                 0);
    world_close(&world);
}

/* Parses with the n-th allocation failing; did it get to the end? */
static bool parse_failing(const char *text, long n) {
    ParseWorld world;
    volatile bool finished = false;
    world_open(&world, text);
    world.oom.fail_after = n;
    if (setjmp(world.oom.jump) == 0) {
        parse_module(world.arena, world.names, world.diags, world.file);
        finished = true;
    }
    world.oom.fail_after = -1;
    world_close(&world);
    return finished;
}

/* Every allocation may be the one that fails; none of them leaks or crashes. */
Test(parser, memory_that_runs_out) {
    static const char text[] = "@f\ndef g(a, *b, c=1):\n  return [x for x in f'{a!r:>{b}}' 'c']\n"
                               "match x:\n  case {1: [y, *z]}: pass\nx = (1 2)\n";
    long n = 0;
    while (n < 100000 && !parse_failing(text, n))
        n++;
    cr_expect_gt(n, 0);
    cr_expect_lt(n, 100000);
}
