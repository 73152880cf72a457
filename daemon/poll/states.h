/* A machine's state in service: what its polls say becomes a state, and what happened. Used by one
 * thread at a time. */
#ifndef BINDERY_STATES_H
#define BINDERY_STATES_H

#include "plant.h"
#include "standing.h"
#include "state.h"
#include "value.h"

struct states;

/* It goes on from its standing; NULL for a machine without a state. */
struct states *states_new(const struct machine *machine, struct standings *standings);

/* The standing takes up how it stands. Accepts NULL. */
void states_free(struct states *states, struct standings *standings);

/* Takes a poll at at_ms, on a clock that does not step, or at the one before if that was later: the
 * samples as they were read, before counters are totals; `answered`: the machine said something.
 * What is to be told of it is in reports. Returns how many. */
size_t states_take(struct states *states, const struct sample *samples, size_t count, bool answered,
                   int64_t at_ms, struct state_report reports[STATE_MAX_REPORTS]);

/* The state and the reason as samples; they point into `states` and the configuration. */
void states_tell(struct states *states, struct sample ret_samples[STATE_VALUES]);

/* What goes on now. */
const struct state_phase *states_now(const struct states *states);

/* See state_settled_ms. */
int64_t states_settled_ms(const struct states *states);

/* What is kept with a reading of at_ms, for the next run to go on from. */
void states_keep(const struct states *states, int64_t at_ms,
                 struct sample ret_samples[STATE_KEPT_VALUES]);

#endif
