#include "machine.h"

#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "decode.h"
#include "fetch.h"
#include "live_alarm.h"
#include "log.h"
#include "machine_event.h"
#include "machine_keep.h"
#include "memory.h"
#include "shift_period.h"
#include "text.h"

enum { PRIORITY_S = 10 };

static bool has_strings(const struct machine *machine)
{
    for (size_t i = 0; i < machine->tag_count; i++)
        if (machine->tags[i].type == TYPE_STRING)
            return true;
    return false;
}

struct machine_run *machine_run_new(const struct plant *plant, const struct machine *machine,
                                    uint32_t source, unsigned number,
                                    const struct poll_output *output)
{
    struct machine_run *run = mem_alloc(sizeof(*run));
    run->plant = plant_retain(plant);
    run->config = machine;
    run->source = source;
    schedule_init(&run->schedule, machine, number, clock_mono_ns(), output->tick_ns);
    run->counters = counters_new(machine, output->standings);
    run->states = states_new(machine, output->standings);
    run->shifts = shifts_new(machine, run->counters, output->standings);
    run->jobs = jobs_new(machine, run->counters, output->standings);
    run->limits = limits_new(machine);
    run->filter = filter_new(machine);
    run->live = live_add_machine(output->live, machine);
    const struct line_driver *driver = line_driver_find(machine->link->driver);
    bool *refused = refused_tags(output->refused, machine);
    if (driver == NULL)
        run->plan = modbus_plan_new(machine, refused);
    else
        run->line_plan = driver->prepare(machine, refused);
    free(refused);
    run->answer.samples = mem_array(machine_values(machine), sizeof(*run->answer.samples));
    if (has_strings(machine))
        run->answer.texts = mem_array(machine->tag_count, DECODE_TEXT_BYTES);
    return run;
}

void machine_run_free(struct machine_run *run, const struct poll_output *output)
{
    if (run == NULL)
        return;
    machine_keep_last(run, output->queue);
    live_remove_machine(output->live, run->live);
    const struct line_driver *driver = line_driver_find(run->config->link->driver);
    if (driver == NULL)
        modbus_plan_free(run->plan);
    else
        driver->discard(run->line_plan);
    filter_free(run->filter);
    limits_free(run->limits);
    shifts_free(run->shifts, output->standings);
    jobs_free(run->jobs, output->standings);
    counters_free(run->counters, output->standings);
    states_free(run->states, output->standings);
    free(run->answer.samples);
    free(run->answer.texts);
    plant_release(run->plant);
    free(run);
}

void machine_run_fetch(const struct machine_run *run)
{
    fetch(run->config, sizeof(*run->config));
    fetch(run->plan, sizeof(*run->plan));
    filter_fetch(run->filter);
    live_fetch(run->live);
}

void machine_run_fetch_values(const struct machine_run *run, bool answer)
{
    if (run->plan != NULL)
        modbus_plan_fetch(run->plan, run->config->tag_count);
    if (!answer)
        return;
    fetch(run->answer.samples, machine_values(run->config) * sizeof(*run->answer.samples));
    filter_fetch_values(run->filter);
    live_fetch_values(run->live);
}

void machine_run_fail(struct machine_run *run, const struct schedule_due *due, enum quality quality)
{
    struct line_answer *answer = &run->answer;
    answer->count = 0;
    for (size_t i = 0; i < run->config->tag_count; i++)
        if (schedule_covers(&run->schedule, due, run->config->tags[i].every_ms))
            answer->samples[answer->count++] =
                (struct sample){.tag = (uint16_t)i, .quality = (uint8_t)quality};
}

/* What has priority goes first, but a line that has more to do than it can forgets nobody. */
static int64_t turn_of(const struct machine_run *run, int64_t now_ns)
{
    int64_t due_ns = schedule_next(&run->schedule);
    return run->config->priority && due_ns <= now_ns ? due_ns - PRIORITY_S * NS_PER_S : due_ns;
}

struct machine_run *machine_run_next(struct machine_run *const *runs, size_t count, int64_t now_ns)
{
    struct machine_run *next = runs[0];
    for (size_t i = 1; i < count; i++)
        if (turn_of(runs[i], now_ns) < turn_of(next, now_ns))
            next = runs[i];
    return next;
}

/* A change only; machines that fall with their link are told of by the link. */
static void log_state(struct machine_run *run, enum quality state)
{
    const char *name = run->config->name;
    if (state == run->state)
        return;
    if (state == QUALITY_GOOD)
        log_info("machine %s: answers again", name);
    else if (state != QUALITY_LINK)
        log_warn("machine %s: no valid answer (%s)", name, quality_name(state));
    run->state = state;
}

/* A poll that is being finished. */
struct finish {
    struct machine_run *run;
    const struct instant *at;
};

