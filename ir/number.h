/* number.h -- constants of IR element types: bit patterns, numbers, and their text.
 *
 * A constant is held as the bit pattern of its element type, zero-extended to 64 bits. Text is
 * exact: a finite float prints as the shortest decimal that reads back as the same bits, the
 * canonical quiet NaN prints as nan, any other NaN as its bits (0x7fc00001).
 */
#ifndef TKC_IR_NUMBER_H
#define TKC_IR_NUMBER_H

#include "ir/ir.h"

/* The low `bits` bits set; bits is 1 to 64. */
uint64_t ir_bit_mask(unsigned bits);
/* The pattern's low `bits` bits as a two's complement number. */
int64_t ir_sign_extend(uint64_t pattern, unsigned bits);
/* Float kinds (TY_F8E4M3 .. TY_F64): the number a pattern stands for (exact), and the nearest
 * pattern to a number (one rounding, ties to even; NaN becomes the canonical one). */
double ir_float_from_bits(IrTypeKind kind, uint64_t bits);
uint64_t ir_float_to_bits(IrTypeKind kind, double value);
uint64_t ir_float_nan(IrTypeKind kind); /* the canonical quiet NaN */
bool ir_float_is_nan(IrTypeKind kind, uint64_t bits);

/* Appends the text of a constant of (element) type `elem`. */
void ir_number_print(const IrType *elem, uint64_t bits, StrBuf *out);
/* Reads it back; false if `text` is no constant of that type. Accepts 0x bit patterns for all. */
bool ir_number_parse(const IrType *elem, const char *text, uint64_t *bits);

#endif
