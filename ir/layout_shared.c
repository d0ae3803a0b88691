/* layout_shared.c -- conversions through shared memory without bank conflicts.
 *
 * The scratch's layout is a list of offset bits, low to high: `low`, which a vector or a matrix row
 * covers; `bank`, the rest of a line of 128 bytes; `seg`, the number of the line. A side accesses
 * lines through the lanes of a phase. It is free of conflicts iff span(seg) meets the span of its
 * phase lanes and its vector only in 0: two different words of a phase share a bank iff they differ
 * by an element of that span whose bank part vanishes. layout_avoid() finds such a seg for both
 * sides at once, whatever the layouts, since phase and vector together have at most the bits of one
 * line.
 *
 * `low` is chosen among: registers common to both sides; these widened by registers of one side
 * (the other side then moves scalars); the 16-byte rows of a matrix instruction of one side. Of
 * those for which a seg exists, the one with the fewest instructions wins.
 *
 * Source: the optimal swizzling of arXiv 2505.23819, section 5.4, for any two sides and with matrix
 * rows. Example: f16 64x64 from `reg j0 j1 j2 ...` to mma's A operand: low = j0 j1 j2, `off j0 j1
 * j2 j3 j4 j5 i3 i4 i5 j3+i0 j4+i1 j5+i2`, st.shared.v4 and ldmatrix.x4.
 */
#include "ir/layout_convert.h"

#include "support/bits.h"

#include <assert.h>
#include <string.h>

/* How one side moves data whose low offset bits are given. */
typedef struct Way {
    SharedOp op;
    unsigned bits;       /* log2 of the elements of a vector, or of a row of a matrix */
    LayoutVectors phase; /* the columns of the lanes (or rows) served together */
} Way;

static bool has_vector(const uint32_t *vectors, unsigned count, uint32_t vector) {
    for (unsigned i = 0; i < count; i++)
        if (vectors[i] == vector)
            return true;
    return false;
}

/* Whether exactly `count` columns touch the bits of `low`. */
static bool touched_by(const Layout *layout, const LayoutVectors *low, unsigned count) {
    uint32_t mask = 0;
    unsigned touching = 0;
    for (unsigned i = 0; i < low->count; i++)
        mask |= low->at[i];
    for (unsigned i = 0; i < layout->ncol; i++)
        touching += (layout->col[i] & mask) != 0;
    return touching == count;
}

/* log2 of the elements of a 32-bit register, of 16 bytes; 0 if an element is larger. */
static unsigned word_bits_of(unsigned elem_bytes) {
    return elem_bytes < 4 ? 2 - bits_top(elem_bytes) : 0;
}

static unsigned row_bits_of(unsigned elem_bytes) {
    return 4 - bits_top(elem_bytes);
}

/* Transposed, a 32-bit register holds two elements of different rows, which differ in any one
 * register bit: the one below lane 0's, as in the operands of tensor cores, or the first. `offsets`
 * of registers that rounds count are 0. */
static unsigned pair_bit(const Layout *layout, const Layout *offsets) {
    uint32_t lane = layout_columns(layout, LL_LANE)[0];
    unsigned regs = layout->nin[LL_REG], first = 0;
    for (unsigned i = 0; i < regs; i++)
        if (offsets->col[i] != 0 && layout->col[i] << 1 == lane)
            return i;
    while (first + 1 < regs && offsets->col[first] == 0)
        first++;
    return first;
}

/* ldmatrix and stmatrix: the row's bytes are register bits, then lanes 0 and 1; or, transposed,
 * lanes 2 to
 * 4. No lane is a duplicate, and nothing else touches a row. */
