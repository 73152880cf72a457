#include "jobs.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "jobs_internal.h"
#include "memory.h"

/* One call of jobs_take. */
struct step {
    struct jobs *jobs;
    const struct tally_poll *poll;
    jobs_report_fn *report;
    void *context;
    bool begun; /* a job has, and is to be told */
};

struct jobs *jobs_new(const struct machine *machine, const struct counters *counters,
                      struct standings *standings)
{
    if (machine->job == NULL)
        return NULL;
    struct jobs *jobs = mem_alloc(sizeof(*jobs));
    jobs->machine = machine;
    jobs->counted = performance_counted(machine);
    jobs->speed = tally_speed_begin(machine);
    tally_counts(machine, counters, jobs->sums);
    jobs_resume(jobs, standings);
    return jobs;
}

void jobs_free(struct jobs *jobs, struct standings *standings)
{
    if (jobs == NULL)
        return;
    jobs_stand(jobs, standings);
    jobs_clear(&jobs->now);
    jobs_clear(&jobs->before);
    jobs_clear(&jobs->change.next);
    jobs_format_clear(&jobs->read);
    jobs_unsettle(jobs);
    free(jobs);
}

static struct shift_period begin_period(const struct jobs *jobs, int64_t at_ms)
{
    return (struct shift_period){.open = true,
                                 .begin_ms = at_ms,
                                 .end_ms = INT64_MAX,
                                 .performance = performance_begin(jobs->counted)};
}

void jobs_move(struct jobs *jobs, int64_t by_ms)
{
    jobs->known_ms += by_ms;
    jobs->now.period.begin_ms += by_ms;
    jobs->before.period.begin_ms += by_ms;
    jobs->before.period.end_ms += by_ms;
}

/* At the first poll it shows how long it was since what was kept. */
static void follow_clock(struct jobs *jobs, const struct instant *at)
{
    bool doubtful = at->wall_ms < YEAR_2020_MS || jobs->known_ms < YEAR_2020_MS;
    jobs->offset_ms = at->wall_ms - at->boot_ms;
    if (jobs->timed)
        return;
    jobs->timed = true;
    if (!jobs->resumed) {
        jobs->now.period = begin_period(jobs, at->boot_ms);
        jobs->known_ms = at->boot_ms;
    } else if (doubtful || jobs->known_ms > at->wall_ms) {
        jobs_move(jobs, at->boot_ms - jobs->known_ms);
    } else {
        jobs_move(jobs, -jobs->offset_ms);
    }
}

/* --- what the poll adds --- */

static void add_piece(void *context, const struct performance_piece *piece)
{
    struct jobs *jobs = context;
    shift_period_add(&jobs->before.period, *piece);
    shift_period_add(&jobs->now.period, *piece);
    shift_period_add(&jobs->change.ended, *piece);
    shift_period_add(&jobs->change.next.period, *piece);
}

static void add_times(struct jobs *jobs, const struct tally_poll *poll)
{
    struct tally_clock clock = {
        .known_ms = jobs->known_ms, .limit_ms = INT64_MAX, .add = add_piece, .context = jobs};
    tally_times(&clock, poll);
    jobs->known_ms = clock.known_ms;
    tally_stops(&jobs->before.period, poll, 0);
    tally_stops(&jobs->now.period, poll, 0);
    tally_stops(&jobs->change.ended, poll, 0);
    tally_stops(&jobs->change.next.period, poll, 0);
}

static void add_counts(struct jobs *jobs, const struct tally_poll *poll)
{
    struct tally_sum sums[PERFORMANCE_QUANTITIES];
    tally_counts(jobs->machine, poll->counters, sums);
    for (size_t i = 0; i < PERFORMANCE_QUANTITIES; i++) {
        int64_t delta = sums[i].total - jobs->sums[i].total;
        bool inferred = sums[i].inferred > jobs->sums[i].inferred;
        jobs->sums[i] = sums[i];
        if (delta <= 0)
            continue;
        jobs->since[i] += delta;
        performance_add_count(&jobs->now.period.performance, (enum counts)i, delta, inferred);
        if (jobs->change.open)
            performance_add_count(&jobs->change.next.period.performance, (enum counts)i, delta,
                                  inferred);
    }
}

static void add_speed(struct jobs *jobs, const struct tally_poll *poll)
{
    struct tally_speed again = jobs->speed;
    tally_speed(&again, &jobs->change.next.period, poll, 0);
    tally_speed(&jobs->speed, &jobs->now.period, poll, 0);
}

static void read_format(struct jobs *jobs, const struct tally_poll *poll)
{
    const struct job_config *config = jobs->machine->job;
    for (size_t i = 0; i < config->format_count; i++)
        for (size_t k = 0; k < poll->count; k++)
            if (poll->samples[k].tag == config->format[i] &&
                poll->samples[k].quality == QUALITY_GOOD)
                jobs_value_set(&jobs->read.values[i], &poll->samples[k].value);
}

/* --- jobs begin and end --- */

