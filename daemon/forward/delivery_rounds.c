/* What goes over a delivery's connection: rounds of live batches and of the backlog. */
#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "delivery_internal.h"
#include "live_alarm.h"
#include "log.h"
#include "mqtt_words.h"

enum {
    LEAST_MESSAGE_BYTES = 1024,
    TOO_SLOW_PART = 4, /* what then becomes of it */
    LIVE_RESERVE = 5,  /* one part in so many of the window is left alone by the backlog */
    BACKLOG_BATCHES = 64,
    BACKLOG_BYTES = 4 * 1024 * 1024,
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

static void drop_round(struct delivery *delivery, enum lane lane)
{
    round_free(delivery->rounds[lane]);
    delivery->rounds[lane] = NULL;
    delivery->generation[lane]++;
}

void delivery_fit_messages(struct delivery *delivery, bool too_slow)
{
    if (too_slow && delivery->message_bytes > LEAST_MESSAGE_BYTES)
        delivery->message_bytes /= TOO_SLOW_PART;
    else if (!too_slow && delivery->message_bytes < DELIVERY_MESSAGE_BYTES)
        delivery->message_bytes *= TOO_SLOW_PART;
}

void delivery_drop_rounds(struct delivery *delivery)
{
    drop_round(delivery, LANE_LIVE);
    drop_round(delivery, LANE_BACKLOG);
}

/* --- what was acknowledged --- */

/* What can't be read back is lost, and said to be. */
static void declare_damaged(const struct delivery_context *context, uint64_t first_seq,
                            uint64_t last_seq, uint32_t missing)
{
    struct instant now;
    clock_now(&now);
    struct gap gap = {
        .why = GAP_DAMAGED,
        .first_seq = first_seq,
        .last_seq = last_seq,
        .missing = missing,
        .to_ms = now.wall_ms, /* and from whenever */
    };
    log_error("store: %u records from seq %llu on can't be read: declared lost", missing,
              (unsigned long long)first_seq);
    live_alarm_raise(context->live, ALARM_STORE_DAMAGED, NULL,
                     "%u records from seq %llu on could not be read, and are declared lost",
                     missing, (unsigned long long)first_seq);
    context->declare(context->declare_argument, &gap);
}

/* Over once a whole round has been taken: some of its topics may be allowed, and others not. */
static const enum live_alarm refusals[] = {ALARM_NOT_AUTHORISED, ALARM_QUOTA_EXCEEDED,
                                           ALARM_PUBLISH_REFUSED};

static void finish_round(struct delivery *delivery, const struct delivery_context *context,
                         enum lane lane)
{
    struct round *round = delivery->rounds[lane];
    if (round_damaged(round) > 0)
        declare_damaged(context, round_first_seq(round), round_last_seq(round),
                        (uint32_t)round_damaged(round));
    delivery->acknowledged += round->item_count - round->unreadable;
    for (size_t i = 0; i < round->batch_count; i++) {
        const struct batch *batch = &round->batches[i]->batch;
        delivery_forget(delivery, batch->first_seq, batch->first_seq + batch->count - 1);
    }
    backoff_reset(&delivery->backoff);
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
        live_alarm_clear(context->live, refusals[i], delivery->settings->name);
    drop_round(delivery, lane);
}

void delivery_acknowledged(struct delivery *delivery, const struct delivery_context *context,
                           uint32_t ticket)
{
    enum lane lane;
    size_t message;
    struct round *round = ticket_round(delivery, ticket, &lane, &message);
    if (round == NULL)
        return;
    round->acknowledged++;
    if (round_is_done(round))
        finish_round(delivery, context, lane);
}

/* --- what was refused --- */

static bool is_refused_for_good(int reason)
{
    return reason == 0x90 /* topic name invalid */ || reason == 0x95 /* packet too large */ ||
           reason == 0x99 /* payload format invalid */;
}

/* When it was taken or happened, by the clock as it is known by now; 0 if it can't be read. */
static int64_t taken_ms(const struct round *round, const struct round_item *item,
                        const struct delivery_context *context)
{
    const struct batch *batch = &round->batches[item->batch]->batch;
    struct record_reader reader = {0};
    struct record record;
    int64_t wall_ms = 0, offset_ms;
    record_reader_start(&reader, batch->body + item->offset, batch->length - item->offset);
    const struct instant *at = record_next(&reader, &record) == 1 ? record_instant(&record) : NULL;
    if (at != NULL) {
        wall_ms = at->wall_ms;
        if (!at->synced && store_boot_offset(context->store, batch->boot, &offset_ms))
            wall_ms = at->boot_ms + offset_ms;
    }
    record_reader_free(&reader);
    return wall_ms;
}

static struct gap refused_gap(const struct round *round, const struct round_item *items,
                              uint32_t count, const struct delivery_context *context)
{
    struct gap gap = {
        .why = GAP_REFUSED,
        .first_seq = items[0].seq,
        .last_seq = items[count - 1].seq,
        .missing = count,
    };
    for (uint32_t i = 0; i < count; i++) {
        int64_t at_ms = taken_ms(round, &items[i], context);
        if (i == 0 || at_ms < gap.from_ms)
            gap.from_ms = at_ms;
        if (at_ms > gap.to_ms)
            gap.to_ms = at_ms;
    }
    return gap;
}

/* The readings, or the event, of a message that no broker will take must not hold up the rest: they
 * are declared lost, run by run of their numbers. */
static void declare_refused(const struct round *round, size_t message,
                            struct delivery_context *context)
{
    const struct round_message *refused = &round->messages[message];
    const struct round_item *items = round->items + refused->first_item;
    if (items[0].kind == RECORD_GAP)
        return; /* a loss that can't be told; telling of that would be refused as well */
    for (uint32_t i = 0, first = 0; i < refused->item_count; i++) {
        if (i + 1 < refused->item_count && items[i + 1].seq == items[i].seq + 1)
            continue;
        struct gap gap = refused_gap(round, &items[first], i + 1 - first, context);
        context->declare(context->declare_argument, &gap);
        first = i + 1;
    }
}

static void raise_refused(const struct delivery *delivery, const struct delivery_context *context,
                          int reason)
{
    enum live_alarm alarm = ALARM_PUBLISH_REFUSED;
    if (reason == 0x87)
        alarm = ALARM_NOT_AUTHORISED;
    else if (reason == 0x97)
        alarm = ALARM_QUOTA_EXCEEDED;
    live_alarm_raise(context->live, alarm, delivery->settings->name,
                     "the broker does not take messages at present (reason 0x%02X, %s); they are "
                     "kept and tried again",
                     (unsigned)reason & 0xFF,
                     reason > 0 ? mqtt_words(reason) : "the client can't send them");
}

void delivery_refused(struct delivery *delivery, struct delivery_context *context, uint32_t ticket,
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
        live_alarm_raise(context->live, ALARM_MESSAGE_REFUSED, delivery->settings->name,
                         "a message with %u readings was refused for good (%s): they are declared "
                         "lost",
                         round->messages[message].item_count, mqtt_words(reason));
        declare_refused(round, message, context);
        delivery_acknowledged(delivery, context, ticket);
        return;
    }
    raise_refused(delivery, context, reason);
    delivery->hold_until_ns = now_ns + backoff_next(&delivery->backoff);
    round_rewind(round);
    delivery->generation[lane]++;
}

