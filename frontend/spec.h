/* spec.h -- inside the specialiser: its state, its values, and what the parts give one another.
 *
 * The specialiser walks the syntax tree of a kernel once and builds tile IR. Names of the kernel
 * are bound to SVals: compile-time values (Python objects), tensors (IR values with a Triton type)
 * or structures of them. Reading order: spec_value.c, spec_expr.c, spec_arith.c, spec_cast.c,
 * spec_names.c, spec_call.c, spec_stmt.c, spec_if.c, spec_loop.c, specialise.c.
 *
 * Errors: a function that reports returns SV_ERROR (or false / NULL). An SV_ERROR operand makes the
 * result SV_ERROR silently, so one mistake gives one message; the walk goes on with the next
 * statement.
 */
#ifndef TKC_FRONTEND_SPEC_H
#define TKC_FRONTEND_SPEC_H

#include "frontend/specialise.h"

typedef struct Spec Spec;
typedef struct BuiltinRow BuiltinRow;

/* ---- values ---------------------------------------------------------------------------------- */

/* An element type as the language sees it: a number type with signedness, or a pointer. */
typedef struct TlType TlType;
struct TlType {
    DType dtype;           /* if pointee is NULL */
    const TlType *pointee; /* pointers: what they point to */
    bool is_const;         /* pointers: storing through it is an error */
};

typedef enum SKind {
    SV_ERROR,    /* already reported */
    SV_CONST,    /* a compile-time value: number, string, None, dtype, function, module ... */
    SV_TENSOR,   /* a run-time scalar or tile */
    SV_TUPLE,    /* also what lists become */
    SV_BLOCKPTR, /* tl.make_block_ptr(...) */
    SV_DESC,     /* tensor descriptor */
    SV_METHOD,   /* x.sum, desc.load: a builtin or library function with its first argument */
    SV_SLICE,    /* inside subscripts */
    SV_RANGE,    /* range(...), tl.range(...), tl.static_range(...): only `for` takes it */
    SV_GONE      /* a name that is not bound on every path; `gone` says where it was */
} SKind;

typedef struct SVal SVal;
typedef struct STuple {
    SVal *items;
    size_t len;
    PyClass *cls; /* a named tuple's class (borrowed), or NULL */
} STuple;
typedef struct SBlockPtr SBlockPtr;
typedef struct SRange SRange;

/* A value of the walk. PyValues in it are borrowed: the Spec holds the references (spec_keep). */
struct SVal {
    SKind kind;
    TlType type; /* TENSOR: of the elements; DESC: of the elements */
    union {
        PyValue py;
        IrValue *ir; /* TENSOR, DESC */
        STuple tuple;
        SBlockPtr *block;
        struct {
            const SVal *self;
            PyValue function; /* a builtin of the tl module; None: takes no arguments and its
                               * result is `self` (dtype.is_floating) */
        } method;
        struct {
            const SVal *lower, *upper, *step; /* None where absent */
        } slice;
        const SRange *range;
        const struct Gone *gone;
    } u;
};

struct SBlockPtr {
    SVal base;                      /* a scalar pointer */
    STuple shape, strides, offsets; /* i64, i64, i32 scalars */
    unsigned rank;
    int64_t block_shape[IR_MAX_RANK];
    int64_t order[IR_MAX_RANK];
};
struct SRange {
    SVal from, to, step;
    SrcRange range;
    bool is_static;
    int64_t num_stages, unroll;
    bool flatten, warp_specialize, no_licm, no_multi_buffer;
};
typedef struct Gone {                   /* why a name is not bound */
    SrcRange where;                     /* where it was bound */
    const char *why;                    /* "only one branch of this `if` binds it" */
    SrcRange because;                   /* the statement that `why` speaks of */
    const struct CountedLoop *index_of; /* the name is the index of this loop, which has ended: it
                                         * reads as spec_last_index; else NULL */
} Gone;

#define SVAL_ERROR ((SVal){.kind = SV_ERROR})
static inline bool sv_is_error(SVal v) {
    return v.kind == SV_ERROR;
}
static inline bool sv_is_const(SVal v) {
    return v.kind == SV_CONST;
}
static inline bool sv_is_tensor(SVal v) {
    return v.kind == SV_TENSOR;
}
static inline bool sv_is_none(SVal v) {
    return v.kind == SV_CONST && v.u.py.tag == PY_NONE_TAG;
}
/* A Python number: int (any size), float or bool. */
bool sv_is_number(SVal v);
bool sv_is_tile(SVal v);   /* a tensor of rank 1 or more */
bool sv_is_scalar(SVal v); /* a tensor of rank 0 */
/* None, dtypes, functions, strings ...: a compile-time value that is no number. */
bool sv_is_opaque(SVal v);

