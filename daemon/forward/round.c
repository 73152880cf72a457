#include "round.h"

#include <stdlib.h>
#include <string.h>

#include "fetch.h"
#include "memory.h"
#include "payload_json.h"

struct held_batch *held_batch_new(const struct batch *batch, int64_t taken_ns)
{
    struct held_batch *held = mem_alloc(sizeof(*held));
    *held = (struct held_batch){.batch = *batch, .holders = 1, .taken_ns = taken_ns};
    return held;
}

struct held_batch *held_batch_hold(struct held_batch *held)
{
    held->holders++;
    return held;
}

void held_batch_drop(struct held_batch *held)
{
    if (held == NULL || --held->holders > 0)
        return;
    free(held->batch.body);
    free(held);
}

static void add_items(struct round *round, uint32_t index, struct store *store)
{
    const struct batch *batch = &round->batches[index]->batch;
    enum record_kind kind;
    uint32_t source;
    record_reader_start(&round->reader, batch->body, batch->length);
    for (;;) {
        uint32_t offset = (uint32_t)(round->reader.at - batch->body);
        if (record_skim(&round->reader, &kind, &source) != 1 || round->reader.passed > batch->count)
            break;
        bool of_gateway = kind == RECORD_GAP || (kind == RECORD_EVENT && source == 0);
        const struct source *machine = of_gateway ? NULL : store_source(store, source);
        if (!of_gateway && machine == NULL)
            continue;
        if (machine != NULL)
            fetch(machine->machine, 1); /* its name, which is read when the items are sorted */
        round->items[round->item_count++] =
            (struct round_item){.seq = batch->first_seq + round->reader.passed - 1,
                                .source = source,
                                .batch = index,
                                .offset = offset,
                                .kind = kind};
    }
}

/* Readings come last, so that all from some item on are such as are gathered. */
static int compare_items(const void *left, const void *right)
{
    const struct round_item *a = left, *b = right;
    if (a->kind != b->kind)
        return a->kind > b->kind ? -1 : 1;
    if (a->source != b->source)
        return a->source < b->source ? -1 : 1;
    return a->seq < b->seq ? -1 : a->seq > b->seq;
}

struct round *round_new(struct held_batch *const *batches, size_t count, struct store *store)
{
    struct round *round = mem_alloc(sizeof(*round));
    round->batches = mem_array(count, sizeof(struct held_batch *));
    round->batch_count = count;
    for (size_t i = 0; i < count; i++) {
        round->batches[i] = held_batch_hold(batches[i]);
        round->record_count += batches[i]->batch.count;
    }
    round->items = mem_array(round->record_count, sizeof(*round->items));
    for (uint32_t i = 0; i < count; i++)
        add_items(round, i, store);
    if (round->item_count > 0)
        qsort(round->items, round->item_count, sizeof(*round->items), compare_items);
    return round;
}

void round_free(struct round *round)
{
    if (round == NULL)
        return;
    for (size_t i = 0; i < round->batch_count; i++)
        held_batch_drop(round->batches[i]);
    record_reader_free(&round->reader);
    free(round->batches);
    free(round->items);
    free(round->messages);
    free(round);
}

static bool read_item(struct round *round, const struct round_item *item, struct record *ret_record)
{
    const struct batch *batch = &round->batches[item->batch]->batch;
    record_reader_start(&round->reader, batch->body + item->offset, batch->length - item->offset);
    bool readable = record_next(&round->reader, ret_record) == 1;
    round->unreadable += !readable;
    return readable;
}

static struct payload_clock clock_of(const struct round *round, const struct round_context *context,
                                     const struct round_item *item, const struct instant *at)
{
    struct payload_clock clock = {0};
    uint32_t boot = round->batches[item->batch]->batch.boot;
    if (!at->synced)
        clock.corrected = store_boot_offset(context->store, boot, &clock.offset_ms);
    return clock;
}

static void add_reading(struct round *round, const struct round_context *context,
                        const struct source *source, const struct round_item *item,
                        struct text *payload)
{
    struct record record;
    if (!read_item(round, item, &record))
        return;
    struct payload_clock clock = clock_of(round, context, item, &record.reading.at);
    payload_json_reading(payload, item->seq, &record.reading, source, &clock);
}

