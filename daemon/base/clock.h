/* The clocks. Schedules run on the monotonic one; wall time is only ever written down, together
 * with whether it was synchronised. Any thread, except clock_refresh. */
#ifndef BINDERY_CLOCK_H
#define BINDERY_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "value.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
#define YEAR_2020_MS INT64_C(1577836800000) /* on the wall */

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t clock_mono_ns(void);

/* All clocks at once. `synced` is as of the last clock_refresh. */
void clock_now(struct instant *ret_now);

/* Whether its wall time is one at all: a clock without a battery begins long ago. Pure. */
static inline bool clock_was_set(const struct instant *at)
{
    return at->synced || at->wall_ms >= YEAR_2020_MS;
}

/* Asks the kernel whether the system clock is synchronised (adjtimex(2), STA_UNSYNC).
 * Call it about once a second from one thread. Returns the answer. */
bool clock_refresh(void);

/* The kernel's boot id (/proc/sys/kernel/random/boot_id), 36 characters; "unknown" without. */
const char *clock_boot_id(void);

#endif
