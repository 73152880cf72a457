/* Opening: the database sound and ours, or a new one in its place. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "clock.h"
#include "memory.h"
#include "store_inside.h"

enum { SCHEMA_VERSION = 1 };

/* max_size is what store_make_room keeps to; the database's own limit, that far above it, only
 * stops what nobody keeps in check. */
enum { HARD_LIMIT_SLACK = 64 << 20 };

static const char schema[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value);"
    "CREATE TABLE batch(first_seq INTEGER PRIMARY KEY, count INTEGER NOT NULL,"
    " boot INTEGER NOT NULL, age_ms INTEGER NOT NULL, body BLOB NOT NULL);"
    "CREATE TABLE cursor(uplink TEXT PRIMARY KEY, owed TEXT NOT NULL);"
    "CREATE TABLE source(id INTEGER PRIMARY KEY, machine TEXT NOT NULL, tags TEXT NOT NULL,"
    " UNIQUE(machine, tags));"
    "CREATE TABLE boot(id INTEGER PRIMARY KEY, boot_id TEXT NOT NULL UNIQUE, offset_ms INTEGER);";

static int make_id(char id[STORE_ID_DIGITS + 1])
{
    uint8_t random[STORE_ID_DIGITS / 2];
    if (getrandom(random, sizeof(random), 0) != sizeof(random))
        return -EIO;
    for (size_t i = 0; i < sizeof(random); i++)
        snprintf(id + 2 * i, 3, "%02x", random[i]);
    return 0;
}

static int create_schema(struct store *store)
{
    char id[STORE_ID_DIGITS + 1];
    int rc = make_id(id);
    if (rc == 0)
        rc = sql_exec(store->sql, "BEGIN IMMEDIATE");
    if (rc == 0)
        rc = sql_exec(store->sql, schema);
    if (rc < 0)
        return rc;
    struct sql_query *query =
        sql_query(store->sql, "INSERT INTO meta(key, value) VALUES('schema', ?), ('store', ?),"
                              " ('settled', 0), ('reserved', 0)");
    sql_bind_int(query, 1, SCHEMA_VERSION);
    sql_bind_text(query, 2, id);
    rc = sql_run(query);
    if (rc == 0)
        rc = sql_exec(store->sql, "COMMIT");
    return rc == 0 ? store_files_sync_folder(&store->files) : rc;
}

