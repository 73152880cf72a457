/* What is asked of an open store: transactions, batches, cursors, sources, boots. */
#include "store.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "store_inside.h"

/* What one commit could gather is far less. */
enum { BATCH_MAX_RECORDS = 1 << 24 };

const char *store_id(const struct store *store)
{
    return store->id;
}

uint64_t store_next_seq(const struct store *store)
{
    return store->newest.next_seq;
}

uint64_t store_newest_seq(const struct store *store)
{
    return store->newest.first_seq;
}

int64_t store_bytes(const struct store *store)
{
    return store->bytes;
}

int64_t store_age_ms(const struct store *store)
{
    return store->age_base_ms + (clock_mono_ns() - store->opened_ns) / NS_PER_MS;
}

/* A full disk: the reserve's space lets the checkpoint through that makes the WAL usable again.
 * What of this fails will fail again, and be told, at the next commit. */
static void meet_full_disk(struct store *store)
{
    store->disk_full = true;
    store_files_release_reserve(&store->files);
    store_limit(store);
    sql_exec(store->sql, "PRAGMA wal_checkpoint(PASSIVE)");
}

int store_failed(struct store *store, int rc)
{
    bool rolled_back = true;
    if (sql_in_transaction(store->sql))
        rolled_back = sql_exec(store->sql, "ROLLBACK") == 0;
    if (store->open_transaction)
        catalog_cut(&store->catalog, store->sources_before);
    store->open_transaction = false;

    switch (rc) {
    case -ENOSPC:
        meet_full_disk(store);
        break;
    case -EUCLEAN:
        store->damaged = true;
        store_files_suspect(&store->files);
        break;
    case -ENOMEM:
    case -EBUSY:
    case -EEXIST:
    case -EFBIG:
        break;
    default:
        /* an fsync that failed is not cured by another one: what the kernel could not write, it
         * has dropped */
        store->reconnect = true;
    }
    if (!rolled_back)
        store->reconnect = true;
    /* what was dropped is there again, unless the rollback is in doubt as well */
    if (!store->reconnect)
        store->undeclared = store->undeclared_before;
    return rc;
}

int store_check(struct store *store, bool at_once)
{
    assert(!store->open_transaction);
    if (at_once)
        store->check_at_ns = 0;
    return store_ready(store);
}

int store_begin(struct store *store)
{
    assert(!store->open_transaction);
    int rc = store_ready(store);
    if (rc < 0)
        return rc;
    rc = sql_run(sql_query(store->sql, "BEGIN IMMEDIATE"));
    if (rc < 0)
        return store_failed(store, rc);
    store->open_transaction = true;
    store->newest_in_transaction = store->newest;
    store->undeclared_before = store->undeclared;
    store->sources_before = store->catalog.count;
    return 0;
}

int store_append(struct store *store, const struct batch *batch)
{
    assert(store->open_transaction && batch->count > 0);
    body_pack(store->packer, batch->body, batch->length, &store->packed);
    struct sql_query *query =
        sql_query(store->sql, "INSERT INTO batch(first_seq, count, boot, age_ms, sum, body)"
                              " VALUES(?1, ?2, ?3, ?4, row_sum(?1, ?2, ?3), ?5)");
    sql_bind_seq(query, 1, batch->first_seq);
    sql_bind_int(query, 2, batch->count);
    sql_bind_int(query, 3, batch->boot);
    sql_bind_int(query, 4, store_age_ms(store));
    sql_bind_blob(query, 5, store->packed.data, store->packed.length);
    int rc = sql_run(query);
    if (rc < 0)
        return store_failed(store, rc);
    struct store_newest *newest = &store->newest_in_transaction;
    if (batch->first_seq > newest->first_seq)
        newest->first_seq = batch->first_seq;
    if (batch->first_seq + batch->count > newest->next_seq)
        newest->next_seq = batch->first_seq + batch->count;
    return 0;
}

int store_save_cursor(struct store *store, const char *uplink, const struct ranges *owed)
{
    assert(store->open_transaction);
    text_clear(&store->scratch);
    text_add(&store->scratch, "");
    ranges_to_text(owed, &store->scratch);
    struct sql_query *query =
        sql_query(store->sql, "INSERT INTO cursor(uplink, owed, sum)"
                              " VALUES(?1, ?2, row_sum(?1, ?2)) ON CONFLICT(uplink)"
                              " DO UPDATE SET owed = excluded.owed, sum = excluded.sum");
    sql_bind_text(query, 1, uplink);
    sql_bind_text(query, 2, store->scratch.data);
    int rc = sql_run(query);
    return rc < 0 ? store_failed(store, rc) : 0;
}

void store_note_owed(struct store *store, uint64_t from)
{
    store->owed_from = from;
}

int store_drop_cursor(struct store *store, const char *uplink)
{
    assert(store->open_transaction);
    struct sql_query *query = sql_query(store->sql, "DELETE FROM cursor WHERE uplink = ?");
    sql_bind_text(query, 1, uplink);
    int rc = sql_run(query);
    return rc < 0 ? store_failed(store, rc) : 0;
}

int store_reserve(struct store *store, uint64_t settled, uint64_t end)
{
    assert(store->open_transaction && settled <= end);
    struct sql_query *query =
        sql_query(store->sql, "INSERT INTO meta(key, value, sum) VALUES"
                              "('settled', ?1, row_sum('settled', ?1)),"
                              " ('reserved', ?2, row_sum('reserved', ?2)) ON CONFLICT(key)"
                              " DO UPDATE SET value = excluded.value, sum = excluded.sum");
    sql_bind_seq(query, 1, settled);
    sql_bind_seq(query, 2, end);
    int rc = sql_run(query);
    if (rc < 0)
        return store_failed(store, rc);
    if (settled > store->newest_in_transaction.next_seq)
        store->newest_in_transaction.next_seq = settled;
    return 0;
}

