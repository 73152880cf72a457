/* Times of day, weekdays, holidays, and the time zone that they are of. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "date.h"
#include "load_times.h"
#include "memory.h"
#include "text.h"

#define ZONES "/usr/share/zoneinfo/"
#define ZONE_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/"
#define ZONE_MAGIC "TZif" /* tzfile(5) */

enum { ZONE_MOST_BYTES = 64 };

static bool is_zone_file(const char *path)
{
    char magic[sizeof ZONE_MAGIC - 1] = "";
    struct stat status;

    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
        return false;
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    size_t length = fread(magic, 1, sizeof magic, file);
    fclose(file);
    return length == sizeof magic && memcmp(magic, ZONE_MAGIC, sizeof magic) == 0;
}

/* The C library takes UTC for a zone that it does not know, and says nothing. */
static bool is_zone(const char *name)
{
    char path[sizeof ZONES + ZONE_MOST_BYTES];

    if (strlen(name) > ZONE_MOST_BYTES || strspn(name, ZONE_LETTERS) != strlen(name) ||
        name[0] == '/')
        return false;
    snprintf(path, sizeof path, ZONES "%s", name);
    return is_zone_file(path);
}

void load_read_timezone(struct load *load, const struct field *field, const struct node *value,
                        void *object)
{
    static const char expected[] = "one below " ZONES " on this system, such as Asia/Shanghai";
    const char *text = load_scalar(load, field, value, expected);

    if (text && !is_zone(text))
        load_refuse(load, field->key, value, "is no time zone", "%s", expected);
    else if (text)
        *(const char **)((char *)object + field->offset) = load_string(load, text);
}

bool load_time(struct load *load, const char *key, const struct node *value, bool is_end,
               uint16_t *ret_minutes)
{
    const char *expected =
        is_end ? "a time of day from 00:00 to 24:00" : "a time of day from 00:00 to 23:59";
    const struct field field = {.key = key};
    const char *text = load_scalar(load, &field, value, expected);
    uint16_t minutes = 0;

    if (!text)
        return false;
    if (parse_time(text, &minutes) != 0 || (minutes == MINUTES_A_DAY && !is_end)) {
        load_refuse(load, key, value, "is no such time", "%s", expected);
        return false;
    }
    *ret_minutes = minutes;
    return true;
}

static void add_weekdays(struct load *load, const char *key, const struct node *value,
                         uint8_t *weekdays)
{
    static const char expected[] =
        "mon, tue, wed, thu, fri, sat or sun, or a range such as mon-fri";
    const struct field field = {.key = key};
    const char *text = load_scalar(load, &field, value, expected);
    uint8_t more = 0;

    if (!text)
        return;
    if (parse_weekdays(text, &more) != 0)
        load_refuse(load, key, value, "is no weekday", "%s", expected);
    else if (*weekdays & more)
        load_refuse(load, key, value, "names a day again", "each day once");
    *weekdays |= more;
}

uint8_t load_weekdays(struct load *load, const char *key, const struct node *value)
{
    uint8_t weekdays = 0;

    if (value->kind != NODE_LIST) {
        add_weekdays(load, key, value, &weekdays);
        return weekdays;
    }
    for (const struct node *item = value->first; item; item = item->next)
        add_weekdays(load, key, node_target(item), &weekdays);
    if (!value->first)
        load_fault(load, value, "%s: an empty list stands here; expected at least one weekday",
                   key);
    return weekdays;
}

/* "2026-10-01", "2026-10-01..2026-10-07" */
static bool parse_holidays(const char *text, struct holidays *ret_holidays)
{
    const char *dots = strstr(text, "..");
    char first[sizeof "2026-10-01"] = "";
    struct holidays holidays = {0};

    if (!dots) {
        if (parse_date(text, &holidays.first) != 0)
            return false;
        holidays.last = holidays.first;
    } else {
        if ((size_t)(dots - text) >= sizeof first)
            return false;
        memcpy(first, text, (size_t)(dots - text));
        if (parse_date(first, &holidays.first) != 0 ||
            parse_date(dots + strlen(".."), &holidays.last) != 0)
            return false;
    }
    *ret_holidays = holidays;
    return holidays.first <= holidays.last;
}

static int compare_holidays(const void *a, const void *b)
{
    const struct holidays *one = a, *other = b;

    return (one->first > other->first) - (one->first < other->first);
}

/* Sorted, what touches or overlaps made one; lists of official holidays repeat themselves. */
static size_t join_holidays(struct holidays *holidays, size_t count)
{
    size_t joined = 0;

    qsort(holidays, count, sizeof *holidays, compare_holidays);
    for (size_t i = 0; i < count; i++) {
        struct holidays *last = joined > 0 ? &holidays[joined - 1] : NULL;
        if (!last || holidays[i].first > last->last + 1)
            holidays[joined++] = holidays[i];
        else if (holidays[i].last > last->last)
            last->last = holidays[i].last;
    }
    return joined;
}

size_t load_holidays(struct load *load, const char *key, const struct node *list,
                     const struct holidays **ret_holidays)
{
    static const char expected[] = "dates such as 2026-10-01, or ranges such as "
                                   "2026-10-01..2026-10-07, from 1970 to 2999";
    const struct field field = {.key = key};
    size_t most = list->kind == NODE_LIST ? node_count_items(list) : 0, count = 0;

    if (most > LOAD_MAX_HOLIDAYS) {
        load_fault(load, list, "%s: %zu of them; expected at most %d", key, most,
                   LOAD_MAX_HOLIDAYS);
        return 0;
    }
    struct holidays *holidays = arena_alloc(&load->home->arena, most * sizeof *holidays);
    for (const struct node *item = most > 0 ? list->first : NULL; item; item = item->next) {
        const struct node *value = node_target(item);
        const char *text = load_scalar(load, &field, value, expected);
        if (text && parse_holidays(text, &holidays[count]))
            count++;
        else if (text)
            load_refuse(load, key, value, "is no date and no range", "%s", expected);
    }
    *ret_holidays = holidays;
    return join_holidays(holidays, count);
}
