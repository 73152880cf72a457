/* When the store is deleted or damaged at work: another one is begun, what is in memory is written
 * to it again, and what was on the disk only is salvaged into it bit by bit. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "ledger_internal.h"
#include "log.h"
#include "memory.h"
#include "record.h"

enum {
    RENEW_RETRY_MS = 1000,
    SALVAGE_MS = 20, /* between two parts: what is read meanwhile goes first */
    PART_TRIES = 64,
    PART_BATCHES = 32,
    PART_BYTES = 1024 * 1024,
    REST_S = 10,
};

/* --- what is in memory --- */

/* Numbers in gaps are those of the store they were written for. */
static void strip_numbers(uint8_t **body, size_t *length)
{
    struct record_reader reader = {0};
    struct record record;
    struct text stripped = {0};
    bool any = false;
    record_reader_start(&reader, *body, *length);
    for (const uint8_t *at = *body; record_next(&reader, &record) == 1; at = reader.at) {
        if (record.kind == RECORD_GAP) {
            any = true;
            record.gap.first_seq = record.gap.last_seq = 0;
            record_add_gap(&stripped, &record.gap);
        } else {
            text_add_bytes(&stripped, at, (size_t)(reader.at - at));
        }
    }
    record_reader_free(&reader);
    if (!any) {
        text_free(&stripped);
        return;
    }
    free(*body);
    *body = (uint8_t *)stripped.data;
    *length = stripped.length;
}

static void strip_declared(struct ledger *ledger)
{
    struct text *declared = &ledger->declared;
    if (ledger->declared_count == 0)
        return;
    uint8_t *body = (uint8_t *)declared->data;
    size_t length = declared->length;
    strip_numbers(&body, &length);
    *declared = (struct text){(char *)body, length, length};
}

/* Gives a batch numbers of the next store; uplinks that were not owed it are not owed them. */
static void renumber_batch(struct ledger *ledger, struct held_batch *held, struct audience audience,
                           uint64_t first_seq, struct ranges *spared)
{
    struct batch *batch = &held->batch;
    for (size_t i = 0; i < audience.count; i++)
        if (!ledger_is_owed(batch, (struct audience){&audience.deliveries[i], 1}))
            ranges_add(&spared[i], first_seq, first_seq + batch->count - 1);
    ranges_add(&ledger->rewritten, batch->first_seq, batch->first_seq + batch->count - 1);
    strip_numbers(&batch->body, &batch->length);
    batch->first_seq = first_seq;
    held->stored = false;
    held->taken_ns = 0;
}

/* What is owed stays in memory, as not stored yet. Returns the number after it. */
static uint64_t renumber_recent(struct ledger *ledger, struct audience audience,
                                struct ranges *spared)
{
    struct recent *recent = &ledger->recent;
    size_t count = recent->count;
    uint64_t next_seq = 1;
    recent->count = recent->bytes = 0;
    for (size_t i = 0; i < count; i++) {
        struct held_batch *held = recent->batches[i];
        if (!ledger_is_owed(&held->batch, audience)) {
            held_batch_drop(held);
            continue;
        }
        renumber_batch(ledger, held, audience, next_seq, spared);
        next_seq += held->batch.count;
        recent->batches[recent->count++] = held;
        recent->bytes += held->batch.length;
    }
    return next_seq;
}

static void renumber(struct ledger *ledger, struct audience audience)
{
    struct ranges *spared = mem_array(audience.count, sizeof(*spared));
    ledger->next_seq = renumber_recent(ledger, audience, spared);
    ledger->reserved = 1;
    for (size_t i = 0; i < audience.count; i++) {
        delivery_renumber(audience.deliveries[i], ledger->next_seq);
        for (size_t j = 0; j < spared[i].count; j++)
            delivery_forget(audience.deliveries[i], spared[i].items[j].first,
                            spared[i].items[j].last);
        ranges_free(&spared[i]);
    }
    free(spared);
    if (ledger->unwritten != NULL) {
        struct batch *batch = &ledger->unwritten->batch;
        strip_numbers(&batch->body, &batch->length);
        batch->first_seq = ledger->next_seq;
    }
    strip_declared(ledger);
}

/* --- another store --- */

/* What the store that is given up was itself to get from the one before it. */
static void declare_unfinished(struct ledger *ledger)
{
    struct instant now;
    clock_now(&now);
    if (ledger->salvage == NULL)
        return;
    struct gap gap = {
        .why = GAP_DAMAGED, .missing = salvage_left(ledger->salvage), .to_ms = now.wall_ms};
    ledger_declare(ledger, &gap);
    salvage_free(ledger->salvage);
    ledger->salvage = NULL;
    ledger->salvage_due = false;
}

