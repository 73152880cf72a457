#include "payload_json.h"

#include <string.h>

static char last_char(const struct text *out)
{
    return out->length > 0 ? out->data[out->length - 1] : '\0';
}

/* "name": with a comma before it unless it is the object's first. Names are letters, digits, . _ -
 * by configuration, or words of events, and need no escaping. */
static void add_name(struct text *out, const char *name, size_t length)
{
    bool first = last_char(out) == '{';
    char *at = text_reserve(out, length + 4);
    if (!first)
        *at++ = ',';
    *at++ = '"';
    memcpy(at, name, length);
    memcpy(at + length, "\":", 3);
    out->length += length + (first ? 3 : 4);
}

static void begin(struct text *out, const char *gateway, const char *store_id)
{
    text_add(out, "{\"gateway\":\"");
    text_add(out, gateway);
    text_add(out, "\",\"store\":\"");
    text_add(out, store_id);
    text_add_char(out, '"');
}

void payload_json_begin_machine(struct text *out, const char *gateway, const char *store_id,
                                const char *machine)
{
    begin(out, gateway, store_id);
    text_add(out, ",\"machine\":\"");
    text_add(out, machine);
    text_add(out, "\",\"readings\":[");
}

void payload_json_end_machine(struct text *out)
{
    text_add(out, "]}");
}

void payload_json_begin_gateway(struct text *out, const char *gateway, const char *store_id)
{
    begin(out, gateway, store_id);
    text_add(out, ",\"machines\":{");
}

void payload_json_next_machine(struct text *out, const char *machine)
{
    /* only begin_gateway leaves an open brace; a reading closes its own */
    if (last_char(out) != '{')
        text_add_char(out, ']');
    add_name(out, machine, strlen(machine));
    text_add_char(out, '[');
}

void payload_json_end_gateway(struct text *out)
{
    text_add(out, last_char(out) == '{' ? "}}" : "]}}");
}

static int64_t told_ms(const struct instant *at, const struct payload_clock *clock)
{
    return !at->synced && clock->corrected ? at->boot_ms + clock->offset_ms : at->wall_ms;
}

static void add_time(struct text *out, const struct instant *at, const struct payload_clock *clock)
{
    text_add(out, ",\"ts\":");
    text_add_int(out, told_ms(at, clock));
    if (!at->synced)
        text_add(out, clock->corrected ? ",\"clock\":\"corrected\"" : ",\"clock\":\"unsynced\"");
}

/* Whether the sample's value, or what it is for want of one, is to be told in such an object. */
static bool is_told(const struct sample *sample, const struct source *source, bool good)
{
    return (sample->quality == QUALITY_GOOD) == good && sample->tag < source->tag_count;
}

/* Copies `length` bytes from `half` on, up to twice that: two copies of a fixed size, which
 * overlap, are no call. */
static inline void copy_halves(char *at, const char *from, size_t length, size_t half)
{
    memcpy(at, from, half);
    memcpy(at + length - half, from + length - half, half);
}

/* The first of an object goes without the comma before it. Most are short; a store's may be of any
 * length, 0 included. */
static char *put_key(char *at, const struct tag_name *name, bool first)
{
    const char *key = name->key + first;
    size_t length = name->length + TAG_KEY_BYTES - first;
    if (length >= 4 && length < 8)
        copy_halves(at, key, length, 4);
    else if (length >= 8 && length <= 16)
        copy_halves(at, key, length, 8);
    else
        memcpy(at, key, length);
    return at + length;
}

static void add_key(struct text *out, const struct tag_name *name, bool first)
{
    char *at = text_reserve(out, name->length + TAG_KEY_BYTES);
    out->length += (size_t)(put_key(at, name, first) - at);
}

/* Thousands a second are told. */
static void add_decimal_member(struct text *out, const struct tag_name *name, bool first,
                               const struct value *value)
{
    char *at = text_reserve(out, name->length + TAG_KEY_BYTES + VALUE_DECIMAL_ROOM);
    char *end = put_key(at, name, first);
    end = value_put_decimal(end, value->mantissa, value->decimals);
    out->length += (size_t)(end - at);
}

static void add_member(struct text *out, const struct tag_name *name, bool first,
                       const struct value *value)
{
    if (value->kind == VALUE_DECIMAL) {
        add_decimal_member(out, name, first, value);
        return;
    }
    add_key(out, name, first);
    value_to_json(value, out);
}

/* Returns whether there are samples without a value. */
static bool add_values(struct text *out, const struct reading *reading, const struct source *source)
{
    size_t count = reading->count;
    bool first = true, failed = false;
    text_add(out, ",\"values\":{");
    for (size_t i = 0; i < count; i++) {
        const struct sample *sample = &reading->samples[i];
        failed |= sample->quality != QUALITY_GOOD;
        if (!is_told(sample, source, true))
            continue;
        add_member(out, &source->tags[sample->tag], first, &sample->value);
        first = false;
    }
    text_add_char(out, '}');
    return failed;
}

static void add_bad(struct text *out, const struct reading *reading, const struct source *source)
{
    bool first = true;
    for (size_t i = 0; i < reading->count; i++) {
        const struct sample *sample = &reading->samples[i];
        if (!is_told(sample, source, false))
            continue;
        if (first)
            text_add(out, ",\"bad\":{");
        add_key(out, &source->tags[sample->tag], first);
        text_add_char(out, '"');
        sample_bad_to_text(sample, out);
        text_add_char(out, '"');
        first = false;
    }
    if (!first)
        text_add_char(out, '}');
}

