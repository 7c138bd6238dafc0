/* Bump allocator for trees that die together (a Dockerfile's syntax tree, a build graph).
 */
#ifndef CB_BASE_ARENA_H
#define CB_BASE_ARENA_H

#include "base/alloc.h"

struct cb_arena;

struct cb_arena *cb_arena_new(void);
void cb_arena_free(struct cb_arena *arena);
CB_AUTO_DEFINE(cb_arena, cb_arena_free)

/* Zeroed, aligned for any type, lives as long as the arena. */
void *cb_arena_alloc(struct cb_arena *arena, size_t size);
char *cb_arena_strdup(struct cb_arena *arena, const char *text);
char *cb_arena_strndup(struct cb_arena *arena, const char *text, size_t len);
char *cb_arena_printf(struct cb_arena *arena, const char *format, ...) CB_PRINTF(2, 3);

#define cb_arena_new_of(arena, type) ((type *)cb_arena_alloc(arena, sizeof(type)))

#endif
