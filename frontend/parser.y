/* parser.y -- the grammar of Python 3.12.
 *
 * Python defines its grammar as a PEG. This one is LALR(1) and accepts a little more; what it should
 * not accept is refused behind it:
 *  - targets (of `=`, `for`, `del`, `as`, `:=`) are parsed as expressions and checked by
 *    syntax_check.c, as are keywords of calls: f(a.b=1);
 *  - the order of parameters and of arguments is checked by ast_build.c while the lists grow;
 *  - four places where the PEG tries a second reading are decided before the parser runs, by looking
 *    at the tokens ahead (soft_keywords.c).
 *
 * Operators from `|` to `**` are one nonterminal with precedences instead of eleven nested ones: a
 * plain name then costs three reductions instead of fifteen.
 *
 * Actions build nodes and nothing else. Errors: every bracket pair has an `error` alternative and so
 * has the logical line; syntax_error.c words the message and moves the token cursor to the bracket's
 * end or the line's end, so that the text behind is read afresh. Rules marked "wrong" accept common
 * slips whole and report them, which loses nothing at all.
 */
%require "3.8"
%define api.pure full
%define api.prefix {tkc_yy}
%define api.token.prefix {TOK_}
%define api.value.type union
%define api.location.type {SrcRange}
%define parse.error custom
%define parse.lac full
%locations
%expect 0
%param {Parser *parser}

%code requires {
#include <string.h>

#include "frontend/ast_build.h"
}

%code provides {
int tkc_yylex(TKC_YYSTYPE *value, SrcRange *range, Parser *parser);
/* What messages call a token: "`if`", "a name", "the end of the line". */
const char *token_kind_text(int kind);
}

%code {
/* A rule's range goes from its first to its last symbol; an empty one lies behind its predecessor. */
#define YYLLOC_DEFAULT(current, rhs, n)                                                            \
    do {                                                                                           \
        (current) = YYRHSLOC(rhs, (n) ? 1 : 0);                                                    \
        if (n)                                                                                     \
            (current).hi = YYRHSLOC(rhs, n).hi;                                                    \
        else                                                                                       \
            (current).lo = (current).hi;                                                           \
    } while (0)
/* Larger stacks come from the arena; what needs more than this is too deep. */
enum { MAX_STACK = 12800 };
#define YYINITDEPTH 200
#define yyoverflow(message, states, states_used, values, values_used, ranges, ranges_used, depth)  \
    do {                                                                                           \
        if (*(depth) < MAX_STACK) {                                                                \
            *(depth) *= 2;                                                                         \
            GROW_STACK(states, states_used, *(depth));                                             \
            GROW_STACK(values, values_used, *(depth));                                             \
            GROW_STACK(ranges, ranges_used, *(depth));                                             \
        } else {                                                                                   \
            report_too_deep(parser, yylloc);                                                       \
        }                                                                                          \
    } while (0)
#define GROW_STACK(stack, used, depth)                                                             \
    (*(stack) = grow_stack(parser, *(stack), (size_t)(used), (size_t)(depth) * sizeof **(stack)))

static void tkc_yyerror(const SrcRange *range, Parser *parser, const char *message);

static void *grow_stack(Parser *parser, const void *stack, size_t used, size_t size) {
    void *bigger = arena_alloc(parser->arena, size, _Alignof(max_align_t));
    return memcpy(bigger, stack, used);
}

static SrcRange upto_block(SrcRange start, SrcRange block) {
    return (SrcRange){start.file, start.lo, block.lo + 1};
}
}

/* The file's last token is not bison's end of input: recovery may discard and repeat it. */
%token END "the end of the file"
%token NEWLINE "the end of the line" INDENT "an indented block" DEDENT "the end of the block"
%token <Sym> NAME "a name"
%token NUMBER "a number" STRING "a string"
%token FSTRING_START "an f-string" FSTRING_TEXT "text" FSTRING_END "the end of the f-string"
%token FIELD_OPEN FIELD_CLOSE FIELD_COLON BANG "`!`"

%token AND "`and`" AS "`as`" ASSERT "`assert`" ASYNC "`async`" AWAIT "`await`" BREAK "`break`"
%token CASE "`case`" CLASS "`class`" CONTINUE "`continue`" DEF "`def`" DEL "`del`" ELIF "`elif`"
%token ELSE "`else`" EXCEPT "`except`" FALSE "`False`" FINALLY "`finally`" FOR "`for`"
%token FROM "`from`" GLOBAL "`global`" IF "`if`" IMPORT "`import`" IN "`in`" IS "`is`"
%token LAMBDA "`lambda`" MATCH "`match`" NONE "`None`" NONLOCAL "`nonlocal`" NOT "`not`" OR "`or`"
%token PASS "`pass`" RAISE "`raise`" RETURN "`return`" TRUE "`True`" TRY "`try`" TYPE "`type`"
%token WHILE "`while`" WITH "`with`" YIELD "`yield`"

%token LPAR "`(`" LPAR_WITH RPAR "`)`" LSQB "`[`" RSQB "`]`" LBRACE "`{`" RBRACE "`}`"
%token COLON "`:`" COLONEQUAL "`:=`" COMMA "`,`" SEMI "`;`" DOT "`.`" ELLIPSIS "`...`" AT "`@`"
%token ASSIGN "`=`" ARROW "`->`" PLUS "`+`" MINUS "`-`" STAR "`*`" SLASH "`/`"
%token DOUBLESLASH "`//`" PERCENT "`%`" DOUBLESTAR "`**`" LSHIFT "`<<`" RSHIFT "`>>`"
%token AMPER "`&`" VBAR "`|`" CARET "`^`" TILDE "`~`" LT "`<`" GT "`>`" LE "`<=`" GE "`>=`"
%token EQ "`==`" NE "`!=`"
%token PLUS_ASSIGN "`+=`" MINUS_ASSIGN "`-=`" STAR_ASSIGN "`*=`" AT_ASSIGN "`@=`"
%token SLASH_ASSIGN "`/=`" DOUBLESLASH_ASSIGN "`//=`" PERCENT_ASSIGN "`%=`"
%token DOUBLESTAR_ASSIGN "`**=`" LSHIFT_ASSIGN "`<<=`" RSHIFT_ASSIGN "`>>=`"
%token AMPER_ASSIGN "`&=`" VBAR_ASSIGN "`|=`" CARET_ASSIGN "`^=`"

