/* Where counters, states and shifts stand, as what has a number tells it: followed in memory,
 * written down once a minute, and worked out at the start from what was written and the batches
 * since. So a total goes on where it was last told, whatever ended the process. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "followed.h"
#include "ledger_internal.h"
#include "log.h"
#include "memory.h"
#include "record.h"

enum { WRITE_MS = 60000 };

/* --- following --- */

static struct followed_source *followed_source(struct ledger *ledger, uint32_t id)
{
    const struct source *source = store_source(ledger->store, id);
    if (source == NULL)
        return NULL;
    if (id >= ledger->standing.source_count) {
        size_t count = (size_t)id + 1;
        ledger->standing.sources =
            mem_resize(ledger->standing.sources, count * sizeof(*ledger->standing.sources));
        memset(ledger->standing.sources + ledger->standing.source_count, 0,
               (count - ledger->standing.source_count) * sizeof(*ledger->standing.sources));
        ledger->standing.source_count = count;
    }
    struct followed_source *followed = &ledger->standing.sources[id];
    if (!followed->known)
        followed_find(&ledger->standing.all, source, followed);
    followed->known = true;
    return followed->count > 0 ? followed : NULL;
}

/* An older reading, as one that was salvaged, is behind what is known. */
static bool is_older_total(const int64_t *known, const int64_t *numbers)
{
    if (numbers[STANDING_EPOCH] != known[STANDING_EPOCH])
        return numbers[STANDING_EPOCH] < known[STANDING_EPOCH];
    return numbers[STANDING_TOTAL] < known[STANDING_TOTAL] ||
           numbers[STANDING_INFERRED] < known[STANDING_INFERRED];
}

static bool take_number(const struct sample *sample, int64_t *ret_number)
{
    if (sample->quality != QUALITY_GOOD)
        return false;
    if (sample->value.kind == VALUE_DECIMAL && sample->value.decimals == 0)
        *ret_number = sample->value.mantissa;
    else if (sample->value.kind == VALUE_UNSIGNED)
        *ret_number = (int64_t)sample->value.whole;
    else
        return false;
    return true;
}

/* Which of the numbers the value is; `count`: none. */
static size_t number_of(const struct followed *followed, uint16_t value)
{
    size_t number = 0;
    if (!followed->is_counter)
        return value >= followed->values[0] && value < followed->values[0] + followed->count
                   ? (size_t)(value - followed->values[0])
                   : followed->count;
    while (number < followed->count && followed->values[number] != value)
        number++;
    return number;
}

/* Puts what the reading tells in place. Whether it tells something. */
static bool take_numbers(const struct followed *followed, const struct reading *reading,
                         int64_t numbers[STANDING_MOST_NUMBERS])
{
    bool told = false;
    for (size_t i = 0; i < reading->count; i++) {
        size_t number = number_of(followed, reading->samples[i].tag);
        if (number < followed->count)
            told = take_number(&reading->samples[i], &numbers[number]) || told;
    }
    return told;
}

static void follow(struct ledger *ledger, struct followed *followed, const struct reading *reading,
                   uint32_t boot)
{
    int64_t numbers[STANDING_MOST_NUMBERS] = {0};
    struct standing *standing = followed->standing;
    if (standing != NULL && standing->count != followed->count)
        return; /* it is another kind's by now */
    if (standing != NULL)
        memcpy(numbers, standing->numbers, followed->count * sizeof(*numbers));
    if (!take_numbers(followed, reading, numbers))
        return;
    if (standing == NULL)
        standing = followed->standing = standings_add(
            &ledger->standing.all, store_source(ledger->store, reading->source)->machine,
            followed->name, followed->count);
    if (followed->is_counter && is_older_total(standing->numbers, numbers))
        return;
    memcpy(standing->numbers, numbers, followed->count * sizeof(*numbers));
    standing->at = reading->at;
    if (reading->at.synced)
        standing->at.boot_ms = STANDING_UNKNOWN;
    standing->boot = boot;
    standing->told = standing->changed = ledger->standing.changed = true;
}