/* Readings of one machine, as many as fit. Returns how many items it used. */
static size_t add_machine(struct round *round, const struct round_context *context, size_t first,
                          struct text *payload)
{
    const struct source *source = store_source(context->store, round->items[first].source);
    size_t i = first;
    do {
        add_reading(round, context, source, &round->items[i], payload);
        i++;
    } while (i < round->item_count && round->items[i].source == source->id &&
             payload->length < context->message_limit);
    return i - first;
}

static size_t make_event(struct round *round, const struct round_context *context, size_t first,
                         struct text *topic, struct text *payload)
{
    const struct round_item *item = &round->items[first];
    const struct source *source = store_source(context->store, item->source);
    struct record record;
    /* It was read before, as a gap was: what could not be is no item. */
    read_item(round, item, &record);
    struct payload_clock clock = clock_of(round, context, item, &record.event.at);
    if (source != NULL)
        text_addf(topic, "%s/%s/events", context->uplink->topic, source->machine);
    else
        text_addf(topic, "%s/events", context->uplink->topic);
    payload_json_event(payload, item->seq, &record.event, source, &clock, context->gateway,
                       store_id(context->store));
    return 1;
}

static size_t make_gap(struct round *round, const struct round_context *context, size_t first,
                       struct text *topic, struct text *payload)
{
    struct record record;
    /* It was read before: what could not be is no item. */
    read_item(round, &round->items[first], &record);
    text_addf(topic, "%s/gaps", context->uplink->topic);
    payload_json_gap(payload, round->items[first].seq, &record.gap, context->gateway,
                     store_id(context->store));
    return 1;
}

static size_t make_machine(struct round *round, const struct round_context *context, size_t first,
                           struct text *topic, struct text *payload)
{
    const struct source *source = store_source(context->store, round->items[first].source);
    text_addf(topic, "%s/%s/readings", context->uplink->topic, source->machine);
    payload_json_begin_machine(payload, context->gateway, store_id(context->store),
                               source->machine);
    size_t used = add_machine(round, context, first, payload);
    payload_json_end_machine(payload);
    return used;
}

static size_t make_gateway(struct round *round, const struct round_context *context, size_t first,
                           struct text *topic, struct text *payload)
{
    size_t used = 0;
    text_addf(topic, "%s/readings", context->uplink->topic);
    payload_json_begin_gateway(payload, context->gateway, store_id(context->store));
    do {
        uint32_t source = round->items[first + used].source;
        payload_json_next_machine(payload, store_source(context->store, source)->machine);
        used += add_machine(round, context, first + used, payload);
    } while (first + used < round->item_count && payload->length < context->message_limit);
    payload_json_end_gateway(payload);
    return used;
}

static void note_message(struct round *round, size_t first, size_t used)
{
    size_t count = round->message_count;
    if ((count & (count - 1)) == 0)
        round->messages =
            mem_resize(round->messages, (count == 0 ? 1 : count * 2) * sizeof(*round->messages));
    round->messages[round->message_count++] =
        (struct round_message){.first_item = (uint32_t)first, .item_count = (uint32_t)used};
}

bool round_next(struct round *round, const struct round_context *context, struct text *topic,
                struct text *payload)
{
    size_t first = round->next_item, used;
    if (first == round->item_count)
        return false;
    text_clear(topic);
    text_clear(payload);
    if (round->items[first].kind == RECORD_EVENT)
        used = make_event(round, context, first, topic, payload);
    else if (round->items[first].kind == RECORD_GAP)
        used = make_gap(round, context, first, topic, payload);
    else if (context->uplink->gather == GATHER_GATEWAY)
        used = make_gateway(round, context, first, topic, payload);
    else
        used = make_machine(round, context, first, topic, payload);
    note_message(round, first, used);
    round->next_item += used;
    return true;
}

void round_rewind(struct round *round)
{
    round->next_item = 0;
    round->message_count = 0;
    round->acknowledged = 0;
    round->unreadable = 0;
}

bool round_is_done(const struct round *round)
{
    return round->next_item == round->item_count && round->acknowledged == round->message_count;
}

size_t round_damaged(const struct round *round)
{
    return round->record_count - round->item_count + round->unreadable;
}

uint64_t round_first_seq(const struct round *round)
{
    return round->batches[0]->batch.first_seq;
}

uint64_t round_last_seq(const struct round *round)
{
    const struct batch *last = &round->batches[round->batch_count - 1]->batch;
    return last->first_seq + last->count - 1;
}
