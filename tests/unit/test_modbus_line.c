#include "modbus_bench.h"

static void test_line_reads_all_tags_in_as_few_requests_as_planned(void **state)
{
    struct bench *bench = *state;
    int64_t before_ns = clock_mono_ns();

    bench->slave.stamp = 0x4040;
    assert_int_equal(poll_unit(bench, 1), 0);
    assert_int_equal(bench->answer.count, TAGS);
    assert_int_equal(bench->answer.requests, 2);
    assert_int_equal(bench->answer.timeouts + bench->answer.discarded, 0);
    assert_far_good(bench, 0x4040);
    assert_near_good(bench, 0x4040);
    assert_int_equal(sample_of(bench, 3)->value.length, 8);
    assert_memory_equal(sample_of(bench, 3)->value.text, "@E@F@G@H", 8);
    assert_true(bench->answer.arrived_ns > before_ns);
    assert_true(bench->answer.arrived_ns <= clock_mono_ns());
}

static void test_line_asks_only_for_what_is_due(void **state)
{
    struct bench *bench = *state;
    const int64_t every_ms = 2000, never_ms = 3000;

    assert_int_equal(poll_unit_due(bench, 1, &every_ms), 0);
    assert_int_equal(bench->answer.count, 1);
    assert_far_good(bench, 100);
    assert_int_equal(poll_unit_due(bench, 1, &never_ms), 0);
    assert_int_equal(bench->answer.count, 0);
    assert_int_equal(bench->slave.requests, 1);
}

/* Of tag 3, in the span of tags 1 to 3. */
static int ask_again(struct bench *bench, char *text, struct sample *ret_sample)
{
    *ret_sample = (struct sample){.quality = QUALITY_LINK};
    return bench->driver->again(bench->line, &bench->machines[0], bench->plan, 3, text,
                                &bench->answer, ret_sample);
}

static void test_line_asks_again_for_one_tag(void **state)
{
    struct bench *bench = *state;
    char text[DECODE_TEXT_BYTES];
    struct sample sample;

    assert_int_equal(poll_unit(bench, 1), 0);
    bench->slave.stamp = 0x4040;
    assert_int_equal(ask_again(bench, text, &sample), 0);
    assert_int_equal(sample.tag, 3);
    assert_int_equal(sample.quality, QUALITY_GOOD);
    assert_int_equal(sample.value.length, 8);
    assert_memory_equal(sample.value.text, "@E@F@G@H", 8);
    assert_near_good(bench, 100);
    assert_int_equal(bench->answer.requests, 3);
    bench->slave.code = 4;
    SLAVE_WILL(&bench->slave, REFUSE);
    assert_int_equal(ask_again(bench, text, &sample), 4);
    assert_int_equal(bench->answer.count, TAGS);
}

static void test_line_gives_the_exception_and_goes_on(void **state)
{
    static const unsigned codes[] = {1, 3, 6, 11, 12, 0xe0, 255};
    struct bench *bench = *state;

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        SLAVE_WILL(&bench->slave, REFUSE);
        bench->slave.code = codes[i];
        assert_int_equal(poll_unit(bench, 1), 0);
        assert_near_quality(bench, QUALITY_EXCEPTION);
        assert_int_equal(sample_of(bench, 3)->exception, codes[i]);
        assert_far_good(bench, 100);
    }
    SLAVE_WILL(&bench->slave, REFUSE, REFUSE);
    assert_int_equal(poll_unit(bench, 1), 0);
    assert_int_equal(bench->answer.arrived_ns, 0);
}

static void test_line_asks_in_parts_where_an_address_is_refused(void **state)
{
    struct bench *bench = *state;

    bench->slave.code = EXCEPTION_ILLEGAL_ADDRESS;
    SLAVE_WILL(&bench->slave, REFUSE);
    assert_int_equal(poll_unit(bench, 1), 0);
    assert_near_quality(bench, QUALITY_GOOD);
    assert_far_good(bench, 100);
    uint32_t requests = bench->answer.requests;
    assert_int_equal(poll_unit(bench, 1), 0);
    assert_near_quality(bench, QUALITY_GOOD);
    assert_int_equal(bench->answer.requests, requests - 1);
}

