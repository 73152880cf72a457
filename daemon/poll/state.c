#include "state.h"

#include <assert.h>

/* One call of state_take. */
struct step {
    const struct state_config *config;
    struct state_run *run;
    int64_t at_ms;
    struct state_report *reports;
    size_t count;
};

enum kind { KIND_DARK, KIND_HALTED, KIND_PLANNED, KIND_PRODUCTION };

static enum kind kind_of(enum machine_state state)
{
    switch (state) {
    case STATE_UNKNOWN:
    case STATE_OFFLINE:
        return KIND_DARK;
    case STATE_SETUP:
    case STATE_CLEANUP:
    case STATE_MAINTENANCE:
        return KIND_PLANNED;
    case STATE_PRODUCTION:
        return KIND_PRODUCTION;
    default:
        return KIND_HALTED;
    }
}

static bool is_dark(const struct state_phase *phase)
{
    return kind_of(phase->state) == KIND_DARK;
}

static bool is_same(const struct state_phase *a, const struct state_phase *b)
{
    return a->state == b->state && a->reason == b->reason;
}

static struct state_report *add_report(struct step *step, enum state_report_kind kind)
{
    assert(step->count < STATE_MAX_REPORTS);
    struct state_report *report = &step->reports[step->count++];
    *report = (struct state_report){.kind = kind};
    return report;
}

static int64_t length_of(int64_t from_ms, int64_t to_ms)
{
    return from_ms == STATE_TIME_UNKNOWN ? -1 : to_ms - from_ms;
}

static void report_interval(struct step *step, const struct state_phase *next)
{
    const struct state_run *run = step->run;
    struct state_report *report = add_report(step, STATE_REPORT_INTERVAL);

    report->state = run->now.state;
    report->reason = run->now.reason;
    report->has_code = run->now.has_code;
    report->code = run->now.code;
    report->from_ms = run->timeless ? STATE_TIME_UNKNOWN : run->now.since_ms;
    report->to_ms = next->since_ms;
    report->from_uncertain_ms = run->now.uncertain_ms;
    report->to_uncertain_ms = next->uncertain_ms;
    report->duration_ms =
        length_of(run->now.since_ms, run->timeless ? run->seen_ms : next->since_ms);
}

static void report_stop(struct step *step, const struct state_phase *next)
{
    const struct state_stop *stop = &step->run->stop;
    struct state_report *report = add_report(step, STATE_REPORT_STOP);

    report->state = stop->state;
    report->reason = stop->reason;
    report->uncertain = stop->unsure;
    report->from_ms = stop->since_ms;
    report->to_ms = next->since_ms;
    report->from_uncertain_ms = stop->uncertain_ms;
    report->to_uncertain_ms = next->uncertain_ms;
    report->duration_ms = length_of(stop->since_ms, next->since_ms);
    report->micro = report->duration_ms >= 0 && report->duration_ms < step->config->micro_stop_ms;
}

static void report_beginning(struct step *step, const struct state_phase *next, bool uncertain)
{
    struct state_report *report =
        add_report(step, next->state == STATE_FAULT ? STATE_REPORT_FAULT : STATE_REPORT_START);

    report->state = next->state;
    report->reason = next->reason;
    report->has_code = next->has_code;
    report->code = next->code;
    report->uncertain = uncertain;
    report->from_ms = report->to_ms = next->since_ms;
    report->from_uncertain_ms = report->to_uncertain_ms = next->uncertain_ms;
}

/* What is without production, after a production, is a stop or a part of one. */
static void go_on_stopping(struct state_run *run, const struct state_phase *next)
{
    struct state_stop *stop = &run->stop;

    if (!run->produced)
        return;
    if (!stop->open) {
        *stop = (struct state_stop){
            .open = true, .since_ms = next->since_ms, .uncertain_ms = next->uncertain_ms};
    }
    if (is_dark(next)) {
        stop->unsure = true;
        return;
    }
    if (!stop->seen)
        stop->state = next->state;
    stop->seen = true;
    if (stop->reason == 0)
        stop->reason = next->reason;
}