static bool matrix_way(const Layout *layout, const LayoutVectors *low, unsigned elem_bytes,
                       Way *way) {
    const uint32_t *reg = layout->col, *lane = layout_columns(layout, LL_LANE);
    unsigned regs = layout->nin[LL_REG], word = word_bits_of(elem_bytes);
    if (elem_bytes << low->count != 16 || has_vector(lane, LAYOUT_LANE_BITS, 0))
        return false;
    bool plain = elem_bytes <= 4 && memcmp(low->at + word, lane, 2 * sizeof *lane) == 0 &&
                 touched_by(layout, low, word + 2);
    for (unsigned i = 0; i < word; i++)
        plain = plain && has_vector(reg, regs, low->at[i]);
    way->bits = low->count;
    way->phase.count = 0;
    if (plain) {
        way->op = SHARED_MATRIX;
        layout_vectors_append(&way->phase, lane + 2, 3);
        return true;
    }
    if (elem_bytes == 2 && regs > 0 && memcmp(low->at, lane + 2, 3 * sizeof *lane) == 0 &&
        touched_by(layout, low, 3)) {
        way->op = SHARED_MATRIX_TRANS;
        layout_vectors_add(&way->phase, reg[pair_bit(layout, layout)]);
        layout_vectors_append(&way->phase, lane, 2);
        return true;
    }
    return false;
}

static Way access_way(const Layout *layout, const LayoutVectors *low, unsigned elem_bytes,
                      bool matrix) {
    Way way = {.op = SHARED_VECTOR, .bits = layout_run_bits(layout, low->at, low->count)};
    Way rows;
    if (matrix && elem_bytes << way.bits < 16 && matrix_way(layout, low, elem_bytes, &rows))
        return rows;
    layout_vectors_append(&way.phase, layout_columns(layout, LL_LANE),
                          layout_phase_bits(elem_bytes << way.bits));
    return way;
}

/* ---- the search -------------------------------------------------------------------------------*/

typedef struct Search {
    const Layout *side[2];
    unsigned elem_bytes;
    unsigned bits;      /* of the tile */
    unsigned line_bits; /* log2 of the elements of 128 bytes */
    bool onehot, matrix[2];
    unsigned best;     /* instructions; UINT32_MAX before the first */
    LayoutVectors off; /* the columns of the best scratch */
    Way ways[2];
} Search;

static unsigned instructions_of(const Layout *layout, const Way *way) {
    return way->bits < layout->nin[LL_REG] ? 1u << (layout->nin[LL_REG] - way->bits) : 1;
}

static LayoutVectors units_of(unsigned bits) {
    LayoutVectors list = {0};
    for (unsigned b = 0; b < bits; b++)
        layout_vectors_add(&list, (uint32_t)1 << b);
    return list;
}

/* Fills `low` up to a bank's word with whatever threads hold. */
static void fill_word(const Search *search, LayoutVectors *low) {
    LayoutVectors any = {0}, more = {0};
    for (unsigned k = LL_WARP + 1; k-- > LL_LANE;)
        for (unsigned x = 0; x < 2; x++)
            layout_vectors_append(&any, layout_columns(search->side[x], (LayoutDim)k),
                                  search->side[x]->nin[k]);
    layout_extend(low, &any, &more);
    for (unsigned i = 0; i < more.count && low->count < word_bits_of(search->elem_bytes); i++)
        layout_vectors_add(low, more.at[i]);
}

/* Takes `low` if it is feasible and better than what was found before. */
static void try_low(Search *search, const LayoutVectors *candidate) {
    LayoutVectors low = *candidate, units = units_of(search->bits), outside = {0},
                  span[2] = {{0}, {0}};
    if (low.count > row_bits_of(search->elem_bytes) || has_vector(low.at, low.count, 0))
        return;
    Way ways[2];
    unsigned cost = 0;
    for (unsigned x = 0; x < 2; x++) {
        ways[x] = access_way(search->side[x], &low, search->elem_bytes, search->matrix[x]);
        cost += instructions_of(search->side[x], &ways[x]);
    }
    if (cost >= search->best)
        return;
    fill_word(search, &low);
    unsigned word = word_bits_of(search->elem_bytes), lines = 0;
    if (search->bits > search->line_bits)
        lines = search->bits - search->line_bits;
    for (unsigned x = 0; x < 2; x++) {
        const LayoutVectors *phase = &ways[x].phase;
        if (!search->onehot)
            layout_vectors_append(&span[x], low.at, word < low.count ? word : low.count);
        for (unsigned i = 0; i < phase->count; i++)
            if (!search->onehot || !has_vector(low.at, low.count, phase->at[i]))
                layout_vectors_add(&span[x], phase->at[i]);
    }
    if (search->onehot)
        layout_extend(&low, &units, &outside);
    LayoutVectors seg;
    if (!layout_avoid(&span[0], &span[1], search->onehot ? &outside : &units, lines, &seg))
        return;
    LayoutVectors used = low;
    layout_vectors_append(&used, seg.at, seg.count);
    search->off = low;
    layout_extend(&used, &units, &search->off);
    layout_vectors_append(&search->off, seg.at, seg.count);
    search->best = cost;
    memcpy(search->ways, ways, sizeof ways);
}

