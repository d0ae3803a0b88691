/* libdevice.c -- which function of libdevice.def a libcall names, and which overload of it.
 *
 * Example: `libcall "pow", %x, %n : f32` with an i32 %n is the third overload of "ff:f dd:d fi:f
 * di:d".
 */
#include "ir/libdevice.h"

#include <string.h>

typedef struct Row {
    const char *name, *overloads;
} Row;

static const Row rows[] = {
#define LIBDEVICE(name, overloads, shape, function) {name, overloads},
#include "ir/libdevice.def"
#undef LIBDEVICE
};

static bool letter_fits(char letter, IrTypeKind kind) {
    switch (letter) {
    case 'f':
        return kind == TY_F32;
    case 'd':
        return kind == TY_F64;
    case 'i':
    case 'u':
        return kind == TY_I32;
    default:
        return kind == TY_I64;
    }
}

/* Does the overload at `text` ("dd:d ...") fit the op's types, and the wanted letters if any? */
static bool overload_fits(const char *text, const IrOp *op, const char *wanted) {
    size_t arity = strcspn(text, ":");
    if (arity != op->num_operands)
        return false;
    if (wanted && (strlen(wanted) != arity || strncmp(wanted, text, arity) != 0))
        return false;
    for (size_t i = 0; i < arity; i++) {
        if (!letter_fits(text[i], ir_elem(ir_operand(op, (unsigned)i)->type)->kind))
            return false;
    }
    return letter_fits(text[arity + 1], ir_elem(ir_result(op, 0)->type)->kind);
}

static const char *find_overload(const Row *row, const IrOp *op, const char *wanted) {
    for (const char *text = row->overloads; *text != '\0';) {
        if (overload_fits(text, op, wanted))
            return text;
        text += strcspn(text, " ");
        text += *text == ' ';
    }
    return NULL;
}

bool ir_libdevice_resolve(const IrOp *op, IrLibdeviceCall *call) {
    const char *name = op->code == OP_LibCall ? ir_attr_str(op, ATTR_NAME) : NULL;
    if (!name)
        return false;
    const char *colon = strchr(name, ':');
    size_t len = colon ? (size_t)(colon - name) : strlen(name);
    for (size_t i = 0; i < TK_COUNTOF(rows); i++) {
        if (strlen(rows[i].name) != len || strncmp(rows[i].name, name, len) != 0)
            continue;
        const char *letters = find_overload(&rows[i], op, colon ? colon + 1 : NULL);
        if (!letters)
            return false;
        *call = (IrLibdeviceCall){.row = i, .name = rows[i].name, .letters = letters};
        call->arity = op->num_operands;
        call->result = letters[call->arity + 1];
        return true;
    }
    return false;
}
