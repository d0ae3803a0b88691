/* cse.c -- compute equal pure values once (common subexpression elimination).
 *
 * In:     verified tile IR
 * Out:    of two pure operations with equal operands, attributes, types and hints, the second is
 *         gone if the first is visible at its place; of two such loads, if nothing in their block
 *         between them may write
 * Keeps:  every effect and every fault
 * Cost:   O(operations * nesting)
 * Why:    the specialiser spells out every address; lesson kernels compute the same offsets for
 *         each of their loads and stores
 * Before:
 *     %a = addi %x, %y : i32
 *     %b = addi %y, %x : i32
 *     %d = muli %a, %b : i32
 *     store %p, %d
 *     return
 * After:
 *     %a = addi %x, %y : i32
 *     %d = muli %a, %a : i32
 *     store %p, %d
 *     return
 * Not:    volatile loads; loads around a store, an atomic or a barrier; values of sibling regions,
 * where neither is visible to the other (tests/passes/cse/scopes.tkir)
 *
 * Algorithm: scoped value numbering. Each region has a table from an operation's description (as
 * bytes) to its result; looking up goes outward through the tables of the enclosing regions.
 */
#include "passes/pass.h"
#include "passes/rewrite.h"

#include <string.h>

typedef struct Scope {
    Map table; /* description -> IrOp */
    Map loads; /* likewise, of loads since memory last changed */
    struct Scope *outer;
} Scope;

static void add_bytes(StrBuf *key, const void *data, size_t size) {
    strbuf_write(key, data, size);
}

static void add_operands(StrBuf *key, const IrOp *op) {
    for (unsigned i = 0; i < op->num_operands; i++) {
        unsigned from = i;
        if (ir_info(op)->traits & IR_COMM) /* the smaller id first */
            from = (ir_operand(op, 0)->id <= ir_operand(op, 1)->id) ? i : 1 - i;
        add_bytes(key, &ir_operand(op, from)->id, sizeof(uint32_t));
    }
}

static void add_attrs(StrBuf *key, const IrOp *op) {
    for (unsigned i = 0; i < ir_info(op)->num_attrs; i++) {
        const IrAttr *attr = &op->attrs[i];
        IrAttrKind kind = ir_attr_infos[attr->id].kind;
        if (kind == ATTRKIND_STR) {
            const char *text = attr->u.str ? attr->u.str : "";
            add_bytes(key, text, strlen(text) + 1);
        } else if (kind == ATTRKIND_INTS) {
            add_bytes(key, &attr->u.ints.len, sizeof attr->u.ints.len);
            if (attr->u.ints.len > 0)
                add_bytes(key, attr->u.ints.items, attr->u.ints.len * sizeof(int64_t));
        } else {
            add_bytes(key, &attr->u.i, sizeof attr->u.i);
        }
    }
}

static void describe(StrBuf *key, const IrOp *op) {
    uint32_t head[3] = {(uint32_t)op->code, op->num_operands, op->num_results};
    add_bytes(key, head, sizeof head);
    add_operands(key, op);
    add_attrs(key, op);
    for (unsigned i = 0; i < op->num_results; i++) {
        const IrValue *result = &op->results[i];
        add_bytes(key, &result->type, sizeof(const IrType *));
        if (result->hints)
            add_bytes(key, result->hints, sizeof *result->hints);
    }
}

static IrOp *find(const Scope *scope, const StrBuf *key) {
    for (; scope; scope = scope->outer) {
        IrOp *op = map_getn(&scope->table, key->data, key->len);
        if (op)
            return op;
    }
    return NULL;
}

static bool is_candidate(const IrOp *op) {
    return (ir_info(op)->traits & IR_PURE) && op->num_regions == 0;
}

static bool is_plain_load(const IrOp *op) {
    return op->code == OP_Load && !ir_attr_int(op, ATTR_VOLATILE) &&
           ir_attr_int(op, ATTR_CACHE) != CACHE_CV;
}

/* IrVisitor: false at an operation behind which memory may hold something else. */
static bool leaves_memory_alone(IrOp *op, void *unused) {
    (void)unused;
    bool orders = op->code == OP_Barrier || op->code == OP_InlineAsm || op->code == OP_While;
    return !(ir_info(op)->traits & IR_WRITES) && !orders;
}

static bool may_change_memory(IrOp *op) {
    bool alone = leaves_memory_alone(op, NULL);
    for (unsigned r = 0; alone && r < op->num_regions; r++)
        alone = ir_walk(op->regions[r], leaves_memory_alone, NULL);
    return !alone;
}

/* The operation before `op` that computes the same, or NULL: then it is the first. */
static IrOp *look_up(const PassContext *pc, Scope *scope, IrOp *op) {
    StrBuf key = STRBUF(pc->scratch);
    describe(&key, op);
    bool is_load = op->code == OP_Load;
    IrOp *same = is_load ? map_getn(&scope->loads, key.data, key.len) : find(scope, &key);
    if (!same)
        map_setn(is_load ? &scope->loads : &scope->table, key.data, key.len, op);
    return same;
}

static bool number_block(const PassContext *pc, IrBlock *block, Scope *outer) {
    Scope scope = {.outer = outer};
    map_init_str(&scope.table, pc->scratch);
    map_init_str(&scope.loads, pc->scratch);
    bool changed = false;
    IrOp *next;
    for (IrOp *op = block->first; op; op = next) {
        next = op->next;
        for (unsigned r = 0; r < op->num_regions; r++)
            changed |= number_block(pc, op->regions[r], &scope);
        if (may_change_memory(op))
            map_init_str(&scope.loads, pc->scratch);
        if (!is_candidate(op) && !is_plain_load(op))
            continue;
        IrOp *same = look_up(pc, &scope, op);
        if (!same)
            continue;
        for (unsigned i = 0; i < op->num_results; i++)
            rewrite_replace(&op->results[i], &same->results[i]);
        ir_op_erase(op);
        pass_count(pc, STAT_MERGED, 1);
        changed = true;
    }
    return changed;
}

bool pass_cse(PassContext *pc, IrKernel *kernel) {
    return number_block(pc, kernel->body, NULL);
}
