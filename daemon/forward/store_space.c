/* Letting go of batches: those acknowledged long enough ago, and those there is no room for. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "record.h"
#include "store_inside.h"

/* What one trim deletes at most: SQLite reads every page of what it frees. */
enum { TRIM_MAX_BATCHES = 512, TRIM_MAX_BYTES = 32 << 20 };

/* A delete costs a few pages and an fsync, so it waits until some are due: an eighth of the
 * window, at most this. */
enum { TRIM_MAX_DELAY_MS = 30000 };

/* How much more than needed is freed at a time, as a part of what is in use. */
enum { ROOM_PART = 32 };

static int delete_between(struct store *store, uint64_t first_seq, uint64_t last_seq)
{
    struct sql_query *query =
        sql_query(store->sql, "DELETE FROM batch WHERE first_seq BETWEEN ? AND ?");
    sql_bind_seq(query, 1, first_seq);
    sql_bind_seq(query, 2, last_seq);
    return sql_run(query);
}

static int64_t trim_delay_ms(const struct store *store)
{
    int64_t delay_ms = store->replay_window_ms / 8;
    return delay_ms < TRIM_MAX_DELAY_MS ? delay_ms : TRIM_MAX_DELAY_MS;
}

/* The last batch of those that may go, all from the oldest on. -ENOENT if there is none. */
static int find_trimmable(struct store *store, uint64_t acknowledged, uint64_t *ret_last)
{
    uint64_t end = acknowledged < store->newest.first_seq ? acknowledged : store->newest.first_seq;
    int64_t limit_ms = store_age_ms(store) - store->replay_window_ms;
    struct sql_query *query =
        sql_query(store->sql, "SELECT first_seq, first_seq + count, age_ms, length(body) FROM batch"
                              " WHERE first_seq < ? ORDER BY first_seq LIMIT ?");
    sql_bind_seq(query, 1, end);
    sql_bind_int(query, 2, TRIM_MAX_BATCHES);
    bool found = false;
    uint64_t last = 0;
    int64_t bytes = 0;
    int rc;
    while ((rc = sql_step(query)) == 1) {
        int64_t due_ms = found ? limit_ms : limit_ms - trim_delay_ms(store);
        if ((uint64_t)sql_int(query, 1) > end || sql_int(query, 2) > due_ms ||
            bytes > TRIM_MAX_BYTES)
            break;
        found = true;
        last = (uint64_t)sql_int(query, 0);
        bytes += sql_int(query, 3);
    }
    sql_end(query);
    if (rc < 0)
        return rc;
    if (found)
        *ret_last = last;
    return found ? 0 : -ENOENT;
}

int store_trim(struct store *store, uint64_t acknowledged)
{
    assert(!store->open_transaction);
    int rc = store_ready(store);
    if (rc < 0)
        return rc;
    uint64_t last;
    rc = find_trimmable(store, acknowledged, &last);
    if (rc == -ENOENT)
        return 0;
    if (rc == 0)
        rc = delete_between(store, 0, last);
    if (rc == 0)
        rc = sql_bytes(store->sql, &store->bytes);
    return rc < 0 ? store_failed(store, rc) : 0;
}

/* The earlier of two times, 0 being unknown. */
static int64_t earlier(int64_t a, int64_t b)
{
    if (a == 0 || b == 0)
        return a + b;
    return a < b ? a : b;
}

static void merge_gap(struct gap *gap, const struct gap *more)
{
    if (more->missing == 0)
        return;
    if (gap->missing == 0) {
        *gap = *more;
        return;
    }
    gap->missing += more->missing;
    if (more->first_seq < gap->first_seq)
        gap->first_seq = more->first_seq;
    if (more->last_seq > gap->last_seq)
        gap->last_seq = more->last_seq;
    gap->from_ms = earlier(gap->from_ms, more->from_ms);
    if (more->to_ms > gap->to_ms)
        gap->to_ms = more->to_ms;
}

/* Deletes batches that lie whole in the hole, the oldest first, until *bytes are freed; takes what
 * was freed off *bytes. */
static int drop_from_hole(struct store *store, struct range hole, int64_t *bytes)
{
    struct sql_query *query = sql_query(
        store->sql, "SELECT first_seq, length(body) FROM batch WHERE first_seq BETWEEN ?1 AND ?2"
                    " AND first_seq + count - 1 <= ?2 AND first_seq < ?3 ORDER BY first_seq");
    sql_bind_seq(query, 1, hole.first);
    sql_bind_seq(query, 2, hole.last);
    sql_bind_seq(query, 3, store->newest.first_seq);
    bool found = false;
    uint64_t last = 0;
    int rc = 0;
    while (*bytes > 0 && (rc = sql_step(query)) == 1) {
        found = true;
        last = (uint64_t)sql_int(query, 0);
        *bytes -= sql_int(query, 1);
    }
    sql_end(query);
    if (rc >= 0 && found)
        rc = delete_between(store, hole.first, last);
    return rc < 0 ? rc : 0;
}

static int drop_acknowledged(struct store *store, const struct ranges *owed, int64_t *bytes)
{
    struct range hole = {0, SEQ_END};
    int rc = 0;
    for (size_t i = 0; rc == 0 && *bytes > 0 && i <= owed->count; i++) {
        bool end = i == owed->count;
        hole.last = end ? SEQ_END : owed->items[i].first - 1;
        if (end || owed->items[i].first > hole.first)
            rc = drop_from_hole(store, hole, bytes);
        if (end || owed->items[i].last == SEQ_END)
            break;
        hole.first = owed->items[i].last + 1;
    }
    return rc;
}

