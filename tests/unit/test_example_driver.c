/* The driver that drivers/README.md is about, against a box of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../drivers/example/counter_box.c"

enum { TAGS = 3, TIMEOUT_MS = 200 };

static struct tag tags[TAGS] = {
    {.name = "good", .address = 7, .scale = {1, 0}, .every_ms = 1000},
    {.name = "waste", .address = 8, .scale = {5, 1}, .every_ms = 1000},
    {.name = "hours", .address = 9, .scale = {1, 0}, .every_ms = 60000},
};

struct bench {
    pthread_t box;
    int listener;
    const char *answers[2 * TAGS]; /* in their order; NULL: silence */
    struct link link;
    struct machine machine;
    struct line *line;
    struct sample samples[TAGS];
    struct line_answer answer;
};

static const char hang_up[] = "";

/* Until either side leaves. */
static void *serve(void *argument)
{
    struct bench *bench = argument;
    int client = accept(bench->listener, NULL, NULL);
    size_t next = 0;
    char byte;
    while (read(client, &byte, 1) == 1)
        if (byte == '\r' && bench->answers[next] != NULL) {
            const char *answer = bench->answers[next++];
            if (answer == hang_up)
                break;
            assert_int_equal(write(client, answer, strlen(answer)), strlen(answer));
        }
    close(client);
    return NULL;
}

static void start(struct bench *bench)
{
    assert_int_equal(pthread_create(&bench->box, NULL, serve, bench), 0);
    assert_int_equal(counter_box_driver.open(&bench->link, &bench->line), 0);
}

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    bench->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(bench->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(bench->listener, 1), 0);
    assert_int_equal(getsockname(bench->listener, (struct sockaddr *)&address, &size), 0);
    bench->link = (struct link){.name = "l",
                                .driver = DRIVER_MODBUS_RTU_TCP,
                                .host = "127.0.0.1",
                                .port = ntohs(address.sin_port),
                                .timeout_ms = TIMEOUT_MS};
    bench->machine =
        (struct machine){.name = "m", .link = &bench->link, .tags = tags, .tag_count = TAGS};
    bench->answer.samples = bench->samples;
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    counter_box_driver.close(bench->line);
    pthread_join(bench->box, NULL);
    close(bench->listener);
    free(bench);
    return 0;
}

static bool each_second(const void *context, int64_t every_ms)
{
    (void)context;
    return every_ms == 1000;
}

static int poll_box(struct bench *bench)
{
    return counter_box_driver.poll(bench->line, &bench->machine, NULL, each_second, NULL,
                                   &bench->answer);
}

static void test_totalizers_that_are_due_are_read(void **state)
{
    struct bench *bench = *state;
    bench->answers[0] = "T07=0012345\r";
    bench->answers[1] = "T08=0000003\r";
    start(bench);
    assert_int_equal(poll_box(bench), 0);
    assert_int_equal(bench->answer.count, 2);
    assert_int_equal(bench->samples[0].value.mantissa, 12345);
    assert_int_equal(bench->samples[1].value.mantissa, 15);
    assert_int_equal(bench->samples[1].value.decimals, 1);
    assert_true(bench->answer.arrived_ns > 0);
}

static void test_the_answer_to_another_question_is_no_value(void **state)
{
    struct bench *bench = *state;
    bench->answers[0] = "T08=0012345\r";
    bench->answers[1] = "T08=00x0003\r";
    start(bench);
    assert_int_equal(poll_box(bench), -ETIMEDOUT);
    assert_int_equal(bench->samples[0].quality, QUALITY_FRAME);
    assert_int_equal(bench->samples[1].quality, QUALITY_FRAME);
    assert_int_equal(bench->answer.discarded, 2);
}

static void test_silence_costs_one_time_out(void **state)
{
    struct bench *bench = *state;
    start(bench);
    int64_t began_ns = clock_mono_ns();
    assert_int_equal(poll_box(bench), -ETIMEDOUT);
    assert_true(clock_mono_ns() - began_ns < 2 * TIMEOUT_MS * NS_PER_MS);
    assert_int_equal(bench->answer.requests, 1);
    assert_int_equal(bench->samples[0].quality, QUALITY_TIMEOUT);
    assert_int_equal(bench->samples[1].quality, QUALITY_TIMEOUT);
}

static void test_a_line_that_is_gone_is_told(void **state)
{
    struct bench *bench = *state;
    bench->answers[0] = hang_up;
    start(bench);
    int result = poll_box(bench);
    assert_true(result < 0 && result != -ETIMEDOUT && result != -EBADMSG);
    assert_int_equal(bench->samples[0].quality, QUALITY_LINK);
    assert_int_equal(bench->samples[1].quality, QUALITY_LINK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_totalizers_that_are_due_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_answer_to_another_question_is_no_value, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_silence_costs_one_time_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_line_that_is_gone_is_told, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