%left OR
%left AND
%precedence NOT
%left VBAR
%left CARET
%left AMPER
%left LSHIFT RSHIFT
%left PLUS MINUS
%left STAR SLASH DOUBLESLASH PERCENT AT
%precedence UNARY
%right DOUBLESTAR

%nterm <StmtList *> statements simple_line simple_list block else_opt finally_opt
%nterm <Stmt *> simple compound expr_stmt import_stmt
%nterm <Stmt *> if_stmt while_stmt for_stmt with_stmt try_stmt match_stmt
%nterm <Stmt *> definition function_def class_def
%nterm <Expr *> returns_opt rhs named test logic comparison expr primary atom yield_expr
%nterm <Expr *> star_exprs star_expr star_named subscripts subscript test_opt guard_opt
%nterm <Expr *> target_list dict_value annotation_opt default_opt subject chain string_atom
%nterm <Expr *> field spec_opt target
%nterm <ExprList *> star_expr_list star_named_list subscript_list target_items decorators
%nterm <ExprList *> string_parts fstring_parts except_types
%nterm <DictItems *> dict_items
%nterm <BinOpKind> augmented
%nterm <CmpOpKind> compare_op
%nterm <ComprehensionList *> comp_clauses
%nterm <Comprehension *> comp_clause
%nterm <CallArgs *> arguments argument_list bases_opt
%nterm <ParamItems *> parameter_group parameters parameter_list lambda_parameters lambda_list
%nterm <ParamItem *> parameter lambda_parameter
%nterm <TypeParamList *> type_params_opt type_param_list
%nterm <TypeParam *> type_param
%nterm <AliasList *> import_names from_names from_list
%nterm <Alias *> import_name from_name
%nterm <StrBuf *> dotted_name
%nterm <unsigned> dots
%nterm <SymList *> name_list
%nterm <WithItemList *> with_items with_group
%nterm <WithItem *> with_item
%nterm <ElifList *> elif_list
%nterm <HandlerList *> handlers
%nterm <Handler *> handler
%nterm <MatchCaseList *> cases
%nterm <MatchCase *> case
%nterm <Pattern *> patterns pattern closed_pattern or_pattern star_pattern
%nterm <PatternList *> pattern_list
%nterm <ClassPatternArgs *> class_pattern_args class_pattern_list
%nterm <MappingItems *> mapping_items
%nterm <Expr *> literal_pattern pattern_name mapping_key signed_number
%nterm <char> conversion_opt
%nterm <bool> self_doc_opt comma_opt

%start module

%%

/* ---- Statements ---- */

module: statements END { parser->module->body = *$1; }

/* The block behind a broken head is parsed for its own errors, then dropped: without the head its
 * `return` or `break` would seem misplaced. */
statements:
  %empty                                { $$ = stmt_list(parser); }
| statements compound                   { $$ = stmt_list_add(parser, $1, $2); }
| statements simple_line                { $$ = stmt_list_append(parser, $1, $2); }
| statements error NEWLINE              { $$ = add_error_stmt(parser, $1, @2); yyerrok; }
| statements error NEWLINE INDENT statements DEDENT
          { $$ = add_error_stmt(parser, $1, @2); yyerrok; }


simple_line:
  simple_list NEWLINE                   { $$ = $1; }
| simple_list SEMI NEWLINE              { $$ = $1; }

simple_list:
  simple                                { $$ = stmt_list_add(parser, stmt_list(parser), $1); }
| simple_list SEMI simple               { $$ = stmt_list_add(parser, $1, $3); }

/* The colon belongs to the block: then a missing one is one rule. */
block:
  COLON NEWLINE INDENT statements DEDENT { $$ = $4; @$ = block_range(@1, $4); }
| COLON simple_line                     { $$ = $2; @$ = block_range(@1, $2); }
| COLON NEWLINE                         { $$ = wrong_missing_block(parser, @1); @$ = @1; }
| NEWLINE INDENT statements DEDENT
          { wrong_missing_colon(parser, @1); $$ = $3; @$ = block_range(@1, $3); }

simple:
  expr_stmt
| import_stmt
| DEL target_list                       { $$ = build_delete(parser, @$, $2); }
| RETURN                                { $$ = build_value_stmt(parser, STMT_RETURN, @$, NULL); }
| RETURN star_exprs                     { $$ = build_value_stmt(parser, STMT_RETURN, @$, $2); }
| RAISE                                 { $$ = build_raise(parser, @$, NULL, NULL); }
| RAISE test                            { $$ = build_raise(parser, @$, $2, NULL); }
| RAISE test FROM test                  { $$ = build_raise(parser, @$, $2, $4); }
| GLOBAL name_list                      { $$ = build_scope(parser, STMT_GLOBAL, @$, $2); }
| NONLOCAL name_list                    { $$ = build_scope(parser, STMT_NONLOCAL, @$, $2); }
| ASSERT test                           { $$ = build_assert(parser, @$, $2, NULL); }
| ASSERT test COMMA test                { $$ = build_assert(parser, @$, $2, $4); }
| PASS                                  { $$ = build_stmt(parser, STMT_PASS, @$); }
| BREAK                                 { $$ = build_stmt(parser, STMT_BREAK, @$); }
| CONTINUE                              { $$ = build_stmt(parser, STMT_CONTINUE, @$); }
| TYPE NAME type_params_opt ASSIGN test { $$ = build_type_alias(parser, @$, @2, $2, $3, $5); }

