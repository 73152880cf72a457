/* The limits of a machine's values in service. Pure but for the room they keep. Used by one thread
 * at a time. */
#ifndef BINDERY_LIMITS_H
#define BINDERY_LIMITS_H

#include "plant.h"
#include "value.h"

struct limits;

enum limit_side { LIMIT_UNKNOWN, LIMIT_WITHIN, LIMIT_BELOW, LIMIT_BEYOND };

/* A value has passed a limit. */
struct limit_report {
    uint16_t tag;
    enum limit_side side; /* where it is now */
    struct value value;
    double limit; /* the one that it passed */
};

typedef void limit_report_fn(void *context, const struct limit_report *report);

/* NULL for a machine without limits. */
struct limits *limits_new(const struct machine *machine);
void limits_free(struct limits *limits); /* accepts NULL */

/* Takes the good ones among the samples, scaled and not yet totals. A value comes back only when it
 * is further inside than the hysteresis. The first value of all is reported where it is outside. */
void limits_take(struct limits *limits, const struct sample *samples, size_t count,
                 limit_report_fn *report, void *context);

/* "within", "low", "high". */
const char *limit_side_name(enum limit_side side);

#endif
