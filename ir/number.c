/* number.c -- constants of IR element types: bit patterns, numbers, and their text.
 *
 * The shortest decimal is found by trying 1, 2, 3... significant digits until the text reads back
 * as the same bits (at most 17 tries); plainer than a dedicated algorithm and fast enough for IR.
 * Example: bf16 0x3dcd prints as 0.1, since 0.1 rounds to it.
 */
#include "ir/number.h"

#include "support/numeric.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

uint64_t ir_bit_mask(unsigned bits) {
    assert(bits >= 1 && bits <= 64);
    return UINT64_MAX >> (64 - bits);
}

int64_t ir_sign_extend(uint64_t pattern, unsigned bits) {
    uint64_t sign = (uint64_t)1 << (bits - 1);
    pattern &= ir_bit_mask(bits);
    return (int64_t)((pattern ^ sign) - sign);
}

static DType float_dtype(IrTypeKind kind) {
    static const DType dtypes[TY_F64 + 1] = {
        [TY_F8E4M3] = DT_F8E4M3, [TY_F8E5M2] = DT_F8E5M2, [TY_F16] = DT_F16,
        [TY_BF16] = DT_BF16,     [TY_F32] = DT_F32,       [TY_F64] = DT_F64,
    };
    assert(kind >= TY_F8E4M3 && kind <= TY_F64);
    return dtypes[kind];
}

/* The bytes of a small integer in memory order, as dtype_load_f64 and dtype_store_f64 want them. */
typedef union Cell {
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;
} Cell;

double ir_float_from_bits(IrTypeKind kind, uint64_t bits) {
    DType type = float_dtype(kind);
    Cell cell;
    switch (dtype_size(type)) {
    case 1:
        cell.u8 = (uint8_t)bits;
        break;
    case 2:
        cell.u16 = (uint16_t)bits;
        break;
    case 4:
        cell.u32 = (uint32_t)bits;
        break;
    default:
        cell.u64 = bits;
    }
    return dtype_load_f64(type, &cell, 0);
}

uint64_t ir_float_nan(IrTypeKind kind) {
    static const uint64_t nans[TY_F64 + 1] = {
        [TY_F8E4M3] = 0x7f, [TY_F8E5M2] = 0x7f,     [TY_F16] = 0x7e00,
        [TY_BF16] = 0x7fc0, [TY_F32] = 0x7fc00000u, [TY_F64] = 0x7ff8000000000000u,
    };
    return nans[kind];
}

uint64_t ir_float_to_bits(IrTypeKind kind, double value) {
    if (isnan(value))
        return ir_float_nan(kind);
    DType type = float_dtype(kind);
    Cell cell = {.u64 = 0};
    dtype_store_f64(type, &cell, 0, value);
    switch (dtype_size(type)) {
    case 1:
        return cell.u8;
    case 2:
        return cell.u16;
    case 4:
        return cell.u32;
    default:
        return cell.u64;
    }
}

bool ir_float_is_nan(IrTypeKind kind, uint64_t bits) {
    return isnan(ir_float_from_bits(kind, bits));
}

/* ---- text -------------------------------------------------------------------------------------*/

/* f32 is read by strtof: going through double would round twice. */
static bool read_float(IrTypeKind kind, const char *text, uint64_t *bits) {
    char *end;
    errno = 0;
    if (kind == TY_F32)
        *bits = f32_bits(strtof(text, &end));
    else
        *bits = ir_float_to_bits(kind, strtod(text, &end));
    return end != text && *end == '\0';
}

static void print_float(IrTypeKind kind, uint64_t bits, StrBuf *out) {
    double value = ir_float_from_bits(kind, bits);
    if (isnan(value)) {
        if (bits == ir_float_nan(kind))
            strbuf_puts(out, "nan");
        else
            strbuf_printf(out, "0x%" PRIx64, bits);
        return;
    }
    if (isinf(value)) {
        strbuf_puts(out, value < 0 ? "-inf" : "inf");
        return;
    }
    char text[64];
    if (fabs(value) < 1e15 && floor(value) == value) { /* whole numbers are easier to read so */
        strbuf_printf(out, "%.1f", value);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        uint64_t back;
        if (read_float(kind, text, &back) && back == bits)
            break;
    }
    strbuf_puts(out, text);
    if (!strpbrk(text, ".e"))
        strbuf_puts(out, ".0");
}

void ir_number_print(const IrType *elem, uint64_t bits, StrBuf *out) {
    if (elem->kind == TY_I1)
        strbuf_puts(out, bits & 1 ? "true" : "false");
    else if (ir_is_float(elem))
        print_float(elem->kind, bits, out);
    else if (ir_is_int(elem))
        strbuf_printf(out, "%" PRId64, ir_sign_extend(bits, ir_bits(elem)));
    else
        strbuf_printf(out, "0x%" PRIx64, bits);
}

static bool read_bits(unsigned width, const char *digits, uint64_t *bits) {
    char *end;
    errno = 0;
    if (digits[0] == '-' || digits[0] == '+')
        return false;
    unsigned long long value = strtoull(digits, &end, 16);
    *bits = value;
    return errno == 0 && end != digits && *end == '\0' && (value & ~ir_bit_mask(width)) == 0;
}

static bool read_int(unsigned width, const char *text, uint64_t *bits) {
    char *end;
    errno = 0;
    if (text[0] == '-') {
        long long value = strtoll(text, &end, 10);
        *bits = (uint64_t)value & ir_bit_mask(width);
        return errno == 0 && *end == '\0' && ir_sign_extend(*bits, width) == value;
    }
    unsigned long long value = strtoull(text, &end, 10);
    *bits = value;
    return errno == 0 && end != text && *end == '\0' && (value & ~ir_bit_mask(width)) == 0;
}

bool ir_number_parse(const IrType *elem, const char *text, uint64_t *bits) {
    unsigned width = ir_bits(elem);
    if (text[0] == '0' && text[1] == 'x')
        return read_bits(width, text + 2, bits);
    if (elem->kind == TY_I1 && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)) {
        *bits = text[0] == 't';
        return true;
    }
    if (ir_is_float(elem))
        return read_float(elem->kind, text, bits);
    return ir_is_int(elem) && read_int(width, text, bits);
}
