/* layout_convert.h -- how a value of one layout becomes one of another.
 *
 * A conversion moves each element to the threads and registers that the new layout names. The
 * planner finds the cheapest way: nothing, register moves, warp shuffles, or a trip through shared
 * memory. Plans are data: linear maps kept as columns, in the numbering of the two layouts'
 * registers as given (values have canonical layouts). XOR of columns is written as application:
 * G(lane) is the XOR of g[i] over the bits i set in lane. "Outer" words are warp | block << warp
 * bits.
 */
#ifndef TKC_IR_LAYOUT_CONVERT_H
#define TKC_IR_LAYOUT_CONVERT_H

#include "ir/layout_access.h"

#define LAYOUT_OUTER_BITS (LAYOUT_WARP_BITS + LAYOUT_BLOCK_BITS)

typedef enum ConvertKind {
    CONVERT_NONE,     /* equal layouts: nothing to do */
    CONVERT_REGISTER, /* no thread needs what another holds: moves, or selects by lane or warp bits
                       */
    CONVERT_SHUFFLE,  /* no warp needs what another holds */
    CONVERT_SHARED,   /* no block needs what another holds */
    CONVERT_CLUSTER,  /* some block does: not planned */
} ConvertKind;

/* What the conversion src -> dst needs at least; both of one shape and number of warps and blocks.
 */
ConvertKind layout_convert_kind(const Layout *src, const Layout *dst);

/* ---- inside warps: layout_shuffle.c -----------------------------------------------------------*/

/* A conversion inside warps. With v0 the source's registers of a lane, out those of the result:
 *
 *     pre:    v1[r]  = v0[r ^ G(lane) ^ H(outer)]            for all r < 1 << src_bits
 *     round:  v2[i]  = v1[A(i)] of lane S(i) ^ M(lane) ^ W(outer)      for all i < 1 << round_bits
 *     post:   out[r] = v2[r ^ F(lane)]                       for all r < 1 << dst_bits
 *
 * Each round is one shfl.idx: the value that a lane sends in it does not depend on who reads. A
 * round whose lane is the reader's own for all lanes and warps needs none (layout_round_stays). */
typedef struct ShufflePlan {
    uint8_t src_bits, dst_bits;    /* register bits of source and result */
    uint8_t round_bits;            /* dst_bits or more: see post */
    uint8_t outer_bits;            /* warp and block bits together */
    uint32_t g[LAYOUT_LANE_BITS];  /* lane bit -> source register */
    uint32_t h[LAYOUT_OUTER_BITS]; /* outer bit -> source register */
    uint32_t a[LAYOUT_MAX_BITS];   /* round bit -> source register */
    uint32_t s[LAYOUT_MAX_BITS];   /* round bit -> lane */
    uint32_t m[LAYOUT_LANE_BITS];  /* lane bit -> lane */
    uint32_t w[LAYOUT_OUTER_BITS]; /* outer bit -> lane */
    uint32_t f[LAYOUT_LANE_BITS];  /* lane bit -> round */
    /* Rounds that share their lanes: i and i ^ pack[0], i ^ pack[1], ... read from the same lane,
     * so the values of up to 1 << pack_bits rounds travel in one shuffle if they fit into its 32
     * bits. The rounds without any bit of pack_tops are one of each group. */
    uint8_t pack_bits;
    uint32_t pack[LAYOUT_MAX_BITS];
    uint32_t pack_tops;
} ShufflePlan;

/* The cheaper of the two plans for elements of `elem_bytes` (1 2 4 8); the conversion's kind is
 * none, register or shuffle. */
void layout_plan_shuffle(const Layout *src, const Layout *dst, unsigned elem_bytes,
                         ShufflePlan *plan);
/* Plan 1 (near copies): duplicates are read where they are nearest. False if it does not exist. */
bool layout_plan_shuffle_near(const Layout *src, const Layout *dst, ShufflePlan *plan);
/* Plan 2 (one to one): always exists. */
void layout_plan_shuffle_exact(const Layout *src, const Layout *dst, ShufflePlan *plan);

/* Whether round `i` reads the lane's own register A(i). */
bool layout_round_stays(const ShufflePlan *plan, uint32_t i);

/* Instructions a thread, for elements of `elem_bytes`. Small elements are packed as far as the plan
 * allows, with byte permutes in place of selects; 8-byte elements take two. */
typedef struct ShuffleCounts {
    unsigned shuffles, selects;
} ShuffleCounts;
ShuffleCounts layout_shuffle_counts(const ShufflePlan *plan, unsigned elem_bytes);

/* Renumbering registers by a lane-dependent XOR, as pre and post do, in passes of selects:
 * pass k is  new[r] = parity(lane & lane_mask) ^ parity(outer & outer_mask) ? old[r ^ reg] : old[r]
 * for all r at once. The passes commute; their `reg` are independent. */
typedef struct SelectPass {
    uint32_t reg, lane_mask, outer_mask;
} SelectPass;
#define LAYOUT_MAX_PASSES (LAYOUT_LANE_BITS + LAYOUT_OUTER_BITS)
/* The passes of the XOR with lanes(lane) ^ outer(outer); `outer` is NULL if outer_bits is 0.
 * Returns their number, the rank of the columns. pre: (g, h, outer_bits); post: (f, NULL, 0). */
unsigned layout_select_passes(const uint32_t lanes[LAYOUT_LANE_BITS], const uint32_t *outer,
                              unsigned outer_bits, SelectPass passes[LAYOUT_MAX_PASSES]);

