#include "delivery.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoff.h"
#include "clock.h"
#include "log.h"
#include "memory.h"

enum {
    MESSAGE_BYTES = 64 * 1024,
    LIVE_RESERVE = 5, /* one part in so many of the window is left alone by the backlog */
    BACKLOG_BATCHES = 64,
    BACKLOG_BYTES = 4 * 1024 * 1024,
    REOPEN_S = 10,
    CLOSE_TIMEOUT_MS = 2000,
};

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
    struct backoff backoff;     /* after the broker refused for the time being */
    int64_t hold_until_ns;
    uint64_t acknowledged;
    char trouble[160];
};

/* A ticket is lane, generation of the round and number of the message: 1 + 7 + 24 bits, and never
 * 0, since messages count from 1. */
static uint32_t make_ticket(const struct delivery *delivery, enum lane lane, size_t message)
{
    uint32_t generation = delivery->generation[lane] & 0x7F;
    return (uint32_t)lane << 31 | generation << 24 | ((uint32_t)(message + 1) & 0xFFFFFF);
}

/* The round that a ticket belongs to; NULL if that round is gone. */
static struct round *ticket_round(const struct delivery *delivery, uint32_t ticket,
                                  enum lane *ret_lane, size_t *ret_message)
{
    *ret_lane = (enum lane)(ticket >> 31);
    *ret_message = (ticket & 0xFFFFFF) - 1;
    if ((delivery->generation[*ret_lane] & 0x7F) != (ticket >> 24 & 0x7F))
        return NULL;
    return delivery->rounds[*ret_lane];
}

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
    backoff_init(&delivery->backoff, NS_PER_S, 60 * NS_PER_S, (uint32_t)(uintptr_t)delivery | 1);
    open_uplink(delivery, context, clock_mono_ns());
    *ret_delivery = delivery;
    return 0;
}

static void drop_round(struct delivery *delivery, enum lane lane)
{
    round_free(delivery->rounds[lane]);
    delivery->rounds[lane] = NULL;
    delivery->generation[lane]++;
}

static void drop_rounds(struct delivery *delivery)
{
    drop_round(delivery, LANE_LIVE);
    drop_round(delivery, LANE_BACKLOG);
}

static struct announce_context announce_context(const struct delivery *delivery,
                                                const struct delivery_context *context)
{
    return (struct announce_context){
        .plant = delivery->plant,
        .settings = delivery->settings,
        .live = context->live,
        .store_id = store_id(context->store),
    };
}

void delivery_free(struct delivery *delivery, struct delivery_context *context)
{
    if (delivery == NULL)
        return;
    if (delivery->connected) {
        struct announce_context about = announce_context(delivery, context);
        announce_offline(&about, delivery->uplink, &context->topic, &context->payload,
                         clock_mono_ns());
    }
    uplink_close(delivery->uplink, CLOSE_TIMEOUT_MS);
    drop_rounds(delivery);
    announce_free(&delivery->announce);
    ranges_free(&delivery->owed);
    plant_release(delivery->plant);
    plant_release(delivery->home);
    free(delivery);
}

/* --- what was acknowledged --- */

static void forget(struct delivery *delivery, uint64_t first_seq, uint64_t last_seq)
{
    ranges_remove(&delivery->owed, first_seq, last_seq);
    delivery->dirty = true;
}

static void finish_round(struct delivery *delivery, enum lane lane)
{
    struct round *round = delivery->rounds[lane];
    delivery->acknowledged += round->item_count;
    for (size_t i = 0; i < round->batch_count; i++) {
        const struct batch *batch = &round->batches[i]->batch;
        forget(delivery, batch->first_seq, batch->first_seq + batch->count - 1);
    }
    backoff_reset(&delivery->backoff);
    drop_round(delivery, lane);
}

static void acknowledged(struct delivery *delivery, uint32_t ticket)
{
    enum lane lane;
    size_t message;
    struct round *round = ticket_round(delivery, ticket, &lane, &message);
    if (round == NULL)
        return;
    round->acknowledged++;
    if (round_is_done(round))
        finish_round(delivery, lane);
}

/* --- what was refused --- */

static bool is_refused_for_good(int reason)
{
    return reason == 0x90 /* topic name invalid */ || reason == 0x95 /* packet too large */ ||
           reason == 0x99 /* payload format invalid */;
}

/* The readings of a message that no broker will take must not hold up the rest: they are declared
 * lost, run by run of their numbers. */
