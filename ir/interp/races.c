/* races.c -- shadow memory: who touched what.
 *
 * Per element there are two words, the last writer and the readers (a cell). Most tiles are
 * contiguous, so a chunk of CHUNK elements first has only a summary: one writer with the interval
 * it wrote, one reader (or the same interval read by several) with its interval. Only when that
 * cannot tell the truth any more does the chunk get cells. A tile written once costs one summary a
 * chunk; the worst case is 8 bytes an element.
 *
 * Several threads run programs at once: each chunk has a lock bit, held for a few instructions.
 *
 * Before the first write to a chunk its bytes are saved, so that a launch in which something went
 * wrong can be undone and run again in a fixed order. A chunk nobody had written yet needs no
 * copy: undoing makes it unwritten again.
 */
#include "ir/interp/races.h"

#include <stdatomic.h>
#include <string.h>

#include "ir/interp/order.h"

#define CHUNK 256u

/* A cell's words: index + 1 of a program, and flags. */
#define WHO(word)   ((word)&UINT32_C(0x3fffffff))
#define ATOMIC_BIT  UINT32_C(0x40000000) /* writer: by atomics only */
#define SEVERAL_BIT UINT32_C(0x80000000) /* other programs too: all reads, or all atomics */

typedef struct Cell {
    uint32_t writer, reader;
} Cell;

typedef enum SavedState { SAVED_NOT, SAVED_UNWRITTEN, SAVED_COPY } SavedState;

typedef struct Chunk {
    atomic_flag lock;
    uint8_t saved_state;
    uint16_t write_lo, write_hi, read_lo, read_hi; /* intervals of elements in the chunk */
    uint32_t writer, reader;                       /* of all of the interval; as in a cell */
    Cell *cells;                                   /* if not NULL, these tell, not the above */
    uint8_t *saved;                                /* SAVED_COPY: the bytes */
    uint8_t *written; /* ... and, if not all was written: was this element, one byte each */
} Chunk;

struct ShadowAlloc {
    Shadow *shadow;
    MemAlloc *alloc;
    ShadowAlloc *next;
    unsigned granule;
    bool undo; /* keep what is overwritten */
    size_t num_chunks;
    Chunk *chunks;
    OrderAlloc *ordered; /* the tracking with order, which needs more than cells */
};

struct Shadow {
    ShadowAlloc *tracked;
    OrderClock *clock; /* NULL: no access is ordered before another program's */
    bool undo;
    atomic_bool abandoned;
};

Shadow *shadow_create(Arena *arena, bool undo, bool ordered, uint64_t num_programs) {
    Shadow *shadow = ARENA_NEW(arena, Shadow);
    shadow->undo = undo;
    if (ordered)
        shadow->clock = order_clock_create(arena, num_programs);
    return shadow;
}

OrderClock *shadow_clock(const Shadow *shadow) {
    return shadow->clock;
}

void shadow_abandon(Shadow *shadow) {
    atomic_store(&shadow->abandoned, true);
}

ShadowAlloc *shadow_track(Shadow *shadow, Arena *arena, MemAlloc *alloc, unsigned granule,
                          bool loaded) {
    for (ShadowAlloc *known = shadow->tracked; known != NULL; known = known->next) {
        if (known->alloc == alloc)
            return known;
    }
    ShadowAlloc *tracked = ARENA_NEW(arena, ShadowAlloc);
    size_t elements = (alloc->size + granule - 1) / granule;
    *tracked = (ShadowAlloc){.shadow = shadow, .alloc = alloc, .granule = granule};
    tracked->undo = shadow->undo && loaded;
    tracked->num_chunks = (elements + CHUNK - 1) / CHUNK;
    tracked->chunks = ARENA_ARRAY(arena, Chunk, tracked->num_chunks);
    if (shadow->clock != NULL)
        tracked->ordered = order_track(arena, shadow->clock, elements);
    tracked->next = shadow->tracked;
    shadow->tracked = tracked;
    return tracked;
}

unsigned shadow_granule(const ShadowAlloc *tracked) {
    return tracked->granule;
}

/* ---- cells -------------------------------------------------------------------------------------
 */

static bool writer_conflicts(uint32_t writer, uint32_t me, AccessKind kind) {
    if (writer == 0)
        return false;
    if (kind == ACCESS_ATOMIC && (writer & ATOMIC_BIT))
        return false;
    return WHO(writer) != me || (writer & SEVERAL_BIT);
}

