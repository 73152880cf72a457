/* The driver of lines of text on a wire that does as it is told, in a time of its own: what is no
 * line, and a line that never falls silent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "clock.h"
#include "decode.h"
#include "line_port.h"

#define MS(n) ((n)*NS_PER_MS)

enum { TIMEOUT_MS = 300, FLOOD_US = 10 };

/* Bytes, and when they are there. */
struct heard {
    int64_t at_ms;
    const char *bytes;
};

static struct wire {
    int64_t now_ns;
    int64_t held_up_ns;          /* how long the thread does not run before it reads */
    const struct heard *next;    /* up to one without bytes */
    const struct heard *answers; /* what comes behind that, counted from when it was asked */
    int64_t began_ns, asked_ns;
    bool floods;
} wire;

static struct line_port *const line_port = (void *)&wire;

static int64_t wire_clock(void)
{
    return wire.now_ns;
}

static int wire_open(const struct link *link, struct line_port **ret_port)
{
    (void)link;
    *ret_port = line_port;
    return 0;
}

static int wire_read(struct line_port *port, int64_t until_ns, uint8_t *ret_bytes, size_t room)
{
    (void)port;
    wire.now_ns += wire.held_up_ns;
    if (wire.floods) {
        memset(ret_bytes, 'x', room);
        wire.now_ns += FLOOD_US * 1000;
        return (int)room;
    }
    if (wire.next->bytes == NULL && wire.answers != NULL && wire.asked_ns > 0) {
        wire.next = wire.answers;
        wire.began_ns = wire.asked_ns;
        wire.answers = NULL;
    }
    int64_t at_ns = wire.began_ns + MS(wire.next->at_ms);
    int64_t latest_ns = until_ns > wire.now_ns ? until_ns : wire.now_ns;
    if (wire.next->bytes == NULL || at_ns > latest_ns) {
        wire.now_ns = latest_ns;
        return 0;
    }
    wire.now_ns = at_ns > wire.now_ns ? at_ns : wire.now_ns;
    size_t length = strlen(wire.next->bytes);
    assert_true(length <= room);
    memcpy(ret_bytes, wire.next++->bytes, length);
    return (int)length;
}

static int wire_write(struct line_port *port, int64_t until_ns, const uint8_t *bytes, size_t length)
{
    (void)port;
    (void)until_ns;
    (void)bytes;
    (void)length;
    wire.asked_ns = wire.now_ns;
    return 0;
}

static void wire_flush(struct line_port *port)
{
    (void)port;
}

static int wire_descriptor(const struct line_port *port)
{
    (void)port;
    return -1;
}

static void wire_close(struct line_port *port)
{
    (void)port;
}

#define clock_mono_ns wire_clock
#define line_port_open wire_open
#define line_port_read wire_read
#define line_port_write wire_write
#define line_port_flush wire_flush
#define line_port_descriptor wire_descriptor
#define line_port_close wire_close
#include "serial_text.c"
#undef clock_mono_ns

static const struct tag_detail detail = {.group = "v"};
static struct tag tag = {.name = "v",
                         .area = AREA_TEXT,
                         .bit = -1,
                         .type = TYPE_DECIMAL,
                         .scale = {.mantissa = 1},
                         .detail = &detail};
static const struct text_pattern pattern = {.match = "(?<v>[0-9]+)"};
static const struct text_config asked = {
    .ask = "W", .patterns = &pattern, .pattern_count = 1, .event = TEXT_NO_TAG};
static const struct text_config listened = {
    .patterns = &pattern, .pattern_count = 1, .event = TEXT_NO_TAG};

/* A machine, and what it said last. */
struct bench {
    struct link link;
    struct machine machine;
    struct line_plan *plan;
    struct line *line;
    struct sample sample;
    struct line_answer answer;
};

static void start(struct bench *bench, const struct text_config *config,
                  struct text_framing framing, const struct heard *heard)
{
    *bench = (struct bench){.link = {.timeout_ms = TIMEOUT_MS, .framing = framing},
                            .machine = {.tags = &tag, .tag_count = 1, .text = config}};
    bench->machine.link = &bench->link;
    bench->answer.samples = &bench->sample;
    wire = (struct wire){.now_ns = MS(1000), .began_ns = MS(1000), .next = heard};
    bench->plan = serial_text_driver.prepare(&bench->machine, NULL);
    assert_int_equal(serial_text_driver.open(&bench->link, &bench->line), 0);
}

