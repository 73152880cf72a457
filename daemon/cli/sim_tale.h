/* A machine that tells a story: its description says which tags are counters, which tell a state,
 * and what its reasons are called, and the story says what they show. So the codes are those that
 * the gateway is told to expect. Several machines may be a line, and tell one story together. One
 * thread. */
#ifndef BINDERY_SIM_TALE_H
#define BINDERY_SIM_TALE_H

#include <stdbool.h>
#include <stdint.h>

#include "plant.h"
#include "sim_values.h"

struct sim_tale;

/* What a machine is doing, in the words of its description. */
struct sim_told {
    enum machine_state state; /* the nearest to the story's that the machine can tell */
    const char *reason;       /* NULL: none, or none that it can tell */
    bool restarts;            /* it is silent, since its controller starts anew */
    bool produces;
    bool job_ended;   /* what came before ended a job */
    int64_t until_ms; /* that this is so */
};

/* NULL for a machine whose tags neither count good, waste or gross nor tell a state. The machine
 * must outlive it. */
struct sim_tale *sim_tale_new(const struct machine *machine, uint64_t seed);
void sim_tale_free(struct sim_tale *tale); /* accepts NULL */

/* Makes these one line, before anything is asked of them: they work on the same jobs, as fast as
 * the slowest can, and where one stops for a reason of its own the others stand for none. */
void sim_tale_join(struct sim_tale *const *tales, size_t count);

const struct machine *sim_tale_machine(const struct sim_tale *tale);

struct sim_told sim_tale_told(struct sim_tale *tale, int64_t time_ms);

/* The raw number that a tag of the machine holds; `kind` is what its name says. */
double sim_tale_raw(struct sim_tale *tale, size_t tag, enum sim_kind kind, int64_t time_ms);

/* Whether a tag is a counter of good, waste or gross; if so, what it has counted since the story
 * began, its multiplier included, over all wraps and resets. */
bool sim_tale_total(struct sim_tale *tale, size_t tag, int64_t time_ms, uint64_t *ret_total);

#endif
