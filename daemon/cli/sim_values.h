/* Numbers as a machine at work would show them: a machine runs and stops, its counters grow while
 * it runs, its state, speed and glue temperature go with it. Pure: the time and the seed are
 * arguments, and the same two always give the same values, so that a simulated plant goes on where
 * it was after a restart. */
#ifndef BINDERY_SIM_VALUES_H
#define BINDERY_SIM_VALUES_H

#include <stdint.h>

#include "plant.h"

/* What a tag shows, judged by its name and type. */
enum sim_kind {
    SIM_GROSS, /* counters that grow while the machine runs */
    SIM_GOOD,  /* gross less waste */
    SIM_WASTE,
    SIM_STOPS,  /* how often it stood still */
    SIM_ENERGY, /* kWh */
    SIM_HOURS,  /* running hours */
    SIM_SPEED,  /* cycles an hour, 0 at a stop */
    SIM_STATE,  /* 1 production, 2 stopped, 3 fault */
    SIM_FAULT,  /* 0, or a fault's number */
    SIM_RUNNING,
    SIM_GLUE,      /* °C */
    SIM_CURRENT,   /* A */
    SIM_FREQUENCY, /* Hz */
    SIM_SIZE,      /* mm, the same for a whole job */
    SIM_JOB,
    SIM_TOGGLE, /* a bit that changes now and then */
    SIM_WAVE,   /* something that wanders */
};

enum { SIM_GLUE_USUAL = 168, SIM_GLUE_SWING = 4 }; /* °C, where no range is given */

enum sim_kind sim_kind_of(const struct tag *tag);

/* What the tag stands at, in its own unit, before scaling back to what the machine holds. Of one
 * machine all tags get the same seed. Counters never fall as time_ms, from 0 on, grows. */
double sim_value(enum sim_kind kind, const struct tag *tag, uint64_t seed, int64_t time_ms);

/* The raw number that a machine holds for a value: whole for all but real types. Counters may
 * exceed the type and wrap, as a PLC's do; of others, what does not fit is shown in tens,
 * hundreds and so on. */
double sim_raw(enum sim_kind kind, const struct tag *tag, double value);

#endif
