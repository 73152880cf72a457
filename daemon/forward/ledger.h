/* From the queue into the store: makes batches, gives them their numbers, commits them, keeps the
 * newest in memory for live delivery, and the store in bounds. The forward loop's thread only.
 *
 * With durability always a batch is committed before anyone may send it. With durability outage
 * it may be sent at once, and is committed only if it is not acknowledged in time or an uplink is
 * not there; its numbers are reserved in the store beforehand, so that they are never given to
 * anything else.
 *
 * A store that is deleted or damaged at work is replaced by another: what some uplink is owed and
 * is in memory still is written to it, what was on the disk only is salvaged into it. */
#ifndef BINDERY_LEDGER_H
#define BINDERY_LEDGER_H

#include <stdint.h>

#include "delivery.h"
#include "lines.h"
#include "live.h"
#include "loads.h"
#include "plant.h"
#include "queue.h"
#include "standing.h"
#include "store.h"

struct ledger;

/* Those for whom readings are kept. */
struct audience {
    struct delivery *const *deliveries;
    size_t count;
};

/* 0 or negative errno, which has been logged. Retains the plant for its store settings. */
int ledger_open(const struct plant *plant, struct queue *queue, struct ledger **ret_ledger);
void ledger_close(struct ledger *ledger); /* accepts NULL */

/* The loop's eventfd: while nothing comes the ledger need not look, and is woken by it. */
void ledger_wake_by(struct ledger *ledger, int wake_fd);

/* Numbers for all machines of a plant. 0 or negative errno, logged. */
int ledger_sources(struct ledger *ledger, const struct plant *plant, uint32_t *ret_sources);

/* Another plant's lines, and its loads, from what is committed by now. */
void ledger_set_lines(struct ledger *ledger, const struct plant *plant);

/* Standings take up what the lines were told beside what is committed. */
void ledger_keep_lines(struct ledger *ledger);

/* NULL where there are none; until the next ledger_set_lines. */
struct lines *ledger_lines(const struct ledger *ledger);
struct loads *ledger_loads(const struct ledger *ledger); /* likewise */

/* How counters and states stood when they were last told, their times on this boot's clock; before
 * the first step. */
void ledger_copy_standings(const struct ledger *ledger, struct standings *ret_standings);

/* An error of the store's that somebody else met: damage is mended at the next step. */
void ledger_note_error(struct ledger *ledger, int error);

/* After an error: whether the store was deleted or damaged, and another one is begun by now, so
 * that it may be tried again. */
bool ledger_mend(struct ledger *ledger, struct audience audience);

/* Does what is due; returns when to come again. Where the store was deleted or found damaged it
 * begins another one: then the id is another, and the deliveries owe other numbers. */
int64_t ledger_step(struct ledger *ledger, struct audience audience, int64_t now_ns);

/* Commits all there is: the queue, what is not yet stored, the cursors. */
void ledger_finish(struct ledger *ledger, struct audience audience);

/* A loss to be stored with the next batch; `argument` is the ledger. */
void ledger_declare(void *argument, const struct gap *gap);

/* Their cursors, before some of them are closed. `audience`: all there are. */
void ledger_save_cursors(struct ledger *ledger, struct audience audience);

/* Forgets cursors of uplinks that the plant does not have. */
void ledger_drop_cursors(struct ledger *ledger, const struct plant *plant);

/* For the deliveries: see struct delivery_context. */
struct store *ledger_store(const struct ledger *ledger);
const struct recent *ledger_recent(const struct ledger *ledger);
uint64_t ledger_next_seq(const struct ledger *ledger);
uint64_t ledger_stored_end(const struct ledger *ledger);

void ledger_report(const struct ledger *ledger, struct live_store *ret_report);

#endif