static void give_up(struct ledger *ledger, struct audience audience)
{
    text_free(&ledger->owed_then);
    /* without uplinks, as before they are set up, the old cursors tell */
    if (audience.count > 0)
        salvage_describe(store_id(ledger->store), ledger->next_seq, &ledger->owed_then);
    for (size_t i = 0; i < audience.count; i++)
        salvage_describe_uplink(delivery_settings(audience.deliveries[i])->name,
                                delivery_owed(audience.deliveries[i]), ledger->next_seq,
                                &ledger->owed_then);
    declare_unfinished(ledger);
    ranges_free(&ledger->rewritten);
    renumber(ledger, audience);
    ledger->given_up = true;
}

static void begin_salvage(struct ledger *ledger)
{
    ledger->salvage_claimed = false;
    ledger->salvaged = ledger->unsalvaged = 0;
    int error = salvage_open(ledger->store, &ledger->salvage);
    if (error < 0) {
        log_error("store: what was in it can be salvaged after a restart only: %s",
                  strerrordesc_np(-error));
        return;
    }
    if (ledger->owed_then.length == 0)
        return;
    for (size_t i = 0; i < ledger->rewritten.count; i++)
        salvage_pass(ledger->salvage, ledger->rewritten.items[i].first,
                     ledger->rewritten.items[i].last, 0);
    text_clear(&ledger->salvage_kept);
    salvage_keep(ledger->salvage, 0, 0, &ledger->salvage_kept);
    ledger->salvage_due = true;
}

void ledger_tell_renewed(struct ledger *ledger, const char *why)
{
    const char *aside = store_wreck_name(ledger->store);
    char when[32];
    time_t now = time(NULL);
    struct tm utc;
    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    snprintf(ledger->event, sizeof(ledger->event), "%s at %s%s%s", why, when,
             aside[0] != '\0' ? ", set aside as " : "", aside);
    log_error("store: %s %s%s%s; a new store %s is in use", ledger->settings->path, why,
              aside[0] != '\0' ? ", set aside as " : "", aside, store_id(ledger->store));
}

int ledger_renew(struct ledger *ledger, struct audience audience, int64_t now_ns)
{
    if (!ledger->given_up)
        give_up(ledger, audience);
    int error = store_renew(ledger->store, ledger->owed_then.data);
    if (error < 0) {
        if (ledger->trouble != -error)
            log_error("store: %s is %s, and no other can be begun: %s; readings are kept in memory "
                      "and it is tried again",
                      ledger->settings->path, ledger->broken == -ESTALE ? "gone" : "damaged",
                      strerrordesc_np(-error));
        ledger->trouble = -error;
        ledger->retry_ns = now_ns + RENEW_RETRY_MS * NS_PER_MS;
        return error;
    }
    ledger_tell_renewed(ledger,
                        ledger->broken == -ESTALE ? "was deleted or replaced" : "was damaged");
    begin_salvage(ledger);
    ledger->given_up = false;
    ledger->broken = 0;
    ledger->retry_ns = ledger->cursor_ns = 0;
    ledger_standings_lost(ledger);
    ledger_commit_standings(ledger, now_ns);
    return 0;
}

/* --- salvage --- */

/* The next part: how many batches, and whether there is no more after them. Negative errno of the
 * new store. */
static int gather_part(struct ledger *ledger, struct salvaged part[static PART_BATCHES],
                       size_t *ret_count, bool *ret_last)
{
    size_t count = 0, bytes = 0;
    uint64_t from = 0;
    int rc = 0;
    for (int i = 0; i < PART_TRIES && count < PART_BATCHES && bytes < PART_BYTES; i++) {
        rc = salvage_next(ledger->salvage, &from, &part[count]);
        if (rc < 0)
            break;
        if (rc > 0)
            bytes += part[count++].batch.length;
    }
    *ret_count = count;
    *ret_last = rc == -ENOENT;
    return rc == -ENOENT || rc > 0 ? 0 : rc;
}

/* They take over the bodies. */
static void number_part(const struct ledger *ledger, const struct salvaged *part, size_t count,
                        struct held_batch **ret_helds)
{
    uint64_t next_seq = ledger->next_seq;
    for (size_t i = 0; i < count; i++) {
        struct batch batch = part[i].batch;
        batch.first_seq = next_seq;
        next_seq += batch.count;
        ret_helds[i] = held_batch_new(&batch, 0);
    }
}

