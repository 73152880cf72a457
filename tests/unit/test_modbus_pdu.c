#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "modbus_pdu.h"

/* The examples of Modbus Application Protocol V1.1b3, 6.5, 6.6 and 6.12. */
static void test_pdu_writes_as_the_specification(void **state)
{
    const uint16_t words[] = {0x000a, 0x0102};
    uint8_t pdu[MODBUS_MAX_PDU];

    (void)state;
    assert_int_equal(modbus_build_write(true, 0xac, (uint16_t[]){1}, 1, false, pdu), 5);
    assert_memory_equal(pdu, ((uint8_t[]){0x05, 0x00, 0xac, 0xff, 0x00}), 5);
    assert_int_equal(modbus_build_write(false, 1, (uint16_t[]){3}, 1, false, pdu), 5);
    assert_memory_equal(pdu, ((uint8_t[]){0x06, 0x00, 0x01, 0x00, 0x03}), 5);
    assert_int_equal(modbus_build_write(false, 1, words, 2, false, pdu), 10);
    assert_memory_equal(
        pdu, ((uint8_t[]){0x10, 0x00, 0x01, 0x00, 0x02, 0x04, 0x00, 0x0a, 0x01, 0x02}), 10);
    assert_int_equal(modbus_build_write(true, 0x13, (uint16_t[]){1}, 1, true, pdu), 7);
    assert_memory_equal(pdu, ((uint8_t[]){0x0f, 0x00, 0x13, 0x00, 0x01, 0x01, 0x01}), 7);
    assert_int_equal(modbus_build_write(false, 9, words, 1, true, pdu), 8);
    assert_memory_equal(pdu, ((uint8_t[]){0x10, 0, 9, 0, 1, 2, 0, 0x0a}), 8);
}

static void test_pdu_what_it_builds_is_a_request(void **state)
{
    const struct span span = {.function = 4, .start = 65535, .count = 1};
    uint16_t words[123] = {0};
    uint8_t pdu[MODBUS_MAX_PDU];

    (void)state;
    assert_true(modbus_is_request(pdu, modbus_build_read(&span, pdu)));
    assert_false(modbus_is_write(pdu));
    assert_true(modbus_is_request(pdu, modbus_build_identity(2, pdu)));
    assert_false(modbus_is_write(pdu));
    for (uint16_t count = 1; count <= 123; count++) {
        assert_true(modbus_is_request(
            pdu, modbus_build_write(false, 0, words, count, count % 2 == 0, pdu)));
        assert_true(modbus_is_write(pdu));
    }
    assert_true(modbus_is_request(pdu, modbus_build_write(true, 3, words, 1, false, pdu)));
    assert_true(modbus_is_write(pdu));
}

static void test_pdu_passes_no_other_request_on(void **state)
{
    static const struct {
        size_t length;
        uint8_t pdu[10];
    } refused[] = {
        {0, {0}},
        {1, {3}},
        {6, {3, 0, 0, 0, 1, 0}},                     /* longer than a read is */
        {5, {3, 0, 0, 0, 126}},                      /* too many */
        {5, {3, 0xff, 0xff, 0, 2}},                  /* beyond the last address */
        {5, {5, 0, 0, 0x12, 0x34}},                  /* neither on nor off */
        {8, {16, 0, 0, 0, 2, 2, 0, 1}},              /* two words in two bytes */
        {8, {16, 0, 0, 0, 1, 4, 0, 1}},              /* fewer bytes than it says */
        {6, {16, 0, 0, 0, 0, 0}},                    /* none */
        {9, {15, 0, 0, 0, 8, 2, 0, 0, 0}},           /* a byte too many */
        {10, {16, 0xff, 0xff, 0, 2, 4, 0, 0, 0, 0}}, /* beyond the last address */
        {5, {8, 0, 1, 0, 0}},                        /* restart communications */
        {4, {43, 13, 1, 0}},                         /* not the identity */
        {2, {90, 0}},                                /* a maker's own */
    };

    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_false(modbus_is_request(refused[i].pdu, refused[i].length));
}

