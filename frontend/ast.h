/* ast.h -- the syntax tree of a .tk file: Python 3.12's statements and expressions.
 *
 * Node kinds and field names are those of CPython's `ast` module, so that anybody who knows that
 * knows this. The tree holds no meaning: names are not resolved, constants not folded. Every node
 * has the byte range of its text. Nodes live in the arena given to parse_module() and are never
 * changed afterwards; a tree may be shared between threads.
 */
#ifndef TKC_FRONTEND_AST_H
#define TKC_FRONTEND_AST_H

#include "support/source.h"
#include "support/str.h"

typedef struct Expr Expr;
typedef struct Stmt Stmt;
typedef struct Pattern Pattern;

/* Counted arrays of children. */
typedef struct ExprList {
    Expr **items;
    size_t len;
} ExprList;
typedef struct StmtList {
    Stmt **items;
    size_t len;
} StmtList;
typedef struct SymList {
    Sym *items;
    SrcRange *ranges;
    size_t len;
} SymList;

typedef enum UnaryOpKind { UNARY_POS, UNARY_NEG, UNARY_INVERT, UNARY_NOT } UnaryOpKind;
typedef enum BinOpKind {
    BIN_ADD,
    BIN_SUB,
    BIN_MUL,
    BIN_MATMUL,
    BIN_DIV,
    BIN_FLOORDIV,
    BIN_MOD,
    BIN_POW,
    BIN_LSHIFT,
    BIN_RSHIFT,
    BIN_BITOR,
    BIN_BITXOR,
    BIN_BITAND
} BinOpKind;
typedef enum CmpOpKind {
    CMP_EQ,
    CMP_NE,
    CMP_LT,
    CMP_LE,
    CMP_GT,
    CMP_GE,
    CMP_IS,
    CMP_IS_NOT,
    CMP_IN,
    CMP_NOT_IN
} CmpOpKind;
/* The operators as written: "+", "<=", "not in", ... */
const char *ast_unary_text(UnaryOpKind op);
const char *ast_binary_text(BinOpKind op);
const char *ast_compare_text(CmpOpKind op);

typedef enum ConstKind {
    CONST_NONE,
    CONST_TRUE,
    CONST_FALSE,
    CONST_ELLIPSIS,
    CONST_INT,     /* text: the digits in base 10, 16, 8 or 2 with prefix, underscores removed */
    CONST_FLOAT,   /* number */
    CONST_COMPLEX, /* number: the imaginary part */
    CONST_STR,  /* text: UTF-8, escapes decoded, adjacent literals joined (may hold NULs: text_len)
                 */
    CONST_BYTES /* text: raw bytes */
} ConstKind;

typedef struct Arg { /* one formal parameter */
    Sym name;
    Expr *annotation; /* or NULL */
    Expr *default_;   /* or NULL; for keyword-only and positional parameters alike */
    SrcRange range;
} Arg;
typedef struct ArgList {
    Arg *items;
    size_t len;
} ArgList;
typedef struct Params {
    ArgList posonly, args, kwonly;
    Arg *vararg, *kwarg; /* *args and **kwargs, or NULL */
} Params;

typedef struct Keyword { /* name=value in a call or class; name NULL means **value */
    Sym name;
    SrcRange name_range;
    Expr *value;
} Keyword;
typedef struct KeywordList {
    Keyword *items;
    size_t len;
} KeywordList;

typedef struct Comprehension { /* for target in iter if cond ... */
    Expr *target, *iter;
    ExprList ifs;
    bool is_async;
} Comprehension;
typedef struct ComprehensionList {
    Comprehension *items;
    size_t len;
} ComprehensionList;

typedef struct TypeParam { /* PEP 695 */
    enum TypeParamKind { TYPEPARAM_VAR, TYPEPARAM_TUPLE, TYPEPARAM_SPEC } kind;
    Sym name;
    Expr *bound;
    SrcRange range;
} TypeParam;
typedef struct TypeParamList {
    TypeParam *items;
    size_t len;
} TypeParamList;