/* What is kept stands at a reading's end, and is in few of them. */
static bool may_tell(const struct followed *followed, const struct reading *reading)
{
    return followed->is_counter ||
           (reading->count > 0 && reading->samples[reading->count - 1].tag >= followed->values[0]);
}

bool ledger_follow(struct ledger *ledger, const struct batch *batch)
{
    struct record_reader reader = {0};
    struct record record;
    enum record_kind kind;
    uint32_t source;
    int status = 0;
    if (!ledger->standing.counts)
        return true;
    record_reader_start(&reader, batch->body, batch->length);
    for (;;) {
        struct record_reader from = reader;
        status = record_skim(&reader, &kind, &source);
        if (status != 1)
            break;
        ledger->standing.urgent = ledger->standing.urgent || kind == RECORD_EVENT;
        struct followed_source *followed =
            kind == RECORD_READING ? followed_source(ledger, source) : NULL;
        if (followed == NULL)
            continue;
        reader.at = from.at;
        reader.passed = from.passed;
        status = record_next(&reader, &record);
        if (status != 1)
            break;
        for (size_t i = 0; i < followed->count; i++)
            if (may_tell(&followed->items[i], &record.reading))
                follow(ledger, &followed->items[i], &record.reading, batch->boot);
    }
    record_reader_free(&reader);
    bool lines_changed = lines_keep(ledger->lines);
    if (loads_take(ledger->loads, batch->body, batch->length) || lines_changed)
        ledger->standing.changed = true;
    return status == 0;
}

/* --- writing down --- */

struct write {
    struct ledger *ledger;
    int error;
};

static void write_one(void *context, struct standing *standing)
{
    struct write *write = context;
    if (write->error == 0 && standing->changed)
        write->error = store_save_standing(write->ledger->store, standing);
}

int ledger_write_standings(struct ledger *ledger, uint64_t seq)
{
    struct write write = {.ledger = ledger};
    if (!ledger->standing.changed && !ledger->standing.passing)
        return 0;
    standings_each(&ledger->standing.all, write_one, &write);
    return write.error == 0 ? store_note_standings(ledger->store, seq) : write.error;
}

static void note_written(void *context, struct standing *standing)
{
    (void)context;
    standing->changed = false;
}

void ledger_standings_written(struct ledger *ledger, uint64_t seq, int64_t now_ns)
{
    if (ledger->standing.changed)
        standings_each(&ledger->standing.all, note_written, NULL);
    ledger->standing.changed = ledger->standing.urgent = false;
    ledger->standing.seq = seq;
    ledger->standing.write_ns = now_ns + WRITE_MS * NS_PER_MS;
}

static void note_unwritten(void *context, struct standing *standing)
{
    struct ledger *ledger = context;
    standing->changed = ledger->standing.changed = true;
}

void ledger_standings_lost(struct ledger *ledger)
{
    standings_each(&ledger->standing.all, note_unwritten, ledger);
    ledger->standing.write_ns = 0;
}

/* --- at the start --- */

void ledger_count_plant(struct ledger *ledger, const struct plant *plant)
{
    for (size_t i = 0; i < plant->machine_count && !ledger->standing.counts; i++)
        ledger->standing.counts =
            plant->machines[i].meaning != NULL || plant->machines[i].state != NULL;
}

/* An epoch that nobody was told, be it by a gateway whose end nothing is known of. */
static int64_t untold_epoch(void)
{
    struct instant now;
    clock_now(&now);
    return (uint32_t)(now.wall_ms / 1000);
}

/* What was said between then and now is not known: totals may be too low. */
static void doubt(void *context, struct standing *standing)
{
    if (strcmp(standing->name, "state") == 0 || strchr(standing->name, '/') != NULL)
        return; /* it or the shift is known up to its own time, whatever came then */
    int64_t *epoch = &standing->numbers[STANDING_EPOCH];
    int64_t untold = untold_epoch();
    *epoch = untold > *epoch ? untold : *epoch + 1;
    note_unwritten(context, standing);
}

