/* order.c -- which accesses of one program come before those of another.
 *
 * Order between programs comes from atomics: one that releases, and one on the same address that
 * acquires and comes later (every atomic of the interpreter works on the newest value). Instead of
 * a clock per program (vector clocks; Flanagan and Freund's FastTrack, 2009) there is a counter
 * per *address*: grids have tens of thousands of programs, but few locks. A release is event
 * number k of its address. What a program knows is, for each address, how many of its events
 * happened before; what an address knows is what its releasing programs knew.
 *
 *     An access by p, made before p's release number j, which was event k of lock L, comes
 *     before whatever q does now  <=>  q knows more than k events of L.
 *
 * This costs more than the plain shadow (races.c), so it is used only for kernels with such atomics
 * in which the plain shadow found a conflict. The interpreter runs those in one thread.
 */
#include "ir/interp/order.h"

#include <string.h>

#include "support/map.h"

#define CHUNK 256u

typedef struct Known { /* the first `events` events of an address */
    uint32_t place, events;
} Known;

struct Knowledge {
    VEC(Known) known; /* sorted by place */
};

typedef struct Place { /* an address that atomics work on */
    uint32_t number, events;
    struct Knowledge knows;
} Place;

typedef struct Release {
    uint32_t place, event;
} Release;
typedef VEC(Release) ReleaseList;

struct OrderClock {
    Arena *arena;
    Map places; /* address -> Place */
    uint32_t num_places;
    ReleaseList *releases; /* [num_programs], in order */
};

OrderClock *order_clock_create(Arena *arena, uint64_t num_programs) {
    OrderClock *clock = ARENA_NEW(arena, OrderClock);
    clock->arena = arena;
    map_init_ptr(&clock->places, arena);
    clock->releases = ARENA_ARRAY(arena, ReleaseList, (size_t)num_programs);
    return clock;
}

