/* kernel.c -- from a laid kernel to PTX: the entry point of codegen/.
 *
 * One LLVM module with one function a kernel. The function's first block holds what every block may
 * use (the thread's number, coordinates of layouts, who owns what); the kernel's body follows. Its
 * parameters are those of the tile kernel in order: pointers, and scalars by their type (i1 as a
 * byte).
 *
 * If LLVM gives up on a module, the module cannot be trusted any more, so the kernel is translated
 * a second time, only to be written to a file that the report names.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/cg.h"
#include "support/io.h"

/* ---- the function ------------------------------------------------------------------------------
 */

static void add_attribute(Cg *cg, LLVMAttributeIndex index, const char *name, uint64_t value) {
    unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));
    LLVMAddAttributeAtIndex(cg->function, index,
                            LLVMCreateEnumAttribute(cg->unit.context, kind, value));
}

static void add_text_attribute(Cg *cg, const char *name, const char *value) {
    LLVMAttributeRef attribute = LLVMCreateStringAttribute(
        cg->unit.context, name, (unsigned)strlen(name), value, (unsigned)strlen(value));
    LLVMAddAttributeAtIndex(cg->function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                            attribute);
}

static LLVMTypeRef param_type(Cg *cg, const IrType *type) {
    return cg_memory_type(cg, type);
}

/* The largest power of two that divides a pointer argument; 1 if nothing is known. */
static uint64_t known_alignment(const IrValue *param) {
    uint64_t known = param->hints != NULL ? (uint64_t)param->hints->divisibility[0] : 0;
    return known == 0 ? 1 : known & (0 - known);
}

/* A kernel's name as PTX has names: letters, digits, `_` and `$` of ASCII, no digit first. Any
 * other byte becomes `$` and its two hexadecimal digits; so does `$` itself, so that no two names
 * meet. A name that means something else in PTX gets a `$` behind it. */
static const char *entry_name(Arena *arena, const char *name) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    static const char *const taken[] = {"WARP_SZ", "vprintf", "__assertfail", "shared_memory"};
    StrBuf out = STRBUF(arena);
    for (const char *c = name; *c != '\0'; c++) {
        bool is_digit = *c >= '0' && *c <= '9';
        if (strchr(letters, *c) != NULL || (is_digit && c > name))
            strbuf_putc(&out, *c);
        else
            strbuf_printf(&out, "$%02x", (unsigned)(unsigned char)*c);
    }
    for (size_t i = 0; i < TK_COUNTOF(taken); i++)
        if (str_eq(name, taken[i]))
            strbuf_putc(&out, '$');
    return strbuf_str(&out);
}

void cg_take_registers(Cg *cg) {
    if (cg->kernel->maxnreg == 0)
        add_text_attribute(cg, "nvvm.minctasm", "1");
}

static void make_function(Cg *cg) {
    const IrKernel *kernel = cg->kernel;
    size_t count = kernel->params.len;
    LLVMTypeRef *types = ARENA_ARRAY(cg->arena, LLVMTypeRef, count);
    for (size_t i = 0; i < count; i++)
        types[i] = param_type(cg, kernel->params.data[i].value->type);
    LLVMTypeRef type = LLVMFunctionType(cg->type.none, types, (unsigned)count, 0);
    cg->function = LLVMAddFunction(cg->unit.module, entry_name(cg->arena, kernel->name), type);
    LLVMSetFunctionCallConv(cg->function, 71); /* ptx_kernel */
    LLVMAttributeIndex function = (LLVMAttributeIndex)LLVMAttributeFunctionIndex;
    add_attribute(cg, function, "nounwind", 0);
    add_attribute(cg, function, "convergent", 0);
    add_text_attribute(cg, "nvvm.reqntid", arena_printf(cg->arena, "%d", kernel->num_warps * 32));
    if (kernel->maxnreg > 0)
        add_text_attribute(cg, "nvvm.maxnreg", arena_printf(cg->arena, "%d", kernel->maxnreg));
    for (size_t i = 0; i < count; i++) {
        const IrParam *param = &kernel->params.data[i];
        LLVMValueRef value = LLVMGetParam(cg->function, (unsigned)i);
        LLVMSetValueName2(value, param->name, strlen(param->name));
        uint64_t align = known_alignment(param->value);
        if (param->value->type->kind == TY_PTR && align > 1)
            add_attribute(cg, (LLVMAttributeIndex)(i + 1), "align", align > 4096 ? 4096 : align);
    }
}

