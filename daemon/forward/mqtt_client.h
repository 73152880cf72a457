/* An MQTT client made of Paho's MQTTAsync, reduced to what an uplink needs: clean sessions, QoS 1,
 * no queue but what is on its way. What happens is told through a ring.
 *
 * All calls from the ring's owner. At most one connect is under way: call mqtt_client_connect only
 * after RING_REFUSED, RING_SENT_AWAY, RING_LOST or RING_LEFT has told the end of the one before. */
#ifndef BINDERY_MQTT_CLIENT_H
#define BINDERY_MQTT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "live.h"
#include "plant.h"
#include "ring.h"
#include "uplink.h"

enum { MQTT_CONNECT_TIMEOUT_S = 10 };

/* What a client is made of; it and what it points to outlive the client. The subscriber may be set
 * until the first mqtt_client_connect. */
struct mqtt_client_setup {
    const struct uplink_settings *settings;
    const char *will_topic, *will_payload; /* NULL: none */
    struct ring *ring;
    struct live *live;             /* for alarms; NULL: they go nowhere */
    uplink_message_fn *on_message; /* NULL: nothing is subscribed to */
    void *message_context;
};

struct mqtt_client;

/* 0, or -EINVAL where Paho refuses the settings, as a client id that is not UTF-8. */
int mqtt_client_new(const struct mqtt_client_setup *setup, struct mqtt_client **ret_client);

/* Cuts a connection that stands. The last client of the process waits for Paho's threads, about a
 * second. No event follows. Accepts NULL. */
void mqtt_client_free(struct mqtt_client *client);

/* Starts connecting to a host, a name or a literal (IPv6 without brackets). RING_CONNECTED or
 * RING_REFUSED follows; with words where it is known what went wrong before the broker answered.
 * The password may go afterwards. 0 or -EINVAL, then nothing follows. */
int mqtt_client_connect(struct mqtt_client *client, const char *host, const void *password,
                        size_t password_length);

/* Starts disconnecting, without waiting for what is in flight. RING_LEFT, RING_LOST or
 * RING_SENT_AWAY follows. */
void mqtt_client_disconnect(struct mqtt_client *client);

/* Sends at QoS 1. 0 with the token of the RING_TAKEN or RING_NOT_TAKEN that follows if the
 * connection holds; -ENOTCONN; -EINVAL for a topic or payload that can't be sent. */
int mqtt_client_send(struct mqtt_client *client, const char *topic, const void *payload,
                     size_t length, bool retain, uint32_t *ret_token);

/* Subscribes at QoS 1; only a refusal is told. 0 or -ENOTCONN. */
int mqtt_client_subscribe(struct mqtt_client *client, const char *topic);

#endif
