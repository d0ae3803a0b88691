/* Vectors, dead registers, bank conflicts, reductions and scans, each against brute force. */
#include <criterion/criterion.h>
#include <string.h>

#include "ir/layout_access.h"
#include "layout_random.h"

static Layout parse(const char *text) {
    Layout layout;
    const char *error;
    cr_assert(layout_parse(text, strlen(text), &layout, &error), "%s: %s", text, error);
    return layout;
}

static Layout random_tile(LayoutRandom *random, unsigned max_bits) {
    uint8_t axes[3];
    layout_random_axes(random, layout_random_below(random, max_bits + 1), 3, axes);
    Layout layout = layout_random(random, 3, axes, layout_random_below(random, 4), false);
    return layout_canonical(&layout);
}

/* ---- vectors ----------------------------------------------------------------------------------*/

/* The memory of the brute-force access: element with coordinate c of its row lies at row +
 * address(c), where runs of `contiguity` are consecutive and begin at multiples of `alignment`. */
typedef struct Memory {
    uint64_t contiguity, alignment, constancy;
} Memory;

static uint64_t address_of(const Memory *memory, unsigned size, uint32_t row, uint32_t c) {
    uint64_t run = c / memory->contiguity, pitch = memory->contiguity * size * 2 + 1024;
    /* An odd multiple of the alignment: nothing is aligned better by luck. */
    uint64_t start =
        (pitch * (run + 64 * (uint64_t)row) / memory->alignment * 2 + 1) * memory->alignment;
    return start + c % memory->contiguity * size;
}

/* Whether 1 << bits elements of each thread can be moved at once: each register group of a thread
 * has consecutive, aligned addresses and one mask. */
static bool vector_works(const Layout *layout, unsigned axis, unsigned size, const Memory *memory,
                         unsigned bits) {
    if (bits > layout->nout[axis] || size << bits > 16)
        return false;
    for (uint32_t w = 0; w < 1u << layout->nin[LL_WARP]; w++) {
        for (uint32_t l = 0; l < 32; l++) {
            uint32_t found = 0;
            for (uint32_t r = 0; r < layout_num_regs(layout); r++) {
                uint32_t first = layout_element(layout, r, l, w, 0),
                         c = layout_coord(layout, first, axis);
                if (c % (1u << bits) != 0)
                    continue;
                found++;
                uint32_t row = first & ~layout_axis_mask(layout, axis);
                uint64_t at = address_of(memory, size, row, c);
                if (at % (size << bits) != 0)
                    return false;
                for (uint32_t i = 1; i < 1u << bits; i++) {
                    uint32_t word = first ^ i << layout_axis_shift(layout, axis);
                    uint32_t mine = layout_element(layout, 0, l, w, 0), reg;
                    if (!layout_find_reg(layout, word ^ mine, &reg) ||
                        address_of(memory, size, row, c + i) != at + i * size ||
                        (c + i) / memory->constancy != c / memory->constancy)
                        return false;
                }
            }
            if (found << bits != layout_num_regs(layout))
                return false;
        }
    }
    return true;
}

Test(layout_vector, widths_are_the_largest_that_work) {
    LayoutRandom random = {1};
    unsigned wide = 0;
    for (unsigned n = 0; n < 500; n++) {
        Layout layout = random_tile(&random, 9);
        unsigned axis = n % 3, size = 1u << layout_random_below(&random, 4);
        for (unsigned b = 0; n % 2 && b < layout.nout[axis];
             b++) { /* bring low bits into registers */
            uint32_t unit = layout_axis_bit(&layout, axis, b);
            for (unsigned i = 0; i < layout.ncol && b < layout.nin[LL_REG]; i++)
                if (layout.col[i] == unit) {
                    layout.col[i] = layout.col[b];
                    layout.col[b] = unit;
                }
        }
        layout = layout_canonical(&layout);
        Memory memory = {1u << layout_random_below(&random, 6),
                         1u << layout_random_below(&random, 6),
                         1u << layout_random_below(&random, 6)};
        LayoutAccess access = {axis, size, memory.contiguity, memory.constancy, memory.alignment};
        unsigned bits = layout_vector_bits(&layout, &access);
        cr_assert(bits == 0 || vector_works(&layout, axis, size, &memory, bits));
        cr_assert(!vector_works(&layout, axis, size, &memory, bits + 1), "%s %u",
                  layout_random_text(&layout), bits);
        wide += bits > 0;
        LayoutVector vector = layout_vector(&layout, axis, bits);
        for (uint32_t first = 0; first < layout_num_regs(&layout); first++)
            for (uint32_t i = 0; (first & vector.mask) == 0 && i < 1u << bits; i++)
                cr_assert_eq(layout_element(&layout, layout_vector_reg(&vector, first, i), 0, 0, 0),
                             layout_element(&layout, first, 0, 0, 0) |
                                 i << layout_axis_shift(&layout, axis));
    }
    cr_assert_gt(wide, 30);
}

