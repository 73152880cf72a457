#include "uplink.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "dial.h"
#include "live_alarm.h"
#include "log.h"
#include "memory.h"
#include "mqtt_client.h"
#include "mqtt_words.h"
#include "ring.h"
#include "window.h"

enum { REASON_TOO_LARGE = 0x95 };
enum { PUBLISH_HEADER_BYTES = 10 }; /* type, length, topic's length, packet id, no properties */
enum { FIRST_EVENTS = 128 };
enum { LOTS_A_WINDOW = 4 };
enum { THROWN_OUT_MOST = 3 };

static const int64_t held_ns = 30 * NS_PER_S;     /* a connection that counts as a success */
static const int64_t patience_ns = 30 * NS_PER_S; /* for the next acknowledgement */

/* Then nobody else seems to want our name: two that do, each with a backoff like ours, meet again
 * within 75 s. */
static const int64_t alone_ns = 120 * NS_PER_S;

/* A connection that takes no bytes keeps Paho from leaving it. */
static const int64_t leaving_ns = 5 * NS_PER_S;

enum state {
    STATE_DIALING,
    STATE_CONNECTED,
    STATE_LEAVING, /* disconnecting, until Paho says, or leave_by_ns */
};

struct event_list {
    struct uplink_event *items;
    size_t next, count, capacity;
};

struct uplink {
    const struct uplink_settings *settings;
    struct mqtt_client_setup setup;
    char *will_topic, *will_payload, *subscription;
    struct ring *ring;
    struct dial *dial;
    enum state state;
    int64_t connected_ns, leave_by_ns;
    struct window window;
    unsigned thrown_out; /* times in a row, soon after connecting and without a word */
    uint64_t connects, strays;
    uint32_t max_packet;
    struct event_list events;
};

static void add_event(struct uplink *uplink, enum uplink_event_kind kind, uint32_t ticket,
                      int reason)
{
    struct event_list *events = &uplink->events;

    if (events->count == events->capacity) {
        events->capacity = events->capacity ? events->capacity * 2 : FIRST_EVENTS;
        events->items = mem_resize(events->items, events->capacity * sizeof(*events->items));
    }
    events->items[events->count++] =
        (struct uplink_event){.kind = kind, .ticket = ticket, .reason = reason};
}

struct uplink_event uplink_next_event(struct uplink *uplink)
{
    struct event_list *events = &uplink->events;

    if (events->next == events->count) {
        events->next = events->count = 0;
        return (struct uplink_event){.kind = UPLINK_NONE};
    }
    return events->items[events->next++];
}

static void enter_connected(struct uplink *uplink, const struct ring_event *event, int64_t now_ns)
{
    const struct uplink_settings *settings = uplink->settings;

    uplink->state = STATE_CONNECTED;
    uplink->connected_ns = now_ns;
    uplink->connects++;
    uplink->max_packet = (uint32_t)event->code;
    window_reset(&uplink->window, event->number);
    dial_connected(uplink->dial);
    log_info("uplink %s: connected to %s:%u", settings->name, settings->host,
             (unsigned)settings->port);
    if (uplink->subscription != NULL)
        mqtt_client_subscribe(dial_client(uplink->dial), uplink->subscription);
    add_event(uplink, UPLINK_CONNECTED, 0, 0);
}

static void leave(struct uplink *uplink, int64_t now_ns)
{
    dial_set_trouble(uplink->dial, "the broker acknowledges nothing");
    live_alarm_raise(uplink->setup.live, ALARM_NO_ACKNOWLEDGEMENT, uplink->settings->name,
                     "%u messages were not acknowledged within %lld s; they are sent again on "
                     "another connection",
                     uplink->window.count, (long long)(patience_ns / NS_PER_S));
    window_reset(&uplink->window, 0);
    add_event(uplink, UPLINK_DISCONNECTED, 0, -ETIMEDOUT);
    uplink->state = STATE_LEAVING;
    uplink->leave_by_ns = now_ns + leaving_ns;
    mqtt_client_disconnect(dial_client(uplink->dial));
}

/* Being thrown out again and again, as by a second client of our name, or finding no
 * acknowledgements, must not look like success to the backoff. */
static void enter_lost(struct uplink *uplink, int64_t now_ns)
{
    bool held = uplink->state == STATE_CONNECTED && now_ns - uplink->connected_ns >= held_ns;

    if (uplink->state == STATE_DIALING)
        return;
    if (held)
        uplink->thrown_out = 0;
    if (uplink->state == STATE_CONNECTED) {
        window_reset(&uplink->window, 0);
        add_event(uplink, UPLINK_DISCONNECTED, 0, 0);
    }
    if (dial_trouble(uplink->dial)[0] == '\0')
        dial_set_trouble(uplink->dial, "connection lost");
    uplink->state = STATE_DIALING;
    dial_again(uplink->dial, held, now_ns);
}

