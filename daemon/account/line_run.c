#include "line_run_internal.h"

#include <math.h>
#include <string.h>

#include "clock.h"

enum {
    LATE_MS = 60 * 1000, /* what a machine did is told by then */
    STEP_LATE_MS = 1000, /* and a step of the clock by then */
    STEP_SEEN_MS = 2000, /* what was told so shortly before it is may go by the new clock */
};

/* Nobody saw when it was. */
#define VERY_UNCERTAIN_MS (INT64_C(1) << 40)

static const struct line_doing nothing = {.state = STATE_UNKNOWN};

struct line_run line_run_begin(const struct production_line *config)
{
    struct line_run run = {.config = config,
                           .since_ms = LINE_TIME_UNKNOWN,
                           .view = {.cause = LINE_NOBODY, .bottleneck = LINE_NOBODY}};

    for (size_t i = 0; i < PRODUCTION_LINE_MOST; i++)
        run.members[i] = (struct line_member){
            .halted_ms = LINE_TIME_UNKNOWN, .ended_ms = LINE_TIME_UNKNOWN, .reserve = NAN};
    return run;
}

static bool is_same(struct line_doing a, struct line_doing b)
{
    return a.state == b.state && a.reason == b.reason;
}

/* --- the order of time --- */

static void drop_first_change(struct line_run *run)
{
    run->change_count--;
    memmove(run->changes, run->changes + 1, run->change_count * sizeof *run->changes);
}

static void apply_changes(struct line_run *run, int64_t until_ms)
{
    while (run->change_count > 0 && run->changes[0].at_ms <= until_ms) {
        line_apply(run, &run->changes[0]);
        drop_first_change(run);
    }
}

void line_account(struct line_run *run, int64_t to_ms)
{
    apply_changes(run, run->known_ms);
    while (run->known_ms < to_ms) {
        int64_t next_ms = to_ms;
        if (run->change_count > 0 && run->changes[0].at_ms < next_ms)
            next_ms = run->changes[0].at_ms;
        struct line_view view = line_look(run);
        line_add_piece(run, next_ms, &view);
        apply_changes(run, run->known_ms);
    }
}

/* For one more change: long enough after the first it is known what the delivery did by then. */
static void make_room(struct line_run *run, int64_t at_ms)
{
    int64_t first_ms = run->changes[0].at_ms;

    if (line_is_halt(run->members[run->config->delivery].doing.state) &&
        at_ms - first_ms >= LATE_MS)
        line_account(run, first_ms);
    if (run->change_count == LINE_CHANGES) {
        line_apply(run, &run->changes[0]);
        drop_first_change(run);
    }
}

/* What the others did is applied in its time. */
static void add_change(struct line_run *run, const struct line_change *change)
{
    if (run->change_count == LINE_CHANGES)
        make_room(run, change->at_ms);

    size_t at = run->change_count;
    while (at > 0 && run->changes[at - 1].at_ms > change->at_ms)
        at--;
    memmove(run->changes + at + 1, run->changes + at,
            (run->change_count - at) * sizeof *run->changes);
    run->changes[at] = *change;
    run->change_count++;
}

/* From then on the machine does that, as far as is known. */
static void change(struct line_run *run, size_t member, struct line_doing doing, int64_t at_ms,
                   int64_t uncertain_ms)
{
    const struct line_change one = {
        .member = (uint8_t)member, .doing = doing, .at_ms = at_ms, .uncertain_ms = uncertain_ms};

    if (member != run->config->delivery) {
        add_change(run, &one);
        return;
    }
    apply_changes(run, at_ms);
    line_apply(run, &one);
}

/* The delivery's time up to there, of which it told nothing. */
static void account_nothing(struct line_run *run, int64_t to_ms)
{
    size_t delivery = run->config->delivery;

    if (to_ms <= run->known_ms)
        return;
    change(run, delivery, nothing, run->known_ms, 0);
    line_account(run, to_ms);
}

/* What is told late is not since before what was told already; but that may have been told by a
 * clock that was far ahead. */
static int64_t since(const struct line_run *run, int64_t at_ms)
{
    bool is_ahead = run->since_ms > at_ms + LINE_BACK_MS;

    return is_ahead || at_ms > run->since_ms ? at_ms : run->since_ms;
}