SVal sv_none(void);
SVal sv_int(int64_t value);
SVal sv_bool(bool value);
SVal sv_dtype(DType dtype);
/* Takes over the reference; tuples and lists become SV_TUPLE, constexpr instances what they hold,
 * PY_FAIL the diagnostic of the pending exception (at `range`). */
SVal sv_from_py(Spec *s, PyValue owned, SrcRange range);
SVal sv_borrowed(Spec *s, PyValue value, SrcRange range); /* the same for a borrowed value */
SVal sv_tensor(IrValue *value, TlType type);
SVal sv_tuple(Spec *s, const SVal *items, size_t len);
/* A tuple of the class of the Python value `like`, which may be a named tuple. */
SVal sv_tuple_like(Spec *s, PyValue like, const SVal *items, size_t len);
SVal sv_string(Spec *s, const char *text);
const SVal *sv_box(Spec *s, SVal v); /* a copy in the arena */
/* The Python value of a compile-time value (tuples of such too): a new reference, kept by the Spec.
 * False if part of `v` is known only at run time. */
bool sv_to_py(Spec *s, SVal v, PyValue *out);

/* ---- types ----------------------------------------------------------------------------------- */

static inline TlType tl_type(DType dtype) {
    return (TlType){.dtype = dtype};
}
static inline bool tl_is_ptr(TlType t) {
    return t.pointee != NULL;
}
TlType tl_pointer(Spec *s, TlType pointee, bool is_const);
bool tl_same(TlType a, TlType b);
static inline bool tl_is(TlType t, DType dtype) {
    return !t.pointee && t.dtype == dtype;
}
bool tl_is_float(TlType t);
bool tl_is_int(TlType t); /* int1 counts */
bool tl_is_bool(TlType t);
bool tl_is_signed(TlType t);   /* signed integers */
bool tl_is_unsigned(TlType t); /* unsigned integers and int1 */
unsigned tl_bits(TlType t);    /* int1: 1, pointers: 64 */
const IrType *tl_to_ir(Spec *s, TlType t);
/* Triton's spelling: "int32", "fp32", "pointer<fp16>". */
const char *tl_name(Spec *s, TlType t);
/* As a program writes it: "tl.int32", "tl.pointer_type(tl.float16)". */
const char *tl_code(Spec *s, TlType t);
/* The type of any value as messages print it: "<['128'], fp32>", "int32", "constexpr[3]". */
const char *sv_type_name(Spec *s, SVal v);

/* Types as Python values: number types are PY_DTYPE, pointer and block types are objects. */
PyValue tl_type_value(PyCtx *py, TlType t);
PyValue tl_block_type_value(PyCtx *py, TlType t, const int64_t *shape, unsigned rank);
bool tl_type_from_value(PyValue v, TlType *out); /* a scalar or pointer type */

static inline unsigned sv_rank(SVal v) {
    return ir_is_tile(v.u.ir->type) ? v.u.ir->type->rank : 0;
}
static inline const int64_t *sv_shape(SVal v) { /* of a tensor; rank entries */
    return v.u.ir->type->shape;
}
/* The IR type with this tensor's shape and another element type. */
const IrType *sv_ir_type(Spec *s, SVal like, TlType elem);

/* ---- state ----------------------------------------------------------------------------------- */

typedef struct Binding {
    Sym name;
    SVal value;
    SrcRange where;
    bool constant; /* declared `name: tl.constexpr` */
} Binding;
typedef VEC(Binding) Scope; /* a function's names; copied where control flow splits */

/* How far a list of statements ran. */
typedef enum FlowKind {
    FLOW_FALLS,    /* reaches its end */
    FLOW_RETURNED, /* every path has returned */
    FLOW_MAYBE     /* `flag` says at run time whether it has returned */
} FlowKind;
typedef struct Flow {
    FlowKind kind;
    IrValue *flag;  /* MAYBE: i1 */
    SVal result;    /* RETURNED, MAYBE: the value */
    SrcRange where; /* the return statement */
} Flow;
#define FLOW_NEXT ((Flow){.kind = FLOW_FALLS})

