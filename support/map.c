/* map.c -- hash maps that remember the order of insertion.
 *
 * Entries lie in one array in the order they were first set; a second array of slots, open
 * addressing with linear probing and at most two thirds full, holds indices into it (plus one, so
 * that 0 means free). Removing marks the entry dead and leaves its slot; growing drops dead
 * entries.
 *
 *     slots   [ 0  3  0  1  0  0  2  0 ]        entries  [ "x" | "y" | "z" ]
 *                  |     `-- entry 0: "x"
 *                  `-------- entry 2: "z"
 */
#include "support/map.h"

#include <string.h>

#include "support/str.h"

enum { FIRST_SLOTS = 16 };

void map_init_str(Map *map, Arena *arena) {
    *map = (Map){.arena = arena};
}

void map_init_ptr(Map *map, Arena *arena) {
    *map = (Map){.arena = arena, .by_pointer = true};
}

static uint64_t key_hash(const Map *map, const void *key, size_t len) {
    if (map->by_pointer) {
        uintptr_t address = (uintptr_t)key;
        return hash_bytes(&address, sizeof address, 0);
    }
    return hash_bytes(key, len, 0);
}

static bool same_key(const Map *map, const MapEntry *entry, const void *key, size_t len) {
    if (map->by_pointer) {
        return entry->key == key;
    }
    return entry->key_len == len && (len == 0 || memcmp(entry->key, key, len) == 0);
}

/* The live entry of a key, or NULL. */
static MapEntry *find(const Map *map, const void *key, size_t len, uint64_t hash) {
    if (map->nslots == 0) {
        return NULL;
    }
    size_t mask = map->nslots - 1;
    for (size_t slot = (size_t)hash & mask; map->slots[slot] != 0; slot = (slot + 1) & mask) {
        MapEntry *entry = &map->entries[map->slots[slot] - 1];
        if (entry->live && entry->hash == hash && same_key(map, entry, key, len)) {
            return entry;
        }
    }
    return NULL;
}

static void put_slot(Map *map, uint64_t hash, uint32_t index) {
    size_t mask = map->nslots - 1;
    size_t slot = (size_t)hash & mask;
    while (map->slots[slot] != 0) {
        slot = (slot + 1) & mask;
    }
    map->slots[slot] = index + 1;
}

/* New arrays with room for twice the live entries; drops the dead ones. */
static void grow(Map *map) {
    size_t nslots = FIRST_SLOTS;
    while (nslots / 3 <= map->count) {
        nslots *= 2;
    }
    if (nslots > UINT32_MAX) {
        oom_raise(arena_oom(map->arena));
    }
    size_t cap = nslots / 3 * 2;
    MapEntry *entries = ARENA_ARRAY(map->arena, MapEntry, cap);
    uint32_t *slots = ARENA_ARRAY(map->arena, uint32_t, nslots);
    size_t len = 0;
    for (size_t i = 0; i < map->len; i++) {
        if (map->entries[i].live) {
            entries[len++] = map->entries[i];
        }
    }
    map->entries = entries;
    map->slots = slots;
    map->nslots = nslots;
    map->len = len;
    map->cap = cap;
    for (size_t i = 0; i < len; i++) {
        put_slot(map, entries[i].hash, (uint32_t)i);
    }
}

static void *get(const Map *map, const void *key, size_t len) {
    const MapEntry *entry = find(map, key, len, key_hash(map, key, len));
    return entry == NULL ? NULL : entry->value;
}

static void set(Map *map, const void *key, size_t len, void *value) {
    uint64_t hash = key_hash(map, key, len);
    MapEntry *entry = find(map, key, len, hash);
    if (entry != NULL) {
        entry->value = value;
        return;
    }
    if (map->len == map->cap) {
        grow(map);
    }
    const void *kept = map->by_pointer ? key : arena_strndup(map->arena, key, len);
    map->entries[map->len] = (MapEntry){kept, len, value, hash, true};
    put_slot(map, hash, (uint32_t)map->len);
    map->len++;
    map->count++;
}

static bool remove_key(Map *map, const void *key, size_t len) {
    MapEntry *entry = find(map, key, len, key_hash(map, key, len));
    if (entry == NULL) {
        return false;
    }
    entry->live = false;
    map->count--;
    return true;
}

void *map_get(const Map *map, const char *key) {
    return get(map, key, strlen(key));
}

bool map_has(const Map *map, const char *key) {
    return map_entryn(map, key, strlen(key)) != NULL;
}

void map_set(Map *map, const char *key, void *value) {
    set(map, key, strlen(key), value);
}

bool map_remove(Map *map, const char *key) {
    return remove_key(map, key, strlen(key));
}

const MapEntry *map_entryn(const Map *map, const void *key, size_t len) {
    return find(map, key, len, key_hash(map, key, len));
}

void *map_getn(const Map *map, const void *key, size_t len) {
    return get(map, key, len);
}

void map_setn(Map *map, const void *key, size_t len, void *value) {
    set(map, key, len, value);
}

void *map_getp(const Map *map, const void *key) {
    return get(map, key, 0);
}

bool map_hasp(const Map *map, const void *key) {
    return map_entryn(map, key, 0) != NULL;
}

void map_setp(Map *map, const void *key, void *value) {
    set(map, key, 0, value);
}

bool map_removep(Map *map, const void *key) {
    return remove_key(map, key, 0);
}
