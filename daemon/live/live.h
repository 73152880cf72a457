/* How things stand this moment: links, machines with their last values, uplinks, the store. It is
 * what status and dashboards show; nothing here is kept or forwarded as data.
 *
 * Any thread may report and look. Links and machines are added and removed by one thread only,
 * which alone may keep pointers between calls; the others use the pointers they were given until
 * their owner has been taken out of service. */
#ifndef BINDERY_LIVE_H
#define BINDERY_LIVE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plant.h"
#include "tap.h"
#include "text.h"
#include "value.h"

struct live;
struct live_machine;

enum { LIVE_NAME_BYTES = 65 };   /* names are at most 64 characters */
enum { LIVE_REASON_BYTES = 65 }; /* and so are reasons */
enum { LIVE_QUALITIES = QUALITY_LINK + 1, LIVE_GAP_WHYS = GAP_DAMAGED + 1 };

struct live_link {
    const struct link *config;
    struct tap *tap; /* who listens to its bytes */
    /* Written by the link's own thread, read by anyone. */
    atomic_bool up;
    _Atomic(const char *) trouble; /* what keeps it down, a constant string; NULL: nothing */
    atomic_uint_fast64_t requests, timeouts, discarded, reconnects;
    /* Of its machines, by what came of them; live.c's. */
    uint64_t polls[LIVE_QUALITIES];
};

struct live_uplink {
    const char *name; /* must outlive the report */
    bool connected;
    uint64_t pending, acknowledged; /* records */
    uint64_t connects;              /* times it was connected */
    uint64_t strays;                /* acknowledgements of what was not on its way */
    char trouble[160];
};

struct live_store {
    char id[40];
    int64_t bytes;
    uint64_t next_seq;
    uint64_t lost;                   /* readings declared lost since the start */
    uint64_t dropped[LIVE_GAP_WHYS]; /* the same by reason, enum gap_why */
    int error;                       /* errno of the last commit; 0: it takes readings */
    bool replaced; /* since the start it took the place of one damaged or taken away */
    char trouble[160];
};

struct live *live_new(void);
void live_free(struct live *live);

/* The plant must stay retained until the removal. */
struct live_link *live_add_link(struct live *live, const struct link *link);
void live_remove_link(struct live *live, struct live_link *link);
/* For who adds and removes them; NULL where there is none of that name. */
struct live_link *live_find_link(struct live *live, const char *name);
struct live_machine *live_add_machine(struct live *live, const struct machine *machine);
void live_remove_machine(struct live *live, struct live_machine *machine);

/* Before live_polled: fetches into the caches what it will write to, in two steps. */
void live_fetch(const struct live_machine *machine);
void live_fetch_values(const struct live_machine *machine);

/* A machine was polled: `reason` QUALITY_GOOD if it answered, else why it counts as offline. The
 * samples replace those of the same tags. */
void live_polled(struct live *live, struct live_machine *machine, const struct sample *samples,
                 size_t count, const struct instant *at, enum quality reason);

/* What a machine is doing, since when and why (NULL: no reason); it is told while the machine is
 * online. */
void live_set_state(struct live *live, struct live_machine *machine, enum machine_state state,
                    const char *reason, const struct instant *since);

enum { LIVE_SHIFT_BYTES = 80 }; /* "2026-11-27/night" */

/* The shift that is on for a machine, NULL: none, and what it made in it; below 0: not counted. */
void live_set_shift(struct live *live, struct live_machine *machine, const char *shift,
                    int64_t good, int64_t waste);

/* Whether the machine has refused one of its tags (exception 2) when it was asked for it last. */
bool live_refuses(struct live *live, const struct live_machine *machine);

/* Calls `refused` for each such tag, and `unheard` (NULL: none) for each tag of a machine that has
 * not answered yet. */
typedef void live_tag_fn(void *context, const struct machine *machine, const struct tag *tag);
void live_each_refused(struct live *live, live_tag_fn *refused, live_tag_fn *unheard,
                       void *context);

enum { LIVE_TEXT_BYTES = 250 };

/* What the machine of this name read last that it tells as an event (text_config.event); its text
 * is copied into the room. False where it has read nothing, or there is no such machine. */
bool live_read_value(struct live *live, const char *name, char room[LIVE_TEXT_BYTES],
                     struct value *ret_value);

/* How late a poll was, against its schedule. */
void live_lateness(struct live *live, int64_t late_ns);

/* How long a poll took that was answered whole, from its first request to its last answer. */
void live_duration(struct live *live, int64_t took_ns);

void live_set_uplinks(struct live *live, const struct live_uplink *uplinks, size_t count);

/* A production line. */
struct live_line {
    char name[LIVE_NAME_BYTES];
    char delivery[LIVE_NAME_BYTES];   /* the machine whose shift is the line's */
    char cause[LIVE_NAME_BYTES];      /* the machine that state and reason are of; empty: none */
    char bottleneck[LIVE_NAME_BYTES]; /* empty: none, or not known */
    char reason[LIVE_REASON_BYTES];   /* empty: none */
    enum machine_state state;
    int64_t since_ms;    /* 0: nothing was told of it yet */
    int64_t good, waste; /* running totals; below 0: not counted */
};

void live_set_lines(struct live *live, const struct live_line *lines, size_t count);

/* Raises and clears the store's alarms too. */
void live_set_store(struct live *live, const struct live_store *store);

/* How a machine stands, for those who tell of changes. */
struct live_status {
    char machine[LIVE_NAME_BYTES];
    uint64_t changed; /* grows with each change of any machine's state */
    bool online;
    enum quality quality;     /* why it is not */
    enum machine_state state; /* unknown where nothing tells it */
    char reason[LIVE_REASON_BYTES];
    struct instant since; /* online: of the state */
};

/* The number of the last change so far. */
uint64_t live_changes(const struct live *live);

/* The first machine at or after *index that changed after `seen`, index moved past it; false when
 * there is none. */
bool live_next_change(struct live *live, uint64_t seen, size_t *index,
                      struct live_status *ret_status);

/* JSON of everything without the values, as members of an object that the caller opened. */
void live_status_json(struct live *live, struct text *out);

/* {"machine":…,"online":…,"ts":…,"values":{…},"bad":{…},"state":{…},"speed":{…},"shift":{…},
 * "units":{…}} of one machine by name, without what it does not have; of all with a comma between
 * them if name is NULL. False if there is no such machine. */
bool live_values_json(struct live *live, const char *name, struct text *out);

/* ,"lines":[…], as in live_status_json, behind another member. */
void live_lines_json(struct live *live, struct text *out);

/* Everything that is counted, in Prometheus's text format 0.0.4; see bindery(1). The plant gives
 * the gateway's name, `now` whether its clock is synchronised. */
void live_metrics(struct live *live, const struct plant *plant, const struct instant *now,
                  struct text *out);

#endif
