#include "capacity.h"

#include <string.h>

#include "shift.h"
#include "zone.h"

#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)
#define YEAR_10000_MS INT64_C(253402300800000)

_Static_assert(CAPACITY_GROUPS <= 32, "there is a bit for each group");

static bool is_busy(enum machine_state state)
{
    return state == STATE_PRODUCTION || state == STATE_SETUP || state == STATE_CLEANUP;
}

static bool is_known(enum machine_state state)
{
    return state != STATE_UNKNOWN && state != STATE_OFFLINE;
}

static struct capacity_hour *slot_of(struct capacity *capacity, int64_t hour)
{
    unsigned slot = (unsigned)(hour % CAPACITY_HOURS);

    capacity->changed |= UINT32_C(1) << slot / CAPACITY_GROUP;
    return &capacity->hours[slot];
}

/* Those after the newest become empty ones. */
static void begin_hours(struct capacity *capacity, int64_t hour)
{
    int64_t first = capacity->newest + 1;

    if (first < hour - CAPACITY_HOURS + 1)
        first = hour - CAPACITY_HOURS + 1;
    for (int64_t h = first; h <= hour; h++)
        *slot_of(capacity, h) = (struct capacity_hour){0};
    capacity->newest = hour;
}

/* NULL for one that is too old. */
static struct capacity_hour *hour_of(struct capacity *capacity, int64_t hour)
{
    if (hour > capacity->newest)
        begin_hours(capacity, hour);
    return hour > capacity->newest - CAPACITY_HOURS ? slot_of(capacity, hour) : NULL;
}

/* Those from that one on are forgotten. */
static void forget_hours(struct capacity *capacity, int64_t hour)
{
    int64_t first = capacity->newest - CAPACITY_HOURS + 1;

    for (int64_t h = hour > first ? hour : first; h <= capacity->newest; h++)
        *slot_of(capacity, h) = (struct capacity_hour){0};
    if (hour - 1 < capacity->newest)
        capacity->newest = hour - 1;
}

/* By a clock that says that time: what lies further ahead was told by one that was wrong. */
static void see_clock(struct capacity *capacity, int64_t at_ms)
{
    int64_t next = at_ms / HOUR_MS + 1;

    if (capacity->newest > next)
        forget_hours(capacity, next);
}

/* What lies behind that time is forgotten, its hour included. */
static void go_back(struct capacity *capacity, int64_t at_ms)
{
    forget_hours(capacity, at_ms / HOUR_MS);
    capacity->known_ms = at_ms;
}

/* Within one hour. */
static void add_part(struct capacity *capacity, const struct calendar *calendar,
                     enum machine_state state, int64_t from_ms, int64_t to_ms)
{
    struct capacity_hour *hour = hour_of(capacity, from_ms / HOUR_MS);
    uint32_t ms = (uint32_t)(to_ms - from_ms);

    if (!hour || !is_known(state))
        return;
    uint32_t planned_ms = (uint32_t)shift_busy_ms(calendar, from_ms, to_ms);
    hour->known_ms += ms;
    hour->planned_known_ms += planned_ms;
    hour->run_ms += state == STATE_PRODUCTION ? ms : 0;
    hour->busy_ms += is_busy(state) ? ms : 0;
    hour->planned_busy_ms += is_busy(state) ? planned_ms : 0;
}

void capacity_begin(struct capacity *capacity, int64_t at_ms)
{
    if (capacity->started || at_ms < 0 || at_ms >= YEAR_10000_MS)
        return;
    capacity->started = true;
    capacity->newest = at_ms / HOUR_MS - 1;
    capacity->known_ms = at_ms;
}