/* MQTT 3.1.1 has no word for it. */
static void note_lost(struct uplink *uplink, int64_t now_ns)
{
    if (uplink->state != STATE_CONNECTED || now_ns - uplink->connected_ns >= held_ns)
        return;
    if (++uplink->thrown_out >= THROWN_OUT_MOST)
        live_alarm_raise(uplink->setup.live, ALARM_DUPLICATE_CLIENT, uplink->settings->name,
                         "thrown out %u times in a row soon after connecting: another client has "
                         "our client id %s, or the broker will not have what we send",
                         uplink->thrown_out, uplink->settings->client_id);
}

static void take_acknowledgement(struct uplink *uplink, const struct ring_event *event,
                                 int64_t now_ns)
{
    uint32_t ticket;

    if (!window_take(&uplink->window, event->number, now_ns, &ticket))
        return;
    live_alarm_clear(uplink->setup.live, ALARM_NO_ACKNOWLEDGEMENT, uplink->settings->name);
    if (ticket == 0)
        return;
    if (event->kind == RING_TAKEN)
        add_event(uplink, UPLINK_ACKNOWLEDGED, ticket, 0);
    else
        add_event(uplink, UPLINK_FAILED, ticket, (int)event->code);
}

/* Paho calls on_lost not at all after the broker's DISCONNECT; and a disconnect of ours that a loss
 * has overtaken may end the next connection instead. So each of the three is an end, whichever was
 * expected. What was sent on a former connection is no longer in the window, and its late
 * acknowledgements fall through. */
static void take_ring_event(struct uplink *uplink, const struct ring_event *event, int64_t now_ns)
{
    switch (event->kind) {
    case RING_CONNECTED:
        enter_connected(uplink, event, now_ns);
        break;
    case RING_REFUSED:
        dial_refused(uplink->dial, event, now_ns);
        break;
    case RING_SENT_AWAY:
        dial_sent_away(uplink->dial, (int)event->code);
        enter_lost(uplink, now_ns);
        break;
    case RING_LOST:
        note_lost(uplink, now_ns);
        enter_lost(uplink, now_ns);
        break;
    case RING_LEFT:
        enter_lost(uplink, now_ns);
        break;
    case RING_TAKEN:
    case RING_NOT_TAKEN:
        take_acknowledgement(uplink, event, now_ns);
        break;
    case RING_STRAY:
        uplink->strays++;
        break;
    case RING_NOT_SUBSCRIBED:
        log_warn("uplink %s: no subscription to %s: %s", uplink->settings->name,
                 uplink->subscription, mqtt_words((int)event->code));
        break;
    }
}

int64_t uplink_step(struct uplink *uplink, int64_t now_ns)
{
    struct ring_event event;

    while (ring_take(uplink->ring, &event))
        take_ring_event(uplink, &event, now_ns);
    if (uplink->state == STATE_DIALING)
        return dial_step(uplink->dial, now_ns);
    if (uplink->state == STATE_CONNECTED && now_ns - uplink->connected_ns >= alone_ns)
        live_alarm_clear(uplink->setup.live, ALARM_DUPLICATE_CLIENT, uplink->settings->name);
    if (uplink->state == STATE_CONNECTED && window_is_stuck(&uplink->window, patience_ns, now_ns))
        leave(uplink, now_ns);
    if (uplink->state == STATE_LEAVING && now_ns >= uplink->leave_by_ns) {
        dial_renew(uplink->dial);
        enter_lost(uplink, now_ns);
    }
    return now_ns + NS_PER_S;
}

bool uplink_connected(const struct uplink *uplink)
{
    return uplink->state == STATE_CONNECTED;
}

unsigned uplink_room(const struct uplink *uplink)
{
    return uplink_connected(uplink) ? window_room(&uplink->window) : 0;
}

unsigned uplink_window(const struct uplink *uplink)
{
    return uplink->window.size;
}

unsigned uplink_spare(const struct uplink *uplink)
{
    return uplink->window.size > 1;
}

void uplink_await(struct uplink *uplink, bool waiting)
{
    const struct window *window = &uplink->window;
    unsigned lot = window->size / LOTS_A_WINDOW;

    if (lot > window->count)
        lot = window->count;
    ring_wake_at(uplink->ring, !waiting ? UINT_MAX : lot > 0 ? lot : 1);
}

const char *uplink_trouble(const struct uplink *uplink)
{
    return dial_trouble(uplink->dial);
}