/* --- rounds --- */

static void give_up_damaged(struct delivery *delivery, const struct delivery_context *context,
                            const struct batch *batch)
{
    uint64_t last_seq = batch->first_seq + batch->count - 1;
    declare_damaged(context, batch->first_seq, last_seq, batch->count);
    delivery_forget(delivery, batch->first_seq, last_seq);
}

static void start_round(struct delivery *delivery, struct delivery_context *context, enum lane lane,
                        struct held_batch *const *batches, size_t count)
{
    delivery->rounds[lane] = round_new(batches, count, context->store);
    if (round_is_done(delivery->rounds[lane]))
        finish_round(delivery, context, lane);
}

/* All batches that came since the last live round, in one. */
static void start_live(struct delivery *delivery, struct delivery_context *context, int64_t now_ns)
{
    const struct recent *recent = context->recent;
    size_t first = recent->count;
    while (first > 0 && recent->batches[first - 1]->batch.first_seq >= delivery->live_seq)
        first--;
    if (first == recent->count) {
        delivery->live_seq = context->next_seq; /* what is stored but not recent is backlog */
        return;
    }
    if (now_ns < delivery->publish_ns)
        return;
    int64_t every_ns = delivery->settings->publish_every_ms * NS_PER_MS;
    delivery->publish_ns = now_ns - now_ns % every_ns + every_ns;
    const struct batch *last = &recent->batches[recent->count - 1]->batch;
    delivery->live_seq = last->first_seq + last->count;
    start_round(delivery, context, LANE_LIVE, recent->batches + first, recent->count - first);
}

