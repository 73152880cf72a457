#include "live_alarm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "live_internal.h"
#include "log.h"
#include "memory.h"

static const struct {
    const char *name;
    enum live_subject subject;
    bool passes; /* it tells of what happened, and ends by itself */
} kinds[ALARM_COUNT] = {
    [ALARM_NO_ACKNOWLEDGEMENT] = {"no_acknowledgement", SUBJECT_UPLINK, false},
    [ALARM_DUPLICATE_CLIENT] = {"duplicate_client", SUBJECT_UPLINK, false},
    [ALARM_LOGIN_REFUSED] = {"login_refused", SUBJECT_UPLINK, false},
    [ALARM_CERTIFICATE_REFUSED] = {"certificate_refused", SUBJECT_UPLINK, false},
    [ALARM_NOT_AUTHORISED] = {"not_authorised", SUBJECT_UPLINK, false},
    [ALARM_QUOTA_EXCEEDED] = {"quota_exceeded", SUBJECT_UPLINK, false},
    [ALARM_PUBLISH_REFUSED] = {"publish_refused", SUBJECT_UPLINK, false},
    [ALARM_MESSAGE_REFUSED] = {"message_refused", SUBJECT_UPLINK, true},
    [ALARM_DEVICE_GONE] = {"device_gone", SUBJECT_LINK, false},
    [ALARM_DISK_FULL] = {"disk_full", SUBJECT_STORE, false},
    [ALARM_DISK_READ_ONLY] = {"disk_read_only", SUBJECT_STORE, false},
    [ALARM_DISK_ERROR] = {"disk_error", SUBJECT_STORE, false},
    [ALARM_STORE_FULL] = {"store_full", SUBJECT_STORE, true},
    [ALARM_STORE_DAMAGED] = {"store_damaged", SUBJECT_STORE, true},
    [ALARM_STORE_REPLACED] = {"store_replaced", SUBJECT_STORE, true},
    [ALARM_MEMORY_FULL] = {"memory_full", SUBJECT_GATEWAY, true},
    [ALARM_CLOCK_UNSYNCHRONISED] = {"clock_unsynchronised", SUBJECT_GATEWAY, false},
    [ALARM_CLOCK_STEPPED] = {"clock_stepped", SUBJECT_GATEWAY, true},
    [ALARM_LOOP_HANGS] = {"loop_hangs", SUBJECT_GATEWAY, false},
};

static const char *const subject_words[] = {
    [SUBJECT_UPLINK] = "uplink",
    [SUBJECT_LINK] = "link",
    [SUBJECT_STORE] = "store",
    [SUBJECT_GATEWAY] = "gateway",
};

static const int64_t passes_after_ns = 3600 * NS_PER_S;

const char *live_alarm_name(enum live_alarm alarm)
{
    return kinds[alarm].name;
}

void alarm_add_subject(const struct raised_alarm *raised, struct text *out)
{
    text_addf(out, "%s%s%s", subject_words[kinds[raised->alarm].subject],
              raised->name[0] == '\0' ? "" : " ", raised->name);
}

static void log_change(const struct raised_alarm *raised, bool over)
{
    struct text subject = {0};
    alarm_add_subject(raised, &subject);
    if (over)
        log_info("%s: alarm %s is over", subject.data, live_alarm_name(raised->alarm));
    else
        log_warn("%s: alarm %s: %s", subject.data, live_alarm_name(raised->alarm), raised->text);
    text_free(&subject);
}

static const char *key_of(const char *name)
{
    return name == NULL ? "" : name;
}

/* --- the table, under its lock --- */

static struct raised_alarm *find(struct alarm_table *table, enum live_alarm alarm, const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (table->items[i].alarm == alarm && strcmp(table->items[i].name, name) == 0)
            return &table->items[i];
    return NULL;
}

static struct raised_alarm *add(struct alarm_table *table, enum live_alarm alarm, const char *name)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity == 0 ? 8 : table->capacity * 2;
        table->items = mem_resize(table->items, table->capacity * sizeof(*table->items));
    }
    struct raised_alarm *raised = &table->items[table->count++];
    *raised = (struct raised_alarm){.alarm = alarm};
    snprintf(raised->name, sizeof(raised->name), "%s", name);
    clock_now(&raised->since);
    atomic_fetch_add_explicit(&table->raised[alarm], 1, memory_order_relaxed);
    return raised;
}