expr_stmt:
  rhs                                   { $$ = build_value_stmt(parser, STMT_EXPR, @$, $1); }
| rhs COLON test                        { $$ = build_ann_assign(parser, @$, $1, $3, NULL); }
| rhs COLON test ASSIGN rhs             { $$ = build_ann_assign(parser, @$, $1, $3, $5); }
| rhs augmented rhs                     { $$ = build_aug_assign(parser, @$, $1, $2, $3); }
| chain                                 { $$ = build_assign(parser, @$, $1); }

/* a = b = c: a TUPLE node of all parts, taken apart by build_assign. */
chain:
  rhs ASSIGN rhs                        { $$ = build_chain(parser, @$, $1, $3); }
| chain ASSIGN rhs                      { $$ = add_to_chain(parser, @$, $1, $3); }

rhs: star_exprs | yield_expr

augmented:
  PLUS_ASSIGN        { $$ = BIN_ADD; }      | MINUS_ASSIGN  { $$ = BIN_SUB; }
| STAR_ASSIGN        { $$ = BIN_MUL; }      | AT_ASSIGN     { $$ = BIN_MATMUL; }
| SLASH_ASSIGN       { $$ = BIN_DIV; }      | PERCENT_ASSIGN { $$ = BIN_MOD; }
| DOUBLESLASH_ASSIGN { $$ = BIN_FLOORDIV; } | DOUBLESTAR_ASSIGN { $$ = BIN_POW; }
| LSHIFT_ASSIGN      { $$ = BIN_LSHIFT; }   | RSHIFT_ASSIGN { $$ = BIN_RSHIFT; }
| AMPER_ASSIGN       { $$ = BIN_BITAND; }   | VBAR_ASSIGN   { $$ = BIN_BITOR; }
| CARET_ASSIGN       { $$ = BIN_BITXOR; }

name_list:
  NAME                                  { $$ = sym_list_add(parser, NULL, $1, @1); }
| name_list COMMA NAME                  { $$ = sym_list_add(parser, $1, $3, @3); }

import_stmt:
  IMPORT import_names                   { $$ = build_import(parser, @$, $2); }
| FROM dotted_name IMPORT from_names
          { $$ = build_import_from(parser, @$, 0, dotted_name(parser, $2), $4); }
| FROM dots dotted_name IMPORT from_names
          { $$ = build_import_from(parser, @$, $2, dotted_name(parser, $3), $5); }
| FROM dots IMPORT from_names           { $$ = build_import_from(parser, @$, $2, NULL, $4); }

import_names:
  import_name                           { $$ = alias_list_add(parser, NULL, $1); }
| import_names COMMA import_name        { $$ = alias_list_add(parser, $1, $3); }

import_name:
  dotted_name             { $$ = import_alias(parser, dotted_name(parser, $1), NULL, @$); }
| dotted_name AS NAME     { $$ = import_alias(parser, dotted_name(parser, $1), $3, @$); }

dotted_name:
  NAME                                  { $$ = dotted_name_add(parser, NULL, $1); }
| dotted_name DOT NAME                  { $$ = dotted_name_add(parser, $1, $3); }

dots:
  DOT                                   { $$ = 1; }
| ELLIPSIS                              { $$ = 3; }
| dots DOT                              { $$ = $1 + 1; }
| dots ELLIPSIS                         { $$ = $1 + 3; }

from_names:
  STAR              { $$ = alias_list_add(parser, NULL, star_alias(parser, @1)); }
| from_list
| LPAR from_list comma_opt RPAR         { $$ = $2; }
| LPAR error RPAR                       { $$ = alias_list(parser); yyerrok; }

from_list:
  from_name                             { $$ = alias_list_add(parser, NULL, $1); }
| from_list COMMA from_name             { $$ = alias_list_add(parser, $1, $3); }

from_name:
  NAME                                  { $$ = import_alias(parser, $1, NULL, @$); }
| NAME AS NAME                          { $$ = import_alias(parser, $1, $3, @$); }

comma_opt: %empty { $$ = false; } | COMMA { $$ = true; }

/* ---- Compound statements ---- */

compound:
  if_stmt | while_stmt | for_stmt | with_stmt | try_stmt | match_stmt
| definition
| decorators definition                 { $$ = build_decorated(parser, $2, $1); }

if_stmt:
  IF named block elif_list else_opt
          { $$ = build_if(parser, @$, upto_block(@1, @3), $2, $3, $4, $5); }

elif_list:
  %empty                                { $$ = NULL; }
| elif_list ELIF named block
          { $$ = elif_list_add(parser, $1, upto_block(@2, @4), $3, $4); }
| elif_list ELSE IF named block
          { wrong_else_if(parser, @2, @3);
            $$ = elif_list_add(parser, $1, upto_block(@2, @5), $4, $5); }

else_opt: %empty { $$ = NULL; } | ELSE block { $$ = $2; }

while_stmt:
  WHILE named block else_opt
          { $$ = build_while(parser, @$, upto_block(@1, @3), $2, $3, $4); }

for_stmt:
  FOR target_list IN star_exprs block else_opt
          { $$ = build_for(parser, @$, upto_block(@1, @5), $2, $4, $5, $6); }
| ASYNC FOR target_list IN star_exprs block else_opt
          { $$ = build_for(parser, @$, upto_block(@1, @6), $3, $5, $6, $7);
            $$->u.for_.is_async = true; }

with_stmt:
  WITH with_items block
          { $$ = build_with(parser, @$, upto_block(@1, @3), $2, $3, false); }
