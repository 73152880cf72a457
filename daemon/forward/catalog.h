/* The sources in memory: which machine with which tags stands behind a reading's number. */
#ifndef BINDERY_CATALOG_H
#define BINDERY_CATALOG_H

#include <stddef.h>
#include <stdint.h>

#include "plant.h"
#include "store.h"
#include "text.h"

struct name_list;

struct catalog {
    struct source *items; /* by ascending id */
    size_t count, capacity;
    size_t hint; /* where the next one asked for probably is: plants are asked in their order */
    struct name_list *lists; /* machines of one model share theirs */
};

void catalog_free(struct catalog *catalog);

/* Takes in a source; an id that is there already is left as it is. `tags` as catalog_tags gives. */
void catalog_add(struct catalog *catalog, uint32_t id, const char *machine, const char *tags);

/* Forgets the newest, all but `count`. */
void catalog_cut(struct catalog *catalog, size_t count);

/* NULL if there is none; valid until the next catalog_add or catalog_cut. */
const struct source *catalog_by_id(const struct catalog *catalog, uint32_t id);
const struct source *catalog_by_content(struct catalog *catalog, const struct machine *machine);
const struct source *catalog_by_names(const struct catalog *catalog, const char *machine,
                                      const char *tags);

/* A machine's tag names joined by commas, which no name contains. */
void catalog_tags(const struct machine *machine, struct text *out);

/* The same of a source. */
const char *catalog_joined(const struct source *source);

#endif