static void test_pdu_tells_an_answer_from_another(void **state)
{
    const uint8_t read[] = {3, 0, 100, 0, 2}, bits[] = {1, 0, 0, 0, 9};
    const uint8_t write[] = {16, 0, 100, 0, 1, 2, 0, 7};

    (void)state;
    assert_int_equal(modbus_check_answer(read, sizeof read, (uint8_t[]){3, 4, 1, 2, 3, 4}, 6), 0);
    assert_int_equal(modbus_check_answer(read, sizeof read, (uint8_t[]){3, 2, 1, 2}, 4), -EBADMSG);
    assert_int_equal(modbus_check_answer(read, sizeof read, (uint8_t[]){3, 4, 1, 2, 3}, 5),
                     -EBADMSG);
    assert_int_equal(modbus_check_answer(read, sizeof read, (uint8_t[]){4, 4, 1, 2, 3, 4}, 6),
                     -EBADMSG);
    assert_int_equal(modbus_check_answer(read, sizeof read, (uint8_t[]){0x83, 2}, 2), 2);
    assert_int_equal(modbus_check_answer(read, sizeof read, (uint8_t[]){0x83, 0}, 2), -EBADMSG);
    assert_int_equal(modbus_check_answer(read, sizeof read, (uint8_t[]){0x84, 2}, 2), -EBADMSG);
    assert_int_equal(modbus_check_answer(read, sizeof read, (uint8_t[]){3}, 1), -EBADMSG);
    assert_int_equal(modbus_check_answer(bits, sizeof bits, (uint8_t[]){1, 2, 0, 0}, 4), 0);
    assert_int_equal(modbus_check_answer(write, sizeof write, (uint8_t[]){16, 0, 100, 0, 1}, 5), 0);
    assert_int_equal(modbus_check_answer(write, sizeof write, (uint8_t[]){16, 0, 101, 0, 1}, 5),
                     -EBADMSG);
    assert_int_equal(modbus_check_answer(write, sizeof write, (uint8_t[]){0x90, 11}, 2), 11);
}

/* 6.21, the example, in one answer and in two. */
static void test_pdu_takes_an_identity(void **state)
{
    static const uint8_t whole[] = "\x2b\x0e\x01\x01\x00\x00\x03"
                                   "\x00\x16"
                                   "Company identification"
                                   "\x01\x0f"
                                   "Product code XX"
                                   "\x02\x05"
                                   "V2.11";
    static const uint8_t first[] = "\x2b\x0e\x01\x01\xff\x02\x02"
                                   "\x00\x02"
                                   "AB"
                                   "\x01\x03"
                                   "c\x1b\xff";
    struct modbus_identity identity = {0};

    (void)state;
    assert_int_equal(modbus_take_identity(whole, sizeof whole - 1, &identity), 0);
    assert_string_equal(identity.vendor, "Company identification");
    assert_string_equal(identity.product, "Product code XX");
    assert_string_equal(identity.revision, "V2.11");
    assert_int_equal(modbus_take_identity(first, sizeof first - 1, &identity), 2);
    assert_string_equal(identity.vendor, "AB");
    assert_string_equal(identity.product, "c??");
    assert_string_equal(identity.revision, "V2.11");
    for (size_t cut = 0; cut < sizeof whole - 1; cut++) {
        struct modbus_identity before = identity;
        assert_int_equal(modbus_take_identity(whole, cut, &identity), -EBADMSG);
        assert_memory_equal(&identity, &before, sizeof before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pdu_writes_as_the_specification),
        cmocka_unit_test(test_pdu_what_it_builds_is_a_request),
        cmocka_unit_test(test_pdu_passes_no_other_request_on),
        cmocka_unit_test(test_pdu_tells_an_answer_from_another),
        cmocka_unit_test(test_pdu_takes_an_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
