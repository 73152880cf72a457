/* A run of states in four words, and back. */
#include <string.h>

#include "state.h"

/* Where things lie. Lengths of time are cut in two; all ones in both pieces: not known. */
enum {
    LOW_BITS = 36,
    HIGH_BITS = 8,
    UNCERTAIN_BITS = 28,
    UNCERTAIN_AT = LOW_BITS,
    REASON_BITS = 32,
    CODE_BITS = 32,
    STATE_BITS = 4,
    STATE_AT = 32,
    STOP_STATE_AT = 36,
    HIGH_AT = 40,
    STOP_HIGH_AT = 48,
    FLAGS_AT = 56,
};

enum { FLAG_KNOWN, FLAG_CODE, FLAG_CODE_TOP, FLAG_PRODUCED, FLAG_OPEN, FLAG_SEEN, FLAG_UNSURE };

enum { WORD_NOW, WORD_STOP, WORD_REASONS, WORD_REST };

#define LENGTH_UNKNOWN ((INT64_C(1) << (LOW_BITS + HIGH_BITS)) - 1)

/* As far as anybody's clock goes, and as sums of it don't overflow. */
#define FARTHEST_MS (INT64_C(1) << 60)

struct packed {
    uint64_t words[4];
};

static void put(struct packed *packed, unsigned word, unsigned bits, unsigned at, uint64_t value)
{
    packed->words[word] |= (value & ((UINT64_C(1) << bits) - 1)) << at;
}

static uint64_t get(const struct packed *packed, unsigned word, unsigned bits, unsigned at)
{
    return packed->words[word] >> at & ((UINT64_C(1) << bits) - 1);
}

static void put_flag(struct packed *packed, unsigned flag, bool value)
{
    put(packed, WORD_REST, 1, FLAGS_AT + flag, value);
}

static bool get_flag(const struct packed *packed, unsigned flag)
{
    return get(packed, WORD_REST, 1, FLAGS_AT + flag) != 0;
}

/* What began then, seen from `until_ms`. */
static void put_time(struct packed *packed, unsigned word, unsigned high_at, int64_t since_ms,
                     int64_t uncertain_ms, int64_t until_ms)
{
    const int64_t most_uncertain = (INT64_C(1) << UNCERTAIN_BITS) - 1;
    int64_t length = LENGTH_UNKNOWN;

    if (since_ms != STATE_TIME_UNKNOWN) {
        length = until_ms - since_ms;
        length = length < 0 ? 0 : length;
        length = length < LENGTH_UNKNOWN ? length : LENGTH_UNKNOWN - 1;
    }
    put(packed, word, LOW_BITS, 0, (uint64_t)length);
    put(packed, WORD_REST, HIGH_BITS, high_at, (uint64_t)length >> LOW_BITS);
    put(packed, word, UNCERTAIN_BITS, UNCERTAIN_AT,
        (uint64_t)(uncertain_ms < most_uncertain ? uncertain_ms : most_uncertain));
}

static int64_t get_time(const struct packed *packed, unsigned word, unsigned high_at,
                        int64_t until_ms)
{
    uint64_t length = get(packed, word, LOW_BITS, 0) | get(packed, WORD_REST, HIGH_BITS, high_at)
                                                           << LOW_BITS;

    return length == LENGTH_UNKNOWN ? STATE_TIME_UNKNOWN : until_ms - (int64_t)length;
}

static int64_t get_uncertain(const struct packed *packed, unsigned word)
{
    return (int64_t)get(packed, word, UNCERTAIN_BITS, UNCERTAIN_AT);
}

/* A code of 33 bits: any of 32, with a sign or without. */
static void put_code(struct packed *packed, const struct state_phase *now)
{
    if (!now->has_code || now->code > UINT32_MAX || now->code < -(INT64_C(1) << CODE_BITS))
        return;
    put(packed, WORD_REST, CODE_BITS, 0, (uint64_t)now->code);
    put_flag(packed, FLAG_CODE, true);
    put_flag(packed, FLAG_CODE_TOP, now->code < 0);
}

