#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "ledger_internal.h"
#include "log.h"
#include "memory.h"
#include "record.h"

enum { TRIM_MS = 10000, CHECK_MS = 1000 };

/* So many takes for nothing, and the ledger waits to be woken. */
enum { QUIET_TAKES = 5 };

void ledger_declare(void *argument, const struct gap *gap)
{
    struct ledger *ledger = argument;
    record_add_gap(&ledger->declared, gap);
    ledger->declared_count++;
    ledger_count_lost(ledger, gap->why, gap->missing);
}

/* --- batches --- */

/* Returns where it ends. */
static uint8_t *append(uint8_t *at, const struct text *records)
{
    if (records->length > 0)
        memcpy(at, records->data, records->length);
    return at + records->length;
}

/* What the queue holds, what the lines make of it and what was declared, under the next numbers;
 * NULL if there is nothing. */
static struct held_batch *take_batch(struct ledger *ledger, int64_t now_ns)
{
    queue_take(ledger->queue, &ledger->content);
    if (ledger->content.lost.missing > 0) {
        log_error("store: %llu readings were lost while it could not take them",
                  (unsigned long long)ledger->content.lost.missing);
        ledger_declare(ledger, &ledger->content.lost);
    }
    const struct text *body = &ledger->content.body, *told = &ledger->lines_told;
    text_clear(&ledger->lines_told);
    uint32_t told_count = lines_take(ledger->lines, body->data, body->length, &ledger->lines_told);
    struct batch batch = {
        .first_seq = ledger->next_seq,
        .count = ledger->content.count + told_count + ledger->declared_count,
        .boot = ledger->boot,
        .length = body->length + told->length + ledger->declared.length,
    };
    if (batch.count == 0)
        return NULL;
    batch.body = mem_alloc(batch.length);
    uint8_t *end = append(append(batch.body, body), told);
    append(end, &ledger->declared);
    text_clear(&ledger->declared);
    ledger->declared_count = 0;
    return held_batch_new(&batch, now_ns);
}

/* --- the loop's part --- */

static void take(struct ledger *ledger, struct audience audience, int64_t now_ns)
{
    struct held_batch *held = ledger->unwritten;
    ledger->unwritten = NULL;
    if (held == NULL)
        held = take_batch(ledger, now_ns);
    ledger->empty_takes = held == NULL ? ledger->empty_takes + 1 : 0;
    if (held == NULL)
        return;
    if (ledger_release(ledger, held, audience, now_ns) == 0) {
        ledger_follow(ledger, &held->batch);
        /* it may never be stored */
        if (ledger->standing.urgent)
            ledger_commit_standings(ledger, now_ns);
    } else if (ledger_commit_in_order(ledger, &held, 1, audience, now_ns) == 0) {
        ledger_add_recent(ledger, held);
        ledger_follow(ledger, &held->batch);
    } else {
        ledger->unwritten = held;
    }
}

/* The first moment of this boot at which wall time is known tells all its earlier readings. */
static void learn_boot_offset(struct ledger *ledger)
{
    struct instant now;
    if (ledger->boot_offset_known)
        return;
    clock_now(&now);
    if (!now.synced)
        return;
    int64_t offset_ms;
    if (store_boot_offset(ledger->store, ledger->boot, &offset_ms) ||
        store_set_boot_offset(ledger->store, ledger->boot, now.wall_ms - now.boot_ms) == 0)
        ledger->boot_offset_known = true;
}

uint64_t ledger_first_owed(const struct ledger *ledger, struct audience audience)
{
    uint64_t first = ledger_stored_end(ledger), seq;
    for (size_t i = 0; i < audience.count; i++)
        if (ranges_next(delivery_owed(audience.deliveries[i]), 0, &seq) && seq < first)
            first = seq;
    return first;
}

static void keep_house(struct ledger *ledger, struct audience audience, int64_t now_ns)
{
    uint64_t acknowledged = ledger_first_owed(ledger, audience);
    if (audience.count == 0)
        return;
    /* or after a kill they would be owed what is not there any more */
    if (now_ns >= ledger->retry_ns)
        ledger_commit_cursors(ledger, audience, now_ns);
    if (now_ns >= ledger->retry_ns && now_ns >= ledger->standing.write_ns)
        ledger_commit_standings(ledger, now_ns);
    /* counts that are written nowhere else */
    if (ledger->standing.changed && ledger->standing.seq < acknowledged)
        acknowledged = ledger->standing.seq;
    store_trim(ledger->store, acknowledged);
}

/* A store that is gone must not be found out about only when there is something to write. */
static void check_store(struct ledger *ledger, int64_t now_ns)
{
    ledger_note_error(ledger, store_check(ledger->store, false));
    ledger->check_ns = now_ns + CHECK_MS * NS_PER_MS;
}

void ledger_note_error(struct ledger *ledger, int error)
{
    if (error == -ESTALE || error == -EUCLEAN)
        ledger->broken = error;
}

bool ledger_mend(struct ledger *ledger, struct audience audience)
{
    return ledger->broken != 0 && ledger_renew(ledger, audience, clock_mono_ns()) == 0;
}

/* In step with publish_every: what is committed is published in the same round. */
static int64_t next_take(const struct ledger *ledger, int64_t now_ns)
{
    int64_t every_ns = ledger->settings->commit_every_ms * NS_PER_MS;
    return now_ns - now_ns % every_ns + every_ns;
}

static bool is_quiet(const struct ledger *ledger)
{
    return ledger->wake_fd >= 0 && ledger->empty_takes >= QUIET_TAKES &&
           ledger->declared_count == 0 && ledger->unwritten == NULL && ledger->trouble == 0 &&
           ledger_stored_end(ledger) == ledger->next_seq;
}