static struct raised_alarm take_out(struct alarm_table *table, struct raised_alarm *raised)
{
    struct raised_alarm gone = *raised;
    size_t index = (size_t)(raised - table->items);
    table->count--;
    memmove(raised, raised + 1, (table->count - index) * sizeof(*raised));
    atomic_fetch_sub_explicit(&table->raised[gone.alarm], 1, memory_order_relaxed);
    return gone;
}

/* --- raising and clearing --- */

void live_alarm_raise(struct live *live, enum live_alarm alarm, const char *name,
                      const char *format, ...)
{
    if (live == NULL)
        return;
    struct alarm_table *table = &live->alarms;
    const char *key = key_of(name);
    va_list args;
    pthread_mutex_lock(&table->lock);
    struct raised_alarm *raised = find(table, alarm, key);
    bool is_new = raised == NULL;
    if (is_new)
        raised = add(table, alarm, key);
    raised->last_ns = clock_mono_ns();
    va_start(args, format);
    vsnprintf(raised->text, sizeof(raised->text), format, args);
    va_end(args);
    struct raised_alarm copy = *raised;
    pthread_mutex_unlock(&table->lock);
    if (is_new)
        log_change(&copy, false);
}

void live_alarm_clear(struct live *live, enum live_alarm alarm, const char *name)
{
    if (live == NULL ||
        atomic_load_explicit(&live->alarms.raised[alarm], memory_order_relaxed) == 0)
        return;
    struct alarm_table *table = &live->alarms;
    struct raised_alarm gone;
    pthread_mutex_lock(&table->lock);
    struct raised_alarm *raised = find(table, alarm, key_of(name));
    bool was_raised = raised != NULL;
    if (was_raised)
        gone = take_out(table, raised);
    pthread_mutex_unlock(&table->lock);
    if (was_raised)
        log_change(&gone, true);
}

void live_alarm_forget(struct live *live, enum live_subject subject, const char *name)
{
    if (live == NULL)
        return;
    struct alarm_table *table = &live->alarms;
    pthread_mutex_lock(&table->lock);
    for (size_t i = table->count; i-- > 0;)
        if (kinds[table->items[i].alarm].subject == subject &&
            strcmp(table->items[i].name, name) == 0)
            take_out(table, &table->items[i]);
    pthread_mutex_unlock(&table->lock);
}

void live_alarm_expire(struct live *live, int64_t now_ns)
{
    struct alarm_table *table = &live->alarms;
    pthread_mutex_lock(&table->lock);
    for (size_t i = table->count; i-- > 0;) {
        struct raised_alarm *raised = &table->items[i];
        if (!kinds[raised->alarm].passes || now_ns - raised->last_ns < passes_after_ns)
            continue;
        struct raised_alarm gone = take_out(table, raised);
        log_change(&gone, true);
    }
    pthread_mutex_unlock(&table->lock);
}

/* --- the store's --- */

static enum live_alarm disk_alarm(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
        return ALARM_DISK_FULL;
    case EROFS:
        return ALARM_DISK_READ_ONLY;
    default:
        return ALARM_DISK_ERROR;
    }
}

static void watch_disk(struct live *live, const struct live_store *now)
{
    static const enum live_alarm disk[] = {ALARM_DISK_FULL, ALARM_DISK_READ_ONLY, ALARM_DISK_ERROR};
    for (size_t i = 0; i < sizeof(disk) / sizeof(disk[0]); i++)
        if (now->error == 0 || disk_alarm(now->error) != disk[i])
            live_alarm_clear(live, disk[i], NULL);
    if (now->error != 0)
        live_alarm_raise(live, disk_alarm(now->error), NULL,
                         "%s: readings are kept in memory, and lost once its share is used up",
                         strerrordesc_np(now->error));
}

void alarm_watch_store(struct live *live, const struct live_store *before,
                       const struct live_store *now)
{
    watch_disk(live, now);
    if (now->dropped[GAP_STORE_FULL] > before->dropped[GAP_STORE_FULL])
        live_alarm_raise(live, ALARM_STORE_FULL, NULL,
                         "%llu readings that no uplink had taken yet had to go since the start",
                         (unsigned long long)now->dropped[GAP_STORE_FULL]);
    bool other = before->id[0] != '\0' && strcmp(before->id, now->id) != 0;
    if (other || (now->replaced && !before->replaced))
        live_alarm_raise(live, ALARM_STORE_REPLACED, NULL,
                         "the one before was damaged or taken away; store %s took its place",
                         now->id);
}