typedef struct Frame {    /* one activation of a jit function */
    struct Frame *caller; /* NULL: the kernel itself */
    const JitFn *fn;
    SrcRange call;              /* in the caller */
    const SrcRange *arg_ranges; /* in the caller, one a parameter; `call` where none was given */
    Scope scope;
    const Stmt *loop; /* the innermost dynamic loop around the statement, or NULL */
    VEC(Sym) unknown; /* names reported as not defined: each once */
} Frame;

struct Spec {
    PyCtx *py;
    IrContext *ctx;
    Arena *arena;
    Diags *diags;
    IrModule *module;
    IrKernel *kernel;
    IrBuilder b;
    const SpecOptions *options;
    Frame *frame;
    unsigned depth;    /* of calls */
    unsigned dry;      /* > 0: in a visit whose IR and messages are thrown away */
    bool reported;     /* an error was reported (outside dry visits) */
    size_t errors;     /* reported so far, those of dry visits too */
    size_t unrolled;   /* iterations of static_range so far */
    VEC(PyValue) kept; /* references held for SVals */
};

/* Holds a reference until the end of the specialisation; returns it, borrowed. */
PyValue spec_keep(Spec *s, PyValue owned);
Sym spec_sym(Spec *s, const char *text);
/* The place given to operations built from now on; returns the old one. In library code it is the
 * user's call. */
SrcRange spec_at(Spec *s, SrcRange range);

/* ---- messages (spec_diag.c) ------------------------------------------------------------------ */

/* Reports row `id` at a place of the current function: SPEC_ERROR(s, DIAG_X, range, args...). The
 * call chain is added as notes; from within library code, the place is the user's call. */
#define SPEC_ERROR(s, id, ...) spec_blame((s), diag_report((s)->diags, (id), __VA_ARGS__))
Diag *spec_blame(Spec *s, Diag *diag);
/* The same without counting as an error; for rows whose severity is warning. */
#define SPEC_WARNING(s, id, ...) spec_warn((s), diag_report((s)->diags, (id), __VA_ARGS__))
Diag *spec_warn(Spec *s, Diag *diag);
/* Reports the pending Python exception at `range`, and clears it; returns SV_ERROR. */
SVal spec_exception(Spec *s, SrcRange range);

/* ---- expressions ----------------------------------------------------------------------------- */

SVal spec_expr(Spec *s, const Expr *e);
/* a op b with all of Triton's rules (or Python's, if both are compile-time values). */
SVal spec_binary(Spec *s, BinOpKind op, SVal a, SVal b, SrcRange range);
SVal spec_compare(Spec *s, CmpOpKind op, SVal a, SVal b, SrcRange range);
SVal spec_unary(Spec *s, UnaryOpKind op, SVal a, SrcRange range);
SVal spec_logical(Spec *s, bool is_or, SVal a, SVal b, SrcRange range); /* both evaluated */
/* Triton's binary_op_type_checking: brings two operands to one element type and one shape, both
 * tensors afterwards. */
typedef enum BinaryRule {
    RULE_ARITHMETIC = 0,
    RULE_DIV_OR_MOD = 1,
    RULE_ALLOW_PTR = 2,
    RULE_NO_PROMOTION = 4
} BinaryRule;
bool spec_unify(Spec *s, SVal *a, SVal *b, unsigned rules, SrcRange range);
/* The integer type of an operation on two integer types (C's usual conversions, no promotion). */
TlType spec_promote_ints(TlType a, TlType b);

/* A number becomes a 0-d tensor of its default type (int32, uint32, int64, uint64; fp32, fp64;
 * int1); tensors stay. Other values are reported ("cannot convert ... to tensor"). */
SVal spec_to_tensor(Spec *s, SVal v, SrcRange range);
/* The type a number takes by itself; false: reported (an integer beyond 64 bits). */
bool spec_number_type(Spec *s, SVal number, TlType *out, SrcRange range);
/* A number as a constant of this type (with the range check), 0-d or filling `like_shape`. */
SVal spec_number(Spec *s, SVal number, TlType type, SrcRange range);
SVal spec_fill(Spec *s, SVal scalar, const int64_t *shape, unsigned rank);
/* Plain assignment: numbers decay to tensors, tuples recursively; the rest stays. */
SVal spec_decay(Spec *s, SVal v, SrcRange range);

/* Shapes. Broadcasting reports "Cannot make_shape_compatible: ...". */
bool spec_broadcast_pair(Spec *s, SVal *a, SVal *b, SrcRange range);
SVal spec_broadcast_to(Spec *s, SVal v, const int64_t *shape, unsigned rank, SrcRange range);

