/* layout.h -- linear layouts: which element of a tile each register, lane and warp holds.
 *
 * A layout is a linear map over GF(2) from a hardware word to an element word, kept as columns: the
 * images of the input bits (arXiv 2505.23819, "Linear Layouts"). The hardware word holds, low bits
 * first, the bits of the in-dims; the element word is the row-major index of an element in the tile
 * padded to powers of two, so the last axis has the lowest bits and a reshape changes no column.
 *
 * Kinds: a *distributed* layout (tile values) has the in-dims reg, lane, warp, block and is onto; a
 * zero column means that several threads hold the same element ("duplicates"). A *shared* layout
 * (buffers) has the in-dims off (offset in elements) and block and is invertible. A *map* is any
 * other linear map. Canonical form: the register columns of a distributed layout are in fully
 * reduced echelon form and ascend (one-hot columns: sorted); equal layouts are then equal bytes.
 *
 * Nothing here allocates except layout_print, and nothing fails except what says so; what a caller
 * owes (axes in range, sizes that match) is asserted. docs/layouts.md explains the text form.
 */
#ifndef TKC_IR_LAYOUT_H
#define TKC_IR_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

#include "ir/layout_span.h"
#include "support/str.h"

#define LAYOUT_MAX_RANK    6 /* axes i j k l m n */
#define LAYOUT_MAX_COLUMNS 40
#define LAYOUT_MAX_BITS    20 /* a tile has at most 1 << 20 elements */
#define LAYOUT_LANE_BITS   5
#define LAYOUT_WARP_BITS   5 /* at most */
#define LAYOUT_BLOCK_BITS  4 /* at most */

typedef enum LayoutDim { LL_REG, LL_LANE, LL_WARP, LL_BLOCK, LL_OFF, LL_NIN } LayoutDim;
typedef enum LayoutKind { LAYOUT_DISTRIBUTED, LAYOUT_SHARED, LAYOUT_MAP } LayoutKind;

/* 176 bytes, no pointers, unused columns zero: memcmp compares, and the bytes can be hashed. */
typedef struct Layout {
    uint8_t nin[LL_NIN]; /* bits of each in-dim */
    uint8_t rank, kind, ncol;
    uint8_t nout[LAYOUT_MAX_RANK]; /* bits of each axis: the padded extent is 1 << nout[a] */
    uint8_t pad[2];
    uint32_t col[LAYOUT_MAX_COLUMNS]; /* columns, in in-dim order */
} Layout;

/* ---- reading ----------------------------------------------------------------------------------*/

/* Bits of the element word: the padded tile has 1 << layout_bits elements. */
unsigned layout_bits(const Layout *layout);
/* The position of `axis`' lowest bit in the element word. */
unsigned layout_axis_shift(const Layout *layout, unsigned axis);
/* `axis`' bits of the element word. */
uint32_t layout_axis_mask(const Layout *layout, unsigned axis);
/* Bit `n` of `axis` as an element word. */
uint32_t layout_axis_bit(const Layout *layout, unsigned axis, unsigned n);
/* The coordinate that an element word has on `axis`. */
uint32_t layout_coord(const Layout *layout, uint32_t word, unsigned axis);
/* The element word of coordinates (one an axis, below the padded extents). */
uint32_t layout_word(const Layout *layout, const uint32_t *coords);

/* The index in `col` of the first column of an in-dim, which has nin[dim] of them. */
unsigned layout_begin(const Layout *layout, LayoutDim dim);
const uint32_t *layout_columns(const Layout *layout, LayoutDim dim);
/* Registers a thread: 1 << nin[LL_REG]. */
uint32_t layout_num_regs(const Layout *layout);

/* The image of a whole hardware word. */
uint32_t layout_apply(const Layout *layout, uint64_t word);
/* The element that a register of a thread holds. */
uint32_t layout_element(const Layout *layout, uint32_t reg, uint32_t lane, uint32_t warp,
                        uint32_t block);
/* The register in which thread (lane 0, warp 0, block 0) holds the element `word`; false if it
 * holds it in none. Relabelings move nothing between threads, so this tells the register that a
 * result register of a reshape, permute, broadcast, join or split is: take the result register's
 * element, undo the relabeling on its coordinates, and look it up in the source layout. */
bool layout_find_reg(const Layout *layout, uint32_t word, uint32_t *reg);

/* Every column is 0 or a unit vector, and no unit vector occurs twice. */
bool layout_is_onehot(const Layout *layout);
/* NULL, or what is wrong with the layout (one line, no full stop): its form for every kind; onto,
 * one-hot, no dependent register, five lane bits for distributed; invertible for shared. The order
 * of the registers is free. */
const char *layout_check(const Layout *layout);

/* ---- identity ---------------------------------------------------------------------------------*/

/* The canonical form; dependent and zero register columns go. Others than distributed: unchanged.
 */
