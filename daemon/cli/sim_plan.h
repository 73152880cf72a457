/* The plan of a stretch: how the time and the quantity of sim_story are spread over jobs. Pure. */
#ifndef BINDERY_SIM_PLAN_H
#define BINDERY_SIM_PLAN_H

#include "sim_story.h"

/* What is made in each stretch, in cycles: in production, how much of that is waste, and in
 * set-up, which all is. */
struct sim_quota {
    uint32_t run, waste, ready;
};

struct sim_quota sim_plan_quota(const struct sim_plot *plot);

/* Fills in the segments of the story's stretch, which follow each other from 0 to SIM_STRETCH_MS.
 */
void sim_plan_stretch(struct sim_story *story);

#endif