Test(layout_vector, each_limit_counts) {
    Layout layout = parse("<64x64; reg j0 j1 j2 i4 i5; lane j3 j4 j5 i0 i1; warp i2 i3>");
    LayoutAccess access = {1, 2, 64, 0, 0};
    cr_assert_eq(layout_vector_bits(&layout, &access), 3);
    access.mask_constancy = 4;
    cr_assert_eq(layout_vector_bits(&layout, &access), 2);
    access.mask_constancy = 0, access.alignment = 4;
    cr_assert_eq(layout_vector_bits(&layout, &access), 1);
    access.alignment = 1; /* less than an element */
    cr_assert_eq(layout_vector_bits(&layout, &access), 0);
    access.alignment = 0, access.contiguity = 6;
    cr_assert_eq(layout_vector_bits(&layout, &access), 1);
    access.contiguity = 0, access.elem_bytes = 8;
    cr_assert_eq(layout_vector_bits(&layout, &access), 1);
    access.axis = 0;
    cr_assert_eq(layout_vector_bits(&layout, &access), 0);
    layout.col[6] ^= 2; /* a lane disturbs j1 */
    access = (LayoutAccess){1, 2, 64, 0, 0};
    cr_assert_eq(layout_vector_bits(&layout, &access), 1);
}

Test(layout_vector, dead_registers_hold_only_padding) {
    LayoutRandom random = {2};
    for (unsigned n = 0; n < 200; n++) {
        Layout layout = random_tile(&random, 10);
        int64_t shape[3];
        for (unsigned a = 0; a < 3; a++) /* more than half of the padded extent */
            shape[a] = (int64_t)((1u << layout.nout[a]) -
                                 layout_random_below(&random, (1u << layout.nout[a]) / 2 + 1));
        for (uint32_t r = 0; r < layout_num_regs(&layout); r++) {
            bool alive = false;
            for (uint32_t w = 0; w < 1u << layout.nin[LL_WARP]; w++)
                for (uint32_t l = 0; l < 32; l++)
                    alive |=
                        layout_word_in_shape(&layout, shape, layout_element(&layout, r, l, w, 0));
            cr_assert_eq(layout_reg_is_dead(&layout, shape, r), !alive);
        }
    }
    /* 32 of the 64 accumulators of a warpgroup's 64x96 tile of instructions padded to 64x128. */
    Layout acc = parse("<128x128; reg j0 j3 j4 j5 j6 i3 i6; lane j1 j2 i0 i1 i2; warp i4 i5>");
    unsigned dead = 0;
    for (uint32_t r = 0; r < 128; r++)
        dead += layout_reg_is_dead(&acc, (const int64_t[]){128, 96}, r);
    cr_assert_eq(dead, 32);
}

/* ---- banks ------------------------------------------------------------------------------------*/

Test(layout_bank, predicted_wavefronts_are_those_counted) {
    LayoutRandom random = {3};
    unsigned seen[33] = {0};
    for (unsigned n = 0; n < 4000; n++) {
        unsigned size = 1u << layout_random_below(&random, 4), vec;
        do
            vec = layout_random_below(&random, 5);
        while (size << vec > 16);
        uint32_t lanes[5], addresses[32];
        for (unsigned i = 0; i < 5; i++)
            lanes[i] = (layout_random_below(&random, 2048) >> vec << vec) & (n % 3 ? ~0u : 0x60u);
        for (unsigned l = 0; l < 32; l++)
            addresses[l] = layout_mul(lanes, l) * size;
        unsigned predicted = layout_wavefronts(lanes, size, vec);
        cr_assert_eq(predicted, layout_count_wavefronts(addresses, 32, size << vec));
        seen[predicted]++;
    }
    cr_assert(seen[1] && seen[2] && seen[4] && seen[8] && seen[16]);
}