/* Conversions; `rounding` is used where a float is narrowed. */
SVal spec_cast(Spec *s, SVal v, TlType to, SrcRange range);
SVal spec_cast_rounding(Spec *s, SVal v, TlType to, const char *rounding, SrcRange range);
SVal spec_bitcast(Spec *s, SVal v, TlType to, SrcRange range);

/* Names and attributes. */
SVal spec_name(Spec *s, Sym name, SrcRange range);
SVal spec_attribute(Spec *s, SVal base, Sym name, SrcRange base_range, SrcRange range);
SVal spec_subscript(Spec *s, SVal base, SVal index, SrcRange base_range, SrcRange range);
Binding *spec_find(Scope *scope, Sym name); /* NULL if unbound */
void spec_bind(Spec *s, Sym name, SVal value, SrcRange where);
Scope spec_scope_copy(Spec *s, const Scope *scope);

/* 1 true, 0 false, -1 reported: the truth of a compile-time value. */
int spec_truth(Spec *s, SVal v, SrcRange range);
/* A condition: a tensor of one element becomes a scalar i1; others are reported. */
IrValue *spec_condition(Spec *s, SVal v, const char *what, SrcRange range);

/* ---- statements ------------------------------------------------------------------------------ */

Flow spec_block(Spec *s, StmtList body, size_t from);
/* A dynamic or constexpr `if` with the statements behind it (`rest` from `from`), which go into a
 * branch when the other one returns; *took_rest then. */
Flow spec_if(Spec *s, const Stmt *stmt, StmtList rest, size_t from, bool *took_rest);
Flow spec_for(Spec *s, const Stmt *stmt);
Flow spec_while(Spec *s, const Stmt *stmt);
/* if (!flow.flag) { statements of rest }: what follows a statement that may have returned. */
typedef Flow (*SpecBody)(Spec *s, void *data);
Flow spec_guarded(Spec *s, Flow before, SpecBody body, void *data, SrcRange range);
/* The value that a loop's index has behind the loop: that of the last iteration, or the first if
 * the loop does not run. */
typedef struct CountedLoop {
    SVal from, to, step; /* scalar tensors of one integer type; step > 0 */
    bool downward;       /* the index counts from `to` down */
} CountedLoop;
SVal spec_last_index(Spec *s, const CountedLoop *loop);
void spec_assign(Spec *s, const Expr *target, SVal value, bool constant, SrcRange value_range);
/* Is `v` tl.constexpr itself? */
bool spec_is_constexpr_class(SVal v);

/* The IR values inside `v` in a fixed order, and `v` with others in their places. */
typedef VEC(IrValue *) IrValues;
void sv_leaves(Spec *s, SVal v, IrValues *out);
SVal sv_with_leaves(Spec *s, SVal v, IrValue *const **next);
/* Same kinds, types and compile-time parts (leaves may differ). */
bool sv_same_form(Spec *s, SVal a, SVal b);
bool sv_identical(Spec *s, SVal a, SVal b); /* and the same leaves */

/* Regions: where building goes on. */
typedef struct Place {
    IrBlock *block;
    IrOp *before;
} Place;
Place spec_enter(Spec *s, IrBlock *block); /* at its end; returns the old place */
void spec_leave(Spec *s, Place old);
/* Ends the current region with these values. */
void spec_yield(Spec *s, IrOpcode code, const IrValues *values);
/* An op built without results, as one whose results have the types of `values`: its operands and
 * regions move to the new op. */
IrOp *spec_with_results(Spec *s, IrOp *op, const IrValues *values);

/* ---- calls ----------------------------------------------------------------------------------- */

typedef struct SArgs { /* the arguments of a call, evaluated */
    SVal *pos;
    SrcRange *pos_ranges;
    size_t num_pos;
    Sym *names;
    SVal *values;
    SrcRange *name_ranges, *value_ranges;
    size_t num_names;
    SrcRange range; /* the call expression */
} SArgs;
SVal spec_call(Spec *s, SVal callee, const SArgs *args, SrcRange callee_range);
SVal spec_call_jit(Spec *s, const JitFn *fn, const SArgs *args);
/* The i-th parameter: positional-only ones, positional ones, keyword-only ones. */
const Arg *spec_parameter(const FunctionDef *def, size_t i);
/* A jit function on values (combine functions of reduce and scan). */
SVal spec_call_values(Spec *s, const JitFn *fn, const SVal *values, size_t count, SrcRange range);
/* The jit function that `v` is or stands for (library functions too); NULL if none. */
const JitFn *spec_jit(Spec *s, SVal v, SrcRange range);

