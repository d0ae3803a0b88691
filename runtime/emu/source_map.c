/* source_map.c -- from an instruction to the source program, by .loc directives.
 *
 *     .file 1 "kernels/add.tk"
 *     .loc  1 9 9                     line 9, column 9: the range goes on to the end of the
 *     ld.global.f32 %f1, [%rd4];      expression that begins there: `tl.load(x + offs)`
 */
#include "runtime/emu/source_map.h"

#include <ctype.h>
#include <string.h>

/* Does `path` end in the file's name, or the name in it? */
static bool same_file(const char *name, const char *path) {
    size_t name_len = strlen(name), path_len = strlen(path);
    if (name_len > path_len) {
        const char *longer = name;
        name = path;
        path = longer;
        size_t len = name_len;
        name_len = path_len;
        path_len = len;
    }
    if (name_len == 0 || !str_ends(path, name))
        return false;
    return name_len == path_len || path[path_len - name_len - 1] == '/';
}

const SrcFile *source_file(SourceSet *sources, const PtxModule *module, unsigned number) {
    if (sources == NULL || number >= module->files.len || module->files.data[number] == NULL)
        return NULL;
    const char *path = module->files.data[number];
    for (uint32_t id = 1;; id++) {
        const SrcFile *file = sources_file(sources, id);
        if (file == NULL)
            return NULL;
        if (file != module->file && same_file(file->name, path))
            return file;
    }
}

/* The end of the expression that begins at `lo`: a dotted name and the brackets behind it. */
static uint32_t expression_end(const SrcFile *file, uint32_t lo) {
    const char *text = file->text;
    uint32_t at = lo;
    for (;;) {
        while (at < file->len && (isalnum((unsigned char)text[at]) || text[at] == '_' ||
                                  (text[at] == '.' && at > lo)))
            at++;
        char open = at < file->len && at > lo ? text[at] : '\0';
        if (open != '(' && open != '[')
            return at > lo ? at : lo + 1;
        int depth = 0;
        uint32_t end = at;
        for (; end < file->len && text[end] != '\n'; end++) {
            depth += strchr("([{", text[end]) != NULL;
            depth -= strchr(")]}", text[end]) != NULL;
            if (depth == 0)
                break;
        }
        if (depth != 0 || end >= file->len)
            return at;
        at = end + 1;
    }
}

PtxLoc source_loc(SourceSet *sources, const PtxModule *module, const PtxFunction *function,
                  uint32_t inst) {
    PtxLoc loc = {0};
    if (inst < function->insts.len)
        loc = function->locs.data[function->insts.data[inst].loc];
    if (loc.at_file != 0 && source_file(sources, module, loc.file) == NULL)
        loc = (PtxLoc){.file = loc.at_file, .line = loc.at_line, .column = loc.at_column};
    return loc;
}

SrcRange source_range(SourceSet *sources, const PtxModule *module, const PtxFunction *function,
                      uint32_t inst) {
    PtxLoc loc = source_loc(sources, module, function, inst);
    const SrcFile *file = source_file(sources, module, loc.file);
    if (file == NULL || loc.line == 0 || loc.line > file->num_lines)
        return inst < function->insts.len ? function->insts.data[inst].range : function->range;
    size_t len;
    uint32_t offset;
    source_line(file, loc.line, &len, &offset);
    uint32_t skip = loc.column > 0 ? loc.column - 1 : 0;
    if (loc.column == 0)
        while (skip < len && isspace((unsigned char)file->text[offset + skip]))
            skip++;
    if (skip >= len)
        return (SrcRange){file->id, offset, offset + (uint32_t)len};
    uint32_t lo = offset + skip, end = expression_end(file, lo);
    return (SrcRange){file->id, lo, end > offset + len ? offset + (uint32_t)len : end};
}