Test(layout_bank, examples) {
    const uint32_t row[] = {1, 2, 4, 8, 16}, column[] = {32, 64, 128, 256, 512}, one[5] = {0};
    cr_assert_eq(layout_wavefronts(row, 4, 0), 1);
    cr_assert_eq(layout_wavefronts(column, 4, 0), 32);
    cr_assert_eq(layout_wavefronts(one, 4, 0), 1); /* a broadcast */
    const uint32_t wide[] = {4, 8, 16, 32, 64}, far[] = {4, 8, 32, 64, 128};
    cr_assert_eq(layout_wavefronts(wide, 4, 2), 4);
    cr_assert_eq(layout_wavefronts(far, 4, 2), 8); /* two of a quarter's lanes share banks */
    /* 8 bytes a lane go by halves: lane bit 4 never conflicts with the others, lane bit 0 does. */
    const uint32_t pairs[] = {32, 2, 4, 8, 16};
    cr_assert_eq(layout_wavefronts(pairs, 4, 1), 4);
    cr_assert_eq(layout_wavefronts(pairs, 8, 0), 4);
    /* Padding is not linear: only the counter knows it. f32 rows of 256 + 4 bytes, read by columns.
     */
    uint32_t padded[32];
    for (unsigned l = 0; l < 32; l++)
        padded[l] = l * 260;
    cr_assert_eq(layout_count_wavefronts(padded, 32, 4), 1);
    for (unsigned l = 0; l < 32; l++)
        padded[l] = l * 272;
    cr_assert_eq(layout_count_wavefronts(padded, 32, 4), 4);
    cr_assert_eq(layout_count_wavefronts(padded, 8, 16), 1); /* the rows of one 8x8 matrix */
}

/* ---- reductions and scans ---------------------------------------------------------------------*/

enum { MAX_THREADS = 8 * 32, MAX_REGS = 1 << 9 };

/* What a register of a thread has combined so far: coordinates along the axis, as a set. */
typedef struct Part {
    uint32_t rest; /* the element's other coordinates */
    uint64_t set;
} Part;

static Part parts[MAX_THREADS][MAX_REGS];

static Part combine(Part a, Part b) {
    cr_assert_eq(a.rest, b.rest, "elements of different fibres meet");
    cr_assert_eq(a.set & b.set, 0, "an element is combined twice");
    return (Part){a.rest, a.set | b.set};
}

static void load_parts(const Layout *layout, unsigned axis) {
    uint32_t inside = layout_axis_mask(layout, axis);
    for (uint32_t thread = 0; thread < 32u << layout->nin[LL_WARP]; thread++) {
        for (uint32_t r = 0; r < layout_num_regs(layout); r++) {
            uint32_t word = layout_element(layout, r, thread & 31, thread >> 5, 0);
            parts[thread][r] =
                (Part){word & ~inside, (uint64_t)1 << layout_coord(layout, word, axis)};
        }
    }
}

/* Every thread combines its register with that of the thread whose number differs in `bit`. */
static void exchange(uint32_t threads, uint32_t reg, uint32_t bit) {
    for (uint32_t thread = 0; thread < threads; thread++) {
        if (thread & bit)
            continue;
        Part both = combine(parts[thread][reg], parts[thread | bit][reg]);
        parts[thread][reg] = parts[thread | bit][reg] = both;
    }
}

