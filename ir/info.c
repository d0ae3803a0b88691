/* info.c -- the tables that ops.def, attrs.def and enums.def describe, and look-ups in them.
 *
 * Each .def file is included several times with another meaning of its macro: once for the table,
 * once for assertions that a row makes sense. A wrong row does not compile: writing COMM on an
 * operation of one operand fails with "AddI: commutative means binary".
 */
#include "ir/ir.h"

#include <assert.h>
#include <string.h>

/* The words that rows of ops.def use for traits. */
enum {
    PURE = IR_PURE,
    ELT = IR_ELT,
    COMM = IR_COMM,
    ASSOC = IR_ASSOC,
    READS = IR_READS,
    WRITES = IR_WRITES,
    EFFECT = IR_EFFECT,
    TERM = IR_TERM,
    SCOPE = IR_SCOPE,
    LAID = IR_LAID,
    FLAT = IR_FLAT
};

/* ATTRS(A, B) lists attributes; missing ones become ATTR_ and are not counted. */
enum { ATTR_ = ATTR_COUNT };
#define ATTRS(...) ATTRS_8(__VA_ARGS__, , , , , , , , )
#define ATTRS_8(a, b, c, d, e, f, g, h, ...)                                                       \
    .attrs = {ID(a), ID(b), ID(c), ID(d), ID(e), ID(f), ID(g), ID(h)},                             \
    .num_attrs = IS_ATTR(a) + IS_ATTR(b) + IS_ATTR(c) + IS_ATTR(d) + IS_ATTR(e) + IS_ATTR(f) +     \
                 IS_ATTR(g) + IS_ATTR(h)
#define ID(a)      ((IrAttrId)ATTR_##a)
#define IS_ATTR(a) ((unsigned)ATTR_##a != (unsigned)ATTR_COUNT)

const IrOpInfo ir_op_infos[OP_COUNT] = {
#define OP(opname, mnemonic_, operands_, results_, attrs_, regions_, traits_, rule_, meaning_)     \
    [OP_##opname] = {.name = #opname,                                                              \
                     .mnemonic = mnemonic_,                                                        \
                     .operands = operands_,                                                        \
                     .results = results_,                                                          \
                     attrs_,                                                                       \
                     .num_regions = regions_,                                                      \
                     .traits = traits_,                                                            \
                     .rule = RULE_##rule_,                                                         \
                     .meaning = meaning_},
#include "ir/ops.def"
#undef OP
};

/* What must hold of every row. IMPLIES is spelled out because it reads like the rule. */
#define IMPLIES(condition, consequence) (!(condition) || (consequence))
#define LETTERS(text)                   (sizeof(text) - 1)
#define OP(name, mnemonic, operands, results, attrs, regions, traits, rule, meaning)               \
    static_assert(IMPLIES((traits)&COMM, LETTERS(operands) == 2),                                  \
                  #name ": commutative means binary");                                             \
    static_assert(IMPLIES((traits)&ASSOC, (traits)&COMM),                                          \
                  #name ": associative operations are commutative here");                          \
    static_assert(IMPLIES((traits)&ELT, ((traits)&PURE) && LETTERS(results) == 1),                 \
                  #name ": elementwise means pure, one result");                                   \
    static_assert(IMPLIES((traits)&PURE, !((traits) & (READS | WRITES | EFFECT | TERM))),          \
                  #name ": pure means no effect");                                                 \
    static_assert(IMPLIES((traits)&TERM, LETTERS(results) == 0 && (regions) == 0),                 \
                  #name ": a terminator has neither results nor regions");                         \
    static_assert(((traits)&SCOPE ? 1 : 0) == ((regions) > 0), #name ": SCOPE means regions");     \
    static_assert((traits) != 0, #name ": some trait says whether it may be removed");             \
    static_assert(IMPLIES(RULE_##rule == RULE_SAME, LETTERS(results) == 1),                        \
                  #name ": SAME means one result");                                                \
    static_assert(IMPLIES(RULE_##rule == RULE_CMP, LETTERS(operands) == 2),                        \
                  #name ": CMP compares two");                                                     \
    static_assert(IMPLIES(RULE_##rule == RULE_SELECT, LETTERS(operands) == 3),                     \
                  #name ": SELECT has three operands");                                            \
    static_assert(IMPLIES(RULE_##rule == RULE_CAST, LETTERS(operands) == 1),                       \
                  #name ": CAST converts one");                                                    \
    static_assert(LETTERS(meaning) > 4, #name ": says what it does");
#include "ir/ops.def"
#undef OP

const IrAttrInfo ir_attr_infos[ATTR_COUNT] = {
#define ATTR(id, text, kind_, dflt_, form_)                                                        \
    [ATTR_##id] = {text, ATTRKIND_##kind_, dflt_, FORM_##form_},
#include "ir/attrs.def"
#undef ATTR
};

#define ENUM_BEGIN(kind) static const char *const kind##_texts[] = {
#define ENUM(name, text) [name] = text,
#define ENUM_END(kind)                                                                             \
    }                                                                                              \
    ;
#include "ir/enums.def"
#undef ENUM_BEGIN
#undef ENUM
#undef ENUM_END

typedef struct EnumInfo {
    const char *const *texts;
    int64_t count; /* 0: the kind is no enumeration */
} EnumInfo;

static const EnumInfo enum_infos[ATTRKIND_COUNT] = {
#define ENUM_BEGIN(kind) [ATTRKIND_##kind] = {kind##_texts, kind##_COUNT},
#define ENUM(name, text)
#define ENUM_END(kind)
#include "ir/enums.def"
#undef ENUM_BEGIN
#undef ENUM
#undef ENUM_END
};

IrOpcode ir_opcode_from_mnemonic(const char *mnemonic, size_t len) {
    for (int code = 0; code < OP_COUNT; code++) {
        const char *candidate = ir_op_infos[code].mnemonic;
        if (strlen(candidate) == len && memcmp(candidate, mnemonic, len) == 0)
            return (IrOpcode)code;
    }
    return OP_COUNT;
}

const char *ir_enum_text(IrAttrId attr, int64_t value) {
    EnumInfo info = enum_infos[ir_attr_infos[attr].kind];
    return value >= 0 && value < info.count ? info.texts[value] : "<unknown>";
}

int64_t ir_enum_value(IrAttrId attr, const char *text, size_t len) {
    EnumInfo info = enum_infos[ir_attr_infos[attr].kind];
    for (int64_t value = 0; value < info.count; value++) {
        if (strlen(info.texts[value]) == len && memcmp(info.texts[value], text, len) == 0)
            return value;
    }
    return -1;
}

IrAttr *ir_attr(const IrOp *op, IrAttrId id) {
    const IrOpInfo *info = ir_info(op);
    unsigned i = 0;
    while (i + 1 < info->num_attrs && info->attrs[i] != id)
        i++;
    assert(info->attrs[i] == id);
    return &op->attrs[i];
}

int64_t ir_attr_int(const IrOp *op, IrAttrId id) {
    return ir_attr(op, id)->u.i;
}

const char *ir_attr_str(const IrOp *op, IrAttrId id) {
    return ir_attr(op, id)->u.str;
}
