#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "modbus_frame.h"

static const struct span holding2 = {.function = 3, .start = 0x2102, .count = 2};

static void test_frame_crc_agrees_with_the_vectors(void **state)
{
    static const struct {
        size_t length;
        uint8_t bytes[16];
    } frames[] = {
        {8, {0x01, 0x03, 0x21, 0x02, 0x00, 0x02, 0x6f, 0xf7}},
        {9, {0x01, 0x03, 0x04, 0x17, 0x70, 0x00, 0x00, 0xfe, 0x5c}},
        {5, {0x01, 0x86, 0x02, 0xc3, 0xa1}},
        {8, {0x11, 0x03, 0x03, 0xeb, 0x00, 0x03, 0x77, 0x2b}},
        {8, {0x02, 0x03, 0x00, 0x20, 0x00, 0x04, 0x45, 0xf0}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        const uint8_t *end = frames[i].bytes + frames[i].length;
        uint16_t crc = modbus_crc(frames[i].bytes, frames[i].length - 2);
        assert_int_equal(crc, end[-2] | end[-1] << 8);
    }
}

static void test_frame_wraps_rtu_as_the_vectors(void **state)
{
    const uint8_t expected[] = {0x01, 0x03, 0x04, 0x17, 0x70, 0x00, 0x00, 0xfe, 0x5c};
    const uint8_t refused[] = {0x01, 0x86, 0x02, 0xc3, 0xa1};
    uint8_t pdu[MODBUS_MAX_PDU], frame[MODBUS_RTU_MAX_FRAME];
    size_t length = modbus_build_answer(&holding2, (uint16_t[]){0x1770, 0}, pdu);

    (void)state;
    assert_int_equal(modbus_rtu_wrap(1, pdu, length, frame), sizeof expected);
    assert_memory_equal(frame, expected, sizeof expected);
    length = modbus_build_exception(6, 2, pdu);
    assert_int_equal(modbus_rtu_wrap(1, pdu, length, frame), sizeof refused);
    assert_memory_equal(frame, refused, sizeof refused);
}

static void test_frame_asks_over_tcp(void **state)
{
    const uint8_t expected[] = {0xab, 0xcd, 0, 0, 0, 6, 0x11, 3, 0x21, 0x02, 0, 2};
    uint8_t bytes[MODBUS_TCP_REQUEST];
    struct modbus_frame frame;

    (void)state;
    assert_int_equal(modbus_tcp_request(0xabcd, 0x11, &holding2, bytes), sizeof expected);
    assert_memory_equal(bytes, expected, sizeof expected);
    assert_int_equal(modbus_tcp_parse(bytes, sizeof bytes, &frame), sizeof expected);
    assert_int_equal(frame.transaction, 0xabcd);
    assert_int_equal(frame.unit, 0x11);
    assert_int_equal(frame.pdu_length, 5);
    assert_ptr_equal(frame.pdu, bytes + MODBUS_TCP_HEADER);
}

static void test_frame_waits_for_the_whole_of_it(void **state)
{
    const uint8_t bytes[] = {0, 1, 0, 0, 0, 7, 1, 3, 4, 0x17, 0x70, 0, 0, 0xee};
    struct modbus_frame frame = {.unit = 99};

    (void)state;
    for (size_t length = 0; length < 13; length++) {
        assert_int_equal(modbus_tcp_parse(bytes, length, &frame), 0);
        assert_int_equal(frame.unit, 99);
    }
    assert_int_equal(modbus_tcp_parse(bytes, 13, &frame), 13);
    assert_int_equal(modbus_tcp_parse(bytes, 14, &frame), 13);
}

static void test_frame_refuses_a_header_that_cannot_be(void **state)
{
    struct modbus_frame frame;

    (void)state;
    assert_int_equal(modbus_tcp_parse((uint8_t[]){0, 1, 0, 1}, 4, &frame), -EBADMSG);
    assert_int_equal(modbus_tcp_parse((uint8_t[]){0, 1, 1, 0, 0, 6}, 6, &frame), -EBADMSG);
    assert_int_equal(modbus_tcp_parse((uint8_t[]){0, 1, 0, 0, 0, 0}, 6, &frame), -EBADMSG);
    assert_int_equal(modbus_tcp_parse((uint8_t[]){0, 1, 0, 0, 0, 1}, 6, &frame), -EBADMSG);
    assert_int_equal(modbus_tcp_parse((uint8_t[]){0, 1, 0, 0, 0, 255}, 6, &frame), -EBADMSG);
    assert_int_equal(modbus_tcp_parse((uint8_t[]){0, 1, 0, 0, 1, 0}, 6, &frame), -EBADMSG);
    assert_int_equal(modbus_tcp_parse((uint8_t[]){0, 1, 0, 0, 0, 254}, 6, &frame), 0);
}

static void test_answer_unpacks_words(void **state)
{
    uint16_t words[2];

    (void)state;
    assert_int_equal(modbus_answer((uint8_t[]){3, 4, 0x17, 0x70, 0xff, 1}, 6, &holding2, words), 0);
    assert_int_equal(words[0], 0x1770);
    assert_int_equal(words[1], 0xff01);
}

/* Modbus Application Protocol V1.1b3, 6.1: coils 20 to 38. */
static void test_answer_unpacks_bits_lowest_first(void **state)
{
    const struct span span = {.function = 1, .start = 19, .count = 19};
    const char expected[] = "1011001111010110101";
    uint16_t bits[19];

    (void)state;
    assert_int_equal(modbus_answer((uint8_t[]){1, 3, 0xcd, 0x6b, 0x05}, 5, &span, bits), 0);
    for (size_t i = 0; i < span.count; i++)
        assert_int_equal(bits[i], expected[i] - '0');
}

/* As by an RS-485 adapter that hears what it sends; of 17 to 24 bits it has an answer's form. */
static void test_answer_is_not_the_request_itself(void **state)
{
    const struct span span = {.function = 1, .start = 0x0307, .count = 24};
    const uint8_t other[] = {1, 3, 7, 0, 23};
    uint8_t request[MODBUS_READ_PDU];
    uint16_t bits[24];

    (void)state;
    modbus_build_read(&span, request);
    assert_int_equal(modbus_answer(request, sizeof request, &span, bits), -EBADMSG);
    assert_false(modbus_answers(request, sizeof request, request, sizeof request));
    assert_int_equal(modbus_answer(other, sizeof other, &span, bits), 0);
    assert_true(modbus_answers(request, sizeof request, other, sizeof other));
}

static void test_answer_gives_every_exception_code(void **state)
{
    (void)state;
    for (unsigned code = 1; code <= 255; code++) {
        const uint8_t pdu[] = {0x83, (uint8_t)code};
        assert_int_equal(modbus_answer(pdu, 2, &holding2, NULL), code);
    }
}

static void test_answer_refuses_what_answers_no_such_request(void **state)
{
    static const struct {
        size_t length;
        uint8_t pdu[8];
    } cases[] = {
        {0, {0}},
        {1, {3}},
        {2, {3, 4}},
        {6, {4, 4, 0, 1, 0, 2}},       /* another function */
        {4, {3, 2, 0, 1}},             /* fewer words */
        {8, {3, 6, 0, 1, 0, 2, 0, 3}}, /* more */
        {5, {3, 4, 0, 1, 0}},          /* truncated */
        {7, {3, 4, 0, 1, 0, 2, 0}},    /* followed by something */
        {6, {3, 3, 0, 1, 0, 2}},       /* says less than it holds */
        {2, {0x84, 2}},                /* exception to another function */
        {2, {0x83, 0}},
        {1, {0x83}},
        {3, {0x83, 2, 0}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint16_t words[2] = {7, 8};
        int result = modbus_answer(cases[i].pdu, cases[i].length, &holding2, words);
        assert_int_equal(result, -EBADMSG);
        assert_int_equal(words[0], 7);
        assert_int_equal(words[1], 8);
    }
}

static void test_frame_serves_what_it_reads(void **state)
{
    uint16_t words[MODBUS_MAX_BITS], got[MODBUS_MAX_BITS];

    (void)state;
    for (uint8_t function = 1; function <= 4; function++) {
        uint16_t most = function <= 2 ? MODBUS_MAX_BITS : MODBUS_MAX_WORDS;
        for (uint16_t count = 1; count <= most; count++) {
            const struct span span = {.function = function, .start = 7, .count = count};
            uint8_t pdu[MODBUS_MAX_PDU];
            for (uint16_t i = 0; i < count; i++)
                words[i] = function <= 2 ? i % 3 == 0 : (uint16_t)(i * 257);
            size_t length = modbus_build_answer(&span, words, pdu);
            assert_true(length <= MODBUS_MAX_PDU);
            assert_int_equal(modbus_answer(pdu, length, &span, got), 0);
            assert_memory_equal(got, words, count * sizeof words[0]);
        }
    }
}

static int parse_read(uint8_t function, uint16_t start, uint16_t count, struct span *ret_span)
{
    const uint8_t pdu[] = {function, (uint8_t)(start >> 8), (uint8_t)start, (uint8_t)(count >> 8),
                           (uint8_t)count};

    return modbus_parse_read(pdu, sizeof pdu, ret_span);
}

static void test_frame_parses_reads_and_refuses_others(void **state)
{
    struct span span = {.function = 99};

    (void)state;
    assert_int_equal(parse_read(5, 0, 1, &span), 1);
    assert_int_equal(parse_read(0, 0, 1, &span), 1);
    assert_int_equal(parse_read(0x83, 0, 1, &span), 1);
    assert_int_equal(parse_read(3, 0, 0, &span), 3);
    assert_int_equal(parse_read(3, 0, 126, &span), 3);
    assert_int_equal(parse_read(1, 0, 2001, &span), 3);
    assert_int_equal(parse_read(3, 65535, 2, &span), 2);
    assert_int_equal(modbus_parse_read((uint8_t[]){3, 0, 0, 0}, 4, &span), 3);
    assert_int_equal(modbus_parse_read((uint8_t[]){3}, 0, &span), 3);
    assert_int_equal(span.function, 99);
    assert_int_equal(parse_read(3, 65535, 1, &span), 0);
    assert_int_equal(span.function, 3);
    assert_int_equal(span.start, 65535);
    assert_int_equal(span.count, 1);
    assert_int_equal(parse_read(2, 16, 2000, &span), 0);
    assert_int_equal(span.count, 2000);
}

static void test_rtu_request_is_found_by_its_crc(void **state)
{
    const uint8_t bytes[] = {0x55, 0x11, 0x03, 0x03, 0xeb, 0x00, 0x03, 0x77, 0x2b};
    struct modbus_frame frame;

    (void)state;
    for (size_t length = 0; length < 8; length++)
        assert_int_equal(modbus_rtu_parse_request(bytes, length, &frame), 0);
    assert_int_equal(modbus_rtu_parse_request(bytes, 9, &frame), -EBADMSG);
    assert_int_equal(modbus_rtu_parse_request(bytes + 1, 8, &frame), 8);
    assert_int_equal(frame.unit, 0x11);
    assert_int_equal(frame.pdu_length, 5);
    assert_ptr_equal(frame.pdu, bytes + 2);
}

/* In blocks of their exact size, so that a sanitizer sees a byte too far. */
static void test_frame_stays_within_random_bytes(void **state)
{
    uint16_t words[MODBUS_MAX_BITS];
    unsigned seed = 42;

    (void)state;
    for (int round = 0; round < 200000; round++) {
        size_t length = (size_t)rand_r(&seed) % 300;
        uint8_t *bytes = malloc(length + (length == 0));
        struct modbus_frame frame;
        struct span span = {.function = (uint8_t)(1 + rand_r(&seed) % 4)};

        span.count = (uint16_t)(1 + rand_r(&seed) % (span.function <= 2 ? 2000 : 125));
        for (size_t i = 0; i < length; i++)
            bytes[i] = (uint8_t)(rand_r(&seed) % 4 == 0 ? rand_r(&seed) : rand_r(&seed) % 8);
        int taken = modbus_tcp_parse(bytes, length, &frame);
        assert_true(taken == -EBADMSG || (taken >= 0 && (size_t)taken <= length));
        if (taken > 0) {
            assert_true(frame.pdu >= bytes && frame.pdu + frame.pdu_length == bytes + taken);
            modbus_answer(frame.pdu, frame.pdu_length, &span, words);
        }
        modbus_answer(bytes, length, &span, words);
        modbus_parse_read(bytes, length, &span);
        modbus_rtu_parse_request(bytes, length, &frame);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame_crc_agrees_with_the_vectors),
        cmocka_unit_test(test_frame_wraps_rtu_as_the_vectors),
        cmocka_unit_test(test_frame_asks_over_tcp),
        cmocka_unit_test(test_frame_waits_for_the_whole_of_it),
        cmocka_unit_test(test_frame_refuses_a_header_that_cannot_be),
        cmocka_unit_test(test_answer_unpacks_words),
        cmocka_unit_test(test_answer_unpacks_bits_lowest_first),
        cmocka_unit_test(test_answer_is_not_the_request_itself),
        cmocka_unit_test(test_answer_gives_every_exception_code),
        cmocka_unit_test(test_answer_refuses_what_answers_no_such_request),
        cmocka_unit_test(test_frame_serves_what_it_reads),
        cmocka_unit_test(test_frame_parses_reads_and_refuses_others),
        cmocka_unit_test(test_rtu_request_is_found_by_its_crc),
        cmocka_unit_test(test_frame_stays_within_random_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
