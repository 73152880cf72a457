#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "delivery_internal.h"
#include "live_alarm.h"
#include "log.h"
#include "memory.h"

enum { REOPEN_S = 10, CLOSE_TIMEOUT_MS = 2000 };

static void open_uplink(struct delivery *delivery, const struct delivery_context *context,
                        int64_t now_ns)
{
    struct text topic = {0}, will = {0}, error = {0};
    struct instant now;
    clock_now(&now);
    text_addf(&topic, "%s/status", delivery->settings->topic);
    announce_will(&will, &now, store_id(context->store));
    int result = uplink_open(delivery->settings, topic.data, will.data, context->wake_fd,
                             &delivery->uplink, &error);
    if (result < 0) {
        const char *why = error.length > 0 ? error.data : strerrordesc_np(-result);
        if (strcmp(why, delivery->trouble) != 0)
            log_error("uplink %s: %s", delivery->settings->name, why);
        snprintf(delivery->trouble, sizeof(delivery->trouble), "%s", why);
        delivery->reopen_ns = now_ns + REOPEN_S * NS_PER_S;
    } else {
        uplink_alarm_to(delivery->uplink, context->live);
    }
    text_free(&topic);
    text_free(&will);
    text_free(&error);
}

int delivery_new(struct delivery_context *context, const struct plant *plant,
                 const struct uplink_settings *settings, struct delivery **ret_delivery)
{
    struct delivery *delivery = mem_alloc(sizeof(*delivery));
    delivery->live_seq = context->next_seq;
    int error = store_load_cursor(context->store, settings->name, &delivery->owed);
    if (error == -ENOENT) {
        ranges_add(&delivery->owed, delivery->live_seq, SEQ_END);
        delivery->dirty = true;
    } else if (error < 0) {
        free(delivery);
        return error;
    }
    delivery->home = plant_retain(plant);
    delivery->settings = settings;
    delivery->plant = plant_retain(plant);
    delivery->message_bytes = DELIVERY_MESSAGE_BYTES;
    backoff_init(&delivery->backoff, NS_PER_S, 60 * NS_PER_S, (uint32_t)(uintptr_t)delivery | 1);
    open_uplink(delivery, context, clock_mono_ns());
    *ret_delivery = delivery;
    return 0;
}

static struct announce_context announce_context(const struct delivery *delivery,
                                                const struct delivery_context *context)
{
    return (struct announce_context){
        .plant = delivery->plant,
        .settings = delivery->settings,
        .live = context->live,
        .lines = context->lines,
        .loads = context->loads,
        .store_id = store_id(context->store),
    };
}

static void close_uplink(struct delivery *delivery, struct delivery_context *context)
{
    if (delivery->connected) {
        struct announce_context about = announce_context(delivery, context);
        announce_offline(&about, delivery->uplink, &context->topic, &context->payload,
                         clock_mono_ns());
    }
    uplink_close(delivery->uplink, CLOSE_TIMEOUT_MS);
    delivery->uplink = NULL;
    delivery->connected = false;
}

void delivery_free(struct delivery *delivery, struct delivery_context *context)
{
    if (delivery == NULL)
        return;
    close_uplink(delivery, context);
    live_alarm_forget(context->live, SUBJECT_UPLINK, delivery->settings->name);
    delivery_drop_rounds(delivery);
    announce_free(&delivery->announce);
    ranges_free(&delivery->owed);
    plant_release(delivery->plant);
    plant_release(delivery->home);
    free(delivery);
}

/* --- the connection --- */

