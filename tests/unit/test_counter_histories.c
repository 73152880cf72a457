/* A million short histories of machines whose true count is known, by seed: the total is right
 * wherever it is not marked. What counter.h says can't be seen does not happen in them. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "counter.h"

enum { HISTORIES = 1000000, STEPS = 12 };

#define HOUR_MS (INT64_C(3600) * 1000)
#define DAY_MS (24 * HOUR_MS)

struct world {
    uint64_t random;
    struct counter_rule rule;
    struct counter counter;
    uint64_t size;         /* where the machine's counter wraps */
    uint64_t raw, counted; /* what it shows, and the truth since the first reading */
    double per_s, phase;   /* its fastest; the part of a count that is under way */
    int64_t now_ms;        /* on the clock of this boot */
    int64_t late_ms;       /* by which the last answer arrived after it was made */
    uint64_t counted_then; /* when the last step was accepted */
    int64_t error;         /* of the total, as of the last step accepted */
    bool calm;             /* nothing but counting happens */
    bool slow;             /* hours between polls */
    bool gap, gap_since;   /* before the next reading; before the next accepted one */
    const char *fault;
};

static uint64_t tally[COUNTER_REFUSED + 1], unmarked;

static uint64_t roll(struct world *world, uint64_t sides)
{
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return (world->random >> 11) % sides;
}

static struct world world_of(uint32_t seed)
{
    static const struct {
        uint64_t modulus;
        uint32_t carry;
    } sizes[] = {{65536, 0}, {10000, 0}, {UINT64_C(1) << 32, 65536}, {100000000, 10000}};
    static const double rates[] = {0.5, 20000.0 / 3600, 50, 1000};
    struct world world = {.random = (seed + 1) * UINT64_C(0x9E3779B97F4A7C15)};
    unsigned size = (unsigned)roll(&world, 4);
    world.size = sizes[size].modulus;
    world.per_s = rates[roll(&world, 4)];
    world.rule = (struct counter_rule){.kind = (enum counter_kind)roll(&world, 3),
                                       .modulus = world.size,
                                       .max_per_s = world.per_s,
                                       .multiplier = 1 + (uint32_t)roll(&world, 3),
                                       .carry = sizes[size].carry};
    bool rolls_over = world.rule.kind == COUNTER_KIND_ROLLOVER;
    world.calm = (rolls_over || world.per_s <= 50) && roll(&world, 4) == 0;
    if (world.per_s <= 50 && roll(&world, 4) == 0)
        world.rule.max_per_s = 0;
    else
        world.slow = !world.calm && roll(&world, 8) == 0;
    if (size == 2 && !rolls_over && roll(&world, 2))
        world.rule.modulus = 0;
    uint64_t border = world.rule.carry != 0 && roll(&world, 2) ? world.rule.carry : world.size;
    world.raw = roll(&world, 4) ? border - 1 - roll(&world, 100) : roll(&world, world.size);
    if (world.calm && !rolls_over)
        world.raw %= world.size / 4; /* its turn would be an event */
    world.now_ms = (int64_t)roll(&world, 100000);
    return world;
}

/* Time goes by, and the machine counts in it. Returns how much. */
static uint64_t work(struct world *world, int64_t ms)
{
    world->now_ms += ms;
    world->phase += world->per_s * (double)(ms + world->late_ms) / 1000;
    world->late_ms = 0;
    uint64_t most = (uint64_t)world->phase, done = most;
    world->phase -= (double)most;
    uint64_t pace = roll(world, 4);
    if (pace < 2)
        done = pace == 0 ? 0 : roll(world, most + 1);
    world->raw = (world->raw + done) % world->size;
    world->counted += done;
    return done;
}

/* What is read of a counter that made `done` counts of late: mostly what it shows. Where its high
 * word has changed, the poll may come just then, and find two words of different moments. */
static uint64_t look(struct world *world, uint64_t done)
{
    uint64_t carry = world->rule.carry, cycle = 1 + (uint64_t)(world->per_s / 10);
    if (carry == 0 || world->calm)
        return world->raw;
    uint64_t since = world->raw % carry;
    if (since >= done || roll(world, 2))
        return world->raw;
    uint64_t early = since - roll(world, since < cycle ? since + 1 : cycle);
    world->raw -= early;
    world->counted -= early;
    uint64_t back = world->raw % carry + 1, spare = done - early - back;
    back += roll(world, spare < cycle ? spare + 1 : cycle);
    uint64_t before = (world->raw + world->size - back) % world->size;
    if (roll(world, 2))
        return world->raw / carry * carry + before % carry;
    return before / carry * carry + world->raw % carry;
}