typedef enum ExprKind {
    EXPR_BOOLOP,
    EXPR_NAMED, /* target := value */
    EXPR_BINOP,
    EXPR_UNARYOP,
    EXPR_LAMBDA,
    EXPR_IFEXP,
    EXPR_DICT,
    EXPR_SET,
    EXPR_LISTCOMP,
    EXPR_SETCOMP,
    EXPR_DICTCOMP,
    EXPR_GENERATOR,
    EXPR_AWAIT,
    EXPR_YIELD,
    EXPR_YIELD_FROM,
    EXPR_COMPARE,
    EXPR_CALL,
    EXPR_FORMATTED, /* {value!r:spec} inside an f-string */
    EXPR_JOINEDSTR, /* f-string: CONSTANT and FORMATTED parts */
    EXPR_CONSTANT,
    EXPR_ATTRIBUTE,
    EXPR_SUBSCRIPT,
    EXPR_STARRED,
    EXPR_NAME,
    EXPR_LIST,
    EXPR_TUPLE,
    EXPR_SLICE,
    EXPR_ERROR /* what error recovery leaves; already reported */
} ExprKind;

struct Expr {
    ExprKind kind;
    SrcRange range;
    bool parenthesized; /* written in its own parentheses */
    uint16_t depth;     /* 0 for a leaf; at most PARSE_MAX_NESTING, so that walkers may recurse */
    union {
        struct {
            bool is_or;
            ExprList values;
        } boolop;
        struct {
            Expr *target, *value;
        } named;
        struct {
            BinOpKind op;
            Expr *left, *right;
            SrcRange op_range;
        } binop;
        struct {
            UnaryOpKind op;
            Expr *operand;
        } unaryop;
        struct {
            Params params;
            Expr *body;
        } lambda;
        struct {
            Expr *test, *body, *orelse;
        } ifexp;
        struct {
            ExprList keys, values;
        } dict; /* key NULL: **value */
        struct {
            ExprList elts;
        } seq; /* SET, LIST, TUPLE */
        struct {
            Expr *elt, *value;
            ComprehensionList generators;
        } comp; /* value: DICTCOMP only */
        struct {
            Expr *value;
        } wrap; /* AWAIT, YIELD (value may be NULL), YIELD_FROM, STARRED */
        struct {
            Expr *left;
            CmpOpKind *ops;
            ExprList comparators;
        } compare;
        struct {
            Expr *func;
            ExprList args;
            KeywordList keywords;
        } call;
        struct {
            Expr *value;
            char conversion;
            Expr *format_spec;
            Sym self_doc;
        } formatted;
        /* conversion: 0 or 'r','s','a'; format_spec: JOINEDSTR or NULL; self_doc: the text in front
         * of the value for f"{x=}", or NULL */
        struct {
            ExprList values;
        } joined;
        struct {
            ConstKind kind;
            const char *text;
            size_t text_len;
            double number;
        } constant;
        struct {
            Expr *value;
            Sym attr;
            SrcRange attr_range;
        } attribute;
        struct {
            Expr *value, *index;
        } subscript;
        struct {
            Sym id;
        } name;
        struct {
            Expr *lower, *upper, *step;
        } slice; /* each may be NULL */
    } u;
};

typedef struct WithItem {
    Expr *context, *target; /* target may be NULL */
} WithItem;
typedef struct WithItemList {
    WithItem *items;
    size_t len;
} WithItemList;
typedef struct ExceptHandler {
    Expr *type; /* NULL: bare except */
    Sym name;   /* or NULL */
    StmtList body;
    SrcRange range;
} ExceptHandler;
typedef struct ExceptHandlerList {
    ExceptHandler *items;
    size_t len;
} ExceptHandlerList;
typedef struct Alias { /* import a.b.c as name */
    Sym name, asname;  /* name holds the dotted path, or "*"; asname may be NULL */
    SrcRange range;
} Alias;
typedef struct AliasList {
    Alias *items;
    size_t len;
} AliasList;
typedef struct MatchCase {
    Pattern *pattern;
    Expr *guard;
    StmtList body;
} MatchCase;
typedef struct MatchCaseList {
    MatchCase *items;
    size_t len;
} MatchCaseList;

