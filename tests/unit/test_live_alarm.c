#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "live.h"
#include "live_alarm.h"
#include "log.h"

/* What has been logged since capture_begin, and how the standard error was before. */
static struct {
    FILE *file;
    int before;
    char text[4096];
} capture;

static void capture_begin(void)
{
    fflush(stderr);
    capture.file = tmpfile();
    assert_non_null(capture.file);
    capture.before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
    dup2(fileno(capture.file), STDERR_FILENO);
}

static const char *capture_end(void)
{
    dup2(capture.before, STDERR_FILENO);
    close(capture.before);
    lseek(fileno(capture.file), 0, SEEK_SET);
    ssize_t length = read(fileno(capture.file), capture.text, sizeof(capture.text) - 1);
    capture.text[length > 0 ? length : 0] = '\0';
    fclose(capture.file);
    return capture.text;
}

static unsigned count_of(const char *text, const char *part)
{
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part))
        count++;
    return count;
}

/* The status as text; to be freed. */
static char *status_of(struct live *live)
{
    struct text out = {0};
    live_status_json(live, &out);
    return out.data;
}

static void assert_alarms(struct live *live, unsigned count)
{
    char *status = status_of(live);
    assert_int_equal(count_of(status, "\"subject\":"), count);
    free(status);
}

static void test_alarm_is_told_with_subject_since_and_sentence(void **state)
{
    struct live *live = live_new();
    struct instant now;
    (void)state;
    capture_begin();
    live_alarm_raise(live, ALARM_DUPLICATE_CLIENT, "cloud", "another client is \"%s\"", "gw");
    live_alarm_raise(live, ALARM_DISK_FULL, NULL, "no space");
    capture_end();
    char *status = status_of(live);
    assert_non_null(strstr(status, "{\"name\":\"duplicate_client\",\"subject\":\"uplink cloud\","));
    assert_non_null(strstr(status, "\"text\":\"another client is \\\"gw\\\"\"}"));
    assert_non_null(strstr(status, "{\"name\":\"disk_full\",\"subject\":\"store\","));
    clock_now(&now);
    int64_t since_ms = strtoll(strstr(status, "\"since_ms\":") + 11, NULL, 10);
    assert_true(now.wall_ms - since_ms >= 0 && now.wall_ms - since_ms < 10000);
    free(status);
    live_free(live);
}

static void test_alarm_logs_only_its_beginning_and_its_end(void **state)
{
    struct live *live = live_new();
    (void)state;
    capture_begin();
    for (int i = 0; i < 5; i++)
        live_alarm_raise(live, ALARM_QUOTA_EXCEEDED, "cloud", "attempt %d", i);
    for (int i = 0; i < 5; i++)
        live_alarm_clear(live, ALARM_QUOTA_EXCEEDED, "cloud");
    const char *log = capture_end();
    assert_int_equal(count_of(log, "\n"), 2);
    assert_non_null(strstr(log, "warning: uplink cloud: alarm quota_exceeded: attempt 0\n"));
    assert_non_null(strstr(log, "info: uplink cloud: alarm quota_exceeded is over\n"));
    assert_alarms(live, 0);
    live_free(live);
}

static void test_alarm_keeps_its_beginning_and_takes_the_last_sentence(void **state)
{
    struct live *live = live_new();
    (void)state;
    capture_begin();
    live_alarm_raise(live, ALARM_DEVICE_GONE, "line", "first");
    char *before = status_of(live);
    live_alarm_raise(live, ALARM_DEVICE_GONE, "line", "second");
    char *after = status_of(live);
    capture_end();
    assert_int_equal(strtoll(strstr(before, "since_ms") + 10, NULL, 10),
                     strtoll(strstr(after, "since_ms") + 10, NULL, 10));
    assert_non_null(strstr(after, "\"text\":\"second\""));
    assert_alarms(live, 1);
    free(before);
    free(after);
    live_free(live);
}

static void test_alarms_of_one_subject_are_not_another_s(void **state)
{
    struct live *live = live_new();
    (void)state;
    capture_begin();
    live_alarm_raise(live, ALARM_NOT_AUTHORISED, "a", "x");
    live_alarm_raise(live, ALARM_NOT_AUTHORISED, "b", "x");
    live_alarm_raise(live, ALARM_DEVICE_GONE, "a", "x");
    live_alarm_clear(live, ALARM_NOT_AUTHORISED, "c");
    assert_alarms(live, 3);
    live_alarm_clear(live, ALARM_NOT_AUTHORISED, "a");
    assert_alarms(live, 2);
    live_alarm_forget(live, SUBJECT_UPLINK, "a");
    assert_alarms(live, 2);
    live_alarm_forget(live, SUBJECT_LINK, "a");
    live_alarm_forget(live, SUBJECT_UPLINK, "b");
    assert_alarms(live, 0);
    capture_end();
    live_free(live);
}

