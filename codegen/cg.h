/* cg.h -- what the files of codegen/ share: the state of one kernel's translation.
 *
 * Internal to codegen/. A value of tile IR is an array of LLVM values ("registers"): one for a
 * scalar, one for each register of its layout for a tile. A register that lies beyond the tile's
 * true extents in every thread is dead: its LLVM value is poison, nobody looks at it.
 *
 * Element types in LLVM: i1 ... i64, half, bfloat, float, double; fp8 is i8; a pointer is
 * `ptr addrspace(1)`, global memory. In memory i1 is a byte.
 */
#ifndef TKC_CODEGEN_CG_H
#define TKC_CODEGEN_CG_H

#include <llvm-c/Core.h>

#include "codegen/codegen.h"
#include "codegen/llvm_unit.h"
#include "ir/layout_convert.h"

enum { SPACE_GLOBAL = 1, SPACE_SHARED = 3 };

typedef struct CgTypes {
    LLVMTypeRef none, i1, i8, i16, i32, i64, f16, bf16, f32, f64, global, shared, generic;
} CgTypes;

/* What threads see of a layout; values are made when they are first asked for. */
typedef struct CgLayout {
    const Layout *layout;
    LLVMValueRef coord[LAYOUT_MAX_RANK]; /* the thread's part of the coordinate on an axis, i32 */
    LLVMValueRef owner;                  /* i1: this thread owns its elements; NULL: not made */
    uint32_t free[LL_NIN];               /* layout_free() */
} CgLayout;

typedef struct Cg {
    Arena *arena;
    Diags *diags;
    const IrKernel *kernel;
    const CodegenOptions *options;
    const CodegenTarget *target;
    unsigned arch; /* 90 */
    unsigned ptx;  /* the lowest PTX version that what was generated so far needs, in tenths */
    bool failed;   /* something was reported */

    LlvmUnit unit;
    CgTypes type;
    LLVMValueRef function;
    LLVMBuilderRef b;      /* where code goes */
    LLVMBuilderRef entry;  /* before the end of the first block: values that every block may use */
    LLVMValueRef tid;      /* i32: this thread's number in the block */
    LLVMValueRef shared;   /* the first byte of dynamic shared memory, or NULL */
    LLVMValueRef **values; /* by IrValue.id: its registers */
    VEC(CgLayout *) layouts;
    LLVMMetadataRef *file_scopes; /* by SrcRange.file: the scope of debug locations, or NULL */
    size_t num_file_scopes;       /* 0: no line information */
    bool *used_files;             /* by SrcRange.file: some operation lies in it */
    unsigned num_strings;
    CodegenAccesses accesses;
    VEC(const IrOp *) delayed; /* copies that the next dot_mma begins */
} Cg;

/* ---- values: cg_value.c ------------------------------------------------------------------------
 */

void cg_init_types(Cg *cg);
LLVMTypeRef cg_type(const Cg *cg, const IrType *type);        /* of an element in a register */
LLVMTypeRef cg_memory_type(const Cg *cg, const IrType *type); /* in memory: i1 is i8 */
LLVMTypeRef cg_int_type(const Cg *cg, unsigned bits);
unsigned cg_num_regs(const IrType *type);
/* Register `reg` of a tile lies beyond the true extents in every thread. False for scalars. */
bool cg_is_dead(const IrType *type, unsigned reg);
LLVMValueRef *cg_new_regs(Cg *cg, const IrType *type); /* an array to fill in */
void cg_define(Cg *cg, const IrValue *value, LLVMValueRef *regs);
LLVMValueRef *cg_regs(const Cg *cg, const IrValue *value);
/* Register `reg` of a tile; a scalar is the same in all. */
LLVMValueRef cg_reg(const Cg *cg, const IrValue *value, unsigned reg);
LLVMValueRef cg_poison(const Cg *cg, const IrType *type);
LLVMValueRef cg_const(const Cg *cg, const IrType *type, uint64_t bits);
LLVMValueRef cg_i32(const Cg *cg, uint32_t value);
LLVMValueRef cg_i64(const Cg *cg, uint64_t value);
LLVMValueRef cg_bool(const Cg *cg, bool value);
bool cg_is_const(LLVMValueRef value, uint64_t bits); /* a constant integer of that value */