static void end_stop(struct step *step, const struct state_phase *next)
{
    if (step->run->stop.open && step->run->stop.seen)
        report_stop(step, next);
    step->run->stop = (struct state_stop){0};
}

/* What follows from another phase, apart from the end of the one before. */
static void enter(struct step *step, const struct state_phase *next, bool produced_before,
                  bool uncertain)
{
    enum kind kind = kind_of(next->state);

    if (kind == KIND_PLANNED || kind == KIND_PRODUCTION)
        end_stop(step, next);
    else
        go_on_stopping(step->run, next);
    if (kind == KIND_PRODUCTION)
        step->run->produced = true;
    if (next->state == STATE_FAULT || (kind == KIND_PRODUCTION && !produced_before))
        report_beginning(step, next, uncertain);
    step->run->now = *next;
}

/* From what is now to another phase. */
static void turn(struct step *step, const struct state_phase *next)
{
    const struct state_phase *now = &step->run->now;
    bool produced_before = now->state == STATE_PRODUCTION, uncertain = is_dark(now);

    report_interval(step, next);
    enter(step, next, produced_before, uncertain);
}

/* What this poll saw begins here, if not earlier. */
static void turn_here(struct step *step, struct state_phase *seen, int64_t before_ms)
{
    seen->since_ms = step->at_ms;
    seen->uncertain_ms = step->at_ms - before_ms;
    turn(step, seen);
    step->run->seen_ms = step->at_ms;
}

static void stop_waiting(struct step *step)
{
    if (step->run->waits)
        turn(step, &step->run->next);
    step->run->waits = false;
}

static bool is_too_long(const struct step *step)
{
    return step->at_ms - step->run->seen_ms > step->config->offline_after_ms;
}

/* A time of which nothing is known, if it was too long to be passed over, was a phase of its own:
 * up to now, or up to the last poll if this one tells something. */
static void settle_dim(struct step *step, int64_t seen_ms)
{
    struct state_run *run = step->run;

    if (!run->is_dim || !is_too_long(step))
        return;
    stop_waiting(step);
    run->dim.since_ms = run->seen_ms;
    turn(step, &run->dim);
    run->seen_ms = seen_ms;
    run->is_dim = false;
}

static void take_dark(struct step *step, struct state_phase *seen)
{
    struct state_run *run = step->run;

    if (seen->state == STATE_UNKNOWN && run->now.state == STATE_UNKNOWN)
        settle_dim(step, run->polled_ms);
    if (seen->state == run->now.state) {
        run->seen_ms = step->at_ms;
        run->is_dim = false;
    } else if (run->now.state == STATE_OFFLINE) {
        turn_here(step, seen, run->seen_ms);
    } else {
        run->is_dim = true;
        run->dim = *seen;
        settle_dim(step, step->at_ms);
    }
}

static void take_other(struct step *step, struct state_phase *seen)
{
    struct state_run *run = step->run;

    if (step->config->debounce_ms == 0) {
        turn_here(step, seen, run->read_ms);
        return;
    }
    run->waits = true;
    run->next = *seen;
    run->next.since_ms = step->at_ms;
    run->next.uncertain_ms = step->at_ms - run->read_ms;
    run->seen_ms = step->at_ms;
}

static bool waited_enough(const struct step *step)
{
    const struct state_run *run = step->run;

    return run->waits && step->at_ms - run->next.since_ms >= step->config->debounce_ms;
}

/* Machines often tell why they stopped a little later than that they did. */
static void learn_reason(struct state_run *run, const struct state_phase *seen)
{
    if (run->waits && run->next.state == seen->state && run->next.reason == 0)
        run->next.reason = seen->reason;
}

static void take_told(struct step *step, struct state_phase *seen)
{
    struct state_run *run = step->run;

    settle_dim(step, run->polled_ms);
    run->is_dim = false;
    if (is_dark(&run->now)) {
        turn_here(step, seen, run->seen_ms);
        return;
    }
    if (waited_enough(step))
        stop_waiting(step);
    learn_reason(run, seen);
    if (run->waits && !is_same(&run->next, seen) && !is_same(&run->now, seen))
        stop_waiting(step);
    if (is_same(&run->now, seen)) {
        run->waits = false;
        run->seen_ms = step->at_ms;
    } else if (run->waits) {
        run->seen_ms = step->at_ms;
    } else {
        take_other(step, seen);
    }
}