| WITH with_group block
          { $$ = build_with(parser, @$, upto_block(@1, @3), $2, $3, false); }
| ASYNC WITH with_items block
          { $$ = build_with(parser, @$, upto_block(@1, @4), $3, $4, true); }
| ASYNC WITH with_group block
          { $$ = build_with(parser, @$, upto_block(@1, @4), $3, $4, true); }

/* Brackets with an `error` alternative are nonterminals of their own: once closed, they are off the
 * parser's stack, and an error behind them is not taken for one inside. */
with_group:
  LPAR_WITH with_items comma_opt RPAR   { $$ = $2; }
| LPAR_WITH error RPAR                  { $$ = NULL; yyerrok; }

with_items:
  with_item                             { $$ = with_items_add(parser, NULL, $1); }
| with_items COMMA with_item            { $$ = with_items_add(parser, $1, $3); }

with_item:
  test                                  { $$ = with_item(parser, $1, NULL); }
| test AS target                        { $$ = with_item(parser, $1, $3); }

try_stmt:
  TRY block handlers else_opt finally_opt
          { $$ = build_try(parser, @$, upto_block(@1, @2), $2, $3, $4, $5); }
| TRY block FINALLY block
          { $$ = build_try(parser, @$, upto_block(@1, @2), $2, NULL, NULL, $4); }
| TRY block
          { wrong_bare_try(parser, @1);
            $$ = build_try(parser, @$, upto_block(@1, @2), $2, NULL, NULL, NULL); }

finally_opt: %empty { $$ = NULL; } | FINALLY block { $$ = $2; }

handlers:
  handler                               { $$ = handlers_add(parser, NULL, $1); }
| handlers handler                      { $$ = handlers_add(parser, $1, $2); }

handler:
  EXCEPT block                          { $$ = build_handler(parser, @$, false, NULL, NULL, $2); }
| EXCEPT test block                     { $$ = build_handler(parser, @$, false, $2, NULL, $3); }
| EXCEPT test AS NAME block             { $$ = build_handler(parser, @$, false, $2, $4, $5); }
| EXCEPT STAR test block                { $$ = build_handler(parser, @$, true, $3, NULL, $4); }
| EXCEPT STAR test AS NAME block        { $$ = build_handler(parser, @$, true, $3, $5, $6); }
| EXCEPT except_types block
          { wrong_except_types(parser, @2);
            $$ = build_handler(parser, @$, false, build_tuple(parser, @2, $2, true), NULL, $3); }
| EXCEPT except_types AS NAME block
          { wrong_except_types(parser, @2);
            $$ = build_handler(parser, @$, false, build_tuple(parser, @2, $2, true), $4, $5); }

except_types:
  test COMMA test       { $$ = expr_list_add(parser, expr_list_add(parser, NULL, $1), $3); }
| except_types COMMA test               { $$ = expr_list_add(parser, $1, $3); }

decorators:
  AT named NEWLINE                      { $$ = expr_list_add(parser, NULL, $2); }
| decorators AT named NEWLINE           { $$ = expr_list_add(parser, $1, $3); }

definition:
  function_def
| class_def
| ASYNC function_def
          { $$ = $2; $$->u.function.is_async = true;
            $$->range.lo = $$->header.lo = @1.lo; }

function_def:
  DEF NAME type_params_opt parameter_group returns_opt block
          { $$ = build_function(parser, @$, upto_block(@1, @6), $2, @2, $3, $4, $5, $6); }

parameter_group:
  LPAR parameters RPAR                  { $$ = $2; }
| LPAR error RPAR                       { $$ = NULL; yyerrok; }

returns_opt: %empty { $$ = NULL; } | ARROW test { $$ = $2; }

class_def:
  CLASS NAME type_params_opt bases_opt block
          { $$ = build_class(parser, @$, upto_block(@1, @5), $2, @2, $3, $4, $5); }

bases_opt:
  %empty                                { $$ = NULL; }
| LPAR arguments RPAR                   { $$ = check_bases(parser, $2); }
| LPAR error RPAR                       { $$ = NULL; yyerrok; }

type_params_opt:
  %empty                                { $$ = NULL; }
| LSQB type_param_list comma_opt RSQB   { $$ = $2; }
| LSQB error RSQB                       { $$ = NULL; yyerrok; }

type_param_list:
  type_param                            { $$ = type_params_add(parser, NULL, $1); }
| type_param_list COMMA type_param      { $$ = type_params_add(parser, $1, $3); }

type_param:
  NAME                                  { $$ = type_param(parser, TYPEPARAM_VAR, $1, NULL, @$); }
| NAME COLON test                       { $$ = type_param(parser, TYPEPARAM_VAR, $1, $3, @$); }
| STAR NAME                             { $$ = type_param(parser, TYPEPARAM_TUPLE, $2, NULL, @$); }
| DOUBLESTAR NAME                       { $$ = type_param(parser, TYPEPARAM_SPEC, $2, NULL, @$); }

/* ---- Parameters ---- */

parameters:
  %empty                                { $$ = NULL; }
| parameter_list comma_opt              { $$ = end_params(parser, @$, $1, $2); }

parameter_list:
  parameter                             { $$ = param_add(parser, NULL, $1); }
| parameter_list COMMA parameter        { $$ = param_add(parser, $1, $3); }

parameter:
  NAME annotation_opt default_opt   { $$ = param_item(parser, PARAM_PLAIN, $1, $2, $3, @$, @1); }
| SLASH                             { $$ = param_item(parser, PARAM_SLASH, NULL, NULL, NULL, @$, @$); }
| STAR                              { $$ = param_item(parser, PARAM_STAR, NULL, NULL, NULL, @$, @$); }
| STAR NAME annotation_opt          { $$ = param_item(parser, PARAM_VARARG, $2, $3, NULL, @$, @2); }
| STAR NAME COLON STAR expr
          { $$ = param_item(parser, PARAM_VARARG, $2,
                            build_wrap(parser, EXPR_STARRED, @4, @5, $5), NULL, @$, @2); }
