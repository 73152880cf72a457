#include "machine_event.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct event begin(const char *name, uint32_t source, const struct instant *at)
{
    struct event event = {.source = source, .at = *at};
    snprintf(event.name, sizeof(event.name), "%s", name);
    return event;
}

static void add(struct event *event, const char *key, struct value value)
{
    struct event_field *field = &event->fields[event->count++];
    snprintf(field->key, sizeof(field->key), "%s", key);
    field->value = value;
}

/* A text must outlive the event. */
static void add_text(struct event *event, const char *key, const char *text)
{
    add(event, key,
        (struct value){.kind = VALUE_TEXT, .length = (uint16_t)strlen(text), .text = text});
}

static void add_number(struct event *event, const char *key, int64_t number)
{
    add(event, key, (struct value){.kind = VALUE_DECIMAL, .mantissa = number});
}

static void add_whole(struct event *event, const char *key, uint64_t number)
{
    if (number <= INT64_MAX)
        add_number(event, key, (int64_t)number);
    else
        add(event, key, (struct value){.kind = VALUE_UNSIGNED, .whole = number});
}

/* A plain step raises an epoch only where a whole turn may hide in it. */
static const char *what_happened(enum counter_verdict verdict)
{
    switch (verdict) {
    case COUNTER_RESET:
    case COUNTER_ANOMALY:
    case COUNTER_REFUSED:
        return counter_verdict_name(verdict);
    default:
        return "unseen turn";
    }
}

void machine_event_counter(const struct machine *machine, uint32_t source, const struct instant *at,
                           const struct counter_report *report, struct event *ret_event)
{
    *ret_event = begin("counter", source, at);
    add_text(ret_event, "tag", machine->tags[report->place->tag].name);
    add_text(ret_event, "what", what_happened(report->step.verdict));
    add_whole(ret_event, "raw_before", report->raw_before);
    add_whole(ret_event, "raw", report->raw);
    add_number(ret_event, "total", report->total);
    add_number(ret_event, "epoch", report->epoch);
}

void machine_event_set(const struct machine *machine, uint32_t source, const struct instant *at,
                       const struct counter_report *report, int64_t total_before,
                       struct event *ret_event)
{
    *ret_event = begin("counter", source, at);
    add_text(ret_event, "tag", machine->tags[report->place->tag].name);
    add_text(ret_event, "what", "set");
    add_whole(ret_event, "raw", report->raw);
    add_number(ret_event, "total_before", total_before);
    add_number(ret_event, "total", report->total);
    add_number(ret_event, "epoch", report->epoch);
}

static void add_bool(struct event *event, const char *key, bool on)
{
    add(event, key, (struct value){.kind = VALUE_BOOL, .boolean = on});
}

static void add_none(struct event *event, const char *key)
{
    add(event, key, (struct value){.kind = VALUE_NONE});
}

struct instant machine_event_instant(const struct instant *now, int64_t boot_ms)
{
    struct instant at = *now;
    if (boot_ms == STATE_TIME_UNKNOWN)
        return at;
    at.wall_ms -= now->boot_ms - boot_ms;
    at.boot_ms = boot_ms;
    return at;
}

/* A text of the configuration lasts; a number is told as one. */
static void add_reason(struct event *event, const struct machine *machine, uint32_t reason)
{
    char room[STATE_REASON_ROOM];
    const char *text = state_reason_text(machine->state, reason, room);
    if (text == room)
        add_number(event, "reason", reason);
    else if (text != NULL)
        add_text(event, "reason", text);
    else
        add_none(event, "reason");
}

/* Both ends are told by the length: where it is not known when it ended, none is. */
static void add_interval(struct event *event, const struct state_report *report)
{
    if (report->duration_ms >= 0 && report->to_ms != STATE_TIME_UNKNOWN)
        add_number(event, "duration_ms", report->duration_ms);
    else
        add_none(event, "duration_ms");
    add_number(event, "from_uncertain_ms", report->from_uncertain_ms);
    add_number(event, "to_uncertain_ms", report->to_uncertain_ms);
}