static void account_part(struct ledger *ledger, struct audience audience,
                         const struct salvaged *salvaged, const struct batch *batch)
{
    /* where it is unknown how much is lost, it is unknown to whom */
    bool to_all = salvaged->end == SEQ_END && salvaged->missing == 0;
    for (size_t i = 0; i < audience.count && !to_all; i++)
        if (!salvage_is_owed(ledger->salvage, delivery_settings(audience.deliveries[i])->name,
                             salvaged->first, salvaged->end - 1))
            delivery_forget(audience.deliveries[i], batch->first_seq,
                            batch->first_seq + batch->count - 1);
    salvage_pass(ledger->salvage, 0, salvaged->end - 1, salvaged->last_ms);
    bool gap = salvaged->missing > 0 || salvaged->end == SEQ_END;
    ledger->salvaged += batch->count - gap;
    ledger->unsalvaged += salvaged->missing;
    ledger_count_lost(ledger, GAP_DAMAGED, salvaged->missing);
}

static void keep_part(struct ledger *ledger, const struct salvaged *part, size_t count, bool last)
{
    text_clear(&ledger->salvage_kept);
    ledger->salvage_due = true;
    if (last)
        text_free(&ledger->salvage_kept);
    else if (count > 0)
        salvage_keep(ledger->salvage, part[count - 1].end, part[count - 1].last_ms,
                     &ledger->salvage_kept);
}

static void end_salvage(struct ledger *ledger)
{
    log_info("store: %llu readings were salvaged", (unsigned long long)ledger->salvaged);
    if (ledger->unsalvaged > 0)
        log_error("store: %llu readings could not be salvaged and are declared lost",
                  (unsigned long long)ledger->unsalvaged);
    salvage_free(ledger->salvage);
    ledger->salvage = NULL;
}

static void bring_part(struct ledger *ledger, struct audience audience, int64_t now_ns)
{
    struct salvaged part[PART_BATCHES];
    struct held_batch *helds[PART_BATCHES];
    size_t count;
    bool last;
    int error = gather_part(ledger, part, &count, &last);
    number_part(ledger, part, count, helds);
    if (error < 0)
        ledger_note_trouble(ledger, error, now_ns);
    if (error == 0 && (count > 0 || last)) {
        keep_part(ledger, part, count, last);
        ledger->standing.passing = true;
        error = ledger_commit_in_order(ledger, helds, count, audience, now_ns);
        ledger->standing.passing = false;
    }
    for (size_t i = 0; i < count && error == 0; i++)
        account_part(ledger, audience, &part[i], &helds[i]->batch);
    for (size_t i = 0; i < count; i++)
        held_batch_drop(helds[i]);
    if (error < 0)
        salvage_rewind(ledger->salvage);
    else if (last)
        end_salvage(ledger);
}

int64_t ledger_salvage(struct ledger *ledger, struct audience audience, int64_t now_ns)
{
    if (ledger->salvage == NULL || ledger->broken != 0)
        return INT64_MAX;
    bool in_trouble = ledger->trouble != 0 && now_ns < ledger->retry_ns;
    if (now_ns < ledger->salvage_ns || in_trouble || ledger->unwritten != NULL)
        return ledger->salvage_ns > now_ns ? ledger->salvage_ns : INT64_MAX;
    ledger->salvage_ns = now_ns + SALVAGE_MS * NS_PER_MS;
    if (!salvage_survey(ledger->salvage))
        return ledger->salvage_ns;
    for (size_t i = 0; i < audience.count && !ledger->salvage_claimed; i++)
        salvage_add_uplink(ledger->salvage, delivery_settings(audience.deliveries[i])->name);
    ledger->salvage_claimed = true;
    bring_part(ledger, audience, now_ns);
    return ledger->salvage_ns;
}

void ledger_salvage_rest(struct ledger *ledger, struct audience audience)
{
    int64_t end_ns = clock_mono_ns() + REST_S * NS_PER_S, now_ns = 0;
    while (ledger->salvage != NULL && salvage_is_urgent(ledger->salvage) && now_ns < end_ns &&
           ledger->trouble == 0 && ledger->broken == 0 && ledger->unwritten == NULL) {
        now_ns = clock_mono_ns();
        ledger->salvage_ns = 0;
        ledger_salvage(ledger, audience, now_ns);
    }
}