static int64_t taken_ms(const struct store *store, const struct instant *at, uint32_t boot)
{
    int64_t offset_ms;
    if (!at->synced && store_boot_offset(store, boot, &offset_ms))
        return at->boot_ms + offset_ms;
    return at->wall_ms;
}

/* What is lost with one record. A gap that goes is still a loss nobody was told of; its own number
 * lies in the range, and is neither reading nor event. */
static struct gap record_loss(const struct store *store, const struct record *record, uint64_t seq,
                              uint32_t boot)
{
    struct gap loss = {.why = GAP_STORE_FULL, .first_seq = seq, .last_seq = seq, .missing = 1};
    if (record->kind == RECORD_GAP) {
        loss.missing = record->gap.missing;
        if (record->gap.first_seq > 0 && record->gap.first_seq < seq)
            loss.first_seq = record->gap.first_seq;
        loss.from_ms = record->gap.from_ms;
        loss.to_ms = record->gap.to_ms;
    } else {
        loss.from_ms = taken_ms(store, record_instant(record), boot);
        loss.to_ms = loss.from_ms;
    }
    return loss;
}

/* Records that can't be read, damaged or of a kind that is unknown here, have numbers from `first`
 * to below `end` all the same; of their times nothing is known. */
static void add_unread(const struct ranges *owed, uint64_t first, uint64_t end, struct gap *gap)
{
    if (first >= end)
        return;
    struct gap unread = {
        .why = GAP_STORE_FULL,
        .first_seq = first,
        .last_seq = end - 1,
        .missing = ranges_count_below(owed, end) - ranges_count_below(owed, first),
    };
    merge_gap(gap, &unread);
}

/* Adds up what is lost with a batch: only what some uplink is still owed. */
static void add_loss(const struct store *store, const struct batch *batch,
                     const struct ranges *owed, struct gap *gap)
{
    struct record_reader reader = {0};
    struct record record;
    uint64_t next = batch->first_seq;
    uint64_t end = batch->first_seq + batch->count;
    record_reader_start(&reader, batch->body, batch->length);
    while (next < end && record_next(&reader, &record) == 1) {
        uint64_t seq = batch->first_seq + reader.passed - 1;
        add_unread(owed, next, seq, gap);
        next = seq + 1;
        if (!ranges_contains(owed, seq))
            continue;
        struct gap loss = record_loss(store, &record, seq, batch->boot);
        merge_gap(gap, &loss);
    }
    record_reader_free(&reader);
    add_unread(owed, next, end, gap);
}

static int packed_length(struct store *store, uint64_t first_seq, int64_t *ret_bytes)
{
    struct sql_query *query =
        sql_query(store->sql, "SELECT length(body) FROM batch WHERE first_seq = ?");
    sql_bind_seq(query, 1, first_seq);
    return sql_number(query, ret_bytes);
}

/* The oldest first, whatever they hold, but never the newest: it carries the numbering. */
static int drop_owed(struct store *store, const struct ranges *owed, int64_t bytes, struct gap *gap)
{
    uint64_t next = 0;
    while (bytes > 0 && store->newest.first_seq > 0) {
        struct batch batch = {0};
        int64_t length;
        int rc = store_read(store, next, store->newest.first_seq - 1, &batch);
        if (rc == -ENOENT)
            break;
        if (rc < 0 && rc != -EBADMSG)
            return rc;
        add_loss(store, &batch, owed, gap);
        free(batch.body);
        rc = packed_length(store, batch.first_seq, &length);
        if (rc < 0)
            return rc;
        bytes -= length;
        next = batch.first_seq + batch.count;
    }
    return next > 0 ? delete_between(store, 0, next - 1) : 0;
}

/* How many bytes have to go, the next batch counted as large as the last one. On a full disk room
 * inside the database is all there is. */
static int room_wanted(struct store *store, int64_t *ret_bytes)
{
    int64_t used;
    int rc = sql_bytes(store->sql, &used);
    if (rc < 0)
        return rc;
    int64_t over = used > store->max_size ? used - store->max_size : 0;
    *ret_bytes =
        over > 0 || store->disk_full ? over + used / ROOM_PART + (int64_t)store->packed.length : 0;
    return 0;
}

/* Inside a transaction. */
static int make_room(struct store *store, const struct ranges *owed, struct gap *gap)
{
    int64_t wanted;
    int rc = room_wanted(store, &wanted);
    if (rc == 0 && wanted > 0)
        rc = drop_acknowledged(store, owed, &wanted);
    /* a disk that others filled may have room again soon: nothing is given up for that */
    if (rc == 0 && wanted > 0 && store->bytes > store->max_size)
        rc = drop_owed(store, owed, wanted, gap);
    return rc;
}

bool store_is_full(const struct store *store)
{
    return store->bytes > store->max_size || store->disk_full;
}

int store_make_room(struct store *store, const struct ranges *owed, struct gap *ret_gap)
{
    bool own = !store->open_transaction;
    struct gap gap = store->undeclared;
    int rc = 0;
    if (store_is_full(store)) {
        if (own)
            rc = store_begin(store);
        if (rc < 0)
            return rc;
        rc = make_room(store, owed, &gap);
        if (rc < 0)
            return store->open_transaction ? store_failed(store, rc) : rc;
        store->undeclared = gap;
        if (own)
            rc = store_commit(store);
        if (rc < 0)
            return rc;
        store->disk_full = false;
    }
    *ret_gap = gap;
    return 0;
}
