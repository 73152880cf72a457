/* What records say of the work of machines. */
#include <string.h>

#include "clock.h"
#include "loads_internal.h"
#include "memory.h"
#include "record.h"
#include "said.h"

/* The counter of all that goes through, or else of what is good; NULL where it is not one. */
static const char *counter_of(const struct machine *machine)
{
    static const enum counts order[] = {COUNTS_GROSS, COUNTS_GOOD};
    for (size_t i = 0; machine->meaning != NULL && i < 2; i++) {
        const char *name = NULL;
        size_t found = 0;
        for (size_t k = 0; k < machine->meaning->counter_count; k++) {
            const struct counter_place *place = &machine->meaning->counters[k];
            if (place->config->counts != order[i])
                continue;
            name = machine->tags[place->tag].name;
            found++;
        }
        if (found > 0)
            return found == 1 ? name : NULL;
    }
    return NULL;
}

static void take_seat(struct loads *loads, const struct source *source, struct loads_seat *seat)
{
    struct loads_machine *machine = loads_find(loads, source->machine);
    seat->known = true;
    if (machine == NULL)
        return;
    const struct machine *config = machine->config;
    seat->machine = machine;
    seat->state = said_state_value(source);
    seat->job =
        config->job != NULL ? said_value(source, config->tags[config->job->id].name) : SAID_NOWHERE;
    seat->counter = said_value(source, counter_of(config));
}

/* NULL where the source tells nothing here. */
static const struct loads_seat *seat_of(struct loads *loads, uint32_t source)
{
    const struct source *named = store_source(loads->store, source);
    if (named == NULL)
        return NULL;
    if (source >= loads->seat_count) {
        size_t count = (size_t)source + 1;
        loads->seats = mem_resize(loads->seats, count * sizeof(*loads->seats));
        memset(loads->seats + loads->seat_count, 0,
               (count - loads->seat_count) * sizeof(*loads->seats));
        loads->seat_count = count;
    }
    struct loads_seat *seat = &loads->seats[source];
    if (!seat->known)
        take_seat(loads, named, seat);
    return seat->machine != NULL && seat->state != SAID_NOWHERE ? seat : NULL;
}

/* "" and 0 are no job; which one it is stays where it is. */
static enum capacity_job job_of(const struct sample *sample)
{
    if (sample->quality != QUALITY_GOOD || sample->value.kind == VALUE_NONE)
        return CAPACITY_JOB_UNKNOWN;
    if (sample->value.kind == VALUE_TEXT)
        return sample->value.length > 0 ? CAPACITY_JOB_ON : CAPACITY_JOB_NONE;
    return value_number(&sample->value) != 0 ? CAPACITY_JOB_ON : CAPACITY_JOB_NONE;
}

static void take_total(struct loads_machine *machine, const struct sample *sample,
                       const struct instant *at)
{
    if (sample->quality != QUALITY_GOOD || sample->value.kind != VALUE_DECIMAL ||
        sample->value.decimals != 0)
        return;
    if (machine->counts && clock_was_set(at))
        capacity_count(&machine->capacity, sample->value.mantissa - machine->total, at->wall_ms);
    machine->total = sample->value.mantissa;
    machine->counts = true;
}

static void take_state(struct loads_machine *machine, const struct sample *sample,
                       const struct instant *at)
{
    machine->shown = said_state(&sample->value);
    /* what goes by a clock that is not set has no place in time */
    if (!clock_was_set(at))
        machine->since_ms = LOADS_SINCE_TOLD;
    else if (machine->since_ms == LOADS_SINCE_TOLD)
        machine->since_ms = at->wall_ms;
    if (!clock_was_set(at))
        return;
    machine->base_changed = machine->base_changed || !machine->capacity.started;
    capacity_begin(&machine->capacity, at->wall_ms);
}

static void take_reading(const struct loads_seat *seat, const struct reading *reading)
{
    struct loads_machine *machine = seat->machine;
    for (size_t i = 0; i < reading->count; i++) {
        const struct sample *sample = &reading->samples[i];
        if (sample->tag == seat->state)
            take_state(machine, sample, &reading->at);
        if (sample->tag == seat->job)
            machine->job = job_of(sample);
        if (sample->tag == seat->counter)
            take_total(machine, sample, &reading->at);
    }
}

static void take_interval(struct loads_machine *machine, const struct event *event)
{
    const struct value *state = said_field(event, "state");
    int64_t duration_ms = said_number(event, "duration_ms", -1);
    if (state == NULL)
        return;
    struct capacity_piece piece = {.state = said_state(state), .to_ms = event->at.wall_ms};
    /* what was counted in a time of which nothing is known is not the speed of the time known */
    if (piece.state == STATE_UNKNOWN || piece.state == STATE_OFFLINE)
        machine->counts = false;
    machine->since_ms = clock_was_set(&event->at) ? piece.to_ms : LOADS_SINCE_TOLD;
    if (duration_ms < 0 || !clock_was_set(&event->at))
        return;
    piece.from_ms = piece.to_ms - duration_ms;
    capacity_add(&machine->capacity, machine->config->calendar, &piece);
    machine->base_changed = true;
}

static void take_event(struct loads_machine *machine, const struct event *event)
{
    if (strcmp(event->name, "state") == 0)
        take_interval(machine, event);
    else if (strcmp(event->name, "counter") == 0)
        machine->counts = false; /* a total that was set, or is not certain */
}

/* What goes on began by the clock as it is set now. */
static void step_clock(struct loads_machine *machine, int64_t step_ms)
{
    int64_t known_ms = machine->capacity.known_ms;
    if (machine->since_ms == LOADS_SINCE_TOLD)
        return;
    machine->since_ms = machine->since_ms > known_ms ? machine->since_ms : known_ms;
    machine->since_ms += step_ms;
}

/* The gateway's own events. */
static void take_step(struct loads *loads, const struct event *event)
{
    int64_t step_ms = said_number(event, "step_ms", 0);
    for (size_t i = 0; strcmp(event->name, "clock_step") == 0 && i < loads->machine_count; i++)
        step_clock(&loads->machines[i], step_ms);
}

bool loads_take(struct loads *loads, const void *body, size_t length)
{
    struct record_reader reader = {0};
    struct record record;
    enum record_kind kind;
    uint32_t source;
    if (loads == NULL)
        return false;
    record_reader_start(&reader, body, length);
    for (;;) {
        struct record_reader from = reader;
        if (record_skim(&reader, &kind, &source) != 1)
            break;
        bool own = kind == RECORD_EVENT && source == 0;
        const struct loads_seat *seat = kind == RECORD_GAP || own ? NULL : seat_of(loads, source);
        if (seat == NULL && !own)
            continue;
        reader.at = from.at;
        reader.passed = from.passed;
        if (record_next(&reader, &record) != 1)
            break;
        if (own)
            take_step(loads, &record.event);
        else if (kind == RECORD_EVENT)
            take_event(seat->machine, &record.event);
        else
            take_reading(seat, &record.reading);
    }
    record_reader_free(&reader);
    return loads_stand(loads);
}