Test(layout_reduce, each_thread_combines_its_fibre_once) {
    LayoutRandom random = {4};
    for (unsigned n = 0; n < 300; n++) {
        Layout layout = random_tile(&random, 9);
        unsigned axis = n % 3;
        LayoutReduce reduce;
        if (layout.nout[axis] > 6)
            continue;
        cr_assert(layout_reduce(&layout, axis, &reduce));
        load_parts(&layout, axis);
        uint32_t threads = 32u << layout.nin[LL_WARP];
        for (unsigned s = 0; s < layout_reduce_steps(&reduce); s++) {
            for (uint32_t i = 0; i < layout_reduce_pairs(&reduce, s); i++) {
                uint32_t left, right;
                layout_reduce_pair(&reduce, s, i, &left, &right);
                for (uint32_t thread = 0; thread < threads; thread++)
                    parts[thread][left] = combine(parts[thread][left], parts[thread][right]);
            }
        }
        uint32_t moved = reduce.masks[LL_LANE] | reduce.masks[LL_WARP] << 5;
        for (uint32_t r = 0; r < layout_num_regs(&reduce.result); r++)
            for (uint32_t left = moved; left != 0; left &= left - 1)
                exchange(threads, layout_reduce_reg(&reduce, r), left & (~left + 1));
        uint64_t all = UINT64_MAX >> (64 - (1u << layout.nout[axis]));
        for (uint32_t thread = 0; thread < threads; thread++) {
            for (uint32_t r = 0; r < layout_num_regs(&reduce.result); r++) {
                Part part = parts[thread][layout_reduce_reg(&reduce, r)];
                uint32_t word = layout_element(&reduce.result, r, thread & 31, thread >> 5, 0);
                unsigned low = layout_axis_shift(&layout, axis), high = low + layout.nout[axis];
                uint32_t below = (1u << low) - 1;
                cr_assert_eq(part.set, all);
                cr_assert_eq((part.rest & below) | part.rest >> high << low, word);
            }
        }
    }
}

Test(layout_reduce, mixed_columns_are_refused) {
    Layout layout = parse("<4x4; reg j0 i0; lane i1 j1 . . .>");
    LayoutReduce reduce;
    cr_assert(layout_reduce(&layout, 1, &reduce));
    cr_assert_eq(reduce.masks[LL_REG], 1);
    cr_assert_eq(reduce.masks[LL_LANE], 2);
    layout.col[2] ^= 1; /* lane 0: i1 + j0 */
    cr_assert(!layout_reduce(&layout, 1, &reduce));
}

/* What a register of a thread has scanned so far: coordinates first .. first + count - 1. */
typedef struct Stretch {
    uint32_t rest, first, count;
} Stretch;

static Stretch before[MAX_THREADS][MAX_REGS], after[MAX_THREADS][MAX_REGS];

static void scan_one(const LayoutScanStep *step, uint32_t thread, uint32_t reg) {
    uint32_t lane = thread & 31, warp = thread >> 5;
    Stretch mine = before[thread][reg];
    after[thread][reg] = mine;
    if (!((reg & step->bit[LL_REG]) | (lane & step->bit[LL_LANE]) | (warp & step->bit[LL_WARP])))
        return;
    lane = (lane & ~step->bit[LL_LANE]) | step->low[LL_LANE];
    warp = (warp & ~step->bit[LL_WARP]) | step->low[LL_WARP];
    Stretch left = before[warp << 5 | lane][(reg & ~step->bit[LL_REG]) | step->low[LL_REG]];
    cr_assert_eq(left.rest, mine.rest);
    cr_assert_eq(left.first + left.count, mine.first);
    after[thread][reg] = (Stretch){mine.rest, left.first, left.count + mine.count};
}

Test(layout_reduce, a_scan_combines_exactly_the_prefix_in_order) {
    LayoutRandom random = {5};
    for (unsigned n = 0; n < 300; n++) {
        Layout layout = random_tile(&random, 9);
        unsigned axis = n % 3;
        uint32_t threads = 32u << layout.nin[LL_WARP], regs = layout_num_regs(&layout);
        for (uint32_t thread = 0; thread < threads; thread++) {
            for (uint32_t r = 0; r < regs; r++) {
                uint32_t word = layout_element(&layout, r, thread & 31, thread >> 5, 0);
                before[thread][r] = (Stretch){word & ~layout_axis_mask(&layout, axis),
                                              layout_coord(&layout, word, axis), 1};
            }
        }
        for (unsigned t = 0; t < layout.nout[axis]; t++) {
            LayoutScanStep step = layout_scan_step(&layout, axis, t);
            for (uint32_t thread = 0; thread < threads; thread++)
                for (uint32_t r = 0; r < regs; r++)
                    scan_one(&step, thread, r);
            memcpy(before, after, sizeof before);
        }
        for (uint32_t thread = 0; thread < threads; thread++) {
            for (uint32_t r = 0; r < regs; r++) {
                uint32_t word = layout_element(&layout, r, thread & 31, thread >> 5, 0);
                cr_assert_eq(before[thread][r].first, 0);
                cr_assert_eq(before[thread][r].count, layout_coord(&layout, word, axis) + 1);
            }
        }
    }
}