static void declare_refused(const struct round *round, size_t message,
                            struct delivery_context *context)
{
    const struct round_message *refused = &round->messages[message];
    const struct round_item *items = round->items + refused->first_item;
    struct instant now;
    clock_now(&now);
    for (uint32_t i = 0, first = 0; i < refused->item_count; i++) {
        if (i + 1 < refused->item_count && items[i + 1].seq == items[i].seq + 1)
            continue;
        struct gap gap = {
            .why = GAP_REFUSED,
            .first_seq = items[first].seq,
            .last_seq = items[i].seq,
            .missing = i + 1 - first,
            .from_ms = now.wall_ms,
            .to_ms = now.wall_ms,
        };
        context->declare(context->declare_argument, &gap);
        first = i + 1;
    }
}

static void refused(struct delivery *delivery, struct delivery_context *context, uint32_t ticket,
                    int reason, int64_t now_ns)
{
    enum lane lane;
    size_t message;
    struct round *round = ticket_round(delivery, ticket, &lane, &message);
    if (round == NULL)
        return;
    if (is_refused_for_good(reason) && message < round->message_count) {
        log_error("uplink %s: the broker refuses a message for good (reason 0x%02X): %u readings "
                  "are declared lost",
                  delivery->settings->name, (unsigned)reason, round->messages[message].item_count);
        declare_refused(round, message, context);
        acknowledged(delivery, ticket);
        return;
    }
    int64_t wait_ns = backoff_next(&delivery->backoff);
    if (delivery->backoff.failures == 1)
        log_warn("uplink %s: the broker does not take messages at present (reason 0x%02X), they "
                 "are kept",
                 delivery->settings->name, (unsigned)reason & 0xFF);
    delivery->hold_until_ns = now_ns + wait_ns;
    round_rewind(round);
    delivery->generation[lane]++;
}

/* --- rounds --- */

static void start_round(struct delivery *delivery, struct delivery_context *context, enum lane lane,
                        struct held_batch *const *batches, size_t count)
{
    uint32_t damaged;
    delivery->rounds[lane] = round_new(batches, count, context->store, &damaged);
    if (damaged > 0)
        log_error("store: %u records from seq %llu on can't be read", damaged,
                  (unsigned long long)batches[0]->batch.first_seq);
    if (round_is_done(delivery->rounds[lane]))
        finish_round(delivery, lane);
}

/* All batches that came since the last live round, in one. */
static void start_live(struct delivery *delivery, struct delivery_context *context, int64_t now_ns)
{
    const struct recent *recent = context->recent;
    size_t first = recent->count;
    while (first > 0 && recent->batches[first - 1]->batch.first_seq >= delivery->live_seq)
        first--;
    if (first == recent->count || now_ns < delivery->publish_ns)
        return;
    int64_t every_ns = delivery->settings->publish_every_ms * NS_PER_MS;
    delivery->publish_ns += every_ns;
    if (delivery->publish_ns <= now_ns)
        delivery->publish_ns = now_ns + every_ns;
    const struct batch *last = &recent->batches[recent->count - 1]->batch;
    delivery->live_seq = last->first_seq + last->count;
    start_round(delivery, context, LANE_LIVE, recent->batches + first, recent->count - first);
}

/* What can't be read back is lost, and said to be. */
static void give_up_damaged(struct delivery *delivery, struct delivery_context *context,
                            const struct batch *batch)
{
    struct instant now;
    clock_now(&now);
    struct gap gap = {
        .why = GAP_DAMAGED,
        .first_seq = batch->first_seq,
        .last_seq = batch->first_seq + batch->count - 1,
        .missing = batch->count,
        .from_ms = now.wall_ms,
        .to_ms = now.wall_ms,
    };
    log_error("store: the batch from seq %llu on is damaged: %u records are declared lost",
              (unsigned long long)gap.first_seq, batch->count);
    context->declare(context->declare_argument, &gap);
    forget(delivery, gap.first_seq, gap.last_seq);
}

/* The next owed batch from *seq on and below `end`, NULL where there is none (for now). Numbers
 * that no batch holds any more are owed no longer. */
