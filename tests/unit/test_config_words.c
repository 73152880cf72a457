/* The contract's words and what is near them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "phrase.h"
#include "plant.h"
#include "words.h"

static void test_duration_takes_each_unit(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"500ms", 500}, {"1s", 1000}, {"5m", 300000}, {"8h", 28800000}, {"0ms", 0}};
    const char *expected = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int64_t ms = -1;
        assert_int_equal(parse_duration(good[i].text, &ms, &expected), 0);
        assert_int_equal(ms, good[i].ms);
    }
}

static void test_duration_refuses_what_is_none_and_leaves_the_result(void **state)
{
    static const char *const bad[] = {"",     "5",
                                      "s",    "1.5s",
                                      "-1s",  "1 s",
                                      "1sec", "+1s",
                                      "1S",   "9223372036854775807h",
                                      "1d",   "ms",
                                      "1s\n", "99999999999999999999s"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t ms = -7;
        const char *expected = NULL;
        assert_int_equal(parse_duration(bad[i], &ms, &expected), -EINVAL);
        assert_int_equal(ms, -7);
        assert_non_null(strstr(expected, "500ms"));
    }
}

static void test_size_takes_binary_units_only(void **state)
{
    int64_t bytes = 0;
    const char *expected = NULL;

    (void)state;
    assert_int_equal(parse_size("64KiB", &bytes, &expected), 0);
    assert_int_equal(bytes, 65536);
    assert_int_equal(parse_size("2GiB", &bytes, &expected), 0);
    assert_int_equal(bytes, INT64_C(2) << 30);
    assert_int_equal(parse_size("1GB", &bytes, &expected), -EINVAL);
    assert_int_equal(parse_size("1024", &bytes, &expected), -EINVAL);
    assert_int_equal(parse_size("9999999999TiB", &bytes, &expected), -EINVAL);
}

static void test_host_port_takes_names_and_both_kinds_of_addresses(void **state)
{
    static const struct {
        const char *text, *host;
        uint16_t port;
    } good[] = {
        {"192.168.1.10:502", "192.168.1.10", 502},
        {"plc-1.hall_2.example", "plc-1.hall_2.example", 777},
        {"[fe80::1]:5020", "fe80::1", 5020},
        {"[::1]", "::1", 777},
        {"[fe80::1%eth0]:1", "fe80::1%eth0", 1},
        {"localhost:65535", "localhost", 65535},
    };
    const char *expected = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char *host = NULL;
        uint16_t port = 0;
        assert_int_equal(parse_host_port(good[i].text, 777, &host, &port, &expected), 0);
        assert_string_equal(host, good[i].host);
        assert_int_equal(port, good[i].port);
        free(host);
    }
}

static void test_host_port_refuses_what_is_neither(void **state)
{
    static const char *const bad[] = {
        "",          ":502",      "host:",   "host:0",   "host:65536", "host:5x",
        "1.2.3:502", "1.2.3.400", "fe80::1", "[fe80::1", "[zz]:1",     "a b:1",
        "user@host", "host/path", "[::1]x",  "-host",    "[::1%]:1",   "host:1:2"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *host = NULL;
        uint16_t port = 9;
        const char *expected = NULL;
        assert_int_equal(parse_host_port(bad[i], 502, &host, &port, &expected), -EINVAL);
        assert_null(host);
        assert_int_equal(port, 9);
        assert_non_null(expected);
    }
}

static void test_host_longer_than_dns_allows_is_refused(void **state)
{
    char text[300];
    char *host = NULL;
    uint16_t port = 0;
    const char *expected = NULL;

    (void)state;
    memset(text, 'a', sizeof text);
    text[254] = '\0';
    assert_int_equal(parse_host_port(text, 1, &host, &port, &expected), -EINVAL);
    text[253] = '\0';
    assert_int_equal(parse_host_port(text, 1, &host, &port, &expected), 0);
    free(host);
}

static void test_at_takes_four_tables_and_bits_of_words(void **state)
{
    enum area area = AREA_COIL;
    uint16_t address = 0;
    int8_t bit = 0;
    const char *expected = NULL;

    (void)state;
    assert_int_equal(parse_at("holding:100", &area, &address, &bit, &expected), 0);
    assert_true(area == AREA_HOLDING && address == 100 && bit == -1);
    assert_int_equal(parse_at("input:65535.15", &area, &address, &bit, &expected), 0);
    assert_true(area == AREA_INPUT && address == 65535 && bit == 15);
    assert_int_equal(parse_at("coil:0", &area, &address, &bit, &expected), 0);
    assert_true(area == AREA_COIL && address == 0 && bit == -1);
    assert_int_equal(parse_at("discrete:3", &area, &address, &bit, &expected), 0);
    assert_true(area == AREA_DISCRETE && address == 3);
}

static void test_at_refuses_what_no_table_has(void **state)
{
    static const char *const bad[] = {"",
                                      "holding",
                                      "holding:",
                                      "register:1",
                                      "40001",
                                      "holding:65536",
                                      "holding:1.16",
                                      "coil:1.0",
                                      "holding:1.",
                                      "holding:1x",
                                      "holding:-1",
                                      "Holding:1",
                                      "holding:1.3.4"};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        enum area area = AREA_COIL;
        uint16_t address = 9;
        int8_t bit = 9;
        const char *expected = NULL;
        assert_int_equal(parse_at(bad[i], &area, &address, &bit, &expected), -EINVAL);
        assert_int_equal(address, 9);
        assert_non_null(expected);
    }
}

static void test_type_knows_every_name_it_gives(void **state)
{
    const char *expected = NULL;

    (void)state;
    for (enum tag_type type = TYPE_BOOL; type < TYPE_STRING; type++) {
        enum tag_type found = TYPE_STRING;
        uint16_t bytes = 9;
        assert_int_equal(parse_type(tag_type_name(type), &found, &bytes, &expected), 0);
        assert_int_equal(found, type);
        assert_int_equal(bytes, 0);
    }
}

static void test_type_string_has_a_length_of_1_to_250(void **state)
{
    static const char *const bad[] = {"string",    "string:", "string:0", "string:251",
                                      "string:2x", "u16:2",   "u17",      ""};
    enum tag_type type = TYPE_BOOL;
    uint16_t bytes = 0;
    const char *expected = NULL;

    (void)state;
    assert_int_equal(parse_type("string:250", &type, &bytes, &expected), 0);
    assert_true(type == TYPE_STRING && bytes == 250);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(parse_type(bad[i], &type, &bytes, &expected), -EINVAL);
}

static void test_order_takes_four_and_eight_letters(void **state)
{
    static const struct {
        const char *text;
        uint8_t order;
    } good[] = {{"ABCD", 0},
                {"CDAB", ORDER_SWAP_WORDS},
                {"BADC", ORDER_SWAP_BYTES},
                {"DCBA", ORDER_SWAP_WORDS | ORDER_SWAP_BYTES},
                {"ABCDEFGH", 0},
                {"GHEFCDAB", ORDER_SWAP_WORDS},
                {"BADCFEHG", ORDER_SWAP_BYTES},
                {"HGFEDCBA", ORDER_SWAP_WORDS | ORDER_SWAP_BYTES}};
    uint8_t order = 9;
    const char *expected = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(parse_order(good[i].text, &order, &expected), 0);
        assert_int_equal(order, good[i].order);
    }
    assert_int_equal(parse_order("ACBD", &order, &expected), -EINVAL);
    assert_int_equal(parse_order("AB", &order, &expected), -EINVAL);
}

static void test_name_is_1_to_64_plain_characters(void **state)
{
    char name[66];

    (void)state;
    memset(name, 'x', sizeof name);
    name[65] = '\0';
    assert_false(is_name(name));
    name[64] = '\0';
    assert_true(is_name(name));
    assert_true(is_name("Binder-1.left_2"));
    assert_false(is_name(""));
    assert_false(is_name("a/b"));
    assert_false(is_name("装订"));
}

static void test_format_and_baud_are_those_of_serial_ports(void **state)
{
    uint8_t data = 0;
    uint8_t stop = 0;
    char parity = 0;

    (void)state;
    assert_int_equal(parse_format("7E1", &data, &parity, &stop), 0);
    assert_true(data == 7 && parity == 'E' && stop == 1);
    assert_int_equal(parse_format("8X1", &data, &parity, &stop), -EINVAL);
    assert_int_equal(parse_format("8N", &data, &parity, &stop), -EINVAL);
    assert_int_equal(parse_format("8N12", &data, &parity, &stop), -EINVAL);
    assert_true(is_baud(115200));
    assert_false(is_baud(9601));
    assert_false(is_baud(0));
}

static void test_quote_cuts_at_a_whole_character_and_hides_controls(void **state)
{
    char text[100] = "";

    (void)state;
    assert_string_equal(phrase_quote("a\nb\x7f").text, "\"a?b?\"");
    memset(text, 'x', 59);
    strcpy(text + 59, "\xe8\xa3\x85 and so on");
    const char *quoted = phrase_quote(text).text;
    assert_int_equal(strlen(quoted), 59 + 5);
    assert_string_equal(quoted + 60, "...\"");
}

static void test_duration_and_size_are_told_in_their_largest_unit(void **state)
{
    (void)state;
    assert_string_equal(phrase_duration(1500).text, "1500ms");
    assert_string_equal(phrase_duration(86400000).text, "24h");
    assert_string_equal(phrase_duration(0).text, "0ms");
    assert_string_equal(phrase_size(INT64_C(1) << 40).text, "1TiB");
    assert_string_equal(phrase_size(3 << 19).text, "1536KiB");
}

static void test_distance_counts_changed_letters(void **state)
{
    (void)state;
    assert_int_equal(phrase_distance("every", "every"), 0);
    assert_int_equal(phrase_distance("every", "evry"), 1);
    assert_int_equal(phrase_distance("adress", "address"), 1);
    assert_int_equal(phrase_distance("", "abc"), 3);
    assert_int_equal(phrase_distance("kitten", "sitting"), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_duration_takes_each_unit),
        cmocka_unit_test(test_duration_refuses_what_is_none_and_leaves_the_result),
        cmocka_unit_test(test_size_takes_binary_units_only),
        cmocka_unit_test(test_host_port_takes_names_and_both_kinds_of_addresses),
        cmocka_unit_test(test_host_port_refuses_what_is_neither),
        cmocka_unit_test(test_host_longer_than_dns_allows_is_refused),
        cmocka_unit_test(test_at_takes_four_tables_and_bits_of_words),
        cmocka_unit_test(test_at_refuses_what_no_table_has),
        cmocka_unit_test(test_type_knows_every_name_it_gives),
        cmocka_unit_test(test_type_string_has_a_length_of_1_to_250),
        cmocka_unit_test(test_order_takes_four_and_eight_letters),
        cmocka_unit_test(test_name_is_1_to_64_plain_characters),
        cmocka_unit_test(test_format_and_baud_are_those_of_serial_ports),
        cmocka_unit_test(test_quote_cuts_at_a_whole_character_and_hides_controls),
        cmocka_unit_test(test_duration_and_size_are_told_in_their_largest_unit),
        cmocka_unit_test(test_distance_counts_changed_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
