/* layout_bank.c -- how many wavefronts an access to shared memory takes.
 *
 * 32 banks of 4 bytes. A warp's access is served in phases: all lanes for up to 4 bytes a lane,
 * halves for 8, quarters for 16. A phase costs the largest number of distinct words in one bank;
 * lanes that read one word share it. For a linear map from lanes to addresses that number is a
 * power of two: of the words of a phase, 2^(rank of the words), those in one bank are a coset of
 * the kernel of "word mod 32", so
 *
 *     wavefronts = phases * 2^(rank of words - rank of words mod 32).
 *
 * Source: CUDA C++ Programming Guide, "Shared Memory"; the phases of wide accesses: CUTLASS, GTC
 * 2019. Example: 4-byte elements, lanes at offsets 0 32 64 ...: one bank, 32 wavefronts.
 */
#include "ir/layout_access.h"

#include "support/bits.h"

#include <assert.h>

#define BANKS 32u

unsigned layout_phase_bits(unsigned bytes) {
    return bytes >= 16 ? 3 : bytes == 8 ? 4 : 5;
}

unsigned layout_wavefronts(const uint32_t lanes[LAYOUT_LANE_BITS], unsigned elem_bytes,
                           unsigned vec_bits) {
    unsigned phase = layout_phase_bits(elem_bytes << vec_bits), count = 0;
    uint32_t words[LAYOUT_LANE_BITS + 4], banks[LAYOUT_LANE_BITS + 4];
    assert(elem_bytes << vec_bits <= 16);
    for (unsigned i = 0; i < phase; i++)
        words[count++] = lanes[i] * elem_bytes >> 2;
    for (unsigned i = 0; i < vec_bits; i++)
        words[count++] = (elem_bytes << i) >> 2;
    for (unsigned i = 0; i < count; i++)
        banks[i] = words[i] % BANKS;
    return 1u << (LAYOUT_LANE_BITS - phase + layout_rank(words, count) - layout_rank(banks, count));
}

/* The most distinct words of one bank among `count` lanes of `bytes` bytes. */
static unsigned phase_wavefronts(const uint32_t *addresses, unsigned count, unsigned bytes) {
    uint32_t words[32 * 4];
    unsigned num = 0, in_bank[BANKS] = {0}, most = 0;
    for (unsigned i = 0; i < count; i++) {
        for (unsigned b = 0; b < bytes; b += 4) {
            uint32_t word = (addresses[i] + b) / 4;
            unsigned j = 0;
            while (j < num && words[j] != word)
                j++;
            if (j < num)
                continue;
            words[num++] = word;
            if (++in_bank[word % BANKS] > most)
                most = in_bank[word % BANKS];
        }
    }
    return most;
}

unsigned layout_count_wavefronts(const uint32_t *addresses, unsigned count, unsigned bytes) {
    unsigned total = 0, phase = 1u << layout_phase_bits(bytes);
    assert(count <= 32 && bytes <= 16);
    for (unsigned i = 0; i < count; i += phase)
        total += phase_wavefronts(addresses + i, count - i < phase ? count - i : phase, bytes);
    return total;
}
