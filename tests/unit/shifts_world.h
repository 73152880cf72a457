/* A machine with a state, counters, shifts and perhaps jobs, and a store that keeps what is to be
 * kept of them: it may be shut down, killed and started again at any poll. */
#ifndef BINDERY_SHIFTS_WORLD_H
#define BINDERY_SHIFTS_WORLD_H

#include "config_fixture.h"
#include "counters.h"
#include "date.h"
#include "jobs.h"
#include "shift_period.h"
#include "shifts.h"
#include "states.h"
#include "zone.h"

enum { CODE, GOOD, WASTE, SPEED, JOB, WIDTH, PAPER, READ_TAGS };
enum {
    MOST_SAMPLES = 256,
    MOST_JOBS = 20000,
    MOST_FORMATS = 4096,
    MOST_RECORDS = 256,
    MOST_INTERVALS = 20000
};

/* What the machine says of its state. */
enum { SAYS_PRODUCTION = 1, SAYS_STOPPED, SAYS_SETUP, SAYS_NOTHING, SAYS_CODES };

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
/* When the first boot began, by the wall clock that is right. */
#define FIRST_BOOT_MS INT64_C(1790000000000)

/* With shifts of eight hours all day, of one hour a day, or of half-hours all day. */
static const char plant_text[] =
    "gateway: g\nlinks: [{name: l, driver: modbus-tcp, address: h}]\n"
    "machines:\n- name: m\n  link: l\n  calendar: hall\n  ideal_rate: 3600/h\n"
    "  state: {debounce: 2s, offline_after: 30s, micro_stop: 1m}\n  tags:\n"
    "  - {name: code, at: 'holding:1', states: {1: production, 2: stopped, 3: setup}}\n"
    "  - {name: good, at: 'holding:2', type: u32, counter: {counts: good, kind: free}}\n"
    "  - {name: waste, at: 'holding:4', type: u32, counter: {counts: waste, kind: free}}\n"
    "  - {name: speed, at: 'holding:6'}\n"
    "- {name: pauses, link: l, unit: 2, calendar: hour, tags: [\n"
    "  {name: code, at: 'holding:1', states: {1: production, 2: stopped, 3: setup}},\n"
    "  {name: good, at: 'holding:2', type: u32, counter: {counts: good, kind: free}},\n"
    "  {name: waste, at: 'holding:4', type: u32, counter: {counts: waste, kind: free}}]}\n"
    "- {name: brief, link: l, unit: 4, calendar: short, tags: [\n"
    "  {name: code, at: 'holding:1', states: {1: production, 2: stopped, 3: setup}},\n"
    "  {name: good, at: 'holding:2', type: u32, counter: {counts: good, kind: free}},\n"
    "  {name: waste, at: 'holding:4', type: u32, counter: {counts: waste, kind: free}}]}\n"
    "- {name: jobs, link: l, unit: 5, calendar: hall, ideal_rate: 3600/h,\n"
    "  state: {debounce: 2s, offline_after: 30s, micro_stop: 1m},\n"
    "  job: {id: job_no, format: [width, paper]}, tags: [\n"
    "  {name: code, at: 'holding:1', states: {1: production, 2: stopped, 3: setup}},\n"
    "  {name: good, at: 'holding:2', type: u32, counter: {counts: good, kind: free}},\n"
    "  {name: waste, at: 'holding:4', type: u32, counter: {counts: waste, kind: free}},\n"
    "  {name: speed, at: 'holding:6'}, {name: job_no, at: 'holding:7'},\n"
    "  {name: width, at: 'holding:8'}, {name: paper, at: 'holding:9', type: 'string:8'}]}\n"
    "- {name: stateless, link: l, unit: 3, calendar: hall, tags: [\n"
    "  {name: t, at: 'holding:1'},\n"
    "  {name: good, at: 'holding:2', type: u32, counter: {counts: gross, kind: free}}]}\n";

/* Behind the half-hours, which are made when it is written. */
enum { SHORT_MINUTES = 30 };
static const char calendars_text[] =
    "  ]},\n {name: hall, shifts: [\n"
    "  {name: early, days: mon-sun, from: '06:00', to: '14:00', breaks: [['10:00', '10:30']]},\n"
    "  {name: late, days: mon-sun, from: '14:00', to: '22:00'},\n"
    "  {name: night, days: mon-sun, from: '22:00', to: '06:00'}]},\n"
    " {name: hour, shifts: [{name: noon, days: mon-sun, from: '12:00', to: '13:00'}]}]\n";

