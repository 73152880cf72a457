#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "queue.h"
#include "record.h"

enum {
    PRODUCERS = 4,
    READINGS_EACH = 20000,
    AMPLE_BYTES = 64 * 1024 * 1024,
    OUTAGE_BYTES = 16 * 1024 * 1024,
};

static struct sample sample = {.tag = 3, .value = {.kind = VALUE_DECIMAL, .mantissa = 5}};

static struct reading reading_at(uint32_t source, int64_t wall_ms)
{
    return (struct reading){
        .source = source,
        .count = 1,
        .at = {.wall_ms = wall_ms, .synced = true},
        .samples = &sample,
    };
}

static void put_at(struct queue *queue, int64_t wall_ms)
{
    struct reading reading = reading_at(1, wall_ms);

    queue_put(queue, &reading);
}

static void test_queue_gives_all_at_once_in_order(void **state)
{
    struct queue *queue = queue_new(AMPLE_BYTES);
    struct queue_content content = {0};
    struct record_reader reader = {0};
    struct record record;

    (void)state;
    for (int64_t i = 0; i < 1000; i++)
        put_at(queue, i);
    assert_int_equal(queue_take(queue, &content), 1000);
    assert_int_equal(content.count, 1000);
    assert_int_equal(content.lost.missing, 0);

    record_reader_start(&reader, content.body.data, content.body.length);
    for (int64_t i = 0; i < 1000; i++) {
        assert_int_equal(record_next(&reader, &record), 1);
        assert_int_equal(record.reading.at.wall_ms, i);
    }
    assert_int_equal(record_next(&reader, &record), 0);

    assert_int_equal(queue_take(queue, &content), 0);
    assert_int_equal(content.body.length, 0);
    record_reader_free(&reader);
    text_free(&content.body);
    queue_free(queue);
}

static void test_queue_declares_what_it_had_no_room_for(void **state)
{
    struct queue *queue = queue_new(100);
    struct queue_content content = {0};

    (void)state;
    for (int64_t i = 1000; i < 1100; i++)
        put_at(queue, i);
    put_at(queue, 500);

    uint32_t kept = queue_take(queue, &content);

    assert_in_range(kept, 1, 100);
    assert_true(content.body.length <= 100);
    assert_int_equal(content.lost.why, GAP_MEMORY_FULL);
    assert_int_equal(content.lost.missing, 101 - kept);
    assert_int_equal(content.lost.from_ms, 500);
    assert_int_equal(content.lost.to_ms, 1099);
    assert_int_equal(content.lost.first_seq, 0);

    put_at(queue, 2000);
    assert_int_equal(queue_take(queue, &content), 1);
    assert_int_equal(content.lost.missing, 0);
    text_free(&content.body);
    queue_free(queue);
}

static const struct event stop = {
    .source = 1, .at = {.wall_ms = 700, .synced = true}, .name = "stop"};

static bool put_stop(struct queue *queue)
{
    struct queue_events events = {0};
    const struct reading none = {.at = stop.at};

    queue_add_event(&events, &stop);
    return queue_put_all(queue, &events, &none);
}

static void test_queue_keeps_events_in_their_place_among_readings(void **state)
{
    struct queue *queue = queue_new(AMPLE_BYTES);
    struct queue_content content = {0};
    struct record_reader reader = {0};
    struct record record;

    (void)state;
    put_at(queue, 699);
    assert_true(put_stop(queue));
    put_at(queue, 701);
    assert_int_equal(queue_take(queue, &content), 3);
    record_reader_start(&reader, content.body.data, content.body.length);
    assert_int_equal(record_next(&reader, &record), 1);
    assert_int_equal(record_next(&reader, &record), 1);
    assert_int_equal(record.kind, RECORD_EVENT);
    assert_string_equal(record.event.name, "stop");
    assert_int_equal(record_next(&reader, &record), 1);
    assert_int_equal(record.reading.at.wall_ms, 701);
    record_reader_free(&reader);
    text_free(&content.body);
    queue_free(queue);
}

static void test_queue_takes_events_and_their_reading_together_or_not_at_all(void **state)
{
    struct queue *queue = queue_new(40);
    struct queue_content content = {0};
    struct queue_events events = {0};
    const struct reading reading = {.source = 1, .count = 1, .at = stop.at, .samples = &sample};

    (void)state;
    queue_add_event(&events, &stop);
    assert_true(queue_put_all(queue, &events, &reading));
    assert_null(events.records.data);
    assert_int_equal(events.count, 0);
    queue_add_event(&events, &stop); /* for it alone there is room */
    assert_false(queue_put_all(queue, &events, &reading));
    assert_int_equal(queue_take(queue, &content), 2);
    assert_int_equal(content.lost.missing, 2);
    text_free(&content.body);
    queue_free(queue);
}

static void test_queue_declares_an_event_it_had_no_room_for(void **state)
{
    struct queue *queue = queue_new(20);
    struct queue_content content = {0};

    (void)state;
    put_at(queue, 600);
    assert_false(put_stop(queue)); /* it would pass the limit */
    assert_false(put_stop(queue));
    assert_int_equal(queue_take(queue, &content), 1);
    assert_int_equal(content.lost.why, GAP_MEMORY_FULL);
    assert_int_equal(content.lost.missing, 2);
    assert_true(content.lost.from_ms == 700 && content.lost.to_ms == 700);
    text_free(&content.body);
    queue_free(queue);
}

static void test_queue_freed_with_content_leaves_nothing_behind(void **state)
{
    struct queue *queue = queue_new(AMPLE_BYTES);

    (void)state;
    put_at(queue, 1);
    queue_free(queue);
    queue_free(NULL);
}