| DOUBLESTAR NAME annotation_opt    { $$ = param_item(parser, PARAM_KWARG, $2, $3, NULL, @$, @2); }

annotation_opt: %empty { $$ = NULL; } | COLON test { $$ = $2; }

default_opt: %empty { $$ = NULL; } | ASSIGN test { $$ = $2; }

lambda_parameters:
  %empty                                { $$ = NULL; }
| lambda_list comma_opt                 { $$ = end_params(parser, @$, $1, $2); }

lambda_list:
  lambda_parameter                      { $$ = param_add(parser, NULL, $1); }
| lambda_list COMMA lambda_parameter    { $$ = param_add(parser, $1, $3); }

lambda_parameter:
  NAME default_opt                  { $$ = param_item(parser, PARAM_PLAIN, $1, NULL, $2, @$, @1); }
| SLASH                             { $$ = param_item(parser, PARAM_SLASH, NULL, NULL, NULL, @$, @$); }
| STAR                              { $$ = param_item(parser, PARAM_STAR, NULL, NULL, NULL, @$, @$); }
| STAR NAME                         { $$ = param_item(parser, PARAM_VARARG, $2, NULL, NULL, @$, @2); }
| DOUBLESTAR NAME                   { $$ = param_item(parser, PARAM_KWARG, $2, NULL, NULL, @$, @2); }

/* ---- Match ---- */

match_stmt:
  MATCH subject COLON NEWLINE INDENT cases DEDENT
          { @$.hi = cases_end($6, @3); $$ = build_match(parser, @$, upto_block(@1, @3), $2, $6); }
| MATCH subject NEWLINE INDENT cases DEDENT
          { wrong_missing_colon(parser, @3);
            @$.hi = cases_end($5, @3);
            $$ = build_match(parser, @$, upto_block(@1, @3), $2, $5); }

subject:
  named
| star_named_list COMMA star_named
          { $$ = build_tuple(parser, @$, expr_list_add(parser, $1, $3), true); }
| star_named_list COMMA                 { $$ = build_tuple(parser, @$, $1, true); }

cases:
  case                                  { $$ = cases_add(parser, NULL, $1); }
| error NEWLINE                         { $$ = cases_add(parser, NULL, NULL); yyerrok; }
| error NEWLINE INDENT statements DEDENT { $$ = cases_add(parser, NULL, NULL); yyerrok; }
| cases case                            { $$ = cases_add(parser, $1, $2); }
| cases error NEWLINE                   { $$ = $1; yyerrok; }
| cases error NEWLINE INDENT statements DEDENT  { $$ = $1; yyerrok; }

case:
  CASE patterns guard_opt block         { $$ = match_case(parser, $2, $3, $4); }

guard_opt: %empty { $$ = NULL; } | IF named { $$ = $2; }

patterns:
  pattern_list                          { $$ = build_sequence(parser, @$, $1, false); }
| pattern_list COMMA                    { $$ = build_sequence(parser, @$, $1, true); }

pattern_list:
  star_pattern                          { $$ = pattern_list_add(parser, NULL, $1); }
| pattern_list COMMA star_pattern       { $$ = pattern_list_add(parser, $1, $3); }

star_pattern:
  pattern
| STAR NAME                 { $$ = build_capture(parser, PATTERN_STAR, @$, NULL, $2, @2); }

pattern:
  or_pattern                            { $$ = end_or_pattern($1); }
| or_pattern AS NAME
          { $$ = build_capture(parser, PATTERN_AS, @$, end_or_pattern($1), $3, @3); }

or_pattern:
  closed_pattern                        { $$ = build_or_pattern(parser, @$, $1); }
| or_pattern VBAR closed_pattern        { $$ = add_to_or_pattern(parser, @$, $1, $3); }

closed_pattern:
  literal_pattern                       { $$ = build_value_pattern(parser, @$, $1); }
| pattern_name                          { $$ = build_name_pattern(parser, @$, $1); }
| pattern_name LPAR class_pattern_args RPAR { $$ = build_class_pattern(parser, @$, $1, $3); }
| LPAR RPAR                             { $$ = build_sequence(parser, @$, NULL, true); }
| LPAR pattern_list comma_opt RPAR      { $$ = build_sequence(parser, @$, $2, $3); }
| LSQB RSQB                             { $$ = build_sequence(parser, @$, NULL, true); }
| LSQB pattern_list comma_opt RSQB      { $$ = build_sequence_in(parser, @$, $2); }
| LBRACE RBRACE                         { $$ = build_mapping(parser, @$, NULL); }
| LBRACE mapping_items comma_opt RBRACE { $$ = build_mapping(parser, @$, $2); }
| pattern_name LPAR error RPAR          { $$ = build_sequence(parser, @$, NULL, true); yyerrok; }
| LPAR error RPAR                       { $$ = build_sequence(parser, @$, NULL, true); yyerrok; }
| LSQB error RSQB                       { $$ = build_sequence(parser, @$, NULL, true); yyerrok; }
| LBRACE error RBRACE                   { $$ = build_sequence(parser, @$, NULL, true); yyerrok; }

pattern_name:
  NAME                                  { $$ = build_name(parser, @$, $1); }
| pattern_name DOT NAME                 { $$ = build_attribute(parser, @$, $1, $3, @3); }

literal_pattern:
  signed_number
| signed_number PLUS NUMBER
          { $$ = build_complex(parser, @$, BIN_ADD, @2, $1, build_number(parser, @3)); }
