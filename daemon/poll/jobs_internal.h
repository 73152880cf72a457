/* What jobs.c reckons with, and jobs_keep.c keeps. */
#ifndef BINDERY_JOBS_INTERNAL_H
#define BINDERY_JOBS_INTERNAL_H

#include "jobs.h"

/* Texts in values are their own, see jobs_value.c. VALUE_NONE: not known. */
struct jobs_format {
    struct value values[JOB_MAX_FORMAT];
};

/* How far the format of the job that is on is known. */
struct jobs_settling {
    bool settled[JOB_MAX_FORMAT]; /* it was read twice */
    int64_t kept[JOB_MAX_FORMAT]; /* the hash of a text that was not read since a restart, or 0 */
    struct jobs_format seen;      /* read last, once, and another one */
    int64_t seen_ms[JOB_MAX_FORMAT];
};

struct job {
    int64_t hash;    /* of its id; 0: it is no job */
    struct value id; /* VALUE_NONE: none, or it was not read since a restart */
    struct shift_period period;
    struct jobs_format format;
    int64_t uncertain[PERFORMANCE_QUANTITIES];     /* once it has ended */
    struct tally_sum sums[PERFORMANCE_QUANTITIES]; /* likewise, as they were counted then */
};

/* Another id was read: what there will be if the next poll that reads it says the same. */
struct jobs_change {
    bool open;
    struct job next;
    struct shift_period ended;
    int64_t uncertain[PERFORMANCE_QUANTITIES];
    struct tally_sum sums[PERFORMANCE_QUANTITIES];
};

/* Times are on the boot clock, but on the wall clock from a standing to the first poll. */
struct jobs {
    const struct machine *machine;
    unsigned counted; /* as in performance_begin */
    struct tally_speed speed;
    bool resumed;      /* there was a standing */
    bool timed;        /* there was a poll in this run; since then: */
    int64_t offset_ms; /* wall - boot, at the last poll */
    int64_t known_ms;  /* up to when what the machine did has been added */
    struct tally_sum sums[PERFORMANCE_QUANTITIES]; /* as they were counted last */
    int64_t since[PERFORMANCE_QUANTITIES]; /* counted since the id was read and was the same */
    struct job now;                        /* as if the change did not come */
    struct job before;                     /* has ended, and waits for what is settled */
    struct jobs_change change;
    struct jobs_format read; /* of whichever job, since it was known on which it is */
    struct jobs_settling settling;
    bool should_keep;
};

/* `to` becomes a copy with a text of its own; what it was is freed. */
void jobs_value_set(struct value *to, const struct value *from);

/* Of an id; 0 for none. */
int64_t jobs_value_hash(const struct value *value);

/* Of a text, never 0. */
int64_t jobs_text_hash(const struct value *text);

void jobs_format_clear(struct jobs_format *format);
void jobs_clear(struct job *job);

/* What was read at that time becomes known of the job that is on. `report` is called for each
 * value that is another now, with `read` as it is. */
void jobs_settle(struct jobs *jobs, int64_t at_ms, jobs_report_fn *report, void *context);

/* Another job is on. */
void jobs_unsettle(struct jobs *jobs);

/* As numbers, and back: those that make no sense, or are of another tag, come to nothing. */
void jobs_format_keep(const struct jobs *jobs, int64_t ret_numbers[JOB_FORMAT_VALUES]);
void jobs_format_resume(struct jobs *jobs, const int64_t numbers[JOB_FORMAT_VALUES]);

/* All of its times are so much later. */
void jobs_move(struct jobs *jobs, int64_t by_ms);

/* Goes on from the standing, if there is one; sums must be known. And back. */
void jobs_resume(struct jobs *jobs, const struct standings *standings);
void jobs_stand(const struct jobs *jobs, struct standings *standings);

#endif