static void add_code(struct event *event, const struct state_report *report)
{
    if (report->has_code)
        add_number(event, "code", report->code);
    else
        add_none(event, "code");
}

void machine_event_state(const struct machine *machine, uint32_t source, const struct instant *now,
                         const struct state_report *report, struct event *ret_event)
{
    static const char *const names[] = {
        [STATE_REPORT_INTERVAL] = "state",
        [STATE_REPORT_STOP] = "stop",
        [STATE_REPORT_START] = "start",
        [STATE_REPORT_FAULT] = "fault",
    };
    bool lasted = report->kind == STATE_REPORT_INTERVAL || report->kind == STATE_REPORT_STOP;
    struct instant at = machine_event_instant(now, lasted ? report->to_ms : report->from_ms);
    *ret_event = begin(names[report->kind], source, &at);
    if (lasted)
        add_interval(ret_event, report);
    else
        add_number(ret_event, "from_uncertain_ms", report->from_uncertain_ms);
    add_text(ret_event, "state", machine_state_name(report->state));
    add_reason(ret_event, machine, report->reason);
    if (report->kind != STATE_REPORT_STOP)
        add_code(ret_event, report);
    if (report->kind == STATE_REPORT_STOP)
        add_bool(ret_event, "micro", report->micro);
    if (report->kind != STATE_REPORT_INTERVAL)
        add_bool(ret_event, "uncertain", report->uncertain);
}

void machine_event_limit(const struct machine *machine, uint32_t source, const struct instant *at,
                         const struct limit_report *report, struct event *ret_event)
{
    *ret_event = begin("limit", source, at);
    add_text(ret_event, "tag", machine->tags[report->tag].name);
    add_text(ret_event, "what", limit_side_name(report->side));
    add(ret_event, "value", report->value);
    add(ret_event, "limit", (struct value){.kind = VALUE_REAL64, .real64 = report->limit});
}

void machine_event_read(const struct machine *machine, uint32_t source, const struct instant *at,
                        const struct value *value, struct event *ret_event)
{
    *ret_event = begin("read", source, at);
    add_text(ret_event, "tag", machine->tags[machine->text->event].name);
    add(ret_event, "value", *value);
    add_bool(ret_event, "no_read", value->kind == VALUE_NONE);
}

static void add_real(struct event *event, const char *key, double number)
{
    if (isfinite(number))
        add(event, key, (struct value){.kind = VALUE_REAL64, .real64 = number});
    else
        add_none(event, key);
}

/* Null where it was not counted. */
static void add_quantity(struct event *event, const char *key, int64_t quantity)
{
    if (quantity != PERFORMANCE_NULL)
        add_number(event, key, quantity);
    else
        add_none(event, key);
}

static void add_quantities(struct event *event, const struct performance_quantity *quantities)
{
    int64_t inferred = 0;
    for (size_t i = 0; i < PERFORMANCE_QUANTITIES; i++) {
        add_quantity(event, counts_name((enum counts)i),
                     quantities[i].known ? quantities[i].total : PERFORMANCE_NULL);
        if (__builtin_add_overflow(inferred, quantities[i].inferred, &inferred))
            inferred = INT64_MAX;
    }
    add_number(event, "inferred", inferred);
}

static void add_times(struct event *event, const struct performance_record *record)
{
    for (size_t i = 0; i < PERFORMANCE_TIMES; i++) {
        char key[EVENT_WORD_BYTES];
        snprintf(key, sizeof(key), "%s_ms", performance_time_name((enum performance_time)i));
        add_number(event, key, record->times_ms[i]);
    }
    add_number(event, "uncertain_ms", record->uncertain_ms);
    add_number(event, "stops", record->stops.count);
    add_number(event, "stops_ms", record->stops.total_ms);
    add_number(event, "micro_stops", record->micro_stops.count);
    add_number(event, "micro_stops_ms", record->micro_stops.total_ms);
}

