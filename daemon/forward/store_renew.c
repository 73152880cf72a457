/* Another database in the place of one that is deleted or damaged, and what is left of that. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "clock.h"
#include "memory.h"
#include "store_inside.h"
#include "wreck.h"

int store_connect_with_reserve(struct store *store)
{
    int rc = store_connect(store);
    if (rc == -ENOSPC && store->files.reserve) {
        store_files_release_reserve(&store->files);
        rc = store_connect(store);
    }
    return rc;
}

int store_replace(struct store *store)
{
    char name[sizeof(((struct store_opened *)0)->set_aside)];
    int rc = store_files_set_aside(&store->files, name, sizeof(name));
    if (rc == -ENOSPC && store->files.reserve) {
        store_files_release_reserve(&store->files);
        rc = store_files_set_aside(&store->files, name, sizeof(name));
    }
    if (rc < 0)
        return rc;
    /* where the second attempt sets aside what the first one had begun, that is no wreck */
    if (store->wreck_name == NULL)
        store->wreck_name = mem_string(name);
    rc = store_connect_with_reserve(store);
    if (rc == 0 || rc == -EUCLEAN)
        store_files_settle(&store->files);
    return rc;
}

/* --- at work --- */

void store_forget_left(struct store *store)
{
    if (store->left_database_fd >= 0)
        close(store->left_database_fd);
    if (store->left_wal_fd >= 0)
        close(store->left_wal_fd);
    store->left_database_fd = store->left_wal_fd = -1;
    free(store->wreck_name);
    store->wreck_name = NULL;
}

static void leave(struct store *store)
{
    struct store_files *files = &store->files;
    store_forget_left(store);
    store->left_database_fd = files->database.fd;
    store->left_wal_fd = files->wal.fd;
    files->database.fd = files->wal.fd = -1;
    sql_leave(store->sql);
    store->sql = NULL;
    store->id[0] = '\0';
    store->own = false;
    store->newest = (struct store_newest){0, 1};
    store->owed_from = 0;
    store->undeclared = store->undeclared_before = (struct gap){0};
    store->age_base_ms = store->check_at_ns = store->bytes = 0;
    store->opened_ns = clock_mono_ns();
    store->reconnect = store->damaged = store->disk_full = false;
    store->between = true;
}

int store_renew(struct store *store, const char *salvage)
{
    if (!store->between)
        leave(store);
    store->salvage = salvage;
    int rc = store_replace(store);
    store->salvage = NULL;
    store->between = rc < 0;
    return rc;
}

/* --- what the new database is told of the one before --- */

static int add_meta(struct store *store, const char *key, const char *value)
{
    struct sql_query *query =
        sql_query(store->sql, "INSERT INTO meta(key, value, sum) VALUES(?1, ?2, row_sum(?1, ?2))"
                              " ON CONFLICT(key) DO UPDATE"
                              " SET value = excluded.value, sum = excluded.sum");
    sql_bind_text(query, 1, key);
    sql_bind_text(query, 2, value);
    return sql_run(query);
}

/* At opening nobody knows more of it than its mark tells. */
static int add_mark(struct store *store)
{
    char text[STORE_MARK_BYTES + 1];
    if (store->salvage != NULL || store->mark.id[0] == '\0')
        return 0;
    store_mark_to_text(&store->mark, text);
    return add_meta(store, "mark", text);
}

static int hand_down(struct store *store)
{
    int rc = 0;
    if (store->wreck_name != NULL)
        rc = add_meta(store, "wreck", store->wreck_name);
    if (rc == 0 && store->wreck_name != NULL)
        rc = add_mark(store);
    if (rc == 0 && store->salvage != NULL)
        rc = add_meta(store, "salvage", store->salvage);
    for (size_t i = 0; rc == 0 && i < store->catalog.count; i++)
        rc = store_keep_source(store, &store->catalog.items[i]);
    for (size_t i = 0; rc == 0 && i < store->boot_count; i++)
        rc = store_keep_boot(store, &store->boots[i]);
    return rc;
}

/* --- the new database --- */

