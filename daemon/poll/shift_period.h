/* One shift of a machine in the making: which one it is, and what was achieved in it so far. Plain
 * data, pure; times are milliseconds since 1970, UTC. One thread at a time.
 *
 * Times are added in their order, and none twice: what lies before what was added last is left out,
 * what was left out between two pieces is unknown. So they add up to the shift's length exactly
 * once it is filled. */
#ifndef BINDERY_SHIFT_PERIOD_H
#define BINDERY_SHIFT_PERIOD_H

#include "performance.h"
#include "shift.h"

enum { SHIFT_NAME_BYTES = 64 }; /* without a zero */

struct shift_period {
    bool open; /* else there is none */
    char name[SHIFT_NAME_BYTES + 1];
    int32_t day; /* on which it begins, there */
    int64_t begin_ms, end_ms;
    int64_t busy_ms;
    struct performance performance;
    /* How much of what was counted in it may be of before it, and of after it be its own. */
    int64_t from_uncertain[PERFORMANCE_QUANTITIES], to_uncertain[PERFORMANCE_QUANTITIES];
    bool told;
};

/* `counted` as in performance_begin. */
struct shift_period shift_period_begin(const struct shift_instance *instance, unsigned counted);

/* Whether it is that instance, or can become it: its plan may have changed in what is to come. */
bool shift_period_is(const struct shift_period *period, const struct shift_instance *instance);

/* Up to when its times are known. */
int64_t shift_period_known_ms(const struct shift_period *period);

/* What of the piece lies within it and is not known yet. */
void shift_period_add(struct shift_period *period, struct performance_piece piece);

/* It ends there at the latest, but not before what is known; what is not known is unknown. */
void shift_period_finish(struct shift_period *period, int64_t end_ms);

/* "2026-11-27/night", written into the room. */
const char *shift_period_key(const struct shift_period *period, char room[SHIFT_KEY_ROOM]);

/* To SHIFT_PERIOD_VALUES numbers that can be kept, and back, but for what is uncertain and whether
 * it was told. Numbers that make no sense, as all of
 * them 0, come to one that is not open. */
void shift_period_keep(const struct shift_period *period, int64_t *ret_numbers);
struct shift_period shift_period_resume(const int64_t *numbers, unsigned counted);

#endif
