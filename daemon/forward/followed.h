/* Which values of a machine tell where its counters, its state and its shifts stand, by the names
 * in a list of tags that the store has. One thread at a time. */
#ifndef BINDERY_FOLLOWED_H
#define BINDERY_FOLLOWED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plant.h"
#include "standing.h"
#include "store.h"

/* Values of a counter, of the state or of a shift, and where that stands. */
struct followed {
    uint16_t values[STANDING_COUNTER_NUMBERS]; /* a counter's; of others the first, of `count` */
    size_t count;
    bool is_counter;
    const char *name;          /* of what is no counter */
    struct standing *standing; /* NULL: nothing of it was told yet, as of shifts mostly */
};

struct followed_source {
    bool known;
    size_t count;
    struct followed *items;
};

/* Finds those of a source, whose items are then the caller's to free. Counters get a standing,
 * which is not told yet, where they have none. */
void followed_find(struct standings *standings, const struct source *source,
                   struct followed_source *ret_followed);

#endif