static const char schema[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value, sum INTEGER NOT NULL);"
    "CREATE TABLE batch(first_seq INTEGER PRIMARY KEY, count INTEGER NOT NULL,"
    " boot INTEGER NOT NULL, age_ms INTEGER NOT NULL, sum INTEGER NOT NULL, body BLOB NOT NULL);"
    "CREATE TABLE standing(machine TEXT NOT NULL, name TEXT NOT NULL, numbers TEXT NOT NULL,"
    " wall_ms INTEGER NOT NULL, synced INTEGER NOT NULL, boot_ms INTEGER NOT NULL, boot INTEGER "
    "NOT NULL,"
    " sum INTEGER NOT NULL, PRIMARY KEY(machine, name)) WITHOUT ROWID;"
    "CREATE TABLE cursor(uplink TEXT PRIMARY KEY, owed TEXT NOT NULL, sum INTEGER NOT NULL);"
    "CREATE TABLE source(id INTEGER PRIMARY KEY, machine TEXT NOT NULL, tags TEXT NOT NULL,"
    " sum INTEGER NOT NULL, UNIQUE(machine, tags));"
    "CREATE TABLE boot(id INTEGER PRIMARY KEY, boot_id TEXT NOT NULL UNIQUE, offset_ms INTEGER,"
    " sum INTEGER NOT NULL);";

static int make_id(char id[STORE_ID_DIGITS + 1])
{
    uint8_t random[STORE_ID_DIGITS / 2];
    if (getrandom(random, sizeof(random), 0) != sizeof(random))
        return -EIO;
    for (size_t i = 0; i < sizeof(random); i++)
        snprintf(id + 2 * i, 3, "%02x", random[i]);
    return 0;
}

int store_create(struct store *store)
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
        sql_query(store->sql, "INSERT INTO meta(key, value, sum) SELECT column1, column2,"
                              " row_sum(column1, column2) FROM (VALUES('schema', ?), ('store', ?),"
                              " ('settled', 0), ('reserved', 0))");
    sql_bind_int(query, 1, STORE_SCHEMA_VERSION);
    sql_bind_text(query, 2, id);
    rc = sql_run(query);
    if (rc == 0)
        rc = hand_down(store);
    if (rc == 0)
        rc = sql_exec(store->sql, "COMMIT");
    return rc == 0 ? store_files_sync_folder(&store->files) : rc;
}

/* --- salvage --- */

int store_save_salvage(struct store *store, const char *salvage)
{
    int rc = salvage != NULL
                 ? add_meta(store, "salvage", salvage)
                 : sql_run(sql_query(store->sql,
                                     "DELETE FROM meta WHERE key IN ('wreck', 'salvage', 'mark')"));
    return rc < 0 ? store_failed(store, rc) : 0;
}

/* Appends to out; -ENOENT where there is no such key. */
static int load_meta_text(struct store *store, const char *key, struct text *out)
{
    struct sql_query *query = sql_query(store->sql, "SELECT value FROM meta WHERE key = ?");
    sql_bind_text(query, 1, key);
    int rc = sql_step(query);
    if (rc == 1)
        text_add(out, sql_text(query, 0));
    sql_end(query);
    return rc == 0 ? -ENOENT : rc < 0 ? rc : 0;
}

static struct wreck *open_wreck(struct store *store, const char *name)
{
    int database_fd = store->left_database_fd, wal_fd = store->left_wal_fd;
    char log[sizeof(((struct store_opened *)0)->set_aside) + sizeof("-wal")];
    store->left_database_fd = store->left_wal_fd = -1;
    snprintf(log, sizeof(log), "%s-wal", name);
    if (database_fd < 0 && wal_fd < 0) {
        /* a pipe, too, may have been in the store's place */
        database_fd = open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        wal_fd = open(log, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    }
    return wreck_new(database_fd, wal_fd);
}

int store_open_wreck(struct store *store, struct wreck **ret_wreck, struct store_mark *ret_mark,
                     struct text *ret_salvage)
{
    struct text name = {0}, mark = {0};
    if (store->sql == NULL)
        return -EIO;
    int rc = load_meta_text(store, "wreck", &name);
    if (rc == 0) {
        rc = load_meta_text(store, "salvage", ret_salvage);
        rc = rc == -ENOENT ? 0 : rc;
    }
    if (rc == 0) {
        rc = load_meta_text(store, "mark", &mark);
        rc = rc == -ENOENT ? 0 : rc;
    }
    if (rc == 0) {
        *ret_mark = store_mark_parse(mark.data, mark.length);
        free(store->wreck_name);
        store->wreck_name = mem_string(name.data);
        *ret_wreck = open_wreck(store, store->wreck_name);
    }
    text_free(&name);
    text_free(&mark);
    return rc;
}

const char *store_wreck_name(const struct store *store)
{
    return store->wreck_name != NULL && access(store->wreck_name, F_OK) == 0 ? store->wreck_name
                                                                             : "";
}