static void take_first(struct step *step, struct state_phase *seen)
{
    seen->since_ms = step->at_ms;
    enter(step, seen, false, true);
    step->run->known = true;
    step->run->seen_ms = step->at_ms;
}

/* The gateway was away: unknown from what was seen last, to `until_ms`, where something is. */
static void turn_from_away(struct step *step, struct state_phase *seen, int64_t until_ms)
{
    struct state_run *run = step->run;
    struct state_phase away = {.state = STATE_UNKNOWN};
    bool is_known = run->now.since_ms != STATE_TIME_UNKNOWN;

    if (run->now.state != STATE_UNKNOWN || (run->timeless && is_known)) {
        away.since_ms = run->timeless ? STATE_TIME_UNKNOWN : run->seen_ms;
        turn(step, &away);
        if (run->timeless && run->stop.open)
            run->stop.since_ms = STATE_TIME_UNKNOWN;
    }
    run->resumed = run->timeless = false;
    run->seen_ms = step->at_ms;
    if (seen->state == STATE_UNKNOWN)
        return;
    seen->since_ms = until_ms;
    seen->uncertain_ms =
        run->repolled && until_ms == step->at_ms ? step->at_ms - run->polled_ms : 0;
    turn(step, seen);
}

static void take_resumed(struct step *step, struct state_phase *seen)
{
    struct state_run *run = step->run;
    bool within = !run->timeless && !is_too_long(step);

    if (within && is_same(&run->now, seen)) {
        run->resumed = false;
        run->seen_ms = step->at_ms;
    } else if (within && is_dark(seen)) {
        if (!run->repolled)
            run->repolled_ms = step->at_ms;
        run->repolled = true;
    } else {
        bool dim_before = run->repolled && is_dark(seen);
        turn_from_away(step, seen, dim_before ? run->repolled_ms : step->at_ms);
    }
}

/* A time that lies ahead, or further back than can be reckoned with, is of another clock. */
static void check_time(struct state_run *run, int64_t at_ms)
{
    if (run->timeless || run->seen_ms <= at_ms)
        return;
    if (run->now.since_ms != STATE_TIME_UNKNOWN)
        run->now.since_ms -= run->seen_ms;
    run->seen_ms = 0;
    run->timeless = true;
}

static struct state_phase phase_of(const struct state_run *run,
                                   const struct state_observation *seen)
{
    if (!seen)
        return (struct state_phase){.state = STATE_OFFLINE};
    struct state_phase phase = {.state = seen->state,
                                .reason = seen->reason,
                                .has_code = seen->has_code,
                                .code = seen->has_code ? seen->code : 0};
    if (is_dark(&phase))
        phase.reason = 0;
    else if (seen->reason_unsure && run->waits && run->next.state == phase.state)
        phase.reason = run->next.reason;
    else if (seen->reason_unsure)
        phase.reason = run->known && run->now.state == phase.state ? run->now.reason : 0;
    return phase;
}

size_t state_take(const struct state_config *config, struct state_run *run,
                  const struct state_observation *seen, int64_t at_ms,
                  struct state_report reports[STATE_MAX_REPORTS])
{
    struct step step = {.config = config, .run = run, .at_ms = at_ms, .reports = reports};
    struct state_phase phase = phase_of(run, seen);

    if (run->known && (!run->resumed || run->repolled) && at_ms < run->polled_ms)
        step.at_ms = run->polled_ms;
    if (run->resumed)
        check_time(run, step.at_ms);
    if (!run->known)
        take_first(&step, &phase);
    else if (run->resumed)
        take_resumed(&step, &phase);
    else if (is_dark(&phase))
        take_dark(&step, &phase);
    else
        take_told(&step, &phase);
    run->polled_ms = step.at_ms;
    if (run->seen_ms == step.at_ms && !(seen && seen->stale))
        run->read_ms = step.at_ms;
    return step.count;
}
