#include "verify_latency.h"

/* Below 64 ms a bucket a millisecond, from there on 32 for each doubling. */
enum { EXACT = 64, PER_DOUBLING = 32, FIRST_SHIFT = 1 };

static unsigned bucket_of(uint64_t ms)
{
    if (ms < EXACT)
        return (unsigned)ms;
    unsigned shift = 63U - (unsigned)__builtin_clzll(ms) - 5U; /* leaves 32 to 63 */
    unsigned bucket =
        EXACT + (shift - FIRST_SHIFT) * PER_DOUBLING + (unsigned)(ms >> shift) - PER_DOUBLING;
    return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

static int64_t upper_end(unsigned bucket)
{
    if (bucket < EXACT)
        return bucket;
    unsigned shift = (bucket - EXACT) / PER_DOUBLING + FIRST_SHIFT;
    int64_t place = (bucket - EXACT) % PER_DOUBLING + PER_DOUBLING;
    return ((place + 1) << shift) - 1;
}

void verify_latency_add(struct verify_latency *latency, int64_t ms)
{
    latency->buckets[bucket_of(ms < 0 ? 0 : (uint64_t)ms)]++;
    latency->count++;
}

int64_t verify_latency_at(const struct verify_latency *latency, double share)
{
    double wanted = share * (double)latency->count;
    uint64_t sum = 0;
    for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
        sum += latency->buckets[i];
        if (sum && (double)sum >= wanted)
            return upper_end(i);
    }
    return 0;
}
