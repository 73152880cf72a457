/* What is left of a store: a database that was deleted, or is damaged, or never was one. Its file
 * and its write-ahead log are read page by page, without SQLite; every batch, source, boot and
 * cursor that lies whole somewhere is found, be it in an older copy of a page. Nothing is written.
 * One thread. */
#ifndef BINDERY_WRECK_H
#define BINDERY_WRECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ranges.h"
#include "store.h"

struct wreck;

struct wreck_source {
    uint32_t id;
    char *machine, *tags; /* as in catalog.h */
};

struct wreck_boot {
    uint32_t id;
    char *boot_id;
    bool offset_known;
    int64_t offset_ms;
};

struct wreck_cursor {
    char *uplink;
    struct ranges owed;
    bool older; /* from an older copy of its page */
};

/* All of them in full; the wreck owns them. */
struct wreck_content {
    char id[33]; /* the store's; "" where it can't be read */
    struct wreck_source *sources;
    struct wreck_boot *boots;
    struct wreck_cursor *cursors;
    size_t source_count, boot_count, cursor_count;
    uint64_t first_seq, end; /* the numbers it knows of are first_seq to below end; 0: of none */
    bool cut;                /* there may have been others after them */
};

/* Takes over the descriptors, open for reading; either may be -1. */
struct wreck *wreck_new(int database_fd, int wal_fd);
void wreck_free(struct wreck *wreck); /* accepts NULL */

/* Looks through the next so many pages. True once all have been seen; the calls below are for
 * afterwards. */
bool wreck_survey(struct wreck *wreck, size_t max_pages);

const struct wreck_content *wreck_content(const struct wreck *wreck);

/* The first batch that reaches *seq or beyond and can be read; the caller frees its body. 0;
 * -ENOENT where there is none; -EAGAIN after many that can't be read: *seq has moved past them. */
int wreck_read(struct wreck *wreck, uint64_t *seq, struct batch *ret_batch);

#endif