static void add_ratios(struct event *event, const struct performance_record *record)
{
    add_number(event, "apt_ms", record->apt_ms);
    add_number(event, "aust_ms", record->aust_ms);
    add_number(event, "adet_ms", record->adet_ms);
    add_number(event, "adot_ms", record->adot_ms);
    add_quantity(event, "pq", record->pq);
    add_quantity(event, "gq", record->gq);
    add_real(event, "availability", record->availability);
    add_real(event, "effectiveness", record->effectiveness);
    add_real(event, "quality", record->quality);
    add_real(event, "oee", record->oee);
}

static void add_performance(struct event *event, const struct performance_record *performance)
{
    add_quantities(event, performance->quantities);
    add_times(event, performance);
    add_real(event, "average_speed", performance->average_speed);
    add_real(event, "highest_speed", performance->highest_speed);
    add_ratios(event, performance);
}

/* "good_uncertain" and the likes, null where that is not known. */
static void add_uncertain(struct event *event, const char *word, const int64_t *quantities)
{
    for (size_t i = 0; i < PERFORMANCE_QUANTITIES; i++) {
        char key[EVENT_WORD_BYTES];
        snprintf(key, sizeof(key), "%s_%s", counts_name((enum counts)i), word);
        add_quantity(event, key, quantities[i]);
    }
}

void machine_event_shift(uint32_t source, const struct shifts_record *record,
                         struct event *ret_event)
{
    *ret_event = begin("shift", source, &record->end);
    add_text(ret_event, "shift", record->key);
    add_text(ret_event, "calendar", record->calendar);
    add_number(ret_event, "revision", record->performance.revision);
    add_number(ret_event, "duration_ms", record->length_ms);
    add_performance(ret_event, &record->performance);
    add_uncertain(ret_event, "from_uncertain", record->from_uncertain);
    add_uncertain(ret_event, "to_uncertain", record->to_uncertain);
}

/* Whether there is room for another field, and none of that name: what all events have included. */
static bool is_free(const struct event *event, const char *key)
{
    static const char *const taken[] = {"seq", "ts",      "clock",   "event", "from",
                                        "to",  "gateway", "machine", "store"};
    size_t length = strlen(key);
    bool fits = event->count < EVENT_MAX_FIELDS && length > 0 && length < EVENT_WORD_BYTES &&
                strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
    for (size_t i = 0; fits && i < sizeof(taken) / sizeof(*taken); i++)
        fits = strcmp(key, taken[i]) != 0;
    for (size_t i = 0; fits && i < event->count; i++)
        fits = strcmp(key, event->fields[i].key) != 0;
    return fits;
}

static void add_format(struct event *event, const struct machine *machine,
                       const struct value *values)
{
    for (size_t i = 0; i < machine->job->format_count; i++) {
        const char *key = machine->tags[machine->job->format[i]].name;
        if (is_free(event, key))
            add(event, key, values[i]);
    }
}

void machine_event_job(const struct machine *machine, uint32_t source, const struct instant *now,
                       const struct jobs_record *record, struct event *ret_event)
{
    static const char *const names[] = {
        [JOBS_BEGUN] = "job_begin", [JOBS_ENDED] = "job", [JOBS_FORMAT] = "format"};
    struct instant at = machine_event_instant(now, record->at_ms);
    *ret_event = begin(names[record->what], source, &at);
    add(ret_event, "job", record->id);
    if (record->what == JOBS_FORMAT) {
        add_text(ret_event, "tag", machine->tags[record->tag].name);
        add(ret_event, "value_before", record->before);
        add(ret_event, "value", record->value);
    }
    if (record->what != JOBS_ENDED)
        return;
    add(ret_event, "next", record->next);
    add_number(ret_event, "revision", record->performance.revision);
    add_number(ret_event, "duration_ms", record->length_ms);
    add_performance(ret_event, &record->performance);
    add_uncertain(ret_event, "uncertain", record->uncertain);
    add_format(ret_event, machine, record->format);
}
