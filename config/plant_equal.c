/* What comes to the same in two plants. */
#include <string.h>

#include "plant.h"

static bool string_equal(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool decimal_equal(struct decimal a, struct decimal b)
{
    return a.mantissa == b.mantissa && a.decimals == b.decimals;
}

static bool counter_equal(const struct tag_counter *a, const struct tag_counter *b)
{
    return a == b || (a && b && a->counts == b->counts && a->tell_raw == b->tell_raw &&
                      a->rule.kind == b->rule.kind && a->rule.modulus == b->rule.modulus &&
                      a->rule.max_per_s == b->rule.max_per_s &&
                      a->rule.multiplier == b->rule.multiplier && a->rule.carry == b->rule.carry);
}

static bool states_equal(const struct tag_states *a, const struct tag_states *b)
{
    if (a == b)
        return true;
    if (!a || !b || a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->codes[i].code != b->codes[i].code || a->codes[i].state != b->codes[i].state ||
            !string_equal(a->codes[i].reason, b->codes[i].reason))
            return false;
    return true;
}

static bool rule_equal(const struct state_rule *a, const struct state_rule *b)
{
    if (a->state != b->state || !string_equal(a->reason, b->reason) || a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->conditions[i].tag != b->conditions[i].tag ||
            a->conditions[i].op != b->conditions[i].op ||
            !decimal_equal(a->conditions[i].number, b->conditions[i].number))
            return false;
    return true;
}

static bool reasons_equal(const struct state_config *a, const struct state_config *b)
{
    if (a->reason_count != b->reason_count)
        return false;
    for (size_t i = 0; i < a->reason_count; i++)
        if (a->reasons[i].code != b->reasons[i].code ||
            !string_equal(a->reasons[i].reason, b->reasons[i].reason))
            return false;
    return true;
}

bool state_config_equal(const struct state_config *a, const struct state_config *b)
{
    if (a == b)
        return true;
    if (!a || !b || a->from != b->from || a->reason != b->reason ||
        a->rule_count != b->rule_count || a->debounce_ms != b->debounce_ms ||
        a->offline_after_ms != b->offline_after_ms || a->micro_stop_ms != b->micro_stop_ms ||
        !states_equal(a->codes, b->codes))
        return false;
    for (size_t i = 0; i < a->rule_count; i++)
        if (!rule_equal(&a->rules[i], &b->rules[i]))
            return false;
    return reasons_equal(a, b);
}

bool job_config_equal(const struct job_config *a, const struct job_config *b)
{
    if (a == b)
        return true;
    return a && b && a->id == b->id && string_equal(a->from, b->from) &&
           a->format_count == b->format_count &&
           memcmp(a->format, b->format, a->format_count * sizeof *a->format) == 0;
}

static bool limits_equal(const struct tag_limits *a, const struct tag_limits *b)
{
    return a->low == b->low && a->high == b->high && a->hysteresis == b->hysteresis &&
           a->has_low == b->has_low && a->has_high == b->has_high;
}

static bool shift_equal(const struct shift *a, const struct shift *b)
{
    if (!string_equal(a->name, b->name) || a->days != b->days || a->from != b->from ||
        a->to != b->to || a->break_count != b->break_count)
        return false;
    for (size_t i = 0; i < a->break_count; i++)
        if (a->breaks[i].from != b->breaks[i].from || a->breaks[i].to != b->breaks[i].to)
            return false;
    return true;
}

bool calendar_equal(const struct calendar *a, const struct calendar *b)
{
    if (a == b)
        return true;
    if (!a || !b || !string_equal(a->name, b->name) || a->shift_count != b->shift_count ||
        a->holiday_count != b->holiday_count)
        return false;
    for (size_t i = 0; i < a->shift_count; i++)
        if (!shift_equal(&a->shifts[i], &b->shifts[i]))
            return false;
    for (size_t i = 0; i < a->holiday_count; i++)
        if (a->holidays[i].first != b->holidays[i].first ||
            a->holidays[i].last != b->holidays[i].last)
            return false;
    return true;
}

bool text_config_equal(const struct text_config *a, const struct text_config *b)
{
    if (a == b)
        return true;
    if (!a || !b || !string_equal(a->ask, b->ask) || !string_equal(a->ack, b->ack) ||
        a->pattern_count != b->pattern_count || a->no_read_count != b->no_read_count ||
        a->checksum != b->checksum || a->event != b->event ||
        a->silent_after_ms != b->silent_after_ms)
        return false;
    for (size_t i = 0; i < a->pattern_count; i++)
        if (!string_equal(a->patterns[i].match, b->patterns[i].match))
            return false;
    for (size_t i = 0; i < a->no_read_count; i++)
        if (!string_equal(a->no_read[i], b->no_read[i]))
            return false;
    return true;
}

static bool detail_equal(const struct tag_detail *a, const struct tag_detail *b)
{
    return a == b || (a && b && string_equal(a->title.en, b->title.en) &&
                      string_equal(a->title.zh, b->title.zh) && string_equal(a->group, b->group) &&
                      decimal_equal(a->low, b->low) && decimal_equal(a->high, b->high) &&
                      counter_equal(a->counter, b->counter) &&
                      limits_equal(&a->limits, &b->limits) && states_equal(a->states, b->states));
}

bool tag_equal(const struct tag *a, const struct tag *b)
{
    return string_equal(a->name, b->name) && string_equal(a->unit, b->unit) && a->area == b->area &&
           a->address == b->address && a->bit == b->bit && a->type == b->type &&
           a->order == b->order && a->string_bytes == b->string_bytes &&
           decimal_equal(a->scale, b->scale) && decimal_equal(a->offset, b->offset) &&
           a->every_ms == b->every_ms && a->deadband == b->deadband &&
           a->heartbeat_ms == b->heartbeat_ms && detail_equal(a->detail, b->detail);
}

static bool formats_equal(const struct machine *a, const struct machine *b)
{
    if (a->format_count != b->format_count)
        return false;
    for (size_t i = 0; i < a->format_count; i++)
        if (!string_equal(a->formats[i].name, b->formats[i].name) ||
            !string_equal(a->formats[i].unit, b->formats[i].unit) ||
            !decimal_equal(a->formats[i].low, b->formats[i].low) ||
            !decimal_equal(a->formats[i].high, b->formats[i].high))
            return false;
    return true;
}

bool machine_equal(const struct machine *a, const struct machine *b)
{
    if (!string_equal(a->name, b->name) || !string_equal(a->link->name, b->link->name) ||
        a->unit != b->unit || a->every_ms != b->every_ms || a->tag_count != b->tag_count ||
        !string_equal(a->profile, b->profile) || a->synthetic != b->synthetic ||
        !state_config_equal(a->state, b->state) || a->ideal_ms != b->ideal_ms ||
        a->priority != b->priority || !calendar_equal(a->calendar, b->calendar) ||
        !job_config_equal(a->job, b->job) || !text_config_equal(a->text, b->text) ||
        !formats_equal(a, b))
        return false;
    for (size_t i = 0; i < a->tag_count; i++)
        if (!tag_equal(&a->tags[i], &b->tags[i]))
            return false;
    return true;
}

static bool recording_equal(const struct link_recording *a, const struct link_recording *b)
{
    if (!a || !b)
        return a == b;
    return string_equal(a->file, b->file) && a->speed == b->speed && a->repeat == b->repeat;
}

bool link_equal(const struct link *a, const struct link *b)
{
    return string_equal(a->name, b->name) && a->driver == b->driver &&
           recording_equal(a->recording, b->recording) && string_equal(a->host, b->host) &&
           a->port == b->port && string_equal(a->device, b->device) && a->baud == b->baud &&
           a->data_bits == b->data_bits && a->parity == b->parity && a->stop_bits == b->stop_bits &&
           a->rs485 == b->rs485 && a->timeout_ms == b->timeout_ms && a->pause_ms == b->pause_ms &&
           a->max_registers == b->max_registers && a->gap == b->gap &&
           string_equal(a->framing.end, b->framing.end) && a->framing.length == b->framing.length &&
           a->framing.idle_ms == b->framing.idle_ms;
}

bool uplink_settings_equal(const struct uplink_settings *a, const struct uplink_settings *b)
{
    return string_equal(a->name, b->name) && a->scheme == b->scheme &&
           string_equal(a->host, b->host) && a->port == b->port &&
           string_equal(a->client_id, b->client_id) && string_equal(a->username, b->username) &&
           string_equal(a->password_file, b->password_file) &&
           string_equal(a->ca_file, b->ca_file) && string_equal(a->cert_file, b->cert_file) &&
           string_equal(a->key_file, b->key_file) && a->mqtt5 == b->mqtt5 &&
           a->gather == b->gather && a->publish_every_ms == b->publish_every_ms &&
           string_equal(a->topic, b->topic);
}
