/* What live.c keeps and live_json.c shows. */
#ifndef BINDERY_LIVE_INTERNAL_H
#define BINDERY_LIVE_INTERNAL_H

#include <pthread.h>

#include "live.h"

enum { LATENESS_BUCKETS = 1001 }; /* a millisecond each, the last for all beyond */

struct live_machine {
    const struct machine *config;
    struct sample *last; /* one a tag; quality good and no value: never asked yet */
    char **texts;        /* one a tag, NULL but for strings */
    bool known;          /* polled at least once */
    bool online;
    enum quality reason;
    uint64_t changed;
    struct instant since, at;
    uint64_t polls, failed;
};

struct live {
    pthread_mutex_t lock;
    struct live_link **links;
    size_t link_count;
    struct live_machine **machines;
    size_t machine_count;
    atomic_uint_fast64_t changes;
    struct live_uplink *uplinks;
    size_t uplink_count;
    struct live_store store;
    int64_t started_ms;
    atomic_uint_fast64_t lateness[LATENESS_BUCKETS];
    atomic_int_fast64_t lateness_max_ns;
};

#endif