static size_t find_known(const struct Knowledge *knows, uint32_t place) {
    size_t lo = 0, hi = knows->known.len;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (knows->known.data[mid].place < place)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static uint32_t events_known(const struct Knowledge *knows, uint32_t place) {
    if (knows == NULL)
        return 0;
    size_t at = find_known(knows, place);
    bool found = at < knows->known.len && knows->known.data[at].place == place;
    return found ? knows->known.data[at].events : 0;
}

static void learn(Arena *arena, struct Knowledge *knows, Known news) {
    size_t at = find_known(knows, news.place);
    if (at < knows->known.len && knows->known.data[at].place == news.place) {
        if (knows->known.data[at].events < news.events)
            knows->known.data[at].events = news.events;
        return;
    }
    vec_push(arena, &knows->known, news);
    for (size_t i = knows->known.len - 1; i > at; i--)
        knows->known.data[i] = knows->known.data[i - 1];
    knows->known.data[at] = news;
}

static void learn_all(Arena *arena, struct Knowledge *knows, const struct Knowledge *news) {
    for (size_t i = 0; i < news->known.len; i++)
        learn(arena, knows, news->known.data[i]);
}

static Place *place_at(OrderClock *clock, uint64_t address) {
    const void *key = (const void *)(uintptr_t)address;
    Place *place = map_getp(&clock->places, key);
    if (place == NULL) {
        place = ARENA_NEW(clock->arena, Place);
        place->number = clock->num_places++;
        map_setp(&clock->places, key, place);
    }
    return place;
}

void order_atomic(OrderClock *clock, Program *program, uint64_t address, SEM_Enum sem, bool wrote) {
    if (sem == SEM_RELAXED)
        return;
    Place *place = place_at(clock, address);
    if (program->knows == NULL)
        program->knows = ARENA_NEW(clock->arena, struct Knowledge);
    if (sem != SEM_RELEASE)
        learn_all(clock->arena, program->knows, &place->knows);
    if (sem == SEM_ACQUIRE || !wrote)
        return;
    Release release = {.place = place->number, .event = place->events++};
    vec_push(clock->arena, &clock->releases[program->index], release);
    program->epoch++;
    learn(clock->arena, program->knows, (Known){.place = place->number, .events = place->events});
    learn_all(clock->arena, &place->knows, program->knows);
}

/* ---- cells with times ---------------------------------------------------------------------------
 */

/* An access: by program who - 1 (0: none), after `epoch` releases of its own. */
typedef struct Stamp {
    uint32_t who, epoch;
} Stamp;

typedef struct Reader { /* further readers that no order connects */
    Stamp stamp;
    struct Reader *next;
} Reader;

typedef struct OrderCell {
    Stamp writer, reader;
    bool writer_atomic;
    Reader *more;
} OrderCell;

struct OrderAlloc {
    const OrderClock *clock;
    OrderCell **chunks;
};

OrderAlloc *order_track(Arena *arena, const OrderClock *clock, size_t elements) {
    OrderAlloc *tracked = ARENA_NEW(arena, OrderAlloc);
    tracked->clock = clock;
    tracked->chunks = ARENA_ARRAY(arena, OrderCell *, (elements + CHUNK - 1) / CHUNK);
    return tracked;
}

static bool comes_before(const OrderClock *clock, Stamp stamp, const Program *now) {
    if (stamp.who == 0 || stamp.who == (uint32_t)now->index + 1)
        return true;
    const ReleaseList *releases = &clock->releases[stamp.who - 1];
    for (size_t i = stamp.epoch; i < releases->len; i++)
        if (events_known(now->knows, releases->data[i].place) > releases->data[i].event)
            return true;
    return false;
}

static bool found(Conflict *conflict, Stamp stamp, bool wrote, bool atomic) {
    conflict->other = (uint64_t)stamp.who - 1;
    conflict->other_wrote = wrote;
    conflict->other_atomic = atomic;
    return false;
}

static bool readers_come_before(const OrderClock *clock, const OrderCell *cell,
                                const Program *program, Conflict *conflict) {
    if (!comes_before(clock, cell->reader, program))
        return found(conflict, cell->reader, false, false);
    for (const Reader *reader = cell->more; reader != NULL; reader = reader->next)
        if (!comes_before(clock, reader->stamp, program))
            return found(conflict, reader->stamp, false, false);
    return true;
}

static void add_reader(const OrderAlloc *tracked, Arena *arena, OrderCell *cell,
                       const Program *program, Stamp me) {
    if (comes_before(tracked->clock, cell->reader, program)) {
        cell->reader = me;
        return;
    }
    if (cell->more != NULL && cell->more->stamp.who == me.who) {
        cell->more->stamp = me;
        return;
    }
    Reader *reader = ARENA_NEW(arena, Reader);
    *reader = (Reader){.stamp = me, .next = cell->more};
    cell->more = reader;
}

static bool touch_cell(const OrderAlloc *tracked, Arena *arena, OrderCell *cell,
                       const Program *program, AccessKind kind, Conflict *conflict) {
    Stamp me = {.who = (uint32_t)program->index + 1, .epoch = program->epoch};
    bool both_atomic = kind == ACCESS_ATOMIC && cell->writer_atomic;
    if (!both_atomic && !comes_before(tracked->clock, cell->writer, program))
        return found(conflict, cell->writer, true, cell->writer_atomic);
    if (kind == ACCESS_READ) {
        add_reader(tracked, arena, cell, program, me);
        return true;
    }
    if (!readers_come_before(tracked->clock, cell, program, conflict))
        return false;
    *cell = (OrderCell){.writer = me, .writer_atomic = kind == ACCESS_ATOMIC};
    return true;
}

size_t order_touch(OrderAlloc *tracked, Arena *arena, const Program *program, size_t first,
                   size_t end, AccessKind kind, Conflict *conflict) {
    for (size_t i = first; i < end; i++) {
        OrderCell **chunk = &tracked->chunks[i / CHUNK];
        if (*chunk == NULL)
            *chunk = ARENA_ARRAY(arena, OrderCell, CHUNK);
        if (!touch_cell(tracked, arena, &(*chunk)[i % CHUNK], program, kind, conflict))
            return i;
    }
    return end;
}
