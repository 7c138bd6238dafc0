/* Chunks in a list; the newest is filled from its start. What would not fit a quarter of
 * a chunk gets one of its own, placed behind the newest, which stays in use. */
#include "base/arena.h"

#include <stdint.h>
#include <string.h>

#define CHUNK_BYTES 8192
#define ALIGNMENT   sizeof(max_align_t)

struct chunk {
    struct chunk *next;
    size_t used, size;
    max_align_t bytes[];
};

struct cb_arena {
    struct chunk *newest;
};

struct cb_arena *cb_arena_new(void)
{
    return xcalloc(1, sizeof(struct cb_arena));
}

void cb_arena_free(struct cb_arena *arena)
{
    if (!arena)
        return;
    while (arena->newest) {
        struct chunk *next = arena->newest->next;

        free(arena->newest);
        arena->newest = next;
    }
    free(arena);
}

static struct chunk *new_chunk(size_t size)
{
    struct chunk *chunk = xcalloc(1, sizeof(*chunk) + size);

    chunk->size = size;
    return chunk;
}

static void *alloc_large(struct cb_arena *arena, size_t size)
{
    struct chunk *chunk = new_chunk(size);
    struct chunk **place = arena->newest ? &arena->newest->next : &arena->newest;

    chunk->used = size;
    chunk->next = *place;
    *place = chunk;
    return chunk->bytes;
}

void *cb_arena_alloc(struct cb_arena *arena, size_t size)
{
    struct chunk *chunk = arena->newest;
    void *result;

    if (size > SIZE_MAX / 2)
        abort();
    size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (size > CHUNK_BYTES / 4)
        return alloc_large(arena, size);
    if (!chunk || chunk->size - chunk->used < size) {
        chunk = new_chunk(CHUNK_BYTES);
        chunk->next = arena->newest;
        arena->newest = chunk;
    }
    result = (char *)chunk->bytes + chunk->used;
    chunk->used += size;
    return result;
}

char *cb_arena_strndup(struct cb_arena *arena, const char *text, size_t len)
{
    char *copy;

    len = strnlen(text, len);
    copy = cb_arena_alloc(arena, len + 1);
    memcpy(copy, text, len);
    return copy;
}

char *cb_arena_strdup(struct cb_arena *arena, const char *text)
{
    return text ? cb_arena_strndup(arena, text, strlen(text)) : NULL;
}

char *cb_arena_printf(struct cb_arena *arena, const char *format, ...)
{
    cb_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = xvasprintf(format, args);
    va_end(args);
    return cb_arena_strdup(arena, text);
}
