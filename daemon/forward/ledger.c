#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "ledger_internal.h"
#include "log.h"
#include "memory.h"
#include "record.h"

enum {
    TRIM_MS = 10000,
    RESERVE_BATCHES = 50, /* numbers for so many batches are reserved at once */
};

/* --- opening --- */

/* When the newest reading in the store was taken; 0 without one. */
static int64_t newest_ms(struct ledger *ledger)
{
    struct record_reader reader = {0};
    struct record record;
    struct batch batch;
    int64_t newest = 0;
    uint64_t seq = store_newest_seq(ledger->store);
    if (store_read(ledger->store, seq, seq, &batch) < 0)
        return 0;
    record_reader_start(&reader, batch.body, batch.length);
    while (record_next(&reader, &record) == 1)
        if (record.kind == RECORD_READING && record.reading.at.wall_ms > newest)
            newest = record.reading.at.wall_ms;
    record_reader_free(&reader);
    free(batch.body);
    return newest;
}

/* What an unclean stop may have cost lies between the last batch and now. */
static void declare_unclean(struct ledger *ledger, const struct gap *unclean)
{
    struct gap gap = *unclean;
    struct instant now;
    clock_now(&now);
    log_warn("store: up to %llu readings before an unclean stop were not committed",
             (unsigned long long)gap.missing);
    gap.from_ms = newest_ms(ledger);
    gap.to_ms = now.wall_ms;
    ledger_declare(ledger, &gap);
}

static void tell_opened(struct ledger *ledger, const struct store_opened *opened)
{
    if (opened->set_aside[0] != '\0')
        log_error("store: %s was damaged and is set aside as %s; a new store %s is in use",
                  ledger->settings->path, opened->set_aside, store_id(ledger->store));
    if (opened->unclean.missing > 0)
        declare_unclean(ledger, &opened->unclean);
}

int ledger_open(const struct plant *plant, struct queue *queue, struct ledger **ret_ledger)
{
    struct ledger *ledger = mem_alloc(sizeof(*ledger));
    struct store_opened opened;
    ledger->plant = plant_retain(plant);
    ledger->settings = &ledger->plant->store;
    ledger->queue = queue;
    int error = store_open(ledger->settings, &ledger->store, &opened);
    if (error == 0)
        error = store_boot(ledger->store, clock_boot_id(), &ledger->boot);
    if (error < 0) {
        log_error("store: %s: %s", ledger->settings->path,
                  error == -EBUSY ? "another process has it" : strerrordesc_np(-error));
        ledger_close(ledger);
        return error;
    }
    ledger->next_seq = ledger->reserved = store_next_seq(ledger->store);
    tell_opened(ledger, &opened);
    *ret_ledger = ledger;
    return 0;
}

void ledger_close(struct ledger *ledger)
{
    if (ledger == NULL)
        return;
    for (size_t i = 0; i < ledger->recent.count; i++)
        held_batch_drop(ledger->recent.batches[i]);
    free(ledger->recent.batches);
    held_batch_drop(ledger->unwritten);
    text_free(&ledger->content.body);
    text_free(&ledger->declared);
    store_close(ledger->store);
    plant_release(ledger->plant);
    free(ledger);
}

static bool knows_all(struct ledger *ledger, const struct plant *plant)
{
    for (size_t i = 0; i < plant->machine_count; i++)
        if (!store_has_source(ledger->store, &plant->machines[i]))
            return false;
    return true;
}

static int number_sources(struct ledger *ledger, const struct plant *plant, uint32_t *ret_sources)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < plant->machine_count; i++)
        error = store_source_id(ledger->store, &plant->machines[i], &ret_sources[i]);
    return error;
}

int ledger_sources(struct ledger *ledger, const struct plant *plant, uint32_t *ret_sources)
{
    /* Thousands of new ones go in one transaction; known ones need none, not even a disk that can
     * be written to. */
    bool known = knows_all(ledger, plant);
    int error = known ? 0 : store_begin(ledger->store);
    if (error == 0)
        error = number_sources(ledger, plant, ret_sources);
    if (error == 0 && !known)
        error = store_commit(ledger->store);
    if (error < 0)
        log_error("store: %s: %s", ledger->settings->path, strerrordesc_np(-error));
    return error;
}

void ledger_declare(void *argument, const struct gap *gap)
{
    struct ledger *ledger = argument;
    record_add_gap(&ledger->declared, gap);
    ledger->declared_count++;
    ledger->lost += gap->missing;
}

/* --- batches --- */

