/* Free capacity, for others to know: of each machine with a state and each line what it can make,
 * how much of its time it works, whether it is free, and what is planned; nothing of jobs and
 * customers. Followed from what is committed, kept in standings as counters are, and told as
 * retained records. The forward loop's thread only. */
#ifndef BINDERY_LOADS_H
#define BINDERY_LOADS_H

#include "capacity.h"
#include "plant.h"
#include "standing.h"
#include "store.h"
#include "text.h"

struct loads;

/* Those of the plant, which is retained; they go on from their standings, and what machines do now
 * from `before`, which may be NULL. Store and standings must outlive them. NULL where the plant
 * does not publish capacity; all below accept that. */
struct loads *loads_new(const struct plant *plant, struct store *store, struct standings *standings,
                        const struct loads *before);
void loads_free(struct loads *loads);

/* Of machines that are not followed in that plant nothing is known from now on, until an event
 * tells. Whether a standing changed. */
bool loads_pause_others(const struct plant *plant, struct standings *standings);

/* Records that are committed. Whether a standing changed. */
bool loads_take(struct loads *loads, const void *body, size_t length);

/* What was taken so far is from before this start: what machines do now is not known by it. */
void loads_forget_now(struct loads *loads);

/* Makes a few of the records that are due anew. */
void loads_step(struct loads *loads, int64_t now_ns);

/* A record as it is told. */
struct load_record {
    const char *name; /* the machine's, or the line's */
    uint64_t changed; /* grows with each change of any; 0: there is none yet */
    int64_t at_ms;    /* when that was */
    struct text json; /* without "ts" and the brace before it */
};

size_t loads_count(const struct loads *loads);
const struct load_record *loads_record(const struct loads *loads, size_t index);
uint64_t loads_changes(const struct loads *loads);

#endif