static void log_counter(const struct machine_run *run, const struct counter_report *report)
{
    const char *tag = run->config->tags[report->place->tag].name;
    unsigned long long before = report->raw_before, now = report->raw;
    if (report->step.verdict == COUNTER_REFUSED)
        log_warn("machine %s: %s: %llu is beyond the counter's modulus, and is not counted",
                 run->config->name, tag, now);
    else
        log_info("machine %s: %s: %s from %llu to %llu, total %lld, epoch %u", run->config->name,
                 tag, counter_verdict_name(report->step.verdict), before, now,
                 (long long)report->total, report->epoch);
}

static void tell_counter(void *context, const struct counter_report *report)
{
    const struct finish *finish = context;
    struct event event;
    log_counter(finish->run, report);
    machine_event_counter(finish->run->config, finish->run->source, finish->at, report, &event);
    queue_add_event(&finish->run->events, &event);
}

static void tell_limit(void *context, const struct limit_report *report)
{
    const struct finish *finish = context;
    struct event event;
    machine_event_limit(finish->run->config, finish->run->source, finish->at, report, &event);
    queue_add_event(&finish->run->events, &event);
}

/* What is worth telling of the samples becomes a reading, behind the events. They have room for
 * what is kept of the state, the shifts and the job. */
static void tell(struct machine_run *run, const struct poll_output *output,
                 const struct instant *at, struct sample *samples, size_t count)
{
    struct reading reading = {
        .source = run->source,
        .count = (uint16_t)filter_pass(run->filter, samples, count, at->boot_ms),
        .at = *at,
        .samples = samples,
    };
    reading.count += machine_keep(run, at, samples + reading.count, reading.count > 0);
    if (reading.count == 0 && run->events.count == 0)
        return;
    if (!queue_put_all(output->queue, &run->events, &reading)) {
        filter_forget(run->filter);
        machine_keep_failed(run);
        live_alarm_raise(output->live, ALARM_MEMORY_FULL, NULL,
                         "the store could not take readings, and memory's share for them was used "
                         "up: some were lost");
    }
}

/* A silence is known of at its time-out, but of the time behind the question it says nothing: the
 * machine may have come back since. */
static int64_t silent_ms(const struct machine_run *run, const struct poll_output *output,
                         const struct instant *at)
{
    return at->boot_ms - run->config->link->timeout_ms - output->tick_ns / NS_PER_MS;
}

/* What the samples, as they were read, say of the machine's state, and what that is. Returns how
 * many reports there are. */
static size_t take_state(struct machine_run *run, const struct poll_output *output,
                         const struct instant *at, enum quality reason,
                         struct state_report reports[STATE_MAX_REPORTS])
{
    struct line_answer *answer = &run->answer;
    struct event event;
    int64_t at_ms = reason == QUALITY_TIMEOUT ? silent_ms(run, output, at) : at->boot_ms;
    size_t told = states_take(run->states, answer->samples, answer->count, reason == QUALITY_GOOD,
                              at_ms, reports);
    for (size_t i = 0; i < told; i++) {
        machine_event_state(run->config, run->source, at, &reports[i], &event);
        queue_add_event(&run->events, &event);
    }
    const struct state_phase *now = states_now(run->states);
    struct instant since = machine_event_instant(at, now->since_ms);
    char room[STATE_REASON_ROOM];
    live_set_state(output->live, run->live, now->state,
                   state_reason_text(run->config->state, now->reason, room), &since);
    return told;
}

static void tell_shift(void *context, const struct shifts_record *record)
{
    const struct finish *finish = context;
    struct event event;
    log_info("machine %s: shift %s %s", finish->run->config->name, record->key,
             record->performance.revision > 1 ? "is told again" : "is over");
    machine_event_shift(finish->run->source, record, &event);
    queue_add_event(&finish->run->events, &event);
}

static void log_job(const struct machine *machine, const struct jobs_record *record)
{
    struct text id = {0}, value = {0};
    value_to_json(&record->id, &id);
    value_to_json(&record->value, &value);
    if (record->what == JOBS_FORMAT)
        log_info("machine %s: job %s goes on with %s %s", machine->name, id.data,
                 machine->tags[record->tag].name, value.data);
    else
        log_info("machine %s: job %s %s", machine->name, id.data,
                 record->what == JOBS_ENDED ? "has ended" : "has begun");
    text_free(&id);
    text_free(&value);
}

static void tell_job(void *context, const struct jobs_record *record)
{
    const struct finish *finish = context;
    const struct machine *machine = finish->run->config;
    struct event event;
    log_job(machine, record);
    machine_event_job(machine, finish->run->source, finish->at, record, &event);
    queue_add_event(&finish->run->events, &event);
}

