/* A running total from a machine's counter, whose raw value wraps, is reset, gets lost with the
 * power or is read torn. Pure: the time is an argument. A counter is used by one thread at a time.
 *
 * The total never falls, and is never wrong without a mark: a raised epoch, or a step that is
 * inferred. Where a reading can mean two things, one is taken, and marked.
 *
 * What a reading is taken for, by the last one that was accepted:
 * - The first reading ever is where counting begins. A restart of the gateway is not: what is kept
 *   goes on.
 * - A rise that fits the time is counted. One that does not is held: the total stays, and the
 *   machine should be read again, at once or at its next turn.
 * - A fall is a rollover if the kind allows and the counts from the old value over the modulus to
 *   the new one fit the time, which says that the old value was near the modulus. Without a rate
 *   to judge by, the old value has to be in the modulus's top quarter and the new one in its
 *   lowest. Else it is a reset if the kind allows and the new value fits the time, being what was
 *   counted since; what was counted before it, unread, is lost. Any other fall is held.
 * - What was held is forgotten if the next reading fits the last accepted one. If instead it could
 *   follow the held one, that is where the machine is now: an anomaly, counting begins anew. Where
 *   it could follow either, the accepted one is believed, and the step is inferred. Readings that
 *   follow neither stay held, each in place of the one before; once there were two, whatever is
 *   accepted in the end is inferred.
 * - A value beyond the modulus is never counted from, however often it comes, since all is well
 *   again once it goes: the rule or the tag's type is wrong, or the machine is starting up.
 *
 * What fits a time: max_per_s for so long and a second more, rounded up. The second is for what
 * the arrival of an answer says nothing of: how long it was under way, a PLC's cycle. So it works
 * for two readings in the same millisecond too.
 *
 * An unknown time, as after a reboot, is a gap and taken for a month. More than one wrap may hide
 * in a long time: if one more would fit, the step is inferred and the epoch raised, unless the
 * value is the same as before, where a stop is far likelier than a whole turn: that is inferred
 * only. Without a rate this is asked only after a gap, with 10,000 counts a second, as fast as
 * anything that is polled.
 *
 * A value of two words that a PLC writes one after the other may be read between: 0x0000FFFF to
 * 0x00010000 as 0x0001FFFF or 0. Such a reading is off by a step of the high word, which mostly
 * does not fit the time. Where it would, or where there is no rate and a rise is that large, the
 * reading is held although it fits, and the step inferred when the next one fits as well. A reset
 * that would be a small rise if the high word were one more is held likewise.
 *
 * What nothing here can see: a reset (without a gap) after which the machine counted past the old
 * value before the next poll; a count lost (without a gap) so near the modulus that it looks like a
 * rollover; a wrong reading that fits, or is the first; without a rate, more than a quarter of the
 * modulus, or a step of the high word, between two polls. So a rate is worth giving, and polls
 * should come often enough that no whole modulus fits between two, or every step is inferred. */
#ifndef BINDERY_COUNTER_H
#define BINDERY_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

#include "plant.h"

#define COUNTER_TIME_UNKNOWN INT64_MIN

/* Zeroed: nothing read yet. The first five are to be kept over a restart, in the transaction that
 * stores the reading which changed them; an at_ms of before that, while raw stayed the same, does
 * no harm. The rest may be 0 after a restart, since the next reading is then one after a gap.
 *
 * After a reboot at_ms is of another clock and must be put on the new one, below 0 if need be,
 * where synchronised wall clocks tell how long ago it was; else set it to COUNTER_TIME_UNKNOWN. */
struct counter {
    bool known;        /* there has been a first reading */
    uint32_t epoch;    /* another one: the total may lack counts or have too many since before */
    uint64_t raw;      /* the last reading accepted */
    int64_t total;     /* from 0 on, already multiplied; INT64_MAX: more than can be told */
    int64_t at_ms;     /* when raw was read */
    bool gap;          /* what is accepted next is inferred */
    bool held;         /* a reading waits to be borne out by the next one: */
    uint64_t held_raw; /* what it said */
    int64_t held_at_ms;
};

enum counter_verdict {
    COUNTER_BASELINE,    /* the first reading: counting begins */
    COUNTER_SAME,        /* nothing was counted */
    COUNTER_ADVANCED,    /* it rose */
    COUNTER_ROLLED_OVER, /* it went over its modulus */
    COUNTER_RESET,       /* it began again at 0: epoch raised */
    COUNTER_HELD,        /* not believed yet: the total stays; read again */
    COUNTER_ANOMALY,     /* borne out: taken as a new beginning, delta 0, epoch raised */
    COUNTER_REFUSED,     /* beyond the modulus, again: the total stays */
};

/* What a reading came to. The new total and epoch are in the counter. */
struct counter_step {
    enum counter_verdict verdict;
    bool inferred;  /* what was counted is likely, not certain: see above; after any gap */
    bool saturated; /* the total is at its end and has stopped there */
    uint64_t delta; /* raw counts, before the multiplier */
};

/* Takes a reading of at_ms, on a clock that does not step. `gap`: polls have failed or have not
 * been made since the reading before, or the gateway was restarted. Always succeeds. */
struct counter_step counter_take(const struct counter_rule *rule, struct counter *counter,
                                 uint64_t raw, int64_t at_ms, bool gap);

/* The total is said to be this from here on, as when a controller was replaced: counting begins at
 * the next reading, and the epoch is raised. */
void counter_set(struct counter *counter, int64_t total);

/* "baseline", "same", "advanced", "rolled over", "reset", "held", "anomaly", "refused". */
const char *counter_verdict_name(enum counter_verdict verdict);

#endif
