/* summary.c -- what a compiled kernel needs of a GPU: gathered from the laid kernel, the code
 * generator's record of memory accesses, and ptxas; then printed for people or as JSON.
 *
 * Buffers whose lives do not overlap share their bytes, so that the sizes listed may add up to more
 * than the kernel's shared memory.
 */
#include "runtime/summary.h"

#include <inttypes.h>

#include "ir/buffers.h"
#include "ir/layout_convert.h"
#include "ir/mma.h"

typedef VEC(const IrOp *) OpList;

/* What is counted in the laid kernel. */
typedef struct Needs {
    Arena *arena;
    OpList buffers, dots;
    unsigned barriers, conversions, shuffles;
} Needs;

static bool count_op(IrOp *op, void *data) {
    Needs *needs = data;
    if (op->code == OP_SharedAlloc)
        vec_push(needs->arena, &needs->buffers, op);
    if (op->code == OP_DotMma || op->code == OP_DotFma)
        vec_push(needs->arena, &needs->dots, op);
    if (op->code == OP_ConvertLayout) {
        const IrType *from = ir_operand(op, 0)->type, *to = ir_result(op, 0)->type;
        needs->conversions++;
        needs->shuffles += layout_convert_kind(from->layout, to->layout) == CONVERT_SHUFFLE;
    }
    needs->barriers += op->code == OP_Barrier;
    return true;
}

static Needs count_needs(const IrKernel *kernel) {
    Needs needs = {.arena = kernel->module->arena};
    ir_walk(kernel->body, count_op, &needs);
    return needs;
}

/* The 1-based line that an operation comes from; 0 if it is not known. */
static unsigned line_of(const SourceSet *sources, const IrOp *op) {
    const SrcFile *file = sources_file(sources, op->range.file);
    return file == NULL ? 0 : source_pos(file, op->range.lo).line;
}

/* Bytes of one stage. */
static size_t buffer_bytes(const IrOp *op) {
    const IrType *type = ir_result(op, 0)->type;
    return (size_t)ir_numel(type) * ir_elem_size(type);
}

static int64_t buffer_stages(const IrOp *op) {
    return ir_attr_int(op, ATTR_STAGES);
}

/* The stages that a buffer of several would have if there were memory for them: its loop's. */
static int64_t wanted_stages(const IrKernel *kernel, const IrOp *alloc) {
    int64_t wanted = kernel->num_stages;
    for (const IrUse *use = ir_result(alloc, 0)->uses; use != NULL; use = use->next) {
        const IrOp *loop = use->user->block->parent;
        if (loop != NULL && loop->code == OP_For && ir_attr_int(loop, ATTR_NUM_STAGES) > 0)
            wanted = ir_attr_int(loop, ATTR_NUM_STAGES);
    }
    return wanted < BUFFER_MAX_STAGES ? wanted : BUFFER_MAX_STAGES;
}

/* The name that the buffer, or the tile that is put into it, has in the source; "": none. */
static const char *buffer_name(const IrOp *op) {
    const IrValue *buffer = ir_result(op, 0);
    Sym name = buffer->name;
    for (const IrUse *use = buffer->uses; use != NULL && name == NULL; use = use->next)
        if (use->user->code == OP_SharedStore && use->index == 0)
            name = ir_operand(use->user, 1)->name;
    return name != NULL ? name : "";
}

/* How a product is computed: the instruction, or NULL and why there is none. */
static const char *dot_instruction(const IrOp *op, const char *target, const char **why) {
    const IrProduct product = ir_product(op);
    const CodegenTarget *known = codegen_target(target);
    unsigned num_warps = (unsigned)op->block->kernel->num_warps;
    *why = "";
    if (op->code == OP_DotMma)
        return ir_mma_of(op)->text;
    ir_mma_choose(&product, known != NULL ? codegen_target_arch(known) : 0, num_warps, why);
    return NULL;
}

static void print_dot(const SourceSet *sources, const IrOp *op, const char *target, FILE *out) {
    const char *why, *instruction = dot_instruction(op, target, &why);
    if (instruction != NULL)
        fprintf(out, "    dot     %s, line %u\n", instruction, line_of(sources, op));
    else
        fprintf(out, "    dot     multiply-adds (%s), line %u\n", why, line_of(sources, op));
}

static void print_dot_json(const SourceSet *sources, const IrOp *op, const char *target,
                           FILE *out) {
    const char *why, *instruction = dot_instruction(op, target, &why);
    fprintf(out, "{\"line\":%u,\"instruction\":\"%s\",\"why\":\"%s\"}", line_of(sources, op),
            instruction != NULL ? instruction : "", why);
}

