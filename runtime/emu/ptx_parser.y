/* ptx_parser.y -- the grammar of PTX, as far as compilers write it (PTX ISA, chapters 4 and 5).
 *
 * It knows declarations, functions and the shape of an instruction, but no instruction: what
 * `add.rn.f32 %f1, %f2, %f3` needs is decode.c's business. Actions hand the pieces to ptx_build.c.
 * An error ends the reading: PTX is written by programs.
 */
%require "3.8"
%define api.pure full
%define api.prefix {ptx_yy}
%define api.token.prefix {PTX_TOK_}
%define api.value.type union
%define api.location.type {SrcRange}
%define parse.error custom
%define parse.lac full
%locations
%expect 0
%param {PtxReader *reader}

%code requires {
#include "runtime/emu/ptx_reader.h"
}

%code provides {
int ptx_yylex(PTX_YYSTYPE *value, SrcRange *range, PtxReader *reader);
int ptx_scan_token(PTX_YYSTYPE *value, SrcRange *range, void *scanner);
}

%code {
#define YYLLOC_DEFAULT(current, rhs, n)                                                            \
    do {                                                                                           \
        (current) = YYRHSLOC(rhs, (n) ? 1 : 0);                                                    \
        if (n)                                                                                     \
            (current).hi = YYRHSLOC(rhs, n).hi;                                                    \
        else                                                                                       \
            (current).lo = (current).hi;                                                           \
    } while (0)
/* Lists are left-recursive: nesting is the only thing that needs depth, and PTX hardly nests. */
#define YYINITDEPTH 400
#define YYMAXDEPTH  400

static void ptx_yyerror(const SrcRange *range, PtxReader *reader, const char *message) {
    ptx_reader_malformed(reader, *range, message);
}
}

%token <Sym> VERSION "`.version`" TARGET "`.target`" ADDRESS_SIZE "`.address_size`" FILE "`.file`"
%token <Sym> LOC "`.loc`" PRAGMA "`.pragma`" LINKAGE "a linkage" ENTRY "`.entry`" FUNC "`.func`"
%token <Sym> REG "`.reg`" SPACE "a state space" ALIGN "`.align`" PTR "`.ptr`"
%token <Sym> BLOCK_SIZE "`.reqntid`" TUNING "a tuning directive" BRANCHTARGETS "`.branchtargets`"
%token <Sym> DOTTED "a directive" NAME "a name" DECIMAL "a number" STRING "a string"
%token <uint64_t> INTEGER "an integer" FLOAT "a float" DOUBLE "a double"
%token LBRACE "`{`" RBRACE "`}`" LSQB "`[`" RSQB "`]`" LPAR "`(`" RPAR "`)`" LESS "`<`"
%token GREATER "`>`" COMMA "`,`" SEMI "`;`" COLON "`:`" AT "`@`" NOT "`!`" BAR "`|`" PLUS "`+`"
%token MINUS "`-`" EQUAL "`=`"

%nterm <Sym> modifier component
%nterm <uint64_t> integer
%nterm <int64_t> displacement
%nterm <PtxOperand> operand simple address
%nterm <PtxOperandList> operands operand_list inits init_list
%nterm <PtxNameList> modifiers labels
%nterm <PtxInst> inst
%nterm <PtxOperand> init

%%

file:
    %empty
  | file item
  ;

item:
    VERSION DECIMAL                 { ptx_on_version(reader, $DECIMAL); }
  | TARGET targets
  | ADDRESS_SIZE INTEGER            { ptx_on_address_size(reader, @INTEGER, $INTEGER); }
  | file_directive
  | PRAGMA STRING SEMI
  | variable SEMI                   { reader->in_extern = false; }
  | linkages function
  ;

targets:
    NAME                            { ptx_on_target(reader, $NAME); }
  | targets COMMA NAME
  ;

file_directive:
    FILE INTEGER STRING             { ptx_on_file(reader, @INTEGER, $INTEGER, $STRING); }
  | FILE INTEGER STRING COMMA INTEGER COMMA INTEGER
                                    { ptx_on_file(reader, @2, $2, $STRING); }
  ;

linkages:
    %empty
  | linkages LINKAGE                { ptx_on_linkage(reader, $LINKAGE); }
  ;

/* ---- variables ---- */

variable:
    linkages var_space var_words var_name var_init
                                    { ptx_on_var_end(reader); }
  ;

var_space:
    SPACE                           { ptx_on_var_space(reader, $SPACE); }
  ;

var_words:
    var_word
  | var_words var_word
  ;

var_word:
    DOTTED                          { ptx_on_var_word(reader, @DOTTED, $DOTTED); }
  | ALIGN INTEGER                   { ptx_on_var_align(reader, @INTEGER, $INTEGER); }
  ;

