/* What is brought from a store that was deleted or damaged into the one in its place: all that some
 * uplink was still owed, in the order of its numbers and bit by bit, since it may be gigabytes;
 * what can't be read is declared in gaps. In the new store it has new numbers, so that a receiver
 * may see a reading twice, under either id.
 *
 * How far it has come is kept in the new store, by the transactions that bring it. The forward
 * loop's thread only. */
#ifndef BINDERY_SALVAGE_H
#define BINDERY_SALVAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "ranges.h"
#include "store.h"
#include "text.h"

struct salvage;

/* A batch for the new store, which has no number yet; and what of the old one it stands for. */
struct salvaged {
    struct batch batch;  /* the caller frees its body */
    uint64_t first, end; /* of the old numbers, those that are accounted for by it */
    uint64_t missing;    /* of them, those declared lost in it */
    int64_t last_ms;     /* when the newest reading in it was taken, as far as is known */
};

/* What is kept of a store that is about to be given up: its id, where its numbers end, and then,
 * uplink by uplink, what it is owed. */
void salvage_describe(const char *store_id, uint64_t end, struct text *out);
void salvage_describe_uplink(const char *uplink, const struct ranges *owed, uint64_t end,
                             struct text *out);

/* Begins, or goes on after a restart: 0; -ENOENT where there is nothing to salvage. */
int salvage_open(struct store *store, struct salvage **ret_salvage);
void salvage_free(struct salvage *salvage); /* accepts NULL */

/* Looks through the next part of the old file. True once all of it is known; the calls below are
 * for afterwards, but the first two. */
bool salvage_survey(struct salvage *salvage);

/* Whether the uplink was owed one of these old numbers. */
bool salvage_is_owed(const struct salvage *salvage, const char *uplink, uint64_t first,
                     uint64_t last);

/* These are not to be looked for: they are written again from memory, or are accounted for. */
void salvage_pass(struct salvage *salvage, uint64_t first, uint64_t last, int64_t last_ms);

/* Where nobody told what an uplink is owed: what the old file says, or, where it does not, all that
 * is in it. After the survey, and before the first salvage_next. */
void salvage_add_uplink(struct salvage *salvage, const char *uplink);

/* The batch after the old number `*from`, which moves on to its end; 0 is where salvage_pass has
 * come to. 1; 0 where it takes another
 * call; -ENOENT at the end, when all is accounted for; or negative errno of the new store. */
int salvage_next(struct salvage *salvage, uint64_t *from, struct salvaged *ret_salvaged);

/* After salvaged batches could not be committed: they are given again, from `*from` = 0 on. */
void salvage_rewind(struct salvage *salvage);

/* What is to be kept once the old numbers below `end` are accounted for. */
void salvage_keep(const struct salvage *salvage, uint64_t end, int64_t last_ms, struct text *out);

/* How many numbers are owed still. */
uint64_t salvage_left(const struct salvage *salvage);

/* Whether the old file is open but has no name: it is gone with this process. */
bool salvage_is_urgent(const struct salvage *salvage);

#endif