/* The registers of both sides, ascending, up to 16 bytes. */
static LayoutVectors common_registers(const Search *search) {
    LayoutVectors same = {0};
    if (!search->onehot)
        return same;
    for (unsigned b = 0; b < search->bits && same.count < row_bits_of(search->elem_bytes); b++) {
        uint32_t unit = (uint32_t)1 << b;
        if (has_vector(search->side[0]->col, search->side[0]->nin[LL_REG], unit) &&
            has_vector(search->side[1]->col, search->side[1]->nin[LL_REG], unit))
            layout_vectors_add(&same, unit);
    }
    return same;
}

/* Widens `same` by registers of side `x`: first those that are phase lanes of the other side. */
static void try_wider(Search *search, const LayoutVectors *same, unsigned x) {
    const Layout *mine = search->side[x], *other = search->side[1 - x];
    const uint32_t *lanes = layout_columns(other, LL_LANE);
    unsigned phase = layout_phase_bits(search->elem_bytes << same->count);
    LayoutVectors wide = *same;
    for (int lane = 1; lane >= 0; lane--) {
        for (unsigned b = 0; b < search->bits; b++) {
            uint32_t unit = (uint32_t)1 << b;
            if (!has_vector(mine->col, mine->nin[LL_REG], unit) ||
                has_vector(wide.at, wide.count, unit) || has_vector(lanes, phase, unit) != lane)
                continue;
            layout_vectors_add(&wide, unit);
            try_low(search, &wide);
        }
    }
}

/* The rows of matrix instructions of side `x`. */
static void try_rows(Search *search, unsigned x) {
    const Layout *mine = search->side[x];
    const uint32_t *lane = layout_columns(mine, LL_LANE);
    unsigned regs = mine->nin[LL_REG], word = word_bits_of(search->elem_bytes);
    LayoutVectors low = {0};
    layout_vectors_append(&low, lane + 2, 3);
    try_low(search, &low);
    for (unsigned i = 0; i < (word > 0 ? regs : 1); i++) {
        for (unsigned j = 0; j < (word > 1 ? regs : 1); j++) {
            if (word > 1 && i == j)
                continue;
            low.count = 0;
            if (word > 0)
                layout_vectors_add(&low, mine->col[i]);
            if (word > 1)
                layout_vectors_add(&low, mine->col[j]);
            layout_vectors_append(&low, lane, 2);
            try_low(search, &low);
        }
    }
}

static void search_scratch(Search *search) {
    LayoutVectors same = common_registers(search);
    search->best = UINT32_MAX;
    try_low(search, &same); /* always feasible */
    assert(search->best != UINT32_MAX);
    for (unsigned x = 0; x < 2 && search->onehot; x++)
        try_wider(search, &same, x);
    for (unsigned x = 2; x-- > 0 && search->onehot;) /* of equals: stores of vectors */
        if (search->matrix[x])
            try_rows(search, x);
}

/* ---- the two sides of a plan ------------------------------------------------------------------*/

/* The register bit whose offset is `offset`; the layout has it. */
static uint8_t reg_bit_at(const Layout *offsets, uint32_t offset) {
    unsigned i = 0;
    while (i < offsets->nin[LL_REG] && offsets->col[i] != offset)
        i++;
    assert(i < offsets->nin[LL_REG]);
    return (uint8_t)i;
}