/* Numbers that no batch holds any more are owed no longer. False where they can't be gone: the file
 * is damaged, and the ledger will mend it. */
static bool miss(struct delivery *delivery, const struct delivery_context *context, uint64_t first,
                 uint64_t end)
{
    int error = store_miss(context->store, first);
    if (error < 0 && error != -ENOENT)
        return false;
    if (error == -ENOENT)
        declare_damaged(context, first, end - 1,
                        (uint32_t)(ranges_count_below(&delivery->owed, end) -
                                   ranges_count_below(&delivery->owed, first)));
    delivery_forget(delivery, first, end - 1);
    return true;
}

/* The next owed batch from *seq on and below `end`, NULL where there is none (for now). */
static struct held_batch *read_owed(struct delivery *delivery, struct delivery_context *context,
                                    uint64_t *seq, uint64_t end)
{
    struct batch batch;
    while (ranges_next(&delivery->owed, *seq, seq) && *seq < end) {
        int error = store_read(context->store, *seq, end - 1, &batch);
        if (error == -ENOENT) {
            miss(delivery, context, *seq, end);
            return NULL;
        }
        if (error < 0 && error != -EBADMSG)
            return NULL;
        if (batch.first_seq > *seq && !miss(delivery, context, *seq, batch.first_seq)) {
            if (error == 0)
                free(batch.body);
            return NULL;
        }
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
    return most > 0 && most / 2 < delivery->message_bytes ? most / 2 : delivery->message_bytes;
}

static void send(struct delivery *delivery, struct delivery_context *context, enum lane lane,
                 unsigned reserve, int64_t now_ns)
{
    struct round *round = delivery->rounds[lane];
    struct round_context about = {
        .store = context->store,
        .gateway = delivery->plant->gateway,
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

/* What is left alone by all but live readings. */
static unsigned backlog_reserve(const struct delivery *delivery)
{
    return uplink_spare(delivery->uplink) + uplink_window(delivery->uplink) / LIVE_RESERVE;
}

bool delivery_waits(const struct delivery *delivery)
{
    return delivery->rounds[LANE_BACKLOG] != NULL ||
           uplink_room(delivery->uplink) <= backlog_reserve(delivery);
}

void delivery_send(struct delivery *delivery, struct delivery_context *context, int64_t now_ns)
{
    if (now_ns < delivery->hold_until_ns)
        return;
    if (delivery->rounds[LANE_LIVE] == NULL)
        start_live(delivery, context, now_ns);
    send(delivery, context, LANE_LIVE, uplink_spare(delivery->uplink), now_ns);
    if (delivery->rounds[LANE_BACKLOG] == NULL)
        start_backlog(delivery, context);
    send(delivery, context, LANE_BACKLOG, backlog_reserve(delivery), now_ns);
}
