/* Proof that nothing is missing: the numbers that arrived from one store, and what was said of
 * those that never will. Pure but for allocation. */
#ifndef BINDERY_VERIFY_LEDGER_H
#define BINDERY_VERIFY_LEDGER_H

#include <stdint.h>

#include "ranges.h"

enum verify_verdict {
    VERIFY_NEW,
    VERIFY_REPEAT,  /* the same number with the same content: a receiver drops it */
    VERIFY_DIFFERS, /* the same number with other content: a defect */
};

struct hash_page;

struct verify_ledger {
    struct ranges seen, declared;
    uint64_t lowest, highest; /* of what was seen; 0 before anything was */
    uint64_t before_end;      /* numbers below may have been sent before we listened */
    uint64_t end;             /* the highest when the verification ended; 0 while it goes on */
    uint64_t repeats, differing;
    uint64_t declared_lost;  /* records that gaps speak of, numbered or not */
    struct hash_page *pages; /* ascending */
    size_t page_count;
};

void verify_ledger_free(struct verify_ledger *ledger);

/* Enters a number with a hash of its content. */
enum verify_verdict verify_ledger_take(struct verify_ledger *ledger, uint64_t seq, uint64_t hash);

/* A gap, when its own number is new: first and last are 0 where what was lost never had numbers. */
void verify_ledger_declare(struct verify_ledger *ledger, uint64_t first, uint64_t last,
                           uint64_t missing);

/* The reading was taken, or the event happened, before we listened, though it came to us: others
 * that were sent before it need not have. */
void verify_ledger_early(struct verify_ledger *ledger, uint64_t seq);

/* Numbers from..to that neither came nor were declared, added to *ret_missing. 0 for `from`: from
 * the first that had to come; 0 for `to`: to the highest that did. */
void verify_ledger_missing(const struct verify_ledger *ledger, uint64_t from, uint64_t to,
                           struct ranges *ret_missing);

/* How many numbers a set has. */
uint64_t verify_count(const struct ranges *ranges);

#endif
