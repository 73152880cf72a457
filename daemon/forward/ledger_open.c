/* Opening the ledger: its store, what an unclean stop or a damage has left, the numbers of
 * machines. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "ledger_internal.h"
#include "log.h"
#include "memory.h"
#include "record.h"

/* When the newest reading or event in the store was; 0 without one. */
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
    while (record_next(&reader, &record) == 1) {
        const struct instant *at = record_instant(&record);
        if (at != NULL && at->wall_ms > newest)
            newest = at->wall_ms;
    }
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
        ledger_tell_renewed(ledger, "was damaged");
    if (opened->unclean.missing > 0)
        declare_unclean(ledger, &opened->unclean);
}

static int open_salvage(struct ledger *ledger)
{
    int error = salvage_open(ledger->store, &ledger->salvage);
    return error == -ENOENT ? 0 : error; /* there is nothing to salvage */
}

static const char *why_not_open(const char *path, int error)
{
    char target[2];
    switch (error) {
    case -EBUSY:
        return "another process has it";
    case -ENOENT:
        if (readlink(path, target, sizeof(target)) >= 0)
            return "it is a link into a folder that is not there: make that, or delete the link";
        return "its folder is not there";
    case -EPROTONOSUPPORT:
        return "it belongs to another program or another version, and is left alone: move it away,"
               " or name another path";
    default:
        return strerrordesc_np(-error);
    }
}

int ledger_open(const struct plant *plant, struct queue *queue, struct ledger **ret_ledger)
{
    struct ledger *ledger = mem_alloc(sizeof(*ledger));
    struct store_opened opened;
    ledger->plant = plant_retain(plant);
    ledger->settings = &ledger->plant->store;
    ledger->queue = queue;
    ledger->wake_fd = -1;
    int error = store_open(ledger->settings, &ledger->store, &opened);
    if (error == 0)
        error = store_boot(ledger->store, clock_boot_id(), &ledger->boot);
    if (error == -EUCLEAN && ledger->store != NULL && store_renew(ledger->store, NULL) == 0) {
        ledger_tell_renewed(ledger, "was damaged");
        error = store_boot(ledger->store, clock_boot_id(), &ledger->boot);
    }
    if (error == 0)
        error = open_salvage(ledger);
    if (error == 0)
        error = ledger_load_standings(ledger, opened.unclean.missing > 0);
    if (error < 0) {
        log_error("store: %s: %s", ledger->settings->path,
                  why_not_open(ledger->settings->path, error));
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
    salvage_free(ledger->salvage);
    ranges_free(&ledger->rewritten);
    lines_free(ledger->lines);
    loads_free(ledger->loads);
    text_free(&ledger->lines_told);
    ledger_forget_standings(ledger);
    text_free(&ledger->owed_then);
    text_free(&ledger->salvage_kept);
    text_free(&ledger->content.body);
    text_free(&ledger->declared);
    store_close(ledger->store);
    plant_release(ledger->plant);
    free(ledger);
}

void ledger_keep_lines(struct ledger *ledger)
{
    if (lines_keep(ledger->lines))
        ledger->standing.changed = true;
}

void ledger_set_lines(struct ledger *ledger, const struct plant *plant)
{
    /* a batch that could not be committed yet was taken all the same */
    ledger_keep_lines(ledger);
    if (lines_forget_others(plant, &ledger->standing.all))
        ledger->standing.changed = true;
    lines_free(ledger->lines);
    ledger->lines = lines_new(plant, ledger->store, &ledger->standing.all);
    struct loads *before = ledger->loads;
    if (loads_pause_others(plant, &ledger->standing.all))
        ledger->standing.changed = true;
    ledger->loads = loads_new(plant, ledger->store, &ledger->standing.all, before);
    loads_free(before);
}

struct lines *ledger_lines(const struct ledger *ledger)
{
    return ledger->lines;
}

struct loads *ledger_loads(const struct ledger *ledger)
{
    return ledger->loads;
}

void ledger_wake_by(struct ledger *ledger, int wake_fd)
{
    ledger->wake_fd = wake_fd;
}

static bool knows_all(struct ledger *ledger, const struct plant *plant)
{
    for (size_t i = 0; i < plant->machine_count; i++)
        if (!store_has_source(ledger->store, &plant->machines[i]))
            return false;
    for (size_t i = 0; i < plant->line_count; i++)
        if (!lines_have_source(ledger->store, &plant->lines[i]))
            return false;
    return true;
}

static int number_sources(struct ledger *ledger, const struct plant *plant, uint32_t *ret_sources)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < plant->machine_count; i++)
        error = store_source_id(ledger->store, &plant->machines[i], &ret_sources[i]);
    for (size_t i = 0; error == 0 && i < plant->line_count; i++)
        error = lines_source(ledger->store, &plant->lines[i], &(uint32_t){0});
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
    ledger_note_error(ledger, error);
    if (error < 0)
        log_error("store: %s: %s", ledger->settings->path, strerrordesc_np(-error));
    ledger_count_plant(ledger, plant);
    return error;
}