uint64_t uplink_connects(const struct uplink *uplink)
{
    return uplink->connects;
}

uint64_t uplink_strays(const struct uplink *uplink)
{
    return uplink->strays;
}

uint32_t uplink_max_packet(const struct uplink *uplink)
{
    return uplink->max_packet;
}

/* Sent all the same, it would cost the connection, and the next one too. */
static bool is_too_large(const struct uplink *uplink, const char *topic, size_t length)
{
    return uplink->max_packet > 0 &&
           PUBLISH_HEADER_BYTES + strlen(topic) + length > uplink->max_packet;
}

int uplink_publish(struct uplink *uplink, const char *topic, const void *payload, size_t length,
                   bool retain, uint32_t ticket, int64_t now_ns)
{
    uint32_t token;

    if (!uplink_connected(uplink))
        return -ENOTCONN;
    if (window_room(&uplink->window) == 0)
        return -EAGAIN;
    int error = 0;
    int reason = -1;
    if (is_too_large(uplink, topic, length))
        reason = REASON_TOO_LARGE;
    else
        error = mqtt_client_send(dial_client(uplink->dial), topic, payload, length, retain, &token);
    if (error == -ENOTCONN)
        return error;
    if (error == 0 && reason < 0)
        window_add(&uplink->window, token, ticket, now_ns);
    else if (ticket != 0)
        add_event(uplink, UPLINK_FAILED, ticket, reason);
    return 0;
}

void uplink_alarm_to(struct uplink *uplink, struct live *live)
{
    uplink->setup.live = live;
}

void uplink_subscribe(struct uplink *uplink, const char *topic, uplink_message_fn *on_message,
                      void *context)
{
    assert(uplink->subscription == NULL);
    uplink->subscription = mem_string(topic);
    uplink->setup.on_message = on_message;
    uplink->setup.message_context = context;
}

static int check_file(const char *path, const char *role, struct text *ret_error)
{
    if (path == NULL || access(path, R_OK) == 0)
        return 0;
    int error = errno;
    text_addf(ret_error, "%s %s: %s", role, path, strerrordesc_np(error));
    return error == ENOENT ? -ENOENT : -EINVAL;
}

static int check_files(const struct uplink_settings *settings, struct text *ret_error)
{
    int error = check_file(settings->ca_file, "ca_file", ret_error);

    if (error == 0)
        error = check_file(settings->cert_file, "cert_file", ret_error);
    if (error == 0)
        error = check_file(settings->key_file, "key_file", ret_error);
    return error;
}

int uplink_open(const struct uplink_settings *settings, const char *will_topic,
                const char *will_payload, int wake_fd, struct uplink **ret_uplink,
                struct text *ret_error)
{
    int error = check_files(settings, ret_error);

    if (error != 0)
        return error;
    struct uplink *uplink = mem_alloc(sizeof(*uplink));
    uplink->settings = settings;
    uplink->will_topic = mem_string(will_topic);
    uplink->will_payload = mem_string(will_payload);
    uplink->ring = ring_new(wake_fd);
    uplink->setup = (struct mqtt_client_setup){.settings = settings,
                                               .will_topic = uplink->will_topic,
                                               .will_payload = uplink->will_payload,
                                               .ring = uplink->ring};
    error = dial_new(&uplink->setup, wake_fd, &uplink->dial);
    if (error != 0) {
        text_addf(ret_error, "client_id %s: can't be used with MQTT", settings->client_id);
        uplink_close(uplink, 0);
        return error;
    }
    *ret_uplink = uplink;
    return 0;
}

static void disconnect(struct uplink *uplink, int64_t until_ns)
{
    struct ring_event event;

    while (uplink->window.count > 0 && ring_wait(uplink->ring, until_ns))
        uplink_step(uplink, clock_mono_ns());
    if (!uplink_connected(uplink))
        return;
    mqtt_client_disconnect(dial_client(uplink->dial));
    while (ring_wait(uplink->ring, until_ns)) {
        while (ring_take(uplink->ring, &event)) {
            if (event.kind == RING_LEFT || event.kind == RING_LOST)
                return;
        }
    }
}

void uplink_close(struct uplink *uplink, int timeout_ms)
{
    if (uplink == NULL)
        return;
    if (uplink_connected(uplink))
        disconnect(uplink, clock_mono_ns() + timeout_ms * NS_PER_MS);
    dial_free(uplink->dial);
    ring_free(uplink->ring);
    free(uplink->will_topic);
    free(uplink->will_payload);
    free(uplink->subscription);
    free(uplink->events.items);
    free(uplink);
}
