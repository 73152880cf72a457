/* A record of free capacity as a message. Pure. */
#ifndef BINDERY_PAYLOAD_CAPACITY_H
#define BINDERY_PAYLOAD_CAPACITY_H

#include "capacity.h"
#include "text.h"

struct capacity_record {
    const char *name;
    bool is_line;
    const struct machine_format *formats;
    size_t format_count; /* 0: nothing was said */
    double rated;        /* an hour; NaN: not known */
    double achieved;     /* likewise, in the day's production */
    int is_free;         /* -1: not known */
    struct capacity_load day, week;
    bool has_calendar;
    struct capacity_day days[CAPACITY_DAYS]; /* with a calendar */
};

/* "machine":…,"formats":[{"name":…,"low":…,"high":…,"unit":…}],"rated_per_h":…,"achieved_per_h":…,
 * "free":…,"load":{"day":{"from":…,"share":…,"planned_share":…,"known_h":…,"unknown_h":…},"week":…},
 * "days":[{"day":"2026-11-30","planned_h":…}]}, without its opening brace; "line" in place of
 * machine for a line; null for what is not known. */
void payload_capacity(struct text *out, const struct capacity_record *record);

#endif