static void test_line_goes_on_telling_what_it_asks_for_no_more(void **state)
{
    struct bench *bench = *state;

    bench->slave.code = EXCEPTION_ILLEGAL_ADDRESS;
    SLAVE_WILL(&bench->slave, REFUSE, REFUSE, REFUSE);
    assert_int_equal(poll_unit(bench, 1), 0);
    for (int i = 0; i < 2; i++) {
        SLAVE_WILL(&bench->slave, REFUSE);
        assert_int_equal(poll_unit(bench, 1), 0);
    }
    uint32_t asked = bench->answer.requests;
    assert_int_equal(poll_unit(bench, 1), 0);
    assert_int_equal(bench->answer.requests, asked - 1);
    assert_quality(bench, 1, QUALITY_EXCEPTION);
    assert_int_equal(sample_of(bench, 1)->exception, EXCEPTION_ILLEGAL_ADDRESS);
    SLAVE_WILL(&bench->slave, IGNORE);
    assert_int_equal(poll_unit(bench, 1), -ETIMEDOUT);
    assert_quality(bench, 1, QUALITY_EXCEPTION);
    assert_quality(bench, 2, QUALITY_TIMEOUT);
    assert_int_equal(bench->answer.count, TAGS);
}

static void test_line_asks_no_further_after_a_time_out(void **state)
{
    struct bench *bench = *state;

    SLAVE_WILL(&bench->slave, IGNORE);
    assert_int_equal(poll_unit(bench, 1), -ETIMEDOUT);
    assert_near_quality(bench, QUALITY_TIMEOUT);
    assert_quality(bench, 0, QUALITY_TIMEOUT);
    assert_int_equal(bench->answer.requests, 1);
    assert_int_equal(bench->answer.timeouts, 1);
    assert_int_equal(bench->answer.arrived_ns, 0);
    assert_took_at_most_ms(bench, 2 * TIMEOUT_MS);

    SLAVE_WILL(&bench->slave, ANSWER, IGNORE);
    assert_int_equal(poll_unit(bench, 1), 0);
    assert_near_good(bench, 100);
    assert_quality(bench, 0, QUALITY_TIMEOUT);
}

/* Late by up to the quiet that follows a time-out, less what a busy host may add. */
static void test_line_never_takes_a_late_answer_for_the_next(void **state)
{
    static const unsigned late_ms[] = {305, 340, 380, 420, 450};
    struct bench *bench = *state;

    bench->link.timeout_ms = 300;
    reopen(bench);
    for (size_t i = 0; i < sizeof late_ms / sizeof late_ms[0]; i++) {
        unsigned fresh = bench->slave.stamp + 1000;
        SLAVE_WILL(&bench->slave, LATE);
        bench->slave.late_ms = late_ms[i];
        assert_int_equal(poll_unit(bench, 1), -ETIMEDOUT);
        bench->slave.stamp = fresh;
        assert_int_equal(poll_unit(bench, i % 2 == 0 ? 1 : 2), 0);
        assert_near_good(bench, fresh);
        assert_far_good(bench, fresh);
        assert_int_equal(bench->answer.discarded, 1);
    }
}

static void test_line_marks_a_wrong_answer_and_goes_on(void **state)
{
    static const enum act acts[] = {GARBAGE,        BAD_CRC,     WRONG_UNIT,
                                    WRONG_FUNCTION, WRONG_COUNT, TWICE};
    struct bench *bench = *state;

    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++) {
        SLAVE_WILL(&bench->slave, acts[i]);
        assert_int_equal(poll_unit(bench, 1), 0);
        assert_near_quality(bench, QUALITY_FRAME);
        assert_far_good(bench, 100);
        assert_true(bench->answer.discarded >= 1);
        assert_int_equal(bench->answer.timeouts, 0);
    }
    SLAVE_WILL(&bench->slave, GARBAGE, BAD_CRC);
    assert_int_equal(poll_unit(bench, 1), -ETIMEDOUT);
    assert_near_quality(bench, QUALITY_FRAME);
    assert_quality(bench, 0, QUALITY_FRAME);
}

