/* arena.h -- memory that is given back all at once.
 *
 * An arena hands out zeroed memory and frees everything in arena_destroy(). It never returns NULL:
 * when memory runs out it calls the OomHandler, which must not return (it longjmps to the entry
 * point that installed it, and that one reports diagnostic TK0001). Objects in an arena need no
 * destructor. Arenas by lifetime: context (interned strings, types), module (AST, IR), scratch.
 */
#ifndef TKC_SUPPORT_ARENA_H
#define TKC_SUPPORT_ARENA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "support/compat.h"

/* Where an allocation failure goes, and the allocator's fault injection for tests.
 * An entry point does:  if (setjmp(oom.jump)) return TK_STATUS_OOM;  before it allocates. */
typedef struct OomHandler {
    jmp_buf jump;
    long fail_after; /* < 0: never fail; n >= 0: the n-th block request from now fails (tests) */
} OomHandler;

/* Report that memory ran out: longjmps to `oom->jump`; never returns. */
_Noreturn void oom_raise(OomHandler *oom);
/* malloc / realloc that never return NULL for size > 0; the caller frees with free(). */
void *oom_malloc(OomHandler *oom, size_t size);
void *oom_realloc(OomHandler *oom, void *old, size_t size);

typedef struct Arena Arena;

/* A new, empty arena. `oom` must outlive it. */
Arena *arena_create(OomHandler *oom);
void arena_destroy(Arena *arena); /* NULL is fine */
OomHandler *arena_oom(Arena *arena);

/* `size` zeroed bytes aligned to `align` (a power of two). */
void *arena_alloc(Arena *arena, size_t size, size_t align);
/* The same, but NULL when memory runs out: for callers that hold something a longjmp would leak (an
 * open file); they let it go and then call oom_raise(). */
void *arena_try_alloc(Arena *arena, size_t size, size_t align);
/* `count` zeroed objects of type T; overflow of the product counts as out of memory. */
#define ARENA_NEW(arena, T)          ((T *)arena_alloc((arena), sizeof(T), _Alignof(T)))
#define ARENA_ARRAY(arena, T, count) ((T *)arena_array((arena), (count), sizeof(T), _Alignof(T)))
void *arena_array(Arena *arena, size_t count, size_t size, size_t align);
void *arena_memdup(Arena *arena, const void *data, size_t size, size_t align);
/* NUL-terminated copies. */
char *arena_strdup(Arena *arena, const char *text);
char *arena_strndup(Arena *arena, const char *text, size_t len);
char *arena_printf(Arena *arena, const char *fmt, ...) TK_PRINTF(2, 3);
char *arena_vprintf(Arena *arena, const char *fmt, va_list args) TK_PRINTF(2, 0);

/* Scratch use: everything allocated after a mark is released (and may be reused) by reset. */
typedef struct ArenaMark {
    void *block; /* the chunk objects were being cut from */
    size_t used; /* how much of it was used */
    void *own;   /* the newest object with a block of its own */
    size_t bytes;
} ArenaMark;
ArenaMark arena_mark(Arena *arena);
void arena_reset(Arena *arena, ArenaMark mark);
/* Bytes handed out so far (those given back by arena_reset do not count). */
size_t arena_bytes(const Arena *arena);

#endif