static void take_events(struct delivery *delivery, struct delivery_context *context, int64_t now_ns)
{
    for (;;) {
        struct uplink_event event = uplink_next_event(delivery->uplink);
        if (event.kind == UPLINK_NONE)
            return;
        if (event.kind == UPLINK_ACKNOWLEDGED) {
            delivery_acknowledged(delivery, context, event.ticket);
        } else if (event.kind == UPLINK_FAILED) {
            delivery_refused(delivery, context, event.ticket, event.reason, now_ns);
        } else {
            /* Both ends of a connection: whatever was on its way is owed as before, and what
             * has been stored by now is backlog. */
            delivery_drop_rounds(delivery);
            delivery->live_seq = context->next_seq;
            delivery->connected = event.kind == UPLINK_CONNECTED;
            if (!delivery->connected)
                delivery_fit_messages(delivery, event.reason == -ETIMEDOUT);
            if (delivery->connected)
                announce_all(&delivery->announce);
        }
    }
}

static void announce(struct delivery *delivery, struct delivery_context *context, int64_t now_ns)
{
    struct announce_context about = announce_context(delivery, context);
    announce_step(&delivery->announce, &about, delivery->uplink, &context->topic, &context->payload,
                  now_ns);
}

int64_t delivery_step(struct delivery *delivery, struct delivery_context *context, int64_t now_ns)
{
    if (delivery->uplink == NULL && now_ns >= delivery->reopen_ns)
        open_uplink(delivery, context, now_ns);
    if (delivery->uplink == NULL)
        return delivery->reopen_ns;
    int64_t next_ns = uplink_step(delivery->uplink, now_ns);
    take_events(delivery, context, now_ns);
    if (delivery->connected) {
        announce(delivery, context, now_ns);
        delivery_send(delivery, context, now_ns);
        uplink_await(delivery->uplink, delivery_waits(delivery));
        if (delivery->publish_ns > now_ns && delivery->publish_ns < next_ns)
            next_ns = delivery->publish_ns;
    }
    return next_ns;
}

/* --- for the forward loop --- */

void delivery_set_plant(struct delivery *delivery, const struct plant *plant)
{
    const struct plant *before = delivery->plant;
    delivery->plant = plant_retain(plant);
    announce_plant(&delivery->announce, before, plant);
    plant_release(before);
}

const struct uplink_settings *delivery_settings(const struct delivery *delivery)
{
    return delivery->settings;
}

const struct ranges *delivery_owed(const struct delivery *delivery)
{
    return &delivery->owed;
}

bool delivery_connected(const struct delivery *delivery)
{
    return delivery->connected;
}

bool delivery_is_dirty(const struct delivery *delivery)
{
    return delivery->dirty;
}

void delivery_saved(struct delivery *delivery)
{
    delivery->dirty = false;
}

void delivery_forget(struct delivery *delivery, uint64_t first_seq, uint64_t last_seq)
{
    ranges_remove(&delivery->owed, first_seq, last_seq);
    delivery->dirty = true;
}

void delivery_renumber(struct delivery *delivery, uint64_t next_seq)
{
    delivery_drop_rounds(delivery);
    ranges_free(&delivery->owed);
    ranges_add(&delivery->owed, 1, SEQ_END);
    delivery->live_seq = next_seq;
    delivery->dirty = true;
}

void delivery_reopen(struct delivery *delivery, struct delivery_context *context)
{
    close_uplink(delivery, context);
    open_uplink(delivery, context, clock_mono_ns());
}

void delivery_report(const struct delivery *delivery, uint64_t next_seq,
                     struct live_uplink *ret_report)
{
    const char *trouble = delivery->trouble;
    if (delivery->uplink != NULL)
        trouble = uplink_trouble(delivery->uplink);
    *ret_report = (struct live_uplink){
        .name = delivery->settings->name,
        .connected = delivery_connected(delivery),
        .pending = ranges_count_below(&delivery->owed, next_seq),
        .acknowledged = delivery->acknowledged,
    };
    if (delivery->uplink != NULL) {
        ret_report->connects = uplink_connects(delivery->uplink);
        ret_report->strays = uplink_strays(delivery->uplink);
    }
    snprintf(ret_report->trouble, sizeof(ret_report->trouble), "%s", trouble);
}
