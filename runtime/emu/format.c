/* format.c -- vprintf: what device_print becomes in PTX.
 *
 * The second argument points to the values, laid out as C would pass them: numbers of 4 bytes, or
 * of 8 at multiples of 8; floats have become doubles. What is printed waits with its block until
 * the launch ends, so that it appears in the order of the blocks.
 *
 *     vprintf("%d: %f\n", {int 3, pad, double 0.5})     3: 0.500000
 */
#include "runtime/emu/machine.h"

enum { MAX_TEXT = 4096, MAX_SPEC = 32 };

typedef struct Values {
    const uint8_t *at;
    size_t size, used;
} Values;

static uint64_t next_value(Values *values, size_t size) {
    uint64_t bits = 0;
    values->used = (values->used + size - 1) / size * size;
    if (values->used + size <= values->size)
        memcpy(&bits, values->at + values->used, size);
    values->used += size;
    return bits;
}

static StrBuf *print_buffer(Warp *warp) {
    Cta *cta = warp->cta;
    if (cta->print == NULL) {
        cta->print = ARENA_NEW(cta->worker->arena, StrBuf);
        *cta->print = STRBUF(cta->worker->arena);
    }
    return cta->print;
}

const char *format_string(Warp *warp, const Inst *inst, unsigned lane, uint64_t address) {
    size_t available = 0;
    const uint8_t *text = access_peek(warp, lane, address, &available);
    size_t limit = available < MAX_TEXT ? available : MAX_TEXT;
    if (text == NULL || memchr(text, 0, limit) == NULL) {
        fault_raise(warp, inst, DIAG_RUN_WILD_ADDRESS, warp->active, LANE_BIT(lane))->address =
            address;
        return NULL;
    }
    return arena_strdup(warp->cta->worker->arena, (const char *)text);
}

TK_ALLOW_FORMAT_VARIABLE_BEGIN
/* One conversion whose flags, width and precision are `spec` ("%-5.2"); `longs`: how many l. */
static void print_one(StrBuf *out, const char *spec, char kind, unsigned longs, Values *values,
                      const char *string) {
    char full[MAX_SPEC + 4];
    switch (kind) {
    case 'd':
    case 'i': {
        uint64_t bits = next_value(values, longs > 0 ? 8 : 4);
        long long value = longs > 0 ? (long long)bits : (int32_t)(uint32_t)bits;
        snprintf(full, sizeof full, "%slld", spec);
        strbuf_printf(out, full, value);
        break;
    }
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        snprintf(full, sizeof full, "%sll%c", spec, kind);
        strbuf_printf(out, full, (unsigned long long)next_value(values, longs > 0 ? 8 : 4));
        break;
    case 'c':
        strbuf_putc(out, (char)next_value(values, 4));
        break;
    case 'p':
        strbuf_printf(out, "0x%llx", (unsigned long long)(next_value(values, 8) & ADDRESS_MASK));
        break;
    case 's':
        snprintf(full, sizeof full, "%ss", spec);
        strbuf_printf(out, full, string);
        break;
    default: { /* a float */
        double value;
        uint64_t bits = next_value(values, 8);
        memcpy(&value, &bits, sizeof value);
        snprintf(full, sizeof full, "%s%c", spec, kind);
        strbuf_printf(out, full, value);
        break;
    }
    }
}
TK_ALLOW_FORMAT_VARIABLE_END

/* Takes the conversion behind a `%` apart; the position behind it, or NULL if it is none. */
static const char *take_spec(const char *at, char spec[MAX_SPEC], char *kind, unsigned *longs) {
    size_t len = strspn(at, "-+ #0123456789.");
    if (len + 2 > MAX_SPEC)
        return NULL;
    spec[0] = '%';
    memcpy(spec + 1, at, len);
    spec[len + 1] = '\0';
    at += len;
    size_t lengths = strspn(at, "hljzt");
    *longs = 0;
    for (size_t i = 0; i < lengths; i++)
        *longs += strchr("ljzt", at[i]) != NULL;
    at += lengths;
    *kind = *at;
    return *at != '\0' && strchr("diuxXocpsfFeEgGaA", *at) != NULL ? at + 1 : NULL;
}

bool format_print(Warp *warp, const Inst *inst, unsigned lane, uint64_t format, uint64_t args) {
    const char *at = format_string(warp, inst, lane, format);
    if (at == NULL)
        return false;
    Values values = {0};
    values.at = access_peek(warp, lane, args, &values.size);
    StrBuf *out = print_buffer(warp);
    while (*at != '\0') {
        size_t plain = strcspn(at, "%");
        strbuf_write(out, at, plain);
        at += plain;
        if (*at == '\0')
            break;
        char spec[MAX_SPEC], kind;
        unsigned longs;
        const char *behind = take_spec(at + 1, spec, &kind, &longs);
        if (behind == NULL) { /* %% and what is no conversion */
            strbuf_putc(out, '%');
            at += at[1] == '%' ? 2 : 1;
            continue;
        }
        const char *string = "";
        if (kind == 's') {
            string = format_string(warp, inst, lane, next_value(&values, 8));
            if (string == NULL)
                return false;
        }
        print_one(out, spec, kind, longs, &values, string);
        at = behind;
    }
    return true;
}
