/* What a machine is doing, poll by poll, and what is to be told of it: intervals, stops, starts,
 * faults. Pure: the time is an argument. A run is used by one thread at a time.
 *
 * Intervals follow each other without a gap: where one ends the next begins, so that no millisecond
 * is lost or told twice. Each is told once, when it ends. What differs in state or reason is
 * another interval; what differs in the code only is not. An interval may be 0 ms long: a state
 * that one poll saw, and nothing could be learned since.
 *
 * When it began: at the first poll that saw it, and up to `uncertain_ms` earlier, since the poll
 * before had still seen the one before. The other way round, a state that came and went between two
 * polls was never there.
 *
 * What nothing is known of:
 * - A silence is "offline" from the last poll that told the state, exactly, once it lasts longer
 *   than offline_after. It ends at the first answer. A shorter one that ends in the same state is
 *   passed over; if it ends in another, the change lies somewhere in it, and is that uncertain.
 * - Answers that don't tell the state (STATE_UNKNOWN) are no evidence either: "unknown" is found in
 *   the same way. Of both mixed, the poll decides at which the time is over. A machine that is
 *   offline is unknown with the first answer that says no more.
 * - Time in which the gateway was not running is "unknown": from the last poll before, exactly, to
 *   the first one after. Only if the first one that tells a state tells the same as before, within
 *   offline_after, it is one interval. A machine that is silent then is offline from that poll on.
 * - A machine that has never answered is offline from the first poll.
 *
 * Debounce: a state that would come out shorter than this, and returns to the one before, is not
 * taken for one; its time belongs to that. So nothing is told of a state until it has lasted so
 * long or another one follows; it began when it was first seen nevertheless. A reason that comes in
 * the meantime is its reason from the beginning. What ends "offline" or "unknown" is taken at once.
 *
 * A stop is the time without production from the end of production, set-up, cleanup or maintenance
 * to the next of these: so set-up and the like are none, and cut one that they interrupt in two. It
 * is told at its end. Offline and unknown times in it count and make it uncertain; if there is
 * nothing else in it, nobody saw it stop, and it is none. Before the first production there is none
 * either.
 *
 * A production that begins is told, except as another reason's; likewise a fault, of another reason
 * too. Both are uncertain where it is not known what was before. */
#ifndef BINDERY_STATE_H
#define BINDERY_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plant.h"

#define STATE_TIME_UNKNOWN INT64_MIN

/* What a poll said. */
struct state_observation {
    enum machine_state state; /* STATE_UNKNOWN: it can't be told */
    uint32_t reason;          /* see state_reason_text */
    bool reason_unsure;       /* it could not be read: that of before stays */
    bool stale; /* the machine answered, and was not asked for what this is concluded from */
    bool has_code;
    int64_t code; /* the raw number that the state was concluded from, if there is one */
};

/* A state that goes on. */
struct state_phase {
    enum machine_state state;
    uint32_t reason;
    bool has_code;
    int64_t code;         /* as it was first seen */
    int64_t since_ms;     /* STATE_TIME_UNKNOWN: in an earlier boot */
    int64_t uncertain_ms; /* by which it may have begun earlier */
};

/* Zeroed: nothing polled yet. `now` may be shown; the rest is state.c's. */
struct state_run {
    bool known; /* there has been a poll */
    struct state_phase now;
    bool waits;              /* `next` may turn out too short: */
    struct state_phase next; /* what was seen last in that case */
    bool is_dim;             /* the last polls told nothing, not yet for long enough: */
    struct state_phase dim;  /* what that would be, its times excepted */
    int64_t seen_ms;     /* the last poll that told what is now, or next; or that left it at that */
    int64_t read_ms;     /* the last one that told it, being no stale one */
    int64_t polled_ms;   /* the last one */
    bool produced;       /* there has been a production */
    bool resumed;        /* after a restart, and nothing has been learned since */
    bool timeless;       /* and it is not known how long ago it was: seen_ms stands for 0 */
    bool repolled;       /* there was a poll since: */
    int64_t repolled_ms; /* the first one */
    struct state_stop {
        bool open;                /* there is one, or what may become one */
        bool seen;                /* the machine said so */
        bool unsure;              /* there was a time of which nothing is known */
        enum machine_state state; /* the first in it that the machine said */
        uint32_t reason;          /* the first that there was */
        int64_t since_ms, uncertain_ms;
    } stop;
};

enum state_report_kind {
    STATE_REPORT_INTERVAL, /* one has ended */
    STATE_REPORT_STOP,     /* a stop has ended; its state is the first in it that was seen */
    STATE_REPORT_START,    /* production has begun, at from_ms; so for the next */
    STATE_REPORT_FAULT,
};

struct state_report {
    enum state_report_kind kind;
    enum machine_state state;
    uint32_t reason;
    bool has_code;  /* intervals, and what begins */
    bool uncertain; /* all but intervals: see above */
    bool micro;     /* stops: shorter than micro_stop, as far as that is known */
    int64_t code;
    /* STATE_TIME_UNKNOWN: in an earlier boot, to be told by the clock that was kept beside it. */
    int64_t from_ms, to_ms;
    int64_t from_uncertain_ms, to_uncertain_ms; /* by which they may lie earlier */
    int64_t duration_ms;                        /* -1: not known */
};

enum { STATE_MAX_REPORTS = 8 };

/* Takes a poll of at_ms, on a clock that does not step: what it said, or NULL if there was no
 * answer. A poll that did not ask for what the state is concluded from is stale: it says again what
 * the one before said, so that the machine is there; and if that one said nothing, STATE_UNKNOWN.
 * Returns how many reports there are, in the order of time. */
size_t state_take(const struct state_config *config, struct state_run *run,
                  const struct state_observation *seen, int64_t at_ms,
                  struct state_report reports[STATE_MAX_REPORTS]);

/* Up to when it is settled what the machine was doing: whatever comes, it was doing what has been
 * told as intervals, and then what goes on now. STATE_TIME_UNKNOWN where no clock tells. */
int64_t state_settled_ms(const struct state_run *run);

/* What a run comes to over a restart, for the transaction that stores the reports of the same call.
 * at_ms is the last poll that told the state: all else is lengths of time, so that only at_ms must
 * be put on another clock after a reboot, below 0 if need be, or set to STATE_TIME_UNKNOWN. It is
 * worth storing every so often though the words stay the same: the time since what was stored last
 * is unknown after a restart. A state that is waiting to be long enough is not kept, and a code
 * beyond 32 bits is dropped. */
struct state_kept {
    int64_t at_ms;
    int64_t words[4];
};

struct state_kept state_keep(const struct state_run *run);

/* Whatever stands in it comes to a run; what makes no sense, to one where nothing was polled. */
struct state_run state_resume(const struct state_kept *kept);

/* What the latest samples of a machine say: one for each of its tags, as they were read, counters'
 * totals not put in yet. Never guesses: where a tag that could decide otherwise is not good, the
 * state is unknown; and where one could give another reason, that is unsure. */
struct state_observation state_observe(const struct state_config *config,
                                       const struct sample *samples);

#endif
