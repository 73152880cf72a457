/* What live.c and live_alarm.c keep, and live_json.c and live_metrics.c show. */
#ifndef BINDERY_LIVE_INTERNAL_H
#define BINDERY_LIVE_INTERNAL_H

#include <pthread.h>

#include "live.h"
#include "live_alarm.h"

enum { LATENESS_BUCKETS = 1001 }; /* a millisecond each, the last for all beyond */
enum { DURATION_BUCKETS = 12 };   /* up to live_duration_us[i] each, the last for all beyond */

extern const uint32_t live_duration_us[DURATION_BUCKETS - 1];

struct live_machine {
    const struct machine *config;
    struct live_link *link; /* where its polls are counted; NULL: nowhere */
    struct sample *last;    /* one a value; quality good and no value: never asked yet */
    size_t value_count;     /* those that are told */
    char **texts;           /* one a value, NULL but for texts */
    uint16_t speed;         /* machine_speed_tag */
    bool known;             /* polled at least once */
    bool online;
    enum quality reason;
    uint64_t changed;
    struct instant at;
    uint64_t polls, failed;

    /* what a poll leaves alone, mostly */
    struct instant since;
    enum machine_state state;
    char state_reason[LIVE_REASON_BYTES]; /* empty: none */
    struct instant state_since;           /* wall_ms is 0 where nothing tells its state */
    char shift[LIVE_SHIFT_BYTES];         /* empty: none is on */
    int64_t shift_good, shift_waste;      /* below 0: not counted */
};

struct raised_alarm {
    enum live_alarm alarm;
    char name[LIVE_NAME_BYTES]; /* empty for the store and the gateway */
    struct instant since;
    int64_t last_ns; /* when it was raised last */
    char text[200];
};

struct alarm_table {
    pthread_mutex_t lock;
    struct raised_alarm *items; /* in the order they were raised */
    size_t count, capacity;
    atomic_uint raised[ALARM_COUNT]; /* how many of each: a look that needs no lock */
};

struct live {
    struct alarm_table alarms;
    pthread_mutex_t lock;
    struct live_link **links;
    size_t link_count;
    struct live_machine **machines;
    size_t machine_count;
    atomic_uint_fast64_t changes;
    struct live_uplink *uplinks;
    size_t uplink_count;
    struct live_line *lines;
    size_t line_count;
    struct live_store store;
    int64_t started_ms;
    atomic_uint_fast64_t lateness[LATENESS_BUCKETS];
    atomic_int_fast64_t lateness_max_ns, lateness_sum_ns;
    atomic_uint_fast64_t duration[DURATION_BUCKETS];
    atomic_int_fast64_t duration_sum_ns;
};

/* What a machine refused when it was asked for it last: whether that is this tag, and whether there
 * is any. Under the lock. */
bool live_refused_tag(const struct live_machine *machine, size_t tag);
bool live_refused_any(const struct live_machine *machine);

/* "uplink cloud", "store": appends whose alarm it is. */
void alarm_add_subject(const struct raised_alarm *raised, struct text *out);

/* Raises and clears the store's alarms by what the store says of itself now and said before. */
void alarm_watch_store(struct live *live, const struct live_store *before,
                       const struct live_store *now);

#endif
