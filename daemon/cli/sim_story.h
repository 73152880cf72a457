/* The story of a machine: jobs one after the other for ever, each with its set-up and make-ready
 * waste, its production with waste and stops, and idle time behind it; now and then the controller
 * starts anew. Pure: the plot and the time decide, so that a story can be told again, and taken up
 * anywhere.
 *
 * Time is cut into stretches of two hours. In each of them the machine makes the same quantity with
 * the same waste, however differently that is spread over it: so what was made up to a time is
 * known without going through all the time before. */
#ifndef BINDERY_SIM_STORY_H
#define BINDERY_SIM_STORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plant.h"

enum { SIM_STRETCH_MS = 2 * 3600 * 1000, SIM_MOST_SEGMENTS = 96, SIM_NO_STOP = UINT16_MAX };

/* What a story is made from. */
struct sim_plot {
    uint64_t seed;
    double per_h;         /* the fastest it runs, cycles an hour */
    size_t stops, faults; /* from how many kinds of each may be chosen; none: no reason is given */
};

/* A time in which one state lasts. Times are within the stretch; quantities before are those of
 * the stretch. What is made begins after lead_ms, and speeds up for ramp_ms. */
struct sim_segment {
    int64_t begin_ms, length_ms, lead_ms, ramp_ms;
    enum machine_state state;
    uint16_t stop;
    uint16_t job;
    uint32_t cycles;                 /* made in it */
    uint32_t run_before;             /* made in production before it */
    uint32_t ready_before;           /* make-ready waste before it */
    uint32_t reset_run, reset_ready; /* those two, when counters of kind reset last were set to 0 */
};

struct sim_story {
    struct sim_plot plot;
    int64_t stretch; /* that the segments are of; -1: none yet */
    struct sim_segment segments[SIM_MOST_SEGMENTS];
    size_t count;
};

/* Counted in cycles since the story began. good = gross - waste. */
struct sim_counts {
    uint64_t gross, waste;
};

struct sim_moment {
    enum machine_state state; /* STATE_OFFLINE: the controller starts anew and does not answer */
    uint16_t stop;            /* STATE_STOPPED, STATE_FAULT: which kind; SIM_NO_STOP: no reason */
    uint64_t job;             /* its number in the story */
    struct sim_counts made;
    struct sim_counts reset;    /* what was made when counters of kind reset were set to 0 */
    double per_h;               /* speed, 0 while it stands */
    int64_t since_ms, until_ms; /* that this segment lasts */
};

/* Begins anew with this plot. */
void sim_story_begin(struct sim_story *story, const struct sim_plot *plot);

/* What is so at a time from 0 on, in milliseconds since the story began; fastest where the times
 * asked for are near each other. */
struct sim_moment sim_story_at(struct sim_story *story, int64_t time_ms);

#endif
