/* What happens to a machine, as events. */
#ifndef BINDERY_MACHINE_EVENT_H
#define BINDERY_MACHINE_EVENT_H

#include "counters.h"
#include "jobs.h"
#include "limits.h"
#include "shifts.h"
#include "state.h"
#include "value.h"

/* "counter": a count that was reset, makes no sense, or may have gone round unseen. */
void machine_event_counter(const struct machine *machine, uint32_t source, const struct instant *at,
                           const struct counter_report *report, struct event *ret_event);

/* "counter", of a total that somebody set; it was total_before. */
void machine_event_set(const struct machine *machine, uint32_t source, const struct instant *at,
                       const struct counter_report *report, int64_t total_before,
                       struct event *ret_event);

/* "state", "stop", "start", "fault": what a state report says; `now` is the moment of the poll,
 * `at` its reports' clock. */
void machine_event_state(const struct machine *machine, uint32_t source, const struct instant *now,
                         const struct state_report *report, struct event *ret_event);

/* "limit": a value has left its window, or is within it again. */
void machine_event_limit(const struct machine *machine, uint32_t source, const struct instant *at,
                         const struct limit_report *report, struct event *ret_event);

/* "read": what a line said, of the tag that is told so; VALUE_NONE: that there was no value. */
void machine_event_read(const struct machine *machine, uint32_t source, const struct instant *at,
                        const struct value *value, struct event *ret_event);

/* "shift": what was achieved in one that is over. */
void machine_event_shift(uint32_t source, const struct shifts_record *record,
                         struct event *ret_event);

/* "job": what was achieved in one that has ended; "job_begin"; "format". The texts are the
 * record's. `now` is the moment of the poll. */
void machine_event_job(const struct machine *machine, uint32_t source, const struct instant *now,
                       const struct jobs_record *record, struct event *ret_event);

/* The instant at boot_ms, which is a little before `now` or after it. */
struct instant machine_event_instant(const struct instant *now, int64_t boot_ms);

#endif
