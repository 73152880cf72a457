/* The store: every reading from its commit until every uplink has it and the replay window is
 * over. SQLite in WAL mode with synchronous=FULL; one connection, one thread.
 *
 * What is committed survives a power cut. A store that is damaged or deleted is set aside under
 * PATH.damaged-N, as far as it is there, and a new one, with a new id and numbers from 1, takes its
 * place: when it is opened, or at work by store_renew. What was in it can then be salvaged. */
#ifndef BINDERY_STORE_H
#define BINDERY_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plant.h"
#include "ranges.h"
#include "standing.h"
#include "store_mark.h"
#include "value.h"

struct store;
struct wreck;

/* Records committed together; their numbers are first_seq .. first_seq + count - 1. */
struct batch {
    uint64_t first_seq;
    uint32_t count;
    uint32_t boot; /* the store's number for the boot it was taken in */
    uint8_t *body; /* records (record.h), not compressed; malloc'ed */
    size_t length;
};

enum { TAG_KEY_BYTES = 4 }; /* of a key, beside the name */

struct tag_name {
    const char *text;
    size_t length;
    const char *key; /* ,"text": as it stands in a message */
};

/* A machine as it was when its readings were taken: their names outlive the configuration. */
struct source {
    uint32_t id;
    const char *machine;
    size_t tag_count;
    const struct tag_name *tags; /* by the readings' tag numbers */
};

/* What opening found. A store that opened knows no times: those of `unclean` are 0. */
struct store_opened {
    char set_aside[4096]; /* where a damaged store was put by this opening; empty otherwise */
    struct gap unclean;   /* unclean.missing > 0: numbers reserved but never committed */
};

/* 0, or negative errno where no store can be had at all (no such folder, no permission, a full
 * disk, -EBUSY another process has it, -EPROTONOSUPPORT a device, another version's or another
 * program's database, which is left alone). */
int store_open(const struct store_settings *settings, struct store **ret_store,
               struct store_opened *ret_opened);
void store_close(struct store *store); /* accepts NULL */

const char *store_id(const struct store *store); /* 32 hex digits, for the store's life */
uint64_t store_next_seq(const struct store *store);
uint64_t store_newest_seq(const struct store *store); /* where the newest batch begins; 0: none */

/* The number of this machine with this tag list, made if it is new, by itself or as part of the
 * transaction that is open: then it goes where that is rolled back. 0 or negative errno. */
int store_source_id(struct store *store, const struct machine *machine, uint32_t *ret_id);

/* The highest number that there is; 0 without any. */
uint32_t store_last_source(const struct store *store);

/* Whether it has one already. */
bool store_has_source(struct store *store, const struct machine *machine);

/* By number; NULL if unknown. Valid until the next call of store_source_id or store_begin. */
const struct source *store_source(struct store *store, uint32_t id);

/* This boot's number, made if it is new (clock_boot_id gives the text). Not in a transaction. */
int store_boot(struct store *store, const char *boot_id, uint32_t *ret_boot);

/* Remembers wall_ms - boot_ms of a boot, once its clock is synchronised. Not in a transaction. */
int store_set_boot_offset(struct store *store, uint32_t boot, int64_t offset_ms);

/* Whether a boot's offset is known; then *ret_offset_ms is it. */
bool store_boot_offset(const struct store *store, uint32_t boot, int64_t *ret_offset_ms);

/* A transaction: begin, any of those below, commit. Whatever fails rolls all of it back and
 * returns negative errno: -ENOSPC (disk or max_page_count full), -EROFS, -EIO, …; then nothing of
 * it is in the store and the caller keeps its batches. After -EIO the connection is reopened
 * by itself at the next begin. -ESTALE (the file was deleted or replaced) and -EUCLEAN (it is
 * damaged) last until the store is closed and opened anew; what can still be read should be read
 * before. */
int store_begin(struct store *store);
int store_append(struct store *store, const struct batch *batch);
int store_save_cursor(struct store *store, const char *uplink, const struct ranges *owed);
int store_drop_cursor(struct store *store, const char *uplink);

/* Keeps how a counter or a state stood, and that all below seq is in what was kept; in a
 * transaction. */
