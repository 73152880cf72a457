#include "catalog.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

/* One block holds the list, the names, and the text they lie in. */
struct name_list {
    struct name_list *next;
    const char *joined;
    size_t count;
    struct tag_name names[];
};

static struct name_list *name_list_new(const char *joined)
{
    size_t count = 1, size = strlen(joined) + 1;
    for (const char *p = joined; *p != '\0'; p++)
        count += *p == ',';
    struct name_list *list = mem_alloc(sizeof(*list) + count * sizeof(*list->names) + size + size +
                                       count * TAG_KEY_BYTES);
    const char *at = list->joined = memcpy(list->names + count, joined, size);
    char *key = (char *)list->joined + size;
    list->count = count;
    for (size_t i = 0; i < count; i++) {
        size_t length = strcspn(at, ",");
        list->names[i] = (struct tag_name){at, length, key};
        key += sprintf(key, ",\"%.*s\":", (int)length, at);
        at += length + 1;
    }
    return list;
}

static const struct name_list *find_names(struct catalog *catalog, const char *joined)
{
    for (const struct name_list *list = catalog->lists; list != NULL; list = list->next)
        if (strcmp(list->joined, joined) == 0)
            return list;
    struct name_list *list = name_list_new(joined);
    list->next = catalog->lists;
    catalog->lists = list;
    return list;
}

void catalog_free(struct catalog *catalog)
{
    catalog_cut(catalog, 0);
    free(catalog->items);
    while (catalog->lists != NULL) {
        struct name_list *next = catalog->lists->next;
        free(catalog->lists);
        catalog->lists = next;
    }
    *catalog = (struct catalog){0};
}

void catalog_cut(struct catalog *catalog, size_t count)
{
    while (catalog->count > count)
        free((char *)catalog->items[--catalog->count].machine);
}

/* The first with this id or a greater one. */
static size_t catalog_index(const struct catalog *catalog, uint32_t id)
{
    size_t low = 0, high = catalog->count;
    /* As long as none was ever deleted, they are numbered from 1 on. */
    if (id > 0 && id <= high && catalog->items[id - 1].id == id)
        return id - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (catalog->items[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void catalog_add(struct catalog *catalog, uint32_t id, const char *machine, const char *tags)
{
    size_t index = catalog_index(catalog, id);
    if (index < catalog->count && catalog->items[index].id == id)
        return;
    if (catalog->count == catalog->capacity) {
        catalog->capacity = catalog->capacity > 0 ? 2 * catalog->capacity : 16;
        catalog->items = mem_resize(catalog->items, catalog->capacity * sizeof(*catalog->items));
    }
    const struct name_list *list = find_names(catalog, tags);
    struct source *at = catalog->items + index;
    memmove(at + 1, at, (catalog->count - index) * sizeof(*at));
    *at = (struct source){id, mem_string(machine), list->count, list->names};
    catalog->count++;
}

const struct source *catalog_by_id(const struct catalog *catalog, uint32_t id)
{
    size_t index = catalog_index(catalog, id);
    if (index == catalog->count || catalog->items[index].id != id)
        return NULL;
    return &catalog->items[index];
}

static bool source_is(const struct source *source, const struct machine *machine)
{
    if (source->tag_count != machine_told_values(machine) ||
        strcmp(source->machine, machine->name) != 0)
        return false;
    for (size_t i = 0; i < source->tag_count; i++) {
        const struct tag_name *name = &source->tags[i];
        const char *wanted = machine_value_name(machine, i);
        if (strncmp(name->text, wanted, name->length) != 0 || wanted[name->length] != '\0')
            return false;
    }
    return true;
}

const struct source *catalog_by_content(struct catalog *catalog, const struct machine *machine)
{
    for (size_t i = 0; i < catalog->count; i++) {
        size_t index = (catalog->hint + i) % catalog->count;
        if (source_is(&catalog->items[index], machine)) {
            catalog->hint = index + 1;
            return &catalog->items[index];
        }
    }
    return NULL;
}

/* In the list's text the first name begins where all of them do. */
const char *catalog_joined(const struct source *source)
{
    return source->tags[0].text;
}

const struct source *catalog_by_names(const struct catalog *catalog, const char *machine,
                                      const char *tags)
{
    for (size_t i = 0; i < catalog->count; i++)
        if (strcmp(catalog->items[i].machine, machine) == 0 &&
            strcmp(catalog_joined(&catalog->items[i]), tags) == 0)
            return &catalog->items[i];
    return NULL;
}

void catalog_tags(const struct machine *machine, struct text *out)
{
    for (size_t i = 0; i < machine_told_values(machine); i++) {
        if (i > 0)
            text_add_char(out, ',');
        text_add(out, machine_value_name(machine, i));
    }
}
