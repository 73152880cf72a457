/* The records of an old batch as the new store is to have them: sources and boots have other
 * numbers there. */
#include <errno.h>

#include "salvage_inside.h"

/* The new number of an old source: 0, or negative errno; then -ENOENT is an unknown machine. Where
 * the old file does not say, the new store has it under its old number, if that was handed down. */
static int map_source(struct salvage *salvage, uint32_t old, uint32_t *ret_new)
{
    const struct wreck_content *content = wreck_content(salvage->wreck);
    size_t low = 0, high = content->source_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (content->sources[middle].id < old)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == content->source_count || content->sources[low].id != old) {
        *ret_new = old;
        return salvage->inherited && store_source(salvage->store, old) != NULL ? 0 : -ENOENT;
    }
    int error = 0;
    if (salvage->new_sources[low] == 0)
        error = store_adopt_source(salvage->store, content->sources[low].machine,
                                   content->sources[low].tags, &salvage->new_sources[low]);
    *ret_new = salvage->new_sources[low];
    return error;
}

/* Of a boot that is unknown there is nothing to correct a clock by: 0 is no boot's number. */
static int map_boot(struct salvage *salvage, uint32_t old, uint32_t *ret_new)
{
    const struct wreck_content *content = wreck_content(salvage->wreck);
    size_t i = 0;
    while (i < content->boot_count && content->boots[i].id != old)
        i++;
    *ret_new = salvage->inherited ? old : 0;
    if (i == content->boot_count)
        return 0;
    const struct wreck_boot *boot = &content->boots[i];
    int64_t offset_ms;
    int error = store_boot(salvage->store, boot->boot_id, ret_new);
    if (error == 0 && boot->offset_known &&
        !store_boot_offset(salvage->store, *ret_new, &offset_ms))
        error = store_set_boot_offset(salvage->store, *ret_new, boot->offset_ms);
    return error;
}

static int64_t taken_ms(const struct salvage *salvage, const struct instant *at, uint32_t boot)
{
    int64_t offset_ms;
    if (!at->synced && store_boot_offset(salvage->store, boot, &offset_ms))
        return at->boot_ms + offset_ms;
    return at->wall_ms;
}

/* A reading or an event under its machine's new number. */
static void add_renamed(struct salvage *salvage, struct record *record, uint32_t source)
{
    if (record->kind == RECORD_EVENT) {
        record->event.source = source;
        record_add_event(&salvage->records, &record->event);
    } else {
        record->reading.source = source;
        record_add_reading(&salvage->records, &record->reading);
    }
}

/* 0, 1 for a record that is owed and can't be told, or negative errno. */
static int translate_record(struct salvage *salvage, struct record *record,
                            struct translation *translation)
{
    if (record->kind == RECORD_GAP) {
        /* the numbers in it are not those of the new store */
        record->gap.first_seq = record->gap.last_seq = 0;
        record_add_gap(&salvage->records, &record->gap);
        translation->count++;
        return 0;
    }
    uint32_t source = record->kind == RECORD_EVENT ? record->event.source : record->reading.source;
    bool of_gateway = record->kind == RECORD_EVENT && source == 0;
    int error = of_gateway ? 0 : map_source(salvage, source, &source);
    if (error < 0)
        return error == -ENOENT ? 1 : error;
    int64_t ms = taken_ms(salvage, record_instant(record), translation->boot);
    if (translation->first_ms == 0)
        translation->first_ms = ms;
    if (ms > translation->last_ms)
        translation->last_ms = ms;
    add_renamed(salvage, record, source);
    translation->count++;
    return 0;
}

int salvage_translate(struct salvage *salvage, const struct batch *batch, uint64_t from,
                      struct translation *translation)
{
    struct record record;
    int rc = map_boot(salvage, batch->boot, &translation->boot);
    text_clear(&salvage->records);
    translation->end = batch->first_seq > from ? batch->first_seq : from;
    record_reader_start(&salvage->reader, batch->body, batch->length);
    while (rc >= 0 && (rc = record_next(&salvage->reader, &record)) == 1) {
        uint64_t seq = batch->first_seq + salvage->reader.passed - 1;
        if (seq < from)
            continue;
        translation->lost += salvage_count(salvage, translation->end, seq);
        translation->end = seq + 1;
        if (ranges_contains(&salvage->owed, seq)) {
            rc = translate_record(salvage, &record, translation);
            translation->lost += rc > 0;
        }
    }
    if (rc < 0 && rc != -EBADMSG)
        return rc;
    uint64_t records = rc == 0 ? salvage->reader.passed : batch->count;
    translation->lost += salvage_count(salvage, translation->end, batch->first_seq + records);
    if (batch->first_seq + records > translation->end)
        translation->end = batch->first_seq + records;
    return 0;
}
