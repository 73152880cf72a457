/* What ledger.c decides and ledger_commit.c writes. */
#ifndef BINDERY_LEDGER_INTERNAL_H
#define BINDERY_LEDGER_INTERNAL_H

#include "ledger.h"

struct ledger {
    const struct plant *plant; /* retained */
    const struct store_settings *settings;
    struct queue *queue;
    struct store *store;
    uint32_t boot;
    bool boot_offset_known;
    struct queue_content content;
    struct text declared; /* gaps waiting for the next batch, as records */
    uint32_t declared_count;
    struct recent recent;
    struct held_batch *unwritten; /* its commit failed; nothing new is taken until it succeeds */
    uint64_t next_seq, reserved;
    uint64_t lost;
    int64_t take_ns, cursor_ns, housekeeping_ns, retry_ns;
    int trouble; /* errno of the last commit; 0: fine */
};

/* Commits batches, oldest first, and the cursors; drops what a full store has no room for and
 * declares it in a batch of its own, in the same transaction. On failure, which has been logged,
 * nothing is changed. */
int ledger_commit(struct ledger *ledger, struct held_batch *const *batches, size_t count,
                  struct audience audience, int64_t now_ns);

void ledger_commit_cursors(struct ledger *ledger, struct audience audience, int64_t now_ns);

/* Reserves numbers below `end`. 0 or negative errno, logged. */
int ledger_reserve(struct ledger *ledger, uint64_t end, int64_t now_ns);

/* Takes over the holder's share. */
void ledger_add_recent(struct ledger *ledger, struct held_batch *held);

#endif