/* ---- through shared memory: layout_shared.c ---------------------------------------------------*/

typedef enum SharedOp {
    SHARED_VECTOR,       /* ld.shared, st.shared of vectors */
    SHARED_MATRIX,       /* ldmatrix, stmatrix */
    SHARED_MATRIX_TRANS, /* ldmatrix.trans, stmatrix.trans */
} SharedOp;

/* How one side accesses the scratch. Offsets are in elements; the byte address is the scratch's
 * base plus offset * elem_bytes. The scratch is aligned to 128 bytes. */
typedef struct SharedSide {
    SharedOp op;
    /* The offset of every hardware word: a map with the layout's in-dims. The offset of register r
     * of a thread is  base ^ c(r),  base = the XOR of its lane's, warp's and block's columns, c(r)
     * = that of the register columns. Registers that differ in round bits (below) have the same
     * offset. */
    Layout offsets;
    /* The OR of the lane, warp and block columns: where c(r) & base_bits == 0 the XOR is an
     * addition, so c(r) may stand in the instruction's immediate. */
    uint32_t base_bits;
    /* SHARED_VECTOR: one instruction for each register `first` with (first & vector.mask) == 0
     * moves layout_vector_reg(&vector, first, i) to or from offset base ^ c(first) + i, aligned to
     * its size. */
    LayoutVector vector;
    /* The matrix forms: one instruction moves 1 << mat_bits matrices of 8 rows of 16 bytes, for
     * each register `first` without the bits in word_reg and mat_reg. Its 32-bit register number q,
     * element h in it, is register first ^ q through mat_reg ^ h through word_reg. Lane l supplies
     * the address of row l & 7 of matrix l >> 3, the offset  c(first) ^ ROW(l & 7) ^ MAT(l >> 3) ^
     * outer part of base, where MAT's columns are the offsets of the registers in mat_reg. */
    uint8_t word_bits, word_reg[2];
    uint8_t mat_bits, mat_reg[2];
    uint32_t row[3];
    unsigned instructions; /* a thread, over all rounds */
    unsigned wavefronts;   /* of all instructions of a warp, over all rounds */
} SharedSide;

/* A conversion through shared memory: every owner stores (layout_free: (warp & free) == 0 ...;
 * duplicate lanes may store too, they store the same), barrier, every thread loads. */
typedef struct SharedPlan {
    Layout shared; /* scratch offset -> element word of the tile without the bits of `gone` */
    SharedSide store, load;
    unsigned scratch_bytes;
    /* Rounds: only those registers take part in round n whose bits store_round[i] (on the source's
     * side) or load_round[i] (on the result's) are bit i of n. Each round is store, barrier, load,
     * and a barrier before the next round's store. */
    uint8_t round_bits;
    uint8_t store_round[LAYOUT_MAX_BITS], load_round[LAYOUT_MAX_BITS];
    uint32_t gone; /* the element bits that the rounds count */
} SharedPlan;

/* The first targets that have ldmatrix, cp.async, stmatrix: sm_75, sm_80, sm_90. */
enum { LAYOUT_LDMATRIX_ARCH = 75, LAYOUT_ASYNC_ARCH = 80, LAYOUT_STMATRIX_ARCH = 90 };

typedef struct SharedOptions {
    unsigned elem_bytes; /* 1 2 4 8 */
    bool ldmatrix;       /* may be used */
    bool stmatrix;
    unsigned max_bytes; /* of scratch, 0: any; reached as far as common registers allow */
} SharedOptions;

/* Plans any conversion that stays inside a block; neither side has bank conflicts. */
void layout_plan_shared(const Layout *src, const Layout *dst, const SharedOptions *options,
                        SharedPlan *plan);
/* What copies in the background move: vectors of 1 << bits neighbours along an axis. */
typedef struct LayoutCopies {
    unsigned along, bits;
} LayoutCopies;
/* The layout of a buffer that copies fill as tiles of layout `src` are held, and that is read as
 * `dst`: neighbours of a vector are neighbours there, and there are as few bank conflicts as
 * swizzling whole vectors allows. layout_copies.c. */
Layout layout_plan_copies(const Layout *src, const Layout *dst, const LayoutCopies *copies,
                          const SharedOptions *options);
/* How a tile of layout `tile` is best accessed in a given shared layout of the same shape. A matrix
 * form is chosen only if vectors take more instructions. */
SharedSide layout_shared_side(const Layout *tile, const Layout *shared, unsigned elem_bytes,
                              bool matrix);

/* ---- the choice: layout_convert.c -------------------------------------------------------------*/

/* Costs in clocks of the multiprocessor for all warps of a block; `warp_only`: a barrier of warps
 * is enough. */
unsigned layout_shuffle_cost(const ShufflePlan *plan, unsigned elem_bytes, unsigned num_warps);
unsigned layout_shared_cost(const SharedPlan *plan, unsigned num_warps, bool warp_only);

typedef struct ConvertPlan {
    ConvertKind kind;    /* what to do: SHARED too where shuffles would do but cost more */
    bool warp_only;      /* SHARED, and no warp needs what another holds: if each warp stores all it
                            holds      (no predicate on free warp bits), a barrier of the warp is enough
                          */
    ShufflePlan shuffle; /* if kind is REGISTER or SHUFFLE */
    SharedPlan shared;   /* if kind is SHARED */
} ConvertPlan;
/* Chooses by kind and cost. */
void layout_plan_convert(const Layout *src, const Layout *dst, const SharedOptions *options,
                         ConvertPlan *plan);

#endif
