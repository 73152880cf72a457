#include "states.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"

/* Under which a machine's state stands, as its value is named. */
static const char standing_name[] = "state";

_Static_assert(sizeof(((struct state_kept *)0)->words) == STANDING_AGE * sizeof(int64_t) &&
                   (int)STATE_KEPT_VALUES == (int)STANDING_STATE_NUMBERS,
               "a state's words and their age are what a standing has");

struct states {
    const struct machine *machine;
    struct state_run run;
    char number[STATE_REASON_ROOM]; /* the reason, where it is no text */
    struct sample latest[];         /* of each tag, as it was read */
};

static void go_on(struct states *states, const struct standing *standing)
{
    struct state_kept kept = {.at_ms = STATE_TIME_UNKNOWN};
    int64_t age_ms = standing->numbers[STANDING_AGE];
    memcpy(kept.words, standing->numbers, sizeof(kept.words));
    if (standing->at.boot_ms != STANDING_UNKNOWN && age_ms >= 0)
        kept.at_ms = standing->at.boot_ms - age_ms;
    states->run = state_resume(&kept);
}

/* What was read before a silence tells nothing of what is behind it. */
static void forget(struct states *states)
{
    for (size_t i = 0; i < states->machine->tag_count; i++)
        states->latest[i] = (struct sample){.tag = (uint16_t)i, .quality = QUALITY_TIMEOUT};
}

struct states *states_new(const struct machine *machine, struct standings *standings)
{
    if (machine->state == NULL)
        return NULL;
    struct states *states =
        mem_alloc(sizeof(*states) + machine->tag_count * sizeof(*states->latest));
    states->machine = machine;
    forget(states);
    const struct standing *standing = standings_find(standings, machine->name, standing_name);
    if (standing != NULL && standing->count == STANDING_STATE_NUMBERS)
        go_on(states, standing);
    return states;
}

void states_free(struct states *states, struct standings *standings)
{
    if (states == NULL)
        return;
    if (states->run.known) {
        struct state_kept kept = state_keep(&states->run);
        struct standing *standing =
            standings_add(standings, states->machine->name, standing_name, STANDING_STATE_NUMBERS);
        memcpy(standing->numbers, kept.words, sizeof(kept.words));
        standing->numbers[STANDING_AGE] = kept.at_ms == STATE_TIME_UNKNOWN ? -1 : 0;
        standing->at.boot_ms = kept.at_ms == STATE_TIME_UNKNOWN ? STANDING_UNKNOWN : kept.at_ms;
    }
    free(states);
}

static bool tells_state(const struct state_config *config, uint16_t tag)
{
    if (tag == config->from || tag == config->reason)
        return true;
    for (size_t i = 0; i < config->rule_count; i++)
        for (size_t k = 0; k < config->rules[i].count; k++)
            if (config->rules[i].conditions[k].tag == tag)
                return true;
    return false;
}

/* Whether a poll asked for nothing of what tells the state: tags may have periods of their own. */
static bool is_stale(const struct state_config *config, const struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (tells_state(config, samples[i].tag))
            return false;
    return true;
}

size_t states_take(struct states *states, const struct sample *samples, size_t count, bool answered,
                   int64_t at_ms, struct state_report reports[STATE_MAX_REPORTS])
{
    const struct state_config *config = states->machine->state;
    for (size_t i = 0; i < count; i++)
        states->latest[samples[i].tag] = samples[i];
    struct state_observation seen = {.state = STATE_UNKNOWN};
    if (answered)
        seen = state_observe(config, states->latest);
    else
        forget(states);
    seen.stale = is_stale(config, samples, count);
    if (states->run.known && at_ms < states->run.polled_ms)
        at_ms = states->run.polled_ms;
    return state_take(config, &states->run, answered ? &seen : NULL, at_ms, reports);
}

static struct value text_of(const char *text)
{
    if (text == NULL)
        return (struct value){.kind = VALUE_NONE};
    return (struct value){.kind = VALUE_TEXT, .length = (uint16_t)strlen(text), .text = text};
}

void states_tell(struct states *states, struct sample ret_samples[STATE_VALUES])
{
    const struct state_phase *now = &states->run.now;
    uint16_t first = (uint16_t)machine_state_value(states->machine);
    ret_samples[0] =
        (struct sample){.tag = first, .value = text_of(machine_state_name(now->state))};
    ret_samples[1] = (struct sample){
        .tag = (uint16_t)(first + 1),
        .value = text_of(state_reason_text(states->machine->state, now->reason, states->number))};
}

const struct state_phase *states_now(const struct states *states)
{
    return &states->run.now;
}

int64_t states_settled_ms(const struct states *states)
{
    return state_settled_ms(&states->run);
}

void states_keep(const struct states *states, int64_t at_ms,
                 struct sample ret_samples[STATE_KEPT_VALUES])
{
    struct state_kept kept = state_keep(&states->run);
    size_t first = machine_state_kept(states->machine);
    for (size_t i = 0; i < STATE_KEPT_VALUES; i++) {
        int64_t number = i < STANDING_AGE                   ? kept.words[i]
                         : kept.at_ms == STATE_TIME_UNKNOWN ? -1
                                                            : at_ms - kept.at_ms;
        ret_samples[i] = (struct sample){
            .tag = (uint16_t)(first + i),
            .value = {.kind = VALUE_DECIMAL, .mantissa = number},
        };
    }
}