/* A sound database that is somebody else's, or a later version's, is left alone. */
static int check_version(struct store *store)
{
    int64_t count;
    int64_t version;
    int rc = sql_number(sql_query(store->sql, "SELECT count(*) FROM sqlite_schema"), &count);
    if (rc < 0)
        return rc;
    if (count == 0) {
        rc = create_schema(store);
        if (rc < 0)
            return rc;
    }
    rc = sql_number(sql_query(store->sql, "SELECT count(*) FROM sqlite_schema WHERE name = 'meta'"),
                    &count);
    if (rc == 0 && count == 0)
        rc = -EPROTONOSUPPORT;
    if (rc == 0)
        rc = sql_number(sql_query(store->sql, "SELECT value FROM meta WHERE key = 'schema'"),
                        &version);
    if (rc == 0 && version != SCHEMA_VERSION)
        rc = version > SCHEMA_VERSION ? -EPROTONOSUPPORT : -EUCLEAN;
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

/* A number that stands in meta; 0 without. */
static int load_meta(struct store *store, const char *key, uint64_t *ret_number)
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
    int rc = load_meta(store, "settled", &settled);
    if (rc < 0)
        return rc;
    struct sql_query *query =
        sql_query(store->sql, "SELECT first_seq, count, age_ms, body FROM batch"
                              " ORDER BY first_seq DESC LIMIT 1");
    rc = sql_step(query);
    if (rc < 0)
        return rc;
    store->newest = (struct store_newest){0, 1};
    if (rc == 1) {
        store->newest.first_seq = (uint64_t)sql_int(query, 0);
        store->newest.next_seq = store->newest.first_seq + (uint64_t)sql_int(query, 1);
        if (store_age_ms(store) < sql_int(query, 2))
            store->age_base_ms += sql_int(query, 2) - store_age_ms(store);
    }
    sql_end(query);
    if (settled > store->newest.next_seq)
        store->newest.next_seq = settled;
    return 0;
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

void store_add_boot(struct store *store, uint32_t id, const char *boot_id, bool offset_known,
                    int64_t offset_ms)
{
    for (size_t i = 0; i < store->boot_count; i++) {
        if (store->boots[i].id == id)
            return;
    }
    store->boots = mem_resize(store->boots, (store->boot_count + 1) * sizeof(*store->boots));
    store->boots[store->boot_count++] =
        (struct store_boot){id, mem_string(boot_id), offset_known, offset_ms};
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

/* A full check would read gigabytes. Every table is touched, the newest batch read whole; damage
 * further back shows when it is read, and costs that batch alone. */
static int check_tables(struct store *store)
{
    int64_t number;
    int rc = sql_number(sql_query(store->sql, "SELECT count(owed) FROM cursor"), &number);
    if (rc == 0)
        rc = sql_number(sql_query(store->sql, "SELECT first_seq FROM batch LIMIT 1"), &number);
    if (rc == -ENOENT)
        rc = 0;
    if (rc == 0)
        rc = store_load_newest(store);
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
        rc = check_tables(store);
    if (rc == 0)
        rc = load_sources(store);
    if (rc == 0)
        rc = load_boots(store);
    if (rc == 0)
        rc = sql_bytes(store->sql, &store->bytes);
    if (rc == 0)
        rc = store_files_note(&store->files);
    store_files_keep_reserve(&store->files, clock_mono_ns());
    if (rc == 0)
        rc = store_limit(store);
    if (rc < 0)
        store_disconnect(store);
    /* tables or rows that are not there were there once */
    return rc == -EINVAL || rc == -ENOENT ? -EUCLEAN : rc;
}

void store_disconnect(struct store *store)
{
    sql_close(store->sql);
    store->sql = NULL;
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
    store->age_base_ms = 0;
}

static int connect_or_replace(struct store *store, struct store_opened *opened)
{
    int rc = store_files_are_suspect(&store->files) ? -EUCLEAN : store_connect(store);
    if (rc == -ENOSPC && store->files.reserve) {
        store_files_release_reserve(&store->files);
        rc = store_connect(store);
    }
    if (rc != -EUCLEAN)
        return rc;
    store_forget(store);
    rc = store_files_set_aside(&store->files, opened->set_aside, sizeof(opened->set_aside));
    return rc < 0 ? rc : store_connect(store);
}

/* Numbers may be out in the world that were reserved and then never committed. */
static int find_unclean(struct store *store, struct gap *ret_gap)
{
    uint64_t reserved, next_seq = store->newest.next_seq;
    int rc = load_meta(store, "reserved", &reserved);
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
    store->packer = body_packer_new();
    rc = connect_or_replace(store, &opened);
    if (rc == 0)
        rc = find_unclean(store, &opened.unclean);
    if (rc < 0) {
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
    body_packer_free(store->packer);
    text_free(&store->packed);
    text_free(&store->scratch);
    free(store);
}

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

static int store_reconnect(struct store *store)
{
    uint64_t next_seq = store->newest.next_seq;
    if (store->sql != NULL && store_files_check(&store->files) == -ESTALE)
        return -ESTALE;
    store_disconnect(store);
    int rc = store_connect(store);
    if (rc == 0) {
        rc = drop_doubtful(store, next_seq);
        if (rc < 0)
            store_disconnect(store);
    }
    store->reconnect = rc < 0;
    store->damaged = rc == -EUCLEAN;
    /* reserved numbers are above those of the newest batch */
    store->newest.next_seq = next_seq;
    return rc;
}

int store_ready(struct store *store)
{
    int64_t now_ns = clock_mono_ns();
    if (store->damaged)
        return -EUCLEAN;
    if (store->reconnect)
        return store_reconnect(store);
    if (now_ns < store->check_at_ns)
        return 0;
    int rc = store_files_check(&store->files);
    if (rc == 0) {
        store->check_at_ns = now_ns + NS_PER_S;
        if (store_files_keep_reserve(&store->files, now_ns))
            rc = store_limit(store);
    }
    return rc;
}
