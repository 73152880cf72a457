/* What a line did in its shifts. */
#include <stdio.h>
#include <string.h>

#include "line_run_internal.h"

static int64_t sum_of(const int64_t *times_ms, size_t count)
{
    int64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += times_ms[i];
    return sum;
}

static int64_t lower(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* What of the piece lies within the shift and is not known yet; what was left out is unknown. */
static void add_to_period(struct line_period *period, int64_t from_ms, int64_t to_ms,
                          const struct line_view *view)
{
    int64_t known_ms = period->begin_ms + sum_of(period->times_ms, PERFORMANCE_TIMES);

    to_ms = lower(to_ms, period->end_ms);
    if (from_ms > known_ms) {
        period->times_ms[PERFORMANCE_UNKNOWN] += lower(from_ms, period->end_ms) - known_ms;
        known_ms = lower(from_ms, period->end_ms);
    }
    if (to_ms <= known_ms)
        return;
    period->times_ms[performance_time_of(view->doing.state)] += to_ms - known_ms;
    if (line_is_halt(view->doing.state) && view->bottleneck != LINE_NOBODY)
        period->held_ms[view->bottleneck] += to_ms - known_ms;
}

static void begin_period(struct line_period *period, const struct shift_instance *instance)
{
    *period = (struct line_period){.open = true,
                                   .day = instance->day,
                                   .begin_ms = instance->begin_ms,
                                   .end_ms = instance->end_ms};
    snprintf(period->name, sizeof period->name, "%s", instance->shift->name);
}

/* The shift that is on is over at that time, or the clock was set back to far before it. */
static void leave_period(struct line_run *run, int64_t at_ms)
{
    if (run->now.open &&
        (at_ms >= run->now.end_ms || at_ms < run->now.begin_ms - (int64_t)LINE_BACK_MS)) {
        run->before = run->now;
        run->now.open = false;
    }
}

void line_add_piece(struct line_run *run, int64_t to_ms, const struct line_view *view)
{
    const struct calendar *calendar = run->config->machines[run->config->delivery]->calendar;

    while (calendar && run->known_ms < to_ms) {
        int64_t end_ms = to_ms;
        leave_period(run, run->known_ms);
        if (!run->now.open) {
            struct shift_now on = shift_at(calendar, run->known_ms);
            if (on.running)
                begin_period(&run->now, &on.instance);
            else
                end_ms = lower(to_ms, on.next_ms);
        }
        if (run->now.open) {
            end_ms = lower(to_ms, run->now.end_ms);
            add_to_period(&run->now, run->known_ms, end_ms, view);
        }
        run->known_ms = end_ms;
    }
    run->known_ms = to_ms > run->known_ms ? to_ms : run->known_ms;
}

/* --- what is told of a shift --- */

static bool has_key(const struct line_period *period, const char *key)
{
    const struct shift shift = {.name = period->name};
    const struct shift_instance instance = {.shift = &shift, .day = period->day};
    char room[SHIFT_KEY_ROOM];

    return period->open && strcmp(shift_key(&instance, room), key) == 0;
}

static void take_from_largest(int64_t *times_ms, size_t count, int64_t excess_ms)
{
    while (excess_ms > 0) {
        size_t largest = 0;
        for (size_t i = 1; i < count; i++)
            if (times_ms[i] > times_ms[largest])
                largest = i;
        int64_t ms = lower(times_ms[largest], excess_ms);
        if (ms == 0)
            break;
        times_ms[largest] -= ms;
        excess_ms -= ms;
    }
}

/* Production is the delivery's own, and no less is unknown than of that: its record may differ by
 * some milliseconds from the intervals it told, as clocks do over a restart. The rest of what is
 * not known of the line is unknown. */
static void settle(struct line_shift_record *record, const struct line_shift *shift)
{
    int64_t *halts_ms = &record->times_ms[PERFORMANCE_SETUP];
    size_t count = PERFORMANCE_UNKNOWN - PERFORMANCE_SETUP;
    int64_t least_ms = shift->unknown_ms;

    record->length_ms = shift->length_ms;
    record->times_ms[PERFORMANCE_RUN] = shift->run_ms;
    int64_t most_ms = shift->length_ms - shift->run_ms - least_ms;
    take_from_largest(halts_ms, count, sum_of(halts_ms, count) - most_ms);
    record->times_ms[PERFORMANCE_UNKNOWN] =
        shift->length_ms - shift->run_ms - sum_of(halts_ms, count);
    take_from_largest(record->held_ms, PRODUCTION_LINE_MOST,
                      sum_of(record->held_ms, PRODUCTION_LINE_MOST) - sum_of(halts_ms, count));
}

bool line_run_shift(struct line_run *run, const struct line_shift *shift,
                    struct line_shift_record *ret_record)
{
    struct line_shift_record record = {.length_ms = 0};

    if (shift->run_ms < 0 || shift->unknown_ms < 0 || shift->run_ms > shift->length_ms ||
        shift->unknown_ms > shift->length_ms - shift->run_ms)
        return false;
    if (run->started && !run->disbelieved)
        line_account(run, shift->end_ms);
    if (has_key(&run->now, shift->key)) {
        run->before = run->now;
        run->now.open = false;
    }
    if (has_key(&run->before, shift->key)) {
        memcpy(record.times_ms, run->before.times_ms, sizeof record.times_ms);
        memcpy(record.held_ms, run->before.held_ms, sizeof record.held_ms);
    } else if (shift->revision > 1) {
        return false;
    }
    settle(&record, shift);
    *ret_record = record;
    return true;
}
