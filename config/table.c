#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

enum { FIRST_CAPACITY = 64 };

struct table_slot {
    const char *key; /* NULL: free */
    const void *value;
    uint64_t hash;
};

/* FNV-1a, its low bits stirred once more since they pick the slot. */
static uint64_t hash_bytes(const char *bytes, size_t length)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
    return hash ^ hash >> 32;
}

/* The slot that holds the key, or the free one where it would go. */
static struct table_slot *table_slot(const struct table *table, uint64_t hash, const char *bytes,
                                     size_t length)
{
    size_t i = hash & (table->capacity - 1);

    for (;; i = (i + 1) & (table->capacity - 1)) {
        struct table_slot *slot = &table->slots[i];
        if (!slot->key || (slot->hash == hash && strncmp(slot->key, bytes, length) == 0 &&
                           slot->key[length] == '\0'))
            return slot;
    }
}

static void table_grow(struct table *table)
{
    struct table bigger = {.count = table->count,
                           .capacity = table->capacity ? table->capacity * 2 : FIRST_CAPACITY};

    bigger.slots = mem_array(bigger.capacity, sizeof *bigger.slots);
    for (size_t i = 0; i < table->capacity; i++) {
        const struct table_slot *slot = &table->slots[i];
        if (slot->key)
            *table_slot(&bigger, slot->hash, slot->key, strlen(slot->key)) = *slot;
    }
    free(table->slots);
    *table = bigger;
}

/* Makes sure of a free slot before table_slot is asked for one. */
static void table_make_room(struct table *table)
{
    if (table->count >= table->capacity / 2)
        table_grow(table);
}

const void *table_get(const struct table *table, const char *key)
{
    if (table->count == 0)
        return NULL;
    size_t length = strlen(key);
    return table_slot(table, hash_bytes(key, length), key, length)->value;
}

const void *table_set(struct table *table, const char *key, const void *value)
{
    size_t length = strlen(key);
    uint64_t hash = hash_bytes(key, length);

    table_make_room(table);
    struct table_slot *slot = table_slot(table, hash, key, length);
    const void *before = slot->value;
    table->count += slot->key == NULL;
    *slot = (struct table_slot){.key = key, .value = value, .hash = hash};
    return before;
}

const char *table_intern(struct table *table, struct arena *arena, const char *bytes, size_t length)
{
    uint64_t hash = hash_bytes(bytes, length);

    table_make_room(table);
    struct table_slot *slot = table_slot(table, hash, bytes, length);
    if (!slot->key) {
        *slot = (struct table_slot){.key = arena_string(arena, bytes, length), .hash = hash};
        table->count++;
    }
    return slot->key;
}

void table_clear(struct table *table)
{
    if (table->count > 0) {
        memset(table->slots, 0, table->capacity * sizeof *table->slots);
        table->count = 0;
    }
}

void table_free(struct table *table)
{
    free(table->slots);
    *table = (struct table){0};
}
