#include "sim_story.h"

#include <math.h>

#include "sim_plan.h"

void sim_story_begin(struct sim_story *story, const struct sim_plot *plot)
{
    story->plot = *plot;
    story->stretch = -1;
    story->count = 0;
}

/* How far it comes in a time at speed 1, with a ramp at the beginning. */
static double way(double ms, double ramp_ms)
{
    return ms < ramp_ms ? ms * ms / (2 * ramp_ms) : ms - ramp_ms / 2;
}

static double whole_way(const struct sim_segment *segment)
{
    return way((double)(segment->length_ms - segment->lead_ms), (double)segment->ramp_ms);
}

static uint32_t made_in(const struct sim_segment *segment, int64_t in_ms)
{
    int64_t ms = in_ms - segment->lead_ms;
    if (segment->cycles == 0 || ms <= 0)
        return 0;
    double share = way((double)ms, (double)segment->ramp_ms) / whole_way(segment);
    return (uint32_t)floor(fmin(share, 1) * segment->cycles);
}

static double speed_in(const struct sim_segment *segment, int64_t in_ms)
{
    int64_t ms = in_ms - segment->lead_ms;
    if (segment->cycles == 0 || ms < 0)
        return 0;
    double per_ms = segment->cycles / whole_way(segment);
    /* A machine that begins to turn has a speed from the first moment on. */
    return per_ms * fmin(1, fmax(0.05, (double)ms / (double)segment->ramp_ms)) * 3600000;
}

/* Waste lies evenly in what production makes, so that it and the rest both never fall. */
static struct sim_counts counts_of(const struct sim_story *story, uint32_t run, uint32_t ready)
{
    struct sim_quota quota = sim_plan_quota(&story->plot);
    uint64_t before = (uint64_t)story->stretch;
    uint64_t waste = quota.run ? (uint64_t)run * quota.waste / quota.run : 0;
    return (struct sim_counts){
        .gross = before * (quota.run + quota.ready) + run + ready,
        .waste = before * (quota.waste + quota.ready) + waste + ready,
    };
}

static const struct sim_segment *segment_at(const struct sim_story *story, int64_t in_ms)
{
    size_t at = story->count - 1;
    while (at > 0 && story->segments[at].begin_ms > in_ms)
        at--;
    return &story->segments[at];
}

struct sim_moment sim_story_at(struct sim_story *story, int64_t time_ms)
{
    if (time_ms < 0)
        time_ms = 0;
    if (time_ms / SIM_STRETCH_MS != story->stretch) {
        story->stretch = time_ms / SIM_STRETCH_MS;
        sim_plan_stretch(story);
    }
    int64_t began_ms = story->stretch * SIM_STRETCH_MS;
    const struct sim_segment *segment = segment_at(story, time_ms - began_ms);
    int64_t in_ms = time_ms - began_ms - segment->begin_ms;
    uint32_t made = made_in(segment, in_ms);
    bool setup = segment->state == STATE_SETUP;
    return (struct sim_moment){
        .state = segment->state,
        .stop = segment->stop,
        .job = (uint64_t)story->stretch * SIM_MOST_SEGMENTS + segment->job,
        .made = counts_of(story, segment->run_before + (setup ? 0 : made),
                          segment->ready_before + (setup ? made : 0)),
        .reset = counts_of(story, segment->reset_run, segment->reset_ready),
        .per_h = speed_in(segment, in_ms),
        .since_ms = began_ms + segment->begin_ms,
        .until_ms = began_ms + segment->begin_ms + segment->length_ms,
    };
}
