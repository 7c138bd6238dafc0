/* Entries in an array in order of insertion, and an open-addressed table of positions in
 * it. A removed entry leaves a hole that the next growth squeezes out. Keys may be chosen
 * by strangers, so they are hashed by SipHash-1-3 under a random key per map. */
#include "base/map.h"

#include <stdint.h>
#include <string.h>
#include <sys/random.h>

struct entry {
    char *key; /* NULL: removed */
    void *value;
    uint64_t hash;
};

struct cb_map {
    void (*free_value)(void *);
    struct entry *entries;
    size_t used;  /* entries including holes */
    size_t count; /* entries without */
    size_t capacity;
    uint32_t *slots;   /* position in entries plus 1; 0: free */
    size_t slot_count; /* a power of two, over twice the capacity */
    uint64_t seed[2];
};

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static void sip_block(uint64_t v[4], uint64_t block)
{
    v[3] ^= block;
    sip_round(v);
    v[0] ^= block;
}

static uint64_t hash_text(const struct cb_map *map, const char *text)
{
    size_t len = strlen(text);
    uint64_t tail = (uint64_t)len << 56;
    uint64_t v[4] = {
        map->seed[0] ^ 0x736f6d6570736575u,
        map->seed[1] ^ 0x646f72616e646f6du,
        map->seed[0] ^ 0x6c7967656e657261u,
        map->seed[1] ^ 0x7465646279746573u,
    };

    for (; len >= 8; len -= 8, text += 8) {
        uint64_t block;

        memcpy(&block, text, 8);
        sip_block(v, block);
    }
    for (size_t i = 0; i < len; i++)
        tail |= (uint64_t)(unsigned char)text[i] << (8 * i);
    sip_block(v, tail);
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct cb_map *cb_map_new(void (*free_value)(void *))
{
    struct cb_map *map = xcalloc(1, sizeof(*map));

    map->free_value = free_value;
    if (getrandom(map->seed, sizeof(map->seed), GRND_NONBLOCK) < 0)
        map->seed[0] = (uintptr_t)map; /* early boot only */
    return map;
}

static void free_entry(struct cb_map *map, struct entry *entry)
{
    if (!entry->key)
        return;
    free(entry->key);
    if (map->free_value)
        map->free_value(entry->value);
}

void cb_map_free(struct cb_map *map)
{
    if (!map)
        return;
    for (size_t i = 0; i < map->used; i++)
        free_entry(map, &map->entries[i]);
    free(map->entries);
    free(map->slots);
    free(map);
}

/* The slot that holds KEY, or the free one where it would go. */
static uint32_t *find_slot(const struct cb_map *map, const char *key, uint64_t hash)
{
    size_t mask = map->slot_count - 1;

    for (size_t i = hash & mask;; i = (i + 1) & mask) {
        const struct entry *entry;

        if (map->slots[i] == 0)
            return &map->slots[i];
        entry = &map->entries[map->slots[i] - 1];
        if (entry->key && entry->hash == hash && strcmp(entry->key, key) == 0)
            return &map->slots[i];
    }
}

static struct entry *find_entry(const struct cb_map *map, const char *key)
{
    uint32_t slot;

    if (!map || map->count == 0)
        return NULL;
    slot = *find_slot(map, key, hash_text(map, key));
    return slot ? &map->entries[slot - 1] : NULL;
}

static void squeeze(struct cb_map *map)
{
    size_t kept = 0;

    for (size_t i = 0; i < map->used; i++) {
        if (map->entries[i].key)
            map->entries[kept++] = map->entries[i];
    }
    map->used = kept;
}

static void grow(struct cb_map *map)
{
    squeeze(map);
    if (map->used >= UINT32_MAX / 4)
        abort();
    if (map->used * 2 >= map->capacity) {
        map->capacity = map->capacity ? map->capacity * 2 : 8;
        map->entries = xreallocarray(map->entries, map->capacity, sizeof(*map->entries));
        free(map->slots);
        map->slot_count = map->capacity * 2;
        map->slots = xcalloc(map->slot_count, sizeof(*map->slots));
    } else {
        memset(map->slots, 0, map->slot_count * sizeof(*map->slots));
    }
    for (size_t i = 0; i < map->used; i++)
        *find_slot(map, map->entries[i].key, map->entries[i].hash) = (uint32_t)(i + 1);
}

void *cb_map_get(const struct cb_map *map, const char *key)
{
    struct entry *entry = find_entry(map, key);

    return entry ? entry->value : NULL;
}

int cb_map_has(const struct cb_map *map, const char *key)
{
    return find_entry(map, key) != NULL;
}

void cb_map_set(struct cb_map *map, const char *key, void *value)
{
    struct entry *entry = find_entry(map, key);
    uint64_t hash;

    if (entry) {
        if (map->free_value && entry->value != value)
            map->free_value(entry->value);
        entry->value = value;
        return;
    }
    if (map->used == map->capacity)
        grow(map);
    hash = hash_text(map, key);
    map->entries[map->used] = (struct entry){xstrdup(key), value, hash};
    *find_slot(map, key, hash) = (uint32_t)(map->used + 1);
    map->used++;
    map->count++;
}

int cb_map_remove(struct cb_map *map, const char *key)
{
    struct entry *entry = find_entry(map, key);

    if (!entry)
        return 0;
    free_entry(map, entry);
    entry->key = NULL;
    entry->value = NULL;
    map->count--;
    return 1;
}

size_t cb_map_count(const struct cb_map *map)
{
    return map ? map->count : 0;
}

int cb_map_next(const struct cb_map *map, size_t *position, const char **key,
                void **value)
{
    while (map && *position < map->used) {
        const struct entry *entry = &map->entries[(*position)++];

        if (!entry->key)
            continue;
        if (key)
            *key = entry->key;
        if (value)
            *value = entry->value;
        return 1;
    }
    return 0;
}
