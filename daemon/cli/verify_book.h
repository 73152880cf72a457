/* Messages into ledgers: one for each gateway and store that is heard of. Pure but for
 * allocation. */
#ifndef BINDERY_VERIFY_BOOK_H
#define BINDERY_VERIFY_BOOK_H

#include <stdint.h>

#include "verify_latency.h"
#include "verify_ledger.h"

struct verify_store {
    char *gateway, *store;
    struct verify_ledger ledger;
};

struct verify_book {
    struct verify_store *stores;
    size_t store_count;
    char *last_store;     /* the one heard of last: for messages that don't name theirs */
    int64_t listening_ms; /* wall time when the first message came; 0 before */
    uint64_t messages, readings, events, gaps; /* records without repeats */
    uint64_t not_understood;                   /* messages */
    struct verify_latency latency;             /* of new readings with a plain time */
};

void verify_book_free(struct verify_book *book);

/* Takes a message that arrived at arrived_ms, wall time. Topics that carry no records are
 * ignored. */
void verify_book_take(struct verify_book *book, const char *topic, const char *payload,
                      size_t length, int64_t arrived_ms);

/* The verification ends: later numbers are welcome, but holes between them count no more. */
void verify_book_end(struct verify_book *book);

#endif
