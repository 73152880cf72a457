#include "machine_keep.h"

#include "clock.h"

/* So often what goes on is kept where nothing is told; and shifts and job where something is. */
enum { KEEP_MS = 5 * 60 * 1000, KEEP_PERIODS_MS = 60 * 1000 };

static bool should_keep_periods(const struct machine_run *run, const struct instant *at, bool told)
{
    if (run->shifts == NULL && run->jobs == NULL)
        return false;
    return run->events.count > 0 || (run->shifts != NULL && shifts_should_keep(run->shifts)) ||
           (run->jobs != NULL && jobs_should_keep(run->jobs)) ||
           at->boot_ms - run->periods_kept_ms >= (told ? KEEP_PERIODS_MS : KEEP_MS);
}

static uint16_t keep_periods(struct machine_run *run, struct sample *samples)
{
    uint16_t count = 0;
    if (run->shifts != NULL)
        count += (uint16_t)shifts_keep(run->shifts, samples);
    if (run->jobs != NULL)
        count += (uint16_t)jobs_keep(run->jobs, samples + count);
    return count;
}

/* A state is kept with each reading, and if there is none for long: after a kill nothing is known
 * of what came behind. So are shifts and the job, which take more room, but not with each: the
 * state and the totals tell what was since. */
uint16_t machine_keep(struct machine_run *run, const struct instant *at, struct sample *samples,
                      bool told)
{
    uint16_t count = 0;
    bool periods = should_keep_periods(run, at, told);
    bool due = told || periods || run->events.count > 0 || at->boot_ms - run->kept_ms >= KEEP_MS;
    if (run->states != NULL && due) {
        run->kept_ms = at->boot_ms;
        states_keep(run->states, at->boot_ms, samples);
        count = STATE_KEPT_VALUES;
    }
    if (!periods)
        return count;
    run->periods_kept_ms = at->boot_ms;
    return (uint16_t)(count + keep_periods(run, samples + count));
}

void machine_keep_failed(struct machine_run *run)
{
    if (run->shifts != NULL)
        shifts_forget_kept(run->shifts);
    if (run->jobs != NULL)
        jobs_forget_kept(run->jobs);
}

void machine_keep_last(struct machine_run *run, struct queue *queue)
{
    struct sample samples[MACHINE_KEEP_SAMPLES];
    struct reading reading = {.source = run->source, .samples = samples};
    clock_now(&reading.at);
    if (run->states != NULL && states_now(run->states)->state != STATE_UNKNOWN) {
        states_keep(run->states, reading.at.boot_ms, samples);
        reading.count = STATE_KEPT_VALUES;
    }
    reading.count += keep_periods(run, samples + reading.count);
    if (reading.count > 0)
        queue_put(queue, &reading);
}
