/* A machine in service: its schedule, its filter, and the room for its answers. Used by one thread
 * at a time: the poller or the line that its link belongs to. */
#ifndef BINDERY_MACHINE_H
#define BINDERY_MACHINE_H

#include "counters.h"
#include "filter.h"
#include "jobs.h"
#include "limits.h"
#include "line.h"
#include "live.h"
#include "modbus_plan.h"
#include "plant.h"
#include "queue.h"
#include "refused.h"
#include "schedule.h"
#include "shifts.h"
#include "states.h"

/* Where all that polls puts what it finds. Everything in it outlives the machines. */
struct poll_output {
    struct queue *queue;
    struct live *live;
    /* of machines out of service; who adds and removes them has it to itself */
    struct standings *standings;
    const struct refused *refused; /* likewise */
    int64_t tick_ns;
};

struct machine_run {
    const struct machine *config;
    struct modbus_plan *plan;    /* on Modbus TCP */
    struct line_plan *line_plan; /* on a line */
    struct counters *counters;   /* NULL: it has none */
    struct states *states;       /* likewise */
    struct shifts *shifts;       /* likewise */
    struct jobs *jobs;           /* likewise */
    int64_t kept_ms;             /* when the state was last kept, on the boot clock */
    int64_t periods_kept_ms;     /* likewise shifts and job */
    struct limits *limits;       /* likewise */
    struct filter *filter;
    struct live_machine *live;
    struct line_answer answer;
    struct {
        uint8_t asked;          /* so often */
        bool same;              /* as before, at last */
    } again;                    /* of the tag that says the job, in this poll */
    struct queue_events events; /* of the poll that is being finished */
    uint32_t source;            /* the store's number for it */
    enum quality state;         /* of the last poll; what has been logged */
    struct schedule schedule;
    const struct plant *plant; /* retained: config lies in it */
};

/* `number` tells machines apart for spreading their polls. Counters go on from where they stood
 * when a machine of that name was freed last. */
struct machine_run *machine_run_new(const struct plant *plant, const struct machine *machine,
                                    uint32_t source, unsigned number,
                                    const struct poll_output *output);

/* Before a poll's request or answer, in two steps, the first of which is taken for all machines of
 * a group before the second: fetches into the caches what a machine points to, and what that points
 * to; with `answer` the values too. */
void machine_run_fetch(const struct machine_run *run);
void machine_run_fetch_values(const struct machine_run *run, bool answer);

/* From the thread that adds and removes machines, once nobody polls it. */
void machine_run_free(struct machine_run *run, const struct poll_output *output);

/* The poll came to nothing: every due tag gets this quality, in place of what the answer holds. */
void machine_run_fail(struct machine_run *run, const struct schedule_due *due,
                      enum quality quality);

/* The one of `runs` that is to be polled now: it has waited longest, or has priority and nobody
 * else has waited for ten seconds more. Where none is due by now_ns (INT64_MIN: ever), the one that
 * will be first. */
struct machine_run *machine_run_next(struct machine_run *const *runs, size_t count, int64_t now_ns);

/* The samples gathered in the answer become a reading: filtered, queued, shown. `reason` as in
 * live_polled. The answer is empty afterwards. */
void machine_run_finish(struct machine_run *run, const struct poll_output *output,
                        const struct instant *at, enum quality reason);

/* The total of a counter becomes this, which is told at once, as a reading and as an event. 0, or
 * -ENOENT where the machine has no counter of that name. */
int machine_run_set_counter(struct machine_run *run, const struct poll_output *output,
                            const char *tag, int64_t total);

#endif