static void stop(struct bench *bench)
{
    serial_text_driver.close(bench->line);
    serial_text_driver.discard(bench->plan);
}

/* The value that was told, -1 where none was. */
static int64_t poll(struct bench *bench)
{
    serial_text_driver.poll(bench->line, &bench->machine, bench->plan, NULL, NULL, &bench->answer);
    bool good = bench->answer.count == 1 && bench->sample.quality == QUALITY_GOOD;
    return good ? bench->sample.value.mantissa : -1;
}

/* As of a scale that somebody made speak all the time: "1234", of which "12" is thrown away. */
static void test_the_rest_of_what_nobody_asked_for_is_no_answer(void **state)
{
    const struct heard nothing[] = {{0}},
                       first[] = {{5, "1111\r\n"}, {20, "12"}, {25, "34\r\n"}, {0}},
                       second[] = {{5, "2222\r\n"}, {0}};
    struct bench bench;
    (void)state;

    start(&bench, &asked, (struct text_framing){0}, nothing);
    wire.answers = first;
    assert_int_equal(poll(&bench), 1111);
    wire.now_ns = wire.began_ns + MS(20);
    wire.asked_ns = 0;
    wire.answers = second;
    assert_int_equal(poll(&bench), 2222);
    stop(&bench);
}

static void test_an_end_that_comes_late_costs_no_time(void **state)
{
    const struct heard nothing[] = {{0}}, first[] = {{5, "1111\r"}, {6, "\n"}, {0}},
                       second[] = {{5, "2222\r\n"}, {0}};
    struct bench bench;
    (void)state;

    start(&bench, &asked, (struct text_framing){0}, nothing);
    wire.answers = first;
    assert_int_equal(poll(&bench), 1111);
    wire.now_ns += MS(2);
    int64_t before_ns = wire.now_ns;
    wire.asked_ns = 0;
    wire.answers = second;
    assert_int_equal(poll(&bench), 2222);
    assert_int_equal(wire.now_ns - before_ns, MS(5));
    stop(&bench);
}

/* Half a code passes for one: whoever was held up has seen no silence. */
static void test_whoever_is_held_up_takes_no_half_for_a_line(void **state)
{
    const struct heard amid[] = {{10, "34"}, {20, "56\r\n"}, {500, "7777\r\n"}, {0}};
    struct bench bench;
    (void)state;

    start(&bench, &listened, (struct text_framing){0}, amid);
    wire.held_up_ns = MS(2 * TEXT_SILENCE_MS);
    assert_int_equal(poll(&bench), -1);
    wire.now_ns = wire.began_ns + MS(500);
    assert_int_equal(poll(&bench), 7777);
    stop(&bench);
}

static void test_whoever_is_held_up_splits_no_line(void **state)
{
    const struct heard code[] = {{100, "4006"}, {105, "381"}, {400, "7777"}, {0}};
    struct bench bench;
    (void)state;

    start(&bench, &listened, (struct text_framing){.idle_ms = 20}, code);
    wire.now_ns = wire.began_ns + MS(100);
    wire.held_up_ns = MS(30);
    assert_int_equal(poll(&bench), -1);
    assert_int_equal(bench.sample.quality, QUALITY_FRAME);
    wire.held_up_ns = 0;
    assert_int_equal(poll(&bench), 7777);
    stop(&bench);
}

static void test_what_comes_without_end_holds_nobody_up(void **state)
{
    const struct heard nothing[] = {{0}};
    const struct text_config *configs[] = {&asked, &listened};
    struct bench bench;
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        start(&bench, configs[i], (struct text_framing){0}, nothing);
        wire.floods = true;
        for (int k = 0; k < 4; k++) {
            int64_t before_ns = wire.now_ns;
            assert_int_equal(poll(&bench), -1);
            assert_in_range(wire.now_ns - before_ns, 0, MS(4 * TIMEOUT_MS));
        }
        stop(&bench);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_rest_of_what_nobody_asked_for_is_no_answer),
        cmocka_unit_test(test_an_end_that_comes_late_costs_no_time),
        cmocka_unit_test(test_whoever_is_held_up_takes_no_half_for_a_line),
        cmocka_unit_test(test_whoever_is_held_up_splits_no_line),
        cmocka_unit_test(test_what_comes_without_end_holds_nobody_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