/* What the poll, whose counters are totals by now, comes to for what is on. */
static void take_periods(struct machine_run *run, const struct poll_output *output,
                         const struct instant *at, const struct state_report *reports,
                         size_t report_count)
{
    const char *source = run->config->job != NULL ? run->config->job->from : NULL;
    char room[LIVE_TEXT_BYTES];
    struct value read;
    const struct tally_poll poll = {
        .read = source != NULL && live_read_value(output->live, source, room, &read) ? &read : NULL,
        .at = at,
        .reports = reports,
        .report_count = report_count,
        .phase = run->states != NULL ? states_now(run->states) : NULL,
        .settled_ms = run->states != NULL ? states_settled_ms(run->states) : STATE_TIME_UNKNOWN,
        .counters = run->counters,
        .samples = run->answer.samples,
        .count = run->answer.count,
        .job_is_sure = run->again.same,
    };
    if (run->shifts != NULL)
        shifts_take(run->shifts, &poll, tell_shift, &(struct finish){run, at});
    if (run->jobs != NULL)
        jobs_take(run->jobs, &poll, tell_job, &(struct finish){run, at});
}

static int64_t quantity_of(const struct shift_period *period, enum counts counts)
{
    const struct performance_quantity *quantity = &period->performance.quantities[counts];
    return quantity->known ? quantity->total : PERFORMANCE_NULL;
}

static void show_shift(const struct machine_run *run, const struct poll_output *output)
{
    const struct shift_period *now = shifts_now(run->shifts);
    char room[SHIFT_KEY_ROOM];
    if (now == NULL)
        live_set_shift(output->live, run->live, NULL, PERFORMANCE_NULL, PERFORMANCE_NULL);
    else
        live_set_shift(output->live, run->live, shift_period_key(now, room),
                       quantity_of(now, COUNTS_GOOD), quantity_of(now, COUNTS_WASTE));
}

/* A line that is told as an event. */
static void tell_read(struct machine_run *run, const struct instant *at)
{
    const struct line_answer *answer = &run->answer;
    const struct value none = {.kind = VALUE_NONE};
    struct event event;
    for (size_t i = 0; i < answer->count; i++) {
        const struct sample *sample = &answer->samples[i];
        if (sample->tag != run->config->text->event ||
            (sample->quality != QUALITY_GOOD && !answer->no_read))
            continue;
        machine_event_read(run->config, run->source, at, answer->no_read ? &none : &sample->value,
                           &event);
        queue_add_event(&run->events, &event);
    }
}

void machine_run_finish(struct machine_run *run, const struct poll_output *output,
                        const struct instant *at, enum quality reason)
{
    struct line_answer *answer = &run->answer;
    struct state_report reports[STATE_MAX_REPORTS];
    size_t report_count = 0;
    log_state(run, reason);
    if (run->config->text != NULL)
        tell_read(run, at);
    if (run->states != NULL)
        report_count = take_state(run, output, at, reason, reports);
    if (run->limits != NULL)
        limits_take(run->limits, answer->samples, answer->count, tell_limit,
                    &(struct finish){run, at});
    if (run->counters != NULL)
        answer->count = counters_take(run->counters, answer->samples, answer->count, at->boot_ms,
                                      tell_counter, &(struct finish){run, at});
    take_periods(run, output, at, reports, report_count);
    if (run->shifts != NULL)
        show_shift(run, output);
    if (run->states != NULL) {
        states_tell(run->states, answer->samples + answer->count);
        answer->count += STATE_VALUES;
    }
    live_polled(output->live, run->live, answer->samples, answer->count, at, reason);
    tell(run, output, at, answer->samples, answer->count);
    answer->count = 0;
    answer->arrived_ns = 0;
    run->again.asked = 0;
    run->again.same = false;
    answer->no_read = false;
}

int machine_run_set_counter(struct machine_run *run, const struct poll_output *output,
                            const char *tag, int64_t total)
{
    struct sample samples[COUNTERS_SET_SAMPLES + MACHINE_KEEP_SAMPLES];
    struct counter_report report;
    struct event event;
    struct instant now;
    int64_t before;
    if (run->counters == NULL ||
        counters_set(run->counters, tag, total, samples, &before, &report) < 0)
        return -ENOENT;
    if (run->shifts != NULL)
        shifts_recount(run->shifts, run->counters);
    if (run->jobs != NULL)
        jobs_recount(run->jobs, run->counters);
    clock_now(&now);
    log_info("machine %s: %s: the total was set from %lld to %lld, epoch %u", run->config->name,
             tag, (long long)before, (long long)total, report.epoch);
    machine_event_set(run->config, run->source, &now, &report, before, &event);
    queue_add_event(&run->events, &event);
    tell(run, output, &now, samples, COUNTERS_SET_SAMPLES);
    return 0;
}
