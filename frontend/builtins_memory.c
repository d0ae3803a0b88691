/* builtins_memory.c -- tl.load, tl.store and the atomics on pointers.
 *
 * Shapes: a load broadcasts pointer, mask and other mutually; a store or an atomic broadcasts value
 * and mask to the pointer, which never grows. A scalar pointer takes a scalar mask only. Pointers
 * to int1 are accessed as int8, as in Triton. Example: in tl.load(row_ptrs[:, None], mask=m[None,
 * :]) the pointers grow to the joint shape, in tl.store(row_ptrs[:, None], v) with a wider v that
 * is an error. Accesses through block pointers are turned into such by builtins_block.c.
 */
#include "frontend/builtins_memory.h"

#include <string.h>

/* ---- options --------------------------------------------------------------------------------- */

static const Word load_caches[] = {
    {".ca", CACHE_CA}, {".cg", CACHE_CG}, {".cs", CACHE_CS}, {".cv", CACHE_CV}};
static const Word store_caches[] = {
    {".wb", CACHE_WB}, {".cg", CACHE_CG}, {".cs", CACHE_CS}, {".wt", CACHE_WT}};
static const Word evictions[] = {{"evict_first", EVICT_FIRST}, {"evict_last", EVICT_LAST}};
static const Word semantics[] = {{"acquire", SEM_ACQUIRE},
                                 {"release", SEM_RELEASE},
                                 {"acq_rel", SEM_ACQ_REL},
                                 {"relaxed", SEM_RELAXED}};
static const Word scopes[] = {{"gpu", SCOPE_GPU}, {"cta", SCOPE_CTA}, {"sys", SCOPE_SYS}};

bool call_access_hints(Spec *s, const Call *call, unsigned cache, unsigned evict, bool is_store,
                       AccessHints *out) {
    *out = (AccessHints){CACHE_NONE, EVICT_NORMAL};
    return call_word(s, call, cache, "Cache modifier", is_store ? store_caches : load_caches,
                     TK_COUNTOF(load_caches), &out->cache) &&
           call_word(s, call, evict, "Eviction policy", evictions, TK_COUNTOF(evictions),
                     &out->evict);
}

/* ---- pointers, values, masks ----------------------------------------------------------------- */

/* A pointer to int1 as one to int8; *was_bool then. */
static SVal byte_pointer(Spec *s, SVal pointer, bool *was_bool) {
    *was_bool = tl_is_bool(*pointer.type.pointee);
    if (!*was_bool)
        return pointer;
    return spec_cast(s, pointer, tl_pointer(s, tl_type(DT_I8), pointer.type.is_const), s->b.range);
}

/* The mask as an int1 tensor; kind SV_CONST (None) if there is none. False: reported. */
static bool check_mask(Spec *s, const Call *call, unsigned i, SVal *mask) {
    *mask = call->args[i];
    if (sv_is_none(*mask))
        return true;
    if (!call_tensor(s, call, i, mask))
        return false;
    if (sv_is_number(call->args[i]))
        *mask = spec_cast(s, *mask, tl_type(DT_BOOL), call->ranges[i]);
    if (tl_is_bool(mask->type))
        return true;
    Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_MASK, call->ranges[i]);
    diag_label(d, "this is %s", sv_type_name(s, *mask));
    diag_help(d, "compare to get booleans: offsets < n");
    return false;
}

/* A block argument next to a scalar pointer is refused. */
static bool check_scalar_access(Spec *s, const Call *call, SVal pointer, unsigned i, SVal v,
                                const char *what) {
    if (sv_is_tile(pointer) || !sv_is_tile(v))
        return true;
    Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_BLOCK_ARGUMENT, call->ranges[i], what);
    diag_note(d, call->ranges[0], "the pointer is a scalar, %s", sv_type_name(s, pointer));
    diag_help(d, "add a tile of offsets to the pointer: p + tl.arange(0, N)");
    return false;
}

/* The pointer must not be a constant one. */
static bool check_writable(Spec *s, const Call *call, SVal pointer) {
    if (!pointer.type.is_const)
        return true;
    Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_CONST_STORE, call->ranges[0]);
    diag_help(d, "the parameter is annotated tl.const; remove that, or write elsewhere");
    return false;
}

