/* compiler_cache.h -- a compiler of device code that looks into the cache first.
 *
 *     CachedCompiler cached = {.inner = codegen, .cache = cache, .salt = "sm_90a O3 tkc 0.1 LLVM
 * 22"}; DeviceCompiler compiler = compiler_cached(&cached);
 */
#ifndef TKC_RUNTIME_COMPILER_CACHE_H
#define TKC_RUNTIME_COMPILER_CACHE_H

#include "runtime/cache.h"
#include "runtime/device.h"

typedef struct CachedCompiler {
    DeviceCompiler inner;
    Cache *cache;     /* NULL: nothing is kept */
    const char *salt; /* what the code depends on besides the IR: target, options, versions */
} CachedCompiler;

/* `cached` must outlive the result. Kernels are told apart by their printed IR, names and source
 * lines included. What `inner` refuses or warns about is not kept. */
DeviceCompiler compiler_cached(CachedCompiler *cached);

#endif
