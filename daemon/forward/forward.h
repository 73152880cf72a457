/* Loop 2: empties the queue, commits what was in it, and delivers it through every uplink. It owns
 * the store and the uplinks; everything of them happens on its thread.
 *
 * All calls from the thread that started it. */
#ifndef BINDERY_FORWARD_H
#define BINDERY_FORWARD_H

#include <stdint.h>

#include "live.h"
#include "plant.h"
#include "queue.h"
#include "standing.h"

struct forward;

/* Opens the store and begins. ret_sources gets the store's number for each of the plant's machines
 * (plant->machine_count of them), ret_standings how counters and states stood. 0, or negative errno
 * where there can be no store; that has been logged. Queue and live must outlive it; the plant is
 * retained. */
int forward_start(const struct plant *plant, struct queue *queue, struct live *live,
                  uint32_t *ret_sources, struct standings *ret_standings,
                  struct forward **ret_forward);

/* Commits what is in the queue, says goodbye to the brokers and ends. Whoever fills the queue has
 * been stopped before. Accepts NULL. */
void forward_stop(struct forward *forward);

/* Another plant: uplinks that changed are closed and opened, the others stay. ret_sources as
 * above. 0 or negative errno: then nothing has changed. */
int forward_reload(struct forward *forward, const struct plant *plant, uint32_t *ret_sources);

/* As poller_back_by. */
int64_t forward_back_by(const struct forward *forward);

#endif
