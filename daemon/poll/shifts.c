#include "shifts.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "shifts_internal.h"

enum {
    STEP_MS = 1000,        /* a smaller step of the wall clock is left for the next to add to */
    BACK_MS = 3600 * 1000, /* by so much it may be set back, and no shift comes back */
    DOUBT_MS = 600 * 1000, /* for so long one that is further back is not believed */
    SPEED_PERIODS = 3,     /* for so many a speed that was read is taken for what it is */
};

#define YEAR_2020_MS INT64_C(1577836800000)

/* One call of shifts_take. */
struct step {
    struct shifts *shifts;
    const struct shifts_poll *poll;
    int64_t wall_ms;
    shifts_report_fn *report;
    void *context;
};

static uint16_t find_tag(const struct machine *machine, const char *name)
{
    for (size_t i = 0; i < machine->tag_count; i++)
        if (strcmp(machine->tags[i].name, name) == 0 && machine->tags[i].type != TYPE_STRING)
            return (uint16_t)i;
    return STATE_NO_TAG;
}

void shifts_sum(const struct shifts *shifts, const struct counters *counters,
                struct shifts_sum ret_sums[PERFORMANCE_QUANTITIES])
{
    const struct meaning *meaning = shifts->machine->meaning;
    memset(ret_sums, 0, PERFORMANCE_QUANTITIES * sizeof(*ret_sums));
    for (size_t i = 0; counters != NULL && i < meaning->counter_count; i++) {
        enum counts counts = meaning->counters[i].config->counts;
        int64_t total, inferred;
        if (counts == COUNTS_OTHER)
            continue;
        counters_look(counters, i, &total, &inferred);
        struct shifts_sum *sum = &ret_sums[counts];
        if (__builtin_add_overflow(sum->total, total, &sum->total))
            sum->total = INT64_MAX;
        sum->inferred += inferred;
    }
}

struct shifts *shifts_new(const struct machine *machine, const struct counters *counters,
                          struct standings *standings)
{
    if (!machine_has_shifts(machine))
        return NULL;
    struct shifts *shifts = mem_alloc(sizeof(*shifts));
    shifts->machine = machine;
    shifts->counted = performance_counted(machine);
    shifts->speed = find_tag(machine, "speed");
    shifts->speed_at_ms = STATE_TIME_UNKNOWN;
    shifts_sum(shifts, counters, shifts->sums);
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
    bool early = !at->synced && at->wall_ms < YEAR_2020_MS;
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
    bool set_back_before = !shifts->has_offset && shifts->known_ms > step->wall_ms;
    if (!shifts->started || set_back_before)
        shifts->known_ms = step->wall_ms;
    shifts->has_offset = shifts->started = true;
}

/* --- times and stops --- */

static void add_piece(struct shifts *shifts, const struct performance_piece *piece)
{
    shift_period_add(&shifts->before, *piece);
    shift_period_add(&shifts->now, *piece);
}

/* From what is known, or from later on, to a time; the last of it is uncertain. */
static void add_time(struct step *step, struct performance_piece piece, int64_t uncertain_ms,
                     int64_t limit_ms)
{
    struct shifts *shifts = step->shifts;
    int64_t certain_to_ms = piece.to_ms - uncertain_ms;
    if (piece.from_ms < shifts->known_ms)
        piece.from_ms = shifts->known_ms;
    if (piece.to_ms > limit_ms)
        piece.to_ms = limit_ms;
    if (piece.to_ms <= piece.from_ms)
        return;
    shifts->known_ms = piece.to_ms;
    struct performance_piece certain = performance_cut(&piece, certain_to_ms);
    add_piece(shifts, &certain);
    piece.uncertain = performance_time_of(piece.state) != PERFORMANCE_UNKNOWN;
    add_piece(shifts, &piece);
}

static int64_t from_of(const struct step *step, int64_t boot_ms)
{
    return boot_ms == STATE_TIME_UNKNOWN ? step->shifts->known_ms : wall_of(step->shifts, boot_ms);
}

static void add_interval(struct step *step, const struct state_report *report, int64_t limit_ms)
{
    if (report->to_ms == STATE_TIME_UNKNOWN)
        return;
    const struct performance_piece piece = {
        .state = report->state,
        .from_ms = from_of(step, report->from_ms),
        .to_ms = wall_of(step->shifts, report->to_ms),
    };
    add_time(step, piece, report->to_uncertain_ms, limit_ms);
}

/* All that is settled up to the limit. */
static void add_times(struct step *step, int64_t limit_ms)
{
    const struct shifts_poll *poll = step->poll;
    struct performance_piece piece = {
        .state = STATE_UNKNOWN, .from_ms = step->shifts->known_ms, .to_ms = step->wall_ms};
    for (size_t i = 0; i < poll->report_count; i++)
        if (poll->reports[i].kind == STATE_REPORT_INTERVAL)
            add_interval(step, &poll->reports[i], limit_ms);
    if (poll->phase != NULL) {
        if (poll->settled_ms == STATE_TIME_UNKNOWN)
            return;
        piece.state = poll->phase->state;
        piece.from_ms = from_of(step, poll->phase->since_ms);
        piece.to_ms = wall_of(step->shifts, poll->settled_ms);
    }
    add_time(step, piece, 0, limit_ms);
}