Layout layout_canonical(const Layout *layout);
/* Whether the canonical forms are the same bytes: then no conversion is needed. */
bool layout_equal(const Layout *a, const Layout *b);
/* A hash of the canonical form. */
uint64_t layout_hash(const Layout *layout);

/* ---- algebra ----------------------------------------------------------------------------------*/

/* A layout without columns. `axis_bits`: log2 of the padded extents; NULL if rank is 0. */
Layout layout_empty(LayoutKind kind, unsigned rank, const uint8_t *axis_bits);
/* Replaces the columns of one in-dim. */
void layout_set(Layout *layout, LayoutDim dim, const uint32_t *columns, unsigned count);
/* Appends a column to an in-dim. */
void layout_push(Layout *layout, LayoutDim dim, uint32_t column);

/* `second` after `first`; first has as many element bits as second has columns. A map if second is
 * one; else of the kind its in-dims say. */
Layout layout_compose(const Layout *first, const Layout *second);
/* Per in-dim a's columns, then b's; on each axis b's bits stand above a's. Equal ranks. */
Layout layout_product(const Layout *a, const Layout *b);
/* The q with a == product(tile, q), up to the order of a's registers; false if there is none. */
bool layout_left_divide(const Layout *a, const Layout *tile, Layout *q);
/* The inverse of an invertible layout, as a map: its in-dim off is the element word, its axes are
 * (block, warp, lane, reg) for distributed layouts, (off, block) for shared ones; so the image of
 * an element word is its hardware word. False if the layout is not invertible. */
bool layout_invert(const Layout *layout, Layout *inverse);
/* A right inverse of an onto layout, in the form of layout_invert: for each element a hardware word
 * that holds it, as low as possible (registers before lanes before warps before blocks). False if
 * some element is held nowhere. */
bool layout_pseudo_invert(const Layout *layout, Layout *inverse);
/* For a conversion src -> dst: for each hardware word of dst one of src that holds the same
 * element, the same one wherever possible, else one in the same lane, warp, block. A map with dst's
 * in-dims and the axes of layout_invert(src); the in-dims below block of both are those of
 * distributed layouts. */
Layout layout_convert_map(const Layout *src, const Layout *dst);
/* The layout with the columns of the in-dims outside `dims` (bits 1 << LL_REG ...) set to 0; a map.
 */
Layout layout_sub(const Layout *layout, unsigned dims);
/* Bits of the image. */
unsigned layout_image_bits(const Layout *layout);
/* A basis of the hardware words that map to 0, in `out`; returns its size. */
unsigned layout_kernel(const Layout *layout, uint64_t out[LAYOUT_MAX_COLUMNS]);
/* Who owns an element: the bits of each in-dim that are 0 in the one thread that owns it. Of the
 * threads that hold an element, exactly one has (lane & masks[LL_LANE]) == 0, (warp &
 * masks[LL_WARP])
 * == 0 and (block & masks[LL_BLOCK]) == 0. Low warps and blocks are preferred to other lanes'
 * duplicates: the insertion order is reg, block, warp, lane. masks[LL_REG] is 0 for valid layouts.
 */
void layout_free(const Layout *layout, uint32_t masks[LL_NIN]);

/* ---- constructors: layout_build.c -------------------------------------------------------------*/

/* Extents are true extents; each axis is padded to the next power of two. No constructor fails for
 * a tile that is too small or too large for the machine: bits that the tile lacks become zero
 * columns, and what is left goes to the registers. */

#define LAYOUT_NO_AXIS 0xff

/* The next `bits` unused low bits of `axis` go to `dim`. */
typedef struct LayoutStep {
    uint8_t dim;  /* LayoutDim */
    uint8_t axis; /* or LAYOUT_NO_AXIS: zero columns (none for registers and offsets) */
    uint8_t bits;
} LayoutStep;

/* Carries out the steps. What is left of the axes goes to `rest` (LL_REG or LL_OFF), axis by axis
 * in `order` (all axes; NULL: the last axis first). With LL_REG the result is distributed and gets
 * zero lane columns up to five; with LL_OFF it is shared. Columns stand in the order of the steps:
 * the result is not canonical. */
Layout layout_build(unsigned rank, const uint8_t *axis_bits, const LayoutStep *steps,
                    unsigned num_steps, LayoutDim rest, const unsigned *order);
/* For each in-dim of reg, lane, warp: `size[a]`, `threads[a]`, `warps[a]` (powers of two) along
 * axis order[0], then order[1] ... Canonical. */
Layout layout_blocked(unsigned rank, const int64_t *extents, const uint32_t *size,
                      const uint32_t *threads, const uint32_t *warps, const unsigned *order);
/* For global memory: `vec` elements a thread along order[0]; then the lanes, then the warps fill
 * the axes in `order` (NULL: the last axis first) to their ends. vec, num_warps: powers of two.
 * Canonical. */
