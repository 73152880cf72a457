/* When work is planned: shifts, their breaks, holidays. Immutable, and the plant's; see plant.h. */
#ifndef BINDERY_CALENDAR_H
#define BINDERY_CALENDAR_H

#include <stddef.h>
#include <stdint.h>

/* From and to are minutes behind the midnight with which the shift's day begins, on the clock of
 * the plant's time zone; beyond 1440 is the day after. */
struct shift_break {
    uint16_t from, to; /* from < to */
};

struct shift {
    const char *name;
    uint8_t days;                     /* on which it begins: bit 0 is Monday, 6 Sunday; not 0 */
    uint16_t from, to;                /* as of a break; from < 1440, at most a day long */
    const struct shift_break *breaks; /* ascending, apart, all within the shift */
    size_t break_count;
};

/* Days since 1970-01-01, both included. */
struct holidays {
    int32_t first, last;
};

/* When work is planned. No two of its shifts overlap, no two that begin on one day have the same
 * name. */
struct calendar {
    const char *name;
    const struct shift *shifts;      /* by ascending from */
    size_t shift_count;              /* from 1 on */
    const struct holidays *holidays; /* ascending, apart; no shift begins on one */
    size_t holiday_count;
};

#endif
