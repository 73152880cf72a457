/* The ledger's transactions. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "ledger_internal.h"
#include "log.h"
#include "memory.h"
#include "record.h"

enum {
    RECENT_BATCHES = 64,
    RECENT_BYTES = 4 * 1024 * 1024,
    RETRY_MS = 1000,
    CURSOR_MS = 1000,
    OUTAGE_CURSOR_MS = 10000, /* spares the flash: numbers owed no longer are found out anyway */
};

static void drop_oldest_recent(struct ledger *ledger)
{
    struct recent *recent = &ledger->recent;
    struct held_batch *oldest = recent->batches[0];
    recent->bytes -= oldest->batch.length;
    recent->count--;
    memmove(recent->batches, recent->batches + 1, recent->count * sizeof(struct held_batch *));
    held_batch_drop(oldest);
}

void ledger_add_recent(struct ledger *ledger, struct held_batch *held)
{
    struct recent *recent = &ledger->recent;
    recent->batches =
        mem_resize(recent->batches, (recent->count + 1) * sizeof(struct held_batch *));
    recent->batches[recent->count++] = held;
    recent->bytes += held->batch.length;
    while (recent->count > 1 && recent->batches[0]->stored &&
           (recent->count > RECENT_BATCHES || recent->bytes > RECENT_BYTES))
        drop_oldest_recent(ledger);
}

/* The cursor as it will be when what is lost is owed no longer. */
static int save_cursor(struct ledger *ledger, const struct delivery *delivery,
                       const struct gap *lost)
{
    struct ranges owed = {0};
    const struct ranges *now = delivery_owed(delivery);
    for (size_t i = 0; i < now->count; i++)
        ranges_add(&owed, now->items[i].first, now->items[i].last);
    if (lost->missing > 0)
        ranges_remove(&owed, lost->first_seq, lost->last_seq);
    int error = store_save_cursor(ledger->store, delivery_settings(delivery)->name, &owed);
    ranges_free(&owed);
    return error;
}

static int save_cursors(struct ledger *ledger, struct audience audience, const struct gap *lost)
{
    int error = 0;
    for (size_t i = 0; i < audience.count && error == 0; i++)
        if (lost->missing > 0 || delivery_is_dirty(audience.deliveries[i]))
            error = save_cursor(ledger, audience.deliveries[i], lost);
    return error;
}

static void cursors_saved(struct ledger *ledger, struct audience audience, int64_t now_ns)
{
    bool outage = ledger->settings->durability == DURABILITY_OUTAGE;
    ledger->cursor_ns = now_ns + (outage ? OUTAGE_CURSOR_MS : CURSOR_MS) * NS_PER_MS;
    for (size_t i = 0; i < audience.count; i++)
        delivery_saved(audience.deliveries[i]);
}

int ledger_note_trouble(struct ledger *ledger, int error, int64_t now_ns)
{
    ledger_note_error(ledger, error);
    if (ledger->broken != 0)
        return error; /* told when there is another */
    if (error < 0 && ledger->trouble != -error)
        log_error("store: %s: %s; readings are kept in memory and it is tried again",
                  ledger->settings->path, strerrordesc_np(-error));
    if (error == 0 && ledger->trouble != 0)
        log_info("store: %s takes readings again", ledger->settings->path);
    ledger->trouble = -error;
    ledger->retry_ns = error < 0 ? now_ns + RETRY_MS * NS_PER_MS : 0;
    return error;
}

static int make_room(struct ledger *ledger, struct audience audience, struct gap *ret_gap)
{
    struct ranges owed = {0};
    for (size_t i = 0; i < audience.count; i++) {
        const struct ranges *one = delivery_owed(audience.deliveries[i]);
        for (size_t j = 0; j < one->count; j++)
            ranges_add(&owed, one->items[j].first, one->items[j].last);
    }
    int error = store_make_room(ledger->store, &owed, ret_gap);
    ranges_free(&owed);
    return error;
}

static uint64_t end_of(const struct batch *batch)
{
    return batch->first_seq + batch->count;
}

/* A batch of its own for a loss; it follows all that has a number, and the last one written with
 * it. */