/* What comes with the first reading is to be committed with it. */
static void wake_up(struct ledger *ledger, int64_t now_ns)
{
    ledger->asleep = false;
    ledger->empty_takes = 0;
    ledger->take_ns = next_take(ledger, now_ns);
}

int64_t ledger_step(struct ledger *ledger, struct audience audience, int64_t now_ns)
{
    if (now_ns >= ledger->check_ns && ledger->broken == 0)
        check_store(ledger, now_ns);
    if (ledger->broken != 0 &&
        (now_ns < ledger->retry_ns || ledger_renew(ledger, audience, now_ns) < 0))
        return ledger->retry_ns;
    /* before anything is sent: what waits is to be corrected */
    if (now_ns >= ledger->retry_ns)
        learn_boot_offset(ledger);
    if (ledger->asleep && !(is_quiet(ledger) && queue_await(ledger->queue, ledger->wake_fd)))
        wake_up(ledger, now_ns);
    if (!ledger->asleep && now_ns >= ledger->take_ns && now_ns >= ledger->retry_ns) {
        ledger->take_ns = next_take(ledger, now_ns);
        take(ledger, audience, now_ns);
    }
    ledger_settle(ledger, audience, false, now_ns);
    /* a loss that waits to be declared must not be forgotten before it is */
    bool all_declared = ledger->declared_count == 0;
    if (all_declared && now_ns >= ledger->cursor_ns && now_ns >= ledger->retry_ns)
        ledger_commit_cursors(ledger, audience, now_ns);
    if (all_declared && now_ns >= ledger->housekeeping_ns) {
        keep_house(ledger, audience, now_ns);
        ledger->housekeeping_ns = now_ns + TRIM_MS * NS_PER_MS;
    }
    int64_t salvage_ns = ledger_salvage(ledger, audience, now_ns);
    ledger->asleep = is_quiet(ledger) && queue_await(ledger->queue, ledger->wake_fd);
    if (ledger->retry_ns > now_ns && ledger->retry_ns > ledger->take_ns)
        return ledger->retry_ns;
    int64_t take_ns = ledger->asleep ? ledger->check_ns : ledger->take_ns;
    return salvage_ns < take_ns ? salvage_ns : take_ns;
}

/* Counts readings and events; `losses`: those that the body's gaps were to declare. */
static uint64_t count_readings(const struct batch *batch, uint64_t *losses)
{
    struct record_reader reader = {0};
    struct record record;
    uint64_t readings = 0;
    record_reader_start(&reader, batch->body, batch->length);
    while (record_next(&reader, &record) == 1) {
        if (record.kind == RECORD_GAP)
            *losses += record.gap.missing;
        else
            readings++;
    }
    record_reader_free(&reader);
    return readings;
}

/* What ends with the process: the batch that failed, what waits in the queue behind it, and what
 * somebody is owed and was not to be stored unless it had to be. */
static void tell_lost(struct ledger *ledger, struct audience audience, struct held_batch *held,
                      int64_t now_ns)
{
    uint64_t losses = 0, readings = 0;
    for (; held != NULL; held = take_batch(ledger, now_ns)) {
        readings += count_readings(&held->batch, &losses);
        held_batch_drop(held);
    }
    for (size_t i = 0; i < ledger->recent.count; i++) {
        const struct held_batch *recent = ledger->recent.batches[i];
        if (!recent->stored && ledger_is_owed(&recent->batch, audience))
            readings += count_readings(&recent->batch, &losses);
    }
    if (readings > 0)
        log_error("store: %llu readings in memory could not be written",
                  (unsigned long long)readings);
    if (losses > 0)
        log_error("store: the loss of %llu readings before could not be declared",
                  (unsigned long long)losses);
}

void ledger_finish(struct ledger *ledger, struct audience audience)
{
    int64_t now_ns = clock_mono_ns();
    ledger_note_error(ledger, store_check(ledger->store, true));
    if (ledger->broken != 0)
        ledger_renew(ledger, audience, now_ns);
    struct held_batch *held = ledger->unwritten;
    ledger->unwritten = NULL;
    if (held == NULL)
        held = take_batch(ledger, now_ns);
    while (held != NULL && ledger_commit_in_order(ledger, &held, 1, audience, now_ns) == 0) {
        ledger_follow(ledger, &held->batch);
        held_batch_drop(held);
        held = take_batch(ledger, now_ns);
    }
    if (held == NULL) {
        ledger->retry_ns = 0;
        ledger_settle(ledger, audience, true, now_ns);
    }
    tell_lost(ledger, audience, held, now_ns);
    ledger_salvage_rest(ledger, audience);
    if (ledger->reserved > ledger->next_seq || ledger->settings->durability == DURABILITY_OUTAGE)
        ledger_reserve(ledger, ledger->next_seq, now_ns);
    ledger_commit_standings(ledger, now_ns);
    ledger_commit_cursors(ledger, audience, now_ns);
}

void ledger_save_cursors(struct ledger *ledger, struct audience audience)
{
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
        .error = ledger->trouble,
        .replaced = ledger->event[0] != '\0',
    };
    memcpy(ret_report->dropped, ledger->dropped, sizeof(ledger->dropped));
    snprintf(ret_report->id, sizeof(ret_report->id), "%s", store_id(ledger->store));
    snprintf(ret_report->trouble, sizeof(ret_report->trouble), "%s",
             ledger->trouble != 0 ? strerrordesc_np(ledger->trouble) : ledger->event);
}
