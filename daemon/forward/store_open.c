/* Opening: the database sound and ours, or a new one in its place. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "clock.h"
#include "memory.h"
#include "store_inside.h"

/* max_size is what store_make_room keeps to; the database's own limit, that far above it, only
 * stops what nobody keeps in check. */
enum { HARD_LIMIT_SLACK = 64 << 20 };

/* A sound database that is somebody else's, or another version's, is left alone. But what once was
 * a store and is none with the log that lies there has lost its own log. */
static int check_version(struct store *store)
{
    static const char tables[] = "SELECT count(*) FROM sqlite_schema WHERE name IN"
                                 " ('meta', 'batch', 'cursor', 'source', 'boot')";
    int64_t count, version;
    int rc = sql_number(sql_query(store->sql, "SELECT count(*) FROM sqlite_schema"), &count);
    if (rc < 0)
        return rc;
    if (count == 0) {
        rc = store->own ? -EUCLEAN : store_create(store);
        if (rc < 0)
            return rc;
    }
    rc = sql_number(sql_query(store->sql, tables), &count);
    if (rc == 0 && count == 0)
        rc = store->own ? -EUCLEAN : -EPROTONOSUPPORT;
    if (rc == 0)
        rc = sql_number(sql_query(store->sql, "SELECT value FROM meta WHERE key = 'schema'"),
                        &version);
    if (rc == 0 && version != STORE_SCHEMA_VERSION)
        rc = version > 0 ? -EPROTONOSUPPORT : -EUCLEAN;
    return rc;
}

static int load_id(struct store *store)
{
    struct sql_query *query = sql_query(store->sql, "SELECT value FROM meta WHERE key = 'store'");
    int rc = sql_step(query);
    if (rc < 0)
        return rc;
    const char *id = rc == 1 ? sql_text(query, 0) : "";
    if (strlen(id) != STORE_ID_DIGITS)
        rc = -EUCLEAN;
    else if (store->id[0] != '\0' && strcmp(store->id, id) != 0)
        rc = -ESTALE;
    else
        rc = 0;
    if (rc == 0)
        memcpy(store->id, id, STORE_ID_DIGITS + 1);
    sql_end(query);
    return rc;
}

int store_load_meta(struct store *store, const char *key, uint64_t *ret_number)
{
    int64_t number = 0;
    struct sql_query *query = sql_query(store->sql, "SELECT value FROM meta WHERE key = ?");
    sql_bind_text(query, 1, key);
    int rc = sql_number(query, &number);
    if (rc < 0 && rc != -ENOENT)
        return rc;
    *ret_number = number > 0 ? (uint64_t)number : 0;
    return 0;
}

int store_load_newest(struct store *store)
{
    uint64_t settled;
    int rc = store_load_meta(store, "settled", &settled);
    if (rc < 0)
        return rc;
    struct sql_query *query = sql_query(
        store->sql, "SELECT first_seq, count, age_ms, sum IS row_sum(first_seq, count, boot)"
                    " FROM batch ORDER BY first_seq DESC LIMIT 1");
    rc = sql_step(query);
    if (rc < 0)
        return rc;
    store->newest = (struct store_newest){0, 1};
    bool sound = rc == 0 || sql_int(query, 3) != 0;
    if (rc == 1) {
        store->newest.first_seq = (uint64_t)sql_int(query, 0);
        store->newest.next_seq = store->newest.first_seq + (uint64_t)sql_int(query, 1);
        if (store_age_ms(store) < sql_int(query, 2))
            store->age_base_ms += sql_int(query, 2) - store_age_ms(store);
    }
    sql_end(query);
    if (settled > store->newest.next_seq)
        store->newest.next_seq = settled;
    return sound ? 0 : -EUCLEAN;
}

static int load_sources(struct store *store)
{
    struct sql_query *query =
        sql_query(store->sql, "SELECT id, machine, tags FROM source ORDER BY id");
    int rc;
    while ((rc = sql_step(query)) == 1)
        catalog_add(&store->catalog, (uint32_t)sql_int(query, 0), sql_text(query, 1),
                    sql_text(query, 2));
    return rc;
}

static int load_boots(struct store *store)
{
    struct sql_query *query =
        sql_query(store->sql, "SELECT id, boot_id, offset_ms FROM boot ORDER BY id");
    int rc;
    while ((rc = sql_step(query)) == 1)
        store_add_boot(store, (uint32_t)sql_int(query, 0), sql_text(query, 1),
                       !sql_is_null(query, 2), sql_int(query, 2));
    return rc;
}

int store_limit(struct store *store)
{
    int64_t max_pages =
        store->files.reserve ? (store->max_size + HARD_LIMIT_SLACK) / SQL_PAGE_BYTES : 1;
    return sql_limit(store->sql, max_pages, store_files_checkpoint_pages(&store->files));
}

