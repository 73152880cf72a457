/* What shifts.c reckons with, and shifts_keep.c keeps. */
#ifndef BINDERY_SHIFTS_INTERNAL_H
#define BINDERY_SHIFTS_INTERNAL_H

#include "shift_period.h"
#include "shifts.h"
#include "tally.h"

struct shifts {
    const struct machine *machine;
    unsigned counted; /* as in performance_begin */
    struct tally_speed speed;
    bool started;      /* there was a poll whose clock was believed, in this run or before */
    bool has_offset;   /* in this run; since then: */
    int64_t offset_ms; /* wall - boot, as it was when it stepped last */
    int64_t known_ms;  /* up to when what the machine did has been added, on the wall clock */
    int64_t over_ms;   /* the end of the last shift that was on */
    int64_t next_ms;   /* when to look at the calendar again */
    int64_t held_ms;   /* since when the clock is not believed, on the boot clock */
    bool held;         /* it is not */
    struct tally_sum sums[PERFORMANCE_QUANTITIES]; /* as they were counted last */
    int64_t read_ms[PERFORMANCE_QUANTITIES];       /* when, on the wall clock; 0: not known */
    struct shift_period now;
    struct shift_period before; /* waits for being told, or for its counters */
    bool should_keep;
    bool kept_before; /* what was kept last has one before */
};

/* So much more was counted since read_ms. */
void shifts_count(struct shifts *shifts, enum counts counts, int64_t delta, bool inferred);

/* The machine has no shifts by now: what it counts meanwhile will be none's. */
void shifts_forget_counts(const struct machine *machine, const struct standings *standings);

/* Goes on from the standings, if they have something; sums must be known. And back. */
void shifts_resume(struct shifts *shifts, const struct standings *standings);
void shifts_stand(const struct shifts *shifts, struct standings *standings);

#endif