static uint64_t meet_gap(struct world *world)
{
    static const int64_t longest_ms[] = {HOUR_MS / 60, 10 * HOUR_MS, 10 * DAY_MS};
    uint64_t done = work(world, (int64_t)roll(world, (uint64_t)longest_ms[roll(world, 3)]));
    world->gap = true;
    if (roll(world, 2))
        return look(world, done);
    world->raw = roll(world, done + 1) % world->size; /* the power went, and the count with it */
    return world->raw;
}

static uint64_t meet_restart(struct world *world)
{
    const struct counter *counter = &world->counter;
    uint64_t done = work(world, (int64_t)roll(world, (uint64_t)HOUR_MS));
    world->gap = true;
    world->counter = (struct counter){.known = counter->known,
                                      .epoch = counter->epoch,
                                      .raw = counter->raw,
                                      .total = counter->total,
                                      .at_ms = counter->at_ms};
    if (roll(world, 2)) { /* of the whole computer */
        int64_t boot_ms = world->now_ms - (int64_t)roll(world, 60000);
        world->now_ms -= boot_ms;
        if (counter->at_ms == COUNTER_TIME_UNKNOWN || roll(world, 2))
            world->counter.at_ms = COUNTER_TIME_UNKNOWN; /* tells of the gap by itself */
        else
            world->counter.at_ms -= boot_ms;
    }
    if (world->counter.at_ms == COUNTER_TIME_UNKNOWN)
        world->gap = roll(world, 2);
    return look(world, done);
}

/* Whether `raw`, read now, can't be what counting made of `from`, by a wide margin. */
static bool is_implausible(const struct world *world, uint64_t from, int64_t from_ms, uint64_t raw)
{
    if (!world->counter.known || from_ms == COUNTER_TIME_UNKNOWN)
        return false;
    uint64_t room = (uint64_t)(world->per_s * ((double)(world->now_ms - from_ms) / 1000 + 3)) + 2;
    switch (world->rule.kind) {
    case COUNTER_KIND_ROLLOVER:
        if (world->rule.max_per_s > 0)
            return (raw + world->size - from) % world->size > room;
        return raw < from && (from < world->size / 4 * 3 || raw > world->size / 4);
    case COUNTER_KIND_RESET:
        return world->rule.max_per_s > 0 && raw > room && (raw < from || raw - from > room);
    default:
        return raw < from;
    }
}

static bool is_odd(const struct world *world, uint64_t raw)
{
    const struct counter *counter = &world->counter;
    return is_implausible(world, counter->raw, counter->at_ms, raw) &&
           (!counter->held || is_implausible(world, counter->held_raw, counter->held_at_ms, raw));
}

/* The count is set to 0, or to something else that can be seen to be wrong; nobody tells. */
static uint64_t meet_reset(struct world *world, int64_t ms)
{
    uint64_t done = work(world, ms), since = roll(world, done + 1) % world->size;
    bool resets = world->rule.kind == COUNTER_KIND_RESET;
    if ((resets && since < world->counter.raw) || is_odd(world, since))
        return world->raw = since;
    return look(world, done);
}

/* One odd reading: of another value, or beyond the modulus. */
static uint64_t meet_stray(struct world *world, int64_t ms)
{
    uint64_t done = work(world, ms), stray = roll(world, world->size);
    if (world->rule.modulus != 0 && roll(world, 2))
        return world->rule.modulus + roll(world, 2);
    if (is_odd(world, stray))
        return stray;
    return look(world, done);
}

static int64_t pause_ms(struct world *world)
{
    if (roll(world, 8) == 0)
        return 0;
    if (world->slow && roll(world, 2))
        return (int64_t)roll(world, (uint64_t)(10 * HOUR_MS));
    /* A silent neighbour takes time on the line. */
    if (world->counter.held && world->rule.max_per_s > 0 && roll(world, 4) == 0)
        return (int64_t)roll(world, 60000);
    return (int64_t)roll(world, 5000);
}

