#include "salvage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "salvage_inside.h"

/* What one call looks through, about 8 MiB. */
enum { SURVEY_PAGES = 4096 };

static const char no_id[] = "-"; /* it can't be read */

/* --- what is kept --- */

void salvage_describe(const char *store_id, uint64_t end, struct text *out)
{
    text_addf(out, "%s %" PRIu64 " 0 1\n", store_id, end);
}

void salvage_describe_uplink(const char *uplink, const struct ranges *owed, uint64_t end,
                             struct text *out)
{
    struct ranges below = {0};
    for (size_t i = 0; i < owed->count && owed->items[i].first < end; i++) {
        uint64_t last = owed->items[i].last;
        ranges_add(&below, owed->items[i].first, last < end ? last : end - 1);
    }
    text_addf(out, "%s ", uplink);
    ranges_to_text(&below, out);
    text_add_char(out, '\n');
    ranges_free(&below);
}

static void add_claim(struct salvage *salvage, const char *uplink, const struct ranges *owed)
{
    salvage->claims =
        mem_resize(salvage->claims, (salvage->claim_count + 1) * sizeof(*salvage->claims));
    struct claim *claim = &salvage->claims[salvage->claim_count++];
    *claim = (struct claim){.uplink = mem_string(uplink)};
    for (size_t i = 0; i < owed->count; i++) {
        ranges_add(&claim->owed, owed->items[i].first, owed->items[i].last);
        ranges_add(&salvage->owed, owed->items[i].first, owed->items[i].last);
    }
}

/* What makes no sense of it is as if nobody had told. */
static void read_kept(struct salvage *salvage, char *text)
{
    char *line = strsep(&text, "\n");
    const char *id = strsep(&line, " "), *end = strsep(&line, " ");
    const char *last_ms = strsep(&line, " "), *inherited = line;
    if (inherited == NULL)
        return;
    snprintf(salvage->id, sizeof(salvage->id), "%s", id);
    salvage->end = strtoull(end, NULL, 10);
    salvage->last_ms = strtoll(last_ms, NULL, 10);
    salvage->told = true;
    salvage->inherited = inherited[0] == '1';
    while ((line = strsep(&text, "\n")) != NULL) {
        struct ranges owed = {0};
        const char *uplink = strsep(&line, " ");
        if (line != NULL && ranges_parse(line, &owed) == 0)
            add_claim(salvage, uplink, &owed);
        ranges_free(&owed);
    }
}

void salvage_keep(const struct salvage *salvage, uint64_t end, int64_t last_ms, struct text *out)
{
    text_addf(out, "%s %" PRIu64 " %" PRId64 " %d\n", salvage->id[0] != '\0' ? salvage->id : no_id,
              salvage->end, last_ms > salvage->last_ms ? last_ms : salvage->last_ms,
              salvage->inherited);
    for (size_t i = 0; i < salvage->claim_count; i++) {
        struct ranges left = {0};
        const struct ranges *owed = &salvage->claims[i].owed;
        for (size_t j = 0; j < owed->count; j++)
            ranges_add(&left, owed->items[j].first, owed->items[j].last);
        if (end > 0)
            ranges_remove(&left, 0, end - 1);
        salvage_describe_uplink(salvage->claims[i].uplink, &left, salvage->end, out);
        ranges_free(&left);
    }
}

/* --- beginning and end --- */

int salvage_open(struct store *store, struct salvage **ret_salvage)
{
    struct text kept = {0};
    struct store_mark mark;
    struct wreck *wreck;
    int error = store_open_wreck(store, &wreck, &mark, &kept);
    if (error == 0) {
        struct salvage *salvage = mem_alloc(sizeof(*salvage));
        salvage->store = store;
        salvage->wreck = wreck;
        salvage->mark = mark;
        if (kept.length > 0)
            read_kept(salvage, kept.data);
        *ret_salvage = salvage;
    }
    text_free(&kept);
    return error;
}

void salvage_free(struct salvage *salvage)
{
    if (salvage == NULL)
        return;
    wreck_free(salvage->wreck);
    for (size_t i = 0; i < salvage->claim_count; i++) {
        free(salvage->claims[i].uplink);
        ranges_free(&salvage->claims[i].owed);
    }
    free(salvage->claims);
    ranges_free(&salvage->owed);
    free(salvage->new_sources);
    record_reader_free(&salvage->reader);
    text_free(&salvage->records);
    free(salvage);
}

