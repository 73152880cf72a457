/* What a simulated week's polls saw, and what the gateway told of it: events and readings as they
 * came out of the store, in the world's time. */
#ifndef BINDERY_WEEKS_TOLD_H
#define BINDERY_WEEKS_TOLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "machine.h"
#include "memory.h"
#include "record.h"
#include "sim_plant.h"

enum { MOST_COUNTERS = 4 };

#define LIST(type)          \
    struct {                \
        type *items;        \
        size_t count, room; \
    }

static inline void *list_grow(void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return items;
    *room = *room ? 2 * *room : 1024;
    return mem_resize(items, *room * size);
}

/* The next item of a list, which has it from now on. */
#define LIST_ADD(list)                                                                  \
    ((list)->items =                                                                    \
         list_grow((list)->items, (list)->count, &(list)->room, sizeof *(list)->items), \
     &(list)->items[(list)->count++])

/* The truth at a poll, when the machine answered and when it did not. */
struct seen {
    int64_t at_ms, asked_ms; /* the gateway had the answer; it was so */
    bool answered;
    unsigned run; /* the how many-th of the gateway */
    enum machine_state state;
    const char *reason; /* NULL: none */
    int64_t job;
};

struct told_state {
    enum machine_state state;
    char reason[32]; /* empty: none */
    int64_t from_ms, to_ms, from_uncertain_ms, to_uncertain_ms;
    bool micro; /* of a stop */
};

/* A reading that told of a counter. */
struct told_count {
    int64_t at_ms, total, epoch, inferred;
};

/* A shift or a job that was over. */
struct told_period {
    char shift[80];
    int64_t revision;
    int64_t job, next;          /* -1: null */
    int64_t begin_ms, end_ms;   /* on the clock of the world */
    int64_t wall_ms, length_ms; /* when it ended by the gateway's clock */
    int64_t times_ms[PERFORMANCE_TIMES], quantities[PERFORMANCE_QUANTITIES];
    int64_t uncertain_ms, stops, micro_stops;
};

struct watched {
    const struct machine *machine;
    const struct sim_bus *bus;
    struct sim_tale *tale;
    struct machine_run *run;
    uint32_t source;
    int64_t next_ms, silent_until_ms;
    LIST(struct seen) seen;
    size_t committed; /* of those, what can't be lost any more */
    LIST(struct told_state) states, stops;
    LIST(struct told_count) counts[MOST_COUNTERS];
    LIST(struct told_period) shifts, jobs;
};

/* --- events --- */

static inline const struct value *find_field(const struct event *event, const char *key)
{
    for (size_t i = 0; i < event->count; i++)
        if (strcmp(event->fields[i].key, key) == 0)
            return &event->fields[i].value;
    return NULL;
}

/* -1: null. */
static inline int64_t number_in(const struct event *event, const char *key)
{
    const struct value *value = find_field(event, key);
    return value && value->kind == VALUE_DECIMAL ? value->mantissa : -1;
}

static inline void copy_text(const struct event *event, const char *key, char *room, size_t size)
{
    const struct value *value = find_field(event, key);
    room[0] = '\0';
    if (value && value->kind == VALUE_TEXT)
        snprintf(room, size, "%.*s", value->length, value->text);
}

/* Times are told on a clock that is so far ahead of the world's. */
static inline struct told_state told_state_of(const struct event *event, int64_t ahead_ms)
{
    struct told_state told = {.to_ms = event->at.wall_ms - ahead_ms,
                              .from_uncertain_ms = number_in(event, "from_uncertain_ms"),
                              .to_uncertain_ms = number_in(event, "to_uncertain_ms")};
    const struct value *micro = find_field(event, "micro");
    char state[32];

    if (number_in(event, "duration_ms") < 0)
        fail_msg("%s at %lld: nobody knows how long", event->name, (long long)told.to_ms);
    told.from_ms = told.to_ms - number_in(event, "duration_ms");
    told.micro = micro && micro->boolean;
    copy_text(event, "reason", told.reason, sizeof told.reason);
    copy_text(event, "state", state, sizeof state);
    while (strcmp(machine_state_name(told.state), state) != 0)
        told.state++;
    return told;
}

static inline struct told_period told_period_of(const struct event *event, int64_t ahead_ms)
{
    struct told_period told = {.revision = number_in(event, "revision"),
                               .job = number_in(event, "job"),
                               .next = number_in(event, "next"),
                               .end_ms = event->at.wall_ms - ahead_ms,
                               .wall_ms = event->at.wall_ms,
                               .length_ms = number_in(event, "duration_ms"),
                               .uncertain_ms = number_in(event, "uncertain_ms"),
                               .stops = number_in(event, "stops"),
                               .micro_stops = number_in(event, "micro_stops")};

    told.begin_ms = told.end_ms - told.length_ms;
    copy_text(event, "shift", told.shift, sizeof told.shift);
    for (size_t i = 0; i < PERFORMANCE_TIMES; i++) {
        char key[32];
        snprintf(key, sizeof key, "%s_ms", performance_time_name((enum performance_time)i));
        told.times_ms[i] = number_in(event, key);
    }
    for (size_t i = 0; i < PERFORMANCE_QUANTITIES; i++)
        told.quantities[i] = number_in(event, counts_name((enum counts)i));
    return told;
}

static inline void hear_event(struct watched *watched, const struct event *event, int64_t ahead_ms)
{
    if (strcmp(event->name, "state") == 0)
        *LIST_ADD(&watched->states) = told_state_of(event, ahead_ms);
    else if (strcmp(event->name, "stop") == 0)
        *LIST_ADD(&watched->stops) = told_state_of(event, ahead_ms);
    else if (strcmp(event->name, "shift") == 0)
        *LIST_ADD(&watched->shifts) = told_period_of(event, ahead_ms);
    else if (strcmp(event->name, "job") == 0)
        *LIST_ADD(&watched->jobs) = told_period_of(event, ahead_ms);
}

/* --- readings --- */

/* Whether the sample says something of the counter, which is put in place then. */
static inline bool take_count(const struct counter_place *place, const struct sample *sample,
                              struct told_count *count)
{
    int64_t *number = sample->tag == place->tag        ? &count->total
                      : sample->tag == place->epoch    ? &count->epoch
                      : sample->tag == place->inferred ? &count->inferred
                                                       : NULL;
    if (!number || sample->quality != QUALITY_GOOD)
        return false;
    *number = sample->value.mantissa;
    return true;
}

static inline void hear_reading(struct watched *watched, const struct reading *reading,
                                int64_t ahead_ms)
{
    const struct meaning *meaning = watched->machine->meaning;

    for (size_t k = 0; k < meaning->counter_count; k++) {
        struct told_count count = {0};
        bool told = false;
        if (watched->counts[k].count > 0)
            count = watched->counts[k].items[watched->counts[k].count - 1];
        for (size_t i = 0; i < reading->count; i++)
            told |= take_count(&meaning->counters[k], &reading->samples[i], &count);
        count.at_ms = reading->at.wall_ms - ahead_ms;
        if (told)
            *LIST_ADD(&watched->counts[k]) = count;
    }
}

#endif
