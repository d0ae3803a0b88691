/* compiler_cache.c -- a compiler of device code that looks into the cache first.
 *
 * An entry is the DeviceCode, flattened: a header with the numbers, the name of the entry, the PTX.
 * The text of the IR stands for the kernel: it is parsed back to the same IR (a test of ir/ holds
 * it to that), so nothing that could change the code is missing from it.
 *
 *     key = hash("ptx", "sm_90a O3 tkc 0.1 LLVM 22", "kernel @add_kernel(...) {...}")
 */
#include "runtime/compiler_cache.h"

#include <string.h>

typedef struct FlatCode {
    uint64_t shared_bytes, ptx_len;
    uint32_t num_warps, entry_len;
} FlatCode;

static CacheKey code_key(const CachedCompiler *cached, Arena *arena, const IrKernel *kernel) {
    StrBuf text = STRBUF(arena);
    ir_print_module(kernel->module, &(IrPrintOptions){.locations = true}, &text);
    CachePart parts[] = {{"ptx", 3},
                         {cached->salt, strlen(cached->salt)},
                         {kernel->name, strlen(kernel->name)},
                         {strbuf_str(&text), text.len}};
    return cache_key(parts, TK_COUNTOF(parts));
}

/* False: what was read is not a DeviceCode. */
static bool unflatten(const char *data, size_t len, Arena *arena, DeviceCode *out) {
    FlatCode flat;
    if (data == NULL || len < sizeof flat)
        return false;
    memcpy(&flat, data, sizeof flat);
    size_t rest = len - sizeof flat;
    if (flat.entry_len > rest || flat.ptx_len != rest - flat.entry_len)
        return false;
    const char *entry = data + sizeof flat;
    *out = (DeviceCode){
        .entry = arena_strndup(arena, entry, flat.entry_len),
        .ptx = entry + flat.entry_len, /* the cache ends what it reads with a NUL */
        .ptx_len = (size_t)flat.ptx_len,
        .num_warps = flat.num_warps,
        .shared_bytes = (size_t)flat.shared_bytes,
    };
    return true;
}

static void keep(const CachedCompiler *cached, Arena *arena, CacheKey key, const DeviceCode *code) {
    size_t entry_len = strlen(code->entry);
    FlatCode flat = {.shared_bytes = code->shared_bytes,
                     .ptx_len = code->ptx_len,
                     .num_warps = code->num_warps,
                     .entry_len = (uint32_t)entry_len};
    StrBuf data = STRBUF(arena);
    strbuf_write(&data, (const char *)&flat, sizeof flat);
    strbuf_write(&data, code->entry, entry_len);
    strbuf_write(&data, code->ptx, code->ptx_len);
    cache_put(cached->cache, key, arena_printf(arena, "%s.ptx", code->entry), data.data, data.len);
}

static bool compile(void *data, Arena *arena, const IrKernel *kernel, Diags *diags,
                    DeviceCode *out) {
    CachedCompiler *cached = data;
    CacheKey key = code_key(cached, arena, kernel);
    size_t len = 0;
    const char *kept = cache_get(cached->cache, arena, key, &len);
    if (unflatten(kept, len, arena, out))
        return true;
    size_t reported = diags_len(diags);
    if (!cached->inner.compile(cached->inner.data, arena, kernel, diags, out))
        return false;
    if (diags_len(diags) == reported)
        keep(cached, arena, key, out);
    return true;
}

DeviceCompiler compiler_cached(CachedCompiler *cached) {
    return (DeviceCompiler){.data = cached, .compile = compile};
}
