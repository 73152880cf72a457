/* The way to a connection, as often as it takes: wait, look the name up, connect, and find out why
 * where that failed. It owns the MQTT client, whose ring stays its user's. One thread. */
#ifndef BINDERY_DIAL_H
#define BINDERY_DIAL_H

#include <stdbool.h>
#include <stdint.h>

#include "mqtt_client.h"
#include "ring.h"

struct dial;

/* Dials from the first dial_step on. The setup must outlive it. wake_fd is an eventfd. 0, or
 * -EINVAL for settings of which no client can be made. */
int dial_new(const struct mqtt_client_setup *setup, int wake_fd, struct dial **ret_dial);
void dial_free(struct dial *dial); /* accepts NULL */

/* Another one after dial_renew. */
struct mqtt_client *dial_client(const struct dial *dial);

/* Moves on. Returns when to call again at the latest, CLOCK_MONOTONIC ns. Not while the connection
 * stands. */
int64_t dial_step(struct dial *dial, int64_t now_ns);

/* RING_CONNECTED came: there is no trouble, and nothing to do until dial_again. */
void dial_connected(struct dial *dial);

/* RING_REFUSED came; without effect when no connection is under way. */
void dial_refused(struct dial *dial, const struct ring_event *event, int64_t now_ns);

/* The broker has ended the connection with a word: the trouble, and an alarm if it is one. */
void dial_sent_away(struct dial *dial, int code);

/* The connection is gone, and the trouble says why. held: it had stood for long enough to begin
 * with short waits anew. */
void dial_again(struct dial *dial, bool held, int64_t now_ns);

/* Makes the client anew, for one that does not come to an end by itself. Drops what is in the
 * ring. */
void dial_renew(struct dial *dial);

/* What is wrong, in words; empty when nothing is. */
void dial_set_trouble(struct dial *dial, const char *words);
const char *dial_trouble(const struct dial *dial);

#endif