struct told {
    char key[SHIFT_KEY_ROOM];
    struct instant end;
    int64_t length_ms;
    struct performance_record performance;
    int64_t from_uncertain[PERFORMANCE_QUANTITIES], to_uncertain[PERFORMANCE_QUANTITIES];
};

struct told_job {
    bool ended;
    int64_t id, next; /* 0: null */
    int64_t at_ms;    /* on the wall clock that is right */
    int64_t length_ms, width;
    struct performance_record performance;
    int64_t uncertain[PERFORMANCE_QUANTITIES];
};

struct told_format {
    int64_t job, before, value; /* 0: null, or a text */
    int64_t at_ms;              /* on the wall clock that is right */
    char text_before[16], text[16];
};

struct interval {
    enum machine_state state;
    int64_t from_ms, to_ms; /* on the wall clock that is right */
};

struct world {
    struct config *config;
    const struct machine *machine;
    struct states *states;
    struct counters *counters;
    struct shifts *shifts;
    struct jobs *jobs;
    struct standings stored;
    int64_t wall_ms;  /* now, by a clock that is right */
    int64_t boot_ms;  /* when this boot began, by the same clock */
    int64_t wrong_ms; /* by which the wall clock is ahead of it */
    bool unsynced;
    int code; /* 0: the machine does not answer */
    int64_t good, waste, speed, job, width;
    const char *paper; /* NULL: "" */
    bool job_is_sure;
    size_t record_count, job_count, format_count, interval_count;
    struct told records[MOST_RECORDS];
    struct told_job jobs_told[MOST_JOBS];
    struct told_format formats[MOST_FORMATS];
    struct interval intervals[MOST_INTERVALS];
};

static inline void world_start(struct world *world)
{
    world->states = states_new(world->machine, &world->stored);
    world->counters = counters_new(world->machine, &world->stored);
    world->shifts = shifts_new(world->machine, world->counters, &world->stored);
    world->jobs = jobs_new(world->machine, world->counters, &world->stored);
}

/* From that time on, "2026-11-27" being a Friday. */
static inline struct world *world_begin(struct config *config, const char *machine, int hour,
                                        int minute)
{
    struct world *world = mem_alloc(sizeof *world);

    zone_use("UTC");
    struct text text = {0};
    text_add(&text, plant_text);
    text_add(&text, "calendars: [\n  {name: short, shifts: [\n");
    for (int at = 0; at < 24 * 60; at += SHORT_MINUTES)
        text_addf(&text, "    {name: s%d, days: mon-sun, from: '%02d:%02d', to: '%02d:%02d'},\n",
                  at, at / 60, at % 60, (at + SHORT_MINUTES) / 60, (at + SHORT_MINUTES) % 60);
    text_add(&text, calendars_text);
    config_write(config, "plant.yaml", text.data);
    text_free(&text);
    config_expect_plant(config);
    world->config = config;
    world->machine = plant_machine(config->plant, machine);
    world->wall_ms = date_to_day(2026, 11, 27) * 24 * HOUR + hour * HOUR + minute * MINUTE;
    world->boot_ms = FIRST_BOOT_MS;
    world->code = SAYS_PRODUCTION;
    world_start(world);
    return world;
}

static inline struct standings *world_drop(struct world *world, struct standings *into)
{
    shifts_free(world->shifts, into);
    jobs_free(world->jobs, into);
    counters_free(world->counters, into);
    states_free(world->states, into);
    return into;
}

static inline void world_end(struct world *world)
{
    standings_free(world_drop(world, &world->stored));
    free(world);
}

/* What is in memory only is lost. */
static inline void world_kill(struct world *world)
{
    struct standings lost = {0};

    standings_free(world_drop(world, &lost));
    world_start(world);
}

static inline void world_reload(struct world *world)
{
    world_drop(world, &world->stored);
    world_start(world);
}

static inline void world_move_time(void *context, struct standing *standing)
{
    const int64_t *later_ms = context;

    if (*later_ms == STANDING_UNKNOWN || standing->at.boot_ms == STANDING_UNKNOWN)
        standing->at.boot_ms = STANDING_UNKNOWN;
    else
        standing->at.boot_ms -= *later_ms;
}

/* A power cut: another boot, and the clocks tell how long it took, or not. */
static inline void world_reboot(struct world *world, int64_t away_ms, bool clocks_tell)
{
    struct standings lost = {0};
    int64_t later_ms = world->wall_ms + away_ms / 2 - world->boot_ms;
    int64_t told_ms = clocks_tell ? later_ms : STANDING_UNKNOWN;

    standings_free(world_drop(world, &lost));
    standings_each(&world->stored, world_move_time, &told_ms);
    world->boot_ms += later_ms;
    world->wall_ms += away_ms;
    world_start(world);
}