/* Calls an intrinsic by name ("llvm.fma"), with the types that it is overloaded on. */
LLVMValueRef cg_intrinsic(Cg *cg, const char *name, const LLVMTypeRef *types, unsigned num_types,
                          LLVMValueRef *args, unsigned num_args);
LLVMValueRef cg_intrinsic_at(Cg *cg, LLVMBuilderRef b, const char *name, const LLVMTypeRef *types,
                             unsigned num_types, LLVMValueRef *args, unsigned num_args);
/* A call of inline PTX. `effects`: it must stay, in its place. */
LLVMValueRef cg_asm(Cg *cg, const char *text, const char *constraints, LLVMTypeRef result,
                    LLVMValueRef *args, unsigned num_args, bool effects);
/* The same of an instruction without effects that all threads of a warp carry out together. */
LLVMValueRef cg_asm_warp(Cg *cg, const char *text, const char *constraints, LLVMTypeRef result,
                         LLVMValueRef *args, unsigned num_args);
/* Lets ptxas give a thread as many registers as it wants, even if fewer blocks fit then. */
void cg_take_registers(Cg *cg);
/* The code needs at least this PTX version (in tenths). */
void cg_need_ptx(Cg *cg, unsigned version);
/* Reports that an operation cannot be generated, and why. */
void cg_unsupported(Cg *cg, const IrOp *op, const char *why, ...) TK_PRINTF(3, 4);
/* Reports a broken promise of the passes before: a bug in tkc. */
void cg_internal(Cg *cg, const IrOp *op, const char *what, ...) TK_PRINTF(3, 4);
/* A constant string in global memory, NUL-terminated; a generic pointer to it. */
LLVMValueRef cg_string(Cg *cg, const char *text);

/* ---- layouts: cg_layout.c ----------------------------------------------------------------------
 */

CgLayout *cg_layout(Cg *cg, const Layout *layout);
/* This thread's part of a linear map: the image of (lane, warp), i32, made in the entry block. The
 * map's columns from lane bit 0 on are `columns`, `count` of them. */
LLVMValueRef cg_thread_word(Cg *cg, const uint32_t *columns, unsigned count);
/* The coordinate of an element on an axis, i32. */
LLVMValueRef cg_coord(Cg *cg, const IrType *type, unsigned reg, unsigned axis);
/* i1: this thread owns its elements of the tile; for a scalar: it is the first thread. */
LLVMValueRef cg_owner(Cg *cg, const IrType *type);
/* i1: register `reg` lies within the true extents. Constant true where all threads' do. */
LLVMValueRef cg_within(Cg *cg, const IrType *type, unsigned reg);
/* The same for one axis of a tile; constant false where all threads' lie beyond. */
LLVMValueRef cg_within_axis(Cg *cg, const IrType *type, unsigned reg, unsigned axis);
/* a & b for i1, leaving out constants that are true; either may be NULL, which means true. */
LLVMValueRef cg_and(Cg *cg, LLVMValueRef a, LLVMValueRef b);

/* The same map of a value at run time: the XOR of the columns whose bits are set in it. */
LLVMValueRef cg_apply(Cg *cg, LLVMBuilderRef b, LLVMValueRef value, const uint32_t *columns,
                      unsigned count);
/* i1, in the entry block: an odd number of the thread's bits under `mask` are set. */
LLVMValueRef cg_thread_parity(Cg *cg, uint32_t mask);

/* ---- between lanes: cg_shuffle.c ---------------------------------------------------------------
 */

typedef enum CgShuffle { SHUFFLE_XOR, SHUFFLE_FROM } CgShuffle;
/* The value of the same register in lane (own ^ lane) or `lane` of the warp; any element type. All
 * lanes take part. */
LLVMValueRef cg_shuffle(Cg *cg, CgShuffle kind, LLVMValueRef value, LLVMValueRef lane);
/* Replaces `count` values of one type of 8 or 16 bits (or i1, which takes 8), 32 bits in all at
 * most, by those of lane `lane`, in one shuffle. */
void cg_shuffle_packed(Cg *cg, LLVMValueRef *values, unsigned count, LLVMValueRef lane);

/* ---- accesses of memory: cg_access.c -----------------------------------------------------------
 */

