/* What is told: the first value, what moved, a changed quality, a heartbeat; nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "filter.h"

static struct tag tags[] = {
    {.name = "count"},
    {.name = "speed", .deadband = 0.5},
    {.name = "alive", .heartbeat_ms = 60000},
    {.name = "job", .type = TYPE_STRING, .string_bytes = 20},
};
static const struct machine machine = {.tags = tags, .tag_count = 4};

enum { COUNT, SPEED, ALIVE, JOB };

static struct sample decimal(uint16_t tag, int64_t mantissa, uint8_t decimals)
{
    return (struct sample){
        .tag = tag, .value = {.kind = VALUE_DECIMAL, .decimals = decimals, .mantissa = mantissa}};
}

static struct sample bad(uint16_t tag, enum quality quality)
{
    return (struct sample){.tag = tag, .quality = (uint8_t)quality};
}

static struct sample job(const char *text)
{
    return (struct sample){
        .tag = JOB, .value = {.kind = VALUE_TEXT, .length = (uint16_t)strlen(text), .text = text}};
}

/* Whether one sample, alone, passes. */
static bool told(struct filter *filter, struct sample sample, int64_t now_ms)
{
    return filter_pass(filter, &sample, 1, now_ms) == 1;
}

static int setup(void **state)
{
    *state = filter_new(&machine);
    return 0;
}

static int teardown(void **state)
{
    filter_free(*state);
    return 0;
}

static void test_the_first_value_is_told_even_if_it_is_zero(void **state)
{
    assert_true(told(*state, decimal(COUNT, 0, 0), 0));
    assert_false(told(*state, decimal(COUNT, 0, 0), 1));
}

static void test_without_deadband_every_change_is_told(void **state)
{
    told(*state, decimal(COUNT, 7, 0), 0);
    assert_true(told(*state, decimal(COUNT, 8, 0), 1));
    assert_false(told(*state, decimal(COUNT, 8, 0), 2));
}

static void test_deadband_counts_from_the_value_told_last(void **state)
{
    told(*state, decimal(SPEED, 558, 1), 0);
    assert_false(told(*state, decimal(SPEED, 561, 1), 1));
    assert_false(told(*state, decimal(SPEED, 562, 1), 2));
    assert_true(told(*state, decimal(SPEED, 563, 1), 3)); /* exactly 0.5 */
    assert_false(told(*state, decimal(SPEED, 559, 1), 4));
    assert_true(told(*state, decimal(SPEED, 558, 1), 5));
}

static void test_heartbeat_tells_what_did_not_change(void **state)
{
    told(*state, decimal(ALIVE, 1, 0), 1000);
    assert_false(told(*state, decimal(ALIVE, 1, 0), 60999));
    assert_true(told(*state, decimal(ALIVE, 1, 0), 61000));
    assert_false(told(*state, decimal(ALIVE, 1, 0), 62000));
}

static void test_a_failure_is_told_once_and_its_end_even_if_the_value_is_the_old_one(void **state)
{
    told(*state, decimal(COUNT, 5, 0), 0);
    assert_true(told(*state, bad(COUNT, QUALITY_TIMEOUT), 1));
    assert_false(told(*state, bad(COUNT, QUALITY_TIMEOUT), 2));
    assert_true(told(*state, bad(COUNT, QUALITY_LINK), 3));
    assert_true(told(*state, decimal(COUNT, 5, 0), 4));
}

static void test_a_text_is_compared_by_its_content(void **state)
{
    char buffer[] = "J-1041";
    assert_true(told(*state, job(buffer), 0));
    assert_false(told(*state, job("J-1041"), 1));
    buffer[5] = '2'; /* the text told last must not lie in the caller's buffer */
    assert_true(told(*state, job(buffer), 2));
}

static void test_what_stays_keeps_its_order(void **state)
{
    struct sample samples[] = {decimal(COUNT, 1, 0), decimal(SPEED, 10, 1), decimal(ALIVE, 1, 0)};
    assert_int_equal(filter_pass(*state, samples, 3, 0), 3);
    struct sample next[] = {decimal(COUNT, 2, 0), decimal(SPEED, 10, 1), bad(ALIVE, QUALITY_FRAME)};
    assert_int_equal(filter_pass(*state, next, 3, 1), 2);
    assert_int_equal(next[0].tag, COUNT);
    assert_int_equal(next[1].tag, ALIVE);
}

/* Without a deadband or a heartbeat in the whole machine there is a shorter way. */
static struct tag plain_tags[] = {{.name = "count"}, {.name = "speed"}};
static const struct machine plain_machine = {.tags = plain_tags, .tag_count = 2};

