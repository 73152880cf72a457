/* The time of a simulated plant: runs so many times faster than ours, and is put back to ours for
 * what is written down. In milliseconds. Immutable once started. */
#ifndef BINDERY_SIM_CLOCK_H
#define BINDERY_SIM_CLOCK_H

#include <stdint.h>

struct sim_clock {
    int64_t speed;     /* from 1 on */
    int64_t origin_ms; /* since 1970, when the simulated time was begin_ms */
    int64_t begin_ms;
    int64_t mono_ms; /* the monotonic clock at 1970, were it steady */
};

/* Begins now at begin_ms, which is above 0; or, with 0, is where it would be had it run at this
 * speed since the beginning of 2026, so that a plant goes on after a restart. */
struct sim_clock sim_clock_start(int64_t speed, int64_t begin_ms);

/* The simulated time now. */
int64_t sim_clock_now(const struct sim_clock *clock);

/* In milliseconds since 1970, the first moment at which it is that simulated time or later. */
int64_t sim_clock_wall(const struct sim_clock *clock, int64_t time_ms);

#endif