/* A database that came to the place of the one that was deleted is none of ours. */
static void check_id(struct salvage *salvage)
{
    const char *id = wreck_content(salvage->wreck)->id;
    if (!salvage->told || id[0] == '\0' || strcmp(salvage->id, no_id) == 0 ||
        strcmp(salvage->id, id) == 0)
        return;
    wreck_free(salvage->wreck);
    salvage->wreck = wreck_new(-1, -1);
    wreck_survey(salvage->wreck, 1);
}

/* A mark that another store left tells nothing of this one; where the wreck's id can't be read, it
 * may be of either. */
static void check_mark(struct salvage *salvage)
{
    struct store_mark *mark = &salvage->mark;
    const char *id = wreck_content(salvage->wreck)->id;
    if (id[0] != '\0' && strcmp(id, mark->id) != 0)
        *mark = (struct store_mark){0};
    salvage->mark_is_sure = id[0] != '\0' && mark->id[0] != '\0';
}

static void believe_wreck(struct salvage *salvage)
{
    const struct wreck_content *content = wreck_content(salvage->wreck);
    const struct store_mark *mark = &salvage->mark;
    snprintf(salvage->id, sizeof(salvage->id), "%s",
             content->id[0] != '\0' ? content->id : mark->id);
    salvage->end = content->end > mark->next_seq ? content->end : mark->next_seq;
}

bool salvage_survey(struct salvage *salvage)
{
    if (salvage->surveyed || !wreck_survey(salvage->wreck, SURVEY_PAGES))
        return salvage->surveyed;
    check_id(salvage);
    check_mark(salvage);
    if (!salvage->told)
        believe_wreck(salvage);
    salvage->new_sources =
        mem_array(wreck_content(salvage->wreck)->source_count, sizeof(*salvage->new_sources));
    salvage->surveyed = true;
    return true;
}

/* --- accounts --- */

uint64_t salvage_count(const struct salvage *salvage, uint64_t first, uint64_t end)
{
    if (first >= end)
        return 0;
    return ranges_count_below(&salvage->owed, end) - ranges_count_below(&salvage->owed, first);
}

static bool has_any(const struct ranges *ranges, uint64_t first, uint64_t last)
{
    uint64_t seq;
    return ranges_next(ranges, first, &seq) && seq <= last;
}

bool salvage_is_owed(const struct salvage *salvage, const char *uplink, uint64_t first,
                     uint64_t last)
{
    for (size_t i = 0; i < salvage->claim_count; i++)
        if (strcmp(salvage->claims[i].uplink, uplink) == 0)
            return has_any(&salvage->claims[i].owed, first, last);
    return false;
}

void salvage_pass(struct salvage *salvage, uint64_t first, uint64_t last, int64_t last_ms)
{
    for (size_t i = 0; i < salvage->claim_count; i++)
        ranges_remove(&salvage->claims[i].owed, first, last);
    ranges_remove(&salvage->owed, first, last);
    if (last_ms > salvage->last_ms)
        salvage->last_ms = last_ms;
}

/* Where an uplink's cursor can't be read, it is owed all that it may be owed. */
static uint64_t owed_from(const struct salvage *salvage)
{
    uint64_t first = wreck_content(salvage->wreck)->first_seq, marked = salvage->mark.owed_from;
    if (salvage->mark_is_sure || first == 0)
        return marked;
    return marked == 0 || first < marked ? first : marked;
}

void salvage_add_uplink(struct salvage *salvage, const char *uplink)
{
    const struct wreck_content *content = wreck_content(salvage->wreck);
    struct ranges owed = {0};
    if (salvage->told)
        return;
    size_t i = 0;
    while (i < content->cursor_count && strcmp(content->cursors[i].uplink, uplink) != 0)
        i++;
    for (size_t j = 0; i < content->cursor_count && j < content->cursors[i].owed.count; j++) {
        const struct range *range = &content->cursors[i].owed.items[j];
        ranges_add(&owed, range->first, range->last);
    }
    if (i == content->cursor_count && salvage->end > 0)
        ranges_add(&owed, owed_from(salvage), SEQ_END);
    if (salvage->mark_is_sure && salvage->mark.owed_from > 0)
        ranges_remove(&owed, 0, salvage->mark.owed_from - 1);
    ranges_remove(&owed, salvage->end, SEQ_END);
    add_claim(salvage, uplink, &owed);
    ranges_free(&owed);
}

