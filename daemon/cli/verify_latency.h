/* How late readings come, in buckets that are at most 1/32 of their value wide. Pure. */
#ifndef BINDERY_VERIFY_LATENCY_H
#define BINDERY_VERIFY_LATENCY_H

#include <stdint.h>

enum { LATENCY_BUCKETS = 64 + 32 * 36 };

struct verify_latency {
    uint64_t buckets[LATENCY_BUCKETS];
    uint64_t count;
};

/* Below 0 (clocks differ) counts as 0. */
void verify_latency_add(struct verify_latency *latency, int64_t ms);

/* What `share` of all, 0 to 1, were at or below, ms, a bucket's upper end; 0 where there are
 * none. */
int64_t verify_latency_at(const struct verify_latency *latency, double share);

#endif
