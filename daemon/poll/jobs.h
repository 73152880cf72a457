/* The records of a machine's jobs in service: a tag says which job the machine is on; what its
 * polls say becomes what was achieved in that. Each job is told when it has begun, and once when it
 * has ended and all of it is settled. Pure: the time is an argument. One thread at a time.
 *
 * - A job changes when the id that is read differs, and says the same when it is read again, in the
 *   same poll or the next that reads it: a string may be read while it is written. It changes at
 *   the poll that saw the new id first. A poll that does not read the id says nothing of it; where
 *   another machine's reads say it, that is the last one. A line of text is whole: one is enough.
 * - What was counted up to that poll belongs to the job that has ended. What of it came since the
 *   last poll with the old id may belong to either, and is told beside it.
 * - Time is added once it is settled what the machine did in it, as for shifts; a stop belongs to
 *   the job in which it ends. So a job may wait for some polls after its end. Where another one
 *   ends meanwhile, it is told as it is, and the rest of it is unknown.
 * - Times go by a clock that does not step. Over a restart the wall clock tells how long that took;
 *   where that is not believed, it took no time.
 * - A value of its format changes, while the job goes on, when another one is read and the next
 *   reading says the same, by the tag's deadband; until one was read twice it is no change. Over a
 *   restart texts are known by their hashes.
 * - A job goes on over a restart where the same id is read after it, by its hash: only then it has
 *   its name again. Else it is told without one, and ended at the poll that saw another id. What
 *   was counted meanwhile, inferred, is that job's. What is told with it is as it was read since.
 */
#ifndef BINDERY_JOBS_H
#define BINDERY_JOBS_H

#include "standing.h"
#include "tally.h"

struct jobs;

enum jobs_what { JOBS_BEGUN, JOBS_ENDED, JOBS_FORMAT };

struct jobs_record {
    enum jobs_what what;
    struct value id; /* VALUE_NONE: not known any more, or the format is of no job */
    int64_t at_ms;   /* when it was so first, on the boot clock */

    /* JOBS_FORMAT: it goes on with another value of this tag. */
    uint16_t tag;
    struct value before, value; /* VALUE_NONE: not known any more */

    /* JOBS_ENDED. */
    struct value next; /* the job after it; VALUE_NONE: none, or not known */
    int64_t length_ms;
    struct performance_record performance;
    int64_t uncertain[PERFORMANCE_QUANTITIES]; /* what may be the next one's; PERFORMANCE_NULL */
    const struct value *format;                /* by the job_config's; VALUE_NONE: not known */
};

/* Texts in the record are good during the call. */
typedef void jobs_report_fn(void *context, const struct jobs_record *record);

/* They go on from their standing, counters from theirs before; NULL for a machine without jobs.
 * The counters may be NULL. */
struct jobs *jobs_new(const struct machine *machine, const struct counters *counters,
                      struct standings *standings);

/* The standings take up how they stand. Accepts NULL. */
void jobs_free(struct jobs *jobs, struct standings *standings);

/* `report` is called for what is told by it. */
void jobs_take(struct jobs *jobs, const struct tally_poll *poll, jobs_report_fn *report,
               void *context);

/* Whether the samples of a poll, not taken yet, say another job than is on, and than the poll
 * before said. */
bool jobs_is_other(const struct jobs *jobs, const struct sample *samples, size_t count);

/* A counter's total was set: it was no step. */
void jobs_recount(struct jobs *jobs, const struct counters *counters);

/* What is kept with a reading, for the next run to go on from: up to JOB_KEPT_VALUES samples.
 * Returns how many. */
size_t jobs_keep(struct jobs *jobs, struct sample *ret_samples);

/* Whether that should be done soon, as when another job has begun. */
bool jobs_should_keep(const struct jobs *jobs);

/* What was kept last did not get to the store. */
void jobs_forget_kept(struct jobs *jobs);

#endif
