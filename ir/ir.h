/* ir.h -- tile IR in memory: types, values, operations, regions.
 *
 * Typed SSA with structured control flow. A module holds kernels; a kernel has parameters and one
 * region; a region is one block of operations (branches and loops are operations with regions of
 * their own); the last operation of a block is a terminator. Calls do not exist: the specialiser
 * inlines. Everything lives in the module's arena. Types are interned: equal types are equal
 * pointers. Integers are signless; signedness is in the operation.
 */
#ifndef TKC_IR_IR_H
#define TKC_IR_IR_H

#include "ir/layout.h"
#include "support/diag.h"
#include "support/map.h"
#include "support/str.h"
#include "support/vec.h"

/* ---- types ---------------------------------------------------------------------------------- */

typedef enum IrTypeKind {
    TY_I1,
    TY_I8,
    TY_I16,
    TY_I32,
    TY_I64,
    TY_F8E4M3,
    TY_F8E5M2,
    TY_F16,
    TY_BF16,
    TY_F32,
    TY_F64,
    TY_PTR,   /* elem: what it points to (a scalar or pointer type) */
    TY_TILE,  /* elem: scalar or pointer; shape; layout: at the laid level */
    TY_DESC,  /* tensor descriptor; elem: scalar; shape: its block */
    TY_SHARED /* a buffer in shared memory; elem: scalar or pointer; shape; layout */
} IrTypeKind;

#define IR_MAX_RANK       8
#define IR_MAX_TILE_NUMEL 1048576 /* Triton's TRITON_MAX_TENSOR_NUMEL */

typedef struct IrType {
    IrTypeKind kind;
    unsigned rank; /* TILE, DESC, SHARED */
    const struct IrType *elem;
    int64_t shape[IR_MAX_RANK];
    const Layout *layout; /* SHARED, and TILE at the laid level; interned; else NULL */
} IrType;

typedef struct IrContext IrContext; /* interned types and names; one per compilation */
IrContext *ir_context_create(Arena *arena);
StrTab *ir_names(IrContext *ctx);

const IrType *ir_type_scalar(IrContext *ctx, IrTypeKind kind); /* TY_I1 .. TY_F64 */
const IrType *ir_type_ptr(IrContext *ctx, const IrType *elem);
const IrType *ir_type_tile(IrContext *ctx, const IrType *elem, const int64_t *shape, unsigned rank);
const IrType *ir_type_desc(IrContext *ctx, const IrType *elem, const int64_t *shape, unsigned rank);
const IrType *ir_type_shared(IrContext *ctx, const IrType *elem, const int64_t *shape,
                             unsigned rank, const Layout *layout);
/* The one copy of a layout, in canonical form: equal layouts are equal pointers. */
const Layout *ir_layout(IrContext *ctx, const Layout *layout);
/* A tile with that (interned) layout, or with none (NULL); a scalar stays as it is. */
const IrType *ir_type_with_layout(IrContext *ctx, const IrType *type, const Layout *layout);
/* `type` with another element type: tile<8xi1> for (tile<8xf32>, i1); the scalar itself if scalar.
 * A layout stays. */
const IrType *ir_type_with_elem(IrContext *ctx, const IrType *type, const IrType *elem);
/* The type of `ctx` that says what `type` says, which may be of another context. */
const IrType *ir_type_import(IrContext *ctx, const IrType *type);

static inline bool ir_is_tile(const IrType *t) {
    return t->kind == TY_TILE;
}
static inline bool ir_is_shared(const IrType *t) {
    return t->kind == TY_SHARED;
}
static inline const IrType *ir_elem(const IrType *t) { /* of a tile or buffer; else the type */
    return t->kind == TY_TILE || t->kind == TY_SHARED ? t->elem : t;
}
static inline bool ir_is_int(const IrType *t) { /* of the element type; i1 counts */
    return ir_elem(t)->kind <= TY_I64;
}
static inline bool ir_is_float(const IrType *t) {
    return ir_elem(t)->kind >= TY_F8E4M3 && ir_elem(t)->kind <= TY_F64;
}
static inline bool ir_is_ptr(const IrType *t) {
    return ir_elem(t)->kind == TY_PTR;
}
unsigned ir_bits(const IrType *t);    /* element width: i1 is 1, pointers 64 */
size_t ir_elem_size(const IrType *t); /* bytes in memory of one element: i1 takes 1 */
int64_t ir_numel(const IrType *t);    /* elements: 1 for scalars */
bool ir_same_shape(const IrType *a, const IrType *b);
/* Whether a reshape between two tiles keeps each element's place when every dimension is padded to
 * a power of two: 96 to 3x32 does, 96 to 32x3 does not. The tiles have equally many elements. */