static void keep_mark(struct store *store)
{
    struct store_mark *mark = &store->mark;
    memcpy(mark->id, store->id, sizeof(mark->id));
    mark->next_seq = store->newest.next_seq;
    mark->owed_from = store->owed_from;
    store_mark_write(store->files.lock_fd, mark);
}

int store_commit(struct store *store)
{
    assert(store->open_transaction);
    /* asked in here it takes no locks of its own; on failure the old figure stands, and whoever
     * writes next finds out */
    int64_t bytes = store->bytes;
    sql_bytes(store->sql, &bytes);
    int rc = sql_run(sql_query(store->sql, "COMMIT"));
    if (rc < 0)
        return store_failed(store, rc);
    store->open_transaction = false;
    store->newest = store->newest_in_transaction;
    store->undeclared = store->undeclared_before = (struct gap){0};
    store->bytes = bytes;
    keep_mark(store);
    return 0;
}

int store_load_cursor(struct store *store, const char *uplink, struct ranges *ret_owed)
{
    if (store->sql == NULL)
        return -EIO;
    struct sql_query *query = sql_query(store->sql, "SELECT owed FROM cursor WHERE uplink = ?");
    sql_bind_text(query, 1, uplink);
    int rc = sql_step(query);
    if (rc < 0)
        return store_failed(store, rc);
    if (rc == 0)
        return -ENOENT;
    rc = ranges_parse(sql_text(query, 0), ret_owed) == 0 ? 0 : -EUCLEAN;
    sql_end(query);
    return rc;
}

int store_each_cursor(struct store *store, void (*each)(void *context, const char *uplink),
                      void *context)
{
    if (store->sql == NULL)
        return -EIO;
    /* collected first, for `each` may drop cursors */
    struct text names = {0};
    struct sql_query *query = sql_query(store->sql, "SELECT uplink FROM cursor ORDER BY uplink");
    int rc;
    while ((rc = sql_step(query)) == 1)
        text_add_bytes(&names, sql_text(query, 0), strlen(sql_text(query, 0)) + 1);
    for (size_t at = 0; rc == 0 && at < names.length; at += strlen(names.data + at) + 1)
        each(context, names.data + at);
    text_free(&names);
    return rc < 0 ? store_failed(store, rc) : 0;
}

/* The body by itself: where its pages are damaged, the row's numbers are still to be had. */
static int read_body(struct store *store, struct batch *batch)
{
    struct sql_query *query = sql_query(store->sql, "SELECT body FROM batch WHERE first_seq = ?");
    sql_bind_seq(query, 1, batch->first_seq);
    int rc = sql_step(query);
    if (rc == -EUCLEAN || rc == 0)
        return -EBADMSG;
    if (rc < 0)
        return store_failed(store, rc);
    size_t length;
    const void *packed = sql_blob(query, 0, &length);
    rc = body_unpack(store->packer, packed, length, &batch->body, &batch->length);
    sql_end(query);
    return rc;
}

/* A row's count is believed as far as a body can hold as many records, of two bytes at least. */
static bool count_fits(int64_t count, int body_rc, size_t body_length)
{
    if (count < 1 || count > BATCH_MAX_RECORDS)
        return false;
    return body_rc < 0 || (uint64_t)count <= body_length / 2;
}

int store_read(struct store *store, uint64_t from_seq, uint64_t to_seq, struct batch *ret_batch)
{
    if (store->sql == NULL)
        return -EIO;
    struct sql_query *query = sql_query(
        store->sql, "SELECT first_seq, count, boot, sum IS row_sum(first_seq, count, boot)"
                    " FROM batch WHERE first_seq >= coalesce("
                    "(SELECT first_seq FROM batch WHERE first_seq <= ?1"
                    " ORDER BY first_seq DESC LIMIT 1), 0)"
                    " AND first_seq + count > ?1 AND first_seq <= ?2 ORDER BY first_seq LIMIT 1");
    sql_bind_seq(query, 1, from_seq);
    sql_bind_seq(query, 2, to_seq);
    int rc = sql_step(query);
    if (rc < 0)
        return store_failed(store, rc);
    if (rc == 0)
        return -ENOENT;
    int64_t count = sql_int(query, 1);
    struct batch batch = {.first_seq = (uint64_t)sql_int(query, 0),
                          .count = (uint32_t)count,
                          .boot = (uint32_t)sql_int(query, 2)};
    bool sound = sql_int(query, 3) != 0;
    sql_end(query);
    if (!sound)
        return store_failed(store, -EUCLEAN);
    rc = read_body(store, &batch);
    if ((rc == 0 || rc == -EBADMSG) && !count_fits(count, rc, batch.length)) {
        free(batch.body);
        return store_failed(store, -EUCLEAN);
    }
    if (rc == 0 || rc == -EBADMSG)
        *ret_batch = batch;
    return rc;
}

int store_miss(struct store *store, uint64_t seq)
{
    int64_t reserved = 0, oldest = 0;
    if (store->sql == NULL)
        return -EIO;
    int rc = sql_number(sql_query(store->sql, "SELECT value FROM meta WHERE key = 'reserved'"),
                        &reserved);
    if (rc == 0 && seq < (uint64_t)reserved)
        return 0;
    if (rc == 0)
        rc = sql_number(sql_query(store->sql, "SELECT first_seq FROM batch ORDER BY first_seq"
                                              " LIMIT 1"),
                        &oldest);
    if (rc == 0)
        rc = seq < (uint64_t)oldest ? -ENOENT : -EUCLEAN;
    return rc == -ENOENT ? rc : store_failed(store, rc);
}