int store_save_standing(struct store *store, const struct standing *standing);
int store_note_standings(struct store *store, uint64_t seq);

/* All that were kept; *ret_seq is the number they were kept up to, 0 without any. 0 or negative
 * errno. */
int store_load_standings(struct store *store, struct standings *standings, uint64_t *ret_seq);

/* For the mark that goes with the next commit: what lies below is owed to nobody any more. */
void store_note_owed(struct store *store, uint64_t from);

/* Numbers below `end` may be given out before their batches are committed; those below `settled`
 * are all accounted for, stored or acknowledged. What lies between is an unclean stop's loss. */
int store_reserve(struct store *store, uint64_t settled, uint64_t end);
int store_commit(struct store *store);

/* Whether the files are still ours, asked once a second at most unless `at_once`. 0 or negative
 * errno. Not in a transaction. */
int store_check(struct store *store, bool at_once);

/* After -ESTALE or -EUCLEAN: sets the files aside and begins another store, with a new id, the
 * same sources and boots under the same numbers, no cursors, and `salvage`, any text, for
 * store_open_wreck. 0; or negative errno, and then there is no store until a further call
 * succeeds. */
int store_renew(struct store *store, const char *salvage);

/* What is left of the store before this one, while something is still to be salvaged from it: 0
 * with the wreck, for the caller to free, the mark that was found with it, if any, and the text
 * that was kept last, appended; or -ENOENT. */
int store_open_wreck(struct store *store, struct wreck **ret_wreck, struct store_mark *ret_mark,
                     struct text *ret_salvage);

/* Keeps this text, in a transaction; NULL: all is salvaged. 0 or negative errno. */
int store_save_salvage(struct store *store, const char *salvage);

/* The file that the store before was set aside as; "" where there is none. */
const char *store_wreck_name(const struct store *store);

/* The number of this source here, made if it is new, as store_source_id does; `tags` as in
 * catalog.h. */
int store_adopt_source(struct store *store, const char *machine, const char *tags,
                       uint32_t *ret_id);

/* What an uplink owes: 0, or -ENOENT for a new one. */
int store_load_cursor(struct store *store, const char *uplink, struct ranges *ret_owed);

/* Names of all cursors, for dropping those of uplinks that are gone: calls `each` for each. */
int store_each_cursor(struct store *store, void (*each)(void *context, const char *uplink),
                      void *context);

/* The first batch that reaches from_seq or beyond and begins at or before to_seq, read and
 * decompressed. 0 with a batch whose body the caller frees; -ENOENT; or -EBADMSG where its body is
 * damaged, with first_seq and count set all the same. */
int store_read(struct store *store, uint64_t from_seq, uint64_t to_seq, struct batch *ret_batch);

/* Whether it may be that no batch holds this number, which an uplink is owed: 0, it was reserved
 * once, and acknowledged without having been stored; -ENOENT, the batches from there on had to go,
 * or the file is damaged; -EUCLEAN, the file is damaged. Or other negative errno. */
int store_miss(struct store *store, uint64_t seq);

/* Deletes batches that lie whole below `acknowledged` and are older than the replay window; the
 * newest batch always stays, it carries the numbering. Cheap when there is nothing to do; call it
 * every few seconds. 0 or negative errno. */
int store_trim(struct store *store, uint64_t acknowledged);

/* Where the store is over max_size: deletes the oldest batches none of whose numbers is in `owed`,
 * whatever their age; where that is not enough, the oldest of the others, and then *ret_gap says
 * what was lost (missing > 0), to be put into the next batch. After -ENOSPC from the disk only
 * acknowledged ones go. Called in a transaction, before its batch, it is part of it, so that
 * no crash separates the loss from its gap; where the transaction fails, forget the gap: nothing
 * was lost yet, or the next call tells of it again. 0 or negative errno. */
int store_make_room(struct store *store, const struct ranges *owed, struct gap *ret_gap);

/* Whether store_make_room has something to do: then the cursors belong into its transaction, or
 * after a kill uplinks would be owed what it deleted as acknowledged. */
bool store_is_full(const struct store *store);

int64_t store_bytes(const struct store *store); /* in use, without free pages */

#endif
