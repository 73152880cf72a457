/* What an operator should see to, or know of: a small table beside the snapshot, shown by status
 * and metrics. Whoever knows raises an alarm and clears it, as often as it finds it so; only the
 * change is logged.
 *
 * Any thread; no lock of the snapshot's is taken. Where `live` is NULL, as in tools, nothing
 * happens. `name` is the uplink's or link's, NULL where the subject is the store or the gateway
 * itself. */
#ifndef BINDERY_LIVE_ALARM_H
#define BINDERY_LIVE_ALARM_H

#include <stdint.h>

#include "text.h"

struct live;

enum live_subject { SUBJECT_UPLINK, SUBJECT_LINK, SUBJECT_STORE, SUBJECT_GATEWAY };

enum live_alarm {
    /* an uplink's */
    ALARM_NO_ACKNOWLEDGEMENT,
    ALARM_DUPLICATE_CLIENT,
    ALARM_LOGIN_REFUSED,
    ALARM_CERTIFICATE_REFUSED,
    ALARM_NOT_AUTHORISED,
    ALARM_QUOTA_EXCEEDED,
    ALARM_PUBLISH_REFUSED,
    ALARM_MESSAGE_REFUSED,
    /* a link's */
    ALARM_DEVICE_GONE,
    /* the store's */
    ALARM_DISK_FULL,
    ALARM_DISK_READ_ONLY,
    ALARM_DISK_ERROR,
    ALARM_STORE_FULL,
    ALARM_STORE_DAMAGED,
    ALARM_STORE_REPLACED,
    /* the gateway's */
    ALARM_MEMORY_FULL,
    ALARM_CLOCK_UNSYNCHRONISED,
    ALARM_CLOCK_STEPPED,
    ALARM_LOOP_HANGS,
    ALARM_COUNT
};

/* The sentence says what is wrong and takes the place of the one before. */
void live_alarm_raise(struct live *live, enum live_alarm alarm, const char *name,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Costs next to nothing while no alarm of this kind is raised. */
void live_alarm_clear(struct live *live, enum live_alarm alarm, const char *name);

/* Drops all alarms of an uplink or link that is no more, without a word. */
void live_alarm_forget(struct live *live, enum live_subject subject, const char *name);

/* Some tell of what happened rather than of how things stand, as readings that were lost: these
 * end by themselves, an hour after it last did. To be called now and then. */
void live_alarm_expire(struct live *live, int64_t now_ns);

/* "duplicate_client" and the likes. */
const char *live_alarm_name(enum live_alarm alarm);

#endif