static void test_line_waits_for_the_rest_of_a_frame_until_the_deadline(void **state)
{
    struct bench *bench = *state;

    SLAVE_WILL(&bench->slave, TRUNCATE);
    assert_int_equal(poll_unit(bench, 1), -ETIMEDOUT);
    assert_near_quality(bench, QUALITY_TIMEOUT);
    assert_int_equal(poll_unit(bench, 1), 0);
    assert_near_good(bench, 100);
}

static void test_line_shrugs_off_a_byte_of_noise(void **state)
{
    struct bench *bench = *state;

    SLAVE_WILL(&bench->slave, WITH_NOISE, WITH_NOISE);
    assert_int_equal(poll_unit(bench, 1), 0);
    assert_near_good(bench, 100);
    assert_far_good(bench, 100);
    assert_int_equal(poll_unit(bench, 1), 0);
    assert_near_good(bench, 100);
}

static void test_line_holds_the_deadline_against_dribble(void **state)
{
    struct bench *bench = *state;

    SLAVE_WILL(&bench->slave, DRIBBLE); /* from 23 bytes: 1.1 s, none of them late by itself */
    assert_int_equal(poll_unit(bench, 1), -ETIMEDOUT);
    assert_near_quality(bench, QUALITY_TIMEOUT);
    assert_took_at_most_ms(bench, 2 * TIMEOUT_MS);
    assert_int_equal(poll_unit(bench, 1), -ETIMEDOUT);
    assert_took_at_most_ms(bench, 3 * TIMEOUT_MS);
}

static void test_rtu_asks_nothing_while_the_line_babbles(void **state)
{
    struct bench *bench = *state;

    bench->slave.babbles = true;
    assert_int_equal(poll_unit(bench, 1), -ETIMEDOUT);
    assert_near_quality(bench, QUALITY_TIMEOUT);
    assert_took_at_most_ms(bench, 2 * TIMEOUT_MS);
    assert_int_equal(bench->slave.requests, 0);
    bench->slave.babbles = false;
    assert_int_equal(poll_unit(bench, 1), 0);
    assert_near_good(bench, 100);
}

static void test_line_says_when_the_line_is_gone(void **state)
{
    static const enum act acts[] = {HANG_UP, HANG_UP_IN_FRAME};
    struct bench *bench = *state;

    for (size_t i = 0; i < 2; i++) {
        SLAVE_WILL(&bench->slave, ANSWER, acts[i]);
        int result = poll_unit(bench, 1);
        assert_true(result < 0 && result != -ETIMEDOUT);
        assert_near_good(bench, 100);
        assert_quality(bench, 0, QUALITY_LINK);
        assert_took_at_most_ms(bench, TIMEOUT_MS);
        result = poll_unit(bench, 1);
        assert_true(result < 0 && result != -ETIMEDOUT);
        assert_near_quality(bench, QUALITY_LINK);

        bench->driver->close(bench->line);
        bench->line = NULL;
        if (bench->slave.serial)
            return;
        assert_int_equal(bench->driver->open(&bench->link, &bench->line), 0);
    }
}

static void test_line_lets_no_silent_unit_cost_the_others_their_answer(void **state)
{
    struct bench *bench = *state;

    bench->slave.silent_unit = 2;
    for (int round = 0; round < 3; round++) {
        assert_int_equal(poll_unit(bench, 1), 0);
        assert_near_good(bench, 100);
        assert_int_equal(poll_unit(bench, 2), -ETIMEDOUT);
        assert_int_equal(bench->slave.last_unit, 2);
        assert_int_equal(poll_unit(bench, 3), 0);
        assert_near_good(bench, 100);
        assert_far_good(bench, 100);
    }
}

static void test_line_pauses_between_requests(void **state)
{
    struct bench *bench = *state;

    bench->link.pause_ms = 30;
    reopen(bench);
    assert_int_equal(poll_unit(bench, 1), 0);
    bench->slave.least_pause_ns = INT64_MAX;
    assert_int_equal(poll_unit(bench, 1), 0);
    assert_int_equal(poll_unit(bench, 2), 0);
    assert_true(bench->slave.least_pause_ns >= 29 * NS_PER_MS);
}

