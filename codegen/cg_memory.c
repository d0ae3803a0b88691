/* cg_memory.c -- loads and stores of global memory, as wide as the layout allows.
 *
 * The passes have found, for each load and store, `vector` elements that neighbour one another
 * along the axis `along`: the layout has them in registers of one thread, their addresses are
 * consecutive and aligned, their mask is one. Each such group is one access of up to 16 bytes.
 *
 * An access under a mask is inline PTX with a predicate, so that no branch is needed: the other
 * value is in the registers before, and `@p ld` overwrites it where the mask holds. Plain accesses
 * are LLVM's own, which folds constant offsets into addresses.
 *
 *     load %p, %m, vector = 4        @%p1 ld.global.v4.b32 {%r1, %r2, %r3, %r4}, [%rd1];
 *
 * Cache operators and eviction priorities as in Triton: `evict` names the priority in L1, and gives
 * L2 a policy made by createpolicy (PTX ISA, "Cache Eviction Priority Hints").
 */
#include <string.h>

#include "codegen/cg.h"

enum { MAX_ACCESS = 16 }; /* bytes */

LLVMValueRef cg_addptr(Cg *cg, const IrOp *op, LLVMValueRef *args) {
    const IrType *pointee = ir_elem(ir_operand(op, 0)->type)->elem;
    bool is_unsigned = ir_attr_int(op, ATTR_UNSIGNED) != 0;
    LLVMValueRef offset = args[1];
    if (LLVMTypeOf(offset) == cg->type.i1)
        is_unsigned = true;
    if (LLVMTypeOf(offset) != cg->type.i64)
        offset = is_unsigned ? LLVMBuildZExt(cg->b, offset, cg->type.i64, "")
                             : LLVMBuildSExt(cg->b, offset, cg->type.i64, "");
    return LLVMBuildGEP2(cg->b, cg_memory_type(cg, pointee), args[0], &offset, 1, "");
}

/* ---- which registers an access takes -----------------------------------------------------------
 */

typedef struct Vector {
    unsigned width;               /* registers of an access */
    unsigned num_bits;            /* log2 of it */
    unsigned bit[MAX_ACCESS / 2]; /* the register bits that count its elements, lowest first */
    unsigned mask;                /* all of them */
} Vector;

/* Elements along `axis` come in whole groups of at most this many within the true extent. */
static unsigned whole_groups(int64_t extent, unsigned width) {
    while (extent % width != 0)
        width /= 2;
    return width;
}

static Vector plan_vector(Cg *cg, const IrOp *op, const IrType *type) {
    Vector vector = {.width = 1};
    unsigned width = (unsigned)ir_attr_int(op, ATTR_VECTOR);
    unsigned axis = (unsigned)ir_attr_int(op, ATTR_ALONG);
    if (!ir_is_tile(type) || width <= 1)
        return vector;
    const Layout *layout = type->layout;
    width = whole_groups(type->shape[axis], width);
    while (width * ir_elem_size(ir_elem(type)) > MAX_ACCESS)
        width /= 2;
    const uint32_t *columns = layout_columns(layout, LL_REG);
    for (unsigned n = 0; ((unsigned)1 << n) < width; n++) {
        uint32_t wanted = layout_axis_bit(layout, axis, n);
        unsigned bit = 0;
        while (bit < layout->nin[LL_REG] && columns[bit] != wanted)
            bit++;
        if (bit == layout->nin[LL_REG]) {
            cg_internal(cg, op, "the layout does not hold vectors of %u", width);
            return (Vector){.width = 1};
        }
        vector.bit[n] = bit;
        vector.mask |= (unsigned)1 << bit;
        vector.num_bits = n + 1;
        vector.width *= 2;
    }
    return vector;
}

/* The register of element `i` of the access that begins with register `first`. */
static unsigned member(const Vector *vector, unsigned first, unsigned i) {
    for (unsigned n = 0; n < vector->num_bits; n++)
        if (i >> n & 1)
            first |= (unsigned)1 << vector->bit[n];
    return first;
}

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

