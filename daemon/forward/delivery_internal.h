/* A delivery's two halves: delivery.c has the connection, delivery_rounds.c what goes over it. */
#ifndef BINDERY_DELIVERY_INTERNAL_H
#define BINDERY_DELIVERY_INTERNAL_H

#include "backoff.h"
#include "delivery.h"

enum { DELIVERY_MESSAGE_BYTES = 64 * 1024 }; /* at most, about */

enum lane { LANE_LIVE, LANE_BACKLOG, LANES };

struct delivery {
    const struct plant *home; /* retained: the settings lie in it */
    const struct uplink_settings *settings;
    const struct plant *plant; /* retained: the one in force */
    struct uplink *uplink;     /* NULL while its files can't be used */
    int64_t reopen_ns;
    bool connected; /* as its events have told so far */
    struct announce announce;
    struct ranges owed;
    bool dirty;
    uint64_t live_seq; /* batches from here on have not been sent live */
    int64_t publish_ns;
    struct round *rounds[LANES];
    uint32_t generation[LANES]; /* tells a round's tickets from those of rounds given up */
    size_t message_bytes;       /* what a message holds, about, and the reading that filled it */
    struct backoff backoff;     /* after the broker refused for the time being */
    int64_t hold_until_ns;
    uint64_t acknowledged;
    char trouble[160];
};

/* A connection has ended. A message that could not be acknowledged in time on so slow a one would
 * be sent for ever: they become smaller, and step by step larger after any other end. */
void delivery_fit_messages(struct delivery *delivery, bool too_slow);

/* Gives up what is under way: it is owed as before. */
void delivery_drop_rounds(struct delivery *delivery);

/* A ticket came back. */
void delivery_acknowledged(struct delivery *delivery, const struct delivery_context *context,
                           uint32_t ticket);
void delivery_refused(struct delivery *delivery, struct delivery_context *context, uint32_t ticket,
                      int reason, int64_t now_ns);

/* Sends live batches and, with the room that is left, the backlog. */
void delivery_send(struct delivery *delivery, struct delivery_context *context, int64_t now_ns);

/* Whether there is more to send as soon as something is acknowledged. */
bool delivery_waits(const struct delivery *delivery);

#endif
