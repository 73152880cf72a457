/* Batches that are in memory only: with durability outage, or written again to another store. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "ledger_internal.h"
#include "memory.h"

enum { RESERVE_BATCHES = 50 }; /* numbers for so many batches are reserved at once */

/* Whether what is taken now can count on a quick acknowledgement by everyone. */
static bool all_connected(struct audience audience)
{
    for (size_t i = 0; i < audience.count; i++)
        if (!delivery_connected(audience.deliveries[i]))
            return false;
    return audience.count > 0;
}

bool ledger_is_owed(const struct batch *batch, struct audience audience)
{
    uint64_t seq;
    for (size_t i = 0; i < audience.count; i++)
        if (ranges_next(delivery_owed(audience.deliveries[i]), batch->first_seq, &seq) &&
            seq < batch->first_seq + batch->count)
            return true;
    return false;
}

int ledger_release(struct ledger *ledger, struct held_batch *held, struct audience audience,
                   int64_t now_ns)
{
    if (ledger->settings->durability != DURABILITY_OUTAGE || !all_connected(audience))
        return -EAGAIN;
    const struct batch *batch = &held->batch;
    uint64_t end = batch->first_seq + batch->count;
    if (end > ledger->reserved) {
        int error = ledger_reserve(ledger, end + (uint64_t)batch->count * RESERVE_BATCHES, now_ns);
        if (error < 0)
            return error;
    }
    ledger->next_seq = end;
    ledger_add_recent(ledger, held);
    return 0;
}

static int64_t patience_ns(const struct ledger *ledger, struct audience audience)
{
    int64_t publish_ms = 0;
    for (size_t i = 0; i < audience.count; i++)
        if (delivery_settings(audience.deliveries[i])->publish_every_ms > publish_ms)
            publish_ms = delivery_settings(audience.deliveries[i])->publish_every_ms;
    return (publish_ms + ledger->settings->commit_every_ms) * NS_PER_MS;
}

/* Batches that exist in memory only and that somebody owes still, oldest first; the others are done
 * with. Returns how many there are. */
static size_t gather_unstored(struct ledger *ledger, struct audience audience,
                              struct held_batch **ret_waiting)
{
    size_t count = 0;
    for (size_t i = 0; i < ledger->recent.count; i++) {
        struct held_batch *held = ledger->recent.batches[i];
        if (held->stored)
            continue;
        if (!ledger_is_owed(&held->batch, audience) && audience.count > 0)
            held->stored = true;
        else
            ret_waiting[count++] = held;
    }
    return count;
}

/* As soon as one of them has waited too long, or an uplink has gone, all of them are committed. One
 * whose commit failed takes them along when it is tried again. */
void ledger_settle(struct ledger *ledger, struct audience audience, bool all, int64_t now_ns)
{
    if (ledger_stored_end(ledger) == ledger->next_seq)
        return;
    struct held_batch **waiting = mem_array(ledger->recent.count, sizeof(struct held_batch *));
    size_t count = gather_unstored(ledger, audience, waiting);
    bool due = all || !all_connected(audience) ||
               (count > 0 && now_ns - waiting[0]->taken_ns >= patience_ns(ledger, audience));
    if (count > 0 && due && ledger->unwritten == NULL && now_ns >= ledger->retry_ns)
        ledger_commit(ledger, waiting, count, audience, now_ns);
    free(waiting);
}

int ledger_commit_in_order(struct ledger *ledger, struct held_batch *const *helds, size_t count,
                           struct audience audience, int64_t now_ns)
{
    struct held_batch **batches =
        mem_array(ledger->recent.count + count, sizeof(struct held_batch *));
    size_t before = gather_unstored(ledger, audience, batches);
    memcpy(batches + before, helds, count * sizeof(struct held_batch *));
    int error = ledger_commit(ledger, batches, before + count, audience, now_ns);
    free(batches);
    return error;
}
