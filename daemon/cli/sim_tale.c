#include "sim_tale.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "sim_random.h"
#include "sim_story.h"

/* Saying why it stands: by the state's code, the reason's code, or both. */
struct stop_kind {
    const struct state_code *code; /* NULL: no tag tells the state */
    const struct state_reason *reason;
};

struct stop_kinds {
    struct stop_kind *items;
    size_t count;
};

/* How many numbers the story chooses from for a stop: enough to say which machine of a line, and
 * for which of its reasons. */
enum { STOP_NUMBERS = 60000 };

struct sim_tale {
    const struct machine *machine;
    uint64_t seed;
    size_t place, line; /* which of how many machines of a line; 0 of 1: none */
    struct stop_kinds stops, faults;
    struct sim_story story;
    int64_t moment_ms; /* of the moment, -1: none yet */
    struct sim_moment moment;
};

static const struct tag_counter *counter_of(const struct tag *tag)
{
    const struct tag_counter *counter = tag->detail ? tag->detail->counter : NULL;
    return counter && counter->counts != COUNTS_OTHER ? counter : NULL;
}

static const struct tag_states *states_of(const struct tag *tag)
{
    return tag->detail ? tag->detail->states : NULL;
}

static const struct tag_states *codes_of(const struct machine *machine)
{
    return machine->state ? machine->state->codes : NULL;
}

/* --- states --- */

/* What is said instead by a machine that has no code for a state, best first. */
static const enum machine_state instead[MACHINE_STATES][3] = {
    [STATE_SETUP] = {STATE_IDLE, STATE_STOPPED},
    [STATE_IDLE] = {STATE_STOPPED, STATE_SETUP},
    [STATE_STOPPED] = {STATE_IDLE, STATE_FAULT},
    [STATE_FAULT] = {STATE_STOPPED, STATE_IDLE},
};

static const struct state_code *find_code(const struct tag_states *states, enum machine_state state)
{
    const struct state_code *with_reason = NULL;
    for (size_t i = 0; i < states->count; i++) {
        if (states->codes[i].state != state)
            continue;
        if (!states->codes[i].reason)
            return &states->codes[i];
        with_reason = &states->codes[i];
    }
    return with_reason;
}

/* NULL where it can't be said at all. */
static const struct state_code *nearest_code(const struct tag_states *states,
                                             enum machine_state state)
{
    const struct state_code *code = find_code(states, state);
    for (const enum machine_state *other = instead[state]; !code && *other != STATE_UNKNOWN;)
        code = find_code(states, *other++);
    return code;
}

/* A number that stands for no state. */
static int64_t unused_code(const struct tag_states *states)
{
    return states->codes[states->count - 1].code + 1;
}

static void add_stop(struct stop_kinds *kinds, const struct state_code *code,
                     const struct state_reason *reason)
{
    kinds->items = mem_resize(kinds->items, (kinds->count + 1) * sizeof(*kinds->items));
    kinds->items[kinds->count++] = (struct stop_kind){code, reason};
}

/* The codes that have a reason of their own, and each reason with the code that has none. */
static void find_stops(const struct machine *machine, enum machine_state state,
                       struct stop_kinds *kinds)
{
    const struct state_config *config = machine->state;
    const struct tag_states *states = codes_of(machine);
    const struct state_code *plain = states ? nearest_code(states, state) : NULL;

    for (size_t i = 0; states && i < states->count; i++)
        if (states->codes[i].state == state && states->codes[i].reason)
            add_stop(kinds, &states->codes[i], NULL);
    if (!config || (plain && plain->reason))
        return;
    for (size_t i = 0; i < config->reason_count; i++)
        add_stop(kinds, plain, &config->reasons[i]);
}

/* --- the machine --- */

static double design_speed(const struct machine *machine, uint64_t seed)
{
    double per_h = 0;
    for (size_t i = 0; i < machine->tag_count; i++) {
        const struct tag *tag = &machine->tags[i];
        double high = tag->detail ? decimal_number(tag->detail->high) : 0;
        if (high > 0 && sim_kind_of(tag) == SIM_SPEED)
            return high;
        if (counter_of(tag))
            per_h = fmax(per_h, counter_of(tag)->rule.max_per_s * 3600 * 0.85);
    }
    return per_h > 0 ? per_h : 3000 + 12000 * sim_share(seed, 1);
}

static bool has_story(const struct machine *machine)
{
    for (size_t i = 0; i < machine->tag_count; i++)
        if (counter_of(&machine->tags[i]) || states_of(&machine->tags[i]))
            return true;
    return machine->state != NULL;
}

