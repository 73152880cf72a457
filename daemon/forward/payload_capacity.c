#include "payload_capacity.h"

#include <math.h>
#include <string.h>

#include "date.h"
#include "value.h"

#define HOUR_MS 3600000.0

enum { HOUR_DECIMALS = 10, SHARE_DECIMALS = 1000 };

/* What moves all the time is rounded, so that it is told when it is worth it. */
static void add_rounded(struct text *out, const char *key, double number, int decimals)
{
    text_addf(out, "\"%s\":", key);
    if (!isfinite(number)) {
        text_add(out, "null");
        return;
    }
    const struct value value = {.kind = VALUE_REAL64,
                                .real64 = round(number * decimals) / decimals};
    value_to_json(&value, out);
}

static void add_decimal(struct text *out, const char *key, struct decimal decimal)
{
    const struct value value = {
        .kind = VALUE_DECIMAL, .decimals = decimal.decimals, .mantissa = decimal.mantissa};
    text_addf(out, "\"%s\":", key);
    value_to_json(&value, out);
    text_add_char(out, ',');
}

static void add_formats(struct text *out, const struct capacity_record *record)
{
    text_add(out, ",\"formats\":");
    if (record->format_count == 0) {
        text_add(out, "null");
        return;
    }
    for (size_t i = 0; i < record->format_count; i++) {
        const struct machine_format *format = &record->formats[i];
        text_add(out, i > 0 ? ",{\"name\":" : "[{\"name\":");
        text_add_json_string(out, format->name);
        text_add_char(out, ',');
        add_decimal(out, "low", format->low);
        add_decimal(out, "high", format->high);
        text_add(out, "\"unit\":");
        text_add_json_string(out, format->unit);
        text_add_char(out, '}');
    }
    text_add_char(out, ']');
}

static double share(int64_t part_ms, int64_t whole_ms)
{
    return whole_ms > 0 ? (double)part_ms / (double)whole_ms : NAN;
}

static void add_load(struct text *out, const char *key, const struct capacity_load *load,
                     bool has_calendar)
{
    int64_t unknown_ms = load->to_ms - load->from_ms - load->known_ms;
    double planned = share(load->planned_busy_ms, load->planned_known_ms);
    text_addf(out, "\"%s\":{\"from\":%lld,", key, (long long)load->from_ms);
    add_rounded(out, "share", share(load->busy_ms, load->known_ms), SHARE_DECIMALS);
    text_add_char(out, ',');
    add_rounded(out, "planned_share", has_calendar ? planned : NAN, SHARE_DECIMALS);
    text_add_char(out, ',');
    add_rounded(out, "known_h", (double)load->known_ms / HOUR_MS, HOUR_DECIMALS);
    text_add_char(out, ',');
    add_rounded(out, "unknown_h", (double)unknown_ms / HOUR_MS, HOUR_DECIMALS);
    text_add_char(out, '}');
}

static void add_days(struct text *out, const struct capacity_record *record)
{
    text_add(out, ",\"days\":");
    if (!record->has_calendar) {
        text_add(out, "null");
        return;
    }
    for (size_t i = 0; i < CAPACITY_DAYS; i++) {
        int year = 0, month = 0, day = 0;
        date_of_day(record->days[i].day, &year, &month, &day);
        text_addf(out, "%s{\"day\":\"%04d-%02d-%02d\",", i > 0 ? "," : "[", year, month, day);
        add_rounded(out, "planned_h", (double)record->days[i].planned_ms / HOUR_MS, HOUR_DECIMALS);
        text_add_char(out, '}');
    }
    text_add_char(out, ']');
}

void payload_capacity(struct text *out, const struct capacity_record *record)
{
    static const char *const words[] = {"null", "false", "true"};
    text_add(out, record->is_line ? "\"line\":" : "\"machine\":");
    text_add_json_string(out, record->name);
    add_formats(out, record);
    text_add_char(out, ',');
    add_rounded(out, "rated_per_h", record->rated, HOUR_DECIMALS);
    text_add_char(out, ',');
    add_rounded(out, "achieved_per_h", record->achieved, 1);
    text_addf(out, ",\"free\":%s,\"load\":{", words[record->is_free + 1]);
    add_load(out, "day", &record->day, record->has_calendar);
    text_add_char(out, ',');
    add_load(out, "week", &record->week, record->has_calendar);
    text_add_char(out, '}');
    add_days(out, record);
    text_add_char(out, '}');
}
