/* What records say of the work of machines. */
#include <string.h>

#include "loads_internal.h"
#include "memory.h"
#include "record.h"

static uint16_t find_value(const struct source *source, const char *name)
{
    for (size_t i = 0; name != NULL && i < source->tag_count; i++)
        if (source->tags[i].length == strlen(name) &&
            memcmp(source->tags[i].text, name, source->tags[i].length) == 0)
            return (uint16_t)i;
    return LOADS_NO_VALUE;
}

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
    uint16_t reason = find_value(source, "state.reason");
    seat->machine = machine;
    seat->state = reason != LOADS_NO_VALUE && reason > 0 ? (uint16_t)(reason - 1) : LOADS_NO_VALUE;
    seat->job = config->job != NULL ? find_value(source, config->tags[config->job->id].name)
                                    : LOADS_NO_VALUE;
    seat->counter = find_value(source, counter_of(config));
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
    return seat->machine != NULL && seat->state != LOADS_NO_VALUE ? seat : NULL;
}

static enum machine_state state_of(const struct value *value)
{
    for (int i = 0; value->kind == VALUE_TEXT && i < MACHINE_STATES; i++) {
        const char *name = machine_state_name((enum machine_state)i);
        if (value->length == strlen(name) && memcmp(value->text, name, value->length) == 0)
            return (enum machine_state)i;
    }
    return STATE_UNKNOWN;
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
    if (machine->counts)
        capacity_count(&machine->capacity, sample->value.mantissa - machine->total, at->wall_ms);
    machine->total = sample->value.mantissa;
    machine->counts = true;
}

static void take_state(struct loads_machine *machine, const struct sample *sample,
                       const struct instant *at)
{
    machine->shown = state_of(&sample->value);
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

static const struct value *field_of(const struct event *event, const char *key)
{
    for (size_t i = 0; i < event->count; i++)
        if (strcmp(event->fields[i].key, key) == 0)
            return &event->fields[i].value;
    return NULL;
}

static void take_interval(struct loads_machine *machine, const struct event *event)
{
    const struct value *state = field_of(event, "state");
    const struct value *duration = field_of(event, "duration_ms");
    if (state == NULL)
        return;
    struct capacity_piece piece = {.state = state_of(state), .to_ms = event->at.wall_ms};
    /* what was counted in a time of which nothing is known is not the speed of the time known */
    if (piece.state == STATE_UNKNOWN || piece.state == STATE_OFFLINE)
        machine->counts = false;
    if (duration == NULL || duration->kind != VALUE_DECIMAL || duration->mantissa < 0)
        return;
    piece.from_ms = piece.to_ms - duration->mantissa;
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
        const struct loads_seat *seat = kind == RECORD_GAP ? NULL : seat_of(loads, source);
        if (seat == NULL)
            continue;
        reader.at = from.at;
        reader.passed = from.passed;
        if (record_next(&reader, &record) != 1)
            break;
        if (kind == RECORD_EVENT)
            take_event(seat->machine, &record.event);
        else
            take_reading(seat, &record.reading);
    }
    record_reader_free(&reader);
    return loads_stand(loads);
}
