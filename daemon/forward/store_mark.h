/* How far a store had come, kept beside it. A log that was cut short or put back from an earlier
 * time looks like one of which less was written; the mark says how much was.
 *
 * It is written after each commit, without a sync, so that it costs next to nothing: after a power
 * cut it may be behind the store, but never ahead of it. */
#ifndef BINDERY_STORE_MARK_H
#define BINDERY_STORE_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STORE_ID_DIGITS = 32, STORE_MARK_BYTES = STORE_ID_DIGITS + 2 * (1 + 20) };

struct store_mark {
    char id[STORE_ID_DIGITS + 1]; /* empty: there is no mark */
    uint64_t next_seq;
    uint64_t owed_from; /* what lies below, no uplink is owed any more */
};

/* "ID NUMBER NUMBER", of one length, so that on disk a mark covers the one before it. */
void store_mark_to_text(const struct store_mark *mark, char ret_text[STORE_MARK_BYTES + 1]);
struct store_mark store_mark_parse(const char *text, size_t length); /* none if it is none */

/* At the beginning of a file. What can't be written leaves the mark behind, which harms nothing;
 * what can't be read is none. */
void store_mark_write(int fd, const struct store_mark *mark);
struct store_mark store_mark_read(int fd);

#endif
