/* numeric.h -- small floating-point formats, rounded exactly.
 *
 * Bit patterns are held in unsigned integers. All conversions round to nearest, ties to even,
 * unless the name says otherwise; NaN stays NaN (quiet). f8e4m3 is the "fn" form: no infinities,
 * S.1111.111 is NaN; f8e5m2 is IEEE-like. Down-casts to fp8 saturate only in the _sat forms
 * (Triton's .to() on NVIDIA hardware saturates to the largest finite value: cvt.satfinite).
 */
#ifndef TKC_SUPPORT_NUMERIC_H
#define TKC_SUPPORT_NUMERIC_H

#include <stdint.h>

#include "support/dtype.h"

/* One value at a time. The f64_ forms round once, not twice. */
float f16_to_f32(uint16_t bits);
uint16_t f32_to_f16(float value);
uint16_t f32_to_f16_rtz(float value);
uint16_t f64_to_f16(double value);
float bf16_to_f32(uint16_t bits);
uint16_t f32_to_bf16(float value);
uint16_t f32_to_bf16_rtz(float value);
uint16_t f64_to_bf16(double value);
float f8e4m3_to_f32(uint8_t bits);
uint8_t f32_to_f8e4m3(float value); /* out of range: NaN */
uint8_t f32_to_f8e4m3_sat(float value);
uint8_t f64_to_f8e4m3(double value);
uint8_t f64_to_f8e4m3_sat(double value);
float f8e5m2_to_f32(uint8_t bits);
uint8_t f32_to_f8e5m2(float value); /* out of range: infinity */
uint8_t f32_to_f8e5m2_sat(float value);
uint8_t f64_to_f8e5m2(double value);
uint8_t f64_to_f8e5m2_sat(double value);
/* Arrays of `count` values; `in` and `out` do not overlap. */
void f16_to_f32_n(const uint16_t *in, float *out, size_t count);
void f32_to_f16_n(const float *in, uint16_t *out, size_t count);
void bf16_to_f32_n(const uint16_t *in, float *out, size_t count);
void f32_to_bf16_n(const float *in, uint16_t *out, size_t count);
void f8e4m3_to_f32_n(const uint8_t *in, float *out, size_t count);
void f32_to_f8e4m3_n(const float *in, uint8_t *out, size_t count);
void f32_to_f8e4m3_sat_n(const float *in, uint8_t *out, size_t count);
void f8e5m2_to_f32_n(const uint8_t *in, float *out, size_t count);
void f32_to_f8e5m2_n(const float *in, uint8_t *out, size_t count);
void f32_to_f8e5m2_sat_n(const float *in, uint8_t *out, size_t count);
/* tf32: f32 with the low 13 mantissa bits gone. */
float f32_to_tf32_trunc(float value);
float f32_to_tf32_rna(float value);
uint32_t f32_bits(float value);
float f32_from_bits(uint32_t bits);
uint64_t f64_bits(double value);
double f64_from_bits(uint64_t bits);

/* Loads / stores element `index` of an array of `type` (at any address) as a double or as an int64.
 * Floats stored from a double and integers stored from an int64 (wrapping) are the usual pairs; the
 * other pairs convert: integers to floats round once, floats to integers as f64_to_i64 does. fp8
 * stores do not saturate. A bool is stored as value != 0. */
double dtype_load_f64(DType type, const void *data, size_t index);
void dtype_store_f64(DType type, void *data, size_t index, double value);
int64_t dtype_load_i64(DType type, const void *data, size_t index);
void dtype_store_i64(DType type, void *data, size_t index, int64_t value);
/* Towards zero; values out of range give the nearest end of int64, NaN gives 0. */
int64_t f64_to_i64(double value);

#endif
