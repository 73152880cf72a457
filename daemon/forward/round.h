/* A round: some batches on their way through one uplink, as messages made when there is room to
 * send them: readings gathered, each event and each gap by itself. The uplink owes the batches
 * until every message of the round is acknowledged. One thread; knows nothing of the connection. */
#ifndef BINDERY_ROUND_H
#define BINDERY_ROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plant.h"
#include "record.h"
#include "store.h"
#include "text.h"

/* A batch in memory, shared by those who still need it. */
struct held_batch {
    struct batch batch;
    unsigned holders;
    bool stored;      /* committed; else memory is all there is */
    int64_t taken_ns; /* when it left the queue, CLOCK_MONOTONIC */
};

/* Takes over the batch's body; one holder. */
struct held_batch *held_batch_new(const struct batch *batch, int64_t taken_ns);
struct held_batch *held_batch_hold(struct held_batch *held);
void held_batch_drop(struct held_batch *held); /* accepts NULL */

/* What a message says of where it comes from. */
struct round_context {
    struct store *store; /* for names and boot clocks */
    const char *gateway;
    const struct uplink_settings *uplink;
    size_t message_limit; /* bytes; one record alone may pass it */
};

struct round_item {
    uint64_t seq;
    uint32_t source; /* 0 for a gap */
    uint32_t batch, offset;
    enum record_kind kind;
};

struct round_message {
    uint32_t first_item, item_count;
};

struct round {
    struct held_batch **batches;
    size_t batch_count;
    struct round_item *items; /* events, gaps, readings; by source, then seq */
    size_t item_count, next_item;
    size_t record_count;            /* all that the batches hold */
    size_t unreadable;              /* items left out of the messages made so far */
    struct round_message *messages; /* made so far */
    size_t message_count, acknowledged;
    struct record_reader reader;
};

/* Holds the batches. */
struct round *round_new(struct held_batch *const *batches, size_t count, struct store *store);
void round_free(struct round *round); /* accepts NULL */

/* Makes the next message; false when all have been made. Its number is message_count - 1. */
bool round_next(struct round *round, const struct round_context *context, struct text *topic,
                struct text *payload);

/* Begins anew: nothing has been sent. */
void round_rewind(struct round *round);

/* All made, all acknowledged. */
bool round_is_done(const struct round *round);

/* How many records can't be told: damaged, or from a machine that the store does not know. Known
 * once all messages are made. */
size_t round_damaged(const struct round *round);

uint64_t round_first_seq(const struct round *round);
uint64_t round_last_seq(const struct round *round);

#endif
