/* What the records of shifts and of jobs have in common: how polls become what was achieved in a
 * period. Pure; one thread at a time. */
#ifndef BINDERY_TALLY_H
#define BINDERY_TALLY_H

#include "counters.h"
#include "performance.h"
#include "plant.h"
#include "shift_period.h"
#include "state.h"
#include "value.h"

/* A poll, answered or not, as states and counters have taken it. */
struct tally_poll {
    const struct instant *at;
    const struct state_report *reports; /* report_count of them */
    size_t report_count;
    const struct state_phase *phase; /* what goes on; NULL: nothing tells the state */
    int64_t settled_ms;              /* state_settled_ms */
    const struct counters *counters; /* NULL: none */
    const struct sample *samples;    /* `count` of them */
    size_t count;
    bool job_is_sure;         /* the tag that says it was read twice and said the same */
    const struct value *read; /* what another machine has read that says the job; NULL: nothing */
};

/* --- counts --- */

/* Of all counters that count the same. */
struct tally_sum {
    int64_t total, inferred;
    int64_t read_ms; /* since when none of them was read, on the boot clock, as of counters_look */
};

/* What the counters say by now; they may be NULL. */
void tally_counts(const struct machine *machine, const struct counters *counters,
                  struct tally_sum ret_sums[PERFORMANCE_QUANTITIES]);

/* Of which counters these sums are: others can't be compared. */
int64_t tally_counters(const struct machine *machine);

/* FNV-1a, going on from that sum. */
#define TALLY_HASH_BEGIN UINT64_C(14695981039346656037)
uint64_t tally_hash(uint64_t sum, const void *bytes, size_t length);

/* --- times and stops --- */

/* Pieces of time are told on another clock, by so much ahead of the boot clock. */
struct tally_clock {
    int64_t offset_ms;
    int64_t known_ms; /* up to when they have been told */
    int64_t limit_ms; /* up to when they may be */
    void (*add)(void *context, const struct performance_piece *piece);
    void *context;
};

/* All that is settled by the poll and is not known; known_ms moves on. */
void tally_times(struct tally_clock *clock, const struct tally_poll *poll);

/* Stops that ended in the period. */
void tally_stops(struct shift_period *period, const struct tally_poll *poll, int64_t offset_ms);

/* --- speeds --- */

struct tally_speed {
    uint16_t tag;    /* machine_speed_tag */
    int64_t most_ms; /* for so long one that was read is taken for what it is */
    int64_t at_ms;   /* the last one, on the boot clock; STATE_TIME_UNKNOWN: none */
};

struct tally_speed tally_speed_begin(const struct machine *machine);

/* What the poll says of it, until now on the period's clock. It may be NULL: only the time of the
 * speed is noted. */
void tally_speed(struct tally_speed *speed, struct shift_period *period,
                 const struct tally_poll *poll, int64_t offset_ms);

/* --- a performance as numbers that can be kept --- */

enum {
    TALLY_UNCERTAIN = PERFORMANCE_TIMES, /* behind the times */
    TALLY_TOTALS,
    TALLY_INFERRED = TALLY_TOTALS + PERFORMANCE_QUANTITIES,
    TALLY_STOPS = TALLY_INFERRED + PERFORMANCE_QUANTITIES,
    TALLY_STOPS_MS,
    TALLY_MICRO_STOPS,
    TALLY_MICRO_STOPS_MS,
    TALLY_HIGHEST_SPEED, /* -1: none was told */
    TALLY_SPEED_SUM,
    TALLY_SPEED_MS,
    TALLY_NUMBERS
};

void tally_keep(const struct performance *performance, int64_t ret_numbers[TALLY_NUMBERS]);

/* Whether they make sense, with times of at most most_ms together. */
bool tally_is_sensible(const int64_t numbers[TALLY_NUMBERS], int64_t most_ms);

/* `counted` as in performance_begin. */
struct performance tally_resume(const int64_t numbers[TALLY_NUMBERS], unsigned counted);

#endif
