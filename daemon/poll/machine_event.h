/* What happens to a machine, as events. */
#ifndef BINDERY_MACHINE_EVENT_H
#define BINDERY_MACHINE_EVENT_H

#include "counters.h"
#include "value.h"

/* "counter": a count that was reset, makes no sense, or may have gone round unseen. */
void machine_event_counter(const struct machine *machine, uint32_t source, const struct instant *at,
                           const struct counter_report *report, struct event *ret_event);

/* "counter", of a total that somebody set; it was total_before. */
void machine_event_set(const struct machine *machine, uint32_t source, const struct instant *at,
                       const struct counter_report *report, int64_t total_before,
                       struct event *ret_event);

#endif