struct sim_tale *sim_tale_new(const struct machine *machine, uint64_t seed)
{
    if (!has_story(machine))
        return NULL;
    struct sim_tale *tale = mem_alloc(sizeof(*tale));
    tale->machine = machine;
    tale->seed = seed;
    tale->line = 1;
    tale->moment_ms = -1;
    find_stops(machine, STATE_STOPPED, &tale->stops);
    find_stops(machine, STATE_FAULT, &tale->faults);
    const struct sim_plot plot = {.seed = seed,
                                  .per_h = design_speed(machine, seed),
                                  .stops = STOP_NUMBERS,
                                  .faults = STOP_NUMBERS};
    sim_story_begin(&tale->story, &plot);
    return tale;
}

void sim_tale_join(struct sim_tale *const *tales, size_t count)
{
    struct sim_plot plot = tales[0]->story.plot;
    for (size_t i = 1; i < count; i++)
        plot.per_h = fmin(plot.per_h, tales[i]->story.plot.per_h);
    for (size_t i = 0; i < count; i++) {
        tales[i]->place = i;
        tales[i]->line = count;
        sim_story_begin(&tales[i]->story, &plot);
    }
}

void sim_tale_free(struct sim_tale *tale)
{
    if (!tale)
        return;
    free(tale->stops.items);
    free(tale->faults.items);
    free(tale);
}

const struct machine *sim_tale_machine(const struct sim_tale *tale)
{
    return tale->machine;
}

/* A request asks for many tags at one time. */
static const struct sim_moment *moment_at(struct sim_tale *tale, int64_t time_ms)
{
    if (tale->moment_ms != time_ms)
        tale->moment = sim_story_at(&tale->story, time_ms);
    tale->moment_ms = time_ms;
    return &tale->moment;
}

/* Whether it stands for a reason of its own. */
static bool is_cause(const struct sim_tale *tale, const struct sim_moment *moment)
{
    return moment->stop != SIM_NO_STOP && moment->stop % tale->line == tale->place;
}

/* The fault of another machine of the line is none of this one. */
static enum machine_state state_of(const struct sim_tale *tale, const struct sim_moment *moment)
{
    bool others = moment->state == STATE_FAULT && !is_cause(tale, moment);
    return others ? STATE_STOPPED : moment->state;
}

/* NULL: it does not stand, or for no reason. */
static const struct stop_kind *stop_of(const struct sim_tale *tale, const struct sim_moment *moment)
{
    const struct stop_kinds *kinds = moment->state == STATE_FAULT ? &tale->faults : &tale->stops;
    if (!is_cause(tale, moment) || kinds->count == 0)
        return NULL;
    return &kinds->items[moment->stop / tale->line % kinds->count];
}

static const char *reason_of(const struct stop_kind *stop)
{
    if (!stop)
        return NULL;
    return stop->reason ? stop->reason->reason : stop->code->reason;
}

/* The code that the machine's state is told by. */
static const struct state_code *code_of(const struct sim_tale *tale,
                                        const struct sim_moment *moment)
{
    const struct stop_kind *stop = stop_of(tale, moment);
    return stop ? stop->code : nearest_code(codes_of(tale->machine), state_of(tale, moment));
}

struct sim_told sim_tale_told(struct sim_tale *tale, int64_t time_ms)
{
    const struct sim_moment *moment = moment_at(tale, time_ms);
    struct sim_told told = {.state = state_of(tale, moment),
                            .reason = reason_of(stop_of(tale, moment)),
                            .restarts = moment->state == STATE_OFFLINE,
                            .produces = moment->state == STATE_PRODUCTION,
                            .job_ended = moment->state == STATE_IDLE,
                            .until_ms = moment->until_ms};
    if (codes_of(tale->machine) && !told.restarts) {
        const struct state_code *code = code_of(tale, moment);
        told.state = code ? code->state : STATE_UNKNOWN;
        if (code && code->reason)
            told.reason = code->reason;
    }
    return told;
}

/* --- what tags show --- */

static uint64_t pick(enum counts counts, const struct sim_counts *made)
{
    switch (counts) {
    case COUNTS_GOOD:
        return made->gross - made->waste;
    case COUNTS_WASTE:
        return made->waste;
    default:
        return made->gross;
    }
}

