/* A machine's counters in service: what is read of them becomes running totals. Used by one thread
 * at a time. */
#ifndef BINDERY_COUNTERS_H
#define BINDERY_COUNTERS_H

#include "counter.h"
#include "plant.h"
#include "standing.h"
#include "value.h"

struct counters;

/* Something that whoever believes the totals has to know. */
struct counter_report {
    const struct counter_place *place;
    struct counter_step step;
    uint64_t raw_before, raw; /* raw: what was read, accepted or not */
    int64_t total;            /* by now */
    uint32_t epoch;
};

typedef void counter_report_fn(void *context, const struct counter_report *report);

/* They go on from their standings, which leave those; NULL for a machine without counters. */
struct counters *counters_new(const struct machine *machine, struct standings *standings);

/* The standings take up how they stand. Accepts NULL. */
void counters_free(struct counters *counters, struct standings *standings);

/* The total of the counter at that place of the machine's meaning, 0 before its first reading; how
 * many of its steps were inferred; and when it was read last and believed, which is
 * COUNTER_TIME_UNKNOWN before the first time. */
void counters_look(const struct counters *counters, size_t place, int64_t *ret_total,
                   int64_t *ret_inferred, int64_t *ret_read_ms);

/* Turns counters among the samples, which have room for machine_values, into totals and adds what
 * goes with them. What is not believed yet is left out; what never will be is out of range. at_ms
 * is on a clock that does not step. Returns how many samples there are. `report` is called for each
 * reset, anomaly or doubt that raised an epoch, and once for a value that is refused. */
size_t counters_take(struct counters *counters, struct sample *samples, size_t count, int64_t at_ms,
                     counter_report_fn *report, void *context);

/* The total of the tag of that name becomes this. 0, with the samples that tell it and a
 * report of it, in which raw_before and raw are what was read last; -ENOENT: it is no counter. */
enum { COUNTERS_SET_SAMPLES = STANDING_COUNTER_NUMBERS };
int counters_set(struct counters *counters, const char *tag, int64_t total,
                 struct sample ret_samples[COUNTERS_SET_SAMPLES], int64_t *ret_before,
                 struct counter_report *ret_report);

#endif
