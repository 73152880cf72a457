#include "shifts.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "shifts_internal.h"

enum {
    STEP_MS = 1000,        /* a smaller step of the wall clock is left for the next to add to */
    BACK_MS = 3600 * 1000, /* by so much it may be set back, and no shift comes back */
    DOUBT_MS = 600 * 1000, /* for so long one that is further back is not believed */
};

/* One call of shifts_take. */
struct step {
    struct shifts *shifts;
    const struct tally_poll *poll;
    int64_t wall_ms;
    shifts_report_fn *report;
    void *context;
};

struct shifts *shifts_new(const struct machine *machine, const struct counters *counters,
                          struct standings *standings)
{
    if (!machine_has_shifts(machine)) {
        shifts_forget_counts(machine, standings);
        return NULL;
    }
    struct shifts *shifts = mem_alloc(sizeof(*shifts));
    shifts->machine = machine;
    shifts->counted = performance_counted(machine);
    shifts->speed = tally_speed_begin(machine);
    tally_counts(machine, counters, shifts->sums);
    shifts_resume(shifts, standings);
    return shifts;
}

void shifts_free(struct shifts *shifts, struct standings *standings)
{
    if (shifts == NULL)
        return;
    shifts_stand(shifts, standings);
    free(shifts);
}

const struct shift_period *shifts_now(const struct shifts *shifts)
{
    return shifts->now.open ? &shifts->now : NULL;
}

/* --- the clock --- */

/* Whether the wall clock is not believed at this poll. */
static bool is_held(struct shifts *shifts, const struct instant *at)
{
    bool early = !clock_was_set(at);
    bool behind =
        !at->synced && shifts->started && at->wall_ms < shifts->known_ms - (int64_t)BACK_MS;
    if (behind && !shifts->held)
        shifts->held_ms = at->boot_ms;
    bool was_held = shifts->held;
    shifts->held = early || (behind && at->boot_ms - shifts->held_ms < DOUBT_MS);
    if (was_held && !shifts->held) {
        shifts->known_ms = at->wall_ms;
        shifts->has_offset = false;
    }
    return shifts->held;
}

/* On the clock by which shifts go. */
static int64_t wall_of(const struct shifts *shifts, int64_t boot_ms)
{
    return boot_ms + shifts->offset_ms;
}

/* What is known ends at the same moment as before, whatever the clock calls that by now. */
static void follow_clock(struct step *step)
{
    struct shifts *shifts = step->shifts;
    const struct instant *at = step->poll->at;
    int64_t offset_ms = at->wall_ms - at->boot_ms;
    int64_t step_ms = shifts->has_offset ? offset_ms - shifts->offset_ms : 0;
    bool stepped = step_ms > STEP_MS || step_ms < -STEP_MS;
    if (!shifts->has_offset || stepped) {
        shifts->offset_ms = offset_ms;
        shifts->next_ms = INT64_MIN;
    }
    if (stepped)
        shifts->known_ms += step_ms;
    step->wall_ms = wall_of(shifts, at->boot_ms);
    for (size_t i = 0; i < PERFORMANCE_QUANTITIES; i++) {
        shifts->read_ms[i] += stepped ? step_ms : 0;
        if (shifts->read_ms[i] > step->wall_ms)
            shifts->read_ms[i] = 0;
    }
    bool set_back_before = !shifts->has_offset && shifts->known_ms > step->wall_ms;
    if (!shifts->started || set_back_before)
        shifts->known_ms = step->wall_ms;
    shifts->has_offset = shifts->started = true;
}

/* --- times and stops --- */

static void add_piece(void *context, const struct performance_piece *piece)
{
    struct shifts *shifts = context;
    shift_period_add(&shifts->before, *piece);
    shift_period_add(&shifts->now, *piece);
}

/* All that is settled up to the limit. */
static void add_times(struct step *step, int64_t limit_ms)
{
    struct shifts *shifts = step->shifts;
    struct tally_clock clock = {.offset_ms = shifts->offset_ms,
                                .known_ms = shifts->known_ms,
                                .limit_ms = limit_ms,
                                .add = add_piece,
                                .context = shifts};
    tally_times(&clock, step->poll);
    shifts->known_ms = clock.known_ms;
}

static void add_stops(const struct step *step, struct shift_period *period)
{
    tally_stops(period, step->poll, step->shifts->offset_ms);
}

/* --- shifts begin and end --- */

static bool is_counted(const struct shifts *shifts, size_t quantity)
{
    return (shifts->counted >> quantity & 1) != 0;
}

/* Whether all was read at its end or later. */
static bool are_counts_in(const struct shifts *shifts, const struct shift_period *period)
{
    for (size_t i = 0; i < PERFORMANCE_QUANTITIES; i++)
        if (is_counted(shifts, i) && shifts->read_ms[i] < period->end_ms)
            return false;
    return true;
}

static void tell_record(const struct step *step, const struct shift_period *period)
{
    const struct shifts *shifts = step->shifts;
    const struct machine *machine = shifts->machine;
    const struct instant *at = step->poll->at;
    char room[SHIFT_KEY_ROOM];
    const struct performance_plan plan = {period->busy_ms, machine->ideal_ms};
    struct shifts_record record = {
        .key = shift_period_key(period, room),
        .calendar = machine->calendar->name,
        .end = {.wall_ms = period->end_ms,
                .boot_ms = period->end_ms - shifts->offset_ms,
                .synced = at->synced},
        .length_ms = period->end_ms - period->begin_ms,
        .performance = performance_tell(&period->performance, &plan),
    };
    for (size_t i = 0; i < PERFORMANCE_QUANTITIES; i++) {
        bool is_in = is_counted(shifts, i) && shifts->read_ms[i] >= period->end_ms;
        record.from_uncertain[i] =
            is_counted(shifts, i) ? period->from_uncertain[i] : PERFORMANCE_NULL;
        record.to_uncertain[i] = is_in ? period->to_uncertain[i] : PERFORMANCE_NULL;
    }
    step->report(step->context, &record);
}

