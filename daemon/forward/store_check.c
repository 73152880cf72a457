/* Whether an opened database is sound. */
#include <errno.h>
#include <string.h>

#include "store_inside.h"

/* What is checked whole at every start: as long as all uplinks take what they are owed, a store is
 * smaller. */
enum { CHECK_BYTES = 32 << 20 };

/* Whether each row of a table is as it was written: `literal` counts those that are not. */
static int check_rows(struct store *store, const char *literal)
{
    int64_t wrong;
    int rc = sql_number(sql_query(store->sql, literal), &wrong);
    return rc == 0 && wrong > 0 ? -EUCLEAN : rc;
}

#define WRONG_ROWS(table, values) \
    "SELECT count(*) FROM " table " WHERE sum IS NOT row_sum(" values ")"

static int check_all_rows(struct store *store)
{
    int rc = check_rows(store, WRONG_ROWS("meta", "key, value"));
    if (rc == 0)
        rc = check_rows(store, WRONG_ROWS("cursor", "uplink, owed"));
    if (rc == 0)
        rc = check_rows(store, WRONG_ROWS("source", "id, machine, tags"));
    if (rc == 0)
        rc = check_rows(store, WRONG_ROWS("boot", "id, boot_id, offset_ms"));
    if (rc == 0)
        rc = check_rows(store, WRONG_ROWS("standing", "machine, name, numbers, wall_ms, synced,"
                                                      " boot_ms, boot"));
    return rc;
}

/* Whether a table's pages make sense as far as their bytes do. */
static int check_pages(struct store *store, const char *literal)
{
    struct sql_query *query = sql_query(store->sql, literal);
    int rc = sql_step(query);
    if (rc == 1)
        rc = strcmp(sql_text(query, 0), "ok") == 0 ? 0 : -EUCLEAN;
    sql_end(query);
    return rc;
}

static int check_structure(struct store *store)
{
    int rc = check_pages(store, "PRAGMA integrity_check(meta)");
    if (rc == 0)
        rc = check_pages(store, "PRAGMA integrity_check(cursor)");
    if (rc == 0)
        rc = check_pages(store, "PRAGMA integrity_check(source)");
    if (rc == 0)
        rc = check_pages(store, "PRAGMA integrity_check(boot)");
    if (rc == 0)
        rc = check_pages(store, "PRAGMA integrity_check(standing)");
    int64_t bytes = 0;
    if (rc == 0)
        rc = check_all_rows(store);
    if (rc == 0)
        rc = sql_bytes(store->sql, &bytes);
    if (rc == 0 && bytes <= CHECK_BYTES)
        rc = check_pages(store, "PRAGMA integrity_check(batch)");
    if (rc == 0 && bytes <= CHECK_BYTES)
        rc = check_rows(store, WRONG_ROWS("batch", "first_seq, count, boot"));
    return rc;
}

/* No uplink has taken, or is owed for sure, what has no number yet. */
static bool is_cursor(const char *text, uint64_t end)
{
    struct ranges owed = {0};
    bool fits = ranges_parse(text, &owed) == 0;
    if (fits && owed.count > 0) {
        const struct range *range = &owed.items[owed.count - 1];
        fits = (range->last == SEQ_END ? range->first : range->last + 1) <= end;
    }
    ranges_free(&owed);
    return fits;
}

static int check_cursors(struct store *store, uint64_t end)
{
    int rc = 0;
    struct sql_query *query = sql_query(store->sql, "SELECT owed FROM cursor");
    while (rc == 0 && (rc = sql_step(query)) == 1)
        rc = is_cursor(sql_text(query, 0), end) ? 0 : -EUCLEAN;
    sql_end(query);
    return rc;
}

/* Whether all is there that once was, and no uplink has taken more than that. */
static int check_numbers(struct store *store)
{
    uint64_t end;
    int rc = store_load_meta(store, "reserved", &end);
    if (rc < 0)
        return rc;
    if (end < store->newest.next_seq)
        end = store->newest.next_seq;
    if (strcmp(store->mark.id, store->id) == 0 && end < store->mark.next_seq)
        return -EUCLEAN;
    return check_cursors(store, end);
}

/* A full check would read gigabytes: of a store that is as large as that damage among its batches
 * shows when it is read. */
int store_check_tables(struct store *store)
{
    int64_t number;
    int rc = check_structure(store);
    if (rc == 0)
        rc = sql_number(sql_query(store->sql, "SELECT first_seq FROM batch LIMIT 1"), &number);
    if (rc == -ENOENT)
        rc = 0;
    if (rc == 0)
        rc = store_load_newest(store);
    return rc == 0 ? check_numbers(store) : rc;
}