static void define_params(Cg *cg) {
    for (size_t i = 0; i < cg->kernel->params.len; i++) {
        const IrValue *param = cg->kernel->params.data[i].value;
        LLVMValueRef value = LLVMGetParam(cg->function, (unsigned)i);
        if (param->type->kind == TY_I1)
            value = LLVMBuildICmp(cg->b, LLVMIntNE, value, LLVMConstNull(cg->type.i8), "");
        LLVMValueRef *regs = cg_new_regs(cg, param->type);
        regs[0] = value;
        cg_define(cg, param, regs);
    }
}

/* tid.x, and that it is below the number of threads. */
static LLVMValueRef read_thread(Cg *cg) {
    LLVMValueRef tid = cg_intrinsic(cg, "llvm.nvvm.read.ptx.sreg.tid.x", NULL, 0, NULL, 0);
    uint64_t low = 0, high = (uint64_t)cg->kernel->num_warps * 32;
    unsigned kind = LLVMGetEnumAttributeKindForName("range", strlen("range"));
    LLVMAttributeRef range =
        LLVMCreateConstantRangeAttribute(cg->unit.context, kind, 32, &low, &high);
    LLVMAddCallSiteAttribute(tid, (LLVMAttributeIndex)LLVMAttributeReturnIndex, range);
    return tid;
}

static void make_body(Cg *cg) {
    LLVMContextRef context = cg->unit.context;
    LLVMBasicBlockRef first = LLVMAppendBasicBlockInContext(context, cg->function, "entry");
    LLVMBasicBlockRef body = LLVMAppendBasicBlockInContext(context, cg->function, "body");
    LLVMPositionBuilderAtEnd(cg->b, first);
    cg_debug_at(cg, cg->kernel->range);
    cg->tid = read_thread(cg);
    LLVMPositionBuilderBefore(cg->entry, LLVMBuildBr(cg->b, body));
    LLVMPositionBuilderAtEnd(cg->b, body);
    define_params(cg);
    IrOp *end = cg_block(cg, cg->kernel->body);
    cg_op(cg, end);
}

/* Builds the module in cg->unit. False if something was reported. */
static bool translate(Cg *cg) {
    const char *debug = cg_debug_text(cg);
    if (*debug == '\0')
        llvm_unit_open(&cg->unit, cg->kernel->name);
    else if (!llvm_unit_parse(&cg->unit, cg->kernel->name, debug, strlen(debug)))
        return false;
    cg_init_types(cg);
    cg->values = ARENA_ARRAY(cg->arena, LLVMValueRef *, cg->kernel->num_values);
    cg->b = LLVMCreateBuilderInContext(cg->unit.context);
    cg->entry = LLVMCreateBuilderInContext(cg->unit.context);
    make_function(cg);
    cg_debug_begin(cg);
    make_body(cg);
    LLVMDisposeBuilder(cg->b);
    LLVMDisposeBuilder(cg->entry);
    return !cg->failed;
}

/* ---- failures ----------------------------------------------------------------------------------
 */

/* Writes the module as it was before LLVM touched it; the file's name, or NULL. */
static const char *save_module(Cg *failed) {
    Cg again = {.arena = failed->arena,
                .diags = failed->diags,
                .kernel = failed->kernel,
                .options = failed->options,
                .target = failed->target,
                .arch = failed->arch};
    const char *folder = getenv("TMPDIR"), *name = NULL, *error;
    if (translate(&again)) {
        char *text = llvm_unit_text(&again.unit);
        name = arena_printf(failed->arena, "%s/tkc-%s.ll", folder != NULL ? folder : "/tmp",
                            failed->kernel->name);
        if (!io_write_file(failed->arena, name, text, strlen(text), &error))
            name = NULL;
        LLVMDisposeMessage(text);
    }
    llvm_unit_close(&again.unit);
    return name;
}

