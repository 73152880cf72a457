/* What Paho's threads have to tell, in the order it happened, for the thread that owns the uplink.
 *
 * The ring's lock is never held around a call into Paho, whose callbacks put events here while
 * they hold Paho's own. */
#ifndef BINDERY_RING_H
#define BINDERY_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ring_kind {
    RING_CONNECTED,      /* number: Receive Maximum, or 0; code: Maximum Packet Size, or 0 */
    RING_REFUSED,        /* code: CONNACK's, or -1 for what came before one; with words */
    RING_SENT_AWAY,      /* the connection is gone; code: the broker's DISCONNECT's */
    RING_LOST,           /* the connection is gone */
    RING_LEFT,           /* gone too, because we asked for it */
    RING_TAKEN,          /* number: the token the broker has acknowledged */
    RING_NOT_TAKEN,      /* number: the token; code: PUBACK's */
    RING_STRAY,          /* the broker has acknowledged what was not on its way */
    RING_NOT_SUBSCRIBED, /* code: SUBACK's, or -1 */
};

enum { RING_WORDS_BYTES = 160 };

struct ring_event {
    enum ring_kind kind;
    uint32_t number;
    int64_t code;
};

struct ring;

struct ring *ring_new(int wake_fd);
void ring_free(struct ring *ring);

/* How many acknowledgements have to wait before wake_fd is written to; at first 1. Whoever waits
 * for none of them gives UINT_MAX, and finds them there when it comes by. */
void ring_wake_at(struct ring *ring, unsigned count);

/* Any thread. Writes to wake_fd, for an acknowledgement only if enough of them wait. */
void ring_put(struct ring *ring, struct ring_event event);
void ring_put_refused(struct ring *ring, int code, const char *words);

/* The owner's thread: the oldest event; false when there is none. */
bool ring_take(struct ring *ring, struct ring_event *ret_event);

/* The words of the last RING_REFUSED. */
void ring_words(struct ring *ring, char ret_words[static RING_WORDS_BYTES]);

/* Sleeps until there is an event; false when until_ns (CLOCK_MONOTONIC) came first. */
bool ring_wait(struct ring *ring, int64_t until_ns);

/* Drops everything. */
void ring_clear(struct ring *ring);

#endif