/* --- the store --- */

static inline void store_number(struct world *world, const char *name, size_t count, size_t number,
                                int64_t value, int64_t at_ms)
{
    struct standing *standing = standings_add(&world->stored, world->machine->name, name, count);

    standing->numbers[number] = value;
    standing->at.boot_ms = at_ms;
}

static inline void store_counters(struct world *world, const struct sample *samples, size_t count,
                                  int64_t at_ms)
{
    const struct meaning *meaning = world->machine->meaning;

    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < meaning->counter_count; k++) {
            const struct counter_place *place = &meaning->counters[k];
            const uint16_t values[] = {place->tag, place->epoch, place->inferred, place->raw,
                                       place->known};
            for (size_t j = 0; j < STANDING_COUNTER_NUMBERS; j++)
                if (samples[i].tag == values[j] && samples[i].quality == QUALITY_GOOD)
                    store_number(world, world->machine->tags[place->tag].name,
                                 STANDING_COUNTER_NUMBERS, j, samples[i].value.mantissa, at_ms);
        }
}

static inline void store_state(struct world *world, int64_t at_ms)
{
    struct sample samples[STATE_KEPT_VALUES];

    states_keep(world->states, at_ms, samples);
    for (size_t i = 0; i < STATE_KEPT_VALUES; i++)
        store_number(world, "state", STANDING_STATE_NUMBERS, i, samples[i].value.mantissa, at_ms);
}

static inline void store_shifts(struct world *world)
{
    static const struct {
        const char *name;
        size_t count;
    } groups[] = {{STANDING_SHIFTS, SHIFT_BASE_VALUES},
                  {STANDING_SHIFT_NOW, SHIFT_PERIOD_VALUES},
                  {STANDING_SHIFT_BEFORE, SHIFT_PERIOD_VALUES}};
    struct sample samples[SHIFT_KEPT_VALUES];
    size_t count = shifts_keep(world->shifts, samples), i = 0;

    for (size_t group = 0; i < count; group++)
        for (size_t number = 0; number < groups[group].count; number++, i++) {
            assert_int_equal(samples[i].tag, machine_shift_kept(world->machine) + i);
            store_number(world, groups[group].name, groups[group].count, number,
                         samples[i].value.mantissa, 0);
        }
}

static inline void store_job(struct world *world)
{
    struct sample samples[JOB_KEPT_VALUES];
    size_t count = jobs_keep(world->jobs, samples);

    for (size_t i = 0; i < count; i++) {
        assert_int_equal(samples[i].tag, machine_job_kept(world->machine) + i);
        if (i < JOB_BASE_VALUES)
            store_number(world, STANDING_JOB, JOB_BASE_VALUES, i, samples[i].value.mantissa, 0);
        else
            store_number(world, STANDING_JOB_FORMAT, JOB_FORMAT_VALUES, i - JOB_BASE_VALUES,
                         samples[i].value.mantissa, 0);
    }
}

/* --- polls --- */

static inline void copy_text(char room[16], const struct value *value)
{
    if (value->kind == VALUE_TEXT)
        memcpy(room, value->text, value->length);
}

static inline void note_format(struct world *world, const struct jobs_record *record)
{
    struct told_format *told = &world->formats[world->format_count++];

    assert_true(world->format_count < MOST_FORMATS);
    *told =
        (struct told_format){.job = record->id.mantissa, .at_ms = record->at_ms + world->boot_ms};
    copy_text(told->text_before, &record->before);
    copy_text(told->text, &record->value);
    if (record->value.kind == VALUE_DECIMAL) {
        told->before = record->before.mantissa;
        told->value = record->value.mantissa;
    }
}

static inline void note_job(void *context, const struct jobs_record *record)
{
    struct world *world = context;
    if (record->what == JOBS_FORMAT) {
        note_format(world, record);
        return;
    }
    struct told_job *told = &world->jobs_told[world->job_count++];

    assert_true(world->job_count < MOST_JOBS);
    *told = (struct told_job){.ended = record->what == JOBS_ENDED,
                              .id = record->id.mantissa,
                              .next = record->next.mantissa,
                              .at_ms = record->at_ms + world->boot_ms,
                              .length_ms = record->length_ms,
                              .performance = record->performance};
    if (record->format != NULL)
        told->width = record->format[0].mantissa;
    memcpy(told->uncertain, record->uncertain, sizeof told->uncertain);
}