/* Broadcasts `v` to the pointer's shape; the pointer itself must not grow. */
static bool fit_to_pointer(Spec *s, const Call *call, SVal pointer, SVal *v, unsigned i) {
    if (!sv_is_tile(pointer)) {
        if (!sv_is_tile(*v))
            return true;
        bool is_mask = str_eq(call->builtin->params[i].name, "mask");
        return check_scalar_access(s, call, pointer, i, *v, is_mask ? "Mask" : "Value");
    }
    SVal grown = pointer;
    if (!spec_broadcast_pair(s, &grown, v, range_join(call->ranges[0], call->ranges[i])))
        return false;
    if (ir_same_shape(grown.u.ir->type, pointer.u.ir->type))
        return true;
    Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_POINTER_SHAPE, call->ranges[0],
                         shape_text(s, sv_shape(grown), sv_rank(grown)),
                         shape_text(s, sv_shape(pointer), sv_rank(pointer)));
    diag_note(d, call->ranges[i], "this is %s", sv_type_name(s, call->args[i]));
    diag_help(d, "broadcast the pointer's offsets to that shape first");
    return false;
}

/* ---- load ------------------------------------------------------------------------------------ */

/* The `other` values in the element type and, with pointer and mask, in the joint shape. */
static bool join_load_shapes(Spec *s, const Call *call, SVal *pointer, SVal *mask, SVal *other,
                             TlType elem) {
    if (sv_is_none(*mask))
        return true;
    if (!check_scalar_access(s, call, *pointer, 1, *mask, "Mask") ||
        !spec_broadcast_pair(s, pointer, mask, range_join(call->ranges[0], call->ranges[1])))
        return false;
    if (sv_is_none(*other))
        return true;
    SVal value = sv_is_number(*other) ? spec_number(s, *other, elem, call->ranges[2]) : *other;
    if (!sv_is_tensor(value)) {
        if (!sv_is_error(value))
            call_tensor(s, call, 2, &value);
        return false;
    }
    *other = spec_cast(s, value, elem, call->ranges[2]);
    if (sv_is_error(*other) || !check_scalar_access(s, call, *pointer, 2, *other, "Other") ||
        !spec_broadcast_pair(s, pointer, other, range_join(call->ranges[0], call->ranges[2])))
        return false;
    return spec_broadcast_pair(s, pointer, mask, call->ranges[1]);
}

static SVal load_pointer(Spec *s, const Call *call, const AccessHints *hints, bool is_volatile) {
    SVal pointer, mask, other = call->args[2];
    if (!call_pointer(s, call, 0, &pointer) || !check_mask(s, call, 1, &mask))
        return SVAL_ERROR;
    if (!sv_is_none(other) && sv_is_none(mask)) {
        Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_OTHER, call->ranges[2]);
        diag_help(d, "give a mask too, or drop `other`");
        return SVAL_ERROR;
    }
    bool was_bool;
    pointer = byte_pointer(s, pointer, &was_bool);
    TlType elem = *pointer.type.pointee;
    if (!join_load_shapes(s, call, &pointer, &mask, &other, elem))
        return SVAL_ERROR;
    IrValue *loaded = ir_load(&s->b, pointer.u.ir, sv_is_none(mask) ? NULL : mask.u.ir,
                              sv_is_none(other) ? NULL : other.u.ir);
    ir_set_int(loaded->def, ATTR_CACHE, hints->cache);
    ir_set_int(loaded->def, ATTR_EVICT, hints->evict);
    ir_set_int(loaded->def, ATTR_VOLATILE, is_volatile);
    SVal v = sv_tensor(loaded, elem);
    return was_bool ? spec_cast(s, v, tl_type(DT_BOOL), call->range) : v;
}

/* boundary_check and padding_option belong to block pointers. */
static bool no_block_options(Spec *s, const Call *call, unsigned boundary, unsigned padding) {
    unsigned i = call->given[boundary] ? boundary : padding;
    SVal v = call->args[i];
    if (!call->given[i] || sv_is_none(v) || (v.kind == SV_TUPLE && v.u.tuple.len == 0))
        return true;
    size_t len = 1;
    if (sv_is_const(v) && py_is_str(v.u.py))
        py_str_data(v.u.py, &len);
    if (len == 0)
        return true;
    SPEC_ERROR(s, DIAG_BUILTIN_BOUNDARY, call->ranges[i]);
    return false;
}

