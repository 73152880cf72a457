/* Where counters stood, in the store. */
#include <assert.h>
#include <errno.h>

#include "store_inside.h"

enum {
    COLUMN_MACHINE,
    COLUMN_NAME,
    COLUMN_NUMBERS,
    COLUMN_WALL = COLUMN_NUMBERS + STANDING_NUMBERS,
    COLUMN_SYNCED,
    COLUMN_BOOT_MS,
    COLUMN_BOOT,
};

int store_save_standing(struct store *store, const struct standing *standing)
{
    assert(store->open_transaction);
    struct sql_query *query = sql_query(
        store->sql, "INSERT OR REPLACE INTO standing VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7,"
                    " ?8, ?9, ?10, ?11, row_sum(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11))");
    sql_bind_text(query, 1 + COLUMN_MACHINE, standing->machine);
    sql_bind_text(query, 1 + COLUMN_NAME, standing->name);
    for (int i = 0; i < STANDING_NUMBERS; i++)
        sql_bind_int(query, 1 + COLUMN_NUMBERS + i, standing->numbers[i]);
    sql_bind_int(query, 1 + COLUMN_WALL, standing->at.wall_ms);
    sql_bind_int(query, 1 + COLUMN_SYNCED, standing->at.synced);
    sql_bind_int(query, 1 + COLUMN_BOOT_MS, standing->at.boot_ms);
    sql_bind_int(query, 1 + COLUMN_BOOT, standing->boot);
    int rc = sql_run(query);
    return rc < 0 ? store_failed(store, rc) : 0;
}

static void take_row(struct sql_query *query, struct standings *standings)
{
    struct standing *standing =
        standings_add(standings, sql_text(query, COLUMN_MACHINE), sql_text(query, COLUMN_NAME));
    for (int i = 0; i < STANDING_NUMBERS; i++)
        standing->numbers[i] = sql_int(query, COLUMN_NUMBERS + i);
    standing->at = (struct instant){.wall_ms = sql_int(query, COLUMN_WALL),
                                    .synced = sql_int(query, COLUMN_SYNCED) != 0,
                                    .boot_ms = sql_int(query, COLUMN_BOOT_MS)};
    standing->boot = (uint32_t)sql_int(query, COLUMN_BOOT);
}

int store_load_standings(struct store *store, struct standings *standings, uint64_t *ret_seq)
{
    if (store->sql == NULL)
        return -EIO;
    struct sql_query *query =
        sql_query(store->sql, "SELECT machine, name, a, b, c, d, e, wall_ms, synced, boot_ms, boot"
                              " FROM standing");
    int rc;
    while ((rc = sql_step(query)) == 1)
        take_row(query, standings);
    int64_t seq = 0;
    if (rc == 0)
        rc = sql_number(sql_query(store->sql, "SELECT value FROM meta WHERE key = 'standing'"),
                        &seq);
    if (rc < 0 && rc != -ENOENT)
        return store_failed(store, rc);
    *ret_seq = (uint64_t)seq;
    return 0;
}

int store_note_standings(struct store *store, uint64_t seq)
{
    assert(store->open_transaction);
    struct sql_query *query =
        sql_query(store->sql, "INSERT INTO meta(key, value, sum) VALUES('standing', ?1,"
                              " row_sum('standing', ?1)) ON CONFLICT(key)"
                              " DO UPDATE SET value = excluded.value, sum = excluded.sum");
    sql_bind_seq(query, 1, seq);
    int rc = sql_run(query);
    return rc < 0 ? store_failed(store, rc) : 0;
}
