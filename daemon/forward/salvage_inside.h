/* What salvage.c, which keeps the accounts, and salvage_translate.c share. */
#ifndef BINDERY_SALVAGE_INSIDE_H
#define BINDERY_SALVAGE_INSIDE_H

#include "record.h"
#include "salvage.h"
#include "wreck.h"

enum { SALVAGE_ID_BYTES = 33 };

/* What an uplink was owed, of it what is not accounted for. */
struct claim {
    char *uplink;
    struct ranges owed;
};

struct salvage {
    struct store *store; /* the new one */
    struct wreck *wreck;
    struct store_mark mark; /* how far the old store had come; none: unknown, or told */
    bool mark_is_sure;      /* it is that store's */
    bool surveyed;
    bool told;      /* of the old store's id, end and claims, by what was kept */
    bool inherited; /* the new store has the sources and boots under their old numbers */
    char id[SALVAGE_ID_BYTES];
    uint64_t end;
    int64_t last_ms; /* when the newest reading that was brought was taken; 0: unknown */
    struct claim *claims;
    size_t claim_count;
    struct ranges owed;    /* by any of them */
    uint32_t *new_sources; /* beside the wreck's; 0: not asked for yet */
    uint64_t probe;        /* where to look for the next batch; 0: where the accounts are */
    struct record_reader reader;
    struct text records;
};

/* The records of an old batch that are owed, as the new store is to have them. */
struct translation {
    uint32_t boot, count;
    uint64_t lost, end; /* old numbers below `end` are accounted for */
    int64_t first_ms, last_ms;
};

/* How many numbers are owed from `first` to below `end`. */
uint64_t salvage_count(const struct salvage *salvage, uint64_t first, uint64_t end);

/* From the old number `from` on. What can't be told, of an unknown kind or machine, is lost. 0, or
 * negative errno of the new store. */
int salvage_translate(struct salvage *salvage, const struct batch *batch, uint64_t from,
                      struct translation *translation);

#endif
