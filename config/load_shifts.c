/* calendars: when work is planned. */
#include <stdlib.h>
#include <string.h>

#include "date.h"
#include "load.h"
#include "load_times.h"
#include "phrase.h"

enum {
    MAX_SHIFTS = 64, /* of a calendar */
    MAX_BREAKS = 32, /* of a shift */
    WEEK_MINUTES = DAYS_A_WEEK * MINUTES_A_DAY,
    NO_SHIFT = UINT8_MAX,
};

_Static_assert(MAX_SHIFTS < NO_SHIFT, "a minute's shift is kept in a byte");

enum { SHIFT_NAME, SHIFT_DAYS, SHIFT_FROM, SHIFT_TO, SHIFT_BREAKS, SHIFT_FIELDS };

static const struct field shift_fields[SHIFT_FIELDS] = {
    [SHIFT_NAME] = {.key = "name",
                    .read = load_read_name,
                    .offset = offsetof(struct shift, name),
                    .required = "the shift's name"},
    [SHIFT_DAYS] = {.key = "days",
                    .required = "the weekdays on which it begins, such as [mon-fri]"},
    [SHIFT_FROM] = {.key = "from", .required = "when it begins, such as 22:00"},
    [SHIFT_TO] = {.key = "to", .required = "when it ends, such as 06:00"},
    [SHIFT_BREAKS] = {.key = "breaks", .read = load_read_list},
};

static const struct section shift_section = {"a shift", shift_fields, SHIFT_FIELDS};

enum { CALENDAR_NAME, CALENDAR_SHIFTS, CALENDAR_HOLIDAYS, CALENDAR_FIELDS };

static const struct field calendar_fields[CALENDAR_FIELDS] = {
    [CALENDAR_NAME] = {.key = "name",
                       .read = load_read_name,
                       .offset = offsetof(struct calendar, name),
                       .required = "the calendar's name"},
    [CALENDAR_SHIFTS] = {.key = "shifts",
                         .read = load_read_list,
                         .required = "a list of at least one shift"},
    [CALENDAR_HOLIDAYS] = {.key = "holidays", .read = load_read_list},
};

static const struct section calendar_section = {"a calendar", calendar_fields, CALENDAR_FIELDS};

/* Shifts of a calendar, and where they stand. */
struct shift_drafts {
    struct shift shifts[MAX_SHIFTS];
    const struct node *nodes[MAX_SHIFTS];
    size_t count;
};

static int compare_breaks(const void *a, const void *b)
{
    const struct shift_break *one = a, *other = b;

    return (one->from > other->from) - (one->from < other->from);
}

/* [12:00, 12:30]: put behind the shift's midnight, which may be the day after it. */
static bool read_break(struct load *load, const struct node *value, const struct shift *shift,
                       struct shift_break *ret_break)
{
    static const char expected[] = "two times of day, such as [12:00, 12:30]";
    const struct node *first = value->kind == NODE_LIST ? value->first : NULL;
    uint16_t from = 0, to = 0;

    if (!first || !first->next || first->next->next) {
        load_refuse(load, "breaks", value, "is no break", expected);
        return false;
    }
    if (!load_time(load, "breaks", node_target(first), false, &from) ||
        !load_time(load, "breaks", node_target(first->next), true, &to))
        return false;
    if (to <= from)
        to += MINUTES_A_DAY;
    if (from < shift->from) {
        from += MINUTES_A_DAY;
        to += MINUTES_A_DAY;
    }
    if (to > shift->to) {
        load_fault(load, value,
                   "breaks: this one is not within its shift; expected one from "
                   "%02d:%02d to %02d:%02d",
                   shift->from / 60, shift->from % 60, shift->to / 60 % 24, shift->to % 60);
        return false;
    }
    *ret_break = (struct shift_break){from, to};
    return true;
}

static void read_breaks(struct load *load, const struct node *list, struct shift *shift)
{
    size_t most = list->kind == NODE_LIST ? node_count_items(list) : 0, count = 0;

    if (most > MAX_BREAKS) {
        load_fault(load, list, "breaks: %zu of them; expected at most %d", most, MAX_BREAKS);
        return;
    }
    struct shift_break *breaks = arena_alloc(&load->home->arena, most * sizeof *breaks);
    for (const struct node *item = most > 0 ? list->first : NULL; item; item = item->next)
        if (read_break(load, node_target(item), shift, &breaks[count]))
            count++;
    qsort(breaks, count, sizeof *breaks, compare_breaks);
    for (size_t i = 1; i < count; i++)
        if (breaks[i].from < breaks[i - 1].to)
            load_fault(load, list,
                       "breaks: two overlap at %02d:%02d; expected breaks that are apart",
                       breaks[i].from / 60 % 24, breaks[i].from % 60);
    shift->breaks = breaks;
    shift->break_count = count;
}

