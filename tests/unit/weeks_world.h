/* Weeks of a simulated plant in seconds, by seed: the simulation's own machines answer the polls of
 * the daemon's own path (requests, answers, decoding, what machine.c makes of them, the queue, the
 * ledger on a store), on clocks of the test's making. Machines fall silent, controllers start anew,
 * the gateway is stopped, killed, reloaded, its computer loses its power, its clock is set; and
 * what comes out of the store is written down as it was told. */
#ifndef BINDERY_WEEKS_WORLD_H
#define BINDERY_WEEKS_WORLD_H

#include <inttypes.h>
#include <math.h>

#include "config_fixture.h"
#include "date.h"
#include "decode.h"
#include "ledger_bench.h"
#include "log.h"
#include "sim_random.h"
#include "weeks_clock.h"
#include "weeks_told.h"
#include "zone.h"

enum {
    MACHINES = 5,
    LINKS = 4,
    MOST_RUNS = 1024,
    RECORD_BYTES = 64 << 20,
    LATENCY_MS = 15,
    LATE_MS = 40
};

/* When the wall clock was wrong. */
struct wrong {
    int64_t from_ms, to_ms;
};

struct weeks {
    struct config *config;
    struct bench *bench;
    const struct plant *plant;
    struct sim_bus buses[LINKS];
    struct live_link *live_links[LINKS];
    struct watched watched[MACHINES];
    struct poll_output output;
    struct standings standings;
    struct live *live;
    uint64_t random, next_seq;
    int64_t story_ms; /* the stories' time at the world's 0 */
    int64_t drain_ms, trouble_ms;
    unsigned run;
    bool killed[MOST_RUNS]; /* how each run ended */
    LIST(struct wrong) wrong;
    uint64_t seed;
    struct {
        unsigned kills, stops, reloads, reboots, silences, steps;
    } met;
};

/* --- chances --- */

static inline double share(struct weeks *weeks)
{
    return sim_share(weeks->random++, 77);
}

/* Short ones as likely as long ones. */
static inline int64_t some_time(struct weeks *weeks, int64_t least_ms, int64_t most_ms)
{
    return (int64_t)((double)least_ms * pow((double)most_ms / (double)least_ms, share(weeks)));
}

/* --- the plant --- */

static const struct {
    const char *name, *unit_of, *profile, *parameters, *format, *tag;
    int every_s;
} specs[MACHINES] = {
    /* A line of two. */
    {"gathering", "l1, unit: 1", "gathering-machine", "", "job_no", "", 10},
    {"trimmer", "l1, unit: 2", "three-knife-trimmer", "", "job_no", "", 15},
    {"binder", "l2", "perfect-binder", "", "block_width", "", 5},
    {"stitcher", "l3", "saddle-stitcher", ", up: 2", "product_width", "", 7},
    /* With a counter that wraps every few minutes. */
    {"folder", "l4", "folder", "", "sheet_width",
     ", {name: tally, at: 'holding:310', counter: {counts: good, kind: rollover, modulus: 2000,"
     " max_rate: 18000/h}}",
     12},
};

static const char calendar_text[] =
    "timezone: Europe/Berlin\n"
    "calendars:\n"
    " - {name: hall, shifts: [\n"
    "  {name: early, days: mon-sat, from: '06:00', to: '14:00', breaks: [['10:00', '10:30']]},\n"
    "  {name: late, days: mon-fri, from: '14:00', to: '22:00'},\n"
    "  {name: night, days: sun-thu, from: '22:00', to: '06:00'},\n"
    "  {name: odd, days: sat, from: '23:30', to: '07:10'}]}\n";

/* Machines that are asked so many times less often. */
static inline void add_machines(struct text *text, int slowness)
{
    text_add(text, "machines:\n");
    for (size_t i = 0; i < MACHINES; i++) {
        int every_s = specs[i].every_s * slowness;
        text_addf(text,
                  " - {name: %s, link: %s, profile: %s, every: %ds, calendar: hall,\n"
                  "    parameters: {micro_stop: 60s, offline_after: %ds%s},\n"
                  "    job: {id: job_no, format: [%s]}, tags: [\n"
                  "    {name: job_no, at: 'holding:300', type: u32, order: CDAB}%s]}\n",
                  specs[i].name, specs[i].unit_of, specs[i].profile, every_s, 3 * every_s,
                  specs[i].parameters, specs[i].format, specs[i].tag);
    }
}

static inline void load_plant(struct weeks *weeks, int slowness)
{
    char path[256];
    struct text text = {0};

    snprintf(path, sizeof path, "%.*s../../config/profiles",
             (int)(strrchr(__FILE__, '/') - __FILE__ + 1), __FILE__);
    setenv("BINDERY_PROFILES_DIR", path, 1);
    text_addf(&text, "gateway: g\nstore: {path: %s, replay_window: 0s}\nuplinks: []\nlinks:\n",
              weeks->bench->fixture->path);
    for (int i = 1; i <= LINKS; i++)
        text_addf(&text, " - {name: l%d, driver: modbus-tcp, address: 'h:%d'}\n", i, i);
    add_machines(&text, slowness);
    text_add(&text, calendar_text);
    config_write(weeks->config, "plant.yaml", text.data);
    text_free(&text);
    config_expect_plant(weeks->config);
    weeks->plant = weeks->config->plant;
    assert_int_equal(weeks->plant->machine_count, MACHINES);
}