static void add_stop(const struct step *step, struct shift_period *period,
                     const struct state_report *report)
{
    int64_t to_ms = wall_of(step->shifts, report->to_ms), within_ms = to_ms - period->begin_ms;
    if (within_ms <= 0 || to_ms > period->end_ms)
        return;
    struct performance_stop stop = {.duration_ms = report->duration_ms, .micro = report->micro};
    if (stop.duration_ms < 0 || stop.duration_ms > within_ms)
        stop.duration_ms = within_ms;
    performance_add_stop(&period->performance, &stop);
}

static void add_stops(const struct step *step, struct shift_period *period)
{
    const struct shifts_poll *poll = step->poll;
    for (size_t i = 0; period->open && i < poll->report_count; i++)
        if (poll->reports[i].kind == STATE_REPORT_STOP &&
            poll->reports[i].to_ms != STATE_TIME_UNKNOWN)
            add_stop(step, period, &poll->reports[i]);
}

/* --- shifts begin and end --- */

/* It is over at that time at the latest, and told. */
static void tell(struct step *step, struct shift_period *period, int64_t end_ms)
{
    const struct machine *machine = step->shifts->machine;
    const struct instant *at = step->poll->at;
    char room[SHIFT_KEY_ROOM];
    if (!period->open)
        return;
    shift_period_finish(period, end_ms);
    const struct performance_plan plan = {period->busy_ms, machine->ideal_ms};
    const struct shifts_record record = {
        .key = shift_period_key(period, room),
        .calendar = machine->calendar->name,
        .end = {.wall_ms = period->end_ms,
                .boot_ms = period->end_ms - step->shifts->offset_ms,
                .synced = at->synced},
        .length_ms = period->end_ms - period->begin_ms,
        .performance = performance_tell(&period->performance, &plan),
    };
    step->report(step->context, &record);
    *period = (struct shift_period){0};
    step->shifts->should_keep = true;
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
    tell(step, &shifts->before, INT64_MAX);
    if (step->wall_ms < shifts->now.begin_ms)
        tell(step, &shifts->now, INT64_MAX);
    else if (step->wall_ms < shifts->now.end_ms)
        tell(step, &shifts->now, step->wall_ms);
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

/* --- counts and speeds --- */

static void add_counts(struct step *step)
{
    struct shifts *shifts = step->shifts;
    struct shifts_sum sums[PERFORMANCE_QUANTITIES];
    shifts_sum(shifts, step->poll->counters, sums);
    for (size_t i = 0; i < PERFORMANCE_QUANTITIES; i++) {
        int64_t delta = sums[i].total - shifts->sums[i].total;
        if (shifts->now.open && delta > 0)
            performance_add_count(&shifts->now.performance, (enum counts)i, delta,
                                  sums[i].inferred > shifts->sums[i].inferred);
        shifts->sums[i] = sums[i];
    }
}

static void add_speed(struct step *step, const struct sample *sample)
{
    struct shifts *shifts = step->shifts;
    const struct shifts_poll *poll = step->poll;
    int64_t at_ms = poll->at->boot_ms, before_ms = shifts->speed_at_ms;
    shifts->speed_at_ms = at_ms;
    if (sample->quality != QUALITY_GOOD)
        shifts->speed_at_ms = STATE_TIME_UNKNOWN;
    if (sample->quality != QUALITY_GOOD || before_ms == STATE_TIME_UNKNOWN || !shifts->now.open)
        return;
    int64_t most_ms = SPEED_PERIODS * shifts->machine->tags[shifts->speed].every_ms;
    int64_t lasted_ms = at_ms - before_ms, within_ms = step->wall_ms - shifts->now.begin_ms;
    lasted_ms = lasted_ms < most_ms ? lasted_ms : most_ms;
    lasted_ms = lasted_ms < within_ms ? lasted_ms : within_ms;
    if (lasted_ms > 0)
        performance_add_speed(&shifts->now.performance,
                              poll->phase != NULL ? poll->phase->state : STATE_UNKNOWN,
                              value_number(&sample->value), lasted_ms);
}

static void add_speeds(struct step *step)
{
    const struct shifts_poll *poll = step->poll;
    for (size_t i = 0; i < poll->count; i++)
        if (poll->samples[i].tag == step->shifts->speed)
            add_speed(step, &poll->samples[i]);
}

void shifts_take(struct shifts *shifts, const struct shifts_poll *poll, shifts_report_fn *report,
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
    add_speeds(&step);
    if (shifts->before.open && shifts->known_ms >= shifts->before.end_ms)
        tell(&step, &shifts->before, INT64_MAX);
}

void shifts_recount(struct shifts *shifts, const struct counters *counters)
{
    shifts_sum(shifts, counters, shifts->sums);
}
