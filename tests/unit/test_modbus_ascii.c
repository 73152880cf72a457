#include "modbus_bench.h"

/* What the slave sends next is this, whatever it was asked. */
static void write_to_gateway(struct bench *bench, const char *text)
{
    slave_write(&bench->slave, (const uint8_t *)text, strlen(text));
}

static void test_ascii_wraps_as_the_vectors(void **state)
{
    static const char request[] = ":010310000002EA\r\n", answer[] = ":01030400010002F5\r\n";
    const uint8_t asked[] = {3, 0x10, 0, 0, 2}, answered[] = {3, 4, 0, 1, 0, 2};
    uint8_t frame[MODBUS_ASCII_MAX_FRAME];

    (void)state;
    assert_int_equal(modbus_ascii_wrap(1, asked, sizeof asked, frame), strlen(request));
    assert_memory_equal(frame, request, strlen(request));
    assert_int_equal(modbus_ascii_wrap(1, answered, sizeof answered, frame), strlen(answer));
    assert_memory_equal(frame, answer, strlen(answer));
}

static int parse(const char *text, struct modbus_frame *ret_frame)
{
    static uint8_t room[MODBUS_ASCII_MAX_BYTES];

    return modbus_ascii_parse((const uint8_t *)text, strlen(text), room, ret_frame);
}

static void test_ascii_parses_digits_of_either_case(void **state)
{
    static const char *const frames[] = {":11030400010ABC21\r\n", ":11030400010abC21\r\n"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct modbus_frame frame;
        assert_int_equal(parse(frames[i], &frame), 19);
        assert_int_equal(frame.unit, 0x11);
        assert_int_equal(frame.pdu_length, 6);
        assert_memory_equal(frame.pdu, ((uint8_t[]){3, 4, 0, 1, 0x0a, 0xbc}), 6);
    }
}

static void test_ascii_waits_for_the_whole_of_a_frame(void **state)
{
    static const uint8_t text[] = ":01030400010002F5\r\n:";
    uint8_t room[MODBUS_ASCII_MAX_BYTES];
    struct modbus_frame frame = {.unit = 99};

    (void)state;
    for (size_t length = 0; length < 19; length++)
        assert_int_equal(modbus_ascii_parse(text, length, room, &frame), 0);
    assert_int_equal(frame.unit, 99);
    assert_int_equal(modbus_ascii_parse(text, 20, room, &frame), 19);
    assert_int_equal(frame.unit, 1);
}

static void test_ascii_refuses_what_is_no_frame(void **state)
{
    static const char *const bad[] = {
        "0:",
        ":0103040001000200\r\n", /* LRC */
        ":01030400010002F5\r\r", /* end */
        ":01030400010002F5\n",   /* no CR */
        ":01030400010002F\r\n",  /* odd */
        ":0103040001000:",       /* another begins */
        ":01030400 10002F5\r\n", /* no digit */
        ":0103g",
        ":\r\n",
        ":01FF\r\n", /* no function */
        ":@1",
        ":G1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct modbus_frame frame = {.unit = 99};
        assert_int_equal(parse(bad[i], &frame), -EBADMSG);
        assert_int_equal(frame.unit, 99);
    }
}

/* In blocks of their exact size, so that a sanitizer sees a byte too far. */
static void test_ascii_frames_are_as_long_as_a_pdu_may_be_and_no_longer(void **state)
{
    uint8_t pdu[MODBUS_MAX_PDU], frame[MODBUS_ASCII_MAX_FRAME], room[MODBUS_ASCII_MAX_BYTES];
    struct modbus_frame parsed;

    (void)state;
    for (size_t i = 0; i < sizeof pdu; i++)
        pdu[i] = (uint8_t)(i * 37);
    for (size_t length = 1; length <= MODBUS_MAX_PDU; length++) {
        size_t wrapped = modbus_ascii_wrap(247, pdu, length, frame);
        assert_int_equal(wrapped, 7 + 2 * length);
        assert_int_equal(modbus_ascii_parse(frame, wrapped, room, &parsed), wrapped);
        assert_int_equal(parsed.pdu_length, length);
        assert_memory_equal(parsed.pdu, pdu, length);
    }
    uint8_t *longer = malloc(MODBUS_ASCII_MAX_FRAME);
    longer[0] = ':';
    memset(longer + 1, '0', MODBUS_ASCII_MAX_FRAME - 1);
    assert_int_equal(modbus_ascii_parse(longer, MODBUS_ASCII_MAX_FRAME - 2, room, &parsed), 0);
    assert_int_equal(modbus_ascii_parse(longer, MODBUS_ASCII_MAX_FRAME, room, &parsed), -EBADMSG);
    free(longer);
}

static void test_ascii_finds_the_answer_behind_noise_and_half_frames(void **state)
{
    static const char *const noise[] = {"\xff\x80", ":0103", ":01:", ":010304000100020",
                                        "\r\n",     "::::",  ":\r\n"};
    struct bench *bench = *state;

    for (size_t i = 0; i < sizeof noise / sizeof noise[0]; i++) {
        bench->slave.prefix = noise[i];
        assert_int_equal(poll_unit(bench, 1), 0);
        assert_near_good(bench, 100);
        assert_far_good(bench, 100);
    }
}

static void test_ascii_passes_over_what_another_unit_says(void **state)
{
    struct bench *bench = *state;

    bench->slave.prefix = ":02030400010002F4\r\n";
    assert_int_equal(poll_unit(bench, 1), 0);
    assert_near_good(bench, 100);
    assert_int_equal(bench->answer.discarded, 2);
    assert_int_equal(bench->answer.timeouts, 0);
}

static void test_ascii_needs_no_silence_where_noise_begins_no_frame(void **state)
{
    struct bench *bench = *state;

    assert_int_equal(poll_unit(bench, 1), 0);
    write_to_gateway(bench, "hum and hiss of a long cable");
    assert_int_equal(poll_unit(bench, 1), 0);
    assert_near_good(bench, 100);
    assert_true(bench->took_ms < TIMEOUT_MS);
    write_to_gateway(bench, ":01031200640065");
    assert_int_equal(poll_unit(bench, 1), 0);
    assert_near_good(bench, 100);
    assert_true(bench->took_ms >= TIMEOUT_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ascii_wraps_as_the_vectors),
        cmocka_unit_test(test_ascii_parses_digits_of_either_case),
        cmocka_unit_test(test_ascii_waits_for_the_whole_of_a_frame),
        cmocka_unit_test(test_ascii_refuses_what_is_no_frame),
        cmocka_unit_test(test_ascii_frames_are_as_long_as_a_pdu_may_be_and_no_longer),
        ASCII(test_ascii_finds_the_answer_behind_noise_and_half_frames),
        ASCII(test_ascii_passes_over_what_another_unit_says),
        ASCII(test_ascii_needs_no_silence_where_noise_begins_no_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