| signed_number MINUS NUMBER
          { $$ = build_complex(parser, @$, BIN_SUB, @2, $1, build_number(parser, @3)); }
| string_atom                           { $$ = check_pattern_string(parser, $1); }
| NONE                                  { $$ = build_constant(parser, @$, CONST_NONE); }
| TRUE                                  { $$ = build_constant(parser, @$, CONST_TRUE); }
| FALSE                                 { $$ = build_constant(parser, @$, CONST_FALSE); }

signed_number:
  NUMBER                                { $$ = build_number(parser, @$); }
| MINUS NUMBER
          { $$ = build_unary(parser, @$, UNARY_NEG, build_number(parser, @2)); }

class_pattern_args:
  %empty                                { $$ = NULL; }
| class_pattern_list comma_opt          { $$ = $1; }

class_pattern_list:
  pattern                 { $$ = class_args_add(parser, NULL, @1, NULL, $1); }
| NAME ASSIGN pattern     { $$ = class_args_add(parser, NULL, @1, $1, $3); }
| class_pattern_list COMMA pattern
                          { $$ = class_args_add(parser, $1, @3, NULL, $3); }
| class_pattern_list COMMA NAME ASSIGN pattern
                          { $$ = class_args_add(parser, $1, @3, $3, $5); }

mapping_items:
  mapping_key COLON pattern
                          { $$ = mapping_add(parser, NULL, @1, $1, $3, NULL); }
| DOUBLESTAR NAME         { $$ = mapping_add(parser, NULL, @2, NULL, NULL, $2); }
| mapping_items COMMA mapping_key COLON pattern
                          { $$ = mapping_add(parser, $1, @3, $3, $5, NULL); }
| mapping_items COMMA DOUBLESTAR NAME
                          { $$ = mapping_add(parser, $1, @4, NULL, NULL, $4); }

mapping_key: literal_pattern | pattern_name

/* ---- Expressions ---- */

star_exprs:
  star_expr
| star_expr_list COMMA star_expr
          { $$ = build_tuple(parser, @$, expr_list_add(parser, $1, $3), true); }
| star_expr_list COMMA                  { $$ = build_tuple(parser, @$, $1, true); }

star_expr_list:
  star_expr                             { $$ = expr_list_add(parser, NULL, $1); }
| star_expr_list COMMA star_expr        { $$ = expr_list_add(parser, $1, $3); }

star_expr:
  test
| STAR expr                             { $$ = build_wrap(parser, EXPR_STARRED, @1, @$, $2); }

star_named_list:
  star_named                            { $$ = expr_list_add(parser, NULL, $1); }
| star_named_list COMMA star_named      { $$ = expr_list_add(parser, $1, $3); }

star_named:
  named
| STAR expr                             { $$ = build_wrap(parser, EXPR_STARRED, @1, @$, $2); }

named:
  test
| test COLONEQUAL test                  { $$ = build_named(parser, @$, $1, $3); }

test:
  logic
| logic IF logic ELSE test              { $$ = build_ifexp(parser, @$, $1, $3, $5); }
| LAMBDA lambda_parameters COLON test   { $$ = build_lambda(parser, @$, $2, $4); }

test_opt: %empty { $$ = NULL; } | test

logic:
  comparison
| NOT logic                             { $$ = build_unary(parser, @$, UNARY_NOT, $2); }
| logic AND logic                       { $$ = build_boolop(parser, @$, false, $1, $3); }
| logic OR logic                        { $$ = build_boolop(parser, @$, true, $1, $3); }

comparison:
  expr
| comparison compare_op expr            { $$ = build_compare(parser, @$, $1, $2, $3); }

compare_op:
  EQ { $$ = CMP_EQ; } | NE { $$ = CMP_NE; } | LT { $$ = CMP_LT; } | LE { $$ = CMP_LE; }
| GT { $$ = CMP_GT; } | GE { $$ = CMP_GE; } | IN { $$ = CMP_IN; } | NOT IN { $$ = CMP_NOT_IN; }
| IS { $$ = CMP_IS; } | IS NOT { $$ = CMP_IS_NOT; }

expr:
  primary
| AWAIT primary                         { $$ = build_wrap(parser, EXPR_AWAIT, @1, @$, $2); }
| expr VBAR expr                        { $$ = build_binary(parser, @$, BIN_BITOR, @2, $1, $3); }
| expr CARET expr                       { $$ = build_binary(parser, @$, BIN_BITXOR, @2, $1, $3); }
| expr AMPER expr                       { $$ = build_binary(parser, @$, BIN_BITAND, @2, $1, $3); }
| expr LSHIFT expr                      { $$ = build_binary(parser, @$, BIN_LSHIFT, @2, $1, $3); }
| expr RSHIFT expr                      { $$ = build_binary(parser, @$, BIN_RSHIFT, @2, $1, $3); }
| expr PLUS expr                        { $$ = build_binary(parser, @$, BIN_ADD, @2, $1, $3); }
| expr MINUS expr                       { $$ = build_binary(parser, @$, BIN_SUB, @2, $1, $3); }
| expr STAR expr                        { $$ = build_binary(parser, @$, BIN_MUL, @2, $1, $3); }
| expr SLASH expr                       { $$ = build_binary(parser, @$, BIN_DIV, @2, $1, $3); }
| expr DOUBLESLASH expr                 { $$ = build_binary(parser, @$, BIN_FLOORDIV, @2, $1, $3); }
| expr PERCENT expr                     { $$ = build_binary(parser, @$, BIN_MOD, @2, $1, $3); }
| expr AT expr                          { $$ = build_binary(parser, @$, BIN_MATMUL, @2, $1, $3); }
| expr DOUBLESTAR expr                  { $$ = build_binary(parser, @$, BIN_POW, @2, $1, $3); }
| PLUS expr %prec UNARY                 { $$ = build_unary(parser, @$, UNARY_POS, $2); }
| MINUS expr %prec UNARY                { $$ = build_unary(parser, @$, UNARY_NEG, $2); }
| TILDE expr %prec UNARY                { $$ = build_unary(parser, @$, UNARY_INVERT, $2); }

