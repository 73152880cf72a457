#include "catalog.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

/* One block holds the source, the pointers to its names, and the names. */
static struct source *source_new(uint32_t id, const char *machine, const char *tags)
{
    size_t tag_count = 1;
    for (const char *p = tags; *p != '\0'; p++)
        tag_count += *p == ',';
    size_t machine_size = strlen(machine) + 1;
    size_t tags_size = strlen(tags) + 1;
    struct source *source =
        mem_alloc(sizeof(*source) + tag_count * sizeof(char *) + machine_size + tags_size);
    const char **names = (const char **)(source + 1);
    char *machine_copy = memcpy(names + tag_count, machine, machine_size);
    char *rest = memcpy(machine_copy + machine_size, tags, tags_size);
    for (size_t i = 0; i < tag_count; i++)
        names[i] = strsep(&rest, ",");
    *source = (struct source){id, machine_copy, tag_count, names};
    return source;
}

void catalog_free(struct catalog *catalog)
{
    catalog_cut(catalog, 0);
    free(catalog->items);
    *catalog = (struct catalog){0};
}

void catalog_cut(struct catalog *catalog, size_t count)
{
    while (catalog->count > count)
        free(catalog->items[--catalog->count]);
}

/* The first with this id or a greater one. */
static size_t catalog_index(const struct catalog *catalog, uint32_t id)
{
    size_t low = 0;
    size_t high = catalog->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (catalog->items[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void catalog_add(struct catalog *catalog, uint32_t id, const char *machine, const char *tags)
{
    size_t index = catalog_index(catalog, id);
    if (index < catalog->count && catalog->items[index]->id == id)
        return;
    if (catalog->count == catalog->capacity) {
        catalog->capacity = catalog->capacity > 0 ? 2 * catalog->capacity : 16;
        catalog->items = mem_resize(catalog->items, catalog->capacity * sizeof(struct source *));
    }
    struct source **at = catalog->items + index;
    memmove(at + 1, at, (catalog->count - index) * sizeof(struct source *));
    *at = source_new(id, machine, tags);
    catalog->count++;
}

const struct source *catalog_by_id(const struct catalog *catalog, uint32_t id)
{
    size_t index = catalog_index(catalog, id);
    if (index == catalog->count || catalog->items[index]->id != id)
        return NULL;
    return catalog->items[index];
}

static bool source_is(const struct source *source, const struct machine *machine)
{
    if (source->tag_count != machine->tag_count || strcmp(source->machine, machine->name) != 0)
        return false;
    for (size_t i = 0; i < source->tag_count; i++) {
        if (strcmp(source->tags[i], machine->tags[i].name) != 0)
            return false;
    }
    return true;
}

const struct source *catalog_by_content(struct catalog *catalog, const struct machine *machine)
{
    for (size_t i = 0; i < catalog->count; i++) {
        size_t index = (catalog->hint + i) % catalog->count;
        if (source_is(catalog->items[index], machine)) {
            catalog->hint = index + 1;
            return catalog->items[index];
        }
    }
    return NULL;
}

void catalog_tags(const struct machine *machine, struct text *out)
{
    for (size_t i = 0; i < machine->tag_count; i++) {
        if (i > 0)
            text_add_char(out, ',');
        text_add(out, machine->tags[i].name);
    }
}
