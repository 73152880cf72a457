/* A machine's job as numbers that outlive the process.
 *
 * While a job that has ended waits for being told, that one is kept, and of the one that is on the
 * hash: it began at that end, with the counts of then. So there is one group for both. The format
 * is that of the one that is on. */
#include <string.h>

#include "jobs_internal.h"

enum {
    BEGIN, /* on the wall clock */
    END,   /* 0: it has not ended */
    HASH,
    NEXT_HASH, /* once it has ended */
    COUNTERS,  /* which of them were counted: see tally_counters */
    TOTALS,
    UNCERTAIN = TOTALS + PERFORMANCE_QUANTITIES,
    PERFORMANCE = UNCERTAIN + PERFORMANCE_QUANTITIES,
    NUMBERS = PERFORMANCE + TALLY_NUMBERS
};
_Static_assert((int)NUMBERS == (int)JOB_BASE_VALUES, "a job takes all its numbers");

#define MOST_MS (INT64_C(1) << 52) /* of any time: no sum of some overflows */

/* Whether there is something to be kept. */
static bool is_begun(const struct jobs *jobs)
{
    return jobs->timed || jobs->resumed;
}

static void keep(const struct jobs *jobs, int64_t ret_numbers[NUMBERS])
{
    bool ended = jobs->before.period.open;
    const struct job *job = ended ? &jobs->before : &jobs->now;
    const struct tally_sum *sums = ended ? job->sums : jobs->sums;

    memset(ret_numbers, 0, NUMBERS * sizeof *ret_numbers);
    ret_numbers[BEGIN] = job->period.begin_ms + jobs->offset_ms;
    if (ended) {
        ret_numbers[END] = job->period.end_ms + jobs->offset_ms;
        ret_numbers[NEXT_HASH] = jobs->now.hash;
        memcpy(&ret_numbers[UNCERTAIN], job->uncertain, sizeof job->uncertain);
    }
    ret_numbers[HASH] = job->hash;
    ret_numbers[COUNTERS] = tally_counters(jobs->machine);
    for (size_t i = 0; i < PERFORMANCE_QUANTITIES; i++)
        ret_numbers[TOTALS + i] = sums[i].total;
    tally_keep(&job->period.performance, &ret_numbers[PERFORMANCE]);
}

size_t jobs_keep(struct jobs *jobs, struct sample *ret_samples)
{
    int64_t numbers[JOB_KEPT_VALUES];

    if (!is_begun(jobs))
        return 0;
    keep(jobs, numbers);
    jobs_format_keep(jobs, &numbers[NUMBERS]);
    for (size_t i = 0; i < JOB_KEPT_VALUES; i++)
        ret_samples[i] = (struct sample){
            .tag = (uint16_t)(machine_job_kept(jobs->machine) + i),
            .value = {.kind = VALUE_DECIMAL, .mantissa = numbers[i]},
        };
    jobs->should_keep = false;
    return JOB_KEPT_VALUES;
}

bool jobs_should_keep(const struct jobs *jobs)
{
    return jobs->should_keep;
}

void jobs_forget_kept(struct jobs *jobs)
{
    jobs->should_keep = true;
}

void jobs_stand(const struct jobs *jobs, struct standings *standings)
{
    const char *machine = jobs->machine->name;

    if (!is_begun(jobs))
        return;
    keep(jobs, standings_add(standings, machine, STANDING_JOB, NUMBERS)->numbers);
    jobs_format_keep(
        jobs, standings_add(standings, machine, STANDING_JOB_FORMAT, JOB_FORMAT_VALUES)->numbers);
}

static bool is_time(int64_t ms)
{
    return ms > -MOST_MS && ms < MOST_MS;
}

static bool are_sensible(const int64_t *numbers)
{
    if (!is_time(numbers[BEGIN]) || !is_time(numbers[END]))
        return false;
    int64_t most_ms = numbers[END] != 0 ? numbers[END] - numbers[BEGIN] : MOST_MS;
    return most_ms >= 0 && tally_is_sensible(&numbers[PERFORMANCE], most_ms);
}

static struct shift_period resume_period(const struct jobs *jobs, const int64_t *numbers)
{
    return (struct shift_period){.open = true,
                                 .begin_ms = numbers[BEGIN],
                                 .end_ms = numbers[END] != 0 ? numbers[END] : INT64_MAX,
                                 .performance = tally_resume(&numbers[PERFORMANCE], jobs->counted)};
}

/* What the counters told between the last keeping and the end of the run was counted in the job
 * that was on, though it might have changed unseen. */
static void catch_up(struct jobs *jobs, const int64_t *numbers)
{
    if (numbers[COUNTERS] != tally_counters(jobs->machine))
        return;
    for (size_t i = 0; i < PERFORMANCE_QUANTITIES; i++) {
        int64_t delta = jobs->sums[i].total - numbers[TOTALS + i];
        if (delta <= 0 || numbers[TOTALS + i] < 0)
            continue;
        performance_add_count(&jobs->now.period.performance, (enum counts)i, delta, true);
        jobs->since[i] += delta;
    }
}

void jobs_resume(struct jobs *jobs, const struct standings *standings)
{
    const char *machine = jobs->machine->name;
    const struct standing *standing = standings_find(standings, machine, STANDING_JOB);
    const struct standing *format = standings_find(standings, machine, STANDING_JOB_FORMAT);

    if (!standing || standing->count != NUMBERS || !are_sensible(standing->numbers))
        return;
    const int64_t *numbers = standing->numbers;
    struct job *job = numbers[END] != 0 ? &jobs->before : &jobs->now;
    job->hash = numbers[HASH];
    job->period = resume_period(jobs, numbers);
    jobs->known_ms = shift_period_known_ms(&job->period);
    if (numbers[END] != 0) {
        memcpy(job->uncertain, &numbers[UNCERTAIN], sizeof job->uncertain);
        for (size_t i = 0; i < PERFORMANCE_QUANTITIES; i++)
            job->sums[i].total = numbers[TOTALS + i];
        jobs->now.hash = numbers[NEXT_HASH];
        jobs->now.period = (struct shift_period){.open = true,
                                                 .begin_ms = numbers[END],
                                                 .end_ms = INT64_MAX,
                                                 .performance = performance_begin(jobs->counted)};
    }
    if (format && format->count == JOB_FORMAT_VALUES)
        jobs_format_resume(jobs, format->numbers);
    jobs->resumed = true;
    catch_up(jobs, numbers);
}