static void see_view(struct line_run *run, int64_t at_ms)
{
    struct line_run later = *run;

    apply_changes(&later, INT64_MAX);
    struct line_view view = line_look(&later);
    if (run->since_ms == LINE_TIME_UNKNOWN || view.cause != run->view.cause ||
        !is_same(view.doing, run->view.doing))
        run->since_ms = since(run, at_ms);
    run->view = view;
}

void line_run_interval(struct line_run *run, size_t member, const struct line_interval *interval)
{
    struct line_member *one = &run->members[member];
    bool delivers = member == run->config->delivery;
    int64_t from_ms = interval->from_ms != LINE_TIME_UNKNOWN ? interval->from_ms : interval->to_ms;

    if (delivers && !run->started && !run->disbelieved) {
        run->started = true;
        run->known_ms = from_ms;
    }
    bool counts = delivers && run->started && !run->disbelieved;
    if (counts)
        account_nothing(run, from_ms);
    if (!is_same(delivers ? one->doing : one->latest, interval->doing))
        change(run, member, interval->doing, from_ms,
               one->ended_ms == LINE_TIME_UNKNOWN ? VERY_UNCERTAIN_MS : one->ended_uncertain_ms);
    if (counts)
        line_account(run, interval->to_ms);
    one->latest = interval->doing;
    one->ended_ms = interval->to_ms;
    one->ended_uncertain_ms = interval->uncertain_ms;
    see_view(run, from_ms);
}

/* The machine does something else, and told when what it did before has ended, or not. */
static void turn(struct line_run *run, size_t member, int64_t at_ms)
{
    struct line_member *one = &run->members[member];
    bool ended = one->ended_ms != LINE_TIME_UNKNOWN;
    int64_t from_ms = ended ? one->ended_ms : at_ms;

    if (member == run->config->delivery && !run->disbelieved) {
        if (run->started)
            account_nothing(run, from_ms);
        else
            run->known_ms = from_ms;
        run->started = true;
    }
    one->latest = one->shown;
    change(run, member, one->shown, from_ms, ended ? one->ended_uncertain_ms : VERY_UNCERTAIN_MS);
    see_view(run, from_ms);
}

void line_run_reading(struct line_run *run, size_t member, const struct line_doing *doing,
                      int64_t at_ms)
{
    struct line_member *one = &run->members[member];

    if (doing)
        one->shown = *doing;
    if (!is_same(one->shown, one->latest))
        turn(run, member, at_ms);
    one->ended_ms = LINE_TIME_UNKNOWN;
}

void line_run_reserve(struct line_run *run, size_t member, double reserve)
{
    run->members[member].reserve = reserve;
    see_view(run, run->since_ms);
}

const struct line_view *line_run_view(const struct line_run *run)
{
    return &run->view;
}

/* --- the clock --- */

/* Of the time up to there nothing is known; behind it the delivery does what it told. */
static void pass_over(struct line_run *run, int64_t to_ms)
{
    size_t delivery = run->config->delivery;

    account_nothing(run, to_ms);
    change(run, delivery, run->members[delivery].latest, run->known_ms, VERY_UNCERTAIN_MS);
}

void line_run_clock(struct line_run *run, const struct instant *at)
{
    bool was_disbelieved = run->disbelieved;

    run->disbelieved = !clock_was_set(at);
    if (run->disbelieved || !run->started)
        return;
    if (run->known_ms > at->wall_ms + LINE_BACK_MS)
        run->known_ms = at->wall_ms;
    if (was_disbelieved)
        pass_over(run, at->wall_ms);
}

/* Unless it is told by the clock as it is set by now. */
static void step_since(struct line_run *run, int64_t at_ms, int64_t step_ms)
{
    bool is_new = run->since_ms > at_ms - STEP_SEEN_MS && run->since_ms <= at_ms;

    if (run->since_ms != LINE_TIME_UNKNOWN && !is_new)
        run->since_ms += step_ms;
}

void line_run_step(struct line_run *run, int64_t at_ms, int64_t step_ms)
{
    step_since(run, at_ms, step_ms);
    if (!run->started || run->disbelieved || run->known_ms > at_ms - step_ms + STEP_LATE_MS)
        return;
    line_account(run, at_ms - step_ms);
    if (step_ms > 0)
        pass_over(run, at_ms);
    for (size_t i = 0; i < run->change_count; i++) {
        run->changes[i].at_ms += step_ms;
        run->changes[i].uncertain_ms = VERY_UNCERTAIN_MS;
    }
    for (size_t i = 0; i < run->config->machine_count; i++)
        run->members[i].halted_ms = LINE_TIME_UNKNOWN;
}