static struct held_batch *read_owed(struct delivery *delivery, struct delivery_context *context,
                                    uint64_t *seq, uint64_t end)
{
    struct batch batch;
    while (ranges_next(&delivery->owed, *seq, seq) && *seq < end) {
        int error = store_read(context->store, *seq, end - 1, &batch);
        if (error == -ENOENT) {
            forget(delivery, *seq, end - 1);
            return NULL;
        }
        if (error < 0 && error != -EBADMSG)
            return NULL;
        if (batch.first_seq > *seq)
            forget(delivery, *seq, batch.first_seq - 1);
        *seq = batch.first_seq + batch.count;
        if (error == -EBADMSG)
            give_up_damaged(delivery, context, &batch);
        else
            return held_batch_new(&batch, 0);
    }
    return NULL;
}

/* The oldest owed batches that no live round carries. */
static void start_backlog(struct delivery *delivery, struct delivery_context *context)
{
    struct held_batch *batches[BACKLOG_BATCHES];
    size_t count = 0, bytes = 0;
    uint64_t seq = 0, end = delivery->live_seq;
    if (delivery->rounds[LANE_LIVE] != NULL)
        end = round_first_seq(delivery->rounds[LANE_LIVE]);
    if (end > context->stored_end)
        end = context->stored_end;
    while (count < BACKLOG_BATCHES && bytes < BACKLOG_BYTES) {
        struct held_batch *held = read_owed(delivery, context, &seq, end);
        if (held == NULL)
            break;
        batches[count++] = held;
        bytes += held->batch.length;
    }
    if (count > 0)
        start_round(delivery, context, LANE_BACKLOG, batches, count);
    for (size_t i = 0; i < count; i++)
        held_batch_drop(batches[i]);
}

static size_t message_limit(const struct delivery *delivery)
{
    uint32_t most = uplink_max_packet(delivery->uplink);
    /* A message may pass the limit by the reading that filled it. */
    return most > 0 && most / 2 < MESSAGE_BYTES ? most / 2 : MESSAGE_BYTES;
}

static void send(struct delivery *delivery, struct delivery_context *context, enum lane lane,
                 unsigned reserve, int64_t now_ns)
{
    struct round *round = delivery->rounds[lane];
    struct round_context about = {
        .store = context->store,
        .gateway = delivery->home->gateway,
        .uplink = delivery->settings,
        .message_limit = message_limit(delivery),
    };
    while (round != NULL && uplink_room(delivery->uplink) > reserve &&
           round_next(round, &about, &context->topic, &context->payload)) {
        uint32_t ticket = make_ticket(delivery, lane, round->message_count - 1);
        int error = uplink_publish(delivery->uplink, context->topic.data, context->payload.data,
                                   context->payload.length, false, ticket, now_ns);
        if (error < 0) {
            /* The connection is going; its end will be told. */
            round_rewind(round);
            delivery->generation[lane]++;
            return;
        }
    }
}

static void send_all(struct delivery *delivery, struct delivery_context *context, int64_t now_ns)
{
    struct announce_context about = announce_context(delivery, context);
    announce_step(&delivery->announce, &about, delivery->uplink, &context->topic, &context->payload,
                  now_ns);
    if (now_ns < delivery->hold_until_ns)
        return;
    if (delivery->rounds[LANE_LIVE] == NULL)
        start_live(delivery, context, now_ns);
    send(delivery, context, LANE_LIVE, 0, now_ns);
    if (delivery->rounds[LANE_BACKLOG] == NULL)
        start_backlog(delivery, context);
    send(delivery, context, LANE_BACKLOG, uplink_window(delivery->uplink) / LIVE_RESERVE, now_ns);
}

/* --- the connection --- */

static void take_events(struct delivery *delivery, struct delivery_context *context, int64_t now_ns)
{
    for (;;) {
        struct uplink_event event = uplink_next_event(delivery->uplink);
        if (event.kind == UPLINK_NONE)
            return;
        if (event.kind == UPLINK_ACKNOWLEDGED) {
            acknowledged(delivery, event.ticket);
        } else if (event.kind == UPLINK_FAILED) {
            refused(delivery, context, event.ticket, event.reason, now_ns);
        } else {
            /* Both ends of a connection: whatever was on its way is owed as before, and what
             * has been stored by now is backlog. */
            drop_rounds(delivery);
            delivery->live_seq = context->next_seq;
            delivery->connected = event.kind == UPLINK_CONNECTED;
            if (delivery->connected)
                announce_all(&delivery->announce);
        }
    }
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
        send_all(delivery, context, now_ns);
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
    forget(delivery, first_seq, last_seq);
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
    snprintf(ret_report->trouble, sizeof(ret_report->trouble), "%s", trouble);
}
