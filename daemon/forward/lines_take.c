/* What records say of lines. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lines_internal.h"
#include "log.h"
#include "record.h"
#include "said.h"

enum { SALVAGED_MS = 60000 }; /* what is so far behind is older, and was taken before */

/* One call: where it reads, and where it tells. */
struct take {
    struct lines *lines;
    struct text *records; /* NULL: nothing is told */
    uint32_t count;
};

/* A number is told in digits too. */
static uint32_t reason_of(const struct machine *machine, const struct value *value)
{
    char text[LIVE_REASON_BYTES] = "", room[STATE_REASON_ROOM];
    if (value->kind == VALUE_DECIMAL)
        return state_reason_of_number(value->mantissa);
    if (value->kind != VALUE_TEXT || value->length >= sizeof(text))
        return 0;
    memcpy(text, value->text, value->length);
    uint32_t reason = state_reason_of_text(text);
    bool is_number = text[0] != '\0' && strspn(text, "0123456789") == strlen(text);
    if (is_number && state_reason_text(machine->state, reason, room) == NULL)
        return state_reason_of_number(strtoll(text, NULL, 10));
    return text[0] != '\0' ? reason : 0;
}

/* --- what a line tells --- */

static void add(struct event *event, const char *key, const struct value *value)
{
    struct event_field *field = &event->fields[event->count];
    if (value == NULL || event->count == EVENT_MAX_FIELDS)
        return;
    snprintf(field->key, sizeof(field->key), "%s", key);
    field->value = *value;
    event->count++;
}

static void add_number(struct event *event, const char *key, int64_t number)
{
    add(event, key, &(const struct value){.kind = VALUE_DECIMAL, .mantissa = number});
}

static void add_name(struct event *event, const char *key, const char *name)
{
    add(event, key,
        &(const struct value){.kind = VALUE_TEXT, .length = (uint16_t)strlen(name), .text = name});
}

