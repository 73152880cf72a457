/* The store from within: what store.c, store_open.c and store_space.c share. */
#ifndef BINDERY_STORE_INSIDE_H
#define BINDERY_STORE_INSIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "body.h"
#include "catalog.h"
#include "sql.h"
#include "store.h"
#include "store_files.h"
#include "text.h"

enum { STORE_ID_DIGITS = 32 };

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
    int64_t max_size, replay_window_ms;
    int64_t age_base_ms, opened_ns; /* the store's running time, see store_age_ms */
    int64_t check_at_ns;            /* when to look at the files again */
    int64_t bytes;                  /* in use at the last commit */
    bool open_transaction;
    bool reconnect; /* after an error the connection is no longer trusted */
    bool damaged;   /* nothing is written any more */
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
};

/* Opens the database, makes or checks its schema, and loads what is kept in memory. */
int store_connect(struct store *store);
void store_disconnect(struct store *store);

/* Holds the database to its size, or to what it has where the reserve is gone. */
int store_limit(struct store *store);

/* Reads what a transaction changes: store->newest. */
int store_load_newest(struct store *store);

/* Before every write: reconnects where that is due, and sees to it once a second that the files are
 * still ours. */
int store_ready(struct store *store);

/* After every error of the database: rolls back and draws the conclusions. Returns rc. */
int store_failed(struct store *store, int rc);

/* The time the store has been open, over all runs: what the age of a batch is measured by, since
 * the wall clock may step. */
int64_t store_age_ms(const struct store *store);

void store_add_boot(struct store *store, uint32_t id, const char *boot_id, bool offset_known,
                    int64_t offset_ms);

#endif