static struct held_batch *gap_batch(const struct ledger *ledger, const struct batch *last,
                                    const struct gap *gap)
{
    struct text record = {0};
    uint64_t end = last != NULL ? end_of(last) : 0;
    record_add_gap(&record, gap);
    struct batch batch = {
        .first_seq = end > ledger->next_seq ? end : ledger->next_seq,
        .count = 1,
        .boot = ledger->boot,
        .body = (uint8_t *)record.data,
        .length = record.length,
    };
    return held_batch_new(&batch, clock_mono_ns());
}

static int commit(struct ledger *ledger, struct audience audience)
{
    if (audience.count > 0)
        store_note_owed(ledger->store, ledger_first_owed(ledger, audience));
    return store_commit(ledger->store);
}

/* What goes along when it is due, or when something had to go: after a kill nobody may be owed what
 * is neither there nor undeclared, and no count be known only from what is not there. */
struct extras {
    bool cursors, standings;
    uint64_t followed; /* standings say all that is below it */
};

static int write_batches(struct ledger *ledger, struct held_batch *const *batches, size_t count,
                         struct audience audience, struct extras extras, struct gap *ret_gap,
                         struct held_batch **ret_gap_batch)
{
    int error = store_begin(ledger->store);
    if (error == 0)
        error = make_room(ledger, audience, ret_gap);
    for (size_t i = 0; error == 0 && i < count; i++)
        error = store_append(ledger->store, &batches[i]->batch);
    if (error == 0 && ret_gap->missing > 0) {
        *ret_gap_batch = gap_batch(ledger, count > 0 ? &batches[count - 1]->batch : NULL, ret_gap);
        error = store_append(ledger->store, &(*ret_gap_batch)->batch);
    }
    if (error == 0 && (extras.cursors || ret_gap->missing > 0))
        error = save_cursors(ledger, audience, ret_gap);
    if (error == 0 && (extras.standings || ret_gap->missing > 0))
        error = ledger_write_standings(ledger, extras.followed);
    if (error == 0 && ledger->salvage_due)
        error = store_save_salvage(
            ledger->store, ledger->salvage_kept.length > 0 ? ledger->salvage_kept.data : NULL);
    return error == 0 ? commit(ledger, audience) : error;
}

static void stored(struct ledger *ledger, struct held_batch *held)
{
    uint64_t end = end_of(&held->batch);
    held->stored = true;
    if (end > ledger->next_seq)
        ledger->next_seq = end;
}

/* Whether numbers that were acknowledged and never stored come to lie below what is. */
static bool passes_over_some(const struct ledger *ledger, struct held_batch *const *batches,
                             size_t count)
{
    uint64_t next_seq = store_next_seq(ledger->store);
    for (size_t i = 0; i < count; i++) {
        if (batches[i]->batch.first_seq > next_seq)
            return true;
        next_seq = end_of(&batches[i]->batch);
    }
    return false;
}

/* With a batch rather than in a transaction of their own, a moment later. */
static bool cursors_are_due(const struct ledger *ledger, int64_t now_ns)
{
    return now_ns + ledger->settings->commit_every_ms * NS_PER_MS / 2 >= ledger->cursor_ns;
}

int ledger_commit(struct ledger *ledger, struct held_batch *const *batches, size_t count,
                  struct audience audience, int64_t now_ns)
{
    struct gap gap = {0};
    struct held_batch *declared = NULL;
    bool full = store_is_full(ledger->store), passing = ledger->standing.passing;
    struct extras extras = {
        .cursors = full || cursors_are_due(ledger, now_ns),
        .standings = full || passing || passes_over_some(ledger, batches, count) ||
                     now_ns >= ledger->standing.write_ns,
        .followed = passing && count > 0 ? end_of(&batches[count - 1]->batch) : ledger->next_seq,
    };
    int error = write_batches(ledger, batches, count, audience, extras, &gap, &declared);
    if (ledger_note_trouble(ledger, error, now_ns) < 0) {
        held_batch_drop(declared);
        return error;
    }
    if (extras.cursors)
        cursors_saved(ledger, audience, now_ns);
    if (extras.standings || gap.missing > 0)
        ledger_standings_written(ledger, extras.followed, now_ns);
    ledger->salvage_due = false;
    for (size_t i = 0; i < count; i++)
        stored(ledger, batches[i]);
    if (declared == NULL)
        return 0;
    log_error("store: full, the %llu oldest unacknowledged readings had to go",
              (unsigned long long)gap.missing);
    ledger_count_lost(ledger, gap.why, gap.missing);
    for (size_t i = 0; i < audience.count; i++)
        delivery_forget(audience.deliveries[i], gap.first_seq, gap.last_seq);
    stored(ledger, declared);
    held_batch_drop(declared);
    return 0;
}