static Pieces plan_pieces(Cg *cg, unsigned bytes, unsigned element) {
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
static LLVMValueRef gather_elements(Cg *cg, const IrType *type, const LLVMValueRef *elements,
                                    unsigned count) {
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

static void scatter_elements(Cg *cg, const IrType *type, LLVMValueRef vector,
                             LLVMValueRef *elements, unsigned count) {
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

typedef struct Hints {
    CACHE_Enum cache;
    EVICT_Enum evict;
    bool is_volatile;
} Hints;

static Hints read_hints(const IrOp *op) {
    Hints hints = {.cache = (CACHE_Enum)ir_attr_int(op, ATTR_CACHE),
                   .evict = (EVICT_Enum)ir_attr_int(op, ATTR_EVICT)};
    hints.is_volatile = op->code == OP_Load && ir_attr_int(op, ATTR_VOLATILE) != 0;
    return hints;
}

static bool is_plain(const Hints *hints) {
    return hints->cache == CACHE_NONE && hints->evict == EVICT_NORMAL && !hints->is_volatile;
}

/* A cache policy for L2, or NULL. */
static LLVMValueRef make_policy(Cg *cg, const Hints *hints) {
    if (hints->evict == EVICT_NORMAL || hints->is_volatile)
        return NULL;
    cg_need_ptx(cg, 74);
    const char *text = hints->evict == EVICT_FIRST
                           ? "createpolicy.fractional.L2::evict_first.b64 $0, 1.0;"
                           : "createpolicy.fractional.L2::evict_last.b64 $0, 1.0;";
    return cg_asm(cg, text, "=l", cg->type.i64, NULL, 0, false);
}

static void put_modifiers(StrBuf *text, const Hints *hints) {
    if (hints->is_volatile) {
        strbuf_puts(text, ".volatile.global");
        return;
    }
    strbuf_puts(text, ".global");
    if (hints->cache != CACHE_NONE)
        strbuf_printf(text, ".%s", ir_enum_text(ATTR_CACHE, (int64_t)hints->cache));
    else if (hints->evict != EVICT_NORMAL)
        strbuf_printf(text, ".L1::evict_%s", ir_enum_text(ATTR_EVICT, (int64_t)hints->evict));
    if (hints->evict != EVICT_NORMAL)
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

static void add_operand(StrBuf *constraints, LLVMValueRef *args, unsigned *count, const char *what,
                        LLVMValueRef value) {
    strbuf_printf(constraints, "%s%s", constraints->len > 0 ? "," : "", what);
    args[(*count)++] = value;
}

/* ---- load --------------------------------------------------------------------------------------
 */

typedef struct Access {
    const IrOp *op;
    const IrType *type; /* of the tile or scalar that is moved */
    Vector vector;
    Hints hints;
    LLVMValueRef policy; /* or NULL */
    unsigned bytes;
    Pieces pieces;
    CodegenAccess *record;
} Access;

static Access begin_access(Cg *cg, const IrOp *op, const IrType *type) {
    Access access = {.op = op, .type = type, .vector = plan_vector(cg, op, type)};
    unsigned element = (unsigned)ir_elem_size(ir_elem(type));
    access.hints = read_hints(op);
    access.policy = make_policy(cg, &access.hints);
    access.bytes = access.vector.width * element;
    access.pieces = plan_pieces(cg, access.bytes, element);
    CodegenAccess record = {.op = op, .bytes = access.bytes};
    vec_push(cg->arena, &cg->accesses, record);
    access.record = &vec_last(&cg->accesses);
    return access;
}

static void note_access(Access *access, bool predicated) {
    access->record->count++;
    access->record->predicated |= predicated;
}

static LLVMValueRef load_plain(Cg *cg, const Access *access, LLVMValueRef ptr) {
    LLVMTypeRef type = elements_type(cg, access->type, access->vector.width);
    LLVMValueRef value = LLVMBuildLoad2(cg->b, type, ptr, "");
    LLVMSetAlignment(value, access->bytes);
    return value;
}

/* `otherwise`: what the registers hold where the predicate is false; unused if that is NULL. */
static LLVMValueRef load_inline(Cg *cg, const Access *access, LLVMValueRef ptr,
                                LLVMValueRef predicate, LLVMValueRef otherwise) {
    const Pieces *p = &access->pieces;
    LLVMTypeRef type = elements_type(cg, access->type, access->vector.width);
    StrBuf text = STRBUF(cg->arena), constraints = STRBUF(cg->arena);
    LLVMValueRef args[8], before[4];
    unsigned count = 0, address = p->count, next = address + 1;
    for (unsigned i = 0; i < p->count; i++)
        strbuf_printf(&constraints, "%s=%c", i > 0 ? "," : "", p->letter);
    add_operand(&constraints, args, &count, "l", ptr);
    if (predicate != NULL)
        strbuf_printf(&text, "@$%u ", next++);
    strbuf_puts(&text, "ld");
    put_modifiers(&text, &access->hints);
    put_type(&text, p);
    put_registers(&text, 0, p->count);
    strbuf_printf(&text, ", [$%u]", address);
    if (predicate != NULL)
        add_operand(&constraints, args, &count, "b", predicate);
    if (access->policy != NULL) {
        strbuf_printf(&text, ", $%u", next++);
        add_operand(&constraints, args, &count, "l", access->policy);
    }
    strbuf_puts(&text, ";");
    if (predicate != NULL) {
        to_pieces(cg, p, otherwise, before);
        for (unsigned i = 0; i < p->count; i++)
            add_operand(&constraints, args, &count, arena_printf(cg->arena, "%u", i), before[i]);
    }
    strbuf_puts(&constraints, ",~{memory}");
    LLVMTypeRef fields[4] = {p->type, p->type, p->type, p->type};
    LLVMTypeRef result =
        p->count > 1 ? LLVMStructTypeInContext(cg->unit.context, fields, p->count, 0) : p->type;
    LLVMValueRef got =
        cg_asm(cg, strbuf_str(&text), strbuf_str(&constraints), result, args, count, true);
    return from_pieces(cg, p, got, type);
}

static void load_group(Cg *cg, Access *access, unsigned first, LLVMValueRef *regs) {
    const IrOp *op = access->op;
    unsigned width = access->vector.width;
    LLVMValueRef elements[MAX_ACCESS];
    LLVMValueRef mask = op->num_operands > 1 ? cg_reg(cg, ir_operand(op, 1), first) : NULL;
    LLVMValueRef predicate = cg_and(cg, mask, cg_within(cg, access->type, first));
    if (cg_is_const(predicate, 1))
        predicate = NULL;
    LLVMValueRef ptr = cg_reg(cg, ir_operand(op, 0), first), got;
    note_access(access, predicate != NULL);
    if (predicate == NULL && is_plain(&access->hints)) {
        got = load_plain(cg, access, ptr);
    } else {
        for (unsigned i = 0; i < width; i++)
            elements[i] = op->num_operands > 2
                              ? cg_reg(cg, ir_operand(op, 2), member(&access->vector, first, i))
                              : cg_const(cg, access->type, 0);
        LLVMValueRef otherwise = gather_elements(cg, access->type, elements, width);
        got = load_inline(cg, access, ptr, predicate, otherwise);
    }
    scatter_elements(cg, access->type, got, elements, width);
    for (unsigned i = 0; i < width; i++)
        regs[member(&access->vector, first, i)] = elements[i];
}

void cg_lower_load(Cg *cg, const IrOp *op) {
    const IrType *type = ir_result(op, 0)->type;
    Access access = begin_access(cg, op, type);
    LLVMValueRef *regs = cg_new_regs(cg, type);
    for (unsigned r = 0; r < cg_num_regs(type); r++) {
        if (cg_is_dead(type, r))
            regs[r] = cg_poison(cg, type);
        else if ((r & access.vector.mask) == 0)
            load_group(cg, &access, r, regs);
    }
    cg_define(cg, ir_result(op, 0), regs);
}

/* ---- store -------------------------------------------------------------------------------------
 */

static void store_inline(Cg *cg, const Access *access, LLVMValueRef ptr, LLVMValueRef predicate,
                         LLVMValueRef value) {
    const Pieces *p = &access->pieces;
    StrBuf text = STRBUF(cg->arena), constraints = STRBUF(cg->arena);
    LLVMValueRef args[8], pieces[4];
    unsigned count = 0;
    to_pieces(cg, p, value, pieces);
    add_operand(&constraints, args, &count, "l", ptr);
    for (unsigned i = 0; i < p->count; i++)
        add_operand(&constraints, args, &count, (char[]){p->letter, 0}, pieces[i]);
    if (predicate != NULL) {
        strbuf_printf(&text, "@$%u ", count);
        add_operand(&constraints, args, &count, "b", predicate);
    }
    strbuf_puts(&text, "st");
    put_modifiers(&text, &access->hints);
    put_type(&text, p);
    strbuf_puts(&text, "[$0], ");
    put_registers(&text, 1, p->count);
    if (access->policy != NULL) {
        strbuf_printf(&text, ", $%u", count);
        add_operand(&constraints, args, &count, "l", access->policy);
    }
    strbuf_puts(&text, ";");
    strbuf_puts(&constraints, ",~{memory}");
    cg_asm(cg, strbuf_str(&text), strbuf_str(&constraints), cg->type.none, args, count, true);
}

static void store_group(Cg *cg, Access *access, unsigned first) {
    const IrOp *op = access->op;
    unsigned width = access->vector.width;
    LLVMValueRef elements[MAX_ACCESS];
    LLVMValueRef mask = op->num_operands > 2 ? cg_reg(cg, ir_operand(op, 2), first) : NULL;
    LLVMValueRef predicate = cg_and(cg, mask, cg_within(cg, access->type, first));
    predicate = cg_and(cg, predicate, cg_owner(cg, access->type));
    bool always = cg_is_const(predicate, 1);
    for (unsigned i = 0; i < width; i++)
        elements[i] = cg_reg(cg, ir_operand(op, 1), member(&access->vector, first, i));
    LLVMValueRef value = gather_elements(cg, access->type, elements, width);
    LLVMValueRef ptr = cg_reg(cg, ir_operand(op, 0), first);
    note_access(access, !always);
    if (!always || !is_plain(&access->hints)) {
        store_inline(cg, access, ptr, always ? NULL : predicate, value);
        return;
    }
    LLVMValueRef store = LLVMBuildStore(cg->b, value, ptr);
    LLVMSetAlignment(store, access->bytes);
}

void cg_lower_store(Cg *cg, const IrOp *op) {
    const IrType *type = ir_operand(op, 1)->type;
    Access access = begin_access(cg, op, type);
    for (unsigned r = 0; r < cg_num_regs(type); r++)
        if (!cg_is_dead(type, r) && (r & access.vector.mask) == 0)
            store_group(cg, &access, r);
}
