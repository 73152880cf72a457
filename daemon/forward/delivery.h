/* One uplink's delivery: what it owes, which part of that is on its way, and its connection. Live
 * batches go first, each `publish_every`; the backlog takes the room that is left. One thread. */
#ifndef BINDERY_DELIVERY_H
#define BINDERY_DELIVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "announce.h"
#include "ranges.h"
#include "round.h"
#include "uplink.h"

/* The newest batches, kept in memory so that they need not be read back. */
struct recent {
    struct held_batch **batches; /* ascending */
    size_t count;
    size_t bytes;
};

/* What all deliveries share; the forward loop owns it. */
struct delivery_context {
    const struct plant *plant;
    struct store *store;
    struct live *live;
    const struct lines *lines; /* NULL: there are none */
    const struct loads *loads; /* likewise */
    const struct recent *recent;
    uint64_t next_seq;   /* the number that the next record will have */
    uint64_t stored_end; /* below it, whatever is owed is in the store */
    int wake_fd;
    struct text topic, payload; /* scratch */
    /* A loss that a delivery found out about, to be stored like a reading. */
    void (*declare)(void *argument, const struct gap *gap);
    void *declare_argument;
};

struct delivery;

/* Takes its cursor from the store; a new uplink owes what is taken from now on. 0 or negative
 * errno. Retains the plant. */
int delivery_new(struct delivery_context *context, const struct plant *plant,
                 const struct uplink_settings *settings, struct delivery **ret_delivery);

/* Says goodbye to the broker and closes; what is in flight stays owed. Accepts NULL. */
void delivery_free(struct delivery *delivery, struct delivery_context *context);

/* Takes events, connects, sends. Returns when to come again at the latest. */
int64_t delivery_step(struct delivery *delivery, struct delivery_context *context, int64_t now_ns);

/* After a reload that left the uplink's own settings alone: the plant to tell about. */
void delivery_set_plant(struct delivery *delivery, const struct plant *plant);

const struct uplink_settings *delivery_settings(const struct delivery *delivery);
const struct ranges *delivery_owed(const struct delivery *delivery);
bool delivery_connected(const struct delivery *delivery);

/* The cursor changed since the last delivery_saved. */
bool delivery_is_dirty(const struct delivery *delivery);
void delivery_saved(struct delivery *delivery);

/* What is gone from the store is owed no longer. */
void delivery_forget(struct delivery *delivery, uint64_t first_seq, uint64_t last_seq);

/* Another store was begun, and the number that its next record will have is this one: what is on
 * its way has numbers that are no more, and all numbers from 1 on are owed. */
void delivery_renumber(struct delivery *delivery, uint64_t next_seq);

/* Says goodbye and connects again, since the will names the store. */
void delivery_reopen(struct delivery *delivery, struct delivery_context *context);

void delivery_report(const struct delivery *delivery, uint64_t next_seq,
                     struct live_uplink *ret_report);

#endif