/* False after adding a fault. */
static bool read_shift(struct load *load, const struct node *node, struct shift *shift)
{
    const struct node *seen[SHIFT_FIELDS] = {NULL};
    size_t faults = load->faults.count;

    load_section(load, &shift_section, node, seen, shift);
    if (seen[SHIFT_DAYS])
        shift->days = load_weekdays(load, "days", load_value(seen[SHIFT_DAYS]));
    bool known = seen[SHIFT_FROM] && seen[SHIFT_TO];
    if (seen[SHIFT_FROM] &&
        !load_time(load, "from", load_value(seen[SHIFT_FROM]), false, &shift->from))
        known = false;
    if (seen[SHIFT_TO] && !load_time(load, "to", load_value(seen[SHIFT_TO]), true, &shift->to))
        known = false;
    if (known && shift->to <= shift->from)
        shift->to += MINUTES_A_DAY;
    if (known && seen[SHIFT_BREAKS])
        read_breaks(load, load_value(seen[SHIFT_BREAKS]), shift);
    return load->faults.count == faults;
}

/* Marks the minutes of a week that are its own; the first that another has is a fault. */
static void claim_minutes(struct load *load, const struct shift_drafts *drafts, size_t i,
                          uint8_t week[WEEK_MINUTES])
{
    const struct shift *shift = &drafts->shifts[i];

    for (int day = 0; day < DAYS_A_WEEK; day++) {
        for (int minute = shift->from; shift->days >> day & 1 && minute < shift->to; minute++) {
            int at = (day * MINUTES_A_DAY + minute) % WEEK_MINUTES;
            if (week[at] != NO_SHIFT) {
                load_fault(load, drafts->nodes[i],
                           "shifts: %s and %s overlap on %s at %02d:%02d; "
                           "expected shifts that are apart",
                           phrase_quote(shift->name).text,
                           phrase_quote(drafts->shifts[week[at]].name).text,
                           date_weekday_name((unsigned)(at / MINUTES_A_DAY)), at / 60 % 24,
                           at % 60);
                return;
            }
            week[at] = (uint8_t)i;
        }
    }
}

/* What a shift is known by is the day on which it began, and its name. */
static void check_names(struct load *load, const struct shift_drafts *drafts, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (strcmp(drafts->shifts[k].name, drafts->shifts[i].name) == 0 &&
            drafts->shifts[k].days & drafts->shifts[i].days) {
            load_fault(load, drafts->nodes[i],
                       "name: %s has one of these days already, on line %u; expected another name "
                       "or other days",
                       phrase_quote(drafts->shifts[i].name).text, (unsigned)drafts->nodes[k]->line);
            return;
        }
    }
}

static int compare_shifts(const void *a, const void *b)
{
    const struct shift *one = a, *other = b;

    return (one->from > other->from) - (one->from < other->from);
}

static void keep_shifts(struct load *load, struct shift_drafts *drafts, struct calendar *calendar)
{
    size_t size = drafts->count * sizeof *drafts->shifts;

    qsort(drafts->shifts, drafts->count, sizeof *drafts->shifts, compare_shifts);
    calendar->shifts = memcpy(arena_alloc(&load->home->arena, size), drafts->shifts, size);
    calendar->shift_count = drafts->count;
}

static void read_shifts(struct load *load, const struct node *list, struct calendar *calendar)
{
    struct shift_drafts drafts = {.count = 0};
    size_t faults = load->faults.count;
    uint8_t week[WEEK_MINUTES];

    if (list->kind != NODE_LIST || !list->first) {
        if (list->kind == NODE_LIST || node_is_empty(list))
            load_fault(load, list, "shifts: none stand here; expected at least one");
        return;
    }
    for (const struct node *item = list->first; item; item = item->next) {
        if (drafts.count == MAX_SHIFTS) {
            load_fault(load, item, "shifts: one too many; expected at most %d", MAX_SHIFTS);
            return;
        }
        drafts.nodes[drafts.count] = node_target(item);
        drafts.shifts[drafts.count] = (struct shift){.name = NULL};
        if (read_shift(load, node_target(item), &drafts.shifts[drafts.count]))
            drafts.count++;
    }
    memset(week, NO_SHIFT, sizeof week);
    for (size_t i = 0; i < drafts.count; i++) {
        check_names(load, &drafts, i);
        claim_minutes(load, &drafts, i, week);
    }
    if (load->faults.count == faults)
        keep_shifts(load, &drafts, calendar);
}

static void load_calendar(struct load *load, const struct node *node, struct table *names,
                          struct calendar *calendar)
{
    const struct node *seen[CALENDAR_FIELDS] = {NULL};

    load_section(load, &calendar_section, node, seen, calendar);
    if (calendar->name)
        load_claim(load, names, "name", calendar->name, load_value(seen[CALENDAR_NAME]));
    if (seen[CALENDAR_SHIFTS])
        read_shifts(load, load_value(seen[CALENDAR_SHIFTS]), calendar);
    if (seen[CALENDAR_HOLIDAYS])
        calendar->holiday_count = load_holidays(
            load, "holidays", load_value(seen[CALENDAR_HOLIDAYS]), &calendar->holidays);
}

void load_calendars(struct load *load)
{
    const struct load_items *items = &load->items[LIST_CALENDARS];
    struct plant *plant = load->plant;
    struct table names = {0};

    plant->calendars = arena_alloc(&load->home->arena, items->count * sizeof *plant->calendars);
    plant->calendar_count = items->count;
    for (size_t i = 0; i < items->count; i++)
        load_calendar(load, items->nodes[i], &names, &plant->calendars[i]);
    table_free(&names);
}
