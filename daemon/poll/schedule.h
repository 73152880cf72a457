/* When a machine is asked next, and for which of its periods. Pure: the time is an argument, in
 * nanoseconds of CLOCK_MONOTONIC.
 *
 * Each period keeps its phase: a poll that comes late does not shift those after it, and polls
 * missed altogether are skipped, not made up for. A silent unit of a shared link is asked less and
 * less, so that its time-outs cost the others little. */
#ifndef BINDERY_SCHEDULE_H
#define BINDERY_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backoff.h"
#include "plant.h"

enum { SCHEDULE_MAX_PERIODS = 8 };

struct schedule_period {
    int64_t every_ns, next_ns;
};

/* Most machines have one period, and what each poll looks at lies side by side. */
struct schedule {
    uint8_t period_count;
    bool silent;
    int64_t not_before_ns; /* while silent */
    struct backoff backoff;
    struct schedule_period periods[SCHEDULE_MAX_PERIODS];
};

/* What is to be asked now. */
struct schedule_due {
    uint32_t periods; /* bit i: periods[i] */
    int64_t since_ns; /* when the earliest of them fell due */
};

/* The first poll comes within a second (within the period if that is shorter) of start_ns, at a
 * moment that spreads machines of different `number` evenly over the ticks. */
void schedule_init(struct schedule *schedule, const struct machine *machine, unsigned number,
                   int64_t start_ns, int64_t tick_ns);

/* When it falls due. */
int64_t schedule_next(const struct schedule *schedule);

/* Takes what is due at `now_ns` and moves those periods on. Only when schedule_next has come. */
struct schedule_due schedule_take(struct schedule *schedule, int64_t now_ns);

/* Whether tags of this period are among what is due. */
bool schedule_covers(const struct schedule *schedule, const struct schedule_due *due,
                     int64_t every_ms);

/* How the poll ended. `shared`: other machines wait behind this one. `least_ns`: then it is left
 * alone for so long at least. */
void schedule_answered(struct schedule *schedule);
void schedule_unanswered(struct schedule *schedule, int64_t now_ns, bool shared, int64_t least_ns);

#endif
