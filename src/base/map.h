/* Hash map from strings to pointers; iterates in order of insertion. Keys are copied;
 * values belong to the caller unless a destructor was given. */
#ifndef CB_BASE_MAP_H
#define CB_BASE_MAP_H

#include "base/alloc.h"

#include <stddef.h>

struct cb_map;

struct cb_map *cb_map_new(void (*free_value)(void *));
void cb_map_free(struct cb_map *map);
CB_AUTO_DEFINE(cb_map, cb_map_free)

/* NULL when absent. */
void *cb_map_get(const struct cb_map *map, const char *key);
int cb_map_has(const struct cb_map *map, const char *key);
/* Replaces (and destroys) an earlier value; position is kept. */
void cb_map_set(struct cb_map *map, const char *key, void *value);
/* Removes and destroys; returns whether it was there. */
int cb_map_remove(struct cb_map *map, const char *key);
size_t cb_map_count(const struct cb_map *map);
/* Walks the map: start with *POSITION 0; returns 0 at the end. The map may not change
 * meanwhile. */
int cb_map_next(const struct cb_map *map, size_t *position, const char **key,
                void **value);

#endif
