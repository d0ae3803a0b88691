/* libdevice.h -- between libdevice.c and libdevice_word.c. */
#ifndef TKC_IR_INTERP_LIBDEVICE_H
#define TKC_IR_INTERP_LIBDEVICE_H

#include "ir/interp/program.h"

#define LIB_MAX_ARITY 4

/* A function over bit patterns, zero-extended; `types` is the overload: the arguments' letters. */
typedef uint64_t (*LibWordFn)(const uint64_t *args, const char *types);

/* Bit patterns of floats ('f', 'd') as doubles, and back with one rounding. */
double lib_unpack(uint64_t bits, char letter);
uint64_t lib_pack(double value, char letter);

#define LIB_WORD_FUNCTIONS(X)                                                                      \
    X(lib_ilogb)                                                                                   \
    X(lib_pow)                                                                                     \
    X(lib_ldexp)                                                                                   \
    X(lib_norm4d)                                                                                  \
    X(lib_rnorm4d) X(lib_jn) X(lib_yn) X(lib_to_i64_rn) X(lib_llround) X(lib_abs) X(lib_nextafter) \
        X(lib_isnan) X(lib_isinf) X(lib_isfinite) X(lib_signbit) X(lib_min) X(lib_max) X(          \
            lib_clz) X(lib_popc) X(lib_ffs) X(lib_brev) X(lib_byte_perm) X(lib_mulhi) X(lib_mul24) \
            X(lib_sad) X(lib_hadd) X(lib_rhadd) X(lib_add_rn) X(lib_add_rz) X(lib_add_rd) X(       \
                lib_add_ru) X(lib_sub_rn) X(lib_sub_rz) X(lib_sub_rd) X(lib_sub_ru) X(lib_mul_rn)  \
                X(lib_mul_rz) X(lib_mul_rd) X(lib_mul_ru) X(lib_div_rn) X(lib_div_rz)              \
                    X(lib_div_rd) X(lib_div_ru) X(lib_rcp_rn) X(lib_rcp_rz) X(lib_rcp_rd) X(       \
                        lib_rcp_ru) X(lib_rcp64h) X(lib_sqrt_rn) X(lib_sqrt_rz) X(lib_sqrt_rd)     \
                        X(lib_sqrt_ru) X(lib_fma_rn) X(lib_fma_rz) X(lib_fma_rd) X(lib_fma_ru)     \
                            X(lib_to_f32_rn) X(lib_to_f32_rz) X(lib_to_f32_rd) X(lib_to_f32_ru) X( \
                                lib_to_i32_rn) X(lib_to_i32_rz) X(lib_to_i32_rd) X(lib_to_i32_ru)  \
                                X(lib_to_u32_rn) X(lib_to_u32_rz) X(lib_to_u32_rd)                 \
                                    X(lib_to_u32_ru) X(lib_to_i64_rz) X(lib_to_i64_rd)             \
                                        X(lib_to_i64_ru) X(lib_to_u64_rn) X(lib_to_u64_rz)         \
                                            X(lib_to_u64_rd) X(lib_to_u64_ru) X(lib_int_to_f32_rn) \
                                                X(lib_int_to_f32_rz) X(lib_int_to_f32_rd)          \
                                                    X(lib_int_to_f32_ru) X(lib_int_to_f64_rn)      \
                                                        X(lib_int_to_f64_rz) X(lib_int_to_f64_rd)  \
                                                            X(lib_int_to_f64_ru) X(lib_same_bits)  \
                                                                X(lib_high_word) X(lib_low_word)   \
                                                                    X(lib_join_words)
#define LIB_DECLARE(name) uint64_t name(const uint64_t *args, const char *types);
LIB_WORD_FUNCTIONS(LIB_DECLARE)
#undef LIB_DECLARE

#endif