static inline struct sim_tale *find_tale(const struct sim_bus *bus, const struct machine *machine)
{
    for (size_t i = 0; i < bus->tale_count; i++)
        if (sim_tale_machine(bus->tales[i]) == machine)
            return bus->tales[i];
    return NULL;
}

static inline void simulate(struct weeks *weeks, uint64_t seed)
{
    for (size_t i = 0; i < LINKS; i++) {
        struct sim_bus *bus = &weeks->buses[i];
        bus->link = &weeks->plant->links[i];
        for (size_t k = 0; k < bus->link->machine_count; k++)
            sim_bus_add(bus, bus->link->machines[k], sim_mix(seed + 10 * i + k));
        sim_bus_settle(bus);
    }
    for (size_t i = 0; i < MACHINES; i++) {
        struct watched *watched = &weeks->watched[i];
        watched->machine = &weeks->plant->machines[i];
        watched->bus = &weeks->buses[watched->machine->link - weeks->plant->links];
        watched->tale = find_tale(watched->bus, watched->machine);
        watched->next_ms = (int64_t)(share(weeks) * (double)watched->machine->every_ms);
    }
}

/* --- what comes out of the store --- */

static inline void hear(struct weeks *weeks, const struct record *record)
{
    bool is_event = record->kind == RECORD_EVENT;
    uint32_t source = is_event ? record->event.source : record->reading.source;
    /* All of a batch was told by the same clock. */
    int64_t ahead_ms = world_wall_ms + world_wrong_ms;
    size_t i = 0;

    assert_int_not_equal(record->kind, RECORD_GAP);
    while (i < MACHINES && weeks->watched[i].source != source)
        i++;
    assert_true(i < MACHINES);
    if (is_event)
        hear_event(&weeks->watched[i], &record->event, ahead_ms);
    else
        hear_reading(&weeks->watched[i], &record->reading, ahead_ms);
}

static inline void hear_batch(struct weeks *weeks, const struct batch *batch)
{
    struct record_reader reader = {0};
    struct record record;

    assert_int_equal(batch->first_seq, weeks->next_seq);
    weeks->next_seq += batch->count;
    record_reader_start(&reader, batch->body, batch->length);
    while (record_next(&reader, &record) == 1)
        hear(weeks, &record);
    assert_int_equal(reader.passed, batch->count);
    record_reader_free(&reader);
}

static inline void hear_all(struct weeks *weeks)
{
    struct batch batch;
    uint64_t first = weeks->next_seq;

    while (store_read(ledger_store(weeks->bench->ledger), weeks->next_seq, SEQ_END, &batch) == 0) {
        hear_batch(weeks, &batch);
        free(batch.body);
    }
    if (weeks->next_seq > first)
        acknowledge(weeks->bench, first, weeks->next_seq - 1);
    for (size_t i = 0; i < MACHINES; i++)
        weeks->watched[i].committed = weeks->watched[i].seen.count;
}

/* All that is in the queue is committed and heard. */
static inline void drain(struct weeks *weeks)
{
    world_ms += SECOND; /* the ledger's next turn */
    ledger_step(weeks->bench->ledger, audience(weeks->bench), clock_mono_ns());
    hear_all(weeks);
    weeks->drain_ms = world_ms + some_time(weeks, MINUTE, 2 * HOUR);
}

/* --- the gateway --- */

static inline void start_machines(struct weeks *weeks)
{
    weeks->run++;
    for (size_t i = 0; i < MACHINES; i++)
        weeks->watched[i].run =
            machine_run_new(weeks->plant, weeks->watched[i].machine, weeks->watched[i].source,
                            (unsigned)i, &weeks->output);
}

static inline void start(struct weeks *weeks)
{
    uint32_t sources[MACHINES];
    struct bench *bench = weeks->bench;

    bench->queue = queue_new(RECORD_BYTES);
    assert_int_equal(ledger_open(weeks->plant, bench->queue, &bench->ledger), 0);
    assert_int_equal(ledger_sources(bench->ledger, weeks->plant, sources), 0);
    ledger_copy_standings(bench->ledger, &weeks->standings);
    weeks->output = (struct poll_output){.queue = bench->queue,
                                         .live = weeks->live,
                                         .standings = &weeks->standings,
                                         .tick_ns = weeks->plant->tick_ms * NS_PER_MS};
    for (size_t i = 0; i < MACHINES; i++)
        weeks->watched[i].source = sources[i];
    start_machines(weeks);
}

static inline void stop_machines(struct weeks *weeks, const struct poll_output *output)
{
    for (size_t i = 0; i < MACHINES; i++)
        machine_run_free(weeks->watched[i].run, output);
}