/* What the queue holds and what was declared, under the next numbers; NULL if there is nothing. */
static struct held_batch *take_batch(struct ledger *ledger, int64_t now_ns)
{
    queue_take(ledger->queue, &ledger->content);
    if (ledger->content.lost.missing > 0) {
        log_error("store: %llu readings were lost while it could not take them",
                  (unsigned long long)ledger->content.lost.missing);
        ledger_declare(ledger, &ledger->content.lost);
    }
    const struct text *body = &ledger->content.body;
    struct batch batch = {
        .first_seq = ledger->next_seq,
        .count = ledger->content.count + ledger->declared_count,
        .boot = ledger->boot,
        .length = body->length + ledger->declared.length,
    };
    if (batch.count == 0)
        return NULL;
    batch.body = mem_alloc(batch.length);
    if (body->length > 0)
        memcpy(batch.body, body->data, body->length);
    if (ledger->declared_count > 0)
        memcpy(batch.body + body->length, ledger->declared.data, ledger->declared.length);
    text_clear(&ledger->declared);
    ledger->declared_count = 0;
    return held_batch_new(&batch, now_ns);
}

/* --- durability outage --- */

/* Whether what is taken now can count on a quick acknowledgement by everyone. */
static bool all_connected(struct audience audience)
{
    for (size_t i = 0; i < audience.count; i++)
        if (!delivery_connected(audience.deliveries[i]))
            return false;
    return audience.count > 0;
}

static bool is_owed(const struct batch *batch, struct audience audience)
{
    uint64_t seq;
    for (size_t i = 0; i < audience.count; i++)
        if (ranges_next(delivery_owed(audience.deliveries[i]), batch->first_seq, &seq) &&
            seq < batch->first_seq + batch->count)
            return true;
    return false;
}

/* Lets a batch be sent from memory. 0, or negative errno: then it has to be committed first. */
static int release_unstored(struct ledger *ledger, struct held_batch *held, int64_t now_ns)
{
    const struct batch *batch = &held->batch;
    uint64_t end = batch->first_seq + batch->count;
    if (end > ledger->reserved) {
        int error = ledger_reserve(ledger, end + (uint64_t)batch->count * RESERVE_BATCHES, now_ns);
        if (error < 0)
            return error;
    }
    ledger->next_seq = end;
    ledger_add_recent(ledger, held);
    return 0;
}

static int64_t patience_ns(const struct ledger *ledger, struct audience audience)
{
    int64_t publish_ms = 0;
    for (size_t i = 0; i < audience.count; i++)
        if (delivery_settings(audience.deliveries[i])->publish_every_ms > publish_ms)
            publish_ms = delivery_settings(audience.deliveries[i])->publish_every_ms;
    return (publish_ms + ledger->settings->commit_every_ms) * NS_PER_MS;
}

/* Batches that exist in memory only and that somebody owes still, oldest first; the others are done
 * with. Returns how many there are. */
static size_t gather_unstored(struct ledger *ledger, struct audience audience,
                              struct held_batch **ret_waiting)
{
    size_t count = 0;
    for (size_t i = 0; i < ledger->recent.count; i++) {
        struct held_batch *held = ledger->recent.batches[i];
        if (held->stored)
            continue;
        if (!is_owed(&held->batch, audience) && audience.count > 0)
            held->stored = true;
        else
            ret_waiting[count++] = held;
    }
    return count;
}

/* As soon as one of them has waited too long, or an uplink has gone, all of them are committed. One
 * whose commit failed takes them along when it is tried again. */
static void settle_unstored(struct ledger *ledger, struct audience audience, bool all,
                            int64_t now_ns)
{
    if (ledger_stored_end(ledger) == ledger->next_seq)
        return;
    struct held_batch **waiting = mem_array(ledger->recent.count, sizeof(struct held_batch *));
    size_t count = gather_unstored(ledger, audience, waiting);
    bool due = all || !all_connected(audience) ||
               (count > 0 && now_ns - waiting[0]->taken_ns >= patience_ns(ledger, audience));
    if (count > 0 && due && ledger->unwritten == NULL && now_ns >= ledger->retry_ns)
        ledger_commit(ledger, waiting, count, audience, now_ns);
    free(waiting);
}

/* Commits a batch, and with it those before it that exist in memory only: what lies below a stored
 * batch counts as settled after an unclean stop. */
static int commit_in_order(struct ledger *ledger, struct held_batch *held, struct audience audience,
                           int64_t now_ns)
{
    struct held_batch **batches = mem_array(ledger->recent.count + 1, sizeof(struct held_batch *));
    size_t count = gather_unstored(ledger, audience, batches);
    batches[count++] = held;
    int error = ledger_commit(ledger, batches, count, audience, now_ns);
    free(batches);
    return error;
}

/* --- the loop's part --- */

