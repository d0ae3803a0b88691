/* map.h -- hash maps in an arena: from byte strings or from pointers to pointers.
 *
 * Insertion order is kept: entries [0, len) can be walked in the order they were first set, so
 * that nothing the compiler prints depends on addresses or hash seeds.
 */
#ifndef TKC_SUPPORT_MAP_H
#define TKC_SUPPORT_MAP_H

#include <stdbool.h>

#include "support/arena.h"

typedef struct MapEntry {
    const void *key; /* string maps: NUL-terminated copy owned by the arena */
    size_t key_len;
    void *value;
    uint64_t hash;
    bool live; /* false once removed */
} MapEntry;

typedef struct Map {
    Arena *arena;
    MapEntry *entries; /* insertion order; skip those not live */
    size_t len, cap, count;
    uint32_t *slots;
    size_t nslots;
    bool by_pointer;
} Map;

/* Getters return NULL for a key that is not there; setting a key again keeps its place in the
 * order. Removing leaves an entry with live == false behind until the map grows next. */
void map_init_str(Map *map, Arena *arena);
void map_init_ptr(Map *map, Arena *arena);
/* String keys (NUL-terminated). */
void *map_get(const Map *map, const char *key);
bool map_has(const Map *map, const char *key);
void map_set(Map *map, const char *key, void *value);
bool map_remove(Map *map, const char *key);
/* Byte string keys; map_entryn returns NULL if the key is not there (the entry moves on set). */
const MapEntry *map_entryn(const Map *map, const void *key, size_t len);
void *map_getn(const Map *map, const void *key, size_t len);
void map_setn(Map *map, const void *key, size_t len, void *value);
/* Pointer keys. */
void *map_getp(const Map *map, const void *key);
bool map_hasp(const Map *map, const void *key);
void map_setp(Map *map, const void *key, void *value);
bool map_removep(Map *map, const void *key);

#endif