int store_connect(struct store *store)
{
    int rc = sql_open(store->files.path, &store->sql);
    if (rc < 0)
        return rc;
    rc = check_version(store);
    if (rc == 0)
        rc = load_id(store);
    if (rc == 0)
        rc = store_check_tables(store);
    if (rc == 0)
        rc = load_sources(store);
    if (rc == 0)
        rc = load_boots(store);
    if (rc == 0)
        rc = sql_bytes(store->sql, &store->bytes);
    if (rc == 0)
        rc = store_files_note(&store->files);
    if (rc == 0) {
        store_files_keep_reserve(&store->files, clock_mono_ns());
        rc = store_limit(store);
    }
    /* tables or rows that are not there were there once */
    if (rc == -EINVAL || rc == -ENOENT)
        rc = -EUCLEAN;
    if (rc == -EUCLEAN || rc == -EPROTONOSUPPORT) {
        /* as it is: a log that does not belong there must not get into the database */
        sql_leave(store->sql);
        store->sql = NULL;
    }
    if (rc < 0)
        store_disconnect(store);
    return rc;
}

void store_disconnect(struct store *store)
{
    sql_close(store->sql);
    store->sql = NULL;
    store_files_forget(&store->files);
}

/* What is loaded from a database that is then set aside must not be taken for the new one's. */
static void store_forget(struct store *store)
{
    catalog_free(&store->catalog);
    for (size_t i = 0; i < store->boot_count; i++)
        free(store->boots[i].boot_id);
    free(store->boots);
    store->boots = NULL;
    store->boot_count = 0;
    store->id[0] = '\0';
    store->own = false;
    store->owed_from = 0;
    store->age_base_ms = 0;
}

/* Before anything is written: to switch somebody else's database to a log is a change as well. What
 * can't be read here shows when it is connected. */
static int look(struct store *store)
{
    static const char tables[] =
        "SELECT sum(name IN ('meta', 'batch', 'cursor', 'source', 'boot')) FROM sqlite_schema"
        " HAVING count(*) > 0";
    int64_t own_tables = 0;
    if (store_files_are_suspect(&store->files))
        return -EUCLEAN;
    int rc = store_files_look(&store->files);
    if (rc < 0)
        return rc;
    int peeked = sql_peek(store->files.path, tables, &own_tables);
    if (peeked == 0 && own_tables == 0)
        return -EPROTONOSUPPORT;
    /* the reserve is made once there are tables: they may be in the log only */
    store->own = peeked == 0 || (peeked == -ENOENT && store->files.reserve);
    return 0;
}

/* A file without rights that is ours gets them back; one of somebody else's is set aside. */
static int connect(struct store *store)
{
    int rc = look(store);
    if (rc == 0)
        rc = store_connect_with_reserve(store);
    if (rc == -EACCES && chmod(store->files.path, 0640) == 0)
        rc = store_connect_with_reserve(store);
    return rc == -EACCES || rc == -EISDIR ? -EUCLEAN : rc;
}

static int connect_or_replace(struct store *store, struct store_opened *opened)
{
    int rc = connect(store);
    if (rc != -EUCLEAN)
        return rc;
    store_forget(store);
    rc = store_replace(store);
    /* what an earlier run had begun in its place, and was cut off at */
    if (rc == -EUCLEAN)
        rc = store_replace(store);
    snprintf(opened->set_aside, sizeof(opened->set_aside), "%s",
             store->wreck_name != NULL ? store->wreck_name : "");
    return rc;
}

/* Numbers may be out in the world that were reserved and then never committed. */
static int find_unclean(struct store *store, struct gap *ret_gap)
{
    uint64_t reserved, next_seq = store->newest.next_seq;
    int rc = store_load_meta(store, "reserved", &reserved);
    if (rc < 0 || reserved <= next_seq)
        return rc;
    *ret_gap = (struct gap){.why = GAP_UNCLEAN_STOP,
                            .first_seq = next_seq,
                            .last_seq = reserved - 1,
                            .missing = reserved - next_seq};
    store->newest.next_seq = reserved;
    return 0;
}

int store_open(const struct store_settings *settings, struct store **ret_store,
               struct store_opened *ret_opened)
{
    struct store *store = mem_alloc(sizeof(*store));
    struct store_opened opened = {0};
    int rc = store_files_lock(&store->files, settings->path);
    if (rc < 0) {
        free(store);
        return rc;
    }
    store->max_size = settings->max_size;
    store->replay_window_ms = settings->replay_window_ms;
    store->opened_ns = clock_mono_ns();
    store->left_database_fd = store->left_wal_fd = -1;
    store->packer = body_packer_new();
    store->mark = store_mark_read(store->files.lock_fd);
    rc = connect_or_replace(store, &opened);
    if (rc == 0 && strcmp(store->mark.id, store->id) == 0)
        store->owed_from = store->mark.owed_from;
    if (rc == 0)
        rc = find_unclean(store, &opened.unclean);
    if (rc < 0) {
        store_disconnect(store);
        store_files_drop_empty(&store->files);
        store_close(store);
        return rc;
    }
    *ret_store = store;
    *ret_opened = opened;
    return 0;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    bool stale = store->sql != NULL && store_files_check(&store->files) == -ESTALE;
    store_disconnect(store);
    if (stale)
        store_files_drop_wal(&store->files);
    store_files_unlock(&store->files);
    store_forget(store);
    store_forget_left(store);
    body_packer_free(store->packer);
    text_free(&store->packed);
    text_free(&store->scratch);
    free(store);
}
