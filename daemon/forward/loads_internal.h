/* What the files of loads share: loads.c has them and makes records, loads_take.c reads what is
 * committed, loads_keep.c has their standings. */
#ifndef BINDERY_LOADS_INTERNAL_H
#define BINDERY_LOADS_INTERNAL_H

#include "loads.h"

#define LOADS_SINCE_TOLD INT64_MAX

/* A machine with a state. */
struct loads_machine {
    const struct machine *config;
    struct capacity capacity;
    bool base_changed;
    enum machine_state shown; /* what it did last; unknown at the start */
    int64_t since_ms; /* since when, as far as that is known; LOADS_SINCE_TOLD: since it is told */
    bool counts;      /* the total was seen, and nothing came between that was unknown: */
    int64_t total;
    enum capacity_job job;
};

/* What of a source's values tells something. */
struct loads_seat {
    bool known;
    struct loads_machine *machine; /* NULL: it tells nothing here */
    uint16_t state, job, counter;  /* SAID_NOWHERE: there is none */
};

struct loads {
    const struct plant *plant; /* retained */
    struct store *store;
    struct standings *standings;
    struct loads_machine *machines;
    size_t machine_count;
    struct loads_seat *seats; /* by the store's numbers of sources */
    size_t seat_count;
    struct load_record *records; /* of the machines, then of the plant's lines */
    size_t record_count;
    size_t next;     /* the record that is looked at next */
    int64_t next_ns; /* and when */
    uint64_t changes;
};

/* The one of that name; NULL: it has no state, or is none. */
struct loads_machine *loads_find(const struct loads *loads, const char *name);

/* The standings take up how they stand; whether one changed. And what they come to at the start. */
bool loads_stand(struct loads *loads);
void loads_resume(struct loads *loads, struct loads_machine *machine);

#endif
