/* What is done before every write: after an error a connection made anew, and a look at the files.
 */
#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "store_inside.h"

/* Whether what make_room dropped is still there, and so will be dropped and declared again. */
static int check_undeclared(struct store *store)
{
    if (store->undeclared.missing == 0)
        return 0;
    int64_t count;
    struct sql_query *query =
        sql_query(store->sql, "SELECT count(*) FROM batch WHERE first_seq <= ?1"
                              " AND first_seq + count > ?1");
    sql_bind_seq(query, 1, store->undeclared.last_seq);
    int rc = sql_number(query, &count);
    if (rc == 0 && count > 0)
        store->undeclared = store->undeclared_before;
    return rc;
}

/* A COMMIT that failed may have reached the disk all the same, and reappear on reconnection. The
 * caller was told that it did not and will come again with those readings, in other batches. */
static int drop_doubtful(struct store *store, uint64_t next_seq)
{
    int rc = check_undeclared(store);
    if (rc < 0 || store->newest.next_seq <= next_seq)
        return rc;
    struct sql_query *query = sql_query(store->sql, "DELETE FROM batch WHERE first_seq >= ?");
    sql_bind_seq(query, 1, next_seq);
    rc = sql_run(query);
    return rc == 0 ? store_load_newest(store) : rc;
}

/* Whether what was committed is there: the newest batch, since the log is read in order. And all of
 * it is written once more, out of the log: what could not be synced there is in the system's cache
 * and nowhere else, and whatever would be appended behind it could not be read after a power cut.
 */
static int verify(struct store *store, uint64_t first_seq)
{
    struct batch batch = {0};
    int64_t busy;
    int rc = store->newest.first_seq == first_seq ? 0 : -EUCLEAN;
    if (rc == 0 && first_seq > 0)
        rc = store_read(store, first_seq, first_seq, &batch);
    free(batch.body);
    if (rc == 0)
        rc = sql_number(sql_query(store->sql, "PRAGMA wal_checkpoint(TRUNCATE)"), &busy);
    if (rc == 0 && busy != 0)
        rc = -EBUSY;
    return rc == -ENOENT || rc == -EBADMSG ? -EUCLEAN : rc;
}

static int store_reconnect(struct store *store)
{
    struct store_newest newest = store->newest;
    if (store->sql != NULL && store_files_check(&store->files) == -ESTALE)
        return -ESTALE;
    store_disconnect(store);
    int rc = store_connect(store);
    if (rc == 0) {
        rc = drop_doubtful(store, newest.next_seq);
        if (rc == 0)
            rc = verify(store, newest.first_seq);
        if (rc < 0)
            store_disconnect(store);
    }
    store->reconnect = rc < 0;
    store->damaged = rc == -EUCLEAN;
    if (store->damaged)
        store_files_suspect(&store->files);
    /* reserved numbers are above those of the newest batch */
    store->newest = newest;
    return rc;
}

int store_ready(struct store *store)
{
    int64_t now_ns = clock_mono_ns();
    if (store->damaged || store->between)
        return -EUCLEAN;
    if (store->reconnect)
        return store_reconnect(store);
    if (now_ns < store->check_at_ns)
        return 0;
    int rc = store_files_check(&store->files);
    if (rc == -EUCLEAN) {
        store->damaged = true;
        store_files_suspect(&store->files);
    } else if (rc == 0) {
        store->check_at_ns = now_ns + NS_PER_S;
        if (store_files_keep_reserve(&store->files, now_ns))
            rc = store_limit(store);
    }
    return rc;
}