static int setup_plain(void **state)
{
    *state = filter_new(&plain_machine);
    return 0;
}

static void test_of_a_plain_machine_every_change_of_value_or_decimals_is_told(void **state)
{
    assert_true(told(*state, decimal(COUNT, 0, 0), 0));
    assert_false(told(*state, decimal(COUNT, 0, 0), 1));
    assert_true(told(*state, decimal(COUNT, 50, 0), 2));
    assert_true(told(*state, decimal(COUNT, 50, 1), 3));
    assert_false(told(*state, decimal(COUNT, 50, 1), 4));
    assert_true(told(*state, decimal(COUNT, -50, 1), 5));
}

static void test_a_plain_machine_s_failure_is_told_once_and_its_end_too(void **state)
{
    struct sample refused = bad(COUNT, QUALITY_EXCEPTION), other = refused;
    refused.exception = 2;
    other.exception = 4;
    told(*state, decimal(COUNT, 5, 0), 0);
    assert_true(told(*state, refused, 1));
    assert_false(told(*state, refused, 2));
    assert_true(told(*state, other, 3));
    assert_true(told(*state, decimal(COUNT, 5, 0), 4));
    assert_false(told(*state, decimal(COUNT, 5, 0), 5));
}

static void test_a_plain_machine_s_value_of_another_kind_is_told(void **state)
{
    struct sample real = {.tag = COUNT, .value = {.kind = VALUE_REAL32, .real32 = 5}};
    told(*state, decimal(COUNT, 5, 0), 0);
    assert_true(told(*state, real, 1));
    assert_false(told(*state, real, 2));
    assert_true(told(*state, decimal(COUNT, 5, 0), 3));
}

static void test_what_did_not_arrive_is_told_again_of_a_plain_machine(void **state)
{
    told(*state, decimal(COUNT, 5, 0), 0);
    filter_forget(*state);
    assert_true(told(*state, decimal(COUNT, 5, 0), 1));
    assert_false(told(*state, decimal(COUNT, 5, 0), 2));
}

static void test_what_stays_of_a_plain_machine_keeps_its_order(void **state)
{
    struct sample samples[] = {decimal(COUNT, 1, 0), decimal(SPEED, 10, 1)};
    assert_int_equal(filter_pass(*state, samples, 2, 0), 2);
    struct sample next[] = {decimal(COUNT, 1, 0), decimal(SPEED, 11, 1)};
    assert_int_equal(filter_pass(*state, next, 2, 1), 1);
    assert_int_equal(next[0].tag, SPEED);
    assert_int_equal(next[0].value.mantissa, 11);
}

/* It may be told by a gateway that has just been started, of what it told before that. */
static void test_a_value_that_is_made_is_told_at_first_even_if_there_is_none(void **state)
{
    (void)state;
    const struct state_config config = {.offline_after_ms = 1};
    const struct machine with_state = {.tags = tags, .tag_count = 4, .state = &config};
    const struct sample none = {.tag = (uint16_t)(machine_state_value(&with_state) + 1)};
    struct sample jam = job("paper jam");
    jam.tag = none.tag;
    struct filter *filter = filter_new(&with_state);
    assert_true(told(filter, none, 0));
    assert_false(told(filter, none, 1));
    assert_true(told(filter, jam, 2));
    filter_forget(filter);
    assert_true(told(filter, none, 3));
    filter_free(filter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_first_value_is_told_even_if_it_is_zero, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_without_deadband_every_change_is_told, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_deadband_counts_from_the_value_told_last, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_heartbeat_tells_what_did_not_change, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_failure_is_told_once_and_its_end_even_if_the_value_is_the_old_one, setup,
            teardown),
        cmocka_unit_test_setup_teardown(test_a_text_is_compared_by_its_content, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_stays_keeps_its_order, setup, teardown),
        cmocka_unit_test_setup_teardown(
            test_of_a_plain_machine_every_change_of_value_or_decimals_is_told, setup_plain,
            teardown),
        cmocka_unit_test_setup_teardown(test_a_plain_machine_s_failure_is_told_once_and_its_end_too,
                                        setup_plain, teardown),
        cmocka_unit_test_setup_teardown(test_a_plain_machine_s_value_of_another_kind_is_told,
                                        setup_plain, teardown),
        cmocka_unit_test_setup_teardown(test_what_did_not_arrive_is_told_again_of_a_plain_machine,
                                        setup_plain, teardown),
        cmocka_unit_test_setup_teardown(test_what_stays_of_a_plain_machine_keeps_its_order,
                                        setup_plain, teardown),
        cmocka_unit_test(test_a_value_that_is_made_is_told_at_first_even_if_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