static double counter_raw(const struct sim_tale *tale, const struct tag *tag,
                          const struct sim_moment *moment)
{
    const struct tag_counter *counter = counter_of(tag);
    uint64_t made = pick(counter->counts, &moment->made);
    if (counter->rule.kind == COUNTER_KIND_RESET)
        made -= pick(counter->counts, &moment->reset);
    else
        made += sim_mix(tale->seed + tag->address) % 1000000; /* it has been at work for long */
    return (double)(counter->rule.modulus ? made % counter->rule.modulus : made);
}

static double state_raw(const struct sim_tale *tale, const struct tag *tag,
                        const struct sim_moment *moment)
{
    const struct tag_states *states = states_of(tag);
    const struct state_code *code = states == codes_of(tale->machine)
                                        ? code_of(tale, moment)
                                        : nearest_code(states, state_of(tale, moment));
    return (double)(code ? code->code : unused_code(states));
}

static double reason_raw(const struct sim_tale *tale, const struct sim_moment *moment)
{
    const struct stop_kind *stop = stop_of(tale, moment);
    return stop && stop->reason ? (double)stop->reason->code : 0;
}

static double within(const struct tag *tag, double share, double otherwise)
{
    double low = tag->detail ? decimal_number(tag->detail->low) : 0;
    double high = tag->detail ? decimal_number(tag->detail->high) : 0;
    return high > low ? low + (high - low) * share : otherwise;
}

/* The same for a whole job, on all machines of a line; another for each name. */
static double size_value(const struct sim_tale *tale, const struct tag *tag,
                         const struct sim_moment *moment)
{
    double share = sim_share(sim_seed(tale->story.plot.seed, tag->name), moment->job + 1);
    return within(tag, 0.1 + 0.8 * share, 10 + floor(290 * share));
}

static double glue_value(const struct sim_tale *tale, const struct tag *tag,
                         const struct sim_moment *moment, double usual)
{
    const char *reason = reason_of(stop_of(tale, moment));
    double wave = (usual - SIM_GLUE_USUAL) / SIM_GLUE_SWING;
    bool cold = reason && strstr(reason, "temperature low");
    return within(tag, (cold ? 0.15 : 0.6) + 0.05 * wave, usual - (cold ? 25 : 0));
}

static double named_value(const struct sim_tale *tale, const struct tag *tag, enum sim_kind kind,
                          const struct sim_moment *moment, int64_t time_ms)
{
    double usual = sim_value(kind, tag, tale->seed, time_ms);
    bool fault = state_of(tale, moment) == STATE_FAULT;
    switch (kind) {
    case SIM_GROSS:
        return (double)moment->made.gross;
    case SIM_GOOD:
        return (double)pick(COUNTS_GOOD, &moment->made);
    case SIM_WASTE:
        return (double)moment->made.waste;
    case SIM_SPEED:
        return moment->per_h;
    case SIM_RUNNING:
        return moment->per_h > 0;
    case SIM_STATE:
        return moment->per_h > 0 ? 1 : fault ? 3 : 2;
    case SIM_FAULT:
        return fault ? 1 + moment->stop % 50 : 0;
    case SIM_GLUE:
        return glue_value(tale, tag, moment, usual);
    case SIM_CURRENT:
        return 1 + 12 * moment->per_h / tale->story.plot.per_h;
    case SIM_FREQUENCY:
        return 50 * moment->per_h / tale->story.plot.per_h;
    case SIM_SIZE:
        return size_value(tale, tag, moment);
    case SIM_JOB:
        return 240000 + (double)(tale->story.plot.seed % 1000 * 10 + moment->job % 10000);
    case SIM_WAVE:
        return tag->detail && decimal_number(tag->detail->high) > 0 ? size_value(tale, tag, moment)
                                                                    : usual;
    default:
        return usual;
    }
}

double sim_tale_raw(struct sim_tale *tale, size_t tag, enum sim_kind kind, int64_t time_ms)
{
    const struct machine *machine = tale->machine;
    const struct tag *shown = &machine->tags[tag];
    const struct sim_moment *moment = moment_at(tale, time_ms);
    if (counter_of(shown))
        return counter_raw(tale, shown, moment);
    if (states_of(shown))
        return state_raw(tale, shown, moment);
    if (machine->state && machine->state->reason == tag)
        return reason_raw(tale, moment);
    return sim_raw(kind, shown, named_value(tale, shown, kind, moment, time_ms));
}

bool sim_tale_total(struct sim_tale *tale, size_t tag, int64_t time_ms, uint64_t *ret_total)
{
    const struct tag_counter *counter = counter_of(&tale->machine->tags[tag]);
    if (!counter)
        return false;
    *ret_total = pick(counter->counts, &moment_at(tale, time_ms)->made) * counter->rule.multiplier;
    return true;
}
