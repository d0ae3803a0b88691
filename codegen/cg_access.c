/* cg_access.c -- one access of memory: the instruction, and the elements that it moves.
 *
 * A plain access is LLVM's own, which folds constant offsets into addresses. One under a predicate,
 * or with a cache operator, is inline PTX: `@p ld` with the value for a false predicate in the
 * registers before. What moves is cut into 1, 2 or 4 pieces of 8 to 64 bits, whatever the elements.
 */
#include "codegen/cg.h"

/* ---- between elements and what an access moves -------------------------------------------------
 */

/* The pieces of an access: 1, 2 or 4 registers of PTX. */
typedef struct Pieces {
    unsigned bits; /* in memory: 8, 16, 32, 64 */
    unsigned count;
    LLVMTypeRef type;   /* in registers: 8 bits travel in 16 */
    char letter;        /* the constraint: h r l */
    LLVMTypeRef packed; /* all of them as one vector, or the piece itself */
} Pieces;

static Pieces plan_pieces(Cg *cg, const CgAccess *access) {
    unsigned element = (unsigned)ir_elem_size(ir_elem(access->type));
    unsigned bytes = element * access->count;
    Pieces p = {.bits = bytes * 8, .count = 1};
    if (p.bits > 32) {
        p.bits = element == 8 ? 64 : 32;
        p.count = bytes * 8 / p.bits;
    }
    p.letter = p.bits == 64 ? 'l' : p.bits == 32 ? 'r' : 'h';
    p.type = cg_int_type(cg, p.bits < 16 ? 16 : p.bits);
    LLVMTypeRef one = cg_int_type(cg, p.bits);
    p.packed = p.count > 1 ? LLVMVectorType(one, p.count) : one;
    return p;
}

/* Elements as LLVM has them in memory, as one vector (or the element itself). */
LLVMValueRef cg_pack(Cg *cg, const IrType *type, const LLVMValueRef *elements, unsigned count) {
    const IrType *elem = ir_elem(type);
    LLVMTypeRef one = elem->kind == TY_PTR ? cg->type.i64 : cg_memory_type(cg, elem);
    LLVMValueRef vector = count > 1 ? LLVMGetPoison(LLVMVectorType(one, count)) : NULL;
    for (unsigned i = 0; i < count; i++) {
        LLVMValueRef value = elements[i];
        if (elem->kind == TY_PTR)
            value = LLVMBuildPtrToInt(cg->b, value, one, "");
        else if (elem->kind == TY_I1)
            value = LLVMBuildZExt(cg->b, value, one, "");
        if (count == 1)
            return value;
        vector = LLVMBuildInsertElement(cg->b, vector, value, cg_i32(cg, i), "");
    }
    return vector;
}

void cg_unpack(Cg *cg, const IrType *type, LLVMValueRef vector, LLVMValueRef *elements,
               unsigned count) {
    const IrType *elem = ir_elem(type);
    for (unsigned i = 0; i < count; i++) {
        LLVMValueRef value =
            count > 1 ? LLVMBuildExtractElement(cg->b, vector, cg_i32(cg, i), "") : vector;
        if (elem->kind == TY_PTR)
            value = LLVMBuildIntToPtr(cg->b, value, cg->type.global, "");
        else if (elem->kind == TY_I1) /* any byte but zero is true */
            value = LLVMBuildICmp(cg->b, LLVMIntNE, value, LLVMConstNull(cg->type.i8), "");
        elements[i] = value;
    }
}

/* The type of gather_elements(). */
static LLVMTypeRef elements_type(Cg *cg, const IrType *type, unsigned count) {
    const IrType *elem = ir_elem(type);
    LLVMTypeRef one = elem->kind == TY_PTR ? cg->type.i64 : cg_memory_type(cg, elem);
    return count > 1 ? LLVMVectorType(one, count) : one;
}

static void to_pieces(Cg *cg, const Pieces *p, LLVMValueRef packed, LLVMValueRef *out) {
    LLVMValueRef value = LLVMBuildBitCast(cg->b, packed, p->packed, "");
    for (unsigned i = 0; i < p->count; i++) {
        out[i] = p->count > 1 ? LLVMBuildExtractElement(cg->b, value, cg_i32(cg, i), "") : value;
        if (p->bits == 8)
            out[i] = LLVMBuildZExt(cg->b, out[i], p->type, "");
    }
}

