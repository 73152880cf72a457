#include "machine_event.h"

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