/* What the line's output is: the delivery's, as it told it. */
static void add_output(struct event *event, const struct event *shift)
{
    static const char *const keys[] = {
        "good",
        "waste",
        "gross",
        "inferred",
        "good_from_uncertain",
        "waste_from_uncertain",
        "gross_from_uncertain",
        "good_to_uncertain",
        "waste_to_uncertain",
        "gross_to_uncertain",
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
        add(event, keys[i], said_field(shift, keys[i]));
}

static void add_times(struct event *event, const struct line_shift_record *record)
{
    char key[EVENT_WORD_BYTES];
    for (size_t i = 0; i < PERFORMANCE_TIMES; i++) {
        snprintf(key, sizeof(key), "%s_ms", performance_time_name((enum performance_time)i));
        add_number(event, key, record->times_ms[i]);
    }
}

/* Names of machines are no keys: they have numbers, in the order of the line. */
static void add_bottlenecks(struct event *event, const struct production_line *line,
                            const struct line_shift_record *record)
{
    char key[EVENT_WORD_BYTES];
    for (size_t i = 0; i < line->machine_count; i++) {
        if (record->held_ms[i] == 0)
            continue;
        snprintf(key, sizeof(key), "bottleneck_%u", (unsigned)i + 1);
        add_name(event, key, line->machines[i]->name);
        snprintf(key, sizeof(key), "bottleneck_%u_ms", (unsigned)i + 1);
        add_number(event, key, record->held_ms[i]);
    }
}

static void tell_shift(struct take *take, const struct lines_line *line,
                       const struct line_shift *shift, const struct line_shift_record *record)
{
    const struct production_line *config = line->run.config;
    struct event event = {.at = line->shift.at, .name = "shift"};
    if (take->records == NULL || lines_source(take->lines->store, config, &event.source) < 0)
        return;
    add(&event, "shift", said_field(&line->shift, "shift"));
    add(&event, "calendar", said_field(&line->shift, "calendar"));
    add_number(&event, "revision", shift->revision);
    add_number(&event, "duration_ms", record->length_ms);
    add_name(&event, "delivery", config->machines[config->delivery]->name);
    add_output(&event, &line->shift);
    add_times(&event, record);
    add_bottlenecks(&event, config, record);
    record_add_event(take->records, &event);
    take->count++;
    log_info("line %s: shift %s is over", config->name, shift->key);
}

/* The delivery's shift, once what it does since is known too. */
static void end_shift(struct take *take, struct lines_line *line)
{
    struct line_shift_record record;
    const struct value *key = said_field(&line->shift, "shift");
    char room[SHIFT_KEY_ROOM] = "";
    line->shift_waits = false;
    if (key == NULL || key->kind != VALUE_TEXT || key->length >= sizeof(room))
        return;
    memcpy(room, key->text, key->length);
    const struct line_shift shift = {
        .key = room,
        .end_ms = line->shift.at.wall_ms,
        .length_ms = said_number(&line->shift, "duration_ms", 0),
        .run_ms = said_number(&line->shift, "run_ms", -1),
        .unknown_ms = said_number(&line->shift, "unknown_ms", -1),
        .revision = said_number(&line->shift, "revision", 1),
    };
    if (line_run_shift(&line->run, &shift, &record))
        tell_shift(take, line, &shift, &record);
}

/* --- what machines tell --- */

static void take_interval(const struct lines_seat *seat, const struct event *event)
{
    const struct machine *machine = seat->line->run.config->machines[seat->member];
    const struct value *state = said_field(event, "state"), *reason = said_field(event, "reason");
    int64_t duration_ms = said_number(event, "duration_ms", -1);
    if (state == NULL)
        return;
    struct line_interval interval = {
        .doing = {.state = said_state(state)},
        .from_ms = duration_ms >= 0 ? event->at.wall_ms - duration_ms : LINE_TIME_UNKNOWN,
        .to_ms = event->at.wall_ms,
        .uncertain_ms = said_number(event, "to_uncertain_ms", 0),
    };
    if (reason != NULL)
        interval.doing.reason = reason_of(machine, reason);
    line_run_interval(&seat->line->run, seat->member, &interval);
}

static void take_event(struct take *take, const struct lines_seat *seat, const struct event *event)
{
    struct lines_line *line = seat->line;
    if (strcmp(event->name, "state") == 0 && seat->state != SAID_NOWHERE)
        take_interval(seat, event);
    if (strcmp(event->name, "shift") != 0 || seat->member != line->run.config->delivery)
        return;
    if (line->shift_waits)
        end_shift(take, line);
    line->shift = *event;
    line->shift_waits = true;
}

static double reserve_of(const struct lines_seat *seat, const struct sample *sample)
{
    if (sample->quality != QUALITY_GOOD || seat->ideal <= 0)
        return NAN;
    return 1 - value_number(&sample->value) / seat->ideal;
}

static void take_reading(struct take *take, const struct lines_seat *seat,
                         const struct reading *reading)
{
    struct lines_line *line = seat->line;
    const struct machine *machine = line->run.config->machines[seat->member];
    struct line_doing doing = line->run.members[seat->member].shown;
    bool told = false;
    for (size_t i = 0; i < reading->count; i++) {
        const struct sample *sample = &reading->samples[i];
        if (sample->tag == seat->speed)
            line_run_reserve(&line->run, seat->member, reserve_of(seat, sample));
        if (seat->state == SAID_NOWHERE)
            continue;
        if (sample->tag == seat->state)
            doing.state = said_state(&sample->value);
        if (sample->tag == seat->state + 1)
            doing.reason = reason_of(machine, &sample->value);
        if (sample->tag == seat->state || sample->tag == seat->state + 1)
            told = true;
    }
    if (seat->state != SAID_NOWHERE)
        line_run_reading(&line->run, seat->member, told ? &doing : NULL, reading->at.wall_ms);
    if (line->shift_waits && seat->member == line->run.config->delivery)
        end_shift(take, line);
}

/* At the start what was salvaged may come behind what is newer. */
static bool was_taken(const struct take *take, const struct lines_line *line,
                      const struct instant *at)
{
    const struct line_run *run = &line->run;
    if (take->records != NULL || !run->started)
        return false;
    return at->wall_ms < run->known_ms - SALVAGED_MS;
}

static void take_record(struct take *take, const struct lines_seat *seat,
                        const struct record *record)
{
    const struct instant *at = record_instant(record);
    struct lines_line *line = seat->line;
    if (was_taken(take, line, at))
        return;
    line->dirty = true;
    line_run_clock(&line->run, at);
    if (take->records != NULL && record->kind == RECORD_READING &&
        seat->member == line->run.config->delivery)
        line->heard = true;
    if (record->kind == RECORD_EVENT)
        take_event(take, seat, &record->event);
    else
        take_reading(take, seat, &record->reading);
}

/* The gateway's own events: the clock was set. */
static void take_step(struct take *take, const struct event *event)
{
    int64_t step_ms = said_number(event, "step_ms", 0);
    for (size_t i = 0; strcmp(event->name, "clock_step") == 0 && i < take->lines->count; i++) {
        struct lines_line *line = &take->lines->items[i];
        if (was_taken(take, line, &event->at))
            continue;
        line->dirty = true;
        line_run_step(&line->run, event->at.wall_ms, step_ms);
    }
}

static void take_body(struct take *take, const void *body, size_t length)
{
    struct record_reader reader = {0};
    struct record record;
    enum record_kind kind;
    uint32_t source;
    record_reader_start(&reader, body, length);
    for (;;) {
        struct record_reader from = reader;
        if (record_skim(&reader, &kind, &source) != 1)
            break;
        bool own = kind == RECORD_EVENT && source == 0;
        const struct lines_seat *seat =
            kind == RECORD_GAP || own ? NULL : lines_seat(take->lines, source);
        if (seat == NULL && !own)
            continue;
        reader.at = from.at;
        reader.passed = from.passed;
        if (record_next(&reader, &record) != 1)
            break;
        if (own)
            take_step(take, &record.event);
        else
            take_record(take, seat, &record);
    }
    for (size_t i = 0; i < take->lines->count; i++)
        if (take->lines->items[i].shift_waits)
            end_shift(take, &take->lines->items[i]);
    record_reader_free(&reader);
}

uint32_t lines_take(struct lines *lines, const void *body, size_t length, struct text *ret_records)
{
    struct take take = {.lines = lines, .records = ret_records};
    if (lines == NULL)
        return 0;
    take_body(&take, body, length);
    return take.count;
}

void lines_replay(struct lines *lines, const struct batch *batch)
{
    struct take take = {.lines = lines};
    if (lines != NULL)
        take_body(&take, batch->body, batch->length);
}

void lines_seed(struct lines *lines, const struct live_status *machine, const struct instant *now)
{
    const struct value reason = {
        .kind = VALUE_TEXT, .length = (uint16_t)strlen(machine->reason), .text = machine->reason};
    for (size_t i = 0; i < lines_count(lines); i++) {
        struct lines_line *line = &lines->items[i];
        const struct production_line *config = line->run.config;
        size_t k = 0;
        while (k < config->machine_count &&
               strcmp(config->machines[k]->name, machine->machine) != 0)
            k++;
        if (k == config->machine_count || config->machines[k]->state == NULL)
            continue;
        line->dirty = true;
        line->heard = line->heard || k == config->delivery;
        if (line->run.members[k].shown.state != STATE_UNKNOWN)
            continue;
        const struct line_doing doing = {machine->state, reason_of(config->machines[k], &reason)};
        line_run_clock(&line->run, now);
        line_run_reading(&line->run, k, &doing, now->wall_ms);
    }
}