void capacity_add(struct capacity *capacity, const struct calendar *calendar,
                  const struct capacity_piece *piece)
{
    int64_t from_ms = piece->from_ms;

    if (from_ms < 0 || piece->to_ms <= from_ms || piece->to_ms >= YEAR_10000_MS)
        return;
    capacity_begin(capacity, from_ms);
    see_clock(capacity, piece->to_ms);
    if (piece->to_ms < capacity->known_ms - HOUR_MS)
        go_back(capacity, from_ms);
    if (from_ms < capacity->known_ms)
        from_ms = capacity->known_ms;
    /* older ones would be pushed out again */
    if (from_ms < piece->to_ms - CAPACITY_HOURS * HOUR_MS)
        from_ms = piece->to_ms - CAPACITY_HOURS * HOUR_MS;
    while (from_ms < piece->to_ms) {
        int64_t end_ms = (from_ms / HOUR_MS + 1) * HOUR_MS;
        end_ms = end_ms < piece->to_ms ? end_ms : piece->to_ms;
        add_part(capacity, calendar, piece->state, from_ms, end_ms);
        capacity->known_ms = from_ms = end_ms;
        capacity->paused = false;
    }
}

void capacity_count(struct capacity *capacity, int64_t counted, int64_t at_ms)
{
    if (!capacity->started || counted <= 0 || at_ms < 0 || at_ms >= YEAR_10000_MS)
        return;
    see_clock(capacity, at_ms);

    struct capacity_hour *hour = hour_of(capacity, at_ms / HOUR_MS);
    if (hour && counted <= UINT32_MAX - hour->counted)
        hour->counted += (uint32_t)counted;
}

struct capacity_load capacity_load(const struct capacity *capacity, unsigned hours, int64_t now_ms)
{
    int64_t last = now_ms / HOUR_MS, first = last - (int64_t)hours;
    struct capacity_load load = {.from_ms = first * HOUR_MS, .to_ms = now_ms};

    for (int64_t h = first; capacity->started && h <= last; h++) {
        if (h < 0 || h > capacity->newest || h <= capacity->newest - CAPACITY_HOURS)
            continue;
        const struct capacity_hour *hour = &capacity->hours[h % CAPACITY_HOURS];
        load.known_ms += hour->known_ms;
        load.busy_ms += hour->busy_ms;
        load.run_ms += hour->run_ms;
        load.planned_known_ms += hour->planned_known_ms;
        load.planned_busy_ms += hour->planned_busy_ms;
        load.counted += hour->counted;
    }
    return load;
}

int capacity_is_free(enum machine_state state, enum capacity_job job)
{
    if (job == CAPACITY_JOB_ON)
        return 0;
    if (!is_known(state))
        return -1;
    if (state != STATE_IDLE && state != STATE_STOPPED)
        return 0;
    return job == CAPACITY_JOB_UNKNOWN ? -1 : 1;
}

bool capacity_days(const struct calendar *calendar, int64_t now_ms,
                   struct capacity_day ret_days[CAPACITY_DAYS])
{
    int64_t local_ms = 0;

    if (zone_to_local(now_ms, &local_ms) != 0 || local_ms / DAY_MS + CAPACITY_DAYS >= INT32_MAX)
        return false;
    for (int i = 0; i < CAPACITY_DAYS; i++) {
        int32_t day = (int32_t)(local_ms / DAY_MS) + i;
        int64_t from_ms = i > 0 ? zone_from_local(day, 0) : now_ms;
        ret_days[i] = (struct capacity_day){
            day, shift_busy_ms(calendar, from_ms, zone_from_local(day + 1, 0))};
    }
    return true;
}

/* --- formats --- */

static bool is_same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

size_t capacity_narrow(struct machine_format *formats, size_t count,
                       const struct machine_format *more)
{
    for (size_t i = 0; i < count; i++) {
        struct machine_format *one = &formats[i];
        if (!is_same(one->name, more->name) || !is_same(one->unit, more->unit))
            continue;
        if (decimal_number(more->low) > decimal_number(one->low))
            one->low = more->low;
        if (decimal_number(more->high) < decimal_number(one->high))
            one->high = more->high;
        return count;
    }
    if (count < CAPACITY_LINE_FORMATS)
        formats[count++] = *more;
    return count;
}

size_t capacity_drop_empty(struct machine_format *formats, size_t count)
{
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (decimal_number(formats[i].low) <= decimal_number(formats[i].high))
            formats[kept++] = formats[i];
    return kept;
}

/* --- as numbers --- */