static bool reader_conflicts(uint32_t reader, uint32_t me) {
    return reader != 0 && (WHO(reader) != me || (reader & SEVERAL_BIT));
}

static uint32_t add_reader(uint32_t reader, uint32_t me) {
    return reader == 0 ? me : WHO(reader) == me ? reader : reader | SEVERAL_BIT;
}

static uint32_t add_writer(uint32_t writer, uint32_t me, AccessKind kind) {
    if (kind == ACCESS_WRITE)
        return me;
    if (writer == 0)
        return me | ATOMIC_BIT;
    return WHO(writer) == me ? writer : writer | SEVERAL_BIT;
}

static void describe(Conflict *conflict, uint32_t word, uint32_t me, bool wrote) {
    conflict->other = WHO(word) == me ? RACES_NO_PROGRAM : (uint64_t)WHO(word) - 1;
    conflict->other_wrote = wrote;
    conflict->other_atomic = wrote && (word & ATOMIC_BIT) != 0;
}

/* Records the access in cells [lo, hi); returns the first that conflicts, or hi. */
static unsigned touch_cells(Cell *cells, unsigned lo, unsigned hi, uint32_t me, AccessKind kind,
                            Conflict *conflict) {
    for (unsigned i = lo; i < hi; i++) {
        Cell *cell = &cells[i];
        if (writer_conflicts(cell->writer, me, kind)) {
            describe(conflict, cell->writer, me, true);
            return i;
        }
        if (kind != ACCESS_READ && reader_conflicts(cell->reader, me)) {
            describe(conflict, cell->reader, me, false);
            return i;
        }
        if (kind == ACCESS_READ)
            cell->reader = add_reader(cell->reader, me);
        else
            cell->writer = add_writer(cell->writer, me, kind);
    }
    return hi;
}

static void make_cells(Chunk *chunk, Arena *arena) {
    chunk->cells = ARENA_ARRAY(arena, Cell, CHUNK);
    for (unsigned i = chunk->write_lo; i < chunk->write_hi; i++)
        chunk->cells[i].writer = chunk->writer;
    for (unsigned i = chunk->read_lo; i < chunk->read_hi; i++)
        chunk->cells[i].reader = chunk->reader;
}

/* ---- summaries ---------------------------------------------------------------------------------
 */

static bool overlaps(unsigned lo, unsigned hi, unsigned other_lo, unsigned other_hi) {
    return lo < other_hi && other_lo < hi;
}

/* Adds [lo, hi) to the interval; false if the union is no interval. */
static bool extend(uint16_t *to_lo, uint16_t *to_hi, unsigned lo, unsigned hi) {
    if (lo > *to_hi || hi < *to_lo)
        return false;
    if (lo < *to_lo)
        *to_lo = (uint16_t)lo;
    if (hi > *to_hi)
        *to_hi = (uint16_t)hi;
    return true;
}

/* Records a plain access in the summary; false if it needs cells (nothing is changed then). */
static bool touch_summary(Chunk *chunk, unsigned lo, unsigned hi, uint32_t me, AccessKind kind) {
    bool write = kind == ACCESS_WRITE;
    if (kind == ACCESS_ATOMIC)
        return false;
    if (chunk->writer != 0 && chunk->writer != me &&
        (write || overlaps(lo, hi, chunk->write_lo, chunk->write_hi)))
        return false;
    if (write && chunk->reader != 0 && chunk->reader != me &&
        overlaps(lo, hi, chunk->read_lo, chunk->read_hi))
        return false;
    uint32_t *who = write ? &chunk->writer : &chunk->reader;
    uint16_t *to_lo = write ? &chunk->write_lo : &chunk->read_lo;
    uint16_t *to_hi = write ? &chunk->write_hi : &chunk->read_hi;
    if (*who == 0) {
        *who = me;
        *to_lo = (uint16_t)lo;
        *to_hi = (uint16_t)hi;
        return true;
    }
    if (*who == me)
        return extend(to_lo, to_hi, lo, hi);
    if (lo != *to_lo || hi != *to_hi) /* only readers come here */
        return false;
    *who |= SEVERAL_BIT;
    return true;
}

/* ---- saving what is overwritten -----------------------------------------------------------------
 */

static size_t chunk_bytes(const ShadowAlloc *tracked, size_t chunk) {
    size_t at = chunk * CHUNK * tracked->granule, size = (size_t)CHUNK * tracked->granule;
    return tracked->alloc->size - at < size ? tracked->alloc->size - at : size;
}