var_name:
    NAME                            { ptx_on_var_name(reader, @NAME, $NAME); }
  | var_name LSQB INTEGER RSQB      { ptx_on_var_dim(reader, @INTEGER, true, $INTEGER); }
  | var_name LSQB RSQB              { ptx_on_var_dim(reader, @LSQB, false, 0); }
  ;

var_init:
    %empty
  | EQUAL LBRACE inits RBRACE       { ptx_on_var_init(reader, @$, &$inits); }
  | EQUAL init                      {
        PtxInitList one = {0};
        vec_push(reader->arena, &one, $init);
        ptx_on_var_init(reader, @$, &one);
    }
  ;

inits:
    %empty                          { $$ = (PtxInitList){0}; }
  | init_list
  ;

init_list:
    init                            { $$ = (PtxInitList){0}; vec_push(reader->arena, &$$, $init); }
  | init_list COMMA init            { $$ = $1; vec_push(reader->arena, &$$, $init); }
  ;

init:
    simple
  | NAME LPAR NAME displacement RPAR  { $$ = ptx_operand_name(reader, @3, $3, NULL);
                                      $$.offset = $displacement; }
  | NAME LPAR NAME RPAR             { $$ = ptx_operand_name(reader, @3, $3, NULL); }
  | NAME displacement               { $$ = ptx_operand_name(reader, @NAME, $NAME, NULL);
                                      $$.offset = $displacement; }
  ;

/* ---- functions ---- */

function:
    ENTRY NAME                      { ptx_on_function(reader, @NAME, true, $NAME); }
        params tunings body         { ptx_on_function_end(reader); }
  | FUNC results NAME               { ptx_on_function(reader, @NAME, false, $NAME); }
        params tunings body         { ptx_on_function_end(reader); }
  ;

results:
    %empty
  | LPAR param_list RPAR            { ptx_on_function_results(reader); }
  ;

params:
    %empty
  | LPAR RPAR
  | LPAR param_list RPAR
  ;

param_list:
    param
  | param_list COMMA param
  ;

param:
    param_space param_words var_name  { ptx_on_param_end(reader); }
  ;

param_space:
    SPACE                           { ptx_on_var_space(reader, $SPACE); }
  | REG                             { ptx_on_var_space(reader, $REG); }
  ;

param_words:
    param_word
  | param_words param_word
  ;

param_word:
    var_word
  | PTR                             { reader->var.is_pointer = true; }
  | SPACE
  ;

tunings:
    %empty
  | tunings tuning
  ;

tuning:
    BLOCK_SIZE INTEGER              { ptx_on_block_size(reader, $BLOCK_SIZE, 0, $INTEGER); }
  | BLOCK_SIZE INTEGER COMMA INTEGER  {
        ptx_on_block_size(reader, $BLOCK_SIZE, 0, $2);
        ptx_on_block_size(reader, $BLOCK_SIZE, 1, $4);
    }
  | BLOCK_SIZE INTEGER COMMA INTEGER COMMA INTEGER  {
        ptx_on_block_size(reader, $BLOCK_SIZE, 0, $2);
        ptx_on_block_size(reader, $BLOCK_SIZE, 1, $4);
        ptx_on_block_size(reader, $BLOCK_SIZE, 2, $6);
    }
  | TUNING
  | TUNING numbers
  ;

numbers:
    INTEGER
  | numbers COMMA INTEGER
  ;

body:
    SEMI
  | LBRACE                          { ptx_on_body(reader); }
        statements RBRACE
  ;

statements:
    %empty
  | statements statement
  ;

statement:
    LBRACE                          { ptx_on_scope(reader, true); }
        statements RBRACE           { ptx_on_scope(reader, false); }
  | reg_type regs SEMI
  | body_variable SEMI
  | LOC integer integer integer     { ptx_on_loc(reader, $2, $3, $4); }
  | LOC integer integer integer COMMA NAME NAME loc_function
                                    { ptx_on_loc(reader, $2, $3, $4); }
  | LOC integer integer integer COMMA NAME NAME loc_function COMMA NAME integer integer integer
                                    {
        ptx_on_loc(reader, $2, $3, $4);
        ptx_on_inlined_at(reader, $11, $12, $13);
    }
  | file_directive
  | PRAGMA STRING SEMI
  | NAME COLON                      { ptx_on_label(reader, @NAME, $NAME); }
  | NAME COLON BRANCHTARGETS labels SEMI  { ptx_on_targets(reader, $NAME, &$labels); }
  | inst SEMI                       { ptx_on_inst(reader, @inst, &$inst); }
  | AT NAME inst SEMI               {
        ptx_on_guard(reader, &$inst, @NAME, $NAME, false);
        ptx_on_inst(reader, @inst, &$inst);
    }
  | AT NOT NAME inst SEMI           {
        ptx_on_guard(reader, &$inst, @NAME, $NAME, true);
        ptx_on_inst(reader, @inst, &$inst);
    }
  | SEMI
  ;

/* function_name $L__info_string0 [+ 5] */
loc_function:
    %empty
  | PLUS INTEGER
  ;

