/* The records of a machine's shifts in service: what its polls say becomes what was achieved in the
 * shift that is on. Each shift is told once, when all of it is settled. Pure but for the time zone:
 * the time is an argument. Used by one thread at a time.
 *
 * - Time is added once it is settled what the machine did in it, see state_settled_ms, so that
 *   nothing is ever taken back. So a shift may wait for some polls after its end, beside the one
 *   that is on then. A machine without a state is unknown all the time.
 * - Times add up to the shift's length. What the gateway has not seen of it is unknown.
 * - What was counted since the poll before belongs to the shift that is on at the poll. What is
 *   counted outside shifts belongs to none. Where a shift began or ended since the counter was read
 *   before, as in a long silence, what was counted then may belong to either side: it is told
 *   beside both. So the record of a shift that is told before its counters were read again is told
 *   once more when they are, as a higher revision; not where the next shift has ended by then.
 * - A stop belongs to the shift in which it ends, with its time in that shift.
 * - Over a restart it goes on from what was kept last: the state tells what was since. What was
 *   counted up to the restart belongs to the shift that was on; what was counted while the gateway
 *   was away, inferred, to the one that is on at the first poll after it. A shift that ended
 *   meanwhile is told then; one that also began meanwhile is not told at all.
 * - Shifts go by the wall clock. Where that is set forward, what is left out is unknown; where it
 *   is set back, what comes twice is added once, and up to an hour does not bring back a shift that
 *   was over. Further back, the shift that is on is told at once, and others may be told again.
 * - A clock that is not synchronised and lies behind what was known by more than that, as without a
 *   battery after a loss of power, is not believed for ten minutes; nor is one before 2020 at all.
 *   What is counted meanwhile belongs to the shift that is on afterwards.
 * - A plan that changes, by a reload, changes what is to come of a shift, which goes on from where
 * it began. Where it should be over already, or is no more, it is told as ended there. */
#ifndef BINDERY_SHIFTS_H
#define BINDERY_SHIFTS_H

#include "counters.h"
#include "performance.h"
#include "plant.h"
#include "shift.h"
#include "standing.h"
#include "state.h"
#include "tally.h"
#include "value.h"

struct shifts;

/* A shift that is over. */
struct shifts_record {
    /* Of the counts, what may belong to before the shift, and how much of what was counted after
     * it may be its own; PERFORMANCE_NULL: not counted, or not known yet. */
    int64_t from_uncertain[PERFORMANCE_QUANTITIES], to_uncertain[PERFORMANCE_QUANTITIES];
    const char *key;      /* "2026-11-27/night" */
    const char *calendar; /* its name */
    struct instant end;   /* beside the wall time, which it ended at, the boot clock's */
    int64_t length_ms;
    struct performance_record performance;
};

typedef void shifts_report_fn(void *context, const struct shifts_record *record);

/* They go on from their standings, counters from theirs before; NULL for a machine without shifts,
 * see machine_has_shifts. The counters may be NULL. */
struct shifts *shifts_new(const struct machine *machine, const struct counters *counters,
                          struct standings *standings);

/* The standings take up how they stand. Accepts NULL. */
void shifts_free(struct shifts *shifts, struct standings *standings);

/* `report` is called for each shift that is told by it. */
void shifts_take(struct shifts *shifts, const struct tally_poll *poll, shifts_report_fn *report,
                 void *context);

/* A counter's total was set: it was no step. */
void shifts_recount(struct shifts *shifts, const struct counters *counters);

/* What is kept with a reading, for the next run to go on from: up to SHIFT_KEPT_VALUES samples.
 * Returns how many. */
size_t shifts_keep(struct shifts *shifts, struct sample *ret_samples);

/* Whether that should be done soon, as when another shift has begun. */
bool shifts_should_keep(const struct shifts *shifts);

/* What was kept last did not get to the store. */
void shifts_forget_kept(struct shifts *shifts);

/* The shift that is on; NULL: none is. */
struct shift_period;
const struct shift_period *shifts_now(const struct shifts *shifts);

#endif
