/* Where counters and states stood, in the store. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store_inside.h"

enum {
    COLUMN_MACHINE,
    COLUMN_NAME,
    COLUMN_NUMBERS,
    COLUMN_WALL,
    COLUMN_SYNCED,
    COLUMN_BOOT_MS,
    COLUMN_BOOT,
};

int store_save_standing(struct store *store, const struct standing *standing)
{
    assert(store->open_transaction);
    text_clear(&store->scratch);
    for (size_t i = 0; i < standing->count; i++)
        text_addf(&store->scratch, i > 0 ? " %lld" : "%lld", (long long)standing->numbers[i]);
    struct sql_query *query =
        sql_query(store->sql, "INSERT OR REPLACE INTO standing VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7,"
                              " row_sum(?1, ?2, ?3, ?4, ?5, ?6, ?7))");
    sql_bind_text(query, 1 + COLUMN_MACHINE, standing->machine);
    sql_bind_text(query, 1 + COLUMN_NAME, standing->name);
    sql_bind_text(query, 1 + COLUMN_NUMBERS, store->scratch.data);
    sql_bind_int(query, 1 + COLUMN_WALL, standing->at.wall_ms);
    sql_bind_int(query, 1 + COLUMN_SYNCED, standing->at.synced);
    sql_bind_int(query, 1 + COLUMN_BOOT_MS, standing->at.boot_ms);
    sql_bind_int(query, 1 + COLUMN_BOOT, standing->boot);
    int rc = sql_run(query);
    return rc < 0 ? store_failed(store, rc) : 0;
}

/* Returns how many there are, at most STANDING_MOST_NUMBERS. */
static size_t parse_numbers(const char *text, int64_t numbers[STANDING_MOST_NUMBERS])
{
    size_t count = 0;
    while (count < STANDING_MOST_NUMBERS && *text != '\0') {
        char *end;
        numbers[count] = strtoll(text, &end, 10);
        if (end == text)
            break;
        count++;
        text = end;
    }
    return count;
}

static void take_row(struct sql_query *query, struct standings *standings)
{
    int64_t numbers[STANDING_MOST_NUMBERS];
    size_t count = parse_numbers(sql_text(query, COLUMN_NUMBERS), numbers);
    struct standing *standing = standings_add(standings, sql_text(query, COLUMN_MACHINE),
                                              sql_text(query, COLUMN_NAME), count);
    if (count > 0)
        memcpy(standing->numbers, numbers, count * sizeof(*numbers));
    standing->at = (struct instant){.wall_ms = sql_int(query, COLUMN_WALL),
                                    .synced = sql_int(query, COLUMN_SYNCED) != 0,
                                    .boot_ms = sql_int(query, COLUMN_BOOT_MS)};
    standing->boot = (uint32_t)sql_int(query, COLUMN_BOOT);
    standing->told = true;
}

int store_load_standings(struct store *store, struct standings *standings, uint64_t *ret_seq)
{
    if (store->sql == NULL)
        return -EIO;
    struct sql_query *query =
        sql_query(store->sql, "SELECT machine, name, numbers, wall_ms, synced, boot_ms, boot"
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
