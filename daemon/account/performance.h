/* What a machine achieved in a period, a shift or a job: how long it did what, what it made, how
 * often it stopped, and what comes of it by ISO 22400-2. Pure: it is told everything, times on a
 * clock that does not step. A performance is plain data that can be kept as it is; one thread.
 *
 * Every millisecond that it is told of is in one of the times below, so that they add up to the
 * period observed, exactly. Time that it should know nothing of must be told as unknown.
 *
 * The elements of ISO 22400-2, by the state of the machine, which is all that is known here. The
 * standard's delay is what interrupts an order, as malfunctions and minor stoppages do; its down
 * time is that of a unit which is available and does nothing. So OPC 40501-1, C.2.3, takes the
 * state "out of service" for delay and "not executing" for down time; OPC 40001-1, C.2, asks for an
 * order beside them.
 *
 *     APT   actual production time   production
 *     AUST  actual unit setup time   setup
 *     ADET  actual unit delay time   stopped, fault
 *     ADOT  actual unit down time    idle
 *     PQ    produced quantity        gross; where that is not counted, good and waste together
 *     GQ    good quantity            good
 *
 * Cleanup, maintenance and what is unknown are in none of these. With a plan that says the planned
 * busy time (PBT) and the planned run time per item (PRI), the standard's ratios follow:
 *
 *     availability   APT / PBT
 *     effectiveness  PRI * PQ / APT
 *     quality ratio  GQ / PQ
 *     OEE            availability * effectiveness * quality ratio = PRI * GQ / PBT
 *
 * All four are null without both, and each is null where something in it is not known or what it is
 * divided by is 0; so is the OEE where one of the three is. None is cut at 1: a machine that works
 * through its breaks, or faster than was thought possible, has more. */
#ifndef BINDERY_PERFORMANCE_H
#define BINDERY_PERFORMANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plant.h"

enum performance_time {
    PERFORMANCE_RUN,         /* production */
    PERFORMANCE_SETUP,       /* setup */
    PERFORMANCE_IDLE,        /* idle */
    PERFORMANCE_DOWN,        /* stopped, fault */
    PERFORMANCE_CLEANUP,     /* cleanup */
    PERFORMANCE_MAINTENANCE, /* maintenance */
    PERFORMANCE_UNKNOWN,     /* unknown, offline */
};
enum { PERFORMANCE_TIMES = PERFORMANCE_UNKNOWN + 1, PERFORMANCE_QUANTITIES = COUNTS_GROSS + 1 };

struct performance_quantity {
    bool known;       /* there is a counter of it */
    int64_t total;    /* from 0 on; 0 where it is not known */
    int64_t inferred; /* how much of it is likely, not certain: 0 to total */
};

struct performance_stops {
    int64_t count, total_ms;
};

/* From performance_begin on. What is in it is for performance_tell. */
struct performance {
    uint32_t revision; /* of the record: 1, and more by one each time that a closed one changes */
    bool closed;
    int64_t times_ms[PERFORMANCE_TIMES];
    int64_t observed_ms;  /* their sum */
    int64_t uncertain_ms; /* how much of that is likely, not certain */
    struct performance_quantity quantities[PERFORMANCE_QUANTITIES]; /* by enum counts */
    struct performance_stops stops, micro_stops;
    bool has_speed; /* one was told */
    double highest_speed;
    double speed_sum; /* of production, each times its duration */
    int64_t speed_ms;
};

/* An empty one. `counted` has a bit, 1 << COUNTS_GOOD and so on, for each quantity that there is a
 * counter of: then it is 0 and not null while nothing was counted. */
struct performance performance_begin(unsigned counted);

/* Such bits, of a machine's counters. */
unsigned performance_counted(const struct machine *machine);

/* All below return 0, or with nothing changed -EINVAL where it makes no sense and -ERANGE where
 * something would fall below 0 or not fit. Each change of a closed one opens it again. */

struct performance_piece {
    enum machine_state state;
    int64_t from_ms, to_ms; /* to_ms is not before from_ms, and no part of it */
    bool uncertain;         /* the state is likely, not certain */
};

int performance_add_state(struct performance *performance, const struct performance_piece *piece);

/* Takes back that piece, which was added, and adds it with another state that is now certain. */
int performance_change_state(struct performance *performance, const struct performance_piece *piece,
                             enum machine_state state);

/* What of the piece lies before that time, which is cut off from it: of the two nothing is lost,
 * and one is empty where the time is not within. For a piece over the end of a period. */
struct performance_piece performance_cut(struct performance_piece *piece, int64_t at_ms);

/* A step of a counter; below 0 takes back. COUNTS_OTHER is passed over. */
int performance_add_count(struct performance *performance, enum counts counts, int64_t delta,
                          bool inferred);

/* A stop, once it has ended and is known to be micro or not. One over the end of a period goes to
 * both, to the former one late: `continued` adds only its time, for it began in a period before. */
struct performance_stop {
    int64_t duration_ms; /* in this period */
    bool micro, continued;
};

int performance_add_stop(struct performance *performance, const struct performance_stop *stop);

/* A speed that was kept for so long; all make the highest one, those of production the average. */
int performance_add_speed(struct performance *performance, enum machine_state state, double speed,
                          int64_t duration_ms);

/* The period is over, or its record is sent: whatever changes now makes another revision. */
void performance_close(struct performance *performance);

/* Something that is told beside it has changed. */
void performance_revise(struct performance *performance);

/* What is planned; 0 where it is not known. */
struct performance_plan {
    int64_t busy_ms; /* PBT: a shift without its breaks, see shift.h; of a job, what it is given */
    double ideal_ms; /* PRI: struct machine's */
};

enum { PERFORMANCE_NULL = -1 };

/* Times in milliseconds. Null is NaN, and PERFORMANCE_NULL of a quantity. */
struct performance_record {
    uint32_t revision;
    int64_t observed_ms, times_ms[PERFORMANCE_TIMES], uncertain_ms;
    struct performance_quantity quantities[PERFORMANCE_QUANTITIES];
    struct performance_stops stops, micro_stops;
    double average_speed, highest_speed; /* in the unit that they were told in */
    int64_t apt_ms, aust_ms, adet_ms, adot_ms, pq, gq;
    double availability, effectiveness, quality, oee;
};

struct performance_record performance_tell(const struct performance *performance,
                                           const struct performance_plan *plan);

/* In which time a state counts; "run", "setup", "idle", "down", "cleanup", "maintenance",
 * "unknown". */
enum performance_time performance_time_of(enum machine_state state);
const char *performance_time_name(enum performance_time time);

#endif
