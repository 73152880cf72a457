#include "sim_plan.h"

#include <math.h>

#include "sim_random.h"

enum { LEAST_JOBS = 3, MOST_JOBS = 5, LEAST_STOPS = 2, MOST_STOPS = 7, RAMP_MS = 15000 };

/* Of the fastest speed: what is made in two hours, how slow and how fast a job runs. */
#define BUSY 0.45
#define SLOWEST 0.8
#define FASTEST 0.97

struct stop {
    enum machine_state state;
    uint16_t kind;
    int64_t length_ms;
    int64_t silent_ms; /* of these, in which the controller starts anew */
};

struct job {
    uint32_t ready;
    uint32_t runs[MOST_STOPS + 1]; /* what is made before, between and behind its stops */
    int64_t run_ms[MOST_STOPS + 1];
    int64_t setup_ms, idle_ms;
    struct stop stops[MOST_STOPS];
    size_t stop_count;
    bool resets;
};

struct plan {
    const struct sim_plot *plot;
    uint64_t seed, drawn;
    struct job jobs[MOST_JOBS];
    size_t count;
};

struct sim_quota sim_plan_quota(const struct sim_plot *plot)
{
    uint32_t gross = (uint32_t)fmax(plot->per_h * SIM_STRETCH_MS / 3600000 * BUSY, 1);
    uint32_t ready = gross / 50;
    return (struct sim_quota){gross - ready, gross / 40, ready};
}

/* The next of the plan's chances, from low up to high. */
static double draw(struct plan *plan, double low, double high)
{
    return low + (high - low) * sim_share(plan->seed, plan->drawn++);
}

/* Cuts a quantity into uneven parts that come to it exactly. */
static void cut(struct plan *plan, uint32_t whole, size_t count, uint32_t *parts)
{
    double weights[MOST_JOBS + MOST_STOPS] = {0}, all = 0, up_to = 0;
    uint32_t given = 0;

    for (size_t i = 0; i < count; i++)
        all += weights[i] = draw(plan, 1, 2);
    for (size_t i = 0; i < count; i++) {
        up_to += weights[i];
        uint32_t until = i + 1 == count ? whole : (uint32_t)(whole * (up_to / all));
        parts[i] = until - given;
        given = until;
    }
}

static uint16_t draw_kind(struct plan *plan, size_t kinds)
{
    double at = draw(plan, 0, (double)kinds);
    return kinds ? (uint16_t)at : SIM_NO_STOP;
}

static struct stop draw_stop(struct plan *plan)
{
    double sort = draw(plan, 0, 1);
    struct stop stop = {.state = STATE_STOPPED};

    if (sort < 0.7)
        stop.length_ms = (int64_t)draw(plan, 5000, 40000);
    else if (sort < 0.9)
        stop.length_ms = (int64_t)draw(plan, 60000, 240000);
    else
        stop = (struct stop){.state = STATE_FAULT, .length_ms = (int64_t)draw(plan, 90000, 300000)};
    stop.kind = draw_kind(plan, stop.state == STATE_FAULT ? plan->plot->faults : plan->plot->stops);
    return stop;
}

static void draw_job(struct plan *plan, struct job *job, uint32_t quantity, uint32_t ready)
{
    double per_ms = plan->plot->per_h * draw(plan, SLOWEST, FASTEST) / 3600000;

    job->ready = ready;
    job->setup_ms = (int64_t)draw(plan, 120000, 300000);
    job->resets = draw(plan, 0, 1) < 0.5;
    job->stop_count = (size_t)draw(plan, LEAST_STOPS, MOST_STOPS + 1);
    cut(plan, quantity, job->stop_count + 1, job->runs);
    for (size_t i = 0; i <= job->stop_count; i++)
        job->run_ms[i] = (int64_t)(job->runs[i] / per_ms) + RAMP_MS / 2;
    for (size_t i = 0; i < job->stop_count; i++)
        job->stops[i] = draw_stop(plan);
}

/* In every other stretch one of the stops is one in which the controller starts anew. */
static void draw_restart(struct plan *plan)
{
    struct job *job = &plan->jobs[(size_t)draw(plan, 0, (double)plan->count)];
    struct stop *stop = &job->stops[(size_t)draw(plan, 0, (double)job->stop_count)];
    int64_t length_ms = (int64_t)draw(plan, 80000, 200000);

    if (draw(plan, 0, 1) < 0.5)
        *stop = (struct stop){STATE_STOPPED, SIM_NO_STOP, length_ms, length_ms / 2};
}