/* ---- builtins: one row of builtins.def each -------------------------------------------------- */

#define BUILTIN_MAX_PARAMS 16
typedef struct BuiltinParam {
    Sym name;
    SVal default_; /* SV_ERROR: none, the argument must be given */
    bool is_var;   /* "*dims": takes all further positional arguments (a tuple) */
} BuiltinParam;
typedef struct Builtin { /* a row with its parameter list parsed */
    const BuiltinRow *row;
    BuiltinParam params[BUILTIN_MAX_PARAMS];
    unsigned num_params;
} Builtin;

/* A call of a builtin: arguments in the order of its parameters. */
typedef struct Call {
    const Builtin *builtin;
    SVal args[BUILTIN_MAX_PARAMS];
    SrcRange ranges[BUILTIN_MAX_PARAMS]; /* of the argument; the call if it was not given */
    bool given[BUILTIN_MAX_PARAMS];
    SrcRange range;
} Call;
typedef SVal (*BuiltinFn)(Spec *s, const Call *call);
struct BuiltinRow {
    const char *name;    /* "tl.load" */
    const char *params;  /* "pointer, mask=None" */
    BuiltinFn function;  /* NULL: a library function */
    const char *library; /* frontend/stdlib/LIBRARY.tk that defines it, or NULL */
    bool is_method;      /* also x.load(...) */
    const char *doc;
};
extern const BuiltinRow builtin_rows[];
extern const size_t builtin_count;
#define BUILTIN(name, params, function, method, doc) SVal function(Spec *s, const Call *call);
#define LIBRARY(name, file, method, doc)
#include "frontend/builtins.def"
#undef BUILTIN
#undef LIBRARY

const BuiltinRow *builtin_find(const char *name); /* NULL: no such row */
/* Binds a call's arguments to a builtin's parameters; reports misfits with a did-you-mean. `self`
 * is the object of a method call or NULL. */
bool spec_bind_builtin(Spec *s, const BuiltinRow *row, const SVal *self, const SArgs *args,
                       Call *call);
/* The row behind a value of the tl module; NULL if it is none. */
const BuiltinRow *builtin_from_value(PyValue v);
/* The row behind method `name` of a tensor (rows "tensor.NAME", and "tl.NAME" with the method
 * flag), a descriptor ("desc.NAME") or a block pointer ("block.NAME"); NULL if there is none. */
const BuiltinRow *builtin_method(SKind kind, const char *name);
/* The names of all of them, for suggestions. */
size_t builtin_method_names(Spec *s, SKind kind, const char ***names);
PyValue builtin_value(PyCtx *py, const BuiltinRow *row); /* new reference */
/* The library function of a row: parsed on first use; borrowed. NULL: reported. */
const JitFn *spec_library(PyCtx *py, const BuiltinRow *row);

/* Arguments of builtins: what they must be; false and a message otherwise. */
bool call_int(Spec *s, const Call *call, unsigned i, int64_t *out); /* constexpr int (or bool) */
bool call_bool(Spec *s, const Call *call, unsigned i, bool *out);   /* constexpr, by truth */
bool call_string(Spec *s, const Call *call, unsigned i, const char **out); /* NULL for None */
bool call_type(Spec *s, const Call *call, unsigned i, TlType *out); /* a dtype or pointer type */
bool call_tensor(Spec *s, const Call *call, unsigned i, SVal *out); /* numbers become tensors */
bool call_tile(Spec *s, const Call *call, unsigned i, SVal *out);   /* rank 1 or more */
/* A shape: constexpr ints, alone, in a tuple or list; also checks the size rules of tiles. */
bool call_shape(Spec *s, const Call *call, unsigned i, int64_t *shape, unsigned *rank);
/* Constexpr ints, any number of them (0 to IR_MAX_RANK), alone or in a tuple. */
bool call_ints(Spec *s, const Call *call, unsigned i, int64_t *out, unsigned *count);
/* An axis: a constexpr int in [-rank, rank), made non-negative. */
bool call_axis(Spec *s, const Call *call, unsigned i, unsigned rank, unsigned *out);
/* A function argument (reduce, scan, map): jit or library function. */
const JitFn *call_function(Spec *s, const Call *call, unsigned i);
/* Every dimension at least 1, all together at most IR_MAX_TILE_NUMEL. Sizes that are no powers of
 * two are an extension of Triton's language. */
bool spec_check_shape(Spec *s, const int64_t *shape, unsigned rank, SrcRange range);

#endif