static uint64_t meet_next(struct world *world)
{
    if (world->counter.held && roll(world, 2))
        return look(world, work(world, (int64_t)roll(world, 50)));
    int64_t ms = pause_ms(world);
    switch (world->calm ? 15 : roll(world, 16)) {
    case 0:
    case 1:
        return meet_gap(world);
    case 2:
        return meet_restart(world);
    case 3:
    case 4:
        return meet_reset(world, ms);
    case 5:
        return meet_stray(world, ms);
    default:
        return look(world, work(world, ms));
    }
}

static const char *find_fault(struct world *world, const struct counter *before,
                              const struct counter_step *step)
{
    const struct counter *after = &world->counter;
    bool marked = step->inferred || after->epoch != before->epoch;
    if (after->total < before->total)
        return "the total fell";
    if ((uint64_t)(after->total - before->total) != step->delta * world->rule.multiplier)
        return "the total did not rise by the delta";
    if (world->calm && (marked || step->verdict == COUNTER_HELD))
        return "marked or held although nothing happened";
    if (step->verdict == COUNTER_HELD || step->verdict == COUNTER_REFUSED)
        return step->delta != 0 || marked ? "counted without believing it" : NULL;
    if (step->verdict == COUNTER_BASELINE) {
        world->counted = world->counted_then = 0;
        return step->delta != 0 || before->known ? "a second beginning" : NULL;
    }
    if (step->verdict == COUNTER_RESET && step->delta != after->raw)
        return "a reset that does not begin at 0";
    if (world->gap_since && !step->inferred)
        return "a gap without a mark";
    int64_t error = after->total - (int64_t)(world->counted * world->rule.multiplier);
    if (error != world->error && !marked)
        return "wrong without a mark";
    bool turns = world->rule.modulus != 0 && step->verdict != COUNTER_SAME &&
                 world->counted - world->counted_then >= step->delta + world->size;
    world->counted_then = world->counted;
    if (turns && after->epoch == before->epoch)
        return "whole turns missing in one epoch";
    unmarked += !marked;
    world->error = error;
    return NULL;
}

static struct counter_step advance(struct world *world, uint64_t *ret_raw)
{
    uint64_t raw = *ret_raw = meet_next(world);
    struct counter before = world->counter;
    world->late_ms = (int64_t)roll(world, 400);
    world->now_ms += world->late_ms;
    world->gap_since = world->gap_since || world->gap || before.at_ms == COUNTER_TIME_UNKNOWN;
    struct counter_step step =
        counter_take(&world->rule, &world->counter, raw, world->now_ms, world->gap);
    world->gap = false;
    world->fault = find_fault(world, &before, &step);
    if (step.verdict != COUNTER_HELD && step.verdict != COUNTER_REFUSED)
        world->gap_since = false;
    return step;
}

static void tell_history(uint32_t seed)
{
    struct world world = world_of(seed);
    uint64_t raw = 0;
    print_message("seed %u: kind %d, modulus %" PRIu64 ", %g/s, rule's %g/s, times %u, carry %u\n",
                  seed, (int)world.rule.kind, world.rule.modulus, world.per_s, world.rule.max_per_s,
                  world.rule.multiplier, world.rule.carry);
    for (int i = 0; i < STEPS && world.fault == NULL; i++) {
        struct counter_step step = advance(&world, &raw);
        print_message("%12" PRId64 " ms: shows %" PRIu64 ", read %" PRIu64 ": %s%s, total %" PRId64
                      ", truth %" PRIu64 ", epoch %u\n",
                      world.now_ms, world.raw, raw, counter_verdict_name(step.verdict),
                      step.inferred ? ", inferred" : "", world.counter.total,
                      world.counted * world.rule.multiplier, world.counter.epoch);
    }
    fail_msg("seed %u: %s", seed, world.fault);
}

static void test_counter_is_right_wherever_it_is_not_marked(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < HISTORIES; seed++) {
        struct world world = world_of(seed);
        uint64_t raw = 0;
        for (int i = 0; i < STEPS && world.fault == NULL; i++)
            tally[advance(&world, &raw).verdict]++;
        if (world.fault != NULL)
            tell_history(seed);
    }
    for (int i = 0; i <= COUNTER_REFUSED; i++) {
        print_message("%s %" PRIu64 "\n", counter_verdict_name((enum counter_verdict)i), tally[i]);
        assert_true(tally[i] > HISTORIES / 1000);
    }
    print_message("without a mark %" PRIu64 "\n", unmarked);
    assert_true(unmarked > UINT64_C(1) * HISTORIES * STEPS / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counter_is_right_wherever_it_is_not_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