static int transact(struct bench *bench, const uint8_t *pdu, size_t length, uint8_t *ret_pdu)
{
    bench->answer = (struct line_answer){0};
    return bench->driver->transact(bench->line, 1, pdu, length, ret_pdu, &bench->answer);
}

static void test_line_transacts_what_a_caller_asks(void **state)
{
    static const uint8_t read[] = {3, 0, 7, 0, 2}, write[] = {6, 0, 7, 1, 2},
                         echo[] = {8, 0, 0, 5, 6};
    struct bench *bench = *state;
    uint8_t pdu[MODBUS_MAX_PDU];

    assert_int_equal(transact(bench, read, sizeof read, pdu), 6);
    assert_memory_equal(pdu, ((uint8_t[]){3, 4, 0, 107, 0, 108}), 6);
    assert_int_equal(transact(bench, write, sizeof write, pdu), 5);
    assert_memory_equal(pdu, write, 5);
    assert_int_equal(transact(bench, echo, sizeof echo, pdu), 5);
    assert_memory_equal(pdu, echo, 5);
    SLAVE_WILL(&bench->slave, REFUSE, REFUSE);
    assert_int_equal(transact(bench, read, sizeof read, pdu), 2);
    assert_memory_equal(pdu, ((uint8_t[]){0x83, 2}), 2);
    assert_int_equal(transact(bench, echo, sizeof echo, pdu), 2);
    assert_memory_equal(pdu, ((uint8_t[]){0x88, 2}), 2);
    assert_int_equal(bench->answer.requests, 1);
    assert_int_equal(bench->answer.discarded, 0);
}

static void test_line_transacts_nothing_that_is_no_answer(void **state)
{
    static const uint8_t pdus[][5] = {{3, 0, 7, 0, 2}, {6, 0, 7, 1, 2}, {8, 0, 0, 5, 6}};
    struct bench *bench = *state;

    for (size_t i = 0; i < 3; i++) {
        uint8_t pdu[MODBUS_MAX_PDU] = {99};
        SLAVE_WILL(&bench->slave, BAD_CRC, WRONG_UNIT, IGNORE);
        assert_int_equal(transact(bench, pdus[i], 5, pdu), -EBADMSG);
        assert_true(bench->answer.discarded >= 1);
        assert_int_equal(transact(bench, pdus[i], 5, pdu), -EBADMSG);
        assert_int_equal(transact(bench, pdus[i], 5, pdu), -ETIMEDOUT);
        assert_int_equal(bench->answer.timeouts, 1);
        assert_int_equal(pdu[0], 99);
    }
    assert_int_equal(poll_unit(bench, 1), 0);
    assert_near_good(bench, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALL(test_line_reads_all_tags_in_as_few_requests_as_planned),
        ALL(test_line_asks_only_for_what_is_due),
        ALL(test_line_asks_again_for_one_tag),
        ALL(test_line_gives_the_exception_and_goes_on),
        ALL(test_line_asks_in_parts_where_an_address_is_refused),
        ALL(test_line_goes_on_telling_what_it_asks_for_no_more),
        ALL(test_line_asks_no_further_after_a_time_out),
        ALL(test_line_never_takes_a_late_answer_for_the_next),
        ALL(test_line_marks_a_wrong_answer_and_goes_on),
        ALL(test_line_waits_for_the_rest_of_a_frame_until_the_deadline),
        ALL(test_line_shrugs_off_a_byte_of_noise),
        ALL(test_line_holds_the_deadline_against_dribble),
        RTU(test_rtu_asks_nothing_while_the_line_babbles),
        ALL(test_line_says_when_the_line_is_gone),
        ALL(test_line_lets_no_silent_unit_cost_the_others_their_answer),
        ALL(test_line_pauses_between_requests),
        ALL(test_line_transacts_what_a_caller_asks),
        ALL(test_line_transacts_nothing_that_is_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
