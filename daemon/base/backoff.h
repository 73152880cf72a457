/* Waiting longer after each failure: doubling from `first` to `most`, each wait jittered by a
 * quarter either way, so that a thousand links don't knock in step. Pure but for the random
 * state, which the caller seeds. */
#ifndef BINDERY_BACKOFF_H
#define BINDERY_BACKOFF_H

#include <stdint.h>

struct backoff {
    int64_t first_ns, most_ns;
    uint32_t random; /* never 0 */
    uint32_t failures;
};

void backoff_init(struct backoff *backoff, int64_t first_ns, int64_t most_ns, uint32_t seed);
void backoff_reset(struct backoff *backoff);

/* Counts a failure and returns how long to wait. */
int64_t backoff_next(struct backoff *backoff);

/* For what is merely absent and costs little to try: a sixtieth of the time it has been away,
 * within the same bounds and with the same jitter, so that a short absence is noticed to be over
 * at once. Counts no failure. */
int64_t backoff_absence(struct backoff *backoff, int64_t away_ns);

#endif
