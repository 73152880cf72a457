/* The store from within: what the files store*.c share. */
#ifndef BINDERY_STORE_INSIDE_H
#define BINDERY_STORE_INSIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "body.h"
#include "catalog.h"
#include "sql.h"
#include "store.h"
#include "store_files.h"
#include "store_mark.h"
#include "text.h"

enum { STORE_SCHEMA_VERSION = 3 };

struct store_boot {
    uint32_t id;
    char *boot_id;
    bool offset_known;
    int64_t offset_ms;
};

/* What the newest batch says, and so what a transaction changes and a rollback restores. */
struct store_newest {
    uint64_t first_seq; /* of the newest batch; 0 without one */
    uint64_t next_seq;
};

struct store {
    struct sql *sql; /* NULL after a reconnection that failed */
    struct store_files files;
    char id[STORE_ID_DIGITS + 1];
    struct store_mark mark; /* as it stands on disk; until the first commit of another store's */
    uint64_t owed_from;     /* for the next mark */
    int64_t max_size, replay_window_ms;
    int64_t age_base_ms, opened_ns; /* the store's running time, see store_age_ms */
    int64_t check_at_ns;            /* when to look at the files again */
    int64_t bytes;                  /* in use at the last commit */
    bool own;                       /* what opening found was a store once, whatever its log says */
    bool open_transaction;
    bool reconnect; /* after an error the connection is no longer trusted */
    bool damaged;   /* nothing is written any more */
    bool between;   /* one store is given up, and there is no other yet */
    bool disk_full; /* since then nothing was deleted */
    struct store_newest newest, newest_in_transaction;
    size_t sources_before; /* the transaction */
    /* what make_room dropped and no committed batch declares: by now, and before the transaction */
    struct gap undeclared, undeclared_before;
    struct catalog catalog;
    struct store_boot *boots;
    size_t boot_count;
    struct body_packer *packer;
    struct text packed, scratch;
    /* of the store before this one, when it was deleted or damaged: */
    char *wreck_name;    /* where it was set aside */
    const char *salvage; /* what is to be kept beside the name, while the new one is made */
    int left_database_fd, left_wal_fd; /* its files as they were open at work; -1 */
};

/* Opens the database, makes or checks its schema, and loads what is kept in memory. */
int store_connect(struct store *store);
void store_disconnect(struct store *store);

/* Connects, if need be with the reserve's space. */
int store_connect_with_reserve(struct store *store);

/* Sets the database aside, in which sources and boots and id that are in memory are not looked for
 * any more, and connects to another. 0 or negative errno. */
int store_replace(struct store *store);

/* Closes and forgets what is known of the store before this one. */
void store_forget_left(struct store *store);

/* Makes an empty database a store: the tables, a new id, the sources and boots that are in memory,
 * and where the one before was left. 0 or negative errno. */
int store_create(struct store *store);

/* Holds the database to its size, or to what it has where the reserve is gone. */
int store_limit(struct store *store);

/* Reads what a transaction changes: store->newest. */
int store_load_newest(struct store *store);

/* Whether tables and numbers make sense as far as they do not, and the newest batch is read with
 * it: 0, -EUCLEAN or other negative errno. */
int store_check_tables(struct store *store);

/* A number that stands in meta; 0 without. */
int store_load_meta(struct store *store, const char *key, uint64_t *ret_number);

/* Before every write: reconnects where that is due, and sees to it once a second that the files are
 * still ours. */
int store_ready(struct store *store);

/* After every error of the database: rolls back and draws the conclusions. Returns rc. */
int store_failed(struct store *store, int rc);

/* The time the store has been open, over all runs: what the age of a batch is measured by, since
 * the wall clock may step. */
int64_t store_age_ms(const struct store *store);

/* Into the database: a source or boot under the number it has. 0 or negative errno. */
int store_keep_source(struct store *store, const struct source *source);
int store_keep_boot(struct store *store, const struct store_boot *boot);

/* Into memory; one that is there is left as it is. */
void store_add_boot(struct store *store, uint32_t id, const char *boot_id, bool offset_known,
                    int64_t offset_ms);

#endif
