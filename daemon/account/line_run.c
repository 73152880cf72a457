#include "line_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    BACK_MS = 3600 * 1000, /* what the clock is set back further begins anew */
    LATE_MS = 60 * 1000,   /* what a machine did is told by then */
    STEP_LATE_MS = 1000,   /* and a step of the clock by then */
};

#define YEAR_2020_MS INT64_C(1577836800000)

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

static bool is_known(enum machine_state state)
{
    return state != STATE_UNKNOWN && state != STATE_OFFLINE;
}

static bool is_halt(enum machine_state state)
{
    return is_known(state) && state != STATE_PRODUCTION;
}

/* --- what the line does --- */

static bool tells_state(const struct line_run *run, size_t member)
{
    return run->config->machines[member]->state != NULL;
}

static bool holds_up(const struct line_run *run, size_t member)
{
    return is_halt(run->members[member].doing.state) && !run->members[member].left_out;
}

/* From the worst on. */
static int rank(enum machine_state state)
{
    static const int ranks[MACHINE_STATES] = {
        [STATE_FAULT] = 6, [STATE_MAINTENANCE] = 5, [STATE_STOPPED] = 4,
        [STATE_SETUP] = 3, [STATE_CLEANUP] = 2,     [STATE_IDLE] = 1,
    };
    return ranks[state];
}

/* Who is not known to have stopped did so last. */
static bool stopped_before(const struct line_member *a, const struct line_member *b)
{
    if (a->halted_ms == LINE_TIME_UNKNOWN || b->halted_ms == LINE_TIME_UNKNOWN)
        return a->halted_ms != LINE_TIME_UNKNOWN && b->halted_ms == LINE_TIME_UNKNOWN;
    return a->halted_ms < b->halted_ms;
}

static int find_cause(const struct line_run *run)
{
    int cause = LINE_NOBODY;

    for (size_t i = 0; i < run->config->machine_count; i++) {
        const struct line_member *member = &run->members[i];
        if (!holds_up(run, i))
            continue;
        int worse = cause == LINE_NOBODY
                        ? 1
                        : rank(member->doing.state) - rank(run->members[cause].doing.state);
        if (worse > 0 || (worse == 0 && stopped_before(member, &run->members[cause])))
            cause = (int)i;
    }
    return cause;
}

/* Whether each machine that tells a state tells it now. */
static bool all_known(const struct line_run *run)
{
    for (size_t i = 0; i < run->config->machine_count; i++)
        if (tells_state(run, i) && !is_known(run->members[i].doing.state))
            return false;
    return true;
}

static int find_first_stopped(const struct line_run *run)
{
    int first = LINE_NOBODY;

    for (size_t i = 0; i < run->config->machine_count; i++)
        if (holds_up(run, i) &&
            (first == LINE_NOBODY || stopped_before(&run->members[i], &run->members[first])))
            first = (int)i;
    for (size_t i = 0; first != LINE_NOBODY && i < run->config->machine_count; i++) {
        const struct line_member *member = &run->members[i];
        if ((int)i == first || !holds_up(run, i))
            continue;
        if (member->halted_ms == LINE_TIME_UNKNOWN ||
            member->halted_ms - member->halted_uncertain_ms <= run->members[first].halted_ms)
            return LINE_NOBODY;
    }
    return first != LINE_NOBODY && run->members[first].halted_ms != LINE_TIME_UNKNOWN ? first
                                                                                      : LINE_NOBODY;
}

static int find_least_reserve(const struct line_run *run)
{
    int least = LINE_NOBODY;

    for (size_t i = 0; i < run->config->machine_count; i++) {
        const struct line_member *member = &run->members[i];
        if (!tells_state(run, i))
            continue;
        if (member->doing.state != STATE_PRODUCTION || isnan(member->reserve))
            return LINE_NOBODY;
        if (least == LINE_NOBODY || member->reserve < run->members[least].reserve)
            least = (int)i;
    }
    return least;
}

static struct line_view look(const struct line_run *run)
{
    size_t delivery = run->config->delivery;
    struct line_view view = {
        .doing = run->members[delivery].doing, .cause = (int)delivery, .bottleneck = LINE_NOBODY};

    if (view.doing.state == STATE_PRODUCTION)
        view.bottleneck = find_least_reserve(run);
    if (!is_halt(view.doing.state))
        return view;
    view.cause = find_cause(run);
    view.doing = run->members[view.cause].doing;
    if (all_known(run))
        view.bottleneck = find_first_stopped(run);
    return view;
}

/* A machine does something else; the delivery's begin of production is the line's. */
static void apply(struct line_run *run, const struct line_change *change)
{
    struct line_member *member = &run->members[change->member];
    enum machine_state before = member->doing.state, state = change->doing.state;

    member->doing = change->doing;
    if (!is_halt(state) || !is_known(before)) {
        member->halted_ms = LINE_TIME_UNKNOWN;
    } else if (before == STATE_PRODUCTION) {
        member->halted_ms = change->at_ms;
        member->halted_uncertain_ms = change->uncertain_ms;
    }
    if (state == STATE_PRODUCTION)
        member->left_out = false;
    if (change->member != run->config->delivery || state != STATE_PRODUCTION ||
        before == STATE_PRODUCTION)
        return;
    for (size_t i = 0; i < run->config->machine_count; i++)
        run->members[i].left_out = is_halt(run->members[i].doing.state);
}

/* --- shifts --- */