/* Follows what was stored since; false where some of it can't be read. */
static bool catch_up(struct ledger *ledger)
{
    struct batch batch;
    bool complete = true;
    uint64_t seq = ledger->standing.seq;
    int rc;
    while ((rc = store_read(ledger->store, seq, SEQ_END, &batch)) == 0 || rc == -EBADMSG) {
        seq = batch.first_seq + batch.count;
        if (rc == 0) {
            lines_replay(ledger->lines, &batch);
            complete = ledger_follow(ledger, &batch) && complete;
            free(batch.body);
        } else {
            complete = false;
        }
    }
    ledger_note_error(ledger, rc);
    return complete && rc == -ENOENT;
}

/* Whether there is anything to be followed in what was stored, be it of machines of before. */
static bool has_followed(struct ledger *ledger)
{
    for (uint32_t id = store_last_source(ledger->store); id > 0; id--)
        if (followed_source(ledger, id) != NULL)
            return true;
    return false;
}

/* What was told before the clock was set has its time by now. */
static void correct_time(void *context, struct standing *standing)
{
    const struct ledger *ledger = context;
    int64_t offset_ms;
    struct instant *at = &standing->at;
    if (at->synced || at->boot_ms == STANDING_UNKNOWN ||
        !store_boot_offset(ledger->store, standing->boot, &offset_ms))
        return;
    at->wall_ms = at->boot_ms + offset_ms;
    at->synced = true;
}

int ledger_load_standings(struct ledger *ledger, bool incomplete)
{
    struct ledger_standing *standing = &ledger->standing;
    int error = store_load_standings(ledger->store, &standing->all, &standing->seq);
    ledger_note_error(ledger, error);
    if (error < 0 && error != -EUCLEAN)
        return error;
    ledger_set_lines(ledger, ledger->plant);
    standing->counts = has_followed(ledger);
    standing->doubtful = incomplete || error < 0;
    if (standing->counts && !catch_up(ledger))
        standing->doubtful = true;
    loads_forget_now(ledger->loads);
    if (standing->doubtful)
        standings_each(&standing->all, doubt, ledger);
    standings_each(&standing->all, correct_time, ledger);
    standing->urgent = false;
    ledger_count_plant(ledger, ledger->plant);
    return 0;
}

struct copy {
    struct standings *to;
    uint32_t boot;
    struct instant now;
};

static void copy_one(void *context, struct standing *standing)
{
    const struct copy *copy = context;
    /* named in a list of tags, and never told; or this loop's own */
    if (!standing->told || strncmp(standing->name, "line/", 5) == 0 ||
        strncmp(standing->name, "load/", 5) == 0)
        return;
    struct standing *made =
        standings_add(copy->to, standing->machine, standing->name, standing->count);
    memcpy(made->numbers, standing->numbers, standing->count * sizeof(*made->numbers));
    made->at.boot_ms = standing_boot_ms(standing, copy->boot, &copy->now);
}

void ledger_copy_standings(const struct ledger *ledger, struct standings *ret_standings)
{
    struct copy copy = {.to = ret_standings, .boot = ledger->boot};
    clock_now(&copy.now);
    /* what was told and is not known here, as of the store before this one, had no epoch so high */
    if (ledger->standing.doubtful || ledger->salvage != NULL || ledger->event[0] != '\0')
        ret_standings->first_epoch = (uint32_t)untold_epoch();
    standings_each(&ledger->standing.all, copy_one, &copy);
}

void ledger_forget_standings(struct ledger *ledger)
{
    for (size_t i = 0; i < ledger->standing.source_count; i++)
        free(ledger->standing.sources[i].items);
    free(ledger->standing.sources);
    standings_free(&ledger->standing.all);
}