/* The one that has ended. */
static void tell_before(struct step *step)
{
    struct jobs *jobs = step->jobs;
    struct job *before = &jobs->before;
    if (!before->period.open)
        return;
    shift_period_finish(&before->period, INT64_MAX);
    const struct performance_plan plan = {0, jobs->machine->ideal_ms};
    struct jobs_record record = {
        .what = JOBS_ENDED,
        .id = before->id,
        .next = jobs->now.id,
        .at_ms = before->period.end_ms,
        .length_ms = before->period.end_ms - before->period.begin_ms,
        .performance = performance_tell(&before->period.performance, &plan),
        .format = before->format.values,
    };
    for (size_t i = 0; i < PERFORMANCE_QUANTITIES; i++)
        record.uncertain[i] =
            record.performance.quantities[i].known ? before->uncertain[i] : PERFORMANCE_NULL;
    step->report(step->context, &record);
    jobs_clear(before);
    jobs->should_keep = true;
}

static void drop_change(struct jobs *jobs)
{
    jobs_clear(&jobs->change.next);
    jobs->change = (struct jobs_change){0};
}

/* Another id was seen first. */
static void begin_change(struct jobs *jobs, const struct tally_poll *poll, const struct value *id)
{
    struct jobs_change *change = &jobs->change;
    drop_change(jobs);
    change->open = true;
    change->ended = jobs->now.period;
    change->ended.end_ms = poll->at->boot_ms;
    change->next.hash = jobs_value_hash(id);
    if (change->next.hash != 0)
        jobs_value_set(&change->next.id, id);
    change->next.period = begin_period(jobs, poll->at->boot_ms);
    memcpy(change->uncertain, jobs->since, sizeof(change->uncertain));
    memcpy(change->sums, jobs->sums, sizeof(change->sums));
    jobs_format_clear(&jobs->read);
}

/* The id that was seen first then was read again. */
static void end_change(struct step *step)
{
    struct jobs *jobs = step->jobs;
    struct jobs_change *change = &jobs->change;
    tell_before(step);
    if (jobs->now.hash != 0) {
        jobs->before = jobs->now;
        jobs->before.period = change->ended;
        memcpy(jobs->before.uncertain, change->uncertain, sizeof(change->uncertain));
        memcpy(jobs->before.sums, change->sums, sizeof(change->sums));
    } else {
        jobs_clear(&jobs->now);
    }
    jobs->now = change->next;
    *change = (struct jobs_change){0};
    jobs_unsettle(jobs);
    jobs->should_keep = true;
    step->begun = jobs->now.hash != 0;
}

static bool is_other(const struct jobs *jobs, int64_t hash)
{
    return hash != jobs->now.hash && (!jobs->change.open || hash != jobs->change.next.hash);
}

/* Which job the machine is on by this. */
static void look(struct step *step, const struct value *id)
{
    struct jobs *jobs = step->jobs;
    int64_t hash = jobs_value_hash(id);
    bool other = is_other(jobs, hash);
    if (other)
        begin_change(jobs, step->poll, id);
    read_format(jobs, step->poll);
    if (other && !step->poll->job_is_sure && jobs->machine->text == NULL)
        return;
    if (hash != jobs->now.hash)
        end_change(step);
    else
        drop_change(jobs);
    if (hash != 0 && jobs->now.id.kind == VALUE_NONE)
        jobs_value_set(&jobs->now.id, id);
    jobs_settle(jobs, step->poll->at->boot_ms, step->report, step->context);
    memset(jobs->since, 0, sizeof(jobs->since));
}

static const struct value *find_id(const struct jobs *jobs, const struct sample *samples,
                                   size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (samples[i].tag == jobs->machine->job->id && samples[i].quality == QUALITY_GOOD)
            return &samples[i].value;
    return NULL;
}

bool jobs_is_other(const struct jobs *jobs, const struct sample *samples, size_t count)
{
    const struct value *id = find_id(jobs, samples, count);
    return id != NULL && is_other(jobs, jobs_value_hash(id));
}

/* Which one comes behind it is known mostly; not where the gateway was started again meanwhile. */
static bool is_settled(const struct jobs *jobs)
{
    return jobs->before.period.open && jobs->known_ms >= jobs->before.period.end_ms &&
           (jobs->now.hash == 0 || jobs->now.id.kind != VALUE_NONE);
}

void jobs_take(struct jobs *jobs, const struct tally_poll *poll, jobs_report_fn *report,
               void *context)
{
    struct step step = {.jobs = jobs, .poll = poll, .report = report, .context = context};
    const struct value *id =
        poll->read != NULL ? poll->read : find_id(jobs, poll->samples, poll->count);
    follow_clock(jobs, poll->at);
    add_times(jobs, poll);
    add_counts(jobs, poll);
    add_speed(jobs, poll);
    if (id != NULL)
        look(&step, id);
    else
        read_format(jobs, poll);
    if (is_settled(jobs))
        tell_before(&step);
    if (step.begun)
        report(context, &(struct jobs_record){.what = JOBS_BEGUN,
                                              .id = jobs->now.id,
                                              .at_ms = jobs->now.period.begin_ms});
}

void jobs_recount(struct jobs *jobs, const struct counters *counters)
{
    struct tally_sum sums[PERFORMANCE_QUANTITIES];
    tally_counts(jobs->machine, counters, sums);
    for (size_t i = 0; i < PERFORMANCE_QUANTITIES; i++) {
        int64_t step = sums[i].total - jobs->sums[i].total;
        jobs->before.sums[i].total += step;
        jobs->change.sums[i].total += step;
        jobs->sums[i] = sums[i];
    }
}