void payload_json_reading(struct text *out, uint64_t seq, const struct reading *reading,
                          const struct source *source, const struct payload_clock *clock)
{
    if (last_char(out) == '}')
        text_add_char(out, ',');
    text_add(out, "{\"seq\":");
    text_add_uint(out, seq);
    add_time(out, &reading->at, clock);
    if (add_values(out, reading, source))
        add_bad(out, reading, source);
    text_add_char(out, '}');
}

/* What lasted ends at the event's time, and so tells when it began. */
static void add_ends(struct text *out, const struct value *duration, int64_t to_ms)
{
    text_add(out, ",\"from\":");
    if (duration->kind == VALUE_DECIMAL)
        text_add_int(out, to_ms - duration->mantissa);
    else
        text_add(out, "null");
    text_add(out, ",\"to\":");
    text_add_int(out, to_ms);
}

void payload_json_event(struct text *out, uint64_t seq, const struct event *event,
                        const struct source *source, const struct payload_clock *clock,
                        const char *gateway, const char *store_id)
{
    text_add(out, "{\"seq\":");
    text_add_uint(out, seq);
    add_time(out, &event->at, clock);
    text_add(out, ",\"event\":");
    text_add_json_string(out, event->name);
    for (size_t i = 0; i < event->count; i++) {
        const struct event_field *field = &event->fields[i];
        if (strcmp(field->key, "duration_ms") == 0)
            add_ends(out, &field->value, told_ms(&event->at, clock));
        add_name(out, field->key, strlen(field->key));
        value_to_json(&field->value, out);
    }
    text_add(out, ",\"gateway\":");
    text_add_json_string(out, gateway);
    if (source != NULL) {
        text_add(out, ",\"machine\":");
        text_add_json_string(out, source->machine);
    }
    text_add(out, ",\"store\":");
    text_add_json_string(out, store_id);
    text_add_char(out, '}');
}

void payload_json_gap(struct text *out, uint64_t seq, const struct gap *gap, const char *gateway,
                      const char *store_id)
{
    text_add(out, "{\"seq\":");
    text_add_uint(out, seq);
    text_add(out, ",\"from_ts\":");
    text_add_int(out, gap->from_ms);
    text_add(out, ",\"to_ts\":");
    text_add_int(out, gap->to_ms);
    text_add(out, ",\"missing\":");
    text_add_uint(out, gap->missing);
    text_add(out, ",\"why\":");
    text_add_json_string(out, gap_why_name(gap->why));
    if (gap->last_seq > 0) {
        text_add(out, ",\"first_seq\":");
        text_add_uint(out, gap->first_seq);
        text_add(out, ",\"last_seq\":");
        text_add_uint(out, gap->last_seq);
    }
    text_add(out, ",\"gateway\":");
    text_add_json_string(out, gateway);
    text_add(out, ",\"store\":");
    text_add_json_string(out, store_id);
    text_add_char(out, '}');
}

static void add_now(struct text *out, const struct instant *at)
{
    text_add(out, "\"ts\":");
    text_add_int(out, at->wall_ms);
    if (!at->synced)
        text_add(out, ",\"clock\":\"unsynced\"");
}

void payload_json_status(struct text *out, bool online, const struct instant *at,
                         const char *store_id, const char *boot_id)
{
    text_add(out, online ? "{\"online\":true," : "{\"online\":false,");
    add_now(out, at);
    text_add(out, ",\"version\":\"" BINDERY_VERSION "\",\"store\":");
    text_add_json_string(out, store_id);
    text_add(out, ",\"boot\":");
    text_add_json_string(out, boot_id);
    text_add_char(out, '}');
}

/* Without its closing brace. */
static void begin_status(struct text *out, const struct instant *at, bool online,
                         enum machine_state state, int64_t since_ms, const char *reason)
{
    text_add_char(out, '{');
    add_now(out, at);
    text_add(out, online ? ",\"online\":true,\"state\":" : ",\"online\":false,\"state\":");
    text_add_json_string(out, machine_state_name(state));
    text_add(out, ",\"since\":");
    text_add_int(out, since_ms);
    text_add(out, ",\"reason\":");
    text_add_json_string(out, reason);
    text_add(out, ",\"packml\":");
    text_add_json_string(out, machine_state_packml(state));
    text_add(out, ",\"xjmf\":");
    text_add_json_string(out, machine_state_xjmf(state));
}

void payload_json_machine_status(struct text *out, const struct instant *at, bool online,
                                 int64_t since_ms, enum machine_state state, const char *reason)
{
    begin_status(out, at, online, state, since_ms, reason);
    text_add_char(out, '}');
}

static void add_total(struct text *out, const char *key, int64_t total)
{
    add_name(out, key, strlen(key));
    if (total >= 0)
        text_add_int(out, total);
    else
        text_add(out, "null");
}

void payload_json_line_status(struct text *out, const struct instant *at,
                              const struct line_status *status)
{
    begin_status(out, at, status->state != STATE_OFFLINE, status->state, status->since_ms,
                 status->has_reason ? status->reason : NULL);
    text_add(out, ",\"cause\":");
    text_add_json_string(out, status->cause);
    text_add(out, ",\"bottleneck\":");
    text_add_json_string(out, status->bottleneck);
    add_total(out, "good", status->good);
    add_total(out, "waste", status->waste);
    text_add_char(out, '}');
}