primary:
  atom
| primary DOT NAME                      { $$ = build_attribute(parser, @$, $1, $3, @3); }
| primary LPAR arguments RPAR           { $$ = build_call(parser, @$, $1, $3); }
| primary LSQB subscripts RSQB          { $$ = build_subscript(parser, @$, $1, $3); }
| primary LPAR error RPAR               { $$ = build_error(parser, @$); yyerrok; }
| primary LSQB error RSQB               { $$ = build_error(parser, @$); yyerrok; }

atom:
  NAME                                  { $$ = build_name(parser, @$, $1); }
| NUMBER                                { $$ = build_number(parser, @$); }
| string_atom
| ELLIPSIS                              { $$ = build_constant(parser, @$, CONST_ELLIPSIS); }
| NONE                                  { $$ = build_constant(parser, @$, CONST_NONE); }
| TRUE                                  { $$ = build_constant(parser, @$, CONST_TRUE); }
| FALSE                                 { $$ = build_constant(parser, @$, CONST_FALSE); }
| LPAR RPAR                 { $$ = build_group(parser, build_tuple(parser, @$, NULL, true)); }
| LPAR yield_expr RPAR                  { $$ = build_group(parser, $2); }
| LPAR star_named_list comma_opt RPAR   { $$ = build_paren(parser, @$, $2, $3); }
| LPAR star_named comp_clauses RPAR
          { $$ = build_comp(parser, EXPR_GENERATOR, @$, $2, NULL, $3); }
| LPAR error RPAR                       { $$ = build_error(parser, @$); yyerrok; }
| LSQB RSQB                             { $$ = build_seq(parser, EXPR_LIST, @$, NULL); }
| LSQB star_named_list comma_opt RSQB   { $$ = build_seq(parser, EXPR_LIST, @$, $2); }
| LSQB star_named comp_clauses RSQB
          { $$ = build_comp(parser, EXPR_LISTCOMP, @$, $2, NULL, $3); }
| LSQB error RSQB                       { $$ = build_error(parser, @$); yyerrok; }
| LBRACE RBRACE                         { $$ = build_dict(parser, @$, NULL); }
| LBRACE dict_items comma_opt RBRACE    { $$ = build_dict(parser, @$, $2); }
| LBRACE dict_items comp_clauses RBRACE { $$ = build_dict_comp(parser, @$, $2, $3); }
| LBRACE star_named_list comma_opt RBRACE { $$ = build_seq(parser, EXPR_SET, @$, $2); }
| LBRACE star_named comp_clauses RBRACE
          { $$ = build_comp(parser, EXPR_SETCOMP, @$, $2, NULL, $3); }
| LBRACE error RBRACE                   { $$ = build_error(parser, @$); yyerrok; }

dict_items:
  test COLON dict_value                 { $$ = dict_items_add(parser, NULL, $1, $3); }
| DOUBLESTAR expr                       { $$ = dict_items_add(parser, NULL, NULL, $2); }
| dict_items COMMA test COLON dict_value { $$ = dict_items_add(parser, $1, $3, $5); }
| dict_items COMMA DOUBLESTAR expr      { $$ = dict_items_add(parser, $1, NULL, $4); }

dict_value: test

yield_expr:
  YIELD                     { $$ = build_wrap(parser, EXPR_YIELD, @1, @$, NULL); }
| YIELD star_exprs          { $$ = build_wrap(parser, EXPR_YIELD, @1, @$, $2); }
| YIELD FROM test           { $$ = build_wrap(parser, EXPR_YIELD_FROM, @1, @$, $3); }

comp_clauses:
  comp_clause                           { $$ = comps_add(parser, NULL, $1); }
| comp_clauses comp_clause              { $$ = comps_add(parser, $1, $2); }

comp_clause:
  FOR target_list IN logic              { $$ = build_comp_clause(parser, $2, $4, false); }
| ASYNC FOR target_list IN logic        { $$ = build_comp_clause(parser, $3, $5, true); }
| comp_clause IF logic                  { $$ = comp_clause_if(parser, $1, $3); }

/* Targets of `for`, `del` and `as`: no comparison, for `in` must not be swallowed. */
target_list:
  target
| target_items COMMA target
          { $$ = build_tuple(parser, @$, expr_list_add(parser, $1, $3), true); }
| target_items COMMA                    { $$ = build_tuple(parser, @$, $1, true); }

target_items:
  target                                { $$ = expr_list_add(parser, NULL, $1); }
| target_items COMMA target             { $$ = expr_list_add(parser, $1, $3); }

target:
  expr
| STAR expr                             { $$ = build_wrap(parser, EXPR_STARRED, @1, @$, $2); }

arguments:
  %empty                                { $$ = NULL; }
| argument_list comma_opt               { $$ = end_arguments(parser, $1, $2); }

argument_list:
  named                     { $$ = arg_add(parser, NULL, ARG_POSITIONAL, NULL, $1, @$); }
| named comp_clauses
          { $$ = arg_add(parser, NULL, ARG_GENERATOR, NULL,
                         build_comp(parser, EXPR_GENERATOR, @$, $1, NULL, $2), @$); }
| test ASSIGN test          { $$ = arg_add(parser, NULL, ARG_KEYWORD, $1, $3, @$); }
| STAR test                 { $$ = arg_add(parser, NULL, ARG_STAR, NULL,
                                           build_wrap(parser, EXPR_STARRED, @1, @$, $2), @$); }