typedef struct CgAccess {
    unsigned space;     /* SPACE_GLOBAL or SPACE_SHARED */
    const IrType *type; /* of the elements */
    unsigned count;     /* how many; at most 16 bytes */
    unsigned align;     /* bytes */
    CACHE_Enum cache;
    EVICT_Enum evict;
    bool is_volatile;
    LLVMValueRef policy; /* of L2, or NULL */
} CgAccess;

/* Reads the cache and eviction attributes of a load or store. */
void cg_access_hints(Cg *cg, CgAccess *access, const IrOp *op);
/* Elements as one value as it lies in memory (a vector, or the element itself), and back. */
LLVMValueRef cg_pack(Cg *cg, const IrType *type, const LLVMValueRef *elements, unsigned count);
void cg_unpack(Cg *cg, const IrType *type, LLVMValueRef packed, LLVMValueRef *elements,
               unsigned count);
/* Packed elements; where `predicate` (NULL: always) is false, those of `otherwise`. */
LLVMValueRef cg_load(Cg *cg, const CgAccess *access, LLVMValueRef ptr, LLVMValueRef predicate,
                     LLVMValueRef otherwise);
void cg_store(Cg *cg, const CgAccess *access, LLVMValueRef ptr, LLVMValueRef predicate,
              LLVMValueRef value);

/* ---- shared memory: cg_shared.c ----------------------------------------------------------------
 */

/* For each bit of an element word, what it adds (XOR) to the offset in a buffer, in elements. */
bool cg_shared_columns(Cg *cg, const IrOp *op, const Layout *shared, uint32_t *columns);
/* The offset of an element word. */
uint32_t cg_offset_of(const uint32_t *columns, uint32_t word);
/* buffer + (offset + constant) elements. */
LLVMValueRef cg_shared_at(Cg *cg, LLVMValueRef buffer, unsigned elem_bytes, LLVMValueRef offset,
                          uint32_t constant);
/* An integer of any width as i32: its low bits. */
LLVMValueRef cg_index32(Cg *cg, LLVMValueRef index);

/* How threads access a tile of their own layout in a buffer: instruction by instruction. */
typedef struct CgSharedSide {
    SharedSide plan;
    const IrType *type;        /* of the buffer */
    LLVMValueRef buffer, base; /* base: the thread's part of the offset */
    uint32_t base_bits;        /* the offset bits that it may set */
    uint32_t inside;           /* an instruction begins with each register without these bits */
    unsigned count;            /* elements that it moves */
    unsigned elem_bytes;
} CgSharedSide;
enum { CG_SHARED_MOST = 16 }; /* elements of an instruction */

/* `matrix`: ldmatrix (loads, sm_75) or stmatrix (stores, sm_90) may be used. */
CgSharedSide cg_shared_side(Cg *cg, const IrValue *buffer, const Layout *tile, bool matrix);
/* The same for a load whose result is `loaded`: who uses it may want the elements together that an
 * instruction brings. */
CgSharedSide cg_shared_side_of(Cg *cg, const IrValue *buffer, const Layout *tile, bool matrix,
                               const IrValue *loaded);
/* Vectors of 1 << bits elements, fewer than now. */
void cg_shared_narrow(CgSharedSide *side, unsigned bits);
/* Where the access that begins with register `first` begins. */
LLVMValueRef cg_shared_address(Cg *cg, const CgSharedSide *side, unsigned first);
/* Loads the elements of the instruction that begins with register `first` into the tile's `regs`.
 */
void cg_shared_load_at(Cg *cg, const CgSharedSide *side, unsigned first, LLVMValueRef *regs);

/* cg_matrix.c: the matrix forms. Fills in inside and count; the columns of lanes become those of
 * the rows whose addresses they supply. */
void cg_matrix_columns(CgSharedSide *side, uint32_t *columns);
/* Chooses which matrices of the tile `loaded` one instruction brings: those that one instruction of
 * a tensor core multiplies, in its order, so that its registers need not be moved. */
void cg_matrix_choose(CgSharedSide *side, const IrValue *loaded);
unsigned cg_matrix_reg(const CgSharedSide *side, unsigned first, unsigned i);
void cg_load_matrix(Cg *cg, const CgSharedSide *side, LLVMValueRef address, LLVMValueRef *elements);
/* `predicate` (NULL: always) is the same in all lanes of a warp. */
void cg_store_matrix(Cg *cg, const CgSharedSide *side, LLVMValueRef address, LLVMValueRef predicate,
                     const LLVMValueRef *elements);