enum { BASE_STARTED, BASE_KNOWN, BASE_NEWEST };
enum { NOT_STARTED, STARTED, PAUSED };
enum { HOUR_KNOWN, HOUR_PLANNED, HOUR_RUN, HOUR_NUMBERS };
_Static_assert(HOUR_NUMBERS *CAPACITY_GROUP == (int)CAPACITY_GROUP_NUMBERS, "all of a group");

static int64_t join(uint32_t low, uint32_t high)
{
    return (int64_t)((uint64_t)high << 32 | low);
}

static uint32_t low_of(int64_t number)
{
    return (uint32_t)((uint64_t)number & UINT32_MAX);
}

static uint32_t high_of(int64_t number)
{
    return (uint32_t)((uint64_t)number >> 32);
}

void capacity_keep_base(const struct capacity *capacity, int64_t ret_numbers[CAPACITY_BASE_NUMBERS])
{
    ret_numbers[BASE_STARTED] = !capacity->started ? NOT_STARTED
                                : capacity->paused ? PAUSED
                                                   : STARTED;
    ret_numbers[BASE_KNOWN] = capacity->known_ms;
    ret_numbers[BASE_NEWEST] = capacity->newest;
}

void capacity_keep_group(const struct capacity *capacity, unsigned group,
                         int64_t ret_numbers[CAPACITY_GROUP_NUMBERS])
{
    for (size_t i = 0; i < CAPACITY_GROUP; i++, ret_numbers += HOUR_NUMBERS) {
        const struct capacity_hour *hour = &capacity->hours[(size_t)group * CAPACITY_GROUP + i];
        ret_numbers[HOUR_KNOWN] = join(hour->known_ms, hour->busy_ms);
        ret_numbers[HOUR_PLANNED] = join(hour->planned_known_ms, hour->planned_busy_ms);
        ret_numbers[HOUR_RUN] = join(hour->run_ms, hour->counted);
    }
}

void capacity_resume_base(struct capacity *capacity, const int64_t numbers[CAPACITY_BASE_NUMBERS])
{
    capacity->paused = numbers[BASE_STARTED] == PAUSED;
    capacity->started = (capacity->paused || numbers[BASE_STARTED] == STARTED) &&
                        numbers[BASE_KNOWN] >= 0 && numbers[BASE_KNOWN] < YEAR_10000_MS &&
                        numbers[BASE_NEWEST] >= 0 && numbers[BASE_NEWEST] < YEAR_10000_MS / HOUR_MS;
    capacity->known_ms = capacity->started ? numbers[BASE_KNOWN] : 0;
    capacity->newest = capacity->started ? numbers[BASE_NEWEST] : 0;
}

bool capacity_pause_base(int64_t numbers[CAPACITY_BASE_NUMBERS])
{
    if (numbers[BASE_STARTED] != STARTED)
        return false;
    numbers[BASE_STARTED] = PAUSED;
    return true;
}

static bool is_sensible(const struct capacity_hour *hour)
{
    return hour->known_ms <= HOUR_MS && hour->busy_ms <= hour->known_ms &&
           hour->run_ms <= hour->busy_ms && hour->planned_known_ms <= hour->known_ms &&
           hour->planned_busy_ms <= hour->planned_known_ms &&
           hour->planned_busy_ms <= hour->busy_ms;
}

void capacity_resume_group(struct capacity *capacity, unsigned group,
                           const int64_t numbers[CAPACITY_GROUP_NUMBERS])
{
    for (size_t i = 0; i < CAPACITY_GROUP; i++, numbers += HOUR_NUMBERS) {
        struct capacity_hour hour = {
            .known_ms = low_of(numbers[HOUR_KNOWN]),
            .busy_ms = high_of(numbers[HOUR_KNOWN]),
            .run_ms = low_of(numbers[HOUR_RUN]),
            .planned_known_ms = low_of(numbers[HOUR_PLANNED]),
            .planned_busy_ms = high_of(numbers[HOUR_PLANNED]),
            .counted = high_of(numbers[HOUR_RUN]),
        };
        if (is_sensible(&hour))
            capacity->hours[(size_t)group * CAPACITY_GROUP + i] = hour;
    }
}
