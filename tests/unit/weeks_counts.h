/* Whether the counts that were told of a simulated week are those that were made. */
#ifndef BINDERY_WEEKS_COUNTS_H
#define BINDERY_WEEKS_COUNTS_H

#include "weeks_check.h"

/* Where a counter stood at a poll: what was read, what was true, what was told. */
struct stand {
    const struct seen *poll;
    int64_t raw, made;
    struct told_count told;
};

struct counted {
    size_t steps, resets, gaps, turns;
    int64_t lost;
};

static inline struct stand stand_at(const struct watched *watched, size_t k,
                                    const struct seen *poll, size_t *told)
{
    const struct counter_place *place = &watched->machine->meaning->counters[k];
    uint64_t made = 0;

    while (*told + 1 < watched->counts[k].count &&
           watched->counts[k].items[*told + 1].at_ms <= poll->at_ms)
        (*told)++;
    assert_true(sim_tale_total(watched->tale, place->tag, weeks->story_ms + poll->asked_ms, &made));
    return (struct stand){poll, shown(watched, place->tag, weeks->story_ms + poll->asked_ms),
                          (int64_t)made, watched->counts[k].items[*told]};
}

/* What was counted between two polls by what was read, exactly; and marked where it may be less
 * than what was made. */
static inline void check_step(const struct watched *watched, const struct counter_place *place,
                              const struct stand *from, const struct stand *to, bool gap,
                              struct counted *counted)
{
    const struct counter_rule *rule = &place->config->rule;
    int64_t at_ms = to->poll->at_ms, modulus = (int64_t)rule->modulus;
    bool reset = to->raw < from->raw && rule->kind == COUNTER_KIND_RESET;
    int64_t read = reset ? to->raw : to->raw - from->raw + (to->raw < from->raw ? modulus : 0);
    int64_t delta = to->told.total - from->told.total, made = to->made - from->made;
    bool raised = to->told.epoch > from->told.epoch,
         inferred = to->told.inferred > from->told.inferred;
    /* Of a time in which nothing was counted nothing need be known. */
    double most = rule->max_per_s * (double)(at_ms - from->told.at_ms + SECOND) / 1000;
    bool turn = rule->kind == COUNTER_KIND_ROLLOVER && gap && most >= (double)modulus;
    const char *name = watched->machine->tags[place->tag].name;

    CHECK(watched, at_ms, delta == read * rule->multiplier,
          "%s went from %d to %d, and %d were counted", name, (int)from->raw, (int)to->raw,
          (int)delta);
    CHECK(watched, at_ms, raised == reset || (turn && raised), "%s: epoch %d after %d", name,
          (int)to->told.epoch, (int)from->told.epoch);
    CHECK(watched, at_ms, gap ? inferred || delta == 0 : !inferred,
          "%s: %d inferred steps, %d before", name, (int)to->told.inferred,
          (int)from->told.inferred);
    CHECK(watched, at_ms, delta <= made, "%s: %d were counted of %d", name, (int)delta, (int)made);
    CHECK(watched, at_ms, delta == made || raised || (gap && inferred),
          "%s: %d were counted of %d, and nothing says so", name, (int)delta, (int)made);
    if (rule->kind == COUNTER_KIND_ROLLOVER)
        CHECK(watched, at_ms, (made - delta) % (modulus * rule->multiplier) == 0,
              "%s: %d were counted of %d", name, (int)delta, (int)made);
    counted->steps += delta > 0;
    counted->resets += reset;
    counted->gaps += gap && delta > 0;
    counted->turns += to->raw < from->raw && !reset;
    counted->lost += made - delta;
}

static inline void check_counter(const struct watched *watched, size_t k)
{
    const struct counter_place *place = &watched->machine->meaning->counters[k];
    const struct seen *polls = watched->seen.items;
    struct counted counted = {0};
    struct stand before = {0};
    size_t told = 0;
    bool gap = false;

    for (size_t i = 0; i < watched->seen.count; i++) {
        if (!polls[i].answered || !before.poll) {
            gap = true;
            if (polls[i].answered && !before.poll) {
                before = stand_at(watched, k, &polls[i], &told);
                assert_int_equal(before.told.total, 0);
                gap = false;
            }
            continue;
        }
        struct stand now = stand_at(watched, k, &polls[i], &told);
        gap |= polls[i].run != polls[i - 1].run;
        gap |= polls[i].at_ms - polls[i - 1].at_ms > 3 * watched->machine->every_ms;
        /* Such a leap is read again before it is believed. */
        bool held = gap && now.raw != before.raw && now.told.total == before.told.total &&
                    now.told.epoch == before.told.epoch && place->config->rule.carry > 0;
        if (held)
            continue;
        check_step(watched, place, &before, &now, gap, &counted);
        before = now;
        gap = false;
    }
    show("%s %s: %zu steps, %zu resets, %zu wraps, %zu inferred, %d made unseen\n",
         watched->machine->name, watched->machine->tags[place->tag].name, counted.steps,
         counted.resets, counted.turns, counted.gaps, (int)counted.lost);
    assert_true(counted.steps > 500 && counted.gaps > 10);
}

#endif