static int64_t get_code(const struct packed *packed)
{
    int64_t code = (int64_t)get(packed, WORD_REST, CODE_BITS, 0);

    return get_flag(packed, FLAG_CODE_TOP) ? code - (INT64_C(1) << CODE_BITS) : code;
}

static void put_stop(struct packed *packed, const struct state_stop *stop, int64_t until_ms)
{
    if (!stop->open)
        return;
    put_flag(packed, FLAG_OPEN, true);
    put_flag(packed, FLAG_SEEN, stop->seen);
    put_flag(packed, FLAG_UNSURE, stop->unsure);
    put(packed, WORD_REST, STATE_BITS, STOP_STATE_AT, stop->state);
    put(packed, WORD_REASONS, REASON_BITS, REASON_BITS, stop->reason);
    put_time(packed, WORD_STOP, STOP_HIGH_AT, stop->since_ms, stop->uncertain_ms, until_ms);
}

static int64_t until(const struct state_run *run)
{
    return run->waits ? run->next.since_ms - run->next.uncertain_ms : run->seen_ms;
}

int64_t state_settled_ms(const struct state_run *run)
{
    return run->known && !run->timeless ? until(run) : STATE_TIME_UNKNOWN;
}

struct state_kept state_keep(const struct state_run *run)
{
    struct packed packed = {{0}};
    struct state_kept kept = {.at_ms = STATE_TIME_UNKNOWN};
    int64_t until_ms = until(run);

    if (!run->known)
        return kept;
    put_flag(&packed, FLAG_KNOWN, true);
    put_flag(&packed, FLAG_PRODUCED, run->produced);
    put(&packed, WORD_REST, STATE_BITS, STATE_AT, run->now.state);
    put(&packed, WORD_REASONS, REASON_BITS, 0, run->now.reason);
    put_code(&packed, &run->now);
    put_time(&packed, WORD_NOW, HIGH_AT, run->now.since_ms, run->now.uncertain_ms, until_ms);
    put_stop(&packed, &run->stop, until_ms);
    if (!run->timeless)
        kept.at_ms = until_ms;
    memcpy(kept.words, packed.words, sizeof kept.words);
    return kept;
}

static struct state_stop get_stop(const struct packed *packed, int64_t until_ms)
{
    if (!get_flag(packed, FLAG_OPEN))
        return (struct state_stop){0};
    return (struct state_stop){
        .open = true,
        .seen = get_flag(packed, FLAG_SEEN),
        .unsure = get_flag(packed, FLAG_UNSURE),
        .state = (enum machine_state)get(packed, WORD_REST, STATE_BITS, STOP_STATE_AT),
        .reason = (uint32_t)get(packed, WORD_REASONS, REASON_BITS, REASON_BITS),
        .since_ms = get_time(packed, WORD_STOP, STOP_HIGH_AT, until_ms),
        .uncertain_ms = get_uncertain(packed, WORD_STOP)};
}

struct state_run state_resume(const struct state_kept *kept)
{
    struct packed packed;

    memcpy(packed.words, kept->words, sizeof packed.words);
    struct state_run run = {
        .known = get_flag(&packed, FLAG_KNOWN),
        .resumed = true,
        .produced = get_flag(&packed, FLAG_PRODUCED),
        .timeless = kept->at_ms < -FARTHEST_MS || kept->at_ms > FARTHEST_MS,
    };
    if (!run.timeless)
        run.seen_ms = kept->at_ms;
    run.now = (struct state_phase){
        .state = (enum machine_state)get(&packed, WORD_REST, STATE_BITS, STATE_AT),
        .reason = (uint32_t)get(&packed, WORD_REASONS, REASON_BITS, 0),
        .has_code = get_flag(&packed, FLAG_CODE),
        .code = get_flag(&packed, FLAG_CODE) ? get_code(&packed) : 0,
        .since_ms = get_time(&packed, WORD_NOW, HIGH_AT, run.seen_ms),
        .uncertain_ms = get_uncertain(&packed, WORD_NOW)};
    run.stop = get_stop(&packed, run.seen_ms);
    if (!run.known || run.now.state > STATE_MAINTENANCE || run.stop.state > STATE_MAINTENANCE)
        return (struct state_run){0};
    return run;
}
