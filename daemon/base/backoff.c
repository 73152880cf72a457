#include "backoff.h"

/* Seeds are often small neighbours, as the numbers of links; their first waits are to differ all
 * the same (the finalizer of MurmurHash3). */
static uint32_t mix(uint32_t seed)
{
    seed ^= seed >> 16;
    seed *= 0x85EBCA6B;
    seed ^= seed >> 13;
    seed *= 0xC2B2AE35;
    seed ^= seed >> 16;
    return seed;
}

static uint32_t next_random(uint32_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 17;
    *random ^= *random << 5;
    return *random;
}

void backoff_init(struct backoff *backoff, int64_t first_ns, int64_t most_ns, uint32_t seed)
{
    uint32_t random = mix(seed);

    *backoff = (struct backoff){
        .first_ns = first_ns,
        .most_ns = most_ns,
        .random = random ? random : 1,
    };
}

void backoff_reset(struct backoff *backoff)
{
    backoff->failures = 0;
}

/* Between three and five quarters, in 1024 steps. */
static int64_t jitter(struct backoff *backoff, int64_t wait_ns)
{
    uint32_t step = next_random(&backoff->random) >> 22;

    return wait_ns - wait_ns / 4 + wait_ns / 2048 * step;
}

int64_t backoff_next(struct backoff *backoff)
{
    int64_t wait_ns = backoff->first_ns;

    for (uint32_t i = 0; i < backoff->failures && wait_ns < backoff->most_ns; i++)
        wait_ns = wait_ns > backoff->most_ns / 2 ? backoff->most_ns : wait_ns * 2;
    if (backoff->failures < UINT32_MAX)
        backoff->failures++;
    return jitter(backoff, wait_ns);
}

int64_t backoff_absence(struct backoff *backoff, int64_t away_ns)
{
    int64_t wait_ns = away_ns / 60;

    if (wait_ns < backoff->first_ns)
        wait_ns = backoff->first_ns;
    if (wait_ns > backoff->most_ns)
        wait_ns = backoff->most_ns;
    return jitter(backoff, wait_ns);
}
