/* A hash table from strings to pointers. Keys are not copied and must outlive it. One thread. */
#ifndef BINDERY_TABLE_H
#define BINDERY_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "arena.h"

struct table {
    struct table_slot *slots; /* a power of two of them, at most half in use */
    size_t count, capacity;
};

/* The value of a key; NULL where there is none. */
const void *table_get(const struct table *table, const char *key);

/* Sets a key's value, which must not be NULL, and returns the one it had, or NULL. */
const void *table_set(struct table *table, const char *key, const void *value);

/* The one copy of these bytes, made in the arena when they are new: equal strings come out as
 * equal pointers. Not to be mixed with the two above on one table. */
const char *table_intern(struct table *table, struct arena *arena, const char *bytes,
                         size_t length);

/* Empties it and keeps its memory. */
void table_clear(struct table *table);

void table_free(struct table *table);

#endif
