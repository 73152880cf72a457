/* A tap on a link: while somebody listens, the link's bytes are kept with their times, in a ring
 * of bounded size that forgets the oldest first. While nobody does, it costs a load per call.
 *
 * The link's thread puts bytes in, and waits for nobody longer than it takes to copy the ring.
 * Listeners come and go from any thread. */
#ifndef BINDERY_TAP_H
#define BINDERY_TAP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "recording.h"

enum {
    TAP_BYTES = 128 * 1024, /* of the ring, held only while somebody listens */
    TAP_IDLE_S = 60,        /* a listener that has not fetched for so long has left */
};

struct tap {
    atomic_bool on;
    pthread_mutex_t lock;  /* of what follows */
    uint8_t *ring;         /* NULL while off */
    uint64_t tail, head;   /* bytes that were forgotten, and written, since it was made */
    uint64_t oldest, next; /* likewise chunks: the numbers of the oldest kept and of the next */
    int64_t fetched_ns;    /* when somebody fetched last */
    unsigned listeners;
};

struct tap *tap_new(void);
void tap_free(struct tap *tap); /* accepts NULL */

void tap_keep(struct tap *tap, enum recording_kind kind, const void *bytes, size_t length);

/* What was sent, heard, or happened. NULL is no tap. */
static inline void tap_put(struct tap *tap, enum recording_kind kind, const void *bytes,
                           size_t length)
{
    if (tap != NULL && atomic_load_explicit(&tap->on, memory_order_relaxed))
        tap_keep(tap, kind, bytes, length);
}
void tap_mark(struct tap *tap, const char *words);

/* The tap that this thread's bytes go to, as that of the line which it serves; NULL: none. */
void tap_use(struct tap *tap);
struct tap *tap_used(void);

/* A further listener; returns the number of the next chunk. */
uint64_t tap_begin(struct tap *tap);

/* Appends the lines of the chunks from number `from` on, with times since began_ns
 * (CLOCK_MONOTONIC). 0 with the number to go on from and how many are lost because they were
 * fetched too late; -ENOENT where nobody listens any more, as after TAP_IDLE_S, or no
 * chunk has had that number yet: it is of a tap before this one. */
int tap_fetch(struct tap *tap, uint64_t from, int64_t began_ns, struct text *out,
              uint64_t *ret_next, uint64_t *ret_lost);

/* A listener leaves; with the last one the ring goes. */
void tap_end(struct tap *tap);

#endif
