/* cg_debug.c -- debug locations: which source line each instruction belongs to.
 *
 * LLVM's C interface can make a compile unit only with debug sections, which nobody reads and which
 * make ptxas turn its optimiser off. What is wanted is `.loc` directives and nothing else
 * (emissionKind: DebugDirectivesOnly), so that the few nodes are written as LLVM's text and parsed:
 * a unit, a subprogram, and for each further source file (an inlined function's) a scope in it.
 */
#include <llvm-c/DebugInfo.h>

#include "codegen/cg.h"

typedef struct Files {
    Cg *cg;
    bool *used; /* by SrcRange.file */
    size_t count;
} Files;

static bool note_file(IrOp *op, void *data) {
    Files *files = data;
    if (op->range.file < files->count)
        files->used[op->range.file] = true;
    return true;
}

static size_t highest_file(const IrKernel *kernel) {
    SourceSet *sources = kernel->module->sources;
    size_t count = 1;
    while (sources != NULL && sources_file(sources, (uint32_t)count) != NULL)
        count++;
    return count;
}

/* A name as LLVM's text has it: quotes, backslashes and controls as \xx. */
static void put_quoted(StrBuf *out, const char *name) {
    strbuf_putc(out, '"');
    for (const unsigned char *c = (const unsigned char *)name; *c != 0; c++) {
        if (*c == '"' || *c == '\\' || *c < 0x20)
            strbuf_printf(out, "\\%02X", *c);
        else
            strbuf_putc(out, (char)*c);
    }
    strbuf_putc(out, '"');
}

static void put_file(StrBuf *out, unsigned node, const SrcFile *file) {
    strbuf_printf(out, "!%u = !DIFile(filename: ", node);
    put_quoted(out, file->name);
    strbuf_puts(out, ", directory: \"\")\n");
}

/* !0 unit, !1 its file, !2 subprogram, !3 its type; then a file and a scope for each other file. */
static const char *debug_text(const Files *files, const SrcFile *home, SrcPos at) {
    Cg *cg = files->cg;
    StrBuf out = STRBUF(cg->arena);
    strbuf_puts(&out, "!llvm.dbg.cu = !{!0}\n!llvm.module.flags = !{!4}\n!tkc.scopes = !{!2");
    unsigned node = 5;
    for (size_t i = 1; i < files->count; i++) {
        if (!files->used[i] || i == home->id)
            continue;
        strbuf_printf(&out, ", !%u", node + 1);
        node += 2;
    }
    strbuf_puts(&out, "}\n"
                      "!0 = distinct !DICompileUnit(language: DW_LANG_C, file: !1, producer: "
                      "\"tkc\", isOptimized: true, emissionKind: DebugDirectivesOnly)\n");
    put_file(&out, 1, home);
    strbuf_puts(&out, "!2 = distinct !DISubprogram(name: ");
    put_quoted(&out, cg->kernel->name);
    strbuf_printf(&out, ", file: !1, line: %u, scopeLine: %u, scope: !1, unit: !0, type: !3, ",
                  at.line, at.line);
    strbuf_puts(&out, "spFlags: DISPFlagDefinition | DISPFlagOptimized)\n"
                      "!3 = !DISubroutineType(types: !{})\n"
                      "!4 = !{i32 2, !\"Debug Info Version\", i32 3}\n");
    node = 5;
    for (size_t i = 1; i < files->count; i++) {
        if (!files->used[i] || i == home->id)
            continue;
        put_file(&out, node, sources_file(cg->kernel->module->sources, (uint32_t)i));
        strbuf_printf(&out, "!%u = !DILexicalBlockFile(scope: !2, file: !%u, discriminator: 0)\n",
                      node + 1, node);
        node += 2;
    }
    return strbuf_str(&out);
}

const char *cg_debug_text(Cg *cg) {
    const IrKernel *kernel = cg->kernel;
    SourceSet *sources = kernel->module->sources;
    const SrcFile *home = sources != NULL ? sources_file(sources, kernel->range.file) : NULL;
    if (home == NULL || !cg->options->line_info)
        return "";
    Files files = {.cg = cg, .count = highest_file(kernel)};
    files.used = ARENA_ARRAY(cg->arena, bool, files.count);
    ir_walk(kernel->body, note_file, &files);
    cg->file_scopes = ARENA_ARRAY(cg->arena, LLVMMetadataRef, files.count);
    cg->num_file_scopes = files.count;
    cg->used_files = files.used;
    return debug_text(&files, home, source_pos(home, kernel->range.lo));
}

void cg_debug_begin(Cg *cg) {
    if (cg->num_file_scopes == 0)
        return;
    unsigned count = LLVMGetNamedMetadataNumOperands(cg->unit.module, "tkc.scopes");
    LLVMValueRef *nodes = ARENA_ARRAY(cg->arena, LLVMValueRef, count);
    LLVMGetNamedMetadataOperands(cg->unit.module, "tkc.scopes", nodes);
    uint32_t home = cg->kernel->range.file;
    cg->file_scopes[home] = LLVMValueAsMetadata(nodes[0]);
    unsigned next = 1;
    for (size_t i = 1; i < cg->num_file_scopes; i++)
        if (cg->used_files[i] && i != home && next < count)
            cg->file_scopes[i] = LLVMValueAsMetadata(nodes[next++]);
    LLVMSetSubprogram(cg->function, cg->file_scopes[home]);
}

void cg_debug_at(Cg *cg, SrcRange range) {
    if (cg->num_file_scopes == 0)
        return;
    LLVMMetadataRef location = NULL;
    if (range.file > 0 && range.file < cg->num_file_scopes && cg->file_scopes[range.file] != NULL) {
        SrcPos at = source_pos(sources_file(cg->kernel->module->sources, range.file), range.lo);
        location = LLVMDIBuilderCreateDebugLocation(cg->unit.context, at.line, at.column,
                                                    cg->file_scopes[range.file], NULL);
    }
    LLVMSetCurrentDebugLocation2(cg->b, location);
}