SVal builtin_load(Spec *s, const Call *call) {
    AccessHints hints;
    bool is_volatile;
    if (!call_access_hints(s, call, 5, 6, false, &hints) || !call_bool(s, call, 7, &is_volatile))
        return SVAL_ERROR;
    if (call->args[0].kind == SV_BLOCKPTR)
        return block_load(s, call, &hints, is_volatile);
    if (!no_block_options(s, call, 3, 4))
        return SVAL_ERROR;
    return load_pointer(s, call, &hints, is_volatile);
}

/* ---- store ----------------------------------------------------------------------------------- */

/* Argument `i` as a value of the type the pointer points to. */
static bool check_value(Spec *s, const Call *call, unsigned i, TlType elem, SVal *value) {
    *value = call->args[i];
    if (sv_is_number(*value))
        *value = tl_is_ptr(elem) ? spec_to_tensor(s, *value, call->ranges[i])
                                 : store_number(s, *value, elem, call->ranges[i]);
    else if (!call_tensor(s, call, i, value))
        return false;
    if (!sv_is_error(*value))
        *value = spec_cast(s, *value, elem, call->ranges[i]);
    return !sv_is_error(*value);
}

/* A number is stored as `number.to(elem)`: through its own type, so that 300 wraps in an int8. */
SVal store_number(Spec *s, SVal number, TlType elem, SrcRange range) {
    if (tl_is_float(elem))
        return spec_number(s, number, elem, range);
    SVal v = spec_to_tensor(s, number, range);
    return sv_is_error(v) ? v : spec_cast(s, v, elem, range);
}

SVal builtin_store(Spec *s, const Call *call) {
    AccessHints hints;
    if (!call_access_hints(s, call, 4, 5, true, &hints))
        return SVAL_ERROR;
    if (call->args[0].kind == SV_BLOCKPTR)
        return block_store(s, call, &hints);
    SVal pointer, value, mask;
    bool was_bool;
    if (!no_block_options(s, call, 3, 3) || !call_pointer(s, call, 0, &pointer) ||
        !check_writable(s, call, pointer) || !check_mask(s, call, 2, &mask))
        return SVAL_ERROR;
    TlType elem = *pointer.type.pointee;
    if (!check_value(s, call, 1, elem, &value))
        return SVAL_ERROR;
    pointer = byte_pointer(s, pointer, &was_bool);
    value = spec_cast(s, value, *pointer.type.pointee, call->ranges[1]);
    if (!fit_to_pointer(s, call, pointer, &value, 1) ||
        (!sv_is_none(mask) && !fit_to_pointer(s, call, pointer, &mask, 2)))
        return SVAL_ERROR;
    IrOp *op = ir_store(&s->b, pointer.u.ir, value.u.ir, sv_is_none(mask) ? NULL : mask.u.ir);
    ir_set_int(op, ATTR_CACHE, hints.cache);
    ir_set_int(op, ATTR_EVICT, hints.evict);
    return sv_none();
}

/* ---- atomics --------------------------------------------------------------------------------- */

typedef enum AtomicKind {
    ATOMIC_ADD,
    ATOMIC_MAX,
    ATOMIC_MIN,
    ATOMIC_AND,
    ATOMIC_OR,
    ATOMIC_XOR,
    ATOMIC_XCHG
} AtomicKind;

static AtomicKind atomic_kind(const char *name) {
    static const char *const names[] = {"atomic_add", "atomic_max", "atomic_min", "atomic_and",
                                        "atomic_or",  "atomic_xor", "atomic_xchg"};
    int i = 0;
    while (!str_eq(names[i], name))
        i++;
    return (AtomicKind)i;
}

RMW_Enum atomic_rmw_code(const char *name, TlType type) {
    bool is_float = tl_is_float(type), is_signed = tl_is_signed(type);
    switch (atomic_kind(name)) {
    case ATOMIC_ADD:
        return is_float ? RMW_FADD : RMW_ADD;
    case ATOMIC_MAX:
        return is_float ? RMW_FMAX : is_signed ? RMW_MAX : RMW_UMAX;
    case ATOMIC_MIN:
        return is_float ? RMW_FMIN : is_signed ? RMW_MIN : RMW_UMIN;
    case ATOMIC_AND:
        return RMW_AND;
    case ATOMIC_OR:
        return RMW_OR;
    case ATOMIC_XOR:
        return RMW_XOR;
    case ATOMIC_XCHG:
        break;
    }
    return RMW_XCHG;
}

