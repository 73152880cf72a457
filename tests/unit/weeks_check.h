/* What all checks of a simulated week stand on. */
#ifndef BINDERY_WEEKS_CHECK_H
#define BINDERY_WEEKS_CHECK_H

#include "weeks_life.h"

/* The one that is checked. */
static struct weeks *weeks;
static bool verbose; /* figures are shown */

#define show(...) (verbose ? print_message(__VA_ARGS__) : (void)0)

/* "week 3, binder on day 2 at 03:04:05.678". */
static inline const char *where(const struct watched *watched, int64_t at_ms)
{
    static char text[100];

    snprintf(text, sizeof text, "week %d, %s on day %d at %02d:%02d:%06.3f", (int)weeks->seed,
             watched->machine->name, (int)(at_ms / DAY), (int)(at_ms % DAY / HOUR),
             (int)(at_ms % HOUR / MINUTE), (double)(at_ms % MINUTE) / 1000);
    return text;
}

#define CHECK(watched, at_ms, condition, format, ...)                    \
    do {                                                                 \
        if (!(condition))                                                \
            fail_msg("%s: " format, where(watched, at_ms), __VA_ARGS__); \
    } while (0)

static inline bool is_dark(enum machine_state state)
{
    return state == STATE_OFFLINE || state == STATE_UNKNOWN;
}

static inline bool same_reason(const char *told, const char *reason)
{
    return strcmp(told, reason ? reason : "") == 0;
}

/* The longest time between two polls, and what the truth is older when it arrives. */
static inline int64_t poll_ms(const struct watched *watched)
{
    return watched->machine->every_ms + MACHINES * LATE_MS + SECOND + LATENCY_MS;
}

/* The first poll after that time. */
static inline size_t poll_after(const struct watched *watched, int64_t at_ms)
{
    size_t low = 0, high = watched->seen.count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (watched->seen.items[middle].at_ms <= at_ms)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static inline const struct told_state *state_behind(const struct watched *watched, size_t i)
{
    return i + 1 < watched->states.count ? &watched->states.items[i + 1] : NULL;
}

#endif