static void take(struct ledger *ledger, struct audience audience, int64_t now_ns)
{
    struct held_batch *held = ledger->unwritten;
    ledger->unwritten = NULL;
    if (held == NULL)
        held = take_batch(ledger, now_ns);
    if (held == NULL)
        return;
    if (ledger->settings->durability == DURABILITY_OUTAGE && all_connected(audience) &&
        release_unstored(ledger, held, now_ns) == 0)
        return;
    if (commit_in_order(ledger, held, audience, now_ns) == 0)
        ledger_add_recent(ledger, held);
    else
        ledger->unwritten = held;
}

/* The first moment of this boot at which wall time is known tells all its earlier readings. */
static void learn_boot_offset(struct ledger *ledger)
{
    struct instant now;
    clock_now(&now);
    if (!now.synced || ledger->boot_offset_known)
        return;
    int64_t offset_ms;
    if (store_boot_offset(ledger->store, ledger->boot, &offset_ms) ||
        store_set_boot_offset(ledger->store, ledger->boot, now.wall_ms - now.boot_ms) == 0)
        ledger->boot_offset_known = true;
}

static void keep_house(struct ledger *ledger, struct audience audience)
{
    uint64_t acknowledged = ledger_stored_end(ledger), seq;
    for (size_t i = 0; i < audience.count; i++)
        if (ranges_next(delivery_owed(audience.deliveries[i]), 0, &seq) && seq < acknowledged)
            acknowledged = seq;
    if (audience.count > 0)
        store_trim(ledger->store, acknowledged);
}

int64_t ledger_step(struct ledger *ledger, struct audience audience, int64_t now_ns)
{
    if (now_ns >= ledger->take_ns && now_ns >= ledger->retry_ns) {
        int64_t every_ns = ledger->settings->commit_every_ms * NS_PER_MS;
        /* In step with publish_every: what is committed is published in the same round. */
        ledger->take_ns = now_ns - now_ns % every_ns + every_ns;
        learn_boot_offset(ledger);
        take(ledger, audience, now_ns);
    }
    settle_unstored(ledger, audience, false, now_ns);
    if (now_ns >= ledger->cursor_ns && now_ns >= ledger->retry_ns)
        ledger_commit_cursors(ledger, audience, now_ns);
    if (now_ns >= ledger->housekeeping_ns) {
        keep_house(ledger, audience);
        ledger->housekeeping_ns = now_ns + TRIM_MS * NS_PER_MS;
    }
    return ledger->take_ns > ledger->retry_ns ? ledger->take_ns : ledger->retry_ns;
}

void ledger_finish(struct ledger *ledger, struct audience audience)
{
    int64_t now_ns = clock_mono_ns();
    for (int error = 0; error == 0;) {
        struct held_batch *held = ledger->unwritten;
        ledger->unwritten = NULL;
        if (held == NULL)
            held = take_batch(ledger, now_ns);
        if (held == NULL)
            break;
        error = commit_in_order(ledger, held, audience, now_ns);
        if (error < 0)
            log_error("store: %u readings in memory could not be written", held->batch.count);
        held_batch_drop(held);
    }
    settle_unstored(ledger, audience, true, now_ns);
    if (ledger->reserved > ledger->next_seq || ledger->settings->durability == DURABILITY_OUTAGE)
        ledger_reserve(ledger, ledger->next_seq, now_ns);
    ledger_commit_cursors(ledger, audience, now_ns);
}

void ledger_save_cursor(struct ledger *ledger, struct delivery *delivery)
{
    struct audience audience = {&delivery, 1};
    ledger_commit_cursors(ledger, audience, clock_mono_ns());
}

/* --- for the deliveries --- */

struct store *ledger_store(const struct ledger *ledger)
{
    return ledger->store;
}

const struct recent *ledger_recent(const struct ledger *ledger)
{
    return &ledger->recent;
}

uint64_t ledger_next_seq(const struct ledger *ledger)
{
    return ledger->next_seq;
}

uint64_t ledger_stored_end(const struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->recent.count; i++)
        if (!ledger->recent.batches[i]->stored)
            return ledger->recent.batches[i]->batch.first_seq;
    return ledger->next_seq;
}

void ledger_report(const struct ledger *ledger, struct live_store *ret_report)
{
    *ret_report = (struct live_store){
        .bytes = store_bytes(ledger->store),
        .next_seq = ledger->next_seq,
        .lost = ledger->lost,
    };
    snprintf(ret_report->id, sizeof(ret_report->id), "%s", store_id(ledger->store));
    if (ledger->trouble != 0)
        snprintf(ret_report->trouble, sizeof(ret_report->trouble), "%s",
                 strerrordesc_np(ledger->trouble));
}