static void test_queue_reuses_its_buffers(void **state)
{
    struct queue *queue = queue_new(AMPLE_BYTES);
    struct queue_content content = {0};
    const char *buffers[2];

    (void)state;
    for (int i = 0; i < 100; i++) {
        put_at(queue, i);
        queue_take(queue, &content);
        if (i < 2)
            buffers[i] = content.body.data;
        assert_ptr_equal(content.body.data, buffers[i % 2]);
    }
    text_free(&content.body);
    queue_free(queue);
}

static void test_queue_gives_memory_back_after_an_outage(void **state)
{
    struct queue *queue = queue_new(OUTAGE_BYTES);
    struct queue_content content = {0};

    (void)state;
    for (int outage = 0; outage < 2; outage++) {
        for (int i = 0; i < OUTAGE_BYTES / 10; i++)
            put_at(queue, i);
        queue_take(queue, &content);
        assert_true(content.body.capacity > OUTAGE_BYTES / 2);
    }
    for (int i = 0; i < 100; i++) {
        put_at(queue, i);
        queue_take(queue, &content);
    }
    for (int i = 0; i < 2; i++) {
        put_at(queue, i);
        queue_take(queue, &content);
        assert_true(content.body.capacity <= OUTAGE_BYTES / 16);
    }
    text_free(&content.body);
    queue_free(queue);
}

struct producer {
    pthread_t thread;
    uint32_t source;
    struct queue *queue;
    atomic_uint *running;
};

static void *produce(void *argument)
{
    const struct producer *producer = argument;

    for (int64_t i = 0; i < READINGS_EACH; i++) {
        struct reading reading = reading_at(producer->source, i);

        queue_put(producer->queue, &reading);
    }
    atomic_fetch_sub(producer->running, 1);
    return NULL;
}

/* Checks that each source's readings come in its order, and returns how many records there were. */
static uint32_t check_order(const struct queue_content *content, int64_t *last_ms)
{
    struct record_reader reader = {0};
    struct record record;
    uint32_t count = 0;

    record_reader_start(&reader, content->body.data, content->body.length);
    while (record_next(&reader, &record) > 0) {
        assert_in_range(record.reading.source, 0, PRODUCERS - 1);
        assert_true(record.reading.at.wall_ms > last_ms[record.reading.source]);
        last_ms[record.reading.source] = record.reading.at.wall_ms;
        count++;
    }
    record_reader_free(&reader);
    return count;
}

/* Returns how many readings were lost; each other one was seen. */
static uint64_t run_producers(size_t limit_bytes)
{
    struct queue *queue = queue_new(limit_bytes);
    struct queue_content content = {0};
    struct producer producers[PRODUCERS];
    int64_t last_ms[PRODUCERS];
    atomic_uint running = PRODUCERS;
    uint64_t seen = 0, lost = 0;
    bool ended = false;

    for (uint32_t i = 0; i < PRODUCERS; i++) {
        last_ms[i] = -1;
        producers[i] = (struct producer){.source = i, .queue = queue, .running = &running};
        assert_int_equal(pthread_create(&producers[i].thread, NULL, produce, &producers[i]), 0);
    }
    while (!ended) {
        ended = atomic_load(&running) == 0;
        uint32_t taken = queue_take(queue, &content);

        assert_int_equal(check_order(&content, last_ms), taken);
        seen += taken;
        lost += content.lost.missing;
        sched_yield();
    }
    for (uint32_t i = 0; i < PRODUCERS; i++)
        pthread_join(producers[i].thread, NULL);
    assert_int_equal(seen + lost, PRODUCERS * READINGS_EACH);
    text_free(&content.body);
    queue_free(queue);
    return lost;
}

static void test_queue_loses_nothing_of_several_threads(void **state)
{
    (void)state;
    assert_int_equal(run_producers(AMPLE_BYTES), 0);
}

static void test_queue_counts_every_loss_of_several_threads(void **state)
{
    (void)state;
    /* Not one fits in a byte; of a few hundred, some do. */
    assert_int_equal(run_producers(1), PRODUCERS * READINGS_EACH);
    run_producers(300);
}

static void test_queue_wakes_who_waits_once(void **state)
{
    struct queue *queue = queue_new(AMPLE_BYTES);
    struct queue_content content = {0};
    eventfd_t count;
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    (void)state;
    assert_true(queue_await(queue, fd));
    assert_int_equal(eventfd_read(fd, &count), -1);
    put_at(queue, 1);
    put_at(queue, 2);
    assert_int_equal(eventfd_read(fd, &count), 0);
    assert_int_equal(count, 1);
    assert_false(queue_await(queue, fd)); /* there is something */
    put_at(queue, 3);
    assert_int_equal(eventfd_read(fd, &count), -1);
    assert_int_equal(queue_take(queue, &content), 3);
    assert_true(queue_await(queue, fd));
    put_stop(queue);
    assert_int_equal(eventfd_read(fd, &count), 0);
    text_free(&content.body);
    queue_free(queue);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queue_gives_all_at_once_in_order),
        cmocka_unit_test(test_queue_declares_what_it_had_no_room_for),
        cmocka_unit_test(test_queue_keeps_events_in_their_place_among_readings),
        cmocka_unit_test(test_queue_takes_events_and_their_reading_together_or_not_at_all),
        cmocka_unit_test(test_queue_declares_an_event_it_had_no_room_for),
        cmocka_unit_test(test_queue_freed_with_content_leaves_nothing_behind),
        cmocka_unit_test(test_queue_reuses_its_buffers),
        cmocka_unit_test(test_queue_gives_memory_back_after_an_outage),
        cmocka_unit_test(test_queue_wakes_who_waits_once),
        cmocka_unit_test(test_queue_loses_nothing_of_several_threads),
        cmocka_unit_test(test_queue_counts_every_loss_of_several_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