bool ir_reshape_is_relabeling(const IrType *from, const IrType *to);
const char *ir_scalar_name(IrTypeKind kind); /* TY_I1 .. TY_F64: "i1" .. "f64" */
/* i32, ptr<f16>, tile<128x64xf16>, desc<..>; layouts in full. */
void ir_type_print(const IrType *t, StrBuf *out);

/* ---- attributes ------------------------------------------------------------------------------ */

#define ENUM_BEGIN(kind) typedef enum kind##_Enum {
#define ENUM(name, text) name,
#define ENUM_END(kind)                                                                             \
    kind##_COUNT                                                                                   \
    }                                                                                              \
    kind##_Enum;
#include "ir/enums.def"
#undef ENUM_BEGIN
#undef ENUM
#undef ENUM_END

typedef enum IrAttrId {
#define ATTR(name, text, kind, dflt, form) ATTR_##name,
#include "ir/attrs.def"
#undef ATTR
    ATTR_COUNT
} IrAttrId;

typedef struct IrInts {
    const int64_t *items;
    size_t len;
} IrInts;
typedef struct IrAttr {
    IrAttrId id;
    union {
        int64_t i;       /* INT, BOOL, enumerations */
        uint64_t bits;   /* VALUE: bit pattern of the element type, zero-extended */
        const char *str; /* STR; NULL is the empty default */
        IrInts ints;
    } u;
} IrAttr;

/* What attrs.def says about one attribute. The enumerations of enums.def are kinds too. */
typedef enum IrAttrKind {
    ATTRKIND_VALUE,
    ATTRKIND_INT,
    ATTRKIND_BOOL,
    ATTRKIND_STR,
    ATTRKIND_INTS,
#define ENUM_BEGIN(kind) ATTRKIND_##kind,
#define ENUM(name, text)
#define ENUM_END(kind)
#include "ir/enums.def"
#undef ENUM_BEGIN
#undef ENUM
#undef ENUM_END
    ATTRKIND_COUNT
} IrAttrKind;
typedef enum IrAttrForm { FORM_LEAD, FORM_SHOWN, FORM_NAMED, FORM_EXTRA } IrAttrForm;
typedef struct IrAttrInfo {
    const char *name; /* as in the text: "axis" */
    IrAttrKind kind;
    int64_t dflt;
    IrAttrForm form;
} IrAttrInfo;
extern const IrAttrInfo ir_attr_infos[ATTR_COUNT];

/* ---- operations ------------------------------------------------------------------------------ */

typedef enum IrOpcode {
#define OP(name, mnemonic, operands, results, attrs, regions, traits, rule, meaning) OP_##name,
#include "ir/ops.def"
#undef OP
    OP_COUNT
} IrOpcode;

enum IrTraits {
    IR_PURE = 1,
    IR_ELT = 2,
    IR_COMM = 4,
    IR_ASSOC = 8,
    IR_READS = 16,
    IR_WRITES = 32,
    IR_EFFECT = 64,
    IR_TERM = 128,
    IR_SCOPE = 256,
    IR_LAID = 512, /* exists at the laid level only */
    IR_FLAT = 1024 /* exists at the tile level only */
};
typedef enum IrRule { RULE_SAME, RULE_CMP, RULE_SELECT, RULE_CAST, RULE_OWN } IrRule;

#define IR_MAX_ATTRS 8
typedef struct IrOpInfo {
    const char *name;     /* "AddI" */
    const char *mnemonic; /* "addi" */
    const char *operands, *results;
    IrAttrId attrs[IR_MAX_ATTRS];
    unsigned num_attrs, num_regions, traits;
    IrRule rule;
    const char *meaning;
} IrOpInfo;
extern const IrOpInfo ir_op_infos[OP_COUNT];

typedef struct IrValue IrValue;
typedef struct IrOp IrOp;
typedef struct IrBlock IrBlock;
typedef struct IrKernel IrKernel;

/* One operand slot of one operation; the slots that hold one value form a list. */
typedef struct IrUse {
    IrValue *value;
    IrOp *user;
    unsigned index;
    struct IrUse *prev, *next;
} IrUse;

/* What the program promises about a value (tl.multiple_of and kin; argument specialisation):
 * one number per dimension, 0 = nothing known. */
typedef struct IrHints {
    int64_t divisibility[IR_MAX_RANK], contiguity[IR_MAX_RANK], constancy[IR_MAX_RANK];
} IrHints;

struct IrValue {
    const IrType *type;
    Sym name;       /* the source name it was first bound to, or NULL */
    uint32_t id;    /* dense within the kernel */
    IrOp *def;      /* NULL for block arguments */
    IrBlock *block; /* block arguments: whose */
    unsigned index; /* which result / argument */
    IrUse *uses;
    IrHints *hints; /* or NULL */
};