/* "512 B", "48.0 KiB" */
static void put_bytes(size_t bytes, FILE *out) {
    if (bytes < 1024)
        fprintf(out, "%zu B", bytes);
    else
        fprintf(out, "%.1f KiB", (double)bytes / 1024);
}

static const char *plural(unsigned count) {
    return count == 1 ? "" : "s";
}

void summary_print(const SourceSet *sources, const Compiled *compiled, const char *target,
                   const Assembled *assembled, FILE *out) {
    const IrKernel *kernel = compiled->laid->kernels.data[0];
    Needs needs = count_needs(kernel);
    fprintf(out, "%s  %s  %d warp%s  ", kernel->name, target, kernel->num_warps,
            plural((unsigned)kernel->num_warps));
    if (assembled != NULL) {
        fprintf(out, "%u registers  ", assembled->registers);
        put_bytes((size_t)assembled->spill_store_bytes + assembled->spill_load_bytes, out);
        fputs(" spilled  ", out);
    } else {
        fputs("registers not known (no ptxas)  ", out);
    }
    put_bytes((size_t)kernel->shared_bytes, out);
    fputs(" shared memory\n", out);
    for (size_t i = 0; i < needs.buffers.len; i++) {
        const IrOp *op = needs.buffers.data[i];
        fputs("    shared  ", out);
        if (buffer_stages(op) > 1)
            fprintf(out, "%" PRId64 " x ", buffer_stages(op));
        put_bytes(buffer_bytes(op), out);
        const char *name = buffer_name(op);
        fprintf(out, "  %s%sline %u", name, *name != '\0' ? ", " : "", line_of(sources, op));
        if (buffer_stages(op) > 1 && buffer_stages(op) < wanted_stages(kernel, op))
            fprintf(out, " (no room for %" PRId64 " stages)", wanted_stages(kernel, op));
        fputc('\n', out);
    }
    for (size_t i = 0; i < needs.dots.len; i++)
        print_dot(sources, needs.dots.data[i], target, out);
    for (size_t i = 0; i < compiled->code.accesses.len; i++) {
        const CodegenAccess *access = &compiled->code.accesses.data[i];
        fprintf(out, "    %-7s %u x %u bits, line %u%s\n", ir_info(access->op)->mnemonic,
                access->count, access->bytes * 8, line_of(sources, access->op),
                access->predicated ? ", masked" : "");
    }
    if (needs.conversions > 0)
        fprintf(out, "    %u conversion%s between layouts, %u by shuffles\n", needs.conversions,
                plural(needs.conversions), needs.shuffles);
    if (needs.barriers > 0)
        fprintf(out, "    %u barrier%s\n", needs.barriers, plural(needs.barriers));
}

void summary_print_json(const SourceSet *sources, const Compiled *compiled, const char *target,
                        const Assembled *assembled, FILE *out) {
    const IrKernel *kernel = compiled->laid->kernels.data[0];
    Needs needs = count_needs(kernel);
    fprintf(out, "{\"kernel\":\"%s\",\"target\":\"%s\",\"num_warps\":%d,", kernel->name, target,
            kernel->num_warps);
    if (assembled != NULL)
        fprintf(out, "\"registers\":%u,\"spill_store_bytes\":%u,\"spill_load_bytes\":%u,",
                assembled->registers, assembled->spill_store_bytes, assembled->spill_load_bytes);
    fprintf(out, "\"shared_bytes\":%" PRId64 ",\"buffers\":[", kernel->shared_bytes);
    for (size_t i = 0; i < needs.buffers.len; i++) {
        const IrOp *op = needs.buffers.data[i];
        fprintf(out, "%s{\"name\":\"%s\",\"bytes\":%zu,\"stages\":%" PRId64 ",\"line\":%u}",
                i > 0 ? "," : "", buffer_name(op), buffer_bytes(op), buffer_stages(op),
                line_of(sources, op));
    }
    fputs("],\"dots\":[", out);
    for (size_t i = 0; i < needs.dots.len; i++) {
        fputs(i > 0 ? "," : "", out);
        print_dot_json(sources, needs.dots.data[i], target, out);
    }
    fputs("],\"accesses\":[", out);
    for (size_t i = 0; i < compiled->code.accesses.len; i++) {
        const CodegenAccess *access = &compiled->code.accesses.data[i];
        fprintf(out, "%s{\"op\":\"%s\",\"line\":%u,\"bits\":%u,\"count\":%u,\"masked\":%s}",
                i > 0 ? "," : "", ir_info(access->op)->mnemonic, line_of(sources, access->op),
                access->bytes * 8, access->count, access->predicated ? "true" : "false");
    }
    fprintf(out, "],\"conversions\":%u,\"shuffles\":%u,\"barriers\":%u}\n", needs.conversions,
            needs.shuffles, needs.barriers);
}