/* Stops may take the better part of the time that is left, and the rest is idle. */
static void fit_time(struct plan *plan)
{
    int64_t left_ms = SIM_STRETCH_MS, stops_ms = 0;
    uint32_t idle[MOST_JOBS] = {0};

    for (size_t i = 0; i < plan->count; i++) {
        const struct job *job = &plan->jobs[i];
        left_ms -= job->setup_ms;
        for (size_t at = 0; at <= job->stop_count; at++)
            left_ms -= job->run_ms[at];
        for (size_t at = 0; at < job->stop_count; at++)
            stops_ms += job->stops[at].length_ms;
    }
    double shrink = fmin(1, 0.6 * (double)left_ms / (double)stops_ms);
    for (size_t i = 0; i < plan->count; i++)
        for (size_t at = 0; at < plan->jobs[i].stop_count; at++) {
            struct stop *stop = &plan->jobs[i].stops[at];
            stop->length_ms = (int64_t)((double)stop->length_ms * shrink);
            stop->silent_ms = (int64_t)((double)stop->silent_ms * shrink);
            left_ms -= stop->length_ms;
        }
    cut(plan, (uint32_t)left_ms, plan->count, idle);
    for (size_t i = 0; i < plan->count; i++)
        plan->jobs[i].idle_ms = idle[i];
}

static void draw_plan(struct plan *plan)
{
    struct sim_quota quota = sim_plan_quota(plan->plot);
    uint32_t quantities[MOST_JOBS] = {0}, ready[MOST_JOBS] = {0};

    plan->count = (size_t)draw(plan, LEAST_JOBS, MOST_JOBS + 1);
    cut(plan, quota.run, plan->count, quantities);
    cut(plan, quota.ready, plan->count, ready);
    for (size_t i = 0; i < plan->count; i++)
        draw_job(plan, &plan->jobs[i], quantities[i], ready[i]);
    draw_restart(plan);
    fit_time(plan);
    plan->jobs[0].resets = true; /* so that no stretch need know of the one before */
}

/* Adds a segment behind the last one; `next` says where that ends and what it made. */
static void add(struct sim_story *story, struct sim_segment *next)
{
    bool setup = next->state == STATE_SETUP;

    story->segments[story->count++] = *next;
    next->begin_ms += next->length_ms;
    next->run_before += setup ? 0 : next->cycles;
    next->ready_before += setup ? next->cycles : 0;
    next->cycles = 0;
    next->lead_ms = 0;
    next->stop = SIM_NO_STOP;
}

static void reset(struct sim_segment *next)
{
    next->reset_run = next->run_before;
    next->reset_ready = next->ready_before;
}

static void add_stop(struct sim_story *story, struct sim_segment *next, const struct stop *stop)
{
    if (stop->silent_ms > 0) {
        reset(next);
        next->state = STATE_OFFLINE;
        next->length_ms = stop->silent_ms;
        add(story, next);
    }
    next->state = stop->state;
    next->stop = stop->kind;
    next->length_ms = stop->length_ms - stop->silent_ms;
    add(story, next);
}

static void add_job(struct sim_story *story, struct sim_segment *next, const struct job *job)
{
    if (job->resets)
        reset(next);
    next->state = STATE_SETUP;
    next->length_ms = job->setup_ms;
    next->lead_ms = job->setup_ms * 7 / 10; /* what is made ready first, and then tried out */
    next->cycles = job->ready;
    add(story, next);
    for (size_t i = 0; i <= job->stop_count; i++) {
        next->state = STATE_PRODUCTION;
        next->length_ms = job->run_ms[i];
        next->cycles = job->runs[i];
        add(story, next);
        if (i < job->stop_count)
            add_stop(story, next, &job->stops[i]);
    }
    next->state = STATE_IDLE;
    next->length_ms = job->idle_ms;
    add(story, next);
}

void sim_plan_stretch(struct sim_story *story)
{
    struct plan plan = {.plot = &story->plot,
                        .seed = sim_mix(story->plot.seed + (uint64_t)story->stretch)};
    struct sim_segment next = {.ramp_ms = RAMP_MS, .stop = SIM_NO_STOP};

    draw_plan(&plan);
    story->count = 0;
    for (size_t i = 0; i < plan.count; i++) {
        next.job = (uint16_t)i;
        add_job(story, &next, &plan.jobs[i]);
    }
}
