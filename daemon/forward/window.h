/* The messages on their way: Paho's token and our ticket of each, as many as may be sent without
 * an acknowledgement. Pure; the time is an argument. */
#ifndef BINDERY_WINDOW_H
#define BINDERY_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

enum { WINDOW_MAX = 100 };

struct window {
    struct {
        uint32_t token, ticket;
    } flights[WINDOW_MAX]; /* oldest first */
    unsigned count, size;
    int64_t progress_ns; /* when the last one came back, or the first one went out */
    int64_t skipped_ns;  /* since when later ones come back before the oldest; 0: they don't */
};

/* Empties it. receive_maximum is the broker's, 0 if it named none. */
void window_reset(struct window *window, uint32_t receive_maximum);

unsigned window_room(const struct window *window);

/* Only where there is room. */
void window_add(struct window *window, uint32_t token, uint32_t ticket, int64_t now_ns);

/* False for a token that is not on its way, as an acknowledgement told twice. */
bool window_take(struct window *window, uint32_t token, int64_t now_ns, uint32_t *ret_ticket);

/* Whether something is on its way and nothing came back for patience_ns, or for so long not the
 * oldest, though later ones did: a broker acknowledges in the order in which it got them. */
bool window_is_stuck(const struct window *window, int64_t patience_ns, int64_t now_ns);

#endif