struct IrOp {
    IrOpcode code;
    SrcRange range;
    IrOp *prev, *next;
    IrBlock *block;
    unsigned num_operands, num_results, num_regions;
    IrUse *operands;   /* [num_operands] */
    IrValue *results;  /* [num_results] */
    IrAttr *attrs;     /* [info.num_attrs], in the order of the op's row */
    IrBlock **regions; /* [num_regions]; an if without else has an empty-yield second region */
};

struct IrBlock {
    IrOp *parent; /* NULL: a kernel's body */
    IrKernel *kernel;
    IrValue **args;
    unsigned num_args;
    IrOp *first, *last;
};

typedef struct IrParam {
    IrValue *value;
    Sym name;      /* as in the source; tuple elements: "shape.0" */
    bool is_const; /* storing through it is an error */
    SrcRange range;
} IrParam;

#define IR_DEFAULT_NUM_WARPS  4 /* Triton's defaults */
#define IR_DEFAULT_NUM_STAGES 3

struct IrKernel {
    struct IrModule *module;
    Sym name;
    SrcRange range;
    IrBlock *body; /* body->args are the parameters' values */
    VEC(IrParam) params;
    uint32_t num_values;                          /* next free id */
    int num_warps, num_stages, num_ctas, maxnreg; /* maxnreg 0: none */
    bool fp_fusion, debug;
    bool laid;            /* at the laid level: every tile has a layout (docs/ir.md) */
    int64_t shared_bytes; /* laid: static shared memory, once allocated */
};

typedef struct IrModule {
    IrContext *ctx;
    Arena *arena;
    SourceSet *sources; /* ranges refer to it; NULL if the IR came from text without locations */
    VEC(IrKernel *) kernels;
} IrModule;

IrModule *ir_module_create(IrContext *ctx, Arena *arena, SourceSet *sources);
IrKernel *ir_kernel_create(IrModule *module, Sym name, SrcRange range);
IrValue *ir_kernel_add_param(IrKernel *kernel, Sym name, const IrType *type, SrcRange range);

static inline const IrOpInfo *ir_info(const IrOp *op) {
    return &ir_op_infos[op->code];
}
static inline IrValue *ir_operand(const IrOp *op, unsigned i) {
    return op->operands[i].value;
}
static inline IrValue *ir_result(const IrOp *op, unsigned i) {
    return &op->results[i];
}
/* The attribute `id` of `op`; it must be one of the op's. */
IrAttr *ir_attr(const IrOp *op, IrAttrId id);
int64_t ir_attr_int(const IrOp *op, IrAttrId id);
const char *ir_attr_str(const IrOp *op, IrAttrId id);
/* Finds an op by mnemonic; OP_COUNT if unknown. */
IrOpcode ir_opcode_from_mnemonic(const char *mnemonic, size_t len);
/* Text of an enumeration attribute's value ("<unknown>" out of range), and back (-1 if unknown). */
const char *ir_enum_text(IrAttrId attr, int64_t value);
int64_t ir_enum_value(IrAttrId attr, const char *text, size_t len);

/* ---- building and changing ------------------------------------------------------------------- */

/* Where new operations go: before `before`, or at the end of `block` if that is NULL. */
typedef struct IrBuilder {
    IrModule *module;
    IrKernel *kernel;
    IrBlock *block;
    IrOp *before;
    SrcRange range; /* given to every op built */
} IrBuilder;

/* The general form; attributes start at their defaults (set them with ir_set_*). Regions are
 * created empty, without arguments. Operand types are not checked here: the verifier does. */
IrOp *ir_build(IrBuilder *b, IrOpcode code, IrValue *const *operands, unsigned num_operands,
               const IrType *const *result_types, unsigned num_results);
IrValue *ir_block_add_arg(IrBuilder *b, IrBlock *block, const IrType *type, Sym name);
void ir_set_int(IrOp *op, IrAttrId id, int64_t value);
void ir_set_str(IrModule *module, IrOp *op, IrAttrId id, const char *text);
void ir_set_ints(IrModule *module, IrOp *op, IrAttrId id, const int64_t *items, size_t len);