static void save_chunk(ShadowAlloc *tracked, size_t number, Arena *arena) {
    Chunk *chunk = &tracked->chunks[number];
    MemAlloc *alloc = tracked->alloc;
    size_t granule = tracked->granule, at = number * CHUNK * granule;
    size_t bytes = chunk_bytes(tracked, number), elements = (bytes + granule - 1) / granule;
    if (alloc->written != NULL && !mem_is_partly_written(alloc, at, bytes)) {
        chunk->saved_state = SAVED_UNWRITTEN;
        return;
    }
    chunk->saved = arena_memdup(arena, alloc->data + at, bytes, 8);
    chunk->saved_state = SAVED_COPY;
    if (mem_is_written(alloc, at, bytes))
        return;
    chunk->written = ARENA_ARRAY(arena, uint8_t, elements);
    for (size_t i = 0; i < elements; i++) {
        size_t len = bytes - i * granule < granule ? bytes - i * granule : granule;
        chunk->written[i] = mem_is_written(alloc, at + i * granule, len);
    }
}

static void restore_chunk(ShadowAlloc *tracked, size_t number) {
    Chunk *chunk = &tracked->chunks[number];
    MemAlloc *alloc = tracked->alloc;
    size_t granule = tracked->granule, at = number * CHUNK * granule;
    size_t bytes = chunk_bytes(tracked, number), elements = (bytes + granule - 1) / granule;
    if (chunk->saved_state == SAVED_UNWRITTEN) {
        mem_mark_unwritten(alloc, at, bytes);
    } else if (chunk->saved_state == SAVED_COPY) {
        memcpy(alloc->data + at, chunk->saved, bytes);
        for (size_t i = 0; chunk->written != NULL && i < elements; i++)
            if (!chunk->written[i])
                mem_mark_unwritten(alloc, at + i * granule, 1);
    }
}

void shadow_undo(Shadow *shadow) {
    for (ShadowAlloc *tracked = shadow->tracked; tracked != NULL; tracked = tracked->next)
        for (size_t i = 0; i < tracked->num_chunks; i++)
            restore_chunk(tracked, i);
}

/* ---- the access --------------------------------------------------------------------------------
 */

/* Elements [lo, hi) of a chunk; false: `conflict` has the element's number in offset. */
static bool touch_chunk(ShadowAlloc *tracked, size_t number, Arena *arena, uint32_t me, unsigned lo,
                        unsigned hi, AccessKind kind, Conflict *conflict) {
    Chunk *chunk = &tracked->chunks[number];
    while (atomic_flag_test_and_set_explicit(&chunk->lock, memory_order_acquire)) {
        if (atomic_load_explicit(&tracked->shadow->abandoned, memory_order_relaxed))
            return false;
    }
    unsigned reached = hi;
    if (chunk->cells != NULL || !touch_summary(chunk, lo, hi, me, kind)) {
        if (chunk->cells == NULL)
            make_cells(chunk, arena);
        reached = touch_cells(chunk->cells, lo, hi, me, kind, conflict);
    }
    if (kind != ACCESS_READ && tracked->undo && chunk->saved_state == SAVED_NOT)
        save_chunk(tracked, number, arena);
    atomic_flag_clear_explicit(&chunk->lock, memory_order_release);
    conflict->offset = (number * CHUNK + reached) * tracked->granule;
    return reached == hi;
}

bool shadow_touch(ShadowAlloc *tracked, Arena *arena, const Program *program, size_t offset,
                  size_t len, AccessKind kind, Conflict *conflict) {
    size_t first = offset / tracked->granule, end = (offset + len - 1) / tracked->granule + 1;
    if (tracked->ordered != NULL) {
        size_t reached = order_touch(tracked->ordered, arena, program, first, end, kind, conflict);
        conflict->offset = reached * tracked->granule;
        return reached == end;
    }
    uint32_t me = (uint32_t)program->index + 1;
    for (size_t number = first / CHUNK; number * CHUNK < end; number++) {
        size_t base = number * CHUNK;
        unsigned lo = first > base ? (unsigned)(first - base) : 0;
        unsigned hi = end - base < CHUNK ? (unsigned)(end - base) : CHUNK;
        if (!touch_chunk(tracked, number, arena, me, lo, hi, kind, conflict))
            return false;
    }
    return true;
}