static inline void close_store(struct weeks *weeks)
{
    ledger_close(weeks->bench->ledger);
    queue_free(weeks->bench->queue);
    weeks->bench->ledger = NULL;
    weeks->bench->queue = NULL;
    standings_free(&weeks->standings);
    weeks->standings = (struct standings){0};
}

static inline void stop(struct weeks *weeks)
{
    stop_machines(weeks, &weeks->output);
    ledger_finish(weeks->bench->ledger, audience(weeks->bench));
    hear_all(weeks);
    close_store(weeks);
}

/* What is in memory only is lost, and with it the polls that saw it. */
static inline void kill_now(struct weeks *weeks)
{
    struct standings lost = {0};
    struct poll_output nowhere = weeks->output;

    nowhere.queue = queue_new(RECORD_BYTES);
    nowhere.standings = &lost;
    stop_machines(weeks, &nowhere);
    queue_free(nowhere.queue);
    standings_free(&lost);
    close_store(weeks);
    for (size_t i = 0; i < MACHINES; i++)
        weeks->watched[i].seen.count = weeks->watched[i].committed;
}

static inline void reload(struct weeks *weeks)
{
    stop_machines(weeks, &weeks->output);
    start_machines(weeks);
}

/* --- polls --- */

static inline bool ask(const struct weeks *weeks, struct watched *watched, const struct span *span,
                       uint16_t words[MODBUS_MAX_BITS])
{
    uint8_t request[MODBUS_TCP_REQUEST], pdu[MODBUS_MAX_PDU];
    struct modbus_frame frame;

    modbus_tcp_request(1, watched->machine->unit, span, request);
    assert_int_equal(modbus_tcp_parse(request, sizeof request, &frame), sizeof request);
    size_t length = sim_bus_answer(watched->bus, &frame, weeks->story_ms + world_ms, pdu);
    if (length == 0)
        return false;
    assert_int_equal(modbus_answer(pdu, length, span, words), 0);
    return true;
}

/* As tcp_link.c does it. */
static inline bool read_all(const struct weeks *weeks, struct watched *watched)
{
    const struct modbus_plan *plan = watched->run->plan;
    struct line_answer *answer = &watched->run->answer;
    uint16_t words[MODBUS_MAX_BITS];

    for (size_t i = 0; i < plan->span_count; i++) {
        const struct span *span = &plan->spans[i];
        if (world_ms < watched->silent_until_ms || !ask(weeks, watched, span, words))
            return false;
        for (size_t k = 0; k < span->tag_count; k++) {
            uint16_t tag = plan->tags[span->first_tag + k];
            const struct tag *read = &watched->machine->tags[tag];
            struct sample *sample = &answer->samples[answer->count++];
            char *text = NULL;
            if (read->type == TYPE_STRING)
                text = answer->texts + (size_t)tag * DECODE_TEXT_BYTES;
            decode_tag(read, words + (read->address - span->start), text, sample);
            sample->tag = tag;
        }
    }
    return true;
}

static inline int64_t shown(const struct watched *watched, size_t tag, int64_t story_ms)
{
    const struct tag *read = &watched->machine->tags[tag];
    return (int64_t)sim_tale_raw(watched->tale, tag, sim_kind_of(read), story_ms);
}

static inline void poll_machine(struct weeks *weeks, struct watched *watched)
{
    static const struct schedule_due all = {.periods = UINT32_MAX};
    bool answered = read_all(weeks, watched);
    int64_t took_ms =
        answered ? (int64_t)(share(weeks) * LATENCY_MS) : watched->machine->link->timeout_ms;
    struct instant at = world_instant(world_ms + took_ms);
    struct sim_told told = sim_tale_told(watched->tale, weeks->story_ms + world_ms);

    *LIST_ADD(&watched->seen) =
        (struct seen){.at_ms = world_ms + took_ms,
                      .asked_ms = world_ms,
                      .answered = answered,
                      .run = weeks->run,
                      .state = told.state,
                      .reason = told.reason,
                      .job = shown(watched, watched->machine->job->id, weeks->story_ms + world_ms)};
    if (!answered)
        machine_run_fail(watched->run, &all, QUALITY_TIMEOUT);
    machine_run_finish(watched->run, &weeks->output, &at,
                       answered ? QUALITY_GOOD : QUALITY_TIMEOUT);
    watched->next_ms += watched->machine->every_ms;
    if (watched->next_ms <= world_ms)
        watched->next_ms = world_ms + watched->machine->every_ms;
}

/* The machine that is due next, a little late. */
static inline void poll_next(struct weeks *weeks)
{
    struct watched *next = &weeks->watched[0];

    for (size_t i = 1; i < MACHINES; i++)
        if (weeks->watched[i].next_ms < next->next_ms)
            next = &weeks->watched[i];
    if (world_ms < next->next_ms)
        world_ms = next->next_ms;
    world_ms += (int64_t)(share(weeks) * LATE_MS);
    poll_machine(weeks, next);
}

#endif