static int64_t observed_ms(const struct line_period *period)
{
    int64_t sum = 0;

    for (size_t i = 0; i < PERFORMANCE_TIMES; i++)
        sum += period->times_ms[i];
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
    int64_t known_ms = period->begin_ms + observed_ms(period);

    to_ms = lower(to_ms, period->end_ms);
    if (from_ms > known_ms) {
        period->times_ms[PERFORMANCE_UNKNOWN] += lower(from_ms, period->end_ms) - known_ms;
        known_ms = lower(from_ms, period->end_ms);
    }
    if (to_ms <= known_ms)
        return;
    period->times_ms[performance_time_of(view->doing.state)] += to_ms - known_ms;
    if (is_halt(view->doing.state) && view->bottleneck != LINE_NOBODY)
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
        (at_ms >= run->now.end_ms || at_ms < run->now.begin_ms - (int64_t)BACK_MS)) {
        run->before = run->now;
        run->now.open = false;
    }
}

static void add_piece(struct line_run *run, int64_t to_ms, const struct line_view *view)
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

/* --- the order of time --- */

static void drop_first_change(struct line_run *run)
{
    run->change_count--;
    memmove(run->changes, run->changes + 1, run->change_count * sizeof *run->changes);
}

static void apply_changes(struct line_run *run, int64_t until_ms)
{
    while (run->change_count > 0 && run->changes[0].at_ms <= until_ms) {
        apply(run, &run->changes[0]);
        drop_first_change(run);
    }
}

/* Times are known up to there: the delivery machine did all the while what it does in `run`. */
static void account(struct line_run *run, int64_t to_ms)
{
    apply_changes(run, run->known_ms);
    while (run->known_ms < to_ms) {
        int64_t next_ms = to_ms;
        if (run->change_count > 0)
            next_ms = lower(next_ms, run->changes[0].at_ms);
        struct line_view view = look(run);
        add_piece(run, next_ms, &view);
        apply_changes(run, run->known_ms);
    }
}

/* For one more change: long enough after the first it is known what the delivery did by then. */
static void make_room(struct line_run *run, int64_t at_ms)
{
    int64_t first_ms = run->changes[0].at_ms;

    if (is_halt(run->members[run->config->delivery].doing.state) && at_ms - first_ms >= LATE_MS)
        account(run, first_ms);
    if (run->change_count == LINE_CHANGES) {
        apply(run, &run->changes[0]);
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
    apply(run, &one);
}

/* The delivery's time up to there, of which it told nothing. */
static void account_nothing(struct line_run *run, int64_t to_ms)
{
    size_t delivery = run->config->delivery;

    if (to_ms <= run->known_ms)
        return;
    change(run, delivery, nothing, run->known_ms, 0);
    account(run, to_ms);
}

static void see_view(struct line_run *run, int64_t at_ms)
{
    struct line_run later = *run;

    apply_changes(&later, INT64_MAX);
    struct line_view view = look(&later);
    if (run->since_ms == LINE_TIME_UNKNOWN || view.cause != run->view.cause ||
        !is_same(view.doing, run->view.doing))
        run->since_ms = at_ms > run->since_ms ? at_ms : run->since_ms;
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
    if (counts && interval->from_ms != LINE_TIME_UNKNOWN)
        account_nothing(run, from_ms);
    if (!is_same(delivers ? one->doing : one->latest, interval->doing))
        change(run, member, interval->doing, from_ms,
               one->ended_ms == LINE_TIME_UNKNOWN ? VERY_UNCERTAIN_MS : one->ended_uncertain_ms);
    if (counts)
        account(run, interval->to_ms);
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

    run->disbelieved = !at->synced && at->wall_ms < YEAR_2020_MS;
    if (run->disbelieved || !run->started)
        return;
    if (run->known_ms > at->wall_ms + BACK_MS)
        run->known_ms = at->wall_ms;
    if (was_disbelieved)
        pass_over(run, at->wall_ms);
}

void line_run_step(struct line_run *run, int64_t at_ms, int64_t step_ms)
{
    if (!run->started || run->disbelieved || run->known_ms > at_ms - step_ms + STEP_LATE_MS)
        return;
    account(run, at_ms - step_ms);
    if (step_ms > 0)
        pass_over(run, at_ms);
    for (size_t i = 0; i < run->change_count; i++) {
        run->changes[i].at_ms += step_ms;
        run->changes[i].uncertain_ms = VERY_UNCERTAIN_MS;
    }
    for (size_t i = 0; i < run->config->machine_count; i++)
        run->members[i].halted_ms = LINE_TIME_UNKNOWN;
}

/* --- what is told of a shift --- */

static bool has_key(const struct line_period *period, const char *key)
{
    const struct shift shift = {.name = period->name};
    const struct shift_instance instance = {.shift = &shift, .day = period->day};
    char room[SHIFT_KEY_ROOM];

    return period->open && strcmp(shift_key(&instance, room), key) == 0;
}

bool line_run_shift(struct line_run *run, const struct line_shift *shift,
                    struct line_shift_record *ret_record)
{
    struct line_shift_record record = {.length_ms = shift->length_ms};
    int64_t observed = 0;

    if (run->started && !run->disbelieved)
        account(run, shift->end_ms);
    if (has_key(&run->now, shift->key)) {
        run->before = run->now;
        run->now.open = false;
    }
    if (has_key(&run->before, shift->key)) {
        memcpy(record.times_ms, run->before.times_ms, sizeof record.times_ms);
        memcpy(record.held_ms, run->before.held_ms, sizeof record.held_ms);
        observed = observed_ms(&run->before);
    } else if (shift->revision > 1) {
        return false;
    }
    if (record.length_ms < observed)
        record.length_ms = observed;
    record.times_ms[PERFORMANCE_UNKNOWN] += record.length_ms - observed;
    *ret_record = record;
    return true;
}