static inline void note_record(void *context, const struct shifts_record *record)
{
    struct world *world = context;
    struct told *told = &world->records[world->record_count++];

    assert_true(world->record_count < MOST_RECORDS);
    snprintf(told->key, sizeof told->key, "%s", record->key);
    told->end = record->end;
    told->length_ms = record->length_ms;
    told->performance = record->performance;
    memcpy(told->from_uncertain, record->from_uncertain, sizeof told->from_uncertain);
    memcpy(told->to_uncertain, record->to_uncertain, sizeof told->to_uncertain);
}

static inline void ignore_counter(void *context, const struct counter_report *report)
{
    (void)context;
    (void)report;
}

static inline void note_intervals(struct world *world, const struct state_report *reports,
                                  size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (reports[i].kind != STATE_REPORT_INTERVAL)
            continue;
        assert_true(world->interval_count < MOST_INTERVALS);
        world->intervals[world->interval_count++] =
            (struct interval){reports[i].state, reports[i].from_ms + world->boot_ms,
                              reports[i].to_ms + world->boot_ms};
    }
}

static inline size_t read_machine(const struct world *world, struct sample samples[READ_TAGS])
{
    const int64_t numbers[READ_TAGS] = {world->code,  world->good, world->waste,
                                        world->speed, world->job,  world->width};
    const char *paper = world->paper != NULL ? world->paper : "";

    for (uint16_t i = 0; i < world->machine->tag_count; i++) {
        samples[i] =
            (struct sample){.tag = i, .value = {.kind = VALUE_DECIMAL, .mantissa = numbers[i]}};
        if (i == PAPER)
            samples[i].value = (struct value){
                .kind = VALUE_TEXT, .length = (uint16_t)strlen(paper), .text = paper};
        if (world->code == 0)
            samples[i] = (struct sample){.tag = i, .quality = QUALITY_TIMEOUT};
    }
    return world->machine->tag_count;
}

/* A poll now; what is to be kept with it is stored where it is due, or `keep`. */
static inline void world_poll(struct world *world, bool keep)
{
    struct instant at = {.wall_ms = world->wall_ms + world->wrong_ms,
                         .boot_ms = world->wall_ms - world->boot_ms,
                         .synced = !world->unsynced};
    struct sample samples[MOST_SAMPLES];
    struct state_report reports[STATE_MAX_REPORTS];
    size_t report_count = 0, records_before = world->record_count;
    size_t jobs_before = world->job_count, formats_before = world->format_count;
    size_t count = read_machine(world, samples);

    if (world->states != NULL)
        report_count =
            states_take(world->states, samples, count, world->code != 0, at.boot_ms, reports);
    note_intervals(world, reports, report_count);
    count = counters_take(world->counters, samples, count, at.boot_ms, ignore_counter, NULL);
    const struct tally_poll poll = {
        .at = &at,
        .reports = reports,
        .report_count = report_count,
        .phase = world->states != NULL ? states_now(world->states) : NULL,
        .settled_ms = world->states != NULL ? states_settled_ms(world->states) : 0,
        .counters = world->counters,
        .samples = samples,
        .count = count,
        .job_is_sure = world->job_is_sure,
    };
    shifts_take(world->shifts, &poll, note_record, world);
    if (world->jobs != NULL)
        jobs_take(world->jobs, &poll, note_job, world);
    keep = keep || report_count > 0 || world->job_count > jobs_before ||
           world->format_count > formats_before ||
           (world->jobs != NULL && jobs_should_keep(world->jobs)) ||
           world->record_count > records_before || shifts_should_keep(world->shifts);
    store_counters(world, samples, count, at.boot_ms);
    if (keep && world->states != NULL)
        store_state(world, at.boot_ms);
    if (keep)
        store_shifts(world);
    if (keep && world->jobs != NULL)
        store_job(world);
}

/* Polls every second for so long; what it makes is spread evenly. */
static inline void world_run(struct world *world, int64_t for_ms, int code, int64_t good)
{
    int64_t first = world->good;

    world->code = code;
    for (int64_t i = 1; i <= for_ms / SECOND; i++) {
        world->wall_ms += SECOND;
        world->good = first + good * i / (for_ms / SECOND);
        world_poll(world, i % 60 == 0);
    }
}

static inline int64_t times_of(const struct told *told)
{
    int64_t sum = 0;

    for (size_t i = 0; i < PERFORMANCE_TIMES; i++)
        sum += told->performance.times_ms[i];
    return sum;
}

#endif