/* ---- lowering ----------------------------------------------------------------------------------
 */

/* The lowering of one operation: defines its results. */
typedef void CgLower(Cg *cg, const IrOp *op);
/* Lowers the operations of a block but its terminator, which it returns. */
IrOp *cg_block(Cg *cg, const IrBlock *block);
void cg_op(Cg *cg, const IrOp *op); /* cg_dispatch.c */
/* Runs the region of a reduce or scan on elements: `args` are l.., r..; results in `out`. */
void cg_combine(Cg *cg, const IrOp *op, LLVMValueRef *args, LLVMValueRef *out);

/* Elementwise operations: the result of one element. */
typedef LLVMValueRef CgElement(Cg *cg, const IrOp *op, LLVMValueRef *args);
CgElement cg_int, cg_cmpi, cg_select;    /* cg_int.c */
CgElement cg_float, cg_cmpf, cg_libcall; /* cg_float.c */
CgElement cg_cast;                       /* cg_cast.c */
CgElement cg_addptr;                     /* cg_memory.c */
void cg_elementwise(Cg *cg, const IrOp *op, CgElement *element);
/* One element from one type to another, as the op of that kind does it. */
LLVMValueRef cg_to_f32(Cg *cg, IrTypeKind from, LLVMValueRef value);
/* Rounds to nearest even. `saturate`: fp8 takes the largest finite value when out of range. */
LLVMValueRef cg_from_f32(Cg *cg, IrTypeKind to, LLVMValueRef value, bool saturate);
/* Toward zero, and its last bit set if that lost anything: a second rounding is then right. */
LLVMValueRef cg_f64_to_f32_odd(Cg *cg, LLVMValueRef value);

CgLower cg_lower_const, cg_lower_program; /* cg_shape.c: positions */
CgLower cg_lower_arange, cg_lower_splat, cg_lower_unsplat, cg_lower_relabel, cg_lower_split;
CgLower cg_lower_load, cg_lower_store;                              /* cg_memory.c */
CgLower cg_lower_rmw, cg_lower_cas;                                 /* cg_atomic.c */
CgLower cg_lower_if, cg_lower_for, cg_lower_while, cg_lower_return; /* cg_control.c */
CgLower cg_lower_reduce, cg_lower_scan;                             /* cg_reduce.c */
CgLower cg_lower_convert;                                           /* cg_convert.c */
CgLower cg_lower_shared_alloc, cg_lower_shared_store, cg_lower_shared_load;
CgLower cg_lower_shared_gather, cg_lower_shared_pick, cg_lower_shared_count;
CgLower cg_lower_dot, cg_lower_mma; /* cg_dot.c, cg_mma.c */
/* Whether a shared_load is left to the dot_mma that uses it: slice by slice. */
bool cg_mma_loads(const IrOp *op);
/* Whether copies in the background are left to the next dot_mma: it loads its first slices before
 * it begins them, so that their addresses are computed while that arrives. */
bool cg_mma_delays(const IrOp *op);
CgLower cg_lower_shared_slot, cg_lower_async_copy; /* cg_async.c */
CgLower cg_lower_async_commit, cg_lower_async_wait;
CgLower cg_lower_barrier, cg_lower_assert, cg_lower_print, cg_lower_assume; /* cg_effects.c */
CgLower cg_lower_asm;                                                       /* cg_asm.c */

/* ---- debug locations: cg_debug.c ---------------------------------------------------------------
 */

/* The debug nodes of the module as LLVM's text; "" without line information. */
const char *cg_debug_text(Cg *cg);
/* Gives the kernel's function its subprogram and finds the files' scopes. */
void cg_debug_begin(Cg *cg);
/* What is built from here on belongs to `range`. */
void cg_debug_at(Cg *cg, SrcRange range);

/* ---- text: cg_ptx.c ----------------------------------------------------------------------------
 */

/* Fills in out->ptx from the text that LLVM wrote. */
void cg_finish_ptx(Cg *cg, const char *text, size_t len, CodegenOutput *out);

#endif