/* Shorthands; result types follow from the operands. */
IrValue *ir_const_bits(IrBuilder *b, const IrType *type, uint64_t bits);
IrValue *ir_const_int(IrBuilder *b, const IrType *type, int64_t value);
IrValue *ir_const_float(IrBuilder *b, const IrType *type, double value); /* rounds once */
IrValue *ir_unary(IrBuilder *b, IrOpcode code, IrValue *a);              /* SAME rule */
IrValue *ir_binary(IrBuilder *b, IrOpcode code, IrValue *a, IrValue *c);
IrValue *ir_cmpi(IrBuilder *b, INT_PRED_Enum pred, IrValue *a, IrValue *c);
IrValue *ir_cmpf(IrBuilder *b, FLOAT_PRED_Enum pred, IrValue *a, IrValue *c);
IrValue *ir_select(IrBuilder *b, IrValue *cond, IrValue *a, IrValue *c);
IrValue *ir_cast(IrBuilder *b, IrOpcode code, IrValue *a, const IrType *to_elem); /* keeps shape */
IrValue *ir_splat(IrBuilder *b, IrValue *scalar, const int64_t *shape, unsigned rank);
IrValue *ir_broadcast(IrBuilder *b, IrValue *tile, const int64_t *shape, unsigned rank);
IrValue *ir_expand_dims(IrBuilder *b, IrValue *tile, unsigned axis);
IrValue *ir_reshape(IrBuilder *b, IrValue *tile, const int64_t *shape, unsigned rank);
IrValue *ir_permute(IrBuilder *b, IrValue *tile, const unsigned *order);
IrValue *ir_addptr(IrBuilder *b, IrValue *ptr, IrValue *offset, bool is_unsigned);
IrValue *ir_load(IrBuilder *b, IrValue *ptr, IrValue *mask, IrValue *other); /* NULLs allowed */
IrOp *ir_store(IrBuilder *b, IrValue *ptr, IrValue *value, IrValue *mask);

/* The value's hints, made (all unknown) if it has none. */
IrHints *ir_value_hints(IrModule *module, IrValue *value);

void ir_replace_uses(IrValue *old, IrValue *new_value);
void ir_set_operand(IrOp *op, unsigned index, IrValue *value);
void ir_truncate_operands(IrOp *op, unsigned count); /* drops the operands after the first ones */
void ir_op_erase(IrOp *op);                          /* results must have no uses */
void ir_op_move_before(IrOp *op, IrOp *before);
bool ir_has_uses(const IrValue *value);
/* Visits `op`'s nested ops, or all of a block, outer first; stops early on false. */
typedef bool (*IrVisitor)(IrOp *op, void *data);
bool ir_walk(IrBlock *block, IrVisitor visit, void *data);

/* Copies what it is given, at its builder's place (clone.c). */
typedef struct IrCloner {
    IrBuilder builder;
    IrValue **values; /* by id of the old value: what stands for it in the copy, or NULL: itself */
    uint32_t num_values;
    bool imports; /* the copy is in another context, types are looked up there */
} IrCloner;
/* A cloner of operations of `from`; it lives as long as `arena`. */
IrCloner ir_cloner(IrBuilder builder, const IrKernel *from, Arena *arena);
void ir_clone_map(IrCloner *cloner, const IrValue *old, IrValue *copy);
/* What stands for `old` in the copy. */
IrValue *ir_clone_value(const IrCloner *cloner, IrValue *old);
/* Copies an operation, regions included; its results stand for the old ones from now on. */
IrOp *ir_clone_op(IrCloner *cloner, const IrOp *old);
/* Copies a block's operations, terminator included, to the end of `copy`, and its arguments that
 * `copy` does not have yet. */
void ir_clone_block(IrCloner *cloner, const IrBlock *old, IrBlock *copy);
void ir_copy_attrs(IrModule *module, const IrOp *from, IrOp *to); /* of the same opcode */
/* `into` may be of another context. Names are shared: they must outlive the copy. */
IrKernel *ir_kernel_clone(IrModule *into, const IrKernel *kernel);

/* ---- text ------------------------------------------------------------------------------------ */

typedef struct IrPrintOptions {
    bool locations; /* append source positions, so that parse keeps them */
} IrPrintOptions;
void ir_print_module(const IrModule *module, const IrPrintOptions *options, StrBuf *out);
void ir_print_kernel(const IrKernel *kernel, const IrPrintOptions *options, StrBuf *out);
void ir_print_op(const IrOp *op, StrBuf *out); /* one line, for messages */
/* Parses .tkir text. Reports syntax errors with ranges in `file`; NULL if there were any. */
IrModule *ir_parse(IrContext *ctx, Arena *arena, Diags *diags, SourceSet *sources,
                   const SrcFile *file);
/* The names in the `source "name"` lines at the top of .tkir text: files to add to the SourceSet
 * before ir_parse(), so that locations are kept. */
size_t ir_text_sources(Arena *arena, const SrcFile *file, const char *const **names);
/* The reference of all operations, from ops.def, in Markdown: docs/ir.md behind its introduction.
 */
void ir_print_reference(StrBuf *out);
/* Reports every violation at the op's own source range; true if there were none. `when` is named
 * in the message ("after cse"), or NULL. */
bool ir_verify(const IrModule *module, Diags *diags, const char *when);

#endif