| DOUBLESTAR test           { $$ = arg_add(parser, NULL, ARG_DOUBLESTAR, NULL, $2, @$); }
| argument_list COMMA named { $$ = arg_add(parser, $1, ARG_POSITIONAL, NULL, $3, @3); }
| argument_list COMMA named comp_clauses
          { SrcRange range = range_join(@3, @4);
            $$ = arg_add(parser, $1, ARG_GENERATOR, NULL,
                         build_comp(parser, EXPR_GENERATOR, range, $3, NULL, $4), range); }
| argument_list COMMA test ASSIGN test
          { $$ = arg_add(parser, $1, ARG_KEYWORD, $3, $5, range_join(@3, @5)); }
| argument_list COMMA STAR test
          { SrcRange range = range_join(@3, @4);
            $$ = arg_add(parser, $1, ARG_STAR, NULL,
                         build_wrap(parser, EXPR_STARRED, @3, range, $4), range); }
| argument_list COMMA DOUBLESTAR test
          { $$ = arg_add(parser, $1, ARG_DOUBLESTAR, NULL, $4, range_join(@3, @4)); }

subscripts:
  subscript                 { $$ = build_index(parser, @$, $1); }
| subscript_list COMMA subscript
          { $$ = build_tuple(parser, @$, expr_list_add(parser, $1, $3), true); }
| subscript_list COMMA      { $$ = build_tuple(parser, @$, $1, true); }

subscript_list:
  subscript                             { $$ = expr_list_add(parser, NULL, $1); }
| subscript_list COMMA subscript        { $$ = expr_list_add(parser, $1, $3); }

subscript:
  named
| STAR test                             { $$ = build_wrap(parser, EXPR_STARRED, @1, @$, $2); }
| test_opt COLON test_opt
          { $$ = build_slice(parser, range_join($1 ? @1 : @2, @3), $1, $3, NULL); }
| test_opt COLON test_opt COLON test_opt
          { $$ = build_slice(parser, range_join($1 ? @1 : @2, @5), $1, $3, $5); }

/* ---- Strings ---- */

string_atom: string_parts               { $$ = build_string(parser, @$, $1); }

string_parts:
  STRING                { $$ = expr_list_add(parser, NULL, build_string_part(parser, @1)); }
| FSTRING_START fstring_parts FSTRING_END
          { $$ = expr_list_add(parser, NULL, build_joined(parser, @$, $2)); }
| string_parts STRING   { $$ = expr_list_add(parser, $1, build_string_part(parser, @2)); }
| string_parts FSTRING_START fstring_parts FSTRING_END
          { $$ = expr_list_add(parser, $1, build_joined(parser, range_join(@2, @4), $3)); }

fstring_parts:
  %empty                                { $$ = expr_list(parser); }
| fstring_parts FSTRING_TEXT
          { $$ = expr_list_add(parser, $1, build_fstring_text(parser, @2)); }
| fstring_parts field                   { $$ = expr_list_add(parser, $1, $2); }

field:
  FIELD_OPEN rhs self_doc_opt conversion_opt spec_opt FIELD_CLOSE
          { $$ = build_field(parser, @$, $2, $3, @4, $4, $5); }
| FIELD_OPEN error FIELD_CLOSE          { $$ = build_error(parser, @$); yyerrok; }

self_doc_opt: %empty { $$ = false; } | ASSIGN { $$ = true; }

conversion_opt:
  %empty                                { $$ = 0; }
| BANG NAME                             { $$ = check_conversion(parser, @1, @2, $2); }

spec_opt:
  %empty                                { $$ = NULL; }
| FIELD_COLON fstring_parts             { $$ = build_spec(parser, @2, $2); }

%%

int tkc_yylex(TKC_YYSTYPE *value, SrcRange *range, Parser *parser) {
    size_t last = parser->tokens.len - 1;
    const Token *token = &parser->tokens.data[parser->cursor < last ? parser->cursor : last];
    *range = token_range(parser, token);
    if (parser->resync_newline) { /* recovery ends a line that has no end of its own */
        parser->resync_newline = false;
        range->hi = range->lo;
        return TOK_NEWLINE;
    }
    if (parser->cursor >= parser->tokens.len)
        return 0;
    parser->current = parser->cursor++;
    if (token->kind == TOK_NAME)
        value->TOK_NAME = strtab_intern(parser->names, parser->file->text + token->lo,
                                        token->hi - token->lo);
    return token->kind;
}

const char *token_kind_text(int kind) {
    switch (kind) { /* kinds that look alike have one name between them */
    case TOK_FIELD_OPEN:
        kind = TOK_LBRACE;
        break;
    case TOK_FIELD_CLOSE:
        kind = TOK_RBRACE;
        break;
    case TOK_FIELD_COLON:
        kind = TOK_COLON;
        break;
    case TOK_LPAR_WITH:
        kind = TOK_LPAR;
        break;
    default:
        break;
    }
    return yysymbol_name(YYTRANSLATE(kind));
}

/* Not for syntax errors: those go to yyreport_syntax_error. Here memory for look-ahead ran out. */
static void tkc_yyerror(const SrcRange *range, Parser *parser, const char *message) {
    (void)message;
    report_too_deep(parser, *range);
}

static int yyreport_syntax_error(const yypcontext_t *context, Parser *parser) {
    enum { FIRST_TOKEN = 258 }; /* bison numbers named tokens from here */
    yysymbol_kind_t symbols[YYNTOKENS];
    bool expected[MAX_TOKEN_KINDS] = {false};
    int count = yypcontext_expected_tokens(context, symbols, YYNTOKENS);
    for (int kind = FIRST_TOKEN; kind <= YYMAXUTOK; kind++)
        for (int i = 0; i < count; i++)
            if (YYTRANSLATE(kind) == symbols[i])
                expected[kind] = true;
    syntax_error_report(parser, expected);
    return 0;
}