static bool atomic_type_fits(AtomicKind kind, TlType type) {
    if (type.pointee)
        return false;
    unsigned bits = tl_bits(type);
    switch (kind) {
    case ATOMIC_ADD:
        return bits >= 32 || (bits == 16 && tl_is_float(type));
    case ATOMIC_MAX:
    case ATOMIC_MIN:
    case ATOMIC_XCHG:
        return bits >= 32;
    case ATOMIC_AND:
    case ATOMIC_OR:
    case ATOMIC_XOR:
        return bits >= 32 && tl_is_int(type);
    }
    return false;
}

static bool check_atomic_type(Spec *s, const Call *call, TlType type) {
    AtomicKind kind = atomic_kind(call_name(call));
    if (atomic_type_fits(kind, type))
        return true;
    Diag *d =
        SPEC_ERROR(s, DIAG_BUILTIN_ATOMIC_TYPE, call->ranges[0], call_name(call), tl_name(s, type));
    const char *fits = "integers of 32 and 64 bits";
    if (kind == ATOMIC_ADD)
        fits = "integers and floats of 32 and 64 bits, fp16 and bf16";
    else if (atomic_type_fits(kind, tl_type(DT_F32)))
        fits = "integers and floats of 32 and 64 bits";
    diag_note(d, SRC_NONE, "%s works on %s", call_name(call), fits);
    return false;
}

static bool call_order(Spec *s, const Call *call, unsigned sem, int *sem_out, int *scope_out) {
    *sem_out = SEM_ACQ_REL;
    *scope_out = SCOPE_GPU;
    return call_word(s, call, sem, "Memory semantic", semantics, TK_COUNTOF(semantics), sem_out) &&
           call_word(s, call, sem + 1, "Memory semantic", scopes, TK_COUNTOF(scopes), scope_out);
}

SVal builtin_atomic_rmw(Spec *s, const Call *call) {
    SVal pointer, value, mask;
    int sem, scope;
    if (!call_pointer(s, call, 0, &pointer) || !check_writable(s, call, pointer) ||
        !call_order(s, call, 3, &sem, &scope) || !check_mask(s, call, 2, &mask))
        return SVAL_ERROR;
    TlType elem = *pointer.type.pointee;
    if (!check_atomic_type(s, call, elem) || !check_value(s, call, 1, elem, &value) ||
        !fit_to_pointer(s, call, pointer, &value, 1) ||
        (!sv_is_none(mask) && !fit_to_pointer(s, call, pointer, &mask, 2)))
        return SVAL_ERROR;
    IrValue *operands[] = {pointer.u.ir, value.u.ir, sv_is_none(mask) ? NULL : mask.u.ir};
    IrValue *old =
        build_value(s, OP_AtomicRmw, operands, sv_is_none(mask) ? 2 : 3, value.u.ir->type);
    ir_set_int(old->def, ATTR_RMW, atomic_rmw_code(call_name(call), elem));
    ir_set_int(old->def, ATTR_SEM, sem);
    ir_set_int(old->def, ATTR_SCOPE, scope);
    return sv_tensor(old, elem);
}

SVal builtin_atomic_cas(Spec *s, const Call *call) {
    SVal pointer, expected, value;
    int sem, scope;
    if (!call_pointer(s, call, 0, &pointer) || !check_writable(s, call, pointer) ||
        !call_order(s, call, 3, &sem, &scope))
        return SVAL_ERROR;
    TlType elem = *pointer.type.pointee;
    if (tl_bits(elem) < 16) {
        Diag *d = SPEC_ERROR(s, DIAG_BUILTIN_CAS_TYPE, call->ranges[0]);
        diag_label(d, "this points to %s", tl_name(s, elem));
        return SVAL_ERROR;
    }
    if (!check_value(s, call, 1, elem, &expected) || !check_value(s, call, 2, elem, &value) ||
        !fit_to_pointer(s, call, pointer, &expected, 1) ||
        !fit_to_pointer(s, call, pointer, &value, 2))
        return SVAL_ERROR;
    IrValue *operands[] = {pointer.u.ir, expected.u.ir, value.u.ir};
    IrValue *old = build_value(s, OP_AtomicCas, operands, 3, value.u.ir->type);
    ir_set_int(old->def, ATTR_SEM, sem);
    ir_set_int(old->def, ATTR_SCOPE, scope);
    return sv_tensor(old, elem);
}