/* It is over at that time at the latest, and told; where it was before, once more if that says
 * more. Then it is done with, or waits for its counters. */
static void tell(struct step *step, struct shift_period *period, int64_t end_ms)
{
    if (!period->open)
        return;
    shift_period_finish(period, end_ms);
    bool is_in = are_counts_in(step->shifts, period);
    if (period->told)
        performance_revise(&period->performance);
    if (!period->told || is_in)
        tell_record(step, period);
    performance_close(&period->performance);
    period->told = true;
    if (is_in)
        *period = (struct shift_period){0};
    step->shifts->should_keep = true;
}

/* The same, and it waits for nothing. */
static void tell_at_last(struct step *step, struct shift_period *period, int64_t end_ms)
{
    tell(step, period, end_ms);
    *period = (struct shift_period){0};
}

/* Whether the clock was set back a little, into a shift that is over or to before the one that is
 * on. */
static bool is_set_back(const struct step *step)
{
    const struct shifts *shifts = step->shifts;
    if (shifts->now.open && step->wall_ms < shifts->now.begin_ms)
        return step->wall_ms >= shifts->now.begin_ms - BACK_MS;
    return !shifts->now.open && step->wall_ms < shifts->over_ms &&
           step->wall_ms >= shifts->over_ms - BACK_MS;
}

/* The shift that was on is over, or should not be on by the calendar or the clock. */
static void leave(struct step *step)
{
    struct shifts *shifts = step->shifts;
    if (!shifts->now.open)
        return;
    add_times(step, shifts->now.end_ms);
    add_stops(step, &shifts->before);
    add_stops(step, &shifts->now);
    tell_at_last(step, &shifts->before, INT64_MAX);
    if (step->wall_ms < shifts->now.begin_ms)
        tell_at_last(step, &shifts->now, INT64_MAX);
    else if (step->wall_ms < shifts->now.end_ms)
        tell_at_last(step, &shifts->now, step->wall_ms);
    shifts->over_ms = step->wall_ms;
    if (shifts->now.open)
        shifts->over_ms = shifts->now.end_ms;
    shifts->before = shifts->now;
    shifts->now = (struct shift_period){0};
}

/* Looks which shift is on. True if stops are in by now, but those of a shift that has begun. */
static bool look_up(struct step *step)
{
    struct shifts *shifts = step->shifts;
    struct shift_now on = shift_at(shifts->machine->calendar, step->wall_ms);
    shifts->next_ms = on.next_ms;
    if (is_set_back(step))
        return false;
    if (on.running && shift_period_is(&shifts->now, &on.instance)) {
        shifts->now.end_ms = on.instance.end_ms;
        shifts->now.busy_ms = on.instance.busy_ms;
        return false;
    }
    bool left = shifts->now.open;
    leave(step);
    if (on.running)
        shifts->now = shift_period_begin(&on.instance, shifts->counted);
    shifts->should_keep = shifts->should_keep || left || on.running;
    return left;
}

/* --- counts --- */

void shifts_count(struct shifts *shifts, enum counts counts, int64_t delta, bool inferred)
{
    if (delta <= 0)
        return;
    if (shifts->now.open) {
        performance_add_count(&shifts->now.performance, counts, delta, inferred);
        if (shifts->read_ms[counts] < shifts->now.begin_ms)
            shifts->now.from_uncertain[counts] += delta;
    }
    if (shifts->before.open && shifts->read_ms[counts] < shifts->before.end_ms)
        shifts->before.to_uncertain[counts] += delta;
}

static void add_counts(struct step *step)
{
    struct shifts *shifts = step->shifts;
    struct tally_sum sums[PERFORMANCE_QUANTITIES];
    tally_counts(shifts->machine, step->poll->counters, sums);
    for (size_t i = 0; i < PERFORMANCE_QUANTITIES; i++) {
        shifts_count(shifts, (enum counts)i, sums[i].total - shifts->sums[i].total,
                     sums[i].inferred > shifts->sums[i].inferred);
        if (sums[i].read_ms != shifts->sums[i].read_ms && sums[i].read_ms != COUNTER_TIME_UNKNOWN)
            shifts->read_ms[i] = wall_of(shifts, sums[i].read_ms);
        shifts->sums[i] = sums[i];
    }
}

void shifts_take(struct shifts *shifts, const struct tally_poll *poll, shifts_report_fn *report,
                 void *context)
{
    struct step step = {.shifts = shifts, .poll = poll, .report = report, .context = context};
    if (is_held(shifts, poll->at))
        return;
    follow_clock(&step);
    bool stops_are_in = step.wall_ms >= shifts->next_ms && look_up(&step);
    add_times(&step, INT64_MAX);
    if (!stops_are_in)
        add_stops(&step, &shifts->before);
    add_stops(&step, &shifts->now);
    add_counts(&step);
    tally_speed(&shifts->speed, &shifts->now, poll, shifts->offset_ms);
    bool due = !shifts->before.told || are_counts_in(shifts, &shifts->before);
    if (shifts->before.open && shifts->known_ms >= shifts->before.end_ms && due)
        tell(&step, &shifts->before, INT64_MAX);
}

void shifts_recount(struct shifts *shifts, const struct counters *counters)
{
    tally_counts(shifts->machine, counters, shifts->sums);
}
