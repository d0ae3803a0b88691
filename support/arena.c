/* arena.c -- memory that is given back all at once.
 *
 * Objects are cut from chunks whose size doubles from 4 KiB to 1 MiB, so that a small arena is
 * cheap and a large one makes few calls to malloc. An object that would leave much of a new chunk
 * unused gets a block of its own. Both kinds of block form a stack, so a mark is two stack
 * positions and resetting to it pops what came later:
 *
 *     chunks  [ a b c ... ]<-[ d e |mark   f g   ]<-[ h ... ]
 *     own     [ 300 KiB ]<-[ 2 MiB |mark ]<-[ 1 MiB ]
 *
 * With TKC_ARENA_MALLOC every object has a block of its own: an address sanitizer then sees each
 * access that leaves an object, and each use after a reset.
 */
#include "support/arena.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/vec.h"

enum { CHUNK_FIRST = 4096, CHUNK_MAX = 1 << 20 };

#ifdef TKC_ARENA_MALLOC
enum { OWN_BLOCK_ALWAYS = 1 };
#else
enum { OWN_BLOCK_ALWAYS = 0 };
#endif

/* What lies in front of a block's bytes. */
typedef struct Block {
    struct Block *below;
    size_t size, used; /* bytes behind the header */
    max_align_t start[];
} Block;

struct Arena {
    OomHandler *oom;
    Block *chunk; /* top of the stack of chunks */
    Block *own;   /* top of the stack of blocks with one object */
    size_t next_size;
    size_t bytes;
};

_Noreturn void oom_raise(OomHandler *oom) {
    longjmp(oom->jump, 1);
}

/* Fault injection: true if this request is the one that is to fail. */
static bool oom_injected(OomHandler *oom) {
    if (oom->fail_after < 0) {
        return false;
    }
    return oom->fail_after-- == 0;
}

void *oom_malloc(OomHandler *oom, size_t size) {
    return oom_realloc(oom, NULL, size);
}

void *oom_realloc(OomHandler *oom, void *old, size_t size) {
    void *memory = oom_injected(oom) ? NULL : realloc(old, size > 0 ? size : 1);
    if (memory == NULL) {
        oom_raise(oom);
    }
    return memory;
}

Arena *arena_create(OomHandler *oom) {
    Arena *arena = oom_malloc(oom, sizeof *arena);
    *arena = (Arena){.oom = oom, .next_size = CHUNK_FIRST};
    return arena;
}

/* Frees the blocks above `keep`; returns `keep`. */
static Block *pop_blocks(Block *top, const Block *keep) {
    while (top != keep) {
        Block *below = top->below;
        free(top);
        top = below;
    }
    return top;
}

void arena_destroy(Arena *arena) {
    if (arena == NULL) {
        return;
    }
    pop_blocks(arena->chunk, NULL);
    pop_blocks(arena->own, NULL);
    free(arena);
}

OomHandler *arena_oom(Arena *arena) {
    return arena->oom;
}

/* A zeroed block with room for `size` bytes, or NULL. */
static Block *new_block(Arena *arena, size_t size, Block *below) {
    if (oom_injected(arena->oom) || size > SIZE_MAX - sizeof(Block)) {
        return NULL;
    }
    Block *block = calloc(1, sizeof(Block) + size);
    if (block != NULL) {
        block->below = below;
        block->size = size;
    }
    return block;
}

/* Cuts `size` bytes from the block, or returns NULL if they do not fit. */
static void *cut(Block *block, size_t size, size_t align) {
    unsigned char *start = (unsigned char *)block->start;
    size_t misfit = ((uintptr_t)start + block->used) & (align - 1);
    size_t pad = misfit == 0 ? 0 : align - misfit;
    size_t left = block->size - block->used;
    if (left < pad || left - pad < size) {
        return NULL;
    }
    void *object = start + block->used + pad;
    block->used += pad + size;
    return object;
}

void *arena_try_alloc(Arena *arena, size_t size, size_t align) {
    void *object = arena->chunk == NULL ? NULL : cut(arena->chunk, size, align);
    if (object != NULL) {
        memset(object, 0, size); /* the chunk may have been used before a reset */
        arena->bytes += size;
        return object;
    }
    size_t slack = align > _Alignof(max_align_t) ? align : 0;
    if (size > SIZE_MAX - slack) {
        return NULL;
    }
    bool own = OWN_BLOCK_ALWAYS || size + slack > arena->next_size / 4;
    Block **stack = own ? &arena->own : &arena->chunk;
    Block *block = new_block(arena, own ? size + slack : arena->next_size, *stack);
    if (block == NULL) {
        return NULL;
    }
    *stack = block;
    if (!own && arena->next_size < CHUNK_MAX) {
        arena->next_size *= 2;
    }
    arena->bytes += size;
    return cut(block, size, align);
}

void *arena_alloc(Arena *arena, size_t size, size_t align) {
    void *object = arena_try_alloc(arena, size, align);
    if (object == NULL) {
        oom_raise(arena->oom);
    }
    return object;
}

void *arena_array(Arena *arena, size_t count, size_t size, size_t align) {
    if (size != 0 && count > SIZE_MAX / size) {
        oom_raise(arena->oom);
    }
    return arena_alloc(arena, count * size, align);
}

void *arena_memdup(Arena *arena, const void *data, size_t size, size_t align) {
    void *copy = arena_alloc(arena, size, align);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    return copy;
}

char *arena_strdup(Arena *arena, const char *text) {
    return arena_strndup(arena, text, strlen(text));
}

char *arena_strndup(Arena *arena, const char *text, size_t len) {
    char *copy = arena_array(arena, len + 1, 1, 1);
    if (len > 0) {
        memcpy(copy, text, len);
    }
    return copy;
}

char *arena_printf(Arena *arena, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    char *text = arena_vprintf(arena, fmt, args);
    va_end(args);
    return text;
}

char *arena_vprintf(Arena *arena, const char *fmt, va_list args) {
    va_list measure;
    va_copy(measure, args);
    int len = vsnprintf(NULL, 0, fmt, measure);
    va_end(measure);
    if (len < 0) { /* a string that cannot be converted, or one longer than INT_MAX */
        return arena_strdup(arena, fmt);
    }
    char *text = arena_array(arena, (size_t)len + 1, 1, 1);
    vsnprintf(text, (size_t)len + 1, fmt, args);
    return text;
}

ArenaMark arena_mark(Arena *arena) {
    return (ArenaMark){
        .block = arena->chunk,
        .used = arena->chunk == NULL ? 0 : arena->chunk->used,
        .own = arena->own,
        .bytes = arena->bytes,
    };
}

void arena_reset(Arena *arena, ArenaMark mark) {
    arena->chunk = pop_blocks(arena->chunk, mark.block);
    if (arena->chunk != NULL) {
        arena->chunk->used = mark.used;
    }
    arena->own = pop_blocks(arena->own, mark.own);
    arena->bytes = mark.bytes;
}

size_t arena_bytes(const Arena *arena) {
    return arena->bytes;
}

void *vec_grow_(Arena *arena, void *data, size_t len, size_t *cap, size_t extra, size_t size) {
    if (extra <= *cap - len) {
        return data;
    }
    if (extra > SIZE_MAX / 2 - len) {
        oom_raise(arena->oom);
    }
    size_t doubled = *cap < 4 ? 8 : *cap * 2;
    size_t wanted = len + extra > doubled ? len + extra : doubled;
    void *grown = arena_array(arena, wanted, size, _Alignof(max_align_t));
    if (len > 0) {
        memcpy(grown, data, len * size);
    }
    *cap = wanted;
    return grown;
}
