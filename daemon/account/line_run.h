/* What a production line does, by what its machines tell, and what it achieved in a shift. Pure but
 * for the time zone; one thread at a time. Times are milliseconds since 1970, UTC.
 *
 * The line's state:
 *
 * - production, offline or unknown while its delivery machine is;
 * - else the worst of those of its machines that hold it up: fault, maintenance, stopped, setup,
 *   cleanup, idle, in this order; of two alike that of the one that stopped first, then of the one
 *   that the product passes first. Its reason is that machine's.
 *
 * A machine holds the line up while it tells a state and that is neither production nor offline or
 * unknown; but not as long as it has not produced since the line last began to, for the line did
 * without it.
 *
 * The bottleneck while the line does not produce: of the machines that hold it up the one that
 * stopped first. It is not known while one of the line's machines that tell a state is offline or
 * unknown, while nobody saw when one that holds it up stopped, or where two stopped within the
 * bounds of what is known of their times. While the line produces: the machine with the least
 * reserve, which is what its speed leaves of its ideal rate, once all machines produce and of all
 * both are known.
 *
 * In the times of a shift production is the delivery's, and so is what is unknown, but for what the
 * line was not there for. How the rest divides follows what the others have told when an interval
 * of the delivery has ended and is told: a change that they tell later than that, as their polls or
 * their debounce are longer, counts from there on. The shift is told when the delivery machine
 * tells it, with the counts of that. */
#ifndef BINDERY_LINE_RUN_H
#define BINDERY_LINE_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "performance.h"
#include "plant.h"
#include "shift.h"
#include "value.h"

#define LINE_TIME_UNKNOWN INT64_MIN

enum { LINE_NOBODY = -1, LINE_CHANGES = 10, LINE_SHIFT_NAME_BYTES = 64 };

struct line_doing {
    enum machine_state state;
    uint32_t reason; /* see state_reason_text */
};

/* One of the line's machines. */
struct line_member {
    struct line_doing doing;     /* as far as the times of shifts are known */
    int64_t halted_ms;           /* it is in no production since; LINE_TIME_UNKNOWN */
    int64_t halted_uncertain_ms; /* by which that may be earlier */
    bool left_out;               /* it has not produced since the line began to */
    struct line_doing latest;    /* what it told last */
    struct line_doing shown;     /* what its last reading with a state said */
    int64_t ended_ms;            /* when an interval ended, and it is not known what followed; or
                                    LINE_TIME_UNKNOWN */
    int64_t ended_uncertain_ms;
    double reserve; /* 0 to 1, or below 0; NaN: not known. It is not kept. */
};

/* What a machine told and the times of shifts do not know yet. */
struct line_change {
    uint8_t member;
    struct line_doing doing;
    int64_t at_ms, uncertain_ms;
};

/* A shift of the line. */
struct line_period {
    bool open;
    char name[LINE_SHIFT_NAME_BYTES + 1];
    int32_t day;
    int64_t begin_ms, end_ms;
    int64_t times_ms[PERFORMANCE_TIMES];
    int64_t held_ms[PRODUCTION_LINE_MOST]; /* the line was held up, and this was the bottleneck */
};

/* How the line stands. */
struct line_view {
    struct line_doing doing;
    int cause;      /* the machine whose state and reason that is; LINE_NOBODY */
    int bottleneck; /* LINE_NOBODY: none, or not known */
};

struct line_run {
    const struct production_line *config;
    struct line_member members[PRODUCTION_LINE_MOST];
    struct line_change changes[LINE_CHANGES]; /* in the order of their times */
    size_t change_count;
    bool started; /* times are known up to: */
    int64_t known_ms;
    bool disbelieved; /* the clock is not set */
    struct line_period now, before;
    struct line_view view;
    int64_t since_ms; /* its doing; LINE_TIME_UNKNOWN: it was never told */
};

/* Nothing told yet. The line must outlive it. */
struct line_run line_run_begin(const struct production_line *config);

/* Before what was told at that instant is handed on. */
void line_run_clock(struct line_run *run, const struct instant *at);

/* The clock was set by so much, and says at_ms by now. What is left out is unknown, what comes
 * twice is counted once, and who stopped first before it is not known any more. */
void line_run_step(struct line_run *run, int64_t at_ms, int64_t step_ms);

/* A state of a machine has ended; from_ms may be LINE_TIME_UNKNOWN, which leaves its time unknown,
 * and it may have ended by uncertain_ms earlier. Of each machine in the order of time. */
struct line_interval {
    struct line_doing doing;
    int64_t from_ms, to_ms, uncertain_ms;
};
void line_run_interval(struct line_run *run, size_t member, const struct line_interval *interval);

/* A reading, which tells what the machine does now; NULL: the same as the one before. */
void line_run_reading(struct line_run *run, size_t member, const struct line_doing *doing,
                      int64_t at_ms);

/* What the speed of a machine leaves of its ideal rate; NaN: not known. */
void line_run_reserve(struct line_run *run, size_t member, double reserve);

/* A shift of the delivery machine is over, and told. */
struct line_shift {
    const char *key;
    int64_t end_ms, length_ms;
    int64_t run_ms,
        unknown_ms; /* of that: the delivery's production, and what is not known of it */
    int64_t revision;
};

struct line_shift_record {
    int64_t length_ms; /* the sum of the times */
    int64_t times_ms[PERFORMANCE_TIMES];
    int64_t held_ms[PRODUCTION_LINE_MOST];
};

/* False where nothing is known of it any more, as of a revision of a shift before the one that was
 * told last, and where it makes no sense. */
bool line_run_shift(struct line_run *run, const struct line_shift *shift,
                    struct line_shift_record *ret_record);

/* The line as its machines tell it by now. */
const struct line_view *line_run_view(const struct line_run *run);

/* --- over a restart --- */

enum {
    LINE_BASE_NUMBERS = 8,
    LINE_MEMBER_NUMBERS = 8,
    LINE_CHANGE_NUMBERS = 3 * LINE_CHANGES,
    LINE_PERIOD_NUMBERS =
        3 + LINE_SHIFT_NAME_BYTES / 8 + (int)PERFORMANCE_TIMES + (int)PRODUCTION_LINE_MOST,
};

/* A line's standing as numbers. */
struct line_kept {
    int64_t base[LINE_BASE_NUMBERS];
    int64_t members[PRODUCTION_LINE_MOST][LINE_MEMBER_NUMBERS];
    int64_t changes[LINE_CHANGE_NUMBERS];
    int64_t now[LINE_PERIOD_NUMBERS], before[LINE_PERIOD_NUMBERS];
};

void line_run_keep(const struct line_run *run, struct line_kept *ret_kept);

/* Whatever stands there comes to a line; what makes no sense, as all of it 0, to one of which
 * nothing is known. */
struct line_run line_run_resume(const struct production_line *config, const struct line_kept *kept);

#endif
