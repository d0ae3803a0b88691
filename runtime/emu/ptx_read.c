/* ptx_read.c -- the entry point of the reader, and what its scanner needs.
 *
 * The text is registered with the source set of the diagnostics, so that what is wrong with it is
 * shown in place:
 *
 *     add.ptx:14:2: error: malformed PTX: expected `;`, not a name [TK0901]
 */
#include <stdlib.h>
#include <string.h>

#include "ptx_parser.tab.h"
#include "runtime/emu/ptx_reader.h"

const PtxTypeInfo ptx_types[PTX_TYPE_COUNT] = {
#define PTX_TYPE(name, text, bytes, kind) {text, bytes, PTX_IS_##kind},
#include "runtime/emu/ptx_types.def"
#undef PTX_TYPE
};

PtxType ptx_type_from_text(const char *text) {
    for (unsigned i = 0; i < PTX_TYPE_COUNT; i++)
        if (str_eq(ptx_types[i].text, text))
            return (PtxType)i;
    return PTX_TYPE_COUNT;
}

void ptx_reader_malformed(PtxReader *reader, SrcRange range, const char *what) {
    if (!reader->failed)
        diag_report(reader->diags, DIAG_EMU_MALFORMED, range.file == 0 ? SRC_NONE : range, what);
    reader->failed = true;
}

int ptx_reader_stray(PtxReader *reader, SrcRange range) {
    ptx_reader_malformed(reader, range, "a character that does not belong into PTX");
    return PTX_TOK_PTX_YYerror;
}

Sym ptx_reader_word(PtxReader *reader, const char *text, size_t len) {
    return strtab_intern(reader->module->names, text, len);
}

/* Digits of base 2, 8, 10 or 16, perhaps with a U behind them. */
uint64_t ptx_reader_integer(PtxReader *reader, SrcRange range, const char *text) {
    unsigned base = 10;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    } else if (text[0] == '0' && (text[1] == 'b' || text[1] == 'B')) {
        base = 2;
        text += 2;
    } else if (text[0] == '0') {
        base = 8;
    }
    uint64_t value = 0;
    for (; *text != '\0' && *text != 'U'; text++) {
        char c = (char)(*text | 0x20);
        uint64_t digit = (uint64_t)(c >= 'a' ? c - 'a' + 10 : *text - '0');
        if (digit >= base || value > (UINT64_MAX - digit) / base) {
            ptx_reader_malformed(reader, range, "an integer of more than 64 bits");
            return 0;
        }
        value = value * base + digit;
    }
    return value;
}

uint64_t ptx_reader_hex(const char *digits) {
    return strtoull(digits, NULL, 16);
}

PtxModule *ptx_read(Arena *arena, Diags *diags, const char *text, size_t len, const char *name) {
    PtxReader *reader = ARENA_NEW(arena, PtxReader);
    PtxModule *module = ARENA_NEW(arena, PtxModule);
    *module = (PtxModule){.arena = arena, .names = strtab_create(arena), .name = name};
    *reader = (PtxReader){.arena = arena, .diags = diags, .module = module};
    if (len > SRC_MAX_BYTES) {
        ptx_reader_malformed(reader, SRC_NONE, "more than 256 MiB of text");
        return NULL;
    }
    SourceSet *sources = diags_sources(diags);
    if (sources != NULL) {
        module->file = sources_add(sources, name, text, len);
        reader->file_id = module->file->id;
    }
    vec_push(arena, &module->files, NULL);
    ptx_scan_open(reader, text, len);
    int status = ptx_yyparse(reader);
    return status == 0 && !reader->failed ? module : NULL;
}

int64_t ptx_label(const PtxFunction *function, Sym name) {
    uintptr_t index = (uintptr_t)map_get(&function->labels, name);
    return (int64_t)index - 1;
}

const char *ptx_inst_text(Arena *arena, const PtxInst *inst) {
    StrBuf text = STRBUF(arena);
    strbuf_puts(&text, inst->opcode);
    for (unsigned i = 0; i < inst->num_mods; i++)
        strbuf_printf(&text, ".%s", inst->mods[i]);
    return strbuf_str(&text);
}

bool ptx_has_mod(const PtxInst *inst, const char *mod) {
    for (unsigned i = 0; i < inst->num_mods; i++)
        if (str_eq(inst->mods[i], mod))
            return true;
    return false;
}