static void test_alarm_of_an_event_ends_an_hour_after_the_last(void **state)
{
    struct live *live = live_new();
    const int64_t hour_ns = 3600 * NS_PER_S;
    (void)state;
    capture_begin();
    live_alarm_raise(live, ALARM_MESSAGE_REFUSED, "cloud", "x");
    live_alarm_raise(live, ALARM_DISK_FULL, NULL, "x");
    int64_t raised_ns = clock_mono_ns();
    live_alarm_expire(live, raised_ns + hour_ns - NS_PER_S);
    assert_alarms(live, 2);
    live_alarm_expire(live, raised_ns + hour_ns + NS_PER_S);
    char *status = status_of(live);
    assert_null(strstr(status, "message_refused"));
    assert_non_null(strstr(status, "disk_full"));
    assert_non_null(strstr(capture_end(), "alarm message_refused is over"));
    free(status);
    live_free(live);
}

static void test_alarm_is_nothing_where_there_is_no_snapshot(void **state)
{
    (void)state;
    live_alarm_raise(NULL, ALARM_DUPLICATE_CLIENT, "cloud", "x");
    live_alarm_clear(NULL, ALARM_DUPLICATE_CLIENT, "cloud");
    live_alarm_forget(NULL, SUBJECT_UPLINK, "cloud");
}

static void test_link_that_goes_takes_its_alarms_along(void **state)
{
    const struct link config = {.name = "line"};
    struct live *live = live_new();
    (void)state;
    capture_begin();
    struct live_link *link = live_add_link(live, &config);
    live_alarm_raise(live, ALARM_DEVICE_GONE, "line", "x");
    live_remove_link(live, link);
    capture_end();
    assert_alarms(live, 0);
    live_free(live);
}

static void assert_disk_alarm(struct live *live, int error, const char *name)
{
    static const char *const names[] = {"disk_full", "disk_read_only", "disk_error"};
    const struct live_store store = {.error = error};
    live_set_store(live, &store);
    char *status = status_of(live);
    for (size_t i = 0; i < 3; i++) {
        bool expected = name != NULL && strcmp(names[i], name) == 0;
        assert_int_equal(strstr(status, names[i]) != NULL, expected);
    }
    free(status);
}

static void test_store_s_trouble_is_one_alarm_after_the_other(void **state)
{
    struct live *live = live_new();
    (void)state;
    capture_begin();
    assert_disk_alarm(live, 0, NULL);
    assert_disk_alarm(live, ENOSPC, "disk_full");
    assert_disk_alarm(live, EROFS, "disk_read_only");
    assert_disk_alarm(live, EIO, "disk_error");
    assert_disk_alarm(live, 0, NULL);
    capture_end();
    live_free(live);
}

static void test_store_that_drops_or_is_another_is_an_alarm(void **state)
{
    struct live *live = live_new();
    struct live_store store = {.id = "a", .dropped = {[GAP_STORE_FULL] = 0}};
    (void)state;
    capture_begin();
    live_set_store(live, &store);
    assert_alarms(live, 0);
    store.dropped[GAP_STORE_FULL] = 7;
    live_set_store(live, &store);
    snprintf(store.id, sizeof(store.id), "b");
    live_set_store(live, &store);
    capture_end();
    char *status = status_of(live);
    assert_non_null(strstr(status, "\"store_full\""));
    assert_non_null(strstr(status, "\"text\":\"7 readings"));
    assert_non_null(strstr(status, "\"store_replaced\""));
    free(status);
    live_free(live);
}

enum { ROUNDS = 2000 };

static void *raise_and_clear(void *argument)
{
    struct live *live = argument;
    for (int i = 0; i < ROUNDS; i++) {
        live_alarm_raise(live, ALARM_QUOTA_EXCEEDED, "cloud", "round %d", i);
        live_alarm_clear(live, ALARM_QUOTA_EXCEEDED, "cloud");
        live_lateness(live, i);
        live_duration(live, i * NS_PER_MS);
    }
    return NULL;
}

static void test_alarms_are_raised_by_many_threads_at_once(void **state)
{
    struct live *live = live_new();
    pthread_t threads[4];
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    for (size_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, raise_and_clear, live);
    for (int i = 0; i < 100; i++)
        free(status_of(live));
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_alarms(live, 0);
    live_free(live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alarm_is_told_with_subject_since_and_sentence),
        cmocka_unit_test(test_alarm_logs_only_its_beginning_and_its_end),
        cmocka_unit_test(test_alarm_keeps_its_beginning_and_takes_the_last_sentence),
        cmocka_unit_test(test_alarms_of_one_subject_are_not_another_s),
        cmocka_unit_test(test_alarm_of_an_event_ends_an_hour_after_the_last),
        cmocka_unit_test(test_alarm_is_nothing_where_there_is_no_snapshot),
        cmocka_unit_test(test_link_that_goes_takes_its_alarms_along),
        cmocka_unit_test(test_store_s_trouble_is_one_alarm_after_the_other),
        cmocka_unit_test(test_store_that_drops_or_is_another_is_an_alarm),
        cmocka_unit_test(test_alarms_are_raised_by_many_threads_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