static void report_llvm(Cg *cg) {
    const char *saved = save_module(cg);
    Diag *diag = diag_report(cg->diags, DIAG_CODEGEN_LLVM, cg->kernel->range, cg->kernel->name);
    diag_note(diag, SRC_NONE, "LLVM said: %s", cg->unit.error);
    if (saved != NULL)
        diag_note(diag, SRC_NONE, "the LLVM IR is in %s", saved);
}

typedef struct Buffers {
    Arena *arena;
    VEC(const IrOp *) ops;
} Buffers;

static bool note_buffer(IrOp *op, void *data) {
    Buffers *buffers = data;
    if (op->code == OP_SharedAlloc)
        vec_push(buffers->arena, &buffers->ops, op);
    return true;
}

static bool check_shared(Cg *cg) {
    size_t needed = (size_t)cg->kernel->shared_bytes;
    if (needed <= cg->target->shared_limit)
        return true;
    Diag *diag = diag_report(cg->diags, DIAG_CODEGEN_SHARED_MEMORY, cg->kernel->range,
                             cg->kernel->name, needed, cg->target->name, cg->target->shared_limit);
    Buffers buffers = {.arena = cg->arena};
    ir_walk(cg->kernel->body, note_buffer, &buffers);
    for (size_t i = 0; i < buffers.ops.len; i++) {
        const IrOp *op = buffers.ops.data[i];
        const IrType *type = ir_result(op, 0)->type;
        StrBuf text = STRBUF(cg->arena);
        for (unsigned d = 0; d < type->rank; d++)
            strbuf_printf(&text, "%jdx", (intmax_t)type->shape[d]);
        ir_type_print(type->elem, &text);
        diag_note(diag, op->range, "%zu bytes for a tile of %s",
                  ir_elem_size(type) << layout_bits(type->layout), strbuf_str(&text));
    }
    diag_help(diag, "use smaller tiles or fewer stages");
    return false;
}

/* ---- the whole ---------------------------------------------------------------------------------
 */

static const char *module_text(Cg *cg) {
    char *text = llvm_unit_text(&cg->unit);
    const char *copy = arena_strdup(cg->arena, text);
    LLVMDisposeMessage(text);
    return copy;
}

static bool emit(Cg *cg, CodegenOutput *out) {
    LlvmEmission emission = {.cpu = cg->target->name,
                             .features = arena_printf(cg->arena, "+ptx%u", cg->ptx),
                             .optimise = !cg->options->quick};
#ifndef NDEBUG
    emission.verify = true;
#endif
    if (cg->options->keep_llvm)
        out->llvm = module_text(cg);
    if (emission.optimise && !llvm_unit_optimise(&cg->unit, &emission))
        return false;
    if (cg->options->keep_llvm)
        out->llvm_optimised = module_text(cg);
    LLVMMemoryBufferRef ptx = llvm_unit_emit(&cg->unit, &emission);
    if (ptx == NULL)
        return false;
    cg_finish_ptx(cg, LLVMGetBufferStart(ptx), LLVMGetBufferSize(ptx), out);
    LLVMDisposeMemoryBuffer(ptx);
    out->ptx_version = cg->ptx;
    out->entry = entry_name(cg->arena, cg->kernel->name);
    out->accesses = cg->accesses;
    return true;
}

bool codegen_kernel(Arena *arena, const IrKernel *kernel, const CodegenOptions *options,
                    Diags *diags, CodegenOutput *out) {
    *out = (CodegenOutput){.ptx = NULL};
    const CodegenTarget *target = codegen_require_target(options->target, kernel->range, diags);
    if (target == NULL)
        return false;
    Cg cg = {.arena = arena,
             .diags = diags,
             .kernel = kernel,
             .options = options,
             .target = target,
             .arch = codegen_target_arch(target),
             .ptx = target->ptx};
    if (!check_shared(&cg))
        return false;
    bool ok = translate(&cg);
    if (ok && !emit(&cg, out)) {
        report_llvm(&cg);
        ok = false;
    }
    llvm_unit_close(&cg.unit);
    return ok;
}

const char *codegen_llvm_version(Arena *arena) {
    unsigned major, minor, patch;
    LLVMGetVersion(&major, &minor, &patch);
    return arena_printf(arena, "%u.%u.%u", major, minor, patch);
}