static LLVMValueRef from_pieces(Cg *cg, const Pieces *p, LLVMValueRef result, LLVMTypeRef type) {
    LLVMValueRef packed = result;
    if (p->bits == 8)
        packed = LLVMBuildTrunc(cg->b, result, cg->type.i8, "");
    if (p->count > 1) {
        packed = LLVMGetPoison(p->packed);
        for (unsigned i = 0; i < p->count; i++) {
            LLVMValueRef piece = LLVMBuildExtractValue(cg->b, result, i, "");
            packed = LLVMBuildInsertElement(cg->b, packed, piece, cg_i32(cg, i), "");
        }
    }
    return LLVMBuildBitCast(cg->b, packed, type, "");
}

/* ---- the text of an access ---------------------------------------------------------------------
 */

static void put_modifiers(StrBuf *text, const CgAccess *access) {
    strbuf_puts(text, access->is_volatile ? ".volatile" : "");
    strbuf_puts(text, access->space == SPACE_SHARED ? ".shared" : ".global");
    if (access->is_volatile)
        return;
    if (access->cache != CACHE_NONE)
        strbuf_printf(text, ".%s", ir_enum_text(ATTR_CACHE, (int64_t)access->cache));
    else if (access->evict != EVICT_NORMAL)
        strbuf_printf(text, ".L1::evict_%s", ir_enum_text(ATTR_EVICT, (int64_t)access->evict));
    if (access->policy != NULL)
        strbuf_puts(text, ".L2::cache_hint");
}

static void put_type(StrBuf *text, const Pieces *p) {
    if (p->count > 1)
        strbuf_printf(text, ".v%u", p->count);
    strbuf_printf(text, ".b%u ", p->bits);
}

/* $first, $first+1 ...; in braces if there are several. */
static void put_registers(StrBuf *text, unsigned first, unsigned count) {
    strbuf_puts(text, count > 1 ? "{" : "");
    for (unsigned i = 0; i < count; i++)
        strbuf_printf(text, "%s$%u", i > 0 ? ", " : "", first + i);
    strbuf_puts(text, count > 1 ? "}" : "");
}

/* Operands of inline PTX as they are added: at most an address, pieces, predicate, policy. */
typedef struct Operands {
    StrBuf constraints;
    LLVMValueRef args[12];
    unsigned count;
} Operands;

static void add_operand(Operands *operands, const char *constraint, LLVMValueRef value) {
    strbuf_printf(&operands->constraints, "%s%s", operands->constraints.len > 0 ? "," : "",
                  constraint);
    operands->args[operands->count++] = value;
}

static const char *address_constraint(const CgAccess *access) {
    return access->space == SPACE_SHARED ? "r" : "l";
}

void cg_access_hints(Cg *cg, CgAccess *access, const IrOp *op) {
    access->cache = (CACHE_Enum)ir_attr_int(op, ATTR_CACHE);
    access->evict = (EVICT_Enum)ir_attr_int(op, ATTR_EVICT);
    access->is_volatile = op->code == OP_Load && ir_attr_int(op, ATTR_VOLATILE) != 0;
    if (access->evict == EVICT_NORMAL || access->is_volatile)
        return;
    cg_need_ptx(cg, 74);
    const char *text = access->evict == EVICT_FIRST
                           ? "createpolicy.fractional.L2::evict_first.b64 $0, 1.0;"
                           : "createpolicy.fractional.L2::evict_last.b64 $0, 1.0;";
    access->policy = cg_asm(cg, text, "=l", cg->type.i64, NULL, 0, false);
}

static bool is_plain(const CgAccess *access) {
    return access->cache == CACHE_NONE && access->evict == EVICT_NORMAL && !access->is_volatile;
}

/* ---- load --------------------------------------------------------------------------------------
 */