Layout layout_coalesced(unsigned rank, const int64_t *extents, const unsigned *order, uint32_t vec,
                        uint32_t num_warps);

/* A tensor-core fragment: `kw` elements (those of a 32-bit register; f64: 1 or 2) and 4 lanes along
 * one axis, 8 lanes across it, then `rows` / 8 registers across; then `warps`; then what is left,
 * `along` first. See docs/layouts.md for the calls that make each fragment. */
typedef struct LayoutFragment {
    unsigned across, along;  /* axes */
    unsigned kw, rows;       /* sizes */
    const LayoutStep *warps; /* any steps */
    unsigned num_warps;      /* number of steps in `warps` */
} LayoutFragment;
/* The registers stand in the instruction's own order: bit b of an instruction's register number is
 * register bit b. Not canonical: look registers up by their columns in the canonical form. */
Layout layout_fragment(unsigned rank, const int64_t *extents, const LayoutFragment *fragment);

/* Shared: row-major in the order of the axes, `order[0]` varying fastest (NULL: the last axis). */
Layout layout_plain(unsigned rank, const int64_t *extents, const unsigned *order);
/* Shared, two axes, for TMA and wgmma: rows of `swizzle` (32, 64, 128) bytes along axis
 * `contiguous` under the hardware's swizzle, stacked along the other axis; then the next `swizzle`
 * bytes of the contiguous axis behind them. The base is aligned to 8 * swizzle bytes. */
Layout layout_swizzled(const int64_t extents[2], unsigned elem_bytes, unsigned swizzle,
                       unsigned contiguous);
/* Shared, two axes, for unswizzled wgmma operands: 8 rows of 16 bytes make 128 contiguous bytes. */
Layout layout_core_matrices(const int64_t extents[2], unsigned elem_bytes, unsigned contiguous);

/* ---- relabelings: layout_relabel.c ------------------------------------------------------------*/

/* Nothing moves at run time; columns are rewritten. Results are canonical. */

/* New axes for the same row-major words; the padded sizes are equal. */
Layout layout_reshape(const Layout *src, unsigned rank, const uint8_t *axis_bits);
/* Axis a of the result is axis perm[a] of the source. Shared layouts likewise. */
Layout layout_permute(const Layout *src, const unsigned *perm);
/* A new axis of size 1 before axis `axis` (<= rank). */
Layout layout_expand_dims(const Layout *src, unsigned axis);
/* The slice that is left when `axis` has been reduced: its bits go from every column, and registers
 * that became duplicates go. The axis disappears, or stays with size 1. */
Layout layout_drop(const Layout *src, unsigned axis);
Layout layout_drop_keep(const Layout *src, unsigned axis);
/* Grows an axis of size 1 to 1 << bits. The new bits go to duplicate lanes, warps and blocks, which
 * hold the value already: as `consumer` (NULL, or a layout of the result's shape) has them; without
 * it lanes first, low bits first. The others go to registers that name the same value several
 * times. layout_drop_keep(result, axis) equals src. */
Layout layout_broadcast(const Layout *src, unsigned axis, unsigned bits, const Layout *consumer);
/* Two tiles become one with a new last axis of size 2. */
Layout layout_join(const Layout *src);
/* The inverse: the last axis, of size 2, goes. False (convert first) unless one register column
 * holds it and no other column touches it. */
bool layout_split(const Layout *src, Layout *out);
/* Two tiles one after the other along `axis`: the axis gets a new top bit, in a new register. */
Layout layout_cat(const Layout *src, unsigned axis);
/* What a thread needs of an operand of a product [.., M, N] for its elements of the result, the
 * first [.., M, K] or the second [.., K, N]: the registers' low bits count k (1 << k_bits), then
 * come those of the result's register bits that matter. Not canonical. */
Layout layout_dot_operand(const Layout *result, bool second, unsigned k_bits);
/* Without zero and dependent register columns. The same as layout_canonical. */
Layout layout_strip(const Layout *src);

/* ---- text: layout_text.c ----------------------------------------------------------------------*/

/* `<16x8; reg j0 i3; lane j1 j2 i0 i1 i2>`: padded extents; per in-dim that has bits, its columns.
 * A column is a sum of axis bits (axis letter i j k l m n and bit number) joined by `+`, or `.` for
 * 0. A map with other in-dims or axes prints too, but reads back as a layout. */
void layout_print(const Layout *layout, StrBuf *out);
/* Reads it back, spaces as printed or more; not made canonical. Shared iff the text has no reg,
 * lane or warp. False, and a message in *error (one line, no full stop), if the text is malformed
 * or layout_check finds fault with what it says. */
bool layout_parse(const char *text, size_t len, Layout *layout, const char **error);

#endif