void ledger_commit_cursors(struct ledger *ledger, struct audience audience, int64_t now_ns)
{
    bool dirty = false;
    for (size_t i = 0; i < audience.count; i++)
        dirty = dirty || delivery_is_dirty(audience.deliveries[i]);
    if (!dirty)
        return;
    const struct gap nothing = {0};
    int error = store_begin(ledger->store);
    if (error == 0)
        error = save_cursors(ledger, audience, &nothing);
    /* no cursor may be ahead of the numbers that the store knows of */
    uint64_t end = ledger->reserved > ledger->next_seq ? ledger->reserved : ledger->next_seq;
    bool settles = end > store_next_seq(ledger->store);
    if (error == 0 && settles)
        error = store_reserve(ledger->store, ledger_stored_end(ledger), end);
    if (error == 0 && settles)
        error = ledger_write_standings(ledger, ledger->next_seq);
    if (error == 0)
        error = commit(ledger, audience);
    if (error == 0 && settles)
        ledger_standings_written(ledger, ledger->next_seq, now_ns);
    if (ledger_note_trouble(ledger, error, now_ns) == 0)
        cursors_saved(ledger, audience, now_ns);
}

void ledger_commit_standings(struct ledger *ledger, int64_t now_ns)
{
    if (!ledger->standing.changed)
        return;
    int error = store_begin(ledger->store);
    if (error == 0)
        error = ledger_write_standings(ledger, ledger->next_seq);
    if (error == 0)
        error = store_commit(ledger->store);
    if (ledger_note_trouble(ledger, error, now_ns) == 0)
        ledger_standings_written(ledger, ledger->next_seq, now_ns);
}

int ledger_reserve(struct ledger *ledger, uint64_t end, int64_t now_ns)
{
    int error = store_begin(ledger->store);
    if (error == 0)
        error = store_reserve(ledger->store, ledger_stored_end(ledger), end);
    if (error == 0)
        error = ledger_write_standings(ledger, ledger->next_seq);
    if (error == 0)
        error = store_commit(ledger->store);
    if (error == 0)
        ledger_standings_written(ledger, ledger->next_seq, now_ns);
    if (ledger_note_trouble(ledger, error, now_ns) == 0)
        ledger->reserved = end;
    return error;
}

struct drop {
    struct ledger *ledger;
    const struct plant *plant;
    struct text gone; /* names, each with its zero */
};

static void note_gone(void *context, const char *uplink)
{
    struct drop *drop = context;
    for (size_t i = 0; i < drop->plant->uplink_count; i++)
        if (strcmp(drop->plant->uplinks[i].name, uplink) == 0)
            return;
    text_add_bytes(&drop->gone, uplink, strlen(uplink) + 1);
}

void ledger_drop_cursors(struct ledger *ledger, const struct plant *plant)
{
    struct drop drop = {ledger, plant, {0}};
    ledger->cursor_ns = 0; /* those of new uplinks go with the next commit */
    int error = store_each_cursor(ledger->store, note_gone, &drop);
    if (error == 0 && drop.gone.length > 0) {
        error = store_begin(ledger->store);
        for (size_t at = 0; error == 0 && at < drop.gone.length;
             at += strlen(drop.gone.data + at) + 1)
            error = store_drop_cursor(ledger->store, drop.gone.data + at);
        if (error == 0)
            error = store_commit(ledger->store);
    }
    ledger_note_trouble(ledger, error, clock_mono_ns());
    text_free(&drop.gone);
}