static LLVMValueRef load_inline(Cg *cg, const CgAccess *access, LLVMValueRef ptr,
                                LLVMValueRef predicate, LLVMValueRef otherwise) {
    Pieces p = plan_pieces(cg, access);
    StrBuf text = STRBUF(cg->arena);
    Operands operands = {.constraints = STRBUF(cg->arena)};
    LLVMValueRef before[4];
    for (unsigned i = 0; i < p.count; i++)
        strbuf_printf(&operands.constraints, "%s=%c", i > 0 ? "," : "", p.letter);
    unsigned next = p.count;
    add_operand(&operands, address_constraint(access), ptr);
    unsigned address = next++;
    if (predicate != NULL) {
        strbuf_printf(&text, "@$%u ", next++);
        add_operand(&operands, "b", predicate);
    }
    strbuf_puts(&text, "ld");
    put_modifiers(&text, access);
    put_type(&text, &p);
    put_registers(&text, 0, p.count);
    strbuf_printf(&text, ", [$%u]", address);
    if (access->policy != NULL) {
        strbuf_printf(&text, ", $%u", next++);
        add_operand(&operands, "l", access->policy);
    }
    strbuf_puts(&text, ";");
    if (predicate != NULL) {
        to_pieces(cg, &p, otherwise, before);
        for (unsigned i = 0; i < p.count; i++)
            add_operand(&operands, arena_printf(cg->arena, "%u", i), before[i]);
    }
    strbuf_puts(&operands.constraints, ",~{memory}");
    LLVMTypeRef fields[4] = {p.type, p.type, p.type, p.type};
    LLVMTypeRef result =
        p.count > 1 ? LLVMStructTypeInContext(cg->unit.context, fields, p.count, 0) : p.type;
    LLVMValueRef got = cg_asm(cg, strbuf_str(&text), strbuf_str(&operands.constraints), result,
                              operands.args, operands.count, true);
    return from_pieces(cg, &p, got, elements_type(cg, access->type, access->count));
}

LLVMValueRef cg_load(Cg *cg, const CgAccess *access, LLVMValueRef ptr, LLVMValueRef predicate,
                     LLVMValueRef otherwise) {
    if (predicate != NULL || !is_plain(access))
        return load_inline(cg, access, ptr, predicate, otherwise);
    LLVMTypeRef type = elements_type(cg, access->type, access->count);
    LLVMValueRef value = LLVMBuildLoad2(cg->b, type, ptr, "");
    LLVMSetAlignment(value, access->align);
    return value;
}

/* ---- store -------------------------------------------------------------------------------------
 */

static void store_inline(Cg *cg, const CgAccess *access, LLVMValueRef ptr, LLVMValueRef predicate,
                         LLVMValueRef value) {
    Pieces p = plan_pieces(cg, access);
    StrBuf text = STRBUF(cg->arena);
    Operands operands = {.constraints = STRBUF(cg->arena)};
    LLVMValueRef pieces[4];
    to_pieces(cg, &p, value, pieces);
    add_operand(&operands, address_constraint(access), ptr);
    for (unsigned i = 0; i < p.count; i++)
        add_operand(&operands, (char[]){p.letter, 0}, pieces[i]);
    if (predicate != NULL) {
        strbuf_printf(&text, "@$%u ", operands.count);
        add_operand(&operands, "b", predicate);
    }
    strbuf_puts(&text, "st");
    put_modifiers(&text, access);
    put_type(&text, &p);
    strbuf_puts(&text, "[$0], ");
    put_registers(&text, 1, p.count);
    if (access->policy != NULL) {
        strbuf_printf(&text, ", $%u", operands.count);
        add_operand(&operands, "l", access->policy);
    }
    strbuf_puts(&text, ";");
    strbuf_puts(&operands.constraints, ",~{memory}");
    cg_asm(cg, strbuf_str(&text), strbuf_str(&operands.constraints), cg->type.none, operands.args,
           operands.count, true);
}

void cg_store(Cg *cg, const CgAccess *access, LLVMValueRef ptr, LLVMValueRef predicate,
              LLVMValueRef value) {
    if (predicate != NULL || !is_plain(access)) {
        store_inline(cg, access, ptr, predicate, value);
        return;
    }
    LLVMValueRef store = LLVMBuildStore(cg->b, value, ptr);
    LLVMSetAlignment(store, access->align);
}
