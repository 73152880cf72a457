#include "loads_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "payload_capacity.h"

/* So many records are made in one step, so that none of them holds up what is delivered. */
enum { STEP_RECORDS = 8, BEGIN_MS = 5000 };

#define HOUR_MS 3600000.0

struct loads_machine *loads_find(const struct loads *loads, const char *name)
{
    const struct machine *config = plant_machine(loads->plant, name);
    size_t low = 0, high = loads->machine_count;
    /* they are in the plant's order */
    while (config != NULL && low < high) {
        size_t middle = low + (high - low) / 2;
        if (loads->machines[middle].config == config)
            return &loads->machines[middle];
        if (loads->machines[middle].config < config)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* --- records --- */

static double rated_of(const struct machine *machine)
{
    return machine->ideal_ms > 0 ? HOUR_MS / machine->ideal_ms : NAN;
}

/* With what goes on and is in no event yet. */
static struct capacity_load load_of(const struct loads_machine *machine, unsigned hours,
                                    int64_t now_ms)
{
    struct capacity now = machine->capacity;
    const struct capacity_piece going_on = {machine->shown, machine->since_ms, now_ms};
    if (now.started && machine->since_ms != LOADS_SINCE_TOLD)
        capacity_add(&now, machine->config->calendar, &going_on);
    return capacity_load(&now, hours, now_ms);
}

static struct capacity_record record_of(const struct loads_machine *machine, int64_t now_ms)
{
    const struct machine *config = machine->config;
    struct capacity_record record = {
        .name = config->name,
        .formats = config->formats,
        .format_count = config->format_count,
        .rated = rated_of(config),
        .achieved = NAN,
        .is_free = capacity_is_free(machine->shown, machine->job),
        .day = load_of(machine, CAPACITY_DAY_HOURS, now_ms),
        .week = load_of(machine, CAPACITY_WEEK_HOURS, now_ms),
        .has_calendar = config->calendar != NULL,
    };
    if (record.day.run_ms > 0 && record.day.counted > 0)
        record.achieved = (double)record.day.counted / ((double)record.day.run_ms / HOUR_MS);
    if (record.has_calendar)
        record.has_calendar = capacity_days(config->calendar, now_ms, record.days);
    return record;
}

/* What all of the line's machines that say something of it can make; a copy of formats, whose
 * ranges become narrower. Those that none can make are left out. */
static size_t narrow(const struct production_line *line, struct machine_format *formats)
{
    size_t count = 0;
    for (size_t i = 0; i < line->machine_count; i++)
        for (size_t k = 0; k < line->machines[i]->format_count; k++)
            count = capacity_narrow(formats, count, &line->machines[i]->formats[k]);
    return capacity_drop_empty(formats, count);
}

/* A line works when its delivery does; it is as fast as its slowest machine, and free where all are
 * that have a state. */
static struct capacity_record line_record(const struct loads *loads,
                                          const struct production_line *line,
                                          struct machine_format *formats, int64_t now_ms)
{
    const struct machine *delivery = line->machines[line->delivery];
    struct capacity_record record = record_of(loads_find(loads, delivery->name), now_ms);
    record.name = line->name;
    record.is_line = true;
    record.formats = formats;
    record.format_count = narrow(line, formats);
    record.rated = INFINITY;
    record.is_free = 1;
    for (size_t i = 0; i < line->machine_count; i++) {
        double rated = rated_of(line->machines[i]);
        const struct loads_machine *machine = loads_find(loads, line->machines[i]->name);
        int is_free = machine != NULL ? capacity_is_free(machine->shown, machine->job) : 1;
        if (isnan(rated))
            record.rated = NAN;
        else if (rated < record.rated)
            record.rated = rated;
        if (is_free == 0 || (is_free < 0 && record.is_free > 0))
            record.is_free = is_free;
    }
    return record;
}

static void look_at(struct loads *loads, size_t index, const struct instant *now)
{
    struct load_record *record = &loads->records[index];
    struct machine_format formats[CAPACITY_LINE_FORMATS];
    struct text json = {0};
    struct capacity_record made;
    if (index < loads->machine_count)
        made = record_of(&loads->machines[index], now->wall_ms);
    else
        made = line_record(loads, &loads->plant->lines[index - loads->machine_count], formats,
                           now->wall_ms);
    payload_capacity(&json, &made);
    if (record->changed != 0 && strcmp(record->json.data, json.data) == 0) {
        text_free(&json);
        return;
    }
    text_free(&record->json);
    record->json = json;
    record->at_ms = now->wall_ms;
    record->changed = ++loads->changes;
}

void loads_step(struct loads *loads, int64_t now_ns)
{
    struct instant now;
    if (loads == NULL || now_ns < loads->next_ns)
        return;
    if (loads->next_ns == 0) { /* machines are to answer first */
        loads->next_ns = now_ns + BEGIN_MS * NS_PER_MS;
        return;
    }
    clock_now(&now);
    if (!clock_was_set(&now))
        return;
    for (size_t i = 0; i < STEP_RECORDS && loads->next < loads->record_count; i++)
        look_at(loads, loads->next++, &now);
    if (loads->next < loads->record_count)
        return;
    loads->next = 0;
    loads->next_ns = now_ns + loads->plant->capacity.every_ms * NS_PER_MS;
}

size_t loads_count(const struct loads *loads)
{
    return loads != NULL ? loads->record_count : 0;
}

const struct load_record *loads_record(const struct loads *loads, size_t index)
{
    return &loads->records[index];
}

uint64_t loads_changes(const struct loads *loads)
{
    return loads != NULL ? loads->changes : 0;
}

/* --- beginning and ending --- */

void loads_forget_now(struct loads *loads)
{
    for (size_t i = 0; loads != NULL && i < loads->machine_count; i++) {
        struct loads_machine *machine = &loads->machines[i];
        machine->shown = STATE_UNKNOWN;
        /* a state that went on over the restart did so from where its standing ends */
        machine->since_ms = machine->capacity.paused ? LOADS_SINCE_TOLD : 0;
        machine->counts = false;
        machine->job = machine->config->job != NULL ? CAPACITY_JOB_UNKNOWN : CAPACITY_JOB_UNTOLD;
    }
}

static void go_on(struct loads *loads, const struct loads *before)
{
    for (size_t i = 0; before != NULL && i < loads->machine_count; i++) {
        struct loads_machine *machine = &loads->machines[i];
        const struct loads_machine *old = loads_find(before, machine->config->name);
        if (old == NULL || !machine_equal(old->config, machine->config))
            continue; /* it tells all of it again */
        machine->shown = old->shown;
        machine->since_ms = old->since_ms;
        machine->job = old->job;
        machine->counts = old->counts;
        machine->total = old->total;
    }
}

static void add_machine(struct loads *loads, const struct machine *config)
{
    struct loads_machine *machine = &loads->machines[loads->machine_count];
    if (config->state == NULL)
        return;
    machine->config = config;
    loads_resume(loads, machine);
    loads->records[loads->machine_count++].name = config->name;
}

struct loads *loads_new(const struct plant *plant, struct store *store, struct standings *standings,
                        const struct loads *before)
{
    if (!plant->capacity.publish)
        return NULL;
    struct loads *loads = mem_alloc(sizeof(*loads));
    loads->plant = plant_retain(plant);
    loads->store = store;
    loads->standings = standings;
    loads->machines = mem_array(plant->machine_count, sizeof(*loads->machines));
    loads->records = mem_array(plant->machine_count + plant->line_count, sizeof(*loads->records));
    for (size_t i = 0; i < plant->machine_count; i++)
        add_machine(loads, &plant->machines[i]);
    loads->record_count = loads->machine_count + plant->line_count;
    for (size_t i = 0; i < plant->line_count; i++)
        loads->records[loads->machine_count + i].name = plant->lines[i].name;
    loads_forget_now(loads);
    go_on(loads, before);
    return loads;
}

void loads_free(struct loads *loads)
{
    if (loads == NULL)
        return;
    for (size_t i = 0; i < loads->record_count; i++)
        text_free(&loads->records[i].json);
    plant_release(loads->plant);
    free(loads->machines);
    free(loads->records);
    free(loads->seats);
    free(loads);
}
