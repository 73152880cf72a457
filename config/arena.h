/* Memory that is taken piece by piece and given back at once. One thread. */
#ifndef BINDERY_ARENA_H
#define BINDERY_ARENA_H

#include <stddef.h>

struct arena {
    struct arena_chunk *chunks;
    char *at; /* the free rest of the newest chunk */
    size_t left;
};

/* Zeroed, aligned for pointers and 64-bit numbers; {0} is an empty arena. */
void *arena_alloc(struct arena *arena, size_t size);

/* A zero-terminated copy. */
const char *arena_string(struct arena *arena, const char *bytes, size_t length);

void arena_free(struct arena *arena);

#endif