static void fill_matrix(SharedSide *side, const Layout *tile, unsigned word_bits) {
    const uint32_t *lane = layout_columns(&side->offsets, LL_LANE);
    uint32_t used = 0;
    if (side->op == SHARED_MATRIX_TRANS) {
        unsigned half = pair_bit(tile, &side->offsets);
        side->word_bits = 1;
        side->word_reg[0] = (uint8_t)half;
        side->row[0] = side->offsets.col[half];
        memcpy(side->row + 1, lane, 2 * sizeof *lane);
    } else {
        side->word_bits = (uint8_t)word_bits;
        for (unsigned i = 0; i < word_bits; i++)
            side->word_reg[i] = reg_bit_at(&side->offsets, (uint32_t)1 << i);
        memcpy(side->row, lane + 2, 3 * sizeof *lane);
    }
    for (unsigned i = 0; i < side->word_bits; i++)
        used |= (uint32_t)1 << side->word_reg[i];
    for (unsigned i = 0; i < side->offsets.nin[LL_REG] && side->mat_bits < 2; i++)
        if (!(used >> i & 1) && side->offsets.col[i] != 0)
            side->mat_reg[side->mat_bits++] = (uint8_t)i;
}

/* The wavefronts that the 8 rows of a matrix take: those that lie in the same 16 bytes of a line of
 * banks wait for each other. */
static unsigned row_wavefronts(const uint32_t row[3], unsigned elem_bytes) {
    uint32_t places = 0;
    for (unsigned r = 0; r < 8; r++) {
        uint32_t offset = (r & 1 ? row[0] : 0) ^ (r & 2 ? row[1] : 0) ^ (r & 4 ? row[2] : 0);
        places |= (uint32_t)1 << (offset * elem_bytes / 16 & 7);
    }
    return 8 / bits_count(places);
}

/* Fills a side in from its tile, offsets, op and vector width. */
static void fill_side(SharedSide *side, const Layout *tile, unsigned bits, unsigned elem_bytes) {
    const Layout *offsets = &side->offsets;
    unsigned regs = offsets->nin[LL_REG], inside = 0;
    for (unsigned i = regs; i < offsets->ncol; i++)
        side->base_bits |= offsets->col[i];
    if (side->op == SHARED_VECTOR) {
        side->vector.bits = bits;
        for (unsigned i = 0; i < bits; i++) {
            side->vector.reg_bit[i] = reg_bit_at(offsets, (uint32_t)1 << i);
            side->vector.mask |= (uint32_t)1 << side->vector.reg_bit[i];
        }
        side->instructions = 1u << (regs - bits);
        side->wavefronts = side->instructions *
                           layout_wavefronts(layout_columns(offsets, LL_LANE), elem_bytes, bits);
        return;
    }
    fill_matrix(side, tile, word_bits_of(elem_bytes));
    inside = side->word_bits + side->mat_bits;
    side->instructions = 1u << (regs - inside);
    side->wavefronts = side->instructions << side->mat_bits;
    side->wavefronts *= row_wavefronts(side->row, elem_bytes);
}

static SharedSide side_in(const Layout *tile, const Layout *offsets, unsigned elem_bytes,
                          bool matrix) {
    SharedSide side;
    memset(&side, 0, sizeof side);
    side.offsets = *offsets;
    LayoutVectors low = units_of(layout_bits(offsets));
    if (low.count > row_bits_of(elem_bytes))
        low.count = row_bits_of(elem_bytes);
    Way way = access_way(offsets, &low, elem_bytes, matrix);
    side.op = way.op;
    fill_side(&side, tile, way.bits, elem_bytes);
    return side;
}

SharedSide layout_shared_side(const Layout *tile, const Layout *shared, unsigned elem_bytes,
                              bool matrix) {
    Layout inverse;
    bool invertible = layout_invert(shared, &inverse);
    assert(invertible);
    (void)invertible;
    Layout offsets = layout_compose(tile, &inverse);
    SharedSide vectors = side_in(tile, &offsets, elem_bytes, false);
    if (!matrix)
        return vectors;
    SharedSide side = side_in(tile, &offsets, elem_bytes, true);
    return side.instructions < vectors.instructions ? side : vectors;
}

