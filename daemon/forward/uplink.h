/* One connection to one broker, over Paho's MQTTAsync: connect, reconnect with backoff, publish,
 * subscribe. It keeps no messages: what was sent and not acknowledged when the connection went is
 * reported as failed, and whoever sent it sends it again.
 *
 * All calls from one thread. Paho's threads only put events onto a ring and write to wake_fd. */
#ifndef BINDERY_UPLINK_H
#define BINDERY_UPLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "live.h"
#include "plant.h"
#include "text.h"

struct uplink;

enum uplink_event_kind {
    UPLINK_NONE,
    UPLINK_CONNECTED,    /* send what is retained, subscribe, then go on */
    UPLINK_DISCONNECTED, /* every ticket in flight has failed; none will be reported */
    UPLINK_ACKNOWLEDGED, /* the broker has `ticket` */
    UPLINK_FAILED,       /* the broker did not take `ticket`: reason, or -1 for a local cause */
};

struct uplink_event {
    enum uplink_event_kind kind;
    uint32_t ticket;
    int reason; /* UPLINK_FAILED: MQTT 5 reason code of the PUBACK, 0x80 and above, or -1;
                   UPLINK_DISCONNECTED: -ETIMEDOUT where acknowledgements took too long, or 0 */
};

/* A message to be told of to a subscriber: called on Paho's thread, the bytes are Paho's. */
typedef void uplink_message_fn(void *context, const char *topic, size_t topic_length,
                               const void *payload, size_t length, bool retained);

/* Prepares; connects from the first uplink_step on. The will is published by the broker, retained,
 * when the connection is lost; NULL for none. The settings must outlive it. wake_fd is an eventfd.
 * 0; -EINVAL or -ENOENT for files that can't be used, said in *ret_error (free it). */
int uplink_open(const struct uplink_settings *settings, const char *will_topic,
                const char *will_payload, int wake_fd, struct uplink **ret_uplink,
                struct text *ret_error);

/* Disconnects in good order (waiting at most timeout_ms) and frees; accepts NULL. */
void uplink_close(struct uplink *uplink, int timeout_ms);

/* Moves the connection on: connects, gives up, notices acknowledgements that never come (none for
 * 30 s while some are due, or later ones but not this). Returns when to call again at the latest,
 * CLOCK_MONOTONIC ns. */
int64_t uplink_step(struct uplink *uplink, int64_t now_ns);

bool uplink_connected(const struct uplink *uplink);

/* How many messages may be sent now: the window (100, or the broker's Receive Maximum less a few)
 * less what is in flight. */
unsigned uplink_room(const struct uplink *uplink);

/* The whole window, and how much of it is to be left for a last word before closing. */
unsigned uplink_window(const struct uplink *uplink);
unsigned uplink_spare(const struct uplink *uplink);

/* Whether someone waits for acknowledgements of what has been sent so far. Then wake_fd tells of
 * them, in lots; if not, which saves a wake-up each, they are found by the next uplink_step. */
void uplink_await(struct uplink *uplink, bool waiting);

/* Sends at QoS 1. 0: the ticket will come back as acknowledged, failed, or with the
 * disconnection. -EAGAIN: no room; -ENOTCONN. Ticket 0 is for messages nobody waits for: no event
 * tells of them. */
int uplink_publish(struct uplink *uplink, const char *topic, const void *payload, size_t length,
                   bool retain, uint32_t ticket, int64_t now_ns);

/* The next event, UPLINK_NONE when there is none. */
struct uplink_event uplink_next_event(struct uplink *uplink);

/* Where its alarms go; nowhere without this. Before the first uplink_step. */
void uplink_alarm_to(struct uplink *uplink, struct live *live);

/* Subscribes at QoS 1, now and after each connect. Before the first uplink_step. */
void uplink_subscribe(struct uplink *uplink, const char *topic, uplink_message_fn *on_message,
                      void *context);

/* What is wrong at the moment, in words ("connection refused", "certificate verify failed");
 * empty when nothing is. */
const char *uplink_trouble(const struct uplink *uplink);

/* What has been counted since uplink_open: times connected, and acknowledgements of what was not
 * on its way, which were ignored. */
uint64_t uplink_connects(const struct uplink *uplink);
uint64_t uplink_strays(const struct uplink *uplink);

/* The broker's largest packet in bytes, 0 if it named none. */
uint32_t uplink_max_packet(const struct uplink *uplink);

#endif