typedef enum StmtKind {
    STMT_FUNCTION_DEF,
    STMT_CLASS_DEF,
    STMT_RETURN,
    STMT_DELETE,
    STMT_ASSIGN,
    STMT_TYPE_ALIAS,
    STMT_AUG_ASSIGN,
    STMT_ANN_ASSIGN,
    STMT_FOR,
    STMT_WHILE,
    STMT_IF,
    STMT_WITH,
    STMT_MATCH,
    STMT_RAISE,
    STMT_TRY,
    STMT_ASSERT,
    STMT_IMPORT,
    STMT_IMPORT_FROM,
    STMT_GLOBAL,
    STMT_NONLOCAL,
    STMT_EXPR,
    STMT_PASS,
    STMT_BREAK,
    STMT_CONTINUE,
    STMT_ERROR /* what error recovery leaves; already reported */
} StmtKind;

typedef struct FunctionDef {
    Sym name;
    SrcRange name_range;
    Params params;
    StmtList body;
    ExprList decorators;
    Expr *returns;
    TypeParamList type_params;
    bool is_async;
} FunctionDef;

struct Stmt {
    StmtKind kind;
    uint16_t depth;  /* of nested statements, as in Expr */
    SrcRange range;  /* the whole statement */
    SrcRange header; /* compound statements: up to the colon; else = range */
    union {
        FunctionDef function;
        struct {
            Sym name;
            SrcRange name_range;
            ExprList bases;
            KeywordList keywords;
            StmtList body;
            ExprList decorators;
            TypeParamList type_params;
        } class_def;
        struct {
            Expr *value;
        } ret; /* RETURN (may be NULL), EXPR */
        struct {
            ExprList targets;
        } del;
        struct {
            ExprList targets;
            Expr *value;
        } assign; /* a = b = value: two targets */
        struct {
            Expr *name;
            TypeParamList type_params;
            Expr *value;
        } type_alias;
        struct {
            Expr *target;
            BinOpKind op;
            Expr *value;
        } aug_assign;
        struct {
            Expr *target, *annotation, *value;
        } ann_assign; /* value may be NULL */
        struct {
            Expr *target, *iter;
            StmtList body, orelse;
            bool is_async;
        } for_;
        struct {
            Expr *test;
            StmtList body, orelse;
        } while_; /* WHILE and IF; elif nests in orelse */
        struct {
            WithItemList items;
            StmtList body;
            bool is_async;
        } with;
        struct {
            Expr *subject;
            MatchCaseList cases;
        } match;
        struct {
            Expr *exc, *cause;
        } raise; /* each may be NULL */
        struct {
            StmtList body, orelse, finalbody;
            ExceptHandlerList handlers;
            bool is_star;
        } try_;
        struct {
            Expr *test, *msg;
        } assert_; /* msg may be NULL */
        struct {
            AliasList names;
        } import;
        struct {
            Sym module;
            AliasList names;
            unsigned level;
        } import_from; /* module may be NULL */
        struct {
            SymList names;
        } scope; /* GLOBAL, NONLOCAL */
    } u;
};

typedef enum PatternKind {
    PATTERN_VALUE,
    PATTERN_SINGLETON,
    PATTERN_SEQUENCE,
    PATTERN_MAPPING,
    PATTERN_CLASS,
    PATTERN_STAR,
    PATTERN_AS, /* pattern may be NULL, name may be NULL (both: the wildcard _) */
    PATTERN_OR
} PatternKind;
typedef struct PatternList {
    Pattern **items;
    size_t len;
} PatternList;
struct Pattern {
    PatternKind kind;
    SrcRange range;
    Expr *value;          /* VALUE, SINGLETON; CLASS: the class */
    Sym name;             /* STAR, AS; MAPPING: **rest */
    Pattern *pattern;     /* AS */
    PatternList patterns; /* SEQUENCE, OR, MAPPING values, CLASS positional */
    ExprList keys;        /* MAPPING */
    SymList kwd_attrs;    /* CLASS keywords */
    PatternList kwd_patterns;
};

typedef struct Module {
    const SrcFile *file;
    StmtList body;
    bool has_errors; /* some STMT_ERROR or EXPR_ERROR is in it */
} Module;

/* The tree as indented text, one node a line with line:column ranges (tkc build --emit=ast). */
void ast_print(const Module *module, StrBuf *out);
/* The source text of an expression, re-made from the tree in canonical spacing ("a[:, None] + 1");
 * used where messages quote what the user wrote. */
void ast_unparse(const Expr *expr, StrBuf *out);

#endif
