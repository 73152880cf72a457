#include "arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

enum {
    CHUNK_BYTES =
        256 * 1024, /* large enough to be mapped, so that freeing returns it to the system */
    ALIGNMENT = 8,
};

struct arena_chunk {
    struct arena_chunk *next;
    max_align_t bytes[];
};

static void arena_grow(struct arena *arena, size_t size)
{
    size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
    struct arena_chunk *chunk = mem_alloc(sizeof *chunk + room);

    chunk->next = arena->chunks;
    arena->chunks = chunk;
    arena->at = (char *)chunk->bytes;
    arena->left = room;
}

static void *arena_take(struct arena *arena, size_t size)
{
    if (!arena->at || arena->left < size)
        arena_grow(arena, size);
    void *block = arena->at;
    arena->at += size;
    arena->left -= size;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t padding = -(uintptr_t)arena->at % ALIGNMENT;

    if (arena->left < padding)
        padding = arena->left;
    if (padding > 0) {
        arena->at += padding;
        arena->left -= padding;
    }
    return arena_take(arena, size);
}

const char *arena_string(struct arena *arena, const char *bytes, size_t length)
{
    char *copy = arena_take(arena, length + 1);

    memcpy(copy, bytes, length);
    return copy;
}

void arena_free(struct arena *arena)
{
    while (arena->chunks) {
        struct arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        free(chunk);
    }
    *arena = (struct arena){0};
}