uint64_t salvage_left(const struct salvage *salvage)
{
    return ranges_count_below(&salvage->owed, SEQ_END);
}

bool salvage_is_urgent(const struct salvage *salvage)
{
    return store_wreck_name(salvage->store)[0] == '\0';
}

/* --- from batch to batch --- */

/* Makes the batch, with a gap in front for what is missing. */
static void compose(struct salvage *salvage, uint64_t first, const struct translation *translation,
                    struct salvaged *salvaged)
{
    struct text body = {0};
    struct gap gap = {
        .why = GAP_DAMAGED,
        .missing = salvaged->missing,
        .from_ms = salvage->last_ms,
        .to_ms = translation->first_ms,
    };
    /* clocks step */
    if (gap.to_ms < gap.from_ms)
        gap.to_ms = gap.from_ms;
    if (gap.missing > 0 || translation->count == 0)
        record_add_gap(&body, &gap);
    salvaged->batch = (struct batch){
        .count = translation->count + (body.length > 0),
        .boot = translation->boot,
    };
    if (translation->count > 0)
        text_add_bytes(&body, salvage->records.data, salvage->records.length);
    salvaged->first = first;
    salvaged->last_ms = translation->last_ms;
    salvaged->batch.body = (uint8_t *)body.data;
    salvaged->batch.length = body.length;
}

/* Whatever is owed still can't be found. Where the end of the file is missing, and nobody told,
 * there may be more that nothing is known of: for that a gap may say 0 readings. */
static int last_gap(struct salvage *salvage, uint64_t *from, struct salvaged *ret_salvaged)
{
    struct instant now;
    clock_now(&now);
    struct translation none = {.first_ms = now.wall_ms};
    bool unknown =
        !salvage->inherited && !salvage->mark_is_sure && wreck_content(salvage->wreck)->cut;
    *ret_salvaged =
        (struct salvaged){.end = SEQ_END, .missing = salvage_count(salvage, *from, SEQ_END)};
    if (*from == SEQ_END || (ret_salvaged->missing == 0 && !unknown))
        return -ENOENT;
    compose(salvage, *from, &none, ret_salvaged);
    *from = SEQ_END;
    return 1;
}

/* What was read is brought, and what is owed before it and was not found is lost. A batch of which
 * nothing can be told counts with what comes before the next one. */
static int bring(struct salvage *salvage, const struct batch *batch, uint64_t *from,
                 struct salvaged *ret_salvaged)
{
    struct translation translation = {0};
    int error = salvage_translate(salvage, batch, *from, &translation);
    if (error < 0)
        return error;
    salvage->probe = translation.end > salvage->probe ? translation.end : salvage->probe + 1;
    if (translation.count == 0)
        return 0;
    *ret_salvaged = (struct salvaged){
        .end = translation.end,
        .missing = salvage_count(salvage, *from, batch->first_seq) + translation.lost,
    };
    compose(salvage, *from, &translation, ret_salvaged);
    *from = translation.end;
    return 1;
}

int salvage_next(struct salvage *salvage, uint64_t *from, struct salvaged *ret_salvaged)
{
    struct batch batch;
    if (salvage->probe < *from)
        salvage->probe = *from;
    if (!ranges_next(&salvage->owed, salvage->probe, &salvage->probe))
        return last_gap(salvage, from, ret_salvaged);
    int error = wreck_read(salvage->wreck, &salvage->probe, &batch);
    if (error == -ENOENT)
        return last_gap(salvage, from, ret_salvaged);
    if (error < 0)
        return error == -EAGAIN ? 0 : error;
    error = bring(salvage, &batch, from, ret_salvaged);
    free(batch.body);
    return error;
}

void salvage_rewind(struct salvage *salvage)
{
    salvage->probe = 0;
}