body_variable:
    var_space var_words var_name var_init  { ptx_on_var_end(reader); }
  ;

reg_type:
    REG DOTTED                      { ptx_on_reg_type(reader, @DOTTED, $DOTTED); }
  | reg_type DOTTED                 { ptx_on_reg_type(reader, @DOTTED, $DOTTED); }
  ;

regs:
    reg
  | regs COMMA reg
  ;

reg:
    NAME                            { ptx_on_reg(reader, @NAME, $NAME, false, 1); }
  | NAME LESS INTEGER GREATER       { ptx_on_reg(reader, @NAME, $NAME, true, $INTEGER); }
  ;

labels:
    NAME                            { $$ = (PtxNameList){0}; vec_push(reader->arena, &$$, $NAME); }
  | labels COMMA NAME               { $$ = $1; vec_push(reader->arena, &$$, $NAME); }
  ;

/* ---- instructions ---- */

inst:
    NAME modifiers operands         {
        $$ = (PtxInst){.opcode = $NAME, .mods = $modifiers.data,
                       .num_mods = (unsigned)$modifiers.len, .operands = $operands.data,
                       .num_operands = (unsigned)$operands.len};
    }
  ;

modifiers:
    %empty                          { $$ = (PtxNameList){0}; }
  | modifiers modifier              { $$ = $1; vec_push(reader->arena, &$$, $modifier); }
  ;

modifier: DOTTED | SPACE | ALIGN | PTR;

operands:
    %empty                          { $$ = (PtxOperandList){0}; }
  | operand_list
  ;

operand_list:
    operand                         { $$ = (PtxOperandList){0}; vec_push(reader->arena, &$$, $operand); }
  | operand_list COMMA operand      { $$ = $1; vec_push(reader->arena, &$$, $operand); }
  ;

operand:
    simple
  | NOT NAME                        { $$ = ptx_operand_name(reader, @NAME, $NAME, NULL);
                                      $$.negated = true; }
  | NAME displacement               { $$ = ptx_operand_name(reader, @NAME, $NAME, NULL);
                                      $$.offset = $displacement; }
  | simple BAR simple               { $$ = ptx_operand_pair(reader, @$, $1, $3); }
  | address
  | LBRACE operand_list RBRACE      {
        $$ = ptx_operand_group(reader, PTX_OP_VECTOR, @$, &$operand_list);
    }
  | LPAR operands RPAR              {
        $$ = ptx_operand_group(reader, PTX_OP_LIST, @$, &$operands);
    }
  ;

simple:
    NAME component                  { $$ = ptx_operand_name(reader, @$, $NAME, $component); }
  | INTEGER                         { $$ = ptx_operand_bits(PTX_OP_INT, @$, $1); }
  | MINUS INTEGER                   { $$ = ptx_operand_bits(PTX_OP_INT, @$, UINT64_C(0) - $2); }
  | FLOAT                           { $$ = ptx_operand_bits(PTX_OP_F32, @$, $1); }
  | DOUBLE                          { $$ = ptx_operand_bits(PTX_OP_F64, @$, $1); }
  | DECIMAL                         { $$ = ptx_operand_decimal(@$, $1, false); }
  | MINUS DECIMAL                   { $$ = ptx_operand_decimal(@$, $2, true); }
  ;

component:
    %empty                          { $$ = NULL; }
  | DOTTED
  ;

address:
    LSQB operand_list RSQB          {
        $$ = ptx_operand_group(reader, PTX_OP_ADDRESS, @$, &$operand_list);
    }
  ;

displacement:
    PLUS INTEGER                    { $$ = (int64_t)$2; }
  | PLUS MINUS INTEGER              { $$ = (int64_t)(UINT64_C(0) - $3); }
  | MINUS INTEGER                   { $$ = (int64_t)(UINT64_C(0) - $2); }
  ;

integer:
    INTEGER
  | MINUS INTEGER                   { $$ = UINT64_C(0) - $2; }
  ;

%%

/* "expected `;`, not a name" */
static int yyreport_syntax_error(const yypcontext_t *context, PtxReader *reader) {
    enum { MOST = 4 };
    yysymbol_kind_t expected[MOST];
    int count = yypcontext_expected_tokens(context, expected, MOST);
    StrBuf text = STRBUF(reader->arena);
    for (int i = 0; i < count; i++)
        strbuf_printf(&text, "%s%s", i == 0 ? "expected " : i + 1 < count ? ", " : " or ",
                      yysymbol_name(expected[i]));
    yysymbol_kind_t found = yypcontext_token(context);
    if (found != YYSYMBOL_YYEMPTY)
        strbuf_printf(&text, "%s%s%s", count > 0 ? ", not " : "", yysymbol_name(found),
                      count > 0 ? "" : " does not belong here");
    ptx_reader_malformed(reader, *yypcontext_location(context), strbuf_str(&text));
    return 0;
}