/* ---- rounds -----------------------------------------------------------------------------------*/

/* A word without the bits of `gone`. */
static uint32_t squeeze(uint32_t word, uint32_t gone) {
    uint32_t out = 0;
    for (unsigned from = 0, to = 0; from < 32; from++) {
        if (gone >> from & 1)
            continue;
        out |= (word >> from & 1) << to++;
    }
    return out;
}

/* The tile without the element bits of `gone`, and, if `strip`, without the registers that held
 * them. */
static Layout without_bits(const Layout *layout, uint32_t gone, bool strip) {
    Layout out = *layout;
    uint32_t regs[LAYOUT_MAX_COLUMNS];
    unsigned count = 0;
    for (unsigned a = 0; a < layout->rank; a++)
        out.nout[a] = (uint8_t)(out.nout[a] - bits_count(gone & layout_axis_mask(layout, a)));
    for (unsigned i = 0; i < layout->ncol; i++) {
        out.col[i] = squeeze(layout->col[i], gone);
        if (i < layout->nin[LL_REG] && out.col[i] != 0)
            regs[count++] = out.col[i];
    }
    if (strip)
        layout_set(&out, LL_REG, regs, count);
    return out;
}

/* Chooses the element bits to go round by round: registers of both sides, highest first, so that
 * the low ones stay for vectors. */
static void choose_rounds(const Layout *src, const Layout *dst, unsigned bits, unsigned wanted,
                          SharedPlan *plan) {
    for (unsigned b = bits; b-- > 0 && plan->round_bits < wanted;) {
        uint32_t unit = (uint32_t)1 << b;
        if (!has_vector(src->col, src->nin[LL_REG], unit) ||
            !has_vector(dst->col, dst->nin[LL_REG], unit))
            continue;
        plan->store_round[plan->round_bits] = reg_bit_at(src, unit);
        plan->load_round[plan->round_bits++] = reg_bit_at(dst, unit);
        plan->gone |= unit;
    }
}

static void plan_side(const Layout *layout, const Layout *inverse, const Way *way,
                      unsigned elem_bytes, uint32_t gone, SharedSide *side) {
    Layout rest = without_bits(layout, gone, false);
    side->offsets = layout_compose(&rest, inverse);
    side->op = way->op;
    fill_side(side, &rest, way->bits, elem_bytes);
}

void layout_plan_shared(const Layout *src, const Layout *dst, const SharedOptions *options,
                        SharedPlan *plan) {
    memset(plan, 0, sizeof *plan);
    unsigned bits = layout_bits(src), wanted = 0, elem_bytes = options->elem_bytes;
    bool onehot = layout_is_onehot(src) && layout_is_onehot(dst);
    while (options->max_bytes != 0 && elem_bytes << bits >> wanted > options->max_bytes)
        wanted++;
    if (onehot)
        choose_rounds(src, dst, bits, wanted, plan);
    Layout from = without_bits(src, plan->gone, true), to = without_bits(dst, plan->gone, true),
           inverse;
    Search search = {.side = {&from, &to},
                     .elem_bytes = elem_bytes,
                     .onehot = onehot,
                     .matrix = {options->stmatrix, options->ldmatrix}};
    search.bits = layout_bits(&from);
    search.line_bits = bits_top(128 / elem_bytes);
    search_scratch(&search);
    plan->shared = layout_empty(LAYOUT_SHARED, from.rank, from.nout);
    layout_set(&plan->shared, LL_OFF, search.off.at, search.off.count);
    plan->scratch_bytes = elem_bytes << search.bits;
    layout_invert(&plan->shared, &inverse);
    plan_side(src, &inverse, &search.ways[0], elem_bytes, plan->gone, &plan->store);
    plan_side(dst, &inverse, &search.ways[1], elem_bytes, plan->gone, &plan->load);
}
